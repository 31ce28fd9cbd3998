//! Environments are closed rooms: from outside, what is inside is the same as what is not there.

use passthrough_testkit::http::Response;
use passthrough_testkit::program::{Engine, Program};
use serde_json::Value;

use crate::support::{ask, json, on_both_databases, record, shop, with_key};

on_both_databases! {
    a_connection_of_one_environment_does_not_exist_in_another
    each_environment_lists_its_own
}

/// Well-formed, and nobody's: the checksum was made for it, the row never.
const NOBODYS_ID: &str = "conn_01ARZ3NDEKTSV4RRFFQ69G5FAV";

/// Status, headers and body but for what is different in each answer.
fn essence(response: &Response) -> (u16, Vec<(String, String)>, String) {
    let mut body: Value = json(response);
    body.as_object_mut().unwrap().remove("requestId");
    let fixed = |name: &str| name != "passthrough-request-id" && name != "date";
    let headers = response.headers.iter().filter(|(name, _)| fixed(name)).cloned().collect();
    (response.status.as_u16(), headers, body.to_string())
}

async fn a_connection_of_one_environment_does_not_exist_in_another(engine: Engine) {
    let mut shop = shop(engine).await;
    let stranger = shop.program.create_key("staging");
    // A token that was valid until its connection was deleted: unknown now, and well-formed.
    let gone = {
        let request = format!(r#"{{"provider":"shop","credentials":{{"api_key":"{}"}}}}"#, shop.api_key);
        let gone = shop.program.connect(&request).await;
        let path = format!("/v1/connections/{}", gone.id);
        assert_eq!(shop.program.api("DELETE", &path, "").await.status, 204);
        gone
    };
    let (program, connection) = (&shop.program, &shop.connection);
    // What the owner does must not open the door to others by way of a cache.
    let envelope = r#"{"method":"GET","path":"/x"}"#;
    let before = program.on(connection, "POST", "/v1/passthrough", &[], envelope).await;
    assert_eq!(before.status, 200);
    let calls = shop.provider.seen().len();

    let authorization = format!("Bearer {stranger}");
    let on = async |token: &str, method: &str, path: &str, body: &str| {
        let headers = [("authorization", authorization.as_str()), ("connection-token", token)];
        essence(&ask(program, method, path, &headers, body).await)
    };
    for (method, path, body) in [
        ("POST", "/v1/passthrough", envelope),
        ("POST", "/v1/passthrough/raw", envelope),
        ("GET", "/v1/proxy/x", ""),
        ("POST", "/v1/proxy/x?y=1", "body"),
        ("POST", "/tsp/v1/passthrough", envelope),
        ("POST", "/tsp/v1/passthrough/raw", envelope),
        ("GET", "/v1/connections/current", ""),
        ("PATCH", "/v1/connections/current", r#"{"name":"stolen"}"#),
        ("DELETE", "/v1/connections/current", ""),
        ("GET", "/tsp/v1/connections/current", ""),
        ("PATCH", "/tsp/v1/connections/current", r#"{"externalId":"stolen"}"#),
        ("DELETE", "/tsp/v1/connections/current", ""),
    ] {
        let foreign = on(&connection.token, method, path, body).await;
        assert_eq!(foreign.0, if path.starts_with("/tsp") { 403 } else { 404 }, "{method} {path}");
        assert_eq!(foreign, on(&gone.token, method, path, body).await, "{method} {path}");
        assert_eq!(foreign, on("con_tkn_nonsense", method, path, body).await, "{method} {path}");
    }
    for (method, tail, body) in [
        ("GET", "", ""),
        ("PATCH", "", r#"{"name":"stolen","credentials":{"api_key":"x"}}"#),
        ("DELETE", "", ""),
        ("POST", "/verify", ""),
        ("POST", "/rotate-token", ""),
    ] {
        let by_id = async |id: &str| {
            let path = format!("/v1/connections/{id}{tail}");
            essence(&with_key(program, &stranger, method, &path, body).await)
        };
        let foreign = by_id(&connection.id).await;
        assert_eq!(foreign.0, 404, "{method} {tail}");
        assert_eq!(foreign, by_id(NOBODYS_ID).await, "{method} {tail}");
        assert_eq!(foreign, by_id(&gone.id).await, "{method} {tail}");
    }
    assert_eq!(shop.provider.seen().len(), calls, "nothing went out");
    // Nothing of it did anything.
    let after = program.on(connection, "POST", "/v1/passthrough", &[], envelope).await;
    assert_eq!(after.status, 200);
    let read = json(&program.api("GET", &format!("/v1/connections/{}", connection.id), "").await);
    assert_eq!((read.get("name"), &read["status"]), (None, &Value::from("connected")));
    shop.program.finish().await;
}

async fn each_environment_lists_its_own(engine: Engine) {
    let mut shop = shop(engine).await;
    let stranger = shop.program.create_key("staging");
    let envelope = shop.envelope(r#"{"method":"GET","path":"/x"}"#).await;
    let request_id = envelope["requestId"].as_str().unwrap();
    record(&shop.program, request_id).await;
    let list = async |program: &Program, key: &str, path: &str| {
        let page = json(&with_key(program, key, "GET", path, "").await);
        page["results"].as_array().unwrap().len()
    };
    for (path, ours, theirs) in [
        ("/v1/connections", 1, 0),
        ("/v1/connections?provider=shop", 1, 0),
        ("/v1/requests", 1, 0),
        ("/v1/api-keys", 1, 1),
        ("/tsp/v1/connections", 1, 0),
    ] {
        assert_eq!(list(&shop.program, &shop.program.key, path).await, ours, "{path}");
        assert_eq!(list(&shop.program, &stranger, path).await, theirs, "{path}");
    }
    let path = format!("/v1/requests?connectionId={}", shop.connection.id);
    assert_eq!(list(&shop.program, &stranger, &path).await, 0);
    // A cursor of the other room leads nowhere in this one.
    let cursor = data_encoding::BASE64URL_NOPAD.encode(shop.connection.id.as_bytes());
    assert_eq!(list(&shop.program, &stranger, &format!("/v1/connections?cursor={cursor}")).await, 0);

    // By id: a record and a key of the other room.
    let foreign = with_key(&shop.program, &stranger, "GET", &format!("/v1/requests/{request_id}"), "").await;
    let nobodys = "/v1/requests/req_01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let unknown = with_key(&shop.program, &stranger, "GET", nobodys, "").await;
    assert_eq!(foreign.status, 404);
    assert_eq!(essence(&foreign), essence(&unknown));
    let own_key = format!("/v1/api-keys/key_{}", &shop.program.key[3..29]);
    let foreign = with_key(&shop.program, &stranger, "DELETE", &own_key, "").await;
    let nobodys = "/v1/api-keys/key_01ARZ3NDEKTSV4RRFFQ69G5FAV";
    let unknown = with_key(&shop.program, &stranger, "DELETE", nobodys, "").await;
    assert_eq!(foreign.status, 404);
    assert_eq!(essence(&foreign), essence(&unknown));
    assert_eq!(shop.program.api("GET", "/v1/api-keys", "").await.status, 200);

    // A key makes keys of its own environment only.
    let made = with_key(&shop.program, &stranger, "POST", "/v1/api-keys", r#"{"name":"more"}"#).await;
    let made = json(&made);
    assert_eq!(made["environment"], "staging");
    shop.program.watch(made["key"].as_str().unwrap());
    // The same connection in the other room is another one.
    let request = format!(r#"{{"provider":"shop","credentials":{{"api_key":"{}"}}}}"#, shop.api_key);
    let other = with_key(&shop.program, &stranger, "POST", "/v1/connections", &request).await;
    assert_eq!(other.status, 201);
    shop.program.watch(json(&other)["token"].as_str().unwrap());
    assert_eq!(list(&shop.program, &stranger, "/v1/connections").await, 1);
    assert_eq!(list(&shop.program, &shop.program.key, "/v1/connections").await, 1);
    shop.program.finish().await;
}
