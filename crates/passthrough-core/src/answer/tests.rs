use std::io::Write;

use super::*;

fn shaped(content_type: &str, body: &[u8]) -> (String, ResponseEncoding) {
    let shaped = shape(Some(content_type), None, body.to_vec().into(), ResponseAs::Auto, 1 << 20).unwrap();
    (shaped.json.get().to_owned(), shaped.encoding)
}

fn gzip(body: &[u8]) -> Bytes {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(body).unwrap();
    encoder.finish().unwrap().into()
}

#[test]
fn json_keeps_its_text() {
    let body = r#"{"b": 12345678901234567890.10,  "a":1e400, "u":"\u00e9"}"#;
    assert_eq!(
        shaped("application/json; charset=utf-8", body.as_bytes()),
        (body.into(), ResponseEncoding::Json)
    );
    assert_eq!(shaped("application/problem+json", b"null"), ("null".into(), ResponseEncoding::Json));
    assert_eq!(shaped("application/json", b"\xef\xbb\xbf[1.0]"), ("[1.0]".into(), ResponseEncoding::Json));
}

#[test]
fn what_is_not_the_json_it_claims_to_be_is_text() {
    assert_eq!(shaped("application/json", b"<html>"), ("\"<html>\"".into(), ResponseEncoding::Text));
    assert_eq!(shaped("application/json", b""), ("\"\"".into(), ResponseEncoding::Text));
    assert_eq!(shaped("application/json", b"{\"a\":\xff}").1, ResponseEncoding::Base64);
}

#[test]
fn text_is_decoded_by_its_charset() {
    assert_eq!(
        shaped("text/plain; charset=ISO-8859-1", b"caf\xe9"),
        ("\"café\"".into(), ResponseEncoding::Text)
    );
    assert_eq!(shaped("text/plain", "café".as_bytes()), ("\"café\"".into(), ResponseEncoding::Text));
    assert_eq!(shaped("text/plain", b"caf\xe9"), ("\"Y2Fm6Q==\"".into(), ResponseEncoding::Base64));
    assert_eq!(shaped("application/soap+xml", b"<a/>"), ("\"<a/>\"".into(), ResponseEncoding::Text));
}

#[test]
fn other_bytes_are_base64() {
    assert_eq!(shaped("image/png", b"\x89PNG"), ("\"iVBORw==\"".into(), ResponseEncoding::Base64));
    assert_eq!(shaped("", b"hello"), ("\"hello\"".into(), ResponseEncoding::Text));
    assert_eq!(shaped("", b"\x00\x01"), ("\"AAE=\"".into(), ResponseEncoding::Base64));
}

#[test]
fn compressed_answers_are_opened() {
    let zipped = gzip(br#"{"n": 1.0}"#);
    let shaped =
        shape(Some("application/json"), Some("gzip"), zipped.clone(), ResponseAs::Auto, 1 << 20).unwrap();
    assert_eq!(shaped.json.get(), r#"{"n": 1.0}"#);
    let damaged = zipped.slice(..zipped.len() - 6);
    let error = shape(None, Some("gzip"), damaged, ResponseAs::Auto, 1 << 20).unwrap_err();
    assert_eq!(error, ShapeError::Decode);
    let unknown = shape(Some("text/plain"), Some("br"), zipped, ResponseAs::Text, 1 << 20).unwrap();
    assert_eq!(unknown.encoding, ResponseEncoding::Base64);
    let unknown = shape(None, Some("br"), Bytes::from_static(b"[1]"), ResponseAs::Json, 1 << 20);
    assert_eq!(unknown.unwrap_err(), ShapeError::Decode);
}

#[test]
fn a_decompression_bomb_is_refused() {
    let bomb = gzip(&vec![0; 50 << 20]);
    let error = shape(Some("text/plain"), Some("gzip"), bomb, ResponseAs::Auto, 1 << 30).unwrap_err();
    assert_eq!(error, ShapeError::TooLarge);
}

#[test]
fn asking_for_json_and_getting_something_else_is_an_error() {
    let body = Bytes::from_static(b"<html>");
    assert_eq!(shape(None, None, body, ResponseAs::Json, 1 << 20).unwrap_err(), ShapeError::NotJson);
}
