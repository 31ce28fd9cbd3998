//! A caller who writes bytes and reads an HTTP/1.1 answer strictly, byte by byte where it matters.
//!
//! It tells a proper end from one that was cut short, which is what most libraries hide.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

/// How long an answer may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// The first line and the fields of a message, in order and spelling.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// Status line or request line, without its end.
    pub line: String,
    /// Names and values, the values without the blanks around them.
    pub fields: Vec<(String, String)>,
}

impl Head {
    /// Reads a head with its empty line.
    ///
    /// # Errors
    /// Says what is not as RFC 9112 wants it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let text = text.strip_suffix("\r\n\r\n").ok_or("a head without its end")?;
        let mut lines = text.split("\r\n");
        let line = lines.next().unwrap_or_default().to_owned();
        let fields = lines.map(field).collect::<Result<_, _>>()?;
        if line.contains(['\r', '\n', '\0']) {
            return Err(format!("a control character in {line:?}"));
        }
        Ok(Self { line, fields })
    }

    /// The status code of a status line; zero where it is none.
    pub fn status(&self) -> u16 {
        self.line.split(' ').nth(1).and_then(|code| code.parse().ok()).unwrap_or_default()
    }

    /// All values of a field, whatever its spelling.
    pub fn all(&self, name: &str) -> Vec<&str> {
        let named = self.fields.iter().filter(|(known, _)| known.eq_ignore_ascii_case(name));
        named.map(|(_, value)| value.as_str()).collect()
    }

    /// The first value of a field, whatever its spelling.
    pub fn first(&self, name: &str) -> Option<&str> {
        self.all(name).first().copied()
    }
}

fn field(line: &str) -> Result<(String, String), String> {
    let (name, value) = line.split_once(':').ok_or_else(|| format!("no colon in {line:?}"))?;
    let token = |c: char| c.is_ascii_alphanumeric() || "!#$%&'*+-.^_`|~".contains(c);
    if name.is_empty() || !name.chars().all(token) || value.contains(['\r', '\n', '\0']) {
        return Err(format!("no field: {line:?}"));
    }
    Ok((name.to_owned(), value.trim_matches([' ', '\t']).to_owned()))
}

/// How an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// As its framing says.
    Complete,
    /// Before that.
    CutShort,
    /// With the connection, because its framing says so.
    WithConnection,
    /// There was none: the connection ended without a byte of an answer.
    Nothing,
}

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// The heads of interim answers (1xx but 101).
    pub interim: Vec<Head>,
    /// The head of the final answer.
    pub head: Head,
    /// The body as far as it came, without its framing.
    pub body: Vec<u8>,
    /// What came behind the last chunk.
    pub trailers: Vec<(String, String)>,
    /// How it ended.
    pub end: End,
}

impl Answer {
    /// The body as text.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// A caller's socket.
#[derive(Debug)]
pub struct RawCaller {
    reader: Reader,
    writer: OwnedWriteHalf,
}

#[derive(Debug)]
struct Reader {
    stream: OwnedReadHalf,
    /// What was read and not yet taken.
    held: Vec<u8>,
}

impl RawCaller {
    /// Connects to `http://host:port`.
    ///
    /// # Panics
    /// Where nobody listens.
    pub async fn connect(url: &str) -> Self {
        Self::try_connect(url).await.unwrap_or_else(|error| panic!("{url}: {error}"))
    }

    /// The same for a server that may be gone at any moment.
    ///
    /// # Errors
    /// Connection refused.
    pub async fn try_connect(url: &str) -> std::io::Result<Self> {
        let stream = TcpStream::connect(url.strip_prefix("http://").unwrap_or(url)).await?;
        stream.set_nodelay(true)?;
        let (stream, writer) = stream.into_split();
        Ok(Self { reader: Reader { stream, held: Vec::new() }, writer })
    }

    /// Writes bytes; whether the other side took them.
    pub async fn write(&mut self, bytes: impl AsRef<[u8]>) -> bool {
        self.writer.write_all(bytes.as_ref()).await.is_ok()
    }

    /// Says that nothing more will be written, and keeps reading.
    pub async fn finish_writing(&mut self) {
        let _ = self.writer.shutdown().await;
    }

    /// Writes bytes, and reads the answer as soon as it comes: the rest of the bytes may never be taken.
    pub async fn ask(&mut self, method: &str, bytes: impl AsRef<[u8]>) -> Answer {
        let mut writing = std::pin::pin!(self.writer.write_all(bytes.as_ref()));
        let mut reading = std::pin::pin!(self.reader.answer(method));
        tokio::select! {
            biased;
            answer = &mut reading => return answer,
            _ = &mut writing => {}
        }
        reading.await
    }

    /// Reads one head; `None` where the connection ends before it does.
    ///
    /// # Panics
    /// Where it is not a sound one.
    pub async fn head(&mut self) -> Option<Head> {
        self.reader.head().await
    }

    /// Reads the answer to a request of this method to its end, however it ends.
    pub async fn answer(&mut self, method: &str) -> Answer {
        self.reader.answer(method).await
    }

    /// Reads one chunk of a chunked body; the last one is empty, and its trailers are not read.
    pub async fn chunk(&mut self) -> Option<Vec<u8>> {
        self.reader.chunk().await
    }

    /// Reads up to and including a text; `None` where the connection ends before it came.
    pub async fn until(&mut self, text: &str) -> Option<String> {
        self.reader.until(text).await
    }

    /// Reads so many bytes and keeps none of them.
    pub async fn skip(&mut self, mut count: usize) -> End {
        while count > self.reader.held.len() {
            count -= self.reader.held.len();
            self.reader.held.clear();
            if !self.reader.more().await {
                return End::CutShort;
            }
        }
        self.reader.held.drain(..count);
        End::Complete
    }

    /// Reads whatever is left, to the end of the connection.
    pub async fn rest(&mut self) -> Vec<u8> {
        while self.reader.more().await {}
        std::mem::take(&mut self.reader.held)
    }

    /// Reads what comes within a while, and keeps nothing back. Whether the connection is still open.
    pub async fn within(&mut self, wait: Duration) -> (Vec<u8>, bool) {
        let Reader { stream, held } = &mut self.reader;
        let mut open = true;
        let reading = async {
            while stream.read_buf(held).await.is_ok_and(|count| count > 0) {}
            open = false;
        };
        let _ = tokio::time::timeout(wait, reading).await;
        (std::mem::take(held), open)
    }
}

impl Reader {
    async fn head(&mut self) -> Option<Head> {
        let text = self.until("\r\n\r\n").await?;
        Some(Head::parse(&text).unwrap_or_else(|error| panic!("{error}")))
    }

    async fn answer(&mut self, method: &str) -> Answer {
        let nothing = Answer {
            interim: Vec::new(),
            head: Head::default(),
            body: Vec::new(),
            trailers: Vec::new(),
            end: End::Nothing,
        };
        let mut answer = nothing;
        loop {
            let Some(head) = self.head().await else {
                if !self.held.is_empty() {
                    answer.end = End::CutShort;
                }
                return answer;
            };
            if (100..200).contains(&head.status()) && head.status() != 101 {
                answer.interim.push(head);
                continue;
            }
            answer.head = head;
            break;
        }
        answer.end = self.body(method, &mut answer).await;
        answer
    }

    async fn body(&mut self, method: &str, answer: &mut Answer) -> End {
        let status = answer.head.status();
        if method == "HEAD" || [101, 204, 304].contains(&status) {
            return End::Complete;
        }
        if answer.head.first("transfer-encoding").is_some() {
            return self.chunks(answer).await;
        }
        let length = answer.head.first("content-length").map(str::to_owned);
        let Some(length) = length else {
            while self.more().await {}
            answer.body.append(&mut self.held);
            return End::WithConnection;
        };
        let length: usize = length.parse().unwrap_or_else(|_| panic!("a length: {length}"));
        while self.held.len() < length {
            if !self.more().await {
                answer.body.append(&mut self.held);
                return End::CutShort;
            }
        }
        answer.body.extend(self.held.drain(..length));
        End::Complete
    }

    async fn chunks(&mut self, answer: &mut Answer) -> End {
        loop {
            let Some(chunk) = self.chunk().await else {
                answer.body.append(&mut self.held);
                return End::CutShort;
            };
            if !chunk.is_empty() {
                answer.body.extend(chunk);
                continue;
            }
            loop {
                let Some(line) = self.until("\r\n").await else { return End::CutShort };
                match line.trim_end_matches("\r\n") {
                    "" => return End::Complete,
                    line => {
                        answer.trailers.push(field(line).unwrap_or_else(|error| panic!("{error}")));
                    }
                }
            }
        }
    }

    async fn chunk(&mut self) -> Option<Vec<u8>> {
        let line = self.until("\r\n").await?;
        let size = line.trim_end_matches("\r\n").split(';').next().unwrap_or_default();
        let size = usize::from_str_radix(size, 16).unwrap_or_else(|_| panic!("a chunk size: {line:?}"));
        if size == 0 {
            return Some(Vec::new());
        }
        while self.held.len() < size + 2 {
            if !self.more().await {
                return None;
            }
        }
        let chunk: Vec<u8> = self.held.drain(..size).collect();
        let end: Vec<u8> = self.held.drain(..2).collect();
        assert_eq!(end, b"\r\n", "the end of a chunk");
        Some(chunk)
    }

    async fn until(&mut self, text: &str) -> Option<String> {
        let mut searched = 0;
        loop {
            let found =
                self.held[searched..].windows(text.len()).position(|window| window == text.as_bytes());
            if let Some(at) = found {
                let taken: Vec<u8> = self.held.drain(..searched + at + text.len()).collect();
                return Some(String::from_utf8_lossy(&taken).into_owned());
            }
            searched = self.held.len().saturating_sub(text.len());
            if !self.more().await {
                return None;
            }
        }
    }

    async fn more(&mut self) -> bool {
        self.held.reserve(64 * 1024);
        let read = tokio::time::timeout(PATIENCE, self.stream.read_buf(&mut self.held)).await;
        matches!(read.expect("an answer in time"), Ok(count) if count > 0)
    }
}

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
