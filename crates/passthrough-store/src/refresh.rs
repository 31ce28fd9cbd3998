//! The refresh of credentials: who does it, how it ended, and which one is next.
//!
//! What is here decides who may ask a provider for a new credential and whose answer counts; it does not know how
//! that is asked. Everything hangs on the generation of the credential: it moves on with each new one, and nobody
//! who has seen an older one can change anything any more.

pub(crate) mod lease;
pub(crate) mod outcome;

use std::fmt;

use passthrough_core::connection::{ConnectionStatus, SealedCredential};
use passthrough_core::id::{ConnectionId, Environment};

use crate::credential::CredentialTimes;
use crate::error::StoreError;
use crate::refresh::lease::{Lease, read_lease};
use crate::sql::{Statement, get, parse};
use crate::store::Store;

/// A credential and all that is known of its refreshes. Times are unix milliseconds.
#[derive(Clone, PartialEq, Eq)]
pub struct RefreshState {
    /// Whether the connection can be used.
    pub status: ConnectionStatus,
    /// The credential.
    pub credential: SealedCredential,
    /// Who is refreshing it, or was and never ended; whether it has run out is for the reader to see.
    pub lease: Option<Lease>,
    /// Whether a lease of this generation has run out without an end. The provider may have answered somebody who is
    /// gone, and then the refresh token that is stored here is worth nothing.
    pub abandoned: bool,
    /// Failures in a row.
    pub failures: i64,
    /// Before which no refresh is to be tried.
    pub not_before: Option<i64>,
    /// Code of the latest failure, if it was the latest thing that happened.
    pub error: Option<String>,
    /// When this credential was stored; `None` for one from before that was noted.
    pub refreshed_at: Option<i64>,
    /// What is known of its future.
    pub times: CredentialTimes,
}

impl fmt::Debug for RefreshState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RefreshState")
            .field("status", &self.status)
            .field("generation", &self.credential.generation)
            .field("expires_at", &self.credential.expires_at)
            .field("lease", &self.lease)
            .field("abandoned", &self.abandoned)
            .field("failures", &self.failures)
            .field("not_before", &self.not_before)
            .field("error", &self.error)
            .field("refreshed_at", &self.refreshed_at)
            .field("times", &self.times)
            .finish_non_exhaustive()
    }
}

/// A credential that is due.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DueRefresh {
    /// The connection's environment.
    pub environment: Environment,
    /// The connection.
    pub id: ConnectionId,
    /// The generation of its credential.
    pub generation: i64,
}

impl Store {
    /// The credential of a connection as it is now, for the look before and after a refresh. Reads where
    /// writes go, so that it never sees less than what was committed.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn find_refresh_state(
        &self,
        environment: &Environment,
        id: ConnectionId,
    ) -> Result<Option<RefreshState>, StoreError> {
        let row = Statement::new(
            "select c.status, d.generation, d.sealed, d.expires_at, d.lease_owner, d.lease_until, \
             d.lease_generation, d.lease_abandoned, d.refresh_failures, d.refresh_not_before, d.refresh_error, \
             d.refreshed_at, d.refresh_expires_at, d.due_at \
             from credentials d join connections c on c.id = d.connection_id \
             where d.environment = $1 and d.connection_id = $2",
        )
        .text(environment.as_str())
        .text(&id.to_string())
        .find(&self.writer)
        .await?;
        let Some(row) = row else { return Ok(None) };
        Ok(Some(RefreshState {
            status: parse(&row, "status")?,
            credential: SealedCredential {
                generation: get(&row, "generation")?,
                sealed: get(&row, "sealed")?,
                expires_at: get(&row, "expires_at")?,
            },
            lease: read_lease(&row)?,
            abandoned: get::<i64>(&row, "lease_abandoned")? != 0,
            failures: get(&row, "refresh_failures")?,
            not_before: get(&row, "refresh_not_before")?,
            error: get(&row, "refresh_error")?,
            refreshed_at: get(&row, "refreshed_at")?,
            times: CredentialTimes {
                refresh_expires_at: get(&row, "refresh_expires_at")?,
                due_at: get(&row, "due_at")?,
            },
        }))
    }

    /// The credentials that are due at `now`, those that have been due the longest first, at most `limit`: of
    /// connected connections, not in a cool-down, and not being refreshed by somebody.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn list_due(&self, now: i64, limit: u32) -> Result<Vec<DueRefresh>, StoreError> {
        let rows = Statement::new(
            "select d.environment, d.connection_id, d.generation \
             from credentials d join connections c on c.id = d.connection_id \
             where d.due_at <= $1 and c.status = 'connected' \
             and (d.refresh_not_before is null or d.refresh_not_before <= $1) \
             and (d.lease_owner is null or d.lease_until <= $1 or d.lease_generation <> d.generation) \
             order by d.due_at limit $2",
        )
        .integer(now)
        .integer(i64::from(limit))
        .list(&self.readers)
        .await?;
        let read = |row| {
            Ok(DueRefresh {
                environment: parse(row, "environment")?,
                id: parse(row, "connection_id")?,
                generation: get(row, "generation")?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// Says anew when the credential of this generation is due; `None` for never. Returns `false` where the
    /// generation has moved on or the connection is gone.
    ///
    /// # Errors
    /// [`StoreError::Unavailable`].
    pub async fn update_due(
        &self,
        environment: &Environment,
        id: ConnectionId,
        generation: i64,
        due_at: Option<i64>,
    ) -> Result<bool, StoreError> {
        let updated = Statement::new(
            "update credentials set due_at = $1 \
             where environment = $2 and connection_id = $3 and generation = $4",
        )
        .integer(due_at)
        .text(environment.as_str())
        .text(&id.to_string())
        .integer(generation)
        .execute(&self.writer)
        .await?;
        Ok(updated > 0)
    }
}
