use http::uri::PathAndQuery;
use proptest::prelude::*;

use super::*;

fn sent(text: &str) -> String {
    CallerPath::parse(text).unwrap_or_else(|e| panic!("{text:?}: {e}")).path_and_query()
}

#[test]
fn an_ordinary_path_is_not_changed_by_a_byte() {
    for text in [
        "/",
        "/?",
        "/??",
        "/v1/users/42",
        "/a//b",
        "/a/b/",
        "/a%2Fb%2fc",
        "/projects/group%2Fproject/-/file%20name.txt",
        "/a%5Cb",
        "/%2Fa",
        "/%01a",
        "/...",
        "/a/..b/b../.c/c./...",
        "/.well-known/x",
        "/a.b;v=1.0;w",
        "/a;b/c;d=../e",
        "/%252e%252e/%252E./a%252Fb",
        "/a/%2e%2e%2e",
        "/a%25",
        "/!$&'()*+,=:@-._~",
        "/{id}|x^y\"[0]",
        "/a?q=1&q=2&q=",
        "/a?q=100%&x=%zz",
        "/a?next=/../..//evil%5c..%00",
        "/a?b?c=/d;e",
        "/a?x={y}|`^[z]'",
        "/@evil.example/x",
        "/:80/x",
        "/.evil.example",
        "/http://evil.example/",
        "/a%0d%0aHost:%20evil",
        "/%ff%fe",
    ] {
        assert_eq!(sent(text), text);
    }
}

#[test]
fn what_cannot_be_sent_is_percent_encoded_and_nothing_else() {
    assert_eq!(sent("/ä/日?ü=%C3%BC"), "/%C3%A4/%E6%97%A5?%C3%BC=%C3%BC");
    assert_eq!(sent("/<a>`b`?<c>\"d\"`e`"), "/%3Ca%3E%60b%60?%3Cc%3E%22d%22`e`");
    // Full-width dots are letters to a URL; they stay data.
    assert_eq!(sent("/．．/a"), "/%EF%BC%8E%EF%BC%8E/a");
    assert_eq!(sent("/\u{85}\u{2028}"), "/%C2%85%E2%80%A8");
}

#[test]
fn what_another_parser_reads_as_a_host_is_refused() {
    for text in ["", "a", "?a", "*", "http://evil", "\\/evil", " /a", "\t/a", "@evil", ".evil", ":80/", "／a"]
    {
        assert_eq!(CallerPath::parse(text), Err(PathError::NoLeadingSlash), "{text:?}");
    }
    for text in ["//", "//evil", "/\\evil", "///evil", "//a/..", "//?"] {
        assert_eq!(CallerPath::parse(text), Err(PathError::LooksLikeHost), "{text:?}");
    }
    for text in [
        "/\t/evil",
        "/\n/evil",
        "/a\r\nHost: evil",
        "/ /a",
        "/a\\b",
        "/a#b",
        "/a?b#c",
        "/a?b c",
        "/a?\\",
        "/\0",
        "/\u{7f}",
    ] {
        assert!(matches!(CallerPath::parse(text), Err(PathError::Forbidden { .. })), "{text:?}");
    }
}

#[test]
fn every_control_character_is_refused_with_its_place() {
    for byte in (0..=0x20).chain([0x7f, b'\\', b'#']) {
        let character = char::from(byte);
        for (text, at) in [(format!("/a{character}b"), 2), (format!("/a?b{character}"), 4)] {
            assert_eq!(CallerPath::parse(&text), Err(PathError::Forbidden { character, at }), "{text:?}");
        }
    }
}

#[test]
fn a_climb_is_refused_under_every_spelling() {
    for climb in [
        ".",
        "..",
        "%2e",
        "%2E%2e",
        ".%2e",
        "%2e.",
        "..;",
        "..;x=1",
        ".;",
        ";/..",
        "%2e%2e;a",
        "..%3b",
        "..%3Bx",
        "%2e%2e%3b",
        "..%2f",
        "..%2Fa",
        "%2f..",
        "a%2f..",
        "a%2f..%2fb",
        "%2e%2e%2f",
        "%2e%2e%5c",
        "..%5ca",
        "a%5c..",
        "a%5C.%5cb",
        "a;%2f..",
        "a;%2f..%2f..",
        "a;b=%5c..%5c",
        "a%2f..;x",
        "a%2f..%3bx",
        "%2f%2e",
        "%c0%ae%c0%ae",
        "%c0%ae.",
        "..%c0%af",
        "%e0%80%ae%e0%80%ae",
        "a%c1%9c..",
        "a%e0%81%9c..",
        "%f0%80%80%ae.",
        "a%f0%80%81%9c..",
        "a%2f.%2f",
    ] {
        for text in
            [format!("/{climb}"), format!("/a/{climb}/b"), format!("/{climb}/"), format!("/a/{climb}?q")]
        {
            assert_eq!(CallerPath::parse(&text), Err(PathError::DotSegment), "{text:?}");
        }
    }
    for text in ["/a/../b", "/a/./b", "/.."] {
        assert_eq!(CallerPath::parse(text), Err(PathError::DotSegment), "{text:?}");
    }
}

#[test]
fn nul_and_malformed_percent_are_refused_in_the_path() {
    for text in ["/%00", "/a%00b", "/..%00", "/a;%00", "/a%2f%00", "/%c0%80"] {
        assert_eq!(CallerPath::parse(text), Err(PathError::Nul), "{text:?}");
    }
    for text in ["/%", "/%2", "/%zz", "/%%32e", "/a%u002e", "/a;%g0", "/%2?a", "/%+1", "/%-1", "/%é"] {
        assert_eq!(CallerPath::parse(text), Err(PathError::MalformedPercent), "{text:?}");
    }
}

#[test]
fn the_length_limit_counts_bytes_as_written() {
    assert!(CallerPath::parse(&format!("/{}", "a".repeat(8_191))).is_ok());
    assert_eq!(CallerPath::parse(&format!("/{}", "a".repeat(8_192))), Err(PathError::TooLong));
    assert_eq!(CallerPath::parse(&format!("/?{}", "é".repeat(4_096))), Err(PathError::TooLong));
}

#[test]
fn parameters_are_appended_encoded_and_repeat() {
    let pair = |name: &str, value: &str| (name.to_owned(), value.to_owned());
    let mut path = CallerPath::parse("/a?b=%2F").unwrap();
    path.append_query(&[pair("c d", "e&f=g"), pair("c d", "ü+/?#")]);
    assert_eq!(path.path_and_query(), "/a?b=%2F&c%20d=e%26f%3Dg&c%20d=%C3%BC%2B%2F%3F%23");
    for (text, expected) in
        [("/a", "/a?k=v"), ("/a?", "/a?k=v"), ("/a?b&", "/a?b&k=v"), ("/a?b?", "/a?b?&k=v")]
    {
        let mut path = CallerPath::parse(text).unwrap();
        path.append_query(&[]);
        assert_eq!(path.path_and_query(), text);
        path.append_query(&[pair("k", "v")]);
        assert_eq!(path.path_and_query(), expected);
    }
}

#[test]
fn a_caller_cannot_keep_a_parameter_that_is_injected() {
    for (text, expected) in [
        ("/a?key=1", "/a"),
        ("/a?key", "/a"),
        ("/a?key=1&b=2", "/a?b=2"),
        ("/a?b=2&key=1", "/a?b=2"),
        ("/a?b=2&KEY=1&c=%2f&%6bey=3&d", "/a?b=2&c=%2f&d"),
        ("/a?b=2;key=1;c", "/a?b=2;c"),
        ("/a?+key=1&b", "/a?b"),
        ("/a?keys=1&akey=2&b=key", "/a?keys=1&akey=2&b=key"),
        ("/a?&&b;;c=", "/a?&&b;;c="),
        ("/a?", "/a?"),
        ("/a", "/a"),
    ] {
        let mut path = CallerPath::parse(text).unwrap();
        path.remove_query_names(&["key", "token"]);
        assert_eq!(path.path_and_query(), expected, "{text}");
    }
}

#[test]
fn debug_shows_no_query() {
    let path = CallerPath::parse("/a?secret=canary").unwrap();
    assert_eq!(format!("{path:?}"), r#"CallerPath { path: "/a", has_query: true }"#);
}

/// Texts that are likely to break a path check.
fn hostile() -> impl Strategy<Value = String> {
    let part = prop_oneof![
        6 => prop::sample::select(vec![
            "/", "\\", ".", "..", "%2e", "%2E", "%2f", "%5c", "%3b", ";", "%25", "%", "%00", "?", "#", "//", "a", "%c0%ae",
            "．", "é", "<", "`", "\"", "{", "&", "=", "@", ":",
        ]).prop_map(str::to_owned),
        1 => any::<char>().prop_map(String::from),
    ];
    prop::collection::vec(part, 0..12).prop_map(|parts| format!("/{}", parts.concat()))
}

proptest! {
    #[test]
    fn an_accepted_path_can_be_sent_as_it_is(text in hostile()) {
        if let Ok(path) = CallerPath::parse(&text) {
            let wire = path.path_and_query();
            let read = PathAndQuery::try_from(wire.as_str()).unwrap();
            prop_assert_eq!(read.as_str(), wire.as_str());
            prop_assert_eq!(read.path(), path.path());
            prop_assert_eq!(read.query(), path.query());
            prop_assert!(wire.is_ascii());
            // Reading it again changes nothing more.
            prop_assert_eq!(CallerPath::parse(&wire), Ok(path));
        }
    }

    #[test]
    fn what_needs_no_encoding_is_not_changed(text in "/[!$-;=@-Z_a-z|~%.{}]{0,40}(\\?[!$-;=?-Z_a-z|~%{}`]{0,40})?") {
        if let Ok(path) = CallerPath::parse(&text) {
            prop_assert_eq!(path.path_and_query(), text);
        }
    }

    #[test]
    fn an_encoded_segment_decodes_to_the_text_and_is_one_segment(text in "\\PC{1,20}") {
        let encoded = encode_segment(&text);
        prop_assert_eq!(percent_decode(&encoded).unwrap(), text.as_bytes());
        prop_assert!(!encoded.contains(['/', '\\', '?', '#', ';', ' ']));
    }

    #[test]
    fn removing_names_that_are_not_there_changes_nothing(query in "[a-c=&;%]{0,20}") {
        let mut path = CallerPath::parse(&format!("/?{query}")).unwrap();
        path.remove_query_names(&["key"]);
        prop_assert_eq!(path.query(), Some(query.as_str()));
    }
}
