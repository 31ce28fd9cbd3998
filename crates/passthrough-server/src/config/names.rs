//! A setting that is misspelt must not silently do nothing: the names that there are, and what was meant by others.

use std::collections::HashMap;
use std::path::Path;

use passthrough_core::suggest::nearest;

use super::{ConfigError, DEFAULT};

const PREFIX: &str = "PASSTHROUGH_";

/// The names of all settings in a table, those of a section behind the section's name.
fn names(table: &toml::Table, separator: &str) -> Vec<String> {
    let mut names = Vec::new();
    for (name, value) in table {
        match value {
            toml::Value::Table(section) => {
                names.extend(section.keys().map(|key| format!("{name}{separator}{key}")))
            }
            _ => names.push(name.clone()),
        }
    }
    names
}

/// Looks for names in a settings file that are none of ours: a misspelt setting must not silently do nothing.
pub(super) fn check_names(path: &Path) -> Result<(), ConfigError> {
    let invalid = |message: String| ConfigError::Invalid(format!("{}: {message}", path.display()));
    let text = std::fs::read_to_string(path).map_err(|error| invalid(format!("cannot be read: {error}")))?;
    // The parser's own text quotes the line, which may hold a password.
    let given: toml::Table = text.parse().map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        invalid(format!("line {}: {}", before.matches('\n').count() + 1, error.message()))
    })?;
    let defaults: toml::Table = DEFAULT.parse().map_err(|error| ConfigError::Invalid(format!("{error}")))?;
    let known = names(&defaults, ".");
    let unknown = names(&given, ".").into_iter().filter(|name| !known.contains(name)).map(|name| {
        let hint = match name.split_once('.') {
            // Only what stands in the same section is alike: the section's name is no likeness.
            Some((section, key)) if defaults.contains_key(section) => {
                let beside =
                    || known.iter().filter_map(|known| known.strip_prefix(section)?.strip_prefix('.'));
                nearest(key, beside()).map_or_else(
                    || format!("there are {}", beside().collect::<Vec<_>>().join(", ")),
                    |near| format!("did you mean `{section}.{near}`?"),
                )
            }
            // A name of ours, but for a section.
            None if defaults.get(&name).is_some_and(toml::Value::is_table) => {
                return format!("{name} is a section; write [{name}] and its settings below it");
            }
            section => {
                let top = section.map_or(name.as_str(), |(section, _)| section);
                let near = nearest(top, defaults.keys().map(String::as_str));
                near.map_or_else(
                    || "`passthrough serve --print-config` shows all".to_owned(),
                    |near| format!("did you mean `{near}`?"),
                )
            }
        };
        format!("unknown setting {name}; {hint}")
    });
    let unknown: Vec<String> = unknown.collect();
    if unknown.is_empty() { Ok(()) } else { Err(invalid(unknown.join("; "))) }
}

/// The settings among the environment's variables, without their prefix. A misspelt one of a section is
/// an error: an allow-list that silently is not there, or is, would be worse. Variables without a section
/// may be the client's and are let be.
pub(super) fn known_settings(
    environment: HashMap<String, String>,
) -> Result<HashMap<String, String>, ConfigError> {
    let defaults: toml::Table = DEFAULT.parse().map_err(|error| ConfigError::Invalid(format!("{error}")))?;
    let known = names(&defaults, "__");
    let mut settings = HashMap::new();
    for (variable, value) in environment {
        let Some(name) = variable.strip_prefix(PREFIX).map(str::to_ascii_lowercase) else { continue };
        if known.contains(&name) {
            settings.insert(name, value);
        } else if name.contains("__") {
            let near = nearest(&name, known.iter().map(String::as_str));
            let hint = near.map_or_else(String::new, |near| {
                format!("; did you mean {PREFIX}{}?", near.to_ascii_uppercase())
            });
            return Err(ConfigError::Invalid(format!("unknown setting {variable}{hint}")));
        }
    }
    Ok(settings)
}
