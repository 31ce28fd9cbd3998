//! What is shown: the difference of two samples, or of one and the server's start.

use std::cmp::Ordering;

use serde::Serialize;

use super::sample::{Calls, Sample};

/// Everything on the screen, and the JSON of a snapshot. Rates are per second, durations milliseconds.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Board {
    pub version: String,
    pub uptime_seconds: f64,
    /// What the rates and quantiles are about: the last so many seconds.
    pub span_seconds: f64,
    pub calls_per_second: f64,
    pub in_flight: f64,
    pub failed_share: f64,
    pub p50_ms: Option<f64>,
    pub p99_ms: Option<f64>,
    pub sockets_idle: f64,
    pub sockets_opened_per_second: f64,
    /// Of all calls that went out, how many found a resting socket.
    pub reused_share: Option<f64>,
    pub caller_sockets: f64,
    pub breakers_open: f64,
    pub records_waiting_bytes: f64,
    pub records_dropped: f64,
    pub resident_bytes: f64,
    /// Of one processor.
    pub cpu_share: f64,
    pub open_fds: f64,
    pub max_fds: f64,
    pub providers: Vec<Row>,
}

/// The line of a provider.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Row {
    /// Empty for requests that came to no connection.
    pub provider: String,
    pub calls_per_second: f64,
    pub in_flight: f64,
    pub p50_ms: Option<f64>,
    pub p99_ms: Option<f64>,
    pub answered_4xx_per_second: f64,
    pub answered_5xx_per_second: f64,
    /// With an error of ours, or broken off.
    pub failed_per_second: f64,
    pub bytes_out_per_second: f64,
    pub bytes_in_per_second: f64,
    /// By name, the most frequent first, per second.
    pub errors: Vec<(String, f64)>,
}

/// What the lines are ordered by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Sort {
    Calls,
    Flight,
    P50,
    P99,
    Errors,
    Provider,
}

impl Board {
    /// What happened between two samples that are so many seconds apart; without an earlier one, since the start.
    /// `now` is unix time in seconds.
    pub fn new(before: Option<(&Sample, f64)>, after: &Sample, now: f64) -> Self {
        let uptime = (now - after.number("process_start_time_seconds")).max(0.0);
        let nothing = Sample::default();
        // A server that has been started anew counts from zero again.
        let same = before.filter(|(before, _)| {
            before.number("process_start_time_seconds") == after.number("process_start_time_seconds")
        });
        let (before, span) = same.unwrap_or((&nothing, uptime));
        let span = span.max(0.001);
        let per_second = |name: &str| (after.number(name) - before.number(name)).max(0.0) / span;
        let none = Calls::default();
        let mut all = Calls::default();
        let mut providers = Vec::new();
        for (provider, calls) in &after.providers {
            let change = calls.since(before.providers.get(provider).unwrap_or(&none));
            all.add(&change);
            providers.push(Row::new(provider, &change, span));
        }
        let (opened, reused) = (
            per_second("passthrough_upstream_sockets_opened_total"),
            per_second("passthrough_upstream_sockets_reused_total"),
        );
        let calls: f64 = all.ended.values().sum();
        let total = Row::new("", &all, span);
        Self {
            version: after.version.clone(),
            uptime_seconds: uptime,
            span_seconds: span,
            calls_per_second: total.calls_per_second,
            in_flight: all.in_flight,
            failed_share: if calls > 0.0 {
                (total.failed_per_second + total.answered_5xx_per_second) * span / calls
            } else {
                0.0
            },
            p50_ms: total.p50_ms,
            p99_ms: total.p99_ms,
            sockets_idle: after.number("passthrough_upstream_sockets_idle"),
            sockets_opened_per_second: opened,
            reused_share: (opened + reused > 0.0).then(|| reused / (opened + reused)),
            caller_sockets: after.number("passthrough_caller_sockets"),
            breakers_open: after.number("passthrough_upstream_breakers_open"),
            records_waiting_bytes: after.number("passthrough_records_waiting_bytes"),
            records_dropped: after.number("passthrough_records_dropped_total"),
            resident_bytes: after.number("process_resident_memory_bytes"),
            cpu_share: per_second("process_cpu_seconds_total"),
            open_fds: after.number("process_open_fds"),
            max_fds: after.number("process_max_fds"),
            providers,
        }
    }

    /// Orders the lines, the largest first, names from A.
    pub fn sort(&mut self, by: Sort, reverse: bool) {
        let order = |a: &Row, b: &Row| -> Ordering {
            let largest = |value: fn(&Row) -> f64| value(b).total_cmp(&value(a));
            let ordered = match by {
                Sort::Calls => largest(|row| row.calls_per_second),
                Sort::Flight => largest(|row| row.in_flight),
                Sort::P50 => largest(|row| row.p50_ms.unwrap_or_default()),
                Sort::P99 => largest(|row| row.p99_ms.unwrap_or_default()),
                Sort::Errors => largest(|row| row.failed_per_second + row.answered_5xx_per_second),
                Sort::Provider => Ordering::Equal,
            };
            let ordered = if reverse { ordered.reverse() } else { ordered };
            ordered.then_with(|| match (by, reverse) {
                (Sort::Provider, true) => b.provider.cmp(&a.provider),
                _ => a.provider.cmp(&b.provider),
            })
        };
        self.providers.sort_by(order);
    }
}

impl Row {
    fn new(provider: &str, change: &Calls, span: f64) -> Self {
        let sum = |wanted: &dyn Fn(&str, &str) -> bool| -> f64 {
            let found = change.ended.iter().filter(|((status, error), _)| wanted(status, error));
            found.map(|(_, count)| count).sum::<f64>() / span
        };
        let mut errors: Vec<(String, f64)> = Vec::new();
        for ((_, error), count) in
            change.ended.iter().filter(|((_, error), count)| !error.is_empty() && **count > 0.0)
        {
            match errors.iter_mut().find(|(known, _)| known == error) {
                Some((_, rate)) => *rate += count / span,
                None => errors.push((error.clone(), count / span)),
            }
        }
        errors.sort_by(|a, b| b.1.total_cmp(&a.1));
        Self {
            provider: provider.to_owned(),
            calls_per_second: sum(&|_, _| true),
            in_flight: change.in_flight,
            p50_ms: quantile(&change.durations, 0.5).map(|seconds| seconds * 1e3),
            p99_ms: quantile(&change.durations, 0.99).map(|seconds| seconds * 1e3),
            answered_4xx_per_second: sum(&|status, error| status == "4xx" && error.is_empty()),
            answered_5xx_per_second: sum(&|status, error| status == "5xx" && error.is_empty()),
            failed_per_second: sum(&|_, error| !error.is_empty()),
            bytes_out_per_second: change.bytes_out / span,
            bytes_in_per_second: change.bytes_in / span,
            errors,
        }
    }
}

impl Calls {
    /// What is new since then; in flight is as it is now.
    fn since(&self, before: &Self) -> Self {
        let count = |ended| before.ended.get(ended).copied().unwrap_or_default();
        let at = |bound: f64| {
            let found = before.durations.iter().find(|(known, _)| *known == bound);
            found.map_or(0.0, |(_, count)| *count)
        };
        Self {
            ended: self.ended.iter().map(|(key, now)| (key.clone(), (now - count(key)).max(0.0))).collect(),
            durations: self.durations.iter().map(|(le, now)| (*le, (now - at(*le)).max(0.0))).collect(),
            in_flight: self.in_flight,
            bytes_out: (self.bytes_out - before.bytes_out).max(0.0),
            bytes_in: (self.bytes_in - before.bytes_in).max(0.0),
        }
    }

    fn add(&mut self, other: &Self) {
        for (key, count) in &other.ended {
            *self.ended.entry(key.clone()).or_default() += count;
        }
        for (bound, count) in &other.durations {
            match self.durations.iter_mut().find(|(known, _)| known == bound) {
                Some((_, sum)) => *sum += count,
                None => self.durations.push((*bound, *count)),
            }
        }
        self.in_flight += other.in_flight;
        self.bytes_out += other.bytes_out;
        self.bytes_in += other.bytes_in;
    }
}

/// The duration that a share of all did not exceed, in seconds: within its bucket, as if they lay evenly. What
/// lies beyond the last bound is told as that bound.
fn quantile(durations: &[(f64, f64)], share: f64) -> Option<f64> {
    let total = durations.iter().map(|(_, count)| *count).fold(0.0, f64::max);
    if total <= 0.0 {
        return None;
    }
    let rank = total * share;
    let (mut lower, mut below) = (0.0, 0.0);
    for (bound, count) in durations {
        if *count >= rank {
            if bound.is_infinite() || *count <= below {
                return Some(lower);
            }
            return Some(lower + (bound - lower) * (rank - below) / (count - below));
        }
        (lower, below) = (*bound, *count);
    }
    Some(lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    const INF: f64 = f64::INFINITY;

    #[test]
    fn quantiles_lie_within_their_bucket() {
        let durations = [(0.1, 0.0), (0.2, 100.0), (0.5, 100.0), (INF, 100.0)];
        assert!((quantile(&durations, 0.5).unwrap() - 0.15).abs() < 1e-9);
        assert!((quantile(&durations, 0.99).unwrap() - 0.199).abs() < 1e-9);
        assert_eq!(quantile(&[(0.1, 0.0), (INF, 5.0)], 0.5), Some(0.1));
        assert_eq!(quantile(&[(0.1, 0.0), (INF, 0.0)], 0.5), None);
        assert_eq!(quantile(&[], 0.5), None);
    }

    fn sample(start: f64, count: f64) -> Sample {
        let mut sample = Sample { version: "1".to_owned(), ..Sample::default() };
        sample.numbers.insert("process_start_time_seconds".to_owned(), start);
        let shop = sample.providers.entry("shop".to_owned()).or_default();
        shop.ended.insert(("2xx".to_owned(), String::new()), count);
        shop.ended.insert((String::new(), "bad_gateway".to_owned()), count / 2.0);
        sample
    }

    #[test]
    fn rates_are_of_the_time_between_two_samples() {
        let board = Board::new(Some((&sample(1.0, 100.0), 2.0)), &sample(1.0, 140.0), 11.0);
        assert_eq!((board.uptime_seconds, board.span_seconds), (10.0, 2.0));
        assert_eq!((board.calls_per_second, board.providers[0].failed_per_second), (30.0, 10.0));
        assert_eq!(board.providers[0].errors, [("bad_gateway".to_owned(), 10.0)]);
        assert!((board.failed_share - 1.0 / 3.0).abs() < 1e-9);
    }

    #[test]
    fn without_an_earlier_sample_or_after_a_restart_they_are_of_the_time_since_the_start() {
        let board = Board::new(None, &sample(1.0, 100.0), 11.0);
        assert_eq!((board.span_seconds, board.calls_per_second), (10.0, 15.0));
        let board = Board::new(Some((&sample(1.0, 900.0), 2.0)), &sample(9.0, 10.0), 11.0);
        assert_eq!((board.span_seconds, board.calls_per_second), (2.0, 7.5));
    }
}
