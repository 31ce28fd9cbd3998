//! Pages as answers: what a browser is told to do with them, and not to do.

use axum::body::Body;
use axum::response::Response;
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY, X_CONTENT_TYPE_OPTIONS,
    X_FRAME_OPTIONS,
};
use http::{HeaderName, HeaderValue, StatusCode};
use maud::Markup;
use passthrough_store::LinkSession;

use super::assets::Asset;
use crate::app::App;
use crate::link::destination::origin_of;

const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");
const PERMISSIONS_POLICY: HeaderName = HeaderName::from_static("permissions-policy");

/// A page with its status.
#[derive(Debug)]
pub(super) struct Shown<'a> {
    pub status: StatusCode,
    pub content: Option<Markup>,
    /// Where a form on it may lead besides here.
    pub leads_to: Option<&'a str>,
}

impl Default for Shown<'_> {
    fn default() -> Self {
        Self { status: StatusCode::OK, content: None, leads_to: None }
    }
}

impl<'a> Shown<'a> {
    pub(super) fn new(content: Markup) -> Self {
        Self { content: Some(content), ..Self::default() }
    }

    /// A page of a session, whose forms may end at the caller's product.
    pub(super) fn of(session: &'a LinkSession, content: Markup) -> Self {
        Self { leads_to: session.redirect_url.as_deref().map(origin_of), ..Self::new(content) }
    }
}

/// The answer. Nothing of a page is kept anywhere, nothing of its address is told to anybody, and nothing runs in it
/// that is not ours.
pub(super) fn page(app: &App, shown: Shown<'_>) -> Response {
    let body = shown.content.map_or_else(Body::empty, |content| Body::from(content.into_string()));
    let mut response = Response::new(body);
    *response.status_mut() = shown.status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    if let Ok(policy) = HeaderValue::from_str(&policy(app, shown.leads_to)) {
        headers.insert(CONTENT_SECURITY_POLICY, policy);
    }
    // Browsers that know `frame-ancestors` go by that.
    if app.config.link.frame_ancestors.is_empty() {
        headers.insert(X_FRAME_OPTIONS, HeaderValue::from_static("DENY"));
    }
    let denied = "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()";
    headers.insert(PERMISSIONS_POLICY, HeaderValue::from_static(denied));
    close_off(&mut response);
    response
}

fn policy(app: &App, leads_to: Option<&str>) -> String {
    let ancestors = &app.config.link.frame_ancestors;
    let ancestors = match ancestors.is_empty() {
        true => "'none'".to_owned(),
        false => ancestors.iter().map(ToString::to_string).collect::<Vec<_>>().join(" "),
    };
    let also = leads_to.map(|origin| format!(" {origin}")).unwrap_or_default();
    format!(
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; base-uri 'none'; \
         form-action 'self'{also}; frame-ancestors {ancestors}"
    )
}

/// To another address, by GET.
pub(super) fn see_other(app: &App, address: &str) -> Response {
    let mut response = page(app, Shown { status: StatusCode::SEE_OTHER, ..Shown::default() });
    response.headers_mut().remove(CONTENT_TYPE);
    // Addresses are made of judged parts, so this holds.
    if let Ok(address) = HeaderValue::from_str(address) {
        response.headers_mut().insert(LOCATION, address);
    }
    response
}

fn close_off(response: &mut Response) {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(REFERRER_POLICY, HeaderValue::from_static("no-referrer"));
    headers.insert(X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
}

/// Something that pages load.
pub(super) fn asset(asset: &Asset) -> Response {
    let mut response = Response::new(Body::from(asset.bytes.clone()));
    close_off(&mut response);
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(asset.content_type));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, max-age=31536000, immutable"));
    headers.insert(RESOURCE_POLICY, HeaderValue::from_static("same-origin"));
    // An SVG that is opened by itself is a document, and could run scripts under our origin.
    let alone = "default-src 'none'; style-src 'unsafe-inline'; sandbox";
    headers.insert(CONTENT_SECURITY_POLICY, HeaderValue::from_static(alone));
    response
}
