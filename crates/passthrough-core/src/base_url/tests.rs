use std::collections::HashSet;
use std::net::IpAddr;
use std::sync::Arc;

use proptest::prelude::*;

use super::property::{a_host_is_canonical, joining_stays_inside};
use super::*;
use crate::path::encode_segment;

fn base(text: &str) -> BaseUrl {
    BaseUrl::parse(text).unwrap_or_else(|e| panic!("{text:?}: {e}"))
}

fn path(text: &str) -> CallerPath {
    CallerPath::parse(text).unwrap()
}

#[test]
fn a_base_url_is_kept_in_parts() {
    for (text, shown, authority, port, at) in [
        ("https://api.example.com", "https://api.example.com", "api.example.com", 443, ""),
        ("https://api.example.com/", "https://api.example.com", "api.example.com", 443, ""),
        ("HTTPS://API.Example.COM:443/V1/", "https://api.example.com/V1", "api.example.com", 443, "/V1"),
        ("http://a_b.example:8080/x/y", "http://a_b.example:8080/x/y", "a_b.example:8080", 8080, "/x/y"),
        ("http://localhost:80", "http://localhost", "localhost", 80, ""),
        ("http://127.0.0.1:9000/base", "http://127.0.0.1:9000/base", "127.0.0.1:9000", 9000, "/base"),
        ("https://[2001:DB8:0::1]:8443", "https://[2001:db8::1]:8443", "[2001:db8::1]:8443", 8443, ""),
        ("https://[::1]", "https://[::1]", "[::1]", 443, ""),
        (
            "https://bücher.example/ä",
            "https://xn--bcher-kva.example/%C3%A4",
            "xn--bcher-kva.example",
            443,
            "/%C3%A4",
        ),
        ("https://xn--bcher-kva.example", "https://xn--bcher-kva.example", "xn--bcher-kva.example", 443, ""),
        ("https://127.0.0.1.example.com", "https://127.0.0.1.example.com", "127.0.0.1.example.com", 443, ""),
        ("https://h/a%2Fb/@x:1", "https://h/a%2Fb/@x:1", "h", 443, "/a%2Fb/@x:1"),
    ] {
        let base = base(text);
        assert_eq!(base.to_string(), shown);
        assert_eq!(base.origin.authority(), authority);
        assert_eq!(base.origin.port, port);
        assert_eq!(base.path(), at);
        assert_eq!(BaseUrl::parse(&base.to_string()).as_ref(), Ok(&base), "reads back");
    }
}

#[test]
fn what_is_no_base_url_is_refused_with_its_reason() {
    use BaseUrlError as E;
    for text in [
        "",
        "example.com",
        "//example.com",
        "ftp://h",
        "file:///etc",
        "https:/h",
        "https:h",
        "javascript://h",
        "httpss://h",
        "/a://b",
    ] {
        assert_eq!(BaseUrl::parse(text), Err(E::Scheme), "{text:?}");
    }
    for text in ["https://u@h", "https://u:p@h", "https://@h", "https://h@evil:443/", "https://a:b@[::1]"] {
        assert_eq!(BaseUrl::parse(text), Err(E::UserInfo), "{text:?}");
    }
    for text in ["https://h?", "https://h/a?b", "https://h?@evil"] {
        assert_eq!(BaseUrl::parse(text), Err(E::Query), "{text:?}");
    }
    for text in [
        "https://h#",
        "https://h/#a",
        "https://h\\@evil",
        "https://h/\n",
        " https://h",
        "ht\ttps://h",
        "https://h ",
        "https://h\u{7f}",
    ] {
        assert!(matches!(BaseUrl::parse(text), Err(E::Forbidden { .. })), "{text:?}");
    }
    for text in [
        "https://h:",
        "https://h:0",
        "https://h:65536",
        "https://h:0443",
        "https://h:+443",
        "https://h:-1",
        "https://h:80:80",
        "https://h:4a",
        "https://[::1]x",
        "https://[::1]:",
        "https://h:４４３",
    ] {
        assert_eq!(BaseUrl::parse(text), Err(E::Port), "{text:?}");
    }
    for text in ["https://", "https:///", "https:///evil", "https://:443"] {
        assert_eq!(BaseUrl::parse(text), Err(E::Host(HostError::Empty)), "{text:?}");
    }
    for text in [
        "https://h/..",
        "https://h/a/%2e%2e",
        "https://h/..;/b",
        "https://h/%00",
        "https://h/%",
        "https://h//x",
    ] {
        assert!(matches!(BaseUrl::parse(text), Err(E::Path(_))), "{text:?}");
    }
    assert_eq!(BaseUrl::parse("https://h/a//"), Err(E::EmptySegment));
    let of_length = |length: usize| BaseUrl::parse(&format!("https://h/{}", "a".repeat(length - 10)));
    assert!(of_length(2048).is_ok());
    assert_eq!(of_length(2049), Err(E::TooLong));
}

#[test]
fn number_forms_of_an_address_are_refused() {
    for text in [
        "2130706433",
        "0x7f000001",
        "0x7F.1",
        "017700000001",
        "0177.0.0.1",
        "127.1",
        "127.0.1",
        "127.0.0.01",
        "127.0.0.0x1",
        "0",
        "1.2.3.4.5",
        "256.1.1.1",
        "1.2.3.256",
        "00.0.0.0",
        "①②⑦.0.0.1",
        "127。0。0。1",
        "１２７.0.0.1",
        "0x",
        "example.0x",
        "example.com.1",
        "4294967296",
        "127.0.0.\u{ad}1",
    ] {
        assert_eq!(Host::parse(text), Err(HostError::NumberForm), "{text:?}");
    }
    for text in ["127.0.0.1.", "example.com.", ".", "2130706433.", "example。"] {
        assert_eq!(Host::parse(text), Err(HostError::TrailingDot), "{text:?}");
    }
    assert_eq!(Host::parse("127.0.0.1"), Ok(Host::Ip(IpAddr::from([127, 0, 0, 1]))));
    for text in ["0xyz.example", "1.example", "127.0.0.1.nip.io", "1e100.net", "example.0xg"] {
        assert_eq!(Host::parse(text), Ok(Host::Domain(text.to_owned())));
    }
}

#[test]
fn hosts_have_one_spelling_or_none() {
    assert_eq!(Host::parse("ＥＸＡＭＰＬＥ．com"), Ok(Host::Domain("example.com".into())));
    assert_eq!(Host::parse("local\u{ad}host"), Ok(Host::Domain("localhost".into())));
    assert_eq!(Host::parse("r3---sn-x.example"), Ok(Host::Domain("r3---sn-x.example".into())));
    for text in ["", "\u{ad}"] {
        assert_eq!(Host::parse(text), Err(HostError::Empty), "{text:?}");
    }
    for text in [
        "a%2eb",
        "a%00b",
        "a b",
        "a\u{a0}b",
        "a／b",
        "a＠b",
        "a＃b",
        "a？b",
        "a％b",
        "a：1",
        "a*b",
        "a|b",
        "xn--a",
        "xn--",
        "a!b",
        "a$b",
        "a,b",
        "a(b",
        "℀.example",
        "a\0b",
    ] {
        assert_eq!(Host::parse(text), Err(HostError::Malformed), "{text:?}");
    }
    for text in [
        "a..b",
        ".a",
        "-a.b",
        "a-.b",
        &"a".repeat(64),
        &format!("{}.example", "ab.".repeat(90).trim_end_matches('.')),
    ] {
        assert_eq!(Host::parse(text), Err(HostError::Label), "{text:?}");
    }
    // Three labels of 63 with their dots, and a last one.
    let three = format!("{}.", "a".repeat(63)).repeat(3);
    let long = |last: usize| Host::parse(&format!("{three}{}", "b".repeat(last)));
    assert!(long(61).is_ok(), "253 characters");
    assert_eq!(long(62), Err(HostError::Label));
    for text in [
        "[",
        "[]",
        "[::1",
        "[::1%eth0]",
        "[127.0.0.1]",
        "[[::1]]",
        "[::1]]",
        "[fe80::1%25en0]",
        "[v1.a]",
        "[::１]",
    ] {
        assert_eq!(Host::parse(text), Err(HostError::Ipv6), "{text:?}");
    }
}

#[test]
fn a_host_is_within_a_suffix_at_a_label_only() {
    let host = Host::parse("acme.zendesk.com").unwrap();
    for suffix in ["zendesk.com", ".zendesk.com", ".Zendesk.com", "acme.zendesk.com", "com"] {
        assert!(host.is_within(suffix), "{suffix}");
    }
    for suffix in ["endesk.com", "", ".", "zendesk.co", "x.acme.zendesk.com", "..zendesk.com"] {
        assert!(!host.is_within(suffix), "{suffix}");
    }
    assert!(!Host::parse("10.0.0.1").unwrap().is_within("0.1"));
}

#[test]
fn a_dns_label_cannot_end_the_host_or_begin_another() {
    for good in ["a", "acme", "acme-2", "0", "xn--bcher-kva"] {
        assert!(is_dns_label(good), "{good}");
    }
    for bad in [
        "",
        "-a",
        "a-",
        "A",
        "a.b",
        "a_b",
        "a/b",
        "a@b",
        "a:1",
        "ä",
        "a%2e",
        "a\n",
        "a#",
        "a?",
        &"a".repeat(64),
    ] {
        assert!(!is_dns_label(bad), "{bad:?}");
    }
}

#[test]
fn origins_are_equal_when_the_same_server_is_meant() {
    let same = ["https://a.example", "HTTPS://A.EXAMPLE:443", "https://a.example/x"];
    let set: HashSet<Arc<Origin>> = same.iter().map(|text| base(text).origin.clone()).collect();
    assert_eq!(set.len(), 1);
    assert_ne!(base("http://a.example:443").origin, base("https://a.example").origin);
    assert_ne!(base("https://a.example:8443").origin, base("https://a.example").origin);
}

#[test]
fn a_path_is_appended_byte_for_byte() {
    for (root, caller, wire) in [
        ("https://h", "/", "/"),
        ("https://h/api/", "/", "/api/"),
        ("https://h/api", "/a%2Fb;c?d=%2f&d", "/api/a%2Fb;c?d=%2f&d"),
        ("https://h/api", "/@evil/..x?", "/api/@evil/..x?"),
        ("https://h", "/.evil.example", "/.evil.example"),
    ] {
        let base = base(root);
        let joined = base.join(None, &path(caller)).unwrap();
        assert_eq!(joined.expose(), wire);
        assert_eq!(base.uri(&joined).unwrap().to_string(), format!("https://h{wire}"));
    }
}

#[test]
fn a_segment_is_injected_before_the_path_and_may_not_climb() {
    let base = base("https://h/api");
    let join = |raw: &str| base.join(Some(&encode_segment(raw)), &path("/a?b"));
    assert_eq!(join("k1").unwrap().expose(), "/api/k1/a?b");
    assert_eq!(join("bot1:x/y?z;ü%").unwrap().expose(), "/api/bot1:x%2Fy%3Fz%3B%C3%BC%25/a?b");
    for climb in ["", ".", "..", "../x", "a/..", "..\\x", "a\0"] {
        assert_eq!(join(climb), Err(JoinError::Prefix), "{climb:?}");
    }
    for unencoded in ["a/b", "a?b", "a b", "ä", "a#", "%", "/a"] {
        assert_eq!(base.join(Some(unencoded), &path("/a")), Err(JoinError::Prefix), "{unencoded:?}");
    }
}

#[test]
fn injected_parameters_follow_the_callers() {
    let base = base("https://h/api");
    let pairs = [("key".to_owned(), "s e/c".to_owned())];
    for (caller, wire) in [
        ("/a", "/api/a?key=s%20e%2Fc"),
        ("/a?", "/api/a?key=s%20e%2Fc"),
        ("/a?b?", "/api/a?b?&key=s%20e%2Fc"),
        ("/a?b=?c&", "/api/a?b=?c&key=s%20e%2Fc"),
    ] {
        let mut joined = base.join(None, &path(caller)).unwrap();
        joined.append_query(&[]);
        joined.append_query(&pairs);
        assert_eq!(joined.expose(), wire);
        assert!(base.uri(&joined).is_ok());
        assert_eq!(format!("{joined:?}"), format!("JoinedPath {{ bytes: {}, .. }}", wire.len()));
    }
}

#[test]
fn what_is_too_long_to_send_is_an_error() {
    let base = base("https://h");
    let sent = |bytes: usize| {
        let mut joined = base.join(None, &path("/a")).unwrap();
        joined.append_query(&[("k".into(), "v".repeat(bytes - "/a?k=".len()))]);
        base.uri(&joined).map(|uri| uri.path().to_owned())
    };
    assert_eq!(sent(32_768).as_deref(), Ok("/a"));
    assert_eq!(sent(32_769), Err(JoinError::TooLong));
}

#[test]
fn a_path_joined_to_one_base_is_refused_by_another() {
    let joined = base("https://h/a").join(None, &path("/x")).unwrap();
    assert_eq!(base("https://h/b").uri(&joined), Err(JoinError::Outside));
}

fn hostile_path() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        8 => prop::sample::select(vec![
            "/", "/", "\\", ".", "..", "../", "%2e", "%2E", "%2f", "%5c", "%3b", ";", "%25", "%", "%00", "?", "#", "a", "b",
            "%c0%ae", "．", "／", "é", "<", "`", "@", ":", "evil.example",
        ]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(part, 0..14).prop_map(|parts| format!("/{}", parts.concat()))
}

fn hostile_host() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        8 => prop::sample::select(vec![
            "0x", "7f", "127", "0", "1", "177", ".", ".", "①", "。", "．", "[", "]", "::", ":", "@", "%", "xn--", "-", "a", "example",
            "com", "\u{ad}", "ß", "_",
        ]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(part, 0..8).prop_map(|parts| parts.concat())
}

proptest! {
    #[test]
    fn a_joined_path_never_leaves_the_base(
        root in prop::sample::select(vec!["https://h", "https://h:8443/api", "http://[::1]/a%2Fb/c;d", "https://bücher.example/v1/"]),
        path in hostile_path(),
    ) {
        prop_assert_eq!(joining_stays_inside(root, &path), Ok(()));
    }

    #[test]
    fn no_base_path_breaks_a_caller_path(root in hostile_path(), path in hostile_path()) {
        prop_assert_eq!(joining_stays_inside(&format!("https://h{root}"), &path), Ok(()));
    }

    #[test]
    fn any_text_as_base_or_path_is_refused_or_safe(root in "\\PC{0,40}", path in "\\PC{0,40}") {
        prop_assert_eq!(joining_stays_inside(&root, &path), Ok(()));
        prop_assert_eq!(joining_stays_inside(&format!("https://{root}"), &format!("/{path}")), Ok(()));
    }

    #[test]
    fn an_accepted_host_is_canonical(host in hostile_host()) {
        prop_assert_eq!(a_host_is_canonical(&host), Ok(()));
        prop_assert_eq!(joining_stays_inside(&format!("https://{host}/x"), "/y"), Ok(()));
    }
}
