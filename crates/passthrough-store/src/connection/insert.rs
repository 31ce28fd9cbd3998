//! A new connection, and the tags of any.

use std::collections::BTreeSet;

use passthrough_core::connection::Connection;
use passthrough_core::id::{ConnectionId, Environment};
use sqlx::AnyConnection;

use super::{StoredConnection, TAG_SEPARATOR, check_indexed};
use crate::change::ChangeSubject;
use crate::error::{StoreError, TextFault};
use crate::event::{About, EventKind, NewEvent};
use crate::linked_user::ensure_for_connection;
use crate::sql::Statement;
use crate::store::Store;

impl Store {
    /// Stores a new connection with its variables, tags and credential, all or nothing, and tells it as `event`.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] if the id is taken, [`StoreError::MissingParent`] if the environment is not
    /// there, or the integration where it has not the name of the provider, [`StoreError::InvalidText`], [`StoreError::Unavailable`].
    pub async fn insert_connection(
        &self,
        stored: &StoredConnection,
        event: Option<&NewEvent>,
    ) -> Result<(), StoreError> {
        let mut transaction = self.begin().await?;
        self.insert_in(&mut transaction, stored, event).await?;
        let Connection { id, created_at, .. } = stored.connection;
        self.commit(transaction, ChangeSubject::Connection(id), created_at).await
    }

    /// The same in a transaction that is not committed yet.
    pub(super) async fn insert_in(
        &self,
        on: &mut AnyConnection,
        stored: &StoredConnection,
        event: Option<&NewEvent>,
    ) -> Result<(), StoreError> {
        let connection = &stored.connection;
        self.hold_integration(on, connection).await?;
        insert_row(on, stored).await?;
        insert_credential(on, stored).await?;
        insert_tags(on, &connection.environment, connection.id, &connection.tags).await?;
        if let Some(external_id) = &connection.external_id {
            // The connection's own ULID is of no other linked user.
            let (environment, id) = (&connection.environment, connection.id.ulid().into());
            ensure_for_connection(on, environment, id, external_id, connection.created_at).await?;
        }
        if let Some(event) = event {
            let about = About {
                environment: &connection.environment,
                kind: EventKind::ConnectionCreated,
                connection: Some(connection.id),
                integration: Some(&connection.integration),
            };
            self.append_event(on, &about, event, connection.created_at).await?;
        }
        Ok(())
    }
}

async fn insert_row(on: &mut AnyConnection, stored: &StoredConnection) -> Result<(), StoreError> {
    let Connection { external_id, .. } = &stored.connection;
    check_indexed(external_id.as_deref().unwrap_or_default())?;
    let connection = &stored.connection;
    Statement::new(
        "insert into connections (id, environment, provider, integration, auth, status, name, external_id, \
         account_id, account_label, created_at, updated_at, verified_at, token_hash, sealed_variables, \
         variables_key_id, variables_generation) \
         values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)",
    )
    .text(&connection.id.to_string())
    .text(connection.environment.as_str())
    .text(&connection.provider)
    .text(&connection.integration)
    .text(&connection.auth)
    .text(connection.status.as_str())
    .optional_text(connection.name.as_deref())
    .optional_text(external_id.as_deref())
    .optional_text(connection.account_id.as_deref())
    .optional_text(connection.account_label.as_deref())
    .integer(connection.created_at)
    .integer(connection.updated_at)
    .integer(connection.verified_at)
    .bytes(&stored.token_hash)
    .bytes(&stored.sealed_variables.sealed)
    .text(&stored.sealed_variables.key_id)
    .integer(stored.sealed_variables.generation)
    .execute(on)
    .await
    .map(drop)
}

async fn insert_credential(on: &mut AnyConnection, stored: &StoredConnection) -> Result<(), StoreError> {
    Statement::new(
        "insert into credentials (connection_id, environment, generation, sealed, key_id, expires_at, \
         refresh_expires_at, due_at, refreshed_at) values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
    )
    .text(&stored.connection.id.to_string())
    .text(stored.connection.environment.as_str())
    .integer(stored.credential.generation)
    .bytes(&stored.credential.sealed)
    .text(&stored.credential_key_id)
    .integer(stored.credential.expires_at)
    .integer(stored.credential_times.refresh_expires_at)
    .integer(stored.credential_times.due_at)
    .integer(stored.connection.created_at)
    .execute(on)
    .await
    .map(drop)
}

/// Inserts tags in their order; of a tag that comes twice the first counts.
pub(super) async fn insert_tags(
    on: &mut AnyConnection,
    environment: &Environment,
    id: ConnectionId,
    tags: &[String],
) -> Result<(), StoreError> {
    let mut seen = BTreeSet::new();
    let mut statement =
        Statement::new("insert into connection_tags (connection_id, environment, tag, position) values ")
            .once();
    for (position, tag) in (0_i64..).zip(tags) {
        check_indexed(tag)?;
        if tag.contains(TAG_SEPARATOR) {
            return Err(StoreError::InvalidText(TextFault::Separator));
        }
        if !seen.insert(tag) {
            continue;
        }
        statement.push(if seen.len() == 1 { "(" } else { ", (" });
        statement.push_text(&id.to_string()).push(", ").push_text(environment.as_str()).push(", ");
        statement.push_text(tag).push(", ").push_integer(position).push(")");
    }
    if seen.is_empty() {
        return Ok(());
    }
    statement.execute(on).await.map(drop)
}
