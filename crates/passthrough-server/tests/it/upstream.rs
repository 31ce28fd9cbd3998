//! The upstream client against servers that do exactly what a script says.

mod answer;
mod failure;
mod guard;
mod http2;
mod pool;
mod request;
mod tls;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use http::Request;
use http_body_util::BodyExt;
use passthrough_core::address::AddressPolicy;
use passthrough_core::base_url::{Host, Origin, Scheme};
use passthrough_core::header::Fields;
use passthrough_server::upstream::{self, Answer, BodyError, Call, SendError, UpstreamBody, UpstreamConfig};
use passthrough_testkit::raw_server::{RawServer, Step};

/// Loopback is open, plain http there too.
fn open_loopback() -> AddressPolicy {
    let loopback = ["127.0.0.0/8", "::1/128"].map(|net| net.parse().unwrap()).to_vec();
    AddressPolicy { allow: loopback.clone(), allow_http: loopback, allow_http_hosts: Vec::new() }
}

fn upstream_with(change: impl FnOnce(&mut UpstreamConfig)) -> Upstream {
    let mut config = UpstreamConfig { address_policy: open_loopback(), ..UpstreamConfig::default() };
    change(&mut config);
    Upstream(upstream::Upstream::new(config).unwrap())
}

/// The way to providers, for calls of which nothing is asked afterwards.
#[derive(Clone)]
struct Upstream(upstream::Upstream);

impl Upstream {
    async fn send(&self, mut call: Call) -> Result<Answer, SendError> {
        self.0.send(&mut call).await.map(|answer| *answer)
    }
}

fn upstream() -> Upstream {
    upstream_with(|_| {})
}

/// A server that plays one script to every connection.
async fn server(script: Vec<Step>) -> RawServer {
    servers(vec![script]).await
}

async fn servers(scripts: Vec<Vec<Step>>) -> RawServer {
    RawServer::start(scripts).await.unwrap()
}

/// Answers every request on a connection with the same bytes.
fn answering(answer: &str) -> Vec<Step> {
    vec![Step::ReadRequest, Step::write(answer), Step::Again]
}

const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

fn plain(address: SocketAddr) -> Origin {
    Origin { scheme: Scheme::Http, host: Host::Ip(address.ip()), port: address.port() }
}

fn call(server: &RawServer, request: Request<UpstreamBody>) -> Call {
    asked(plain(server.address()), request)
}

/// A call to anywhere, written as a request.
fn asked(origin: Origin, request: Request<UpstreamBody>) -> Call {
    let (head, body) = request.into_parts();
    let path = head.uri.path_and_query().unwrap().clone();
    let mut call = Call::new("default".parse().unwrap(), Arc::new(origin), head.method, path);
    call.fields = Fields::from(&head.headers);
    call.body = body;
    call
}

fn get(server: &RawServer) -> Call {
    call(server, Request::get("/").body(UpstreamBody::Empty).unwrap())
}

fn post(server: &RawServer, body: &'static str) -> Call {
    call(server, Request::post("/").body(UpstreamBody::Held(body.into())).unwrap())
}

async fn text(answer: Answer) -> Result<String, BodyError> {
    let bytes = answer.body.collect().await?.to_bytes();
    Ok(String::from_utf8(bytes.to_vec()).unwrap())
}

async fn get_text(upstream: &Upstream, server: &RawServer) -> Result<String, SendError> {
    Ok(text(upstream.send(get(server)).await?).await.unwrap())
}

fn millis(count: u64) -> Duration {
    Duration::from_millis(count)
}
