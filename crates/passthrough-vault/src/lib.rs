//! Seals bytes for storage and opens them again.
//!
//! A [`Keyring`] holds one or more 256-bit key encryption keys, one of them the primary. Every
//! [`Keyring::seal`] makes a fresh data key, encrypts under it and wraps it with the primary; the
//! [`Binding`] says where the sealed bytes are to be stored, and they open nowhere else. A [`Pepper`]
//! turns a secret that is only ever compared into a keyed hash. [`keyring_file`] keeps a keyring on
//! disk so that neither a crash nor two processes at once can damage it.
//!
//! Rotation never needs a pause: [`Keyring::add`] a key, let every process load it,
//! [`Keyring::promote`] it, [`Keyring::rewrap`] what is stored, and when nothing is left under the old
//! key, [`Keyring::remove`] it.
//!
//! This crate knows bytes, keys and one file. It must not learn what is sealed, nor read the clock,
//! the environment, a database or the network: time comes in as unix milliseconds.

mod binding;
mod key_id;
mod keyring;
pub mod keyring_file;
mod pepper;
mod random;
mod seal;
mod secret;

pub use binding::Binding;
pub use key_id::{InvalidKeyId, KeyId};
pub use keyring::{KeyChangeError, KeyInfo, Keyring, ParseError};
pub use pepper::{InvalidPepper, Pepper};
pub use random::{random, random_for_id};
pub use seal::{OpenError, RewrapError, SealError, Sealed, key_id_of};
