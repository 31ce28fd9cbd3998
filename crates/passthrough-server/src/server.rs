//! A server from its start to its end.

use std::convert::Infallible;
use std::fs::File;
use std::future::Future;
use std::io;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use ::http::Request;
use axum::Router;
use axum::body::Body;
use axum::response::Response;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use passthrough_core::token::Token;
use passthrough_store::StoreError;
use thiserror::Error;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;
use tower::ServiceExt;

use crate::app::App;
use crate::catalog::{Catalog, CatalogError};
use crate::clock::Clock;
use crate::config::Config;
use crate::http;
use crate::installation::{Installation, OpenError};
use crate::upstream::UpstreamError;

mod lone;
mod slow;

use slow::{Patience, Progress, Watched};

/// How often other processes' changes and the key file are looked at.
const FOLLOW: Duration = Duration::from_secs(1);
/// How long the database may take over that.
const FOLLOW_TIMEOUT: Duration = Duration::from_secs(10);
/// How many changes are read at a time.
const CHANGES: u32 = 1_000;
/// How long changes are kept for others to see.
const CHANGES_KEPT_MS: i64 = 3_600_000;
/// How long a cancelled request may take to end.
const CANCEL: Duration = Duration::from_millis(500);
/// What is left for flushing after the grace.
const FLUSH: Duration = Duration::from_secs(2);

/// A server that listens and is ready to run.
#[derive(Debug)]
pub struct Server {
    app: Arc<App>,
    listener: TcpListener,
    address: SocketAddr,
    first_key: Option<Token>,
    last_change: i64,
    /// Held while the server lives, so that a second one on the same SQLite file is noticed.
    lock: Option<File>,
}

/// Why a server did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// Provider files are wrong.
    #[error(transparent)]
    Catalog(#[from] CatalogError),
    /// The installation does not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The database failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The way to providers cannot be set up.
    #[error(transparent)]
    Upstream(#[from] UpstreamError),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

impl StartError {
    /// Whether something else listens there already.
    pub fn is_address_in_use(&self) -> bool {
        matches!(self, StartError::Listen { source, .. } if source.kind() == io::ErrorKind::AddrInUse)
    }
}

impl Server {
    /// Opens everything and listens. Callers are accepted once it runs.
    pub async fn bind(config: Config) -> Result<Self, StartError> {
        Self::bind_with(config, Clock::System).await
    }

    /// Like [`Server::bind`], with a clock of one's own.
    pub async fn bind_with(config: Config, clock: Clock) -> Result<Self, StartError> {
        let catalog = Catalog::load(config.providers_dir.as_deref())?;
        let installation = Installation::open(&config, clock).await?;
        let address = config.listen;
        let listener = TcpListener::bind(address).await;
        let listener = listener.map_err(|source| StartError::Listen { address, source })?;
        let address = listener.local_addr().map_err(|source| StartError::Listen { address, source })?;
        let first_key = first_key(&config, &installation).await?;
        // Read before the first cache entry is: what changes from here on is followed.
        let last_change = installation.store.latest_change().await?;
        let lock = lone::lock(&config);
        let app = Arc::new(App::new(config, catalog, installation)?);
        Ok(Self { app, listener, address, first_key, last_change, lock })
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The API key that this first start made, with which everything else can be done.
    pub fn first_key(&self) -> Option<&Token> {
        self.first_key.as_ref()
    }

    /// How many API keys there are, revoked ones included.
    pub async fn count_api_keys(&self) -> Result<i64, StoreError> {
        self.app.installation.store.count_api_keys().await
    }

    /// Whether this start made the key file.
    pub fn made_keyring(&self) -> bool {
        self.app.installation.made_keyring
    }

    /// Serves until `shutdown` ends, then finishes what is in flight.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Self { app, listener, last_change, lock: _lock, .. } = self;
        let stop_writing = CancellationToken::new();
        let records = tokio::spawn(app.records.clone().keep_writing(
            app.installation.store.clone(),
            app.config.retention,
            stop_writing.clone(),
        ));
        let following = tokio::spawn(follow(Arc::clone(&app), last_change));
        let stop = Stop { finish: CancellationToken::new(), cancel: CancellationToken::new() };
        let connections = TaskTracker::new();
        let accepting = accept(Arc::clone(&app), listener, stop.clone(), connections.clone());
        tokio::select! {
            () = accepting => {}
            () = shutdown => {}
        }
        tracing::info!("stopping: no new callers, finishing what is in flight");
        app.stop.store(true, Ordering::Relaxed);
        stop.finish.cancel();
        connections.close();
        if tokio::time::timeout(app.config.grace, connections.wait()).await.is_err() {
            tracing::warn!(left = connections.len(), "requests were still in flight and are cancelled");
        }
        // What is cancelled leaves its record, too, so it has to end before the last ones are written.
        stop.cancel.cancel();
        let _ = tokio::time::timeout(CANCEL, connections.wait()).await;
        following.abort();
        stop_writing.cancel();
        let flushing = async {
            let _ = records.await;
            app.records.flush(&app.installation.store).await;
            app.installation.store.close().await;
        };
        if tokio::time::timeout(FLUSH, flushing).await.is_err() {
            tracing::error!("the last records could not be written");
        }
    }
}

/// How the callers' connections learn that the server stops.
#[derive(Debug, Clone)]
struct Stop {
    /// Finish what is in flight, begin nothing.
    finish: CancellationToken,
    /// The time for that is over.
    cancel: CancellationToken,
}

/// The first start makes a key, so that a new user need not know how; nobody is shown it twice.
async fn first_key(config: &Config, installation: &Installation) -> Result<Option<Token>, StartError> {
    if !config.first_api_key || installation.store.count_api_keys().await? > 0 {
        return Ok(None);
    }
    Ok(installation.create_first_api_key().await?)
}

async fn accept(app: Arc<App>, listener: TcpListener, stop: Stop, connections: TaskTracker) {
    let router = http::router(Arc::clone(&app));
    let builder = builder(&app);
    let patience = Patience {
        head: app.config.limits.head_timeout,
        unread: app.config.deadlines.stream_idle,
        rest: app.config.limits.keep_alive,
    };
    loop {
        let (stream, _) = match listener.accept().await {
            Ok(accepted) => accepted,
            Err(error) => {
                // Out of file descriptors, mostly: a moment later one is free again.
                tracing::warn!(%error, "a caller could not be accepted");
                tokio::time::sleep(Duration::from_millis(50)).await;
                continue;
            }
        };
        let _ = stream.set_nodelay(true);
        let (builder, router, stop) = (builder.clone(), router.clone(), stop.clone());
        connections.spawn(serve(builder, stream, router, patience, stop));
    }
}

/// hyper's builder, and not axum's `serve`, because that one has no defence against slow callers.
fn builder(app: &App) -> auto::Builder<TokioExecutor> {
    let limits = app.config.limits;
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        // hyper runs this one between requests, too; the head itself is watched by `slow`.
        .header_read_timeout(limits.keep_alive)
        .max_buf_size(limits.head_bytes)
        .max_headers(limits.head_count)
        .half_close(false);
    let head = u32::try_from(limits.head_bytes).unwrap_or(u32::MAX);
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_header_list_size(head)
        .keep_alive_interval(limits.keep_alive)
        .max_concurrent_streams(200);
    builder
}

/// Serves one caller's connection until it ends, the caller is too slow, or the server stops.
async fn serve(
    builder: auto::Builder<TokioExecutor>,
    stream: TcpStream,
    router: Router,
    patience: Patience,
    stop: Stop,
) {
    let progress = Progress::new();
    let io = TokioIo::new(Watched::new(stream, progress.clone()));
    let noting = progress.clone();
    let service = service_fn(move |request: Request<Incoming>| {
        let (progress, version) = (noting.clone(), request.version());
        let answering = router.clone().oneshot(request.map(Body::new));
        async move {
            Ok::<_, Infallible>(slow::noted(progress, version, patience.unread, unfailing(answering)).await)
        }
    });
    let connection = builder.serve_connection_with_upgrades(io, service);
    let mut connection = pin!(connection);
    let mut watch = pin!(progress.watch(patience));
    tokio::select! {
        result = connection.as_mut() => return ended(result),
        () = watch.as_mut() => return tracing::debug!("a caller was too slow and is let go"),
        () = stop.finish.cancelled() => connection.as_mut().graceful_shutdown(),
    }
    tokio::select! {
        result = connection => ended(result),
        () = watch => {}
        () = stop.cancel.cancelled() => {}
    }
}

async fn unfailing(answering: impl Future<Output = Result<Response, Infallible>>) -> Response {
    match answering.await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

fn ended(result: Result<(), Box<dyn std::error::Error + Send + Sync>>) {
    if let Err(error) = result {
        tracing::debug!(%error, "a caller's connection ended early");
    }
}

/// Follows what other processes change: connections and keys through the database, the keyring through
/// its file.
async fn follow(app: Arc<App>, mut last_change: i64) {
    let (mut swept, mut seen) = (Instant::now(), Instant::now());
    loop {
        tokio::time::sleep(FOLLOW).await;
        let vault = app.installation.vault.clone();
        if let Ok(Err(error)) = tokio::task::spawn_blocking(move || vault.follow()).await {
            tracing::error!(%error, "the key file changed and cannot be read; the keys in memory stay in use");
        }
        match tokio::time::timeout(FOLLOW_TIMEOUT, follow_changes(&app, last_change)).await {
            Ok(Ok(change)) => {
                last_change = change;
                app.resolver.saw_database();
                // After so long, changes may have been swept that were never seen here.
                if seen.elapsed() > Duration::from_millis(CHANGES_KEPT_MS.unsigned_abs()) {
                    app.resolver.forget_all().await;
                }
                seen = Instant::now();
            }
            Ok(Err(error)) => tracing::warn!(%error, "the database is not available"),
            Err(_) => tracing::warn!("the database does not answer"),
        }
        if swept.elapsed() > Duration::from_millis(CHANGES_KEPT_MS.unsigned_abs()) {
            swept = Instant::now();
            let before = app.now_ms() - 2 * CHANGES_KEPT_MS;
            if let Err(error) = app.installation.store.delete_changes_before(before).await {
                tracing::warn!(%error, "old changes could not be deleted yet");
            }
        }
    }
}

async fn follow_changes(app: &App, mut last_change: i64) -> Result<i64, StoreError> {
    loop {
        let changes = app.installation.store.list_changes_after(last_change, CHANGES).await?;
        for change in &changes {
            app.resolver.changed(change.subject).await;
            last_change = change.seq;
        }
        if changes.len() < CHANGES as usize {
            return Ok(last_change);
        }
    }
}
