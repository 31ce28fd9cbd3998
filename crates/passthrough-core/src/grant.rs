//! The messages of each grant: what is sent to obtain or renew a credential, and what the answers mean.
//!
//! Everything here is pure. Who sends a [`TokenCall`], when, and where the result is stored is not known here; the
//! rule that a connection must never be lost is kept by one distinction: only a refusal that is [`Refusal::Ended`]
//! means that the end user has to act.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::Method;
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::base_url::Origin;
use crate::connection::{Credential, Obtained};
use crate::header::Fields;
use crate::provider::grant::{Grant, Login, OAuth2, Url, UrlTemplate};
use crate::provider::{BaseRefusal, HostAllowList};
use crate::redact::Redactor;
use crate::template::{Moment, Scope};
use crate::upstream::OpenConnection;

mod answer;
mod call;
mod capture;
mod client_auth;
mod expiry;
mod jwt;
mod login;
pub mod mcp;
mod oauth1;
mod oauth2;
mod params;
mod refusal;
mod tokens;

pub use answer::Answer;
pub use capture::{read_callback, read_captures};
pub use login::{discover_call, finish, read_step, refresh_step, step_call};
pub use oauth1::{
    RequestToken, access_token_call, oauth1_authorize_url, read_access_token, read_request_token,
    request_token_call,
};
pub(crate) use oauth2::OURS;
pub use oauth2::{
    Consent, authorize_url, code_call, exchange_call, first_call, pkce_challenge, refresh_call, revoke_call,
    starts_over,
};
pub use params::parse_form;
pub use refusal::{Refusal, refuses_client};
pub use tokens::read_tokens;

/// Who asks for tokens, and by which rules.
#[derive(Debug, Clone, Copy)]
pub struct Asking<'a> {
    /// The connection, as far as it is known: before anybody consented it has variables and a client only.
    pub open: OpenConnection<'a>,
    /// Time and randomness. A fresh nonce for each call: it becomes the id of assertions.
    pub moment: Moment,
    /// The operator's own list of hosts.
    pub hosts: &'a HostAllowList,
    /// The integration's scopes; `None` for the provider file's own. A connection's field `scope` wins over both.
    pub scopes: Option<&'a [String]>,
}

/// One request for tokens, ready to be sent: no redirects, no retries, an answer of at most 1 MiB.
pub struct TokenCall {
    /// Where it goes.
    pub url: Url,
    /// The method.
    pub method: Method,
    /// The headers, without `Host` and framing.
    pub headers: Fields,
    /// The body; empty for none.
    pub body: Bytes,
    query: Zeroizing<String>,
    sent: Redactor,
}

impl TokenCall {
    /// Scheme, host and port.
    pub fn origin(&self) -> &Arc<Origin> {
        &self.url.base.origin
    }

    /// Path and query as they go onto the wire; may hold secrets.
    pub fn path_and_query(&self) -> Zeroizing<String> {
        Zeroizing::new(self.url.path_and_query(&self.query))
    }

    /// Finds every secret that is sent, for whatever is told about the answer.
    pub fn sent(&self) -> &Redactor {
        &self.sent
    }
}

/// Shows where it goes, and nothing of what.
impl fmt::Debug for TokenCall {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenCall")
            .field("method", &self.method)
            .field("origin", &self.url.base.origin)
            .field("headers", &self.headers)
            .field("body", &self.body.len())
            .finish_non_exhaustive()
    }
}

/// How tokens come: by a call, or made on the spot where the signed assertion itself is the token.
#[derive(Debug)]
pub enum Way {
    /// Send this.
    Call(Box<TokenCall>),
    /// These are they.
    Made(Obtained),
}

/// Why nothing can be sent. Never holds a value.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum GrantError {
    /// Something that the grant needs is not there.
    #[error("`{0}` is missing; give it with the integration or the connection")]
    Missing(String),
    /// The address cannot be made.
    #[error("the address cannot be made: {0}")]
    Url(#[from] BaseRefusal),
    /// An address that a server named is none that anything is sent to.
    #[error("`{0}` is no https address")]
    NotAnAddress(String),
    /// A value cannot stand in the header of this name.
    #[error("the credential holds a character that the header `{0}` cannot carry")]
    Header(String),
    /// A key that does not sign.
    #[error("{name} is no private key for {algorithm}; give it as PEM")]
    Key {
        /// The field or setting.
        name: String,
        /// The algorithm.
        algorithm: &'static str,
    },
    /// An end user has to consent.
    #[error("nothing to refresh with: the end user has to consent again")]
    NeedsConsent,
    /// The auth entry obtains its secret in another way.
    #[error("the auth entry `{0}` obtains nothing in this way")]
    AnotherGrant(String),
}

impl<'a> Asking<'a> {
    /// The OAuth 2.0 of the auth entry.
    fn oauth2(&self) -> Result<&'a OAuth2, GrantError> {
        match &self.open.auth.grant {
            Grant::OAuth2(oauth2) => Ok(oauth2),
            Grant::Static | Grant::OAuth1(_) | Grant::Login(_) => Err(self.another_grant()),
        }
    }

    fn login(&self) -> Result<&'a Login, GrantError> {
        match &self.open.auth.grant {
            Grant::Login(login) => Ok(login),
            Grant::Static | Grant::OAuth1(_) | Grant::OAuth2(_) => Err(self.another_grant()),
        }
    }

    fn another_grant(&self) -> GrantError {
        GrantError::AnotherGrant(self.open.auth.name.clone())
    }

    /// A value of the credential or the integration's client.
    fn value(&self, name: &str) -> Option<&'a str> {
        self.open.credential.value(name).map(ExposeSecret::expose_secret).filter(|value| !value.is_empty())
    }

    fn need(&self, name: &str) -> Result<&'a str, GrantError> {
        self.value(name).ok_or_else(|| GrantError::Missing(name.to_owned()))
    }

    /// Something that the grant yielded before.
    fn obtained(&self, name: &str) -> Option<&'a str> {
        let value = self.open.credential.obtained.as_ref()?.values.get(name)?;
        Some(value.expose_secret()).filter(|value| !value.is_empty())
    }

    /// What the templates of the grant may name. `more` is worked out for one call, such as `{jwt}`.
    fn scope<'s>(&'s self, credential: &'s Credential) -> Scope<'s> {
        Scope { credential, variables: self.open.variables, moment: self.moment }
    }

    /// The credential with values that are worked out for one call.
    fn credential_with(&self, more: Option<(&str, &str)>) -> Cow<'a, Credential> {
        let Some((name, value)) = more else { return Cow::Borrowed(self.open.credential) };
        let mut credential = self.open.credential.clone();
        let obtained = credential.obtained.get_or_insert_default();
        obtained.values.insert(name.to_owned(), SecretString::from(value));
        Cow::Owned(credential)
    }

    fn resolve(&self, url: &UrlTemplate, credential: &Credential) -> Result<Url, GrantError> {
        Ok(url.resolve(self.open.variables, credential, &self.open.provider.variables, self.hosts)?)
    }
}

/// Whether the connection brings an OAuth client of its own. Where it does, [`Refusal::ClientRejected`] is a matter of
/// this connection, and not of its whole integration.
pub fn brings_its_own_client(credential: &Credential) -> bool {
    credential.fields.contains_key("client_id")
}

#[cfg(test)]
mod tests;
