//! The only door to the system clock, so that tests can move time.

use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

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
        static FIRST: OnceLock<(Duration, Instant)> = OnceLock::new();
        match self {
            Clock::System => {
                let (since, at) = FIRST.get_or_init(|| (since_1970(), Instant::now()));
                // Whole milliseconds of the sum: of each they would be up to two behind `now_ms`.
                milliseconds(*since + at.elapsed())
            }
            Clock::Fixed(_) => self.now_ms(),
        }
    }

    /// Unix milliseconds.
    pub fn now_ms(&self) -> i64 {
        match self {
            Clock::System => milliseconds(since_1970()),
            Clock::Fixed(hand) => hand.load(Ordering::Relaxed),
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the place where the clock is read")]
fn since_1970() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}

/// Whole milliseconds of a duration, in the type that databases have.
pub(crate) fn milliseconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}
