//! A server with one handler that does what the path says, and callers that send scripted bytes.

use std::convert::Infallible;
use std::error::Error;
use std::future::{pending, poll_fn};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};
use http_body::{Body, Frame};
use http_body_util::combinators::UnsyncBoxBody;
use http_body_util::{BodyExt, Empty, Full};
use passthrough_http1::Field;
use passthrough_http1::head::Limits;
use passthrough_http1::server::{End, Refusal, Request, Response, Settings, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{mpsc, watch};

type BoxError = Box<dyn Error + Send + Sync>;
pub type AnyBody = UnsyncBoxBody<Bytes, BoxError>;

/// Patience that no test waits for, unless it sets another.
pub const SETTINGS: Settings = Settings {
    limits: Limits { bytes: 4_096, fields: 20 },
    head: Duration::from_secs(30),
    rest: Duration::from_secs(30),
    body_idle: Duration::from_secs(30),
    unread: Duration::from_secs(30),
};

/// What happened inside.
#[derive(Debug, Default)]
pub struct Seen {
    /// Handlers that were dropped before they answered.
    pub dropped: AtomicUsize,
    /// Pieces that were taken from the endless body.
    pub pieces: AtomicUsize,
}

pub struct Rig {
    pub address: SocketAddr,
    pub seen: Arc<Seen>,
    ends: mpsc::UnboundedReceiver<End<&'static str>>,
    stop: watch::Sender<bool>,
}

impl Rig {
    pub async fn start() -> Self {
        Self::with(SETTINGS).await
    }

    pub async fn with(settings: Settings) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (ended, ends) = mpsc::unbounded_channel();
        let (stop, stopped) = watch::channel(false);
        let seen = Arc::new(Seen::default());
        let inside = Arc::clone(&seen);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (ended, mut stopped, seen) = (ended.clone(), stopped.clone(), Arc::clone(&inside));
                tokio::spawn(async move {
                    let stop = async move {
                        let _ = stopped.wait_for(|stop| *stop).await;
                    };
                    let end = serve(stream, settings, stop, |request| handle(Arc::clone(&seen), request));
                    let _ = ended.send(end.await);
                });
            }
        });
        Self { address, seen, ends, stop }
    }

    pub fn stop(&self) {
        self.stop.send(true).unwrap();
    }

    pub async fn end(&mut self) -> End<&'static str> {
        within(self.ends.recv()).await.unwrap()
    }

    pub async fn caller(&self) -> Caller {
        Caller(TcpStream::connect(self.address).await.unwrap())
    }

    /// Sends bytes and reads until the server closes.
    pub async fn exchange(&self, bytes: impl AsRef<[u8]>) -> String {
        let mut caller = self.caller().await;
        caller.send(bytes).await;
        caller.rest().await
    }
}

pub struct Caller(pub TcpStream);

impl Caller {
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.0.write_all(bytes.as_ref()).await.unwrap();
    }

    /// Reads until what was read ends so.
    pub async fn until(&mut self, end: &str) -> String {
        let mut read = Vec::new();
        while !read.ends_with(end.as_bytes()) {
            let byte = within(self.0.read_u8()).await;
            read.push(
                byte.unwrap_or_else(|error| panic!("{error} after {:?}", String::from_utf8_lossy(&read))),
            );
        }
        String::from_utf8(read).unwrap()
    }

    /// Reads to the end.
    pub async fn rest(&mut self) -> String {
        let mut read = Vec::new();
        within(self.0.read_to_end(&mut read)).await.unwrap();
        String::from_utf8(read).unwrap()
    }
}

pub async fn within<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(20), future).await.expect("nothing happened for 20 s")
}

fn text(status: u16, text: impl Into<Bytes>) -> Response<AnyBody, &'static str> {
    let body = Full::new(text.into()).map_err(|never: Infallible| match never {}).boxed_unsync();
    Response::new(StatusCode::from_u16(status).unwrap(), body)
}

fn with(
    mut response: Response<AnyBody, &'static str>,
    name: &str,
    value: &str,
) -> Response<AnyBody, &'static str> {
    response.fields.push(field(name, value));
    response
}

fn field(name: &str, value: &str) -> Field {
    (Bytes::copy_from_slice(name.as_bytes()), Bytes::copy_from_slice(value.as_bytes()))
}

struct OnDrop(Arc<Seen>);

impl Drop for OnDrop {
    fn drop(&mut self) {
        self.0.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

async fn handle(seen: Arc<Seen>, request: Result<Request, Refusal>) -> Response<AnyBody, &'static str> {
    let request = match request {
        Ok(request) => request,
        Err(refusal) => return text(refusal.status().as_u16(), refusal.to_string()),
    };
    let target = String::from_utf8(request.head.target.to_vec()).unwrap();
    match target.as_str() {
        "/echo" => match request.body.collect().await {
            Ok(whole) => {
                let trailers = whole.trailers().cloned();
                let data = String::from_utf8(whole.to_bytes().to_vec()).unwrap();
                let trailers = trailers.map_or_else(String::new, |trailers| format!(" {trailers:?}"));
                text(200, format!("{} [{data}]{trailers}", request.head.method))
            }
            Err(error) => text(400, error.to_string()),
        },
        "/stream" => {
            let body = request.body.map_err(Into::into).boxed_unsync();
            Response::new(StatusCode::OK, body)
        }
        "/ignore" => text(200, "ignored"),
        "/late-ignore" => {
            tokio::time::sleep(Duration::from_millis(100)).await;
            drop(request.body);
            text(200, "ignored")
        }
        "/pieces" => answer(Pieces::new(&seen, &["one", "two"], After::Trailers)),
        "/events" => answer(Pieces::new(&seen, &["data: 1\n\n"], After::Pending)),
        "/cut" => answer(Pieces::new(&seen, &["half"], After::Error)),
        "/cut-length" => with(answer(Pieces::new(&seen, &["half"], After::Error)), "content-length", "8"),
        "/short" => with(answer(Pieces::new(&seen, &["half"], After::End)), "Content-Length", "8"),
        "/long" => with(answer(Pieces::new(&seen, &["half", "more"], After::End)), "Content-Length", "4"),
        "/endless" => answer(Pieces::new(&seen, &[], After::Endless)),
        "/large" => text(200, vec![b'x'; 1_000_000]),
        "/sized" => with(text(200, "0123456789"), "Content-Length", "10"),
        "/none" => with(text(204, "not sent"), "x-kept", "yes"),
        "/not-modified" => with(text(304, "not sent"), "Content-Length", "1234"),
        "/close" => with(text(200, "bye"), "connection", "close"),
        "/spelled" => with(with(with(text(200, ""), "X-ONE", "1"), "x-two", "2"), "X-oNe", "3"),
        "/never" => {
            let _dropped = OnDrop(seen);
            pending().await
        }
        "/interim" => {
            let hint = [field("Link", "</style.css>")];
            let early = StatusCode::from_u16(103).unwrap();
            assert!(!request.interim.send(StatusCode::OK, b"OK", &hint));
            let sent = request.interim.send(early, b"Early Hints", &hint);
            poll_fn(|cx| yield_once(cx, &seen)).await;
            text(200, if sent { "hinted" } else { "plain" })
        }
        "/upgrade" => {
            let mut response = with(text(101, ""), "Connection", "Upgrade");
            response.upgrade = Some("websocket");
            with(response, "Upgrade", "websocket")
        }
        _ => text(404, target),
    }
}

fn yield_once(cx: &mut Context<'_>, seen: &Seen) -> Poll<()> {
    if seen.pieces.fetch_add(1, Ordering::SeqCst) > 0 {
        return Poll::Ready(());
    }
    cx.waker().wake_by_ref();
    Poll::Pending
}

fn answer(pieces: Pieces) -> Response<AnyBody, &'static str> {
    Response::new(StatusCode::OK, pieces.boxed_unsync())
}

pub fn empty() -> AnyBody {
    Empty::new().map_err(|never: Infallible| match never {}).boxed_unsync()
}

/// What a body does after its pieces.
enum After {
    End,
    Trailers,
    Pending,
    Error,
    Endless,
}

struct Pieces {
    seen: Arc<Seen>,
    pieces: Vec<&'static str>,
    after: After,
}

impl Pieces {
    fn new(seen: &Arc<Seen>, pieces: &[&'static str], after: After) -> Self {
        Self { seen: Arc::clone(seen), pieces: pieces.iter().rev().copied().collect(), after }
    }
}

impl Drop for Pieces {
    fn drop(&mut self) {
        self.seen.dropped.fetch_add(1, Ordering::SeqCst);
    }
}

impl Body for Pieces {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Some(piece) = self.pieces.pop() {
            return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(piece.as_bytes())))));
        }
        match std::mem::replace(&mut self.after, After::End) {
            After::End => Poll::Ready(None),
            After::Pending => {
                self.after = After::Pending;
                Poll::Pending
            }
            After::Error => Poll::Ready(Some(Err("the provider broke off".into()))),
            After::Trailers => {
                let mut trailers = HeaderMap::new();
                trailers.insert("x-sum", HeaderValue::from_static("42"));
                trailers.insert("content-length", HeaderValue::from_static("42"));
                trailers.insert("set-cookie", HeaderValue::from_static("forged=1"));
                trailers.insert("content-type", HeaderValue::from_static("text/html"));
                Poll::Ready(Some(Ok(Frame::trailers(trailers))))
            }
            After::Endless => {
                self.after = After::Endless;
                self.seen.pieces.fetch_add(1, Ordering::SeqCst);
                Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(&[b'x'; 10_000])))))
            }
        }
    }
}
