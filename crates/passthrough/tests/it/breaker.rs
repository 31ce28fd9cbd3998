//! A provider that fails again and again is left alone, and only such a one.

use std::time::Duration;

use passthrough_testkit::program::{Setup, canary};
use passthrough_testkit::raw_server::Step;

use crate::rig::{Stage, answer, answers, failure, json, stage_with};
use crate::support::{record, with_key};

fn once(status: &str) -> Vec<Step> {
    vec![Step::ReadRequest, Step::write(&answer(&format!("{status}\r\nConnection: close"), "x"))]
}

fn short(setup: Setup) -> Setup {
    let setup = setup.variable("PASSTHROUGH_UPSTREAM__BREAKER_OPEN_MS", "300");
    setup.variable("PASSTHROUGH_UPSTREAM__RETRIES", "0")
}

async fn status(stage: &Stage) -> u16 {
    stage.proxy("GET", "/x").await.status.as_u16()
}

#[tokio::test(flavor = "multi_thread")]
async fn after_five_failures_a_provider_is_left_alone_until_one_call_succeeds() {
    let mut scripts = vec![once("503 Service Unavailable"); 5];
    scripts.extend([once("502 Bad Gateway"), answers(&answer("200 OK", "back"))]);
    let stage = stage_with(scripts, short, |file| file).await;
    for _ in 0..5 {
        assert_eq!(status(&stage).await, 503);
    }
    let refused = stage.proxy("POST", "/x").await;
    assert_eq!(failure(&refused), "503 circuit_open sent=no retryable");
    assert_eq!(refused.header("retry-after"), Some("1"));
    let refused = stage.ask(r#"{"method":"GET","path":"/x"}"#).await;
    assert_eq!(failure(&refused), "503 circuit_open sent=no retryable");
    let kept = record(&stage.program, json(&refused)["requestId"].as_str().unwrap()).await;
    assert_eq!((&kept["errorCode"], &kept["attempts"]), (&"circuit_open".into(), &0.into()));
    assert_eq!(stage.server.connections().len(), 5, "nothing was sent");
    tokio::time::sleep(Duration::from_millis(350)).await;
    assert_eq!(status(&stage).await, 502, "the probe");
    assert_eq!(failure(&stage.proxy("GET", "/x").await), "503 circuit_open sent=no retryable");
    tokio::time::sleep(Duration::from_millis(650)).await;
    for _ in 0..3 {
        assert_eq!(status(&stage).await, 200);
    }
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_concerns_one_request_or_one_credential_closes_nothing() {
    for storm in ["401 Unauthorized", "429 Too Many Requests", "500 Internal Server Error", "404 Not Found"] {
        let stage = stage_with(vec![answers(&answer(storm, "x"))], short, |file| file).await;
        for _ in 0..8 {
            assert!(storm.starts_with(&status(&stage).await.to_string()), "{storm}");
        }
        stage.program.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_in_a_hurry_closes_nothing_for_others() {
    let mut scripts = vec![vec![Step::ReadRequest, Step::Hold]; 6];
    scripts.push(answers(&answer("200 OK", "x")));
    let stage = stage_with(scripts, short, |file| file).await;
    for _ in 0..6 {
        let hurried = stage.ask(r#"{"method":"GET","path":"/x","timeoutMs":100}"#).await;
        assert!(failure(&hurried).starts_with("504 gateway_timeout total_timeout"), "{}", failure(&hurried));
    }
    assert_eq!(status(&stage).await, 200);
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_stops_in_the_middle_of_a_body_closes_nothing_for_others() {
    let mut scripts = vec![vec![Step::ReadHead, Step::Hold]; 6];
    scripts.push(answers(&answer("200 OK", "x")));
    let impatient = |setup| short(setup).variable("PASSTHROUGH_UPSTREAM__STREAM_IDLE_TIMEOUT_MS", "200");
    let stage = stage_with(scripts, impatient, |file| file).await;
    for _ in 0..6 {
        let mut caller = stage.caller("POST", "/v1/proxy/x", "Content-Length: 10\r\n").await;
        caller.write(b"ab").await;
        let answer = caller.rest().await;
        assert!(answer.starts_with("HTTP/1.1 400 ") && answer.contains("\"origin\":\"caller\""), "{answer}");
    }
    assert_eq!(status(&stage).await, 200);
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_environment_closes_nothing_for_another() {
    let mut scripts = vec![once("503 Service Unavailable"); 5];
    scripts.push(answers(&answer("200 OK", "x")));
    let mut stage = stage_with(scripts, short, |file| file).await;
    let key = stage.program.create_key("other");
    let request = format!(r#"{{"provider":"shop","credentials":{{"api_key":"{}"}}}}"#, canary("key"));
    let made = with_key(&stage.program, &key, "POST", "/v1/connections", &request).await;
    let token = json(&made)["token"].as_str().unwrap().to_owned();
    stage.program.watch(&token);
    for _ in 0..5 {
        assert_eq!(status(&stage).await, 503);
    }
    assert_eq!(failure(&stage.proxy("GET", "/x").await), "503 circuit_open sent=no retryable");
    let authorization = format!("Bearer {key}");
    let headers = [("authorization", authorization.as_str()), ("connection-token", token.as_str())];
    let url = format!("{}/v1/proxy/x", stage.program.url);
    let response = passthrough_testkit::http::send("GET", &url, &headers, "").await;
    assert_eq!(response.status, 200, "{}", response.text());
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_breaker_can_be_switched_off() {
    let off = |setup: Setup| short(setup).variable("PASSTHROUGH_UPSTREAM__BREAKER_FAILURES", "0");
    let stage = stage_with(vec![answers(&answer("503 Service Unavailable", "x"))], off, |file| file).await;
    for _ in 0..8 {
        let response = stage.proxy("GET", "/x").await;
        assert_eq!(
            (response.status.as_u16(), response.header("passthrough-source")),
            (503, Some("provider"))
        );
    }
    stage.program.finish().await;
}
