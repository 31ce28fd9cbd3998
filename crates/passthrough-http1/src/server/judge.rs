//! What of a request is refused before anybody handles it.

use http::{Method, StatusCode, Version};
use thiserror::Error;

use crate::Field;
use crate::framing::{BodyLength, FramingError, persists, request_length, values};
use crate::head::{HeadError, RequestHead};

/// Why a request is not handled. The connection ends after the answer: where a head is in doubt, so is where
/// the next one begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The head cannot be read.
    #[error(transparent)]
    Head(#[from] HeadError),
    /// Nobody knows where the body ends.
    #[error(transparent)]
    Framing(#[from] FramingError),
    /// Not exactly one `Host` that names a host (RFC 9112 §3.2).
    #[error("`Host` must be there once, with the host that the request is for")]
    Host,
    /// An expectation other than `100-continue` (RFC 9110 §10.1.1).
    #[error("`Expect` asks for something that is not known here; only `100-continue` is")]
    Expectation,
    /// The head took too long.
    #[error("the head of the request did not arrive in time")]
    Slow,
}

impl Refusal {
    /// The status of the answer.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Refusal::Head(HeadError::TooLarge | HeadError::TooMany) => {
                StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE
            }
            Refusal::Head(HeadError::Version) => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            Refusal::Head(HeadError::Malformed(_)) | Refusal::Framing(_) | Refusal::Host => {
                StatusCode::BAD_REQUEST
            }
            Refusal::Expectation => StatusCode::EXPECTATION_FAILED,
            Refusal::Slow => StatusCode::REQUEST_TIMEOUT,
        }
    }
}

/// What a head means for its connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub length: BodyLength,
    /// The caller waits for a 100.
    pub expects: bool,
    /// The caller lets the connection live.
    pub persists: bool,
    pub version: Version,
    /// The answer has no body whatever its fields say.
    pub is_head: bool,
    /// The caller takes trailers (RFC 9110 §6.5.1).
    pub takes_trailers: bool,
}

impl Plan {
    /// The plan for a request that was refused.
    pub(super) const REFUSED: Self = Self {
        length: BodyLength::None,
        expects: false,
        persists: false,
        version: Version::HTTP_11,
        is_head: false,
        takes_trailers: false,
    };
}

/// Judges a head.
pub(super) fn judge(head: &RequestHead) -> Result<Plan, Refusal> {
    let length = request_length(head.version, &head.fields)?;
    if !names_one_host(head.version, &head.fields) {
        return Err(Refusal::Host);
    }
    let mut expects = false;
    // HTTP/1.0 has no expectations (RFC 9110 §10.1.1).
    if head.version == Version::HTTP_11 {
        for value in values(&head.fields, b"expect") {
            if !value.eq_ignore_ascii_case(b"100-continue") {
                return Err(Refusal::Expectation);
            }
            expects = true;
        }
    }
    // After a CONNECT the socket would be a tunnel, which nothing here makes.
    let persists = persists(head.version, &head.fields) && head.method != Method::CONNECT;
    Ok(Plan {
        length,
        expects,
        persists,
        version: head.version,
        is_head: head.method == Method::HEAD,
        takes_trailers: takes_trailers(&head.fields),
    })
}

fn takes_trailers(fields: &[Field]) -> bool {
    let is_trailers = |coding: &[u8]| coding.trim_ascii().eq_ignore_ascii_case(b"trailers");
    values(fields, b"te").any(|value| value.split(|byte| *byte == b',').any(is_trailers))
}

/// Of two hosts, or of one that is no host, a proxy in between might have gone by another.
fn names_one_host(version: Version, fields: &[Field]) -> bool {
    let mut hosts = values(fields, b"host");
    match (hosts.next(), hosts.next()) {
        (Some(host), None) => host.iter().all(|byte| is_host_byte(*byte)),
        (None, _) => version != Version::HTTP_11,
        (Some(_), Some(_)) => false,
    }
}

/// A byte of a host with its port (RFC 3986 §3.2.2, §3.2.3).
fn is_host_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=:[]".contains(&byte)
}
