//! Deliveries that are tried: each is claimed by one process at a time, and none is lost with it.

use passthrough_core::id::{DeliveryId, EndpointId};
use sqlx::any::AnyRow;

use super::delivery::{self, Delivery};
use crate::error::StoreError;
use crate::event::list::Event;
use crate::sealed::Sealed;
use crate::sql::{Statement, get, parse_optional};
use crate::store::Store;

/// A delivery with all that is needed to try it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClaimedDelivery {
    /// It.
    pub delivery: Delivery,
    /// The URL of the endpoint.
    pub url: String,
    /// What to sign it with.
    pub sealed: Sealed,
    /// What is to be told.
    pub event: Event,
    /// Unix milliseconds from when on another process may try it; says which claim it was.
    pub lease_until: i64,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DeliveryOutcome {
    /// The endpoint has taken it.
    Delivered {
        /// What it answered.
        status: u16,
    },
    /// To be tried again.
    Again {
        /// Unix milliseconds.
        at: i64,
        /// What the endpoint answered, if it did.
        status: Option<u16>,
        /// Short code of what happened.
        error: String,
    },
    /// Given up.
    Failed {
        /// What the endpoint answered, if it did.
        status: Option<u16>,
        /// Short code of what happened.
        error: String,
    },
}

impl Store {
    /// Claims deliveries to enabled endpoints, but not to these of `without`, that are to be tried at `now`, at most
    /// `limit`, and counts the attempt:
    /// nobody else gets them before `lease_until`, and somebody gets them then unless [`Store::note_delivery`] said
    /// what came of them.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn claim_deliveries(
        &self,
        now: i64,
        lease_until: i64,
        limit: u32,
        without: &[EndpointId],
    ) -> Result<Vec<ClaimedDelivery>, StoreError> {
        let mut statement = Statement::new(
            "with next as materialized (select d.id from webhook_deliveries d \
             where d.status = 'pending' and d.next_attempt_at <= $1 and (d.lease_until is null or d.lease_until <= $1) \
             and exists (select 1 from webhook_endpoints w where w.id = d.endpoint_id and w.enabled = 1) ",
        )
        .integer(now)
        .integer(i64::from(limit))
        .integer(lease_until);
        for endpoint in without {
            statement.push("and d.endpoint_id <> ").push_text(&endpoint.to_string()).push(" ");
        }
        statement.push("order by d.next_attempt_at limit $2");
        statement.push(self.engine.skip_locked());
        statement.push(
            ") update webhook_deliveries set lease_until = $3, attempts = attempts + 1 \
             where id in (select id from next) returning id",
        );
        let claimed = statement.list(&self.writer).await?;
        if claimed.is_empty() {
            return Ok(Vec::new());
        }
        let mut statement = Statement::new(
            "select d.id, d.environment, d.endpoint_id, d.event_id, d.status, d.attempts, d.next_attempt_at, \
             d.last_status, d.last_error, d.created_at, d.delivered_at, \
             w.url, w.sealed, w.key_id, w.generation, \
             e.kind, e.connection_id, e.integration, e.data, e.created_at as happened_at \
             from webhook_deliveries d join webhook_endpoints w on w.id = d.endpoint_id \
             join events e on e.id = d.event_id where d.id in (",
        )
        .once();
        for (number, row) in claimed.iter().enumerate() {
            statement.push(if number == 0 { "" } else { ", " }).push_text(get(row, "id")?);
        }
        // Without those that somebody else has ended or claimed since, which takes a very short lease.
        statement.push(") and d.lease_until = ").push_integer(lease_until);
        statement.push(" order by d.next_attempt_at, d.id");
        let rows = statement.list(&self.writer).await?;
        rows.iter().map(|row| read(row, lease_until)).collect()
    }

    /// Notes what came of an attempt. Returns `false`, and has changed nothing, where the delivery is not pending any
    /// more or another process has claimed it since; that the endpoint has taken it is noted whoever says so.
    ///
    /// # Errors
    /// [`StoreError::InvalidText`], [`StoreError::Unavailable`].
    pub async fn note_delivery(
        &self,
        id: DeliveryId,
        lease_until: i64,
        outcome: &DeliveryOutcome,
        now: i64,
    ) -> Result<bool, StoreError> {
        let (name, next, code, error, delivered_at) = match outcome {
            DeliveryOutcome::Delivered { status } => ("delivered", None, Some(*status), None, Some(now)),
            DeliveryOutcome::Again { at, status, error } => {
                ("pending", Some(*at), *status, Some(error), None)
            }
            DeliveryOutcome::Failed { status, error } => ("failed", None, *status, Some(error), None),
        };
        let mut statement = Statement::new(
            "update webhook_deliveries set status = $1, next_attempt_at = $2, last_status = $3, last_error = $4, \
             delivered_at = $5, lease_until = null where id = $6 and status = 'pending'",
        )
        .text(name)
        .integer(next)
        .integer(code.map(i64::from))
        .optional_text(error.map(String::as_str))
        .integer(delivered_at)
        .text(&id.to_string());
        if delivered_at.is_none() {
            statement.push(" and lease_until = ").push_integer(lease_until);
        }
        Ok(statement.execute(&self.writer).await? > 0)
    }
}

fn read(row: &AnyRow, lease_until: i64) -> Result<ClaimedDelivery, StoreError> {
    let delivery = delivery::read(row)?;
    let event = Event {
        id: delivery.event_id,
        environment: delivery.environment.clone(),
        kind: get(row, "kind")?,
        connection_id: parse_optional(row, "connection_id")?,
        integration: get(row, "integration")?,
        data: get(row, "data")?,
        created_at: get(row, "happened_at")?,
    };
    Ok(ClaimedDelivery {
        delivery,
        url: get(row, "url")?,
        sealed: Sealed {
            sealed: get(row, "sealed")?,
            key_id: get(row, "key_id")?,
            generation: get(row, "generation")?,
        },
        event,
        lease_until,
    })
}
