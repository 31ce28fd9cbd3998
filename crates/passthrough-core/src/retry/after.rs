//! `Retry-After` (RFC 9110 section 10.2.3), as it is really sent: whole seconds, decimals, or a date.

use std::time::{SystemTime, UNIX_EPOCH};

/// Whoever asks for a longer wait than this did not mean it: 31 days, the longest window of any quota.
pub const LONGEST_AFTER_MS: i64 = 31 * 24 * 3_600_000;

/// Milliseconds to wait, from a header's value and the time in unix milliseconds. A date that has passed is
/// 0. Nonsense, a sign, and waits beyond [`LONGEST_AFTER_MS`] are the same as no header.
pub fn retry_after(value: &[u8], now_ms: i64) -> Option<i64> {
    let text = std::str::from_utf8(value).ok()?.trim_matches([' ', '\t']);
    let wait = match decimal_ms(text) {
        Some(wait) => wait,
        None => http_date_ms(text)?.saturating_sub(now_ms).max(0),
    };
    (wait <= LONGEST_AFTER_MS).then_some(wait)
}

/// Seconds with or without a fraction, as milliseconds, rounded up: a moment too early is refused again.
pub(crate) fn decimal_ms(text: &str) -> Option<i64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, "0"));
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    let seconds: i64 = whole.parse().ok()?;
    let thousandths =
        fraction.bytes().chain(*b"000").take(3).fold(0, |sum, digit| sum * 10 + i64::from(digit - b'0'));
    let more = fraction.bytes().skip(3).any(|digit| digit != b'0');
    seconds.checked_mul(1_000)?.checked_add(thousandths + i64::from(more))
}

/// A date of HTTP in any of its three forms (RFC 9110 section 5.6.7), as unix milliseconds.
pub(crate) fn http_date_ms(text: &str) -> Option<i64> {
    let date: SystemTime = httpdate::parse_http_date(text).ok()?;
    let since = date.duration_since(UNIX_EPOCH).ok()?;
    i64::try_from(since.as_millis()).ok()
}
