//! The HTTP API: routes, and what all answers have in common.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, delete, get, post};
use axum::{Extension, Router};
use http::header::{ALLOW, HOST, TRANSFER_ENCODING};
use http::uri::Authority;
use http::{HeaderName, HeaderValue, Version};
use passthrough_core::id::RequestId;
use passthrough_wire::{REQUEST_ID_HEADER, SOURCE_HEADER};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;

use crate::app::App;
use error::ApiError;

pub use openapi::openapi;

mod api_keys;
mod body;
mod caller;
mod connections;
mod docs;
pub mod doors;
pub mod error;
mod events;
mod health;
mod integrations;
pub mod link;
mod link_sessions;
mod list;
pub mod metrics;
mod openapi;
mod panora;
mod passthrough;
mod providers;
mod proxy;
mod records;
mod terminal;
mod webhooks;
pub mod websocket;

const REQUEST_ID: HeaderName = HeaderName::from_static(REQUEST_ID_HEADER);
const SOURCE: HeaderName = HeaderName::from_static(SOURCE_HEADER);

/// The router of the whole API.
pub fn router(app: Arc<App>) -> Router {
    let native = native()
        .fallback(not_found)
        .method_not_allowed_fallback(async || ApiError::method_not_allowed())
        .layer(middleware::from_fn(sound_head))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(native_errors));
    let terminal = terminal::router()
        .fallback(not_found)
        .method_not_allowed_fallback(async || ApiError::method_not_allowed())
        .layer(middleware::from_fn(sound_head))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(terminal::errors));
    let panora = |router: Router<Arc<App>>| {
        router
            .method_not_allowed_fallback(async || ApiError::method_not_allowed())
            .layer(middleware::from_fn(sound_head))
            .layer(CatchPanicLayer::custom(panicked))
            .layer(middleware::from_fn_with_state(Arc::clone(&app), panora::errors))
    };
    // The prefixes of the pages are asked for first: what is not there is told to a person.
    let pages = link::router()
        .method_not_allowed_fallback(async || ApiError::method_not_allowed())
        .layer(middleware::from_fn(sound_head))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(Arc::clone(&app), link::errors));
    Router::new()
        .nest("/tsp/v1", terminal)
        .nest("/panora", panora(panora::router().fallback(not_found)))
        // An SDK whose server URL is `…/panora` asks for this one, which nesting alone does not have.
        .merge(panora(Router::new().route("/panora/", get(panora::hello))))
        .merge(panora(panora::router()))
        .merge(pages)
        .merge(native)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), request_id))
        .with_state(app)
}

/// The routes of the native API. Each is described in [`openapi`], which is not asked for this: to put the description
/// together takes a fifth of a start, and memory for good.
fn native() -> Router<Arc<App>> {
    Router::new()
        .route("/v1/providers", get(providers::list))
        .route("/v1/providers/{code}", get(providers::get))
        .route("/v1/integrations", get(integrations::list).post(integrations::create))
        .route(
            "/v1/integrations/{key}",
            get(integrations::get).patch(integrations::patch).delete(integrations::delete),
        )
        .route("/v1/connections", get(connections::list).post(connections::create))
        .route(
            "/v1/connections/current",
            get(connections::get_current)
                .patch(connections::patch_current)
                .delete(connections::delete_current),
        )
        .route(
            "/v1/connections/{id}",
            get(connections::get).patch(connections::patch).delete(connections::delete),
        )
        .route("/v1/connections/{id}/verify", post(connections::verify))
        .route("/v1/connections/{id}/refresh", post(connections::refresh))
        .route("/v1/connections/{id}/rotate-token", post(connections::rotate_token))
        .route("/v1/link-sessions", post(link_sessions::create))
        .route("/v1/link-sessions/{id}", get(link_sessions::get))
        .route("/v1/public-token/exchange", post(link_sessions::exchange))
        .route("/v1/events", get(events::list))
        .route("/v1/events/{id}", get(events::get))
        .route("/v1/events/{id}/replay", post(events::replay))
        .route("/v1/webhook-endpoints", get(webhooks::list).post(webhooks::create))
        .route(
            "/v1/webhook-endpoints/{id}",
            get(webhooks::get).patch(webhooks::patch).delete(webhooks::delete),
        )
        .route("/v1/webhook-endpoints/{id}/rotate-secret", post(webhooks::rotate_secret))
        .route("/v1/webhook-endpoints/{id}/test", post(webhooks::test))
        .route("/v1/webhook-deliveries", get(webhooks::deliveries))
        .route("/v1/webhook-deliveries/{id}", get(webhooks::delivery))
        .route("/v1/webhook-deliveries/{id}/replay", post(webhooks::replay))
        .route("/v1/api-keys", get(api_keys::list).post(api_keys::create))
        .route("/v1/api-keys/{id}", delete(api_keys::revoke))
        .route("/v1/requests", get(records::list))
        .route("/v1/requests/{id}", get(records::get))
        .route("/healthz", get(health::healthy))
        .route("/readyz", get(health::ready))
        .route("/metrics", get(metrics::metrics))
        .route("/openapi.json", get(openapi::description))
        .merge(docs::router())
        .route("/v1/proxy", any(doors::routed))
        .route("/v1/proxy/", any(doors::routed))
        .route("/v1/proxy/{*path}", any(doors::routed))
        .route("/v1/passthrough", post(doors::routed))
        .route("/v1/passthrough/raw", post(doors::routed))
}

async fn not_found() -> ApiError {
    ApiError::not_found("there is nothing here; see /openapi.json for what there is")
}

/// Gives every request its id, and every answer the header that carries it.
async fn request_id(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let id = RequestId::from(app.installation.new_ulid());
    request.extensions_mut().insert(id);
    // Whatever is logged on the way can be found under the id that the caller was told, by whoever looks closely.
    let span = tracing::debug_span!("request", id = %id);
    let mut response = next.run(request).instrument(span).await;
    if let Ok(value) = HeaderValue::from_str(&id.to_string()) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response.headers_mut().entry(SOURCE).or_insert(HeaderValue::from_static("passthrough"));
    response
}

/// Refuses heads that a proxy in between may have read in another way than we do.
async fn sound_head(request: Request, next: Next) -> Response {
    if !names_one_host(&request) {
        let message = "must be there once, with the host that the request is for";
        return last(ApiError::bad_field("headers.host", message));
    }
    if !is_chunked_or_plain(&request) {
        let message = "must be `chunked`, once, or not be there; no other transfer coding is understood";
        return last(ApiError::bad_field("headers.transfer-encoding", message));
    }
    next.run(request).await
}

/// The last answer on its socket: where the head is in doubt, so is where the next one begins.
fn last(error: ApiError) -> Response {
    ApiError { closes: true, ..error }.into_response()
}

/// A request names the host that it is for exactly once (RFC 9112 section 3.2): of two, a proxy in between
/// might have gone by the other. In HTTP/2 the authority stands for it.
fn names_one_host(request: &Request) -> bool {
    let mut hosts = request.headers().get_all(HOST).iter();
    let sound = |host: &HeaderValue| host.is_empty() || Authority::try_from(host.as_bytes()).is_ok();
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => sound(host),
        (None, _) => request.version() != Version::HTTP_11,
        (Some(_), Some(_)) => false,
    }
}

/// Stops request smuggling: hyper takes whatever ends in `chunked`, where another program sees a coding that
/// it does not know and ends the body elsewhere (RFC 9112 section 6.1).
fn is_chunked_or_plain(request: &Request) -> bool {
    let mut codings = request.headers().get_all(TRANSFER_ENCODING).iter();
    let chunked = |coding: &HeaderValue| coding.as_bytes().eq_ignore_ascii_case(b"chunked");
    codings.next().is_none_or(chunked) && codings.next().is_none()
}

/// Writes failures in our own form.
async fn native_errors(Extension(id): Extension<RequestId>, request: Request, next: Next) -> Response {
    let response = next.run(request).await;
    let Some(error) = response.extensions().get::<ApiError>() else { return response };
    let mut written = error.respond_with(error.body(&id.to_string()));
    // With a 405 the router says which methods there are (RFC 9110 section 15.5.6).
    if let Some(allow) = response.headers().get(ALLOW) {
        written.headers_mut().insert(ALLOW, allow.clone());
    }
    written
}

/// A failure is carried to the door's own layer, which knows the request id and the form.
impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// What a panic tells goes to the log, by the panic hook; the caller learns nothing of the inside.
fn panicked(_: Box<dyn std::any::Any + Send + 'static>) -> Response {
    ApiError::internal("a handler panicked").into_response()
}
