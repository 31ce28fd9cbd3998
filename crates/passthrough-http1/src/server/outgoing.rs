//! What waits to be written: short things gathered, a long one as it is.

use std::io::{self, IoSlice};
use std::num::NonZeroUsize;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use socket2::SockRef;
use tokio::io::Interest;
use tokio::net::TcpStream;

use crate::Field;
use crate::body::{CHUNK_END, chunk_head, last_chunk};
use crate::head::Unwritable;

/// Pieces up to this are copied behind what is gathered; longer ones are written from where they are.
const SHORT: usize = 4 * 1024;
/// What is gathered at most before it is written.
const MOST: usize = 16 * 1024;

/// The bytes of `short`, then `long`, then `tail`, in one system call.
#[derive(Debug, Default)]
pub(super) struct Outgoing {
    pub short: BytesMut,
    long: Bytes,
    tail: BytesMut,
}

impl Outgoing {
    pub(super) fn is_empty(&self) -> bool {
        self.short.is_empty() && self.long.is_empty() && self.tail.is_empty()
    }

    /// Whether it has to be written before more is put in.
    pub(super) fn is_full(&self) -> bool {
        !self.long.is_empty() || self.short.len() >= MOST
    }

    /// Puts a piece of a body in.
    pub(super) fn put(&mut self, data: Bytes) {
        if data.len() <= SHORT {
            self.short.extend_from_slice(&data);
        } else {
            self.long = data;
        }
    }

    /// Puts a piece of a body in, as a chunk. An empty one is none: it would end the body.
    pub(super) fn put_chunk(&mut self, data: Bytes) {
        let Some(length) = NonZeroUsize::new(data.len()) else { return };
        self.short.reserve(data.len().min(SHORT) + 16);
        chunk_head(length, &mut self.short);
        self.put(data);
        self.last().extend_from_slice(CHUNK_END);
    }

    /// Puts the end of a chunked body in.
    pub(super) fn put_last_chunk(&mut self, trailers: &[Field]) -> Result<(), Unwritable> {
        last_chunk(trailers, self.last())
    }

    fn last(&mut self) -> &mut BytesMut {
        if self.long.is_empty() { &mut self.short } else { &mut self.tail }
    }

    /// Writes everything. `written` counts what the socket took.
    pub(super) fn poll_write(
        &mut self,
        socket: &TcpStream,
        cx: &mut Context<'_>,
        written: &mut u64,
    ) -> Poll<io::Result<()>> {
        while !self.is_empty() {
            match self.try_write(socket) {
                Ok(0) => ready!(socket.poll_write_ready(cx))?,
                Ok(taken) => {
                    *written += taken as u64;
                    self.advance(taken);
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Poll::Ready(Err(error)),
            }
        }
        Poll::Ready(Ok(()))
    }

    /// Writes once, and says how much the socket took.
    fn try_write(&self, socket: &TcpStream) -> io::Result<usize> {
        let length = self.short.len() + self.long.len() + self.tail.len();
        let mut taken = 0;
        let write = || {
            taken = self.send(SockRef::from(socket))?;
            // Who takes a part only is full: to say so here saves the call that would find it out.
            if taken < length { Err(io::ErrorKind::WouldBlock.into()) } else { Ok(()) }
        };
        match socket.try_io(Interest::WRITABLE, write) {
            Err(error) if error.kind() != io::ErrorKind::WouldBlock => Err(error),
            _ => Ok(taken),
        }
    }

    fn send(&self, socket: SockRef<'_>) -> io::Result<usize> {
        // Most answers are in one piece, which is cheaper to hand over than a list of one.
        if self.long.is_empty() && self.tail.is_empty() {
            return socket.send(&self.short);
        }
        let slices = [IoSlice::new(&self.short), IoSlice::new(&self.long), IoSlice::new(&self.tail)];
        socket.send_vectored(&slices)
    }

    fn advance(&mut self, mut taken: usize) {
        for part in [&mut self.short as &mut dyn Advance, &mut self.long, &mut self.tail] {
            taken -= part.advance_by(taken);
        }
    }
}

trait Advance {
    fn advance_by(&mut self, most: usize) -> usize;
}

impl<B: Buf> Advance for B {
    fn advance_by(&mut self, most: usize) -> usize {
        let by = self.remaining().min(most);
        self.advance(by);
        by
    }
}
