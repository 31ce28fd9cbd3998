//! From what was written to what it means: whatever cannot be used is refused here, by the name of its setting.

use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use passthrough_core::address::AddressPolicy;
use passthrough_core::breaker;
use passthrough_core::limit::Rate;
use passthrough_core::provider::HostAllowList;
use passthrough_core::retry::MAX_RETRIES;

use super::settings::{
    LimitSettings, LogSettings, MetricsSettings, RefreshSettings, ServerSettings, Settings, UpstreamSettings,
};
use super::{
    Cache, Calls, Config, ConfigError, Deadlines, Exposure, Limits, Overrides, Persistence, Refresh, Serving,
};
use crate::limits::Rates;
use crate::upstream::{Dns, Limits as UpstreamLimits, Timeouts, UpstreamConfig};

impl Settings {
    /// What they mean, under what the command line says.
    pub(super) fn check(self, overrides: &Overrides) -> Result<Config, ConfigError> {
        let database_url = overrides.database_url.clone().or_else(|| non_empty(self.database_url));
        let providers_dir = (!self.providers_dir.as_os_str().is_empty()).then_some(self.providers_dir);
        let limits = self.limits;
        limits.check_bounds()?;
        let cache = self.cache;
        let days = self.records.retention_days;
        // Also where a flag replaces it: a mistake should not wait for the day when the flag is left out.
        let listen = self.listen.parse().map_err(|_| {
            ConfigError::Invalid(format!("listen: `{}` is no address such as 127.0.0.1:8080", self.listen))
        })?;
        Ok(Config {
            listen: overrides.listen.unwrap_or(listen),
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
            server: self.server.check()?,
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
            refresh: self.refresh.check()?,
            log_calls: self.log.check()?,
            metrics: self.metrics.check()?,
            link: self.link.check(overrides.listen.unwrap_or(listen))?,
            telemetry: self.telemetry.check().map_err(ConfigError::Invalid)?,
            retention: (days > 0).then(|| Duration::from_secs(days.saturating_mul(86_400))),
            grace: ms(self.shutdown.grace_ms),
        })
    }
}

impl LimitSettings {
    /// What would refuse or end every request if it were 0.
    fn check_bounds(&self) -> Result<(), ConfigError> {
        at_least_one(&[
            ("limits.envelope_request_bytes", self.envelope_request_bytes as u64),
            ("limits.envelope_response_bytes", self.envelope_response_bytes as u64),
            ("limits.head_count", self.head_count as u64),
            ("limits.head_timeout_ms", self.head_timeout_ms),
            ("limits.body_idle_timeout_ms", self.body_idle_timeout_ms),
        ])
    }

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

impl RefreshSettings {
    fn check(self) -> Result<Refresh, ConfigError> {
        let (token, lease) = (self.token_timeout_ms, self.lease_ms);
        // A lease that ended while the provider still answers would let a second process use the same token.
        if token == 0 || lease < token.saturating_mul(2) {
            let message =
                format!("refresh.lease_ms is {lease}; it must be at least twice refresh.token_timeout_ms");
            return Err(ConfigError::Invalid(message));
        }
        Ok(Refresh { token_timeout: ms(token), lease: ms(lease) })
    }
}

impl LogSettings {
    fn check(&self) -> Result<Calls, ConfigError> {
        match self.calls.as_str() {
            "all" => Ok(Calls::All),
            "failures" => Ok(Calls::Failures),
            "none" => Ok(Calls::None),
            other => {
                let message = format!("log.calls is `{other}`; it must be all, failures or none");
                Err(ConfigError::Invalid(message))
            }
        }
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
    fn check(self) -> Result<Serving, ConfigError> {
        at_least_one(&[("server.max_connections", self.max_connections as u64)])?;
        let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let workers = if self.workers == 0 { cores() } else { self.workers };
        Ok(Serving { workers, max_connections: self.max_connections })
    }
}

impl UpstreamSettings {
    fn persistence(&self) -> Result<Persistence, ConfigError> {
        let retries = u8::try_from(self.retries).ok().filter(|retries| *retries <= MAX_RETRIES);
        let wrong = || format!("upstream.retries is {}; it must be 0 to {MAX_RETRIES}", self.retries);
        Ok(Persistence {
            retries: retries.ok_or_else(|| ConfigError::Invalid(wrong()))?,
            budget_percent: self.retry_budget_percent,
            throttle_wait: ms(self.throttle_wait_ms),
            breaker: breaker::Rules {
                failures: self.breaker_failures,
                first_pause_ms: self.breaker_open_ms.into(),
                longest_pause_ms: self.breaker_open_max_ms.max(self.breaker_open_ms).into(),
            },
        })
    }

    /// What would refuse or end every call if it were 0.
    fn check_bounds(&self) -> Result<(), ConfigError> {
        at_least_one(&[
            ("upstream.max_in_flight", self.max_in_flight as u64),
            ("upstream.max_in_flight_per_origin", self.max_in_flight_per_origin as u64),
            ("upstream.max_in_flight_per_connection", self.max_in_flight_per_connection as u64),
            ("upstream.dns_timeout_ms", self.dns_timeout_ms),
            ("upstream.connect_timeout_ms", self.connect_timeout_ms),
            ("upstream.first_byte_timeout_ms", self.first_byte_timeout_ms),
            ("upstream.idle_timeout_ms", self.idle_timeout_ms),
            ("upstream.stream_idle_timeout_ms", self.stream_idle_timeout_ms),
            ("upstream.total_timeout_ms", self.total_timeout_ms),
            ("upstream.total_timeout_max_ms", self.total_timeout_max_ms),
        ])
    }

    fn check(self) -> Result<UpstreamConfig, ConfigError> {
        self.check_bounds()?;
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

/// Settings that nothing works with if they are 0. Who means "no bound" learns that a large number says so.
fn at_least_one(settings: &[(&str, u64)]) -> Result<(), ConfigError> {
    match settings.iter().find(|(_, value)| *value == 0) {
        Some((name, _)) => {
            let message = format!("{name} is 0, with which no call could succeed; it must be at least 1");
            Err(ConfigError::Invalid(message))
        }
        None => Ok(()),
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
