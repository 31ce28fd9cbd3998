//! Connections with their tags, sealed variables and credential.

mod account;
mod insert;
pub(crate) mod list;
pub(crate) mod status;
pub(crate) mod update;

use std::fmt;

use passthrough_core::connection::{Connection, ConnectionStatus, SealedCredential};
use passthrough_core::id::{ConnectionId, Environment};
use sqlx::AnyConnection;
use sqlx::any::AnyRow;

use crate::change::ChangeSubject;
use crate::credential::CredentialTimes;
use crate::error::{StoreError, TextFault};
use crate::event::{About, EventKind, NewEvent};
use crate::sealed::Sealed;
use crate::sql::{Statement, get, parse};
use crate::store::Store;

/// The longest tag or external id, in bytes: longer ones do not fit an index page of PostgreSQL.
pub const MAX_INDEXED_TEXT: usize = 1024;

/// The one character that no tag may hold.
pub const TAG_SEPARATOR: char = '\u{1f}';

/// The columns of a connection. The tags come as one text, parted by [`TAG_SEPARATOR`], so that a
/// connection and its tags are read in one statement and fit together.
const COLUMNS: &str = "select c.id, c.environment, c.provider, c.integration, c.auth, c.status, c.name, \
     c.external_id, c.account_id, c.account_label, c.created_at, c.updated_at, c.verified_at, \
     (select string_agg(t.tag, '\u{1f}' order by t.position) from connection_tags t \
      where t.connection_id = c.id) as tags";

/// The further columns of a stored connection.
const SEALED_COLUMNS: &str = ", c.token_hash, c.sealed_variables, c.variables_key_id, c.variables_generation, \
     d.generation, d.sealed, d.key_id, d.expires_at, d.refresh_expires_at, d.due_at \
     from connections c join credentials d on d.connection_id = c.id and d.environment = c.environment";

/// A connection with all that belongs to it, the secret parts sealed or hashed.
#[derive(Clone, PartialEq, Eq)]
pub struct StoredConnection {
    /// What is not secret.
    pub connection: Connection,
    /// Keyed hash of the connection token's secret, to be compared in constant time.
    pub token_hash: Vec<u8>,
    /// The variables.
    pub sealed_variables: Sealed,
    /// The credential.
    pub credential: SealedCredential,
    /// Id of the key that the credential is sealed under.
    pub credential_key_id: String,
    /// What is known of the future of the credential.
    pub credential_times: CredentialTimes,
}

/// What of a connection stays as it is until the end of the transaction that locked it.
pub(crate) struct LockedConnection {
    pub(crate) status: ConnectionStatus,
    pub(crate) integration: String,
}

impl fmt::Debug for StoredConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StoredConnection")
            .field("connection", &self.connection)
            .field("sealed_variables", &self.sealed_variables)
            .field("credential", &self.credential)
            .field("credential_key_id", &self.credential_key_id)
            .field("credential_times", &self.credential_times)
            .finish_non_exhaustive()
    }
}

impl Store {
    /// The connection of this environment and id.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn find_connection(
        &self,
        environment: &Environment,
        id: ConnectionId,
    ) -> Result<Option<StoredConnection>, StoreError> {
        let mut statement = Statement::new(COLUMNS);
        statement.push(SEALED_COLUMNS).push(" where c.id = ").push_text(&id.to_string());
        statement.push(" and c.environment = ").push_text(environment.as_str());
        statement.find(&self.readers).await?.as_ref().map(read_stored).transpose()
    }

    /// The authentication look-up by the ULID of a connection token: finds a connection of whatever
    /// environment. The token is still to be compared, and the environment with that of the API key.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn find_connection_to_authenticate(
        &self,
        id: ConnectionId,
    ) -> Result<Option<StoredConnection>, StoreError> {
        let mut statement = Statement::new(COLUMNS);
        statement.push(SEALED_COLUMNS).push(" where c.id = ").push_text(&id.to_string());
        statement.find(&self.readers).await?.as_ref().map(read_stored).transpose()
    }

    /// Deletes a connection with its tags and credential, and tells it as `event`; its records stay. Returns whether it
    /// was there.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn delete_connection(
        &self,
        environment: &Environment,
        id: ConnectionId,
        at: i64,
        event: Option<&NewEvent>,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let before = self.lock_connection(&mut transaction, environment, id).await?;
        let deleted = Statement::new("delete from connections where environment = $1 and id = $2")
            .text(environment.as_str())
            .text(&id.to_string())
            .execute(&mut *transaction)
            .await?;
        if let (true, Some(before), Some(event)) = (deleted > 0, &before, event) {
            let kind = EventKind::ConnectionDeleted;
            let integration = Some(before.integration.as_str());
            let about = About { environment, kind, connection: Some(id), integration };
            self.append_event(&mut transaction, &about, event, at).await?;
        }
        self.commit_if(deleted > 0, transaction, ChangeSubject::Connection(id), at).await
    }

    /// Keeps everybody else from writing to a connection until the end of the transaction.
    pub(crate) async fn lock_connection(
        &self,
        on: &mut AnyConnection,
        environment: &Environment,
        id: ConnectionId,
    ) -> Result<Option<LockedConnection>, StoreError> {
        let mut statement =
            Statement::new("select status, integration from connections where environment = $1 and id = $2")
                .text(environment.as_str())
                .text(&id.to_string());
        statement.push(self.engine.for_update());
        let row = statement.find(on).await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(LockedConnection { status: parse(&row, "status")?, integration: get(&row, "integration")? }))
    }
}

fn read(row: &AnyRow) -> Result<Connection, StoreError> {
    let tags: Option<&str> = get(row, "tags")?;
    Ok(Connection {
        id: parse(row, "id")?,
        environment: parse(row, "environment")?,
        provider: get(row, "provider")?,
        integration: get(row, "integration")?,
        auth: get(row, "auth")?,
        status: parse(row, "status")?,
        name: get(row, "name")?,
        external_id: get(row, "external_id")?,
        account_id: get(row, "account_id")?,
        account_label: get(row, "account_label")?,
        tags: tags.map(|tags| tags.split(TAG_SEPARATOR).map(str::to_owned).collect()).unwrap_or_default(),
        created_at: get(row, "created_at")?,
        updated_at: get(row, "updated_at")?,
        verified_at: get(row, "verified_at")?,
    })
}

fn read_stored(row: &AnyRow) -> Result<StoredConnection, StoreError> {
    Ok(StoredConnection {
        connection: read(row)?,
        token_hash: get(row, "token_hash")?,
        sealed_variables: Sealed {
            sealed: get(row, "sealed_variables")?,
            key_id: get(row, "variables_key_id")?,
            generation: get(row, "variables_generation")?,
        },
        credential: SealedCredential {
            generation: get(row, "generation")?,
            sealed: get(row, "sealed")?,
            expires_at: get(row, "expires_at")?,
        },
        credential_key_id: get(row, "key_id")?,
        credential_times: CredentialTimes {
            refresh_expires_at: get(row, "refresh_expires_at")?,
            due_at: get(row, "due_at")?,
        },
    })
}

/// Refuses what does not fit an index.
pub(crate) fn check_indexed(text: &str) -> Result<(), StoreError> {
    if text.len() > MAX_INDEXED_TEXT {
        return Err(StoreError::InvalidText(TextFault::TooLong));
    }
    Ok(())
}
