use proptest::prelude::*;

use super::*;

/// 2026-11-22T01:00:00Z.
const NOW: i64 = 1_795_309_200_000;

fn learnt_by(limits: &Limits, status: u16, headers: &[(&str, &str)]) -> Option<Learnt> {
    limits.learn(status, headers.iter().map(|(name, value)| (name.as_bytes(), value.as_bytes())), || NOW)
}

fn learnt(status: u16, headers: &[(&str, &str)]) -> Option<Learnt> {
    learnt_by(&Limits::default(), status, headers)
}

/// Milliseconds from now until the next call may come.
fn wait(status: u16, headers: &[(&str, &str)]) -> Option<i64> {
    learnt(status, headers)?.not_before.map(|at| at - NOW)
}

#[test]
fn the_usual_headers_are_understood_without_a_file() {
    let expected =
        Learnt { limit: Some(100), remaining: Some(7), resets_at: Some(NOW + 30_000), not_before: None };
    for (prefix, reset) in [
        ("X-RateLimit-", "1795309230"),
        ("x-ratelimit-", "1795309230000"),
        ("RateLimit-", "30"),
        ("X-Rate-Limit-", "Sun, 22 Nov 2026 01:00:30 GMT"),
    ] {
        let headers = [
            (format!("{prefix}Limit"), "100, 100;w=60"),
            (format!("{prefix}Remaining"), "7"),
            (format!("{prefix}Reset"), reset),
        ];
        let headers: Vec<(&str, &str)> =
            headers.iter().map(|(name, value)| (name.as_str(), *value)).collect();
        assert_eq!(learnt(200, &headers), Some(expected), "{prefix}");
    }
    assert_eq!(learnt(200, &[("content-type", "application/json"), ("retry-after", "5")]), None);
}

#[test]
fn a_provider_says_when_to_come_again() {
    assert_eq!(wait(429, &[("retry-after", "2.5")]), Some(2_500));
    assert_eq!(wait(503, &[("Retry-After", "Sun, 22 Nov 2026 01:00:04 GMT")]), Some(4_000));
    assert_eq!(wait(202, &[("retry-after", "2"), ("ratelimit-remaining", "1")]), None, "a job, not a limit");
    assert_eq!(wait(429, &[("retry-after", "0")]), None);
    assert_eq!(wait(200, &[("ratelimit-remaining", "0"), ("ratelimit-reset", "9")]), Some(9_000));
    assert_eq!(wait(200, &[("ratelimit-remaining", "1"), ("ratelimit-reset", "9")]), None);
    assert_eq!(wait(429, &[("ratelimit-remaining", "5"), ("ratelimit-reset", "9")]), None);
    assert_eq!(wait(429, &[("x-ratelimit-reset", "9")]), Some(9_000));
    let both = [("retry-after", "3"), ("ratelimit-remaining", "0"), ("ratelimit-reset", "9")];
    assert_eq!(wait(429, &both), Some(3_000), "the word itself before the window");
    assert_eq!(wait(403, &[("retry-after", "3")]), None, "unless the file says so");
}

#[test]
fn a_file_says_where_to_look() {
    let text = r#"
        name = "T"
        base_url = "https://api.example.com"
        auth.key.grant = "static"
        [limits]
        limit = "x-quota"
        remaining = "x-quota-left"
        reset = "x-quota-reset"
        reset_format = "milliseconds"
        retry_after = "x-wait"
        statuses = [403]
        documented = "5,000 requests an hour"
    "#;
    let limits = crate::provider::Provider::parse("t", text).unwrap().limits;
    let headers = [("X-Quota", "10"), ("X-Quota-Left", "0"), ("X-Quota-Reset", "1500")];
    let expected = Learnt {
        limit: Some(10),
        remaining: Some(0),
        resets_at: Some(NOW + 1_500),
        not_before: Some(NOW + 1_500),
    };
    assert_eq!(learnt_by(&limits, 200, &headers), Some(expected));
    assert_eq!(learnt_by(&limits, 403, &[("x-wait", "4")]).unwrap().not_before, Some(NOW + 4_000));
    assert_eq!(learnt_by(&limits, 429, &[("x-ratelimit-remaining", "4"), ("retry-after", "1")]), None);
    assert_eq!(limits.documented.as_deref(), Some("5,000 requests an hour"));
}

#[test]
fn the_end_of_a_window_is_read_in_each_form() {
    use ResetFormat::*;
    let at = |text: &str, format| resets_at(text.as_bytes(), format, NOW).map(|at| at - NOW);
    for (text, format, expected) in [
        ("30", Seconds, Some(30_000)),
        ("0.25", Seconds, Some(250)),
        ("1500", Milliseconds, Some(1_500)),
        ("1795309230", EpochSeconds, Some(30_000)),
        ("1795309230.123", Auto, Some(30_123)),
        ("1795309230000", EpochMilliseconds, Some(30_000)),
        ("6m0s", Duration, Some(360_000)),
        ("1h2m3.5s", Auto, Some(3_723_500)),
        ("12ms", Auto, Some(12)),
        ("2026-11-22T01:00:30Z", Date, Some(30_000)),
        ("2026-11-22T02:00:30.5+01:00", Auto, Some(30_500)),
        ("30, 60;w=60", Auto, Some(30_000)),
        ("1795309170", Auto, Some(-30_000)),
        ("", Auto, None),
        ("-5", Auto, None),
        ("soon", Auto, None),
        ("5x", Duration, None),
        ("99999999999999999999", Auto, None),
        ("4102444800", Auto, None),
    ] {
        assert_eq!(at(text, format), expected, "{text} {format:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn whatever_a_provider_sends_is_sane_or_nothing(
        status in 100u16..600,
        values in prop::collection::vec(prop_oneof![any::<Vec<u8>>(), "[0-9.,;smhd -]{0,12}".prop_map(String::into_bytes)], 4),
    ) {
        let names = ["x-ratelimit-limit", "ratelimit-remaining", "X-RateLimit-Reset", "Retry-After"];
        let headers = names.iter().zip(&values).map(|(name, value)| (name.as_bytes(), value.as_slice()));
        if let Some(learnt) = Limits::default().learn(status, headers, || NOW) {
            let latest = NOW + crate::retry::LONGEST_AFTER_MS;
            prop_assert!(learnt.resets_at.is_none_or(|at| (0..=latest).contains(&at)));
            prop_assert!(learnt.not_before.is_none_or(|at| (NOW + 1..=latest).contains(&at)));
        }
    }
}
