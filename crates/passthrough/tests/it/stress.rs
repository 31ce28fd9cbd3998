//! The program under load: killed, stopped, besieged by slow callers, out of file descriptors.

use std::collections::BTreeSet;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use passthrough_testkit::http::{send, try_send};
use passthrough_testkit::program::{Connected, Engine, Program, canary};
use passthrough_testkit::raw_caller::{End, RawCaller, requests};
use passthrough_testkit::raw_server::Step;
use passthrough_testkit::unruly::{Play, UnrulyProvider};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::rig::head;
use crate::support::{bearer_provider, json, setup};

/// A provider that takes a moment for each answer, and a program before it.
struct Load {
    program: Program,
    provider: UnrulyProvider,
    connection: Connected,
    api_key: String,
}

impl Load {
    async fn begin(settings: &[(&str, &str)], open_files: Option<u32>) -> Self {
        let slowly = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello";
        let script =
            vec![Step::pause(30), Step::write(slowly), Step::pause(30), Step::write("world"), Step::Again];
        let provider = UnrulyProvider::start(vec![Play { name: "slow", script }]).await;
        let file = bearer_provider(&format!("http://{}/base", provider.address()));
        let mut setup = setup(Engine::Sqlite).provider("shop", &file);
        for (name, value) in settings {
            setup = setup.variable(name, value);
        }
        if let Some(most) = open_files {
            setup = setup.open_files(most);
        }
        let mut program = setup.start().await;
        let api_key = canary("key");
        let request = format!(r#"{{"provider":"shop","credentials":{{"api_key":"{api_key}"}}}}"#);
        let connection = program.connect(&request).await;
        Self { program, provider, connection, api_key }
    }

    /// The head of a request whose path names it.
    fn request(&self, name: &str) -> String {
        head(&self.program, &self.connection, "GET", &format!("/v1/proxy/{name}/slow"), "")
    }

    async fn is_well(&self) {
        let response = self.program.on(&self.connection, "GET", "/v1/proxy/well", &[], "").await;
        assert_eq!((response.status.as_u16(), response.text().as_str()), (200, "GET /base/well "));
    }

    /// The names of all requests that the provider saw.
    fn arrived(&self) -> BTreeSet<String> {
        let all = self.provider.connections().into_iter().flat_map(|seen| requests(&seen.received).unwrap());
        all.filter_map(|request| request.head.line.split('/').nth(2).map(str::to_owned)).collect()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_acknowledged_outlives_a_kill_under_load() {
    let mut load = Load::begin(&[], None).await;
    let mut work = JoinSet::new();
    let count = Arc::new(AtomicUsize::new(0));
    let ours = format!("Bearer {}", load.program.key);
    for worker in 0..4 {
        let (url, key, api_key) = (load.program.url.clone(), ours.clone(), load.api_key.clone());
        let count = Arc::clone(&count);
        work.spawn(async move {
            let mut made = Vec::new();
            for number in 0.. {
                let body = format!(
                    r#"{{"provider":"shop","credentials":{{"api_key":"{api_key}"}},"externalId":"{worker}-{number}"}}"#
                );
                let headers = [("authorization", key.as_str()), ("content-type", "application/json")];
                let url = format!("{url}/v1/connections");
                let Ok(response) = try_send("POST", &url, &headers, body).await else { break };
                assert_eq!(response.status, 201, "{}", response.text());
                made.push(json(&response));
                count.fetch_add(1, Ordering::Relaxed);
            }
            made
        });
    }
    for _ in 0..8 {
        let (url, request) = (load.program.url.clone(), load.request("load"));
        work.spawn(async move {
            let Ok(mut stream) = TcpStream::connect(url.strip_prefix("http://").unwrap()).await else {
                return Vec::new();
            };
            while stream.write_all(request.as_bytes()).await.is_ok() {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
            Vec::new()
        });
    }
    // In the middle of things: work was done, and more is under way.
    while count.load(Ordering::Relaxed) < 20 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    load.program.kill();
    let made: Vec<Value> = work.join_all().await.concat();
    load.program.resume();
    for connection in &made {
        let text = |name: &str| connection[name].as_str().unwrap().to_owned();
        let connected = Connected { id: text("id"), token: text("token") };
        let found = load.program.on(&connected, "GET", "/v1/connections/current", &[], "").await;
        assert_eq!(json(&found)["externalId"], connection["externalId"], "{}", found.text());
    }
    let last = made.last().unwrap()["token"].as_str().unwrap();
    load.program.watch(last);
    let connected = Connected { id: String::new(), token: last.to_owned() };
    let response = load.program.on(&connected, "GET", "/v1/proxy/well", &[], "").await;
    assert_eq!(response.text(), "GET /base/well ");
    load.program.finish().await;
}

/// One caller who asks again and again, on as few sockets as the program lets him; the names of the calls that
/// were answered in full.
async fn ask_until_stopped(
    url: String,
    worker: usize,
    request: String,
    stop: Arc<AtomicBool>,
) -> Vec<String> {
    let mut answered = Vec::new();
    let mut number = 0;
    while !stop.load(Ordering::Relaxed) {
        // Where nobody listens any more, the work is done.
        let Ok(mut caller) = RawCaller::try_connect(&url).await else { break };
        loop {
            let name = format!("call-{worker}-{number}");
            number += 1;
            let answer = caller.ask("GET", request.replace("NAME", &name)).await;
            match answer.end {
                End::Complete => {
                    assert_eq!((answer.head.status(), answer.text().as_str()), (200, "helloworld"), "{name}");
                    answered.push(name);
                    if answer
                        .head
                        .first("connection")
                        .is_some_and(|value| value.eq_ignore_ascii_case("close"))
                    {
                        break;
                    }
                }
                // The socket was closed before this request was read: no answer was begun, and below it is seen
                // that the provider never heard of it.
                End::Nothing => break,
                other => panic!("{name} was broken off: {other:?}"),
            }
        }
    }
    answered
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stop_under_load_finishes_every_call_that_was_begun() {
    let mut load = Load::begin(&[], None).await;
    let stop = Arc::new(AtomicBool::new(false));
    let mut work = JoinSet::new();
    for worker in 0..16 {
        let (url, request) = (load.program.url.clone(), load.request("NAME"));
        work.spawn(ask_until_stopped(url, worker, request, Arc::clone(&stop)));
    }
    while load.arrived().len() < 60 {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let began = Instant::now();
    signal(&load.program, "-TERM");
    let answered: BTreeSet<String> = work.join_all().await.into_iter().flatten().collect();
    stop.store(true, Ordering::Relaxed);
    let status = tokio::task::spawn_blocking(move || (load.program.stop(), load)).await.unwrap();
    let (status, load) = status;
    assert!(status.success(), "{status}: {}", load.program.log());
    assert!(began.elapsed() < Duration::from_secs(10), "calls of 60 ms took {:?} to finish", began.elapsed());
    let lost: Vec<String> = load.arrived().difference(&answered).cloned().collect();
    assert!(lost.is_empty(), "the provider was asked, and the caller got no answer: {lost:?}");
    load.program.finish().await;
}

/// As many files as the system lets this process, and so the program that it starts, have open.
fn raise_open_files() -> usize {
    let limit = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: limit.maximum, maximum: limit.maximum }).unwrap();
    limit.maximum.map_or(1 << 20, |most| usize::try_from(most).unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn ten_thousand_callers_who_trickle_their_heads_keep_nobody_waiting() {
    let count = (raise_open_files() - 512).min(10_000);
    let load = Load::begin(&[("PASSTHROUGH_LIMITS__HEAD_TIMEOUT_MS", "2500")], None).await;
    let address = load.program.url.strip_prefix("http://").unwrap().to_owned();
    let mut opening = JoinSet::new();
    for _ in 0..8 {
        let address = address.clone();
        opening.spawn(async move {
            let mut callers = Vec::new();
            for _ in 0..count / 8 {
                let mut stream = TcpStream::connect(&address).await.unwrap();
                stream.write_all(b"GET /v1/proxy/x HTTP/1.1\r\nHost: a\r\nX-Slow: ").await.unwrap();
                callers.push(stream);
            }
            callers
        });
    }
    let mut callers: Vec<TcpStream> = opening.join_all().await.into_iter().flatten().collect();
    let mut slowest = Duration::ZERO;
    for _ in 0..10 {
        let began = Instant::now();
        load.is_well().await;
        slowest = slowest.max(began.elapsed());
        // A byte now and then is no reason to be patient.
        for caller in callers.iter_mut().step_by(10) {
            let _ = caller.try_write(b"x");
        }
    }
    assert!(slowest < Duration::from_secs(1), "an honest caller waited for {slowest:?}");
    // All of them are dropped at their deadline, not one is forgotten.
    let deadline = Instant::now() + Duration::from_secs(8);
    for caller in &callers {
        loop {
            let _ = tokio::time::timeout_at(deadline.into(), caller.readable())
                .await
                .expect("all are dropped in time");
            match caller.try_read(&mut [0; 256]) {
                Ok(0) => break,
                Err(error) if error.kind() != std::io::ErrorKind::WouldBlock => break,
                _ => {}
            }
        }
    }
    drop(callers);
    load.is_well().await;
    load.program.finish().await;
}

/// Sends the program a signal.
fn signal(program: &Program, name: &str) {
    let pid = program.pid().to_string();
    assert!(Command::new("kill").args([name, &pid]).status().unwrap().success());
}

/// Where the queue is too short, the system lets a caller try again after a second, and then after two.
#[tokio::test(flavor = "multi_thread")]
async fn callers_who_come_all_at_once_find_a_place_in_the_queue() {
    let load = Load::begin(&[], None).await;
    let address = load.program.url.strip_prefix("http://").unwrap();
    signal(&load.program, "-STOP");
    let connecting = async {
        let mut callers = Vec::new();
        for _ in 0..500 {
            callers.push(TcpStream::connect(address).await.unwrap());
        }
        callers
    };
    let callers = tokio::time::timeout(Duration::from_secs(10), connecting).await;
    signal(&load.program, "-CONT");
    assert_eq!(callers.expect("the queue holds them all").len(), 500);
    load.is_well().await;
    load.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_program_takes_as_many_files_as_it_may_have_open() {
    let most = getrlimit(Resource::Nofile).maximum.unwrap();
    let program = setup(Engine::Sqlite).open_files_at_first(256).start().await;
    let metrics = send("GET", &format!("{}/metrics", program.url), &[], "").await.text();
    assert!(metrics.contains(&format!("process_max_fds {most}\n")), "{most}: {metrics}");
    assert!(program.log().contains("more files may be open"), "{}", program.log());
    program.finish().await;

    // Who was given less does not get more.
    let program = setup(Engine::Sqlite).open_files(256).start().await;
    let metrics = send("GET", &format!("{}/metrics", program.url), &[], "").await.text();
    assert!(metrics.contains("process_max_fds 256\n"), "{metrics}");
    program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_without_a_free_file_descriptor_recovers() {
    let load = Load::begin(&[("PASSTHROUGH_LIMITS__HEAD_TIMEOUT_MS", "60000")], Some(96)).await;
    load.is_well().await;
    let mut before = RawCaller::connect(&load.program.url).await;
    let health = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";
    assert_eq!(before.ask("GET", health).await.head.status(), 200);
    let address = load.program.url.strip_prefix("http://").unwrap();
    // The system completes connections that the program cannot accept.
    let mut idle = Vec::new();
    for _ in 0..200 {
        idle.push(TcpStream::connect(address).await.unwrap());
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    let busy = processor_time(&load.program);
    // Who has a socket is served.
    for _ in 0..5 {
        assert_eq!(before.ask("GET", health).await.head.status(), 200);
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    let spun = processor_time(&load.program) - busy;
    assert!(spun < Duration::from_millis(350), "it spins: {spun:?} of processor time in half a second");
    drop(idle);
    let began = Instant::now();
    while send("GET", &format!("{}/healthz", load.program.url), &[], "").await.status != 200 {}
    load.is_well().await;
    assert!(began.elapsed() < Duration::from_secs(3), "only after {:?}", began.elapsed());
    load.program.finish().await;
}

/// What the program has used of the processors so far.
fn processor_time(program: &Program) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", program.pid())).unwrap();
    let fields: Vec<&str> = stat.rsplit(") ").next().unwrap().split(' ').collect();
    let ticks = |at: usize| fields[at].parse::<u64>().unwrap();
    // User and system time, in hundredths of a second.
    Duration::from_millis(10 * (ticks(11) + ticks(12)))
}
