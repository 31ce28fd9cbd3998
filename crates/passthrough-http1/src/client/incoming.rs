//! What was read from the socket and not handed out yet.
//!
//! The buffer begins small and grows only for streams that fill it, up to the window of 64 KiB. While nothing
//! is there to be read it is not held at all, since thousands of sockets may wait for a slow server.

use std::io;
use std::pin::pin;
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt};

/// Room for the first read: an ordinary answer.
const SMALLEST: usize = 8 * 1024;
/// The window.
const LARGEST: usize = 64 * 1024;

/// The read side of one connection.
pub(super) struct Incoming {
    buffer: BytesMut,
    /// Room for the next read.
    room: usize,
    reads: u64,
}

impl Incoming {
    pub(super) fn new() -> Self {
        Self { buffer: BytesMut::new(), room: SMALLEST, reads: 0 }
    }

    /// Reads once, as much as there is room for. `0` is the end.
    pub(super) fn poll_read<S: AsyncRead + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut S,
    ) -> Poll<io::Result<usize>> {
        if self.buffer.capacity() - self.buffer.len() < self.room / 2 {
            self.buffer.reserve(self.room);
        }
        let room = self.buffer.capacity() - self.buffer.len();
        // The future holds nothing, so it may be made anew for each poll.
        let read = pin!(io.read_buf(&mut self.buffer)).poll(cx);
        if read.is_pending() && self.buffer.is_empty() && self.room == SMALLEST {
            self.buffer = BytesMut::new();
        }
        let count = ready!(read)?;
        self.reads += 1;
        if count == room {
            self.room = (self.room * 2).min(LARGEST);
        } else if count < self.room / 4 {
            self.room = (self.room / 2).max(SMALLEST);
        }
        Poll::Ready(Ok(count))
    }

    /// How often something came.
    pub(super) fn reads(&self) -> u64 {
        self.reads
    }

    pub(super) fn is_empty(&self) -> bool {
        self.buffer.is_empty()
    }

    pub(super) fn buffer(&mut self) -> &mut BytesMut {
        &mut self.buffer
    }

    /// Gives the memory back.
    pub(super) fn rest(&mut self) {
        if self.buffer.is_empty() {
            self.buffer = BytesMut::new();
            self.room = SMALLEST;
        }
    }

    pub(super) fn into_buffer(self) -> BytesMut {
        self.buffer
    }
}
