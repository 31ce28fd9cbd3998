//! Every way of showing an OAuth server who the client is, and grants that a signed token opens: against a certified
//! server that checks them.

use passthrough_testkit::program::{Connected, Engine, Program, canary};
use passthrough_testkit::raw_server::Authority;
use passthrough_testkit::services::{KeyPair, OAuthClient, OidcProvider, oidc_provider};
use serde_json::{Value, json as object};

use crate::linking::browser::{Browser, Page};
use crate::linking::{PRODUCT, exchange, link, product, public_token};
use crate::support::{catalog, failure, json, on_both_databases, setup};

on_both_databases! {
    a_client_shows_who_it_is_in_every_way
    a_grant_is_given_back_where_that_is_wanted
}

/// A provider file: `machine` asks for tokens of its own, `user` for those of somebody who consented.
fn file(url: &str, client_auth: &str, more: &str) -> String {
    format!(
        "name = \"Books\"\nbase_url = \"{url}/api\"\n{more}\n\
         [auth.machine]\ngrant = \"oauth2_client_credentials\"\n\
         oauth2 = {{ token_url = \"{url}/token\", client_auth = \"{client_auth}\", scopes = [\"api:read\"] }}\n\
         inject.headers.authorization = \"Bearer {{access_token}}\"\n\
         [auth.user]\ngrant = \"oauth2_code\"\n\
         inject.headers.authorization = \"Bearer {{access_token}}\"\n\
         [auth.user.oauth2]\nauthorize_url = \"{url}/auth\"\ntoken_url = \"{url}/token\"\nrotation = \"strict\"\n\
         client_auth = \"{client_auth}\"\nscopes = [\"openid\", \"offline_access\", \"api:read\"]\n\
         authorize_params.prompt = \"consent\"\n"
    )
}

async fn integration(program: &mut Program, key: &str, provider: &str, settings: &Value) {
    let mut request = object!({"key": key, "provider": provider});
    request.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    if let Some(pem) = settings["privateKey"].as_str() {
        program.watch(pem.lines().nth(1).unwrap());
    }
    let made = program.api("POST", "/v1/integrations", &request.to_string()).await;
    assert_eq!(made.status, 201, "{}", made.text());
}

fn connection(integration: &str, auth: &str, credentials: &Value) -> String {
    object!({"integration": integration, "auth": auth, "credentials": credentials}).to_string()
}

async fn me(program: &Program, connection: &Connected) -> Value {
    let answer = program.on(connection, "GET", "/v1/proxy/me", &[], "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    json(&answer)
}

/// The metadata of a client with a key.
fn with_key(pair: &KeyPair, kid: &str) -> Value {
    let mut jwk = pair.jwk.clone();
    jwk["kid"] = kid.into();
    let algorithm = &pair.jwk["alg"];
    object!({
        "token_endpoint_auth_method": "private_key_jwt", "token_endpoint_auth_signing_alg": algorithm,
        "jwks": {"keys": [jwk]},
    })
}

/// Tokens for itself and for a user, renewed when they end.
async fn works(program: &mut Program, oidc: &OidcProvider, client: &OAuthClient, integration: &str) {
    let machine = program.connect(&connection(integration, "machine", &object!({}))).await;
    assert_eq!(me(program, &machine).await["client"], client.id);
    let refresh_token = oidc.mint(client).await;
    program.watch(&refresh_token);
    let user =
        program.connect(&connection(integration, "user", &object!({"refresh_token": refresh_token}))).await;
    assert_eq!(me(program, &user).await["account"], "jo@example.com");
    oidc.expire(client).await;
    assert_eq!(me(program, &machine).await["account"], Value::Null);
    assert_eq!(me(program, &user).await["account"], "jo@example.com");
    let counts = oidc.counts(client).await;
    let twice = [("client_credentials".to_owned(), 2), ("refresh_token".to_owned(), 2)];
    assert_eq!(counts, twice.into(), "{integration}");
}

async fn a_client_shows_who_it_is_in_every_way(engine: Engine) {
    let oidc = oidc_provider();
    let mut setup = setup(engine);
    for client_auth in ["basic", "body", "private_key_jwt"] {
        setup = setup.provider(&client_auth.replace('_', "-"), &file(&oidc.url, client_auth, ""));
    }
    let mut program = setup.start().await;
    let redirect = "https://app.example/callback";
    for (provider, method) in [("basic", "client_secret_basic"), ("body", "client_secret_post")] {
        let client = oidc.register_with(redirect, &object!({"token_endpoint_auth_method": method})).await;
        program.watch(&client.secret);
        let settings = object!({"clientId": client.id, "clientSecret": client.secret});
        integration(&mut program, provider, provider, &settings).await;
        works(&mut program, &oidc, &client, provider).await;
        let settings = object!({"clientId": client.id, "clientSecret": canary("wrong")});
        let key = format!("{provider}-wrong");
        integration(&mut program, &key, provider, &settings).await;
        let refused =
            program.api("POST", "/v1/connections", &connection(&key, "machine", &object!({}))).await;
        let told = failure(&refused, 422, "unprocessable_entity");
        assert!(told["message"].as_str().unwrap().contains("invalid_client"), "{told}");
    }
    let other = oidc.keys("ES256").await;
    for algorithm in ["RS256", "ES256", "EdDSA"] {
        let pair = oidc.keys(algorithm).await;
        let client = oidc.register_with(redirect, &with_key(&pair, "key-1")).await;
        let key = format!("jwt-{}", algorithm.to_lowercase());
        let settings = object!({"clientId": client.id, "privateKey": pair.pem, "privateKeyId": "key-1"});
        integration(&mut program, &key, "private-key-jwt", &settings).await;
        works(&mut program, &oidc, &client, &key).await;
        // Another's key.
        let key = format!("{key}-wrong");
        let settings = object!({"clientId": client.id, "privateKey": other.pem});
        integration(&mut program, &key, "private-key-jwt", &settings).await;
        let refused =
            program.api("POST", "/v1/connections", &connection(&key, "machine", &object!({}))).await;
        let told = failure(&refused, 422, "unprocessable_entity");
        assert!(told["message"].as_str().unwrap().contains("invalid_client"), "{told}");
    }
    program.finish().await;
}

async fn a_grant_is_given_back_where_that_is_wanted(engine: Engine) {
    let oidc = oidc_provider();
    let revocable = |address: &str| {
        let told = format!("revoke_url = \"{address}\", ");
        let file = file(&oidc.url, "basic", "").replace("oauth2 = { ", &format!("oauth2 = {{ {told}"));
        file.replace("rotation = ", &format!("revoke_url = \"{address}\"\nrotation = "))
    };
    let mut program = setup(engine)
        .provider("books", &revocable(&format!("{}/token/revocation", oidc.url)))
        .provider("lost", &revocable("http://127.0.0.1:1/revoke"))
        .provider("silent", &file(&oidc.url, "basic", ""))
        .start()
        .await;
    let client = oidc.register("https://app.example/callback", 3600).await;
    program.watch(&client.secret);
    for key in ["books", "lost", "silent"] {
        let settings = object!({"clientId": client.id, "clientSecret": client.secret});
        integration(&mut program, key, key, &settings).await;
    }
    let deleted = async |program: &Program, connection: &Connected, query: &str| -> Value {
        let path = format!("/v1/connections/{}", connection.id);
        let answer = program.api("DELETE", &format!("{path}{query}"), "").await;
        assert_eq!(program.api("GET", &path, "").await.status, 404);
        let event = json(&program.api("GET", "/v1/events?limit=1", "").await)["results"][0].clone();
        assert_eq!(
            (&event["type"], &event["data"]["connectionId"]),
            (&object!("connection.deleted"), &object!(connection.id))
        );
        match answer.status.as_u16() {
            204 => {
                assert!(event["data"].get("revoked").is_none(), "{event}");
                Value::Null
            }
            200 => {
                let revoked = json(&answer)["revoked"].clone();
                assert_eq!(event["data"]["revoked"], revoked);
                revoked
            }
            _ => panic!("{}", answer.text()),
        }
    };
    for (integration, auth, query, revoked) in [
        ("books", "user", "", Value::Null),
        ("books", "user", "?revoke=false", Value::Null),
        ("books", "user", "?revoke=true", "done".into()),
        ("books", "machine", "?revoke=true", "done".into()),
        ("lost", "user", "?revoke=true", "failed".into()),
        ("silent", "user", "?revoke=true", "not_offered".into()),
    ] {
        let token = oidc.mint(&client).await;
        program.watch(&token);
        let credentials = if auth == "user" { object!({"refresh_token": token}) } else { object!({}) };
        let connected = program.connect(&connection(integration, auth, &credentials)).await;
        me(&program, &connected).await;
        let before = oidc.counts(&client).await.get("revoked").copied().unwrap_or_default();
        let came = deleted(&program, &connected, query).await;
        assert_eq!(came, revoked, "{integration} {auth} {query}");
        // The refresh token is taken back, and with it the whole grant.
        let after = oidc.counts(&client).await.get("revoked").copied().unwrap_or_default();
        assert_eq!(after > before, auth == "user" && revoked == "done", "{integration} {auth} {query}");
    }
    let wrong =
        program.api("DELETE", "/v1/connections/conn_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C?revoke=maybe", "").await;
    assert_eq!(wrong.status, 400, "{}", wrong.text());
    program.finish().await;
}

/// An app of Okta's, which brings its key with the connection.
#[tokio::test(flavor = "multi_thread")]
async fn the_service_app_of_the_catalogs_okta_signs_with_its_key() {
    let oidc = oidc_provider();
    let file = catalog(
        "okta",
        &[
            ("base_url = \"https://{domain}\"", &format!("base_url = \"{}\"", oidc.url)),
            (
                "token_url = \"https://{domain}/oauth2/v1/token\"",
                &format!("token_url = \"{}/token\"", oidc.url),
            ),
            ("scopes = [\"okta.users.read\"]", "scopes = [\"api:read\"]"),
        ],
    );
    let mut program = setup(Engine::Sqlite).provider("okta", &file).start().await;
    let pair = oidc.keys("RS256").await;
    let client = oidc.register_with("https://app.example/callback", &with_key(&pair, "key-1")).await;
    program.watch(pair.pem.lines().nth(1).unwrap());
    let request = |more: Value| {
        let mut credentials = object!({"client_id": client.id, "client_private_key": pair.pem});
        credentials.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        object!({"provider": "okta", "auth": "service_app", "verify": true, "credentials": credentials,
            "variables": {"domain": "acme.okta.com"}})
        .to_string()
    };
    let connection = program.connect(&request(object!({}))).await;
    assert_eq!(me_at(&program, &connection, "/api/v1/users").await["client"], client.id);
    let named = program.connect(&request(object!({"client_key_id": "key-1"}))).await;
    assert_eq!(me_at(&program, &named, "/api/v1/users").await["scope"], "api:read");
    program.finish().await;
}

async fn me_at(program: &Program, connection: &Connected, path: &str) -> Value {
    let answer = program.on(connection, "GET", &format!("/v1/proxy{path}"), &[], "").await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    json(&answer)
}

/// Without a secret, the proof key alone binds the code to who asked for it.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_without_a_secret_is_consented_to_with_a_proof_key() {
    let oidc = oidc_provider();
    let file = file(&oidc.url, "none", "verify = { request = \"GET /me\", account_id = \"/account\" }");
    let (head, entries) = file.split_once("[auth.machine]").unwrap();
    let file = format!("{head}[auth.user]{}", entries.split_once("[auth.user]").unwrap().1);
    let mut program = product(Engine::Sqlite).provider("books", &file).start().await;
    let redirect = format!("{}/oauth/callback/default/books", program.url);
    // A native app: the only kind that a server lets back to this machine without TLS.
    let metadata = object!({"token_endpoint_auth_method": "none", "application_type": "native",
        "grant_types": ["authorization_code", "refresh_token"]});
    let client = oidc.register_with(&redirect, &metadata).await;
    integration(&mut program, "books", "books", &object!({"clientId": client.id})).await;
    let (_, url) = link(&program, &object!({"integration": "books", "redirectUrl": PRODUCT})).await;
    let mut browser = Browser::new(&program);
    let page = browser.open(&url).await;
    let response = browser.submit(&page, &[]).await;
    let going = Page { address: String::new(), response };
    let back = oidc.consent(&going.attribute("class=\"button main\"", "href"), "dora@example.com").await;
    let done = browser.get(&back).await;
    let linked = json(&exchange(&program, &public_token(&done)).await);
    assert_eq!(linked["account"]["id"], "dora@example.com", "{linked}");
    let token = linked["token"].as_str().unwrap().to_owned();
    let connection = Connected { id: linked["id"].as_str().unwrap().to_owned(), token };
    oidc.expire(&client).await;
    assert_eq!(me(&program, &connection).await["account"], "dora@example.com");
    let counts = oidc.counts(&client).await;
    assert_eq!(counts, [("authorization_code".to_owned(), 1), ("refresh_token".to_owned(), 1)].into());
    program.finish().await;
}

/// RFC 8705: the certificate is the integration's, sealed with its other variables.
#[tokio::test(flavor = "multi_thread")]
async fn a_client_is_known_by_its_certificate() {
    let oidc = oidc_provider();
    let (servers, clients) = (Authority::new("servers").unwrap(), Authority::new("clients").unwrap());
    let url = oidc.over_mutual_tls(&servers.issue("127.0.0.1").unwrap(), &clients).await;
    let variables = "variables.certificate.label = \"Certificate\"\n\
                     variables.private_key = { label = \"Private key\", secret = true }\n";
    let presented =
        "inject.client_certificate = { certificate = \"{certificate}\", private_key = \"{private_key}\" }\n";
    let file = file(&url, "mtls", variables).replace("inject.headers", &format!("{presented}inject.headers"));
    let folder = tempfile::tempdir().unwrap();
    let roots = folder.path().join("roots.pem");
    std::fs::write(&roots, servers.pem()).unwrap();
    let setup = setup(Engine::Sqlite).variable("PASSTHROUGH_UPSTREAM__CA_FILE", roots.to_str().unwrap());
    let mut program = setup.provider("bank", &file).start().await;
    let metadata =
        object!({"token_endpoint_auth_method": "tls_client_auth", "tls_client_auth_san_dns": "acme.example"});
    let client = oidc.register_with("https://app.example/callback", &metadata).await;
    for name in ["acme.example", "mallory.example"] {
        let issued = clients.issue(name).unwrap();
        program.watch(issued.key_pem().lines().nth(1).unwrap());
        let settings = object!({"clientId": client.id,
            "variables": {"certificate": issued.pem(), "private_key": issued.key_pem()}});
        let key = name.split('.').next().unwrap();
        integration(&mut program, key, "bank", &settings).await;
    }
    works(&mut program, &oidc, &client, "acme").await;
    let refused =
        program.api("POST", "/v1/connections", &connection("mallory", "machine", &object!({}))).await;
    let told = failure(&refused, 422, "unprocessable_entity");
    assert!(told["message"].as_str().unwrap().contains("invalid_client"), "{told}");
    program.finish().await;
}

/// What Google calls a service account: no client, no user, only a key that signs.
#[tokio::test(flavor = "multi_thread")]
async fn a_service_account_signs_what_it_wants() {
    let oidc = oidc_provider();
    let token_url = format!("{}/service-account/token", oidc.url);
    for algorithm in ["RS256", "ES256"] {
        let file = catalog(
            "google",
            &[
                ("base_url = \"https://{host}\"", &format!("base_url = \"{}/api\"", oidc.url)),
                ("https://oauth2.googleapis.com/token", &token_url),
                (
                    "jwt.key = \"{private_key}\"",
                    &format!("jwt.key = \"{{private_key}}\"\njwt.algorithm = \"{algorithm}\""),
                ),
            ],
        );
        let mut program = setup(Engine::Sqlite).provider("google", &file).start().await;
        let (pair, other) = (oidc.keys(algorithm).await, oidc.keys(algorithm).await);
        let account = oidc.register_with("https://app.example/callback", &with_key(&pair, "key-1")).await;
        let request = |pem: &str| {
            object!({"provider": "google", "auth": "service_account",
                "credentials": {"client_email": account.id, "private_key": pem, "scopes": "a:read b:write"}})
            .to_string()
        };
        program.watch(pair.pem.lines().nth(1).unwrap());
        let refused = program.api("POST", "/v1/connections", &request(&other.pem)).await;
        failure(&refused, 422, "invalid_credentials");
        let connection = program.connect(&request(&pair.pem)).await;
        assert_eq!(me(&program, &connection).await["scope"], "a:read b:write");
        oidc.expire(&account).await;
        assert_eq!(me(&program, &connection).await["client"], account.id);
        program.finish().await;
    }
}

/// GitHub's: the app signs who it is, and is given a token for one installation.
#[tokio::test(flavor = "multi_thread")]
async fn an_app_exchanges_what_it_signs_for_a_token_of_an_installation() {
    let oidc = oidc_provider();
    let file = catalog(
        "github-app",
        &[
            ("base_url = \"https://api.github.com\"", &format!("base_url = \"{}/api\"", oidc.url)),
            ("POST https://api.github.com/app", &format!("POST {}/app", oidc.url)),
        ],
    );
    let mut program = setup(Engine::Sqlite).provider("github-app", &file).start().await;
    let (pair, other) = (oidc.keys("RS256").await, oidc.keys("RS256").await);
    let app = oidc.register_with("https://app.example/callback", &with_key(&pair, "key-1")).await;
    program.watch(pair.pem.lines().nth(1).unwrap());
    let request = |pem: &str| {
        object!({"provider": "github-app", "verify": true,
            "credentials": {"app_id": app.id, "private_key": pem, "installation_id": "4711"}})
        .to_string()
    };
    let refused = program.api("POST", "/v1/connections", &request(&other.pem)).await;
    failure(&refused, 422, "invalid_credentials");
    let connection = program.connect(&request(&pair.pem)).await;
    assert_eq!(me(&program, &connection).await["scope"], "installation:4711");
    oidc.expire(&app).await;
    assert_eq!(me(&program, &connection).await["scope"], "installation:4711");
    program.finish().await;
}
