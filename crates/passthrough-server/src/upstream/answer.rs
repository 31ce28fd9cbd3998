//! The answer of a provider: its head, and a body that gives the socket back when it ends.

use std::fmt;
use std::pin::Pin;
use std::sync::Weak;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use passthrough_core::header::Fields;
use tokio::time::{Instant, Sleep, sleep_until};

use super::error::{BodyError, Reason, classify};
use super::limit::Permits;
use super::pool::{Key, Pool, Socket};

/// A provider's answer. Its body still streams.
pub struct Answer {
    /// The provider's status. Never an informational one other than an asked-for 101.
    pub status: StatusCode,
    /// The reason phrase, where the protocol has one.
    pub reason: Bytes,
    /// The headers.
    pub fields: Fields,
    /// The body, with the provider's content coding untouched.
    pub body: AnswerBody,
    /// Milliseconds from the call to the head of this answer.
    pub upstream_ms: u64,
    /// Whether the socket had served another request before.
    pub reused: bool,
    /// The connection, where 101 was asked for and given.
    pub upgrade: Option<Upgrade>,
}

impl fmt::Debug for Answer {
    /// Without headers and body: they are the customer's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answer")
            .field("status", &self.status)
            .field("fields", &self.fields.0.len())
            .field("upstream_ms", &self.upstream_ms)
            .field("upgrade", &self.upgrade.is_some())
            .finish_non_exhaustive()
    }
}

/// A connection that is about to speak another protocol. Its places in flight are held until the end.
pub struct Upgrade {
    pub(super) on: OnUpgrade,
    pub(super) permits: Permits,
}

impl fmt::Debug for Upgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Upgrade(…)")
    }
}

/// A connection that speaks another protocol, as raw bytes in both directions.
pub struct UpgradedConnection {
    /// The bytes. Dropping it closes the connection.
    pub io: TokioIo<Upgraded>,
    _permits: Permits,
}

impl fmt::Debug for UpgradedConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UpgradedConnection(…)")
    }
}

impl Upgrade {
    /// Waits until the connection is free of HTTP, which is at once unless it breaks.
    pub async fn connection(self) -> Result<UpgradedConnection, BodyError> {
        let upgraded = self.on.await.map_err(|error| BodyError { reason: classify(&error) })?;
        Ok(UpgradedConnection { io: TokioIo::new(upgraded), _permits: self.permits })
    }
}

/// What an answer holds until its body has ended.
pub(super) struct Lease {
    pub(super) socket: Socket,
    pub(super) permits: Permits,
    pub(super) pool: Weak<Pool>,
    pub(super) key: Key,
    /// Whether the head was free of oddities.
    pub(super) reusable: bool,
}

impl Lease {
    /// The answer is complete. The socket rests, unless the request is still being written: then the
    /// provider answered early, and what it makes of the remaining bytes is anybody's guess.
    fn finish(self) {
        let Lease { socket, permits, pool, key, reusable } = self;
        drop(permits);
        if let Some(pool) = pool.upgrade().filter(|_| reusable && socket.wire.request_sent()) {
            pool.put(key, socket);
        }
    }
}

/// The body of an answer.
///
/// Ends only where the provider ended it: an answer that was cut short is an error. Dropped before its
/// end, it closes the connection, so that a caller who goes away cancels the provider's work at once.
pub struct AnswerBody {
    incoming: Option<Incoming>,
    lease: Option<Lease>,
    idle: Duration,
    deadline: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl fmt::Debug for AnswerBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnswerBody").field("complete", &self.lease.is_none()).finish_non_exhaustive()
    }
}

impl AnswerBody {
    pub(super) fn new(incoming: Incoming, lease: Lease, idle: Duration, deadline: Option<Instant>) -> Self {
        let mut body = Self { incoming: Some(incoming), lease: Some(lease), idle, deadline, timer: None };
        body.finish_if_complete();
        body
    }

    /// The body of a 101.
    pub(super) fn none() -> Self {
        Self { incoming: None, lease: None, idle: Duration::ZERO, deadline: None, timer: None }
    }

    /// A body of known length is complete with its last byte; nobody has to ask for the end.
    fn finish_if_complete(&mut self) {
        if self.incoming.as_ref().is_none_or(Incoming::is_end_stream)
            && let Some(lease) = self.lease.take()
        {
            lease.finish();
        }
    }

    fn fail(&mut self, reason: Reason) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.incoming = None;
        self.lease = None;
        Poll::Ready(Some(Err(BodyError { reason })))
    }

    /// Nothing came: how long may that go on?
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let (idle, deadline) = (self.idle, self.deadline);
        let timer = self.timer.get_or_insert_with(|| {
            let until = Instant::now() + idle;
            Box::pin(sleep_until(deadline.map_or(until, |deadline| deadline.min(until))))
        });
        if timer.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        let reason = if self.is_late() { Reason::TotalTimeout } else { Reason::IdleTimeout };
        self.fail(reason)
    }

    fn is_late(&self) -> bool {
        self.deadline.is_some_and(|deadline| Instant::now() >= deadline)
    }
}

impl Body for AnswerBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let this = &mut *self;
        let Some(incoming) = &mut this.incoming else { return Poll::Ready(None) };
        let Poll::Ready(frame) = Pin::new(incoming).poll_frame(cx) else {
            return this.poll_patience(cx);
        };
        this.timer = None;
        match frame {
            Some(Ok(frame)) => {
                this.finish_if_complete();
                if this.lease.is_some() && this.is_late() {
                    return this.fail(Reason::TotalTimeout);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(error)) => {
                let own = this.lease.as_ref().and_then(|lease| lease.socket.wire.body_failure());
                this.fail(own.unwrap_or_else(|| classify(&error)))
            }
            None => {
                this.incoming = None;
                this.finish_if_complete();
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Incoming::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.as_ref().map_or_else(|| SizeHint::with_exact(0), Incoming::size_hint)
    }
}
