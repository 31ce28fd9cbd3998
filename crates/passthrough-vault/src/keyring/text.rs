//! The keyring as text: a small, strict part of TOML.
//!
//! The reader is written by hand, because the errors of a general TOML parser quote the line that they
//! complain about and keep a copy of the whole input, and here every line may be a key. This one borrows
//! from its input, keeps nothing, and names places instead of showing them.

use std::fmt::Write;

use data_encoding::HEXLOWER;
use thiserror::Error;
use zeroize::Zeroizing;

use super::{Key, Keyring};
use crate::key_id::KeyId;
use crate::secret::{SECRET_LENGTH, Secret};

const HEADER: &str = "\
# Passthrough keyring: the keys under which all stored secrets are sealed.
#
# Whoever can read this file and the database can read every stored secret. Keep it readable by its
# owner only (mode 0600), and never store its backup together with a backup of the database.
# Without this file nothing in the database can be opened, by nobody, ever: do have a backup.
#
# Change it with `passthrough keyring add | promote | remove`, which is safe while servers are running.
";
const VERSION: i64 = 1;
const TOP_FIELDS: &[&str] = &["version", "primary", "promoted_at", "keys"];
const KEY_FIELDS: &[&str] = &["id", "created_at", "secret"];

/// A text that is not a keyring. Says where and what is wrong, but shows nothing of the text.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("keyring, line {line}, {path}: {problem}")]
pub struct ParseError {
    /// The line, counted from 1.
    pub line: usize,
    /// The place in the document, such as `key[1].secret`, counted from 0.
    pub path: String,
    /// What is wrong there.
    pub problem: &'static str,
}

pub(super) fn write(keyring: &Keyring) -> Zeroizing<String> {
    // Enough for everything from the start: a growing string would leave keys behind in freed memory.
    let capacity = HEADER.len() + 256 * (keyring.others.len() + 2);
    let mut text = Zeroizing::new(String::with_capacity(capacity));
    text.push_str(HEADER);
    let _ = writeln!(text, "version = {VERSION}");
    let _ = writeln!(text, "primary = \"{}\"", keyring.primary.id);
    let _ = writeln!(text, "promoted_at = {}", keyring.promoted_at);
    // So that a file that was cut off between two keys is noticed.
    let _ = writeln!(text, "keys = {}", keyring.others.len() + 1);
    for key in keyring.by_age() {
        let _ = writeln!(text, "\n[[key]]\nid = \"{}\"\ncreated_at = {}", key.id, key.created_at);
        text.push_str("secret = \"");
        HEXLOWER.encode_append(key.secret.expose(), &mut text);
        text.push_str("\"\n");
    }
    text
}

pub(super) fn read(text: &str) -> Result<Keyring, ParseError> {
    let Document { top, keys } = split(text)?;
    let version = top.number("version")?;
    if version != VERSION {
        return Err(top.error("version", "this program reads version 1 only: use the program that wrote it"));
    }
    let primary = top.key_id("primary")?;
    let promoted_at = top.number("promoted_at")?;
    if usize::try_from(top.number("keys")?) != Ok(keys.len()) {
        return Err(
            top.error("keys", "is not the number of [[key]] sections: the file was cut off or edited")
        );
    }

    let mut others: Vec<Key> = Vec::with_capacity(keys.len());
    for section in &keys {
        let key = read_key(section)?;
        if others.iter().any(|other| other.id == key.id) {
            return Err(section.error("id", "the same key stands here twice: remove one of them"));
        }
        others.push(key);
    }
    let at = others
        .iter()
        .position(|key| key.id == primary)
        .ok_or_else(|| top.error("primary", "no [[key]] has this id: name one that is there"))?;
    Ok(Keyring { primary: others.swap_remove(at), promoted_at, others })
}

fn read_key(section: &Section<'_>) -> Result<Key, ParseError> {
    let mut secret = Secret::empty();
    let digits = section.text("secret")?.as_bytes();
    let decoded =
        digits.len() == 2 * SECRET_LENGTH && HEXLOWER.decode_mut(digits, secret.expose_mut()).is_ok();
    if !decoded {
        return Err(section.error("secret", "must be 64 lower-case hexadecimal digits"));
    }
    let key = Key::new(secret, section.number("created_at")?);
    if section.key_id("id")? != key.id {
        // A damaged secret would otherwise be taken for a new key, and seal what nobody can open once
        // the file is repaired.
        return Err(section.error("id", "does not belong to this secret: one of the two was changed"));
    }
    Ok(key)
}

struct Document<'a> {
    top: Section<'a>,
    keys: Vec<Section<'a>>,
}

/// The fields between two headers.
struct Section<'a> {
    /// What stands before the name of a field: nothing, or `key[0].`.
    prefix: String,
    /// Where the section begins, to say where a field is missing.
    line: usize,
    allowed: &'static [&'static str],
    fields: Vec<Field<'a>>,
}

struct Field<'a> {
    line: usize,
    name: &'static str,
    /// What stands after the equals sign, unread.
    raw: &'a str,
}

/// Cuts a text into lines, fields and sections.
fn split(text: &str) -> Result<Document<'_>, ParseError> {
    let mut top = Section { prefix: String::new(), line: 1, allowed: TOP_FIELDS, fields: Vec::new() };
    let mut keys: Vec<Section<'_>> = Vec::new();
    for (number, line) in (1..).zip(text.lines()) {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        if line == "[[key]]" {
            let prefix = format!("key[{}].", keys.len());
            keys.push(Section { prefix, line: number, allowed: KEY_FIELDS, fields: Vec::new() });
            continue;
        }
        keys.last_mut().unwrap_or(&mut top).push(number, line)?;
    }
    Ok(Document { top, keys })
}

impl<'a> Section<'a> {
    fn push(&mut self, line: usize, text: &'a str) -> Result<(), ParseError> {
        let path = || if self.prefix.is_empty() { "top".to_owned() } else { self.prefix.replace('.', "") };
        let Some((name, raw)) = text.split_once('=') else {
            let problem = "expected `name = value`, `[[key]]`, a comment or an empty line";
            return Err(ParseError { line, path: path(), problem });
        };
        // The name is not shown: a stray line may well be a key that was pasted here.
        let Some(name) = self.allowed.iter().find(|allowed| **allowed == name.trim()) else {
            return Err(ParseError { line, path: path(), problem: "a field that no keyring has" });
        };
        if self.field(name).is_ok() {
            let path = format!("{}{name}", self.prefix);
            return Err(ParseError { line, path, problem: "stands here twice" });
        }
        self.fields.push(Field { line, name, raw: raw.trim() });
        Ok(())
    }

    fn field(&self, name: &str) -> Result<&Field<'a>, ParseError> {
        self.fields.iter().find(|field| field.name == name).ok_or_else(|| self.error(name, "is missing"))
    }

    fn text(&self, name: &str) -> Result<&'a str, ParseError> {
        let raw = self.field(name)?.raw;
        raw.strip_prefix('"')
            .and_then(|rest| rest.strip_suffix('"'))
            .filter(|text| !text.contains(['"', '\\']))
            .ok_or_else(|| self.error(name, "must be a text in double quotes, without escapes or comment"))
    }

    fn number(&self, name: &str) -> Result<i64, ParseError> {
        let number = self.field(name)?.raw.parse();
        number.map_err(|_| self.error(name, "must be a whole number, without comment"))
    }

    fn key_id(&self, name: &str) -> Result<KeyId, ParseError> {
        let id = self.text(name)?.parse();
        id.map_err(|_| self.error(name, "must be `k` and 16 lower-case hexadecimal digits"))
    }

    /// An error at a field of this section, or at its header when the field is not there.
    fn error(&self, name: &str, problem: &'static str) -> ParseError {
        let line = self.fields.iter().find(|field| field.name == name).map_or(self.line, |field| field.line);
        ParseError { line, path: format!("{}{name}", self.prefix), problem }
    }
}

#[cfg(test)]
mod tests;
