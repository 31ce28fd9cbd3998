//! A server that does exactly what a script says, byte by byte.
//!
//! It plays providers that are slow, broken or malicious. It knows nothing of HTTP beyond where a request
//! ends, so that it can say what no HTTP library would.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

/// One thing to do on a connection.
#[derive(Debug, Clone)]
pub enum Step {
    /// Reads one HTTP/1.1 request, its body included.
    ReadRequest,
    /// Reads up to the empty line after a request head.
    ReadHead,
    /// Reads this many bytes.
    Read(usize),
    /// Reads what belongs to the head that was read last: its body.
    ReadBody,
    /// Writes these bytes.
    Write(Vec<u8>),
    /// Writes these bytes one by one, with a pause after each.
    Drip(Vec<u8>, Duration),
    /// Writes these bytes again and again, so many times; ends early where the other side goes.
    Repeat(Vec<u8>, usize),
    /// Does nothing for a while.
    Pause(Duration),
    /// Sends back whatever comes, until the end.
    Echo,
    /// Reads until the other side closes.
    Hold,
    /// Closes with a reset.
    Reset,
    /// Closes without the end that TLS wants (close_notify). Without TLS that is an ordinary close.
    Vanish,
    /// Begins the script again.
    Again,
}

impl Step {
    /// [`Step::Write`] of a text.
    pub fn write(text: &str) -> Self {
        Step::Write(text.as_bytes().to_vec())
    }

    /// [`Step::Pause`] of milliseconds.
    pub fn pause(milliseconds: u64) -> Self {
        Step::Pause(Duration::from_millis(milliseconds))
    }
}

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

/// A scripted server on loopback. Stops when dropped.
#[derive(Debug)]
pub struct RawServer {
    address: SocketAddr,
    log: Log,
    accepting: AbortHandle,
}

impl Drop for RawServer {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

impl RawServer {
    /// Listens on a free port of 127.0.0.1. The n-th connection plays the n-th script; the last script is
    /// played again by all that come after.
    pub async fn start(scripts: Vec<Vec<Step>>) -> std::io::Result<Self> {
        Self::listen(scripts, None).await
    }

    /// The same behind TLS.
    pub async fn start_tls(scripts: Vec<Vec<Step>>, tls: Arc<ServerConfig>) -> std::io::Result<Self> {
        Self::listen(scripts, Some(TlsAcceptor::from(tls))).await
    }

    async fn listen(scripts: Vec<Vec<Step>>, tls: Option<TlsAcceptor>) -> std::io::Result<Self> {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await?;
        let address = listener.local_addr()?;
        let log = Log::default();
        let accepting = tokio::spawn(accept(listener, scripts, tls, log.clone())).abort_handle();
        Ok(Self { address, log, accepting })
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

async fn accept(listener: TcpListener, scripts: Vec<Vec<Step>>, tls: Option<TlsAcceptor>, log: Log) {
    while let Ok((tcp, _)) = listener.accept().await {
        let number = {
            let mut log = lock(&log);
            log.push(Recorded::default());
            log.len() - 1
        };
        let script = scripts.get(number).or(scripts.last()).cloned().unwrap_or_default();
        let (tls, log) = (tls.clone(), log.clone());
        tokio::spawn(async move {
            // A broken connection is part of the play.
            let _ = perform(tcp, tls, &script, &log, number).await;
            lock(&log)[number].closed = true;
        });
    }
}

/// Whether the socket is to be closed with a reset, which must be said to it beforehand.
pub(crate) fn resets(script: &[Step]) -> bool {
    script.iter().any(|step| matches!(step, Step::Reset))
}

async fn perform(
    tcp: TcpStream,
    tls: Option<TlsAcceptor>,
    script: &[Step],
    log: &Log,
    number: usize,
) -> std::io::Result<()> {
    tcp.set_nodelay(true)?;
    let Some(tls) = tls else {
        lock(log)[number].established = true;
        if resets(script) {
            tcp.set_zero_linger()?;
        }
        return play(tcp, script, log, number).await;
    };
    if resets(script) {
        tcp.set_zero_linger()?;
    }
    let stream = tls.accept(tcp).await?;
    let presented = stream.get_ref().1.peer_certificates().and_then(|chain| chain.first());
    let presented = presented.map(|certificate| certificate.to_vec());
    {
        let mut log = lock(log);
        log[number].client_certificate = presented;
        log[number].established = true;
    }
    play(stream, script, log, number).await
}

async fn play<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    script: &[Step],
    log: &Log,
    number: usize,
) -> std::io::Result<()> {
    let mut head = String::new();
    loop {
        match perform_steps(&mut stream, script, &mut head, log, number).await? {
            Ended::Over => return stream.shutdown().await,
            Ended::Gone => return Ok(()),
            Ended::Again => {}
        }
    }
}

/// How a script ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// All steps are done; the connection is to be closed in good order.
    Over,
    /// The connection is to be dropped as it is.
    Gone,
    /// From the beginning.
    Again,
}

/// Plays a script up to its end or its [`Step::Again`]. `head` is the request head that was read last.
pub(crate) async fn perform_steps<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    script: &[Step],
    head: &mut String,
    log: &Log,
    number: usize,
) -> std::io::Result<Ended> {
    for step in script {
        match step {
            Step::ReadRequest => {
                *head = read_head(stream, log, number).await?;
                read_body(stream, head, log, number).await?;
            }
            Step::ReadHead => *head = read_head(stream, log, number).await?,
            Step::ReadBody => read_body(stream, head, log, number).await?,
            Step::Read(count) => {
                for _ in 0..*count {
                    read_byte(stream, log, number).await?;
                }
            }
            Step::Write(bytes) => write(stream, bytes, log, number).await?,
            Step::Drip(bytes, pause) => {
                for byte in bytes {
                    write(stream, &[*byte], log, number).await?;
                    tokio::time::sleep(*pause).await;
                }
            }
            Step::Repeat(bytes, times) => {
                let many = bytes.repeat((16 * 1024 / bytes.len()).clamp(1, *times));
                for _ in 0..(bytes.len() * times).div_ceil(many.len()) {
                    write(stream, &many, log, number).await?;
                }
            }
            Step::Pause(pause) => tokio::time::sleep(*pause).await,
            Step::Echo => loop {
                let byte = read_byte(stream, log, number).await?;
                stream.write_all(&[byte]).await?;
                stream.flush().await?;
            },
            Step::Hold => loop {
                let mut buffer = [0; 4096];
                let count = stream.read(&mut buffer).await?;
                if count == 0 {
                    return Ok(Ended::Gone);
                }
                lock(log)[number].received.extend_from_slice(&buffer[..count]);
            },
            Step::Reset | Step::Vanish => return Ok(Ended::Gone),
            Step::Again => return Ok(Ended::Again),
        }
    }
    Ok(Ended::Over)
}

async fn write<S: AsyncWrite + Unpin>(
    stream: &mut S,
    bytes: &[u8],
    log: &Log,
    number: usize,
) -> std::io::Result<()> {
    for piece in bytes.chunks(16 * 1024) {
        stream.write_all(piece).await?;
        lock(log)[number].written += piece.len();
    }
    stream.flush().await
}

async fn read_byte<S: AsyncRead + Unpin>(stream: &mut S, log: &Log, number: usize) -> std::io::Result<u8> {
    let byte = stream.read_u8().await?;
    lock(log)[number].received.push(byte);
    Ok(byte)
}

async fn read_exactly<S: AsyncRead + Unpin>(
    stream: &mut S,
    mut count: usize,
    log: &Log,
    number: usize,
) -> std::io::Result<()> {
    let mut buffer = vec![0; count.min(16 * 1024)];
    while count > 0 {
        let most = count.min(buffer.len());
        let read = stream.read(&mut buffer[..most]).await?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        lock(log)[number].received.extend_from_slice(&buffer[..read]);
        count -= read;
    }
    Ok(())
}

async fn read_line<S: AsyncRead + Unpin>(
    stream: &mut S,
    log: &Log,
    number: usize,
) -> std::io::Result<String> {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        line.push(read_byte(stream, log, number).await?);
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

/// Reads up to the empty line, which belongs to it.
pub(crate) async fn read_head<S: AsyncRead + Unpin>(
    stream: &mut S,
    log: &Log,
    number: usize,
) -> std::io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(read_byte(stream, log, number).await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// Reads the body that a head announces; trailers belong to it.
pub(crate) async fn read_body<S: AsyncRead + Unpin>(
    stream: &mut S,
    head: &str,
    log: &Log,
    number: usize,
) -> std::io::Result<()> {
    let head = head.to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    if let Some(length) = length.and_then(|text| text.trim().parse::<usize>().ok()) {
        read_exactly(stream, length, log, number).await?;
    } else if head.contains("transfer-encoding: chunked") {
        loop {
            let line = read_line(stream, log, number).await?;
            let size = line.split([';', '\r']).next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).map_err(std::io::Error::other)?;
            if size == 0 {
                while read_line(stream, log, number).await? != "\r\n" {}
                return Ok(());
            }
            read_exactly(stream, size + 2, log, number).await?;
        }
    }
    Ok(())
}

/// A certificate authority of the test's own.
pub struct Authority {
    certificate: rcgen::Certificate,
    issuer: Issuer<'static, KeyPair>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Authority")
    }
}

/// Whatever goes wrong while certificates are made.
pub type CertificateError = Box<dyn std::error::Error + Send + Sync>;

impl Authority {
    /// Makes one.
    pub fn new(name: &str) -> Result<Self, CertificateError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(Vec::new())?;
        params.distinguished_name.push(DnType::CommonName, name);
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let certificate = params.self_signed(&key)?;
        Ok(Self { certificate, issuer: Issuer::new(params, key) })
    }

    /// Its certificate, PEM.
    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// A certificate for `name` (a host name, an address, or any name for a client), and its key.
    pub fn issue(&self, name: &str) -> Result<Issued, CertificateError> {
        let key = KeyPair::generate()?;
        let mut params = CertificateParams::new(vec![name.to_owned()])?;
        params.distinguished_name.push(DnType::CommonName, name);
        let certificate = params.signed_by(&key, &self.issuer)?;
        Ok(Issued { certificate, key })
    }

    /// TLS for a server called `name`; with `clients`, only those who present a certificate of theirs.
    pub fn server(
        &self,
        name: &str,
        clients: Option<&Authority>,
    ) -> Result<Arc<ServerConfig>, CertificateError> {
        let issued = self.issue(name)?;
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder =
            ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions()?;
        let builder = match clients {
            None => builder.with_no_client_auth(),
            Some(clients) => {
                let mut roots = rustls::RootCertStore::empty();
                roots.add(clients.certificate.der().clone())?;
                let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                builder.with_client_cert_verifier(verifier.build()?)
            }
        };
        Ok(Arc::new(builder.with_single_cert(vec![issued.der()], issued.key_der())?))
    }
}

/// A certificate with its key.
#[derive(Debug)]
pub struct Issued {
    certificate: rcgen::Certificate,
    key: KeyPair,
}

impl Issued {
    /// The certificate, PEM.
    pub fn pem(&self) -> String {
        self.certificate.pem()
    }

    /// The private key, PEM.
    pub fn key_pem(&self) -> String {
        self.key.serialize_pem()
    }

    /// The certificate, DER.
    pub fn der(&self) -> CertificateDer<'static> {
        self.certificate.der().clone()
    }

    fn key_der(&self) -> PrivateKeyDer<'static> {
        PrivateKeyDer::from(PrivatePkcs8KeyDer::from(self.key.serialize_der()))
    }
}
