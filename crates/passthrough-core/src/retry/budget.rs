//! The share of its calls that an origin may be sent again: without one, three callers' retries make nine
//! requests of three just when the origin is weakest.

/// What a retry takes. A call adds as much of it as the percentage is.
const RETRY: u32 = 100;
/// What is there at first and at most: ten retries, so that who calls seldom is not left without.
const FULL: u32 = 1_000;

/// One origin's budget.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Budget(u32);

impl Default for Budget {
    /// Full.
    fn default() -> Self {
        Self(FULL)
    }
}

impl Budget {
    /// A call is made, a first one: it adds this share of a retry.
    pub fn call(&mut self, percent: u32) {
        self.0 = self.0.saturating_add(percent).min(FULL);
    }

    /// Takes a retry out of it; whether there was one.
    pub fn take(&mut self) -> bool {
        let enough = self.0 >= RETRY;
        if enough {
            self.0 -= RETRY;
        }
        enough
    }

    /// Whether it is as new, so that it need not be kept.
    pub fn is_full(&self) -> bool {
        self.0 == FULL
    }
}
