//! The `Date` of answers that bring none along (RFC 9110 §6.6.1).

use std::cell::RefCell;

use bytes::Bytes;

const SECONDS_OF_A_DAY: i64 = 86_400;
const DAYS: [&str; 7] = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"];
const MONTHS: [&str; 12] =
    ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];

thread_local! {
    /// The last second that was asked for, and its text.
    static LAST: RefCell<(i64, Bytes)> = const { RefCell::new((i64::MIN, Bytes::new())) };
}

/// The date of a moment, which is written once a second and thread.
pub(super) fn date(unix_ms: i64) -> Bytes {
    let second = unix_ms.div_euclid(1000);
    LAST.with_borrow_mut(|last| {
        if last.0 != second {
            *last = (second, Bytes::from(written(second)));
        }
        last.1.clone()
    })
}

/// A moment in the form of RFC 9110 §5.6.7.
fn written(second: i64) -> String {
    let (day, time) = (second.div_euclid(SECONDS_OF_A_DAY), second.rem_euclid(SECONDS_OF_A_DAY));
    let (year, month, of_month) = civil(day);
    let (weekday, month) = (DAYS[index(day.rem_euclid(7))], MONTHS[index(month - 1)]);
    let (hour, minute, second) = (time / 3600, time / 60 % 60, time % 60);
    format!("{weekday}, {of_month:02} {month} {year:04} {hour:02}:{minute:02}:{second:02} GMT")
}

fn index(number: i64) -> usize {
    usize::try_from(number).unwrap_or_default()
}

/// Year, month and day of a day since 1970, counted in eras of 400 years that begin in March, so that the
/// leap day is the last of a year.
fn civil(day: i64) -> (i64, i64, i64) {
    const DAYS_OF_ERA: i64 = 146_097;
    let since_0000_03_01 = day + 719_468;
    let (era, day) = (since_0000_03_01.div_euclid(DAYS_OF_ERA), since_0000_03_01.rem_euclid(DAYS_OF_ERA));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let of_year = day - (365 * year + year / 4 - year / 100);
    let month = (5 * of_year + 2) / 153;
    let of_month = of_year - (153 * month + 2) / 5 + 1;
    let (month, carry) = if month < 10 { (month + 3, 0) } else { (month - 9, 1) };
    (year + era * 400 + carry, month, of_month)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dates_are_those_of_the_calendar() {
        assert_eq!(written(784_111_777), "Sun, 06 Nov 1994 08:49:37 GMT");
        assert_eq!(written(0), "Thu, 01 Jan 1970 00:00:00 GMT");
        assert_eq!(written(951_782_400), "Tue, 29 Feb 2000 00:00:00 GMT");
        assert_eq!(written(4_107_542_399), "Sun, 28 Feb 2100 23:59:59 GMT");
        assert_eq!(written(4_107_542_400), "Mon, 01 Mar 2100 00:00:00 GMT");
    }

    #[test]
    fn a_second_is_written_once() {
        let first = date(1_000);
        assert_eq!(date(1_999).as_ptr(), first.as_ptr());
        assert_ne!(date(2_000), first);
    }
}
