//! `/v1/api-keys`: made, listed, revoked, expired; and what a stranger is told.

use passthrough_testkit::http::Response;
use passthrough_testkit::program::{Engine, Program};
use passthrough_wire::time;
use serde_json::{Value, json as value};

use crate::support::{ask, failure, json, on_both_databases, paths, setup, shop, with_key};

on_both_databases! {
    a_key_is_shown_once_and_works_until_it_is_revoked
    a_key_ends_at_its_time
    what_is_wrong_with_a_key_is_never_said
    mistakes_are_named
}

/// Makes a key and gives it with the answer.
async fn create(program: &mut Program, request: &Value) -> (String, Value) {
    let response = program.api("POST", "/v1/api-keys", &request.to_string()).await;
    assert_eq!(response.status, 201, "{}", response.text());
    let body = json(&response);
    let key = body["key"].as_str().unwrap().to_owned();
    program.watch(&key);
    (key, body)
}

async fn a_key_is_shown_once_and_works_until_it_is_revoked(engine: Engine) {
    let mut shop = shop(engine).await;
    let (key, created) = create(&mut shop.program, &value!({ "name": "Ada's app 🛒" })).await;
    let program = &shop.program;
    assert!(key.starts_with("sk_"));
    assert_eq!(created["environment"], "default");
    let id = created["id"].as_str().unwrap();
    assert!(id.starts_with("key_") && key.contains(&id[4..]));

    let listed = with_key(program, &key, "GET", "/v1/api-keys", "").await;
    assert!(!listed.text().contains(&key), "a key is shown once");
    let listed = json(&listed);
    let mut shown = created.clone();
    shown.as_object_mut().unwrap().remove("key");
    assert_eq!(listed["results"][0], shown);
    assert_eq!(listed["results"].as_array().unwrap().len(), 2);

    // It does everything that the first one does.
    let call = async |key: &str| {
        let authorization = format!("bearer  {key} ");
        let headers =
            [("authorization", authorization.as_str()), ("connection-token", shop.connection.token.as_str())];
        ask(program, "POST", "/v1/passthrough", &headers, r#"{"method":"GET","path":"/x"}"#).await
    };
    assert_eq!(call(&key).await.status, 200);

    // Revoked, at once and everywhere; doing so again changes nothing.
    let path = format!("/v1/api-keys/{id}");
    assert_eq!(program.api("DELETE", &path, "").await.status, 204);
    failure(&call(&key).await, 401, "unauthorized");
    failure(&with_key(program, &key, "GET", "/v1/connections", "").await, 401, "unauthorized");
    let find = async || {
        let page = json(&program.api("GET", "/v1/api-keys", "").await);
        page["results"].as_array().unwrap().iter().find(|key| key["id"] == id).unwrap()["revokedAt"].clone()
    };
    let revoked_at = find().await;
    assert!(revoked_at.is_string());
    assert_eq!(program.api("DELETE", &path, "").await.status, 204);
    assert_eq!(find().await, revoked_at);
    assert_eq!(call(&program.key).await.status, 200);
    assert_eq!(shop.provider.seen().len(), 2);

    // A key may revoke itself.
    let (own, created) = create(&mut shop.program, &value!({ "name": "short" })).await;
    let path = format!("/v1/api-keys/{}", created["id"].as_str().unwrap());
    assert_eq!(with_key(&shop.program, &own, "DELETE", &path, "").await.status, 204);
    failure(&with_key(&shop.program, &own, "GET", &path, "").await, 405, "method_not_allowed");
    failure(&with_key(&shop.program, &own, "DELETE", &path, "").await, 401, "unauthorized");
    shop.program.finish().await;
}

async fn a_key_ends_at_its_time(engine: Engine) {
    let mut program = setup(engine).start().await;
    let (_, now) = create(&mut program, &value!({ "name": "for its time" })).await;
    let now = time::parse(now["createdAt"].as_str().unwrap()).unwrap();
    let (later, created) =
        create(&mut program, &value!({ "name": "a day", "expiresAt": time::format(now + 86_400_000) })).await;
    assert_eq!(created["expiresAt"], time::format(now + 86_400_000));
    let (soon, _) =
        create(&mut program, &value!({ "name": "a moment", "expiresAt": time::format(now + 1_500) })).await;
    let use_key = async |key: &str| with_key(&program, key, "GET", "/v1/providers/stripe", "").await.status;
    assert_eq!(use_key(&soon).await, 200);
    let began = std::time::Instant::now();
    while use_key(&soon).await == 200 {
        assert!(began.elapsed().as_secs() < 10, "the key does not end");
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    assert_eq!(use_key(&soon).await, 401);
    assert_eq!(use_key(&later).await, 200);
    program.finish().await;
}

/// Status, headers and body but for what is different in each answer.
fn essence(response: &Response) -> (u16, Vec<(String, String)>, Value) {
    let mut body = json(response);
    body.as_object_mut().unwrap().remove("requestId");
    let fixed = |name: &str| name != "passthrough-request-id" && name != "date";
    let headers = response.headers.iter().filter(|(name, _)| fixed(name)).cloned().collect();
    (response.status.as_u16(), headers, body)
}

async fn what_is_wrong_with_a_key_is_never_said(engine: Engine) {
    let mut shop = shop(engine).await;
    let (revoked, created) = create(&mut shop.program, &value!({ "name": "revoked" })).await;
    let path = format!("/v1/api-keys/{}", created["id"].as_str().unwrap());
    assert_eq!(shop.program.api("DELETE", &path, "").await.status, 204);
    let now = time::parse(created["createdAt"].as_str().unwrap()).unwrap();
    let soon = time::format(now + 1_000);
    let (expired, _) = create(&mut shop.program, &value!({ "name": "expired", "expiresAt": soon })).await;
    tokio::time::sleep(std::time::Duration::from_millis(1_100)).await;
    let program = &shop.program;
    // Well-formed, and of another installation.
    let elsewhere = setup(Engine::Sqlite).start().await;
    let unknown = elsewhere.key.clone();
    elsewhere.finish().await;
    let authorizations = [
        format!("Bearer {unknown}"),
        format!("Bearer {revoked}"),
        format!("Bearer {expired}"),
        format!("Bearer {}x", program.key),
        format!("Bearer {}", &program.key[..program.key.len() - 1]),
        format!("Bearer {}", program.key.to_lowercase()),
        format!("Bearer {}", shop.connection.token),
        format!("Basic {}", program.key),
        format!("Bearer{}", program.key),
        program.key.clone(),
        "Bearer sk_".to_owned(),
        "Bearer".to_owned(),
        "Bearer ".to_owned(),
        String::new(),
        "Bearer sk_ü".to_owned(),
        format!("Bearer {}", "x".repeat(20_000)),
    ];
    let doors = [
        ("POST", "/v1/passthrough", r#"{"method":"GET","path":"/x"}"#),
        ("POST", "/v1/passthrough", "no JSON"),
        ("POST", "/v1/passthrough/raw", r#"{"method":"GET","path":"/x"}"#),
        ("GET", "/v1/proxy/x", ""),
        ("POST", "/v1/proxy/x", "body"),
        ("GET", "/v1/providers", ""),
        ("GET", "/v1/providers/nonsense", ""),
        ("GET", "/v1/connections?limit=0", ""),
        ("POST", "/v1/connections", "{}"),
        ("GET", "/v1/connections/current", ""),
        ("GET", "/v1/connections/conn_x", ""),
        ("PATCH", "/v1/connections/conn_x", "["),
        ("DELETE", "/v1/connections/conn_x", ""),
        ("POST", "/v1/connections/conn_x/verify", ""),
        ("POST", "/v1/connections/conn_x/rotate-token", ""),
        ("GET", "/v1/api-keys", ""),
        ("POST", "/v1/api-keys", "{}"),
        ("DELETE", "/v1/api-keys/key_x", ""),
        ("GET", "/v1/requests", ""),
        ("GET", "/v1/requests/req_x", ""),
    ];
    let token = ("connection-token", shop.connection.token.as_str());
    let none = essence(&ask(program, "GET", "/v1/providers", &[token], "").await);
    assert_eq!(none.0, 401);
    assert!(none.1.iter().any(|(name, value)| name == "www-authenticate" && value.starts_with("Bearer")));
    for (method, path, body) in doors {
        let bare = ask(program, method, path, &[token], body).await;
        failure(&bare, 401, "unauthorized");
        assert_eq!(essence(&bare), none, "{method} {path}");
        let wrong = ask(program, method, path, &[token, ("authorization", &authorizations[0])], body).await;
        assert_eq!(essence(&wrong), none, "{method} {path}");
    }
    for authorization in &authorizations {
        let headers = [token, ("authorization", authorization.as_str())];
        for (method, path, body) in [doors[0], doors[3], doors[5]] {
            let wrong = ask(program, method, path, &headers, body).await;
            assert_eq!(essence(&wrong), none, "{authorization:.20} {method} {path}");
        }
    }
    assert_eq!(shop.provider.seen().len(), 0);
    shop.program.finish().await;
}

async fn mistakes_are_named(engine: Engine) {
    let program = setup(engine).start().await;
    let long = format!(r#"{{"name":"{}"}}"#, "x".repeat(201));
    for (body, path) in [
        ("", "name"),
        ("{}", "name"),
        (r#"{"name":null}"#, "name"),
        (r#"{"name":" "}"#, "name"),
        (r#"{"name":5}"#, "name"),
        (r#"{"name":"a\u0000b"}"#, "name"),
        (long.as_str(), "name"),
        (r#"{"name":"a","expiresAt":"tomorrow"}"#, "expiresAt"),
        (r#"{"name":"a","expiresAt":1700000000}"#, "expiresAt"),
        (r#"{"name":"a","expiresAt":"2020-01-01T00:00:00Z"}"#, "expiresAt"),
        (r#"{"name":"a","expires":"2099-01-01T00:00:00Z"}"#, "expires"),
        (r#"{"name":"a","environment":"other"}"#, "environment"),
        ("{", ""),
    ] {
        let body = failure(&program.api("POST", "/v1/api-keys", body).await, 400, "bad_request");
        assert_eq!(paths(&body), [path], "{body}");
    }
    for id in ["key_01ARZ3NDEKTSV4RRFFQ69G5FAV", "nonsense", "%00", "%FF"] {
        failure(&program.api("DELETE", &format!("/v1/api-keys/{id}"), "").await, 404, "not_found");
    }
    for query in ["limit=0", "limit=501", "cursor=x", "name=a"] {
        failure(&program.api("GET", &format!("/v1/api-keys?{query}"), "").await, 400, "bad_request");
    }
    assert_eq!(json(&program.api("GET", "/v1/api-keys", "").await)["results"].as_array().unwrap().len(), 1);

    // Page by page.
    for number in 0..4 {
        let body = format!(r#"{{"name":"{number}"}}"#);
        assert_eq!(program.api("POST", "/v1/api-keys", &body).await.status, 201);
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    let (mut names, mut next) = (Vec::new(), String::new());
    loop {
        let page = json(&program.api("GET", &format!("/v1/api-keys?limit=2{next}"), "").await);
        let results = page["results"].as_array().unwrap();
        assert!(results.len() <= 2);
        names.extend(results.iter().map(|key| key["name"].as_str().unwrap().to_owned()));
        match page["next"].as_str() {
            Some(cursor) => next = format!("&cursor={cursor}"),
            None => break,
        }
    }
    assert_eq!(names, ["3", "2", "1", "0", "test"]);
    program.finish().await;
}
