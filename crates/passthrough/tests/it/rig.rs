//! What the tests of the doors share: answers read as what they are, providers that play a script, and a
//! caller who writes bytes.

use std::time::Duration;

use passthrough_testkit::http::Response;
use passthrough_testkit::program::{Connected, Engine, Program, Setup, canary};
use passthrough_testkit::raw_server::{RawServer, Step};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{Shop, bearer_provider, setup};

/// Reads an answer of ours as JSON.
pub fn json(response: &Response) -> Value {
    serde_json::from_slice(&response.body).unwrap_or_else(|error| panic!("{error}: {}", response.text()))
}

/// The status and the code of a failure of ours, `502 bad_gateway reset`, with `sent` and `retryable`.
pub fn failure(response: &Response) -> String {
    let error = json(response);
    let reason = error["detail"]["reason"].as_str().map_or_else(String::new, |reason| format!(" {reason}"));
    let retryable = if error["retryable"] == true { " retryable" } else { "" };
    let code = error["code"].as_str().unwrap();
    format!("{} {code}{reason} sent={}{retryable}", response.status.as_u16(), error["sent"].as_str().unwrap())
}

impl Shop {
    /// `POST /v1/passthrough`, whatever comes of it.
    pub async fn ask(&self, request: &str) -> Response {
        self.program.on(&self.connection, "POST", "/v1/passthrough", &[], request.to_owned()).await
    }

    /// A request through the proxy.
    pub async fn proxy(&self, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Response {
        let path = format!("/v1/proxy{path}");
        self.program.on(&self.connection, method, &path, headers, body.to_owned()).await
    }
}

/// A started program with one connection to a provider that plays a script.
pub struct Stage {
    pub program: Program,
    pub server: RawServer,
    pub connection: Connected,
    pub api_key: String,
}

/// Starts a program for scripts, one per upstream connection.
pub async fn stage(scripts: Vec<Vec<Step>>) -> Stage {
    stage_with(scripts, |setup| setup, |file| file).await
}

/// The same with settings and a provider file of one's own.
pub async fn stage_with(
    scripts: Vec<Vec<Step>>,
    settings: impl FnOnce(Setup) -> Setup,
    file: impl FnOnce(String) -> String,
) -> Stage {
    let server = RawServer::start(scripts).await.unwrap();
    let file = file(bearer_provider(&format!("http://{}/base", server.address())));
    // Of several workers each would open sockets of its own, and the scripts are played by the socket.
    let one_worker = setup(Engine::Sqlite).variable("PASSTHROUGH_SERVER__WORKERS", "1");
    let mut program = settings(one_worker).provider("shop", &file).start().await;
    let api_key = canary("key");
    let request = format!(r#"{{"provider":"shop","credentials":{{"api_key":"{api_key}"}}}}"#);
    let connection = program.connect(&request).await;
    Stage { program, server, connection, api_key }
}

impl Stage {
    /// `POST /v1/passthrough`, whatever comes of it.
    pub async fn ask(&self, request: &str) -> Response {
        self.program.on(&self.connection, "POST", "/v1/passthrough", &[], request.to_owned()).await
    }

    /// A request through the proxy without a body.
    pub async fn proxy(&self, method: &str, path: &str) -> Response {
        self.program.on(&self.connection, method, &format!("/v1/proxy{path}"), &[], "").await
    }

    /// A caller's socket with a request head of this method and target written to it.
    pub async fn caller(&self, method: &str, target: &str, headers: &str) -> Caller {
        Caller::begin(&self.program, &self.connection, method, target, headers).await
    }
}

/// A script that answers every request of a connection with these bytes.
pub fn answers(bytes: &str) -> Vec<Step> {
    vec![Step::ReadRequest, Step::write(bytes), Step::Again]
}

/// An answer in HTTP/1.1 with its length.
pub fn answer(head: &str, body: &str) -> String {
    format!("HTTP/1.1 {head}\r\nContent-Length: {}\r\n\r\n{body}", body.len())
}

/// A caller who writes bytes.
pub struct Caller {
    stream: TcpStream,
    /// What was read and not yet taken.
    held: Vec<u8>,
}

impl Caller {
    /// Connects.
    pub async fn connect(program: &Program) -> Self {
        let address = program.url.strip_prefix("http://").unwrap();
        let stream = TcpStream::connect(address).await.unwrap();
        stream.set_nodelay(true).unwrap();
        Self { stream, held: Vec::new() }
    }

    /// Connects and writes a head: our own headers and those given (each with its line end).
    pub async fn begin(
        program: &Program,
        connection: &Connected,
        method: &str,
        target: &str,
        headers: &str,
    ) -> Self {
        let mut caller = Self::connect(program).await;
        caller.write(head(program, connection, method, target, headers).as_bytes()).await;
        caller
    }

    /// Writes bytes; that the other side has gone is seen when reading.
    pub async fn write(&mut self, bytes: &[u8]) -> bool {
        self.stream.write_all(bytes).await.is_ok()
    }

    /// Reads up to and including a text.
    pub async fn until(&mut self, text: &str) -> String {
        loop {
            if let Some(at) = find(&self.held, text.as_bytes()) {
                let taken: Vec<u8> = self.held.drain(..at + text.len()).collect();
                return String::from_utf8_lossy(&taken).into_owned();
            }
            let more = self.more().await;
            assert!(more, "the end came before {text:?}: {:?}", String::from_utf8_lossy(&self.held));
        }
    }

    /// Reads so many bytes.
    pub async fn bytes(&mut self, count: usize) -> Vec<u8> {
        while self.held.len() < count {
            let more = self.more().await;
            assert!(more, "the end came before {count} bytes: {:?}", String::from_utf8_lossy(&self.held));
        }
        self.held.drain(..count).collect()
    }

    /// Reads to the end of the connection, be it clean or not.
    pub async fn rest(&mut self) -> String {
        while self.more().await {}
        String::from_utf8_lossy(&std::mem::take(&mut self.held)).into_owned()
    }

    async fn more(&mut self) -> bool {
        let read = self.stream.read_buf(&mut self.held);
        let read = tokio::time::timeout(Duration::from_secs(15), read).await;
        matches!(read.expect("an answer within 15 seconds"), Ok(count) if count > 0)
    }
}

/// A request head with a key and a connection token.
pub fn head(program: &Program, connection: &Connected, method: &str, target: &str, headers: &str) -> String {
    let (key, token) = (&program.key, &connection.token);
    format!(
        "{method} {target} HTTP/1.1\r\nHost: passthrough\r\nAuthorization: Bearer {key}\r\n\
         Connection-Token: {token}\r\n{headers}\r\n"
    )
}

fn find(haystack: &[u8], needle: &[u8]) -> Option<usize> {
    haystack.windows(needle.len()).position(|window| window == needle)
}

/// A JSON string.
pub fn quoted(text: &str) -> String {
    Value::from(text).to_string()
}
