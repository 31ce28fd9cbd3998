//! Two sockets that have switched protocols, joined.

use std::io;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt, ReadBuf};

use crate::upstream::Upgrade;

/// How long one side may go on after the other has gone.
const GOODBYE: Duration = Duration::from_secs(2);

/// Passes bytes between caller and provider until either goes away, or neither has said anything for `idle`.
pub async fn join(caller: impl AsyncRead + AsyncWrite + Unpin, provider: Upgrade, idle: Duration) {
    let mut provider = provider.connection();
    let lively = Arc::new(AtomicBool::new(true));
    let mut caller = Lively { io: caller, lively: Arc::clone(&lively) };
    let mut provider = Lively { io: &mut provider.io, lively: Arc::clone(&lively) };
    let (mut from_caller, mut to_caller) = tokio::io::split(&mut caller);
    let (mut from_provider, mut to_provider) = tokio::io::split(&mut provider);
    let up = pass(&mut from_caller, &mut to_provider);
    let down = pass(&mut from_provider, &mut to_caller);
    let (mut up, mut down) = (pin!(up), pin!(down));
    // Either side going away ends both: the other is told, and has a moment to say goodbye. One that went on
    // without listener would hold its places in flight for as long as it liked.
    tokio::select! {
        () = up.as_mut() => { let _ = tokio::time::timeout(GOODBYE, down).await; }
        () = down.as_mut() => { let _ = tokio::time::timeout(GOODBYE, up).await; }
        // Two silent sockets would hold their places for ever.
        () = silence(&lively, idle) => {}
    }
}

/// Passes bytes on to their end, and the end, too. There is nobody to tell of an error.
async fn pass(from: &mut (impl AsyncRead + Unpin), to: &mut (impl AsyncWrite + Unpin)) {
    let _ = tokio::io::copy(from, to).await;
    let _ = to.shutdown().await;
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
