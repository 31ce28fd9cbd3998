//! Which headers go through, in both directions.
//!
//! Framing is ours alone: a caller's `Content-Length` on a request without a body would make the provider
//! read the next tenant's request as that body. Routing and identity headers are dropped because some
//! servers believe them. What is injected is set last and replaces whatever stood there.

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use bytes::Bytes;
use data_encoding::BASE64;
use http::HeaderName;
use thiserror::Error;

mod fields;
mod names;
pub mod property;

pub use fields::Fields;
pub(crate) use names::same_name;
use names::{Kind, Nominated, is_dropped_from_responses, kind_in_request};
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
    pub injected: &'a [Bytes],
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
        name: String,
    },
}

/// The caller's headers that go to the provider: spelling, order and duplicates kept.
///
/// Every header is judged, also those that are dropped: a line break in a dropped one is still an attack.
/// White space around a value is not part of it (RFC 9110 section 5.5) and is trimmed.
pub fn request_headers(mut caller: Fields, policy: &HeaderPolicy<'_>) -> Result<Fields, HeaderError> {
    check(&mut caller)?;
    let nominated = Nominated::of(&caller);
    caller.0.retain(|(name, _)| {
        let kept = match kind_in_request(name) {
            Kind::Dropped => false,
            Kind::Cookie => policy.allow_cookie,
            Kind::XApiKey => !policy.x_api_key_is_ours,
            Kind::Free => true,
        };
        kept && !nominated.holds(name) && !policy.injected.iter().any(|injected| same_name(injected, name))
    });
    if policy.websocket_upgrade {
        set_websocket_upgrade(&mut caller);
    }
    Ok(caller)
}

/// Names and values that can stand in a request, within the limits. Values are trimmed.
fn check(headers: &mut Fields) -> Result<(), HeaderError> {
    if headers.0.len() > MAX_HEADERS {
        return Err(HeaderError::TooMany);
    }
    let mut bytes = 0;
    for (name, value) in &mut headers.0 {
        bytes += name.len() + value.len() + ": \r\n".len();
        if bytes > MAX_BYTES {
            return Err(HeaderError::TooLong);
        }
        if !is_token(name) {
            let name = name.escape_ascii().take(64).map(char::from).collect();
            return Err(HeaderError::Name { name });
        }
        let trimmed = trim(value);
        if !is_value(trimmed) {
            return Err(HeaderError::Value { name: String::from_utf8_lossy(name).to_ascii_lowercase() });
        }
        if trimmed.len() < value.len() {
            *value = value.slice_ref(trimmed);
        }
    }
    Ok(())
}

/// A header name, where the text is a token (RFC 9110 section 5.6.2). Names of cookies are tokens as well.
pub(crate) fn parse_name(name: &[u8]) -> Option<HeaderName> {
    if is_token(name) { HeaderName::from_bytes(name).ok() } else { None }
}

/// RFC 9110 section 5.6.2.
fn is_token(name: &[u8]) -> bool {
    !name.is_empty() && name.iter().all(|byte| TOKEN[usize::from(*byte)])
}

/// Which bytes may stand in a token: a table, because every byte of every name is looked up.
const TOKEN: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 128u8 {
        table[byte as usize] = byte.is_ascii_alphanumeric()
            || matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'^'..=b'`' | b'|' | b'~');
        byte += 1;
    }
    table
};

/// HTAB, SP, VCHAR and obs-text (RFC 9110 section 5.5).
pub(crate) fn is_value(value: &[u8]) -> bool {
    // No early exit: the compiler can then look at many bytes at once.
    !value.iter().fold(false, |bad, byte| bad | ((*byte < b' ') & (*byte != b'\t')) | (*byte == 0x7f))
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
pub fn response_headers(upstream: &mut Fields) {
    let nominated = Nominated::of(upstream);
    upstream.0.retain(|(name, _)| !is_dropped_from_responses(name) && !nominated.holds(name));
}

/// Whether a request's headers ask for a WebSocket (RFC 6455 section 4.1). That the method is GET and the
/// version HTTP/1.1 is the server's to see.
pub fn is_websocket_upgrade(headers: &Fields) -> bool {
    headers.only("upgrade").is_some_and(|value| value.eq_ignore_ascii_case(b"websocket"))
        && Nominated::of(headers).holds(b"upgrade")
        && headers.only("sec-websocket-version").is_some_and(|version| **version == *b"13")
        && headers.only("sec-websocket-key").is_some_and(|key| key.len() == 24)
        && !headers.contains("content-length")
        && !headers.contains("transfer-encoding")
}

/// What a server puts behind a key before it hashes it (RFC 6455 section 1.3).
const WEBSOCKET_GUID: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";

/// Whether the fields of a 101 switch to the WebSocket that was asked for with this `Sec-WebSocket-Key` (RFC 6455
/// section 4.1). The answer to the key shows that a WebSocket server read the request: one that a cache gives, or
/// a server that knows the status alone, would make a tunnel through which a caller smuggles requests. A `Connection`
/// that names more than `upgrade`, such as `close` or the answer to the key, was written by someone who means
/// something else by it.
pub fn is_websocket_switch(answer: &Fields, key: &[u8]) -> bool {
    let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, &[key, WEBSOCKET_GUID.as_bytes()].concat());
    let accept = BASE64.encode(hash.as_ref());
    answer.only("upgrade").is_some_and(|value| value.eq_ignore_ascii_case(b"websocket"))
        && Nominated::of(answer).is_only(b"upgrade")
        && answer.only("sec-websocket-accept").is_some_and(|value| *value == accept.as_bytes())
}

/// Sets `Connection: upgrade` and `Upgrade: websocket` in our own words: for a request that was judged
/// valid, and for the provider's 101 to it.
pub fn set_websocket_upgrade(headers: &mut Fields) {
    headers.set("Connection", "upgrade");
    headers.set("Upgrade", "websocket");
}

#[cfg(test)]
mod tests;
