//! A bounded cache that is correct at once after a change.
//!
//! A plain cache with loaders has a hole: a loader that read the row before a change may put its old value
//! in after the change has thrown the entry out, and the old value stays. So changes are counted, and a
//! value during whose loading the count went on is given to its caller, but not kept.

use std::fmt;
use std::hash::{BuildHasher, Hash, RandomState};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::future::Cache as Moka;
use moka::ops::compute::Op;
use tokio::sync::Mutex;

/// How long the lock of a loading lies around unused.
const FLIGHT_IDLE: Duration = Duration::from_secs(30);
/// How many counters of changes there are. Keys share them, so that there is nothing to be thrown out of a
/// full cache; the more there are, the fewer loadings are disturbed by the change of another key.
const COUNTERS: usize = 256;

/// Values by key, loaded by one caller at a time.
pub struct Cache<K, V> {
    /// `None` is remembered, too: whoever asks for what does not exist must not reach the database each time.
    entries: Moka<K, Option<V>>,
    flights: Moka<K, Arc<Mutex<()>>>,
    changes: Box<[AtomicU64]>,
    hasher: RandomState,
}

impl<K, V> fmt::Debug for Cache<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Cache")
    }
}

impl<K: Hash + Eq + Copy + Send + Sync + 'static, V: Clone + Send + Sync + 'static> Cache<K, V> {
    /// A cache of at most `capacity` entries, each kept for `idle` without use.
    pub fn new(capacity: u64, idle: Duration) -> Self {
        Self {
            entries: Moka::builder().max_capacity(capacity).time_to_idle(idle).build(),
            flights: Moka::builder().max_capacity(capacity).time_to_idle(FLIGHT_IDLE).build(),
            changes: (0..COUNTERS).map(|_| AtomicU64::new(0)).collect(),
            hasher: RandomState::new(),
        }
    }

    /// The value, loaded where it is not there. What the loader does not find is remembered like a value; its
    /// failures are not.
    pub async fn get<E, F>(&self, key: K, load: impl FnOnce() -> F) -> Result<Option<V>, E>
    where
        F: Future<Output = Result<Option<V>, E>>,
    {
        if let Some(value) = self.entries.get(&key).await {
            return Ok(value);
        }
        // On the heap: what is loaded once need not have room in every call.
        Box::pin(self.load(key, load)).await
    }

    async fn load<E, F>(&self, key: K, load: impl FnOnce() -> F) -> Result<Option<V>, E>
    where
        F: Future<Output = Result<Option<V>, E>>,
    {
        let flight = self.flights.get_with(key, async { Arc::default() }).await;
        let _one_at_a_time = flight.lock().await;
        if let Some(value) = self.entries.get(&key).await {
            return Ok(value);
        }
        let read_at = self.changes_of(&key).load(Ordering::SeqCst);
        let value = load().await?;
        let kept = value.clone();
        // Looking at the count and keeping the value are one step: `forget` waits for it, or is seen by it.
        let keep = async move |_| match self.changes_of(&key).load(Ordering::SeqCst) == read_at {
            true => Op::Put(kept),
            false => Op::Nop,
        };
        self.entries.entry(key).and_compute_with(keep).await;
        Ok(value)
    }

    /// Forgets one value, and every reading of it that is under way.
    pub async fn forget(&self, key: K) {
        self.changes_of(&key).fetch_add(1, Ordering::SeqCst);
        self.entries.entry(key).and_compute_with(async |_| Op::Remove).await;
    }

    /// Forgets everything, and every reading that is under way.
    pub async fn forget_all(&self) {
        for counter in &self.changes {
            counter.fetch_add(1, Ordering::SeqCst);
        }
        let keys: Vec<K> = self.entries.iter().map(|(key, _)| *key).collect();
        for key in keys {
            self.forget(key).await;
        }
    }

    fn changes_of(&self, key: &K) -> &AtomicU64 {
        let counter = self.hasher.hash_one(key) % COUNTERS as u64;
        &self.changes[usize::try_from(counter).unwrap_or_default()]
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn a_reading_that_a_change_overtook_is_not_kept() {
        overtaken(Cache::new(10, Duration::from_secs(60)), async |cache| cache.forget(1).await).await;
    }

    /// A full cache does not let a stranger in, and so cannot remember that a key was changed.
    #[tokio::test]
    async fn nor_is_it_in_a_full_cache() {
        let cache = Cache::new(1, Duration::from_secs(60));
        for _ in 0..20 {
            cache.get(2, || async { Ok::<_, ()>(Some("often used")) }).await.unwrap();
        }
        cache.entries.run_pending_tasks().await;
        let forget = async |cache: &Cache<u8, &'static str>| {
            cache.forget(1).await;
            cache.entries.run_pending_tasks().await;
        };
        overtaken(cache, forget).await;
    }

    #[tokio::test]
    async fn nor_when_everything_is_forgotten() {
        overtaken(Cache::new(10, Duration::from_secs(60)), async |cache| cache.forget_all().await).await;
    }

    async fn overtaken(cache: Cache<u8, &'static str>, forget: impl AsyncFn(&Cache<u8, &'static str>)) {
        let (reading, changed) = (Notify::new(), Notify::new());
        let slow = cache.get(1, || async {
            reading.notify_one();
            changed.notified().await;
            Ok::<_, ()>(Some("old"))
        });
        let change = async {
            reading.notified().await;
            forget(&cache).await;
            changed.notify_one();
        };
        let (_, ()) = tokio::join!(slow, change);
        assert_eq!(cache.get(1, || async { Ok::<_, ()>(Some("new")) }).await, Ok(Some("new")));
        cache.forget_all().await;
        assert_eq!(cache.get(1, || async { Err(()) }).await, Err(()));
    }

    #[tokio::test]
    async fn what_does_not_exist_is_asked_for_once_until_it_changes() {
        let cache: Cache<u8, &str> = Cache::new(10, Duration::from_secs(60));
        assert_eq!(cache.get(1, || async { Ok::<_, ()>(None) }).await, Ok(None));
        assert_eq!(cache.get(1, || async { Err(()) }).await, Ok(None));
        cache.forget(1).await;
        assert_eq!(cache.get(1, || async { Ok::<_, ()>(Some("made")) }).await, Ok(Some("made")));
    }
}
