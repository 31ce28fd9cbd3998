//! Inputs by which requests and answers are smuggled past a program, each with its verdict.

use bytes::BytesMut;
use http::Method;
use passthrough_http1::body::BodyError;
use passthrough_http1::framing::{BodyLength, Framing, FramingError, request_length, response_length};
use passthrough_http1::head::{HeadError, HeadReader};

use super::{LIMITS, decode, field};

/// What becomes of a message.
#[derive(Debug, PartialEq, Eq)]
enum Verdict {
    /// The head is refused.
    Head,
    /// The framing is refused.
    Framing(FramingError),
    /// The body is refused.
    Body,
    /// The body is not complete; nothing follows it.
    Waits(&'static str),
    /// The body, and what is left for the next message.
    Reads(&'static str, &'static str),
}

use Verdict::{Body, Framing as Refused, Head, Reads, Waits};

fn leak(bytes: Vec<u8>) -> &'static str {
    String::from_utf8_lossy(&bytes).into_owned().leak()
}

fn body(length: BodyLength, bytes: &[u8]) -> Verdict {
    let decoded = decode(length, bytes, &[]);
    match (decoded.error, decoded.rest) {
        (Some(BodyError::Malformed(_) | BodyError::Trailers(HeadError::Malformed(_))), _) => Body,
        (Some(error), _) => panic!("not a matter of grammar: {error}"),
        (None, Some(rest)) => Reads(leak(decoded.data), leak(rest)),
        (None, None) => Waits(leak(decoded.data)),
    }
}

fn request(bytes: &[u8]) -> Verdict {
    let mut buf = BytesMut::from(bytes);
    let head = match HeadReader::new().read_request(&mut buf, &LIMITS) {
        Ok(head) => head.expect("a whole head"),
        Err(HeadError::Malformed(_)) => return Head,
        Err(error) => panic!("not a matter of grammar: {error}"),
    };
    match request_length(head.version, &head.fields) {
        Ok(length) => body(length, &buf),
        Err(error) => Refused(error),
    }
}

/// The verdict on an answer to GET, and what its fields are in the end; `odd` when the socket is given up.
fn response(bytes: &[u8]) -> (Verdict, Vec<String>, bool) {
    let mut buf = BytesMut::from(bytes);
    let mut head = match HeadReader::new().read_response(&mut buf, &LIMITS) {
        Ok(head) => head.expect("a whole head"),
        Err(HeadError::Malformed(_)) => return (Head, Vec::new(), true),
        Err(error) => panic!("not a matter of grammar: {error}"),
    };
    let judged = response_length(&Method::GET, head.status, head.version, &mut head.fields);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let fields = head.fields.iter().map(|(name, value)| format!("{}: {}", text(name), text(value)));
    match judged {
        Ok((length, framing)) => (body(length, &buf), fields.collect(), head.odd || framing == Framing::Odd),
        Err(error) => (Refused(error), Vec::new(), true),
    }
}

#[test]
fn the_lines_of_a_request_have_one_reading() {
    for head in [
        "GET / HTTP/1.1\nHost: a\n\n",
        "GET / HTTP/1.1\nHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\n",
        "GET / HTTP/1.1\rHost: a\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\rX: b\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\r\n\r\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\0\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\x0bb\r\n\r\n",
        "GET / HTTP/1.1\r\nHost: a\x7f\r\n\r\n",
        "GET / HTTP/1.1\r\nTransfer-Encoding: \x0bchunked\r\n\r\n",
        "GET / HTTP/1.1\r\nTransfer-Encoding: chunked\x0c\r\n\r\n",
        "GET / HTTP/1.1\r\nX: a\r\n b\r\n\r\n",
        "GET / HTTP/1.1\r\nX: a\r\n\tb\r\n\r\n",
        "GET / HTTP/1.1\r\nTransfer-Encoding:\r\n chunked\r\n\r\n",
        "GET / HTTP/1.1\r\n Host: a\r\n\r\n",
        "GET / HTTP/1.1\r\n \r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length : 5\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length\t: 5\r\n\r\n",
        "GET / HTTP/1.1\r\nContent Length: 5\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length\0: 5\r\n\r\n",
        "GET / HTTP/1.1\r\n\"Content-Length\": 5\r\n\r\n",
        "GET / HTTP/1.1\r\nX\u{e4}: 5\r\n\r\n",
        "GET / HTTP/1.1\r\nContent-Length\r\n\r\n",
        "GET / HTTP/1.1\r\n: a\r\n\r\n",
        "GET / HTTP/1.1\r\nGET /b HTTP/1.1\r\n\r\n",
        "GET  / HTTP/1.1\r\n\r\n",
        "GET /  HTTP/1.1\r\n\r\n",
        "GET / HTTP/1.1 \r\n\r\n",
        "GET\t/ HTTP/1.1\r\n\r\n",
        "GET /\tHTTP/1.1\r\n\r\n",
        "GET / a HTTP/1.1\r\n\r\n",
        "GET /\x01 HTTP/1.1\r\n\r\n",
        "GET /\x7f HTTP/1.1\r\n\r\n",
        "GET /\r HTTP/1.1\r\n\r\n",
        "GET /\r\n\r\n",
        "GET / http/1.1\r\n\r\n",
        "GET / HTTP/1.10\r\n\r\n",
        "GET / HTTP/01.1\r\n\r\n",
        "GET / HTTP/1,1\r\n\r\n",
        "GET / HTTP/1.x\r\n\r\n",
        "GET / HTTP/x.1\r\n\r\n",
        "G(T / HTTP/1.1\r\n\r\n",
        " GET / HTTP/1.1\r\n\r\n",
        "\nGET / HTTP/1.1\r\n\r\n",
        "\r\rGET / HTTP/1.1\r\n\r\n",
        "\r\n GET / HTTP/1.1\r\n\r\n",
    ] {
        assert_eq!(request(head.as_bytes()), Head, "{head:?}");
    }
    for version in ["HTTP/0.9", "HTTP/1.2", "HTTP/2.0", "HTTP/9.9"] {
        let mut buf = BytesMut::from(&format!("GET / {version}\r\n\r\n")[..]);
        assert_eq!(HeadReader::new().read_request(&mut buf, &LIMITS), Err(HeadError::Version), "{version}");
    }
}

#[test]
fn the_length_of_a_request_has_one_reading() {
    let (coding, length) = (Refused(FramingError::Coding), Refused(FramingError::Length));
    let (both, lengths) = (Refused(FramingError::Both), Refused(FramingError::Lengths));
    for (fields, verdict) in [
        // One length.
        ("", &Reads("", "hello")),
        ("Content-Length: 4", &Reads("hell", "o")),
        ("cOnTeNt-LeNgTh:4", &Reads("hell", "o")),
        ("Content-Length: \t4 ", &Reads("hell", "o")),
        ("Content-Length: 04", &Reads("hell", "o")),
        ("Content-Length: 0", &Reads("", "hello")),
        ("Content-Length: 6", &Waits("hello")),
        ("Content-Length: 18446744073709551615", &Waits("hello")),
        // Numbers to some and none to others.
        ("Content-Length: 18446744073709551616", &length),
        ("Content-Length: 99999999999999999999999999", &length),
        ("Content-Length: +5", &length),
        ("Content-Length: -5", &length),
        ("Content-Length: -0", &length),
        ("Content-Length: 0x5", &length),
        ("Content-Length: 5e0", &length),
        ("Content-Length: 5.0", &length),
        ("Content-Length: 5;", &length),
        ("Content-Length: 1 2", &length),
        ("Content-Length: \u{a0}5", &length),
        ("Content-Length: \"5\"", &length),
        ("Content-Length: five", &length),
        ("Content-Length:", &length),
        // Several lengths, even equal ones.
        ("Content-Length: 5,5", &length),
        ("Content-Length: 5, 5", &length),
        ("Content-Length: 5,", &length),
        ("Content-Length: 5\r\nContent-Length: 5", &lengths),
        ("Content-Length: 5\r\ncontent-length: 0", &lengths),
        // Both.
        ("Content-Length: 5\r\nTransfer-Encoding: chunked", &both),
        ("Transfer-Encoding: chunked\r\nContent-Length: 5", &both),
        ("Transfer-Encoding: chunked\r\nContent-Length: nonsense", &both),
        // Codings to some and none to others.
        ("Transfer-Encoding: xchunked", &coding),
        ("Transfer-Encoding: chunked, identity", &coding),
        ("Transfer-Encoding: identity, chunked", &coding),
        ("Transfer-Encoding: identity", &coding),
        ("Transfer-Encoding: gzip, chunked", &coding),
        ("Transfer-Encoding: chunked, chunked", &coding),
        ("Transfer-Encoding: chunked,", &coding),
        ("Transfer-Encoding: ,chunked", &coding),
        ("Transfer-Encoding: chunked;q=1", &coding),
        ("Transfer-Encoding: \"chunked\"", &coding),
        ("Transfer-Encoding: \u{a0}chunked", &coding),
        ("Transfer-Encoding:", &coding),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", &coding),
        ("Transfer-Encoding: chunked\r\nTransfer-encoding: cow", &coding),
        ("Transfer-Encoding: identity\r\nContent-Length: 5", &coding),
        // Other fields, whatever they look like.
        ("Transfer_Encoding: chunked\r\nContent-Length: 5", &Reads("hello", "")),
        ("X-Transfer-Encoding: chunked\r\nContent-Length: 5", &Reads("hello", "")),
        ("Content_Length: 5", &Reads("", "hello")),
    ] {
        let lines = if fields.is_empty() { String::new() } else { format!("{fields}\r\n") };
        let bytes = format!("POST / HTTP/1.1\r\n{lines}\r\nhello");
        assert_eq!(&request(bytes.as_bytes()), verdict, "{fields:?}");
    }
    for coding in ["chunked", " chunked", "\tChUnKeD \t"] {
        let bytes = format!("POST / HTTP/1.1\r\nTransfer-Encoding:{coding}\r\n\r\n2\r\nab\r\n0\r\n\r\nGET");
        assert_eq!(request(bytes.as_bytes()), Reads("ab", "GET"), "{coding:?}");
    }
    let old = "POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(request(old.as_bytes()), Refused(FramingError::OldVersion));
}

#[test]
fn a_chunked_body_has_one_reading() {
    for (bytes, verdict) in [
        ("5\r\nhello\r\n0\r\n\r\nN", Reads("hello", "N")),
        ("0005\r\nhello\r\n00\r\n\r\nN", Reads("hello", "N")),
        ("a\r\n0123456789\r\nA\r\n0123456789\r\n0\r\n\r\n", Reads("01234567890123456789", "")),
        ("5;a=b;c=\"d\"\r\nhello\r\n0;e\r\n\r\nN", Reads("hello", "N")),
        ("5 \t;a=b\r\nhello\r\n0\r\n\r\nN", Reads("hello", "N")),
        ("5\r\nhello\r\n0\r\nA: b\r\n\r\nN", Reads("hello", "N")),
        ("ffffffffffffffff\r\nhello", Waits("hello")),
        ("5\r\nhello\r\n0\r\n", Waits("hello")),
        ("5\r\nhello\r\n0\r\nA: b\r\n", Waits("hello")),
        // Sizes to some and none to others.
        ("0x5\r\nhello\r\n0\r\n\r\n", Body),
        ("-1\r\nhello\r\n0\r\n\r\n", Body),
        ("+5\r\nhello\r\n0\r\n\r\n", Body),
        ("-0\r\n\r\n", Body),
        (" 5\r\nhello\r\n0\r\n\r\n", Body),
        ("5 \r\nhello\r\n0\r\n\r\n", Body),
        ("5\t\r\nhello\r\n0\r\n\r\n", Body),
        ("5 5\r\nhello\r\n0\r\n\r\n", Body),
        ("5_0\r\nhello\r\n0\r\n\r\n", Body),
        ("5,5\r\nhello\r\n0\r\n\r\n", Body),
        ("5h\r\nhello\r\n0\r\n\r\n", Body),
        ("\r\n5\r\nhello\r\n0\r\n\r\n", Body),
        (";a\r\nhello\r\n0\r\n\r\n", Body),
        ("\0\r\nhello\r\n0\r\n\r\n", Body),
        ("\u{ff15}\r\nhello\r\n0\r\n\r\n", Body),
        ("10000000000000005\r\nhello\r\n0\r\n\r\n", Body),
        ("00000000000000005\r\nhello\r\n0\r\n\r\n", Body),
        // Line ends to some and none to others.
        ("5\nhello\r\n0\r\n\r\n", Body),
        ("5\rhello\r\n0\r\n\r\n", Body),
        ("5\r\r\nhello\r\n0\r\n\r\n", Body),
        ("5;a=b\nhello\r\n0\r\n\r\n", Body),
        ("5;a=\rb\r\nhello\r\n0\r\n\r\n", Body),
        ("5;a=\0\r\nhello\r\n0\r\n\r\n", Body),
        ("5;\"\n\"\r\nhello\r\n0\r\n\r\n", Body),
        ("5\r\nhello\n0\r\n\r\n", Body),
        ("5\r\nhello\r0\r\n\r\n", Body),
        ("5\r\nhello0\r\n\r\n", Body),
        ("5\r\nhello, world\r\n0\r\n\r\n", Body),
        ("5\r\nhell\r\n0\r\n\r\n", Body),
        ("5\r\nhello\r\n0\n\r\n", Body),
        ("5\r\nhello\r\n0\r\n\n", Body),
        ("5\r\nhello\r\n0\r\nA: b\n\r\n", Body),
        ("5\r\nhello\r\n0\r\nA: b\r\n c\r\n\r\n", Body),
        ("5\r\nhello\r\n0\r\nA : b\r\n\r\n", Body),
        ("5\r\nhello\r\n0\r\nGET / HTTP/1.1\r\n\r\n", Body),
        ("5\r\nhello\r\n0\r\nA: \0\r\n\r\n", Body),
        ("5\r\nhello\r\n0\r\n\rX\r\n\r\n", Body),
    ] {
        assert_eq!(body(BodyLength::Chunked, bytes.as_bytes()), verdict, "{bytes:?}");
    }
}

#[test]
fn an_answer_with_two_readings_costs_its_socket_or_is_refused() {
    let (coding, lengths) = (Refused(FramingError::Coding), Refused(FramingError::Lengths));
    let chunks = "2\r\nab\r\n0\r\n\r\nN";
    for (fields, body, verdict, kept, odd) in [
        ("Content-Length: 2", "abN", &Reads("ab", "N"), "Content-Length: 2", false),
        ("Transfer-Encoding: Chunked", chunks, &Reads("ab", "N"), "Transfer-Encoding: Chunked", false),
        ("X-A: 1", "abN", &Waits("abN"), "X-A: 1", false),
        // Read by the coding alone, which alone goes on.
        (
            "Content-Length: 9\r\nTransfer-Encoding: chunked\r\ncontent-length: 8",
            chunks,
            &Reads("ab", "N"),
            "Transfer-Encoding: chunked",
            true,
        ),
        // Equal lengths become one.
        (
            "Content-Length: 2\r\nX: 1\r\nContent-Length: 2",
            "abN",
            &Reads("ab", "N"),
            "Content-Length: 2|X: 1",
            true,
        ),
        ("Content-Length: 2 , 2", "abN", &Reads("ab", "N"), "Content-Length: 2", true),
        ("Content-Length: 2\r\nContent-Length: 2,\t02", "abN", &Reads("ab", "N"), "Content-Length: 2", true),
        ("Content-Length: 2\r\nContent-Length: 3", "abN", &lengths, "", true),
        ("Content-Length: 2, 3", "abN", &lengths, "", true),
        ("Content-Length: 2,", "abN", &Refused(FramingError::Length), "", true),
        ("Content-Length: +2", "abN", &Refused(FramingError::Length), "", true),
        ("Content-Length: 18446744073709551616", "abN", &Refused(FramingError::Length), "", true),
        // Codings that are not exactly `chunked`.
        ("Transfer-Encoding: gzip", chunks, &coding, "", true),
        ("Transfer-Encoding: gzip, chunked", chunks, &coding, "", true),
        ("Transfer-Encoding: chunked, gzip", chunks, &coding, "", true),
        ("Transfer-Encoding: identity", chunks, &coding, "", true),
        ("Transfer-Encoding: xchunked", chunks, &coding, "", true),
        ("Transfer-Encoding:", chunks, &coding, "", true),
        ("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", chunks, &coding, "", true),
        // Heads that are refused.
        ("X: a\r\n b", "", &Head, "", true),
        ("Content-Length : 2", "", &Head, "", true),
        ("X: a\0", "", &Head, "", true),
        ("X: a\rb", "", &Head, "", true),
        ("no colon", "", &Head, "", true),
    ] {
        let bytes = format!("HTTP/1.1 200 OK\r\n{fields}\r\n\r\n{body}");
        let (got, left, given_up) = response(bytes.as_bytes());
        assert_eq!((&got, left.join("|"), given_up), (verdict, kept.to_owned(), odd), "{fields:?}");
    }
    for head in [
        "\r\nHTTP/1.1 200 OK",
        "HTTP/1.1  200 OK",
        "HTTP/1.1 20 OK",
        "HTTP/1.1 099 OK",
        "HTTP/1.1 2000",
        "HTTP/1.1 +20 OK",
        "HTTP/1.1\t200 OK",
        "HTTP/1.1 200\tOK",
        "HTTP/1.1 200 O\0K",
        "HTTP/1.1 200 O\rK",
        "HTTP/1.1 ",
        "HTTP/1.1",
        " HTTP/1.1 200 OK",
        "http/1.1 200 OK",
        "ICY 200 OK",
    ] {
        let bytes = format!("{head}\r\n\r\n");
        assert_eq!(response(bytes.as_bytes()).0, Head, "{head:?}");
    }
    let bare = response(b"HTTP/1.1 200 OK\nContent-Length: 2\n\nabN");
    assert_eq!(bare, (Reads("ab", "N"), vec!["Content-Length: 2".to_owned()], true));
}

#[test]
fn an_answer_of_http_1_0_is_read_and_costs_its_socket() {
    assert!(response(b"HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nab").2);
    assert_eq!(response(b"HTTP/1.0 200 OK\r\n\r\nab").0, Waits("ab"));
    let coded = b"HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n";
    assert_eq!(response(coded).0, Refused(FramingError::OldVersion));
}

#[test]
fn some_answers_have_no_body_whatever_their_fields_say() {
    use Framing::{Clean, Odd};
    let none: &[(&str, &str)] = &[];
    let (length, zero) = (&[("Content-Length", "5")][..], &[("Content-Length", "0")][..]);
    let chunked = &[("Transfer-Encoding", "chunked")][..];
    for (method, status, fields, expected) in [
        (Method::HEAD, 200, none, (BodyLength::None, Clean)),
        (Method::HEAD, 200, zero, (BodyLength::None, Clean)),
        (Method::HEAD, 200, length, (BodyLength::None, Odd)),
        (Method::HEAD, 200, chunked, (BodyLength::None, Odd)),
        (Method::GET, 304, length, (BodyLength::None, Odd)),
        (Method::GET, 304, chunked, (BodyLength::None, Odd)),
        (Method::GET, 204, none, (BodyLength::None, Clean)),
        (Method::GET, 204, zero, (BodyLength::None, Clean)),
        (Method::GET, 204, length, (BodyLength::None, Odd)),
        (Method::GET, 204, chunked, (BodyLength::None, Odd)),
        (Method::HEAD, 204, chunked, (BodyLength::None, Odd)),
        (Method::GET, 100, none, (BodyLength::None, Clean)),
        (Method::GET, 103, length, (BodyLength::None, Odd)),
        (Method::GET, 101, none, (BodyLength::None, Odd)),
        (Method::CONNECT, 200, none, (BodyLength::None, Odd)),
        (Method::CONNECT, 407, length, (BodyLength::Exact(5), Clean)),
        (Method::GET, 205, length, (BodyLength::Exact(5), Clean)),
        (Method::GET, 200, zero, (BodyLength::Exact(0), Clean)),
        (Method::GET, 500, none, (BodyLength::UntilClose, Clean)),
    ] {
        let mut fields: Vec<_> = fields.iter().map(|(name, value)| field(name, value)).collect();
        let (status, version) = (status.try_into().unwrap(), http::Version::HTTP_11);
        let got = response_length(&method, status, version, &mut fields);
        assert_eq!(got, Ok(expected), "{method} {status} {fields:?}");
    }
    // What cannot be read at all is refused even where nothing of it would be read.
    let mut fields = vec![field("Transfer-Encoding", "gzip")];
    let got = response_length(&Method::HEAD, http::StatusCode::OK, http::Version::HTTP_11, &mut fields);
    assert_eq!(got, Err(FramingError::Coding));
}
