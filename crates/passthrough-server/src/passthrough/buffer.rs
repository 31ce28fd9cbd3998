//! Bodies that are held in memory, up to a limit.

use bytes::Bytes;
use http_body::Body;
use http_body_util::BodyExt;
use passthrough_core::fault::Sent;
use passthrough_core::upstream::RequestBody;

use crate::held::{Pieces, Room};
use crate::http::error::ApiError;
use crate::upstream::{AnswerBody, BodyError, Reason, SendError, UpstreamBody};

/// Reads a caller's body, for providers whose credential goes into it.
pub(super) async fn read_request(
    room: &Room,
    body: Option<UpstreamBody>,
    limit: usize,
) -> Result<RequestBody, ApiError> {
    let Some(mut body) = body else { return Ok(RequestBody::Absent) };
    let mut held = Pieces::default();
    let mut room = room.begin();
    while let Some(frame) = body.frame().await {
        let frame = frame
            .map_err(|_| ApiError::bad_field("body", "the request body could not be read to its end"))?;
        let Ok(data) = frame.into_data() else { continue };
        if held.len() + data.len() > limit {
            return Err(ApiError::too_large(limit));
        }
        room.grow(held.len() + data.len(), limit).await?;
        held.push(&data);
    }
    Ok(RequestBody::Bytes { bytes: room.keep(held.join()), content_type: None })
}

/// Reads a provider's answer.
pub(super) async fn read_answer(room: &Room, mut body: AnswerBody, limit: usize) -> Result<Bytes, ApiError> {
    let too_large = || {
        let message =
            format!("the provider's answer is larger than {limit} bytes; fetch it through /v1/proxy");
        ApiError::bad_gateway(Reason::TooLarge.as_str(), message, Sent::Yes)
    };
    if body.size_hint().lower() > limit as u64 {
        return Err(too_large());
    }
    let mut first: Option<Bytes> = None;
    let mut room = room.begin();
    let mut held = Pieces::default();
    while let Some(frame) = body.frame().await {
        let frame =
            frame.map_err(|BodyError { reason }| SendError { reason, sent: Sent::Yes, detail: None })?;
        let Ok(data) = frame.into_data() else { continue };
        let so_far = first.as_ref().map_or(held.len(), Bytes::len);
        if so_far + data.len() > limit {
            return Err(too_large());
        }
        // The provider has answered by now, so this is no failure that may be repeated.
        let grown = room.grow(so_far + data.len(), limit).await;
        grown.map_err(|no_room| ApiError { sent: Sent::Yes, retryable: false, ..no_room.into() })?;
        // Most answers come in one piece, which then needs no copy.
        match first.take() {
            None if held.len() == 0 => first = Some(data),
            Some(piece) => {
                held.push(&piece);
                held.push(&data);
            }
            None => held.push(&data),
        }
    }
    Ok(room.keep(first.unwrap_or_else(|| held.join())))
}
