//! Which requests may be sent once more, after how long, and how often in all.
//!
//! The rules stand between two evils: a caller who fails for a hiccup, and a payment that is made twice. A
//! request is sent again only where nothing of it was written, or where its method or the provider says
//! that twice is the same as once (RFC 9110 section 9.2.2).

use std::time::Duration;

use http::Method;

mod after;
mod budget;

pub use after::{LONGEST_AFTER_MS, retry_after};
pub(crate) use after::{decimal_ms, http_date_ms};
pub use budget::Budget;

/// How often a request is sent again at most.
pub const MAX_RETRIES: u8 = 2;
/// The first pause is up to this long, each that follows up to twice the one before.
const FIRST_PAUSE_MS: u64 = 100;
/// No pause is longer.
const LONGEST_PAUSE_MS: u64 = 2_000;
/// How long a 429 is waited for on the caller's behalf.
pub const LONGEST_WAIT: Duration = Duration::from_secs(5);
/// The largest body that is held for a second time.
pub const MAX_HELD_BODY: usize = 64 * 1024;

/// What an API promises about requests that come twice.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Promises {
    /// Methods that the provider file calls idempotent, besides the safe ones.
    pub idempotent_methods: Vec<Method>,
    /// The header under which the provider knows a request again.
    pub idempotency_header: Option<http::HeaderName>,
}

/// What may become of a request that was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Repeat {
    /// Twice is the same as once.
    Harmless,
    /// It might be done twice.
    Never,
}

impl Promises {
    /// Whether a request may be sent again though the provider may have seen it. `sends` tells whether the
    /// caller gave a header of this name with a value.
    pub fn repeat(&self, method: &Method, sends: impl FnOnce(&http::HeaderName) -> bool) -> Repeat {
        let safe = matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS);
        let promised = || {
            self.idempotent_methods.contains(method) || self.idempotency_header.as_ref().is_some_and(sends)
        };
        if safe || promised() { Repeat::Harmless } else { Repeat::Never }
    }
}

/// Why a request might be sent again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trouble {
    /// Nothing was written.
    Unsent,
    /// The socket broke before the head of an answer.
    Broken,
    /// The provider answered with this status.
    Status(u16),
}

/// Whether this trouble is a reason to send such a request again.
pub fn mends(repeat: Repeat, trouble: Trouble) -> bool {
    match trouble {
        Trouble::Unsent => true,
        Trouble::Broken | Trouble::Status(502..=504) => repeat == Repeat::Harmless,
        Trouble::Status(_) => false,
    }
}

/// How long to wait before sending a request again: anything up to a bound that doubles, so that those who
/// failed together do not come again together ("full jitter"). `retry` counts from 0, `random` is any number.
pub fn pause(retry: u8, random: u64) -> Duration {
    let bound = (FIRST_PAUSE_MS << retry.min(16)).min(LONGEST_PAUSE_MS);
    Duration::from_millis(random % (bound + 1))
}

#[cfg(test)]
mod tests;
