//! `/v1/link-sessions` and `/v1/public-token/exchange`: what a caller's product does so that its users can link their
//! accounts.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::State;
use http::{HeaderMap, StatusCode};
use passthrough_core::id::LinkSessionId;
use passthrough_wire::error::ErrorBody;
use passthrough_wire::fields::Unknown;
use passthrough_wire::link::{
    CreateLinkSession, CreatedLinkSession, ExchangePublicToken, LinkSession, LinkedConnection,
};
use passthrough_wire::time;

use super::body::read_body;
use super::caller::{Segment, authenticate};
use super::error::ApiError;
use super::link::language;
use crate::app::App;
use crate::link::{public_token, session};

const MAX_BODY: usize = 1024 * 1024;

/// Makes a link for an end user. It works for half an hour, for the browser that opens it first.
#[utoipa::path(
    post, path = "/v1/link-sessions", operation_id = "createLinkSession", tag = "Linking", request_body = CreateLinkSession,
    responses(
        (status = 201, body = CreatedLinkSession), (status = 404, body = ErrorBody), (status = 422, body = ErrorBody)
    )
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<CreatedLinkSession>), ApiError> {
    let caller = authenticate(&app, &headers).await?;
    let body = read_body(&app, body, MAX_BODY).await?;
    let request = CreateLinkSession::parse(&body).map_err(ApiError::bad_request)?;
    let (made, token) = session::create(&app, &caller.environment, request).await?;
    let created = CreatedLinkSession {
        id: made.id.to_string(),
        url: session::url(&app, &token),
        expires_at: time::format(made.expires_at),
        locale: made.locale.as_deref().and_then(language).map(str::to_owned),
    };
    Ok((StatusCode::CREATED, Json(created)))
}

/// How far a link session has come.
#[utoipa::path(
    get, path = "/v1/link-sessions/{id}", operation_id = "getLinkSession", tag = "Linking",
    params(("id" = String, Path, description = "`link_…`", example = "link_01M805WQ32ZKWR68SDHP2J0YHP")),
    responses((status = 200, body = LinkSession), (status = 404, body = ErrorBody))
)]
pub(super) async fn get(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Segment(id): Segment,
) -> Result<Json<LinkSession>, ApiError> {
    let caller = authenticate(&app, &headers).await?;
    let none = || ApiError::not_found("there is no such link session in this environment");
    let id: LinkSessionId = id.parse().map_err(|_| none())?;
    let found = app.installation.store.find_link_session(id).await?;
    let found = found.filter(|found| found.environment == caller.environment).ok_or_else(none)?;
    Ok(Json(session::show(&found, app.now_ms())?))
}

/// Exchanges what a link ended with for the connection. Once, and within ten minutes.
#[utoipa::path(
    post, path = "/v1/public-token/exchange", operation_id = "exchangePublicToken", tag = "Linking", request_body = ExchangePublicToken,
    responses(
        (status = 200, body = LinkedConnection), (status = 404, body = ErrorBody)
    )
)]
pub(super) async fn exchange(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Json<LinkedConnection>, ApiError> {
    let caller = authenticate(&app, &headers).await?;
    let body = read_body(&app, body, MAX_BODY).await?;
    let request = ExchangePublicToken::parse(&body, Unknown::Refuse).map_err(ApiError::bad_request)?;
    let exchanged = public_token::exchange(&app, &caller.environment, &request.public_token).await?;
    let (connection, token) = exchanged;
    Ok(Json(LinkedConnection { connection: (&connection).into(), token: token.map(|token| token.expose()) }))
}
