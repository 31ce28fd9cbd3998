//! Whether the process lives, and whether it should get requests.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use serde::Serialize;
use utoipa::ToSchema;

use super::error::ApiError;
use crate::app::App;

/// A state.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct Health {
    /// `ok`.
    status: &'static str,
}

/// Whether the process lives. Says nothing of the database: restarting would not bring that back.
#[utoipa::path(get, path = "/healthz", operation_id = "getReadiness", tag = "Operations", security(()), responses((status = 200, body = Health)))]
pub(super) async fn healthy() -> Json<Health> {
    Json(Health { status: "ok" })
}

/// Whether it should get requests: the database answers, and it is not stopping.
#[utoipa::path(
    get, path = "/readyz", tag = "Operations", security(()),
    responses((status = 200, body = Health), (status = 503, body = passthrough_wire::error::ErrorBody))
)]
pub(super) async fn ready(State(app): State<Arc<App>>) -> Result<Json<Health>, ApiError> {
    if app.stopping() {
        return Err(ApiError::unavailable("this server is stopping"));
    }
    app.installation.store.ping().await?;
    Ok(Json(Health { status: "ok" }))
}
