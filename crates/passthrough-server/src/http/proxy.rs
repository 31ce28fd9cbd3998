//! `/v1/proxy/…`: the transparent door. Method, path, query, headers and bytes go through, the provider's
//! answer comes back, both ways streamed.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::Response;
use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version};
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use passthrough_core::fault::Door;
use passthrough_core::header::{insert_websocket_upgrade, is_websocket_upgrade};
use passthrough_core::id::RequestId;
use passthrough_core::path::CallerPath;
use passthrough_core::upstream::{PassthroughRequest, RequestBody};
use passthrough_wire::{BASE_HEADER, TIMEOUT_HEADER};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Sleep;

use super::SOURCE;
use super::caller::{api_key, holds_own_token, required_connection_token};
use super::error::ApiError;
use crate::app::App;
use crate::passthrough::stream::Delivery;
use crate::passthrough::{Delivered, Passthrough, Refused, Wanted, passthrough as perform, refuse};
use crate::upstream::{BoxError, UpstreamBody};

const PREFIX: &str = "/v1/proxy";

/// The handler of every method and path below the prefix.
pub(super) async fn proxy(
    State(app): State<Arc<App>>,
    Extension(request_id): Extension<RequestId>,
    request: Request,
) -> Result<Response, ApiError> {
    if request.method() == Method::CONNECT {
        return Err(ApiError::bad_field("method", "CONNECT asks for a tunnel; there is none here"));
    }
    let (mut parts, body) = request.into_parts();
    let api_key = api_key(&parts.headers)?;
    app.resolver.authenticate(api_key.as_ref()).await?;
    let websocket = parts.method == Method::GET
        && parts.version == Version::HTTP_11
        && is_websocket_upgrade(&parts.headers);
    let on_upgrade = parts.extensions.remove::<OnUpgrade>().filter(|_| websocket);
    let streams = !body.is_end_stream();
    let connection_token = required_connection_token(&parts.headers);
    let (path, base, timeout) = match asked(&parts) {
        Ok(asked) => asked,
        Err(error) => {
            let (method, path) = (parts.method.as_str(), raw_path(&parts.uri));
            let door = Door::Proxy;
            let refused = Refused { request_id, door, api_key, connection_token, method, path };
            return Err(refuse(&app, refused, error).await);
        }
    };
    let passthrough = Passthrough {
        request_id,
        connection_token,
        timeout,
        wanted: Wanted::Stream,
        streamed: streams.then(|| watched(body, app.config.limits.body_idle)),
        request: PassthroughRequest {
            door: Door::Proxy,
            path,
            base,
            headers: caller_headers(&parts.headers),
            body: if streams { RequestBody::Streamed } else { RequestBody::Absent },
            websocket_upgrade: websocket,
            method: parts.method,
        },
        api_key,
    };
    match perform(&app, passthrough).await? {
        Delivered::Envelope(_) => Err(ApiError::internal("the proxy was answered with an envelope")),
        Delivered::Stream(delivery) => {
            let mut headers = delivery.headers.clone();
            headers.insert(SOURCE, HeaderValue::from_static("provider"));
            let on_upgrade = on_upgrade.map(|on| (on, app.config.deadlines.stream_idle));
            Ok(respond(*delivery, headers, on_upgrade))
        }
    }
}

/// Path, base and deadline.
fn asked(parts: &Parts) -> Result<(CallerPath, Option<String>, Option<Duration>), ApiError> {
    let base = text(&parts.headers, BASE_HEADER)?.map(str::to_owned);
    Ok((caller_path(&parts.uri)?, base, timeout(&parts.headers)?))
}

/// Path and query as the caller wrote them: the raw text behind the prefix, never a decoded form.
fn caller_path(uri: &http::Uri) -> Result<CallerPath, ApiError> {
    let rest = raw_path(uri);
    let path = if rest.starts_with('/') { rest.to_owned() } else { format!("/{rest}") };
    CallerPath::parse(&path).map_err(|error| ApiError::bad_field("path", error.to_string()))
}

fn raw_path(uri: &http::Uri) -> &str {
    let raw = uri.path_and_query().map_or("/", |path| path.as_str());
    raw.strip_prefix(PREFIX).unwrap_or(raw)
}

/// The caller's headers, but for those that carry one of our own tokens under another name.
fn caller_headers(headers: &HeaderMap) -> Vec<(Bytes, Bytes)> {
    let kept = headers.iter().filter(|(_, value)| !holds_own_token(headers, value.as_bytes()));
    kept.map(|(name, value)| {
        (Bytes::copy_from_slice(name.as_ref()), Bytes::copy_from_slice(value.as_bytes()))
    })
    .collect()
}

fn text<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<Option<&'a str>, ApiError> {
    let wrong = || ApiError::bad_field(&format!("headers.{name}"), "is no text");
    headers.get(name).map(|value| value.to_str().map_err(|_| wrong())).transpose()
}

fn timeout(headers: &HeaderMap) -> Result<Option<Duration>, ApiError> {
    let Some(text) = text(headers, TIMEOUT_HEADER)? else { return Ok(None) };
    match text.trim().parse::<u64>() {
        Ok(milliseconds) if milliseconds > 0 => Ok(Some(Duration::from_millis(milliseconds))),
        _ => {
            Err(ApiError::bad_field(&format!("headers.{TIMEOUT_HEADER}"), "must be milliseconds, at least 1"))
        }
    }
}

/// Passes a provider's answer on. A switch of protocols joins the two sockets.
pub(super) fn respond(
    delivery: Delivery,
    headers: HeaderMap,
    on_upgrade: Option<(OnUpgrade, Duration)>,
) -> Response {
    let Delivery { status, body, upgrade, .. } = delivery;
    let mut response = Response::new(Body::new(body));
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    if let (StatusCode::SWITCHING_PROTOCOLS, Some((on_upgrade, idle)), Some(upgrade)) =
        (status, on_upgrade, upgrade)
    {
        insert_websocket_upgrade(response.headers_mut());
        tokio::spawn(async move {
            let (Ok(caller), Ok(mut provider)) = (on_upgrade.await, upgrade.connection().await) else {
                return;
            };
            let lively = Arc::new(AtomicBool::new(true));
            let mut caller = Lively { io: TokioIo::new(caller), lively: Arc::clone(&lively) };
            let mut upstream = Lively { io: &mut provider.io, lively: Arc::clone(&lively) };
            tokio::select! {
                // Either side going away ends both; there is nobody left to tell of an error.
                _ = tokio::io::copy_bidirectional(&mut caller, &mut upstream) => {}
                // Two silent sockets would hold their places in flight for ever.
                () = silence(&lively, idle) => {}
            }
        });
    }
    response
}

/// Ends when nothing has come from either side for so long.
async fn silence(lively: &AtomicBool, idle: Duration) {
    while lively.swap(false, Ordering::Relaxed) {
        tokio::time::sleep(idle).await;
    }
}

/// A socket that notes that something comes from it.
struct Lively<S> {
    io: S,
    lively: Arc<AtomicBool>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Lively<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = ready!(Pin::new(&mut self.io).poll_read(context, buffer));
        self.lively.store(true, Ordering::Relaxed);
        Poll::Ready(read)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Lively<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}

/// A caller's body on its way to the provider, given up when it stands still.
fn watched(body: Body, idle: Duration) -> UpstreamBody {
    Watched { body, idle, timer: None }.boxed_unsync()
}

struct Watched {
    body: Body,
    idle: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            this.timer = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(BoxError::from)));
        }
        let idle = this.idle;
        let timer = this.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(idle)));
        ready!(timer.as_mut().poll(context));
        Poll::Ready(Some(Err("the caller's body stood still for too long".into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
