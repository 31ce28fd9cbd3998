use passthrough_core::fault::Door;
use passthrough_core::upstream::RequestBody;

use super::*;

fn converted(json: &str) -> Converted {
    PassthroughRequest::parse(json.as_bytes()).unwrap().convert(Door::Envelope, || [7; 16]).unwrap()
}

fn body(json: &str) -> (String, Option<String>) {
    match converted(json).request.body {
        RequestBody::Bytes { bytes, content_type } => (
            String::from_utf8(bytes.to_vec()).unwrap(),
            content_type.map(|value| value.to_str().unwrap().to_owned()),
        ),
        other => panic!("{other:?}"),
    }
}

fn errors(json: &str) -> Vec<String> {
    let parsed = PassthroughRequest::parse(json.as_bytes());
    let errors = match parsed {
        Ok(request) => request.convert(Door::Envelope, || [0; 16]).unwrap_err(),
        Err(errors) => errors,
    };
    errors.into_iter().map(|error| format!("{}: {}", error.path, error.message)).collect()
}

#[test]
fn a_string_body_is_bytes_and_any_other_is_json_as_it_stands() {
    assert_eq!(body(r#"{"method":"POST","path":"/a","body":"{\"n\":1}"}"#), (r#"{"n":1}"#.into(), None));
    assert_eq!(
        body(r#"{"method":"POST","path":"/a","body": {"n": 1.10, "big":12345678901234567890 } }"#),
        (r#"{"n": 1.10, "big":12345678901234567890 }"#.into(), Some("application/json".into()))
    );
    assert_eq!(body(r#"{"method":"POST","path":"/a","body":"aGk=","bodyEncoding":"base64"}"#).0, "hi");
    assert_eq!(body(r#"{"method":"POST","path":"/a","body":""}"#).0, "");
    assert!(matches!(
        converted(r#"{"method":"POST","path":"/a","body":null}"#).request.body,
        RequestBody::Absent
    ));
}

#[test]
fn query_values_keep_their_text_and_arrays_repeat_the_key() {
    let request =
        converted(r#"{"method":"GET","path":"/a?x=1","query":{"n":1.10,"t":[true,"a b"],"no":null}}"#);
    assert_eq!(request.request.path.path_and_query(), "/a?x=1&n=1.10&t=true&t=a%20b");
}

#[test]
fn forms_keep_order_and_repetition() {
    let (form, content_type) =
        body(r#"{"method":"POST","path":"/a","form":[["b","1 2"],["a","ü"],["b","&"]]}"#);
    assert_eq!(form, "b=1+2&a=%C3%BC&b=%26");
    assert_eq!(content_type.as_deref(), Some("application/x-www-form-urlencoded"));
    assert_eq!(body(r#"{"method":"POST","path":"/a","form":{"b":[1,2],"a":true}}"#).0, "b=1&b=2&a=true");
}

#[test]
fn multipart_parts_cannot_break_out_of_their_quotes() {
    let json = r#"{"method":"POST","path":"/a","multipart":[
        {"name":"a\"\r\nX: y","value":"1"},
        {"name":"f","base64":"aGk=","filename":"../../etc/passwd","contentType":"text/plain"}]}"#;
    insta::assert_snapshot!(body(json).0.replace("\r\n", "\n"), @r#"
    --passthrough-07070707070707070707070707070707
    Content-Disposition: form-data; name="a%22%0D%0AX: y"

    1
    --passthrough-07070707070707070707070707070707
    Content-Disposition: form-data; name="f"; filename="../../etc/passwd"
    Content-Type: text/plain

    hi
    --passthrough-07070707070707070707070707070707--
    "#);
}

#[test]
fn mistakes_are_named() {
    assert_eq!(
        errors(r#"{"method":"FETCH","path":5,"boddy":"x","query":{"a":{}},"form":3}"#),
        [
            "method: must be one of `GET`, `HEAD`, `OPTIONS`, `POST`, `PUT`, `PATCH`, `DELETE`",
            "path: must be a string",
            "query.a: must be a string, number or boolean, or an array of them",
            "form: must be an object, or an array of [name, value]",
            "boddy: unknown field; did you mean `body`?",
        ]
    );
    assert_eq!(
        errors(r#"{"method":"POST","path":"/a","body":"x","form":{}}"#),
        ["body: give at most one of `body`, `form` and `multipart`"]
    );
    assert_eq!(
        errors(r#"{"method":"POST","path":"/a","multipart":[{"name":"a"}]}"#),
        ["multipart[0].value: give either `value` or `base64`"]
    );
    assert_eq!(errors(r#"{"method":"GET","path":"/../x"}"#).len(), 1);
}

#[test]
fn terminal_ignores_what_it_does_not_know() {
    let json = br#"{"method":"POST","path":"/a","body":"x","query":{"a":1},"whatever":{}}"#;
    let request = PassthroughRequest::parse_terminal(json).unwrap();
    assert_eq!(request.query, Pairs::default());
    assert!(PassthroughRequest::parse_terminal(br#"{"method":"HEAD","path":"/a"}"#).is_err());
    assert!(PassthroughRequest::parse_terminal(br#"{"method":"POST","path":"/a","body":{}}"#).is_err());
}

#[test]
fn headers_that_come_twice_are_an_array_under_their_first_spelling() {
    let pairs = [("Set-Cookie", "a"), ("X-A", "1"), ("set-cookie", "b")];
    let grouped = group_headers(pairs.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())));
    assert_eq!(serde_json::to_string(&grouped).unwrap(), r#"{"Set-Cookie":["a","b"],"X-A":"1"}"#);
}
