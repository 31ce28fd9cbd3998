use aws_lc_rs::hmac as mac;
use data_encoding::{BASE64, HEXLOWER};

use super::*;

const KEY: (&str, &str) = ("secret", "c2VjcmV0LWtleQ==");

fn rig(rule: &str) -> Rig {
    Rig::new(
        "https://api.example.com:8443/v1",
        &format!("[auth.main.inject.hmac]\n{rule}"),
        1_700_000_000,
        &[KEY],
    )
}

fn sha256(key: &[u8], text: &str) -> Vec<u8> {
    mac::sign(&mac::Key::new(mac::HMAC_SHA256, key), text.as_bytes()).as_ref().to_vec()
}

#[test]
fn the_text_is_made_of_what_is_sent() {
    let rig = rig(r#"
        key = "{secret}"
        text = "{timestamp}.{timestamp_ms}\n{method} {host}{path}?{query}\n{body}\n{body_sha256_hex}\n{nonce}"
        headers = { x-signature = "t={timestamp},n={nonce},v1={signature}", x-time = "{timestamp_ms}" }"#);
    let asked = with_body(
        request(Method::PUT, "/a%20b/c?x=1&y=%3D", &[("X_Signature", "evil")]),
        "{\"a\":\"ü\"}",
        "application/json",
    );
    let built = rig.build(asked).unwrap();
    let hash = HEXLOWER
        .encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, "{\"a\":\"ü\"}".as_bytes()).as_ref());
    let text = format!(
        "1700000000.1700000000007\nPUT api.example.com:8443/v1/a%20b/c?x=1&y=%3D\n{{\"a\":\"ü\"}}\n{hash}\n{}",
        "ab".repeat(16)
    );
    let wanted = HEXLOWER.encode(&sha256(KEY.1.as_bytes(), &text));
    assert_eq!(header(&built, "x-signature"), format!("t=1700000000,n={},v1={wanted}", "ab".repeat(16)));
    assert_eq!(header(&built, "x-time"), "1700000000007");
    assert!(!built.headers.contains("x_signature"));
}

#[test]
fn a_signature_in_the_query_stands_behind_what_it_signs_and_is_masked() {
    let rig = rig(r#"
        key = "{secret}"
        key_encoding = "base64"
        encoding = "base64"
        hash = "sha512"
        text = "{path}?{query}"
        query = { sig = "{signature}" }"#);
    let built = rig.build(get("/me?a=1&sig=evil&SIG=evil&b=2")).unwrap();
    let key = mac::Key::new(mac::HMAC_SHA512, b"secret-key");
    let wanted = BASE64.encode(mac::sign(&key, b"/v1/me?a=1&b=2").as_ref());
    let encoded = crate::path::encode_query_component(&wanted);
    assert_eq!(built.uri.to_string(), format!("https://api.example.com:8443/v1/me?a=1&b=2&sig={encoded}"));
    assert_eq!(built.shown_path, "/me?a=1&b=2&sig=***");
}

#[test]
fn only_a_body_that_is_signed_is_held() {
    let without = rig("key = \"{secret}\"\ntext = \"{path}\"\nheaders = { x-s = \"{signature}\" }");
    let put = || streamed(request(Method::PUT, "/x", &[]));
    assert!(!without.holds(&put()));
    assert!(without.build(put()).is_ok());
    let with = rig("key = \"{secret}\"\ntext = \"{body_sha256_hex}\"\nheaders = { x-s = \"{signature}\" }");
    assert!(with.holds(&put()));
    assert!(matches!(with.build(put()), Err(Refusal::Request(_))));
    assert!(with.build(request(Method::PUT, "/x", &[])).is_ok(), "no body is an empty one");
}

#[test]
fn a_key_that_is_not_written_as_said_is_the_connections_fault() {
    let rig = rig(
        "key = \"{secret}\"\nkey_encoding = \"hex\"\ntext = \"{path}\"\nheaders = { x-s = \"{signature}\" }",
    );
    match rig.build(get("/me")) {
        Err(Refusal::Connection(message)) => {
            assert_eq!(message, "the signature's key is not written as the provider's file says");
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_redirect_is_signed_anew() {
    let rig = rig("key = \"{secret}\"\ntext = \"{path}\"\nheaders = { x-s = \"{signature}\" }");
    let first = rig.build(get("/me")).unwrap();
    let hop = upstream::build_hop(rig.open(), get("/v1/you"), &first.origin, || rig.moment).unwrap();
    assert_eq!(header(&hop, "x-s"), HEXLOWER.encode(&sha256(KEY.1.as_bytes(), "/v1/you")));
}
