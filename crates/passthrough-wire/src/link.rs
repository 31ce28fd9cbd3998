//! Link sessions: how an end user gets to authorise an account, and what the caller gets for it.

use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::connection::{self, Connection};
use crate::fields::{FieldError, Fields, Unknown};
use crate::words;

/// More choices than this are a mistake: leave them all out to offer every provider.
const MAX_PROVIDERS: usize = 500;

/// `POST /v1/link-sessions`.
#[derive(Debug, Clone, Default, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"integration": "hubspot", "externalId": "customer-42", "redirectUrl": "https://app.example.com/linked"}))]
pub struct CreateLinkSession {
    /// The integration that is linked. This, `providers`, `connectionId`, or none of them: then the end user may
    /// choose among all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub integration: Option<String>,
    /// Codes of providers, or keys of integrations, among which the end user may choose.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(min_items = 1, max_items = 500)]
    pub providers: Vec<String>,
    /// The connection that is linked again: it keeps its id and its token.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_id: Option<String>,
    /// The end user's id in the caller's product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 500, example = "customer-42")]
    pub external_id: Option<String>,
    /// The operator's own name for the connection.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(min_length = 1, max_length = 500)]
    pub name: Option<String>,
    /// Free labels for the connection.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schema(max_items = 51)]
    pub tags: Vec<String>,
    /// Where the end user is sent afterwards, with `token` or `error` added to its query. It must be allowed by the
    /// setting `link.redirect_urls`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "uri", example = "https://app.example.com/linked")]
    pub redirect_url: Option<String>,
    /// The origin of the page that opened the link and is told the result by `postMessage`. It must be allowed by the
    /// setting `link.message_origins`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = "uri", example = "https://app.example.com")]
    pub origin: Option<String>,
    /// The language of the pages, such as `en` or `de-AT`; the browser's where absent. They are there in English and
    /// German; where another is asked for, the browser decides which of the two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "de-AT")]
    pub locale: Option<String>,
}

impl CreateLinkSession {
    /// Reads it strictly.
    pub fn parse(body: &[u8]) -> Result<Self, Vec<FieldError>> {
        let mut fields = Fields::parse(body)?;
        let integration: Option<String> = fields.optional("integration");
        let providers: Option<Vec<String>> = fields.optional("providers");
        let request = Self {
            connection_id: fields.optional("connectionId"),
            external_id: connection::text(&mut fields, "externalId"),
            name: connection::text(&mut fields, "name"),
            tags: connection::tags(&mut fields).unwrap_or_default(),
            redirect_url: fields.optional("redirectUrl"),
            origin: fields.optional("origin"),
            locale: fields.optional("locale"),
            providers: providers.clone().unwrap_or_default(),
            integration,
        };
        if providers.as_ref().is_some_and(Vec::is_empty) {
            fields.error("providers", "must not be empty; leave it out to offer all");
        }
        if request.providers.len() > MAX_PROVIDERS {
            fields.error("providers", format!("must be at most {MAX_PROVIDERS}; leave it out to offer all"));
        }
        request.check_combination(&mut fields);
        if request.locale.as_deref().is_some_and(|locale| !is_language_tag(locale)) {
            fields.error("locale", "must be a language such as `en` or `de-AT`");
        }
        fields.finish(Unknown::Refuse)?;
        Ok(request)
    }

    /// What may not stand beside each other.
    fn check_combination(&self, fields: &mut Fields<'_>) {
        if self.integration.is_some() && !self.providers.is_empty() {
            fields.error("providers", "give either `integration` or `providers`");
        }
        if self.connection_id.is_none() {
            return;
        }
        let message = "stays as it is where a connection is linked again; leave it out";
        let given = [
            ("integration", self.integration.is_some()),
            ("providers", !self.providers.is_empty()),
            ("externalId", self.external_id.is_some()),
            ("name", self.name.is_some()),
            ("tags", !self.tags.is_empty()),
        ];
        given.into_iter().filter(|(_, given)| *given).for_each(|(name, _)| fields.error(name, message));
    }
}

/// The form of RFC 5646, as far as anybody uses it.
fn is_language_tag(text: &str) -> bool {
    let language = text.split('-').next().unwrap_or_default();
    text.len() <= 35
        && (2..=8).contains(&language.len())
        && text
            .split('-')
            .all(|part| (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric()))
        && text.bytes().take_while(|byte| *byte != b'-').all(|byte| byte.is_ascii_alphabetic())
}

/// A link session just made, with the URL for the end user: this is the only time that it is shown.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CreatedLinkSession {
    /// `link_<ULID>`.
    #[schema(pattern = "^link_[0-7][0-9A-HJKMNP-TV-Z]{25}$", example = "link_01M805WQ32ZKWR68SDHP2J0YHP")]
    pub id: String,
    /// Where the end user goes. Whoever opens it first is the one who links.
    #[schema(format = "uri")]
    pub url: String,
    /// RFC 3339.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    pub expires_at: String,
    /// The language that the pages will have, `en` or `de`; absent where the browser decides, because none of the two was
    /// asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(inline, value_type = Option<words::PageLanguage>)]
    pub locale: Option<String>,
}

impl std::fmt::Debug for CreatedLinkSession {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("CreatedLinkSession").field("id", &self.id).finish_non_exhaustive()
    }
}

/// A link session, without its URL.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct LinkSession {
    /// `link_<ULID>`.
    #[schema(pattern = "^link_[0-7][0-9A-HJKMNP-TV-Z]{25}$", example = "link_01M805WQ32ZKWR68SDHP2J0YHP")]
    pub id: String,
    /// How far it has come.
    pub status: LinkStatus,
    /// What went wrong last, as a word: `access_denied`, `invalid_credentials`, …
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The integrations that the end user may choose among; empty for all.
    pub integrations: Vec<String>,
    /// The connection: the one that is linked again, or that was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub connection_id: Option<String>,
    /// The end user's id in the caller's product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Free labels for the connection.
    pub tags: Vec<String>,
    /// RFC 3339.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    pub created_at: String,
    /// RFC 3339.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    pub expires_at: String,
}

/// How far a link session has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum LinkStatus {
    /// Nobody has opened it.
    Open,
    /// Somebody is at it.
    Started,
    /// The account is linked.
    Done,
    /// The end user gave up after something had gone wrong.
    Failed,
    /// The end user did not want to.
    Cancelled,
    /// Its time is over.
    Expired,
}

/// `POST /v1/public-token/exchange`.
#[derive(Debug, Clone, ToSchema)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({"publicToken": "pub_tkn_…"}))]
pub struct ExchangePublicToken {
    /// `pub_tkn_…`, as the link ended with.
    #[schema(value_type = String)]
    pub public_token: SecretString,
}

impl ExchangePublicToken {
    /// Reads it strictly, or as Terminal does.
    pub fn parse(body: &[u8], unknown: Unknown) -> Result<Self, Vec<FieldError>> {
        let mut fields = Fields::parse(body)?;
        let public_token: Option<String> = fields.required("publicToken");
        fields.finish(unknown)?;
        Ok(Self { public_token: public_token.unwrap_or_default().into() })
    }
}

/// The connection that was linked.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct LinkedConnection {
    /// What can be read again later.
    #[serde(flatten)]
    pub connection: Connection,
    /// `con_tkn_…`. Absent where an account was linked again that has its token already: that one stays valid, and
    /// is known only to whoever was given it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

impl std::fmt::Debug for LinkedConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("LinkedConnection").field("connection", &self.connection).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn problems(body: &str) -> Vec<String> {
        let errors = CreateLinkSession::parse(body.as_bytes()).err().unwrap_or_default();
        errors.into_iter().map(|error| format!("{}: {}", error.path, error.message)).collect()
    }

    #[test]
    fn what_contradicts_itself_is_told_at_once() {
        assert_eq!(problems("{}"), Vec::<String>::new());
        assert_eq!(
            problems(r#"{"integration": "a", "providers": ["b"], "redirectURL": "x", "locale": "12"}"#),
            [
                "providers: give either `integration` or `providers`",
                "locale: must be a language such as `en` or `de-AT`",
                "redirectURL: unknown field; did you mean `redirectUrl`?",
            ]
        );
        assert_eq!(problems(r#"{"connectionId": "c", "externalId": "e", "tags": ["t"]}"#).len(), 2);
        assert_eq!(problems(r#"{"providers": []}"#).len(), 1);
    }

    #[test]
    fn a_public_token_is_not_echoed() {
        let given = ExchangePublicToken::parse(br#"{"publicToken": "pub_tkn_1"}"#, Unknown::Refuse).unwrap();
        assert!(!format!("{given:?}").contains("pub_tkn_1"));
        assert!(ExchangePublicToken::parse(b"{}", Unknown::Ignore).is_err());
    }
}
