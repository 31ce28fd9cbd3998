//! Percent-encoding: which bytes each position leaves alone.

use percent_encoding::{AsciiSet, CONTROLS, NON_ALPHANUMERIC, utf8_percent_encode};

/// What `http::Uri` does not take in a path, once the forbidden characters are gone. Every other ASCII
/// character stays as the caller wrote it, `%` too.
const UNSENDABLE_IN_PATH: &AsciiSet = &CONTROLS.add(b'<').add(b'>').add(b'`');

/// What `http::Uri` does not take in a query.
const UNSENDABLE_IN_QUERY: &AsciiSet = &CONTROLS.add(b'<').add(b'>').add(b'"');

/// Everything but RFC 3986 `unreserved`.
const COMPONENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// Everything but RFC 3986 `pchar`, and `;`, which begins a parameter for some servers.
const SEGMENT: &AsciiSet = &COMPONENT
    .remove(b'!')
    .remove(b'$')
    .remove(b'&')
    .remove(b'\'')
    .remove(b'(')
    .remove(b')')
    .remove(b'*')
    .remove(b'+')
    .remove(b',')
    .remove(b'=')
    .remove(b':')
    .remove(b'@');

pub(super) fn sendable_path(path: &str) -> String {
    utf8_percent_encode(path, UNSENDABLE_IN_PATH).to_string()
}

pub(super) fn sendable_query(query: &str) -> String {
    utf8_percent_encode(query, UNSENDABLE_IN_QUERY).to_string()
}

/// Percent-encodes a plain text as one path segment (RFC 3986 section 3.3): `/`, `\`, `?`, `;` and `%`
/// become data. Dots are not encoded, because servers decode them back: `..` is refused where it is joined.
pub fn encode_segment(text: &str) -> String {
    utf8_percent_encode(text, SEGMENT).to_string()
}

/// Percent-encodes a plain text as the name or value of a query parameter; a space becomes `%20`, which
/// every reader of forms understands (`+` is data to some).
pub fn encode_query_component(text: &str) -> String {
    utf8_percent_encode(text, COMPONENT).to_string()
}
