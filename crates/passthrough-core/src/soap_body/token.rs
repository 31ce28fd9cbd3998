//! The security header as XML.

use std::fmt;
use std::fmt::Write as _;

use aws_lc_rs::digest::{self, SHA1_FOR_LEGACY_USE_ONLY};
use data_encoding::BASE64;
use thiserror::Error;
use zeroize::Zeroizing;

use super::Version;
use crate::template::iso_seconds;

const WSSE: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd";
const WSU: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd";
const PROFILE: &str = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-username-token-profile-1.0";
const BASE64_BINARY: &str =
    "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-soap-message-security-1.0#Base64Binary";

/// User name and password for one request. Holds a secret: its `Debug` does not show it.
#[derive(Clone)]
pub struct UsernameToken {
    /// The user name.
    pub username: Zeroizing<String>,
    /// The password.
    pub password: Zeroizing<String>,
    /// Whether a digest is sent instead of the password: Base64(SHA-1(nonce + created + password)).
    pub digest: bool,
    /// How long the message is good for, in milliseconds: a `Timestamp` says so. `None` sends none.
    pub lifetime_ms: Option<i64>,
    /// Random bytes of this request, by which a provider knows a repeated message.
    pub nonce: [u8; 16],
    /// When the token was made, in Unix milliseconds.
    pub created_ms: i64,
}

impl fmt::Debug for UsernameToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UsernameToken").field("digest", &self.digest).finish_non_exhaustive()
    }
}

/// A user name or password with a character that XML 1.0 cannot hold (§2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("the credential holds a control character that a SOAP header cannot carry")]
pub struct Unwritable;

impl UsernameToken {
    /// The whole `Security` element. It declares all prefixes that it uses, so that it means the same in every envelope.
    pub(super) fn security_header(&self, version: Version) -> Result<String, Unwritable> {
        let created = iso_seconds(self.created_ms);
        let nonce = BASE64.encode(&self.nonce);
        let mut xml = format!(
            "<wsse:Security xmlns:wsse=\"{WSSE}\" xmlns:wsu=\"{WSU}\" xmlns:env=\"{}\" env:mustUnderstand=\"1\">",
            version.namespace()
        );
        if let Some(lifetime_ms) = self.lifetime_ms {
            let expires = iso_seconds(self.created_ms.saturating_add(lifetime_ms));
            let _ = write!(
                xml,
                "<wsu:Timestamp><wsu:Created>{created}</wsu:Created><wsu:Expires>{expires}</wsu:Expires></wsu:Timestamp>"
            );
        }
        let (kind, password) = if self.digest {
            ("PasswordDigest", self.digested(&created))
        } else {
            ("PasswordText", Zeroizing::new(escaped(&self.password)?))
        };
        let username = escaped(&self.username)?;
        let _ = write!(
            xml,
            "<wsse:UsernameToken><wsse:Username>{username}</wsse:Username>\
             <wsse:Password Type=\"{PROFILE}#{kind}\">{}</wsse:Password>\
             <wsse:Nonce EncodingType=\"{BASE64_BINARY}\">{nonce}</wsse:Nonce>\
             <wsu:Created>{created}</wsu:Created></wsse:UsernameToken></wsse:Security>",
            password.as_str()
        );
        Ok(xml)
    }

    /// The profile's §3.1. SHA-1 is what it says, and what providers check.
    fn digested(&self, created: &str) -> Zeroizing<String> {
        let mut context = digest::Context::new(&SHA1_FOR_LEGACY_USE_ONLY);
        context.update(&self.nonce);
        context.update(created.as_bytes());
        context.update(self.password.as_bytes());
        Zeroizing::new(BASE64.encode(context.finish().as_ref()))
    }
}

/// A text as the content of an element: a `<` in a password would begin an element of its own. White space and what is
/// beyond ASCII are character references: a reader turns a bare carriage return into a line feed.
fn escaped(text: &str) -> Result<String, Unwritable> {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            ' '..='~' => out.push(c),
            '\t' | '\n' | '\r' | '\u{80}'..='\u{fffd}' | '\u{10000}'.. => {
                let _ = write!(out, "&#{};", u32::from(c));
            }
            _ => return Err(Unwritable),
        }
    }
    Ok(out)
}
