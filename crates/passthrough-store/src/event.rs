//! Events: what happened to a connection or an integration. Each is written in the transaction of what happened,
//! with its deliveries, so that nothing happens untold and nothing is told that did not happen.

pub(crate) mod list;

use passthrough_core::id::{ConnectionId, Environment, EventId};
use sqlx::AnyConnection;

use crate::error::StoreError;
use crate::sql::Statement;
use crate::store::Store;
use crate::webhook::delivery::insert_deliveries;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// A connection got a new credential from its provider.
    ConnectionRefreshed,
    /// A provider refuses the credential of a connection for good.
    ConnectionDisconnected,
    /// A disconnected connection can be used again.
    ConnectionReconnected,
    /// A provider refuses an integration itself: its OAuth client is not known there, or its secret is wrong.
    IntegrationClientRejected,
}

impl EventKind {
    /// The name on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            EventKind::ConnectionRefreshed => "connection.refreshed",
            EventKind::ConnectionDisconnected => "connection.disconnected",
            EventKind::ConnectionReconnected => "connection.reconnected",
            EventKind::IntegrationClientRejected => "integration.client_rejected",
        }
    }
}

/// The part of an event that comes from who brings it about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// Its id.
    pub id: EventId,
    /// JSON of what else is to be said. Nothing secret: it is sent to webhooks.
    pub data: String,
}

/// What an event is about.
pub(crate) struct About<'a> {
    pub(crate) environment: &'a Environment,
    pub(crate) kind: EventKind,
    pub(crate) connection: Option<ConnectionId>,
    pub(crate) integration: Option<&'a str>,
}

impl Store {
    /// Writes an event and its deliveries, within the transaction of what happened.
    pub(crate) async fn append_event(
        &self,
        on: &mut AnyConnection,
        about: &About<'_>,
        event: &NewEvent,
        at: i64,
    ) -> Result<(), StoreError> {
        Statement::new(
            "insert into events (id, environment, kind, connection_id, integration, data, created_at) \
             values ($1, $2, $3, $4, $5, $6, $7)",
        )
        .text(&event.id.to_string())
        .text(about.environment.as_str())
        .text(about.kind.as_str())
        .optional_text(about.connection.map(|id| id.to_string()).as_deref())
        .optional_text(about.integration)
        .text(&event.data)
        .integer(at)
        .execute(&mut *on)
        .await?;
        let endpoints = self.endpoints_of(on, about.environment, about.kind.as_str()).await?;
        insert_deliveries(on, about.environment, event.id, &endpoints, at).await
    }
}
