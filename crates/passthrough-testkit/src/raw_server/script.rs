//! What a script can say, and how it is played.

use std::time::Duration;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::listening::{Log, lock};

/// One thing to do on a connection.
#[derive(Debug, Clone)]
pub enum Step {
    /// Reads one HTTP/1.1 request, its body included.
    ReadRequest,
    /// Reads up to the empty line after a request head.
    ReadHead,
    /// Reads this many bytes.
    Read(usize),
    /// Reads what belongs to the head that was read last: its body.
    ReadBody,
    /// Writes these bytes.
    Write(Vec<u8>),
    /// Writes these bytes one by one, with a pause after each.
    Drip(Vec<u8>, Duration),
    /// Writes these bytes again and again, so many times; ends early where the other side goes.
    Repeat(Vec<u8>, usize),
    /// Does nothing for a while.
    Pause(Duration),
    /// Sends back whatever comes, until the end.
    Echo,
    /// Reads until the other side closes.
    Hold,
    /// Closes with a reset.
    Reset,
    /// Closes without the end that TLS wants (close_notify). Without TLS that is an ordinary close.
    Vanish,
    /// Begins the script again.
    Again,
}

impl Step {
    /// [`Step::Write`] of a text.
    pub fn write(text: &str) -> Self {
        Step::Write(text.as_bytes().to_vec())
    }

    /// [`Step::Pause`] of milliseconds.
    pub fn pause(milliseconds: u64) -> Self {
        Step::Pause(Duration::from_millis(milliseconds))
    }
}

/// Whether the socket is to be closed with a reset, which must be said to it beforehand.
pub(super) fn resets(script: &[Step]) -> bool {
    script.iter().any(|step| matches!(step, Step::Reset))
}

pub(super) async fn play<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    script: &[Step],
    log: &Log,
    number: usize,
) -> std::io::Result<()> {
    let mut head = String::new();
    loop {
        match perform_steps(&mut stream, script, &mut head, log, number).await? {
            Ended::Over => return stream.shutdown().await,
            Ended::Gone => return Ok(()),
            Ended::Again => {}
        }
    }
}

/// How a script ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Ended {
    /// All steps are done; the connection is to be closed in good order.
    Over,
    /// The connection is to be dropped as it is.
    Gone,
    /// From the beginning.
    Again,
}

/// Plays a script up to its end or its [`Step::Again`]. `head` is the request head that was read last.
pub(crate) async fn perform_steps<S: AsyncRead + AsyncWrite + Unpin>(
    stream: &mut S,
    script: &[Step],
    head: &mut String,
    log: &Log,
    number: usize,
) -> std::io::Result<Ended> {
    for step in script {
        match step {
            Step::ReadRequest => {
                *head = read_head(stream, log, number).await?;
                read_body(stream, head, log, number).await?;
            }
            Step::ReadHead => *head = read_head(stream, log, number).await?,
            Step::ReadBody => read_body(stream, head, log, number).await?,
            Step::Read(count) => {
                for _ in 0..*count {
                    read_byte(stream, log, number).await?;
                }
            }
            Step::Write(bytes) => write(stream, bytes, log, number).await?,
            Step::Drip(bytes, pause) => {
                for byte in bytes {
                    write(stream, &[*byte], log, number).await?;
                    tokio::time::sleep(*pause).await;
                }
            }
            Step::Repeat(bytes, times) => {
                let many = bytes.repeat((16 * 1024 / bytes.len()).clamp(1, *times));
                for _ in 0..(bytes.len() * times).div_ceil(many.len()) {
                    write(stream, &many, log, number).await?;
                }
            }
            Step::Pause(pause) => tokio::time::sleep(*pause).await,
            Step::Echo => loop {
                let byte = read_byte(stream, log, number).await?;
                stream.write_all(&[byte]).await?;
                stream.flush().await?;
            },
            Step::Hold => loop {
                let mut buffer = [0; 4096];
                let count = stream.read(&mut buffer).await?;
                if count == 0 {
                    return Ok(Ended::Gone);
                }
                lock(log)[number].received.extend_from_slice(&buffer[..count]);
            },
            Step::Reset | Step::Vanish => return Ok(Ended::Gone),
            Step::Again => return Ok(Ended::Again),
        }
    }
    Ok(Ended::Over)
}

async fn write<S: AsyncWrite + Unpin>(
    stream: &mut S,
    bytes: &[u8],
    log: &Log,
    number: usize,
) -> std::io::Result<()> {
    for piece in bytes.chunks(16 * 1024) {
        stream.write_all(piece).await?;
        lock(log)[number].written += piece.len();
    }
    stream.flush().await
}

async fn read_byte<S: AsyncRead + Unpin>(stream: &mut S, log: &Log, number: usize) -> std::io::Result<u8> {
    let byte = stream.read_u8().await?;
    lock(log)[number].received.push(byte);
    Ok(byte)
}

async fn read_exactly<S: AsyncRead + Unpin>(
    stream: &mut S,
    mut count: usize,
    log: &Log,
    number: usize,
) -> std::io::Result<()> {
    let mut buffer = vec![0; count.min(16 * 1024)];
    while count > 0 {
        let most = count.min(buffer.len());
        let read = stream.read(&mut buffer[..most]).await?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        lock(log)[number].received.extend_from_slice(&buffer[..read]);
        count -= read;
    }
    Ok(())
}

async fn read_line<S: AsyncRead + Unpin>(
    stream: &mut S,
    log: &Log,
    number: usize,
) -> std::io::Result<String> {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        line.push(read_byte(stream, log, number).await?);
    }
    Ok(String::from_utf8_lossy(&line).into_owned())
}

/// Reads up to the empty line, which belongs to it.
pub(crate) async fn read_head<S: AsyncRead + Unpin>(
    stream: &mut S,
    log: &Log,
    number: usize,
) -> std::io::Result<String> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(read_byte(stream, log, number).await?);
    }
    Ok(String::from_utf8_lossy(&head).into_owned())
}

/// Reads the body that a head announces; trailers belong to it.
pub(crate) async fn read_body<S: AsyncRead + Unpin>(
    stream: &mut S,
    head: &str,
    log: &Log,
    number: usize,
) -> std::io::Result<()> {
    let head = head.to_ascii_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:"));
    if let Some(length) = length.and_then(|text| text.trim().parse::<usize>().ok()) {
        read_exactly(stream, length, log, number).await?;
    } else if head.contains("transfer-encoding: chunked") {
        loop {
            let line = read_line(stream, log, number).await?;
            let size = line.split([';', '\r']).next().unwrap_or_default().trim();
            let size = usize::from_str_radix(size, 16).map_err(std::io::Error::other)?;
            if size == 0 {
                while read_line(stream, log, number).await? != "\r\n" {}
                return Ok(());
            }
            read_exactly(stream, size + 2, log, number).await?;
        }
    }
    Ok(())
}
