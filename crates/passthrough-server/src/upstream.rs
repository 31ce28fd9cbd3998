//! The one and only way to a provider.
//!
//! Every request that leaves this program for the outside goes through [`Upstream::send`]: providers' APIs,
//! token endpoints, logins. It knows origins, sockets and HTTP; it must not know providers, credentials,
//! callers or what an answer means. It never follows a redirect, never retries what may have been sent,
//! and reads no proxy from the environment.
//!
//! HTTP/2 where a provider chooses it over TLS, else HTTP/1.1.

mod answer;
mod dial;
mod error;
mod exchange;
mod http1;
mod http2;
mod identity;
mod limit;
mod patience;
mod pool;
mod ready;
mod request;
mod resolve;
mod tls;
mod upgrade;
pub mod worker;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use http::uri::PathAndQuery;
use http::{Method, StatusCode};
use passthrough_core::address::AddressPolicy;
use passthrough_core::base_url::Origin;
use passthrough_core::header::Fields;
use passthrough_core::id::{ConnectionId, Environment};
use thiserror::Error;
use tokio::time::Instant;

pub use self::answer::{Answer, AnswerBody, Dialled};
use self::dial::Connector;
pub use self::error::{BodyError, Reason, SendError, Sent, is_out_of_descriptors};
pub use self::exchange::in_time;
pub use self::identity::{ClientIdentity, InvalidIdentity};
use self::limit::Gates;
use self::pool::Pools;
pub use self::request::{BoxError, UpstreamBody};
use self::resolve::Resolver;
use self::tls::Tls;
pub use self::upgrade::{Upgrade, UpgradedConnection};
use crate::metrics;

/// How names are looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Dns {
    /// Own resolver with a cache that keeps to the records' TTL.
    #[default]
    Hickory,
    /// The operating system's.
    System,
}

/// How many requests may be in flight.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// In all.
    pub in_flight: usize,
    /// To one origin.
    pub per_origin: usize,
    /// On behalf of one connection.
    pub per_connection: usize,
    /// How long a request waits for its place before it is refused as `overloaded`.
    pub wait: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { in_flight: 1024, per_origin: 100, per_connection: 32, wait: Duration::from_secs(1) }
    }
}

/// How long each part of an exchange may take.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// Looking a name up.
    pub dns: Duration,
    /// TCP and TLS together.
    pub connect: Duration,
    /// From the last movement of the request to the head of the answer.
    pub first_byte: Duration,
    /// Between two frames of a body, either way.
    pub idle: Duration,
    /// How long a socket rests in the pool.
    pub pool_idle: Duration,
}

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            dns: Duration::from_secs(2),
            connect: Duration::from_secs(5),
            first_byte: Duration::from_secs(30),
            idle: Duration::from_secs(30),
            pool_idle: Duration::from_secs(30),
        }
    }
}

/// How the way to providers is set up.
#[derive(Debug, Clone)]
pub struct UpstreamConfig {
    /// Which addresses may be dialled.
    pub address_policy: AddressPolicy,
    /// How names are looked up.
    pub dns: Dns,
    /// Certificate authorities to trust besides Mozilla's, PEM.
    pub extra_roots_pem: Option<Vec<u8>>,
    /// Whether HTTP/2 is offered to providers.
    pub http2: bool,
    /// How many requests may be in flight.
    pub limits: Limits,
    /// How long each part of an exchange may take.
    pub timeouts: Timeouts,
    /// What is counted on the way.
    pub numbers: Arc<metrics::Upstream>,
}

impl Default for UpstreamConfig {
    fn default() -> Self {
        Self {
            address_policy: AddressPolicy::default(),
            dns: Dns::default(),
            extra_roots_pem: None,
            http2: true,
            limits: Limits::default(),
            timeouts: Timeouts::default(),
            numbers: Arc::default(),
        }
    }
}

/// A set-up that cannot work.
#[derive(Debug, Error)]
pub enum UpstreamError {
    /// The extra certificate authorities cannot be read.
    #[error("the extra root certificates are not PEM certificates; check the file for BEGIN CERTIFICATE")]
    ExtraRoots,
    /// TLS cannot be set up.
    #[error("TLS cannot be set up")]
    Tls(#[source] rustls::Error),
    /// There is no place for what providers give.
    #[error("the folder `spool` in the data folder cannot be made")]
    Spool(#[source] std::io::Error),
}

/// Takes an interim head (RFC 9110 section 15.2): status, reason phrase, fields.
pub type InterimSink = Box<dyn FnMut(StatusCode, bytes::Bytes, Fields) + Send>;

/// One request to a provider.
pub struct Call {
    /// The closed room that it belongs to; sockets are never shared between rooms.
    pub environment: Environment,
    /// The connection that it is made for, for its limit; `None` for calls of our own.
    pub connection: Option<ConnectionId>,
    /// Where it goes. `Host`, SNI and the address rules come from here alone.
    pub origin: Arc<Origin>,
    /// The client certificate to present.
    pub identity: Option<Arc<ClientIdentity>>,
    /// The method.
    pub method: Method,
    /// Path and query, sent byte for byte.
    pub path: PathAndQuery,
    /// The headers. `host` and all framing headers are replaced; `connection` and `upgrade` stay only where
    /// they ask for an upgrade.
    pub fields: Fields,
    /// The body.
    pub body: UpstreamBody,
    /// Whether it goes over a connection of its own, which nobody has used. One that was idle may be closed by the
    /// provider in the moment in which it is used, and then nobody knows what became of the request.
    pub fresh: bool,
    /// Who wants to see the heads that come before the answer (1xx), as they come.
    pub interim: Option<InterimSink>,
    /// Instead of [`Timeouts::first_byte`].
    pub first_byte: Option<Duration>,
    /// Instead of [`Timeouts::idle`].
    pub idle: Option<Duration>,
    /// When all of it must be over, the body of the answer included. `None`: a body may flow for ever.
    pub deadline: Option<Instant>,
}

impl Call {
    /// A call without headers and body, with the configured deadlines and no client certificate.
    pub fn new(environment: Environment, origin: Arc<Origin>, method: Method, path: PathAndQuery) -> Self {
        Self {
            environment,
            connection: None,
            origin,
            identity: None,
            method,
            path,
            fields: Fields::default(),
            body: UpstreamBody::Empty,
            fresh: false,
            interim: None,
            first_byte: None,
            idle: None,
            deadline: None,
        }
    }
}

impl fmt::Debug for Call {
    /// Without path, headers and body: a credential may stand in any of them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Call")
            .field("environment", &self.environment)
            .field("connection", &self.connection)
            .field("origin", &self.origin)
            .field("identity", &self.identity)
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

/// The way to providers. Cheap to clone; clones share sockets and limits.
#[derive(Clone)]
pub struct Upstream(Arc<Inner>);

struct Inner {
    connector: Connector,
    gates: Gates,
    pools: Arc<Pools>,
    http2: bool,
    timeouts: Timeouts,
    numbers: Arc<metrics::Upstream>,
}

impl fmt::Debug for Upstream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Upstream")
    }
}

impl Upstream {
    /// Sets the way up. Touches no network.
    pub fn new(config: UpstreamConfig) -> Result<Self, UpstreamError> {
        let UpstreamConfig { address_policy, dns, extra_roots_pem, http2, limits, timeouts, numbers } =
            config;
        let connector = Connector {
            policy: address_policy,
            resolver: Resolver::new(dns, timeouts.dns),
            tls: Tls::new(extra_roots_pem.as_deref())?,
            dns_timeout: timeouts.dns,
            connect_timeout: timeouts.connect,
        };
        let pools = Pools::new(timeouts.pool_idle);
        Ok(Self(Arc::new(Inner { connector, gates: Gates::new(limits), pools, http2, timeouts, numbers })))
    }

    /// How many sockets rest at the moment.
    pub fn resting(&self) -> usize {
        self.0.pools.resting()
    }

    /// Sends one request and gives the answer as soon as its head is there. Dropping the future, or the
    /// answer's body before its end, closes the connection to the provider. The body is taken out of the call as soon
    /// as there is a connection to send it on; where none could be made, it is still there.
    ///
    /// The answer is on the heap, because it goes through many hands.
    pub async fn send(&self, call: &mut Call) -> Result<Box<Answer>, SendError> {
        exchange::send(&self.0, call).await
    }
}
