//! Own limits as arithmetic: the generic cell rate algorithm on integers.
//!
//! Instead of a bucket that fills up, one number is kept for each key: the theoretical arrival time, at which
//! the bucket would be full again. Nothing has to run in the background, and a key whose time has passed is
//! the same as a key that was never seen.
//!
//! Integers only, microseconds only: the same few lines must give the same answers as a script in a shared
//! store, whose numbers are doubles. Unix microseconds stay exact there until the year 2255.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// Microseconds in a second.
const SECOND_US: i64 = 1_000_000;
/// The finest rate: below a microsecond between two calls there is nothing left to count with.
const MAX_PER_SECOND: u32 = 100_000;
/// The most calls at once: with the coarsest rate still far from the end of the numbers.
const MAX_COUNT: u32 = 1_000_000;

/// So many calls in such a time, and how many of them at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rate {
    count: u32,
    per: Period,
    burst: u32,
}

/// What a count of calls is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Period {
    /// `s`
    Second,
    /// `m`
    Minute,
    /// `h`
    Hour,
}

impl Period {
    /// Its length.
    pub fn seconds(self) -> u32 {
        match self {
            Period::Second => 1,
            Period::Minute => 60,
            Period::Hour => 3600,
        }
    }
}

/// A text that is no rate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be such as `100/s`, `600/m` or `5000/h`: 1 to 1000000 calls, at most 100000 in a second")]
pub struct NotARate;

impl FromStr for Rate {
    type Err = NotARate;

    /// `100/s`, `600/m`, `5000/h`. The whole count may come at once; [`Rate::with_burst`] says otherwise.
    fn from_str(text: &str) -> Result<Self, NotARate> {
        let (count, per) = text.split_once('/').ok_or(NotARate)?;
        let per = match per.trim() {
            "s" => Period::Second,
            "m" => Period::Minute,
            "h" => Period::Hour,
            _ => return Err(NotARate),
        };
        let count = count.trim().parse::<u32>().map_err(|_| NotARate)?;
        let too_fast = per == Period::Second && count > MAX_PER_SECOND;
        if count == 0 || count > MAX_COUNT || too_fast {
            return Err(NotARate);
        }
        Ok(Self { count, per, burst: count })
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let per = match self.per {
            Period::Second => 's',
            Period::Minute => 'm',
            Period::Hour => 'h',
        };
        write!(f, "{}/{per}", self.count)
    }
}

impl Rate {
    /// The same rate with another number of calls that may come at once; 0 leaves it as it is.
    #[must_use]
    pub fn with_burst(self, burst: u32) -> Self {
        let burst = if burst == 0 { self.count } else { burst.min(MAX_COUNT) };
        Self { burst, ..self }
    }

    /// How many calls may come at once.
    pub fn burst(self) -> u32 {
        self.burst
    }

    /// Microseconds between two calls at full speed. Rounded up: a limit is never more than was said.
    pub fn interval_us(self) -> i64 {
        let window = i64::from(self.per.seconds()) * SECOND_US;
        let count = i64::from(self.count);
        (window + count - 1) / count
    }
}

/// What is decided about one call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It may go on.
    Allow {
        /// What is to be kept for the key, microseconds.
        tat: i64,
        /// How many more may come at once.
        remaining: u32,
        /// Microseconds until the full burst is there again.
        reset_after: i64,
    },
    /// It may not.
    Refuse {
        /// What is to be kept for the key: the same as before, but after a jump of the clock.
        tat: i64,
        /// Microseconds until one call may come.
        retry_after: i64,
        /// Microseconds until the full burst is there again.
        reset_after: i64,
    },
}

/// Decides about one call at `now`, where `tat` is what was kept for the key (anything up to `now` for one
/// that was never seen). Both are microseconds of the same clock, whichever that is.
///
/// The kept time never lies further ahead than a whole burst, unless the clock went back. Then it is drawn
/// back to there, so that a clock set back by an hour costs one interval of waiting and not the hour.
pub fn decide(rate: Rate, tat: i64, now: i64) -> Decision {
    let interval = rate.interval_us();
    let latest = now.saturating_add(interval.saturating_mul(i64::from(rate.burst)));
    let tat = tat.clamp(now, latest);
    let next = tat.saturating_add(interval);
    if next > latest {
        return Decision::Refuse { tat, retry_after: next - latest, reset_after: tat - now };
    }
    let remaining = u32::try_from((latest - next) / interval).unwrap_or(u32::MAX);
    Decision::Allow { tat: next, remaining, reset_after: next - now }
}

/// What is to be kept after a call was allowed here and then refused elsewhere: as if it had not come.
pub fn give_back(rate: Rate, tat: i64) -> i64 {
    tat.saturating_sub(rate.interval_us())
}

#[cfg(test)]
mod tests;
