//! What a user gives for a new connection: the fields of an auth entry, tokens that were obtained elsewhere, and the
//! variables.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use secrecy::{ExposeSecret, SecretString};

use super::grant::CLIENT_NAMES;
use super::{Auth, BaseRefusal, Grant, HostAllowList, Problem, Provider};
use crate::connection::{Credential, Obtained, Variables};
use crate::freshness::LIFETIME_MAX_MS;

/// Beside tokens: when the access token ends, as RFC 3339 or unix seconds, or in how many seconds.
const ENDS: [&str; 2] = ["expires_at", "expires_in"];

/// Longer values are mistakes: the largest tokens are JWTs with a directory of groups in them.
const MAX_TOKEN_BYTES: usize = 64 * 1024;

impl Auth {
    /// Names besides the fields that a connection may be made with: tokens that somebody else obtained, and an OAuth
    /// client of the connection's own.
    fn importable(&self) -> Vec<&str> {
        let mut names = self.grant.yields();
        if !names.is_empty() {
            names.extend(ENDS);
        }
        if matches!(self.grant, Grant::OAuth2(_)) {
            names.extend(["client_private_key", "client_key_id"]);
        }
        names.retain(|name| !self.fields.0.contains_key(*name));
        names
    }

    /// Whether what was given can be for this entry.
    fn fits<'a>(&self, given: impl Iterator<Item = &'a str> + Clone) -> bool {
        let importable = self.importable();
        let fields = given.clone().filter(|name| self.fields.0.contains_key(*name));
        let known = given.clone().all(|name| self.fields.0.contains_key(name) || importable.contains(&name));
        let imported = given.clone().any(|name| importable.contains(&name) && !is_client(name));
        known && self.fields.fit(fields) && (imported || !self.grant.needs_consent())
    }
}

fn is_client(name: &str) -> bool {
    CLIENT_NAMES.contains(&name) || name == "client_private_key" || name == "client_key_id"
}

impl Provider {
    /// The auth entry that a new connection means: the one named, or the only one that fits what was given.
    pub fn choose_auth<'a>(
        &self,
        named: Option<&str>,
        given: impl Iterator<Item = &'a str> + Clone,
    ) -> Result<&Auth, Problem> {
        let names = || self.auth.keys().map(String::as_str).collect::<Vec<_>>().join(", ");
        if let Some(name) = named {
            return self.auth.get(name).ok_or_else(|| {
                Problem::new(
                    "auth",
                    format!("{} has no auth entry of that name; it has {}", self.code, names()),
                )
            });
        }
        let mut fitting = self.auth.values().filter(|auth| auth.fits(given.clone()));
        match (fitting.next(), fitting.next()) {
            (Some(auth), None) => Ok(auth),
            _ if self.auth.len() == 1 => Ok(&self.auth[0]),
            _ => {
                Err(Problem::new("auth", format!("say which auth entry of {} it is: {}", self.code, names())))
            }
        }
    }

    /// Checks what a user gave for an auth entry and for the variables, and fills in defaults. Tokens that were
    /// obtained elsewhere become what the grant yielded; `now` is unix milliseconds.
    pub fn accept(
        &self,
        auth: &Auth,
        mut credentials: IndexMap<String, SecretString>,
        variables: IndexMap<String, SecretString>,
        hosts: &HostAllowList,
        now: i64,
    ) -> Result<(Credential, Variables), Vec<Problem>> {
        let mut problems = Vec::new();
        let importable = auth.importable();
        let (mut client, mut tokens) = (BTreeMap::new(), BTreeMap::new());
        for name in importable.iter().copied() {
            let Some(value) = credentials.shift_remove(name) else { continue };
            if let Err(message) = check_token(value.expose_secret()) {
                problems.push(Problem::new(format!("credentials.{name}"), message));
            }
            let place = if is_client(name) { &mut client } else { &mut tokens };
            place.insert(name.to_owned(), value);
        }
        let mut fields = auth.fields.accept("credentials", credentials, &importable, hosts, &mut problems);
        fields.extend(client);
        let variables = self.accept_asked(auth, variables, hosts, &mut problems);
        let obtained = imported(tokens, now, &mut problems);
        if obtained.is_none() && auth.grant.needs_consent() && problems.is_empty() {
            let names = if matches!(auth.grant, Grant::OAuth1(_)) {
                "`oauth_token`"
            } else {
                "`refresh_token` or `access_token`"
            };
            let message =
                format!("the end user has to consent: make a link session, or give {names} that you have");
            problems.push(Problem::new("credentials", message));
        }
        let credential = Credential { fields, obtained, client: BTreeMap::new() };
        if problems.is_empty() {
            self.check_bases(&variables, &credential, hosts, &mut problems);
        }
        if problems.is_empty() { Ok((credential, variables)) } else { Err(problems) }
    }

    /// Checks what a user gives before consenting at the provider, which brings the rest.
    pub fn accept_before_consent(
        &self,
        auth: &Auth,
        fields: IndexMap<String, SecretString>,
        variables: IndexMap<String, SecretString>,
        hosts: &HostAllowList,
    ) -> Result<(Credential, Variables), Vec<Problem>> {
        let mut problems = Vec::new();
        let fields = auth.fields.accept("credentials", fields, &[], hosts, &mut problems);
        let variables = self.accept_asked(auth, variables, hosts, &mut problems);
        let credential = Credential { fields, obtained: None, client: BTreeMap::new() };
        if problems.is_empty() {
            self.check_bases(&variables, &credential, hosts, &mut problems);
        }
        if problems.is_empty() { Ok((credential, variables)) } else { Err(problems) }
    }

    /// Checks other variables for a credential that stays.
    pub fn accept_variables(
        &self,
        credential: &Credential,
        variables: IndexMap<String, SecretString>,
        hosts: &HostAllowList,
    ) -> Result<Variables, Vec<Problem>> {
        let mut problems = Vec::new();
        let variables = self.variables.accept("variables", variables, &[], hosts, &mut problems);
        if problems.is_empty() {
            self.check_bases(&variables, credential, hosts, &mut problems);
        }
        if problems.is_empty() { Ok(variables) } else { Err(problems) }
    }

    /// Checks given variables, among them those that only connections of other entries find out by themselves.
    fn accept_asked(
        &self,
        auth: &Auth,
        given: IndexMap<String, SecretString>,
        hosts: &HostAllowList,
        problems: &mut Vec<Problem>,
    ) -> Variables {
        let accepted = self.variables.accept("variables", given, &[], hosts, problems);
        for (name, input) in &self.variables.0 {
            let at = format!("variables.{name}");
            let asked = input.source.is_found_out() && !self.finds_out(auth, name);
            if asked && !accepted.contains_key(name) && problems.iter().all(|problem| problem.path != at) {
                problems.push(Problem::new(at, format!("missing: {}", input.label)));
            }
        }
        accepted
    }

    fn check_bases(
        &self,
        variables: &Variables,
        credential: &Credential,
        hosts: &HostAllowList,
        problems: &mut Vec<Problem>,
    ) {
        for base in std::iter::once(&self.base_url).chain(self.base_urls.values()) {
            let Err(refusal) = base.resolve(variables, credential, &self.variables, hosts) else {
                continue;
            };
            if self.is_yet_to_come(&refusal) {
                continue;
            }
            let at = refusal.variable().map_or("variables".to_owned(), |name| format!("variables.{name}"));
            let problem = Problem::new(at, refusal.to_string());
            if !problems.contains(&problem) {
                problems.push(problem);
            }
        }
    }

    /// Whether only something is missing that an answer of the provider will bring.
    fn is_yet_to_come(&self, refusal: &BaseRefusal) -> bool {
        let BaseRefusal::Missing(name) = refusal else { return false };
        self.variables.0.get(name).is_some_and(|input| input.source.is_found_out())
    }
}

fn check_token(value: &str) -> Result<(), String> {
    if value.is_empty() {
        return Err("must not be empty; leave it out".to_owned());
    }
    if value.len() > MAX_TOKEN_BYTES {
        return Err(format!("longer than {MAX_TOKEN_BYTES} bytes"));
    }
    if value.contains('\0') {
        return Err("holds a NUL character".to_owned());
    }
    Ok(())
}

/// What the given tokens are as if our own grant had yielded them. Where nobody says when they end, a refresh token is
/// used at the first call: it tells.
fn imported(
    mut tokens: BTreeMap<String, SecretString>,
    now: i64,
    problems: &mut Vec<Problem>,
) -> Option<Obtained> {
    let at = tokens.remove("expires_at").map(|at| (at, "expires_at"));
    let within = tokens.remove("expires_in").map(|within| (within, "expires_in"));
    if tokens.is_empty() {
        if let Some((_, name)) = at.or(within) {
            problems.push(Problem::new(format!("credentials.{name}"), "goes with an `access_token`"));
        }
        return None;
    }
    let mut expires_at = None;
    if let Some((text, name)) = at {
        match instant_ms(text.expose_secret()) {
            // What ended before there were such tokens has just ended: no date is one that cannot be counted with.
            Some(at) => expires_at = Some(at.clamp(0, now.saturating_add(LIFETIME_MAX_MS))),
            None => {
                let message = "is neither RFC 3339 such as `2026-01-31T12:00:00Z` nor unix seconds";
                problems.push(Problem::new(format!("credentials.{name}"), message));
            }
        }
    } else if let Some((text, name)) = within {
        match text.expose_secret().trim().parse::<u32>() {
            Ok(seconds) => {
                let lifetime = (i64::from(seconds) * 1_000).clamp(1, LIFETIME_MAX_MS);
                expires_at = Some(now + lifetime);
            }
            Err(_) => problems.push(Problem::new(format!("credentials.{name}"), "is no number of seconds")),
        }
    }
    if !tokens.contains_key("access_token") && tokens.contains_key("refresh_token") {
        expires_at = Some(now);
    }
    Some(Obtained { values: tokens, at: now, expires_at, refresh_expires_at: None })
}

/// RFC 3339, unix seconds or unix milliseconds as unix milliseconds.
pub fn instant_ms(text: &str) -> Option<i64> {
    let text = text.trim();
    if let Ok(number) = text.parse::<i64>() {
        // Seconds until the year 5138.
        return Some(if number.unsigned_abs() < 100_000_000_000 { number * 1_000 } else { number });
    }
    text.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_read_in_seconds_milliseconds_and_as_text_whatever_the_number() {
        for (text, at) in [
            ("1767225600", Some(1_767_225_600_000)),
            (" 1767225600000 ", Some(1_767_225_600_000)),
            ("2026-01-01T00:00:00Z", Some(1_767_225_600_000)),
            ("-1", Some(-1_000)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775807", Some(i64::MAX)),
            ("9223372036854775808", None),
            ("soon", None),
        ] {
            assert_eq!(instant_ms(text), at, "{text}");
        }
    }

    #[test]
    fn an_imported_token_ends_at_a_time_that_can_be_counted_with() {
        for (text, at) in [("-9223372036854775808", 0), ("9223372036854775807", 1_000 + LIFETIME_MAX_MS)] {
            let tokens = [("access_token", "a"), ("expires_at", text)];
            let tokens = tokens.map(|(name, value)| (name.to_owned(), SecretString::from(value)));
            let (mut problems, now) = (Vec::new(), 1_000);
            let obtained = imported(tokens.into(), now, &mut problems).unwrap();
            assert_eq!((obtained.expires_at, problems.len()), (Some(at), 0), "{text}");
        }
    }
}
