//! Bodies on their way to the server, and the watch over them.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};
use tokio::time::Instant;

type BoxError = Box<dyn std::error::Error + Send + Sync>;

/// A body to send: nothing, bytes, or a stream.
#[derive(Debug)]
pub struct Body {
    inner: UnsyncBoxBody<Bytes, BoxError>,
    progress: Option<Progress>,
}

impl Body {
    /// No body.
    pub fn empty() -> Self {
        Self::stream(Empty::new())
    }

    /// A body that is streamed: its length is sent where its size hint is exact.
    pub fn stream<B>(body: B) -> Self
    where
        B: http_body::Body<Data = Bytes> + Send + 'static,
        B::Error: Into<BoxError>,
    {
        Self { inner: body.map_err(Into::into).boxed_unsync(), progress: None }
    }

    /// The same body, which tells when its last piece was taken.
    pub(crate) fn watched(mut self) -> (Self, Progress) {
        let progress = Progress(Arc::new(Mutex::new(Instant::now())));
        self.progress = Some(progress.clone());
        (self, progress)
    }
}

impl<T: Into<Bytes>> From<T> for Body {
    fn from(bytes: T) -> Self {
        Self::stream(Full::new(bytes.into()))
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        if let (Poll::Ready(_), Some(progress)) = (&polled, &self.progress) {
            progress.touch();
        }
        polled
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}

/// When a body last moved: a long upload must not be cut off by the deadline for the answer to it.
#[derive(Debug, Clone)]
pub(crate) struct Progress(Arc<Mutex<Instant>>);

impl Progress {
    fn touch(&self) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Instant::now();
    }

    fn last(&self) -> Instant {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends once nothing has moved for `patience`.
    pub(crate) async fn stalled(&self, patience: Duration) {
        loop {
            let until = self.last() + patience;
            if until <= Instant::now() {
                return;
            }
            tokio::time::sleep_until(until).await;
        }
    }
}
