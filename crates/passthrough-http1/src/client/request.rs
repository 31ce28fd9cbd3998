//! The head of a request, with framing that is ours alone.

use bytes::BytesMut;
use http::Method;

use crate::framing::BodyLength;
use crate::head::{Unwritable, write_field, write_request_line};

/// Room for an ordinary head.
const ROOM: usize = 1024;

/// What [`Connection::begin`] writes at the front of a request.
#[derive(Debug, Clone, Copy)]
pub struct FirstLine<'a> {
    /// The method.
    pub method: &'a Method,
    /// The target, written byte for byte.
    pub target: &'a [u8],
    /// Whether the fields ask for another protocol, so that a 101 is an answer.
    pub upgrade: bool,
}

/// Appends the whole head. After an error half of it is there.
pub(super) fn write_head<'a>(
    out: &mut BytesMut,
    line: FirstLine<'_>,
    fields: impl IntoIterator<Item = (&'a [u8], &'a [u8])>,
    length: BodyLength,
) -> Result<(), Unwritable> {
    out.reserve(ROOM);
    write_request_line(out, line.method, line.target)?;
    for (name, value) in fields {
        if !is_framing(name) {
            write_field(out, name, value)?;
        }
    }
    match length {
        BodyLength::None | BodyLength::UntilClose => {}
        BodyLength::Exact(length) => write_field(out, b"content-length", length.to_string().as_bytes())?,
        BodyLength::Chunked => write_field(out, b"transfer-encoding", b"chunked")?,
    }
    out.extend_from_slice(b"\r\n");
    Ok(())
}

fn is_framing(name: &[u8]) -> bool {
    name.eq_ignore_ascii_case(b"content-length") || name.eq_ignore_ascii_case(b"transfer-encoding")
}
