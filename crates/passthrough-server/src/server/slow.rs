//! Against slow callers: who holds a socket without using it.
//!
//! hyper has one timer for "the head is slow" and "nothing is asked", and none at all before the first
//! byte or for a caller that stops reading. Those are three different things: a caller may rest between
//! requests for long, but must not take long over a head (slowloris), nor leave an answer unread for ever.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::response::Response;
use http::Version;
use http_body::{Body as HttpBody, Frame, SizeHint};
use hyper::body::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// How long each may take.
#[derive(Debug, Clone, Copy)]
pub(super) struct Patience {
    /// For the head of a request, from its first byte (or from the connection's beginning) to its last.
    pub(super) head: Duration,
    /// For a caller to take more of an answer.
    pub(super) unread: Duration,
}

/// What one connection is doing, shared by its socket, its requests and its watch.
#[derive(Debug, Clone)]
pub(super) struct Progress(Arc<Times>);

/// Times are milliseconds since `began`, plus one; zero where it is not so.
#[derive(Debug)]
struct Times {
    began: Instant,
    multiplexed: AtomicBool,
    resting: AtomicBool,
    head_since: AtomicU64,
    blocked_since: AtomicU64,
}

impl Progress {
    /// A connection that has just been accepted owes a head.
    pub(super) fn new() -> Self {
        let times = Times {
            began: Instant::now(),
            multiplexed: AtomicBool::new(false),
            resting: AtomicBool::new(false),
            head_since: AtomicU64::new(1),
            blocked_since: AtomicU64::new(0),
        };
        Self(Arc::new(times))
    }

    fn now(&self) -> u64 {
        u64::try_from(self.0.began.elapsed().as_millis()).unwrap_or(u64::MAX - 1) + 1
    }

    /// The head has come; a request is being served. Over HTTP/2 bytes come at any time and owe nothing;
    /// there the codec's own pings tell whether anybody is left.
    pub(super) fn request(&self, version: Version) {
        if version == Version::HTTP_2 {
            self.0.multiplexed.store(true, Ordering::Relaxed);
        }
        self.0.head_since.store(0, Ordering::Relaxed);
        self.0.resting.store(false, Ordering::Relaxed);
    }

    /// The answer has been handed over; the next head may take its time to begin.
    fn answered(&self) {
        self.0.resting.store(true, Ordering::Relaxed);
    }

    fn read(&self) {
        if self.0.resting.swap(false, Ordering::Relaxed) && !self.0.multiplexed.load(Ordering::Relaxed) {
            self.0.head_since.store(self.now(), Ordering::Relaxed);
        }
    }

    fn written(&self, blocked: bool) {
        if !blocked {
            self.0.blocked_since.store(0, Ordering::Relaxed);
        } else if self.0.blocked_since.load(Ordering::Relaxed) == 0 {
            self.0.blocked_since.store(self.now(), Ordering::Relaxed);
        }
    }

    /// Ends when the caller has been slow for too long.
    pub(super) async fn watch(&self, patience: Patience) {
        let step = patience.head.min(patience.unread).max(Duration::from_millis(10)) / 4;
        loop {
            tokio::time::sleep(step).await;
            let since = |time: &AtomicU64| match time.load(Ordering::Relaxed) {
                0 => Duration::ZERO,
                since => Duration::from_millis(self.now().saturating_sub(since)),
            };
            if since(&self.0.head_since) > patience.head || since(&self.0.blocked_since) > patience.unread {
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
        let before = buf.filled().len();
        let read = Pin::new(&mut self.socket).poll_read(cx, buf);
        if buf.filled().len() > before {
            self.progress.read();
        }
        read
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
    version: Version,
    answering: impl Future<Output = Response>,
) -> Response {
    progress.request(version);
    answering.await.map(|body| Body::new(Handed { body, progress }))
}

/// The body of an answer that notes its end, however it comes about.
struct Handed {
    body: Body,
    progress: Progress,
}

impl Drop for Handed {
    fn drop(&mut self) {
        self.progress.answered();
    }
}

impl HttpBody for Handed {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
