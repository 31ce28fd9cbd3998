//! `POST /v1/passthrough`: what goes out byte for byte, and what comes back.

use std::io::Write as _;

use bytes::Bytes;
use data_encoding::BASE64;
use http::Response;
use http_body_util::Full;
use passthrough_testkit::echo::EchoProvider;
use passthrough_testkit::program::Engine;
use passthrough_testkit::raw_server::{Authority, RawServer, Step};
use serde_json::{Value, json};

use crate::rig::{answer, answers, failure, json as read, quoted, stage, stage_with};
use crate::support::{Shop, bearer_provider, on_both_databases, record, setup, shop, shop_with};

on_both_databases! {
    bodies_go_out_byte_for_byte
}

async fn bodies_go_out_byte_for_byte(engine: Engine) {
    let shop = shop(engine).await;
    let numbers = r#"{ "b":1.10,"a" : 12345678901234567890.000, "z":1e400,"e":[ ],"s":"\u00e9\/" }"#;
    let cases: [(&str, &[u8], Option<&str>); 13] = [
        (r#""body":"line\n\u0000\u00e9""#, "line\n\0é".as_bytes(), None),
        (r#""body":"{\"a\":1}""#, br#"{"a":1}"#, None),
        (&format!(r#""body":{numbers}"#), numbers.as_bytes(), Some("application/json")),
        (r#""body":[1, 2]"#, b"[1, 2]", Some("application/json")),
        (r#""body":false"#, b"false", Some("application/json")),
        (r#""body":0.10"#, b"0.10", Some("application/json")),
        (r#""body":"/wD+","bodyEncoding":"base64""#, b"\xff\x00\xfe", None),
        (r#""body":"","bodyEncoding":"base64""#, b"", None),
        (r#""form":{"a b":"1&2","n":1.50,"l":["x","y"]}"#, b"a+b=1%262&n=1.50&l=x&l=y", Some(FORM)),
        (r#""form":[["z","1"],["a","2"],["z","é"]]"#, "z=1&a=2&z=%C3%A9".as_bytes(), Some(FORM)),
        (r#""body":"""#, b"", None),
        (r#""body":null"#, b"", None),
        (r#""form":null,"multipart":null"#, b"", None),
    ];
    for (given, expected, content_type) in cases {
        shop.envelope(&format!(r#"{{"method":"POST","path":"/x",{given}}}"#)).await;
        let seen = shop.provider.last();
        assert_eq!(seen.body, expected, "{given}");
        assert_eq!(seen.header("content-type"), Vec::from_iter(content_type), "{given}");
        assert_eq!(seen.header("content-length"), [expected.len().to_string()], "{given}");
        assert!(seen.header("transfer-encoding").is_empty());
    }
    shop.program.finish().await;
}

const FORM: &str = "application/x-www-form-urlencoded";

#[tokio::test(flavor = "multi_thread")]
async fn a_callers_content_type_wins_over_the_one_that_a_body_would_get() {
    let shop = shop(Engine::Sqlite).await;
    let json = r#"{"method":"PATCH","path":"/x","body":{"a":1},"headers":{"Content-Type":"application/merge-patch+json"}}"#;
    shop.envelope(json).await;
    assert_eq!(shop.provider.last().header("content-type"), ["application/merge-patch+json"]);
    shop.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn multipart_carries_texts_and_bytes() {
    let shop = shop(Engine::Sqlite).await;
    let parts = r#"[{"name":"a\"b\r\nX: y","value":"text é"},
        {"name":"file","base64":"/wANCi0t","filename":"../a\"b.bin","contentType":"image/png"}]"#;
    shop.envelope(&format!(r#"{{"method":"POST","path":"/x","multipart":{parts}}}"#)).await;
    let seen = shop.provider.last();
    let content_type = seen.header("content-type")[0].to_owned();
    let boundary = content_type.strip_prefix("multipart/form-data; boundary=").unwrap();
    let mut expected = format!(
        "--{boundary}\r\nContent-Disposition: form-data; name=\"a%22b%0D%0AX: y\"\r\n\r\ntext é\r\n\
         --{boundary}\r\nContent-Disposition: form-data; name=\"file\"; filename=\"../a%22b.bin\"\r\n\
         Content-Type: image/png\r\n\r\n"
    )
    .into_bytes();
    expected.extend_from_slice(b"\xff\x00\r\n--");
    expected.extend_from_slice(format!("\r\n--{boundary}--\r\n").as_bytes());
    assert_eq!(seen.body, expected);
    for wrong in [
        r#"[{"name":"a"}]"#,
        r#"[{"name":"a","value":"1","base64":"MQ=="}]"#,
        r#"[{"name":"a","base64":"%"}]"#,
        r#"[{"name":"a","value":"1","contentType":"a\r\nX-Evil: 1"}]"#,
        r#"[{"value":"1"}]"#,
        r#"[{"name":"a","value":"1","filname":"x"}]"#,
    ] {
        let response = shop.ask(&format!(r#"{{"method":"POST","path":"/x","multipart":{wrong}}}"#)).await;
        assert_eq!(response.status, 400, "{wrong}: {}", response.text());
    }
    shop.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_method_goes_out_as_itself() {
    let shop = shop(Engine::Sqlite).await;
    for method in ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"] {
        let envelope = shop.envelope(&format!(r#"{{"method":"{method}","path":"/x"}}"#)).await;
        assert_eq!(envelope["method"], method);
        assert_eq!(envelope["statusCode"], 200);
        let seen = shop.provider.last();
        assert_eq!(seen.method, method);
        let expected: &[&str] = if ["POST", "PUT", "PATCH"].contains(&method) { &["0"] } else { &[] };
        assert_eq!(seen.header("content-length"), expected, "{method}");
        if method == "HEAD" {
            assert_eq!((&envelope["response"], &envelope["responseEncoding"]), (&json!(""), &json!("text")));
            assert!(envelope["headers"]["content-length"].is_string(), "{envelope}");
        }
    }
    // A body goes along with whatever method the caller gives it.
    for method in ["GET", "DELETE", "OPTIONS"] {
        shop.envelope(&format!(r#"{{"method":"{method}","path":"/x","body":"hi"}}"#)).await;
        assert_eq!(shop.provider.last().body, "hi", "{method}");
    }
    shop.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn queries_of_every_form_are_appended_in_order() {
    let shop = shop(Engine::Sqlite).await;
    let cases = [
        (
            r#""path":"/x?a=1&a=2;b=%2f&c","query":{"d":"e f","g":[1,"2",true]}"#,
            "/x?a=1&a=2;b=%2f&c&d=e%20f&g=1&g=2&g=true",
        ),
        (
            r#""path":"/x","query":{"big":12345678901234567890,"f":1.10,"no":false,"nil":null,"none":[]}"#,
            "/x?big=12345678901234567890&f=1.10&no=false",
        ),
        (r#""path":"/x?","query":{}"#, "/x?"),
        (r#""path":"/x?q=100%&r=a?b","query":{"é&=":"+"}"#, "/x?q=100%&r=a?b&%C3%A9%26%3D=%2B"),
        (r#""path":"/a%2Fb;v=1/c%20d/é""#, "/a%2Fb;v=1/c%20d/%C3%A9"),
    ];
    for (given, expected) in cases {
        let envelope = shop.envelope(&format!(r#"{{"method":"GET",{given}}}"#)).await;
        assert_eq!(envelope["path"], expected);
        assert_eq!(shop.provider.last().target, format!("/base{expected}"));
    }
    for wrong in [r#"{"a":{}}"#, r#"{"a":[[1]]}"#, r#"[]"#, r#""a=1""#] {
        let response = shop.ask(&format!(r#"{{"method":"GET","path":"/x","query":{wrong}}}"#)).await;
        assert_eq!(response.status, 400, "{wrong}");
        let detail = &read(&response)["detail"][0]["path"];
        assert!(detail.as_str().unwrap().starts_with("query"), "{detail}");
    }
    shop.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_may_be_repeated_and_ours_are_added() {
    let shop = shop(Engine::Sqlite).await;
    let headers = r#"{"X-One":"1","x-many":["a","b"],"X-Empty":"","x-null":null,"X-Utf":"é"}"#;
    shop.envelope(&format!(r#"{{"method":"GET","path":"/x","headers":{headers}}}"#)).await;
    let seen = shop.provider.last();
    assert_eq!(seen.header("x-one"), ["1"]);
    assert_eq!(seen.header("x-many"), ["a", "b"]);
    assert_eq!(seen.header("x-empty"), [""]);
    assert!(seen.header("x-null").is_empty());
    assert_eq!(seen.header("x-utf"), ["é"]);
    assert_eq!(seen.header("accept-encoding"), ["identity"]);
    assert!(seen.header("user-agent")[0].starts_with("passthrough/"));
    assert_eq!(seen.header("host"), [shop.provider.url().strip_prefix("http://").unwrap()]);
    let headers = r#"{"User-Agent":"mine/1","Accept-Encoding":"gzip"}"#;
    shop.envelope(&format!(r#"{{"method":"GET","path":"/x","headers":{headers}}}"#)).await;
    let seen = shop.provider.last();
    assert_eq!((seen.header("user-agent"), seen.header("accept-encoding")), (vec!["mine/1"], vec!["gzip"]));
    shop.program.finish().await;
}

/// A provider that answers by its path: content type and bytes.
async fn typed(answers: Vec<(&'static str, &'static str, Vec<u8>)>) -> Shop {
    let provider = EchoProvider::answering(move |seen| {
        let path = seen.target.strip_prefix("/base/").unwrap();
        let (_, content_type, body) = answers.iter().find(|(name, ..)| *name == path).unwrap();
        let mut response = Response::new(Full::from(Bytes::from(body.clone())));
        if !content_type.is_empty() {
            response.headers_mut().insert("content-type", content_type.parse().unwrap());
        }
        response
    });
    shop_with(Engine::Sqlite, provider.await).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_response_is_what_its_content_type_says() {
    let json_text = "{ \"b\" : 1.10,\n\t\"a\":12345678901234567890.000, \"dup\":1,\"dup\":2, \"e\":1E+400, \"u\":\"\\u00e9\\/\" }";
    let shop = typed(vec![
        ("json", "application/json; charset=utf-8", json_text.into()),
        ("problem", "application/problem+json", b"{\"a\":1}".to_vec()),
        ("broken", "application/json", b"{\"a\":".to_vec()),
        ("nil", "application/json", b"null".to_vec()),
        ("text", "text/plain", "grüße\r\n".into()),
        ("xml", "application/xml", b"<a/>".to_vec()),
        ("latin", "text/plain; charset=ISO-8859-1", b"gr\xfc\xdfe".to_vec()),
        ("quoted", "text/html; charset=\"windows-1252\"", b"\x80".to_vec()),
        ("sjis", "text/plain; charset=Shift_JIS", b"\x93\xfa\x96\x7b".to_vec()),
        ("wrong", "text/plain; charset=utf-8", b"a\xff".to_vec()),
        ("png", "image/png", b"\x89PNG\r\n\x00".to_vec()),
        ("octets", "application/octet-stream", b"plain".to_vec()),
        ("untyped", "", b"plain".to_vec()),
        ("untyped-bytes", "", b"\x00\x01".to_vec()),
        ("empty", "application/json", Vec::new()),
        ("bom", "application/json", b"\xef\xbb\xbf[1]".to_vec()),
    ])
    .await;
    let base64 = |bytes: &[u8]| json!(BASE64.encode(bytes)).to_string();
    let cases = [
        ("json", "auto", json_text.to_owned(), "json"),
        ("json", "text", quoted(json_text), "text"),
        ("json", "base64", base64(json_text.as_bytes()), "base64"),
        ("problem", "auto", "{\"a\":1}".to_owned(), "json"),
        ("broken", "auto", quoted("{\"a\":"), "text"),
        ("nil", "auto", "null".to_owned(), "json"),
        ("text", "auto", quoted("grüße\r\n"), "text"),
        ("text", "base64", base64("grüße\r\n".as_bytes()), "base64"),
        ("xml", "auto", quoted("<a/>"), "text"),
        ("latin", "auto", quoted("grüße"), "text"),
        ("latin", "base64", base64(b"gr\xfc\xdfe"), "base64"),
        ("quoted", "auto", quoted("€"), "text"),
        ("sjis", "auto", quoted("日本"), "text"),
        ("wrong", "auto", base64(b"a\xff"), "base64"),
        ("wrong", "text", quoted("a\u{fffd}"), "text"),
        ("png", "auto", base64(b"\x89PNG\r\n\x00"), "base64"),
        ("octets", "auto", base64(b"plain"), "base64"),
        ("untyped", "auto", quoted("plain"), "text"),
        ("untyped-bytes", "auto", base64(b"\x00\x01"), "base64"),
        ("empty", "auto", quoted(""), "text"),
        ("empty", "base64", quoted(""), "base64"),
        ("bom", "auto", "[1]".to_owned(), "json"),
        ("octets", "text", quoted("plain"), "text"),
    ];
    for (name, wanted, expected, encoding) in cases {
        let request = format!(r#"{{"method":"GET","path":"/{name}","responseAs":"{wanted}"}}"#);
        let response = shop.ask(&request).await;
        assert_eq!(response.status, 200, "{name} {wanted}: {}", response.text());
        let text = response.text();
        let expected = format!("\"response\":{expected},\"responseEncoding\":\"{encoding}\"");
        assert!(text.contains(&expected), "{name} as {wanted}: {text}");
    }
    let response = shop.ask(r#"{"method":"GET","path":"/broken","responseAs":"json"}"#).await;
    assert_eq!(failure(&response), "502 bad_gateway decode sent=yes");
    // The provider answered all the same, which its record tells.
    let kept = record(&shop.program, read(&response)["requestId"].as_str().unwrap()).await;
    assert_eq!((&kept["statusCode"], &kept["errorReason"]), (&200.into(), &"decode".into()), "{kept}");
    let response = shop.ask(r#"{"method":"GET","path":"/json","responseAs":"jsn"}"#).await;
    assert_eq!(failure(&response), "400 bad_request sent=no");
    shop.program.finish().await;
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn compressed(coding: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: {coding}\r\n\
         Content-Length: {}\r\nConnection: close\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn compressed_answers_are_decoded_within_bounds() {
    let damaged = {
        let mut bytes = gzip(b"{\"a\":1}");
        bytes[12] ^= 0xff;
        bytes
    };
    let truncated = gzip(b"{\"a\":1}")[..15].to_vec();
    let script = |bytes: Vec<u8>| vec![Step::ReadRequest, Step::Write(bytes)];
    let stage = stage(vec![
        script(compressed("gzip", &gzip(b"{\"a\": 1.0}"))),
        script(compressed("gzip", &damaged)),
        script(compressed("gzip", &truncated)),
        script(compressed("gzip", &gzip(&vec![b' '; 9 << 20]))),
        script(compressed("x-unknown", b"\x01\x02")),
        script(compressed("gzip", b"")),
    ])
    .await;
    let request = r#"{"method":"GET","path":"/x","headers":{"Accept-Encoding":"gzip"}}"#;
    let decoded = stage.ask(request).await;
    assert!(
        decoded.text().contains(r#""response":{"a": 1.0},"responseEncoding":"json""#),
        "{}",
        decoded.text()
    );
    assert_eq!(failure(&stage.ask(request).await), "502 bad_gateway decode sent=yes");
    assert_eq!(failure(&stage.ask(request).await), "502 bad_gateway decode sent=yes");
    assert_eq!(failure(&stage.ask(request).await), "502 bad_gateway too_large sent=yes");
    let unknown = read(&stage.ask(request).await);
    assert_eq!((&unknown["response"], &unknown["responseEncoding"]), (&json!("AQI="), &json!("base64")));
    let empty = read(&stage.ask(request).await);
    assert_eq!((&empty["response"], &empty["responseEncoding"]), (&json!(""), &json!("text")));
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn headers_come_back_with_their_names_and_repetitions() {
    let head = "HTTP/1.1 200 OK\r\nX-ODD-Case: 1\r\nSet-Cookie: a=1; Path=/\r\nx-other: 2\r\nset-cookie: b=2\r\n\
                Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nX-Latin: gr\u{fc}n\r\n\
                ETag: \"x\"\r\nContent-Length: 0\r\n\r\n";
    let latin: Vec<u8> = head.chars().map(|c| u8::try_from(u32::from(c)).unwrap()).collect();
    let stage = stage(vec![vec![Step::ReadRequest, Step::Write(latin), Step::Again]]).await;
    let envelope = read(&stage.ask(r#"{"method":"GET","path":"/x"}"#).await);
    let headers = envelope["headers"].as_object().unwrap();
    let names: Vec<&String> = headers.keys().collect();
    assert_eq!(names, ["X-ODD-Case", "Set-Cookie", "x-other", "X-Latin", "ETag", "Content-Length"]);
    assert_eq!(headers["Set-Cookie"], json!(["a=1; Path=/", "b=2"]));
    assert_eq!(headers["X-Latin"], "grün");
    assert_eq!(headers["X-ODD-Case"], "1");
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn any_status_of_the_provider_is_an_envelope() {
    let statuses = [
        "204 No Content",
        "304 Not Modified",
        "205 Reset Content",
        "301 Moved",
        "400 Bad",
        "401 No",
        "404 No",
        "418 Tea",
        "429 Slow",
        "500 Oh",
        "503 Busy",
        "599 Odd",
    ];
    let scripts = statuses.map(|status| {
        let bodiless = status.starts_with("204") || status.starts_with("304");
        let answer = if bodiless {
            format!("HTTP/1.1 {status}\r\nX-Status: yes\r\nConnection: close\r\n\r\n")
        } else {
            answer(&format!("{status}\r\nConnection: close\r\nRetry-After: 7\r\nX-Status: yes"), "gone")
        };
        vec![Step::ReadRequest, Step::write(&answer)]
    });
    let stage = stage(scripts.into()).await;
    for status in statuses {
        let response = stage.ask(r#"{"method":"GET","path":"/x"}"#).await;
        assert_eq!(response.status, 200);
        assert_eq!(response.header("passthrough-source"), Some("envelope"));
        assert_eq!(response.header("retry-after"), None, "the provider's is inside");
        let envelope = read(&response);
        let code: u16 = status[..3].parse().unwrap();
        assert_eq!(envelope["statusCode"], code);
        assert_eq!(envelope["headers"]["X-Status"], "yes");
        let body = if code == 204 || code == 304 { "" } else { "gone" };
        assert_eq!(envelope["response"], body, "{status}");
        assert_eq!(envelope["requestId"], response.header("passthrough-request-id").unwrap());
        assert_eq!(envelope["attempts"], 1);
        assert!(envelope["durationMs"].as_u64() >= envelope["upstreamDurationMs"].as_u64());
    }
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_beyond_the_limit_are_refused_both_ways() {
    let chunked =
        format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4001\r\n{}\r\n", "x".repeat(0x4001));
    let stage = stage_with(
        vec![
            vec![Step::ReadRequest, Step::write(&answer("200 OK", &"x".repeat(16_385))), Step::Hold],
            vec![Step::ReadRequest, Step::write(&chunked), Step::Hold],
            answers(&answer("200 OK", &"x".repeat(16_384))),
        ],
        |setup| {
            let setup = setup.variable("PASSTHROUGH_LIMITS__ENVELOPE_RESPONSE_BYTES", "16384");
            setup.variable("PASSTHROUGH_LIMITS__ENVELOPE_REQUEST_BYTES", "16384")
        },
        |file| file,
    )
    .await;
    for _ in 0..2 {
        let response = stage.ask(r#"{"method":"GET","path":"/x"}"#).await;
        assert_eq!(failure(&response), "502 bad_gateway too_large sent=yes");
    }
    assert_eq!(stage.ask(r#"{"method":"GET","path":"/x"}"#).await.status, 200);
    let post = |count: usize| format!(r#"{{"method":"POST","path":"/x","body":"{}"}}"#, "x".repeat(count));
    assert_eq!(stage.ask(&post(16_384)).await.status, 200);
    assert_eq!(failure(&stage.ask(&post(16_385)).await), "413 payload_too_large sent=no");
    assert_eq!(failure(&stage.ask(&post(100_000)).await), "413 payload_too_large sent=no");
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn failures_on_the_way_say_what_went_wrong_and_what_was_sent() {
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf";
    let stage = stage_with(
        vec![
            vec![Step::ReadRequest, Step::Hold],
            vec![Step::ReadRequest, Step::Hold],
            vec![Step::ReadRequest, Step::Reset],
            vec![Step::ReadRequest],
            vec![Step::ReadRequest, Step::write(half)],
            vec![Step::ReadRequest, Step::write("220 smtp ready\r\n"), Step::Hold],
            vec![Step::ReadRequest, Step::write(half), Step::Hold],
            vec![
                Step::ReadRequest,
                Step::write("HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"),
                Step::Hold,
            ],
        ],
        |setup| {
            let setup = setup.variable("PASSTHROUGH_UPSTREAM__FIRST_BYTE_TIMEOUT_MS", "400");
            // Each line below is one script.
            let setup = setup.variable("PASSTHROUGH_UPSTREAM__RETRIES", "0");
            setup.variable("PASSTHROUGH_UPSTREAM__IDLE_TIMEOUT_MS", "400")
        },
        |file| file,
    )
    .await;
    for (request, expected) in [
        (r#"{"method":"GET","path":"/x","timeoutMs":150}"#, "504 gateway_timeout total_timeout sent=yes"),
        (r#"{"method":"GET","path":"/x"}"#, "504 gateway_timeout first_byte_timeout sent=yes"),
        (r#"{"method":"POST","path":"/x"}"#, "502 bad_gateway reset sent=unknown"),
        (r#"{"method":"GET","path":"/x"}"#, "502 bad_gateway reset sent=unknown"),
        (r#"{"method":"GET","path":"/x"}"#, "502 bad_gateway reset sent=yes"),
        (r#"{"method":"GET","path":"/x"}"#, "502 bad_gateway protocol sent=yes"),
        (r#"{"method":"GET","path":"/x"}"#, "504 gateway_timeout idle_timeout sent=yes"),
        (r#"{"method":"GET","path":"/x"}"#, "502 bad_gateway protocol sent=yes"),
    ] {
        let response = stage.ask(request).await;
        assert_eq!(failure(&response), expected, "{}", response.text());
        assert_eq!(response.header("passthrough-source"), Some("passthrough"));
        let id = response.header("passthrough-request-id").unwrap();
        assert_eq!(read(&response)["requestId"], id);
        assert_eq!(read(&response)["origin"], "provider");
    }
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_cannot_be_reached_was_sent_nothing() {
    let gone = RawServer::start(vec![]).await.unwrap().address();
    let stranger = Authority::new("nobody knows").unwrap();
    let tls = RawServer::start_tls(vec![vec![Step::Hold]], stranger.server("127.0.0.1", None).unwrap())
        .await
        .unwrap();
    let plain =
        RawServer::start(vec![vec![Step::Read(1), Step::write("HTTP/1.1 400 Bad\r\n\r\n")]]).await.unwrap();
    let mut program = setup(Engine::Sqlite)
        .provider("gone", &bearer_provider(&format!("http://{gone}")))
        .provider("tls", &bearer_provider(&format!("https://{}", tls.address())))
        .provider("plain", &bearer_provider(&format!("https://{}", plain.address())))
        .provider("nowhere", &bearer_provider("https://no-such-host.invalid"))
        .start()
        .await;
    for (code, expected) in [
        ("gone", "502 bad_gateway connect sent=no retryable"),
        ("tls", "502 bad_gateway tls sent=no retryable"),
        ("plain", "502 bad_gateway tls sent=no retryable"),
        ("nowhere", "502 bad_gateway dns sent=no retryable"),
    ] {
        let key = passthrough_testkit::program::canary("key");
        let request = format!(r#"{{"provider":"{code}","credentials":{{"api_key":"{key}"}}}}"#);
        let connection = program.connect(&request).await;
        let request = r#"{"method":"POST","path":"/x","body":"a"}"#;
        let response = program.on(&connection, "POST", "/v1/passthrough", &[], request).await;
        assert_eq!(failure(&response), expected, "{code}: {}", response.text());
    }
    program.finish().await;
}

/// The custom provider's base URL is a text of the user's: every spelling of a closed address stays closed.
#[tokio::test(flavor = "multi_thread")]
async fn closed_addresses_stay_closed_in_every_spelling() {
    let server = RawServer::start(vec![vec![Step::Hold]]).await.unwrap();
    let port = server.address().port();
    let setup = setup(Engine::Sqlite)
        .variable("PASSTHROUGH_UPSTREAM__ALLOW", "")
        .variable("PASSTHROUGH_UPSTREAM__DNS", "system");
    let mut program = setup.variable("PASSTHROUGH_UPSTREAM__ALLOW_HTTP", "").start().await;
    let hosts = [
        "127.0.0.1",
        "localhost",
        "[::1]",
        "2130706433",
        "0177.0.0.1",
        "127.1",
        "0x7f.0.0.1",
        "0x7f000001",
        "①②⑦.0.0.1",
        "127.0.0.1.",
        "[::ffff:127.0.0.1]",
        "[::127.0.0.1]",
        "[64:ff9b::127.0.0.1]",
        "[2002:7f00:1::]",
        "0.0.0.0",
        "[::]",
        "169.254.169.254",
        "[fd00:ec2::254]",
        "10.0.0.1",
        "192.168.1.1",
        "172.16.0.1",
        "100.64.0.1",
        "[fe80::1]",
        "[fc00::1]",
        "224.0.0.1",
        "255.255.255.255",
        "LOCALHOST",
        "localhost.",
        "017700000001",
        "127.0.1",
        "[::ffff:7f00:1]",
    ];
    for host in hosts {
        for scheme in ["https", "http"] {
            let token = passthrough_testkit::program::canary("token");
            let request = format!(
                r#"{{"provider":"custom","auth":"bearer","credentials":{{"token":"{token}"}},"variables":{{"base_url":{}}}}}"#,
                quoted(&format!("{scheme}://{host}:{port}/x"))
            );
            let created = program.api("POST", "/v1/connections", &request).await;
            if created.status == 201 {
                let created = read(&created);
                let connection = connected(&mut program, &created);
                let response = program
                    .on(&connection, "POST", "/v1/passthrough", &[], r#"{"method":"GET","path":"/"}"#)
                    .await;
                let failure = failure(&response);
                let blocked = "502 bad_gateway blocked_address sent=no";
                // A name that does not resolve here is no hole either.
                assert!(
                    failure == blocked || failure == "502 bad_gateway dns sent=no retryable",
                    "{scheme}://{host}: {failure}"
                );
                assert_eq!(
                    read(&response)["origin"],
                    if failure == blocked { "connection" } else { "provider" }
                );
                assert!(!response.text().contains("127.0.0"), "the answer tells no address");
            } else {
                let status = created.status.as_u16();
                assert!(status == 400 || status == 422, "{scheme}://{host}: {status} {}", created.text());
            }
        }
    }
    assert!(server.connections().is_empty(), "nobody was ever connected to");
    program.finish().await;
}

fn connected(
    program: &mut passthrough_testkit::program::Program,
    created: &Value,
) -> passthrough_testkit::program::Connected {
    let text = |name: &str| created[name].as_str().unwrap().to_owned();
    program.watch(&text("token"));
    passthrough_testkit::program::Connected { id: text("id"), token: text("token") }
}

#[tokio::test(flavor = "multi_thread")]
async fn plain_http_is_refused_where_only_the_address_is_open() {
    let server = RawServer::start(vec![vec![Step::Hold]]).await.unwrap();
    let port = server.address().port();
    let setup = setup(Engine::Sqlite).variable("PASSTHROUGH_UPSTREAM__ALLOW_HTTP", "10.0.0.0/8");
    let mut program = setup
        .variable("PASSTHROUGH_UPSTREAM__DNS", "system")
        .provider("literal", &bearer_provider(&format!("http://127.0.0.1:{port}")))
        .provider("named", &bearer_provider(&format!("http://localhost:{port}")))
        .start()
        .await;
    let create = |code: &str| {
        format!(
            r#"{{"provider":"{code}","credentials":{{"api_key":"{}"}}}}"#,
            passthrough_testkit::program::canary("key")
        )
    };
    // A literal is judged when the connection is made, a name whenever it is dialled.
    let refused = program.api("POST", "/v1/connections", &create("literal")).await;
    assert_eq!(failure(&refused), "400 bad_request sent=no");
    let connection = program.connect(&create("named")).await;
    let request = r#"{"method":"GET","path":"/x"}"#;
    let response = program.on(&connection, "POST", "/v1/passthrough", &[], request).await;
    assert_eq!(failure(&response), "502 bad_gateway blocked_address sent=no");
    assert!(server.connections().is_empty());
    program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_is_wrong_is_refused_with_every_mistake_at_once() {
    let shop = shop(Engine::Sqlite).await;
    for (request, paths) in [
        (r#"{"method":"GET","path":"/x","boddy":"lost"}"#, vec!["boddy"]),
        (r#"{"method":"get","path":"/x"}"#, vec!["method"]),
        (r#"{"method":"CONNECT","path":"/x"}"#, vec!["method"]),
        (r#"{"method":"TRACE","path":"/x"}"#, vec!["method"]),
        (r#"{"path":7}"#, vec!["method", "path"]),
        (r#"{"method":"POST","path":"/x","body":"a","form":{"a":"b"}}"#, vec!["body"]),
        (r#"{"method":"POST","path":"/x","body":{},"bodyEncoding":"base64"}"#, vec!["body"]),
        (r#"{"method":"POST","path":"/x","body":"Zg","bodyEncoding":"base64"}"#, vec!["body"]),
        (r#"{"method":"GET","path":"/x","timeoutMs":0}"#, vec!["timeoutMs"]),
        (r#"{"method":"GET","path":"/x","timeoutMs":-1}"#, vec!["timeoutMs"]),
        (r#"{"method":"GET","path":"/x","path":"/y"}"#, vec!["path"]),
        (r#"{"method":"GET","path":"/x","base":"upload"}"#, vec!["base"]),
        (r#"[]"#, vec![""]),
        (r#"{"method":"GET","path":"/x""#, vec![""]),
    ] {
        let response = shop.ask(request).await;
        assert_eq!(failure(&response), "400 bad_request sent=no", "{request}");
        let error = read(&response);
        let found: Vec<&str> =
            error["detail"].as_array().unwrap().iter().map(|one| one["path"].as_str().unwrap()).collect();
        assert_eq!(found, paths, "{request}: {error}");
        assert_eq!(error["origin"], "caller");
    }
    let suggested = read(&shop.ask(r#"{"method":"GET","path":"/x","boddy":"lost"}"#).await);
    assert_eq!(suggested["detail"][0]["suggestion"], "body");
    assert!(shop.provider.seen().is_empty());
    shop.program.finish().await;
}

#[tokio::test]
async fn our_own_tokens_never_go_out_whatever_header_they_stand_in() {
    let shop = shop(Engine::Sqlite).await;
    let (key, token) = (&shop.program.key, &shop.connection.token);
    let request = format!(
        r#"{{"method":"GET","path":"/x","headers":{{"X-Auth":"{key}","X-Other":["a","Token {token}"],"X-Kept":"b"}}}}"#
    );
    shop.envelope(&request).await;
    let seen = shop.provider.last();
    assert!(seen.header("x-auth").is_empty());
    assert_eq!((seen.header("x-other"), seen.header("x-kept")), (vec!["a"], vec!["b"]));
    shop.program.finish().await;
}
