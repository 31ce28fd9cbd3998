//! Consent at a provider: the way there, and the way back.
//!
//! What comes back is believed only where it belongs together: the state is known, was not used, and was given to this
//! browser (login CSRF, replay, fixation); the address is the one of the integration that was chosen, and the issuer,
//! where it names itself, the one that was asked (mix-up). All of it before any token is asked for.

use std::collections::BTreeMap;

use data_encoding::BASE64URL_NOPAD;
use passthrough_core::connection::{Connection, Credential, Obtained, Variables};
use passthrough_core::grant::mcp::Registration;
use passthrough_core::grant::{self, RequestToken};
use passthrough_core::id::{ConnectionId, Environment};
use passthrough_core::provider::grant::{Flow, REDIRECT_URI};
use passthrough_core::provider::{Auth, Grant};
use passthrough_core::token::{Token, TokenKind};
use passthrough_store::{Consent as StoredConsent, LinkSession, Sealed};
use passthrough_vault::random;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::offer::Offer;
use super::session::Opened;
use super::trouble::Trouble;
use super::{connect, destination, session};
use crate::app::App;
use crate::connections::making;
use crate::http::error::ApiError;
use crate::integrations::{Integration, client, redirect_uri};
use crate::obtain::Refusal;
use crate::resolve::ReadyConnection;

/// The longest error code that is repeated to anybody.
const MAX_CODE: usize = 60;

/// What a consent needs when it comes back, as it is sealed. Its texts are wiped.
#[derive(Default, Serialize, Deserialize)]
struct Kept {
    auth: String,
    fields: BTreeMap<String, Zeroizing<String>>,
    variables: BTreeMap<String, Zeroizing<String>>,
    verifier: Option<Zeroizing<String>>,
    /// What was found out on the way, beside the tokens that will come.
    found: BTreeMap<String, Zeroizing<String>>,
    /// With OAuth 1.0.
    temporary: Option<Temporary>,
    /// Where the user was sent to: whoever answers in another's name is refused.
    asked: String,
    /// The integration that asked. Absent in what was sealed before this was noted.
    #[serde(default)]
    by: Asker,
}

/// An integration as it was when a consent began. A code, and the secret of a client, go to no other that was given the
/// same key meanwhile.
#[derive(Default, PartialEq, Eq, Serialize, Deserialize)]
struct Asker {
    provider: String,
    made_at: i64,
    generation: i64,
}

impl Asker {
    fn of(offer: &Offer) -> Self {
        let Integration { provider, made_at, generation, .. } = &offer.integration;
        Self { provider: provider.clone(), made_at: *made_at, generation: *generation }
    }
}

/// A temporary token of OAuth 1.0 (RFC 5849 section 2.1).
#[derive(Serialize, Deserialize)]
struct Temporary {
    token: Zeroizing<String>,
    secret: Zeroizing<String>,
}

impl Kept {
    /// Whether an answer is of the server that was asked (RFC 9207): mix-up sends the code of one to another. Where
    /// nobody knows the server's name for itself, it must at least be of the same origin.
    fn is_from(&self, issuer: Option<&str>) -> bool {
        let known = |name: &str| self.found.get(name).map(|text| text.as_str());
        match (issuer, known("mcp_issuer")) {
            (Some(issuer), Some(known)) => issuer == known,
            (Some(issuer), None) => destination::origin_of(issuer) == self.asked,
            (None, _) => known("mcp_says_iss").is_none(),
        }
    }
}

/// What came back from a provider.
#[derive(Debug)]
pub struct Answer {
    /// The query, decoded.
    pub query: Vec<(String, String)>,
    /// The state in it.
    pub state: Token,
}

impl Answer {
    /// Reads the query. A parameter that stands twice is refused (RFC 6749 section 3.1): of two, somebody else may have
    /// judged the other.
    pub fn read(query: &str) -> Option<Self> {
        let query = grant::parse_form(query);
        let once = |name: &str| query.iter().filter(|(known, _)| known == name).count() <= 1;
        if !["state", "code", "iss", "error", "oauth_token", "oauth_verifier"].into_iter().all(once) {
            return None;
        }
        let (_, state) = query.iter().find(|(name, _)| name == "state")?;
        let state = Token::parse(TokenKind::State, state).ok()?;
        Some(Self { state, query })
    }

    /// A parameter that a file names: of two, somebody else may have judged the other.
    fn once(&self, name: &str) -> Option<&str> {
        let count = self.query.iter().filter(|(known, _)| known == name).count();
        self.get(name).filter(|_| count == 1)
    }

    fn get(&self, name: &str) -> Option<&str> {
        let found = self.query.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }
}

/// A consent that came back to the browser that began it.
#[derive(Debug)]
pub struct Returned {
    /// Its session.
    pub session: LinkSession,
    /// What came of it.
    pub result: Result<ConnectionId, Trouble>,
}

/// Begins a consent; gives the address to which the user goes.
pub async fn begin(
    app: &App,
    opened: &Opened,
    offer: &Offer,
    auth: &Auth,
    credential: Credential,
    variables: Variables,
) -> Result<String, Trouble> {
    let session = &opened.session;
    let environment = &session.environment;
    let draft = connect::draft(app, session, offer, auth).await?;
    let state = Token::from_parts(TokenKind::State, session.id.ulid(), random());
    let shown = Zeroizing::new(state.expose());
    let mut kept = Kept {
        auth: auth.name.clone(),
        fields: texts(&credential.fields),
        variables: texts(&variables),
        by: Asker::of(offer),
        ..Kept::default()
    };
    let asked = Asked {
        app,
        offer,
        redirect_uri: redirect_uri(&app.config, environment, offer.key()),
        state: &shown,
        other_account: session.error.as_deref() == Some(Trouble::AnotherAccount.code()),
    };
    let address = asked.address(&draft, auth, credential, &variables, &mut kept).await?;
    destination::origin_of(&address).clone_into(&mut kept.asked);
    let vault = &app.installation.vault;
    let generation = session.generation.saturating_add(1);
    let sealed = vault.seal_consent(environment, session.id, generation, &kept).map_err(ApiError::from)?;
    let consent = StoredConsent {
        browser_hash: vault.hash(TokenKind::Browser, &opened.browser, environment).to_vec(),
        integration: offer.key().to_owned(),
        state_hash: vault.hash(TokenKind::State, &state, environment).to_vec(),
        sealed: Sealed { sealed: sealed.bytes, key_id: sealed.key_id.to_string(), generation },
    };
    let store = &app.installation.store;
    let begun = store.begin_consent(environment, session.id, &consent, app.now_ms()).await;
    if begun.map_err(ApiError::from)? { Ok(address) } else { Err(Trouble::Interrupted) }
}

/// What a consent is asked for with.
struct Asked<'a> {
    app: &'a App,
    offer: &'a Offer,
    redirect_uri: String,
    state: &'a str,
    /// Whether the user came back with another account than the one that is linked again: the provider, which knows
    /// them, would send them back with it at once.
    other_account: bool,
}

impl Asked<'_> {
    /// The address to which the user goes. What has to be known when they come back goes into `kept`.
    async fn address(
        &self,
        draft: &Connection,
        auth: &Auth,
        mut credential: Credential,
        variables: &Variables,
        kept: &mut Kept,
    ) -> Result<String, Trouble> {
        let (app, obtainer) = (self.app, &self.app.obtainer);
        let extra = self.offer.integration.settings.authorize_params.clone();
        let mut extra: Vec<(String, String)> = extra.into_iter().collect();
        if let (true, Grant::OAuth2(oauth2)) = (self.other_account, &auth.grant) {
            extra.retain(|(name, _)| oauth2.other_account_params.iter().all(|(other, _)| other != name));
            extra.extend(oauth2.other_account_params.iter().cloned());
        }
        let mut ready = making::ready(app, draft, credential.clone(), variables).await?;
        let oauth2 = match &auth.grant {
            Grant::OAuth2(oauth2) => oauth2,
            Grant::OAuth1(_) => {
                // Such providers have no state of their own; whatever is in the callback's query comes back.
                let callback = format!("{}?state={}", self.redirect_uri, self.state);
                let asked = obtainer.request_token(&ready, &callback, &extra).await;
                let (token, address) = match asked {
                    Ok(asked) => asked,
                    Err(refusal) => return Err(not_begun(app, &ready, refusal).await),
                };
                kept.temporary = Some(Temporary {
                    token: Zeroizing::new(token.token.expose_secret().to_owned()),
                    secret: Zeroizing::new(token.secret.expose_secret().to_owned()),
                });
                return Ok(address);
            }
            Grant::Static | Grant::Login(_) => return Err(Trouble::NotSetUp),
        };
        if oauth2.flow == Flow::Mcp {
            let name = Some(app.config.link.brand.name.as_str()).filter(|name| !name.is_empty());
            let registration =
                Registration { client_name: name.unwrap_or("Passthrough"), redirect_uri: &self.redirect_uri };
            let found = match obtainer.discover(&ready, &registration).await {
                Ok(found) => found,
                Err(refusal) => return Err(not_begun(app, &ready, refusal).await),
            };
            kept.found = texts(&found);
            credential.obtained = Some(Obtained { values: found, ..Obtained::default() });
            ready = making::ready(app, draft, credential, variables).await?;
        }
        if oauth2.pkce || oauth2.flow == Flow::Mcp {
            kept.verifier = Some(Zeroizing::new(BASE64URL_NOPAD.encode(&random::<32>())));
        }
        let challenge = kept.verifier.as_ref().map(|verifier| grant::pkce_challenge(verifier));
        let consent = grant::Consent {
            redirect_uri: &self.redirect_uri,
            state: self.state,
            code_challenge: challenge.as_deref(),
            extra: &extra,
        };
        match obtainer.authorize_url(&ready, &consent) {
            Ok(address) => Ok(address),
            Err(refusal) => Err(not_begun(app, &ready, refusal).await),
        }
    }
}

/// Before anybody consented nothing can be wrong with the consent.
async fn not_begun(app: &App, ready: &ReadyConnection, refusal: Refusal) -> Trouble {
    let integration = &ready.connection.integration;
    tracing::warn!(%integration, reason = %refusal.short(), "a consent cannot begin");
    if let Err(error) = client::note_refusal(&app.installation, ready, &refusal).await {
        return ApiError::from(error).into();
    }
    match refusal {
        Refusal::Passing { .. } => Trouble::Unreachable,
        Refusal::Ended { .. } | Refusal::ClientRejected { .. } | Refusal::Unusable { .. } => {
            Trouble::NotSetUp
        }
    }
}

/// Takes what came back. `None` where it does not belong to this browser and this address: then nothing was used up,
/// and nothing was asked of anybody.
pub async fn take_back(
    app: &App,
    environment: &Environment,
    integration: &str,
    answer: &Answer,
    held: Option<&Token>,
) -> Result<Option<Returned>, ApiError> {
    let Some(held) = held.filter(|held| held.ulid() == answer.state.ulid()) else { return Ok(None) };
    let vault = &app.installation.vault;
    let state = vault.hash(TokenKind::State, &answer.state, environment);
    let browser = vault.hash(TokenKind::Browser, held, environment);
    let store = &app.installation.store;
    // Before the state is used up: whoever sends an answer to the wrong address must not end the consent by that.
    let begun = store.find_link_session(held.ulid().into()).await?;
    if begun.is_none_or(|begun| begun.integration.as_deref() != Some(integration)) {
        return Ok(None);
    }
    let session = store.consume_state(environment, &state, &browser, app.now_ms()).await?;
    let Some(session) = session else { return Ok(None) };
    if session.integration.as_deref() != Some(integration) {
        tracing::warn!(session = %session.id, "an answer came to the address of another integration");
        return Ok(None);
    }
    let result = complete(app, &session, integration, answer).await;
    if let Err(trouble) = &result {
        session::note(app, &session, trouble).await?;
    }
    Ok(Some(Returned { session, result }))
}

async fn complete(
    app: &App,
    session: &LinkSession,
    integration: &str,
    answer: &Answer,
) -> Result<ConnectionId, Trouble> {
    let sealed = session.sealed.as_ref().ok_or(Trouble::Interrupted)?;
    let vault = &app.installation.vault;
    let kept = vault.open_consent(&session.environment, session.id, sealed.generation, &sealed.sealed);
    let kept: Kept = kept.map_err(ApiError::from)?;
    if !kept.is_from(answer.get("iss")) {
        tracing::warn!(session = %session.id, "an answer came from another issuer than the one that was asked");
        return Err(Trouble::NoTokens);
    }
    if let Some(error) = answer.get("error") {
        return Err(refused(session, integration, error));
    }
    let offer = session::offer(app, session, integration).await?.ok_or(Trouble::NotSetUp)?;
    if kept.by != Asker::of(&offer) {
        tracing::warn!(session = %session.id, "the integration was changed while somebody consented");
        return Err(Trouble::Interrupted);
    }
    let auth = offer.entry(Some(&kept.auth)).ok_or(Trouble::NotSetUp)?;
    let draft = connect::draft(app, session, &offer, auth).await?;
    let variables = hidden(&kept.variables);
    // What the provider brought along with the code may be needed to exchange it, such as the region of the account.
    let mut came = hidden(&kept.found);
    came.extend(match &auth.grant {
        Grant::OAuth2(oauth2) => grant::read_callback(&oauth2.callback, &answer.query),
        Grant::OAuth1(oauth1) => grant::read_callback(&oauth1.callback, &answer.query),
        Grant::Static | Grant::Login(_) => BTreeMap::new(),
    });
    let codes = match &auth.grant {
        Grant::OAuth2(oauth2) => Some(oauth2),
        Grant::OAuth1(_) | Grant::Static | Grant::Login(_) => None,
    };
    if codes.is_some_and(|oauth2| oauth2.keeps_redirect_uri()) {
        let address = redirect_uri(&app.config, &session.environment, integration);
        came.insert(REDIRECT_URI.to_owned(), address.into());
    }
    let came = Obtained { values: came, ..Obtained::default() };
    let credential =
        Credential { fields: hidden(&kept.fields), obtained: Some(came), client: BTreeMap::new() };
    let ready = making::ready(app, &draft, credential, &variables).await?;
    let obtained = match exchanged(app, &ready, &kept, answer).await {
        Ok(obtained) => obtained,
        Err(Unexchanged::Trouble(trouble)) => return Err(trouble),
        Err(Unexchanged::Refused(refusal)) => {
            let reason = refusal.short();
            tracing::warn!(session = %session.id, %integration, %reason, "a provider gave no tokens for a consent");
            client::note_refusal(&app.installation, &ready, &refusal).await.map_err(ApiError::from)?;
            return Err(refusal.into());
        }
    };
    client::note_accepted(&app.installation, &ready).await;
    let credential = Credential { obtained: Some(obtained), ..ready.credential.clone() };
    connect::complete(app, session, draft, credential, &variables).await
}

/// Why there are no tokens.
enum Unexchanged {
    /// There is nothing to exchange.
    Trouble(Trouble),
    /// The provider gives none.
    Refused(Refusal),
}

impl From<Trouble> for Unexchanged {
    fn from(trouble: Trouble) -> Self {
        Self::Trouble(trouble)
    }
}

impl From<Refusal> for Unexchanged {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

/// Exchanges what came back for tokens.
async fn exchanged(
    app: &App,
    ready: &ReadyConnection,
    kept: &Kept,
    answer: &Answer,
) -> Result<Obtained, Unexchanged> {
    let Some(temporary) = &kept.temporary else {
        let name = match ready.provider.auth.get(&kept.auth).map(|auth| &auth.grant) {
            Some(Grant::OAuth2(oauth2)) => oauth2.code.as_str(),
            _ => "code",
        };
        let code = answer.once(name).ok_or(Trouble::NoTokens)?;
        let Connection { environment, integration, .. } = &ready.connection;
        let redirect_uri = redirect_uri(&app.config, environment, integration);
        let verifier = kept.verifier.as_ref().map(|verifier| verifier.as_str());
        return Ok(app.obtainer.exchange(ready, code, &redirect_uri, verifier).await?);
    };
    // Both are how providers of OAuth 1.0 say that the user did not want to.
    if answer.get("denied").is_some() || answer.get("oauth_problem").is_some() {
        return Err(Trouble::AccessDenied.into());
    }
    if answer.get("oauth_token") != Some(temporary.token.as_str()) {
        return Err(Trouble::NoTokens.into());
    }
    let verifier = answer.get("oauth_verifier").ok_or(Trouble::NoTokens)?;
    let token =
        RequestToken { token: temporary.token.as_str().into(), secret: temporary.secret.as_str().into() };
    Ok(app.obtainer.access_token(ready, &token, verifier).await?)
}

/// What the provider says instead of a code (RFC 6749 section 4.1.2.1).
fn refused(session: &LinkSession, integration: &str, code: &str) -> Trouble {
    match code {
        "access_denied" | "user_denied" | "consent_required" => Trouble::AccessDenied,
        "temporarily_unavailable" | "server_error" => Trouble::Busy,
        "unauthorized_client" | "invalid_scope" | "unsupported_response_type" | "invalid_client" => {
            // No alarm: whoever has the link can write such an answer.
            tracing::warn!(session = %session.id, integration, code, "a provider refuses an integration's request for consent");
            Trouble::NotSetUp
        }
        other => {
            // Whoever made the address wrote it, so only what a code may look like is repeated.
            Trouble::Provider(plain(other))
        }
    }
}

/// What of a code may be repeated to anybody.
fn plain(code: &str) -> String {
    let plain = |c: &char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | '.');
    code.chars().filter(plain).take(MAX_CODE).collect()
}

fn texts(values: &BTreeMap<String, SecretString>) -> BTreeMap<String, Zeroizing<String>> {
    let text = |value: &SecretString| Zeroizing::new(value.expose_secret().to_owned());
    values.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

fn hidden(values: &BTreeMap<String, Zeroizing<String>>) -> BTreeMap<String, SecretString> {
    values.iter().map(|(name, value)| (name.clone(), value.as_str().into())).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_read_once_or_not_at_all() {
        let state = Token::from_parts(TokenKind::State, Default::default(), [1; 32]).expose();
        let answer = Answer::read(&format!("code=a+b%2Fc&state={state}&iss=")).unwrap();
        assert_eq!((answer.get("code"), answer.get("iss")), (Some("a b/c"), None));
        for query in [
            String::new(),
            "code=1".to_owned(),
            "code=1&state=nonsense".to_owned(),
            format!("code=1&code=2&state={state}"),
            format!("state={state}&state={state}"),
            format!("state={state}&iss=a&iss=b"),
        ] {
            assert!(Answer::read(&query).is_none(), "{query}");
        }
    }

    #[test]
    fn only_what_looks_like_a_code_is_repeated() {
        assert_eq!(plain("<script>alert(1)</script>"), "scriptalert1script");
        assert_eq!(plain(&"x".repeat(500)), "x".repeat(60));
    }
}
