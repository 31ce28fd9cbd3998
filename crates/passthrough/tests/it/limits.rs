//! Bounds: requests in flight, slow callers, memory, and the end of the program.

use std::convert::Infallible;
use std::fs;
use std::net::SocketAddr;
use std::process::Command;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{StreamExt, stream};
use http_body_util::{BodyExt, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use passthrough_testkit::http::send;
use passthrough_testkit::program::{Engine, Program, canary};
use passthrough_testkit::raw_server::Step;

use crate::rig::{Caller, answer, answers, failure, stage, stage_with};
use crate::support::{bearer_provider, setup};

#[tokio::test(flavor = "multi_thread")]
async fn beyond_the_places_in_flight_a_request_is_refused_soon() {
    for limit in ["MAX_IN_FLIGHT", "MAX_IN_FLIGHT_PER_ORIGIN", "MAX_IN_FLIGHT_PER_CONNECTION"] {
        let stage = stage_with(
            vec![
                vec![Step::ReadHead, Step::Read(5), Step::write(&answer("200 OK", "one"))],
                answers(&answer("200 OK", "two")),
            ],
            |setup| {
                let setup = setup.variable(&format!("PASSTHROUGH_UPSTREAM__{limit}"), "1");
                setup.variable("PASSTHROUGH_UPSTREAM__MAX_WAIT_MS", "200")
            },
            |file| file,
        )
        .await;
        let mut first = stage.caller("POST", "/v1/proxy/x", "Content-Length: 5\r\n").await;
        assert!(stage.server.saw(|seen| seen.len() == 1 && seen[0].text().ends_with("\r\n\r\n")).await);
        let refused = stage.proxy("GET", "/x").await;
        assert_eq!(failure(&refused), "503 overloaded sent=no retryable", "{limit}");
        assert_eq!(refused.header("retry-after"), Some("1"));
        assert_eq!(
            failure(&stage.ask(r#"{"method":"GET","path":"/x"}"#).await),
            "503 overloaded sent=no retryable"
        );
        first.write(b"hello").await;
        assert!(first.until("one").await.starts_with("HTTP/1.1 200 "));
        assert_eq!(stage.proxy("GET", "/x").await.text(), "two");
        stage.program.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_dawdles_is_cut_off() {
    let stage = stage_with(
        vec![vec![Step::ReadHead, Step::Hold]],
        |setup| {
            let setup = setup.variable("PASSTHROUGH_LIMITS__HEAD_TIMEOUT_MS", "300");
            setup.variable("PASSTHROUGH_LIMITS__BODY_IDLE_TIMEOUT_MS", "300")
        },
        |file| file,
    )
    .await;
    // Nothing at all; the beginning of either protocol's first words; half a head.
    for begun in [
        "",
        "P",
        "PRI * HTTP/2.0\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
        "GET /healthz HTTP/1.1\r\nHost: a\r\nX-Slow: ",
    ] {
        let mut caller = Caller::connect(&stage.program).await;
        caller.write(begun.as_bytes()).await;
        caller.rest().await;
    }
    let mut caller = stage.caller("POST", "/v1/passthrough", "Content-Length: 10\r\n").await;
    caller.write(b"{").await;
    assert!(caller.until("}").await.starts_with("HTTP/1.1 400 "));
    let mut caller = stage.caller("POST", "/v1/proxy/x", "Content-Length: 10\r\n").await;
    caller.write(b"part").await;
    assert!(caller.until("}").await.starts_with("HTTP/1.1 400 "));
    assert!(stage.server.saw(|seen| seen[0].closed).await, "the provider is not kept waiting");
    stage.program.finish().await;
}

/// The patience with a head does not cut off who rests between two requests; that with a resting socket does.
#[tokio::test(flavor = "multi_thread")]
async fn a_callers_socket_rests_between_requests_for_a_while() {
    let stage = stage_with(
        vec![answers(&answer("200 OK", "hi"))],
        |setup| {
            let setup = setup.variable("PASSTHROUGH_LIMITS__HEAD_TIMEOUT_MS", "200");
            setup.variable("PASSTHROUGH_LIMITS__KEEP_ALIVE_MS", "1500")
        },
        |file| file,
    )
    .await;
    let mut caller = stage.caller("GET", "/v1/proxy/x", "").await;
    caller.until("hi").await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    caller
        .write(crate::rig::head(&stage.program, &stage.connection, "GET", "/v1/proxy/y", "").as_bytes())
        .await;
    caller.until("hi").await;
    assert_eq!(caller.rest().await, "", "closed without a word");
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_in_flight_is_finished_before_the_program_ends() {
    let stage =
        stage(vec![vec![Step::ReadHead, Step::Read(5), Step::write(&answer("200 OK", "done"))]]).await;
    let mut working = stage.caller("POST", "/v1/proxy/x", "Content-Length: 5\r\n").await;
    assert!(stage.server.saw(|seen| seen.len() == 1 && seen[0].text().ends_with("\r\n\r\n")).await);
    let mut probe = Caller::connect(&stage.program).await;
    probe.write(b"GET /readyz HTTP/1.1\r\nHost: a\r\n").await;
    assert_eq!(send("GET", &format!("{}/readyz", stage.program.url), &[], "").await.status, 200);
    let pid = stage.program.pid().to_string();
    assert!(Command::new("kill").args(["-TERM", &pid]).status().unwrap().success());
    for _ in 0..200 {
        if stage.program.log().contains("stopping") {
            break;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    probe.write(b"\r\n").await;
    assert!(probe.until("\r\n").await.starts_with("HTTP/1.1 503 "));
    let address: SocketAddr = stage.program.url.strip_prefix("http://").unwrap().parse().unwrap();
    assert!(tokio::net::TcpStream::connect(address).await.is_err(), "no new callers");
    working.write(b"hello").await;
    assert!(working.until("done").await.starts_with("HTTP/1.1 200 "));
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_end_within_the_grace_is_cancelled() {
    let stage = stage_with(
        vec![vec![Step::ReadHead, Step::Hold]],
        |setup| setup.variable("PASSTHROUGH_SHUTDOWN__GRACE_MS", "300"),
        |file| file,
    )
    .await;
    let mut working = stage.caller("GET", "/v1/proxy/x", "").await;
    assert!(stage.server.saw(|seen| seen.len() == 1 && seen[0].text().ends_with("\r\n\r\n")).await);
    stage.program.finish().await;
    assert!(!working.rest().await.contains("200"));
}

const CHUNK: usize = 64 * 1024;
const CHUNKS: usize = 1600;

/// The byte at a place in a long body.
fn byte(at: usize) -> u8 {
    u8::try_from((at / 7 + at / CHUNK) % 251).unwrap()
}

fn chunk(number: usize) -> Bytes {
    (number * CHUNK..(number + 1) * CHUNK).map(byte).collect()
}

/// Takes a long body and says `ok` if it is the right one, or gives one.
async fn long_provider() -> SocketAddr {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let connection = hyper::server::conn::http1::Builder::new()
                .serve_connection(TokioIo::new(stream), service_fn(long_exchange));
            tokio::spawn(connection);
        }
    });
    address
}

async fn long_exchange(
    request: http::Request<Incoming>,
) -> Result<http::Response<http_body_util::combinators::BoxBody<Bytes, Infallible>>, Infallible> {
    let down = request.uri().path() == "/down";
    let mut body = request.into_body();
    let (mut taken, mut right) = (0, true);
    while let Some(Ok(frame)) = body.frame().await {
        for given in frame.data_ref().unwrap() {
            right &= *given == byte(taken);
            taken += 1;
        }
    }
    let verdict = Bytes::from(format!("{taken} {right}"));
    let frames = stream::iter(0..if down { CHUNKS } else { 0 }).map(|number| Ok(Frame::data(chunk(number))));
    let verdict = stream::iter((!down).then_some(Ok(Frame::data(verdict))));
    Ok(http::Response::new(BodyExt::boxed(StreamBody::new(frames.chain(verdict)))))
}

fn peak_kib(program: &Program) -> usize {
    let status = fs::read_to_string(format!("/proc/{}/status", program.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hundred_mebibytes_pass_either_way_with_flat_memory() {
    let address = long_provider().await;
    let mut program =
        setup(Engine::Sqlite).provider("shop", &bearer_provider(&format!("http://{address}"))).start().await;
    let key = canary("key");
    let connection =
        program.connect(&format!(r#"{{"provider":"shop","credentials":{{"api_key":"{key}"}}}}"#)).await;
    let warm = program.on(&connection, "POST", "/v1/proxy/up", &[], "").await;
    assert_eq!(warm.text(), "0 true");
    let before = peak_kib(&program);

    let response = program.on(&connection, "GET", "/v1/proxy/down", &[], "").await;
    assert_eq!(response.body.len(), CHUNK * CHUNKS);
    assert!(response.body.iter().enumerate().all(|(at, given)| *given == byte(at)));
    drop(response);
    for chunked in [false, true] {
        let framing = if chunked {
            "Transfer-Encoding: chunked\r\n".to_owned()
        } else {
            format!("Content-Length: {}\r\n", CHUNK * CHUNKS)
        };
        let mut caller = Caller::begin(&program, &connection, "POST", "/v1/proxy/up", &framing).await;
        for number in 0..CHUNKS {
            if chunked {
                caller.write(format!("{CHUNK:x}\r\n").as_bytes()).await;
            }
            caller.write(&chunk(number)).await;
            if chunked {
                caller.write(b"\r\n").await;
            }
        }
        if chunked {
            caller.write(b"0\r\n\r\n").await;
        }
        caller.until(&format!("{} true", CHUNK * CHUNKS)).await;
    }
    let grown = peak_kib(&program) - before;
    assert!(grown < 32 * 1024, "three bodies of 100 MiB cost {grown} KiB");
    program.finish().await;
}
