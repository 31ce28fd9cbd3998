//! How many requests may be in flight: in all, per origin, per connection.
//!
//! One slow provider, or one busy connection, must not take the whole program's capacity.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::{Arc, Mutex, PoisonError};

use passthrough_core::base_url::Origin;
use passthrough_core::id::{ConnectionId, Environment};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::Limits;
use super::error::{Reason, SendError};

/// The places of all requests in flight.
#[derive(Debug)]
pub(super) struct Gates {
    limits: Limits,
    total: Arc<Semaphore>,
    /// By environment, too: one closed room must not be able to shut a provider for another.
    origins: KeyedGate<(Environment, Arc<Origin>)>,
    connections: KeyedGate<ConnectionId>,
}

/// The places that one request holds, until it is dropped.
#[derive(Debug)]
pub(super) struct Permits {
    _places: [Option<OwnedSemaphorePermit>; 3],
}

/// The gates of one request, the narrowest first.
type Way = [Option<Arc<Semaphore>>; 3];

impl Permits {
    /// All places, where they are free.
    fn at_once(gates: &Way) -> Option<Self> {
        let mut places = [None, None, None];
        for (place, gate) in places.iter_mut().zip(gates.iter()) {
            if let Some(gate) = gate {
                *place = Some(Arc::clone(gate).try_acquire_owned().ok()?);
            }
        }
        Some(Self { _places: places })
    }

    /// One place after the other.
    async fn in_turn(gates: Way) -> Self {
        let mut places = [None, None, None];
        for (place, gate) in places.iter_mut().zip(gates) {
            if let Some(gate) = gate {
                *place = gate.acquire_owned().await.ok();
            }
        }
        Self { _places: places }
    }
}

/// As many places as asked for, or as a semaphore can count.
fn semaphore(places: usize) -> Arc<Semaphore> {
    Arc::new(Semaphore::new(places.min(Semaphore::MAX_PERMITS)))
}

impl Gates {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            total: semaphore(limits.in_flight),
            origins: KeyedGate::new(limits.per_origin),
            connections: KeyedGate::new(limits.per_connection),
            limits,
        }
    }

    /// Waits for a place in all three, at most as long as configured. The narrow gates come first, so
    /// that whoever waits there holds nothing that others could use.
    pub(super) async fn enter(
        &self,
        environment: &Environment,
        connection: Option<ConnectionId>,
        origin: &Arc<Origin>,
    ) -> Result<Permits, SendError> {
        let connection = connection.map(|id| self.connections.gate(&id));
        let origin = self.origins.gate(&(environment.clone(), origin.clone()));
        let total = Arc::clone(&self.total);
        let gates = [connection, Some(origin), Some(total)];
        match Permits::at_once(&gates) {
            Some(permits) => Ok(permits),
            // On the heap: waiting is rare.
            None => Box::pin(timeout(self.limits.wait, Permits::in_turn(gates)))
                .await
                .map_err(|_| SendError::unsent(Reason::Overloaded)),
        }
    }
}

/// A semaphore per key. Keys that nobody uses are forgotten before the map outgrows twice the used ones.
#[derive(Debug)]
struct KeyedGate<K> {
    places: usize,
    gates: Mutex<(HashMap<K, Arc<Semaphore>>, usize)>,
}

const SMALLEST_SWEEP: usize = 64;

impl<K: Hash + Eq + Clone> KeyedGate<K> {
    fn new(places: usize) -> Self {
        Self { places, gates: Mutex::new((HashMap::new(), SMALLEST_SWEEP)) }
    }

    fn gate(&self, key: &K) -> Arc<Semaphore> {
        let mut guard = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        let (gates, sweep_at) = &mut *guard;
        if let Some(gate) = gates.get(key) {
            return gate.clone();
        }
        if gates.len() >= *sweep_at {
            // Permits and waiters hold the semaphore; whatever only the map holds is idle.
            gates.retain(|_, gate| Arc::strong_count(gate) > 1);
            *sweep_at = (gates.len() * 2).max(SMALLEST_SWEEP);
        }
        gates.entry(key.clone()).or_insert_with(|| semaphore(self.places)).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_keys_are_forgotten_and_used_ones_are_kept() {
        let gate = KeyedGate::new(1);
        let held = gate.gate(&0).try_acquire_owned().unwrap();
        for key in 1..10_000 {
            drop(gate.gate(&key));
        }
        assert!(gate.gates.lock().unwrap().0.len() <= 2 * SMALLEST_SWEEP);
        assert!(gate.gate(&0).try_acquire_owned().is_err(), "the used key kept its count");
        drop(held);
        assert!(gate.gate(&0).try_acquire_owned().is_ok());
    }
}
