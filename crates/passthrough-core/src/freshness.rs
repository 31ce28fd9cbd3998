//! When a token is due for a refresh. A decision without IO: what is done about it is not known here.

use crate::connection::Obtained;

/// Ahead of its end by at least this much, and at most that, a token is refreshed.
const AHEAD_MIN_MS: i64 = 60_000;
const AHEAD_MAX_MS: i64 = 300_000;

/// A token that was good when it was given is used for at least this long, whatever was said of its end: less would
/// refresh without end.
const LIFETIME_MIN_MS: i64 = 30_000;
/// An answer's word on how long a token lives is believed up to this; more is a mistake.
pub const LIFETIME_MAX_MS: i64 = 365 * 86_400_000;

/// When to do something about what a grant yielded, in unix milliseconds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Schedule {
    /// From then on it is refreshed before it is used; `i64::MAX` where nobody knows when it ends.
    pub refresh_at: i64,
    /// From then on it is of no use.
    pub expires_at: i64,
    /// From then on the refresh token is in danger, and is used even if nobody calls.
    pub due_at: Option<i64>,
}

impl Schedule {
    /// For what never ends.
    pub const NEVER: Schedule = Schedule { refresh_at: i64::MAX, expires_at: i64::MAX, due_at: None };

    /// For what a grant yielded. `luck` is evenly spread: with it, tokens that were obtained in the same moment are
    /// not refreshed in the same moment.
    pub fn of(obtained: &Obtained, refresh_lifetime_ms: Option<i64>, luck: u32) -> Self {
        let half_life = |end: i64| obtained.at + (end - obtained.at) / 2;
        let refresh_end = obtained.refresh_expires_at.or_else(|| Some(obtained.at + refresh_lifetime_ms?));
        let due_at = refresh_end.map(half_life);
        let Some(expires_at) = obtained.expires_at else {
            return Self { due_at, ..Self::NEVER };
        };
        let told = (expires_at - obtained.at).max(0);
        let lifetime = if told == 0 { 0 } else { told.max(LIFETIME_MIN_MS) };
        let expires_at = if told == 0 { expires_at } else { obtained.at + lifetime };
        let ahead = (lifetime / 5).clamp(AHEAD_MIN_MS, AHEAD_MAX_MS);
        // A token that lives for a minute would otherwise be due for as long as it lives.
        let ahead = ahead.min(lifetime / 2);
        let spread = i64::from(luck % 1_000) * (ahead / 5) / 1_000;
        Self { refresh_at: expires_at - ahead - spread, expires_at, due_at }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(lifetime_ms: i64, luck: u32) -> i64 {
        let obtained = Obtained { at: 1_000, expires_at: Some(1_000 + lifetime_ms), ..Obtained::default() };
        let schedule = Schedule::of(&obtained, None, luck);
        schedule.expires_at - schedule.refresh_at
    }

    #[test]
    fn a_token_is_refreshed_ahead_of_its_end_but_not_as_long_as_it_lives() {
        assert_eq!(of(3_600_000, 0), 300_000);
        assert_eq!(of(600_000, 0), 120_000);
        assert_eq!(of(240_000, 0), 60_000);
        assert_eq!(of(60_000, 0), 30_000);
        assert_eq!(of(30_000, 0), 15_000);
        assert_eq!(of(0, 0), 0);
        // Eight seconds are told as they are, and planned as thirty.
        assert_eq!(of(8_000, 0), 15_000);
        assert_eq!(of(3_600_000, 500), 330_000);
        assert!((of(3_600_000, 999)) < 360_000);
    }

    #[test]
    fn a_refresh_token_is_used_at_half_its_life() {
        let obtained = Obtained { at: 1_000, ..Obtained::default() };
        assert_eq!(Schedule::of(&obtained, None, 0), Schedule::NEVER);
        assert_eq!(Schedule::of(&obtained, Some(10_000), 0).due_at, Some(6_000));
        let told = Obtained { refresh_expires_at: Some(3_000), ..obtained };
        assert_eq!(Schedule::of(&told, Some(10_000), 0).due_at, Some(2_000));
    }
}
