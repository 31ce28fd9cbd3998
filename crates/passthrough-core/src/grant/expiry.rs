//! When something that an answer brought ends.

use serde_json::Value;

use crate::json_body::Pointer;
use crate::provider::file::ExpiresUnit;
use crate::provider::grant::Expires;
use crate::retry::http_date_ms;

/// No token is taken to have ended when it was given: it would be asked for all the time.
const SHORTEST_MS: i64 = 1;
/// Nor to live longer: a wrong unit must not mean "for ever".
const LONGEST_MS: i64 = 365 * 86_400_000;
/// A number from here on is a time in milliseconds: as seconds it is in the year 5138.
const SMALLEST_MILLISECONDS: f64 = 100_000_000_000.0;

/// Unix milliseconds after which it is of no use; `None` where nobody knows. What is neither number nor date is the
/// same as nothing.
pub(super) fn ends(expires: &Expires, values: Option<&Value>, now: i64) -> Option<i64> {
    let told_at = || time_ms(expires.at_from.as_ref()?.read(values?)?);
    let told_in = || lifetime_ms(expires.in_from.as_ref()?, expires.unit, values?);
    let lifetime = match told_at() {
        Some(at) => at.saturating_sub(now),
        None => told_in().or(expires.lifetime_ms)?,
    };
    Some(after(now, lifetime))
}

/// `now` plus a lifetime within its bounds.
pub(super) fn after(now: i64, lifetime_ms: i64) -> i64 {
    now.saturating_add(lifetime_ms.clamp(SHORTEST_MS, LONGEST_MS))
}

/// How long it lives, by an answer; may be anything, also negative.
pub(super) fn lifetime_ms(place: &Pointer, unit: ExpiresUnit, values: &Value) -> Option<i64> {
    let number = number(place.read(values)?)? * unit.milliseconds();
    // A cast saturates, and bounds follow.
    Some(number as i64)
}

fn number(value: &Value) -> Option<f64> {
    let number = match value {
        Value::Number(number) => number.as_f64()?,
        Value::String(text) => {
            let text = text.trim();
            let plain = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
            // Rust also reads `inf` and `nan`.
            if text.is_empty() || !text.bytes().all(plain) {
                return None;
            }
            text.parse().ok()?
        }
        Value::Null | Value::Bool(_) | Value::Array(_) | Value::Object(_) => return None,
    };
    number.is_finite().then_some(number)
}

/// Unix milliseconds from unix seconds or milliseconds, RFC 3339, a date of HTTP, or a date and time without a zone,
/// which is taken for UTC.
fn time_ms(value: &Value) -> Option<i64> {
    if let Some(number) = number(value) {
        let milliseconds = if number.abs() < SMALLEST_MILLISECONDS { number * 1000.0 } else { number };
        return Some(milliseconds as i64);
    }
    let text = value.as_str()?.trim();
    let zoned = || text.parse::<jiff::Timestamp>().ok();
    let plain = || {
        let civil: jiff::civil::DateTime = text.parse().ok()?;
        civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    };
    zoned().or_else(plain).map(jiff::Timestamp::as_millisecond).or_else(|| http_date_ms(text))
}
