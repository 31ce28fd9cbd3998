//! A caller's connection over real sockets, with scripted bytes.

mod rig;

use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use http::StatusCode;
use passthrough_http1::server::{Broken, End, Response, Settings, serve};
use rig::{Rig, SETTINGS, within};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const GET: &str = "GET /sized HTTP/1.1\r\nHost: h\r\n\r\n";
const LAST: &str = "GET /close HTTP/1.1\r\nHost: h\r\n\r\n";
const BYE: &str = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbye";

fn count(text: &str, what: &str) -> usize {
    text.matches(what).count()
}

#[tokio::test]
async fn requests_in_one_write_are_answered_in_their_order() {
    let rig = Rig::start().await;
    let first = "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello";
    let second = "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
    let answered = rig.exchange([first, second, GET, LAST].concat()).await;
    let (hello, abc) = (answered.find("POST [hello]").unwrap(), answered.find("POST [abc]").unwrap());
    assert!(hello < abc && abc < answered.find("0123456789").unwrap());
    assert!(answered.ends_with(BYE), "{answered}");
}

#[tokio::test]
async fn bytes_that_drip_in_make_the_same_request() {
    let rig = Rig::start().await;
    let mut caller = rig.caller().await;
    caller.0.set_nodelay(true).unwrap();
    let request = "\r\nPOST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nX-Sum: 1\r\n\r\n";
    for byte in request.as_bytes() {
        caller.send([*byte]).await;
        tokio::task::yield_now().await;
    }
    let answered = caller.until("}").await;
    assert!(answered.ends_with("POST [abc] {\"x-sum\": \"1\"}"), "{answered}");
    caller.send(LAST).await;
    assert_eq!(caller.rest().await, BYE);
}

#[tokio::test]
async fn an_expectation_is_met_when_the_body_is_wanted() {
    let rig = Rig::start().await;
    let mut caller = rig.caller().await;
    caller.send("POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-Continue\r\nContent-Length: 2\r\n\r\n").await;
    assert_eq!(caller.until("\r\n\r\n").await, "HTTP/1.1 100 Continue\r\n\r\n");
    caller.send("ok").await;
    assert!(caller.until("POST [ok]").await.starts_with("HTTP/1.1 200 OK\r\n"));
}

#[tokio::test]
async fn an_expectation_is_not_met_by_a_handler_that_wants_no_body() {
    let rig = Rig::start().await;
    let head = "POST /ignore HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 34\r\n\r\n";
    let answered = rig.exchange([head, GET].concat()).await;
    // What follows may be the body or the next request; nobody can know.
    assert_eq!(count(&answered, "HTTP/1.1 "), 1, "{answered}");
    assert!(answered.contains("Connection: close\r\n"), "{answered}");
}

#[tokio::test]
async fn other_expectations_fail() {
    let rig = Rig::start().await;
    let head = "GET /sized HTTP/1.1\r\nHost: h\r\nExpect: miracles\r\n\r\n";
    assert!(rig.exchange(head).await.starts_with("HTTP/1.1 417 "));
    let old = "GET /sized HTTP/1.0\r\nExpect: miracles\r\n\r\n";
    assert!(rig.exchange(old).await.starts_with("HTTP/1.1 200 "));
}

#[tokio::test]
async fn a_body_that_is_there_needs_no_leave() {
    let rig = Rig::start().await;
    let head = "POST /echo HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nok";
    let answered = rig.exchange([head, LAST].concat()).await;
    assert!(answered.starts_with("HTTP/1.1 200 ") && answered.ends_with(BYE), "{answered}");
}

#[tokio::test]
async fn a_slow_head_is_refused_and_a_silent_caller_let_go() {
    let slow = Duration::from_millis(50);
    let mut rig = Rig::with(Settings { head: slow, rest: slow, ..SETTINGS }).await;
    assert!(rig.exchange("GET /sized HTTP/1.1\r\nHo").await.starts_with("HTTP/1.1 408 "));
    assert!(matches!(rig.end().await, End::Closed));
    assert_eq!(rig.exchange("").await, "");
    assert!(matches!(rig.end().await, End::Closed));
    assert!(rig.exchange(GET).await.ends_with("0123456789"), "rests, and is closed without a word");
    let mut caller = rig.caller().await;
    caller.send(GET).await;
    caller.until("0123456789").await;
    caller.send("GET ").await;
    assert!(caller.rest().await.starts_with("HTTP/1.1 408 "));
}

#[tokio::test]
async fn a_caller_that_goes_away_ends_the_handler() {
    let mut rig = Rig::start().await;
    for body in ["", "Content-Length: 100000\r\n", "Transfer-Encoding: chunked\r\n"] {
        let before = rig.seen.dropped.load(Ordering::SeqCst);
        let mut caller = rig.caller().await;
        caller.send(format!("POST /never HTTP/1.1\r\nHost: h\r\n{body}\r\nunread bytes")).await;
        tokio::time::sleep(Duration::from_millis(30)).await;
        drop(caller);
        assert!(matches!(rig.end().await, End::Broken(Broken::Gone)));
        assert_eq!(rig.seen.dropped.load(Ordering::SeqCst), before + 1);
    }
}

#[tokio::test]
async fn a_caller_that_resets_ends_the_answers_body() {
    let mut rig = Rig::start().await;
    let mut caller = rig.caller().await;
    caller.send("GET /events HTTP/1.1\r\nHost: h\r\n\r\n").await;
    caller.until("data: 1\n\n\r\n").await;
    caller.0.set_zero_linger().unwrap();
    drop(caller);
    assert!(matches!(rig.end().await, End::Broken(Broken::Gone | Broken::Io(_))));
    assert_eq!(rig.seen.dropped.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn events_go_out_as_they_come() {
    let rig = Rig::start().await;
    let mut caller = rig.caller().await;
    caller.send("GET /events HTTP/1.1\r\nHost: h\r\n\r\n").await;
    let read = caller.until("data: 1\n\n\r\n").await;
    assert!(read.ends_with("Transfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n"), "{read}");
}

#[tokio::test]
async fn a_body_that_ends_early_is_never_completed() {
    let mut rig = Rig::start().await;
    let get = |path: &str, version: &str| format!("GET {path} HTTP/{version}\r\nHost: h\r\n\r\n");
    let cut = rig.exchange(get("/cut", "1.1")).await;
    assert!(cut.ends_with("4\r\nhalf\r\n"), "{cut}");
    assert!(matches!(rig.end().await, End::Broken(Broken::Body(_))));
    let cut = rig.exchange(get("/cut-length", "1.1")).await;
    assert!(cut.ends_with("content-length: 8\r\n\r\nhalf"), "{cut}");
    assert!(matches!(rig.end().await, End::Broken(Broken::Body(_))));
    let short = rig.exchange(get("/short", "1.1")).await;
    assert!(short.ends_with("\r\n\r\nhalf"), "{short}");
    assert!(matches!(rig.end().await, End::Broken(Broken::TooShort)));
    let long = rig.exchange(get("/long", "1.1")).await;
    assert!(!long.contains("more"), "{long}");
    assert!(matches!(rig.end().await, End::Broken(Broken::TooLong)));
    // Where closing would mean that it is complete, there is a reset.
    let mut caller = rig.caller().await;
    caller.send(get("/cut", "1.0")).await;
    let read = within(caller.0.read_to_end(&mut Vec::new())).await;
    assert_eq!(read.unwrap_err().kind(), std::io::ErrorKind::ConnectionReset);
}

#[tokio::test]
async fn a_body_of_unknown_length_is_chunked_with_its_trailers() {
    let rig = Rig::start().await;
    let answered = rig
        .exchange(["GET /pieces HTTP/1.1\r\nHost: h\r\nTE: deflate, trailers\r\n\r\n", LAST].concat())
        .await;
    let expected =
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n0\r\nx-sum: 42\r\n\r\n";
    assert_eq!(answered, [expected, BYE].concat());
}

#[tokio::test]
async fn trailers_are_left_out_for_a_caller_that_does_not_ask_for_them() {
    let rig = Rig::start().await;
    let answered = rig.exchange(["GET /pieces HTTP/1.1\r\nHost: h\r\n\r\n", LAST].concat()).await;
    assert!(answered.ends_with(&["3\r\ntwo\r\n0\r\n\r\n", BYE].concat()), "{answered}");
}

#[tokio::test]
async fn an_old_caller_gets_a_body_until_the_end() {
    let rig = Rig::start().await;
    let answered = rig.exchange("GET /pieces HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").await;
    assert_eq!(answered, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nonetwo");
}

#[tokio::test]
async fn an_old_caller_may_stay_if_it_says_so() {
    let rig = Rig::start().await;
    let stay = "GET /sized HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n";
    let leave = "GET /sized HTTP/1.0\r\n\r\n";
    let answered = rig.exchange([stay, leave, GET].concat()).await;
    assert_eq!(count(&answered, "0123456789"), 2, "{answered}");
    assert_eq!(count(&answered, "Connection: keep-alive\r\n"), 1, "{answered}");
    assert_eq!(count(&answered, "Connection: close\r\n"), 1, "{answered}");
}

#[tokio::test]
async fn answers_without_a_body_keep_their_fields() {
    let rig = Rig::start().await;
    let request = |method: &str, path: &str| format!("{method} {path} HTTP/1.1\r\nHost: h\r\n\r\n");
    let all = [
        request("HEAD", "/sized"),
        request("GET", "/none"),
        request("GET", "/not-modified"),
        request("HEAD", "/pieces"),
        LAST.into(),
    ];
    let answered = rig.exchange(all.concat()).await;
    let expected = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n\
        HTTP/1.1 204 No Content\r\nx-kept: yes\r\n\r\n\
        HTTP/1.1 304 Not Modified\r\nContent-Length: 1234\r\n\r\n\
        HTTP/1.1 200 OK\r\n\r\n";
    assert_eq!(answered, [expected, BYE].concat());
}

#[tokio::test]
async fn names_keep_their_spelling_and_order() {
    let rig = Rig::start().await;
    let answered = rig.exchange(["GET /spelled HTTP/1.1\r\nHost: h\r\n\r\n", LAST].concat()).await;
    assert!(
        answered.contains("OK\r\nX-ONE: 1\r\nx-two: 2\r\nX-oNe: 3\r\nContent-Length: 0\r\n"),
        "{answered}"
    );
}

#[tokio::test]
async fn hints_go_out_before_the_answer_but_not_to_old_callers() {
    let rig = Rig::start().await;
    let mut caller = rig.caller().await;
    caller.send("GET /interim HTTP/1.1\r\nHost: h\r\n\r\n").await;
    let expected = "HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n";
    assert_eq!(caller.until("\r\n\r\n").await, expected);
    assert!(caller.until("hinted").await.starts_with("HTTP/1.1 200 OK\r\n"));
    let old = rig.exchange("GET /interim HTTP/1.0\r\n\r\n").await;
    assert!(old.starts_with("HTTP/1.1 200 OK\r\n") && old.ends_with("plain"), "{old}");
}

#[tokio::test]
async fn a_body_is_streamed_back_while_it_comes() {
    let rig = Rig::start().await;
    let mut caller = rig.caller().await;
    caller
        .send("POST /stream HTTP/1.1\r\nHost: h\r\nTE: trailers\r\nTransfer-Encoding: chunked\r\n\r\n")
        .await;
    caller.until("\r\n\r\n").await;
    caller.send("2\r\nab\r\n").await;
    assert_eq!(caller.until("ab\r\n").await, "2\r\nab\r\n");
    caller.send(format!("5000\r\n{}\r\n0\r\nX-End: 1\r\n\r\n", "y".repeat(0x5000))).await;
    let end = caller.until("0\r\nx-end: 1\r\n\r\n").await;
    assert_eq!(count(&end, "y"), 0x5000);
    caller.send(LAST).await;
    assert_eq!(caller.rest().await, BYE);
}

#[tokio::test]
async fn a_body_that_stands_still_is_given_up() {
    let rig = Rig::with(Settings { body_idle: Duration::from_millis(50), ..SETTINGS }).await;
    let answered = rig.exchange("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nab").await;
    assert!(answered.starts_with("HTTP/1.1 400 ") && answered.contains("stood still"), "{answered}");
    assert!(answered.contains("Connection: close\r\n"), "{answered}");
}

#[tokio::test]
async fn a_reader_that_is_slow_holds_the_body_back() {
    let rig = Rig::start().await;
    let mut caller = rig.caller().await;
    caller.send("GET /endless HTTP/1.1\r\nHost: h\r\n\r\n").await;
    let pieces = || rig.seen.pieces.load(Ordering::SeqCst);
    let mut before = usize::MAX;
    while before != pieces() {
        before = pieces();
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    // What the two sockets hold and no more.
    assert!(before * 10_000 < 64 * 1024 * 1024, "{before} pieces were taken");
    let mut buffer = vec![0; 8 * 1024 * 1024];
    within(caller.0.read_exact(&mut buffer)).await.unwrap();
    assert!(pieces() > before);
}

#[tokio::test]
async fn a_caller_that_reads_nothing_is_let_go() {
    let mut rig = Rig::with(Settings { unread: Duration::from_millis(50), ..SETTINGS }).await;
    let mut caller = rig.caller().await;
    caller.send("GET /endless HTTP/1.1\r\nHost: h\r\n\r\n").await;
    assert!(matches!(rig.end().await, End::Broken(Broken::Unread)));
    assert_eq!(rig.seen.dropped.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_large_answer_arrives_whole() {
    let rig = Rig::start().await;
    let answered = rig.exchange(["GET /large HTTP/1.1\r\nHost: h\r\n\r\n", LAST].concat()).await;
    assert_eq!(count(&answered, "x"), 1_000_000);
    assert!(answered.ends_with(BYE));
}

#[tokio::test]
async fn a_body_that_nobody_reads_is_never_taken_for_a_request() {
    let rig = Rig::start().await;
    for path in ["/ignore", "/late-ignore"] {
        let post =
            |length: usize| format!("POST {path} HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n");
        // All there and short: read over.
        let answered = rig.exchange([&post(GET.len()), GET, LAST].concat()).await;
        assert_eq!(count(&answered, "HTTP/1.1 "), 2, "{answered}");
        assert!(answered.ends_with(BYE), "{answered}");
        // Not all there, or too long: the connection ends, and the answer arrives all the same.
        let answered = rig.exchange([&post(GET.len() * 2), GET].concat()).await;
        assert_eq!(count(&answered, "HTTP/1.1 "), 1, "{answered}");
        let long = GET.repeat(6_000);
        let answered = rig.exchange([&post(long.len()), long.as_str(), LAST].concat()).await;
        assert_eq!(count(&answered, "HTTP/1.1 "), 1, "{answered}");
        assert!(answered.ends_with("ignored"), "{answered}");
    }
}

#[tokio::test]
async fn a_request_with_two_readings_is_refused_and_nothing_after_it_is_read() {
    let rig = Rig::start().await;
    let heads = [
        "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\nContent-Length: 35\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.0\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: +5\r\n\r\n",
        "GET /sized HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        "GET /sized HTTP/1.1\r\nHost: a@b\r\n\r\n",
        "GET /sized HTTP/1.1\r\n\r\n",
        "GET /sized HTTP/1.1\r\nHost : h\r\n\r\n",
        "GET /sized HTTP/1.1\r\nHost: h\r\n folded: x\r\n\r\n",
        "GET /sized HTTP/1.1\nHost: h\n\n",
        "\x16\x03\x01\x02\x00\x01",
    ];
    for head in heads {
        let answered = rig.exchange([head, GET].concat()).await;
        assert!(answered.starts_with("HTTP/1.1 400 Bad Request\r\n"), "{head:?}: {answered}");
        assert_eq!(count(&answered, "HTTP/1.1 "), 1, "{head:?}: {answered}");
        assert!(answered.contains("Connection: close\r\n"), "{head:?}: {answered}");
    }
}

#[tokio::test]
async fn a_bad_chunk_ends_the_connection_after_its_answer() {
    let rig = Rig::start().await;
    for chunk in ["5\r\nabcdefg\r\n0\r\n\r\n", "0x5\r\nabcde\r\n0\r\n\r\n", "5\nabcde\r\n0\r\n\r\n"] {
        let head = "POST /echo HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";
        let answered = rig.exchange([head, chunk, GET].concat()).await;
        assert!(answered.starts_with("HTTP/1.1 400 "), "{chunk:?}: {answered}");
        assert_eq!(count(&answered, "HTTP/1.1 "), 1, "{chunk:?}: {answered}");
    }
}

#[tokio::test]
async fn heads_beyond_the_limits_and_other_versions_are_refused() {
    let rig = Rig::start().await;
    let large = format!("GET /sized HTTP/1.1\r\nHost: h\r\nX: {}\r\n\r\n", "x".repeat(100_000));
    assert!(rig.exchange(large).await.starts_with("HTTP/1.1 431 "));
    let many = format!("GET /sized HTTP/1.1\r\nHost: h\r\n{}\r\n", "X: y\r\n".repeat(20));
    assert!(rig.exchange(many).await.starts_with("HTTP/1.1 431 "));
    let version = "GET /sized HTTP/2.1\r\nHost: h\r\n\r\n";
    assert!(rig.exchange(version).await.starts_with("HTTP/1.1 505 "));
}

#[tokio::test]
async fn a_stop_lets_a_request_finish_and_ends_resting_connections() {
    let mut rig = Rig::start().await;
    let (mut resting, mut busy) = (rig.caller().await, rig.caller().await);
    resting.send(GET).await;
    resting.until("0123456789").await;
    busy.send("POST /echo HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\n").await;
    tokio::time::sleep(Duration::from_millis(30)).await;
    rig.stop();
    assert_eq!(resting.rest().await, "");
    assert!(matches!(rig.end().await, End::Closed));
    busy.send(["ok", GET].concat()).await;
    let answered = busy.rest().await;
    assert!(answered.contains("Connection: close\r\n") && answered.ends_with("POST [ok]"), "{answered}");
}

#[tokio::test]
async fn a_connection_that_changes_its_protocol_is_handed_over_with_what_was_read() {
    let mut rig = Rig::start().await;
    let mut caller = rig.caller().await;
    caller
        .send("GET /upgrade HTTP/1.1\r\nHost: h\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\r\nfirst")
        .await;
    let head = caller.until("\r\n\r\n").await;
    assert_eq!(head, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    let End::Upgraded { mut stream, mut rest, with } = rig.end().await else { panic!("not upgraded") };
    assert_eq!(with, "websocket");
    while rest.len() < 5 {
        within(stream.read_buf(&mut rest)).await.unwrap();
    }
    assert_eq!(rest, "first");
    stream.write_all(b"second").await.unwrap();
    assert_eq!(caller.until("second").await, "second");
}

#[tokio::test]
async fn http_2_is_recognised_by_its_preface() {
    let mut rig = Rig::start().await;
    let mut caller = rig.caller().await;
    caller.send("PRI * HTT").await;
    tokio::time::sleep(Duration::from_millis(30)).await;
    caller.send("P/2.0\r\n\r\nSM\r\n\r\nframes").await;
    let End::Http2 { rest, .. } = rig.end().await else { panic!("not HTTP/2") };
    assert!(rest.starts_with(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    let patch = "PATCH /nothing HTTP/1.1\r\nHost: h\r\n\r\n";
    assert!(rig.exchange([patch, LAST].concat()).await.starts_with("HTTP/1.1 404 "));
}

#[tokio::test]
async fn a_body_that_outlives_its_request_reads_nothing_and_holds_no_socket() {
    use http_body_util::BodyExt;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut caller = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
    let (stream, _) = listener.accept().await.unwrap();
    let kept = std::sync::Mutex::new(Vec::new());
    let handle = |request: Result<_, _>| {
        let request: passthrough_http1::server::Request = request.unwrap();
        kept.lock().unwrap().push((request.body, request.interim));
        async { Response::<_, ()>::new(StatusCode::OK, rig::empty()) }
    };
    let request = "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 50\r\n\r\n";
    caller.write_all(request.as_bytes()).await.unwrap();
    caller.write_all(GET.as_bytes()).await.unwrap();
    caller.shutdown().await.unwrap();
    serve(stream, SETTINGS, std::future::pending(), handle).await;
    let mut answered = String::new();
    within(caller.read_to_string(&mut answered)).await.unwrap();
    assert_eq!(count(&answered, "HTTP/1.1 "), 1, "{answered}");
    let (body, interim) = kept.lock().unwrap().pop().unwrap();
    assert!(body.collect().await.is_err());
    assert!(!interim.send(StatusCode::PROCESSING, b"Processing", &[]));
    // A second read: the socket is closed although the body lived on.
    assert_eq!(within(caller.read(&mut [0])).await.unwrap(), 0);
    let _ = (Bytes::new(), BytesMut::new());
}
