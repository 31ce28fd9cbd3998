//! What the messages to a webhook endpoint are signed with, sealed.

use std::fmt;

use passthrough_core::id::{EndpointId, Environment};
use passthrough_vault::{Sealed, random};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::{Vault, VaultError, endpoint_binding, to_json};
use data_encoding::BASE64;

/// What a secret begins with, as Standard Webhooks has it.
const PREFIX: &str = "whsec_";

/// The secrets of one endpoint.
#[derive(Clone)]
pub struct EndpointSecrets {
    /// The one that signs: `whsec_` and base64 of 32 bytes.
    pub secret: SecretString,
    /// The one before it, and until when (unix milliseconds) it signs, too.
    pub old: Option<(SecretString, i64)>,
}

impl fmt::Debug for EndpointSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointSecrets")
            .field("old_until", &self.old.as_ref().map(|(_, until)| until))
            .finish_non_exhaustive()
    }
}

impl EndpointSecrets {
    /// A first secret.
    pub fn generate() -> Self {
        Self { secret: new_secret(), old: None }
    }

    /// Another secret; the one so far signs, too, until `until`, so that a receiver has time to follow.
    pub fn rotated(self, until: i64) -> Self {
        Self { secret: new_secret(), old: Some((self.secret, until)) }
    }

    /// The keys that sign at `now`, the newest first.
    pub fn keys(&self, now: i64) -> Vec<Zeroizing<Vec<u8>>> {
        let old = self.old.as_ref().filter(|(_, until)| now < *until).map(|(secret, _)| secret);
        let bytes = |secret: &SecretString| {
            let text = secret.expose_secret().strip_prefix(PREFIX)?;
            BASE64.decode(text.as_bytes()).ok().map(Zeroizing::new)
        };
        std::iter::once(&self.secret).chain(old).filter_map(bytes).collect()
    }
}

fn new_secret() -> SecretString {
    let bytes = Zeroizing::new(random::<32>());
    format!("{PREFIX}{}", BASE64.encode(&*bytes)).into()
}

/// As it is sealed.
#[derive(Serialize)]
struct Text<'a> {
    secret: &'a str,
    old: Option<(&'a str, i64)>,
}

/// The same, opened; its texts are wiped.
#[derive(Deserialize)]
struct Opened {
    secret: Zeroizing<String>,
    old: Option<(Zeroizing<String>, i64)>,
}

impl Vault {
    /// Seals the secrets of an endpoint.
    pub fn seal_endpoint(
        &self,
        environment: &Environment,
        id: EndpointId,
        generation: i64,
        secrets: &EndpointSecrets,
    ) -> Result<Sealed, VaultError> {
        let old = secrets.old.as_ref().map(|(secret, until)| (secret.expose_secret(), *until));
        let plain = to_json(&Text { secret: secrets.secret.expose_secret(), old })?;
        self.seal(&endpoint_binding(environment, &id.to_string(), generation), &plain)
    }

    /// Opens the secrets of an endpoint.
    pub fn open_endpoint(
        &self,
        environment: &Environment,
        id: EndpointId,
        generation: i64,
        sealed: &[u8],
    ) -> Result<EndpointSecrets, VaultError> {
        let plain = self.open(&endpoint_binding(environment, &id.to_string(), generation), sealed)?;
        let opened: Opened = serde_json::from_slice(&plain).map_err(|_| VaultError::Content)?;
        let old = opened.old.map(|(secret, until)| (secret.as_str().into(), until));
        Ok(EndpointSecrets { secret: opened.secret.as_str().into(), old })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn after_a_rotation_both_secrets_sign_for_a_while() {
        let first = EndpointSecrets::generate();
        assert!(first.secret.expose_secret().starts_with("whsec_") && first.keys(0).len() == 1);
        assert_eq!(first.keys(0)[0].len(), 32);
        let second = first.clone().rotated(100);
        assert_eq!(second.keys(99).len(), 2);
        assert_eq!(second.keys(99)[1], first.keys(0)[0]);
        assert_eq!(second.keys(100).len(), 1);
        assert_ne!(second.keys(100)[0], first.keys(0)[0]);
        assert!(!format!("{second:?}").contains("whsec_"));
    }
}
