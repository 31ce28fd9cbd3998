//! Refreshes that nobody calls for: what a former life of this process left behind, and refresh tokens that would die
//! of not being used.

use std::collections::{HashMap, HashSet};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use passthrough_core::id::ConnectionId;
use passthrough_store::{DueRefresh, StoreError};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;

use super::keeping::blocking;
use super::{Outcome, Refresher, Why};

/// How often refresh tokens in danger are looked for, how many are begun with, and when the next of them, where there
/// are more.
const ROUND: Duration = Duration::from_secs(60);
const AT_A_TIME: u32 = 500;
const NEXT_PAGE: Duration = Duration::from_secs(1);
/// Nobody waits for them, and a provider has its limits.
const PER_PROVIDER: usize = 4;
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
        let mut turns = Turns::default();
        loop {
            let full = self.begin_turns(&mut turns).await.unwrap_or_else(|error| {
                tracing::warn!(%error, "refresh tokens in danger could not be looked for");
                false
            });
            sleep(if full { NEXT_PAGE } else { ROUND }).await;
            while let Some(Ok(id)) = turns.tasks.try_join_next() {
                turns.under_way.remove(&id);
            }
        }
    }

    /// Begins what is due, the longest due first; tells whether there may be more of it.
    async fn begin_turns(self: &Arc<Self>, turns: &mut Turns) -> Result<bool, StoreError> {
        let known = u32::try_from(turns.under_way.len()).unwrap_or(u32::MAX);
        let page = AT_A_TIME.saturating_add(known);
        let due = self.parts.store().list_due(self.parts.now_ms(), page).await?;
        let full = due.len() >= page as usize;
        for due in due {
            if turns.under_way.insert(due.id) {
                let places = Arc::clone(&turns.places);
                turns.tasks.spawn(Arc::clone(self).take_turn(due, places));
            }
        }
        Ok(full)
    }

    async fn take_turn(self: Arc<Self>, due: DueRefresh, places: Arc<Places>) -> ConnectionId {
        if !self.was_refreshed(&due, &places).await {
            // Or it would stand at the head of the line for ever, before all others.
            let later = self.parts.now_ms() + LATER_MS;
            let moved =
                self.parts.store().update_due(&due.environment, due.id, due.generation, Some(later)).await;
            if let Err(error) = moved {
                tracing::warn!(connection = %due.id, %error, "when a connection is due could not be noted");
            }
        }
        due.id
    }

    async fn was_refreshed(&self, due: &DueRefresh, places: &Places) -> bool {
        let ready = match self.parts.resolver.resolve_id(&due.environment, due.id).await {
            Ok(ready) => ready,
            Err(error) => {
                tracing::warn!(connection = %due.id, %error, "a connection is due and cannot be refreshed");
                return false;
            }
        };
        let of_provider = places.of(&ready.connection.provider);
        let Ok(_place) = of_provider.acquire().await else { return false };
        matches!(self.refreshed(&ready, Why::Due, None).await, Ok(Outcome::Fresh(_) | Outcome::Ended))
    }
}

/// The refreshes that were begun and are not over.
#[derive(Default)]
struct Turns {
    tasks: JoinSet<ConnectionId>,
    under_way: HashSet<ConnectionId>,
    places: Arc<Places>,
}

/// How many refreshes of each provider may be under way. One that does not answer holds up nobody else's.
#[derive(Default)]
struct Places(Mutex<HashMap<String, Arc<Semaphore>>>);

impl Places {
    fn of(&self, provider: &str) -> Arc<Semaphore> {
        let mut places = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(
            places.entry(provider.to_owned()).or_insert_with(|| Arc::new(Semaphore::new(PER_PROVIDER))),
        )
    }
}
