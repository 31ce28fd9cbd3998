//! Requests over HTTP/1.1 that two programs may read differently.

/// Makes a head from method, target and further header lines.
pub type HeadOf<'a> = &'a dyn Fn(&str, &str, &str) -> String;

/// Makes the bytes of a case, with a request to smuggle at hand.
type BytesOf = dyn Fn(HeadOf<'_>, &str) -> Vec<u8> + Send + Sync;

/// What must come of a request.
#[derive(Clone, Copy)]
pub enum Expected {
    /// An answer of ours, or none, and the end of the socket: nothing behind it is read.
    Refused,
    /// It is sent on with one clear framing and this in its body, and the next request is read as itself.
    Reframed(&'static str),
    /// One of the two, whether or not the socket ends with the answer.
    Either,
}

pub struct Case {
    pub name: String,
    pub method: &'static str,
    pub bytes: Box<BytesOf>,
    pub expected: Expected,
    /// Whether the head alone decides: a refused one then reaches no provider.
    pub head_only: bool,
}

use Expected::{Either, Reframed, Refused};

const TARGET: &str = "/v1/proxy/case";

/// A `POST` with these header lines and this body; `@` in it is the request to smuggle.
fn post(name: &str, fields: &'static str, body: &'static str, expected: Expected) -> Case {
    Case {
        name: format!("{name} {fields:?} {body:?}"),
        method: "POST",
        bytes: Box::new(move |head, smuggled| {
            let head = head("POST", TARGET, fields);
            format!("{head}{}", body.replace('@', smuggled)).into_bytes()
        }),
        expected,
        head_only: !fields.contains("chunked"),
    }
}

/// A `GET` whose head is changed as text.
fn changed(name: &str, expected: Expected, change: fn(String) -> String) -> Case {
    Case {
        name: name.to_owned(),
        method: "GET",
        bytes: Box::new(move |head, smuggled| {
            format!("{}{smuggled}", change(head("GET", TARGET, "X-A: 1\r\n"))).into_bytes()
        }),
        expected,
        head_only: true,
    }
}

/// Another method with these header lines and this body.
fn with_method(method: &'static str, fields: &'static str, body: &'static str, expected: Expected) -> Case {
    Case {
        name: format!("{method} {fields:?}"),
        method,
        bytes: Box::new(move |head, _| format!("{}{body}", head(method, TARGET, fields)).into_bytes()),
        expected,
        head_only: true,
    }
}

pub fn cases() -> Vec<Case> {
    let mut all = double_framing();
    all.extend(codings());
    all.extend(lengths());
    all.extend(chunks());
    all.extend(trailers());
    all.extend(lines());
    all.extend(nominations());
    all.extend(bodies());
    all
}

fn double_framing() -> Vec<Case> {
    vec![
        post("CL.TE", "Content-Length: 6\r\nTransfer-Encoding: chunked\r\n", "0\r\n\r\n@", Either),
        post("TE.CL", "Transfer-Encoding: chunked\r\nContent-Length: 4\r\n", "1\r\na\r\n0\r\n\r\n@", Either),
        post("CL.0", "Content-Length: 0\r\nTransfer-Encoding: chunked\r\n", "1\r\na\r\n0\r\n\r\n@", Either),
        post(
            "CL.TE with a bad coding",
            "Content-Length: 1\r\nTransfer-Encoding: xchunked\r\n",
            "a@",
            Refused,
        ),
    ]
}

fn codings() -> Vec<Case> {
    let length = "a";
    let mut all = vec![
        post("capitals", "TRANSFER-ENCODING: CHUNKED\r\n", "1\r\na\r\n0\r\n\r\n", Reframed("a")),
        post("tab", "Transfer-Encoding:\tchunked\r\n", "1\r\na\r\n0\r\n\r\n", Reframed("a")),
        post("blanks", "Transfer-Encoding:   chunked \t \r\n", "1\r\na\r\n0\r\n\r\n", Reframed("a")),
        // An underscore is no hyphen: the length frames the body, and the look-alike goes no further.
        post("underscore", "Content-Length: 1\r\nTransfer_Encoding: chunked\r\n", length, Reframed("a")),
        post("other name", "Content-Length: 1\r\nX-Transfer-Encoding: chunked\r\n", length, Reframed("a")),
    ];
    for fields in [
        "Transfer-Encoding: xchunked\r\n",
        "Transfer-Encoding: chunkedx\r\n",
        "Transfer-Encoding: identity\r\n",
        "Transfer-Encoding: identity, chunked\r\n",
        "Transfer-Encoding: chunked, identity\r\n",
        "Transfer-Encoding: chunked, chunked\r\n",
        "Transfer-Encoding: gzip, chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n",
        "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n",
        "Transfer-Encoding: chunked;q=1\r\n",
        "Transfer-Encoding: \"chunked\"\r\n",
        "Transfer-Encoding: chunk\r\n",
        "Transfer-Encoding:\r\n",
        "Transfer-Encoding: \u{b}chunked\r\n",
        "Transfer-Encoding: chunked\u{b}\r\n",
        "Transfer-Encoding: chunked\0\r\n",
        "Transfer-Encoding : chunked\r\n",
        "Transfer-Encoding\t: chunked\r\n",
        "Transfer-Encoding\r\n : chunked\r\n",
        "Transfer-Encoding:\r\n chunked\r\n",
        " Transfer-Encoding: chunked\r\n",
        "Transfer Encoding: chunked\r\n",
        "Transfer-Encoding\0: chunked\r\n",
        "X-A: 1\rTransfer-Encoding: chunked\r\n",
        "X-A: 1\r\r\nTransfer-Encoding: chunked\r\n",
        "X-A: 1\0\r\nTransfer-Encoding: chunked\r\n",
    ] {
        all.push(post("coding", fields, "0\r\n\r\n@", Refused));
    }
    // A lone LF may end a line or be refused; it must not hide one.
    all.push(post("bare LF", "X-A: 1\nTransfer-Encoding: chunked\r\n", "1\r\na\r\n0\r\n\r\n", Either));
    all
}

fn lengths() -> Vec<Case> {
    let mut all = vec![
        post("blanks", "Content-Length: \t 1 \t\r\n", "a", Reframed("a")),
        post("capitals", "CONTENT-LENGTH: 1\r\n", "a", Reframed("a")),
        post("zeros", "Content-Length: 0001\r\n", "a", Either),
        post("twice alike", "Content-Length: 1\r\nContent-Length: 1\r\n", "a", Either),
        post("list alike", "Content-Length: 1, 1\r\n", "a", Either),
        post("underscore", "Content-Length: 1\r\nContent_Length: 500\r\n", "a", Reframed("a")),
    ];
    for fields in [
        "Content-Length: 1\r\nContent-Length: 500\r\n",
        "Content-Length: 500\r\nContent-Length: 1\r\n",
        "Content-Length: 1, 500\r\n",
        "Content-Length: 1,\r\n",
        "Content-Length: +1\r\n",
        "Content-Length: -1\r\n",
        "Content-Length: -0\r\n",
        "Content-Length: 0x1\r\n",
        "Content-Length: 1 0\r\n",
        "Content-Length: 1;\r\n",
        "Content-Length: 1.0\r\n",
        "Content-Length: 1e2\r\n",
        "Content-Length: 1_0\r\n",
        "Content-Length: \"1\"\r\n",
        "Content-Length:\r\n",
        "Content-Length: 18446744073709551617\r\n",
        "Content-Length: 99999999999999999999999999\r\n",
        "Content-Length: \u{661}\r\n",
        "Content-Length : 1\r\n",
        "Content-Length\t: 1\r\n",
        "Content-Length: 1\0\r\n",
        "Content-Length:\r\n 1\r\n",
        "Content-Length: 1\r\n 0\r\n",
        "Content Length: 1\r\n",
    ] {
        all.push(post("length", fields, "a@", Refused));
    }
    all
}

const CHUNKED: &str = "Transfer-Encoding: chunked\r\n";

fn chunks() -> Vec<Case> {
    let mut all = vec![
        post("chunks", CHUNKED, "1\r\na\r\n1\r\nb\r\n0\r\n\r\n", Reframed("b")),
        post("capitals", CHUNKED, "A\r\n0123456789\r\n0\r\n\r\n", Reframed("0123456789")),
        post("zeros", CHUNKED, "0001\r\na\r\n000\r\n\r\n", Reframed("a")),
        post("extension", CHUNKED, "1;name=value\r\na\r\n0\r\n\r\n", Reframed("a")),
        post("quoted extension", CHUNKED, "1;name=\"a;b\"\r\na\r\n0;x\r\n\r\n", Reframed("a")),
        post("blank behind the size", CHUNKED, "1 \r\na\r\n0\r\n\r\n", Either),
    ];
    for body in [
        "0x1\r\na\r\n0\r\n\r\n@",
        "+1\r\na\r\n0\r\n\r\n@",
        "-1\r\na\r\n0\r\n\r\n@",
        "1_0\r\na\r\n0\r\n\r\n@",
        "g\r\na\r\n0\r\n\r\n@",
        "\r\n1\r\na\r\n0\r\n\r\n@",
        ";\r\na\r\n0\r\n\r\n@",
        "1,1\r\na\r\n0\r\n\r\n@",
        "10000000000000001\r\na\r\n0\r\n\r\n@",
        "fffffffffffffffff\r\na\r\n0\r\n\r\n@",
        "1\r\nab\r\n0\r\n\r\n@",
        "1\r\naXX0\r\n\r\n@",
        "1\r\na0\r\n\r\n@",
        "2\r\na\r\n0\r\n\r\n@",
        "1\rXa\r\n0\r\n\r\n@",
        "1;x\rX\r\na\r\n0\r\n\r\n@",
        "1;x\0\r\na\r\n0\r\n\r\n@",
        "1\r\na\rX0\r\n\r\n@",
    ] {
        all.push(post("chunk", CHUNKED, body, Refused));
    }
    // One server ends the line at the LF, another does not; what one takes for an extension is a request to the
    // other.
    for body in [
        "1\na\r\n0\r\n\r\n@",
        "1;x\na\r\n0\r\n\r\n@",
        "1\r\na\n0\r\n\r\n@",
        "1\r\na\r\n0\n\r\n@",
        "1\r\na\r\n0\r\n\n@",
        "5;\nxx\r\n0\r\n\r\n@",
    ] {
        all.push(post("bare LF in chunks", CHUNKED, body, Refused));
    }
    all
}

fn trailers() -> Vec<Case> {
    let end = |trailers: &'static str| post("trailer", CHUNKED, trailers, Either);
    vec![
        end("1\r\na\r\n0\r\nContent-Length: 50\r\n\r\n"),
        end("1\r\na\r\n0\r\nTransfer-Encoding: chunked\r\n\r\n"),
        end("1\r\na\r\n0\r\nAuthorization: Bearer mine\r\nHost: evil.example\r\n\r\n"),
        end("1\r\na\r\n0\r\nConnection: close\r\nX-Smuggled: 1\r\n\r\n"),
        post("folded trailer", CHUNKED, "1\r\na\r\n0\r\nX-A: 1\r\n b\r\n\r\n@", Refused),
        post("no trailer", CHUNKED, "1\r\na\r\n0\r\nX-A\r\n\r\n@", Refused),
        post("blank before a trailer's colon", CHUNKED, "1\r\na\r\n0\r\nX-A : 1\r\n\r\n@", Refused),
        post("CR in a trailer", CHUNKED, "1\r\na\r\n0\r\nX-A: 1\rX-B: 2\r\n\r\n@", Refused),
        post("NUL in a trailer", CHUNKED, "1\r\na\r\n0\r\nX-A: 1\0\r\n\r\n@", Refused),
    ]
}

fn lines() -> Vec<Case> {
    let case = changed;
    vec![
        case("no Host", Refused, |head| head.replace("Host: passthrough\r\n", "")),
        case("two Hosts", Refused, |head| head.replace("X-A: 1", "Host: evil.example")),
        case("two Hosts alike", Refused, |head| head.replace("X-A: 1", "Host: passthrough")),
        case("folded header", Refused, |head| head.replace("X-A: 1", "X-A: 1\r\n X-B: 2")),
        case("folded first header", Refused, |head| head.replace("Host:", " Host:")),
        case("blank before a colon", Refused, |head| head.replace("X-A:", "X-A :")),
        case("no colon", Refused, |head| head.replace("X-A: 1", "X-A")),
        case("no name", Refused, |head| head.replace("X-A: 1", ": 1")),
        case("bare CR between headers", Refused, |head| head.replace("X-A: 1", "X-A: 1\rX-B: 2")),
        case("NUL in a header", Refused, |head| head.replace("X-A: 1", "X-A: \0")),
        case("HTTP/1.2", Refused, |head| head.replace("HTTP/1.1", "HTTP/1.2")),
        case("HTTP/2.0", Refused, |head| head.replace("HTTP/1.1", "HTTP/2.0")),
        case("HTTP/11.1", Refused, |head| head.replace("HTTP/1.1", "HTTP/11.1")),
        case("http/1.1", Refused, |head| head.replace("HTTP/1.1", "http/1.1")),
        case("HTTP/0.9", Refused, |head| head.replace(" HTTP/1.1", "")),
        case("HTTP/0.9 and no more", Refused, |_| "GET /v1/proxy/case\r\n\r\n".to_owned()),
        case("two blanks", Refused, |head| head.replace("GET /", "GET  /")),
        case("a tab for a blank", Refused, |head| head.replace("GET /", "GET\t/")),
        case("a blank at the beginning", Refused, |head| format!(" {head}")),
        case("a blank in the target", Refused, |head| head.replace("/case", "/case HTTP/1.1 /x")),
        case("a NUL in the target", Refused, |head| head.replace("/case", "/case\0")),
        case("a CR in the target", Refused, |head| head.replace("/case", "/case\rX-A: 1")),
        case("no target", Refused, |head| head.replace("/v1/proxy/case ", "")),
        case("a NUL in the method", Refused, |head| head.replace("GET", "GE\0T")),
        case("a colon in the method", Refused, |head| head.replace("GET", "GE:T")),
        // Refused, and no tunnel: what comes next is a request like any other.
        case("CONNECT", Either, |head| head.replace("GET /v1/proxy/case", "CONNECT evil.example:443"))
            .without_smuggling(),
        case("the preface of HTTP/2", Refused, |_| "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_owned()),
        case("the preface of HTTP/2 behind a request", Refused, |head| {
            format!("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0{head}")
        }),
        case("lone LFs", Either, |head| head.replace("\r\n", "\n")).without_smuggling(),
        case("an empty line before", Reframed(""), |head| format!("\r\n{head}")).without_smuggling(),
        case("a foreign host in the target", Reframed("/base/case"), |head| {
            head.replace("GET /", "GET http://evil.example/")
        })
        .without_smuggling(),
        case("user information in the target", Either, |head| {
            head.replace("GET /", "GET http://passthrough@evil.example/")
        })
        .without_smuggling(),
        case("HTTP/1.0 with chunks", Either, |head| {
            let head = head.replace("HTTP/1.1", "HTTP/1.0").replace("X-A: 1", "Transfer-Encoding: chunked");
            format!("{head}1\r\na\r\n0\r\n\r\n")
        })
        .without_smuggling(),
        case("HTTP/1.0 that stays", Either, |head| {
            head.replace("HTTP/1.1", "HTTP/1.0").replace("X-A: 1", "Connection: keep-alive")
        })
        .without_smuggling(),
        case("upgrade to h2c", Reframed("/base/case"), |head| {
            let upgrade =
                "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__";
            head.replace("X-A: 1", upgrade)
        })
        .without_smuggling(),
    ]
}

impl Case {
    /// Without the request to smuggle: the next thing on the socket is the honest one.
    fn without_smuggling(mut self) -> Self {
        let bytes = self.bytes;
        self.bytes = Box::new(move |head, _| bytes(head, ""));
        self
    }
}

fn nominations() -> Vec<Case> {
    let nominated = |fields: &'static str| post("nominated", fields, "abc", Reframed("abc"));
    vec![
        nominated("Connection: content-length\r\nContent-Length: 3\r\n"),
        nominated("Connection: keep-alive, Content-Length, host\r\nContent-Length: 3\r\n"),
        nominated("Connection: authorization, connection-token\r\nContent-Length: 3\r\n"),
        nominated("Connection: x-smuggled\r\nX-Smuggled: 1\r\nContent-Length: 3\r\n"),
        nominated("Connection: X_Smuggled\r\nX-Smuggled: 1\r\nContent-Length: 3\r\n"),
        nominated("Keep-Alive: x-smuggled\r\nConnection: keep-alive\r\nContent-Length: 3\r\n"),
        post(
            "nominated",
            "Connection: transfer-encoding\r\nTransfer-Encoding: chunked\r\n",
            "1\r\na\r\n0\r\n\r\n",
            Reframed("a"),
        ),
    ]
}

fn bodies() -> Vec<Case> {
    vec![
        with_method("GET", "Content-Length: 3\r\n", "abc", Reframed("abc")),
        with_method("DELETE", "Content-Length: 3\r\n", "abc", Reframed("abc")),
        with_method("OPTIONS", "Content-Length: 3\r\n", "abc", Reframed("abc")),
        with_method("HEAD", "Content-Length: 3\r\n", "abc", Reframed("")),
        with_method("GET", "Transfer-Encoding: chunked\r\n", "3\r\nabc\r\n0\r\n\r\n", Reframed("abc")),
        with_method("BREW", "Content-Length: 3\r\n", "abc", Reframed("abc")),
        // Who announces to wait for `100` and does not wait.
        post("expect", "Expect: 100-continue\r\nContent-Length: 3\r\n", "abc", Reframed("abc")),
        post("expect", "Expect: 100-continue\r\nTransfer-Encoding: chunked\r\n", "1\r\na\r\n0\r\n\r\n", {
            Reframed("a")
        }),
        post("expect", "Expect: 100-Continue\r\nContent-Length: 3\r\n", "abc", Reframed("abc")),
        with_method("GET", "Expect: 100-continue\r\n", "", Reframed("")),
        post("expect", "Expect: 200-ok\r\nContent-Length: 3\r\n", "abc", Either),
        post("expect", "Expect: 100-continue, x\r\nContent-Length: 3\r\n", "abc", Either),
        post("expect", "Expect: 100-continue\r\nExpect: x\r\nContent-Length: 3\r\n", "abc", Either),
    ]
}
