//! Events as they are read back, and their end.

use passthrough_core::id::{ConnectionId, Environment, EventId};
use sqlx::any::AnyRow;

use crate::error::StoreError;
use crate::page::{Page, rows_to_read};
use crate::sql::{Statement, get, parse, parse_optional};
use crate::store::Store;

const COLUMNS: &str = "select id, environment, kind, connection_id, integration, data, created_at from events where environment = ";

/// One event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its id.
    pub id: EventId,
    /// The closed room in which it happened.
    pub environment: Environment,
    /// What happened: the name of an [`crate::EventKind`], or of one that only a newer program knows.
    pub kind: String,
    /// The connection, where it is about one.
    pub connection_id: Option<ConnectionId>,
    /// The integration.
    pub integration: Option<String>,
    /// JSON of what else there is to say.
    pub data: String,
    /// Unix milliseconds.
    pub created_at: i64,
}

/// Which events to list; every field that is given must match exactly.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// What happened.
    pub kind: Option<String>,
    /// The connection.
    pub connection_id: Option<ConnectionId>,
}

impl Store {
    /// The event of this environment and id.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn find_event(
        &self,
        environment: &Environment,
        id: EventId,
    ) -> Result<Option<Event>, StoreError> {
        let mut statement = Statement::new(COLUMNS);
        statement.push_text(environment.as_str()).push(" and id = ").push_text(&id.to_string());
        statement.find(&self.readers).await?.as_ref().map(read).transpose()
    }

    /// The events of one environment, newest first; `after` is the last id of the page before.
    ///
    /// # Errors
    /// [`StoreError::InvalidText`], [`StoreError::Unavailable`].
    pub async fn list_events(
        &self,
        environment: &Environment,
        filter: &EventFilter,
        after: Option<EventId>,
        limit: u32,
    ) -> Result<Page<Event>, StoreError> {
        let mut statement = Statement::new(COLUMNS);
        statement.push_text(environment.as_str());
        if let Some(kind) = &filter.kind {
            statement.push(" and kind = ").push_text(kind);
        }
        if let Some(connection) = filter.connection_id {
            statement.push(" and connection_id = ").push_text(&connection.to_string());
        }
        if let Some(after) = after {
            statement.push(" and id < ").push_text(&after.to_string());
        }
        statement.push(" order by id desc limit ").push_integer(rows_to_read(limit));
        let rows = statement.list(&self.readers).await?;
        Ok(Page::cut(rows.iter().map(read).collect::<Result<_, _>>()?, limit))
    }

    /// Deletes events from before `before` (unix milliseconds) with their deliveries, the oldest first and at most
    /// `limit`, and says how many. One that is still to be delivered to an enabled endpoint stays. Retention calls it
    /// until it returns less than `limit`.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn delete_events_before(&self, before: i64, limit: u32) -> Result<u64, StoreError> {
        Statement::new(
            "delete from events where id in (select e.id from events e where e.created_at < $1 and not exists \
             (select 1 from webhook_deliveries d join webhook_endpoints w on w.id = d.endpoint_id \
             where d.event_id = e.id and d.status = 'pending' and w.enabled = 1) \
             order by e.created_at limit $2)",
        )
        .integer(before)
        .integer(i64::from(limit))
        .execute(&self.writer)
        .await
    }
}

fn read(row: &AnyRow) -> Result<Event, StoreError> {
    Ok(Event {
        id: parse(row, "id")?,
        environment: parse(row, "environment")?,
        kind: get(row, "kind")?,
        connection_id: parse_optional(row, "connection_id")?,
        integration: get(row, "integration")?,
        data: get(row, "data")?,
        created_at: get(row, "created_at")?,
    })
}
