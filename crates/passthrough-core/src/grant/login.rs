//! Logins: one to three requests whose answers have what the credential is made of. An app's signed token that opens a
//! request works the same way.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde_json::Value;

use super::answer::Answer;
use super::call::{Body, Draft};
use super::capture::keep;
use super::expiry::ends;
use super::params::Params;
use super::refusal::Refusal;
use super::{Asking, GrantError, TokenCall, client_auth, jwt};
use crate::connection::{Credential, Obtained};
use crate::provider::ExpiredWhen;
use crate::provider::grant::{Jwt, Login, Step, StepBody};
use crate::template::{Scope, Template};

/// The request of a step. Its templates see what the connection has, and over that what earlier steps captured.
pub fn step_call(
    asking: &Asking<'_>,
    step: &Step,
    so_far: &BTreeMap<String, SecretString>,
) -> Result<TokenCall, GrantError> {
    let login = asking.login()?;
    call_of(asking, step, login.jwt.as_ref(), so_far)
}

pub(super) fn call_of(
    asking: &Asking<'_>,
    step: &Step,
    jwt: Option<&Jwt>,
    so_far: &BTreeMap<String, SecretString>,
) -> Result<TokenCall, GrantError> {
    let mut credential: Credential = asking.open.credential.clone();
    let known = &mut credential.obtained.get_or_insert_default().values;
    known.extend(so_far.iter().map(|(name, value)| (name.clone(), value.clone())));
    let mut draft = Draft::new(step.method.clone());
    for value in so_far.values() {
        draft.hide(secrecy::ExposeSecret::expose_secret(value));
    }
    if let Some(jwt) = jwt {
        let signed = jwt::sign(jwt, &asking.scope(&credential))?;
        draft.hide(&signed.token);
        let known = &mut credential.obtained.get_or_insert_default().values;
        known.insert("jwt".to_owned(), SecretString::from(signed.token.as_str()));
    }
    let url = asking.resolve(&step.url, &credential)?;
    let scope = asking.scope(&credential);
    fill(step, &scope, &mut draft)?;
    Ok(draft.to(url, asking))
}

fn fill(step: &Step, scope: &Scope<'_>, draft: &mut Draft) -> Result<(), GrantError> {
    if let Some(pair) = step.basic.as_ref().and_then(|basic| basic.render(scope)) {
        let (user, password) = pair.split_once(':').unwrap_or((&pair, ""));
        let value = client_auth::basic(user, password);
        draft.hide(value.trim_start_matches("Basic "));
        draft.header("Authorization", &value)?;
    }
    draft.headers(&step.headers, scope)?;
    draft.query.set_all(&step.query, scope);
    let templates = |params: &[(String, Template)], draft: &mut Draft| {
        draft.hide_computed(params.iter().map(|(_, template)| template), scope);
    };
    templates(&step.query, draft);
    draft.body = match &step.body {
        StepBody::None => Body::None,
        StepBody::Form(form) => {
            templates(form, draft);
            let mut params = Params::default();
            params.set_all(form, scope);
            Body::Form(params)
        }
        StepBody::Json(json) => {
            let mut inside = Vec::new();
            json.collect_templates(&mut inside);
            draft.hide_computed(inside.into_iter(), scope);
            Body::Json(json.render(scope).unwrap_or_default().to_string().into())
        }
        StepBody::Text(text) => {
            draft.hide_computed(std::iter::once(text), scope);
            text.render(scope).map_or(Body::None, Body::Text)
        }
    };
    Ok(())
}

/// A call that finds out variables, as a file writes it out.
pub fn discover_call(asking: &Asking<'_>, step: &Step) -> Result<TokenCall, GrantError> {
    call_of(asking, step, None, &BTreeMap::new())
}

/// The step that makes a session live longer, where there is one.
pub fn refresh_step(login: &Login) -> Option<&Step> {
    login.refresh.as_ref()
}

/// Reads the answer to a step, and adds what it brought to `so_far`. A redirect is as good as a success where what is
/// wanted is there: many logins end with one.
pub fn read_step(
    login: &Login,
    step: &Step,
    answer: &Answer<'_>,
    so_far: &mut BTreeMap<String, SecretString>,
) -> Result<(), Refusal> {
    if let Some(passing) = answer.passing() {
        // A file may know that this API says "wrong password" with a 500.
        return Err(refused(login, answer, answer.values().as_ref()).unwrap_or(passing));
    }
    let values = answer.values();
    if let Some(refused) = refused(login, answer, values.as_ref()) {
        return Err(refused);
    }
    if !(200..400).contains(&answer.status) {
        let what = format!("it answered with status {}", answer.status);
        return Err(Refusal::Passing { what, retry_after_ms: answer.retry_after_ms() });
    }
    if !step.captures.is_empty()
        && answer.is_success()
        && answer.is_html()
        && answer.headers.get("set-cookie").is_none()
    {
        return Err(Refusal::Passing { what: "it is a page for people".to_owned(), retry_after_ms: None });
    }
    keep(&step.captures, answer, values.as_ref(), so_far)
}

/// What a whole login yields: what its steps captured, over what the connection had before. `last` is the answer to
/// the last step, which says when it ends.
pub fn finish(
    login: &Login,
    captured: BTreeMap<String, SecretString>,
    last: &Answer<'_>,
    previous: Option<&Obtained>,
) -> Obtained {
    let mut obtained = previous.cloned().unwrap_or_default();
    obtained.values.extend(captured);
    let expires_at = ends(&login.expires, last.values().as_ref(), last.at);
    Obtained { at: last.at, expires_at, refresh_expires_at: None, ..obtained }
}

/// Whether the answer says that what the user gave is wrong.
fn refused(login: &Login, answer: &Answer<'_>, values: Option<&Value>) -> Option<Refusal> {
    let by_status = matches!(answer.status, 400 | 401 | 403);
    if !by_status
        && !login
            .refused_when
            .iter()
            .any(|rule| rule.holds(answer.status, answer.headers, values, answer.body))
    {
        return None;
    }
    let said = |name: &str| values?.get(name)?.as_str().map(|text| answer.told(text));
    let description = ["error_description", "message", "error", "detail"].into_iter().find_map(said);
    Some(Refusal::Ended {
        code: format!("status_{}", answer.status),
        description: description.unwrap_or_default(),
    })
}

impl ExpiredWhen {
    /// Whether all its conditions hold for an answer; `body` is what was seen of it, without its content coding.
    pub fn holds(
        &self,
        status: u16,
        headers: &crate::header::Fields,
        json: Option<&Value>,
        body: &[u8],
    ) -> bool {
        if self.contains.as_ref().is_some_and(|text| memchr::memmem::find(body, text.as_bytes()).is_none()) {
            return false;
        }
        if self.status.is_some_and(|wanted| wanted.as_u16() != status) {
            return false;
        }
        if let Some(name) = &self.header {
            let value = headers.get(name.as_str()).and_then(|value| std::str::from_utf8(value).ok());
            let equals = self.equals.as_ref().filter(|_| self.pointer.is_none());
            let wanted =
                equals.map(|equals| equals.as_str().map_or_else(|| equals.to_string(), str::to_owned));
            if value.is_none() || wanted.is_some_and(|wanted| value != Some(wanted.as_str())) {
                return false;
            }
        }
        if let Some(pointer) = &self.pointer {
            let value = json.and_then(|json| pointer.read(json));
            if value.is_none() || self.equals.as_ref().is_some_and(|equals| value != Some(equals)) {
                return false;
            }
        }
        true
    }
}
