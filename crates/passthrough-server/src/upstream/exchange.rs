//! One exchange, from the call to the head of its answer.

use std::pin::pin;
use std::task::Poll;
use std::time::Duration;

use bytes::Bytes;
use futures_util::poll;
use http::StatusCode;
use passthrough_core::header::Fields;
use tokio::time::{Instant, timeout_at};

use super::answer::{Answer, AnswerBody};
use super::error::{Reason, SendError, Sent};
use super::http1::Socket;
use super::http2::Incoming;
use super::pool::{Key, Pools};
use super::ready::{Ready, Wanted, ready};
use super::request::{RequestHead, UpstreamBody, Waits};
use super::upgrade::Upgrade;
use super::{Call, Inner, InterimSink};

/// "For ever" in a form that can be added to an instant.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);
/// How often a request is given to another connection because the one before turned out to be dead.
const MAX_TRIES: usize = 3;

/// The head of an answer, and where its body comes from.
struct Begun {
    status: StatusCode,
    reason: Option<Bytes>,
    fields: Fields,
    from: Source,
}

enum Source {
    Socket(Box<Socket>),
    Stream(Box<Incoming>),
}

pub(super) async fn send(upstream: &Inner, call: &mut Call) -> Result<Box<Answer>, SendError> {
    let began = Instant::now();
    let waits = Waits {
        first_byte: call.first_byte.unwrap_or(upstream.timeouts.first_byte).min(LONGEST),
        idle: call.idle.unwrap_or(upstream.timeouts.idle).min(LONGEST),
        deadline: call.deadline,
    };
    let (environment, origin, deadline) = (&call.environment, &call.origin, call.deadline);
    let head = RequestHead::new(&call.method, &call.path, &call.fields)?;
    let permits = match upstream.gates.enter(environment, call.connection, origin) {
        Ok(permits) => {
            upstream.numbers.queue.observe(Duration::ZERO);
            permits
        }
        Err(gates) => {
            // On the heap: waiting is rare.
            let entered = Box::pin(in_time(deadline, upstream.gates.wait(gates))).await;
            upstream.numbers.queue.observe(began.elapsed());
            entered?
        }
    };
    let identity = call.identity.as_deref();
    let fingerprint = identity.map(|identity| identity.fingerprint);
    let key = Key { environment: environment.clone(), origin: origin.clone(), identity: fingerprint };
    let number = Pools::here();
    let (mut tries, mut dialled) = (0, None);
    loop {
        tries += 1;
        let wanted =
            Wanted { key: &key, number, identity, upgrade: head.upgrade, fresh: call.fresh, since: began };
        let ready = in_time(deadline, ready(upstream, wanted, &mut dialled)).await?;
        // Only now: as long as nobody is there to read it, a body that streams by is still whole.
        let body = std::mem::take(&mut call.body);
        let (reused, again) = (ready.is_reused(), body.again());
        match ask(ready, &head, body, waits, &mut call.interim).await {
            Ok(Begun { status, reason, fields, from }) => {
                let (body, upgrade) = match from {
                    Source::Stream(stream) => (AnswerBody::http2(stream, permits, waits), None),
                    Source::Socket(socket) if status == StatusCode::SWITCHING_PROTOCOLS => {
                        (AnswerBody::none(), Some(Upgrade::new(socket, permits)))
                    }
                    Source::Socket(socket) => (AnswerBody::http1(socket, permits, waits), None),
                };
                let came = Instant::now();
                let upstream_ms = u64::try_from((came - began).as_millis()).unwrap_or(u64::MAX);
                return Ok(Box::new(Answer {
                    status,
                    reason,
                    fields,
                    body,
                    came,
                    upstream_ms,
                    reused,
                    dialled,
                    upgrade,
                }));
            }
            // The connection turned out dead, or the provider refused, before it acted upon anything.
            Err(error) if mends(&error, reused) && tries < MAX_TRIES => match again {
                Some(again) => call.body = again,
                None => return Err(error),
            },
            Err(error) => return Err(error),
        }
    }
}

/// Whether another connection may do better, and the request cannot have been acted upon.
fn mends(error: &SendError, reused: bool) -> bool {
    error.sent == Sent::No && (reused || error.reason == Reason::Reset)
}

/// Sends the request and waits for the head of the answer.
async fn ask(
    ready: Ready,
    head: &RequestHead<'_>,
    body: UpstreamBody,
    waits: Waits,
    interim: &mut Option<InterimSink>,
) -> Result<Begun, SendError> {
    match ready {
        Ready::Socket(mut socket) => {
            let answer = socket.ask(head, body, waits, interim).await?;
            let (status, reason, fields) = (answer.status, Some(answer.reason), Fields(answer.fields));
            Ok(Begun { status, reason, fields, from: Source::Socket(socket) })
        }
        Ready::Place(place) => {
            let (status, fields, stream) = Box::pin(place.ask(head, body, waits, interim)).await?;
            Ok(Begun { status, reason: None, fields, from: Source::Stream(stream) })
        }
    }
}

/// Within the deadline of the call, before anything was sent.
pub async fn in_time<T, E: From<SendError>>(
    deadline: Option<Instant>,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let Some(at) = deadline else { return work.await };
    if Instant::now() >= at {
        return Err(SendError::unsent(Reason::TotalTimeout).into());
    }
    let mut work = pin!(work);
    if let Poll::Ready(done) = poll!(work.as_mut()) {
        return done;
    }
    // On the heap, and only now: a timer is large, and hardly a call needs one here.
    let in_time = Box::pin(timeout_at(at, work)).await;
    in_time.unwrap_or_else(|_| Err(SendError::unsent(Reason::TotalTimeout).into()))
}
