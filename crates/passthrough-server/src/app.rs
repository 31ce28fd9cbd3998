//! Everything that a request needs, put together once at the start.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use passthrough_core::template::Moment;
use passthrough_vault::random;
use tokio::sync::Semaphore;

use crate::catalog::Catalog;
use crate::config::Config;
use crate::installation::Installation;
use crate::records::Records;
use crate::resolve::Resolver;
use crate::upstream::{Upstream, UpstreamError};

/// How many large bodies may arrive at once: with the default limits, 640 MiB at the most.
const LARGE_BODIES: usize = 32;

/// The parts of a running server.
#[derive(Debug)]
pub struct App {
    /// The settings.
    pub config: Config,
    /// The providers.
    pub catalog: Arc<Catalog>,
    /// Database and vault.
    pub installation: Installation,
    /// Who calls, and on which connection.
    pub resolver: Resolver,
    /// The way to providers.
    pub upstream: Upstream,
    /// The records.
    pub records: Records,
    /// Places for large bodies that are held in memory while they arrive.
    pub large_bodies: Semaphore,
    /// Set once the server stops.
    pub stop: AtomicBool,
}

impl App {
    /// Puts the parts together. Touches no network.
    pub fn new(config: Config, catalog: Catalog, installation: Installation) -> Result<Self, UpstreamError> {
        let catalog = Arc::new(catalog);
        Ok(Self {
            resolver: Resolver::new(installation.clone(), Arc::clone(&catalog), config.cache),
            upstream: Upstream::new(config.upstream.clone())?,
            records: Records::new(installation.clock.clone(), config.retention.is_some()),
            catalog,
            installation,
            config,
            large_bodies: Semaphore::new(LARGE_BODIES),
            stop: AtomicBool::new(false),
        })
    }

    /// Whether the server is stopping.
    pub fn stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed)
    }

    /// Unix milliseconds.
    pub fn now_ms(&self) -> i64 {
        self.installation.clock.now_ms()
    }

    /// Time and randomness for one request.
    pub fn moment(&self) -> Moment {
        Moment { unix_ms: self.now_ms(), nonce: random() }
    }
}
