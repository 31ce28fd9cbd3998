//! Signed requests, as a provider file says it.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::grant::OAuth1Signature;

/// AWS Signature Version 4. All texts are templates over fields and variables.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AwsSigV4File {
    /// The access key's id.
    pub access_key_id: String,
    /// The access key's secret.
    pub secret_access_key: String,
    /// The token of temporary credentials.
    pub session_token: Option<String>,
    /// The region; read from the host (`sqs.eu-west-1.amazonaws.com`) where absent.
    pub region: Option<String>,
    /// The service; read from the host where absent.
    pub service: Option<String>,
}

/// OAuth 1.0a signatures in `Authorization` (RFC 5849 §3.4). All texts are templates.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SignOAuth1File {
    /// The client's key.
    pub consumer_key: String,
    /// The client's secret.
    pub consumer_secret: String,
    /// The account's token.
    pub token: Option<String>,
    /// The account's token secret.
    pub token_secret: Option<String>,
    /// The realm, which is not signed.
    pub realm: Option<String>,
    /// How it is signed.
    #[serde(default)]
    pub signature: OAuth1Signature,
}

/// A signature by HMAC over parts of the request. Besides fields and variables, the templates know `{method}`,
/// `{path}` (as sent, with base path and without query), `{query}` (as sent, without `?`), `{host}`, `{body}`,
/// `{body_sha256_hex}`, `{timestamp}` (unix seconds), `{timestamp_ms}`, `{nonce}`; `headers` and `query` also know
/// `{signature}`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct HmacFile {
    /// The key.
    pub key: String,
    /// How `key` is written.
    #[serde(default)]
    pub key_encoding: KeyEncoding,
    /// The hash.
    #[serde(default)]
    pub hash: HmacHash,
    /// How the signature is written.
    #[serde(default)]
    pub encoding: SignatureEncoding,
    /// What is signed.
    pub text: String,
    /// Header name to value.
    #[serde(default)]
    pub headers: IndexMap<String, String>,
    /// Query parameter to value; not part of what `{query}` says.
    #[serde(default)]
    pub query: IndexMap<String, String>,
}

/// How a key is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum KeyEncoding {
    /// Its bytes.
    #[default]
    Text,
    /// In base64.
    Base64,
    /// In hex.
    Hex,
}

/// The hash of an HMAC.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum HmacHash {
    /// SHA-256.
    #[default]
    Sha256,
    /// SHA-512.
    Sha512,
    /// SHA-1.
    Sha1,
}

/// How a signature is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum SignatureEncoding {
    /// In lower-case hex.
    #[default]
    Hex,
    /// In base64.
    Base64,
}
