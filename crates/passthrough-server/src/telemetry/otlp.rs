//! Spans in the protocol buffers of OTLP (`opentelemetry/proto/trace/v1/trace.proto`), written field by field.
//!
//! A trace is known as a whole when it is written, so the machinery of live spans would be idle weight; the
//! tests read what is written here with the protocol's own definitions.

use super::span::{Finished, Ids, Part, SEND, Stage};

/// `SpanKind` of the protocol.
#[derive(Clone, Copy)]
enum Kind {
    Internal = 1,
    Server = 2,
    Client = 3,
}

/// `Status.code` for an error.
const ERROR: u64 = 2;
/// The instrumentation scope.
const SCOPE: &str = "passthrough";

/// An `ExportTraceServiceRequest` with these traces.
pub(super) fn encode(service: &str, traces: &[Finished]) -> Vec<u8> {
    let mut out = Message::default();
    out.message(1, |resource_spans| {
        resource_spans.message(1, |resource| {
            attribute(resource, 1, "service.name", Value::Text(service));
            attribute(resource, 1, "service.version", Value::Text(env!("CARGO_PKG_VERSION")));
        });
        resource_spans.message(2, |scope_spans| {
            scope_spans.message(1, |scope| {
                scope.text(1, SCOPE);
                scope.text(2, env!("CARGO_PKG_VERSION"));
            });
            for trace in traces {
                encode_trace(scope_spans, trace);
            }
        });
    });
    out.0
}

fn encode_trace(out: &mut Message, trace: &Finished) {
    let whole = Part { from: std::time::Duration::ZERO, to: trace.took };
    let finish = &trace.finish;
    let root = trace.ids.span(0);
    span(
        out,
        trace,
        root,
        trace.ids.parent,
        &format!("passthrough {}", finish.door),
        Kind::Server,
        whole,
        |span| {
            if let Some(id) = finish.request_id {
                attribute(span, 9, "passthrough.request_id", Value::Text(&id.to_string()));
            }
            attribute(span, 9, "passthrough.door", Value::Text(finish.door));
            if let Some(provider) = &finish.provider {
                attribute(span, 9, "passthrough.provider", Value::Text(provider));
            }
            attribute(span, 9, "passthrough.attempts", Value::Number(i64::from(finish.attempts)));
            outcome(span, trace);
        },
    );
    let mut index = SEND;
    for (stage, part) in &trace.stages {
        if *stage == Stage::Send {
            let id = trace.ids.span(SEND);
            span(out, trace, id, Some(root), stage.name(), Kind::Client, *part, |span| outcome(span, trace));
            continue;
        }
        index += 1;
        span(out, trace, trace.ids.span(index), Some(root), stage.name(), Kind::Internal, *part, |_| {});
    }
    if let Some(part) = trace.connect {
        let id = trace.ids.span(index + 1);
        span(out, trace, id, Some(trace.ids.span(SEND)), "connect", Kind::Internal, part, |_| {});
    }
}

/// Method, status and error, under the names of the semantic conventions.
fn outcome(span: &mut Message, trace: &Finished) {
    let finish = &trace.finish;
    attribute(span, 9, "http.request.method", Value::Text(&finish.method));
    if let Some(status) = finish.status {
        attribute(span, 9, "http.response.status_code", Value::Number(i64::from(status)));
    }
    let failed = finish.error.is_some() || finish.status.is_some_and(|status| status >= 500);
    if let Some(error) = finish.error {
        attribute(span, 9, "error.type", Value::Text(error));
    }
    if failed {
        span.message(15, |status| status.number(3, ERROR));
    }
}

#[expect(clippy::too_many_arguments, reason = "a span is so many things, and each stands at one place")]
fn span(
    out: &mut Message,
    trace: &Finished,
    id: [u8; 8],
    parent: Option<[u8; 8]>,
    name: &str,
    kind: Kind,
    part: Part,
    more: impl FnOnce(&mut Message),
) {
    let Ids { trace: trace_id, .. } = trace.ids;
    let began = u64::try_from(trace.began_unix_ms).unwrap_or_default().saturating_mul(1_000_000);
    let at = |offset: std::time::Duration| {
        began.saturating_add(u64::try_from(offset.as_nanos()).unwrap_or(u64::MAX))
    };
    out.message(2, |span| {
        span.bytes(1, &trace_id);
        span.bytes(2, &id);
        if let Some(parent) = parent {
            span.bytes(4, &parent);
        }
        span.text(5, name);
        span.number(6, kind as u64);
        span.fixed(7, at(part.from));
        span.fixed(8, at(part.to));
        more(span);
    });
}

enum Value<'a> {
    Text(&'a str),
    Number(i64),
}

/// A `KeyValue`.
fn attribute(out: &mut Message, field: u64, key: &str, value: Value<'_>) {
    out.message(field, |pair| {
        pair.text(1, key);
        pair.message(2, |any| match value {
            Value::Text(text) => any.text(1, text),
            // An int64, negative ones as their two's complement.
            Value::Number(number) => any.number(3, number as u64),
        });
    });
}

/// A message in the making: fields one after another, each with its number and kind.
#[derive(Default)]
struct Message(Vec<u8>);

impl Message {
    fn varint(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push((value as u8) | 0x80);
            value >>= 7;
        }
        self.0.push(value as u8);
    }

    fn number(&mut self, field: u64, value: u64) {
        self.varint(field << 3);
        self.varint(value);
    }

    fn fixed(&mut self, field: u64, value: u64) {
        self.varint((field << 3) | 1);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    fn bytes(&mut self, field: u64, value: &[u8]) {
        self.varint((field << 3) | 2);
        self.varint(value.len() as u64);
        self.0.extend_from_slice(value);
    }

    fn text(&mut self, field: u64, value: &str) {
        self.bytes(field, value.as_bytes());
    }

    fn message(&mut self, field: u64, write: impl FnOnce(&mut Message)) {
        let mut inner = Message::default();
        write(&mut inner);
        self.bytes(field, &inner.0);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::{Duration, Instant};

    use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
    use opentelemetry_proto::tonic::common::v1::{KeyValue, any_value::Value as Any};
    use opentelemetry_proto::tonic::trace::v1::Span;
    use passthrough_core::id::RequestId;
    use prost::Message as _;

    use super::super::span::Finish;
    use super::super::{Collector, Context, Telemetry, Traces};
    use super::*;
    use crate::clock::Clock;
    use crate::metrics::Metrics;

    fn traces() -> Traces {
        let collector = Collector::parse("http://127.0.0.1:1", Vec::new(), "shop-gateway").unwrap();
        let settings =
            Telemetry { collector: Some(collector), sample_ratio: 1.0, forward_traceparent: false };
        let metrics = Metrics::new(std::iter::empty(), Arc::default(), 0);
        Traces::new(&settings, Clock::Fixed(Arc::new(1_700_000_000_000.into())), Arc::new(metrics))
    }

    fn value(attributes: &[KeyValue], key: &str) -> String {
        let found = attributes.iter().find(|attribute| attribute.key == key);
        match found.and_then(|attribute| attribute.value.clone()).and_then(|value| value.value) {
            Some(Any::StringValue(text)) => text,
            Some(Any::IntValue(number)) => number.to_string(),
            other => panic!("{key}: {other:?}"),
        }
    }

    #[test]
    fn the_protocols_own_definitions_read_what_is_written() {
        let traces = traces();
        let parent = Context::parse(b"00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01");
        let mut trace = traces.begin(parent).unwrap();
        let began = Instant::now();
        for stage in [Stage::Authenticate, Stage::Resolve, Stage::Send, Stage::Shape] {
            trace.stage(stage);
            std::thread::sleep(Duration::from_millis(1));
        }
        trace.connected(began + Duration::from_millis(2), began + Duration::from_millis(3));
        trace.finish(Finish {
            request_id: Some(RequestId::from_parts(1, 1)),
            door: "proxy",
            method: "PATCH".to_owned(),
            provider: Some("shop".to_owned()),
            status: Some(503),
            error: Some("caller_gone"),
            attempts: 2,
        });
        let finished = traces.on.as_ref().unwrap().take_out();
        let bytes = encode("shop-gateway", &finished);

        let request = ExportTraceServiceRequest::decode(&bytes[..]).unwrap();
        assert_eq!(request.encode_to_vec(), bytes, "nothing is there that the protocol has not");
        let [resource_spans] = &request.resource_spans[..] else { panic!("{request:?}") };
        let resource = resource_spans.resource.as_ref().unwrap();
        assert_eq!(value(&resource.attributes, "service.name"), "shop-gateway");
        let spans = &resource_spans.scope_spans[0].spans;
        let names: Vec<&str> = spans.iter().map(|span| span.name.as_str()).collect();
        assert_eq!(names, ["passthrough proxy", "authenticate", "resolve", "send", "shape", "connect"]);
        let [root, .., send, _, connect] = &spans[..] else { panic!("{spans:?}") };
        assert_eq!(root.parent_span_id, [0xb7, 0xad, 0x6b, 0x71, 0x69, 0x20, 0x33, 0x31]);
        assert_eq!(connect.parent_span_id, send.span_id);
        assert_eq!((root.kind, send.kind, connect.kind), (2, 3, 1));
        assert_eq!(value(&root.attributes, "passthrough.provider"), "shop");
        assert_eq!(value(&root.attributes, "http.response.status_code"), "503");
        assert_eq!(value(&root.attributes, "error.type"), "caller_gone");
        assert_eq!(root.status.as_ref().unwrap().code, 2);
        assert_eq!(root.start_time_unix_nano, 1_700_000_000_000_000_000);
        let within = |inner: &Span, outer: &Span| {
            outer.start_time_unix_nano <= inner.start_time_unix_nano
                && inner.start_time_unix_nano < inner.end_time_unix_nano
                && inner.end_time_unix_nano <= outer.end_time_unix_nano
        };
        assert!(spans[1..].iter().all(|span| within(span, root)), "{spans:?}");
        let mut ids: Vec<&[u8]> = spans.iter().map(|span| &span.span_id[..]).collect();
        ids.sort_unstable();
        ids.dedup();
        assert_eq!(ids.len(), spans.len(), "every span has an id of its own");
        assert!(spans.iter().all(|span| span.trace_id == root.trace_id && span.trace_id[0] == 0x0a));
    }
}
