//! A provider that refuses a credential which can be renewed: one refresh, one repeat.
//!
//! A token may end before its time: the provider restarted, an administrator revoked it. The caller should not have to
//! know. What was refused was not done, so that even a write may be sent again, as long as its body is still held.

use std::sync::Arc;

use bytes::Bytes;
use http::StatusCode;
use passthrough_core::answer::decode;
use passthrough_core::provider::ExpiredWhen;
use passthrough_core::retry::MAX_HELD_BODY;
use passthrough_core::upstream::{PassthroughRequest, RequestBody, build};
use tokio::time::Instant;

use super::send::{self, Persistence};
use super::{call, open};
use crate::app::App;
use crate::http::error::ApiError;
use crate::records::Draft;
use crate::refresh::{Outcome, Why};
use crate::resolve::ReadyConnection;
use crate::upstream::{Answer, BodyError, SendError, Sent};

/// How much of an answer is looked at for a provider that says in the body that a session is gone.
const MAX_LOOK: usize = 64 * 1024;

/// A refresh that did not mend a 401 is not tried again for this long: the 401 has another reason.
const UNMENDED_MS: i64 = 10_000;

/// What is needed to send a request once more with another credential.
pub(super) struct Repeat {
    request: PassthroughRequest,
    stream: bool,
}

impl Repeat {
    /// `None` where no other credential can be had, or the body will be gone.
    pub(super) fn of(ready: &ReadyConnection, request: &PassthroughRequest, stream: bool) -> Option<Self> {
        if !ready.is_refreshable() || request.websocket_upgrade {
            return None;
        }
        match &request.body {
            RequestBody::Absent => {}
            RequestBody::Bytes { bytes, .. } if bytes.len() <= MAX_HELD_BODY => {}
            RequestBody::Bytes { .. } | RequestBody::Streamed => return None,
        }
        Some(Self { request: request.clone(), stream })
    }
}

/// Gives the answer as it is, or the answer to the request with a fresh credential, and the connection that it
/// belongs to.
pub(super) async fn renew(
    app: &App,
    ready: Arc<ReadyConnection>,
    mut answer: Box<Answer>,
    repeat: Repeat,
    deadline: Option<Instant>,
    draft: &mut Draft,
) -> Result<(Arc<ReadyConnection>, Box<Answer>), ApiError> {
    let now = app.installation.clock.steady_ms();
    if !refuses(&ready, &mut answer).await? || ready.is_unmended(now, UNMENDED_MS) {
        return Ok((ready, answer));
    }
    // Without another credential the provider's own answer is what there is to say.
    let Ok(Outcome::Fresh(fresh)) = app.refresher.refreshed(&ready, Why::Refused, deadline).await else {
        return Ok((ready, answer));
    };
    if fresh.generation == ready.generation {
        return Ok((ready, answer));
    }
    drop(answer);
    let built = build(open(&fresh)?, repeat.request, || app.moment(), &fresh.hosts)?;
    let mut call = call(app, &fresh, built, None, deadline, repeat.stream, draft)?;
    let mut answer = send::send(app, &fresh, &mut call, None, Persistence::default(), draft).await?;
    if refuses(&fresh, &mut answer).await? {
        fresh.note_unmended(app.installation.clock.steady_ms());
    }
    Ok((fresh, answer))
}

/// Whether an answer says that the credential is no good.
async fn refuses(ready: &ReadyConnection, answer: &mut Answer) -> Result<bool, ApiError> {
    if answer.status == StatusCode::UNAUTHORIZED {
        return Ok(true);
    }
    let rules = &ready.provider.expired_when;
    let may = |rule: &&ExpiredWhen| rule.status.is_none_or(|status| status == answer.status);
    let mut rules = rules.iter().filter(may).peekable();
    if rules.peek().is_none() {
        return Ok(false);
    }
    let rules: Vec<&ExpiredWhen> = rules.collect();
    let body = match rules.iter().any(|rule| rule.looks_inside()) {
        true => look(answer, &rules).await?,
        false => Bytes::new(),
    };
    let json = is_json(answer).then(|| serde_json::from_slice(&body).ok()).flatten();
    Ok(rules.iter().any(|rule| rule.holds(answer.status.as_u16(), &answer.fields, json.as_ref(), &body)))
}

fn is_json(answer: &Answer) -> bool {
    let kind = answer.fields.get("content-type").and_then(|value| std::str::from_utf8(value).ok());
    kind.is_some_and(|kind| kind.contains("json"))
}

/// The body, where it is small and a rule could find something in it; it stays in the answer.
async fn look(answer: &mut Answer, rules: &[&ExpiredWhen]) -> Result<Bytes, ApiError> {
    let value = |name: &str| answer.fields.get(name).and_then(|value| std::str::from_utf8(value).ok());
    if !is_json(answer) && rules.iter().all(|rule| rule.contains.is_none()) {
        return Ok(Bytes::new());
    }
    let coding = value("content-encoding").map(str::to_owned);
    let seen = answer.body.look_ahead(MAX_LOOK).await;
    let seen = seen.map_err(|BodyError { reason }| SendError { reason, sent: Sent::Yes, detail: None })?;
    let Some(seen) = seen else { return Ok(Bytes::new()) };
    Ok(match decode(coding.as_deref(), &seen, MAX_LOOK) {
        Ok(Some(plain)) => plain,
        Ok(None) => seen,
        Err(_) => Bytes::new(),
    })
}
