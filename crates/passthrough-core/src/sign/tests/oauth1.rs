use super::super::oauth1::{Keys, Parts, authorization, base, signature};
use super::*;
use crate::grant::parse_form;
use crate::provider::file::OAuth1Signature;

fn keys(token: Option<(&str, &str)>) -> Keys {
    Keys {
        consumer_key: "dpf43f3p2l4k3l03".into(),
        consumer_secret: "kd94hf93k423kf44".into(),
        token: token.map(|(token, _)| token.into()),
        token_secret: token.map(|(_, secret)| secret.into()),
    }
}

#[test]
fn the_base_string_is_the_one_of_rfc_5849_section_3_4_1_1() {
    let uri = "http://EXAMPLE.COM/request?b5=%3D%253D&a3=a&c%40=&a2=r%20b".parse().unwrap();
    let body = parse_form("c2&a3=2+q");
    let protocol = [
        ("oauth_consumer_key", "9djdj82h48djs9d2"),
        ("oauth_token", "kkk9d7dh3k39sjv7"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", "137131201"),
        ("oauth_nonce", "7d8f3e4a"),
    ];
    let parts = Parts { method: "post", uri: &uri, body: &body, more: &[] };
    assert_eq!(
        base(&parts, &protocol),
        "POST&http%3A%2F%2Fexample.com%2Frequest&a2%3Dr%2520b%26a3%3D2%2520q%26a3%3Da%26b5%3D%253D%25253D%26c%2540%3D%26\
         c2%3D%26oauth_consumer_key%3D9djdj82h48djs9d2%26oauth_nonce%3D7d8f3e4a%26oauth_signature_method%3DHMAC-SHA1%26\
         oauth_timestamp%3D137131201%26oauth_token%3Dkkk9d7dh3k39sjv7"
    );
}

#[test]
fn the_signatures_of_rfc_5849_section_1_2_hold() {
    let uri = "http://photos.example.net/photos?file=vacation.jpg&size=original".parse().unwrap();
    let protocol = [
        ("oauth_consumer_key", "dpf43f3p2l4k3l03"),
        ("oauth_token", "nnch734d00sl2jdk"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", "137131202"),
        ("oauth_nonce", "chapoH"),
    ];
    let parts = Parts { method: "GET", uri: &uri, body: &[], more: &[] };
    let text = base(&parts, &protocol);
    let keys = keys(Some(("nnch734d00sl2jdk", "pfkkdhi9sl3r4s00")));
    assert_eq!(signature(&keys, OAuth1Signature::HmacSha1, &text), "MdpQcU8iPSUjWoN/UDMsK2sui9I=");

    let uri = "https://photos.example.net/token".parse().unwrap();
    let protocol = [
        ("oauth_consumer_key", "dpf43f3p2l4k3l03"),
        ("oauth_token", "hh5s93j4hdidpola"),
        ("oauth_signature_method", "HMAC-SHA1"),
        ("oauth_timestamp", "137131201"),
        ("oauth_nonce", "walatlh"),
        ("oauth_verifier", "hfdp7dh39dks9884"),
    ];
    let parts = Parts { method: "POST", uri: &uri, body: &[], more: &[] };
    let text = base(&parts, &protocol);
    let keys = self::keys(Some(("hh5s93j4hdidpola", "hdhd0244k9j7ao03")));
    assert_eq!(signature(&keys, OAuth1Signature::HmacSha1, &text), "gKgrFCywp7rO0OXSjdot/IHF7IU=");
    assert_eq!(signature(&keys, OAuth1Signature::Plaintext, &text), "kd94hf93k423kf44&hdhd0244k9j7ao03");
}

const INJECT: &str = r#"inject.oauth1 = { consumer_key = "{ck}", consumer_secret = "{cs}", token = "{t}", token_secret = "{ts}", realm = "{account}", signature = "HMAC-SHA256" }"#;

fn netsuite() -> Rig {
    let fields = [("ck", "c k"), ("cs", "c&s"), ("t", "tok"), ("ts", "tsec"), ("account", "123\"4_SB1")];
    Rig::new("https://1234.suitetalk.example.com/services", INJECT, 1_700_000_000, &fields)
}

#[test]
fn a_request_carries_realm_token_and_a_signature_over_what_is_sent() {
    let rig = netsuite();
    let built = rig.build(get("/rest/record/v1?q=a+b&x=%3D&limit=5")).unwrap();
    let value = header(&built, "authorization");
    let (head, signature) = value.rsplit_once(", oauth_signature=").unwrap();
    assert_eq!(
        head,
        "OAuth realm=\"123\\\"4_SB1\", oauth_consumer_key=\"c%20k\", \
         oauth_nonce=\"abababababababababababababababab\", oauth_signature_method=\"HMAC-SHA256\", \
         oauth_timestamp=\"1700000000\", oauth_version=\"1.0\", oauth_token=\"tok\""
    );
    // What the server would compute from what it received.
    let text = "GET&https%3A%2F%2F1234.suitetalk.example.com%2Fservices%2Frest%2Frecord%2Fv1&limit%3D5%26\
        oauth_consumer_key%3Dc%2520k%26oauth_nonce%3Dabababababababababababababababab%26\
        oauth_signature_method%3DHMAC-SHA256%26oauth_timestamp%3D1700000000%26oauth_token%3Dtok%26\
        oauth_version%3D1.0%26q%3Da%2520b%26x%3D%253D";
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA256, b"c%26s&tsec");
    let wanted = data_encoding::BASE64.encode(aws_lc_rs::hmac::sign(&key, text.as_bytes()).as_ref());
    assert_eq!(signature, format!("\"{}\"", crate::path::encode_query_component(&wanted)));
}

#[test]
fn only_forms_are_signed_and_held() {
    let rig = netsuite();
    let post = || request(Method::POST, "/x", &[]);
    let authorization = |request| header(&rig.build(request).unwrap(), "authorization");
    assert_eq!(
        authorization(with_body(post(), "{\"a\":1}", "application/json")),
        authorization(with_body(post(), "{\"a\":2}", "application/json"))
    );
    let form = "application/x-www-form-urlencoded";
    assert_ne!(authorization(with_body(post(), "a=1", form)), authorization(with_body(post(), "a=2", form)));
    assert!(!rig.holds(&streamed(post())));
    assert!(rig.build(streamed(post())).is_ok());
    let form = streamed(request(
        Method::POST,
        "/x",
        &[("Content-Type", "Application/X-WWW-Form-Urlencoded; charset=utf-8")],
    ));
    assert!(rig.holds(&form));
    assert!(matches!(rig.build(form), Err(Refusal::Request(_))));
}

#[test]
fn the_parameters_of_the_protocol_are_part_of_the_signature() {
    let uri = "https://photos.example.net/initiate".parse().unwrap();
    let more = [("oauth_callback", "http://printer.example.com/ready")];
    let parts = Parts { method: "POST", uri: &uri, body: &[], more: &more };
    let moment = Moment { unix_ms: 137_131_200_000, nonce: [1; 16] };
    let value = authorization(&keys(None), OAuth1Signature::HmacSha1, &parts, moment);
    assert!(value.contains("oauth_callback=\"http%3A%2F%2Fprinter.example.com%2Fready\""));
    assert!(!value.contains("oauth_token"));
}
