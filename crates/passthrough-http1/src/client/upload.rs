//! The request on its way out: the encoded head, then the body, frame by frame, as the socket takes it.
//!
//! Knows how bytes are framed and when all of them are gone; knows nothing of answers.

use std::io::{self, IoSlice};
use std::num::NonZeroUsize;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use http::HeaderMap;
use http_body::{Body, Frame};
use tokio::io::AsyncWrite;

use super::{BoxError, Error};
use crate::body::{CHUNK_END, chunk_head, last_chunk};
use crate::framing::BodyLength;
use crate::trailer;

/// Frames up to this size are copied behind what waits already, so that a small message is one write.
const SMALL: usize = 4 * 1024;
/// How much is gathered before it is written.
const GATHER: usize = 16 * 1024;
/// The buffer that a resting socket may keep.
const KEPT: usize = 2 * 1024;

/// What of a request has not left yet.
pub(super) struct Upload<B> {
    /// Goes out first: the head, chunk heads, small frames.
    lead: BytesMut,
    /// Goes out next, from where it lies: a large frame.
    piece: Bytes,
    /// Goes out last: the end of the large frame's chunk.
    tail: &'static [u8],
    /// The source, until it has ended.
    body: Option<B>,
    length: BodyLength,
    /// What is still to come of a body of known length.
    left: u64,
    written: u64,
    moves: u64,
    waits: bool,
    unflushed: bool,
    broken: bool,
}

impl<B> Upload<B> {
    pub(super) fn new() -> Self {
        Self {
            lead: BytesMut::new(),
            piece: Bytes::new(),
            tail: b"",
            body: None,
            length: BodyLength::None,
            left: 0,
            written: 0,
            moves: 0,
            waits: false,
            unflushed: false,
            broken: false,
        }
    }

    /// Forgets the last request; the head of the next one is written into the buffer that comes back.
    pub(super) fn begin(&mut self, length: BodyLength, body: B) -> &mut BytesMut {
        self.length = length;
        self.left = if let BodyLength::Exact(left) = length { left } else { 0 };
        self.body = match length {
            BodyLength::None | BodyLength::Exact(0) | BodyLength::UntilClose => None,
            BodyLength::Exact(_) | BodyLength::Chunked => Some(body),
        };
        self.written = 0;
        self.waits = false;
        &mut self.lead
    }

    /// The bytes of this request that the socket took.
    pub(super) fn written(&self) -> u64 {
        self.written
    }

    /// Grows whenever something moves.
    pub(super) fn moves(&self) -> u64 {
        self.moves
    }

    /// Whether nothing more can leave before the source of the body has something to give.
    pub(super) fn waits_for_source(&self) -> bool {
        self.waits && self.is_drained() && !self.broken
    }

    /// Whether all of the request left this machine.
    pub(super) fn is_complete(&self) -> bool {
        self.body.is_none() && self.is_drained() && !self.unflushed && !self.broken
    }

    /// Gives back memory that a resting socket has no use for.
    pub(super) fn rest(&mut self) {
        if self.lead.capacity() > KEPT {
            self.lead = BytesMut::new();
        }
    }

    fn is_drained(&self) -> bool {
        self.lead.is_empty() && self.piece.is_empty() && self.tail.is_empty()
    }
}

impl<B> Upload<B>
where
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    /// Writes as much as source and socket allow. Ready when nothing more will ever be written.
    ///
    /// A broken write is no error here: a server may answer early (413, 401) and close while the request is
    /// still being written. That answer lies in the receive buffer, so the write side falls silent, and the
    /// read side, which is going to see the answer or the end, tells how it went.
    pub(super) fn poll<S: AsyncWrite + Unpin>(
        &mut self,
        cx: &mut Context<'_>,
        io: &mut S,
    ) -> Poll<Result<(), Error>> {
        while !self.broken {
            self.fill(cx)?;
            if self.is_drained() {
                if self.unflushed {
                    let flushed = ready!(Pin::new(&mut *io).poll_flush(cx));
                    self.unflushed = false;
                    self.broken = flushed.is_err();
                }
                return if self.body.is_none() || self.broken { Poll::Ready(Ok(())) } else { Poll::Pending };
            }
            match ready!(self.poll_write(cx, io)) {
                Ok(count) if count > 0 => self.advance(count),
                Ok(_) | Err(_) => self.broken = true,
            }
        }
        // Nobody will ask for the rest of it.
        self.body = None;
        Poll::Ready(Ok(()))
    }

    fn poll_write<S: AsyncWrite + Unpin>(&self, cx: &mut Context<'_>, io: &mut S) -> Poll<io::Result<usize>> {
        let io = Pin::new(io);
        if self.piece.is_empty() && self.tail.is_empty() {
            return io.poll_write(cx, &self.lead);
        }
        let all = [IoSlice::new(&self.lead), IoSlice::new(&self.piece), IoSlice::new(self.tail)];
        match all.iter().find(|slice| !slice.is_empty()) {
            // A stream that takes one slice only would take an empty first one for no progress.
            Some(first) if !io.is_write_vectored() => io.poll_write(cx, first),
            _ => io.poll_write_vectored(cx, &all),
        }
    }

    fn advance(&mut self, count: usize) {
        self.written += count as u64;
        self.moves += 1;
        self.unflushed = true;
        let mut left = count;
        let from_lead = left.min(self.lead.len());
        self.lead.advance(from_lead);
        left -= from_lead;
        let from_piece = left.min(self.piece.len());
        self.piece.advance(from_piece);
        left -= from_piece;
        self.tail = &self.tail[left.min(self.tail.len())..];
        if self.piece.is_empty() {
            // The memory of a sent frame is its source's to reuse.
            self.piece = Bytes::new();
        }
    }

    /// Takes frames from the source until enough is there to be written.
    fn fill(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        while self.piece.is_empty() && self.tail.is_empty() && self.lead.len() < GATHER {
            let Some(body) = &mut self.body else { return Ok(()) };
            let Poll::Ready(frame) = Pin::new(body).poll_frame(cx) else {
                self.waits = true;
                return Ok(());
            };
            self.waits = false;
            self.moves += 1;
            match frame {
                Some(Ok(frame)) => self.take(cx, frame)?,
                Some(Err(error)) => return Err(Error::Source(error.into())),
                None => self.end(None)?,
            }
        }
        Ok(())
    }

    fn take(&mut self, cx: &mut Context<'_>, frame: Frame<Bytes>) -> Result<(), Error> {
        let data = match frame.into_data() {
            Ok(data) => data,
            Err(frame) => return self.end(frame.into_trailers().ok().as_ref()),
        };
        if let Some(length) = NonZeroUsize::new(data.len()) {
            self.queue(data, length)?;
        }
        match &mut self.body {
            Some(body) if body.is_end_stream() => self.end(None),
            Some(_) if self.left == 0 && self.length != BodyLength::Chunked => self.end_at_length(cx),
            _ => Ok(()),
        }
    }

    fn queue(&mut self, data: Bytes, length: NonZeroUsize) -> Result<(), Error> {
        let chunked = self.length == BodyLength::Chunked;
        if chunked {
            chunk_head(length, &mut self.lead);
        } else {
            // Stops request smuggling: bytes beyond the announced length would be read as the next request
            // on this socket.
            self.left = self.left.checked_sub(length.get() as u64).ok_or(Error::Length)?;
        }
        let end = if chunked { CHUNK_END } else { b"" };
        if length.get() <= SMALL {
            self.lead.extend_from_slice(&data);
            self.lead.extend_from_slice(end);
        } else {
            self.piece = data;
            self.tail = end;
        }
        Ok(())
    }

    /// All that was announced is there. A source that has more at hand has lied about its length, which is
    /// said rather than cut off; one that has nothing to say is not waited for.
    fn end_at_length(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        let Some(body) = &mut self.body else { return Ok(()) };
        let more = match Pin::new(body).poll_frame(cx) {
            Poll::Ready(Some(Ok(frame))) => frame.data_ref().is_some_and(|data| !data.is_empty()),
            Poll::Ready(Some(Err(_)) | None) | Poll::Pending => false,
        };
        if more { Err(Error::Length) } else { self.end(None) }
    }

    /// The source has ended. Without chunks there is no place for trailers.
    fn end(&mut self, trailers: Option<&HeaderMap>) -> Result<(), Error> {
        self.body = None;
        match self.length {
            // Stops a server from waiting for, or taking the next request as, the rest of this body.
            BodyLength::Exact(_) if self.left > 0 => Err(Error::Length),
            BodyLength::Exact(_) | BodyLength::None | BodyLength::UntilClose => Ok(()),
            BodyLength::Chunked if !self.tail.is_empty() => {
                // The end of the last chunk and the end of the body belong into one write.
                self.tail = b"\r\n0\r\n\r\n";
                Ok(())
            }
            BodyLength::Chunked => {
                let trailers = trailers.map(trailer::fields).unwrap_or_default();
                Ok(last_chunk(&trailers, &mut self.lead)?)
            }
        }
    }
}
