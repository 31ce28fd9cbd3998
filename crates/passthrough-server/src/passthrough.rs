//! The passthrough, from a caller's request to a caller's answer, in seven steps.
//!
//! This is the one place where a request of a caller meets a credential. The steps stand in [`run`], top
//! to bottom; everything else here is a straight line.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use passthrough_core::answer::{ResponseAs, ShapeError, decode, shape};
use passthrough_core::base_url::Origin;
use passthrough_core::fault::{Door, Sent};
use passthrough_core::header::Fields;
use passthrough_core::id::RequestId;
use passthrough_core::sign::needs_body_held;
use passthrough_core::upstream::{self as core, OpenConnection, RequestBody, UpstreamRequest};
use passthrough_wire::passthrough::{PassthroughResponse, group_headers};
use secrecy::SecretString;
use tokio::time::Instant;

use crate::app::App;
use crate::http::error::ApiError;
use crate::limits::Standing;
use crate::link::again;
use crate::metrics::{Ended, Failure};
use crate::records::Draft;
use crate::resolve::{ReadyConnection, check_usable};
use crate::telemetry::{self, Stage};
use crate::upstream::{Answer, Call, InterimSink, UpstreamBody, in_time};

mod buffer;
mod redirect;
mod renewal;
mod send;
pub mod stream;

pub use send::Persistence;
use stream::Delivery;

/// A passthrough as a door hands it in.
pub struct Passthrough {
    /// The id that the caller will see.
    pub request_id: RequestId,
    /// The API key that was presented, if any.
    pub api_key: Option<SecretString>,
    /// The connection token that was presented, or what is wrong with it: told only to who has a key.
    pub connection_token: Result<SecretString, ApiError>,
    /// What is to be sent.
    pub request: core::PassthroughRequest,
    /// The body, where it streams by.
    pub streamed: Option<UpstreamBody>,
    /// Where interim heads go.
    pub interim: Option<InterimSink>,
    /// The deadline that the caller asked for.
    pub timeout: Option<Duration>,
    /// How far the call goes to get an answer.
    pub persistence: Persistence,
    /// The trace that the caller is in.
    pub context: Option<telemetry::Context>,
    /// What is to come back.
    pub wanted: Wanted,
}

impl std::fmt::Debug for Passthrough {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Passthrough")
            .field("request_id", &self.request_id)
            .field("request", &self.request)
            .finish_non_exhaustive()
    }
}

/// What is to come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Wanted {
    /// An envelope, with the body presented like this.
    Envelope(ResponseAs),
    /// The bytes where the provider said 2xx, else an envelope.
    BytesOrEnvelope(ResponseAs),
    /// The provider's answer as it is.
    Stream,
}

/// What came back.
#[derive(Debug)]
pub enum Delivered {
    /// An envelope.
    Envelope(PassthroughResponse),
    /// The provider's answer, still streaming.
    Stream(Delivery),
}

/// A passthrough that was performed.
#[derive(Debug)]
pub struct Performed {
    /// What came back.
    pub delivered: Delivered,
    /// Where the caller stands with its limit, where it has one.
    pub standing: Option<Standing>,
}

/// Performs a passthrough and records it, whatever comes of it.
pub async fn passthrough(app: &App, passthrough: Box<Passthrough>) -> Result<Performed, ApiError> {
    let request = &passthrough.request;
    let mut draft =
        app.records.begin(passthrough.request_id, request.door, request.method.as_str(), request.path.path());
    draft.traced(app.traces.begin(passthrough.context));
    let mut standing = None;
    match run(app, passthrough, draft, &mut standing).await {
        Ok(delivered) => Ok(Performed { delivered, standing }),
        Err(error) => Err(ApiError { standing: error.standing.or(standing), ..error }),
    }
}

/// A request that is refused before there is anything to perform. It leaves its record like any other, as far as it
/// is known what was asked.
pub struct Refused<'a> {
    /// The id that the caller will see.
    pub request_id: RequestId,
    /// The door it came in by.
    pub door: Door,
    /// The API key, which was accepted.
    pub api_key: Option<SecretString>,
    /// The connection token that was presented, or what is wrong with it.
    pub connection_token: Result<SecretString, ApiError>,
    /// The method, or nothing.
    pub method: &'a str,
    /// The path, or nothing.
    pub path: &'a str,
}

/// Records a refusal and gives the error back.
pub async fn refuse(app: &App, refused: Refused<'_>, error: ApiError) -> ApiError {
    let Refused { request_id, door, api_key, connection_token, method, path } = refused;
    let mut draft = app.records.begin(request_id, door, method, path);
    let now = app.now_ms();
    if let Ok(caller) = app.resolver.authenticate(api_key.as_ref(), now).await {
        draft.caller(&caller);
        if let Ok(token) = connection_token
            && let Ok(ready) = app.resolver.resolve(&caller, &token, now).await
        {
            draft.connection(&ready);
        }
    }
    draft.failed(&error);
    error
}

/// Counts a failure before it is known who asks for what, and gives it back. It leaves no record: there is no room
/// that it could belong to.
pub fn turn_away(app: &App, door: Door, error: impl Into<ApiError>) -> ApiError {
    let error = error.into();
    app.metrics.none().ended(door, Ended { failure: Some(Failure::Code(error.code)), ..Ended::default() });
    error
}

async fn run(
    app: &App,
    passthrough: Box<Passthrough>,
    mut draft: Box<Draft>,
    standing: &mut Option<Standing>,
) -> Result<Delivered, ApiError> {
    // 1. Authenticate.
    draft.stage(Stage::Authenticate);
    let now = app.now_ms();
    let caller = app.resolver.authenticate(passthrough.api_key.as_ref(), now).await;
    let caller = noted(&mut draft, caller.map_err(ApiError::from))?;
    draft.caller(&caller);

    // 2. Resolve the connection.
    draft.stage(Stage::Resolve);
    let token = noted(&mut draft, passthrough.connection_token)?;
    let resolved = app.resolver.resolve(&caller, &token, now).await;
    let ready = noted(&mut draft, resolved.map_err(ApiError::from))?;
    draft.connection(&ready);
    let place = (ready.connection.environment.clone(), ready.connection.id);
    let usable = check_usable(&ready.connection).map_err(ApiError::from);
    noted(&mut draft, usable.map_err(|error| again::offered(app, &place, error)))?;
    let taken = app.limits.take(&caller.api_key, &ready.connection.id, &caller.environment);
    *standing = noted(&mut draft, taken.map_err(ApiError::from))?;

    // 3. Ensure a fresh credential.
    let Passthrough { request_id, wanted, persistence, .. } = *passthrough;
    let deadline = deadline(app, wanted, passthrough.timeout);
    let ready = match ready.is_due(|| app.installation.clock.steady_ms()) {
        false => ready,
        true => {
            draft.stage(Stage::Refresh);
            let fresh = Box::pin(app.refresher.ensure_fresh(ready, deadline)).await;
            noted(&mut draft, fresh.map_err(|error| again::offered(app, &place, error)))?
        }
    };
    let open = noted(&mut draft, open(&ready))?;

    // 4. Build the upstream request.
    let (mut request, mut streamed) = (passthrough.request, passthrough.streamed);
    let streams = matches!(request.body, RequestBody::Streamed);
    if streams && needs_body_held(open, &request, &ready.hosts) {
        let most = app.config.limits.envelope_request_bytes;
        let held = in_time(deadline, buffer::read_request(&app.held, streamed.take(), most));
        let held = Box::pin(held).await;
        request.body = noted(&mut draft, held)?;
    }
    let repeatable = redirect::Repeatable::of(&request, ready.provider.redirects);
    let renewable = renewal::Repeat::of(&ready, &request, wanted == Wanted::Stream);
    let built = core::build(open, request, || app.moment(), &ready.hosts);
    let mut request = noted(&mut draft, built.map_err(ApiError::from))?;

    // 5. Send.
    draft.stage(Stage::Send);
    let shown = Shown { method: request.method.clone(), path: std::mem::take(&mut request.shown_path) };
    draft.path(&shown.path);
    let stream = wanted == Wanted::Stream;
    let mut call = call(app, &ready, request, streamed, deadline, stream, &mut draft)?;
    call.interim = passthrough.interim.map(|sink| stream::interim_sink(sink, Arc::clone(&ready)));
    let answer = send::send(app, &ready, &mut call, repeatable, persistence, &mut draft).await;
    let mut answer = noted(&mut draft, answer)?;
    let mut ready = ready;
    if let Some(repeat) = renewable {
        let renewed = renewal::renew(app, ready, answer, repeat, deadline, &mut draft);
        let renewed = Box::pin(renewed).await;
        (ready, answer) = noted(&mut draft, renewed.map_err(|error| again::offered(app, &place, error)))?;
    }
    draft.answered(&answer);

    // 6. Shape the answer. 7. Record it: the draft does so when it is dropped, at the end of the answer.
    draft.stage(Stage::Shape);
    let wanted = match wanted {
        Wanted::Stream => None,
        Wanted::BytesOrEnvelope(_) if answer.status.is_success() => None,
        Wanted::Envelope(wanted) | Wanted::BytesOrEnvelope(wanted) => Some(wanted),
    };
    let Some(wanted) = wanted else { return Ok(Delivered::Stream(Delivery::new(answer, ready, draft))) };
    // On the heap: what streams by need not have room for it.
    let enveloped = envelope(app, answer, &ready, wanted, shown, request_id, &mut draft);
    let enveloped = Box::pin(enveloped).await;
    let enveloped = noted(&mut draft, enveloped)?;
    draft.complete();
    Ok(Delivered::Envelope(enveloped))
}

/// Notes a failure in the record on its way out.
fn noted<T>(draft: &mut Draft, result: Result<T, ApiError>) -> Result<T, ApiError> {
    if let Err(error) = &result {
        draft.failed(error);
    }
    result
}

fn open(ready: &Arc<ReadyConnection>) -> Result<OpenConnection<'_>, ApiError> {
    ready.open().ok_or_else(|| ApiError::internal("a ready connection without its auth entry"))
}

/// The proxy has no total deadline for a body that keeps flowing, unless the caller sets one.
fn deadline(app: &App, wanted: Wanted, asked: Option<Duration>) -> Option<Instant> {
    let deadlines = app.config.deadlines;
    let asked = asked.map(|asked| asked.min(deadlines.total_max));
    let total = match wanted {
        Wanted::Stream => asked,
        Wanted::Envelope(_) | Wanted::BytesOrEnvelope(_) => Some(asked.unwrap_or(deadlines.total)),
    };
    total.map(|total| Instant::now() + total)
}

/// What was sent, for an envelope to tell. It is masked there: whoever streams does not ask for it.
struct Shown {
    method: http::Method,
    path: String,
}

/// Turns the built request into a call of the one upstream client.
fn call(
    app: &App,
    ready: &ReadyConnection,
    request: UpstreamRequest,
    streamed: Option<UpstreamBody>,
    deadline: Option<Instant>,
    stream: bool,
    draft: &mut Draft,
) -> Result<Call, ApiError> {
    let UpstreamRequest { origin, method, uri, headers, body, injected, .. } = request;
    let (body, length) = match body {
        RequestBody::Absent => (UpstreamBody::Empty, 0),
        RequestBody::Bytes { bytes, .. } => {
            let length = bytes.len();
            (UpstreamBody::Held(bytes), length)
        }
        RequestBody::Streamed => {
            let body = streamed.unwrap_or_default();
            (UpstreamBody::streamed(stream::Counted::new(body, draft.request_counter(), injected)), 0)
        }
    };
    draft.sending(length as u64);
    let path = uri.path_and_query().cloned().ok_or_else(|| ApiError::internal("a request without a path"))?;
    let mut call = Call::new(ready.connection.environment.clone(), origin, method, path);
    call.fields = headers;
    app.traces.continue_in(draft.trace(), &mut call.fields);
    call.body = body;
    call.connection = Some(ready.connection.id);
    call.identity = ready.identity.clone();
    call.deadline = deadline;
    call.idle = stream.then_some(app.config.deadlines.stream_idle);
    Ok(call)
}

/// Reads the whole answer and puts it into an envelope.
async fn envelope(
    app: &App,
    answer: Box<Answer>,
    ready: &ReadyConnection,
    wanted: ResponseAs,
    shown: Shown,
    request_id: RequestId,
    draft: &mut Draft,
) -> Result<PassthroughResponse, ApiError> {
    let limit = app.config.limits.envelope_response_bytes;
    let Answer { status, mut fields, body, upstream_ms, .. } = *answer;
    let body = buffer::read_answer(&app.held, body, limit).await?;
    draft.received(body.len() as u64);
    let value = |name| fields.get(name).and_then(|value| std::str::from_utf8(value).ok());
    let coding = value("content-encoding");
    // Nothing is found in a compressed body, so it is unpacked before it is searched for secrets.
    let (coding, body) = match decode(coding, &body, limit).map_err(shape_failed)? {
        Some(decoded) => (None, decoded),
        None => (coding, body),
    };
    let body = stream::redacted_body(ready, body);
    let shaped = shape(value("content-type"), coding, body, wanted, limit);
    let shaped = shaped.map_err(shape_failed)?;
    stream::keep_and_mask(&mut fields, ready);
    let headers = group_headers(fields.iter().map(|(name, value)| (text(name), text(value))));
    Ok(PassthroughResponse {
        method: shown.method.to_string(),
        path: ready.redactor.redact_text(&shown.path),
        status_code: status.as_u16(),
        headers,
        response: shaped.json,
        response_encoding: shaped.encoding.as_str().to_owned(),
        request_id: request_id.to_string(),
        duration_ms: draft.elapsed_ms(),
        upstream_duration_ms: upstream_ms,
        attempts: draft.attempts(),
    })
}

fn shape_failed(error: ShapeError) -> ApiError {
    let reason = match error {
        ShapeError::Decode | ShapeError::NotJson => "decode",
        ShapeError::TooLarge => "too_large",
    };
    ApiError::bad_gateway(reason, error.to_string(), Sent::Yes)
}

/// A header value as text: UTF-8 where it is, else Latin-1, which loses nothing.
fn text(value: &[u8]) -> String {
    match std::str::from_utf8(value) {
        Ok(text) => text.to_owned(),
        Err(_) => value.iter().map(|byte| char::from(*byte)).collect(),
    }
}

/// Sends one request of our own on a connection, such as the one that verifies it, and reads the answer. `elsewhere`
/// is another place than the base URL that the provider's file names for it.
pub async fn ask(
    app: &App,
    ready: &Arc<ReadyConnection>,
    request: core::PassthroughRequest,
    elsewhere: Option<&Arc<Origin>>,
) -> Result<(http::StatusCode, Fields, Bytes), ApiError> {
    let upstream_request = match elsewhere {
        None => core::build(open(ready)?, request, || app.moment(), &ready.hosts)?,
        Some(origin) => core::build_hop(open(ready)?, request, origin, || app.moment())?,
    };
    let id = RequestId::from(app.installation.new_ulid());
    // Without a caller the draft leaves no record: this is not a passthrough.
    let mut draft = app.records.begin(id, Door::Envelope, "", "");
    let deadline = Some(Instant::now() + app.config.deadlines.total);
    let mut call = call(app, ready, upstream_request, None, deadline, false, &mut draft)?;
    let answer = app.upstream.send(&mut call).await?;
    let body = buffer::read_answer(&app.held, answer.body, app.config.limits.envelope_response_bytes).await?;
    Ok((answer.status, answer.fields, body))
}
