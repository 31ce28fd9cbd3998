//! `/link/…` and `/oauth/callback/…`: the pages on which an end user authorises an account.
//!
//! They are for people in browsers: no API key opens them, and their failures are pages. What they know of an end user
//! is the cookie that the opening of a link left there.

use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, RawQuery, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use http::{HeaderMap, Method, StatusCode};
use passthrough_core::id::{ConnectionId, Environment, LinkSessionId};
use passthrough_core::token::Token;
use passthrough_store::{LinkEnd, LinkSession};

use super::error::ApiError;
use crate::app::App;
use crate::link::session::{self, Denied, LinkUrl, Opened};
use crate::link::trouble::Trouble;
use crate::link::{consent, destination, public_token};

mod answer;
mod assets;
mod fields;
mod page;
mod visit;
mod words;

use answer::{Shown, page, see_other};
pub use assets::Assets;
use page::choose::{self, Choice, Choose};
use page::outcome::{self, Told};
use visit::Visit;
use words::{with, with_two};

/// The routes.
pub(super) fn router() -> Router<Arc<App>> {
    Router::new()
        .route("/link/assets/{name}", get(asset))
        .route("/link/{session}", get(enter))
        .route("/link/{session}/_cancel", post(cancel))
        .route("/link/{session}/{integration}", get(fields::show).post(fields::submit))
        .route("/oauth/callback/{environment}/{integration}", get(callback))
}

/// The language of the pages where it is asked for; `None` where they have no such.
pub(super) fn language(locale: &str) -> Option<&'static str> {
    words::known(locale).map(|words| words.lang)
}

/// Writes failures as pages, for people.
pub(super) async fn errors(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let headers = request.headers().clone();
    let response = next.run(request).await;
    let Some(error) = response.extensions().get::<ApiError>() else { return response };
    // Tells the log, as with every other failure.
    let _ = error.body("");
    let visit = Visit::new(&app, &headers, None);
    let words = visit.words();
    let (title, lead) = match error.status() {
        StatusCode::NOT_FOUND | StatusCode::METHOD_NOT_ALLOWED => (words.unknown_title, words.unknown_lead),
        _ => (words.trouble_title, words.trouble_lead),
    };
    let shown = Shown { status: error.status(), ..Shown::new(outcome::halt(&visit.frame(), title, lead)) };
    page(&app, shown)
}

/// What the pages load; named by content, so that it may be kept for good.
async fn asset(State(app): State<Arc<App>>, Path(name): Path<String>) -> Response {
    match app.link_assets.find(&name) {
        Some(asset) => answer::asset(asset),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

/// `/link/<id>.<secret>` opens a link; `/link/<id>` is where it goes on, so that the secret stays in no address bar,
/// history or `Referer`.
async fn enter(
    State(app): State<Arc<App>>,
    method: Method,
    headers: HeaderMap,
    Path(segment): Path<String>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let visit = Visit::new(&app, &headers, None);
    if !segment.contains('.') {
        return choose(&app, &headers, &segment, query.as_deref()).await;
    }
    // Whoever only looks whether there is something, or fetches ahead, must not take the link from its user.
    if method == Method::HEAD || visit.is_ahead() {
        return Ok(page(&app, Shown { status: StatusCode::NO_CONTENT, ..Shown::default() }));
    }
    let Some(url) = LinkUrl::parse(&segment) else { return Ok(denied(&visit, Denied::Unknown)) };
    let held = visit.held(url.session());
    match session::open(&app, url, held.as_ref()).await? {
        Err(reason) => Ok(denied(&visit, reason)),
        Ok(opening) => {
            let mut response = see_other(&app, &format!("/link/{}", opening.id));
            if let Some(browser) = &opening.browser {
                visit::set_cookie(&app, &mut response, browser);
            }
            Ok(response)
        }
    }
}

/// Choosing the provider, where there is a choice.
async fn choose(
    app: &Arc<App>,
    headers: &HeaderMap,
    segment: &str,
    query: Option<&str>,
) -> Result<Response, ApiError> {
    let opened = match entered(app, headers, segment).await? {
        Ok(opened) => opened,
        Err(response) => return Ok(response),
    };
    let visit = Visit::new(app, headers, Some(&opened.session));
    let offers = session::offers(app, &opened.session).await?;
    let here = format!("/link/{}", opened.session.id);
    if let [only] = offers.as_slice() {
        return Ok(see_other(app, &format!("{here}/{}", only.key())));
    }
    let wanted = visit::query(query, "q").unwrap_or_default();
    let wanted = wanted.trim();
    let fits = |text: &str| text.to_lowercase().contains(&wanted.to_lowercase());
    let words = visit.words();
    let called = |category: &String| fits(category) || fits(words.category(category));
    let fitting =
        offers.iter().filter(|offer| fits(&offer.name) || offer.provider.categories.iter().any(called));
    let choices = fitting.map(|offer| Choice {
        name: &offer.name,
        note: offer.provider.categories.first().map(|category| words.category(category)),
        href: format!("{here}/{}", offer.key()),
    });
    let token = visit::form_token(app, &opened);
    let shown = Choose {
        here: &here,
        query: wanted,
        choices: choices.collect(),
        all: offers.len(),
        cancel: format!("{here}/_cancel"),
        token: &token,
    };
    Ok(page(app, Shown::of(&opened.session, choose::page(&visit.frame(), &shown))))
}

/// The user does not want to.
async fn cancel(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Path(segment): Path<String>,
    body: Body,
) -> Result<Response, ApiError> {
    let opened = match entered(&app, &headers, &segment).await? {
        Ok(opened) => opened,
        Err(response) => return Ok(response),
    };
    let visit = Visit::new(&app, &headers, Some(&opened.session));
    let Some(form) = visit::form(&app, &headers, &opened, body).await? else {
        return Ok(foreign(&visit));
    };
    // What had gone wrong before, as our own page noted it.
    let error = form.get("error").filter(|code| Trouble::is_code(code));
    let end = error.map_or(LinkEnd::Cancelled, |code| LinkEnd::Failed((*code).clone()));
    if !session::end(&app, &opened.session, &end).await? {
        // What was under way in another tab came to its end first; it is not to be called cancelled.
        return Ok(denied(&visit, Denied::Over));
    }
    let (status, code) = match &end {
        LinkEnd::Failed(code) => ("failed", code.as_str()),
        LinkEnd::Cancelled | LinkEnd::Done(_) => ("cancelled", "cancelled"),
    };
    Ok(left(&visit, &opened.session, status, code))
}

/// Back at the caller's product, without a connection.
fn left(visit: &Visit<'_>, session: &LinkSession, status: &str, code: &str) -> Response {
    let next = session.redirect_url.as_deref().map(|url| destination::with_result(url, "error", code));
    let id = session.id.to_string();
    let told = session.origin.as_deref().map(|origin| Told {
        origin,
        status,
        session: &id,
        token: None,
        error: Some(code),
    });
    match (&told, &next) {
        (None, Some(next)) => see_other(visit.app, next),
        _ => {
            let content = outcome::cancelled(&visit.frame(), told.as_ref(), next.as_deref());
            page(visit.app, Shown::of(session, content))
        }
    }
}

/// Back at the caller's product, with the public token.
async fn done(
    visit: &Visit<'_>,
    session: &LinkSession,
    connection: ConnectionId,
    name: &str,
) -> Result<Response, ApiError> {
    let token = public_token::make(visit.app, &session.environment, connection).await?.expose();
    let next = session.redirect_url.as_deref().map(|url| destination::with_result(url, "token", &token));
    let id = session.id.to_string();
    let told = session.origin.as_deref().map(|origin| Told {
        origin,
        status: "done",
        session: &id,
        token: Some(&token),
        error: None,
    });
    Ok(match (&told, &next) {
        (None, Some(next)) => see_other(visit.app, next),
        _ => {
            let content = outcome::done(&visit.frame(), name, told.as_ref(), next.as_deref());
            page(visit.app, Shown::of(session, content))
        }
    })
}

/// A provider sends the user back.
async fn callback(
    State(app): State<Arc<App>>,
    headers: HeaderMap,
    Path((environment, integration)): Path<(String, String)>,
    RawQuery(query): RawQuery,
) -> Result<Response, ApiError> {
    let stray = || {
        let visit = Visit::new(&app, &headers, None);
        let words = visit.words();
        let content = outcome::halt(&visit.frame(), words.stray_title, words.stray_lead);
        page(&app, Shown { status: StatusCode::BAD_REQUEST, ..Shown::new(content) })
    };
    let (Some(answer), Ok(environment)) =
        (consent::Answer::read(query.as_deref().unwrap_or_default()), environment.parse::<Environment>())
    else {
        return Ok(stray());
    };
    let id = LinkSessionId::from(answer.state.ulid());
    let held = Visit::new(&app, &headers, None).held(id);
    // In a task of its own: the code is used up once it is sent, and a user who closes the tab in that moment would
    // have to begin anew.
    let work = {
        let (app, key, held) = (Arc::clone(&app), integration.clone(), held.clone());
        tokio::spawn(
            async move { consent::take_back(&app, &environment, &key, &answer, held.as_ref()).await },
        )
    };
    let returned = work.await.map_err(ApiError::internal)??;
    let Some(returned) = returned else {
        // A reload, or the way back in the browser, after it was over.
        return Ok(match session::find(&app, id, held.as_ref()).await? {
            Err(reason @ (Denied::Over | Denied::Expired)) => {
                denied(&Visit::new(&app, &headers, None), reason)
            }
            Err(Denied::Unknown | Denied::Elsewhere) | Ok(_) => stray(),
        });
    };
    let session = &returned.session;
    let visit = Visit::new(&app, &headers, Some(session));
    let offer = session::offer(&app, session, &integration).await?;
    let name = offer.as_ref().map_or(integration.as_str(), |offer| &offer.name);
    match returned.result {
        Ok(connection) => done(&visit, session, connection, name).await,
        Err(_) => fields::again(&app, session, offer.as_ref()).await,
    }
}

/// The session of a path, or the page that says why not.
async fn entered(
    app: &Arc<App>,
    headers: &HeaderMap,
    segment: &str,
) -> Result<Result<Opened, Response>, ApiError> {
    let visit = Visit::new(app, headers, None);
    let Ok(id) = segment.parse::<LinkSessionId>() else { return Ok(Err(denied(&visit, Denied::Unknown))) };
    let held: Option<Token> = visit.held(id);
    Ok(session::find(app, id, held.as_ref()).await?.map_err(|reason| denied(&visit, reason)))
}

/// A form that none of our own pages sent, or not as it was.
fn foreign(visit: &Visit<'_>) -> Response {
    let words = visit.words();
    let content = outcome::halt(&visit.frame(), words.foreign_title, words.foreign_lead);
    page(visit.app, Shown { status: StatusCode::FORBIDDEN, ..Shown::new(content) })
}

/// Why a page is not shown.
fn denied(visit: &Visit<'_>, reason: Denied) -> Response {
    let words = visit.words();
    let (status, title, lead) = match reason {
        Denied::Unknown => (StatusCode::NOT_FOUND, words.unknown_title, words.unknown_lead),
        Denied::Elsewhere => (StatusCode::FORBIDDEN, words.elsewhere_title, words.elsewhere_lead),
        Denied::Expired => (StatusCode::GONE, words.expired_title, words.expired_lead),
        Denied::Over => (StatusCode::GONE, words.used_title, words.used_lead),
    };
    page(visit.app, Shown { status, ..Shown::new(outcome::halt(&visit.frame(), title, lead)) })
}

/// What went wrong, in a person's words.
fn explained(visit: &Visit<'_>, name: &str, trouble: &Trouble) -> String {
    let words = visit.words();
    match trouble {
        Trouble::Refused => with(words.refused, name),
        Trouble::NotUsable => words.not_usable.to_owned(),
        Trouble::Unreachable => with(words.unreachable, name),
        Trouble::Blocked => words.blocked.to_owned(),
        Trouble::NotSetUp => with(words.not_set_up, name),
        Trouble::AccessDenied => with(words.access_denied, name),
        Trouble::Busy => with(words.provider_busy, name),
        Trouble::Provider(code) => with_two(words.provider_error, name, code),
        Trouble::NoTokens => with(words.no_tokens, name),
        Trouble::AnotherAccount => words.another_account.to_owned(),
        Trouble::AccountUnknown => with(words.account_unknown, name),
        Trouble::Interrupted => words.interrupted.to_owned(),
        Trouble::OurSide => words.on_our_side.to_owned(),
    }
}
