//! A signature by HMAC over parts of the request, as a provider file composes it.

use aws_lc_rs::{digest, hmac};
use data_encoding::{BASE64, HEXLOWER, HEXLOWER_PERMISSIVE};
use http::Uri;
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::{held, must_be_held, need, set_header};
use crate::connection::Credential;
use crate::path::push_pairs;
use crate::provider::SignHmac;
use crate::provider::file::{HmacHash, KeyEncoding, SignatureEncoding};
use crate::template::{MASK, Scope};
use crate::upstream::{Refusal, UpstreamRequest};

pub(super) fn sign(rule: &SignHmac, scope: &Scope<'_>, request: &mut UpstreamRequest) -> Result<(), Refusal> {
    let mut credential = scope.credential.clone();
    describe(rule, scope, request, &mut credential)?;
    let known = Scope { credential: &credential, ..*scope };
    let key = key(rule, &known)?;
    let text = rule.text.render(&known);
    let text = text.ok_or_else(|| Refusal::Connection("something that is signed is missing".to_owned()))?;
    let tag = hmac::sign(&key, text.as_bytes());
    let signature = match rule.encoding {
        SignatureEncoding::Hex => HEXLOWER.encode(tag.as_ref()),
        SignatureEncoding::Base64 => BASE64.encode(tag.as_ref()),
    };
    credential.fields.insert("signature".to_owned(), SecretString::from(signature));
    let known = Scope { credential: &credential, ..*scope };
    for (name, template) in &rule.headers {
        if let Some(value) = template.render(&known) {
            set_header(&mut request.headers, name.as_str(), &value)?;
        }
    }
    let query: Vec<(String, String)> = rule
        .query
        .iter()
        .filter_map(|(name, template)| Some((name.clone(), template.render(&known)?.to_string())))
        .collect();
    append(request, &query)
}

/// Adds what the templates know of the request. These names win over fields of the same name.
fn describe(
    rule: &SignHmac,
    scope: &Scope<'_>,
    request: &UpstreamRequest,
    credential: &mut Credential,
) -> Result<(), Refusal> {
    let used = rule.text.names();
    let uses = |name: &str| used.contains(&name);
    let mut set = |name: &str, value: &str| {
        credential.fields.insert(name.to_owned(), SecretString::from(value));
    };
    set("method", request.method.as_str());
    set("path", request.uri.path());
    set("query", request.uri.query().unwrap_or_default());
    set("host", &request.origin.authority());
    set("timestamp", &scope.moment.unix_ms.div_euclid(1000).to_string());
    set("timestamp_ms", &scope.moment.unix_ms.to_string());
    set("nonce", &HEXLOWER.encode(&scope.moment.nonce));
    if uses("body") || uses("body_sha256_hex") {
        let body = held(&request.body).ok_or_else(must_be_held)?;
        set("body_sha256_hex", &HEXLOWER.encode(digest::digest(&digest::SHA256, body).as_ref()));
        if uses("body") {
            let text = std::str::from_utf8(body);
            let message = "this provider signs the body as a text: send UTF-8";
            set("body", text.map_err(|_| Refusal::request("body", message))?);
        }
    }
    Ok(())
}

fn key(rule: &SignHmac, scope: &Scope<'_>) -> Result<hmac::Key, Refusal> {
    let text = need(&rule.key, "key", scope)?;
    let text = text.expose_secret().trim();
    let decoded = match rule.key_encoding {
        KeyEncoding::Text => Some(Zeroizing::new(text.as_bytes().to_vec())),
        KeyEncoding::Base64 => BASE64.decode(text.as_bytes()).ok().map(Zeroizing::new),
        KeyEncoding::Hex => HEXLOWER_PERMISSIVE.decode(text.as_bytes()).ok().map(Zeroizing::new),
    };
    let bytes = decoded.ok_or_else(|| {
        Refusal::Connection("the signature's key is not written as the provider's file says".to_owned())
    })?;
    let algorithm = match rule.hash {
        HmacHash::Sha256 => hmac::HMAC_SHA256,
        HmacHash::Sha512 => hmac::HMAC_SHA512,
        // As a MAC it is not what SHA-1 is broken for.
        HmacHash::Sha1 => hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY,
    };
    Ok(hmac::Key::new(algorithm, &bytes))
}

/// Puts parameters behind the query; the bytes before them stay as they were signed.
fn append(request: &mut UpstreamRequest, pairs: &[(String, String)]) -> Result<(), Refusal> {
    if pairs.is_empty() {
        return Ok(());
    }
    let mut query = request.uri.query().unwrap_or_default().to_owned();
    push_pairs(&mut query, pairs);
    let mut parts = std::mem::take(&mut request.uri).into_parts();
    let path = parts.path_and_query.as_ref().map_or("/", |whole| whole.path());
    parts.path_and_query = format!("{path}?{query}").parse().ok();
    request.uri = Uri::from_parts(parts).map_err(|_| Refusal::request("path", "it cannot be signed"))?;
    for (name, _) in pairs {
        request.shown_path.push(if request.shown_path.contains('?') { '&' } else { '?' });
        request.shown_path.push_str(&format!("{}={MASK}", crate::path::encode_query_component(name)));
    }
    Ok(())
}
