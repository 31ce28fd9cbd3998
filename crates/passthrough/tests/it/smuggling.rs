//! Request smuggling, in and out: what two programs read differently is refused or framed anew, and the next
//! request on the same socket, ours or the provider's, is never polluted.

mod http2;
mod requests;

use std::collections::BTreeSet;
use std::time::Duration;

use passthrough_testkit::program::{Connected, Engine, Program, canary};
use passthrough_testkit::raw_caller::{Answer, End, RawCaller, Request, requests as read_requests};
use passthrough_testkit::unruly::UnrulyProvider;
use serde_json::json as value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::sleep;

use crate::rig::{head, json};
use crate::support::{bearer_provider, setup, with_key};

use requests::{Case, Expected, cases};

/// A provider that tells each request from the next, and two callers who share nothing but the program.
pub struct Stage {
    pub program: Program,
    pub provider: UnrulyProvider,
    pub connection: Connected,
    api_key: String,
    other: Connected,
    other_key: String,
    other_api_key: String,
}

impl Stage {
    pub async fn open() -> Self {
        let provider = UnrulyProvider::start(Vec::new()).await;
        let file = bearer_provider(&format!("http://{}/base", provider.address()));
        let mut program = setup(Engine::Sqlite)
            .provider("shop", &file)
            .variable("PASSTHROUGH_LIMITS__BODY_IDLE_TIMEOUT_MS", "500")
            .start()
            .await;
        let (api_key, other_api_key) = (canary("mine"), canary("theirs"));
        let request = |key: &str| format!(r#"{{"provider":"shop","credentials":{{"api_key":"{key}"}}}}"#);
        let connection = program.connect(&request(&api_key)).await;
        let other_key = program.create_key("other");
        let made = with_key(&program, &other_key, "POST", "/v1/connections", &request(&other_api_key)).await;
        let made = json(&made);
        let text = |name: &str| made[name].as_str().unwrap().to_owned();
        let other = Connected { id: text("id"), token: text("token") };
        program.watch(&other.token);
        Self { program, provider, connection, api_key, other, other_key, other_api_key }
    }

    /// The head of a request of the first caller's.
    pub fn head(&self, method: &str, target: &str, headers: &str) -> String {
        head(&self.program, &self.connection, method, target, headers)
    }

    /// A call of the other environment's, which must get its own answer.
    pub async fn other_is_well(&self, number: usize) {
        let target = format!("/v1/proxy/other-{number}");
        let (key, token) = (&self.other_key, &self.other.token);
        let request = format!(
            "GET {target} HTTP/1.1\r\nHost: passthrough\r\nAuthorization: Bearer {key}\r\n\
             Connection-Token: {token}\r\n\r\n"
        );
        let answer = RawCaller::connect(&self.program.url).await.ask("GET", request).await;
        assert_eq!(answer.text(), format!("GET /base/other-{number} "), "{number}");
    }

    /// A call of the first caller's on a socket of its own.
    pub async fn next_is_well(&self, number: usize) {
        let request = self.head("GET", &format!("/v1/proxy/next-{number}"), "");
        let answer = RawCaller::connect(&self.program.url).await.ask("GET", request).await;
        assert_eq!(answer.text(), format!("GET /base/next-{number} "), "{number}");
    }

    /// Reads all that the provider received, as strictly as can be: well-framed requests with one credential,
    /// that of the socket's environment, and nothing that was smuggled.
    pub async fn check_arrivals(&self) -> Vec<Request> {
        assert!(self.provider.saw(|seen| !seen.is_empty()).await);
        let mut all = Vec::new();
        for seen in self.provider.connections() {
            let text = seen.text();
            let arrived = read_requests(&seen.received).unwrap_or_else(|error| panic!("{error} in {text:?}"));
            let mut credentials = BTreeSet::new();
            for (at, request) in arrived.iter().enumerate() {
                assert!(request.complete || at + 1 == arrived.len() && seen.closed, "unfinished: {text:?}");
                self.check_arrival(request);
                credentials.extend(request.head.all("authorization").iter().map(|value| (*value).to_owned()));
            }
            assert!(credentials.len() < 2, "a socket that two environments share: {text:?}");
            all.extend(arrived);
        }
        all
    }

    fn check_arrival(&self, request: &Request) {
        let Request { head, trailers, .. } = request;
        let address = self.provider.address().to_string();
        assert_eq!(head.all("host"), [address.as_str()], "{request:?}");
        let target = head.line.split(' ').nth(1).unwrap();
        assert!(target.starts_with("/base/") && !target.contains("smuggled"), "{request:?}");
        let expected = if target.contains("/other-") { &self.other_api_key } else { &self.api_key };
        assert_eq!(head.all("authorization"), [format!("Bearer {expected}").as_str()], "{request:?}");
        for name in ["x-smuggled", "connection-token", "upgrade", "http2-settings", "expect", "te", "trailer"]
        {
            assert!(head.all(name).is_empty(), "{name} in {request:?}");
        }
        let framing = ["content-length", "transfer-encoding", "authorization", "host", "connection"];
        assert!(
            !trailers.iter().any(|(name, _)| framing.contains(&name.to_lowercase().as_str())),
            "{request:?}"
        );
    }
}

fn is_ours(answer: &Answer) -> bool {
    answer.head.first("passthrough-source") != Some("provider")
}

/// Plays one case on a socket of its own: the case, a smuggled request behind it, and an honest one.
async fn play(stage: &Stage, number: usize, case: &Case) -> Result<(), String> {
    let mut caller = RawCaller::connect(&stage.program.url).await;
    // The socket has already served: what comes next is not looked at as the first thing would be.
    let first = caller.ask("GET", stage.head("GET", &format!("/v1/proxy/first-{number}"), "")).await;
    if first.text() != format!("GET /base/first-{number} ") {
        return Err(format!("the first call got {:?}", first.text()));
    }
    let smuggled = stage.head("GET", "/v1/proxy/smuggled", "X-Smuggled: 1\r\n");
    let probe = stage.head("GET", &format!("/v1/proxy/probe-{number}"), "");
    let bytes = (case.bytes)(&|method, target, headers| stage.head(method, target, headers), &smuggled);
    let before = arrivals(stage);
    caller.write(&bytes).await;
    // The probe is what an honest caller behind the same front would send next.
    caller.write(&probe).await;
    let answer = caller.answer(case.method).await;
    let rest = match answer.end {
        End::Complete => caller.answer("GET").await,
        _ => answer.clone(),
    };
    judge(stage, number, case, before, &answer, &rest).await
}

fn arrivals(stage: &Stage) -> usize {
    let seen = stage.provider.connections();
    seen.iter().map(|seen| read_requests(&seen.received).map_or(0, |all| all.len())).sum()
}

async fn judge(
    stage: &Stage,
    number: usize,
    case: &Case,
    before: usize,
    answer: &Answer,
    next: &Answer,
) -> Result<(), String> {
    let probed = next.text() == format!("GET /base/probe-{number} ");
    let silent = next.end == End::Nothing || next.end == answer.end && answer.end != End::Complete;
    let status = answer.head.status();
    let refused = answer.end == End::Nothing
        || is_ours(answer) && [400, 404, 405, 408, 413, 414, 417, 421, 431, 501, 505].contains(&status);
    let reframed = status == 200 && !is_ours(answer) && answer.end == End::Complete;
    let got = || {
        format!(
            "got {:?} {:.200?}, then {:?} {:.100?}",
            answer.head.line,
            answer.text(),
            next.head.line,
            next.text()
        )
    };
    match case.expected {
        Expected::Refused if !(refused && silent) => Err(format!("is not refused: {}", got())),
        Expected::Reframed(body) if !(reframed && probed) => {
            Err(format!("is not read as {body:?} and the next request as itself: {}", got()))
        }
        Expected::Reframed(body) if !answer.text().contains(body) => Err(format!("another body: {}", got())),
        Expected::Either if !((refused || reframed) && (probed || silent)) => {
            Err(format!("is neither refused nor framed anew: {}", got()))
        }
        _ => {
            // One for the first call, one for the case at most, one for the probe at most.
            let arrived = arrivals(stage) - before;
            let most =
                usize::from(reframed || answer.end != End::Complete || !case.head_only) + usize::from(probed);
            if arrived > most { Err(format!("{arrived} requests arrived: {}", got())) } else { Ok(()) }
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn ambiguous_requests_are_refused_or_framed_anew() {
    let stage = Stage::open().await;
    let mut wrong = Vec::new();
    for (number, case) in cases().iter().enumerate() {
        if let Err(error) = play(&stage, number, case).await {
            wrong.push(format!("{}: {error}", case.name));
        }
        stage.other_is_well(number).await;
        stage.next_is_well(number).await;
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
    stage.check_arrivals().await;
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_in_one_write_are_answered_one_by_one_and_in_order() {
    let stage = Stage::open().await;
    let mut caller = RawCaller::connect(&stage.program.url).await;
    let mut bytes = String::new();
    for number in 0..20 {
        let target = format!("/v1/proxy/piped-{number}");
        match number % 3 {
            0 => bytes.push_str(&stage.head("GET", &target, "")),
            1 => bytes.push_str(&format!("{}ab", stage.head("PUT", &target, "Content-Length: 2\r\n"))),
            _ => {
                let chunked = stage.head("PUT", &target, "Transfer-Encoding: chunked\r\n");
                bytes.push_str(&format!("{chunked}1\r\na\r\n1\r\nb\r\n0\r\n\r\n"));
            }
        }
    }
    caller.write(&bytes).await;
    for number in 0..20 {
        let answer = caller.answer("GET").await;
        let expected = if number % 3 == 0 { "GET" } else { "PUT" };
        assert!(answer.text().starts_with(&format!("{expected} /base/piped-{number} ")), "{}", answer.text());
        assert!(number % 3 == 0 || answer.text().contains('b'), "{}", answer.text());
    }
    let arrived = stage.check_arrivals().await;
    assert_eq!(arrived.len(), 20);
    stage.program.finish().await;
}

/// What was refused has no place on the socket any more; a caller who goes on writing is not listened to.
#[tokio::test(flavor = "multi_thread")]
async fn a_socket_is_closed_after_a_head_that_was_refused() {
    let stage = Stage::open().await;
    for head in
        ["GET /v1/proxy/x HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "GET  / HTTP/1.1\r\n\r\n", "\0\r\n\r\n"]
    {
        let mut caller = RawCaller::connect(&stage.program.url).await;
        caller.write(head).await;
        caller.write(stage.head("GET", "/v1/proxy/smuggled", "")).await;
        let answer = caller.answer("GET").await;
        assert!(answer.head.status() == 400 || answer.end == End::Nothing, "{head:?}: {answer:?}");
        let (more, open) = caller.within(Duration::from_secs(2)).await;
        assert!(more.is_empty() && !open, "{head:?}: {}", String::from_utf8_lossy(&more));
    }
    stage.next_is_well(0).await;
    assert_eq!(stage.check_arrivals().await.len(), 1);
    stage.program.finish().await;
}

/// A provider that does not look for content behind a `GET`, and sends the body of a `HEAD` after a while; what it says
/// tells what it was asked.
async fn careless_provider() -> std::net::SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            tokio::spawn(serve_carelessly(stream));
        }
    });
    address
}

async fn serve_carelessly(mut stream: TcpStream) -> std::io::Result<()> {
    let mut received = Vec::new();
    loop {
        let Some(end) = received.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
            if stream.read_buf(&mut received).await? == 0 {
                return Ok(());
            }
            continue;
        };
        let head: Vec<u8> = received.drain(..end + 4).collect();
        let line = String::from_utf8_lossy(&head).lines().next().unwrap_or_default().to_owned();
        let answer = |text: &str| format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{text}", text.len());
        if line.contains("/smuggled") {
            sleep(Duration::from_millis(300)).await;
        }
        if line.starts_with("HEAD") {
            let body = answer("poison");
            let head = answer(&body);
            stream.write_all(&head.as_bytes()[..head.len() - body.len()]).await?;
            sleep(Duration::from_millis(50)).await;
            stream.write_all(body.as_bytes()).await?;
        } else {
            stream.write_all(answer(&line).as_bytes()).await?;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_careless_provider_says_late_is_no_answer_to_another_customer() {
    let address = careless_provider().await;
    let mut program = setup(Engine::Sqlite)
        .provider("careless", &bearer_provider(&format!("http://{address}")))
        .variable("PASSTHROUGH_SERVER__WORKERS", "1")
        .start()
        .await;
    let request = || format!(r#"{{"provider":"careless","credentials":{{"api_key":"{}"}}}}"#, canary("key"));
    let (one, other) = (program.connect(&request()).await, program.connect(&request()).await);
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    let enveloped = value!({"method": "GET", "path": "/one", "body": smuggled}).to_string();
    let own = |method: &str, body: &str| {
        head(&program, &one, method, "/v1/proxy/one", &format!("Content-Length: {}\r\n", body.len())) + body
    };
    let door = head(
        &program,
        &one,
        "POST",
        "/v1/passthrough",
        &format!("Content-Type: application/json\r\nContent-Length: {}\r\n", enveloped.len()),
    );
    for (number, (method, bytes)) in
        [("GET", own("GET", smuggled)), ("POST", door + &enveloped), ("HEAD", own("HEAD", ""))]
            .into_iter()
            .enumerate()
    {
        let first = RawCaller::connect(&program.url).await.ask(method, bytes).await;
        assert!(first.head.line.contains(" 200 "), "{first:?}");
        let target = format!("/v1/proxy/other-{number}");
        let request = head(&program, &other, "GET", &target, "");
        let answer = RawCaller::connect(&program.url).await.ask("GET", request).await;
        assert_eq!(answer.text(), format!("GET /other-{number} HTTP/1.1"), "{method}");
    }
    program.finish().await;
}
