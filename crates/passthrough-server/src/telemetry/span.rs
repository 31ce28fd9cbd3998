//! A trace in the making, and what is left of it for the collector.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use passthrough_core::id::RequestId;

use super::On;
use super::context::Context;

/// A step of a passthrough.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// Accepting the API key.
    Authenticate,
    /// Finding the connection.
    Resolve,
    /// Waiting for a fresh credential.
    Refresh,
    /// Sending, up to the head of the provider's answer.
    Send,
    /// From there to the end of the caller's answer.
    Shape,
}

impl Stage {
    pub(super) fn name(self) -> &'static str {
        match self {
            Stage::Authenticate => "authenticate",
            Stage::Resolve => "resolve",
            Stage::Refresh => "refresh",
            Stage::Send => "send",
            Stage::Shape => "shape",
        }
    }
}

/// A part of the time, from the trace's begin.
#[derive(Debug, Clone, Copy)]
pub(super) struct Part {
    pub(super) from: Duration,
    pub(super) to: Duration,
}

/// What is known at the end of a passthrough.
#[derive(Debug, Clone, Default)]
pub struct Finish {
    /// The id that the caller saw.
    pub request_id: Option<RequestId>,
    /// The door, by its name.
    pub door: &'static str,
    /// The method.
    pub method: String,
    /// The provider's code.
    pub provider: Option<String>,
    /// The provider's status.
    pub status: Option<u16>,
    /// What went wrong.
    pub error: Option<&'static str>,
    /// How often the provider was called.
    pub attempts: u32,
}

/// A passthrough that is traced.
pub struct Trace {
    on: Arc<On>,
    ids: Ids,
    began: Instant,
    began_unix_ms: i64,
    stages: Vec<(Stage, Part)>,
    under_way: Option<(Stage, Duration)>,
    connect: Option<Part>,
}

/// Who a trace's spans are.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ids {
    pub(super) trace: [u8; 16],
    /// The caller's span.
    pub(super) parent: Option<[u8; 8]>,
    /// The first of ours; the others follow.
    first: u64,
}

impl Ids {
    pub(super) fn span(self, index: u64) -> [u8; 8] {
        // Zero is no id.
        self.first.wrapping_add(index).max(1).to_be_bytes()
    }
}

/// The span of the sending, which providers may continue.
pub(super) const SEND: u64 = 1;

impl fmt::Debug for Trace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trace").field("ids", &self.ids).finish_non_exhaustive()
    }
}

impl Trace {
    pub(super) fn new(on: Arc<On>, context: Option<Context>, ids: [u8; 24], began_unix_ms: i64) -> Self {
        let (own, rest) = ids.split_at(16);
        let mut trace = [0; 16];
        trace.copy_from_slice(own);
        let first = rest.iter().fold(0, |id, byte| (id << 8) | u64::from(*byte));
        let ids = Ids {
            trace: context.map_or(trace, |context| context.trace_id),
            parent: context.map(|context| context.span_id),
            first,
        };
        let stages = Vec::with_capacity(4);
        Self { on, ids, began: Instant::now(), began_unix_ms, stages, under_way: None, connect: None }
    }

    /// A step begins, and the one before it ends.
    pub fn stage(&mut self, stage: Stage) {
        let now = self.began.elapsed();
        self.end_stage(now);
        self.under_way = Some((stage, now));
    }

    fn end_stage(&mut self, now: Duration) {
        if let Some((stage, from)) = self.under_way.take() {
            self.stages.push((stage, Part { from, to: now }));
        }
    }

    /// A connection to the provider was opened.
    pub fn connected(&mut self, from: Instant, to: Instant) {
        let since = |at: Instant| at.saturating_duration_since(self.began);
        self.connect = Some(Part { from: since(from), to: since(to) });
    }

    /// What a provider is told, so that it may continue the trace.
    pub(super) fn header(&self) -> String {
        let span_id = self.ids.span(SEND);
        Context { trace_id: self.ids.trace, span_id, sampled: true }.header()
    }

    /// The passthrough is over.
    pub fn finish(mut self, finish: Finish) {
        let took = self.began.elapsed();
        self.end_stage(took);
        let Self { on, ids, began_unix_ms, stages, connect, .. } = self;
        on.take_in(Finished { ids, began_unix_ms, took, stages, connect, finish });
    }
}

/// A trace that waits for the collector.
#[derive(Debug)]
pub(super) struct Finished {
    pub(super) ids: Ids,
    pub(super) began_unix_ms: i64,
    pub(super) took: Duration,
    pub(super) stages: Vec<(Stage, Part)>,
    pub(super) connect: Option<Part>,
    pub(super) finish: Finish,
}

impl Finished {
    /// How many spans it has.
    pub(super) fn spans(&self) -> usize {
        1 + self.stages.len() + usize::from(self.connect.is_some())
    }
}
