//! The only door to the system clock, so that tests can move time.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// Where the time comes from.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The machine.
    #[default]
    System,
    /// A hand that a test moves; unix milliseconds.
    Fixed(Arc<AtomicI64>),
}

impl Clock {
    /// Unix milliseconds as they were when this process first looked, and the time that has passed since: a clock
    /// that is set to another time meanwhile ends no lease and no token.
    pub fn steady_ms(&self) -> i64 {
        static FIRST: OnceLock<(i64, Instant)> = OnceLock::new();
        match self {
            Clock::System => {
                let (unix_ms, at) = FIRST.get_or_init(|| (self.now_ms(), Instant::now()));
                unix_ms + i64::try_from(at.elapsed().as_millis()).unwrap_or(i64::MAX)
            }
            Clock::Fixed(_) => self.now_ms(),
        }
    }

    /// Unix milliseconds.
    #[expect(clippy::disallowed_methods, reason = "this is the place where the clock is read")]
    pub fn now_ms(&self) -> i64 {
        match self {
            Clock::System => {
                let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
            }
            Clock::Fixed(hand) => hand.load(Ordering::Relaxed),
        }
    }
}
