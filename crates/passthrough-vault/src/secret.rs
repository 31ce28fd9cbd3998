//! 32 secret bytes that stay in one place and are wiped when dropped.

use std::fmt;

use zeroize::{Zeroize, ZeroizeOnDrop};

use crate::random;

/// Length of every key in this crate, in bytes.
pub(crate) const SECRET_LENGTH: usize = 32;

/// A 256-bit secret. It lives on the heap, because moving a value that lies on the stack or inside a
/// growing `Vec` leaves copies behind that nobody wipes.
pub(crate) struct Secret(Box<[u8; SECRET_LENGTH]>);

impl Secret {
    /// All zeros, to be filled in place.
    pub(crate) fn empty() -> Self {
        Self(Box::new([0; SECRET_LENGTH]))
    }

    /// Fresh from the system's generator.
    pub(crate) fn random() -> Self {
        let mut secret = Self::empty();
        random::fill(secret.expose_mut());
        secret
    }

    /// A copy of `bytes`; `None` when there are not exactly 32.
    pub(crate) fn copy_of(bytes: &[u8]) -> Option<Self> {
        let mut secret = Self::empty();
        if bytes.len() != SECRET_LENGTH {
            return None;
        }
        secret.expose_mut().copy_from_slice(bytes);
        Some(secret)
    }

    pub(crate) fn expose(&self) -> &[u8; SECRET_LENGTH] {
        &self.0
    }

    pub(crate) fn expose_mut(&mut self) -> &mut [u8; SECRET_LENGTH] {
        &mut self.0
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl ZeroizeOnDrop for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}
