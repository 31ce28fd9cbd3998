//! The program as it is typed: output, exit codes, signals.

use std::io::{Read, Write};
use std::process::{Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

mod connection;
mod installation;
mod link;
mod program;
mod prompt;
mod request;

use program::{Demo, passthrough, run, run_with_input, text};

const COMMANDS: &[&str] = &[
    "",
    "serve",
    "demo",
    "key",
    "key create",
    "key list",
    "key revoke",
    "provider",
    "provider list",
    "provider show",
    "provider check",
    "provider schema",
    "integration",
    "integration create",
    "integration list",
    "integration show",
    "integration update",
    "integration delete",
    "event",
    "event list",
    "event show",
    "event replay",
    "webhook",
    "webhook create",
    "webhook list",
    "webhook show",
    "webhook update",
    "webhook rotate-secret",
    "webhook test",
    "webhook delete",
    "webhook deliveries",
    "webhook replay",
    "connection",
    "connection import",
    "connection create",
    "connection list",
    "connection show",
    "connection verify",
    "connection rotate-token",
    "connection archive",
    "connection delete",
    "link",
    "link create",
    "link show",
    "link exchange",
    "request",
    "requests",
    "requests list",
    "requests show",
    "requests follow",
    "keyring",
    "keyring status",
    "keyring add",
    "keyring promote",
    "keyring rewrap",
    "keyring remove",
    "migrate",
    "openapi",
    "doctor",
    "completions",
];

#[test]
fn every_command_has_a_help_that_shows_no_secret_of_the_environment() {
    for command in COMMANDS {
        let mut program = passthrough();
        program.args(command.split_whitespace()).arg("--help");
        program.env("PASSTHROUGH_API_KEY", "sk_s3cret").env("PASSTHROUGH_CONNECTION_TOKEN", "con_tkn_s3cret");
        let output = program.output().unwrap();
        assert_eq!(output.status.code(), Some(0), "{command}");
        let help = text(&output.stdout);
        assert!(help.contains("Usage: passthrough"), "{command}: {help}");
        assert!(
            command.is_empty() || help.contains("Examples:") || help.contains("To rotate"),
            "{command}: {help}"
        );
        assert!(!help.contains("s3cret"), "{command}: {help}");
    }
}

#[test]
fn the_exit_codes_are_in_the_help_and_a_wrong_command_line_is_two() {
    let help = text(&run(&["--help"]).stdout);
    for code in ["0  done", "1  failed", "2  the command line", "3  refused", "4  the provider"] {
        assert!(help.contains(code), "{help}");
    }
    let port = run(&["serve", "--listen", "8080"]);
    assert!(text(&port.stderr).contains("such as 127.0.0.1:8080"), "{}", text(&port.stderr));
    for wrong in [&["requets"][..], &["request", "GET"], &["serve", "--listen", "here"], &["key", "create"]] {
        assert_eq!(run(wrong).status.code(), Some(2), "{wrong:?}");
    }
}

#[test]
fn what_needs_no_server_prints_its_result_alone() {
    let json: Value = serde_json::from_slice(&run(&["openapi"]).stdout).unwrap();
    assert!(json["paths"]["/v1/passthrough"].is_object());
    let json: Value = serde_json::from_slice(&run(&["provider", "schema"]).stdout).unwrap();
    assert_eq!(json["type"], "object");
    for shell in ["bash", "zsh", "fish"] {
        assert!(text(&run(&["completions", shell]).stdout).contains("passthrough"), "{shell}");
    }
    assert!(text(&run(&["serve", "--print-config"]).stdout).contains("data_dir"));
}

#[test]
fn the_catalog_is_listed_shown_and_checked() {
    let list: Value = serde_json::from_slice(&run(&["provider", "list", "--output", "json"]).stdout).unwrap();
    assert!(list.as_array().unwrap().iter().any(|provider| provider["code"] == "custom"));
    assert!(text(&run(&["provider", "show", "custom"]).stdout).contains("--credential token=@token.txt"));
    assert_eq!(run(&["provider", "show", "nobody"]).status.code(), Some(3));
    assert!(text(&run(&["provider", "show", "strpe"]).stderr).contains("did you mean `stripe`?"));

    let folder = tempfile::tempdir().unwrap();
    let (good, bad) = (folder.path().join("good.toml"), folder.path().join("bad.toml"));
    std::fs::write(
        &good,
        "name = \"Good\"\nbase_url = \"https://api.good.example\"\n[auth.key]\ngrant = \"static\"\n\
         fields.key.label = \"Key\"\nfields.key.secret = true\ninject.headers.x-key = \"{key}\"\n",
    )
    .unwrap();
    std::fs::write(&bad, "nam = \"Bad\"\nbase_url = \"ftp://x\"\n").unwrap();
    let (good, bad) = (good.to_str().unwrap(), bad.to_str().unwrap());
    assert_eq!(run(&["provider", "check", good]).status.code(), Some(0));
    let both = run(&["provider", "check", good, bad]);
    assert_eq!(both.status.code(), Some(1));
    let report = text(&both.stdout);
    assert!(report.contains("good.toml: ok") && report.contains("did you mean `name`?"), "{report}");
}

#[test]
fn a_reader_that_has_enough_is_no_failure() {
    let mut child =
        passthrough().arg("openapi").stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut first = [0; 16];
    child.stdout.take().unwrap().read_exact(&mut first).unwrap();
    let output = child.wait_with_output().unwrap();
    assert_eq!((output.status.code(), text(&output.stderr)), (Some(0), String::new()));
}

#[test]
fn a_key_file_is_read_only_where_a_server_is_asked() {
    let with_key = |value: &str, args: &[&str]| {
        let mut command = passthrough();
        command.args(args).env("PASSTHROUGH_API_KEY", value).stdin(Stdio::null()).output().unwrap()
    };
    let folder = tempfile::tempdir().unwrap();
    let empty = folder.path().join("empty");
    std::fs::write(&empty, "").unwrap();
    let (missing, empty) = ("@/nowhere/api.key", format!("@{}", empty.display()));
    for value in [missing, &empty, ""] {
        assert_eq!(with_key(value, &["provider", "list"]).status.code(), Some(0), "{value}");
        let asked = with_key(value, &["connection", "list", "--server", "http://127.0.0.1:1"]);
        let said = text(&asked.stderr);
        assert_eq!(asked.status.code(), Some(2), "{said}");
        assert!(said.contains("PASSTHROUGH_API_KEY"), "{said}");
        assert!(said.contains("empty") || said.contains("/nowhere/api.key"), "{said}");
    }
    let flag = with_key("sk_x", &["connection", "list", "--api-key", missing]);
    assert!(text(&flag.stderr).contains("--api-key"), "{}", text(&flag.stderr));
}

#[test]
fn failures_are_json_where_results_are() {
    let output =
        run(&["connection", "list", "--server", "127.0.0.1:1", "--api-key", "x", "--output", "json"]);
    let failure: Value = serde_json::from_slice(&output.stderr).unwrap();
    let failure = &failure["error"];
    assert!(failure["message"].as_str().unwrap().contains("127.0.0.1:1"), "{failure}");
    assert!(failure["hint"].as_str().unwrap().contains("http://127.0.0.1:1"), "{failure}");
    assert_eq!(failure["code"], "usage");
    // What is wrong with the arguments themselves is told in the same form.
    let output = run(&["connection", "list", "--limt", "3", "--output=json"]);
    let failure: Value = serde_json::from_slice(&output.stderr).unwrap();
    assert_eq!((output.status.code(), &failure["error"]["code"]), (Some(2), &Value::from("usage")));
    assert!(failure["error"]["hint"].as_str().unwrap().contains("--limit"), "{failure}");
}
