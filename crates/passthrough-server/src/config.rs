//! Settings: defaults, then a file, then the environment, then flags. The only reader of the environment.

use std::collections::HashMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use config::{Environment, File, FileFormat};
use ipnet::IpNet;
use passthrough_core::address::AddressPolicy;
use passthrough_core::breaker;
use passthrough_core::limit::Rate;
use passthrough_core::provider::HostAllowList;
use passthrough_core::retry::MAX_RETRIES;
use passthrough_core::suggest::nearest;
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use thiserror::Error;

use crate::installation::{DATABASE_FILE, KEYRING_FILE};
use crate::limits::Rates;
use crate::telemetry::{Telemetry, TelemetrySettings};
use crate::upstream::{Dns, Limits as UpstreamLimits, Timeouts, UpstreamConfig};

/// The commented default file: the manual of the settings.
pub const DEFAULT: &str = include_str!("../config.default.toml");

const PREFIX: &str = "PASSTHROUGH_";

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
    /// How long records are kept; `None` keeps none.
    pub retention: Option<Duration>,
    /// For which passthroughs a line is logged.
    pub log_calls: Calls,
    /// Where `/metrics` is.
    pub metrics: Exposure,
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
        let invalid = |error: config::ConfigError| ConfigError::Invalid(error.to_string());
        let mut builder = config::Config::builder().add_source(File::from_str(DEFAULT, FileFormat::Toml));
        if let Some(path) = &overrides.config_file {
            check_names(path)?;
            builder = builder.add_source(File::from(path.as_path()).format(FileFormat::Toml));
        }
        let mut source = Environment::default()
            .separator("__")
            .try_parsing(true)
            .list_separator(",")
            .source(Some(known_settings(environment)?));
        for list in
            ["upstream.allow", "upstream.allow_http", "upstream.allow_hosts", "telemetry.otlp_headers"]
        {
            source = source.with_list_parse_key(list);
        }
        let settings: Settings =
            builder.add_source(source).build().and_then(config::Config::try_deserialize).map_err(invalid)?;
        settings.check(overrides)
    }
}

/// The names of all settings in a table, those of a section behind the section's name.
fn names(table: &toml::Table, separator: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (name, value) in table {
        match value {
            toml::Value::Table(section) => {
                names.extend(section.keys().map(|key| format!("{name}{separator}{key}")))
            }
            _ => names.push(name.clone()),
        }
    }
    names
}

/// Looks for names in a settings file that are none of ours: a misspelt setting must not silently do nothing.
fn check_names(path: &Path) -> Result<(), ConfigError> {
    let invalid = |message: String| ConfigError::Invalid(format!("{}: {message}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| invalid(format!("cannot be read: {error}")))?;
    // The parser's own text quotes the line, which may hold a password.
    let given: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        invalid(format!("line {}: {}", before.matches('\n').count() + 1, error.message()))
    })?;
    let defaults: toml::Table = DEFAULT.parse().map_err(|error| ConfigError::Invalid(format!("{error}")))?;
    let known = names(&defaults, ".");
    let unknown = names(&given, ".").into_iter().filter(|name| !known.contains(name)).map(|name| {
        let hint = match name.split_once('.') {
            // Only what stands in the same section is alike: the section's name is no likeness.
            Some((section, key)) if defaults.contains_key(section) => {
                let beside =
                    || known.iter().filter_map(|known| known.strip_prefix(section)?.strip_prefix('.'));
                nearest(key, beside()).map_or_else(
                    || format!("there are {}", beside().collect::<Vec<_>>().join(", ")),
                    |near| format!("did you mean `{section}.{near}`?"),
                )
            }
            section => {
                let top = section.map_or(name.as_str(), |(section, _)| section);
                let near = nearest(top, defaults.keys().map(String::as_str));
                near.map_or_else(
                    || "`passthrough serve --print-config` shows all".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                )
            }
        };
        format!("unknown setting {name}; {hint}")
    });
    let unknown: Vec<String> = unknown.collect();
    if unknown.is_empty() { Ok(()) } else { Err(invalid(unknown.join("; "))) }
}

/// The settings among the environment's variables, without their prefix. A misspelt one of a section is
/// an error: an allow-list that silently is not there, or is, would be worse. Variables without a section
/// may be the client's and are let be.
fn known_settings(environment: HashMap<String, String>) -> Result<HashMap<String, String>, ConfigError> {
    let defaults: toml::Table = DEFAULT.parse().map_err(|error| ConfigError::Invalid(format!("{error}")))?;
    let known = names(&defaults, "__");
    let mut settings = HashMap::new();
    for (variable, value) in environment {
        let Some(name) = variable.strip_prefix(PREFIX).map(str::to_ascii_lowercase) else { continue };
        if known.contains(&name) {
            settings.insert(name, value);
        } else if name.contains("__") {
            let near = nearest(&name, known.iter().map(String::as_str));
            let hint = near.map_or_else(String::new, |near| {
                format!("; did you mean {PREFIX}{}?", near.to_ascii_uppercase())
            });
            return Err(ConfigError::Invalid(format!("unknown setting {variable}{hint}")));
        }
    }
    Ok(settings)
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Settings {
    listen: SocketAddr,
    data_dir: PathBuf,
    database_url: String,
    keyring: String,
    providers_dir: PathBuf,
    first_api_key: bool,
    server: ServerSettings,
    upstream: UpstreamSettings,
    limits: LimitSettings,
    cache: CacheSettings,
    records: RecordSettings,
    log: LogSettings,
    metrics: MetricsSettings,
    telemetry: TelemetrySettings,
    shutdown: ShutdownSettings,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ServerSettings {
    workers: usize,
    max_connections: usize,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct UpstreamSettings {
    allow: Vec<String>,
    allow_http: Vec<String>,
    allow_hosts: Vec<String>,
    dns: String,
    ca_file: PathBuf,
    max_in_flight: usize,
    max_in_flight_per_origin: usize,
    max_in_flight_per_connection: usize,
    max_wait_ms: u64,
    dns_timeout_ms: u64,
    connect_timeout_ms: u64,
    first_byte_timeout_ms: u64,
    idle_timeout_ms: u64,
    stream_idle_timeout_ms: u64,
    total_timeout_ms: u64,
    total_timeout_max_ms: u64,
    pool_idle_ms: u64,
    http2: bool,
    retries: u8,
    retry_budget_percent: u32,
    throttle_wait_ms: u64,
    breaker_failures: u32,
    breaker_open_ms: u32,
    breaker_open_max_ms: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LimitSettings {
    envelope_request_bytes: usize,
    envelope_response_bytes: usize,
    held_bytes: usize,
    rate_per_api_key: String,
    burst_per_api_key: u32,
    rate_per_connection: String,
    burst_per_connection: u32,
    rate_per_environment: String,
    burst_per_environment: u32,
    head_bytes: usize,
    head_count: usize,
    head_timeout_ms: u64,
    body_idle_timeout_ms: u64,
    keep_alive_ms: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct CacheSettings {
    api_keys: u64,
    connections: u64,
    idle_ms: u64,
    without_database_ms: u64,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RecordSettings {
    retention_days: u64,
}

/// For which passthroughs a line is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Calls {
    /// For each.
    All,
    /// For those that did not end with an answer of the provider's.
    Failures,
    /// For none.
    None,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct LogSettings {
    calls: Calls,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MetricsSettings {
    enabled: bool,
    listen: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ShutdownSettings {
    grace_ms: u64,
}

impl Settings {
    fn check(self, overrides: &Overrides) -> Result<Config, ConfigError> {
        let database_url = overrides.database_url.clone().or_else(|| non_empty(self.database_url));
        let providers_dir = (!self.providers_dir.as_os_str().is_empty()).then_some(self.providers_dir);
        let limits = self.limits;
        let cache = self.cache;
        let days = self.records.retention_days;
        Ok(Config {
            listen: overrides.listen.unwrap_or(self.listen),
            data_dir: overrides.data_dir.clone().unwrap_or(self.data_dir),
            database_url: database_url.map(Into::into),
            keyring: non_empty(self.keyring).map(Into::into),
            providers_dir: overrides.providers_dir.clone().or(providers_dir),
            first_api_key: self.first_api_key,
            allow_hosts: HostAllowList(
                self.upstream.allow_hosts.iter().map(|host| host.trim().to_ascii_lowercase()).collect(),
            ),
            deadlines: Deadlines {
                total: ms(self.upstream.total_timeout_ms),
                total_max: ms(self.upstream.total_timeout_max_ms),
                stream_idle: ms(self.upstream.stream_idle_timeout_ms),
            },
            persistence: self.upstream.persistence()?,
            server: self.server.check(),
            upstream: self.upstream.check()?,
            rates: limits.rates()?,
            limits: Limits {
                envelope_request_bytes: limits.envelope_request_bytes,
                envelope_response_bytes: limits.envelope_response_bytes,
                held_bytes: limits.held_bytes,
                // Less would refuse every request.
                head_bytes: limits.head_bytes.max(8192),
                head_count: limits.head_count,
                head_timeout: ms(limits.head_timeout_ms),
                body_idle: ms(limits.body_idle_timeout_ms),
                keep_alive: ms(limits.keep_alive_ms),
            },
            cache: Cache {
                api_keys: cache.api_keys,
                connections: cache.connections,
                idle: ms(cache.idle_ms),
                without_database: ms(cache.without_database_ms),
            },
            log_calls: self.log.calls,
            metrics: self.metrics.check()?,
            telemetry: self.telemetry.check().map_err(ConfigError::Invalid)?,
            retention: (days > 0).then(|| Duration::from_secs(days.saturating_mul(86_400))),
            grace: ms(self.shutdown.grace_ms),
        })
    }
}

impl LimitSettings {
    fn rates(&self) -> Result<Rates, ConfigError> {
        let rate = |setting: &str, text: &str, burst: u32| {
            if text.is_empty() {
                return Ok(None);
            }
            let wrong = |error| ConfigError::Invalid(format!("limits.{setting}: `{text}` {error}"));
            Ok(Some(text.parse::<Rate>().map_err(wrong)?.with_burst(burst)))
        };
        Ok(Rates {
            api_key: rate("rate_per_api_key", &self.rate_per_api_key, self.burst_per_api_key)?,
            connection: rate("rate_per_connection", &self.rate_per_connection, self.burst_per_connection)?,
            environment: rate(
                "rate_per_environment",
                &self.rate_per_environment,
                self.burst_per_environment,
            )?,
        })
    }
}

impl MetricsSettings {
    fn check(self) -> Result<Exposure, ConfigError> {
        match self.listen.as_str() {
            _ if !self.enabled => Ok(Exposure::Nowhere),
            "" => Ok(Exposure::Loopback),
            address => address.parse().map(Exposure::At).map_err(|_| {
                let message = format!("metrics.listen: `{address}` is no address such as 127.0.0.1:9464");
                ConfigError::Invalid(message)
            }),
        }
    }
}

impl ServerSettings {
    fn check(self) -> Serving {
        let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let workers = if self.workers == 0 { cores() } else { self.workers };
        Serving { workers, max_connections: self.max_connections.max(1) }
    }
}

impl UpstreamSettings {
    fn persistence(&self) -> Result<Persistence, ConfigError> {
        if self.retries > MAX_RETRIES {
            let message = format!("upstream.retries is {}; it must be 0 to {MAX_RETRIES}", self.retries);
            return Err(ConfigError::Invalid(message));
        }
        Ok(Persistence {
            retries: self.retries,
            budget_percent: self.retry_budget_percent,
            throttle_wait: ms(self.throttle_wait_ms),
            breaker: breaker::Rules {
                failures: self.breaker_failures,
                first_pause_ms: self.breaker_open_ms.into(),
                longest_pause_ms: self.breaker_open_max_ms.max(self.breaker_open_ms).into(),
            },
        })
    }

    fn check(self) -> Result<UpstreamConfig, ConfigError> {
        let (mut allow_http, mut allow_http_hosts) = (Vec::new(), Vec::new());
        for entry in self.allow_http.iter().map(|entry| entry.trim()).filter(|entry| !entry.is_empty()) {
            match network(entry) {
                Some(network) => allow_http.push(network),
                None if entry.contains('/') => return Err(no_network("upstream.allow_http", entry)),
                None => allow_http_hosts.push(entry.to_ascii_lowercase()),
            }
        }
        let allow = self.allow.iter().map(|entry| entry.trim()).filter(|entry| !entry.is_empty());
        let allow: Result<Vec<IpNet>, ConfigError> =
            allow.map(|entry| network(entry).ok_or_else(|| no_network("upstream.allow", entry))).collect();
        let dns = match self.dns.as_str() {
            "hickory" => Dns::Hickory,
            "system" => Dns::System,
            other => {
                let message = format!("upstream.dns is `{other}`; it must be hickory or system");
                return Err(ConfigError::Invalid(message));
            }
        };
        let extra_roots_pem = if self.ca_file.as_os_str().is_empty() {
            None
        } else {
            let path = self.ca_file.display().to_string();
            let read = std::fs::read(&self.ca_file);
            Some(read.map_err(|source| ConfigError::Unreadable {
                setting: "upstream.ca_file",
                path,
                source,
            })?)
        };
        Ok(UpstreamConfig {
            address_policy: AddressPolicy { allow: allow?, allow_http, allow_http_hosts },
            dns,
            extra_roots_pem,
            http2: self.http2,
            numbers: Arc::default(),
            limits: UpstreamLimits {
                in_flight: self.max_in_flight,
                per_origin: self.max_in_flight_per_origin,
                per_connection: self.max_in_flight_per_connection,
                wait: ms(self.max_wait_ms),
            },
            timeouts: Timeouts {
                dns: ms(self.dns_timeout_ms),
                connect: ms(self.connect_timeout_ms),
                first_byte: ms(self.first_byte_timeout_ms),
                idle: ms(self.idle_timeout_ms),
                pool_idle: ms(self.pool_idle_ms),
            },
        })
    }
}

/// A network, or a single address.
fn network(text: &str) -> Option<IpNet> {
    text.parse().ok().or_else(|| text.parse().ok().map(|ip: std::net::IpAddr| ip.into()))
}

fn no_network(setting: &str, entry: &str) -> ConfigError {
    ConfigError::Invalid(format!("{setting}: `{entry}` is no network such as 10.0.0.0/8"))
}

fn non_empty(text: String) -> Option<String> {
    (!text.is_empty()).then_some(text)
}

fn ms(milliseconds: u64) -> Duration {
    Duration::from_millis(milliseconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(variables: &[(&str, &str)]) -> Result<Config, ConfigError> {
        let environment = variables.iter().map(|(n, v)| ((*n).to_owned(), (*v).to_owned())).collect();
        Config::load_from(&Overrides::default(), environment)
    }

    #[test]
    fn the_defaults_are_complete() {
        let config = load(&[]).unwrap();
        assert_eq!(config.listen.to_string(), "127.0.0.1:8080");
        assert!(config.database_url.is_none());
    }

    #[test]
    fn lists_come_from_the_environment_with_commas() {
        let config = load(&[
            ("PASSTHROUGH_UPSTREAM__ALLOW", "127.0.0.0/8,::1/128"),
            ("PASSTHROUGH_UPSTREAM__ALLOW_HTTP", "127.0.0.0/8,intranet.example"),
            ("PASSTHROUGH_API_KEY", "sk_not_a_setting"),
        ])
        .unwrap();
        assert_eq!(config.upstream.address_policy.allow.len(), 2);
        assert_eq!(config.upstream.address_policy.allow_http_hosts, ["intranet.example"]);
        let config = load(&[("PASSTHROUGH_UPSTREAM__ALLOW", "10.0.0.1")]).unwrap();
        assert_eq!(config.upstream.address_policy.allow[0].to_string(), "10.0.0.1/32");
    }

    #[test]
    fn the_database_is_named_without_its_password() {
        let label = |url: &str| {
            let overrides = Overrides { database_url: Some(url.to_owned()), ..Overrides::default() };
            Config::load_from(&overrides, HashMap::new()).unwrap().database_label()
        };
        assert_eq!(
            label("postgres://user:p@ss@db.example:5432/main?password=a@b"),
            "PostgreSQL db.example:5432/main"
        );
        assert_eq!(label("sqlite:///var/lib/p.db?mode=rwc"), "SQLite /var/lib/p.db");
    }

    #[test]
    fn mistakes_are_named() {
        let message = |variables: &[(&str, &str)]| load(variables).unwrap_err().to_string();
        assert_eq!(
            message(&[("PASSTHROUGH_UPSTREAM__ALOW", "::1/128")]),
            "unknown setting PASSTHROUGH_UPSTREAM__ALOW; did you mean PASSTHROUGH_UPSTREAM__ALLOW?"
        );
        assert!(message(&[("PASSTHROUGH_UPSTREAM__ALLOW", "all")]).contains("`all` is no network"));
        assert!(message(&[("PASSTHROUGH_UPSTREAM__MAX_WAIT_MS", "soon")]).contains("max_wait_ms"));
        assert_eq!(
            message(&[("PASSTHROUGH_LIMITS__RATE_PER_CONNECTION", "5 a day")]),
            "limits.rate_per_connection: `5 a day` must be such as `100/s`, `600/m` or `5000/h`: \
             1 to 1000000 calls, at most 100000 in a second"
        );
        assert!(message(&[("PASSTHROUGH_UPSTREAM__RETRIES", "3")]).contains("must be 0 to 2"));
        assert!(message(&[("PASSTHROUGH_METRICS__LISTEN", "9464")]).contains("`9464` is no address"));
        assert!(message(&[("PASSTHROUGH_TELEMETRY__SAMPLE_RATIO", "2")]).contains("between 0 and 1"));
    }

    #[test]
    fn metrics_are_for_this_machine_unless_said_otherwise() {
        let exposure = |variables: &[_]| load(variables).unwrap().metrics;
        let own = ("PASSTHROUGH_METRICS__LISTEN", "0.0.0.0:9464");
        assert_eq!(exposure(&[]), Exposure::Loopback);
        assert_eq!(exposure(&[own]), Exposure::At(([0, 0, 0, 0], 9464).into()));
        assert_eq!(exposure(&[own, ("PASSTHROUGH_METRICS__ENABLED", "false")]), Exposure::Nowhere);
    }

    #[test]
    fn a_collector_and_its_headers_come_from_the_environment() {
        assert!(load(&[]).unwrap().telemetry.collector.is_none());
        let telemetry = load(&[
            ("PASSTHROUGH_TELEMETRY__OTLP_ENDPOINT", "https://otel.example"),
            ("PASSTHROUGH_TELEMETRY__OTLP_HEADERS", "x-key=a,x-room=b"),
        ])
        .unwrap()
        .telemetry;
        assert!(telemetry.collector.is_some() && !telemetry.forward_traceparent);
    }

    #[test]
    fn rates_and_bursts_are_read() {
        let rates = load(&[
            ("PASSTHROUGH_LIMITS__RATE_PER_API_KEY", "600/m"),
            ("PASSTHROUGH_LIMITS__BURST_PER_API_KEY", "20"),
            ("PASSTHROUGH_LIMITS__RATE_PER_CONNECTION", "5/s"),
        ])
        .unwrap()
        .rates;
        assert_eq!(rates.api_key.map(|rate| (rate.interval_us(), rate.burst())), Some((100_000, 20)));
        assert_eq!(rates.connection.map(|rate| (rate.interval_us(), rate.burst())), Some((200_000, 5)));
        assert_eq!((rates.environment, load(&[]).unwrap().rates), (None, Rates::default()));
    }
}
