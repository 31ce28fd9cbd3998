//! The name of a key encryption key, computed from the key itself.

use std::fmt;
use std::str::FromStr;

use aws_lc_rs::hmac;
use data_encoding::HEXLOWER;
use thiserror::Error;

use crate::secret::Secret;

const LABEL: &[u8] = b"passthrough-vault v1: key id";
pub(crate) const KEY_ID_LENGTH: usize = 8;

/// Names a key encryption key without telling anything about it: `k` and 16 lower-case hex digits.
///
/// The id is the first 64 bits of HMAC-SHA-256 under the key over a fixed label. So it cannot be given
/// to another key by mistake: a key file whose bytes changed has another id, and what was sealed under
/// the lost key says "unknown key" instead of failing without a reason.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KeyId([u8; KEY_ID_LENGTH]);

impl KeyId {
    pub(crate) fn of(secret: &Secret) -> Self {
        let key = hmac::Key::new(hmac::HMAC_SHA256, secret.expose());
        let mut id = [0; KEY_ID_LENGTH];
        id.copy_from_slice(&hmac::sign(&key, LABEL).as_ref()[..KEY_ID_LENGTH]);
        Self(id)
    }

    pub(crate) fn from_bytes(bytes: [u8; KEY_ID_LENGTH]) -> Self {
        Self(bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; KEY_ID_LENGTH] {
        &self.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "k{}", HEXLOWER.encode_display(&self.0))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A text that is not a [`KeyId`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("not a key id: expected `k` and 16 lower-case hexadecimal digits")]
pub struct InvalidKeyId;

impl FromStr for KeyId {
    type Err = InvalidKeyId;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let digits = text.strip_prefix('k').ok_or(InvalidKeyId)?;
        let bytes = HEXLOWER.decode(digits.as_bytes()).map_err(|_| InvalidKeyId)?;
        bytes.try_into().map(Self).map_err(|_| InvalidKeyId)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_of_a_fixed_key_never_changes() {
        let secret = Secret::copy_of(&[0x11; 32]).unwrap();
        assert_eq!(KeyId::of(&secret).to_string(), "k51ebc6177c2b4cd0");
    }

    #[test]
    fn an_id_reads_back_and_nothing_else_reads() {
        let id = KeyId::from_bytes([0, 1, 2, 3, 4, 5, 6, 0xff]);
        assert_eq!(id.to_string(), "k00010203040506ff");
        assert_eq!(id.to_string().parse(), Ok(id));
        for wrong in
            ["", "k", "00010203040506ff", "k00010203040506FF", "k00010203040506f", "k00010203040506ff0", "kä"]
        {
            assert_eq!(wrong.parse::<KeyId>(), Err(InvalidKeyId), "{wrong}");
        }
    }
}
