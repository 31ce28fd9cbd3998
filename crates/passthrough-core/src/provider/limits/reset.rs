//! When a window ends, in the many ways in which APIs say it.

use crate::provider::file::ResetFormat;
use crate::retry::{LONGEST_AFTER_MS, decimal_ms, http_date_ms};

/// A number from here on is a time and not a duration: as seconds it is a day in 1973, and three years long.
const SMALLEST_EPOCH_SECONDS_MS: i64 = 100_000_000_000;
/// A number from here on is a time in milliseconds: as seconds it is in the year 5138.
const SMALLEST_EPOCH_MILLISECONDS_MS: i64 = 100_000_000_000_000;

/// Unix milliseconds of the end of a window. What lies further ahead than any window is long is nonsense.
pub(super) fn resets_at(value: &[u8], format: ResetFormat, now: i64) -> Option<i64> {
    let text = std::str::from_utf8(value).ok()?.trim();
    // `60, 60;w=60` is a list; the comma of a date is none.
    let first = text.split([',', ';']).next().unwrap_or_default().trim_end();
    let number = || decimal_ms(first);
    let from_now = |wait: i64| now.saturating_add(wait);
    let at = match format {
        ResetFormat::Seconds => from_now(number()?),
        ResetFormat::Milliseconds => from_now(number()? / 1_000),
        ResetFormat::EpochSeconds => number()?,
        ResetFormat::EpochMilliseconds => number()? / 1_000,
        ResetFormat::Duration => from_now(duration_ms(first)?),
        ResetFormat::Date => date_ms(text)?,
        ResetFormat::Auto => match number() {
            Some(number) if number >= SMALLEST_EPOCH_MILLISECONDS_MS => number / 1_000,
            Some(number) if number >= SMALLEST_EPOCH_SECONDS_MS => number,
            Some(number) => from_now(number),
            None => duration_ms(first).map(from_now).or_else(|| date_ms(text))?,
        },
    };
    (0..=from_now(LONGEST_AFTER_MS)).contains(&at).then_some(at)
}

fn date_ms(text: &str) -> Option<i64> {
    http_date_ms(text).or_else(|| text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond))
}

/// `1h2m3.5s`, `12ms`: milliseconds, rounded up.
fn duration_ms(text: &str) -> Option<i64> {
    let (mut rest, mut sum) = (text, 0i64);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let (number, unit) = rest.split_at(end);
        let end = unit.find(|c: char| c.is_ascii_digit()).unwrap_or(unit.len());
        let (unit, next) = unit.split_at(end);
        let thousandfold = decimal_ms(number)?;
        let part = match unit {
            "ms" => (thousandfold + 999) / 1_000,
            "s" => thousandfold,
            "m" => thousandfold.checked_mul(60)?,
            "h" => thousandfold.checked_mul(3_600)?,
            "d" => thousandfold.checked_mul(86_400)?,
            _ => return None,
        };
        sum = sum.checked_add(part)?;
        rest = next;
    }
    (!text.is_empty()).then_some(sum)
}
