//! What must hold for any headers at all, as a plain function: property tests and fuzz targets call it.

use bytes::Bytes;

use super::names::{Kind, kind_in_request};
use super::{Fields, HeaderPolicy, MAX_HEADERS, request_headers};

/// Reads `block` as lines of `name:value` (no line ending is trimmed but LF) and asks for the caller's
/// headers with `x-api-key` injected. Either an error, or nothing that is ours, injected, about framing or
/// nominated by `Connection` is left, under any spelling. `Err` says what broke.
pub fn nothing_forbidden_goes_on(block: &[u8]) -> Result<(), &'static str> {
    let headers: Vec<(&[u8], &[u8])> = block
        .split(|b| *b == b'\n')
        .map(|line| line.split_at(line.iter().position(|b| *b == b':').unwrap_or(line.len())))
        .map(|(name, rest)| (name, rest.get(1..).unwrap_or_default()))
        .collect();
    let injected = [Bytes::from_static(b"x-api-key")];
    let policy = HeaderPolicy { injected: &injected, ..HeaderPolicy::default() };
    let owned = |bytes: &[u8]| Bytes::copy_from_slice(bytes);
    let given = headers.iter().map(|(name, value)| (owned(name), owned(value))).collect();
    let Ok(kept) = request_headers(Fields(given), &policy) else { return Ok(()) };
    if headers.len() > MAX_HEADERS {
        return Err("too many headers were accepted");
    }
    for (name, value) in kept.iter() {
        let spelled = String::from_utf8_lossy(name).to_ascii_lowercase().replace('_', "-");
        if matches!(kind_in_request(name), Kind::Dropped | Kind::Cookie) {
            return Err("a header that is always dropped went on");
        }
        if spelled == "x-api-key" {
            return Err("an injected name went on");
        }
        if value.iter().any(|b| (*b < b' ' && *b != b'\t') || *b == 0x7f) {
            return Err("a control character went on");
        }
        let nominates =
            |value: &[u8]| value.split(|b| *b == b',').any(|token| token.trim_ascii() == spelled.as_bytes());
        if headers.iter().any(|(n, v)| n.eq_ignore_ascii_case(b"connection") && nominates(v)) {
            return Err("a name that Connection nominates went on");
        }
        let given = headers.iter().any(|(n, v)| *n == name && v.trim_ascii() == value.trim_ascii());
        if !given {
            return Err("a header came from nowhere");
        }
    }
    Ok(())
}
