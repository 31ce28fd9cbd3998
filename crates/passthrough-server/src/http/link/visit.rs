//! What a browser brings along: its cookie, its languages, its form.

use std::collections::HashMap;

use axum::body::Body;
use axum::response::Response;
use data_encoding::BASE32_NOPAD;
use http::header::{ACCEPT_LANGUAGE, CONTENT_TYPE, COOKIE, SET_COOKIE};
use http::{HeaderMap, HeaderValue};
use passthrough_core::grant::parse_form;
use passthrough_core::id::LinkSessionId;
use passthrough_core::token::{Token, TokenKind};
use passthrough_store::LinkSession;

use super::page::Frame;
use super::words::Words;
use crate::app::App;
use crate::http::body::read_body;
use crate::http::error::ApiError;
use crate::link::LIFETIME_MS;
use crate::link::session::Opened;

/// Keys and certificates fit.
const MAX_FORM: usize = 1024 * 1024;

/// One request of a browser.
#[derive(Debug, Clone, Copy)]
pub(super) struct Visit<'a> {
    pub app: &'a App,
    headers: &'a HeaderMap,
    session: Option<&'a LinkSession>,
}

impl<'a> Visit<'a> {
    pub(super) fn new(app: &'a App, headers: &'a HeaderMap, session: Option<&'a LinkSession>) -> Self {
        Self { app, headers, session }
    }

    /// The language of the page.
    pub(super) fn words(&self) -> &'static Words {
        let accepted = self.headers.get(ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        Words::of(self.session.and_then(|session| session.locale.as_deref()), accepted)
    }

    pub(super) fn frame(&self) -> Frame<'a> {
        let link = &self.app.config.link;
        Frame {
            words: self.words(),
            brand: &link.brand,
            assets: &self.app.link_assets,
            is_secure: link.is_secure(),
        }
    }

    /// What the browser holds for a session.
    pub(super) fn held(&self, id: LinkSessionId) -> Option<Token> {
        let name = cookie_name(self.app, id);
        let lines = self.headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
        let mut found = lines.flat_map(|line| line.split(';')).filter_map(|pair| {
            let (known, value) = pair.trim().split_once('=')?;
            (known == name).then_some(value)
        });
        let value = found.next()?;
        Token::parse(TokenKind::Browser, value).ok()
    }

    /// Whether a browser fetches what its user has not asked for yet.
    pub(super) fn is_ahead(&self) -> bool {
        ["sec-purpose", "purpose", "x-moz", "x-purpose"].iter().any(|name| {
            let value = self.headers.get(*name).and_then(|value| value.to_str().ok()).unwrap_or_default();
            value.contains("prefetch") || value.contains("preview") || value.contains("prerender")
        })
    }

    /// Whether another site's page sent it, as far as the browser says (Fetch Metadata).
    fn is_foreign(&self) -> bool {
        let site = self.headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
        site.is_some_and(|site| site != "same-origin" && site != "none")
    }
}

/// One cookie for each session: links that are opened side by side do not disturb each other. With `__Host-` no
/// neighbouring host can set it; browsers take that prefix over TLS only.
fn cookie_name(app: &App, id: LinkSessionId) -> String {
    let prefix = if app.config.link.is_secure() { "__Host-" } else { "" };
    format!("{prefix}link-{}", id.ulid())
}

/// Binds the session to this browser.
pub(super) fn set_cookie(app: &App, response: &mut Response, browser: &Token) {
    let name = cookie_name(app, LinkSessionId::from(browser.ulid()));
    let secure = if app.config.link.is_secure() { "; Secure" } else { "" };
    let seconds = LIFETIME_MS / 1_000;
    let value = browser.expose();
    // `Lax`, because the way back from a provider is another site's.
    let cookie = format!("{name}={value}; Path=/; Max-Age={seconds}; HttpOnly; SameSite=Lax{secure}");
    if let Ok(mut cookie) = HeaderValue::from_str(&cookie) {
        cookie.set_sensitive(true);
        response.headers_mut().append(SET_COOKIE, cookie);
    }
}

/// What the forms of a session carry.
pub(super) fn form_token(app: &App, opened: &Opened) -> String {
    BASE32_NOPAD.encode(&app.installation.vault.form_token(&opened.browser))
}

/// The fields of a form that one of our own pages sent; `None` where another did.
pub(super) async fn form(
    app: &App,
    headers: &HeaderMap,
    opened: &Opened,
    body: Body,
) -> Result<Option<HashMap<String, String>>, ApiError> {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_form = kind.split(';').next().unwrap_or_default().trim() == "application/x-www-form-urlencoded";
    if !is_form || Visit::new(app, headers, None).is_foreign() {
        return Ok(None);
    }
    let body = read_body(app, body, MAX_FORM).await?;
    let form: HashMap<String, String> = parse_form(&String::from_utf8_lossy(&body)).into_iter().collect();
    let token = form.get("form").and_then(|token| BASE32_NOPAD.decode(token.as_bytes()).ok());
    let genuine = token.is_some_and(|token| app.installation.vault.is_form_token(&opened.browser, &token));
    Ok(genuine.then_some(form))
}

/// One parameter of a query.
pub(super) fn query(query: Option<&str>, name: &str) -> Option<String> {
    let pairs = parse_form(query.unwrap_or_default());
    pairs.into_iter().find(|(known, _)| known == name).map(|(_, value)| value)
}
