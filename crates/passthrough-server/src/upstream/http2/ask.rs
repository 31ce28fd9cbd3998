//! One request over HTTP/2, from its head to the head of its answer.

use std::future::poll_fn;
use std::task::{Context, Poll};

use bytes::Bytes;
use h2::client::ResponseFuture;
use h2::{Reason as Code, RecvStream};
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::uri::Scheme;
use http::{Request, Response, StatusCode, Uri};
use passthrough_core::header::Fields;
use passthrough_http1::framing::BodyLength;

use super::incoming::Incoming;
use super::upload::Upload;
use super::{Place, Seat};
use crate::metrics::Closed;
use crate::upstream::InterimSink;
use crate::upstream::error::{Reason, SendError, Sent, classify_h2};
use crate::upstream::http1::HEAD_LIMITS;
use crate::upstream::patience::{Patience, Timer};
use crate::upstream::request::{RequestHead, UpstreamBody, Waits};

/// The most interim heads before an answer.
const MAX_INTERIM: usize = 32;

/// The names whose values may enter the compression table (RFC 7541 §7.1.3): none that can be a credential.
const HARMLESS: [HeaderName; 6] = [
    header::ACCEPT,
    header::ACCEPT_ENCODING,
    header::ACCEPT_LANGUAGE,
    header::CONTENT_LENGTH,
    header::CONTENT_TYPE,
    header::USER_AGENT,
];

/// A request on its way, whose answer has no head yet.
struct Asked {
    response: ResponseFuture,
    upload: Upload,
    seat: Seat,
    stream: u32,
    timer: Timer,
    interim: usize,
}

/// A head.
enum Head {
    Interim(Response<()>),
    Final(Response<RecvStream>),
}

impl Place {
    /// Sends a request and waits for the head of the answer.
    pub(in crate::upstream) async fn ask(
        mut self,
        head: &RequestHead<'_>,
        body: UpstreamBody,
        waits: Waits,
        interim: &mut Option<InterimSink>,
    ) -> Result<(StatusCode, Fields, Box<Incoming>), SendError> {
        let length = head.body_length(&body);
        let request = self.request(head, length)?;
        let unsent = |error: h2::Error| SendError::unsent(classify_h2(&error)).with(describe(&error));
        poll_fn(|cx| self.sender.poll_ready(cx)).await.map_err(unsent)?;
        let bodyless = matches!(length, BodyLength::None | BodyLength::Exact(0));
        let (response, stream) = self.sender.send_request(request, bodyless).map_err(unsent)?;
        let mut asked = Box::new(Asked {
            stream: response.stream_id().as_u32(),
            response,
            upload: Upload::new(stream, body, length),
            seat: self.seat,
            timer: Timer::default(),
            interim: 0,
        });
        let mut patience = Patience::new(waits.deadline);
        loop {
            match poll_fn(|cx| asked.poll_head(cx, waits, &mut patience)).await? {
                Head::Interim(head) => {
                    if let Some(sink) = interim {
                        sink(head.status(), Bytes::new(), Fields::from(head.headers()));
                    }
                }
                Head::Final(response) => return asked.answered(response),
            }
        }
    }

    fn request(&self, head: &RequestHead<'_>, length: BodyLength) -> Result<Request<()>, SendError> {
        let refused = || SendError::unsent(Reason::Protocol).with("a head that HTTP/2 cannot carry");
        let mut uri = http::uri::Parts::default();
        uri.scheme = Some(Scheme::HTTPS);
        uri.authority = Some(self.authority.clone());
        uri.path_and_query = Some(head.path.clone());
        let mut request = Request::new(());
        *request.uri_mut() = Uri::from_parts(uri).map_err(|_| refused())?;
        *request.method_mut() = head.method.clone();
        let headers = request.headers_mut();
        for (name, value) in head.kept() {
            let name = HeaderName::from_bytes(name).map_err(|_| refused())?;
            let mut value = HeaderValue::from_maybe_shared(value.clone()).map_err(|_| refused())?;
            value.set_sensitive(!HARMLESS.contains(&name));
            headers.append(name, value);
        }
        if let BodyLength::Exact(length) = length {
            headers.insert(header::CONTENT_LENGTH, HeaderValue::from(length));
        }
        Ok(request)
    }
}

impl Asked {
    fn poll_head(
        &mut self,
        cx: &mut Context<'_>,
        waits: Waits,
        patience: &mut Patience,
    ) -> Poll<Result<Head, SendError>> {
        if let Poll::Ready(Err(reason)) = self.upload.poll(cx) {
            return Poll::Ready(Err(SendError::new(reason, self.sent())));
        }
        if let Poll::Ready(Some(interim)) = self.response.poll_informational(cx) {
            return Poll::Ready(match interim {
                Ok(_) if self.interim == MAX_INTERIM => {
                    self.seat.0.condemn();
                    Err(refuse("more than 32 interim heads"))
                }
                Ok(head) => {
                    self.interim += 1;
                    Ok(Head::Interim(head))
                }
                Err(error) => Err(self.failed(&error)),
            });
        }
        if let Poll::Ready(response) = std::pin::Pin::new(&mut self.response).poll(cx) {
            return Poll::Ready(response.map(Head::Final).map_err(|error| self.failed(&error)));
        }
        let idle = if self.upload.waits_for_source() {
            (waits.idle, Reason::RequestBody)
        } else {
            (waits.first_byte, Reason::FirstByteTimeout)
        };
        let moves = self.upload.moves() + self.interim as u64;
        patience.poll(cx, &mut self.timer, moves, idle).map(|reason| {
            // Whether the provider is slow or the connection dead cannot be said: nobody else joins it.
            self.seat.0.close(Closed::Abandoned);
            Err(SendError::new(reason, self.sent()))
        })
    }

    /// Whether the provider may have acted upon the request. One that said anything to it has seen it, whatever
    /// it claims afterwards: believing it would send a payment twice.
    fn sent(&self) -> Sent {
        if self.interim > 0 {
            Sent::Yes
        } else if self.seat.0.is_unprocessed(self.stream) {
            Sent::No
        } else {
            Sent::Unknown
        }
    }

    fn failed(&self, error: &h2::Error) -> SendError {
        let refused = error.is_reset() && error.is_remote() && error.reason() == Some(Code::REFUSED_STREAM);
        let reason = classify_h2(error);
        let sent = match reason {
            // The provider says that it did nothing (RFC 9113 §8.7): safe to be sent again.
            _ if refused && self.interim == 0 => Sent::No,
            // What was wrong is its answer.
            Reason::Protocol => Sent::Yes,
            _ => self.sent(),
        };
        SendError::new(reason, sent).with(describe(error))
    }

    fn answered(
        self: Box<Self>,
        response: Response<RecvStream>,
    ) -> Result<(StatusCode, Fields, Box<Incoming>), SendError> {
        let (head, body) = response.into_parts();
        if head.status.is_informational() {
            return Err(refuse("an informational answer as the final one"));
        }
        if head.headers.len() > HEAD_LIMITS.fields {
            return Err(SendError::new(Reason::TooLarge, Sent::Yes).with("more fields than allowed"));
        }
        let length = content_length(&head.headers);
        let incoming = Incoming::new(body, self.upload, length, self.seat);
        Ok((head.status, Fields::from(&head.headers), Box::new(incoming)))
    }
}

fn refuse(why: &str) -> SendError {
    SendError::new(Reason::Protocol, Sent::Yes).with(why)
}

/// The length that the answer announces; the codec has seen to it that there is one at most, and holds the
/// provider to it.
fn content_length(headers: &HeaderMap) -> Option<u64> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// For the log. Without the debug data of a GOAWAY, in which anything may stand.
fn describe(error: &h2::Error) -> String {
    match (error.get_io(), error.reason()) {
        (Some(error), _) => error.to_string(),
        (None, Some(code)) => code.to_string(),
        (None, None) => "a message that HTTP/2 does not allow".to_owned(),
    }
}
