//! What strangers send: paths that climb, headers that smuggle, heads that two programs read differently.

use passthrough_testkit::echo::Seen;
use passthrough_testkit::program::Engine;
use passthrough_testkit::raw_server::Step;

use crate::rig::{Caller, answer, answers, failure, head, json as read, quoted, stage};
use crate::support::{Shop, on_both_databases, shop};

on_both_databases! {
    no_path_leaves_the_base_url_by_any_door
}

/// Spellings of `.` and `..` that some server reads as such.
const DOTS: [&str; 22] = [
    ".",
    "..",
    "%2e",
    "%2E%2e",
    ".%2e",
    "%2e.",
    "..;",
    "..;x=1",
    "%2e%2e;y",
    "..%3b",
    "..%3Bz",
    ".;",
    "%c0%ae%c0%ae",
    "%c0%ae.",
    "%e0%80%ae%e0%80%ae",
    "%f0%80%80%ae.",
    "..%00",
    "%2e%2e%00",
    "..\\",
    "..%5c",
    "%252e%252e",
    "．．",
];

/// Where such a segment may stand.
const PLACES: [&str; 8] =
    ["/@", "/@/x", "/a/@/@/x", "/a/@%2f@%2fx", "/a%2f@/", "/a%5c@%5c@", "/@?q", "/a;p/@/@;/@/"];

/// Whatever else a URL parser once fell for.
const ODD: [&str; 58] = [
    "",
    "x",
    "//evil.example/",
    "///evil.example",
    "/\\evil.example",
    "\\/evil.example",
    "\\\\evil.example",
    "@evil.example",
    "/@evil.example/",
    ".evil.example",
    ":80/",
    "/:80/",
    "http://evil.example/",
    "https:evil.example",
    "/http://evil.example/",
    "/x#y",
    "/#",
    "#",
    "?",
    "*",
    "/*",
    "/ x",
    " /x",
    "/x ",
    "/\tx",
    "/\t/evil.example",
    "/x\n",
    "/x\r\nHost: evil.example",
    "/x HTTP/1.1\r\nX-Evil: 1\r\n\r\n",
    "/\u{0}",
    "/%00",
    "/x%00/..",
    "/\u{7f}",
    "/\u{b}x",
    "/%",
    "/%2",
    "/%zz/x",
    "/%u002e%u002e/x",
    "/x%0d%0aX-Evil:%201",
    "/%0a",
    "/%09",
    "/%20",
    "/%23",
    "/%3f..",
    "/a%2f%2e%2e%2f%2e%2e%2fetc",
    "/a/..%2f..%2fetc%2fpasswd",
    "/a/%2e%2e%5c%2e%2e",
    "/%2f%2fevil.example",
    "/%5c%5cevil.example",
    "/%2F..%2F..",
    "/..%c0%af..%c0%af",
    "/..%c1%9c..",
    "/%ff%fe%2e%2e",
    "/a//..//..//..",
    "/a/b/c/../../../..",
    "/a;/..;/..;/..",
    "/x?/../../..",
    "/．．/．．",
];

fn hostile_paths() -> Vec<String> {
    let mut paths: Vec<String> = ODD.iter().map(|path| (*path).to_owned()).collect();
    paths.extend(PLACES.iter().flat_map(|place| DOTS.iter().map(move |dots| place.replace('@', dots))));
    paths.push(format!("/{}", "x".repeat(9000)));
    paths.push(format!("/{}..", "a/../".repeat(1700)));
    paths
}

/// Whether a server that decodes once, and splits, drops and folds as much as any does, stays below `/base`.
fn is_inside(target: &str) -> bool {
    let path = target.split('?').next().unwrap();
    let mut decoded = Vec::new();
    let mut bytes = path.bytes();
    while let Some(byte) = bytes.next() {
        let hex: Vec<u8> = if byte == b'%' { bytes.by_ref().take(2).collect() } else { Vec::new() };
        let digits = std::str::from_utf8(&hex).unwrap();
        decoded.push(if byte == b'%' { u8::from_str_radix(digits, 16).unwrap() } else { byte });
    }
    let mut text: String = decoded.iter().map(|byte| char::from(*byte)).collect();
    for (long, short) in [
        ("\u{c0}\u{ae}", "."),
        ("\u{e0}\u{80}\u{ae}", "."),
        ("\u{f0}\u{80}\u{80}\u{ae}", "."),
        ("\u{c0}\u{af}", "/"),
        ("\u{c1}\u{9c}", "\\"),
        ("\u{0}", "!"),
    ] {
        text = text.replace(long, short);
    }
    let mut open: Vec<&str> = Vec::new();
    for segment in text.split(['/', '\\']).map(|segment| segment.split(';').next().unwrap()) {
        match segment {
            "" | "." => {}
            ".." if open.len() <= 1 => return false,
            ".." => _ = open.pop(),
            name => open.push(name),
        }
    }
    open.first() == Some(&"base")
}

fn check_arrival(shop: &Shop, path: &str, seen: &Seen) {
    assert!(
        seen.target.starts_with("/base/") && is_inside(&seen.target),
        "{path:?} became {:?}",
        seen.target
    );
    assert_eq!(seen.header("host"), [shop.provider.url().strip_prefix("http://").unwrap()], "{path:?}");
    assert!(seen.header("x-evil").is_empty(), "{path:?}");
}

async fn no_path_leaves_the_base_url_by_any_door(engine: Engine) {
    let shop = shop(engine).await;
    let (mut arrived, paths) = (0, hostile_paths());
    assert!(paths.len() > 200, "{}", paths.len());
    for path in &paths {
        for door in ["/v1/passthrough", "/v1/passthrough/raw", "/v1/proxy"] {
            let status = if door == "/v1/proxy" {
                let mut caller = Caller::begin(
                    &shop.program,
                    &shop.connection,
                    "GET",
                    &format!("{door}{path}"),
                    "Connection: close\r\n",
                )
                .await;
                caller.rest().await.get(9..12).unwrap_or("400").to_owned()
            } else {
                let request = format!(r#"{{"method":"GET","path":{}}}"#, quoted(path));
                let response = shop.program.on(&shop.connection, "POST", door, &[], request).await;
                response.status.as_u16().to_string()
            };
            let seen = shop.provider.seen();
            // The router itself knows nothing below `/v1/proxy…` that does not go on with a slash.
            let refused = status == "400" || status == "431" || (status == "404" && !path.starts_with('/'));
            match seen.len() - arrived {
                0 => assert!(refused, "{door} {path:?}: {status}"),
                1 => check_arrival(&shop, path, seen.last().unwrap()),
                more => panic!("{door} {path:?} made {more} requests"),
            }
            arrived = seen.len();
        }
    }
    assert!(arrived > 30, "what is only odd goes through: {arrived}");
    shop.program.finish().await;
}

/// Headers that frame, route or disguise a message, with what they would like to be believed.
const SMUGGLING: [(&str, &str); 34] = [
    ("Content-Length", "35"),
    ("content-length", "0"),
    ("Content_Length", "35"),
    ("Transfer-Encoding", "chunked"),
    ("transfer-encoding", "identity"),
    ("Transfer_Encoding", "chunked"),
    ("Connection", "close, X-Nominated, Authorization"),
    ("X-Nominated", "1"),
    ("x_nominated", "1"),
    ("Keep-Alive", "timeout=1"),
    ("Proxy-Connection", "close"),
    ("TE", "trailers"),
    ("Trailer", "X-Evil"),
    ("Upgrade", "h2c"),
    ("HTTP2-Settings", "AAMAAABk"),
    ("Host", "evil.example"),
    ("Expect", "100-continue"),
    ("Forwarded", "for=127.0.0.1"),
    ("X-Forwarded-For", "127.0.0.1"),
    ("X-Forwarded-Host", "evil.example"),
    ("x_forwarded_for", "127.0.0.1"),
    ("X-Real-IP", "127.0.0.1"),
    ("X-Original-URL", "/admin"),
    ("X-Rewrite-URL", "/admin"),
    ("X-HTTP-Method-Override", "DELETE"),
    ("X-Method-Override", "DELETE"),
    ("X_HTTP_Method_Override", "DELETE"),
    ("X-Method", "DELETE"),
    ("Via", "1.1 evil"),
    ("CDN-Loop", "evil"),
    ("Authorization", "Bearer mine"),
    ("authorization", "Basic mine"),
    ("Cookie", "admin=1"),
    ("Proxy-Authorization", "Basic mine"),
];

#[tokio::test(flavor = "multi_thread")]
async fn headers_that_smuggle_never_arrive_and_the_socket_stays_clean() {
    let stage = stage(vec![answers(&answer("200 OK", ""))]).await;
    let clean = |method: &str, extra: &str| {
        let (address, key) = (stage.server.address(), &stage.api_key);
        format!("{method} /base/x HTTP/1.1\r\nhost: {address}\r\n{extra}authorization: Bearer {key}\r\n\r\n")
    };
    let ours = "User-Agent: passthrough/0.1\r\nAccept-Encoding: identity\r\n";
    let mut expected = String::new();
    for (name, value) in SMUGGLING {
        let request =
            format!(r#"{{"method":"GET","path":"/x","headers":{{{}:{}}}}}"#, quoted(name), quoted(value));
        for door in ["/v1/passthrough", "/v1/passthrough/raw"] {
            let response = stage.program.on(&stage.connection, "POST", door, &[], request.clone()).await;
            assert_eq!(response.status, 200, "{name}: {}", response.text());
            let kept = if name.to_lowercase().contains("nominated") {
                format!("{name}: 1\r\n")
            } else {
                String::new()
            };
            expected.push_str(&clean("GET", &format!("{kept}{ours}")));
        }
    }
    let all: Vec<String> =
        SMUGGLING.iter().map(|(name, value)| format!("{}:{}", quoted(name), quoted(value))).collect();
    let request = format!(r#"{{"method":"GET","path":"/x","headers":{{{}}}}}"#, all.join(","));
    assert_eq!(stage.ask(&request).await.status, 200);
    expected.push_str(&clean("GET", ours));
    // The same through the proxy, but for what frames the caller's own message to us.
    let ours_to_say = ["content-length", "transfer-encoding", "host", "authorization"];
    let lines: String = SMUGGLING
        .iter()
        .filter(|(name, _)| !ours_to_say.contains(&name.to_lowercase().as_str()))
        .map(|(name, value)| format!("{name}: {value}\r\n"))
        .collect();
    let mut caller = stage.caller("GET", "/v1/proxy/x", &lines).await;
    assert!(caller.until("\r\n\r\n").await.starts_with("HTTP/1.1 200 "));
    expected.push_str(&clean("GET", ""));
    let seen = stage.server.connections();
    assert_eq!(seen.len(), 1, "one socket carried all of them, and none was read as part of another");
    assert_eq!(seen[0].text(), expected);
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn header_names_and_values_that_break_a_line_are_refused() {
    let shop = shop(Engine::Sqlite).await;
    let values = ["a\r\nX-Evil: 1", "a\nb", "a\rb", "\0", "a\u{7f}", "a\u{1}b", "\r\n", "a\r\n b"];
    let names =
        ["", " ", "a b", "a:b", "a\r\nb", "a\0", "é", "a(b)", "a/b", "\tx", "x ", ":authority", "a\u{7f}"];
    let headers = values.iter().map(|value| ("X-A", *value)).chain(names.iter().map(|name| (*name, "1")));
    for (name, value) in headers.chain([("Host", "a\r\nX-Evil: 1"), ("Connection", "a\nb")]) {
        let request =
            format!(r#"{{"method":"GET","path":"/x","headers":{{{}:{}}}}}"#, quoted(name), quoted(value));
        let response = shop.ask(&request).await;
        assert_eq!(failure(&response), "400 bad_request sent=no", "{name:?}: {value:?}");
        assert!(read(&response)["detail"][0]["path"].as_str().unwrap().starts_with("headers"));
    }
    let many: Vec<String> = (0..101).map(|number| format!(r#""x-{number}":"1""#)).collect();
    let hundred = format!(r#"{{"method":"GET","path":"/x","headers":{{{}}}}}"#, many[..95].join(","));
    assert_eq!(shop.ask(&hundred).await.status, 200);
    let before = shop.provider.seen().len();
    let request = format!(r#"{{"method":"GET","path":"/x","headers":{{{}}}}}"#, many.join(","));
    assert_eq!(failure(&shop.ask(&request).await), "400 bad_request sent=no");
    let repeated =
        format!(r#"{{"method":"GET","path":"/x","headers":{{"x":[{}]}}}}"#, vec!["\"1\""; 101].join(","));
    assert_eq!(failure(&shop.ask(&repeated).await), "400 bad_request sent=no");
    let long = format!(r#"{{"method":"GET","path":"/x","headers":{{"x":"{}"}}}}"#, "x".repeat(65_536));
    assert_eq!(failure(&shop.ask(&long).await), "400 bad_request sent=no");
    let lines: String = (0..101).map(|number| format!("x-{number}: 1\r\n")).collect();
    for lines in [lines, format!("x: {}\r\n", "x".repeat(70_000))] {
        let mut caller = Caller::begin(&shop.program, &shop.connection, "GET", "/v1/proxy/x", &lines).await;
        let answer = caller.rest().await;
        assert!(answer.starts_with("HTTP/1.1 431 "), "{answer}");
    }
    assert_eq!(shop.provider.seen().len(), before);
    shop.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_that_two_programs_read_differently_are_refused() {
    let stage = stage(vec![answers(&answer("200 OK", ""))]).await;
    let (program, connection) = (&stage.program, &stage.connection);
    let target = "/v1/proxy/x";
    let good = head(program, connection, "POST", target, "");
    let with = |extra: &str, body: &str| format!("{}{extra}\r\n{body}", &good[..good.len() - 2]);
    let cases = [
        with("Host: other\r\n", ""),
        with("host: passthrough\r\n", ""),
        good.replace("Host: passthrough\r\n", ""),
        with("Content-Length: 3\r\nContent-Length: 4\r\n", "abcd"),
        with("Content-Length: 3, 4\r\n", "abcd"),
        with("Content-Length: +3\r\n", "abc"),
        with("Content-Length: -1\r\n", ""),
        with("Content-Length: 0x3\r\n", "abc"),
        with("Content-Length: 99999999999999999999\r\n", "abc"),
        with("Transfer-Encoding: gzip, chunked\r\n", "0\r\n\r\n"),
        with("Transfer-Encoding: identity\r\n", ""),
        with("Transfer-Encoding: chunked, identity\r\n", "0\r\n\r\n"),
        with("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n"),
        with("Transfer-Encoding: xchunked\r\n", "0\r\n\r\n"),
        with("Transfer-Encoding : chunked\r\n", "0\r\n\r\n"),
        with("X-A: 1\r\n X-B: 2\r\n", ""),
        with("X A: 1\r\n", ""),
        with("X-A: 1\0\r\n", ""),
        with(": 1\r\n", ""),
        good.replace("HTTP/1.1", "HTTP/1.2"),
        good.replace("HTTP/1.1", "HTTP/9.9"),
        good.replace("POST /v1", "POST  /v1"),
        good.replace(&format!("POST {target} HTTP/1.1"), &format!("POST {target}")),
        good.replace("POST ", "PO ST "),
        with("Transfer-Encoding: chunked\r\n", "zz\r\nabc\r\n0\r\n\r\n"),
        with("Transfer-Encoding: chunked\r\n", "-1\r\nabc\r\n0\r\n\r\n"),
        with("Transfer-Encoding: chunked\r\n", "3\r\nabcdef\r\n0\r\n\r\n"),
        with("Transfer-Encoding: chunked\r\n", "fffffffffffffffff\r\nabc\r\n0\r\n\r\n"),
    ];
    for case in &cases {
        let mut caller = Caller::connect(program).await;
        caller.write(case.as_bytes()).await;
        let status = caller.until("\r\n").await;
        let refused = status.starts_with("HTTP/1.1 4") || status.starts_with("HTTP/1.1 505 ");
        assert!(refused, "{case:?}: {status}");
    }
    for seen in stage.server.connections() {
        assert!(
            !seen.text().ends_with("0\r\n\r\n"),
            "a broken body is never given a clean end: {}",
            seen.text()
        );
    }
    stage.program.finish().await;
}

/// A proxy in front may have read such a message by its length; we read it by its chunks (RFC 9112 §6.1), send on
/// what we read, and take no second request from the socket.
#[tokio::test(flavor = "multi_thread")]
async fn a_length_beside_chunks_smuggles_nothing() {
    let stage = stage(vec![answers(&answer("200 OK", ""))]).await;
    let smuggled = head(&stage.program, &stage.connection, "GET", "/v1/proxy/smuggled", "");
    for framing in [
        "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n",
    ] {
        let mut caller = stage.caller("POST", "/v1/proxy/x", framing).await;
        caller.write(format!("1\r\na\r\n0\r\n\r\n{smuggled}").as_bytes()).await;
        let answer = caller.rest().await;
        assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    }
    assert!(!stage.server.connections().iter().any(|seen| seen.text().contains("smuggled")));
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_form_of_the_request_target_changes_no_destination() {
    let shop = shop(Engine::Sqlite).await;
    for (target, expected) in [
        ("http://evil.example/v1/proxy/x", Some("/base/x")),
        ("HTTP://evil.example:81/v1/proxy/x?a=http://b", Some("/base/x?a=http://b")),
        ("http://evil.example/x", None),
        ("*", None),
        ("evil.example:443", None),
    ] {
        for method in ["GET", "OPTIONS", "CONNECT"] {
            let before = shop.provider.seen().len();
            let mut caller =
                Caller::begin(&shop.program, &shop.connection, method, target, "Connection: close\r\n").await;
            let answer = caller.rest().await;
            match expected.filter(|_| answer.starts_with("HTTP/1.1 200 ")) {
                Some(expected) => assert_eq!(shop.provider.last().target, expected, "{method} {target}"),
                None => {
                    assert!(
                        answer.starts_with("HTTP/1.1 4") || answer.starts_with("HTTP/1.1 502"),
                        "{method} {target}: {answer}"
                    );
                    assert_eq!(shop.provider.seen().len(), before, "{method} {target}");
                }
            }
            assert!(!shop.provider.seen().iter().any(|seen| seen.method == "CONNECT"));
        }
    }
    shop.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn json_of_a_stranger_does_no_harm() {
    let shop = shop(Engine::Sqlite).await;
    let deep = format!("{}{}", "[".repeat(100_000), "]".repeat(100_000));
    for (request, status) in [
        (format!(r#"{{"method":"POST","path":"/x","body":{deep}}}"#), 200),
        (format!(r#"{{"method":"POST","path":"/x","body":{}}}"#, "[".repeat(100_000)), 400),
        (format!(r#"{{"method":"POST","path":"/x","query":{deep}}}"#), 400),
        (format!(r#"{{"method":"POST","path":"/x","multipart":{deep}}}"#), 400),
        (format!(r#"{{"method":"POST","path":"/x","{}":1}}"#, "a".repeat(100_000)), 400),
        (deep.clone(), 400),
        (r#"{"method":"POST","path":"/x","body":"\ud800"}"#.to_owned(), 400),
        (r#"{"method":"POST","path":"/\ud800"}"#.to_owned(), 400),
        (r#"{"method":"POST","path":"/x","body":{"__proto__":1,"a":NaN}}"#.to_owned(), 400),
        (r#"{"method":"POST","path":"/x","body":01}"#.to_owned(), 400),
        (r#"{"method":"POST","path":"/x"} {}"#.to_owned(), 400),
        (r#"{"method":"POST","path":"/x","path":"/y"}"#.to_owned(), 400),
        (r#"{"method":"POST","p\u0061th":"/x","path":"/y"}"#.to_owned(), 400),
        (String::new(), 400),
        ("null".to_owned(), 400),
    ] {
        let response = shop.ask(&request).await;
        assert_eq!(response.status.as_u16(), status, "{:.80}: {:.300}", request, response.text());
    }
    assert_eq!(shop.provider.last().body, deep);
    let mut caller =
        Caller::begin(&shop.program, &shop.connection, "POST", "/v1/passthrough", "Content-Length: 4\r\n")
            .await;
    caller.write(b"{\"\xff\"").await;
    assert!(caller.until("\r\n").await.starts_with("HTTP/1.1 400 "));
    assert!(shop.ask(r#"{"method":"GET","path":"/x"}"#).await.status == 200, "and serves on");
    shop.program.finish().await;
}

/// A provider's answer may be the attack, too.
#[tokio::test(flavor = "multi_thread")]
async fn answers_that_two_programs_read_differently_poison_nobody() {
    let evil = "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil";
    let scripts = [
        // A second answer behind the first, waiting for the next customer's request.
        format!("{}{evil}", answer("200 OK", "mine")),
        format!(
            "HTTP/1.1 200 OK\r\nContent-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nmine\r\n0\r\n\r\n{evil}"
        ),
        format!("HTTP/1.1 204 No Content\r\nContent-Length: 4\r\n\r\n{evil}"),
        format!("HTTP/1.1 304 Not Modified\r\nContent-Length: 4\r\n\r\n{evil}"),
    ];
    let mut scripts: Vec<Vec<Step>> = scripts
        .iter()
        .map(|bytes| vec![Step::ReadRequest, Step::write(bytes), Step::ReadRequest, Step::Hold])
        .collect();
    scripts.push(answers(&answer("200 OK", "good")));
    let stage = stage(scripts).await;
    for _ in 0..4 {
        let response = stage.proxy("GET", "/x").await;
        assert!(["mine", ""].contains(&response.text().as_str()), "{}", response.text());
    }
    assert_eq!(stage.proxy("GET", "/x").await.text(), "good");
    assert_eq!(stage.server.connections().len(), 5, "no such socket serves twice");
    stage.program.finish().await;
}

/// A fragment is no part of a target (RFC 9112 section 3.2): who writes one means another path than we would read.
#[tokio::test(flavor = "multi_thread")]
async fn a_target_with_a_fragment_is_refused_at_every_door() {
    let stage = stage(vec![answers(&answer("200 OK", "ok"))]).await;
    for (method, target) in [
        ("GET", "/v1/proxy#x"),
        ("GET", "/v1/proxy/x#y"),
        ("GET", "/v1/proxy?a#y"),
        ("POST", "/v1/passthrough#x"),
        ("GET", "/v1/connections#x"),
    ] {
        let mut caller = stage.caller(method, target, "Connection: close\r\nContent-Length: 0\r\n").await;
        let text = caller.rest().await;
        assert!(text.starts_with("HTTP/1.1 400 "), "{target}: {text}");
        assert!(
            text.contains("\"code\":\"bad_request\"") && text.contains("\"path\":\"path\""),
            "{target}: {text}"
        );
    }
    assert!(stage.server.connections().is_empty());
    stage.program.finish().await;
}
