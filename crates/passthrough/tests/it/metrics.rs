//! `/metrics` and `passthrough top`: the numbers are right after calls of each kind, and nothing secret or unbounded is
//! among them.

use std::collections::BTreeSet;
use std::process::Command;
use std::time::Duration;

use passthrough_testkit::http::send;
use passthrough_testkit::program::{CANARY, Engine, Program};
use passthrough_testkit::raw_server::Step;
use serde_json::Value;

use crate::rig::{answer, answers, stage, stage_with};
use crate::support::{BINARY, setup, shop};

/// The metrics of a running program.
async fn metrics(program: &Program) -> String {
    let answer = send("GET", &format!("{}/metrics", program.url), &[], "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    assert_eq!(answer.header("content-type"), Some(kind));
    let text = answer.text();
    assert!(text.ends_with("# EOF\n"), "{text}");
    text
}

/// The value of a series, 0 where it is not there.
fn value(text: &str, series: &str) -> f64 {
    let found = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    found.map_or(0.0, |value| value.parse().unwrap())
}

fn requests(text: &str, door: &str, provider: &str, status: &str, error: &str) -> f64 {
    let labels = format!(r#"door="{door}",provider="{provider}",status="{status}",error="{error}""#);
    value(text, &format!("passthrough_requests_total{{{labels}}}"))
}

/// Asks until a series has its value: what a caller sees as the end comes before it is counted.
async fn until(program: &Program, wanted: impl Fn(&str) -> bool) -> String {
    for _ in 0..100 {
        let text = metrics(program).await;
        if wanted(&text) {
            return text;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it does not come:\n{}", metrics(program).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn calls_are_counted_by_door_provider_status_and_error() {
    let stage = stage(vec![answers(&answer("200 OK", "{}")); 8]).await;
    for _ in 0..3 {
        assert_eq!(stage.proxy("GET", "/a").await.status, 200);
    }
    assert_eq!(stage.ask(r#"{"method":"GET","path":"/b"}"#).await.status, 200);
    let unknown = send("GET", &format!("{}/v1/proxy/x", stage.program.url), &[], "").await;
    assert_eq!(unknown.status, 401);
    let text = until(&stage.program, |text| requests(text, "envelope", "shop", "2xx", "") == 1.0).await;
    assert_eq!(requests(&text, "proxy", "shop", "2xx", ""), 3.0, "{text}");
    assert_eq!(requests(&text, "proxy", "", "", "unauthorized"), 1.0, "{text}");
    let count = |family: &str, labels: &str| value(&text, &format!("{family}_count{labels}"));
    assert_eq!(count("passthrough_request_duration_seconds", r#"{door="proxy",provider="shop"}"#), 3.0);
    assert_eq!(count("passthrough_first_byte_seconds", r#"{provider="shop"}"#), 4.0);
    assert_eq!(count("passthrough_upstream_queue_seconds", ""), 4.0);
    assert_eq!(value(&text, r#"passthrough_in_flight{provider="shop"}"#), 0.0);
    let bytes = value(&text, r#"passthrough_response_body_bytes_total{door="proxy",provider="shop"}"#);
    assert_eq!(bytes, 6.0);
    assert_eq!(value(&text, r#"passthrough_build_info{version="0.1.0"}"#), 1.0);
    assert!(value(&text, "process_resident_memory_bytes") > 1e6, "{text}");
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_providers_failure_and_ours_are_told_apart() {
    let failing = answers(&answer("500 Oh", "no"));
    let stage = stage(vec![failing; 4]).await;
    assert_eq!(stage.proxy("GET", "/a").await.status, 500);
    let text = until(&stage.program, |text| requests(text, "proxy", "shop", "5xx", "") == 1.0).await;
    assert_eq!(requests(&text, "proxy", "shop", "", "bad_gateway"), 0.0, "{text}");
    stage.program.finish().await;

    let broken = vec![Step::ReadRequest, Step::write("this is no HTTP\r\n\r\n")];
    let stage = stage_with(vec![broken], |setup| setup, |file| file).await;
    assert_eq!(stage.proxy("POST", "/a").await.status, 502);
    let text = until(&stage.program, |text| requests(text, "proxy", "shop", "", "bad_gateway") == 1.0).await;
    assert_eq!(requests(&text, "proxy", "shop", "5xx", ""), 0.0, "{text}");
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_is_in_flight_until_its_caller_leaves() {
    let silent = vec![Step::ReadRequest, Step::Hold];
    let stage = stage(vec![silent]).await;
    let caller = stage.caller("GET", "/v1/proxy/slow", "").await;
    let in_flight = r#"passthrough_in_flight{provider="shop"}"#;
    until(&stage.program, |text| value(text, in_flight) == 1.0).await;
    drop(caller);
    let text = until(&stage.program, |text| value(text, in_flight) == 0.0).await;
    assert_eq!(requests(&text, "proxy", "shop", "", "caller_gone"), 1.0, "{text}");
    assert_eq!(value(&text, r#"passthrough_upstream_sockets_closed_total{reason="abandoned"}"#), 1.0);
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sockets_are_counted_from_their_opening_to_their_end() {
    let stage = stage_with(
        vec![answers(&answer("200 OK", "{}"))],
        |setup| {
            setup
                .variable("PASSTHROUGH_SERVER__WORKERS", "1")
                .variable("PASSTHROUGH_UPSTREAM__POOL_IDLE_MS", "300")
        },
        |file| file,
    )
    .await;
    for _ in 0..3 {
        stage.proxy("GET", "/a").await;
    }
    let text = metrics(&stage.program).await;
    assert_eq!(value(&text, "passthrough_upstream_sockets_opened_total"), 1.0, "{text}");
    assert_eq!(value(&text, "passthrough_upstream_sockets_reused_total"), 2.0, "{text}");
    assert_eq!(value(&text, "passthrough_upstream_connect_seconds_count"), 1.0);
    let expired = r#"passthrough_upstream_sockets_closed_total{reason="expired"}"#;
    let text = until(&stage.program, |text| value(text, expired) == 1.0).await;
    assert_eq!(value(&text, "passthrough_upstream_sockets_idle"), 0.0);
    stage.program.finish().await;
}

/// Whatever callers send, the labels stay those of the catalog and of the program.
#[tokio::test(flavor = "multi_thread")]
async fn strangers_make_no_series_and_secrets_are_nowhere() {
    let shop = shop(Engine::Sqlite).await;
    // No canary: what is asked for may stand in its record.
    let word = "zqstrangerzq";
    for path in [format!("/{word}"), format!("/a?token={word}"), "/../x".to_owned()] {
        shop.proxy("GET", &path, &[("x-secret", word), ("user-agent", word)], "").await;
    }
    shop.proxy(&word.to_uppercase(), "/a", &[], "").await;
    shop.ask(&format!(r#"{{"method":"{word}","path":"/"}}"#)).await;
    let other = shop.program.api("POST", "/v1/connections", &format!(r#"{{"provider":"{word}"}}"#)).await;
    assert!(other.status.is_client_error());
    let text = until(&shop.program, |text| text.contains(r#"error="bad_request""#)).await;
    assert!(!text.to_lowercase().contains(word) && !text.contains(CANARY), "{text}");
    assert!(!text.contains(&shop.api_key) && !text.contains(&shop.connection.token), "{text}");
    assert!(!text.contains("127.0.0.1") && !text.contains(&shop.connection.id), "{text}");
    let providers: BTreeSet<&str> =
        text.lines().filter_map(|line| line.split(r#"provider=""#).nth(1)?.split('"').next()).collect();
    assert!(providers.iter().all(|code| ["", "shop"].contains(code)), "{providers:?}");
    shop.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn metrics_can_be_switched_off_or_have_an_address_of_their_own() {
    let program = setup(Engine::Sqlite).variable("PASSTHROUGH_METRICS__ENABLED", "false").start().await;
    let answer = send("GET", &format!("{}/metrics", program.url), &[], "").await;
    assert_eq!(answer.status, 404);
    program.finish().await;

    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let own = format!("127.0.0.1:{port}");
    let program = setup(Engine::Sqlite).variable("PASSTHROUGH_METRICS__LISTEN", &own).start().await;
    assert_eq!(send("GET", &format!("{}/metrics", program.url), &[], "").await.status, 404);
    let answer = send("GET", &format!("http://{own}/metrics"), &[], "").await;
    assert_eq!(answer.status, 200);
    assert!(answer.text().contains("passthrough_build_info"));
    assert_eq!(send("GET", &format!("http://{own}/v1/providers"), &[], "").await.status, 404);
    program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn top_prints_the_numbers_as_a_table_or_as_json() {
    let shop = shop(Engine::Sqlite).await;
    for _ in 0..2 {
        shop.proxy("GET", "/a", &[], "").await;
    }
    until(&shop.program, |text| requests(text, "proxy", "shop", "2xx", "") == 2.0).await;
    let run = |arguments: &[&str]| {
        let mut command = Command::new(BINARY);
        command.env_clear().arg("top").args(["--server", &shop.program.url]).args(arguments);
        let output = command.output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (code, table) = run(&[]);
    assert_eq!(code, Some(0), "{table}");
    assert!(table.contains("PROVIDER") && table.contains("\nshop "), "{table}");
    assert!(!table.contains('\u{1b}'), "no colours into a pipe: {table}");
    let (code, json) = run(&["--once", "--output", "json"]);
    let board: Value = serde_json::from_str(&json).unwrap();
    assert_eq!(code, Some(0));
    assert_eq!(board["providers"][0]["provider"], "shop");
    assert!(board["callsPerSecond"].as_f64().unwrap() > 0.0, "{json}");
    shop.program.finish().await;

    let hidden = setup(Engine::Sqlite).variable("PASSTHROUGH_METRICS__ENABLED", "false").start().await;
    let output = Command::new(BINARY).env_clear().args(["top", "--server", &hidden.url]).output().unwrap();
    assert_eq!(output.status.code(), Some(3));
    assert!(String::from_utf8_lossy(&output.stderr).contains("metrics.listen"));
    hidden.finish().await;
}
