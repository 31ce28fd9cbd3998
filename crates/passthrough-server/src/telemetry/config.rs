//! The settings of traces.

use std::fmt;

use http::uri::Scheme;
use http::{HeaderName, HeaderValue, Uri};
use serde::Deserialize;

/// Where a collector takes traces, below its address (OTLP/HTTP).
const PATH: &str = "/v1/traces";

/// The settings of traces, checked.
#[derive(Debug, Clone, Default)]
pub struct Telemetry {
    /// Where traces go; nowhere where it is not set.
    pub collector: Option<Collector>,
    /// The part of passthroughs that is traced where the caller does not say.
    pub sample_ratio: f64,
    /// Whether providers get to see traces.
    pub forward_traceparent: bool,
}

/// A collector.
#[derive(Clone)]
pub struct Collector {
    pub(super) tls: bool,
    pub(super) host: String,
    pub(super) port: u16,
    pub(super) path: String,
    /// What it wants to see, its own key for example. Marked sensitive.
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    /// The name that we go by there.
    pub(super) service_name: String,
}

impl fmt::Debug for Collector {
    /// Without path and headers: a key may stand in either.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Collector")
            .field("host", &self.host)
            .field("port", &self.port)
            .finish_non_exhaustive()
    }
}

/// The section `telemetry` as it is written.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TelemetrySettings {
    otlp_endpoint: String,
    otlp_headers: Vec<String>,
    service_name: String,
    sample_ratio: f64,
    forward_traceparent: bool,
}

impl TelemetrySettings {
    /// Checks them; the error says which is wrong and how it should be.
    pub fn check(self) -> Result<Telemetry, String> {
        if !(0.0..=1.0).contains(&self.sample_ratio) {
            return Err("telemetry.sample_ratio must be between 0 and 1".to_owned());
        }
        // Checked also where nobody would get them: who corrects the endpoint later should not be surprised.
        let headers = self.otlp_headers.iter().filter(|header| !header.trim().is_empty());
        let headers = headers.map(|text| header(text)).collect::<Result<Vec<_>, _>>()?;
        let collector = match self.otlp_endpoint.as_str() {
            "" => None,
            endpoint => Some(Collector::parse(endpoint, headers, &self.service_name)?),
        };
        let forward_traceparent = self.forward_traceparent;
        Ok(Telemetry { collector, sample_ratio: self.sample_ratio, forward_traceparent })
    }
}

impl Collector {
    pub(super) fn parse(
        endpoint: &str,
        headers: Vec<(HeaderName, HeaderValue)>,
        service_name: &str,
    ) -> Result<Self, String> {
        let wrong = || "telemetry.otlp_endpoint must be a URL such as http://127.0.0.1:4318".to_owned();
        let uri: Uri = endpoint.parse().map_err(|_| wrong())?;
        let tls = match uri.scheme() {
            Some(scheme) if *scheme == Scheme::HTTP => false,
            Some(scheme) if *scheme == Scheme::HTTPS => true,
            _ => return Err(wrong()),
        };
        let authority = uri.authority().ok_or_else(wrong)?;
        // It would not be sent, and a key that silently is not there is hard to find.
        if authority.as_str().contains('@') || uri.query().is_some() {
            return Err("telemetry.otlp_endpoint must have no user and no query; see otlp_headers".to_owned());
        }
        let path = uri.path().trim_end_matches('/');
        let path = if path.ends_with(PATH) { path.to_owned() } else { format!("{path}{PATH}") };
        Ok(Self {
            tls,
            host: authority.host().to_owned(),
            port: authority.port_u16().unwrap_or(if tls { 443 } else { 80 }),
            path,
            headers,
            service_name: service_name.to_owned(),
        })
    }
}

/// `name=value`, as in `x-api-key=…`. What is wrong with one is told without quoting it.
fn header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let wrong = || "telemetry.otlp_headers: each is written as name=value".to_owned();
    let (name, value) = text.split_once('=').ok_or_else(wrong)?;
    let name: HeaderName = name.trim().parse().map_err(|_| wrong())?;
    let mut value = HeaderValue::from_str(value.trim()).map_err(|_| wrong())?;
    value.set_sensitive(true);
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(endpoint: &str) -> Result<String, String> {
        let Collector { tls, host, port, path, .. } = Collector::parse(endpoint, Vec::new(), "")?;
        Ok(format!("{tls} {host} {port} {path}"))
    }

    #[test]
    fn the_endpoint_is_completed_as_other_programs_do() {
        assert_eq!(place("http://127.0.0.1:4318").unwrap(), "false 127.0.0.1 4318 /v1/traces");
        assert_eq!(place("https://otel.example/base/").unwrap(), "true otel.example 443 /base/v1/traces");
        assert_eq!(place("http://[::1]:1/v1/traces").unwrap(), "false [::1] 1 /v1/traces");
    }

    #[test]
    fn mistakes_are_told_without_what_may_be_a_key() {
        for endpoint in
            ["127.0.0.1:4318", "grpc://x:1", "/v1/traces", "http://u:s3cret@x", "http://x/?k=s3cret"]
        {
            let error = place(endpoint).unwrap_err();
            assert!(error.starts_with("telemetry.otlp_endpoint") && !error.contains("s3cret"), "{error}");
        }
        let error = header("authorization s3cret").unwrap_err();
        assert_eq!(error, "telemetry.otlp_headers: each is written as name=value");
        let headers = vec![header("authorization=Bearer s3cret=").unwrap()];
        let collector = Collector::parse("http://x", headers, "").unwrap();
        assert_eq!(collector.headers[0].1, "Bearer s3cret=");
        assert!(!format!("{collector:?} {:?}", collector.headers).contains("s3cret"));
    }
}
