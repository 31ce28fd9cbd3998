//! `/v1/passthrough` and `/v1/passthrough/raw`: the envelope.

use std::time::Duration;

use http::StatusCode;
use http_body::Body;
use passthrough_core::fault::Door;
use passthrough_core::header::Fields;
use passthrough_core::upstream::RequestBody;
use passthrough_wire::error::{ErrorBody, ErrorCode};
use passthrough_wire::passthrough::{Converted, PassthroughRequest, PassthroughResponse};
use serde::Deserialize;

use super::body::read_body;
use super::caller::{Presented, strip_own_tokens};
use super::doors::{DoorAnswer, DoorRequest};
use super::error::ApiError;
use super::proxy;
use crate::app::App;
use crate::limits::{Announced, Standing};
use crate::passthrough::{
    Delivered, Passthrough, Performed, Refused, Wanted, passthrough as perform, refuse, turn_away,
};
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
    params(
        ("Passthrough-Retries" = Option<u8>, Header, description = "How often the request may be sent again: 0, 1 or 2"),
        ("Passthrough-Throttle" = Option<String>, Header, description = "Where the provider said \"not before\": `wait` or `refuse`")
    ),
    responses(
        (status = 200, body = PassthroughResponse, description = "The provider answered, with any status"),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 413, body = ErrorBody), (status = 422, body = ErrorBody), (status = 429, body = ErrorBody),
        (status = 502, body = ErrorBody), (status = 503, body = ErrorBody), (status = 504, body = ErrorBody)
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
    params(
        ("Passthrough-Retries" = Option<u8>, Header, description = "How often the request may be sent again: 0, 1 or 2"),
        ("Passthrough-Throttle" = Option<String>, Header, description = "Where the provider said \"not before\": `wait` or `refuse`")
    ),
    responses(
        (status = 200, body = PassthroughResponse, description = "The provider's bytes, or the envelope"),
        (status = 400, body = ErrorBody), (status = 401, body = ErrorBody), (status = 404, body = ErrorBody),
        (status = 413, body = ErrorBody), (status = 422, body = ErrorBody), (status = 429, body = ErrorBody),
        (status = 502, body = ErrorBody), (status = 503, body = ErrorBody), (status = 504, body = ErrorBody)
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
) -> Result<Performed, ApiError> {
    let DoorRequest { id: request_id, fields, body, .. } = request;
    let presented = Presented::in_fields(&fields);
    let api_key = presented.api_key().map_err(|error| turn_away(app, door, error))?;
    // Who has no key is not read from: a stranger could make us hold megabytes.
    let known = app.resolver.authenticate(api_key.as_ref(), app.now_ms()).await;
    known.map_err(|error| turn_away(app, door, error))?;
    let connection_token = presented.connection_token();
    let mut asked = Asked::default();
    let read = read(app, body, door, parse, &mut asked).await;
    let (mut converted, persistence) = match read.and_then(|read| Ok((read, presented.persistence()?))) {
        Ok(read) => read,
        Err(error) => {
            let Asked { method, path } = &asked;
            let (method, path) = (method.as_deref().unwrap_or_default(), path.as_deref().unwrap_or_default());
            let refused = Refused { request_id, door, api_key, connection_token, method, path };
            return Err(refuse(app, refused, error).await);
        }
    };
    strip_own_tokens(&mut converted.request.headers);
    let wanted = match door {
        Door::Raw => Wanted::BytesOrEnvelope(converted.response_as),
        _ => Wanted::Envelope(converted.response_as),
    };
    let passthrough = Box::new(Passthrough {
        request_id,
        api_key,
        connection_token,
        request: converted.request,
        streamed: None,
        interim: None,
        timeout: converted.timeout_ms.map(Duration::from_millis),
        persistence,
        context: app.traces.context(&fields),
        wanted,
    });
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
pub(super) fn respond(performed: Performed) -> Result<DoorAnswer, ApiError> {
    let Performed { delivered, standing } = performed;
    match delivered {
        Delivered::Envelope(envelope) => answer_json(&envelope, standing),
        Delivered::Stream(delivery) => {
            // The length in an answer to HEAD is that of a body which does not come.
            let is_empty = delivery.body.is_end_stream();
            let told = RAW_HEADERS.iter().filter(|name| !(is_empty && **name == "content-length"));
            let kept = told.flat_map(|name| {
                let name = *name;
                delivery.fields.iter().filter(move |(given, _)| given.eq_ignore_ascii_case(name.as_bytes()))
            });
            let kept = Fields(kept.map(|(name, value)| (name.clone(), value.clone())).collect());
            Ok(proxy::deliver(delivery, kept, standing))
        }
    }
}

/// An envelope in one of its forms.
pub(super) fn answer_json(
    envelope: &impl serde::Serialize,
    standing: Option<Standing>,
) -> Result<DoorAnswer, ApiError> {
    let json = serde_json::to_vec(envelope).map_err(ApiError::internal)?;
    let mut answer = DoorAnswer::json(StatusCode::OK, "envelope", json);
    if let Some(standing) = standing {
        standing.announce(&mut answer.fields, Announced::Here);
    }
    Ok(answer)
}
