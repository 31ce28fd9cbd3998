//! What a user gives: the fields of a credential and the variables of a connection.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use regex::Regex;
use secrecy::{ExposeSecret, SecretString};

use super::Problem;
use super::base::{BaseRefusal, HostAllowList, allowed_host, allowed_url};
use super::file::{VariableFormat, VariableSource};
use crate::suggest::nearest;

/// Longer values are mistakes (or an attack on memory): the largest real ones are PEM chains.
const MAX_VALUE_BYTES: usize = 64 * 1024;

/// One thing that a user gives.
#[derive(Debug, Clone, Default)]
pub struct Input {
    /// What a form shows.
    pub label: String,
    /// Where a person finds it.
    pub description: Option<String>,
    /// A value as it may look.
    pub example: Option<String>,
    /// What the whole value must look like.
    pub pattern: Option<Regex>,
    /// The only values that it may have.
    pub values: Option<Vec<String>>,
    /// The value where none is given.
    pub default: Option<String>,
    /// Whether it may be left out.
    pub optional: bool,
    /// Whether it is masked everywhere.
    pub secret: bool,
    /// Cut off the front.
    pub strip_prefix: Option<String>,
    /// Cut off the end.
    pub strip_suffix: Option<String>,
    /// Put in front.
    pub add_prefix: Option<String>,
    /// Put behind.
    pub add_suffix: Option<String>,
    /// Where it comes from.
    pub source: VariableSource,
    /// What it stands for in a base URL.
    pub format: VariableFormat,
    /// For a whole host: the domains under which it must be.
    pub hosts: Vec<String>,
}

/// Inputs by name, in the order of the file.
#[derive(Debug, Clone, Default)]
pub struct Inputs(pub IndexMap<String, Input>);

impl Inputs {
    /// Whether the given names are all known and nothing needed is missing.
    pub fn fit<'a>(&self, given: impl Iterator<Item = &'a str> + Clone) -> bool {
        given.clone().all(|name| self.0.contains_key(name))
            && self
                .0
                .iter()
                .all(|(name, input)| !input.required() || given.clone().any(|given| given == name))
    }

    /// Checks given values and fills in defaults. Problems name the place below `at`, never the value. `also` are names
    /// that may stand there besides, and were taken away before.
    pub fn accept(
        &self,
        at: &str,
        given: IndexMap<String, SecretString>,
        also: &[&str],
        hosts: &HostAllowList,
        problems: &mut Vec<Problem>,
    ) -> BTreeMap<String, SecretString> {
        let mut accepted = BTreeMap::new();
        for (name, value) in given {
            let path = format!("{at}.{name}");
            let Some(input) = self.0.get(&name) else {
                problems.push(Problem::new(path, self.unknown(&name, also)));
                continue;
            };
            match input.accept(&name, value.expose_secret(), hosts) {
                Ok(Some(value)) => drop(accepted.insert(name, value)),
                Ok(None) => {}
                Err(message) => problems.push(Problem::new(path, message)),
            }
        }
        for (name, input) in &self.0 {
            if accepted.contains_key(name) || problems.iter().any(|p| p.path == format!("{at}.{name}")) {
                continue;
            }
            if let Some(default) = &input.default {
                accepted.insert(name.clone(), default.as_str().into());
            } else if !input.optional {
                problems.push(Problem::new(format!("{at}.{name}"), format!("missing: {}", input.label)));
            }
        }
        accepted
    }

    fn unknown(&self, name: &str, also: &[&str]) -> String {
        let known = || self.0.keys().map(String::as_str).chain(also.iter().copied());
        match nearest(name, known()) {
            Some(near) => format!("unknown; did you mean `{near}`?"),
            None if known().next().is_none() => "unknown; none are needed".to_owned(),
            None => format!("unknown; there are {}", known().collect::<Vec<_>>().join(", ")),
        }
    }
}

impl VariableSource {
    /// Whether an answer of the provider brings it.
    pub fn is_found_out(self) -> bool {
        match self {
            VariableSource::User => false,
            VariableSource::Captured | VariableSource::Discovered => true,
        }
    }
}

impl Input {
    /// Whether a user must give it.
    pub fn required(&self) -> bool {
        !self.optional && self.default.is_none()
    }

    /// The value as it is used, `None` where an empty text stands for "not given".
    fn accept(&self, name: &str, given: &str, hosts: &HostAllowList) -> Result<Option<SecretString>, String> {
        if given.len() > MAX_VALUE_BYTES {
            return Err(format!("longer than {MAX_VALUE_BYTES} bytes"));
        }
        let value = self.normalised(given);
        if value.is_empty() {
            return if self.required() {
                Err(format!("must not be empty: {}", self.label))
            } else {
                Ok(None)
            };
        }
        self.check(name, &value, hosts)?;
        Ok(Some(value.into()))
    }

    /// Whether a value may be used as it is. The message never holds it.
    pub(super) fn check(&self, name: &str, value: &str, hosts: &HostAllowList) -> Result<(), String> {
        if value.contains('\0') {
            return Err("holds a NUL character".to_owned());
        }
        if let Some(values) = &self.values
            && !values.iter().any(|known| known == value)
        {
            return Err(format!("must be one of {}", values.join(", ")));
        }
        if let Some(pattern) = &self.pattern
            && !pattern.is_match(value)
        {
            return Err(match &self.example {
                Some(example) => format!("does not look right; an example is `{example}`"),
                None => format!("does not match the pattern `{}`", unanchored(pattern)),
            });
        }
        match self.format {
            VariableFormat::Text => Ok(()),
            VariableFormat::Host => {
                allowed_host(name, self, value, hosts).map(drop).map_err(|refusal| refusal.to_string())
            }
            VariableFormat::Url => {
                allowed_url(name, self, value, hosts).map(drop).map_err(|refusal| match refusal {
                    BaseRefusal::Invalid(message) => message,
                    refusal => refusal.to_string(),
                })
            }
        }
    }

    /// Without what a user typed too much and with what a user left out; nothing is put around nothing.
    fn normalised(&self, given: &str) -> String {
        let part = |part: &Option<String>| part.clone().unwrap_or_default();
        let value = given.strip_prefix(&part(&self.strip_prefix)).unwrap_or(given);
        let value = value.strip_suffix(&part(&self.strip_suffix)).unwrap_or(value);
        if value.is_empty() {
            return String::new();
        }
        let (prefix, suffix) = (part(&self.add_prefix), part(&self.add_suffix));
        let front = if value.starts_with(&prefix) { "" } else { &prefix };
        let back = if value.ends_with(&suffix) { "" } else { &suffix };
        format!("{front}{value}{back}")
    }
}

/// A pattern as its file has it.
fn unanchored(pattern: &Regex) -> &str {
    let text = pattern.as_str();
    text.strip_prefix("^(?:").and_then(|text| text.strip_suffix(")$")).unwrap_or(text)
}
