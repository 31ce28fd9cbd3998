//! How our client shows the token endpoint who it is (RFC 6749 §2.3, RFC 7523 §2.2, RFC 8705 §2).

use data_encoding::BASE64;
use percent_encoding::{AsciiSet, CONTROLS, utf8_percent_encode};
use serde_json::Map;
use zeroize::Zeroizing;

use super::call::Draft;
use super::params::Params;
use super::{Asking, GrantError, jwt};
use crate::provider::file::ClientAuth;
use crate::provider::grant::{Flow, OAuth2, Url};
use crate::template::uuid_v4;

/// An assertion is used at once; this is for clocks that are apart.
const ASSERTION_LIFETIME_MS: i64 = 2 * 60_000;

/// What RFC 6749 §2.3.1 wants form-encoded in the halves of HTTP Basic. Only what a decoder would read as something
/// else is encoded: a `/`, `=` or `~`, which many secrets hold, is itself to those that decode and to the many that
/// do not.
const BASIC_HALF: &AsciiSet = &CONTROLS.add(b'%').add(b'&').add(b'+').add(b':');

/// Puts the client into a call. A user's password and a signed assertion can do without a client, and without its
/// secret.
pub(super) fn apply(
    asking: &Asking<'_>,
    oauth2: &OAuth2,
    url: &Url,
    draft: &mut Draft,
    form: &mut Params,
) -> Result<(), GrantError> {
    let Some(method) = method(asking, oauth2) else { return Ok(()) };
    let own = |name: &str| match oauth2.flow {
        Flow::Mcp => asking.value(&format!("mcp_{name}")).or_else(|| asking.value(name)),
        Flow::Code | Flow::ClientCredentials | Flow::Password | Flow::JwtBearer => asking.value(name),
    };
    let optional = matches!(oauth2.flow, Flow::Password | Flow::JwtBearer);
    let missing = |name: &str| GrantError::Missing(name.to_owned());
    let id = match own("client_id") {
        Some(id) => id,
        None if optional || (method == ClientAuth::None && oauth2.flow != Flow::Mcp) => return Ok(()),
        None => return Err(missing("client_id")),
    };
    match (method, own("client_secret")) {
        (ClientAuth::Basic, Some(secret)) => {
            let value = basic(&basic_half(id), &basic_half(secret));
            draft.hide(value.trim_start_matches("Basic "));
            draft.header("Authorization", &value)?;
        }
        (ClientAuth::Body, Some(secret)) => {
            form.set("client_id", id);
            form.set("client_secret", secret);
        }
        (ClientAuth::Basic | ClientAuth::Body, None) if !optional => return Err(missing("client_secret")),
        (ClientAuth::Basic | ClientAuth::Body | ClientAuth::None | ClientAuth::Mtls, _) => {
            form.set("client_id", id);
        }
        (ClientAuth::PrivateKeyJwt, _) => {
            let assertion = assertion(asking, oauth2, id, url)?;
            draft.hide(&assertion);
            form.set("client_id", id);
            form.set("client_assertion_type", "urn:ietf:params:oauth:client-assertion-type:jwt-bearer");
            form.set("client_assertion", assertion.as_str());
        }
    }
    Ok(())
}

/// What the provider file says; with MCP, what was registered (RFC 7591 §2).
fn method(asking: &Asking<'_>, oauth2: &OAuth2) -> Option<ClientAuth> {
    if oauth2.flow != Flow::Mcp {
        return oauth2.client_auth;
    }
    match asking.value("mcp_client_auth") {
        Some("client_secret_post") => Some(ClientAuth::Body),
        Some("client_secret_basic") => Some(ClientAuth::Basic),
        // A client that the integration brings.
        None if asking.value("client_secret").is_some() => oauth2.client_auth,
        _ => Some(ClientAuth::None),
    }
}

fn assertion(
    asking: &Asking<'_>,
    oauth2: &OAuth2,
    id: &str,
    url: &Url,
) -> Result<Zeroizing<String>, GrantError> {
    let key = asking.need("client_private_key")?;
    let scope = asking.scope(asking.open.credential);
    let audience = match &oauth2.assertion_audience {
        Some(audience) => audience.render(&scope).map(|audience| audience.to_string()),
        None => Some(url.with_query("")),
    };
    let audience = audience.ok_or_else(|| GrantError::Missing("assertion_audience".to_owned()))?;
    let claims = Map::from_iter([
        ("iss".to_owned(), id.into()),
        ("sub".to_owned(), id.into()),
        ("aud".to_owned(), audience.into()),
        ("jti".to_owned(), uuid_v4(asking.moment.nonce).into()),
    ]);
    let key_id = asking.value("client_key_id");
    jwt::sign_with_any(key, key_id, claims, asking.moment, ASSERTION_LIFETIME_MS).ok_or_else(|| {
        GrantError::Key { name: "client_private_key".to_owned(), algorithm: "RS256, ES256 or EdDSA" }
    })
}

fn basic_half(text: &str) -> Zeroizing<String> {
    Zeroizing::new(utf8_percent_encode(text, BASIC_HALF).to_string().replace(' ', "+"))
}

/// The value of `Authorization` (RFC 7617 §2).
pub(super) fn basic(user: &str, password: &str) -> Zeroizing<String> {
    let pair = Zeroizing::new(format!("{user}:{password}"));
    Zeroizing::new(format!("Basic {}", BASE64.encode(pair.as_bytes())))
}
