//! Link sessions: made by a caller, opened once, and from then on one browser's.

use passthrough_core::connection::{Connection, ConnectionStatus};
use passthrough_core::id::{ConnectionId, Environment, LinkSessionId};
use passthrough_core::token::{Token, TokenKind};
use passthrough_store::{LinkEnd, LinkSession, LinkStatus, StoreError};
use passthrough_vault::random;
use passthrough_wire::link as wire;
use passthrough_wire::time;

use super::trouble::Trouble;
use super::{LIFETIME_MS, again, destination, offer};
use crate::app::App;
use crate::connections;
use crate::http::error::ApiError;

/// How long a session is kept after its time.
const KEPT_MS: i64 = 86_400_000;
/// How many rows are deleted at once.
const SWEPT: u32 = 1_000;

/// A session in the browser that it belongs to.
#[derive(Debug)]
pub struct Opened {
    /// The session, which has neither ended nor expired.
    pub session: LinkSession,
    /// What the browser holds.
    pub browser: Token,
}

/// Why a page of a session is not shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Denied {
    /// There is none of this id, or the secret is wrong: one answer for both.
    Unknown,
    /// It is another browser's.
    Elsewhere,
    /// Its time is over.
    Expired,
    /// It has ended.
    Over,
}

/// What opening a link came to.
#[derive(Debug)]
pub struct Opening {
    /// The session.
    pub id: LinkSessionId,
    /// What the browser is to hold from now on; `None` where it holds it already.
    pub browser: Option<Token>,
}

/// A URL that a stranger opens.
#[derive(Debug)]
pub enum LinkUrl {
    /// Of a session that was made.
    Session(Token),
    /// Of a connection that is to be linked again; the session is made when it is opened.
    Again(again::Again),
}

impl LinkUrl {
    /// The session that it opens.
    pub fn session(&self) -> LinkSessionId {
        match self {
            LinkUrl::Session(token) => token.ulid().into(),
            LinkUrl::Again(again) => again.id(),
        }
    }

    /// Reads the last segment of a link URL.
    pub fn parse(segment: &str) -> Option<Self> {
        if let Some(again) = again::Again::parse(segment) {
            return Some(LinkUrl::Again(again));
        }
        let (id, secret) = segment.split_once('.')?;
        Token::parse(TokenKind::Link, &format!("{id}{secret}")).ok().map(LinkUrl::Session)
    }
}

/// The URL of a session, shown once.
pub fn url(app: &App, token: &Token) -> String {
    let text = token.expose();
    let id = LinkSessionId::from(token.ulid()).to_string();
    let secret = text.strip_prefix(&id).unwrap_or_default();
    format!("{}/link/{id}.{secret}", app.config.link.public_url)
}

/// Makes a session for the caller.
pub async fn create(
    app: &App,
    environment: &Environment,
    request: wire::CreateLinkSession,
) -> Result<(LinkSession, Token), ApiError> {
    let link = &app.config.link;
    let wrong = |field: &'static str| move |message: String| ApiError::bad_field(field, message);
    let redirect = request.redirect_url.as_deref();
    let redirect = redirect.map(|text| destination::redirect_url(&link.redirect_urls, text)).transpose();
    let origin = request.origin.as_deref();
    let origin = origin.map(|text| destination::message_origin(&link.message_origins, text)).transpose();
    let (redirect_url, origin) = (redirect.map_err(wrong("redirectUrl"))?, origin.map_err(wrong("origin"))?);
    let mut choices = Vec::new();
    let mut connection_id = None;
    if let Some(id) = &request.connection_id {
        let connection = linkable(app, environment, id).await?;
        choices.push(connection.integration.clone());
        connection_id = Some(connection.id);
    }
    if let Some(key) = &request.integration {
        choices.push(offer::named(app, environment, "integration", key).await?.key().to_owned());
    }
    for (at, name) in request.providers.iter().enumerate() {
        let key = offer::named(app, environment, &format!("providers[{at}]"), name).await?.key().to_owned();
        if !choices.contains(&key) {
            choices.push(key);
        }
    }
    let token = app.installation.new_token(TokenKind::Link);
    let mut session = blank(app, environment, &token);
    session.choices = serde_json::to_string(&choices).map_err(ApiError::internal)?;
    session.connection_id = connection_id;
    session.external_id = request.external_id;
    session.name = request.name;
    session.tags = request.tags;
    (session.redirect_url, session.origin, session.locale) = (redirect_url, origin, request.locale);
    app.installation.store.insert_link_session(&session).await?;
    Ok((session, token))
}

/// A session with nothing in it.
pub(super) fn blank(app: &App, environment: &Environment, token: &Token) -> LinkSession {
    let now = app.now_ms();
    LinkSession {
        id: LinkSessionId::from(token.ulid()),
        environment: environment.clone(),
        secret_hash: app.installation.vault.hash(TokenKind::Link, token, environment).to_vec(),
        browser_hash: None,
        choices: "[]".to_owned(),
        connection_id: None,
        external_id: None,
        name: None,
        tags: Vec::new(),
        redirect_url: None,
        origin: None,
        locale: None,
        status: LinkStatus::Open,
        error: None,
        integration: None,
        sealed: None,
        generation: 0,
        created_at: now,
        expires_at: now + LIFETIME_MS,
    }
}

/// The connection that is to be linked again.
async fn linkable(app: &App, environment: &Environment, id: &str) -> Result<Connection, ApiError> {
    let wrong = |message: &str| ApiError::bad_field("connectionId", message);
    let id: ConnectionId = id.parse().map_err(|_| wrong("must be the id of a connection, `conn_…`"))?;
    let connection = connections::find(app, environment, id).await?.connection;
    if connection.status == ConnectionStatus::Archived {
        return Err(wrong("is archived; take it back first"));
    }
    Ok(connection)
}

/// Opens a link. Whoever is first has it.
pub async fn open(
    app: &App,
    url: LinkUrl,
    held: Option<&Token>,
) -> Result<Result<Opening, Denied>, ApiError> {
    let token = match url {
        LinkUrl::Session(token) => token,
        LinkUrl::Again(again) => match again.session(app).await? {
            Ok(token) => token,
            Err(denied) => return Ok(Err(denied)),
        },
    };
    let id = LinkSessionId::from(token.ulid());
    let (store, vault) = (&app.installation.store, &app.installation.vault);
    let session = store.find_link_session(id).await?;
    let stored = session.as_ref().map(|session| (session.secret_hash.as_slice(), &session.environment));
    let genuine = vault.matches(TokenKind::Link, &token, stored);
    let Some(session) = session.filter(|_| genuine) else { return Ok(Err(Denied::Unknown)) };
    if session.browser_hash.is_none() && !is_over(&session) && session.expires_at > app.now_ms() {
        // Always a fresh one: a value that somebody planted in the browser before would be known to them.
        let browser = Token::from_parts(TokenKind::Browser, token.ulid(), random());
        let hash = vault.hash(TokenKind::Browser, &browser, &session.environment);
        if store.bind_browser(&session.environment, id, &hash, app.now_ms()).await? {
            return Ok(Ok(Opening { id, browser: Some(browser) }));
        }
        return Ok(Err(Denied::Elsewhere));
    }
    Ok(check(app, session, held).map(|_| Opening { id, browser: None }))
}

/// The session of an id, in the browser that it belongs to. `held` is what that browser holds.
pub async fn find(
    app: &App,
    id: LinkSessionId,
    held: Option<&Token>,
) -> Result<Result<Opened, Denied>, ApiError> {
    let session = app.installation.store.find_link_session(id).await?;
    Ok(session.ok_or(Denied::Unknown).and_then(|session| check(app, session, held)))
}

fn check(app: &App, session: LinkSession, held: Option<&Token>) -> Result<Opened, Denied> {
    let bound = session.browser_hash.as_deref().map(|hash| (hash, &session.environment));
    let vault = &app.installation.vault;
    // Before anything else is said of it: what has become of a session is its browser's affair.
    let browser = held.filter(|held| held.ulid() == session.id.ulid());
    let browser = browser.filter(|held| vault.matches(TokenKind::Browser, held, bound)).cloned();
    let browser = browser.ok_or(Denied::Elsewhere)?;
    if is_over(&session) {
        return Err(Denied::Over);
    }
    if session.expires_at <= app.now_ms() {
        return Err(Denied::Expired);
    }
    Ok(Opened { session, browser })
}

fn is_over(session: &LinkSession) -> bool {
    !matches!(session.status, LinkStatus::Open | LinkStatus::Started)
}

/// What the end user may choose from.
pub async fn offers(app: &App, session: &LinkSession) -> Result<Vec<offer::Offer>, ApiError> {
    let keys = keys(session)?;
    if keys.is_empty() {
        return offer::all(app, &session.environment).await;
    }
    let mut offers = Vec::new();
    for key in keys {
        // One that was deleted meanwhile is no longer offered.
        offers.extend(offer::find(app, &session.environment, &key).await?);
    }
    Ok(offer::named_apart(offers))
}

/// One of them.
pub async fn offer(app: &App, session: &LinkSession, key: &str) -> Result<Option<offer::Offer>, ApiError> {
    let keys = keys(session)?;
    if !keys.is_empty() && !keys.iter().any(|known| known == key) {
        return Ok(None);
    }
    offer::find(app, &session.environment, key).await
}

fn keys(session: &LinkSession) -> Result<Vec<String>, ApiError> {
    serde_json::from_str(&session.choices).map_err(ApiError::internal)
}

/// Ends a session; tells whether this call did.
pub async fn end(app: &App, session: &LinkSession, end: &LinkEnd) -> Result<bool, StoreError> {
    app.installation.store.finish_link_session(&session.environment, session.id, end).await
}

/// Notes what went wrong, for the caller and for the page that the end user sees next.
pub async fn note(app: &App, session: &LinkSession, trouble: &Trouble) -> Result<(), StoreError> {
    app.installation.store.note_link_trouble(&session.environment, session.id, &trouble.noted()).await
}

/// Deletes what is over: sessions a day after their time, so that a caller can still ask what became of them.
pub async fn sweep(app: &App) -> Result<(), StoreError> {
    let (store, now) = (&app.installation.store, app.now_ms());
    while store.delete_link_sessions_before(now - KEPT_MS, SWEPT).await? >= u64::from(SWEPT) {}
    while store.delete_public_tokens_before(now, SWEPT).await? >= u64::from(SWEPT) {}
    Ok(())
}

/// A session as the caller sees it.
pub fn show(session: &LinkSession, now: i64) -> Result<wire::LinkSession, ApiError> {
    let status = match session.status {
        LinkStatus::Done => wire::LinkStatus::Done,
        LinkStatus::Failed => wire::LinkStatus::Failed,
        LinkStatus::Cancelled => wire::LinkStatus::Cancelled,
        LinkStatus::Open | LinkStatus::Started if session.expires_at <= now => wire::LinkStatus::Expired,
        LinkStatus::Open if session.browser_hash.is_none() => wire::LinkStatus::Open,
        LinkStatus::Open | LinkStatus::Started => wire::LinkStatus::Started,
    };
    Ok(wire::LinkSession {
        id: session.id.to_string(),
        status,
        error: session.error.as_deref().map(Trouble::code_of),
        integrations: keys(session)?,
        connection_id: session.connection_id.map(|id| id.to_string()),
        external_id: session.external_id.clone(),
        tags: session.tags.clone(),
        created_at: time::format(session.created_at),
        expires_at: time::format(session.expires_at),
    })
}
