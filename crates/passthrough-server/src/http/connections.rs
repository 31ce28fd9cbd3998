//! `/v1/connections`.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use axum::response::{IntoResponse, Response};
use http::{HeaderMap, StatusCode};
use passthrough_core::connection::{Connection as CoreConnection, ConnectionStatus};
use passthrough_core::id::{ConnectionId, Environment};
use passthrough_core::token::Token;
use passthrough_store::ConnectionFilter;
use passthrough_wire::connection::{
    Connection, ConnectionWithToken, CreateConnection, Deleted, PatchConnection, Refreshed, Verification,
};
use passthrough_wire::error::ErrorBody;
use passthrough_wire::fields::Unknown;
use passthrough_wire::page::Page;

use super::body::read_body;
use super::caller::{Segment, authenticate, required_connection_token};
use super::error::ApiError;
use super::list::{ListQuery, page};
use crate::app::App;
use crate::connections;
use crate::link::again;

/// Certificates and keys fit; more is a mistake.
const MAX_BODY: usize = 1024 * 1024;

/// The connections of the environment, newest first.
#[utoipa::path(
    get, path = "/v1/connections", operation_id = "listConnections", tag = "Connections",
    params(
        ("provider" = Option<String>, Query, description = "Only those at this provider"),
        ("integration" = Option<String>, Query, description = "Only those of this integration"),
        ("status" = Option<passthrough_wire::words::ConnectionStatus>, Query, description = "Only those of this status"),
        ("externalId" = Option<String>, Query, description = "Only those of this end user"),
        ("tag" = Option<String>, Query, description = "Only those with this tag"),
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<u32>, Query, description = "1 to 500; 50 where absent")
    ),
    responses((status = 200, body = Page<Connection>))
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Json<Page<Connection>>, ApiError> {
    let caller = authenticate(&app, &headers).await?;
    let rows = list_rows(&app, &caller.environment, query.as_deref(), Unknown::Refuse).await?;
    Ok(Json(page(rows, |connection| connection.id.to_string(), |connection| connection.into())))
}

/// Reads the filters and the page; shared with the dialects.
pub(super) async fn list_rows(
    app: &App,
    environment: &Environment,
    query: Option<&str>,
    unknown: Unknown,
) -> Result<passthrough_store::Page<CoreConnection>, ApiError> {
    let mut query = match unknown {
        Unknown::Refuse => ListQuery::new(query),
        Unknown::Ignore => ListQuery::lenient(query),
    };
    let filter = ConnectionFilter {
        provider: query.text("provider"),
        integration: query.text("integration"),
        status: query.value::<ConnectionStatus>("status"),
        external_id: query.text("externalId"),
        tag: query.text("tag"),
    };
    let (after, limit) = (query.cursor::<ConnectionId>(), query.limit());
    query.finish()?;
    Ok(app.installation.store.list_connections(environment, &filter, after, limit).await?)
}

/// Stores a customer's credential. The token is shown this once.
#[utoipa::path(
    post, path = "/v1/connections", operation_id = "createConnection", tag = "Connections", request_body = CreateConnection,
    responses(
        (status = 201, body = ConnectionWithToken), (status = 422, body = ErrorBody), (status = 502, body = ErrorBody), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 429, body = ErrorBody), (status = 504, body = ErrorBody)
    )
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<ConnectionWithToken>), ApiError> {
    let caller = authenticate(&app, &headers).await?;
    let body = read_body(&app, body, MAX_BODY).await?;
    let request = CreateConnection::parse(&body).map_err(ApiError::bad_request)?;
    // In a task of its own: with `verify`, tokens may be used up on the way, and a caller who goes away must not leave
    // half a connection.
    let work = tokio::spawn(async move { connections::create(&app, &caller, request).await });
    let made = work.await.map_err(ApiError::internal)??;
    let created =
        ConnectionWithToken { verification: made.verification, ..with_token(&made.connection, &made.token) };
    Ok((StatusCode::CREATED, Json(created)))
}

/// One connection.
#[utoipa::path(
    get, path = "/v1/connections/{id}", operation_id = "getConnection", tag = "Connections",
    params(("id" = String, Path, description = "`conn_…`", example = "conn_01M805WQ32ZKWR68SDHP2J0YHP")),
    responses((status = 200, body = Connection), (status = 404, body = ErrorBody))
)]
pub(super) async fn get(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Segment(id): Segment,
) -> Result<Json<Connection>, ApiError> {
    let caller = authenticate(&app, &headers).await?;
    Ok(Json(connections::shown(&app, &caller.environment, parse(&id)?).await?))
}

/// Changes a connection. What is absent stays; `null` clears.
#[utoipa::path(
    patch, path = "/v1/connections/{id}", operation_id = "updateConnection", tag = "Connections", request_body = PatchConnection,
    params(("id" = String, Path, description = "`conn_…`", example = "conn_01M805WQ32ZKWR68SDHP2J0YHP")),
    responses(
        (status = 200, body = Connection), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 422, body = ErrorBody)
    )
)]
pub(super) async fn patch(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Segment(id): Segment,
    body: Body,
) -> Result<Json<Connection>, ApiError> {
    let caller = authenticate(&app, &headers).await?;
    patch_with(&app, &caller.environment, parse(&id)?, body).await
}

async fn patch_with(
    app: &App,
    environment: &Environment,
    id: ConnectionId,
    body: Body,
) -> Result<Json<Connection>, ApiError> {
    let body = read_body(app, body, MAX_BODY).await?;
    let request = PatchConnection::parse(&body, Unknown::Refuse).map_err(ApiError::bad_request)?;
    connections::patch(app, environment, id, request).await?;
    Ok(Json(connections::shown(app, environment, id).await?))
}

/// Deletes a connection and its credential.
#[utoipa::path(
    delete, path = "/v1/connections/{id}", operation_id = "deleteConnection", tag = "Connections",
    params(
        ("id" = String, Path, description = "`conn_…`", example = "conn_01M805WQ32ZKWR68SDHP2J0YHP"),
        ("revoke" = Option<bool>, Query, description = "Give the grant back to the provider first (OAuth 2.0)")
    ),
    responses((status = 200, body = Deleted), (status = 204), (status = 404, body = ErrorBody))
)]
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
    Segment(id): Segment,
) -> Result<Response, ApiError> {
    let caller = authenticate(&app, &headers).await?;
    delete_with(&app, &caller.environment, parse(&id)?, query.as_deref()).await
}

/// 204, or 200 where there is more to say.
async fn delete_with(
    app: &App,
    environment: &Environment,
    id: ConnectionId,
    query: Option<&str>,
) -> Result<Response, ApiError> {
    let mut query = ListQuery::new(query);
    let revoke = query.value::<bool>("revoke").unwrap_or_default();
    query.finish()?;
    Ok(match connections::delete(app, environment, id, revoke).await? {
        Some(revoked) => Json(Deleted { revoked }).into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    })
}

/// The connection of the presented connection token.
#[utoipa::path(
    get, path = "/v1/connections/current", operation_id = "getCurrentConnection", tag = "Connections",
    security(("apiKey" = [], "connectionToken" = [])),
    responses((status = 200, body = Connection), (status = 404, body = ErrorBody))
)]
pub(super) async fn get_current(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
) -> Result<Json<Connection>, ApiError> {
    let (environment, id) = current(&app, &headers).await?;
    Ok(Json(connections::shown(&app, &environment, id).await?))
}

/// Changes the connection of the presented connection token.
#[utoipa::path(
    patch, path = "/v1/connections/current", operation_id = "updateCurrentConnection", tag = "Connections", request_body = PatchConnection,
    security(("apiKey" = [], "connectionToken" = [])),
    responses((status = 200, body = Connection), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody), (status = 422, body = ErrorBody))
)]
pub(super) async fn patch_current(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<Connection>, ApiError> {
    let (environment, id) = current(&app, &headers).await?;
    patch_with(&app, &environment, id, body).await
}

/// Deletes the connection of the presented connection token.
#[utoipa::path(
    delete, path = "/v1/connections/current", operation_id = "deleteCurrentConnection", tag = "Connections",
    security(("apiKey" = [], "connectionToken" = [])),
    params(("revoke" = Option<bool>, Query, description = "Give the grant back to the provider first (OAuth 2.0)")),
    responses((status = 200, body = Deleted), (status = 204), (status = 404, body = ErrorBody))
)]
pub(super) async fn delete_current(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let (environment, id) = current(&app, &headers).await?;
    delete_with(&app, &environment, id, query.as_deref()).await
}

/// Tries the credential: alive, refused, or unreachable. A refused one is disconnected.
#[utoipa::path(
    post, path = "/v1/connections/{id}/verify", operation_id = "verifyConnection", tag = "Connections",
    params(("id" = String, Path, description = "`conn_…`", example = "conn_01M805WQ32ZKWR68SDHP2J0YHP")),
    responses((status = 200, body = Verification), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody), (status = 502, body = ErrorBody), (status = 504, body = ErrorBody))
)]
pub(super) async fn verify(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Segment(id): Segment,
) -> Result<Json<Verification>, ApiError> {
    let caller = authenticate(&app, &headers).await?;
    Ok(Json(connections::verify(&app, &caller.environment, parse(&id)?).await?))
}

/// Renews the credential now, whether it is due or not; 422 where it does not renew itself, or has ended.
#[utoipa::path(
    post, path = "/v1/connections/{id}/refresh", operation_id = "refreshConnection", tag = "Connections",
    params(("id" = String, Path, description = "`conn_…`", example = "conn_01M805WQ32ZKWR68SDHP2J0YHP")),
    responses(
        (status = 200, body = Refreshed), (status = 404, body = ErrorBody),
        (status = 422, body = ErrorBody), (status = 502, body = ErrorBody), (status = 409, body = ErrorBody), (status = 504, body = ErrorBody)
    )
)]
pub(super) async fn refresh(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Segment(id): Segment,
) -> Result<Json<Refreshed>, ApiError> {
    let caller = authenticate(&app, &headers).await?;
    let place = (caller.environment, parse(&id)?);
    let refreshed = connections::refresh(&app, &place.0, place.1).await;
    Ok(Json(refreshed.map_err(|error| again::offered(&app, &place, error))?))
}

/// Gives the connection a new token, shown this once. The old one is worthless at once.
#[utoipa::path(
    post, path = "/v1/connections/{id}/rotate-token", operation_id = "rotateConnectionToken", tag = "Connections",
    params(("id" = String, Path, description = "`conn_…`", example = "conn_01M805WQ32ZKWR68SDHP2J0YHP")),
    responses((status = 200, body = ConnectionWithToken), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody))
)]
pub(super) async fn rotate_token(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Segment(id): Segment,
) -> Result<Json<ConnectionWithToken>, ApiError> {
    let caller = authenticate(&app, &headers).await?;
    let (connection, token) = connections::rotate_token(&app, &caller.environment, parse(&id)?).await?;
    Ok(Json(with_token(&connection, &token)))
}

/// Environment and id of the connection whose token is presented.
pub(super) async fn current(app: &App, headers: &HeaderMap) -> Result<(Environment, ConnectionId), ApiError> {
    let caller = authenticate(app, headers).await?;
    let token = required_connection_token(headers)?;
    let id = app.resolver.identify(&caller, &token).await?;
    Ok((caller.environment, id))
}

fn with_token(connection: &CoreConnection, token: &Token) -> ConnectionWithToken {
    ConnectionWithToken { connection: connection.into(), token: token.expose(), verification: None }
}

fn parse(id: &str) -> Result<ConnectionId, ApiError> {
    id.parse().map_err(|_| ApiError::not_found("there is no such connection in this environment"))
}
