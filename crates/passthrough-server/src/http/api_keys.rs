//! `/v1/api-keys`: the keys of the caller's own environment.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use http::{HeaderMap, StatusCode};
use passthrough_core::id::ApiKeyId;
use passthrough_store::ChangeSubject;
use passthrough_wire::api_key::{ApiKey, CreateApiKey, CreatedApiKey};
use passthrough_wire::error::ErrorBody;
use passthrough_wire::page::Page;
use passthrough_wire::time;

use super::body::read_body;
use super::caller::{Segment, authenticate};
use super::error::ApiError;
use super::list::{ListQuery, page};
use crate::app::App;
use crate::installation::NewKeyError;

const MAX_BODY: usize = 64 * 1024;

/// The API keys of the environment, newest first.
#[utoipa::path(
    get, path = "/v1/api-keys", operation_id = "listApiKeys", tag = "API keys",
    params(
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<u32>, Query, description = "1 to 500; 50 where absent")
    ),
    responses((status = 200, body = Page<ApiKey>))
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Json<Page<ApiKey>>, ApiError> {
    let caller = authenticate(&app, &headers).await?;
    let mut query = ListQuery::new(query.as_deref());
    let (after, limit) = (query.cursor::<ApiKeyId>(), query.limit());
    query.finish()?;
    let rows = app.installation.store.list_api_keys(&caller.environment, after, limit).await?;
    Ok(Json(page(rows, |key| key.id.to_string(), show)))
}

/// Makes an API key of the same environment. The key is shown this once.
#[utoipa::path(
    post, path = "/v1/api-keys", operation_id = "createApiKey", tag = "API keys", request_body = CreateApiKey,
    responses((status = 201, body = CreatedApiKey))
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<CreatedApiKey>), ApiError> {
    let caller = authenticate(&app, &headers).await?;
    let body = read_body(&app, body, MAX_BODY).await?;
    let request = CreateApiKey::parse(&body).map_err(ApiError::bad_request)?;
    let expires_at = request.expires_at.as_deref().and_then(time::parse);
    let made = app.installation.create_api_key(&caller.environment, &request.name, expires_at).await;
    let (key, token) = made.map_err(|error| match error {
        NewKeyError::Expired => ApiError::bad_field("expiresAt", "must be in the future"),
        NewKeyError::Store(error) => error.into(),
    })?;
    app.resolver.changed(ChangeSubject::ApiKey(key.id)).await;
    Ok((StatusCode::CREATED, Json(CreatedApiKey { api_key: show(&key), key: token.expose() })))
}

/// Revokes an API key. It stays in the list, with the time.
#[utoipa::path(
    delete, path = "/v1/api-keys/{id}", operation_id = "revokeApiKey", tag = "API keys",
    params(("id" = String, Path, description = "`key_…`", example = "key_01M805WQ32ZKWR68SDHP2J0YHP")),
    responses((status = 204), (status = 404, body = ErrorBody))
)]
pub(super) async fn revoke(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Segment(id): Segment,
) -> Result<StatusCode, ApiError> {
    let caller = authenticate(&app, &headers).await?;
    let unknown = || ApiError::not_found("there is no such API key in this environment");
    let id: ApiKeyId = id.parse().map_err(|_| unknown())?;
    if !app.installation.store.revoke_api_key(&caller.environment, id, app.now_ms()).await? {
        return Err(unknown());
    }
    app.resolver.changed(ChangeSubject::ApiKey(id)).await;
    Ok(StatusCode::NO_CONTENT)
}

fn show(key: &passthrough_store::ApiKey) -> ApiKey {
    ApiKey {
        id: key.id.to_string(),
        name: key.name.clone(),
        environment: key.environment.to_string(),
        created_at: time::format(key.created_at),
        expires_at: key.expires_at.map(time::format),
        revoked_at: key.revoked_at.map(time::format),
        last_used_at: key.last_used_at.map(time::format),
    }
}
