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
/// How many old secrets may sign at a time: each makes the header longer.
const MAX_OLD: usize = 4;

/// The secrets of one endpoint.
#[derive(Clone)]
pub struct EndpointSecrets {
    /// The one that signs: `whsec_` and base64 of 32 bytes.
    pub secret: SecretString,
    /// Those before it, the newest first, and until when (unix milliseconds) each signs, too.
    pub old: Vec<(SecretString, i64)>,
}

impl fmt::Debug for EndpointSecrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EndpointSecrets")
            .field("old_until", &self.old.iter().map(|(_, until)| until).collect::<Vec<_>>())
            .finish_non_exhaustive()
    }
}

impl EndpointSecrets {
    /// A first secret.
    pub fn generate() -> Self {
        Self { secret: new_secret(), old: Vec::new() }
    }

    /// Another secret; the one so far signs, too, until `until`, so that a receiver has time to follow, and so do those
    /// before it whose time is not over at `now`: each was promised. `None` where there are too many of these.
    pub fn rotated(self, now: i64, until: i64) -> Option<Self> {
        let mut old = self.old;
        old.retain(|(_, until)| now < *until);
        old.insert(0, (self.secret, until));
        (old.len() <= MAX_OLD).then(|| Self { secret: new_secret(), old })
    }

    /// The keys that sign at `now`, the newest first.
    pub fn keys(&self, now: i64) -> Vec<Zeroizing<Vec<u8>>> {
        let old = self.old.iter().filter(|(_, until)| now < *until).map(|(secret, _)| secret);
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
    old: Vec<(&'a str, i64)>,
}

/// The same, opened; its texts are wiped.
#[derive(Deserialize)]
struct Opened {
    secret: Zeroizing<String>,
    old: Vec<(Zeroizing<String>, i64)>,
}

/// As it was sealed when there was one old secret at most.
#[derive(Deserialize)]
struct OpenedWithOne {
    secret: Zeroizing<String>,
    old: Option<(Zeroizing<String>, i64)>,
}

impl Opened {
    fn read(plain: &[u8]) -> Result<Self, VaultError> {
        let with_one = |_| {
            let OpenedWithOne { secret, old } = serde_json::from_slice(plain)?;
            Ok(Self { secret, old: old.into_iter().collect() })
        };
        serde_json::from_slice(plain).or_else(with_one).map_err(|_: serde_json::Error| VaultError::Content)
    }
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
        let old = secrets.old.iter().map(|(secret, until)| (secret.expose_secret(), *until)).collect();
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
        let opened = Opened::read(&plain)?;
        let old = opened.old.iter().map(|(secret, until)| (secret.as_str().into(), *until)).collect();
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
        let second = first.clone().rotated(0, 100).unwrap();
        assert_eq!(second.keys(99).len(), 2);
        assert_eq!(second.keys(99)[1], first.keys(0)[0]);
        assert_eq!(second.keys(100).len(), 1);
        assert_ne!(second.keys(100)[0], first.keys(0)[0]);
        assert!(!format!("{second:?}").contains("whsec_"));
    }

    #[test]
    fn a_second_rotation_ends_no_secret_before_its_time_and_there_is_a_limit() {
        let first = EndpointSecrets::generate();
        let second = first.clone().rotated(0, 100).unwrap();
        let third = second.clone().rotated(50, 150).unwrap();
        assert_eq!(third.keys(99)[1..], [second.keys(0)[0].clone(), first.keys(0)[0].clone()]);
        assert_eq!(third.keys(100)[1..], second.keys(0)[..1]);
        let full = third.rotated(60, 160).and_then(|many| many.rotated(70, 170)).unwrap();
        assert!(full.clone().rotated(99, 199).is_none());
        assert_eq!(full.rotated(100, 200).unwrap().keys(100).len(), 5);
    }

    #[test]
    fn what_was_sealed_with_one_old_secret_or_none_opens() {
        let read = |old: &str| {
            let opened = Opened::read(format!(r#"{{"secret":"s","old":{old}}}"#).as_bytes()).unwrap();
            opened.old.iter().map(|(secret, until)| (secret.to_string(), *until)).collect::<Vec<_>>()
        };
        assert_eq!(read("null"), []);
        assert_eq!(read(r#"["o",7]"#), [("o".to_owned(), 7)]);
        assert_eq!(read(r#"[["o",7],["p",8]]"#), [("o".to_owned(), 7), ("p".to_owned(), 8)]);
        assert!(Opened::read(b"[]").is_err());
    }
}
