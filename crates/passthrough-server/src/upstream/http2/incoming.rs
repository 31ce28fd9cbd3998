//! The body of an answer over HTTP/2.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::{Reason as Code, RecvStream};
use http_body::Frame;
use passthrough_http1::trailer;

use super::Seat;
use super::upload::Upload;
use crate::upstream::error::{Reason, classify_h2};

/// A body that is being read. Dropping it before its end resets the stream.
pub(in crate::upstream) struct Incoming {
    stream: RecvStream,
    upload: Upload,
    /// What is still to come, where the head announced it.
    left: Option<u64>,
    at: At,
    reads: u64,
    _seat: Seat,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum At {
    Data,
    Trailers,
    End,
}

impl Incoming {
    pub(super) fn new(stream: RecvStream, upload: Upload, left: Option<u64>, seat: Seat) -> Self {
        let at = if stream.is_end_stream() { At::End } else { At::Data };
        Self { stream, upload, left, at, reads: 0, _seat: seat }
    }

    /// The next frame. `None` at the end. Goes on sending the request meanwhile.
    pub(in crate::upstream) fn poll_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Reason>>> {
        if self.at != At::End
            && let Poll::Ready(Err(reason)) = self.upload.poll(cx)
        {
            return Poll::Ready(Some(Err(reason)));
        }
        loop {
            match self.at {
                At::End => return Poll::Ready(None),
                At::Data => match ready!(self.stream.poll_data(cx)) {
                    None => self.at = At::Trailers,
                    Some(Ok(data)) => {
                        if let Some(data) = self.take(data) {
                            return Poll::Ready(Some(Ok(Frame::data(data))));
                        }
                    }
                    Some(Err(error)) if self.is_hint(&error) => self.at = At::End,
                    Some(Err(error)) => return Poll::Ready(Some(Err(classify_h2(&error)))),
                },
                At::Trailers => {
                    let trailers = ready!(self.stream.poll_trailers(cx));
                    self.at = At::End;
                    return Poll::Ready(match trailers {
                        Ok(trailers) => {
                            trailers.map(|trailers| Ok(Frame::trailers(trailer::kept(&trailers))))
                        }
                        Err(error) if self.is_hint(&error) => None,
                        Err(error) => Some(Err(classify_h2(&error))),
                    });
                }
            }
        }
    }

    /// Takes data over, and lets the provider send as much again.
    fn take(&mut self, data: Bytes) -> Option<Bytes> {
        self.reads += 1;
        // It fails only where the stream is gone, which the next poll tells.
        let _ = self.stream.flow_control().release_capacity(data.len());
        self.left = self.left.map(|left| left.saturating_sub(data.len() as u64));
        if self.stream.is_end_stream() {
            self.at = At::End;
        }
        (!data.is_empty()).then_some(data)
    }

    /// A provider that has answered in full may ask for the rest of the request not to be sent
    /// (RFC 9113 §8.1). That is no failure of the answer.
    fn is_hint(&self, error: &h2::Error) -> bool {
        let no_error = error.is_reset() && error.is_remote() && error.reason() == Some(Code::NO_ERROR);
        no_error && self.left.is_none_or(|left| left == 0)
    }

    /// Whether the body was handed out to its end.
    pub(in crate::upstream) fn is_end(&self) -> bool {
        self.at == At::End
    }

    /// What is still to be handed out, if that is known.
    pub(in crate::upstream) fn remaining(&self) -> Option<u64> {
        if self.at == At::End { Some(0) } else { self.left }
    }

    /// Grows whenever something moves.
    pub(in crate::upstream) fn moves(&self) -> u64 {
        self.reads + self.upload.moves()
    }
}
