//! When to stop calling an origin that does not answer, and when to try it again.
//!
//! A pure state machine; whoever holds it brings the time, any milliseconds that do not go backwards. It
//! knows nothing of sockets and statuses: [`Outcome::of_status`] is all that it says about HTTP.

/// When a breaker opens, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// How many failures in a row open it; 0: it never opens.
    pub failures: u32,
    /// How long it is open at first, milliseconds. It doubles with every probe that fails.
    pub first_pause_ms: i64,
    /// How long it is open at most, milliseconds.
    pub longest_pause_ms: i64,
}

impl Default for Rules {
    /// Five failures, 5 to 60 seconds.
    fn default() -> Self {
        Self { failures: 5, first_pause_ms: 5_000, longest_pause_ms: 60_000 }
    }
}

/// What those are told who come while the probe is out, milliseconds.
const PROBING_MS: i64 = 1_000;

/// What came of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    /// The origin answered: it is there, whatever it thinks of the request.
    Answered,
    /// It could not be reached, kept silent, or said that it cannot answer.
    Failed,
    /// Nothing was learnt: the caller went away, or its own deadline was too short.
    Unknown,
}

impl Outcome {
    /// What an answer's status says about its origin: 502, 503 and 504 are failures, all else is an answer.
    /// A 401 or 429 concerns one credential and a 500 may concern one request: neither may close an origin
    /// for everybody else.
    pub fn of_status(status: u16) -> Self {
        match status {
            502..=504 => Outcome::Failed,
            _ => Outcome::Answered,
        }
    }
}

/// Whether a call may go out. What came of it must be told with [`Breaker::ended`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Admission {
    /// Yes, like any other.
    Pass,
    /// Yes, alone, to see whether the origin is back. The number tells it from probes before it.
    Probe(u32),
    /// No.
    Refuse {
        /// Milliseconds until it is worth asking again.
        retry_after_ms: i64,
    },
}

/// One origin's breaker.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Breaker {
    state: State,
    probes: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed { failures: u32 },
    Open { until: i64, pause: i64 },
    Probing { pause: i64 },
}

/// The state in a word, for metrics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Condition {
    /// Calls go through.
    Closed,
    /// Calls are refused.
    Open,
    /// One call is out to see.
    HalfOpen,
}

impl Default for Breaker {
    /// Closed.
    fn default() -> Self {
        Self { state: State::Closed { failures: 0 }, probes: 0 }
    }
}

impl Breaker {
    /// Whether a call may go out now.
    pub fn admit(&mut self, now: i64) -> Admission {
        match self.state {
            State::Closed { .. } => Admission::Pass,
            State::Open { until, .. } if now < until => Admission::Refuse { retry_after_ms: until - now },
            State::Open { pause, .. } => {
                self.probes = self.probes.wrapping_add(1);
                self.state = State::Probing { pause };
                Admission::Probe(self.probes)
            }
            State::Probing { .. } => Admission::Refuse { retry_after_ms: PROBING_MS },
        }
    }

    /// Tells what came of a call that was let through. While it is open only the probe counts: what comes
    /// late from before says nothing about now.
    pub fn ended(&mut self, admission: Admission, outcome: Outcome, now: i64, rules: &Rules) {
        match (self.state, admission, outcome) {
            (State::Closed { .. }, Admission::Pass, Outcome::Answered) => {
                self.state = State::Closed { failures: 0 };
            }
            (State::Closed { failures }, Admission::Pass, Outcome::Failed) => {
                let failures = failures.saturating_add(1);
                let opens = rules.failures > 0 && failures >= rules.failures;
                self.state =
                    if opens { Self::open(now, rules.first_pause_ms) } else { State::Closed { failures } };
            }
            (State::Probing { pause }, Admission::Probe(number), outcome) if number == self.probes => {
                self.state = match outcome {
                    Outcome::Answered => State::Closed { failures: 0 },
                    Outcome::Failed => Self::open(now, pause.saturating_mul(2).min(rules.longest_pause_ms)),
                    // The next one who comes is the probe.
                    Outcome::Unknown => State::Open { until: now, pause },
                };
            }
            _ => {}
        }
    }

    /// The state in a word.
    pub fn condition(&self) -> Condition {
        match self.state {
            State::Closed { .. } => Condition::Closed,
            State::Open { .. } => Condition::Open,
            State::Probing { .. } => Condition::HalfOpen,
        }
    }

    /// Whether it is as new, so that it need not be kept.
    pub fn is_at_rest(&self) -> bool {
        self.state == State::Closed { failures: 0 }
    }

    fn open(now: i64, pause: i64) -> State {
        State::Open { until: now.saturating_add(pause), pause }
    }
}

#[cfg(test)]
mod tests;
