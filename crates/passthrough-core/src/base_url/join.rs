//! Base URL and caller's path become what is sent.

use std::fmt;

use http::Uri;
use http::uri::{PathAndQuery, Scheme as UriScheme};
use thiserror::Error;

use super::{BaseUrl, Scheme};
use crate::path::{CallerPath, is_plain, percent_decode, pieces, push_pairs};

/// The longest path with its query that is sent, in bytes: half of what servers commonly take as a head.
const MAX_SENT: usize = 32 * 1024;

/// Path and query as they go onto the wire. May hold injected secrets: it is not displayed, and only
/// [`JoinedPath::expose`] gives it away.
#[derive(Clone, PartialEq, Eq)]
pub struct JoinedPath {
    path_and_query: String,
}

impl fmt::Debug for JoinedPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("JoinedPath").field("bytes", &self.path_and_query.len()).finish_non_exhaustive()
    }
}

/// Why nothing was built. Never echoes a path: an injected segment may be a secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum JoinError {
    /// The injected segment is empty, not one segment, or not percent-encoded.
    #[error("the injected path segment is not one percent-encoded segment; check the credential's fields")]
    Prefix,
    /// What was built does not lie below the base URL. The earlier checks should have made this impossible.
    #[error("the path leaves the base URL")]
    Outside,
    /// More than 32 KiB.
    #[error("the path with its query is longer than 32768 bytes; send long parameters in the body")]
    TooLong,
    /// `http` reads something else from the parts than what was put in.
    #[error("the parts do not make a request URI")]
    NotAUri,
}

impl JoinedPath {
    /// The string as it goes onto the wire, injected secrets included.
    pub fn expose(&self) -> &str {
        &self.path_and_query
    }

    /// Appends injected parameters, names and values given plain. The caller's own of these names are to be
    /// removed before ([`CallerPath::remove_query_names`]), so that the injected ones win everywhere.
    pub fn append_query(&mut self, pairs: &[(String, String)]) {
        if pairs.is_empty() {
            return;
        }
        let at = self.path_and_query.find('?').unwrap_or_else(|| {
            self.path_and_query.push('?');
            self.path_and_query.len() - 1
        });
        let mut query = self.path_and_query.split_off(at + 1);
        push_pairs(&mut query, pairs);
        self.path_and_query.push_str(&query);
    }
}

impl BaseUrl {
    /// The base path, an injected segment, and the caller's path with its query, byte for byte.
    ///
    /// `prefix` is one segment without slashes that is percent-encoded already ([`crate::path::encode_segment`]).
    pub fn join(&self, prefix: Option<&str>, path: &CallerPath) -> Result<JoinedPath, JoinError> {
        let mut joined = self.path.clone();
        if let Some(segment) = prefix {
            let segment = checked_prefix(segment)?;
            joined.push_str(&segment);
        }
        path.push_to(&mut joined);
        Ok(JoinedPath { path_and_query: joined })
    }

    /// The base URL as it stands, with a caller's query: for one that is an endpoint and not a folder.
    pub fn itself(&self, query: Option<&str>) -> JoinedPath {
        let mut path_and_query = if self.path.is_empty() { "/".to_owned() } else { self.path.clone() };
        if let Some(query) = query {
            path_and_query.push('?');
            path_and_query.push_str(query);
        }
        JoinedPath { path_and_query }
    }

    /// The URI to send to: the stored scheme and authority, and these bytes.
    pub fn uri(&self, path: &JoinedPath) -> Result<Uri, JoinError> {
        if path.path_and_query.len() > MAX_SENT {
            return Err(JoinError::TooLong);
        }
        let mut parts = http::uri::Parts::default();
        parts.scheme = Some(match self.origin.scheme {
            Scheme::Http => UriScheme::HTTP,
            Scheme::Https => UriScheme::HTTPS,
        });
        parts.authority = Some(self.authority.clone().ok_or(JoinError::NotAUri)?);
        let path_and_query = PathAndQuery::try_from(path.expose()).map_err(|_| JoinError::NotAUri)?;
        parts.path_and_query = Some(path_and_query);
        let uri = Uri::from_parts(parts).map_err(|_| JoinError::NotAUri)?;
        // The last look before a credential goes out: the host and the bytes are the ones that were checked.
        let authority_is_stored = uri.authority() == self.authority.as_ref();
        let bytes_are_ours = uri.path_and_query().is_some_and(|found| found.as_str() == path.expose());
        if authority_is_stored && bytes_are_ours && lies_below(&self.path, path.expose()) {
            Ok(uri)
        } else {
            Err(JoinError::Outside)
        }
    }
}

/// `/segment`, if it is one. The same rule as for a caller's path: a credential may not climb either.
fn checked_prefix(segment: &str) -> Result<String, JoinError> {
    let text = format!("/{segment}");
    let parsed = CallerPath::parse(&text).map_err(|_| JoinError::Prefix)?;
    let is_one_segment = !segment.is_empty() && !segment.contains('/') && parsed.query().is_none();
    if is_one_segment && parsed.path() == text { Ok(text) } else { Err(JoinError::Prefix) }
}

/// Whether a wire string lies below `base`, by walking it as a server would: decoded once, split at every
/// separator, `..` one up. Written without the rule that it checks, so that neither hides a hole in the other.
pub(super) fn lies_below(base: &str, path_and_query: &str) -> bool {
    let path = path_and_query.split('?').next().unwrap_or_default();
    if path == base {
        return !base.is_empty();
    }
    let Some(below) = path.strip_prefix(base).and_then(|rest| rest.strip_prefix('/')) else {
        return false;
    };
    if is_plain(below) {
        return true;
    }
    // Servlet containers drop `;x` from each segment, other servers do not.
    stays_below(below.split('/')) && stays_below(below.split('/').map(without_parameters))
}

fn without_parameters(segment: &str) -> &str {
    segment.split(';').next().unwrap_or_default()
}

fn stays_below<'a>(segments: impl Iterator<Item = &'a str>) -> bool {
    let mut depth = 0_u32;
    for segment in segments {
        let Some(decoded) = percent_decode(segment) else { return false };
        for piece in pieces(&decoded) {
            depth = match piece {
                b".." | [b'.', b'.', b';', ..] => match depth.checked_sub(1) {
                    Some(up) => up,
                    None => return false,
                },
                // Servers that merge slashes or drop dots stay where they are.
                b"" | b"." | [b';', ..] | [b'.', b';', ..] => depth,
                _ => depth + 1,
            };
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::lies_below;

    #[test]
    fn the_last_look_sees_every_climb_by_itself() {
        for (base, wire) in [
            ("/api", "/apix"),
            ("/api", "/ap"),
            ("/api", "/api/.."),
            ("/api", "/api/a/%2e%2E/%2e./b"),
            ("/api", "/api/a//../../b"),
            ("/api", "/api/a/./../../b"),
            ("/api", "/api/..;x/b"),
            ("/api", "/api/..%3bx/b"),
            ("/api", "/api/a%5c..%2f..%5cb"),
            ("/api", "/api/a;%2f..%2f.."),
            ("/api", "/api/;/../b"),
            // Two levels down and up for one server; for one that drops parameters the way up begins at one.
            ("/api", "/api/a;%2fx/../.."),
            ("/api", "/api/%zz"),
            ("", "x"),
            ("", "/.."),
        ] {
            assert!(!lies_below(base, wire), "{base} {wire}");
        }
        for (base, wire) in [
            ("/api", "/api"),
            ("/api", "/api/"),
            ("/api", "/api/a/..?/../.."),
            ("", "/"),
            ("", "//a"),
            ("/a", "/a/%252e%252e/b"),
        ] {
            assert!(lies_below(base, wire), "{base} {wire}");
        }
    }
}
