//! The body of a request on its way: files are read while they are sent, whatever their size.

use std::path::Path;
use std::pin::Pin;
use std::task::{Context, Poll};

use anyhow::{Context as _, Result};
use bytes::Bytes;
use futures_util::{Stream, StreamExt, stream};
use http_body::{Frame, SizeHint};
use passthrough_client::Body;
use tokio::io::AsyncReadExt;
use tokio_util::io::ReaderStream;

use super::payload::{Content, Part, Payload, encode_form};
use super::progress::Progress;
use crate::output::Output;

const WINDOW: usize = 64 * 1024;

type Bits = Pin<Box<dyn Stream<Item = std::io::Result<Bytes>> + Send>>;

/// One stretch of a body: its length, where it is known, and its bytes.
struct Piece {
    length: Option<u64>,
    bits: Bits,
}

/// The body as HTTP sends it.
struct Upload {
    bits: Bits,
    left: Option<u64>,
    progress: Progress,
}

/// The body of a request.
pub(super) async fn body(payload: Payload, output: &Output) -> Result<Body> {
    let pieces = match payload {
        Payload::Nothing => return Ok(Body::empty()),
        Payload::Data(content) | Payload::Json(content) => vec![open(&content).await?],
        Payload::Form(form) => vec![text(encode_form(&form))],
        Payload::Multipart(parts, boundary) => multipart(&parts, &boundary).await?,
    };
    let left = pieces.iter().try_fold(0, |sum: u64, piece| Some(sum + piece.length?));
    let bits = Box::pin(stream::iter(pieces.into_iter().map(|piece| piece.bits)).flatten());
    Ok(Body::stream(Upload { bits, left, progress: Progress::new("sending", left, output.shows_progress()) }))
}

/// All bytes of some content, in memory.
pub(super) async fn read(content: &Content) -> Result<Vec<u8>> {
    let mut bits = open(content).await?.bits;
    let mut bytes = Vec::new();
    while let Some(bit) = bits.next().await {
        bytes.extend_from_slice(&bit?);
    }
    Ok(bytes)
}

fn text(text: String) -> Piece {
    let bytes = Bytes::from(text);
    Piece { length: u64::try_from(bytes.len()).ok(), bits: Box::pin(stream::iter([Ok(bytes)])) }
}

async fn open(content: &Content) -> Result<Piece> {
    match content {
        Content::Text(here) => Ok(text(here.clone())),
        Content::StandardInput => Ok(Piece {
            length: None,
            bits: Box::pin(ReaderStream::with_capacity(tokio::io::stdin(), WINDOW)),
        }),
        Content::File(path) => open_file(path).await,
    }
}

async fn open_file(path: &Path) -> Result<Piece> {
    let failed = || format!("cannot read {}", path.display());
    let file = tokio::fs::File::open(path).await.with_context(failed)?;
    let metadata = file.metadata().await.with_context(failed)?;
    if metadata.is_dir() {
        anyhow::bail!("{}: it is a folder", failed());
    }
    if !metadata.is_file() {
        return Ok(Piece { length: None, bits: Box::pin(ReaderStream::with_capacity(file, WINDOW)) });
    }
    // A file that grows meanwhile must not run over the length that was announced.
    let length = metadata.len();
    let bits = ReaderStream::with_capacity(file.take(length), WINDOW);
    Ok(Piece { length: Some(length), bits: Box::pin(bits) })
}

/// RFC 7578.
async fn multipart(parts: &[Part], boundary: &str) -> Result<Vec<Piece>> {
    let mut pieces = Vec::new();
    for part in parts {
        let mut head =
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"", quoted(&part.name));
        if let Some(filename) = &part.filename {
            head.push_str(&format!("; filename=\"{}\"", quoted(filename)));
        }
        if let Some(content_type) = &part.content_type {
            head.push_str(&format!("\r\nContent-Type: {}", content_type.replace(['\r', '\n'], "")));
        }
        head.push_str("\r\n\r\n");
        pieces.extend([text(head), open(&part.content).await?, text("\r\n".to_owned())]);
    }
    pieces.push(text(format!("--{boundary}--\r\n")));
    Ok(pieces)
}

/// As browsers escape what would end the quotes or the line.
fn quoted(text: &str) -> String {
    text.replace('\r', "%0D").replace('\n', "%0A").replace('"', "%22")
}

impl http_body::Body for Upload {
    type Data = Bytes;
    type Error = std::io::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, std::io::Error>>> {
        let polled = self.bits.as_mut().poll_next(context);
        match &polled {
            Poll::Ready(Some(Ok(bytes))) => {
                let count = u64::try_from(bytes.len()).unwrap_or_default();
                self.left = self.left.map(|left| left.saturating_sub(count));
                self.progress.advance(count);
            }
            Poll::Ready(None) => self.progress.finish(),
            _ => {}
        }
        polled.map(|bit| bit.map(|bit| bit.map(Frame::data)))
    }

    fn is_end_stream(&self) -> bool {
        self.left == Some(0)
    }

    fn size_hint(&self) -> SizeHint {
        self.left.map(SizeHint::with_exact).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use http_body::Body as _;

    fn part(name: &str, content: Content) -> Part {
        Part { name: name.to_owned(), content, filename: None, content_type: None }
    }

    #[tokio::test]
    async fn a_multipart_body_has_an_exact_length_and_its_parts_stay_in_their_quotes() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), b"\xff\r\n").unwrap();
        let parts =
            [part("a\"\r\nX", Content::Text("1".into())), part("f", Content::File(file.path().to_owned()))];
        let pieces = multipart(&parts, "b").await.unwrap();
        let length: u64 = pieces.iter().map(|piece| piece.length.unwrap()).sum();
        let bits: Vec<_> = stream::iter(pieces.into_iter().map(|piece| piece.bits)).flatten().collect().await;
        let bytes: Vec<u8> = bits.into_iter().flat_map(Result::unwrap).collect();
        assert_eq!(u64::try_from(bytes.len()).unwrap(), length);
        let head = b"--b\r\nContent-Disposition: form-data; name=\"a%22%0D%0AX\"\r\n\r\n1\r\n--b\r\n";
        assert!(bytes.starts_with(head) && bytes.ends_with(b"\xff\r\n\r\n--b--\r\n"));
    }

    #[tokio::test]
    async fn standard_input_has_no_length_and_a_missing_file_is_named() {
        let output = Output { format: crate::output::Format::Text, quiet: true };
        let body = body(Payload::Data(Content::StandardInput), &output).await.unwrap();
        assert_eq!(body.size_hint().exact(), None);
        let missing = open(&Content::File("/nowhere/at/all".into())).await.err().unwrap();
        assert!(missing.to_string().contains("/nowhere/at/all"));
    }
}
