//! A request body on its way over HTTP/2, as fast as the provider's windows allow.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use h2::{Reason as Code, SendStream};
use http::HeaderMap;
use http_body::{Body, Frame};
use passthrough_http1::framing::BodyLength;
use passthrough_http1::trailer;

use crate::upstream::error::Reason;
use crate::upstream::request::UpstreamBody;

/// How much is given to the codec at once.
const WINDOW: usize = 64 * 1024;

/// What of a request body has not been sent yet.
pub(super) struct Upload {
    stream: SendStream<Bytes>,
    /// The source, until it has ended.
    body: Option<UpstreamBody>,
    /// What the source gave and the windows did not take yet.
    pending: Bytes,
    trailers: Option<HeaderMap>,
    /// What is still to come of a body of known length.
    left: Option<u64>,
    moves: u64,
    waits: bool,
    /// Whether nothing more will be sent.
    over: bool,
}

impl Upload {
    pub(super) fn new(stream: SendStream<Bytes>, body: UpstreamBody, length: BodyLength) -> Self {
        let left = match length {
            BodyLength::None | BodyLength::UntilClose => Some(0),
            BodyLength::Exact(length) => Some(length),
            BodyLength::Chunked => None,
        };
        let (over, pending) = (left == Some(0), Bytes::new());
        Self { stream, body: Some(body), pending, trailers: None, left, moves: 0, waits: false, over }
    }

    /// Grows whenever something moves.
    pub(super) fn moves(&self) -> u64 {
        self.moves
    }

    /// Whether nothing can be sent before the source has something to give.
    pub(super) fn waits_for_source(&self) -> bool {
        self.waits && !self.over && self.pending.is_empty()
    }

    /// Sends as much as source and windows allow. Ready when nothing more will ever be sent. That the
    /// provider takes no more is no error: it may have answered already.
    pub(super) fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Reason>> {
        while !self.over {
            if !self.pending.is_empty() {
                ready!(self.poll_send(cx));
                continue;
            }
            let Some(body) = &mut self.body else {
                self.end();
                continue;
            };
            let Poll::Ready(frame) = Pin::new(body).poll_frame(cx) else {
                self.waits = true;
                return Poll::Pending;
            };
            self.waits = false;
            self.moves += 1;
            if let Err(reason) = self.take(frame.transpose().map_err(|_| Reason::RequestBody)) {
                // Never the end of the stream: the body must not look complete.
                self.stream.send_reset(Code::CANCEL);
                self.over = true;
                return Poll::Ready(Err(reason));
            }
        }
        Poll::Ready(Ok(()))
    }

    fn take(&mut self, frame: Result<Option<Frame<Bytes>>, Reason>) -> Result<(), Reason> {
        let ended = match frame?.map(Frame::into_data) {
            None => true,
            Some(Ok(data)) => {
                if let Some(left) = &mut self.left {
                    *left = left.checked_sub(data.len() as u64).ok_or(Reason::RequestBody)?;
                }
                self.pending = data;
                self.left == Some(0) || self.body.as_ref().is_none_or(Body::is_end_stream)
            }
            Some(Err(frame)) => {
                self.trailers = Some(trailer::kept(&frame.into_trailers().unwrap_or_default()));
                true
            }
        };
        if ended {
            self.body = None;
            if self.left.is_some_and(|left| left > 0) {
                return Err(Reason::RequestBody);
            }
        }
        Ok(())
    }

    fn poll_send(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        self.stream.reserve_capacity(self.pending.len().min(WINDOW));
        while self.stream.capacity() == 0 {
            if !matches!(ready!(self.stream.poll_capacity(cx)), Some(Ok(_))) {
                self.over = true;
                return Poll::Ready(());
            }
        }
        let count = self.stream.capacity().min(self.pending.len());
        let piece = self.pending.split_to(count);
        let last = self.pending.is_empty() && self.body.is_none() && self.trailers.is_none();
        let sent = self.stream.send_data(piece, last);
        self.moves += 1;
        self.over = last || sent.is_err();
        Poll::Ready(())
    }

    /// Everything was sent but the end itself.
    fn end(&mut self) {
        // It fails only where the provider has given the stream up, which the answer tells.
        let _ = match self.trailers.take() {
            Some(trailers) => self.stream.send_trailers(trailers),
            None => self.stream.send_data(Bytes::new(), true),
        };
        self.over = true;
    }
}
