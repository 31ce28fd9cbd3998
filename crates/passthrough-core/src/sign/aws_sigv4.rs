//! AWS Signature Version 4: which parts of our requests are signed, and how bodies are.

use std::borrow::Cow;

use aws_lc_rs::digest;
use data_encoding::HEXLOWER;

use super::{held, must_be_held, need, set_header};
use crate::base_url::{Origin, Scheme};
use crate::header::{Fields, same_name};
use crate::provider::AwsSigV4;
use crate::template::{Moment, Scope, iso_seconds};
use crate::upstream::{OpenConnection, Refusal, UpstreamRequest};

mod canonical;
mod place;

use canonical::{Canonical, Signing};
#[cfg(test)]
pub(super) use place::Place as SignedFor;
use place::{Place, rendered};

/// What the signature sets. What the caller says of its body's hash is looked at before it is replaced.
pub(super) const HEADERS: [&[u8]; 3] = [b"Authorization", b"X-Amz-Date", b"X-Amz-Security-Token"];

const CONTENT_SHA256: &str = "x-amz-content-sha256";
const UNSIGNED: &str = "UNSIGNED-PAYLOAD";
/// A body in `aws-chunked` form without signatures in it, as AWS's own libraries stream it over TLS.
const UNSIGNED_TRAILER: &str = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

pub(super) fn sign(aws: &AwsSigV4, scope: &Scope<'_>, request: &mut UpstreamRequest) -> Result<(), Refusal> {
    let place = Place::of(aws, scope, &request.origin)?;
    let access_key_id = need(&aws.access_key_id, "access key", scope)?;
    let secret_access_key = need(&aws.secret_access_key, "secret access key", scope)?;
    let date_time = iso_seconds(scope.moment.unix_ms).replace(['-', ':'], "");
    let stated = request.headers.get(CONTENT_SHA256).cloned().unwrap_or_default();
    let payload = payload(&place, &request.origin, held(&request.body), &stated)?;
    let headers = &mut request.headers;
    headers.0.retain(|(name, _)| !same_name(name, CONTENT_SHA256.as_bytes()));
    set_header(headers, "x-amz-date", &date_time)?;
    if place.is_s3() {
        set_header(headers, CONTENT_SHA256, &payload)?;
    }
    if let Some(token) = rendered(aws.session_token.as_ref(), scope) {
        set_header(headers, "x-amz-security-token", &token)?;
    }
    let signing = Signing {
        place: &place,
        access_key_id: &access_key_id,
        secret_access_key: &secret_access_key,
        date_time: &date_time,
    };
    let host = request.origin.authority();
    let mut signed: Vec<(String, &[u8])> = headers.iter().filter_map(signed_header).collect();
    signed.push(("host".to_owned(), host.as_bytes()));
    let authorization = signing.authorization(Canonical {
        method: request.method.as_str(),
        path: request.uri.path(),
        query: request.uri.query().unwrap_or_default(),
        headers: signed,
        payload: &payload,
    });
    set_header(headers, "authorization", &authorization)
}

/// Whether the body has to be hashed first. S3 takes the word of TLS for it, and whoever said its hash has hashed it.
pub(super) fn needs_body_held(
    aws: &AwsSigV4,
    connection: OpenConnection<'_>,
    origin: &Origin,
    headers: &Fields,
) -> bool {
    let moment = Moment { unix_ms: 0, nonce: [0; 16] };
    let scope = Scope { credential: connection.credential, variables: connection.variables, moment };
    let Ok(place) = Place::of(aws, &scope, origin) else { return false };
    let stated = headers.get(CONTENT_SHA256).cloned().unwrap_or_default();
    payload(&place, origin, None, &stated).is_err()
}

/// What of the headers is signed: what says something about the request, and nothing that a hop on the way may change.
fn signed_header<'h>((name, value): (&'h bytes::Bytes, &'h bytes::Bytes)) -> Option<(String, &'h [u8])> {
    let name = std::str::from_utf8(name).ok()?.to_ascii_lowercase();
    let says = name.starts_with("x-amz-") || ["content-type", "content-md5"].contains(&name.as_str());
    (says && name != "x-amz-user-agent").then_some((name, value))
}

/// The body's hash, or what stands for it.
fn payload(
    place: &Place,
    origin: &Origin,
    body: Option<&[u8]>,
    stated: &[u8],
) -> Result<Cow<'static, str>, Refusal> {
    if place.is_s3() && stated == UNSIGNED_TRAILER.as_bytes() {
        return Ok(Cow::Borrowed(UNSIGNED_TRAILER));
    }
    if stated.starts_with(b"STREAMING-") {
        // Each chunk carries a signature by the caller's key, which is none.
        let message = "its chunks are signed by the caller: send it unsigned (UNSIGNED-PAYLOAD) or at once";
        return Err(Refusal::request("body", message));
    }
    let is_hash = stated.len() == 64 && stated.iter().all(u8::is_ascii_hexdigit);
    match body {
        Some(bytes) => Ok(HEXLOWER.encode(digest::digest(&digest::SHA256, bytes).as_ref()).into()),
        None if is_hash => Ok(String::from_utf8_lossy(stated).to_ascii_lowercase().into()),
        None if place.is_s3() && origin.scheme == Scheme::Https => Ok(Cow::Borrowed(UNSIGNED)),
        None => Err(must_be_held()),
    }
}
