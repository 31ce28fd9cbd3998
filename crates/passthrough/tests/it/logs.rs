//! The log: a line for each passthrough, and a reader who stops reading stops nobody else.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use passthrough_testkit::echo::EchoProvider;
use passthrough_testkit::http::send;
use passthrough_testkit::program::Engine;
use serde_json::Value;

use crate::support::{BINARY, setup, shop, shop_set_up};

#[tokio::test(flavor = "multi_thread")]
async fn each_passthrough_has_its_line() {
    let shop = shop(Engine::Sqlite).await;
    let answer = shop.proxy("GET", "/a", &[], "").await;
    let id = answer.header("passthrough-request-id").unwrap().to_owned();
    for _ in 0..100 {
        if shop.program.log().contains(&id) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let log = shop.program.log();
    assert!(log.lines().any(|line| line.contains(&id) && line.contains("status=200")), "{log}");
    shop.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn by_default_only_failures_have_a_line() {
    let setup = setup(Engine::Sqlite).variable("PASSTHROUGH_LOG__CALLS", "failures");
    let shop = shop_set_up(setup, EchoProvider::start().await).await;
    let id_of = |answer: &passthrough_testkit::http::Response| {
        answer.header("passthrough-request-id").unwrap().to_owned()
    };
    let fine = id_of(&shop.proxy("GET", "/a", &[], "").await);
    let refused = id_of(&shop.proxy("GET", "/a/../b", &[], "").await);
    let has_line = |id: &str| {
        let log = shop.program.log();
        log.lines().any(|line| line.contains(id) && line.contains("duration_ms="))
    };
    for _ in 0..100 {
        if has_line(&refused) {
            break;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(has_line(&refused) && !has_line(&fine));
    shop.program.finish().await;
}

/// A server whose standard error is a pipe.
#[expect(clippy::zombie_processes, reason = "whoever asked for it waits for it")]
fn start(
    folder: &std::path::Path,
    arguments: &[&str],
) -> (Child, BufReader<std::process::ChildStderr>, String) {
    let mut command = Command::new(BINARY);
    command.env_clear().args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(folder).args(arguments);
    let mut child =
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap());
    loop {
        let mut line = String::new();
        assert!(lines.read_line(&mut line).unwrap() > 0, "it ended at its start");
        if let Some(url) = line.split("listening on ").nth(1) {
            // In a line of JSON more follows.
            let url = url.split('"').next().unwrap_or_default();
            return (child, lines, url.trim().to_owned());
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reader_who_stops_reading_does_not_stop_the_server() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (mut child, mut lines, url) = start(&data, &["--log", "info", "--log-format", "json"]);
    let mut key = String::new();
    BufReader::new(child.stdout.take().unwrap()).read_line(&mut key).unwrap();
    let authorization = format!("Bearer {}", key.trim());
    let proxied = format!("{url}/v1/proxy/a");
    // A pipe holds 64 KiB, and each of these leaves some 250 bytes of log.
    for _ in 0..500 {
        let headers = [("authorization", authorization.as_str()), ("connection-token", "con_tkn_none")];
        let asked = send("GET", &proxied, &headers, "");
        let answer = tokio::time::timeout(Duration::from_secs(10), asked).await.expect("it is served");
        assert_eq!(answer.status, 404);
    }
    Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    let ended = tokio::task::spawn_blocking(move || child.wait().unwrap());
    let status = tokio::time::timeout(Duration::from_secs(30), ended).await.expect("it ends").unwrap();
    assert!(status.success());
    let mut held = Vec::new();
    lines.read_to_end(&mut held).unwrap();
    // The pages of a pipe are not always filled to their ends.
    assert!(held.len() >= 40_000, "the pipe was never full: {} bytes", held.len());
}

#[test]
fn the_lines_of_the_start_are_json_too() {
    let folder = tempfile::tempdir().unwrap();
    let mut command = Command::new(BINARY);
    command.env_clear().args(["serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--data-dir"]);
    let mut child =
        command.arg(folder.path().join("data")).stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
    let mut said = Vec::new();
    for line in BufReader::new(child.stderr.take().unwrap()).lines() {
        let line = line.unwrap();
        let json: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(json["level"].is_string() && json["timestamp"].is_string(), "{line}");
        said.push(json["message"].as_str().unwrap_or_default().to_owned());
        if line.contains("listening on http://127.0.0.1:") {
            break;
        }
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(said.iter().any(|message| message.starts_with("database SQLite ")), "{said:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn lines_of_json_are_json() {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data");
    let (mut child, lines, _) = start(&data, &["--log", "debug", "--log-format", "json"]);
    Command::new("kill").args(["-TERM", &child.id().to_string()]).status().unwrap();
    let rest: Vec<String> = lines.lines().map_while(Result::ok).collect();
    assert!(child.wait().unwrap().success());
    assert!(rest.iter().any(|line| line.contains("stopping")), "{rest:?}");
    for line in rest {
        let line: Value = serde_json::from_str(&line).unwrap_or_else(|error| panic!("{error}: {line}"));
        assert!(line["level"].is_string() && line["timestamp"].is_string(), "{line}");
    }
}
