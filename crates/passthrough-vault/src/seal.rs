//! Sealing and opening: envelope encryption with associated data and key commitment.
//!
//! Every value gets a data key and a salt of its own. From them, three 256-bit values are derived with
//! HKDF-SHA-256 (RFC 5869), the associated data being part of each derivation:
//!
//! ```text
//! wrapping key = HKDF(key encryption key, salt, "wrap",    binding)   encrypts the data key
//! content key  = HKDF(data key,           salt, "encrypt", binding)   encrypts the value
//! commitment   = HKDF(data key,           salt, "commit",  binding)   stands in the blob
//! ```
//!
//! Both encryptions are AES-256-GCM with the binding as associated data. The data key is wrapped with
//! GCM under a *derived* key, and not with AES key wrap (RFC 5649), because GCM authenticates the
//! binding too, with 128 bits instead of 64, and because a fresh key per value takes away GCM's limit of
//! 2^32 random nonces under one key. It also keeps the key encryption key out of the cipher: the
//! library's key wrap leaves the expanded AES key on the stack, its HKDF and AEAD contexts wipe theirs.
//!
//! The commitment makes the blob open under one key only. AES-GCM alone does not promise that: whoever
//! knows two keys can build one ciphertext that both accept ("invisible salamanders"), and a server that
//! tries keys can be asked which half of a key space holds the right one ("partitioning oracle").

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::{constant_time, hkdf};
use thiserror::Error;
use zeroize::Zeroizing;

use crate::binding::Binding;
use crate::key_id::KeyId;
use crate::keyring::Keyring;
use crate::random::random;
use crate::secret::Secret;

mod blob;

use blob::{Blob, OVERHEAD, Salt, VERSION};

const WRAP: &[u8] = b"passthrough-vault v1: wrap\0";
const ENCRYPT: &[u8] = b"passthrough-vault v1: encrypt\0";
const COMMIT: &[u8] = b"passthrough-vault v1: commit\0";

/// Sealed bytes, and the key that they need.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sealed {
    /// The key encryption key. It also stands in `bytes`; stored beside them it can be counted.
    pub key_id: KeyId,
    /// What to store: the plaintext's length and 137 bytes more.
    pub bytes: Vec<u8>,
}

/// The cryptographic library failed while sealing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the cryptographic library could not seal the value")]
pub struct SealError;

/// Why sealed bytes do not open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum OpenError {
    /// The key is not in this keyring: the wrong key file, or a key that was removed too early.
    #[error("sealed under key {0}, which this keyring does not hold: restore the key file that has it")]
    UnknownKey(KeyId),
    /// Not the format of this crate, or cut off.
    #[error("not a sealed value: the bytes were cut off or never sealed")]
    Malformed,
    /// Some check failed. Which one is not said, because the answer would help whoever forges.
    #[error("the sealed value was refused: it was changed, or it was sealed for another place")]
    Refused,
}

/// Why a value could not be sealed anew.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum RewrapError {
    /// The old bytes do not open.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// The new bytes could not be made.
    #[error(transparent)]
    Seal(#[from] SealError),
}

/// The key that sealed bytes need, without opening them. `Malformed` is the only error.
pub fn key_id_of(bytes: &[u8]) -> Result<KeyId, OpenError> {
    Blob::parse(bytes).map(|blob| blob.key_id).ok_or(OpenError::Malformed)
}

impl Keyring {
    /// Seals `plaintext` for the place that `binding` names, under the primary key.
    pub fn seal(&self, binding: &Binding<'_>, plaintext: &[u8]) -> Result<Sealed, SealError> {
        self.seal_with(binding, plaintext, &Secret::random(), &random())
    }

    /// Opens what [`seal`](Self::seal) made for the same `binding`, under any key of this keyring.
    pub fn open(&self, binding: &Binding<'_>, bytes: &[u8]) -> Result<Zeroizing<Vec<u8>>, OpenError> {
        let blob = Blob::parse(bytes).ok_or(OpenError::Malformed)?;
        let kek = self.secret_of(blob.key_id).ok_or(OpenError::UnknownKey(blob.key_id))?;
        let binding = binding.encode(VERSION, blob.key_id);
        open_with(kek, &blob, &binding).map_err(|Unspecified| OpenError::Refused)
    }

    /// Seals the value anew under the primary key, for the same place; `None` when that is the key
    /// already. The value itself is encrypted again, not only its data key: this proves that it opens
    /// before the old key is removed, and leaves nothing that the old key would help to read.
    pub fn rewrap(&self, binding: &Binding<'_>, bytes: &[u8]) -> Result<Option<Sealed>, RewrapError> {
        if key_id_of(bytes)? == self.primary() {
            return Ok(None);
        }
        let plaintext = self.open(binding, bytes)?;
        Ok(Some(self.seal(binding, &plaintext)?))
    }

    /// [`seal`](Self::seal) with its randomness given. Using a data key and salt twice would use GCM's
    /// nonce twice, which gives both plaintexts away; so only `seal` and tests of the bytes call it.
    fn seal_with(
        &self,
        binding: &Binding<'_>,
        plaintext: &[u8],
        data_key: &Secret,
        salt: &Salt,
    ) -> Result<Sealed, SealError> {
        let (key_id, kek) = self.primary_secret();
        let binding = binding.encode(VERSION, key_id);
        seal_with(kek, key_id, &binding, plaintext, data_key, salt)
            .map(|bytes| Sealed { key_id, bytes })
            .map_err(|Unspecified| SealError)
    }
}

fn seal_with(
    kek: &Secret,
    key_id: KeyId,
    binding: &[u8],
    plaintext: &[u8],
    data_key: &Secret,
    salt: &Salt,
) -> Result<Vec<u8>, Unspecified> {
    // Both encryptions happen where the secret is copied to. The capacity is right from the start,
    // because a growing vector would leave a secret behind, and the guard wipes it on failure.
    let mut bytes = Zeroizing::new(Vec::with_capacity(OVERHEAD + plaintext.len()));
    bytes.push(VERSION);
    bytes.extend_from_slice(key_id.as_bytes());
    append_encrypted(&mut bytes, &derive(kek, salt, WRAP, binding)?, binding, data_key.expose())?;
    bytes.extend_from_slice(salt);
    bytes.extend_from_slice(derive(data_key, salt, COMMIT, binding)?.expose());
    append_encrypted(&mut bytes, &derive(data_key, salt, ENCRYPT, binding)?, binding, plaintext)?;
    Ok(std::mem::take(&mut *bytes))
}

fn open_with(kek: &Secret, blob: &Blob<'_>, binding: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
    let salt = blob.salt;
    let data_key = decrypt(&derive(kek, salt, WRAP, binding)?, binding, blob.wrapped)?;
    let data_key = Secret::copy_of(&data_key).ok_or(Unspecified)?;

    // Before the value is decrypted, and in constant time: a forger must learn neither from an answer
    // nor from a stopwatch how close a guess was.
    let commitment = derive(&data_key, salt, COMMIT, binding)?;
    constant_time::verify_slices_are_equal(commitment.expose(), blob.commitment)?;
    decrypt(&derive(&data_key, salt, ENCRYPT, binding)?, binding, blob.ciphertext)
}

/// HKDF-SHA-256, 32 bytes. The labels end in NUL and hold none before it, so label and binding have one
/// reading only.
fn derive(secret: &Secret, salt: &Salt, label: &[u8], binding: &[u8]) -> Result<Secret, Unspecified> {
    let mut derived = Secret::empty();
    hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
        .extract(secret.expose())
        .expand(&[label, binding], hkdf::HKDF_SHA256)?
        .fill(derived.expose_mut())?;
    Ok(derived)
}

/// Appends ciphertext and tag to `bytes`.
fn append_encrypted(
    bytes: &mut Vec<u8>,
    key: &Secret,
    binding: &[u8],
    plaintext: &[u8],
) -> Result<(), Unspecified> {
    let start = bytes.len();
    bytes.extend_from_slice(plaintext);
    let tag =
        cipher(key)?.seal_in_place_separate_tag(only_nonce(), Aad::from(binding), &mut bytes[start..])?;
    bytes.extend_from_slice(tag.as_ref());
    Ok(())
}

/// The plaintext of ciphertext and tag.
fn decrypt(key: &Secret, binding: &[u8], ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, Unspecified> {
    let mut plaintext = Zeroizing::new(ciphertext.to_vec());
    let length = cipher(key)?.open_in_place(only_nonce(), Aad::from(binding), &mut plaintext)?.len();
    plaintext.truncate(length);
    Ok(plaintext)
}

fn cipher(key: &Secret) -> Result<LessSafeKey, Unspecified> {
    UnboundKey::new(&AES_256_GCM, key.expose()).map(LessSafeKey::new)
}

/// The nonce of every encryption. It may be constant because each derived key encrypts exactly one
/// message: the salt, and with it the key, is fresh for every seal.
fn only_nonce() -> Nonce {
    Nonce::assume_unique_for_key([0; NONCE_LEN])
}

#[cfg(test)]
mod tests;
