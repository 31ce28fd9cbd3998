//! The request as it goes out: framing that is ours alone, and a body that is watched.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_LENGTH, HOST, TE, TRAILER, TRANSFER_ENCODING, UPGRADE};
use http::{HeaderName, HeaderValue, Method, Request, Uri, Version};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use http_body_util::combinators::UnsyncBoxBody;
use passthrough_core::base_url::Origin;
use thiserror::Error;
use tokio::time::{Instant, Sleep, sleep_until};

use super::error::{Reason, SendError};
use super::wire::Wire;

/// Whatever the source of a request body may fail with.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

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

/// Why the codec got no more of the body. It never leaves this module: the notes on the wire tell.
#[derive(Debug, Clone, Copy, Error)]
pub(super) enum SourceError {
    #[error("the source of the request body failed")]
    Failed,
    #[error("the source of the request body stood still")]
    Idle,
    #[error("the request body is not as long as it was said to be")]
    Length,
}

/// A request body on its way through one socket.
pub(super) struct RequestBody {
    source: UpstreamBody,
    wire: Arc<Wire>,
    /// What is left of a body of known size.
    left: Option<u64>,
    idle: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl RequestBody {
    pub(super) fn new(source: UpstreamBody, idle: Duration, wire: Arc<Wire>) -> Self {
        Self { left: source.size_hint().exact(), source, wire, idle, timer: None }
    }

    /// Moves an untouched body over to another socket.
    pub(super) fn on(self, wire: Arc<Wire>) -> Self {
        Self { wire, ..self }
    }

    fn take(&mut self, frame: &Frame<Bytes>) -> Result<(), SourceError> {
        let length = frame.data_ref().map_or(0, |data| data.len() as u64);
        if let Some(left) = &mut self.left {
            // Stops request smuggling: bytes beyond the announced length would be read as the next
            // request on this socket.
            *left = left.checked_sub(length).ok_or(SourceError::Length)?;
        }
        let last = self.source.is_end_stream() || self.left == Some(0) || frame.is_trailers();
        self.wire.body_moved(last);
        Ok(())
    }

    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<SourceError> {
        self.wire.body_waits();
        let idle = self.idle;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(Instant::now() + idle)));
        ready!(timer.as_mut().poll(cx));
        Poll::Ready(SourceError::Idle)
    }

    fn fail(&self, error: SourceError) -> Poll<Option<Result<Frame<Bytes>, SourceError>>> {
        self.wire.body_failed(match error {
            SourceError::Idle => Reason::IdleTimeout,
            SourceError::Failed | SourceError::Length => Reason::RequestBody,
        });
        Poll::Ready(Some(Err(error)))
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = SourceError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, SourceError>>> {
        let this = &mut *self;
        let Poll::Ready(frame) = Pin::new(&mut this.source).poll_frame(cx) else {
            let error = ready!(this.poll_idle(cx));
            return this.fail(error);
        };
        this.timer = None;
        match frame {
            Some(Ok(frame)) => match this.take(&frame) {
                Ok(()) => Poll::Ready(Some(Ok(frame))),
                Err(error) => this.fail(error),
            },
            Some(Err(_)) => this.fail(SourceError::Failed),
            None if this.left.is_some_and(|left| left > 0) => this.fail(SourceError::Length),
            None => {
                this.wire.body_moved(true);
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.source.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.source.size_hint()
    }
}

/// Whether the request asks for another protocol on this connection (RFC 9110 §7.8).
pub(super) fn wants_upgrade<B>(request: &Request<B>) -> bool {
    let nominated = request.headers().get_all(CONNECTION).iter().any(|value| {
        value.as_bytes().split(|b| *b == b',').any(|name| name.trim_ascii().eq_ignore_ascii_case(b"upgrade"))
    });
    nominated && request.headers().contains_key(UPGRADE)
}

/// Makes the request line and the framing headers ours, whatever the caller put there: a foreign
/// `content-length` or `transfer-encoding` lets the next tenant's bytes be read as a body.
pub(super) fn prepare<B: Body>(request: &mut Request<B>, origin: &Origin) -> Result<(), SendError> {
    let refuse = |why: &str| SendError::unsent(Reason::Protocol).with(why);
    if request.method() == Method::CONNECT {
        return Err(refuse("CONNECT is not a request to a provider"));
    }
    let host = HeaderValue::try_from(origin.authority()).map_err(|_| refuse("no valid host"))?;
    if request.uri().scheme().is_some() || request.uri().authority().is_some() {
        let path = request.uri().path_and_query().cloned().ok_or_else(|| refuse("no path"))?;
        *request.uri_mut() = Uri::from(path);
    }
    *request.version_mut() = Version::HTTP_11;

    let upgrade = wants_upgrade(request);
    let (bodyless, size) = (is_empty(request.body()), request.body().size_hint().exact());
    let expects_body = [Method::POST, Method::PUT, Method::PATCH].contains(request.method());
    let given = std::mem::take(request.headers_mut());
    let headers = request.headers_mut();
    headers.reserve(given.len() + 2);
    headers.insert(HOST, host);
    let mut current = None;
    for (name, value) in given {
        current = name.or(current);
        if let Some(name) = current.as_ref().filter(|name| !is_framing(name, upgrade)) {
            headers.append(name, value);
        }
    }
    if upgrade {
        headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    }
    // RFC 9110 §8.6: a method that defines content says 0; the others say nothing. The codec would drop
    // a body of unknown size on GET and HEAD, so the coding is always stated.
    match (bodyless, size) {
        (true, _) if expects_body => _ = headers.insert(CONTENT_LENGTH, HeaderValue::from(0)),
        (true, _) => {}
        (false, Some(size)) => _ = headers.insert(CONTENT_LENGTH, HeaderValue::from(size)),
        (false, None) => _ = headers.insert(TRANSFER_ENCODING, HeaderValue::from_static("chunked")),
    }
    Ok(())
}

/// Whether nothing will follow the head.
pub(super) fn is_empty<B: Body>(body: &B) -> bool {
    body.is_end_stream() || body.size_hint().exact() == Some(0)
}

fn is_framing(name: &HeaderName, upgrade: bool) -> bool {
    [HOST, CONTENT_LENGTH, TRANSFER_ENCODING, TE, TRAILER, CONNECTION].contains(name)
        || (*name == UPGRADE && !upgrade)
}

#[cfg(test)]
mod tests {
    use super::*;
    use passthrough_core::base_url::{Host, Scheme};

    fn prepared(mut request: Request<UpstreamBody>) -> Vec<(String, String)> {
        let origin =
            Origin { scheme: Scheme::Https, host: Host::Domain("api.example.com".into()), port: 443 };
        prepare(&mut request, &origin).unwrap();
        let text = |value: &HeaderValue| value.to_str().unwrap().to_owned();
        request.headers().iter().map(|(name, value)| (name.to_string(), text(value))).collect()
    }

    fn names(fields: &[(String, String)]) -> Vec<&str> {
        fields.iter().map(|(name, _)| name.as_str()).collect()
    }

    #[test]
    fn a_foreign_content_length_never_survives() {
        let request = Request::get("/").header("content-length", "35").header("x-a", "1");
        let fields = prepared(request.body(UpstreamBody::Empty).unwrap());
        assert_eq!(names(&fields), ["host", "x-a"]);
        let request = Request::post("/").header("content-length", "35").header("transfer-encoding", "gzip");
        let fields = prepared(request.body(UpstreamBody::Held("abc".into())).unwrap());
        assert_eq!(fields[1], ("content-length".to_owned(), "3".to_owned()));
    }

    #[test]
    fn an_empty_body_is_announced_where_the_method_defines_one() {
        for (method, expected) in [("POST", 2), ("PUT", 2), ("PATCH", 2), ("GET", 1), ("DELETE", 1)] {
            let request = Request::builder().method(method).uri("/").body(UpstreamBody::Empty).unwrap();
            assert_eq!(prepared(request).len(), expected, "{method}");
        }
    }

    #[test]
    fn headers_keep_their_order_and_hop_by_hop_ones_go() {
        let request = Request::get("/")
            .header("x-b", "1")
            .header("connection", "keep-alive, x-a")
            .header("x-a", "2")
            .header("x-b", "3")
            .header("upgrade", "h2c")
            .header("te", "trailers");
        let fields = prepared(request.body(UpstreamBody::Empty).unwrap());
        assert_eq!(names(&fields), ["host", "x-b", "x-b", "x-a"]);
    }

    #[test]
    fn an_absolute_uri_becomes_origin_form_and_connect_is_refused() {
        let origin = Origin { scheme: Scheme::Https, host: Host::Domain("a.example".into()), port: 443 };
        let mut request = Request::get("https://evil.example/p%2Fq?x=1;y").body(UpstreamBody::Empty).unwrap();
        prepare(&mut request, &origin).unwrap();
        assert_eq!(request.uri().to_string(), "/p%2Fq?x=1;y");
        let mut request = Request::connect("/").body(UpstreamBody::Empty).unwrap();
        assert_eq!(prepare(&mut request, &origin).unwrap_err().reason, Reason::Protocol);
    }
}
