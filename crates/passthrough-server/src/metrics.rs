//! The numbers that an operator watches, served as `/metrics`.
//!
//! Counting must cost the hot path nothing that can be measured: handles are resolved when a connection is
//! made ready, a call touches a handful of relaxed atomics, and all work is done by whoever asks. Labels are
//! closed sets (see [`provider`]): no environment, no host, no path, no id and no secret is ever one.

mod families;
mod number;
mod process;
pub mod provider;
mod text;
pub mod upstream;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use number::{Counter, Gauge, Histogram};
pub use provider::{Ended, Failure, Provider, Refreshed, UnderWay};
pub use text::CONTENT_TYPE;
pub use upstream::{Closed, Upstream};

/// All numbers of a server.
#[derive(Debug)]
pub struct Metrics {
    started_at_ms: i64,
    /// Requests that never came to a connection.
    none: Arc<Provider>,
    /// By code, all that the catalog has: fixed at the start.
    providers: BTreeMap<String, Arc<Provider>>,
    /// The way to providers.
    pub upstream: Arc<Upstream>,
    /// Callers' sockets.
    pub callers: Arc<Callers>,
    /// Records.
    pub records: Records,
    /// Traces.
    pub spans: Spans,
}

/// What others count anyway, at one moment.
#[derive(Debug, Clone, Copy, Default)]
pub struct Now {
    /// Sockets to providers that rest.
    pub resting_sockets: usize,
    /// Memory of records that are not yet written.
    pub record_bytes: usize,
    /// Memory of large bodies that are held whole.
    pub held_bytes: usize,
    /// Connections whose provider has said "not before".
    pub throttled: usize,
    /// Passthroughs that a limit of ours has refused so far.
    pub limited: u64,
}

/// The numbers of callers' sockets.
#[derive(Debug, Default)]
pub struct Callers {
    /// Open now.
    pub open: Gauge,
    /// Accepted so far.
    pub accepted: Counter,
}

/// The numbers of records.
#[derive(Debug, Default)]
pub struct Records {
    /// In the database.
    pub written: Counter,
    /// Lost, because the database did not keep up.
    pub dropped: Counter,
}

/// The numbers of spans.
#[derive(Debug, Default)]
pub struct Spans {
    /// Taken by the collector.
    pub exported: Counter,
    /// Lost, because the collector was away or did not keep up.
    pub dropped: Counter,
}

impl Metrics {
    /// Numbers for the providers with these codes. `started_at_ms` is unix time.
    pub fn new<'a>(
        providers: impl Iterator<Item = &'a str>,
        upstream: Arc<Upstream>,
        started_at_ms: i64,
    ) -> Self {
        Self {
            started_at_ms,
            none: Arc::new(Provider::new("")),
            providers: providers.map(|code| (code.to_owned(), Arc::new(Provider::new(code)))).collect(),
            upstream,
            callers: Arc::default(),
            records: Records::default(),
            spans: Spans::default(),
        }
    }

    /// The numbers of a provider, to be kept by whoever counts. A code that the catalog has not is counted
    /// with those that never came to a connection: it must not make a series of its own.
    pub fn provider(&self, code: &str) -> Arc<Provider> {
        Arc::clone(self.providers.get(code).unwrap_or(&self.none))
    }

    /// The numbers of requests that never came to a connection.
    pub fn none(&self) -> &Arc<Provider> {
        &self.none
    }

    /// All of it as OpenMetrics text, with what is counted elsewhere.
    pub fn text(self: &Arc<Self>, now: Now) -> String {
        text::write(self, now)
    }

    fn all(&self) -> impl Iterator<Item = &Provider> {
        std::iter::once(&*self.none).chain(self.providers.values().map(|provider| &**provider))
    }
}
