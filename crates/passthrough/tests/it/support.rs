//! What the tests of the program share: a started program, a provider behind it, both databases.

use passthrough_testkit::echo::EchoProvider;
use passthrough_testkit::http::{Response, send};
use passthrough_testkit::program::{CANARY, Connected, Engine, Program, Setup, canary};
use serde_json::Value;

/// The program under test.
pub const BINARY: &str = env!("CARGO_BIN_EXE_passthrough");

/// Runs an `async fn(Engine)` as two tests, one on each database.
macro_rules! on_both_databases {
    ($($(#[$doc:meta])* $name:ident)*) => {
        mod sqlite {
            $($(#[$doc])* #[tokio::test(flavor = "multi_thread")]
            async fn $name() { super::$name(passthrough_testkit::program::Engine::Sqlite).await; })*
        }
        mod postgres {
            $($(#[$doc])* #[tokio::test(flavor = "multi_thread")]
            async fn $name() { super::$name(passthrough_testkit::program::Engine::Postgres).await; })*
        }
    };
}
pub(crate) use on_both_databases;

/// A program that is not started yet.
pub fn setup(engine: Engine) -> Setup {
    Setup::new(BINARY, engine)
}

/// A file of the catalog with other texts in it; each must be there.
pub fn catalog(code: &str, others: &[(&str, &str)]) -> String {
    let path = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../../providers/{code}.toml"));
    let mut text = std::fs::read_to_string(path).unwrap();
    for (here, other) in others {
        assert!(text.contains(here), "providers/{code}.toml has no {here} any more");
        text = text.replace(here, other);
    }
    text
}

/// A provider file with one secret in `Authorization: Bearer`, verified by `GET /me`.
pub fn bearer_provider(base_url: &str) -> String {
    format!(
        "name = \"Shop\"\nbase_url = \"{base_url}\"\n\
         verify = {{ request = \"GET /me\", account_id = \"/id\", account_label = \"/name\" }}\n\
         [auth.token]\ngrant = \"static\"\nfields.api_key = {{ label = \"API key\", secret = true }}\n\
         inject.headers.authorization = \"Bearer {{api_key}}\"\n"
    )
}

/// An address of loopback where nobody listens.
pub fn nobody() -> String {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    format!("http://{}", listener.local_addr().unwrap())
}

/// A started program, a provider that tells what it saw, and a connection to it.
pub struct Shop {
    pub program: Program,
    pub provider: EchoProvider,
    pub connection: Connected,
    /// The provider's secret.
    pub api_key: String,
}

/// Starts all three.
pub async fn shop(engine: Engine) -> Shop {
    shop_with(engine, EchoProvider::start().await).await
}

/// Starts program and connection for a given provider.
pub async fn shop_with(engine: Engine, provider: EchoProvider) -> Shop {
    shop_set_up(setup(engine), provider).await
}

/// Starts a program that was set up already.
pub async fn shop_set_up(setup: Setup, provider: EchoProvider) -> Shop {
    let file = bearer_provider(&format!("{}/base", provider.url()));
    let mut program = setup.provider("shop", &file).start().await;
    let api_key = canary("key");
    let request = format!(r#"{{"provider":"shop","credentials":{{"api_key":"{api_key}"}}}}"#);
    let connection = program.connect(&request).await;
    Shop { program, provider, connection, api_key }
}

/// A shop, with a second connection whose provider is not there.
pub async fn shop_and_away(engine: Engine) -> (Shop, Connected) {
    let setup = setup(engine).provider("away", &bearer_provider(&nobody()));
    let mut shop = shop_set_up(setup, EchoProvider::start().await).await;
    let request = format!(r#"{{"provider":"away","credentials":{{"api_key":"{}"}}}}"#, shop.api_key);
    let away = shop.program.connect(&request).await;
    (shop, away)
}

impl Shop {
    /// `POST /v1/passthrough`; the answer must be ours and 200.
    pub async fn envelope(&self, request: &str) -> Value {
        let response =
            self.program.on(&self.connection, "POST", "/v1/passthrough", &[], request.to_owned()).await;
        assert_eq!(response.status, 200, "{}", response.text());
        serde_json::from_slice(&response.body).unwrap()
    }
}

/// The JSON of an answer.
pub fn json(response: &Response) -> Value {
    serde_json::from_slice(&response.body).unwrap_or_else(|error| panic!("{error}: {}", response.text()))
}

/// Checks what all failures of ours have in common, and gives the body.
#[track_caller]
pub fn failure(response: &Response, status: u16, code: &str) -> Value {
    let text = response.text();
    assert_eq!(response.status.as_u16(), status, "{text}");
    let body: Value = serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"));
    assert_eq!(body["code"], code, "{text}");
    assert!(body["message"].as_str().is_some_and(|message| !message.is_empty()), "{text}");
    assert!(body["requestId"].as_str().is_some_and(|id| id.starts_with("req_")), "{text}");
    assert_eq!(body["requestId"].as_str(), response.header("passthrough-request-id"), "{text}");
    assert_eq!(response.header("passthrough-source"), Some("passthrough"));
    assert_eq!(response.header("content-type"), Some("application/json"));
    let one_of = |name: &str, known: &[&str]| {
        assert!(body[name].as_str().is_some_and(|value| known.contains(&value)), "{name}: {text}");
    };
    one_of("origin", &["caller", "connection", "provider", "passthrough"]);
    one_of("sent", &["no", "unknown", "yes"]);
    assert!(body["retryable"].is_boolean(), "{text}");
    assert!(!text.contains(CANARY), "a value is echoed: {text}");
    body
}

/// The `path` of every entry of a 400's list.
pub fn paths(body: &Value) -> Vec<&str> {
    body["detail"].as_array().unwrap().iter().map(|entry| entry["path"].as_str().unwrap()).collect()
}

/// A request with nothing but the given headers.
pub async fn ask(
    program: &Program,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> Response {
    send(method, &format!("{}{path}", program.url), headers, body.to_owned()).await
}

/// A request to the API with a key of one's own.
pub async fn with_key(program: &Program, key: &str, method: &str, path: &str, body: &str) -> Response {
    ask(program, method, path, &[("authorization", &format!("Bearer {key}"))], body).await
}

/// The record of a passthrough, which appears a moment after it.
pub async fn record(program: &Program, request_id: &str) -> Value {
    for _ in 0..100 {
        let found = program.api("GET", &format!("/v1/requests/{request_id}"), "").await;
        if found.status == 200 {
            return json(&found);
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("there is no record of {request_id}");
}
