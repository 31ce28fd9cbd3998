//! Writes an answer: the head with what of the body is there at once, then the body as it comes.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{StatusCode, Version};
use http_body::{Body, Frame};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::Broken;
use super::judge::Plan;
use super::outgoing::Outgoing;
use super::timer::Timer;
use crate::Field;
use crate::framing::values;
use crate::head::{write_field, write_status_line};
use crate::trailer;

/// Room for a head, and for a short body behind it.
const ROOM: usize = 512;
const MOST_ROOM: u64 = 4 * 1024;

/// What becomes of the connection after the answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Keep {
    /// It may serve again.
    Open,
    /// This answer is its last.
    Close,
}

/// Where the body of an answer ends (RFC 9112 §6.3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shape {
    /// There is none.
    Bodiless,
    /// After so many more bytes.
    Length(u64),
    /// After the last chunk.
    Chunked,
    /// Where the connection ends: HTTP/1.0 knows nothing else for a body of unknown length.
    UntilClose,
    /// It has ended already.
    Ended,
}

/// An answer that is being written.
pub(super) struct Answer {
    outgoing: Outgoing,
    shape: Shape,
    keep: Keep,
    takes_trailers: bool,
    /// Everything is in `outgoing`.
    is_over: bool,
    /// The body went wrong: what came of it is written, and then the connection ends.
    failed: Option<Broken>,
    written: u64,
    /// How much was written when the caller stopped to take it.
    stuck_at: Option<u64>,
}

impl Answer {
    /// Puts the head together.
    pub(super) fn begin<B: Body>(
        mut outgoing: Outgoing,
        status: StatusCode,
        reason: &[u8],
        fields: &[Field],
        body: &B,
        plan: &Plan,
        mut keep: Keep,
    ) -> Result<Self, Broken> {
        let switches = status == StatusCode::SWITCHING_PROTOCOLS;
        let given = given_length(fields);
        let exact = body.size_hint().exact();
        let shape = match given.or(exact) {
            _ if plan.is_head || has_no_body(status) => Shape::Bodiless,
            Some(length) => Shape::Length(length),
            None if plan.version == Version::HTTP_11 => Shape::Chunked,
            None => Shape::UntilClose,
        };
        if shape == Shape::UntilClose || (!switches && says_close(fields)) {
            keep = Keep::Close;
        }
        let length = if let Shape::Length(length) = shape { length.min(MOST_ROOM) } else { 0 };
        let size: usize = fields.iter().map(|(name, value)| name.len() + value.len() + 4).sum();
        outgoing.short.reserve(ROOM + size + usize::try_from(length).unwrap_or(0));
        let out = &mut outgoing.short;
        write_status_line(out, status, reason)?;
        let mut lengths = 0;
        for (name, value) in fields {
            match own(name) {
                // RFC 9110 section 8.6: neither a 204 nor an interim answer has one.
                Own::Length if given.is_none() || lengths > 0 || never_has_length(status) => continue,
                Own::Length => lengths += 1,
                Own::Hop if !switches => continue,
                Own::Hop | Own::No => {}
            }
            write_field(out, name, value)?;
        }
        match shape {
            Shape::Length(length) if given.is_none() => {
                write_field(out, b"Content-Length", length.to_string().as_bytes())?;
            }
            Shape::Chunked => write_field(out, b"Transfer-Encoding", b"chunked")?,
            _ => {}
        }
        match (keep, plan.version) {
            _ if switches => {}
            (Keep::Close, _) => write_field(out, b"Connection", b"close")?,
            (Keep::Open, Version::HTTP_11) => {}
            (Keep::Open, _) => write_field(out, b"Connection", b"keep-alive")?,
        }
        out.extend_from_slice(b"\r\n");
        let is_over = shape == Shape::Bodiless;
        let takes_trailers = plan.takes_trailers;
        Ok(Self { outgoing, shape, keep, takes_trailers, is_over, failed: None, written: 0, stuck_at: None })
    }

    /// Whether the connection may serve again after it.
    pub(super) fn keeps_open(&self) -> bool {
        self.keep == Keep::Open
    }

    /// Whether only the end of the connection ends the body.
    pub(super) fn ends_with_connection(&self) -> bool {
        self.shape == Shape::UntilClose
    }

    /// Writes on. The body is asked for more only when the caller has taken what it gave.
    pub(super) fn poll<B>(
        &mut self,
        cx: &mut Context<'_>,
        mut body: Pin<&mut B>,
        socket: &TcpStream,
        mut gone: Pin<&mut impl Future<Output = ()>>,
        timer: &mut Timer,
        unread: Duration,
    ) -> Poll<Result<(), Broken>>
    where
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
    {
        let mut is_waiting = false;
        loop {
            if self.is_over || is_waiting || self.outgoing.is_full() {
                match self.outgoing.poll_write(socket, cx, &mut self.written) {
                    Poll::Ready(Err(error)) => return Poll::Ready(Err(error.into())),
                    Poll::Ready(Ok(())) if self.is_over => {
                        return Poll::Ready(self.failed.take().map_or(Ok(()), Err));
                    }
                    Poll::Ready(Ok(())) => self.stuck_at = None,
                    Poll::Pending if self.is_stuck(cx, timer, unread) => {
                        return Poll::Ready(Err(Broken::Unread));
                    }
                    Poll::Pending => is_waiting = true,
                }
                if is_waiting {
                    return gone.as_mut().poll(cx).map(|()| Err(Broken::Gone));
                }
            }
            match body.as_mut().poll_frame(cx) {
                Poll::Ready(frame) => match self.take(frame) {
                    Ok(is_over) => self.is_over = is_over || self.is_complete(&body),
                    Err(broken) => (self.failed, self.is_over) = (Some(broken), true),
                },
                Poll::Pending => is_waiting = true,
            }
        }
    }

    /// Puts in what the body gave, and says whether that was all.
    fn take<E>(&mut self, frame: Option<Result<Frame<Bytes>, E>>) -> Result<bool, Broken>
    where
        E: Into<Box<dyn Error + Send + Sync>>,
    {
        let frame = match frame {
            Some(Ok(frame)) => frame,
            Some(Err(error)) => return Err(Broken::Body(error.into())),
            None => {
                match self.shape {
                    Shape::Length(1..) => return Err(Broken::TooShort),
                    Shape::Chunked => self.outgoing.put_last_chunk(&[])?,
                    _ => {}
                }
                self.shape = Shape::Ended;
                return Ok(true);
            }
        };
        match frame.into_data() {
            Ok(data) => self.put(data)?,
            Err(frame) => {
                if let (Shape::Chunked, Ok(trailers)) = (self.shape, frame.into_trailers()) {
                    let trailers = if self.takes_trailers { trailer::fields(&trailers) } else { Vec::new() };
                    self.outgoing.put_last_chunk(&trailers)?;
                    self.shape = Shape::Ended;
                }
            }
        }
        Ok(false)
    }

    fn put(&mut self, data: Bytes) -> Result<(), Broken> {
        match &mut self.shape {
            Shape::Length(left) => {
                // Nothing of what is too much is written: the caller must not see a whole body.
                *left = left.checked_sub(data.len() as u64).ok_or(Broken::TooLong)?;
                self.outgoing.put(data);
            }
            Shape::Chunked => self.outgoing.put_chunk(data),
            Shape::UntilClose => self.outgoing.put(data),
            Shape::Bodiless | Shape::Ended if data.is_empty() => {}
            Shape::Bodiless | Shape::Ended => return Err(Broken::TooLong),
        }
        Ok(())
    }

    /// Whether the body knows that it has ended, so that its end goes out with its last piece.
    fn is_complete<B: Body>(&mut self, body: &Pin<&mut B>) -> bool {
        if !body.is_end_stream() {
            return false;
        }
        match self.take(None::<Result<Frame<Bytes>, std::io::Error>>) {
            Ok(is_over) => is_over,
            Err(broken) => {
                self.failed = Some(broken);
                true
            }
        }
    }

    /// Whether the caller has taken nothing for so long.
    fn is_stuck(&mut self, cx: &mut Context<'_>, timer: &mut Timer, unread: Duration) -> bool {
        if self.stuck_at != Some(self.written) {
            self.stuck_at = Some(self.written);
            timer.set(Instant::now() + unread);
        }
        timer.poll_passed(cx)
    }
}

/// Fields of which the connection decides.
enum Own {
    /// The length of the body.
    Length,
    /// What is between us and the caller only.
    Hop,
    No,
}

fn own(name: &[u8]) -> Own {
    match name.len() {
        14 if name.eq_ignore_ascii_case(b"content-length") => Own::Length,
        10 if name.eq_ignore_ascii_case(b"connection") || name.eq_ignore_ascii_case(b"keep-alive") => {
            Own::Hop
        }
        17 if name.eq_ignore_ascii_case(b"transfer-encoding") => Own::Hop,
        _ => Own::No,
    }
}

/// The length that the fields give, if they give one number.
fn given_length(fields: &[Field]) -> Option<u64> {
    let mut lengths = values(fields, b"content-length");
    let first = lengths.next()?;
    let digits = first.iter().all(u8::is_ascii_digit) && lengths.all(|length| length == first);
    digits.then(|| std::str::from_utf8(first).ok()?.parse().ok()).flatten()
}

fn says_close(fields: &[Field]) -> bool {
    values(fields, b"connection").any(|value| {
        value.split(|byte| *byte == b',').any(|option| option.trim_ascii().eq_ignore_ascii_case(b"close"))
    })
}

fn never_has_length(status: StatusCode) -> bool {
    status.is_informational() || status == StatusCode::NO_CONTENT
}

/// Answers without a body, whatever their fields say (RFC 9112 §6.3).
fn has_no_body(status: StatusCode) -> bool {
    status.is_informational() || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
}
