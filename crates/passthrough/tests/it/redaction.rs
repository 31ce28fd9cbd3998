//! A provider that echoes the credential back.

use std::io::Write as _;

use bytes::Bytes;
use data_encoding::{BASE64, BASE64URL_NOPAD};
use http::Response;
use http_body_util::Full;
use passthrough_testkit::echo::EchoProvider;
use passthrough_testkit::program::{Connected, Engine, Program, canary};
use passthrough_testkit::raw_server::RawServer;

use crate::rig::{Caller, answers, json as read};
use crate::support::{bearer_provider, on_both_databases, record, setup};

on_both_databases! {
    an_echoed_credential_is_masked_in_headers_on_all_doors
}

/// A secret with everything in it that some escaping changes.
fn awkward() -> String {
    canary("p/w+ \"ä&<")
}

/// All spellings in which a careless provider might write the secret into a header.
fn spellings(secret: &str) -> Vec<String> {
    let percent = |keep: &str| -> String {
        secret
            .bytes()
            .map(|byte| {
                if byte.is_ascii_alphanumeric() || keep.as_bytes().contains(&byte) {
                    char::from(byte).to_string()
                } else {
                    format!("%{byte:02X}")
                }
            })
            .collect()
    };
    vec![
        secret.to_owned(),
        format!("{secret}{secret}"),
        BASE64.encode(secret.as_bytes()),
        BASE64.encode(format!("user:{secret}").as_bytes()),
        BASE64.encode(format!("a:{secret}:b").as_bytes()),
        BASE64URL_NOPAD.encode(format!("ab:{secret}").as_bytes()),
        percent("-._~"),
        percent("-._~")
            .replace("%2F", "%2f")
            .replace("%2B", "%2b")
            .replace("%C3%A4", "%c3%a4")
            .replace("%3C", "%3c"),
        percent("-._~").replace("%20", "+"),
        serde_json::to_string(secret).unwrap(),
    ]
}

/// Whether the secret, or what is left of it in base64, can be read out of a text.
fn reveals(text: &str, secret: &str) -> bool {
    let core = passthrough_testkit::program::CANARY;
    text.contains(core)
        || text.split(|c: char| !c.is_ascii_alphanumeric() && !"+/-_".contains(c)).any(|word| {
            (0..word.len().min(4)).any(|skip| {
                let word = &word.as_bytes()[skip..];
                let word = &word[..word.len() / 4 * 4];
                let decoded =
                    BASE64.decode(word).or_else(|_| BASE64URL_NOPAD.decode(word)).unwrap_or_default();
                String::from_utf8_lossy(&decoded).contains(&secret[..CANARY_PART])
            })
        })
}

/// So much of a secret is enough to call it revealed.
const CANARY_PART: usize = 8;

async fn start(
    engine: Engine,
    provider: &EchoProvider,
    settings: &str,
    secret: &str,
) -> (Program, Connected) {
    let file = format!(
        "name = \"Echo\"\nbase_url = \"{}/base\"\n{settings}\n[auth.pair]\ngrant = \"static\"\n\
         fields.user = {{ label = \"User\" }}\nfields.password = {{ label = \"Password\", secret = true }}\n\
         inject.headers.authorization = \"Basic {{base64({{user}}:{{password}})}}\"\n\
         inject.headers.x-hash = \"{{sha256_hex({{password}})}}\"\n",
        provider.url()
    );
    let mut program = setup(engine).provider("echo", &file).start().await;
    let request = serde_json::json!({"provider": "echo", "credentials": {"user": "u", "password": secret}});
    let connection = program.connect(&request.to_string()).await;
    (program, connection)
}

async fn an_echoed_credential_is_masked_in_headers_on_all_doors(engine: Engine) {
    let secret = awkward();
    let echoes = spellings(&secret);
    let provider = EchoProvider::answering(move |seen| {
        let mut response = Response::new(Full::from("body"));
        let computed = ["authorization", "x-hash"].map(|name| seen.header(name)[0].to_owned());
        for (number, echo) in echoes.iter().chain(&computed).enumerate() {
            let value = http::HeaderValue::from_bytes(format!("<{echo}>").as_bytes()).unwrap();
            response
                .headers_mut()
                .insert(http::HeaderName::try_from(format!("x-echo-{number}")).unwrap(), value);
        }
        response.headers_mut().insert("x-innocent", "user:u".parse().unwrap());
        *response.status_mut() = if seen.target.contains("fail") { 500 } else { 200 }.try_into().unwrap();
        response
    })
    .await;
    let (program, connection) = start(engine, &provider, "", &secret).await;
    for door in ["/v1/passthrough", "/v1/passthrough/raw", "/v1/proxy/x"] {
        for path in ["/x", "/fail"] {
            let (method, body) = if door.contains("proxy") {
                ("GET", String::new())
            } else {
                ("POST", format!(r#"{{"method":"GET","path":"{path}"}}"#))
            };
            let response = program.on(&connection, method, door, &[], body).await;
            let headers = format!("{:?}", response.headers);
            for text in [headers, response.text()] {
                assert!(!reveals(&text, &secret), "{door} {path}: {text}");
            }
            if door.contains("proxy") {
                for number in 0..12 {
                    let value = response.header(&format!("x-echo-{number}")).unwrap();
                    assert!(value.contains("***"), "x-echo-{number}: {value}");
                }
                assert_eq!(response.header("x-innocent"), Some("user:u"));
            }
        }
    }
    program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn in_bodies_it_is_masked_only_where_the_provider_file_says_so() {
    let secret = awkward();
    let echo = serde_json::json!({ "you sent": secret, "n": 1.10 }).to_string();
    let zipped = {
        let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        encoder.write_all(echo.as_bytes()).unwrap();
        encoder.finish().unwrap()
    };
    for (settings, masked) in [("", false), ("redact_reflections = \"headers-and-bodies\"", true)] {
        let (echo, zipped) = (echo.clone(), zipped.clone());
        let provider = EchoProvider::answering(move |seen| {
            let (body, coding) = if seen.target.contains("zip") {
                (zipped.clone(), "gzip")
            } else {
                (echo.clone().into_bytes(), "identity")
            };
            let response = Response::builder()
                .header("content-type", "application/json")
                .header("content-encoding", coding);
            response.body(Full::from(Bytes::from(body))).unwrap()
        })
        .await;
        let (program, connection) = start(Engine::Sqlite, &provider, settings, &secret).await;
        for path in ["/plain", "/zip"] {
            for shown in ["auto", "text", "base64"] {
                let request = format!(r#"{{"method":"GET","path":"{path}","responseAs":"{shown}"}}"#);
                let response = program.on(&connection, "POST", "/v1/passthrough", &[], request).await;
                let response = &read(&response)["response"];
                let text = match response.as_str() {
                    Some(text) if shown == "base64" => {
                        String::from_utf8(BASE64.decode(text.as_bytes()).unwrap()).unwrap()
                    }
                    Some(text) => text.to_owned(),
                    None => response.to_string(),
                };
                assert_eq!(!reveals(&text, &secret), masked, "{path} as {shown}: {text}");
                assert_eq!(text.contains("***"), masked, "{path} as {shown}: {text}");
            }
        }
        // Streams pass as they are.
        let proxied = program.on(&connection, "GET", "/v1/proxy/plain", &[], "").await;
        assert_eq!(proxied.text(), serde_json::json!({ "you sent": secret, "n": 1.10 }).to_string());
        program.finish().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_is_masked_where_the_provider_file_says_so() {
    let secret = awkward();
    let provider = EchoProvider::answering(move |seen| {
        let echo = seen.header("authorization")[0].to_owned();
        Response::builder().header("x-echo", echo).body(Full::from("")).unwrap()
    })
    .await;
    let (program, connection) =
        start(Engine::Sqlite, &provider, "redact_reflections = \"none\"", &secret).await;
    let response = program.on(&connection, "GET", "/v1/proxy/x", &[], "").await;
    let expected = format!("Basic {}", BASE64.encode(format!("u:{secret}").as_bytes()));
    assert_eq!(response.header("x-echo"), Some(expected.as_str()));
    program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_injection_puts_into_path_and_query_is_shown_as_stars() {
    let provider = EchoProvider::start().await;
    let file = format!(
        "name = \"Bot\"\nbase_url = \"{}/base\"\n[auth.token]\ngrant = \"static\"\n\
         fields.token = {{ label = \"Token\", secret = true }}\ninject.path = \"bot{{token}}\"\ninject.query.sig = \"{{sha256_hex({{token}})}}\"\n",
        provider.url()
    );
    let mut program = setup(Engine::Sqlite).provider("bot", &file).start().await;
    let token = canary("tok");
    let connection =
        program.connect(&format!(r#"{{"provider":"bot","credentials":{{"token":"{token}"}}}}"#)).await;
    let request = r#"{"method":"GET","path":"/getMe?a=1&sig=mine"}"#;
    let response = program.on(&connection, "POST", "/v1/passthrough", &[], request).await;
    let envelope = read(&response);
    assert_eq!(envelope["path"], "/bot***/getMe?a=1&sig=***");
    assert!(provider.last().target.starts_with(&format!("/base/bot{token}/getMe?a=1&sig=")));
    let record = record(&program, envelope["requestId"].as_str().unwrap()).await;
    assert_eq!(record["path"], "/bot***/getMe");
    program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_are_headers_too() {
    let secret = canary("key");
    let chunked = format!(
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Echo\r\n\r\n\
         2\r\nhi\r\n0\r\nX-Echo: <{secret}>\r\n\r\n"
    );
    let server = RawServer::start(vec![answers(&chunked)]).await.unwrap();
    let file = bearer_provider(&format!("http://{}", server.address()));
    let mut program = setup(Engine::Sqlite).provider("shop", &file).start().await;
    let connection =
        program.connect(&format!(r#"{{"provider":"shop","credentials":{{"api_key":"{secret}"}}}}"#)).await;
    let mut caller = Caller::begin(&program, &connection, "GET", "/v1/proxy/x", "TE: trailers\r\n").await;
    let answer = caller.until("0\r\n").await + &caller.until("\r\n\r\n").await;
    assert!(answer.to_lowercase().ends_with("x-echo: <***>\r\n\r\n"), "{answer}");
    program.finish().await;
}
