//! The framing of an answer, judged more strictly than the codec does.
//!
//! What two programs read differently is how answers are smuggled past one of them (RFC 9112 §6.3, §11.2).

use http::header::{CONTENT_LENGTH, Entry, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Version};

use super::head::Field;

/// What the framing of an answer allows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    /// One reading only: the socket may serve again.
    Clean,
    /// Read as the RFC says, but the socket is not trusted with another request.
    Odd,
    /// Not to be read at all.
    Refused,
}

/// Judges the framing headers, and leaves only those that the body was really read by.
pub(super) fn judge(version: Version, headers: &mut HeaderMap, fields: &mut Vec<Field>) -> Framing {
    // After an answer of HTTP/1.0 the codec would speak HTTP/1.0 itself, without chunks.
    let mut framing = if version == Version::HTTP_11 { Framing::Clean } else { Framing::Odd };
    if headers.contains_key(TRANSFER_ENCODING) {
        let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
        let chunked = codings.next().is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(b"chunked"));
        if !chunked || codings.next().is_some() {
            return Framing::Refused;
        }
        if headers.remove(CONTENT_LENGTH).is_some() {
            fields.retain(|(name, _)| !name.eq_ignore_ascii_case("content-length"));
            framing = Framing::Odd;
        }
    }
    if let Entry::Occupied(mut lengths) = headers.entry(CONTENT_LENGTH) {
        let first = lengths.get().clone();
        let length = first.as_bytes().split(|b| *b == b',').next().unwrap_or_default().trim_ascii();
        if lengths.iter().count() > 1 || length.len() < first.len() {
            // The codec has seen to it that all of them are equal.
            let Ok(length) = HeaderValue::from_bytes(length) else { return Framing::Refused };
            keep_one_length(fields, &length);
            lengths.insert(length);
            framing = Framing::Odd;
        }
    }
    framing
}

fn keep_one_length(fields: &mut Vec<Field>, length: &HeaderValue) {
    let mut seen = false;
    fields.retain_mut(|(name, value)| {
        if !name.eq_ignore_ascii_case("content-length") {
            return true;
        }
        *value = length.clone();
        !std::mem::replace(&mut seen, true)
    });
}

#[cfg(test)]
mod tests {
    use super::super::head::codec_fields;
    use super::*;

    fn judged(version: Version, given: &[(&'static str, &'static str)]) -> (Framing, Vec<String>) {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.append(*name, HeaderValue::from_static(value));
        }
        let mut fields = codec_fields(&headers);
        let framing = judge(version, &mut headers, &mut fields);
        assert_eq!(fields.len(), headers.len());
        (framing, fields.iter().map(|(name, value)| format!("{name}: {}", value.to_str().unwrap())).collect())
    }

    #[test]
    fn one_length_or_one_chunked_is_clean() {
        for given in [("content-length", "5"), ("transfer-encoding", "Chunked"), ("x-a", "1")] {
            assert_eq!(judged(Version::HTTP_11, &[given]).0, Framing::Clean, "{given:?}");
        }
        assert_eq!(judged(Version::HTTP_10, &[("content-length", "5")]).0, Framing::Odd);
    }

    #[test]
    fn other_codings_are_refused() {
        for coding in ["gzip", "gzip, chunked", "chunked, gzip", "identity", "xchunked", ""] {
            assert_eq!(judged(Version::HTTP_11, &[("transfer-encoding", coding)]).0, Framing::Refused);
        }
        let twice = [("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")];
        assert_eq!(judged(Version::HTTP_11, &twice).0, Framing::Refused);
    }

    #[test]
    fn of_length_and_coding_only_the_coding_stays() {
        let given = [("content-length", "5"), ("transfer-encoding", "chunked")];
        let (framing, fields) = judged(Version::HTTP_11, &given);
        assert_eq!((framing, fields), (Framing::Odd, vec!["transfer-encoding: chunked".to_owned()]));
    }

    #[test]
    fn repeated_lengths_become_one() {
        for given in [&[("content-length", "5"), ("content-length", "5")][..], &[("content-length", "5, 5")]]
        {
            let (framing, fields) = judged(Version::HTTP_11, given);
            assert_eq!((framing, fields), (Framing::Odd, vec!["content-length: 5".to_owned()]));
        }
    }
}
