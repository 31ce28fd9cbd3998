//! Providers of HTTP/2 that misbehave: storms of RST_STREAM and GOAWAY, floods, frames that are none.

use std::sync::Arc;
use std::time::Duration;

use futures_util::{StreamExt, stream};
use passthrough_testkit::http2::{END_HEADERS, END_STREAM, Frame, fields_block, kind};
use passthrough_testkit::program::{Connected, Engine, Program, canary};
use passthrough_testkit::raw_caller::RawCaller;
use passthrough_testkit::unruly_http2::{Act, STATUS_200, THIS, UnrulyHttp2, When};

use super::plays::{CUT, NOTHING, PROTOCOL, RESET, WHOLE};
use super::tls::Certificates;
use super::{CALLS, PLACES, ROWS, told, told_by_envelope};
use crate::rig::head;
use crate::support::{bearer_provider, setup};

/// One misbehaviour.
#[derive(Clone)]
pub struct Row {
    name: &'static str,
    pub what: &'static str,
    when: When,
    acts: Vec<Act>,
    pub proxy: &'static str,
    pub envelope: &'static str,
    /// Whether one call is made after the other: what ends the connection ends all that are on it.
    alone: bool,
}

fn row(name: &'static str, what: &'static str, outcome: &'static str, acts: Vec<Act>) -> Row {
    Row { name, what, when: When::Asked, acts, proxy: outcome, envelope: outcome, alone: false }
}

impl Row {
    fn connected(mut self) -> Self {
        self.when = When::Connected;
        self
    }

    fn alone(mut self) -> Self {
        self.alone = true;
        self
    }

    fn envelope(mut self, outcome: &'static str) -> Self {
        self.envelope = outcome;
        self
    }

    /// As over HTTP/1.1: an answer may be cut before its head has left.
    fn bears(&self, outcome: &str) -> bool {
        outcome == self.proxy || self.proxy == CUT && (outcome == NOTHING || outcome == self.envelope)
    }
}

/// Error codes (RFC 9113 §7).
const NO_ERROR: u32 = 0;
const PROTOCOL_ERROR: u32 = 1;
const INTERNAL_ERROR: u32 = 2;
const REFUSED_STREAM: u32 = 7;
const ENHANCE_YOUR_CALM: u32 = 11;

fn reset(code: u32) -> Act {
    Act::Send(Frame::reset(THIS, code))
}

fn goaway(last: u32, code: u32) -> Act {
    Act::Send(Frame::goaway(last, code))
}

/// The head of an answer with these fields besides its status.
fn head_with(flags: u8, fields: &[(&str, &str)]) -> Act {
    let block = [STATUS_200, &fields_block(fields)].concat();
    Act::Send(Frame::new(kind::HEADERS, flags | END_HEADERS, THIS, block))
}

fn data(flags: u8, data: &str) -> Act {
    Act::Send(Frame::new(kind::DATA, flags, THIS, data))
}

fn moment() -> Act {
    Act::Pause(Duration::from_millis(60))
}

fn interim() -> Act {
    Act::Send(Frame::headers(0, THIS, &[(":status", "103")]))
}

fn storms() -> Vec<Row> {
    vec![
        row("rst-refused", "refuses every stream (`REFUSED_STREAM`)", RESET, vec![reset(REFUSED_STREAM)]),
        row("rst-refused-late", "says `103`, then refuses the stream (`REFUSED_STREAM`)", RESET, {
            vec![interim(), moment(), reset(REFUSED_STREAM)]
        }),
        row("rst-internal", "resets every stream before its answer", RESET, vec![reset(INTERNAL_ERROR)]),
        row("rst-no-error", "resets every stream with `NO_ERROR`", RESET, vec![reset(NO_ERROR)]),
        row("rst-after-head", "resets the stream after its head", CUT, {
            vec![head_with(0, &[]), moment(), reset(INTERNAL_ERROR)]
        })
        .envelope(RESET),
        row("rst-in-body", "resets the stream in its body", CUT, {
            vec![head_with(0, &[]), data(0, "hel"), moment(), reset(INTERNAL_ERROR)]
        })
        .envelope(RESET),
        row(
            "rst-after-answer",
            "resets the stream after its answer",
            WHOLE,
            vec![Act::Answer, reset(NO_ERROR)],
        ),
        row("goaway-at-once", "goes away from every new connection", RESET, {
            vec![goaway(0, NO_ERROR), Act::Close]
        })
        .connected(),
        row("goaway-calm", "goes away from every new connection with `ENHANCE_YOUR_CALM`", RESET, {
            vec![goaway(0, ENHANCE_YOUR_CALM), Act::Close]
        })
        .connected(),
        row("goaway-unprocessed", "goes away from every request without having processed it", RESET, {
            vec![goaway(0, NO_ERROR), Act::Close]
        }),
        row("goaway-graceful", "announces that it goes away, and answers what it has", WHOLE, {
            vec![goaway(0x7fff_ffff, NO_ERROR), moment(), Act::Answer]
        }),
        row("goaway-processed", "goes away, and answers what it has", WHOLE, {
            vec![goaway(THIS, NO_ERROR), moment(), Act::Answer, Act::Close]
        })
        .alone(),
        row("goaway-after", "goes away after each answer", WHOLE, {
            vec![Act::Answer, goaway(THIS, NO_ERROR), Act::Close]
        })
        .alone(),
        row("goaway-error", "goes away with an error instead of an answer", RESET, {
            vec![goaway(THIS, INTERNAL_ERROR), Act::Close]
        }),
        row("vanish", "closes the connection instead of an answer", RESET, vec![Act::Close]),
        row("vanish-in-body", "closes the connection in its body", CUT, {
            vec![head_with(0, &[]), data(0, "hel"), moment(), Act::Close]
        })
        .envelope(RESET),
    ]
}

fn floods() -> Vec<Row> {
    let ping = Frame::new(kind::PING, 0, 0, [0; 8]);
    let interim = Frame::new(kind::HEADERS, END_HEADERS, THIS, fields_block(&[(":status", "103")]));
    let many: Vec<(&str, &str)> = vec![("x-flood", "0123456789012345678901234567890123456789"); 300];
    let mut fields = vec![Act::Send(Frame::new(kind::HEADERS, 0, THIS, STATUS_200))];
    let block = fields_block(&many);
    fields.push(Act::Flood(Frame::new(kind::CONTINUATION, 0, THIS, block), 100));
    vec![
        // Few enough for the sockets in between: the provider does not read the answers to them meanwhile.
        row(
            "ping-flood",
            "sends 2,000 PINGs before its answer",
            WHOLE,
            vec![Act::Flood(ping, 2_000), Act::Answer],
        )
        .alone(),
        row("settings-flood", "sends 1,000 SETTINGS before its answer", WHOLE, {
            vec![Act::Flood(Frame::settings(&[]), 1_000), Act::Answer]
        }),
        row("empty-data-flood", "sends 20,000 empty DATA frames", CUT, {
            vec![
                head_with(0, &[]),
                moment(),
                Act::Flood(Frame::new(kind::DATA, 0, THIS, []), 20_000),
                moment(),
                Act::Close,
            ]
        })
        .envelope(PROTOCOL),
        row("continuation-flood", "sends CONTINUATION without end", PROTOCOL, fields),
        row("interim-flood", "says `103` without end", PROTOCOL, vec![Act::Flood(interim, 5_000)]),
    ]
}

fn broken() -> Vec<Row> {
    let answer = |fields: &[(&str, &str)]| vec![head_with(0, fields), data(END_STREAM, "hello")];
    let unasked = Frame::new(kind::PUSH_PROMISE, END_HEADERS, THIS, [&[0, 0, 0, 2], STATUS_200].concat());
    let window = Frame::new(kind::WINDOW_UPDATE, 0, 0, 0x7fff_ffff_u32.to_be_bytes());
    let no_status = Frame::new(kind::HEADERS, END_HEADERS | END_STREAM, THIS, fields_block(&[("x-a", "1")]));
    vec![
        row("rst-protocol", "resets every stream with `PROTOCOL_ERROR`", RESET, vec![reset(PROTOCOL_ERROR)]),
        row("length-short", "sends fewer bytes than its `content-length`", CUT, {
            vec![head_with(0, &[("content-length", "10")]), moment(), data(END_STREAM, "hello")]
        })
        .envelope(PROTOCOL),
        row("length-long", "sends more bytes than its `content-length`", CUT, {
            vec![head_with(0, &[("content-length", "3")]), moment(), data(END_STREAM, "hello")]
        })
        .envelope(PROTOCOL),
        row("hop-by-hop", "sends `connection`", PROTOCOL, answer(&[("connection", "close")])),
        row(
            "transfer-encoding",
            "sends `transfer-encoding`",
            PROTOCOL,
            answer(&[("transfer-encoding", "chunked")]),
        ),
        row("capitals", "sends a name with capitals", PROTOCOL, answer(&[("X-Upper", "1")])),
        row("line-break", "sends a value with CR and LF", PROTOCOL, answer(&[("x-a", "1\r\nx-evil: 1")])),
        row("no-status", "sends no status", PROTOCOL, vec![Act::Send(no_status)]),
        row("data-first", "sends DATA before HEADERS", PROTOCOL, vec![data(END_STREAM, "hello")]),
        row("push", "pushes unasked", PROTOCOL, vec![Act::Send(unasked), moment()]),
        row("window", "opens a window beyond its limit", PROTOCOL, vec![Act::Flood(window, 2), moment()]),
        row("hpack", "sends a field block that is none", PROTOCOL, {
            vec![Act::Send(Frame::new(kind::HEADERS, END_HEADERS, THIS, [0xff; 16]))]
        }),
        row("frame-size", "sends a frame that is larger than allowed", PROTOCOL, {
            vec![Act::Send(Frame::new(kind::HEADERS, END_HEADERS, THIS, vec![0x88; 1 << 17]))]
        }),
        row("even-stream", "answers on a stream that nobody opened", PROTOCOL, {
            vec![Act::Send(Frame::new(kind::HEADERS, END_HEADERS, 2, STATUS_200)), moment()]
        }),
    ]
}

pub fn rows() -> Vec<Row> {
    let alone = [floods(), broken()].concat().into_iter().map(Row::alone);
    storms().into_iter().chain(alone).collect()
}

/// Those that break their connection, or only their own stream.
fn rows_that(alone: bool) -> Vec<Row> {
    rows().into_iter().filter(|row| row.alone == alone).collect()
}

struct Stage {
    row: Row,
    provider: UnrulyHttp2,
    connection: Connected,
}

impl Stage {
    async fn proxy(&self, program: &Program, body: &str) -> (String, String) {
        let length = format!("Content-Length: {}\r\n", body.len());
        let request = head(program, &self.connection, "POST", "/v1/proxy/x", &length);
        let mut caller = RawCaller::connect(&program.url).await;
        let answer = caller.ask("POST", format!("{request}{body}")).await;
        (told(&answer), answer.text())
    }

    async fn envelope(&self, program: &Program) -> String {
        let request = r#"{"method":"POST","path":"/x","body":"hello"}"#;
        told_by_envelope(&program.on(&self.connection, "POST", "/v1/passthrough", &[], request).await)
    }

    /// As many calls as there are places get each its own body back.
    async fn next_are_well(&self, program: &Program) -> Result<(), String> {
        self.provider.misbehave(false);
        let calls = stream::iter(0..PLACES).map(|number| async move {
            let body = format!("body-{number}");
            let (got, text) = self.proxy(program, &body).await;
            if got == WHOLE && text == body {
                Ok(())
            } else {
                Err(format!("the next call got {got}: {text:.200}"))
            }
        });
        let results: Vec<_> = calls.buffer_unordered(PLACES).collect().await;
        self.provider.misbehave(true);
        results.into_iter().collect()
    }

    async fn play(&self, program: &Program) -> Result<(), String> {
        let calls = stream::iter(0..2 * CALLS).map(|number| async move {
            match number % 2 {
                0 => (self.proxy(program, "hello").await.0, true),
                _ => (self.envelope(program).await, false),
            }
        });
        let results: Vec<_> = calls.buffer_unordered(if self.row.alone { 1 } else { PLACES }).collect().await;
        for (number, (got, proxy)) in results.into_iter().enumerate() {
            let expected = if proxy { self.row.proxy } else { self.row.envelope };
            if !(if proxy { self.row.bears(&got) } else { got == expected }) {
                return Err(format!("call {number} got {got:?} for {expected:?}"));
            }
        }
        // A provider that goes away for good may do so a moment after its answer.
        tokio::time::sleep(Duration::from_millis(100)).await;
        self.next_are_well(program).await?;
        match self.provider.counts() {
            (0, _) => Err("HTTP/2 was never spoken".to_owned()),
            (_, asked) if asked > 400 => {
                Err(format!("{asked} requests were made for {} calls", 2 * CALLS + PLACES))
            }
            _ => Ok(()),
        }
    }
}

async fn play_all(rows: Vec<Row>) {
    let certificates = Certificates::new();
    let mut setup = setup(Engine::Sqlite)
        .variable("PASSTHROUGH_UPSTREAM__CA_FILE", certificates.roots())
        .variable("PASSTHROUGH_UPSTREAM__MAX_IN_FLIGHT_PER_CONNECTION", &PLACES.to_string())
        .variable("PASSTHROUGH_UPSTREAM__MAX_WAIT_MS", "500")
        .variable("PASSTHROUGH_UPSTREAM__FIRST_BYTE_TIMEOUT_MS", "10000")
        .variable("PASSTHROUGH_UPSTREAM__BREAKER_FAILURES", "0");
    let mut providers = Vec::new();
    for row in rows {
        let provider = UnrulyHttp2::start(&certificates.authority, row.when, row.acts.clone()).await;
        setup = setup.provider(row.name, &bearer_provider(&format!("https://{}/base", provider.address())));
        providers.push((row, provider));
    }
    let mut program = setup.start().await;
    let mut stages = Vec::new();
    for (row, provider) in providers {
        let request =
            format!(r#"{{"provider":"{}","credentials":{{"api_key":"{}"}}}}"#, row.name, canary("key"));
        let connection = program.connect(&request).await;
        stages.push(Stage { row, provider, connection });
    }
    let (stages, program) = (Arc::new(stages), Arc::new(program));
    let playing = stream::iter(0..stages.len()).map(|number| {
        let (stages, program) = (Arc::clone(&stages), Arc::clone(&program));
        tokio::spawn(async move {
            let played = stages[number].play(&program).await;
            played.map_err(|error| format!("{}: {error}", stages[number].row.name))
        })
    });
    let results: Vec<_> = playing.buffer_unordered(ROWS).collect().await;
    let wrong: Vec<String> = results
        .into_iter()
        .filter_map(|result| match result {
            Ok(played) => played.err(),
            Err(panicked) => Some(panicked.to_string()),
        })
        .collect();
    assert!(wrong.is_empty(), "{} misbehaviours have another outcome:\n{}", wrong.len(), wrong.join("\n"));
    drop(stages);
    Arc::into_inner(program).unwrap().finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn storms_of_rst_stream_and_goaway_pass_over() {
    play_all(rows_that(false)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn floods_and_broken_frames_are_borne_refused_or_cut_off() {
    play_all(rows_that(true)).await;
}
