//! OAuth 1.0a signatures (RFC 5849 §3.4 and §3.5.1), for requests with a credential and for the requests that obtain one.

use aws_lc_rs::hmac;
use data_encoding::{BASE64, HEXLOWER};
use http::Uri;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::{held, must_be_held, need, says_form, set_header};
use crate::grant::parse_form;
use crate::path::encode_query_component;
use crate::provider::SignOAuth1;
use crate::provider::file::OAuth1Signature;
use crate::template::{Moment, Scope, Template};
use crate::upstream::{Refusal, UpstreamRequest};

pub(super) fn sign(
    oauth1: &SignOAuth1,
    scope: &Scope<'_>,
    request: &mut UpstreamRequest,
) -> Result<(), Refusal> {
    let body = match held(&request.body) {
        _ if !says_form(&request.headers) => Vec::new(),
        Some(bytes) => parse_form(&String::from_utf8_lossy(bytes)),
        None => return Err(must_be_held()),
    };
    let optional = |template: &Option<Template>| {
        template.as_ref().and_then(|template| template.render(scope)).filter(|text| !text.is_empty())
    };
    let token = optional(&oauth1.token);
    let token_secret = optional(&oauth1.token_secret);
    let keys = Keys {
        consumer_key: need(&oauth1.consumer_key, "consumer key", scope)?,
        consumer_secret: need(&oauth1.consumer_secret, "consumer secret", scope)?,
        token: token.as_ref().map(|text| SecretString::from(text.as_str())),
        token_secret: token_secret.as_ref().map(|text| SecretString::from(text.as_str())),
    };
    let realm = optional(&oauth1.realm);
    let parts = Parts { method: request.method.as_str(), uri: &request.uri, body: &body, more: &[] };
    let value = authorization(&keys, oauth1.signature, &parts, scope.moment);
    let realm = realm.map_or(String::new(), |realm| format!("realm=\"{}\", ", quoted(&realm)));
    set_header(&mut request.headers, "Authorization", &format!("OAuth {realm}{}", value.as_str()))
}

/// Who signs.
pub(crate) struct Keys {
    pub(crate) consumer_key: SecretString,
    pub(crate) consumer_secret: SecretString,
    pub(crate) token: Option<SecretString>,
    pub(crate) token_secret: Option<SecretString>,
}

/// What is signed.
pub(crate) struct Parts<'a> {
    pub(crate) method: &'a str,
    /// As it is sent.
    pub(crate) uri: &'a Uri,
    /// The parameters of a form in the body, decoded.
    pub(crate) body: &'a [(String, String)],
    /// Further parameters of the protocol: `oauth_callback`, `oauth_verifier`.
    pub(crate) more: &'a [(&'a str, &'a str)],
}

/// The parameters of `Authorization`, after its scheme and realm (RFC 5849 §3.5.1).
pub(crate) fn authorization(
    keys: &Keys,
    signature: OAuth1Signature,
    parts: &Parts<'_>,
    moment: Moment,
) -> Zeroizing<String> {
    let timestamp = moment.unix_ms.div_euclid(1000).to_string();
    let nonce = HEXLOWER.encode(&moment.nonce);
    let mut protocol = vec![
        ("oauth_consumer_key", keys.consumer_key.expose_secret()),
        ("oauth_nonce", &nonce),
        ("oauth_signature_method", signature.as_str()),
        ("oauth_timestamp", &timestamp),
        ("oauth_version", "1.0"),
    ];
    protocol.extend(keys.token.iter().map(|token| ("oauth_token", token.expose_secret())));
    protocol.extend(parts.more);
    let value = signed(keys, signature, &base_string(parts, &protocol));
    protocol.push(("oauth_signature", &value));
    let mut text = Zeroizing::new(String::new());
    for (name, value) in protocol {
        if !text.is_empty() {
            text.push_str(", ");
        }
        text.push_str(&format!("{name}=\"{}\"", encode_query_component(value)));
    }
    text
}

/// RFC 5849 §3.4.2 and §3.4.4. HMAC-SHA1 is what the RFC names and what most servers know; its use as a MAC is not
/// what SHA-1 is broken for.
fn signed(keys: &Keys, signature: OAuth1Signature, base: &str) -> Zeroizing<String> {
    let token_secret = keys.token_secret.as_ref().map_or("", |secret| secret.expose_secret());
    let key = Zeroizing::new(format!(
        "{}&{}",
        encode_query_component(keys.consumer_secret.expose_secret()),
        encode_query_component(token_secret)
    ));
    let algorithm = match signature {
        OAuth1Signature::Plaintext => return key,
        OAuth1Signature::HmacSha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
        OAuth1Signature::HmacSha256 => hmac::HMAC_SHA256,
    };
    let tag = hmac::sign(&hmac::Key::new(algorithm, key.as_bytes()), base.as_bytes());
    Zeroizing::new(BASE64.encode(tag.as_ref()))
}

/// RFC 5849 §3.4.1.
fn base_string(parts: &Parts<'_>, protocol: &[(&str, &str)]) -> Zeroizing<String> {
    let query = parse_form(parts.uri.query().unwrap_or_default());
    let given = query.iter().chain(parts.body).map(|(name, value)| (name.as_str(), value.as_str()));
    let mut encoded: Vec<(String, String)> = given
        .chain(protocol.iter().copied())
        .map(|(name, value)| (encode_query_component(name), encode_query_component(value)))
        .collect();
    encoded.sort();
    let pairs: Vec<String> = encoded.iter().map(|(name, value)| format!("{name}={value}")).collect();
    let scheme = parts.uri.scheme_str().unwrap_or("https");
    let authority = parts.uri.authority().map_or("", |authority| authority.as_str());
    let address = format!("{scheme}://{}{}", authority.to_ascii_lowercase(), parts.uri.path());
    let method = parts.method.to_ascii_uppercase();
    let pairs = Zeroizing::new(pairs.join("&"));
    Zeroizing::new(format!(
        "{method}&{}&{}",
        encode_query_component(&address),
        encode_query_component(&pairs)
    ))
}

/// The inside of a quoted string (RFC 9110 §5.6.4).
fn quoted(text: &str) -> String {
    text.replace('\\', "\\\\").replace('"', "\\\"")
}

impl OAuth1Signature {
    /// The value of `oauth_signature_method`.
    pub fn as_str(self) -> &'static str {
        match self {
            OAuth1Signature::HmacSha1 => "HMAC-SHA1",
            OAuth1Signature::HmacSha256 => "HMAC-SHA256",
            OAuth1Signature::Plaintext => "PLAINTEXT",
        }
    }
}

/// A base string, to be held against published ones.
#[cfg(test)]
pub(super) fn base(parts: &Parts<'_>, protocol: &[(&str, &str)]) -> String {
    base_string(parts, protocol).to_string()
}

/// A signature, to be held against published ones.
#[cfg(test)]
pub(super) fn signature(keys: &Keys, method: OAuth1Signature, base: &str) -> String {
    signed(keys, method, base).to_string()
}
