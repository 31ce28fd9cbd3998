//! Everything that a request needs, put together once at the start.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use passthrough_core::template::Moment;
use passthrough_vault::random;
use tokio::runtime::Handle;

use crate::breakers::Breakers;
use crate::catalog::Catalog;
use crate::config::Config;
use crate::held::Room;
use crate::http::link::Assets;
use crate::installation::Installation;
use crate::limits::Limits;
use crate::link::attempts::Attempts;
use crate::metrics::Metrics;
use crate::obtain::Obtainer;
use crate::records::Records;
use crate::refresh::{Refresher, Spool};
use crate::resolve::Resolver;
use crate::telemetry::Traces;
use crate::throttle::Throttled;
use crate::upstream::{Upstream, UpstreamError};

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
    pub resolver: Arc<Resolver>,
    /// Keeps credentials fresh.
    pub refresher: Arc<Refresher>,
    /// Asks providers for secrets.
    pub obtainer: Obtainer,
    /// The way to providers.
    pub upstream: Upstream,
    /// The records.
    pub records: Records,
    /// Our own limits.
    pub limits: Limits,
    /// Origins in trouble.
    pub breakers: Breakers,
    /// Connections that their providers told to wait.
    pub throttled: Throttled,
    /// Room for large bodies that are held in memory.
    pub held: Room,
    /// What the pages of linking load.
    pub link_assets: Assets,
    /// How often something was tried at each link.
    pub link_attempts: Attempts,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// What is traced.
    pub traces: Traces,
    /// Set once the server stops.
    pub stop: AtomicBool,
}

impl App {
    /// Puts the parts together, within the runtime that refreshes are to run on. Touches no network.
    pub fn new(config: Config, catalog: Catalog, installation: Installation) -> Result<Self, UpstreamError> {
        let catalog = Arc::new(catalog);
        let clock = installation.clock.clone();
        let spool = Spool::open(&config.data_dir).map_err(UpstreamError::Spool)?;
        let numbers = Arc::clone(&config.upstream.numbers);
        let metrics = Arc::new(Metrics::new(catalog.codes(), Arc::clone(&numbers), clock.now_ms()));
        let resolver = Arc::new(Resolver::new(
            installation.clone(),
            Arc::clone(&catalog),
            Arc::clone(&metrics),
            config.cache,
            config.allow_hosts.clone(),
        ));
        let upstream = Upstream::new(config.upstream.clone())?;
        let obtainer = Obtainer::new(upstream.clone(), clock.clone(), config.refresh.token_timeout);
        let refresher = Refresher::new(
            installation.clone(),
            Arc::clone(&resolver),
            obtainer.clone(),
            Arc::clone(&metrics),
            config.refresh,
            spool,
            Handle::current(),
        );
        Ok(Self {
            resolver,
            upstream,
            obtainer,
            refresher: Arc::new(refresher),
            records: Records::new(
                installation.clock.clone(),
                config.retention.is_some(),
                config.log_calls,
                Arc::clone(&metrics),
            ),
            limits: Limits::new(config.rates),
            breakers: Breakers::new(config.persistence.breaker, config.persistence.budget_percent, numbers),
            traces: Traces::new(&config.telemetry, clock, Arc::clone(&metrics)),
            metrics,
            throttled: Throttled::default(),
            held: Room::new(config.limits.held_bytes),
            link_attempts: Attempts::default(),
            link_assets: Assets::new(&config.link.brand),
            catalog,
            installation,
            config,
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
