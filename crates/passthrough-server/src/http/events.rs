//! `/v1/events`.

use std::sync::Arc;

use axum::Json;
use axum::extract::{RawQuery, State};
use http::HeaderMap;
use passthrough_core::id::{ConnectionId, EventId};
use passthrough_store::EventFilter;
use passthrough_wire::error::ErrorBody;
use passthrough_wire::event::{EVENT_KINDS, Event, Replayed, unknown_kind};
use passthrough_wire::page::Page;

use super::caller::{Segment, authenticate};
use super::error::ApiError;
use super::list::{ListQuery, page};
use crate::app::App;
use crate::events::show;

/// What happened to connections and integrations of the environment, newest first.
#[utoipa::path(
    get, path = "/v1/events", operation_id = "listEvents", tag = "Events",
    params(
        ("type" = Option<passthrough_wire::words::EventKind>, Query, description = "Only those of this type"),
        ("connection" = Option<String>, Query, description = "Only those of this connection, `conn_…`", pattern = "^conn_[0-7][0-9A-HJKMNP-TV-Z]{25}$", example = "conn_01M805WQ32ZKWR68SDHP2J0YHP"),
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<u32>, Query, description = "1 to 500; 50 where absent")
    ),
    responses((status = 200, body = Page<Event>))
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Json<Page<Event>>, ApiError> {
    let caller = authenticate(&app, &headers).await?;
    let mut query = ListQuery::new(query.as_deref());
    let kind = query.text("type");
    if let Some(unknown) = kind.as_deref().filter(|kind| !EVENT_KINDS.contains(kind)) {
        query.wrong("type", unknown_kind(unknown, EVENT_KINDS.into_iter()));
    }
    let filter = EventFilter { kind, connection_id: query.value::<ConnectionId>("connection") };
    let (after, limit) = (query.cursor::<EventId>(), query.limit());
    query.finish()?;
    let rows = app.installation.store.list_events(&caller.environment, &filter, after, limit).await?;
    Ok(Json(page(rows, |event| event.id.to_string(), show)))
}

/// One event.
#[utoipa::path(
    get, path = "/v1/events/{id}", operation_id = "getEvent", tag = "Events",
    params(("id" = String, Path, description = "`evt_…`", example = "evt_01M805WQ32ZKWR68SDHP2J0YHP")),
    responses((status = 200, body = Event), (status = 404, body = ErrorBody))
)]
pub(super) async fn get(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Segment(id): Segment,
) -> Result<Json<Event>, ApiError> {
    let caller = authenticate(&app, &headers).await?;
    let found = app.installation.store.find_event(&caller.environment, parse(&id)?).await?;
    Ok(Json(show(&found.ok_or_else(missing)?)))
}

/// Sends an event again to every enabled webhook endpoint that wants its type, also to those made after it.
#[utoipa::path(
    post, path = "/v1/events/{id}/replay", operation_id = "replayEvent", tag = "Events",
    params(("id" = String, Path, description = "`evt_…`", example = "evt_01M805WQ32ZKWR68SDHP2J0YHP")),
    responses((status = 200, body = Replayed), (status = 404, body = ErrorBody))
)]
pub(super) async fn replay(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Segment(id): Segment,
) -> Result<Json<Replayed>, ApiError> {
    let caller = authenticate(&app, &headers).await?;
    let store = &app.installation.store;
    let queued = store.replay_event(&caller.environment, parse(&id)?, app.now_ms()).await?;
    Ok(Json(Replayed { deliveries: queued.ok_or_else(missing)? }))
}

fn parse(id: &str) -> Result<EventId, ApiError> {
    id.parse().map_err(|_| missing())
}

fn missing() -> ApiError {
    ApiError::not_found("there is no such event in this environment")
}
