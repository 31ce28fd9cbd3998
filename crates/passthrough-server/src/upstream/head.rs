//! The head of an answer as it came: names in their spelling and order.
//!
//! The HTTP codec lower-cases names and groups them. Callers are promised the provider's own spelling and
//! order, so the bytes of the head are kept as they pass and read once more here.

use std::fmt;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, StatusCode};

/// The largest head that is accepted, in bytes, status line included.
pub(super) const MAX_HEAD: usize = 64 * 1024;
/// The most headers that are accepted in one head.
pub(super) const MAX_HEADERS: usize = 100;

/// A header as it came: name in the provider's spelling, and the value.
pub type Field = (Box<str>, HeaderValue);

/// Collects the bytes of the final head, forgetting informational ones (1xx) and everything after it.
#[derive(Default)]
pub(super) struct HeadRecorder {
    bytes: Vec<u8>,
    /// How far the search for the end has come.
    searched: usize,
    done: bool,
}

impl fmt::Debug for HeadRecorder {
    /// Without the bytes: an answer may carry a session of the customer's.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HeadRecorder").field("bytes", &self.bytes.len()).finish_non_exhaustive()
    }
}

impl HeadRecorder {
    /// Notes bytes of an answer. Bounded: what is longer than any acceptable head is given up.
    pub(super) fn push(&mut self, bytes: &[u8]) {
        if self.done {
            return;
        }
        // One more read than the limit may hold the end of an acceptable head.
        self.bytes.extend_from_slice(&bytes[..bytes.len().min(MAX_HEAD)]);
        // Interim heads are cut off together: one by one, a read full of tiny ones would be moved thousands
        // of times.
        let mut begin = 0;
        while let Some(end) = head_end(&self.bytes[begin..], self.searched) {
            if !is_interim(&self.bytes[begin..]) {
                self.bytes.truncate(begin + end);
                self.bytes.drain(..begin);
                self.done = true;
                return;
            }
            begin += end;
            self.searched = 0;
        }
        self.bytes.drain(..begin);
        self.searched = self.bytes.len().saturating_sub(3);
        if self.bytes.len() > MAX_HEAD {
            self.bytes = Vec::new();
            self.done = true;
        }
    }

    /// The final head, if all of it came.
    pub(super) fn finish(self) -> Option<Vec<u8>> {
        (self.done && !self.bytes.is_empty()).then_some(self.bytes)
    }
}

/// Where the head ends: after the empty line, whichever of the two line ends is used (RFC 9112 §2.2).
/// Empty lines before the status line are not an end.
fn head_end(bytes: &[u8], from: usize) -> Option<usize> {
    let start = bytes.iter().position(|b| !matches!(b, b'\r' | b'\n'))?;
    let from = from.max(start);
    bytes[from..].iter().enumerate().filter(|(_, byte)| **byte == b'\n').find_map(|(at, _)| {
        let next = from + at + 1;
        match bytes[next..] {
            [b'\n', ..] => Some(next + 1),
            [b'\r', b'\n', ..] => Some(next + 2),
            _ => None,
        }
    })
}

/// Whether the head is an informational one that another follows. 101 is final.
fn is_interim(head: &[u8]) -> bool {
    let line = head.trim_ascii_start();
    let code = line.split(|b| *b == b' ').nth(1).unwrap_or_default();
    code.starts_with(b"1") && !code.starts_with(b"101")
}

/// The headers of a recorded head, in order and spelling. `None` where they do not agree with what the
/// codec read: its reading decides, and the caller falls back to it.
pub(super) fn read_fields(head: Vec<u8>, status: StatusCode, headers: &HeaderMap) -> Option<Vec<Field>> {
    let head = Bytes::from(head);
    let mut lines = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut lines);
    let complete = response.parse(&head).ok()?.is_complete();
    if !complete || response.code != Some(status.as_u16()) || response.headers.len() != headers.len() {
        return None;
    }
    response
        .headers
        .iter()
        .map(|line| {
            let value = HeaderValue::from_maybe_shared(head.slice_ref(line.value)).ok()?;
            Some((line.name.into(), value))
        })
        .collect()
}

/// The headers as the codec gives them: lower-case, grouped by name.
pub(super) fn codec_fields(headers: &HeaderMap) -> Vec<Field> {
    headers.iter().map(|(name, value)| (name.as_str().into(), value.clone())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(parts: &[&[u8]]) -> Option<Vec<u8>> {
        let mut recorder = HeadRecorder::default();
        parts.iter().for_each(|part| recorder.push(part));
        recorder.finish()
    }

    #[test]
    fn the_head_ends_at_the_empty_line_however_it_is_cut_into_reads() {
        let answer = b"HTTP/1.1 200 OK\r\nA: 1\r\n\r\nbody\r\n\r\n";
        for cut in 0..answer.len() {
            let head = record(&[&answer[..cut], &answer[cut..]]).unwrap();
            assert_eq!(head, b"HTTP/1.1 200 OK\r\nA: 1\r\n\r\n", "cut at {cut}");
        }
        let bytewise: Vec<&[u8]> = answer.chunks(1).collect();
        assert_eq!(record(&bytewise).unwrap(), b"HTTP/1.1 200 OK\r\nA: 1\r\n\r\n");
    }

    #[test]
    fn informational_heads_are_forgotten_and_101_is_not() {
        let head = record(&[b"HTTP/1.1 103 Early Hints\r\nX: 1\r\n\r\nHTTP/1.1 200 OK\nB: 2\n\nrest"]);
        assert_eq!(head.unwrap(), b"HTTP/1.1 200 OK\nB: 2\n\n");
        let head = record(&[b"HTTP/1.1 101 Switching Protocols\r\n\r\nraw"]);
        assert_eq!(head.unwrap(), b"HTTP/1.1 101 Switching Protocols\r\n\r\n");
    }

    #[test]
    fn an_unfinished_or_endless_head_is_given_up() {
        assert_eq!(record(&[b"HTTP/1.1 200 OK\r\nA: 1\r\n"]), None);
        let long = vec![b'a'; MAX_HEAD];
        assert_eq!(record(&[b"HTTP/1.1 200 OK\r\nA: ", &long, b"\r\n\r\n"]), None);
    }

    #[test]
    fn names_keep_spelling_order_and_duplicates() {
        let mut headers = HeaderMap::new();
        for (name, value) in [("x-b", "1"), ("x-a", "2"), ("x-b", "3")] {
            headers.append(name, HeaderValue::from_static(value));
        }
        let head = b"HTTP/1.1 200 OK\r\nX-B: 1\r\nx-A:2 \r\nX-b: 3\r\n\r\n".to_vec();
        let fields = read_fields(head, StatusCode::OK, &headers).unwrap();
        let names: Vec<&str> = fields.iter().map(|(name, _)| &**name).collect();
        assert_eq!(names, ["X-B", "x-A", "X-b"]);
        assert_eq!(fields[1].1, "2");
    }

    #[test]
    fn a_head_that_disagrees_with_the_codec_is_not_believed() {
        let head = b"HTTP/1.1 200 OK\r\nX-B: 1\r\n\r\n".to_vec();
        assert!(read_fields(head.clone(), StatusCode::CREATED, &HeaderMap::new()).is_none());
        assert!(read_fields(head, StatusCode::OK, &HeaderMap::new()).is_none());
    }
}
