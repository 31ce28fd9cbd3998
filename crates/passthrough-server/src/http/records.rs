//! `/v1/requests`: the records.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use http::HeaderMap;
use passthrough_core::fault::Sent;
use passthrough_core::id::{ConnectionId, RequestId};
use passthrough_store::{RequestFilter, StatusFilter};
use passthrough_wire::error::ErrorBody;
use passthrough_wire::page::Page;
use passthrough_wire::record::{ProviderLimit, Record};
use passthrough_wire::time;

use super::caller::{Segment, authenticate};
use super::error::ApiError;
use super::list::{ListQuery, cursor};
use crate::app::App;

/// The records of the environment, newest first.
///
/// A page may have fewer entries than asked for, or none, and nevertheless a `next`: where those that fit are rare,
/// one request does not search through all.
#[utoipa::path(
    get, path = "/v1/requests", operation_id = "listRequests", tag = "Records",
    params(
        ("connectionId" = Option<String>, Query, description = "Only those on this connection", pattern = "^conn_[0-7][0-9A-HJKMNP-TV-Z]{25}$", example = "conn_01M805WQ32ZKWR68SDHP2J0YHP"),
        ("provider" = Option<String>, Query, description = "Only those to this provider"),
        ("status" = Option<String>, Query, description = "The provider's status: `404`, or a class: `4xx`", pattern = "^([1-9][0-9]{2}|[1-5]xx)$", example = "4xx"),
        ("errorCode" = Option<String>, Query, description = "Only those that failed with this code"),
        ("from" = Option<String>, Query, format = DateTime, description = "RFC 3339, inclusive", example = "2026-01-31T12:00:00Z"),
        ("to" = Option<String>, Query, format = DateTime, description = "RFC 3339, exclusive", example = "2026-02-01T00:00:00Z"),
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<u32>, Query, description = "1 to 500; 50 where absent")
    ),
    responses((status = 200, body = Page<Record>))
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Json<Page<Record>>, ApiError> {
    let caller = authenticate(&app, &headers).await?;
    let mut query = ListQuery::new(query.as_deref());
    let status = query.text("status");
    let parsed = status.as_deref().and_then(status_filter);
    if status.is_some() && parsed.is_none() {
        query.wrong("status", "must be a status such as 404, or a class such as 4xx");
    }
    let filter = RequestFilter {
        connection_id: query.value::<ConnectionId>("connectionId"),
        provider: query.text("provider"),
        status: parsed,
        error_code: query.text("errorCode"),
        since: query.time("from"),
        until: query.time("to"),
    };
    let (after, limit) = (query.cursor::<RequestId>(), query.limit());
    query.finish()?;
    let page = app.installation.store.list_requests(&caller.environment, &filter, after, limit).await?;
    Ok(Json(Page { results: page.rows.iter().map(show).collect(), next: page.next.map(cursor) }))
}

/// One record. It appears within a second of the call.
#[utoipa::path(
    get, path = "/v1/requests/{id}", operation_id = "getRequest", tag = "Records",
    params(("id" = String, Path, description = "`req_…`", example = "req_01M805WQ32ZKWR68SDHP2J0YHP")),
    responses((status = 200, body = Record), (status = 404, body = ErrorBody))
)]
pub(super) async fn get(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Segment(id): Segment,
) -> Result<Json<Record>, ApiError> {
    let caller = authenticate(&app, &headers).await?;
    let unknown = || ApiError::not_found("there is no record of this request in this environment");
    let id: RequestId = id.parse().map_err(|_| unknown())?;
    let record = app.installation.store.find_request(&caller.environment, id).await?.ok_or_else(unknown)?;
    Ok(Json(show(&record)))
}

fn status_filter(text: &str) -> Option<StatusFilter> {
    match text.strip_suffix("xx") {
        Some(class) => class.parse().ok().filter(|class| (1..=5).contains(class)).map(StatusFilter::Class),
        None => text.parse().ok().filter(|code| (100..=999).contains(code)).map(StatusFilter::Code),
    }
}

fn provider_limit(given: &passthrough_store::ProviderLimit) -> Option<ProviderLimit> {
    let said = *given != passthrough_store::ProviderLimit::default();
    let unsigned = |value: i64| u64::try_from(value).ok();
    said.then(|| ProviderLimit {
        limit: given.limit.and_then(unsigned),
        remaining: given.remaining.and_then(unsigned),
        resets_at: given.resets_at.map(time::format),
    })
}

fn show(record: &passthrough_store::Record<'_>) -> Record {
    let unsigned = |value: i64| u64::try_from(value).unwrap_or_default();
    Record {
        id: record.id.to_string(),
        connection_id: record.connection_id.map(|id| id.to_string()),
        provider: record.provider.as_deref().map(str::to_owned),
        api_key_id: record.api_key_id.map(|id| id.to_string()),
        door: record.door.as_str().to_owned(),
        method: record.method.clone().into_owned(),
        path: record.path.clone().into_owned(),
        status_code: record.status_code,
        error_code: record.error_code.as_deref().map(str::to_owned),
        error_reason: record.error_reason.as_deref().map(str::to_owned),
        origin: record.origin.map(|origin| origin.as_str().to_owned()),
        sent: record.sent.unwrap_or(Sent::Unknown).as_str().to_owned(),
        attempts: record.attempts,
        started_at: time::format(record.started_at),
        duration_ms: unsigned(record.duration_ms),
        upstream_duration_ms: record.upstream_duration_ms.map(unsigned),
        request_bytes: unsigned(record.request_bytes),
        response_bytes: unsigned(record.response_bytes),
        provider_limit: provider_limit(&record.provider_limit),
    }
}
