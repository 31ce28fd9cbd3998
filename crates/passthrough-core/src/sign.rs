//! Signed requests: the last thing that happens to an upstream request, over the bytes that are sent.
//!
//! Nothing may touch the request after this: path, query, the signed headers and the body go onto the wire as they were
//! signed. Time and nonce come in with the scope.

use bytes::Bytes;
use secrecy::SecretString;

use crate::header::{Fields, same_name};
use crate::provider::{HostAllowList, Signer};
use crate::template::{Scope, Template};
use crate::upstream::{OpenConnection, PassthroughRequest, Refusal, RequestBody, UpstreamRequest, base_of};

mod aws_sigv4;
mod hmac;
pub(crate) mod oauth1;

/// Signs a request in place.
pub fn sign(signer: &Signer, scope: &Scope<'_>, request: &mut UpstreamRequest) -> Result<(), Refusal> {
    match signer {
        Signer::AwsSigV4(aws) => aws_sigv4::sign(aws, scope, request),
        Signer::OAuth1(oauth1) => oauth1::sign(oauth1, scope, request),
        Signer::Hmac(hmac) => hmac::sign(hmac, scope, request),
    }
}

impl Signer {
    /// The headers that the signature sets: a caller's own are dropped, under every spelling.
    pub(crate) fn header_names(&self) -> Vec<Bytes> {
        match self {
            Signer::AwsSigV4(_) => aws_sigv4::HEADERS.map(Bytes::from_static).to_vec(),
            Signer::OAuth1(_) => vec![Bytes::from_static(b"Authorization")],
            Signer::Hmac(hmac) => {
                hmac.headers.iter().map(|(name, _)| Bytes::copy_from_slice(name.as_ref())).collect()
            }
        }
    }

    /// The query parameters that the signature sets.
    pub(crate) fn query_names(&self) -> Vec<&str> {
        match self {
            Signer::AwsSigV4(_) | Signer::OAuth1(_) => Vec::new(),
            Signer::Hmac(hmac) => hmac.query.iter().map(|(name, _)| name.as_str()).collect(),
        }
    }
}

/// Whether the body must be in memory before the request can be built: because something is put into it, or because
/// it is signed. A request whose base cannot be made needs nothing: it is refused anyway.
pub fn needs_body_held(
    connection: OpenConnection<'_>,
    request: &PassthroughRequest,
    hosts: &HostAllowList,
) -> bool {
    let inject = &connection.auth.inject;
    if inject.is_in_the_body() {
        return true;
    }
    match &inject.signer {
        None => false,
        Some(Signer::OAuth1(_)) => says_form(&request.headers),
        Some(Signer::Hmac(hmac)) => hmac.text.names().iter().any(|name| name.starts_with("body")),
        Some(Signer::AwsSigV4(aws)) => {
            let Ok(base) = base_of(connection, request.base.as_deref(), hosts) else { return false };
            aws_sigv4::needs_body_held(aws, connection, &base.origin, &request.headers)
        }
    }
}

/// Whether the body is a form by its content type, whose parameters OAuth 1.0 signs.
fn says_form(headers: &Fields) -> bool {
    let declared = headers.get("content-type").map(|value| &value[..]).unwrap_or_default();
    let essence = declared.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii();
    essence.eq_ignore_ascii_case(b"application/x-www-form-urlencoded")
}

/// The body's bytes. `None` where it streams by.
fn held(body: &RequestBody) -> Option<&[u8]> {
    match body {
        RequestBody::Absent => Some(b""),
        RequestBody::Bytes { bytes, .. } => Some(bytes),
        RequestBody::Streamed => None,
    }
}

fn must_be_held() -> Refusal {
    Refusal::request("body", "this provider's requests are signed, body and all: it must be held in memory")
}

/// A template of a signer that the signature cannot do without.
fn need(template: &Template, what: &str, scope: &Scope<'_>) -> Result<SecretString, Refusal> {
    let missing = || Refusal::Connection(format!("the signature's {what} is missing"));
    let value = template.render(scope).filter(|value| !value.is_empty()).ok_or_else(missing)?;
    Ok(SecretString::from(value.as_str()))
}

/// Sets a header of the signature. A line break in a value would end it and begin another.
fn set_header(headers: &mut Fields, name: &str, value: &str) -> Result<(), Refusal> {
    if !crate::header::is_value(value.as_bytes()) {
        let name = name.to_ascii_lowercase();
        let message = format!("the credential holds a character that the header `{name}` cannot carry");
        return Err(Refusal::Connection(message));
    }
    headers.0.retain(|(given, _)| !same_name(given, name.as_bytes()));
    headers.push(Bytes::copy_from_slice(name.as_bytes()), Bytes::copy_from_slice(value.as_bytes()));
    Ok(())
}

#[cfg(test)]
mod tests;
