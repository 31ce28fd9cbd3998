//! How an API announces its limits, and what one of its answers says about them.

use http::HeaderName;
use http::header::RETRY_AFTER;

use self::reset::resets_at;
use super::Problem;
use super::file::{LimitsFile, ResetFormat};
use super::validate::Problems;
use crate::retry::retry_after;

mod reset;

/// What is looked for where a file names nothing: what most APIs send, each with and without `x-`.
const LIMIT: [&str; 3] = ["x-ratelimit-limit", "ratelimit-limit", "x-rate-limit-limit"];
const REMAINING: [&str; 3] = ["x-ratelimit-remaining", "ratelimit-remaining", "x-rate-limit-remaining"];
const RESET: [&str; 3] = ["x-ratelimit-reset", "ratelimit-reset", "x-rate-limit-reset"];

/// Where an API's answers announce its limits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Limits {
    limit: Vec<HeaderName>,
    remaining: Vec<HeaderName>,
    reset: Vec<HeaderName>,
    reset_format: ResetFormat,
    retry_after: HeaderName,
    /// Statuses besides 429 and 503 that may mean "too many", where a header says so.
    statuses: Vec<u16>,
    lengths: Lengths,
    /// What the API's documentation says, for people.
    pub documented: Option<String>,
}

/// What an answer says about its API's limits. Times are unix milliseconds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Learnt {
    /// Calls in a window.
    pub limit: Option<u64>,
    /// Calls left in this window.
    pub remaining: Option<u64>,
    /// When the window ends.
    pub resets_at: Option<i64>,
    /// When the next call may come, where the provider will refuse any before.
    pub not_before: Option<i64>,
}

/// The lengths of the names that are looked for, a bit for each: most headers of most answers are ruled out by
/// that alone, without ten comparisons.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Lengths(u64);

impl Lengths {
    fn bit(length: usize) -> u64 {
        1 << length.min(63)
    }

    fn with(self, name: &HeaderName) -> Self {
        Self(self.0 | Self::bit(name.as_str().len()))
    }

    fn may_be(self, name: &[u8]) -> bool {
        self.0 & Self::bit(name.len()) != 0
    }
}

impl Default for Limits {
    /// The headers that most APIs send.
    fn default() -> Self {
        let names = |names: [&'static str; 3]| names.map(HeaderName::from_static).to_vec();
        let limits = Self {
            limit: names(LIMIT),
            remaining: names(REMAINING),
            reset: names(RESET),
            reset_format: ResetFormat::Auto,
            retry_after: RETRY_AFTER,
            statuses: Vec::new(),
            lengths: Lengths::default(),
            documented: None,
        };
        limits.measured()
    }
}

impl Limits {
    /// Checks what a file says. What it does not name is looked for under the usual names.
    pub(super) fn checked(file: &LimitsFile, problems: &mut Problems) -> Self {
        let mut name = |text: &Option<String>, key: &str| {
            let text = text.as_deref()?;
            let parsed = HeaderName::from_bytes(text.as_bytes()).ok();
            if parsed.is_none() {
                problems.push(Problem::new(format!("limits.{key}"), "is no header name"));
            }
            parsed
        };
        let usual = Self::default();
        let limit = name(&file.limit, "limit").map_or(usual.limit, |name| vec![name]);
        let remaining = name(&file.remaining, "remaining").map_or(usual.remaining, |name| vec![name]);
        let reset = name(&file.reset, "reset").map_or(usual.reset, |name| vec![name]);
        let retry_after = name(&file.retry_after, "retry_after").unwrap_or(RETRY_AFTER);
        for (index, status) in file.statuses.iter().enumerate() {
            if !(400..=599).contains(status) {
                let at = format!("limits.statuses[{index}]");
                problems.push(Problem::new(at, "is no status of an error: 400 to 599"));
            }
        }
        let limits = Self {
            limit,
            remaining,
            reset,
            reset_format: file.reset_format,
            retry_after,
            statuses: file.statuses.clone(),
            lengths: Lengths::default(),
            documented: file.documented.clone(),
        };
        limits.measured()
    }

    /// With the lengths of its names.
    fn measured(mut self) -> Self {
        let several = self.limit.iter().chain(&self.remaining).chain(&self.reset);
        self.lengths = several.chain([&self.retry_after]).fold(Lengths::default(), Lengths::with);
        self
    }

    /// What an answer says about the limits; `None` where it says nothing. Names may be spelled in any case.
    /// Of a header that stands twice the first counts. `now` gives unix milliseconds.
    pub fn learn<'a>(
        &self,
        status: u16,
        headers: impl Iterator<Item = (&'a [u8], &'a [u8])>,
        now: impl FnOnce() -> i64,
    ) -> Option<Learnt> {
        let (mut limit, mut remaining, mut reset, mut after) = (None, None, None, None);
        for (name, value) in headers.filter(|(name, _)| self.lengths.may_be(name)) {
            let is = |known: &HeaderName| name.eq_ignore_ascii_case(known.as_str().as_bytes());
            if is(&self.retry_after) {
                after.get_or_insert(value);
            } else if self.remaining.iter().any(is) {
                remaining.get_or_insert(value);
            } else if self.limit.iter().any(is) {
                limit.get_or_insert(value);
            } else if self.reset.iter().any(is) {
                reset.get_or_insert(value);
            }
        }
        // Most answers say nothing, and the clock is read for the others only.
        limit.or(remaining).or(reset).or(after)?;
        let now = now();
        let mut learnt = Learnt {
            limit: limit.and_then(count),
            remaining: remaining.and_then(count),
            resets_at: reset.and_then(|value| resets_at(value, self.reset_format, now)),
            not_before: None,
        };
        let after = after.and_then(|value| retry_after(value, now));
        learnt.not_before = self.not_before(status, &learnt, after, now);
        (learnt != Learnt::default()).then_some(learnt)
    }

    /// `Retry-After` speaks of limits only beside a status that does: with a 202 it says when to look again.
    fn not_before(&self, status: u16, learnt: &Learnt, after: Option<i64>, now: i64) -> Option<i64> {
        let refused = matches!(status, 429 | 503) || self.statuses.contains(&status);
        let used_up = learnt.remaining == Some(0) || (status == 429 && learnt.remaining.is_none());
        let told = after.filter(|_| refused).map(|wait| now.saturating_add(wait));
        let reset = learnt.resets_at.filter(|_| used_up);
        told.or(reset).filter(|at| *at > now)
    }
}

/// A count, of which only the first number is read: `100, 100;w=60` is 100.
fn count(value: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(value).ok()?.trim_start();
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text.get(..end)?.parse().ok()
}

#[cfg(test)]
mod tests;
