//! The program is killed at any moment, or loses its database, or is asked to stop: what it has acknowledged is
//! there afterwards, and nothing is half-written.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use passthrough_testkit::echo::{EchoProvider, Seen};
use passthrough_testkit::http::{Response, try_send};
use passthrough_testkit::postgres::Postgres;
use passthrough_testkit::program::{Connected, Engine, Program, canary};
use serde_json::Value;
use sqlx::{AssertSqlSafe, Connection as _, PgConnection};
use tokio::time::sleep;

use crate::keyring::turn;
use crate::support::{json, on_both_databases, record, setup, shop};

on_both_databases! {
    what_was_acknowledged_survives_a_kill_at_any_moment
    a_kill_during_a_rotation_loses_nothing
    a_new_credential_never_goes_out_with_the_old_variables
    a_credential_that_was_replaced_is_not_condemned_by_the_old_ones_refusal
    records_are_written_before_the_program_ends
    what_is_cancelled_by_the_end_leaves_its_record
}

const ROUNDS: u64 = 12;

/// A provider whose credential and variable both go into headers, so that it sees which of each belong together.
fn paired(url: &str) -> String {
    format!(
        "name = \"Paired\"\nbase_url = \"{url}/base\"\nverify = {{ request = \"GET /me\" }}\n\
         variables.pair.label = \"Pair\"\nvariables.pair.secret = true\n\
         [auth.token]\ngrant = \"static\"\nfields.api_key = {{ label = \"API key\", secret = true }}\n\
         inject.headers.authorization = \"Bearer {{api_key}}\"\ninject.headers.x-pair = \"{{pair}}\"\n"
    )
}

fn secrets(value: &str) -> String {
    format!(r#""credentials":{{"api_key":"{value}"}},"variables":{{"pair":"{value}"}}"#)
}

/// Somebody who talks to a program that may be gone at any moment.
#[derive(Clone)]
struct Caller {
    url: String,
    key: String,
}

impl Caller {
    fn of(program: &Program) -> Self {
        Self { url: program.url.clone(), key: program.key.clone() }
    }

    async fn api(&self, method: &str, path: &str, body: String) -> Result<Response, String> {
        let authorization = format!("Bearer {}", self.key);
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        try_send(method, &format!("{}{path}", self.url), &headers, body).await
    }
}

/// What may be stored of one connection: what was acknowledged last, and what was asked for since.
#[derive(Default)]
struct Known {
    token: String,
    possible: Vec<String>,
}

type Book = Arc<Mutex<BTreeMap<String, Known>>>;

/// Makes connections and replaces their secrets until the program is gone.
async fn write(caller: Caller, book: Book) {
    loop {
        let value = canary("first");
        let request = format!(r#"{{"provider":"paired",{}}}"#, secrets(&value));
        let Ok(made) = caller.api("POST", "/v1/connections", request).await else { return };
        if made.status != 201 {
            continue;
        }
        let made = json(&made);
        let (id, token) =
            (made["id"].as_str().unwrap().to_owned(), made["token"].as_str().unwrap().to_owned());
        book.lock().unwrap().insert(id.clone(), Known { token, possible: vec![value] });
        for _ in 0..3 {
            let value = canary("next");
            book.lock().unwrap().get_mut(&id).unwrap().possible.push(value.clone());
            let path = format!("/v1/connections/{id}");
            let Ok(changed) = caller.api("PATCH", &path, format!("{{{}}}", secrets(&value))).await else {
                return;
            };
            if changed.status == 200 {
                book.lock().unwrap().get_mut(&id).unwrap().possible = vec![value];
            }
        }
    }
}

fn kill(pid: u32) {
    assert!(Command::new("kill").args(["-KILL", &pid.to_string()]).status().unwrap().success());
}

/// Every connection works, with a credential and variables that belong together and were asked for.
async fn assert_all_there(program: &Program, provider: &EchoProvider, book: &Book) {
    let known: Vec<(String, String)> =
        book.lock().unwrap().iter().map(|(id, known)| (id.clone(), known.token.clone())).collect();
    for (id, token) in known {
        let connection = Connected { id: id.clone(), token };
        let response = program.on(&connection, "GET", "/v1/proxy/check", &[], "").await;
        assert_eq!(response.status, 200, "{id} was acknowledged: {}", response.text());
        let seen = provider.last();
        let (credential, pair) =
            (seen.header("authorization")[0].to_owned(), seen.header("x-pair")[0].to_owned());
        assert_eq!(credential, format!("Bearer {pair}"), "{id} is half-written");
        let mut book = book.lock().unwrap();
        let possible = &mut book.get_mut(&id).unwrap().possible;
        assert!(possible.contains(&pair), "{id} has a credential that it was not given last");
        // What was in flight has been carried out or not; from now on it is known which.
        *possible = vec![pair];
    }
}

async fn what_was_acknowledged_survives_a_kill_at_any_moment(engine: Engine) {
    let provider = EchoProvider::start().await;
    let mut program = setup(engine).provider("paired", &paired(&provider.url())).start().await;
    let book = Book::default();
    for round in 0..ROUNDS {
        let writers: Vec<_> =
            (0..3).map(|_| tokio::spawn(write(Caller::of(&program), Arc::clone(&book)))).collect();
        sleep(Duration::from_millis(20 + 37 * round % 150)).await;
        program.kill();
        for writer in writers {
            writer.await.unwrap();
        }
        program.resume();
        assert_all_there(&program, &provider, &book).await;
    }
    assert!(book.lock().unwrap().len() >= ROUNDS as usize, "hardly anything was written");
    program.finish().await;
}

/// Kills the commands of a rotation at any moment, again and again, and the server with them.
async fn a_kill_during_a_rotation_loses_nothing(engine: Engine) {
    let provider = EchoProvider::start().await;
    let mut program = setup(engine).provider("paired", &paired(&provider.url())).start().await;
    let book = Book::default();
    for _ in 0..20 {
        let value = canary("kept");
        let made = program.connect(&format!(r#"{{"provider":"paired",{}}}"#, secrets(&value))).await;
        book.lock().unwrap().insert(made.id, Known { token: made.token, possible: vec![value] });
    }
    for round in 0..ROUNDS {
        let key = turn(&program, &["add"]).await;
        for arguments in [&["promote", key.as_str()][..], &["rewrap"]] {
            let mut command = program.command(&[&["keyring"], arguments].concat());
            let mut child = command.stderr(std::process::Stdio::null()).spawn().unwrap();
            sleep(Duration::from_millis(15 + 23 * round % 120)).await;
            kill(child.id());
            child.wait().unwrap();
        }
        if round % 4 == 3 {
            program.kill();
            program.resume();
        }
        assert_all_there(&program, &provider, &book).await;
    }
    turn(&program, &["rewrap"]).await;
    let status: Value = serde_json::from_str(&turn(&program, &["status", "--output", "json"]).await).unwrap();
    for key in status["keys"].as_array().unwrap() {
        assert_eq!(key["sealed"], if key["primary"] == true { 41 } else { 0 }, "{status}");
    }
    program.kill();
    program.resume();
    assert_all_there(&program, &provider, &book).await;
    program.finish().await;
}

/// The variables may name the host: a credential that went out with the other half of a change would be sent to
/// the wrong one.
async fn a_new_credential_never_goes_out_with_the_old_variables(engine: Engine) {
    let provider = EchoProvider::start().await;
    let mut program = setup(engine).provider("paired", &paired(&provider.url())).start().await;
    let request = format!(r#"{{"provider":"paired",{}}}"#, secrets(&canary("first")));
    let connection = program.connect(&request).await;
    let path = format!("/v1/connections/{}", connection.id);
    let caller = Caller::of(&program);
    let writers = (0..2).map(|_| {
        let (caller, path) = (caller.clone(), path.clone());
        tokio::spawn(async move {
            for _ in 0..40 {
                let patch = format!("{{{}}}", secrets(&canary("pair")));
                let changed = caller.api("PATCH", &path, patch).await.unwrap();
                assert!([200, 409].contains(&changed.status.as_u16()), "{}", changed.text());
            }
        })
    });
    let writers: Vec<_> = writers.collect();
    while writers.iter().any(|writer| !writer.is_finished()) {
        let response = program.on(&connection, "GET", "/v1/proxy/check", &[], "").await;
        assert_eq!(response.status, 200, "{}", response.text());
    }
    for writer in writers {
        writer.await.unwrap();
    }
    for seen in provider.seen() {
        assert_eq!(seen.header("authorization"), [format!("Bearer {}", seen.header("x-pair")[0])]);
    }
    program.finish().await;
}

/// A provider that thinks for long. Apart, because the test itself must go on meanwhile.
struct Slow {
    provider: EchoProvider,
    runtime: Option<tokio::runtime::Runtime>,
}

impl Slow {
    fn answering(
        answer: impl Fn(&Seen) -> http::Response<http_body_util::Full<bytes::Bytes>> + Send + Sync + 'static,
    ) -> Self {
        let start = || {
            let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
            let provider = runtime.block_on(EchoProvider::answering(answer));
            Self { provider, runtime: Some(runtime) }
        };
        std::thread::scope(|scope| scope.spawn(start).join().unwrap())
    }
}

impl Drop for Slow {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// While a verification waits for the provider's no, the user gives a new credential.
async fn a_credential_that_was_replaced_is_not_condemned_by_the_old_ones_refusal(engine: Engine) {
    let (old, new) = (canary("old"), canary("new"));
    let refused = format!("Bearer {old}");
    let provider = Slow::answering(move |seen| {
        let mut response = http::Response::new(Default::default());
        if seen.header("authorization") == [refused.as_str()] {
            std::thread::sleep(Duration::from_millis(700));
            *response.status_mut() = http::StatusCode::UNAUTHORIZED;
        }
        response
    });
    let mut program = setup(engine).provider("paired", &paired(&provider.provider.url())).start().await;
    let connection = program.connect(&format!(r#"{{"provider":"paired",{}}}"#, secrets(&old))).await;
    let path = format!("/v1/connections/{}", connection.id);
    let verify_path = format!("{path}/verify");
    let (verified, ()) = tokio::join!(program.api("POST", &verify_path, ""), async {
        sleep(Duration::from_millis(200)).await;
        let patch = format!("{{{}}}", secrets(&new));
        assert_eq!(program.api("PATCH", &path, &patch).await.status, 200);
    });
    assert_eq!(json(&verified)["result"], "refused");
    assert_eq!(json(&program.api("GET", &path, "").await)["status"], "connected");
    let again = program.api("POST", &verify_path, "").await;
    assert_eq!(json(&again)["result"], "alive");
    program.finish().await;
}

async fn records_are_written_before_the_program_ends(engine: Engine) {
    let mut shop = shop(engine).await;
    for round in 0..4 {
        let mut ids = Vec::new();
        let until = Instant::now() + Duration::from_millis(150 + round * 60);
        while Instant::now() < until {
            let envelope = shop.envelope(r#"{"method":"GET","path":"/orders"}"#).await;
            ids.push(envelope["requestId"].as_str().unwrap().to_owned());
        }
        assert!(shop.program.stop().success());
        shop.program.resume();
        for id in &ids {
            let found = shop.program.api("GET", &format!("/v1/requests/{id}"), "").await;
            assert_eq!(found.status, 200, "one of {} records is lost", ids.len());
        }
    }
    shop.program.finish().await;
}

async fn what_is_cancelled_by_the_end_leaves_its_record(engine: Engine) {
    let provider = Slow::answering(|_| {
        std::thread::sleep(Duration::from_secs(5));
        http::Response::new(Default::default())
    });
    let setup = setup(engine).provider("paired", &paired(&provider.provider.url()));
    let mut program = setup.variable("PASSTHROUGH_SHUTDOWN__GRACE_MS", "300").start().await;
    let connection =
        program.connect(&format!(r#"{{"provider":"paired",{}}}"#, secrets(&canary("key")))).await;
    let caller = Caller::of(&program);
    let call = tokio::spawn(async move {
        let authorization = format!("Bearer {}", caller.key);
        let headers =
            [("authorization", authorization.as_str()), ("connection-token", connection.token.as_str())];
        try_send("GET", &format!("{}/v1/proxy/slow", caller.url), &headers, "").await
    });
    sleep(Duration::from_millis(300)).await;
    let began = Instant::now();
    assert!(program.stop().success());
    assert!(began.elapsed() < Duration::from_secs(4), "the provider was waited for");
    let answer = call.await.unwrap();
    assert!(answer.is_err(), "{answer:?}");
    program.resume();
    let list = json(&program.api("GET", "/v1/requests", "").await);
    let record = &list["results"][0];
    assert_eq!(record["path"], "/slow");
    assert_eq!(record["sent"], "unknown");
    assert_eq!(record["errorCode"], "caller_gone");
    program.finish().await;
}

/// The database is taken away and given back, as a restart of it would do.
struct Outage {
    admin: PgConnection,
    name: String,
}

impl Outage {
    async fn begin(program: &Program) -> Self {
        let url = program.database_url().unwrap();
        let name = url.rsplit('/').find(|part| part.starts_with("passthrough_test")).unwrap();
        let name = name.split('?').next().unwrap().to_owned();
        let mut outage =
            Self { admin: PgConnection::connect(Postgres::shared().await.admin_url()).await.unwrap(), name };
        let name = outage.name.clone();
        // A pool connects anew at once, and a database in use cannot be renamed.
        while outage.sql(format!("alter database {name} rename to {name}_away")).await.is_err() {
            let sessions =
                format!("select pg_terminate_backend(pid) from pg_stat_activity where datname = '{name}'");
            outage.sql(sessions).await.unwrap();
        }
        outage
    }

    async fn end(mut self) {
        let name = &self.name;
        let sql = format!("alter database {name}_away rename to {name}");
        self.sql(sql).await.unwrap();
    }

    async fn sql(&mut self, sql: String) -> Result<(), sqlx::Error> {
        sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut self.admin).await.map(drop)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_database_known_connections_are_served_and_their_records_come_later() {
    let shop = shop(Engine::Postgres).await;
    // The server reads of its own changes, too, and forgets what they are about, within a second.
    sleep(Duration::from_millis(1_300)).await;
    shop.envelope(r#"{"method":"GET","path":"/before"}"#).await;
    let outage = Outage::begin(&shop.program).await;
    let mut ids = Vec::new();
    for _ in 0..20 {
        let envelope = shop.envelope(r#"{"method":"GET","path":"/during"}"#).await;
        ids.push(envelope["requestId"].as_str().unwrap().to_owned());
    }
    let request = format!(r#"{{"provider":"shop","credentials":{{"api_key":"{}"}}}}"#, canary("lost"));
    let path = format!("/v1/connections/{}", shop.connection.id);
    for (method, path, body) in [
        ("POST", "/v1/connections", request.as_str()),
        ("PATCH", path.as_str(), r#"{"name":"new"}"#),
        ("DELETE", path.as_str(), ""),
        ("GET", "/v1/connections", ""),
        ("GET", "/readyz", ""),
    ] {
        let failed = shop.program.api(method, path, body).await;
        let body = crate::support::failure(&failed, 503, "unavailable");
        assert_eq!(body["retryable"], true, "{method} {path}");
        assert!(failed.header("retry-after").is_some(), "{method} {path}");
    }
    assert_eq!(shop.program.api("GET", "/healthz", "").await.status, 200);
    shop.envelope(r#"{"method":"GET","path":"/during"}"#).await;
    outage.end().await;
    for id in &ids {
        assert_eq!(record(&shop.program, id).await["path"], "/during");
    }
    let list = json(&shop.program.api("GET", "/v1/connections", "").await);
    assert_eq!(list["results"].as_array().unwrap().len(), 1, "nothing was made or deleted meanwhile");
    assert_eq!(shop.program.api("GET", "/readyz", "").await.status, 200);
    shop.envelope(r#"{"method":"GET","path":"/after"}"#).await;
    shop.program.finish().await;
}
