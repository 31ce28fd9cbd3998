//! Records: gathered in memory, written in batches behind the calls, kept for a while.
//!
//! Recording never fails and never delays a request: what the database does not take in time is dropped
//! and counted, never waited for.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use passthrough_core::fault::Door;
use passthrough_core::id::{ApiKeyId, Environment, RequestId};
use passthrough_store::{Record, RequestBatch, Store};
use tokio::sync::Mutex;
use tokio_util::sync::CancellationToken;

use crate::clock::{Clock, milliseconds};
use crate::config::Calls;
use crate::metrics::Metrics;

mod draft;
mod gathered;

pub use draft::Draft;
use gathered::{Gathered, Use};

/// How often records are written.
const INTERVAL: Duration = Duration::from_millis(200);
/// How much is written at a time, so that no other write waits for long: batches and bytes.
const MAX_BATCHES: usize = 100;
const MAX_BYTES: usize = 1 << 20;
/// How often old records are deleted, and how many batches at a time.
const SWEEP: Duration = Duration::from_secs(600);
const SWEEP_BATCHES: u32 = 100;
/// The same for what has run out of linking, and for events: how many, and how long they are kept at least.
const SWEEP_ROWS: u32 = 10_000;
const LINKS_KEPT_MS: i64 = 7 * 86_400_000;
const EVENTS_KEPT_MS: i64 = 30 * 86_400_000;

/// Takes records in. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Records(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    keeps: bool,
    logs: Calls,
    metrics: Arc<Metrics>,
    gathered: Gathered,
    waiting: Mutex<Waiting>,
}

/// What waits for the database.
#[derive(Debug, Default)]
struct Waiting {
    batches: Vec<RequestBatch>,
    /// Uses of keys that are to be noted, and what was noted last.
    uses: HashSet<Use>,
    noted: HashMap<ApiKeyId, i64>,
}

impl Records {
    /// A place for records; `keeps` is false where none are kept, `logs` says for which a line is logged.
    pub fn new(clock: Clock, keeps: bool, logs: Calls, metrics: Arc<Metrics>) -> Self {
        let (gathered, waiting) = (Gathered::default(), Mutex::default());
        Self(Arc::new(Inner { clock, keeps, logs, metrics, gathered, waiting }))
    }

    /// Begins the record of one passthrough. It is taken in when the draft is dropped, however that
    /// comes about: a caller who goes away leaves a record, too. It is on the heap, because it goes through many
    /// hands.
    pub fn begin(&self, id: RequestId, door: Door, method: &str, path: &str) -> Box<Draft> {
        Box::new(Draft::new(self.clone(), id, door, method, path))
    }

    fn take_in(&self, environment: &Environment, record: &Record<'_>) {
        if self.0.keeps {
            self.0.gathered.take_in(environment, record);
        }
    }

    /// How many bytes are in memory, not yet written.
    pub fn waiting_bytes(&self) -> usize {
        self.0.gathered.held()
    }

    /// Writes what is waiting. What the database does not take goes on waiting, in the order in which it came.
    pub async fn flush(&self, store: &Store) {
        let waiting = &mut *self.0.waiting.lock().await;
        let dropped = self.0.gathered.take_out(&mut waiting.batches, &mut waiting.uses);
        if dropped > 0 {
            self.0.metrics.records.dropped.add(dropped);
            tracing::error!(dropped, "records were dropped: the database does not keep up");
        }
        while !waiting.batches.is_empty() {
            let next = next_write(&waiting.batches);
            if let Err(error) = store.insert_request_batches(&waiting.batches[..next]).await {
                let records: u64 = waiting.batches.iter().map(|batch| u64::from(batch.count())).sum();
                tracing::warn!(%error, waiting = records, "records could not be written yet");
                return;
            }
            let written: u64 = waiting.batches[..next].iter().map(|batch| u64::from(batch.count())).sum();
            self.0.metrics.records.written.add(written);
            self.0.gathered.written(waiting.batches.drain(..next));
        }
        waiting.note_uses(store).await;
    }

    /// Writes and sweeps until it is told to stop. It must not be aborted: what it is writing at that moment
    /// would be lost.
    pub async fn keep_writing(self, store: Store, retention: Option<Duration>, stop: CancellationToken) {
        let mut next_sweep = Instant::now();
        while stop.run_until_cancelled(tokio::time::sleep(INTERVAL)).await.is_some() {
            self.flush(&store).await;
            if Instant::now() >= next_sweep {
                next_sweep = Instant::now() + SWEEP;
                self.sweep(&store, retention.unwrap_or_default()).await;
                self.sweep_links(&store, retention.unwrap_or_default()).await;
            }
        }
    }

    /// Deletes what has run out of linking, and events as old as records may get.
    async fn sweep_links(&self, store: &Store, retention: Duration) {
        let now = self.0.clock.now_ms();
        let age = milliseconds(retention);
        // Long enough for somebody who asks what has become of a link.
        let (links, events) = (now - LINKS_KEPT_MS, now.saturating_sub(age.max(EVENTS_KEPT_MS)));
        let swept = async {
            store.delete_link_sessions_before(links, SWEEP_ROWS).await?;
            store.delete_public_tokens_before(links, SWEEP_ROWS).await?;
            store.delete_events_before(events, SWEEP_ROWS).await
        };
        if let Err(error) = swept.await {
            tracing::warn!(%error, "old link sessions and events could not be deleted yet");
        }
    }

    async fn sweep(&self, store: &Store, retention: Duration) {
        let age = milliseconds(retention);
        let before = self.0.clock.now_ms().saturating_sub(age);
        loop {
            match store.delete_requests_before(before, SWEEP_BATCHES).await {
                Ok(deleted) if deleted >= u64::from(SWEEP_BATCHES) => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(%error, "old records could not be deleted yet");
                    break;
                }
            }
        }
    }
}

/// How many batches make the next write: at least one.
fn next_write(batches: &[RequestBatch]) -> usize {
    let mut bytes = 0;
    let fits = |batch: &&RequestBatch| {
        bytes += batch.bytes();
        bytes <= MAX_BYTES
    };
    batches.iter().take(MAX_BATCHES).take_while(fits).count().max(1)
}

impl Waiting {
    /// Notes when keys were last used, to the hour: an operator wants to know which ones are dead.
    async fn note_uses(&mut self, store: &Store) {
        let noted = &self.noted;
        self.uses.retain(|one| noted.get(&one.key).is_none_or(|hour| *hour < one.hour));
        while let Some(one) = self.uses.iter().next().copied() {
            if let Err(error) = store.touch_api_key(one.key, one.hour).await {
                tracing::debug!(%error, "the last use of a key could not be noted");
                return;
            }
            self.uses.remove(&one);
            self.noted.insert(one.key, one.hour);
        }
    }
}
