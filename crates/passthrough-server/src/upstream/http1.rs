//! HTTP/1.1 to a provider: one socket, one exchange at a time.

use std::future::poll_fn;
use std::io;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::Frame;
use passthrough_core::header::Fields;
use passthrough_http1::client::{Connection, Error, FirstLine, Part, Sent as SentBytes};
use passthrough_http1::framing::BodyLength;
use passthrough_http1::head::{Limits, ResponseHead};
use passthrough_http1::trailer;

use super::InterimSink;
use super::error::{Reason, SendError, Sent, classify, classify_io};
use super::patience::{Patience, Timer};
use super::pool::{Key, Pools};
use super::request::{RequestHead, UpstreamBody, Waits};
use super::tls::Stream;
use crate::metrics::{self, Closed};

/// What is accepted of an answer's head, whatever its protocol.
pub(super) const HEAD_LIMITS: Limits = Limits { bytes: 64 * 1024, fields: 100 };

/// One HTTP/1.1 connection. Dropping it closes the connection.
pub(super) struct Socket {
    connection: Connection<Stream, UpstreamBody>,
    /// The provider's name in `Host`.
    authority: Box<str>,
    /// Where it rests.
    home: Home,
    /// Stays with the socket from one exchange to the next.
    pub(super) timer: Timer,
    /// Whether it served a request before.
    pub(super) reused: bool,
    life: Life,
}

/// Where a socket rests between two exchanges.
pub(super) struct Home {
    /// Weak, or the sockets in the pools would keep the pools that keep them.
    pub(super) pools: Weak<Pools>,
    /// The worker's.
    pub(super) number: usize,
    /// Who may share it.
    pub(super) key: Key,
}

/// Counts the end of a socket.
struct Life {
    numbers: Arc<metrics::Upstream>,
    ends: Closed,
}

impl Drop for Life {
    fn drop(&mut self) {
        self.numbers.closed(self.ends);
    }
}

impl Socket {
    pub(super) fn new(stream: Stream, home: Home, numbers: Arc<metrics::Upstream>) -> Box<Self> {
        let connection = Connection::new(stream, HEAD_LIMITS);
        let authority = home.key.origin.authority().into();
        let life = Life { numbers, ends: Closed::Abandoned };
        Box::new(Self { connection, authority, home, timer: Timer::default(), reused: false, life })
    }

    /// Its exchange is over. It goes home, unless anything was odd or the request is still being written: then
    /// the provider answered early, and what it makes of the remaining bytes is anybody's guess.
    pub(super) fn finish(self: Box<Self>) {
        match self.home.pools.upgrade() {
            Some(pools) if self.connection.is_reusable() => pools.put(self),
            _ => self.close(Closed::NotReusable),
        }
    }

    /// Where it rests.
    pub(super) fn home(&self) -> &Home {
        &self.home
    }

    /// Closes it, for this reason.
    pub(super) fn close(mut self: Box<Self>, why: Closed) {
        self.life.ends = why;
    }

    /// Looks whether the socket is as quiet as it has to be before a request is written to it, past the
    /// runtime's memory of what is readable: an answer that lies in the socket before the question was asked
    /// would be taken for the answer to it.
    pub(super) fn check_quiet(&mut self) -> Result<(), SendError> {
        self.connection.io().look().map_err(|error| {
            let spoke = error.kind() == io::ErrorKind::InvalidData && error.get_ref().is_none();
            let reason = if spoke { Reason::Protocol } else { classify_io(&error) };
            SendError::unsent(reason).with("the server spoke before it was asked, or closed")
        })
    }

    /// Whether the socket can take a request after its rest.
    pub(super) fn is_quiet(&mut self) -> bool {
        self.connection.io().look().is_ok()
    }

    /// Gives back the memory that it does not need while it rests.
    pub(super) fn rest(&mut self) {
        self.connection.rest();
        self.reused = true;
    }

    /// Sends a request and waits for the head of the answer.
    pub(super) async fn ask(
        &mut self,
        head: &RequestHead<'_>,
        body: UpstreamBody,
        waits: Waits,
        interim: &mut Option<InterimSink>,
    ) -> Result<ResponseHead, SendError> {
        let line =
            FirstLine { method: head.method, target: head.path.as_str().as_bytes(), upgrade: head.upgrade };
        let length = head.body_length(&body);
        let fields = head.fields(&self.authority);
        let begun = self.connection.begin(line, fields, length, body);
        begun.map_err(|error| self.failed(&error))?;
        let mut patience = Patience::new(waits.deadline);
        loop {
            let head = poll_fn(|cx| self.poll_head(cx, waits, &mut patience)).await?;
            if head.status.is_informational() && head.status != http::StatusCode::SWITCHING_PROTOCOLS {
                if let Some(sink) = interim {
                    sink(head.status, head.reason, Fields(head.fields));
                }
                continue;
            }
            return Ok(head);
        }
    }

    fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        waits: Waits,
        patience: &mut Patience,
    ) -> Poll<Result<ResponseHead, SendError>> {
        if let Poll::Ready(head) = self.connection.poll_head(cx) {
            return Poll::Ready(head.map_err(|error| self.failed(&error)));
        }
        // Time in which the request body waits for its own source is not the provider's.
        let idle = if self.connection.waits_for_source() {
            (waits.idle, Reason::RequestBody)
        } else {
            (waits.first_byte, Reason::FirstByteTimeout)
        };
        let late = patience.poll(cx, &mut self.timer, self.connection.moves(), idle);
        late.map(|reason| Err(SendError::new(reason, self.sent())))
    }

    fn failed(&self, error: &Error) -> SendError {
        SendError::new(classify(error), self.sent()).with(error)
    }

    fn sent(&self) -> Sent {
        match self.connection.sent() {
            SentBytes::No => Sent::No,
            SentBytes::Unknown => Sent::Unknown,
            SentBytes::Yes => Sent::Yes,
        }
    }

    /// The next frame of the answer's body. `None` at its end.
    pub(super) fn poll_frame(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Reason>>> {
        self.connection.poll_body(cx).map(|part| {
            Some(match part? {
                Ok(Part::Data(data)) => Ok(Frame::data(data)),
                Ok(Part::Trailers(fields)) => Ok(Frame::trailers(trailer::kept(&Fields(fields).to_map()))),
                Err(error) => Err(classify(&error)),
            })
        })
    }

    /// Whether the answer was handed out to its end.
    pub(super) fn is_end(&self) -> bool {
        self.connection.is_end()
    }

    /// What is left of the answer's body, if that is known.
    pub(super) fn remaining(&self) -> Option<u64> {
        self.connection.remaining()
    }

    /// Grows whenever something moves.
    pub(super) fn moves(&self) -> u64 {
        self.connection.moves()
    }

    /// The connection and what was read of it, after a switch of protocols.
    pub(super) fn into_stream(mut self) -> (Stream, Bytes) {
        self.life.ends = Closed::Upgraded;
        let (stream, read) = self.connection.into_io();
        (stream, read.freeze())
    }
}

impl RequestHead<'_> {
    /// How the body is framed. A method that defines content says 0; the others say nothing (RFC 9110 §8.6).
    pub(super) fn body_length(&self, body: &UpstreamBody) -> BodyLength {
        match body.length() {
            Some(0) if !self.defines_content() => BodyLength::None,
            Some(length) => BodyLength::Exact(length),
            None => BodyLength::Chunked,
        }
    }
}
