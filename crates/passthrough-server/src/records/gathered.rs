//! Where records are gathered: serialised at once into the batch that they are stored in, by the thread that ends
//! the request, into a buffer that no other thread writes to.
//!
//! It knows nothing of the database, nor of how a record comes about.

use std::cell::Cell;
use std::collections::{HashMap, HashSet};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use foldhash::fast::RandomState;
use passthrough_core::id::{ApiKeyId, Environment};
use passthrough_store::{Record, RequestBatch};

/// How many threads have a buffer of their own. More than that share.
const SHARDS: usize = 32;
/// How many bytes of records may be in memory, gathered or waiting: some 200,000 records.
const MAX_BYTES: usize = 64 << 20;
/// How much of that a thread reserves at a time, so that counting costs nothing.
const STEP: usize = 64 << 10;
/// To what `lastUsedAt` of a key is exact.
const HOUR_MS: i64 = 3_600_000;

/// That a key was used in an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Use {
    pub(super) key: ApiKeyId,
    /// When the hour began, in unix milliseconds.
    pub(super) hour: i64,
}

/// Records that were not taken out yet.
#[derive(Debug, Default)]
pub(super) struct Gathered {
    shards: [Mutex<Shard>; SHARDS],
    /// Bytes in memory: those reserved by shards, and those taken out but not written.
    held: AtomicUsize,
}

/// The buffer of one thread, on cache lines of its own.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Shard {
    rooms: HashMap<Environment, Vec<RequestBatch>, RandomState>,
    bytes: usize,
    reserved: usize,
    last_use: Option<Use>,
    uses: HashSet<Use>,
    dropped: u64,
}

/// The number of the calling thread, in the order in which threads came here.
fn thread() -> usize {
    static THREADS: AtomicUsize = AtomicUsize::new(0);
    thread_local! {
        static NUMBER: Cell<usize> = Cell::new(THREADS.fetch_add(1, Ordering::Relaxed));
    }
    NUMBER.get()
}

impl Gathered {
    /// Takes a record in, or counts it as dropped where too much is in memory.
    pub(super) fn take_in(&self, environment: &Environment, record: &Record<'_>) {
        let mut shard = locked(&self.shards[thread() % SHARDS]);
        if shard.bytes >= shard.reserved {
            if self.held.fetch_add(STEP, Ordering::Relaxed) >= MAX_BYTES {
                self.held.fetch_sub(STEP, Ordering::Relaxed);
                shard.dropped += 1;
                return;
            }
            shard.reserved += STEP;
        }
        shard.push(environment, record);
    }

    /// Moves what was gathered behind `batches` and into `uses`, and says how many records were dropped.
    pub(super) fn take_out(&self, batches: &mut Vec<RequestBatch>, uses: &mut HashSet<Use>) -> u64 {
        let mut dropped = 0;
        let mut rooms: HashMap<Environment, Vec<RequestBatch>> = HashMap::new();
        let mut reserved = 0;
        for shard in &self.shards {
            let mut shard = locked(shard);
            dropped += std::mem::take(&mut shard.dropped);
            if shard.reserved == 0 {
                continue;
            }
            let taken = std::mem::take(&mut *shard);
            drop(shard);
            reserved += taken.reserved;
            uses.extend(taken.uses);
            for (environment, gathered) in taken.rooms {
                join(rooms.entry(environment).or_default(), gathered);
            }
        }
        let before = batches.len();
        batches.extend(rooms.into_values().flatten());
        let bytes = batches[before..].iter().map(RequestBatch::bytes).sum();
        self.held.fetch_add(bytes, Ordering::Relaxed);
        self.held.fetch_sub(reserved, Ordering::Relaxed);
        dropped
    }

    /// Bytes in memory.
    pub(super) fn held(&self) -> usize {
        self.held.load(Ordering::Relaxed)
    }

    /// Makes room again.
    pub(super) fn written(&self, batches: impl Iterator<Item = RequestBatch>) {
        self.held.fetch_sub(batches.map(|batch| batch.bytes()).sum(), Ordering::Relaxed);
    }
}

fn locked(shard: &Mutex<Shard>) -> MutexGuard<'_, Shard> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Joins what different threads have gathered into as few batches as can be.
fn join(room: &mut Vec<RequestBatch>, gathered: Vec<RequestBatch>) {
    for batch in gathered {
        if !room.iter_mut().any(|other| other.append(&batch)) {
            room.push(batch);
        }
    }
}

impl Shard {
    fn push(&mut self, environment: &Environment, record: &Record<'_>) {
        self.note_use(record);
        let room = match self.rooms.get_mut(environment) {
            Some(room) => room,
            None => self.rooms.entry(environment.clone()).or_default(),
        };
        for batch in room.iter_mut().rev() {
            let before = batch.bytes();
            if batch.push(record) {
                self.bytes += batch.bytes() - before;
                return;
            }
        }
        let batch = RequestBatch::new(environment.clone(), record);
        self.bytes += batch.bytes();
        room.push(batch);
    }

    fn note_use(&mut self, record: &Record<'_>) {
        let hour = record.started_at - record.started_at.rem_euclid(HOUR_MS);
        let one = record.api_key_id.map(|key| Use { key, hour });
        if let Some(new) = one
            && one != self.last_use
        {
            self.last_use = one;
            self.uses.insert(new);
        }
    }
}

#[cfg(test)]
mod tests {
    use passthrough_core::fault::Door;
    use passthrough_core::id::RequestId;
    use passthrough_store::ProviderLimit;

    use super::*;

    fn environment(name: &str) -> Environment {
        name.parse().unwrap()
    }

    fn record(path: &str) -> Record<'_> {
        Record {
            id: RequestId::from_parts(HOUR_MS.unsigned_abs() + 7, 1),
            connection_id: None,
            api_key_id: Some(ApiKeyId::from_parts(1, 1)),
            provider: None,
            door: Door::Proxy,
            method: "GET".into(),
            path: path.into(),
            status_code: Some(200),
            error_code: None,
            error_reason: None,
            origin: None,
            sent: None,
            attempts: 1,
            started_at: HOUR_MS + 7,
            duration_ms: 1,
            upstream_duration_ms: None,
            request_bytes: 0,
            response_bytes: 0,
            provider_limit: ProviderLimit::default(),
        }
    }

    #[test]
    fn what_several_threads_gather_is_joined_by_environment() {
        let gathered = Gathered::default();
        std::thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for _ in 0..10 {
                        gathered.take_in(&environment("here"), &record("/"));
                        gathered.take_in(&environment("there"), &record("/"));
                    }
                });
            }
        });
        let (mut batches, mut uses) = (Vec::new(), HashSet::new());
        assert_eq!(gathered.take_out(&mut batches, &mut uses), 0);
        assert_eq!(batches.iter().map(RequestBatch::count).collect::<Vec<_>>(), [40, 40]);
        assert_eq!(Vec::from_iter(uses), [Use { key: ApiKeyId::from_parts(1, 1), hour: HOUR_MS }]);
        assert_eq!(
            gathered.held.load(Ordering::Relaxed),
            batches.iter().map(RequestBatch::bytes).sum::<usize>()
        );
        gathered.written(batches.into_iter());
        assert_eq!(gathered.held.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn memory_is_bounded_and_what_came_first_is_kept() {
        let gathered = Gathered::default();
        let path = "/a".repeat(4_000);
        let (mut batches, mut uses, mut dropped, mut taken_in) = (Vec::new(), HashSet::new(), 0, 0);
        while dropped == 0 {
            for _ in 0..500 {
                gathered.take_in(&environment("here"), &record(&path));
                taken_in += 1;
            }
            dropped = gathered.take_out(&mut batches, &mut uses);
        }
        let bytes: usize = batches.iter().map(RequestBatch::bytes).sum();
        assert!((MAX_BYTES - STEP..MAX_BYTES + 2 * STEP).contains(&bytes), "{bytes}");
        let kept: u64 = batches.iter().map(|batch| u64::from(batch.count())).sum();
        assert_eq!(kept + dropped, taken_in);
        gathered.written(batches.drain(..1));
        gathered.take_in(&environment("here"), &record(&path));
        assert_eq!(gathered.take_out(&mut batches, &mut uses), 0, "there is room again");
    }
}
