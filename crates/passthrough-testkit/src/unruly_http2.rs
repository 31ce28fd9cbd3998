//! A provider of HTTP/2 over TLS that misbehaves frame by frame while it is told to, and otherwise gives each
//! request its own body back.
//!
//! It does not read fields: a request is known by its body.

use std::collections::HashMap;
use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use crate::http2::{ACK, END_HEADERS, END_STREAM, Frame, PREFACE, kind};
use crate::raw_server::Authority;

/// The stream of the request that a step answers.
pub const THIS: u32 = u32::MAX;

/// What an answer of `200` is in a field block.
pub const STATUS_200: &[u8] = &[0x88];

/// One thing to do on a connection.
#[derive(Debug, Clone)]
pub enum Act {
    /// Sends a frame; [`THIS`] as its stream is that of the request, also as the last stream of a GOAWAY.
    Send(Frame),
    /// Sends a frame so many times.
    Flood(Frame, usize),
    /// Answers as if nothing were wrong.
    Answer,
    /// Does nothing for a while.
    Pause(Duration),
    /// Closes the connection.
    Close,
}

/// When its acts are done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum When {
    /// After the settings of a new connection.
    Connected,
    /// When a request is complete.
    Asked,
}

/// A provider on loopback. Stops when dropped.
#[derive(Debug)]
pub struct UnrulyHttp2 {
    address: SocketAddr,
    shared: Arc<Shared>,
    accepting: AbortHandle,
}

#[derive(Debug)]
struct Shared {
    when: When,
    acts: Vec<Act>,
    misbehaves: AtomicBool,
    connections: AtomicUsize,
    requests: AtomicUsize,
}

impl Drop for UnrulyHttp2 {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl UnrulyHttp2 {
    /// Listens on a free port with a certificate of this authority for 127.0.0.1, and speaks nothing but HTTP/2.
    ///
    /// # Panics
    /// Where there is no free port.
    pub async fn start(authority: &Authority, when: When, acts: Vec<Act>) -> Self {
        let tls = authority.server("127.0.0.1", None).expect("a certificate");
        let mut tls = Arc::unwrap_or_clone(tls);
        tls.alpn_protocols = vec![b"h2".to_vec()];
        let tls = TlsAcceptor::from(Arc::new(tls));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port on loopback");
        let address = listener.local_addr().expect("the address of a listener");
        let shared = Arc::new(Shared {
            when,
            acts,
            misbehaves: AtomicBool::new(true),
            connections: AtomicUsize::new(0),
            requests: AtomicUsize::new(0),
        });
        let serving = Arc::clone(&shared);
        let accepting = tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let (tls, shared) = (tls.clone(), Arc::clone(&serving));
                tokio::spawn(async move { serve(tcp, tls, &shared).await });
            }
        });
        Self { address, shared, accepting: accepting.abort_handle() }
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether it does what it should not.
    pub fn misbehave(&self, misbehaves: bool) {
        self.shared.misbehaves.store(misbehaves, Ordering::SeqCst);
    }

    /// How many connections of HTTP/2 were opened, and how many requests came whole.
    pub fn counts(&self) -> (usize, usize) {
        (self.shared.connections.load(Ordering::SeqCst), self.shared.requests.load(Ordering::SeqCst))
    }
}

type Stream = tokio::io::BufReader<TlsStream<TcpStream>>;

async fn serve(tcp: TcpStream, tls: TlsAcceptor, shared: &Shared) -> io::Result<()> {
    tcp.set_nodelay(true)?;
    let mut stream = tokio::io::BufReader::new(tls.accept(tcp).await?);
    let mut preface = vec![0; PREFACE.len()];
    stream.read_exact(&mut preface).await?;
    shared.connections.fetch_add(1, Ordering::SeqCst);
    send(&mut stream, &Frame::settings(&[])).await?;
    let misbehaves = || shared.misbehaves.load(Ordering::SeqCst);
    if misbehaves() && shared.when == When::Connected && act(&mut stream, &shared.acts, 0, &[]).await? {
        return Ok(());
    }
    let mut bodies: HashMap<u32, Vec<u8>> = HashMap::new();
    loop {
        let frame = Frame::read(&mut stream).await?;
        match frame.kind {
            kind::SETTINGS if frame.flags & ACK == 0 => {
                send(&mut stream, &Frame::new(kind::SETTINGS, ACK, 0, [])).await?;
            }
            kind::PING if frame.flags & ACK == 0 => {
                send(&mut stream, &Frame::new(kind::PING, ACK, 0, frame.payload)).await?;
            }
            kind::HEADERS | kind::DATA => {
                let body = bodies.entry(frame.stream).or_default();
                if frame.kind == kind::DATA {
                    body.extend_from_slice(&frame.payload);
                }
                if frame.flags & END_STREAM == 0 {
                    continue;
                }
                shared.requests.fetch_add(1, Ordering::SeqCst);
                let body = bodies.remove(&frame.stream).unwrap_or_default();
                let acts = match misbehaves() && shared.when == When::Asked {
                    true => &shared.acts[..],
                    false => &[Act::Answer],
                };
                if act(&mut stream, acts, frame.stream, &body).await? {
                    return Ok(());
                }
            }
            _ => {}
        }
    }
}

/// Whether the connection is to be closed.
async fn act(stream: &mut Stream, acts: &[Act], id: u32, body: &[u8]) -> io::Result<bool> {
    for act in acts {
        match act {
            Act::Send(frame) => send(stream, &on_stream(frame, id)).await?,
            Act::Flood(frame, times) => {
                let frame = on_stream(frame, id).bytes();
                let many = frame.repeat((16 * 1024 / frame.len()).clamp(1, *times));
                for _ in 0..(frame.len() * times).div_ceil(many.len()) {
                    stream.write_all(&many).await?;
                }
                stream.flush().await?;
            }
            Act::Answer => {
                send(stream, &Frame::new(kind::HEADERS, END_HEADERS, id, STATUS_200)).await?;
                send(stream, &Frame::new(kind::DATA, END_STREAM, id, body)).await?;
            }
            Act::Pause(pause) => tokio::time::sleep(*pause).await,
            Act::Close => {
                stream.shutdown().await?;
                return Ok(true);
            }
        }
    }
    Ok(false)
}

fn on_stream(frame: &Frame, id: u32) -> Frame {
    let mut frame = frame.clone();
    if frame.stream == THIS {
        frame.stream = id;
    }
    if frame.kind == kind::GOAWAY && frame.payload[..4] == THIS.to_be_bytes() {
        frame.payload[..4].copy_from_slice(&id.to_be_bytes());
    }
    frame
}

async fn send(stream: &mut Stream, frame: &Frame) -> io::Result<()> {
    stream.write_all(&frame.bytes()).await?;
    stream.flush().await
}
