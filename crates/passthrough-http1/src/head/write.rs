//! Writes heads. Nothing is added and nothing is changed; what would break the message apart is refused.

use bytes::{BufMut, BytesMut};
use http::{Method, StatusCode};

use super::{is_target, is_text, is_token_byte};
use crate::Field;

/// What cannot be written without changing what the message says: a line break in a value would begin a field,
/// or a message, of the value's author (RFC 9110 §5.5). Nothing was written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unwritable {
    /// The target is empty or has white space or a control character.
    #[error("the request target cannot be written: it is empty or has white space or a control character")]
    Target,
    /// The reason phrase has a control character.
    #[error("the reason phrase cannot be written: it has a control character")]
    Reason,
    /// A name is no token (RFC 9110 §5.6.2).
    #[error("a field name cannot be written: it is no token")]
    Name,
    /// A value has a control character other than the tab.
    #[error("a field value cannot be written: it has a control character")]
    Value,
}

/// Appends a whole head of a request: first line, fields and the empty line.
///
/// # Errors
///
/// [`Unwritable`]; `out` is as it was.
pub fn write_request(
    out: &mut BytesMut,
    method: &Method,
    target: &[u8],
    fields: &[Field],
) -> Result<(), Unwritable> {
    out.reserve(method.as_str().len() + target.len() + 14 + size(fields));
    all_or_nothing(out, |out| {
        write_request_line(out, method, target)?;
        write_fields(out, fields)?;
        out.put_slice(b"\r\n");
        Ok(())
    })
}

/// Appends a whole head of an answer in HTTP/1.1: first line, fields and the empty line.
///
/// # Errors
///
/// [`Unwritable`]; `out` is as it was.
pub fn write_response(
    out: &mut BytesMut,
    status: StatusCode,
    reason: &[u8],
    fields: &[Field],
) -> Result<(), Unwritable> {
    out.reserve(reason.len() + 17 + size(fields));
    all_or_nothing(out, |out| {
        write_status_line(out, status, reason)?;
        write_fields(out, fields)?;
        out.put_slice(b"\r\n");
        Ok(())
    })
}

/// Appends `METHOD target HTTP/1.1` and its line end, for heads that are written piece by piece.
///
/// # Errors
///
/// [`Unwritable::Target`]; `out` is as it was.
pub fn write_request_line(out: &mut BytesMut, method: &Method, target: &[u8]) -> Result<(), Unwritable> {
    if !is_target(target) {
        return Err(Unwritable::Target);
    }
    out.put_slice(method.as_str().as_bytes());
    out.put_u8(b' ');
    out.put_slice(target);
    out.put_slice(b" HTTP/1.1\r\n");
    Ok(())
}

/// Appends `HTTP/1.1 status reason` and its line end; an empty phrase keeps the space before it (RFC 9112 §4).
///
/// # Errors
///
/// [`Unwritable::Reason`]; `out` is as it was.
pub fn write_status_line(out: &mut BytesMut, status: StatusCode, reason: &[u8]) -> Result<(), Unwritable> {
    if !is_text(reason) {
        return Err(Unwritable::Reason);
    }
    out.put_slice(b"HTTP/1.1 ");
    out.put_slice(status.as_str().as_bytes());
    out.put_u8(b' ');
    out.put_slice(reason);
    out.put_slice(b"\r\n");
    Ok(())
}

/// Appends the lines of fields, without an empty line after them.
///
/// # Errors
///
/// [`Unwritable`]; `out` is as it was.
pub fn write_fields(out: &mut BytesMut, fields: &[Field]) -> Result<(), Unwritable> {
    all_or_nothing(out, |out| fields.iter().try_for_each(|(name, value)| write_field(out, name, value)))
}

/// Appends the line of one field.
///
/// # Errors
///
/// [`Unwritable`]; `out` is as it was.
pub fn write_field(out: &mut BytesMut, name: &[u8], value: &[u8]) -> Result<(), Unwritable> {
    if name.is_empty() || !name.iter().all(|byte| is_token_byte(*byte)) {
        return Err(Unwritable::Name);
    }
    if !is_text(value) {
        return Err(Unwritable::Value);
    }
    // Room for all of it at once: four pieces that each look for room cost three times as much.
    let line = grown(out, name.len() + value.len() + 4);
    let (before, rest) = line.split_at_mut(name.len());
    before.copy_from_slice(name);
    let (between, rest) = rest.split_at_mut(2);
    between.copy_from_slice(b": ");
    let (after, end) = rest.split_at_mut(value.len());
    after.copy_from_slice(value);
    end.copy_from_slice(b"\r\n");
    Ok(())
}

/// So many bytes more at the end, to be written to.
fn grown(out: &mut BytesMut, by: usize) -> &mut [u8] {
    let before = out.len();
    out.resize(before + by, 0);
    &mut out[before..]
}

/// Half a head must never be sent with what is written next.
fn all_or_nothing(
    out: &mut BytesMut,
    write: impl FnOnce(&mut BytesMut) -> Result<(), Unwritable>,
) -> Result<(), Unwritable> {
    let before = out.len();
    write(out).inspect_err(|_| out.truncate(before))
}

fn size(fields: &[Field]) -> usize {
    fields.iter().map(|(name, value)| name.len() + value.len() + 4).sum()
}
