//! A provider that notes what it is asked and answers as a test wants; by default it tells what it saw.

use std::convert::Infallible;
use std::fmt;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use http::{Request, Response};
use http_body_util::{BodyExt, Full};
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use tokio::net::TcpListener;
use tokio::task::AbortHandle;

/// A request as it arrived. Header names are in lower case.
#[derive(Debug, Clone)]
pub struct Seen {
    /// The method.
    pub method: String,
    /// The request target, byte for byte.
    pub target: String,
    /// Names and values, in order.
    pub headers: Vec<(String, String)>,
    /// The body, unframed.
    pub body: Bytes,
}

impl Seen {
    /// All values of a header (lower case name).
    pub fn header(&self, name: &str) -> Vec<&str> {
        self.headers.iter().filter(|(known, _)| known == name).map(|(_, value)| value.as_str()).collect()
    }
}

/// What to answer to what was seen, and when.
pub type Answer = dyn Fn(Seen) -> BoxFuture + Send + Sync;

/// An answer that may take its time.
pub type BoxFuture = Pin<Box<dyn Future<Output = Response<Full<Bytes>>> + Send>>;

/// A provider on loopback.
pub struct EchoProvider {
    address: SocketAddr,
    seen: Arc<Mutex<Vec<Seen>>>,
    accepting: AbortHandle,
}

impl fmt::Debug for EchoProvider {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "EchoProvider({})", self.address)
    }
}

impl EchoProvider {
    /// Starts one that answers every request with `200` and what it saw, as JSON.
    pub async fn start() -> Self {
        Self::answering(|seen| {
            let headers: Vec<String> = seen
                .headers
                .iter()
                .map(|(name, value)| format!("[{},{}]", quoted(name), quoted(value)))
                .collect();
            let body = format!(
                "{{\"method\":{},\"target\":{},\"headers\":[{}],\"body\":{}}}",
                quoted(&seen.method),
                quoted(&seen.target),
                headers.join(","),
                quoted(&String::from_utf8_lossy(&seen.body))
            );
            let mut response = Response::new(Full::from(body));
            let json = http::HeaderValue::from_static("application/json");
            response.headers_mut().insert(http::header::CONTENT_TYPE, json);
            response
        })
        .await
    }

    /// Starts one that answers as given.
    pub async fn answering(answer: impl Fn(&Seen) -> Response<Full<Bytes>> + Send + Sync + 'static) -> Self {
        Self::answering_later(move |seen| Box::pin(std::future::ready(answer(&seen)))).await
    }

    /// Starts one that answers as given, when it is ready to. Where the caller goes away, the future is dropped.
    pub async fn answering_later(answer: impl Fn(Seen) -> BoxFuture + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port on loopback");
        let address = listener.local_addr().expect("the address of a listener");
        let seen: Arc<Mutex<Vec<Seen>>> = Arc::default();
        let (log, answer): (_, Arc<Answer>) = (Arc::clone(&seen), Arc::new(answer));
        let accepting = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (log, answer) = (Arc::clone(&log), Arc::clone(&answer));
                let service = service_fn(move |request| note(request, Arc::clone(&log), Arc::clone(&answer)));
                let connection = hyper::server::conn::http1::Builder::new()
                    .max_buf_size(1 << 20)
                    .serve_connection(TokioIo::new(stream), service);
                tokio::spawn(connection);
            }
        });
        Self { address, seen, accepting: accepting.abort_handle() }
    }

    /// `http://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Everything that was asked so far.
    pub fn seen(&self) -> Vec<Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The request that was asked last.
    ///
    /// # Panics
    /// Where none was.
    pub fn last(&self) -> Seen {
        self.seen().pop().expect("the provider was asked")
    }
}

impl Drop for EchoProvider {
    fn drop(&mut self) {
        self.accepting.abort();
    }
}

async fn note(
    request: Request<Incoming>,
    log: Arc<Mutex<Vec<Seen>>>,
    answer: Arc<Answer>,
) -> Result<Response<Full<Bytes>>, Infallible> {
    let (parts, body) = request.into_parts();
    // A body that breaks off is noted as far as it came.
    let body = body.collect().await.map(|body| body.to_bytes()).unwrap_or_default();
    let headers = parts
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()));
    let target = parts.uri.path_and_query().map_or_else(|| parts.uri.to_string(), ToString::to_string);
    let seen = Seen { method: parts.method.to_string(), target, headers: headers.collect(), body };
    log.lock().unwrap_or_else(PoisonError::into_inner).push(seen.clone());
    Ok(answer(seen).await)
}

fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if u32::from(c) < 0x20 => out.push_str(&format!("\\u{:04x}", u32::from(c))),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}
