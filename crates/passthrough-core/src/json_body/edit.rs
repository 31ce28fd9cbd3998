//! Finding the place in the text.

use std::fmt;
use std::ops::Range;

use serde::de::{Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::{JsonBodyError, Pointer};

/// A range of the body and what is to stand there instead.
pub(super) struct Splice {
    pub(super) range: Range<usize>,
    pub(super) text: String,
}

/// The text of the one JSON value that `text` holds, without the white space around it.
pub(super) fn only_value(text: &str) -> Result<&str, serde_json::Error> {
    serde_json::from_str::<&RawValue>(text).map(RawValue::get)
}

/// Where `value` goes in `body`, which is valid JSON, so that it stands at `pointer`.
pub(super) fn locate(body: &str, pointer: &Pointer, value: &str) -> Result<Splice, JsonBodyError> {
    let mut object = body.trim_ascii();
    let tokens = pointer.tokens();
    for (depth, token) in tokens.iter().enumerate() {
        if !object.starts_with('{') {
            let at = if depth == 0 { "top level".to_owned() } else { pointer.written(depth) };
            return Err(JsonBodyError::NotAnObject { at, pointer: pointer.clone() });
        }
        let members = serde_json::Deserializer::from_str(object)
            .deserialize_map(Named(token))
            .map_err(|_| JsonBodyError::UnreadableKey { pointer: pointer.clone() })?;
        if members.count > 1 {
            return Err(JsonBodyError::Duplicate { at: pointer.written(depth + 1) });
        }
        match (members.found, members.last) {
            (Some(found), _) => object = found,
            (None, Some(last)) => {
                let at = offset(body, last) + last.len();
                return Ok(Splice { range: at..at, text: format!(",{}", member(&tokens[depth..], value)) });
            }
            (None, None) => {
                let at = offset(body, object) + 1;
                return Ok(Splice { range: at..at, text: member(&tokens[depth..], value) });
            }
        }
    }
    let at = offset(body, object);
    Ok(Splice { range: at..at + object.len(), text: value.to_owned() })
}

/// Where `part`, a slice of `whole`, begins in it.
fn offset(whole: &str, part: &str) -> usize {
    part.as_ptr().addr() - whole.as_ptr().addr()
}

/// `"a":{"b":value}`.
fn member(tokens: &[String], value: &str) -> String {
    let Some((first, rest)) = tokens.split_first() else { return value.to_owned() };
    let key = serde_json::Value::from(first.as_str());
    let value = if rest.is_empty() { value.to_owned() } else { format!("{{{}}}", member(rest, value)) };
    format!("{key}:{value}")
}

/// The members of one object, as far as they matter. Texts are slices of the body.
#[derive(Default)]
struct Members<'a> {
    /// The value of the member that was asked for; the last, if there are several.
    found: Option<&'a str>,
    /// How many members have that name; more than one where another spells it in other case.
    count: usize,
    /// The value of the last member.
    last: Option<&'a str>,
}

/// Reads an object and looks for this name; keys are compared unescaped.
struct Named<'n>(&'n str);

impl<'de> Visitor<'de> for Named<'_> {
    type Value = Members<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
        let mut members = Members::default();
        while let Some((key, value)) = map.next_entry::<String, &RawValue>()? {
            if key == self.0 {
                members.count += 1;
                members.found = Some(value.get());
            } else if key.to_lowercase() == self.0.to_lowercase() {
                // Readers that ignore case (Go's, for one) take the later of the two: as good as a
                // second member of the same name.
                members.count += 2;
            }
            members.last = Some(value.get());
        }
        Ok(members)
    }
}
