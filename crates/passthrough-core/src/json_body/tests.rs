use proptest::prelude::*;
use serde_json::Value;

use super::property::injecting_reads_like_setting;
use super::*;

fn at(pointer: &str, value: &str) -> (Pointer, String) {
    (pointer.parse().unwrap(), value.to_owned())
}

fn one(body: &str, pointer: &str, value: &str) -> Result<String, JsonBodyError> {
    inject(body.as_bytes(), &[at(pointer, value)]).map(|bytes| String::from_utf8(bytes).unwrap())
}

#[test]
fn only_the_bytes_of_the_place_change() {
    for (body, pointer, expected) in [
        ("", "/a", r#"{"a":9}"#),
        ("", "/a/b/c", r#"{"a":{"b":{"c":9}}}"#),
        ("{}", "/a", r#"{"a":9}"#),
        (" { } \n", "/a", " {\"a\":9 } \n"),
        (r#"{"a":1}"#, "/a", r#"{"a":9}"#),
        (
            "{\"b\" : 1.0e+02 ,\n \"a\"\t:\t[1, 2] , \"c\":-0.0}",
            "/a",
            "{\"b\" : 1.0e+02 ,\n \"a\"\t:\t9 , \"c\":-0.0}",
        ),
        (
            r#"{ "z":1, "b":12345678901234567890123 }"#,
            "/a",
            r#"{ "z":1, "b":12345678901234567890123,"a":9 }"#,
        ),
        (
            r#"{"params":{"x":1 },"id":1}"#,
            "/params/credentials",
            r#"{"params":{"x":1,"credentials":9 },"id":1}"#,
        ),
        (r#"{"params":{ },"id":1}"#, "/params/credentials", r#"{"params":{"credentials":9 },"id":1}"#),
        (r#"{"id":1}"#, "/params/credentials", r#"{"id":1,"params":{"credentials":9}}"#),
        (r#"{"p\u0061rams":{"\u0061":"x"}}"#, "/params/a", r#"{"p\u0061rams":{"\u0061":9}}"#),
        (r#"{"a/b":1,"c~d":{"e":{}}}"#, "/a~1b", r#"{"a/b":9,"c~d":{"e":{}}}"#),
        (r#"{"a/b":1,"c~d":{"e":{}}}"#, "/c~0d/e", r#"{"a/b":1,"c~d":{"e":9}}"#),
        (r#"{"a":{"k":1},"k":{"a":1},"s":"{\"k\":1}"}"#, "/k", r#"{"a":{"k":1},"k":9,"s":"{\"k\":1}"}"#),
        ("{\"ü\":\"日\",\"x\":null}", "/ü", "{\"ü\":9,\"x\":null}"),
        (r#"{"x":1}"#, "/q\"\\~1", r#"{"x":1,"q\"\\/":9}"#),
        (r#"{"dup":1,"dup":2,"a":0}"#, "/a", r#"{"dup":1,"dup":2,"a":9}"#),
        (r#"{"0":{"1":1}}"#, "/0/1", r#"{"0":{"1":9}}"#),
        (r#"{"x":"\ud800","a":1}"#, "/a", r#"{"x":"\ud800","a":9}"#),
    ] {
        assert_eq!(one(body, pointer, "9").as_deref(), Ok(expected), "{body} {pointer}");
    }
}

#[test]
fn several_values_are_put_in_one_after_the_other() {
    let values = [at("/auth/user", "\"u\""), at("/auth/key", " {\"k\": [1]} "), at("/auth/user", "\"v\"")];
    let injected = inject(br#"{"x":1}"#, &values).unwrap();
    assert_eq!(std::str::from_utf8(&injected), Ok(r#"{"x":1,"auth":{"user":"v","key":{"k": [1]}}}"#));
    assert_eq!(inject(b"not json", &[]), Ok(b"not json".to_vec()));
}

#[test]
fn a_duplicate_on_the_way_is_refused_because_it_could_win() {
    for (body, pointer, at) in [
        (r#"{"a":1,"a":2}"#, "/a", "/a"),
        (r#"{"a":1,"\u0061":2}"#, "/a", "/a"),
        (r#"{"a":{},"b":1,"a":{}}"#, "/a/x", "/a"),
        (r#"{"Access_Token":"mine"}"#, "/access_token", "/access_token"),
        (r#"{"params":{},"PARAMS":{}}"#, "/params/x", "/params"),
        (r#"{"p":{"a~/":1,"a~/":2}}"#, "/p/a~0~1", "/p/a~0~1"),
    ] {
        assert_eq!(one(body, pointer, "9"), Err(JsonBodyError::Duplicate { at: at.into() }), "{body}");
    }
}

#[test]
fn a_parent_that_is_no_object_is_refused() {
    for (body, pointer, at) in [
        ("[]", "/a", "top level"),
        ("null", "/a", "top level"),
        (" \"x\" ", "/a", "top level"),
        (r#"{"a":[{"b":1}]}"#, "/a/0", "/a"),
        (r#"{"a":{"b":null}}"#, "/a/b/c", "/a/b"),
        (r#"{"a":"{}"}"#, "/a/b", "/a"),
    ] {
        let expected = JsonBodyError::NotAnObject { at: at.into(), pointer: pointer.parse().unwrap() };
        assert_eq!(one(body, pointer, "9"), Err(expected), "{body}");
    }
}

#[test]
fn what_is_not_json_is_refused_with_its_place() {
    for (body, line, column) in [
        ("{\"a\":1,}", 1, 8),
        ("{\n\"a\" 1}", 2, 5),
        (" ", 1, 1),
        ("{}{}", 1, 3),
        ("{a:1}", 1, 2),
        ("{\"a\":01}", 1, 7),
    ] {
        assert_eq!(one(body, "/a", "9"), Err(JsonBodyError::NotJson { line, column }), "{body:?}");
    }
    for body in
        ["{\"a\":NaN}", "{'a':1}", "{\"a\":1", "\u{feff}{}", "{\"a\":\"\n\"}", "{\"a\":\"\\x\"}", "a=1&b=2"]
    {
        assert!(matches!(one(body, "/a", "9"), Err(JsonBodyError::NotJson { .. })), "{body:?}");
    }
    assert_eq!(inject(b"{\"\xff\":1}", &[at("/a", "9")]), Err(JsonBodyError::NotUtf8 { at: 2 }));
    assert!(matches!(one(r#"{"\ud800":1}"#, "/a", "9"), Err(JsonBodyError::UnreadableKey { .. })));
}

#[test]
fn an_injected_text_is_one_json_value_or_nothing() {
    for value in ["", "1,\"admin\":true", "1}", "token", "\"a", "1 2", "\"\u{1}\""] {
        assert!(matches!(one("{}", "/a", value), Err(JsonBodyError::NotAJsonValue { .. })), "{value:?}");
        if let Err(error) = one("{}", "/a", value) {
            assert!(value.is_empty() || !error.to_string().contains(&format!(" {value} ")), "{error}");
        }
    }
}

#[test]
fn depth_does_not_exhaust_the_stack() {
    let deep = format!("{{\"x\":{}{},\"a\":1}}", "[".repeat(100_000), "]".repeat(100_000));
    assert!(one(&deep, "/a", "9").unwrap().ends_with(",\"a\":9}"));
}

#[test]
fn the_name_that_the_json_library_keeps_for_itself_is_a_name_like_any_other() {
    let name = "$serde_json::private::RawValue";
    let expected = format!("{{\"{name}\":9}}");
    assert_eq!(one("", &format!("/{name}"), "9"), Ok(expected));
    assert_eq!(injecting_reads_like_setting(b"", &format!("/{name}"), ""), Ok(()));
}

#[test]
fn pointers_are_read_and_written() {
    for text in ["/a", "/a/b", "/a~1b/~0", "/~01", "/0", "/ü ", "/\""] {
        assert_eq!(text.parse::<Pointer>().unwrap().to_string(), text);
    }
    assert_eq!("/~01/a~1b".parse::<Pointer>().unwrap().tokens(), ["~1", "a/b"]);
    // Deeper objects are refused by common JSON readers, ours among them, and writing them takes a stack.
    assert!("/a".repeat(64).parse::<Pointer>().is_ok());
    assert_eq!("/a".repeat(65).parse::<Pointer>(), Err(InvalidPointer));
    for text in ["", "a", "/", "/a/", "//a", "/a~", "/~2", "/~~1", "#/a", "$.a"] {
        assert_eq!(text.parse::<Pointer>(), Err(InvalidPointer), "{text:?}");
    }
}

/// JSON texts with free white space and unusual spellings of numbers and strings; keys are `a`, `b`, `c`.
fn json() -> impl Strategy<Value = String> {
    let leaf = prop::sample::select(vec![
        "1.50",
        "-0",
        "1E+3",
        "true",
        "null",
        "\"x\\u0041\\/\"",
        "\"{\\\"a\\\":1}\"",
        "[ ]",
        "{ }",
        "{\n}",
    ]);
    leaf.prop_map(str::to_owned).prop_recursive(4, 24, 4, |inner| {
        let space = || prop::sample::select(vec!["", " ", "\n\t"]);
        let key = prop::sample::select(vec!["\"a\"", "\"b\"", "\"c\"", "\"\\u0061\"", "\"a b\""]);
        let member = (space(), key, space(), space(), inner.clone(), space())
            .prop_map(|(s1, key, s2, s3, value, s4)| format!("{s1}{key}{s2}:{s3}{value}{s4}"));
        prop_oneof![
            4 => prop::collection::vec(member, 1..4).prop_map(|members| format!("{{{}}}", members.join(","))),
            1 => prop::collection::vec(inner, 1..3).prop_map(|values| format!("[{}]", values.join(" , "))),
        ]
    })
}

fn pointer() -> impl Strategy<Value = String> {
    prop::sample::select(vec!["/a", "/b", "/a/b", "/a/a", "/c/a/b", "/new", "/a/new/er", "/a b"])
        .prop_map(str::to_owned)
}

proptest! {
    #[test]
    fn the_result_reads_like_a_value_set_in_the_body(body in json(), pointer in pointer(), value in "\\PC{0,8}") {
        prop_assert_eq!(injecting_reads_like_setting(body.as_bytes(), &pointer, &value), Ok(()));
    }

    #[test]
    fn bytes_outside_of_the_place_are_the_same(
        before in json(), old in json(), after in json(), inside in any::<bool>(), space in prop::sample::select(vec!["", " ", "\n"]),
    ) {
        let (body, pointer) = if inside {
            (format!("{space}{{\"x\":{before},\"o\":{{\"k\"{space}:{old}{space},\"y\":{after}}}{space}}}"), "/o/k")
        } else {
            (format!("{space}{{\"x\":{before},\"k\":{space}{old},\"y\":{after}{space}}}{space}"), "/k")
        };
        let place = body.find("\"k\"").unwrap();
        let place = place + body[place..].find(&old).unwrap();
        let expected = format!("{}\"new\"{}", &body[..place], &body[place + old.len()..]);
        // The generated parts may hold no `"k"`, so the first one is ours.
        prop_assert_eq!(one(&body, pointer, "\"new\""), Ok(expected));
    }

    #[test]
    fn an_added_member_leaves_every_byte_in_place(body in json()) {
        if let Ok(result) = one(&body, "/new", "9") {
            let added = if result.contains(",\"new\":9") { ",\"new\":9" } else { "\"new\":9" };
            prop_assert_eq!(result.replacen(added, "", 1), body);
        }
    }

    #[test]
    fn any_bytes_are_refused_or_read_alike(body in prop::collection::vec(any::<u8>(), 0..24), text in "[{}\\[\\]\":,a-c0-9 \\\\u]{0,24}") {
        prop_assert_eq!(injecting_reads_like_setting(&body, "/a/b", "v"), Ok(()));
        prop_assert_eq!(injecting_reads_like_setting(text.as_bytes(), "/a", "v"), Ok(()));
    }

    #[test]
    fn every_value_is_read_back(body in json(), value in json()) {
        if let Ok(result) = one(&body, "/n", &value) {
            let read: Value = serde_json::from_str(&result).unwrap();
            prop_assert_eq!(&read["n"], &serde_json::from_str::<Value>(&value).unwrap());
        }
    }
}
