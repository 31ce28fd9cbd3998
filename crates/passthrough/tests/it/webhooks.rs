//! Events and webhooks: what is told to whom, how it is signed, and what becomes of it when nobody listens.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use aws_lc_rs::hmac;
use bytes::Bytes;
use data_encoding::BASE64;
use http_body_util::Full;
use passthrough_testkit::echo::{EchoProvider, Seen};
use passthrough_testkit::http::Response;
use passthrough_testkit::program::{Engine, Program, canary};
use serde_json::{Value, json as value};

use crate::support::{bearer_provider, failure, json, on_both_databases, paths, setup, with_key};

on_both_databases! {
    an_endpoint_is_told_what_it_wants_under_a_signature_that_verifies
    a_refusal_disconnects_and_a_new_credential_reconnects_and_both_are_told
    after_a_rotation_two_secrets_sign
    what_is_not_taken_is_tried_again_and_can_be_sent_again
    an_endpoint_that_is_gone_is_switched_off
    every_mistake_is_named_and_no_secret_comes_back
    what_belongs_to_another_environment_is_none
    two_processes_send_each_message_once
    a_message_under_way_is_finished_when_the_server_stops
    an_endpoint_that_never_answers_does_not_hold_up_another
}

/// Somebody who takes webhooks and answers with a status that can be changed.
struct Receiver {
    server: EchoProvider,
    status: Arc<AtomicU16>,
}

impl Receiver {
    async fn start(status: u16) -> Self {
        let status = Arc::new(AtomicU16::new(status));
        let answers = Arc::clone(&status);
        let server = EchoProvider::answering(move |_: &Seen| {
            let status = answers.load(Ordering::Relaxed);
            http::Response::builder().status(status).body(Full::new(Bytes::from_static(b"ok"))).unwrap()
        });
        Self { server: server.await, status }
    }

    fn url(&self) -> String {
        format!("{}/hooks?from=test", self.server.url())
    }

    /// Waits for so many messages.
    async fn messages(&self, count: usize) -> Vec<Seen> {
        for _ in 0..400 {
            let seen = self.server.seen();
            if seen.len() >= count {
                return seen;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("{} messages came, not {count}", self.server.seen().len());
    }
}

/// The signatures that a receiver would accept for a message, one for each secret.
fn expected(secret: &str, message: &Seen) -> String {
    let key = BASE64.decode(secret.strip_prefix("whsec_").unwrap().as_bytes()).unwrap();
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let one = |name: &str| {
        let values = message.header(name);
        assert_eq!(values.len(), 1, "{name}");
        values[0].to_owned()
    };
    let signed =
        [one("webhook-id").as_bytes(), b".", one("webhook-timestamp").as_bytes(), b".", &message.body]
            .concat();
    format!("v1,{}", BASE64.encode(hmac::sign(&key, &signed).as_ref()))
}

async fn program(engine: Engine) -> (Program, EchoProvider) {
    let provider = EchoProvider::start().await;
    let file = bearer_provider(&format!("{}/base", provider.url()));
    (setup(engine).provider("shop", &file).start().await, provider)
}

async fn post(program: &Program, path: &str, body: &Value) -> Response {
    program.api("POST", path, &body.to_string()).await
}

/// Makes an endpoint; gives its id and its secret.
async fn endpoint(program: &mut Program, url: &str, kinds: &[&str]) -> (String, String) {
    let made = post(program, "/v1/webhook-endpoints", &value!({ "url": url, "kinds": kinds })).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let made = json(&made);
    let secret = made["secret"].as_str().unwrap().to_owned();
    program.watch(&secret);
    (made["id"].as_str().unwrap().to_owned(), secret)
}

/// Makes a connection of this end user; gives its id.
async fn connect(program: &mut Program, external_id: &str) -> String {
    let request = value!({ "provider": "shop", "credentials": { "api_key": canary("key") }, "externalId": external_id });
    program.connect(&request.to_string()).await.id
}

async fn deliveries(program: &Program, query: &str) -> Vec<Value> {
    let page = json(&program.api("GET", &format!("/v1/webhook-deliveries{query}"), "").await);
    page["results"].as_array().unwrap().clone()
}

/// Waits until a delivery is of this status.
async fn until(program: &Program, id: &str, status: &str) -> Value {
    let mut last = Value::Null;
    for _ in 0..400 {
        last = json(&program.api("GET", &format!("/v1/webhook-deliveries/{id}"), "").await);
        if last["status"] == status {
            return last;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("not {status}: {last}");
}

async fn an_endpoint_is_told_what_it_wants_under_a_signature_that_verifies(engine: Engine) {
    let (mut program, _provider) = program(engine).await;
    let receiver = Receiver::start(204).await;
    let (id, secret) =
        endpoint(&mut program, &receiver.url(), &["connection.created", "connection.deleted"]).await;
    let connection = connect(&mut program, "customer-42").await;
    assert_eq!(program.api("DELETE", &format!("/v1/connections/{connection}"), "").await.status, 204);

    let messages = receiver.messages(2).await;
    let events = json(&program.api("GET", &format!("/v1/events?connection={connection}"), "").await);
    let events = events["results"].as_array().unwrap();
    assert_eq!(events.len(), 2, "{events:?}");
    let types: Vec<&str> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["connection.deleted", "connection.created"]);
    for message in &messages {
        assert_eq!((message.method.as_str(), message.target.as_str()), ("POST", "/hooks?from=test"));
        assert_eq!(message.header("content-type"), ["application/json"]);
        assert_eq!(message.header("webhook-signature"), [expected(&secret, message).as_str()]);
        let body: Value = serde_json::from_slice(&message.body).unwrap();
        assert_eq!(message.header("webhook-id"), [body["id"].as_str().unwrap()]);
        assert!(events.contains(&body), "{body}");
        assert_eq!(body["data"]["connectionId"], connection);
        assert_eq!(body["data"]["externalId"], "customer-42");
        assert_eq!(
            (&body["data"]["provider"], &body["data"]["integration"]),
            (&value!("shop"), &value!("shop"))
        );
        let age = passthrough_wire::time::parse(body["timestamp"].as_str().unwrap()).unwrap() / 1_000
            - message.header("webhook-timestamp")[0].parse::<i64>().unwrap();
        assert!(age.abs() < 60, "{age}");
    }
    let one =
        json(&program.api("GET", &format!("/v1/events/{}", events[0]["id"].as_str().unwrap()), "").await);
    assert_eq!(&one, &events[0]);
    let of_type = json(&program.api("GET", "/v1/events?type=connection.created&limit=1", "").await);
    assert_eq!(of_type["results"].as_array().unwrap().len(), 1);
    for delivery in deliveries(&program, &format!("?endpoint={id}")).await {
        let delivered = until(&program, delivery["id"].as_str().unwrap(), "delivered").await;
        assert_eq!((&delivered["attempts"], &delivered["lastStatusCode"]), (&value!(1), &value!(204)));
    }
    program.finish().await;
}

async fn a_refusal_disconnects_and_a_new_credential_reconnects_and_both_are_told(engine: Engine) {
    let refusing = EchoProvider::answering(|_: &Seen| {
        http::Response::builder().status(401).body(Full::new(Bytes::new())).unwrap()
    });
    let refusing = refusing.await;
    let file = bearer_provider(&format!("{}/base", refusing.url()));
    let mut program = setup(engine).provider("shop", &file).start().await;
    let receiver = Receiver::start(200).await;
    let kinds = ["connection.disconnected", "connection.reconnected"];
    endpoint(&mut program, &receiver.url(), &kinds).await;
    let connection = connect(&mut program, "customer-7").await;
    let path = format!("/v1/connections/{connection}");
    for _ in 0..2 {
        assert_eq!(program.api("POST", &format!("{path}/verify"), "").await.status, 200);
    }
    receiver.messages(1).await;
    let new = value!({ "credentials": { "api_key": canary("key") } });
    assert_eq!(program.api("PATCH", &path, &new.to_string()).await.status, 200);
    let messages = receiver.messages(2).await;
    let bodies: Vec<Value> =
        messages.iter().map(|message| serde_json::from_slice(&message.body).unwrap()).collect();
    let types: Vec<&str> = bodies.iter().map(|body| body["type"].as_str().unwrap()).collect();
    assert_eq!(types, kinds);
    assert_eq!(bodies[0]["data"]["reason"], "verify");
    assert_eq!(receiver.server.seen().len(), 2);
    program.finish().await;
}

async fn after_a_rotation_two_secrets_sign(engine: Engine) {
    let (mut program, _provider) = program(engine).await;
    let receiver = Receiver::start(200).await;
    let (id, old) = endpoint(&mut program, &receiver.url(), &["connection.created"]).await;
    let rotated =
        json(&post(&program, &format!("/v1/webhook-endpoints/{id}/rotate-secret"), &value!({})).await);
    let new = rotated["secret"].as_str().unwrap().to_owned();
    program.watch(&new);
    assert!(new.starts_with("whsec_") && new != old && rotated["oldSecretUntil"].is_string(), "{rotated}");
    connect(&mut program, "a").await;
    let message = receiver.messages(1).await.remove(0);
    let both = format!("{} {}", expected(&new, &message), expected(&old, &message));
    assert_eq!(message.header("webhook-signature"), [both.as_str()]);

    // Another rotation on the same day ends no secret before the time that was promised for it.
    let path = format!("/v1/webhook-endpoints/{id}/rotate-secret");
    let third = json(&post(&program, &path, &value!({})).await)["secret"].as_str().unwrap().to_owned();
    program.watch(&third);
    connect(&mut program, "b").await;
    let message = receiver.messages(2).await.remove(1);
    let all = [&third, &new, &old].map(|secret| expected(secret, &message)).join(" ");
    assert_eq!(message.header("webhook-signature"), [all.as_str()]);
    for status in [200, 200, 409] {
        let rotated = post(&program, &path, &value!({})).await;
        assert_eq!(rotated.status, status, "{}", rotated.text());
        if status == 200 {
            program.watch(json(&rotated)["secret"].as_str().unwrap());
        }
    }
    program.finish().await;
}

async fn an_endpoint_that_never_answers_does_not_hold_up_another(engine: Engine) {
    let (mut program, _provider) = program(engine).await;
    let silent = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", silent.local_addr().unwrap());
    let held = tokio::spawn(async move {
        let mut sockets = Vec::new();
        loop {
            sockets.push(silent.accept().await.unwrap());
        }
    });
    endpoint(&mut program, &url, &["connection.created"]).await;
    let receiver = Receiver::start(200).await;
    let (id, _) = endpoint(&mut program, &receiver.url(), &["webhook.test"]).await;
    for customer in 0..150 {
        connect(&mut program, &customer.to_string()).await;
    }
    // Each of them holds its place for fifteen seconds.
    let test = json(&post(&program, &format!("/v1/webhook-endpoints/{id}/test"), &value!({})).await);
    let began = std::time::Instant::now();
    until(&program, test["id"].as_str().unwrap(), "delivered").await;
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
    assert_eq!(deliveries(&program, "?status=delivered").await.len(), 1);
    held.abort();
    program.finish().await;
}

async fn what_is_not_taken_is_tried_again_and_can_be_sent_again(engine: Engine) {
    let (mut program, _provider) = program(engine).await;
    let receiver = Receiver::start(500).await;
    let (id, _) = endpoint(&mut program, &receiver.url(), &[]).await;
    let connection = connect(&mut program, "a").await;
    receiver.messages(1).await;
    tokio::time::sleep(Duration::from_millis(300)).await;
    let first = deliveries(&program, &format!("?endpoint={id}&status=pending")).await.remove(0);
    assert_eq!((&first["attempts"], &first["lastStatusCode"]), (&value!(1), &value!(500)));
    assert_eq!(first["lastError"], "status");
    assert!(first["nextAttemptAt"].is_string(), "{first}");
    receiver.status.store(302, Ordering::Relaxed);
    let messages = receiver.messages(2).await;
    assert_eq!(messages[0].header("webhook-id"), messages[1].header("webhook-id"));
    assert_eq!(messages[0].body, messages[1].body);
    receiver.status.store(200, Ordering::Relaxed);

    // Nobody waits for the next try who does not want to.
    let delivery = first["id"].as_str().unwrap();
    tokio::time::sleep(Duration::from_millis(300)).await;
    let replay = format!("/v1/webhook-deliveries/{delivery}/replay");
    assert_eq!(post(&program, &replay, &value!({})).await.status, 202);
    until(&program, delivery, "delivered").await;
    assert_eq!(receiver.server.seen().len(), 3);
    // An event goes to endpoints that were made after it, too.
    let later = Receiver::start(200).await;
    endpoint(&mut program, &later.url(), &["connection.created"]).await;
    let event = first["eventId"].as_str().unwrap();
    let replayed = json(&post(&program, &format!("/v1/events/{event}/replay"), &value!({})).await);
    assert_eq!(replayed["deliveries"], 2);
    let message = later.messages(1).await.remove(0);
    assert_eq!(message.header("webhook-id"), [event]);
    assert!(String::from_utf8_lossy(&message.body).contains(&connection));
    program.finish().await;
}

async fn an_endpoint_that_is_gone_is_switched_off(engine: Engine) {
    let (mut program, _provider) = program(engine).await;
    let receiver = Receiver::start(410).await;
    let (id, _) = endpoint(&mut program, &receiver.url(), &[]).await;
    let path = format!("/v1/webhook-endpoints/{id}");
    let test = json(&post(&program, &format!("{path}/test"), &value!({})).await);
    let failed = until(&program, test["id"].as_str().unwrap(), "failed").await;
    assert_eq!((&failed["lastStatusCode"], &failed["lastError"]), (&value!(410), &value!("gone")));
    assert_eq!(json(&program.api("GET", &path, "").await)["enabled"], false);
    failure(&post(&program, &format!("{path}/test"), &value!({})).await, 409, "conflict");
    connect(&mut program, "a").await;
    assert_eq!(deliveries(&program, "?status=pending").await.len(), 0);

    receiver.status.store(200, Ordering::Relaxed);
    let on = program.api("PATCH", &path, &value!({ "enabled": true }).to_string()).await;
    assert_eq!(json(&on)["enabled"], true);
    let test = json(&post(&program, &format!("{path}/test"), &value!({})).await);
    until(&program, test["id"].as_str().unwrap(), "delivered").await;
    let body: Value = serde_json::from_slice(&receiver.server.last().body).unwrap();
    assert_eq!(body["type"], "webhook.test");
    assert_eq!(program.api("DELETE", &path, "").await.status, 204);
    failure(&program.api("GET", &path, "").await, 404, "not_found");
    assert_eq!(deliveries(&program, "").await.len(), 0);
    program.finish().await;
}

async fn every_mistake_is_named_and_no_secret_comes_back(engine: Engine) {
    let (mut program, _provider) = program(engine).await;
    let cases = [
        (value!({}), "url", "missing"),
        (value!({ "url": "nowhere" }), "url", ""),
        (value!({ "url": "ftp://hooks.example.com/" }), "url", ""),
        (value!({ "url": "https://user:pw@hooks.example.com/" }), "url", ""),
        (value!({ "url": "https://hooks.example.com/#x" }), "url", "no fragment"),
        (value!({ "url": "https://hooks.example.com/?a=b c" }), "url", "percent-encode it"),
        (value!({ "url": "https://hooks.example.com/?name=Zo\u{eb}" }), "url", "percent-encode it"),
        (value!({ "url": "https://10.1.2.3/hooks" }), "url", ""),
        (value!({ "url": "https://169.254.169.254/latest" }), "url", ""),
        (value!({ "url": "http://10.1.2.3/hooks" }), "url", ""),
        (
            value!({ "url": "https://hooks.example.com", "kinds": ["connection.create"] }),
            "kinds",
            "connection.created",
        ),
        (value!({ "url": "https://hooks.example.com", "kind": [] }), "kind", "did you mean `kinds`?"),
    ];
    for (request, path, part) in cases {
        let body = failure(&post(&program, "/v1/webhook-endpoints", &request).await, 400, "bad_request");
        assert_eq!(paths(&body), [path], "{request}: {body}");
        assert!(body["detail"][0]["message"].as_str().unwrap().contains(part), "{body}");
    }
    let (id, secret) = endpoint(&mut program, "https://hooks.example.com/a", &[]).await;
    let path = format!("/v1/webhook-endpoints/{id}");
    for shown in [
        program.api("GET", &path, "").await.text(),
        program.api("GET", "/v1/webhook-endpoints", "").await.text(),
        program.api("PATCH", &path, r#"{"kinds":["connection.deleted"]}"#).await.text(),
    ] {
        assert!(shown.contains(&id) && !shown.contains(&secret), "{shown}");
    }
    let wrong = program.api("PATCH", &path, r#"{"url":"https://127.0.0.2.nip/#"}"#).await;
    failure(&wrong, 400, "bad_request");
    failure(&program.api("GET", "/v1/webhook-deliveries?status=lost", "").await, 400, "bad_request");
    failure(&program.api("GET", "/v1/events?kind=x", "").await, 400, "bad_request");
    program.finish().await;
}

async fn what_belongs_to_another_environment_is_none(engine: Engine) {
    let (mut program, _provider) = program(engine).await;
    let receiver = Receiver::start(200).await;
    let (id, _) = endpoint(&mut program, &receiver.url(), &[]).await;
    connect(&mut program, "a").await;
    receiver.messages(1).await;
    let delivery = deliveries(&program, "").await.remove(0);
    let other = program.create_key("other");
    let ask = async |method: &str, path: &str| with_key(&program, &other, method, path, "").await;
    for list in ["/v1/webhook-endpoints", "/v1/webhook-deliveries", "/v1/events"] {
        assert_eq!(json(&ask("GET", list).await)["results"], value!([]), "{list}");
    }
    let (event, delivery) = (delivery["eventId"].as_str().unwrap(), delivery["id"].as_str().unwrap());
    for (method, path) in [
        ("GET", format!("/v1/webhook-endpoints/{id}")),
        ("DELETE", format!("/v1/webhook-endpoints/{id}")),
        ("POST", format!("/v1/webhook-endpoints/{id}/rotate-secret")),
        ("POST", format!("/v1/webhook-endpoints/{id}/test")),
        ("GET", format!("/v1/webhook-deliveries/{delivery}")),
        ("POST", format!("/v1/webhook-deliveries/{delivery}/replay")),
        ("GET", format!("/v1/events/{event}")),
        ("POST", format!("/v1/events/{event}/replay")),
    ] {
        failure(&ask(method, &path).await, 404, "not_found");
    }
    program.finish().await;
}

async fn two_processes_send_each_message_once(engine: Engine) {
    let (mut program, _provider) = program(engine).await;
    let receiver = Receiver::start(200).await;
    endpoint(&mut program, &receiver.url(), &["connection.created"]).await;
    let _second = program.second_server();
    for number in 0..60 {
        connect(&mut program, &format!("customer-{number}")).await;
    }
    let messages = receiver.messages(60).await;
    tokio::time::sleep(Duration::from_millis(1_500)).await;
    assert_eq!(receiver.server.seen().len(), 60);
    let ids: BTreeSet<String> =
        messages.iter().map(|message| message.header("webhook-id")[0].to_owned()).collect();
    assert_eq!(ids.len(), 60);
    program.finish().await;
}

async fn a_message_under_way_is_finished_when_the_server_stops(engine: Engine) {
    let (mut program, _provider) = program(engine).await;
    let slow = EchoProvider::answering(|_: &Seen| {
        std::thread::sleep(Duration::from_secs(2));
        http::Response::new(Full::new(Bytes::new()))
    });
    let slow = slow.await;
    let (id, _) = endpoint(&mut program, &format!("{}/slow", slow.url()), &["connection.created"]).await;
    connect(&mut program, "a").await;
    for _ in 0..100 {
        if !slow.seen().is_empty() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(30)).await;
    }
    let status = tokio::task::block_in_place(|| program.stop());
    assert!(status.success());
    program.resume();
    let delivery = deliveries(&program, &format!("?endpoint={id}")).await.remove(0);
    assert_eq!(
        (&delivery["status"], &delivery["attempts"]),
        (&value!("delivered"), &value!(1)),
        "{delivery}"
    );
    program.finish().await;
}

/// The command line does the same, and prints a secret alone where it is asked to.
#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_makes_and_tests_an_endpoint() {
    let (mut program, _provider) = program(Engine::Sqlite).await;
    let receiver = Receiver::start(200).await;
    let run = |program: &Program, arguments: &[&str]| {
        let mut command = program.command(arguments);
        command.args(["--server", &program.url]).env("PASSTHROUGH_API_KEY", &program.key);
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    };
    let (code, secret, err) = run(&program, &["webhook", "create", &receiver.url(), "--quiet"]);
    assert!(code == 0 && secret.trim().starts_with("whsec_"), "{err}");
    program.watch(secret.trim());
    let (_, list, _) = run(&program, &["webhook", "list", "--output", "json"]);
    let id = serde_json::from_str::<Value>(&list).unwrap()["results"][0]["id"].as_str().unwrap().to_owned();
    let (code, _, err) = run(&program, &["webhook", "test", &id]);
    assert!(code == 0 && err.contains("on its way"), "{err}");
    let message = receiver.messages(1).await.remove(0);
    assert_eq!(message.header("webhook-signature"), [expected(secret.trim(), &message).as_str()]);
    let (code, out, _) = run(&program, &["webhook", "deliveries"]);
    assert!(code == 0 && out.contains("dlv_"), "{out}");
    let (code, out, _) = run(&program, &["event", "list"]);
    assert!(code == 0 && out.contains("webhook.test"), "{out}");
    let event = message.header("webhook-id")[0].to_owned();
    let (code, _, err) = run(&program, &["event", "replay", &event]);
    assert!(code == 0 && err.contains("to 1 endpoints"), "{err}");
    receiver.messages(2).await;
    let (code, out, _) = run(&program, &["webhook", "update", &id, "--disable"]);
    assert!(code == 0 && out.contains("state        off"), "{out}");
    let (code, _, err) = run(&program, &["webhook", "update", &id]);
    assert!(code == 2 && err.contains("nothing is to be changed"), "{err}");
    let (code, _, err) = run(&program, &["webhook", "replay", &event]);
    assert!(code == 2 && err.contains(&format!("passthrough event replay {event}")), "{err}");
    // One that is gone says why it is off.
    run(&program, &["webhook", "update", &id, "--enable"]);
    receiver.status.store(410, Ordering::Relaxed);
    assert_eq!(run(&program, &["webhook", "test", &id]).0, 0);
    let shown = || run(&program, &["webhook", "show", &id]).1;
    for _ in 0..200 {
        if shown().contains("state        off") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(shown().contains("it answered 410 to dlv_"), "{}", shown());
    let (code, out, err) = run(&program, &["webhook", "delete", &id, "--yes", "--output", "json"]);
    let said: Value = serde_json::from_str(&out).unwrap();
    assert_eq!((code, said), (0, value!({ "id": id, "deleted": true })), "{err}");
    let (code, out, err) = run(&program, &["webhook", "show", &id, "--output", "json"]);
    let said: Value = serde_json::from_str(&err).unwrap();
    assert_eq!((code, out.as_str()), (3, ""));
    assert_eq!(said["error"]["code"], "not_found");
    assert_eq!(said["error"]["message"], "there is no such webhook endpoint in this environment");
    assert!(said["error"]["requestId"].as_str().unwrap().starts_with("req_"), "{said}");
    assert!(said["error"]["hint"].is_string(), "{said}");
    let (code, _, err) = run(&program, &["webhook", "shwo", "--output", "json"]);
    let said: Value = serde_json::from_str(&err).unwrap();
    assert_eq!((code, &said["error"]["code"]), (2, &value!("usage")));
    assert!(said["error"]["hint"].as_str().unwrap().contains("show"), "{said}");
    program.finish().await;
}
