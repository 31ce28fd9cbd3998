//! How many requests may be in flight: in all, per origin, per connection.
//!
//! One slow provider, or one busy connection, must not take the whole program's capacity.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use foldhash::fast::RandomState;
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
    total: Arc<Gate>,
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
pub(super) type Way = [Option<Arc<Gate>>; 3];

/// For each place, so many may wait.
const WAITING_PER_PLACE: usize = 4;

/// A number of places, and those who wait for one.
#[derive(Debug)]
pub(super) struct Gate {
    places: Arc<Semaphore>,
    waiting: AtomicUsize,
    most_waiting: usize,
}

impl Gate {
    /// As many places as asked for, or as a semaphore can count.
    fn new(places: usize) -> Arc<Self> {
        let places = places.min(Semaphore::MAX_PERMITS);
        let most_waiting = places.saturating_mul(WAITING_PER_PLACE);
        Arc::new(Self {
            places: Arc::new(Semaphore::new(places)),
            waiting: AtomicUsize::new(0),
            most_waiting,
        })
    }

    fn at_once(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.places).try_acquire_owned().ok()
    }

    /// Waits, unless too many do.
    async fn in_turn(&self) -> Option<OwnedSemaphorePermit> {
        if let Some(place) = self.at_once() {
            return Some(place);
        }
        let _waiting = Waiting::join(&self.waiting, self.most_waiting)?;
        Arc::clone(&self.places).acquire_owned().await.ok()
    }
}

/// One who waits, counted as long as it does.
struct Waiting<'a>(&'a AtomicUsize);

impl<'a> Waiting<'a> {
    fn join(count: &'a AtomicUsize, most: usize) -> Option<Self> {
        let waiting = Self(count);
        (count.fetch_add(1, Ordering::Relaxed) < most).then_some(waiting)
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Permits {
    /// All places, where they are free.
    fn at_once(gates: &Way) -> Option<Self> {
        let mut places = [None, None, None];
        for (place, gate) in places.iter_mut().zip(gates.iter()) {
            if let Some(gate) = gate {
                *place = Some(gate.at_once()?);
            }
        }
        Some(Self { _places: places })
    }

    /// One place after the other; `None` where too many wait already.
    async fn in_turn(gates: Way) -> Option<Self> {
        let mut places = [None, None, None];
        for (place, gate) in places.iter_mut().zip(gates) {
            if let Some(gate) = gate {
                *place = Some(gate.in_turn().await?);
            }
        }
        Some(Self { _places: places })
    }
}

impl Gates {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            total: Gate::new(limits.in_flight),
            origins: KeyedGate::new(limits.per_origin),
            connections: KeyedGate::new(limits.per_connection),
            limits,
        }
    }

    /// A place in all three, where they are free; else the way to them.
    pub(super) fn enter(
        &self,
        environment: &Environment,
        connection: Option<ConnectionId>,
        origin: &Arc<Origin>,
    ) -> Result<Permits, Way> {
        let connection = connection.map(|id| self.connections.gate(&id));
        let origin = self.origins.gate(&(environment.clone(), origin.clone()));
        let total = Arc::clone(&self.total);
        let gates = [connection, Some(origin), Some(total)];
        Permits::at_once(&gates).ok_or(gates)
    }

    /// Waits for a place in all three, at most as long as configured. The narrow gates come first, so
    /// that whoever waits there holds nothing that others could use. Where so many wait already that a place
    /// would come too late for most, the answer is no at once: who is refused early can go elsewhere.
    pub(super) async fn wait(&self, gates: Way) -> Result<Permits, SendError> {
        let permits = timeout(self.limits.wait, Permits::in_turn(gates)).await.ok().flatten();
        permits.ok_or_else(|| SendError::unsent(Reason::Overloaded))
    }
}

type ByKey<K> = HashMap<K, Arc<Gate>, RandomState>;

/// A semaphore per key. Keys that nobody uses are forgotten before the map outgrows twice the used ones.
#[derive(Debug)]
struct KeyedGate<K> {
    places: usize,
    gates: Mutex<(ByKey<K>, usize)>,
}

const SMALLEST_SWEEP: usize = 64;

impl<K: Hash + Eq + Clone> KeyedGate<K> {
    fn new(places: usize) -> Self {
        Self { places, gates: Mutex::new((HashMap::default(), SMALLEST_SWEEP)) }
    }

    fn gate(&self, key: &K) -> Arc<Gate> {
        let mut guard = self.gates.lock().unwrap_or_else(PoisonError::into_inner);
        let (gates, sweep_at) = &mut *guard;
        if let Some(gate) = gates.get(key) {
            return gate.clone();
        }
        if gates.len() >= *sweep_at {
            // Who waits holds the gate, who has a place the semaphore; whatever only the map holds is idle.
            gates.retain(|_, gate| Arc::strong_count(gate) > 1 || Arc::strong_count(&gate.places) > 1);
            *sweep_at = (gates.len() * 2).max(SMALLEST_SWEEP);
        }
        gates.entry(key.clone()).or_insert_with(|| Gate::new(self.places)).clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn idle_keys_are_forgotten_and_used_ones_are_kept() {
        let gate = KeyedGate::new(1);
        let held = gate.gate(&0).at_once().unwrap();
        for key in 1..10_000 {
            drop(gate.gate(&key));
        }
        assert!(gate.gates.lock().unwrap().0.len() <= 2 * SMALLEST_SWEEP);
        assert!(gate.gate(&0).at_once().is_none(), "the used key kept its count");
        drop(held);
        assert!(gate.gate(&0).at_once().is_some());
    }
}
