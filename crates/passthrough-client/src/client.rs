//! The client: one server, one API key, one pool of sockets.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use secrecy::{ExposeSecret, SecretString};

use crate::body::Body;
use crate::connection::Connection;
use crate::error::Error;
use crate::retries::RetryConfig;
use crate::server_url::ServerUrl;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longer than the server's own default deadline, so that it is the server that says what took so long.
const TIMEOUT: Duration = Duration::from_secs(90);
const POOL_IDLE: Duration = Duration::from_secs(60);
const LOCAL: &str = "http://127.0.0.1:8080";
const SERVER_URL_VARIABLE: &str = "PASSTHROUGH_SERVER_URL";
const API_KEY_VARIABLE: &str = "PASSTHROUGH_API_KEY";

/// A client of one server with one API key. Cheap to clone; all clones share their sockets.
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
    pub(crate) timeout: Duration,
    pub(crate) retries: Arc<RetryConfig>,
}

/// What all clones share.
pub(crate) struct Shared {
    pub(crate) http: legacy::Client<HttpsConnector<HttpConnector>, Body>,
    pub(crate) server: ServerUrl,
    /// `Authorization`, marked sensitive, and what else goes with every request.
    pub(crate) headers: HeaderMap,
}

/// Sets up a [`Client`].
#[must_use]
pub struct Builder {
    server_url: String,
    api_key: Option<SecretString>,
    timeout: Duration,
    connect_timeout: Duration,
    retries: RetryConfig,
    headers: HeaderMap,
    allow_plain_http: bool,
}

impl Client {
    /// A client of the server at `server_url`, such as `https://passthrough.example`.
    pub fn builder(server_url: impl Into<String>) -> Builder {
        Builder {
            server_url: server_url.into(),
            api_key: None,
            timeout: TIMEOUT,
            connect_timeout: CONNECT_TIMEOUT,
            retries: RetryConfig::default(),
            headers: HeaderMap::new(),
            allow_plain_http: false,
        }
    }

    /// A client of the server that `PASSTHROUGH_SERVER_URL` names, else of the one at `http://127.0.0.1:8080`, with the
    /// API key in `PASSTHROUGH_API_KEY`.
    ///
    /// # Errors
    /// Those of [`Builder::build`]; [`Error::Request`] where a variable is not Unicode.
    pub fn from_env() -> Result<Self, Error> {
        let mut builder = Self::builder(variable(SERVER_URL_VARIABLE)?.unwrap_or_else(|| LOCAL.to_owned()));
        builder.api_key = variable(API_KEY_VARIABLE)?.map(SecretString::from);
        builder.build()
    }

    /// The same client, whose calls wait so long: see [`Builder::timeout`].
    #[must_use]
    pub fn with_timeout(self, timeout: Duration) -> Self {
        Self { timeout, ..self }
    }

    /// The same client, whose calls are tried again as `retries` says.
    #[must_use]
    pub fn with_retries(self, retries: RetryConfig) -> Self {
        Self { retries: Arc::new(retries), ..self }
    }

    /// One end user's account: all its calls present this connection token.
    ///
    /// # Errors
    /// None here; a token that can be no header value is reported by the first call.
    pub fn connection(&self, token: SecretString) -> Connection {
        Connection::new(self.clone(), token)
    }

    /// Scheme, host and port of the server.
    pub fn origin(&self) -> String {
        self.shared.server.origin()
    }

    /// The base URL of the proxy, for other people's clients: those must send the API key as `Authorization: Bearer`
    /// and the connection token as `Connection-Token`.
    pub fn proxy_base_url(&self) -> String {
        self.shared.server.below("/v1/proxy")
    }
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("server", &self.shared.server.origin()).finish_non_exhaustive()
    }
}

/// Without the headers: a gateway's may be secret.
impl fmt::Debug for Builder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Builder")
            .field("server_url", &self.server_url)
            .field("timeout", &self.timeout)
            .field("retries", &self.retries)
            .finish_non_exhaustive()
    }
}

impl Builder {
    /// The API key, `sk_…`. Without one, only health and readiness can be asked.
    pub fn api_key(mut self, api_key: SecretString) -> Self {
        self.api_key = Some(api_key);
        self
    }

    /// How long to wait for a whole answer, with all repetitions and the pauses between them; or for the head of a
    /// streamed one once the request stands still. 90 seconds where nothing is said.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long to wait for a TCP connection to the server. 10 seconds where nothing is said.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
        self
    }

    /// When calls are tried again. Safe ones, for ten seconds at the most, where nothing is said.
    pub fn retries(mut self, retries: RetryConfig) -> Self {
        self.retries = retries;
        self
    }

    /// Headers for every request to the server, such as those that a gateway in front of it wants. They do not go to
    /// the provider, except through the proxy; the API key always wins over an `Authorization` among them.
    pub fn headers(mut self, headers: HeaderMap) -> Self {
        self.headers = headers;
        self
    }

    /// Allows `http://` to another machine. API key, connection token and all bodies then travel in clear, so
    /// this is for networks that are protected otherwise.
    pub fn allow_plain_http(mut self, allow: bool) -> Self {
        self.allow_plain_http = allow;
        self
    }

    /// The client. Nothing is sent yet.
    ///
    /// # Errors
    /// [`Error::ServerUrl`], [`Error::Request`] for a key that can be no header value, [`Error::Tls`].
    pub fn build(self) -> Result<Client, Error> {
        let server = ServerUrl::parse(&self.server_url)?;
        // Whoever listens on the way would have the key to every connection of the environment.
        if server.travels_in_clear() && !self.allow_plain_http {
            return Err(Error::ServerUrl("is plain http to another machine: use https, or allow plain http"));
        }
        let mut headers = self.headers;
        if let Some(key) = &self.api_key {
            headers.insert(header::AUTHORIZATION, secret_value("Bearer ", key)?);
        }
        let mut tcp = HttpConnector::new();
        tcp.enforce_http(false);
        tcp.set_nodelay(true);
        tcp.set_connect_timeout(Some(self.connect_timeout));
        let https = HttpsConnectorBuilder::new()
            .with_provider_and_webpki_roots(rustls::crypto::aws_lc_rs::default_provider())
            .map_err(|error| Error::Tls(Box::new(error)))?
            .https_or_http()
            .enable_all_versions()
            .wrap_connector(tcp);
        let http = legacy::Client::builder(TokioExecutor::new())
            .pool_timer(TokioTimer::new())
            .pool_idle_timeout(POOL_IDLE)
            // Only a request of which nothing was written is given another socket: never a write sent twice.
            .retry_canceled_requests(true)
            .build(https);
        let (timeout, retries) = (self.timeout, Arc::new(self.retries));
        Ok(Client { shared: Arc::new(Shared { http, server, headers }), timeout, retries })
    }
}

#[expect(clippy::disallowed_methods, reason = "only where the program asks for it by name")]
fn variable(name: &'static str) -> Result<Option<String>, Error> {
    match std::env::var(name) {
        Ok(value) => Ok(Some(value.trim().to_owned()).filter(|value| !value.is_empty())),
        Err(std::env::VarError::NotPresent) => Ok(None),
        // Its value is not quoted: it may be the key.
        Err(std::env::VarError::NotUnicode(_)) => Err(Error::Request(format!("{name} is not Unicode"))),
    }
}

/// A header value that holds a secret: it is not shown by debug output and not kept in HTTP/2's header table.
pub(crate) fn secret_value(prefix: &str, secret: &SecretString) -> Result<HeaderValue, Error> {
    let mut value = HeaderValue::try_from(format!("{prefix}{}", secret.expose_secret())).map_err(|_| {
        Error::Request("the API key or connection token holds a character that it cannot hold".into())
    })?;
    value.set_sensitive(true);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_http_leaves_the_machine_only_where_allowed() {
        let builder = || Client::builder("http://passthrough.example").api_key("sk_1".into());
        assert!(matches!(builder().build(), Err(Error::ServerUrl(_))));
        assert!(builder().allow_plain_http(true).build().is_ok());
        assert!(Client::builder("https://passthrough.example").build().is_ok());
    }

    #[test]
    fn debug_shows_no_key() {
        let builder = Client::builder("http://127.0.0.1:1").api_key("sk_s3cret".into());
        assert!(!format!("{builder:?}").contains("s3cret"));
        let client = builder.build().unwrap();
        let connection = client.connection("con_tkn_s3cret".into());
        assert!(!format!("{client:?} {connection:?} {:?}", client.shared.headers).contains("s3cret"));
    }

    #[test]
    fn a_key_that_is_no_header_value_is_refused_without_being_quoted() {
        let error =
            Client::builder("http://127.0.0.1:1").api_key("sk_\r\ns3cret".into()).build().unwrap_err();
        assert!(matches!(error, Error::Request(_)) && !error.to_string().contains("s3cret"));
    }
}
