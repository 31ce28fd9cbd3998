//! Answers that stream through: what of a provider's head is kept, and the body with its record.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use passthrough_core::header::{Fields, HeaderPolicy, request_headers, response_headers};
use passthrough_core::provider::RedactReflections;
use passthrough_core::redact::Redactor;
use passthrough_core::token::holds_token;

use crate::metrics::UnderWay;
use crate::records::Draft;
use crate::resolve::{Admission, Caller, ReadyConnection};
use crate::upstream::{Answer, AnswerBody, BodyError, BoxError, InterimSink, Upgrade, UpstreamBody};

/// A provider's answer on its way to the caller.
#[derive(Debug)]
pub struct Delivery {
    /// The status.
    pub status: http::StatusCode,
    /// The reason phrase.
    pub reason: Option<Bytes>,
    /// The headers that are passed on.
    pub fields: Fields,
    /// The body.
    pub body: Box<DeliveredBody>,
    /// The connection, where it has changed its protocol.
    pub upgrade: Option<Box<Tunnel>>,
}

/// A connection to a provider that has changed its protocol, and on what it may stay open.
#[derive(Debug)]
pub struct Tunnel {
    /// The connection.
    pub provider: Upgrade,
    /// Who opened it on which connection.
    pub admission: Admission,
}

impl Delivery {
    /// Takes an answer over, with the record that ends when its body does.
    pub fn new(answer: Box<Answer>, ready: Arc<ReadyConnection>, draft: Box<Draft>) -> Self {
        let Answer { status, reason, mut fields, body, upgrade, .. } = *answer;
        keep_and_mask(&mut fields, &ready);
        let reason = shown_reason(reason, &ready);
        // A tunnel outlives the answer that opens it.
        let tunnel = |upgrade: Upgrade, caller: &Caller| {
            let provider = upgrade.counted(UnderWay::at(&ready.numbers));
            Box::new(Tunnel { provider, admission: Admission::new(caller, &ready) })
        };
        let upgrade = upgrade.zip(draft.whose()).map(|(upgrade, caller)| tunnel(upgrade, caller));
        let body = Box::new(DeliveredBody { body, draft, ready });
        Self { status, reason, fields, body, upgrade }
    }
}

/// The body of an answer, counted into its record. The record is taken in when this is dropped: at the
/// end, or when the caller has gone.
#[derive(Debug)]
pub struct DeliveredBody {
    body: AnswerBody,
    draft: Box<Draft>,
    /// Whose secrets are masked in trailers, as they are in headers.
    ready: Arc<ReadyConnection>,
}

impl Body for DeliveredBody {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        let mut frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        match &mut frame {
            Some(Ok(frame)) => {
                let bytes = frame.data_ref().map_or(0, Bytes::len);
                self.draft.received(bytes as u64);
                if let Some(trailers) = frame.trailers_mut() {
                    let mut fields = Fields::from(&*trailers);
                    keep_and_mask(&mut fields, &self.ready);
                    *trailers = fields.to_map();
                }
            }
            Some(Err(error)) => self.draft.broken_off(error.reason.as_str()),
            None => {}
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for DeliveredBody {
    /// Whoever drops it before its end has gone away.
    fn drop(&mut self) {
        if self.body.is_end_stream() {
            self.draft.complete();
        }
    }
}

/// The body of a request, counted on its way, with trailers judged as headers are.
pub(super) struct Counted {
    body: UpstreamBody,
    count: Arc<AtomicU64>,
    /// The names that were injected: some servers merge trailers into the head, and injected always wins.
    injected: Vec<Bytes>,
}

impl Counted {
    pub(super) fn new(body: UpstreamBody, count: Arc<AtomicU64>, injected: Vec<Bytes>) -> Self {
        Self { body, count, injected }
    }

    /// What of a caller's trailers goes on: nothing that would not as a header, and none of our own tokens.
    fn judged(&self, trailers: &HeaderMap) -> Result<HeaderMap, BoxError> {
        let policy = HeaderPolicy { injected: &self.injected, ..HeaderPolicy::default() };
        let mut kept = request_headers(Fields::from(trailers), &policy)?;
        kept.0.retain(|(_, value)| !holds_token(value));
        Ok(kept.to_map())
    }
}

impl Body for Counted {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let mut frame = ready!(Pin::new(&mut self.body).poll_frame(context));
        if let Some(Ok(frame)) = &mut frame {
            let bytes = frame.data_ref().map_or(0, Bytes::len);
            self.count.fetch_add(bytes as u64, Ordering::Relaxed);
            if let Some(trailers) = frame.trailers_mut() {
                *trailers = match self.judged(trailers) {
                    Ok(judged) => judged,
                    Err(error) => return Poll::Ready(Some(Err(error))),
                };
            }
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

/// What finds the connection's secrets in a provider's heads, unless its file asks for none of that.
fn redactor(ready: &ReadyConnection) -> Option<&Redactor> {
    (ready.redact_reflections != RedactReflections::None).then_some(&ready.redactor)
}

/// Keeps of a provider's headers or trailers what is neither about the hop nor ours to say, and masks the
/// connection's secrets where the provider echoes them.
pub(super) fn keep_and_mask(fields: &mut Fields, ready: &ReadyConnection) {
    response_headers(fields);
    if let Some(redactor) = redactor(ready) {
        mask(fields, redactor);
    }
}

/// Masks secrets in values. A name cannot be masked, so a field whose name holds one goes.
fn mask(fields: &mut Fields, redactor: &Redactor) {
    fields.0.retain_mut(|(name, value)| {
        if let Some(masked) = redactor.redact(value) {
            *value = masked.into();
        }
        !redactor.finds(name)
    });
}

/// A reason phrase is the provider's text like any header: one that echoes a secret is left out.
fn shown_reason(reason: Option<Bytes>, ready: &ReadyConnection) -> Option<Bytes> {
    reason.filter(|reason| !redactor(ready).is_some_and(|redactor| redactor.finds(reason)))
}

/// Passes interim heads on as final ones are, and without what frames a message.
pub(super) fn interim_sink(mut sink: InterimSink, ready: Arc<ReadyConnection>) -> InterimSink {
    Box::new(move |status, reason, mut fields| {
        keep_and_mask(&mut fields, &ready);
        fields.remove("content-length");
        let reason = shown_reason(Some(reason), &ready).unwrap_or_default();
        sink(status, reason, fields);
    })
}

/// Masks the connection's secrets in a body, where the provider file asks for it.
pub(super) fn redacted_body(ready: &ReadyConnection, body: Bytes) -> Bytes {
    match ready.redact_reflections {
        RedactReflections::HeadersAndBodies => ready.redactor.redact(&body).map_or(body, Bytes::from),
        RedactReflections::None | RedactReflections::Headers => body,
    }
}
