//! Tokens that were accepted a moment ago, so that a busy caller's are not parsed, hashed and looked up with
//! every request.
//!
//! An entry stands in for the whole check for a second at most, and for no longer than anything stays as it was:
//! every change makes all of them worthless. Each worker has its own, few and in fixed places, so that nobody
//! waits and nothing grows.

use std::fmt;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use aws_lc_rs::constant_time;
use foldhash::quality::RandomState;
use secrecy::{ExposeSecret, SecretString};

use crate::upstream::worker::{self, WORKERS};

/// How long an entry stands in, milliseconds: the cache behind it must still see that its own is used.
const LASTS_MS: i64 = 1_000;

/// What tokens stood for a moment ago.
pub(super) struct Lately<V> {
    /// Secret, so that nobody can choose tokens that drive another's out of its place.
    hasher: RandomState,
    /// Counts the changes.
    changes: AtomicU64,
    /// How many entries a worker has. What finds its place taken takes it.
    places: usize,
    workers: Box<[Mutex<Places<V>>]>,
}

/// The entries of one worker, none before the first.
type Places<V> = Vec<Option<Entry<V>>>;

/// The state of things when a check began.
#[derive(Debug, Clone, Copy)]
pub(super) struct AsOf(u64);

struct Entry<V> {
    token: SecretString,
    as_of: u64,
    /// Unix milliseconds.
    from: i64,
    until: i64,
    value: V,
}

impl<V> fmt::Debug for Lately<V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Lately")
    }
}

impl<V: Clone> Lately<V> {
    pub(super) fn new(places: usize) -> Self {
        Self {
            hasher: RandomState::default(),
            changes: AtomicU64::new(0),
            places,
            workers: (0..WORKERS).map(|_| Mutex::default()).collect(),
        }
    }

    fn here(&self) -> MutexGuard<'_, Places<V>> {
        self.workers[worker::current()].lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn place(&self, token: &SecretString) -> usize {
        usize::try_from(self.hasher.hash_one(token.expose_secret()) % self.places as u64).unwrap_or_default()
    }

    /// What a token stands for, if that is known for certain.
    pub(super) fn recall(&self, token: &SecretString, now_ms: i64) -> Option<V> {
        let place = self.place(token);
        let entries = self.here();
        let entry = entries.get(place)?.as_ref()?;
        let is_fresh = entry.as_of == self.changes.load(Ordering::SeqCst)
            // A clock that was set back must not make it last.
            && (entry.from..entry.until).contains(&now_ms);
        // How much of a token was right must not be told by the time that it took.
        let is_it = constant_time::verify_slices_are_equal(
            entry.token.expose_secret().as_bytes(),
            token.expose_secret().as_bytes(),
        )
        .is_ok();
        (is_fresh && is_it).then(|| entry.value.clone())
    }

    /// To be asked before anything is read of which [`Lately::remember`] is to be told.
    pub(super) fn as_of(&self) -> AsOf {
        AsOf(self.changes.load(Ordering::SeqCst))
    }

    /// Remembers what a token was found to stand for, `until` then at the latest.
    pub(super) fn remember(
        &self,
        token: &SecretString,
        as_of: AsOf,
        now_ms: i64,
        until: Option<i64>,
        value: V,
    ) {
        let until = until.unwrap_or(i64::MAX).min(now_ms.saturating_add(LASTS_MS));
        let entry = Entry { token: token.clone(), as_of: as_of.0, from: now_ms, until, value };
        let place = self.place(token);
        let mut entries = self.here();
        if entries.is_empty() {
            entries.resize_with(self.places, || None);
        }
        if let Some(taken) = entries.get_mut(place) {
            *taken = Some(entry);
        }
    }

    /// Something has changed, and whoever reads now reads it so.
    pub(super) fn changed(&self) {
        self.changes.fetch_add(1, Ordering::SeqCst);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(text: &str) -> SecretString {
        text.into()
    }

    #[test]
    fn a_token_is_recalled_for_a_moment_and_no_other_is() {
        let lately = Lately::new(64);
        let as_of = lately.as_of();
        lately.remember(&text("one"), as_of, 5_000, None, 1);
        assert_eq!(lately.recall(&text("one"), 5_000), Some(1));
        assert_eq!(lately.recall(&text("one"), 5_000 + LASTS_MS - 1), Some(1));
        assert_eq!(lately.recall(&text("one"), 5_000 + LASTS_MS), None);
        assert_eq!(lately.recall(&text("one"), 4_999), None, "the clock was set back");
        for other in ["on", "onf", "", "one "] {
            assert_eq!(lately.recall(&text(other), 5_000), None);
        }
    }

    #[test]
    fn it_does_not_outlast_what_it_stands_for() {
        let lately = Lately::new(64);
        lately.remember(&text("key"), lately.as_of(), 0, Some(10), 1);
        assert_eq!((lately.recall(&text("key"), 9), lately.recall(&text("key"), 10)), (Some(1), None));
    }

    #[test]
    fn nothing_outlasts_a_change_nor_does_what_was_read_before_it() {
        let lately = Lately::new(64);
        lately.remember(&text("key"), lately.as_of(), 0, None, 1);
        let before = lately.as_of();
        lately.changed();
        assert_eq!(lately.recall(&text("key"), 0), None);
        lately.remember(&text("key"), before, 0, None, 1);
        assert_eq!(lately.recall(&text("key"), 0), None, "read before the change, told after it");
        lately.remember(&text("key"), lately.as_of(), 0, None, 2);
        assert_eq!(lately.recall(&text("key"), 0), Some(2));
    }

    #[test]
    fn a_place_goes_to_who_came_last() {
        let lately = Lately::new(64);
        for number in 0..10_000u32 {
            let token = text(&number.to_string());
            lately.remember(&token, lately.as_of(), 0, None, number);
            assert_eq!(lately.recall(&token, 0), Some(number));
        }
        assert_eq!(lately.here().len(), 64);
    }
}
