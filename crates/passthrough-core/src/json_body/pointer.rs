//! JSON pointers (RFC 6901) to members of objects.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;

/// More names than any API has levels. Objects made for missing parents are written by recursion, and common readers
/// refuse what is deeper than 128.
const MAX_TOKENS: usize = 64;

/// A pointer with 1 to 64 tokens, none of them empty. Array elements have no names and are not meant.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Pointer {
    tokens: Vec<String>,
}

/// A text that is no such pointer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "not a JSON pointer to a member; write it like /params/credentials, with ~1 for '/' and ~0 for '~', 64 names at most"
)]
pub struct InvalidPointer;

impl Pointer {
    /// The names on the way, unescaped, outermost first.
    pub fn tokens(&self) -> &[String] {
        &self.tokens
    }

    /// The pointer to a member of the outermost object.
    pub fn member(name: &str) -> Self {
        Self { tokens: vec![name.to_owned()] }
    }

    /// What it leads to; a number is an index where it meets an array.
    pub fn read<'v>(&self, value: &'v serde_json::Value) -> Option<&'v serde_json::Value> {
        self.tokens.iter().try_fold(value, |value, token| match value {
            serde_json::Value::Object(members) => members.get(token),
            serde_json::Value::Array(items) => items.get(token.parse::<usize>().ok()?),
            _ => None,
        })
    }

    /// The first `count` tokens as a pointer is written.
    pub(super) fn written(&self, count: usize) -> String {
        self.tokens.iter().take(count).map(|token| format!("/{}", escape(token))).collect()
    }
}

impl FromStr for Pointer {
    type Err = InvalidPointer;

    fn from_str(text: &str) -> Result<Self, InvalidPointer> {
        let tokens = text.strip_prefix('/').ok_or(InvalidPointer)?.split('/');
        let tokens: Vec<String> = tokens.map(unescape).collect::<Option<_>>().ok_or(InvalidPointer)?;
        if tokens.len() > MAX_TOKENS { Err(InvalidPointer) } else { Ok(Self { tokens }) }
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.written(self.tokens.len()))
    }
}

fn escape(token: &str) -> String {
    token.replace('~', "~0").replace('/', "~1")
}

fn unescape(token: &str) -> Option<String> {
    let every_tilde_is_an_escape = token.split('~').skip(1).all(|after| after.starts_with(['0', '1']));
    // `~1` first: `~01` means `~1`, not `/` (RFC 6901 section 4).
    let unescaped = || token.replace("~1", "/").replace("~0", "~");
    (every_tilde_is_an_escape && !token.is_empty()).then(unescaped)
}
