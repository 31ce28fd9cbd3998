//! Against slow callers of HTTP/2: who holds a socket without using it.
//!
//! hyper watches over the protocol, but has no time limit for a first request, for a caller without any, or
//! for one that stops reading. A caller may rest between requests for long, but must not take long over its
//! beginning (slowloris), nor leave an answer unread for ever.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::response::Response;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How long the last frames of a stopping server may take to a caller for whom nothing is in flight.
const RESTING: Duration = Duration::from_millis(500);

/// How long each may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For the first request.
    pub(super) head: Duration,
    /// For a caller to take more of an answer.
    pub(super) unread: Duration,
    /// For a caller without a request.
    pub(super) rest: Duration,
}

/// What one connection is doing, shared by its socket, its requests and its watch.
#[derive(Debug, Clone)]
pub(super) struct Progress(Arc<Times>);

/// Times are milliseconds since `began`, plus one; zero where it is not so.
#[derive(Debug)]
struct Times {
    began: Instant,
    /// Requests in flight.
    active: AtomicU64,
    rest_since: AtomicU64,
    head_since: AtomicU64,
    blocked_since: AtomicU64,
}

impl Progress {
    /// A connection that has just been accepted owes a request.
    pub(super) fn new() -> Self {
        let times = Times {
            began: Instant::now(),
            active: AtomicU64::new(0),
            rest_since: AtomicU64::new(0),
            head_since: AtomicU64::new(1),
            blocked_since: AtomicU64::new(0),
        };
        Self(Arc::new(times))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.0.began.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
    }

    /// A request is being served.
    fn request(&self) {
        self.0.active.fetch_add(1, Ordering::Relaxed);
        self.0.rest_since.store(0, Ordering::Relaxed);
        self.0.head_since.store(0, Ordering::Relaxed);
    }

    /// The answer has been handed over.
    fn answered(&self) {
        if self.0.active.fetch_sub(1, Ordering::Relaxed) == 1 {
            self.0.rest_since.store(self.now(), Ordering::Relaxed);
        }
    }

    fn written(&self, blocked: bool) {
        if !blocked {
            self.0.blocked_since.store(0, Ordering::Relaxed);
        } else if self.0.blocked_since.load(Ordering::Relaxed) == 0 {
            self.0.blocked_since.store(self.now(), Ordering::Relaxed);
        }
    }

    /// Ends when nothing has been in flight for a moment.
    pub(super) async fn resting(&self) {
        let mut was_resting = false;
        loop {
            let is_resting = self.0.active.load(Ordering::Relaxed) == 0;
            if was_resting && is_resting {
                return;
            }
            was_resting = is_resting;
            tokio::time::sleep(RESTING).await;
        }
    }

    /// Ends when the caller has been slow for too long.
    pub(super) async fn watch(&self, patience: Patience) {
        let shortest = patience.head.min(patience.unread).min(patience.rest);
        let step = shortest.max(Duration::from_millis(10)) / 4;
        loop {
            tokio::time::sleep(step).await;
            let since = |time: &AtomicU64| match time.load(Ordering::Relaxed) {
                0 => Duration::ZERO,
                since => Duration::from_millis(self.now().saturating_sub(since)),
            };
            let slow = since(&self.0.head_since) > patience.head
                || since(&self.0.blocked_since) > patience.unread
                || since(&self.0.rest_since) > patience.rest;
            if slow {
                return;
            }
        }
    }
}

/// A caller's socket that notes what happens on it.
pub(super) struct Watched<S> {
    socket: S,
    progress: Progress,
}

impl<S> Watched<S> {
    pub(super) fn new(socket: S, progress: Progress) -> Self {
        Self { socket, progress }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Watched<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Watched<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.progress.written(written.is_pending());
        written
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.socket).poll_write_vectored(cx, slices);
        self.progress.written(written.is_pending());
        written
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_shutdown(cx)
    }
}

/// Marks a request as being served until its answer has been handed over.
pub(super) async fn noted(
    progress: Progress,
    unread: Duration,
    answering: impl Future<Output = Response>,
) -> Response {
    progress.request();
    // Made before the answer is: a caller who goes away meanwhile ends the request, too.
    let end = RequestEnd(progress);
    let response = answering.await;
    if response.body().is_end_stream() {
        return response;
    }
    response.map(|body| Body::new(Handed { body: Held::watched(body, unread), _end: end }))
}

/// Notes the end of a request, however it comes about.
struct RequestEnd(Progress);

impl Drop for RequestEnd {
    fn drop(&mut self) {
        self.0.answered();
    }
}

/// The body of an answer. A caller who grants no window leaves it unread while the socket looks alive, and the
/// places in flight that it holds would never be given back: it is taken away after a while.
struct Held(Arc<Mutex<(Option<Body>, Instant)>>);

impl Held {
    fn watched(body: Body, unread: Duration) -> Self {
        let held = Self(Arc::new(Mutex::new((Some(body), Instant::now()))));
        let watched = Arc::downgrade(&held.0);
        tokio::spawn(async move {
            loop {
                tokio::time::sleep((unread / 4).max(Duration::from_millis(10))).await;
                let Some(held) = watched.upgrade() else { return };
                let mut held = held.lock().unwrap_or_else(PoisonError::into_inner);
                if held.1.elapsed() > unread {
                    held.0 = None;
                    return;
                }
            }
        });
        held
    }
}

/// The body of an answer that notes its end, however it comes about.
struct Handed {
    body: Held,
    _end: RequestEnd,
}

impl HttpBody for Handed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let mut held = self.body.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.1 = Instant::now();
        match &mut held.0 {
            Some(body) => Pin::new(body).poll_frame(cx),
            None => Poll::Ready(Some(Err(axum::Error::new(io::Error::from(io::ErrorKind::TimedOut))))),
        }
    }

    fn is_end_stream(&self) -> bool {
        let held = self.body.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.0.as_ref().is_some_and(HttpBody::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let held = self.body.0.lock().unwrap_or_else(PoisonError::into_inner);
        held.0.as_ref().map_or_else(SizeHint::default, HttpBody::size_hint)
    }
}

#[cfg(test)]
mod tests {
    use http_body_util::BodyExt;

    use super::*;

    #[tokio::test]
    async fn an_answer_that_nobody_reads_is_taken_away() {
        let unread = Duration::from_millis(40);
        let mut held = Held::watched(Body::from("answer"), unread);
        tokio::time::sleep(unread * 3).await;
        let taken = Arc::get_mut(&mut held.0).is_none_or(|inner| inner.get_mut().unwrap().0.is_none());
        assert!(taken);
        let end = RequestEnd(Progress::new());
        let read = Body::new(Handed { body: held, _end: end }).collect().await;
        assert!(read.is_err(), "what is cut short must not look complete");
    }

    #[tokio::test]
    async fn a_socket_of_http_2_without_requests_is_let_go() {
        let progress = Progress::new();
        progress.request();
        let second = Duration::from_secs(60);
        let patience = Patience { head: second, unread: second, rest: Duration::from_millis(20) };
        let busy = tokio::time::timeout(Duration::from_millis(100), progress.watch(patience)).await;
        assert!(busy.is_err(), "a request is in flight");
        progress.answered();
        let patience = Patience { head: Duration::from_millis(40), ..patience };
        assert!(tokio::time::timeout(Duration::from_secs(5), progress.watch(patience)).await.is_ok());
    }
}
