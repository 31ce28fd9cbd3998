//! Parameters by name: of a query, a form or a JSON object.

use percent_encoding::percent_decode_str;
use serde_json::Value;
use zeroize::Zeroizing;

use crate::path::encode_query_component;
use crate::template::{Scope, Template};

/// Names and plain values, in their order. A name stands here once. Never printed: it has no Debug.
#[derive(Default)]
pub(super) struct Params(Vec<(String, Zeroizing<String>)>);

impl Params {
    /// Sets a parameter; one of this name keeps its place.
    pub(super) fn set(&mut self, name: &str, value: impl Into<String>) {
        let value = Zeroizing::new(value.into());
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, known)) => *known = value,
            None => self.0.push((name.to_owned(), value)),
        }
    }

    /// Sets it where there is a value.
    pub(super) fn set_some(&mut self, name: &str, value: Option<impl Into<String>>) {
        if let Some(value) = value {
            self.set(name, value);
        }
    }

    /// Sets what the provider file says: it knows better than the RFC. A template whose optional field is absent
    /// sets nothing.
    pub(super) fn set_all(&mut self, templates: &[(String, Template)], scope: &Scope<'_>) {
        for (name, template) in templates {
            self.set_some(name, template.render(scope).map(|text| text.to_string()));
        }
    }

    /// Gives parameters the names that a provider has for them; without one, they are not sent.
    pub(super) fn rename(&mut self, names: &[(String, String)]) {
        for (name, other) in names {
            if other.is_empty() {
                self.0.retain(|(known, _)| known != name);
            } else if let Some((known, _)) = self.0.iter_mut().find(|(known, _)| known == name) {
                known.clone_from(other);
            }
        }
    }

    /// As a query or a form. A space is `%20`, which every reader of forms understands.
    pub(super) fn form(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::new());
        for (name, value) in &self.0 {
            if !text.is_empty() {
                text.push('&');
            }
            text.push_str(&encode_query_component(name));
            text.push('=');
            text.push_str(&encode_query_component(value));
        }
        text
    }

    /// As a JSON object of texts.
    pub(super) fn json(&self) -> Zeroizing<String> {
        let members = self.0.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str())));
        Zeroizing::new(Value::Object(members.collect()).to_string())
    }
}

/// The pairs of a form or a query (`application/x-www-form-urlencoded`), decoded; `+` is a space. What is no UTF-8
/// becomes U+FFFD. A name may stand there more than once.
pub fn parse_form(text: &str) -> Vec<(String, String)> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8_lossy().into_owned();
    let pairs = text.split('&').filter(|pair| !pair.is_empty());
    pairs
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        })
        .collect()
}
