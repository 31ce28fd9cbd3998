//! `/link/{session}/{integration}`: what an end user gives, or the way to the provider's consent.

use std::collections::HashMap;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, RawQuery, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use indexmap::IndexMap;
use passthrough_core::provider::{Auth, Grant, Input, Problem};
use passthrough_store::{LinkEnd, LinkSession};
use secrecy::SecretString;
use tokio::time::{Instant, sleep_until};

use super::answer::{Shown, page, see_other};
use super::page::form::{self, Field, Form, Kind};
use super::page::outcome;
use super::visit::{self, Visit};
use super::{denied, done, entered, explained, foreign, left};
use crate::app::App;
use crate::http::error::ApiError;
use crate::link::offer::Offer;
use crate::link::session::{self, Denied, Opened};
use crate::link::trouble::Trouble;
use crate::link::{connect, consent};

/// A form under a person's eyes.
struct Filled<'a> {
    opened: &'a Opened,
    offer: &'a Offer,
    auth: &'a Auth,
    /// What stands in it, by name; secrets are never taken from here.
    given: &'a HashMap<String, String>,
    problems: &'a [Problem],
    trouble: Option<&'a Trouble>,
}

/// Where a value goes.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    Credentials,
    Variables,
}

impl Place {
    /// Where the core says that a problem is.
    fn path(self, name: &str) -> String {
        match self {
            Place::Credentials => format!("credentials.{name}"),
            Place::Variables => format!("variables.{name}"),
        }
    }

    /// The name in the form.
    fn field(self, name: &str) -> String {
        match self {
            Place::Credentials => format!("f.{name}"),
            Place::Variables => format!("v.{name}"),
        }
    }
}

/// Everything that is asked for, variables first: they say which account it is.
fn inputs<'a>(offer: &'a Offer, auth: &'a Auth) -> impl Iterator<Item = (Place, &'a str, &'a Input)> {
    let is_asked = |name: &String| {
        !offer.provider.finds_out(auth, name) && !offer.integration.secrets.variables.contains_key(name)
    };
    let variables = offer.provider.variables.0.iter().filter(move |(name, _)| is_asked(name));
    let variables = variables.map(|(name, input)| (Place::Variables, name.as_str(), input));
    let fields = auth.fields.0.iter().map(|(name, input)| (Place::Credentials, name.as_str(), input));
    variables.chain(fields)
}

/// The form.
pub(super) async fn show(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Path((segment, key)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let opened = match entered(&app, &headers, &segment).await? {
        Ok(opened) => opened,
        Err(response) => return Ok(response),
    };
    let visit = Visit::new(&app, &headers, Some(&opened.session));
    let auth = visit::query(query.as_deref(), "auth");
    let Some(offer) = session::offer(&app, &opened.session, &key).await? else {
        return Ok(denied(&visit, Denied::Unknown));
    };
    let Some(auth) = entry(&app, &opened, &offer, auth.as_deref()).await? else {
        return Ok(denied(&visit, Denied::Unknown));
    };
    let given = HashMap::new();
    // What came of the consent before, if it was for this.
    let noted = opened.session.error.as_deref().filter(|_| opened.session.integration.as_ref() == Some(&key));
    let trouble = noted.and_then(Trouble::read);
    let trouble = trouble.as_ref();
    let filled = Filled { opened: &opened, offer: &offer, auth, given: &given, problems: &[], trouble };
    Ok(render(&visit, &filled).await)
}

/// The way to authenticate: the one that was chosen, the one of the connection that is linked again, the usual one.
async fn entry<'a>(
    app: &App,
    opened: &Opened,
    offer: &'a Offer,
    chosen: Option<&str>,
) -> Result<Option<&'a Auth>, ApiError> {
    let Some(id) = opened.session.connection_id else { return Ok(offer.entry(chosen)) };
    let stored = crate::connections::find(app, &opened.session.environment, id).await?;
    Ok(offer.entry(Some(&stored.connection.auth)))
}

/// What was filled in.
pub(super) async fn submit(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Path((segment, key)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    body: Body,
) -> Result<Response, ApiError> {
    let opened = match entered(&app, &headers, &segment).await? {
        Ok(opened) => opened,
        Err(response) => return Ok(response),
    };
    let visit = Visit::new(&app, &headers, Some(&opened.session));
    let Some(given) = visit::form(&app, &headers, &opened, body).await? else {
        return Ok(foreign(&visit));
    };
    let Some(offer) = session::offer(&app, &opened.session, &key).await? else {
        return Ok(denied(&visit, Denied::Unknown));
    };
    let auth = visit::query(query.as_deref(), "auth");
    let Some(auth) = entry(&app, &opened, &offer, auth.as_deref()).await? else {
        return Ok(denied(&visit, Denied::Unknown));
    };
    let filled = Filled { opened: &opened, offer: &offer, auth, given: &given, problems: &[], trouble: None };
    let (credentials, mut variables) = (taken(&filled, Place::Credentials), taken(&filled, Place::Variables));
    offer.integration.complete(&mut variables)?;
    let hosts = &offer.integration.hosts(&offer.provider, &app.config.allow_hosts);
    let accepted = match auth.grant.needs_consent() {
        true => offer.provider.accept_before_consent(auth, credentials, variables, hosts),
        false => {
            let now = app.installation.clock.steady_ms();
            offer.provider.accept(auth, credentials, variables, hosts, now)
        }
    };
    let (credential, variables) = match accepted {
        Ok(accepted) => accepted,
        Err(problems) => return Ok(render(&visit, &Filled { problems: &problems, ..filled }).await),
    };
    let Some(at) = app.link_attempts.next(opened.session.id, Instant::now()) else {
        return exhausted(&visit, &opened.session).await;
    };
    sleep_until(at).await;
    if auth.grant.needs_consent() {
        return Ok(match consent::begin(&app, &opened, &offer, auth, credential, variables).await {
            Ok(address) => {
                let content = outcome::going(&visit.frame(), &offer.name, &address);
                page(&app, Shown::of(&opened.session, content))
            }
            Err(trouble) => {
                session::note(&app, &opened.session, &trouble).await?;
                render(&visit, &Filled { trouble: Some(&trouble), ..filled }).await
            }
        });
    }
    let draft = connect::draft(&app, &opened.session, &offer, auth).await?;
    match connect::complete(&app, &opened.session, draft, credential, &variables).await {
        Ok(connection) => done(&visit, &opened.session, connection, &offer.name).await,
        Err(trouble) => {
            session::note(&app, &opened.session, &trouble).await?;
            Ok(render(&visit, &Filled { trouble: Some(&trouble), ..filled }).await)
        }
    }
}

/// So many attempts are no person's: the link ends.
async fn exhausted(visit: &Visit<'_>, session: &LinkSession) -> Result<Response, ApiError> {
    let code = "too_many_attempts";
    if !session::end(visit.app, session, &LinkEnd::Failed(code.to_owned())).await? {
        return Ok(denied(visit, Denied::Over));
    }
    tracing::warn!(session = %session.id, "a link has ended: too many attempts were made at it");
    Ok(left(visit, session, "failed", code))
}

/// Where the form is shown again after a consent that came to nothing: the user may try again, or give up. At an address
/// of its own, which has neither code nor state in it and can be loaded again.
pub(super) async fn again(
    app: &App,
    session: &LinkSession,
    offer: Option<&Offer>,
) -> Result<Response, ApiError> {
    let here = format!("/link/{}", session.id);
    let Some(offer) = offer else { return Ok(see_other(app, &here)) };
    let consents = offer.entries().find(|auth| auth.grant.needs_consent()).map(|auth| auth.name.as_str());
    let address = match consents {
        Some(auth) => format!("{here}/{}?auth={auth}", offer.key()),
        None => format!("{here}/{}", offer.key()),
    };
    Ok(see_other(app, &address))
}

/// The values of one place, as a person typed them.
fn taken(filled: &Filled<'_>, wanted: Place) -> IndexMap<String, SecretString> {
    let of_place = inputs(filled.offer, filled.auth).filter(|(place, _, _)| *place == wanted);
    let value = |(place, name, input): (Place, &str, &Input)| {
        let text = filled.given.get(&place.field(name))?;
        // Browsers send the lines of a text with CR LF; and what is pasted comes with white space around it, which
        // only a password may mean.
        let text = text.replace("\r\n", "\n");
        let is_password = input.secret && !matches!(filled.auth.grant, Grant::Static);
        let text = if is_password { text.as_str() } else { text.trim() };
        (!text.is_empty()).then(|| (name.to_owned(), SecretString::from(text)))
    };
    of_place.filter_map(value).collect()
}

async fn render(visit: &Visit<'_>, filled: &Filled<'_>) -> Response {
    let Filled { opened, offer, auth, trouble, .. } = *filled;
    let (session, here) = (&opened.session, format!("/link/{}", opened.session.id));
    let token = visit::form_token(visit.app, opened);
    let again = session.connection_id.is_some();
    let others = offer.entries().filter(|other| other.name != auth.name && !again);
    let address = |name: &str| format!("{here}/{}?auth={name}", offer.key());
    let choices = session::offers(visit.app, session).await.map_or(0, |offers| offers.len());
    let unplaced = filled
        .problems
        .iter()
        .any(|problem| !inputs(offer, auth).any(|(place, name, _)| place.path(name) == problem.path));
    let alert = match trouble {
        Some(trouble) => Some(explained(visit, &offer.name, trouble)),
        None => unplaced.then(|| visit.words().not_usable.to_owned()),
    };
    let shown = Form {
        provider: &offer.name,
        again,
        consent: auth.grant.needs_consent(),
        description: auth.description.as_deref(),
        docs: offer.provider.docs.as_deref(),
        action: address(&auth.name),
        token: &token,
        alert,
        fields: inputs(offer, auth).map(|input| field(visit, filled, input)).collect(),
        ways: others.map(|other| (other.label.as_str(), address(&other.name))).collect(),
        back: (choices > 1).then(|| here.clone()),
        cancel: format!("{here}/_cancel"),
        error: trouble.map(Trouble::code),
    };
    let content = form::page(&visit.frame(), &shown);
    let wrong = trouble.is_some() || !filled.problems.is_empty();
    let status = if wrong { StatusCode::UNPROCESSABLE_ENTITY } else { StatusCode::OK };
    page(visit.app, Shown { status, ..Shown::of(session, content) })
}

fn field<'a>(
    visit: &Visit<'_>,
    filled: &Filled<'a>,
    (place, name, input): (Place, &'a str, &'a Input),
) -> Field<'a> {
    let kind = match &input.values {
        Some(values) => Kind::Choice(values),
        None if has_lines(filled.auth, name, input) => Kind::Lines,
        None if input.secret => Kind::Secret,
        None => Kind::Text,
    };
    let given = filled.given.get(&place.field(name));
    let value = given.cloned().or_else(|| input.default.clone()).filter(|_| !input.secret);
    let path = place.path(name);
    let problem = filled.problems.iter().find(|problem| problem.path == path);
    Field {
        name: place.field(name),
        label: &input.label,
        help: input.description.as_deref(),
        example: input.example.as_deref(),
        kind,
        required: input.required(),
        value,
        error: problem.map(|problem| wrong(visit, input, given.map(String::as_str), problem)),
    }
}

/// What is wrong with a value, in a person's words. The core's own are for those who call the API.
fn wrong(visit: &Visit<'_>, input: &Input, given: Option<&str>, problem: &Problem) -> String {
    let words = visit.words();
    let given = given.unwrap_or_default().trim();
    tracing::debug!(path = %problem.path, problem = %problem.message, "a field was not accepted");
    let unlike = input.pattern.as_ref().is_some_and(|pattern| !pattern.is_match(given));
    match (&input.values, &input.example) {
        _ if given.is_empty() => words.missing.to_owned(),
        _ if problem.message.starts_with("longer than") => words.too_long.to_owned(),
        (Some(values), _) if !values.iter().any(|value| value == given) => words.not_a_choice.to_owned(),
        (_, Some(example)) if unlike => super::with(words.not_fitting_example, example),
        (_, None) if unlike => words.not_fitting.to_owned(),
        _ => words.not_usable.to_owned(),
    }
}

/// Keys and certificates in PEM have many lines.
fn has_lines(auth: &Auth, name: &str, input: &Input) -> bool {
    let pem = |text: &Option<String>| {
        text.as_deref().is_some_and(|text| text.contains("-----BEGIN") || text.contains('\n'))
    };
    let certificate = auth.inject.client_certificate.as_ref();
    let mut templates = certificate.into_iter().flat_map(|pair| [&pair.certificate, &pair.private_key]);
    pem(&input.example)
        || templates.any(|template| template.names().contains(&name))
        || auth.grant.signs_with(name)
}
