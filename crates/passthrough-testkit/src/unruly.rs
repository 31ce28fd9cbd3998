//! A provider that misbehaves as the path of each request asks, and behaves well where it asks nothing.
//!
//! A request whose path ends in a segment that is the name of a play gets that play; every other one gets
//! `200` with a body that says what was asked, `POST /base/x body`, so that an answer tells whose it is. All
//! plays share the sockets of one provider: what one of them leaves behind meets the next request.

use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::raw_server::listening::{Log, lock};
use crate::raw_server::script::{Ended, perform_steps, read_body, read_head};
use crate::raw_server::{Authority, Listening, Step};

/// Something that a provider may do.
#[derive(Debug, Clone)]
pub struct Play {
    /// The last segment of the paths that ask for it.
    pub name: &'static str,
    /// What happens once the head of the request was read.
    pub script: Vec<Step>,
}

/// A provider on loopback. Stops when dropped.
#[derive(Debug)]
pub struct UnrulyProvider {
    listening: Listening,
    reused: Reused,
}

type Reused = Arc<Mutex<Vec<&'static str>>>;

impl Deref for UnrulyProvider {
    type Target = Listening;

    fn deref(&self) -> &Listening {
        &self.listening
    }
}

impl UnrulyProvider {
    /// Listens on a free port.
    ///
    /// # Panics
    /// Where there is none.
    pub async fn start(plays: Vec<Play>) -> Self {
        Self::listen(plays, None).await
    }

    /// The same behind TLS, with a certificate of this authority for 127.0.0.1.
    ///
    /// # Panics
    /// Where there is no free port.
    pub async fn start_tls(plays: Vec<Play>, authority: &Authority) -> Self {
        let tls = authority.server("127.0.0.1", None).expect("a certificate");
        Self::listen(plays, Some(TlsAcceptor::from(tls))).await
    }

    async fn listen(plays: Vec<Play>, tls: Option<TlsAcceptor>) -> Self {
        let (reused, plays) = (Reused::default(), Arc::<[Play]>::from(plays));
        let noted = Arc::clone(&reused);
        let serve = move |tcp, log, number| {
            let (plays, reused, tls) = (Arc::clone(&plays), Arc::clone(&noted), tls.clone());
            async move { Serving { plays, log, reused, number }.accept(tcp, tls).await }
        };
        Self { listening: Listening::start(serve).await.expect("a free port on loopback"), reused }
    }

    /// The plays after which the same socket was used for another request.
    pub fn reused(&self) -> Vec<&'static str> {
        self.reused.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

struct Serving {
    plays: Arc<[Play]>,
    log: Log,
    reused: Reused,
    number: usize,
}

impl Serving {
    async fn accept(&self, tcp: TcpStream, tls: Option<TlsAcceptor>) -> std::io::Result<()> {
        tcp.set_nodelay(true)?;
        let tcp = tcp.into_std()?;
        // A second handle to the socket: whether it ends with a reset is only known when the play is.
        let handle = TcpStream::from_std(tcp.try_clone()?)?;
        let tcp = TcpStream::from_std(tcp)?;
        match tls {
            None => self.serve(BufReader::new(tcp), &handle).await,
            Some(tls) => self.serve(BufReader::new(tls.accept(tcp).await?), &handle).await,
        }
    }

    async fn serve<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        mut stream: S,
        handle: &TcpStream,
    ) -> std::io::Result<()> {
        lock(&self.log)[self.number].established = true;
        let mut played: Option<&'static str> = None;
        loop {
            let mut head = read_head(&mut stream, &self.log, self.number).await?;
            if let Some(name) = played {
                self.reused.lock().unwrap_or_else(PoisonError::into_inner).push(name);
            }
            let Some(play) = self.plays.iter().find(|play| is_asked(&head, play.name)) else {
                self.mirror(&mut stream, &head).await?;
                continue;
            };
            played = Some(play.name);
            match perform_steps(&mut stream, &play.script, &mut head, &self.log, self.number).await? {
                Ended::Over => return stream.shutdown().await,
                Ended::Again => {}
                Ended::Gone => {
                    if matches!(play.script.last(), Some(Step::Reset)) {
                        handle.set_zero_linger()?;
                    }
                    return Ok(());
                }
            }
        }
    }

    async fn mirror<S: AsyncRead + AsyncWrite + Unpin>(
        &self,
        stream: &mut S,
        head: &str,
    ) -> std::io::Result<()> {
        let before = lock(&self.log)[self.number].received.len();
        read_body(stream, head, &self.log, self.number).await?;
        let framed = lock(&self.log)[self.number].received[before..].to_vec();
        let line = head.lines().next().unwrap_or_default().trim_end_matches(" HTTP/1.1");
        let body = format!("{line} {}", String::from_utf8_lossy(&framed));
        let bodyless = line.starts_with("HEAD ");
        let answer = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: {}\r\n\r\n{}",
            body.len(),
            if bodyless { "" } else { &body }
        );
        stream.write_all(answer.as_bytes()).await?;
        stream.flush().await
    }
}

fn is_asked(head: &str, name: &str) -> bool {
    let target = head.split(' ').nth(1).unwrap_or_default();
    let path = target.split('?').next().unwrap_or_default();
    path.rsplit('/').next() == Some(name)
}
