//! Which variables decide where the requests of a connection go, and with them its secrets and its OAuth client's.

use std::collections::BTreeSet;

use super::base::in_authority;
use super::file::VariableFormat;
use super::grant::{CLIENT_NAMES, DiscoverAt};
use super::{Auth, Grant, Inputs, Problem, Provider};
use crate::base_url::{BaseUrl, Host};
use crate::template::{Piece, Template};

/// A host that is nobody's: what it passes for, any host does.
const PROBE: &str = "https://attacker.example";

impl Auth {
    /// Whether an OAuth client of an integration does anything here.
    pub fn uses_client(&self) -> bool {
        let named = |template: &&Template| template.names().iter().any(|name| CLIENT_NAMES.contains(name));
        match self.grant {
            Grant::OAuth2(_) | Grant::OAuth1(_) => true,
            Grant::Static => false,
            Grant::Login(_) => self.grant.templates().iter().chain(&self.inject.templates()).any(named),
        }
    }
}

impl Provider {
    /// The variables that stand in the host of any address in the file.
    pub fn host_variables(&self) -> BTreeSet<&str> {
        let bases =
            std::iter::once(&self.base_url).chain(self.base_urls.values()).map(|base| base.template());
        let grants = self.auth.values().flat_map(|auth| auth.grant.urls()).map(|url| url.template());
        let discovered = self.discover.iter().filter_map(|discover| match &discover.at {
            DiscoverAt::Url(url) => Some(url.template()),
            DiscoverAt::Call(step) => Some(step.url.template()),
            DiscoverAt::Path(_) => None,
        });
        bases.chain(grants).chain(discovered).flat_map(|url| in_host(url, &self.variables)).collect()
    }

    /// The variables by which a user names any host at all: an end user who fills one in decides who is sent whatever
    /// the requests hold.
    pub fn open_host_variables(&self) -> Vec<&str> {
        let open = |name: &&str| {
            self.variables.0.get(*name).is_some_and(|input| {
                let limited =
                    !input.hosts.is_empty() || input.values.is_some() || input.source.is_found_out();
                let fits = input.pattern.as_ref().is_none_or(|pattern| pattern.is_match(PROBE));
                input.format == VariableFormat::Url && !limited && fits
            })
        };
        self.host_variables().into_iter().filter(open).collect()
    }
}

impl super::HostAllowList {
    /// Checks hosts that an operator allows: whole names, or domains that begin with a dot.
    pub fn check(at: &str, hosts: &[String], problems: &mut Vec<Problem>) {
        for (number, host) in hosts.iter().enumerate() {
            let domain = host.strip_prefix('.');
            let name = domain.unwrap_or(host);
            let alone = BaseUrl::parse(&format!("https://{name}")).is_ok_and(|base| base.path().is_empty());
            let message = if !alone || name.contains([':', '/']) || Host::parse(name).is_err() {
                "must be a host name such as `crm.example.com`, or a domain such as `.example.com`"
            } else if domain.is_some_and(|domain| !domain.contains('.')) {
                "is a whole top-level domain: anybody may own a name in it"
            } else {
                continue;
            };
            problems.push(Problem::new(format!("{at}.{number}"), message));
        }
    }
}

/// The variables in the host of an address.
fn in_host<'a>(template: &'a Template, variables: &'a Inputs) -> Vec<&'a str> {
    let (mut url, mut found) = (String::new(), Vec::new());
    for piece in template.pieces() {
        match piece {
            Piece::Field(name) if in_authority(&url) => {
                found.push(name);
                // It brings the whole host: what follows is a path.
                if variables.0.get(name).is_some_and(|input| input.format == VariableFormat::Url) {
                    break;
                }
            }
            Piece::Literal(text) => url.push_str(text),
            Piece::Field(_) | Piece::Call => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::super::HostAllowList;
    use super::*;

    fn provider(base: &str, token: &str, variables: &str) -> Provider {
        let text = format!(
            "name = \"X\"\nbase_url = \"{base}\"\n{variables}\n[auth.oauth]\ngrant = \"oauth2_code\"\n\
             oauth2.authorize_url = \"https://login.example.com/authorize\"\noauth2.token_url = \"{token}\"\n\
             inject.headers.authorization = \"Bearer {{access_token}}\"\n"
        );
        Provider::parse("x", &text).unwrap_or_else(|problems| panic!("{problems:?}\n{text}"))
    }

    #[test]
    fn a_variable_in_a_host_is_told_from_one_in_a_path() {
        let variables = "variables.shop = {}\nvariables.version = {}\nvariables.tenant = {}";
        let base = "https://{shop}.example.com/v{version}";
        let found = provider(base, "https://login.example.com/{tenant}/token", variables);
        assert_eq!(found.host_variables().into_iter().collect::<Vec<_>>(), ["shop"]);
        assert!(found.open_host_variables().is_empty());
    }

    #[test]
    fn a_whole_url_without_hosts_is_open_and_what_follows_it_is_a_path() {
        let variables = "variables.server = { format = \"url\" }\nvariables.version = {}";
        let found = provider("{server}/api/{version}", "{server}/oauth/token", variables);
        assert_eq!(found.host_variables().into_iter().collect::<Vec<_>>(), ["server"]);
        assert_eq!(found.open_host_variables(), ["server"]);
        let limited = "variables.server = { format = \"url\", hosts = [\".example.com\"] }";
        assert!(provider("{server}/api", "{server}/token", limited).open_host_variables().is_empty());
    }

    #[test]
    fn an_allowed_host_is_a_name_and_no_domain_is_a_country() {
        let check = |hosts: &[&str]| {
            let hosts: Vec<String> = hosts.iter().map(|host| (*host).to_owned()).collect();
            let mut problems = Vec::new();
            HostAllowList::check("allowHosts", &hosts, &mut problems);
            problems.into_iter().map(|problem| problem.path).collect::<Vec<_>>()
        };
        assert!(
            check(&["crm.example.com", ".example.com", "localhost", "10.0.0.7", ".co.example"]).is_empty()
        );
        let wrong =
            ["", ".", ".com", "a.example/x", "https://a.example", "a.example:8443", "user@a", "a b", "*.a.b"];
        assert_eq!(check(&wrong).len(), wrong.len(), "{:?}", check(&wrong));
    }
}
