//! Step five: sending, with what may stand in its way: the provider's own limit, an origin in trouble, a
//! failure that a second try mends.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use passthrough_core::breaker::Outcome;
use passthrough_core::header::is_websocket_switch;
use passthrough_core::provider::Learnt;
use passthrough_core::retry::{MAX_HELD_BODY, Trouble, mends, pause};
use passthrough_vault::random;
use tokio::time::{Instant, sleep};

use super::redirect::{self, Repeatable};
use crate::app::App;
use crate::breakers::outcome_of;
use crate::http::error::ApiError;
use crate::limits::Scope;
use crate::records::Draft;
use crate::resolve::ReadyConnection;
use crate::throttle::Throttle;
use crate::upstream::{Answer, Call, Reason, SendError, Sent, UpstreamBody};

/// How far a call goes to get an answer, where the caller says so.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Persistence {
    /// How often it is sent again at most.
    pub retries: Option<u8>,
    /// What to do where the provider has said "not before".
    pub throttle: Option<Throttle>,
}

/// A provider that names a time to come again is not called before it; a retry does not wait longer than this.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// Sends a call, sends it again where that is harmless, and follows where the provider redirects to and its file
/// lets us. Gives the last answer or failure.
pub(super) async fn send(
    app: &App,
    ready: &Arc<ReadyConnection>,
    call: &mut Call,
    repeatable: Option<Repeatable>,
    asked: Persistence,
    draft: &mut Draft,
) -> Result<Box<Answer>, ApiError> {
    hold_back(app, ready, asked.throttle, call.deadline).await?;
    let leave = app.breakers.admit(&call.environment, &call.origin);
    let leave = leave.map_err(|open| ApiError::circuit_open(Duration::from_millis(open.retry_after_ms)))?;
    let patience = Patience {
        retries: asked.retries.unwrap_or(app.config.persistence.retries),
        retry: 0,
        waits: asked.throttle == Some(Throttle::Wait),
    };
    // A probe is one call, or it would be more than a look.
    let patience = if leave.is_probe() { Patience::default() } else { patience };
    let sent = insist(app, ready, call, patience, draft).await;
    let outcome = match &sent {
        Ok(answer) => Outcome::of_status(answer.status.as_u16()),
        Err(error) => outcome_of(error),
    };
    leave.ended(&call.environment, &call.origin, outcome);
    let mut answer = sent?;
    if let Some(repeatable) = repeatable {
        let (home, deadline) = (&call.origin, call.deadline);
        let following = redirect::follow(app, ready, answer, repeatable, home, deadline, draft);
        answer = Box::pin(following).await?;
    }
    check_switch(call, &answer)?;
    Ok(answer)
}

/// A 101 must switch to what was asked for, and answer its key: anything else would tunnel bytes to who does not
/// expect them.
fn check_switch(call: &Call, answer: &Answer) -> Result<(), ApiError> {
    let answers = |key: &Bytes| is_websocket_switch(&answer.fields, key);
    if answer.status == StatusCode::SWITCHING_PROTOCOLS
        && !call.fields.only("sec-websocket-key").is_some_and(answers)
    {
        let message = "the provider's 101 does not switch to the WebSocket that it was asked for";
        return Err(ApiError::bad_gateway("protocol", message, Sent::Yes));
    }
    Ok(())
}

/// Where the provider has said "not before", and the caller wants to be spared its refusal.
async fn hold_back(
    app: &App,
    ready: &ReadyConnection,
    throttle: Option<Throttle>,
    deadline: Option<Instant>,
) -> Result<(), ApiError> {
    let Some(throttle) = throttle else { return Ok(()) };
    let now = app.now_ms();
    let Some(until) = app.throttled.not_before(ready.connection.id, now) else { return Ok(()) };
    let wait = milliseconds(until - now);
    if throttle == Throttle::Wait && wait <= app.config.persistence.throttle_wait && in_time(deadline, wait) {
        Box::pin(sleep(wait)).await;
        return Ok(());
    }
    Err(ApiError::too_many_requests(Scope::Provider, wait))
}

/// Gives the last answer or failure. A failure is as far as any of the tries came: that the last one could not
/// connect does not undo that the first was received.
async fn insist(
    app: &App,
    ready: &ReadyConnection,
    call: &mut Call,
    mut patience: Patience,
    draft: &mut Draft,
) -> Result<Box<Answer>, SendError> {
    let mut reached = Sent::No;
    loop {
        draft.tried();
        let again = if patience.is_used_up() { None } else { again(&call.body) };
        let streams = matches!(call.body, UpstreamBody::Streamed(_));
        let sent = app.upstream.send(call).await;
        let sent = sent.map_err(|error| SendError { sent: further(reached, error.sent), ..error });
        reached = sent.as_ref().map_or_else(|error| error.sent, |_| Sent::Yes);
        let learnt = sent.as_ref().ok().and_then(|answer| learn(app, ready, answer, draft));
        // What streams by can be sent once, and still can where nobody was there to read it.
        let untouched = streams && matches!(call.body, UpstreamBody::Streamed(_));
        let again = if untouched { Some(std::mem::take(&mut call.body)) } else { again };
        let Some(again) = again else { return sent };
        let Some(pause) = patience.pause(app, ready, call, &sent, learnt) else { return sent };
        // Its place in flight and its socket are given back first: who sleeps needs neither.
        drop(sent);
        Box::pin(sleep(pause)).await;
        app.metrics.upstream.retries.increment();
        call.body = again;
        // Who wants to see interim heads has seen those of the first time.
        call.interim = None;
    }
}

fn further(one: Sent, other: Sent) -> Sent {
    match (one, other) {
        (Sent::Yes, _) | (_, Sent::Yes) => Sent::Yes,
        (Sent::Unknown, _) | (_, Sent::Unknown) => Sent::Unknown,
        (Sent::No, Sent::No) => Sent::No,
    }
}

/// What is left of a call's patience.
#[derive(Default)]
struct Patience {
    retries: u8,
    retry: u8,
    waits: bool,
}

impl Patience {
    fn is_used_up(&self) -> bool {
        self.retry >= self.retries && !self.waits
    }

    /// How long to wait before sending a call again; `None` where this is its last answer.
    fn pause(
        &mut self,
        app: &App,
        ready: &ReadyConnection,
        call: &Call,
        sent: &Result<Box<Answer>, SendError>,
        learnt: Option<Learnt>,
    ) -> Option<Duration> {
        let not_before = learnt.and_then(|learnt| learnt.not_before);
        let told = not_before.map(|at| milliseconds(at - app.now_ms()));
        if app.stopping() {
            return None;
        }
        if self.waits && matches!(sent, Ok(answer) if answer.status == StatusCode::TOO_MANY_REQUESTS) {
            self.waits = false;
            let longest = app.config.persistence.throttle_wait;
            return told.filter(|wait| *wait <= longest && in_time(call.deadline, *wait));
        }
        let trouble = trouble(sent)?;
        let repeat = ready.provider.promises.repeat(&call.method, |name| {
            call.fields.get(name.as_str()).is_some_and(|value| !value.is_empty())
        });
        if self.retry >= self.retries || !mends(repeat, trouble) {
            return None;
        }
        let pause = pause(self.retry, u64::from_ne_bytes(random())).max(told.unwrap_or_default());
        let repeats = pause <= LONGEST_PAUSE
            && in_time(call.deadline, pause)
            && app.breakers.may_repeat(&call.environment, &call.origin);
        self.retry += 1;
        repeats.then_some(pause)
    }
}

/// Why a call might be sent again.
fn trouble(sent: &Result<Box<Answer>, SendError>) -> Option<Trouble> {
    match sent {
        Ok(answer) => Some(Trouble::Status(answer.status.as_u16())),
        Err(error) => match (error.reason, error.sent) {
            (Reason::Connect | Reason::ConnectTimeout, _) => Some(Trouble::Unsent),
            // The way to the provider has tried other connections already.
            (Reason::Reset, Sent::No) => None,
            (Reason::Reset, Sent::Unknown | Sent::Yes) => Some(Trouble::Broken),
            _ => None,
        },
    }
}

/// A body for a second time: only none, or a small one that is still held.
fn again(body: &UpstreamBody) -> Option<UpstreamBody> {
    match body {
        UpstreamBody::Held(bytes) if bytes.len() > MAX_HELD_BODY => None,
        body => body.again(),
    }
}

/// Takes in what an answer says about the provider's limits.
fn learn(app: &App, ready: &ReadyConnection, answer: &Answer, draft: &mut Draft) -> Option<Learnt> {
    let fields = answer.fields.iter().map(|(name, value)| (&name[..], &value[..]));
    let learnt = ready.provider.limits.learn(answer.status.as_u16(), fields, || app.now_ms());
    if let Some(learnt) = &learnt {
        draft.learnt(learnt);
    }
    app.throttled.learn(ready.connection.id, learnt.as_ref(), || app.now_ms());
    learnt
}

fn in_time(deadline: Option<Instant>, wait: Duration) -> bool {
    deadline.is_none_or(|deadline| Instant::now() + wait < deadline)
}

fn milliseconds(ms: i64) -> Duration {
    Duration::from_millis(u64::try_from(ms).unwrap_or_default())
}
