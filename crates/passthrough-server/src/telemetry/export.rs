//! Takes finished traces to the collector.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HOST};
use http::{HeaderValue, Request, StatusCode};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, RootCertStore};
use thiserror::Error;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

use super::config::Collector;
use super::span::Finished;
use super::{MAX_WAITING, On, Traces, otlp};

/// How often traces are sent.
const INTERVAL: Duration = Duration::from_secs(1);
/// How many are sent at a time.
const BATCH: usize = 256;
/// How long the collector may take.
const PATIENCE: Duration = Duration::from_secs(10);
/// The end of the program does not wait for a collector that is away.
const LAST: Duration = Duration::from_millis(500);

/// Why the collector did not take a batch.
#[derive(Debug, Error)]
enum ExportError {
    #[error("the collector cannot be reached: {0}")]
    Away(#[from] io::Error),
    #[error("TLS with the collector cannot be set up")]
    Tls,
    #[error("the exchange with the collector broke off: {0}")]
    Broken(#[from] hyper::Error),
    #[error("the collector took too long")]
    TooLong,
    #[error("the collector answered {0}")]
    Refused(StatusCode),
}

impl ExportError {
    /// Whether the same may succeed later (OTLP/HTTP, "Retryable Response Codes").
    fn may_pass(&self) -> bool {
        match self {
            ExportError::Refused(status) => matches!(status.as_u16(), 429 | 502 | 503 | 504),
            ExportError::Tls => false,
            _ => true,
        }
    }
}

impl Traces {
    /// Sends what is finished until it is told to stop, and once more then.
    pub async fn keep_exporting(self, stop: CancellationToken) {
        let Some(on) = self.on else { return };
        let mut fine = true;
        while stop.run_until_cancelled(tokio::time::sleep(INTERVAL)).await.is_some() {
            fine = on.export(fine).await;
        }
        let _ = tokio::time::timeout(LAST, on.export(false)).await;
    }
}

impl On {
    /// Sends everything that waits. `fine` is whether it went well the last time: trouble is told once.
    async fn export(self: &Arc<Self>, fine: bool) -> bool {
        let mut waiting = self.take_out();
        while !waiting.is_empty() {
            let batch = waiting.split_off(waiting.len().saturating_sub(BATCH));
            let spans = count(&batch);
            let body = Bytes::from(otlp::encode(&self.collector.service_name, &batch));
            let sent = tokio::time::timeout(PATIENCE, post(&self.collector, body)).await;
            match sent.unwrap_or(Err(ExportError::TooLong)) {
                Ok(()) => self.metrics.spans.exported.add(spans),
                Err(error) => {
                    if fine {
                        tracing::warn!(%error, "traces cannot be sent");
                    }
                    if error.may_pass() {
                        waiting.extend(batch);
                        self.take_back(waiting);
                    } else {
                        self.metrics.spans.dropped.add(spans + count(&waiting));
                    }
                    return false;
                }
            }
        }
        true
    }

    /// Keeps what could not be sent, as far as there is room beside what has come meanwhile.
    fn take_back(&self, mut unsent: Vec<Finished>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        let room = MAX_WAITING.saturating_sub(waiting.len());
        let lost = unsent.split_off(room.min(unsent.len()));
        waiting.append(&mut unsent);
        drop(waiting);
        self.metrics.spans.dropped.add(count(&lost));
    }
}

fn count(traces: &[Finished]) -> u64 {
    traces.iter().map(|trace| trace.spans() as u64).sum()
}

/// One request on a connection of its own: once a second that is cheap, and nothing is left to go stale.
async fn post(collector: &Collector, body: Bytes) -> Result<(), ExportError> {
    let host = collector.host.trim_start_matches('[').trim_end_matches(']');
    let stream = TcpStream::connect((host, collector.port)).await?;
    if collector.tls {
        let name = ServerName::try_from(host.to_owned()).map_err(|_| ExportError::Tls)?;
        exchange(collector, connector()?.connect(name, stream).await?, body).await
    } else {
        exchange(collector, stream, body).await
    }
}

fn connector() -> Result<TlsConnector, ExportError> {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let roots = RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() };
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let config = builder.map_err(|_| ExportError::Tls)?.with_root_certificates(roots).with_no_client_auth();
    Ok(TlsConnector::from(Arc::new(config)))
}

async fn exchange(
    collector: &Collector,
    stream: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    body: Bytes,
) -> Result<(), ExportError> {
    let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await?;
    let mut request = Request::new(Full::new(body));
    *request.method_mut() = http::Method::POST;
    *request.uri_mut() = collector.path.parse().map_err(|_| ExportError::Refused(StatusCode::BAD_REQUEST))?;
    let headers = request.headers_mut();
    if let Ok(host) = HeaderValue::try_from(format!("{}:{}", collector.host, collector.port)) {
        headers.insert(HOST, host);
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-protobuf"));
    for (name, value) in &collector.headers {
        headers.insert(name, value.clone());
    }
    let answering = async {
        let answer = sender.send_request(request).await?;
        let status = answer.status();
        // Nothing in it concerns us, and a collector must not fill our memory.
        let _ = http_body_util::Limited::new(answer.into_body(), 64 * 1024).collect().await;
        if status.is_success() { Ok(()) } else { Err(ExportError::Refused(status)) }
    };
    tokio::pin!(answering);
    tokio::select! {
        answered = &mut answering => answered,
        ended = connection => {
            ended?;
            answering.await
        }
    }
}
