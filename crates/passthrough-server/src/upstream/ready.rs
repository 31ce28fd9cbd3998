//! A connection that can take a request: one that rests, one to join, or a new one.

use std::sync::Arc;

use tokio::time::Instant;

use super::Inner;
use super::answer::Dialled;
use super::error::SendError;
use super::http1::{Home, Socket};
use super::http2::{self, Place};
use super::identity::ClientIdentity;
use super::pool::Key;
use super::tls::Offer;

/// A connection that is ready for a request.
pub(super) enum Ready {
    /// To itself.
    Socket(Box<Socket>),
    /// Among others.
    Place(Place),
}

impl Ready {
    /// Whether the connection served a request before.
    pub(super) fn is_reused(&self) -> bool {
        match self {
            Ready::Socket(socket) => socket.reused,
            Ready::Place(place) => place.reused,
        }
    }
}

/// Whom a connection is wanted for.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) key: &'a Key,
    /// The pool that it is kept in.
    pub(super) number: usize,
    pub(super) identity: Option<&'a ClientIdentity>,
    /// Whether another protocol is going to be asked for, which is a thing of HTTP/1.1 (RFC 9113 §8.6).
    pub(super) upgrade: bool,
    /// Whether it must be one that nobody has used.
    pub(super) fresh: bool,
    /// When the call began.
    pub(super) since: Instant,
}

/// Finds one, or makes one and notes in `dialled` when it did.
pub(super) async fn ready(
    upstream: &Inner,
    wanted: Wanted<'_>,
    dialled: &mut Option<Dialled>,
) -> Result<Ready, SendError> {
    if wanted.fresh {
        return Box::pin(open(upstream, wanted, dialled)).await;
    }
    if let Some(found) = take(upstream, wanted) {
        return Ok(found);
    }
    // On the heap: a handshake is large and rare, and every call would carry room for it.
    Box::pin(wait_or_open(upstream, wanted, dialled)).await
}

/// Where HTTP/2 is spoken, one opens a session and those who come meanwhile wait for it, once: where it
/// failed, or is full already, they do not queue up behind each other's attempts.
async fn wait_or_open(
    upstream: &Inner,
    wanted: Wanted<'_>,
    dialled: &mut Option<Dialled>,
) -> Result<Ready, SendError> {
    let turn = if wanted.upgrade { None } else { upstream.pools.turn(wanted.number, wanted.key) };
    let _turn = match turn.map(|turn| (turn.clone().try_lock_owned(), turn)) {
        None => None,
        Some((Ok(mine), _)) => Some(mine),
        Some((Err(_), turn)) => {
            drop(turn.lock().await);
            if let Some(found) = take(upstream, wanted) {
                return Ok(found);
            }
            None
        }
    };
    open(upstream, wanted, dialled).await
}

fn take(upstream: &Inner, wanted: Wanted<'_>) -> Option<Ready> {
    let found = upstream.pools.take(wanted.number, wanted.key, wanted.upgrade, wanted.since);
    if found.is_some() {
        upstream.numbers.reused.increment();
    }
    found
}

async fn open(
    upstream: &Inner,
    wanted: Wanted<'_>,
    dialled: &mut Option<Dialled>,
) -> Result<Ready, SendError> {
    let Wanted { key, number, identity, upgrade, .. } = wanted;
    let offer = if upstream.http2 && !upgrade { Offer::Http2 } else { Offer::Http1 };
    let from = Instant::now();
    let stream = upstream.connector.connect(&key.origin, identity, offer).await?;
    let times = Dialled { from, to: Instant::now() };
    upstream.numbers.connect.observe(times.to - times.from);
    upstream.numbers.opened.increment();
    *dialled = Some(times);
    if stream.is_http2() {
        let (session, place) =
            http2::open(stream, &key.origin.authority(), Arc::clone(&upstream.numbers)).await?;
        upstream.pools.share(number, key, session);
        return Ok(Ready::Place(place));
    }
    if offer == Offer::Http2 {
        upstream.pools.forget_turn(number, key);
    }
    let home = Home { pools: Arc::downgrade(&upstream.pools), number, key: key.clone() };
    let mut socket = Socket::new(stream, home, Arc::clone(&upstream.numbers));
    socket.check_quiet()?;
    Ok(Ready::Socket(socket))
}
