//! Callers' bodies: streamed with patience, or held up to a limit.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use axum::body::Body;
use bytes::Bytes;
use http_body::{Body as HttpBody, Frame, SizeHint};
use http_body_util::BodyExt;
use tokio::time::Sleep;

use super::error::ApiError;
use crate::app::App;
use crate::held::Pieces;
use crate::upstream::{BoxError, UpstreamBody};

/// A body of hyper's on its way to the provider, given up when it stands still.
pub(super) fn taken_in(body: Body, idle: Duration) -> UpstreamBody {
    if body.is_end_stream() {
        return UpstreamBody::Empty;
    }
    UpstreamBody::streamed(Watched { body, idle, timer: None })
}

/// Reads a whole body, up to a limit.
pub(super) async fn read_body<B>(app: &App, mut body: B, limit: usize) -> Result<Bytes, ApiError>
where
    B: HttpBody<Data = Bytes> + Unpin,
{
    if body.size_hint().lower() > limit as u64 {
        return Err(ApiError::too_large(limit));
    }
    let idle: Duration = app.config.limits.body_idle;
    let mut held = Pieces::default();
    let mut room = app.held.begin();
    let until = Instant::now() + app.config.deadlines.total_max;
    loop {
        let wait = idle.min(until.saturating_duration_since(Instant::now()));
        let frame = match tokio::time::timeout(wait, body.frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(None) => return Ok(room.keep(held.join())),
            Ok(Some(Err(_))) => return Err(ApiError::bad_field("", "the body could not be read to its end")),
            Err(_) => {
                let message = format!("the body stood still for {} seconds", idle.as_secs());
                return Err(ApiError::bad_field("", message));
            }
        };
        let Ok(data) = frame.into_data() else { continue };
        if held.len() + data.len() > limit {
            return Err(ApiError::too_large(limit));
        }
        // A thousand sockets with half of a large body each would take all memory there is.
        room.grow(held.len() + data.len(), limit).await?;
        held.push(&data);
    }
}

struct Watched {
    body: Body,
    idle: Duration,
    timer: Option<Pin<Box<Sleep>>>,
}

impl HttpBody for Watched {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        if let Poll::Ready(frame) = Pin::new(&mut this.body).poll_frame(context) {
            this.timer = None;
            return Poll::Ready(frame.map(|frame| frame.map_err(BoxError::from)));
        }
        let idle = this.idle;
        let timer = this.timer.get_or_insert_with(|| Box::pin(tokio::time::sleep(idle)));
        ready!(timer.as_mut().poll(context));
        Poll::Ready(Some(Err("the caller's body stood still for too long".into())))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}
