//! `--config FILE`, the environment, flags, and the operator's own provider files.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Output};

use passthrough_testkit::program::{CANARY, Engine, canary};
use serde_json::json as value;

use crate::support::{BINARY, bearer_provider, failure, json, on_both_databases, setup};

on_both_databases! {
    an_own_provider_file_replaces_a_built_in_one
}

/// Runs `serve` to its end, which comes at once: the settings are wrong.
fn refused(folder: &Path, arguments: &[&str], variables: &[(&str, &str)]) -> String {
    let mut command = Command::new(BINARY);
    command.env_clear().envs(variables.iter().copied()).current_dir(folder);
    command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir", "data"]).args(arguments);
    let Output { status, stdout, stderr } = command.output().unwrap();
    let message = String::from_utf8(stderr).unwrap();
    assert!(matches!(status.code(), Some(1 | 2)), "{status}: {message}");
    assert!(stdout.is_empty(), "{}", String::from_utf8_lossy(&stdout));
    assert!(!message.contains("panicked"), "{message}");
    message
}

#[test]
fn what_is_wrong_in_a_settings_file_is_named_and_nothing_starts() {
    let folder = tempfile::tempdir().unwrap();
    for (text, parts) in [
        ("listne = \"127.0.0.1:0\"", &["listne", "did you mean `listen`?", "mine.toml"][..]),
        ("[upstream]\nalow = [\"10.0.0.0/8\"]", &["upstream.alow", "did you mean `upstream.allow`?"]),
        ("[upstreams]\nallow = []", &["upstreams", "did you mean `upstream`?"]),
        ("[cache]\nsize = 5", &["cache.size", "api_keys, connections"]),
        ("colour = 5", &["unknown setting colour", "--print-config"]),
        (
            "[limits]\nhead_count = \"many\"",
            &["limits.head_count must be a whole number, at least 0, and is `many` (", "mine.toml)"],
        ),
        (
            "[upstream]\nmax_in_flight = -1",
            &["upstream.max_in_flight must be a whole number, at least 0, and is `-1`"],
        ),
        ("[upstream]\nallow = 5", &["upstream.allow must be a list"]),
        ("[upstream]\nmax_in_flight = 0", &["upstream.max_in_flight is 0", "at least 1"]),
        ("[log]\ncalls = \"some\"", &["log.calls is `some`; it must be all, failures or none"]),
        ("upstream = 5", &["upstream is a section; write [upstream]"]),
        ("listen = \"nowhere\"", &["listen: `nowhere` is no address"]),
        ("[upstream]\nallow = [\"everything\"]", &["upstream.allow", "`everything` is no network"]),
        ("[upstream]\ndns = \"bind\"", &["upstream.dns", "hickory", "system"]),
        ("[upstream]\nca_file = \"/nowhere/ca.pem\"", &["upstream.ca_file", "/nowhere/ca.pem"]),
        ("listen = ", &["mine.toml"]),
    ] {
        fs::write(folder.path().join("mine.toml"), text).unwrap();
        let message = refused(folder.path(), &["--config", "mine.toml"], &[]);
        for part in parts {
            assert!(message.contains(part), "{text:?}: {part:?} is not in {message}");
        }
    }
    assert!(refused(folder.path(), &["--config", "absent.toml"], &[]).contains("absent.toml"));
    let misspelt = [("PASSTHROUGH_UPSTREAM__ALOW", "127.0.0.0/8")];
    let message = refused(folder.path(), &[], &misspelt);
    assert!(message.contains("did you mean PASSTHROUGH_UPSTREAM__ALLOW?"), "{message}");
    let wrong = [("PASSTHROUGH_CACHE__IDLE_MS", "long")];
    assert!(refused(folder.path(), &[], &wrong).contains("cache.idle_ms"));
    assert!(!folder.path().join("data").exists(), "nothing was made");
}

#[test]
fn a_value_of_a_secret_setting_is_never_in_a_message() {
    let folder = tempfile::tempdir().unwrap();
    let secret = canary("password");
    for (name, value) in [
        ("PASSTHROUGH_DATABASE_URL", format!("postgres://u:{secret}@127.0.0.1:1/db")),
        ("PASSTHROUGH_DATABASE_URL", format!("mysql://u:{secret}@127.0.0.1:1/db")),
        ("PASSTHROUGH_DATABASE_URL", format!("postgres://u:{secret}@[::1/db")),
        ("PASSTHROUGH_KEYRING", format!("primary = \"{secret}\"")),
        ("PASSTHROUGH_KEYRING", secret.clone()),
    ] {
        let variables = [(name, value.as_str()), ("PASSTHROUGH_LOG", "debug")];
        let message = refused(folder.path(), &[], &variables);
        assert!(!message.contains(&secret), "{name}: {message}");
    }
    fs::write(folder.path().join("mine.toml"), format!("database_url = [\"{secret}\"]")).unwrap();
    let message = refused(folder.path(), &["--config", "mine.toml"], &[]);
    assert!(!message.contains(&secret) && message.contains("database_url"), "{message}");
}

/// A server that ends with the test.
struct Served {
    child: Child,
    url: String,
}

impl Drop for Served {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// File over defaults, environment over file, flags over both.
#[tokio::test(flavor = "multi_thread")]
async fn the_environment_wins_over_the_file_and_flags_over_both() {
    let folder = tempfile::tempdir().unwrap();
    let provider = passthrough_testkit::echo::EchoProvider::start().await;
    let providers = folder.path().join("own");
    fs::create_dir(&providers).unwrap();
    fs::write(providers.join("shop.toml"), bearer_provider(&provider.url())).unwrap();
    let file = folder.path().join("mine.toml");
    let text = "listen = \"127.0.0.1:1\"\nfirst_api_key = false\nproviders_dir = \"/nowhere\"\n\
         [limits]\nenvelope_request_bytes = 100\n[upstream]\nallow = [\"127.0.0.0/8\"]\n";
    fs::write(&file, text).unwrap();
    let log = folder.path().join("log");
    let start = |variables: &[(&str, &str)]| {
        let mut command = Command::new(BINARY);
        command.env_clear().envs(variables.iter().copied()).current_dir(folder.path());
        command.args(["serve", "--listen", "127.0.0.1:0", "--data-dir", "data", "--config", "mine.toml"]);
        command.arg("--providers").arg(&providers);
        let output = fs::File::create(&log).unwrap();
        command.stdout(output.try_clone().unwrap()).stderr(output);
        let mut served = Served { child: command.spawn().unwrap(), url: String::new() };
        loop {
            let log = fs::read_to_string(&log).unwrap();
            if let Some(rest) = log.split("listening on ").nth(1).filter(|rest| rest.contains('\n')) {
                served.url = rest.split_whitespace().next().unwrap().to_owned();
                return served;
            }
            assert!(served.child.try_wait().unwrap().is_none(), "{log}");
            std::thread::sleep(std::time::Duration::from_millis(10));
        }
    };
    let key = {
        let output = Command::new(BINARY)
            .env_clear()
            .current_dir(folder.path())
            .args(["key", "create", "mine", "--data-dir", "data", "--config", "mine.toml"])
            .output()
            .unwrap();
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    let authorization = format!("Bearer {key}");
    let body = "x".repeat(150);
    for (variables, large, http) in [
        (&[][..], 413, false),
        (&[("PASSTHROUGH_LIMITS__ENVELOPE_REQUEST_BYTES", "1000")][..], 200, false),
        (
            &[
                ("PASSTHROUGH_LIMITS__ENVELOPE_REQUEST_BYTES", "1000"),
                ("PASSTHROUGH_UPSTREAM__ALLOW_HTTP", "127.0.0.1"),
            ][..],
            200,
            true,
        ),
    ] {
        let served = start(variables);
        let send = async |path: &str, token: &str, body: String| {
            let headers = [("authorization", authorization.as_str()), ("connection-token", token)];
            passthrough_testkit::http::send("POST", &format!("{}{path}", served.url), &headers, body).await
        };
        let request = value!({ "provider": "shop", "credentials": { "api_key": canary("key") } }).to_string();
        let created = send("/v1/connections", "", request).await;
        // Plain http is opened by the environment only; the file's `allow` holds beside it.
        if http {
            assert_eq!(created.status, 201, "{}", created.text());
            let token = json(&created)["token"].as_str().unwrap().to_owned();
            let call = value!({ "method": "POST", "path": "/x", "body": body }).to_string();
            let answer = send("/v1/passthrough", &token, call).await;
            assert_eq!(answer.status.as_u16(), large, "{}", answer.text());
        } else {
            let refused = failure(&created, 400, "bad_request");
            assert!(refused["message"].as_str().unwrap().contains("upstream.allow_http"), "{refused}");
            let call = value!({ "method": "POST", "path": "/x", "body": body }).to_string();
            let answer = send("/v1/passthrough", "con_tkn_x", call).await;
            assert_eq!(answer.status.as_u16() == 413, large == 413, "{}", answer.text());
        }
        drop(served);
        assert!(!fs::read_to_string(&log).unwrap().contains(CANARY));
    }
}

#[test]
fn broken_provider_files_are_named_all_at_once_and_nothing_starts() {
    let folder = tempfile::tempdir().unwrap();
    let own = folder.path().join("own");
    fs::create_dir(&own).unwrap();
    let write = |name: &str, text: &str| fs::write(own.join(name), text).unwrap();
    write("fine.toml", &bearer_provider("https://fine.example"));
    write("notes.txt", "not a provider");
    write("first.toml", "nmae = \"First\"\nbase_url = \"ftp://first.example\"\n");
    write("second.toml", "name = ");
    write(
        "third.toml",
        "name = \"Third\"\nbase_url = \"https://third.example\"\n[auth.token]\ngrant = \"static\"\n\
         fields.token = {}\ninject.headers.authorization = \"Bearer {tokn}\"\n",
    );
    let arguments = ["--providers", "own"];
    let message = refused(folder.path(), &arguments, &[]);
    for part in ["first.toml", "did you mean `name`?", "second.toml", "third.toml", "tokn"] {
        assert!(message.contains(part), "{part:?} is not in {message}");
    }
    assert!(!message.contains("fine.toml") && !message.contains("notes.txt"), "{message}");
    assert!(refused(folder.path(), &["--providers", "absent"], &[]).contains("absent"));
    assert!(!folder.path().join("data").exists(), "nothing was made");
}

async fn an_own_provider_file_replaces_a_built_in_one(engine: Engine) {
    let provider = passthrough_testkit::echo::EchoProvider::start().await;
    let mut program = setup(engine).provider("stripe", &bearer_provider(&provider.url())).start().await;
    let stripe = json(&program.api("GET", "/v1/providers/stripe", "").await);
    assert_eq!(stripe["name"], "Shop");
    let list = json(&program.api("GET", "/v1/providers", "").await);
    let codes: Vec<&str> =
        list["results"].as_array().unwrap().iter().map(|p| p["code"].as_str().unwrap()).collect();
    assert_eq!(codes.iter().filter(|code| **code == "stripe").count(), 1);
    assert!(codes.len() >= 40 && codes.contains(&"github") && codes.is_sorted(), "{codes:?}");
    let request = value!({ "provider": "stripe", "credentials": { "api_key": canary("key") } });
    let connection = program.connect(&request.to_string()).await;
    let call = |program: &passthrough_testkit::program::Program| {
        let (url, key, token) = (program.url.clone(), program.key.clone(), connection.token.clone());
        async move {
            let authorization = format!("Bearer {key}");
            let headers = [("authorization", authorization.as_str()), ("connection-token", token.as_str())];
            let body = r#"{"method":"GET","path":"/x"}"#;
            passthrough_testkit::http::send("POST", &format!("{url}/v1/passthrough"), &headers, body).await
        }
    };
    assert_eq!(call(&program).await.status, 200);

    // The file is gone or says something else: the connection stays, and its calls say what is missing.
    let file = program.providers_dir().join("stripe.toml");
    let text = bearer_provider(&provider.url()).replace("[auth.token]", "[auth.other]");
    fs::write(&file, text).unwrap();
    assert!(program.stop().success());
    program.resume();
    let body = failure(&call(&program).await, 422, "unprocessable_entity");
    assert!(body["message"].as_str().unwrap().contains("`stripe`"), "{body}");
    let path = format!("/v1/connections/{}", connection.id);
    assert_eq!(program.api("GET", &path, "").await.status, 200);
    let headers = [("connection-token", connection.token.as_str())];
    let authorization = format!("Bearer {}", program.key);
    let headers = [headers[0], ("authorization", authorization.as_str())];
    let current = crate::support::ask(&program, "GET", "/v1/connections/current", &headers, "").await;
    assert_eq!(current.status, 200, "{}", current.text());

    fs::write(&file, bearer_provider(&provider.url())).unwrap();
    assert!(program.stop().success());
    program.resume();
    assert_eq!(call(&program).await.status, 200);
    assert_eq!(program.api("DELETE", &path, "").await.status, 204);
    program.finish().await;
}
