//! The vault in use: seals and opens with the installation's keyring, follows its rotation, and checks
//! tokens. Only here do a sealed value and the key to it meet.

use std::collections::BTreeMap;
use std::fmt;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use passthrough_core::connection::{Connection, Credential, Obtained, Variables};
use passthrough_core::id::{ConnectionId, Environment};
use passthrough_core::token::{Token, TokenKind};
use passthrough_vault::keyring_file::{FileError, Fingerprint};
use passthrough_vault::{Binding, Keyring, OpenError, Pepper, SealError, Sealed, keyring_file};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use thiserror::Error;
use zeroize::Zeroizing;

mod integration;
mod link;
mod webhook;

pub use integration::IntegrationSecrets;
pub use webhook::EndpointSecrets;

/// Name of the pepper among the installation's secrets.
pub const PEPPER: &str = "pepper";

/// Where the keyring comes from.
#[derive(Debug)]
pub enum KeyringSource {
    /// The settings: it changes only with a restart.
    Settings,
    /// A file: it is followed while serving.
    File {
        /// The file.
        path: PathBuf,
        /// The state that was read last.
        fingerprint: Mutex<Fingerprint>,
    },
}

impl KeyringSource {
    /// A file that was just read.
    pub fn file(path: PathBuf, fingerprint: Fingerprint) -> Self {
        KeyringSource::File { path, fingerprint: Mutex::new(fingerprint) }
    }
}

/// Why something was not sealed or opened. Says nothing of the content.
#[derive(Debug, Error)]
pub enum VaultError {
    /// It does not open: damaged, moved to another row, or under a key that is not there.
    #[error("a sealed value does not open: {0}")]
    Open(#[from] OpenError),
    /// It was not sealed.
    #[error("a value could not be sealed: {0}")]
    Seal(#[from] SealError),
    /// It opened, but is not what it should be.
    #[error("a sealed value holds something unexpected")]
    Content,
    /// The key file changed and cannot be read any more.
    #[error(transparent)]
    KeyringFile(#[from] FileError),
}

/// Seals, opens, checks tokens. Cheap to clone.
#[derive(Clone)]
pub struct Vault(Arc<Inner>);

struct Inner {
    keyring: RwLock<Arc<Keyring>>,
    source: KeyringSource,
    /// Whether the key file has changed and could not be read.
    behind: AtomicBool,
    pepper: Pepper,
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault(primary {})", self.keyring().primary())
    }
}

/// What the installation's pepper is bound to.
pub fn pepper_binding(generation: i64) -> Binding<'static> {
    Binding { table: "installation_secrets", environment: "", row: PEPPER, field: "sealed", generation }
}

/// Calls `f` with what a credential is bound to: swapping rows, fields, environments or generations makes
/// it unreadable.
pub fn with_credential_binding<T>(
    environment: &Environment,
    id: ConnectionId,
    generation: i64,
    f: impl FnOnce(&Binding<'_>) -> T,
) -> T {
    with_binding("credentials", "fields", environment, id, generation, f)
}

/// Like [`with_credential_binding`], for a connection's variables.
pub fn with_variables_binding<T>(
    environment: &Environment,
    id: ConnectionId,
    generation: i64,
    f: impl FnOnce(&Binding<'_>) -> T,
) -> T {
    with_binding("connections", "variables", environment, id, generation, f)
}

/// What the secrets of an integration are bound to.
pub fn integration_binding<'a>(environment: &'a Environment, key: &'a str, generation: i64) -> Binding<'a> {
    Binding {
        table: "integrations",
        environment: environment.as_str(),
        row: key,
        field: "sealed",
        generation,
    }
}

/// What the secrets of a webhook endpoint are bound to; `id` is the text of its id.
pub fn endpoint_binding<'a>(environment: &'a Environment, id: &'a str, generation: i64) -> Binding<'a> {
    let environment = environment.as_str();
    Binding { table: "webhook_endpoints", environment, row: id, field: "sealed", generation }
}

fn with_binding<T>(
    table: &str,
    field: &str,
    environment: &Environment,
    id: ConnectionId,
    generation: i64,
    f: impl FnOnce(&Binding<'_>) -> T,
) -> T {
    let row = id.to_string();
    f(&Binding { table, environment: environment.as_str(), row: &row, field, generation })
}

impl Vault {
    /// A vault over an opened keyring.
    pub fn new(keyring: Keyring, source: KeyringSource, pepper: Pepper) -> Self {
        let keyring = RwLock::new(Arc::new(keyring));
        Self(Arc::new(Inner { keyring, source, behind: AtomicBool::new(false), pepper }))
    }

    /// The keyring as it is now.
    pub fn keyring(&self) -> Arc<Keyring> {
        Arc::clone(&self.0.keyring.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The key file, where the keyring comes from one.
    pub fn keyring_path(&self) -> Option<&PathBuf> {
        match &self.0.source {
            KeyringSource::Settings => None,
            KeyringSource::File { path, .. } => Some(path),
        }
    }

    /// Reads the key file again if it changed; tells whether it did. Blocking, but only for a stat where
    /// nothing changed.
    pub fn follow(&self) -> Result<bool, VaultError> {
        let KeyringSource::File { path, fingerprint } = &self.0.source else { return Ok(false) };
        let mut known = fingerprint.lock().unwrap_or_else(PoisonError::into_inner);
        if keyring_file::fingerprint(path).is_ok_and(|now| now == *known) {
            self.0.behind.store(false, Ordering::Relaxed);
            return Ok(false);
        }
        self.0.behind.store(true, Ordering::Relaxed);
        let (keyring, fingerprint) = keyring_file::load(path)?;
        self.0.behind.store(false, Ordering::Relaxed);
        *self.0.keyring.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(keyring);
        *known = fingerprint;
        Ok(true)
    }

    /// Opens a blob. A key that is not known yet may have been added a moment ago by another process.
    pub fn open(&self, binding: &Binding<'_>, sealed: &[u8]) -> Result<Zeroizing<Vec<u8>>, VaultError> {
        match self.keyring().open(binding, sealed) {
            Err(OpenError::UnknownKey(_)) => {
                // Whether this call is the one that reads the file again does not matter: another may have done
                // so since the keyring was looked at.
                self.follow()?;
                Ok(self.keyring().open(binding, sealed)?)
            }
            opened => Ok(opened?),
        }
    }

    /// Seals a credential for one row and generation.
    pub fn seal_credential(
        &self,
        connection: &Connection,
        generation: i64,
        credential: &Credential,
    ) -> Result<Sealed, VaultError> {
        let plain = to_json(&CredentialText {
            provider: &connection.provider,
            auth: &connection.auth,
            fields: exposed(&credential.fields),
            obtained: credential.obtained.as_ref().map(|obtained| ObtainedText {
                values: exposed(&obtained.values),
                at: obtained.at,
                expires_at: obtained.expires_at,
                refresh_expires_at: obtained.refresh_expires_at,
            }),
        })?;
        let (environment, id) = (&connection.environment, connection.id);
        with_credential_binding(environment, id, generation, |binding| self.seal(binding, &plain))
    }

    /// Opens a credential. It opens only for the provider and auth entry that it was given for: whoever can
    /// write to the database must not be able to have it sent to another provider.
    pub fn open_credential(
        &self,
        connection: &Connection,
        generation: i64,
        sealed: &[u8],
    ) -> Result<Credential, VaultError> {
        let (environment, id) = (&connection.environment, connection.id);
        let plain =
            with_credential_binding(environment, id, generation, |binding| self.open(binding, sealed))?;
        let text: OpenedCredential = serde_json::from_slice(&plain).map_err(|_| VaultError::Content)?;
        if text.provider != connection.provider || text.auth != connection.auth {
            return Err(VaultError::Content);
        }
        let obtained = text.obtained.map(|obtained| Obtained {
            values: hidden(obtained.values),
            at: obtained.at,
            expires_at: obtained.expires_at,
            refresh_expires_at: obtained.refresh_expires_at,
        });
        Ok(Credential { fields: hidden(text.fields), obtained, client: BTreeMap::new() })
    }

    /// Seals a connection's variables.
    pub fn seal_variables(
        &self,
        environment: &Environment,
        id: ConnectionId,
        generation: i64,
        variables: &Variables,
    ) -> Result<Sealed, VaultError> {
        let plain = to_json(&exposed(variables))?;
        with_variables_binding(environment, id, generation, |binding| self.seal(binding, &plain))
    }

    /// Opens a connection's variables.
    pub fn open_variables(
        &self,
        environment: &Environment,
        id: ConnectionId,
        generation: i64,
        sealed: &[u8],
    ) -> Result<Variables, VaultError> {
        let plain = with_variables_binding(environment, id, generation, |b| self.open(b, sealed))?;
        Ok(hidden(serde_json::from_slice(&plain).map_err(|_| VaultError::Content)?))
    }

    fn seal(&self, binding: &Binding<'_>, plain: &[u8]) -> Result<Sealed, VaultError> {
        // The key file changed and could not be read: what is sealed now might be under a key that is
        // about to be removed.
        if self.0.behind.load(Ordering::Relaxed) {
            self.follow()?;
        }
        Ok(self.keyring().seal(binding, plain)?)
    }

    /// The keyed hash of a token, which is all that is stored of it. Bound to the environment: a row moved
    /// to another one is worthless there.
    pub fn hash(&self, kind: TokenKind, token: &Token, environment: &Environment) -> [u8; 32] {
        self.0.pepper.hash(kind.prefix(), &hashed_id(token, Some(environment)), token.expose_secret())
    }

    /// Whether a token is the one whose hash is stored, in constant time. Without a stored hash the same
    /// work is done, so that time does not tell which ids exist.
    pub fn matches(&self, kind: TokenKind, token: &Token, stored: Option<(&[u8], &Environment)>) -> bool {
        let id = hashed_id(token, stored.map(|(_, environment)| environment));
        let hash = stored.map_or(&[0; 32][..], |(hash, _)| hash);
        let equal = self.0.pepper.matches(kind.prefix(), &id, token.expose_secret(), hash);
        equal && stored.is_some()
    }
}

fn hashed_id(token: &Token, environment: Option<&Environment>) -> Vec<u8> {
    let environment = environment.map_or(Environment::DEFAULT, Environment::as_str);
    [&token.ulid().to_bytes()[..], environment.as_bytes()].concat()
}

/// A credential as it is sealed.
#[derive(Serialize)]
struct CredentialText<'a> {
    provider: &'a str,
    auth: &'a str,
    fields: BTreeMap<&'a str, &'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    obtained: Option<ObtainedText<'a>>,
}

/// What a grant yielded, as it is sealed.
#[derive(Serialize)]
struct ObtainedText<'a> {
    values: BTreeMap<&'a str, &'a str>,
    at: i64,
    expires_at: Option<i64>,
    refresh_expires_at: Option<i64>,
}

/// The same, opened; its texts are wiped.
#[derive(Deserialize)]
struct OpenedCredential {
    provider: String,
    auth: String,
    fields: BTreeMap<String, Zeroizing<String>>,
    obtained: Option<OpenedObtained>,
}

/// What a grant yielded, opened.
#[derive(Deserialize)]
struct OpenedObtained {
    values: BTreeMap<String, Zeroizing<String>>,
    at: i64,
    expires_at: Option<i64>,
    refresh_expires_at: Option<i64>,
}

fn exposed(values: &BTreeMap<String, SecretString>) -> BTreeMap<&str, &str> {
    values.iter().map(|(name, value)| (name.as_str(), value.expose_secret())).collect()
}

fn hidden(values: BTreeMap<String, Zeroizing<String>>) -> BTreeMap<String, SecretString> {
    values.into_iter().map(|(name, value)| (name, value.as_str().into())).collect()
}

/// JSON without a copy that stays behind: the buffer is wiped, and large enough from the start that it is
/// not moved while it grows.
fn to_json(value: &impl Serialize) -> Result<Zeroizing<Vec<u8>>, VaultError> {
    let mut counted = Counted(0);
    serde_json::to_writer(&mut counted, value).map_err(|_| VaultError::Content)?;
    let mut plain = Zeroizing::new(Vec::with_capacity(counted.0));
    serde_json::to_writer(&mut *plain, value).map_err(|_| VaultError::Content)?;
    Ok(plain)
}

/// Counts what is written.
struct Counted(usize);

impl io::Write for Counted {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0 += bytes.len();
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use super::*;

    /// Of many callers who meet a new key at once, one reads the file again; the others must not conclude from an
    /// unchanged file that there is no such key.
    #[test]
    fn all_callers_at_once_open_what_another_process_sealed_under_a_new_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("keyring.toml");
        keyring_file::create(&path, &Keyring::generate(1)).unwrap();
        for now in 2..30 {
            let (keyring, fingerprint) = keyring_file::load(&path).unwrap();
            let pepper = Pepper::generate();
            let vault = Vault::new(keyring, KeyringSource::file(path.clone(), fingerprint), pepper);
            keyring_file::update(&path, |keyring| {
                let id = keyring.add(now);
                keyring.promote(&id, now)
            })
            .unwrap();
            let (newer, _) = keyring_file::load(&path).unwrap();
            let sealed = newer.seal(&pepper_binding(1), b"value").unwrap().bytes;
            let start = Barrier::new(8);
            std::thread::scope(|scope| {
                let open = || {
                    start.wait();
                    vault.open(&pepper_binding(1), &sealed).unwrap();
                };
                for _ in 0..8 {
                    scope.spawn(open);
                }
            });
        }
    }
}
