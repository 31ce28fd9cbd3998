//! HTTP/2 frame by frame: what no library would send, in either direction.
//!
//! Fields are written as literals without compression (RFC 7541 §6.2.2); of what comes back only frames are
//! read, and of a field block no more than the status.

use std::io;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// What a connection begins with (RFC 9113 §3.4).
pub const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// Types of frames (RFC 9113 §6).
pub mod kind {
    /// DATA
    pub const DATA: u8 = 0;
    /// HEADERS
    pub const HEADERS: u8 = 1;
    /// RST_STREAM
    pub const RST_STREAM: u8 = 3;
    /// SETTINGS
    pub const SETTINGS: u8 = 4;
    /// PUSH_PROMISE
    pub const PUSH_PROMISE: u8 = 5;
    /// PING
    pub const PING: u8 = 6;
    /// GOAWAY
    pub const GOAWAY: u8 = 7;
    /// WINDOW_UPDATE
    pub const WINDOW_UPDATE: u8 = 8;
    /// CONTINUATION
    pub const CONTINUATION: u8 = 9;
}

/// Of DATA and HEADERS: nothing follows on the stream.
pub const END_STREAM: u8 = 1;
/// Of SETTINGS and PING: an answer.
pub const ACK: u8 = 1;
/// Of HEADERS and CONTINUATION: the field block is complete.
pub const END_HEADERS: u8 = 4;

/// One frame.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    /// See [`kind`].
    pub kind: u8,
    /// See [`END_STREAM`], [`ACK`], [`END_HEADERS`].
    pub flags: u8,
    /// Zero is the connection.
    pub stream: u32,
    /// Without the frame's own header.
    pub payload: Vec<u8>,
}

impl Frame {
    /// A frame.
    pub fn new(kind: u8, flags: u8, stream: u32, payload: impl Into<Vec<u8>>) -> Self {
        Self { kind, flags, stream, payload: payload.into() }
    }

    /// A HEADERS frame with a whole field block.
    pub fn headers(flags: u8, stream: u32, fields: &[(&str, &str)]) -> Self {
        Self::new(kind::HEADERS, flags | END_HEADERS, stream, fields_block(fields))
    }

    /// A SETTINGS frame.
    pub fn settings(settings: &[(u16, u32)]) -> Self {
        let payload = settings.iter().flat_map(|(id, value)| {
            id.to_be_bytes().into_iter().chain(value.to_be_bytes()).collect::<Vec<u8>>()
        });
        Self::new(kind::SETTINGS, 0, 0, payload.collect::<Vec<u8>>())
    }

    /// A GOAWAY frame.
    pub fn goaway(last_stream: u32, code: u32) -> Self {
        let payload = [last_stream.to_be_bytes(), code.to_be_bytes()].concat();
        Self::new(kind::GOAWAY, 0, 0, payload)
    }

    /// A RST_STREAM frame.
    pub fn reset(stream: u32, code: u32) -> Self {
        Self::new(kind::RST_STREAM, 0, stream, code.to_be_bytes())
    }

    /// Its bytes.
    pub fn bytes(&self) -> Vec<u8> {
        let length = u32::try_from(self.payload.len()).unwrap_or(u32::MAX).to_be_bytes();
        let mut bytes = length[1..].to_vec();
        bytes.extend([self.kind, self.flags]);
        bytes.extend(self.stream.to_be_bytes());
        bytes.extend_from_slice(&self.payload);
        bytes
    }

    /// Reads one.
    ///
    /// # Errors
    /// The connection ended.
    pub async fn read<R: AsyncRead + Unpin>(stream: &mut R) -> io::Result<Self> {
        let mut head = [0; 9];
        stream.read_exact(&mut head).await?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        let mut payload = vec![0; length as usize];
        stream.read_exact(&mut payload).await?;
        let id = u32::from_be_bytes([head[5], head[6], head[7], head[8]]) & 0x7fff_ffff;
        Ok(Self { kind: head[3], flags: head[4], stream: id, payload })
    }

    /// The status of the answer that a HEADERS frame begins, as far as the static table or plain digits tell
    /// it; 1 where there is another.
    pub fn status(&self) -> Option<u16> {
        if self.kind != kind::HEADERS {
            return None;
        }
        // A change of the table's size may come first.
        let from = self.payload.iter().position(|byte| byte & 0xe0 != 0x20)?;
        Some(match self.payload[from..] {
            [0x88, ..] => 200,
            [0x89, ..] => 204,
            [0x8a, ..] => 206,
            [0x8b, ..] => 304,
            [0x8c, ..] => 400,
            [0x8d, ..] => 404,
            [0x8e, ..] => 500,
            [0x08 | 0x48, 3, a, b, c, ..] => {
                [a, b, c].iter().fold(0, |all, digit| all * 10 + u16::from(digit & 15))
            }
            [0x08 | 0x48, 0x82, a, b, ..] => huffman_status(u16::from_be_bytes([a, b])),
            [0x08 | 0x48, 0x83, a, b, ..] => huffman_status(u16::from_be_bytes([a, b])),
            _ => 1,
        })
    }
}

/// Three digits in the Huffman code of RFC 7541, which gives `0`, `1` and `2` five bits and the others six.
fn huffman_status(bits: u16) -> u16 {
    let (mut bits, mut left, mut status) = (u32::from(bits) << 16, 3, 0);
    while left > 0 {
        let five = bits >> 27;
        let (digit, length) = if five <= 2 { (five, 5) } else { ((bits >> 26).wrapping_sub(22), 6) };
        status = status * 10 + u16::try_from(digit).unwrap_or(0).min(9);
        bits <<= length;
        left -= 1;
    }
    status
}

/// A field block of literals. Names go out as they are, in any spelling.
pub fn fields_block(fields: &[(&str, &str)]) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in fields {
        block.push(0);
        string(&mut block, name.as_bytes());
        string(&mut block, value.as_bytes());
    }
    block
}

fn string(block: &mut Vec<u8>, text: &[u8]) {
    // A prefix of seven bits, then seven bits at a time (RFC 7541 §5.1).
    match u8::try_from(text.len()) {
        Ok(length) if length < 127 => block.push(length),
        _ => {
            block.push(127);
            let mut rest = text.len() - 127;
            while rest >= 128 {
                block.push((rest % 128) as u8 | 128);
                rest /= 128;
            }
            block.push(rest as u8);
        }
    }
    block.extend_from_slice(text);
}

/// What came of a stream.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// An answer to its end.
    Answered {
        /// See [`Frame::status`].
        status: u16,
        /// All of its DATA.
        body: Vec<u8>,
    },
    /// RST_STREAM, with its code, after an answer may have begun.
    Reset(u32),
    /// GOAWAY with an error, with its code.
    GoneAway(u32),
    /// The connection ended.
    Closed,
}

/// A caller who has said nothing but the preface and his settings.
#[derive(Debug)]
pub struct FrameCaller {
    stream: TcpStream,
}

impl FrameCaller {
    /// Connects to `http://host:port` with prior knowledge.
    ///
    /// # Panics
    /// Where nobody listens.
    pub async fn connect(url: &str) -> Self {
        let address = url.strip_prefix("http://").unwrap_or(url);
        let stream = TcpStream::connect(address).await.unwrap_or_else(|error| panic!("{url}: {error}"));
        let mut caller = Self { stream };
        caller.write_bytes(PREFACE).await;
        caller.write(&Frame::settings(&[])).await;
        caller
    }

    /// Writes a frame; that the other side has gone is seen when reading.
    pub async fn write(&mut self, frame: &Frame) {
        self.write_bytes(&frame.bytes()).await;
    }

    async fn write_bytes(&mut self, bytes: &[u8]) {
        let _ = self.stream.write_all(bytes).await;
    }

    /// Reads until something has come of a stream. PING and SETTINGS are answered on the way.
    ///
    /// # Panics
    /// Where nothing has within twenty seconds.
    pub async fn outcome(&mut self, stream: u32) -> Outcome {
        let patience = std::time::Duration::from_secs(20);
        tokio::time::timeout(patience, self.read_outcome(stream)).await.expect("an outcome in time")
    }

    async fn read_outcome(&mut self, stream: u32) -> Outcome {
        let (mut status, mut body) = (0, Vec::new());
        loop {
            let Ok(frame) = Frame::read(&mut self.stream).await else { return Outcome::Closed };
            let code = |at: usize| {
                frame
                    .payload
                    .get(at..at + 4)
                    .map_or(0, |bytes| bytes.iter().fold(0, |all, byte| all << 8 | u32::from(*byte)))
            };
            match frame.kind {
                kind::SETTINGS | kind::PING if frame.flags & ACK == 0 => {
                    let payload = if frame.kind == kind::PING { frame.payload.clone() } else { Vec::new() };
                    self.write(&Frame::new(frame.kind, ACK, 0, payload)).await;
                }
                kind::GOAWAY if code(4) != 0 => return Outcome::GoneAway(code(4)),
                kind::RST_STREAM if frame.stream == stream => return Outcome::Reset(code(0)),
                kind::HEADERS if frame.stream == stream && status < 200 => {
                    status = frame.status().unwrap_or_default();
                }
                kind::DATA if frame.stream == stream => body.extend_from_slice(&frame.payload),
                _ => {}
            }
            let ends = [kind::HEADERS, kind::DATA].contains(&frame.kind) && frame.flags & END_STREAM != 0;
            if ends && frame.stream == stream {
                return Outcome::Answered { status, body };
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_and_fields_have_the_bytes_of_the_standard() {
        assert_eq!(Frame::reset(3, 8).bytes(), [0, 0, 4, 3, 0, 0, 0, 0, 3, 0, 0, 0, 8]);
        assert_eq!(fields_block(&[("a", "b")]), [0, 1, b'a', 1, b'b']);
        let long = "x".repeat(300);
        assert_eq!(fields_block(&[("a", &long)])[3..6], [127, 0xad, 1]);
    }

    #[test]
    fn a_status_is_read_in_each_spelling() {
        let status = |payload: &[u8]| Frame::new(kind::HEADERS, END_HEADERS, 1, payload).status();
        assert_eq!(status(&[0x88]), Some(200));
        assert_eq!(status(&[0x20, 0x8c]), Some(400));
        assert_eq!(status(&[0x48, 3, b'4', b'3', b'1']), Some(431));
        // 302 and 501 in the Huffman code.
        assert_eq!(status(&[0x48, 0x82, 0x64, 0x02]), Some(302));
        assert_eq!(status(&[0x48, 0x82, 0x6c, 0x01]), Some(501));
    }
}
