//! A server that does exactly what a script says, byte by byte.
//!
//! It plays providers that are slow, broken or malicious. It knows nothing of HTTP beyond where a request
//! ends, so that it can say what no HTTP library would.

use std::ops::Deref;
use std::sync::Arc;

use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

mod authority;
pub(crate) mod listening;
pub(crate) mod script;

pub use self::authority::{Authority, CertificateError, Issued};
pub use self::listening::{Listening, Recorded};
use self::listening::{Log, lock};
pub use self::script::Step;
use self::script::{play, resets};

/// A scripted server on loopback. Stops when dropped.
#[derive(Debug)]
pub struct RawServer(Listening);

impl Deref for RawServer {
    type Target = Listening;

    fn deref(&self) -> &Listening {
        &self.0
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
        let serve = move |tcp, log, number| {
            let script = scripts.get(number).or(scripts.last()).cloned().unwrap_or_default();
            let tls = tls.clone();
            async move { perform(tcp, tls, &script, &log, number).await }
        };
        Ok(Self(Listening::start(serve).await?))
    }
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
