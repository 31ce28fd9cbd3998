//! The threads that serve callers.
//!
//! Each has a runtime of one thread, a listener and a pool of sockets to providers. A caller stays with the
//! worker that accepted it, so that a request is taken in, sent on and answered without a lock that another
//! thread holds.

use std::net::TcpListener;
use std::sync::Arc;
use std::thread::JoinHandle;

use axum::Router;
use passthrough_core::id::RequestId;
use passthrough_http1::head::Limits;
use passthrough_http1::server::Settings;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio_util::sync::{CancellationToken, DropGuard};
use tokio_util::task::TaskTracker;

use super::accept::{Acceptor, Places, full};
use super::http1;
use crate::app::App;
use crate::http;
use crate::upstream::worker;

/// What the connections of one worker share.
pub(super) struct Worker {
    pub app: Arc<App>,
    /// What is not for a hot door.
    pub router: Router,
    pub settings: Settings,
    pub stop: Stop,
    /// Tasks of HTTP/2, which runs every request in one of its own.
    pub streams: TaskTracker,
}

/// How workers learn that the server stops.
#[derive(Debug, Clone, Default)]
pub(super) struct Stop {
    /// Finish what is in flight, begin nothing.
    pub finish: CancellationToken,
    /// The time for that is over.
    pub cancel: CancellationToken,
    /// Nobody needs the threads any more.
    end: CancellationToken,
}

impl Stop {
    /// For one worker: what it asks often, it asks of tokens of its own.
    fn for_worker(&self) -> Self {
        let Self { finish, cancel, end } = self;
        Self { finish: finish.child_token(), cancel: cancel.child_token(), end: end.child_token() }
    }
}

/// All workers. Dropped, they stop at once.
pub(super) struct Workers {
    stop: Stop,
    _guards: [DropGuard; 3],
    threads: Vec<JoinHandle<()>>,
    done: Vec<oneshot::Receiver<()>>,
}

impl Workers {
    /// Starts a thread for every listener.
    pub(super) fn start(app: &Arc<App>, listeners: Vec<TcpListener>) -> Self {
        let stop = Stop::default();
        let places = Places::new(app.config.server.max_connections, Arc::clone(&app.metrics.callers));
        let router = http::router(Arc::clone(app));
        let (mut threads, mut dones) = (Vec::new(), Vec::new());
        for (number, listener) in (1..).zip(listeners) {
            let worker = Worker {
                app: Arc::clone(app),
                router: router.clone(),
                settings: settings(app),
                stop: stop.for_worker(),
                streams: TaskTracker::new(),
            };
            let (done, is_done) = oneshot::channel();
            match spawn(number, worker, listener, Arc::clone(&places), done) {
                Ok(thread) => {
                    threads.push(thread);
                    dones.push(is_done);
                }
                Err(error) => tracing::error!(%error, number, "a worker could not be started"),
            }
        }
        let guard = |token: &CancellationToken| token.clone().drop_guard();
        let guards = [guard(&stop.finish), guard(&stop.cancel), guard(&stop.end)];
        Self { stop, _guards: guards, threads, done: dones }
    }

    /// Accept nobody any more, finish what is in flight.
    pub(super) fn finish(&self) {
        self.stop.finish.cancel();
    }

    /// End what is in flight.
    pub(super) fn cancel(&self) {
        self.stop.cancel.cancel();
    }

    /// Waits until nothing is in flight.
    pub(super) async fn done(&mut self) {
        while let Some(done) = self.done.last_mut() {
            let _ = done.await;
            self.done.pop();
        }
    }

    /// Ends the threads. The sockets that were opened on them, those to the database too, die with them.
    pub(super) async fn end(self) {
        self.stop.end.cancel();
        let threads = self.threads;
        let joined = tokio::task::spawn_blocking(move || {
            for thread in threads {
                if thread.join().is_err() {
                    tracing::error!("a worker ended in a panic");
                }
            }
        });
        let _ = joined.await;
    }
}

fn settings(app: &App) -> Settings {
    let limits = app.config.limits;
    Settings {
        limits: Limits { bytes: limits.head_bytes, fields: limits.head_count },
        head: limits.head_timeout,
        rest: limits.keep_alive,
        body_idle: limits.body_idle,
        unread: app.config.deadlines.stream_idle,
    }
}

fn spawn(
    number: usize,
    worker: Worker,
    listener: TcpListener,
    places: Arc<Places>,
    done: oneshot::Sender<()>,
) -> std::io::Result<JoinHandle<()>> {
    let runtime: Runtime = Builder::new_current_thread().enable_all().build()?;
    let listener = {
        let _context = runtime.enter();
        tokio::net::TcpListener::from_std(listener)?
    };
    std::thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
        worker::set(number);
        let app = Arc::clone(&worker.app);
        let refusal = move || full(RequestId::from(app.installation.new_ulid()), app.now_ms());
        let acceptor = Acceptor::new(listener, places, Box::new(refusal));
        runtime.block_on(work(worker, acceptor, done));
        // Tasks that block must not hold the end of the program up.
        runtime.shutdown_background();
    })
}

/// The life of a worker.
async fn work(worker: Worker, mut acceptor: Acceptor, done: oneshot::Sender<()>) {
    let worker = Arc::new(worker);
    let stop = worker.stop.clone();
    let mut callers = JoinSet::new();
    loop {
        tokio::select! {
            (stream, place) = acceptor.next() => {
                let worker = Arc::clone(&worker);
                callers.spawn(async move {
                    http1::serve(stream, worker).await;
                    drop(place);
                });
            }
            Some(ended) = callers.join_next() => panicked(ended),
            () = stop.finish.cancelled() => break,
        }
    }
    // Nobody is in its queue who was not accepted: it is closed before the callers are waited for.
    drop(acceptor);
    let in_flight = async {
        while let Some(ended) = callers.join_next().await {
            panicked(ended);
        }
    };
    tokio::select! {
        () = in_flight => {}
        () = stop.cancel.cancelled() => callers.shutdown().await,
    }
    stop.cancel.cancel();
    worker.streams.close();
    worker.streams.wait().await;
    let _ = done.send(());
    stop.end.cancelled().await;
}

fn panicked(ended: Result<(), tokio::task::JoinError>) {
    if ended.is_err_and(|error| error.is_panic()) {
        tracing::error!("a caller's connection ended in a panic");
    }
}

/// Runs the tasks of HTTP/2 so that they end with the server: hyper lets go of them otherwise, and what they
/// leave behind would come after the last records were written.
#[derive(Clone)]
pub(super) struct Streams(pub(super) Arc<Worker>);

impl<F> hyper::rt::Executor<F> for Streams
where
    F: Future + Send + 'static,
    F::Output: Send,
{
    fn execute(&self, task: F) {
        let cancel = self.0.stop.cancel.clone();
        self.0.streams.spawn(cancel.run_until_cancelled_owned(async move {
            task.await;
        }));
    }
}
