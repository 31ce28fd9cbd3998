//! Consents that are not OAuth 2.0 as a provider file has it: OAuth 1.0a, and MCP servers, which say for themselves how
//! they are consented to.

use std::sync::{Arc, OnceLock};

use passthrough_testkit::echo::{EchoProvider, Seen};
use passthrough_testkit::program::{Connected, Engine, canary};
use serde_json::{Value, json as value};

use super::browser::{Browser, Page};
use super::consent::go;
use super::provider::pairs;
use super::{PRODUCT, answer, connections, exchange, link, product, public_token};
use crate::support::json;

/// A server of OAuth 1.0a with the client `client-1`, and its API.
async fn oauth1_server(lasting: String) -> EchoProvider {
    EchoProvider::answering(move |seen: &Seen| {
        let header = seen.header("authorization").first().map_or(String::new(), |value| (*value).to_owned());
        let has = |part: &str| header.contains(part);
        let signed = has("oauth_consumer_key=\"client-1\"") && has("oauth_signature=\"");
        let path = seen.target.split('?').next().unwrap();
        match path {
            "/request" if signed && has("oauth_callback=\"http") => {
                answer(200, "oauth_token=temporary&oauth_token_secret=ts&oauth_callback_confirmed=true")
            }
            "/access" if signed && has("oauth_token=\"temporary\"") && has("oauth_verifier=\"v-1\"") => {
                answer(200, format!("oauth_token={lasting}&oauth_token_secret=ls"))
            }
            "/api/me" if signed && has(&format!("oauth_token=\"{lasting}\"")) => {
                answer(200, r#"{"id":"acc_1"}"#)
            }
            _ => answer(401, "oauth_problem=signature_invalid"),
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_linked_by_oauth_1() {
    let lasting = canary("lasting");
    let server = oauth1_server(lasting.clone()).await;
    let url = server.url();
    let file = format!(
        "name = \"Old\"\nbase_url = \"{url}/api\"\nverify = {{ request = \"GET /me\", account_id = \"/id\" }}\n\
         [auth.oauth]\ngrant = \"oauth1\"\n\
         [auth.oauth.inject.oauth1]\nconsumer_key = \"{{client_id}}\"\n\
         consumer_secret = \"{{client_secret}}\"\ntoken = \"{{oauth_token}}\"\n\
         token_secret = \"{{oauth_token_secret}}\"\n\
         [auth.oauth.oauth1]\nrequest_token_url = \"{url}/request\"\nauthorize_url = \"{url}/authorize\"\n\
         access_token_url = \"{url}/access\"\n"
    );
    let program = product(Engine::Sqlite).provider("old", &file).start().await;
    let made = value!({ "provider": "old", "clientId": "client-1", "clientSecret": canary("secret") });
    let made = program.api("POST", "/v1/integrations", &made.to_string()).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let request = value!({ "integration": "old", "redirectUrl": PRODUCT });
    let mut browser = Browser::new(&program);
    let begin = async |browser: &mut Browser| {
        let (_, url) = link(&program, &request).await;
        let page = browser.open(&url).await;
        let address = go(browser, &page).await;
        assert_eq!(pairs(address.split_once('?').unwrap().1)["oauth_token"], "temporary");
        let asked = server.seen().into_iter().rfind(|seen| seen.target == "/request").unwrap();
        let header = asked.header("authorization")[0].to_owned();
        let callback =
            header.split("oauth_callback=\"").nth(1).unwrap().split('"').next().unwrap().to_owned();
        percent_encoding::percent_decode_str(&callback).decode_utf8().unwrap().into_owned()
    };
    for (came, words) in [
        ("denied=temporary", "You did not allow access at Old."),
        ("oauth_token=another&oauth_verifier=v-1", "Old did not complete the sign-in."),
        ("oauth_token=temporary&oauth_verifier=wrong", "Old did not complete the sign-in."),
    ] {
        let callback = begin(&mut browser).await;
        let refused = browser.open(&format!("{callback}&{came}")).await;
        assert_eq!(refused.response.status, 422);
        assert!(refused.text().contains(words), "{}", refused.text());
    }
    let callback = begin(&mut browser).await;
    let done = browser.get(&format!("{callback}&oauth_token=temporary&oauth_verifier=v-1")).await;
    let connection = json(&exchange(&program, &public_token(&done)).await);
    assert_eq!(connection["account"]["id"], "acc_1");
    program.finish().await;
}

/// Where nobody listens.
const NOBODY: &str = "http://127.0.0.1:1";

/// An MCP server with its authorization server.
async fn mcp_server(access: String) -> EchoProvider {
    let own: Arc<OnceLock<String>> = Arc::default();
    let url = Arc::clone(&own);
    let server = EchoProvider::answering(move |seen: &Seen| {
        let url = url.get().unwrap();
        let form = pairs(&String::from_utf8_lossy(&seen.body));
        let is = |name: &str, value: &str| form.get(name).is_some_and(|given| given == value);
        let known = seen.header("authorization") == [format!("Bearer {access}")];
        match seen.target.split('?').next().unwrap() {
            "/mcp" if known => answer(200, r#"{"jsonrpc":"2.0","id":1,"result":{}}"#),
            "/mcp" => {
                let mut refused = answer(401, "{}");
                let challenge = format!("Bearer resource_metadata=\"{NOBODY}/metadata\", scope=\"tools\"");
                refused.headers_mut().insert("www-authenticate", challenge.parse().unwrap());
                refused
            }
            // The address in the challenge cannot be reached, so this one is looked at.
            "/.well-known/oauth-protected-resource/mcp" => answer(
                200,
                value!({
                    "resource": format!("{url}/mcp"),
                    "authorization_servers": [format!("{NOBODY}/as"), format!("{url}/as")],
                })
                    .to_string(),
            ),
            "/.well-known/oauth-authorization-server/as" => answer(
                200,
                value!({
                    "issuer": format!("{url}/as"), "authorization_endpoint": format!("{url}/authorize"),
                    "token_endpoint": format!("{url}/token"), "registration_endpoint": format!("{url}/register"),
                    "code_challenge_methods_supported": ["S256"],
                    "authorization_response_iss_parameter_supported": true,
                })
                .to_string(),
            ),
            "/register" => answer(201, r#"{"client_id":"made-for-us"}"#),
            "/token" if is("client_id", "made-for-us") && is("code", "c-1") && is("resource", &format!("{url}/mcp")) => {
                assert_eq!(form["code_verifier"].len(), 43);
                answer(200, value!({ "access_token": access, "token_type": "bearer" }).to_string())
            }
            _ => answer(400, r#"{"error":"invalid_grant"}"#),
        }
    })
    .await;
    own.set(server.url()).unwrap();
    server
}

#[tokio::test(flavor = "multi_thread")]
async fn an_mcp_server_says_itself_how_it_is_linked() {
    let access = canary("access");
    let server = mcp_server(access.clone()).await;
    let program = product(Engine::Sqlite).start().await;
    let mut browser = Browser::new(&program);
    let base = format!("{}/mcp", server.url());
    let begin = async |browser: &mut Browser| {
        let (_, url) = link(&program, &value!({ "integration": "mcp", "redirectUrl": PRODUCT })).await;
        let page = browser.open(&url).await;
        let response = browser.submit(&page, &[("v.base_url", &base)]).await;
        assert_eq!(response.status, 200, "{}", response.text());
        let going = Page { address: String::new(), response };
        let address = going.attribute("class=\"button main\"", "href");
        assert!(address.starts_with(&format!("{}/authorize?", server.url())), "{address}");
        pairs(address.split_once('?').unwrap().1)
    };
    let asked = begin(&mut browser).await;
    assert_eq!((asked["client_id"].as_str(), asked["scope"].as_str()), ("made-for-us", "tools"));
    assert_eq!(
        (asked["resource"].as_str(), asked["code_challenge_method"].as_str()),
        (base.as_str(), "S256")
    );
    let registered = server.seen().into_iter().find(|seen| seen.target == "/register").unwrap();
    let registered: Value = serde_json::from_slice(&registered.body).unwrap();
    assert_eq!(registered["redirect_uris"], value!([asked["redirect_uri"]]));
    assert_eq!(registered["client_name"], "Acme");
    // A server that says its name with each answer is held to it.
    let back = |asked: &std::collections::HashMap<String, String>, iss: &str| {
        format!("{}?code=c-1&state={}{iss}", asked["redirect_uri"], asked["state"])
    };
    for iss in ["", "&iss=https%3A%2F%2Fevil.example", &format!("&iss={}", server.url())] {
        let asked = begin(&mut browser).await;
        assert_eq!(browser.open(&back(&asked, iss)).await.response.status, 422, "{iss}");
    }
    let asked = begin(&mut browser).await;
    let done = browser.get(&back(&asked, &format!("&iss={}/as", server.url()))).await;
    let connection = json(&exchange(&program, &public_token(&done)).await);
    let token = connection["token"].as_str().unwrap().to_owned();
    let connected = Connected { id: String::new(), token };
    let request = r#"{"method":"POST","path":"/","body":{"jsonrpc":"2.0","id":1,"method":"ping"}}"#;
    let called = program.on(&connected, "POST", "/v1/passthrough", &[], request).await;
    assert_eq!(json(&called)["statusCode"], 200, "{}", called.text());
    assert_eq!(connections(&program).await.len(), 1);
    program.finish().await;
}

/// A server of OAuth 2.0 with an accent: names of its own, a second exchange, tokens that renew themselves, an account
/// that another call tells about, and `refuse` as its word for the end of a token.
async fn accented_server(short: String, long: String, renewed: String) -> EchoProvider {
    EchoProvider::answering(move |seen: &Seen| {
        let form = pairs(std::str::from_utf8(&seen.body).unwrap());
        let (path, query) = seen.target.split_once('?').unwrap_or((&seen.target, ""));
        let query = pairs(query);
        let has = |given: &std::collections::HashMap<String, String>, name: &str, wanted: &str| {
            given.get(name).is_some_and(|value| value == wanted)
        };
        let token = |token: &str, seconds: u32| {
            answer(200, format!(r#"{{"access_token":"{token}","expires_in":{seconds}}}"#))
        };
        let is_with =
            |scheme: &str, token: &str| seen.header("authorization") == [format!("{scheme} {token}")];
        match path {
            "/token" if has(&form, "client_key", "client-1") && has(&form, "code", "c0de") => {
                token(&short, 3600)
            }
            "/lasting" if has(&query, "token", &short) => token(&long, 40),
            "/renew"
                if has(&query, "token", &long) && query["back"].ends_with("/oauth/callback/default/odd") =>
            {
                token(&renewed, 5_184_000)
            }
            "/metadata" if is_with("OAuth", &long) => answer(200, r#"{"region":"eu7"}"#),
            "/eu7/me" if is_with("Bearer", &long) || is_with("Bearer", &renewed) => {
                answer(200, r#"{"id":"acc_1"}"#)
            }
            "/eu7/gone" if is_with("Bearer", &long) => http::Response::builder()
                .status(500)
                .header("content-type", "text/xml")
                .body(http_body_util::Full::new("<fault>wsse:FailedAuthentication</fault>".into()))
                .unwrap(),
            "/eu7/gone" if is_with("Bearer", &renewed) => answer(200, r#"{"renewed":true}"#),
            _ => answer(400, r#"{"error":"invalid_request"}"#),
        }
    })
    .await
}

#[tokio::test(flavor = "multi_thread")]
async fn an_account_is_linked_where_oauth_2_is_spoken_with_an_accent() {
    let (short, long, renewed) = (canary("short"), canary("long"), canary("renewed"));
    let server = accented_server(short, long, renewed).await;
    let url = server.url();
    let file = format!(
        r#"
        name = "Odd"
        base_url = "{url}/{{region}}"
        variables.region = {{ from = "discovered", example = "eu7" }}
        verify = {{ request = "GET /me", account_id = "/id" }}
        expired_when = [{{ status = 500, contains = "wsse:FailedAuthentication" }}]
        [[discover]]
        auth = ["oauth"]
        request = "GET {url}/metadata"
        headers.authorization = "OAuth {{access_token}}"
        capture.region = "/region"
        [auth.oauth]
        grant = "oauth2_code"
        inject.headers.authorization = "Bearer {{access_token}}"
        [auth.oauth.oauth2]
        authorize_url = "{url}/authorize"
        authorize_names = {{ client_id = "client_key", response_type = "" }}
        token_url = "{url}/token"
        token_names = {{ client_id = "client_key" }}
        client_auth = "body"
        code = "auth_code"
        exchange = {{ request = "GET {url}/lasting", query = {{ token = "{{access_token}}" }} }}
        refresh = {{ request = "GET {url}/renew", query = {{ token = "{{access_token}}", back = "{{redirect_uri}}" }} }}
        [auth.key]
        grant = "static"
        fields.key = {{ description = "A key." }}
        inject.headers.authorization = "Key {{key}}"
        "#
    );
    let program = product(Engine::Sqlite).provider("odd", &file).start().await;
    // Who brings a key says the region, which nothing tells then.
    let key = value!({ "provider": "odd", "auth": "key", "credentials": { "key": canary("key") } });
    let refused = program.api("POST", "/v1/connections", &key.to_string()).await;
    assert!(refused.status == 400 && refused.text().contains("variables.region"), "{}", refused.text());

    let made = value!({ "provider": "odd", "clientId": "client-1", "clientSecret": canary("secret") });
    let made = program.api("POST", "/v1/integrations", &made.to_string()).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let (_, url) = link(&program, &value!({ "integration": "odd", "redirectUrl": PRODUCT })).await;
    let mut browser = Browser::new(&program);
    let page = browser.open(&url).await;
    let address = go(&mut browser, &page).await;
    let asked = pairs(address.split_once('?').unwrap().1);
    assert_eq!(asked["client_key"], "client-1");
    assert!(!asked.contains_key("client_id") && !asked.contains_key("response_type"), "{address}");
    let back = format!("{}?state={}&auth_code=c0de", asked["redirect_uri"], asked["state"]);
    let done = browser.get(&back).await;
    let connection = json(&exchange(&program, &public_token(&done)).await);
    assert_eq!(connection["account"]["id"], "acc_1");

    // The API's word for the end of a token, in a body that is not JSON: the token renews itself, and the call is made
    // again.
    let connected = Connected {
        id: connection["id"].as_str().unwrap().to_owned(),
        token: connection["token"].as_str().unwrap().to_owned(),
    };
    let answered = program.on(&connected, "GET", "/v1/proxy/gone", &[], "").await;
    assert_eq!((answered.status.as_u16(), json(&answered)), (200, value!({ "renewed": true })));
    program.finish().await;
}
