//! Providers that misbehave: what comes of each way, through both doors, and that nothing of it stays behind.
//!
//! The tables of this file are `docs/MISBEHAVIOURS.md`: what is promised there is what is asserted here.

mod http2;
mod memory;
mod plays;
mod tls;

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use passthrough_testkit::http::Response;
use passthrough_testkit::program::{Connected, Engine, Program, canary};
use passthrough_testkit::raw_caller::{Answer, End, RawCaller};
use passthrough_testkit::unruly::{Play, UnrulyProvider};
use serde_json::Value;

use crate::rig::head;
use crate::support::{bearer_provider, setup};

use plays::Row;

/// Places in flight of one connection. More calls than these are made of each row: a place that leaked would be
/// missed.
const PLACES: usize = 10;
/// Calls of each row and door, besides the first.
const CALLS: usize = 20;
/// Rows that are played at the same time.
const ROWS: usize = 10;

/// How long a provider may be silent, where that is not what is played.
const PATIENCE: Duration = Duration::from_secs(10);

/// A path that no play has.
const GOOD: &str = "/good";

/// A running program with a provider, and a connection to it, for each row.
struct Theatre {
    program: Program,
    stages: Vec<Stage>,
}

struct Stage {
    row: Row,
    provider: UnrulyProvider,
    connection: Connected,
}

impl Theatre {
    async fn open(rows: Vec<Row>, patience: Duration) -> Self {
        let patience = patience.as_millis().to_string();
        let mut setup = setup(Engine::Sqlite)
            .variable("PASSTHROUGH_UPSTREAM__FIRST_BYTE_TIMEOUT_MS", &patience)
            .variable("PASSTHROUGH_UPSTREAM__IDLE_TIMEOUT_MS", &patience)
            .variable("PASSTHROUGH_UPSTREAM__STREAM_IDLE_TIMEOUT_MS", &patience)
            .variable("PASSTHROUGH_UPSTREAM__MAX_IN_FLIGHT_PER_CONNECTION", &PLACES.to_string())
            .variable("PASSTHROUGH_UPSTREAM__MAX_WAIT_MS", "500")
            .variable("PASSTHROUGH_UPSTREAM__BREAKER_FAILURES", "0");
        let (mut providers, certificates) = (Vec::new(), tls::Certificates::new());
        for row in rows {
            let plays = vec![Play { name: row.name, script: row.script.clone() }];
            let provider = match row.tls {
                true => UnrulyProvider::start_tls(plays, &certificates.authority).await,
                false => UnrulyProvider::start(plays).await,
            };
            let scheme = if row.https { "https" } else { "http" };
            let file = bearer_provider(&format!("{scheme}://{}/base", provider.address()));
            setup = setup.provider(row.name, &file);
            providers.push((row, provider));
        }
        let mut program = setup.variable("PASSTHROUGH_UPSTREAM__CA_FILE", certificates.roots()).start().await;
        let mut stages = Vec::new();
        for (row, provider) in providers {
            let key = canary("key");
            let request = format!(r#"{{"provider":"{}","credentials":{{"api_key":"{key}"}}}}"#, row.name);
            let connection = program.connect(&request).await;
            stages.push(Stage { row, provider, connection });
        }
        Self { program, stages }
    }
}

/// What came of a call, in the words of the table.
fn told(answer: &Answer) -> String {
    let status = answer.head.status();
    match (answer.head.first("passthrough-source"), answer.end) {
        (_, End::Nothing) => plays::NOTHING.to_owned(),
        (Some("passthrough"), End::Complete) => failure(status, &answer.text()),
        (Some("provider"), End::Complete) => format!("{status}, whole"),
        (Some("provider"), End::CutShort) => format!("{status}, cut short"),
        (source, end) => format!("{status} from {source:?}, {end:?}"),
    }
}

fn failure(status: u16, body: &str) -> String {
    let error: Value = serde_json::from_str(body).unwrap_or_else(|_| panic!("no error of ours: {body}"));
    let reason = error["detail"]["reason"].as_str().map_or_else(String::new, |reason| format!(" `{reason}`"));
    format!("{status} `{}`{reason}", error["code"].as_str().unwrap())
}

fn told_by_envelope(response: &Response) -> String {
    let status = response.status.as_u16();
    if response.header("passthrough-source") == Some("passthrough") {
        return failure(status, &response.text());
    }
    let envelope: Value = serde_json::from_str(&response.text()).unwrap();
    format!("{}, whole", envelope["statusCode"])
}

impl Stage {
    async fn proxy(&self, program: &Program, path: &str, upload: usize) -> Answer {
        let mut caller = RawCaller::connect(&program.url).await;
        let target = format!("/v1/proxy{path}");
        let length = format!("Content-Length: {upload}\r\n");
        let mut request = head(program, &self.connection, self.row.method, &target, &length);
        request.push_str(&"b".repeat(upload));
        caller.ask(self.row.method, request).await
    }

    async fn envelope(&self, program: &Program, path: &str) -> Response {
        let body = "b".repeat(self.row.upload);
        let body = if self.row.upload == 0 { String::new() } else { format!(r#","body":"{body}""#) };
        let request = format!(r#"{{"method":"{}","path":"{path}"{body}}}"#, self.row.method);
        program.on(&self.connection, "POST", "/v1/passthrough", &[], request).await
    }

    /// Waits until the provider has done to a resting socket what it does.
    async fn rest(&self) {
        if self.row.calm {
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
    }

    /// A call that has nothing to do with the misbehaviour gets its own answer, whatever came before.
    async fn next_is_well(&self, program: &Program, number: usize) -> Result<(), String> {
        let path = format!("{GOOD}-{number}");
        self.rest().await;
        let upload = self.row.upload.min(4);
        let answer = self.proxy(program, &path, upload).await;
        let expected = format!("{} /base{path} {}", self.row.method, "b".repeat(upload));
        let expected = if self.row.method == "HEAD" { String::new() } else { expected };
        if answer.head.status() != 200 || answer.text() != expected {
            return Err(format!(
                "{}: the next call got {} {:.300}",
                self.row.name,
                told(&answer),
                answer.text()
            ));
        }
        Ok(())
    }

    async fn play(&self, program: &Program) -> Result<(), String> {
        let path = format!("/{}", self.row.name);
        let answer = self.proxy(program, &path, self.row.upload).await;
        let through_proxy = told(&answer);
        if answer.end == End::Complete && through_proxy.ends_with("whole") && answer.body != self.row.body {
            return Err(format!("{}: another body: {:.200}", self.row.name, answer.text()));
        }
        self.next_is_well(program, 0).await?;
        let response = self.envelope(program, &path).await;
        let through_envelope = told_by_envelope(&response);
        self.next_is_well(program, 1).await?;
        if !self.row.bears(&through_proxy) || through_envelope != self.row.envelope {
            return Err(format!(
                "{}: the proxy says {through_proxy:?}, the envelope {through_envelope:?}; expected {:?}, {:?}",
                self.row.name, self.row.proxy, self.row.envelope
            ));
        }
        self.again_and_again(program, &path).await?;
        let kept = self.provider.reused().contains(&self.row.name);
        if kept && !self.row.kept {
            return Err(format!("{}: the socket was used again", self.row.name));
        }
        Ok(())
    }

    /// Many more, at most as many at a time as there are places; then there must still be as many places.
    async fn again_and_again(&self, program: &Program, path: &str) -> Result<(), String> {
        let calls = stream::iter(0..2 * CALLS).map(|number| async move {
            self.rest().await;
            match number % 2 {
                0 => (told(&self.proxy(program, path, self.row.upload).await), self.row.proxy),
                _ => (told_by_envelope(&self.envelope(program, path).await), self.row.envelope),
            }
        });
        let results: Vec<_> = calls.buffer_unordered(if self.row.calm { 1 } else { PLACES }).collect().await;
        for (number, (got, expected)) in results.into_iter().enumerate() {
            let bears = if expected == self.row.proxy { self.row.bears(&got) } else { got == expected };
            if !bears {
                return Err(format!("{}: later, call {number} got {got:?} for {expected:?}", self.row.name));
            }
        }
        let next = stream::iter(0..PLACES).map(|number| self.next_is_well(program, 2 + number));
        let next: Vec<_> = next.buffer_unordered(PLACES).collect().await;
        next.into_iter().collect()
    }
}

/// Plays all rows and says everything that is not as the table has it.
async fn play_all(rows: Vec<Row>, patience: Duration) {
    let theatre = Arc::new(Theatre::open(rows, patience).await);
    let playing = stream::iter(0..theatre.stages.len()).map(|number| {
        let theatre = Arc::clone(&theatre);
        tokio::spawn(async move { theatre.stages[number].play(&theatre.program).await })
    });
    let results: Vec<_> = playing.buffer_unordered(ROWS).collect().await;
    let wrong: Vec<String> = results
        .into_iter()
        .filter_map(|result| match result {
            Ok(played) => played.err(),
            Err(panicked) => Some(panicked.to_string()),
        })
        .collect();
    assert!(wrong.is_empty(), "{} misbehaviours have another outcome:\n{}", wrong.len(), wrong.join("\n"));
    let theatre = Arc::into_inner(theatre).unwrap();
    theatre.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn slow_providers_are_waited_for() {
    play_all(plays::slow(), PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn stalling_providers_are_left() {
    play_all(plays::stalling(), Duration::from_millis(500)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn providers_that_break_off_are_told_from_those_that_end() {
    play_all(plays::breaking_off(), PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_framing_is_refused_or_cut_off() {
    play_all(plays::framing(), PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_that_are_none_are_refused() {
    play_all(plays::heads(), PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn providers_that_say_more_or_earlier_than_they_should_poison_nobody() {
    play_all(plays::talkative(), PATIENCE).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn tls_that_ends_without_a_goodbye_is_not_believed() {
    play_all(tls::rows(), PATIENCE).await;
}

/// The page of the documentation that this file keeps true.
fn page() -> String {
    let mut page = String::from(
        "# What providers may do wrong, and what comes of it\n\n\
         <!-- Written from the tables of crates/passthrough/tests/it/misbehaving.rs by `make generate`. -->\n\n\
         `make test` plays each line through both doors, more than forty times. After that a call that has nothing\n\
         to do with it is made on the same connection: it must get its own answer, and no place in flight may be\n\
         missing. *whole*: every byte of the provider's answer came, and no other. *cut short*: the caller's answer\n\
         breaks off and never ends properly, because its head was already on its way. *socket*: whether the one to\n\
         the provider may serve another request.\n",
    );
    for (title, rows) in [
        ("Slow", plays::slow()),
        ("Stalling", plays::stalling()),
        ("Breaking off", plays::breaking_off()),
        ("Framing", plays::framing()),
        ("Heads", plays::heads()),
        ("Talkative", plays::talkative()),
        ("TLS", tls::rows()),
    ] {
        let _ = write!(
            page,
            "\n## {title}\n\n| the provider … | proxy | envelope | socket |\n|---|---|---|---|\n"
        );
        for row in rows {
            let socket = if row.kept { "kept" } else { "dropped" };
            let _ = writeln!(page, "| {} | {} | {} | {socket} |", row.what, row.proxy, row.envelope);
        }
    }
    let _ = write!(page, "\n## HTTP/2\n\n| the provider … | proxy | envelope |\n|---|---|---|\n");
    for row in http2::rows() {
        let _ = writeln!(page, "| {} | {} | {} |", row.what, row.proxy, row.envelope);
    }
    let _ = write!(page, "\n## Memory\n\n| the provider … | what comes of it |\n|---|---|\n");
    for (what, outcome) in memory::ROWS {
        let _ = writeln!(page, "| {what} | {outcome} |");
    }
    page
}

#[test]
fn the_committed_list_of_misbehaviours_is_fresh() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/MISBEHAVIOURS.md");
    #[expect(clippy::disallowed_methods, reason = "`make generate` says so to the test, not to the program")]
    if std::env::var_os("PASSTHROUGH_TEST_WRITE").is_some() {
        std::fs::write(&path, page()).unwrap();
    }
    let committed = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(committed == page(), "run `make generate` and commit docs/MISBEHAVIOURS.md");
}
