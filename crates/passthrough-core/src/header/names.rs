//! The lists of header names, and the one way in which names are compared.

use super::Fields;

/// What a caller's header is, as far as its name tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Never a caller's to set, or part of how callers speak to us.
    Dropped,
    /// `cookie`: goes on where the provider file says so.
    Cookie,
    /// `x-api-key`: goes on unless it carried our own key.
    XApiKey,
    /// Nothing of ours.
    Free,
}

/// The longest of the names below; a longer one can only belong to a family.
const LONGEST: usize = 22;

/// Whether a canonical name is set by the upstream client or not at all.
fn is_reserved_canonical(name: &[u8]) -> bool {
    match name {
        // Framing and the hop itself (RFC 9110 section 7.6.1): request smuggling.
        b"host" | b"content-length" | b"transfer-encoding" | b"connection" | b"keep-alive" | b"te"
        | b"trailer" | b"upgrade" | b"http2-settings" | b"expect" => true,
        // Who is asking, as some servers believe it.
        b"forwarded" | b"x-real-ip" | b"true-client-ip" | b"cf-connecting-ip" | b"via" | b"cdn-loop" => true,
        // Another path or method than the one that was judged, as some frameworks believe it.
        b"x-original-url"
        | b"x-rewrite-url"
        | b"x-http-method-override"
        | b"x-method-override"
        | b"x-method" => true,
        // Whole families of the same kind.
        _ => name.starts_with(b"proxy-") || name.starts_with(b"x-forwarded-"),
    }
}

/// Whether a canonical name is how callers speak to us: what they authenticate with, and the options of a
/// call, whose family is also what our answers say about themselves. `x-api-key` is ours only where it
/// carried our key.
fn is_ours_canonical(name: &[u8]) -> bool {
    matches!(name, b"authorization" | b"connection-token" | b"x-connection-token")
        || name.starts_with(b"passthrough-")
}

/// What our answers say about themselves begins like this: a provider must not say it in our name.
const OURS: &[u8] = b"passthrough-";

/// Whether a provider's header is ours to say, or about the connection to the provider (RFC 9110 section 7.6.1).
/// `Proxy-Authenticate` and its kin speak to us as the next hop; `Proxy-Status` (RFC 9209) is for the caller.
/// Compared without regard to case, but `_` is `_` here: nobody downstream believes these names.
pub(super) fn is_dropped_from_responses(name: &[u8]) -> bool {
    const DROPPED: &[&[u8]] = &[
        b"connection",
        b"keep-alive",
        b"proxy-authenticate",
        b"proxy-authentication-info",
        b"proxy-authorization",
        b"proxy-connection",
        b"te",
        b"transfer-encoding",
        b"upgrade",
    ];
    name.get(..OURS.len()).is_some_and(|start| same_name(start, OURS))
        || (matches!(name.len(), 2 | 7 | 10 | 16..=25)
            && DROPPED.iter().any(|dropped| name.eq_ignore_ascii_case(dropped)))
}

/// A byte of a name as it is compared: lower-case, and `_` as `-`, because CGI and its many heirs make one variable
/// of `X-Api-Key` and `X_Api_Key`, so that the second would replace an injected first.
fn canonical_byte(byte: u8) -> u8 {
    if byte == b'_' { b'-' } else { byte.to_ascii_lowercase() }
}

/// Whether two names are the same to some server.
pub(crate) fn same_name(one: &[u8], other: &[u8]) -> bool {
    let pairs = || one.iter().zip(other);
    one.len() == other.len() && pairs().all(|(a, b)| canonical_byte(*a) == canonical_byte(*b))
}

/// Judges the beginning of a name in its canonical spelling, on the stack: this is asked for every header of
/// every request.
fn judge<T>(name: &[u8], verdict: impl FnOnce(&[u8]) -> T) -> T {
    let mut canonical = [0; LONGEST + 1];
    let length = name.len().min(canonical.len());
    for (to, from) in canonical.iter_mut().zip(name) {
        *to = canonical_byte(*from);
    }
    verdict(&canonical[..length])
}

/// What a caller's header is.
pub(super) fn kind_in_request(name: &[u8]) -> Kind {
    judge(name, |name| match name {
        b"cookie" => Kind::Cookie,
        b"x-api-key" => Kind::XApiKey,
        _ if is_reserved_canonical(name) || is_ours_canonical(name) => Kind::Dropped,
        _ => Kind::Free,
    })
}

/// Whether a header by this name is part of how callers speak to us, and never goes to a provider.
/// `x-api-key` is not among them: it depends on what it carried.
pub fn is_ours(name: &[u8]) -> bool {
    judge(name, is_ours_canonical)
}

/// Whether a header by this name, under any spelling, frames, routes or disguises a message. Neither a caller
/// nor a provider file nor a field of a credential may set one: it could desynchronise a shared socket, lead
/// a credential to another virtual host, or make a server see another path than the one that was judged.
pub fn is_reserved(name: &str) -> bool {
    judge(name.as_bytes(), is_reserved_canonical)
}

/// The names that `Connection` declares to be for this hop only.
#[derive(Debug, Default)]
pub(super) struct Nominated(Vec<Vec<u8>>);

impl Nominated {
    /// Reads every `Connection` field. Those that are dropped anyway need not be remembered.
    pub(super) fn of(headers: &Fields) -> Self {
        let lists = headers.get_all("connection").flat_map(|list| list.split(|byte| *byte == b','));
        let names = lists.map(<[u8]>::trim_ascii);
        Self(names.filter(|name| !name.eq_ignore_ascii_case(b"keep-alive")).map(<[u8]>::to_vec).collect())
    }

    /// Whether they are this name and nothing else, once or more often.
    pub(super) fn is_only(&self, name: &[u8]) -> bool {
        let mut named = self.0.iter().filter(|nominated| !nominated.is_empty()).peekable();
        named.peek().is_some() && named.all(|nominated| nominated.eq_ignore_ascii_case(name))
    }

    /// Whether a header by this name is one of them, under any spelling.
    pub(super) fn holds(&self, name: &[u8]) -> bool {
        self.0.iter().any(|nominated| same_name(nominated, name))
    }
}
