//! The description of the API: OpenAPI 3.1, made from the code.
//!
//! Operations and shapes are described where they are written. Here stands what they have in common, said once: the
//! answers that any of them may give, the headers of answers, how strictly bodies are read, and the webhooks.

use std::sync::LazyLock;

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use http::header::{ACCESS_CONTROL_ALLOW_ORIGIN, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH};
use http::{HeaderMap, HeaderValue, StatusCode};
use serde_json::{Map, Value, json};
use utoipa::OpenApi;

use super::panora::{self, linked_users};
use super::{
    api_keys, connections, docs, events, health, integrations, link_sessions, metrics, passthrough,
    providers, proxy, records, terminal, webhooks,
};

mod answers;
mod messages;
mod shapes;

/// What the API says of itself before the operations.
#[derive(OpenApi)]
#[openapi(
    info(
        title = "Passthrough",
        description = "Authenticated HTTP requests to your customers' accounts at third-party APIs.\n\n\
            Every call needs an **API key** (`Authorization: Bearer sk_…`); a call on one connection also needs its \
            **connection token** (`Connection-Token: con_tkn_…`).\n\n\
            **Bodies** are JSON and read strictly: an unknown field is a `400` that names the nearest known one, and all \
            mistakes are told at once. An optional field that is `null` is absent; in `PATCH`, `null` clears. A field of an \
            answer that has no value is left out.\n\n\
            **Errors** of ours have the body `ErrorBody` and the header `Passthrough-Source: passthrough`. A provider's 4xx \
            or 5xx never is one of them. Besides what stands with the operations, any request can be answered `405` \
            (`Allow` has the methods), `408` (its head took too long), `417` (an unknown `Expect`) and `431` (its head is too \
            large).",
        license(name = "Apache-2.0", identifier = "Apache-2.0")
    ),
    servers((url = "/", description = "The server that this description comes from")),
    security(("apiKey" = [])),
    tags(
        (name = "Passthrough", description = "Requests to the provider of a connection, in three forms."),
        (name = "Connections", description = "Your customers' accounts, and the credentials for them. No answer contains a credential."),
        (name = "Linking", description = "Pages on which your customers authorise their accounts."),
        (name = "Integrations", description = "Providers as they are set up in this environment: the OAuth client, scopes, defaults."),
        (name = "Providers", description = "The catalog: what is known of each third-party API."),
        (name = "Events", description = "What happened to connections and integrations."),
        (name = "Webhooks", description = "Where events are sent to, and what has come of it."),
        (name = "API keys", description = "What calling applications present. A key opens one environment."),
        (name = "Records", description = "The stored line about each passthrough: no body, no query, no header."),
        (name = "Operations", description = "For monitors and tools. They need no key."),
        (name = "Terminal's dialect", description = "The same for programs that were written for Terminal's API: change the host. Unknown \
            fields and query parameters are ignored here, and statuses are those that Terminal declares."),
        (name = "Panora", description = "The same for programs that were written with Panora's SDKs, here and below `/panora`: change the \
            server's URL.")
    ),
    // What the routers have, and the hot doors. A new route is added here, too.
    paths(
        passthrough::passthrough, passthrough::raw, proxy::proxy,
        providers::list, providers::get,
        integrations::list, integrations::create, integrations::get, integrations::patch, integrations::delete,
        connections::list, connections::create, connections::get_current, connections::patch_current,
        connections::delete_current, connections::get, connections::patch, connections::delete,
        connections::verify, connections::refresh, connections::rotate_token,
        link_sessions::create, link_sessions::get, link_sessions::exchange,
        events::list, events::get, events::replay,
        webhooks::list, webhooks::create, webhooks::get, webhooks::patch, webhooks::delete,
        webhooks::rotate_secret, webhooks::test, webhooks::deliveries, webhooks::delivery, webhooks::replay,
        api_keys::list, api_keys::create, api_keys::revoke,
        records::list, records::get,
        health::healthy, health::ready, metrics::metrics,
        terminal::passthrough, terminal::raw, terminal::list, terminal::get_current, terminal::patch_current,
        terminal::delete_current, terminal::providers, terminal::exchange,
        panora::hello, panora::health, panora::passthrough, panora::retried, panora::connections,
        linked_users::list, linked_users::create, linked_users::create_several, linked_users::find, linked_users::get,
        description, docs::page
    )
)]
struct Description;

/// The description of the API, OpenAPI 3.1.
pub fn openapi() -> Value {
    // It is made of nothing but texts, so it can be written.
    let mut document = serde_json::to_value(Description::openapi()).unwrap_or_default();
    let components = entry(entry(&mut document, "components"), "securitySchemes");
    *components = security_schemes();
    proxy::describe(entry(&mut document, "paths"));
    shapes::mend(&mut document);
    answers::add(&mut document);
    messages::add(&mut document);
    plain_summaries(&mut document);
    document
}

fn security_schemes() -> Value {
    let token = |header: &str, description: &str| json!({"type": "apiKey", "in": "header", "name": header, "description": description});
    json!({
        "apiKey": {
            "type": "http", "scheme": "bearer", "bearerFormat": "sk_…",
            "description": "The API key, `sk_…`. It opens one environment and may do everything in it."
        },
        "connectionToken": token("Connection-Token", "The connection token, `con_tkn_…`: which connection a call is for."),
        "panoraKey": token("x-api-key", "The API key, `sk_…`, as Panora's SDKs send it."),
        "panoraConnectionToken": token("x-connection-token", "The connection token, `con_tkn_…`, as Panora's SDKs send it."),
        "xConnectionToken": token("X-Connection-Token", "The same under another name, for programs that send it so."),
    })
}

/// A summary is plain text; only descriptions are CommonMark.
fn plain_summaries(document: &mut Value) {
    for (_, _, operation) in operations(document) {
        if let Some(summary) = operation["summary"].as_str() {
            operation["summary"] = summary.replace('`', "").into();
        }
    }
}

/// The entry of an object, made where it is missing.
fn entry<'a>(value: &'a mut Value, name: &str) -> &'a mut Value {
    if !value.is_object() {
        *value = Value::Object(Map::new());
    }
    &mut value[name]
}

/// Every operation with its path and its method.
fn operations(document: &mut Value) -> impl Iterator<Item = (&String, &String, &mut Value)> {
    let paths = entry(document, "paths").as_object_mut().into_iter().flatten();
    paths.flat_map(|(path, item)| {
        let methods = item.as_object_mut().into_iter().flatten();
        methods.map(move |(method, operation)| (path, method, operation))
    })
}

static TEXT: LazyLock<(Bytes, HeaderValue)> = LazyLock::new(|| {
    let text = Bytes::from(openapi().to_string());
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &text);
    let tag = format!("\"{}\"", data_encoding::HEXLOWER.encode(&digest.as_ref()[..16]));
    (text, HeaderValue::try_from(tag).unwrap_or(HeaderValue::from_static("\"\"")))
});

/// This description.
#[utoipa::path(
    get, path = "/openapi.json", operation_id = "getDescription", tag = "Operations", security(()),
    params(("If-None-Match" = Option<String>, Header, description = "The `ETag` of the description that the caller has")),
    responses(
        (status = 200, description = "The description, OpenAPI 3.1", body = serde_json::Value),
        (status = 304, description = "The caller has it")
    )
)]
pub(super) async fn description(headers: HeaderMap) -> Response {
    let (text, tag) = &*TEXT;
    let known = headers.get_all(IF_NONE_MATCH).iter().filter_map(|value| value.to_str().ok());
    let mut known = known.flat_map(|list| list.split(',')).map(|one| one.trim().trim_start_matches("W/"));
    let is_known = known.any(|one| one == "*" || one.as_bytes() == tag.as_bytes());
    let mut response = match is_known {
        true => StatusCode::NOT_MODIFIED.into_response(),
        false => Body::from(text.clone()).into_response(),
    };
    let headers = response.headers_mut();
    if !is_known {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    }
    headers.insert(ETAG, tag.clone());
    // It changes with the program only; asking whether it did costs next to nothing.
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-cache"));
    // Editors in the browser may read what everybody may read.
    headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
    response
}
