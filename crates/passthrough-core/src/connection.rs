//! Connections and the credentials behind them.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use secrecy::SecretString;
use thiserror::Error;

use crate::id::{ConnectionId, Environment};

/// One end user's authorised account at a provider, without anything secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Connection {
    /// `conn_<ULID>`.
    pub id: ConnectionId,
    /// The closed room that it belongs to.
    pub environment: Environment,
    /// Code of the provider in the catalog.
    pub provider: String,
    /// Key of the integration; the provider's code where the integration is implicit.
    pub integration: String,
    /// Name of the provider's auth entry that the credential was given for.
    pub auth: String,
    /// Whether it can be used.
    pub status: ConnectionStatus,
    /// The operator's own name for it.
    pub name: Option<String>,
    /// The end user's id in the caller's product.
    pub external_id: Option<String>,
    /// The account's id at the provider, as `verify` read it.
    pub account_id: Option<String>,
    /// The account's label at the provider, as `verify` read it.
    pub account_label: Option<String>,
    /// Free labels.
    pub tags: Vec<String>,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds.
    pub updated_at: i64,
    /// Unix milliseconds of the last verification that found the credential alive.
    pub verified_at: Option<i64>,
}

/// Whether a connection can be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum ConnectionStatus {
    /// Usable.
    Connected,
    /// The provider refuses the credential: the end user must link again.
    Disconnected,
    /// Put away by the operator; kept for its history.
    Archived,
}

/// A text that names no status.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a status is one of connected, disconnected, archived")]
pub struct UnknownStatus;

impl ConnectionStatus {
    /// The name on the wire and in the database.
    pub fn as_str(self) -> &'static str {
        match self {
            ConnectionStatus::Connected => "connected",
            ConnectionStatus::Disconnected => "disconnected",
            ConnectionStatus::Archived => "archived",
        }
    }
}

impl FromStr for ConnectionStatus {
    type Err = UnknownStatus;

    fn from_str(text: &str) -> Result<Self, UnknownStatus> {
        match text {
            "connected" => Ok(ConnectionStatus::Connected),
            "disconnected" => Ok(ConnectionStatus::Disconnected),
            "archived" => Ok(ConnectionStatus::Archived),
            _ => Err(UnknownStatus),
        }
    }
}

/// The opened secret material of one connection.
#[derive(Clone, Default)]
pub struct Credential {
    /// What the user gave: the fields of its auth entry, by name.
    pub fields: BTreeMap<String, SecretString>,
    /// What the grant yielded; `None` before it did, and where the grant is `static`.
    pub obtained: Option<Obtained>,
    /// The OAuth client of the integration. Not stored with the connection.
    pub client: BTreeMap<String, SecretString>,
}

/// What a grant yielded.
#[derive(Clone, Default)]
pub struct Obtained {
    /// Tokens and whatever else was kept of the answer, by the names that templates use.
    pub values: BTreeMap<String, SecretString>,
    /// Unix milliseconds at which they were asked for.
    pub at: i64,
    /// Unix milliseconds after which they are of no use; `None` where nobody knows.
    pub expires_at: Option<i64>,
    /// Unix milliseconds after which they cannot be refreshed.
    pub refresh_expires_at: Option<i64>,
}

impl Credential {
    /// The value of a name in a template: what the user gave, what the grant yielded, the integration's client.
    pub fn value(&self, name: &str) -> Option<&SecretString> {
        let obtained = || self.obtained.as_ref().and_then(|obtained| obtained.values.get(name));
        self.fields.get(name).or_else(obtained).or_else(|| self.client.get(name))
    }
}

impl fmt::Debug for Obtained {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Obtained")
            .field("values", &self.values.keys().collect::<Vec<_>>())
            .field("at", &self.at)
            .field("expires_at", &self.expires_at)
            .field("refresh_expires_at", &self.refresh_expires_at)
            .finish()
    }
}

impl fmt::Debug for Credential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Credential")
            .field("fields", &self.fields.keys().collect::<Vec<_>>())
            .field("obtained", &self.obtained)
            .finish_non_exhaustive()
    }
}

/// A credential as it lies at rest. Only the vault can open it.
#[derive(Clone, PartialEq, Eq)]
pub struct SealedCredential {
    /// Counts the writes; part of what the seal is bound to.
    pub generation: i64,
    /// The vault's blob.
    pub sealed: Vec<u8>,
    /// Unix milliseconds after which it is of no use; `None` for one that does not expire.
    pub expires_at: Option<i64>,
}

impl fmt::Debug for SealedCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SealedCredential")
            .field("generation", &self.generation)
            .field("bytes", &self.sealed.len())
            .field("expires_at", &self.expires_at)
            .finish()
    }
}

/// The variables of one connection (`subdomain`, `region`, …), by name. Sealed at rest like a credential.
pub type Variables = BTreeMap<String, SecretString>;
