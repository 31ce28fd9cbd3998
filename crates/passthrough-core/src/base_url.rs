//! Where a provider's API begins, and the only way to get from there to what is sent.
//!
//! A base URL is read once, when it is stored or rendered from a provider's template, and is kept in parts.
//! The parts are never glued together and parsed again, and no URL library resolves anything: `//evil`,
//! `/\evil`, `@evil`, `.evil` and `%2e%2e` each left the host or the base path of one of those ways.

use std::sync::Arc;

use http::uri::Authority;
use thiserror::Error;

use crate::path::{CallerPath, PathError, is_forbidden};

mod host;
mod join;
mod origin;
pub mod property;

pub use host::{Host, HostError, is_dns_label};
pub use join::{JoinError, JoinedPath};
pub use origin::{Origin, Scheme};

/// The longest base URL, in bytes.
pub const MAX_LENGTH: usize = 2048;

/// An origin and a path that everything sent lies below.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct BaseUrl {
    /// Scheme, host and port; shared with every request that is built from here.
    pub origin: Arc<Origin>,
    /// The same as it stands in a URI; `None` would be an origin that no URI can hold.
    authority: Option<Authority>,
    /// Empty, or begins with `/` and does not end with one.
    path: String,
}

/// Why a base URL was refused. Never echoes it: a variable in it may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BaseUrlError {
    /// More than [`MAX_LENGTH`] bytes.
    #[error("the URL is longer than 2048 bytes")]
    TooLong,
    /// A control character, a space, `\` or `#`.
    #[error("the URL holds {character:?} at byte {at}; it is scheme, host, optional port and path only")]
    Forbidden {
        /// The character.
        character: char,
        /// Its offset in bytes.
        at: usize,
    },
    /// Neither `http://` nor `https://`.
    #[error("the URL must begin with https:// (or http://, where the operator opened it)")]
    Scheme,
    /// `user:password@`.
    #[error("the URL must not hold a user name or an '@' before its path; credentials are injected")]
    UserInfo,
    /// `?`.
    #[error("the URL must not hold a query; parameters are injected or given by the caller")]
    Query,
    /// In the query of an address that may have one: what no query holds as it is (RFC 3986 section 3.4).
    #[error("the query holds {0:?}: percent-encode it")]
    QueryCharacter(char),
    /// The text after the host's `:`.
    #[error("the port must be a number from 1 to 65535 without leading zeros, or be left out with its ':'")]
    Port,
    /// The host.
    #[error("the URL's host: {0}")]
    Host(#[from] HostError),
    /// The path, by the same rule as a caller's.
    #[error("the URL's path: {0}")]
    Path(#[from] PathError),
    /// More than one slash at the end.
    #[error("the URL must not end with more than one '/'")]
    EmptySegment,
}

impl BaseUrl {
    /// Reads `https://host[:port][/path]`. One slash at the end is dropped.
    pub fn parse(text: &str) -> Result<Self, BaseUrlError> {
        if text.len() > MAX_LENGTH {
            return Err(BaseUrlError::TooLong);
        }
        // First, because whoever wrote `ftp://user@host/?a` has to know that before all else.
        let foreign = |scheme: &str| {
            Scheme::parse(scheme).is_none() && scheme.bytes().all(|byte| byte.is_ascii_alphanumeric())
        };
        if text.split_once("://").is_some_and(|(scheme, _)| foreign(scheme)) {
            return Err(BaseUrlError::Scheme);
        }
        if let Some((at, character)) = text.char_indices().find(|(_, c)| is_forbidden(*c)) {
            return Err(BaseUrlError::Forbidden { character, at });
        }
        if text.contains('?') {
            return Err(BaseUrlError::Query);
        }
        let (scheme, rest) = text.split_once("://").ok_or(BaseUrlError::Scheme)?;
        let scheme = Scheme::parse(scheme).ok_or(BaseUrlError::Scheme)?;
        let (authority, path) = rest.split_at(rest.find('/').unwrap_or(rest.len()));
        let origin = parse_authority(scheme, authority)?;
        Ok(Self { path: parse_base_path(path)?, ..Self::root(Arc::new(origin)) })
    }

    /// The root of an origin.
    pub fn root(origin: Arc<Origin>) -> Self {
        Self { authority: Authority::try_from(origin.authority()).ok(), origin, path: String::new() }
    }

    /// The path: empty for the root, otherwise with a leading and without a trailing slash.
    pub fn path(&self) -> &str {
        &self.path
    }
}

/// As a user would write it; holds no user name, no query and no trailing slash.
impl std::fmt::Display for BaseUrl {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}{}", self.origin, self.path)
    }
}

fn parse_authority(scheme: Scheme, authority: &str) -> Result<Origin, BaseUrlError> {
    if authority.contains('@') {
        return Err(BaseUrlError::UserInfo);
    }
    // The colons of an IPv6 literal are inside its brackets.
    let host_end = authority.rfind(']').map_or_else(|| authority.find(':'), |at| Some(at + 1));
    let (host, port) = authority.split_at(host_end.unwrap_or(authority.len()));
    let port = match port.strip_prefix(':') {
        Some(digits) => parse_port(digits).ok_or(BaseUrlError::Port)?,
        None if port.is_empty() => scheme.default_port(),
        None => return Err(BaseUrlError::Port),
    };
    Ok(Origin { scheme, host: Host::parse(host)?, port })
}

/// Digits only: the standard library would also take `+443`, and `0443` is octal to some.
fn parse_port(digits: &str) -> Option<u16> {
    let canonical = digits.bytes().all(|b| b.is_ascii_digit()) && !digits.starts_with('0');
    if canonical { digits.parse().ok() } else { None }
}

/// The same rule as for a caller's path, so that joining two accepted paths is an accepted path.
fn parse_base_path(path: &str) -> Result<String, BaseUrlError> {
    if path.is_empty() {
        return Ok(String::new());
    }
    let checked = CallerPath::parse(path)?;
    let path = checked.path().strip_suffix('/').unwrap_or(checked.path());
    if path.ends_with('/') { Err(BaseUrlError::EmptySegment) } else { Ok(path.to_owned()) }
}

#[cfg(test)]
mod tests;
