//! Connections that wait for their next request.
//!
//! A connection is shared only within one environment, one origin and one TLS identity, and stays with the
//! worker that opened it. A socket of HTTP/1.1 comes back only after a complete exchange without any oddity,
//! and leaves for good when anything arrives unasked. A session of HTTP/2 is here from its first request on,
//! for others to join.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use foldhash::fast::RandomState;
use passthrough_core::base_url::Origin;
use passthrough_core::id::Environment;
use tokio::runtime::Handle;
use tokio::time::{Instant, sleep};

use super::http1::{Home, Socket};
use super::http2::Session;
use super::identity::Fingerprint;
use super::ready::Ready;
use super::worker::{self, WORKERS};
use crate::metrics::Closed;

/// The most idle sockets of one key, for one worker.
const MAX_IDLE_PER_KEY: usize = 2048;
/// The most idle sockets in all, for one worker.
const MAX_IDLE: usize = 4096;
/// The most sessions of HTTP/2 of one key, for one worker.
const MAX_SESSIONS: usize = 16;
/// The longest that a socket which the provider closed may go unnoticed.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

/// Who may share a connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) environment: Environment,
    pub(super) origin: Arc<Origin>,
    pub(super) identity: Option<Fingerprint>,
}

/// Waited for by those who would otherwise all open a session of their own.
pub(super) type Turn = Arc<tokio::sync::Mutex<()>>;

/// The pools of all workers. A worker only ever locks its own, so that nobody waits.
pub(super) struct Pools {
    idle: Duration,
    pools: Box<[Mutex<Pool>]>,
}

#[derive(Default)]
struct Pool {
    keys: HashMap<Key, Shelf, RandomState>,
    /// Resting sockets in all.
    count: usize,
    sweeping: bool,
}

/// What is there for one key.
#[derive(Default)]
struct Shelf {
    sockets: Vec<(Box<Socket>, Instant)>,
    sessions: Vec<(Session, Option<Instant>)>,
    /// There once the provider has chosen HTTP/2.
    turn: Option<Turn>,
}

impl Pools {
    /// Pools whose connections rest at most for `idle`.
    pub(super) fn new(idle: Duration) -> Arc<Self> {
        Arc::new(Self { idle, pools: (0..WORKERS).map(|_| Mutex::default()).collect() })
    }

    /// The number of the calling worker's pool.
    pub(super) fn here() -> usize {
        worker::current()
    }

    fn pool(&self, number: usize) -> MutexGuard<'_, Pool> {
        self.pools[number % WORKERS].lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A connection that can take a request; of sockets the one that rested last. `alone`: only a socket
    /// will do. `now` need not be exact: the sweep closes what rests for too long.
    pub(super) fn take(&self, number: usize, key: &Key, alone: bool, now: Instant) -> Option<Ready> {
        loop {
            let (mut socket, since) = {
                let mut pool = self.pool(number);
                let shelf = pool.keys.get_mut(key)?;
                if !alone && let Some(place) = shelf.sessions.iter().find_map(|(session, _)| session.join()) {
                    return Some(Ready::Place(place));
                }
                let taken = shelf.sockets.pop()?;
                pool.count -= 1;
                taken
            };
            if now.saturating_duration_since(since) >= self.idle {
                socket.close(Closed::Expired);
            } else if !socket.is_quiet() {
                socket.close(Closed::Dead);
            } else {
                return Some(Ready::Socket(socket));
            }
        }
    }

    /// Where the provider is known to speak HTTP/2: whose turn it is to open a session.
    pub(super) fn turn(&self, number: usize, key: &Key) -> Option<Turn> {
        self.pool(number).keys.get(key)?.turn.clone()
    }

    /// The provider has chosen HTTP/1.1 after all: nobody waits for sessions any more.
    pub(super) fn forget_turn(&self, number: usize, key: &Key) {
        if let Some(shelf) = self.pool(number).keys.get_mut(key) {
            shelf.turn = None;
        }
    }

    /// Takes a socket back.
    pub(super) fn put(self: &Arc<Self>, mut socket: Box<Socket>) {
        socket.rest();
        let Home { number, key, .. } = socket.home();
        let number = *number;
        let mut pool = self.pool(number);
        if pool.count >= MAX_IDLE || !self.keep_sweeping(number, &mut pool) {
            return socket.close(Closed::Full);
        }
        // The entry is mostly there; then the key is not needed.
        let shelf = match pool.keys.get_mut(key) {
            Some(shelf) => shelf,
            None => pool.keys.entry(key.clone()).or_default(),
        };
        if shelf.sockets.len() < MAX_IDLE_PER_KEY {
            shelf.sockets.push((socket, Instant::now()));
            pool.count += 1;
        } else {
            socket.close(Closed::Full);
        }
    }

    /// Lets others join a new session.
    pub(super) fn share(self: &Arc<Self>, number: usize, key: &Key, session: Session) {
        let mut pool = self.pool(number);
        if !self.keep_sweeping(number, &mut pool) {
            return;
        }
        let shelf = pool.keys.entry(key.clone()).or_default();
        shelf.turn.get_or_insert_default();
        if shelf.sessions.len() < MAX_SESSIONS {
            shelf.sessions.push((session, None));
        }
    }

    /// How many sockets rest, with all workers.
    pub(super) fn resting(&self) -> usize {
        (0..WORKERS).map(|number| self.pool(number).count).sum()
    }

    /// Sees to it that what rests here expires. Not possible outside a runtime.
    fn keep_sweeping(self: &Arc<Self>, number: usize, pool: &mut Pool) -> bool {
        if !pool.sweeping
            && let Ok(runtime) = Handle::try_current()
        {
            pool.sweeping = true;
            runtime.spawn(sweep(Arc::downgrade(self), number, self.idle));
        }
        pool.sweeping
    }

    /// Closes what rested for too long, was closed by the provider, or received what nobody asked for.
    /// Whether any is left.
    fn expire(&self, number: usize) -> bool {
        let now = Instant::now();
        let mut pool = self.pool(number);
        pool.keys.retain(|_, shelf| {
            shelf
                .sockets
                .extract_if(.., |(_, since)| now - *since >= self.idle)
                .for_each(close(Closed::Expired));
            shelf.sockets.extract_if(.., |(socket, _)| !socket.is_quiet()).for_each(close(Closed::Dead));
            shelf.sessions.retain_mut(|(session, idle_since)| {
                if session.is_busy() {
                    *idle_since = None;
                    return session.is_open();
                }
                let since = *idle_since.get_or_insert(now);
                session.is_open() && now - since < self.idle
            });
            let turning = shelf.turn.as_ref().is_some_and(|turn| Arc::strong_count(turn) > 1);
            turning || !shelf.sockets.is_empty() || !shelf.sessions.is_empty()
        });
        pool.count = pool.keys.values().map(|shelf| shelf.sockets.len()).sum();
        pool.sweeping = !pool.keys.is_empty();
        pool.sweeping
    }
}

/// Closes a socket that rested.
fn close(why: Closed) -> impl Fn((Box<Socket>, Instant)) {
    move |(socket, _)| socket.close(why)
}

/// Runs while connections rest; ends with the last of them, or with the pools.
async fn sweep(pools: Weak<Pools>, number: usize, idle: Duration) {
    let pause = (idle / 4).clamp(Duration::from_millis(20), LONGEST_PAUSE);
    loop {
        sleep(pause).await;
        match pools.upgrade() {
            Some(pools) if pools.expire(number) => {}
            _ => return,
        }
    }
}
