use proptest::prelude::*;

use super::*;

const RULES: Rules = Rules { failures: 5, first_pause_ms: 5_000, longest_pause_ms: 60_000 };

fn opened(now: i64) -> Breaker {
    let mut breaker = Breaker::default();
    for _ in 0..RULES.failures {
        breaker.ended(Admission::Pass, Outcome::Failed, now, &RULES);
    }
    breaker
}

fn probe(breaker: &mut Breaker, now: i64) -> Admission {
    let admission = breaker.admit(now);
    assert!(matches!(admission, Admission::Probe(_)), "{admission:?}");
    admission
}

#[test]
fn five_failures_in_a_row_open_it_and_any_answer_breaks_the_row() {
    let mut breaker = Breaker::default();
    for status in [502, 503, 504, 503, 401, 502, 503, 504, 502, 500, 503, 503, 503, 503] {
        breaker.ended(Admission::Pass, Outcome::of_status(status), 0, &RULES);
        assert_eq!(breaker.admit(0), Admission::Pass, "after {status}");
    }
    breaker.ended(Admission::Pass, Outcome::Unknown, 0, &RULES);
    breaker.ended(Admission::Pass, Outcome::Failed, 0, &RULES);
    assert_eq!(breaker.admit(1_000), Admission::Refuse { retry_after_ms: 4_000 });
    assert_eq!(breaker.condition(), Condition::Open);
}

#[test]
fn the_rules_say_when_it_opens_and_for_how_long() {
    assert_eq!(Rules::default(), RULES);
    let mut breaker = Breaker::default();
    let never = Rules { failures: 0, ..RULES };
    (0..100).for_each(|_| breaker.ended(Admission::Pass, Outcome::Failed, 0, &never));
    assert_eq!(breaker.condition(), Condition::Closed);
    let (mut breaker, once) =
        (Breaker::default(), Rules { failures: 1, first_pause_ms: 10, longest_pause_ms: 15 });
    breaker.ended(Admission::Pass, Outcome::Failed, 0, &once);
    let probe = breaker.admit(10);
    breaker.ended(probe, Outcome::Failed, 10, &once);
    assert_eq!(breaker.admit(10), Admission::Refuse { retry_after_ms: 15 });
}

#[test]
fn statuses_of_one_caller_are_answers() {
    for status in [200, 101, 301, 400, 401, 403, 404, 408, 429, 499, 500, 501, 505, 599] {
        assert_eq!(Outcome::of_status(status), Outcome::Answered, "{status}");
    }
}

#[test]
fn the_pause_doubles_up_to_a_minute_and_an_answer_closes() {
    let mut breaker = opened(0);
    let mut now = 0;
    for pause in [5_000, 10_000, 20_000, 40_000, 60_000, 60_000] {
        assert_eq!(breaker.admit(now + pause - 1), Admission::Refuse { retry_after_ms: 1 });
        now += pause;
        let probe = probe(&mut breaker, now);
        breaker.ended(probe, Outcome::Failed, now, &RULES);
    }
    let probe = probe(&mut breaker, now + 60_000);
    assert_eq!(breaker.condition(), Condition::HalfOpen);
    breaker.ended(probe, Outcome::of_status(429), now + 60_001, &RULES);
    assert!(breaker.is_at_rest());
}

#[test]
fn one_probe_is_out_at_a_time_and_one_that_is_given_up_makes_room_at_once() {
    let mut breaker = opened(0);
    let first = probe(&mut breaker, 5_000);
    assert_eq!(breaker.admit(5_000), Admission::Refuse { retry_after_ms: PROBING_MS });
    breaker.ended(first, Outcome::Unknown, 5_100, &RULES);
    let second = probe(&mut breaker, 5_100);
    breaker.ended(first, Outcome::Answered, 5_200, &RULES);
    assert_eq!(breaker.condition(), Condition::HalfOpen, "a probe ends once");
    breaker.ended(second, Outcome::Failed, 5_200, &RULES);
    assert_eq!(breaker.admit(15_199), Admission::Refuse { retry_after_ms: 1 }, "the pause doubled");
}

#[test]
fn what_began_before_it_opened_says_nothing_now() {
    let mut breaker = opened(0);
    breaker.ended(Admission::Pass, Outcome::Answered, 100, &RULES);
    assert_eq!(breaker.condition(), Condition::Open);
    let probe = probe(&mut breaker, 5_000);
    breaker.ended(Admission::Pass, Outcome::Failed, 5_001, &RULES);
    breaker.ended(probe, Outcome::Answered, 5_002, &RULES);
    assert!(breaker.is_at_rest());
}

#[derive(Debug, Clone)]
enum Step {
    Call,
    End(usize, Outcome),
    Wait(i64),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let outcome = prop_oneof![
        4 => Just(Outcome::Failed),
        1 => Just(Outcome::Answered),
        1 => Just(Outcome::Unknown)
    ];
    let step = prop_oneof![
        4 => Just(Step::Call),
        4 => (any::<usize>(), outcome).prop_map(|(which, outcome)| Step::End(which, outcome)),
        1 => (0i64..30_000).prop_map(Step::Wait)
    ];
    prop::collection::vec(step, 1..400)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn whatever_happens_it_lets_one_probe_out_and_never_locks_up(steps in steps()) {
        let (mut breaker, mut now, mut out) = (Breaker::default(), 0, Vec::new());
        for step in steps {
            match step {
                Step::Wait(ms) => now += ms,
                Step::Call => {
                    let before = breaker.condition();
                    let admission = breaker.admit(now);
                    match admission {
                        Admission::Pass => prop_assert_eq!(before, Condition::Closed),
                        Admission::Probe(_) => {
                            prop_assert!(!out.iter().any(|a| matches!(a, Admission::Probe(_))));
                        }
                        Admission::Refuse { retry_after_ms } => {
                            prop_assert!((1..=RULES.longest_pause_ms).contains(&retry_after_ms));
                            prop_assert!(before != Condition::Closed);
                            if before == Condition::Open {
                                let mut later = breaker.clone();
                                let again = later.admit(now + retry_after_ms);
                                prop_assert!(matches!(again, Admission::Probe(_)));
                            }
                        }
                    }
                    if !matches!(admission, Admission::Refuse { .. }) {
                        out.push(admission);
                    }
                }
                Step::End(which, outcome) if !out.is_empty() => {
                    let admission = out.swap_remove(which % out.len());
                    breaker.ended(admission, outcome, now, &RULES);
                }
                Step::End(..) => {}
            }
            if breaker.condition() == Condition::HalfOpen {
                let probes = out.iter().filter(|a| matches!(a, Admission::Probe(_))).count();
                prop_assert_eq!(probes, 1, "a half-open breaker has its probe out");
            }
        }
    }

    #[test]
    fn it_opens_exactly_when_the_last_five_known_outcomes_failed(
        outcomes in prop::collection::vec(prop_oneof![
            3 => Just(Outcome::Failed), 1 => Just(Outcome::Answered), 1 => Just(Outcome::Unknown)
        ], 1..60),
    ) {
        let (mut breaker, mut known) = (Breaker::default(), Vec::new());
        for outcome in outcomes {
            breaker.ended(Admission::Pass, outcome, 0, &RULES);
            if outcome != Outcome::Unknown {
                known.push(outcome);
            }
            let open = known.len() >= 5 && known[known.len() - 5..].iter().all(|o| *o == Outcome::Failed);
            prop_assert_eq!(breaker.condition() == Condition::Open, open);
            if open {
                break;
            }
        }
    }
}
