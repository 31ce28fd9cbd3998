//! JSON Web Tokens (RFC 7519) that a private key of the user's or of the integration's signs, in the compact form of
//! RFC 7515 §3.1. They are made here and never read: nothing in this program trusts a claim.

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use aws_lc_rs::{hmac, rsa};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use serde_json::{Map, Value};
use zeroize::Zeroizing;

use super::GrantError;
use crate::provider::file::JwtAlgorithm;
use crate::provider::grant::Jwt;
use crate::template::{Moment, Scope};

/// A clock that is this far ahead of the reader's still makes tokens that are not from the future.
const CLOCK_SKEW_MS: i64 = 30_000;

/// A signed token, and when it ends.
pub(super) struct Signed {
    pub(super) token: Zeroizing<String>,
    /// Unix milliseconds.
    pub(super) expires_at: i64,
}

/// Signs what the provider file says.
pub(super) fn sign(jwt: &Jwt, scope: &Scope<'_>) -> Result<Signed, GrantError> {
    let name = || jwt.key.source().trim_matches(['{', '}']).to_owned();
    let key = jwt.key.render(scope).ok_or_else(|| GrantError::Missing(name()))?;
    let key = Key::read(jwt.algorithm, &key)
        .ok_or_else(|| GrantError::Key { name: name(), algorithm: jwt.algorithm.as_str() })?;
    let mut header = Map::new();
    for (member, template) in &jwt.header {
        if let Some(value) = template.render(scope) {
            header.insert(member.clone(), value.as_str().into());
        }
    }
    let mut claims = Map::new();
    for (claim, template) in &jwt.claims {
        if let Some(value) = template.render(scope) {
            claims.insert(claim.clone(), value);
        }
    }
    signed(&key, header, claims, scope.moment, jwt.lifetime_ms)
        .ok_or_else(|| GrantError::Key { name: name(), algorithm: jwt.algorithm.as_str() })
}

/// Signs with whatever kind of key it is: an assertion of the integration's own (RFC 7523 §3).
pub(super) fn sign_with_any(
    pem: &str,
    key_id: Option<&str>,
    claims: Map<String, Value>,
    moment: Moment,
    lifetime_ms: i64,
) -> Option<Zeroizing<String>> {
    let algorithms = [JwtAlgorithm::RS256, JwtAlgorithm::ES256, JwtAlgorithm::EdDSA];
    let key = algorithms.into_iter().find_map(|algorithm| Key::read(algorithm, pem))?;
    let mut header = Map::new();
    if let Some(key_id) = key_id {
        header.insert("kid".to_owned(), key_id.into());
    }
    Some(signed(&key, header, claims, moment, lifetime_ms)?.token)
}

fn signed(
    key: &Key,
    more: Map<String, Value>,
    mut claims: Map<String, Value>,
    moment: Moment,
    lifetime_ms: i64,
) -> Option<Signed> {
    let mut header = Map::from_iter([
        ("alg".to_owned(), Value::from(key.algorithm().as_str())),
        ("typ".to_owned(), "JWT".into()),
    ]);
    header.extend(more.into_iter().filter(|(name, _)| name != "alg"));
    // Some limit how far `exp` may lie behind `iat`, so the skew does not make the token live longer.
    let issued = moment.unix_ms.saturating_sub(CLOCK_SKEW_MS).div_euclid(1000);
    let expires = issued.saturating_add(lifetime_ms / 1000);
    claims.entry("iat").or_insert(issued.into());
    claims.insert("exp".to_owned(), expires.into());
    let part =
        |part: &Map<String, Value>| BASE64URL_NOPAD.encode(&serde_json::to_vec(part).unwrap_or_default());
    let mut token = Zeroizing::new(format!("{}.{}", part(&header), part(&claims)));
    let signature = key.sign(token.as_bytes())?;
    token.push('.');
    token.push_str(&BASE64URL_NOPAD.encode(&signature));
    Some(Signed { token, expires_at: expires.saturating_mul(1000) })
}

/// A key that signs. Never printed: it has no Debug.
enum Key {
    Rsa(Box<rsa::KeyPair>),
    Ecdsa(Box<EcdsaKeyPair>),
    Hmac(Box<hmac::Key>),
    Ed25519(Box<Ed25519KeyPair>),
}

impl Key {
    fn read(algorithm: JwtAlgorithm, text: &str) -> Option<Self> {
        if algorithm == JwtAlgorithm::HS256 {
            return (!text.is_empty())
                .then(|| Key::Hmac(Box::new(hmac::Key::new(hmac::HMAC_SHA256, text.as_bytes()))));
        }
        let der = private_key_der(text)?;
        match algorithm {
            JwtAlgorithm::RS256 => {
                let pair = RsaKeyPair::from_pkcs8(&der).or_else(|_| RsaKeyPair::from_der(&der)).ok()?;
                Some(Key::Rsa(Box::new(pair)))
            }
            JwtAlgorithm::ES256 => {
                let pair = EcdsaKeyPair::from_private_key_der(&ECDSA_P256_SHA256_FIXED_SIGNING, &der).ok()?;
                Some(Key::Ecdsa(Box::new(pair)))
            }
            JwtAlgorithm::EdDSA => {
                Some(Key::Ed25519(Box::new(Ed25519KeyPair::from_pkcs8_maybe_unchecked(&der).ok()?)))
            }
            JwtAlgorithm::HS256 => None,
        }
    }

    fn algorithm(&self) -> JwtAlgorithm {
        match self {
            Key::Rsa(_) => JwtAlgorithm::RS256,
            Key::Ecdsa(_) => JwtAlgorithm::ES256,
            Key::Hmac(_) => JwtAlgorithm::HS256,
            Key::Ed25519(_) => JwtAlgorithm::EdDSA,
        }
    }

    /// The randomness that blinds RSA and that ECDSA is made of is the algorithm's own: it is no value that anything
    /// here depends on.
    fn sign(&self, text: &[u8]) -> Option<Vec<u8>> {
        match self {
            Key::Rsa(pair) => {
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(&RSA_PKCS1_SHA256, &SystemRandom::new(), text, &mut signature).ok()?;
                Some(signature)
            }
            Key::Ecdsa(pair) => Some(pair.sign(&SystemRandom::new(), text).ok()?.as_ref().to_vec()),
            Key::Hmac(key) => Some(hmac::sign(key, text).as_ref().to_vec()),
            Key::Ed25519(pair) => Some(pair.sign(text).as_ref().to_vec()),
        }
    }
}

/// The bytes of the first private key in a PEM text (RFC 7468), as people paste it: line breaks may have become spaces
/// or `\n`, as in the JSON in which some providers hand keys out, or be lost.
fn private_key_der(text: &str) -> Option<Zeroizing<Vec<u8>>> {
    let (_, rest) = text.split_once("PRIVATE KEY-----")?;
    let (inside, _) = rest.split_once("-----END")?;
    let inside = Zeroizing::new(inside.replace("\\r", "").replace("\\n", ""));
    let base64: Zeroizing<Vec<u8>> =
        Zeroizing::new(inside.bytes().filter(|byte| !byte.is_ascii_whitespace()).collect());
    Some(Zeroizing::new(BASE64.decode(&base64).ok()?))
}

impl JwtAlgorithm {
    /// The name in the header of a token (RFC 7518 §3.1, RFC 8037 §3.1).
    pub fn as_str(self) -> &'static str {
        match self {
            JwtAlgorithm::RS256 => "RS256",
            JwtAlgorithm::ES256 => "ES256",
            JwtAlgorithm::HS256 => "HS256",
            JwtAlgorithm::EdDSA => "EdDSA",
        }
    }
}

/// A bare signature, to be held against published ones.
#[cfg(test)]
pub(super) fn signature(algorithm: &str, key: &str, text: &[u8]) -> Vec<u8> {
    let algorithms = [JwtAlgorithm::RS256, JwtAlgorithm::ES256, JwtAlgorithm::HS256, JwtAlgorithm::EdDSA];
    let algorithm = algorithms.into_iter().find(|known| known.as_str() == algorithm).unwrap();
    Key::read(algorithm, key).unwrap().sign(text).unwrap()
}
