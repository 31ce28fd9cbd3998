//! Heads: the first line and the fields of a message, as they came and in their order (RFC 9112 §2–§5).
//!
//! Reading is in `read`, writing in `write`. What a field means, and whether it may go on, is not known here.

mod read;
mod write;

use std::fmt;

use bytes::Bytes;
use http::{Method, StatusCode, Version};

pub use read::{HeadReader, Preface, preface};
pub(crate) use read::{Section, parse_fields};
pub use write::{
    Unwritable, write_field, write_fields, write_request, write_request_line, write_response,
    write_status_line,
};

use crate::Field;

/// How large a head may be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Bytes, first line and empty line included.
    pub bytes: usize,
    /// Fields.
    pub fields: usize,
}

/// The head of a request.
#[derive(Clone, PartialEq, Eq)]
pub struct RequestHead {
    /// The method, extension methods too.
    pub method: Method,
    /// The request target as it stands on the first line: origin, absolute, authority or asterisk form.
    pub target: Bytes,
    /// HTTP/1.0 or HTTP/1.1.
    pub version: Version,
    /// The fields.
    pub fields: Vec<Field>,
}

/// The head of an answer.
#[derive(Clone, PartialEq, Eq)]
pub struct ResponseHead {
    /// HTTP/1.0 or HTTP/1.1.
    pub version: Version,
    /// The status.
    pub status: StatusCode,
    /// The reason phrase, which may be empty.
    pub reason: Bytes,
    /// The fields.
    pub fields: Vec<Field>,
    /// Whether lines ended in a bare line feed. The head is read all the same (RFC 9112 §2.2), but the next
    /// program may see other lines in it, so the socket is not to be used again.
    pub odd: bool,
}

/// Why a head is not read. Nothing can be read from the same socket afterwards.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum HeadError {
    /// More bytes than [`Limits::bytes`].
    #[error("the head is larger than allowed; send fewer or shorter fields")]
    TooLarge,
    /// More fields than [`Limits::fields`].
    #[error("the head has more fields than allowed; send fewer")]
    TooMany,
    /// Not the grammar of RFC 9112, or a form of it that another program could read differently.
    #[error("the head is malformed: {0}")]
    Malformed(&'static str),
    /// HTTP, but neither 1.0 nor 1.1.
    #[error("the HTTP version is not supported here; use HTTP/1.1")]
    Version,
}

impl fmt::Debug for RequestHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Targets and values may be credentials, so that only what cannot be one is shown.
        f.debug_struct("RequestHead")
            .field("method", &self.method)
            .field("version", &self.version)
            .field("fields", &Names(&self.fields))
            .finish_non_exhaustive()
    }
}

impl fmt::Debug for ResponseHead {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseHead")
            .field("version", &self.version)
            .field("status", &self.status)
            .field("fields", &Names(&self.fields))
            .field("odd", &self.odd)
            .finish_non_exhaustive()
    }
}

struct Names<'a>(&'a [Field]);

impl fmt::Debug for Names<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, _)| name)).finish()
    }
}

/// A byte of a token: method or field name (RFC 9110 §5.6.2).
pub(crate) const fn is_token_byte(byte: u8) -> bool {
    TOKEN[byte as usize]
}

/// A table, because every byte of every name is looked up.
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

/// Whether a value, reason phrase or chunk extension has no control character but the tab (RFC 9110 §5.5).
pub(crate) fn is_text(bytes: &[u8]) -> bool {
    // No early exit: the compiler can then look at many bytes at once.
    !bytes.iter().fold(false, |bad, &byte| bad | ((byte < b' ') & (byte != b'\t')) | (byte == 0x7f))
}

/// Whether a request target has no white space, control character or delete (RFC 9112 §3.2). Bytes outside
/// ASCII are left to whoever knows what the target is for.
pub(crate) fn is_target(bytes: &[u8]) -> bool {
    !bytes.is_empty() && !bytes.iter().fold(false, |bad, &byte| bad | (byte <= b' ') | (byte == 0x7f))
}
