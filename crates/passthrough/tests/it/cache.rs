//! What is served from memory: right within two seconds of another process's change, and without a database for
//! as long as is configured.

use std::time::{Duration, Instant};

use passthrough_testkit::http::{Response, send};
use passthrough_testkit::postgres::Postgres;
use passthrough_testkit::program::{Connected, Engine, Program, canary};
use serde_json::json as value;

use crate::support::{bearer_provider, failure, json, on_both_databases, setup, shop};

on_both_databases! {
    what_another_process_changes_is_seen_within_two_seconds
}

const ENVELOPE: &str = r#"{"method":"GET","path":"/x"}"#;

async fn call(program: &Program, key: &str, connection: &Connected) -> Response {
    let authorization = format!("Bearer {key}");
    let headers =
        [("authorization", authorization.as_str()), ("connection-token", connection.token.as_str())];
    send("POST", &format!("{}/v1/passthrough", program.url), &headers, ENVELOPE).await
}

/// Waits until a call is answered with this status; the change that it waits for has just been made.
async fn becomes(program: &Program, key: &str, connection: &Connected, status: u16) -> Response {
    // One second more than is promised, for a machine that does everything at once.
    let until = Instant::now() + Duration::from_secs(3);
    loop {
        let response = call(program, key, connection).await;
        if response.status.as_u16() == status {
            return response;
        }
        assert!(Instant::now() < until, "still {}: {}", response.status, response.text());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn what_another_process_changes_is_seen_within_two_seconds(engine: Engine) {
    let mut shop = shop(engine).await;
    let second = shop.program.second_server();
    let elsewhere = async |program: &Program, method: &str, path: &str, body: &str| {
        let authorization = format!("Bearer {}", program.key);
        let headers = [("authorization", authorization.as_str())];
        let response = send(method, &format!("{}{path}", second.url), &headers, body.to_owned()).await;
        assert!(response.status.is_success(), "{method} {path}: {}", response.text());
        response
    };
    let path = format!("/v1/connections/{}", shop.connection.id);
    let key = shop.program.key.clone();
    assert_eq!(call(&shop.program, &key, &shop.connection).await.status, 200);

    // A status there and back, and a new credential.
    elsewhere(&shop.program, "PATCH", &path, r#"{"status":"archived"}"#).await;
    becomes(&shop.program, &key, &shop.connection, 422).await;
    let new = canary("new");
    let patch = value!({ "status": "connected", "credentials": { "api_key": new } }).to_string();
    elsewhere(&shop.program, "PATCH", &path, &patch).await;
    becomes(&shop.program, &key, &shop.connection, 200).await;
    assert_eq!(shop.provider.last().header("authorization"), [format!("Bearer {new}")]);
    let newer = canary("newer");
    let patch = value!({ "credentials": { "api_key": newer } }).to_string();
    elsewhere(&shop.program, "PATCH", &path, &patch).await;
    let until = Instant::now() + Duration::from_secs(3);
    while shop.provider.last().header("authorization") != [format!("Bearer {newer}")] {
        assert!(Instant::now() < until, "the old credential is still used");
        assert_eq!(call(&shop.program, &key, &shop.connection).await.status, 200);
        tokio::time::sleep(Duration::from_millis(20)).await;
    }

    // A new token: the old one ends, the new one works.
    let rotated = json(&elsewhere(&shop.program, "POST", &format!("{path}/rotate-token"), "").await);
    let token = rotated["token"].as_str().unwrap().to_owned();
    shop.program.watch(&token);
    let new = Connected { token, ..shop.connection.clone() };
    becomes(&shop.program, &key, &shop.connection, 404).await;
    assert_eq!(call(&shop.program, &key, &new).await.status, 200);

    // Keys revoked, by a server and by the command line.
    let others = [shop.program.create_key("default"), shop.program.create_key("default")];
    let id = |key: &str| format!("key_{}", &key[3..29]);
    for other in &others {
        assert_eq!(call(&shop.program, other, &new).await.status, 200);
    }
    let output = shop.program.command(&["key", "revoke", &id(&others[0])]).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    elsewhere(&shop.program, "DELETE", &format!("/v1/api-keys/{}", id(&others[1])), "").await;
    for other in &others {
        failure(&becomes(&shop.program, other, &new, 401).await, 401, "unauthorized");
    }

    // The end of a connection, and the beginning of another.
    elsewhere(&shop.program, "DELETE", &path, "").await;
    becomes(&shop.program, &key, &new, 404).await;
    let request = value!({ "provider": "shop", "credentials": { "api_key": shop.api_key } }).to_string();
    let made = json(&elsewhere(&shop.program, "POST", "/v1/connections", &request).await);
    let token = made["token"].as_str().unwrap().to_owned();
    shop.program.watch(&token);
    let made = Connected { id: made["id"].as_str().unwrap().to_owned(), token };
    assert_eq!(call(&shop.program, &key, &made).await.status, 200, "what was never asked for is not cached");
    drop(second);
    shop.program.finish().await;
}

/// The proof that a call needs no database: there is none.
#[tokio::test(flavor = "multi_thread")]
async fn calls_go_on_without_the_database_for_a_while() {
    let provider = passthrough_testkit::echo::EchoProvider::start().await;
    let mut program = setup(Engine::Postgres)
        .provider("shop", &bearer_provider(&provider.url()))
        .variable("PASSTHROUGH_CACHE__WITHOUT_DATABASE_MS", "5000")
        .start()
        .await;
    let request = value!({ "provider": "shop", "credentials": { "api_key": canary("key") } }).to_string();
    let (used, unused) = (program.connect(&request).await, program.connect(&request).await);
    let key = program.key.clone();
    assert_eq!(call(&program, &key, &used).await.status, 200);
    assert_eq!(program.api("GET", "/readyz", "").await.status, 200);
    let database = program.database_url().unwrap().to_owned();
    let cluster = Postgres::shared().await;
    cluster.shut(&database).await;

    // What is cached is served, through every door; what is not is nobody's fault but ours.
    let began = Instant::now();
    for _ in 0..5 {
        assert_eq!(call(&program, &key, &used).await.status, 200);
        assert_eq!(program.on(&used, "POST", "/v1/passthrough/raw", &[], ENVELOPE).await.status, 200);
        assert_eq!(program.on(&used, "POST", "/v1/proxy/x", &[], "body").await.status, 200);
        assert_eq!(program.on(&used, "POST", "/tsp/v1/passthrough", &[], ENVELOPE).await.status, 200);
    }
    let elapsed = began.elapsed();
    assert!(elapsed < Duration::from_secs(3), "served from memory, but not at once: {elapsed:?}");
    let mut refused = vec![call(&program, &key, &unused).await];
    refused.push(program.api("GET", "/v1/connections", "").await);
    refused.push(program.api("POST", "/v1/connections", &request).await);
    refused.push(program.api("GET", "/readyz", "").await);
    for response in &refused {
        let body = failure(response, 503, "unavailable");
        assert_eq!((&body["retryable"], &body["sent"]), (&value!(true), &value!("no")));
        assert_eq!(body["origin"], "passthrough");
        assert!(response.header("retry-after").unwrap().parse::<u32>().unwrap() >= 1);
    }
    assert_eq!(program.api("GET", "/healthz", "").await.status, 200);

    // After that while, nobody can know whether a key was revoked.
    let until = Instant::now() + Duration::from_secs(20);
    let late = loop {
        let response = call(&program, &key, &used).await;
        if response.status != 200 {
            break response;
        }
        assert!(Instant::now() < until, "still served from memory");
        tokio::time::sleep(Duration::from_millis(100)).await;
    };
    failure(&late, 503, "unavailable");
    assert!(late.header("retry-after").is_some());
    assert_eq!(program.on(&used, "GET", "/v1/proxy/x", &[], "").await.status, 503);
    let terminal = program.on(&used, "POST", "/tsp/v1/passthrough", &[], ENVELOPE).await;
    failure(&terminal, 502, "bad_gateway");
    assert_eq!(program.api("GET", "/healthz", "").await.status, 200);
    let calls = provider.seen().len();

    // Back again, and nothing that happened meanwhile is lost.
    cluster.open(&database).await;
    let until = Instant::now() + Duration::from_secs(20);
    while call(&program, &key, &used).await.status != 200 {
        assert!(Instant::now() < until, "the database is back, the calls are not");
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert_eq!(call(&program, &key, &unused).await.status, 200);
    assert_eq!(program.api("GET", "/readyz", "").await.status, 200);
    let mut recorded = 0;
    for _ in 0..100 {
        let page = json(&program.api("GET", "/v1/requests?limit=500&status=2xx", "").await);
        recorded = page["results"].as_array().unwrap().len();
        if recorded >= calls + 2 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert_eq!(recorded, calls + 2);
    program.finish().await;
}
