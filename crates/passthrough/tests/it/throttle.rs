//! Providers' own limits: learnt from their answers, shown in the record, kept to where the caller asks for it.

use std::time::{Duration, Instant};

use passthrough_testkit::http::Response;
use passthrough_testkit::program::canary;
use passthrough_testkit::raw_server::Step;

use crate::rig::{Stage, answer, answers, json, stage, stage_with};
use crate::support::{self, record};

fn once(head: &str) -> Vec<Step> {
    vec![Step::ReadRequest, Step::write(&answer(&format!("{head}\r\nConnection: close"), "x"))]
}

async fn proxied(stage: &Stage, throttle: Option<&str>) -> Response {
    let headers: Vec<(&str, &str)> =
        throttle.map(|value| ("passthrough-throttle", value)).into_iter().collect();
    stage.program.on(&stage.connection, "GET", "/v1/proxy/x", &headers, "").await
}

async fn record_of(stage: &Stage, response: &Response) -> serde_json::Value {
    record(&stage.program, response.header("passthrough-request-id").unwrap()).await
}

fn refused(response: &Response) -> u64 {
    let body = support::failure(response, 429, "too_many_requests");
    assert_eq!((&body["detail"]["scope"], &body["sent"]), (&"provider".into(), &"no".into()));
    assert_eq!(body["detail"]["retryAfter"].to_string(), response.header("retry-after").unwrap());
    body["detail"]["retryAfter"].as_u64().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_provider_announces_is_in_the_record() {
    let head = "200 OK\r\nX-RateLimit-Limit: 100\r\nX-RateLimit-Remaining: 99\r\nX-RateLimit-Reset: 60";
    let stage = stage(vec![once(head), answers(&answer("200 OK", "x"))]).await;
    let kept = record_of(&stage, &proxied(&stage, None).await).await;
    let limit = &kept["providerLimit"];
    assert_eq!((&limit["limit"], &limit["remaining"]), (&100.into(), &99.into()), "{kept}");
    assert!(limit["resetsAt"].as_str().unwrap() > kept["startedAt"].as_str().unwrap());
    let kept = record_of(&stage, &proxied(&stage, None).await).await;
    assert!(kept.get("providerLimit").is_none(), "this one said nothing: {kept}");
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_to_be_refused_is_refused_without_a_call() {
    let scripts = vec![once("429 Too Many Requests\r\nRetry-After: 30"), answers(&answer("200 OK", "x"))];
    let mut stage = stage(scripts).await;
    let request = format!(r#"{{"provider":"shop","credentials":{{"api_key":"{}"}}}}"#, canary("key"));
    let other = stage.program.connect(&request).await;
    let passed = proxied(&stage, Some("refuse")).await;
    assert_eq!((passed.status.as_u16(), passed.header("passthrough-source")), (429, Some("provider")));
    assert!(record_of(&stage, &passed).await["providerLimit"]["resetsAt"].is_string());
    assert!((25..=30).contains(&refused(&proxied(&stage, Some("refuse")).await)));
    assert!((25..=30).contains(&refused(&proxied(&stage, Some("wait")).await)), "too long to wait");
    assert_eq!(stage.server.connections().len(), 1);
    let headers = [("passthrough-throttle", "refuse")];
    assert_eq!(stage.program.on(&other, "GET", "/v1/proxy/x", &headers, "").await.status, 200);
    assert_eq!(proxied(&stage, None).await.status, 200, "who does not ask goes through as ever");
    assert_eq!(proxied(&stage, Some("refuse")).await.status, 200, "the provider has answered since");
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_asks_to_wait_waits_for_a_429_once() {
    let busy = || once("429 Too Many Requests\r\nRetry-After: 0.4");
    let scripts = vec![busy(), once("200 OK"), busy(), busy(), busy(), once("200 OK")];
    let stage = stage(scripts).await;
    let headers = [("passthrough-throttle", "wait")];
    let body = r#"{"method":"POST","path":"/x","body":"a"}"#.to_owned();
    let began = Instant::now();
    let response = stage.program.on(&stage.connection, "POST", "/v1/passthrough", &headers, body).await;
    let envelope = json(&response);
    assert_eq!((&envelope["statusCode"], &envelope["attempts"]), (&200.into(), &2.into()), "{envelope}");
    assert!(began.elapsed() >= Duration::from_millis(400));
    assert_eq!(proxied(&stage, Some("wait")).await.status, 429, "once");
    assert_eq!(proxied(&stage, None).await.status, 429, "and only where it was asked for");
    assert_eq!(stage.server.connections().len(), 5);
    assert_eq!(proxied(&stage, Some("wait")).await.status, 200, "waits before the first call, too");
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_is_not_waited_away() {
    let stage = stage(vec![once("429 Too Many Requests\r\nRetry-After: 3"), once("200 OK")]).await;
    let headers = [("passthrough-throttle", "wait")];
    let body = r#"{"method":"GET","path":"/x","timeoutMs":1500}"#.to_owned();
    let response =
        stage.program.on(&stage.connection, "POST", "/v1/passthrough", &headers, body.clone()).await;
    assert_eq!(json(&response)["statusCode"], 429);
    refused(&stage.program.on(&stage.connection, "POST", "/v1/passthrough", &headers, body).await);
    assert_eq!(stage.server.connections().len(), 1);
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_file_says_how_its_limits_are_announced() {
    let scripts = vec![once("403 Forbidden\r\nX-Quota-Left: 0\r\nX-Quota-Reset: 9000"), once("200 OK")];
    let file = |file: String| {
        let limits = "limits.remaining = \"x-quota-left\"\nlimits.reset = \"x-quota-reset\"\n\
                      limits.reset_format = \"milliseconds\"\nlimits.statuses = [403]\n[auth";
        file.replace("[auth", limits)
    };
    let stage = stage_with(scripts, |setup| setup, file).await;
    let passed = proxied(&stage, None).await;
    assert_eq!(passed.status, 403);
    assert_eq!(record_of(&stage, &passed).await["providerLimit"]["remaining"], 0);
    assert!((5..=9).contains(&refused(&proxied(&stage, Some("refuse")).await)));
    stage.program.finish().await;
}
