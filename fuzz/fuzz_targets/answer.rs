//! A provider's answer on its way into the envelope. Input: content type, content coding and what the caller
//! wants (`auto`, `json`, `text`, `base64`), on lines of their own, then the body.

#![no_main]

use std::io::Write;

use bytes::Bytes;
use data_encoding::BASE64;
use flate2::{Compression, write::GzEncoder};
use libfuzzer_sys::fuzz_target;
use passthrough_core::answer::{ResponseAs, ResponseEncoding, ShapedBody, shape};
use serde_json::value::RawValue;

const MAX_BYTES: usize = 256 * 1024;

fuzz_target!(|data: &[u8]| {
    let mut lines = data.splitn(4, |byte| *byte == b'\n');
    let mut text = || std::str::from_utf8(lines.next().unwrap_or_default());
    let (Ok(content_type), Ok(coding), Ok(wanted)) = (text(), text(), text()) else { return };
    let wanted: ResponseAs = wanted.parse().unwrap_or_default();
    let body = Bytes::copy_from_slice(lines.next().unwrap_or_default());

    if let Ok(shaped) = shape(Some(content_type), Some(coding), body.clone(), wanted, MAX_BYTES) {
        is_json_and_bounded(&shaped, body.len().max(MAX_BYTES));
    }
    let Ok(plain) = shape(Some(content_type), None, body.clone(), wanted, MAX_BYTES) else { return };
    is_json_and_bounded(&plain, body.len());
    holds_the_body(&plain, &body);
    let zipped =
        shape(Some(content_type), Some("gzip"), gzip(&body), wanted, MAX_BYTES).expect("what was zipped");
    assert_eq!(zipped.json.get(), plain.json.get(), "a coding changes nothing");
});

fn is_json_and_bounded(shaped: &ShapedBody, bytes: usize) {
    let read: Result<&RawValue, _> = serde_json::from_str(shaped.json.get());
    assert!(read.is_ok(), "the envelope would be no JSON");
    // A control character takes six bytes in JSON, which no charset makes worse.
    assert!(shaped.json.get().len() <= 6 * bytes + 2, "more came out than the body explains");
}

fn holds_the_body(shaped: &ShapedBody, body: &[u8]) {
    let json = shaped.json.get();
    match shaped.encoding {
        ResponseEncoding::Base64 => {
            let text: String = serde_json::from_str(json).expect("a string");
            assert_eq!(BASE64.decode(text.as_bytes()).expect("base64"), body);
        }
        ResponseEncoding::Json => {
            assert!(String::from_utf8_lossy(body).contains(json), "its text is unchanged")
        }
        ResponseEncoding::Text => assert!(json.starts_with('"')),
    }
}

fn gzip(body: &[u8]) -> Bytes {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(body).expect("in memory");
    encoder.finish().expect("in memory").into()
}
