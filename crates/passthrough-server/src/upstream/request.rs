//! The request as it goes out: what of its head is ours alone, and its body.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Method;
use http::uri::PathAndQuery;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use passthrough_core::header::Fields;
use tokio::time::Instant;

use super::error::{Reason, SendError};
pub use passthrough_http1::client::BoxError;

/// The body of an upstream request. An exact size hint becomes `content-length`, any other is chunked.
#[derive(Default)]
pub enum UpstreamBody {
    /// No body.
    #[default]
    Empty,
    /// Held in full.
    Held(Bytes),
    /// On its way.
    Streamed(UnsyncBoxBody<Bytes, BoxError>),
}

impl fmt::Debug for UpstreamBody {
    /// Without the bytes: they are the customer's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            UpstreamBody::Empty => f.write_str("Empty"),
            UpstreamBody::Held(bytes) => write!(f, "Held({})", bytes.len()),
            UpstreamBody::Streamed(_) => f.write_str("Streamed"),
        }
    }
}

impl UpstreamBody {
    /// A body that streams by.
    pub fn streamed<B>(body: B) -> Self
    where
        B: Body<Data = Bytes, Error = BoxError> + Send + 'static,
    {
        UpstreamBody::Streamed(body.boxed_unsync())
    }
}

impl Body for UpstreamBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let UpstreamBody::Streamed(body) = &mut *self {
            return Pin::new(body).poll_frame(cx);
        }
        match std::mem::take(&mut *self) {
            UpstreamBody::Held(bytes) if !bytes.is_empty() => Poll::Ready(Some(Ok(Frame::data(bytes)))),
            _ => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            UpstreamBody::Empty => true,
            UpstreamBody::Held(bytes) => bytes.is_empty(),
            UpstreamBody::Streamed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            UpstreamBody::Empty => SizeHint::with_exact(0),
            UpstreamBody::Held(bytes) => SizeHint::with_exact(bytes.len() as u64),
            UpstreamBody::Streamed(body) => body.size_hint(),
        }
    }
}

impl UpstreamBody {
    /// The same body for another try, where it has not begun to flow.
    pub fn again(&self) -> Option<Self> {
        match self {
            UpstreamBody::Empty => Some(UpstreamBody::Empty),
            UpstreamBody::Held(bytes) => Some(UpstreamBody::Held(bytes.clone())),
            UpstreamBody::Streamed(_) => None,
        }
    }

    /// Its length where that is known.
    pub(super) fn length(&self) -> Option<u64> {
        if self.is_end_stream() { Some(0) } else { self.size_hint().exact() }
    }
}

/// How long to wait for what.
#[derive(Debug, Clone, Copy)]
pub(super) struct Waits {
    /// For the head of the answer.
    pub(super) first_byte: Duration,
    /// For the next frame of a body, either way.
    pub(super) idle: Duration,
    /// For all of it.
    pub(super) deadline: Option<Instant>,
}

/// The head of a request. Framing and routing are ours alone, whatever stands in the fields: a foreign
/// `content-length` or `transfer-encoding` lets the next tenant's bytes be read as a body.
pub(super) struct RequestHead<'a> {
    pub(super) method: &'a Method,
    pub(super) path: &'a PathAndQuery,
    fields: &'a Fields,
    /// Whether another protocol is asked for on this connection (RFC 9110 §7.8).
    pub(super) upgrade: bool,
}

impl<'a> RequestHead<'a> {
    pub(super) fn new(
        method: &'a Method,
        path: &'a PathAndQuery,
        fields: &'a Fields,
    ) -> Result<Self, SendError> {
        if method == Method::CONNECT {
            let why = "CONNECT is not a request to a provider";
            return Err(SendError::unsent(Reason::Protocol).with(why));
        }
        let upgrade = wants_upgrade(fields);
        Ok(Self { method, path, fields, upgrade })
    }

    /// Whether the method is defined to have content, so that none at all has to be said.
    pub(super) fn defines_content(&self) -> bool {
        [Method::POST, Method::PUT, Method::PATCH].contains(self.method)
    }

    /// The given fields that go on, in their order.
    pub(super) fn kept(&self) -> impl Iterator<Item = (&Bytes, &Bytes)> {
        self.fields.iter().filter(|(name, _)| !is_ours(name, self.upgrade))
    }

    /// All fields of an HTTP/1.1 request to `authority` but for the framing of its body.
    pub(super) fn fields<'f>(&'f self, authority: &'f str) -> impl Iterator<Item = (&'f [u8], &'f [u8])> {
        let host = [(&b"host"[..], authority.as_bytes())];
        let upgrade = self.upgrade.then_some((&b"connection"[..], &b"upgrade"[..]));
        host.into_iter().chain(self.kept().map(|(name, value)| (&name[..], &value[..]))).chain(upgrade)
    }
}

fn wants_upgrade(fields: &Fields) -> bool {
    let mut nominated = fields.get_all("connection").flat_map(|value| value.split(|byte| *byte == b','));
    nominated.any(|name| name.trim_ascii().eq_ignore_ascii_case(b"upgrade")) && fields.contains("upgrade")
}

fn is_ours(name: &[u8], upgrade: bool) -> bool {
    const OURS: [&str; 7] =
        ["host", "content-length", "transfer-encoding", "te", "trailer", "connection", "keep-alive"];
    OURS.iter().any(|ours| name.eq_ignore_ascii_case(ours.as_bytes()))
        || (name.eq_ignore_ascii_case(b"upgrade") && !upgrade)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(given: &[(&'static str, &'static str)]) -> Fields {
        Fields(given.iter().map(|(name, value)| (Bytes::from(*name), Bytes::from(*value))).collect())
    }

    fn shown(given: &[(&'static str, &'static str)]) -> Vec<String> {
        let (path, fields) = (PathAndQuery::from_static("/"), fields(given));
        let head = RequestHead::new(&Method::GET, &path, &fields).unwrap();
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).unwrap();
        head.fields("api.example.com")
            .map(|(name, value)| format!("{}: {}", text(name), text(value)))
            .collect()
    }

    #[test]
    fn fields_keep_order_and_spelling_and_those_that_are_ours_go() {
        let given = [
            ("X-B", "1"),
            ("HOST", "evil.example"),
            ("Connection", "keep-alive, x-a"),
            ("Content-Length", "35"),
            ("transfer-Encoding", "gzip"),
            ("x-a", "2"),
            ("x-b", "3"),
            ("Upgrade", "h2c"),
            ("TE", "trailers"),
        ];
        assert_eq!(shown(&given), ["host: api.example.com", "X-B: 1", "x-a: 2", "x-b: 3"]);
    }

    #[test]
    fn an_upgrade_stays_where_it_is_asked_for_properly() {
        let given = [("Connection", "keep-alive, Upgrade"), ("Upgrade", "websocket")];
        assert_eq!(shown(&given), ["host: api.example.com", "Upgrade: websocket", "connection: upgrade"]);
        assert_eq!(shown(&[("Connection", "upgrade")]).len(), 1);
    }

    #[test]
    fn connect_is_refused() {
        let (path, fields) = (PathAndQuery::from_static("/"), Fields::default());
        let refused = RequestHead::new(&Method::CONNECT, &path, &fields).err().unwrap();
        assert_eq!(refused, SendError::unsent(Reason::Protocol).with(refused.detail.clone().unwrap()));
    }
}
