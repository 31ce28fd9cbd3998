//! `/linked_users`: the end users of the caller's product, whom connections name as `externalId`.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{OriginalUri, RawQuery, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use passthrough_core::fault::Door;
use passthrough_core::id::{Environment, LinkedUserId};
use passthrough_store::LinkedUser;
use passthrough_wire::page::MAX_LIMIT;
use passthrough_wire::panora::{CreateLinkedUser, CreateLinkedUsers, PanoraError, PanoraLinkedUser};

use super::bare;
use crate::app::App;
use crate::http::body::read_body;
use crate::http::caller::{Segment, authenticate_at};
use crate::http::error::ApiError;
use crate::http::list::{ListQuery, page};

const MAX_BODY: usize = 1024 * 1024;

/// The linked users of the environment, newest first.
#[utoipa::path(
    get, path = "/linked_users", tag = "Panora", operation_id = "panora_linked_users",
    security(("panoraKey" = [])),
    params(
        ("cursor" = Option<String>, Query, description = "From the `Link` header of the page before"),
        ("limit" = Option<u32>, Query, description = "1 to 500; 500 where absent")
    ),
    responses(
        (status = 200, body = Vec<PanoraLinkedUser>, description = "`Link` leads to the next page where there is one"),
        (status = 400, body = PanoraError), (status = 401, body = PanoraError)
    )
)]
pub(in crate::http) async fn list(
    State(app): State<Arc<App>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let caller = authenticate_at(&app, Door::Panora, &headers).await?;
    let mut query = ListQuery::new(query.as_deref());
    let (after, limit) = (query.cursor::<LinkedUserId>(), query.limit_or(MAX_LIMIT));
    query.finish()?;
    let rows = app.installation.store.list_linked_users(&caller.environment, after, limit).await?;
    Ok(bare(uri.path(), limit, page(rows, |user| user.id.to_string(), show)))
}

/// Makes a linked user. One that is there already is given as it is, with the alias where one is given.
#[utoipa::path(
    post, path = "/linked_users", tag = "Panora", operation_id = "panora_create_linked_user",
    security(("panoraKey" = [])), request_body = CreateLinkedUser,
    responses(
        (status = 201, body = PanoraLinkedUser), (status = 400, body = PanoraError), (status = 401, body = PanoraError),
        (status = 413, body = PanoraError)
    )
)]
pub(in crate::http) async fn create(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<PanoraLinkedUser>), ApiError> {
    let caller = authenticate_at(&app, Door::Panora, &headers).await?;
    let body = read_body(&app, body, MAX_BODY).await?;
    let CreateLinkedUser { linked_user_origin_id, alias } =
        CreateLinkedUser::parse(&body).map_err(ApiError::bad_request)?;
    let made = ensure(&app, &caller.environment, vec![linked_user_origin_id], alias).await?;
    let made = made.into_iter().next().ok_or_else(|| ApiError::internal("a linked user was not made"))?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// Makes several linked users, all or none. They come in the order in which they were asked for.
#[utoipa::path(
    post, path = "/linked_users/batch", tag = "Panora", operation_id = "panora_create_linked_users",
    security(("panoraKey" = [])), request_body = CreateLinkedUsers,
    responses(
        (status = 201, body = Vec<PanoraLinkedUser>), (status = 400, body = PanoraError),
        (status = 401, body = PanoraError), (status = 413, body = PanoraError)
    )
)]
pub(in crate::http) async fn create_several(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Vec<PanoraLinkedUser>>), ApiError> {
    let caller = authenticate_at(&app, Door::Panora, &headers).await?;
    let body = read_body(&app, body, MAX_BODY).await?;
    let CreateLinkedUsers { linked_user_origin_ids, alias } =
        CreateLinkedUsers::parse(&body).map_err(ApiError::bad_request)?;
    let made = ensure(&app, &caller.environment, linked_user_origin_ids, alias).await?;
    Ok((StatusCode::CREATED, Json(made)))
}

/// The linked user with this id in the caller's product.
#[utoipa::path(
    get, path = "/linked_users/fromRemoteId", tag = "Panora", operation_id = "panora_find_linked_user",
    security(("panoraKey" = [])),
    params(("remoteId" = String, Query, description = "The id in the caller's product")),
    responses(
        (status = 200, body = PanoraLinkedUser), (status = 400, body = PanoraError), (status = 401, body = PanoraError),
        (status = 404, body = PanoraError)
    )
)]
pub(in crate::http) async fn find(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Json<PanoraLinkedUser>, ApiError> {
    let caller = authenticate_at(&app, Door::Panora, &headers).await?;
    let mut query = ListQuery::new(query.as_deref());
    let origin_id = query.required("remoteId");
    query.finish()?;
    let found = app.installation.store.find_linked_user_by_origin(&caller.environment, &origin_id).await?;
    found.as_ref().map(|user| Json(show(user))).ok_or_else(unknown)
}

/// One linked user.
#[utoipa::path(
    get, path = "/linked_users/{id}", tag = "Panora", operation_id = "panora_linked_user",
    security(("panoraKey" = [])),
    params(("id" = String, Path, description = "`user_…`")),
    responses(
        (status = 200, body = PanoraLinkedUser), (status = 401, body = PanoraError), (status = 404, body = PanoraError)
    )
)]
pub(in crate::http) async fn get(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Segment(id): Segment,
) -> Result<Json<PanoraLinkedUser>, ApiError> {
    let caller = authenticate_at(&app, Door::Panora, &headers).await?;
    let id: LinkedUserId = id.parse().map_err(|_| unknown())?;
    let found = app.installation.store.find_linked_user(&caller.environment, id).await?;
    found.as_ref().map(|user| Json(show(user))).ok_or_else(unknown)
}

async fn ensure(
    app: &App,
    environment: &Environment,
    origin_ids: Vec<String>,
    alias: Option<String>,
) -> Result<Vec<PanoraLinkedUser>, ApiError> {
    let created_at = app.now_ms();
    let asked = origin_ids.into_iter().map(|origin_id| LinkedUser {
        id: app.installation.new_ulid().into(),
        environment: environment.clone(),
        origin_id,
        alias: alias.clone(),
        created_at,
    });
    let made = app.installation.store.ensure_linked_users(&asked.collect::<Vec<_>>()).await?;
    Ok(made.iter().map(show).collect())
}

fn show(user: &LinkedUser) -> PanoraLinkedUser {
    PanoraLinkedUser {
        id_linked_user: user.id.to_string(),
        linked_user_origin_id: user.origin_id.clone(),
        alias: user.alias.clone(),
        id_project: user.environment.to_string(),
    }
}

fn unknown() -> ApiError {
    ApiError::not_found("there is no such linked user in this environment")
}
