//! One caller's socket: a request out, an answer in, blocking. Knows just the HTTP that our rivals speak.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

use crate::error::{Error, Result, error};
use crate::stage::Call;

/// How long anything may take.
const PATIENCE: Duration = Duration::from_secs(60);

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// The status.
    pub status: u16,
    /// The body, unframed.
    pub body: Vec<u8>,
}

/// A connection to a proxy.
#[derive(Debug)]
pub struct Socket(pub TcpStream);

/// How a body is framed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Framing {
    /// So many bytes.
    Length(u64),
    /// In chunks.
    Chunked,
}

/// Opens a connection.
pub fn connect(port: u16) -> Result<Socket> {
    let stream = TcpStream::connect(SocketAddr::from(([127, 0, 0, 1], port)))?;
    stream.set_nodelay(true)?;
    stream.set_read_timeout(Some(PATIENCE))?;
    stream.set_write_timeout(Some(PATIENCE))?;
    Ok(Socket(stream))
}

/// The head of a request, and `more` header lines.
pub fn head(method: &str, call: &Call, path: &str, more: &str) -> String {
    let mut head = format!("{method} {}{path} HTTP/1.1\r\nHost: 127.0.0.1\r\n", call.prefix);
    for (name, value) in &call.headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    head + more + "\r\n"
}

/// The envelope's request for a path, head and body.
pub fn envelope(call: &Call, path: &str) -> String {
    let body = format!("{{\"method\":\"GET\",\"path\":\"{path}\"}}");
    let call = Call { prefix: String::new(), ..call.clone() };
    let more = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    head("POST", &call, "/v1/passthrough", &more) + &body
}

/// One `GET` on a new connection.
pub fn get(call: &Call, path: &str) -> Result<Answer> {
    connect(call.port)?.exchange(&head("GET", call, path, ""))
}

impl Socket {
    /// Sends a whole request and reads the whole answer.
    pub fn exchange(&mut self, request: &str) -> Result<Answer> {
        self.0.write_all(request.as_bytes())?;
        self.answer()
    }

    /// Reads an answer into memory.
    pub fn answer(&mut self) -> Result<Answer> {
        let mut bytes = Vec::new();
        let mut buffer = [0; 16_384];
        loop {
            if let Some(answer) = whole(&bytes)? {
                return Ok(answer);
            }
            let read = self.0.read(&mut buffer)?;
            if read == 0 {
                return error(format!("the socket was closed after {} bytes of an answer", bytes.len()));
            }
            bytes.extend_from_slice(&buffer[..read]);
        }
    }
}

/// Status, length of the head, and framing of an answer whose head is there.
pub fn parse_head(bytes: &[u8]) -> Result<Option<(u16, usize, Framing)>> {
    let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else { return Ok(None) };
    let text = String::from_utf8_lossy(&bytes[..end]);
    let status = text.get(9..12).and_then(|status| status.parse().ok());
    let status = status.ok_or_else(|| Error(format!("no answer of HTTP: {text}")))?;
    let mut framing = Framing::Length(0);
    for line in text.lines() {
        let Some((name, value)) = line.split_once(':') else { continue };
        if name.eq_ignore_ascii_case("content-length") {
            framing = Framing::Length(value.trim().parse().unwrap_or(0));
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            framing = Framing::Chunked;
        }
    }
    Ok(Some((status, end + 4, framing)))
}

fn whole(bytes: &[u8]) -> Result<Option<Answer>> {
    let Some((status, start, framing)) = parse_head(bytes)? else { return Ok(None) };
    let rest = &bytes[start..];
    let body = match framing {
        Framing::Length(length) if rest.len() as u64 >= length => rest.to_vec(),
        Framing::Chunked if rest.ends_with(b"0\r\n\r\n") => unchunked(rest),
        _ => return Ok(None),
    };
    Ok(Some(Answer { status, body }))
}

fn unchunked(mut rest: &[u8]) -> Vec<u8> {
    let mut body = Vec::new();
    while let Some(end) = rest.windows(2).position(|window| window == b"\r\n") {
        let size =
            std::str::from_utf8(&rest[..end]).ok().and_then(|text| usize::from_str_radix(text, 16).ok());
        let (from, Some(size)) = (end + 2, size) else { break };
        if size == 0 || rest.len() < from + size + 2 {
            break;
        }
        body.extend_from_slice(&rest[from..from + size]);
        rest = &rest[from + size + 2..];
    }
    body
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_chunked_answer_is_put_together() {
        let bytes = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        assert_eq!(whole(bytes).unwrap().unwrap().body, b"abcde");
        assert!(whole(&bytes[..60]).unwrap().is_none());
    }
}
