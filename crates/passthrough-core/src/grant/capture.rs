//! What is kept of an answer, by the names that templates use.

use std::collections::BTreeMap;

use secrecy::SecretString;
use serde_json::Value;

use super::answer::{Answer, scalar};
use super::refusal::Refusal;
use crate::provider::grant::{Capture, CaptureFrom};

/// Longer values are mistakes, or an attack on memory: whatever is captured goes into a header, a URL or a form.
const MAX_VALUE_BYTES: usize = 32 * 1024;

/// By name, what an answer brought.
pub(super) type Values = BTreeMap<String, SecretString>;

/// Puts what the file wants kept into `kept`. What is there already stays where the answer does not bring it anew.
pub(super) fn keep(
    captures: &[Capture],
    answer: &Answer<'_>,
    values: Option<&Value>,
    kept: &mut Values,
) -> Result<(), Refusal> {
    for capture in captures {
        let name = &capture.name;
        match read(&capture.from, answer, values)? {
            Some(value) if capture.unless.as_ref() == Some(&value) => {}
            Some(value) => {
                kept.insert(name.clone(), checked(name, value)?);
            }
            None if capture.optional || kept.contains_key(name) => {}
            None => {
                return Err(Refusal::malformed(format!("no `{name}` in it, at {}", capture.from.place())));
            }
        }
    }
    Ok(())
}

/// What an answer brought besides tokens, such as the variables that a call after connecting finds out.
pub fn read_captures(
    captures: &[Capture],
    answer: &Answer<'_>,
) -> Result<BTreeMap<String, SecretString>, Refusal> {
    let mut kept = Values::new();
    keep(captures, answer, answer.values().as_ref(), &mut kept)?;
    Ok(kept)
}

/// A value that may be kept. Nothing that a provider hands out has a control character in it; in a header one would
/// begin another.
pub(super) fn checked(name: &str, value: String) -> Result<SecretString, Refusal> {
    if value.len() > MAX_VALUE_BYTES {
        return Err(Refusal::malformed(format!("its `{name}` is longer than {MAX_VALUE_BYTES} bytes")));
    }
    if value.chars().any(char::is_control) {
        return Err(Refusal::malformed(format!("its `{name}` holds a control character")));
    }
    Ok(SecretString::from(value))
}

fn read(from: &CaptureFrom, answer: &Answer<'_>, values: Option<&Value>) -> Result<Option<String>, Refusal> {
    let text =
        |bytes: &[u8]| Some(String::from_utf8_lossy(bytes).trim().to_owned()).filter(|text| !text.is_empty());
    Ok(match from {
        CaptureFrom::Pointer(pointer) => values.and_then(|values| scalar(pointer.read(values)?)),
        CaptureFrom::Header(name) => answer.headers.get(name.as_str()).and_then(|value| text(value)),
        CaptureFrom::Cookie(name) => {
            // The last one counts, as in a browser.
            let cookies = answer.headers.get_all("set-cookie");
            cookies.filter_map(|line| cookie(line, name)).last().and_then(|value| text(&value))
        }
        CaptureFrom::Text if answer.is_html() => {
            return Err(Refusal::malformed("it is a page for people"));
        }
        CaptureFrom::Text => match serde_json::from_slice(answer.text()) {
            Ok(Value::String(quoted)) => Some(quoted.trim().to_owned()).filter(|text| !text.is_empty()),
            _ => text(answer.text()),
        },
    })
}

/// The value of a cookie that a `Set-Cookie` line sets (RFC 6265 §5.2), without quotes around it.
fn cookie(line: &[u8], name: &str) -> Option<Vec<u8>> {
    let pair = line.split(|byte| *byte == b';').next()?;
    let at = pair.iter().position(|byte| *byte == b'=')?;
    let (given, value) = (pair[..at].trim_ascii(), pair[at + 1..].trim_ascii());
    let unquoted = value.strip_prefix(b"\"").and_then(|value| value.strip_suffix(b"\"")).unwrap_or(value);
    (given == name.as_bytes()).then(|| unquoted.to_vec())
}

/// What the file wants kept of the query with which the user came back: `query` is decoded, `callback` says which
/// parameter goes under which name. What is missing, and what could not be kept, is left out.
pub fn read_callback(
    callback: &[(String, String)],
    query: &[(String, String)],
) -> BTreeMap<String, SecretString> {
    let mut kept = Values::new();
    for (name, parameter) in callback {
        let found = query.iter().find(|(given, value)| given == parameter && !value.is_empty());
        if let Some(value) = found.and_then(|(_, value)| checked(name, value.clone()).ok()) {
            kept.insert(name.clone(), value);
        }
    }
    kept
}

impl CaptureFrom {
    /// Where it is, for people.
    fn place(&self) -> String {
        match self {
            CaptureFrom::Pointer(pointer) => pointer.to_string(),
            CaptureFrom::Header(name) => format!("the header `{name}`"),
            CaptureFrom::Cookie(name) => format!("the cookie `{name}`"),
            CaptureFrom::Text => "its text".to_owned(),
        }
    }
}
