//! Reads heads out of a buffer that fills as bytes arrive. Every byte is looked at twice at most: once for the
//! end of its line, and once by the parser when the empty line is there.

use bytes::{Buf, Bytes, BytesMut};
use http::{Method, StatusCode, Version};
use httparse::{EMPTY_HEADER, Header, Status};
use memchr::{memchr, memchr_iter};

use super::{HeadError, Limits, RequestHead, ResponseHead, is_target, is_text, is_token_byte};
use crate::Field;

/// What HTTP/2 begins with (RFC 9113 §3.4).
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Empty lines before a request line that are read over (RFC 9112 §2.2), per request.
const MAX_EMPTY_LINES: u8 = 4;

/// Fields that those who pass a head on mostly add: room for them saves a copy of all the others.
const ADDED: usize = 4;
/// Heads with more fields than this are parsed on the heap.
const ON_STACK: usize = 32;

/// Whether a connection begins as HTTP/2 does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Preface {
    /// It does. The bytes are still in the buffer.
    Yes,
    /// It cannot be said yet: read more.
    Partial,
    /// It does not.
    No,
}

/// Compares the first bytes of a connection with the preface of HTTP/2 (RFC 9113 §3.4).
#[must_use]
pub fn preface(buf: &[u8]) -> Preface {
    if buf.starts_with(PREFACE) {
        Preface::Yes
    } else if PREFACE.starts_with(buf) {
        Preface::Partial
    } else {
        Preface::No
    }
}

/// Reads one head after the other from the same buffer, and remembers between reads how far it has looked: a
/// head that drips in byte by byte costs no more than one that comes at once.
///
/// Between two calls the buffer may only grow at its end, unless a call returned a head.
#[derive(Debug, Default)]
pub struct HeadReader {
    section: Section,
    empty_lines: u8,
}

impl HeadReader {
    /// A reader at the beginning of a connection.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the head of a request from the front of `buf`, or `None` when more bytes are needed.
    ///
    /// # Errors
    ///
    /// [`HeadError`]; the connection cannot be read any further.
    pub fn read_request(
        &mut self,
        buf: &mut BytesMut,
        limits: &Limits,
    ) -> Result<Option<RequestHead>, HeadError> {
        self.skip_empty_lines(buf)?;
        match buf.first() {
            None | Some(b'\r') => return Ok(None),
            // A TLS handshake on the wrong port is refused now and not when its caller has given up.
            Some(byte) if !is_token_byte(*byte) => {
                return Err(HeadError::Malformed("no method at the beginning"));
            }
            Some(_) => {}
        }
        let Some(found) = self.section.find(buf, limits, 1, true)? else { return Ok(None) };
        self.empty_lines = 0;
        let head = buf.split_to(found.bytes).freeze();
        let (line, fields_at) = first_line(&head);
        let (method, target, version) = parse_request_line(line)?;
        let target = head.slice_ref(target);
        let fields = parse_fields(&head, fields_at, found.lines - 1)?;
        Ok(Some(RequestHead { method, target, version, fields }))
    }

    /// Takes the head of an answer from the front of `buf`, or `None` when more bytes are needed.
    ///
    /// # Errors
    ///
    /// [`HeadError`]; the connection cannot be read any further.
    pub fn read_response(
        &mut self,
        buf: &mut BytesMut,
        limits: &Limits,
    ) -> Result<Option<ResponseHead>, HeadError> {
        begins_like_an_answer(buf)?;
        let Some(found) = self.section.find(buf, limits, 1, false)? else { return Ok(None) };
        let head = buf.split_to(found.bytes).freeze();
        let (line, fields_at) = first_line(&head);
        let (version, status, reason) = parse_status_line(line)?;
        let reason = head.slice_ref(reason);
        let fields = parse_fields(&head, fields_at, found.lines - 1)?;
        Ok(Some(ResponseHead { version, status, reason, fields, odd: found.bare }))
    }

    fn skip_empty_lines(&mut self, buf: &mut BytesMut) -> Result<(), HeadError> {
        while buf.first() == Some(&b'\r') {
            match buf.get(1) {
                None => return Ok(()),
                Some(b'\n') if self.empty_lines < MAX_EMPTY_LINES => buf.advance(2),
                Some(b'\n') => return Err(HeadError::Malformed("too many empty lines")),
                Some(_) => return Err(HeadError::Malformed("carriage return without line feed")),
            }
            self.empty_lines += 1;
        }
        Ok(())
    }
}

/// The search for the empty line that ends a head or a trailer section.
#[derive(Debug, Default)]
pub(crate) struct Section {
    searched: usize,
    line_at: usize,
    lines: usize,
    bare: bool,
}

/// A whole section at the front of a buffer.
#[derive(Debug)]
pub(crate) struct Found {
    /// Its bytes, the empty line included.
    pub bytes: usize,
    /// Its lines, without the empty one.
    pub lines: usize,
    /// Whether a line ended in a bare line feed.
    pub bare: bool,
}

impl Section {
    /// Looks at the bytes that have come since the last call. `first_lines` are the lines that are no fields.
    pub(crate) fn find(
        &mut self,
        buf: &[u8],
        limits: &Limits,
        first_lines: usize,
        strict: bool,
    ) -> Result<Option<Found>, HeadError> {
        let window = &buf[..buf.len().min(limits.bytes)];
        let from = self.searched.min(window.len());
        for at in memchr_iter(b'\n', &window[from..]) {
            let mut line = &window[self.line_at..from + at];
            if let Some(text) = line.strip_suffix(b"\r") {
                line = text;
            } else if strict {
                // Where one program ends a line at a bare line feed and the other does not, the second sees
                // fields that the first did not check.
                return Err(HeadError::Malformed("line feed without carriage return"));
            } else {
                self.bare = true;
            }
            self.line_at = from + at + 1;
            if line.is_empty() {
                let Self { line_at: bytes, lines, bare, .. } = std::mem::take(self);
                return Ok(Some(Found { bytes, lines, bare }));
            }
            self.lines += 1;
            if self.lines > limits.fields.saturating_add(first_lines) {
                return Err(HeadError::TooMany);
            }
        }
        self.searched = window.len();
        if window.len() == limits.bytes { Err(HeadError::TooLarge) } else { Ok(None) }
    }
}

/// The first line without its end, and where the next one begins.
fn first_line(head: &[u8]) -> (&[u8], usize) {
    let end = memchr(b'\n', head).unwrap_or(head.len());
    let line = &head[..end];
    (line.strip_suffix(b"\r").unwrap_or(line), (end + 1).min(head.len()))
}

fn parse_request_line(line: &[u8]) -> Result<(Method, &[u8], Version), HeadError> {
    let (method, rest) = split_at_space(line).ok_or(HeadError::Malformed("no target"))?;
    let (target, version) = split_at_space(rest).ok_or(HeadError::Malformed("no version"))?;
    let method = Method::from_bytes(method).map_err(|_| HeadError::Malformed("the method is no token"))?;
    let version = parse_version(version)?;
    if !is_target(target) {
        return Err(HeadError::Malformed("the target is empty or has a control character"));
    }
    Ok((method, target, version))
}

fn parse_status_line(line: &[u8]) -> Result<(Version, StatusCode, &[u8]), HeadError> {
    let (version, rest) = split_at_space(line).ok_or(HeadError::Malformed("no status"))?;
    let version = parse_version(version)?;
    let (status, reason) = match split_at_space(rest) {
        Some(parts) => parts,
        // The space before an empty phrase is forgotten often, and harmlessly.
        None => (rest, &rest[rest.len()..]),
    };
    let status =
        StatusCode::from_bytes(status).map_err(|_| HeadError::Malformed("the status is no status"))?;
    if !is_text(reason) {
        return Err(HeadError::Malformed("a control character in the reason phrase"));
    }
    Ok((version, status, reason))
}

fn begins_like_an_answer(buf: &[u8]) -> Result<(), HeadError> {
    const BEGINNING: &[u8] = b"HTTP/1.";
    let (buf, beginning) = (&buf[..buf.len().min(7)], &BEGINNING[..buf.len().min(7)]);
    if buf == beginning {
        Ok(())
    } else if buf.starts_with(b"HTTP/") {
        Err(HeadError::Version)
    } else {
        Err(HeadError::Malformed("an answer does not begin so"))
    }
}

fn parse_version(bytes: &[u8]) -> Result<Version, HeadError> {
    match bytes {
        b"HTTP/1.1" => Ok(Version::HTTP_11),
        b"HTTP/1.0" => Ok(Version::HTTP_10),
        [b'H', b'T', b'T', b'P', b'/', major, b'.', minor]
            if major.is_ascii_digit() && minor.is_ascii_digit() =>
        {
            Err(HeadError::Version)
        }
        _ => Err(HeadError::Malformed("the version is no version")),
    }
}

fn split_at_space(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
    memchr(b' ', bytes).map(|at| (&bytes[..at], &bytes[at + 1..]))
}

/// The fields of a section from `at` to its end, which is an empty line. Names and values are slices of it.
pub(crate) fn parse_fields(section: &Bytes, at: usize, lines: usize) -> Result<Vec<Field>, HeadError> {
    if lines <= ON_STACK {
        parse_fields_into(section, at, &mut [EMPTY_HEADER; ON_STACK][..lines])
    } else {
        parse_fields_into(section, at, &mut vec![EMPTY_HEADER; lines])
    }
}

fn parse_fields_into<'a>(
    section: &'a Bytes,
    at: usize,
    room: &mut [Header<'a>],
) -> Result<Vec<Field>, HeadError> {
    let (end, parsed) = match httparse::parse_headers(&section[at..], room) {
        Ok(Status::Complete(complete)) => complete,
        Ok(Status::Partial) => return Err(HeadError::Malformed("the fields do not end")),
        Err(httparse::Error::HeaderName) => return Err(HeadError::Malformed("a field name is no token")),
        Err(httparse::Error::HeaderValue) => {
            return Err(HeadError::Malformed("a control character in a field value"));
        }
        Err(httparse::Error::TooManyHeaders) => return Err(HeadError::TooMany),
        Err(_) => return Err(HeadError::Malformed("a line does not end as lines do")),
    };
    if at + end != section.len() {
        // Two searches for the end that disagree would be a smuggler's door of our own making.
        return Err(HeadError::Malformed("the fields end early"));
    }
    let slice = |bytes: &[u8]| section.slice_ref(bytes);
    let mut fields = Vec::with_capacity(parsed.len() + ADDED);
    fields.extend(parsed.iter().map(|field| (slice(field.name.as_bytes()), slice(field.value))));
    Ok(fields)
}
