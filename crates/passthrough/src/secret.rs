//! Secrets on their way in: from a file, from standard input, or, against better advice, from the command line.
//!
//! A command line can be read by everybody on the machine and stays in the shell's history.

use std::convert::Infallible;
use std::ffi::OsString;
use std::io::Read;
use std::path::Path;

use secrecy::{ExposeSecret, SecretString};

use crate::exit::Hinted;

/// An API key or connection token as it was given: the text itself, or `@FILE`.
///
/// A file is read only when a server is asked: many commands need none, and the environment names it for all.
#[derive(Debug, Clone)]
pub struct GivenToken(SecretString);

/// Takes what flag or environment say. For `clap`; it fails nothing, so that nothing fails before it must.
pub fn parse_token(text: &str) -> Result<GivenToken, Infallible> {
    Ok(GivenToken(text.into()))
}

impl GivenToken {
    /// The token. Messages name the place that it was given in, and never hold the text.
    pub fn read(&self, flag: &str, variable: &str) -> Result<SecretString, Hinted> {
        let source = if is_flag_given(flag, std::env::args_os()) { flag } else { variable };
        let text = self.0.expose_secret();
        let Some(path) = text.strip_prefix('@') else {
            if text.is_empty() {
                return Err(Hinted::usage(format!("{source} is empty"), "give the text itself, or @FILE"));
            }
            return Ok(self.0.clone());
        };
        let hint = format!("{source} names this file");
        match from_file(Path::new(path)) {
            Ok(token) if token.expose_secret().trim().is_empty() => {
                Err(Hinted::usage(format!("the file {path} is empty (from {source})"), hint))
            }
            read => read.map_err(|message| Hinted::usage(format!("{message} (from {source})"), hint)),
        }
    }
}

/// A flag wins over the environment, so it is the source wherever it is given.
fn is_flag_given(flag: &str, args: impl Iterator<Item = OsString>) -> bool {
    args.filter_map(|arg| arg.into_string().ok())
        .any(|arg| arg.strip_prefix(flag).is_some_and(|rest| rest.is_empty() || rest.starts_with('=')))
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

    #[test]
    fn one_line_break_at_the_end_is_not_part_of_a_secret() {
        for (text, secret) in [("a", "a"), ("a\n", "a"), ("a\r\n", "a"), ("a\n\n", "a\n"), (" a ", " a ")] {
            assert_eq!(without_line_break(text.to_owned()).expose_secret(), secret);
        }
    }

    #[test]
    fn a_file_that_is_not_there_is_named() {
        let read = |text: &str| parse_token(text).unwrap().read("--api-key", "PASSTHROUGH_API_KEY");
        let said = read("@/nowhere/at/all").unwrap_err().to_string();
        assert!(said.contains("/nowhere/at/all") && said.contains("PASSTHROUGH_API_KEY"), "{said}");
        assert!(read("@/dev/null").unwrap_err().to_string().contains("/dev/null is empty"));
        assert_eq!(read("sk_1").unwrap().expose_secret(), "sk_1");
        assert!(read("").is_err());
    }

    #[test]
    fn a_flag_is_recognised_in_both_forms() {
        let given = |arg: &str| is_flag_given("--api-key", [arg.into()].into_iter());
        assert!(given("--api-key") && given("--api-key=x") && !given("--api-keys") && !given("x"));
    }
}
