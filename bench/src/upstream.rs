//! The upstream of ours: what nginx cannot play. Large bodies, answers that wait, answers that take their time.
//!
//! - `GET /bytes/N`: N bytes
//! - `POST /sink`: how many bytes came
//! - `GET /hold`: answers once somebody asks `/release`; `/held` tells how many wait
//! - `GET /after/MS`: answers after so many milliseconds
//! - anything else: a short JSON answer

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::Notify;

use crate::error::{Result, error};
use crate::load::http::{Framing, parse_head};

const PIECE: usize = 256 * 1024;
const SHORT: &str = "{\"ok\":true}";

#[derive(Debug, Default)]
struct Hold {
    release: Notify,
    count: AtomicUsize,
}

/// Serves on a port of loopback until it is ended.
pub fn serve(port: u16) -> Result<()> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let listener = listen(port)?;
        let hold = Arc::new(Hold::default());
        loop {
            let (stream, _) = listener.accept().await?;
            let hold = Arc::clone(&hold);
            tokio::spawn(async move {
                // A caller who goes away is nobody's mistake.
                let _ = connection(stream, &hold).await;
            });
        }
    })
}

fn listen(port: u16) -> Result<TcpListener> {
    let socket = TcpSocket::new_v4()?;
    socket.set_reuseaddr(true)?;
    socket.bind(([127, 0, 0, 1], port).into())?;
    Ok(socket.listen(4096)?)
}

async fn connection(mut stream: TcpStream, hold: &Hold) -> Result<()> {
    stream.set_nodelay(true)?;
    let mut received = Vec::new();
    loop {
        let (head, body_start, framing) = loop {
            // A request line has its status-like word at another place; only the framing is of interest here.
            if let Some(end) = received.windows(4).position(|window| window == b"\r\n\r\n") {
                let answer_like = [b"HTTP/1.1 200 \r\n".as_slice(), &received[..end + 4]].concat();
                let framing = parse_head(&answer_like)?.map_or(Framing::Length(0), |(_, _, framing)| framing);
                break (String::from_utf8_lossy(&received[..end]).into_owned(), end + 4, framing);
            }
            if stream.read_buf(&mut received).await? == 0 {
                return Ok(());
            }
        };
        let rest = received.split_off(body_start);
        let count = swallow(&mut stream, rest, framing, &mut received).await?;
        let path = head.split(' ').nth(1).unwrap_or("/");
        answer(&mut stream, path, count, hold).await?;
    }
}

/// Reads a body, counts it, and leaves what follows it in `next`.
async fn swallow(stream: &mut TcpStream, rest: Vec<u8>, framing: Framing, next: &mut Vec<u8>) -> Result<u64> {
    next.clear();
    let mut buffer = vec![0; if framing == Framing::Length(0) { 0 } else { PIECE }];
    match framing {
        Framing::Length(length) => {
            let mut count = rest.len() as u64;
            while count < length {
                match stream.read(&mut buffer).await? {
                    0 => return error("cut short"),
                    read => count += read as u64,
                }
            }
            next.extend_from_slice(&rest[rest.len() - usize::try_from(count - length).unwrap_or(0)..]);
            Ok(length)
        }
        // Good enough for a body of equal bytes: what counts are its `x`.
        Framing::Chunked => {
            let mut tail = rest;
            let mut count = 0;
            loop {
                count += tail.iter().filter(|byte| **byte == b'x').count() as u64;
                if tail.ends_with(b"0\r\n\r\n") {
                    return Ok(count);
                }
                let kept = tail.len().saturating_sub(4);
                tail = tail.split_off(kept);
                tail.retain(|byte| *byte != b'x');
                match stream.read(&mut buffer).await? {
                    0 => return error("cut short"),
                    read => tail.extend_from_slice(&buffer[..read]),
                }
            }
        }
    }
}

async fn answer(stream: &mut TcpStream, path: &str, count: u64, hold: &Hold) -> Result<()> {
    let number = |prefix: &str| path.strip_prefix(prefix).and_then(|rest| rest.parse::<u64>().ok());
    if let Some(bytes) = number("/bytes/") {
        return send_bytes(stream, bytes).await;
    }
    if let Some(milliseconds) = number("/after/") {
        tokio::time::sleep(Duration::from_millis(milliseconds)).await;
        return send(stream, SHORT).await;
    }
    match path {
        "/sink" => send(stream, &count.to_string()).await,
        "/held" => send(stream, &hold.count.load(Ordering::Relaxed).to_string()).await,
        "/release" => {
            hold.release.notify_waiters();
            send(stream, SHORT).await
        }
        "/hold" => {
            hold.count.fetch_add(1, Ordering::Relaxed);
            hold.release.notified().await;
            hold.count.fetch_sub(1, Ordering::Relaxed);
            send(stream, SHORT).await
        }
        _ => send(stream, SHORT).await,
    }
}

async fn send(stream: &mut TcpStream, body: &str) -> Result<()> {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n";
    let text = format!("{head}Content-Length: {}\r\n\r\n{body}", body.len());
    Ok(stream.write_all(text.as_bytes()).await?)
}

async fn send_bytes(stream: &mut TcpStream, bytes: u64) -> Result<()> {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/octet-stream\r\n";
    stream.write_all(format!("{head}Content-Length: {bytes}\r\n\r\n").as_bytes()).await?;
    let piece = vec![b'x'; PIECE];
    let mut missing = bytes;
    while missing > 0 {
        let size = missing.min(PIECE as u64);
        stream.write_all(&piece[..usize::try_from(size).unwrap_or(PIECE)]).await?;
        missing -= size;
    }
    Ok(())
}
