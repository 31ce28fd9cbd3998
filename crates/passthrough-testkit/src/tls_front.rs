//! TLS in front of a plain server, at `https://localhost:PORT`, as a reverse proxy in production has it. Its
//! certificate is of nobody that a browser trusts.

use std::net::SocketAddr;
use std::sync::{Arc, OnceLock};

use tokio::io::copy_bidirectional;
use tokio::net::{TcpListener, TcpStream};
use tokio::task::AbortHandle;
use tokio_rustls::TlsAcceptor;

use crate::raw_server::Authority;

/// The front. Ends when dropped.
#[derive(Debug)]
pub struct TlsFront {
    /// `https://localhost:PORT`.
    pub url: String,
    behind: Arc<OnceLock<SocketAddr>>,
    accepting: AbortHandle,
}

impl TlsFront {
    /// Listens on a free port. Connections are dropped until it is said what stands behind.
    ///
    /// # Panics
    /// Where there is no port or certificate.
    pub async fn start() -> Self {
        let authority = Authority::new("A test").expect("an authority");
        let tls = TlsAcceptor::from(authority.server("localhost", None).expect("a certificate"));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port on loopback");
        let port = listener.local_addr().expect("the address of a listener").port();
        let behind: Arc<OnceLock<SocketAddr>> = Arc::default();
        let to = Arc::clone(&behind);
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (tls, to) = (tls.clone(), to.get().copied());
                tokio::spawn(async move {
                    let (Some(to), Ok(mut near)) = (to, tls.accept(stream).await) else { return };
                    let Ok(mut far) = TcpStream::connect(to).await else { return };
                    let _ = copy_bidirectional(&mut near, &mut far).await;
                });
            }
        });
        Self { url: format!("https://localhost:{port}"), behind, accepting: accepting.abort_handle() }
    }

    /// Says what stands behind: `http://127.0.0.1:PORT`.
    ///
    /// # Panics
    /// Where that is no such address, or was said before.
    pub fn lead_to(&self, url: &str) {
        let address = url.strip_prefix("http://").and_then(|address| address.parse().ok());
        self.behind.set(address.expect("an address")).expect("said once");
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}
