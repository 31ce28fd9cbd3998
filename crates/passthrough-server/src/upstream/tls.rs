//! TLS towards providers: whom to trust, what to present, and the stream that comes of it.

use std::collections::HashMap;
use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use passthrough_core::base_url::Host;
use rustls::client::Resumption;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::sign::SingleCertAndKey;
use rustls::{ClientConfig, RootCertStore};
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::UpstreamError;
use super::error::{Reason, SendError};
use super::identity::{ClientIdentity, Fingerprint};

/// How many identities keep their configuration (and with it their TLS sessions) ready.
const KEPT_IDENTITIES: usize = 256;

/// Which protocols a handshake offers (RFC 7301).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Offer {
    /// HTTP/1.1 alone: switched off otherwise, or another protocol is to be switched to.
    Http1,
    /// HTTP/2, and HTTP/1.1 for who does not speak it.
    Http2,
}

/// One way to present oneself, with its TLS sessions.
#[derive(Clone)]
struct Configs {
    http1: Arc<ClientConfig>,
    http2: Arc<ClientConfig>,
}

/// TLS configurations: one for the world, one per client certificate.
pub(super) struct Tls {
    roots: Arc<RootCertStore>,
    anonymous: Configs,
    /// Apart from each other, so that a session of one identity is never resumed by another.
    identified: Mutex<HashMap<Fingerprint, Configs>>,
}

impl Tls {
    /// Trusts Mozilla's roots, and those in `extra_roots` (PEM).
    pub(super) fn new(extra_roots: Option<&[u8]>) -> Result<Self, UpstreamError> {
        let mut roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
        if let Some(pem) = extra_roots {
            let before = roots.len();
            for certificate in CertificateDer::pem_slice_iter(pem) {
                let certificate = certificate.map_err(|_| UpstreamError::ExtraRoots)?;
                roots.add(certificate).map_err(|_| UpstreamError::ExtraRoots)?;
            }
            if roots.len() == before {
                return Err(UpstreamError::ExtraRoots);
            }
        }
        let roots = Arc::new(roots);
        let anonymous = configure(&roots, None).map_err(UpstreamError::Tls)?;
        Ok(Self { roots, anonymous, identified: Mutex::default() })
    }

    fn configs(&self, identity: Option<&ClientIdentity>) -> Result<Configs, SendError> {
        let Some(identity) = identity else { return Ok(self.anonymous.clone()) };
        let mut identified = self.identified.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(config) = identified.get(&identity.fingerprint) {
            return Ok(config.clone());
        }
        let config = configure(&self.roots, Some(identity))
            .map_err(|error| SendError::unsent(Reason::InvalidIdentity).with(error))?;
        if identified.len() >= KEPT_IDENTITIES {
            identified.clear();
        }
        identified.insert(identity.fingerprint, config.clone());
        Ok(config)
    }

    /// Shakes hands over `tcp`. The certificate must be good for `host`.
    pub(super) async fn handshake(
        &self,
        tcp: TcpStream,
        host: &Host,
        identity: Option<&ClientIdentity>,
        offer: Offer,
    ) -> Result<Stream, SendError> {
        let name = match host {
            Host::Ip(ip) => ServerName::from(*ip),
            Host::Domain(name) => ServerName::try_from(name.clone())
                .map_err(|error| SendError::unsent(Reason::Tls).with(error))?,
        };
        let configs = self.configs(identity)?;
        let config = if offer == Offer::Http2 { configs.http2 } else { configs.http1 };
        let stream = TlsConnector::from(config).connect(name, tcp).await;
        let stream = stream.map_err(|error| SendError::unsent(Reason::Tls).with(error))?;
        Ok(Stream::Tls(Box::new(stream)))
    }
}

fn configure(
    roots: &Arc<RootCertStore>,
    identity: Option<&ClientIdentity>,
) -> Result<Configs, rustls::Error> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()?
        .with_root_certificates(roots.clone());
    let mut config = match identity {
        None => builder.with_no_client_auth(),
        Some(identity) => {
            builder.with_client_cert_resolver(Arc::new(SingleCertAndKey::from(identity.key.clone())))
        }
    };
    config.resumption = Resumption::in_memory_sessions(512);
    config.alpn_protocols = vec![b"http/1.1".to_vec()];
    // The clone shares the sessions.
    let mut http2 = config.clone();
    http2.alpn_protocols.insert(0, HTTP2.to_vec());
    Ok(Configs { http1: Arc::new(config), http2: Arc::new(http2) })
}

/// The name of HTTP/2 over TLS.
const HTTP2: &[u8] = b"h2";

/// A connection to a provider.
#[derive(Debug)]
pub enum Stream {
    /// Plain TCP, where the operator opened http.
    Plain(TcpStream),
    /// TLS.
    Tls(Box<TlsStream<TcpStream>>),
}

impl Stream {
    /// Whether HTTP/2 was agreed upon.
    pub(super) fn is_http2(&self) -> bool {
        match self {
            Stream::Plain(_) => false,
            Stream::Tls(stream) => stream.get_ref().1.alpn_protocol() == Some(HTTP2),
        }
    }

    /// Looks, past the runtime's memory of what is readable, whether anything lies in the socket before a
    /// request is written to it. An error if so: of kind `InvalidData` for bytes, `UnexpectedEof` for the
    /// end. TLS records without content (session tickets) are taken in.
    pub(super) fn look(&mut self) -> io::Result<()> {
        match self {
            Stream::Plain(stream) => {
                let mut byte = [MaybeUninit::uninit()];
                match SockRef::from(&*stream).peek(&mut byte) {
                    Ok(0) => Err(io::ErrorKind::UnexpectedEof.into()),
                    Ok(_) => Err(io::ErrorKind::InvalidData.into()),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => Ok(()),
                    Err(error) => Err(error),
                }
            }
            Stream::Tls(stream) => {
                let (stream, session) = stream.get_mut();
                let socket = SockRef::from(&*stream);
                loop {
                    // First, because what was decrypted with an earlier answer is no longer in the socket.
                    let state = session.process_new_packets();
                    let state = state.map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error))?;
                    if state.plaintext_bytes_to_read() > 0 {
                        return Err(io::ErrorKind::InvalidData.into());
                    }
                    if state.peer_has_closed() {
                        return Err(io::ErrorKind::UnexpectedEof.into());
                    }
                    match session.read_tls(&mut &*socket) {
                        Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
                        Ok(_) => {}
                        Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
                        Err(error) => return Err(error),
                    }
                }
            }
        }
    }
}

impl AsyncRead for Stream {
    fn poll_read(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Stream {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Stream::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
            Stream::Tls(stream) => Pin::new(stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        match self {
            Stream::Plain(stream) => stream.is_write_vectored(),
            Stream::Tls(stream) => stream.is_write_vectored(),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Stream::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Stream::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}
