//! The Rust SDK against the real server: every operation of the API once, and its example as users run it.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use http::{HeaderMap, Method};
use passthrough_client::wire::api_key::CreateApiKey;
use passthrough_client::wire::connection::{CreateConnection, PatchConnection};
use passthrough_client::wire::error::ErrorCode;
use passthrough_client::wire::integration::{CreateIntegration, PatchIntegration};
use passthrough_client::wire::link::CreateLinkSession;
use passthrough_client::wire::webhook::{CreateWebhookEndpoint, PatchWebhookEndpoint};
use passthrough_client::{
    Body, Client, ConnectionFilter, DeliveryFilter, EventFilter, IntegrationFilter, PageFilter,
    PassthroughRequest, ProviderFilter, Raw, RequestFilter, passthrough_raw, passthrough_request,
};
use passthrough_testkit::echo::EchoProvider;
use passthrough_testkit::program::{Engine, canary};
use serde_json::Value;

use crate::quickstart::{github, shown};
use crate::support::{BINARY, Shop, shop};

fn client(shop: &Shop) -> Client {
    Client::builder(&shop.program.url).api_key(shop.program.key.clone().into()).build().unwrap()
}

/// What can only be made or changed from its JSON form, as a program would have it in a file.
fn from_json<T: serde::de::DeserializeOwned>(json: Value) -> T {
    serde_json::from_value(json).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn the_three_doors_as_methods_and_as_functions() {
    let shop = shop(Engine::Sqlite).await;
    let (client, token) = (client(&shop), shop.connection.token.clone().into());
    let request = PassthroughRequest::post("/orders").with_json(&serde_json::json!({"n": 1})).unwrap();
    let made = passthrough_request(&client, &token, &request).await.unwrap();
    assert_eq!((made.status_code, made.path.as_str()), (200, "/orders"));
    assert_eq!(&shop.provider.last().body[..], br#"{"n":1}"#);

    let Raw::Provider(stream) = passthrough_raw(&client, &token, &request).await.unwrap() else { panic!() };
    assert!(stream.request_id().unwrap().starts_with("req_"));
    let account = client.connection(token);
    let proxied =
        account.proxy(Method::PUT, "/a%2Fb?x=1", HeaderMap::new(), Body::from("bytes")).await.unwrap();
    assert_eq!((proxied.status().as_u16(), shop.provider.last().target.as_str()), (200, "/base/a%2Fb?x=1"));
    assert_eq!(&shop.provider.last().body[..], b"bytes");
    shop.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_and_their_tokens() {
    let shop = shop(Engine::Sqlite).await;
    let client = client(&shop);
    let mut request = CreateConnection { provider: Some("shop".into()), ..Default::default() };
    request.credentials.insert("api_key".into(), shop.api_key.clone().into());
    request.external_id = Some("customer-42".into());
    let made = client.create_connection(&request).await.unwrap();
    let (id, account) = (made.connection.id.clone(), client.connection(made.token.clone().into()));
    assert_eq!(client.get_connection(&id).await.unwrap().id, account.current().await.unwrap().id);
    let ours = ConnectionFilter { external_id: Some("customer-42".into()), ..Default::default() };
    assert_eq!(client.list_connections(&ours).await.unwrap().results.len(), 1);
    let one_by_one = ConnectionFilter { limit: Some(1), ..Default::default() };
    assert_eq!(client.all_connections(&one_by_one).collect().await.unwrap().len(), 2);

    let renamed = PatchConnection { name: Some(Some("Jo".into())), ..Default::default() };
    assert_eq!(client.update_connection(&id, &renamed).await.unwrap().name.as_deref(), Some("Jo"));
    assert_eq!(account.update(&PatchConnection::default()).await.unwrap().name.as_deref(), Some("Jo"));
    client.verify_connection(&id).await.unwrap();
    let refused = client.refresh_connection(&id).await.unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::UnprocessableEntity), "{refused}");

    let rotated = client.rotate_connection_token(&id).await.unwrap();
    assert_eq!(account.current().await.unwrap_err().code(), Some(ErrorCode::NotFound));
    client.connection(rotated.token.into()).revoke_and_delete().await.unwrap();
    assert_eq!(client.delete_connection(&id).await.unwrap_err().code(), Some(ErrorCode::NotFound));
    client.revoke_and_delete_connection(&shop.connection.id).await.unwrap();
    shop.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn everything_else_that_the_api_has() {
    let shop = shop(Engine::Sqlite).await;
    let client = client(&shop);
    client.health().await.unwrap();
    assert!(client.ready().await.unwrap() && client.metrics().await.unwrap().contains("# EOF"));

    let payments = ProviderFilter { category: Some("payments".into()) };
    assert!(client.list_providers(&payments).await.unwrap().results.iter().any(|one| one.code == "stripe"));
    assert_eq!(client.get_provider("shop").await.unwrap().name, "Shop");

    let made = client.create_api_key(&CreateApiKey { name: "ci".into(), expires_at: None }).await.unwrap();
    assert!(client.all_api_keys(&PageFilter::default()).collect().await.unwrap().len() >= 2);
    client.revoke_api_key(&made.api_key.id).await.unwrap();
    assert!(client.list_api_keys(&PageFilter::default()).await.unwrap().results[0].revoked_at.is_some());

    let json = br#"{"provider": "github", "key": "mine", "clientId": "id", "clientSecret": "s3cret"}"#;
    let integration = client.create_integration(&CreateIntegration::parse(json).unwrap()).await.unwrap();
    assert_eq!(client.get_integration("mine").await.unwrap().key, integration.key);
    let change = PatchIntegration::parse(br#"{"clientId": "other"}"#).unwrap();
    client.update_integration("mine", &change).await.unwrap();
    let listed = client.list_integrations(&IntegrationFilter::default()).await.unwrap().results.len();
    let all = client.all_integrations(&IntegrationFilter { limit: Some(1), ..Default::default() });
    assert_eq!(all.collect().await.unwrap().len(), listed);

    let link = from_json::<CreateLinkSession>(serde_json::json!({"integration": "mine"}));
    let session = client.create_link_session(&link).await.unwrap();
    client.get_link_session(&session.id).await.unwrap();
    let unknown = client.exchange_public_token(&"pub_tkn_none".into()).await.unwrap_err();
    assert!(matches!(unknown.code(), Some(ErrorCode::NotFound | ErrorCode::BadRequest)), "{unknown}");
    shop.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_webhooks_and_records() {
    let shop = shop(Engine::Sqlite).await;
    let client = client(&shop);
    let page = client.list_events(&EventFilter::default()).await.unwrap();
    let event = &client.get_event(&page.results[0].id).await.unwrap();
    assert_eq!(client.all_events(&EventFilter::default()).collect().await.unwrap().len(), page.results.len());

    // A door that is open, so that there is something to deliver to.
    let hook = EchoProvider::start().await;
    let request =
        from_json::<CreateWebhookEndpoint>(serde_json::json!({"url": format!("{}/hook", hook.url())}));
    let made = client.create_webhook_endpoint(&request).await.unwrap();
    let id = made.endpoint.id.clone();
    assert_eq!(client.get_webhook_endpoint(&id).await.unwrap().url, made.endpoint.url);
    assert_eq!(client.list_webhook_endpoints(&PageFilter::default()).await.unwrap().results.len(), 1);
    assert_eq!(client.all_webhook_endpoints(&PageFilter::default()).collect().await.unwrap().len(), 1);
    let rotated = client.rotate_webhook_secret(&id).await.unwrap();
    assert_ne!(rotated.secret, made.secret);

    let delivery = client.test_webhook_endpoint(&id).await.unwrap();
    for _ in 0..200 {
        if !hook.seen().is_empty() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
    }
    let seen = hook.last();
    let headers: HeaderMap = seen
        .headers
        .iter()
        .map(|(name, value)| (name.parse::<http::HeaderName>().unwrap(), value.parse().unwrap()))
        .collect();
    for secret in [made.secret, rotated.secret] {
        let told = passthrough_client::verify_webhook(&secret.into(), &headers, &seen.body).unwrap();
        assert_eq!(told.kind, "webhook.test");
    }
    client.get_webhook_delivery(&delivery.id).await.unwrap();
    let deliveries = DeliveryFilter { endpoint: Some(id.clone()), ..Default::default() };
    assert!(!client.list_webhook_deliveries(&deliveries).await.unwrap().results.is_empty());
    assert!(!client.all_webhook_deliveries(&deliveries).collect().await.unwrap().is_empty());
    client.replay_event(&event.id).await.unwrap();
    let off = from_json::<PatchWebhookEndpoint>(serde_json::json!({"enabled": false}));
    assert!(!client.update_webhook_endpoint(&id, &off).await.unwrap().enabled);
    assert_eq!(client.test_webhook_endpoint(&id).await.unwrap_err().code(), Some(ErrorCode::Conflict));
    client.delete_webhook_endpoint(&id).await.unwrap();

    let account = client.connection(shop.connection.token.clone().into());
    let made = account.request(&PassthroughRequest::get("/orders")).await.unwrap();
    let mut found = client.get_request(&made.request_id).await;
    for _ in 0..100 {
        if found.is_ok() {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(50)).await;
        found = client.get_request(&made.request_id).await;
    }
    assert_eq!(found.unwrap().id, made.request_id);
    let ours = RequestFilter { connection_id: Some(shop.connection.id.clone()), ..Default::default() };
    assert!(!client.list_requests(&ours).await.unwrap().results.is_empty());
    assert!(!client.all_requests(&ours).collect().await.unwrap().is_empty());
    shop.program.finish().await;
}

/// What the API has, the SDK has: each path of openapi.json stands in its source.
#[test]
fn no_operation_of_the_api_is_missing() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let api: Value =
        serde_json::from_str(&std::fs::read_to_string(root.join("openapi.json")).unwrap()).unwrap();
    let mut source = String::new();
    for folder in ["src", "src/resource"] {
        for file in std::fs::read_dir(root.join("crates/passthrough-client").join(folder)).unwrap() {
            let path = file.unwrap().path();
            if path.extension().is_some_and(|extension| extension == "rs") {
                source += &std::fs::read_to_string(path).unwrap();
            }
        }
    }
    // Dialects are for other people's SDKs, and two addresses for people and generators.
    let is_ours = |path: &str, item: &Value| {
        let mut operations = item.as_object().unwrap().values();
        operations
            .any(|operation| operation["tags"][0] != "Panora" && operation["tags"][0] != "Terminal's dialect")
            && !["/docs", "/openapi.json"].contains(&path)
    };
    let paths = api["paths"].as_object().unwrap().iter().filter(|(path, item)| is_ours(path, item));
    let paths: Vec<&String> = paths.map(|(path, _)| path).collect();
    // The last fixed piece of a path, and what stands before its parameter.
    let pieces: BTreeSet<String> = paths
        .iter()
        .flat_map(|path| path.split("/{").enumerate().map(|(place, piece)| (place, piece.to_owned())))
        .filter_map(|(place, piece)| match place {
            0 => Some(piece),
            _ => piece.split_once('/').map(|(_, rest)| format!("/{rest}")),
        })
        .collect();
    let missing: Vec<_> = pieces.iter().filter(|piece| !source.contains(piece.as_str())).collect();
    assert!(missing.is_empty(), "the Rust SDK knows nothing of {missing:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_quick_start_of_the_readme_runs() {
    let readme = Path::new(env!("CARGO_MANIFEST_DIR")).join("../passthrough-client/README.md");
    let program = shown("passthrough-client/examples/quickstart.rs");
    let readme = std::fs::read_to_string(readme).unwrap();
    assert!(
        readme.contains(&format!("```rust,no_run\n{program}```\n")),
        "README.md shows another quickstart.rs"
    );

    let (github, program) = github().await;
    let secret = canary("token");
    let example = Path::new(BINARY).with_file_name("examples").join("quickstart");
    let output = Command::new(&example)
        .env("PASSTHROUGH_SERVER_URL", &program.url)
        .env("PASSTHROUGH_API_KEY", &program.key)
        .env("GITHUB_TOKEN", &secret)
        .output()
        .unwrap_or_else(|error| panic!("{}: {error}; build it: cargo build --examples", example.display()));
    assert_eq!(String::from_utf8_lossy(&output.stdout), "200 us\n", "{output:?}");
    assert_eq!(github.last().header("authorization"), [format!("Bearer {secret}")]);
    program.finish().await;
}
