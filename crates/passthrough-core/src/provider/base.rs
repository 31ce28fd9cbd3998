//! Base URLs with variables: where the host of every request comes from.
//!
//! The host comes from the provider file and the connection's validated variables, never from a request.
//! A variable's place in the template decides what it may hold.

use std::sync::Arc;

use thiserror::Error;

use super::file::VariableFormat;
use super::{Input, Inputs, Problem};
use crate::base_url::{BaseUrl, Host, is_dns_label};
use crate::connection::{Credential, Variables};
use crate::template::{Moment, Piece, Scope, Template, percent_encode};

/// Hosts that the operator allows beyond what provider files declare: whole names, or domains beginning with
/// a dot, which mean the domain itself and everything below it.
#[derive(Debug, Clone, Default)]
pub struct HostAllowList(pub Vec<String>);

/// Why a base URL cannot be made from a connection's variables. Never holds a value: variables may be secret.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum BaseRefusal {
    /// A variable is missing.
    #[error("the variable `{0}` is missing")]
    Missing(String),
    /// A variable in a host is not one DNS label.
    #[error("the variable `{0}` stands in a host name: it must be one label of a-z, 0-9 and `-`")]
    NotALabel(String),
    /// The variable of this name is a whole host outside of what the file and the operator allow.
    #[error(
        "the host in `{0}` is not one of the provider's; an operator can allow it in `upstream.allow_hosts`"
    )]
    HostNotAllowed(String),
    /// A text that is no host at all.
    #[error("not a host name: {0}")]
    NotAHost(String),
    /// The whole does not make a base URL.
    #[error("does not make a base URL: {0}")]
    Invalid(String),
}

impl BaseRefusal {
    /// The variable that is at fault, where it is a single one.
    pub fn variable(&self) -> Option<&str> {
        match self {
            BaseRefusal::Missing(name) | BaseRefusal::NotALabel(name) | BaseRefusal::HostNotAllowed(name) => {
                Some(name)
            }
            BaseRefusal::NotAHost(_) | BaseRefusal::Invalid(_) => None,
        }
    }
}

/// A base URL over a connection's variables.
#[derive(Debug, Clone)]
pub struct BaseUrlTemplate {
    template: Template,
    /// The base URL itself where no variable is in it: parsed once, not per request.
    fixed: Option<Arc<BaseUrl>>,
}

impl BaseUrlTemplate {
    /// Checks a template of a provider file against the file's variables and fields.
    pub(super) fn parse(
        text: &str,
        at: &str,
        variables: &Inputs,
        problems: &mut Vec<Problem>,
    ) -> Option<Self> {
        let template = match Template::parse(text) {
            Ok(template) => template,
            Err(error) => {
                problems.push(Problem::new(at, error.to_string()));
                return None;
            }
        };
        if template.as_literal().is_some() {
            return match BaseUrl::parse(text.trim_end_matches('/')) {
                Ok(base) => Some(Self { template, fixed: Some(Arc::new(base)) }),
                Err(error) => {
                    problems.push(Problem::new(at, error.to_string()));
                    None
                }
            };
        }
        if let Err(message) = check_positions(&template, variables) {
            problems.push(Problem::new(at, message));
            return None;
        }
        Some(Self { template, fixed: None })
    }

    /// The text in the file.
    pub fn source(&self) -> &str {
        self.template.source()
    }

    /// The variable that brings the scheme, and the host with it: one of format `url`.
    pub fn scheme_variable(&self) -> Option<&str> {
        match self.template.pieces().next() {
            Some(Piece::Field(name)) => Some(name),
            _ => None,
        }
    }

    /// The variable that is the host or a part of it, where there is one: the last of several, for it decides
    /// most.
    pub fn host_variable(&self) -> Option<&str> {
        let (mut url, mut last) = (String::new(), None);
        for piece in self.template.pieces() {
            match piece {
                Piece::Field(name) if in_authority(&url) => last = Some(name),
                Piece::Literal(text) => url.push_str(text),
                Piece::Field(_) | Piece::Call => {}
            }
        }
        last
    }

    /// The template itself.
    pub(super) fn template(&self) -> &Template {
        &self.template
    }

    /// Names of the fields and variables that it needs.
    pub(super) fn names(&self) -> Vec<&str> {
        self.template.names()
    }

    /// The base URL for one connection.
    pub fn resolve(
        &self,
        variables: &Variables,
        credential: &Credential,
        inputs: &Inputs,
        hosts: &HostAllowList,
    ) -> Result<Arc<BaseUrl>, BaseRefusal> {
        if let Some(base) = &self.fixed {
            return Ok(base.clone());
        }
        // A base URL has no time and no nonce in it: `check_positions` refuses functions.
        let scope = Scope { credential, variables, moment: Moment { unix_ms: 0, nonce: [0; 16] } };
        let mut url = String::new();
        for piece in self.template.pieces() {
            match piece {
                Piece::Literal(text) => url.push_str(text),
                Piece::Field(name) => {
                    let value = scope.value(name).ok_or_else(|| BaseRefusal::Missing(name.to_owned()))?;
                    place(&mut url, name, value, inputs.0.get(name), hosts)?;
                }
                Piece::Call => return Err(BaseRefusal::Invalid(NO_FUNCTIONS.to_owned())),
            }
        }
        let base = BaseUrl::parse(url.trim_end_matches('/'));
        base.map(Arc::new).map_err(|error| BaseRefusal::Invalid(error.to_string()))
    }
}

const NO_FUNCTIONS: &str = "a base URL uses no functions";

/// Appends one value to the URL so far, by the rule of the place where it lands. What is appended is the
/// canonical spelling of what was judged, so that the two cannot be read differently.
fn place(
    url: &mut String,
    name: &str,
    value: &str,
    input: Option<&Input>,
    hosts: &HostAllowList,
) -> Result<(), BaseRefusal> {
    if !in_authority(url) {
        url.push_str(&percent_encode(value));
        return Ok(());
    }
    let Some(input) = input else { return Err(BaseRefusal::Missing(name.to_owned())) };
    match input.format {
        VariableFormat::Url => url.push_str(&allowed_url(name, input, value, hosts)?.to_string()),
        VariableFormat::Host => url.push_str(&allowed_host(name, input, value, hosts)?),
        VariableFormat::Text if fits_a_host(input, value) => url.push_str(value),
        VariableFormat::Text => return Err(BaseRefusal::NotALabel(name.to_owned())),
    }
    Ok(())
}

/// Whether a text may stand in a host. A pattern or a list may widen a label to several or to capitals, but
/// never to what ends a host name: that would be `tenant.evil/` or `x@evil`.
fn fits_a_host(input: &Input, value: &str) -> bool {
    if input.pattern.is_none() && input.values.is_none() {
        return is_dns_label(value);
    }
    let inside = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'.' | b'_');
    let edged = value.starts_with(['-', '.']) || value.ends_with(['-', '.']);
    !value.is_empty() && !edged && value.bytes().all(inside)
}

/// Whether what comes next in this URL still belongs to the host.
pub(super) fn in_authority(url: &str) -> bool {
    match url.split_once("://") {
        None => true,
        Some((_, rest)) => !rest.contains('/'),
    }
}

/// A whole base URL; where the file names hosts, one of those, or one that the operator allows.
pub(super) fn allowed_url(
    name: &str,
    input: &Input,
    value: &str,
    hosts: &HostAllowList,
) -> Result<BaseUrl, BaseRefusal> {
    let base = BaseUrl::parse(value);
    let base = base.map_err(|error| BaseRefusal::Invalid(error.to_string()))?;
    let is = |known: &String| Host::parse(known).is_ok_and(|known| known == base.origin.host);
    let under =
        |rule: &String| if rule.starts_with('.') { base.origin.host.is_within(rule) } else { is(rule) };
    if !input.hosts.is_empty() && !input.hosts.iter().chain(&hosts.0).any(under) {
        return Err(BaseRefusal::HostNotAllowed(name.to_owned()));
    }
    Ok(base)
}

/// A whole host with its port, if one was given: one of the provider's own, or one that the operator allows.
pub(super) fn allowed_host(
    name: &str,
    input: &Input,
    value: &str,
    hosts: &HostAllowList,
) -> Result<String, BaseRefusal> {
    if value.contains('/') {
        return Err(BaseRefusal::NotAHost("leave out scheme and path".to_owned()));
    }
    // Through the parser of base URLs, so that a port is read as it will be when the URL is used.
    let base = BaseUrl::parse(&format!("https://{value}"));
    let origin = base.map_err(|error| BaseRefusal::NotAHost(error.to_string()))?.origin;
    let is = |known: &String| Host::parse(known).is_ok_and(|known| known == origin.host);
    let declared = input.default.iter().chain(input.values.iter().flatten()).any(|k| k == value || is(k));
    let under = |rule: &String| if rule.starts_with('.') { origin.host.is_within(rule) } else { is(rule) };
    if !declared && !input.hosts.iter().any(under) && !hosts.0.iter().any(under) {
        return Err(BaseRefusal::HostNotAllowed(name.to_owned()));
    }
    // Written out where it was given: 443 is the default of https only.
    let port = format!(":{}", origin.port);
    Ok(if value.ends_with(&port) { format!("{}{port}", origin.host) } else { origin.host.to_string() })
}

/// Refuses templates in which a variable could change the host where nobody meant it to.
fn check_positions(template: &Template, variables: &Inputs) -> Result<(), String> {
    let mut so_far = String::new();
    for piece in template.pieces() {
        match piece {
            Piece::Call => return Err(NO_FUNCTIONS.to_owned()),
            Piece::Literal(text) => so_far.push_str(text),
            Piece::Field(name) => {
                let format = variables.0.get(name).map(|input| input.format);
                let host = in_authority(&so_far);
                match format {
                    Some(VariableFormat::Url) if so_far.is_empty() => so_far.push_str("https://variable"),
                    Some(VariableFormat::Url) => {
                        return Err(format!("`{{{name}}}` is a URL: it must come first"));
                    }
                    _ if !so_far.contains("://") => {
                        return Err(
                            "a base URL begins with https:// or with a variable of format `url`".to_owned()
                        );
                    }
                    None if host => {
                        return Err(format!("`{{{name}}}` stands in the host but is no variable"));
                    }
                    _ => so_far.push_str("variable"),
                }
            }
        }
    }
    BaseUrl::parse(so_far.trim_end_matches('/')).map_err(|error| error.to_string())?;
    check_domain(template, variables)
}

/// A text that a user types may be a part of the provider's domain, never the domain: with
/// `https://{tenant}.com`, or a pattern that takes any host, the secret would go to whoever owns that name.
fn check_domain(template: &Template, variables: &Inputs) -> Result<(), String> {
    let mut url = String::new();
    let mut last = None;
    for piece in template.pieces() {
        match piece {
            Piece::Field(name) if in_authority(&url) => {
                last = variables.0.get(name).map(|input| (name, input, url.len()));
                // It brings the whole host: what follows is a path.
                if variables.0.get(name).is_some_and(|input| input.format == VariableFormat::Url) {
                    break;
                }
            }
            Piece::Literal(text) => url.push_str(text),
            Piece::Field(_) | Piece::Call => {}
        }
    }
    let Some((name, input, at)) = last else { return Ok(()) };
    if input.format != VariableFormat::Text || input.values.is_some() {
        return Ok(());
    }
    let (before, behind) = url.split_at(at);
    let behind = behind.split([':', '/']).next().unwrap_or_default();
    let domain = behind.split_once('.').map_or("", |(_, domain)| domain);
    if domain.contains('.') || domain == "localhost" {
        return Ok(());
    }
    // A single label without a dot anywhere is nobody's domain on the public internet.
    let probe = if before.contains('.') || !domain.is_empty() { "attacker" } else { "attacker.example" };
    let open = match &input.pattern {
        Some(pattern) => pattern.is_match(probe),
        None => is_dns_label(probe),
    };
    if open {
        let message = "could name any domain; give it an `enum`, or `format = \"host\"` with `hosts`";
        return Err(format!("`{{{name}}}` {message}"));
    }
    Ok(())
}
