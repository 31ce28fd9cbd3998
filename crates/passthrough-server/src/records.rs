//! Records: gathered in memory, written in batches behind the calls, kept for a while.
//!
//! Recording never fails and never delays a request: what the database does not take in time is dropped
//! and counted, never waited for.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use passthrough_core::fault::{Door, Origin, Sent};
use passthrough_core::id::{ApiKeyId, RequestId};
use passthrough_core::token::hide_tokens;
use passthrough_store::{Record, Store};
use passthrough_wire::error::ErrorCode;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::resolve::{Caller, ReadyConnection};

/// How many records may wait for the database.
const MAX_WAITING: usize = 100_000;
/// How many are written at a time.
const BATCH: usize = 1_000;
/// How often they are written.
const INTERVAL: Duration = Duration::from_millis(200);
/// How often `lastUsedAt` of a key is written.
const TOUCH_MS: i64 = 3_600_000;
/// How often old records are deleted, and how many at a time.
const SWEEP: Duration = Duration::from_secs(600);
const SWEEP_BATCH: u32 = 5_000;
/// The longest path that can be sent; of one that was refused, no more is kept.
const MAX_PATH: usize = passthrough_core::path::MAX_LENGTH;
/// The error code of a record whose caller did not wait for the end.
const CALLER_GONE: &str = "caller_gone";

/// Takes records in. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Records(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    clock: Clock,
    keeps: bool,
    waiting: Mutex<Vec<Record>>,
    dropped: AtomicU64,
}

impl Records {
    /// A place for records; `keeps` is false where none are kept.
    pub fn new(clock: Clock, keeps: bool) -> Self {
        Self(Arc::new(Inner { clock, keeps, waiting: Mutex::default(), dropped: AtomicU64::new(0) }))
    }

    /// Begins the record of one passthrough. It is taken in when the draft is dropped, however that
    /// comes about: a caller who goes away leaves a record, too.
    pub fn begin(&self, id: RequestId, door: Door, method: &str, path: &str) -> Draft {
        Draft {
            records: self.clone(),
            id,
            door,
            method: method.to_owned(),
            path: hide_tokens(&printable(without_query(path))).into_owned(),
            caller: None,
            connection: None,
            outcome: Outcome::CallerGone,
            attempts: 0,
            started_at: self.0.clock.now_ms(),
            started: Instant::now(),
            upstream_ms: None,
            request_bytes: Arc::default(),
            response_bytes: 0,
            complete: false,
        }
    }

    fn take_in(&self, record: Record) {
        if !self.0.keeps {
            return;
        }
        let mut waiting = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < MAX_WAITING {
            waiting.push(record);
        } else {
            self.0.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    fn take_out(&self) -> Vec<Record> {
        let mut waiting = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut *waiting)
    }

    /// Writes what is waiting. What the database does not take goes back to the front of the queue.
    pub async fn flush(&self, store: &Store) {
        let mut records = self.take_out();
        let mut written = 0;
        for batch in records.chunks(BATCH) {
            if let Err(error) = store.insert_requests(batch).await {
                tracing::warn!(%error, waiting = records.len() - written, "records could not be written yet");
                break;
            }
            written += batch.len();
        }
        touch_keys(store, &records[..written]).await;
        if written < records.len() {
            records.drain(..written);
            let mut waiting = self.0.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            let room = MAX_WAITING.saturating_sub(waiting.len());
            let lost = records.len().saturating_sub(room);
            records.truncate(room);
            records.append(&mut waiting);
            *waiting = records;
            self.0.dropped.fetch_add(lost as u64, Ordering::Relaxed);
        }
        let dropped = self.0.dropped.swap(0, Ordering::Relaxed);
        if dropped > 0 {
            tracing::error!(dropped, "records were dropped: the database does not keep up");
        }
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
            }
        }
    }

    async fn sweep(&self, store: &Store, retention: Duration) {
        let age = i64::try_from(retention.as_millis()).unwrap_or(i64::MAX);
        let before = self.0.clock.now_ms().saturating_sub(age);
        loop {
            match store.delete_requests_before(before, SWEEP_BATCH).await {
                Ok(deleted) if deleted >= u64::from(SWEEP_BATCH) => {}
                Ok(_) => break,
                Err(error) => {
                    tracing::warn!(%error, "old records could not be deleted yet");
                    break;
                }
            }
        }
    }
}

/// Notes when keys were last used, to the hour: an operator wants to know which ones are dead.
async fn touch_keys(store: &Store, records: &[Record]) {
    let mut touched: Vec<(ApiKeyId, i64)> = Vec::new();
    for record in records {
        let hour = record.started_at - record.started_at.rem_euclid(TOUCH_MS);
        if let Some(key) = record.api_key_id
            && !touched.contains(&(key, hour))
        {
            touched.push((key, hour));
        }
    }
    for (key, hour) in touched {
        if let Err(error) = store.touch_api_key(key, hour).await {
            tracing::debug!(%error, "the last use of a key could not be noted");
        }
    }
}

/// How a passthrough ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Nobody waited for the end.
    CallerGone,
    /// The provider answered.
    Answered(u16),
    /// We failed, before the provider's status was passed on.
    Failed { code: ErrorCode, origin: Origin, sent: Sent },
    /// The provider answered, but its answer broke off.
    BrokenOff { status: u16, reason: &'static str },
}

/// A record in the making.
#[derive(Debug)]
pub struct Draft {
    records: Records,
    id: RequestId,
    door: Door,
    method: String,
    path: String,
    caller: Option<Caller>,
    connection: Option<Arc<ReadyConnection>>,
    outcome: Outcome,
    attempts: u32,
    started_at: i64,
    started: Instant,
    upstream_ms: Option<u64>,
    request_bytes: Arc<AtomicU64>,
    response_bytes: u64,
    complete: bool,
}

impl Draft {
    /// Whose it is.
    pub fn caller(&mut self, caller: &Caller) {
        self.caller = Some(caller.clone());
    }

    /// Which connection it is on.
    pub fn connection(&mut self, connection: &Arc<ReadyConnection>) {
        // A caller who writes the credential into a path of its own must not put it into the database.
        self.path = connection.redactor.redact_text(&self.path);
        self.connection = Some(Arc::clone(connection));
    }

    /// The provider is about to be called, with this path as it may be shown.
    pub fn sending(&mut self, shown_path: &str, request_bytes: u64) {
        let path = &hide_tokens(without_query(shown_path));
        self.path = match &self.connection {
            Some(connection) => connection.redactor.redact_text(path),
            None => path.to_string(),
        };
        self.attempts += 1;
        self.request_bytes.store(request_bytes, Ordering::Relaxed);
    }

    /// The provider answered.
    pub fn answered(&mut self, status: u16, upstream_ms: u64) {
        self.outcome = Outcome::Answered(status);
        self.upstream_ms = Some(upstream_ms);
    }

    /// The answer is with the caller, to its end.
    pub fn complete(&mut self) {
        self.complete = true;
    }

    /// More of the answer's body has come.
    pub fn received(&mut self, bytes: u64) {
        self.response_bytes += bytes;
    }

    /// Where the bytes of a streamed request body are counted.
    pub fn request_counter(&self) -> Arc<AtomicU64> {
        Arc::clone(&self.request_bytes)
    }

    /// We failed.
    pub fn failed(&mut self, code: ErrorCode, origin: Origin, sent: Sent) {
        self.outcome = Outcome::Failed { code, origin, sent };
    }

    /// The answer broke off after its head had been passed on.
    pub fn broken_off(&mut self, reason: &'static str) {
        if let Outcome::Answered(status) = self.outcome {
            self.outcome = Outcome::BrokenOff { status, reason };
        }
    }

    /// How many times the provider was called.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Milliseconds so far.
    pub fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    fn log(&self, record: &Record) {
        tracing::info!(
            request_id = %record.id,
            environment = %record.environment,
            connection = record.connection_id.map(tracing::field::display),
            provider = record.provider.as_deref(),
            door = record.door.as_str(),
            method = %record.method,
            status = record.status_code,
            error = record.error_code.as_deref(),
            duration_ms = record.duration_ms,
            upstream_ms = record.upstream_duration_ms,
            attempts = record.attempts,
            "passthrough"
        );
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        // Without a caller there is no room that the record could belong to.
        let Some(caller) = self.caller.take() else { return };
        let (status_code, error_code, origin, sent) = match self.outcome {
            Outcome::Answered(status) if self.complete => (Some(status), None, None, Sent::Yes),
            Outcome::Answered(status) => (Some(status), Some(CALLER_GONE), Some(Origin::Caller), Sent::Yes),
            Outcome::Failed { code, origin, sent } => (None, Some(code.as_str()), Some(origin), sent),
            Outcome::BrokenOff { status, reason } => {
                (Some(status), Some(reason), Some(Origin::Provider), Sent::Yes)
            }
            Outcome::CallerGone => {
                let sent = if self.attempts > 0 { Sent::Unknown } else { Sent::No };
                (None, Some(CALLER_GONE), Some(Origin::Caller), sent)
            }
        };
        let integer = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let record = Record {
            id: self.id,
            environment: caller.environment,
            connection_id: self.connection.as_ref().map(|ready| ready.connection.id),
            api_key_id: Some(caller.api_key),
            provider: self.connection.as_ref().map(|ready| ready.provider.code.clone()),
            door: self.door,
            method: std::mem::take(&mut self.method),
            path: std::mem::take(&mut self.path),
            status_code,
            error_code: error_code.map(str::to_owned),
            origin,
            sent: Some(sent),
            attempts: self.attempts,
            started_at: self.started_at,
            duration_ms: integer(self.elapsed_ms()),
            upstream_duration_ms: self.upstream_ms.map(integer),
            request_bytes: integer(self.request_bytes.load(Ordering::Relaxed)),
            response_bytes: integer(self.response_bytes),
        };
        self.log(&record);
        self.records.take_in(record);
    }
}

/// A path that was refused may hold anything, NUL included, and any length of it.
fn printable(path: &str) -> String {
    let mut out = String::with_capacity(path.len().min(MAX_PATH));
    for byte in path.bytes().take(MAX_PATH) {
        match byte {
            0x21..=0x7e => out.push(char::from(byte)),
            _ => out.push_str(&format!("%{byte:02X}")),
        }
    }
    out
}

fn without_query(path: &str) -> &str {
    path.split('?').next().unwrap_or_default()
}
