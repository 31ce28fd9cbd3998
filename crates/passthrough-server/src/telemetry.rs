//! Traces: what a passthrough spent its time on, told to an OpenTelemetry collector over OTLP.
//!
//! The steps of a passthrough are marked on the way and made into spans at its end, in the background. A
//! passthrough that is not sampled carries nothing, so where no collector is set up, tracing costs nothing.
//! A span holds names, numbers and ids; never a header, a path, a query, a body or a host.
//!
//! What is sent goes to the configured collector alone, through a small sender of its own: this is no second
//! way to providers.

mod config;
mod context;
mod export;
mod otlp;
mod span;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use passthrough_core::header::Fields;
use passthrough_vault::random;

pub use config::{Collector, Telemetry, TelemetrySettings};
pub use context::Context;
pub use span::{Finish, Stage, Trace};

use crate::clock::Clock;
use crate::metrics::Metrics;
use span::Finished;

/// How many finished traces may wait for the collector.
const MAX_WAITING: usize = 8_192;

const TRACEPARENT: &str = "traceparent";
const TRACESTATE: &str = "tracestate";

/// Begins traces and keeps the finished ones until they are sent. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Traces {
    on: Option<Arc<On>>,
    forward: bool,
}

/// What there is where a collector is set up.
pub(crate) struct On {
    collector: Collector,
    sample_ratio: f64,
    clock: Clock,
    metrics: Arc<Metrics>,
    waiting: Mutex<Vec<Finished>>,
}

impl fmt::Debug for On {
    /// Without what is waiting.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("On").field("collector", &self.collector).finish_non_exhaustive()
    }
}

impl Traces {
    /// Traces by the settings; none where no collector is named.
    pub fn new(settings: &Telemetry, clock: Clock, metrics: Arc<Metrics>) -> Self {
        let on = settings.collector.clone().map(|collector| {
            let sample_ratio = settings.sample_ratio;
            Arc::new(On { collector, sample_ratio, clock, metrics, waiting: Mutex::default() })
        });
        Self { on, forward: settings.forward_traceparent }
    }

    /// The caller's trace, read from its request's headers.
    pub fn context(&self, fields: &Fields) -> Option<Context> {
        self.on.as_ref()?;
        // Two of them contradict each other, so there is none (W3C Trace Context section 3.2.2).
        fields.only(TRACEPARENT).and_then(|value| Context::parse(value))
    }

    /// Takes the caller's trace out of the headers for the provider, unless they are to go along: ids that
    /// the caller's other systems share are nothing that a provider needs to see.
    pub fn hold_back(&self, fields: &mut Fields) {
        if !self.forward && fields.contains(TRACEPARENT) | fields.contains(TRACESTATE) {
            fields.remove(TRACEPARENT);
            fields.remove(TRACESTATE);
        }
    }

    /// Lets the provider continue this trace, where that is set up.
    pub fn continue_in(&self, trace: Option<&Trace>, fields: &mut Fields) {
        if let (true, Some(trace)) = (self.forward, trace) {
            fields.set(TRACEPARENT, trace.header());
        }
    }

    /// Begins a trace, if this passthrough is sampled: by the caller's word where it has one, else by chance.
    pub fn begin(&self, context: Option<Context>) -> Option<Box<Trace>> {
        let on = self.on.as_ref()?;
        let ids: [u8; 24] = random();
        let sampled = match context {
            Some(context) => context.sampled,
            None => is_chosen(&ids, on.sample_ratio),
        };
        sampled.then(|| Box::new(Trace::new(Arc::clone(on), context, ids, on.clock.now_ms())))
    }
}

/// Whether chance, of which `ids` is made, falls into so large a part of all cases.
fn is_chosen(ids: &[u8; 24], ratio: f64) -> bool {
    let [a, b, c, d, ..] = *ids;
    f64::from(u32::from_be_bytes([a, b, c, d])) < ratio * (f64::from(u32::MAX) + 1.0)
}

impl On {
    fn take_in(&self, finished: Finished) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() < MAX_WAITING {
            waiting.push(finished);
        } else {
            drop(waiting);
            self.metrics.spans.dropped.add(finished.spans() as u64);
        }
    }

    fn take_out(&self) -> Vec<Finished> {
        std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn traces(sample_ratio: f64, forward_traceparent: bool) -> Traces {
        let collector = Collector::parse("http://127.0.0.1:1", Vec::new(), "test").unwrap();
        let settings = Telemetry { collector: Some(collector), sample_ratio, forward_traceparent };
        let metrics = Metrics::new(std::iter::empty(), Arc::default(), 0);
        Traces::new(&settings, Clock::System, Arc::new(metrics))
    }

    fn off(forward_traceparent: bool) -> Traces {
        let settings = Telemetry { forward_traceparent, ..Telemetry::default() };
        let metrics = Metrics::new(std::iter::empty(), Arc::default(), 0);
        Traces::new(&settings, Clock::System, Arc::new(metrics))
    }

    const PARENT: &str = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";

    fn fields() -> Fields {
        let mut fields = Fields::default();
        fields.push("TraceParent", PARENT);
        fields.push("tracestate", "a=b");
        fields.push("Accept", "*/*");
        fields
    }

    #[test]
    fn nothing_is_traced_without_a_collector() {
        let traces = off(false);
        assert!(traces.context(&fields()).is_none());
        assert!(traces.begin(Context::parse(PARENT.as_bytes())).is_none());
    }

    #[test]
    fn the_callers_trace_stays_here_unless_it_is_to_go_along() {
        for traces in [off(false), traces(1.0, false)] {
            let mut held = fields();
            traces.hold_back(&mut held);
            assert_eq!(held.iter().map(|(name, _)| name).collect::<Vec<_>>(), ["Accept"]);
            let trace = traces.begin(None);
            traces.continue_in(trace.as_deref(), &mut held);
            assert!(!held.contains(TRACEPARENT));
        }
        let mut kept = fields();
        off(true).hold_back(&mut kept);
        assert_eq!(kept, fields());
    }

    #[test]
    fn a_provider_continues_the_callers_trace_under_our_span() {
        let traces = traces(0.0, true);
        let mut sent = fields();
        let trace = traces.begin(traces.context(&sent)).unwrap();
        traces.continue_in(Some(&trace), &mut sent);
        let sent = String::from_utf8(sent.only(TRACEPARENT).unwrap().to_vec()).unwrap();
        assert!(sent.starts_with("00-0af7651916cd43dd8448eb211c80319c-") && sent.ends_with("-01"), "{sent}");
        assert_ne!(sent, PARENT);
    }

    #[test]
    fn two_traceparents_are_none() {
        let mut twice = fields();
        twice.push("traceparent", PARENT);
        assert!(traces(1.0, false).context(&twice).is_none());
    }

    #[test]
    fn the_callers_word_decides_and_else_chance() {
        let word = |flags: &str| Context::parse(format!("{}{flags}", &PARENT[..53]).as_bytes());
        assert!(traces(0.0, false).begin(word("01")).is_some());
        assert!(traces(1.0, false).begin(word("00")).is_none());
        assert!(traces(1.0, false).begin(None).is_some());
        assert!(traces(0.0, false).begin(None).is_none());
        let half = traces(0.5, false);
        let sampled = (0..1000).filter(|_| half.begin(None).is_some()).count();
        assert!((350..650).contains(&sampled), "{sampled}");
    }
}
