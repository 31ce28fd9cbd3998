//! Client certificates (mTLS): read from PEM, ready for a handshake, and told apart in the pool.

use std::fmt;
use std::sync::Arc;

use aws_lc_rs::digest::{Context, SHA256};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use thiserror::Error;

/// SHA-256 over the certificate chain.
pub(super) type Fingerprint = [u8; 32];

/// A client certificate with its private key.
///
/// Holds a secret: neither the key nor the chain is shown by `Debug`.
#[derive(Clone)]
pub struct ClientIdentity {
    pub(super) key: Arc<CertifiedKey>,
    pub(super) fingerprint: Fingerprint,
}

/// A client certificate that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum InvalidIdentity {
    /// No certificate in the PEM text.
    #[error("the client certificate holds no PEM block CERTIFICATE; give the whole chain, leaf first")]
    NoCertificate,
    /// No private key in the PEM text, or an encrypted one.
    #[error("the private key is no unencrypted PEM key (PKCS#8, PKCS#1 or SEC1)")]
    NoKey,
    /// The algorithm of the key is not supported.
    #[error("the private key is of a kind that is not supported; use RSA, ECDSA P-256 to P-521 or Ed25519")]
    UnsupportedKey,
    /// Key and certificate do not belong together.
    #[error("the private key does not belong to the client certificate")]
    Mismatch,
}

impl ClientIdentity {
    /// Reads a certificate chain (leaf first) and its private key, both PEM.
    pub fn from_pem(chain: &[u8], key: &[u8]) -> Result<Self, InvalidIdentity> {
        let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain)
            .collect::<Result<_, _>>()
            .map_err(|_| InvalidIdentity::NoCertificate)?;
        if chain.is_empty() {
            return Err(InvalidIdentity::NoCertificate);
        }
        let mut digest = Context::new(&SHA256);
        for certificate in &chain {
            digest.update(&(certificate.len() as u64).to_be_bytes());
            digest.update(certificate);
        }
        let mut fingerprint = [0; 32];
        fingerprint.copy_from_slice(digest.finish().as_ref());

        let key = PrivateKeyDer::from_pem_slice(key).map_err(|_| InvalidIdentity::NoKey)?;
        let provider = rustls::crypto::aws_lc_rs::default_provider();
        let key = CertifiedKey::from_der(chain, key, &provider).map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => InvalidIdentity::Mismatch,
            rustls::Error::InvalidCertificate(_) => InvalidIdentity::NoCertificate,
            _ => InvalidIdentity::UnsupportedKey,
        })?;
        Ok(Self { key: Arc::new(key), fingerprint })
    }
}

impl fmt::Debug for ClientIdentity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ClientIdentity(…)")
    }
}
