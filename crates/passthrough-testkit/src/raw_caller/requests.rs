//! What a provider received, read strictly as the requests that it is.

use super::head::{Head, field};

/// A request as a provider received it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// Its request line and fields.
    pub head: Head,
    /// Its body without the framing.
    pub body: Vec<u8>,
    /// What came behind the last chunk.
    pub trailers: Vec<(String, String)>,
    /// Whether all of it came.
    pub complete: bool,
}

/// Reads the bytes of one connection as the requests that they are, as strictly as a server can: one framing
/// header at most, and every line as RFC 9112 has it.
///
/// # Errors
/// Says what is not well-framed. A last request that is cut short is no error: it is `complete: false`.
pub fn requests(mut bytes: &[u8]) -> Result<Vec<Request>, String> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let Some(end) = bytes.windows(4).position(|window| window == b"\r\n\r\n") else {
            let head = Head { line: String::from_utf8_lossy(bytes).into_owned(), fields: Vec::new() };
            all.push(Request { head, body: Vec::new(), trailers: Vec::new(), complete: false });
            return Ok(all);
        };
        let head = Head::parse(&String::from_utf8_lossy(&bytes[..end + 4]))?;
        bytes = &bytes[end + 4..];
        if head.line.split(' ').count() != 3 || !head.line.ends_with(" HTTP/1.1") {
            return Err(format!("no request line: {:?}", head.line));
        }
        let mut request = Request { head, body: Vec::new(), trailers: Vec::new(), complete: true };
        bytes = body_of(&mut request, bytes)?;
        all.push(request);
    }
    Ok(all)
}

fn body_of<'a>(request: &mut Request, bytes: &'a [u8]) -> Result<&'a [u8], String> {
    let (lengths, codings) =
        (request.head.all("content-length").len(), request.head.all("transfer-encoding").len());
    if lengths + codings > 1 {
        return Err(format!("framed twice: {:?}", request.head));
    }
    if codings == 1 {
        if request.head.first("transfer-encoding") != Some("chunked") {
            return Err(format!("an unknown coding: {:?}", request.head));
        }
        return chunks_of(request, bytes);
    }
    let length = request.head.first("content-length").unwrap_or("0");
    if length.is_empty() || !length.bytes().all(|byte| byte.is_ascii_digit()) {
        return Err(format!("no length: {length:?}"));
    }
    let length: usize = length.parse().map_err(|_| format!("no length: {length:?}"))?;
    let (body, rest) = bytes.split_at(length.min(bytes.len()));
    request.body = body.to_vec();
    request.complete = body.len() == length;
    Ok(rest)
}

fn chunks_of<'a>(request: &mut Request, mut bytes: &'a [u8]) -> Result<&'a [u8], String> {
    let mut last = false;
    loop {
        let Some(end) = bytes.windows(2).position(|window| window == b"\r\n") else {
            request.complete = false;
            return Ok(&[]);
        };
        let line = String::from_utf8_lossy(&bytes[..end]).into_owned();
        bytes = &bytes[end + 2..];
        if last {
            if line.is_empty() {
                return Ok(bytes);
            }
            request.trailers.push(field(&line)?);
            continue;
        }
        if line.is_empty() || !line.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(format!("no chunk size: {line:?}"));
        }
        let size = usize::from_str_radix(&line, 16).map_err(|_| format!("no chunk size: {line:?}"))?;
        last = size == 0;
        if last {
            continue;
        }
        if bytes.len() < size + 2 {
            request.body.extend_from_slice(&bytes[..size.min(bytes.len())]);
            request.complete = false;
            return Ok(&[]);
        }
        request.body.extend_from_slice(&bytes[..size]);
        if &bytes[size..size + 2] != b"\r\n" {
            return Err("a chunk without its end".to_owned());
        }
        bytes = &bytes[size + 2..];
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_read_one_behind_the_other() {
        let bytes = b"POST /a HTTP/1.1\r\nContent-Length: 2\r\n\r\nhiPUT /b HTTP/1.1\r\n\
                      Transfer-Encoding: chunked\r\n\r\n2\r\nho\r\n0\r\nX-T: 1\r\n\r\nGET /c HTTP/1.1\r\nA: b\r\n";
        let all = requests(bytes).unwrap();
        let lines: Vec<&str> = all.iter().map(|request| request.head.line.as_str()).collect();
        assert_eq!(lines[..2], ["POST /a HTTP/1.1", "PUT /b HTTP/1.1"]);
        assert_eq!((all[0].body.as_slice(), all[1].body.as_slice()), (&b"hi"[..], &b"ho"[..]));
        assert_eq!(all[1].trailers, [("X-T".to_owned(), "1".to_owned())]);
        assert_eq!([all[0].complete, all[1].complete, all[2].complete], [true, true, false]);
    }

    #[test]
    fn what_two_programs_read_differently_is_an_error() {
        for wrong in [
            "GET /a HTTP/1.1\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
            "GET /a HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n",
            "GET /a HTTP/1.1\r\nContent-Length : 1\r\n\r\n",
            "GET /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1;x\r\na\r\n0\r\n\r\n",
            "GET /a HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nab\r\n0\r\n\r\n",
            "GET /a b HTTP/1.1\r\n\r\n",
            "GET /a\r\n\r\n",
            "GET /a HTTP/1.1\r\nA: b\nC: d\r\n\r\n",
            "GET /a HTTP/1.1\r\nA: b\r\n c\r\n\r\n",
        ] {
            assert!(requests(wrong.as_bytes()).is_err(), "{wrong:?}");
        }
    }
}
