//! How long a body is, judged by the fields of its head (RFC 9112 §6).
//!
//! What two programs read differently is how messages are smuggled past one of them (RFC 9112 §11.2), so a
//! request with two readings is refused, and an answer with two costs its socket. Names are compared without
//! case and otherwise byte by byte: `transfer_encoding` is some other field.

use bytes::Bytes;
use http::{Method, StatusCode, Version};

use crate::Field;

const CONTENT_LENGTH: &[u8] = b"content-length";
const TRANSFER_ENCODING: &[u8] = b"transfer-encoding";
const CONNECTION: &[u8] = b"connection";

/// Where a body ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BodyLength {
    /// There is none.
    None,
    /// After so many bytes.
    Exact(u64),
    /// After the last chunk and the trailers.
    Chunked,
    /// Where the connection ends; answers only.
    UntilClose,
}

impl BodyLength {
    /// Whether the head says that content follows.
    pub(crate) fn announces_content(self) -> bool {
        matches!(self, BodyLength::Chunked | BodyLength::Exact(1..))
    }
}

/// Whether a socket may serve again after an answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// One reading only: it may.
    Clean,
    /// Read as the RFC says, but another program may read it differently: it may not.
    Odd,
}

/// Why the length of a body is not known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FramingError {
    /// Both fields in a request.
    #[error("`Content-Length` and `Transfer-Encoding` are both given; send one")]
    Both,
    /// Anything but `chunked`, once.
    #[error("`Transfer-Encoding` is not exactly `chunked`, given once")]
    Coding,
    /// A transfer coding in HTTP/1.0, which has none.
    #[error("`Transfer-Encoding` has no meaning in HTTP/1.0; use HTTP/1.1")]
    OldVersion,
    /// Not a number of bytes.
    #[error("`Content-Length` is not one decimal number that fits 64 bits")]
    Length,
    /// Several lengths.
    #[error("`Content-Length` is given more than once")]
    Lengths,
}

/// The length of a request's body (RFC 9112 §6.3). Whatever has a second reading is refused.
///
/// # Errors
///
/// [`FramingError`]; the request is to be answered with 400 and the connection closed.
pub fn request_length(version: Version, fields: &[Field]) -> Result<BodyLength, FramingError> {
    let chunked = is_chunked(version, fields)?;
    let mut lengths = values(fields, CONTENT_LENGTH);
    match (lengths.next(), lengths.next()) {
        // Whoever believes the other field finds a second request in the body.
        (Some(_), _) if chunked => Err(FramingError::Both),
        (None, _) if chunked => Ok(BodyLength::Chunked),
        (None, _) => Ok(BodyLength::None),
        (Some(length), None) => Ok(BodyLength::Exact(parse_length(length)?)),
        (Some(_), Some(_)) => Err(FramingError::Lengths),
    }
}

/// The length of an answer's body (RFC 9112 §6.3). Of the framing fields only those stay in `fields` that the
/// body is really read by: no `Content-Length` beside `Transfer-Encoding`, and one where several were equal.
///
/// After a 101, and after a 2xx to `CONNECT`, the connection speaks another protocol: no body, and odd.
///
/// # Errors
///
/// [`FramingError`]; nothing of the answer can be trusted.
pub fn response_length(
    request: &Method,
    status: StatusCode,
    version: Version,
    fields: &mut Vec<Field>,
) -> Result<(BodyLength, Framing), FramingError> {
    let mut framing = if version == Version::HTTP_11 { Framing::Clean } else { Framing::Odd };
    let length = if is_chunked(version, fields)? {
        if drop_length(fields) {
            framing = Framing::Odd;
        }
        BodyLength::Chunked
    } else {
        match equal_lengths(fields)? {
            None => BodyLength::UntilClose,
            Some((length, repeated)) => {
                if repeated {
                    keep_one_length(fields);
                    framing = Framing::Odd;
                }
                BodyLength::Exact(length)
            }
        }
    };
    if status.is_informational() || status == StatusCode::NO_CONTENT {
        // These must not announce a body (RFC 9110 §8.6, RFC 9112 §6.1); whoever does may send it, too.
        if length.announces_content() || status == StatusCode::SWITCHING_PROTOCOLS {
            framing = Framing::Odd;
        }
        return Ok((BodyLength::None, framing));
    }
    if request == Method::CONNECT && status.is_success() {
        return Ok((BodyLength::None, Framing::Odd));
    }
    if request == Method::HEAD || status == StatusCode::NOT_MODIFIED {
        // These may announce what they do not have. Some send it all the same, and not at once: it would be taken for
        // the answer to the next request, which may be somebody else's.
        if length.announces_content() {
            framing = Framing::Odd;
        }
        return Ok((BodyLength::None, framing));
    }
    Ok((length, framing))
}

/// Removes every `Content-Length`, and says whether there was one.
pub fn drop_length(fields: &mut Vec<Field>) -> bool {
    let before = fields.len();
    fields.retain(|(name, _)| !name.eq_ignore_ascii_case(CONTENT_LENGTH));
    fields.len() < before
}

/// Whether the sender of this head lets the connection live after the message (RFC 9112 §9.3): in HTTP/1.1
/// unless it said `close`, in HTTP/1.0 only if it said `keep-alive` and not `close`.
#[must_use]
pub fn persists(version: Version, fields: &[Field]) -> bool {
    let (mut close, mut keep_alive) = (false, false);
    for value in values(fields, CONNECTION) {
        for option in value.split(|byte| *byte == b',').map(trim) {
            close |= option.eq_ignore_ascii_case(b"close");
            keep_alive |= option.eq_ignore_ascii_case(b"keep-alive");
        }
    }
    !close && (version == Version::HTTP_11 || keep_alive)
}

/// The values of a field, whatever the case of its name.
pub fn values<'a>(fields: &'a [Field], name: &'a [u8]) -> impl Iterator<Item = &'a Bytes> {
    fields.iter().filter(move |field| field.0.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}

fn is_chunked(version: Version, fields: &[Field]) -> Result<bool, FramingError> {
    let mut codings = values(fields, TRANSFER_ENCODING);
    let Some(coding) = codings.next() else { return Ok(false) };
    if codings.next().is_some() || !trim(coding).eq_ignore_ascii_case(b"chunked") {
        // Two spellings, of which each program knows one, are the classic of smuggling.
        return Err(FramingError::Coding);
    }
    if version == Version::HTTP_11 { Ok(true) } else { Err(FramingError::OldVersion) }
}

/// The length that all fields and all members of their lists give, and whether it was given more than once.
fn equal_lengths(fields: &[Field]) -> Result<Option<(u64, bool)>, FramingError> {
    let mut found = None;
    for value in values(fields, CONTENT_LENGTH) {
        for member in value.split(|byte| *byte == b',') {
            let length = parse_length(member)?;
            found = match found {
                None => Some((length, false)),
                Some((first, _)) if first == length => Some((length, true)),
                Some(_) => return Err(FramingError::Lengths),
            };
        }
    }
    Ok(found)
}

fn keep_one_length(fields: &mut Vec<Field>) {
    let mut seen = false;
    fields.retain_mut(|(name, value)| {
        if !name.eq_ignore_ascii_case(CONTENT_LENGTH) {
            return true;
        }
        let first = trim(value.split(|byte| *byte == b',').next().unwrap_or_default());
        *value = value.slice_ref(first);
        !std::mem::replace(&mut seen, true)
    });
}

/// Digits only: what else number parsers take (a sign, a base, spaces) is where they differ.
fn parse_length(value: &[u8]) -> Result<u64, FramingError> {
    let digits = trim(value);
    if digits.is_empty() {
        return Err(FramingError::Length);
    }
    digits
        .iter()
        .try_fold(0_u64, |length, byte| {
            let digit = byte.is_ascii_digit().then(|| u64::from(byte - b'0'))?;
            length.checked_mul(10)?.checked_add(digit)
        })
        .ok_or(FramingError::Length)
}

/// Without the white space that may stand around a value (RFC 9110 §5.6.3), which is two characters only.
fn trim(value: &[u8]) -> &[u8] {
    let is_space = |byte: &u8| matches!(byte, b' ' | b'\t');
    let Some(start) = value.iter().position(|byte| !is_space(byte)) else { return &[] };
    let end = value.iter().rposition(|byte| !is_space(byte)).unwrap_or(start);
    &value[start..=end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(given: &[(&'static str, &'static str)]) -> Vec<Field> {
        given.iter().map(|(name, value)| (Bytes::from(*name), Bytes::from(*value))).collect()
    }

    #[test]
    fn a_connection_lives_as_its_sender_says() {
        for (version, values, lives) in [
            (Version::HTTP_11, &[][..], true),
            (Version::HTTP_11, &["x, CLOSE ,y"], false),
            (Version::HTTP_11, &["keep-alive", "close"], false),
            (Version::HTTP_11, &["closed"], true),
            (Version::HTTP_10, &[], false),
            (Version::HTTP_10, &["Keep-Alive"], true),
            (Version::HTTP_10, &["keep-alive, close"], false),
        ] {
            let given: Vec<_> = values.iter().map(|value| ("Connection", *value)).collect();
            assert_eq!(persists(version, &fields(&given)), lives, "{version:?} {values:?}");
        }
    }

    #[test]
    fn lengths_are_dropped_whatever_their_spelling() {
        let mut given = fields(&[("Content-Length", "5"), ("A", "1"), ("content-length", "nonsense")]);
        assert!(drop_length(&mut given));
        assert_eq!(given, fields(&[("A", "1")]));
        assert!(!drop_length(&mut given));
    }

    #[test]
    fn values_come_in_their_order() {
        let given = fields(&[("a", "1"), ("B", "2"), ("A", "3")]);
        assert_eq!(values(&given, b"a").collect::<Vec<_>>(), ["1", "3"]);
    }
}
