//! A chunked body and what follows it on the connection, from callers and providers. Input: the bytes.

#![no_main]

use std::num::NonZeroUsize;

use bytes::{Bytes, BytesMut};
use libfuzzer_sys::fuzz_target;
use passthrough_http1::Field;
use passthrough_http1::body::{BodyError, CHUNK_END, Decoder, Piece, chunk_head, last_chunk};
use passthrough_http1::framing::BodyLength;

#[derive(Debug, Default, PartialEq)]
struct Decoded {
    data: Vec<u8>,
    trailers: Vec<Field>,
    rest: Option<Vec<u8>>,
    error: Option<BodyError>,
}

fuzz_target!(|data: &[u8]| {
    let decoded = decode(data, data.len());
    assert!(decoded == decode(data, 1), "a drip is read differently");
    assert!(decoded.data.len() <= data.len(), "more came out than went in");
    let Some(rest) = &decoded.rest else { return };
    assert!(data.ends_with(rest), "what follows a body is not touched");

    let mut written = BytesMut::new();
    if let Some(length) = NonZeroUsize::new(decoded.data.len()) {
        chunk_head(length, &mut written);
        written.extend_from_slice(&decoded.data);
        written.extend_from_slice(CHUNK_END);
    }
    last_chunk(&decoded.trailers, &mut written).expect("what was read can be written");
    written.extend_from_slice(rest);
    assert!(decode(&written, written.len()) == decoded, "what is written reads the same");
});

fn decode(data: &[u8], read: usize) -> Decoded {
    let (mut decoder, mut buf) = (Decoder::new(BodyLength::Chunked), BytesMut::new());
    let mut decoded = Decoded::default();
    for part in data.chunks(read.max(1)) {
        buf.extend_from_slice(part);
        loop {
            match decoder.decode(&mut buf) {
                Ok(Piece::Data(piece)) => append(&mut decoded.data, &piece),
                Ok(Piece::Trailers(trailers)) => decoded.trailers = trailers,
                Ok(Piece::More | Piece::End) => break,
                Err(error) => return Decoded { error: Some(error), ..decoded },
            }
        }
    }
    assert_eq!(decoder.at_eof().is_ok(), decoder.is_done(), "only a whole body ends well");
    decoded.rest = decoder.is_done().then(|| buf.to_vec());
    decoded
}

fn append(data: &mut Vec<u8>, piece: &Bytes) {
    assert!(!piece.is_empty(), "a piece of data has data");
    data.extend_from_slice(piece);
}
