//! Times on the wire: RFC 3339 with milliseconds, UTC.

use jiff::Timestamp;
use jiff::fmt::temporal::DateTimePrinter;

const PRINTER: DateTimePrinter = DateTimePrinter::new().precision(Some(3));

/// Unix milliseconds as they are written. A time that no calendar holds becomes the epoch.
pub fn format(unix_ms: i64) -> String {
    PRINTER.timestamp_to_string(&Timestamp::from_millisecond(unix_ms).unwrap_or(Timestamp::UNIX_EPOCH))
}

/// Unix milliseconds of an RFC 3339 text.
pub fn parse(text: &str) -> Option<i64> {
    text.parse::<Timestamp>().ok().map(Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_have_three_digits_and_a_z() {
        assert_eq!(format(1_700_000_000_000), "2023-11-14T22:13:20.000Z");
        assert_eq!(parse("2023-11-14T23:13:20.5+01:00"), Some(1_700_000_000_500));
        assert_eq!(parse("yesterday"), None);
    }
}
