use proptest::prelude::*;

use super::property::nothing_forbidden_goes_on;
use super::*;

fn fields(given: &[(&str, &str)]) -> Fields {
    let owned = |text: &str| Bytes::copy_from_slice(text.as_bytes());
    Fields(given.iter().map(|(name, value)| (owned(name), owned(value))).collect())
}

fn one(name: &[u8], value: &[u8]) -> Fields {
    Fields(vec![(Bytes::copy_from_slice(name), Bytes::copy_from_slice(value))])
}

fn pass(headers: &[(&str, &str)], policy: &HeaderPolicy<'_>) -> Result<Vec<(String, String)>, HeaderError> {
    Ok(shown(&request_headers(fields(headers), policy)?))
}

fn shown(headers: &Fields) -> Vec<(String, String)> {
    let text = |bytes: &Bytes| String::from_utf8_lossy(bytes).into_owned();
    headers.iter().map(|(name, value)| (text(name), text(value))).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

#[test]
fn ordinary_headers_go_on_in_order_and_spelling_with_duplicates() {
    let given = [
        ("Accept", "text/html"),
        ("X-Tag", "1"),
        ("X-Tag", "2"),
        ("Content-Type", "application/json"),
        ("X-Api-Key", "the caller's own"),
        ("If-None-Match", "\"a\tb\""),
        ("X-Empty", ""),
        ("X-Bytes", "é"),
        ("Sec-WebSocket-Version", "13"),
        ("!#$%&'*+-.^_`|~09aZ", "token"),
    ];
    assert_eq!(pass(&given, &HeaderPolicy::default()).unwrap(), pairs(&given));
}

#[test]
fn framing_routing_and_identity_headers_are_dropped_under_every_spelling() {
    for name in [
        "Host",
        "Content-Length",
        "Transfer-Encoding",
        "Connection",
        "Keep-Alive",
        "Proxy-Authorization",
        "Proxy-Connection",
        "Proxy-Anything",
        "TE",
        "Trailer",
        "Upgrade",
        "HTTP2-Settings",
        "Expect",
        "Forwarded",
        "X-Forwarded-For",
        "X-Forwarded-Anything",
        "X-Real-IP",
        "True-Client-IP",
        "CF-Connecting-IP",
        "X-Original-URL",
        "X-Rewrite-URL",
        "X-HTTP-Method-Override",
        "X-Method-Override",
        "X-Method",
        "Via",
        "CDN-Loop",
        "Authorization",
        "Connection-Token",
        "X-Connection-Token",
        "Passthrough-Timeout-Ms",
        "Passthrough-",
        "Cookie",
    ] {
        for spelled in [
            name.to_owned(),
            name.to_uppercase(),
            name.to_lowercase(),
            name.replace('-', "_"),
            name.replacen('-', "_", 1),
        ] {
            let kept = pass(&[("a", "1"), (&spelled, "x"), ("b", "2")], &HeaderPolicy::default());
            assert_eq!(kept, Ok(pairs(&[("a", "1"), ("b", "2")])), "{spelled}");
        }
    }
}

#[test]
fn names_that_only_look_alike_go_on() {
    for name in [
        "x-host",
        "hosts",
        "content-length-x",
        "x-proxy-a",
        "forwarded-for",
        "x-forwarded",
        "passthrough",
        "x-authorization",
        "cookies",
        "tea",
        "x-http-method-overrides",
    ] {
        assert_eq!(pass(&[(name, "v")], &HeaderPolicy::default()).unwrap().len(), 1, "{name}");
    }
}

#[test]
fn what_connection_nominates_is_dropped() {
    let given = [
        ("X-One", "1"),
        ("connection", "close, X-One ,\tx_two"),
        ("X-Two", "2"),
        ("X_Three", "3"),
        ("Connection", "x-three,,"),
        ("X-Four", "4"),
    ];
    assert_eq!(pass(&given, &HeaderPolicy::default()).unwrap(), pairs(&[("X-Four", "4")]));
}

#[test]
fn the_callers_own_of_an_injected_name_is_dropped_under_every_spelling() {
    let injected = [Bytes::from_static(b"x_session-id"), Bytes::from_static(b"Authorization")];
    let policy = HeaderPolicy { injected: &injected, ..HeaderPolicy::default() };
    for name in ["x_session-id", "X-Session-Id", "X_SESSION_ID", "x-session_id", "authorization"] {
        assert_eq!(pass(&[(name, "v")], &policy), Ok(vec![]), "{name}");
    }
    assert_eq!(pass(&[("x-session", "v")], &policy).unwrap().len(), 1);
}

#[test]
fn cookies_and_x_api_key_go_on_where_the_policy_says_so() {
    let given = [("cookie", "a=b"), ("x-api-key", "k"), ("x_api_key", "k")];
    let both = HeaderPolicy { allow_cookie: true, ..HeaderPolicy::default() };
    assert_eq!(pass(&given, &both).unwrap().len(), 3);
    let neither = HeaderPolicy { x_api_key_is_ours: true, ..HeaderPolicy::default() };
    assert_eq!(pass(&given, &neither), Ok(vec![]));
    // Injected wins over allowed.
    let cookie = [Bytes::from_static(b"cookie")];
    let injected = HeaderPolicy { allow_cookie: true, injected: &cookie, ..HeaderPolicy::default() };
    assert_eq!(pass(&[("Cookie", "a=b")], &injected), Ok(vec![]));
}

#[test]
fn names_that_are_no_token_are_refused() {
    for name in [
        "",
        " ",
        "a b",
        "a:",
        ":authority",
        "a\r\nHost",
        "host\t",
        " host",
        "a(b)",
        "a\"b",
        "é",
        "a/b",
        "a@b",
        "a[",
        "{a}",
        "a;b",
        "a,b",
        "a=b",
        "a\0",
        "a\u{7f}",
        "a\\b",
        "a?",
        "<a>",
    ] {
        let refused = pass(&[(name, "v")], &HeaderPolicy::default()).unwrap_err();
        assert!(matches!(refused, HeaderError::Name { .. }), "{name:?}");
        assert!(!refused.to_string().contains(['\r', '\n', '\0']), "{refused}");
    }
}

#[test]
fn values_with_control_characters_are_refused_even_where_the_header_is_dropped() {
    for byte in (0..0x20_u8).chain([0x7f]).filter(|b| *b != b'\t') {
        for name in ["x", "host", "authorization"] {
            let value = [b'a', byte, b'b'];
            let refused =
                request_headers(one(name.as_bytes(), &value), &HeaderPolicy::default()).unwrap_err();
            assert!(matches!(refused, HeaderError::Value { .. }), "{name} {byte:#x}");
            let refused = request_headers(one(name.as_bytes(), &[byte]), &HeaderPolicy::default());
            assert!(refused.is_err(), "alone: {name} {byte:#x}");
        }
    }
    for byte in (0x20..0x7f).chain(0x80..=0xff).chain([b'\t']) {
        let value = [b'a', byte, b'b'];
        let kept = request_headers(one(b"x", &value), &HeaderPolicy::default()).unwrap();
        assert_eq!(kept.get("X").unwrap(), &value[..], "{byte:#x}");
    }
}

#[test]
fn white_space_around_a_value_is_not_part_of_it() {
    assert_eq!(pass(&[("a", " \tb c\t ")], &HeaderPolicy::default()).unwrap(), pairs(&[("a", "b c")]));
    assert!(pass(&[("a", "b\r\n")], &HeaderPolicy::default()).is_err());
}

#[test]
fn the_limits_count_dropped_headers_too() {
    let many = |count| pass(&vec![("host", "h"); count], &HeaderPolicy::default());
    assert_eq!(many(100), Ok(vec![]));
    assert_eq!(many(101), Err(HeaderError::TooMany));
    let long = |bytes: usize| pass(&[("a", &"v".repeat(bytes - 5))], &HeaderPolicy::default());
    assert!(long(65_536).is_ok());
    assert_eq!(long(65_537), Err(HeaderError::TooLong));
}

#[test]
fn a_set_field_replaces_every_value_and_is_not_shown() {
    let mut headers = fields(&[("Authorization", "one"), ("a", "b"), ("AUTHORIZATION", "two")]);
    headers.set("authorization", "ours");
    assert_eq!(shown(&headers), pairs(&[("a", "b"), ("authorization", "ours")]));
    assert_eq!(format!("{headers:?}"), r#"["a", "authorization"]"#);
}

#[test]
fn a_removed_name_is_gone_under_every_case() {
    let mut headers = fields(&[("Cookie", "one"), ("a", "b"), ("cookie", "two")]);
    headers.remove("COOKIE");
    assert_eq!(shown(&headers), pairs(&[("a", "b")]));
}

#[test]
fn fields_become_a_map_without_what_is_no_field() {
    let given = [("B", "1"), ("a", "2"), ("b", "3"), ("no token", "4"), ("c", "line\nbreak")];
    let map = fields(&given).to_map();
    assert_eq!(map.get_all("b").iter().collect::<Vec<_>>(), ["1", "3"]);
    assert_eq!(shown(&Fields::from(&map)), pairs(&[("b", "1"), ("b", "3"), ("a", "2")]));
}

#[test]
fn a_valid_websocket_upgrade_goes_on_in_our_words() {
    let given = [
        ("Connection", "keep-alive, Upgrade"),
        ("Upgrade", "WebSocket"),
        ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
        ("Sec-WebSocket-Version", "13"),
        ("Sec-WebSocket-Protocol", "chat"),
    ];
    assert!(is_websocket_upgrade(&fields(&given)));
    let policy = HeaderPolicy { websocket_upgrade: true, ..HeaderPolicy::default() };
    let kept = pass(&given, &policy).unwrap();
    assert_eq!(
        kept,
        pairs(&[
            ("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ=="),
            ("Sec-WebSocket-Version", "13"),
            ("Sec-WebSocket-Protocol", "chat"),
            ("Connection", "upgrade"),
            ("Upgrade", "websocket"),
        ])
    );
    for missing in 0..4 {
        let mut fewer = given.to_vec();
        fewer.remove(missing);
        assert!(!is_websocket_upgrade(&fields(&fewer)), "without {:?}", given[missing]);
    }
    for (at, value) in [(0, "close"), (1, "h2c"), (1, "websocket, h2c"), (2, "short"), (3, "8")] {
        let mut changed = given.to_vec();
        changed[at].1 = value;
        assert!(!is_websocket_upgrade(&fields(&changed)), "{value}");
    }
    let mut framed = fields(&given);
    framed.push("content-length", "1");
    assert!(!is_websocket_upgrade(&framed));
    let mut doubled = fields(&given);
    doubled.push("upgrade", "websocket");
    assert!(!is_websocket_upgrade(&doubled));
}

#[test]
fn a_websocket_switch_answers_the_key_that_was_sent() {
    // The example of RFC 6455 section 1.3.
    const KEY: &[u8] = b"dGhlIHNhbXBsZSBub25jZQ==";
    let given = [
        ("Connection", "keep-alive, Upgrade"),
        ("Upgrade", "WebSocket"),
        ("Sec-WebSocket-Accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="),
    ];
    assert!(is_websocket_switch(&fields(&given), KEY));
    assert!(!is_websocket_switch(&fields(&given), b"dGhlIHNhbXBsZSBub25jZR=="), "the answer to another key");
    for missing in 0..given.len() {
        let mut fewer = given.to_vec();
        fewer.remove(missing);
        assert!(!is_websocket_switch(&fields(&fewer), KEY), "without {:?}", given[missing]);
    }
    for (at, value) in [
        (0, "close"),
        (0, "upgrade, close"),
        (0, "upgrade, sec-websocket-accept"),
        (0, "keep-alive"),
        (0, "\"upgrade\""),
        (1, "h2c"),
        (1, "websocket, h2c"),
        (2, ""),
        (2, "dGhlIHNhbXBsZSBub25jZQ=="),
        (2, "S3PPLMBITXAQ9KYGZZHZRBK+XOO="),
        (2, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo"),
    ] {
        let mut changed = given.to_vec();
        changed[at].1 = value;
        assert!(!is_websocket_switch(&fields(&changed), KEY), "{value}");
    }
    for doubled in given {
        let mut twice = fields(&given);
        twice.push(doubled.0, doubled.1);
        let is_list = doubled.0 == "Connection";
        assert_eq!(is_websocket_switch(&twice, KEY), is_list, "{doubled:?} twice");
    }
}

#[test]
fn a_response_loses_what_is_about_the_hop_and_nothing_else() {
    let mut upstream = fields(&[
        ("Date", "d"),
        ("connection", "close, X-Hop"),
        ("set-cookie", "a=1"),
        ("x-hop", "gone"),
        ("keep-alive", "timeout=5"),
        ("set-cookie", "b=2"),
        ("transfer-encoding", "chunked"),
        ("proxy-authenticate", "Basic"),
        ("proxy-connection", "close"),
        ("upgrade", "h2c"),
        ("trailer", "x-sum"),
        ("proxy-status", "cdn"),
        ("content-encoding", "gzip"),
        ("authorization", "kept: the provider's own business"),
        ("via", "1.1 x"),
    ]);
    let expected = [
        ("Date", "d"),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
        ("trailer", "x-sum"),
        ("proxy-status", "cdn"),
        ("content-encoding", "gzip"),
        ("authorization", "kept: the provider's own business"),
        ("via", "1.1 x"),
    ];
    response_headers(&mut upstream);
    assert_eq!(shown(&upstream), pairs(&expected));
}

#[test]
fn our_own_names_are_known() {
    for name in
        ["Authorization", "connection_token", "X-Connection-Token", "Passthrough-Retries", "passthrough_x"]
    {
        assert!(is_ours(name.as_bytes()), "{name}");
    }
    for name in ["x-api-key", "accept", "passthrough"] {
        assert!(!is_ours(name.as_bytes()), "{name}");
    }
}

fn hostile_block() -> impl Strategy<Value = Vec<u8>> {
    let name = prop::sample::select(vec![
        "Host",
        "host_",
        "Content_Length",
        "transfer-encoding",
        "Connection",
        "connection",
        "X-Api_Key",
        "x_api_key",
        "Authorization",
        "Passthrough_X",
        "proxy_a",
        "X-A",
        "x_a",
        "cookie",
        "Accept",
        "X-B",
    ]);
    let value = prop_oneof![
        prop::sample::select(vec!["x-a, X_B", "close", "accept", "upgrade", " v ", "a\tb"])
            .prop_map(|v| v.as_bytes().to_vec()),
        prop::collection::vec(any::<u8>(), 0..6),
    ];
    prop::collection::vec((name, value), 0..12).prop_map(|headers| {
        let lines = headers.into_iter().map(|(name, value)| [name.as_bytes(), b":", &value].concat());
        lines.collect::<Vec<_>>().join(&b'\n')
    })
}

proptest! {
    #[test]
    fn nothing_forbidden_goes_on_whatever_is_sent(block in hostile_block()) {
        prop_assert_eq!(nothing_forbidden_goes_on(&block), Ok(()));
    }

    #[test]
    fn any_bytes_are_refused_or_safe(block in prop::collection::vec(any::<u8>(), 0..64)) {
        prop_assert_eq!(nothing_forbidden_goes_on(&block), Ok(()));
    }
}
