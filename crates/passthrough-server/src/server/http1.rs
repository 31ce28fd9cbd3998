//! A caller's connection: HTTP/1.1 by ourselves, or handed on where the caller turns out to speak HTTP/2.
//!
//! The hot doors are called with the fields as they came. Everything else is made into a request for the
//! router, whose layers do the same for it that is done here for the doors: an id, a span, a panic that
//! becomes a 500, errors in our own form.

use std::panic::AssertUnwindSafe;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::body::Body;
use bytes::Bytes;
use futures_util::FutureExt;
use http::{HeaderMap, HeaderName, HeaderValue, Uri};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use passthrough_core::header::Fields;
use passthrough_core::id::RequestId;
use passthrough_http1::Field;
use passthrough_http1::head::RequestHead;
use passthrough_http1::server::{self, End, IncomingBody, Interim, Refusal, Request};
use tokio::net::TcpStream;
use tower::ServiceExt;
use tracing::Instrument;

use super::date::date;
use super::http2;
use super::worker::Worker;
use crate::http::doors::{self, DoorAnswer, DoorBody, DoorRequest, HotDoor};
use crate::http::error::ApiError;
use crate::http::metrics::Peer;
use crate::http::websocket;
use crate::passthrough::stream::Tunnel;
use crate::rewound::Rewound;
use crate::upstream::{BoxError, InterimSink, UpstreamBody};

type Answer = server::Response<CallerBody, Box<Tunnel>>;

/// Serves a caller until its connection ends.
pub(super) async fn serve(stream: TcpStream, worker: Arc<Worker>) {
    let finish = worker.stop.finish.cancelled();
    let peer = stream.peer_addr().ok().map(Peer);
    let end = server::serve(stream, worker.settings, finish, |request| handle(&worker, peer, request)).await;
    match end {
        End::Closed => {}
        End::Broken(broken) => tracing::debug!(%broken, "a caller's connection ended early"),
        // On the heap: most connections come to neither.
        End::Upgraded { stream, rest, with } => {
            let (caller, leaving) = (Rewound::new(stream, rest.freeze()), &worker.stop.finish);
            Box::pin(websocket::join(&worker.app, caller, with, leaving)).await;
        }
        End::Http2 { stream, rest } => {
            Box::pin(http2::serve(Rewound::new(stream, rest.freeze()), peer, Arc::clone(&worker))).await;
        }
    }
}

async fn handle(worker: &Worker, peer: Option<Peer>, request: Result<Request, Refusal>) -> Answer {
    let mut answer = match request {
        Ok(request) => {
            let target = origin_form(&request.head.target);
            match HotDoor::of(&request.head.method, &target) {
                Some(door) => hot(worker, door, request, target).await,
                None => Box::pin(routed(worker, peer, request)).await,
            }
        }
        Err(refusal) => refused(refusal, new_id(worker)),
    };
    if !answer.fields.iter().any(|(name, _)| name.eq_ignore_ascii_case(b"date")) {
        answer.fields.push((Bytes::from_static(b"Date"), date(worker.app.now_ms())));
    }
    answer
}

fn new_id(worker: &Worker) -> RequestId {
    RequestId::from(worker.app.installation.new_ulid())
}

/// Path and query of a target that names a host, too, as a request to a proxy does. Every server must take
/// that form (RFC 9112 §3.2.2); which host it names is of no interest here.
fn origin_form(target: &Bytes) -> Bytes {
    let is_scheme =
        |scheme: &[u8]| scheme.eq_ignore_ascii_case(b"http") || scheme.eq_ignore_ascii_case(b"https");
    let scheme_end = memchr::memmem::find(target, b"://");
    let Some(scheme_end) = scheme_end.filter(|end| is_scheme(&target[..*end])) else { return target.clone() };
    let authority = scheme_end + 3;
    // What ends the authority first decides: behind a `?` or `#` there is no path to be found any more.
    match memchr::memchr3(b'/', b'?', b'#', &target[authority..]) {
        Some(path) if target[authority + path] == b'/' => target.slice(authority + path..),
        Some(_) | None => target.clone(),
    }
}

/// A hot door, without the router.
async fn hot(worker: &Worker, door: HotDoor, request: Request, target: Bytes) -> Answer {
    let id = new_id(worker);
    let Request { head, body, interim } = request;
    let RequestHead { method, version, fields, .. } = head;
    let request = DoorRequest {
        id,
        method,
        target,
        version,
        fields: Fields(fields),
        body: taken_in(body),
        interim: Some(sink(interim)),
    };
    // Only for whoever looks closely: a span for each request costs more than the rest of its log.
    let span = tracing::debug_span!("request", %id);
    // On the heap at once: it is large, and every hand that it passes through would copy it.
    let answering = Box::pin(doors::answer(&worker.app, door, request)).instrument(span);
    // What a panic tells goes to the log, by the panic hook; the caller learns nothing of the inside.
    let answered = AssertUnwindSafe(answering).catch_unwind().await;
    written(answered.unwrap_or_else(|_| doors::failed(&ApiError::internal("a handler panicked"), id)))
}

fn taken_in(body: IncomingBody) -> UpstreamBody {
    if body.is_end_stream() {
        return UpstreamBody::Empty;
    }
    UpstreamBody::streamed(body.map_err(BoxError::from))
}

fn sink(interim: Interim) -> InterimSink {
    Box::new(move |status, reason, fields| {
        interim.send(status, &reason, &fields.0);
    })
}

/// An answer of a hot door as it is written.
fn written(answer: DoorAnswer) -> Answer {
    let DoorAnswer { status, reason, fields, body, upgrade, closes } = answer;
    let mut response = server::Response::new(status, CallerBody::Door(body));
    if let Some(reason) = reason {
        response.reason = reason;
    }
    response.fields = fields.0;
    response.upgrade = upgrade;
    if closes {
        response.fields.push((Bytes::from_static(b"Connection"), Bytes::from_static(b"close")));
    }
    response
}

/// What is no request, answered in our own form. The connection closes after it.
fn refused(refusal: Refusal, id: RequestId) -> Answer {
    let error = match refusal {
        Refusal::Host => ApiError::bad_field("headers.host", refusal.to_string()),
        Refusal::Framing(_) => ApiError::bad_field("headers", refusal.to_string()),
        Refusal::Expectation => ApiError::bad_field("headers.expect", refusal.to_string()),
        Refusal::Head(_) | Refusal::Slow => ApiError::bad_field("", refusal.to_string()),
    };
    let mut answer = doors::failed(&error, id);
    answer.status = refusal.status();
    answer.fields.push(doors::REQUEST_ID, id.to_string());
    written(answer)
}

/// Everything else, by the router.
async fn routed(worker: &Worker, peer: Option<Peer>, request: Request) -> Answer {
    let Request { head, body, .. } = request;
    // A fragment is no part of a target (RFC 9112 §3.2), and would be cut off without a word.
    let has_fragment = head.target.contains(&b'#');
    let Some(uri) = Uri::from_maybe_shared(head.target).ok().filter(|_| !has_fragment) else {
        let error = ApiError::bad_field("path", "the target of the request is no path with a query");
        return written(doors::failed(&error, new_id(worker)));
    };
    let body = if body.is_end_stream() { Body::empty() } else { Body::new(body) };
    let mut request = http::Request::new(body);
    *request.method_mut() = head.method;
    *request.uri_mut() = uri;
    *request.version_mut() = head.version;
    *request.headers_mut() = header_map(head.fields);
    if let Some(peer) = peer {
        request.extensions_mut().insert(peer);
    }
    let response = match worker.router.clone().oneshot(request).await {
        Ok(response) => response,
        Err(never) => match never {},
    };
    let (parts, body) = response.into_parts();
    let mut answer = server::Response::new(parts.status, CallerBody::Routed(body));
    answer.fields = fields(&parts.headers);
    answer
}

fn header_map(fields: Vec<Field>) -> HeaderMap {
    let mut map = HeaderMap::with_capacity(fields.len());
    for (name, value) in fields {
        // Whatever the parser lets through is both.
        if let (Ok(name), Ok(value)) = (HeaderName::from_bytes(&name), HeaderValue::from_maybe_shared(value))
        {
            map.append(name, value);
        }
    }
    map
}

fn fields(map: &HeaderMap) -> Vec<Field> {
    let bytes = |text: &[u8]| Bytes::copy_from_slice(text);
    map.iter().map(|(name, value)| (bytes(name.as_ref()), bytes(value.as_bytes()))).collect()
}

/// The body of an answer, of a door or of the router.
enum CallerBody {
    Door(DoorBody),
    Routed(Body),
}

impl HttpBody for CallerBody {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.get_mut() {
            CallerBody::Door(body) => Pin::new(body).poll_frame(cx).map_err(BoxError::from),
            CallerBody::Routed(body) => Pin::new(body).poll_frame(cx).map_err(BoxError::from),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            CallerBody::Door(body) => body.is_end_stream(),
            CallerBody::Routed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            CallerBody::Door(body) => body.size_hint(),
            CallerBody::Routed(body) => body.size_hint(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_target_that_names_a_host_is_read_without_it() {
        let form = |target: &'static str| origin_form(&Bytes::from_static(target.as_bytes()));
        assert_eq!(form("/v1/proxy/a?b=http://c/d"), "/v1/proxy/a?b=http://c/d");
        assert_eq!(form("http://host:80/v1/proxy/a"), "/v1/proxy/a");
        assert_eq!(form("HTTPS://host/v1/proxy//x/../y?z"), "/v1/proxy//x/../y?z");
        assert_eq!(form("http://host"), "http://host");
        assert_eq!(form("http://host?/v1/proxy/a"), "http://host?/v1/proxy/a");
        assert_eq!(form("http://host#/v1/proxy/a"), "http://host#/v1/proxy/a");
        assert_eq!(form("ftp://host/v1/proxy/a"), "ftp://host/v1/proxy/a");
        assert_eq!(form("*"), "*");
    }
}
