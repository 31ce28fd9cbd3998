//! Traces: what a collector receives, and what a provider does.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::Span;
use passthrough_testkit::echo::EchoProvider;
use passthrough_testkit::program::{CANARY, Connected, Engine, Program, canary};
use prost::Message;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use crate::support::{bearer_provider, json, setup};

const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

/// A collector: takes OTLP over HTTP in and keeps what it was sent.
struct Collector {
    url: String,
    heads: Arc<Mutex<Vec<String>>>,
    requests: Arc<Mutex<Vec<ExportTraceServiceRequest>>>,
}

impl Collector {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let (heads, requests) = (Arc::default(), Arc::default());
        let collector = Self { url, heads: Arc::clone(&heads), requests: Arc::clone(&requests) };
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let (head, request) = take_in(stream).await;
                heads.lock().unwrap().push(head);
                requests.lock().unwrap().push(request);
            }
        });
        collector
    }

    /// The spans of a trace with so many, as soon as they are there.
    async fn spans(&self, count: usize) -> Vec<Span> {
        for _ in 0..100 {
            let spans: Vec<Span> = self.requests.lock().unwrap().iter().flat_map(all).collect();
            if spans.len() >= count {
                return spans;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{count} spans do not come: {:?}", self.requests.lock().unwrap());
    }
}

fn all(request: &ExportTraceServiceRequest) -> Vec<Span> {
    let resources = request.resource_spans.iter();
    let scopes = resources.flat_map(|resource| resource.scope_spans.iter());
    scopes.flat_map(|scope| scope.spans.clone()).collect()
}

async fn take_in(mut stream: TcpStream) -> (String, ExportTraceServiceRequest) {
    let mut held = Vec::new();
    loop {
        assert!(stream.read_buf(&mut held).await.unwrap() > 0);
        let Some(end) = held.windows(4).position(|bytes| bytes == b"\r\n\r\n") else { continue };
        let head = String::from_utf8_lossy(&held[..end]).to_lowercase();
        let length = head.split("content-length: ").nth(1).unwrap().lines().next().unwrap().parse::<usize>();
        let length = length.unwrap();
        if held.len() >= end + 4 + length {
            stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
            let request = ExportTraceServiceRequest::decode(&held[end + 4..]).unwrap();
            return (head, request);
        }
    }
}

struct Traced {
    program: Program,
    connection: Connected,
    api_key: String,
    _provider: EchoProvider,
}

/// A program with a connection to a provider that tells what it saw.
async fn start(variables: &[(&str, &str)]) -> Traced {
    let provider = EchoProvider::start().await;
    let mut setup =
        setup(Engine::Sqlite).provider("shop", &bearer_provider(&format!("{}/base", provider.url())));
    for (name, value) in variables {
        setup = setup.variable(name, value);
    }
    let mut program = setup.start().await;
    let api_key = canary("key");
    let request = format!(r#"{{"provider":"shop","credentials":{{"api_key":"{api_key}"}}}}"#);
    let connection = program.connect(&request).await;
    Traced { program, connection, api_key, _provider: provider }
}

impl Traced {
    /// What the provider saw of a call with the caller's trace.
    async fn seen(&self) -> String {
        let headers = [("traceparent", PARENT), ("tracestate", "caller=1")];
        let answer = self.program.on(&self.connection, "GET", "/v1/proxy/a?q=1", &headers, "").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        json(&answer).to_string()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_gets_the_steps_of_a_call_in_the_callers_trace() {
    let collector = Collector::start().await;
    let traced = start(&[
        ("PASSTHROUGH_TELEMETRY__OTLP_ENDPOINT", &collector.url),
        ("PASSTHROUGH_TELEMETRY__OTLP_HEADERS", "x-collector-key=open"),
        ("PASSTHROUGH_TELEMETRY__SAMPLE_RATIO", "0"),
    ])
    .await;
    let seen = traced.seen().await;
    assert!(!seen.contains("0af7651916cd43dd8448eb211c80319c") && !seen.contains("caller=1"), "{seen}");
    // Without the caller's word nothing is traced here.
    traced.program.on(&traced.connection, "GET", "/v1/proxy/untraced", &[], "").await;
    let spans = collector.spans(6).await;
    let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
    assert_eq!(names, ["passthrough proxy", "authenticate", "resolve", "send", "shape", "connect"]);
    assert_eq!(spans[0].parent_span_id, [0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31]);
    assert!(spans.iter().all(|span| span.trace_id == spans[0].trace_id && span.trace_id[0] == 0x0a));
    let text = format!("{spans:?}");
    for secret in [CANARY, "/a", "q=1", "127.0.0.1", &traced.connection.token, &traced.api_key] {
        assert!(!text.contains(secret), "{secret} in {text}");
    }
    let head = collector.heads.lock().unwrap()[0].clone();
    assert!(head.starts_with("post /v1/traces http/1.1"), "{head}");
    assert!(head.contains("x-collector-key: open") && head.contains("application/x-protobuf"), "{head}");
    traced.program.finish().await;
    assert_eq!(collector.spans(6).await.len(), 6, "nothing else was traced");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_sees_a_trace_only_where_that_is_set_up() {
    let traced = start(&[]).await;
    let seen = traced.seen().await;
    assert!(!seen.to_lowercase().contains("traceparent") && !seen.contains("caller=1"), "{seen}");
    traced.program.finish().await;

    let traced = start(&[("PASSTHROUGH_TELEMETRY__FORWARD_TRACEPARENT", "true")]).await;
    let seen = traced.seen().await;
    assert!(seen.contains(PARENT) && seen.contains("caller=1"), "{seen}");
    traced.program.finish().await;

    let collector = Collector::start().await;
    let traced = start(&[
        ("PASSTHROUGH_TELEMETRY__FORWARD_TRACEPARENT", "true"),
        ("PASSTHROUGH_TELEMETRY__OTLP_ENDPOINT", &collector.url),
    ])
    .await;
    let seen = traced.seen().await;
    assert!(seen.contains("00-0af7651916cd43dd8448eb211c80319c-") && !seen.contains(PARENT), "{seen}");
    traced.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_collector_that_is_away_disturbs_nobody() {
    let traced = start(&[("PASSTHROUGH_TELEMETRY__OTLP_ENDPOINT", "http://127.0.0.1:9")]).await;
    traced.seen().await;
    for _ in 0..100 {
        if traced.program.log().contains("traces cannot be sent") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(traced.program.log().matches("traces cannot be sent").count(), 1, "{}", traced.program.log());
    traced.seen().await;
    traced.program.finish().await;
}
