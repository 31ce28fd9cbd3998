//! A server from its start to its end.
//!
//! The runtime that it is run on keeps the store, the records and what follows other processes. Callers are
//! served by worker threads, each with a runtime and a listener of its own, which share nothing on the way
//! of a request that they would have to wait for.

use std::fs::File;
use std::future::Future;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use passthrough_core::token::Token;
use passthrough_store::StoreError;
use thiserror::Error;

use crate::app::App;
use crate::catalog::{Catalog, CatalogError};
use crate::clock::Clock;
use crate::config::{Config, Exposure};
use crate::installation::{Installation, OpenError};
use crate::upstream::UpstreamError;

mod accept;
mod background;
mod date;
mod embedded;
mod exposed;
mod follow;
mod http1;
mod http2;
mod listen;
mod lone;
mod slow;
mod worker;

use background::Background;
pub use embedded::Embedded;
use worker::Workers;

/// How long a cancelled request may take to end.
const CANCEL: Duration = Duration::from_millis(500);

/// A server that listens and is ready to run.
#[derive(Debug)]
pub struct Server {
    opened: Opened,
    /// One for each worker, all on the same address.
    listeners: Vec<TcpListener>,
    address: SocketAddr,
}

/// What is there before anybody is served.
#[derive(Debug)]
struct Opened {
    app: Arc<App>,
    /// Where the metrics are, if at an address of their own.
    exposed: Option<TcpListener>,
    first_key: Option<Token>,
    last_change: i64,
    /// Held while the server lives, so that a second one on the same SQLite file is noticed.
    lock: Option<File>,
}

impl Opened {
    /// Opens everything but the address for callers.
    async fn open(config: Config, clock: Clock) -> Result<Self, StartError> {
        let catalog = Catalog::load(config.providers_dir.as_deref())?;
        let installation = Installation::open(&config, clock).await?;
        Self::put_together(config, catalog, installation).await
    }

    async fn put_together(
        config: Config,
        catalog: Catalog,
        installation: Installation,
    ) -> Result<Self, StartError> {
        let exposed = expose(&config)?;
        let first_key = first_key(&config, &installation).await?;
        // Read before the first cache entry is: what changes from here on is followed.
        let last_change = installation.store.latest_change().await?;
        let lock = lone::lock(&config);
        let app = Arc::new(App::new(config, catalog, installation)?);
        app.refresher.recover(lock.is_some()).await;
        Ok(Self { app, exposed, first_key, last_change, lock })
    }
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
    /// The address of the metrics cannot be listened on.
    #[error("cannot serve the metrics on {address}: {source}")]
    Expose {
        /// The address.
        address: SocketAddr,
        /// Why.
        source: io::Error,
    },
}

impl StartError {
    /// Whether something else listens there already.
    pub fn is_address_in_use(&self) -> bool {
        matches!(
            self,
            StartError::Listen { source, .. } | StartError::Expose { source, .. }
                if source.kind() == io::ErrorKind::AddrInUse
        )
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
        let listeners = listen::listen(address, config.server.workers);
        let (listeners, address) = listeners.map_err(|source| StartError::Listen { address, source })?;
        let mut config = config;
        config.link.listen_at(address);
        let opened = Opened::put_together(config, catalog, installation).await?;
        Ok(Self { opened, listeners, address })
    }

    /// The address that it listens on.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The API key that this first start made, with which everything else can be done.
    pub fn first_key(&self) -> Option<&Token> {
        self.opened.first_key.as_ref()
    }

    /// How many API keys there are, revoked ones included.
    pub async fn count_api_keys(&self) -> Result<i64, StoreError> {
        self.opened.app.installation.store.count_api_keys().await
    }

    /// Whether this start made the key file.
    pub fn made_keyring(&self) -> bool {
        self.opened.app.installation.made_keyring
    }

    /// Serves until `shutdown` ends, then finishes what is in flight.
    pub async fn run(self, shutdown: impl Future<Output = ()>) {
        let Opened { app, exposed, last_change, lock, .. } = self.opened;
        let background = Background::start(&app, last_change, exposed, lock);
        let mut workers = Workers::start(&app, self.listeners);
        shutdown.await;
        let signalled = tokio::time::Instant::now();
        app.stop.store(true, Ordering::Relaxed);
        tracing::info!("stopping: no new callers, finishing what is in flight");
        workers.finish();
        background.stop_sending();
        if tokio::time::timeout(app.config.grace, workers.done()).await.is_err() {
            tracing::warn!("requests were still in flight and are cancelled");
        }
        // What is cancelled leaves its record, too, so it has to end before the last ones are written.
        workers.cancel();
        let _ = tokio::time::timeout(CANCEL, workers.done()).await;
        background.finish(signalled).await;
        // Last, because a socket to the database is driven by the thread that opened it.
        workers.end().await;
    }
}

/// Listens for those who look at the metrics.
fn expose(config: &Config) -> Result<Option<TcpListener>, StartError> {
    let Exposure::At(address) = config.metrics else { return Ok(None) };
    let listener = TcpListener::bind(address).and_then(|listener| {
        listener.set_nonblocking(true)?;
        Ok(listener)
    });
    listener.map(Some).map_err(|source| StartError::Expose { address, source })
}

/// The first start makes a key, so that a new user need not know how; nobody is shown it twice.
async fn first_key(config: &Config, installation: &Installation) -> Result<Option<Token>, StartError> {
    if !config.first_api_key || installation.store.count_api_keys().await? > 0 {
        return Ok(None);
    }
    Ok(installation.create_first_api_key().await?)
}
