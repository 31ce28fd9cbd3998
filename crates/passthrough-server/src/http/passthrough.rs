//! `/v1/passthrough` and `/v1/passthrough/raw`: the envelope.

use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::{Extension, Json};
use http::header::{
    CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, ETAG, LAST_MODIFIED,
};
use http::{HeaderMap, HeaderValue};
use passthrough_core::fault::Door;
use passthrough_core::id::RequestId;
use passthrough_wire::error::ErrorBody;
use passthrough_wire::passthrough::{PassthroughRequest, PassthroughResponse};

use super::caller::{api_key, read_body, required_connection_token};
use super::error::ApiError;
use super::{SOURCE, proxy};
use crate::app::App;
use crate::passthrough::{Delivered, Passthrough, Wanted, passthrough as perform};

/// What of a provider's head goes along with its bytes. The content coding belongs to the bytes: without
/// it, nobody could read them.
const RAW_HEADERS: [http::HeaderName; 6] =
    [CONTENT_TYPE, CONTENT_DISPOSITION, CONTENT_LENGTH, CONTENT_ENCODING, ETAG, LAST_MODIFIED];

/// Makes an authenticated request to the provider and tells its answer, whatever its status, in an
/// envelope.
#[utoipa::path(
    post, path = "/v1/passthrough", tag = "Passthrough", request_body = PassthroughRequest,
    security(("apiKey" = [], "connectionToken" = [])),
    responses(
        (status = 200, body = PassthroughResponse, description = "The provider answered, with any status"),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 413, body = ErrorBody), (status = 422, body = ErrorBody), (status = 502, body = ErrorBody),
        (status = 503, body = ErrorBody), (status = 504, body = ErrorBody)
    )
)]
pub(super) async fn passthrough(
    State(app): State<Arc<App>>,
    Extension(id): Extension<RequestId>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let delivered = send(&app, id, &headers, body, Door::Envelope, PassthroughRequest::parse).await?;
    Ok(respond(delivered))
}

/// Makes an authenticated request and streams the provider's bytes where it answers 2xx; any other answer
/// comes as `200` with the envelope. `Passthrough-Source` says which it is.
#[utoipa::path(
    post, path = "/v1/passthrough/raw", tag = "Passthrough", request_body = PassthroughRequest,
    security(("apiKey" = [], "connectionToken" = [])),
    responses(
        (status = 200, body = PassthroughResponse, description = "The provider's bytes, or the envelope"),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 413, body = ErrorBody), (status = 422, body = ErrorBody), (status = 502, body = ErrorBody),
        (status = 503, body = ErrorBody), (status = 504, body = ErrorBody)
    )
)]
pub(super) async fn raw(
    State(app): State<Arc<App>>,
    Extension(id): Extension<RequestId>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, ApiError> {
    let delivered = send(&app, id, &headers, body, Door::Raw, PassthroughRequest::parse).await?;
    Ok(respond(delivered))
}

type Parse = fn(&[u8]) -> Result<PassthroughRequest, Vec<passthrough_wire::fields::FieldError>>;

/// Reads an envelope and performs it. Shared with the dialects, which read another form.
pub(super) async fn send(
    app: &App,
    request_id: RequestId,
    headers: &HeaderMap,
    body: Body,
    door: Door,
    parse: Parse,
) -> Result<Delivered, ApiError> {
    let api_key = api_key(headers)?;
    // Who has no key is not read from: a stranger could make us hold megabytes.
    app.resolver.authenticate(api_key.as_ref()).await?;
    // JSON escapes can make a text up to six times as long as the body that it stands for.
    let limit = app.config.limits.envelope_request_bytes;
    let json = read_body(app, body, limit.saturating_mul(2)).await?;
    let request = parse(&json).map_err(ApiError::bad_request)?;
    let converted = request.convert(door, app.moment().nonce).map_err(ApiError::bad_request)?;
    if let passthrough_core::upstream::RequestBody::Bytes { bytes, .. } = &converted.request.body
        && bytes.len() > limit
    {
        return Err(ApiError::too_large(limit));
    }
    let wanted = match door {
        Door::Raw => Wanted::BytesOrEnvelope(converted.response_as),
        _ => Wanted::Envelope(converted.response_as),
    };
    let passthrough = Passthrough {
        request_id,
        api_key,
        connection_token: required_connection_token(headers),
        request: converted.request,
        streamed: None,
        timeout: converted.timeout_ms.map(Duration::from_millis),
        wanted,
    };
    perform(app, passthrough).await
}

/// The answer of either kind, in its native form.
pub(super) fn respond(delivered: Delivered) -> Response {
    match delivered {
        Delivered::Envelope(envelope) => ([(SOURCE, "envelope")], Json(envelope)).into_response(),
        Delivered::Stream(delivery) => {
            let mut kept = HeaderMap::new();
            for name in RAW_HEADERS {
                for value in delivery.headers.get_all(&name) {
                    kept.append(&name, value.clone());
                }
            }
            kept.insert(SOURCE, HeaderValue::from_static("provider"));
            proxy::respond(*delivery, kept, None)
        }
    }
}
