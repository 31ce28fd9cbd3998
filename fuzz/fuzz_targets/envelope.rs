//! The envelope of both doors. Input: the request's body.

#![no_main]

use libfuzzer_sys::fuzz_target;
use passthrough_core::fault::Door;
use passthrough_core::path::CallerPath;
use passthrough_core::upstream::RequestBody;
use passthrough_fuzz::assert_nothing_is_echoed;
use passthrough_wire::passthrough::{BodyEncoding, PassthroughRequest};

const NONCE: [u8; 16] = [7; 16];

fuzz_target!(|json: &[u8]| {
    for read in [PassthroughRequest::parse(json), PassthroughRequest::parse_terminal(json)] {
        match read {
            Ok(request) => goes_on_as_it_was_written(request),
            Err(errors) => assert_nothing_is_echoed(json, &errors),
        }
    }
});

fn goes_on_as_it_was_written(request: PassthroughRequest) {
    let written = request.clone();
    let Ok(converted) = request.convert(Door::Envelope, || NONCE) else { return };
    let path = CallerPath::parse(&written.path).expect("only an accepted path is converted");
    let sent = converted.request.path.path_and_query();
    assert!(sent.starts_with(&path.path_and_query()), "the caller's path and query stay as they were");

    let RequestBody::Bytes { bytes, .. } = converted.request.body else { return };
    if let Some(parts) = &written.multipart {
        return is_the_parts_and_nothing_else(&bytes, parts.len());
    }
    if let Some(raw) = written.body.filter(|_| written.body_encoding == BodyEncoding::Text) {
        match serde_json::from_str::<String>(raw.get()) {
            Ok(text) => assert_eq!(bytes, text, "a text goes out byte for byte"),
            Err(_) => assert_eq!(bytes, raw.get(), "JSON goes out with its text unchanged"),
        }
    }
}

/// A name, file name or content type must not begin a header or a part of its own.
fn is_the_parts_and_nothing_else(body: &[u8], parts: usize) {
    let body = String::from_utf8_lossy(body);
    let boundary = "--passthrough-07070707070707070707070707070707";
    let pieces: Vec<&str> = body.split(boundary).collect();
    if pieces.len() > parts + 2 {
        // Here a part may hold the boundary, since it does not change; in the program it is random.
        return;
    }
    assert_eq!(pieces.len(), parts + 2, "each part begins once, and the body ends once");
    for piece in &pieces[1..=parts] {
        let head = piece.split("\r\n\r\n").next().unwrap_or_default();
        let lines: Vec<&str> =
            head.trim_start_matches("\r\n").split(['\r', '\n']).filter(|l| !l.is_empty()).collect();
        assert!(lines.len() <= 2, "a part's head has more headers than were written");
        assert!(lines[0].starts_with("Content-Disposition: form-data; name=\""));
        assert!(lines.get(1).is_none_or(|line| line.starts_with("Content-Type: ")));
    }
}
