//! The body of a request, read from the caller's socket by whoever polls it.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::{Body, Frame, SizeHint};
use thiserror::Error;
use tokio::time::{Instant, Sleep, sleep_until};

use super::inbound::{Inbound, Shared, lock};
use crate::Field;
use crate::body::{BodyError, Piece};

/// Why a body ended before its end.
#[derive(Debug, Error)]
pub enum IncomingError {
    /// The caller went away or wrote what is no body.
    #[error(transparent)]
    Body(#[from] BodyError),
    /// Nothing came for too long.
    #[error("the body stood still for too long")]
    Idle,
    /// The request is over.
    #[error("the request that the body belongs to is over")]
    Over,
    /// The socket failed.
    #[error("the caller's socket failed: {0}")]
    Io(#[from] io::Error),
}

/// The body of a request. Polling it reads the socket, so that nothing is read that nobody wants yet.
#[derive(Debug)]
pub struct IncomingBody(Option<Source>);

#[derive(Debug)]
struct Source {
    inbound: Shared,
    exchange: u64,
    /// Bytes that are still to come, if that is known.
    remaining: Option<u64>,
    idle: Duration,
    /// Since when it has been waited for.
    waiting: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl IncomingBody {
    /// No body.
    #[must_use]
    pub fn empty() -> Self {
        Self(None)
    }

    pub(super) fn new(shared: &Shared, inbound: &Inbound, idle: Duration) -> Self {
        if inbound.is_read() {
            return Self(None);
        }
        Self(Some(Source {
            inbound: Shared::clone(shared),
            exchange: inbound.exchange,
            remaining: inbound.remaining(),
            idle,
            waiting: None,
            timer: None,
        }))
    }
}

impl Body for IncomingBody {
    type Data = Bytes;
    type Error = IncomingError;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, IncomingError>>> {
        let this = self.get_mut();
        let Some(source) = &mut this.0 else { return Poll::Ready(None) };
        let (piece, read) = match ready!(source.poll_piece(cx)) {
            Ok(piece) => piece,
            // The source stays: a body that failed never looks like one that ended.
            Err(error) => return Poll::Ready(Some(Err(error))),
        };
        if read {
            this.0 = None;
        }
        Poll::Ready(match piece {
            Piece::Data(data) => Some(Ok(Frame::data(data))),
            Piece::Trailers(fields) => Some(Ok(Frame::trailers(trailers(fields)))),
            Piece::End | Piece::More => None,
        })
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            None => SizeHint::with_exact(0),
            Some(source) => source.remaining.map_or_else(SizeHint::default, SizeHint::with_exact),
        }
    }
}

impl Source {
    /// The next piece, and whether the body has been read to its end.
    fn poll_piece(&mut self, cx: &mut Context<'_>) -> Poll<Result<(Piece, bool), IncomingError>> {
        let mut inbound = lock(&self.inbound);
        if inbound.exchange != self.exchange {
            return Poll::Ready(Err(IncomingError::Over));
        }
        inbound.wanted(cx.waker());
        loop {
            match inbound.decode()? {
                Piece::More => {}
                piece => {
                    self.waiting = None;
                    self.remaining = inbound.remaining();
                    return Poll::Ready(Ok((piece, inbound.is_read())));
                }
            }
            match inbound.poll_fill(cx)? {
                Poll::Ready(0) => return Poll::Ready(Err(BodyError::CutShort.into())),
                Poll::Ready(_) => {}
                Poll::Pending => break,
            }
        }
        drop(inbound);
        self.poll_idle(cx).map(Err)
    }

    /// The timer is made by the first wait, and touched again only when it goes off.
    fn poll_idle(&mut self, cx: &mut Context<'_>) -> Poll<IncomingError> {
        let until = *self.waiting.get_or_insert_with(Instant::now) + self.idle;
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(until)));
        loop {
            ready!(timer.as_mut().poll(cx));
            if Instant::now() >= until {
                return Poll::Ready(IncomingError::Idle);
            }
            timer.as_mut().reset(until);
        }
    }
}

impl Drop for Source {
    fn drop(&mut self) {
        let mut inbound = lock(&self.inbound);
        if inbound.exchange == self.exchange {
            inbound.abandoned = true;
        }
    }
}

fn trailers(fields: Vec<Field>) -> HeaderMap {
    let named = |(name, value): Field| {
        Some((HeaderName::from_bytes(&name).ok()?, HeaderValue::from_maybe_shared(value).ok()?))
    };
    let mut map = HeaderMap::with_capacity(fields.len());
    for (name, value) in fields.into_iter().filter_map(named) {
        map.append(name, value);
    }
    map
}
