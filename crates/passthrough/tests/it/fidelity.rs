//! What goes through `/v1/proxy` goes through as it is, byte for byte where HTTP leaves bytes to the sender.

mod http2;

use std::time::{Duration, Instant};

use passthrough_testkit::raw_caller::{Answer, End, Head, RawCaller, Request, requests};
use passthrough_testkit::raw_server::Step;

use crate::rig::{Stage, answer, answers, head, stage_with};

/// What frames a message of ours, names its destination, or is ours to add: the order of the rest is the
/// sender's.
const OURS: [&str; 7] = [
    "host",
    "authorization",
    "connection-token",
    "content-length",
    "transfer-encoding",
    "connection",
    "passthrough-timeout-ms",
];

/// What we put into an answer, and what frames it.
const ADDED: [&str; 5] =
    ["passthrough-request-id", "passthrough-source", "content-length", "transfer-encoding", "connection"];

/// A program with one worker, so that all callers meet the same socket to the provider.
async fn stage(scripts: Vec<Vec<Step>>) -> Stage {
    stage_with(scripts, |setup| setup.variable("PASSTHROUGH_SERVER__WORKERS", "1"), |file| file).await
}

fn kept(head: &Head, ours: &[&str]) -> Vec<(String, String)> {
    let ours = |name: &str| ours.contains(&name.to_lowercase().as_str());
    head.fields.iter().filter(|(name, _)| !ours(name)).cloned().collect()
}

fn fields(lines: &[&str]) -> Vec<(String, String)> {
    let parted = lines.iter().map(|line| line.split_once(':').unwrap());
    parted.map(|(name, value)| (name.to_owned(), value.trim().to_owned())).collect()
}

fn lower(fields: Vec<(String, String)>) -> Vec<(String, String)> {
    fields.into_iter().map(|(name, value)| (name.to_lowercase(), value)).collect()
}

fn lines(lines: &[&str]) -> String {
    lines.iter().map(|line| format!("{line}\r\n")).collect()
}

impl Stage {
    /// A caller's socket with this request written to it.
    async fn written(&self, method: &str, path: &str, headers: &str, body: &str) -> RawCaller {
        let mut caller = RawCaller::connect(&self.program.url).await;
        let head = head(&self.program, &self.connection, method, &format!("/v1/proxy{path}"), headers);
        caller.write(format!("{head}{body}")).await;
        caller
    }

    async fn answered(&self, method: &str, path: &str, headers: &str, body: &str) -> Answer {
        self.written(method, path, headers, body).await.answer(method).await
    }

    /// The requests that arrived on one connection of the provider's.
    fn arrived(&self, connection: usize) -> Vec<Request> {
        let seen = self.server.connections();
        requests(&seen[connection].received)
            .unwrap_or_else(|error| panic!("{error}: {}", seen[connection].text()))
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_keeps_the_order_spelling_and_repetition_of_its_headers() {
    let stage = stage(vec![answers(&answer("200 OK", ""))]).await;
    let sent = [
        "X-Zebra: 1",
        "aCCept: text/html",
        "X-Many: a",
        "USER-AGENT: Curl/8",
        "x-many: b",
        "X-MANY: a",
        "Accept-Encoding: gzip, br",
        "X-Empty:",
        "If-None-Match: W/\"x\", \"y\"",
        "x_under_score: kept",
        "X-Tab: a\tb",
        "!#$%&'*+-.^`|~0: token",
        "Range: bytes=0-0,-1",
        "X-Apple: last",
    ];
    for (method, framing, body) in [
        ("GET", "", ""),
        ("POST", "Content-Length: 2\r\n", "hi"),
        ("PUT", "Transfer-Encoding: chunked\r\n", "2\r\nhi\r\n0\r\n\r\n"),
        ("X-CUSTOM", "content-LENGTH: 2\r\n", "hi"),
    ] {
        let (front, back) = sent.split_at(7);
        let headers = format!("{}{framing}{}", lines(front), lines(back));
        assert_eq!(stage.answered(method, "/x?q=1", &headers, body).await.head.status(), 200);
        let arrived = stage.arrived(0).pop().unwrap();
        assert_eq!(arrived.head.line, format!("{method} /base/x?q=1 HTTP/1.1"));
        assert_eq!(kept(&arrived.head, &OURS), fields(&sent), "{method}");
        assert_eq!(arrived.head.all("host"), [stage.server.address().to_string()]);
        assert_eq!(arrived.head.all("authorization"), [format!("Bearer {}", stage.api_key)]);
        assert_eq!(arrived.body, if body.is_empty() { &b""[..] } else { b"hi" });
    }
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_keeps_the_order_spelling_and_repetition_of_its_headers_and_its_reason() {
    let sent = [
        "X-Zebra: 1",
        "sErVeR: Odd/1",
        "Set-Cookie: a=1; Path=/",
        "DATE: Sun, 06 Nov 1994 08:49:37 GMT",
        "X-Between: 1",
        "set-cookie: b=2",
        "Set-Cookie: a=1; Path=/",
        "Vary: Accept",
        "vary: Origin",
        "X-Empty:",
        "ETag: W/\"1\"",
        "X-Tab: a\tb",
        "Alt-Svc: h3=\":443\"",
        "x-apple: last",
    ];
    let cases = [
        ("200 All Is Well", "Content-Length: 2\r\n", "hi"),
        ("200 ", "Transfer-Encoding: chunked\r\n", "2\r\nhi\r\n0\r\n\r\n"),
        ("299 Any (odd) reason: yes?", "content-LENGTH: 2\r\n", "hi"),
        ("404 Nirgends", "Content-Length: 2\r\n", "hi"),
        ("599 X", "Content-Length: 2\r\n", "hi"),
    ];
    let script = cases.iter().flat_map(|(first, framing, body)| {
        let bytes = format!("HTTP/1.1 {first}\r\n{}{framing}\r\n{body}", lines(&sent));
        [Step::ReadRequest, Step::write(&bytes)]
    });
    let stage = stage(vec![script.chain([Step::Hold]).collect()]).await;
    for (first, ..) in cases {
        let answer = stage.answered("GET", "/x", "", "").await;
        assert_eq!(answer.head.line, format!("HTTP/1.1 {first}"));
        assert_eq!(kept(&answer.head, &ADDED), fields(&sent), "{first}");
        assert_eq!((answer.text().as_str(), answer.end), ("hi", End::Complete));
        assert_eq!(answer.head.all("passthrough-source"), ["provider"]);
        assert_eq!(answer.head.all("passthrough-request-id").len(), 1);
    }
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn interim_answers_reach_the_caller_as_they_come() {
    let hint =
        |link: &str| Step::write(&format!("HTTP/1.1 103 Early Hints\r\nLink: <{link}>\r\nx-Odd: 1\r\n\r\n"));
    let script = vec![
        Step::ReadHead,
        hint("/a.css"),
        // The provider goes on only when the caller has heard the first word.
        Step::Read(5),
        hint("/b.js"),
        Step::write("HTTP/1.1 102 Processing\r\n\r\n"),
        Step::write(&answer("200 OK", "final")),
        Step::Again,
    ];
    let stage = stage(vec![script]).await;
    let mut caller = stage.written("POST", "/x", "Content-Length: 5\r\n", "").await;
    let first = tokio::time::timeout(Duration::from_secs(3), caller.head()).await;
    let first = first.expect("the first hint before the body was sent").unwrap();
    assert_eq!((first.status(), first.all("link")), (103, vec!["</a.css>"]));
    assert!(first.fields.iter().any(|(name, _)| name == "x-Odd"), "{first:?}");
    caller.write("hello").await;
    let answer = caller.answer("POST").await;
    let interim: Vec<u16> = answer.interim.iter().map(Head::status).collect();
    assert_eq!((interim, answer.text().as_str()), (vec![103, 102], "final"));
    // A caller of HTTP/1.0 must not be sent any (RFC 9110 §15.2).
    let mut caller = RawCaller::connect(&stage.program.url).await;
    let old = head(&stage.program, &stage.connection, "POST", "/v1/proxy/x", "Content-Length: 5\r\n");
    caller.write(format!("{}hello", old.replace("HTTP/1.1", "HTTP/1.0"))).await;
    let answer = caller.answer("POST").await;
    assert!(answer.interim.is_empty() && answer.text() == "final", "{answer:?}");
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_go_both_ways() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, X-Zeta\r\n\r\n\
                   2\r\nhi\r\n0\r\nX-Zeta: 1\r\nX-Sum: 42\r\n\r\n";
    let stage = stage(vec![answers(chunked)]).await;
    let headers = "TE: trailers\r\nConnection: TE\r\nTrailer: X-Digest\r\nTransfer-Encoding: chunked\r\n";
    let body = "3\r\nabc\r\n0\r\nX-Digest: yes\r\nx-Second: 2\r\n\r\n";
    let answer = stage.answered("POST", "/x", headers, body).await;
    assert_eq!((answer.text().as_str(), answer.end), ("hi", End::Complete));
    assert_eq!(lower(answer.trailers), fields(&["x-zeta: 1", "x-sum: 42"]));
    let arrived = stage.arrived(0).pop().unwrap();
    assert_eq!((arrived.body.as_slice(), arrived.complete), (&b"abc"[..], true));
    assert_eq!(lower(arrived.trailers), fields(&["x-digest: yes", "x-second: 2"]));
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_expects_to_continue_is_told_so_or_answered() {
    let stage = stage(vec![
        // Reads the body before it answers.
        answers(&answer("200 OK", "thanks")),
    ])
    .await;
    let headers = "User-Agent: curl/8\r\nAccept: */*\r\nContent-Length: 4\r\nExpect: 100-continue\r\n";
    // As curl does: waits for the word.
    let mut caller = stage.written("PUT", "/x", headers, "").await;
    assert_eq!(caller.head().await.unwrap().status(), 100);
    caller.write("body").await;
    let answer = caller.answer("PUT").await;
    assert_eq!((answer.head.status(), answer.text().as_str()), (200, "thanks"));
    // Impatient, and on the same socket: sends the body along.
    let head = head(&stage.program, &stage.connection, "PUT", "/v1/proxy/x", headers);
    for _ in 0..2 {
        let answer = caller.ask("PUT", format!("{head}body")).await;
        assert_eq!((answer.head.status(), answer.text().as_str()), (200, "thanks"));
    }
    // Nothing to expect: no body, no word.
    let answer = stage.answered("GET", "/x", "Expect: 100-continue\r\n", "").await;
    assert_eq!((answer.head.status(), answer.interim.len()), (200, 0));
    // A caller of HTTP/1.0 is never told (RFC 9110 §10.1.1).
    let mut old = RawCaller::connect(&stage.program.url).await;
    let answer = old.ask("PUT", format!("{}body", head.replace("HTTP/1.1", "HTTP/1.0"))).await;
    assert_eq!((answer.head.status(), answer.interim.len()), (200, 0));
    assert!(stage.arrived(0).iter().all(|request| request.head.all("expect").is_empty()));
    stage.program.finish().await;
}

/// Refused before the body was asked for: the caller need not send it.
#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_expects_to_continue_may_be_refused_instead() {
    let stage = stage(vec![answers(&answer("200 OK", ""))]).await;
    let mut caller = RawCaller::connect(&stage.program.url).await;
    let request =
        "PUT /v1/proxy/x HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\nExpect: 100-continue\r\n\r\n";
    let answer = caller.ask("PUT", request).await;
    assert_eq!((answer.head.status(), answer.interim.len()), (401, 0));
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_without_a_body_keep_what_they_say_about_it() {
    // Whoever announces a body that may not come is not asked again on that socket.
    let last = |answer: &str| vec![Step::ReadRequest, Step::write(answer), Step::Hold];
    let head_of_length = last("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nETag: \"v\"\r\n\r\n");
    let head_of_chunks = last("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n");
    let not_modified = vec![
        Step::ReadRequest,
        Step::write("HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n"),
        Step::ReadRequest,
        Step::write("HTTP/1.1 304 Not Modified\r\nETag: \"v\"\r\nContent-Length: 1234\r\n\r\n"),
        Step::Hold,
    ];
    let others = vec![
        Step::ReadRequest,
        Step::write("HTTP/1.1 205 Reset Content\r\nContent-Length: 0\r\n\r\n"),
        Step::ReadRequest,
        Step::write(
            "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-4/9\r\nContent-Length: 3\r\n\r\ncde",
        ),
        Step::Again,
    ];
    let stage = stage(vec![head_of_length, head_of_chunks, not_modified, others]).await;
    let mut caller = RawCaller::connect(&stage.program.url).await;
    // All on one socket of the caller's: an answer read for longer than it is would take from the next.
    let mut ask = async |method: &str| {
        let head = head(&stage.program, &stage.connection, method, "/v1/proxy/x", "Range: bytes=2-4\r\n");
        caller.ask(method, head).await
    };
    let answer = ask("HEAD").await;
    assert_eq!(
        (answer.head.first("content-length"), answer.head.first("etag")),
        (Some("1234"), Some("\"v\""))
    );
    let answer = ask("HEAD").await;
    assert_eq!((answer.head.status(), answer.head.first("content-length")), (200, None));
    let answer = ask("GET").await;
    assert_eq!(
        (answer.head.status(), answer.head.first("content-length"), answer.head.first("x-a")),
        (204, None, Some("1"))
    );
    assert_eq!(answer.head.first("transfer-encoding"), None, "RFC 9112 §6.1");
    let answer = ask("GET").await;
    assert_eq!((answer.head.status(), answer.head.first("etag")), (304, Some("\"v\"")));
    assert_eq!(answer.head.first("transfer-encoding"), None);
    let answer = ask("GET").await;
    assert_eq!((answer.head.status(), answer.text().as_str()), (205, ""));
    let answer = ask("GET").await;
    assert_eq!((answer.head.status(), answer.text().as_str()), (206, "cde"));
    assert_eq!(answer.head.first("content-range"), Some("bytes 2-4/9"));
    assert_eq!(stage.server.connections().len(), 4);
    for number in 0..4 {
        assert!(stage.arrived(number).iter().all(|request| request.head.all("range") == ["bytes=2-4"]));
    }
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn each_event_is_received_before_the_next_is_sent() {
    for (framing, frame) in [
        (
            "Transfer-Encoding: chunked\r\n",
            (|event: &str| format!("{:x}\r\n{event}\r\n", event.len())) as fn(&str) -> String,
        ),
        // Without a length and without chunks, as many providers send them.
        ("", str::to_owned as fn(&str) -> String),
    ] {
        let mut script = vec![
            Step::ReadHead,
            Step::write(&format!("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n{framing}\r\n")),
        ];
        for number in 0..5 {
            script.push(Step::write(&frame(&format!("data: {number}\n\n"))));
            // Nothing more until the caller has heard of it.
            script.push(Step::Read("1\r\n!\r\n".len()));
        }
        script.push(Step::write(&frame("data: last\n\n")));
        if !framing.is_empty() {
            script.push(Step::write("0\r\n\r\n"));
        }
        let stage = stage(vec![script]).await;
        let mut caller = stage.written("POST", "/events", "Transfer-Encoding: chunked\r\n", "").await;
        let answer = caller.head().await.unwrap();
        assert_eq!((answer.status(), answer.first("content-type")), (200, Some("text/event-stream")));
        for number in 0..5 {
            let event = format!("data: {number}\n\n");
            let event = tokio::time::timeout(Duration::from_secs(3), caller.until(&event)).await;
            event.unwrap_or_else(|_| panic!("event {number} is held back")).unwrap();
            caller.write("1\r\n!\r\n").await;
        }
        caller.write("0\r\n\r\n").await;
        caller.until("data: last\n\n").await.unwrap();
        stage.program.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn chunks_go_through_both_ways_at_once() {
    let stage = stage(vec![vec![
        Step::ReadHead,
        Step::write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n"),
        Step::Read("4\r\nnext\r\n".len()),
        Step::write("3\r\ntwo\r\n"),
        Step::Read("0\r\n\r\n".len()),
        Step::write("0\r\n\r\n"),
        Step::Again,
    ]])
    .await;
    let mut caller = stage.written("POST", "/x", "Transfer-Encoding: chunked\r\n", "").await;
    assert_eq!(caller.head().await.unwrap().status(), 200);
    assert_eq!(caller.chunk().await.unwrap(), b"one");
    caller.write("4\r\nnext\r\n").await;
    assert_eq!(caller.chunk().await.unwrap(), b"two");
    caller.write("0\r\n\r\n").await;
    assert_eq!(caller.chunk().await.unwrap(), b"");
    assert_eq!(stage.arrived(0)[0].body, b"next");
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn content_codings_and_bytes_are_left_as_they_are() {
    let all: String = (0..=255u8).map(char::from).collect();
    let body: Vec<u8> = all.chars().map(|c| c as u8).cycle().take(70_000).collect();
    let codings = ["gzip", "br", "zstd", "deflate", "identity", "x-unknown"];
    let script = codings.iter().flat_map(|coding| {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Encoding: {coding}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        [Step::ReadRequest, Step::Write([head.as_bytes(), &body].concat())]
    });
    let stage = stage(vec![script.chain([Step::Hold]).collect()]).await;
    for coding in codings {
        let headers =
            format!("Accept-Encoding: {coding};q=0.5\r\nContent-Encoding: {coding}\r\nContent-Length: 2\r\n");
        let answer = stage.answered("POST", "/x", &headers, "\u{1f}\u{0b}").await;
        assert!(answer.body == body, "{coding}");
        assert_eq!(answer.head.all("content-encoding"), [coding]);
        let arrived = stage.arrived(0).pop().unwrap();
        assert_eq!(arrived.head.all("content-encoding"), [coding]);
        assert_eq!(arrived.head.all("accept-encoding"), [format!("{coding};q=0.5")]);
        assert_eq!(arrived.body, b"\x1f\x0b");
    }
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_goes_away_is_noticed_at_once() {
    let part = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart";
    let stage = stage(vec![
        vec![Step::ReadRequest, Step::Hold],
        vec![Step::ReadRequest, Step::write(part), Step::Hold],
        vec![Step::ReadHead, Step::Hold],
    ])
    .await;
    for (number, (headers, wait)) in
        [("", None), ("", Some("part")), ("Content-Length: 9\r\n", None)].iter().enumerate()
    {
        let mut caller = stage.written("POST", "/x", headers, "").await;
        assert!(
            stage.server.saw(|seen| seen.len() > number && seen[number].text().ends_with("\r\n\r\n")).await
        );
        if let Some(text) = wait {
            caller.until(text).await.unwrap();
        }
        drop(caller);
        let gone = Instant::now();
        assert!(stage.server.saw(|seen| seen[number].closed).await, "{number}");
        assert!(gone.elapsed() < Duration::from_secs(2), "{number}: only after {:?}", gone.elapsed());
    }
    stage.program.finish().await;
}

/// What was cut short must not look whole, whatever frames it on the caller's side.
#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_cut_short_is_cut_short_for_the_caller() {
    let script = |bytes: &str| vec![Step::ReadRequest, Step::write(bytes), Step::pause(60), Step::Reset];
    let cut = [
        "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n0\r\nX-A",
        "HTTP/1.1 200 OK\r\n\r\nhalf",
    ];
    let stage = stage(cut.iter().map(|bytes| script(bytes)).collect()).await;
    for bytes in cut {
        let answer = stage.answered("GET", "/x", "TE: trailers\r\n", "").await;
        assert_eq!(
            (answer.head.status(), answer.text().as_str(), answer.end),
            (200, "half", End::CutShort),
            "{bytes:?}"
        );
    }
    stage.program.finish().await;
}

/// A caller of HTTP/1.0 knows no chunks: the end of the connection ends the body.
#[tokio::test(flavor = "multi_thread")]
async fn a_caller_of_http_1_0_is_answered_in_what_he_understands() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n";
    let stage = stage(vec![answers(chunked)]).await;
    let mut caller = RawCaller::connect(&stage.program.url).await;
    let head = head(&stage.program, &stage.connection, "GET", "/v1/proxy/x", "");
    let answer = caller.ask("GET", head.replace("HTTP/1.1", "HTTP/1.0")).await;
    assert_eq!(answer.head.first("transfer-encoding"), None, "{answer:?}");
    assert_eq!((answer.text().as_str(), answer.end), ("hi", End::WithConnection));
    let arrived = stage.arrived(0).pop().unwrap();
    assert!(arrived.head.line.ends_with(" HTTP/1.1"));
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_of_the_call_ends_it() {
    let stage = stage_with(
        vec![
            vec![Step::ReadRequest, Step::Hold],
            vec![
                Step::ReadRequest,
                Step::write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"),
                Step::Hold,
            ],
        ],
        |setup| {
            setup
                .variable("PASSTHROUGH_SERVER__WORKERS", "1")
                .variable("PASSTHROUGH_UPSTREAM__STREAM_IDLE_TIMEOUT_MS", "1000")
        },
        |file| file,
    )
    .await;
    let began = Instant::now();
    let answer = stage.answered("GET", "/x", "Passthrough-Timeout-Ms: 250\r\n", "").await;
    assert_eq!(answer.head.status(), 504);
    assert!(answer.text().contains("\"total_timeout\""), "{}", answer.text());
    let answer = stage.answered("GET", "/x", "Passthrough-Timeout-Ms: 250\r\n", "").await;
    assert_eq!((answer.head.status(), answer.text().as_str(), answer.end), (200, "half", End::CutShort));
    assert!(began.elapsed() >= Duration::from_millis(500), "not before it is due");
    assert!(stage.arrived(0)[0].head.all("passthrough-timeout-ms").is_empty());
    for wrong in ["+250", "0", "1.5", "1e3", ""] {
        let answer = stage.answered("GET", "/x", &format!("Passthrough-Timeout-Ms: {wrong}\r\n"), "").await;
        assert_eq!(answer.head.status(), 400, "{wrong}");
    }
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_is_joined_with_its_headers_as_they_are() {
    let switch = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket\r\nConnection: Upgrade\r\n\
                  Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    let stage = stage(vec![vec![Step::ReadHead, Step::write(switch), Step::Echo]]).await;
    let ask = [
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Extensions: permessage-deflate",
        "Origin: https://app.example",
    ];
    let headers = format!("Connection: Upgrade\r\nUpgrade: websocket\r\n{}", lines(&ask));
    let mut caller = stage.written("GET", "/socket", &headers, "").await;
    let answer = caller.head().await.unwrap();
    assert_eq!(
        (answer.status(), answer.all("sec-websocket-accept")),
        (101, vec!["s3pPLMBiTxaQ9kYGzzhZRbK+xOo="])
    );
    assert_eq!((answer.all("content-length").len(), answer.all("transfer-encoding").len()), (0, 0));
    for frame in ["\u{1}ping", "GET / HTTP/1.1\r\n\r\n", &"long ".repeat(20_000)] {
        caller.write(frame).await;
        assert_eq!(caller.until(frame).await.as_deref(), Some(frame));
    }
    let seen = stage.server.connections()[0].text();
    let end = seen.find("\r\n\r\n").unwrap() + 4;
    let arrived = Head::parse(&seen[..end]).unwrap();
    assert_eq!((arrived.all("connection").len(), arrived.all("upgrade")), (1, vec!["websocket"]));
    assert!(arrived.all("connection")[0].eq_ignore_ascii_case("upgrade"));
    assert_eq!(kept(&arrived, &[&OURS[..], &["upgrade"]].concat()), fields(&ask));
    // What went through were no frames: the end of the program would wait for the end of one.
    drop(caller);
    stage.program.finish().await;
}
