//! What is taken out of answers, and the names under which templates find it.

use std::collections::BTreeSet;

use indexmap::IndexMap;

use super::GrantReader;
use crate::provider::file::{AuthFile, CaptureFile, ExactCaptureFile, GrantKind};
use crate::provider::grant::{CLIENT_NAMES, Capture, CaptureFrom, REDIRECT_URI};
use crate::provider::validate::check_name;

impl GrantReader<'_, '_> {
    pub(super) fn captures(&mut self, entries: &IndexMap<String, CaptureFile>, at: &str) -> Vec<Capture> {
        entries.iter().filter_map(|(name, file)| self.capture(name, file, &format!("{at}.{name}"))).collect()
    }

    fn capture(&mut self, name: &str, file: &CaptureFile, at: &str) -> Option<Capture> {
        check_name(name, at, self.reader.problems);
        self.check_captured(name, at);
        let exact = match file {
            CaptureFile::Pointer(pointer) => {
                &ExactCaptureFile { pointer: Some(pointer.clone()), ..ExactCaptureFile::default() }
            }
            CaptureFile::Exact(exact) => exact,
        };
        let ExactCaptureFile { pointer, header, cookie, text, unless, optional } = exact;
        let from = match (pointer, header, cookie, text) {
            (Some(pointer), None, None, false) => {
                CaptureFrom::Pointer(self.reader.pointer(Some(pointer), at)?)
            }
            (None, Some(name), None, false) => match http::HeaderName::from_bytes(name.as_bytes()) {
                Ok(name) => CaptureFrom::Header(name),
                Err(_) => {
                    self.problem(at, "is no header name");
                    return None;
                }
            },
            (None, None, Some(name), false) => CaptureFrom::Cookie(name.clone()),
            (None, None, None, true) => CaptureFrom::Text,
            _ => {
                self.problem(at, "says one of `pointer`, `header`, `cookie` and `text = true`");
                return None;
            }
        };
        Some(Capture { name: name.to_owned(), from, unless: unless.clone(), optional: *optional })
    }

    /// What an answer brings must not stand in for what a user gave.
    pub(super) fn check_captured(&mut self, name: &str, at: &str) {
        if self.variables.0.get(name).is_some_and(|input| !input.source.is_found_out()) {
            self.problem(at, "is a variable that the user gives; say `from = \"captured\"` there");
        }
    }
}

/// The names that the grant of an entry brings into templates, read off what was typed: the templates of the grant
/// itself are checked against them.
pub(in crate::provider) fn yielded(entry: &AuthFile, kind: GrantKind) -> BTreeSet<&str> {
    let mut names = BTreeSet::new();
    if kind == GrantKind::Static {
        return names;
    }
    names.extend(CLIENT_NAMES);
    if kind == GrantKind::Oauth2Code {
        names.insert(REDIRECT_URI);
    }
    if let Some(oauth2) = &entry.oauth2 {
        names.extend(oauth2.capture.keys().chain(oauth2.callback.keys()).map(String::as_str));
    }
    if let Some(oauth1) = &entry.oauth1 {
        names.extend(oauth1.callback.keys().map(String::as_str));
    }
    if let Some(login) = &entry.login {
        let steps = login.steps.iter().chain(&login.refresh).flat_map(|step| step.capture.keys());
        names.extend(login.capture.keys().chain(steps).map(String::as_str));
    }
    if entry.jwt.is_some() {
        names.insert("jwt");
    }
    match kind {
        GrantKind::Oauth1 => names.extend(["oauth_token", "oauth_token_secret"]),
        GrantKind::Login | GrantKind::AppJwtExchange | GrantKind::Static => {}
        GrantKind::Oauth2Code
        | GrantKind::Oauth2ClientCredentials
        | GrantKind::Oauth2Password
        | GrantKind::Oauth2JwtBearer
        | GrantKind::McpOauth => names.extend(["access_token", "refresh_token"]),
    }
    names
}
