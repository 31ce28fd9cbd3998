//! What everybody meets who asks wrongly: one form for all failures, and no guess where a request has two meanings.

use std::time::Duration;

use passthrough_testkit::program::{Connected, Engine, Program, canary};
use passthrough_testkit::raw_server::{RawServer, Step};
use serde_json::json as value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{ask, bearer_provider, failure, json, on_both_databases, paths, setup, shop};

on_both_databases! {
    what_is_not_there_says_so_in_our_form
    what_can_be_read_in_two_ways_is_refused
    large_bodies_are_refused_before_they_are_held
    whatever_is_no_request_is_a_400
    the_type_of_a_body_is_what_it_is_and_not_what_it_is_called
    every_answer_has_an_id_of_its_own
    too_much_at_a_time_is_refused_and_may_be_tried_again
}

async fn what_is_not_there_says_so_in_our_form(engine: Engine) {
    let shop = shop(engine).await;
    let program = &shop.program;
    for path in [
        "/nowhere",
        "/v1",
        "/v1/",
        "/v2/passthrough",
        "/v1/Passthrough",
        "/v1/passthrough/",
        "/v1/connections/a/b",
        "/v1/providers/",
        "//v1/providers",
        "/v1/../v1/providers",
        "/Passthrough",
        "/%00",
        "/%FF",
    ] {
        failure(&program.api("GET", path, "").await, 404, "not_found");
    }
    let unknown = failure(&program.api("GET", "/v1/providers/shpo", "").await, 404, "not_found");
    assert!(unknown["message"].as_str().unwrap().contains("did you mean `shop`?"));
    for (method, path, allowed) in [
        ("GET", "/v1/passthrough", "POST"),
        ("PUT", "/v1/passthrough", "POST"),
        ("DELETE", "/v1/connections", "GET,HEAD,POST"),
        ("OPTIONS", "/v1/providers", "GET,HEAD"),
        ("POST", "/healthz", "GET,HEAD"),
        ("PROPFIND", "/v1/api-keys", "GET,HEAD,POST"),
        ("GET", "/v1/connections/current/verify", "POST"),
    ] {
        let response = program.api(method, path, "").await;
        failure(&response, 405, "method_not_allowed");
        let mut allow: Vec<&str> = response.header("allow").unwrap().split(',').map(str::trim).collect();
        allow.sort_unstable();
        assert_eq!(allow.join(","), allowed, "{method} {path}");
    }
    // HEAD is GET without its body, also where it fails.
    for (path, status) in
        [("/healthz", 200), ("/v1/providers", 200), ("/v1/requests", 200), ("/v1/nowhere", 404)]
    {
        let head = program.api("HEAD", path, "").await;
        assert_eq!(head.status.as_u16(), status, "{path}");
        assert!(head.body.is_empty());
        assert!(head.header("passthrough-request-id").is_some());
        let get = program.api("GET", path, "").await;
        assert_eq!(head.header("content-type"), get.header("content-type"));
    }
    assert_eq!(shop.provider.seen().len(), 0);
    shop.program.finish().await;
}

/// Sends a request head as it stands and gives the whole answer.
async fn raw(program: &Program, head: &str) -> String {
    let mut stream = TcpStream::connect(program.url.strip_prefix("http://").unwrap()).await.unwrap();
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

async fn what_can_be_read_in_two_ways_is_refused(engine: Engine) {
    let mut shop = shop(engine).await;
    let request = value!({ "provider": "shop", "credentials": { "api_key": shop.api_key } }).to_string();
    let other = shop.program.connect(&request).await;
    let program = &shop.program;
    let authorization = format!("Bearer {}", program.key);
    let (one, two) = (shop.connection.token.as_str(), other.token.as_str());
    let key = ("authorization", authorization.as_str());
    let envelope = r#"{"method":"GET","path":"/x"}"#;
    let cases: [(&[(&str, &str)], &str); 9] = [
        (&[key, key, ("connection-token", one)], "headers.authorization"),
        (&[key, ("authorization", "Bearer x"), ("connection-token", one)], "headers.authorization"),
        (&[key, ("connection-token", one), ("connection-token", two)], "headers.connection-token"),
        (&[key, ("connection-token", one), ("connection-token", one)], "headers.connection-token"),
        (&[key, ("x-connection-token", one), ("x-connection-token", two)], "headers.x-connection-token"),
        (&[key, ("connection-token", one), ("x-connection-token", two)], "headers.connection-token"),
        (&[key], "headers.connection-token"),
        (&[key, ("connection-token", one), ("host", "a.example"), ("host", "b.example")], "headers.host"),
        (&[key, ("connection-token", one), ("host", "a b")], "headers.host"),
    ];
    for (headers, path) in cases {
        for (method, door, body) in [
            ("POST", "/v1/passthrough", envelope),
            ("POST", "/v1/passthrough/raw", envelope),
            ("GET", "/v1/proxy/x", ""),
            ("GET", "/v1/connections/current", ""),
            ("POST", "/tsp/v1/passthrough", envelope),
        ] {
            let body = failure(&ask(program, method, door, headers, body).await, 400, "bad_request");
            assert_eq!(paths(&body), [path], "{door}");
        }
    }
    // Two that agree are one. Either name will do.
    for headers in [
        &[key, ("connection-token", one), ("x-connection-token", one)][..],
        &[key, ("x-connection-token", one)][..],
    ] {
        assert_eq!(ask(program, "POST", "/v1/passthrough", headers, envelope).await.status, 200);
    }
    assert_eq!(shop.provider.seen().len(), 2);

    let answer = raw(program, "GET /healthz HTTP/1.1\r\nconnection: close\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("headers.host"), "{answer}");
    let answer = raw(program, "GET /healthz HTTP/1.0\r\n\r\n").await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    shop.program.finish().await;
}

async fn large_bodies_are_refused_before_they_are_held(engine: Engine) {
    let provider = passthrough_testkit::echo::EchoProvider::start().await;
    let mut program = setup(engine)
        .provider("shop", &bearer_provider(&provider.url()))
        .variable("PASSTHROUGH_LIMITS__ENVELOPE_REQUEST_BYTES", "1000")
        .start()
        .await;
    let request = value!({ "provider": "shop", "credentials": { "api_key": canary("key") } }).to_string();
    let connection = program.connect(&request).await;
    let envelope =
        |length: usize| value!({ "method": "POST", "path": "/x", "body": "x".repeat(length) }).to_string();
    for door in ["/v1/passthrough", "/v1/passthrough/raw"] {
        assert_eq!(program.on(&connection, "POST", door, &[], envelope(1000)).await.status, 200);
        for length in [1001, 1900, 100_000] {
            let response = program.on(&connection, "POST", door, &[], envelope(length)).await;
            let body = failure(&response, 413, "payload_too_large");
            assert!(body["message"].as_str().unwrap().contains("/v1/proxy"), "{body}");
        }
    }
    let terminal = program.on(&connection, "POST", "/tsp/v1/passthrough", &[], envelope(1001)).await;
    failure(&terminal, 400, "bad_request");
    // The proxy holds nothing.
    let streamed = program.on(&connection, "POST", "/v1/proxy/x", &[], "x".repeat(100_000)).await;
    assert_eq!(streamed.status, 200);
    assert_eq!(provider.last().body.len(), 100_000);

    let large = value!({ "provider": "shop", "credentials": { "api_key": "x".repeat(70_000) } }).to_string();
    let body = failure(&program.api("POST", "/v1/connections", &large).await, 400, "bad_request");
    assert_eq!(paths(&body), ["credentials.api_key"]);
    let huge = value!({ "provider": "shop", "name": "x".repeat(1 << 20) }).to_string();
    let body = failure(&program.api("POST", "/v1/connections", &huge).await, 413, "payload_too_large");
    assert!(!body["message"].as_str().unwrap().contains("/v1/proxy"), "no way for a connection: {body}");
    let path = format!("/v1/connections/{}", connection.id);
    failure(&program.api("PATCH", &path, &huge).await, 413, "payload_too_large");
    failure(&program.api("POST", "/v1/api-keys", &huge).await, 413, "payload_too_large");
    program.finish().await;
}

async fn whatever_is_no_request_is_a_400(engine: Engine) {
    let shop = shop(engine).await;
    let secret = canary("typed");
    let bodies = [
        "{".to_owned(),
        "nonsense".to_owned(),
        "[]".to_owned(),
        "null".to_owned(),
        "\"text\"".to_owned(),
        format!("{{\"method\":\"GET\",\"path\":\"{secret}\"}} trailing"),
        format!("{{\"method\":\"{secret}\"}}"),
        "{'method':'GET'}".to_owned(),
        "\u{feff}{}".to_owned(),
        "[".repeat(20_000),
        format!("{{\"method\":{}", "[".repeat(20_000)),
        format!("{{\"name\":{}", "{\"a\":".repeat(10_000)),
    ];
    for body in &bodies {
        for path in ["/v1/passthrough", "/v1/passthrough/raw", "/v1/connections", "/v1/api-keys"] {
            let response = shop.program.on(&shop.connection, "POST", path, &[], body.clone()).await;
            failure(&response, 400, "bad_request");
        }
        let path = format!("/v1/connections/{}", shop.connection.id);
        failure(&shop.program.api("PATCH", &path, body).await, 400, "bad_request");
    }
    let invalid = b"{\"method\":\"GET\",\"path\":\"/\xff\"}".to_vec();
    let response = shop.program.on(&shop.connection, "POST", "/v1/passthrough", &[], invalid).await;
    failure(&response, 400, "bad_request");
    assert_eq!(shop.provider.seen().len(), 0);
    shop.program.finish().await;
}

async fn the_type_of_a_body_is_what_it_is_and_not_what_it_is_called(engine: Engine) {
    let shop = shop(engine).await;
    let envelope = r#"{"method":"GET","path":"/x"}"#;
    for kind in
        ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=utf-8", "nonsense"]
    {
        let headers = [("content-type", kind)];
        let response = shop.program.on(&shop.connection, "POST", "/v1/passthrough", &headers, envelope).await;
        assert_eq!(response.status, 200, "{kind}: {}", response.text());
    }
    let response = shop.program.on(&shop.connection, "POST", "/v1/passthrough", &[], envelope).await;
    assert_eq!(response.status, 200);
    assert_eq!(response.header("content-type"), Some("application/json"));
    shop.program.finish().await;
}

async fn every_answer_has_an_id_of_its_own(engine: Engine) {
    let shop = shop(engine).await;
    let mut ids = Vec::new();
    for _ in 0..2 {
        for (method, path) in [
            ("GET", "/healthz"),
            ("GET", "/readyz"),
            ("GET", "/openapi.json"),
            ("GET", "/v1/providers"),
            ("GET", "/v1/nowhere"),
            ("GET", "/v1/proxy/x"),
            ("GET", "/tsp/v1/providers"),
        ] {
            let own = [("passthrough-request-id", "req_01ARZ3NDEKTSV4RRFFQ69G5FAV")];
            let response = shop.program.on(&shop.connection, method, path, &own, "").await;
            ids.push(response.header("passthrough-request-id").unwrap().to_owned());
            let source = if path == "/v1/proxy/x" { "provider" } else { "passthrough" };
            assert_eq!(response.header("passthrough-source"), Some(source), "{path}");
        }
    }
    let envelope =
        shop.program.on(&shop.connection, "POST", "/v1/passthrough", &[], r#"{"method":"GET","path":"/x"}"#);
    let envelope = envelope.await;
    assert_eq!(envelope.header("passthrough-source"), Some("envelope"));
    assert_eq!(json(&envelope)["requestId"].as_str(), envelope.header("passthrough-request-id"));
    ids.push(envelope.header("passthrough-request-id").unwrap().to_owned());
    assert!(ids.iter().all(|id| id.starts_with("req_") && id.len() == 30));
    let count = ids.len();
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), count);
    assert!(!ids.contains(&"req_01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned()));
    shop.program.finish().await;
}

async fn too_much_at_a_time_is_refused_and_may_be_tried_again(engine: Engine) {
    let held = vec![Step::ReadRequest, Step::Hold];
    let fine =
        vec![Step::ReadRequest, Step::write("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"), Step::Again];
    let provider = RawServer::start(vec![held, fine]).await.unwrap();
    let mut program = setup(engine)
        .provider("slow", &bearer_provider(&format!("http://{}", provider.address())))
        .variable("PASSTHROUGH_UPSTREAM__MAX_IN_FLIGHT_PER_CONNECTION", "1")
        .variable("PASSTHROUGH_UPSTREAM__MAX_WAIT_MS", "50")
        .start()
        .await;
    let request = value!({ "provider": "slow", "credentials": { "api_key": canary("key") } }).to_string();
    let connection: Connected = program.connect(&request).await;
    let envelope = r#"{"method":"GET","path":"/x","timeoutMs":1500}"#;
    let first = program.on(&connection, "POST", "/v1/passthrough", &[], envelope);
    let others = async {
        assert!(provider.saw(|seen| seen.iter().any(|seen| !seen.received.is_empty())).await);
        for (method, door, status, code) in [
            ("POST", "/v1/passthrough", 503, "overloaded"),
            ("GET", "/v1/proxy/x", 503, "overloaded"),
            ("POST", "/tsp/v1/passthrough", 502, "bad_gateway"),
        ] {
            let response = program.on(&connection, method, door, &[], envelope).await;
            let body = failure(&response, status, code);
            assert_eq!((&body["retryable"], &body["sent"]), (&value!(true), &value!("no")));
            assert!(response.header("retry-after").is_some());
        }
    };
    let (first, ()) = tokio::join!(first, others);
    let body = failure(&first, 504, "gateway_timeout");
    assert_eq!(body["detail"]["reason"], "total_timeout");
    assert_ne!(body["sent"], "no");
    assert_eq!(body["retryable"], false);
    tokio::time::sleep(Duration::from_millis(50)).await;
    let response = program.on(&connection, "POST", "/v1/passthrough", &[], envelope).await;
    assert_eq!(response.status, 200, "{}", response.text());
    program.finish().await;
}
