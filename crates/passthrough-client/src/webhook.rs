//! Checks that a webhook came from your server, as Standard Webhooks has it. Needs no server and no API key.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use aws_lc_rs::hmac;
use data_encoding::BASE64;
use http::HeaderMap;
use passthrough_wire::event::Event;
use secrecy::{ExposeSecret, SecretString};
use thiserror::Error;

/// How far a message's time may be from now.
const TOLERANCE: Duration = Duration::from_secs(300);

/// Why a message is not to be believed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum WebhookError {
    /// One of the three headers is not there, or not there once.
    #[error("the header {0} is missing")]
    Header(&'static str),
    /// The message is older than five minutes, or from the future: somebody may have recorded it.
    #[error("webhook-timestamp is too far from now")]
    Time,
    /// The secret is none.
    #[error("the secret is none; it begins with whsec_")]
    Secret,
    /// The message was not signed with this secret, or was changed.
    #[error("no signature is right")]
    Signature,
    /// The signature is right, but the body is no event.
    #[error("the body is no event")]
    Body,
}

/// The event of a webhook, if its signature is right and it is not older than five minutes.
///
/// `secret` is the endpoint's, `whsec_…`; `body` the request's, byte for byte: JSON that was parsed and written again has another
/// signature. Remember the ids of events: a message may come more than once.
///
/// ```
/// use passthrough_client::{SecretString, WebhookError, verify_webhook};
///
/// # let (headers, body) = (http::HeaderMap::new(), b"{}");
/// match verify_webhook(&SecretString::from("whsec_c2VjcmV0"), &headers, body) {
///     Ok(event) => println!("{}: {}", event.id, event.kind),
///     Err(WebhookError::Header(name)) => println!("400: {name}"),
///     Err(error) => println!("401: {error}"),
/// }
/// ```
///
/// # Errors
/// Every [`WebhookError`].
#[expect(clippy::disallowed_methods, reason = "the caller's own clock; `verify_webhook_at` takes another")]
pub fn verify_webhook(
    secret: &SecretString,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Event, WebhookError> {
    verify_webhook_at(secret, headers, body, SystemTime::now())
}

/// Like [`verify_webhook`], at a time of one's own.
///
/// # Errors
/// Every [`WebhookError`].
pub fn verify_webhook_at(
    secret: &SecretString,
    headers: &HeaderMap,
    body: &[u8],
    now: SystemTime,
) -> Result<Event, WebhookError> {
    let [id, timestamp, signatures] =
        ["webhook-id", "webhook-timestamp", "webhook-signature"].map(|name| only(headers, name));
    let (id, timestamp, signatures) = (id?, timestamp?, signatures?);
    let seconds = timestamp.parse::<u64>().map_err(|_| WebhookError::Time)?;
    let now = now.duration_since(UNIX_EPOCH).map_err(|_| WebhookError::Time)?;
    // A message that somebody recorded would otherwise be good for ever.
    if now.abs_diff(Duration::from_secs(seconds)) > TOLERANCE {
        return Err(WebhookError::Time);
    }
    let secret = secret.expose_secret();
    let key = BASE64.decode(secret.strip_prefix("whsec_").unwrap_or(secret).as_bytes()).unwrap_or_default();
    if key.is_empty() {
        return Err(WebhookError::Secret);
    }
    let key = hmac::Key::new(hmac::HMAC_SHA256, &key);
    let signed = [id.as_bytes(), b".", timestamp.as_bytes(), b".", body].concat();
    // For a day after a rotation there are two signatures; either will do. Compared in constant time.
    let is_right = |part: &str| {
        let signature = part.strip_prefix("v1,").and_then(|text| BASE64.decode(text.as_bytes()).ok());
        signature.is_some_and(|signature| hmac::verify(&key, &signed, &signature).is_ok())
    };
    if !signatures.split(' ').any(is_right) {
        return Err(WebhookError::Signature);
    }
    serde_json::from_slice(body).map_err(|_| WebhookError::Body)
}

/// Of two, the wrong one might be the one that was signed.
fn only<'a>(headers: &'a HeaderMap, name: &'static str) -> Result<&'a str, WebhookError> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(value), None) => value.to_str().map_err(|_| WebhookError::Header(name)),
        _ => Err(WebhookError::Header(name)),
    }
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    const BODY: &[u8] = br#"{"id":"evt_1","type":"webhook.test","timestamp":"t","data":{}}"#;
    const NOW: u64 = 1_900_000_000;

    fn sign(key: &[u8], id: &str, time: u64) -> String {
        let key = hmac::Key::new(hmac::HMAC_SHA256, key);
        let signed = [format!("{id}.{time}.").as_bytes(), BODY].concat();
        format!("v1,{}", BASE64.encode(hmac::sign(&key, &signed).as_ref()))
    }

    fn message(signature: &str, time: u64) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert("webhook-id", HeaderValue::from_static("msg_1"));
        headers.insert("webhook-timestamp", time.into());
        headers.insert("webhook-signature", signature.try_into().unwrap());
        headers
    }

    fn at(headers: &HeaderMap, body: &[u8], seconds: u64) -> Result<Event, WebhookError> {
        let secret = format!("whsec_{}", BASE64.encode(b"the secret"));
        verify_webhook_at(&secret.into(), headers, body, UNIX_EPOCH + Duration::from_secs(seconds))
    }

    #[test]
    fn a_message_that_was_signed_is_believed_with_either_secret_of_a_rotation() {
        let ours = sign(b"the secret", "msg_1", NOW);
        let both = format!("{} {ours} v1a,other", sign(b"the other", "msg_1", NOW));
        for signature in [ours, both] {
            assert_eq!(at(&message(&signature, NOW), BODY, NOW + 300).unwrap().kind, "webhook.test");
        }
    }

    #[test]
    fn what_was_changed_replayed_or_signed_by_others_is_not() {
        let good = message(&sign(b"the secret", "msg_1", NOW), NOW);
        assert_eq!(at(&good, b"{}", NOW).unwrap_err(), WebhookError::Signature);
        assert_eq!(at(&good, BODY, NOW + 301).unwrap_err(), WebhookError::Time);
        assert_eq!(at(&good, BODY, NOW - 301).unwrap_err(), WebhookError::Time);
        let other_id = message(&sign(b"the secret", "msg_2", NOW), NOW);
        assert_eq!(at(&other_id, BODY, NOW).unwrap_err(), WebhookError::Signature);
        let other_time = message(&sign(b"the secret", "msg_1", NOW - 1), NOW);
        assert_eq!(at(&other_time, BODY, NOW).unwrap_err(), WebhookError::Signature);
        let others = message(&sign(b"the other", "msg_1", NOW), NOW);
        assert_eq!(at(&others, BODY, NOW).unwrap_err(), WebhookError::Signature);
    }

    #[test]
    fn a_message_without_its_headers_or_a_secret_that_is_none_is_told_apart() {
        let mut headers = message(&sign(b"the secret", "msg_1", NOW), NOW);
        headers.append("webhook-id", HeaderValue::from_static("msg_2"));
        assert_eq!(at(&headers, BODY, NOW).unwrap_err(), WebhookError::Header("webhook-id"));
        headers.remove("webhook-id");
        assert_eq!(at(&headers, BODY, NOW).unwrap_err(), WebhookError::Header("webhook-id"));
        let good = message(&sign(b"the secret", "msg_1", NOW), NOW);
        let now = UNIX_EPOCH + Duration::from_secs(NOW);
        for none in ["", "whsec_", "whsec_?"] {
            assert_eq!(verify_webhook_at(&none.into(), &good, BODY, now).unwrap_err(), WebhookError::Secret);
        }
    }
}
