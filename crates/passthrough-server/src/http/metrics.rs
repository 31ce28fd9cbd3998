//! `/metrics`: the numbers that an operator watches.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Extension, Router};
use http::header::CONTENT_TYPE;
use passthrough_wire::error::ErrorBody;

use super::error::ApiError;
use crate::app::App;
use crate::config::Exposure;
use crate::metrics::{self, Now};

/// Where a request came from, put into its extensions by whoever accepted it.
#[derive(Debug, Clone, Copy)]
pub struct Peer(pub SocketAddr);

/// What the server does, in numbers (OpenMetrics text). Needs no key: it is served to the server's own machine,
/// or at the address of the setting `metrics.listen`; to others there is nothing here.
#[utoipa::path(
    get, path = "/metrics", operation_id = "getMetrics", tag = "Operations", security(()),
    responses(
        (status = 200, description = "OpenMetrics text", body = String,
            content_type = "application/openmetrics-text; version=1.0.0; charset=utf-8"),
        (status = 404, body = ErrorBody)
    )
)]
pub(super) async fn metrics(
    State(app): State<Arc<App>>,
    peer: Option<Extension<Peer>>,
) -> Result<Response, ApiError> {
    // Whoever's address is not known may be anybody.
    let is_here = peer.is_some_and(|Extension(Peer(address))| is_loopback(address.ip()));
    if app.config.metrics != Exposure::Loopback || !is_here {
        return Err(ApiError::not_found("there is nothing here; see /openapi.json for what there is"));
    }
    Ok(text(&app))
}

/// The router of an address of its own.
pub fn alone(app: Arc<App>) -> Router {
    let answer = async |State(app): State<Arc<App>>| text(&app);
    Router::new().route("/metrics", get(answer)).with_state(app)
}

fn text(app: &App) -> Response {
    let now = Now {
        resting_sockets: app.upstream.resting(),
        record_bytes: app.records.waiting_bytes(),
        held_bytes: app.held.taken(),
        throttled: app.throttled.count(),
        limited: app.limits.refused.get(),
    };
    ([(CONTENT_TYPE, metrics::CONTENT_TYPE)], app.metrics.text(now)).into_response()
}

/// An IPv4 caller at a socket for both has an address of IPv6.
fn is_loopback(ip: IpAddr) -> bool {
    ip.to_canonical().is_loopback()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_this_machine() {
        let is = |ip: &str| is_loopback(ip.parse().unwrap());
        assert!(is("127.0.0.1") && is("127.9.9.9") && is("::1") && is("::ffff:127.0.0.1"));
        assert!(!is("10.0.0.1") && !is("0.0.0.0") && !is("::ffff:10.0.0.1") && !is("2001:db8::1"));
    }
}
