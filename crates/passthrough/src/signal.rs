//! The signals that end a server.

use anyhow::Result;
use tokio::signal::unix::{SignalKind, signal};

/// Begins to listen for SIGTERM and SIGINT; the future ends with the first of them.
pub fn to_stop() -> Result<impl Future<Output = ()> + Send + 'static> {
    // Set up at once, not when the future is first polled: a signal in between would kill the process.
    let (mut terminate, mut interrupt) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}
