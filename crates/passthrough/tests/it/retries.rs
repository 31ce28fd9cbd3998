//! What is sent again and what never is.

use passthrough_testkit::http::send;
use passthrough_testkit::program::{Setup, canary};
use passthrough_testkit::raw_server::Step;

use crate::rig::{Stage, answer, failure, json, stage, stage_with};
use crate::support::{self, bearer_provider, record, setup};

/// Answers one request and closes, so that each one is a connection of its own.
fn once(status: &str) -> Vec<Step> {
    vec![Step::ReadRequest, Step::write(&answer(&format!("{status}\r\nConnection: close"), "x"))]
}

fn unavailable() -> Vec<Step> {
    once("503 Service Unavailable")
}

/// Status and attempts of an envelope.
async fn tried(stage: &Stage, request: &str) -> (u64, u64) {
    let response = stage.ask(request).await;
    let envelope = json(&response);
    assert_eq!(response.status, 200, "{envelope}");
    (envelope["statusCode"].as_u64().unwrap(), envelope["attempts"].as_u64().unwrap())
}

fn requests(stage: &Stage) -> usize {
    stage.server.connections().iter().filter(|seen| !seen.received.is_empty()).count()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_get_is_sent_up_to_twice_more_where_the_provider_is_away() {
    let scripts = vec![unavailable(), once("502 Bad Gateway"), once("200 OK"), unavailable(), once("200 OK")];
    let stage = stage(scripts).await;
    let response = stage.ask(r#"{"method":"GET","path":"/x"}"#).await;
    let envelope = json(&response);
    assert_eq!((&envelope["statusCode"], &envelope["attempts"]), (&200.into(), &3.into()), "{envelope}");
    let kept = record(&stage.program, envelope["requestId"].as_str().unwrap()).await;
    assert_eq!((&kept["attempts"], &kept["statusCode"]), (&3.into(), &200.into()));
    let response = stage.proxy("GET", "/x").await;
    assert_eq!((response.status.as_u16(), requests(&stage)), (200, 5));
    let metrics = send("GET", &format!("{}/metrics", stage.program.url), &[], "").await.text();
    assert!(metrics.contains("\npassthrough_upstream_retries_total 3\n"), "each is counted once: {metrics}");
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_last_answer_is_the_providers_own() {
    let stage = stage(vec![unavailable(), unavailable(), once("504 Gateway Timeout"), once("200 OK")]).await;
    let response = stage.proxy("GET", "/x").await;
    assert_eq!((response.status.as_u16(), response.header("passthrough-source")), (504, Some("provider")));
    assert_eq!(requests(&stage), 3);
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_socket_that_breaks_before_the_answer_is_tried_again_for_a_get_only() {
    let broken = || vec![Step::ReadRequest, Step::Reset];
    let stage = stage(vec![broken(), once("200 OK"), broken(), once("200 OK")]).await;
    assert_eq!(tried(&stage, r#"{"method":"GET","path":"/x"}"#).await, (200, 2));
    let post = stage.ask(r#"{"method":"POST","path":"/x","body":"pay"}"#).await;
    assert!(failure(&post).starts_with("502 bad_gateway reset sent="), "{}", failure(&post));
    assert_eq!(requests(&stage), 3, "a payment is not made twice");
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_has_begun_is_never_asked_for_again() {
    let cut = vec![Step::ReadRequest, Step::write("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc")];
    let stage = stage(vec![cut.clone(), cut, once("200 OK")]).await;
    assert_eq!(
        failure(&stage.ask(r#"{"method":"GET","path":"/x"}"#).await),
        "502 bad_gateway reset sent=yes"
    );
    let mut caller = stage.caller("GET", "/v1/proxy/x", "").await;
    assert!(caller.rest().await.ends_with("abc"));
    assert_eq!(requests(&stage), 2);
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_says_how_often() {
    let stage = stage(vec![unavailable(), unavailable(), unavailable(), once("200 OK")]).await;
    let asks = async |count: &str| {
        let headers = [("Passthrough-Retries", count)];
        let path = "/v1/proxy/x";
        stage.program.on(&stage.connection, "GET", path, &headers, "").await
    };
    assert_eq!((asks("0").await.status.as_u16(), requests(&stage)), (503, 1));
    assert_eq!((asks("1").await.status.as_u16(), requests(&stage)), (503, 3));
    for wrong in ["3", "-1", "two", ""] {
        let refused = support::failure(&asks(wrong).await, 400, "bad_request");
        assert_eq!(support::paths(&refused), ["headers.passthrough-retries"], "{wrong:?}");
    }
    let headers = [("passthrough-throttle", "perhaps")];
    let body = r#"{"method":"GET","path":"/x"}"#.to_owned();
    let refused = stage.program.on(&stage.connection, "POST", "/v1/passthrough", &headers, body).await;
    let refused = support::failure(&refused, 400, "bad_request");
    assert_eq!(support::paths(&refused), ["headers.passthrough-throttle"]);
    assert_eq!(requests(&stage), 3);
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_operator_says_how_often_where_the_caller_does_not() {
    let none = |setup: Setup| setup.variable("PASSTHROUGH_UPSTREAM__RETRIES", "0");
    let stage = stage_with(vec![unavailable(), once("200 OK")], none, |file| file).await;
    assert_eq!(tried(&stage, r#"{"method":"GET","path":"/x"}"#).await, (503, 1));
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_is_sent_again_only_where_the_provider_file_says_that_this_is_harmless() {
    let scripts = (0..4).flat_map(|_| [unavailable(), once("200 OK")]).collect();
    let file = |file: String| {
        file.replace(
            "[auth",
            "retry.idempotent_methods = [\"PUT\"]\nretry.idempotency_header = \"Idempotency-Key\"\n[auth",
        )
    };
    let stage = stage_with(scripts, |setup| setup, file).await;
    assert_eq!(tried(&stage, r#"{"method":"PUT","path":"/x","body":"a"}"#).await, (200, 2));
    let keyed = r#"{"method":"POST","path":"/x","body":"a","headers":{"idempotency-key":"1"}}"#;
    assert_eq!(tried(&stage, keyed).await, (200, 2));
    assert_eq!(tried(&stage, r#"{"method":"POST","path":"/x","body":"a"}"#).await, (503, 1));
    assert_eq!(tried(&stage, r#"{"method":"POST","path":"/x"}"#).await, (200, 1));
    let large = format!(r#"{{"method":"PUT","path":"/x","body":"{}"}}"#, "a".repeat(64 * 1024 + 1));
    assert_eq!(tried(&stage, &large).await, (503, 1), "what is not held is not sent again");
    assert!(stage.server.connections()[1].text().ends_with("\r\n\r\na"), "the body goes along");
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_never_written_is_sent_again_whatever_it_is() {
    // A port on which nobody listens any more.
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let file = bearer_provider(&format!("http://{address}"));
    let setup = setup(passthrough_testkit::program::Engine::Sqlite);
    let mut program = setup.provider("shop", &file).start().await;
    let request = format!(r#"{{"provider":"shop","credentials":{{"api_key":"{}"}}}}"#, canary("key"));
    let connection = program.connect(&request).await;
    let body = r#"{"method":"POST","path":"/x","body":"pay"}"#.to_owned();
    let response = program.on(&connection, "POST", "/v1/passthrough", &[], body).await;
    assert_eq!(failure(&response), "502 bad_gateway connect sent=no retryable");
    let kept = record(&program, json(&response)["requestId"].as_str().unwrap()).await;
    assert_eq!((&kept["attempts"], &kept["sent"]), (&3.into(), &"no".into()));
    // Nor is anything gone of a body that streams by, as long as nobody is there to read it.
    let response = program.on(&connection, "POST", "/v1/proxy/x", &[], "pay").await;
    assert_eq!(failure(&response), "502 bad_gateway connect sent=no retryable");
    let kept = record(&program, json(&response)["requestId"].as_str().unwrap()).await;
    assert_eq!((&kept["attempts"], &kept["sent"]), (&3.into(), &"no".into()));
    program.finish().await;
}

/// What is not known must not silently do nothing, and what is known says the same at every door.
#[tokio::test(flavor = "multi_thread")]
async fn options_are_the_same_at_every_door_and_a_misspelt_one_is_refused() {
    let stage = stage(vec![unavailable(), once("200 OK")]).await;
    let envelope = |more: &str| format!(r#"{{"method":"GET","path":"/x"{more}}}"#);
    for (method, door) in
        [("GET", "/v1/proxy/x"), ("POST", "/v1/passthrough"), ("POST", "/v1/passthrough/raw")]
    {
        let body = || if method == "GET" { String::new() } else { envelope("") };
        let ask = async |headers: &[(&str, &str)]| {
            stage.program.on(&stage.connection, method, door, headers, body()).await
        };
        for (name, near) in [
            ("Passthrough-Retry", "passthrough-retries"),
            ("Passthrough-Timeout", "passthrough-timeout-ms"),
            ("passthrough_throttle", "passthrough-throttle"),
        ] {
            let refused = support::failure(&ask(&[(name, "1")]).await, 400, "bad_request");
            assert_eq!(support::paths(&refused), [format!("headers.{}", name.to_lowercase())], "{door}");
            assert_eq!(refused["detail"][0]["suggestion"], near, "{door}");
        }
        let refused = support::failure(&ask(&[("Passthrough-Timeout-Ms", "0")]).await, 400, "bad_request");
        assert_eq!(support::paths(&refused), ["headers.passthrough-timeout-ms"], "{door}");
        let late = ask(&[("Passthrough-Timeout-Ms", "1"), ("Passthrough-Base", "none-such")]).await;
        assert_eq!(late.status, 400, "the base is looked at: {door}");
    }
    let both = [("passthrough-timeout-ms", "9000")];
    let conflict = stage.program.on(
        &stage.connection,
        "POST",
        "/v1/passthrough",
        &both,
        envelope(r#","timeoutMs":8000"#),
    );
    let refused = support::failure(&conflict.await, 400, "bad_request");
    assert_eq!(support::paths(&refused), ["headers.passthrough-timeout-ms"]);
    assert_eq!(requests(&stage), 0);
    let same = stage.program.on(
        &stage.connection,
        "POST",
        "/v1/passthrough",
        &both,
        envelope(r#","timeoutMs":9000"#),
    );
    assert_eq!(json(&same.await)["attempts"], 2);
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_in_a_header_holds_for_an_envelope() {
    let stage = stage(vec![vec![Step::ReadRequest, Step::Hold]]).await;
    let headers = [("Passthrough-Timeout-Ms", "300")];
    let body = r#"{"method":"GET","path":"/x"}"#.to_owned();
    let late = stage.program.on(&stage.connection, "POST", "/v1/passthrough", &headers, body).await;
    assert!(failure(&late).starts_with("504 gateway_timeout total_timeout"), "{}", failure(&late));
    stage.program.finish().await;
}
