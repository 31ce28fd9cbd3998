//! Refreshes that nobody calls for: what a former life of this process left behind, and refresh tokens that would die
//! of not being used.

use std::sync::Arc;
use std::time::Duration;

use passthrough_store::{DueRefresh, StoreError};
use tokio::time::sleep;

use super::keeping::blocking;
use super::{Outcome, Parts, Refresher, Why};

/// How often refresh tokens in danger are looked for, and how many are refreshed at a time.
const ROUND: Duration = Duration::from_secs(60);
const AT_A_TIME: u32 = 50;
/// When one that failed is looked at again.
const LATER_MS: i64 = 3_600_000;

impl Refresher {
    /// Commits what a former life of this process was given and did not commit. `alone` where no other process works
    /// on this database: leases that are there are then those of the dead.
    pub async fn recover(&self, alone: bool) {
        if alone && let Err(error) = self.parts.store().release_all_leases().await {
            tracing::warn!(%error, "leases of a former process could not be released; they end by themselves");
        }
        let spool = self.parts.spool.clone();
        let entries = match blocking(move || spool.list()).await {
            Ok(entries) => entries,
            Err(error) => {
                tracing::error!(%error, "the spool of refreshed credentials cannot be read");
                return;
            }
        };
        for (path, entry) in entries {
            match self.parts.commit(&entry).await {
                Ok(committed) => {
                    tracing::info!(connection = %entry.connection, committed, "a refreshed credential was in the spool");
                    let spool = self.parts.spool.clone();
                    let _ = tokio::task::spawn_blocking(move || spool.remove(&path)).await;
                }
                // It stays for the next start.
                Err(error) => {
                    tracing::error!(connection = %entry.connection, %error, "the spool cannot be committed yet");
                }
            }
        }
    }

    /// Uses refresh tokens before they die of not being used.
    pub async fn keep_alive(self: Arc<Self>) {
        loop {
            sleep(ROUND).await;
            if let Err(error) = self.round().await {
                tracing::warn!(%error, "refresh tokens in danger could not be looked for");
            }
        }
    }

    async fn round(&self) -> Result<(), StoreError> {
        let parts: &Parts = &self.parts;
        let due = parts.store().list_due(parts.now_ms(), AT_A_TIME).await?;
        for DueRefresh { environment, id, generation } in due {
            // One after the other: nobody waits for them, and a provider has its limits.
            match parts.resolver.resolve_id(&environment, id).await {
                Ok(ready) => match self.refreshed(&ready, Why::Due, None).await {
                    Ok(Outcome::Fresh(_) | Outcome::Ended) => continue,
                    Ok(Outcome::Failed(_)) | Err(_) => {}
                },
                Err(error) => {
                    tracing::warn!(connection = %id, %error, "a connection is due and cannot be refreshed");
                }
            }
            // Or it would stand at the head of the line for ever, before all others.
            let later = parts.now_ms() + LATER_MS;
            parts.store().update_due(&environment, id, generation, Some(later)).await?;
        }
        Ok(())
    }
}
