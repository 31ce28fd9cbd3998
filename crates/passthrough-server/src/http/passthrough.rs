//! `/v1/passthrough` and `/v1/passthrough/raw`: the envelope.

use std::time::Duration;

use http::StatusCode;
use passthrough_core::fault::Door;
use passthrough_core::header::Fields;
use passthrough_core::upstream::RequestBody;
use passthrough_wire::error::{ErrorBody, ErrorCode};
use passthrough_wire::passthrough::{Converted, PassthroughRequest, PassthroughResponse};
use serde::Deserialize;

use super::body::read_body;
use super::caller::Presented;
use super::doors::{DoorAnswer, DoorRequest};
use super::error::ApiError;
use super::proxy;
use crate::app::App;
use crate::passthrough::{Delivered, Passthrough, Refused, Wanted, passthrough as perform, refuse};
use crate::upstream::UpstreamBody;

/// What of a provider's head goes along with its bytes. The content coding belongs to the bytes: without
/// it, nobody could read them.
const RAW_HEADERS: [&str; 6] =
    ["content-type", "content-disposition", "content-length", "content-encoding", "etag", "last-modified"];

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
pub(super) async fn passthrough(app: &App, request: DoorRequest) -> Result<DoorAnswer, ApiError> {
    respond(send(app, request, Door::Envelope, PassthroughRequest::parse).await?)
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
pub(super) async fn raw(app: &App, request: DoorRequest) -> Result<DoorAnswer, ApiError> {
    respond(send(app, request, Door::Raw, PassthroughRequest::parse).await?)
}

type Parse = fn(&[u8]) -> Result<PassthroughRequest, Vec<passthrough_wire::fields::FieldError>>;

/// Reads an envelope and performs it. Shared with the dialects, which read another form.
pub(super) async fn send(
    app: &App,
    request: DoorRequest,
    door: Door,
    parse: Parse,
) -> Result<Delivered, ApiError> {
    let DoorRequest { id: request_id, fields, body, .. } = request;
    let presented = Presented::in_fields(&fields);
    let api_key = presented.api_key()?;
    // Who has no key is not read from: a stranger could make us hold megabytes.
    app.resolver.authenticate(api_key.as_ref()).await?;
    let connection_token = presented.connection_token();
    let mut asked = Asked::default();
    let mut converted = match read(app, body, door, parse, &mut asked).await {
        Ok(converted) => converted,
        Err(error) => {
            let Asked { method, path } = &asked;
            let (method, path) = (method.as_deref().unwrap_or_default(), path.as_deref().unwrap_or_default());
            let refused = Refused { request_id, door, api_key, connection_token, method, path };
            return Err(refuse(app, refused, error).await);
        }
    };
    presented.own_tokens().strip(&mut converted.request.headers);
    let wanted = match door {
        Door::Raw => Wanted::BytesOrEnvelope(converted.response_as),
        _ => Wanted::Envelope(converted.response_as),
    };
    let passthrough = Passthrough {
        request_id,
        api_key,
        connection_token,
        request: converted.request,
        streamed: None,
        interim: None,
        timeout: converted.timeout_ms.map(Duration::from_millis),
        wanted,
    };
    perform(app, passthrough).await
}

/// What a request asks for, as far as it can be read: for its record.
#[derive(Default, Deserialize)]
struct Asked {
    method: Option<String>,
    path: Option<String>,
}

/// Reads an envelope to the point where it can be performed.
async fn read(
    app: &App,
    body: UpstreamBody,
    door: Door,
    parse: Parse,
    asked: &mut Asked,
) -> Result<Converted, ApiError> {
    // JSON escapes can make a text up to six times as long as the body that it stands for.
    let limit = app.config.limits.envelope_request_bytes;
    let json = read_body(app, body, limit.saturating_mul(2)).await.map_err(|error| match error.code {
        ErrorCode::PayloadTooLarge => ApiError::envelope_too_large(limit),
        _ => error,
    })?;
    let converted = parse(&json).and_then(|request| request.convert(door, app.moment().nonce));
    let converted = converted.map_err(|errors| {
        *asked = serde_json::from_slice(&json).unwrap_or_default();
        // Anything may stand there. A method is a short word.
        asked.method = asked
            .method
            .take()
            .filter(|method| method.len() <= 16 && method.bytes().all(|byte| byte.is_ascii_alphabetic()));
        ApiError::bad_request(errors)
    })?;
    match &converted.request.body {
        RequestBody::Bytes { bytes, .. } if bytes.len() > limit => {
            *asked = Asked {
                method: Some(converted.request.method.to_string()),
                path: Some(converted.request.path.path().to_owned()),
            };
            Err(ApiError::envelope_too_large(limit))
        }
        _ => Ok(converted),
    }
}

/// The answer of either kind, in its native form.
pub(super) fn respond(delivered: Delivered) -> Result<DoorAnswer, ApiError> {
    match delivered {
        Delivered::Envelope(envelope) => answer_json(&envelope),
        Delivered::Stream(delivery) => {
            let kept = RAW_HEADERS.iter().flat_map(|name| {
                let name = *name;
                delivery.fields.iter().filter(move |(given, _)| given.eq_ignore_ascii_case(name.as_bytes()))
            });
            let kept = Fields(kept.map(|(name, value)| (name.clone(), value.clone())).collect());
            Ok(proxy::deliver(*delivery, kept))
        }
    }
}

/// An envelope in one of its forms.
pub(super) fn answer_json(envelope: &impl serde::Serialize) -> Result<DoorAnswer, ApiError> {
    let json = serde_json::to_vec(envelope).map_err(ApiError::internal)?;
    Ok(DoorAnswer::json(StatusCode::OK, "envelope", json))
}
