//! A bounded cache that is correct at once after a change.
//!
//! A plain cache with loaders has a hole: a loader that read the row before a change may put its old value
//! in after the change has thrown the entry out, and the old value stays. Here a change leaves a mark
//! behind, and a value that was read before the mark is not kept.

use std::fmt;
use std::hash::Hash;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use moka::future::Cache as Moka;
use moka::ops::compute::Op;
use tokio::sync::Mutex;

/// How long the lock of a loading lies around unused.
const FLIGHT_IDLE: Duration = Duration::from_secs(30);

/// Values by key, loaded by one caller at a time.
pub struct Cache<K, V> {
    entries: Moka<K, Entry<V>>,
    flights: Moka<K, Arc<Mutex<()>>>,
    changes: AtomicU64,
}

#[derive(Clone)]
enum Entry<V> {
    Value(V),
    /// There is none. Kept, so that asking for what does not exist costs (and tells) as little as asking
    /// for what does.
    Absent,
    /// Changed: what was read before this many changes is old.
    Changed(u64),
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
            changes: AtomicU64::new(0),
        }
    }

    /// The value, loaded where it is not there.
    pub async fn get<E, F>(&self, key: K, load: impl FnOnce() -> F) -> Result<Option<V>, E>
    where
        F: Future<Output = Result<Option<V>, E>>,
    {
        if let Some(kept) = self.kept(key).await {
            return Ok(kept);
        }
        let flight = self.flights.get_with(key, async { Arc::default() }).await;
        let _one_at_a_time = flight.lock().await;
        if let Some(kept) = self.kept(key).await {
            return Ok(kept);
        }
        let read_at = self.changes.load(Ordering::SeqCst);
        let loaded = load().await?;
        let kept = loaded.clone().map_or(Entry::Absent, Entry::Value);
        self.entries
            .entry(key)
            .and_compute_with(async move |there| match there.map(moka::Entry::into_value) {
                Some(Entry::Changed(at)) if at > read_at => Op::Nop,
                _ => Op::Put(kept),
            })
            .await;
        Ok(loaded)
    }

    async fn kept(&self, key: K) -> Option<Option<V>> {
        match self.entries.get(&key).await? {
            Entry::Value(value) => Some(Some(value)),
            Entry::Absent => Some(None),
            Entry::Changed(_) => None,
        }
    }

    /// Forgets one value, and every reading of it that is under way.
    pub async fn forget(&self, key: K) {
        let mark = self.changes.fetch_add(1, Ordering::SeqCst) + 1;
        self.entries.insert(key, Entry::Changed(mark)).await;
    }

    /// Forgets everything.
    pub async fn forget_all(&self) {
        let keys: Vec<K> = self.entries.iter().map(|(key, _)| *key).collect();
        for key in keys {
            self.forget(key).await;
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::sync::Notify;

    use super::*;

    #[tokio::test]
    async fn a_reading_that_a_change_overtook_is_not_kept() {
        let cache: Cache<u8, &str> = Cache::new(10, Duration::from_secs(60));
        let (reading, changed) = (Notify::new(), Notify::new());
        let slow = cache.get(1, || async {
            reading.notify_one();
            changed.notified().await;
            Ok::<_, ()>(Some("old"))
        });
        let change = async {
            reading.notified().await;
            cache.forget(1).await;
            changed.notify_one();
        };
        let (_, ()) = tokio::join!(slow, change);
        assert_eq!(cache.get(1, || async { Ok::<_, ()>(Some("new")) }).await, Ok(Some("new")));
        assert_eq!(cache.get(1, || async { Err(()) }).await, Ok(Some("new")));
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
