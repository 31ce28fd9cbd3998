//! An answer to a token request, a step of a login or a registration, as it came: of any status, in whatever form.

use serde_json::{Map, Value};

use super::params::parse_form;
use super::refusal::Refusal;
use crate::header::Fields;
use crate::redact::Redactor;
use crate::retry::retry_after;

/// An answer. Its body is what a stranger wrote.
#[derive(Debug, Clone, Copy)]
pub struct Answer<'a> {
    /// The status.
    pub status: u16,
    /// The headers.
    pub headers: &'a Fields,
    /// The body, without its content coding.
    pub body: &'a [u8],
    /// When it was asked for, in unix milliseconds: lifetimes count from here, so that none is overestimated.
    pub at: i64,
    /// Every secret that was sent ([`super::TokenCall::sent`]).
    pub sent: &'a Redactor,
}

/// What an error message is cut to, in characters.
const LONGEST_MESSAGE: usize = 200;

impl Answer<'_> {
    /// The body without white space around it, and without the byte order mark that some frameworks write.
    pub(super) fn text(&self) -> &[u8] {
        self.body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(self.body).trim_ascii()
    }

    /// The body as JSON, or as the object that a form stands for, whatever its content type says: GitHub answers forms
    /// to who asked for JSON, others call their JSON `text/html`. `None` for anything else.
    pub(super) fn values(&self) -> Option<Value> {
        if let Ok(value) = serde_json::from_slice(self.text()) {
            return Some(value);
        }
        let text = std::str::from_utf8(self.text()).ok()?;
        // A lifetime of 1e400 is no reason to throw a token away for which the one before was used up.
        if let Some(value) = without_huge_numbers(text).and_then(|text| serde_json::from_str(&text).ok()) {
            return Some(value);
        }
        let sendable =
            |byte: u8| byte.is_ascii_graphic() && !matches!(byte, b'<' | b'>' | b'"' | b'{' | b'}');
        let named = text.split('&').next().is_some_and(|pair| {
            let name = pair.split_once('=').map(|(name, _)| name);
            name.is_some_and(|name| !name.is_empty() && name.bytes().all(|byte| byte != b'?'))
        });
        if !named || !text.bytes().all(sendable) {
            return None;
        }
        let pairs = parse_form(text).into_iter().map(|(name, value)| (name, Value::from(value)));
        Some(Value::Object(Map::from_iter(pairs)))
    }

    /// Whether it says nothing about the credential: the server is not itself, or has had too much.
    pub(super) fn passing(&self) -> Option<Refusal> {
        let status = self.status;
        let what = match status {
            408 | 425 => format!("it asks to come again (status {status})"),
            429 => "it has had too many requests (status 429)".to_owned(),
            500..=599 => format!("it is in trouble (status {status})"),
            100..=199 => format!("it answered with status {status}"),
            _ => return None,
        };
        Some(Refusal::Passing { what, retry_after_ms: self.retry_after_ms() })
    }

    /// What `Retry-After` says.
    pub(super) fn retry_after_ms(&self) -> Option<i64> {
        self.headers.get("retry-after").and_then(|value| retry_after(value, self.at))
    }

    pub(super) fn is_success(&self) -> bool {
        (200..300).contains(&self.status)
    }

    /// Whether it is a page for people.
    pub(super) fn is_html(&self) -> bool {
        let declared = self
            .headers
            .get("content-type")
            .is_some_and(|value| value.to_ascii_lowercase().windows(9).any(|part| part == b"text/html"));
        let body = self.text();
        body.starts_with(b"<!") || (declared && body.starts_with(b"<"))
    }

    /// A text of the provider's as it may be told: without control characters, without anything that was sent, short.
    pub(super) fn told(&self, text: &str) -> String {
        let plain: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).collect();
        // What was sent is looked for before anything is cut: half a secret would not be found.
        self.sent.redact_text(plain.trim()).chars().take(LONGEST_MESSAGE).collect()
    }
}

/// JSON with `null` for every number that is too large for anybody; `None` where there is no such number.
fn without_huge_numbers(text: &str) -> Option<String> {
    let is_number = |byte: u8| byte.is_ascii_digit() || matches!(byte, b'-' | b'+' | b'.' | b'e' | b'E');
    let bytes = text.as_bytes();
    let (mut kept, mut copied, mut at, mut quoted) = (String::new(), 0, 0, false);
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'\\' if quoted => at += 1,
            b'"' => quoted = !quoted,
            b'0'..=b'9' | b'-' if !quoted => {
                let length = bytes[at..].iter().take_while(|byte| is_number(**byte)).count();
                let number: Option<f64> = text.get(at..at + length).and_then(|number| number.parse().ok());
                if number.is_some_and(f64::is_infinite) {
                    kept.push_str(text.get(copied..at)?);
                    kept.push_str("null");
                    copied = at + length;
                }
                at += length - 1;
            }
            _ => {}
        }
        at += 1;
    }
    kept.push_str(text.get(copied..)?);
    (copied > 0).then_some(kept)
}

/// A text, number or boolean of an answer as a text; nothing else, and no empty text, is a value.
pub(super) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(bool) => Some(bool.to_string()),
        Value::String(_) | Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}
