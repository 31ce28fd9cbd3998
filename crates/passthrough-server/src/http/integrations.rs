//! `/v1/integrations`.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use http::{HeaderMap, StatusCode};
use indexmap::IndexMap;
use passthrough_core::id::is_slug;
use passthrough_core::provider::Provider;
use passthrough_store::Integration as StoredIntegration;
use passthrough_wire::error::ErrorBody;
use passthrough_wire::integration::{CreateIntegration, Integration, PatchIntegration};
use passthrough_wire::page::Page;
use passthrough_wire::time;
use secrecy::ExposeSecret;

use super::body::read_body;
use super::caller::{Segment, authenticate};
use super::error::ApiError;
use super::list::{ListQuery, cursor};
use crate::app::App;
use crate::integrations::{self, redirect_uri};

/// A client with a private key fits; more is a mistake.
const MAX_BODY: usize = 256 * 1024;

/// The integrations of the environment, by key. Those that providers have implicitly are not among them.
#[utoipa::path(
    get, path = "/v1/integrations", operation_id = "listIntegrations", tag = "Integrations",
    params(
        ("provider" = Option<String>, Query, description = "Only those of this provider"),
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<u32>, Query, description = "1 to 500; 50 where absent")
    ),
    responses((status = 200, body = Page<Integration>))
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Json<Page<Integration>>, ApiError> {
    let caller = authenticate(&app, &headers).await?;
    let mut query = ListQuery::new(query.as_deref());
    let (provider, after, limit) = (query.text("provider"), query.cursor::<String>(), query.limit());
    query.finish()?;
    let rows = app.installation.store.list_integrations(
        &caller.environment,
        provider.as_deref(),
        after.as_deref(),
        limit,
    );
    let rows = rows.await?;
    let next = if rows.has_more { rows.rows.last().map(|row| cursor(&row.key)) } else { None };
    let results: Result<_, _> = rows.rows.into_iter().map(|row| show(&app, row)).collect();
    Ok(Json(Page { results: results?, next }))
}

/// Sets up a provider: its OAuth client, what is asked for, and what is the same for all connections.
#[utoipa::path(
    post, path = "/v1/integrations", operation_id = "createIntegration", tag = "Integrations", request_body = CreateIntegration,
    responses(
        (status = 201, body = Integration), (status = 409, body = ErrorBody), (status = 404, body = ErrorBody)
    )
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<Integration>), ApiError> {
    let caller = authenticate(&app, &headers).await?;
    let body = read_body(&app, body, MAX_BODY).await?;
    let request = CreateIntegration::parse(&body).map_err(ApiError::bad_request)?;
    let stored = integrations::create(&app, &caller, request).await?;
    Ok((StatusCode::CREATED, Json(show(&app, stored)?)))
}

/// One integration, without its secrets.
#[utoipa::path(
    get, path = "/v1/integrations/{key}", operation_id = "getIntegration", tag = "Integrations",
    params(("key" = String, Path, description = "Its name in this environment")),
    responses((status = 200, body = Integration), (status = 404, body = ErrorBody))
)]
pub(super) async fn get(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Segment(key): Segment,
) -> Result<Json<Integration>, ApiError> {
    let caller = authenticate(&app, &headers).await?;
    Ok(Json(show(&app, integrations::stored(&app, &caller.environment, checked(&key)?).await?)?))
}

/// Changes an integration. What is absent stays; `null` clears.
#[utoipa::path(
    patch, path = "/v1/integrations/{key}", operation_id = "updateIntegration", tag = "Integrations", request_body = PatchIntegration,
    params(("key" = String, Path, description = "Its name in this environment")),
    responses(
        (status = 200, body = Integration), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)
    )
)]
pub(super) async fn patch(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Segment(key): Segment,
    body: Body,
) -> Result<Json<Integration>, ApiError> {
    let caller = authenticate(&app, &headers).await?;
    let body = read_body(&app, body, MAX_BODY).await?;
    let request = PatchIntegration::parse(&body).map_err(ApiError::bad_request)?;
    let stored = integrations::patch(&app, &caller.environment, checked(&key)?, request).await?;
    Ok(Json(show(&app, stored)?))
}

/// Deletes an integration that no connection uses.
#[utoipa::path(
    delete, path = "/v1/integrations/{key}", operation_id = "deleteIntegration", tag = "Integrations",
    params(("key" = String, Path, description = "Its name in this environment")),
    responses(
        (status = 204), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody)
    )
)]
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Segment(key): Segment,
) -> Result<StatusCode, ApiError> {
    let caller = authenticate(&app, &headers).await?;
    integrations::delete(&app, &caller.environment, checked(&key)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// What can be no key names nothing, and does not reach the database.
fn checked(key: &str) -> Result<&str, ApiError> {
    let unknown = || ApiError::not_found("there is no such integration in this environment");
    if is_slug(key) { Ok(key) } else { Err(unknown()) }
}

/// An integration on the wire.
fn show(app: &App, stored: StoredIntegration) -> Result<Integration, ApiError> {
    let environment = stored.environment.clone();
    let (created_at, updated_at) = (stored.created_at, stored.updated_at);
    let client_rejected_at = stored.client_rejected_at;
    let opened = integrations::Integration::open(&app.installation.vault, stored)?;
    let provider = app.catalog.get(&opened.provider);
    let client = |name: &str| opened.secrets.client.get(name).map(|value| value.expose_secret().to_owned());
    Ok(Integration {
        client_id: client("client_id"),
        has_client_secret: opened.secrets.client.contains_key("client_secret"),
        has_private_key: opened.secrets.client.contains_key("client_private_key"),
        private_key_id: client("client_key_id"),
        variables: variables(provider.map(AsRef::as_ref), &opened),
        redirect_uri: redirect_uri(&app.config, &environment, &opened.key),
        client_rejected_at: client_rejected_at.map(time::format),
        created_at: time::format(created_at),
        updated_at: time::format(updated_at),
        scopes: opened.settings.scopes,
        authorize_params: opened.settings.authorize_params,
        allow_hosts: opened.secrets.allow_hosts,
        redact_reflections: opened.secrets.redact_reflections,
        key: opened.key,
        provider: opened.provider,
        name: opened.name,
    })
}

/// The variables that are set; the value only of those that the provider's file calls no secret.
fn variables(
    provider: Option<&Provider>,
    opened: &integrations::Integration,
) -> IndexMap<String, Option<String>> {
    let open = |name: &str| {
        let input = provider.and_then(|provider| provider.variables.0.get(name));
        input.is_some_and(|input| !input.secret)
    };
    let shown = opened
        .secrets
        .variables
        .iter()
        .map(|(name, value)| (name.clone(), open(name).then(|| value.expose_secret().to_owned())));
    shown.collect()
}
