//! Heads, framing and bodies as whole programs meet them: made-up bytes, and the inputs by which requests and
//! answers are smuggled.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "in a test, a broken precondition is a failure with its reason"
)]

mod body;
mod head;
mod server;
mod smuggling;

use bytes::{Bytes, BytesMut};
use passthrough_http1::Field;
use passthrough_http1::body::{BodyError, Decoder, Piece};
use passthrough_http1::framing::BodyLength;
use passthrough_http1::head::Limits;

const LIMITS: Limits = Limits { bytes: 64 * 1024, fields: 100 };

fn field(name: &str, value: &str) -> Field {
    (Bytes::copy_from_slice(name.as_bytes()), Bytes::copy_from_slice(value.as_bytes()))
}

/// What a decoder made of a body, whatever pieces it came in.
#[derive(Debug, Default, PartialEq, Eq)]
struct Decoded {
    data: Vec<u8>,
    trailers: Vec<Field>,
    /// Bytes that belong to the next message; `None` as long as the body is not complete.
    rest: Option<Vec<u8>>,
    error: Option<BodyError>,
}

/// Feeds `bytes` to a decoder in reads of the given lengths, and the remainder in one.
fn decode(length: BodyLength, bytes: &[u8], reads: &[usize]) -> Decoded {
    let (mut decoder, mut buf, mut decoded) = (Decoder::new(length), BytesMut::new(), Decoded::default());
    for read in split(bytes, reads) {
        buf.extend_from_slice(read);
        loop {
            match decoder.decode(&mut buf) {
                Ok(Piece::Data(data)) => {
                    assert!(!data.is_empty(), "a piece of data has data");
                    decoded.data.extend_from_slice(&data);
                }
                Ok(Piece::Trailers(trailers)) => {
                    assert!(!trailers.is_empty(), "trailers are some");
                    decoded.trailers = trailers;
                }
                Ok(Piece::More) => break assert!(!decoder.is_done()),
                Ok(Piece::End) => break assert!(decoder.is_done()),
                Err(error) => return Decoded { error: Some(error), ..decoded },
            }
        }
    }
    if decoder.is_done() {
        decoded.rest = Some(buf.to_vec());
    }
    decoded
}

/// Cuts bytes into reads of the given lengths; the last one takes what is left.
fn split<'a>(bytes: &'a [u8], reads: &[usize]) -> Vec<&'a [u8]> {
    let mut left = bytes;
    let mut parts = Vec::new();
    for length in reads {
        let (part, rest) = left.split_at((*length).min(left.len()));
        parts.push(part);
        left = rest;
    }
    parts.push(left);
    parts
}
