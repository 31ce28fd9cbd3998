//! Reading a JSON object strictly: every mistake at once, each with its place and a suggestion.
//!
//! A misspelt field must not silently do nothing, and a message must not echo a value: it may be a secret.

use serde::de::{DeserializeOwned, Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use passthrough_core::provider::Problem;
use passthrough_core::suggest::nearest;

/// One thing that is wrong with a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// What is wrong and what would be right.
    pub message: String,
    /// The place: `headers.accept`, empty for the whole.
    pub path: String,
    /// The known name that was probably meant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub suggestion: Option<String>,
}

impl FieldError {
    /// A mistake at a place.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { message: message.into(), path: path.into(), suggestion: None }
    }
}

impl From<Problem> for FieldError {
    fn from(problem: Problem) -> Self {
        Self::new(problem.path, problem.message)
    }
}

/// What to do with fields that nobody asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// Refuse them, with the nearest known name.
    Refuse,
    /// Let them be, as Terminal does.
    Ignore,
}

/// How a message begins that is about a field nobody asked for.
pub(crate) const UNKNOWN_FIELD: &str = "unknown field";

/// A JSON object whose fields are taken out one by one.
#[derive(Debug)]
pub struct Fields<'a> {
    entries: Vec<(String, &'a RawValue)>,
    known: Vec<&'static str>,
    errors: Vec<FieldError>,
}

impl<'a> Fields<'a> {
    /// Splits an object into its fields. Anything else, and a field that stands twice, is an error.
    pub fn parse(body: &'a [u8]) -> Result<Self, Vec<FieldError>> {
        let whole = |message: &str| vec![FieldError::new("", message)];
        let body = if body.iter().all(u8::is_ascii_whitespace) { b"{}" } else { body };
        let RawFields(entries) = serde_json::from_slice(body).map_err(|error| {
            whole(&match error.classify() {
                serde_json::error::Category::Data => "the body must be a JSON object".to_owned(),
                _ => format!("the body is not JSON (line {}, column {})", error.line(), error.column()),
            })
        })?;
        let mut fields = Self { entries: Vec::new(), known: Vec::new(), errors: Vec::new() };
        for (name, value) in entries {
            if fields.entries.iter().any(|(known, _)| *known == name) {
                fields.error(&name, "stands twice");
            } else {
                fields.entries.push((name, value));
            }
        }
        Ok(fields)
    }

    /// Notes a mistake.
    pub fn error(&mut self, path: &str, message: impl Into<String>) {
        self.errors.push(FieldError::new(path, message));
    }

    /// Whether a field is there at all, be it `null`.
    pub fn holds(&self, name: &str) -> bool {
        self.entries.iter().any(|(known, _)| known == name)
    }

    /// The raw text of a field; `null` is absent.
    pub fn raw(&mut self, name: &'static str) -> Option<&'a RawValue> {
        self.known.push(name);
        let at = self.entries.iter().position(|(known, _)| known == name)?;
        let (_, value) = self.entries.swap_remove(at);
        (value.get() != "null").then_some(value)
    }

    /// A field that may be absent or `null`.
    pub fn optional<T: DeserializeOwned>(&mut self, name: &'static str) -> Option<T> {
        let raw = self.raw(name)?;
        let mut deserializer = serde_json::Deserializer::from_str(raw.get());
        match serde_path_to_error::deserialize(&mut deserializer) {
            Ok(value) => Some(value),
            Err(error) => {
                let below = error.path().to_string();
                let path = if below == "." { name.to_owned() } else { format!("{name}.{below}") };
                let message = without_the_value(&error.inner().to_string());
                self.errors.push(FieldError::new(path, message));
                None
            }
        }
    }

    /// The entries of a field that is an object. An entry that stands twice is an error: which of the two counts
    /// is not ours to guess.
    pub fn object(&mut self, name: &'static str) -> Vec<(String, &'a RawValue)> {
        let Some(raw) = self.raw(name) else { return Vec::new() };
        let Ok(RawFields(given)) = serde_json::from_str(raw.get()) else {
            self.error(name, "must be an object");
            return Vec::new();
        };
        let mut entries: Vec<(String, &'a RawValue)> = Vec::new();
        for (key, value) in given {
            if entries.iter().any(|(known, _)| *known == key) {
                self.error(&format!("{name}.{key}"), "stands twice");
            } else {
                entries.push((key, value));
            }
        }
        entries
    }

    /// A field that must be there.
    pub fn required<T: DeserializeOwned>(&mut self, name: &'static str) -> Option<T> {
        let given = self.entries.iter().any(|(known, value)| known == name && value.get() != "null");
        if !given {
            self.known.push(name);
            self.entries.retain(|(known, _)| known != name);
            self.error(name, "missing");
            return None;
        }
        self.optional(name)
    }

    /// Ends the reading: all mistakes, with the fields that nobody asked for.
    pub fn finish(mut self, unknown: Unknown) -> Result<(), Vec<FieldError>> {
        if unknown == Unknown::Refuse {
            for (name, _) in &self.entries {
                let suggestion = nearest(name, self.known.iter().copied()).map(str::to_owned);
                let message = match &suggestion {
                    Some(near) => format!("{UNKNOWN_FIELD}; did you mean `{near}`?"),
                    None => format!("{UNKNOWN_FIELD}; there are {}", self.known.join(", ")),
                };
                self.errors.push(FieldError { message, path: name.clone(), suggestion });
            }
        }
        if self.errors.is_empty() { Ok(()) } else { Err(self.errors) }
    }
}

/// `invalid type: integer `5`, expected a string at line 1` becomes `must be a string`. Both marks are sought from
/// the end: what was expected is our own text, while the value in front of it may hold the same words.
fn without_the_value(message: &str) -> String {
    let message = message.rsplit_once(" at line ").map_or(message, |(front, _)| front);
    match message.rsplit_once("expected ") {
        Some((_, "u8" | "u16" | "u32" | "u64")) => "must be a whole number, not negative".to_owned(),
        Some((_, "a sequence")) => "must be an array".to_owned(),
        Some((_, "a map")) => "must be an object".to_owned(),
        Some((_, expected)) => format!("must be {expected}"),
        None => message.to_owned(),
    }
}

struct RawFields<'a>(Vec<(String, &'a RawValue)>);

impl<'de: 'a, 'a> Deserialize<'de> for RawFields<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Vec<(String, &'de RawValue)>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                    if entries.len() > 1000 {
                        return Err(A::Error::custom("more than 1000 fields"));
                    }
                }
                Ok(entries)
            }
        }
        deserializer.deserialize_map(Entries).map(RawFields)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn errors(body: &str) -> Vec<String> {
        let mut fields = match Fields::parse(body.as_bytes()) {
            Ok(fields) => fields,
            Err(errors) => return errors.into_iter().map(|e| format!("{}: {}", e.path, e.message)).collect(),
        };
        fields.required::<String>("method");
        fields.optional::<Vec<u8>>("body");
        let errors = fields.finish(Unknown::Refuse).err().unwrap_or_default();
        errors.into_iter().map(|e| format!("{}: {}", e.path, e.message)).collect()
    }

    #[test]
    fn all_mistakes_are_named_at_once_and_no_value_is_echoed() {
        assert_eq!(
            errors(r#"{"method": 4711, "boddy": 1, "body": [1, "secret"]}"#),
            [
                "method: must be a string",
                "body.[1]: must be a whole number, not negative",
                "boddy: unknown field; did you mean `body`?"
            ]
        );
        assert_eq!(errors(r#"{"method": null}"#), ["method: missing"]);
        assert_eq!(errors(r#"{"method": "a", "method": "b"}"#), ["method: stands twice"]);
        assert_eq!(errors("[]"), [": the body must be a JSON object"]);
        assert_eq!(errors("{\"a\""), [": the body is not JSON (line 1, column 4)"]);
    }

    #[test]
    fn a_value_that_reads_like_the_end_of_a_message_is_not_echoed() {
        for value in [r#""secret at line 1""#, r#""expected secret""#, r#"{"expected secret at line 1": 1}"#]
        {
            let found = errors(&format!(r#"{{"method": "a", "body": {value}}}"#));
            assert_eq!(found, ["body: must be an array"]);
        }
    }
}
