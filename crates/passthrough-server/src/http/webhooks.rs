//! `/v1/webhook-endpoints` and `/v1/webhook-deliveries`.

use std::sync::Arc;

use axum::Json;
use axum::body::Body;
use axum::extract::{RawQuery, State};
use http::{HeaderMap, StatusCode};
use passthrough_core::id::{DeliveryId, EndpointId, EventId};
use passthrough_store::{Delivery, DeliveryFilter, DeliveryStatus, WebhookEndpoint as StoredEndpoint};
use passthrough_wire::error::ErrorBody;
use passthrough_wire::page::Page;
use passthrough_wire::time;
use passthrough_wire::webhook::{
    CreateWebhookEndpoint, PatchWebhookEndpoint, WebhookDelivery, WebhookEndpoint, WebhookEndpointWithSecret,
};
use secrecy::ExposeSecret;

use super::body::read_body;
use super::caller::{Segment, authenticate};
use super::error::ApiError;
use super::list::{ListQuery, page};
use crate::app::App;
use crate::webhooks;

const MAX_BODY: usize = 64 * 1024;

/// The webhook endpoints of the environment, newest first.
#[utoipa::path(
    get, path = "/v1/webhook-endpoints", operation_id = "listWebhookEndpoints", tag = "Webhooks",
    params(
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<u32>, Query, description = "1 to 500; 50 where absent")
    ),
    responses((status = 200, body = Page<WebhookEndpoint>))
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Json<Page<WebhookEndpoint>>, ApiError> {
    let caller = authenticate(&app, &headers).await?;
    let mut query = ListQuery::new(query.as_deref());
    let (after, limit) = (query.cursor::<EndpointId>(), query.limit());
    query.finish()?;
    let rows = app.installation.store.list_endpoints(&caller.environment, after, limit).await?;
    Ok(Json(page(rows, |endpoint| endpoint.id.to_string(), |endpoint| show(&app, endpoint))))
}

/// Makes a webhook endpoint. Its secret is shown this once.
#[utoipa::path(
    post, path = "/v1/webhook-endpoints", operation_id = "createWebhookEndpoint", tag = "Webhooks", request_body = CreateWebhookEndpoint,
    responses((status = 201, body = WebhookEndpointWithSecret))
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    body: Body,
) -> Result<(StatusCode, Json<WebhookEndpointWithSecret>), ApiError> {
    let caller = authenticate(&app, &headers).await?;
    let body = read_body(&app, body, MAX_BODY).await?;
    let request = CreateWebhookEndpoint::parse(&body).map_err(ApiError::bad_request)?;
    let (endpoint, secrets) = webhooks::create(&app, &caller.environment, request).await?;
    let secret = secrets.secret.expose_secret().to_owned();
    Ok((StatusCode::CREATED, Json(WebhookEndpointWithSecret { endpoint: show(&app, &endpoint), secret })))
}

/// One webhook endpoint, without its secret.
#[utoipa::path(
    get, path = "/v1/webhook-endpoints/{id}", operation_id = "getWebhookEndpoint", tag = "Webhooks",
    params(("id" = String, Path, description = "`whk_…`", example = "whk_01M805WQ32ZKWR68SDHP2J0YHP")),
    responses((status = 200, body = WebhookEndpoint), (status = 404, body = ErrorBody))
)]
pub(super) async fn get(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Segment(id): Segment,
) -> Result<Json<WebhookEndpoint>, ApiError> {
    let caller = authenticate(&app, &headers).await?;
    Ok(Json(show(&app, &webhooks::find(&app, &caller.environment, parse(&id)?).await?)))
}

/// Changes a webhook endpoint: where to, which types, on or off. What is absent stays.
#[utoipa::path(
    patch, path = "/v1/webhook-endpoints/{id}", operation_id = "updateWebhookEndpoint", tag = "Webhooks", request_body = PatchWebhookEndpoint,
    params(("id" = String, Path, description = "`whk_…`", example = "whk_01M805WQ32ZKWR68SDHP2J0YHP")),
    responses(
        (status = 200, body = WebhookEndpoint), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)
    )
)]
pub(super) async fn patch(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Segment(id): Segment,
    body: Body,
) -> Result<Json<WebhookEndpoint>, ApiError> {
    let caller = authenticate(&app, &headers).await?;
    let body = read_body(&app, body, MAX_BODY).await?;
    let request = PatchWebhookEndpoint::parse(&body).map_err(ApiError::bad_request)?;
    Ok(Json(show(&app, &webhooks::patch(&app, &caller.environment, parse(&id)?, request).await?)))
}

/// Deletes a webhook endpoint and its deliveries.
#[utoipa::path(
    delete, path = "/v1/webhook-endpoints/{id}", operation_id = "deleteWebhookEndpoint", tag = "Webhooks",
    params(("id" = String, Path, description = "`whk_…`", example = "whk_01M805WQ32ZKWR68SDHP2J0YHP")),
    responses((status = 204), (status = 404, body = ErrorBody))
)]
pub(super) async fn delete(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Segment(id): Segment,
) -> Result<StatusCode, ApiError> {
    let caller = authenticate(&app, &headers).await?;
    webhooks::delete(&app, &caller.environment, parse(&id)?).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Gives an endpoint another secret, shown this once. For a day the old one signs, too.
#[utoipa::path(
    post, path = "/v1/webhook-endpoints/{id}/rotate-secret", operation_id = "rotateWebhookSecret", tag = "Webhooks",
    params(("id" = String, Path, description = "`whk_…`", example = "whk_01M805WQ32ZKWR68SDHP2J0YHP")),
    responses(
        (status = 200, body = WebhookEndpointWithSecret), (status = 404, body = ErrorBody), (status = 409, body = ErrorBody)
    )
)]
pub(super) async fn rotate_secret(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Segment(id): Segment,
) -> Result<Json<WebhookEndpointWithSecret>, ApiError> {
    let caller = authenticate(&app, &headers).await?;
    let (endpoint, secret) = webhooks::rotate(&app, &caller.environment, parse(&id)?).await?;
    let secret = secret.expose_secret().to_owned();
    Ok(Json(WebhookEndpointWithSecret { endpoint: show(&app, &endpoint), secret }))
}

/// Sends an event of the type `webhook.test` to this endpoint.
#[utoipa::path(
    post, path = "/v1/webhook-endpoints/{id}/test", operation_id = "testWebhookEndpoint", tag = "Webhooks",
    params(("id" = String, Path, description = "`whk_…`", example = "whk_01M805WQ32ZKWR68SDHP2J0YHP")),
    responses(
        (status = 202, body = WebhookDelivery), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody)
    )
)]
pub(super) async fn test(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Segment(id): Segment,
) -> Result<(StatusCode, Json<WebhookDelivery>), ApiError> {
    let caller = authenticate(&app, &headers).await?;
    let delivery = webhooks::test(&app, &caller.environment, parse(&id)?).await?;
    Ok((StatusCode::ACCEPTED, Json(show_delivery(&delivery))))
}

/// The deliveries of the environment, those of the newest events first.
#[utoipa::path(
    get, path = "/v1/webhook-deliveries", operation_id = "listWebhookDeliveries", tag = "Webhooks",
    params(
        ("endpoint" = Option<String>, Query, description = "Only those to this endpoint, `whk_…`", pattern = "^whk_[0-7][0-9A-HJKMNP-TV-Z]{25}$", example = "whk_01M805WQ32ZKWR68SDHP2J0YHP"),
        ("event" = Option<String>, Query, description = "Only those of this event, `evt_…`", pattern = "^evt_[0-7][0-9A-HJKMNP-TV-Z]{25}$", example = "evt_01M805WQ32ZKWR68SDHP2J0YHP"),
        ("status" = Option<passthrough_wire::words::DeliveryStatus>, Query, description = "Only those of this status"),
        ("cursor" = Option<String>, Query, description = "`next` of the page before"),
        ("limit" = Option<u32>, Query, description = "1 to 500; 50 where absent")
    ),
    responses((status = 200, body = Page<WebhookDelivery>))
)]
pub(super) async fn deliveries(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Result<Json<Page<WebhookDelivery>>, ApiError> {
    let caller = authenticate(&app, &headers).await?;
    let mut query = ListQuery::new(query.as_deref());
    let filter = DeliveryFilter {
        endpoint_id: query.value::<EndpointId>("endpoint"),
        event_id: query.value::<EventId>("event"),
        status: status(&mut query),
    };
    let (after, limit) = (query.cursor::<DeliveryId>(), query.limit());
    query.finish()?;
    let rows = app.installation.store.list_deliveries(&caller.environment, &filter, after, limit).await?;
    Ok(Json(page(rows, |delivery| delivery.id.to_string(), show_delivery)))
}

/// One delivery.
#[utoipa::path(
    get, path = "/v1/webhook-deliveries/{id}", operation_id = "getWebhookDelivery", tag = "Webhooks",
    params(("id" = String, Path, description = "`dlv_…`", example = "dlv_01M805WQ32ZKWR68SDHP2J0YHP")),
    responses((status = 200, body = WebhookDelivery), (status = 404, body = ErrorBody))
)]
pub(super) async fn delivery(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Segment(id): Segment,
) -> Result<Json<WebhookDelivery>, ApiError> {
    let caller = authenticate(&app, &headers).await?;
    let id = parse_delivery(&id)?;
    let found = app.installation.store.find_delivery(&caller.environment, id).await?;
    Ok(Json(show_delivery(&found.ok_or_else(missing_delivery)?)))
}

/// Sends one delivery again, whatever came of it; the message keeps its id.
#[utoipa::path(
    post, path = "/v1/webhook-deliveries/{id}/replay", operation_id = "replayWebhookDelivery", tag = "Webhooks",
    params(("id" = String, Path, description = "`dlv_…`", example = "dlv_01M805WQ32ZKWR68SDHP2J0YHP")),
    responses(
        (status = 202, body = WebhookDelivery), (status = 404, body = ErrorBody),
        (status = 409, body = ErrorBody)
    )
)]
pub(super) async fn replay(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Segment(id): Segment,
) -> Result<(StatusCode, Json<WebhookDelivery>), ApiError> {
    let caller = authenticate(&app, &headers).await?;
    let (environment, id) = (&caller.environment, parse_delivery(&id)?);
    let store = &app.installation.store;
    let queued = store.replay_delivery(environment, id, app.now_ms()).await?;
    let found = store.find_delivery(environment, id).await?.ok_or_else(missing_delivery)?;
    if !queued {
        return Err(ApiError::conflict("it is being sent at this moment"));
    }
    Ok((StatusCode::ACCEPTED, Json(show_delivery(&found))))
}

fn status(query: &mut ListQuery) -> Option<DeliveryStatus> {
    let text = query.text("status")?;
    let status = text.parse().ok();
    if status.is_none() {
        query.wrong("status", "is one of pending, delivered, failed");
    }
    status
}

fn parse(id: &str) -> Result<EndpointId, ApiError> {
    id.parse().map_err(|_| ApiError::not_found("there is no such webhook endpoint in this environment"))
}

fn parse_delivery(id: &str) -> Result<DeliveryId, ApiError> {
    id.parse().map_err(|_| missing_delivery())
}

fn missing_delivery() -> ApiError {
    ApiError::not_found("there is no such delivery in this environment")
}

/// An endpoint on the wire. One whose secret does not open is shown all the same: it can then be rotated or deleted.
fn show(app: &App, endpoint: &StoredEndpoint) -> WebhookEndpoint {
    let old = webhooks::open(app, endpoint).map(|secrets| secrets.old).unwrap_or_default();
    let until = old.iter().map(|(_, until)| *until).max();
    let until = until.filter(|until| *until > app.now_ms());
    WebhookEndpoint {
        id: endpoint.id.to_string(),
        url: endpoint.url.clone(),
        kinds: endpoint.kinds.clone(),
        enabled: endpoint.enabled,
        old_secret_until: until.map(time::format),
        created_at: time::format(endpoint.created_at),
        updated_at: time::format(endpoint.updated_at),
    }
}

fn show_delivery(delivery: &Delivery) -> WebhookDelivery {
    WebhookDelivery {
        id: delivery.id.to_string(),
        endpoint_id: delivery.endpoint_id.to_string(),
        event_id: delivery.event_id.to_string(),
        status: delivery.status.as_str().to_owned(),
        attempts: u32::try_from(delivery.attempts).unwrap_or_default(),
        next_attempt_at: delivery.next_attempt_at.map(time::format),
        last_status_code: delivery.last_status,
        last_error: delivery.last_error.clone(),
        created_at: time::format(delivery.created_at),
        delivered_at: delivery.delivered_at.map(time::format),
    }
}
