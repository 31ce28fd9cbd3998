//! The key encryption keys, one of which is the primary.

use std::fmt;

use thiserror::Error;
use zeroize::Zeroizing;

use crate::key_id::KeyId;
use crate::secret::Secret;

mod text;

pub use text::ParseError;

/// Keys that open, and the one among them that seals.
///
/// There is always a primary: it has a field of its own, so a keyring without one cannot be written.
#[derive(Debug)]
pub struct Keyring {
    primary: Key,
    promoted_at: i64,
    others: Vec<Key>,
}

struct Key {
    id: KeyId,
    secret: Secret,
    created_at: i64,
}

impl Key {
    fn new(secret: Secret, created_at: i64) -> Self {
        Self { id: KeyId::of(&secret), secret, created_at }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Key")
            .field("id", &self.id)
            .field("created_at", &self.created_at)
            .finish_non_exhaustive()
    }
}

/// What may be shown of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyInfo {
    /// The name of the key.
    pub id: KeyId,
    /// When it was made, in unix milliseconds.
    pub created_at: i64,
    /// Since when it seals, in unix milliseconds; `None` for a key that only opens.
    pub primary_since: Option<i64>,
}

impl KeyInfo {
    /// Whether new values are sealed under this key.
    pub fn is_primary(&self) -> bool {
        self.primary_since.is_some()
    }
}

/// Why a keyring did not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum KeyChangeError {
    /// No such key.
    #[error("the keyring holds no key {0}: see the list of its keys")]
    Unknown(KeyId),
    /// The primary stays: without it nothing could be sealed.
    #[error("key {0} is the primary and cannot be removed: promote another key first")]
    IsPrimary(KeyId),
}

impl Keyring {
    /// A keyring of one fresh key. `now` is in unix milliseconds, here and below.
    pub fn generate(now: i64) -> Self {
        Self { primary: Key::new(Secret::random(), now), promoted_at: now, others: Vec::new() }
    }

    /// Reads the text of [`to_text`](Self::to_text). Errors name the place and never what stands there.
    pub fn parse(text: &str) -> Result<Self, ParseError> {
        text::read(text)
    }

    /// The keyring as TOML, secrets included, for the key file and nothing else.
    pub fn to_text(&self) -> Zeroizing<String> {
        text::write(self)
    }

    /// Adds a fresh key that opens, but does not seal yet. Every process that shares the database has
    /// to load it before it is promoted, else it meets values that it cannot open.
    pub fn add(&mut self, now: i64) -> KeyId {
        let key = Key::new(Secret::random(), now);
        let id = key.id;
        self.others.push(key);
        id
    }

    /// Makes `id` the key that seals. The old primary goes on opening. Promoting the primary itself
    /// changes nothing.
    pub fn promote(&mut self, id: &KeyId, now: i64) -> Result<(), KeyChangeError> {
        if self.primary.id == *id {
            return Ok(());
        }
        let key = self.others.iter_mut().find(|key| key.id == *id).ok_or(KeyChangeError::Unknown(*id))?;
        std::mem::swap(&mut self.primary, key);
        self.promoted_at = now;
        Ok(())
    }

    /// Forgets a key, for good. What is still sealed under it can never be opened again: count first.
    pub fn remove(&mut self, id: &KeyId) -> Result<(), KeyChangeError> {
        if self.primary.id == *id {
            return Err(KeyChangeError::IsPrimary(*id));
        }
        let at = self.others.iter().position(|key| key.id == *id).ok_or(KeyChangeError::Unknown(*id))?;
        self.others.swap_remove(at);
        Ok(())
    }

    /// The key that seals.
    pub fn primary(&self) -> KeyId {
        self.primary.id
    }

    /// All keys without their secrets, oldest first.
    pub fn keys(&self) -> Vec<KeyInfo> {
        self.by_age().map(|key| self.info(key)).collect()
    }

    fn info(&self, key: &Key) -> KeyInfo {
        let primary_since = (key.id == self.primary.id).then_some(self.promoted_at);
        KeyInfo { id: key.id, created_at: key.created_at, primary_since }
    }

    fn by_age(&self) -> impl Iterator<Item = &Key> {
        let mut keys: Vec<_> = std::iter::once(&self.primary).chain(&self.others).collect();
        keys.sort_by_key(|key| (key.created_at, key.id));
        keys.into_iter()
    }

    pub(crate) fn primary_secret(&self) -> (KeyId, &Secret) {
        (self.primary.id, &self.primary.secret)
    }

    pub(crate) fn secret_of(&self, id: KeyId) -> Option<&Secret> {
        std::iter::once(&self.primary).chain(&self.others).find(|key| key.id == id).map(|key| &key.secret)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl Keyring {
        /// A keyring of one known key, for tests that compare bytes.
        pub(crate) fn of_secret(secret: [u8; 32], now: i64) -> Self {
            let key = Key::new(Secret::copy_of(&secret).unwrap(), now);
            Self { primary: key, promoted_at: now, others: Vec::new() }
        }
    }

    #[test]
    fn a_new_keyring_has_one_key_and_it_is_the_primary() {
        let keyring = Keyring::generate(5);
        let expected = KeyInfo { id: keyring.primary(), created_at: 5, primary_since: Some(5) };
        assert_eq!(keyring.keys(), [expected]);
    }

    #[test]
    fn promoting_moves_the_primary_and_keeps_the_old_key() {
        let mut keyring = Keyring::generate(1);
        let old = keyring.primary();
        let new = keyring.add(2);
        assert_eq!(keyring.primary(), old, "adding alone changes nothing");
        keyring.promote(&new, 3).unwrap();
        let [first, second] = keyring.keys()[..] else { panic!("two keys") };
        assert_eq!(first, KeyInfo { id: old, created_at: 1, primary_since: None });
        assert_eq!(second, KeyInfo { id: new, created_at: 2, primary_since: Some(3) });
        keyring.promote(&new, 9).unwrap();
        assert_eq!(keyring.keys()[1].primary_since, Some(3), "promoting the primary changes nothing");
    }

    #[test]
    fn the_primary_cannot_be_removed_and_an_unknown_key_is_named() {
        let mut keyring = Keyring::generate(1);
        let primary = keyring.primary();
        let stranger = Keyring::generate(1).primary();
        assert_eq!(keyring.remove(&primary), Err(KeyChangeError::IsPrimary(primary)));
        assert_eq!(keyring.remove(&stranger), Err(KeyChangeError::Unknown(stranger)));
        assert_eq!(keyring.promote(&stranger, 2), Err(KeyChangeError::Unknown(stranger)));
        let added = keyring.add(2);
        keyring.remove(&added).unwrap();
        assert_eq!(keyring.keys().len(), 1);
    }

    #[test]
    fn debug_shows_ids_and_no_secret() {
        let keyring = Keyring::of_secret([0xAB; 32], 1);
        let shown = format!("{keyring:?}");
        assert!(shown.contains(&keyring.primary().to_string()));
        assert!(!shown.contains("171") && !shown.to_lowercase().contains("abab"), "{shown}");
    }
}
