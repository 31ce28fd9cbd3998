//! One exchange, from the call to the head of its answer.

use std::sync::Arc;
use std::time::Duration;

use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use passthrough_core::header::Fields;
use tokio::time::{Instant, sleep_until, timeout_at};

use super::answer::{Answer, AnswerBody, Lease, Upgrade};
use super::error::{Reason, SendError, classify, describe};
use super::framing::{Framing, judge};
use super::head::{codec_fields, read_fields};
use super::pool::{Key, Socket};
use super::request::{RequestBody, is_empty, prepare, wants_upgrade};
use super::wire::Wire;
use super::{Call, Inner};

/// "For ever" in a form that can be added to an instant.
const LONGEST: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// How long to wait for the head of the answer.
#[derive(Clone, Copy)]
struct Patience {
    first_byte: Duration,
    deadline: Option<Instant>,
}

pub(super) async fn send(upstream: &Inner, call: Call) -> Result<Answer, SendError> {
    let began = Instant::now();
    let Call { environment, connection, origin, identity, deadline, .. } = call;
    let mut request = Request::new(call.body);
    *request.method_mut() = call.method;
    *request.uri_mut() = http::Uri::from(call.path);
    *request.headers_mut() = call.fields.to_map();
    let idle = call.idle.unwrap_or(upstream.timeouts.idle).min(LONGEST);
    let first_byte = call.first_byte.unwrap_or(upstream.timeouts.first_byte).min(LONGEST);
    let patience = Patience { first_byte, deadline };
    prepare(&mut request, &origin)?;
    let upgrade = wants_upgrade(&request);
    let permits = in_time(deadline, upstream.gates.enter(&environment, connection, &origin)).await?;

    let key = Key { environment, origin, identity: identity.as_ref().map(|identity| identity.fingerprint) };
    let mut request = request.map(|body| RequestBody::new(body, idle, Wire::new()));
    loop {
        let mut socket = match upstream.pool.take(&key) {
            Some(socket) => socket,
            None => {
                let connect = async {
                    let stream = upstream.connector.connect(&key.origin, identity.as_deref()).await?;
                    Socket::open(stream).await
                };
                in_time(deadline, connect).await?
            }
        };
        match ask(&mut socket, request, patience).await {
            Ok(response) => {
                let lease =
                    Lease { socket, permits, pool: Arc::downgrade(&upstream.pool), key, reusable: false };
                return shape(response, lease, upgrade, idle, deadline, began);
            }
            // A resting socket turned out dead before anything was written: the next one.
            Err(NoAnswer::Untouched(untouched, _)) if socket.reused => request = *untouched,
            Err(NoAnswer::Untouched(_, error) | NoAnswer::Failed(error)) => return Err(error),
        }
    }
}

/// Within the deadline of the call, before anything was sent.
async fn in_time<T>(
    deadline: Option<Instant>,
    work: impl Future<Output = Result<T, SendError>>,
) -> Result<T, SendError> {
    match deadline {
        None => work.await,
        Some(at) if Instant::now() >= at => Err(SendError::unsent(Reason::TotalTimeout)),
        Some(at) => {
            timeout_at(at, work).await.unwrap_or_else(|_| Err(SendError::unsent(Reason::TotalTimeout)))
        }
    }
}

enum NoAnswer {
    /// Nothing was written, and here is the request again.
    Untouched(Box<Request<RequestBody>>, SendError),
    Failed(SendError),
}

/// Gives the request to the codec and waits for the head of the answer.
async fn ask(
    socket: &mut Socket,
    request: Request<RequestBody>,
    patience: Patience,
) -> Result<Response<Incoming>, NoAnswer> {
    let wire = socket.wire.clone();
    wire.begin(is_empty(request.body()));
    let request = request.map(|body| body.on(wire.clone()));
    let mut answer = std::pin::pin!(socket.sender.try_send_request(request));
    let result = loop {
        let due = wire.overdue_at(patience.first_byte);
        let until = patience.deadline.map_or(due, |deadline| deadline.min(due));
        tokio::select! {
            biased;
            result = &mut answer => break result,
            () = sleep_until(until) => {}
        }
        let now = Instant::now();
        let reason = if patience.deadline.is_some_and(|deadline| now >= deadline) {
            Reason::TotalTimeout
        } else if now >= wire.overdue_at(patience.first_byte) {
            Reason::FirstByteTimeout
        } else {
            continue;
        };
        return Err(NoAnswer::Failed(SendError::new(reason, wire.sent(false))));
    };
    result.map_err(|mut error| {
        let untouched = error.take_message().filter(|_| wire.untouched());
        let failure = judge_failure(&wire, &error.into_error());
        match untouched {
            Some(request) => NoAnswer::Untouched(Box::new(request), failure),
            None => NoAnswer::Failed(failure),
        }
    })
}

fn judge_failure(wire: &Wire, error: &hyper::Error) -> SendError {
    if let Some(reason) = wire.body_failure() {
        return SendError::new(reason, wire.sent(true));
    }
    let reason = if wire.spoke_first() { Reason::Protocol } else { classify(error) };
    SendError::new(reason, wire.sent(true)).with(describe(error))
}

fn shape(
    mut response: Response<Incoming>,
    mut lease: Lease,
    upgrade: bool,
    idle: Duration,
    deadline: Option<Instant>,
    began: Instant,
) -> Result<Answer, SendError> {
    let wire = lease.socket.wire.clone();
    let refuse = |why: &str| SendError::new(Reason::Protocol, wire.sent(false)).with(why);
    let switched = response.status() == StatusCode::SWITCHING_PROTOCOLS;
    if switched && !upgrade {
        return Err(refuse("101 without having been asked"));
    }
    let on = switched.then(|| hyper::upgrade::on(&mut response));
    let (mut head, incoming) = response.into_parts();
    let mut fields = wire
        .take_head()
        .and_then(|bytes| read_fields(bytes, head.status, &head.headers))
        .unwrap_or_else(|| codec_fields(&head.headers));
    match judge(head.version, &mut head.headers, &mut fields) {
        Framing::Clean => lease.reusable = true,
        Framing::Odd => {}
        Framing::Refused => return Err(refuse("a transfer coding other than chunked")),
    }
    let reused = lease.socket.reused;
    let (body, upgrade) = match on {
        None => (AnswerBody::new(incoming, lease, idle, deadline), None),
        Some(on) => {
            let Lease { socket, permits, .. } = lease;
            socket.release();
            (AnswerBody::none(), Some(Upgrade { on, permits }))
        }
    };
    let upstream_ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    let bytes = |value: &http::HeaderValue| bytes::Bytes::copy_from_slice(value.as_bytes());
    let fields =
        fields.into_iter().map(|(name, value)| (bytes::Bytes::from(name.into_string()), bytes(&value)));
    let fields = Fields(fields.collect());
    let reason = head.status.canonical_reason().unwrap_or_default().into();
    Ok(Answer { status: head.status, reason, fields, body, upstream_ms, reused, upgrade })
}
