//! A caller who writes bytes and reads an HTTP/1.1 answer strictly, byte by byte where it matters.
//!
//! It tells a proper end from one that was cut short, which is what most libraries hide.

use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};

mod head;
mod requests;

pub use self::head::Head;
use self::head::field;
pub use self::requests::{Request, requests};

/// How long an answer may take before a test fails.
const PATIENCE: Duration = Duration::from_secs(20);

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
