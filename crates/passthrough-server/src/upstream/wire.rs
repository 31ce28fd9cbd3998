//! What passes over one socket: a thin layer between the HTTP codec and the connection.
//!
//! The codec tells neither the spelling and order of an answer's header names nor how much of a request
//! left this machine. Both matter here (the first to callers, the second to `sent` and to the reuse of a
//! socket), so this layer notes them as bytes go by. It changes no byte and knows nothing of pools.

use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

use super::error::{Reason, Sent};
use super::head::HeadRecorder;
use super::tls::Stream;

/// The notes about one socket, shared by the layer, the request body and the exchange.
#[derive(Debug)]
pub(super) struct Wire(Mutex<Notes>);

#[derive(Debug)]
struct Notes {
    phase: Phase,
    head: HeadRecorder,
    /// Bytes written since the exchange began.
    written: u64,
    /// Whether a byte of the answer came.
    received: bool,
    /// Whether the codec holds bytes of the request that the socket has not taken yet.
    unflushed: bool,
    /// Whether the request body was taken to its end.
    body_done: bool,
    /// Why the request body failed, where it did.
    body_failed: Option<Reason>,
    /// Whether the request body waits for its source.
    waits_for_source: bool,
    /// Whether the provider spoke before it was asked.
    spoke_first: bool,
    /// When the request last moved.
    moved: Instant,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// In the pool, or new: nothing was asked.
    Resting,
    /// A request was given to the codec.
    Exchange,
    /// Handed over after an upgrade: no longer HTTP.
    HandedOver,
}

impl Wire {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self(Mutex::new(Notes {
            phase: Phase::Resting,
            head: HeadRecorder::default(),
            written: 0,
            received: false,
            unflushed: false,
            body_done: false,
            body_failed: None,
            waits_for_source: false,
            spoke_first: false,
            moved: Instant::now(),
        })))
    }

    fn notes(&self) -> MutexGuard<'_, Notes> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// An exchange begins; `bodyless` says that no request body will follow the head.
    pub(super) fn begin(&self, bodyless: bool) {
        let mut notes = self.notes();
        notes.phase = Phase::Exchange;
        notes.head = HeadRecorder::default();
        notes.written = 0;
        notes.received = false;
        notes.unflushed = false;
        notes.body_done = bodyless;
        notes.body_failed = None;
        notes.waits_for_source = false;
        notes.moved = Instant::now();
    }

    /// The socket goes to rest: whatever comes now was not asked for.
    pub(super) fn rest(&self) {
        self.notes().phase = Phase::Resting;
    }

    /// The socket is no longer ours to judge.
    pub(super) fn hand_over(&self) {
        self.notes().phase = Phase::HandedOver;
    }

    /// A frame of the request body was given to the codec; `last` if none follows.
    pub(super) fn body_moved(&self, last: bool) {
        let mut notes = self.notes();
        notes.unflushed = true;
        notes.waits_for_source = false;
        notes.body_done |= last;
        notes.moved = Instant::now();
    }

    /// The request body has nothing to give at the moment.
    pub(super) fn body_waits(&self) {
        self.notes().waits_for_source = true;
    }

    /// The request body will never be complete.
    pub(super) fn body_failed(&self, reason: Reason) {
        self.notes().body_failed = Some(reason);
    }

    /// Why the request body failed, where it did.
    pub(super) fn body_failure(&self) -> Option<Reason> {
        self.notes().body_failed
    }

    /// Whether the provider spoke before it was asked.
    pub(super) fn spoke_first(&self) -> bool {
        self.notes().spoke_first
    }

    /// Whether the request left this machine in full.
    pub(super) fn request_sent(&self) -> bool {
        let notes = self.notes();
        notes.body_done && !notes.unflushed
    }

    /// Whether nothing of the request left this machine.
    pub(super) fn untouched(&self) -> bool {
        self.notes().written == 0
    }

    /// What is known about the request after the exchange ended without an answer. `closed`: the provider
    /// closed the connection, so that bytes which left us may have met nobody.
    pub(super) fn sent(&self, closed: bool) -> Sent {
        let notes = self.notes();
        if notes.received {
            Sent::Yes
        } else if notes.written == 0 {
            Sent::No
        } else if notes.body_done && !notes.unflushed && !closed {
            Sent::Yes
        } else {
            Sent::Unknown
        }
    }

    /// When the head of the answer is overdue. Time in which the request body waits for its own source
    /// is not the provider's.
    pub(super) fn overdue_at(&self, patience: Duration) -> Instant {
        let notes = self.notes();
        if notes.waits_for_source { Instant::now() + patience } else { notes.moved + patience }
    }

    /// The bytes of the final head, if they were seen in full. Can be taken once.
    pub(super) fn take_head(&self) -> Option<Vec<u8>> {
        std::mem::take(&mut self.notes().head).finish()
    }

    fn on_read(&self, bytes: &[u8]) -> io::Result<()> {
        let mut notes = self.notes();
        match notes.phase {
            Phase::HandedOver => Ok(()),
            Phase::Exchange if notes.written > 0 => {
                notes.received = true;
                notes.head.push(bytes);
                Ok(())
            }
            // Stops response-queue poisoning: an answer that lies in the socket before the question was
            // asked would be taken for the answer to the next customer's request.
            Phase::Resting | Phase::Exchange => {
                notes.spoke_first = true;
                Err(io::Error::new(io::ErrorKind::InvalidData, "bytes that nobody asked for"))
            }
        }
    }

    fn on_look(&self, error: &io::Error) {
        // With a cause it is TLS that broke; without one, bytes that nobody asked for.
        self.notes().spoke_first |= error.kind() == io::ErrorKind::InvalidData && error.get_ref().is_none();
    }

    fn is_untouched_exchange(&self) -> bool {
        let notes = self.notes();
        notes.phase == Phase::Exchange && notes.written == 0
    }

    fn on_write(&self, count: usize) {
        let mut notes = self.notes();
        notes.written += count as u64;
        notes.unflushed = true;
        notes.moved = Instant::now();
    }

    /// The codec flushes only when it holds nothing more.
    fn on_flushed(&self) {
        self.notes().unflushed = false;
    }

    fn is_handed_over(&self) -> bool {
        self.notes().phase == Phase::HandedOver
    }
}

/// A connection whose traffic is noted.
#[derive(Debug)]
pub(super) struct Tap {
    stream: Stream,
    wire: Arc<Wire>,
    write_broken: bool,
}

impl Tap {
    pub(super) fn new(stream: Stream, wire: Arc<Wire>) -> Self {
        Self { stream, wire, write_broken: false }
    }

    /// A provider may answer early (413, 401) and close while the request is still being written. The
    /// failed write must not hide that answer, which lies in the receive buffer: so the write side falls
    /// silent and the read side, which is going to see the answer or the end, tells how it went.
    fn judge_write(&mut self, cx: &Context<'_>, result: io::Result<usize>) -> Poll<io::Result<usize>> {
        match result {
            Ok(count) => {
                self.wire.on_write(count);
                Poll::Ready(Ok(count))
            }
            Err(error) if self.wire.is_handed_over() => Poll::Ready(Err(error)),
            Err(_) => {
                self.write_broken = true;
                cx.waker().wake_by_ref();
                Poll::Pending
            }
        }
    }
}

impl AsyncRead for Tap {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let result = Pin::new(&mut self.stream).poll_read(cx, buf);
        if result.is_pending() && self.wire.is_untouched_exchange() {
            // The codec reads before it takes the request out of its queue, so an error here gives the
            // request back unharmed. The runtime may not have heard yet of what the socket holds.
            self.stream.look().inspect_err(|error| self.wire.on_look(error))?;
        }
        if matches!(result, Poll::Ready(Ok(()))) && buf.filled().len() > before {
            self.wire.on_read(&buf.filled()[before..])?;
        }
        result
    }
}

impl AsyncWrite for Tap {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        if self.write_broken {
            return Poll::Pending;
        }
        match Pin::new(&mut self.stream).poll_write(cx, buf) {
            Poll::Ready(result) => self.judge_write(cx, result),
            Poll::Pending => Poll::Pending,
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if self.write_broken {
            return Poll::Pending;
        }
        match Pin::new(&mut self.stream).poll_write_vectored(cx, bufs) {
            Poll::Ready(result) => self.judge_write(cx, result),
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.write_broken {
            return Poll::Pending;
        }
        match Pin::new(&mut self.stream).poll_flush(cx) {
            Poll::Ready(Ok(())) => {
                self.wire.on_flushed();
                Poll::Ready(Ok(()))
            }
            Poll::Ready(Err(error)) => self.judge_write(cx, Err(error)).map_ok(|_| ()),
            Poll::Pending => Poll::Pending,
        }
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
