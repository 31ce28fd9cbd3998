//! The only door to the system clock, so that tests can move time.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

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
