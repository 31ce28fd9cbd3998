//! `/v1/connections`: made, read, changed, proved, given new tokens, deleted.

use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use bytes::Bytes;
use http::Response as HttpResponse;
use http_body_util::Full;
use passthrough_testkit::echo::EchoProvider;
use passthrough_testkit::http::Response;
use passthrough_testkit::program::{Connected, Engine, Program, canary};
use serde_json::{Value, json as value};

use crate::support::{
    bearer_provider, failure, json, nobody, on_both_databases, paths, setup, shop, shop_with,
};

on_both_databases! {
    every_mistake_at_creation_is_named_and_no_value_is_echoed
    a_connection_is_made_read_and_deleted
    texts_have_limits_and_none_of_them_is_a_fault_of_ours
    a_list_is_filtered_and_paged
    a_patch_changes_what_it_names_and_nothing_else
    a_new_credential_is_used_by_the_next_call
    a_credential_is_not_sent_to_another_host_without_being_given_again
    a_rotated_token_is_worthless_at_once
    a_credential_is_proved_before_it_is_stored_where_that_is_asked_for
    a_verification_tells_alive_refused_and_unreachable_apart
    a_provider_may_refuse_with_a_200
    the_connection_of_a_token_is_read_changed_and_deleted_by_it
}

/// Two auth entries, and a variable in the base URL.
fn desk(base_url: &str) -> String {
    format!(
        "name = \"Desk\"\nbase_url = \"{base_url}/base/{{region}}\"\n\
         variables.region = {{ label = \"Region\", pattern = \"[a-z]{{2}}\", example = \"eu\" }}\n\
         [auth.token]\ngrant = \"static\"\nfields.token = {{ label = \"Token\", secret = true }}\n\
         inject.headers.authorization = \"Bearer {{token}}\"\n\
         [auth.password]\ngrant = \"static\"\nfields.username = {{ label = \"User name\" }}\n\
         fields.password = {{ label = \"Password\", secret = true }}\n\
         inject.headers.authorization = \"Basic {{base64({{username}}:{{password}})}}\"\n"
    )
}

async fn desk_program(engine: Engine) -> (Program, EchoProvider) {
    let provider = EchoProvider::start().await;
    let program = setup(engine)
        .provider("desk", &desk(&provider.url()))
        .provider("shop", &bearer_provider(&format!("{}/base", provider.url())))
        .start()
        .await;
    (program, provider)
}

async fn create(program: &Program, request: &Value) -> Response {
    program.api("POST", "/v1/connections", &request.to_string()).await
}

async fn get(program: &Program, path: &str) -> Value {
    let response = program.api("GET", path, "").await;
    assert_eq!(response.status, 200, "{}", response.text());
    json(&response)
}

async fn call(program: &Program, connection: &Connected) -> Response {
    program.on(connection, "POST", "/v1/passthrough", &[], r#"{"method":"GET","path":"/x"}"#).await
}

/// How many connections there are.
async fn count(program: &Program) -> usize {
    get(program, "/v1/connections").await["results"].as_array().unwrap().len()
}

async fn every_mistake_at_creation_is_named_and_no_value_is_echoed(engine: Engine) {
    let (program, _provider) = desk_program(engine).await;
    let secret = canary("typed");
    let credentials = value!({ "token": secret });
    let variables = value!({ "region": "eu" });
    let cases = [
        // (request, where, part of the message)
        (value!({}), "provider", "missing"),
        (value!({ "provider": "desk", "integration": "desk" }), "integration", "either"),
        (value!({ "provider": "dezk" }), "provider", "did you mean `desk`?"),
        (value!({ "integration": "dezk" }), "integration", "did you mean `desk`?"),
        (value!({ "provider": 7 }), "provider", "must be a string"),
        (
            value!({ "provider": "desk", "auth": "tokken", "credentials": credentials }),
            "auth",
            "token, password",
        ),
        (value!({ "provider": "desk", "variables": variables }), "auth", "token, password"),
        (
            value!({ "provider": "desk", "auth": "token", "variables": variables }),
            "credentials.token",
            "missing",
        ),
        (
            value!({ "provider": "desk", "auth": "token", "credentials": { "token": "" }, "variables": variables }),
            "credentials.token",
            "must not be empty",
        ),
        (
            value!({ "provider": "desk", "auth": "token", "variables": variables,
                     "credentials": { "token": secret, "tokn": secret } }),
            "credentials.tokn",
            "did you mean `token`?",
        ),
        (
            value!({ "provider": "desk", "auth": "token", "credentials": { "token": [secret] }, "variables": variables }),
            "credentials.token",
            "must be a string",
        ),
        (
            value!({ "provider": "desk", "auth": "token", "credentials": { "token": [12345] }, "variables": variables }),
            "credentials.token",
            "must be a string",
        ),
        (value!({ "provider": "desk", "credentials": secret }), "credentials", "must be"),
        (value!({ "provider": "desk", "credentials": [secret] }), "credentials", "must be"),
        (value!({ "provider": "desk", "credentials": credentials }), "variables.region", "missing: Region"),
        (
            value!({ "provider": "desk", "credentials": credentials, "variables": { "region": "../../evil" } }),
            "variables.region",
            "an example is `eu`",
        ),
        (
            value!({ "provider": "desk", "credentials": credentials, "variables": { "region": "eu", "regoin": "eu" } }),
            "variables.regoin",
            "did you mean `region`?",
        ),
        (
            value!({ "provider": "desk", "credentials": { "token": format!("{secret}\r\nx: y") }, "variables": variables }),
            "credentials",
            "",
        ),
        (
            value!({ "provider": "desk", "credentials": { "token": format!("{secret}\0") }, "variables": variables }),
            "credentials.token",
            "NUL",
        ),
        (
            value!({ "provider": "desk", "credentials": credentials, "variables": variables, "externalID": "u1" }),
            "externalID",
            "did you mean `externalId`?",
        ),
        (
            value!({ "provider": "desk", "credentials": credentials, "variables": variables, "verify": "yes" }),
            "verify",
            "must be a boolean",
        ),
        (
            value!({ "provider": "desk", "credentials": credentials, "variables": variables, "tags": "a" }),
            "tags",
            "must be an array",
        ),
        (
            value!({ "provider": "desk", "credentials": credentials, "variables": variables, "verify": true }),
            "verify",
            "make a passthrough request instead",
        ),
    ];
    for (request, path, message) in &cases {
        let body = failure(&create(&program, request).await, 400, "bad_request");
        assert_eq!(body["origin"], "caller");
        assert_eq!(body["sent"], "no");
        let detail = body["detail"].as_array().unwrap();
        let found = detail.iter().find(|entry| entry["path"] == *path);
        let found = found.unwrap_or_else(|| panic!("{path} is not named: {body}"));
        assert!(found["message"].as_str().unwrap().contains(message), "{body}");
    }
    let suggested = failure(&create(&program, &value!({ "provider": "dezk" })).await, 400, "bad_request");
    assert_eq!(suggested["detail"][0]["suggestion"], "desk");

    // Several mistakes are told at once.
    let request = value!({ "provider": "desk", "auth": "password", "credentials": { "usrname": secret } });
    let body = failure(&create(&program, &request).await, 400, "bad_request");
    let mut named = paths(&body);
    named.sort_unstable();
    assert_eq!(
        named,
        ["credentials.password", "credentials.username", "credentials.usrname", "variables.region"]
    );

    // What no JSON library writes by itself.
    for (text, path) in [
        (
            format!(r#"{{"provider":"desk","credentials":{{"token":"{secret}"}},"provider":"shop"}}"#),
            "provider",
        ),
        (
            format!(r#"{{"provider":"shop","credentials":{{"api_key":"{secret}","api_key":"{secret}2"}}}}"#),
            "credentials.api_key",
        ),
        (format!(r#"["{secret}"]"#), ""),
        (format!(r#"{{"provider":"shop","credentials":{{"api_key":"{secret}"}}"#), ""),
        (format!(r#""{secret}""#), ""),
        (secret.clone(), ""),
    ] {
        let body = failure(&program.api("POST", "/v1/connections", &text).await, 400, "bad_request");
        assert_eq!(paths(&body), [path], "{body}");
    }
    assert_eq!(count(&program).await, 0);
    program.finish().await;
}

async fn a_connection_is_made_read_and_deleted(engine: Engine) {
    let (mut program, provider) = desk_program(engine).await;
    let secret = canary("password");
    let request = value!({
        "integration": "desk", "credentials": { "username": "ada", "password": secret },
        "variables": { "region": "eu" }, "externalId": "user 1", "name": "Ada's desk", "tags": ["b", "a", "b"],
    });
    let created = create(&program, &request).await;
    assert_eq!(created.status, 201, "{}", created.text());
    let created = json(&created);
    let token = created["token"].as_str().unwrap().to_owned();
    program.watch(&token);
    assert!(token.starts_with("con_tkn_"));
    let connection = Connected { id: created["id"].as_str().unwrap().to_owned(), token };
    assert!(connection.id.starts_with("conn_"));

    let path = format!("/v1/connections/{}", connection.id);
    let mut read = get(&program, &path).await;
    assert_eq!(read["provider"], "desk");
    assert_eq!(read["integration"], "desk");
    assert_eq!(read["auth"], "password", "the fields say which auth entry it is");
    assert_eq!(read["status"], "connected");
    assert_eq!(read["externalId"], "user 1");
    assert_eq!(read["name"], "Ada's desk");
    assert_eq!(read["tags"], value!(["a", "b"]));
    assert!(read["createdAt"].as_str().unwrap().ends_with('Z'));
    assert!(read.get("verifiedAt").is_none() && read.get("account").is_none());
    assert!(read.get("token").is_none(), "the token is shown once");
    // What creation told is what is read, and the token; without how its credential is, which is as it was given.
    assert_eq!(read["credential"], value!({ "since": read["createdAt"] }));
    read.as_object_mut().unwrap().remove("credential");
    read["token"] = created["token"].clone();
    assert_eq!(read, created);

    assert_eq!(call(&program, &connection).await.status, 200);
    let seen = provider.last();
    assert_eq!(seen.target, "/base/eu/x");
    assert!(seen.header("authorization")[0].starts_with("Basic "));

    let deleted = program.api("DELETE", &path, "").await;
    assert_eq!(deleted.status, 204);
    assert!(deleted.body.is_empty());
    failure(&call(&program, &connection).await, 404, "not_found");
    for (method, path) in [
        ("GET", path.clone()),
        ("DELETE", path.clone()),
        ("PATCH", path.clone()),
        ("POST", format!("{path}/verify")),
        ("POST", format!("{path}/rotate-token")),
        ("GET", "/v1/connections/conn_01ARZ3NDEKTSV4RRFFQ69G5FAV".to_owned()),
        ("GET", "/v1/connections/nonsense".to_owned()),
        ("GET", "/v1/connections/%00".to_owned()),
        ("GET", "/v1/connections/%FF".to_owned()),
    ] {
        let response = program.api(method, &path, "").await;
        assert_eq!(response.status, 404, "{method} {path}: {}", response.text());
        failure(&response, 404, "not_found");
    }
    assert_eq!(provider.seen().len(), 1);
    program.finish().await;
}

async fn texts_have_limits_and_none_of_them_is_a_fault_of_ours(engine: Engine) {
    let shop = shop(engine).await;
    let program = &shop.program;
    let request = |name: &str, wrong: Value| {
        let mut request = value!({ "provider": "shop", "credentials": { "api_key": shop.api_key } });
        request[name] = wrong;
        request
    };
    let (long, longest) = ("é".repeat(513), "x".repeat(500));
    let texts = [value!(""), value!(long), value!("a\0b"), value!(5), value!(["a"])];
    let tags = [
        value!([long]),
        value!([""]),
        value!(["a\0b"]),
        value!(["a\u{1f}b"]),
        value!([1]),
        value!((0..51).map(|number| number.to_string()).collect::<Vec<_>>()),
    ];
    let path = format!("/v1/connections/{}", shop.connection.id);
    let before = get(program, &path).await;
    let cases = texts
        .iter()
        .flat_map(|wrong| [("externalId", wrong), ("name", wrong)])
        .chain(tags.iter().map(|wrong| ("tags", wrong)));
    for (name, wrong) in cases {
        let body = failure(&create(program, &request(name, wrong.clone())).await, 400, "bad_request");
        assert!(paths(&body)[0].starts_with(name), "{name}: {body}");
        let patch = value!({ name: wrong });
        let body = failure(&program.api("PATCH", &path, &patch.to_string()).await, 400, "bad_request");
        assert!(paths(&body)[0].starts_with(name), "{name}: {body}");
    }
    assert_eq!(get(program, &path).await, before, "what was refused has changed nothing");
    assert_eq!(count(program).await, 1);

    // What is just allowed comes back as it was, whatever is in it.
    let odd = "Zoë\u{7f} ' \" \\ %_ ; -- \u{202e}🛒";
    for (name, fine) in [
        ("externalId", value!(longest)),
        ("name", value!(longest)),
        ("externalId", value!(odd)),
        ("name", value!(odd)),
        ("tags", value!([odd, longest])),
    ] {
        let created = create(program, &request(name, fine.clone())).await;
        assert_eq!(created.status, 201, "{}", created.text());
        let id = json(&created)["id"].as_str().unwrap().to_owned();
        let mut read = get(program, &format!("/v1/connections/{id}")).await[name].take();
        if let Some(tags) = read.as_array_mut() {
            assert!(tags.contains(&value!(odd)) && tags.contains(&value!(longest)) && tags.len() == 2);
        } else {
            assert_eq!(read, fine);
        }
    }
    // A filter takes any text, too.
    let encoded: String = odd.bytes().map(|byte| format!("%{byte:02X}")).collect();
    for filter in ["externalId", "tag"] {
        let found = get(program, &format!("/v1/connections?{filter}={encoded}")).await;
        assert_eq!(found["results"].as_array().unwrap().len(), 1, "{filter}");
        for strange in ["%00", "a%00b", "%1F"] {
            let response = program.api("GET", &format!("/v1/connections?{filter}={strange}"), "").await;
            assert!(matches!(response.status.as_u16(), 200 | 400), "{filter}={strange}: {}", response.text());
        }
        let long = format!("/v1/connections?{filter}={}", "x".repeat(3000));
        assert_eq!(get(program, &long).await["results"], value!([]), "{filter}");
    }
    shop.program.finish().await;
}

async fn a_list_is_filtered_and_paged(engine: Engine) {
    let (program, _provider) = desk_program(engine).await;
    let secret = canary("key");
    let mut ids = Vec::new();
    for number in 0..7 {
        let mut request = value!({
            "provider": "shop", "credentials": { "api_key": secret }, "externalId": format!("user {}", number % 2),
            "tags": [format!("t{number}"), "all"],
        });
        if number == 3 {
            request["provider"] = value!("desk");
            request["credentials"] = value!({ "token": secret });
            request["variables"] = value!({ "region": "eu" });
        }
        let created = create(&program, &request).await;
        assert_eq!(created.status, 201, "{}", created.text());
        ids.push(json(&created)["id"].as_str().unwrap().to_owned());
        // Ids of one millisecond have no order among them.
        tokio::time::sleep(std::time::Duration::from_millis(2)).await;
    }
    ids.reverse();
    let archive =
        program.api("PATCH", &format!("/v1/connections/{}", ids[0]), r#"{"status":"archived"}"#).await;
    assert_eq!(archive.status, 200);

    let list = async |query: &str| -> (Vec<String>, Option<String>) {
        let page = get(&program, &format!("/v1/connections{query}")).await;
        let id = |connection: &Value| connection["id"].as_str().unwrap().to_owned();
        let results = page["results"].as_array().unwrap().iter().map(id).collect();
        (results, page["next"].as_str().map(str::to_owned))
    };
    for (query, expected) in [
        ("", &ids[..]),
        ("?", &ids[..]),
        ("?limit=500", &ids[..]),
        ("?limit=7", &ids[..]),
        ("?tag=all", &ids[..]),
        ("?tag=t3", &ids[3..4]),
        ("?tag=t9", &[]),
        ("?tag=al", &[]),
        ("?provider=desk", &ids[3..4]),
        ("?provider=desk&tag=t4", &[]),
        ("?status=archived", &ids[..1]),
        ("?status=connected", &ids[1..]),
        ("?status=disconnected", &[]),
        ("?externalId=user+9", &[]),
        ("?externalId=user%201&provider=desk&status=connected&tag=all", &ids[3..4]),
    ] {
        assert_eq!(list(query).await, (expected.to_vec(), None), "{query}");
    }
    // Who has no value to fill in is not given everybody's.
    for query in ["?provider=", "?externalId=", "?tag=&limit=5", "?status", "?limit="] {
        let refused = program.api("GET", &format!("/v1/connections{query}"), "").await;
        assert_eq!(refused.status, 400, "{query}");
        assert!(refused.text().contains("must not be empty"), "{query}: {}", refused.text());
    }
    let odd: Vec<_> = [1, 3, 5].map(|at| ids[at].clone()).to_vec();
    assert_eq!(list("?externalId=user+1").await.0, odd);

    // Page by page, and what is made meanwhile does not shift the pages.
    let (first, next) = list("?limit=3&tag=all").await;
    assert_eq!(first, ids[..3]);
    create(&program, &value!({ "provider": "shop", "credentials": { "api_key": secret }, "tags": ["all"] }))
        .await;
    let next = next.unwrap();
    let (second, next) = list(&format!("?limit=3&tag=all&cursor={next}")).await;
    assert_eq!(second, ids[3..6]);
    let (third, next) = list(&format!("?limit=3&tag=all&cursor={}", next.unwrap())).await;
    assert_eq!((third, next), (ids[6..].to_vec(), None));

    let key = get(&program, "/v1/api-keys").await["results"][0]["id"].as_str().unwrap().to_owned();
    let foreign = data_encoding::BASE64URL_NOPAD.encode(key.as_bytes());
    for (query, path) in [
        ("limit=0", "query.limit"),
        ("limit=501", "query.limit"),
        ("limit=-1", "query.limit"),
        ("limit=ten", "query.limit"),
        ("limit=5&limit=5", "query.limit"),
        ("status=conected", "query.status"),
        ("cursor=%00", "query.cursor"),
        ("cursor=abc", "query.cursor"),
        (&format!("cursor={foreign}"), "query.cursor"),
        ("externalID=1", "query.externalID"),
    ] {
        let body =
            failure(&program.api("GET", &format!("/v1/connections?{query}"), "").await, 400, "bad_request");
        assert_eq!(paths(&body), [path], "{body}");
    }
    program.finish().await;
}

async fn a_patch_changes_what_it_names_and_nothing_else(engine: Engine) {
    let shop = shop(engine).await;
    let path = format!("/v1/connections/{}", shop.connection.id);
    let patch = async |body: &str| {
        let response = shop.program.api("PATCH", &path, body).await;
        assert_eq!(response.status, 200, "{body}: {}", response.text());
        let patched = json(&response);
        assert_eq!(get(&shop.program, &path).await, patched);
        patched
    };
    let is = |patched: &Value, name: Value, external_id: Value, tags: Value| {
        assert_eq!(
            (&patched["name"], &patched["externalId"], &patched["tags"]),
            (&name, &external_id, &tags)
        );
        assert!(patched.get("token").is_none());
    };
    let patched = patch(r#"{"name":"n","externalId":"e","tags":["t","s"]}"#).await;
    is(&patched, value!("n"), value!("e"), value!(["s", "t"]));
    is(&patch("{}").await, value!("n"), value!("e"), value!(["s", "t"]));
    is(&patch("").await, value!("n"), value!("e"), value!(["s", "t"]));
    is(&patch(r#"{"name":null}"#).await, Value::Null, value!("e"), value!(["s", "t"]));
    is(&patch(r#"{"tags":["u"]}"#).await, Value::Null, value!("e"), value!(["u"]));
    is(&patch(r#"{"tags":[],"externalId":null}"#).await, Value::Null, Value::Null, value!([]));
    patch(r#"{"tags":["v"]}"#).await;
    is(&patch(r#"{"tags":null}"#).await, Value::Null, Value::Null, value!([]));

    assert_eq!(call(&shop.program, &shop.connection).await.status, 200);
    assert_eq!(patch(r#"{"status":"archived"}"#).await["status"], "archived");
    let refused = failure(&call(&shop.program, &shop.connection).await, 422, "unprocessable_entity");
    assert!(refused["message"].as_str().unwrap().contains("archived"));
    assert_eq!(patch(r#"{"status":"connected"}"#).await["status"], "connected");
    assert_eq!(call(&shop.program, &shop.connection).await.status, 200);
    assert_eq!(shop.provider.seen().len(), 2);

    for (body, path_of_mistake) in [
        (r#"{"status":"disconnected"}"#, "status"),
        (r#"{"status":"Archived"}"#, "status"),
        (r#"{"provider":"stripe"}"#, "provider"),
        (r#"{"nmae":"n"}"#, "nmae"),
        (r#"{"id":"conn_1"}"#, "id"),
        (r#"{"credentials":{}}"#, "credentials.api_key"),
        (r#"{"credentials":null}"#, "credentials.api_key"),
        (r#"{"credentials":{"api_key":"x","other":"y"}}"#, "credentials.other"),
        (r#"{"variables":{"region":"eu"}}"#, "variables.region"),
    ] {
        let body = failure(&shop.program.api("PATCH", &path, body).await, 400, "bad_request");
        assert_eq!(paths(&body), [path_of_mistake], "{body}");
    }
    assert_eq!(call(&shop.program, &shop.connection).await.status, 200);
    assert_eq!(shop.provider.last().header("authorization"), [format!("Bearer {}", shop.api_key)]);
    shop.program.finish().await;
}

async fn a_new_credential_is_used_by_the_next_call(engine: Engine) {
    let (mut program, provider) = desk_program(engine).await;
    let (first, second) = (canary("first"), canary("second"));
    let request =
        value!({ "provider": "desk", "credentials": { "token": first }, "variables": { "region": "eu" } });
    let connection = program.connect(&request.to_string()).await;
    let path = format!("/v1/connections/{}", connection.id);
    let patch = async |body: Value| program.api("PATCH", &path, &body.to_string()).await;
    let seen = async |target: &str, token: &str| {
        assert_eq!(call(&program, &connection).await.status, 200);
        let seen = provider.last();
        assert_eq!(seen.target, target);
        assert_eq!(seen.header("authorization"), [format!("Bearer {token}")]);
    };
    seen("/base/eu/x", &first).await;
    assert_eq!(patch(value!({ "credentials": { "token": second } })).await.status, 200);
    seen("/base/eu/x", &second).await;
    assert_eq!(patch(value!({ "variables": { "region": "us" } })).await.status, 200);
    seen("/base/us/x", &second).await;
    assert_eq!(
        patch(value!({ "credentials": { "token": first }, "variables": { "region": "de" } })).await.status,
        200
    );
    seen("/base/de/x", &first).await;
    // What is wrong is not stored, nor is the right half of it.
    let half =
        patch(value!({ "credentials": { "token": second }, "variables": { "region": "nowhere" } })).await;
    failure(&half, 400, "bad_request");
    seen("/base/de/x", &first).await;
    // Several changes in a row, each followed by a call: the last one counts, always.
    for round in 0..5 {
        let token = canary(&format!("round{round}"));
        assert_eq!(patch(value!({ "credentials": { "token": token } })).await.status, 200);
        seen("/base/de/x", &token).await;
    }
    program.finish().await;
}

async fn a_rotated_token_is_worthless_at_once(engine: Engine) {
    let mut shop = shop(engine).await;
    assert_eq!(call(&shop.program, &shop.connection).await.status, 200);
    let path = format!("/v1/connections/{}/rotate-token", shop.connection.id);
    let rotated = json(&shop.program.api("POST", &path, "").await);
    assert_eq!(rotated["id"], shop.connection.id);
    let new = Connected { token: rotated["token"].as_str().unwrap().to_owned(), ..shop.connection.clone() };
    shop.program.watch(&new.token);
    assert_ne!(new.token, shop.connection.token);
    failure(&call(&shop.program, &shop.connection).await, 404, "not_found");
    assert_eq!(call(&shop.program, &new).await.status, 200);
    assert_eq!(call(&shop.program, &new).await.status, 200);
    failure(&call(&shop.program, &shop.connection).await, 404, "not_found");
    shop.program.finish().await;
}

/// A provider whose `/me` answers with the given status and the shop's account.
async fn judging(status: &Arc<AtomicU16>) -> EchoProvider {
    let status = Arc::clone(status);
    EchoProvider::answering(move |_| {
        let body = r#"{"id":4711,"name":"Ada's shop"}"#;
        let mut response = HttpResponse::new(Full::new(Bytes::from(body)));
        *response.status_mut() = http::StatusCode::from_u16(status.load(Ordering::SeqCst)).unwrap();
        response
    })
    .await
}

async fn a_credential_is_proved_before_it_is_stored_where_that_is_asked_for(engine: Engine) {
    let status = Arc::new(AtomicU16::new(200));
    let provider = judging(&status).await;
    let mut program = setup(engine)
        .provider("shop", &bearer_provider(&format!("{}/base", provider.url())))
        .provider("away", &bearer_provider(&nobody()))
        .start()
        .await;
    let secret = canary("key");
    let request = |verify: bool, provider: &str| value!({ "provider": provider, "credentials": { "api_key": secret }, "verify": verify });
    // Refused, unclear, unreachable: nothing is stored.
    for refusal in [401, 403] {
        status.store(refusal, Ordering::SeqCst);
        let body = failure(&create(&program, &request(true, "shop")).await, 422, "invalid_credentials");
        assert_eq!(body["origin"], "connection");
        assert!(body["message"].as_str().unwrap().contains(&refusal.to_string()));
    }
    for unclear in [404, 429, 500, 503] {
        status.store(unclear, Ordering::SeqCst);
        let body = failure(&create(&program, &request(true, "shop")).await, 422, "unprocessable_entity");
        assert_eq!((&body["origin"], &body["sent"]), (&value!("provider"), &value!("yes")), "{body}");
    }
    let body = failure(&create(&program, &request(true, "away")).await, 502, "bad_gateway");
    assert_eq!(body["detail"]["reason"], "connect");
    assert_eq!(body["sent"], "no");
    assert_eq!(count(&program).await, 0);
    assert_eq!(provider.last().target, "/base/me");
    assert_eq!(provider.last().header("authorization"), [format!("Bearer {secret}")]);

    // Unasked, nobody is called.
    let calls = provider.seen().len();
    for code in ["shop", "away"] {
        let created = create(&program, &request(false, code)).await;
        assert_eq!(created.status, 201);
        program.watch(json(&created)["token"].as_str().unwrap());
    }
    assert_eq!(provider.seen().len(), calls);

    // Alive: the account is known.
    status.store(200, Ordering::SeqCst);
    let created = create(&program, &request(true, "shop")).await;
    assert_eq!(created.status, 201, "{}", created.text());
    let created = json(&created);
    program.watch(created["token"].as_str().unwrap());
    let read = get(&program, &format!("/v1/connections/{}", created["id"].as_str().unwrap())).await;
    assert_eq!(read["account"], value!({ "id": "4711", "label": "Ada's shop" }));
    assert!(read["verifiedAt"].is_string());
    program.finish().await;
}

async fn a_verification_tells_alive_refused_and_unreachable_apart(engine: Engine) {
    let status = Arc::new(AtomicU16::new(200));
    let mut shop = shop_with(engine, judging(&status).await).await;
    let path = format!("/v1/connections/{}", shop.connection.id);
    let verify = async |program: &Program| {
        let response = program.api("POST", &format!("{path}/verify"), "").await;
        assert_eq!(response.status, 200, "{}", response.text());
        json(&response)
    };
    let verified = verify(&shop.program).await;
    assert_eq!(verified["result"], "alive");
    assert_eq!(verified["statusCode"], 200);
    assert_eq!(verified["account"], value!({ "id": "4711", "label": "Ada's shop" }));
    let read = get(&shop.program, &path).await;
    assert_eq!(read["account"]["label"], "Ada's shop");
    assert!(read["verifiedAt"].is_string());

    // A bad day of the provider says nothing of the credential.
    for unclear in [404, 429, 500] {
        status.store(unclear, Ordering::SeqCst);
        let verified = verify(&shop.program).await;
        assert_eq!(
            (&verified["result"], &verified["statusCode"]),
            (&value!("unreachable"), &value!(unclear))
        );
        assert_eq!(get(&shop.program, &path).await["status"], "connected");
    }

    // A refusal disconnects; calls then say what is to be done, and do not reach the provider.
    status.store(401, Ordering::SeqCst);
    let verified = verify(&shop.program).await;
    assert_eq!((&verified["result"], &verified["statusCode"]), (&value!("refused"), &value!(401)));
    assert!(verified.get("account").is_none());
    assert_eq!(get(&shop.program, &path).await["status"], "disconnected");
    let calls = shop.provider.seen().len();
    let body = failure(&call(&shop.program, &shop.connection).await, 422, "connection_disconnected");
    assert_eq!((&body["origin"], &body["sent"]), (&value!("connection"), &value!("no")));
    assert_eq!(shop.provider.seen().len(), calls);

    // A new credential brings it back: same id, same token.
    status.store(200, Ordering::SeqCst);
    let new = canary("new");
    let patch = value!({ "credentials": { "api_key": new } }).to_string();
    let patched = json(&shop.program.api("PATCH", &path, &patch).await);
    assert_eq!(patched["status"], "connected");
    assert_eq!(call(&shop.program, &shop.connection).await.status, 200);
    assert_eq!(shop.provider.last().header("authorization"), [format!("Bearer {new}")]);

    // So does the provider's change of mind.
    status.store(403, Ordering::SeqCst);
    assert_eq!(verify(&shop.program).await["result"], "refused");
    failure(&call(&shop.program, &shop.connection).await, 422, "connection_disconnected");
    status.store(204, Ordering::SeqCst);
    assert_eq!(verify(&shop.program).await["result"], "alive");
    assert_eq!(call(&shop.program, &shop.connection).await.status, 200);

    // An archived connection stays archived, whatever the provider says.
    shop.program.api("PATCH", &path, r#"{"status":"archived"}"#).await;
    for (answer, result) in [(401, "refused"), (200, "alive")] {
        status.store(answer, Ordering::SeqCst);
        assert_eq!(verify(&shop.program).await["result"], result);
        assert_eq!(get(&shop.program, &path).await["status"], "archived");
    }

    // Nobody there.
    let away = setup_away(&mut shop.program, &shop.api_key).await;
    let verified = json(&shop.program.api("POST", &format!("/v1/connections/{away}/verify"), "").await);
    assert_eq!(verified["result"], "unreachable");
    assert!(verified.get("statusCode").is_none());
    assert_eq!(get(&shop.program, &format!("/v1/connections/{away}")).await["status"], "connected");
    shop.program.finish().await;
}

/// A connection to an address where nobody listens; the built-in `custom` has no verify call, so that the
/// provider's file is added and the program started again.
async fn setup_away(program: &mut Program, api_key: &str) -> String {
    std::fs::write(program.providers_dir().join("away.toml"), bearer_provider(&nobody())).unwrap();
    assert!(program.stop().success());
    program.resume();
    let request = value!({ "provider": "away", "credentials": { "api_key": api_key } }).to_string();
    program.connect(&request).await.id
}

async fn a_provider_may_refuse_with_a_200(engine: Engine) {
    let provider = EchoProvider::answering(|seen| {
        let body = if seen.header("authorization")[0].contains("good") {
            r#"{"id":"a","name":"good one"}"#
        } else {
            r#"{"error":{"name":"InvalidUser"}}"#
        };
        HttpResponse::new(Full::new(Bytes::from(body)))
    })
    .await;
    let file = format!(
        "{}[[expired_when]]\nstatus = 200\npointer = \"/error/name\"\nequals = \"InvalidUser\"\n",
        bearer_provider(&provider.url())
    );
    let mut program = setup(engine).provider("fleet", &file).start().await;
    let request = |name: &str| value!({ "provider": "fleet", "verify": true, "credentials": { "api_key": canary(name) } });
    failure(&create(&program, &request("bad")).await, 422, "invalid_credentials");
    assert_eq!(count(&program).await, 0);
    let connection = program.connect(&request("good").to_string()).await;
    let path = format!("/v1/connections/{}", connection.id);
    let patch = value!({ "credentials": { "api_key": canary("worse") } }).to_string();
    assert_eq!(program.api("PATCH", &path, &patch).await.status, 200);
    let verified = json(&program.api("POST", &format!("{path}/verify"), "").await);
    assert_eq!((&verified["result"], &verified["statusCode"]), (&value!("refused"), &value!(200)));
    failure(&call(&program, &connection).await, 422, "connection_disconnected");

    // A provider whose file names no such call says so, and nothing changes.
    std::fs::write(
        program.providers_dir().join("plain.toml"),
        "name = \"Plain\"\nbase_url = \"https://plain.example\"\n[auth.none]\ngrant = \"static\"\n",
    )
    .unwrap();
    assert!(program.stop().success());
    program.resume();
    let plain = program.connect(r#"{"provider":"plain"}"#).await;
    let response = program.api("POST", &format!("/v1/connections/{}/verify", plain.id), "").await;
    let body = failure(&response, 400, "bad_request");
    assert!(body["message"].as_str().unwrap().contains("knows no call that proves a credential of `plain`"));
    program.finish().await;
}

async fn the_connection_of_a_token_is_read_changed_and_deleted_by_it(engine: Engine) {
    let shop = shop(engine).await;
    let (program, connection) = (&shop.program, &shop.connection);
    let path = "/v1/connections/current";
    let read = program.on(connection, "GET", path, &[], "").await;
    assert_eq!(read.status, 200);
    assert_eq!(json(&read), get(program, &format!("/v1/connections/{}", connection.id)).await);
    let patched = program.on(connection, "PATCH", path, &[], r#"{"name":"mine","status":"archived"}"#).await;
    assert_eq!(patched.status, 200, "{}", patched.text());
    // An archived connection is still the one of its token.
    let read = json(&program.on(connection, "GET", path, &[], "").await);
    assert_eq!((&read["name"], &read["status"]), (&value!("mine"), &value!("archived")));
    let missing = failure(&program.api("GET", path, "").await, 400, "bad_request");
    assert_eq!(paths(&missing), ["headers.connection-token"]);
    assert_eq!(program.on(connection, "DELETE", path, &[], "").await.status, 204);
    failure(&program.on(connection, "GET", path, &[], "").await, 404, "not_found");
    failure(&program.on(connection, "DELETE", path, &[], "").await, 404, "not_found");
    assert_eq!(count(program).await, 0);
    shop.program.finish().await;
}

/// Whoever may change a connection must not be able to read its credential by sending it to a host of their own.
async fn a_credential_is_not_sent_to_another_host_without_being_given_again(engine: Engine) {
    let (home, stranger) = (EchoProvider::start().await, EchoProvider::start().await);
    let mut program = setup(engine).start().await;
    let (first, second) = (canary("token"), canary("token"));
    let variables = |url: String| value!({ "base_url": url });
    let request = value!({ "provider": "custom", "auth": "bearer", "credentials": { "token": first },
        "variables": variables(home.url()) });
    let connection = program.connect(&request.to_string()).await;
    let path = format!("/v1/connections/{}", connection.id);
    let aimed = value!({ "variables": variables(stranger.url()) }).to_string();
    let body = failure(&program.api("PATCH", &path, &aimed).await, 400, "bad_request");
    assert_eq!(body["detail"][0]["path"], "credentials");
    assert_eq!(call(&program, &connection).await.status, 200);
    assert!(stranger.seen().is_empty());
    // Another path on the same host is no other host, and with its credential a connection may move.
    let deeper = value!({ "variables": variables(format!("{}/v2", home.url())) }).to_string();
    assert_eq!(program.api("PATCH", &path, &deeper).await.status, 200);
    let moved =
        value!({ "variables": variables(stranger.url()), "credentials": { "token": second } }).to_string();
    assert_eq!(program.api("PATCH", &path, &moved).await.status, 200);
    assert_eq!(call(&program, &connection).await.status, 200);
    assert_eq!(stranger.last().header("authorization"), [format!("Bearer {second}")]);
    program.finish().await;
}
