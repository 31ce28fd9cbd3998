//! The numbers as OpenMetrics text, which Prometheus and its kin read.

use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, MetricEncoder, NoLabelSet, text};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;
use prometheus_client::registry::Registry;

use super::families::{self as family, Family, Kind};
use super::number::{Counter, Gauge, Histogram};
use super::process::Process;
use super::provider::Provider;
use super::{Metrics, Now, Upstream};

/// The media type of the text.
pub const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Writes everything.
pub(super) fn write(metrics: &Arc<Metrics>, now: Now) -> String {
    let mut registry = Registry::default();
    let look = Look { metrics: Arc::clone(metrics), now, process: Process::look() };
    registry.register_collector(Box::new(look));
    let mut written = String::new();
    // Writing to a string does not fail; if it did, the missing end mark would tell.
    let _ = text::encode(&mut written, &registry);
    written
}

/// The numbers at one moment.
#[derive(Debug)]
struct Look {
    metrics: Arc<Metrics>,
    now: Now,
    process: Process,
}

impl Collector for Look {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut out = Out(encoder);
        out.providers(&self.metrics)?;
        out.upstream(&self.metrics.upstream, &self.now)?;
        out.program(&self.metrics, &self.now)?;
        out.process(&self.process)
    }
}

struct Out<'a>(DescriptorEncoder<'a>);

impl Out<'_> {
    fn providers(&mut self, metrics: &Metrics) -> fmt::Result {
        let at_doors =
            || metrics.all().flat_map(|each| each.used().map(|(door, at)| (each.code.as_str(), door, at)));
        let mut requests = self.family(&family::REQUESTS)?;
        for (provider, door, at) in at_doors() {
            for (status, error, count) in at.counts() {
                let labels = [("door", door), ("provider", provider), ("status", status), ("error", error)];
                counter(&mut requests, &labels, count)?;
            }
        }
        let mut durations = self.family(&family::DURATION)?;
        for (provider, door, at) in at_doors() {
            histogram(&mut durations, &[("door", door), ("provider", provider)], &at.duration)?;
        }
        self.by_provider(&family::FIRST_BYTE, metrics, |out, labels, provider| {
            if provider.first_byte.is_empty() { Ok(()) } else { histogram(out, labels, &provider.first_byte) }
        })?;
        self.by_provider(&family::IN_FLIGHT, metrics, |out, labels, provider| {
            // A gauge that was there must not vanish at zero: who was in flight has ended, and was counted.
            let known = provider.in_flight.get() != 0 || provider.used().next().is_some();
            if known { gauge(out, labels, provider.in_flight.get()) } else { Ok(()) }
        })?;
        let mut refreshes = self.family(&family::REFRESHES)?;
        for provider in metrics.all() {
            for (outcome, count) in provider.refreshes() {
                counter(&mut refreshes, &[("provider", &provider.code), ("outcome", outcome)], count)?;
            }
        }
        let mut sent = self.family(&family::REQUEST_BYTES)?;
        for (provider, door, at) in at_doors() {
            counter(&mut sent, &[("door", door), ("provider", provider)], at.request_bytes.get())?;
        }
        let mut received = self.family(&family::RESPONSE_BYTES)?;
        for (provider, door, at) in at_doors() {
            counter(&mut received, &[("door", door), ("provider", provider)], at.response_bytes.get())?;
        }
        Ok(())
    }

    fn upstream(&mut self, upstream: &Upstream, now: &Now) -> fmt::Result {
        histogram(&mut self.family(&family::QUEUE)?, &[], &upstream.queue)?;
        histogram(&mut self.family(&family::CONNECT)?, &[], &upstream.connect)?;
        self.counter(&family::RETRIES, &upstream.retries)?;
        self.size(&family::POOL_IDLE, now.resting_sockets)?;
        self.counter(&family::POOL_OPENED, &upstream.opened)?;
        self.counter(&family::POOL_REUSED, &upstream.reused)?;
        let mut closed = self.family(&family::POOL_CLOSED)?;
        for (reason, count) in upstream.closed_by_reason() {
            counter(&mut closed, &[("reason", reason)], count)?;
        }
        let mut breakers = self.family(&family::BREAKERS)?;
        gauge(&mut breakers, &[("state", "open")], upstream.breakers.open.get())?;
        gauge(&mut breakers, &[("state", "probing")], upstream.breakers.probing.get())?;
        self.counter(&family::BREAKERS_OPENED, &upstream.breakers.opened)
    }

    fn program(&mut self, metrics: &Metrics, now: &Now) -> fmt::Result {
        counter(&mut self.family(&family::LIMITED)?, &[], now.limited)?;
        self.size(&family::THROTTLED, now.throttled)?;
        self.size(&family::HELD, now.held_bytes)?;
        self.gauge(&family::CALLERS_OPEN, &metrics.callers.open)?;
        self.counter(&family::CALLERS_ACCEPTED, &metrics.callers.accepted)?;
        self.size(&family::RECORDS_WAITING, now.record_bytes)?;
        self.counter(&family::RECORDS_WRITTEN, &metrics.records.written)?;
        self.counter(&family::RECORDS_DROPPED, &metrics.records.dropped)?;
        self.counter(&family::SPANS_EXPORTED, &metrics.spans.exported)?;
        self.counter(&family::SPANS_DROPPED, &metrics.spans.dropped)?;
        self.family(&family::BUILD)?.encode_info(&[("version", env!("CARGO_PKG_VERSION"))])?;
        let started = metrics.started_at_ms as f64 / 1e3;
        self.family(&family::START_TIME)?.encode_gauge(&started)
    }

    fn process(&mut self, process: &Process) -> fmt::Result {
        let mut cpu = self.family(&family::CPU)?;
        cpu.encode_counter::<NoLabelSet, f64, f64>(&process.cpu_seconds, None::<&Exemplar<_, _>>)?;
        let known = [
            (&family::RESIDENT, process.resident_bytes),
            (&family::OPEN_FDS, process.open_fds),
            (&family::MAX_FDS, process.max_fds),
        ];
        for (family, value) in known {
            if let Some(value) = value {
                self.family(family)?.encode_gauge(&value)?;
            }
        }
        Ok(())
    }

    fn family(&mut self, family: &'static Family) -> Result<MetricEncoder<'_>, fmt::Error> {
        let kind = match family.kind {
            Kind::Counter => MetricType::Counter,
            Kind::Gauge => MetricType::Gauge,
            Kind::Histogram => MetricType::Histogram,
            Kind::Info => MetricType::Info,
        };
        self.0.encode_descriptor(family.name, family.help, None, kind)
    }

    fn by_provider(
        &mut self,
        family: &'static Family,
        metrics: &Metrics,
        write: impl Fn(&mut MetricEncoder<'_>, &[(&str, &str)], &Provider) -> fmt::Result,
    ) -> fmt::Result {
        let mut out = self.family(family)?;
        metrics.all().try_for_each(|each| write(&mut out, &[("provider", each.code.as_str())], each))
    }

    fn counter(&mut self, family: &'static Family, value: &Counter) -> fmt::Result {
        counter(&mut self.family(family)?, &[], value.get())
    }

    fn size(&mut self, family: &'static Family, value: usize) -> fmt::Result {
        self.family(family)?.encode_gauge(&value)
    }

    fn gauge(&mut self, family: &'static Family, value: &Gauge) -> fmt::Result {
        gauge(&mut self.family(family)?, &[], value.get())
    }
}

fn counter(out: &mut MetricEncoder<'_>, labels: &[(&str, &str)], value: u64) -> fmt::Result {
    let write = |out: &mut MetricEncoder<'_>| out.encode_counter::<NoLabelSet, u64, f64>(&value, None);
    if labels.is_empty() { write(out) } else { write(&mut out.encode_family(&labels)?) }
}

fn gauge(out: &mut MetricEncoder<'_>, labels: &[(&str, &str)], value: i64) -> fmt::Result {
    let write = |out: &mut MetricEncoder<'_>| out.encode_gauge(&value);
    if labels.is_empty() { write(out) } else { write(&mut out.encode_family(&labels)?) }
}

fn histogram(out: &mut MetricEncoder<'_>, labels: &[(&str, &str)], value: &Histogram) -> fmt::Result {
    let (sum, count, buckets) = value.read();
    let write = |out: &mut MetricEncoder<'_>| out.encode_histogram::<NoLabelSet>(sum, count, &buckets, None);
    if labels.is_empty() { write(out) } else { write(&mut out.encode_family(&labels)?) }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::time::Duration;

    use passthrough_core::fault::Door;
    use passthrough_wire::error::ErrorCode;

    use super::super::families::ALL;
    use super::super::{Closed, Ended, Failure};
    use super::*;

    fn some() -> Arc<Metrics> {
        let metrics = Arc::new(Metrics::new(["shop", "unused"].into_iter(), Arc::default(), 1_500));
        let shop = metrics.provider("shop");
        let took = Duration::from_millis(7);
        let ended = Ended { status: Some(200), duration: took, response_bytes: 5, ..Ended::default() };
        shop.ended(Door::Proxy, ended);
        shop.first_byte.observe(took);
        shop.in_flight.increment();
        metrics.upstream.queue.observe(took);
        metrics.upstream.connect.observe(took);
        metrics.upstream.closed(Closed::NotReusable);
        let failure = Some(Failure::Code(ErrorCode::Unauthorized));
        metrics.none().ended(Door::Envelope, Ended { failure, ..Ended::default() });
        metrics
    }

    #[test]
    fn what_was_counted_is_told() {
        let text = some().text(Now::default());
        for line in [
            r#"passthrough_requests_total{door="envelope",provider="",status="",error="unauthorized"} 1"#,
            r#"passthrough_requests_total{door="proxy",provider="shop",status="2xx",error=""} 1"#,
            r#"passthrough_request_duration_seconds_bucket{le="0.01",door="proxy",provider="shop"} 1"#,
            r#"passthrough_request_duration_seconds_bucket{le="0.005",door="proxy",provider="shop"} 0"#,
            r#"passthrough_request_duration_seconds_sum{door="proxy",provider="shop"} 0.007"#,
            r#"passthrough_request_duration_seconds_count{door="proxy",provider="shop"} 1"#,
            r#"passthrough_first_byte_seconds_bucket{le="+Inf",provider="shop"} 1"#,
            r#"passthrough_in_flight{provider="shop"} 1"#,
            r#"passthrough_response_body_bytes_total{door="proxy",provider="shop"} 5"#,
            r#"passthrough_upstream_sockets_closed_total{reason="not_reusable"} 1"#,
            r#"passthrough_upstream_queue_seconds_count 1"#,
            "process_start_time_seconds 1.5",
            "# TYPE passthrough_requests counter",
        ] {
            assert!(text.lines().any(|found| found == line), "{line}\n{text}");
        }
        assert!(text.ends_with("# EOF\n"));
        assert!(!text.contains("unused"), "providers that nobody calls make no series: {text}");
    }

    #[test]
    fn the_table_names_what_is_told_and_its_labels_and_nothing_else() {
        let text = some().text(Now::default());
        let told: Vec<&str> = text.lines().filter_map(|line| line.strip_prefix("# TYPE ")).collect();
        let names: Vec<&str> = told.iter().filter_map(|line| line.split(' ').next()).collect();
        let table: Vec<&str> = ALL.iter().map(|family| family.name).collect();
        assert_eq!(names, table);
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let family = ALL.iter().filter(|family| line.starts_with(family.name));
            let family = family.max_by_key(|family| family.name.len()).unwrap_or_else(|| panic!("{line}"));
            let labels =
                line.split_once('{').map_or("", |(_, rest)| rest.split('}').next().unwrap_or_default());
            let found: BTreeSet<&str> = labels
                .split(',')
                .filter_map(|label| label.split('=').next())
                .filter(|name| !name.is_empty() && *name != "le")
                .collect();
            assert_eq!(found, family.labels.iter().copied().collect(), "{line}");
        }
    }

    #[test]
    fn a_provider_that_the_catalog_has_not_makes_no_series() {
        let metrics = some();
        metrics.provider("cnryQx7Zk9").ended(Door::Raw, Ended::default());
        let text = metrics.text(Now { limited: 3, ..Now::default() });
        assert!(!text.contains("cnryQx7Zk9"), "{text}");
        assert!(text.contains(r#"passthrough_requests_total{door="raw",provider="",status="",error=""} 1"#));
        assert!(text.contains("passthrough_limited_total 3\n"));
    }
}
