//! What the frames of an HTTP/2 connection say about which requests the provider has seen.
//!
//! The codec tells neither how far a GOAWAY reached nor what of a request left this machine; both decide
//! whether a request may be sent again. So the heads of frames are read as they go by. No byte is changed.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU32, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;

use crate::metrics::Closed;

/// Bytes of a frame's head (RFC 9113 §4.1).
const HEAD: usize = 9;
/// The preface of a connection (RFC 9113 §3.4).
const PREFACE: usize = 24;
const HEADERS: u8 = 1;
const GOAWAY: u8 = 7;

/// The notes about one connection.
#[derive(Debug)]
pub(super) struct Notes {
    /// The highest stream whose request left this machine, or began to.
    written: AtomicU32,
    /// The highest stream that the provider may have acted upon, from its GOAWAY.
    last: AtomicU32,
    /// Requests on their way.
    pub(super) open: AtomicUsize,
    closed: AtomicBool,
    /// Why, where it was us.
    why: OnceLock<Closed>,
    condemned: Notify,
}

impl Notes {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            written: AtomicU32::new(0),
            last: AtomicU32::new(u32::MAX),
            open: AtomicUsize::new(0),
            closed: AtomicBool::new(false),
            why: OnceLock::new(),
            condemned: Notify::new(),
        })
    }

    /// Nobody is to join any more. The first reason counts.
    pub(super) fn close(&self, why: Closed) {
        let _ = self.why.set(why);
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Why the connection has ended.
    pub(super) fn end(&self) -> Closed {
        match self.why.get() {
            Some(why) => *why,
            None if self.last.load(Ordering::Relaxed) != u32::MAX => Closed::NotReusable,
            None if self.open.load(Ordering::Relaxed) > 0 => Closed::Abandoned,
            None => Closed::Dead,
        }
    }

    /// The connection is to end at once: its provider floods it, and who reads a flood serves nobody.
    pub(super) fn condemn(&self) {
        self.close(Closed::NotReusable);
        self.condemned.notify_one();
    }

    /// Ends when the connection was condemned.
    pub(super) async fn condemned(&self) {
        self.condemned.notified().await;
    }

    /// Whether the provider takes further requests.
    pub(super) fn is_open(&self) -> bool {
        !self.closed.load(Ordering::Relaxed) && self.last.load(Ordering::Relaxed) == u32::MAX
    }

    /// Whether the provider cannot have acted upon a stream: nothing of it was written, or the provider said
    /// so when it went away (RFC 9113 §6.8).
    pub(super) fn is_unprocessed(&self, stream: u32) -> bool {
        stream > self.written.load(Ordering::Acquire) || stream > self.last.load(Ordering::Acquire)
    }
}

/// Finds the heads of frames in a stream of bytes.
#[derive(Debug, Default)]
struct Scanner {
    /// The head, and for a GOAWAY the stream that it names.
    seen: Vec<u8>,
    /// Bytes that are of no interest.
    skip: usize,
}

impl Scanner {
    /// Calls `note` with type, stream and, for a GOAWAY, the last stream.
    fn scan(&mut self, mut bytes: &[u8], mut note: impl FnMut(u8, u32, u32)) {
        while !bytes.is_empty() {
            let skipped = self.skip.min(bytes.len());
            (self.skip, bytes) = (self.skip - skipped, &bytes[skipped..]);
            let wanted = if self.seen.get(3) == Some(&GOAWAY) { HEAD + 4 } else { HEAD };
            let taken = (wanted - self.seen.len()).min(bytes.len());
            self.seen.extend_from_slice(&bytes[..taken]);
            bytes = &bytes[taken..];
            let is_goaway = self.seen.get(3) == Some(&GOAWAY);
            if self.seen.len() < if is_goaway { HEAD + 4 } else { HEAD } {
                continue;
            }
            let number = |at: usize| {
                self.seen[at..].iter().take(4).fold(0_u32, |number, byte| number << 8 | u32::from(*byte))
                    & 0x7fff_ffff
            };
            let length = self.seen[..3].iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
            note(self.seen[3], number(5), if is_goaway { number(HEAD) } else { 0 });
            // A GOAWAY shorter than its own last stream is refused by the codec.
            self.skip = length.saturating_sub(if is_goaway { 4 } else { 0 });
            self.seen.clear();
        }
    }
}

/// A connection whose frames are noted.
pub(super) struct Noted<S> {
    io: S,
    notes: Arc<Notes>,
    read: Scanner,
    written: Scanner,
}

impl<S> Noted<S> {
    pub(super) fn new(io: S, notes: Arc<Notes>) -> Self {
        let written = Scanner { skip: PREFACE, ..Scanner::default() };
        Self { io, notes, read: Scanner::default(), written }
    }

    fn on_written(&mut self, bytes: &[u8]) {
        let notes = &self.notes;
        self.written.scan(bytes, |kind, stream, _| {
            if kind == HEADERS {
                notes.written.fetch_max(stream, Ordering::Release);
            }
        });
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Noted<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = &mut *self;
        let before = buf.filled().len();
        ready!(Pin::new(&mut this.io).poll_read(cx, buf))?;
        let notes = &this.notes;
        this.read.scan(&buf.filled()[before..], |kind, _, last| {
            if kind == GOAWAY {
                notes.last.fetch_min(last, Ordering::Release);
            }
        });
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Noted<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.io).poll_write(cx, buf))?;
        self.on_written(&buf[..count]);
        Poll::Ready(Ok(count))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let count = ready!(Pin::new(&mut self.io).poll_write_vectored(cx, bufs))?;
        let mut left = count;
        for buf in bufs {
            let taken = left.min(buf.len());
            self.on_written(&buf[..taken]);
            left -= taken;
        }
        Poll::Ready(Ok(count))
    }

    fn is_write_vectored(&self) -> bool {
        self.io.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
        let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
        [&length[1..], &[kind, 0], &stream.to_be_bytes(), payload].concat()
    }

    #[test]
    fn frames_are_found_however_the_bytes_are_cut() {
        let bytes = [
            frame(4, 0, &[0; 18]),
            frame(HEADERS, 5, b"\x07\x07\x07"),
            frame(0, 5, &[]),
            frame(GOAWAY, 0, &[0, 0, 0, 3, 0, 0, 0, 0, 7]),
            frame(HEADERS, 7, &[1; 300]),
        ]
        .concat();
        for size in 1..bytes.len() {
            let (mut scanner, mut seen) = (Scanner::default(), Vec::new());
            for piece in bytes.chunks(size) {
                scanner.scan(piece, |kind, stream, last| seen.push((kind, stream, last)));
            }
            let expected = [(4, 0, 0), (HEADERS, 5, 0), (0, 5, 0), (GOAWAY, 0, 3), (HEADERS, 7, 0)];
            assert_eq!(seen, expected, "in pieces of {size}");
        }
    }

    #[test]
    fn a_connection_ends_for_the_first_reason_that_there_was() {
        let ended = |change: fn(&Notes)| {
            let notes = Notes::new();
            change(&notes);
            notes.end()
        };
        assert_eq!(ended(|_| {}), Closed::Dead);
        assert_eq!(ended(|notes| notes.open.store(1, Ordering::Relaxed)), Closed::Abandoned);
        let leaving = |notes: &Notes| {
            notes.open.store(1, Ordering::Relaxed);
            notes.last.store(3, Ordering::Relaxed);
        };
        assert_eq!(ended(leaving), Closed::NotReusable);
        let expired = |notes: &Notes| {
            notes.close(Closed::Expired);
            notes.condemn();
        };
        assert_eq!(ended(expired), Closed::Expired);
    }

    #[test]
    fn only_what_was_written_and_not_given_up_may_have_been_processed() {
        let notes = Notes::new();
        assert!(notes.is_unprocessed(1));
        notes.written.store(5, Ordering::Relaxed);
        assert!(!notes.is_unprocessed(5) && notes.is_unprocessed(7) && notes.is_open());
        notes.last.store(3, Ordering::Relaxed);
        assert!(!notes.is_unprocessed(3) && notes.is_unprocessed(5) && !notes.is_open());
    }
}
