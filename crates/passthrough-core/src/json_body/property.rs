//! What must hold for any body at all, as a plain function: property tests and fuzz targets call it.

use serde_json::Value;

use super::{JsonBodyError, Pointer, inject};

/// Injects `value` (any text, put in as a JSON string) at `pointer` into `body`. Either an error, or what
/// comes out reads like `body` with the value set there. `Err` says what broke.
pub fn injecting_reads_like_setting(body: &[u8], pointer: &str, value: &str) -> Result<(), &'static str> {
    let Ok(pointer) = pointer.parse::<Pointer>() else { return Ok(()) };
    if pointer.tokens().iter().any(|token| token == LIBRARYS_OWN) || holds_the_librarys_own(body) {
        return Ok(());
    }
    let value = Value::from(value);
    let result = inject(body, &[(pointer.clone(), value.to_string())]);
    let read: Option<Value> = if body.is_empty() { None } else { serde_json::from_slice(body).ok() };
    let injected = match result {
        Err(JsonBodyError::NotJson { .. } | JsonBodyError::NotUtf8 { .. }) if read.is_some() => {
            return Err("valid JSON was refused");
        }
        Err(_) => return Ok(()),
        Ok(injected) => injected,
    };
    // Some texts are JSON to the one reader and too deep or half a surrogate pair to the other.
    let mut expected = match read {
        Some(read) => read,
        None if body.is_empty() => Value::Object(serde_json::Map::new()),
        None => return Ok(()),
    };
    set(&mut expected, pointer.tokens(), value).ok_or("a body without the place was accepted")?;
    match serde_json::from_slice::<Value>(&injected) {
        Ok(found) if found == expected => Ok(()),
        Ok(_) => Err("something else than the value changed"),
        Err(_) => Err("the result is not JSON"),
    }
}

/// An object with this one name is not an object to `serde_json::Value`, but raw JSON that stands in a text. What
/// injects does not read into a `Value`; only the comparison here does, and would compare something else.
const LIBRARYS_OWN: &str = "$serde_json::private::RawValue";

fn holds_the_librarys_own(body: &[u8]) -> bool {
    body.windows(LIBRARYS_OWN.len()).any(|window| window == LIBRARYS_OWN.as_bytes())
}

fn set(target: &mut Value, tokens: &[String], value: Value) -> Option<()> {
    let Some((first, rest)) = tokens.split_first() else {
        *target = value;
        return Some(());
    };
    let made = || Value::Object(serde_json::Map::new());
    set(target.as_object_mut()?.entry(first.clone()).or_insert_with(made), rest, value)
}
