//! Rotation of the key encryption keys, while servers keep serving:
//! add → promote → rewrap → (nothing is left under the old key) → remove.

use std::path::PathBuf;
use std::sync::Arc;

use passthrough_store::{SealedPlace, SealedRow, StoreError};
use passthrough_vault::keyring_file::{self, FileError};
use passthrough_vault::{Binding, InvalidKeyId, KeyChangeError, KeyId, RewrapError, Sealed};
use thiserror::Error;

use super::Installation;
use crate::vault::{
    endpoint_binding, integration_binding, pepper_binding, with_credential_binding, with_variables_binding,
};

/// How many sealed values are read at a time.
const BATCH: u32 = 200;
/// A running server looks at the key file every second. Until it has seen a promotion, it may still seal
/// under the old key; only after this long is a count of zero the truth.
const SETTLE_MS: i64 = 5_000;

/// The keys of an installation and what hangs on them.
#[derive(Debug, Clone)]
pub struct KeyringStatus {
    /// The key file; `None` where the keyring comes from the settings.
    pub path: Option<PathBuf>,
    /// The keys, in their order.
    pub keys: Vec<KeyStatus>,
}

/// One key.
#[derive(Debug, Clone)]
pub struct KeyStatus {
    /// Its id, made from the key.
    pub id: String,
    /// Unix milliseconds.
    pub created_at: i64,
    /// Unix milliseconds since when it seals; `None` for one that only opens.
    pub primary_since: Option<i64>,
    /// How many values are sealed under it.
    pub sealed: u64,
}

/// Why the keyring was not changed.
#[derive(Debug, Error)]
pub enum KeyringError {
    /// It comes from the settings.
    #[error("the keyring comes from the setting `keyring`, not from a file: change it where it is kept")]
    NotAFile,
    /// A text that is no key id.
    #[error("`{0}` is no key id; `passthrough keyring status` lists them")]
    InvalidId(String),
    /// Values are still sealed under it.
    #[error("{sealed} values are still sealed under {id}; run `passthrough keyring rewrap` first")]
    InUse {
        /// The key.
        id: String,
        /// How many.
        sealed: u64,
    },
    /// The primary changed a moment ago.
    #[error(
        "the primary changed {ago_ms} ms ago and running servers may not have seen it; try again in 5 seconds"
    )]
    TooSoon {
        /// Milliseconds since then.
        ago_ms: i64,
    },
    /// Values that do not open, whatever the key.
    #[error("{0} sealed values could not be opened and were left as they are; their keys must stay")]
    Unopened(u64),
    /// The file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Installation {
    fn keyring_path(&self) -> Result<&PathBuf, KeyringError> {
        self.vault.keyring_path().ok_or(KeyringError::NotAFile)
    }

    /// The keys and how many values are sealed under each.
    pub async fn keyring_status(&self) -> Result<KeyringStatus, KeyringError> {
        let path = self.vault.keyring_path().cloned();
        let keyring = match &path {
            Some(path) => Arc::new(keyring_file::load(path)?.0),
            None => self.vault.keyring(),
        };
        let counts = self.store.count_sealed_by_key().await?;
        let sealed = |id: &str| {
            let count = counts.iter().find(|(key, _)| key == id).map_or(0, |(_, count)| *count);
            u64::try_from(count).unwrap_or_default()
        };
        let keys = keyring.keys().into_iter().map(|key| {
            let id = key.id.to_string();
            KeyStatus {
                sealed: sealed(&id),
                id,
                created_at: key.created_at,
                primary_since: key.primary_since,
            }
        });
        Ok(KeyringStatus { path, keys: keys.collect() })
    }

    /// Adds a key, which only opens until it is promoted. Gives its id.
    pub fn keyring_add(&self) -> Result<String, KeyringError> {
        let now = self.clock.now_ms();
        Ok(keyring_file::update(self.keyring_path()?, |keyring| Ok(keyring.add(now).to_string()))?)
    }

    /// Makes a key the one that seals.
    pub fn keyring_promote(&self, id: &str) -> Result<(), KeyringError> {
        let (id, now) = (parse(id)?, self.clock.now_ms());
        keyring_file::update(self.keyring_path()?, |keyring| keyring.promote(&id, now))?;
        Ok(())
    }

    /// Removes a key under which nothing is sealed any more.
    pub async fn keyring_remove(&self, id: &str) -> Result<(), KeyringError> {
        let parsed = parse(id)?;
        let status = self.keyring_status().await?;
        if status.keys.iter().any(|key| key.id == id && key.primary_since.is_some()) {
            return Err(FileError::from(KeyChangeError::IsPrimary(parsed)).into());
        }
        let primary_since = status.keys.iter().find_map(|key| key.primary_since).unwrap_or_default();
        let ago_ms = self.clock.now_ms().saturating_sub(primary_since);
        if (0..SETTLE_MS).contains(&ago_ms) {
            return Err(KeyringError::TooSoon { ago_ms });
        }
        let sealed = status.keys.iter().find(|key| key.id == id).map_or(0, |key| key.sealed);
        if sealed > 0 {
            return Err(KeyringError::InUse { id: id.to_owned(), sealed });
        }
        keyring_file::update(self.keyring_path()?, |keyring| keyring.remove(&parsed))?;
        Ok(())
    }

    /// Seals everything again that is not under the primary. `progress` is told (done, in all). Safe to run
    /// while serving and more than once: a value that changed meanwhile is left to its writer.
    pub async fn rewrap(&self, mut progress: impl FnMut(u64, u64)) -> Result<u64, KeyringError> {
        self.vault.follow().map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let primary = self.vault.keyring().primary().to_string();
        let counts = self.store.count_sealed_by_key().await?;
        let others = counts.iter().filter(|(key, _)| *key != primary).map(|(_, count)| *count);
        let total = u64::try_from(others.sum::<i64>()).unwrap_or_default();
        let mut done = 0;
        let unopened = loop {
            let rows = self.store.list_sealed_not_under(&primary, BATCH).await?;
            let (before, mut unopened) = (done, 0);
            for row in &rows {
                match self.rewrapped(row) {
                    Ok(Some(sealed)) => {
                        let (bytes, key_id) = (sealed.bytes, sealed.key_id.to_string());
                        self.store.update_sealed(row, &bytes, &key_id, self.clock.now_ms()).await?;
                        done += 1;
                        progress(done.min(total), total);
                    }
                    // It is under the primary and only its column says otherwise. Left so, it would come back in
                    // every batch for ever.
                    Ok(None) => {
                        let now = self.clock.now_ms();
                        self.store.update_sealed(row, &row.value.sealed, &primary, now).await?;
                        done += 1;
                    }
                    Err(_) => unopened += 1,
                }
            }
            // Rows that cannot be opened come back in every batch; without progress there is nothing left.
            if rows.is_empty() || done == before {
                break unopened;
            }
        };
        if unopened > 0 { Err(KeyringError::Unopened(unopened)) } else { Ok(done) }
    }

    fn rewrapped(&self, row: &SealedRow) -> Result<Option<Sealed>, RewrapError> {
        let keyring = self.vault.keyring();
        let rewrap = |binding: &Binding<'_>| keyring.rewrap(binding, &row.value.sealed);
        match &row.place {
            SealedPlace::InstallationSecret { .. } => rewrap(&pepper_binding(row.value.generation)),
            SealedPlace::ConnectionVariables { environment, id } => {
                with_variables_binding(environment, *id, row.value.generation, rewrap)
            }
            SealedPlace::Credential { environment, id } => {
                with_credential_binding(environment, *id, row.value.generation, rewrap)
            }
            SealedPlace::Integration { environment, key } => {
                rewrap(&integration_binding(environment, key, row.value.generation))
            }
            SealedPlace::WebhookEndpoint { environment, id } => {
                rewrap(&endpoint_binding(environment, &id.to_string(), row.value.generation))
            }
        }
    }
}

fn parse(id: &str) -> Result<KeyId, KeyringError> {
    id.parse().map_err(|_: InvalidKeyId| KeyringError::InvalidId(id.to_owned()))
}
