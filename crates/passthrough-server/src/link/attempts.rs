//! How often something may be tried at one link: it is no place to guess passwords at, and each click on a consent may
//! be calls to the provider.
//!
//! Counted in this process alone; several count each for itself.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use passthrough_core::id::LinkSessionId;
use tokio::time::Instant;

use super::LIFETIME_MS;

/// So many are free.
const FREE: u32 = 5;
/// So many there are in all.
const MOST: u32 = 20;
/// From one to the next, once they are no longer free.
const APART: Duration = Duration::from_secs(1);
/// Sessions to remember; a look through them comes this often.
const SWEEP_EVERY: usize = 1_024;

/// The attempts at all links.
#[derive(Debug, Default)]
pub struct Attempts(Mutex<HashMap<LinkSessionId, Tried>>);

#[derive(Debug)]
struct Tried {
    first: Instant,
    count: u32,
    /// When the latest one was let through, or will be.
    latest: Instant,
}

impl Attempts {
    /// Counts one; gives when it may be made, or `None` where there have been too many.
    pub fn next(&self, session: LinkSessionId, now: Instant) -> Option<Instant> {
        let mut all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() % SWEEP_EVERY == SWEEP_EVERY - 1 {
            let lifetime = Duration::from_millis(LIFETIME_MS.unsigned_abs());
            all.retain(|_, tried| now.saturating_duration_since(tried.first) < lifetime);
        }
        let tried = all.entry(session).or_insert(Tried { first: now, count: 0, latest: now });
        if tried.count >= MOST {
            return None;
        }
        tried.count += 1;
        tried.latest = if tried.count <= FREE { now } else { now.max(tried.latest + APART) };
        Some(tried.latest)
    }
}

#[cfg(test)]
mod tests {
    use ulid::Ulid;

    use super::*;

    #[test]
    fn the_first_attempts_are_free_then_they_are_apart_and_then_there_are_none() {
        let (attempts, now) = (Attempts::default(), Instant::now());
        let session = LinkSessionId::from(Ulid::default());
        let waits: Vec<u64> =
            std::iter::from_fn(|| Some((attempts.next(session, now)? - now).as_secs())).collect();
        assert_eq!(waits[..7], [0, 0, 0, 0, 0, 1, 2]);
        assert_eq!((waits.len(), waits.last()), (20, Some(&15)));
        // A person who takes their time waits for nothing.
        let other = LinkSessionId::from(Ulid::from_parts(1, 1));
        for minute in 0..20 {
            let later = now + Duration::from_secs(60 * minute);
            assert_eq!(attempts.next(other, later), Some(later));
        }
        assert_eq!(attempts.next(other, now + Duration::from_secs(2_000)), None);
    }
}
