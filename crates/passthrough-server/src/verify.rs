//! Proving a credential with the cheapest call that the provider's file knows.

use std::net::IpAddr;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, StatusCode};
use passthrough_core::base_url::{Host, Scheme};
use passthrough_core::fault::Door;
use passthrough_core::header::Fields;
use passthrough_core::path::CallerPath;
use passthrough_core::provider::{BaseUrlTemplate, Problem, Verify};
use passthrough_core::template::{Scope, Template, percent_encode};
use passthrough_core::upstream::{OpenConnection, PassthroughRequest, RequestBody, build};
use passthrough_store::Account;
use passthrough_wire::connection as wire;
use passthrough_wire::connection::{Verification, VerificationResult};
use serde_json::Value;

use crate::app::App;
use crate::http::error::ApiError;
use crate::passthrough::ask;
use crate::resolve::ReadyConnection;

/// What a verification showed.
#[derive(Debug)]
pub struct Verified {
    /// In a word.
    pub result: VerificationResult,
    /// In a sentence, without the status: that stands beside it.
    pub message: String,
    /// The provider's status.
    pub status: Option<StatusCode>,
    /// The account's id there.
    pub account_id: Option<String>,
    /// The account's label there.
    pub account_label: Option<String>,
    /// Why the provider could not be asked.
    pub failure: Option<ApiError>,
}

impl Verified {
    fn new(result: VerificationResult, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { result, message, status: None, account_id: None, account_label: None, failure: None }
    }

    /// The account, where the answer told it.
    pub fn account(&self) -> Option<Account> {
        let (id, label) = (self.account_id.clone(), self.account_label.clone());
        (id.is_some() || label.is_some()).then_some(Account { id, label })
    }
}

impl From<Verified> for Verification {
    fn from(verified: Verified) -> Self {
        let account =
            verified.account().map(|account| wire::Account { id: account.id, label: account.label });
        Verification {
            result: verified.result,
            status_code: verified.status.map(|status| status.as_u16()),
            message: verified.message,
            account,
        }
    }
}

/// Why a credential could never be used.
#[derive(Debug)]
pub enum RehearsalError {
    /// It does not fit into a request.
    Credential(String),
    /// The base URL may not be called.
    BaseUrl(Problem),
}

/// Builds a request without sending it.
pub fn rehearse(app: &App, ready: &ReadyConnection) -> Result<(), RehearsalError> {
    let credential = |message: &str| RehearsalError::Credential(message.to_owned());
    let open = ready.open().ok_or_else(|| credential("the provider has no such auth entry"))?;
    let path = CallerPath::parse("/").map_err(|_| credential("no path"))?;
    let request = request(Method::GET, path, None, RequestBody::Absent);
    let built = build(open, request, || app.moment(), &ready.hosts).map_err(|refusal| match refusal {
        passthrough_core::upstream::Refusal::Connection(message) => RehearsalError::Credential(message),
        passthrough_core::upstream::Refusal::Request(problems) => {
            let all: Vec<_> = problems.iter().map(ToString::to_string).collect();
            RehearsalError::Credential(all.join("; "))
        }
    })?;
    let policy = &app.config.upstream.address_policy;
    let base = &open.provider.base_url;
    if built.origin.scheme == Scheme::Http
        && policy.allow_http.is_empty()
        && policy.allow_http_hosts.is_empty()
    {
        return Err(plain_http(base));
    }
    if let Host::Ip(ip) = built.origin.host {
        let ip: IpAddr = ip;
        policy.check(ip).map_err(|blocked| blocked_host(base, &blocked.to_string()))?;
        policy.check_scheme(built.origin.scheme, &built.origin.host, ip).map_err(|_| plain_http(base))?;
    }
    Ok(())
}

/// Said of the variable where the user chose the scheme; of the provider's file where only an operator can
/// help. The file's text is shown, never what a variable holds: that may be secret.
fn plain_http(base: &BaseUrlTemplate) -> RehearsalError {
    RehearsalError::BaseUrl(match base.scheme_variable() {
        Some(name) => Problem::new(
            format!("variables.{name}"),
            "the base URL must be https; an operator can open plain http in `upstream.allow_http`",
        ),
        None => {
            let source = base.source();
            let message = format!(
                "the base URL of this provider ({source}) is plain http: open it in upstream.allow_http"
            );
            Problem::new("provider", message)
        }
    })
}

fn blocked_host(base: &BaseUrlTemplate, blocked: &str) -> RehearsalError {
    RehearsalError::BaseUrl(match base.host_variable() {
        Some(name) => Problem::new(format!("variables.{name}"), blocked),
        None => {
            Problem::new("provider", format!("the base URL of this provider ({}): {blocked}", base.source()))
        }
    })
}

/// The connection with the call that proves its credential; an error where its provider's file has none.
pub fn knows_how(ready: &ReadyConnection) -> Result<(OpenConnection<'_>, &Verify), ApiError> {
    let open = ready.open().ok_or_else(|| ApiError::internal("a ready connection without its auth entry"))?;
    let Some(verify) = &open.auth.verify else {
        let message = format!(
            "passthrough knows no call that proves a credential of `{}`; make a passthrough request instead",
            open.provider.code
        );
        return Err(ApiError::bad_field("verify", message));
    };
    Ok((open, verify))
}

/// Asks the provider. An error only where its file has no call to ask with.
pub async fn verify(app: &App, ready: &Arc<ReadyConnection>) -> Result<Verified, ApiError> {
    let (open, verify) = knows_how(ready)?;
    let request = verify_request(app, ready, verify)?;
    let (status, headers, body) = match ask(app, ready, request, None).await {
        Ok(answer) => answer,
        Err(error) => {
            let mut verified = Verified::new(VerificationResult::Unreachable, error.message.clone());
            verified.failure = Some(error);
            return Ok(verified);
        }
    };
    let json = serde_json::from_slice::<Value>(&body).ok();
    let expired = open
        .provider
        .expired_when
        .iter()
        .any(|rule| rule.holds(status.as_u16(), &headers, json.as_ref(), &body));
    let mut verified = judge(status, expired);
    verified.status = Some(status);
    if verified.result == VerificationResult::Alive {
        let read = |pointer: &Option<passthrough_core::json_body::Pointer>| {
            let value = json.as_ref()?.pointer(&pointer.as_ref()?.to_string())?;
            match value {
                Value::String(text) => Some(text.clone()),
                Value::Number(number) => Some(number.to_string()),
                _ => None,
            }
        };
        let fits = |text: &String| !text.is_empty() && text.len() <= 500 && !text.contains('\0');
        // An answer that echoes the credential as the account's name must not put it into the database. As an id it is
        // not masked but left out: of two accounts that were both `***`, one would be taken for the other.
        let tells = |id: &String| !ready.redactor.finds(id.as_bytes());
        verified.account_id = read(&verify.account_id).filter(fits).filter(tells);
        let label = read(&verify.account_label).filter(fits);
        verified.account_label = label.map(|label| ready.redactor.redact_text(&label));
    }
    Ok(verified)
}

fn verify_request(
    app: &App,
    ready: &ReadyConnection,
    verify: &Verify,
) -> Result<PassthroughRequest, ApiError> {
    let scope = Scope { credential: &ready.credential, variables: &ready.variables, moment: app.moment() };
    let path = rendered(&verify.path, &scope)
        .ok_or_else(|| ApiError::unprocessable("a variable that the verify call needs is missing"))?;
    let path = CallerPath::parse(&path).map_err(|error| ApiError::unprocessable(error.to_string()))?;
    let body = match verify.json.as_ref().and_then(|json| json.render(&scope)) {
        Some(json) => RequestBody::Bytes {
            bytes: Bytes::from(json.to_string()),
            content_type: Some(HeaderValue::from_static("application/json")),
        },
        None => RequestBody::Absent,
    };
    Ok(request(verify.method.clone(), path, verify.base.clone(), body))
}

pub fn rendered(path: &Template, scope: &Scope<'_>) -> Option<String> {
    let rendered = path.render_escaped(scope, |value, out| out.push_str(&percent_encode(value)))?;
    Some(rendered.to_string())
}

pub fn request(
    method: Method,
    path: CallerPath,
    base: Option<String>,
    body: RequestBody,
) -> PassthroughRequest {
    PassthroughRequest {
        door: Door::Envelope,
        method,
        path,
        base,
        headers: Fields::default(),
        body,
        websocket_upgrade: false,
    }
}

/// What a status says of a credential. A 403 is a refusal, too: a key without the right to see its own
/// account is of no use; any other says nothing, unless the provider's file knows better.
fn judge(status: StatusCode, expired: bool) -> Verified {
    let refused = || Verified::new(VerificationResult::Refused, "the provider refuses the credential");
    match status.as_u16() {
        _ if expired => refused(),
        200..=299 => Verified::new(VerificationResult::Alive, "the provider accepts the credential"),
        401 | 403 => refused(),
        _ => Verified::new(VerificationResult::Unreachable, "the provider did not say"),
    }
}
