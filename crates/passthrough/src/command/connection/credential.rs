//! `name=value` pairs of the command line, and where a secret value really is.

use std::path::Path;

use secrecy::SecretString;

use crate::{pair, secret};

/// Where the value of a field is.
#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// In a file.
    File(String),
    /// On standard input.
    StandardInput,
    /// On the command line, where others can read it.
    Here(SecretString),
}

/// A field and where its value is.
#[derive(Debug, Clone)]
pub(crate) struct Given {
    pub(crate) name: String,
    pub(crate) source: Source,
}

/// Reads `name=@FILE`, `name=-` and `name=value`. For `clap`; messages hold no value.
pub(crate) fn parse_given(text: &str) -> Result<Given, String> {
    let (name, value) = pair::split(text).map_err(|_| "write it as NAME=@FILE, NAME=- or NAME=VALUE")?;
    let source = match value.strip_prefix('@') {
        Some(path) => Source::File(path.to_owned()),
        None if value == "-" => Source::StandardInput,
        None => Source::Here(value.into()),
    };
    Ok(Given { name: name.to_owned(), source })
}

impl Given {
    /// The value.
    pub(crate) fn read(&self) -> Result<SecretString, String> {
        match &self.source {
            Source::File(path) => secret::from_file(Path::new(path)),
            Source::StandardInput => secret::from_standard_input(),
            Source::Here(value) => Ok(value.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use secrecy::ExposeSecret;

    #[test]
    fn a_value_is_in_a_file_on_standard_input_or_here() {
        assert!(matches!(parse_given("k=@a/b").unwrap().source, Source::File(path) if path == "a/b"));
        assert!(matches!(parse_given("k=-").unwrap().source, Source::StandardInput));
        let here = parse_given("k=a=b").unwrap();
        assert_eq!((here.name.as_str(), here.read().unwrap().expose_secret()), ("k", "a=b"));
        for wrong in ["s3cret", "=s3cret"] {
            assert!(!parse_given(wrong).unwrap_err().contains("s3cret"));
        }
    }
}
