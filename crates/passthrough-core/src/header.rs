//! Which headers go through, in both directions.
//!
//! Framing is ours alone: a caller's `Content-Length` on a request without a body would make the provider
//! read the next tenant's request as that body. Routing and identity headers are dropped because some
//! servers believe them. What is injected is set last and replaces whatever stood there.

use http::header::{CONNECTION, UPGRADE};
use http::{HeaderMap, HeaderName, HeaderValue};
use thiserror::Error;

mod names;
pub mod property;

pub(crate) use names::canonical;
use names::{is_dropped_from_requests, is_dropped_from_responses, nominated};
pub use names::{is_ours, is_reserved};

/// The most headers that a caller may send.
pub const MAX_HEADERS: usize = 100;

/// The most bytes that a caller's headers may take, counted as they stand in an HTTP/1.1 head
/// (`name: value` and a line end).
pub const MAX_BYTES: usize = 64 * 1024;

/// What decides which of a caller's headers go on.
#[derive(Debug, Clone, Copy, Default)]
pub struct HeaderPolicy<'a> {
    /// The names that injection is going to set: the caller's own of these names are dropped.
    pub injected: &'a [HeaderName],
    /// Whether the provider file lets the caller's cookies through.
    pub allow_cookie: bool,
    /// Whether this is a valid WebSocket upgrade on the proxy path ([`is_websocket_upgrade`]).
    pub websocket_upgrade: bool,
    /// Whether `x-api-key` carried our own API key; where it did not, it is the caller's to send.
    pub x_api_key_is_ours: bool,
}

/// Why headers were refused. Never shows a value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum HeaderError {
    /// More than [`MAX_HEADERS`].
    #[error("there are more than 100 headers; send fewer")]
    TooMany,
    /// More than [`MAX_BYTES`].
    #[error("the headers take more than 64 KiB; send less")]
    TooLong,
    /// A name that is no token (RFC 9110 section 5.6.2). Shown with everything unprintable escaped.
    #[error("the header name \"{name}\" is not allowed; use letters, digits and !#$%&'*+-.^_`|~")]
    Name {
        /// The name, escaped and cut to 64 characters.
        name: String,
    },
    /// A value with something else than HTAB, SP, VCHAR and obs-text (RFC 9110 section 5.5).
    #[error("the value of the header `{name}` holds a control character; remove or encode it")]
    Value {
        /// The header's name.
        name: HeaderName,
    },
}

/// The caller's headers that go to the provider, duplicates and order kept.
///
/// Every header is judged, also those that are dropped: a line break in a dropped one is still an attack.
/// White space around a value is not part of it (RFC 9110 section 5.5) and is trimmed.
pub fn request_headers<'a>(
    caller: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
    policy: &HeaderPolicy<'_>,
) -> Result<HeaderMap, HeaderError> {
    let headers = checked(caller)?;
    let nominated = nominated(headers.iter().filter(|(name, _)| name == CONNECTION).map(|(_, value)| value));
    let injected: Vec<String> = policy.injected.iter().map(|name| canonical(name.as_str())).collect();
    let mut kept = HeaderMap::with_capacity(headers.len());
    for (name, value) in headers {
        let spelled = canonical(name.as_str());
        let dropped = is_dropped_from_requests(&spelled)
            || (spelled == "cookie" && !policy.allow_cookie)
            || (spelled == "x-api-key" && policy.x_api_key_is_ours)
            || injected.contains(&spelled)
            || nominated.contains(&spelled);
        if !dropped {
            kept.append(name, value);
        }
    }
    if policy.websocket_upgrade {
        insert_websocket_upgrade(&mut kept);
    }
    Ok(kept)
}

/// Names and values that can stand in a request, within the limits.
fn checked<'a>(
    caller: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
) -> Result<Vec<(HeaderName, HeaderValue)>, HeaderError> {
    let mut headers = Vec::new();
    let mut bytes = 0;
    for (name, value) in caller {
        bytes += name.len() + value.len() + ": \r\n".len();
        if headers.len() == MAX_HEADERS {
            return Err(HeaderError::TooMany);
        }
        if bytes > MAX_BYTES {
            return Err(HeaderError::TooLong);
        }
        let name = checked_name(name)?;
        // `from_bytes` takes HTAB and everything from SP up but DEL: exactly what RFC 9110 allows.
        match HeaderValue::from_bytes(trim(value)) {
            Ok(value) => headers.push((name, value)),
            Err(_) => return Err(HeaderError::Value { name }),
        }
    }
    Ok(headers)
}

fn checked_name(name: &[u8]) -> Result<HeaderName, HeaderError> {
    let refuse = || HeaderError::Name { name: name.escape_ascii().take(64).map(char::from).collect() };
    parse_name(name).ok_or_else(refuse)
}

/// A header name, where the text is a token (RFC 9110 section 5.6.2). Names of cookies are tokens as well.
pub(crate) fn parse_name(name: &[u8]) -> Option<HeaderName> {
    let is_token = name.iter().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(b));
    if is_token { HeaderName::from_bytes(name).ok() } else { None }
}

/// Without the optional white space around it. Only HTAB and SP: a line break stays and is refused.
fn trim(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

/// The provider's headers that go to the caller: all but those that are about the connection to the
/// provider, in order, duplicates too. `Trailer` stays, because trailers are passed on.
///
/// The result is built anew: removing from a `HeaderMap` in place moves its last header into the gap.
pub fn response_headers(upstream: &HeaderMap) -> HeaderMap {
    let nominated = nominated(upstream.get_all(CONNECTION));
    let mut kept = HeaderMap::with_capacity(upstream.len());
    for (name, value) in upstream {
        let dropped =
            is_dropped_from_responses(name.as_str()) || nominated.contains(&canonical(name.as_str()));
        if !dropped {
            kept.append(name, value.clone());
        }
    }
    kept
}

/// Sets an injected header. Replaces every value that is there, so that injected always wins, and marks the
/// value sensitive, so that no log shows it and HPACK does not keep it.
pub fn insert_injected(headers: &mut HeaderMap, name: HeaderName, mut value: HeaderValue) {
    value.set_sensitive(true);
    headers.insert(name, value);
}

/// Whether a request's headers ask for a WebSocket (RFC 6455 section 4.1). That the method is GET and the
/// version HTTP/1.1 is the server's to see.
pub fn is_websocket_upgrade(headers: &HeaderMap) -> bool {
    let one = |name: &str| {
        let mut values = headers.get_all(name).iter();
        values.next().filter(|_| values.next().is_none()).map(HeaderValue::as_bytes)
    };
    nominated(headers.get_all(CONNECTION)).iter().any(|name| name == "upgrade")
        && one("upgrade").is_some_and(|value| value.eq_ignore_ascii_case(b"websocket"))
        && one("sec-websocket-version") == Some(b"13")
        && one("sec-websocket-key").is_some_and(|key| key.len() == 24)
        && !headers.contains_key("content-length")
        && !headers.contains_key("transfer-encoding")
}

/// Sets `Connection: upgrade` and `Upgrade: websocket` in our own words: for a request that was judged
/// valid, and for the provider's 101 to it.
pub fn insert_websocket_upgrade(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
}

#[cfg(test)]
mod tests;
