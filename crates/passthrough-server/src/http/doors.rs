//! The hot doors, apart from any server: `/v1/proxy/…`, `/v1/passthrough` and `/v1/passthrough/raw`.
//!
//! What comes in is a request with its fields as they stood on the wire; what goes out is an answer of the
//! same kind, our own failures included. The HTTP/1.1 server calls [`answer`] directly; over HTTP/2 the
//! router does, through [`routed`].

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Extension;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use futures_util::stream;
use http::header::{CONNECTION, CONTENT_LENGTH};
use http::{HeaderValue, Method, StatusCode, Version};
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::upgrade::OnUpgrade;
use hyper_util::rt::TokioIo;
use passthrough_core::header::Fields;
use passthrough_core::id::RequestId;
use tokio_util::sync::CancellationToken;

use super::error::ApiError;
use super::{body, passthrough, proxy, websocket};
use crate::app::App;
use crate::passthrough::stream::{DeliveredBody, Tunnel};
use crate::upstream::{BodyError, InterimSink, UpstreamBody};

/// The id of a request, as it is spelled where the protocol keeps spelling.
pub(crate) const REQUEST_ID: &str = "Passthrough-Request-Id";
/// Whose body it is.
pub(crate) const SOURCE: &str = "Passthrough-Source";

/// Everything below this path goes to the provider.
pub const PROXY: &str = "/v1/proxy";
const ENVELOPE: &str = "/v1/passthrough";
const RAW: &str = "/v1/passthrough/raw";

/// A hot door.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HotDoor {
    /// `/v1/proxy/…`, any method.
    Proxy,
    /// `POST /v1/passthrough`.
    Envelope,
    /// `POST /v1/passthrough/raw`.
    Raw,
}

impl HotDoor {
    /// The door that a request is for; `None` where the router has to look.
    pub fn of(method: &Method, target: &[u8]) -> Option<Self> {
        let path = target.split(|byte| *byte == b'?').next().unwrap_or_default();
        match path.strip_prefix(PROXY.as_bytes()) {
            // No target holds a `#`, which the door says; the router would cut it off.
            Some([] | [b'/' | b'#', ..]) => return Some(HotDoor::Proxy),
            _ if method != Method::POST => return None,
            _ => {}
        }
        match path {
            path if path == ENVELOPE.as_bytes() => Some(HotDoor::Envelope),
            path if path == RAW.as_bytes() => Some(HotDoor::Raw),
            _ => None,
        }
    }
}

/// A request at a hot door.
pub struct DoorRequest {
    /// The id that the caller will see.
    pub id: RequestId,
    /// The method.
    pub method: Method,
    /// Path and query as they stand on the wire.
    pub target: Bytes,
    /// The version that the caller speaks.
    pub version: Version,
    /// The headers.
    pub fields: Fields,
    /// The body, given up by its source when it stands still.
    pub body: UpstreamBody,
    /// Where interim heads go, for callers that can take them.
    pub interim: Option<InterimSink>,
}

impl std::fmt::Debug for DoorRequest {
    /// Without target and fields: they may hold what a log must not.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DoorRequest")
            .field("id", &self.id)
            .field("method", &self.method)
            .finish_non_exhaustive()
    }
}

/// The answer of a hot door.
#[derive(Debug)]
pub struct DoorAnswer {
    /// The status.
    pub status: StatusCode,
    /// The reason phrase; `None` where we have none to pass on.
    pub reason: Option<Bytes>,
    /// The headers, without framing.
    pub fields: Fields,
    /// The body.
    pub body: DoorBody,
    /// The connection to the provider, with a 101: it is to be joined with the caller's
    /// ([`websocket::join`]).
    pub upgrade: Option<Box<Tunnel>>,
    /// Whether the caller's socket is closed after it.
    pub closes: bool,
}

/// The body of an answer.
#[derive(Debug)]
pub enum DoorBody {
    /// In memory.
    Held(Bytes),
    /// The provider's, on its way.
    Streamed(Box<DeliveredBody>),
}

impl HttpBody for DoorBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.get_mut() {
            DoorBody::Held(bytes) if bytes.is_empty() => Poll::Ready(None),
            DoorBody::Held(bytes) => Poll::Ready(Some(Ok(Frame::data(std::mem::take(bytes))))),
            DoorBody::Streamed(body) => Pin::new(&mut **body).poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            DoorBody::Held(bytes) => bytes.is_empty(),
            DoorBody::Streamed(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            DoorBody::Held(bytes) => SizeHint::with_exact(bytes.len() as u64),
            DoorBody::Streamed(body) => body.size_hint(),
        }
    }
}

impl DoorAnswer {
    /// An answer of JSON.
    pub(super) fn json(status: StatusCode, source: &'static str, json: Vec<u8>) -> Self {
        let mut fields = Fields::default();
        fields.push("Content-Type", "application/json");
        fields.push(SOURCE, source);
        let body = DoorBody::Held(json.into());
        Self { status, reason: None, fields, body, upgrade: None, closes: false }
    }
}

/// Answers a request at a hot door, whatever comes of it.
pub async fn answer(app: &App, door: HotDoor, request: DoorRequest) -> DoorAnswer {
    let id = request.id;
    let answered = match door {
        HotDoor::Proxy => proxy::proxy(app, request).await,
        HotDoor::Envelope => passthrough::passthrough(app, request).await,
        HotDoor::Raw => passthrough::raw(app, request).await,
    };
    let mut answer = answered.unwrap_or_else(|error| failed(&error, id));
    // The provider must not speak in our name.
    answer.fields.set(REQUEST_ID, id.to_string());
    answer
}

/// A failure of ours in its native form.
pub fn failed(error: &ApiError, id: RequestId) -> DoorAnswer {
    let body = serde_json::to_vec(&error.body(&id.to_string())).unwrap_or_default();
    let mut answer = DoorAnswer::json(error.status(), "passthrough", body);
    for (name, value) in error.headers() {
        answer.fields.push(name, value);
    }
    // Behind the others, where the router's layers put it, too: the doors answer alike in every respect.
    answer.fields.set(SOURCE, "passthrough");
    answer.closes = error.closes;
    answer
}

/// The same for the router: what hyper took in, over HTTP/2 or in a program that this server is part of.
pub(super) async fn routed(
    State(app): State<Arc<App>>,
    Extension(id): Extension<RequestId>,
    mut request: Request,
) -> Response {
    let target = request.uri().path_and_query().map_or("/", |path| path.as_str());
    let Some(door) = HotDoor::of(request.method(), target.as_bytes()) else {
        return ApiError::internal("no hot door at this route").into_response();
    };
    let on_upgrade = request.extensions_mut().remove::<OnUpgrade>();
    let answer = answer(&app, door, taken_in(&app, id, request)).await;
    respond(answer, on_upgrade.map(|on_upgrade| (on_upgrade, app)))
}

/// A request that hyper took in.
pub(super) fn taken_in(app: &App, id: RequestId, request: Request) -> DoorRequest {
    let (parts, body) = request.into_parts();
    let target = parts.uri.path_and_query().map_or("/", |path| path.as_str());
    DoorRequest {
        id,
        target: Bytes::copy_from_slice(target.as_bytes()),
        version: parts.version,
        fields: Fields::from(&parts.headers),
        body: body::taken_in(body, app.config.limits.body_idle),
        interim: None,
        method: parts.method,
    }
}

/// An answer as axum wants it.
pub(super) fn respond(answer: DoorAnswer, on_upgrade: Option<(OnUpgrade, Arc<App>)>) -> Response {
    let DoorAnswer { status, fields, body, upgrade, closes, .. } = answer;
    let mut response = Response::new(match body {
        DoorBody::Held(bytes) => Body::from(bytes),
        DoorBody::Streamed(body) => Body::new(*body),
    });
    *response.status_mut() = status;
    *response.headers_mut() = fields.to_map();
    // It has no body and must not say how long that is (RFC 9110 section 8.6); of an empty one axum would say it.
    if status == StatusCode::NO_CONTENT {
        response.headers_mut().remove(CONTENT_LENGTH);
        *response.body_mut() = Body::from_stream(stream::empty::<Result<Bytes, Infallible>>());
    }
    if closes {
        response.headers_mut().insert(CONNECTION, HeaderValue::from_static("close"));
    }
    if let (Some((on_upgrade, app)), Some(tunnel)) = (on_upgrade, upgrade) {
        tokio::spawn(async move {
            if let Ok(caller) = on_upgrade.await {
                websocket::join(&app, TokioIo::new(caller), tunnel, &CancellationToken::new()).await;
            }
        });
    }
    response
}
