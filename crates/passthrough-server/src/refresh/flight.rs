//! One refresh at a time for each connection of this process, in a task of its own: whoever waits for it may go
//! away, and the refresh goes on. A refresh that was cut off half-way would burn the refresh token.

use std::collections::HashMap;
use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use passthrough_core::id::ConnectionId;
use tokio::runtime::Handle;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

/// The refreshes under way; `T` is what comes of one.
#[derive(Debug)]
pub struct Flights<T> {
    under_way: Arc<UnderWay<T>>,
    tasks: TaskTracker,
    runtime: Handle,
}

type UnderWay<T> = Mutex<HashMap<ConnectionId, watch::Receiver<Option<T>>>>;

impl<T: Clone + Send + Sync + 'static> Flights<T> {
    /// Refreshes run on `runtime`, which must outlive those who wait for them.
    pub fn new(runtime: Handle) -> Self {
        Self { under_way: Arc::default(), tasks: TaskTracker::new(), runtime }
    }

    /// Waits for the refresh of a connection, and begins it where none is under way. `None` where it broke down.
    pub async fn join<F>(&self, connection: ConnectionId, refresh: impl FnOnce() -> F) -> Option<T>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut outcome = self.begin(connection, refresh);
        // The sender is dropped without a word only where the task panicked.
        outcome.wait_for(Option::is_some).await.ok().and_then(|outcome| outcome.clone())
    }

    /// Begins a refresh where none is under way; gives where its outcome will be.
    pub fn begin<F>(
        &self,
        connection: ConnectionId,
        refresh: impl FnOnce() -> F,
    ) -> watch::Receiver<Option<T>>
    where
        F: Future<Output = T> + Send + 'static,
    {
        let mut under_way = self.under_way.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(flight) = under_way.get(&connection) {
            return flight.clone();
        }
        let (sender, receiver) = watch::channel(None);
        under_way.insert(connection, receiver.clone());
        drop(under_way);
        let landing = Landing { under_way: Arc::clone(&self.under_way), connection };
        let refresh = refresh();
        self.tasks.spawn_on(
            async move {
                let outcome = refresh.await;
                // Before the outcome is told: who asks from now on begins anew, and finds what is new.
                drop(landing);
                sender.send_replace(Some(outcome));
            },
            &self.runtime,
        );
        receiver
    }

    /// Waits until none is under way. New ones may still begin: a caller in flight may need one.
    pub async fn finish(&self) {
        self.tasks.close();
        self.tasks.wait().await;
    }
}

/// Takes a flight off the list, however it ends.
struct Landing<T> {
    under_way: Arc<UnderWay<T>>,
    connection: ConnectionId,
}

impl<T> Drop for Landing<T> {
    fn drop(&mut self) {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.connection);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};
    use std::time::Duration;

    use super::*;

    fn connection() -> ConnectionId {
        "conn_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap()
    }

    #[tokio::test]
    async fn many_callers_have_one_refresh_which_outlives_those_who_go_away() {
        let flights = Arc::new(Flights::new(Handle::current()));
        let begun = Arc::new(AtomicUsize::new(0));
        let join = |patience: Duration| {
            let (flights, begun) = (Arc::clone(&flights), Arc::clone(&begun));
            tokio::spawn(async move {
                let refresh = || {
                    begun.fetch_add(1, Ordering::SeqCst);
                    async {
                        tokio::time::sleep(Duration::from_millis(50)).await;
                        7
                    }
                };
                tokio::time::timeout(patience, flights.join(connection(), refresh)).await
            })
        };
        let impatient = join(Duration::from_millis(1));
        let patient: Vec<_> = (0..20).map(|_| join(Duration::from_secs(60))).collect();
        assert!(impatient.await.unwrap().is_err());
        for caller in patient {
            assert_eq!(caller.await.unwrap().unwrap(), Some(7));
        }
        assert_eq!(begun.load(Ordering::SeqCst), 1);
        flights.finish().await;
    }

    #[tokio::test]
    async fn a_refresh_that_breaks_down_leaves_room_for_the_next() {
        let flights = Flights::new(Handle::current());
        let broken = flights.join(connection(), || async { std::future::ready(None::<u8>).await.unwrap() });
        assert_eq!(broken.await, None);
        assert_eq!(flights.join(connection(), || async { 1 }).await, Some(1));
    }
}
