//! How a refresh ended: with a new credential, a failure that may pass, or the end of the connection.
//!
//! Whoever writes a connection and its credential locks the connection first, so that none of them waits for
//! another in a circle.

use passthrough_core::connection::{ConnectionStatus, SealedCredential};
use passthrough_core::id::{ConnectionId, Environment};

use crate::change::ChangeSubject;
use crate::connection::status::set_status;
use crate::credential::{CredentialTimes, replace_credential};
use crate::error::StoreError;
use crate::event::{About, EventKind, NewEvent};
use crate::sql::Statement;
use crate::store::Store;

/// A credential that a provider gave for the one before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refreshed {
    /// It, of the generation after that of the one before.
    pub credential: SealedCredential,
    /// Id of the key that it is sealed under.
    pub key_id: String,
    /// What is known of its future.
    pub times: CredentialTimes,
    /// What is told of it: `connection.refreshed`, or `connection.reconnected` where the connection was taken for
    /// lost.
    pub event: NewEvent,
}

/// A refresh that gave nothing but may give something later.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshFailure {
    /// Failures in a row, this one included.
    pub failures: i64,
    /// Unix milliseconds before which no refresh is to be tried.
    pub not_before: i64,
    /// A short code of what happened. No words of the provider: they may quote a secret.
    pub error: String,
}

impl Store {
    /// Stores a new credential, if the generation of the stored one is still the one before. The lease ends with it,
    /// whoever's it is, and with it failures and cool-down. Returns `false`, and has changed nothing, where somebody
    /// newer wrote or the connection is gone: `refreshed` must be thrown away and theirs used.
    ///
    /// A disconnected connection is connected again: that the provider refused an old credential does not speak
    /// against this one, which may have lain in the spool of a process that was gone for a while.
    ///
    /// # Errors
    /// [`StoreError::InvalidText`], [`StoreError::Unavailable`]; after the latter the write may or may not
    /// have happened, and [`Store::find_refresh_state`] tells.
    pub async fn store_refreshed(
        &self,
        environment: &Environment,
        id: ConnectionId,
        refreshed: &Refreshed,
        now: i64,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let connection = self.lock_connection(&mut transaction, environment, id).await?;
        let Some(connection) = connection else {
            transaction.rollback().await?;
            return Ok(false);
        };
        let credential = (&refreshed.credential, refreshed.key_id.as_str());
        let replaced =
            replace_credential(&mut transaction, environment, id, credential, refreshed.times, now).await?;
        if replaced == 0 {
            transaction.rollback().await?;
            return Ok(false);
        }
        let mut kind = EventKind::ConnectionRefreshed;
        let mut subject = ChangeSubject::Credential(id);
        if connection.status == ConnectionStatus::Disconnected {
            set_status(&mut transaction, environment, id, ConnectionStatus::Connected, now).await?;
            kind = EventKind::ConnectionReconnected;
            subject = ChangeSubject::Connection(id);
        }
        let about =
            About { environment, kind, connection: Some(id), integration: Some(&connection.integration) };
        self.append_event(&mut transaction, &about, &refreshed.event, now).await?;
        self.commit(transaction, subject, now).await?;
        Ok(true)
    }

    /// Notes that a refresh of this generation failed, and gives the lease back; a date at which the credential was
    /// due moves behind the cool-down. Returns `false`, and has changed nothing, where the lease is the caller's no
    /// more.
    ///
    /// # Errors
    /// [`StoreError::InvalidText`], [`StoreError::Unavailable`].
    pub async fn note_refresh_failure(
        &self,
        environment: &Environment,
        id: ConnectionId,
        generation: i64,
        owner: &str,
        failure: &RefreshFailure,
    ) -> Result<bool, StoreError> {
        let noted = Statement::new(
            "update credentials set refresh_failures = $1, refresh_not_before = $2, refresh_error = $3, \
             due_at = case when due_at < $2 then $2 else due_at end, \
             lease_owner = null, lease_until = null, lease_generation = null \
             where environment = $4 and connection_id = $5 and generation = $6 and lease_owner = $7",
        )
        .integer(failure.failures)
        .integer(failure.not_before)
        .text(&failure.error)
        .text(environment.as_str())
        .text(&id.to_string())
        .integer(generation)
        .text(owner)
        .execute(&self.writer)
        .await?;
        Ok(noted > 0)
    }

    /// Says that the provider refuses the credential of this generation for good: a connected connection is
    /// disconnected, once, and that is told as `connection.disconnected`. The lease ends, whoever's it is. Returns
    /// whether this call disconnected it: not where the generation has moved on, nor where it is not connected.
    ///
    /// # Errors
    /// [`StoreError::InvalidText`], [`StoreError::Unavailable`].
    pub async fn disconnect(
        &self,
        environment: &Environment,
        id: ConnectionId,
        generation: i64,
        reason: &str,
        event: &NewEvent,
        now: i64,
    ) -> Result<bool, StoreError> {
        let mut transaction = self.begin().await?;
        let connection = self.lock_connection(&mut transaction, environment, id).await?;
        let Some(connection) = connection else {
            transaction.rollback().await?;
            return Ok(false);
        };
        let still_that_one = Statement::new(
            "update credentials set refresh_error = $1, due_at = null, \
             lease_owner = null, lease_until = null, lease_generation = null \
             where environment = $2 and connection_id = $3 and generation = $4",
        )
        .text(reason)
        .text(environment.as_str())
        .text(&id.to_string())
        .integer(generation)
        .execute(&mut *transaction)
        .await?;
        if still_that_one == 0 || connection.status != ConnectionStatus::Connected {
            transaction.commit().await?;
            return Ok(false);
        }
        set_status(&mut transaction, environment, id, ConnectionStatus::Disconnected, now).await?;
        let kind = EventKind::ConnectionDisconnected;
        let about =
            About { environment, kind, connection: Some(id), integration: Some(&connection.integration) };
        self.append_event(&mut transaction, &about, event, now).await?;
        self.commit(transaction, ChangeSubject::Connection(id), now).await?;
        Ok(true)
    }
}
