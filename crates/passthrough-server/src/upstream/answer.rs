//! The answer of a provider: its head, and a body that gives the connection back when it ends.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use passthrough_core::header::Fields;

use super::error::{BodyError, Reason};
use super::http1::Socket;
use super::http2::Incoming;
use super::limit::Permits;
use super::patience::{Patience, Timer};
use super::request::Waits;
use super::upgrade::Upgrade;

/// A provider's answer. Its body still streams.
pub struct Answer {
    /// The provider's status. Never an informational one other than an asked-for 101.
    pub status: StatusCode,
    /// The reason phrase, which may be empty; `None` where the protocol has none.
    pub reason: Option<Bytes>,
    /// The headers.
    pub fields: Fields,
    /// The body, with the provider's content coding untouched.
    pub body: AnswerBody,
    /// When its head came.
    pub came: tokio::time::Instant,
    /// Milliseconds from the call to the head of this answer.
    pub upstream_ms: u64,
    /// Whether the connection had served another request before.
    pub reused: bool,
    /// When the connection was opened, where this call had to.
    pub dialled: Option<Dialled>,
    /// The connection, where 101 was asked for and given.
    pub upgrade: Option<Upgrade>,
}

/// When a connection was opened: from the look-up of its name to the end of its handshake.
#[derive(Debug, Clone, Copy)]
pub struct Dialled {
    /// From then.
    pub from: tokio::time::Instant,
    /// To then.
    pub to: tokio::time::Instant,
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

/// Where the body comes from.
enum Flow {
    /// It is over.
    Over,
    /// What was looked at comes first, then the rest.
    Seen {
        first: Option<Bytes>,
        rest: Box<AnswerBody>,
    },
    Http1 {
        socket: Box<Socket>,
        permits: Permits,
    },
    Http2 {
        stream: Box<Incoming>,
        timer: Timer,
        _permits: Permits,
    },
}

/// The body of an answer.
///
/// Ends only where the provider ended it: an answer that was cut short is an error. Dropped before its
/// end, it closes the connection or resets the stream, so that a caller who goes away cancels the provider's
/// work at once.
pub struct AnswerBody {
    flow: Flow,
    idle: Duration,
    patience: Patience,
}

impl fmt::Debug for AnswerBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AnswerBody").field("complete", &self.is_end_stream()).finish_non_exhaustive()
    }
}

impl AnswerBody {
    fn new(flow: Flow, waits: Waits) -> Self {
        let mut body = Self { flow, idle: waits.idle, patience: Patience::new(waits.deadline) };
        body.finish_if_complete();
        body
    }

    pub(super) fn http1(socket: Box<Socket>, permits: Permits, waits: Waits) -> Self {
        Self::new(Flow::Http1 { socket, permits }, waits)
    }

    pub(super) fn http2(stream: Box<Incoming>, permits: Permits, waits: Waits) -> Self {
        Self::new(Flow::Http2 { stream, timer: Timer::default(), _permits: permits }, waits)
    }

    /// The body of a 101.
    pub(super) fn none() -> Self {
        Self { flow: Flow::Over, idle: Duration::ZERO, patience: Patience::new(None) }
    }

    /// A body is complete with its last byte, where that is known; nobody has to ask for the end.
    fn finish_if_complete(&mut self) {
        if self.is_end_stream()
            && let Flow::Http1 { socket, permits } = std::mem::replace(&mut self.flow, Flow::Over)
        {
            drop(permits);
            socket.finish();
        }
    }

    /// Reads ahead, up to `most` bytes, and gives the whole body where it has no more; whoever reads the body gets it
    /// all the same.
    pub async fn look_ahead(&mut self, most: usize) -> Result<Option<Bytes>, BodyError> {
        if self.size_hint().lower() > most as u64 {
            return Ok(None);
        }
        let mut seen = bytes::BytesMut::new();
        while seen.len() <= most {
            match self.frame().await {
                None => break,
                Some(frame) => {
                    // Trailers are not kept: nobody who looks at a body for an error needs them.
                    if let Ok(data) = frame?.into_data() {
                        seen.extend_from_slice(&data);
                    }
                }
            }
        }
        let (seen, whole) = (seen.freeze(), self.is_end_stream());
        let (idle, patience) = (self.idle, Patience::new(None));
        let rest = Box::new(std::mem::replace(self, Self::none()));
        *self = Self { flow: Flow::Seen { first: Some(seen.clone()), rest }, idle, patience };
        Ok(whole.then_some(seen))
    }

    fn fail(&mut self, reason: Reason) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        self.flow = Flow::Over;
        Poll::Ready(Some(Err(BodyError { reason })))
    }

    /// Nothing came: how long may that go on?
    fn poll_late(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let (timer, moves) = match &mut self.flow {
            Flow::Over => return Poll::Ready(None),
            // The rest has a patience of its own.
            Flow::Seen { .. } => return Poll::Pending,
            Flow::Http1 { socket, .. } => {
                let moves = socket.moves();
                (&mut socket.timer, moves)
            }
            Flow::Http2 { stream, timer, .. } => (timer, stream.moves()),
        };
        match self.patience.poll(cx, timer, moves, (self.idle, Reason::IdleTimeout)) {
            Poll::Ready(reason) => self.fail(reason),
            Poll::Pending => Poll::Pending,
        }
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
        let frame = match &mut this.flow {
            Flow::Over => return Poll::Ready(None),
            Flow::Seen { first, rest } => {
                return match first.take().filter(|first| !first.is_empty()) {
                    Some(first) => Poll::Ready(Some(Ok(Frame::data(first)))),
                    None => Pin::new(rest).poll_frame(cx),
                };
            }
            Flow::Http1 { socket, .. } => socket.poll_frame(cx),
            Flow::Http2 { stream, .. } => stream.poll_frame(cx),
        };
        let Poll::Ready(frame) = frame else { return this.poll_late(cx) };
        match frame {
            Some(Ok(frame)) => {
                this.finish_if_complete();
                if !this.is_end_stream() && this.patience.is_late() {
                    return this.fail(Reason::TotalTimeout);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(reason)) => this.fail(reason),
            None => {
                this.finish_if_complete();
                this.flow = Flow::Over;
                Poll::Ready(None)
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.flow {
            Flow::Over => true,
            Flow::Seen { first, rest } => first.as_ref().is_none_or(Bytes::is_empty) && rest.is_end_stream(),
            Flow::Http1 { socket, .. } => socket.is_end(),
            Flow::Http2 { stream, .. } => stream.is_end(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        let remaining = match &self.flow {
            Flow::Over => Some(0),
            Flow::Seen { first, rest } => {
                let seen = first.as_ref().map_or(0, |first| first.len() as u64);
                rest.size_hint().exact().map(|rest| rest + seen)
            }
            Flow::Http1 { socket, .. } => socket.remaining(),
            Flow::Http2 { stream, .. } => stream.remaining(),
        };
        remaining.map_or_else(SizeHint::new, SizeHint::with_exact)
    }
}
