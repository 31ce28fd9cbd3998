//! `/v1/proxy/…`: method, path, query, headers and bytes go through; so does the answer.

use passthrough_testkit::echo::EchoProvider;
use passthrough_testkit::program::{Connected, Engine, canary};
use passthrough_testkit::raw_server::{RawServer, Step};

use crate::rig::{Caller, answer, answers, failure, stage, stage_with};
use crate::support::{bearer_provider, on_both_databases, setup, shop};

on_both_databases! {
    method_path_and_query_go_through_as_they_are
}

async fn method_path_and_query_go_through_as_they_are(engine: Engine) {
    let shop = shop(engine).await;
    for method in ["GET", "OPTIONS", "PROPFIND", "BREW", "M-SEARCH", "LINK", "a!b~c"] {
        let response = shop.proxy(method, "/x", &[], "").await;
        assert_eq!(response.status, 200, "{method}: {}", response.text());
        assert_eq!(response.header("passthrough-source"), Some("provider"));
        assert!(response.header("passthrough-request-id").unwrap().starts_with("req_"));
        assert_eq!(shop.provider.last().method, method);
    }
    for target in [
        "/",
        "/x",
        "/x/",
        "/x//y",
        "/a%2Fb%2fc",
        "/a;v=1;w/b",
        "/a%20b",
        "/%C3%A9/%ff",
        "/x?",
        "/x?a=1&a=2&b=3;c=4",
        "/x?q=100%",
        "/x?q=%zz&e=%C3%A9&p=+%2B",
        "/x?a=/../..//evil",
        "/x?y?z=1",
        "/...",
        "/.well-known/x",
        "/x=y@z:80",
        "/$&'()*,~!",
        "/a|b^c{d}[e]\"f",
        "/x?{a}|[b]^'",
    ] {
        shop.proxy("GET", target, &[], "").await;
        assert_eq!(shop.provider.last().target, format!("/base{target}"));
    }
    for (prefix, expected) in [("", "/base/"), ("?a=1", "/base/?a=1")] {
        shop.proxy("GET", prefix, &[], "").await;
        assert_eq!(shop.provider.last().target, expected);
    }
    shop.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callers_headers_go_through_but_for_those_that_are_ours_or_of_the_hop() {
    let stage = stage(vec![answers(&answer("200 OK", ""))]).await;
    let key = stage.program.key.clone();
    let token = stage.connection.token.clone();
    let headers = [
        "X-One: 1",
        "x-many: a",
        "X-Many: b",
        "Accept: */*",
        "X-Empty:",
        "If-None-Match: \"x\"",
        "Content-Type: text/x",
        // Of the hop, or believed by somebody.
        "Connection: keep-alive, X-Hop",
        "X-Hop: no",
        "X_Hop: no",
        "Keep-Alive: no",
        "TE: trailers",
        "Trailer: X-T",
        "Proxy-Authorization: no",
        "Upgrade: no",
        "Forwarded: for=no",
        "X-Forwarded-For: no",
        "x_forwarded_host: no",
        "X-Real-Ip: no",
        "X-Original-Url: /no",
        "X-Rewrite-Url: /no",
        "X-HTTP-Method-Override: DELETE",
        "X_Method: DELETE",
        "Via: no",
        "Cdn-Loop: no",
        "True-Client-IP: no",
        "CF-Connecting-IP: no",
        "Cookie: no=1",
        // Ours, under any name.
        "Passthrough-Timeout-Ms: 5000",
        "Passthrough-Retries: 0",
        "Passthrough-Request-Id: no",
        &format!("X-Api-Key: {key}"),
        &format!("X-Auth: Token token={key}"),
        &format!("X-Connection-Token: {token}"),
        &format!("X-Also: {token}"),
    ];
    let mut caller = stage.caller("GET", "/v1/proxy/x", &format!("{}\r\n", headers.join("\r\n"))).await;
    assert!(caller.until("\r\n\r\n").await.starts_with("HTTP/1.1 200 "));
    let seen = stage.server.connections()[0].text();
    let expected = format!(
        "GET /base/x HTTP/1.1\r\nhost: {}\r\nX-One: 1\r\nx-many: a\r\nX-Many: b\r\nAccept: */*\r\nX-Empty: \r\n\
         If-None-Match: \"x\"\r\nContent-Type: text/x\r\nauthorization: Bearer {}\r\n\r\n",
        stage.server.address(),
        stage.api_key
    );
    assert_eq!(seen, expected);
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_are_no_text_pass_in_headers_both_ways() {
    let head = b"HTTP/1.1 200 OK\r\nX-Latin: gr\xfcn\r\nContent-Length: 0\r\n\r\n".to_vec();
    let stage = stage(vec![vec![Step::ReadRequest, Step::Write(head)]]).await;
    let mut caller = Caller::connect(&stage.program).await;
    let head = crate::rig::head(&stage.program, &stage.connection, "GET", "/v1/proxy/x", "X-Latin: gr*n\r\n");
    caller.write(&head.bytes().map(|byte| if byte == b'*' { 0xfc } else { byte }).collect::<Vec<u8>>()).await;
    assert!(caller.until("\r\n\r\n").await.contains("X-Latin: gr\u{fffd}n\r\n"));
    let seen = stage.server.connections()[0].received.clone();
    assert!(seen.windows(16).any(|window| window == b"X-Latin: gr\xfcn\r\n\x61"), "{seen:?}");
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_comes_back_as_it_is() {
    let gzip = "\u{1f}\u{8}not really gzip";
    let head = "HTTP/1.1 207 Multi-Status\r\nSet-Cookie: a=1\r\nX-One: 1\r\nSet-Cookie: b=2\r\nWWW-Authenticate: Basic\r\n\
                Connection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nProxy-Authenticate: Basic\r\nContent-Encoding: gzip\r\n\
                Passthrough-Request-Id: req_forged\r\nPassthrough-Source: passthrough\r\n";
    let one = format!("{head}Content-Length: {}\r\n\r\n{gzip}", gzip.len());
    let stage = stage(vec![
        vec![Step::ReadRequest, Step::write(&one)],
        vec![Step::ReadRequest, Step::write("HTTP/1.1 404 Not Found\r\nContent-Length: 2\r\n\r\nno")],
        vec![Step::ReadRequest, Step::write("HTTP/1.0 200 OK\r\n\r\nuntil the end")],
        vec![
            Step::ReadRequest,
            Step::write("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"),
            Step::write("HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfinal"),
        ],
    ])
    .await;
    let response = stage.proxy("GET", "/x").await;
    assert_eq!((response.status.as_u16(), response.text()), (207, gzip.to_owned()));
    let cookies: Vec<&(String, String)> =
        response.headers.iter().filter(|(name, _)| name == "set-cookie").collect();
    assert_eq!(cookies.iter().map(|(_, value)| value.as_str()).collect::<Vec<_>>(), ["a=1", "b=2"]);
    assert_eq!(response.header("content-encoding"), Some("gzip"));
    assert_eq!(response.header("www-authenticate"), Some("Basic"));
    for gone in ["x-hop", "keep-alive", "proxy-authenticate"] {
        assert_eq!(response.header(gone), None, "{gone}");
    }
    assert_eq!(response.header("passthrough-source"), Some("provider"));
    assert_ne!(response.header("passthrough-request-id"), Some("req_forged"));
    let response = stage.proxy("GET", "/x").await;
    assert_eq!((response.status.as_u16(), response.text()), (404, "no".to_owned()));
    assert_eq!(stage.proxy("GET", "/x").await.text(), "until the end");
    assert_eq!(stage.proxy("GET", "/x").await.text(), "final");
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_without_a_body_keep_their_headers() {
    let announced = Step::write("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\nETag: \"v\"\r\n\r\n");
    let stage = stage(vec![
        vec![Step::ReadRequest, announced, Step::Hold],
        vec![
            Step::ReadRequest,
            Step::write("HTTP/1.1 304 Not Modified\r\nETag: \"v\"\r\n\r\n"),
            Step::ReadRequest,
            Step::write("HTTP/1.1 204 No Content\r\nX-A: 1\r\n\r\n"),
            Step::ReadRequest,
            Step::write(
                "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-4/9\r\nContent-Length: 3\r\n\r\ncde",
            ),
            Step::ReadRequest,
            Step::write("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
            Step::Again,
        ],
    ])
    .await;
    let response = stage.proxy("HEAD", "/x").await;
    assert_eq!((response.header("content-length"), response.header("etag")), (Some("1234"), Some("\"v\"")));
    let response = stage.proxy("GET", "/x").await;
    assert_eq!(
        (response.status.as_u16(), response.header("etag"), response.text()),
        (304, Some("\"v\""), String::new())
    );
    let response = stage.proxy("GET", "/x").await;
    assert_eq!(
        (response.status.as_u16(), response.header("x-a"), response.header("content-length")),
        (204, Some("1"), None)
    );
    let range = [("range", "bytes=2-4")];
    let response = stage.program.on(&stage.connection, "GET", "/v1/proxy/x", &range, "").await;
    assert_eq!((response.status.as_u16(), response.text()), (206, "cde".to_owned()));
    assert_eq!(response.header("content-range"), Some("bytes 2-4/9"));
    let response = stage.proxy("GET", "/x").await;
    assert_eq!((response.status.as_u16(), response.header("content-length")), (200, Some("0")));
    assert_eq!(stage.server.connections().len(), 2, "one socket served all but the first");
    assert!(stage.server.connections()[1].text().contains("\r\nrange: bytes=2-4\r\n"));
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_empty_request_stays_empty_and_a_body_keeps_its_framing() {
    let stage = stage(vec![answers(&answer("200 OK", "")); 8]).await;
    let asked = async |method: &str, headers: &str, body: &str| {
        let before: Vec<usize> = stage.server.connections().iter().map(|seen| seen.received.len()).collect();
        let mut caller = stage.caller(method, "/v1/proxy/x", headers).await;
        caller.write(body.as_bytes()).await;
        let head = caller.until("\r\n\r\n").await;
        assert!(head.starts_with("HTTP/1.1 200 "), "{method} {headers}: {head}");
        // All but those with content that nobody looks for go over one socket.
        let seen = stage.server.connections();
        let (at, last) = seen.iter().enumerate().next_back().unwrap();
        last.text()[before.get(at).copied().unwrap_or_default()..].to_owned()
    };
    for method in ["GET", "HEAD", "DELETE", "OPTIONS"] {
        let seen = asked(method, "", "").await;
        assert!(!seen.contains("content-length") && !seen.contains("transfer-encoding"), "{seen}");
    }
    for method in ["GET", "DELETE"] {
        let seen = asked(method, "Content-Length: 0\r\n", "").await;
        assert!(!seen.contains("content-length"), "{seen}");
    }
    for method in ["POST", "PUT", "PATCH"] {
        for length in ["", "Content-Length: 0\r\n"] {
            let seen = asked(method, length, "").await;
            assert!(seen.contains("\r\ncontent-length: 0\r\n"), "{seen}");
        }
    }
    for method in ["GET", "POST", "DELETE", "PROPFIND"] {
        let seen = asked(method, "Content-Length: 3\r\n", "a\u{0}b").await;
        assert!(seen.contains("\r\ncontent-length: 3\r\n") && seen.ends_with("\r\n\r\na\u{0}b"), "{seen}");
        let seen =
            asked(method, "Transfer-Encoding: chunked\r\n", "2;ext=1\r\nab\r\n1\r\nc\r\n0\r\n\r\n").await;
        let body = seen.split("\r\n\r\n").nth(1).unwrap();
        assert!(
            seen.contains("\r\ntransfer-encoding: chunked\r\n") && !seen.contains("content-length"),
            "{seen}"
        );
        assert!(body.contains("ab") && body.contains('c') && !body.contains("ext"), "{body}");
    }
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_expects_to_be_asked_for_the_body_is() {
    let stage = stage(vec![answers(&answer("200 OK", "thanks"))]).await;
    let headers = "Expect: 100-continue\r\nContent-Length: 4\r\n";
    let mut caller = stage.caller("PUT", "/v1/proxy/x", headers).await;
    assert!(caller.until("\r\n\r\n").await.starts_with("HTTP/1.1 100 "));
    caller.write(b"body").await;
    assert!(caller.until("thanks").await.starts_with("HTTP/1.1 200 "));
    assert!(!stage.server.connections()[0].text().contains("expect"));
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_pass_one_by_one_and_both_ways_at_once() {
    let event = |number: u32| Step::write(&format!("8\r\ndata: {number}\n\r\n"));
    let stage = stage(vec![vec![
        Step::ReadHead,
        Step::write(
            "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n",
        ),
        event(1),
        // The provider says nothing more until it has heard the caller's next word.
        Step::Read("4\r\nnext\r\n".len()),
        event(2),
        Step::Read("4\r\nlast\r\n".len()),
        event(3),
        Step::write("0\r\n\r\n"),
        Step::Hold,
    ]])
    .await;
    let mut caller = stage.caller("POST", "/v1/proxy/events", "Transfer-Encoding: chunked\r\n").await;
    caller.until("data: 1\n").await;
    caller.write(b"4\r\nnext\r\n").await;
    caller.until("data: 2\n").await;
    caller.write(b"4\r\nlast\r\n").await;
    caller.until("data: 3\n\r\n0\r\n\r\n").await;
    drop(caller);
    assert!(stage.server.saw(|seen| seen[0].closed).await);
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_reach_a_caller_who_takes_them() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 42\r\n\r\n";
    let stage = stage(vec![answers(chunked)]).await;
    let mut caller = stage.caller("GET", "/v1/proxy/x", "TE: trailers\r\n").await;
    let answer = caller.until("42\r\n\r\n").await;
    assert!(
        answer.contains("\r\nTrailer: X-Sum\r\n")
            && answer.to_lowercase().ends_with("0\r\nx-sum: 42\r\n\r\n"),
        "{answer}"
    );
    // Without asking for them the body ends where it ends.
    let mut caller = stage.caller("GET", "/v1/proxy/x", "").await;
    assert!(caller.until("0\r\n\r\n").await.ends_with("hi\r\n0\r\n\r\n"));
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_early_answer_reaches_a_caller_who_is_still_sending() {
    let refusal = "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig";
    let stage = stage(vec![vec![Step::ReadHead, Step::write(refusal), Step::Hold]]).await;
    let mut caller = stage.caller("POST", "/v1/proxy/x", "Content-Length: 100000000\r\n").await;
    caller.write(&vec![b'x'; 64 * 1024]).await;
    let answer = caller.until("\r\n\r\nbig").await;
    assert!(answer.starts_with("HTTP/1.1 413 ") && answer.contains("\r\nConnection: close\r\n"), "{answer}");
    // The socket to the provider is in the middle of a body: it never serves another request.
    drop(caller);
    stage.proxy("GET", "/next").await;
    let seen = stage.server.connections();
    assert_eq!(seen.len(), 2);
    assert!(!seen[0].text().contains("/next") && seen[1].text().starts_with("GET /base/next "));
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_cut_short_does_not_end_cleanly() {
    let script = |bytes: &str| vec![Step::ReadRequest, Step::write(bytes)];
    let stage = stage(vec![
        script("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"),
        script("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\nhalf"),
        script("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf"),
        script("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\nzz\r\nmore"),
    ])
    .await;
    for _ in 0..4 {
        let mut caller = stage.caller("GET", "/v1/proxy/x", "").await;
        let answer = caller.rest().await;
        assert!(answer.starts_with("HTTP/1.1 200 ") && answer.contains("half"), "{answer}");
        assert!(!answer.ends_with("0\r\n\r\n") && !answer.contains("content-length: 4"), "{answer}");
    }
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_caller_who_goes_away_cancels_the_providers_work() {
    let part = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart";
    let stage = stage(vec![
        vec![Step::ReadRequest, Step::Hold],
        vec![Step::ReadRequest, Step::write(part), Step::Hold],
        vec![Step::ReadHead, Step::Hold],
        vec![Step::ReadHead, Step::Hold],
    ])
    .await;
    let caller = stage.caller("GET", "/v1/proxy/waiting", "").await;
    assert!(stage.server.saw(|seen| seen.len() == 1 && seen[0].text().ends_with("\r\n\r\n")).await);
    drop(caller);
    assert!(stage.server.saw(|seen| seen[0].closed).await, "while waiting for the head");
    let mut caller = stage.caller("GET", "/v1/proxy/reading", "").await;
    caller.until("part").await;
    drop(caller);
    assert!(stage.server.saw(|seen| seen[1].closed).await, "in the middle of the answer");
    for (number, framing) in [(2, "Content-Length: 100\r\n"), (3, "Transfer-Encoding: chunked\r\n")] {
        let mut caller = stage.caller("POST", "/v1/proxy/writing", framing).await;
        caller.write(b"4\r\npart\r\n").await;
        assert!(stage.server.saw(|seen| seen.len() > number && seen[number].text().contains("part")).await);
        drop(caller);
        assert!(stage.server.saw(|seen| seen[number].closed).await, "in the middle of the request");
        assert!(!stage.server.connections()[number].text().ends_with("0\r\n\r\n"), "no clean end is made up");
    }
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn options_of_a_call_are_headers() {
    let main = EchoProvider::start().await;
    let upload = EchoProvider::start().await;
    let slow = RawServer::start(vec![vec![Step::ReadRequest, Step::Hold]]).await.unwrap();
    let file = bearer_provider(&main.url()).replace(
        "verify",
        &format!(
            "base_urls.upload = \"{}/up\"\nbase_urls.slow = \"http://{}\"\nverify",
            upload.url(),
            slow.address()
        ),
    );
    let mut program = setup(Engine::Sqlite).provider("shop", &file).start().await;
    let key = canary("key");
    let connection: Connected =
        program.connect(&format!(r#"{{"provider":"shop","credentials":{{"api_key":"{key}"}}}}"#)).await;
    let with = async |name: &str, value: &str| {
        program.on(&connection, "GET", "/v1/proxy/x", &[(name, value)], "").await
    };
    assert_eq!(with("passthrough-base", "upload").await.status, 200);
    assert_eq!(upload.last().target, "/up/x");
    assert_eq!(upload.last().header("authorization"), [format!("Bearer {key}")]);
    let envelope = program
        .on(&connection, "POST", "/v1/passthrough", &[], r#"{"method":"GET","path":"/y","base":"upload"}"#)
        .await;
    assert_eq!((envelope.status.as_u16(), upload.last().target.as_str()), (200, "/up/y"));
    assert!(main.seen().is_empty());
    assert_eq!(failure(&with("passthrough-base", "download").await), "400 bad_request sent=no");
    for wrong in ["0", "-1", "soon", "1.5", ""] {
        assert_eq!(
            failure(&with("passthrough-timeout-ms", wrong).await),
            "400 bad_request sent=no",
            "{wrong}"
        );
    }
    let options = [("passthrough-base", "slow"), ("passthrough-timeout-ms", "200")];
    let response = program.on(&connection, "GET", "/v1/proxy/x", &options, "").await;
    assert_eq!(failure(&response), "504 gateway_timeout total_timeout sent=yes");
    program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_calls_and_on_what_must_be_said_once() {
    let stage = stage_with(vec![answers(&answer("200 OK", ""))], |setup| setup, |file| file).await;
    let (key, token) = (stage.program.key.clone(), stage.connection.token.clone());
    for (headers, expected) in [
        (String::new(), "401"),
        (format!("Authorization: Basic {key}\r\nConnection-Token: {token}\r\n"), "401"),
        (format!("Authorization: Bearer {token}\r\nConnection-Token: {token}\r\n"), "401"),
        (
            format!(
                "Authorization: Bearer {key}\r\nAuthorization: Bearer {key}\r\nConnection-Token: {token}\r\n"
            ),
            "400",
        ),
        (format!("Authorization: Bearer {key}\r\n"), "400"),
        (
            format!(
                "Authorization: Bearer {key}\r\nConnection-Token: {token}\r\nConnection-Token: {token}\r\n"
            ),
            "400",
        ),
        (
            format!(
                "Authorization: Bearer {key}\r\nConnection-Token: {token}\r\nX-Connection-Token: con_tkn_x\r\n"
            ),
            "400",
        ),
        (format!("Authorization: Bearer {key}\r\nConnection-Token: con_tkn_x\r\n"), "404"),
        (
            format!(
                "Authorization: Bearer {key}\r\nConnection-Token: {token}\r\nX-Connection-Token: {token}\r\n"
            ),
            "200",
        ),
        (format!("Authorization: bearer  {key} \r\nX-Connection-Token: {token}\r\n"), "200"),
    ] {
        let mut caller = Caller::connect(&stage.program).await;
        caller.write(format!("GET /v1/proxy/x HTTP/1.1\r\nHost: p\r\n{headers}\r\n").as_bytes()).await;
        let head = caller.until("\r\n\r\n").await;
        assert!(head.starts_with(&format!("HTTP/1.1 {expected} ")), "{headers}: {head}");
    }
    assert!(!stage.server.connections()[0].text().contains("con_tkn_"));
    stage.program.finish().await;
}
