//! Asking providers for secrets: token endpoints and logins, by the one way to providers and under its rules.
//!
//! What is asked and how an answer is read is decided in `passthrough_core::grant`, without IO; here it is sent,
//! once, without redirects and without a second try. Nothing is stored here.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::uri::PathAndQuery;
use http_body_util::BodyExt;
use passthrough_core::answer::decode;
use passthrough_core::connection::Obtained;
use passthrough_core::grant::{self, Asking, TokenCall};
use passthrough_core::header::Fields;
use passthrough_core::provider::Grant;
use passthrough_core::provider::grant::{Login, OAuth2, Step};
use passthrough_core::template::Moment;
use passthrough_core::upstream::OpenConnection;
use passthrough_vault::random;
use tokio::time::Instant;

use crate::clock::Clock;
use crate::resolve::ReadyConnection;
use crate::upstream::{self, Call, Upstream, UpstreamBody};

mod consent;

/// A token answer is small; a larger one is something else.
const MAX_ANSWER: usize = 1 << 20;

/// Asks providers for secrets.
#[derive(Debug, Clone)]
pub struct Obtainer {
    upstream: Upstream,
    clock: Clock,
    timeout: Duration,
}

/// On which way a secret is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// For the first time, with what the user gave.
    First,
    /// It is due.
    Refresh,
    /// The provider refused what there is.
    Anew,
}

/// Why no secret was given.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The grant has ended: the user must give it anew.
    Ended {
        /// The provider's word for it.
        code: String,
        /// In a sentence; may be empty.
        description: String,
    },
    /// The provider does not accept the OAuth client.
    ClientRejected {
        /// The provider's word for it.
        code: String,
    },
    /// It failed this time.
    Passing {
        /// In a few words.
        what: String,
        /// How long the provider wants to be left alone.
        retry_after_ms: Option<i64>,
    },
    /// It cannot be asked for, or the answer cannot be used, as the provider's file has it.
    Unusable {
        /// What is wrong.
        what: String,
    },
}

impl Refusal {
    /// It failed this time.
    pub fn passing(what: impl Into<String>) -> Self {
        Refusal::Passing { what: what.into(), retry_after_ms: None }
    }

    /// How long the provider wants to be left alone.
    pub fn retry_after_ms(&self) -> Option<i64> {
        match self {
            Refusal::Passing { retry_after_ms, .. } => *retry_after_ms,
            Refusal::Ended { .. } | Refusal::ClientRejected { .. } | Refusal::Unusable { .. } => None,
        }
    }

    /// In a few words.
    pub fn short(&self) -> String {
        match self {
            Refusal::Ended { code, description } if !description.is_empty() => {
                format!("{code}: {description}")
            }
            Refusal::Ended { code, .. } | Refusal::ClientRejected { code } => code.clone(),
            Refusal::Passing { what, .. } | Refusal::Unusable { what } => what.clone(),
        }
    }
}

impl From<grant::Refusal> for Refusal {
    fn from(refusal: grant::Refusal) -> Self {
        match refusal {
            grant::Refusal::Ended { code, description } => Refusal::Ended { code, description },
            grant::Refusal::ClientRejected { code } => Refusal::ClientRejected { code },
            grant::Refusal::Passing { what, retry_after_ms } => Refusal::Passing { what, retry_after_ms },
            grant::Refusal::Malformed { what } => Refusal::Unusable { what },
        }
    }
}

impl From<grant::GrantError> for Refusal {
    fn from(error: grant::GrantError) -> Self {
        match error {
            grant::GrantError::NeedsConsent => Refusal::Ended {
                code: "expired".to_owned(),
                description: "the provider gave nothing to refresh it with".to_owned(),
            },
            other => Refusal::Unusable { what: other.to_string() },
        }
    }
}

impl Obtainer {
    /// An asker that waits for `timeout` at most for each answer.
    pub fn new(upstream: Upstream, clock: Clock, timeout: Duration) -> Self {
        Self { upstream, clock, timeout }
    }

    /// Asks for a connection's secret.
    pub async fn obtain(&self, ready: &ReadyConnection, way: Way) -> Result<Obtained, Refusal> {
        let open = open(ready)?;
        match &open.auth.grant {
            Grant::Static | Grant::OAuth1(_) => Err(Refusal::Ended {
                code: "expired".to_owned(),
                description: "what the end user gave cannot be renewed".to_owned(),
            }),
            Grant::OAuth2(oauth2) => self.oauth2(ready, open, oauth2, way).await,
            Grant::Login(login) => self.login(ready, open, login, way).await,
        }
    }

    /// Gives a grant back to its provider; `false` where that takes nothing back, or there is nothing to give.
    pub async fn revoke(&self, ready: &ReadyConnection) -> Result<bool, Refusal> {
        let open = open(ready)?;
        let Grant::OAuth2(_) = &open.auth.grant else { return Ok(false) };
        let Some(call) = grant::revoke_call(&self.asking(ready, open))? else { return Ok(false) };
        // A token that it does not know is a success, too (RFC 7009 §2.2).
        match self.send(ready, call).await?.status {
            200..300 => Ok(true),
            status => Err(Refusal::passing(format!("it answered with status {status}"))),
        }
    }

    async fn oauth2(
        &self,
        ready: &ReadyConnection,
        open: OpenConnection<'_>,
        oauth2: &OAuth2,
        way: Way,
    ) -> Result<Obtained, Refusal> {
        let asking = self.asking(ready, open);
        let call = match way {
            Way::First => grant::first_call(&asking)?,
            Way::Refresh | Way::Anew => grant::refresh_call(&asking)?,
        };
        let previous = open.credential.obtained.as_ref();
        match self.tokens(ready, oauth2, call, previous).await {
            // A refresh token that is refused is no end where everything can be asked for from the beginning.
            Err(Refusal::Ended { .. }) if way != Way::First && grant::starts_over(oauth2) => {
                self.tokens(ready, oauth2, grant::first_call(&asking)?, previous).await
            }
            done => done,
        }
    }

    async fn tokens(
        &self,
        ready: &ReadyConnection,
        oauth2: &OAuth2,
        way: grant::Way,
        previous: Option<&Obtained>,
    ) -> Result<Obtained, Refusal> {
        match way {
            grant::Way::Made(obtained) => Ok(obtained),
            grant::Way::Call(call) => {
                let reply = self.send(ready, *call).await?;
                Ok(grant::read_tokens(oauth2, &reply.answer(), previous)?)
            }
        }
    }

    async fn login(
        &self,
        ready: &ReadyConnection,
        open: OpenConnection<'_>,
        login: &Login,
        way: Way,
    ) -> Result<Obtained, Refusal> {
        if let (Way::Refresh, Some(step), Some(_)) =
            (way, grant::refresh_step(login), &open.credential.obtained)
        {
            match self.steps(ready, open, login, std::slice::from_ref(step)).await {
                // A session that cannot be made longer is made anew.
                Err(Refusal::Ended { .. } | Refusal::Unusable { .. }) => {}
                done => return done,
            }
        }
        self.steps(ready, open, login, &login.steps).await
    }

    async fn steps(
        &self,
        ready: &ReadyConnection,
        open: OpenConnection<'_>,
        login: &Login,
        steps: &[Step],
    ) -> Result<Obtained, Refusal> {
        let mut captured = BTreeMap::new();
        let mut last = None;
        for step in steps {
            let call = grant::step_call(&self.asking(ready, open), step, &captured)?;
            let reply = self.send(ready, call).await?;
            grant::read_step(login, step, &reply.answer(), &mut captured)?;
            last = Some(reply);
        }
        let last = last.ok_or_else(|| Refusal::Unusable { what: "a login without steps".to_owned() })?;
        Ok(grant::finish(login, captured, &last.answer(), open.credential.obtained.as_ref()))
    }

    fn asking<'a>(&'a self, ready: &'a ReadyConnection, open: OpenConnection<'a>) -> Asking<'a> {
        let moment = Moment { unix_ms: self.clock.now_ms(), nonce: random() };
        Asking { open, moment, hosts: &ready.hosts, scopes: ready.integration.settings.scopes.as_deref() }
    }

    /// Sends one call; gives its answer with the body still to come.
    async fn dispatch(
        &self,
        ready: &ReadyConnection,
        call: &TokenCall,
    ) -> Result<Box<upstream::Answer>, Refusal> {
        let unusable = |_| Refusal::Unusable { what: "the address is no URL".to_owned() };
        let path: PathAndQuery = call.path_and_query().parse().map_err(unusable)?;
        let environment = ready.connection.environment.clone();
        let mut sent = Call::new(environment, Arc::clone(call.origin()), call.method.clone(), path);
        sent.fields = call.headers.clone();
        sent.body = match call.body.is_empty() {
            true => UpstreamBody::Empty,
            false => UpstreamBody::Held(call.body.clone()),
        };
        sent.identity = ready.identity.clone();
        sent.fresh = true;
        sent.deadline = Some(Instant::now() + self.timeout);
        sent.first_byte = Some(self.timeout);
        let answer = self.upstream.send(&mut sent).await;
        answer.map_err(|error| Refusal::passing(error.reason.message()))
    }

    /// Sends one call and reads its answer.
    async fn send(&self, ready: &ReadyConnection, call: TokenCall) -> Result<Reply, Refusal> {
        let at = self.clock.steady_ms();
        let answer = self.dispatch(ready, &call).await?;
        let (status, fields) = (answer.status.as_u16(), answer.fields.clone());
        let body = http_body_util::Limited::new(answer.body, MAX_ANSWER).collect().await;
        let broken = |_| Refusal::passing("it broke its answer off, or made it longer than 1 MiB");
        let body = body.map_err(broken)?.to_bytes();
        // Nobody asked for a coding; some send one all the same.
        let coding = fields.get("content-encoding").and_then(|value| std::str::from_utf8(value).ok());
        let body = match decode(coding, &body, MAX_ANSWER) {
            Ok(Some(decoded)) => decoded,
            Ok(None) => body,
            Err(_) => {
                return Err(Refusal::passing("its answer is compressed in a way that cannot be undone"));
            }
        };
        Ok(Reply { status, fields, body, at, call })
    }
}

/// An answer with what it is an answer to.
struct Reply {
    status: u16,
    fields: Fields,
    body: Bytes,
    at: i64,
    call: TokenCall,
}

impl Reply {
    fn answer(&self) -> grant::Answer<'_> {
        grant::Answer {
            status: self.status,
            headers: &self.fields,
            body: &self.body,
            at: self.at,
            sent: self.call.sent(),
        }
    }
}

fn open(ready: &ReadyConnection) -> Result<OpenConnection<'_>, Refusal> {
    ready
        .open()
        .ok_or_else(|| Refusal::Unusable { what: "the catalog has no such auth entry any more".to_owned() })
}
