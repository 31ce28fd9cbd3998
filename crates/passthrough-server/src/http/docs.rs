//! `/docs`: the reference page. The viewer is Swagger UI, kept in `docs/swagger-ui` and part of the program: the page works
//! where there is no network but this server's, and nothing of a third party is asked for.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::Path;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{HeaderName, HeaderValue};

use super::error::ApiError;
use crate::app::App;

const STYLE: &str = "text/css; charset=utf-8";
const SCRIPT: &str = "text/javascript; charset=utf-8";

/// What the page loads: name, media type, bytes.
const ASSETS: [(&str, &str, &[u8]); 4] = [
    ("swagger-ui.css", STYLE, include_bytes!("docs/swagger-ui/swagger-ui.css")),
    ("docs.css", STYLE, include_bytes!("docs/docs.css")),
    ("swagger-ui-bundle.js", SCRIPT, include_bytes!("docs/swagger-ui/swagger-ui-bundle.js")),
    ("docs.js", SCRIPT, include_bytes!("docs/docs.js")),
];

/// Nothing that is not ours runs here, no other server is spoken to, and no other page shows this one in a frame: a key is
/// typed in on it. The viewer's style sheet has its icons in `data:` addresses.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

const OPENER_POLICY: HeaderName = HeaderName::from_static("cross-origin-opener-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

// Addresses carry the program's version, so that what a browser keeps of one is not taken for another's.
const PAGE: &str = concat!(
    "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n",
    "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n",
    "<title>Passthrough API reference</title>\n",
    "<link rel=\"icon\" href=\"data:,\">\n",
    "<link rel=\"stylesheet\" href=\"/docs/assets/swagger-ui.css?",
    env!("CARGO_PKG_VERSION"),
    "\">\n",
    "<link rel=\"stylesheet\" href=\"/docs/assets/docs.css?",
    env!("CARGO_PKG_VERSION"),
    "\">\n",
    "<div id=\"reference\"></div>\n",
    "<noscript>This page needs JavaScript. The description itself is at <a href=\"/openapi.json\">/openapi.json</a>.</noscript>\n",
    "<script src=\"/docs/assets/swagger-ui-bundle.js?",
    env!("CARGO_PKG_VERSION"),
    "\"></script>\n",
    "<script src=\"/docs/assets/docs.js?",
    env!("CARGO_PKG_VERSION"),
    "\"></script>\n</html>\n",
);

/// The page and what it loads.
pub(super) fn router() -> Router<Arc<App>> {
    let bare = get(async || Redirect::permanent("/docs"));
    Router::new().route("/docs", get(page)).route("/docs/", bare).route("/docs/assets/{name}", get(asset))
}

/// The reference of this API as a page, from which requests can be sent. It loads nothing from elsewhere.
#[utoipa::path(
    get, path = "/docs", operation_id = "getReferencePage", tag = "Operations", security(()),
    responses((status = 200, description = "The page", body = String, content_type = "text/html"))
)]
pub(super) async fn page() -> Response {
    answer("text/html; charset=utf-8", PAGE.as_bytes())
}

async fn asset(Path(name): Path<String>) -> Result<Response, ApiError> {
    let found = ASSETS.iter().find(|(known, ..)| *known == name);
    let (_, content_type, bytes) =
        found.ok_or_else(|| ApiError::not_found("the reference page loads no such thing"))?;
    Ok(answer(content_type, bytes))
}

fn answer(content_type: &'static str, bytes: &'static [u8]) -> Response {
    let mut response = Body::from(bytes).into_response();
    let headers = response.headers_mut();
    for (name, value) in [
        (CONTENT_TYPE, content_type),
        (CONTENT_SECURITY_POLICY, POLICY),
        (X_FRAME_OPTIONS, "DENY"),
        (REFERRER_POLICY, "no-referrer"),
        (X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (OPENER_POLICY, "same-origin"),
        (RESOURCE_POLICY, "same-origin"),
        (
            PERMISSIONS_POLICY,
            "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
        ),
        // An hour: a megabyte and a half is not fetched anew with every visit, and a new program is seen soon.
        (
            CACHE_CONTROL,
            if content_type.starts_with("text/html") { "no-cache" } else { "public, max-age=3600" },
        ),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    response
}
