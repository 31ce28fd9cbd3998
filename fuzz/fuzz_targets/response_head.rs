//! What providers send on a connection, read as heads of answers one after the other. Input: the bytes.

#![no_main]

use bytes::BytesMut;
use http::Method;
use libfuzzer_sys::fuzz_target;
use passthrough_fuzz::{LARGE, SMALL, heads};
use passthrough_http1::framing::{BodyLength, Framing, response_length};
use passthrough_http1::head::{HeadReader, ResponseHead, write_response};

fuzz_target!(|data: &[u8]| {
    let read = heads(HeadReader::read_response, &SMALL, data, data.len());
    assert!(read == heads(HeadReader::read_response, &SMALL, data, 1), "a drip is read differently");
    for head in read.0 {
        holds(&head);
    }
});

fn holds(head: &ResponseHead) {
    let mut written = BytesMut::new();
    write_response(&mut written, head.status, &head.reason, &head.fields)
        .expect("what was read can be written");
    let (again, error) = heads(HeadReader::read_response, &LARGE, &written, written.len());
    assert!(error.is_none() && again.len() == 1, "one head is read as one");
    assert!(again[0].reason == head.reason && again[0].fields == head.fields, "and as the same");
    assert!(!again[0].odd, "what is written is not odd");

    let mut fields = head.fields.clone();
    let Ok((length, framing)) = response_length(&Method::GET, head.status, head.version, &mut fields) else {
        return;
    };
    let mut left = fields.clone();
    let judged_again = response_length(&Method::GET, head.status, head.version, &mut left);
    assert_eq!(judged_again.map(|(length, _)| length), Ok(length), "the next reader reads the same length");
    assert!(left == fields, "and finds nothing more to drop");
    assert!(fields == head.fields || framing == Framing::Odd, "whoever needs mending is not trusted again");
    if length != BodyLength::None {
        let exact = matches!(length, BodyLength::Exact(_));
        let count = fields.iter().filter(|(name, _)| name.eq_ignore_ascii_case(b"content-length")).count();
        assert_eq!(count, usize::from(exact), "a length is sent on if, and only if, it was read by");
    }
}
