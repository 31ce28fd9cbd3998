//! What goes wrong around a refresh: a database that is locked or gone, a disk that is full, a provider that takes its
//! time, a process that ends, a clock that is set. Every refresh token can be used once, so that each of these would
//! lose a connection that was not careful.

use std::fs;
use std::future::Future;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use bytes::Bytes;
use http_body_util::Full;
use hyper::header::CONTENT_TYPE;
use passthrough_testkit::echo::{EchoProvider, Seen};
use passthrough_testkit::http::{Response, send, try_send};
use passthrough_testkit::postgres::Postgres;
use passthrough_testkit::program::{Connected, Engine, Program, Setup};
use passthrough_testkit::services::{OAuthClient, OidcProvider, oidc_provider};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::sleep;

use crate::database::Database;
use crate::fake_clock::FakeClock;
use crate::support::{json, on_both_databases, setup};

on_both_databases! {
    an_answer_that_the_database_does_not_take_waits_in_the_spool
    an_answer_in_the_spool_survives_a_kill
    who_takes_over_from_the_dead_finds_their_answer_in_the_spool
    a_provider_is_not_asked_for_what_cannot_be_kept
    an_answer_is_kept_though_the_spool_broke_meanwhile
    a_provider_that_does_not_answer_in_time_loses_nothing
    an_answer_that_came_while_the_process_stood_still_is_read
    a_connection_that_is_put_away_during_its_refresh_is_not_used
    a_provider_that_hangs_keeps_nobody_elses_tokens_from_being_renewed
    a_refresh_goes_on_without_the_caller_who_began_it
    a_refresh_is_finished_before_the_program_ends
    a_clock_that_is_set_ends_no_token_and_no_lease
    servers_whose_clocks_differ_by_an_hour_do_not_take_each_others_leases
}

mod postgres_alone {
    #[tokio::test(flavor = "multi_thread")]
    async fn a_database_that_is_gone_for_longer_than_a_lease_lets_nobody_ask_twice() {
        super::a_database_that_is_gone_for_longer_than_a_lease_lets_nobody_ask_twice().await;
    }
}

/// Where the questions to a token endpoint are held up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Hold {
    Nothing,
    /// Before the provider is asked.
    Question,
    /// After the provider has answered, and with it has taken the old token back.
    Answer,
}

/// Stands before the token endpoint of the OAuth server and passes everything on, when it is let.
struct Gate {
    provider: EchoProvider,
    hold: watch::Sender<Hold>,
    answered: Arc<AtomicU64>,
}

impl Gate {
    async fn before(oidc: &OidcProvider) -> Self {
        let hold = watch::Sender::new(Hold::Nothing);
        let answered = Arc::new(AtomicU64::new(0));
        let (watched, counted, url) = (hold.clone(), Arc::clone(&answered), oidc.url.clone());
        let pass_on = move |seen: Seen| -> passthrough_testkit::echo::BoxFuture {
            let (mut watched, counted, url) = (watched.subscribe(), Arc::clone(&counted), url.clone());
            Box::pin(async move {
                watched.wait_for(|hold| *hold != Hold::Question).await.unwrap();
                let framing = ["host", "content-length", "connection", "transfer-encoding"];
                let headers = seen.headers.iter().filter(|(name, _)| !framing.contains(&name.as_str()));
                let headers: Vec<_> = headers.map(|(name, value)| (name.as_str(), value.as_str())).collect();
                let url = format!("{url}{}", seen.target);
                let answer = send(&seen.method, &url, &headers, seen.body.clone()).await;
                counted.fetch_add(1, Ordering::SeqCst);
                watched.wait_for(|hold| *hold != Hold::Answer).await.unwrap();
                let kind = answer.header("content-type").unwrap_or("text/plain").to_owned();
                let passed = hyper::Response::builder().status(answer.status).header(CONTENT_TYPE, kind);
                passed.body(Full::<Bytes>::from(answer.body)).unwrap()
            })
        };
        Self { provider: EchoProvider::answering_later(pass_on).await, hold, answered }
    }
}

struct Rig {
    program: Program,
    oidc: OidcProvider,
    gate: Gate,
    client: OAuthClient,
    connection: Connected,
}

impl Rig {
    async fn start(engine: Engine, settings: impl FnOnce(Setup) -> Setup) -> Self {
        let oidc = oidc_provider();
        let gate = Gate::before(&oidc).await;
        let (url, token_url) = (&oidc.url, format!("{}/token", gate.provider.url()));
        let file = format!(
            "name = \"Books\"\nbase_url = \"{url}/api\"\n[auth.oauth]\ngrant = \"oauth2_code\"\n\
             inject.headers.authorization = \"Bearer {{access_token}}\"\n\
             [auth.oauth.oauth2]\nauthorize_url = \"{url}/auth\"\ntoken_url = \"{token_url}\"\nrotation = \"strict\"\n"
        );
        let mut program = settings(setup(engine)).provider("books", &file).start().await;
        let client = oidc.register("https://app.example/callback", 3600).await;
        let token = oidc.mint(&client).await;
        program.watch(&token);
        program.watch(&client.secret);
        let request = format!(
            r#"{{"provider":"books","credentials":{{"client_id":"{}","client_secret":"{}","refresh_token":"{token}"}}}}"#,
            client.id, client.secret
        );
        let connection = program.connect(&request).await;
        Self { program, oidc, gate, client, connection }
    }

    /// Somebody calls at a server of this installation, and does not wait for it here.
    fn calling(&self, url: &str) -> JoinHandle<Result<Response, String>> {
        let url = format!("{url}/v1/proxy/me");
        let (key, token) = (format!("Bearer {}", self.program.key), self.connection.token.clone());
        tokio::spawn(async move {
            let headers = [("authorization", key.as_str()), ("connection-token", token.as_str())];
            try_send("GET", &url, &headers, "").await
        })
    }

    async fn call(&self) -> Response {
        self.calling(&self.program.url).await.unwrap().unwrap()
    }

    async fn status(&self) -> String {
        let path = format!("/v1/connections/{}", self.connection.id);
        json(&self.program.api("GET", &path, "").await)["status"].as_str().unwrap().to_owned()
    }

    fn spool(&self) -> PathBuf {
        self.program.data_dir().join("spool")
    }

    /// How many files of this kind are in the spool.
    fn spooled(&self, extension: &str) -> usize {
        let files = fs::read_dir(self.spool()).unwrap();
        files.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|e| e == extension)).count()
    }

    /// Somebody calls, the provider has answered, and its answer is on the way.
    async fn answer_on_its_way(&self) -> JoinHandle<Result<Response, String>> {
        let before = self.gate.answered.load(Ordering::SeqCst);
        self.gate.hold.send_replace(Hold::Answer);
        let calling = self.calling(&self.program.url);
        eventually("the provider has answered", async || self.gate.answered.load(Ordering::SeqCst) > before)
            .await;
        calling
    }

    /// The same, and when it arrives nobody can write to the database: it is in the spool and nowhere else.
    async fn answer_in_the_spool(
        &self,
        database: &Database,
    ) -> (crate::database::Lock, JoinHandle<Result<Response, String>>) {
        let calling = self.answer_on_its_way().await;
        let lock = database.lock().await;
        self.gate.hold.send_replace(Hold::Nothing);
        eventually("the answer is in the spool", async || self.spooled("sealed") == 1).await;
        (lock, calling)
    }

    /// The token endpoint was asked so often, each time with success.
    async fn assert_token_calls(&self, count: u64) {
        let counts = self.oidc.counts(&self.client).await;
        assert_eq!(counts, [("refresh_token".to_owned(), count)].into(), "{}", self.program.log());
    }

    /// The connection works, after so many token calls in all, and nothing is left in the spool.
    async fn finish(self, token_calls: u64) {
        let answer = self.call().await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        self.assert_token_calls(token_calls).await;
        assert_eq!(self.status().await, "connected");
        assert_eq!((self.spooled("sealed"), self.spooled("open")), (0, 0));
        self.program.finish().await;
    }
}

async fn eventually<F: Future<Output = bool>>(what: &str, is: impl Fn() -> F) {
    let begun = Instant::now();
    while !is().await {
        assert!(begun.elapsed() < Duration::from_secs(20), "not within 20 s: {what}");
        sleep(Duration::from_millis(10)).await;
    }
}

/// A lease that ends soon, so that a test need not wait for a minute and a half.
fn short_lease(setup: Setup) -> Setup {
    setup
        .variable("PASSTHROUGH_REFRESH__TOKEN_TIMEOUT_MS", "1000")
        .variable("PASSTHROUGH_REFRESH__LEASE_MS", "2000")
}

async fn an_answer_that_the_database_does_not_take_waits_in_the_spool(engine: Engine) {
    let rig = Rig::start(engine, |setup| setup).await;
    let database = Database::of(&rig.program).await;
    let (lock, calling) = rig.answer_in_the_spool(&database).await;
    // Longer than anybody waits for a lock, so that it is tried more than once.
    sleep(Duration::from_millis(6_500)).await;
    assert!(!calling.is_finished() && rig.spooled("sealed") == 1);
    lock.release().await;
    assert_eq!(calling.await.unwrap().unwrap().status, 200);
    assert!(rig.program.log().contains("waits for the database"), "it was not tried");
    database.close().await;
    rig.finish(1).await;
}

async fn an_answer_in_the_spool_survives_a_kill(engine: Engine) {
    let mut rig = Rig::start(engine, |setup| setup).await;
    let database = Database::of(&rig.program).await;
    let (lock, calling) = rig.answer_in_the_spool(&database).await;
    rig.program.kill();
    assert!(calling.await.unwrap().is_err());
    lock.release().await;
    database.close().await;
    rig.program.resume();
    rig.finish(1).await;
}

async fn who_takes_over_from_the_dead_finds_their_answer_in_the_spool(engine: Engine) {
    let mut rig = Rig::start(engine, short_lease).await;
    let other = rig.program.second_server();
    let database = Database::of(&rig.program).await;
    let (lock, calling) = rig.answer_in_the_spool(&database).await;
    rig.program.kill();
    assert!(calling.await.unwrap().is_err());
    lock.release().await;
    database.close().await;
    // Nobody starts anew: the lease ends, and the living one takes over.
    assert_eq!(rig.calling(&other.url).await.unwrap().unwrap().status, 200);
    rig.assert_token_calls(1).await;
    assert_eq!(rig.spooled("sealed"), 0);
    drop(other);
    rig.program.resume();
    rig.finish(1).await;
}

/// Two machines and their database. One has an answer in its spool, on a disk that the other does not see, and its
/// lease has run out when the database is there again for both.
async fn a_database_that_is_gone_for_longer_than_a_lease_lets_nobody_ask_twice() {
    let settings = |setup: Setup| {
        let setup = setup.variable("PASSTHROUGH_REFRESH__TOKEN_TIMEOUT_MS", "3000");
        setup.variable("PASSTHROUGH_REFRESH__LEASE_MS", "6000")
    };
    let rig = Rig::start(Engine::Postgres, settings).await;
    let other = rig.program.second_machine();
    let (cluster, database) = (Postgres::shared().await, rig.program.database_url().unwrap());
    let calling = rig.answer_on_its_way().await;
    cluster.shut(database).await;
    rig.gate.hold.send_replace(Hold::Nothing);
    eventually("the answer is in the spool", async || rig.spooled("sealed") == 1).await;
    sleep(Duration::from_secs(7)).await;
    assert!(!calling.is_finished());
    let eager: Vec<_> = (0..8)
        .map(|_| {
            let (url, token) = (format!("{}/v1/proxy/me", other.url), rig.connection.token.clone());
            let authorization = format!("Bearer {}", rig.program.key);
            tokio::spawn(async move {
                for _ in 0..200 {
                    let headers =
                        [("authorization", authorization.as_str()), ("connection-token", token.as_str())];
                    let answer = send("GET", &url, &headers, "").await;
                    if answer.status != 503 {
                        return answer;
                    }
                    sleep(Duration::from_millis(20)).await;
                }
                panic!("the database does not come back");
            })
        })
        .collect();
    sleep(Duration::from_millis(300)).await;
    cluster.open(database).await;
    for caller in eager {
        let answer = caller.await.unwrap();
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    assert_eq!(calling.await.unwrap().unwrap().status, 200);
    drop(other);
    rig.finish(1).await;
}

async fn a_provider_is_not_asked_for_what_cannot_be_kept(engine: Engine) {
    let rig = Rig::start(engine, |setup| setup).await;
    let refused = async || {
        let answer = rig.call().await;
        assert_eq!((answer.status.as_u16(), json(&answer)["code"].as_str()), (503, Some("unavailable")));
        assert_eq!(rig.oidc.counts(&rig.client).await, [].into());
    };
    // Something that is no folder.
    fs::remove_dir(rig.spool()).unwrap();
    fs::write(rig.spool(), "").unwrap();
    refused().await;
    refused().await;
    fs::remove_file(rig.spool()).unwrap();
    fs::create_dir(rig.spool()).unwrap();
    // A disk on which there is room for a name, but not for a byte: the kernel says ENOSPC at the first write.
    let room = rig.spool().join(format!("{}.1.open", rig.connection.id));
    std::os::unix::fs::symlink("/dev/full", &room).unwrap();
    refused().await;
    assert!(!room.is_symlink(), "the name is given back; was it the name?");
    assert_eq!(rig.status().await, "connected");
    rig.finish(1).await;
}

async fn an_answer_is_kept_though_the_spool_broke_meanwhile(engine: Engine) {
    let rig = Rig::start(engine, |setup| setup).await;
    let calling = rig.answer_on_its_way().await;
    fs::rename(rig.spool(), rig.spool().with_extension("gone")).unwrap();
    rig.gate.hold.send_replace(Hold::Nothing);
    // The database is there, so nothing is lost.
    let answer = calling.await.unwrap().unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    fs::rename(rig.spool().with_extension("gone"), rig.spool()).unwrap();
    // What was reserved there could not be given back; it is taken away at a later start, when it is nobody's any more.
    assert_eq!((rig.spooled("sealed"), rig.spooled("open")), (0, 1));
    fs::remove_file(rig.spool().join(format!("{}.1.open", rig.connection.id))).unwrap();
    rig.finish(1).await;
}

async fn a_provider_that_does_not_answer_in_time_loses_nothing(engine: Engine) {
    let rig = Rig::start(engine, short_lease).await;
    rig.gate.hold.send_replace(Hold::Question);
    let failed = rig.call().await;
    let error = json(&failed);
    assert_eq!(
        (failed.status.as_u16(), error["detail"]["reason"].as_str()),
        (502, Some("refresh")),
        "{error}"
    );
    assert!(failed.header("retry-after").is_some() && error["retryable"] == true);
    assert_eq!((rig.status().await.as_str(), rig.spooled("open")), ("connected", 0));
    // It gave up, so the question never reaches the provider.
    rig.gate.hold.send_replace(Hold::Nothing);
    assert_eq!(rig.oidc.counts(&rig.client).await, [].into());
    // While it cools down, nobody asks; half a minute later, which is not waited for here, somebody does.
    assert_eq!(rig.call().await.status, 502);
    let database = Database::of(&rig.program).await;
    assert_eq!(database.change("update credentials set refresh_not_before = 1").await, 1);
    database.close().await;
    rig.finish(1).await;
}

async fn a_refresh_goes_on_without_the_caller_who_began_it(engine: Engine) {
    let rig = Rig::start(engine, |setup| setup).await;
    rig.gate.hold.send_replace(Hold::Answer);
    let hasty = r#"{"method":"GET","path":"/me","timeoutMs":400}"#;
    for _ in 0..2 {
        let gave_up = rig.program.on(&rig.connection, "POST", "/v1/passthrough", &[], hasty).await;
        let error = json(&gave_up);
        assert_eq!((gave_up.status.as_u16(), error["code"].as_str()), (503, Some("refresh_in_progress")));
        assert!(error["sent"] == "no" && error["retryable"] == true, "{error}");
        assert!(gave_up.header("retry-after").is_some());
    }
    // One who hangs up takes nothing along, either.
    let gone = rig.calling(&rig.program.url);
    sleep(Duration::from_millis(100)).await;
    gone.abort();
    let patient = rig.calling(&rig.program.url);
    sleep(Duration::from_millis(100)).await;
    rig.gate.hold.send_replace(Hold::Nothing);
    assert_eq!(patient.await.unwrap().unwrap().status, 200);
    rig.finish(1).await;
}

async fn an_answer_that_came_while_the_process_stood_still_is_read(engine: Engine) {
    let settings = |setup: Setup| setup.variable("PASSTHROUGH_REFRESH__TOKEN_TIMEOUT_MS", "1000");
    let rig = Rig::start(engine, settings).await;
    let calling = rig.answer_on_its_way().await;
    rig.program.suspend();
    rig.gate.hold.send_replace(Hold::Nothing);
    sleep(Duration::from_millis(3_500)).await;
    rig.program.go_on();
    let answer = calling.await.unwrap().unwrap();
    assert_eq!(answer.status, 200, "{}", answer.text());
    rig.finish(1).await;
}

async fn a_connection_that_is_put_away_during_its_refresh_is_not_used(engine: Engine) {
    let rig = Rig::start(engine, |setup| setup).await;
    let calling = rig.answer_on_its_way().await;
    let path = format!("/v1/connections/{}", rig.connection.id);
    assert_eq!(rig.program.api("PATCH", &path, r#"{"status":"archived"}"#).await.status, 200);
    rig.gate.hold.send_replace(Hold::Nothing);
    let refused = calling.await.unwrap().unwrap();
    assert_eq!(refused.status, 422, "{}", refused.text());
    // What the provider gave is kept nevertheless.
    assert_eq!(rig.program.api("PATCH", &path, r#"{"status":"connected"}"#).await.status, 200);
    rig.finish(1).await;
}

async fn a_provider_that_hangs_keeps_nobody_elses_tokens_from_being_renewed(engine: Engine) {
    const HANGING: u64 = 6;
    const OTHERS: u64 = 60;
    let url = oidc_provider().url;
    let file = format!(
        "name = \"Papers\"\nbase_url = \"{url}/api\"\n[auth.oauth]\ngrant = \"oauth2_code\"\n\
         inject.headers.authorization = \"Bearer {{access_token}}\"\n\
         [auth.oauth.oauth2]\nauthorize_url = \"{url}/auth\"\ntoken_url = \"{url}/token\"\n"
    );
    let mut rig = Rig::start(engine, |setup| setup.provider("papers", &file)).await;
    for number in 1..HANGING + OTHERS {
        let token = rig.oidc.mint(&rig.client).await;
        rig.program.watch(&token);
        let provider = if number < HANGING { "books" } else { "papers" };
        let (id, secret) = (&rig.client.id, &rig.client.secret);
        let request = format!(
            r#"{{"provider":"{provider}","credentials":{{"client_id":"{id}","client_secret":"{secret}","refresh_token":"{token}"}}}}"#
        );
        rig.program.connect(&request).await;
    }
    rig.program.stop();
    let database = Database::of(&rig.program).await;
    assert_eq!(database.change("update credentials set due_at = 1").await, HANGING + OTHERS);
    rig.gate.hold.send_replace(Hold::Question);
    rig.program.resume();
    let renewed =
        async || database.change("update credentials set key_id = key_id where generation > 1").await;
    eventually("all others are renewed", async || renewed().await == OTHERS).await;
    rig.gate.hold.send_replace(Hold::Nothing);
    eventually("all are renewed", async || renewed().await == HANGING + OTHERS).await;
    database.close().await;
    rig.finish(HANGING + OTHERS).await;
}

async fn a_refresh_is_finished_before_the_program_ends(engine: Engine) {
    let mut rig = Rig::start(engine, |setup| setup).await;
    let calling = rig.answer_on_its_way().await;
    rig.program.terminate();
    sleep(Duration::from_millis(1_500)).await;
    rig.gate.hold.send_replace(Hold::Nothing);
    assert_eq!(calling.await.unwrap().unwrap().status, 200);
    let status = rig.program.ended_within(Duration::from_secs(10)).unwrap();
    assert!(status.success(), "{status}");
    assert_eq!(rig.spooled("sealed"), 0);
    // The same where nobody waits for it any more.
    rig.program.resume();
    rig.oidc.expire(&rig.client).await;
    let calling = rig.answer_on_its_way().await;
    calling.abort();
    rig.program.terminate();
    sleep(Duration::from_millis(1_500)).await;
    rig.gate.hold.send_replace(Hold::Nothing);
    let status = rig.program.ended_within(Duration::from_secs(10)).unwrap();
    assert!(status.success(), "{status}");
    rig.program.resume();
    rig.finish(2).await;
}

impl Rig {
    /// By how many minutes the program's clock differs from ours.
    async fn clock_differs_by(&self) -> i64 {
        let path = format!("/v1/connections/{}", self.connection.id);
        let renamed = self.program.api("PATCH", &path, r#"{"name":"Jo"}"#).await;
        let minutes = |time: &str| -> i64 {
            let part = |range: std::ops::Range<usize>| time[range].parse::<i64>().unwrap();
            (part(8..10) * 24 + part(11..13)) * 60 + part(14..16)
        };
        assert_eq!(renamed.status, 200, "{}", renamed.text());
        let date = json(&renamed)["updatedAt"].as_str().unwrap().to_owned();
        let now = std::process::Command::new("date").args(["-u", "+%Y-%m-%dT%H:%M:%S"]).output().unwrap();
        minutes(&date) - minutes(&String::from_utf8(now.stdout).unwrap())
    }
}

async fn a_clock_that_is_set_ends_no_token_and_no_lease(engine: Engine) {
    let clock = FakeClock::new();
    let rig = Rig::start(engine, |setup| clock.of(setup)).await;
    let other = rig.program.second_server();
    assert_eq!(rig.call().await.status, 200);
    let mut token_calls = 1;
    for (offset, minutes) in [("+1h", 60), ("-1h", -60)] {
        clock.set(offset);
        let differs = rig.clock_differs_by().await;
        assert!((differs - minutes).abs() <= 1, "the clock was not set: {differs}");
        // The token has an hour, of which no time has passed.
        for url in [&rig.program.url, &other.url] {
            assert_eq!(rig.calling(url).await.unwrap().unwrap().status, 200);
        }
        rig.assert_token_calls(token_calls).await;
        // The clock is set while one of them holds the lease; the other waits for it.
        clock.set("+0");
        rig.oidc.expire(&rig.client).await;
        let first = rig.answer_on_its_way().await;
        clock.set(offset);
        let second = rig.calling(&other.url);
        sleep(Duration::from_millis(1_000)).await;
        rig.gate.hold.send_replace(Hold::Nothing);
        assert_eq!(first.await.unwrap().unwrap().status, 200);
        assert_eq!(second.await.unwrap().unwrap().status, 200);
        token_calls += 1;
        rig.assert_token_calls(token_calls).await;
        clock.set("+0");
    }
    drop(other);
    rig.finish(token_calls).await;
}

async fn servers_whose_clocks_differ_by_an_hour_do_not_take_each_others_leases(engine: Engine) {
    for offset in ["+1h", "-1h"] {
        let clock = FakeClock::new();
        let rig = Rig::start(engine, |setup| clock.of(setup)).await;
        clock.set(offset);
        let other = rig.program.second_server();
        clock.set("+0");
        let first = rig.answer_on_its_way().await;
        let second = rig.calling(&other.url);
        sleep(Duration::from_millis(1_000)).await;
        rig.gate.hold.send_replace(Hold::Nothing);
        assert_eq!(first.await.unwrap().unwrap().status, 200);
        let second = second.await.unwrap().unwrap();
        assert_eq!(second.status, 200, "{offset}: {}", second.text());
        drop(other);
        rig.finish(1).await;
    }
}
