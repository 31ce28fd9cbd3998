//! One long walk through everything that the program can do and everything that can go wrong, at the most
//! talkative log level, with a canary in every place that a secret can be in. At its end no canary may be found in
//! what the program or its commands have printed, in an answer that is our own, or in any byte of its database.

use std::fs;
use std::process::{Command, Stdio};

use data_encoding::{BASE64, BASE64URL};
use http::{HeaderValue, StatusCode};
use http_body_util::Full;
use passthrough_testkit::echo::EchoProvider;
use passthrough_testkit::http::Response;
use passthrough_testkit::program::{CANARY, Connected, Engine, Program, canary};
use passthrough_testkit::raw_server::{Authority, RawServer, Step};
use serde_json::{Value, json};

use crate::keyring::turn;
use crate::support::{ask, on_both_databases, setup};

on_both_databases! {
    no_canary_is_found_after_a_walk_through_everything
}

/// One auth entry per way of putting a secret into a request.
fn provider(url: &str, verify: &str) -> String {
    format!(
        r#"name = "Leaky"
base_url = "{url}/base"
verify = {{ request = "GET {verify}", account_id = "/id", account_label = "/name" }}
variables.region.label = "Region"
variables.region.secret = true
variables.region.default = ""
[auth.bearer]
grant = "static"
fields.secret = {{ label = "Secret", secret = true }}
inject.headers.authorization = "Bearer {{secret}}"
inject.headers.x-region = "{{region}}"
[auth.basic]
grant = "static"
fields.user = {{ label = "User", secret = true }}
fields.secret = {{ label = "Secret", secret = true }}
inject.headers.authorization = "Basic {{base64({{user}}:{{secret}})}}"
[auth.query]
grant = "static"
fields.secret = {{ label = "Secret", secret = true }}
inject.query.key = "{{secret}}"
[auth.cookie]
grant = "static"
fields.secret = {{ label = "Secret", secret = true }}
inject.cookies.session = "{{secret}}"
[auth.path]
grant = "static"
fields.secret = {{ label = "Secret", secret = true }}
inject.path = "bot{{secret}}"
[auth.body]
grant = "static"
fields.secret = {{ label = "Secret", secret = true }}
inject.body."/token" = "{{secret}}"
[auth.certificate]
grant = "static"
fields.certificate = {{ label = "Certificate" }}
fields.private_key = {{ label = "Private key", secret = true }}
fields.secret = {{ label = "Secret", secret = true }}
inject.headers.x-key = "{{secret}}"
inject.client_certificate = {{ certificate = "{{certificate}}", private_key = "{{private_key}}" }}
"#
    )
}

const AUTHS: [&str; 6] = ["bearer", "basic", "query", "cookie", "path", "body"];

/// Answers with everything that it was sent, in body and headers, as a provider does that was never thought through.
async fn chatty() -> EchoProvider {
    EchoProvider::answering(|seen| {
        let all = format!("{} {:?} {}", seen.target, seen.headers, String::from_utf8_lossy(&seen.body));
        let mut response = http::Response::new(Full::from(json!({"id": all, "name": all}).to_string()));
        if seen.target.contains("refuse") {
            *response.status_mut() = StatusCode::UNAUTHORIZED;
        }
        if seen.target.contains("away") {
            *response.status_mut() = StatusCode::FOUND;
            response.headers_mut().insert("location", HeaderValue::from_static("http://127.0.0.1:1/away"));
        }
        let headers = response.headers_mut();
        headers.insert("content-type", HeaderValue::from_static("application/json"));
        for (_, value) in &seen.headers {
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.append("x-echo", value);
            }
        }
        response
    })
    .await
}

struct Walk {
    program: Program,
    /// The files that commands read secrets from.
    files: tempfile::TempDir,
}

impl Walk {
    /// An answer of our own, whatever its status, has no canary in it.
    fn clean(answer: &Response, place: &str) {
        let ours = answer.header("passthrough-source").is_none_or(|source| source == "passthrough");
        assert!(!ours || !answer.text().contains(CANARY), "{place}: {}", answer.text());
        for (name, value) in &answer.headers {
            // What a provider echoes of the caller's own is the caller's.
            let value = value.replace(&format!("{CANARY}caller"), "");
            assert!(!value.contains(CANARY), "{place}: {name}: {value}");
        }
    }

    async fn api(&self, method: &str, path: &str, body: &str) -> Response {
        let answer = self.program.api(method, path, body).await;
        Self::clean(&answer, &format!("{method} {path}"));
        answer
    }

    async fn connect(&mut self, auth: &str, provider: &str, credentials: Value) -> Connected {
        let variables = json!({"region": canary("region")});
        let request =
            json!({"provider": provider, "auth": auth, "credentials": credentials, "variables": variables});
        self.program.connect(&request.to_string()).await
    }

    /// Every door, with secrets of the caller in every place, and the credential echoed back.
    async fn through_all_doors(&self, connection: &Connected, path: &str) {
        let text = canary("caller");
        let wanted = path.trim_start_matches('/');
        let headers = [("x-secret", text.as_str()), ("cookie", &text), ("content-type", "application/json")];
        let query = format!("token={text}&{text}=1");
        for method in ["GET", "POST", "DELETE", "PATCH"] {
            let body = if method == "POST" { format!(r#"{{"a":"{text}"}}"#) } else { String::new() };
            let path = format!("/v1/proxy/{wanted}?{query}");
            let answer = self.program.on(connection, method, &path, &headers, body.clone()).await;
            Self::clean(&answer, &path);
            let envelope = json!({
                "method": method, "path": format!("/{wanted}?{query}"), "query": {"q": text}, "headers": {"x-secret": text},
                "body": if body.is_empty() { Value::Null } else { json!({"a": text}) }
            });
            for door in ["/v1/passthrough", "/v1/passthrough/raw", "/tsp/v1/passthrough"] {
                let answer = self.program.on(connection, "POST", door, &[], envelope.to_string()).await;
                Self::clean(&answer, door);
            }
        }
    }

    /// A command; none of its outputs may hold a canary, whatever it was given.
    fn command(&self, arguments: &[&str], input: Option<&str>) -> (i32, String) {
        let mut command = self.program.command(arguments);
        if matches!(arguments[0], "request" | "requests" | "connection") {
            let key = self.file("api-key", &self.program.key);
            command.args(["--server", &self.program.url, "--api-key", &format!("@{key}")]);
        }
        let (code, output) = run(command, input);
        assert!(!output.contains(CANARY), "{arguments:?}: {output}");
        (code, output)
    }

    fn file(&self, name: &str, content: &str) -> String {
        let path = self.files.path().join(name);
        fs::write(&path, content).unwrap();
        path.display().to_string()
    }
}

fn run(mut command: Command, input: Option<&str>) -> (i32, String) {
    use std::io::Write;
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let _ = child.stdin.take().unwrap().write_all(input.unwrap_or_default().as_bytes());
    let output = child.wait_with_output().unwrap();
    let text = [output.stdout, output.stderr].concat();
    (output.status.code().unwrap(), String::from_utf8_lossy(&text).into_owned())
}

async fn no_canary_is_found_after_a_walk_through_everything(engine: Engine) {
    let chatty = chatty().await;
    let garbage = vec![
        vec![Step::ReadRequest, Step::write("HTTP/1.1 2OO nonsense\r\n\r\n")],
        vec![Step::ReadRequest, Step::Reset],
    ];
    let broken = RawServer::start((0..40).flat_map(|_| garbage.clone()).collect()).await.unwrap();
    let authority = Authority::new("localhost").unwrap();
    let plain =
        RawServer::start(vec![vec![Step::write("HTTP/1.1 400 no TLS here\r\n\r\n")]; 40]).await.unwrap();
    let setup = setup(engine)
        .provider("leaky", &provider(&chatty.url(), "/me"))
        .provider("refusing", &provider(&chatty.url(), "/refuse"))
        .provider("closed", &provider("http://127.0.0.1:1", "/me"))
        .provider("broken", &provider(&format!("http://{}", broken.address()), "/me"))
        .provider("tls", &provider(&format!("https://{}", plain.address()), "/me"))
        .provider("nowhere", &provider("https://nowhere.invalid", "/me"))
        .provider("blocked", &provider("https://169.254.169.254", "/me"));
    let program = setup.variable("PASSTHROUGH_LOG", "trace").start().await;
    let mut walk = Walk { program, files: tempfile::tempdir().unwrap() };

    let mut connections = Vec::new();
    for provider in ["leaky", "refusing", "closed", "broken", "tls", "nowhere"] {
        for auth in AUTHS {
            let secret = canary(auth);
            let mut credentials = json!({"secret": secret});
            if auth == "basic" {
                credentials["user"] = json!(canary("user"));
            }
            let connection = walk.connect(auth, provider, credentials).await;
            connections.push((provider, connection, secret));
        }
    }
    let issued = authority.issue("client").unwrap();
    let secret = canary("mtls");
    let credentials = json!({"certificate": issued.pem(), "private_key": issued.key_pem(), "secret": secret});
    let key_line = issued.key_pem().lines().nth(1).unwrap().to_owned();
    walk.program.watch(&key_line);
    connections.push(("leaky", walk.connect("certificate", "leaky", credentials).await, secret));

    for (provider, connection, secret) in &connections {
        walk.api("POST", &format!("/v1/connections/{}/verify", connection.id), "").await;
        walk.api("PATCH", &format!("/v1/connections/{}", connection.id), r#"{"status":"connected"}"#).await;
        if *provider == "leaky" {
            walk.through_all_doors(connection, "/orders").await;
            walk.through_all_doors(connection, "/away").await;
            // The credential in a path of the caller's own, in every spelling that undoes itself.
            for spelling in
                [secret.clone(), BASE64URL.encode(secret.as_bytes()), BASE64.encode(secret.as_bytes())]
            {
                let path = format!("/v1/proxy/x/{}", spelling.replace('/', "%2F").replace('+', "%2B"));
                Walk::clean(&walk.program.on(connection, "GET", &path, &[], "").await, "own path");
            }
        } else {
            let answer = walk.program.on(connection, "GET", "/v1/proxy/orders", &[], "").await;
            Walk::clean(&answer, provider);
            let envelope = r#"{"method":"POST","path":"/orders","body":{}}"#;
            Walk::clean(
                &walk.program.on(connection, "POST", "/v1/passthrough", &[], envelope).await,
                provider,
            );
        }
    }

    mistakes(&walk, &connections[0].1).await;
    resources(&walk, &connections[0].1).await;
    commands(&mut walk, &connections[0].1).await;
    environ(&walk);
    assert!(walk.program.log().contains("DEBUG"), "the log was not as talkative as it can be");
    walk.program.finish().await;
}

/// Requests that are wrong, each with a secret in the wrong place.
async fn mistakes(walk: &Walk, connection: &Connected) {
    let secret = canary("mistake");
    let create = |text: String| text.replace("SECRET", &secret);
    for body in [
        r#"{"provider":"leaky","auth":"bearer","credentials":{"secret":"SECRET"}"#,
        r#"{"provider":"leaky","auth":"bearer","credentials":{"secret":SECRET}}"#,
        r#"{"provider":"leaky","auth":"bearer","credentials":{"secret":["SECRET"]}}"#,
        r#"{"provider":"leaky","auth":"bearer","credentials":"SECRET"}"#,
        r#"{"provider":"leaky","auth":"bearer","credentials":{"secret":"SECRET\n"}}"#,
        r#"{"provider":"leaky","auth":"bearer","credentials":{"secret":"SECRET\u0000"}}"#,
        r#"{"provider":"leaky","auth":"bearer","credentials":{"sekret":"SECRET"}}"#,
        r#"{"provider":"leaky","auth":"bearer","credential":{"secret":"SECRET"}}"#,
        r#"{"provider":"leaky","auth":"certificate","credentials":{"secret":"a","certificate":"SECRET","private_key":"SECRET"}}"#,
        r#"{"provider":"refusing","auth":"bearer","credentials":{"secret":"SECRET"},"verify":true}"#,
        r#"{"provider":"closed","auth":"query","credentials":{"secret":"SECRET"},"verify":true}"#,
        r#"{"provider":"broken","auth":"path","credentials":{"secret":"SECRET"},"verify":true}"#,
        r#"{"provider":"tls","auth":"bearer","credentials":{"secret":"SECRET"},"verify":true}"#,
        r#"{"provider":"blocked","auth":"bearer","credentials":{"secret":"SECRET"},"verify":true}"#,
        r#"{"provider":"custom","auth":"bearer","credentials":{"token":"SECRET"},"variables":{"base_url":"https://user:SECRET@127.0.0.1"}}"#,
        r#"{"provider":"custom","auth":"bearer","credentials":{"token":"SECRET"},"variables":{"base_url":"https://127.0.0.1/?key=SECRET"}}"#,
        r#"{"provider":"custom","auth":"header","credentials":{"name":"x y","value":"SECRET"},"variables":{"base_url":"https://127.0.0.1"}}"#,
        "SECRET",
    ] {
        let answer = walk.api("POST", "/v1/connections", &create(body.to_owned())).await;
        assert!(answer.status.as_u16() >= 400, "{body}: {}", answer.text());
    }
    for patch in
        [r#"{"credentials":{"secret":7,"x":"SECRET"}}"#, r#"{"variables":{"regio":"SECRET"}}"#, "[SECRET"]
    {
        walk.api("PATCH", &format!("/v1/connections/{}", connection.id), &create(patch.to_owned())).await;
    }
    for body in [
        r#"{"method":"GET","path":"/a","headers":{"x y":"SECRET"}}"#,
        r#"{"method":"GET","path":"/a","headers":{"x":"SECRET\r\nx: y"}}"#,
        r#"{"method":"POST","path":"/a","body":"SECRET","bodyEncoding":"base64"}"#,
        r#"{"method":"GET","path":"/a","boddy":"SECRET"}"#,
        r#"{"method":"GET","path":"/a","body":"SECRET""#,
        r#"{"method":"GET","path":"/a","timeoutMs":"SECRET"}"#,
        r#"{"method":"GET","path":"//example.com/a?SECRET"}"#,
    ] {
        for door in ["/v1/passthrough", "/v1/passthrough/raw", "/tsp/v1/passthrough"] {
            Walk::clean(&walk.program.on(connection, "POST", door, &[], create(body.to_owned())).await, body);
        }
    }
    let bearer = format!("Bearer {secret}");
    let basic = format!("Basic {}", BASE64.encode(format!("user:{secret}").as_bytes()));
    let own = format!("Bearer {}", walk.program.key);
    for headers in [
        &[("authorization", bearer.as_str())][..],
        &[("authorization", &basic)],
        &[("authorization", &secret)],
        &[("authorization", &own), ("authorization", &bearer)],
        &[("authorization", &own), ("connection-token", &secret)],
        &[("authorization", &own), ("connection-token", &connection.token), ("x-connection-token", &secret)],
        &[("authorization", &own), ("connection-token", &walk.program.key)],
        &[("authorization", &own), ("passthrough-timeout-ms", &secret)],
        &[("authorization", &own), ("connection-token", &connection.token), ("passthrough-base", &secret)],
        &[("x-api-key", &secret), ("cookie", &secret)],
    ] {
        for path in ["/v1/passthrough", "/v1/proxy/a", "/v1/connections", "/tsp/v1/connections", "/nothing"] {
            let path = format!("{path}?key={secret}");
            Walk::clean(&ask(&walk.program, "POST", &path, headers, &secret).await, &path);
        }
    }
    // Tokens of ours in the path and query, where people put them.
    for path in [
        format!("/v1/proxy/a/{}/b", connection.token),
        format!("/v1/proxy/a/{}/b", walk.program.key),
        format!("/v1/proxy/a?token={}", connection.token),
        format!("/v1/requests?cursor={secret}"),
    ] {
        Walk::clean(&walk.program.on(connection, "GET", &path, &[], "").await, "tokens in the query");
    }
}

/// Every resource of the API.
async fn resources(walk: &Walk, connection: &Connected) {
    let id = &connection.id;
    for path in [
        "/v1/providers",
        "/v1/providers/leaky",
        "/v1/connections?limit=500",
        "/v1/requests?limit=500",
        "/v1/api-keys",
        "/v1/connections/current",
        "/openapi.json",
        "/healthz",
        "/readyz",
        "/metrics",
        "/docs",
        "/nothing",
        "/tsp/v1/providers",
        "/tsp/v1/connections",
        "/tsp/v1/connections/current",
    ] {
        walk.api("GET", path, "").await;
        Walk::clean(&walk.program.on(connection, "GET", path, &[], "").await, path);
    }
    walk.api("GET", &format!("/v1/connections/{id}"), "").await;
    let patch =
        json!({"credentials": {"secret": canary("patched")}, "variables": {"region": canary("patched")}});
    assert_eq!(walk.api("PATCH", &format!("/v1/connections/{id}"), &patch.to_string()).await.status, 200);
    walk.through_all_doors(connection, "/orders").await;
}

/// Every command that needs no terminal.
async fn commands(walk: &mut Walk, connection: &Connected) {
    let (secret, id) = (canary("command"), connection.id.as_str());
    let at_secret = walk.file("secret", &secret);
    let at_token = walk.file("token", &connection.token);
    let from = json!({"provider": "leaky", "auth": "query", "credentials": {"secret": secret}}).to_string();
    let broken = walk.file("broken.json", &from[..from.len() - 1]);
    let from = walk.file("connection.json", &from);
    let create = ["connection", "create", "--no-input", "--provider", "leaky", "--auth", "bearer"];
    let with = |more: &[&'static str]| [&create[..], more].concat();
    let given = format!("secret=@{at_secret}");
    let (code, made) = walk.command(&[&create[..], &["--credential", &given, "--quiet"]].concat(), None);
    assert_eq!(code, 0, "{made}");
    walk.program.watch(made.trim());
    assert_eq!(walk.command(&with(&["--credential", "secret=-"]), Some(&secret)).0, 0);
    assert_eq!(walk.command(&["connection", "create", "--no-input", "--from", &from], None).0, 0);
    assert_ne!(walk.command(&["connection", "create", "--no-input", "--from", &broken], None).0, 0);
    let refused =
        ["connection", "create", "--no-input", "--provider", "refusing", "--verify", "--auth", "bearer"];
    assert_ne!(walk.command(&[&refused[..], &["--credential", &given]].concat(), None).0, 0);
    let token = format!("@{at_token}");
    let body = format!("@{at_secret}");
    let request = |method, path| ["request", method, path, "--connection-token", token.as_str()];
    for more in [&["-d", body.as_str()][..], &["--envelope"], &["-i"], &["--raw"]] {
        // What the provider echoes of the caller's own body is the caller's; the credential is not shown.
        let mut command = walk.program.command(&[&request("POST", "/orders")[..], more].concat());
        let key = walk.file("api-key", &walk.program.key);
        command.args(["--server", &walk.program.url, "--api-key", &format!("@{key}")]);
        run(command, None);
    }
    for arguments in [
        &["connection", "list"][..],
        &["connection", "list", "--output", "json"],
        &["connection", "show", id],
        &["connection", "verify", id],
        &["connection", "archive", id],
        &["connection", "archive", id, "--restore"],
        &["requests", "list"],
        &["requests", "list", "--output", "json"],
        &["key", "list"],
        &["provider", "list"],
        &["provider", "show", "leaky"],
        &["keyring", "status"],
        &["migrate"],
        &["migrate", "--check"],
        &["doctor"],
        &["connection", "delete", id, "--yes"],
    ] {
        let mut arguments = arguments.to_vec();
        let providers = walk.program.providers_dir().display().to_string();
        if arguments[0] == "provider" {
            arguments.extend(["--providers", &providers]);
        }
        walk.command(&arguments, None);
    }
    let new = turn(&walk.program, &["add"]).await;
    turn(&walk.program, &["promote", &new]).await;
    turn(&walk.program, &["rewrap"]).await;
}

/// Everybody on the machine can read the command line of a process, and its own user the environment.
fn environ(walk: &Walk) {
    let command_line = fs::read(format!("/proc/{}/cmdline", walk.program.pid())).unwrap();
    let environment = fs::read(format!("/proc/{}/environ", walk.program.pid())).unwrap();
    for bytes in [command_line, environment] {
        let text = String::from_utf8_lossy(&bytes).into_owned();
        assert!(!text.contains(CANARY) && !text.contains("sk_") && !text.contains("con_tkn_"), "{text}");
    }
}
