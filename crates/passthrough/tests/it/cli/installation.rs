//! What works on the data folder: `serve`, `demo`, `key`, `keyring`, `migrate`, `doctor`.

use std::io::{BufRead, BufReader};
use std::process::Child;

use super::program::terminate;
use super::*;

/// A server on a free port; killed when a test fails before it has stopped it.
struct Serving {
    child: Child,
    url: String,
    /// Standard error up to the line that says where it listens.
    said: String,
}

impl Drop for Serving {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Starts a server and waits until it listens.
fn serve(data: &str) -> Serving {
    let args = ["serve", "--listen", "127.0.0.1:0", "--data-dir", data];
    let child = passthrough().args(args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut serving = Serving { child, url: String::new(), said: String::new() };
    let mut lines = BufReader::new(serving.child.stderr.take().unwrap()).lines();
    while serving.url.is_empty() {
        let line = lines.next().expect("it ended before it listened").unwrap();
        match line.strip_prefix("listening on ") {
            Some(url) => serving.url = url.to_owned(),
            None => serving.said.push_str(&format!("{line}\n")),
        }
    }
    // The rest of its log goes nowhere, but it must not fill the pipe.
    std::thread::spawn(move || lines.count());
    serving
}

fn data_dir() -> (tempfile::TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let data = folder.path().join("data").to_str().unwrap().to_owned();
    (folder, data)
}

#[test]
fn key_create_prints_the_key_alone() {
    let (_folder, data) = data_dir();
    let created = run(&["key", "create", "app", "--data-dir", &data, "--environment", "staging"]);
    assert_eq!(created.status.code(), Some(0), "{}", text(&created.stderr));
    let key = text(&created.stdout);
    assert!(key.starts_with("sk_") && key.trim_end().lines().count() == 1, "{key}");
    assert!(!text(&created.stderr).contains("sk_"), "{}", text(&created.stderr));

    let listed = run(&["key", "list", "--data-dir", &data, "--output", "json"]);
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!((&listed[0]["name"], &listed[0]["environment"]), (&"app".into(), &"staging".into()));
    assert!(!listed.to_string().contains("sk_"));
    let id = listed[0]["id"].as_str().unwrap();
    assert_eq!(run(&["key", "revoke", id, "--data-dir", &data]).status.code(), Some(0));
    assert_eq!(run(&["key", "revoke", "key_none", "--data-dir", &data]).status.code(), Some(3));
    assert!(text(&run(&["key", "list", "--data-dir", &data]).stdout).contains("revoked"));
}

#[test]
fn the_first_start_shows_a_key_once_and_a_signal_ends_it_well() {
    let (_folder, data) = data_dir();
    let mut first = serve(&data);
    let (url, said) = (first.url.clone(), first.said.clone());
    assert!(
        said.contains("passthrough.db") && said.contains("keyring.toml") && said.contains("back it up"),
        "{said}"
    );
    let mut stdout = BufReader::new(first.child.stdout.take().unwrap()).lines();
    let key = stdout.next().unwrap().unwrap();
    assert!(key.starts_with("sk_") && !said.contains("sk_"), "{key} {said}");
    let list = run(&["connection", "list", "--server", &url, "--api-key", &key]);
    assert_eq!(list.status.code(), Some(0), "{}", text(&list.stderr));
    assert_eq!(terminate(&mut first.child).code(), Some(0));
    assert!(stdout.next().is_none());

    let mut second = serve(&data);
    assert_eq!(terminate(&mut second.child).code(), Some(0));
    let again = BufReader::new(second.child.stdout.take().unwrap()).lines().count();
    let said = &second.said;
    assert!(again == 0 && !said.contains("first API key"), "{said}");
    assert!(said.contains("there is one already (1 in all)") && said.contains(&data), "{said}");
}

#[test]
fn a_taken_address_is_named_with_a_way_out() {
    let (_folder, data) = data_dir();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for command in ["serve", "demo"] {
        let output = run(&[command, "--listen", &address, "--data-dir", &data]);
        assert_eq!(output.status.code(), Some(1), "{command}");
        let said = text(&output.stderr);
        assert!(
            said.contains(&address) && said.contains("hint: ") && said.contains("--listen 127.0.0.1:0"),
            "{said}"
        );
    }
}

#[test]
fn a_taken_address_of_the_metrics_is_not_blamed_on_the_callers_one() {
    let (_folder, data) = data_dir();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let mut command = passthrough();
    command.env("PASSTHROUGH_METRICS__LISTEN", &address);
    let output = command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir", &data]).output().unwrap();
    let said = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(said.contains(&format!("cannot serve the metrics on {address}: it is in use")), "{said}");
    assert!(said.contains("hint: set `metrics.listen`") && !said.contains("--listen"), "{said}");
}

#[test]
fn the_demo_makes_an_answered_call_and_can_be_run_again() {
    let (_folder, data) = data_dir();
    let args = ["demo", "--listen", "127.0.0.1:0", "--no-serve", "--data-dir", &data];
    let first = run(&args);
    assert_eq!(first.status.code(), Some(0), "{}", text(&first.stderr));
    let story = text(&first.stdout);
    for part in [
        "The answer: 200",
        "The Summer Book",
        "export PASSTHROUGH_API_KEY=sk_",
        "/v1/passthrough",
        "/v1/proxy/orders",
    ] {
        assert!(story.contains(part), "{part} is missing: {story}");
    }
    assert!(!story.contains("bookshop-key"), "the provider's key is shown to nobody");
    let second = run(&args);
    assert_eq!(second.status.code(), Some(0), "{}", text(&second.stderr));
    assert!(text(&second.stdout).contains("this key and connection are new"));
}

#[test]
fn keys_at_rest_are_rotated_while_the_server_serves() {
    let demo = Demo::start();
    let data = demo.data_dir();
    let keyring = |args: &[&str]| run(&[&["keyring"], args, &["--data-dir", &data]].concat());
    let added = keyring(&["add"]);
    let key = text(&added.stdout).trim_end().to_owned();
    assert!(key.starts_with('k') && added.status.success(), "{}", text(&added.stderr));
    assert!(keyring(&["promote", &key]).status.success());
    assert!(keyring(&["rewrap"]).status.success());
    let status: Value = serde_json::from_slice(&keyring(&["status", "--output", "json"]).stdout).unwrap();
    for entry in status["keys"].as_array().unwrap() {
        let is_new = entry["id"] == key.as_str();
        assert_eq!(
            (entry["primary"] == true, entry["sealed"].as_u64().unwrap() > 0),
            (is_new, is_new),
            "{status}"
        );
    }
    assert_eq!(demo.run(&["request", "GET", "/account"]).status.code(), Some(0));
    assert_eq!(keyring(&["promote", "k0000000000000000"]).status.code(), Some(1));
}

#[test]
fn looking_at_an_installation_that_is_not_there_makes_none() {
    let (_folder, data) = data_dir();
    for command in
        [&["key", "list"][..], &["key", "revoke", "key_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C"], &["keyring", "status"]]
    {
        let output = run(&[command, &["--data-dir", &data]].concat());
        assert_eq!(output.status.code(), Some(1), "{command:?}");
        assert!(text(&output.stderr).contains("is not there yet"), "{}", text(&output.stderr));
        assert!(!std::path::Path::new(&data).exists(), "{command:?}");
    }
}

#[test]
fn migrations_are_looked_at_before_and_after() {
    let (_folder, data) = data_dir();
    assert_eq!(run(&["migrate", "--check", "--data-dir", &data]).status.code(), Some(1));
    assert!(!std::path::Path::new(&data).exists(), "looking makes nothing");
    let applied = run(&["migrate", "--data-dir", &data]);
    assert!(text(&applied.stdout).contains("applied 0001"), "{}", text(&applied.stdout));
    assert_eq!(run(&["migrate", "--check", "--data-dir", &data]).status.code(), Some(0));
}

#[test]
fn doctor_finds_what_is_wrong_and_makes_nothing() {
    let (_folder, data) = data_dir();
    let fresh = run(&["doctor", "--data-dir", &data]);
    assert_eq!(fresh.status.code(), Some(0), "{}", text(&fresh.stdout));
    assert!(!std::path::Path::new(&data).exists());

    let demo = Demo::start();
    let data = demo.data_dir();
    let healthy = demo.run(&["doctor", "--data-dir", &data, "--output", "json"]);
    let findings: Value = serde_json::from_slice(&healthy.stdout).unwrap();
    assert!(findings.as_array().unwrap().iter().all(|finding| finding["state"] == "ok"), "{findings}");

    let key_file = std::path::Path::new(&data).join("keyring.toml");
    std::fs::rename(&key_file, key_file.with_extension("away")).unwrap();
    let broken = run(&["doctor", "--data-dir", &data]);
    assert_eq!(broken.status.code(), Some(1));
    assert!(text(&broken.stdout).contains("fail  key file"), "{}", text(&broken.stdout));
    std::fs::rename(key_file.with_extension("away"), &key_file).unwrap();
    let unknown = demo.run(&["doctor", "--data-dir", &data, "--api-key", "sk_wrong"]);
    assert!(text(&unknown.stdout).contains("it runs, but the API key"), "{}", text(&unknown.stdout));
    let nowhere = run(&["doctor", "--data-dir", &data, "--providers", "/nowhere/at/all"]);
    assert!(text(&nowhere.stdout).contains("fail  catalog"), "{}", text(&nowhere.stdout));
    let away = run(&["doctor", "--data-dir", &data, "--server", "http://127.0.0.1:1"]);
    assert!(text(&away.stdout).contains("fail  server"), "{}", text(&away.stdout));
}
