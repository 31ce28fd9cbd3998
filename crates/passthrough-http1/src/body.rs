//! Bodies: what is read is handed out as it comes, and nothing of it is kept back (RFC 9112 §6, §7).

mod chunked;

use bytes::{Bytes, BytesMut};

use chunked::Chunked;
pub use chunked::{CHUNK_END, TRAILER_LIMITS, chunk_head, last_chunk};

use crate::Field;
use crate::framing::BodyLength;
use crate::head::HeadError;

/// A part of a body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Piece {
    /// Content, never empty.
    Data(Bytes),
    /// The trailers, never empty; [`Piece::End`] is next. Whoever sends them on leaves out what may not stand
    /// there ([`crate::trailer`]).
    Trailers(Vec<Field>),
    /// The body is complete. What is left in the buffer belongs to the next message.
    End,
    /// More bytes are needed.
    More,
}

/// Why a body is not read any further. What was handed out of it is incomplete.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum BodyError {
    /// The connection ended within the body.
    #[error("the connection ended before the body did")]
    CutShort,
    /// Not the grammar of RFC 9112 §7.1, or a form that another program could read differently.
    #[error("the chunked body is malformed: {0}")]
    Malformed(&'static str),
    /// The line before a chunk, or all chunk extensions together, are too long.
    #[error("the extensions of a chunked body are longer than allowed")]
    Extensions,
    /// The trailers are too large, too many or malformed.
    #[error("the trailers of a chunked body cannot be read: {0}")]
    Trailers(HeadError),
}

/// Takes one body from a buffer that fills as bytes arrive.
#[derive(Debug)]
pub struct Decoder {
    state: State,
}

#[derive(Debug)]
enum State {
    Exact(u64),
    Chunked(Chunked),
    UntilClose,
    Done,
}

impl Decoder {
    /// A decoder at the beginning of a body.
    #[must_use]
    pub fn new(length: BodyLength) -> Self {
        let state = match length {
            BodyLength::None | BodyLength::Exact(0) => State::Done,
            BodyLength::Exact(left) => State::Exact(left),
            BodyLength::Chunked => State::Chunked(Chunked::default()),
            BodyLength::UntilClose => State::UntilClose,
        };
        Self { state }
    }

    /// Takes the next piece from the front of `buf`: as much data as is there, without copying it.
    ///
    /// # Errors
    ///
    /// [`BodyError`]; the connection cannot be read any further.
    pub fn decode(&mut self, buf: &mut BytesMut) -> Result<Piece, BodyError> {
        let piece = match &mut self.state {
            State::Done => Piece::End,
            State::Exact(left) => take(buf, left),
            State::Chunked(chunked) => chunked.decode(buf)?,
            State::UntilClose if buf.is_empty() => Piece::More,
            State::UntilClose => Piece::Data(buf.split().freeze()),
        };
        let over = match &piece {
            Piece::End | Piece::Trailers(_) => true,
            Piece::Data(_) => matches!(self.state, State::Exact(0)),
            Piece::More => false,
        };
        if over {
            self.state = State::Done;
        }
        Ok(piece)
    }

    /// Tells that the connection ended.
    ///
    /// # Errors
    ///
    /// [`BodyError::CutShort`] if the body had to go on: it must not be passed on as complete (RFC 9112 §8).
    pub fn at_eof(&mut self) -> Result<(), BodyError> {
        match self.state {
            State::Done => Ok(()),
            State::UntilClose => {
                self.state = State::Done;
                Ok(())
            }
            State::Exact(_) | State::Chunked(_) => Err(BodyError::CutShort),
        }
    }

    /// Whether the body is complete.
    #[must_use]
    pub fn is_done(&self) -> bool {
        matches!(self.state, State::Done)
    }

    /// Bytes of content that are still to come, if that is known.
    #[must_use]
    pub fn remaining(&self) -> Option<u64> {
        match self.state {
            State::Done => Some(0),
            State::Exact(left) => Some(left),
            State::Chunked(_) | State::UntilClose => None,
        }
    }
}

/// Splits off what is there of `left` bytes.
fn take(buf: &mut BytesMut, left: &mut u64) -> Piece {
    if buf.is_empty() {
        return Piece::More;
    }
    let length = usize::try_from(*left).map_or(buf.len(), |left| left.min(buf.len()));
    *left -= length as u64;
    Piece::Data(buf.split_to(length).freeze())
}
