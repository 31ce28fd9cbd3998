//! What is counted per provider and door. The labels are closed sets: provider codes come from the catalog,
//! doors, status classes and error codes from the program, so nothing that a stranger sends can make a new
//! series.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use passthrough_core::fault::Door;
use passthrough_wire::error::ErrorCode;

use super::number::{Counter, Gauge, Histogram};

/// The doors, in the order of [`Provider::doors`].
const DOORS: [Door; 5] = [Door::Envelope, Door::Raw, Door::Proxy, Door::Terminal, Door::Panora];

/// Every code of ours, in its own order, so that a code's position is its number.
const CODES: [ErrorCode; 20] = [
    ErrorCode::BadRequest,
    ErrorCode::Unauthorized,
    ErrorCode::Forbidden,
    ErrorCode::NotFound,
    ErrorCode::MethodNotAllowed,
    ErrorCode::Conflict,
    ErrorCode::PayloadTooLarge,
    ErrorCode::ConnectionDisconnected,
    ErrorCode::InvalidCredentials,
    ErrorCode::InsufficientPermissions,
    ErrorCode::UnprocessableEntity,
    ErrorCode::TooManyRequests,
    ErrorCode::InternalServerError,
    ErrorCode::NotImplemented,
    ErrorCode::BadGateway,
    ErrorCode::Overloaded,
    ErrorCode::RefreshInProgress,
    ErrorCode::CircuitOpen,
    ErrorCode::Unavailable,
    ErrorCode::GatewayTimeout,
];

/// Other ways in which a passthrough ends early: the caller left, or the provider's answer broke off.
const ENDINGS: [&str; 7] =
    ["caller_gone", "reset", "protocol", "tls", "idle_timeout", "total_timeout", "broken_off"];

/// None, the codes, the endings.
const ERRORS: usize = 1 + CODES.len() + ENDINGS.len();
/// None, 1xx to 5xx.
const CLASSES: usize = 6;

/// How a passthrough ended, as far as it is counted.
#[derive(Debug, Clone, Copy, Default)]
pub struct Ended {
    /// The provider's status, where it answered.
    pub status: Option<u16>,
    /// What went wrong.
    pub failure: Option<Failure>,
    /// From the request's head to the answer's end.
    pub duration: Duration,
    /// Bytes of the body that went to the provider.
    pub request_bytes: u64,
    /// Bytes of the body that came back.
    pub response_bytes: u64,
}

/// What went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Failure {
    /// We answered with this code.
    Code(ErrorCode),
    /// It ended early: `caller_gone`, or why the provider's answer broke off.
    Early(&'static str),
}

impl Failure {
    fn index(self) -> usize {
        match self {
            Failure::Code(code) => 1 + (code as usize).min(CODES.len() - 1),
            Failure::Early(ending) => {
                let known = ENDINGS.iter().position(|known| *known == ending);
                1 + CODES.len() + known.unwrap_or(ENDINGS.len() - 1)
            }
        }
    }
}

/// What came of a refresh.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Refreshed {
    /// A fresh credential.
    Fresh,
    /// The end of the grant.
    Ended,
    /// Nothing this time.
    Failed,
}

impl Refreshed {
    const ALL: [Refreshed; 3] = [Refreshed::Fresh, Refreshed::Ended, Refreshed::Failed];

    fn as_str(self) -> &'static str {
        match self {
            Refreshed::Fresh => "fresh",
            Refreshed::Ended => "ended",
            Refreshed::Failed => "failed",
        }
    }
}

/// The numbers of one provider; also of "none", for requests that never came to a connection.
#[derive(Debug)]
pub struct Provider {
    pub(super) code: String,
    /// Passthroughs on its connections that are under way.
    pub in_flight: Gauge,
    /// From the call's begin to the head of the provider's answer.
    pub first_byte: Histogram,
    /// Refreshes of its credentials, by what came of them: see [`Refreshed`].
    refreshes: [Counter; Refreshed::ALL.len()],
    /// Made when the first request comes by a door: most providers are used by one, most never.
    doors: [OnceLock<Box<AtDoor>>; DOORS.len()],
}

/// One more under way, until it is dropped.
#[derive(Debug)]
pub struct UnderWay(Arc<Provider>);

impl UnderWay {
    /// Counts it at this provider.
    pub fn at(provider: &Arc<Provider>) -> Self {
        provider.in_flight.increment();
        Self(Arc::clone(provider))
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        self.0.in_flight.decrement();
    }
}

/// The numbers of one provider at one door.
#[derive(Debug)]
pub(super) struct AtDoor {
    ended: [Counter; CLASSES * ERRORS],
    pub(super) duration: Histogram,
    pub(super) request_bytes: Counter,
    pub(super) response_bytes: Counter,
}

impl Default for AtDoor {
    fn default() -> Self {
        Self {
            ended: std::array::from_fn(|_| Counter::default()),
            duration: Histogram::default(),
            request_bytes: Counter::default(),
            response_bytes: Counter::default(),
        }
    }
}

impl Provider {
    pub(super) fn new(code: &str) -> Self {
        Self {
            code: code.to_owned(),
            in_flight: Gauge::default(),
            first_byte: Histogram::default(),
            refreshes: Default::default(),
            doors: Default::default(),
        }
    }

    /// Counts a passthrough that has ended.
    pub fn ended(&self, door: Door, ended: Ended) {
        let Some(slot) = self.doors.get(position(door)) else { return };
        let numbers = slot.get_or_init(Box::default);
        let class = ended.status.map_or(0, |status| usize::from(status / 100).clamp(1, CLASSES - 1));
        let error = ended.failure.map_or(0, Failure::index);
        if let Some(counter) = numbers.ended.get(class * ERRORS + error) {
            counter.increment();
        }
        numbers.duration.observe(ended.duration);
        if ended.request_bytes > 0 {
            numbers.request_bytes.add(ended.request_bytes);
        }
        if ended.response_bytes > 0 {
            numbers.response_bytes.add(ended.response_bytes);
        }
    }

    /// Counts a refresh.
    pub fn refreshed(&self, what: Refreshed) {
        self.refreshes[what as usize].increment();
    }

    /// Refreshes, by what came of them, where there were any.
    pub(super) fn refreshes(&self) -> impl Iterator<Item = (&'static str, u64)> {
        let named = Refreshed::ALL.iter().zip(&self.refreshes);
        named.map(|(what, counter)| (what.as_str(), counter.get())).filter(|(_, count)| *count > 0)
    }

    /// The doors that were used, with their names.
    pub(super) fn used(&self) -> impl Iterator<Item = (&'static str, &AtDoor)> {
        let named = DOORS.iter().zip(&self.doors);
        named.filter_map(|(door, slot)| Some((door.as_str(), &**slot.get()?)))
    }
}

impl AtDoor {
    /// Status class, error and count of whatever has happened at all.
    pub(super) fn counts(&self) -> impl Iterator<Item = (&'static str, &'static str, u64)> {
        self.ended.iter().enumerate().filter(|(_, counter)| counter.get() > 0).map(|(index, counter)| {
            let class = ["", "1xx", "2xx", "3xx", "4xx", "5xx"].get(index / ERRORS).copied();
            (class.unwrap_or_default(), error_name(index % ERRORS), counter.get())
        })
    }
}

fn position(door: Door) -> usize {
    match door {
        Door::Envelope => 0,
        Door::Raw => 1,
        Door::Proxy => 2,
        Door::Terminal => 3,
        Door::Panora => 4,
    }
}

fn error_name(index: usize) -> &'static str {
    match index.checked_sub(1) {
        None => "",
        Some(index) => match CODES.get(index) {
            Some(code) => code.as_str(),
            None => ENDINGS.get(index - CODES.len()).copied().unwrap_or_default(),
        },
    }
}

#[cfg(test)]
mod tests {
    use utoipa::PartialSchema;

    use super::*;
    use crate::upstream::Reason;

    #[test]
    fn every_code_of_the_api_has_its_own_place() {
        let schema = serde_json::to_value(ErrorCode::schema()).unwrap();
        let all: Vec<&str> = schema["enum"].as_array().unwrap().iter().map(|c| c.as_str().unwrap()).collect();
        let ours: Vec<&str> = CODES.iter().map(|code| error_name(Failure::Code(*code).index())).collect();
        assert_eq!(ours, all);
    }

    #[test]
    fn every_door_has_its_own_place() {
        for (index, door) in DOORS.into_iter().enumerate() {
            assert_eq!(position(door), index);
        }
    }

    #[test]
    fn an_ending_is_counted_under_its_name_or_as_broken_off() {
        let name = |ending| error_name(Failure::Early(ending).index());
        assert_eq!(name("caller_gone"), "caller_gone");
        assert_eq!(name(Reason::IdleTimeout.as_str()), "idle_timeout");
        assert_eq!(name(Reason::Reset.as_str()), "reset");
        assert_eq!(name("something new"), "broken_off");
    }

    #[test]
    fn a_call_is_counted_once_by_class_and_error() {
        let provider = Provider::new("shop");
        let ended = Ended { status: Some(204), response_bytes: 7, ..Ended::default() };
        provider.ended(Door::Proxy, ended);
        provider.ended(Door::Proxy, Ended { status: Some(599), ..ended });
        let failure = Some(Failure::Code(ErrorCode::GatewayTimeout));
        provider.ended(Door::Proxy, Ended { status: None, failure, ..ended });
        // A status that is none must not reach beyond the table.
        provider.ended(Door::Proxy, Ended { status: Some(999), ..ended });
        let (door, numbers) = provider.used().next().unwrap();
        assert_eq!((door, numbers.response_bytes.get()), ("proxy", 28));
        let counts: Vec<_> = numbers.counts().collect();
        assert_eq!(counts, [("", "gateway_timeout", 1), ("2xx", "", 1), ("5xx", "", 2)]);
    }
}
