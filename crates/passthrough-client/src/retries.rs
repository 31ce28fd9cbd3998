//! When a call is tried again, and after how long. Pure: time and failure come in as arguments.

use std::hash::{BuildHasher, RandomState};
use std::str::FromStr;
use std::time::Duration;

use passthrough_wire::error::Sent;

use crate::error::Error;

/// When a call to the server is tried again.
///
/// The server itself repeats what fails between it and the provider. This is about failures between the program and
/// the server, and about what the server could not mend.
///
/// Only what is safe is repeated: calls that change nothing, and others where nothing can have reached the provider
/// ([`Error::sent`]). `Retry-After` is waited for. Where nobody says anything ([`RetryConfig::default`]), a call is
/// tried again for ten seconds at the most, after failures of the socket, too.
///
/// The proxy ([`Connection::proxy`](crate::Connection::proxy)) streams, so it is never repeated here.
///
/// ```
/// use std::time::Duration;
/// use passthrough_client::{Backoff, RetryConfig};
///
/// let patient = RetryConfig::backoff(Backoff { max_elapsed_time: Duration::from_secs(120), ..Backoff::default() })
///     .retry_connection_errors(true)
///     .codes(["429".parse()?, "5XX".parse()?]);
/// assert_ne!(patient, RetryConfig::none());
/// # Ok::<(), passthrough_client::InvalidRetryCode>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct RetryConfig {
    /// `None`: nothing is tried again.
    backoff: Option<Backoff>,
    connection_errors: bool,
    writes: bool,
    codes: Option<Vec<RetryCode>>,
}

/// How long the pauses between tries are.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Backoff {
    /// The pause before the second try.
    pub initial_interval: Duration,
    /// The longest pause, unless the server says `Retry-After`.
    pub max_interval: Duration,
    /// By how much each pause is longer than the one before.
    pub exponent: f64,
    /// From the first try to the last one. Where `Retry-After` is beyond it, the call fails at once.
    pub max_elapsed_time: Duration,
}

/// A status after which a call is tried again: one (`429`) or a class of them (`5XX`).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryCode(Matches);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Matches {
    Status(u16),
    Class(u16),
}

/// A text that names no status and no class of statuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("is neither a status such as 429 nor a class such as 5XX")]
pub struct InvalidRetryCode;

/// What is tried again where no codes are given.
const CODES: [u16; 5] = [429, 500, 502, 503, 504];
/// How much longer a caller waits who said nothing.
const UNASKED: Duration = Duration::from_secs(10);

impl RetryConfig {
    /// Nothing is tried again.
    pub fn none() -> Self {
        Self { backoff: None, connection_errors: false, writes: false, codes: None }
    }

    /// Tried again with these pauses, after answers that say so. Failures of the socket are only repeated with
    /// [`RetryConfig::retry_connection_errors`].
    pub fn backoff(backoff: Backoff) -> Self {
        Self { backoff: Some(backoff), ..Self::none() }
    }

    /// Whether a call is tried again that got no answer: no connection, or one that broke.
    #[must_use]
    pub fn retry_connection_errors(self, retry: bool) -> Self {
        Self { connection_errors: retry, ..self }
    }

    /// Whether a call that changes something is tried again, even where the provider may have got it already: it may
    /// then be done twice.
    #[must_use]
    pub fn repeat_writes(self, repeat: bool) -> Self {
        Self { writes: repeat, ..self }
    }

    /// The statuses of our own failures after which to try again, in place of 429, 500, 502, 503 and 504. Asked for
    /// by name, what the server calls hopeless is repeated, too.
    #[must_use]
    pub fn codes(self, codes: impl IntoIterator<Item = RetryCode>) -> Self {
        Self { codes: Some(codes.into_iter().collect()), ..self }
    }

    /// How long to wait before the next try; `None` where there is none. `safe` says that the call changes nothing;
    /// `tries` were made, the first of them `elapsed` ago.
    pub(crate) fn pause(&self, error: &Error, safe: bool, tries: u32, elapsed: Duration) -> Option<Duration> {
        let backoff = self.backoff?;
        let harmless = safe || self.writes;
        let again = match error {
            Error::Api(answer) => self.wants(answer.status.as_u16()) && self.may_repeat(error, harmless),
            // No word of the server's, as from a gateway in front of it: anything may have happened.
            Error::Stranger { status, .. } => self.wants(status.as_u16()) && harmless,
            Error::Connect { .. } => self.connection_errors,
            Error::Broken { .. } => self.connection_errors && harmless,
            _ => false,
        };
        // Never less than the growing pause: a server that says "at once" must not be asked a thousand times a second.
        let pause = backoff.growing(tries).max(error.retry_after().unwrap_or_default());
        (again && elapsed.saturating_add(pause) <= backoff.max_elapsed_time).then_some(pause)
    }

    fn wants(&self, status: u16) -> bool {
        match &self.codes {
            Some(codes) => codes.iter().any(|code| code.is(status)),
            None => CODES.contains(&status),
        }
    }

    /// The server says what is known.
    fn may_repeat(&self, error: &Error, harmless: bool) -> bool {
        let Some(answer) = error.api() else { return false };
        let asked = self.codes.is_some();
        let nothing_sent = answer.body.sent == Sent::No;
        // `sent` is about the provider alone: the server may have changed something of its own before it failed.
        if nothing_sent && answer.body.retryable {
            return true;
        }
        let reason = answer.body.detail.as_ref().and_then(|detail| detail.get("reason")?.as_str());
        // The provider has answered, and would answer the same again; or the server knows that nothing will change; or the
        // caller's own deadline has passed.
        let hopeless = nothing_sent || matches!(reason, Some("decode" | "too_large" | "total_timeout"));
        harmless && (asked || !hopeless)
    }
}

impl Default for RetryConfig {
    fn default() -> Self {
        let backoff = Backoff { max_elapsed_time: UNASKED, ..Backoff::default() };
        Self::backoff(backoff).retry_connection_errors(true)
    }
}

impl Default for Backoff {
    /// Half a second, then half as long again each time up to a minute, for an hour.
    fn default() -> Self {
        Self {
            initial_interval: Duration::from_millis(500),
            max_interval: Duration::from_secs(60),
            exponent: 1.5,
            max_elapsed_time: Duration::from_secs(3600),
        }
    }
}

impl Backoff {
    /// Between half of the interval and all of it, so that callers who failed together do not come again together.
    fn growing(&self, tries: u32) -> Duration {
        let power = i32::try_from(tries.saturating_sub(1)).unwrap_or(i32::MAX);
        let seconds = self.initial_interval.as_secs_f64() * self.exponent.powi(power);
        let grown = Duration::try_from_secs_f64(seconds).unwrap_or(self.max_interval);
        // Every hasher of this kind is seeded at random, which is all the randomness that is needed here.
        let random = RandomState::new().hash_one(tries) as f64 / u64::MAX as f64;
        grown.min(self.max_interval).mul_f64(0.5 + random / 2.0)
    }
}

impl RetryCode {
    fn is(self, status: u16) -> bool {
        match self.0 {
            Matches::Status(code) => code == status,
            Matches::Class(class) => class == status / 100,
        }
    }
}

impl From<http::StatusCode> for RetryCode {
    fn from(status: http::StatusCode) -> Self {
        Self(Matches::Status(status.as_u16()))
    }
}

impl FromStr for RetryCode {
    type Err = InvalidRetryCode;

    fn from_str(text: &str) -> Result<Self, InvalidRetryCode> {
        let (number, matches): (&str, fn(u16) -> Matches) = match text.strip_suffix(['X', 'x']) {
            Some(class) => (class.strip_suffix(['X', 'x']).ok_or(InvalidRetryCode)?, Matches::Class),
            None => (text, Matches::Status),
        };
        let length = if matches!(matches(0), Matches::Class(_)) { 1 } else { 3 };
        let digits = number.len() == length && number.bytes().all(|byte| byte.is_ascii_digit());
        let number = number.parse().ok().filter(|_| digits).ok_or(InvalidRetryCode)?;
        Ok(Self(matches(number)))
    }
}

#[cfg(test)]
mod tests;
