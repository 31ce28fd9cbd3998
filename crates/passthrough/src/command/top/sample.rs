//! The numbers of a running server, read from its metrics text (OpenMetrics, or Prometheus' older form).
//!
//! Only what is shown is kept; names that it does not know are passed over, so that an older `top` reads a newer
//! server.

use std::collections::BTreeMap;

/// The numbers at one moment.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Sample {
    /// By provider code; the empty one stands for requests that came to no connection.
    pub providers: BTreeMap<String, Calls>,
    /// Single numbers by their full names.
    pub numbers: BTreeMap<String, f64>,
    /// The server's version.
    pub version: String,
}

/// The numbers of one provider.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Calls {
    /// By status class and error; either may be empty.
    pub ended: BTreeMap<(String, String), f64>,
    /// How many took at most so long: cumulative counts by upper bound in seconds, all doors together.
    pub durations: Vec<(f64, f64)>,
    pub in_flight: f64,
    pub bytes_out: f64,
    pub bytes_in: f64,
}

impl Sample {
    /// Reads a text. `None` where it is none of ours.
    pub fn read(text: &str) -> Option<Self> {
        let mut sample = Self::default();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((name, labels, value)) = series(line) else { continue };
            sample.take_in(name, &labels, value);
        }
        (!sample.version.is_empty()).then_some(sample)
    }

    /// A single number, 0 where there is none.
    pub fn number(&self, name: &str) -> f64 {
        self.numbers.get(name).copied().unwrap_or_default()
    }

    fn take_in(&mut self, name: &str, labels: &BTreeMap<&str, String>, value: f64) {
        let label = |name: &str| labels.get(name).cloned().unwrap_or_default();
        match name {
            "passthrough_build_info" => self.version = label("version"),
            "passthrough_requests_total" => {
                *self.of(label("provider")).ended.entry((label("status"), label("error"))).or_default() +=
                    value;
            }
            "passthrough_request_duration_seconds_bucket" => {
                let bound = match label("le").as_str() {
                    "+Inf" => f64::INFINITY,
                    bound => bound.parse().unwrap_or(f64::INFINITY),
                };
                let durations = &mut self.of(label("provider")).durations;
                match durations.iter_mut().find(|(known, _)| *known == bound) {
                    Some((_, count)) => *count += value,
                    None => durations.push((bound, value)),
                }
            }
            "passthrough_in_flight" => self.of(label("provider")).in_flight += value,
            "passthrough_request_body_bytes_total" => self.of(label("provider")).bytes_out += value,
            "passthrough_response_body_bytes_total" => self.of(label("provider")).bytes_in += value,
            _ if labels.keys().any(|name| *name == "le") => {}
            "passthrough_upstream_breakers" => {
                self.numbers.insert(format!("{name}_{}", label("state")), value);
            }
            _ => *self.numbers.entry(name.to_owned()).or_default() += value,
        }
    }

    fn of(&mut self, provider: String) -> &mut Calls {
        self.providers.entry(provider).or_default()
    }
}

/// Name, labels and value of a line: `name{label="value",…} 1.5`.
fn series(line: &str) -> Option<(&str, BTreeMap<&str, String>, f64)> {
    let (name, mut rest) = line.split_at(line.find(['{', ' '])?);
    let mut labels = BTreeMap::new();
    if let Some(inside) = rest.strip_prefix('{') {
        rest = inside;
        while !rest.starts_with('}') {
            let (label, after) = rest.split_once("=\"")?;
            let (value, after) = quoted(after)?;
            labels.insert(label, value);
            rest = after.strip_prefix(',').unwrap_or(after);
        }
        rest = rest.strip_prefix('}')?;
    }
    let value = rest.split_whitespace().next()?.parse().ok()?;
    Some((name, labels, value))
}

/// A label's value up to its closing quote, and what follows it.
fn quoted(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut rest = text.chars();
    loop {
        match rest.next()? {
            '"' => return Some((value, rest.as_str())),
            '\\' => match rest.next()? {
                'n' => value.push('\n'),
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doors_are_added_up_and_unknown_lines_are_passed_over() {
        let text = r#"
# TYPE passthrough_requests counter
passthrough_requests_total{door="proxy",provider="shop",status="2xx",error=""} 3
passthrough_requests_total{door="raw",provider="shop",status="2xx",error=""} 4
passthrough_request_duration_seconds_bucket{le="0.5",door="proxy",provider="shop"} 2
passthrough_request_duration_seconds_bucket{le="0.5",door="raw",provider="shop"} 1
passthrough_request_duration_seconds_bucket{le="+Inf",door="raw",provider="shop"} 4
passthrough_upstream_breakers{state="open"} 2
something_new{quoted="a\"},b\\"} 7
something broken
passthrough_build_info{version="9.8.7"} 1
process_open_fds 12
# EOF"#;
        let sample = Sample::read(text).unwrap();
        let shop = &sample.providers["shop"];
        assert_eq!(shop.ended[&("2xx".to_owned(), String::new())], 7.0);
        assert_eq!(shop.durations, [(0.5, 3.0), (f64::INFINITY, 4.0)]);
        assert_eq!(sample.number("passthrough_upstream_breakers_open"), 2.0);
        assert_eq!((sample.number("process_open_fds"), sample.number("none")), (12.0, 0.0));
        assert_eq!(sample.version, "9.8.7");
        assert_eq!(sample.number("something_new"), 7.0);
    }

    #[test]
    fn the_metrics_of_another_program_are_none() {
        assert_eq!(Sample::read("go_goroutines 12\n"), None);
        assert_eq!(Sample::read("<html>"), None);
    }
}
