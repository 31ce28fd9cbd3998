//! Our own limits: for each API key, connection and environment.

use passthrough_testkit::http::Response;
use passthrough_testkit::program::{Connected, canary};

use crate::rig::{Stage, answer, answers, json, stage, stage_with};
use crate::support::{self, record};

async fn limited(settings: &'static [(&'static str, &'static str)]) -> Stage {
    let answer = answer("200 OK\r\nRateLimit-Limit: 7", "x");
    let settings = |setup: passthrough_testkit::program::Setup| {
        settings
            .iter()
            .fold(setup, |setup, (name, value)| setup.variable(&format!("PASSTHROUGH_LIMITS__{name}"), value))
    };
    stage_with(vec![answers(&answer)], settings, |file| file).await
}

async fn another_connection(stage: &mut Stage) -> Connected {
    let request = format!(r#"{{"provider":"shop","credentials":{{"api_key":"{}"}}}}"#, canary("key"));
    stage.program.connect(&request).await
}

/// `429`, the scope, and that everything of it is as told.
fn scope(response: &Response) -> String {
    let body = support::failure(response, 429, "too_many_requests");
    let wait = response.header("retry-after").unwrap();
    assert_eq!(body["detail"]["retryAfter"].to_string(), wait);
    assert!(wait.parse::<u64>().unwrap() >= 1);
    assert_eq!(
        (&body["origin"], &body["sent"], &body["retryable"]),
        (&"caller".into(), &"no".into(), &true.into())
    );
    assert_eq!(response.header("ratelimit-remaining"), Some("0"));
    body["detail"]["scope"].as_str().unwrap().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_has_its_limit_and_its_answers_tell_it() {
    let mut stage = limited(&[("RATE_PER_CONNECTION", "2/h")]).await;
    let other = another_connection(&mut stage).await;
    let first = stage.ask(r#"{"method":"GET","path":"/x"}"#).await;
    assert_eq!(first.header("ratelimit-limit"), Some("2"));
    assert_eq!(first.header("ratelimit-remaining"), Some("1"));
    assert_eq!(first.header("ratelimit-reset"), Some("1800"));
    let second = stage.proxy("GET", "/x").await;
    assert_eq!(second.header("ratelimit-limit"), Some("7"), "the provider's own stays");
    assert_eq!(second.header("passthrough-ratelimit-limit"), Some("2"));
    assert_eq!(second.header("passthrough-ratelimit-remaining"), Some("0"));
    for refused in [stage.proxy("GET", "/x").await, stage.ask(r#"{"method":"GET","path":"/x"}"#).await] {
        assert_eq!(scope(&refused), "connection");
        let kept = record(&stage.program, json(&refused)["requestId"].as_str().unwrap()).await;
        assert_eq!((&kept["errorCode"], &kept["attempts"]), (&"too_many_requests".into(), &0.into()));
        assert!(kept["errorReason"].is_string(), "which limit: {kept}");
    }
    assert_eq!(stage.program.on(&other, "GET", "/v1/proxy/x", &[], "").await.status, 200);
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_and_an_environment_have_theirs() {
    for (rate, burst, name) in [
        ("RATE_PER_API_KEY", "BURST_PER_API_KEY", "api_key"),
        ("RATE_PER_ENVIRONMENT", "BURST_PER_ENVIRONMENT", "environment"),
    ] {
        let settings: &'static [_] = Box::leak(Box::new([(rate, "100/h"), (burst, "2")]));
        let mut stage = limited(settings).await;
        let other = another_connection(&mut stage).await;
        assert_eq!(stage.proxy("GET", "/x").await.status, 200);
        assert_eq!(stage.program.on(&other, "GET", "/v1/proxy/x", &[], "").await.status, 200);
        assert_eq!(scope(&stage.proxy("GET", "/x").await), name);
        let body = r#"{"method":"GET","path":"/x"}"#.to_owned();
        let refused = stage.program.on(&stage.connection, "POST", "/tsp/v1/passthrough", &[], body).await;
        assert_eq!((refused.status.as_u16(), &json(&refused)["code"]), (429, &"too_many_requests".into()));
        assert_eq!(json(&refused)["retryAfter"].to_string(), refused.header("retry-after").unwrap());
        let key = stage.program.create_key("default");
        let headers = [("authorization", format!("Bearer {key}")), ("connection-token", other.token.clone())];
        let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
        let url = format!("{}/v1/proxy/x", stage.program.url);
        let again = passthrough_testkit::http::send("GET", &url, &headers, "").await;
        let expected = if name == "api_key" { 200 } else { 429 };
        assert_eq!(again.status.as_u16(), expected, "another key of the same environment");
        stage.program.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_limit_nothing_is_said_of_one() {
    let stage = stage(vec![answers(&answer("200 OK", "x"))]).await;
    for response in [stage.proxy("GET", "/x").await, stage.ask(r#"{"method":"GET","path":"/x"}"#).await] {
        assert_eq!(response.status, 200);
        assert!(!response.headers.iter().any(|(name, _)| name.contains("ratelimit")));
    }
    stage.program.finish().await;
}
