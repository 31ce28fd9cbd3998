//! OAuth 1.0a and HMACs, against servers that verify every signature with software of others: oauthlib, and Python's own
//! `hmac`.

use passthrough_testkit::http::send;
use passthrough_testkit::program::{CANARY, Connected, Engine, Program, canary};
use passthrough_testkit::services::{OAuth1Server, oauth1_server};
use serde_json::{Value, json as object};

use crate::linking::browser::{Browser, Page};
use crate::linking::{PRODUCT, exchange, link, product, public_token};
use crate::support::{catalog, failure, json, on_both_databases, setup};

on_both_databases! {
    an_account_is_linked_in_three_steps_that_are_all_signed
}

/// A provider file for the server, with one way to sign.
fn file(server: &OAuth1Server, signature: &str) -> String {
    let url = &server.url;
    format!(
        "name = \"Old\"\nbase_url = \"{url}/api\"\nverify = {{ request = \"GET /me\", account_id = \"/client\" }}\n\
         [auth.oauth]\ngrant = \"oauth1\"\n\
         [auth.oauth.inject.oauth1]\nconsumer_key = \"{{client_id}}\"\nconsumer_secret = \"{{client_secret}}\"\n\
         token = \"{{oauth_token}}\"\ntoken_secret = \"{{oauth_token_secret}}\"\nsignature = \"{signature}\"\n\
         [auth.oauth.oauth1]\nrequest_token_url = \"{url}/request?expires=never&a=b%20c\"\n\
         authorize_url = \"{url}/authorize\"\naccess_token_url = \"{url}/access\"\nsignature = \"{signature}\"\n"
    )
}

async fn call(program: &Program, connection: &Connected, request: &Value) -> Value {
    let answer = program.on(connection, "POST", "/v1/passthrough", &[], request.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    json(&answer)
}

/// Requests whose signatures are easily got wrong, and the parameters that the other side must have read.
fn awkward() -> Vec<(Value, Vec<[&'static str; 2]>)> {
    vec![
        (object!({"method": "GET", "path": "/me"}), vec![]),
        (
            object!({"method": "GET", "path": "/x%20y/%C3%BC/a%2Fb;c=1?b=2&a=1&a=&a3=%20+%2B&c@=%7E&empty"}),
            vec![["b", "2"], ["a", "1"], ["a", ""], ["a3", "  +"], ["c@", "~"], ["empty", ""]],
        ),
        (
            object!({"method": "POST", "path": "/update?in=query", "form": {"status": "Hello Ladies + Gentlemen, ü&=%", "in": "body"}}),
            vec![["in", "query"], ["in", "body"], ["status", "Hello Ladies + Gentlemen, ü&=%"]],
        ),
        // Only forms are signed (RFC 5849 §3.4.1.3.1).
        (object!({"method": "PUT", "path": "/json?a=1", "body": {"not": "signed"}}), vec![["a", "1"]]),
        (object!({"method": "DELETE", "path": "/x"}), vec![]),
    ]
}

async fn signed_requests_are_accepted(program: &Program, connection: &Connected) -> Value {
    let mut last = Value::Null;
    for (request, mut parameters) in awkward() {
        let answer = call(program, connection, &request).await;
        assert_eq!(answer["statusCode"], 200, "{request}: {answer}");
        last = answer["response"].clone();
        let read = last["parameters"].as_array().unwrap().iter();
        let read: Vec<&Value> =
            read.filter(|pair| !pair[0].as_str().unwrap().starts_with("oauth_")).collect();
        parameters.sort_unstable();
        assert_eq!(
            read,
            parameters.iter().map(|pair| object!(pair)).collect::<Vec<_>>().iter().collect::<Vec<_>>()
        );
    }
    last
}

async fn an_account_is_linked_in_three_steps_that_are_all_signed(engine: Engine) {
    let server = oauth1_server();
    let methods = ["HMAC-SHA1", "HMAC-SHA256", "PLAINTEXT"];
    let mut setup = product(engine);
    for method in methods {
        setup = setup.provider(&method.to_lowercase(), &file(&server, method));
    }
    let mut program = setup.start().await;
    for method in methods {
        // No secret: it is the name of the account here.
        let (key, provider) = (canary("client").replace(CANARY, ""), method.to_lowercase());
        let secret = format!("{}&=+/%", canary("secret"));
        server.know(&object!({"key": key, "secret": secret})).await;
        let settings = object!({"provider": provider, "clientId": key, "clientSecret": secret});
        let made = program.api("POST", "/v1/integrations", &settings.to_string()).await;
        assert_eq!(made.status, 201, "{}", made.text());
        let mut browser = Browser::new(&program);
        let begin = async |browser: &mut Browser| {
            let (_, url) = link(&program, &object!({"integration": provider, "redirectUrl": PRODUCT})).await;
            let page = browser.open(&url).await;
            let response = browser.submit(&page, &[]).await;
            assert_eq!(response.status, 200, "{}", response.text());
            Page { address: String::new(), response }.attribute("class=\"button main\"", "href")
        };
        let back = async |address: &str| {
            let answer = send("GET", address, &[], "").await;
            assert_eq!(answer.status, 302, "{}", answer.text());
            answer.header("location").unwrap().to_owned()
        };
        let address = begin(&mut browser).await;
        let denied = browser.open(&back(&format!("{address}&deny=1")).await).await;
        assert!(denied.text().contains("You did not allow access at Old."), "{}", denied.text());
        let address = begin(&mut browser).await;
        let done = browser.get(&back(&address).await).await;
        let linked = json(&exchange(&program, &public_token(&done)).await);
        assert_eq!(linked["account"]["id"], key.as_str(), "{linked}");
        let text = |name: &str| linked[name].as_str().unwrap().to_owned();
        let connection = Connected { id: text("id"), token: text("token") };
        let seen = signed_requests_are_accepted(&program, &connection).await;
        assert_eq!((&seen["method"], &seen["token"]), (&object!(method), &object!(true)));
        // Another secret, and nobody is let in any more.
        let path = format!("/v1/integrations/{provider}");
        let changed =
            program.api("PATCH", &path, &object!({"clientSecret": canary("wrong")}).to_string()).await;
        assert_eq!(changed.status, 200, "{}", changed.text());
        let refused = call(&program, &connection, &object!({"method": "GET", "path": "/me"})).await;
        assert_eq!(refused["statusCode"], 401, "{refused}");
        program.watch(&secret);
    }
    program.finish().await;
}

/// NetSuite's token-based authentication, as in the catalog: both pairs of keys by hand, and the account as realm.
#[tokio::test(flavor = "multi_thread")]
async fn netsuite_is_signed_for_with_its_realm() {
    let server = oauth1_server();
    let base = "base_url = \"https://{account}.suitetalk.api.netsuite.com\"";
    let file = catalog(
        "netsuite",
        &[
            (base, &format!("base_url = \"{}/api\"", server.url)),
            ("https://{account}.restlets.api.netsuite.com", &format!("{}/api/restlets", server.url)),
        ],
    );
    let mut program = setup(Engine::Sqlite).provider("netsuite", &file).start().await;
    let (consumer_secret, token_secret) = (canary("consumer"), canary("token"));
    let (consumer, token) = (canary("ck"), canary("ti"));
    let realm = "1234567_SB1";
    let known = object!({"key": consumer, "secret": consumer_secret, "token": token, "token_secret": token_secret, "realm": realm});
    server.know(&known).await;
    let request = |realm: &str, token_secret: &str| {
        object!({"provider": "netsuite", "auth": "token", "verify": true, "variables": {"account": "1234567-sb1"},
            "credentials": {"realm": realm, "consumer_key": consumer, "consumer_secret": consumer_secret,
                "token_id": token, "token_secret": token_secret}})
        .to_string()
    };
    for (realm, secret) in [(realm, canary("wrong")), ("7654321", token_secret.clone())] {
        let refused = program.api("POST", "/v1/connections", &request(realm, &secret)).await;
        failure(&refused, 422, "invalid_credentials");
    }
    let connection = program.connect(&request(realm, &token_secret)).await;
    let seen = signed_requests_are_accepted(&program, &connection).await;
    assert_eq!((&seen["realm"], &seen["method"]), (&object!(realm), &object!("HMAC-SHA256")));
    let restlet = object!({"method": "GET", "base": "restlets", "path": "/app/site/hosting/restlet.nl?script=1&deploy=1"});
    assert_eq!(call(&program, &connection, &restlet).await["statusCode"], 200);
    // A body that is no form streams by unsigned; a form is held, because its fields are signed.
    let large = "x".repeat(3 * 1024 * 1024);
    for kind in ["application/octet-stream", "application/x-www-form-urlencoded"] {
        let headers = [("content-type", kind)];
        let answer = program.on(&connection, "POST", "/v1/proxy/large?a=1", &headers, large.clone()).await;
        assert_eq!(answer.status, 200, "{kind}: {}", answer.text());
        assert_eq!(json(&answer)["bytes"], large.len());
    }
    program.finish().await;
}

/// An HMAC that a provider file composes, as in the catalog.
#[tokio::test(flavor = "multi_thread")]
async fn bybit_is_signed_for_as_its_documentation_says() {
    let server = oauth1_server();
    let (key, secret) = (canary("key"), canary("secret"));
    server.know_hmac(&key, &secret).await;
    let file =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/../../providers/bybit.toml")).unwrap();
    let base = file.lines().find(|line| line.starts_with("base_url = ")).unwrap();
    let file = file.replace(base, &format!("base_url = \"{}/hmac\"", server.url));
    let mut program = setup(Engine::Sqlite).provider("bybit", &file).start().await;
    let request = |secret: &str| {
        object!({"provider": "bybit", "credentials": {"api_key": key, "api_secret": secret}}).to_string()
    };
    let wrong = program.connect(&request(&canary("wrong"))).await;
    let right = program.connect(&request(&secret)).await;
    for asked in [
        object!({"method": "GET", "path": "/v5/account/info"}),
        object!({"method": "GET", "path": "/v5/order?category=spot&symbol=BTC%2FUSDT&empty=&a=+&ü=1"}),
        object!({"method": "POST", "path": "/v5/order/create", "body": {"symbol": "ÜSD", "qty": 1e-3, "n": "x & y"}}),
        object!({"method": "POST", "path": "/v5/empty"}),
    ] {
        let answer = call(&program, &right, &asked).await;
        assert_eq!(answer["response"]["retCode"], 0, "{asked}: {answer}");
        let refused = call(&program, &wrong, &asked).await;
        assert_eq!(refused["response"]["retCode"], 10004, "{asked}: {refused}");
    }
    program.finish().await;
}
