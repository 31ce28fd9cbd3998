//! WS-Security in a caller's SOAP envelope: a `UsernameToken` (OASIS WSS UsernameToken Profile 1.1) is put into its
//! header, and no other byte of the body changes.
//!
//! An XML reader finds the place; nothing is read into a tree and written again. What stands before the place is held
//! to the little that SOAP allows there: a body that another reader could understand differently might carry the
//! password to where a provider keeps data, and gives it back.

use thiserror::Error;
use zeroize::Zeroizing;

mod place;
pub mod property;
mod token;

pub use token::{Unwritable, UsernameToken};

/// The version of SOAP, which the envelope's namespace tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Version {
    /// SOAP 1.1.
    V1_1,
    /// SOAP 1.2.
    V1_2,
}

impl Version {
    /// The namespace of its envelope.
    pub fn namespace(self) -> &'static str {
        match self {
            Version::V1_1 => "http://schemas.xmlsoap.org/soap/envelope/",
            Version::V1_2 => "http://www.w3.org/2003/05/soap-envelope",
        }
    }

    /// The content type of its messages (SOAP 1.1 §6, RFC 3902).
    pub fn content_type(self) -> &'static str {
        match self {
            Version::V1_1 => "text/xml; charset=utf-8",
            Version::V1_2 => "application/soap+xml; charset=utf-8",
        }
    }
}

/// Why nothing was injected. Shows offsets, and never a byte of the body.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SoapBodyError {
    /// The body is no UTF-8.
    #[error("the body is not UTF-8 at byte {at}; this provider's credential goes into a SOAP envelope")]
    NotUtf8 {
        /// Offset in bytes.
        at: usize,
    },
    /// The XML declaration names another encoding or version: whoever believes it reads other elements than we do.
    #[error("the XML declaration must say version 1.0, and UTF-8 or no encoding")]
    Declaration,
    /// The body is no XML.
    #[error(
        "the body is not well-formed XML near byte {at}; this provider's credential goes into a SOAP envelope"
    )]
    NotXml {
        /// Offset in bytes.
        at: usize,
    },
    /// A document type declaration or processing instruction, which SOAP forbids: entities would let a caller move or
    /// multiply what is injected.
    #[error(
        "a SOAP envelope has neither a DOCTYPE nor processing instructions; take the one at byte {at} away"
    )]
    Forbidden {
        /// Offset in bytes.
        at: usize,
    },
    /// The body is XML and no SOAP envelope.
    #[error(
        "the body must be a SOAP 1.1 or 1.2 envelope: an Envelope with at most one Header, then one Body, and nothing \
         else (byte {at})"
    )]
    NotAnEnvelope {
        /// Offset in bytes.
        at: usize,
    },
    /// The caller brought a security header: some providers read the first of two, others the last.
    #[error(
        "the envelope has a Security header at byte {at}; leave it out, the connection's credential is put there"
    )]
    HasSecurity {
        /// Offset in bytes.
        at: usize,
    },
    /// What was to be injected cannot be written in XML. At fault are the connection's fields.
    #[error(transparent)]
    Unwritable(#[from] Unwritable),
}

/// Puts the token into the envelope's `Header`, as its first block; the header is made where there is none. All other
/// bytes stay as they are. A body with a security header is refused.
pub fn inject(body: &[u8], token: &UsernameToken) -> Result<(Vec<u8>, Version), SoapBodyError> {
    let text = std::str::from_utf8(body).map_err(|e| SoapBodyError::NotUtf8 { at: e.valid_up_to() })?;
    let place = place::locate(text)?;
    let security = Zeroizing::new(token.security_header(place.version)?);
    let parts =
        [&text[..place.range.start], &place.before, &security, &place.after, &text[place.range.end..]];
    Ok((parts.concat().into_bytes(), place.version))
}

/// Whether a content type says XML whose characters are those that were read: another charset would be another text.
pub fn is_xml(content_type: &[u8]) -> bool {
    let lower = content_type.to_ascii_lowercase();
    let mut parts = lower.split(|byte| *byte == b';').map(<[u8]>::trim_ascii);
    let essence = parts.next().unwrap_or_default();
    let xml = essence == b"text/xml" || essence == b"application/xml" || essence.ends_with(b"+xml");
    let mut charsets = parts.filter_map(|part| part.strip_prefix(b"charset"));
    xml && charsets.all(|rest| {
        let value = rest.trim_ascii_start().strip_prefix(b"=").unwrap_or_default().trim_ascii();
        matches!(value, b"utf-8" | b"\"utf-8\"" | b"us-ascii" | b"\"us-ascii\"")
    })
}

#[cfg(test)]
mod tests;
