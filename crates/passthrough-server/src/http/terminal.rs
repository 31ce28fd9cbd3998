//! `/tsp/v1`: the dialect of Terminal. A program written for it works by changing the host.
//!
//! No logic of its own: it reads Terminal's form, performs the same operations, and writes Terminal's.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{RawQuery, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use http::HeaderMap;
use passthrough_core::connection::Connection;
use passthrough_core::fault::Door;
use passthrough_core::id::RequestId;
use passthrough_wire::connection::PatchConnection;
use passthrough_wire::error::{ErrorBody, ErrorCode};
use passthrough_wire::fields::Unknown;
use passthrough_wire::link::ExchangePublicToken;
use passthrough_wire::page::Page;
use passthrough_wire::passthrough::PassthroughRequest;
use passthrough_wire::terminal::{TerminalConnection, TerminalProvider, TerminalRequest, TerminalResponse};
use serde_json::{Value, json};

use super::body::read_body;
use super::caller::authenticate;
use super::error::ApiError;
use super::list::page;
use super::{connections as native, doors, passthrough as envelope};
use crate::app::App;
use crate::connections;
use crate::link::{again, public_token};
use crate::passthrough::{Delivered, Performed};

const MAX_BODY: usize = 1024 * 1024;

/// The routes, to be nested.
pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/passthrough", post(passthrough))
        .route("/passthrough/raw", post(raw))
        .route("/connections", get(list))
        .route("/connections/current", get(get_current).patch(patch_current).delete(delete_current))
        .route("/providers", get(providers))
        .route("/public-token/exchange", post(exchange))
}

/// Makes an authenticated request to the provider and tells its answer, whatever its status.
#[utoipa::path(
    post, path = "/tsp/v1/passthrough", operation_id = "terminalPassthrough", tag = "Terminal's dialect", request_body = TerminalRequest,
    security(("apiKey" = [], "connectionToken" = [])),
    responses(
        (status = 200, body = TerminalResponse, description = "The provider answered, with any status"),
        (status = 403, body = ErrorBody), (status = 422, body = ErrorBody), (status = 429, body = ErrorBody), (status = 501, body = ErrorBody), (status = 502, body = ErrorBody), (status = 504, body = ErrorBody)
    )
)]
pub(super) async fn passthrough(
    State(app): State<Arc<App>>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Result<Response, ApiError> {
    send(&app, id, request, Door::Terminal).await
}

/// The same, and the provider's bytes where it answers 2xx; any other answer comes as `200` with our envelope.
#[utoipa::path(
    post, path = "/tsp/v1/passthrough/raw", operation_id = "terminalPassthroughRaw", tag = "Terminal's dialect", request_body = TerminalRequest,
    security(("apiKey" = [], "connectionToken" = [])),
    responses(
        (status = "2XX", description = "The provider's bytes with its status, where it answered 2xx", content_type = "*/*"),
        (status = 200, description = "The provider's bytes; or the envelope, where it answered anything else",
            content((TerminalResponse = "application/json"), (Value = "*/*"))),
        (status = 403, body = ErrorBody), (status = 422, body = ErrorBody), (status = 429, body = ErrorBody), (status = 501, body = ErrorBody), (status = 502, body = ErrorBody), (status = 504, body = ErrorBody)
    )
)]
pub(super) async fn raw(
    State(app): State<Arc<App>>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Result<Response, ApiError> {
    send(&app, id, request, Door::Raw).await
}

async fn send(app: &App, id: RequestId, request: Request, door: Door) -> Result<Response, ApiError> {
    let request = doors::taken_in(app, id, request);
    let performed = envelope::send(app, request, door, PassthroughRequest::parse_terminal).await?;
    let answer = match performed {
        Performed { delivered: Delivered::Envelope(answer), standing } => {
            envelope::answer_json(&TerminalResponse::from(answer), standing)?
        }
        stream => envelope::respond(stream)?,
    };
    Ok(doors::respond(answer, None))
}

/// The connections of the environment, newest first.
#[utoipa::path(
    get, path = "/tsp/v1/connections", operation_id = "terminalListConnections", tag = "Terminal's dialect",
    params(
        ("provider" = Option<String>, Query, description = "Only those at this provider"),
        ("status" = Option<passthrough_wire::words::ConnectionStatus>, Query, description = "Only those of this status"),
        ("externalId" = Option<String>, Query, description = "Only those of this end user"),
        ("tag" = Option<String>, Query, description = "Only those with this tag"),
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<u32>, Query, description = "1 to 500; 50 where absent")
    ),
    responses((status = 200, body = Page<TerminalConnection>))
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Json<Page<TerminalConnection>>, ApiError> {
    let caller = authenticate(&app, &headers).await?;
    let rows = native::list_rows(&app, &caller.environment, query.as_deref(), Unknown::Ignore).await?;
    Ok(Json(page(rows, |connection| connection.id.to_string(), |connection| show(&app, connection, None))))
}

/// The connection of the presented connection token.
#[utoipa::path(
    get, path = "/tsp/v1/connections/current", operation_id = "terminalGetCurrentConnection", tag = "Terminal's dialect",
    security(("apiKey" = [], "connectionToken" = [])),
    responses((status = 200, body = TerminalConnection), (status = 403, body = ErrorBody))
)]
pub(super) async fn get_current(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Json<TerminalConnection>, ApiError> {
    let (environment, id) = native::current(&app, &headers).await?;
    let connection = connections::find(&app, &environment, id).await?.connection;
    Ok(Json(show(&app, &connection, presented(&headers))))
}

/// Changes the connection of the presented connection token. What is absent stays; `null` clears.
#[utoipa::path(
    patch, path = "/tsp/v1/connections/current", operation_id = "terminalUpdateCurrentConnection", tag = "Terminal's dialect",
    request_body = PatchConnection,
    security(("apiKey" = [], "connectionToken" = [])),
    responses((status = 200, body = TerminalConnection), (status = 403, body = ErrorBody), (status = 422, body = ErrorBody))
)]
pub(super) async fn patch_current(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<TerminalConnection>, ApiError> {
    let (environment, id) = native::current(&app, &headers).await?;
    let body = read_body(&app, body, MAX_BODY).await?;
    let request = PatchConnection::parse(&body, Unknown::Ignore).map_err(ApiError::bad_request)?;
    let connection = connections::patch(&app, &environment, id, request).await?;
    Ok(Json(show(&app, &connection, presented(&headers))))
}

/// Deletes the connection of the presented connection token.
///
/// Terminal declares no 204: the answer is the connection as it was.
#[utoipa::path(
    delete, path = "/tsp/v1/connections/current", operation_id = "terminalDeleteCurrentConnection", tag = "Terminal's dialect",
    security(("apiKey" = [], "connectionToken" = [])),
    responses((status = 200, body = TerminalConnection), (status = 403, body = ErrorBody))
)]
pub(super) async fn delete_current(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Json<TerminalConnection>, ApiError> {
    let (environment, id) = native::current(&app, &headers).await?;
    let connection = connections::find(&app, &environment, id).await?.connection;
    connections::delete(&app, &environment, id, false).await?;
    Ok(Json(show(&app, &connection, presented(&headers))))
}

/// The catalog.
#[utoipa::path(
    get, path = "/tsp/v1/providers", operation_id = "terminalListProviders", tag = "Terminal's dialect",
    responses((status = 200, body = Vec<TerminalProvider>))
)]
pub(super) async fn providers(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Json<Vec<TerminalProvider>>, ApiError> {
    authenticate(&app, &headers).await?;
    let show = |provider: &Arc<passthrough_core::provider::Provider>| TerminalProvider {
        code: provider.code.clone(),
        name: provider.name.clone(),
    };
    Ok(Json(app.catalog.iter().map(show).collect()))
}

/// Exchanges what a link ended with for the connection.
///
/// The token is there where the connection has just been given its first; see the native exchange.
#[utoipa::path(
    post, path = "/tsp/v1/public-token/exchange", operation_id = "terminalExchangePublicToken", tag = "Terminal's dialect",
    request_body = ExchangePublicToken,
    responses((status = 200, body = TerminalConnection), (status = 403, body = ErrorBody))
)]
pub(super) async fn exchange(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<TerminalConnection>, ApiError> {
    let caller = authenticate(&app, &headers).await?;
    let body = read_body(&app, body, MAX_BODY).await?;
    let request = ExchangePublicToken::parse(&body, Unknown::Ignore).map_err(ApiError::bad_request)?;
    let exchanged = public_token::exchange(&app, &caller.environment, &request.public_token).await?;
    let (connection, token) = exchanged;
    Ok(Json(show(&app, &connection, token.map(|token| token.expose()))))
}

fn show(app: &App, connection: &Connection, token: Option<String>) -> TerminalConnection {
    let name = app.catalog.get(&connection.provider).map_or(connection.provider.as_str(), |p| &p.name);
    let link_url = again::url(app, &connection.environment, connection.id);
    TerminalConnection::new(connection, name, token, link_url)
}

/// The token that the caller presented: it may be shown to who has it.
fn presented(headers: &HeaderMap) -> Option<String> {
    let value = headers.get("connection-token").or_else(|| headers.get("x-connection-token"))?;
    value.to_str().ok().map(|text| text.trim().to_owned())
}

/// Writes failures in Terminal's form, with the statuses that it declares.
pub(super) async fn errors(Extension(id): Extension<RequestId>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let Some(error) = response.extensions().get::<ApiError>() else { return response };
    let mut error = error.clone();
    error.code = declared(error.code);
    let mut body = serde_json::to_value(error.body(&id.to_string())).unwrap_or_default();
    if let Some(body) = body.as_object_mut() {
        if matches!(error.code.status(), 400 | 422) && !body.get("detail").is_some_and(Value::is_array) {
            body.insert("detail".to_owned(), json!([{ "message": error.message, "path": "" }]));
        }
        if error.code == ErrorCode::TooManyRequests {
            body.insert("retryAfter".to_owned(), json!(error.retry_after.unwrap_or(1)));
        }
    }
    error.respond_with(body)
}

/// Terminal declares 200, 400, 401, 403, 422, 429, 500, 501, 502 and 504 only.
fn declared(code: ErrorCode) -> ErrorCode {
    match code {
        ErrorCode::NotFound => ErrorCode::Forbidden,
        ErrorCode::MethodNotAllowed | ErrorCode::Conflict | ErrorCode::PayloadTooLarge => {
            ErrorCode::BadRequest
        }
        ErrorCode::Overloaded
        | ErrorCode::CircuitOpen
        | ErrorCode::Unavailable
        | ErrorCode::RefreshInProgress => ErrorCode::BadGateway,
        other => other,
    }
}
