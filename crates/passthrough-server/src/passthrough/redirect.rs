//! Following a provider's redirects, where its file asks for it.
//!
//! No library does this for us: a stock client re-sends `Authorization` to whatever host the second hop
//! names. Here only the same scheme, host and port sees the credential; any other hop goes without it and
//! with hardly a header of the caller, and every hop passes the same address rules.

use std::sync::Arc;

use http::{Method, StatusCode};
use passthrough_core::address::AddressPolicy;
use passthrough_core::base_url::{BaseUrl, Host, Origin};
use passthrough_core::fault::{Door, Sent};
use passthrough_core::header::{Fields, HeaderPolicy, request_headers};
use passthrough_core::path::CallerPath;
use passthrough_core::provider::Redirects;
use passthrough_core::upstream::{self as core, RequestBody};
use tokio::time::Instant;

use super::open;
use crate::app::App;
use crate::http::error::ApiError;
use crate::records::Draft;
use crate::resolve::ReadyConnection;
use crate::upstream::{Answer, Call};

/// How many hops are followed.
const MAX_HOPS: usize = 5;

/// What of a request another hop may need. Only requests without a body are repeated: a redirect must
/// never become a second write.
pub(super) struct Repeatable {
    method: Method,
    door: Door,
    headers: Fields,
}

impl Repeatable {
    /// `None` where no redirect of this request is followed.
    pub(super) fn of(request: &core::PassthroughRequest, redirects: Redirects) -> Option<Self> {
        let safe = request.method == Method::GET || request.method == Method::HEAD;
        let bodiless = match &request.body {
            RequestBody::Absent => true,
            RequestBody::Bytes { bytes, .. } => bytes.is_empty(),
            RequestBody::Streamed => false,
        };
        let follows = redirects == Redirects::SameOrigin && safe && bodiless && !request.websocket_upgrade;
        follows.then(|| Self {
            method: request.method.clone(),
            door: request.door,
            headers: request.headers.clone(),
        })
    }
}

/// The answer at the end of the redirects; the answer itself where it is none. `home` is where the call began:
/// nobody else sees the credential.
pub(super) async fn follow(
    app: &App,
    ready: &Arc<ReadyConnection>,
    mut answer: Box<Answer>,
    repeatable: Repeatable,
    home: &Arc<Origin>,
    deadline: Option<Instant>,
    draft: &mut Draft,
) -> Result<Box<Answer>, ApiError> {
    let (mut at, mut astray) = (home.clone(), false);
    for _ in 0..MAX_HOPS {
        if !is_redirect(answer.status) {
            return Ok(answer);
        }
        let next = answer.fields.get("location").and_then(|value| next(&at, value));
        let policy = &app.config.upstream.address_policy;
        let Some((origin, path)) = next.filter(|(origin, _)| *origin == *home || usual_port(policy, origin))
        else {
            return Ok(answer);
        };
        // Its place in flight and its socket are given back first: a hop that waited for a second place
        // while it held one could wait for itself.
        drop(answer);
        // Once away from home the credential never comes back: a hop that led to a stranger was the
        // stranger's choice.
        astray = astray || origin != *home;
        // The location may hold the segment that injection put into the path before.
        let shown = ready.redactor.redact_text(path.path());
        let mut headers = repeatable.headers.clone();
        headers.0.retain(|(name, _)| !astray || goes_anywhere(name));
        let request = hop_request(&repeatable, headers, path);
        let mut call = if astray {
            stranger_call(ready, origin.clone(), request)?
        } else {
            home_call(app, ready, home, request)?
        };
        draft.path(&shown);
        draft.sending(0);
        draft.tried();
        at = origin;
        call.deadline = deadline;
        answer = app.upstream.send(&mut call).await?;
    }
    if is_redirect(answer.status) {
        let message = format!("the provider redirected more than {MAX_HOPS} times");
        return Err(ApiError::bad_gateway("protocol", message, Sent::Yes));
    }
    Ok(answer)
}

/// A stranger's port must be the scheme's own: a redirect to `:6379` is an attack on something that does
/// not speak HTTP. What the operator has opened by its address is no stranger's.
fn usual_port(policy: &AddressPolicy, origin: &Origin) -> bool {
    let opened = match origin.host {
        Host::Ip(ip) => policy.allow.iter().any(|network| network.contains(&ip)),
        Host::Domain(_) => false,
    };
    opened || policy.check_port(origin.scheme, origin.port, None).is_ok()
}

fn is_redirect(status: StatusCode) -> bool {
    matches!(status.as_u16(), 301 | 302 | 303 | 307 | 308)
}

/// Where a `Location` leads, seen from an origin. What is no sound http(s) URL is not followed.
fn next(at: &Origin, location: &[u8]) -> Option<(Arc<Origin>, CallerPath)> {
    let location = std::str::from_utf8(location).ok()?;
    let location = location.split('#').next().unwrap_or_default();
    let absolute = if location.starts_with("//") {
        format!("{}:{location}", at.scheme.as_str())
    } else if location.starts_with('/') {
        format!("{at}{location}")
    } else {
        location.to_owned()
    };
    let (scheme, rest) = absolute.split_once("://")?;
    let end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, path) = rest.split_at(end);
    let base = BaseUrl::parse(&format!("{}://{authority}", scheme.to_ascii_lowercase())).ok()?;
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    Some((base.origin, CallerPath::parse(&path).ok()?))
}

fn hop_request(repeatable: &Repeatable, headers: Fields, path: CallerPath) -> core::PassthroughRequest {
    core::PassthroughRequest {
        door: repeatable.door,
        method: repeatable.method.clone(),
        path,
        base: None,
        headers,
        body: RequestBody::Absent,
        websocket_upgrade: false,
    }
}

/// A hop on the same origin: with the credential.
fn home_call(
    app: &App,
    ready: &Arc<ReadyConnection>,
    home: &Arc<Origin>,
    request: core::PassthroughRequest,
) -> Result<Call, ApiError> {
    let built = core::build_hop(open(ready)?, request, home, || app.moment())?;
    let mut call = call(ready, built.origin, built.method, &built.uri)?;
    call.fields = built.headers;
    call.identity = ready.identity.clone();
    Ok(call)
}

/// A hop elsewhere: no credential, no client certificate, hardly a header.
fn stranger_call(
    ready: &ReadyConnection,
    origin: Arc<Origin>,
    request: core::PassthroughRequest,
) -> Result<Call, ApiError> {
    let uri = request.path.path_and_query().parse().map_err(ApiError::internal)?;
    let mut call = call(ready, origin, request.method, &uri)?;
    call.fields = request_headers(request.headers, &HeaderPolicy::default())
        .map_err(|error| ApiError::bad_field("headers", error.to_string()))?;
    Ok(call)
}

fn call(
    ready: &ReadyConnection,
    origin: Arc<Origin>,
    method: Method,
    uri: &http::Uri,
) -> Result<Call, ApiError> {
    let path = uri.path_and_query().cloned().ok_or_else(|| ApiError::internal("a hop without a path"))?;
    let mut call = Call::new(ready.connection.environment.clone(), origin, method, path);
    call.connection = Some(ready.connection.id);
    Ok(call)
}

/// Headers of a caller that may go to whomever a provider names.
fn goes_anywhere(name: &[u8]) -> bool {
    let name = name.to_ascii_lowercase();
    name.starts_with(b"accept") || name == b"range" || name == b"user-agent"
}

#[cfg(test)]
mod tests {
    use super::*;

    fn next_of(location: &str) -> Option<String> {
        let at = BaseUrl::parse("https://api.example:8443").unwrap().origin;
        next(&at, location.as_bytes()).map(|(origin, path)| format!("{origin}{}", path.path_and_query()))
    }

    #[test]
    fn a_strangers_odd_port_is_left_alone() {
        let policy = AddressPolicy { allow: vec!["10.0.0.0/8".parse().unwrap()], ..AddressPolicy::default() };
        let usual = |url: &str| usual_port(&policy, &BaseUrl::parse(url).unwrap().origin);
        assert!(usual("https://cdn.example") && usual("https://10.1.2.3:9000"));
        assert!(!usual("https://cdn.example:6379") && !usual("https://9.9.9.9:6379"));
    }

    #[test]
    fn a_location_is_read_as_what_it_is() {
        assert_eq!(next_of("/a?b#c").as_deref(), Some("https://api.example:8443/a?b"));
        assert_eq!(next_of("//evil.example/x").as_deref(), Some("https://evil.example/x"));
        assert_eq!(next_of("HTTPS://Evil.example").as_deref(), Some("https://evil.example/"));
        assert_eq!(next_of("https://evil.example?x").as_deref(), Some("https://evil.example/?x"));
        for odd in ["javascript:alert(1)", "/\\evil.example", "https://u@evil.example/", "a/b", "/../x"] {
            assert_eq!(next_of(odd), None, "{odd}");
        }
    }
}
