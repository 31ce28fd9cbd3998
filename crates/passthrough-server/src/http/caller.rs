//! What a request brings along: who calls, on which connection, and a body.

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::extract::{FromRequestParts, Path};
use bytes::{Bytes, BytesMut};
use http::header::AUTHORIZATION;
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue};
use http_body::Body as _;
use http_body_util::BodyExt;
use memchr::memmem;
use passthrough_core::token::{Token, TokenKind};

use super::error::ApiError;
use crate::app::App;
use crate::resolve::{Caller, ResolveError};

/// A body up to this size is read without asking for a place among the large ones.
const SMALL_BODY: usize = 128 * 1024;
/// How long a large body waits for a place.
const PLACE_WAIT: Duration = Duration::from_secs(1);

const CONNECTION_TOKEN: HeaderName = HeaderName::from_static(passthrough_wire::CONNECTION_TOKEN_HEADER);
const X_CONNECTION_TOKEN: HeaderName = HeaderName::from_static("x-connection-token");

/// The one variable segment of a path, decoded.
pub(super) struct Segment(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = ApiError;

    /// One that is not UTF-8 names nothing that we have: the same answer as for any other unknown name.
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let segment = Path::<String>::from_request_parts(parts, state).await;
        segment.map(|Path(segment)| Self(segment)).map_err(|_| ApiError::not_found("there is nothing here"))
    }
}

/// The API key of a request. One that is not well-formed is the same as none.
pub(super) fn api_key(headers: &HeaderMap) -> Result<Option<Token>, ApiError> {
    let Some(value) = single(headers, &AUTHORIZATION)? else { return Ok(None) };
    let Ok(value) = value.to_str() else { return Ok(None) };
    let (scheme, token) = value.split_once(' ').unwrap_or_default();
    if !scheme.eq_ignore_ascii_case("bearer") {
        return Ok(None);
    }
    Ok(Token::parse(TokenKind::ApiKey, token.trim()).ok())
}

/// The connection token of a request. Doubled or conflicting headers are refused: a proxy in between might
/// have read the other one.
pub(super) fn connection_token(headers: &HeaderMap) -> Result<Option<Token>, ApiError> {
    let first = single(headers, &CONNECTION_TOKEN)?;
    let second = single(headers, &X_CONNECTION_TOKEN)?;
    let value = match (first, second) {
        (Some(first), Some(second)) if first != second => {
            let message = "Connection-Token and X-Connection-Token differ; send one of them";
            return Err(ApiError::bad_field("headers.connection-token", message));
        }
        (Some(value), _) | (None, Some(value)) => value,
        (None, None) => return Ok(None),
    };
    let token = value.to_str().ok().and_then(|text| Token::parse(TokenKind::Connection, text.trim()).ok());
    // One that is not well-formed gets the same answer as one that is and is unknown.
    token.map(Some).ok_or_else(|| ResolveError::UnknownConnection.into())
}

/// The connection token of a request that must have one.
pub(super) fn required_connection_token(headers: &HeaderMap) -> Result<Token, ApiError> {
    connection_token(headers)?.ok_or_else(|| {
        ApiError::bad_field("headers.connection-token", "missing: the connection token, con_tkn_…")
    })
}

/// Authenticates a request that acts on the installation.
pub(super) async fn authenticate(app: &App, headers: &HeaderMap) -> Result<Caller, ApiError> {
    Ok(app.resolver.authenticate(api_key(headers)?.as_ref()).await?)
}

/// Whether a header for the provider holds one of our own tokens: an SDK of a third party sends the key
/// that it was given wherever its own API wants it, and there it would leak to the provider.
pub(super) fn holds_own_token(own: &HeaderMap, value: &[u8]) -> bool {
    memmem::find(value, TokenKind::Connection.prefix().as_bytes()).is_some()
        || own.get(AUTHORIZATION).is_some_and(|own| {
            let key = own.as_bytes().splitn(2, |byte| *byte == b' ').nth(1).unwrap_or_default();
            !key.is_empty() && memmem::find(value, key).is_some()
        })
}

fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Result<Option<&'a HeaderValue>, ApiError> {
    let mut values = headers.get_all(name).iter();
    let first = values.next();
    if values.next().is_some() {
        return Err(ApiError::bad_field(&format!("headers.{name}"), "stands twice; send it once"));
    }
    Ok(first)
}

/// Reads a whole body, up to a limit.
pub(super) async fn read_body(app: &App, mut body: Body, limit: usize) -> Result<Bytes, ApiError> {
    if body.size_hint().lower() > limit as u64 {
        return Err(ApiError::too_large(limit));
    }
    let idle: Duration = app.config.limits.body_idle;
    let mut held = BytesMut::new();
    let mut _place = None;
    let until = Instant::now() + app.config.deadlines.total_max;
    loop {
        let wait = idle.min(until.saturating_duration_since(Instant::now()));
        let frame = match tokio::time::timeout(wait, body.frame()).await {
            Ok(Some(Ok(frame))) => frame,
            Ok(None) => return Ok(held.freeze()),
            Ok(Some(Err(_))) => return Err(ApiError::bad_field("", "the body could not be read to its end")),
            Err(_) => {
                let message = format!("the body stood still for {} seconds", idle.as_secs());
                return Err(ApiError::bad_field("", message));
            }
        };
        let Ok(data) = frame.into_data() else { continue };
        if held.len() + data.len() > limit {
            return Err(ApiError::too_large(limit));
        }
        held.extend_from_slice(&data);
        // A thousand sockets with half of a large body each would take all memory there is.
        if held.len() > SMALL_BODY && _place.is_none() {
            let place = tokio::time::timeout(PLACE_WAIT, app.large_bodies.acquire()).await;
            let Ok(Ok(place)) = place else {
                return Err(ApiError::overloaded("too many large bodies at once"));
            };
            _place = Some(place);
        }
    }
}
