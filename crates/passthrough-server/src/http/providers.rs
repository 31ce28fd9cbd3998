//! `/v1/providers`: the catalog.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use http::HeaderMap;
use passthrough_wire::error::ErrorBody;
use passthrough_wire::page::Page;
use passthrough_wire::provider::{Provider, ProviderSummary};

use super::caller::{Segment, authenticate};
use super::error::ApiError;
use super::list::ListQuery;
use crate::app::App;

/// The providers, by code; all of them on one page.
#[utoipa::path(
    get, path = "/v1/providers", operation_id = "listProviders", tag = "Providers",
    params(("category" = Option<String>, Query, description = "Only those of this category")),
    responses((status = 200, body = Page<ProviderSummary>))
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Json<Page<ProviderSummary>>, ApiError> {
    authenticate(&app, &headers).await?;
    let mut query = ListQuery::new(query.as_deref());
    let category = query.text("category");
    query.finish()?;
    let wanted = app
        .catalog
        .iter()
        .filter(|provider| category.as_ref().is_none_or(|category| provider.categories.contains(category)));
    Ok(Json(Page { results: wanted.map(|provider| (&**provider).into()).collect(), next: None }))
}

/// One provider: what a form needs to know of it.
#[utoipa::path(
    get, path = "/v1/providers/{code}", operation_id = "getProvider", tag = "Providers",
    params(("code" = String, Path, description = "The provider's code")),
    responses(
        (status = 200, body = Provider), (status = 404, body = ErrorBody)
    )
)]
pub(super) async fn get(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Segment(code): Segment,
) -> Result<Json<Provider>, ApiError> {
    authenticate(&app, &headers).await?;
    Ok(Json(Provider::from(find(&app, &code)?)))
}

/// The provider of a code, or an answer that helps.
pub(super) fn find<'a>(
    app: &'a App,
    code: &str,
) -> Result<&'a passthrough_core::provider::Provider, ApiError> {
    app.catalog.find(code).map(AsRef::as_ref).map_err(|unknown| ApiError::not_found(unknown.to_string()))
}
