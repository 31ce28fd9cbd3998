//! What was written: the default file, a file of one's own and the environment, laid over each other. What the
//! settings mean, and whether they can be used, is not known here.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use config::{Environment, File, FileFormat};
use serde::Deserialize;

use super::link::LinkSettings;
use super::mistake::sentence;
use super::names::{check_names, known_settings};
use super::{ConfigError, DEFAULT};
use crate::telemetry::TelemetrySettings;

/// Everything that can be set, as it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Settings {
    pub(super) listen: String,
    pub(super) data_dir: PathBuf,
    pub(super) database_url: String,
    pub(super) keyring: String,
    pub(super) providers_dir: PathBuf,
    pub(super) first_api_key: bool,
    pub(super) server: ServerSettings,
    pub(super) upstream: UpstreamSettings,
    pub(super) limits: LimitSettings,
    pub(super) cache: CacheSettings,
    pub(super) refresh: RefreshSettings,
    pub(super) records: RecordSettings,
    pub(super) log: LogSettings,
    pub(super) metrics: MetricsSettings,
    pub(super) link: LinkSettings,
    pub(super) telemetry: TelemetrySettings,
    pub(super) shutdown: ShutdownSettings,
}

/// The section `server`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ServerSettings {
    pub(super) workers: usize,
    pub(super) max_connections: usize,
}

/// The section `upstream`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct UpstreamSettings {
    pub(super) allow: Vec<String>,
    pub(super) allow_http: Vec<String>,
    pub(super) allow_hosts: Vec<String>,
    pub(super) dns: String,
    pub(super) ca_file: PathBuf,
    pub(super) max_in_flight: usize,
    pub(super) max_in_flight_per_origin: usize,
    pub(super) max_in_flight_per_connection: usize,
    pub(super) max_wait_ms: u64,
    pub(super) dns_timeout_ms: u64,
    pub(super) connect_timeout_ms: u64,
    pub(super) first_byte_timeout_ms: u64,
    pub(super) idle_timeout_ms: u64,
    pub(super) stream_idle_timeout_ms: u64,
    pub(super) total_timeout_ms: u64,
    pub(super) total_timeout_max_ms: u64,
    pub(super) pool_idle_ms: u64,
    pub(super) http2: bool,
    pub(super) retries: u32,
    pub(super) retry_budget_percent: u32,
    pub(super) throttle_wait_ms: u64,
    pub(super) breaker_failures: u32,
    pub(super) breaker_open_ms: u32,
    pub(super) breaker_open_max_ms: u32,
}

/// The section `limits`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LimitSettings {
    pub(super) envelope_request_bytes: usize,
    pub(super) envelope_response_bytes: usize,
    pub(super) held_bytes: usize,
    pub(super) rate_per_api_key: String,
    pub(super) burst_per_api_key: u32,
    pub(super) rate_per_connection: String,
    pub(super) burst_per_connection: u32,
    pub(super) rate_per_environment: String,
    pub(super) burst_per_environment: u32,
    pub(super) head_bytes: usize,
    pub(super) head_count: usize,
    pub(super) head_timeout_ms: u64,
    pub(super) body_idle_timeout_ms: u64,
    pub(super) keep_alive_ms: u64,
}

/// The section `cache`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct CacheSettings {
    pub(super) api_keys: u64,
    pub(super) connections: u64,
    pub(super) idle_ms: u64,
    pub(super) without_database_ms: u64,
}

/// The section `refresh`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RefreshSettings {
    pub(super) token_timeout_ms: u64,
    pub(super) lease_ms: u64,
}

/// The section `records`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RecordSettings {
    pub(super) retention_days: u64,
}

/// The section `log`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LogSettings {
    pub(super) calls: String,
}

/// The section `metrics`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct MetricsSettings {
    pub(super) enabled: bool,
    pub(super) listen: String,
}

/// The section `shutdown`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct ShutdownSettings {
    pub(super) grace_ms: u64,
}

/// The settings that are lists: in the environment their entries are parted by commas.
const LISTS: [&str; 7] = [
    "upstream.allow",
    "upstream.allow_http",
    "upstream.allow_hosts",
    "link.redirect_urls",
    "link.message_origins",
    "link.frame_ancestors",
    "telemetry.otlp_headers",
];

impl Settings {
    /// Reads them.
    pub(super) fn read(
        file: Option<&Path>,
        environment: HashMap<String, String>,
    ) -> Result<Self, ConfigError> {
        let invalid = |error: config::ConfigError| ConfigError::Invalid(sentence(&error));
        let mut builder = config::Config::builder().add_source(File::from_str(DEFAULT, FileFormat::Toml));
        if let Some(path) = file {
            check_names(path)?;
            builder = builder.add_source(File::from(path).format(FileFormat::Toml));
        }
        let mut source = Environment::default()
            .separator("__")
            .try_parsing(true)
            .list_separator(",")
            .source(Some(known_settings(environment)?));
        for list in LISTS {
            source = source.with_list_parse_key(list);
        }
        builder.add_source(source).build().and_then(config::Config::try_deserialize).map_err(invalid)
    }
}
