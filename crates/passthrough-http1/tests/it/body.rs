//! Bodies, decoded and encoded.

use std::num::NonZeroUsize;

use bytes::BytesMut;
use passthrough_http1::Field;
use passthrough_http1::body::{BodyError, CHUNK_END, Decoder, Piece, chunk_head, last_chunk};
use passthrough_http1::framing::BodyLength;
use passthrough_http1::head::{HeadError, Unwritable};
use proptest::prelude::*;

use super::{Decoded, decode, field};

fn chunked(bytes: &[u8]) -> Decoded {
    decode(BodyLength::Chunked, bytes, &[])
}

fn encode(chunks: &[Vec<u8>], trailers: &[Field]) -> BytesMut {
    let mut out = BytesMut::new();
    for chunk in chunks {
        chunk_head(NonZeroUsize::new(chunk.len()).unwrap(), &mut out);
        out.extend_from_slice(chunk);
        out.extend_from_slice(CHUNK_END);
    }
    last_chunk(trailers, &mut out).unwrap();
    out
}

#[test]
fn a_length_is_counted_down() {
    let mut decoder = Decoder::new(BodyLength::Exact(5));
    let mut buf = BytesMut::from("abc");
    assert_eq!(decoder.decode(&mut buf), Ok(Piece::Data("abc".into())));
    assert_eq!((decoder.remaining(), decoder.is_done()), (Some(2), false));
    assert_eq!(decoder.decode(&mut buf), Ok(Piece::More));
    assert_eq!(decoder.at_eof(), Err(BodyError::CutShort));
    buf.extend_from_slice(b"deNEXT");
    assert_eq!(decoder.decode(&mut buf), Ok(Piece::Data("de".into())));
    assert_eq!((decoder.remaining(), decoder.is_done()), (Some(0), true), "known without another call");
    assert_eq!(decoder.decode(&mut buf), Ok(Piece::End));
    assert_eq!(decoder.at_eof(), Ok(()));
    assert_eq!(buf, "NEXT");
}

#[test]
fn no_body_takes_no_bytes() {
    for length in [BodyLength::None, BodyLength::Exact(0)] {
        assert!(Decoder::new(length).is_done());
        let rest = Some(b"NEXT".to_vec());
        assert_eq!(decode(length, b"NEXT", &[]), Decoded { rest, ..Decoded::default() });
    }
}

#[test]
fn until_close_ends_with_the_connection_only() {
    let mut decoder = Decoder::new(BodyLength::UntilClose);
    let mut buf = BytesMut::from("abc");
    assert_eq!(decoder.decode(&mut buf), Ok(Piece::Data("abc".into())));
    assert_eq!(decoder.decode(&mut buf), Ok(Piece::More));
    assert_eq!((decoder.remaining(), decoder.is_done()), (None, false));
    assert_eq!(decoder.at_eof(), Ok(()));
    assert_eq!(decoder.decode(&mut buf), Ok(Piece::End));
}

#[test]
fn a_chunked_body_cut_anywhere_is_cut_short() {
    let whole = b"5;a=b\r\nhello\r\nA\r\n0123456789\r\n0\r\nT: 1\r\nU: 2\r\n\r\n";
    for end in 0..whole.len() {
        let (mut decoder, mut buf) = (Decoder::new(BodyLength::Chunked), BytesMut::from(&whole[..end]));
        while !matches!(decoder.decode(&mut buf), Ok(Piece::More)) {}
        assert_eq!((decoder.at_eof(), decoder.is_done()), (Err(BodyError::CutShort), false), "{end}");
    }
    let decoded = chunked(whole);
    assert_eq!(decoded.data, b"hello0123456789");
    assert_eq!(decoded.trailers, [field("T", "1"), field("U", "2")]);
    assert_eq!(decoded.rest, Some(Vec::new()));
}

#[test]
fn a_part_of_a_chunk_is_given_out_at_once() {
    let (mut decoder, mut buf) =
        (Decoder::new(BodyLength::Chunked), BytesMut::from("ffffffffffffffff\r\nab"));
    let range = buf.as_ptr_range();
    let Ok(Piece::Data(data)) = decoder.decode(&mut buf) else { panic!("data is there") };
    assert_eq!(data, "ab");
    assert!(range.contains(&data.as_ptr()), "a copy was made");
    assert_eq!(decoder.decode(&mut buf), Ok(Piece::More));
}

#[test]
fn extensions_are_bounded_by_line_and_in_all() {
    let one = |extension: usize| format!("1;{}\r\n", "x".repeat(extension - 1));
    // The line has its digit and its end, too.
    assert_eq!(chunked(one(4096 - 3).as_bytes()).error, None);
    assert_eq!(chunked(one(4096 - 2).as_bytes()).error, Some(BodyError::Extensions));
    assert_eq!(chunked(&[b'1'; 4096]).error, Some(BodyError::Extensions));
    let flood = |count: usize, data: usize| {
        format!("{data:x};{}\r\n{}\r\n", "x".repeat(999), "d".repeat(data)).repeat(count)
    };
    // 65 times 999 bytes that no data makes up for, and then as many as 64 KiB leave room for.
    let and_then = |extension: usize| chunked((flood(65, 1) + &one(extension)).as_bytes()).error;
    assert_eq!(and_then(602), None);
    assert_eq!(and_then(603), Some(BodyError::Extensions));
    assert_eq!(chunked(flood(300, 1000).as_bytes()).error, None, "data makes up for them");
}

#[test]
fn trailers_are_bounded() {
    let body = |fields: usize, value: usize| {
        format!("0\r\n{}\r\n", format!("T: {}\r\n", "v".repeat(value)).repeat(fields))
    };
    assert_eq!(chunked(body(100, 1).as_bytes()).trailers.len(), 100);
    assert_eq!(chunked(body(101, 1).as_bytes()).error, Some(BodyError::Trailers(HeadError::TooMany)));
    assert_eq!(chunked(body(1, 65_529).as_bytes()).error, None);
    assert_eq!(chunked(body(1, 65_530).as_bytes()).error, Some(BodyError::Trailers(HeadError::TooLarge)));
}

#[test]
fn chunks_are_written_in_hexadecimal() {
    for (length, head) in [(1, "1\r\n"), (15, "f\r\n"), (16, "10\r\n"), (0x00ab_cdef, "abcdef\r\n")] {
        let mut out = BytesMut::new();
        chunk_head(NonZeroUsize::new(length).unwrap(), &mut out);
        assert_eq!(out, head);
    }
    let mut out = BytesMut::new();
    chunk_head(NonZeroUsize::MAX, &mut out);
    assert_eq!(out, format!("{:x}\r\n", usize::MAX));
}

#[test]
fn trailers_that_would_break_a_message_apart_are_not_written() {
    let mut out = BytesMut::from("before");
    assert_eq!(last_chunk(&[field("A", "1"), field("B", "1\r\n")], &mut out), Err(Unwritable::Value));
    assert_eq!(out, "before");
    last_chunk(&[field("A", "1")], &mut out).unwrap();
    assert_eq!(out, "before0\r\nA: 1\r\n\r\n");
}

/// Another reading of RFC 9112 §7.1, over the whole text and without a thought for speed. `None`: not one whole
/// body without extensions.
fn model(mut text: &[u8]) -> Option<(Vec<u8>, usize, Vec<u8>)> {
    let mut data = Vec::new();
    let mut line = || -> Option<Vec<u8>> {
        let end = text.windows(2).position(|pair| pair == b"\r\n")?;
        let line = text[..end].to_vec();
        text = &text[end + 2..];
        Some(line)
    };
    let mut pending: Option<usize> = None;
    loop {
        let next = line()?;
        if let Some(size) = pending.take() {
            // The data of a chunk may hold line ends, so lines are joined again until it is long enough.
            let mut chunk = next;
            while chunk.len() < size {
                chunk.extend_from_slice(b"\r\n");
                chunk.extend_from_slice(&line()?);
            }
            if chunk.len() != size {
                return None;
            }
            data.extend_from_slice(&chunk);
            continue;
        }
        let digits = std::str::from_utf8(&next).ok()?;
        if digits.starts_with('+') || digits.len() > 16 {
            return None;
        }
        match usize::from_str_radix(digits, 16).ok()? {
            0 => break,
            size => pending = Some(size),
        }
    }
    let mut trailers = 0;
    loop {
        let next = line()?;
        if next.is_empty() {
            break;
        }
        let (name, value) = std::str::from_utf8(&next).ok()?.split_once(':')?;
        let token = |c: char| c.is_ascii_alphanumeric();
        if name.is_empty() || !name.chars().all(token) || value.contains(['\r', '\n']) {
            return None;
        }
        trailers += 1;
    }
    Some((data, trailers, text.to_vec()))
}

/// Bytes of which chunked bodies are made, put together in any order.
fn chunked_like() -> impl Strategy<Value = Vec<u8>> {
    let part = prop_oneof![
        6 => (proptest::collection::vec(proptest::sample::select(b"a\r\n0".to_vec()), 1..6))
            .prop_map(|data| [format!("{:x}\r\n", data.len()).as_bytes(), &data, b"\r\n"].concat()),
        2 => proptest::sample::select(vec![
            &b"0\r\n\r\n"[..], b"0\r\nT: 1\r\n\r\n", b"T: 1\r\n", b"\r\n", b"\n", b"\r", b"1", b"+1", b"-", b":",
            b"0x1\r\n", b"1 \r\n", b"00000000000000001\r\n", b"ab",
        ]).prop_map(<[u8]>::to_vec),
    ];
    (proptest::collection::vec(part, 0..6), any::<bool>())
        .prop_map(|(parts, ended)| [&parts.concat()[..], if ended { b"0\r\n\r\nX" } else { b"" }].concat())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn the_decoder_reads_what_the_model_reads(bytes in chunked_like()) {
        let decoded = chunked(&bytes);
        let read = decoded.rest.map(|rest| (decoded.data, decoded.trailers.len(), rest));
        prop_assert_eq!(read, model(&bytes));
    }

    #[test]
    fn however_a_body_arrives_it_reads_the_same(
        bytes in chunked_like(),
        reads in proptest::collection::vec(0_usize..6, 0..64),
        length in 0_u64..40,
    ) {
        for length in [BodyLength::Chunked, BodyLength::Exact(length), BodyLength::UntilClose, BodyLength::None] {
            prop_assert_eq!(decode(length, &bytes, &reads), decode(length, &bytes, &[]));
        }
    }

    #[test]
    fn what_was_encoded_is_decoded(
        chunks in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 1..300), 0..8),
        trailers in proptest::collection::vec(("[A-Za-z-]{1,9}", "([!-~]{1,9})?"), 0..4),
        reads in proptest::collection::vec(1_usize..80, 0..32),
        next in proptest::collection::vec(any::<u8>(), 0..9),
    ) {
        let trailers: Vec<Field> = trailers.iter().map(|(name, value)| field(name, value)).collect();
        let mut bytes = encode(&chunks, &trailers);
        bytes.extend_from_slice(&next);
        let decoded = decode(BodyLength::Chunked, &bytes, &reads);
        prop_assert_eq!(decoded, Decoded { data: chunks.concat(), trailers, rest: Some(next), error: None });
    }

    #[test]
    fn arbitrary_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..512), length: u64) {
        for length in [BodyLength::Chunked, BodyLength::Exact(length), BodyLength::UntilClose] {
            decode(length, &bytes, &[7, 1]);
        }
        chunked(&[&b"0\r\n"[..], &bytes, b"\r\n\r\n"].concat());
    }
}
