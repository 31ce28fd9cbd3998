//! Origins in trouble: which ones are left alone for a while, and how often they may be tried again.
//!
//! Kept for each environment and origin, like the sockets. Environments are closed rooms: with one breaker
//! for all of them, whoever owns one could make an API fail five times and so close it for everybody else.
//! The price is that each room has to find out for itself that a provider is down, which takes five calls.
//!
//! Only origins in trouble are kept. As long as there is none, a call costs one look at a number.

use std::collections::HashMap;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use passthrough_core::base_url::Origin;
use passthrough_core::breaker::{Admission, Breaker, Condition, Outcome, Rules};
use passthrough_core::id::Environment;
use passthrough_core::retry::Budget;

use crate::clock::milliseconds;
use crate::metrics;
use crate::upstream::{Reason, SendError};

/// How many origins are kept. Beyond that the new ones go without: connections name hosts of their own, and
/// must not fill the memory.
const MAX_ORIGINS: usize = 10_000;
/// How long an origin is kept that nobody calls, milliseconds.
const KEPT_MS: i64 = 600_000;

/// The breakers and retry budgets of this process.
#[derive(Debug)]
pub struct Breakers {
    rules: Rules,
    /// The share of its calls that an origin is sent again, in percent.
    budget_percent: u32,
    epoch: Instant,
    /// How many origins are kept.
    count: AtomicUsize,
    rooms: Mutex<Rooms>,
    numbers: Arc<metrics::Upstream>,
}

type Rooms = HashMap<Environment, HashMap<Origin, Troubled>>;

#[derive(Debug, Default)]
struct Troubled {
    breaker: Breaker,
    budget: Budget,
    seen: i64,
}

/// The origin is left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Open {
    /// Milliseconds until it is worth asking again.
    pub retry_after_ms: u64,
}

/// Leave to call. A probe that is dropped without an outcome makes room for the next one: a caller who goes
/// away must not leave an origin closed.
#[derive(Debug)]
pub struct Leave<'a> {
    breakers: &'a Breakers,
    admission: Admission,
    probe: Option<(Environment, Origin)>,
}

impl Breakers {
    /// Breakers that are all closed.
    pub fn new(rules: Rules, budget_percent: u32, numbers: Arc<metrics::Upstream>) -> Self {
        Self {
            rules,
            budget_percent,
            epoch: Instant::now(),
            count: AtomicUsize::new(0),
            rooms: Mutex::default(),
            numbers,
        }
    }

    /// Whether an origin may be called, for a first time: a repetition is [`Breakers::may_repeat`].
    pub fn admit(&self, environment: &Environment, origin: &Origin) -> Result<Leave<'_>, Open> {
        let mut leave = Leave { breakers: self, admission: Admission::Pass, probe: None };
        if self.count.load(Ordering::Relaxed) == 0 {
            return Ok(leave);
        }
        self.change(environment, origin, false, |troubled, now| {
            leave.admission = troubled.breaker.admit(now);
            if !matches!(leave.admission, Admission::Refuse { .. }) {
                troubled.budget.call(self.budget_percent);
            }
        });
        match leave.admission {
            Admission::Pass => Ok(leave),
            Admission::Probe(_) => {
                leave.probe = Some((environment.clone(), origin.clone()));
                Ok(leave)
            }
            Admission::Refuse { retry_after_ms } => {
                Err(Open { retry_after_ms: u64::try_from(retry_after_ms).unwrap_or_default() })
            }
        }
    }

    /// Whether an origin may be sent a request again, which takes it out of its budget. An origin that has
    /// been given up meanwhile may not.
    pub fn may_repeat(&self, environment: &Environment, origin: &Origin) -> bool {
        let mut may = false;
        self.change(environment, origin, true, |troubled, _| {
            may = troubled.breaker.condition() == Condition::Closed && troubled.budget.take();
        });
        may
    }

    fn ended(&self, environment: &Environment, origin: &Origin, admission: Admission, outcome: Outcome) {
        if outcome != Outcome::Failed && self.count.load(Ordering::Relaxed) == 0 {
            return;
        }
        self.change(environment, origin, outcome == Outcome::Failed, |troubled, now| {
            troubled.breaker.ended(admission, outcome, now, &self.rules);
        });
    }

    /// Changes what is kept of an origin; of one that is not kept only where `keep` says so.
    fn change(
        &self,
        environment: &Environment,
        origin: &Origin,
        keep: bool,
        change: impl FnOnce(&mut Troubled, i64),
    ) {
        let now = milliseconds(self.epoch.elapsed());
        let mut rooms = self.lock();
        let kept = rooms.get(environment).is_some_and(|room| room.contains_key(origin));
        if !kept && (!keep || !self.has_room(&mut rooms, now)) {
            return;
        }
        if !kept {
            rooms.entry(environment.clone()).or_default().insert(origin.clone(), Troubled::default());
            self.count.fetch_add(1, Ordering::Relaxed);
        }
        let Some(room) = rooms.get_mut(environment) else { return };
        let Some(troubled) = room.get_mut(origin) else { return };
        troubled.seen = now;
        let before = troubled.breaker.condition();
        change(troubled, now);
        self.note(before, troubled.breaker.condition());
        if troubled.breaker.is_at_rest() && troubled.budget.is_full() {
            room.remove(origin);
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
    }

    fn has_room(&self, rooms: &mut Rooms, now: i64) -> bool {
        if self.count.load(Ordering::Relaxed) < MAX_ORIGINS {
            return true;
        }
        for room in rooms.values_mut() {
            room.retain(|_, troubled| {
                let keep = now - troubled.seen < KEPT_MS;
                if !keep {
                    self.note(troubled.breaker.condition(), Condition::Closed);
                    self.count.fetch_sub(1, Ordering::Relaxed);
                }
                keep
            });
        }
        rooms.retain(|_, room| !room.is_empty());
        self.count.load(Ordering::Relaxed) < MAX_ORIGINS
    }

    fn note(&self, before: Condition, after: Condition) {
        let numbers = &self.numbers.breakers;
        if before == after {
            return;
        }
        match before {
            Condition::Closed => {}
            Condition::Open => numbers.open.decrement(),
            Condition::HalfOpen => numbers.probing.decrement(),
        }
        match after {
            Condition::Closed => {}
            Condition::Open => numbers.open.increment(),
            Condition::HalfOpen => numbers.probing.increment(),
        }
        if before == Condition::Closed {
            numbers.opened.increment();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Rooms> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Leave<'_> {
    /// Whether this call alone is to find out whether the origin is back.
    pub fn is_probe(&self) -> bool {
        matches!(self.admission, Admission::Probe(_))
    }

    /// Tells what came of the call, its repetitions included.
    pub fn ended(mut self, environment: &Environment, origin: &Origin, outcome: Outcome) {
        self.probe = None;
        self.breakers.ended(environment, origin, self.admission, outcome);
    }
}

impl Drop for Leave<'_> {
    fn drop(&mut self) {
        if let Some((environment, origin)) = self.probe.take() {
            self.breakers.ended(&environment, &origin, self.admission, Outcome::Unknown);
        }
    }
}

/// What a failure says about its origin. What is one caller's or one connection's doing says nothing: a short
/// deadline of its own, a body that broke off, a certificate that the provider refuses, an address that we
/// refuse. Otherwise one of them could close the origin for the others.
pub fn outcome_of(error: &SendError) -> Outcome {
    match error.reason {
        Reason::Dns
        | Reason::Connect
        | Reason::ConnectTimeout
        | Reason::FirstByteTimeout
        | Reason::IdleTimeout => Outcome::Failed,
        _ => Outcome::Unknown,
    }
}

#[cfg(test)]
mod tests {
    use passthrough_core::base_url::BaseUrl;

    use super::*;

    fn breakers(rules: Rules) -> Breakers {
        Breakers::new(rules, 20, Arc::default())
    }

    fn origin(url: &str) -> Arc<Origin> {
        BaseUrl::parse(url).unwrap().origin
    }

    fn room(name: &str) -> Environment {
        name.parse().unwrap()
    }

    fn call(breakers: &Breakers, room: &Environment, origin: &Origin, outcome: Outcome) -> Result<(), Open> {
        breakers.admit(room, origin)?.ended(room, origin, outcome);
        Ok(())
    }

    #[test]
    fn an_origin_is_left_alone_in_its_own_room_only() {
        let breakers = breakers(Rules::default());
        let (one, other) = (room("one"), room("other"));
        let (here, there) = (origin("https://a.example"), origin("https://b.example"));
        for _ in 0..5 {
            call(&breakers, &one, &here, Outcome::Failed).unwrap();
        }
        let open = breakers.admit(&one, &here).unwrap_err();
        assert!((1..=5_000).contains(&open.retry_after_ms));
        assert!(breakers.admit(&other, &here).is_ok() && breakers.admit(&one, &there).is_ok());
        assert!(!breakers.may_repeat(&one, &here), "what is given up is not tried again");
        let numbers = &breakers.numbers.breakers;
        assert_eq!((numbers.open.get(), numbers.probing.get(), numbers.opened.get()), (1, 0, 1));
    }

    #[test]
    fn a_probe_whose_caller_goes_away_makes_room_for_the_next() {
        let breakers = breakers(Rules { failures: 1, first_pause_ms: 0, longest_pause_ms: 0 });
        let (room, origin) = (room("default"), origin("https://a.example"));
        call(&breakers, &room, &origin, Outcome::Failed).unwrap();
        let probe = breakers.admit(&room, &origin).unwrap();
        assert!(probe.is_probe() && breakers.admit(&room, &origin).is_err());
        assert_eq!(breakers.numbers.breakers.probing.get(), 1);
        drop(probe);
        let next = breakers.admit(&room, &origin).unwrap();
        assert!(next.is_probe());
        next.ended(&room, &origin, Outcome::Answered);
        assert!(!breakers.admit(&room, &origin).unwrap().is_probe());
        let numbers = &breakers.numbers.breakers;
        assert_eq!((numbers.open.get(), numbers.probing.get(), numbers.opened.get()), (0, 0, 1));
    }

    #[test]
    fn an_origin_that_has_recovered_is_forgotten() {
        let breakers = breakers(Rules::default());
        let (room, origin) = (room("default"), origin("https://a.example"));
        call(&breakers, &room, &origin, Outcome::Answered).unwrap();
        assert_eq!(breakers.count.load(Ordering::Relaxed), 0, "one that answers is not even kept");
        call(&breakers, &room, &origin, Outcome::Failed).unwrap();
        assert!(breakers.may_repeat(&room, &origin));
        for _ in 0..5 {
            assert_eq!(breakers.count.load(Ordering::Relaxed), 1);
            call(&breakers, &room, &origin, Outcome::Answered).unwrap();
        }
        assert_eq!(breakers.count.load(Ordering::Relaxed), 0);
    }

    #[test]
    fn origins_do_not_fill_the_memory() {
        let breakers = breakers(Rules::default());
        let room = room("default");
        for number in 0..MAX_ORIGINS + 10 {
            let origin = origin(&format!("https://h{number}.example"));
            call(&breakers, &room, &origin, Outcome::Failed).unwrap();
        }
        assert_eq!(breakers.count.load(Ordering::Relaxed), MAX_ORIGINS);
    }

    #[test]
    fn a_callers_own_doing_closes_nothing() {
        let told =
            |reason| outcome_of(&SendError { reason, sent: crate::upstream::Sent::Unknown, detail: None });
        for reason in [Reason::TotalTimeout, Reason::RequestBody, Reason::Tls, Reason::BlockedAddress] {
            assert_eq!(told(reason), Outcome::Unknown);
        }
        for reason in [Reason::Connect, Reason::ConnectTimeout, Reason::FirstByteTimeout] {
            assert_eq!(told(reason), Outcome::Failed);
        }
    }
}
