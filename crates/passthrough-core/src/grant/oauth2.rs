//! The requests of OAuth 2.0: consent, and every kind of token request.

use std::collections::BTreeMap;

use aws_lc_rs::digest;
use data_encoding::BASE64URL_NOPAD;
use secrecy::SecretString;

use super::call::{Body, Draft};
use super::login::call_of;
use super::params::Params;
use super::{Asking, GrantError, TokenCall, Way, client_auth, jwt};
use crate::connection::{Credential, Obtained};
use crate::provider::file::TokenBody;
use crate::provider::grant::{Flow, OAuth2, Url, UrlTemplate};
use crate::template::Template;

const JWT_BEARER: &str = "urn:ietf:params:oauth:grant-type:jwt-bearer";

/// What one consent is bound to.
#[derive(Debug, Clone, Copy)]
pub struct Consent<'a> {
    /// Where the provider sends the user back to.
    pub redirect_uri: &'a str,
    /// The value that the user must come back with.
    pub state: &'a str,
    /// The PKCE challenge; `None` where the file switches PKCE off.
    pub code_challenge: Option<&'a str>,
    /// The integration's further parameters. They win over the provider file's, and never over ours.
    pub extra: &'a [(String, String)],
}

/// The parameters that bind a consent to the browser and client that asked for it: nobody else's to set.
pub(crate) const OURS: [&str; 6] =
    ["response_type", "client_id", "redirect_uri", "state", "code_challenge", "code_challenge_method"];

/// The S256 challenge of a verifier (RFC 7636 §4.2). A verifier is 43 to 128 characters of `[A-Za-z0-9-._~]`.
pub fn pkce_challenge(verifier: &str) -> String {
    BASE64URL_NOPAD.encode(digest::digest(&digest::SHA256, verifier.as_bytes()).as_ref())
}

/// Where the user's browser goes to consent (RFC 6749 §4.1.1).
pub fn authorize_url(asking: &Asking<'_>, consent: &Consent<'_>) -> Result<String, GrantError> {
    let oauth2 = asking.oauth2()?;
    let credential = asking.open.credential;
    let url = endpoint(asking, oauth2.authorize_url.as_ref(), "mcp_authorize_url", credential)?;
    let client_id = match asking.value("mcp_client_id").filter(|_| oauth2.flow == Flow::Mcp) {
        Some(id) => id,
        None => asking.need("client_id")?,
    };
    let mut query = Params::default();
    query.set("response_type", "code");
    query.set("client_id", client_id);
    query.set("redirect_uri", consent.redirect_uri);
    query.set_some("scope", scope(asking, oauth2));
    query.set("state", consent.state);
    if let Some(challenge) = consent.code_challenge {
        query.set("code_challenge", challenge);
        query.set("code_challenge_method", "S256");
    }
    query.rename(&oauth2.authorize_names);
    query.set_all(&oauth2.authorize_params, &asking.scope(credential));
    let renamed = |name: &str| {
        oauth2.authorize_names.iter().any(|(ours, theirs)| theirs == name && OURS.contains(&ours.as_str()))
    };
    for (name, value) in consent.extra {
        if !OURS.contains(&name.as_str()) && !renamed(name) {
            query.set(name, value.as_str());
        }
    }
    query.set_some("resource", asking.value("mcp_resource").filter(|_| oauth2.flow == Flow::Mcp));
    Ok(url.with_query(&query.form()))
}

/// Exchanges the code that the user came back with (RFC 6749 §4.1.3).
pub fn code_call(
    asking: &Asking<'_>,
    code: &str,
    redirect_uri: &str,
    verifier: Option<&str>,
) -> Result<TokenCall, GrantError> {
    let oauth2 = asking.oauth2()?;
    let mut form = Params::default();
    form.set("grant_type", "authorization_code");
    form.set("code", code);
    form.set("redirect_uri", redirect_uri);
    form.set_some("code_verifier", verifier);
    let secrets = [Some(code), verifier];
    token_call(asking, oauth2, form, Kind::First, &secrets)
}

/// Exchanges the first tokens of a consent for those that last; `None` where they do. `first` are what the code brought.
pub fn exchange_call(asking: &Asking<'_>, first: &Obtained) -> Result<Option<TokenCall>, GrantError> {
    let Some(step) = &asking.oauth2()?.exchange else { return Ok(None) };
    call_of(asking, step, None, &first.values).map(Some)
}

/// Asks for the first tokens of a grant without consent.
pub fn first_call(asking: &Asking<'_>) -> Result<Way, GrantError> {
    let oauth2 = asking.oauth2()?;
    let mut form = Params::default();
    match oauth2.flow {
        Flow::Code | Flow::Mcp => return Err(GrantError::NeedsConsent),
        Flow::ClientCredentials => form.set("grant_type", "client_credentials"),
        Flow::Password => {
            form.set("grant_type", "password");
            form.set("username", asking.need("username")?);
            form.set("password", asking.need("password")?);
        }
        Flow::JwtBearer => return assertion_call(asking, oauth2),
    }
    form.set_some("scope", scope(asking, oauth2));
    Ok(Way::Call(Box::new(token_call(asking, oauth2, form, Kind::First, &[])?)))
}

fn assertion_call(asking: &Asking<'_>, oauth2: &OAuth2) -> Result<Way, GrantError> {
    let signed = signed(asking, oauth2, asking.open.credential)?;
    let signed = signed.ok_or_else(|| GrantError::Missing("jwt".to_owned()))?;
    if oauth2.token_url.is_none() {
        let mut obtained = asking.open.credential.obtained.clone().unwrap_or_default();
        obtained.values.insert("access_token".to_owned(), SecretString::from(signed.token.as_str()));
        (obtained.at, obtained.expires_at) = (asking.moment.unix_ms, Some(signed.expires_at));
        return Ok(Way::Made(Obtained { refresh_expires_at: None, ..obtained }));
    }
    let mut form = Params::default();
    form.set("grant_type", JWT_BEARER);
    form.set("assertion", signed.token.as_str());
    form.set_some("scope", scope(asking, oauth2));
    let call = token_call(asking, oauth2, form, Kind::First, &[Some(&signed.token)])?;
    Ok(Way::Call(Box::new(call)))
}

/// Asks for tokens in place of those that end (RFC 6749 §6); without a refresh token, from the beginning where nobody
/// has to consent.
pub fn refresh_call(asking: &Asking<'_>) -> Result<Way, GrantError> {
    let oauth2 = asking.oauth2()?;
    if matches!(oauth2.flow, Flow::ClientCredentials | Flow::JwtBearer) {
        return first_call(asking);
    }
    if let (Some(step), Some(_)) = (&oauth2.refresh, asking.obtained("access_token")) {
        return Ok(Way::Call(Box::new(call_of(asking, step, None, &BTreeMap::new())?)));
    }
    let Some(token) = asking.obtained("refresh_token") else { return first_call(asking) };
    let mut form = Params::default();
    form.set("grant_type", "refresh_token");
    form.set("refresh_token", token);
    let call = token_call(asking, oauth2, form, Kind::Refresh, &[Some(token)])?;
    Ok(Way::Call(Box::new(call)))
}

/// Whether tokens can be asked for from the beginning without the end user: then a refresh token that is refused is
/// no reason to disconnect before [`first_call`] was refused, too.
pub fn starts_over(oauth2: &OAuth2) -> bool {
    match oauth2.flow {
        Flow::ClientCredentials | Flow::Password | Flow::JwtBearer => true,
        Flow::Code | Flow::Mcp => false,
    }
}

/// Gives the grant back (RFC 7009); `None` where the provider has no address for that, or there is nothing to give.
pub fn revoke_call(asking: &Asking<'_>) -> Result<Option<TokenCall>, GrantError> {
    let oauth2 = asking.oauth2()?;
    let credential = asking.open.credential;
    let mcp = asking.obtained("mcp_revoke_url").filter(|_| oauth2.flow == Flow::Mcp);
    if oauth2.revoke_url.is_none() && mcp.is_none() {
        return Ok(None);
    }
    let url = endpoint(asking, oauth2.revoke_url.as_ref(), "mcp_revoke_url", credential)?;
    // Whoever revokes a refresh token ends the grant; an access token alone would leave it alive.
    let kinds = ["refresh_token", "access_token"];
    let token = kinds.iter().find_map(|kind| Some((*kind, asking.obtained(kind)?)));
    let Some((kind, token)) = token else { return Ok(None) };
    let mut form = Params::default();
    form.set("token", token);
    form.set("token_type_hint", kind);
    let mut draft = Draft::post();
    draft.hide(token);
    client_auth::apply(asking, oauth2, &url, &mut draft, &mut form)?;
    form.rename(&oauth2.token_names);
    draft.headers(&oauth2.token_headers, &asking.scope(credential))?;
    draft.body = Body::Form(form);
    Ok(Some(draft.to(url, asking)))
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    First,
    Refresh,
}

fn token_call(
    asking: &Asking<'_>,
    oauth2: &OAuth2,
    mut form: Params,
    kind: Kind,
    secrets: &[Option<&str>],
) -> Result<TokenCall, GrantError> {
    let (address, params) = match kind {
        Kind::First => (oauth2.token_url.as_ref(), &oauth2.token_params),
        Kind::Refresh => (oauth2.refresh_url.as_ref().or(oauth2.token_url.as_ref()), &oauth2.refresh_params),
    };
    let jwt = match needs_jwt(oauth2) {
        true => signed(asking, oauth2, asking.open.credential)?,
        false => None,
    };
    let credential = asking.credential_with(jwt.as_ref().map(|signed| ("jwt", signed.token.as_str())));
    let url = endpoint(asking, address, "mcp_token_url", &credential)?;
    let mut draft = Draft::post();
    secrets.iter().flatten().for_each(|secret| draft.hide(secret));
    jwt.iter().for_each(|signed| draft.hide(&signed.token));
    client_auth::apply(asking, oauth2, &url, &mut draft, &mut form)?;
    form.set_some("resource", asking.value("mcp_resource").filter(|_| oauth2.flow == Flow::Mcp));
    let scope = asking.scope(&credential);
    form.rename(&oauth2.token_names);
    form.set_all(params, &scope);
    draft.hide_computed(params.iter().map(|(_, template)| template), &scope);
    draft.headers(&oauth2.token_headers, &scope)?;
    draft.body = match oauth2.body {
        TokenBody::Form => Body::Form(form),
        TokenBody::Json => Body::Json(form.json()),
    };
    Ok(draft.to(url, asking))
}

/// Whether a template besides the assertion names the signed token.
fn needs_jwt(oauth2: &OAuth2) -> bool {
    let names = |template: &Template| template.names().contains(&"jwt");
    let params = oauth2.token_params.iter().chain(&oauth2.refresh_params).map(|(_, template)| template);
    params.chain(oauth2.token_headers.iter().map(|(_, template)| template)).any(names)
}

fn signed(
    asking: &Asking<'_>,
    oauth2: &OAuth2,
    credential: &Credential,
) -> Result<Option<jwt::Signed>, GrantError> {
    oauth2.jwt.as_ref().map(|jwt| jwt::sign(jwt, &asking.scope(credential))).transpose()
}

/// An address of the provider file, or with MCP the one that was discovered.
fn endpoint(
    asking: &Asking<'_>,
    template: Option<&UrlTemplate>,
    discovered: &str,
    credential: &Credential,
) -> Result<Url, GrantError> {
    match template {
        Some(template) => asking.resolve(template, credential),
        None => {
            let text = asking.need(discovered)?;
            Url::parse(text).map_err(|_| GrantError::NotAnAddress(discovered.to_owned()))
        }
    }
}

/// What is asked for: the connection's own wish, the integration's, the provider file's.
fn scope(asking: &Asking<'_>, oauth2: &OAuth2) -> Option<String> {
    if let Some(own) = asking.open.credential.fields.get("scope") {
        return Some(secrecy::ExposeSecret::expose_secret(own).to_owned()).filter(|scope| !scope.is_empty());
    }
    let discovered = || asking.value("mcp_scope").filter(|_| oauth2.flow == Flow::Mcp).map(str::to_owned);
    let scopes = asking.scopes.unwrap_or(&oauth2.scopes);
    if scopes.is_empty() { discovered() } else { Some(scopes.join(&oauth2.scope_separator)) }
}
