//! One end user's account: the calls that a connection token opens.

use std::fmt;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, Method, header};
use passthrough_wire::connection::{Connection as WireConnection, Deleted, PatchConnection};
use passthrough_wire::passthrough::{Method as WireMethod, PassthroughRequest, PassthroughResponse};
use passthrough_wire::{CONNECTION_TOKEN_HEADER, TIMEOUT_HEADER};
use secrecy::{ExposeSecret, SecretString};

use crate::body::Body;
use crate::client::{Client, secret_value};
use crate::error::Error;
use crate::exchange::{Call, source};
use crate::response::Response;
use crate::retries::RetryConfig;

/// How much longer than the server we wait, so that it is the server that reports what took so long.
const HEADROOM: Duration = Duration::from_secs(10);
const CURRENT: &str = "/v1/connections/current";

/// One end user's account at a provider. Cheap to clone.
#[derive(Clone)]
pub struct Connection {
    client: Client,
    token: SecretString,
    options: HeaderMap,
}

/// The answer of [`Connection::raw`].
#[derive(Debug)]
pub enum Raw {
    /// The provider answered 2xx: its own bytes, streamed.
    Provider(Response),
    /// It answered anything else.
    Envelope(Box<PassthroughResponse>),
}

/// The deadline among headers.
fn asked_ms(headers: &HeaderMap) -> Option<u64> {
    headers.get(TIMEOUT_HEADER).and_then(|value| value.to_str().ok()?.parse().ok())
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("client", &self.client).finish_non_exhaustive()
    }
}

impl Connection {
    pub(crate) fn new(client: Client, token: SecretString) -> Self {
        Self { client, token, options: HeaderMap::new() }
    }

    /// With options for each of its passthrough calls, by whichever door: [`TIMEOUT_HEADER`],
    /// [`RETRIES_HEADER`](passthrough_wire::RETRIES_HEADER), [`THROTTLE_HEADER`](passthrough_wire::THROTTLE_HEADER),
    /// [`BASE_HEADER`](passthrough_wire::BASE_HEADER).
    #[must_use]
    pub fn with_options(self, options: HeaderMap) -> Self {
        Self { options, ..self }
    }

    /// The same account, whose calls wait so long: see [`Builder::timeout`](crate::Builder::timeout).
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { client: self.client.with_timeout(timeout), ..self }
    }

    /// The same account, whose requests are tried again as `retries` says. The proxy is not.
    #[must_use]
    pub fn with_retries(self, retries: RetryConfig) -> Self {
        Self { client: self.client.with_retries(retries), ..self }
    }

    /// Makes a passthrough request. Any status of the provider is an `Ok`.
    ///
    /// # Errors
    /// Every [`Error`]: none of them is the provider's answer.
    pub async fn request(&self, request: &PassthroughRequest) -> Result<PassthroughResponse, Error> {
        self.client.call(self.envelope("/v1/passthrough", request)?).await
    }

    /// Makes a passthrough request whose answer is a download: the provider's bytes as they arrive.
    ///
    /// # Errors
    /// Every [`Error`]: none of them is the provider's answer.
    pub async fn raw(&self, request: &PassthroughRequest) -> Result<Raw, Error> {
        let call = self.envelope("/v1/passthrough/raw", request)?;
        self.client.persist(call, |call| self.raw_once(call)).await
    }

    async fn raw_once(&self, call: Call) -> Result<Raw, Error> {
        let patience = call.timeout.unwrap_or(self.client.timeout);
        let answer = self.client.head(call).await?;
        match source(answer.headers()) {
            Some("provider") => Ok(Raw::Provider(Response::new(self.client.clone(), answer))),
            Some("envelope") => {
                let body = self.client.collect(answer, patience).await?;
                let envelope = serde_json::from_slice(&body);
                envelope
                    .map(|envelope| Raw::Envelope(Box::new(envelope)))
                    .map_err(|e| Error::decode("the answer", &e))
            }
            _ => Err(self.client.refusal(answer, patience).await),
        }
    }

    /// Passes an HTTP request through: any method, the path and query byte for byte, the body while it comes.
    /// The answer is the provider's own, streamed.
    ///
    /// Options may go as headers, too, and then replace those of [`Connection::with_options`]. How a body is framed is
    /// decided by the body alone, so `Content-Length`, `Transfer-Encoding`, `Connection` and `Host` among `headers` are
    /// left out. Nothing is tried again here, except by the server.
    ///
    /// # Errors
    /// Every [`Error`]: none of them is the provider's answer.
    pub async fn proxy(
        &self,
        method: Method,
        path_and_query: &str,
        mut headers: HeaderMap,
        body: Body,
    ) -> Result<Response, Error> {
        // `/v1/proxy` and `x` would make `/v1/proxyx`, which is another place of the API.
        if !path_and_query.starts_with('/') {
            return Err(Error::Request("the path must begin with `/`".to_owned()));
        }
        for name in [header::CONTENT_LENGTH, header::TRANSFER_ENCODING, header::CONNECTION, header::HOST] {
            headers.remove(name);
        }
        for (name, value) in &self.options {
            if !headers.contains_key(name) {
                headers.insert(name, value.clone());
            }
        }
        headers.insert(CONNECTION_TOKEN_HEADER, self.token()?);
        let patience = self.patience(asked_ms(&headers));
        let path = format!("/v1/proxy{path_and_query}");
        let answer = self.client.exchange(method, &path, headers, body, patience).await?;
        match source(answer.headers()) {
            Some("provider") => Ok(Response::new(self.client.clone(), answer)),
            _ => Err(self.client.refusal(answer, patience).await),
        }
    }

    /// The connection itself.
    ///
    /// # Errors
    /// Every [`Error`].
    pub async fn current(&self) -> Result<WireConnection, Error> {
        self.client.call(Call::get(CURRENT).token(self.token()?)).await
    }

    /// Changes the connection.
    ///
    /// # Errors
    /// Every [`Error`].
    pub async fn update(&self, change: &PatchConnection) -> Result<WireConnection, Error> {
        let json = change.to_json().map_err(|_| unwritable())?;
        let call =
            Call::new(Method::PATCH, CURRENT).token(self.token()?).json(json.expose_secret().to_owned());
        self.client.call(call).await
    }

    /// Deletes the connection and its credential, for good.
    ///
    /// # Errors
    /// Every [`Error`].
    pub async fn delete(&self) -> Result<(), Error> {
        self.client.call_for_nothing(Call::new(Method::DELETE, CURRENT).token(self.token()?)).await
    }

    /// Gives the grant back to its provider, and deletes the connection whatever comes of that.
    ///
    /// # Errors
    /// Every [`Error`].
    pub async fn revoke_and_delete(&self) -> Result<Deleted, Error> {
        let path = format!("{CURRENT}?revoke=true");
        self.client.call(Call::new(Method::DELETE, path).token(self.token()?)).await
    }

    fn envelope(&self, path: &str, request: &PassthroughRequest) -> Result<Call, Error> {
        let json = serde_json::to_vec(request).map_err(|_| unwritable())?;
        let call = Call::new(Method::POST, path).token(self.token()?).json(json);
        let asked = request.timeout_ms.or_else(|| asked_ms(&self.options));
        let (timeout, options, safe) =
            (Some(self.patience(asked)), self.options.clone(), is_safe(request.method));
        Ok(Call { timeout, options, safe, ..call })
    }

    /// How long to wait for a call that asked the server for a deadline of its own.
    fn patience(&self, asked_ms: Option<u64>) -> Duration {
        let asked = asked_ms.map(|ms| Duration::from_millis(ms).saturating_add(HEADROOM));
        asked.map_or(self.client.timeout, |asked| asked.max(self.client.timeout))
    }

    fn token(&self) -> Result<HeaderValue, Error> {
        secret_value("", &self.token)
    }
}

/// Whether the request changes nothing at the provider.
fn is_safe(method: WireMethod) -> bool {
    matches!(method, WireMethod::Get | WireMethod::Head | WireMethod::Options)
}

pub(crate) fn unwritable() -> Error {
    Error::Request("the request cannot be written as JSON".to_owned())
}
