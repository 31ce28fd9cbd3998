//! The server as a part of another program: the example, built and run.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use passthrough_testkit::echo::EchoProvider;
use passthrough_testkit::http::{Response, send};
use passthrough_testkit::program::canary;
use passthrough_testkit::raw_server::{RawServer, Step};
use serde_json::{Value, json};

use crate::support::BINARY;

/// The running example.
struct Embedding {
    child: Child,
    url: String,
    key: String,
}

impl Embedding {
    fn start(data: &Path) -> Self {
        let example = Path::new(BINARY).with_file_name("examples").join("embed");
        let mut child = Command::new(&example)
            .env_clear()
            .env("PASSTHROUGH_LISTEN", "127.0.0.1:0")
            .env("PASSTHROUGH_DATA_DIR", data)
            .env("PASSTHROUGH_UPSTREAM__ALLOW", "127.0.0.0/8")
            .env("PASSTHROUGH_UPSTREAM__ALLOW_HTTP", "127.0.0.0/8")
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| {
                panic!("{}: {error}; build it: cargo build --examples", example.display())
            });
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let (url, key) = said.trim_end_matches('\n').split_once(' ').unwrap();
        Self { url: url.to_owned(), key: key.to_owned(), child }
    }

    async fn ask(&self, key: &str, method: &str, path: &str, more: &[(&str, &str)], body: &str) -> Response {
        let authorization = format!("Bearer {key}");
        let headers = [&[("authorization", authorization.as_str())], more].concat();
        send(method, &format!("{}{path}", self.url), &headers, body.to_owned()).await
    }

    /// The same with the key of the first start.
    async fn api(&self, method: &str, path: &str, body: &str) -> Value {
        let answer = self.ask(&self.key, method, path, &[], body).await;
        assert!(answer.status.is_success(), "{}", answer.text());
        serde_json::from_slice(&answer.body).unwrap()
    }

    async fn connect(&self, base_url: &str) -> String {
        let request = json!({
            "provider": "custom", "auth": "bearer",
            "credentials": {"token": canary("embedded")}, "variables": {"base_url": base_url},
        });
        self.api("POST", "/v1/connections", &request.to_string()).await["token"].as_str().unwrap().to_owned()
    }

    /// As at a terminal; it ends by itself, and in order.
    fn interrupt(mut self) {
        let pid = self.child.id().to_string();
        assert!(Command::new("kill").args(["-INT", &pid]).status().unwrap().success());
        for _ in 0..400 {
            if let Some(status) = self.child.try_wait().unwrap() {
                assert!(status.success(), "{status}");
                return;
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        panic!("it did not end");
    }
}

/// Whatever becomes of a test, nothing is left behind.
impl Drop for Embedding {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_example_serves_its_own_page_and_all_doors_and_keeps_its_records() {
    let folder = tempfile::tempdir().unwrap();
    let program = Embedding::start(folder.path());
    let provider = EchoProvider::start().await;
    let own = send("GET", &format!("{}/", program.url), &[], String::new()).await;
    assert_eq!(own.text(), "a page of mine");
    let ready = send("GET", &format!("{}/readyz", program.url), &[], String::new()).await;
    assert_eq!(ready.status, 200);

    let token = program.connect(&provider.url()).await;
    let on = [("connection-token", token.as_str())];
    let request = r#"{"method": "POST", "path": "/a%2Fb", "body": {"n": 1.10}}"#;
    let answer = program.ask(&program.key, "POST", "/v1/passthrough", &on, request).await;
    let envelope: Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!((envelope["statusCode"].as_u64(), provider.last().target.as_str()), (Some(200), "/a%2Fb"));
    assert_eq!(&provider.last().body[..], br#"{"n": 1.10}"#);
    let proxied = program.ask(&program.key, "PROPFIND", "/v1/proxy/x;y?a=1&a=2", &on, "bytes").await;
    assert_eq!((proxied.status.as_u16(), proxied.header("passthrough-source")), (200, Some("provider")));
    assert_eq!(
        (provider.last().method.as_str(), provider.last().target.as_str()),
        ("PROPFIND", "/x;y?a=1&a=2")
    );
    let missing = program.ask(&program.key, "GET", "/v1/nothing", &[], "").await;
    assert_eq!(missing.header("passthrough-source"), Some("passthrough"));
    assert!(missing.text().contains("\"not_found\""));

    // What was in memory when it was told to stop is there at the next start.
    let key = program.key.clone();
    program.interrupt();
    let again = Embedding::start(folder.path());
    assert_eq!(again.key, "", "only a first start makes a key");
    let id = envelope["requestId"].as_str().unwrap();
    let record = again.ask(&key, "GET", &format!("/v1/requests/{id}"), &[], "").await;
    assert_eq!(record.status, 200, "{}", record.text());
    again.interrupt();
}

/// What the documentation says of running inside hyper.
#[tokio::test(flavor = "multi_thread")]
async fn spelling_is_lost_there_and_the_values_of_one_name_keep_their_order() {
    let folder = tempfile::tempdir().unwrap();
    let program = Embedding::start(folder.path());
    let said = "HTTP/1.1 200 Fine\r\nX-One: 1\r\nX-Two: 2\r\nX-One: 3\r\nContent-Length: 2\r\n\r\nok";
    let provider =
        RawServer::start(vec![vec![Step::ReadRequest, Step::write(said), Step::Again]]).await.unwrap();
    let token = program.connect(&format!("http://{}", provider.address())).await;
    let headers = [("connection-token", token.as_str()), ("X-Mine", "1"), ("X-Mine", "2")];
    let answer = program.ask(&program.key, "GET", "/v1/proxy/a", &headers, "").await;
    let sent = provider.connections()[0].text();
    assert!(sent.contains("\r\nx-mine: 1\r\n") && sent.contains("\r\nx-mine: 2\r\n"), "{sent}");
    let ones: Vec<&str> =
        answer.headers.iter().filter(|(name, _)| name == "x-one").map(|(_, value)| value.as_str()).collect();
    assert_eq!((ones, answer.text().as_str()), (vec!["1", "3"], "ok"));
}
