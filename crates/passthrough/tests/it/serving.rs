//! How callers are taken in, whatever they ask for: on both protocols, up to a bound, until the program ends.

use std::time::Duration;

use passthrough_testkit::http2::{END_HEADERS, END_STREAM, Frame, FrameCaller, Outcome};
use passthrough_testkit::program::Engine;
use passthrough_testkit::raw_server::Step;
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use crate::rig::{Caller, Stage, answer, answers, head, stage, stage_with};
use crate::support::setup;

const HEALTHY: &str = "GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";

/// A request of HTTP/2 through the proxy.
fn framed(stage: &Stage, stream: u32, path: &str) -> Frame {
    let fields = [
        (":method", "GET"),
        (":scheme", "http"),
        (":authority", "passthrough"),
        (":path", path),
        ("authorization", &format!("Bearer {}", stage.program.key)),
        ("connection-token", &stage.connection.token),
    ];
    Frame::headers(END_HEADERS | END_STREAM, stream, &fields)
}

#[tokio::test(flavor = "multi_thread")]
async fn doors_and_other_routes_are_answered_on_one_socket_in_order() {
    let stage = stage(vec![answers(&answer("200 OK", "arrived"))]).await;
    let door = head(&stage.program, &stage.connection, "GET", "/v1/proxy/x", "");
    let named = head(&stage.program, &stage.connection, "GET", "http://passthrough/v1/proxy/y", "");
    let unknown = "GET /nothing HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    let mut caller = Caller::connect(&stage.program).await;
    caller.write([&door, HEALTHY, &named, unknown].concat().as_bytes()).await;
    let through = caller.until("arrived").await;
    assert!(
        through.contains("Passthrough-Source: provider\r\n") && through.contains("\r\nDate: "),
        "{through}"
    );
    let healthy = caller.until("ok\"}").await.to_ascii_lowercase();
    assert!(
        healthy.starts_with("http/1.1 200 ") && healthy.contains("passthrough-request-id: req_"),
        "{healthy}"
    );
    caller.until("arrived").await;
    let rest = caller.rest().await;
    assert!(rest.starts_with("HTTP/1.1 404 ") && rest.contains(r#""code":"not_found""#), "{rest}");
    assert!(stage.server.connections()[0].text().contains("GET /base/y HTTP/1.1\r\n"));
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_request_is_refused_in_our_own_form() {
    let program = setup(Engine::Sqlite).start().await;
    for (request, status) in [
        ("GET /healthz HTTP/1.1\r\n\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", 400),
        ("GET /healthz HTTP/1.1\r\nHost: a b\r\n\r\n", 400),
        ("GET /healthz\r\n\r\n", 400),
        ("GET /healthz HTTP/3.0\r\nHost: a\r\n\r\n", 505),
        ("GET /healthz HTTP/1.1\r\nHost: a\r\nExpect: more\r\n\r\n", 417),
        (
            "POST /v1/passthrough HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            400,
        ),
        (&format!("GET /healthz HTTP/1.1\r\nHost: a\r\nX: {}\r\n\r\n", "x".repeat(70_000)), 431),
    ] {
        let mut caller = Caller::connect(&program).await;
        caller.write([request, HEALTHY].concat().as_bytes()).await;
        let answer = caller.rest().await;
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
        let (head, body) = answer.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
        let error: Value = serde_json::from_str(body).unwrap();
        assert_eq!(error["code"], "bad_request", "{answer}");
        let id = error["requestId"].as_str().unwrap();
        assert!(
            head.to_ascii_lowercase().contains(&format!("passthrough-request-id: {id}").to_ascii_lowercase())
        );
    }
    program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn callers_beyond_the_bound_are_told_and_the_next_one_finds_room() {
    let program = setup(Engine::Sqlite).variable("PASSTHROUGH_SERVER__MAX_CONNECTIONS", "2").start().await;
    let (mut first, mut second) = (Caller::connect(&program).await, Caller::connect(&program).await);
    for caller in [&mut first, &mut second] {
        caller.write(HEALTHY.as_bytes()).await;
        caller.until("ok\"}").await;
    }
    let told = Caller::connect(&program).await.rest().await;
    assert!(told.starts_with("HTTP/1.1 503 ") && told.contains(r#""code":"overloaded""#), "{told}");
    drop(first);
    for _ in 0..500 {
        let mut next = Caller::connect(&program).await;
        next.write(HEALTHY.replace("a\r\n", "a\r\nConnection: close\r\n").as_bytes()).await;
        if next.rest().await.starts_with("HTTP/1.1 200 ") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    second.write(HEALTHY.as_bytes()).await;
    assert!(second.until("\r\n\r\n").await.starts_with("HTTP/1.1 200 "));
    program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_worker_serves_the_callers_that_it_is_given() {
    let stage = stage_with(
        (0..64).map(|_| answers(&answer("200 OK", "arrived"))).collect(),
        |setup| setup.variable("PASSTHROUGH_SERVER__WORKERS", "4"),
        |file| file,
    )
    .await;
    let mut callers = JoinSet::new();
    for _ in 0..32 {
        let mut caller = Caller::connect(&stage.program).await;
        let request = head(&stage.program, &stage.connection, "GET", "/v1/proxy/x", "");
        callers.spawn(async move {
            for _ in 0..5 {
                caller.write(request.as_bytes()).await;
                caller.until("arrived").await;
            }
        });
    }
    while let Some(served) = callers.join_next().await {
        served.unwrap();
    }
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn http_2_and_web_sockets_end_with_the_program_and_leave_their_records() {
    const ASK: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                       Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
                          Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    let mut stage = stage_with(
        vec![vec![Step::ReadHead, Step::write(SWITCH), Step::Hold], vec![Step::ReadHead, Step::Hold]],
        |setup| setup.variable("PASSTHROUGH_SHUTDOWN__GRACE_MS", "300"),
        |file| file,
    )
    .await;
    let mut socket = stage.caller("GET", "/v1/proxy/socket", ASK).await;
    socket.until("\r\n\r\n").await;
    let mut framed_caller = FrameCaller::connect(&stage.program.url).await;
    framed_caller.write(&framed(&stage, 1, "/v1/proxy/framed")).await;
    assert!(stage.server.saw(|seen| seen.len() == 2 && seen[1].text().ends_with("\r\n\r\n")).await);
    assert!(stage.program.stop().success());
    assert_eq!(
        socket.bytes(4).await,
        b"\x88\x02\x03\xe9",
        "a Close frame that says 1001, and nothing after it"
    );
    assert_eq!(socket.rest().await, "");
    assert!(!matches!(framed_caller.outcome(1).await, Outcome::Answered { .. }));
    stage.program.resume();
    let records = stage.program.api("GET", "/v1/requests", "").await;
    let records: Value = serde_json::from_slice(&records.body).unwrap();
    for path in ["/socket", "/framed"] {
        let found = records["results"].as_array().unwrap().iter().any(|record| record["path"] == path);
        assert!(found, "{path}: {records}");
    }
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_web_socket_over_http_2_is_not_offered() {
    let stage = stage(vec![]).await;
    let mut caller = FrameCaller::connect(&stage.program.url).await;
    let fields = [
        (":method", "CONNECT"),
        (":protocol", "websocket"),
        (":scheme", "http"),
        (":authority", "passthrough"),
        (":path", "/v1/proxy/socket"),
    ];
    caller.write(&Frame::headers(END_HEADERS | END_STREAM, 1, &fields)).await;
    const PROTOCOL_ERROR: u32 = 1;
    let outcome = caller.outcome(1).await;
    assert!(matches!(outcome, Outcome::Reset(PROTOCOL_ERROR)), "{outcome:?}");
    assert!(stage.server.connections().is_empty());
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_that_resets_at_once_harms_nobody() {
    let program = setup(Engine::Sqlite).start().await;
    let address = program.url.strip_prefix("http://").unwrap();
    for begun in ["", "GET /healthz HT", HEALTHY] {
        for _ in 0..50 {
            let mut stream = TcpStream::connect(address).await.unwrap();
            stream.write_all(begun.as_bytes()).await.unwrap();
            stream.set_zero_linger().unwrap();
        }
    }
    let mut caller = Caller::connect(&program).await;
    caller.write(HEALTHY.as_bytes()).await;
    assert!(caller.until("\r\n\r\n").await.starts_with("HTTP/1.1 200 "));
    program.finish().await;
}
