//! `/v1/integrations`: what can be set up, what can never be read, and what it brings into connections.

use passthrough_testkit::echo::EchoProvider;
use passthrough_testkit::http::Response;
use passthrough_testkit::program::{Engine, Program, canary};
use passthrough_testkit::raw_server::Authority;
use serde_json::{Value, json as value};

use crate::support::{BINARY, bearer_provider, failure, json, on_both_databases, paths, setup, with_key};

on_both_databases! {
    an_integration_is_made_changed_listed_and_deleted_and_its_secrets_never_come_back
    every_mistake_is_named
    an_integration_that_connections_use_stays
    what_an_integration_sets_no_user_gives_and_no_secret_moves_by_it
    a_connection_names_its_integration_or_its_provider
    an_integration_of_another_environment_is_none
    what_an_integration_says_holds_for_calls_at_once_and_in_every_process
    an_integration_that_is_made_later_does_not_move_the_connections_that_are_there
    a_private_key_is_moved_by_nobody_who_does_not_know_it
}

/// A provider with a code grant whose client goes to a host that is a variable.
fn crm(base: &str) -> String {
    format!(
        "name = \"CRM\"\nbase_url = \"{base}/{{tenant}}\"\nvariables.tenant = {{ default = \"main\" }}\n\
         variables.login = {{ format = \"url\", default = \"{base}\" }}\n\
         variables.pin = {{ optional = true, secret = true }}\n\
         [auth.oauth]\ngrant = \"oauth2_code\"\noauth2.authorize_url = \"{{login}}/authorize\"\n\
         oauth2.token_url = \"{{login}}/token\"\noauth2.client_auth = \"body\"\n\
         inject.headers.authorization = \"Bearer {{access_token}}\"\ninject.headers.x-pin = \"{{pin}}\"\n\
         [auth.key]\ngrant = \"static\"\nfields.api_key = {{ secret = true }}\n\
         inject.headers.authorization = \"Bearer {{api_key}}\"\n"
    )
}

async fn program(engine: Engine) -> (Program, EchoProvider) {
    let provider = EchoProvider::start().await;
    let program = setup(engine)
        .provider("crm", &crm(&provider.url()))
        .provider("shop", &bearer_provider(&format!("{}/base", provider.url())))
        .start()
        .await;
    (program, provider)
}

async fn post(program: &Program, path: &str, body: &Value) -> Response {
    program.api("POST", path, &body.to_string()).await
}

async fn made(program: &Program, body: &Value) -> Value {
    let response = post(program, "/v1/integrations", body).await;
    assert_eq!(response.status, 201, "{}", response.text());
    json(&response)
}

async fn patch(program: &Program, key: &str, body: &Value) -> Response {
    program.api("PATCH", &format!("/v1/integrations/{key}"), &body.to_string()).await
}

/// An integration of the CRM with a client.
fn crm_integration(provider: &EchoProvider, secret: &str) -> Value {
    value!({
        "provider": "crm", "clientId": "client-1", "clientSecret": secret,
        "variables": { "login": provider.url() }
    })
}

async fn an_integration_is_made_changed_listed_and_deleted_and_its_secrets_never_come_back(engine: Engine) {
    let (program, provider) = program(engine).await;
    let (secret, pin) = (canary("client"), canary("pin"));
    let mut request = crm_integration(&provider, &secret);
    request["scopes"] = value!(["read", "write"]);
    request["authorizeParams"] = value!({ "prompt": "consent" });
    request["allowHosts"] = value!([" CRM.example.com ", ".example.org"]);
    request["variables"]["pin"] = value!(pin);
    request["name"] = value!("Our CRM");
    let shown = made(&program, &request).await;
    assert_eq!(shown["key"], "crm");
    assert_eq!(shown["clientId"], "client-1");
    assert_eq!((&shown["hasClientSecret"], &shown["hasPrivateKey"]), (&value!(true), &value!(false)));
    assert_eq!(shown["scopes"], value!(["read", "write"]));
    assert_eq!(shown["authorizeParams"], value!({ "prompt": "consent" }));
    assert_eq!(shown["allowHosts"], value!([".example.org", "crm.example.com"]));
    assert_eq!(shown["variables"], value!({ "login": provider.url(), "pin": null }));
    let redirect = shown["redirectUri"].as_str().unwrap();
    assert!(redirect.ends_with("/oauth/callback/default/crm"), "{redirect}");
    assert!(shown.get("clientSecret").is_none() && !shown.to_string().contains(&secret));

    let second = made(&program, &value!({ "provider": "shop", "key": "shop-eu" })).await;
    assert_eq!((&second["key"], &second["provider"]), (&value!("shop-eu"), &value!("shop")));
    let listed = json(&program.api("GET", "/v1/integrations?limit=1", "").await);
    assert_eq!(listed["results"][0], shown);
    let next = format!("/v1/integrations?limit=1&cursor={}", listed["next"].as_str().unwrap());
    assert_eq!(json(&program.api("GET", &next, "").await)["results"][0]["key"], "shop-eu");
    let of_shop = json(&program.api("GET", "/v1/integrations?provider=shop", "").await);
    assert_eq!(of_shop["results"].as_array().unwrap().len(), 1);

    let changed =
        patch(&program, "crm", &value!({ "name": null, "scopes": null, "clientId": "client-2" })).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    let changed = json(&changed);
    assert_eq!((&changed["clientId"], &changed["hasClientSecret"]), (&value!("client-2"), &value!(true)));
    assert!(changed.get("name").is_none() && changed.get("scopes").is_none());
    assert_eq!(changed["authorizeParams"], value!({ "prompt": "consent" }));
    assert_eq!(json(&program.api("GET", "/v1/integrations/crm", "").await), changed);
    let cleared = json(&patch(&program, "crm", &value!({ "clientSecret": null })).await);
    assert_eq!(cleared["hasClientSecret"], false);

    failure(&post(&program, "/v1/integrations", &request).await, 409, "conflict");
    assert_eq!(program.api("DELETE", "/v1/integrations/crm", "").await.status, 204);
    failure(&program.api("DELETE", "/v1/integrations/crm", "").await, 404, "not_found");
    failure(&program.api("GET", "/v1/integrations/crm", "").await, 404, "not_found");
    failure(&program.api("GET", "/v1/integrations/No%20Key", "").await, 404, "not_found");
    program.finish().await;
}

async fn every_mistake_is_named(engine: Engine) {
    let (program, provider) = program(engine).await;
    let secret = canary("client");
    let login = provider.url();
    let cases = [
        (value!({}), "provider", "missing"),
        (value!({ "provider": "crn" }), "provider", "did you mean `crm`?"),
        (value!({ "provider": "crm", "key": "shop", "clientId": "x" }), "key", "code of another provider"),
        (value!({ "provider": "shop", "clientId": "x" }), "clientId", "uses no OAuth client"),
        (
            value!({ "provider": "crm", "clientSecret": secret, "variables": { "login": login } }),
            "clientId",
            "missing",
        ),
        (
            value!({ "provider": "crm", "clientId": "x", "clientSecret": secret }),
            "variables.login",
            "a host of their own",
        ),
        (
            value!({ "provider": "crm", "variables": { "logn": login } }),
            "variables.logn",
            "did you mean `login`?",
        ),
        (value!({ "provider": "crm", "variables": { "login": "nowhere" } }), "variables.login", ""),
        (value!({ "provider": "crm", "allowHosts": [".com"] }), "allowHosts.0", "top-level domain"),
        (value!({ "provider": "crm", "privateKey": secret }), "privateKey", "PEM"),
        (
            value!({ "provider": "crm", "authorizeParams": { "state": "x" } }),
            "authorizeParams.state",
            "is set by",
        ),
    ];
    for (request, path, part) in cases {
        let body = failure(&post(&program, "/v1/integrations", &request).await, 400, "bad_request");
        assert_eq!(paths(&body), [path], "{body}");
        assert!(body["detail"][0]["message"].as_str().unwrap().contains(part), "{body}");
    }
    let body = failure(&patch(&program, "crm", &value!({ "provider": "shop" })).await, 400, "bad_request");
    assert_eq!(paths(&body), ["provider"]);
    assert_eq!(json(&program.api("GET", "/v1/integrations", "").await)["results"], value!([]));
    program.finish().await;
}

async fn an_integration_that_connections_use_stays(engine: Engine) {
    let (mut program, _provider) = program(engine).await;
    made(&program, &value!({ "provider": "shop", "key": "shop-eu" })).await;
    let request = value!({ "integration": "shop-eu", "credentials": { "api_key": canary("key") } });
    let connection = program.connect(&request.to_string()).await;
    let refused = failure(&program.api("DELETE", "/v1/integrations/shop-eu", "").await, 409, "conflict");
    assert!(refused["message"].as_str().unwrap().starts_with("1 connection uses it"), "{refused}");
    let users = json(&program.api("GET", "/v1/connections?integration=shop-eu", "").await);
    assert_eq!(users["results"][0]["id"], connection.id);
    program.api("DELETE", &format!("/v1/connections/{}", connection.id), "").await;
    assert_eq!(program.api("DELETE", "/v1/integrations/shop-eu", "").await.status, 204);
    program.finish().await;
}

async fn what_an_integration_sets_no_user_gives_and_no_secret_moves_by_it(engine: Engine) {
    let (mut program, provider) = program(engine).await;
    let secret = canary("client");
    made(&program, &crm_integration(&provider, &secret)).await;
    let tokens = value!({ "access_token": canary("access"), "refresh_token": canary("refresh") });
    let own = value!({
        "provider": "crm", "auth": "oauth", "credentials": tokens,
        "variables": { "login": "https://evil.example" }
    });
    let body = failure(&post(&program, "/v1/connections", &own).await, 400, "bad_request");
    assert_eq!(paths(&body), ["variables.login"]);

    // Nobody who does not know the secret moves it.
    let elsewhere = value!({ "variables": { "login": "https://evil.example" } });
    let body = failure(&patch(&program, "crm", &elsewhere).await, 400, "bad_request");
    assert_eq!(paths(&body), ["clientSecret"]);
    let body = failure(
        &patch(&program, "crm", &value!({ "allowHosts": ["evil.example"] })).await,
        400,
        "bad_request",
    );
    assert_eq!(paths(&body), ["clientSecret"]);
    let body = failure(&patch(&program, "crm", &value!({ "variables": null })).await, 400, "bad_request");
    assert!(paths(&body).contains(&"variables.login"), "{body}");

    // And nobody moves what others have entrusted to it.
    let request = value!({ "provider": "crm", "auth": "oauth", "credentials": tokens });
    let connection = program.connect(&request.to_string()).await;
    let knowing = value!({ "variables": { "login": "https://evil.example" }, "clientSecret": secret });
    failure(&patch(&program, "crm", &knowing).await, 409, "conflict");
    let mine = value!({ "variables": { "login": "https://evil.example" }, "credentials": tokens });
    let path = format!("/v1/connections/{}", connection.id);
    let body = failure(&program.api("PATCH", &path, &mine.to_string()).await, 400, "bad_request");
    assert_eq!(paths(&body), ["variables.login"]);
    // What is no host can be set at any time, and is then what connections use.
    let tenant = value!({ "variables": { "login": provider.url(), "tenant": "acme" } });
    assert_eq!(patch(&program, "crm", &tenant).await.status, 200);
    let call = r#"{"method":"GET","path":"/x"}"#;
    let answer = program.on(&connection, "POST", "/v1/passthrough", &[], call).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!(provider.seen().last().unwrap().target, "/acme/x");
    program.finish().await;
}

async fn a_connection_names_its_integration_or_its_provider(engine: Engine) {
    let (mut program, provider) = program(engine).await;
    let tokens = value!({ "access_token": canary("access"), "refresh_token": canary("refresh") });
    // A static entry needs no client; tokens that are to be refreshed do.
    let key = value!({ "provider": "crm", "auth": "key", "credentials": { "api_key": canary("key") } });
    program.connect(&key.to_string()).await;
    let oauth = value!({ "provider": "crm", "auth": "oauth", "credentials": tokens });
    let body = failure(&post(&program, "/v1/connections", &oauth).await, 400, "bad_request");
    assert!(body["message"].as_str().unwrap().contains("needs an OAuth client"), "{body}");
    let mut own = oauth.clone();
    own["credentials"]["client_id"] = value!("mine");
    own["credentials"]["client_secret"] = value!(canary("mine"));
    program.connect(&own.to_string()).await;

    let mut eu = crm_integration(&provider, &canary("eu"));
    eu["key"] = value!("crm-eu");
    made(&program, &eu).await;
    let connection = program.connect(&oauth.to_string()).await;
    let shown = json(&program.api("GET", &format!("/v1/connections/{}", connection.id), "").await);
    assert_eq!((&shown["provider"], &shown["integration"]), (&value!("crm"), &value!("crm-eu")));

    let mut us = eu.clone();
    us["key"] = value!("crm-us");
    made(&program, &us).await;
    let body = failure(&post(&program, "/v1/connections", &oauth).await, 400, "bad_request");
    assert_eq!(paths(&body), ["integration"]);
    assert!(body["message"].as_str().unwrap().contains("crm-eu, crm-us"), "{body}");
    let named = value!({ "integration": "crm-us", "auth": "oauth", "credentials": tokens });
    program.connect(&named.to_string()).await;
    let misspelt = value!({ "integration": "crm-uss", "auth": "oauth", "credentials": tokens });
    let body = failure(&post(&program, "/v1/connections", &misspelt).await, 400, "bad_request");
    assert_eq!(body["detail"][0]["suggestion"], "crm-us");
    program.finish().await;
}

async fn an_integration_of_another_environment_is_none(engine: Engine) {
    let (mut program, provider) = program(engine).await;
    made(&program, &crm_integration(&provider, &canary("client"))).await;
    let other = program.create_key("other");
    let ask =
        async |method: &str, path: &str, body: &str| with_key(&program, &other, method, path, body).await;
    assert_eq!(json(&ask("GET", "/v1/integrations", "").await)["results"], value!([]));
    failure(&ask("GET", "/v1/integrations/crm", "").await, 404, "not_found");
    failure(&ask("PATCH", "/v1/integrations/crm", "{}").await, 404, "not_found");
    failure(&ask("DELETE", "/v1/integrations/crm", "").await, 404, "not_found");
    let own = crm_integration(&provider, &canary("client")).to_string();
    let made = ask("POST", "/v1/integrations", &own).await;
    assert_eq!(made.status, 201, "{}", made.text());
    let redirect = json(&made)["redirectUri"].as_str().unwrap().to_owned();
    assert!(redirect.ends_with("/oauth/callback/other/crm"), "{redirect}");
    program.finish().await;
}

async fn what_an_integration_says_holds_for_calls_at_once_and_in_every_process(engine: Engine) {
    let (mut program, provider) = program(engine).await;
    made(&program, &value!({ "provider": "crm", "variables": { "tenant": "one" } })).await;
    let request = value!({ "provider": "crm", "auth": "key", "credentials": { "api_key": canary("key") } });
    let connection = program.connect(&request.to_string()).await;
    let second = program.second_server();
    let target = async |url: &str| {
        let key = format!("Bearer {}", program.key);
        let headers = [("authorization", key.as_str()), ("connection-token", connection.token.as_str())];
        let answer = passthrough_testkit::http::send("GET", &format!("{url}/v1/proxy/x"), &headers, "").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        provider.seen().last().unwrap().target.clone()
    };
    assert_eq!((target(&program.url).await, target(&second.url).await), ("/one/x".into(), "/one/x".into()));
    let changed = patch(&program, "crm", &value!({ "variables": { "tenant": "two" } })).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    assert_eq!(target(&program.url).await, "/two/x");
    for _ in 0..100 {
        if target(&second.url).await == "/two/x" {
            return program.finish().await;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    panic!("the second process still goes by the old integration");
}

/// The command line makes, shows, changes and deletes.
#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_sets_a_provider_up() {
    let (program, provider) = program(Engine::Sqlite).await;
    let folder = tempfile::tempdir().unwrap();
    let secret = canary("client");
    let file = folder.path().join("secret");
    std::fs::write(&file, format!("{secret}\n")).unwrap();
    let run = |arguments: &[&str]| {
        let mut command = program.command(arguments);
        command.args(["--server", &program.url]).env("PASSTHROUGH_API_KEY", &program.key);
        let output = command.output().unwrap();
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        (output.status.code().unwrap(), text(&output.stdout), text(&output.stderr))
    };
    let secret_file = format!("@{}", file.display());
    let login = format!("login={}", provider.url());
    let create = ["integration", "create", "--provider", "crm", "--client-id", "abc", "--client-secret"];
    let (code, out, err) = run(&[&create[..], &[&secret_file, "--variable", &login]].concat());
    assert_eq!(code, 0, "{err}");
    assert!(out.contains("redirect URI   http://") && out.contains("/oauth/callback/default/crm"), "{out}");
    assert!(out.contains("client secret  kept, and never shown") && !out.contains(&secret), "{out}");
    let (code, out, err) = run(&["integration", "update", "crm", "--scope", "read", "--clear", "name"]);
    assert!(code == 0 && out.contains("scopes         read"), "{out}{err}");
    let (_, out, _) = run(&["integration", "list", "--output", "json"]);
    assert_eq!(serde_json::from_str::<Value>(&out).unwrap()["results"][0]["clientId"], "abc");
    let (code, _, err) = run(&["integration", "delete", "crm"]);
    assert!(code == 2 && err.contains("--yes"), "{err}");
    assert_eq!(run(&["integration", "delete", "crm", "--yes"]).0, 0);
    let (code, _, err) = run(&["integration", "show", "crm"]);
    assert!(code == 3 && err.contains("no such integration"), "{err}");
    assert!(BINARY.contains("passthrough"));
    program.finish().await;
}

/// Connections that were made before a provider had an integration belong to the one of its name once it is made: it
/// must not say where they go.
async fn an_integration_that_is_made_later_does_not_move_the_connections_that_are_there(engine: Engine) {
    let (mut program, provider) = program(engine).await;
    let evil = EchoProvider::start().await;
    let key = value!({
        "provider": "crm", "auth": "key", "credentials": { "api_key": canary("key") },
        "variables": { "login": provider.url() }
    });
    let connection = program.connect(&key.to_string()).await;
    let moving = value!({ "provider": "crm", "variables": { "login": evil.url() } });
    let refused = failure(&post(&program, "/v1/integrations", &moving).await, 409, "conflict");
    assert!(refused["message"].as_str().unwrap().contains("`login`"), "{refused}");
    // Under another key it is nobody's, and without a host it can be made.
    let mut apart = moving.clone();
    apart["key"] = value!("crm-elsewhere");
    made(&program, &apart).await;
    made(&program, &value!({ "provider": "crm", "variables": { "tenant": "acme" } })).await;
    let moved = patch(&program, "crm", &value!({ "variables": { "login": evil.url() } })).await;
    failure(&moved, 409, "conflict");
    let call = r#"{"method":"GET","path":"/x"}"#;
    let answer = program.on(&connection, "POST", "/v1/passthrough", &[], call).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    assert_eq!((provider.seen().len(), evil.seen().len()), (1, 0));
    program.finish().await;
}

/// A private key signs what its holder may do: whoever receives that in the key's name is taken for it elsewhere.
async fn a_private_key_is_moved_by_nobody_who_does_not_know_it(engine: Engine) {
    let (program, provider) = program(engine).await;
    let key = Authority::new("keys").unwrap().issue("client").unwrap().key_pem();
    let mut request = value!({ "provider": "crm", "clientId": "client-1", "privateKey": key });
    let body = failure(&post(&program, "/v1/integrations", &request).await, 400, "bad_request");
    assert_eq!(paths(&body), ["variables.login"]);
    request["variables"] = value!({ "login": provider.url() });
    made(&program, &request).await;
    let elsewhere = value!({ "variables": { "login": "https://evil.example" } });
    let wider = value!({ "allowHosts": ["evil.example"] });
    for change in [&elsewhere, &wider] {
        let body = failure(&patch(&program, "crm", change).await, 400, "bad_request");
        assert_eq!(paths(&body), ["privateKey"]);
    }
    let body = failure(&patch(&program, "crm", &value!({ "variables": null })).await, 400, "bad_request");
    assert!(paths(&body).contains(&"variables.login"), "{body}");
    let mut knowing = elsewhere.clone();
    knowing["privateKey"] = request["privateKey"].clone();
    assert_eq!(patch(&program, "crm", &knowing).await.status, 200);
    program.finish().await;
}
