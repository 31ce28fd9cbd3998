//! Keyed hashes of secrets that are compared and never shown again.

use std::fmt;

use aws_lc_rs::{constant_time, hmac};
use thiserror::Error;

use crate::secret::Secret;

const LABEL: &[u8] = b"passthrough-vault v1: pepper";

/// The secret key of all stored hashes.
///
/// Whoever steals the database alone cannot test guesses against the hashes. The pepper is random and
/// is itself stored sealed under the keyring, rather than derived from a key encryption key, so that
/// rotating and removing keys never makes a hash useless.
pub struct Pepper {
    bytes: Secret,
    /// The same, taken in by HMAC once: two tokens are hashed for each request.
    key: hmac::Key,
}

impl Pepper {
    /// A fresh pepper.
    pub fn generate() -> Self {
        Self::of(Secret::random())
    }

    fn of(bytes: Secret) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, bytes.expose()), bytes }
    }

    /// A pepper from its 32 bytes, as [`Keyring::open`](crate::Keyring::open) gave them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, InvalidPepper> {
        Secret::copy_of(bytes).map(Self::of).ok_or(InvalidPepper)
    }

    /// The 32 bytes, for sealing only.
    pub fn expose_bytes(&self) -> &[u8; 32] {
        self.bytes.expose()
    }

    /// HMAC-SHA-256 over kind, id and secret.
    ///
    /// `kind` keeps the hashes of different sorts of secrets apart, and `id` those of different rows:
    /// a hash that is copied to another row, by somebody who can write to the database and knows one
    /// secret, matches nothing there.
    pub fn hash(&self, kind: &str, id: &[u8], secret: &[u8]) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(LABEL);
        // The lengths say where one part ends: moving a byte from one to the next changes the hash.
        for part in [kind.as_bytes(), id, secret] {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut hash = [0; 32];
        hash.copy_from_slice(context.sign().as_ref());
        hash
    }

    /// Whether `stored` is the hash of these parts. The comparison takes the same time wherever the
    /// first difference is, so that a hash cannot be found byte by byte with a stopwatch.
    pub fn matches(&self, kind: &str, id: &[u8], secret: &[u8], stored: &[u8]) -> bool {
        constant_time::verify_slices_are_equal(&self.hash(kind, id, secret), stored).is_ok()
    }
}

impl fmt::Debug for Pepper {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Pepper([redacted])")
    }
}

/// Bytes that are no pepper.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("a pepper is exactly 32 bytes")]
pub struct InvalidPepper;

#[cfg(test)]
mod tests {
    use data_encoding::HEXLOWER;
    use proptest::prelude::*;

    use super::*;

    fn pepper() -> Pepper {
        Pepper::from_bytes(&[0x77; 32]).unwrap()
    }

    #[test]
    fn the_hash_of_fixed_parts_never_changes() {
        let hash = pepper().hash("api_key", b"row-1", b"secret");
        assert_eq!(
            HEXLOWER.encode(&hash),
            "64e73981c57c6c6ff3470d46e506c80945fed49228438ff934830c452c914214"
        );
    }

    #[test]
    fn only_the_same_parts_match() {
        let stored = pepper().hash("api_key", b"ab", b"cd");
        assert!(pepper().matches("api_key", b"ab", b"cd", &stored));
        assert!(!pepper().matches("connection", b"ab", b"cd", &stored));
        assert!(!pepper().matches("api_key", b"ax", b"cd", &stored));
        assert!(!pepper().matches("api_key", b"ab", b"cx", &stored));
        assert!(!pepper().matches("api_key", b"abc", b"d", &stored));
        assert!(!pepper().matches("api_keya", b"b", b"cd", &stored));
        assert!(!Pepper::generate().matches("api_key", b"ab", b"cd", &stored));
    }

    #[test]
    fn a_pepper_has_32_bytes_and_prints_none_of_them() {
        for length in [0, 31, 33, 64] {
            assert!(matches!(Pepper::from_bytes(&vec![1; length]), Err(InvalidPepper)));
        }
        assert_eq!(format!("{:?}", pepper()), "Pepper([redacted])");
    }

    proptest! {
        #[test]
        fn a_shortened_lengthened_or_flipped_hash_does_not_match(secret: Vec<u8>, bit in 0..256usize, length in 0..32usize) {
            let stored = pepper().hash("kind", b"id", &secret);
            let mut flipped = stored;
            flipped[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(pepper().matches("kind", b"id", &secret, &stored));
            prop_assert!(!pepper().matches("kind", b"id", &secret, &flipped));
            prop_assert!(!pepper().matches("kind", b"id", &secret, &stored[..length]));
            prop_assert!(!pepper().matches("kind", b"id", &secret, &[&stored[..], &[0]].concat()));
        }
    }
}
