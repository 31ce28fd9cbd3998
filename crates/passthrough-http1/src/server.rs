//! One caller's HTTP/1.1 connection, from its first byte to its last (RFC 9112).
//!
//! [`serve`] is one future: it reads a head, drives the handler, writes the answer and begins again. Nothing
//! is spawned and no channel is between the socket, the handler and the bodies. What must end early ends by
//! being dropped: the caller going away drops the handler's future, and dropping [`serve`] closes the socket.
//!
//! It knows no routes and writes no text of its own: what is refused is handed to the handler as a
//! [`Refusal`], so that the owner phrases the answer.

mod answer;
mod body;
mod exchange;
mod inbound;
mod interim;
mod judge;
mod outgoing;
mod rest;
mod timer;

use std::error::Error;
use std::future::Future;
use std::io;
use std::pin::pin;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use http_body::Body;
use thiserror::Error;
use tokio::net::TcpStream;

pub use body::{IncomingBody, IncomingError};
pub use interim::Interim;
pub use judge::Refusal;

use crate::Field;
use crate::head::{Limits, RequestHead, Unwritable};
use exchange::Over;
use rest::{Connection, Next, Stop};

/// How patient a connection is.
#[derive(Debug, Clone, Copy)]
pub struct Settings {
    /// How large the head of a request may be.
    pub limits: Limits,
    /// How long a head may take, from the accepted connection or from its first byte.
    pub head: Duration,
    /// How long a connection may rest between two requests.
    pub rest: Duration,
    /// How long the body of a request may stand still.
    pub body_idle: Duration,
    /// How long a caller may take nothing of an answer.
    pub unread: Duration,
}

/// A request, whose body may still be on its way.
#[derive(Debug)]
pub struct Request {
    /// Its head, as it came.
    pub head: RequestHead,
    /// Its body.
    pub body: IncomingBody,
    /// Where interim answers go.
    pub interim: Interim,
}

/// A final answer. `Content-Length` among the fields is believed and enforced; `Transfer-Encoding` and
/// `Connection` are the connection's business and are not written as given, except with a 101. `Connection:
/// close` is heeded.
#[derive(Debug)]
pub struct Response<B, U> {
    /// The status.
    pub status: StatusCode,
    /// The reason phrase, which may be empty.
    pub reason: Bytes,
    /// The fields, in their order.
    pub fields: Vec<Field>,
    /// The body. It is not read where the answer cannot have one (RFC 9112 §6.3).
    pub body: B,
    /// With a 101: what the owner wants back together with the connection.
    pub upgrade: Option<U>,
}

impl<B, U> Response<B, U> {
    /// An answer with the usual reason phrase and no fields.
    pub fn new(status: StatusCode, body: B) -> Self {
        let reason = Bytes::from_static(status.canonical_reason().unwrap_or_default().as_bytes());
        Self { status, reason, fields: Vec::new(), body, upgrade: None }
    }
}

/// How a connection ended.
#[derive(Debug)]
pub enum End<U> {
    /// In good order.
    Closed,
    /// Within a request or an answer.
    Broken(Broken),
    /// The head of a 101 was written, and the connection is the owner's.
    Upgraded {
        /// The connection.
        stream: TcpStream,
        /// What was read from it already.
        rest: BytesMut,
        /// What the answer carried.
        with: U,
    },
    /// The caller speaks HTTP/2; nothing was answered.
    Http2 {
        /// The connection.
        stream: TcpStream,
        /// What was read from it already, the preface first.
        rest: BytesMut,
    },
}

/// Why a connection ended early.
#[derive(Debug, Error)]
pub enum Broken {
    /// The caller went away.
    #[error("the caller went away")]
    Gone,
    /// The caller takes nothing of the answer.
    #[error("the caller does not read the answer")]
    Unread,
    /// The socket failed.
    #[error("the caller's socket failed: {0}")]
    Io(#[from] io::Error),
    /// The answer's body failed and was cut short.
    #[error("the answer's body failed: {0}")]
    Body(#[source] Box<dyn Error + Send + Sync>),
    /// The answer's body ended before its `Content-Length`.
    #[error("the answer's body is shorter than its length says")]
    TooShort,
    /// The answer's body went on after its `Content-Length`.
    #[error("the answer's body is longer than its length says")]
    TooLong,
    /// The answer's head cannot be written.
    #[error("the answer has a head that cannot be written: {0}")]
    Unwritable(#[from] Unwritable),
}

/// Serves a caller until the connection ends.
///
/// `handle` is called for every request in turn, and with a [`Refusal`] where there is no telling what the
/// request is; the connection ends after the answer to that. `stop` ends a resting connection at once and a
/// busy one after its answer.
pub async fn serve<H, F, B, U>(
    stream: TcpStream,
    settings: Settings,
    stop: impl Future<Output = ()>,
    handle: H,
) -> End<U>
where
    H: Fn(Result<Request, Refusal>) -> F,
    F: Future<Output = Response<B, U>>,
    B: Body<Data = Bytes>,
    B::Error: Into<Box<dyn Error + Send + Sync>>,
{
    let stop = pin!(stop);
    let mut stop = Stop::new(stop);
    let mut connection = Connection::new(stream, settings);
    loop {
        let arrived = match connection.next(&mut stop).await {
            Next::Arrived(arrived) => arrived,
            Next::Http2 => {
                return connection.hand_back(|stream, rest| End::Http2 { stream, rest });
            }
            Next::End(end) => return end.map_or(End::Closed, End::Broken),
        };
        // On the heap, because a handler's future may be large, and most connections rest most of the time.
        match Box::pin(connection.exchange(arrived, &mut stop, &handle)).await {
            Ok(Over::Again) => {}
            Ok(Over::Close) => {
                connection.linger().await;
                return End::Closed;
            }
            Ok(Over::Upgrade(with)) => {
                return connection.hand_back(|stream, rest| End::Upgraded { stream, rest, with });
            }
            Err(broken) => return End::Broken(broken),
        }
    }
}
