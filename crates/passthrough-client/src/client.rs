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
use crate::server_url::ServerUrl;

const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);
/// Longer than the server's own default deadline, so that it is the server that says what took so long.
const TIMEOUT: Duration = Duration::from_secs(90);
const POOL_IDLE: Duration = Duration::from_secs(60);

/// A client of one server with one API key. Cheap to clone; all clones share their sockets.
#[derive(Clone)]
pub struct Client {
    pub(crate) shared: Arc<Shared>,
}

/// What all clones share.
pub(crate) struct Shared {
    pub(crate) http: legacy::Client<HttpsConnector<HttpConnector>, Body>,
    pub(crate) server: ServerUrl,
    pub(crate) timeout: Duration,
    /// `Authorization`, marked sensitive.
    pub(crate) headers: HeaderMap,
}

/// Sets up a [`Client`].
#[derive(Debug)]
#[must_use]
pub struct Builder {
    server_url: String,
    api_key: Option<SecretString>,
    timeout: Duration,
    connect_timeout: Duration,
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
            allow_plain_http: false,
        }
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
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("server", &self.shared.server.origin()).finish_non_exhaustive()
    }
}

impl Builder {
    /// The API key, `sk_…`. Without one, only health and readiness can be asked.
    pub fn api_key(mut self, api_key: SecretString) -> Self {
        self.api_key = Some(api_key);
        self
    }

    /// How long to wait for a whole answer, or for the head of a streamed one once the request stands still.
    /// 90 seconds where nothing is said.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// How long to wait for a TCP connection to the server. 10 seconds where nothing is said.
    pub fn connect_timeout(mut self, timeout: Duration) -> Self {
        self.connect_timeout = timeout;
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
        let mut headers = HeaderMap::new();
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
        Ok(Client { shared: Arc::new(Shared { http, server, timeout: self.timeout, headers }) })
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
