//! What a file says of a consent, and what it may not say: whatever binds one to its browser and its client is ours.

use indexmap::IndexMap;

use super::GrantReader;
use crate::grant::OURS;
use crate::provider::file::{OAuth1File, OAuth2File};
use crate::provider::grant::{CLIENT_NAMES, REDIRECT_URI};
use crate::provider::validate::check_name;
use crate::template::Template;

const SET_BY_US: &str = "is set by Passthrough and cannot be changed";

impl GrantReader<'_, '_> {
    /// What binds a consent to the client and the browser that asked for it is set by us alone: a file that set a
    /// fixed `state` or `code_challenge` would take it away (login CSRF).
    pub(super) fn authorize_params(&mut self, file: &OAuth2File, at: &str) -> Vec<(String, Template)> {
        for name in file.authorize_params.keys() {
            let renamed = |ours: &&str| file.authorize_names.get(*ours).is_some_and(|theirs| theirs == name);
            if OURS.contains(&name.as_str()) || OURS.iter().any(renamed) {
                self.problem(format!("{at}.{name}"), SET_BY_US);
            }
        }
        self.parameters(&file.authorize_params, at)
    }

    /// What a state and a redirect URI are called is not a file's to change: they bind a consent to its browser.
    pub(super) fn names(&mut self, entries: &IndexMap<String, String>, at: &str) -> Vec<(String, String)> {
        for ours in ["state", REDIRECT_URI, "code_challenge"] {
            if entries.contains_key(ours) || entries.values().any(|name| name == ours) {
                self.problem(format!("{at}.{ours}"), "is called so everywhere");
            }
        }
        entries.iter().map(|(name, other)| (name.clone(), other.clone())).collect()
    }

    /// What OAuth 1.0a puts into that address is ours, too.
    pub(super) fn oauth1_params(&mut self, file: &OAuth1File, at: &str) -> Vec<(String, Template)> {
        for name in ["oauth_token", "oauth_callback"] {
            if file.authorize_params.contains_key(name) {
                self.problem(format!("{at}.{name}"), SET_BY_US);
            }
        }
        self.parameters(&file.authorize_params, at)
    }

    /// A code of a server that was discovered is not sent to one that is written down (mix-up).
    pub(super) fn check_discovered(&mut self, file: &OAuth2File, at: &str) {
        for (setting, given) in [
            ("authorize_url", &file.authorize_url),
            ("token_url", &file.token_url),
            ("refresh_url", &file.refresh_url),
            ("revoke_url", &file.revoke_url),
        ] {
            if given.is_some() {
                let message = "does not go with `grant = \"mcp_oauth\"`: the server says where it is";
                self.problem(format!("{at}.oauth2.{setting}"), message);
            }
        }
    }

    pub(super) fn callback(&mut self, entries: &IndexMap<String, String>, at: &str) -> Vec<(String, String)> {
        for name in entries.keys() {
            check_name(name, &format!("{at}.{name}"), self.reader.problems);
            self.check_captured(name, &format!("{at}.{name}"));
            // Whoever writes the address that a browser comes back to would choose the token, or the client.
            if is_ours(name) {
                self.problem(format!("{at}.{name}"), "is what the grant itself brings; give it another name");
            }
        }
        entries.iter().map(|(name, parameter)| (name.clone(), parameter.clone())).collect()
    }
}

/// Whether a value of this name comes from the grant or its client, and is not a file's to take from elsewhere.
fn is_ours(name: &str) -> bool {
    let granted = [
        "access_token",
        "refresh_token",
        "id_token",
        "oauth_token",
        "oauth_token_secret",
        "jwt",
        REDIRECT_URI,
    ];
    granted.contains(&name) || CLIENT_NAMES.contains(&name) || name.starts_with("mcp_")
}
