use proptest::prelude::*;

use super::*;

fn rate(text: &str) -> Rate {
    text.parse().unwrap()
}

/// One key, as a caller of this module keeps it.
struct Key {
    rate: Rate,
    tat: i64,
}

impl Key {
    fn call(&mut self, now: i64) -> bool {
        match decide(self.rate, self.tat, now) {
            Decision::Allow { tat, .. } => {
                self.tat = tat;
                true
            }
            Decision::Refuse { tat, .. } => {
                self.tat = tat;
                false
            }
        }
    }
}

/// The same as a bucket that fills up, in exact fractions: `level` counts calls times interval.
struct Bucket {
    interval: i64,
    full: i64,
    level: i64,
    seen: i64,
}

impl Bucket {
    fn new(rate: Rate) -> Self {
        let (interval, burst) = (rate.interval_us(), i64::from(rate.burst()));
        Self { interval, full: interval * burst, level: interval * burst, seen: 0 }
    }

    fn call(&mut self, now: i64) -> bool {
        self.level = (self.level + (now - self.seen)).min(self.full);
        self.seen = now;
        let enough = self.level >= self.interval;
        if enough {
            self.level -= self.interval;
        }
        enough
    }
}

#[test]
fn a_rate_is_read_and_what_is_none_is_refused() {
    assert_eq!(rate("100/s").interval_us(), 10_000);
    assert_eq!(rate(" 600 / m ").to_string(), "600/m");
    assert_eq!(rate("3/s").interval_us(), 333_334, "rounded up");
    assert_eq!((rate("5/h").burst(), rate("5/h").with_burst(2).burst()), (5, 2));
    assert_eq!(rate("5/h").with_burst(0).burst(), 5);
    for text in ["", "100", "0/s", "-1/s", "1.5/s", "1/d", "1/", "/s", "100001/s", "1000001/h"] {
        assert_eq!(text.parse::<Rate>(), Err(NotARate), "{text}");
    }
}

#[test]
fn an_answer_says_what_is_left_and_when_to_come_again() {
    let rate = rate("2/s");
    let Decision::Allow { tat, remaining, reset_after } = decide(rate, 0, 1_000) else { panic!() };
    assert_eq!((tat, remaining, reset_after), (501_000, 1, 500_000));
    let Decision::Allow { tat, remaining, reset_after } = decide(rate, tat, 1_000) else { panic!() };
    assert_eq!((remaining, reset_after), (0, 1_000_000));
    assert_eq!(
        decide(rate, tat, 101_000),
        Decision::Refuse { tat, retry_after: 400_000, reset_after: 900_000 }
    );
    assert!(matches!(decide(rate, tat, 501_000), Decision::Allow { .. }));
}

#[test]
fn a_call_given_back_was_never_there() {
    let rate = rate("1/m");
    let Decision::Allow { tat, .. } = decide(rate, 0, 5) else { panic!() };
    assert!(matches!(decide(rate, give_back(rate, tat), 5), Decision::Allow { .. }));
}

fn rates() -> impl Strategy<Value = Rate> {
    let period = prop_oneof![Just(Period::Second), Just(Period::Minute), Just(Period::Hour)];
    (1u32..2_000, period, 1u32..50).prop_map(|(count, per, burst)| Rate { count, per, burst })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn it_decides_like_a_bucket(rate in rates(), gaps in prop::collection::vec(0i64..3_000_000, 1..200)) {
        let (mut key, mut bucket, mut now) = (Key { rate, tat: 0 }, Bucket::new(rate), 0);
        for gap in gaps {
            now += gap;
            prop_assert_eq!(key.call(now), bucket.call(now));
        }
    }

    #[test]
    fn never_more_than_a_burst_and_what_the_time_brings(
        rate in rates(),
        gaps in prop::collection::vec(prop_oneof![Just(0), 0i64..5_000_000], 1..300),
    ) {
        let (mut key, mut now, mut allowed) = (Key { rate, tat: 0 }, 1_700_000_000_000_000, Vec::new());
        for gap in gaps {
            now += gap;
            if key.call(now) {
                allowed.push(now);
            }
        }
        for (index, from) in allowed.iter().enumerate() {
            for (count, to) in (1i64..).zip(&allowed[index..]) {
                let brought = (to - from) / rate.interval_us();
                prop_assert!(count <= i64::from(rate.burst()) + brought);
            }
        }
    }

    #[test]
    fn whoever_waits_as_told_is_let_in(rate in rates(), tat in any::<i64>(), now in 0i64..1 << 52) {
        if let Decision::Refuse { tat, retry_after, reset_after } = decide(rate, tat, now) {
            prop_assert!(retry_after > 0 && retry_after <= rate.interval_us());
            let early = decide(rate, tat, now + retry_after - 1);
            prop_assert!(matches!(early, Decision::Refuse { .. }), "not a moment earlier");
            let allowed = matches!(decide(rate, tat, now + retry_after), Decision::Allow { .. });
            prop_assert!(allowed);
            let full = decide(rate, tat, now + reset_after);
            let all = matches!(full, Decision::Allow { remaining, .. } if remaining == rate.burst() - 1);
            prop_assert!(all);
        }
    }

    #[test]
    fn a_clock_set_back_costs_an_interval_at_most(rate in rates(), now in 0i64..1 << 50, back in 0i64..1 << 50) {
        let mut key = Key { rate, tat: 0 };
        while key.call(now) {}
        let then = now - back;
        key.call(then);
        prop_assert!(key.call(then + rate.interval_us()));
    }

    #[test]
    fn no_number_breaks_it(rate in rates(), tat in any::<i64>(), now in any::<i64>()) {
        match decide(rate, tat, now) {
            Decision::Allow { tat, .. } => { give_back(rate, tat); }
            Decision::Refuse { tat, .. } => { give_back(rate, tat); }
        }
    }
}
