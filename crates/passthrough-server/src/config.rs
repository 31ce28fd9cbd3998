//! Settings: defaults, then a file, then the environment, then flags. The only reader of the environment.
//!
//! What was written is [`settings`], what it means is here; [`check`] makes the one into the other, and [`names`] sees
//! to it that nothing was misspelt.

use std::collections::HashMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use passthrough_core::breaker;
use passthrough_core::provider::HostAllowList;
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

use self::settings::Settings;
use crate::installation::{DATABASE_FILE, KEYRING_FILE};
use crate::limits::Rates;
use crate::telemetry::Telemetry;
use crate::upstream::UpstreamConfig;

mod check;
mod link;
mod mistake;
mod names;
mod settings;

pub use link::{Brand, Linking, Logo};

/// The commented default file: the manual of the settings.
pub const DEFAULT: &str = include_str!("../config.default.toml");

/// What the command line says; it wins over everything else.
#[derive(Debug, Clone, Default)]
pub struct Overrides {
    /// Address and port to listen on.
    pub listen: Option<SocketAddr>,
    /// Where database and key file are.
    pub data_dir: Option<PathBuf>,
    /// PostgreSQL instead of the embedded database.
    pub database_url: Option<String>,
    /// A settings file.
    pub config_file: Option<PathBuf>,
    /// A folder of provider files.
    pub providers_dir: Option<PathBuf>,
}

/// Settings that cannot be used.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// The file or the environment does not fit.
    #[error("{0}")]
    Invalid(String),
    /// A file named in the settings cannot be read.
    #[error("cannot read {path} (setting `{setting}`)")]
    Unreadable {
        /// The setting.
        setting: &'static str,
        /// The file.
        path: String,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

/// The settings, checked.
#[derive(Debug, Clone)]
pub struct Config {
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// Where database and key file are.
    pub data_dir: PathBuf,
    /// PostgreSQL instead of the embedded database.
    pub database_url: Option<SecretString>,
    /// The keyring's text instead of the key file.
    pub keyring: Option<SecretString>,
    /// A folder of provider files.
    pub providers_dir: Option<PathBuf>,
    /// Whether a first start makes an API key.
    pub first_api_key: bool,
    /// The threads and sockets that callers are served with.
    pub server: Serving,
    /// The way to providers.
    pub upstream: UpstreamConfig,
    /// Hosts that variables may name.
    pub allow_hosts: HostAllowList,
    /// Deadlines of calls.
    pub deadlines: Deadlines,
    /// How far a call goes to get an answer.
    pub persistence: Persistence,
    /// Limits towards callers.
    pub limits: Limits,
    /// How many passthroughs may be made.
    pub rates: Rates,
    /// The caches.
    pub cache: Cache,
    /// How credentials are renewed.
    pub refresh: Refresh,
    /// How long records are kept; `None` keeps none.
    pub retention: Option<Duration>,
    /// For which passthroughs a line is logged.
    pub log_calls: Calls,
    /// Where `/metrics` is.
    pub metrics: Exposure,
    /// How accounts are linked.
    pub link: Linking,
    /// Traces.
    pub telemetry: Telemetry,
    /// How long requests may go on after a signal to stop.
    pub grace: Duration,
}

/// The threads and sockets that callers are served with.
#[derive(Debug, Clone, Copy)]
pub struct Serving {
    /// Threads that serve callers, at least one.
    pub workers: usize,
    /// Callers' connections, over all workers.
    pub max_connections: usize,
}

/// Where `/metrics` is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Exposure {
    /// Nowhere.
    Nowhere,
    /// Beside everything else, for callers on this machine.
    Loopback,
    /// At an address of its own, for whoever reaches it.
    At(SocketAddr),
}

/// Deadlines of calls.
#[derive(Debug, Clone, Copy)]
pub struct Deadlines {
    /// Of a call that names none.
    pub total: Duration,
    /// The most that a call may ask for.
    pub total_max: Duration,
    /// How long a streamed body may stand still.
    pub stream_idle: Duration,
}

/// How far a call goes to get an answer.
#[derive(Debug, Clone, Copy)]
pub struct Persistence {
    /// How often it is sent again where that is harmless, unless it says otherwise.
    pub retries: u8,
    /// The share of its calls that an origin is sent again, in percent.
    pub budget_percent: u32,
    /// How long it waits for a provider's limit where it asks for that.
    pub throttle_wait: Duration,
    /// When an origin is left alone.
    pub breaker: breaker::Rules,
}

/// Limits towards callers.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// The largest body of an envelope request.
    pub envelope_request_bytes: usize,
    /// The largest body that an envelope carries back.
    pub envelope_response_bytes: usize,
    /// Memory for large bodies, all of them together.
    pub held_bytes: usize,
    /// The largest head of a request.
    pub head_bytes: usize,
    /// How many headers a request may have.
    pub head_count: usize,
    /// How long a head may take.
    pub head_timeout: Duration,
    /// How long a caller's body may stand still.
    pub body_idle: Duration,
    /// How long an idle socket is kept.
    pub keep_alive: Duration,
}

/// The caches.
#[derive(Debug, Clone, Copy)]
pub struct Cache {
    /// How many API keys.
    pub api_keys: u64,
    /// How many connections.
    pub connections: u64,
    /// How long one is kept that nobody uses.
    pub idle: Duration,
    /// How long calls are served while the database is away.
    pub without_database: Duration,
}

/// How credentials are renewed.
#[derive(Debug, Clone, Copy)]
pub struct Refresh {
    /// How long a provider may take over a token.
    pub token_timeout: Duration,
    /// How long other processes leave a refresh alone that has given no sign of life.
    pub lease: Duration,
}

/// For which passthroughs a line is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calls {
    /// For each.
    All,
    /// For those that did not end with an answer of the provider's.
    Failures,
    /// For none.
    None,
}

impl Config {
    /// Reads the settings.
    #[expect(clippy::disallowed_methods, reason = "this is the place where the environment is read")]
    pub fn load(overrides: &Overrides) -> Result<Self, ConfigError> {
        // A variable that is no Unicode is none of ours, and must not end the program.
        let text =
            |(name, value): (OsString, OsString)| Some((name.into_string().ok()?, value.into_string().ok()?));
        Self::load_from(overrides, std::env::vars_os().filter_map(text).collect())
    }

    /// Where the key file is, or would be.
    pub fn keyring_path(&self) -> PathBuf {
        self.data_dir.join(KEYRING_FILE)
    }

    /// The database in words, without its password.
    pub fn database_label(&self) -> String {
        let Some(url) = &self.database_url else {
            return format!("SQLite {}", self.data_dir.join(DATABASE_FILE).display());
        };
        let rest = url.expose_secret().split_once("://").map_or("", |(_, rest)| rest);
        // The query first: a password may stand there, too, and may hold an `@`.
        let before = rest.split('?').next().unwrap_or_default();
        let place = match before.rsplit_once('@') {
            Some((_, place)) => place,
            // A password with a raw `?` in it.
            None if rest.contains('@') => "",
            None => before,
        };
        match url.expose_secret().starts_with("sqlite:") {
            true => format!("SQLite {before}"),
            false => format!("PostgreSQL {place}"),
        }
    }

    /// Reads the settings with a given environment.
    pub fn load_from(
        overrides: &Overrides,
        environment: HashMap<String, String>,
    ) -> Result<Self, ConfigError> {
        Settings::read(overrides.config_file.as_deref(), environment)?.check(overrides)
    }
}

#[cfg(test)]
mod tests;
