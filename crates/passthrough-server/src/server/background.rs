//! What runs beside the serving of callers, from the start of a server to its end: the records, what follows other
//! processes, refreshes, webhooks, traces.

use std::fs::File;
use std::net::TcpListener;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{exposed, follow};
use crate::app::App;
use crate::webhooks::dispatch;

/// How long refreshes may go on after everything else: with the grace and the flushing, 25 s at the default.
const REFRESHES: Duration = Duration::from_millis(500);
/// How long webhooks that are under way may go on: as long as they give themselves, and a little.
const SENDING: Duration = Duration::from_secs(6);
/// What is left for flushing after the grace.
const FLUSH: Duration = Duration::from_secs(2);

/// The tasks that run. Dropped, they stop at once; what was not written by then is lost.
#[derive(Debug)]
pub(super) struct Background {
    app: Arc<App>,
    records: AbortOnDrop,
    following: AbortOnDrop,
    keeping_alive: AbortOnDrop,
    sending: AbortOnDrop,
    tracing_out: AbortOnDrop,
    exposing: Option<AbortOnDrop>,
    stop_writing: CancellationToken,
    stop_sending: CancellationToken,
    stop_tracing: CancellationToken,
    /// Held while the server lives, so that a second one on the same SQLite file is noticed.
    _lock: Option<File>,
}

#[derive(Debug)]
struct AbortOnDrop(JoinHandle<()>);

impl Drop for AbortOnDrop {
    fn drop(&mut self) {
        self.0.abort();
    }
}

fn spawn(task: impl Future<Output = ()> + Send + 'static) -> AbortOnDrop {
    AbortOnDrop(tokio::spawn(task))
}

impl Background {
    /// Starts them on this runtime.
    pub(super) fn start(
        app: &Arc<App>,
        last_change: i64,
        exposed: Option<TcpListener>,
        lock: Option<File>,
    ) -> Self {
        let [stop_writing, stop_sending, stop_tracing] = [(); 3].map(|()| CancellationToken::new());
        let (store, retention) = (app.installation.store.clone(), app.config.retention);
        Self {
            records: spawn(app.records.clone().keep_writing(store, retention, stop_writing.clone())),
            following: spawn(follow::follow(Arc::clone(app), last_change)),
            keeping_alive: spawn(Arc::clone(&app.refresher).keep_alive()),
            sending: spawn(dispatch::keep_sending(Arc::clone(app), stop_sending.clone())),
            tracing_out: spawn(app.traces.clone().keep_exporting(stop_tracing.clone())),
            exposing: exposed.map(|listener| spawn(exposed::serve(Arc::clone(app), listener))),
            app: Arc::clone(app),
            stop_writing,
            stop_sending,
            stop_tracing,
            _lock: lock,
        }
    }

    /// Begin no more webhooks.
    pub(super) fn stop_sending(&self) {
        self.stop_sending.cancel();
    }

    /// Ends them once nobody is served any more. The server was told to stop at `signalled`.
    pub(super) async fn finish(mut self, signalled: Instant) {
        self.stop_sending();
        self.following.0.abort();
        self.keeping_alive.0.abort();
        // Never while a provider may have answered: what it gave exists nowhere else yet.
        // Those that nobody waits for have as long as a request.
        let left = (self.app.config.grace + REFRESHES).saturating_sub(signalled.elapsed()).max(REFRESHES);
        if tokio::time::timeout(left, self.app.refresher.finish()).await.is_err() {
            tracing::error!(
                "a refresh was still under way; the provider may have replaced a token that is now lost"
            );
        }
        // It bounds itself; what it does not end is claimed by somebody else.
        if tokio::time::timeout(SENDING, &mut self.sending.0).await.is_err() {
            self.sending.0.abort();
        }
        self.stop_tracing.cancel();
        drop(self.exposing.take());
        self.stop_writing.cancel();
        let (tracing_out, records) = (&mut self.tracing_out.0, &mut self.records.0);
        let flushing = async {
            let _ = tracing_out.await;
            let _ = records.await;
            self.app.records.flush(&self.app.installation.store).await;
            self.app.installation.store.close().await;
        };
        if tokio::time::timeout(FLUSH, flushing).await.is_err() {
            tracing::error!("the last records could not be written");
        }
    }
}
