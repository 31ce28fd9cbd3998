//! A connection between two requests: waiting for a head, handing the socket back, leaving.

use std::future::{Future, poll_fn};
use std::io;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BytesMut;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::time::Instant;

use super::inbound::{Held, Inbound, lock};
use super::judge::{Plan, Refusal, judge};
use super::timer::Timer;
use super::{Broken, End, Settings};
use crate::head::{HeadReader, Preface, RequestHead, preface};

/// How long a caller may go on sending after the last answer, and how much.
const LINGER: Duration = Duration::from_secs(2);
const LINGER_BYTES: usize = 1024 * 1024;

/// What a caller did next.
pub(super) enum Next {
    /// It sent a head, or something in its place.
    Arrived(Result<(RequestHead, Plan), Refusal>),
    /// It speaks HTTP/2.
    Http2,
    /// Nothing more.
    End(Option<Broken>),
}

/// What the timer of a connection that waits for a head is set to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// What is over.
    Nothing,
    /// The end of its rest.
    Rest,
    /// The end of the head that has begun. A new connection has that time only, even if its first byte is late.
    Head,
}

/// The owner's sign to stop, which may be asked for again after it was given.
pub(super) struct Stop<'a, S> {
    stop: Pin<&'a mut S>,
    given: bool,
}

impl<'a, S: Future<Output = ()>> Stop<'a, S> {
    pub(super) fn new(stop: Pin<&'a mut S>) -> Self {
        Self { stop, given: false }
    }

    pub(super) fn poll_given(&mut self, cx: &mut Context<'_>) -> bool {
        self.given = self.given || self.stop.as_mut().poll(cx).is_ready();
        self.given
    }
}

/// The writing side. Dropped, it says nothing to the caller, where tokio's own would end the stream in good
/// order: what is dropped within an answer must not look like the end of it.
pub(super) struct Writing(Option<OwnedWriteHalf>);

impl Writing {
    /// The socket, which is there as long as the connection is.
    pub(super) fn socket(&self) -> io::Result<&TcpStream> {
        let socket = self.0.as_ref().map(AsRef::as_ref);
        socket.ok_or_else(|| io::ErrorKind::NotConnected.into())
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        if let Some(socket) = self.0.take() {
            socket.forget();
        }
    }
}

/// A caller's connection.
pub(super) struct Connection {
    pub socket: Writing,
    pub inbound: Held,
    pub settings: Settings,
    pub timer: Timer,
    reader: HeadReader,
    /// Nothing was answered yet.
    is_new: bool,
    /// It does not begin as HTTP/2 does.
    is_http1: bool,
}

impl Connection {
    pub(super) fn new(stream: TcpStream, settings: Settings) -> Self {
        let (read, socket) = stream.into_split();
        Self {
            socket: Writing(Some(socket)),
            inbound: Held(Arc::new(Mutex::new(Inbound::new(read)))),
            timer: Timer::new(Instant::now() + settings.head),
            settings,
            reader: HeadReader::new(),
            is_new: true,
            is_http1: false,
        }
    }

    /// Waits for the head of the next request.
    pub(super) async fn next<S: Future<Output = ()>>(&mut self, stop: &mut Stop<'_, S>) -> Next {
        let mut due = if std::mem::take(&mut self.is_new) { Due::Head } else { Due::Nothing };
        let (reader, is_http1, timer) = (&mut self.reader, &mut self.is_http1, &mut self.timer);
        let Settings { limits, head, rest, .. } = self.settings;
        let inbound = &self.inbound;
        poll_fn(|cx| {
            let mut inbound = lock(inbound);
            loop {
                let buffer = &mut inbound.buffer;
                if !buffer.is_empty() {
                    let begins = if *is_http1 { Preface::No } else { preface(buffer) };
                    *is_http1 = begins == Preface::No;
                    match begins {
                        Preface::Yes => return Poll::Ready(Next::Http2),
                        Preface::Partial => {}
                        Preface::No => match reader.read_request(buffer, &limits) {
                            Ok(None) => {}
                            Ok(Some(request)) => {
                                let judged = judge(&request).map(|plan| (request, plan));
                                return Poll::Ready(Next::Arrived(judged));
                            }
                            Err(error) => return Poll::Ready(Next::Arrived(Err(error.into()))),
                        },
                    }
                }
                match inbound.poll_fill(cx) {
                    Poll::Ready(Ok(1..)) => continue,
                    Poll::Ready(Ok(0)) => {
                        let within = !inbound.buffer.is_empty();
                        return Poll::Ready(Next::End(within.then_some(Broken::Gone)));
                    }
                    Poll::Ready(Err(error)) => return Poll::Ready(Next::End(Some(error.into()))),
                    Poll::Pending => {}
                }
                let rests = inbound.buffer.is_empty();
                if rests {
                    inbound.release();
                    if stop.poll_given(cx) {
                        return Poll::Ready(Next::End(None));
                    }
                }
                // Only who has to wait looks at the clock.
                let (now_due, within) = if rests { (Due::Rest, rest) } else { (Due::Head, head) };
                if due < now_due {
                    timer.set(Instant::now() + within);
                    due = now_due;
                }
                return match timer.poll_passed(cx) {
                    false => Poll::Pending,
                    true if rests => Poll::Ready(Next::End(None)),
                    true => Poll::Ready(Next::Arrived(Err(Refusal::Slow))),
                };
            }
        })
        .await
    }

    /// Says that nothing more comes, and reads over what the caller still sends: a socket that is closed with
    /// unread bytes answers them with a reset, which may overtake the answer (RFC 9112 §9.6).
    pub(super) async fn linger(&mut self) {
        let Some(socket) = &mut self.socket.0 else { return };
        if socket.shutdown().await.is_err() {
            return;
        }
        self.timer.set(Instant::now() + LINGER);
        let (timer, mut left) = (&mut self.timer, LINGER_BYTES);
        let inbound = &self.inbound;
        poll_fn(|cx| {
            let mut inbound = lock(inbound);
            loop {
                inbound.buffer.clear();
                match inbound.poll_fill(cx) {
                    Poll::Ready(Ok(read @ 1..)) if read < left => left -= read,
                    Poll::Pending if !timer.poll_passed(cx) => return Poll::Pending,
                    _ => return Poll::Ready(()),
                }
            }
        })
        .await;
    }

    /// Gives the socket back with what was read from it.
    pub(super) fn hand_back<U>(self, make: impl FnOnce(TcpStream, BytesMut) -> End<U>) -> End<U> {
        let Self { mut socket, inbound, .. } = self;
        let (read, rest) = {
            let mut inbound = lock(&inbound);
            (inbound.take_socket(), std::mem::take(&mut inbound.buffer))
        };
        match read.zip(socket.0.take()).map(|(read, socket)| read.reunite(socket)) {
            Some(Ok(stream)) => make(stream, rest),
            // Two halves of one socket always fit.
            Some(Err(_)) | None => End::Closed,
        }
    }
}
