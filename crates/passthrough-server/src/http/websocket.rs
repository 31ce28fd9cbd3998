//! Two sockets that have switched protocols, joined.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use crate::upstream::Upgrade;

/// Passes bytes between caller and provider until either goes away, or neither has said anything for `idle`.
pub async fn join(caller: impl AsyncRead + AsyncWrite + Unpin, provider: Upgrade, idle: Duration) {
    let mut provider = provider.connection();
    let lively = Arc::new(AtomicBool::new(true));
    let mut caller = Lively { io: caller, lively: Arc::clone(&lively) };
    let mut provider = Lively { io: &mut provider.io, lively: Arc::clone(&lively) };
    tokio::select! {
        // Either side going away ends both; there is nobody left to tell of an error.
        _ = tokio::io::copy_bidirectional(&mut caller, &mut provider) => {}
        // Two silent sockets would hold their places in flight for ever.
        () = silence(&lively, idle) => {}
    }
}

/// Ends when nothing has come from either side for so long.
async fn silence(lively: &AtomicBool, idle: Duration) {
    while lively.swap(false, Ordering::Relaxed) {
        tokio::time::sleep(idle).await;
    }
}

/// A socket that notes that something comes from it.
struct Lively<S> {
    io: S,
    lively: Arc<AtomicBool>,
}

impl<S: AsyncRead + Unpin> AsyncRead for Lively<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let read = ready!(Pin::new(&mut self.io).poll_read(context, buffer));
        self.lively.store(true, Ordering::Relaxed);
        Poll::Ready(read)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Lively<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.io).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(context)
    }
}
