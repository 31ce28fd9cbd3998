//! What the library that reads settings says of a mistake, in the words of whoever wrote it.

use config::ConfigError;

/// One sentence: which setting, what it must be, where it was read. Of what stands there only what cannot be a
/// secret is shown: a wrong kind of value where a number or a switch belongs.
pub(super) fn sentence(error: &ConfigError) -> String {
    match error {
        ConfigError::Type { origin, unexpected, expected, key } => {
            let key = key.as_deref().unwrap_or("a setting");
            let origin = origin.as_ref().map_or_else(String::new, |origin| format!(" ({origin})"));
            format!("{key} must be {}, and is {}{origin}", wanted(expected), given(&unexpected.to_string()))
        }
        ConfigError::At { error, key: Some(key), .. } => {
            let text = error.to_string();
            // What the values' own reader says, with a comma of its own between the two.
            let kinds = text.strip_prefix("invalid type: ").or_else(|| text.strip_prefix("invalid value: "));
            match kinds.and_then(|kinds| kinds.rsplit_once(", expected ")) {
                Some((unexpected, expected)) => {
                    format!("{key} must be {}, and is {}", wanted(expected), given(unexpected))
                }
                None => format!("{key}: {text}"),
            }
        }
        ConfigError::NotFound(key) => format!("{key} is missing"),
        other => other.to_string(),
    }
}

fn wanted(expected: &str) -> String {
    match expected {
        text if text.contains("32 bit") => format!("a whole number from 0 to {}", u32::MAX),
        text if text.contains("integer") => "a whole number, at least 0".to_owned(),
        text if text.contains("boolean") => "true or false".to_owned(),
        text if text.contains("floating") => "a number".to_owned(),
        text if text.contains("sequence") => "a list, such as [\"…\", \"…\"]".to_owned(),
        text if text.contains("string") => "a text in quotes".to_owned(),
        text if text.contains("map") || text.contains("struct") => "a section".to_owned(),
        text => text.to_owned(),
    }
}

/// What stands there, without its type in the library's words.
fn given(unexpected: &str) -> String {
    match unexpected {
        "sequence" => "a list".to_owned(),
        "map" => "a section".to_owned(),
        text => match text.split_once(['`', '"']) {
            Some((_, value)) => format!("`{}`", value.trim_end_matches(['`', '"'])),
            None => text.to_owned(),
        },
    }
}
