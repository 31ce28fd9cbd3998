//! Where a credential goes: every kind of injection through real HTTP.

use data_encoding::BASE64;
use passthrough_testkit::echo::EchoProvider;
use passthrough_testkit::program::{Connected, Engine, Program, canary};
use passthrough_testkit::raw_server::{Authority, RawServer};

use crate::rig::{answer, answers, failure, json as read, quoted, stage_with};
use crate::support::{on_both_databases, setup};

on_both_databases! {
    headers_queries_cookies_and_paths_are_injected_and_win
}

/// A provider file with an auth entry for each kind.
fn file(base_url: &str) -> String {
    let fields = "grant = \"static\"\nfields.a = { label = \"A\", secret = true }\n\
                  fields.b = { label = \"B\", secret = true, optional = true }\n";
    let auth = |name: &str, inject: &str| format!("[auth.{name}]\n{fields}{inject}\n");
    [
        format!("name = \"All\"\nbase_url = \"{base_url}\"\nallow_cookies = true\nheaders.x-version = \"3\"\nheaders.accept = \"application/vnd.all+json\"\n"),
        auth("headers", "inject.headers.Authorization = \"Token {a}\"\ninject.headers.Account-Token = \"{b}\"\ninject.headers.x-both = \"{a}:{b}\"\ninject.headers.x-fixed = \"fixed\""),
        auth("query", "inject.query.key = \"{a}\"\ninject.query.\"pass word\" = \"{b}\""),
        auth("cookies", "inject.cookies.session = \"{a}\"\ninject.cookies.other = \"{b}\""),
        auth("path", "inject.path = \"bot{a}\""),
        auth("body", "inject.body.\"/params/credentials\" = { session = \"{a}\", n = 1, list = [\"x{b}\"] }\ninject.body.\"/fixed\" = true"),
        auth("functions", "inject.headers.authorization = \"Basic {base64({a}:)}\"\ninject.headers.x-b64 = \"{base64url({a}?>)}\"\n\
            inject.headers.x-sha = \"{sha256_hex({a})}\"\ninject.headers.x-hmac = \"{hmac_sha256_hex({a}, {now_unix})}\"\n\
            inject.headers.x-hmac64 = \"{hmac_sha256_base64({a}, {now_unix})}\"\ninject.headers.x-time = \"{now_unix}\"\n\
            inject.headers.x-iso = \"{now_iso}\"\ninject.headers.x-id = \"{uuid}\"\ninject.headers.x-id-again = \"{uuid}\"\n\
            inject.query.enc = \"{urlencode({a}/)}\""),
    ]
    .concat()
}

async fn connect(program: &mut Program, auth: &str, a: &str, b: Option<&str>) -> Connected {
    let mut credentials = serde_json::json!({ "a": a });
    if let Some(b) = b {
        credentials["b"] = b.into();
    }
    let request = serde_json::json!({"provider": "all", "auth": auth, "credentials": credentials});
    program.connect(&request.to_string()).await
}

async fn call(program: &Program, connection: &Connected, request: &str) {
    let response = program.on(connection, "POST", "/v1/passthrough", &[], request.to_owned()).await;
    assert_eq!(response.status, 200, "{}", response.text());
}

async fn headers_queries_cookies_and_paths_are_injected_and_win(engine: Engine) {
    let provider = EchoProvider::start().await;
    let mut program = setup(engine).provider("all", &file(&format!("{}/base", provider.url()))).start().await;
    let (a, b) = (canary("a"), canary("b"));

    let connection = connect(&mut program, "headers", &a, Some(&b)).await;
    let own = r#"{"method":"GET","path":"/x","headers":{"account_token":"mine","ACCOUNT-TOKEN":"mine","X-Fixed":"mine","X-Version":"4","Authorization":"mine"}}"#;
    call(&program, &connection, own).await;
    let seen = provider.last();
    assert_eq!(seen.header("authorization"), [format!("Token {a}")]);
    assert_eq!(seen.header("account-token"), [b.as_str()]);
    assert_eq!(seen.header("x-both"), [format!("{a}:{b}")]);
    assert_eq!((seen.header("x-fixed"), seen.header("x-version")), (vec!["fixed"], vec!["4"]));
    assert_eq!(seen.header("accept"), ["application/vnd.all+json"]);
    assert!(seen.header("account_token").is_empty());
    let connection = connect(&mut program, "headers", &a, None).await;
    call(&program, &connection, r#"{"method":"GET","path":"/x"}"#).await;
    let seen = provider.last();
    assert!(seen.header("account-token").is_empty() && seen.header("x-both").is_empty());
    assert_eq!((seen.header("x-fixed"), seen.header("x-version")), (vec!["fixed"], vec!["3"]));

    let secret = format!("{a} &=/é");
    let connection = connect(&mut program, "query", &secret, None).await;
    let encoded = format!("{a}%20%26%3D%2F%C3%A9");
    for (path, expected) in [
        ("/x", format!("/base/x?key={encoded}")),
        ("/x?", format!("/base/x?key={encoded}")),
        ("/x?KEY=1&a=2;k%65y=3&b=%2f", format!("/base/x?a=2&b=%2f&key={encoded}")),
    ] {
        let response = program.on(&connection, "GET", &format!("/v1/proxy{path}"), &[], "").await;
        assert_eq!((response.status.as_u16(), provider.last().target), (200, expected), "{path}");
    }

    let connection = connect(&mut program, "cookies", &a, Some(&b)).await;
    let cookie = [("cookie", "theme=dark; session=mine; SESSION=mine"), ("cookie", "x=y")];
    program.on(&connection, "GET", "/v1/proxy/x", &cookie, "").await;
    assert_eq!(provider.last().header("cookie"), [format!("theme=dark; x=y; session={a}; other={b}")]);
    let connection = connect(&mut program, "cookies", &a, None).await;
    program.on(&connection, "GET", "/v1/proxy/x", &[], "").await;
    assert_eq!(provider.last().header("cookie"), [format!("session={a}")]);

    let connection = connect(&mut program, "path", &format!("{a}/:é"), None).await;
    program.on(&connection, "GET", "/v1/proxy/x%2Fy?z", &[], "").await;
    assert_eq!(provider.last().target, format!("/base/bot{a}%2F:%C3%A9/x%2Fy?z"));
    program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn json_bodies_are_injected_on_every_door_and_nothing_else_in_them_changes() {
    let provider = EchoProvider::start().await;
    let mut program = setup(Engine::Sqlite).provider("all", &file(&provider.url())).start().await;
    let (a, b) = (canary("a"), canary("b\"\\"));
    let connection = connect(&mut program, "body", &a, Some(&b)).await;
    let body = r#"{ "method" : "Get", "n":1.10, "params": {"credentials":"mine", "typeName":"Device" }, "z":[1e400] }"#;
    for door in ["envelope", "proxy", "chunked"] {
        let json = [("content-type", "application/json")];
        let response = match door {
            "envelope" => {
                let request = format!(r#"{{"method":"POST","path":"/x","body":{body}}}"#);
                program.on(&connection, "POST", "/v1/passthrough", &[], request).await
            }
            "proxy" => program.on(&connection, "POST", "/v1/proxy/x", &json, body).await,
            _ => {
                let headers = [json[0], ("transfer-encoding", "chunked")];
                program.on(&connection, "POST", "/v1/proxy/x", &headers, body).await
            }
        };
        assert_eq!(response.status, 200, "{}", response.text());
        let seen = provider.last();
        let text = String::from_utf8(seen.body.to_vec()).unwrap();
        assert!(
            text.contains(r#""method" : "Get""#) && text.contains("1.10") && text.contains("[1e400]"),
            "{text}"
        );
        assert_eq!(seen.header("content-length"), [text.len().to_string()]);
        let credentials = format!(
            r#""credentials":{{"session":{},"n":1,"list":[{}]}}"#,
            quoted(&a),
            quoted(&format!("x{b}"))
        );
        assert!(text.replace(": ", ":").contains(&credentials), "{text}");
        assert!(!text.contains("mine"), "{text}");
    }
    // An empty POST grows a body, a GET does not.
    program.on(&connection, "POST", "/v1/proxy/x", &[], "").await;
    let seen = provider.last();
    let grown: serde_json::Value = serde_json::from_slice(&seen.body).unwrap();
    assert_eq!(grown["params"]["credentials"]["session"], a.as_str());
    assert_eq!(seen.header("content-type"), ["application/json"]);
    program.on(&connection, "GET", "/v1/proxy/x", &[], "").await;
    assert!(provider.last().body.is_empty());
    let before = provider.seen().len();
    for (content_type, body) in [
        ("text/plain", "{}"),
        ("application/json", "[1]"),
        ("application/json", "{"),
        ("application/json", "{\"params\":1}"),
    ] {
        let response =
            program.on(&connection, "POST", "/v1/proxy/x", &[("content-type", content_type)], body).await;
        assert_eq!(failure(&response), "400 bad_request sent=no", "{content_type} {body}");
        assert!(!response.text().contains(&a));
    }
    assert_eq!(provider.seen().len(), before);
    program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn soap_envelopes_get_a_security_header_on_every_door() {
    // The built-in file, but for where it leads to.
    let built_in = include_str!("../../../../providers/omnitracs.toml");
    let provider = EchoProvider::start().await;
    let file = built_in.replace("https://services.omnitracs.com", &provider.url());
    let mut program = setup(Engine::Sqlite).provider("omnitracs", &file).start().await;
    let password = format!("{}<&\"é", canary("password"));
    let credentials = serde_json::json!({"username": "jo", "company": "ACME", "password": password});
    let request = serde_json::json!({"provider": "omnitracs", "credentials": credentials});
    let connection = program.connect(&request.to_string()).await;
    let (start, end) = (
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<s:Envelope xmlns:s=\"http://schemas.xmlsoap.org/soap/envelope/\">\n <s:Header>",
        "<a xmlns='urn:a'/></s:Header>\n <s:Body><x y='1' />&amp;é</s:Body></s:Envelope>\n",
    );
    let body = format!("{start}{end}");
    let mut nonces = Vec::new();
    for door in ["envelope", "proxy", "chunked"] {
        let xml = ("content-type", "text/xml;charset=utf-8");
        let response = match door {
            "envelope" => {
                let request = serde_json::json!({"method": "POST", "path": "/otsWebWS/services/OTSWebSvcs", "body": body});
                program.on(&connection, "POST", "/v1/passthrough", &[], request.to_string()).await
            }
            "proxy" => program.on(&connection, "POST", "/v1/proxy/x", &[xml], body.clone()).await,
            _ => {
                let headers = [xml, ("transfer-encoding", "chunked")];
                program.on(&connection, "POST", "/v1/proxy/x", &headers, body.clone()).await
            }
        };
        assert_eq!(response.status, 200, "{door}: {}", response.text());
        let seen = provider.last();
        assert!(seen.header("content-type")[0].starts_with("text/xml"), "{seen:?}");
        let text = String::from_utf8(seen.body.to_vec()).unwrap();
        assert_eq!(seen.header("content-length"), [text.len().to_string()]);
        let block = text.strip_prefix(start).and_then(|rest| rest.strip_suffix(end)).unwrap();
        let between = |from: &str, to: &str| {
            let (_, rest) = block.split_once(from).unwrap();
            rest.split_once(to).unwrap().0.to_owned()
        };
        assert_eq!(between("<wsse:Username>", "</"), "jo@ACME");
        let escaped = password.replace('&', "&amp;").replace('<', "&lt;").replace('é', "&#233;");
        assert_eq!(between("#PasswordText\">", "</"), escaped);
        assert_eq!(block.matches("<wsu:Expires>").count(), 1);
        nonces.push(between("#Base64Binary\">", "</"));
    }
    nonces.dedup();
    assert_eq!(nonces.len(), 3, "every request has a nonce of its own");

    let before = provider.seen().len();
    let own = body.replace("<a xmlns='urn:a'/>", "<w:Security xmlns:w='urn:w'/>");
    let entities = body.replace("\n<s:E", "<!DOCTYPE x [<!ENTITY y 'z'>]><s:E");
    for (content_type, body) in [
        ("text/xml", own.as_str()),
        ("text/xml", entities.as_str()),
        ("text/xml", "{}"),
        ("text/xml", ""),
        ("text/xml; charset=utf-16", body.as_str()),
        ("application/json", body.as_str()),
    ] {
        let headers = [("content-type", content_type)];
        let response = program.on(&connection, "POST", "/v1/proxy/x", &headers, body.to_owned()).await;
        assert_eq!(failure(&response), "400 bad_request sent=no", "{content_type} {body}");
    }
    assert_eq!(provider.seen().len(), before);
    // The service's description has no body, and gets none.
    program.on(&connection, "GET", "/v1/proxy/x?wsdl", &[], "").await;
    assert!(provider.last().body.is_empty());
    program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn functions_compute_what_they_say() {
    let provider = EchoProvider::start().await;
    let mut program = setup(Engine::Sqlite).provider("all", &file(&provider.url())).start().await;
    let a = canary("a");
    let connection = connect(&mut program, "functions", &a, None).await;
    let one = |seen: &passthrough_testkit::echo::Seen, name: &str| seen.header(name)[0].to_owned();
    program.on(&connection, "GET", "/v1/proxy/x", &[], "").await;
    let first = provider.last();
    assert_eq!(one(&first, "authorization"), format!("Basic {}", BASE64.encode(format!("{a}:").as_bytes())));
    assert_eq!(one(&first, "x-b64"), data_encoding::BASE64URL_NOPAD.encode(format!("{a}?>").as_bytes()));
    assert_eq!(
        first.target,
        format!("/x?enc={a}%252F"),
        "encoded once by the function and once for its place"
    );
    for (name, length) in [("x-sha", 64), ("x-hmac", 64)] {
        let value = one(&first, name);
        assert!(
            value.len() == length && value.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b)),
            "{name}: {value}"
        );
    }
    assert_eq!(BASE64.decode(one(&first, "x-hmac64").as_bytes()).unwrap().len(), 32);
    let hmac = data_encoding::HEXLOWER.encode(&BASE64.decode(one(&first, "x-hmac64").as_bytes()).unwrap());
    assert_eq!(hmac, one(&first, "x-hmac"), "both are of one moment");
    assert!(one(&first, "x-time").parse::<u64>().unwrap() > 1_700_000_000);
    assert_eq!(one(&first, "x-iso").len(), "2026-01-31T12:00:00Z".len());
    assert_eq!((one(&first, "x-id").len(), one(&first, "x-id")), (36, one(&first, "x-id-again")));
    program.on(&connection, "GET", "/v1/proxy/x", &[], "").await;
    assert_ne!(one(&provider.last(), "x-id"), one(&first, "x-id"), "every request has its own");
    assert_eq!(one(&provider.last(), "x-sha"), one(&first, "x-sha"));
    program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_would_break_its_place_is_refused_when_it_is_given() {
    let provider = EchoProvider::start().await;
    let mut program = setup(Engine::Sqlite).provider("all", &file(&provider.url())).start().await;
    for (auth, secret) in [
        ("headers", "x\r\nX-Evil: 1"),
        ("headers", "x\ny"),
        ("headers", "x\0"),
        ("cookies", "x; admin=1"),
        ("cookies", "a b"),
        ("path", ".."),
        ("path", "/.."),
    ] {
        let secret = if auth == "path" { secret.to_owned() } else { format!("{}{secret}", canary("a")) };
        let request = serde_json::json!({"provider": "all", "auth": auth, "credentials": {"a": secret}});
        let created = program.api("POST", "/v1/connections", &request.to_string()).await;
        let refused = if created.status == 201 {
            let text = |name: &str| read(&created)[name].as_str().unwrap().to_owned();
            let connection = Connected { id: text("id"), token: text("token") };
            program.watch(&connection.token);
            program.on(&connection, "GET", "/v1/proxy/x", &[], "").await
        } else {
            created
        };
        let fine = auth == "path" && refused.status == 200;
        assert!(
            fine || refused.status == 400 || refused.status == 422,
            "{auth} {secret:?}: {}",
            refused.text()
        );
        assert!(!refused.text().contains(passthrough_testkit::program::CANARY));
    }
    for seen in provider.seen() {
        // `bot..` is a name like any other.
        assert!(seen.target.starts_with("/bot..") || seen.target.starts_with("/bot%2F.."), "{}", seen.target);
        assert!(seen.header("x-evil").is_empty());
    }
    program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_custom_provider_reaches_any_api_in_five_ways() {
    let provider = EchoProvider::start().await;
    let mut program = setup(Engine::Sqlite).start().await;
    let base_url = format!("{}/v1/", provider.url());
    let (user, secret) = (canary("user"), canary("secret"));
    for (auth, credentials, header, expected, target) in [
        (
            "bearer",
            serde_json::json!({"token": secret}),
            "authorization",
            Some(format!("Bearer {secret}")),
            "/v1/x?a=1".to_owned(),
        ),
        (
            "basic",
            serde_json::json!({"username": user, "password": secret}),
            "authorization",
            Some(format!("Basic {}", BASE64.encode(format!("{user}:{secret}").as_bytes()))),
            "/v1/x?a=1".to_owned(),
        ),
        (
            "basic",
            serde_json::json!({"username": user}),
            "authorization",
            Some(format!("Basic {}", BASE64.encode(format!("{user}:").as_bytes()))),
            "/v1/x?a=1".to_owned(),
        ),
        (
            "header",
            serde_json::json!({"name": "X-Odd-Key", "value": secret}),
            "x-odd-key",
            Some(secret.clone()),
            "/v1/x?a=1".to_owned(),
        ),
        (
            "query",
            serde_json::json!({"name": "k", "value": secret}),
            "authorization",
            None,
            format!("/v1/x?a=1&k={secret}"),
        ),
        ("none", serde_json::json!({}), "authorization", None, "/v1/x?a=1".to_owned()),
    ] {
        let request = serde_json::json!({
            "provider": "custom", "auth": auth, "credentials": credentials, "variables": {"base_url": base_url}
        });
        let connection = program.connect(&request.to_string()).await;
        call(&program, &connection, r#"{"method":"GET","path":"/x?a=1","headers":{"x-odd-key":"mine"}}"#)
            .await;
        let seen = provider.last();
        if header != "x-odd-key" {
            assert_eq!(seen.header("x-odd-key"), ["mine"], "{auth}");
        }
        assert_eq!(
            (seen.header(header), seen.target.as_str()),
            (Vec::from_iter(expected.as_deref()), target.as_str()),
            "{auth}"
        );
    }
    for name in [
        "Host",
        "content-length",
        "Transfer-Encoding",
        "Connection",
        "Cookie",
        "X-Forwarded-For",
        "a b",
        "a\r\nb",
        "",
    ] {
        let request = serde_json::json!({
            "provider": "custom", "auth": "header", "credentials": {"name": name, "value": secret}, "variables": {"base_url": base_url}
        });
        let created = program.api("POST", "/v1/connections", &request.to_string()).await;
        assert!(created.status == 400 || created.status == 422, "{name:?}: {}", created.text());
    }
    program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_certificate_is_presented_to_who_wants_one() {
    let (servers, clients) = (Authority::new("servers").unwrap(), Authority::new("clients").unwrap());
    let tls = servers.server("127.0.0.1", Some(&clients)).unwrap();
    let server = RawServer::start_tls(vec![answers(&answer("200 OK", "hello"))], tls).await.unwrap();
    let folder = tempfile::tempdir().unwrap();
    let roots = folder.path().join("roots.pem");
    std::fs::write(&roots, servers.pem()).unwrap();
    let file = format!(
        "name = \"Bank\"\nbase_url = \"https://{}\"\n[auth.certificate]\ngrant = \"static\"\n\
         fields.certificate = {{ label = \"Certificate\", secret = false }}\n\
         fields.private_key = {{ label = \"Private key\", secret = true }}\n\
         inject.client_certificate = {{ certificate = \"{{certificate}}\", private_key = \"{{private_key}}\" }}\n",
        server.address()
    );
    // Of several workers each opens sockets of its own.
    let setup = setup(Engine::Sqlite).variable("PASSTHROUGH_SERVER__WORKERS", "1");
    let setup = setup.variable("PASSTHROUGH_UPSTREAM__CA_FILE", roots.to_str().unwrap());
    let mut program = setup.provider("bank", &file).start().await;
    let mut connect = async |issued: &passthrough_testkit::raw_server::Issued| {
        program.watch(issued.key_pem().lines().nth(1).unwrap());
        let credentials = serde_json::json!({"certificate": issued.pem(), "private_key": issued.key_pem()});
        let request = serde_json::json!({"provider": "bank", "credentials": credentials}).to_string();
        program.connect(&request).await
    };
    let (alice, bob) = (clients.issue("alice").unwrap(), clients.issue("bob").unwrap());
    let mallory = Authority::new("others").unwrap().issue("mallory").unwrap();
    let connections =
        [connect(&alice).await, connect(&bob).await, connect(&alice).await, connect(&mallory).await];
    for connection in &connections[..3] {
        let response = program.on(connection, "GET", "/v1/proxy/x", &[], "").await;
        assert_eq!(
            (response.status.as_u16(), response.text()),
            (200, "hello".to_owned()),
            "{}",
            program.log()
        );
    }
    let presented: Vec<_> =
        server.connections().into_iter().map(|seen| seen.client_certificate.unwrap()).collect();
    assert_eq!(
        presented,
        [alice.der().to_vec(), bob.der().to_vec()],
        "one socket per certificate, and shared by none else"
    );
    let refused = program.on(&connections[3], "GET", "/v1/proxy/x", &[], "").await;
    let refused = failure(&refused);
    assert!(refused.starts_with("502 bad_gateway tls "), "{refused}");
    // A key that does not belong to its certificate is no credential.
    let credentials = serde_json::json!({"certificate": alice.pem(), "private_key": bob.key_pem()});
    let request = serde_json::json!({"provider": "bank", "credentials": credentials}).to_string();
    let created = program.api("POST", "/v1/connections", &request).await;
    assert!(created.status == 400 || created.status == 422, "{}", created.text());
    program.finish().await;
}

/// A body that the credential goes into is held first, and who sends it must not take longer than it wants to wait.
#[tokio::test(flavor = "multi_thread")]
async fn a_body_that_is_held_arrives_before_the_deadline() {
    let file = |file: String| file + "inject.body.\"/token\" = \"{api_key}\"\n";
    let stage = stage_with(vec![], |setup| setup, file).await;
    let headers = "Passthrough-Timeout-Ms: 300\r\nContent-Type: application/json\r\nContent-Length: 50\r\n";
    let mut caller = stage.caller("POST", "/v1/proxy/x", headers).await;
    caller.write(b"{\"a\"").await;
    let answer = caller.until("}").await;
    assert!(answer.starts_with("HTTP/1.1 504") && answer.contains("total_timeout"), "{answer}");
    stage.program.finish().await;
}
