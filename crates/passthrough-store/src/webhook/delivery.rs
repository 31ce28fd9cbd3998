//! Deliveries: one event on its way to one endpoint.

use passthrough_core::id::{DeliveryId, EndpointId, Environment, EventId};
use sqlx::AnyConnection;

use crate::error::StoreError;
use crate::sql::Statement;

/// Queues an event for these endpoints; where it is queued already it stays as it is.
pub(crate) async fn insert_deliveries(
    on: &mut AnyConnection,
    environment: &Environment,
    event: EventId,
    endpoints: &[EndpointId],
    at: i64,
) -> Result<(), StoreError> {
    for endpoint in endpoints {
        Statement::new(
            "insert into webhook_deliveries \
             (id, environment, endpoint_id, event_id, status, attempts, next_attempt_at, created_at) \
             values ($1, $2, $3, $4, 'pending', 0, $5, $5) on conflict do nothing",
        )
        .text(&DeliveryId::of(event, *endpoint).to_string())
        .text(environment.as_str())
        .text(&endpoint.to_string())
        .text(&event.to_string())
        .integer(at)
        .execute(&mut *on)
        .await?;
    }
    Ok(())
}
