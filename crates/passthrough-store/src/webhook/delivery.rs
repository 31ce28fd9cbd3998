//! Deliveries: one event on its way to one endpoint.

use std::str::FromStr;

use passthrough_core::id::{DeliveryId, EndpointId, Environment, EventId};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::error::StoreError;
use crate::page::{Page, rows_to_read};
use crate::sql::{Statement, get, parse};
use crate::store::Store;

const COLUMNS: &str = "select id, environment, endpoint_id, event_id, status, attempts, next_attempt_at, last_status, \
     last_error, created_at, delivered_at from webhook_deliveries where environment = ";

/// How far a delivery has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DeliveryStatus {
    /// To be tried, again or for the first time.
    Pending,
    /// The endpoint has taken it.
    Delivered,
    /// Given up.
    Failed,
}

/// A text that names no status.
#[derive(Debug)]
pub struct UnknownDeliveryStatus;

impl DeliveryStatus {
    /// The name on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            DeliveryStatus::Pending => "pending",
            DeliveryStatus::Delivered => "delivered",
            DeliveryStatus::Failed => "failed",
        }
    }
}

impl FromStr for DeliveryStatus {
    type Err = UnknownDeliveryStatus;

    fn from_str(text: &str) -> Result<Self, UnknownDeliveryStatus> {
        use DeliveryStatus::{Delivered, Failed, Pending};
        let all = [Pending, Delivered, Failed];
        all.into_iter().find(|status| status.as_str() == text).ok_or(UnknownDeliveryStatus)
    }
}

/// One delivery. Times are unix milliseconds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Delivery {
    /// Its id, which follows from event and endpoint.
    pub id: DeliveryId,
    /// The closed room of both.
    pub environment: Environment,
    /// Where to.
    pub endpoint_id: EndpointId,
    /// What.
    pub event_id: EventId,
    /// How far it has come.
    pub status: DeliveryStatus,
    /// How often it was tried since it was queued, the attempt under way included.
    pub attempts: i64,
    /// When it is tried next, if it is.
    pub next_attempt_at: Option<i64>,
    /// The status that the endpoint answered last.
    pub last_status: Option<u16>,
    /// Short code of why the last attempt failed.
    pub last_error: Option<String>,
    /// When it was queued: first, or to be sent once more.
    pub created_at: i64,
    /// When the endpoint took it.
    pub delivered_at: Option<i64>,
}

/// Which deliveries to list; every field that is given must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct DeliveryFilter {
    /// Where to.
    pub endpoint_id: Option<EndpointId>,
    /// What.
    pub event_id: Option<EventId>,
    /// How far they have come.
    pub status: Option<DeliveryStatus>,
}

impl Store {
    /// The delivery of this environment and id.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn find_delivery(
        &self,
        environment: &Environment,
        id: DeliveryId,
    ) -> Result<Option<Delivery>, StoreError> {
        let mut statement = Statement::new(COLUMNS);
        statement.push_text(environment.as_str()).push(" and id = ").push_text(&id.to_string());
        statement.find(&self.readers).await?.as_ref().map(read).transpose()
    }

    /// The deliveries of one environment, those of the newest events first; `after` is the last id of the page
    /// before.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn list_deliveries(
        &self,
        environment: &Environment,
        filter: &DeliveryFilter,
        after: Option<DeliveryId>,
        limit: u32,
    ) -> Result<Page<Delivery>, StoreError> {
        let mut statement = Statement::new(COLUMNS);
        statement.push_text(environment.as_str());
        if let Some(endpoint) = filter.endpoint_id {
            statement.push(" and endpoint_id = ").push_text(&endpoint.to_string());
        }
        if let Some(event) = filter.event_id {
            statement.push(" and event_id = ").push_text(&event.to_string());
        }
        if let Some(status) = filter.status {
            statement.push(" and status = ").push_text(status.as_str());
        }
        if let Some(after) = after {
            statement.push(" and id < ").push_text(&after.to_string());
        }
        statement.push(" order by id desc limit ").push_integer(rows_to_read(limit));
        let rows = statement.list(&self.readers).await?;
        Ok(Page::cut(rows.iter().map(read).collect::<Result<_, _>>()?, limit))
    }

    /// Queues a delivery anew, whatever came of it; the event keeps its id, so that a receiver knows it again.
    /// Returns `false` where there is none, or where it is being tried at this moment.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn replay_delivery(
        &self,
        environment: &Environment,
        id: DeliveryId,
        now: i64,
    ) -> Result<bool, StoreError> {
        let queued = Statement::new(
            "update webhook_deliveries set status = 'pending', attempts = 0, created_at = $1, next_attempt_at = $1, \
             lease_until = null, delivered_at = null \
             where environment = $2 and id = $3 and (lease_until is null or lease_until <= $1)",
        )
        .integer(now)
        .text(environment.as_str())
        .text(&id.to_string())
        .execute(&self.writer)
        .await?;
        Ok(queued > 0)
    }

    /// Queues an event anew for every enabled endpoint that wants its kind now, those included that were made after
    /// it; what is being tried at this moment goes on as it is. Returns how many those are, `None` where there is no
    /// such event.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn replay_event(
        &self,
        environment: &Environment,
        id: EventId,
        now: i64,
    ) -> Result<Option<usize>, StoreError> {
        let mut transaction = self.begin().await?;
        let mut statement = Statement::new("select kind from events where environment = $1 and id = $2")
            .text(environment.as_str())
            .text(&id.to_string());
        statement.push(self.engine.against_deletion());
        let Some(row) = statement.find(&mut *transaction).await? else {
            transaction.rollback().await?;
            return Ok(None);
        };
        let endpoints = self.endpoints_of(&mut transaction, environment, get(&row, "kind")?).await?;
        for endpoint in &endpoints {
            insert(
                &mut transaction,
                (environment, id, *endpoint),
                " on conflict (event_id, endpoint_id) do update set status = 'pending', attempts = 0, created_at = $5, \
                 next_attempt_at = $5, lease_until = null, delivered_at = null \
                 where webhook_deliveries.lease_until is null or webhook_deliveries.lease_until <= $5",
                now,
            )
            .await?;
        }
        transaction.commit().await?;
        Ok(Some(endpoints.len()))
    }
}

/// Queues an event for these endpoints.
pub(crate) async fn insert_deliveries(
    on: &mut AnyConnection,
    environment: &Environment,
    event: EventId,
    endpoints: &[EndpointId],
    at: i64,
) -> Result<(), StoreError> {
    for endpoint in endpoints {
        insert(on, (environment, event, *endpoint), "", at).await?;
    }
    Ok(())
}

async fn insert(
    on: &mut AnyConnection,
    (environment, event, endpoint): (&Environment, EventId, EndpointId),
    on_conflict: &'static str,
    at: i64,
) -> Result<(), StoreError> {
    let mut statement = Statement::new(
        "insert into webhook_deliveries \
         (id, environment, endpoint_id, event_id, status, attempts, next_attempt_at, created_at) \
         values ($1, $2, $3, $4, 'pending', 0, $5, $5)",
    )
    .text(&DeliveryId::of(event, endpoint).to_string())
    .text(environment.as_str())
    .text(&endpoint.to_string())
    .text(&event.to_string())
    .integer(at);
    statement.push(on_conflict);
    statement.execute(on).await.map(drop)
}

pub(super) fn read(row: &AnyRow) -> Result<Delivery, StoreError> {
    let last_status: Option<i64> = get(row, "last_status")?;
    let last_status = last_status.map(u16::try_from).transpose();
    Ok(Delivery {
        id: parse(row, "id")?,
        environment: parse(row, "environment")?,
        endpoint_id: parse(row, "endpoint_id")?,
        event_id: parse(row, "event_id")?,
        status: parse(row, "status")?,
        attempts: get(row, "attempts")?,
        next_attempt_at: get(row, "next_attempt_at")?,
        last_status: last_status.map_err(|_| StoreError::Corrupt("last_status"))?,
        last_error: get(row, "last_error")?,
        created_at: get(row, "created_at")?,
        delivered_at: get(row, "delivered_at")?,
    })
}
