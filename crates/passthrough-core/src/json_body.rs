//! Injection into a caller's JSON body without touching the rest of it.
//!
//! The body is never parsed into values and written again: that would re-format numbers, reorder keys and
//! break signatures. The place is found in the text, and only the bytes there change.

use thiserror::Error;

mod edit;
mod pointer;
pub mod property;

pub use pointer::{InvalidPointer, Pointer};

/// Why nothing was injected. Shows pointers, which stand in the provider file, and never a value or key of
/// the body.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum JsonBodyError {
    /// The body is no UTF-8.
    #[error("the body is not UTF-8 at byte {at}; this provider's credential goes into a JSON body")]
    NotUtf8 {
        /// Offset in bytes.
        at: usize,
    },
    /// The body is not one JSON value.
    #[error("the body is not JSON at line {line}, column {column}; this provider's credential goes into it")]
    NotJson {
        /// Line, from 1.
        line: usize,
        /// Column, from 1.
        column: usize,
    },
    /// The pointer leads through something that has no members.
    #[error(
        "the body's {at} must be an object, because the credential goes to {pointer}; send an object there"
    )]
    NotAnObject {
        /// The place that is no object: "top level", or a pointer.
        at: String,
        /// Where the value was to go.
        pointer: Pointer,
    },
    /// Two members of one name: some providers read the first, others the last, so that the caller's could
    /// win over the injected one.
    #[error("the body has more than one member at {at}; send it once or not at all")]
    Duplicate {
        /// Pointer to the repeated member.
        at: String,
    },
    /// A key that is no Unicode text (half of a surrogate pair), so that it cannot be told from others.
    #[error("an object on the way to {pointer} has a key with half of a surrogate pair; correct the key")]
    UnreadableKey {
        /// Where the value was to go.
        pointer: Pointer,
    },
    /// What was to be injected is not one JSON value. At fault are the connection's fields.
    #[error("the value for {pointer} is not JSON; check the credential's fields")]
    NotAJsonValue {
        /// Where the value was to go.
        pointer: Pointer,
    },
}

/// Puts each JSON text at its pointer, one after the other.
///
/// A member that is there is replaced (its value's bytes only); a missing one is added behind the last
/// member; missing parents are made. An escaped spelling of a key (`"p\u0061rams"`) is the same key. All
/// other bytes stay as they are. An empty body counts as `{}`; without values the body is returned as it is.
pub fn inject(body: &[u8], values: &[(Pointer, String)]) -> Result<Vec<u8>, JsonBodyError> {
    if values.is_empty() {
        return Ok(body.to_vec());
    }
    let body = if body.is_empty() { b"{}" } else { body };
    let text = std::str::from_utf8(body).map_err(|e| JsonBodyError::NotUtf8 { at: e.valid_up_to() })?;
    edit::only_value(text).map_err(|e| JsonBodyError::NotJson { line: e.line(), column: e.column() })?;
    let mut text = text.to_owned();
    for (pointer, value) in values {
        // A text such as `1,"admin":true` would inject members of its own.
        let value =
            edit::only_value(value).map_err(|_| JsonBodyError::NotAJsonValue { pointer: pointer.clone() })?;
        let splice = edit::locate(&text, pointer, value)?;
        text.replace_range(splice.range, &splice.text);
    }
    Ok(text.into_bytes())
}

#[cfg(test)]
mod tests;
