//! A connection that has switched from HTTP/1.1 to another protocol.

use std::fmt;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::http1::Socket;
use super::limit::Permits;
use super::tls::Stream;

/// A connection that is about to speak another protocol. Its places in flight are held until the end.
pub struct Upgrade {
    socket: Box<Socket>,
    permits: Permits,
}

impl fmt::Debug for Upgrade {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Upgrade(…)")
    }
}

impl Upgrade {
    pub(super) fn new(socket: Box<Socket>, permits: Permits) -> Self {
        Self { socket, permits }
    }

    /// The connection, which no longer speaks HTTP.
    pub fn connection(self) -> UpgradedConnection {
        let (stream, read) = self.socket.into_stream();
        UpgradedConnection { io: UpgradedStream { read, stream }, _permits: self.permits }
    }
}

/// A connection that speaks another protocol, as raw bytes in both directions.
pub struct UpgradedConnection {
    /// The bytes. Dropping it closes the connection.
    pub io: UpgradedStream,
    _permits: Permits,
}

impl fmt::Debug for UpgradedConnection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UpgradedConnection(…)")
    }
}

/// The bytes of an upgraded connection, beginning with those that came right behind the head.
pub struct UpgradedStream {
    read: Bytes,
    stream: Stream,
}

impl fmt::Debug for UpgradedStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UpgradedStream(…)")
    }
}

impl AsyncRead for UpgradedStream {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if self.read.is_empty() {
            return Pin::new(&mut self.stream).poll_read(cx, buf);
        }
        let count = self.read.len().min(buf.remaining());
        buf.put_slice(&self.read[..count]);
        self.read.advance(count);
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for UpgradedStream {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write(cx, buf)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.stream).poll_write_vectored(cx, bufs)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
