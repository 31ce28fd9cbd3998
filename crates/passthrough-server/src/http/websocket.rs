//! Two sockets that have switched protocols, joined.
//!
//! Frames go through as they are. They are only counted off, so that the goodbye of a server that stops stands
//! between two of them.

use std::io;
use std::ops::Range;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use passthrough_vault::random;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use self::frames::{Frames, Why, goodbye_to_caller, goodbye_to_provider};
use crate::app::App;
use crate::passthrough::stream::Tunnel;
use crate::resolve::{Admission, Withdrawn};

mod frames;

/// How long one side may go on after the other has gone, or after it was told that we go.
const GOODBYE: Duration = Duration::from_secs(2);
/// What is read at once.
const BUFFER: usize = 8 * 1024;

/// How long both sides have, once they are told, to end a frame that has begun and to take the goodbye: one that
/// floods, or never ends its frame, would hold up who waits for it.
const FAREWELL: Duration = Duration::from_secs(5);

/// Passes bytes between caller and provider until either goes away, or neither has said anything for as long as a
/// stream may be silent; or until `leaving`, or until the caller's key or connection is not valid any more. Then both
/// sides are told so, each between two frames (RFC 6455 section 7.4.1), so that the caller can connect to another
/// server at once. Who does not take it is not waited for.
pub async fn join(
    app: &App,
    caller: impl AsyncRead + AsyncWrite + Unpin,
    tunnel: Box<Tunnel>,
    leaving: &CancellationToken,
) {
    let Tunnel { provider, admission } = *tunnel;
    let ending = Ending::default();
    let lively = Arc::new(AtomicBool::new(true));
    let mut provider = provider.connection();
    let mut caller = Lively { io: caller, lively: Arc::clone(&lively) };
    let mut provider = Lively { io: &mut provider.io, lively: Arc::clone(&lively) };
    let (mut from_caller, mut to_caller) = tokio::io::split(&mut caller);
    let (mut from_provider, mut to_provider) = tokio::io::split(&mut provider);
    let up = pass(&mut from_caller, &mut to_provider, &ending, |_| goodbye_to_provider(random()));
    let down = pass(&mut from_provider, &mut to_caller, &ending, goodbye_to_caller);
    let (mut up, mut down) = (pin!(up), pin!(down));
    // Either side going away ends both: the other is told, and has a moment to say goodbye. One that went on
    // without listener would hold its places in flight for as long as it liked.
    tokio::select! {
        () = up.as_mut() => { let _ = timeout(GOODBYE, down).await; }
        () = down.as_mut() => { let _ = timeout(GOODBYE, up).await; }
        // Two silent sockets would hold their places for ever.
        () = silence(&lively, app.config.deadlines.stream_idle) => {}
        () = farewell(app, &admission, leaving, &ending) => {}
    }
}

/// That the tunnel ends, and why.
#[derive(Default)]
struct Ending {
    told: CancellationToken,
    why: OnceLock<Why>,
}

/// Waits until the tunnel has to end, tells it, and gives it a while for that.
async fn farewell(app: &App, admission: &Admission, leaving: &CancellationToken, ending: &Ending) {
    let why = tokio::select! {
        () = leaving.cancelled() => Why::GoingAway,
        withdrawn = app.resolver.withdrawn(admission) => match withdrawn {
            Withdrawn::NotAllowed => Why::NotAllowed,
            Withdrawn::Unknown => Why::TryAgainLater,
        },
    };
    let _ = ending.why.set(why);
    ending.told.cancel();
    tokio::time::sleep(FAREWELL).await;
}

/// Passes bytes on to their end, and the end, too. There is nobody to tell of an error.
async fn pass<const N: usize>(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    ending: &Ending,
    goodbye: impl Fn(Why) -> [u8; N],
) {
    let (mut frames, mut buffer) = (Frames::default(), vec![0; BUFFER]);
    if let Ok(Some(unpassed)) = pass_frames(from, to, &ending.told, &mut frames, &mut buffer).await {
        if !frames.is_closed() {
            let why = ending.why.get().copied().unwrap_or(Why::GoingAway);
            let _ = to.write_all(&goodbye(why)).await;
            let _ = to.flush().await;
        }
        frames.take(&buffer[unpassed]);
        let _ = timeout(GOODBYE, hear_out(from, &mut frames, &mut buffer)).await;
    }
    let _ = to.shutdown().await;
}

/// Passes frames on: to their end, which is `None`, or, once we are leaving (or the caller has to), to the end of the one that has begun.
/// Then it gives what of the buffer was not passed on.
async fn pass_frames(
    from: &mut (impl AsyncRead + Unpin),
    to: &mut (impl AsyncWrite + Unpin),
    leaving: &CancellationToken,
    frames: &mut Frames,
    buffer: &mut [u8],
) -> io::Result<Option<Range<usize>>> {
    let mut told = false;
    loop {
        let came = tokio::select! {
            biased;
            () = leaving.cancelled(), if !told => {
                told = true;
                0..0
            }
            read = from.read(buffer) => match read? {
                0 => return Ok(None),
                count => 0..count,
            },
        };
        let passed = if told {
            frames.take_rest(&buffer[came.clone()])
        } else {
            frames.take(&buffer[came.clone()]);
            came.end
        };
        to.write_all(&buffer[..passed]).await?;
        to.flush().await?;
        if told && frames.is_between() {
            return Ok(Some(passed..came.end));
        }
    }
}

/// Reads on for the goodbye of the other side. What else it says is for nobody.
async fn hear_out(from: &mut (impl AsyncRead + Unpin), frames: &mut Frames, buffer: &mut [u8]) {
    while !frames.is_closed() {
        match from.read(buffer).await {
            Ok(count @ 1..) => frames.take(&buffer[..count]),
            Ok(0) | Err(_) => return,
        }
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
