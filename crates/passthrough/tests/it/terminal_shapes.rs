//! Terminal's shapes: what goes in and out of both passthrough doors of its dialect, against JSON schemas of what its
//! API says of them.

use bytes::Bytes;
use http::header::{HeaderName, HeaderValue};
use http::{Response as HttpResponse, StatusCode};
use http_body_util::Full;
use jsonschema::Validator;
use passthrough_testkit::echo::EchoProvider;
use passthrough_testkit::http::Response;
use passthrough_testkit::program::{Connected, Engine, canary};
use serde_json::{Value, json as value};

use crate::database::Database;
use crate::support::{
    Shop, ask, bearer_provider, failure, json, nobody, on_both_databases, setup, shop, shop_set_up, shop_with,
};

on_both_databases! {
    what_the_schema_takes_is_taken_and_what_it_refuses_is_refused
    every_kind_of_answer_has_terminal_s_shape_at_both_doors
    a_failure_of_a_call_has_terminal_s_shape_at_both_doors
    a_failure_of_a_connection_has_terminal_s_shape_at_both_doors
    a_failure_of_the_server_has_terminal_s_shape_at_both_doors
}

const DOORS: [&str; 2] = ["/tsp/v1/passthrough", "/tsp/v1/passthrough/raw"];

fn schema(text: &str) -> Validator {
    let schema: Value = serde_json::from_str(text).unwrap();
    jsonschema::draft202012::new(&schema).unwrap()
}

#[track_caller]
fn assert_valid(schema: &Validator, instance: &Value, of: &str) {
    let errors: Vec<String> =
        schema.iter_errors(instance).map(|error| format!("{} at {}", error, error.instance_path())).collect();
    assert!(errors.is_empty(), "{of}: {errors:#?} in {instance:#}");
}

async fn what_the_schema_takes_is_taken_and_what_it_refuses_is_refused(engine: Engine) {
    let shop = shop(engine).await;
    let schema = schema(include_str!("terminal_shapes/input.schema.json"));
    let post = async |door: &str, request: &Value| {
        shop.program.on(&shop.connection, "POST", door, &[], request.to_string()).await
    };
    for request in [
        value!({ "method": "GET", "path": "/reports" }),
        value!({ "method": "DELETE", "path": "/" }),
        value!({ "method": "PATCH", "path": "/reports?from=1&to=2", "body": "" }),
        value!({ "method": "POST", "path": "/reports", "body": r#"{"reportId":"1234"}"# }),
        value!({ "method": "PUT", "path": "/a%2Fb/ä", "headers": { "X-A": "1", "X-B": ["1", "2"] }, "body": "x" }),
        value!({ "method": "GET", "path": "/reports", "headers": {} }),
        value!({ "method": "GET", "path": "/reports", "boddy": 1, "query": 5, "responseAs": [], "timeoutMs": "x" }),
    ] {
        assert_valid(&schema, &request, "input");
        for door in DOORS {
            let response = post(door, &request).await;
            assert_eq!(response.status, 200, "{request}: {}", response.text());
        }
    }
    let taken = shop.provider.seen().len();
    for request in [
        value!([]),
        value!("GET /reports"),
        value!({}),
        value!({ "path": "/reports" }),
        value!({ "method": "GET" }),
        value!({ "method": "HEAD", "path": "/reports" }),
        value!({ "method": "OPTIONS", "path": "/reports" }),
        value!({ "method": "get", "path": "/reports" }),
        value!({ "method": 1, "path": "/reports" }),
        value!({ "method": "GET", "path": "reports" }),
        value!({ "method": "GET", "path": "" }),
        value!({ "method": "GET", "path": ["/reports"] }),
        value!({ "method": "GET", "path": "https://elsewhere.example/" }),
        value!({ "method": "GET", "path": "/", "headers": ["a"] }),
        value!({ "method": "GET", "path": "/", "headers": { "X-A": { "b": 1 } } }),
        value!({ "method": "POST", "path": "/", "body": { "a": 1 } }),
        value!({ "method": "POST", "path": "/", "body": 1 }),
    ] {
        assert!(!schema.is_valid(&request), "{request}");
        for door in DOORS {
            assert_shaped(&post(door, &request).await, 400);
        }
    }
    assert_eq!(shop.provider.seen().len(), taken);
    shop.program.finish().await;
}

/// An answer of a provider.
struct Kind {
    status: u16,
    headers: &'static [(&'static str, &'static [u8])],
    body: &'static [u8],
    /// The JSON of `response`.
    response: &'static str,
}

const fn kind(
    status: u16,
    headers: &'static [(&'static str, &'static [u8])],
    body: &'static [u8],
    response: &'static str,
) -> Kind {
    Kind { status, headers, body, response }
}

const JSON: &[(&str, &[u8])] = &[("content-type", b"application/json")];

/// `{"a":1}`, compressed.
const GZIPPED: &[u8] =
    b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x02\x03\xabVJT\xb22\xac\x05\x00\xaf\xac\x1bV\x07\x00\x00\x00";

/// What providers answer. Those for which they would be left alone in the end stand apart.
#[rustfmt::skip]
const KINDS: &[Kind] = &[
    // Objects and arrays; nothing of them is written anew.
    kind(200, JSON, br#"{"a":1}"#, r#"{"a":1}"#),
    kind(200, JSON, b"{}", "{}"),
    kind(200, JSON, b" {\"b\": 1.10, \"a\": 12345678901234567890}\n", r#"{"b": 1.10, "a": 12345678901234567890}"#),
    kind(201, JSON, br#"{"deep":[[[[[[[[[[{"x":null}]]]]]]]]]]}"#, r#"{"deep":[[[[[[[[[[{"x":null}]]]]]]]]]]}"#),
    kind(502, JSON, br#"{"upstream":true}"#, r#"{"upstream":true}"#),
    kind(200, JSON, b"[1,2,[3]]", "[1,2,[3]]"),
    kind(200, JSON, b"[]", "[]"),
    kind(200, JSON, b"[null]", "[null]"),
    kind(200, &[("content-type", b"application/vnd.api+json; charset=utf-8")], br#"{"data":[]}"#, r#"{"data":[]}"#),
    kind(422, &[("content-type", b"application/problem+json")], br#"{"title":"no"}"#, r#"{"title":"no"}"#),
    // Scalars.
    kind(200, JSON, b"\"text\"", "\"text\""),
    kind(200, JSON, b"\"\"", "\"\""),
    kind(200, JSON, b"7", "7"),
    kind(200, JSON, b"-1.50e3", "-1.50e3"),
    kind(503, JSON, b"0", "0"),
    kind(200, JSON, b"true", "true"),
    kind(200, JSON, b"false", "false"),
    kind(200, JSON, b"null", "\"\""),
    kind(200, JSON, b" null ", "\"\""),
    // Text.
    kind(200, &[("content-type", b"text/plain")], b"hello", "\"hello\""),
    kind(200, &[("content-type", b"text/plain; charset=iso-8859-1")], b"gr\xfc\xdf", "\"grüß\""),
    kind(200, &[("content-type", b"text/html")], b"<p>\"quoted\"</p>", r#""<p>\"quoted\"</p>""#),
    kind(200, &[("content-type", b"text/csv")], b"a,b\r\n1,2\r\n", r#""a,b\r\n1,2\r\n""#),
    kind(200, &[("content-type", b"text/event-stream")], b"data: 1\n\n", r#""data: 1\n\n""#),
    kind(200, &[("content-type", b"application/x-www-form-urlencoded")], b"a=1&b=2", "\"a=1&b=2\""),
    kind(200, JSON, b"{\"cut\":", r#""{\"cut\":""#),
    // XML.
    kind(200, &[("content-type", b"application/xml")], b"<a b=\"1\"/>", r#""<a b=\"1\"/>""#),
    kind(500, &[("content-type", b"application/soap+xml")], b"<Fault/>", "\"<Fault/>\""),
    kind(200, &[("content-type", b"image/svg+xml")], b"<svg/>", "\"<svg/>\""),
    // Empty.
    kind(200, JSON, b"", "\"\""),
    kind(200, &[], b"", "\"\""),
    kind(204, &[], b"", "\"\""),
    kind(205, &[], b"", "\"\""),
    kind(304, &[("etag", b"\"1\"")], b"", "\"\""),
    // Bytes.
    kind(200, &[("content-type", b"image/png")], b"\x89PNG\x00\xff", "\"iVBORwD/\""),
    kind(200, &[("content-type", b"application/octet-stream")], b"\x00", "\"AA==\""),
    kind(206, &[("content-type", b"application/pdf"), ("content-range", b"bytes 0-3/9")], b"%PDF", "\"JVBERg==\""),
    kind(200, &[("content-type", b"application/json"), ("content-encoding", b"gzip")], GZIPPED, r#"{"a":1}"#),
    kind(200, &[("content-type", b"application/json"), ("content-encoding", b"br")], b"\x8f\x03", "\"jwM=\""),
    kind(504, &[("content-type", b"text/plain")], b"late", "\"late\""),
    // Errors.
    kind(400, JSON, br#"{"error":"no"}"#, r#"{"error":"no"}"#),
    kind(401, &[("content-type", b"application/json"), ("www-authenticate", b"Bearer")], b"{}", "{}"),
    kind(402, JSON, b"[]", "[]"),
    kind(403, JSON, b"false", "false"),
    kind(404, &[("content-type", b"text/html")], b"<h1>404</h1>", "\"<h1>404</h1>\""),
    kind(409, JSON, b"\"taken\"", "\"taken\""),
    kind(418, JSON, b"1", "1"),
    kind(429, &[("content-type", b"application/json"), ("retry-after", b"1.5")], b"null", "\"\""),
    kind(500, &[], b"", "\"\""),
    kind(599, JSON, b"{}", "{}"),
    // Redirects: the provider's answer, not followed.
    kind(301, &[("location", b"https://elsewhere.example/")], b"", "\"\""),
    kind(302, &[("location", b"/there"), ("content-type", b"text/html")], b"<a>there</a>", "\"<a>there</a>\""),
    kind(303, &[("location", b"/there")], b"", "\"\""),
    kind(307, &[("location", b"//elsewhere.example")], b"", "\"\""),
    kind(308, &[], b"", "\"\""),
    // Headers that come more than once, are empty, or are no UTF-8.
    kind(200, &[("set-cookie", b"a=1"), ("set-cookie", b"b=2"), ("set-cookie", b"a=1")], b"", "\"\""),
    kind(400, &[("warning", b"1"), ("link", b"<a>"), ("warning", b"2"), ("link", b"<b>")], b"", "\"\""),
    kind(200, &[("x-empty", b""), ("x-latin", b"gr\xfc\xdf"), ("x_odd!", b"1")], b"", "\"\""),
];

async fn answers() -> EchoProvider {
    EchoProvider::answering(|seen| {
        let number: usize = seen.target.rsplit('/').next().unwrap().parse().unwrap();
        let kind = &KINDS[number];
        let mut response = HttpResponse::new(Full::new(Bytes::from_static(kind.body)));
        *response.status_mut() = StatusCode::from_u16(kind.status).unwrap();
        for (name, value) in kind.headers {
            let value = HeaderValue::from_bytes(value).unwrap();
            response.headers_mut().append(HeaderName::from_static(name), value);
        }
        response
    })
    .await
}

async fn every_kind_of_answer_has_terminal_s_shape_at_both_doors(engine: Engine) {
    let shop = shop_with(engine, answers().await).await;
    let schema = schema(include_str!("terminal_shapes/output.schema.json"));
    assert!(KINDS.len() >= 30);
    for (number, kind) in KINDS.iter().enumerate() {
        // A write is sent once, whatever comes of it.
        let request = value!({ "method": "POST", "path": format!("/{number}"), "body": "x" });
        for door in DOORS {
            let of = format!("kind {number} at {door}");
            let response = shop.program.on(&shop.connection, "POST", door, &[], request.to_string()).await;
            if door.ends_with("/raw") && (200..300).contains(&kind.status) {
                assert_eq!(response.status.as_u16(), kind.status, "{of}");
                assert_eq!(response.header("passthrough-source"), Some("provider"), "{of}");
                assert_eq!(response.body, kind.body, "{of}");
                continue;
            }
            assert_eq!(response.status, 200, "{of}: {}", response.text());
            assert_eq!(response.header("passthrough-source"), Some("envelope"), "{of}");
            assert_eq!(response.header("content-type"), Some("application/json"), "{of}");
            let answer = json(&response);
            assert_valid(&schema, &answer, &of);
            let text = response.text();
            assert!(text.ends_with(&format!("\"response\":{}}}", kind.response)), "{of}: {text}");
            assert_eq!((&answer["method"], &answer["statusCode"]), (&value!("POST"), &value!(kind.status)));
            assert_eq!(answer["path"], format!("/{number}"));
            for (name, _) in kind.headers {
                assert_eq!(values(&answer["headers"][*name]), sent(kind, name), "{of}: {name}");
            }
        }
    }
    assert_eq!(shop.provider.seen().len(), 2 * KINDS.len());
    shop.program.finish().await;
}

/// The values of a header in an answer: one text, or several.
fn values(header: &Value) -> Vec<String> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    match header {
        Value::Array(several) => several.iter().map(text).collect(),
        one => vec![text(one)],
    }
}

/// The values of a header that a provider sent. What is no UTF-8 is Latin-1.
fn sent(kind: &Kind, name: &str) -> Vec<String> {
    let same = kind.headers.iter().filter(|(known, _)| *known == name);
    let text = |bytes: &[u8]| {
        String::from_utf8(bytes.to_vec())
            .unwrap_or_else(|_| bytes.iter().map(|byte| char::from(*byte)).collect())
    };
    same.map(|(_, value)| text(value)).collect()
}

/// A failure in Terminal's shape, with a status that it declares; gives its body.
#[track_caller]
fn assert_shaped(response: &Response, status: u16) -> Value {
    let body = json(response);
    failure(response, status, body["code"].as_str().unwrap_or_default());
    let told = value!({ "status": status, "retryAfter": response.header("retry-after"), "body": body });
    assert_valid(&schema(include_str!("terminal_shapes/error.schema.json")), &told, "error");
    body
}

/// A program with small limits, and a provider that is slow, or says too much, where it is asked to.
async fn failing(engine: Engine) -> Shop {
    let provider = EchoProvider::answering_later(|seen| {
        Box::pin(async move {
            let mut response = HttpResponse::new(Full::new(Bytes::from_static(b"{}")));
            match seen.target.as_str() {
                "/base/slow" => tokio::time::sleep(std::time::Duration::from_secs(20)).await,
                "/base/huge" => {
                    *response.body_mut() = Full::new(vec![b'x'; 10_000].into());
                    *response.status_mut() = StatusCode::BAD_REQUEST;
                }
                "/base/me" => *response.status_mut() = StatusCode::UNAUTHORIZED,
                "/base/down" => *response.status_mut() = StatusCode::BAD_GATEWAY,
                _ => {}
            }
            response
        })
    })
    .await;
    let setup = setup(engine)
        .variable("PASSTHROUGH_LIMITS__ENVELOPE_REQUEST_BYTES", "4096")
        .variable("PASSTHROUGH_LIMITS__ENVELOPE_RESPONSE_BYTES", "4096");
    shop_set_up(setup, provider).await
}

const FINE: &str = r#"{"method":"POST","path":"/x","body":"x"}"#;

async fn a_failure_of_a_call_has_terminal_s_shape_at_both_doors(engine: Engine) {
    let shop = failing(engine).await;
    let post = async |connection: &Connected, door: &str, headers: &[(&str, &str)], body: &str| {
        shop.program.on(connection, "POST", door, headers, body.to_owned()).await
    };
    for door in DOORS {
        let at = async |status: u16, code: &str, headers: &[(&str, &str)], body: &str| {
            let told = assert_shaped(&post(&shop.connection, door, headers, body).await, status);
            assert_eq!(told["code"], code, "{told}");
            told
        };
        // 400, also for what is 405 and 413 at our own doors.
        for body in ["{", "[]", "{}", r#"{"method":"GET","path":"//evil"}"#] {
            at(400, "bad_request", &[], body).await;
        }
        at(400, "bad_request", &[("Passthrough-Timeout", "1")], FINE).await;
        let long = value!({ "method": "POST", "path": "/x", "body": "x".repeat(5000) }).to_string();
        at(400, "bad_request", &[], &long).await;
        let other_method = shop.program.on(&shop.connection, "PUT", door, &[], FINE).await;
        assert_shaped(&other_method, 400);
        // 401 and 403.
        let token = ("connection-token", shop.connection.token.as_str());
        assert_shaped(&ask(&shop.program, "POST", door, &[token], FINE).await, 401);
        let nobody = Connected { id: String::new(), token: "con_tkn_nonsense".to_owned() };
        assert_shaped(&post(&nobody, door, &[], FINE).await, 403);
        // 502 and 504 of what came of the provider.
        let told = at(502, "bad_gateway", &[], r#"{"method":"POST","path":"/huge"}"#).await;
        assert_eq!(told["detail"]["reason"], "too_large");
        let slow = r#"{"method":"POST","path":"/slow"}"#;
        let told = at(504, "gateway_timeout", &[("Passthrough-Timeout-Ms", "100")], slow).await;
        assert_eq!((&told["detail"]["reason"], &told["sent"]), (&value!("total_timeout"), &value!("yes")));
    }
    shop.program.finish().await;
}

async fn a_failure_of_a_connection_has_terminal_s_shape_at_both_doors(engine: Engine) {
    let provider = failing(engine).await.provider;
    let mut program = setup(engine)
        .provider("shop", &bearer_provider(&format!("{}/base", provider.url())))
        .provider("away", &bearer_provider(&nobody()))
        .start()
        .await;
    let mut made = Vec::new();
    for code in ["shop", "shop", "shop", "away"] {
        let request = value!({ "provider": code, "credentials": { "api_key": canary("key") } });
        made.push(program.connect(&request.to_string()).await);
    }
    let [archived, refused, broken, away] = made.try_into().unwrap_or_else(|_| panic!("four"));
    let own = |connection: &Connected| format!("/v1/connections/{}", connection.id);
    program.api("PATCH", &own(&archived), r#"{"status":"archived"}"#).await;
    let verified = program.api("POST", &format!("{}/verify", own(&refused)), "").await;
    assert_eq!(json(&verified)["result"], "refused");
    // Somebody has damaged it in the database.
    let bytes = if engine == Engine::Sqlite { "x'00'" } else { "'\\x00'" };
    let database = Database::of(&program).await;
    let sql = format!("update credentials set sealed = {bytes} where connection_id = '{}'", broken.id);
    assert_eq!(database.change(&sql).await, 1);
    database.close().await;
    for door in DOORS {
        let at = async |connection: &Connected, status: u16, code: &str| {
            let told = assert_shaped(&program.on(connection, "POST", door, &[], FINE).await, status);
            assert_eq!(told["code"], code, "{told}");
            told
        };
        at(&archived, 422, "unprocessable_entity").await;
        at(&refused, 422, "connection_disconnected").await;
        at(&broken, 500, "internal_server_error").await;
        assert_eq!(at(&away, 502, "bad_gateway").await["detail"]["reason"], "connect");
    }
    program.finish().await;
}

/// `501` is answered by nothing; the others of its own are here.
async fn a_failure_of_the_server_has_terminal_s_shape_at_both_doors(engine: Engine) {
    let shop = failing(engine).await;
    let down = r#"{"method":"POST","path":"/down"}"#;
    for _ in 0..5 {
        let answered = shop.program.on(&shop.connection, "POST", DOORS[0], &[], down).await;
        assert_eq!(json(&answered)["statusCode"], 502);
    }
    for door in DOORS {
        // The provider is left alone now: 503 circuit_open at our own doors.
        let told = assert_shaped(&shop.program.on(&shop.connection, "POST", door, &[], down).await, 502);
        assert_eq!((&told["sent"], &told["retryable"]), (&value!("no"), &value!(true)));
    }
    shop.program.finish().await;

    let setup = setup(engine).variable("PASSTHROUGH_LIMITS__RATE_PER_CONNECTION", "1/h");
    let shop = shop_set_up(setup, EchoProvider::start().await).await;
    assert_eq!(shop.program.on(&shop.connection, "POST", DOORS[0], &[], FINE).await.status, 200);
    for door in DOORS {
        let response = shop.program.on(&shop.connection, "POST", door, &[], FINE).await;
        let told = assert_shaped(&response, 429);
        assert_eq!(told["retryAfter"].to_string(), response.header("retry-after").unwrap());
    }
    shop.program.finish().await;
}
