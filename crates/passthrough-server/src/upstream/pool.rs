//! Sockets that wait for their next request.
//!
//! A socket is shared only within one environment, one origin and one TLS identity. It comes back only
//! after a complete exchange without any oddity, and leaves for good when anything arrives unasked.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use hyper::client::conn::http1::{self, SendRequest};
use hyper_util::rt::TokioIo;
use passthrough_core::base_url::Origin;
use passthrough_core::id::Environment;
use tokio::task::AbortHandle;
use tokio::time::{Instant, sleep, timeout};

use super::error::{Reason, SendError};
use super::head::{MAX_HEAD, MAX_HEADERS};
use super::identity::Fingerprint;
use super::request::RequestBody;
use super::tls::Stream;
use super::wire::{Tap, Wire};

/// The most idle sockets of one key.
const MAX_IDLE_PER_KEY: usize = 32;
/// The most idle sockets in all.
const MAX_IDLE: usize = 512;
/// How long the codec may take to come to rest after an answer.
const SETTLE: Duration = Duration::from_secs(1);

/// Who may share a socket.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Key {
    pub(super) environment: Environment,
    pub(super) origin: Origin,
    pub(super) identity: Option<Fingerprint>,
}

/// One HTTP/1.1 connection. Dropping it closes the connection.
pub(super) struct Socket {
    pub(super) sender: SendRequest<RequestBody>,
    pub(super) wire: Arc<Wire>,
    /// Whether it served a request before.
    pub(super) reused: bool,
    codec: Option<AbortHandle>,
}

impl Socket {
    /// Puts the HTTP/1.1 codec on a connection.
    pub(super) async fn open(stream: Stream) -> Result<Self, SendError> {
        let wire = Wire::new();
        let io = TokioIo::new(Tap::new(stream, wire.clone()));
        // The codec's own limit of headers is MAX_HEADERS; stating it would cost an allocation for each
        // answer, so a test holds it instead.
        const _: () = assert!(MAX_HEADERS == 100);
        let (sender, connection) = http1::Builder::new()
            .max_buf_size(MAX_HEAD)
            .max_header_size(MAX_HEAD)
            .handshake(io)
            .await
            .map_err(|error| SendError::unsent(Reason::Protocol).with(error))?;
        let codec = tokio::spawn(async move {
            // How the connection ends is told through the exchange; between exchanges nobody asks.
            let _ = connection.with_upgrades().await;
        });
        Ok(Self { sender, wire, reused: false, codec: Some(codec.abort_handle()) })
    }

    /// Lets the connection live on without this handle, for an upgrade.
    pub(super) fn release(mut self) {
        self.wire.hand_over();
        self.codec = None;
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        if let Some(codec) = self.codec.take() {
            codec.abort();
        }
    }
}

struct Idle {
    socket: Socket,
    since: Instant,
}

#[derive(Default)]
struct State {
    sockets: HashMap<Key, Vec<Idle>>,
    count: usize,
    sweeping: bool,
}

/// The idle sockets.
pub(super) struct Pool {
    idle: Duration,
    state: Mutex<State>,
}

impl Pool {
    /// A pool whose sockets rest at most for `idle`.
    pub(super) fn new(idle: Duration) -> Arc<Self> {
        Arc::new(Self { idle, state: Mutex::default() })
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The socket that rested last, if a usable one is there.
    pub(super) fn take(&self, key: &Key) -> Option<Socket> {
        let mut state = self.state();
        let State { sockets, count, .. } = &mut *state;
        let resting = sockets.get_mut(key)?;
        while let Some(Idle { mut socket, since }) = resting.pop() {
            *count -= 1;
            if socket.sender.is_ready() && since.elapsed() < self.idle {
                socket.reused = true;
                return Some(socket);
            }
        }
        sockets.remove(key);
        None
    }

    /// Takes a socket back as soon as the codec has come to rest, which includes a look for bytes after
    /// the answer; a socket that does not come to rest is closed.
    pub(super) fn put(self: Arc<Self>, key: Key, mut socket: Socket) {
        if socket.sender.is_ready() {
            self.keep(key, socket);
        } else if !socket.sender.is_closed() {
            tokio::spawn(async move {
                if let Ok(Ok(())) = timeout(SETTLE, socket.sender.ready()).await {
                    self.keep(key, socket);
                }
            });
        }
    }

    fn keep(self: Arc<Self>, key: Key, socket: Socket) {
        socket.wire.rest();
        let mut state = self.state();
        if state.count >= MAX_IDLE {
            return;
        }
        let resting = state.sockets.entry(key).or_default();
        if resting.len() >= MAX_IDLE_PER_KEY {
            return;
        }
        resting.push(Idle { socket, since: Instant::now() });
        state.count += 1;
        if !state.sweeping {
            state.sweeping = true;
            tokio::spawn(sweep(Arc::downgrade(&self), self.idle));
        }
    }

    /// Closes what rested for too long or was closed by the provider. Whether any is left.
    fn expire(&self) -> bool {
        let mut state = self.state();
        state.sockets.retain(|_, resting| {
            resting.retain(|idle| idle.since.elapsed() < self.idle && !idle.socket.sender.is_closed());
            !resting.is_empty()
        });
        state.count = state.sockets.values().map(Vec::len).sum();
        state.sweeping = state.count > 0;
        state.sweeping
    }
}

/// Runs while sockets rest; ends with the last of them, or with the pool.
async fn sweep(pool: Weak<Pool>, idle: Duration) {
    let pause = (idle / 4).max(Duration::from_millis(20));
    loop {
        sleep(pause).await;
        match pool.upgrade() {
            Some(pool) if pool.expire() => {}
            _ => return,
        }
    }
}
