//! Accounts that are linked again.

use std::sync::Arc;

use passthrough_testkit::echo::EchoProvider;
use passthrough_testkit::program::{Engine, Program, canary};
use serde_json::json as value;
use tokio::sync::Barrier;
use tokio::task::JoinSet;

use super::browser::Browser;
use super::consent::go;
use super::provider::OAuthServer;
use super::{PRODUCT, answer, connections, exchange, link, linked, product, public_token, scene, status};
use crate::support::{bearer_provider, failure, json, on_both_databases, with_key};

on_both_databases! {
    a_connection_that_is_linked_again_keeps_its_id_and_token
    a_call_on_a_lost_connection_says_where_it_is_linked_again
    an_account_that_is_linked_many_times_at_once_is_one_connection
    a_form_that_is_sent_twice_at_once_is_one_connection_and_both_are_told
}

async fn a_connection_that_is_linked_again_keeps_its_id_and_token(engine: Engine) {
    let server = OAuthServer::start().await;
    let program = server.program(engine).await;
    let request = value!({ "integration": "crm", "redirectUrl": PRODUCT, "externalId": "user-1" });
    let (_, url) = link(&program, &request).await;
    let mut browser = Browser::new(&program);
    let page = browser.open(&url).await;
    let address = go(&mut browser, &page).await;
    let done = browser.get(&server.consent(&address, "acc_7").await).await;
    let first = json(&exchange(&program, &public_token(&done)).await);
    let again = value!({ "connectionId": first["id"], "redirectUrl": PRODUCT });
    // Another account does not take the place of the customer's.
    let (_, url) = link(&program, &again).await;
    let page = browser.open(&url).await;
    assert!(page.text().contains("Reconnect Crm"), "{}", page.text());
    let address = go(&mut browser, &page).await;
    let other = browser.open(&server.consent(&address, "acc_8").await).await;
    assert_eq!(other.response.status, 422);
    assert!(other.text().contains("another account"), "{}", other.text());
    // The provider, which knows its user, is asked to let them choose this time.
    assert!(!address.contains("prompt="), "{address}");
    let address = go(&mut browser, &other).await;
    assert!(address.contains("prompt=select_account"), "{address}");
    assert_eq!(address.matches("prompt=").count(), 1, "{address}");
    // The same one does.
    let (_, url) = link(&program, &again).await;
    let page = browser.open(&url).await;
    let address = go(&mut browser, &page).await;
    let done = browser.get(&server.consent(&address, "acc_7").await).await;
    let second = json(&exchange(&program, &public_token(&done)).await);
    assert_eq!((&second["id"], &second["externalId"]), (&first["id"], &first["externalId"]));
    assert_eq!(second.get("token"), None);
    assert_eq!(connections(&program).await.len(), 1);
    let token = first["token"].as_str().unwrap().to_owned();
    let connected = passthrough_testkit::program::Connected { id: String::new(), token };
    let called =
        program.on(&connected, "POST", "/v1/passthrough", &[], r#"{"method":"GET","path":"/me"}"#).await;
    assert_eq!(json(&called)["response"]["id"], "acc_7", "{}", called.text());
    program.finish().await;
}

async fn a_call_on_a_lost_connection_says_where_it_is_linked_again(engine: Engine) {
    let scene = scene(engine).await;
    let request = value!({ "integration": "shop", "redirectUrl": PRODUCT });
    let first = linked(&scene, &request).await;
    let id = first["id"].as_str().unwrap();
    let token = first["token"].as_str().unwrap().to_owned();
    let connected = passthrough_testkit::program::Connected { id: id.to_owned(), token };
    let call = async || {
        let request = r#"{"method":"GET","path":"/me"}"#;
        scene.program.on(&connected, "POST", "/v1/passthrough", &[], request).await
    };
    // The customer's key is no longer good, and somebody has noticed.
    let patch = value!({ "credentials": { "api_key": "revoked" } }).to_string();
    assert_eq!(scene.program.api("PATCH", &format!("/v1/connections/{id}"), &patch).await.status, 200);
    let verified = scene.program.api("POST", &format!("/v1/connections/{id}/verify"), "").await;
    assert_eq!(json(&verified)["result"], "refused");
    let lost = failure(&call().await, 422, "connection_disconnected");
    let url = lost["detail"]["linkUrl"].as_str().unwrap();
    let terminal = scene.program.on(&connected, "GET", "/tsp/v1/connections/current", &[], "").await;
    let terminal_url = json(&terminal)["linkUrl"].as_str().unwrap().to_owned();
    assert_ne!(url, terminal_url);
    // Somebody else's connection is not opened by it, nor one that nobody has signed.
    let forged = url.replace(id, "conn_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C");
    assert_eq!(Browser::new(&scene.program).get(&forged).await.status, 404);
    let last = if url.ends_with('A') { "Q" } else { "A" };
    let forged = format!("{}{last}", &url[..url.len() - 1]);
    assert_eq!(Browser::new(&scene.program).get(&forged).await.status, 404);
    let mut browser = Browser::new(&scene.program);
    let page = browser.open(url).await;
    assert!(page.text().contains("Reconnect Shop"), "{}", page.text());
    assert_eq!(Browser::new(&scene.program).get(url).await.status, 403);
    let done = browser.submit(&page, &[("f.api_key", &scene.key)]).await;
    assert!(done.text().contains("Shop is connected"), "{}", done.text());
    assert_eq!(json(&call().await)["statusCode"], 200);
    // One link, one session; another link is another session.
    assert_eq!(browser.open(url).await.response.status, 410);
    assert_eq!(browser.open(&terminal_url).await.response.status, 200);
    scene.program.finish().await;
}

const MANY: usize = 20;

/// A program with the provider `shop`, which answers when it was asked so many times, and knows whose account it is if
/// `told`.
async fn held_up(engine: Engine, many: usize, told: bool) -> (Program, EchoProvider) {
    let all = Arc::new(Barrier::new(many));
    let provider = EchoProvider::answering_later(move |_| {
        let all = Arc::clone(&all);
        Box::pin(async move {
            all.wait().await;
            answer(200, if told { r#"{"id":"acc_1"}"# } else { "{}" })
        })
    })
    .await;
    let file = bearer_provider(&format!("{}/base", provider.url()));
    (product(engine).provider("shop", &file).start().await, provider)
}

async fn an_account_that_is_linked_many_times_at_once_is_one_connection(engine: Engine) {
    let (program, _provider) = held_up(engine, MANY, true).await;
    let other = program.second_server();
    let mut tasks = JoinSet::new();
    for at in 0..MANY {
        let request = value!({ "integration": "shop", "redirectUrl": PRODUCT, "externalId": "user-1" });
        let (_, url) = link(&program, &request).await;
        let mut browser = Browser::new(&program);
        let page = browser.open(&url).await;
        if at % 2 == 1 {
            browser.go_to(&other.url);
        }
        let key = canary("key");
        tasks.spawn(async move { browser.submit(&page, &[("f.api_key", &key)]).await });
    }
    let done = tasks.join_all().await;
    assert_eq!(connections(&program).await.len(), 1);
    let mut tokens = 0;
    for response in &done {
        let connection = json(&exchange(&program, &public_token(response)).await);
        tokens += usize::from(connection.get("token").is_some());
    }
    assert_eq!(tokens, 1, "one of them is shown the token");
    program.finish().await;
}

async fn a_form_that_is_sent_twice_at_once_is_one_connection_and_both_are_told(engine: Engine) {
    for told in [true, false] {
        let (program, _provider) = held_up(engine, 2, told).await;
        let (id, url) = link(&program, &value!({ "integration": "shop", "redirectUrl": PRODUCT })).await;
        let mut browser = Browser::new(&program);
        let page = browser.open(&url).await;
        let mut again = browser.clone();
        let key = canary("key");
        let fields = [("f.api_key", key.as_str())];
        let (first, second) = tokio::join!(browser.submit(&page, &fields), again.submit(&page, &fields));
        let connections = connections(&program).await;
        assert_eq!(connections.len(), 1);
        assert_eq!(status(&program, &id).await["connectionId"], connections[0]["id"]);
        for response in [first, second] {
            let connection = json(&exchange(&program, &public_token(&response)).await);
            assert_eq!(connection["id"], connections[0]["id"]);
        }
        program.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_public_token_is_good_once_in_its_own_environment() {
    let mut scene = scene(Engine::Sqlite).await;
    let other = scene.program.create_key("other");
    let request = value!({ "integration": "shop", "redirectUrl": PRODUCT });
    let (_, url) = link(&scene.program, &request).await;
    let mut browser = Browser::new(&scene.program);
    let page = browser.open(&url).await;
    let token = public_token(&browser.submit(&page, &[("f.api_key", &scene.key)]).await);
    let body = value!({ "publicToken": token }).to_string();
    let path = "/v1/public-token/exchange";
    failure(&with_key(&scene.program, &other, "POST", path, &body).await, 404, "not_found");
    failure(&with_key(&scene.program, "sk_nonsense", "POST", path, &body).await, 401, "unauthorized");
    let wrong = value!({ "publicToken": format!("{token}A") }).to_string();
    failure(&scene.program.api("POST", path, &wrong).await, 404, "not_found");
    let terminal = scene.program.api("POST", "/tsp/v1/public-token/exchange", &body).await;
    let connection = json(&terminal);
    assert!(connection["token"].as_str().unwrap().starts_with("con_tkn_"), "{connection}");
    assert!(connection["linkUrl"].as_str().unwrap().starts_with(&scene.program.url), "{connection}");
    let spent = scene.program.api("POST", "/tsp/v1/public-token/exchange", &body).await;
    assert_eq!(spent.status, 403);
    scene.program.finish().await;
}
