//! Events: what happened to a connection or an integration. Each is written in the transaction of what happened,
//! with its deliveries, so that nothing happens untold and nothing is told that did not happen.

pub(crate) mod list;

use passthrough_core::id::{ConnectionId, EndpointId, Environment, EventId};
use sqlx::AnyConnection;

use crate::error::StoreError;
use crate::sql::Statement;
use crate::store::Store;
use crate::webhook::delivery::insert_deliveries;

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventKind {
    /// A connection was made.
    ConnectionCreated,
    /// A connection got a new credential from its provider.
    ConnectionRefreshed,
    /// A provider refuses the credential of a connection for good.
    ConnectionDisconnected,
    /// A disconnected connection can be used again.
    ConnectionReconnected,
    /// A connection was deleted, with its credential.
    ConnectionDeleted,
    /// A provider refuses an integration itself: its OAuth client is not known there, or its secret is wrong.
    IntegrationClientRejected,
    /// Nothing: somebody wants to see a message.
    WebhookTest,
}

impl EventKind {
    /// The name on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            EventKind::ConnectionCreated => "connection.created",
            EventKind::ConnectionRefreshed => "connection.refreshed",
            EventKind::ConnectionDisconnected => "connection.disconnected",
            EventKind::ConnectionReconnected => "connection.reconnected",
            EventKind::ConnectionDeleted => "connection.deleted",
            EventKind::WebhookTest => "webhook.test",
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
        insert(on, about, event, at).await?;
        let endpoints = self.endpoints_of(on, about.environment, about.kind.as_str()).await?;
        insert_deliveries(on, about.environment, event.id, &endpoints, at).await
    }

    /// Writes an event that one endpoint is told and nobody else. Returns `false` where the endpoint is not there or
    /// is told nothing.
    ///
    /// # Errors
    /// [`StoreError::InvalidText`], [`StoreError::Unavailable`].
    pub async fn insert_test_event(
        &self,
        environment: &Environment,
        endpoint: EndpointId,
        event: &NewEvent,
        at: i64,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let mut statement = Statement::new(
            "select id from webhook_endpoints where environment = $1 and id = $2 and enabled = 1",
        )
        .text(environment.as_str())
        .text(&endpoint.to_string());
        statement.push(self.engine.against_deletion());
        if statement.find(&mut *transaction).await?.is_none() {
            transaction.rollback().await?;
            return Ok(false);
        }
        let about = About { environment, kind: EventKind::WebhookTest, connection: None, integration: None };
        insert(&mut transaction, &about, event, at).await?;
        insert_deliveries(&mut transaction, environment, event.id, &[endpoint], at).await?;
        transaction.commit().await?;
        Ok(true)
    }
}

async fn insert(
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
    .await
    .map(drop)
}
