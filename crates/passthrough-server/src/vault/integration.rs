//! What of an integration is sealed: its OAuth client, and whatever decides where that client and the credentials of
//! its connections are sent. Whoever can write to the database must not be able to have them sent elsewhere.

use std::collections::BTreeMap;
use std::fmt;

use passthrough_core::connection::Variables;
use passthrough_core::id::Environment;
use passthrough_vault::Sealed;
use secrecy::SecretString;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Vault, VaultError, exposed, hidden, integration_binding, to_json};

/// The sealed part of an integration.
#[derive(Clone, Default)]
pub struct IntegrationSecrets {
    /// The OAuth client, by the names that templates use: `client_id`, `client_secret`, `client_private_key`,
    /// `client_key_id`.
    pub client: BTreeMap<String, SecretString>,
    /// Variables that are the same for all connections.
    pub variables: Variables,
    /// Hosts that variables of its connections may name besides those of the provider's file.
    pub allow_hosts: Vec<String>,
    /// Where an echoed credential is masked, by its name on the wire; `None` for what the provider's file says.
    pub redact_reflections: Option<String>,
}

impl fmt::Debug for IntegrationSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IntegrationSecrets")
            .field("client", &self.client.keys().collect::<Vec<_>>())
            .field("variables", &self.variables.keys().collect::<Vec<_>>())
            .field("allow_hosts", &self.allow_hosts)
            .field("redact_reflections", &self.redact_reflections)
            .finish()
    }
}

/// As it is sealed.
#[derive(Serialize)]
struct Text<'a> {
    provider: &'a str,
    client: BTreeMap<&'a str, &'a str>,
    variables: BTreeMap<&'a str, &'a str>,
    allow_hosts: &'a [String],
    redact_reflections: Option<&'a str>,
}

/// The same, opened; its texts are wiped.
#[derive(Deserialize)]
struct Opened {
    provider: String,
    client: BTreeMap<String, Zeroizing<String>>,
    variables: BTreeMap<String, Zeroizing<String>>,
    allow_hosts: Vec<String>,
    redact_reflections: Option<String>,
}

impl Vault {
    /// Seals the secrets of an integration of this provider.
    pub fn seal_integration(
        &self,
        environment: &Environment,
        key: &str,
        provider: &str,
        generation: i64,
        secrets: &IntegrationSecrets,
    ) -> Result<Sealed, VaultError> {
        let plain = to_json(&Text {
            provider,
            client: exposed(&secrets.client),
            variables: exposed(&secrets.variables),
            allow_hosts: &secrets.allow_hosts,
            redact_reflections: secrets.redact_reflections.as_deref(),
        })?;
        self.seal(&integration_binding(environment, key, generation), &plain)
    }

    /// Opens the secrets of an integration. They open only for the provider that they were given for: otherwise
    /// another value in a column would send the client's secret to another provider.
    pub fn open_integration(
        &self,
        environment: &Environment,
        key: &str,
        provider: &str,
        generation: i64,
        sealed: &[u8],
    ) -> Result<IntegrationSecrets, VaultError> {
        let plain = self.open(&integration_binding(environment, key, generation), sealed)?;
        let opened: Opened = serde_json::from_slice(&plain).map_err(|_| VaultError::Content)?;
        if opened.provider != provider {
            return Err(VaultError::Content);
        }
        Ok(IntegrationSecrets {
            client: hidden(opened.client),
            variables: hidden(opened.variables),
            allow_hosts: opened.allow_hosts,
            redact_reflections: opened.redact_reflections,
        })
    }
}

#[cfg(test)]
mod tests {
    use passthrough_vault::{Keyring, Pepper};
    use secrecy::ExposeSecret;

    use super::super::KeyringSource;
    use super::*;

    #[test]
    fn secrets_open_for_their_own_row_and_provider_only() {
        let vault = Vault::new(Keyring::generate(1), KeyringSource::Settings, Pepper::generate());
        let environment: Environment = "default".parse().unwrap();
        let mut secrets = IntegrationSecrets::default();
        secrets.client.insert("client_secret".to_owned(), "s3cret".into());
        assert!(!format!("{secrets:?}").contains("s3cret"));
        let sealed = vault.seal_integration(&environment, "crm", "crm", 1, &secrets).unwrap().bytes;
        let open = |environment: &str, key, provider, generation| {
            let environment: Environment = environment.parse().unwrap();
            vault.open_integration(&environment, key, provider, generation, &sealed)
        };
        let opened = open("default", "crm", "crm", 1).unwrap();
        assert_eq!(opened.client["client_secret"].expose_secret(), "s3cret");
        assert!(open("other", "crm", "crm", 1).is_err());
        assert!(open("default", "crm-2", "crm", 1).is_err());
        assert!(open("default", "crm", "evil", 1).is_err());
        assert!(open("default", "crm", "crm", 2).is_err());
    }
}
