//! A small third-party API: a bookshop that wants a key. It runs on loopback and knows nothing of Passthrough.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use axum::body::Bytes;
use axum::extract::{Path as UrlPath, RawQuery, Request};
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get};
use axum::{Json, Router};
use indexmap::IndexMap;
use serde::Serialize;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::net::TcpListener;

/// The provider's code.
pub(super) const CODE: &str = "demo";
/// The only key that the shop accepts. It opens nothing but this demo, and is the same in every run, so that
/// connections of earlier runs go on working.
pub(super) const KEY: &str = "bookshop-key-5c0ffee";

/// Starts the shop on a free port. It ends with the process.
pub(super) async fn start() -> std::io::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let shop = Router::new()
        .route("/v1/account", get(account))
        .route("/v1/orders", get(orders).post(new_order))
        .route("/v1/orders/{id}", get(order))
        .route("/v1/echo", any(echo))
        .fallback(|| async { problem(StatusCode::NOT_FOUND, "there is nothing here") })
        .layer(from_fn(check_key));
    // No defence against slow callers, which nobody has against a demo.
    tokio::spawn(async move { axum::serve(listener, shop).await });
    Ok(address)
}

/// Writes the file by which Passthrough knows the shop: what every provider is, only shorter.
pub(super) fn write_file(folder: &Path, shop: SocketAddr) -> std::io::Result<PathBuf> {
    // It lies in the data folder, which is for its owner alone also where this makes it.
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let path = folder.join(format!("{CODE}.toml"));
    let text = format!(
        r#"# Written by `passthrough demo`: the bookshop that runs beside it. The port is another one in every run.
name = "Demo bookshop"
categories = ["demo"]
base_url = "http://{shop}/v1"

verify.request = "GET /account"
verify.account_id = "/id"
verify.account_label = "/name"

[auth.api_key]
label = "API key"
grant = "static"
fields.api_key.label = "API key"
fields.api_key.secret = true
inject.headers.authorization = "Bearer {{api_key}}"
"#
    );
    fs::write(&path, text)?;
    Ok(path)
}

async fn check_key(headers: HeaderMap, request: Request, next: Next) -> Response {
    let given = headers.get(header::AUTHORIZATION).and_then(|value| value.to_str().ok());
    if given != Some(format!("Bearer {KEY}").as_str()) {
        let refused = problem(StatusCode::UNAUTHORIZED, "this shop does not know that key");
        return ([(header::WWW_AUTHENTICATE, "Bearer")], refused).into_response();
    }
    next.run(request).await
}

async fn account() -> Json<Value> {
    Json(json!({"id": "shop-7", "name": "Corner Bookshop"}))
}

#[derive(Serialize)]
struct NewOrder {
    id: u32,
    status: &'static str,
    order: IndexMap<String, Box<RawValue>>,
}

fn all_orders() -> [(u32, &'static str, &'static str, Value); 3] {
    [
        (1001, "paid", "The Left Hand of Darkness", json!({"amount": 1890, "currency": "EUR"})),
        (1002, "open", "Invisible Cities", json!({"amount": 1450, "currency": "EUR"})),
        (1003, "paid", "The Summer Book", json!({"amount": 1290, "currency": "EUR"})),
    ]
}

fn shown((id, status, title, total): (u32, &str, &str, Value)) -> Value {
    json!({"id": id, "status": status, "title": title, "total": total})
}

async fn orders(RawQuery(query): RawQuery) -> Json<Value> {
    let query = query.unwrap_or_default();
    let wanted = query.split('&').find_map(|pair| pair.strip_prefix("status="));
    let fits = |(_, status, ..): &(u32, &str, &str, Value)| wanted.is_none_or(|wanted| wanted == *status);
    Json(json!({"orders": all_orders().into_iter().filter(fits).map(shown).collect::<Vec<_>>()}))
}

async fn order(UrlPath(id): UrlPath<u32>) -> Response {
    match all_orders().into_iter().find(|(known, ..)| *known == id) {
        Some(order) => Json(shown(order)).into_response(),
        None => problem(StatusCode::NOT_FOUND, "there is no such order"),
    }
}

/// Gives back what came, under a number; each value as it was written, so that one sees that none was changed.
async fn new_order(body: Bytes) -> Response {
    let Ok(order) = serde_json::from_slice::<IndexMap<String, Box<RawValue>>>(&body) else {
        return problem(StatusCode::UNPROCESSABLE_ENTITY, "an order is a JSON object");
    };
    (StatusCode::CREATED, Json(NewOrder { id: 1004, status: "open", order })).into_response()
}

/// What arrived, so that one can see what a request looks like on the provider's side.
async fn echo(method: Method, uri: Uri, headers: HeaderMap, body: Bytes) -> Json<Value> {
    let value = |name: &header::HeaderName, value: &header::HeaderValue| match *name {
        header::AUTHORIZATION => "Bearer (the key, put in by Passthrough)".to_owned(),
        _ => String::from_utf8_lossy(value.as_bytes()).into_owned(),
    };
    let headers: serde_json::Map<String, Value> =
        headers.iter().map(|(name, text)| (name.to_string(), value(name, text).into())).collect();
    Json(json!({
        "method": method.as_str(),
        "path": uri.path(),
        "query": uri.query(),
        "headers": headers,
        "body": String::from_utf8_lossy(&body),
    }))
}

fn problem(status: StatusCode, message: &str) -> Response {
    (status, Json(json!({"error": message}))).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_providers_file_is_one_that_the_catalog_accepts() {
        let folder = tempfile::tempdir().unwrap();
        let path = write_file(folder.path(), "127.0.0.1:9".parse().unwrap()).unwrap();
        let provider = passthrough_server::catalog::check_file(&path).unwrap();
        assert_eq!((provider.code.as_str(), provider.auth.len()), (CODE, 1));
    }
}
