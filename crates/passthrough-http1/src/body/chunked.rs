//! The chunked transfer coding, strictly (RFC 9112 §7.1).
//!
//! Sizes that one program reads and another does not, and line ends that only some accept, let the two see
//! different bodies. So there is one spelling: hexadecimal digits, and carriage return with line feed.

use std::num::NonZeroUsize;

use bytes::{Buf, BufMut, BytesMut};
use memchr::memchr;

use super::{BodyError, Piece, take};
use crate::Field;
use crate::head::{Limits, Section, Unwritable, is_text, parse_fields, write_fields};

/// What trailers may come to.
pub const TRAILER_LIMITS: Limits = Limits { bytes: 64 * 1024, fields: 100 };

/// What follows the data of a chunk.
pub const CHUNK_END: &[u8] = b"\r\n";

/// Digits of a size: those of 64 bits.
const MAX_DIGITS: usize = 16;

/// Bytes of the line before a chunk, its end included.
const MAX_LINE: usize = 4 * 1024;

/// Bytes by which extensions may outweigh the data that they come with. A sender that signs every chunk may do
/// so for ever; one that keeps a reader busy without giving it data may not.
const MAX_EXTENSIONS: u64 = 64 * 1024;

/// A chunked body that is being read.
#[derive(Debug, Default)]
pub(super) struct Chunked {
    at: At,
    /// Bytes of extensions that no data has made up for.
    extensions: u64,
}

#[derive(Debug)]
enum At {
    /// The line before a chunk, of which so many bytes have no line feed.
    Size(usize),
    /// The data of a chunk, of which so many bytes are to come.
    Data(u64),
    /// The line end after the data.
    DataEnd,
    /// After the last chunk.
    Trailers(Section),
}

impl Default for At {
    fn default() -> Self {
        Self::Size(0)
    }
}

impl Chunked {
    pub(super) fn decode(&mut self, buf: &mut BytesMut) -> Result<Piece, BodyError> {
        loop {
            match &mut self.at {
                At::Size(searched) => {
                    let window = &buf[..buf.len().min(MAX_LINE)];
                    let from = (*searched).min(window.len());
                    let Some(end) = memchr(b'\n', &window[from..]).map(|at| from + at) else {
                        *searched = window.len();
                        return if window.len() == MAX_LINE {
                            Err(BodyError::Extensions)
                        } else {
                            Ok(Piece::More)
                        };
                    };
                    let (size, extensions) = parse_size_line(&window[..end])?;
                    buf.advance(end + 1);
                    self.weigh(size, extensions)?;
                    self.at = if size == 0 { At::Trailers(Section::default()) } else { At::Data(size) };
                }
                At::Data(0) => self.at = At::DataEnd,
                At::Data(left) => return Ok(take(buf, left)),
                At::DataEnd => match (buf.first(), buf.get(1)) {
                    (Some(b'\r'), Some(b'\n')) => {
                        buf.advance(2);
                        self.at = At::Size(0);
                    }
                    (None, _) | (Some(b'\r'), None) => return Ok(Piece::More),
                    // A chunk that is longer than its size says would be read on as the next size.
                    _ => return Err(BodyError::Malformed("a chunk does not end where its size says")),
                },
                At::Trailers(section) => return decode_trailers(section, buf),
            }
        }
    }

    fn weigh(&mut self, size: u64, extensions: usize) -> Result<(), BodyError> {
        self.extensions = self.extensions.saturating_add(extensions as u64).saturating_sub(size);
        if self.extensions > MAX_EXTENSIONS { Err(BodyError::Extensions) } else { Ok(()) }
    }
}

fn decode_trailers(section: &mut Section, buf: &mut BytesMut) -> Result<Piece, BodyError> {
    let found = section.find(buf, &TRAILER_LIMITS, 0, true).map_err(BodyError::Trailers)?;
    let Some(found) = found else { return Ok(Piece::More) };
    if found.lines == 0 {
        buf.advance(found.bytes);
        return Ok(Piece::End);
    }
    let trailers = buf.split_to(found.bytes).freeze();
    parse_fields(&trailers, 0, found.lines).map(Piece::Trailers).map_err(BodyError::Trailers)
}

/// The size, and how many bytes follow it on the line (without its line feed).
fn parse_size_line(line: &[u8]) -> Result<(u64, usize), BodyError> {
    let line = line.strip_suffix(b"\r").ok_or(BodyError::Malformed("line feed without carriage return"))?;
    let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
    if digits == 0 || digits > MAX_DIGITS {
        return Err(BodyError::Malformed("a chunk size is not 1 to 16 hexadecimal digits"));
    }
    let (size, extensions) = line.split_at(digits);
    // White space may stand before the semicolon, but not instead of it (RFC 9112 §7.1.1).
    let begins = extensions.iter().find(|byte| !matches!(byte, b' ' | b'\t'));
    if !(extensions.is_empty() || begins == Some(&b';')) {
        return Err(BodyError::Malformed("something else than an extension follows a chunk size"));
    }
    if !is_text(extensions) {
        return Err(BodyError::Malformed("a control character in a chunk extension"));
    }
    let size = size.iter().fold(0, |size, byte| size << 4 | u64::from(hex_digit(*byte)));
    Ok((size, extensions.len()))
}

fn hex_digit(byte: u8) -> u8 {
    match byte {
        b'0'..=b'9' => byte - b'0',
        _ => (byte | 0x20) - b'a' + 10,
    }
}

/// Appends the line before a chunk of `length` bytes; the data and [`CHUNK_END`] follow. There is no chunk
/// without data: it would end the body and make a cut-off one look complete.
pub fn chunk_head(length: NonZeroUsize, out: &mut BytesMut) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let length = length.get();
    let digits = (usize::BITS - length.leading_zeros()).div_ceil(4);
    for at in (0..digits).rev() {
        out.put_u8(DIGITS[length >> (4 * at) & 0xf]);
    }
    out.put_slice(b"\r\n");
}

/// Appends the last chunk and the trailers, which end the body.
///
/// # Errors
///
/// [`Unwritable`]; `out` is as it was.
pub fn last_chunk(trailers: &[Field], out: &mut BytesMut) -> Result<(), Unwritable> {
    let before = out.len();
    out.put_slice(b"0\r\n");
    write_fields(out, trailers).inspect_err(|_| out.truncate(before))?;
    out.put_slice(b"\r\n");
    Ok(())
}
