//! Panora's dialect: a program written with its SDKs works by changing the server's URL.

use bytes::Bytes;
use http::{HeaderValue, Response as HttpResponse};
use http_body_util::Full;
use passthrough_testkit::echo::EchoProvider;
use passthrough_testkit::http::{Response, send};
use passthrough_testkit::program::{Connected, Engine, Program, canary};
use serde_json::{Value, json as value};

use crate::rig::Caller;
use crate::support::{
    Shop, ask, bearer_provider, failure, json, on_both_databases, paths, record, setup, shop, shop_and_away,
    shop_set_up, shop_with,
};

on_both_databases! {
    a_call_has_panora_s_form_and_the_answer_is_an_object
    any_answer_of_the_provider_is_a_200_with_an_object
    data_is_json_or_the_parts_of_a_form
    a_base_url_is_one_of_the_provider_s_or_refused
    only_x_api_key_is_a_credential
    the_bytes_of_panora_s_typescript_sdk_are_understood
    a_failure_has_panora_s_form_and_ours
    below_the_prefix_is_the_same_dialect
    a_call_is_limited_recorded_and_counted_like_any_other
    connections_are_listed_without_a_secret_or_a_null
    linked_users_are_the_external_ids_of_connections
    linked_users_are_made_once_whoever_makes_them
    several_linked_users_are_made_together_or_not_at_all
    a_list_is_bounded_and_says_where_it_goes_on
}

/// A request as Panora's SDKs make it, with more headers or without some.
async fn panora(program: &Program, method: &str, path: &str, more: &[(&str, &str)], body: &str) -> Response {
    let mut headers = vec![("x-api-key", program.key.as_str()), ("accept", "application/json")];
    headers.extend(more);
    ask(program, method, path, &headers, body).await
}

impl Shop {
    /// `POST /passthrough`, whatever comes of it.
    async fn panora(&self, request: &Value) -> Response {
        let token = [("x-connection-token", self.connection.token.as_str())];
        panora(&self.program, "POST", "/passthrough", &token, &request.to_string()).await
    }

    /// The object of an answer.
    async fn object(&self, request: &Value) -> Value {
        let response = self.panora(request).await;
        assert_eq!(response.status, 200, "{}", response.text());
        assert_eq!(response.header("content-type"), Some("application/json"));
        json(&response)
    }
}

/// Checks what failures have here and nowhere else, and gives the body.
#[track_caller]
fn refused(response: &Response, status: u16, code: &str, path: &str) -> Value {
    let body = failure(response, status, code);
    assert_eq!((&body["statusCode"], &body["path"]), (&value!(status), &value!(path)), "{body}");
    let timestamp = body["timestamp"].as_str().unwrap();
    assert!(timestamp.ends_with('Z') && timestamp.len() == "2026-01-31T12:00:00.000Z".len(), "{timestamp}");
    body
}

async fn a_call_has_panora_s_form_and_the_answer_is_an_object(engine: Engine) {
    let shop = shop(engine).await;
    for method in ["GET", "HEAD", "OPTIONS", "POST", "PUT", "PATCH", "DELETE"] {
        let request = value!({
            "method": method, "path": "/dev?a=1", "data": { "n": 1 }, "request_format": "JSON",
            "overrideBaseUrl": null,
            "headers": { "X-Own": "mine", "Authorization": "Bearer stolen", "x-api-key": shop.program.key },
        });
        let answer = shop.object(&request).await;
        let names: Vec<_> = answer.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["status", "statusText", "headers", "data"]);
        assert_eq!((&answer["status"], &answer["statusText"]), (&value!(200), &value!("OK")));
        assert_eq!(answer["headers"]["content-type"], "application/json");
        let data = if method == "HEAD" { value!("") } else { value!("/base/dev?a=1") };
        assert_eq!(answer["data"].get("target").unwrap_or(&answer["data"]), &data);
        let seen = shop.provider.last();
        assert_eq!((seen.method.as_str(), seen.target.as_str()), (method, "/base/dev?a=1"));
        assert_eq!(seen.header("x-own"), ["mine"]);
        assert_eq!(seen.header("authorization"), [format!("Bearer {}", shop.api_key)]);
        assert_eq!(seen.header("content-type"), ["application/json"]);
        assert_eq!(seen.body, r#"{"n":1}"#);
        for ours in ["x-api-key", "x-connection-token", "cookie"] {
            assert!(seen.header(ours).is_empty(), "{ours}");
        }
    }
    shop.program.finish().await;
}

/// Answers with the status and body that the path names: `/404/json`.
async fn answers() -> EchoProvider {
    EchoProvider::answering(|seen| {
        let parts: Vec<&str> = seen.target.split('/').collect();
        let (kind, body): (_, &[u8]) = match parts[3] {
            "object" => ("application/json", br#"{"a":[1.10,12345678901234567890]}"#),
            "array" => ("application/vnd.api+json", b"[1,2]"),
            "null" => ("application/json", b"null"),
            "number" => ("application/json", b"7.0"),
            "broken" => ("application/json", b"{"),
            "text" => ("text/plain; charset=iso-8859-1", b"gr\xfc\xdf"),
            "xml" => ("application/xml", b"<a>1</a>"),
            "binary" => ("image/png", b"\x89PNG\x00\xff"),
            _ => ("application/json", b""),
        };
        let mut response = HttpResponse::new(Full::new(Bytes::from_static(body)));
        *response.status_mut() = parts[2].parse().unwrap();
        let headers = response.headers_mut();
        headers.insert("Content-Type", kind.parse().unwrap());
        headers.insert("Retry-After", HeaderValue::from_static("7"));
        headers.insert("Location", HeaderValue::from_static("https://elsewhere.example/"));
        headers.append("Set-Cookie", HeaderValue::from_static("a=1"));
        headers.append("Set-Cookie", HeaderValue::from_static("b=2"));
        response
    })
    .await
}

async fn any_answer_of_the_provider_is_a_200_with_an_object(engine: Engine) {
    let shop = shop_with(engine, answers().await).await;
    for (status, words, kind, expected) in [
        (200, "OK", "object", r#"{"a":[1.10,12345678901234567890]}"#),
        (201, "Created", "array", "[1,2]"),
        (202, "Accepted", "null", "null"),
        (204, "No Content", "empty", "\"\""),
        (299, "", "number", "7.0"),
        (302, "Found", "empty", "\"\""),
        (304, "Not Modified", "empty", "\"\""),
        (400, "Bad Request", "broken", "\"{\""),
        (401, "Unauthorized", "text", "\"grüß\""),
        (404, "Not Found", "xml", "\"<a>1</a>\""),
        (418, "I'm a teapot", "binary", "\"iVBORwD/\""),
        (429, "Too Many Requests", "object", r#"{"a":[1.10,12345678901234567890]}"#),
        (500, "Internal Server Error", "text", "\"grüß\""),
        (503, "Service Unavailable", "empty", "\"\""),
    ] {
        let response = shop.panora(&value!({ "method": "POST", "path": format!("/{status}/{kind}") })).await;
        assert_eq!(response.status, 200, "{}", response.text());
        assert_eq!(response.header("passthrough-source"), Some("envelope"));
        assert_eq!(response.header("retry-after"), None, "it is the provider's, and inside");
        let answer = json(&response);
        assert_eq!((&answer["status"], &answer["statusText"]), (&value!(status), &value!(words)));
        assert_eq!(answer["headers"]["retry-after"], "7");
        assert_eq!(answer["headers"]["location"], "https://elsewhere.example/");
        assert_eq!(answer["headers"]["set-cookie"], value!(["a=1", "b=2"]));
        let text = response.text();
        assert!(text.ends_with(&format!("\"data\":{expected}}}")), "{status} {kind}: {text}");
    }
    shop.program.finish().await;
}

async fn data_is_json_or_the_parts_of_a_form(engine: Engine) {
    let shop = shop(engine).await;
    // SDKs send an empty object with whatever they send.
    for (method, data, sent) in [
        ("GET", value!({}), ""),
        ("HEAD", value!({}), ""),
        ("DELETE", value!({}), ""),
        ("POST", value!({}), "{}"),
        ("PATCH", value!({}), "{}"),
        ("PUT", value!([1, 2]), "[1,2]"),
        ("POST", value!("as it is"), "as it is"),
        ("POST", Value::Null, ""),
    ] {
        for format in [Value::Null, value!("JSON"), value!({}), value!([]), value!([{}]), value!({ "a": 1 })]
        {
            shop.object(&value!({ "method": method, "path": "/", "data": data, "request_format": format }))
                .await;
            let seen = shop.provider.last();
            assert_eq!(seen.body, sent, "{method} {data} {format}");
            let kind: &[&str] = if sent.is_empty() || data.is_string() { &[] } else { &["application/json"] };
            assert_eq!(seen.header("content-type"), kind);
        }
    }
    // Numbers stay what they are.
    let raw = r#"{"method":"POST","path":"/","data":{"n": 1.10, "m": 12345678901234567890}}"#;
    let token = [("x-connection-token", shop.connection.token.as_str())];
    assert_eq!(panora(&shop.program, "POST", "/passthrough", &token, raw).await.status, 200);
    assert_eq!(shop.provider.last().body, r#"{"n": 1.10, "m": 12345678901234567890}"#);

    let parts = value!([
        { "name": "note", "data": "ä" },
        { "name": "file", "data": "iVBORwD/", "encoding": "BASE64", "file_name": "/etc/passwd" },
        { "name": "quoted\"\r\n", "data": "", "encoding": null, "file_name": null },
    ]);
    let request = value!({ "method": "POST", "path": "/", "data": parts, "request_format": "MULTIPART" });
    shop.object(&request).await;
    let seen = shop.provider.last();
    let kind = seen.header("content-type")[0];
    let boundary = kind.strip_prefix("multipart/form-data; boundary=").unwrap();
    let mut expected = Vec::new();
    for (head, content) in [
        ("name=\"note\"", "ä".as_bytes()),
        ("name=\"file\"; filename=\"/etc/passwd\"", b"\x89PNG\x00\xff"),
        ("name=\"quoted%22%0D%0A\"", b""),
    ] {
        expected.extend(format!("--{boundary}\r\nContent-Disposition: form-data; {head}\r\n\r\n").bytes());
        expected.extend([content, b"\r\n"].concat());
    }
    expected.extend(format!("--{boundary}--\r\n").bytes());
    assert_eq!(seen.body, expected);

    let before = shop.provider.seen().len();
    for (format, data, place) in [
        (value!("MULTIPART"), value!({}), "data"),
        (value!("MULTIPART"), Value::Null, "data"),
        (value!("MULTIPART"), value!([{ "name": "a" }]), "data.[0]"),
        (value!("MULTIPART"), value!([{ "name": "a", "data": "%", "encoding": "BASE64" }]), "data[0].data"),
        (value!("MULTIPART"), value!([{ "name": "a", "data": "", "encoding": "HEX" }]), "data.[0].encoding"),
        (value!("MULTIPART"), value!([{ "name": "a", "data": "", "path": "/etc/passwd" }]), "data.[0].path"),
        (value!("XML"), value!({}), "request_format"),
        (value!(1), value!({}), "request_format"),
    ] {
        let request = value!({ "method": "POST", "path": "/", "data": data, "request_format": format });
        let body = refused(&shop.panora(&request).await, 400, "bad_request", "/passthrough");
        assert_eq!(paths(&body), [place], "{body}");
    }
    assert_eq!(shop.provider.seen().len(), before);
    shop.program.finish().await;
}

async fn a_base_url_is_one_of_the_provider_s_or_refused(engine: Engine) {
    let (main, upload) = (EchoProvider::start().await, EchoProvider::start().await);
    let file = format!("base_urls.upload = \"{}/up\"\n{}", upload.url(), bearer_provider(&main.url()));
    let mut program = setup(engine).provider("shop", &file).start().await;
    let request = value!({ "provider": "shop", "credentials": { "api_key": canary("key") } });
    let connection = program.connect(&request.to_string()).await;
    let ask = async |base: Value| {
        let request = value!({ "method": "GET", "path": "/x", "overrideBaseUrl": base }).to_string();
        let token = [("x-connection-token", connection.token.as_str())];
        panora(&program, "POST", "/passthrough", &token, &request).await
    };
    for none in [Value::Null, value!({}), value!(main.url()), value!(format!("{}/", main.url()))] {
        assert_eq!(json(&ask(none).await)["data"]["target"], "/x");
    }
    assert_eq!(json(&ask(value!(format!("{}/up", upload.url()))).await)["data"]["target"], "/up/x");
    assert_eq!((main.seen().len(), upload.seen().len()), (4, 1));
    for other in [
        value!("https://evil.example"),
        value!(upload.url()),
        value!(format!("{}/up/more", upload.url())),
        value!(format!("{}@evil.example", main.url())),
        value!("upload"),
        value!(""),
        value!({ "a": 1 }),
        value!([]),
        value!(7),
    ] {
        let body = refused(&ask(other).await, 400, "bad_request", "/passthrough");
        assert_eq!(paths(&body), ["overrideBaseUrl"], "{body}");
    }
    assert_eq!((main.seen().len(), upload.seen().len()), (4, 1));
    program.finish().await;
}

async fn only_x_api_key_is_a_credential(engine: Engine) {
    let mut shop = shop(engine).await;
    let stranger = shop.program.create_key("other");
    let (program, token) = (&shop.program, shop.connection.token.as_str());
    let bearer = format!("Bearer {}", program.key);
    let another = format!("Bearer {stranger}");
    // What "sk_…:" is in base64 would be a credential to whoever reads it.
    let basic = format!("Basic {}", data_encoding::BASE64.encode(format!("{}:", program.key).as_bytes()));
    let body = r#"{"method":"GET","path":"/x"}"#;
    let post = async |headers: &[(&str, &str)]| {
        let mut headers = headers.to_vec();
        headers.push(("x-connection-token", token));
        ask(program, "POST", "/passthrough", &headers, body).await
    };
    let key = ("x-api-key", program.key.as_str());
    for fine in [
        &[key][..],
        &[key, ("authorization", "Basic Og=="), ("cookie", "")],
        &[key, ("authorization", bearer.as_str())],
        &[key, ("authorization", "Digest nonsense")],
    ] {
        assert_eq!(post(fine).await.status, 200);
    }
    for headers in [
        &[][..],
        &[("authorization", "Basic Og==")],
        &[("authorization", basic.as_str())],
        &[("authorization", bearer.as_str())],
        &[("x-api-key", "")],
        &[("x-api-key", "sk_wrong")],
        &[("cookie", program.key.as_str())],
    ] {
        refused(&post(headers).await, 401, "unauthorized", "/passthrough");
    }
    for (headers, place) in [
        (&[key, ("authorization", another.as_str())][..], "headers.authorization"),
        (&[key, ("authorization", "Bearer x")], "headers.authorization"),
        (&[key, key], "headers.x-api-key"),
        (&[key, ("connection-token", "con_tkn_other")], "headers.connection-token"),
    ] {
        let body = refused(&post(headers).await, 400, "bad_request", "/passthrough");
        assert_eq!(paths(&body), [place]);
        // At the other doors of the dialect it is the same.
        if place != "headers.connection-token" {
            let listed = ask(program, "GET", "/linked_users", headers, "").await;
            assert_eq!(paths(&refused(&listed, 400, "bad_request", "/linked_users")), [place]);
        }
    }
    // The key of another environment finds no connection here.
    refused(&post(&[("x-api-key", &stranger)]).await, 404, "not_found", "/passthrough");
    assert_eq!(shop.provider.seen().len(), 4);
    // At our own doors it is no credential.
    failure(&ask(program, "GET", "/v1/connections", &[key], "").await, 401, "unauthorized");
    shop.program.finish().await;
}

async fn the_bytes_of_panora_s_typescript_sdk_are_understood(engine: Engine) {
    let shop = shop(engine).await;
    let (host, key, token) =
        (shop.program.url.strip_prefix("http://").unwrap(), &shop.program.key, &shop.connection.token);
    // Version 0.11.0, with the example of its page: no user name and no password, and no cookie.
    for (body, target) in [
        (r#"{"method":"GET","path":"/dev"}"#, "/base/dev"),
        (r#"{"method":"GET","path":"/usr/src"}"#, "/base/usr/src"),
        (
            r#"{"method":"GET","path":"/dev","data":{},"headers":{},"request_format":{},"overrideBaseUrl":{}}"#,
            "/base/dev",
        ),
    ] {
        let mut caller = Caller::connect(&shop.program).await;
        let request = format!(
            "POST /passthrough HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n\
             content-type: application/json\r\naccept: application/json\r\ncookie: \r\n\
             user-agent: speakeasy-sdk/typescript 0.11.0 2.412.0 1.0 @panora/sdk\r\nx-api-key: {key}\r\n\
             authorization: Basic Og==\r\nx-connection-token: {token}\r\naccept-language: *\r\n\
             sec-fetch-mode: cors\r\naccept-encoding: gzip, deflate\r\ncontent-length: {}\r\n\r\n{body}",
            body.len(),
        );
        caller.write(request.as_bytes()).await;
        let answer = caller.rest().await;
        // It accepts nothing but 200 with JSON.
        assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
        assert!(answer.to_ascii_lowercase().contains("\r\ncontent-type: application/json\r\n"), "{answer}");
        let seen = shop.provider.last();
        assert_eq!((seen.target.as_str(), seen.body.len()), (target, 0));
        assert_eq!(seen.header("authorization"), [format!("Bearer {}", shop.api_key)]);
    }
    shop.program.finish().await;
}

async fn a_failure_has_panora_s_form_and_ours(engine: Engine) {
    let (Shop { program, connection, provider: _there, .. }, away) = shop_and_away(engine).await;
    let post = async |connection: &Connected, body: &str| {
        let token = [("x-connection-token", connection.token.as_str())];
        panora(&program, "POST", "/passthrough", &token, body).await
    };
    for (body, places) in [
        ("{", &[""][..]),
        ("[]", &[""]),
        ("", &["method", "path"]),
        (r#"{"path":"/x"}"#, &["method"]),
        (r#"{"method":"GET","path":null}"#, &["path"]),
        (r#"{"method":"get","path":"/x"}"#, &["method"]),
        (r#"{"method":"TRACE","path":"/x"}"#, &["method"]),
        (r#"{"method":"GET","path":"https://elsewhere.example/"}"#, &["path"]),
        (r#"{"method":"GET","path":"//evil"}"#, &["path"]),
        (r#"{"method":"GET","path":"/a/../b"}"#, &["path"]),
        (r#"{"method":"GET","path":"/x","headers":"a"}"#, &["headers"]),
        (r#"{"method":"GET","path":"/x","headers":{"host":"evil"}}"#, &[]),
        (r#"{"method":"GET","path":"/x","body":"x"}"#, &["body"]),
        (r#"{"method":"GET","path":"/x","method":"POST"}"#, &["method"]),
    ] {
        let response = post(&connection, body).await;
        if places.is_empty() {
            assert_eq!(response.status, 200, "dropped, as at every door");
            continue;
        }
        let body = refused(&response, 400, "bad_request", "/passthrough");
        assert_eq!(paths(&body), places, "{body}");
    }
    let fine = r#"{"method":"GET","path":"/x"}"#;
    let body = refused(
        &panora(&program, "POST", "/passthrough", &[], fine).await,
        400,
        "bad_request",
        "/passthrough",
    );
    assert_eq!(paths(&body), ["headers.connection-token"]);
    for token in ["con_tkn_nonsense", "x"] {
        let nothing = Connected { id: String::new(), token: token.to_owned() };
        refused(&post(&nothing, fine).await, 404, "not_found", "/passthrough");
    }
    let body = refused(&post(&away, fine).await, 502, "bad_gateway", "/passthrough");
    assert_eq!((&body["detail"]["reason"], &body["sent"]), (&value!("connect"), &value!("no")));
    let own = format!("/v1/connections/{}", connection.id);
    program.api("PATCH", &own, r#"{"status":"archived"}"#).await;
    refused(&post(&connection, fine).await, 422, "unprocessable_entity", "/passthrough");

    for (method, path, status, code) in [
        ("GET", "/passthrough", 405, "method_not_allowed"),
        ("DELETE", "/connections", 405, "method_not_allowed"),
        ("PUT", "/linked_users/user_x", 405, "method_not_allowed"),
        ("GET", "/passthrough/d3adbeef", 404, "not_found"),
        ("GET", "/linked_users/user_01M805WPJ4HBFXVGMF6D2G2PTS", 404, "not_found"),
        ("GET", "/linked_users/nonsense", 404, "not_found"),
        ("GET", "/linked_users/%ff", 404, "not_found"),
    ] {
        let response = panora(&program, method, path, &[], "").await;
        refused(&response, status, code, path);
        if status == 405 {
            assert!(response.header("allow").is_some());
        } else if !path.contains('%') {
            refused(&ask(&program, method, path, &[], "").await, 401, "unauthorized", path);
        }
    }
    // What is not of the dialect has no form of its own at the root.
    failure(&panora(&program, "GET", "/projects", &[], "").await, 404, "not_found");
    program.finish().await;
}

async fn below_the_prefix_is_the_same_dialect(engine: Engine) {
    let shop = shop(engine).await;
    for prefix in ["", "/panora"] {
        let hello = ask(&shop.program, "GET", &format!("{prefix}/"), &[], "").await;
        assert_eq!((hello.status.as_u16(), hello.text().is_empty()), (200, false));
        assert_eq!(hello.header("content-type"), Some("text/plain; charset=utf-8"));
        let health = ask(&shop.program, "GET", &format!("{prefix}/health"), &[], "").await;
        assert_eq!(
            (health.header("content-type"), health.text()),
            (Some("application/json"), "200".to_owned())
        );
        let path = format!("{prefix}/passthrough");
        let token = [("x-connection-token", shop.connection.token.as_str())];
        let body = r#"{"method":"GET","path":"/dev"}"#;
        let answer = panora(&shop.program, "POST", &path, &token, body).await;
        assert_eq!(json(&answer)["data"]["target"], "/base/dev");
        refused(&ask(&shop.program, "POST", &path, &token, body).await, 401, "unauthorized", &path);
        let users = panora(&shop.program, "GET", &format!("{prefix}/linked_users"), &[], "").await;
        assert_eq!(json(&users), value!([]));
    }
    assert_eq!(ask(&shop.program, "GET", "/panora", &[], "").await.status, 200);
    // The SDKs have calls for much else.
    for path in ["/panora/projects", "/panora/crm/contacts", "/panora/linked_users/a/b"] {
        refused(&panora(&shop.program, "GET", path, &[], "").await, 404, "not_found", path);
    }
    shop.program.finish().await;
}

async fn a_call_is_limited_recorded_and_counted_like_any_other(engine: Engine) {
    let setup = setup(engine)
        .variable("PASSTHROUGH_LIMITS__RATE_PER_CONNECTION", "2/h")
        .variable("PASSTHROUGH_LIMITS__ENVELOPE_REQUEST_BYTES", "1024");
    let shop = shop_set_up(setup, EchoProvider::start().await).await;
    let first = shop.panora(&value!({ "method": "PUT", "path": "/x?q=1", "data": { "a": 1 } })).await;
    assert_eq!(first.header("ratelimit-remaining"), Some("1"));
    let kept = record(&shop.program, first.header("passthrough-request-id").unwrap()).await;
    assert_eq!(
        (&kept["door"], &kept["method"], &kept["path"], &kept["requestBytes"]),
        (&value!("panora"), &value!("PUT"), &value!("/x"), &value!(7))
    );
    let long = value!({ "method": "POST", "path": "/long", "data": "x".repeat(1025) });
    refused(&shop.panora(&long).await, 413, "payload_too_large", "/passthrough");
    let refused_one = shop.panora(&value!({ "method": "GET", "path": "//evil" })).await;
    let body = refused(&refused_one, 400, "bad_request", "/passthrough");
    let kept = record(&shop.program, body["requestId"].as_str().unwrap()).await;
    assert_eq!((&kept["door"], &kept["errorCode"]), (&value!("panora"), &value!("bad_request")));
    shop.object(&value!({ "method": "GET", "path": "/x" })).await;
    let response = shop.panora(&value!({ "method": "GET", "path": "/x" })).await;
    let body = refused(&response, 429, "too_many_requests", "/passthrough");
    assert_eq!(
        (&body["detail"]["scope"], response.header("retry-after").is_some()),
        (&value!("connection"), true)
    );
    // Options stand in headers here, too, and a misspelt one is told.
    let misspelt = [("x-connection-token", shop.connection.token.as_str()), ("Passthrough-Timeout", "1")];
    let response =
        panora(&shop.program, "POST", "/passthrough", &misspelt, r#"{"method":"GET","path":"/x"}"#).await;
    refused(&response, 400, "bad_request", "/passthrough");
    let metrics = shop.program.api("GET", "/metrics", "").await.text();
    assert!(
        metrics.lines().any(|line| line.contains("door=\"panora\"") && line.contains("2xx")),
        "{metrics}"
    );
    shop.program.finish().await;
}

async fn connections_are_listed_without_a_secret_or_a_null(engine: Engine) {
    let provider = EchoProvider::start().await;
    let mut program = setup(engine).provider("shop", &bearer_provider(&provider.url())).start().await;
    assert_eq!(json(&panora(&program, "GET", "/connections", &[], "").await), value!([]));
    let connect = async |program: &mut Program, external_id: Option<&str>| {
        let request = value!({
            "provider": "shop", "credentials": { "api_key": canary("key") }, "externalId": external_id, "name": "Ada",
        });
        let made = program.connect(&request.to_string()).await;
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
        made
    };
    let first = connect(&mut program, Some("u1")).await;
    let second = connect(&mut program, None).await;
    let path = format!("/v1/connections/{}", second.id);
    program.api("PATCH", &path, r#"{"status":"archived"}"#).await;
    let user = json(&panora(&program, "GET", "/linked_users/fromRemoteId?remoteId=u1", &[], "").await);
    let listed = panora(&program, "GET", "/connections", &[], "").await;
    assert_eq!((listed.status.as_u16(), listed.header("link")), (200, None));
    let rows = json(&listed);
    let created = |row: usize| rows[row]["created_at"].clone();
    let whole = |row: usize, connection: &Connected, status: &str, user: &Value| {
        value!({
            "id_connection": connection.id, "status": status, "provider_slug": "shop", "vertical": "",
            "account_url": "", "token_type": "apikey", "access_token": "redacted", "refresh_token": "redacted",
            "expiration_timestamp": "9999-12-31T23:59:59.999Z", "created_at": created(row),
            "connection_token": "redacted", "id_project": "default", "id_linked_user": user,
        })
    };
    let expected =
        [whole(0, &second, "archived", &value!("")), whole(1, &first, "valid", &user["id_linked_user"])];
    assert_eq!(rows, value!(expected));
    for (query, place) in
        [("?limit=0", "query.limit"), ("?cursor=x", "query.cursor"), ("?page=1", "query.page")]
    {
        let response = panora(&program, "GET", &format!("/connections{query}"), &[], "").await;
        assert_eq!(paths(&refused(&response, 400, "bad_request", "/connections")), [place]);
    }
    // Nothing of it is seen with the key of another environment.
    let stranger = program.create_key("other");
    let theirs = ask(&program, "GET", "/connections", &[("x-api-key", &stranger)], "").await;
    assert_eq!(json(&theirs), value!([]));
    refused(&ask(&program, "GET", "/connections", &[], "").await, 401, "unauthorized", "/connections");
    program.finish().await;
}

async fn linked_users_are_the_external_ids_of_connections(engine: Engine) {
    let mut shop = shop(engine).await;
    let request = value!({
        "provider": "shop", "credentials": { "api_key": shop.api_key }, "externalId": "user 1/ä",
    });
    let connection = shop.program.connect(&request.to_string()).await;
    let get = async |path: &str| panora(&shop.program, "GET", path, &[], "").await;
    let remote = "/linked_users/fromRemoteId?remoteId=user%201%2F%C3%A4";
    let found = json(&get(remote).await);
    let id = found["id_linked_user"].as_str().unwrap();
    assert!(id.starts_with("user_") && id.len() == "user_".len() + 26, "{id}");
    let whole = value!({
        "id_linked_user": id, "linked_user_origin_id": "user 1/ä", "alias": null, "id_project": "default",
    });
    assert_eq!(found, whole);
    assert_eq!(json(&get(&format!("/linked_users/{id}")).await), whole);
    assert_eq!(json(&get("/linked_users").await), value!([whole]));
    let linked_user = async || json(&get("/connections").await)[0]["id_linked_user"].clone();
    assert_eq!(linked_user().await, id);

    // Another external id is another user; the one before stays, as it does without a connection.
    let path = format!("/v1/connections/{}", connection.id);
    shop.program.api("PATCH", &path, r#"{"externalId":"user 2"}"#).await;
    let other = json(&get("/linked_users/fromRemoteId?remoteId=user%202").await)["id_linked_user"].clone();
    assert_ne!(other, id);
    assert_eq!(linked_user().await, other);
    shop.program.api("PATCH", &path, r#"{"externalId":null}"#).await;
    assert_eq!(linked_user().await, "");
    shop.program.api("DELETE", &path, "").await;
    assert_eq!(json(&get("/linked_users").await).as_array().unwrap().len(), 2);

    // One that was made before its connection is the connection's.
    let body = r#"{"linked_user_origin_id":"user 3","alias":"Ada"}"#;
    let made = json(&panora(&shop.program, "POST", "/linked_users", &[], body).await);
    let request = value!({
        "provider": "shop", "credentials": { "api_key": shop.api_key }, "externalId": "user 3",
    });
    shop.program.connect(&request.to_string()).await;
    let get = async |path: &str| panora(&shop.program, "GET", path, &[], "").await;
    assert_eq!(json(&get("/connections").await)[0]["id_linked_user"], made["id_linked_user"]);
    let again = json(&get("/linked_users/fromRemoteId?remoteId=user+3").await);
    assert_eq!(again, made);

    for (query, place) in
        [("", "query.remoteId"), ("?remoteId=", "query.remoteId"), ("?remoteId=a&b=1", "query.b")]
    {
        let path = "/linked_users/fromRemoteId";
        let response = get(&format!("{path}{query}")).await;
        assert_eq!(paths(&refused(&response, 400, "bad_request", path)), [place]);
    }
    let nobody = get("/linked_users/fromRemoteId?remoteId=nobody").await;
    refused(&nobody, 404, "not_found", "/linked_users/fromRemoteId");
    // Another environment has other users.
    let stranger = shop.program.create_key("other");
    let theirs = async |path: &str| ask(&shop.program, "GET", path, &[("x-api-key", &stranger)], "").await;
    assert_eq!(json(&theirs("/linked_users").await), value!([]));
    for path in ["/linked_users/fromRemoteId?remoteId=user+3", &format!("/linked_users/{id}")] {
        refused(&theirs(path).await, 404, "not_found", path.split('?').next().unwrap());
    }
    shop.program.finish().await;
}

async fn linked_users_are_made_once_whoever_makes_them(engine: Engine) {
    let shop = shop(engine).await;
    let program = &shop.program;
    let create = async |body: Value| panora(program, "POST", "/linked_users", &[], &body.to_string()).await;
    let made = create(value!({ "linked_user_origin_id": "u", "alias": null })).await;
    assert_eq!(made.status, 201);
    let made = json(&made);
    assert_eq!((&made["linked_user_origin_id"], &made["alias"]), (&value!("u"), &Value::Null));
    for (alias, expected) in
        [(value!("Ada"), "Ada"), (Value::Null, "Ada"), (value!("Bob"), "Bob"), (value!(""), "Bob")]
    {
        let again = create(value!({ "linked_user_origin_id": "u", "alias": alias })).await;
        let body = json(&again);
        assert_eq!((again.status.as_u16(), &body["id_linked_user"]), (201, &made["id_linked_user"]));
        assert_eq!(body["alias"], expected);
    }

    let mut race = tokio::task::JoinSet::new();
    for _ in 0..16 {
        let (url, key) = (format!("{}/linked_users", program.url), program.key.clone());
        race.spawn(async move {
            let body = r#"{"linked_user_origin_id":"raced","alias":"x"}"#;
            let made = send("POST", &url, &[("x-api-key", &key)], body).await;
            assert_eq!(made.status, 201, "{}", made.text());
            json(&made)["id_linked_user"].as_str().unwrap().to_owned()
        });
    }
    let mut ids = race.join_all().await;
    ids.dedup();
    assert_eq!(ids.len(), 1);

    for (body, place) in [
        (value!({}), "linked_user_origin_id"),
        (value!({ "linked_user_origin_id": null, "alias": "x" }), "linked_user_origin_id"),
        (value!({ "linked_user_origin_id": "" }), "linked_user_origin_id"),
        (value!({ "linked_user_origin_id": "x".repeat(501) }), "linked_user_origin_id"),
        (value!({ "linked_user_origin_id": "a\u{0}" }), "linked_user_origin_id"),
        (value!({ "linked_user_origin_id": 7 }), "linked_user_origin_id"),
        (value!({ "linked_user_origin_id": "a", "alias": 7 }), "alias"),
        (value!({ "linked_user_origin_id": "a", "alias": "x".repeat(501) }), "alias"),
        (value!({ "linked_user_origin_id": "a", "allias": "x" }), "allias"),
    ] {
        let body = refused(&create(body).await, 400, "bad_request", "/linked_users");
        assert_eq!(paths(&body), [place], "{body}");
    }
    let origins = json(&panora(program, "GET", "/linked_users", &[], "").await);
    assert_eq!(origins.as_array().unwrap().len(), 2);
    let unknown = ask(program, "POST", "/linked_users", &[], r#"{"linked_user_origin_id":"a"}"#).await;
    refused(&unknown, 401, "unauthorized", "/linked_users");
    shop.program.finish().await;
}

async fn several_linked_users_are_made_together_or_not_at_all(engine: Engine) {
    let shop = shop(engine).await;
    let program = &shop.program;
    let path = "/linked_users/batch";
    let create = async |body: Value| panora(program, "POST", path, &[], &body.to_string()).await;
    let count =
        async || json(&panora(program, "GET", "/linked_users", &[], "").await).as_array().unwrap().len();
    let made = create(value!({ "linked_user_origin_ids": ["b", "a", "b"], "alias": "Acme" })).await;
    assert_eq!(made.status, 201);
    let made = json(&made);
    let origins: Vec<_> =
        made.as_array().unwrap().iter().map(|user| user["linked_user_origin_id"].clone()).collect();
    assert_eq!(origins, ["b", "a", "b"]);
    assert_eq!((&made[0], &made[0]["alias"]), (&made[2], &value!("Acme")));
    let again = json(&create(value!({ "linked_user_origin_ids": ["a", "c"], "alias": null })).await);
    assert_eq!((&again[0], &again[1]["alias"]), (&made[1], &Value::Null));
    assert_eq!(count().await, 3);
    assert_eq!(json(&create(value!({ "linked_user_origin_ids": [] })).await), value!([]));

    let many = |count: usize| (0..count).map(|number| format!("m{number}")).collect::<Vec<_>>();
    for (ids, place) in [
        (Value::Null, "linked_user_origin_ids"),
        (value!("d"), "linked_user_origin_ids"),
        (value!(["d", ""]), "linked_user_origin_ids"),
        (value!(["d", "x".repeat(501)]), "linked_user_origin_ids"),
        (value!(["d", "e\u{0}"]), "linked_user_origin_ids"),
        (value!(["d", 7]), "linked_user_origin_ids.[1]"),
        (value!(many(501)), "linked_user_origin_ids"),
    ] {
        let body =
            refused(&create(value!({ "linked_user_origin_ids": ids })).await, 400, "bad_request", path);
        assert_eq!(paths(&body), [place], "{body}");
    }
    assert_eq!(count().await, 3, "nothing of what was refused");
    let most = create(value!({ "linked_user_origin_ids": many(500) })).await;
    assert_eq!((most.status.as_u16(), json(&most).as_array().unwrap().len()), (201, 500));
    refused(&ask(program, "POST", path, &[], "{}").await, 401, "unauthorized", path);
    shop.program.finish().await;
}

async fn a_list_is_bounded_and_says_where_it_goes_on(engine: Engine) {
    let shop = shop(engine).await;
    let program = &shop.program;
    for batch in 0..2 {
        let ids: Vec<_> = (0..300).map(|number| format!("{batch}-{number}")).collect();
        let body = value!({ "linked_user_origin_ids": ids }).to_string();
        assert_eq!(panora(program, "POST", "/linked_users/batch", &[], &body).await.status, 201);
    }
    let mut seen = std::collections::BTreeSet::new();
    let (mut path, mut sizes) = ("/panora/linked_users".to_owned(), Vec::new());
    loop {
        let page = panora(program, "GET", &path, &[], "").await;
        let rows = json(&page);
        let rows = rows.as_array().unwrap();
        sizes.push(rows.len());
        seen.extend(rows.iter().map(|row| row["id_linked_user"].as_str().unwrap().to_owned()));
        let Some(link) = page.header("link") else { break };
        path = link.strip_prefix('<').unwrap().strip_suffix(">; rel=\"next\"").unwrap().to_owned();
        assert!(path.starts_with("/panora/linked_users?limit=500&cursor="), "{path}");
    }
    assert_eq!((sizes, seen.len()), (vec![500, 100], 600));
    let small = panora(program, "GET", "/linked_users?limit=7", &[], "").await;
    assert_eq!(json(&small).as_array().unwrap().len(), 7);
    assert!(small.header("link").unwrap().starts_with("</linked_users?limit=7&cursor="));
    let response = panora(program, "GET", "/linked_users?limit=501", &[], "").await;
    assert_eq!(paths(&refused(&response, 400, "bad_request", "/linked_users")), ["query.limit"]);
    shop.program.finish().await;
}
