//! Integrations: providers as they are set up in this installation, and what they bring into their connections.

use std::collections::BTreeMap;
use std::fmt;

use indexmap::IndexMap;
use passthrough_core::base_url::BaseUrl;
use passthrough_core::connection::{Credential, Variables};
use passthrough_core::grant::brings_its_own_client;
use passthrough_core::id::Environment;
use passthrough_core::provider::{
    Auth, Grant, HostAllowList, Problem, Provider, RedactReflections, VariableFormat,
};
use passthrough_core::suggest::nearest;
use passthrough_store::{Integration as StoredIntegration, MAX_PAGE};
use passthrough_wire::fields::FieldError;
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};

use crate::app::App;
use crate::config::Config;
use crate::http::error::ApiError;
use crate::vault::{IntegrationSecrets, Vault, VaultError};

mod change;
pub mod client;

pub use change::{create, delete, patch, stored};

/// An integration, opened.
#[derive(Clone)]
pub struct Integration {
    /// Its name in its environment; the provider's code where it is implicit.
    pub key: String,
    /// The provider's code.
    pub provider: String,
    /// The operator's own name for it.
    pub name: Option<String>,
    /// Counts the writes of its secrets; 0 where it is implicit, and there is nothing to be written.
    pub generation: i64,
    /// When it was made, in unix milliseconds; 0 where it is implicit. Of two that had the same key one after the
    /// other, it tells which one is meant.
    pub made_at: i64,
    /// Whether the provider refused its client the last time.
    pub is_rejected: bool,
    /// OAuth client, variables, hosts.
    pub secrets: IntegrationSecrets,
    /// What is asked for, and how.
    pub settings: Settings,
}

/// What of an integration is neither secret nor decides where secrets go.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Settings {
    /// What is asked for in place of the provider's usual scopes.
    pub scopes: Option<Vec<String>>,
    /// Further parameters of the page where end users consent.
    pub authorize_params: IndexMap<String, String>,
}

impl fmt::Debug for Integration {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Integration")
            .field("key", &self.key)
            .field("provider", &self.provider)
            .field("generation", &self.generation)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

impl Integration {
    /// The integration that a provider has without being set up.
    pub fn implicit(provider: &str) -> Self {
        Self {
            key: provider.to_owned(),
            provider: provider.to_owned(),
            name: None,
            generation: 0,
            made_at: 0,
            is_rejected: false,
            secrets: IntegrationSecrets::default(),
            settings: Settings::default(),
        }
    }

    /// Opens a stored one.
    pub fn open(vault: &Vault, stored: StoredIntegration) -> Result<Self, VaultError> {
        let is_rejected = stored.client_rejected_at.is_some();
        let StoredIntegration {
            environment, key, provider, name, settings, sealed, created_at: made_at, ..
        } = stored;
        let secrets =
            vault.open_integration(&environment, &key, &provider, sealed.generation, &sealed.sealed)?;
        let settings = serde_json::from_str(&settings).map_err(|_| VaultError::Content)?;
        let generation = sealed.generation;
        Ok(Self { key, provider, name, generation, made_at, is_rejected, secrets, settings })
    }

    /// The hosts that variables of its connections may name besides those of the provider's file.
    pub fn hosts(&self, provider: &Provider, operators: &HostAllowList) -> HostAllowList {
        let set = set_hosts(provider, self.secrets.variables.iter());
        HostAllowList(operators.0.iter().chain(&self.secrets.allow_hosts).cloned().chain(set).collect())
    }

    /// The client for a credential. Of a credential that brings its own it gives nothing: half of the one with half of
    /// the other would show the operator's secret under somebody else's name.
    pub fn client_for(&self, credential: &Credential) -> BTreeMap<String, SecretString> {
        if brings_its_own_client(credential) { BTreeMap::new() } else { self.secrets.client.clone() }
    }

    /// Puts its variables over those of a connection.
    pub fn pin(&self, variables: &mut Variables) {
        variables.extend(self.secrets.variables.iter().map(|(name, value)| (name.clone(), value.clone())));
    }

    /// Adds its variables to those that a user gave, who must not give them: whoever chose the host of a login would
    /// be sent the operator's client secret.
    pub fn complete(&self, given: &mut IndexMap<String, SecretString>) -> Result<(), ApiError> {
        let both = self.secrets.variables.keys().filter(|name| given.contains_key(*name));
        let message = || format!("is set by the integration `{}`; leave it out", self.key);
        let errors: Vec<FieldError> =
            both.map(|name| FieldError::new(format!("variables.{name}"), message())).collect();
        if !errors.is_empty() {
            return Err(ApiError::bad_request(errors));
        }
        given.extend(self.secrets.variables.iter().map(|(name, value)| (name.clone(), value.clone())));
        Ok(())
    }

    /// Where an echoed credential is masked.
    pub fn redact_reflections(&self, provider: &Provider) -> RedactReflections {
        match self.secrets.redact_reflections.as_deref() {
            Some("none") => RedactReflections::None,
            Some("headers") => RedactReflections::Headers,
            Some("headers-and-bodies") => RedactReflections::HeadersAndBodies,
            _ => provider.redact_reflections,
        }
    }

    /// Refuses an auth entry that needs an OAuth client, where nobody brings one: the first refresh would fail.
    pub fn check_client(&self, auth: &Auth, credential: &Credential) -> Result<(), Problem> {
        let needed = auth.grant.needs_client() && credential.value("refresh_token").is_some()
            || matches!(auth.grant, Grant::OAuth1(_));
        if !needed || self.secrets.client.contains_key("client_id") || brings_its_own_client(credential) {
            return Ok(());
        }
        let message = format!(
            "`{}` needs an OAuth client: make an integration with the one that the tokens were given to \
             (POST /v1/integrations), or give `client_id` and `client_secret` with them",
            self.provider
        );
        Err(Problem::new("credentials", message))
    }
}

/// The hosts that variables are set to: whoever sets one for all connections allows it by that.
fn set_hosts<'a>(
    provider: &'a Provider,
    variables: impl Iterator<Item = (&'a String, &'a SecretString)> + 'a,
) -> impl Iterator<Item = String> + 'a {
    let host = |(name, value): (&String, &SecretString)| {
        let value = value.expose_secret();
        let url = match provider.variables.0.get(name)?.format {
            VariableFormat::Text => return None,
            VariableFormat::Host => BaseUrl::parse(&format!("https://{value}")),
            VariableFormat::Url => BaseUrl::parse(value),
        };
        Some(url.ok()?.origin.host.to_string())
    };
    variables.filter_map(host)
}

/// What to register as redirect URI at a provider. Distinct for each environment and integration, so that a code that
/// one provider sends cannot be taken for another's (mix-up).
pub fn redirect_uri(config: &Config, environment: &Environment, key: &str) -> String {
    format!("{}/oauth/callback/{environment}/{key}", config.link.public_url)
}

/// The integration of this key: one that was set up, or one that a provider has implicitly.
pub async fn find(app: &App, environment: &Environment, key: &str) -> Result<Option<Integration>, ApiError> {
    let stored = app.installation.store.find_integration(environment, key).await?;
    match stored {
        Some(stored) => Ok(Some(Integration::open(&app.installation.vault, stored)?)),
        None => Ok(app.catalog.get(key).map(|provider| Integration::implicit(&provider.code))),
    }
}

/// The integration that a request means, which names it or its provider.
pub async fn choose(
    app: &App,
    environment: &Environment,
    provider: Option<&str>,
    integration: Option<&str>,
) -> Result<Integration, ApiError> {
    let Some(key) = integration else {
        let code = provider.unwrap_or_default();
        return of_provider(app, environment, find_provider(app, "provider", code)?).await;
    };
    let Some(found) = find(app, environment, key).await? else {
        return Err(unknown(app, environment, key).await?);
    };
    find_provider(app, "integration", &found.provider)?;
    Ok(found)
}

/// The only integration of a provider, or the one that has its name.
async fn of_provider(
    app: &App,
    environment: &Environment,
    provider: &Provider,
) -> Result<Integration, ApiError> {
    let store = &app.installation.store;
    if let Some(stored) = store.find_integration(environment, &provider.code).await? {
        return Ok(Integration::open(&app.installation.vault, stored)?);
    }
    let mut rows = store.list_integrations(environment, Some(&provider.code), None, 10).await?.rows;
    if rows.len() > 1 {
        let keys: Vec<&str> = rows.iter().map(|row| row.key.as_str()).collect();
        let message = format!("there are several integrations of {}: {}", provider.code, keys.join(", "));
        return Err(ApiError::bad_field("integration", message));
    }
    match rows.pop() {
        Some(stored) => Ok(Integration::open(&app.installation.vault, stored)?),
        None => Ok(Integration::implicit(&provider.code)),
    }
}

/// Says that there is no such integration, and which one may have been meant.
async fn unknown(app: &App, environment: &Environment, key: &str) -> Result<ApiError, ApiError> {
    let rows = app.installation.store.list_integrations(environment, None, None, MAX_PAGE).await?.rows;
    let known = rows.iter().map(|row| row.key.as_str());
    let known = known.chain(app.catalog.codes());
    let suggestion = nearest(key, known).map(str::to_owned);
    let message = match &suggestion {
        Some(near) => format!("there is no integration of this key; did you mean `{near}`?"),
        None => "there is no integration of this key; GET /v1/integrations lists them".to_owned(),
    };
    let error = FieldError { suggestion, ..FieldError::new("integration", message) };
    Ok(ApiError::bad_request(vec![error]))
}

/// The provider of a code, which the request gave in `field`.
pub fn find_provider<'a>(app: &'a App, field: &str, code: &str) -> Result<&'a Provider, ApiError> {
    app.catalog.find(code).map(AsRef::as_ref).map_err(|unknown| {
        let error = FieldError::new(field, unknown.to_string());
        ApiError::bad_request(vec![FieldError { suggestion: unknown.nearest, ..error }])
    })
}
