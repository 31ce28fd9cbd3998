//! One HTTP/1.1 connection to a server.
//!
//! No task stands behind it: whoever waits for the answer, and later whoever reads the answer's body, drives
//! the socket, the upload included. It knows neither pools nor deadlines: it says what moved and what it waits
//! for, and its owner draws the consequences. Whatever is odd about an answer costs the socket
//! ([`Connection::is_reusable`]), because what lies in it could be taken for the answer to somebody else's
//! request.

mod error;
mod incoming;
mod request;
mod upload;

#[cfg(test)]
mod tests;

use std::fmt;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::{Method, StatusCode, Version};
use http_body::Body;
use tokio::io::{AsyncRead, AsyncWrite};

pub use self::error::{Error, Sent};
use self::incoming::Incoming;
pub use self::request::FirstLine;
use self::request::write_head;
use self::upload::Upload;
use crate::Field;
use crate::body::{Decoder, Piece};
use crate::framing::{BodyLength, Framing, persists, response_length};
use crate::head::{HeadReader, Limits, ResponseHead};

/// Whatever the source of a request body may fail with.
pub type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// The most interim heads (1xx) before an answer.
const MAX_INTERIM: usize = 32;
/// The most bytes of interim heads before an answer.
const MAX_INTERIM_BYTES: usize = 64 * 1024;

/// A part of an answer's body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Part {
    /// Content, never empty.
    Data(Bytes),
    /// The trailers, as they came.
    Trailers(Vec<Field>),
}

#[derive(Debug)]
enum State {
    /// Nothing was asked, or the answer is complete.
    Rest,
    /// A request is being sent and its answer awaited.
    Head { method: Method, upgrade: bool, interim: usize, interim_bytes: usize },
    /// The body of the answer is being read.
    Body(Decoder),
    /// No longer HTTP, or no longer sound.
    Over,
}

/// A connection to a server over the stream `S`, sending bodies of type `B`. Dropping it closes the stream.
pub struct Connection<S, B> {
    io: S,
    incoming: Incoming,
    upload: Upload<B>,
    heads: HeadReader,
    limits: Limits,
    state: State,
    /// What was found behind the part that was handed out.
    next: Option<Result<Part, Error>>,
    /// Whether nothing was odd so far.
    sound: bool,
    /// Whether a byte of the answer came.
    answered: bool,
    /// Whether the stream has ended or broken.
    closed: bool,
}

impl<S, B> fmt::Debug for Connection<S, B> {
    /// Without bytes: they are the customer's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("state", &self.state).finish_non_exhaustive()
    }
}

impl<S, B> Connection<S, B> {
    /// Speaks HTTP/1.1 over `io`; `limits` are those of an answer's head.
    pub fn new(io: S, limits: Limits) -> Self {
        Self {
            io,
            incoming: Incoming::new(),
            upload: Upload::new(),
            heads: HeadReader::new(),
            limits,
            state: State::Rest,
            next: None,
            sound: true,
            answered: false,
            closed: false,
        }
    }

    /// The stream below, to look at or to look into while nothing is asked.
    pub fn io(&mut self) -> &mut S {
        &mut self.io
    }

    /// Whether another request may be written: every exchange so far was complete in both directions, without
    /// any oddity, and nothing lies behind the answer.
    #[must_use]
    pub fn is_reusable(&self) -> bool {
        matches!(self.state, State::Rest)
            && self.sound
            && self.next.is_none()
            && self.upload.is_complete()
            && self.incoming.is_empty()
    }

    /// Gives back the memory that a resting connection has no use for.
    pub fn rest(&mut self) {
        self.incoming.rest();
        self.upload.rest();
    }

    /// Whether the server may have seen the request.
    #[must_use]
    pub fn sent(&self) -> Sent {
        if self.answered {
            Sent::Yes
        } else if self.upload.written() == 0 {
            Sent::No
        } else if self.upload.is_complete() && !self.closed {
            Sent::Yes
        } else {
            Sent::Unknown
        }
    }

    /// Grows whenever bytes or frames move in either direction: what has not grown has stood still.
    #[must_use]
    pub fn moves(&self) -> u64 {
        self.upload.moves() + self.incoming.reads()
    }

    /// Whether the server waits for the request body, and the request body for its source: a delay that is
    /// not the server's.
    #[must_use]
    pub fn waits_for_source(&self) -> bool {
        self.upload.waits_for_source()
    }

    /// Whether the answer has been handed out to its end.
    #[must_use]
    pub fn is_end(&self) -> bool {
        self.next.is_none() && !matches!(self.state, State::Head { .. } | State::Body(_))
    }

    /// Bytes of the answer's body that are still to be handed out, if that is known.
    #[must_use]
    pub fn remaining(&self) -> Option<u64> {
        let ready = if let Some(Ok(Part::Data(data))) = &self.next { data.len() as u64 } else { 0 };
        match &self.state {
            State::Body(decoder) => decoder.remaining().map(|remaining| remaining + ready),
            State::Head { .. } => None,
            State::Rest | State::Over => Some(ready),
        }
    }

    /// The stream, and what was read of it beyond the head, after a 101.
    pub fn into_io(self) -> (S, BytesMut) {
        (self.io, self.incoming.into_buffer())
    }

    /// Puts the head of a request into the write buffer; [`Connection::poll_head`] sends it. Framing fields
    /// among `fields` are left out: how long the body is, is said by `length` alone, since a caller's
    /// `Content-Length` could turn the next request on this socket into a body (request smuggling).
    ///
    /// # Errors
    ///
    /// [`Error::Unwritable`] and [`Error::NotFree`]; nothing was sent.
    pub fn begin<'a>(
        &mut self,
        line: FirstLine<'_>,
        fields: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
        length: BodyLength,
        body: B,
    ) -> Result<(), Error> {
        if !self.is_reusable() {
            return Err(Error::NotFree);
        }
        let head = self.upload.begin(length, body);
        if let Err(error) = write_head(head, line, fields, length) {
            // Half a head must never be sent with what is written next.
            self.state = State::Over;
            return Err(error.into());
        }
        self.sound &= !length.announces_content() || expects_content(line.method);
        self.answered = false;
        self.state =
            State::Head { method: line.method.clone(), upgrade: line.upgrade, interim: 0, interim_bytes: 0 };
        Ok(())
    }

    fn finish(&mut self) {
        self.state = State::Rest;
        // Bytes behind an answer are an answer to nothing, or to the next customer's request.
        self.sound &= self.incoming.is_empty();
    }

    fn fail(&mut self, error: Error) -> Error {
        self.state = State::Over;
        self.next = None;
        error
    }
}

/// Whether servers look for content behind a head with this method. Of the others some do not, and take it for the next
/// request (RFC 9110 §9.3.1), which may be somebody else's: no request follows one with such content.
fn expects_content(method: &Method) -> bool {
    ![Method::GET, Method::HEAD, Method::DELETE, Method::OPTIONS, Method::TRACE].contains(method)
}

impl<S, B> Connection<S, B>
where
    S: AsyncRead + AsyncWrite + Unpin,
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    /// Sends the request and waits for the next head: interim ones (1xx) first, then the final one, or a 101
    /// where one was asked for. What of the request is not sent by then is sent by [`Connection::poll_body`].
    ///
    /// # Errors
    ///
    /// [`Error`]; [`Connection::sent`] says whether the server may have seen the request.
    pub fn poll_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<ResponseHead, Error>> {
        let head = ready!(self.poll_any_head(cx));
        Poll::Ready(head.map_err(|error| self.fail(error)))
    }

    /// The next part of the answer's body; `None` at its end. Goes on sending the request meanwhile, but not
    /// after the end: a server that answers early is not believed to have read the rest.
    ///
    /// # Errors
    ///
    /// [`Error`]; what was handed out is not the whole body.
    pub fn poll_body(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Part, Error>>> {
        let part = match self.next.take() {
            Some(next) => Some(next),
            None => ready!(self.poll_part(cx)).transpose(),
        };
        Poll::Ready(part.map(|part| part.map_err(|error| self.fail(error))))
    }

    fn poll_any_head(&mut self, cx: &mut Context<'_>) -> Poll<Result<ResponseHead, Error>> {
        if !matches!(self.state, State::Head { .. }) {
            return Poll::Ready(Err(Error::NotFree));
        }
        self.drive_upload(cx)?;
        loop {
            if !self.incoming.is_empty() {
                let before = self.incoming.buffer().len();
                if let Some(head) = self.heads.read_response(self.incoming.buffer(), &self.limits)? {
                    let size = before - self.incoming.buffer().len();
                    return Poll::Ready(self.judge(head, size));
                }
            }
            if ready!(self.poll_read(cx))? == 0 {
                return Poll::Ready(Err(Error::Closed));
            }
            if self.upload.written() == 0 {
                // Stops response-queue poisoning: an answer that lies in the socket before the question was
                // asked would be taken for the answer to the next customer's request.
                return Poll::Ready(Err(Error::Unasked));
            }
            self.answered = true;
        }
    }

    fn poll_part(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<Part>, Error>> {
        if !matches!(self.state, State::Body(_)) {
            return Poll::Ready(Ok(None));
        }
        self.drive_upload(cx)?;
        loop {
            if let Some(part) = self.decode()? {
                // The end of a chunked body mostly lies behind its last data: who reads hears of it at once.
                // What is wrong behind it is told after it.
                self.next = self.decode().transpose();
                return Poll::Ready(Ok(Some(part)));
            }
            if !matches!(self.state, State::Body(_)) {
                return Poll::Ready(Ok(None));
            }
            if ready!(self.poll_read(cx))? == 0 {
                return Poll::Ready(self.end_at_close());
            }
        }
    }

    /// The stream has ended: so has a body without length; any other was cut short.
    fn end_at_close(&mut self) -> Result<Option<Part>, Error> {
        if let State::Body(decoder) = &mut self.state {
            decoder.at_eof().map_err(|_| Error::Closed)?;
        }
        self.sound = false;
        self.finish();
        Ok(None)
    }

    /// A part of what is in the buffer already. Ends the exchange where the body ends.
    fn decode(&mut self) -> Result<Option<Part>, Error> {
        let State::Body(decoder) = &mut self.state else { return Ok(None) };
        let part = match decoder.decode(self.incoming.buffer()).map_err(Error::Body)? {
            Piece::More => return Ok(None),
            Piece::End => None,
            Piece::Data(data) => Some(Part::Data(data)),
            Piece::Trailers(fields) => Some(Part::Trailers(fields)),
        };
        if decoder.is_done() {
            self.finish();
        }
        Ok(part)
    }

    fn drive_upload(&mut self, cx: &mut Context<'_>) -> Result<(), Error> {
        if self.upload.is_complete() {
            return Ok(());
        }
        match self.upload.poll(cx, &mut self.io) {
            Poll::Ready(Err(error)) => Err(error),
            Poll::Ready(Ok(())) | Poll::Pending => Ok(()),
        }
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<usize, Error>> {
        let read = ready!(self.incoming.poll_read(cx, &mut self.io));
        self.closed |= !matches!(read, Ok(1..));
        Poll::Ready(read.map_err(Error::Io))
    }

    /// What a head means for the exchange and for the socket.
    fn judge(&mut self, mut head: ResponseHead, size: usize) -> Result<ResponseHead, Error> {
        let State::Head { method, upgrade, interim, interim_bytes } = &mut self.state else {
            return Err(Error::NotFree);
        };
        let (length, framing) = response_length(method, head.status, head.version, &mut head.fields)?;
        self.sound &= framing == Framing::Clean && !head.odd && persists(head.version, &head.fields);
        if head.status == StatusCode::SWITCHING_PROTOCOLS {
            // HTTP/1.0 has no other protocol to switch to (RFC 9110 §7.8).
            let asked = *upgrade && self.upload.is_complete() && head.version == Version::HTTP_11;
            self.state = State::Over;
            return if asked { Ok(head) } else { Err(Error::Switched) };
        }
        if head.status.is_informational() {
            *interim += 1;
            *interim_bytes += size;
            let bounded = *interim <= MAX_INTERIM && *interim_bytes <= MAX_INTERIM_BYTES;
            return if bounded { Ok(head) } else { Err(Error::Interim) };
        }
        self.sound &= length != BodyLength::UntilClose;
        let decoder = Decoder::new(length);
        if decoder.is_done() {
            self.finish();
        } else {
            self.state = State::Body(decoder);
        }
        Ok(head)
    }
}
