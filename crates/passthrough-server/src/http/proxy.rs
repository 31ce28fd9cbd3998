//! `/v1/proxy/…`: the transparent door. Method, path, query, headers and bytes go through, the provider's
//! answer comes back, both ways streamed.

use std::time::Duration;

use bytes::Bytes;
use http::{Method, StatusCode, Version};
use passthrough_core::fault::Door;
use passthrough_core::header::{Fields, is_websocket_upgrade, set_websocket_upgrade};
use passthrough_core::id::RequestId;
use passthrough_core::path::CallerPath;
use passthrough_core::upstream::{PassthroughRequest, RequestBody};
use passthrough_wire::error::ErrorBody;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::caller::{Presented, strip_own_tokens};
use super::doors::{DoorAnswer, DoorBody, DoorRequest, PROXY, SOURCE};
use super::error::ApiError;
use crate::app::App;
use crate::limits::{Announced, Standing};
use crate::passthrough::stream::Delivery;
use crate::passthrough::{
    Delivered, Passthrough, Persistence, Refused, Wanted, passthrough as perform, refuse, turn_away,
};
use crate::upstream::UpstreamBody;

/// Passes a request through as it is: method, path and query behind `/v1/proxy`, headers and body; and the provider's
/// answer back, both ways streamed. Any method but CONNECT and TRACE, also those that OpenAPI has no place for.
#[utoipa::path(
    get, path = "/v1/proxy/{path}", tag = "Passthrough", operation_id = "proxyGet",
    security(("apiKey" = [], "connectionToken" = [])),
    params(
        ("path" = String, Path, description = "The provider's path, as it is, slashes included; a query goes along"),
        ("Passthrough-Timeout-Ms" = Option<u64>, Header, minimum = 1, description = "The deadline of the whole call"),
        ("Passthrough-Base" = Option<String>, Header, description = "The name of one of the provider's further base URLs"),
        ("Passthrough-Retries" = Option<u8>, Header, minimum = 0, maximum = 2, description = "How often the request may be sent again: 0, 1 or 2"),
        ("Passthrough-Throttle" = Option<passthrough_wire::words::Throttle>, Header, description = "Where the provider said \"not before\"")
    ),
    responses(
        (status = "default", description = "The provider's own answer, where `Passthrough-Source` is `provider`",
            content_type = "*/*"),
        (status = 404, body = ErrorBody), (status = 422, body = ErrorBody), (status = 429, body = ErrorBody),
        (status = 502, body = ErrorBody), (status = 504, body = ErrorBody)
    )
)]
pub(super) async fn proxy(app: &App, request: DoorRequest) -> Result<DoorAnswer, ApiError> {
    let performed = match read(app, request)? {
        Ok(passthrough) => perform(app, passthrough).await?,
        // On the heap: hardly a request comes to that.
        Err(unreadable) => return Err(Box::pin(refused(app, unreadable)).await),
    };
    match performed.delivered {
        Delivered::Envelope(_) => Err(ApiError::internal("the proxy was answered with an envelope")),
        Delivered::Stream(mut delivery) => {
            let fields = std::mem::take(&mut delivery.fields);
            Ok(deliver(delivery, fields, performed.standing))
        }
    }
}

/// One door for every method: each that OpenAPI knows gets the same description.
pub(super) fn describe(paths: &mut Value) {
    let item = &mut paths["/v1/proxy/{path}"];
    let described = item["get"].clone();
    item["get"]["responses"]["default"]["content"] = bytes("The provider's own bytes.");
    for (method, has_body) in
        [("post", true), ("put", true), ("patch", true), ("delete", true), ("head", false), ("options", true)]
    {
        let mut operation = described.clone();
        operation["operationId"] = format!("proxy{}{}", method[..1].to_uppercase(), &method[1..]).into();
        operation["responses"]["default"]["content"] = bytes("The provider's own bytes.");
        if has_body {
            operation["requestBody"] = json!({
                "description": "Any bytes, of any `Content-Type`: they go through as they are, streamed.",
                "required": false,
                "content": bytes("The bytes for the provider.")
            });
        }
        item[method] = operation;
    }
}

/// Bytes of any type: what JSON Schema has no word for.
pub(super) fn bytes(description: &str) -> Value {
    json!({"*/*": {"schema": {"description": description}}})
}

/// A request of which it cannot be told what is to be sent.
struct Unreadable {
    request_id: RequestId,
    api_key: Option<SecretString>,
    connection_token: Result<SecretString, ApiError>,
    method: Method,
    target: Bytes,
    error: ApiError,
}

/// Reads what is asked for; fails where it does not even matter who asks.
fn read(app: &App, request: DoorRequest) -> Result<Result<Box<Passthrough>, Box<Unreadable>>, ApiError> {
    check_method(&request.method).map_err(|error| turn_away(app, Door::Proxy, error))?;
    let DoorRequest { id: request_id, method, target, version, fields: mut headers, body, interim } = request;
    let presented = Presented::in_fields(&headers);
    let api_key = presented.api_key().map_err(|error| turn_away(app, Door::Proxy, error))?;
    let connection_token = presented.connection_token();
    let (path, base, timeout, persistence) = match asked(&target, &presented) {
        Ok(asked) => asked,
        Err(error) => {
            let unreadable = Unreadable { request_id, api_key, connection_token, method, target, error };
            return Ok(Err(Box::new(unreadable)));
        }
    };
    let websocket_upgrade =
        method == Method::GET && version == Version::HTTP_11 && is_websocket_upgrade(&headers);
    strip_own_tokens(&mut headers);
    let context = app.traces.context(&headers);
    app.traces.hold_back(&mut headers);
    let (streamed, body) = match body {
        UpstreamBody::Empty => (None, RequestBody::Absent),
        body => (Some(body), RequestBody::Streamed),
    };
    Ok(Ok(Box::new(Passthrough {
        request_id,
        api_key,
        connection_token,
        timeout,
        persistence,
        context,
        wanted: Wanted::Stream,
        streamed,
        interim,
        request: PassthroughRequest {
            door: Door::Proxy,
            method,
            path,
            base,
            headers,
            body,
            websocket_upgrade,
        },
    })))
}

fn check_method(method: &Method) -> Result<(), ApiError> {
    if method == Method::CONNECT {
        return Err(ApiError::bad_field("method", "CONNECT asks for a tunnel; there is none here"));
    }
    // Its answer is the request itself: the credential would come back in the body (RFC 9110 section 9.3.8).
    if ["TRACE", "TRACK"].iter().any(|echo| method.as_str().eq_ignore_ascii_case(echo)) {
        let message =
            "TRACE makes a provider send the request back, the credential included; use another method";
        return Err(ApiError::bad_field("method", message));
    }
    Ok(())
}

/// Tells who has a key what is wrong, and everybody else that they have none.
async fn refused(app: &App, unreadable: Box<Unreadable>) -> ApiError {
    let Unreadable { request_id, api_key, connection_token, method, target, error } = *unreadable;
    if let Err(error) = app.resolver.authenticate(api_key.as_ref(), app.now_ms()).await {
        return turn_away(app, Door::Proxy, error);
    }
    let path = String::from_utf8_lossy(raw_path(&target));
    let (method, path, door) = (method.as_str(), &*path, Door::Proxy);
    refuse(app, Refused { request_id, door, api_key, connection_token, method, path }, error).await
}

type Asked = (CallerPath, Option<String>, Option<Duration>, Persistence);

fn asked(target: &[u8], presented: &Presented<'_>) -> Result<Asked, ApiError> {
    presented.check_options()?;
    let base = presented.base()?.map(str::to_owned);
    Ok((caller_path(target)?, base, presented.timeout()?, presented.persistence()?))
}

/// Path and query as the caller wrote them: the raw text behind the prefix, never a decoded form.
fn caller_path(target: &[u8]) -> Result<CallerPath, ApiError> {
    let refuse = |message: String| ApiError::bad_field("path", message);
    let rest =
        std::str::from_utf8(raw_path(target)).map_err(|_| refuse("the path is not UTF-8".to_owned()))?;
    let path =
        if rest.starts_with('/') { CallerPath::parse(rest) } else { CallerPath::parse(&format!("/{rest}")) };
    path.map_err(|error| refuse(error.to_string()))
}

fn raw_path(target: &[u8]) -> &[u8] {
    target.strip_prefix(PROXY.as_bytes()).unwrap_or(target)
}

/// Passes a provider's answer on, with those of its headers that belong to it.
pub(super) fn deliver(delivery: Delivery, mut fields: Fields, standing: Option<Standing>) -> DoorAnswer {
    let Delivery { status, reason, body, upgrade, .. } = delivery;
    fields.set(SOURCE, "provider");
    if let Some(standing) = standing {
        standing.announce(&mut fields, Announced::BesideTheProviders);
    }
    if status == StatusCode::SWITCHING_PROTOCOLS {
        set_websocket_upgrade(&mut fields);
    }
    DoorAnswer { status, reason, fields, body: DoorBody::Streamed(body), upgrade, closes: false }
}
