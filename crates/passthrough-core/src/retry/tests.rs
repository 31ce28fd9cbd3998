use proptest::prelude::*;

use super::*;

/// 2026-11-22T01:00:00Z.
const NOW: i64 = 1_795_309_200_000;

fn after(value: &str) -> Option<i64> {
    retry_after(value.as_bytes(), NOW)
}

#[test]
fn a_wait_is_read_as_seconds_with_or_without_a_fraction() {
    assert_eq!(after("0"), Some(0));
    assert_eq!(after(" 120\t"), Some(120_000));
    assert_eq!(after("0.5"), Some(500));
    assert_eq!(after("1.25"), Some(1_250));
    assert_eq!(after("0.0001"), Some(1), "rounded up");
    assert_eq!(after("007"), Some(7_000));
    assert_eq!(after("2678400"), Some(LONGEST_AFTER_MS));
}

#[test]
fn a_wait_is_read_as_any_date_of_http() {
    for date in
        ["Sun, 22 Nov 2026 01:00:30 GMT", "Sunday, 22-Nov-26 01:00:30 GMT", "Sun Nov 22 01:00:30 2026"]
    {
        assert_eq!(after(date), Some(30_000), "{date}");
    }
    assert_eq!(after("Sun, 22 Nov 2026 00:59:00 GMT"), Some(0), "it has passed");
}

#[test]
fn what_is_no_wait_is_the_same_as_none() {
    for nonsense in [
        "",
        " ",
        "-1",
        "+1",
        "1,5",
        "1e3",
        ".5",
        "5.",
        "1.2.3",
        "0x10",
        "NaN",
        "inf",
        "soon",
        "1 2",
        "١",
        "2678401",
        "99999999999999999999999",
        "Sun, 32 Nov 2026 01:00:30 GMT",
        "Fri, 31 Dec 9999 23:59:59 GMT",
        "2026-11-22T01:00:30Z",
    ] {
        assert_eq!(after(nonsense), None, "{nonsense:?}");
    }
    assert_eq!(retry_after(b"\xff1", NOW), None);
}

fn promises() -> Promises {
    Promises {
        idempotent_methods: vec![Method::PUT],
        idempotency_header: Some(http::HeaderName::from_static("idempotency-key")),
    }
}

#[test]
fn twice_is_harmless_where_the_method_or_the_provider_says_so() {
    for method in [Method::GET, Method::HEAD, Method::OPTIONS] {
        assert_eq!(Promises::default().repeat(&method, |_| false), Repeat::Harmless);
    }
    for method in [Method::POST, Method::PUT, Method::PATCH, Method::DELETE, Method::TRACE] {
        assert_eq!(Promises::default().repeat(&method, |_| true), Repeat::Never);
    }
    assert_eq!(promises().repeat(&Method::PUT, |_| false), Repeat::Harmless);
    assert_eq!(promises().repeat(&Method::POST, |name| name == "idempotency-key"), Repeat::Harmless);
    assert_eq!(promises().repeat(&Method::POST, |_| false), Repeat::Never);
}

#[test]
fn only_what_was_not_written_is_always_sent_again() {
    assert!(mends(Repeat::Never, Trouble::Unsent));
    assert!(!mends(Repeat::Never, Trouble::Broken) && !mends(Repeat::Never, Trouble::Status(503)));
    assert!(mends(Repeat::Harmless, Trouble::Broken));
    for status in 100..600 {
        assert_eq!(
            mends(Repeat::Harmless, Trouble::Status(status)),
            (502..=504).contains(&status),
            "{status}"
        );
    }
}

#[test]
fn an_origin_that_only_fails_is_sent_a_fifth_more() {
    let mut budget = Budget::default();
    let mut retries = 0;
    for _ in 0..1_000 {
        budget.call(20);
        retries += u32::from(budget.take()) + u32::from(budget.take());
    }
    assert!((200..=210).contains(&retries), "{retries}");
    assert!(!budget.is_full());
    (0..60).for_each(|_| budget.call(20));
    assert!(budget.is_full());
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_value_is_a_sane_wait_or_none(value in any::<Vec<u8>>(), now in any::<i64>()) {
        if let Some(wait) = retry_after(&value, now) {
            prop_assert!((0..=LONGEST_AFTER_MS).contains(&wait));
        }
    }

    #[test]
    fn a_decimal_is_rounded_up_to_its_millisecond(millis in 0i64..LONGEST_AFTER_MS, micros in 0i64..1_000) {
        let value = format!("{}.{:03}{micros:03}", millis / 1_000, millis % 1_000);
        prop_assert_eq!(after(&value), Some(millis + i64::from(micros > 0)));
    }

    #[test]
    fn a_pause_is_anything_up_to_its_bound(retry in any::<u8>(), random in any::<u64>()) {
        let bound = [100, 200, 400, 800, 1_600].get(usize::from(retry)).copied().unwrap_or(2_000);
        prop_assert!(pause(retry, random) <= Duration::from_millis(bound));
        prop_assert_eq!(pause(retry, bound), Duration::from_millis(bound));
    }

    #[test]
    fn a_budget_never_gives_more_than_a_fifth_and_its_first_ten(steps in prop::collection::vec(any::<bool>(), 0..500)) {
        let (mut budget, mut calls, mut retries) = (Budget::default(), 0u32, 0u32);
        for call in steps {
            match call {
                true => { budget.call(20); calls += 1; }
                false => retries += u32::from(budget.take()),
            }
            prop_assert!(retries * 5 <= calls + 50);
        }
    }
}
