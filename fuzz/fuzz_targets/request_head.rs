//! What callers send on a connection, read as heads of requests one after the other. Input: the bytes.

#![no_main]

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use passthrough_fuzz::{LARGE, SMALL, heads};
use passthrough_http1::framing::{BodyLength, request_length};
use passthrough_http1::head::{HeadReader, RequestHead, write_request};

fuzz_target!(|data: &[u8]| {
    let read = heads(HeadReader::read_request, &SMALL, data, data.len());
    assert!(read == heads(HeadReader::read_request, &SMALL, data, 1), "a drip is read differently");
    for head in read.0 {
        holds(&head);
    }
});

fn holds(head: &RequestHead) {
    assert!(head.fields.len() <= SMALL.fields);
    let mut written = BytesMut::new();
    write_request(&mut written, &head.method, &head.target, &head.fields)
        .expect("what was read can be written");
    let lines = written.iter().filter(|byte| **byte == b'\n').count();
    assert_eq!(lines, head.fields.len() + 2, "a line in a value");
    let (again, error) = heads(HeadReader::read_request, &LARGE, &written, written.len());
    assert!(error.is_none() && again.len() == 1, "one head is read as one");
    assert!(again[0].target == head.target && again[0].fields == head.fields, "and as the same");

    let length = request_length(head.version, &head.fields);
    assert!(length != Ok(BodyLength::UntilClose), "a request ends before its connection");
    let framing = head.fields.iter().filter(|(name, _)| {
        name.eq_ignore_ascii_case(b"content-length") || name.eq_ignore_ascii_case(b"transfer-encoding")
    });
    match (length, framing.count()) {
        (Ok(BodyLength::None), fields) => assert_eq!(fields, 0),
        (Ok(_), fields) => assert_eq!(fields, 1, "a length with two sources"),
        (Err(_), fields) => assert_ne!(fields, 0),
    }
}
