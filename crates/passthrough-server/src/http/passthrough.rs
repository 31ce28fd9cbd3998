//! `/v1/passthrough` and `/v1/passthrough/raw`: the envelope.

use std::time::Duration;

use http::StatusCode;
use http_body::Body;
use passthrough_core::fault::Door;
use passthrough_core::header::Fields;
use passthrough_core::upstream::RequestBody;
use passthrough_wire::error::{ErrorBody, ErrorCode};
use passthrough_wire::passthrough::{Converted, PassthroughRequest, PassthroughResponse};
use passthrough_wire::{BASE_HEADER, TIMEOUT_HEADER};
use serde::Deserialize;

use super::body::read_body;
use super::caller::{Presented, strip_own_tokens};
use super::doors::{DoorAnswer, DoorRequest};
use super::error::ApiError;
use super::proxy;
use crate::app::App;
use crate::limits::{Announced, Standing};
use crate::passthrough::{
    Delivered, Passthrough, Performed, Persistence, Refused, Wanted, passthrough as perform, refuse,
    turn_away,
};
use crate::upstream::UpstreamBody;

/// What of a provider's head goes along with its bytes. The content coding belongs to the bytes: without
/// it, nobody could read them.
const RAW_HEADERS: [&str; 7] = [
    "content-type",
    "content-disposition",
    "content-length",
    "content-encoding",
    "content-range",
    "etag",
    "last-modified",
];

/// Makes an authenticated request to the provider and tells its answer, whatever its status, in an
/// envelope.
#[utoipa::path(
    post, path = "/v1/passthrough", operation_id = "passthrough", tag = "Passthrough", request_body = PassthroughRequest,
    security(("apiKey" = [], "connectionToken" = [])),
    params(
        ("Passthrough-Timeout-Ms" = Option<u64>, Header, minimum = 1, description = "The same as `timeoutMs` in the body"),
        ("Passthrough-Base" = Option<String>, Header, description = "The same as `base` in the body"),
        ("Passthrough-Retries" = Option<u8>, Header, minimum = 0, maximum = 2, description = "How often the request may be sent again: 0, 1 or 2"),
        ("Passthrough-Throttle" = Option<passthrough_wire::words::Throttle>, Header, description = "Where the provider said \"not before\"")
    ),
    responses(
        (status = 200, body = PassthroughResponse, description = "The provider answered, with any status"),
        (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody), (status = 429, body = ErrorBody),
        (status = 502, body = ErrorBody), (status = 503, body = ErrorBody), (status = 504, body = ErrorBody)
    )
)]
pub(super) async fn passthrough(app: &App, request: DoorRequest) -> Result<DoorAnswer, ApiError> {
    respond(send(app, request, Door::Envelope, PassthroughRequest::parse).await?)
}

/// Makes an authenticated request and streams the provider's bytes where it answers 2xx; any other answer
/// comes as `200` with the envelope. `Passthrough-Source` says which it is.
#[utoipa::path(
    post, path = "/v1/passthrough/raw", operation_id = "passthroughRaw", tag = "Passthrough", request_body = PassthroughRequest,
    security(("apiKey" = [], "connectionToken" = [])),
    params(
        ("Passthrough-Timeout-Ms" = Option<u64>, Header, minimum = 1, description = "The same as `timeoutMs` in the body"),
        ("Passthrough-Base" = Option<String>, Header, description = "The same as `base` in the body"),
        ("Passthrough-Retries" = Option<u8>, Header, minimum = 0, maximum = 2, description = "How often the request may be sent again: 0, 1 or 2"),
        ("Passthrough-Throttle" = Option<passthrough_wire::words::Throttle>, Header, description = "Where the provider said \"not before\"")
    ),
    responses(
        (status = "2XX", description = "The provider's bytes with its status, where it answered 2xx", content_type = "*/*"),
        (status = 200, description = "The provider's bytes; or the envelope, where it answered anything else",
            content((PassthroughResponse = "application/json"), (serde_json::Value = "*/*"))),
        (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody), (status = 429, body = ErrorBody),
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
    let api_key = presented.api_key_at(door).map_err(|error| turn_away(app, door, error))?;
    // Who has no key is not read from: a stranger could make us hold megabytes.
    let known = app.resolver.authenticate(api_key.as_ref(), app.now_ms()).await;
    known.map_err(|error| turn_away(app, door, error))?;
    let connection_token = presented.connection_token();
    let mut asked = Asked::default();
    let read = read(app, body, door, parse, &mut asked).await;
    let optioned = read.and_then(|read| with_options(read, &presented, &mut asked));
    let (mut converted, persistence) = match optioned {
        Ok(optioned) => optioned,
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

impl Asked {
    fn of(converted: &Converted) -> Self {
        Self {
            method: Some(converted.request.method.to_string()),
            path: Some(converted.request.path.path().to_owned()),
        }
    }
}

/// The options among the headers, which say the same at every door. Two places that say different things are refused:
/// which of them counts is not ours to guess.
fn with_options(
    mut converted: Converted,
    presented: &Presented<'_>,
    asked: &mut Asked,
) -> Result<(Converted, Persistence), ApiError> {
    let mut read = || {
        presented.check_options()?;
        let base = presented.base()?.map(str::to_owned);
        let timeout = presented.timeout()?.and_then(|timeout| u64::try_from(timeout.as_millis()).ok());
        one_of(&mut converted.request.base, base, BASE_HEADER, "base")?;
        one_of(&mut converted.timeout_ms, timeout, TIMEOUT_HEADER, "timeoutMs")?;
        presented.persistence()
    };
    match read() {
        Ok(persistence) => Ok((converted, persistence)),
        Err(error) => {
            *asked = Asked::of(&converted);
            Err(error)
        }
    }
}

/// What the body says, or else the header.
fn one_of<T: PartialEq>(
    body: &mut Option<T>,
    header: Option<T>,
    name: &str,
    field: &str,
) -> Result<(), ApiError> {
    match (&*body, header) {
        (Some(one), Some(other)) if *one != other => {
            let message = format!("says something else than `{field}` in the body; send one of them");
            Err(ApiError::bad_field(&format!("headers.{name}"), message))
        }
        (None, Some(header)) => {
            *body = Some(header);
            Ok(())
        }
        _ => Ok(()),
    }
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
    let converted = parse(&json).and_then(|request| request.convert(door, || app.moment().nonce));
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
            *asked = Asked::of(&converted);
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

/// Room for most envelopes, so that they are not moved again and again while they grow.
const USUAL_ENVELOPE: usize = 2 * 1024;

/// An envelope in one of its forms.
pub(super) fn answer_json(
    envelope: &impl serde::Serialize,
    standing: Option<Standing>,
) -> Result<DoorAnswer, ApiError> {
    let mut json = Vec::with_capacity(USUAL_ENVELOPE);
    serde_json::to_writer(&mut json, envelope).map_err(ApiError::internal)?;
    let mut answer = DoorAnswer::json(StatusCode::OK, "envelope", json);
    if let Some(standing) = standing {
        standing.announce(&mut answer.fields, Announced::Here);
    }
    Ok(answer)
}
