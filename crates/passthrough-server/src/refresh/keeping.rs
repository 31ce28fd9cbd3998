//! What a provider has given is kept: first in the spool, then in the database, and there however long it takes.

use std::io;
use std::path::PathBuf;
use std::time::Duration;

use data_encoding::BASE64;
use passthrough_core::connection::{Credential, SealedCredential};
use passthrough_core::freshness::Schedule;
use passthrough_store::{CredentialTimes, Refreshed, StoreError};
use tokio::time::sleep;

use super::spool::{Entry, Reserved};
use super::{Lease, Parts};
use crate::http::error::ApiError;
use crate::resolve::ReadyConnection;

/// How often, at least, the database is tried again with what a provider has given us.
const STORE_AGAIN: Duration = Duration::from_secs(1);

/// Where the answer to a refresh is to go.
pub(super) enum Place {
    /// Into this room.
    Reserved(Reserved),
    /// It is there already.
    Answered(PathBuf, Entry),
}

impl Parts {
    /// Room for the answer, unless it is there: whoever had the lease before may have got it and died. To ask once
    /// more would then use a token that is used up.
    pub(super) async fn reserve(&self, lease: &Lease) -> io::Result<Place> {
        let (spool, connection, generation) = (self.spool.clone(), lease.connection, lease.generation);
        blocking(move || match spool.find(connection, generation)? {
            Some((path, entry)) => Ok(Place::Answered(path, entry)),
            None => spool.reserve(connection, generation).map(Place::Reserved),
        })
        .await
    }

    /// Who takes over a lease that ran out leaves its last owner this long, who may be alive and have the answer: a
    /// database that was gone for longer than a lease comes back for both of them at once.
    pub(super) fn grace(&self) -> Duration {
        self.settings.lease / 10
    }

    /// Several times within that grace.
    fn store_again(&self) -> Duration {
        (self.grace() / 6).min(STORE_AGAIN)
    }

    /// What of a credential goes into its row.
    pub(super) async fn seal(
        &self,
        ready: &ReadyConnection,
        credential: &Credential,
    ) -> Result<Entry, ApiError> {
        let connection = &ready.connection;
        let generation = ready.generation.saturating_add(1);
        let sealed = self.installation.vault.seal_credential(connection, generation, credential)?;
        let obtained = credential.obtained.as_ref();
        let schedule = obtained.map_or(Schedule::NEVER, |obtained| ready.schedule(obtained, 0));
        Ok(Entry {
            environment: connection.environment.to_string(),
            connection: connection.id.to_string(),
            generation,
            sealed: BASE64.encode(&sealed.bytes),
            key_id: sealed.key_id.to_string(),
            expires_at: obtained.and_then(|obtained| obtained.expires_at),
            refresh_expires_at: obtained.and_then(|obtained| obtained.refresh_expires_at),
            due_at: schedule.due_at,
        })
    }

    /// Into the spool, then into the database.
    pub(super) async fn keep(&self, lease: &Lease, reserved: Reserved, entry: Entry) {
        let spooled = entry.clone();
        let path = blocking(move || reserved.keep(&spooled))
            .await
            .inspect_err(|error| {
                tracing::error!(
                    connection = %lease.connection, %error,
                    "a refreshed credential could not be spooled, and is lost if the database does not take it"
                );
            })
            .ok();
        self.store_at_last(lease, path, &entry).await;
    }

    /// Into the database, however long that takes: nobody may ask the provider again before.
    pub(super) async fn store_at_last(&self, lease: &Lease, path: Option<PathBuf>, entry: &Entry) {
        loop {
            match self.commit(entry).await {
                Ok(committed) => {
                    if !committed {
                        tracing::warn!(connection = %lease.connection, "somebody newer has written this credential");
                    }
                    let spool = self.spool.clone();
                    if let Some(path) = path {
                        let _ = tokio::task::spawn_blocking(move || spool.remove(&path)).await;
                    }
                    return;
                }
                Err(error) => tracing::error!(
                    connection = %lease.connection, %error,
                    "a refreshed credential is in the spool and waits for the database"
                ),
            }
            sleep(self.store_again()).await;
        }
    }

    /// Commits what is in the spool; tells whether it was not too late.
    pub(super) async fn commit(&self, entry: &Entry) -> Result<bool, StoreError> {
        let damaged = || StoreError::Corrupt("an entry in the spool of refreshed credentials");
        let (environment, connection) = entry.place().ok_or_else(damaged)?;
        let sealed = BASE64.decode(entry.sealed.as_bytes()).map_err(|_| damaged())?;
        let credential =
            SealedCredential { generation: entry.generation, sealed, expires_at: entry.expires_at };
        let refreshed = Refreshed {
            credential,
            key_id: entry.key_id.clone(),
            times: CredentialTimes { refresh_expires_at: entry.refresh_expires_at, due_at: entry.due_at },
            event: self.event("{}"),
        };
        let now = self.now_ms();
        self.store().store_refreshed(&environment, connection, &refreshed, now).await
    }
}

/// Runs what waits for the disk beside the others.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}
