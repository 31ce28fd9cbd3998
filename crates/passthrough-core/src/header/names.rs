//! The lists of header names, and the one way in which names are compared.

use http::HeaderValue;

/// Set by the upstream client or not at all.
const RESERVED: &[&str] = &[
    // Framing and the hop itself (RFC 9110 section 7.6.1): request smuggling.
    "host",
    "content-length",
    "transfer-encoding",
    "connection",
    "keep-alive",
    "te",
    "trailer",
    "upgrade",
    "http2-settings",
    "expect",
    // Who is asking, as some servers believe it.
    "forwarded",
    "x-real-ip",
    "true-client-ip",
    "cf-connecting-ip",
    "via",
    "cdn-loop",
    // Another path or method than the one that was judged, as some frameworks believe it.
    "x-original-url",
    "x-rewrite-url",
    "x-http-method-override",
    "x-method-override",
    "x-method",
];

/// Whole families of the same kind.
const RESERVED_PREFIXES: &[&str] = &["proxy-", "x-forwarded-"];

/// What callers authenticate to us with. `x-api-key` is ours only where it carried our key.
const OURS: &[&str] = &["authorization", "connection-token", "x-connection-token"];

/// The options of a call, and what our answers say about themselves.
const OUR_PREFIX: &str = "passthrough-";

/// Dropped from every provider's response (RFC 9110 section 7.6.1). `Proxy-Authenticate` and its kin speak to
/// us as the next hop; `Proxy-Status` (RFC 9209) is for the caller and stays.
const DROPPED_FROM_RESPONSES: &[&str] = &[
    "connection",
    "keep-alive",
    "proxy-authenticate",
    "proxy-authentication-info",
    "proxy-authorization",
    "proxy-connection",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// A name as it is compared: lower-case, and `_` as `-`, because CGI and its many heirs make one variable of
/// `X-Api-Key` and `X_Api_Key`, so that the second would replace an injected first.
pub(crate) fn canonical(name: &str) -> String {
    name.chars().map(|c| if c == '_' { '-' } else { c.to_ascii_lowercase() }).collect()
}

/// Whether a header by this name is part of how callers speak to us, and never goes to a provider.
/// `x-api-key` is not among them: it depends on what it carried.
pub fn is_ours(name: &str) -> bool {
    is_ours_canonical(&canonical(name))
}

fn is_ours_canonical(name: &str) -> bool {
    OURS.contains(&name) || name.starts_with(OUR_PREFIX)
}

/// Whether a header by this name, under any spelling, frames, routes or disguises a message. Neither a caller
/// nor a provider file nor a field of a credential may set one: it could desynchronise a shared socket, lead
/// a credential to another virtual host, or make a server see another path than the one that was judged.
pub fn is_reserved(name: &str) -> bool {
    is_reserved_canonical(&canonical(name))
}

fn is_reserved_canonical(name: &str) -> bool {
    RESERVED.contains(&name) || RESERVED_PREFIXES.iter().any(|prefix| name.starts_with(prefix))
}

/// `name` is canonical. Asked for every header of every request, so it is not spelled anew.
pub(super) fn is_dropped_from_requests(name: &str) -> bool {
    is_reserved_canonical(name) || is_ours_canonical(name)
}

/// `name` is lower-case, as every `HeaderName` is.
pub(super) fn is_dropped_from_responses(name: &str) -> bool {
    DROPPED_FROM_RESPONSES.contains(&name)
}

/// The canonical names that these `Connection` values declare to be for this hop only.
pub(super) fn nominated<'a>(connection: impl IntoIterator<Item = &'a HeaderValue>) -> Vec<String> {
    let lists = connection.into_iter().map(|value| String::from_utf8_lossy(value.as_bytes()));
    lists.flat_map(|list| list.split(',').map(|name| canonical(name.trim())).collect::<Vec<_>>()).collect()
}
