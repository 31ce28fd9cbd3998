//! Secrets on their way in: from a file, from standard input, or, against better advice, from the command line.
//!
//! A command line can be read by everybody on the machine and stays in the shell's history.

use std::io::Read;
use std::path::Path;

use secrecy::SecretString;

/// Reads an API key or connection token: the text itself, or `@FILE`.
///
/// For `clap`, which reads flags and environment with it; messages never hold the text.
pub fn parse_token(text: &str) -> Result<SecretString, String> {
    match text.strip_prefix('@') {
        Some(path) => from_file(Path::new(path)),
        None if text.is_empty() => Err("is empty".to_owned()),
        None => Ok(text.into()),
    }
}

/// The text of a file, without the line break at its end.
pub fn from_file(path: &Path) -> Result<SecretString, String> {
    let read = std::fs::read_to_string(path);
    read.map(without_line_break).map_err(|error| format!("cannot read {}: {error}", path.display()))
}

/// All of standard input, without the line break at its end.
pub fn from_standard_input() -> Result<SecretString, String> {
    let mut text = String::new();
    let read = std::io::stdin().lock().read_to_string(&mut text);
    read.map(|_| without_line_break(text)).map_err(|error| format!("cannot read standard input: {error}"))
}

/// Editors and `echo` end a text with a line break that is not part of the secret. Only one is taken away: a key in
/// PEM form may need the rest.
fn without_line_break(text: String) -> SecretString {
    let text = text.strip_suffix('\n').map(|text| text.strip_suffix('\r').unwrap_or(text)).unwrap_or(&text);
    text.into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn one_line_break_at_the_end_is_not_part_of_a_secret() {
        for (text, secret) in [("a", "a"), ("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a\n"), (" a ", " a ")] {
            assert_eq!(without_line_break(text.to_owned()).expose_secret(), secret);
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        assert!(parse_token("@/nowhere/at/all").unwrap_err().contains("/nowhere/at/all"));
        assert_eq!(parse_token("sk_1").unwrap().expose_secret(), "sk_1");
    }
}
