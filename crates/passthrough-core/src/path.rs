//! The path and query that a caller asks for, judged once and then never changed.
//!
//! What is accepted here goes onto the wire byte for byte, because request signatures and APIs that put
//! `%2F` into a segment depend on the bytes. What could climb out of a base URL under *any* server's
//! reading is refused. This module knows neither hosts nor base URLs, and there is no second way to read a
//! path: policies and logs judge the string that this one yields.

use std::fmt;

use thiserror::Error;

mod encode;
mod query;
mod segment;

pub use encode::{encode_query_component, encode_segment};
pub(crate) use query::push_pairs;
pub(crate) use segment::{is_plain, percent_decode, pieces};

/// The longest path with its query, in bytes, as the caller wrote it.
pub const MAX_LENGTH: usize = 8 * 1024;

/// An accepted path with its query, ASCII only and exactly as it goes onto the wire.
#[derive(Clone, PartialEq, Eq)]
pub struct CallerPath {
    path: String,
    query: Option<String>,
}

/// The query is left out: it may hold what a log must not.
impl fmt::Debug for CallerPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallerPath")
            .field("path", &self.path)
            .field("has_query", &self.query.is_some())
            .finish()
    }
}

/// Why a path was refused, and what the caller can do about it. Never echoes the path.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum PathError {
    /// The first byte is not `/`.
    #[error("the path must begin with '/'")]
    NoLeadingSlash,
    /// `//host` and `/\host` are read as another host by many URL parsers.
    #[error("the path must not begin with '//' or '/\\': the host comes from the connection")]
    LooksLikeHost,
    /// More than [`MAX_LENGTH`] bytes.
    #[error("the path with its query is longer than 8192 bytes; send long parameters in the body")]
    TooLong,
    /// A control character, a space, `\` or `#`.
    #[error("the path holds {character:?} at byte {at}; percent-encode it")]
    Forbidden {
        /// The character.
        character: char,
        /// Its offset in bytes.
        at: usize,
    },
    /// A `%` in the path that is not followed by two hexadecimal digits.
    #[error("the path holds a '%' that is not followed by two hexadecimal digits; write it as %25")]
    MalformedPercent,
    /// A segment that some server reads as `.` or `..`.
    #[error("the path holds a '.' or '..' segment, plain or encoded; write the path without it")]
    DotSegment,
    /// `%00`, at which some servers end the path.
    #[error("the path holds an encoded NUL (%00); remove it")]
    Nul,
}

impl CallerPath {
    /// Reads a path with its query, as a caller wrote it.
    ///
    /// Nothing is changed except what cannot be sent as it is: non-ASCII characters are percent-encoded as
    /// UTF-8, and so are `<`, `>` and `` ` `` in the path and `<`, `>` and `"` in the query. Percent-encoded
    /// bytes are decoded once for judging: what is encoded twice (`%252e%252e`) is data and stays so.
    ///
    /// A malformed `%` is refused in the path, where servers disagree on what it means for the segments. In
    /// the query it is sent as it stands: `?q=100%` is accepted by many APIs and leads nowhere else.
    pub fn parse(text: &str) -> Result<Self, PathError> {
        check_text(text)?;
        let (path, query) = match text.split_once('?') {
            Some((path, query)) => (path, Some(query)),
            None => (text, None),
        };
        segment::check_path(path)?;
        Ok(Self { path: encode::sendable_path(path), query: query.map(encode::sendable_query) })
    }

    /// The path, beginning with `/`.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The query without its `?`. `Some("")` where the caller wrote a `?` and nothing after it.
    pub fn query(&self) -> Option<&str> {
        self.query.as_deref()
    }

    /// Path and query in one string, as it goes onto the wire.
    pub fn path_and_query(&self) -> String {
        let mut whole = String::new();
        self.push_to(&mut whole);
        whole
    }

    /// Appends path and query to a text.
    pub(crate) fn push_to(&self, text: &mut String) {
        text.reserve(self.path.len() + self.query.as_ref().map_or(0, |query| query.len() + 1));
        text.push_str(&self.path);
        if let Some(query) = &self.query {
            text.push('?');
            text.push_str(query);
        }
    }

    /// Appends parameters after the query, names and values given plain: they are percent-encoded here, a
    /// space as `%20`. A repeated name is repeated. The query that is already there is not changed.
    pub fn append_query(&mut self, pairs: &[(String, String)]) {
        if pairs.is_empty() {
            return;
        }
        let mut query = self.query.take().unwrap_or_default();
        push_pairs(&mut query, pairs);
        self.query = Some(query);
    }

    /// Removes the caller's own parameters of these names, which injection is about to set.
    ///
    /// Servers differ in whether the first or the last of a repeated parameter counts, and some ignore case
    /// or separate parameters at `;` as well: without this a caller could replace the injected credential.
    /// Names are compared after decoding and without regard to ASCII case; every other byte stays.
    pub fn remove_query_names(&mut self, names: &[&str]) {
        if let Some(query) = self.query.as_ref().filter(|_| !names.is_empty()) {
            self.query = query::without_names(query, names);
        }
    }
}

/// The rules that need no segments: where the text begins, how long it is, and which characters it may not
/// hold anywhere. CR and LF would split the request, tabs and line feeds are dropped by some URL parsers
/// (`/\t/evil`), `\` is a `/` to others, and `#` would silently cut off what follows.
fn check_text(text: &str) -> Result<(), PathError> {
    let mut first = text.bytes();
    if first.next() != Some(b'/') {
        return Err(PathError::NoLeadingSlash);
    }
    if matches!(first.next(), Some(b'/' | b'\\')) {
        return Err(PathError::LooksLikeHost);
    }
    if text.len() > MAX_LENGTH {
        return Err(PathError::TooLong);
    }
    match text.char_indices().find(|(_, c)| is_forbidden(*c)) {
        Some((at, character)) => Err(PathError::Forbidden { character, at }),
        None => Ok(()),
    }
}

/// C0, DEL, space, `\` and `#`.
pub(crate) fn is_forbidden(c: char) -> bool {
    c <= ' ' || matches!(c, '\u{7f}' | '\\' | '#')
}

#[cfg(test)]
mod tests;
