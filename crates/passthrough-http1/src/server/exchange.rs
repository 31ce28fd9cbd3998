//! One request and its answer.

use std::error::Error;
use std::future::{Future, poll_fn};
use std::pin::{Pin, pin};
use std::task::{Context, Poll};

use bytes::Bytes;
use http::StatusCode;
use http_body::Body;
use tokio::io::Interest;
use tokio::net::TcpStream;

use super::answer::{Answer, Keep};
use super::inbound::{Shared, lock};
use super::judge::{Plan, Refusal};
use super::outgoing::Outgoing;
use super::rest::{Connection, Stop};
use super::{Broken, IncomingBody, Interim, Request, Response};
use crate::head::RequestHead;

/// What comes after an answer.
pub(super) enum Over<U> {
    /// The next request.
    Again,
    /// The end.
    Close,
    /// Another protocol.
    Upgrade(U),
}

impl Connection {
    /// Has a request handled and writes the answer.
    pub(super) async fn exchange<H, F, B, U, S>(
        &mut self,
        arrived: Result<(RequestHead, Plan), Refusal>,
        stop: &mut Stop<'_, S>,
        handle: &H,
    ) -> Result<Over<U>, Broken>
    where
        H: Fn(Result<Request, Refusal>) -> F,
        F: Future<Output = Response<B, U>>,
        B: Body<Data = Bytes>,
        B::Error: Into<Box<dyn Error + Send + Sync>>,
        S: Future<Output = ()>,
    {
        let (request, plan) = self.begin(arrived);
        let socket = self.socket.socket()?;
        let mut gone = pin!(gone(socket));
        let mut outgoing = Outgoing::default();
        let response = {
            let working = pin!(handle(request));
            drive(working, &self.inbound, socket, gone.as_mut(), &mut outgoing).await?
        };
        let Response { status, reason, fields, body, upgrade } = response;
        let is_over = poll_fn(|cx| {
            let may_stay = plan.persists && !stop.poll_given(cx);
            Poll::Ready(!may_stay || !may_go_on(&self.inbound, &mut outgoing, status, cx))
        })
        .await;
        let keep = if is_over { Keep::Close } else { Keep::Open };
        let mut answer = Answer::begin(outgoing, status, &reason, &fields, &body, &plan, keep)?;
        // What is copied already is not kept while the body streams.
        drop((reason, fields));
        let mut cut = Cut { socket, resets: answer.ends_with_connection() };
        let mut body = pin!(body);
        poll_fn(|cx| {
            answer.poll(cx, body.as_mut(), socket, gone.as_mut(), &mut self.timer, self.settings.unread)
        })
        .await?;
        cut.resets = false;
        if status == StatusCode::SWITCHING_PROTOCOLS {
            return Ok(upgrade.map_or(Over::Close, Over::Upgrade));
        }
        let is_read = poll_fn(|cx| Poll::Ready(finish(&self.inbound, cx))).await;
        Ok(if answer.keeps_open() && is_read { Over::Again } else { Over::Close })
    }

    fn begin(&mut self, arrived: Result<(RequestHead, Plan), Refusal>) -> (Result<Request, Refusal>, Plan) {
        let (head, plan) = match arrived {
            Ok(arrived) => arrived,
            Err(refusal) => return (Err(refusal), Plan::REFUSED),
        };
        let shared = &self.inbound.0;
        let mut inbound = lock(shared);
        inbound.begin(plan.length, plan.expects);
        let body = IncomingBody::new(shared, &inbound, self.settings.body_idle);
        let takes_interim = plan.version == http::Version::HTTP_11;
        let interim = Interim(takes_interim.then(|| (Shared::clone(shared), inbound.exchange)));
        (Ok(Request { head, body, interim }), plan)
    }
}

/// Where the end of the connection is the end of the body, only a reset says that it was cut short, whether it
/// failed or the whole connection was dropped.
struct Cut<'a> {
    socket: &'a TcpStream,
    resets: bool,
}

impl Drop for Cut<'_> {
    fn drop(&mut self) {
        if self.resets {
            let _ = self.socket.set_zero_linger();
        }
    }
}

/// Ends when the caller has gone away, or has said that it sends nothing more: a program that waits for an
/// answer keeps its side open, and reading on to tell the two apart would take in what it sends next.
#[cfg(any(target_os = "linux", target_os = "android"))]
async fn gone(socket: &TcpStream) {
    // The one interest that is met by the end of the stream and not by unread bytes before it.
    let _ = socket.ready(Interest::PRIORITY).await;
}

/// Like the above where the system does not tell the end from unread bytes: those hide it.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
async fn gone(socket: &TcpStream) {
    if let Ok(1..) = socket.peek(&mut [0]).await {
        std::future::pending().await
    }
}

/// Drives the handler, writes interim answers meanwhile, and lets go of it when the caller is gone.
async fn drive<F: Future>(
    mut working: Pin<&mut F>,
    inbound: &Shared,
    socket: &TcpStream,
    mut gone: Pin<&mut impl Future<Output = ()>>,
    outgoing: &mut Outgoing,
) -> Result<F::Output, Broken> {
    let mut written = 0;
    poll_fn(|cx| {
        if let Poll::Ready(response) = working.as_mut().poll(cx) {
            return Poll::Ready(Ok(response));
        }
        if let Some(interim) = lock(inbound).take_interim(cx.waker()) {
            outgoing.short.unsplit(interim);
        }
        if let Poll::Ready(Err(error)) = outgoing.poll_write(socket, cx, &mut written) {
            return Poll::Ready(Err(error.into()));
        }
        gone.as_mut().poll(cx).map(|()| Err(Broken::Gone))
    })
    .await
}

/// Takes the last interim answers along, and says whether another request may follow on this socket as far
/// as the body of this one goes.
fn may_go_on(inbound: &Shared, outgoing: &mut Outgoing, status: StatusCode, cx: &mut Context<'_>) -> bool {
    let mut inbound = lock(inbound);
    if let Some(interim) = inbound.answer() {
        outgoing.short.unsplit(interim);
    }
    if inbound.is_read() {
        return true;
    }
    // Whoever holds the body may read it to its end yet, while the answer flows. Who refuses early will not; then the
    // caller is told at once that nothing follows here (RFC 9112 §9.6).
    if !inbound.abandoned {
        return status.is_success();
    }
    // Whether a caller that was never told to go on sends its body is anybody's guess (RFC 9110 §10.1.1).
    !inbound.expects && inbound.drain(cx)
}

/// Ends the request, and says whether its body has been read, so that the next head begins where the buffer
/// does.
fn finish(inbound: &Shared, cx: &mut Context<'_>) -> bool {
    let mut inbound = lock(inbound);
    let is_read = inbound.is_read() || (!inbound.expects && inbound.drain(cx));
    inbound.finish();
    is_read
}
