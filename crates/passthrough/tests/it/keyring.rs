//! Rotation of the key that everything is sealed under, while the program serves: nothing fails, nothing is lost.

use std::process::Output;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use passthrough_testkit::echo::EchoProvider;
use passthrough_testkit::http::send;
use passthrough_testkit::program::{Connected, Engine, Program, canary};
use serde_json::Value;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::database::Database;
use crate::support::{bearer_provider, json, on_both_databases, setup, shop};

on_both_databases! {
    a_rotation_under_load_loses_and_refuses_nothing
    a_key_that_is_needed_is_not_removed
    what_does_not_open_is_left_and_told
}

/// How long after a promotion a key can be removed, and a little more.
const SETTLED: Duration = Duration::from_millis(5_200);

/// Runs `passthrough keyring …` beside the server.
pub async fn keyring(program: &Program, arguments: &[&str]) -> Output {
    let mut command = program.command(&[&["keyring"], arguments].concat());
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

/// The same, where it must succeed; gives its standard output.
pub async fn turn(program: &Program, arguments: &[&str]) -> String {
    let output = keyring(program, arguments).await;
    let told = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "keyring {arguments:?}: {told}");
    String::from_utf8(output.stdout).unwrap().trim().to_owned()
}

async fn refused(program: &Program, arguments: &[&str], why: &str) {
    let before = std::fs::read(program.data_dir().join("keyring.toml")).unwrap();
    let output = keyring(program, arguments).await;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{arguments:?}: {told}");
    assert!(told.contains(why), "{arguments:?}: {told}");
    assert!(output.stdout.is_empty());
    assert_eq!(std::fs::read(program.data_dir().join("keyring.toml")).unwrap(), before);
}

/// Key id, whether it is the primary, and how many values are sealed under it.
async fn status(program: &Program) -> Vec<(String, bool, u64)> {
    let status: Value = serde_json::from_str(&turn(program, &["status", "--output", "json"]).await).unwrap();
    let keys = status["keys"].as_array().unwrap().iter();
    let read = |key: &Value| {
        (key["id"].as_str().unwrap().to_owned(), key["primary"] == true, key["sealed"].as_u64().unwrap())
    };
    keys.map(read).collect()
}

async fn primary(program: &Program) -> String {
    status(program).await.into_iter().find(|(_, primary, _)| *primary).unwrap().0
}

/// Callers and makers of connections that never pause, on two servers of one installation.
struct Load {
    stop: Arc<AtomicBool>,
    calls: Arc<AtomicU64>,
    tasks: Vec<JoinHandle<Vec<(Connected, String)>>>,
}

async fn call(url: &str, key: &str, connection: &Connected, secret: &str) {
    let authorization = format!("Bearer {key}");
    let headers =
        [("authorization", authorization.as_str()), ("connection-token", connection.token.as_str())];
    let response = send("GET", &format!("{url}/v1/proxy/orders"), &headers, "").await;
    assert_eq!(response.status, 200, "{}", response.text());
    assert!(response.text().contains(&format!("Bearer {secret}")), "another credential went out");
}

async fn make(url: &str, key: &str) -> (Connected, String) {
    let secret = canary("made");
    let request = format!(r#"{{"provider":"shop","credentials":{{"api_key":"{secret}"}}}}"#);
    let authorization = format!("Bearer {key}");
    let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
    let response = send("POST", &format!("{url}/v1/connections"), &headers, request).await;
    assert_eq!(response.status, 201, "{}", response.text());
    let made = json(&response);
    let text = |name: &str| made[name].as_str().unwrap().to_owned();
    (Connected { id: text("id"), token: text("token") }, secret)
}

impl Load {
    /// Eight callers on the given connections, and two who make connections at one server and use them at once at
    /// the other, whose memory of keys may be older.
    fn start(urls: [String; 2], key: &str, connections: &[(Connected, String)]) -> Self {
        let (stop, calls) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
        let mut tasks = Vec::new();
        for number in 0..10 {
            let (stop, calls, key) = (Arc::clone(&stop), Arc::clone(&calls), key.to_owned());
            let (here, there) = (urls[number % 2].clone(), urls[(number + 1) % 2].clone());
            let connections = connections.to_vec();
            tasks.push(tokio::spawn(async move {
                let mut made = Vec::new();
                for turn in number.. {
                    if stop.load(Ordering::Relaxed) {
                        break;
                    }
                    if number < 8 {
                        let (connection, secret) = &connections[turn % connections.len()];
                        call(&here, &key, connection, secret).await;
                        sleep(Duration::from_millis(5)).await;
                    } else {
                        let (connection, secret) = make(&here, &key).await;
                        // Many at once: each of them may be the one that reads the key file again.
                        tokio::join!(
                            call(&there, &key, &connection, &secret),
                            call(&there, &key, &connection, &secret),
                            call(&here, &key, &connection, &secret)
                        );
                        made.push((connection, secret));
                        sleep(Duration::from_millis(20)).await;
                    }
                    calls.fetch_add(1, Ordering::Relaxed);
                }
                made
            }));
        }
        Self { stop, calls, tasks }
    }

    /// Ends it; a failed call fails here. Gives what was made.
    async fn end(self) -> Vec<(Connected, String)> {
        self.stop.store(true, Ordering::Relaxed);
        let mut made = Vec::new();
        for task in self.tasks {
            made.extend(task.await.expect("a call failed during the rotation"));
        }
        made
    }
}

async fn a_rotation_under_load_loses_and_refuses_nothing(engine: Engine) {
    let provider = EchoProvider::start().await;
    let file = bearer_provider(&format!("{}/base", provider.url())) + "\n";
    // A debug log of every call would be all that the machine is busy with.
    let setup = setup(engine).provider("shop", &file).variable("PASSTHROUGH_LOG", "info");
    let mut program = setup.start().await;
    let second = program.second_server();
    let mut connections = Vec::new();
    for _ in 0..30 {
        connections.push(make(&program.url, &program.key).await);
    }
    let first_key = primary(&program).await;
    assert_eq!(
        status(&program).await,
        [(first_key.clone(), true, 61)],
        "30 credentials, 30 times variables, 1 pepper"
    );

    let load = Load::start([program.url.clone(), second.url.clone()], &program.key, &connections);
    for _ in 0..2 {
        let old = primary(&program).await;
        let new = turn(&program, &["add"]).await;
        turn(&program, &["promote", &new]).await;
        turn(&program, &["rewrap"]).await;
        sleep(SETTLED).await;
        // What a server sealed under the old key, because it had not looked at the file yet.
        turn(&program, &["rewrap"]).await;
        turn(&program, &["remove", &old]).await;
    }
    let calls = load.calls.load(Ordering::Relaxed);
    connections.extend(load.end().await);
    assert!(calls > 500, "there was no load: {calls} calls");

    let last_key = primary(&program).await;
    let sealed = 2 * connections.len() as u64 + 1;
    assert_eq!(status(&program).await, [(last_key.clone(), true, sealed)]);
    let text = std::fs::read_to_string(program.data_dir().join("keyring.toml")).unwrap();
    assert!(last_key != first_key && !text.contains(&first_key) && text.matches("secret = ").count() == 1);
    drop(second);
    assert!(program.stop().success());
    program.resume();
    for (connection, secret) in &connections {
        call(&program.url, &program.key, connection, secret).await;
    }
    // Each is searched for in everything; a few are enough.
    connections.iter().take(3).for_each(|(connection, _)| program.watch(&connection.token));
    assert!(!program.log().contains("ERROR"), "{}", program.log());
    program.finish().await;
}

async fn a_key_that_is_needed_is_not_removed(engine: Engine) {
    let shop = shop(engine).await;
    let program = &shop.program;
    let old = primary(program).await;
    let new = turn(program, &["add"]).await;
    assert_eq!(status(program).await, [(old.clone(), true, 3), (new.clone(), false, 0)]);
    turn(program, &["promote", &new]).await;
    turn(program, &["promote", &new]).await;
    refused(program, &["remove", &old], "try again in 5 seconds").await;
    sleep(SETTLED).await;
    refused(program, &["remove", &old], "3 values are still sealed under").await;
    refused(program, &["remove", &new], "is the primary and cannot be removed").await;
    refused(program, &["remove", "k0000000000000000"], "holds no key k0000000000000000").await;
    refused(program, &["promote", "k0000000000000000"], "holds no key k0000000000000000").await;
    refused(program, &["promote", "../keyring"], "is no key id").await;
    // The old primary still opens what it sealed.
    shop.envelope(r#"{"method":"GET","path":"/orders"}"#).await;
    assert_eq!(turn(program, &["rewrap", "--output", "json"]).await, "{\n  \"rewrapped\": 3\n}");
    assert_eq!(turn(program, &["rewrap", "--output", "json"]).await, "{\n  \"rewrapped\": 0\n}");
    turn(program, &["remove", &old]).await;
    refused(program, &["remove", &old], "holds no key").await;
    shop.envelope(r#"{"method":"GET","path":"/orders"}"#).await;
    shop.program.finish().await;
}

/// A value that does not open must neither hold up the others nor let its key be removed; a key id that does not
/// tell the truth must not send the rewrapping round in circles.
async fn what_does_not_open_is_left_and_told(engine: Engine) {
    let mut shop = shop(engine).await;
    let request = format!(r#"{{"provider":"shop","credentials":{{"api_key":"{}"}}}}"#, canary("other"));
    let other = shop.program.connect(&request).await;
    let program = &shop.program;
    let database = Database::of(program).await;
    let old = primary(program).await;
    let broken = format!("update credentials set generation = 9 where connection_id = '{}'", other.id);
    assert_eq!(database.change(&broken).await, 1);
    let new = turn(program, &["add"]).await;
    turn(program, &["promote", &new]).await;
    refused(program, &["rewrap"], "1 sealed values could not be opened").await;
    assert_eq!(status(program).await, [(old.clone(), false, 1), (new.clone(), true, 4)]);
    sleep(SETTLED).await;
    refused(program, &["remove", &old], "1 values are still sealed under").await;
    database.change("update credentials set generation = 1").await;
    database.change(&format!("update connections set variables_key_id = '{old}'")).await;
    turn(program, &["rewrap"]).await;
    assert_eq!(status(program).await, [(old.clone(), false, 0), (new, true, 5)]);
    turn(program, &["remove", &old]).await;
    database.close().await;
    shop.program.finish().await;
}
