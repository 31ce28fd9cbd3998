//! What a provider file says about itself: its status, its dates and where each fact was read.

use super::Problem;
use super::file::{ProviderFile, ProviderStatus};
use super::validate::Problems;
use crate::base_url::BaseUrl;

pub(super) fn check(file: &ProviderFile, problems: &mut Problems) {
    if file.deprecated_on.is_some() && file.status != ProviderStatus::Deprecated {
        problems.push(Problem::new("deprecated_on", "goes with `status = \"deprecated\"`"));
    }
    check_date(file.deprecated_on.as_deref(), "deprecated_on", problems);
    // Both become links on pages: `javascript:` in one of them would run there.
    for (at, url) in [("docs", &file.docs), ("website", &file.website)] {
        if url.as_deref().is_some_and(|url| !is_web_address(url)) {
            problems.push(Problem::new(at, "is no http or https URL"));
        }
    }
    for (index, source) in file.sources.iter().enumerate() {
        let at = format!("sources[{index}]");
        match &source.url {
            Some(url) if !is_web_address(url) => {
                problems.push(Problem::new(format!("{at}.url"), "is no http or https URL"));
            }
            None if !source.unverified => {
                let message = "missing: the `url` where it was read, or `unverified = true`";
                problems.push(Problem::new(&at, message));
            }
            Some(_) | None => {}
        }
        check_date(source.read.as_deref(), &format!("{at}.read"), problems);
    }
}

fn check_date(text: Option<&str>, at: &str, problems: &mut Problems) {
    if text.is_some_and(|text| !is_date(text)) {
        problems.push(Problem::new(at, "is no date such as `2026-01-31`"));
    }
}

/// Whether a text is a day of the Gregorian calendar, written `YYYY-MM-DD` (RFC 3339 §5.6, full-date).
fn is_date(text: &str) -> bool {
    let form =
        |(at, byte): (usize, u8)| if matches!(at, 4 | 7) { byte == b'-' } else { byte.is_ascii_digit() };
    if text.len() != 10 || !text.bytes().enumerate().all(form) {
        return false;
    }
    let number = |range: std::ops::Range<usize>| text[range].parse::<u32>().unwrap_or_default();
    let (year, month, day) = (number(0..4), number(5..7), number(8..10));
    let leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    let days = match month {
        2 if leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => 0,
    };
    (1..=days).contains(&day)
}

/// Whether a text is an absolute URL that a browser would open. Unlike a base URL it may have a query and a
/// fragment.
fn is_web_address(text: &str) -> bool {
    let Some((scheme, rest)) = text.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let printable = !rest.chars().any(|c| c.is_whitespace() || c.is_control());
    printable && BaseUrl::parse(&format!("{scheme}://{authority}")).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_is_a_day_that_the_calendar_has() {
        for date in ["2026-01-31", "2024-02-29", "2000-02-29", "2026-12-01"] {
            assert!(is_date(date), "{date}");
        }
        for text in ["2026-13-40", "2026-02-29", "1900-02-29", "2026-04-31", "2026-00-01", "2026-01-00"] {
            assert!(!is_date(text), "{text}");
        }
        for text in ["", "2026-1-1", "31.01.2026", "2026-01-31T", "2026_01_31", "2026-01-3é", "+026-01-31"] {
            assert!(!is_date(text), "{text}");
        }
    }

    #[test]
    fn a_web_address_has_scheme_and_host_and_whatever_comes_behind() {
        for url in ["https://example.com", "http://docs.example.com:8080/a?b=c#d", "https://example.com/#x"] {
            assert!(is_web_address(url), "{url}");
        }
        for text in
            ["", "example.com", "ftp://example.com", "https://", "https:///a", "https://a b", "the docs"]
        {
            assert!(!is_web_address(text), "{text}");
        }
    }
}
