//! A server that listens, and what its connections gave: whatever it plays, it is looked at in the same way.

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;

/// What one connection gave.
#[derive(Debug, Clone, Default)]
pub struct Recorded {
    /// All bytes that were received.
    pub received: Vec<u8>,
    /// How many bytes the other side, or the buffers on the way, took.
    pub written: usize,
    /// Whether the other side closed, or the script ended.
    pub closed: bool,
    /// Whether the TLS handshake was completed; `true` without TLS.
    pub established: bool,
    /// The client certificate that was presented, DER.
    pub client_certificate: Option<Vec<u8>>,
}

impl Recorded {
    /// The received bytes as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.received).into_owned()
    }
}

pub(crate) type Log = Arc<Mutex<Vec<Recorded>>>;

pub(crate) fn lock(log: &Log) -> MutexGuard<'_, Vec<Recorded>> {
    log.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A server on loopback. Stops when dropped.
#[derive(Debug)]
pub struct Listening {
    address: SocketAddr,
    log: Log,
    accepting: AbortHandle,
}

impl Drop for Listening {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl Listening {
    /// Listens on a free port of 127.0.0.1, and has every connection served by a task of its own. A broken
    /// connection is part of the play.
    pub(crate) async fn start<F>(
        serve: impl Fn(TcpStream, Log, usize) -> F + Send + 'static,
    ) -> io::Result<Self>
    where
        F: Future<Output = io::Result<()>> + Send + 'static,
    {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let log = Log::default();
        let noted = Arc::clone(&log);
        let accepting = tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let number = {
                    let mut log = lock(&noted);
                    log.push(Recorded::default());
                    log.len() - 1
                };
                let (serving, log) = (serve(tcp, Arc::clone(&noted), number), Arc::clone(&noted));
                tokio::spawn(async move {
                    let _ = serving.await;
                    lock(&log)[number].closed = true;
                });
            }
        });
        Ok(Self { address, log, accepting: accepting.abort_handle() })
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// What all connections gave so far, in the order in which they were accepted.
    pub fn connections(&self) -> Vec<Recorded> {
        lock(&self.log).clone()
    }

    /// Waits up to five seconds for something to be seen. Whether it was.
    pub async fn saw(&self, condition: impl Fn(&[Recorded]) -> bool) -> bool {
        for _ in 0..500 {
            if condition(&lock(&self.log)) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        false
    }
}
