//! What was read from the socket and not handed out yet.
//!
//! What comes first is read onto the stack and kept in as many bytes as it has, so that nothing is held while
//! nothing is there: thousands of sockets may wait for a slow server. Only streams that fill that room get a
//! buffer to be read into, which grows up to the window of 64 KiB.

use std::io;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};

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
        let (count, room) = if self.room == SMALLEST {
            (ready!(self.poll_read_little(cx, io))?, SMALLEST)
        } else {
            ready!(self.poll_read_much(cx, io))?
        };
        self.reads += 1;
        if count == room {
            self.room = (self.room * 2).min(LARGEST);
        } else if count < self.room / 4 {
            self.room = (self.room / 2).max(SMALLEST);
        }
        Poll::Ready(Ok(count))
    }

    /// What came, up to the smallest room.
    fn poll_read_little<S: AsyncRead + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut S,
    ) -> Poll<io::Result<usize>> {
        let mut room = [MaybeUninit::uninit(); SMALLEST];
        let mut read = ReadBuf::uninit(&mut room);
        ready!(Pin::new(io).poll_read(cx, &mut read))?;
        self.buffer.extend_from_slice(read.filled());
        Poll::Ready(Ok(read.filled().len()))
    }

    /// What came, and how much might have come.
    fn poll_read_much<S: AsyncRead + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut S,
    ) -> Poll<io::Result<(usize, usize)>> {
        if self.buffer.capacity() - self.buffer.len() < self.room / 2 {
            self.buffer.reserve(self.room);
        }
        let room = self.buffer.capacity() - self.buffer.len();
        // The future holds nothing, so it may be made anew for each poll.
        let count = ready!(pin!(io.read_buf(&mut self.buffer)).poll(cx))?;
        Poll::Ready(Ok((count, room)))
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
