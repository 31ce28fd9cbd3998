//! Connections.

use indexmap::IndexMap;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use passthrough_core::connection::Connection as CoreConnection;

use crate::fields::{FieldError, Fields, Unknown};
use crate::time;
use crate::words;

mod written;

pub(crate) const MAX_TEXT: usize = 500;
const MAX_TAGS: usize = 50;
/// How the tag begins that an import gives beside the caller's own: one such tag does not count.
const IMPORT_TAG: &str = "import:";

/// A connection. No answer ever contains a stored credential.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"id": "conn_01M805WQ32ZKWR68SDHP2J0YHP", "status": "connected", "provider": "stripe", "integration": "stripe", "auth": "api_key", "externalId": "customer-42", "tags": ["eu"], "createdAt": "2026-01-31T12:00:00.000Z", "updatedAt": "2026-01-31T12:00:00.000Z"}))]
pub struct Connection {
    /// `conn_<ULID>`.
    #[schema(pattern = "^conn_[0-7][0-9A-HJKMNP-TV-Z]{25}$", example = "conn_01M805WQ32ZKWR68SDHP2J0YHP")]
    pub id: String,
    /// `connected`, `disconnected` or `archived`.
    #[schema(inline, value_type = words::ConnectionStatus)]
    pub status: String,
    /// The provider's code.
    pub provider: String,
    /// The integration's key.
    pub integration: String,
    /// The auth entry.
    pub auth: String,
    /// The operator's own name for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The end user's id in the caller's product.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// The account at the provider, where `verify` could read it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
    /// Free labels.
    pub tags: Vec<String>,
    /// RFC 3339.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    pub created_at: String,
    /// RFC 3339.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    pub updated_at: String,
    /// RFC 3339 of the last verification that found the credential alive.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    pub verified_at: Option<String>,
    /// How its credential is; only where one connection is read or changed by itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub credential: Option<CredentialState>,
}

/// How a connection's credential is. Nothing of it is the credential.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct CredentialState {
    /// RFC 3339; since when it is this one: it was given, or its provider renewed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    pub since: Option<String>,
    /// RFC 3339; when it ends, where that is known. One that renews itself is renewed before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    pub expires_at: Option<String>,
    /// RFC 3339; after which it cannot be renewed any more, where that is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    pub refresh_expires_at: Option<String>,
    /// How often renewing it has failed in a row; absent for never.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failures: Option<u32>,
    /// Why that failed the last time, or why the connection is disconnected: the provider's word such as
    /// `invalid_grant`, or `verify` where it refused it when asked to verify it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// RFC 3339; before which renewing it is not tried again, unless somebody asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    pub retry_at: Option<String>,
}

/// The account at the provider.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Account {
    /// Its id there.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What a person would recognise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
}

impl From<&CoreConnection> for Connection {
    fn from(connection: &CoreConnection) -> Self {
        let (id, label) = (connection.account_id.clone(), connection.account_label.clone());
        Self {
            id: connection.id.to_string(),
            status: connection.status.as_str().to_owned(),
            provider: connection.provider.clone(),
            integration: connection.integration.clone(),
            auth: connection.auth.clone(),
            name: connection.name.clone(),
            external_id: connection.external_id.clone(),
            account: (id.is_some() || label.is_some()).then_some(Account { id, label }),
            tags: connection.tags.clone(),
            created_at: time::format(connection.created_at),
            updated_at: time::format(connection.updated_at),
            verified_at: connection.verified_at.map(time::format),
            credential: None,
        }
    }
}

/// A connection with its token: shown at creation and rotation, never again.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
pub struct ConnectionWithToken {
    /// What can be read again later.
    #[serde(flatten)]
    pub connection: Connection,
    /// `con_tkn_…`.
    pub token: String,
    /// At creation with `verify`: what the provider said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub verification: Option<Verification>,
}

impl std::fmt::Debug for ConnectionWithToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectionWithToken").field("connection", &self.connection).finish_non_exhaustive()
    }
}

/// `POST /v1/connections`.
#[derive(Debug, Clone, Default, ToSchema)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({"provider": "stripe", "credentials": {"api_key": "sk_test_…"}, "externalId": "customer-42"}))]
pub struct CreateConnection {
    /// The provider's code. This or `integration`.
    #[schema(example = "stripe")]
    pub provider: Option<String>,
    /// The integration's key. This or `provider`.
    pub integration: Option<String>,
    /// The auth entry; may be left out where the credentials say which it is.
    pub auth: Option<String>,
    /// The fields of the auth entry.
    #[schema(required = false, inline, value_type = std::collections::HashMap<String, words::Secret>)]
    pub credentials: IndexMap<String, SecretString>,
    /// The variables of the provider.
    #[schema(required = false, inline, value_type = std::collections::HashMap<String, words::Secret>)]
    pub variables: IndexMap<String, SecretString>,
    /// The end user's id in the caller's product.
    #[schema(min_length = 1, max_length = 500, example = "customer-42")]
    pub external_id: Option<String>,
    /// The operator's own name for it.
    #[schema(min_length = 1, max_length = 500, example = "Ada's shop")]
    pub name: Option<String>,
    /// Free labels.
    #[schema(required = false, max_items = 51)]
    pub tags: Vec<String>,
    /// Whether to prove the credential before it is stored.
    #[schema(required = false, default = false)]
    pub verify: bool,
}

impl CreateConnection {
    /// Reads it strictly.
    pub fn parse(body: &[u8]) -> Result<Self, Vec<FieldError>> {
        let mut fields = Fields::parse(body)?;
        let request = Self {
            provider: fields.optional("provider"),
            integration: fields.optional("integration"),
            auth: fields.optional("auth"),
            credentials: secrets(&mut fields, "credentials"),
            variables: secrets(&mut fields, "variables"),
            external_id: text(&mut fields, "externalId"),
            name: text(&mut fields, "name"),
            tags: tags(&mut fields).unwrap_or_default(),
            verify: fields.optional("verify").unwrap_or_default(),
        };
        match (&request.provider, &request.integration) {
            (None, None) => fields.error("provider", "missing: the code of a provider"),
            (Some(_), Some(_)) => fields.error("integration", "give either `provider` or `integration`"),
            _ => {}
        }
        fields.finish(Unknown::Refuse)?;
        Ok(request)
    }
}

/// `PATCH /v1/connections/{id}`. What is absent stays; `null` clears.
#[derive(Debug, Clone, Default, ToSchema)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({"name": "Ada's shop", "tags": ["eu"]}))]
pub struct PatchConnection {
    /// The operator's own name for it.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 500)]
    pub name: Option<Option<String>>,
    /// The end user's id in the caller's product.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 500)]
    pub external_id: Option<Option<String>>,
    /// Free labels, all of them.
    #[schema(max_items = 51)]
    pub tags: Option<Vec<String>>,
    /// `archived` puts it away, `connected` takes it back.
    #[schema(inline, value_type = Option<words::NewConnectionStatus>)]
    pub status: Option<String>,
    /// New fields of the auth entry, all of them.
    #[schema(inline, value_type = Option<std::collections::HashMap<String, words::Secret>>)]
    pub credentials: Option<IndexMap<String, SecretString>>,
    /// New variables, all of them.
    #[schema(inline, value_type = Option<std::collections::HashMap<String, words::Secret>>)]
    pub variables: Option<IndexMap<String, SecretString>>,
}

impl PatchConnection {
    /// Reads it strictly.
    pub fn parse(body: &[u8], unknown: Unknown) -> Result<Self, Vec<FieldError>> {
        let mut fields = Fields::parse(body)?;
        let given = |fields: &Fields<'_>, name: &str| fields.holds(name);
        let (name_given, external_given) = (given(&fields, "name"), given(&fields, "externalId"));
        let (credentials_given, variables_given) =
            (given(&fields, "credentials"), given(&fields, "variables"));
        let name = text(&mut fields, "name");
        let external_id = text(&mut fields, "externalId");
        let tags_given = given(&fields, "tags");
        let tags = tags(&mut fields).or_else(|| tags_given.then(Vec::new));
        let status: Option<String> = fields.optional("status");
        if status.as_deref().is_some_and(|status| status != "archived" && status != "connected") {
            fields.error("status", "must be `archived` or `connected`");
        }
        let credentials = secrets(&mut fields, "credentials");
        let variables = secrets(&mut fields, "variables");
        fields.finish(unknown)?;
        Ok(Self {
            name: name_given.then_some(name),
            external_id: external_given.then_some(external_id),
            tags,
            status,
            credentials: credentials_given.then_some(credentials),
            variables: variables_given.then_some(variables),
        })
    }
}

/// The answer of `POST /v1/connections/{id}/refresh`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Refreshed {
    /// RFC 3339; when the new credential ends, where the provider said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    pub expires_at: Option<String>,
}

/// The answer of `DELETE /v1/connections/{id}?revoke=true`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Deleted {
    /// Whether the provider has taken the grant back. The connection is deleted either way.
    pub revoked: Revocation,
}

/// What came of giving a grant back to its provider.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Revocation {
    /// It has taken it back.
    Done,
    /// It has no address for that, as far as its file says, or there was nothing to give back.
    NotOffered,
    /// It did not, or not in time: the end user can take it back in their account there.
    Failed,
}

impl Revocation {
    /// As it is written in JSON.
    pub fn as_str(self) -> &'static str {
        match self {
            Revocation::Done => "done",
            Revocation::NotOffered => "not_offered",
            Revocation::Failed => "failed",
        }
    }
}

/// The answer of `POST /v1/connections/{id}/verify`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"result": "alive", "statusCode": 200, "message": "the provider accepts the credential"}))]
pub struct Verification {
    /// What the call showed.
    pub result: VerificationResult,
    /// The provider's status, where it answered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_code: Option<u16>,
    /// A sentence for a person.
    pub message: String,
    /// The account, where the answer says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<Account>,
}

/// What a verification showed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum VerificationResult {
    /// The provider accepts the credential.
    Alive,
    /// The provider refuses the credential.
    Refused,
    /// The provider could not be asked, or did not say.
    Unreachable,
}

pub(crate) fn text(fields: &mut Fields<'_>, name: &'static str) -> Option<String> {
    let text: Option<String> = fields.optional(name);
    if text.as_deref().is_some_and(|text| text.is_empty() || text.len() > MAX_TEXT || text.contains('\0')) {
        fields.error(name, format!("must be 1 to {MAX_TEXT} bytes, without NUL"));
    }
    text
}

pub(crate) fn tags(fields: &mut Fields<'_>) -> Option<Vec<String>> {
    let mut tags: Vec<String> = fields.optional("tags")?;
    // U+001F parts the tags where they are stored together.
    let wrong = |tag: &String| tag.is_empty() || tag.len() > MAX_TEXT || tag.contains(['\0', '\u{1f}']);
    let not_counted = usize::from(tags.iter().any(|tag| tag.starts_with(IMPORT_TAG)));
    if tags.len() - not_counted > MAX_TAGS || tags.iter().any(wrong) {
        let message =
            format!("must be at most {MAX_TAGS} texts of 1 to {MAX_TEXT} bytes, without NUL and U+001F");
        fields.error("tags", message);
    }
    tags.sort();
    tags.dedup();
    Some(tags)
}

/// A map of secrets. Read value by value, so that no message can quote one.
pub(crate) fn secrets(fields: &mut Fields<'_>, name: &'static str) -> IndexMap<String, SecretString> {
    let mut secrets = IndexMap::new();
    for (key, value) in fields.object(name) {
        let text = value.get();
        match serde_json::from_str::<Option<String>>(text) {
            Ok(Some(value)) => drop(secrets.insert(key, value.into())),
            Ok(None) => {}
            // An `expires_in` as providers write it, or the number of an account: its text, unchanged.
            Err(_) if text.starts_with(|c: char| c == '-' || c.is_ascii_digit()) => {
                drop(secrets.insert(key, text.to_owned().into()));
            }
            Err(_) => fields.error(&format!("{name}.{key}"), "must be a string or a number"),
        }
    }
    secrets
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn fifty_tags_are_taken_and_the_one_of_an_import_beside_them() {
        let parse = |tags: Vec<String>| {
            let body = serde_json::json!({"provider": "p", "tags": tags}).to_string();
            CreateConnection::parse(body.as_bytes())
        };
        let tags = |count: u8| (0..count).map(|number| format!("t{number}")).collect::<Vec<_>>();
        let imported = |count| [tags(count), vec!["import:1:2".to_owned()]].concat();
        assert!(parse(tags(50)).is_ok() && parse(imported(50)).is_ok());
        assert!(parse(tags(51)).is_err() && parse(imported(51)).is_err());
    }
}
