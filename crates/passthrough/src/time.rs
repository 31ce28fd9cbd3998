//! The time of this machine, for what is said about it.

use passthrough_server::Clock;
use passthrough_wire::time;

/// Unix milliseconds now.
pub fn now_ms() -> i64 {
    Clock::System.now_ms()
}

/// RFC 3339 of unix milliseconds, as everywhere in the API.
pub fn rfc3339(unix_ms: i64) -> String {
    time::format(unix_ms)
}

/// Unix milliseconds of a point in time (RFC 3339), or of a span before now (`90s`, `15m`, `24h`, `7d`).
pub fn parse(text: &str) -> Result<i64, String> {
    if let Some(unix_ms) = time::parse(text) {
        return Ok(unix_ms);
    }
    span_ms(text).map(|span| now_ms() - span).ok_or_else(|| wrong(text))
}

/// Unix milliseconds of a point in time (RFC 3339), or of a span from now on (`24h`, `30d`).
pub fn parse_coming(text: &str) -> Result<i64, String> {
    if let Some(unix_ms) = time::parse(text) {
        return Ok(unix_ms);
    }
    span_ms(text).map(|span| now_ms() + span).ok_or_else(|| wrong(text))
}

fn wrong(text: &str) -> String {
    format!("`{text}` is no time: write 2027-01-31T12:00:00Z, or a span such as 15m, 24h or 7d")
}

fn span_ms(text: &str) -> Option<i64> {
    let (count, unit) = text.split_at_checked(text.len().saturating_sub(1))?;
    let unit_ms = match unit {
        "s" => 1_000,
        "m" => 60_000,
        "h" => 3_600_000,
        "d" => 86_400_000,
        _ => return None,
    };
    Some(i64::from(count.parse::<u32>().ok()?) * unit_ms)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_point_or_a_span() {
        assert_eq!(parse("2023-11-14T22:13:20.000Z"), Ok(1_700_000_000_000));
        assert!((now_ms() - parse("1h").unwrap() - 3_600_000).abs() < 10_000);
        assert!((parse_coming("30d").unwrap() - now_ms() - 30 * 86_400_000).abs() < 10_000);
        for wrong in ["", "h", "-1h", "1w", "yesterday", "1ü"] {
            assert!(parse(wrong).is_err(), "{wrong:?}");
        }
    }
}
