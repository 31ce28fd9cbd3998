//! Providers' own limits: until when a connection may not call, as its provider has said.
//!
//! Learnt from answers and kept in memory, for this process. Only connections that were told to wait are
//! kept; as long as there is none, a call costs one look at a number.

use std::collections::HashMap;
use std::str::FromStr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use passthrough_core::id::ConnectionId;
use passthrough_core::provider::Learnt;

/// How many connections are kept at most.
const MAX_CONNECTIONS: usize = 100_000;

/// What to do where the provider has said "not before": the header `Passthrough-Throttle`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Throttle {
    /// Wait, if it is not for long.
    Wait,
    /// Refuse at once.
    Refuse,
}

impl FromStr for Throttle {
    type Err = ();

    fn from_str(text: &str) -> Result<Self, ()> {
        match text {
            "wait" => Ok(Throttle::Wait),
            "refuse" => Ok(Throttle::Refuse),
            _ => Err(()),
        }
    }
}

/// The connections that were told to wait.
#[derive(Debug, Default)]
pub struct Throttled {
    count: AtomicUsize,
    /// Unix milliseconds.
    until: Mutex<HashMap<ConnectionId, i64>>,
}

impl Throttled {
    /// Takes in what an answer said. One that says nothing of waiting ends it: the provider has answered.
    pub fn learn(&self, connection: ConnectionId, learnt: Option<&Learnt>, now: impl FnOnce() -> i64) {
        match learnt.and_then(|learnt| learnt.not_before) {
            Some(until) => self.keep(connection, until, now()),
            None if self.count.load(Ordering::Relaxed) == 0 => {}
            None => self.forget(connection),
        }
    }

    /// Until when a connection may not call, unix milliseconds.
    pub fn not_before(&self, connection: ConnectionId, now: i64) -> Option<i64> {
        if self.count.load(Ordering::Relaxed) == 0 {
            return None;
        }
        self.lock().get(&connection).copied().filter(|until| *until > now)
    }

    /// How many connections are kept: those that were told to wait, and some whose time has come.
    pub fn count(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }

    fn keep(&self, connection: ConnectionId, until: i64, now: i64) {
        let mut kept = self.lock();
        if kept.len() >= MAX_CONNECTIONS && !kept.contains_key(&connection) {
            kept.retain(|_, until| *until > now);
            if kept.len() >= MAX_CONNECTIONS {
                return;
            }
        }
        kept.insert(connection, until);
        self.count.store(kept.len(), Ordering::Relaxed);
    }

    fn forget(&self, connection: ConnectionId) {
        let mut kept = self.lock();
        kept.remove(&connection);
        self.count.store(kept.len(), Ordering::Relaxed);
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<ConnectionId, i64>> {
        self.until.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(until: i64) -> Learnt {
        Learnt { not_before: Some(until), ..Learnt::default() }
    }

    #[test]
    fn a_connection_waits_until_its_provider_said_or_answers() {
        let throttled = Throttled::default();
        let (one, other) = (ConnectionId::from_parts(1, 1), ConnectionId::from_parts(1, 2));
        throttled.learn(one, Some(&told(2_000)), || 1_000);
        assert_eq!(throttled.not_before(one, 1_999), Some(2_000));
        assert_eq!(throttled.not_before(one, 2_000), None, "the time has come");
        assert_eq!(throttled.not_before(other, 1_000), None);
        throttled.learn(other, Some(&Learnt { remaining: Some(3), ..Learnt::default() }), || 1_000);
        assert_eq!(throttled.not_before(one, 1_000), Some(2_000), "another one's answer changes nothing");
        throttled.learn(one, None, || 1_500);
        assert_eq!((throttled.not_before(one, 1_500), throttled.count()), (None, 0));
    }

    #[test]
    fn connections_do_not_fill_the_memory() {
        let throttled = Throttled::default();
        for number in 0..=MAX_CONNECTIONS as u128 {
            throttled.learn(ConnectionId::from_parts(1, number), Some(&told(2_000)), || 1_000);
        }
        assert_eq!(throttled.count(), MAX_CONNECTIONS);
        throttled.learn(ConnectionId::from_parts(2, 0), Some(&told(9_000)), || 3_000);
        assert_eq!(throttled.count(), 1, "those whose time has come make room");
    }
}
