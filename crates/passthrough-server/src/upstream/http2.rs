//! HTTP/2 to a provider: one connection, many requests at once.
//!
//! One task per connection turns frames into streams; each exchange drives its own stream, the upload
//! included, as it does a socket of HTTP/1.1.

mod ask;
mod incoming;
mod notes;
mod upload;

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use h2::client::{Builder, Connection, SendRequest};
use h2::{Ping, PingPong};
use http::uri::Authority;
use tokio::time::{sleep, timeout};

use self::notes::{Noted, Notes};
use super::error::{Reason, SendError, classify_h2};
use super::http1::HEAD_LIMITS;
use super::tls::Stream;
use crate::metrics::{self, Closed};
pub(super) use incoming::Incoming;

/// The window of one stream: what a provider may send before somebody has read it.
const STREAM_WINDOW: u32 = 64 * 1024;
/// The window of a connection, so that one slow reader does not hold up the others.
const CONNECTION_WINDOW: u32 = 1024 * 1024;
/// The most requests at once on one connection, where the provider allows more.
const MAX_STREAMS: usize = 100;
/// How often a connection with requests on it is asked whether it still lives, and how long it may take.
const PING_INTERVAL: Duration = Duration::from_secs(15);
const PING_TIMEOUT: Duration = Duration::from_secs(10);

/// A connection that requests can join.
pub(super) struct Session {
    sender: SendRequest<Bytes>,
    authority: Authority,
    notes: Arc<Notes>,
}

impl Drop for Session {
    /// The pool lets go of it: it rested for too long, or, with its first request still on it, found no room.
    fn drop(&mut self) {
        if self.is_open() {
            self.notes.close(if self.is_busy() { Closed::Full } else { Closed::Expired });
        }
    }
}

/// Counts the end of a connection.
struct Life {
    numbers: Arc<metrics::Upstream>,
    notes: Arc<Notes>,
}

impl Drop for Life {
    fn drop(&mut self) {
        self.numbers.closed(self.notes.end());
    }
}

/// The right to send one request.
pub(super) struct Place {
    sender: SendRequest<Bytes>,
    authority: Authority,
    seat: Seat,
    /// Whether the connection served a request before.
    pub(super) reused: bool,
}

/// One of the requests at once. Leaves when dropped.
struct Seat(Arc<Notes>);

impl Drop for Seat {
    fn drop(&mut self) {
        self.0.open.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Session {
    /// A place, unless the connection is full, or the provider is about to leave.
    pub(super) fn join(&self) -> Option<Place> {
        if !self.notes.is_open() {
            return None;
        }
        // Never more than the provider allows: the rest would wait for who is slow.
        let most = self.sender.current_max_send_streams().min(MAX_STREAMS);
        let before = self.notes.open.fetch_add(1, Ordering::Relaxed);
        let seat = Seat(self.notes.clone());
        let place =
            || Place { sender: self.sender.clone(), authority: self.authority.clone(), seat, reused: true };
        (before < most).then(place)
    }

    /// Whether requests are on their way.
    pub(super) fn is_busy(&self) -> bool {
        self.notes.open.load(Ordering::Relaxed) > 0
    }

    /// Whether the provider takes further requests.
    pub(super) fn is_open(&self) -> bool {
        self.notes.is_open()
    }
}

/// Begins to speak HTTP/2 over `stream`. Gives the session and the first place in it.
pub(super) async fn open(
    stream: Stream,
    authority: &str,
    numbers: Arc<metrics::Upstream>,
) -> Result<(Session, Place), SendError> {
    let notes = Notes::new();
    let life = Life { numbers, notes: notes.clone() };
    let authority =
        Authority::try_from(authority).map_err(|error| SendError::unsent(Reason::Protocol).with(error))?;
    let io = Noted::new(stream, notes.clone());
    let handshake = Builder::new()
        .enable_push(false)
        .initial_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
        .max_send_buffer_size(STREAM_WINDOW as usize)
        .max_header_list_size(u32::try_from(HEAD_LIMITS.bytes).unwrap_or(u32::MAX))
        .handshake(io)
        .await;
    let (sender, connection) =
        handshake.map_err(|error| SendError::unsent(classify_h2(&error)).with(error))?;
    tokio::spawn(drive(connection, life));
    notes.open.fetch_add(1, Ordering::Relaxed);
    let (first, name, seat) = (sender.clone(), authority.clone(), Seat(notes.clone()));
    let place = Place { sender: first, authority: name, seat, reused: false };
    Ok((Session { sender, authority, notes }, place))
}

/// Moves frames until the connection ends, or is found dead. Ends by itself when the session is dropped and
/// its last request has ended.
async fn drive(mut connection: Connection<Noted<Stream>, Bytes>, life: Life) {
    let ping_pong = connection.ping_pong();
    let notes = &life.notes;
    tokio::select! {
        // How it ended is told through each request; between requests nobody asks.
        _ = connection => {}
        () = watch(ping_pong, notes) => {}
        () = notes.condemned() => {}
    }
    notes.close(notes.end());
}

/// Ends when a connection with requests on it no longer answers.
async fn watch(ping_pong: Option<PingPong>, notes: &Notes) {
    let Some(mut ping_pong) = ping_pong else { return std::future::pending().await };
    loop {
        sleep(PING_INTERVAL).await;
        if notes.open.load(Ordering::Relaxed) > 0
            && !matches!(timeout(PING_TIMEOUT, ping_pong.ping(Ping::opaque())).await, Ok(Ok(_)))
        {
            return;
        }
    }
}
