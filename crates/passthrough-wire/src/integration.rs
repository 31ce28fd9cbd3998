//! Integrations: a provider as it is set up in this installation.

use indexmap::IndexMap;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use passthrough_core::id::is_slug;

use crate::connection::{secrets, text};
use crate::fields::{FieldError, Fields, Unknown};
use crate::words;

mod written;

const MAX_SECRET: usize = 64 * 1024;
const MAX_SCOPES: usize = 200;
const MAX_ENTRIES: usize = 50;
const MAX_VALUE: usize = 2_000;

/// Parameters of a consent that we set ourselves. Given by somebody else they could send the code elsewhere, or unbind
/// the consent from the browser that began it.
const OWN_PARAMS: [&str; 12] = [
    "client_id",
    "client_secret",
    "redirect_uri",
    "response_type",
    "response_mode",
    "state",
    "code_challenge",
    "code_challenge_method",
    "request",
    "request_uri",
    "oauth_token",
    "oauth_callback",
];

/// An integration. Its secrets can be written and never read.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct Integration {
    /// Its name in this environment; part of the redirect URI.
    pub key: String,
    /// The provider's code.
    pub provider: String,
    /// The operator's own name for it; end users see it where several integrations stand to choose from.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The OAuth client's id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_id: Option<String>,
    /// Whether there is a client secret.
    pub has_client_secret: bool,
    /// Whether there is a private key, by which the client shows who it is.
    pub has_private_key: bool,
    /// The private key's id at the provider.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub private_key_id: Option<String>,
    /// What is asked for in place of the provider's usual scopes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scopes: Option<Vec<String>>,
    /// Further parameters of the page where end users consent.
    pub authorize_params: IndexMap<String, String>,
    /// Hosts that variables of its connections may name besides those of the provider's file.
    pub allow_hosts: Vec<String>,
    /// `none`, `headers` or `headers-and-bodies`, in place of what the provider's file says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(inline, value_type = Option<words::Redaction>)]
    pub redact_reflections: Option<String>,
    /// Variables that are the same for all of its connections. The value of a secret one is `null`.
    pub variables: IndexMap<String, Option<String>>,
    /// What to register as redirect URI (callback URL) in the provider's developer console.
    #[schema(format = "uri")]
    pub redirect_uri: String,
    /// RFC 3339; when the provider last refused the OAuth client. Gone once another client is given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    pub client_rejected_at: Option<String>,
    /// RFC 3339.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    pub created_at: String,
    /// RFC 3339.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    pub updated_at: String,
}

/// `POST /v1/integrations`.
#[derive(Debug, Clone, Default, ToSchema)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({"provider": "hubspot", "clientId": "0f3c…", "clientSecret": "…", "scopes": ["crm.objects.contacts.read"]}))]
pub struct CreateIntegration {
    /// Its name in this environment: 1 to 63 of a-z, 0-9 and `-`. The provider's code where absent.
    #[schema(pattern = "^[a-z0-9][a-z0-9-]{0,62}$", example = "stripe-eu")]
    pub key: Option<String>,
    /// The provider's code.
    #[schema(example = "stripe")]
    pub provider: String,
    /// The operator's own name for it.
    #[schema(min_length = 1, max_length = 500)]
    pub name: Option<String>,
    /// The OAuth client's id.
    #[schema(min_length = 1, max_length = 500)]
    pub client_id: Option<String>,
    /// The OAuth client's secret.
    #[schema(value_type = Option<String>, min_length = 1)]
    pub client_secret: Option<SecretString>,
    /// A private key in PEM, by which the client shows who it is (`private_key_jwt`).
    #[schema(value_type = Option<String>)]
    pub private_key: Option<SecretString>,
    /// The private key's id at the provider (`kid`).
    #[schema(min_length = 1, max_length = 500)]
    pub private_key_id: Option<String>,
    /// What to ask for in place of the provider's usual scopes.
    #[schema(max_items = 200)]
    pub scopes: Option<Vec<String>>,
    /// Further parameters of the page where end users consent.
    #[schema(required = false, value_type = std::collections::HashMap<String, Option<String>>)]
    pub authorize_params: IndexMap<String, String>,
    /// Hosts that variables of its connections may name: whole names, or domains that begin with a dot.
    #[schema(required = false, max_items = 50)]
    pub allow_hosts: Vec<String>,
    /// `none`, `headers` or `headers-and-bodies`.
    #[schema(inline, value_type = Option<words::Redaction>)]
    pub redact_reflections: Option<String>,
    /// Variables that are the same for all of its connections: their users are not asked and cannot change them.
    #[schema(required = false, inline, value_type = std::collections::HashMap<String, words::Secret>)]
    pub variables: IndexMap<String, SecretString>,
}

impl CreateIntegration {
    /// Reads it strictly.
    pub fn parse(body: &[u8]) -> Result<Self, Vec<FieldError>> {
        let mut fields = Fields::parse(body)?;
        let key: Option<String> = fields.optional("key");
        if key.as_deref().is_some_and(|key| !is_slug(key)) {
            fields.error("key", "must be 1 to 63 of a-z, 0-9 and `-`, and begin with a letter or digit");
        }
        let request = Self {
            key,
            provider: fields.required("provider").unwrap_or_default(),
            name: text(&mut fields, "name"),
            client_id: text(&mut fields, "clientId"),
            client_secret: secret(&mut fields, "clientSecret"),
            private_key: private_key(&mut fields),
            private_key_id: text(&mut fields, "privateKeyId"),
            scopes: scopes(&mut fields),
            authorize_params: authorize_params(&mut fields).unwrap_or_default(),
            allow_hosts: allow_hosts(&mut fields).unwrap_or_default(),
            redact_reflections: redact_reflections(&mut fields),
            variables: secrets(&mut fields, "variables"),
        };
        fields.finish(Unknown::Refuse)?;
        Ok(request)
    }
}

/// `PATCH /v1/integrations/{key}`. What is absent stays; `null` clears. Key and provider cannot be changed.
#[derive(Debug, Clone, Default, ToSchema)]
#[schema(rename_all = "camelCase")]
#[schema(example = json!({"name": "HubSpot EU", "scopes": null}))]
pub struct PatchIntegration {
    /// The operator's own name for it.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 500)]
    pub name: Option<Option<String>>,
    /// The OAuth client's id.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 500)]
    pub client_id: Option<Option<String>>,
    /// The OAuth client's secret.
    #[schema(value_type = Option<String>, min_length = 1)]
    pub client_secret: Option<Option<SecretString>>,
    /// A private key in PEM.
    #[schema(value_type = Option<String>)]
    pub private_key: Option<Option<SecretString>>,
    /// The private key's id at the provider.
    #[schema(value_type = Option<String>, min_length = 1, max_length = 500)]
    pub private_key_id: Option<Option<String>>,
    /// What to ask for, all of it; `null` for the provider's usual scopes.
    #[schema(value_type = Option<Vec<String>>)]
    pub scopes: Option<Option<Vec<String>>>,
    /// Further parameters of the page where end users consent, all of them.
    #[schema(value_type = Option<std::collections::HashMap<String, Option<String>>>)]
    pub authorize_params: Option<IndexMap<String, String>>,
    /// Hosts that variables of its connections may name, all of them.
    #[schema(max_items = 50)]
    pub allow_hosts: Option<Vec<String>>,
    /// `none`, `headers` or `headers-and-bodies`; `null` for what the provider's file says.
    #[schema(inline, value_type = Option<words::Redaction>)]
    pub redact_reflections: Option<Option<String>>,
    /// Variables that are the same for all of its connections, all of them.
    #[schema(inline, value_type = Option<std::collections::HashMap<String, words::Secret>>)]
    pub variables: Option<IndexMap<String, SecretString>>,
}

impl PatchIntegration {
    /// Reads it strictly.
    pub fn parse(body: &[u8]) -> Result<Self, Vec<FieldError>> {
        let mut fields = Fields::parse(body)?;
        for name in ["key", "provider"] {
            if fields.holds(name) {
                fields.raw(name);
                fields.error(name, "cannot be changed: make another integration");
            }
        }
        // Read as long as they are there: what is taken out cannot be asked for any more.
        let given = |name: &str| fields.holds(name);
        let held = [
            given("name"),
            given("clientId"),
            given("clientSecret"),
            given("privateKey"),
            given("privateKeyId"),
            given("scopes"),
            given("redactReflections"),
        ];
        let (params, hosts, variables) = (given("authorizeParams"), given("allowHosts"), given("variables"));
        let [name, client_id, client_secret, key, key_id, scopes_given, redact] = held;
        let request = Self {
            name: name.then_some(text(&mut fields, "name")),
            client_id: client_id.then_some(text(&mut fields, "clientId")),
            client_secret: client_secret.then_some(secret(&mut fields, "clientSecret")),
            private_key: key.then_some(private_key(&mut fields)),
            private_key_id: key_id.then_some(text(&mut fields, "privateKeyId")),
            scopes: scopes_given.then_some(scopes(&mut fields)),
            authorize_params: params.then_some(authorize_params(&mut fields).unwrap_or_default()),
            allow_hosts: hosts.then_some(allow_hosts(&mut fields).unwrap_or_default()),
            redact_reflections: redact.then_some(redact_reflections(&mut fields)),
            variables: variables.then_some(secrets(&mut fields, "variables")),
        };
        fields.finish(Unknown::Refuse)?;
        Ok(request)
    }
}

/// Read by itself, so that no message can quote it.
fn secret(fields: &mut Fields<'_>, name: &'static str) -> Option<SecretString> {
    let raw = fields.raw(name)?;
    match serde_json::from_str::<String>(raw.get()) {
        Ok(text) if text.is_empty() || text.len() > MAX_SECRET || text.contains('\0') => {
            fields.error(name, format!("must be 1 to {MAX_SECRET} bytes, without NUL"));
            None
        }
        Ok(text) => Some(text.into()),
        Err(_) => {
            fields.error(name, "must be a string");
            None
        }
    }
}

fn private_key(fields: &mut Fields<'_>) -> Option<SecretString> {
    let key = secret(fields, "privateKey")?;
    let text = key.expose_secret();
    if !text.contains("-----BEGIN ") || !text.contains("PRIVATE KEY-----") {
        fields.error("privateKey", "must be a private key in PEM: -----BEGIN PRIVATE KEY----- …");
        return None;
    }
    if text.contains("ENCRYPTED") {
        fields.error("privateKey", "is encrypted; give it without a passphrase, it is sealed here");
        return None;
    }
    Some(key)
}

fn scopes(fields: &mut Fields<'_>) -> Option<Vec<String>> {
    let scopes: Vec<String> = fields.optional("scopes")?;
    let wrong = |scope: &String| {
        scope.is_empty() || scope.len() > 500 || scope.contains(|c: char| c.is_whitespace() || c.is_control())
    };
    if scopes.len() > MAX_SCOPES || scopes.iter().any(wrong) {
        let message = format!("must be at most {MAX_SCOPES} texts without white space, one for each scope");
        fields.error("scopes", message);
    }
    Some(scopes)
}

fn authorize_params(fields: &mut Fields<'_>) -> Option<IndexMap<String, String>> {
    let given = fields.holds("authorizeParams");
    let mut params = IndexMap::new();
    for (name, value) in fields.object("authorizeParams") {
        let path = format!("authorizeParams.{name}");
        let value = serde_json::from_str::<Option<String>>(value.get());
        match value {
            _ if name == "scope" => fields.error(&path, "goes into `scopes`"),
            _ if OWN_PARAMS.contains(&name.as_str()) => {
                fields.error(&path, "is set by Passthrough and cannot be given");
            }
            _ if name.is_empty() || name.len() > 200 || name.contains(char::is_control) => {
                fields.error(&path, "must have a name of 1 to 200 bytes");
            }
            Ok(Some(value)) if value.len() > MAX_VALUE || value.contains('\0') => {
                fields.error(&path, format!("must be at most {MAX_VALUE} bytes, without NUL"));
            }
            Ok(Some(value)) => drop(params.insert(name, value)),
            Ok(None) => {}
            Err(_) => fields.error(&path, "must be a string"),
        }
    }
    if params.len() > MAX_ENTRIES {
        fields.error("authorizeParams", format!("must be at most {MAX_ENTRIES}"));
    }
    given.then_some(params)
}

/// Hosts in lower case. What host names are is for the domain to say.
fn allow_hosts(fields: &mut Fields<'_>) -> Option<Vec<String>> {
    let hosts: Vec<String> = fields.optional("allowHosts")?;
    if hosts.len() > MAX_ENTRIES {
        fields.error("allowHosts", format!("must be at most {MAX_ENTRIES}"));
    }
    let mut hosts: Vec<String> = hosts.iter().map(|host| host.trim().to_ascii_lowercase()).collect();
    hosts.sort();
    hosts.dedup();
    Some(hosts)
}

fn redact_reflections(fields: &mut Fields<'_>) -> Option<String> {
    let mode: String = fields.optional("redactReflections")?;
    if !words::REDACTIONS.contains(&mode.as_str()) {
        fields.error("redactReflections", "must be `none`, `headers` or `headers-and-bodies`");
    }
    Some(mode)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(body: &str) -> Vec<String> {
        let errors = CreateIntegration::parse(body.as_bytes()).err().unwrap_or_default();
        errors.into_iter().map(|error| format!("{}: {}", error.path, error.message)).collect()
    }

    #[test]
    fn every_mistake_is_named_and_no_secret_is_echoed() {
        let body = r#"{"key": "A b", "clientSecret": 5, "privateKey": "s3cret", "scopes": ["a b"],
            "authorizeParams": {"redirect_uri": "https://evil.example", "scope": "x", "prompt": 1},
            "redactReflections": "all", "clientID": "x"}"#;
        let found = errors(body);
        let has = |start: &str| found.iter().any(|error| error.starts_with(start));
        for start in [
            "key: must be 1 to 63",
            "provider: missing",
            "clientSecret: must be a string",
            "privateKey: must be a private key in PEM",
            "scopes: must be at most",
            "authorizeParams.redirect_uri: is set by Passthrough",
            "authorizeParams.scope: goes into `scopes`",
            "authorizeParams.prompt: must be a string",
            "redactReflections: must be",
            "clientID: unknown field; did you mean `clientId`?",
        ] {
            assert!(has(start), "{start}: {found:?}");
        }
        assert!(!found.iter().any(|error| error.contains("s3cret") || error.contains("evil")), "{found:?}");
    }

    #[test]
    fn a_patch_keeps_absent_and_cleared_apart_and_changes_no_key() {
        let read = PatchIntegration::parse(br#"{"name": null, "clientSecret": null, "allowHosts": null}"#);
        let read = read.unwrap();
        assert_eq!((&read.name, &read.client_id), (&Some(None), &None));
        assert!(read.client_secret.is_some_and(|secret| secret.is_none()));
        assert_eq!(read.allow_hosts, Some(Vec::new()));
        assert!(read.scopes.is_none() && read.variables.is_none());
        let errors = PatchIntegration::parse(br#"{"provider": "x"}"#).unwrap_err();
        assert_eq!((errors.len(), errors[0].path.as_str()), (1, "provider"));
    }
}
