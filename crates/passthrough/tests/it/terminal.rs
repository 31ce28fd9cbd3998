//! `/tsp/v1`: a program written for Terminal works by changing the host.

use bytes::Bytes;
use http::Response as HttpResponse;
use http_body_util::Full;
use passthrough_testkit::echo::EchoProvider;
use passthrough_testkit::http::Response;
use passthrough_testkit::program::{Engine, canary};
use serde_json::{Value, json as value};

use crate::support::{
    Shop, ask, bearer_provider, failure, json, on_both_databases, paths, setup, shop, shop_and_away,
    shop_with,
};

on_both_databases! {
    a_call_has_the_form_that_terminal_documents
    any_answer_of_the_provider_is_a_200_with_the_envelope
    a_failure_has_one_of_the_declared_statuses
    the_connection_of_a_token_is_read_changed_and_deleted
    connections_and_providers_are_listed
    raw_gives_the_bytes_or_the_envelope
}

impl Shop {
    /// `POST /tsp/v1/passthrough`, whatever comes of it.
    async fn terminal(&self, request: &str) -> Response {
        self.program.on(&self.connection, "POST", "/tsp/v1/passthrough", &[], request.to_owned()).await
    }
}

fn names(object: &Value) -> Vec<&str> {
    object.as_object().unwrap().keys().map(String::as_str).collect()
}

async fn a_call_has_the_form_that_terminal_documents(engine: Engine) {
    let shop = shop(engine).await;
    for method in ["GET", "POST", "PUT", "PATCH", "DELETE"] {
        let body = if method == "GET" { Value::Null } else { value!(r#"{"reportId":"1234"}"#) };
        let request = value!({
            "method": method, "path": "/reports?from=1", "body": body,
            "headers": { "X-Own": "mine", "Authorization": "Bearer stolen" },
        });
        let response = shop.terminal(&request.to_string()).await;
        assert_eq!(response.status, 200, "{}", response.text());
        let answer = json(&response);
        assert_eq!(names(&answer), ["method", "path", "statusCode", "headers", "response"]);
        assert_eq!((&answer["method"], &answer["path"]), (&value!(method), &value!("/reports?from=1")));
        assert_eq!(answer["statusCode"], 200);
        assert_eq!(answer["headers"]["content-type"], "application/json");
        assert_eq!(answer["response"]["target"], "/base/reports?from=1");
        let seen = shop.provider.last();
        assert_eq!(seen.header("x-own"), ["mine"]);
        assert_eq!(seen.header("authorization"), [format!("Bearer {}", shop.api_key)]);
        assert_eq!(seen.body, body.as_str().unwrap_or_default());
    }
    // What is no field of Terminal's is let be, even where it is one of ours.
    let odd = r#"{"method":"POST","path":"/x","boddy":1,"query":5,"timeoutMs":"soon","responseAs":[],"form":{},
                  "multipart":7,"bodyEncoding":"base64","base":"upload","headers":null,"body":"not base64!"}"#;
    let response = shop.terminal(odd).await;
    assert_eq!(response.status, 200, "{}", response.text());
    assert_eq!(shop.provider.last().body, "not base64!");
    shop.program.finish().await;
}

/// Answers with the status and body that the path names: `/404/json`.
async fn answers() -> EchoProvider {
    EchoProvider::answering(|seen| {
        let parts: Vec<&str> = seen.target.split('/').collect();
        let (kind, body) = match parts[3] {
            "object" => ("application/json", r#"{"a":[1.10,12345678901234567890]}"#),
            "array" => ("application/json", "[1,2]"),
            "null" => ("application/json", "null"),
            "padded-null" => ("application/json", " null\n"),
            "true" => ("application/json", "true"),
            "number" => ("application/json", "7.0"),
            "text" => ("text/html", "<p>sorry</p>"),
            _ => ("application/json", ""),
        };
        let mut response = HttpResponse::new(Full::new(Bytes::from(body)));
        *response.status_mut() = parts[2].parse().unwrap();
        response.headers_mut().insert("content-type", kind.parse().unwrap());
        response
    })
    .await
}

async fn any_answer_of_the_provider_is_a_200_with_the_envelope(engine: Engine) {
    let shop = shop_with(engine, answers().await).await;
    for (status, kind, expected) in [
        (200, "object", r#"{"a":[1.10,12345678901234567890]}"#),
        (201, "array", "[1,2]"),
        (200, "null", "\"\""),
        (200, "padded-null", "\"\""),
        (400, "true", "true"),
        (401, "number", "7.0"),
        (404, "text", r#""<p>sorry</p>""#),
        (429, "object", r#"{"a":[1.10,12345678901234567890]}"#),
        (500, "empty", "\"\""),
        (302, "empty", "\"\""),
        (204, "empty", "\"\""),
    ] {
        let request = value!({ "method": "GET", "path": format!("/{status}/{kind}") });
        let response = shop.terminal(&request.to_string()).await;
        assert_eq!(response.status, 200, "{}", response.text());
        let answer = json(&response);
        assert_eq!(answer["statusCode"], status);
        let text = response.text();
        assert!(text.ends_with(&format!("\"response\":{expected}}}")), "{status} {kind}: {text}");
    }
    shop.program.finish().await;
}

async fn a_failure_has_one_of_the_declared_statuses(engine: Engine) {
    let (Shop { program, provider, connection, .. }, away) = shop_and_away(engine).await;
    let path = "/tsp/v1/passthrough";
    let fine = r#"{"method":"GET","path":"/x"}"#;

    for (body, place) in [
        ("{", ""),
        ("[]", ""),
        (r#"{"path":"/x"}"#, "method"),
        (r#"{"method":"GET"}"#, "path"),
        (r#"{"method":"get","path":"/x"}"#, "method"),
        (r#"{"method":"HEAD","path":"/x"}"#, "method"),
        (r#"{"method":"OPTIONS","path":"/x"}"#, "method"),
        (r#"{"method":"GET","path":"x"}"#, "path"),
        (r#"{"method":"GET","path":"//evil"}"#, "path"),
        (r#"{"method":"POST","path":"/x","body":{"a":1}}"#, "body"),
        (r#"{"method":"GET","path":"/x","headers":"a"}"#, "headers"),
    ] {
        let response = program.on(&connection, "POST", path, &[], body).await;
        let body = failure(&response, 400, "bad_request");
        assert_eq!(paths(&body), [place], "{body}");
        assert!(body["detail"].as_array().unwrap().iter().all(|entry| entry["message"].is_string()));
    }
    let authorization = format!("Bearer {}", program.key);
    let key = ("authorization", authorization.as_str());
    let no_key = ask(&program, "POST", path, &[("connection-token", &connection.token)], fine).await;
    failure(&no_key, 401, "unauthorized");
    failure(&ask(&program, "POST", path, &[key], fine).await, 400, "bad_request");
    for token in ["con_tkn_nonsense", "x"] {
        let response = ask(&program, "POST", path, &[key, ("connection-token", token)], fine).await;
        failure(&response, 403, "forbidden");
    }
    let response = program.on(&away, "POST", path, &[], fine).await;
    let body = failure(&response, 502, "bad_gateway");
    assert_eq!(body["detail"]["reason"], "connect");

    let own = format!("/v1/connections/{}", connection.id);
    program.api("PATCH", &own, r#"{"status":"archived"}"#).await;
    let body = failure(&program.on(&connection, "POST", path, &[], fine).await, 422, "unprocessable_entity");
    assert_eq!(paths(&body), [""]);
    assert_eq!(body["detail"][0]["message"], body["message"]);

    for (method, path, status, code) in [
        ("GET", "/tsp/v1/nowhere", 403, "forbidden"),
        ("GET", "/tsp/v1/passthrough", 400, "bad_request"),
        ("PUT", "/tsp/v1/connections", 400, "bad_request"),
        ("POST", "/tsp/v1/public-token/exchange", 403, "forbidden"),
    ] {
        failure(&program.api(method, path, r#"{"publicToken":"x"}"#).await, status, code);
    }
    assert_eq!(provider.seen().len(), 0);
    program.finish().await;
}

async fn the_connection_of_a_token_is_read_changed_and_deleted(engine: Engine) {
    let provider = EchoProvider::answering(|_| {
        HttpResponse::new(Full::new(Bytes::from(r#"{"id":"acc_1","name":"Ada's account"}"#)))
    })
    .await;
    let mut program = setup(engine).provider("shop", &bearer_provider(&provider.url())).start().await;
    let request = value!({
        "provider": "shop", "credentials": { "api_key": canary("key") }, "verify": true,
        "name": "Ada Ltd", "externalId": "u1", "tags": ["a"],
    });
    let connection = program.connect(&request.to_string()).await;
    let current = "/tsp/v1/connections/current";
    let read = json(&program.on(&connection, "GET", current, &[], "").await);
    let (created, updated) = (read["createdAt"].clone(), read["updatedAt"].clone());
    assert!(created.as_str().unwrap().ends_with('Z'));
    let link_url = read["linkUrl"].clone();
    assert!(link_url.as_str().unwrap().starts_with(&format!("{}/link/{}.", program.url, connection.id)));
    let whole = value!({
        "id": connection.id, "company": { "name": "Ada Ltd", "dotNumbers": [] },
        "account": { "id": "acc_1", "name": "Ada's account" }, "status": "connected",
        "provider": { "code": "shop", "name": "Shop" }, "syncMode": "manual", "token": connection.token,
        "createdAt": created, "updatedAt": updated, "options": {}, "linkUrl": link_url, "externalId": "u1",
        "tags": ["a"], "sourceId": "acc_1",
    });
    assert_eq!(read, whole);

    let patch = r#"{"externalId":"u2","tags":["b"],"syncMode":"automatic","options":{"x":1},"company":{}}"#;
    let patched = program.on(&connection, "PATCH", current, &[], patch).await;
    assert_eq!(patched.status, 200, "{}", patched.text());
    let patched = json(&patched);
    assert_eq!((&patched["externalId"], &patched["tags"]), (&value!("u2"), &value!(["b"])));
    assert_eq!((&patched["token"], &patched["syncMode"]), (&value!(connection.token), &value!("manual")));
    let wrong = program.on(&connection, "PATCH", current, &[], r#"{"tags":"b"}"#).await;
    assert_eq!(paths(&failure(&wrong, 400, "bad_request")), ["tags"]);

    let deleted = program.on(&connection, "DELETE", current, &[], "").await;
    assert_eq!(deleted.status, 200, "Terminal declares no 204");
    assert_eq!(json(&deleted)["id"], connection.id);
    failure(&program.on(&connection, "GET", current, &[], "").await, 403, "forbidden");
    failure(&program.on(&connection, "DELETE", current, &[], "").await, 403, "forbidden");
    program.finish().await;
}

async fn connections_and_providers_are_listed(engine: Engine) {
    let mut shop = shop(engine).await;
    let request = value!({
        "provider": "shop", "credentials": { "api_key": shop.api_key }, "externalId": "u2", "tags": ["vip"],
    });
    tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    let second = shop.program.connect(&request.to_string()).await;
    let list = async |query: &str| {
        let response = shop.program.api("GET", &format!("/tsp/v1/connections{query}"), "").await;
        assert_eq!(response.status, 200, "{query}: {}", response.text());
        assert!(!response.text().contains("con_tkn_"), "no token that the caller has not shown");
        json(&response)
    };
    let ids = |page: &Value| {
        let id = |connection: &Value| connection["id"].as_str().unwrap().to_owned();
        page["results"].as_array().unwrap().iter().map(id).collect::<Vec<_>>()
    };
    let all = [second.id.clone(), shop.connection.id.clone()];
    assert_eq!(ids(&list("").await), all);
    assert_eq!(ids(&list("?externalId=u2").await), all[..1]);
    assert_eq!(ids(&list("?tag=vip").await), all[..1]);
    // A parameter of Terminal's that we do not have is let be.
    assert_eq!(ids(&list("?expand=company&dotNumber=1&tag=vip").await), all[..1]);
    let first = list("?limit=1").await;
    assert_eq!(ids(&first), all[..1]);
    let rest = list(&format!("?limit=1&cursor={}", first["next"].as_str().unwrap())).await;
    assert_eq!((ids(&rest), rest.get("next")), (all[1..].to_vec(), None));
    failure(&shop.program.api("GET", "/tsp/v1/connections?limit=0", "").await, 400, "bad_request");

    let providers = json(&shop.program.api("GET", "/tsp/v1/providers", "").await);
    let providers = providers.as_array().unwrap();
    assert!(providers.contains(&value!({ "code": "shop", "name": "Shop" })));
    assert!(providers.contains(&value!({ "code": "stripe", "name": "Stripe" })));
    for path in ["/tsp/v1/providers", "/tsp/v1/connections", "/tsp/v1/connections/current"] {
        failure(&ask(&shop.program, "GET", path, &[], "").await, 401, "unauthorized");
    }
    shop.program.finish().await;
}

async fn raw_gives_the_bytes_or_the_envelope(engine: Engine) {
    let shop = shop_with(engine, answers().await).await;
    let raw = async |path: &str| {
        let request = value!({ "method": "GET", "path": path, "unknown": 1 }).to_string();
        shop.program.on(&shop.connection, "POST", "/tsp/v1/passthrough/raw", &[], request).await
    };
    let bytes = raw("/201/text").await;
    assert_eq!((bytes.status.as_u16(), bytes.text().as_str()), (201, "<p>sorry</p>"));
    assert_eq!(bytes.header("content-type"), Some("text/html"));
    assert_eq!(bytes.header("passthrough-source"), Some("provider"));
    let envelope = raw("/404/null").await;
    assert_eq!(envelope.status, 200);
    assert_eq!(envelope.header("passthrough-source"), Some("envelope"));
    let answer = json(&envelope);
    assert_eq!(names(&answer), ["method", "path", "statusCode", "headers", "response"]);
    assert_eq!((&answer["statusCode"], &answer["response"]), (&value!(404), &value!("")));
    failure(&raw("//evil").await, 400, "bad_request");
    shop.program.finish().await;
}
