//! The dialect of Panora, at the root and below `/panora`. A program written with its SDKs works by changing the
//! server's URL.
//!
//! No logic of its own: it reads Panora's form, performs the same operations, and writes Panora's.

use std::sync::Arc;

use axum::extract::{OriginalUri, RawQuery, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Extension, Json, Router};
use http::header::{ALLOW, LINK};
use http::{HeaderMap, HeaderValue, StatusCode};
use passthrough_core::connection::{Connection, ConnectionStatus};
use passthrough_core::fault::Door;
use passthrough_core::id::{ConnectionId, RequestId};
use passthrough_core::provider::{Auth, Grant};
use passthrough_store::{ConnectionFilter, ConnectionUser};
use passthrough_wire::error::ErrorCode;
use passthrough_wire::fields::FieldError;
use passthrough_wire::page::{MAX_LIMIT, Page};
use passthrough_wire::panora::{
    PanoraConnection, PanoraError, PanoraRequest, PanoraResponse, REDACTED, in_panoras_words,
};
use passthrough_wire::time;

use super::caller::authenticate_at;
use super::error::ApiError;
use super::list::{ListQuery, page};
use super::{doors, passthrough as envelope};
use crate::app::App;
use crate::passthrough::{Delivered, Performed};

pub(super) mod linked_users;

/// The last moment of the year 9999: Panora's SDKs want a date where there is none.
const NEVER: &str = "9999-12-31T23:59:59.999Z";

/// The routes of this dialect.
pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/", get(hello))
        .route("/health", get(health))
        .route("/passthrough", post(passthrough))
        .route("/passthrough/{retryId}", get(retried))
        .route("/connections", get(connections))
        .route("/linked_users", get(linked_users::list).post(linked_users::create))
        .route("/linked_users/batch", post(linked_users::create_several))
        .route("/linked_users/fromRemoteId", get(linked_users::find))
        .route("/linked_users/{id}", get(linked_users::get))
}

/// Says that the server is there.
#[utoipa::path(
    get, path = "/", tag = "Panora", operation_id = "panora_hello", security(()),
    responses((status = 200, body = String, content_type = "text/plain"))
)]
pub(super) async fn hello() -> &'static str {
    "This is Passthrough.\n"
}

/// The status of the server, as a number.
#[utoipa::path(
    get, path = "/health", tag = "Panora", operation_id = "panora_health", security(()),
    responses((status = 200, body = u16, content_type = "application/json"))
)]
pub(super) async fn health() -> Json<u16> {
    Json(StatusCode::OK.as_u16())
}

/// Makes an authenticated request to the provider and tells its answer, whatever its status.
#[utoipa::path(
    post, path = "/passthrough", tag = "Panora", operation_id = "panora_passthrough", request_body = PanoraRequest,
    security(("panoraKey" = [], "panoraConnectionToken" = [])),
    responses(
        (status = 200, body = PanoraResponse, description = "The provider answered, with any status"),
        (status = 400, body = PanoraError), (status = 401, body = PanoraError), (status = 404, body = PanoraError),
        (status = 413, body = PanoraError), (status = 422, body = PanoraError), (status = 429, body = PanoraError),
        (status = 502, body = PanoraError), (status = 503, body = PanoraError), (status = 504, body = PanoraError)
    )
)]
pub(super) async fn passthrough(
    State(app): State<Arc<App>>,
    Extension(id): Extension<RequestId>,
    request: Request,
) -> Result<Response, ApiError> {
    let request = doors::taken_in(&app, id, request);
    let performed = envelope::send(&app, request, Door::Panora, PanoraRequest::parse).await?;
    let answer = match performed {
        Performed { delivered: Delivered::Envelope(answer), standing } => {
            envelope::answer_json(&PanoraResponse::from(answer), standing)?
        }
        stream => envelope::respond(stream)?,
    };
    Ok(doors::respond(answer, None))
}

/// The answer to a request that was tried again later. There is none: nothing is tried again behind a caller's back.
#[utoipa::path(
    get, path = "/passthrough/{retryId}", tag = "Panora", operation_id = "panora_retried",
    security(("panoraKey" = [])),
    params(("retryId" = String, Path, description = "An id of Panora's")),
    responses((status = 401, body = PanoraError), (status = 404, body = PanoraError))
)]
pub(super) async fn retried(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<(), ApiError> {
    authenticate_at(&app, Door::Panora, &headers).await?;
    Err(ApiError::not_found("no request is kept to be tried again; send it again"))
}

/// The connections of the environment, newest first.
#[utoipa::path(
    get, path = "/connections", tag = "Panora", operation_id = "panora_connections",
    security(("panoraKey" = [])),
    params(
        ("cursor" = Option<String>, Query, description = "From the `Link` header of the page before"),
        ("limit" = Option<u32>, Query, description = "1 to 500; 500 where absent")
    ),
    responses(
        (status = 200, body = Vec<PanoraConnection>, description = "`Link` leads to the next page where there is one"),
        (status = 400, body = PanoraError), (status = 401, body = PanoraError)
    )
)]
pub(super) async fn connections(
    State(app): State<Arc<App>>,
    OriginalUri(uri): OriginalUri,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let environment = authenticate_at(&app, Door::Panora, &headers).await?.environment;
    let mut query = ListQuery::new(query.as_deref());
    let (after, limit) = (query.cursor::<ConnectionId>(), query.limit_or(MAX_LIMIT));
    query.finish()?;
    let store = &app.installation.store;
    let rows = store.list_connections(&environment, &ConnectionFilter::default(), after, limit).await?;
    let users = match (rows.rows.last(), rows.rows.first()) {
        (Some(oldest), Some(newest)) => {
            store.list_connection_users(&environment, oldest.id, newest.id).await?
        }
        _ => Default::default(),
    };
    let show = |connection: &Connection| show(&app, connection, users.get(&connection.id));
    Ok(bare(uri.path(), limit, page(rows, |connection| connection.id.to_string(), show)))
}

fn show(app: &App, connection: &Connection, more: Option<&ConnectionUser>) -> PanoraConnection {
    let auth = app.catalog.get(&connection.provider).and_then(|provider| provider.auth.get(&connection.auth));
    let expires_at = more.and_then(|more| more.expires_at).map(time::format);
    let user = more.and_then(|more| more.user).map(|user| user.to_string());
    PanoraConnection {
        id_connection: connection.id.to_string(),
        status: match connection.status {
            ConnectionStatus::Connected => "valid",
            other => other.as_str(),
        },
        provider_slug: connection.provider.clone(),
        vertical: "",
        account_url: "",
        token_type: auth.map_or("apikey", |auth| token_type(auth)),
        access_token: REDACTED,
        refresh_token: REDACTED,
        expiration_timestamp: expires_at.unwrap_or_else(|| NEVER.to_owned()),
        created_at: time::format(connection.created_at),
        connection_token: REDACTED,
        id_project: connection.environment.to_string(),
        id_linked_user: user.unwrap_or_default(),
    }
}

/// Panora knows three.
fn token_type(auth: &Auth) -> &'static str {
    let basic = || auth.inject.headers.iter().any(|(_, value)| value.source().starts_with("Basic "));
    match auth.grant {
        Grant::OAuth2(_) | Grant::OAuth1(_) => "oauth2",
        Grant::Static if basic() => "basic",
        Grant::Static | Grant::Login(_) => "apikey",
    }
}

/// A page as a bare array. Where the next one is stands in a header (RFC 8288).
fn bare<T: serde::Serialize>(path: &str, limit: u32, page: Page<T>) -> Response {
    let mut response = Json(page.results).into_response();
    let next = page.next.map(|cursor| format!("<{path}?limit={limit}&cursor={cursor}>; rel=\"next\""));
    if let Some(Ok(next)) = next.map(HeaderValue::try_from) {
        response.headers_mut().insert(LINK, next);
    }
    response
}

/// Writes failures in Panora's form.
pub(super) async fn errors(
    State(app): State<Arc<App>>,
    Extension(id): Extension<RequestId>,
    OriginalUri(uri): OriginalUri,
    request: Request,
    next: Next,
) -> Response {
    let response = next.run(request).await;
    let Some(error) = response.extensions().get::<ApiError>() else { return response };
    let error = told_in_panoras_words(error.clone());
    let body = PanoraError {
        status_code: error.status().as_u16(),
        timestamp: time::format(app.now_ms()),
        path: uri.path().to_owned(),
        error: error.body(&id.to_string()),
    };
    let mut written = error.respond_with(body);
    if let Some(allow) = response.headers().get(ALLOW) {
        written.headers_mut().insert(ALLOW, allow.clone());
    }
    written
}

/// What is wrong with a request is told by the names that it has there.
fn told_in_panoras_words(error: ApiError) -> ApiError {
    if error.code != ErrorCode::BadRequest {
        return error;
    }
    let detail = error.detail.as_deref().cloned().unwrap_or_default();
    let Ok(fields) = serde_json::from_value::<Vec<FieldError>>(detail) else { return error };
    let fields = fields.into_iter().map(in_panoras_words).collect();
    let ApiError { message, detail, .. } = ApiError::bad_request(fields);
    ApiError { message, detail, ..error }
}
