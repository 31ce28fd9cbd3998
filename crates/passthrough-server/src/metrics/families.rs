//! Every metric that there is: the table behind `/metrics` and behind its chapter of the documentation.

/// What sort of number it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Histogram,
    Info,
}

/// Metrics of one name.
#[derive(Debug)]
pub(super) struct Family {
    /// Without the suffix that its kind adds.
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    #[cfg_attr(not(test), expect(dead_code, reason = "the table is what the documentation is held against"))]
    pub(super) labels: &'static [&'static str],
    pub(super) help: &'static str,
}

macro_rules! families {
    ($($constant:ident: $kind:ident $name:literal [$($label:literal)*] $help:literal,)*) => {
        $(pub(super) const $constant: Family =
            Family { name: $name, kind: Kind::$kind, labels: &[$($label),*], help: $help };)*
        /// All of them.
        #[cfg(test)]
        pub(super) const ALL: &[Family] = &[$($constant),*];
    };
}

families! {
    REQUESTS: Counter "passthrough_requests" ["door" "provider" "status" "error"]
        "Passthroughs that have ended; status is the class of the provider's status, error our code or how it ended early",
    DURATION: Histogram "passthrough_request_duration_seconds" ["door" "provider"]
        "From the head of a passthrough to the end of its answer",
    FIRST_BYTE: Histogram "passthrough_first_byte_seconds" ["provider"]
        "From the begin of a call to the head of the provider's answer, waiting and connecting included",
    IN_FLIGHT: Gauge "passthrough_in_flight" ["provider"]
        "Passthroughs under way",
    REFRESHES: Counter "passthrough_refreshes" ["provider" "outcome"]
        "Refreshes of credentials: fresh, ended (the end user must link again) or failed (tried again later)",
    REQUEST_BYTES: Counter "passthrough_request_body_bytes" ["door" "provider"]
        "Bytes of bodies to providers, counted at the end of a passthrough",
    RESPONSE_BYTES: Counter "passthrough_response_body_bytes" ["door" "provider"]
        "Bytes of bodies from providers, counted at the end of a passthrough",
    QUEUE: Histogram "passthrough_upstream_queue_seconds" []
        "How long calls waited for their places in flight",
    CONNECT: Histogram "passthrough_upstream_connect_seconds" []
        "How long connecting to providers took: name, TCP and TLS",
    RETRIES: Counter "passthrough_upstream_retries" []
        "Repetitions of calls to providers",
    POOL_IDLE: Gauge "passthrough_upstream_sockets_idle" []
        "Sockets to providers that rest",
    POOL_OPENED: Counter "passthrough_upstream_sockets_opened" []
        "Sockets to providers that were opened",
    POOL_REUSED: Counter "passthrough_upstream_sockets_reused" []
        "Calls on a socket that had served before",
    POOL_CLOSED: Counter "passthrough_upstream_sockets_closed" ["reason"]
        "Sockets to providers that were closed, by reason",
    BREAKERS: Gauge "passthrough_upstream_breakers" ["state"]
        "Origins that are left alone (open) or tried with one call (probing)",
    BREAKERS_OPENED: Counter "passthrough_upstream_breakers_opened" []
        "How often an origin began to be left alone",
    LIMITED: Counter "passthrough_limited" []
        "Passthroughs that a limit of ours refused",
    THROTTLED: Gauge "passthrough_throttled_connections" []
        "Connections whose provider said not to come before a time",
    HELD: Gauge "passthrough_held_body_bytes" []
        "Memory of large bodies that are held whole",
    CALLERS_OPEN: Gauge "passthrough_caller_sockets" []
        "Sockets of callers",
    CALLERS_ACCEPTED: Counter "passthrough_caller_sockets_accepted" []
        "Sockets of callers that were accepted",
    RECORDS_WAITING: Gauge "passthrough_records_waiting_bytes" []
        "Memory of records that are not yet written",
    RECORDS_WRITTEN: Counter "passthrough_records_written" []
        "Records written to the database",
    RECORDS_DROPPED: Counter "passthrough_records_dropped" []
        "Records lost because the database did not keep up",
    SPANS_EXPORTED: Counter "passthrough_spans_exported" []
        "Spans that the collector took",
    SPANS_DROPPED: Counter "passthrough_spans_dropped" []
        "Spans lost because the collector was away or did not keep up",
    BUILD: Info "passthrough_build" ["version"]
        "Which program this is",
    START_TIME: Gauge "process_start_time_seconds" []
        "Unix time of the start",
    CPU: Counter "process_cpu_seconds" []
        "Processor time used",
    RESIDENT: Gauge "process_resident_memory_bytes" []
        "Memory held",
    OPEN_FDS: Gauge "process_open_fds" []
        "Open file descriptors",
    MAX_FDS: Gauge "process_max_fds" []
        "The most that may be open",
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Family {
        fn row(&self) -> String {
            let (suffix, kind) = match self.kind {
                Kind::Counter => ("_total", "counter"),
                Kind::Gauge => ("", "gauge"),
                Kind::Histogram => ("", "histogram"),
                Kind::Info => ("_info", "info"),
            };
            let labels: Vec<String> = self.labels.iter().map(|label| format!("`{label}`")).collect();
            format!("| `{}{suffix}` | {kind} | {} | {} |", self.name, labels.join(", "), self.help)
        }
    }

    #[test]
    fn the_documentation_has_a_row_for_each_metric_and_for_no_other() {
        let file = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs/OPERATIONS.md");
        let text = std::fs::read_to_string(file).unwrap();
        let rows: Vec<&str> = text
            .lines()
            .filter(|line| line.starts_with("| `passthrough_") || line.starts_with("| `process_"))
            .collect();
        let ours: Vec<String> = ALL.iter().map(Family::row).collect();
        assert_eq!(rows, ours, "\n{}\n", ours.join("\n"));
    }
}
