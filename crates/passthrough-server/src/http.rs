//! The HTTP API: routes, and what all answers have in common.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use axum::{Extension, Router};
use http::header::{ALLOW, HOST, TRANSFER_ENCODING};
use http::uri::Authority;
use http::{HeaderName, HeaderValue, Version};
use passthrough_core::id::RequestId;
use passthrough_wire::{REQUEST_ID_HEADER, SOURCE_HEADER};
use tower_http::catch_panic::CatchPanicLayer;
use tracing::Instrument;
use utoipa::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

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
    let (native, _) = native();
    let native = native
        .route("/openapi.json", get(openapi::description))
        .merge(docs::router())
        .route("/v1/proxy", any(doors::routed))
        .route("/v1/proxy/", any(doors::routed))
        .route("/v1/proxy/{*path}", any(doors::routed))
        .route("/v1/passthrough", post(doors::routed))
        .route("/v1/passthrough/raw", post(doors::routed))
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
    let (panora_routes, _) = panora::routes();
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
        .nest("/panora", panora(panora_routes.clone().fallback(not_found)))
        // An SDK whose server URL is `…/panora` asks for this one, which nesting alone does not have.
        .merge(panora(Router::new().route("/panora/", get(panora::hello))))
        .merge(panora(panora_routes))
        .merge(pages)
        .merge(native)
        .layer(middleware::from_fn_with_state(Arc::clone(&app), request_id))
        .with_state(app)
}

fn native() -> (Router<Arc<App>>, utoipa::openapi::OpenApi) {
    OpenApiRouter::with_openapi(openapi::Description::openapi())
        .routes(routes!(providers::list))
        .routes(routes!(providers::get))
        .routes(routes!(integrations::list, integrations::create))
        .routes(routes!(integrations::get, integrations::patch, integrations::delete))
        .routes(routes!(connections::list, connections::create))
        .routes(routes!(connections::get_current, connections::patch_current, connections::delete_current))
        .routes(routes!(connections::get, connections::patch, connections::delete))
        .routes(routes!(connections::verify))
        .routes(routes!(connections::refresh))
        .routes(routes!(connections::rotate_token))
        .routes(routes!(link_sessions::create))
        .routes(routes!(link_sessions::get))
        .routes(routes!(link_sessions::exchange))
        .routes(routes!(events::list))
        .routes(routes!(events::get))
        .routes(routes!(events::replay))
        .routes(routes!(webhooks::list, webhooks::create))
        .routes(routes!(webhooks::get, webhooks::patch, webhooks::delete))
        .routes(routes!(webhooks::rotate_secret))
        .routes(routes!(webhooks::test))
        .routes(routes!(webhooks::deliveries))
        .routes(routes!(webhooks::delivery))
        .routes(routes!(webhooks::replay))
        .routes(routes!(api_keys::list, api_keys::create))
        .routes(routes!(api_keys::revoke))
        .routes(routes!(records::list))
        .routes(routes!(records::get))
        .routes(routes!(health::healthy))
        .routes(routes!(health::ready))
        .routes(routes!(metrics::metrics))
        .split_for_parts()
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
