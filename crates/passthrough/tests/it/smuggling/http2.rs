//! Requests over HTTP/2 that would become something else over HTTP/1.1.

use passthrough_testkit::http2::{END_HEADERS, END_STREAM, Frame, FrameCaller, Outcome, fields_block, kind};

use super::Stage;

/// Fields of a sound request, in order; a case changes, adds or removes some.
type Fields = Vec<(String, String)>;

impl Stage {
    fn fields(&self, method: &str, path: &str) -> Fields {
        let authorization = format!("Bearer {}", self.program.key);
        [
            (":method", method),
            (":scheme", "http"),
            (":authority", "passthrough"),
            (":path", path),
            ("authorization", &authorization),
            ("connection-token", &self.connection.token),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }
}

fn block(fields: &Fields) -> Vec<u8> {
    let fields: Vec<(&str, &str)> =
        fields.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
    fields_block(&fields)
}

fn set(mut fields: Fields, name: &str, value: &str) -> Fields {
    fields.iter_mut().filter(|(known, _)| known == name).for_each(|(_, old)| value.clone_into(old));
    fields
}

fn with(mut fields: Fields, name: &str, value: &str) -> Fields {
    fields.push((name.to_owned(), value.to_owned()));
    fields
}

fn without(mut fields: Fields, name: &str) -> Fields {
    fields.retain(|(known, _)| known != name);
    fields
}

fn heads(sound: &Fields) -> Vec<(String, Fields)> {
    let mut cases = Vec::new();
    let mut case = |name: String, fields: Fields| cases.push((name, fields));
    let injected = " HTTP/1.1\r\nX-Smuggled: 1\r\n\r\nGET /smuggled";
    for path in [
        format!("/v1/proxy/x{injected}"),
        "/v1/proxy/x\r\nX-Smuggled: 1".to_owned(),
        "/v1/proxy/x\nX-Smuggled: 1".to_owned(),
        "/v1/proxy/x y".to_owned(),
        "/v1/proxy/x\0".to_owned(),
        "/v1/proxy/../../smuggled".to_owned(),
        "v1/proxy/smuggled".to_owned(),
        String::new(),
        "*".to_owned(),
    ] {
        case(format!(":path {path:?}"), set(sound.clone(), ":path", &path));
    }
    for method in [&format!("GET /smuggled{injected}")[..], "GET\r\n", "GE T", "", "G:T", "CONNECT"] {
        case(format!(":method {method:?}"), set(sound.clone(), ":method", method));
    }
    for name in [":method", ":scheme", ":path"] {
        case(format!("no {name}"), without(sound.clone(), name));
        let (_, value) = sound.iter().find(|(known, _)| known == name).unwrap().clone();
        case(format!("two {name}"), {
            let mut fields = sound.clone();
            fields.insert(0, (name.to_owned(), value));
            fields
        });
    }
    for (name, value) in [
        ("connection", "close"),
        ("connection", "x-smuggled"),
        ("transfer-encoding", "chunked"),
        ("transfer-encoding", "identity"),
        ("keep-alive", "timeout=5"),
        ("proxy-connection", "keep-alive"),
        ("upgrade", "websocket"),
        ("te", "gzip"),
        ("Authorization", "Bearer mine"),
        ("X-Upper", "1"),
        ("x-smuggled\r\nx-b", "1"),
        ("x smuggled", "1"),
        ("x-smuggled:1\r\nx", "1"),
        ("x-\0", "1"),
        ("", "1"),
        ("x-a", "1\r\nx-smuggled: 1"),
        ("x-a", "1\nx-smuggled: 1"),
        ("x-a", "1\r"),
        ("x-a", "\0"),
        (":path", "/v1/proxy/smuggled"),
        (":smuggled", "1"),
        (":status", "200"),
        (":protocol", "websocket"),
    ] {
        case(format!("{name:?}: {value:?}"), with(sound.clone(), name, value));
    }
    case("extended CONNECT".to_owned(), {
        let mut fields = set(sound.clone(), ":method", "CONNECT");
        fields.insert(4, (":protocol".to_owned(), "websocket".to_owned()));
        fields
    });
    cases
}

fn is_refused(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Answered { status, body } => {
            [400, 404, 405, 421, 431, 501].contains(status) || *status == 1 && !body.starts_with(b"GET ")
        }
        Outcome::Reset(_) | Outcome::GoneAway(_) | Outcome::Closed => true,
    }
}

async fn is_well(stage: &Stage, caller: &mut FrameCaller, stream: u32, path: &str) {
    let fields = stage.fields("GET", &format!("/v1/proxy{path}"));
    caller.write(&Frame::new(kind::HEADERS, END_HEADERS | END_STREAM, stream, block(&fields))).await;
    let expected = Outcome::Answered { status: 200, body: format!("GET /base{path} ").into_bytes() };
    assert_eq!(caller.outcome(stream).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn fields_of_http2_that_would_break_a_line_of_http1_are_refused() {
    let stage = Stage::open().await;
    let mut wrong = Vec::new();
    let sound = stage.fields("GET", "/v1/proxy/sound");
    for (number, (name, fields)) in heads(&sound).into_iter().enumerate() {
        let mut caller = FrameCaller::connect(&stage.program.url).await;
        is_well(&stage, &mut caller, 1, &format!("/before-{number}")).await;
        let before = stage.check_arrivals().await.len();
        caller.write(&Frame::new(kind::HEADERS, END_HEADERS | END_STREAM, 3, block(&fields))).await;
        let outcome = caller.outcome(3).await;
        if !is_refused(&outcome) || stage.check_arrivals().await.len() != before {
            wrong.push(format!("{name}: {outcome:?}"));
        }
        // Only the connection's own errors end it.
        if !matches!(outcome, Outcome::GoneAway(_) | Outcome::Closed) {
            is_well(&stage, &mut caller, 5, &format!("/after-{number}")).await;
        }
        stage.other_is_well(number).await;
    }
    assert!(wrong.is_empty(), "{} cases:\n{}", wrong.len(), wrong.join("\n"));
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_beside_another_authority_changes_no_destination() {
    let stage = Stage::open().await;
    let sound = stage.fields("GET", "/v1/proxy/sound");
    for (name, fields) in [
        ("host beside :authority", with(sound.clone(), "host", "evil.example")),
        ("foreign :authority", set(sound.clone(), ":authority", "evil.example:81")),
        ("user information", set(sound.clone(), ":authority", "a@evil.example")),
        ("odd :scheme", set(sound.clone(), ":scheme", "https://evil.example/?")),
    ] {
        let mut caller = FrameCaller::connect(&stage.program.url).await;
        caller.write(&Frame::new(kind::HEADERS, END_HEADERS | END_STREAM, 1, block(&fields))).await;
        let outcome = caller.outcome(1).await;
        let own = Outcome::Answered { status: 200, body: b"GET /base/sound ".to_vec() };
        assert!(outcome == own || is_refused(&outcome), "{name}: {outcome:?}");
    }
    stage.next_is_well(0).await;
    stage.check_arrivals().await;
    stage.program.finish().await;
}

/// The provider over HTTP/1.1 is told a length; a body of another one would be the next tenant's request.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_of_http2_that_is_not_as_long_as_it_says_is_never_complete() {
    let stage = Stage::open().await;
    let smuggled = b"abcGET /base/smuggled HTTP/1.1\r\nHost: x\r\n\r\n";
    for (length, data) in [
        ("3", &smuggled[..]),
        ("0", &smuggled[..]),
        ("100", &b"abc"[..]),
        ("3", &b""[..]),
        ("+3", &b"abc"[..]),
        ("0x3", &b"abc"[..]),
        ("3, 3", &b"abc"[..]),
        ("3, 4", &b"abc"[..]),
        ("99999999999999999999", &b"abc"[..]),
    ] {
        let mut caller = FrameCaller::connect(&stage.program.url).await;
        let fields = with(stage.fields("POST", "/v1/proxy/long"), "content-length", length);
        caller.write(&Frame::new(kind::HEADERS, END_HEADERS, 1, block(&fields))).await;
        caller.write(&Frame::new(kind::DATA, END_STREAM, 1, data)).await;
        let outcome = caller.outcome(1).await;
        let as_it_is = length.starts_with('3')
            && length.contains(", 3")
            && matches!(&outcome, Outcome::Answered { status: 200, body } if body.ends_with(b" abc"));
        assert!(is_refused(&outcome) || as_it_is, "{length}: {outcome:?}");
        stage.next_is_well(0).await;
    }
    let two =
        with(with(stage.fields("POST", "/v1/proxy/long"), "content-length", "3"), "content-length", "4");
    let mut caller = FrameCaller::connect(&stage.program.url).await;
    caller.write(&Frame::new(kind::HEADERS, END_HEADERS, 1, block(&two))).await;
    caller.write(&Frame::new(kind::DATA, END_STREAM, 1, "abc")).await;
    let outcome = caller.outcome(1).await;
    assert!(is_refused(&outcome), "{outcome:?}");
    drop(caller);
    // What the provider took for whole is as long as the caller said, and has the right bytes.
    for request in
        stage.check_arrivals().await.iter().filter(|request| request.head.line.starts_with("POST "))
    {
        let nothing = request.head.first("content-length") == Some("0");
        assert!(!request.complete || nothing || request.body == b"abc", "{request:?}");
    }
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_of_http2_bring_no_framing_and_no_credential() {
    let stage = Stage::open().await;
    for (name, value) in [
        ("content-length", "50"),
        ("transfer-encoding", "chunked"),
        ("authorization", "Bearer mine"),
        ("host", "evil.example"),
        ("x-a", "1\r\nx-smuggled: 1"),
        (":path", "/smuggled"),
        ("connection", "close"),
    ] {
        let mut caller = FrameCaller::connect(&stage.program.url).await;
        let fields = stage.fields("POST", "/v1/proxy/trailers");
        caller.write(&Frame::new(kind::HEADERS, END_HEADERS, 1, block(&fields))).await;
        caller.write(&Frame::new(kind::DATA, 0, 1, "abc")).await;
        caller.write(&Frame::headers(END_STREAM, 1, &[(name, value)])).await;
        let outcome = caller.outcome(1).await;
        let kept = matches!(&outcome, Outcome::Answered { status: 200, .. });
        assert!(kept || is_refused(&outcome), "{name}: {outcome:?}");
        stage.next_is_well(0).await;
        stage.check_arrivals().await;
    }
    stage.program.finish().await;
}
