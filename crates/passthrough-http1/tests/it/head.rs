//! Heads, read and written.

use bytes::{Bytes, BytesMut};
use http::{Method, StatusCode, Version};
use passthrough_http1::Field;
use passthrough_http1::head::{
    HeadError, HeadReader, Limits, Preface, RequestHead, ResponseHead, Unwritable, preface, write_field,
    write_request, write_response,
};
use proptest::prelude::*;

use super::{LIMITS, field, split};

/// What reading gave: all heads until the bytes ran out, what is left, and the error that ended it.
type Heads<T> = (Vec<T>, Vec<u8>, Option<HeadError>);
type ReadOne<T> = fn(&mut HeadReader, &mut BytesMut, &Limits) -> Result<Option<T>, HeadError>;

fn heads<T>(read_one: ReadOne<T>, bytes: &[u8], reads: &[usize], limits: &Limits) -> Heads<T> {
    let (mut reader, mut buf, mut heads) = (HeadReader::new(), BytesMut::new(), Vec::new());
    for read in split(bytes, reads) {
        buf.extend_from_slice(read);
        loop {
            match read_one(&mut reader, &mut buf, limits) {
                Ok(Some(head)) => heads.push(head),
                Ok(None) => break,
                // What is left after an error depends on how much had come, and nobody reads it.
                Err(error) => return (heads, Vec::new(), Some(error)),
            }
        }
    }
    (heads, buf.to_vec(), None)
}

fn requests(bytes: &[u8], reads: &[usize], limits: &Limits) -> Heads<RequestHead> {
    heads(HeadReader::read_request, bytes, reads, limits)
}

fn responses(bytes: &[u8], reads: &[usize], limits: &Limits) -> Heads<ResponseHead> {
    heads(HeadReader::read_response, bytes, reads, limits)
}

fn one_request(bytes: &[u8]) -> RequestHead {
    let (mut heads, rest, error) = requests(bytes, &[], &LIMITS);
    assert_eq!((heads.len(), rest.len(), error), (1, 0, None));
    heads.remove(0)
}

#[test]
fn a_request_head_is_read_as_it_came() {
    let head = one_request(
        b"M-SEARCH /a%2F?b=\xe4 HTTP/1.1\r\nHOST: a\r\nx-A:1\r\nX-a: \t 2 2\t \r\nEmpty:\r\nBlank:  \r\nL: \xff\r\n\r\n",
    );
    assert_eq!((head.method.as_str(), head.version), ("M-SEARCH", Version::HTTP_11));
    assert_eq!(head.target, &b"/a%2F?b=\xe4"[..]);
    let expected = [("HOST", "a"), ("x-A", "1"), ("X-a", "2 2"), ("Empty", ""), ("Blank", "")];
    let mut expected = expected.map(|(name, value)| field(name, value)).to_vec();
    expected.push((Bytes::from_static(b"L"), Bytes::from_static(b"\xff")));
    assert_eq!(head.fields, expected);
}

#[test]
fn a_response_head_is_read_as_it_came() {
    for (bytes, reason, odd) in [
        (&b"HTTP/1.1 299 Sch\xf6n so\r\nA: 1\r\n\r\n"[..], &b"Sch\xf6n so"[..], false),
        (b"HTTP/1.1 299 \r\nA: 1\r\n\r\n", b"", false),
        (b"HTTP/1.1 299\r\nA: 1\r\n\r\n", b"", false),
        (b"HTTP/1.1 299 A\nA: 1\r\n\r\n", b"A", true),
        (b"HTTP/1.1 299 A\r\nA: 1\n\r\n", b"A", true),
        (b"HTTP/1.1 299 A\r\nA: 1\r\n\n", b"A", true),
    ] {
        let (heads, rest, error) = responses(bytes, &[], &LIMITS);
        assert_eq!((heads.len(), rest.len(), error), (1, 0, None));
        assert_eq!((heads[0].version, heads[0].status.as_u16()), (Version::HTTP_11, 299));
        assert_eq!((&heads[0].reason[..], heads[0].odd), (reason, odd));
        assert_eq!(heads[0].fields, [field("A", "1")]);
    }
}

#[test]
fn what_follows_a_head_stays_in_the_buffer() {
    let (heads, rest, error) =
        requests(b"GET /1 HTTP/1.1\r\nA: 1\r\n\r\n\r\nGET /2 HTTP/1.0\r\n\r\nGET /3", &[], &LIMITS);
    let targets: Vec<&[u8]> = heads.iter().map(|head| &head.target[..]).collect();
    assert_eq!((targets, &rest[..], error), (vec![&b"/1"[..], b"/2"], &b"GET /3"[..], None));
    assert_eq!(heads[1].version, Version::HTTP_10);
}

#[test]
fn names_and_values_are_slices_of_one_allocation() {
    let mut buf = BytesMut::from(&b"GET / HTTP/1.1\r\nHost: a.example\r\n\r\n"[..]);
    let range = buf.as_ptr_range();
    let head = HeadReader::new().read_request(&mut buf, &LIMITS).unwrap().unwrap();
    for part in [&head.target, &head.fields[0].0, &head.fields[0].1] {
        assert!(range.contains(&part.as_ptr()), "a copy was made");
    }
}

#[test]
fn a_head_may_be_as_large_as_allowed_and_no_larger() {
    let bytes = b"GET / HTTP/1.1\r\nA: 1\r\nB: 2\r\n\r\n";
    for reads in [vec![], vec![1; bytes.len()]] {
        let outcome =
            |bytes_allowed, fields| requests(bytes, &reads, &Limits { bytes: bytes_allowed, fields }).2;
        assert_eq!(outcome(bytes.len(), 2), None);
        assert_eq!(outcome(bytes.len() - 1, 2), Some(HeadError::TooLarge));
        assert_eq!(outcome(bytes.len(), 1), Some(HeadError::TooMany));
    }
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "A: 1\r\n".repeat(100));
    assert_eq!(one_request(many.as_bytes()).fields.len(), 100);
    assert_eq!(requests(many.as_bytes(), &[], &Limits { fields: 99, ..LIMITS }).2, Some(HeadError::TooMany));
    let endless = vec![b'A'; LIMITS.bytes];
    assert_eq!(requests(&endless[1..], &[], &LIMITS).2, None, "one more byte could still be read");
    assert_eq!(requests(&endless, &[], &LIMITS).2, Some(HeadError::TooLarge));
}

#[test]
fn an_answer_may_be_refused_before_it_is_complete() {
    assert_eq!(responses(b"HTTP/2", &[], &LIMITS).2, Some(HeadError::Version));
    assert!(matches!(responses(b"\r", &[], &LIMITS).2, Some(HeadError::Malformed(_))));
    assert!(matches!(responses(b"<html>", &[], &LIMITS).2, Some(HeadError::Malformed(_))));
    assert!(matches!(requests(b"\x16\x03\x01", &[], &LIMITS).2, Some(HeadError::Malformed(_))));
}

#[test]
fn a_few_empty_lines_before_a_request_are_read_over() {
    let head = "GET / HTTP/1.1\r\n\r\n";
    for (empty, good) in [(1, true), (4, true), (5, false)] {
        // Each request may have some of its own.
        let bytes = format!("{}{head}", "\r\n".repeat(empty)).repeat(2);
        for reads in [vec![], vec![1; bytes.len()]] {
            let (heads, _, error) = requests(bytes.as_bytes(), &reads, &LIMITS);
            assert_eq!((heads.len(), error.is_none()), if good { (2, true) } else { (0, false) });
        }
    }
}

#[test]
fn the_preface_of_http_2_is_seen_byte_by_byte() {
    let full = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    for end in 0..full.len() {
        assert_eq!(preface(&full[..end]), Preface::Partial);
    }
    assert_eq!(preface(full), Preface::Yes);
    assert_eq!(preface(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0"), Preface::Yes);
    assert_eq!(preface(b"PUT / HTTP/1.1"), Preface::No);
    assert_eq!(preface(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\rX"), Preface::No);
    assert_eq!(requests(full, &[], &LIMITS).2, Some(HeadError::Version), "where nobody looked for it");
}

#[test]
fn debugging_shows_neither_values_nor_targets() {
    let request = one_request(b"GET /s3cr3t?k=s3cr3t HTTP/1.1\r\nAuthorization: s3cr3t\r\n\r\n");
    let shown = format!("{request:?}");
    assert!(!shown.contains("s3cr3t") && shown.contains("Authorization"), "{shown}");
    let response = responses(b"HTTP/1.1 200 s3cr3t\r\nSet-Cookie: s3cr3t\r\n\r\n", &[], &LIMITS).0.remove(0);
    let shown = format!("{response:?}");
    assert!(!shown.contains("s3cr3t") && shown.contains("Set-Cookie"), "{shown}");
}

#[test]
fn a_head_is_written_as_it_is_given() {
    let mut out = BytesMut::from("before ");
    write_request(&mut out, &Method::GET, b"/a", &[field("hOsT", "b"), field("E", "")]).unwrap();
    assert_eq!(out, "before GET /a HTTP/1.1\r\nhOsT: b\r\nE: \r\n\r\n");
    let mut out = BytesMut::new();
    write_response(&mut out, StatusCode::CONTINUE, b"", &[]).unwrap();
    assert_eq!(out, "HTTP/1.1 100 \r\n\r\n");
}

#[test]
fn what_would_break_a_message_apart_is_not_written() {
    let mut out = BytesMut::from("before");
    // Two of them are as bad as one.
    for bad in ["a\r\nB: 1", "a\rb", "a\nb", "a\0", "\x0b", "\x7f", "\r\n", "\x7f\x7f"] {
        let request = |target: &[u8], fields: &[Field]| {
            write_request(&mut BytesMut::from("before"), &Method::GET, target, fields)
        };
        assert_eq!(request(bad.as_bytes(), &[]), Err(Unwritable::Target));
        assert_eq!(request(b"/", &[field("A", bad)]), Err(Unwritable::Value));
        assert_eq!(request(b"/", &[field(bad, "a")]), Err(Unwritable::Name));
        let good = field("Good", "1");
        let written = write_response(&mut out, StatusCode::OK, b"OK", &[good.clone(), field("A", bad)]);
        assert_eq!(written, Err(Unwritable::Value));
        let written = write_request(&mut out, &Method::GET, b"/", &[good, field(bad, "a")]);
        assert_eq!(written, Err(Unwritable::Name));
        assert_eq!(write_response(&mut out, StatusCode::OK, bad.as_bytes(), &[]), Err(Unwritable::Reason));
        assert_eq!(out, "before", "nothing is written by halves");
    }
    for name in ["", "A:", "A B", "A ", "\u{e4}"] {
        let written = write_request(&mut out, &Method::GET, b"/", &[field(name, "a")]);
        assert_eq!(written, Err(Unwritable::Name), "{name:?}");
    }
    assert_eq!(write_request(&mut out, &Method::GET, b"", &[]), Err(Unwritable::Target));
    assert_eq!(write_request(&mut out, &Method::GET, b"/ HTTP/1.1", &[]), Err(Unwritable::Target));
}

#[test]
fn a_name_is_made_of_exactly_the_characters_of_a_token() {
    for byte in 0..=u8::MAX {
        let allowed = byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
        let written = write_field(&mut BytesMut::new(), &[byte], b"");
        assert_eq!(written.is_ok(), allowed, "{byte:#x}");
    }
}

fn fields() -> impl Strategy<Value = Vec<Field>> {
    let parts = ("[!#-'*+.^_`|~0-9A-Za-z-]{1,12}", "([!-~\u{80}-\u{ff}]([\t -~]{0,20}[!-~])?)?");
    proptest::collection::vec(parts.prop_map(|(name, value)| field(&name, &value)), 0..40)
}

/// Bytes of which heads are made, put together in any order.
fn head_like() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        4 => proptest::sample::select(vec![
            &b"GET / HTTP/1.1\r\n"[..], b"HTTP/1.1 200 OK\r\n", b"HTTP/1.0 204\r\n", b"A: b\r\n", b"A : b\r\n",
            b"\r\n", b"\n", b"\r", b" ", b"\t", b":", b"\0", b"GET", b"/", b"HTTP/1.1", b"\xff", b"Content-Length: 1",
            b"A:\r\n b\r\n", b"HTTP/1.1 101 \r\n\r\n", b"POST /x HTTP/1.0\r\nA: b\r\n\r\n",
        ]).prop_map(<[u8]>::to_vec),
        1 => proptest::collection::vec(any::<u8>(), 0..4),
    ];
    proptest::collection::vec(part, 0..16).prop_map(|parts| parts.concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn however_heads_arrive_they_read_the_same(
        bytes in head_like(),
        reads in proptest::collection::vec(0_usize..8, 0..64),
        bytes_allowed in 1_usize..120,
        fields in 0_usize..6,
    ) {
        for limits in [LIMITS, Limits { bytes: bytes_allowed, fields }] {
            prop_assert_eq!(requests(&bytes, &reads, &limits), requests(&bytes, &[], &limits));
            prop_assert_eq!(responses(&bytes, &reads, &limits), responses(&bytes, &[], &limits));
        }
    }

    #[test]
    fn what_was_written_is_read_back(
        method in "[!#-'*+.^_`|~0-9A-Za-z-]{1,20}",
        target in "[!-~\u{80}-\u{ff}]{1,40}",
        reason in "([!-~][\t -~]{0,20})?",
        status in 100_u16..1000,
        fields in fields(),
    ) {
        let method = Method::from_bytes(method.as_bytes()).unwrap();
        let mut out = BytesMut::new();
        write_request(&mut out, &method, target.as_bytes(), &fields).unwrap();
        let target = Bytes::copy_from_slice(target.as_bytes());
        let head = RequestHead { method, target, version: Version::HTTP_11, fields: fields.clone() };
        prop_assert_eq!(requests(&out, &[], &LIMITS), (vec![head], vec![], None));

        let status = StatusCode::from_u16(status).unwrap();
        let mut out = BytesMut::new();
        write_response(&mut out, status, reason.as_bytes(), &fields).unwrap();
        let reason = Bytes::copy_from_slice(reason.as_bytes());
        let head = ResponseHead { version: Version::HTTP_11, status, reason, fields, odd: false };
        prop_assert_eq!(responses(&out, &[], &LIMITS), (vec![head], vec![], None));
    }

    #[test]
    fn what_is_read_can_be_written_and_means_the_same(bytes in head_like()) {
        for head in requests(&bytes, &[], &LIMITS).0 {
            let mut out = BytesMut::new();
            write_request(&mut out, &head.method, &head.target, &head.fields).unwrap();
            let again = RequestHead { version: Version::HTTP_11, ..head };
            prop_assert_eq!(requests(&out, &[], &LIMITS), (vec![again], vec![], None));
        }
        for head in responses(&bytes, &[], &LIMITS).0 {
            let mut out = BytesMut::new();
            write_response(&mut out, head.status, &head.reason, &head.fields).unwrap();
            let again = ResponseHead { version: Version::HTTP_11, odd: false, ..head };
            prop_assert_eq!(responses(&out, &[], &LIMITS), (vec![again], vec![], None));
        }
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512)) {
        requests(&bytes, &[3, 1, 4], &LIMITS);
        responses(&bytes, &[1, 5, 9], &LIMITS);
        responses(&[&b"HTTP/1.1 200 "[..], &bytes, b"\r\n\r\n"].concat(), &[], &LIMITS);
        requests(&[&b"GET "[..], &bytes, b"\r\n\r\n"].concat(), &[], &LIMITS);
        prop_assert_eq!(preface(&bytes) == Preface::Yes, bytes.starts_with(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"));
    }
}
