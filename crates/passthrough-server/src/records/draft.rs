//! A record in the making: it accompanies a passthrough, and is complete when it is dropped.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use passthrough_core::fault::{Door, Origin, Sent};
use passthrough_core::id::{Environment, RequestId};
use passthrough_core::provider::Learnt;
use passthrough_core::token::hide_tokens;
use passthrough_store::{ProviderLimit, Record};
use passthrough_wire::error::ErrorCode;

use super::Records;
use crate::clock::milliseconds;
use crate::config::Calls;
use crate::http::error::ApiError;
use crate::metrics::{Ended, Failure};
use crate::resolve::{Caller, ReadyConnection};
use crate::telemetry::{Finish, Stage, Trace};
use crate::upstream::Answer;

/// The longest path that can be sent; of one that was refused, no more is kept.
const MAX_PATH: usize = passthrough_core::path::MAX_LENGTH;
/// The same for methods: no registered one is longer than 17 characters.
const MAX_METHOD: usize = 64;
/// The error code of a record whose caller did not wait for the end.
const CALLER_GONE: &str = "caller_gone";

/// How a passthrough ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Outcome {
    /// Nobody waited for the end.
    CallerGone,
    /// The provider answered.
    Answered(u16),
    /// We failed, before the provider's status, where there was one, was passed on.
    Failed { status: Option<u16>, code: ErrorCode, reason: Option<&'static str>, origin: Origin, sent: Sent },
    /// The provider answered, but its answer broke off.
    BrokenOff { status: u16, reason: &'static str },
}

/// A record in the making.
pub struct Draft {
    records: Records,
    id: RequestId,
    door: Door,
    method: Cow<'static, str>,
    /// As it came or was sent, without its query. What is secret in it is hidden at the end, once.
    path: String,
    caller: Option<Caller>,
    connection: Option<Arc<ReadyConnection>>,
    outcome: Outcome,
    attempts: u32,
    started: Instant,
    upstream_ms: Option<u64>,
    request_bytes: u64,
    /// Where the bytes of a streamed request body are counted instead.
    request_counter: Option<Arc<AtomicU64>>,
    response_bytes: u64,
    provider_limit: ProviderLimit,
    complete: bool,
    /// There where the passthrough is traced.
    trace: Option<Box<Trace>>,
}

impl fmt::Debug for Draft {
    /// Without the path, which may hold a secret still.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Draft").field("id", &self.id).field("outcome", &self.outcome).finish_non_exhaustive()
    }
}

impl Draft {
    pub(super) fn new(records: Records, id: RequestId, door: Door, method: &str, path: &str) -> Self {
        Self {
            records,
            id,
            door,
            method: shown_method(method),
            path: printable(without_query(path), MAX_PATH).into_owned(),
            caller: None,
            connection: None,
            outcome: Outcome::CallerGone,
            attempts: 0,
            started: Instant::now(),
            upstream_ms: None,
            request_bytes: 0,
            request_counter: None,
            response_bytes: 0,
            provider_limit: ProviderLimit::default(),
            complete: false,
            trace: None,
        }
    }

    /// It is traced.
    pub fn traced(&mut self, trace: Option<Box<Trace>>) {
        self.trace = trace;
    }

    /// Its trace, where it has one.
    pub fn trace(&self) -> Option<&Trace> {
        self.trace.as_deref()
    }

    /// A step begins.
    pub fn stage(&mut self, stage: Stage) {
        if let Some(trace) = &mut self.trace {
            trace.stage(stage);
        }
    }

    /// Whose it is.
    pub fn caller(&mut self, caller: &Caller) {
        self.caller = Some(caller.clone());
    }

    /// Whose it is, as far as that is known.
    pub fn whose(&self) -> Option<&Caller> {
        self.caller.as_ref()
    }

    /// Which connection it is on.
    pub fn connection(&mut self, connection: &Arc<ReadyConnection>) {
        connection.numbers.in_flight.increment();
        self.connection = Some(Arc::clone(connection));
    }

    /// The path that is to be sent, as it may be shown.
    pub fn path(&mut self, shown: &str) {
        self.path.clear();
        self.path.push_str(without_query(shown));
    }

    /// How much is to be sent, where that is known.
    pub fn sending(&mut self, request_bytes: u64) {
        self.request_bytes = request_bytes;
        if let Some(counter) = &self.request_counter {
            counter.store(request_bytes, Ordering::Relaxed);
        }
    }

    /// The provider is about to be called, for the first time or once more.
    pub fn tried(&mut self) {
        self.attempts += 1;
        self.provider_limit = ProviderLimit::default();
    }

    /// The provider answered.
    pub fn answered(&mut self, answer: &Answer) {
        self.outcome = Outcome::Answered(answer.status.as_u16());
        self.upstream_ms = Some(answer.upstream_ms);
        if let Some(ready) = &self.connection {
            let took = answer.came.into_std().saturating_duration_since(self.started);
            ready.numbers.first_byte.observe(took);
        }
        if let (Some(trace), Some(dialled)) = (&mut self.trace, answer.dialled) {
            trace.connected(dialled.from.into_std(), dialled.to.into_std());
        }
    }

    /// The provider said this about its limits.
    pub fn learnt(&mut self, learnt: &Learnt) {
        let integer = |value: u64| i64::try_from(value).ok();
        self.provider_limit = ProviderLimit {
            limit: learnt.limit.and_then(integer),
            remaining: learnt.remaining.and_then(integer),
            resets_at: learnt.not_before.or(learnt.resets_at),
        };
    }

    /// The answer is with the caller, to its end.
    pub fn complete(&mut self) {
        self.complete = true;
    }

    /// More of the answer's body has come.
    pub fn received(&mut self, bytes: u64) {
        self.response_bytes += bytes;
    }

    /// Where the bytes of a streamed request body are counted.
    pub fn request_counter(&mut self) -> Arc<AtomicU64> {
        Arc::clone(self.request_counter.get_or_insert_default())
    }

    /// We failed.
    pub fn failed(&mut self, error: &ApiError) {
        let ApiError { code, reason, origin, sent, .. } = *error;
        let status = match self.outcome {
            Outcome::Answered(status) | Outcome::BrokenOff { status, .. } => Some(status),
            Outcome::Failed { status, .. } => status,
            Outcome::CallerGone => None,
        };
        self.outcome = Outcome::Failed { status, code, reason, origin, sent };
    }

    /// The answer broke off after its head had been passed on.
    pub fn broken_off(&mut self, reason: &'static str) {
        if let Outcome::Answered(status) = self.outcome {
            self.outcome = Outcome::BrokenOff { status, reason };
        }
    }

    /// How many times the provider was called.
    pub fn attempts(&self) -> u32 {
        self.attempts
    }

    /// Milliseconds so far.
    pub fn elapsed_ms(&self) -> u64 {
        u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX)
    }

    /// The provider's status, our code, whose fault it was, and whether anything was sent.
    fn end(&self) -> (Option<u16>, Option<&'static str>, Option<Origin>, Sent) {
        match self.outcome {
            Outcome::Answered(status) if self.complete => (Some(status), None, None, Sent::Yes),
            Outcome::Answered(status) => (Some(status), Some(CALLER_GONE), Some(Origin::Caller), Sent::Yes),
            Outcome::Failed { status, code, origin, sent, .. } => {
                (status, Some(code.as_str()), Some(origin), sent)
            }
            Outcome::BrokenOff { status, reason } => {
                (Some(status), Some(reason), Some(Origin::Provider), Sent::Yes)
            }
            Outcome::CallerGone => {
                let sent = if self.attempts > 0 { Sent::Unknown } else { Sent::No };
                (None, Some(CALLER_GONE), Some(Origin::Caller), sent)
            }
        }
    }

    /// The reason of our code, where it has several.
    fn reason(&self) -> Option<&'static str> {
        match self.outcome {
            Outcome::Failed { reason, .. } => reason,
            // Its code says it already.
            Outcome::BrokenOff { .. } | Outcome::Answered(_) | Outcome::CallerGone => None,
        }
    }

    /// The path as it may be kept. A caller who writes a token or the credential into a path of its own must not
    /// put it into the database.
    fn shown_path(&self) -> Cow<'_, str> {
        let path = hide_tokens(&self.path);
        let masked = self.connection.as_ref().and_then(|ready| ready.redactor.redact(path.as_bytes()));
        match masked {
            Some(masked) => Cow::Owned(String::from_utf8_lossy(&masked).into_owned()),
            None => path,
        }
    }

    /// Counts it, and gives its trace to the collector.
    fn count(
        &mut self,
        took: Duration,
        request_bytes: u64,
        status: Option<u16>,
        error: Option<&'static str>,
    ) {
        let failure = match self.outcome {
            Outcome::Failed { code, .. } => Some(Failure::Code(code)),
            _ => error.map(Failure::Early),
        };
        let response_bytes = self.response_bytes;
        let ended = Ended { status, failure, duration: took, request_bytes, response_bytes };
        match &self.connection {
            Some(ready) => {
                ready.numbers.in_flight.decrement();
                ready.numbers.ended(self.door, ended);
            }
            None => self.records.0.metrics.none().ended(self.door, ended),
        }
        if let Some(trace) = self.trace.take() {
            trace.finish(Finish {
                request_id: Some(self.id),
                door: self.door.as_str(),
                method: self.method.clone().into_owned(),
                provider: self.connection.as_ref().map(|ready| ready.provider.code.clone()),
                status,
                error,
                attempts: self.attempts,
            });
        }
    }

    fn log(&self, environment: &Environment, record: &Record<'_>) {
        let wanted = match self.records.0.logs {
            Calls::All => true,
            Calls::Failures => record.error_code.is_some(),
            Calls::None => false,
        };
        if !wanted {
            return;
        }
        tracing::info!(
            request_id = %record.id,
            %environment,
            connection = record.connection_id.map(tracing::field::display),
            provider = record.provider.as_deref(),
            door = record.door.as_str(),
            method = %record.method,
            status = record.status_code,
            error = record.error_code.as_deref(),
            reason = record.error_reason.as_deref(),
            duration_ms = record.duration_ms,
            upstream_ms = record.upstream_duration_ms,
            attempts = record.attempts,
            "passthrough"
        );
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        let caller = self.caller.take();
        // A request of our own, which nobody made.
        if caller.is_none() && self.outcome == Outcome::CallerGone {
            return;
        }
        let (status_code, error_code, origin, sent) = self.end();
        let took = self.started.elapsed();
        let counted = self.request_counter.as_ref().map(|counter| counter.load(Ordering::Relaxed));
        let request_bytes = counted.unwrap_or(self.request_bytes);
        self.count(took, request_bytes, status_code, error_code);
        // Without a caller there is no room that the record could belong to.
        let Some(caller) = caller else { return };
        let integer = |value: u64| i64::try_from(value).unwrap_or(i64::MAX);
        let ready = self.connection.as_deref();
        let record = Record {
            id: self.id,
            connection_id: ready.map(|ready| ready.connection.id),
            api_key_id: Some(caller.api_key),
            provider: ready.map(|ready| ready.provider.code.as_str().into()),
            door: self.door,
            method: Cow::Borrowed(&self.method),
            path: self.shown_path(),
            status_code,
            error_code: error_code.map(Cow::Borrowed),
            error_reason: self.reason().map(Cow::Borrowed),
            origin,
            sent: Some(sent),
            attempts: self.attempts,
            // The id was made when the head had been read.
            started_at: integer(self.id.ulid().timestamp_ms()),
            duration_ms: milliseconds(took),
            upstream_duration_ms: self.upstream_ms.map(integer),
            request_bytes: integer(request_bytes),
            response_bytes: integer(self.response_bytes),
            provider_limit: self.provider_limit,
        };
        self.log(&caller.environment, &record);
        self.records.take_in(&caller.environment, &record);
    }
}

/// A method; of one that was refused, only what can be kept.
fn shown_method(method: &str) -> Cow<'static, str> {
    let known = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"];
    match known.into_iter().find(|known| *known == method) {
        Some(known) => Cow::Borrowed(known),
        None => Cow::Owned(hide_tokens(&printable(method, MAX_METHOD)).into_owned()),
    }
}

/// What was refused may hold anything, NUL included, and any length of it.
fn printable(text: &str, max: usize) -> Cow<'_, str> {
    let is_fine = |byte: u8| (0x21..=0x7e).contains(&byte);
    if text.len() <= max && text.bytes().all(is_fine) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len().min(max));
    for byte in text.bytes().take(max) {
        if is_fine(byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    Cow::Owned(out)
}

fn without_query(path: &str) -> &str {
    path.split('?').next().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_a_method_or_path_is_printable_and_bounded() {
        assert_eq!(printable("/a/%20", 9), "/a/%20");
        assert_eq!(printable("/a \0é", 9), "/a%20%00%C3%A9");
        assert_eq!(printable("abcdef", 3), "abc");
        assert!(matches!(shown_method("GET"), Cow::Borrowed("GET")));
        assert_eq!(shown_method(&"M".repeat(100)), "M".repeat(MAX_METHOD));
        assert_eq!(shown_method(""), "");
        assert_eq!(without_query("/a?b?c"), "/a");
    }
}
