//! The reading side of a connection, shared by the connection and the body of the request that it serves.

use std::io;
use std::mem::MaybeUninit;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker, ready};

use bytes::BytesMut;
use tokio::io::{AsyncRead, AsyncReadExt, ReadBuf};
use tokio::net::tcp::OwnedReadHalf;

use crate::body::{BodyError, Decoder, Piece};
use crate::framing::BodyLength;

/// Room for a first read: a head and a short body.
const ROOM: usize = 4 * 1024;
/// The most that one read takes of a body that comes fast.
const MOST_ROOM: usize = 64 * 1024;
/// The most that is read over of a body that nobody wanted.
const DRAIN: usize = 64 * 1024;
/// Interim heads that wait to be written.
const MOST_INTERIM: usize = 64 * 1024;

const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

/// The reading side.
#[derive(Debug)]
pub(super) struct Inbound {
    /// Away once the connection has ended.
    socket: Option<OwnedReadHalf>,
    /// What was read and not yet understood.
    pub buffer: BytesMut,
    /// How much is read at once.
    room: usize,
    /// Which request this is. Handles of another one are out of date.
    pub exchange: u64,
    decoder: Decoder,
    /// Nobody will read the rest of the body.
    pub abandoned: bool,
    /// The caller waits for a 100 before it sends the body.
    pub expects: bool,
    /// The final answer has begun, so that there are no interim ones any more.
    answering: bool,
    interim: BytesMut,
    /// Wakes the connection.
    waker: Option<Waker>,
}

/// Shared by a connection and the handles of its request. The lock is never held across an await and there
/// is nobody to wait for, unless the handler gave the body to another task.
pub(super) type Shared = Arc<Mutex<Inbound>>;

pub(super) fn lock(inbound: &Mutex<Inbound>) -> MutexGuard<'_, Inbound> {
    inbound.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The connection's own hold on it. With the connection goes the socket: a body that outlives it must not
/// keep it open.
#[derive(Debug)]
pub(super) struct Held(pub(super) Shared);

impl std::ops::Deref for Held {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        lock(&self.0).take_socket();
    }
}

impl Inbound {
    pub(super) fn new(socket: OwnedReadHalf) -> Self {
        Self {
            socket: Some(socket),
            buffer: BytesMut::new(),
            room: ROOM,
            exchange: 0,
            decoder: Decoder::new(BodyLength::None),
            abandoned: false,
            expects: false,
            answering: false,
            interim: BytesMut::new(),
            waker: None,
        }
    }

    /// Reads what is there. `Ok(0)` is the end. Room is made only when there is something to read: what comes
    /// first is read onto the stack, and takes as many bytes as it has.
    pub(super) fn poll_fill(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let Some(socket) = &mut self.socket else { return Poll::Ready(Ok(0)) };
        if self.room == ROOM {
            let mut room = [MaybeUninit::uninit(); ROOM];
            let mut read = ReadBuf::uninit(&mut room);
            ready!(Pin::new(socket).poll_read(cx, &mut read))?;
            self.buffer.extend_from_slice(read.filled());
            if read.remaining() == 0 {
                self.room = ROOM * 2;
            }
            return Poll::Ready(Ok(read.filled().len()));
        }
        ready!(socket.as_ref().poll_read_ready(cx))?;
        if self.buffer.capacity() - self.buffer.len() < ROOM {
            self.buffer.reserve(self.room);
        }
        let room = self.buffer.capacity() - self.buffer.len();
        let read = ready!(pin!(socket.read_buf(&mut self.buffer)).poll(cx))?;
        // Whoever fills what is asked for has more.
        if read == room {
            self.room = (self.room * 2).min(MOST_ROOM);
        }
        Poll::Ready(Ok(read))
    }

    /// Gives the empty buffer back, because most connections rest most of the time.
    pub(super) fn release(&mut self) {
        if self.buffer.capacity() > 0 {
            self.buffer = BytesMut::new();
            self.room = ROOM;
        }
    }

    /// Begins to serve a request with such a body.
    pub(super) fn begin(&mut self, length: BodyLength, expects: bool) {
        self.exchange += 1;
        self.decoder = Decoder::new(length);
        self.abandoned = false;
        self.expects = expects;
        self.answering = false;
    }

    /// Ends the request: its handles have no effect any more.
    pub(super) fn finish(&mut self) {
        self.exchange += 1;
        self.waker = None;
    }

    /// The next piece of the body.
    pub(super) fn decode(&mut self) -> Result<Piece, BodyError> {
        self.decoder.decode(&mut self.buffer)
    }

    /// Whether the body has been read to its end.
    pub(super) fn is_read(&self) -> bool {
        self.decoder.is_done()
    }

    pub(super) fn remaining(&self) -> Option<u64> {
        self.decoder.remaining()
    }

    /// Reads over the rest of the body, if it is short and there already. Says whether that was all of it.
    pub(super) fn drain(&mut self, cx: &mut Context<'_>) -> bool {
        let mut left = DRAIN;
        loop {
            match self.decode() {
                Ok(Piece::Data(data)) if data.len() <= left => left -= data.len(),
                Ok(Piece::Trailers(_)) => {}
                Ok(Piece::End) => return true,
                Ok(Piece::More) if matches!(self.poll_fill(cx), Poll::Ready(Ok(1..))) => {}
                Ok(Piece::More | Piece::Data(_)) | Err(_) => return false,
            }
        }
    }

    /// The body is wanted now: lets the caller know who asked to be told (RFC 9110 §10.1.1).
    pub(super) fn wanted(&mut self, by: &Waker) {
        // Who has begun to send does not wait.
        if std::mem::take(&mut self.expects) && !self.answering && self.buffer.is_empty() {
            self.interim.extend_from_slice(CONTINUE);
            if let Some(waker) = self.waker.as_ref().filter(|waker| !waker.will_wake(by)) {
                waker.wake_by_ref();
            }
        }
    }

    /// Where an interim head may be put, if there is still room and time for it.
    pub(super) fn interim(&mut self) -> Option<&mut BytesMut> {
        if self.answering || self.interim.len() > MOST_INTERIM {
            return None;
        }
        if let Some(waker) = &self.waker {
            waker.wake_by_ref();
        }
        Some(&mut self.interim)
    }

    /// Takes the interim heads that are to be written now, and remembers whom to wake for the next.
    pub(super) fn take_interim(&mut self, waker: &Waker) -> Option<BytesMut> {
        match &mut self.waker {
            Some(known) => known.clone_from(waker),
            None => self.waker = Some(waker.clone()),
        }
        (!self.interim.is_empty()).then(|| std::mem::take(&mut self.interim))
    }

    /// The final answer begins. Takes the interim heads that are left.
    pub(super) fn answer(&mut self) -> Option<BytesMut> {
        self.answering = true;
        (!self.interim.is_empty()).then(|| std::mem::take(&mut self.interim))
    }

    /// Takes the socket away from a body that outlives the connection.
    pub(super) fn take_socket(&mut self) -> Option<OwnedReadHalf> {
        self.finish();
        self.socket.take()
    }
}
