//! Linking an account, as an end user's browser and a caller's product meet it.

use passthrough_testkit::echo::{EchoProvider, Seen};
use passthrough_testkit::http::Response;
use passthrough_testkit::program::{Engine, Program, Setup, canary};
use serde_json::{Value, json as value};

use crate::support::{bearer_provider, json, setup};

mod again;
mod attacks;
pub mod browser;
pub mod chromium;
mod consent;
mod fields;
mod other_grants;
mod provider;
mod real_browser;

use browser::Browser;

/// Where the caller's product is.
pub const PRODUCT: &str = "https://app.example/linked";

/// A program that knows the caller's product.
pub fn product(engine: Engine) -> Setup {
    setup(engine)
        .variable("PASSTHROUGH_LINK__NAME", "Acme")
        .variable("PASSTHROUGH_LINK__REDIRECT_URLS", PRODUCT)
        .variable("PASSTHROUGH_LINK__MESSAGE_ORIGINS", "https://app.example")
}

/// A program with the provider `shop`, which knows one key, and says whose it is.
pub struct Scene {
    pub program: Program,
    pub provider: EchoProvider,
    pub key: String,
}

/// Starts them.
pub async fn scene(engine: Engine) -> Scene {
    let key = canary("key");
    let known = format!("Bearer {key}");
    let provider = EchoProvider::answering(move |seen: &Seen| {
        let (status, body) = match seen.header("authorization") == [known.as_str()] {
            true => (200, r#"{"id":"acc_1","name":"Dora's shop"}"#),
            false => (401, r#"{"error":"unauthorized"}"#),
        };
        answer(status, body)
    })
    .await;
    let file = bearer_provider(&format!("{}/base", provider.url()));
    let program = product(engine).provider("shop", &file).start().await;
    Scene { program, provider, key }
}

/// A JSON answer of a provider.
pub fn answer(
    status: u16,
    body: impl Into<bytes::Bytes>,
) -> http::Response<http_body_util::Full<bytes::Bytes>> {
    http::Response::builder()
        .status(status)
        .header("content-type", "application/json")
        .body(http_body_util::Full::new(body.into()))
        .unwrap()
}

/// Makes a link session; gives its id and URL.
pub async fn link(program: &Program, request: &Value) -> (String, String) {
    let made = program.api("POST", "/v1/link-sessions", &request.to_string()).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let made = json(&made);
    (made["id"].as_str().unwrap().to_owned(), made["url"].as_str().unwrap().to_owned())
}

/// How far a session has come.
pub async fn status(program: &Program, id: &str) -> Value {
    json(&program.api("GET", &format!("/v1/link-sessions/{id}"), "").await)
}

/// The connections that there are.
pub async fn connections(program: &Program) -> Vec<Value> {
    let list = json(&program.api("GET", "/v1/connections", "").await);
    list["results"].as_array().unwrap().clone()
}

/// Exchanges what a link ended with.
pub async fn exchange(program: &Program, token: &str) -> Response {
    let body = value!({ "publicToken": token }).to_string();
    program.api("POST", "/v1/public-token/exchange", &body).await
}

/// The public token in the address to which a user is sent.
#[track_caller]
pub fn public_token(response: &Response) -> String {
    let address = location(response);
    let (_, token) = address.split_once("token=").unwrap_or_else(|| panic!("no token in {address}"));
    assert!(token.starts_with("pub_tkn_"), "{address}");
    token.to_owned()
}

/// Where an answer leads.
#[track_caller]
pub fn location(response: &Response) -> String {
    assert_eq!(response.status, 303, "{}", response.text());
    response.header("location").unwrap().to_owned()
}

/// Links the account of a scene by its key; gives what the exchange gave.
pub async fn linked(scene: &Scene, request: &Value) -> Value {
    let (_, url) = link(&scene.program, request).await;
    let mut browser = Browser::new(&scene.program);
    let page = browser.open(&url).await;
    let done = browser.submit(&page, &[("f.api_key", &scene.key)]).await;
    json(&exchange(&scene.program, &public_token(&done)).await)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_token_is_exchanged_on_the_command_line() {
    let scene = scene(Engine::Sqlite).await;
    let command = |args: &[&str]| {
        let mut command = scene.program.command(args);
        command.args(["--server", &scene.program.url]).env("PASSTHROUGH_API_KEY", &scene.program.key);
        tokio::task::block_in_place(|| command.output().unwrap())
    };
    let made = command(&["link", "create", "--provider", "shop", "--origin", "https://app.example"]);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    assert!(!String::from_utf8_lossy(&made.stderr).contains("rotate-token"));

    let again = async |request: &Value| {
        let (_, url) = link(&scene.program, request).await;
        let mut browser = Browser::new(&scene.program);
        let page = browser.open(&url).await;
        public_token(&browser.submit(&page, &[("f.api_key", &scene.key)]).await)
    };
    let request = value!({"providers": ["shop"], "externalId": "c-1", "redirectUrl": PRODUCT});
    for first in [true, false] {
        let token = again(&request).await;
        let said = command(&["link", "exchange", &token]);
        let (out, err) = (String::from_utf8_lossy(&said.stdout), String::from_utf8_lossy(&said.stderr));
        assert!(said.status.success() && out.contains("connection   conn_"), "{out}{err}");
        // An account that was there before keeps its token, and it is said how to get another.
        assert_eq!(out.contains("con_tkn_"), first, "{out}");
        assert_eq!(err.contains("rotate-token"), !first, "{err}");
        assert_eq!(command(&["link", "exchange", &token]).status.code(), Some(3));
    }
    scene.program.finish().await;
}
