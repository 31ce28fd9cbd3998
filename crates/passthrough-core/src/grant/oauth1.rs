//! Consent by OAuth 1.0a (RFC 5849 §2): a temporary token, the user's consent, a lasting token. The integration's
//! `client_id` and `client_secret` are the RFC's client credentials.

use http::{Method, Uri};
use secrecy::{ExposeSecret, SecretString};

use super::answer::{Answer, scalar};
use super::call::Draft;
use super::capture::checked;
use super::params::Params;
use super::refusal::Refusal;
use super::{Asking, GrantError, TokenCall};
use crate::connection::Obtained;
use crate::provider::grant::{Grant, OAuth1, UrlTemplate};
use crate::sign::oauth1::{Keys, Parts, authorization};

/// Temporary credentials (RFC 5849 §2.1), kept until the user comes back.
#[derive(Debug, Clone)]
pub struct RequestToken {
    /// `oauth_token`: what the user comes back with must be the same.
    pub token: SecretString,
    /// `oauth_token_secret`.
    pub secret: SecretString,
}

/// Asks for temporary credentials (RFC 5849 §2.1). The user will come back to `callback`.
pub fn request_token_call(asking: &Asking<'_>, callback: &str) -> Result<TokenCall, GrantError> {
    let oauth1 = oauth1(asking)?;
    let at = (&oauth1.request_token_method, &oauth1.request_token_url);
    call(asking, oauth1, at, None, &[("oauth_callback", callback)])
}

/// Reads the answer to it.
pub fn read_request_token(answer: &Answer<'_>) -> Result<RequestToken, Refusal> {
    let refused = |code| Refusal::ClientRejected { code };
    let (token, secret, confirmed) = read(answer, refused)?;
    // Without this the provider speaks OAuth 1.0 without the "a", in which an attacker who began a consent gets what
    // the victim consented to.
    if !confirmed {
        return Err(Refusal::malformed("it does not say oauth_callback_confirmed=true"));
    }
    Ok(RequestToken { token, secret })
}

/// Where the user's browser goes to consent (RFC 5849 §2.2). `extra` are the integration's further parameters.
pub fn oauth1_authorize_url(
    asking: &Asking<'_>,
    token: &RequestToken,
    extra: &[(String, String)],
) -> Result<String, GrantError> {
    let oauth1 = oauth1(asking)?;
    let credential = asking.open.credential;
    let url = asking.resolve(&oauth1.authorize_url, credential)?;
    let mut query = Params::default();
    query.set_all(&oauth1.authorize_params, &asking.scope(credential));
    extra.iter().for_each(|(name, value)| query.set(name, value.as_str()));
    query.set("oauth_token", token.token.expose_secret());
    Ok(url.with_query(&query.form()))
}

/// Exchanges temporary credentials for lasting ones (RFC 5849 §2.3), with the verifier that the user came back with.
pub fn access_token_call(
    asking: &Asking<'_>,
    token: &RequestToken,
    verifier: &str,
) -> Result<TokenCall, GrantError> {
    let oauth1 = oauth1(asking)?;
    let at = (&oauth1.access_token_method, &oauth1.access_token_url);
    call(asking, oauth1, at, Some(token), &[("oauth_verifier", verifier)])
}

/// Reads the answer to it. Such a token does not expire; nobody knows when it ends.
pub fn read_access_token(answer: &Answer<'_>, previous: Option<&Obtained>) -> Result<Obtained, Refusal> {
    let refused = |code| Refusal::Ended { code, description: String::new() };
    let (token, secret, _) = read(answer, refused)?;
    let mut obtained = previous.cloned().unwrap_or_default();
    obtained.values.insert("oauth_token".to_owned(), token);
    obtained.values.insert("oauth_token_secret".to_owned(), secret);
    Ok(Obtained { at: answer.at, expires_at: None, refresh_expires_at: None, ..obtained })
}

fn oauth1<'a>(asking: &Asking<'a>) -> Result<&'a OAuth1, GrantError> {
    match &asking.open.auth.grant {
        Grant::OAuth1(oauth1) => Ok(oauth1),
        Grant::Static | Grant::OAuth2(_) | Grant::Login(_) => Err(asking.another_grant()),
    }
}

fn call(
    asking: &Asking<'_>,
    oauth1: &OAuth1,
    (method, url): (&Method, &UrlTemplate),
    token: Option<&RequestToken>,
    more: &[(&str, &str)],
) -> Result<TokenCall, GrantError> {
    let url = asking.resolve(url, asking.open.credential)?;
    let uri: Uri = url.with_query("").parse().map_err(|_| GrantError::NotAnAddress("oauth1".to_owned()))?;
    let keys = Keys {
        consumer_key: asking.need("client_id")?.into(),
        consumer_secret: asking.need("client_secret")?.into(),
        token: token.map(|token| token.token.clone()),
        token_secret: token.map(|token| token.secret.clone()),
    };
    let parts = Parts { method: method.as_str(), uri: &uri, body: &[], more };
    let value = authorization(&keys, oauth1.signature, &parts, asking.moment);
    let mut draft = Draft::new(method.clone());
    for secret in token.iter().flat_map(|token| [&token.token, &token.secret]) {
        draft.hide(secret.expose_secret());
    }
    more.iter().filter(|(name, _)| *name == "oauth_verifier").for_each(|(_, value)| draft.hide(value));
    draft.header("Authorization", &format!("OAuth {}", value.as_str()))?;
    draft.header("Accept", "*/*")?;
    Ok(draft.to(url, asking))
}

/// Token, secret, and whether the callback is confirmed. The RFC has forms, some send JSON.
fn read(
    answer: &Answer<'_>,
    refused: impl Fn(String) -> Refusal,
) -> Result<(SecretString, SecretString, bool), Refusal> {
    if let Some(passing) = answer.passing() {
        return Err(passing);
    }
    let values = answer.values();
    let value = |name: &str| values.as_ref().and_then(|values| scalar(values.get(name)?));
    if !answer.is_success() {
        // The "problem reporting" extension that most servers speak.
        let code = value("oauth_problem").map(|code| answer.told(&code));
        return Err(match (answer.status, code) {
            (400 | 401 | 403, code) => refused(code.unwrap_or_else(|| format!("status_{}", answer.status))),
            (status, _) => Refusal::Passing {
                what: format!("it answered with status {status}"),
                retry_after_ms: answer.retry_after_ms(),
            },
        });
    }
    let need = |name: &str| match value(name) {
        Some(value) => checked(name, value),
        None if answer.is_html() => {
            Err(Refusal::Passing { what: "it is a page for people".to_owned(), retry_after_ms: None })
        }
        None => Err(Refusal::malformed(format!("no `{name}` in it"))),
    };
    let confirmed = value("oauth_callback_confirmed").is_some_and(|text| text.eq_ignore_ascii_case("true"));
    Ok((need("oauth_token")?, need("oauth_token_secret")?, confirmed))
}
