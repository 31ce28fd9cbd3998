//! A streamed answer of a provider.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, StatusCode};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use passthrough_wire::REQUEST_ID_HEADER;
use serde::de::DeserializeOwned;

use crate::client::Client;
use crate::error::Error;
use crate::exchange::Answer;

/// What the provider answered: status, headers, and a body that is read while it arrives.
///
/// Dropping it before the end cancels the provider's request.
#[derive(Debug)]
pub struct Response {
    inner: http::Response<ResponseBody>,
}

/// A body on its way from the provider.
#[derive(Debug)]
pub struct ResponseBody {
    inner: Incoming,
    client: Client,
}

impl Response {
    pub(crate) fn new(client: Client, answer: Answer) -> Self {
        Self { inner: answer.map(|inner| ResponseBody { inner, client }) }
    }

    /// The provider's status.
    pub fn status(&self) -> StatusCode {
        self.inner.status()
    }

    /// The provider's headers, and `Passthrough-Request-Id`.
    pub fn headers(&self) -> &HeaderMap {
        self.inner.headers()
    }

    /// `req_<ULID>`: this request among the records.
    pub fn request_id(&self) -> Option<&str> {
        self.headers().get(REQUEST_ID_HEADER).and_then(|value| value.to_str().ok())
    }

    /// The body's length in bytes, where the provider said it.
    pub fn content_length(&self) -> Option<u64> {
        self.inner.body().size_hint().exact()
    }

    /// The next piece of the body; `None` at its end.
    ///
    /// # Errors
    /// [`Error::Broken`] where the body breaks off: what came before is not the whole.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        while let Some(frame) = self.inner.body_mut().frame().await {
            // Trailers are no part of the body.
            if let Ok(data) = frame?.into_data() {
                return Ok(Some(data));
            }
        }
        Ok(None)
    }

    /// The whole body, however long it is.
    ///
    /// # Errors
    /// [`Error::Broken`].
    pub async fn bytes(self) -> Result<Bytes, Error> {
        Ok(self.inner.into_body().collect().await?.to_bytes())
    }

    /// The whole body, read as JSON.
    ///
    /// # Errors
    /// [`Error::Broken`], [`Error::Decode`].
    pub async fn json<T: DeserializeOwned>(self) -> Result<T, Error> {
        let body = self.bytes().await?;
        serde_json::from_slice(&body).map_err(|error| Error::decode("the provider's answer", &error))
    }

    /// The answer in the words of the `http` crate, body and trailers still streamed.
    pub fn into_http(self) -> http::Response<ResponseBody> {
        self.inner
    }
}

impl Body for ResponseBody {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Error>>> {
        let polled = Pin::new(&mut self.inner).poll_frame(context);
        polled.map(|frame| frame.map(|frame| frame.map_err(|error| self.client.broken(error))))
    }

    fn is_end_stream(&self) -> bool {
        self.inner.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.inner.size_hint()
    }
}
