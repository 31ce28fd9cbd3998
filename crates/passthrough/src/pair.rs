//! `NAME=VALUE` on the command line.

/// Splits at the first `=`. Messages do not repeat the text: it may hold a secret.
pub fn split(text: &str) -> Result<(&str, &str), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name, value)),
        _ => Err("write it as NAME=VALUE".to_owned()),
    }
}

/// The same, for `clap`.
pub fn parse(text: &str) -> Result<(String, String), String> {
    split(text).map(|(name, value)| (name.to_owned(), value.to_owned()))
}
