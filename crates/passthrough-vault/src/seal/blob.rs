//! The layout of sealed bytes.
//!
//! ```text
//! offset  length  part
//!      0       1  version, 1
//!      1       8  key id
//!      9      48  data key, encrypted: 32 bytes and tag
//!     57      32  salt
//!     89      32  commitment
//!    121       n  ciphertext, as long as the plaintext
//!  121+n      16  tag
//! ```
//!
//! Everything but the ciphertext has a fixed length, so there is no length field to lie in.

use crate::key_id::{KEY_ID_LENGTH, KeyId};
use crate::secret::SECRET_LENGTH;

pub(super) const VERSION: u8 = 1;
/// How much longer sealed bytes are than their plaintext.
pub(super) const OVERHEAD: usize =
    1 + KEY_ID_LENGTH + WRAPPED_LENGTH + SALT_LENGTH + COMMITMENT_LENGTH + TAG_LENGTH;

const WRAPPED_LENGTH: usize = SECRET_LENGTH + TAG_LENGTH;
const SALT_LENGTH: usize = 32;
const COMMITMENT_LENGTH: usize = 32;
const TAG_LENGTH: usize = 16;

/// Fresh for every seal.
pub(super) type Salt = [u8; SALT_LENGTH];

/// Sealed bytes, cut into their parts. Nothing is checked yet but version and length.
pub(super) struct Blob<'a> {
    pub(super) key_id: KeyId,
    /// The encrypted data key, with its tag.
    pub(super) wrapped: &'a [u8; WRAPPED_LENGTH],
    pub(super) salt: &'a Salt,
    pub(super) commitment: &'a [u8; COMMITMENT_LENGTH],
    /// The encrypted value, with its tag.
    pub(super) ciphertext: &'a [u8],
}

impl<'a> Blob<'a> {
    /// `None` for another version, or for fewer bytes than an empty plaintext has.
    pub(super) fn parse(bytes: &'a [u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(&[VERSION])?;
        let (key_id, rest) = rest.split_first_chunk()?;
        let (wrapped, rest) = rest.split_first_chunk()?;
        let (salt, rest) = rest.split_first_chunk()?;
        let (commitment, ciphertext) = rest.split_first_chunk()?;
        if ciphertext.len() < TAG_LENGTH {
            return None;
        }
        Some(Self { key_id: KeyId::from_bytes(*key_id), wrapped, salt, commitment, ciphertext })
    }
}
