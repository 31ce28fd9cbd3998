//! Providers: third-party systems as data.
//!
//! A provider file is read in two steps: `file` holds what was typed, this module what it means. Nothing
//! provider-specific is ever code, and a provider file cannot run code: its templates substitute.

use std::fmt;

use http::{HeaderName, HeaderValue, Method, StatusCode};
use indexmap::IndexMap;

use crate::json_body::Pointer;
use crate::retry::Promises;
use crate::template::{Scope, Template};

use file::{HmacHash, KeyEncoding, OAuth1Signature, SignatureEncoding};

mod base;
mod facts;
pub mod file;
mod given;
pub mod grant;
mod hosts;
mod inject;
mod input;
mod limits;
mod parse;
mod unused;
mod validate;

pub use base::{BaseRefusal, BaseUrlTemplate, HostAllowList};
pub use file::{GrantKind, ProviderStatus, RedactReflections, Redirects, VariableFormat, VariableSource};
pub use given::instant_ms;
pub use grant::{Discover, Grant};
pub use input::{Input, Inputs};
pub use limits::{Learnt, Limits};

/// A third-party system, checked and ready to use.
#[derive(Debug, Clone)]
pub struct Provider {
    /// Its code: the file's name without `.toml`.
    pub code: String,
    /// The product's name.
    pub name: String,
    /// What it is about.
    pub categories: Vec<String>,
    /// The product's home page.
    pub website: Option<String>,
    /// The API's documentation.
    pub docs: Option<String>,
    /// Whether the file can be relied on.
    pub status: ProviderStatus,
    /// When the API goes away.
    pub deprecated_on: Option<String>,
    /// Where the API is.
    pub base_url: BaseUrlTemplate,
    /// More places, by name.
    pub base_urls: IndexMap<String, BaseUrlTemplate>,
    /// What differs between accounts.
    pub variables: Inputs,
    /// Headers that go into every request where the caller gave none of that name.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The ways to authenticate, the usual one first; never empty.
    pub auth: IndexMap<String, Auth>,
    /// Calls after connecting that find out variables.
    pub discover: Vec<Discover>,
    /// Besides a 401, how the API says that a credential is no good.
    pub expired_when: Vec<ExpiredWhen>,
    /// How the API announces its limits.
    pub limits: Limits,
    /// Which requests may be sent twice.
    pub promises: Promises,
    /// What to do with redirects.
    pub redirects: Redirects,
    /// Whether the path `/` is the base URL as it stands.
    pub endpoint: bool,
    /// Whether a caller's `Cookie` goes through.
    pub allow_cookies: bool,
    /// Where an echoed credential is masked.
    pub redact_reflections: RedactReflections,
    /// Where each fact was read.
    pub sources: Vec<file::SourceFile>,
}

/// One way to authenticate.
#[derive(Debug, Clone)]
pub struct Auth {
    /// Its name in the file.
    pub name: String,
    /// What a form shows.
    pub label: String,
    /// Where a person finds the secret.
    pub description: Option<String>,
    /// How the secret is obtained, in a word.
    pub kind: GrantKind,
    /// How the secret is obtained.
    pub grant: Grant,
    /// What the user gives.
    pub fields: Inputs,
    /// Where it goes.
    pub inject: Injection,
    /// The call that proves the credential.
    pub verify: Option<Verify>,
}

/// How the secret is put into a request.
#[derive(Debug, Clone, Default)]
pub struct Injection {
    /// Header names (templates, too: the built-in `custom` provider asks for the name) and values.
    pub headers: Vec<(Template, Template)>,
    /// Query parameters.
    pub query: Vec<(Template, Template)>,
    /// Cookies.
    pub cookies: Vec<(Template, Template)>,
    /// One segment between base URL and the caller's path.
    pub path: Option<Template>,
    /// Values for places in the caller's JSON body.
    pub body: Vec<(Pointer, JsonTemplate)>,
    /// The security header of the caller's SOAP envelope.
    pub soap: Option<SoapSecurity>,
    /// The client certificate for mutual TLS.
    pub client_certificate: Option<ClientCertificate>,
    /// How the whole request is signed.
    pub signer: Option<Signer>,
}

impl Injection {
    /// All templates in it, names of headers and parameters included.
    pub fn templates(&self) -> Vec<&Template> {
        let mut templates = self.placed_templates();
        self.signer.iter().for_each(|signer| signer.collect_templates(&mut templates));
        templates
    }

    /// The templates of what is put into a request: all but those of the signer.
    pub fn placed_templates(&self) -> Vec<&Template> {
        let mut templates: Vec<&Template> = self.path.iter().collect();
        for (name, value) in self.headers.iter().chain(&self.query).chain(&self.cookies) {
            templates.extend([name, value]);
        }
        self.body.iter().for_each(|(_, value)| value.collect_templates(&mut templates));
        if let Some(soap) = &self.soap {
            templates.extend([&soap.username, &soap.password]);
        }
        if let Some(certificate) = &self.client_certificate {
            templates.extend([&certificate.certificate, &certificate.private_key]);
        }
        templates
    }

    /// Whether something is put into the body, which must be held in memory for it.
    pub fn is_in_the_body(&self) -> bool {
        !self.body.is_empty() || self.soap.is_some()
    }

    /// Whether it says something else in each request, signature aside.
    pub fn is_momentary(&self) -> bool {
        // A security header has a nonce and a time, whatever its templates say.
        self.soap.is_some() || self.placed_templates().into_iter().any(Template::is_momentary)
    }
}

/// How a whole request is signed. It is done last, over the bytes that are sent.
#[derive(Debug, Clone)]
pub enum Signer {
    /// AWS Signature Version 4.
    AwsSigV4(AwsSigV4),
    /// OAuth 1.0a (RFC 5849 §3.4).
    OAuth1(SignOAuth1),
    /// An HMAC over parts of the request.
    Hmac(Box<SignHmac>),
}

/// What an AWS signature needs.
#[derive(Debug, Clone)]
pub struct AwsSigV4 {
    /// The access key's id.
    pub access_key_id: Template,
    /// The access key's secret.
    pub secret_access_key: Template,
    /// The token of temporary credentials.
    pub session_token: Option<Template>,
    /// The region; read from the host where absent.
    pub region: Option<Template>,
    /// The service; read from the host where absent.
    pub service: Option<Template>,
}

/// What an OAuth 1.0 signature needs.
#[derive(Debug, Clone)]
pub struct SignOAuth1 {
    /// The client's key.
    pub consumer_key: Template,
    /// The client's secret.
    pub consumer_secret: Template,
    /// The account's token.
    pub token: Option<Template>,
    /// The account's token secret.
    pub token_secret: Option<Template>,
    /// The realm.
    pub realm: Option<Template>,
    /// How it is signed.
    pub signature: OAuth1Signature,
}

/// What a signature by HMAC needs.
#[derive(Debug, Clone)]
pub struct SignHmac {
    /// The key.
    pub key: Template,
    /// How the key is written.
    pub key_encoding: KeyEncoding,
    /// The hash.
    pub hash: HmacHash,
    /// How the signature is written.
    pub encoding: SignatureEncoding,
    /// What is signed.
    pub text: Template,
    /// Headers that carry it.
    pub headers: Vec<(HeaderName, Template)>,
    /// Query parameters that carry it.
    pub query: Vec<(String, Template)>,
}

impl Signer {
    fn collect_templates<'a>(&'a self, templates: &mut Vec<&'a Template>) {
        match self {
            Signer::AwsSigV4(aws) => {
                templates.extend([&aws.access_key_id, &aws.secret_access_key]);
                templates.extend([&aws.session_token, &aws.region, &aws.service].into_iter().flatten());
            }
            Signer::OAuth1(oauth1) => {
                templates.extend([&oauth1.consumer_key, &oauth1.consumer_secret]);
                templates.extend([&oauth1.token, &oauth1.token_secret, &oauth1.realm].into_iter().flatten());
            }
            Signer::Hmac(hmac) => {
                templates.extend([&hmac.key, &hmac.text]);
                templates.extend(hmac.headers.iter().map(|(_, value)| value));
                templates.extend(hmac.query.iter().map(|(_, value)| value));
            }
        }
    }
}

/// A WS-Security header with a `UsernameToken`.
#[derive(Debug, Clone)]
pub struct SoapSecurity {
    /// The user name.
    pub username: Template,
    /// The password.
    pub password: Template,
    /// Whether its digest is sent instead.
    pub digest: bool,
    /// How long the message is good for, in milliseconds, where it says so.
    pub lifetime_ms: Option<i64>,
}

/// The client certificate for mutual TLS, as PEM texts.
#[derive(Debug, Clone)]
pub struct ClientCertificate {
    /// The certificate, then its issuers.
    pub certificate: Template,
    /// Its private key.
    pub private_key: Template,
}

/// A JSON value whose texts are templates.
#[derive(Debug, Clone)]
pub enum JsonTemplate {
    /// A text.
    Text(Template),
    /// A number, boolean or null: as it stands.
    Literal(serde_json::Value),
    /// An array.
    Array(Vec<JsonTemplate>),
    /// An object.
    Object(Vec<(String, JsonTemplate)>),
}

impl JsonTemplate {
    /// The value, or `None` where a text in it uses an absent optional field: then that member is left
    /// out, and a value that is nothing else with it.
    pub fn render(&self, scope: &Scope<'_>) -> Option<serde_json::Value> {
        use serde_json::Value;
        Some(match self {
            JsonTemplate::Text(template) => Value::String(template.render(scope)?.to_string()),
            JsonTemplate::Literal(value) => value.clone(),
            JsonTemplate::Array(items) => {
                Value::Array(items.iter().filter_map(|i| i.render(scope)).collect())
            }
            JsonTemplate::Object(members) => Value::Object(
                members.iter().filter_map(|(name, v)| Some((name.clone(), v.render(scope)?))).collect(),
            ),
        })
    }

    pub(crate) fn collect_templates<'a>(&'a self, templates: &mut Vec<&'a Template>) {
        match self {
            JsonTemplate::Text(template) => templates.push(template),
            JsonTemplate::Literal(_) => {}
            JsonTemplate::Array(items) => items.iter().for_each(|item| item.collect_templates(templates)),
            JsonTemplate::Object(members) => {
                members.iter().for_each(|(_, member)| member.collect_templates(templates));
            }
        }
    }
}

/// The cheapest call that proves a credential.
#[derive(Debug, Clone)]
pub struct Verify {
    /// Its method.
    pub method: Method,
    /// Its path and query, over the connection's variables.
    pub path: Template,
    /// Name of the base URL.
    pub base: Option<String>,
    /// A JSON body to send.
    pub json: Option<JsonTemplate>,
    /// Where the account's id is in the answer.
    pub account_id: Option<Pointer>,
    /// Where the account's label is in the answer.
    pub account_label: Option<Pointer>,
}

/// How an answer says that the credential is no good. All conditions that are given must hold.
#[derive(Debug, Clone)]
pub struct ExpiredWhen {
    /// The status.
    pub status: Option<StatusCode>,
    /// A header that must be there.
    pub header: Option<HeaderName>,
    /// A place in the body that must be there.
    pub pointer: Option<Pointer>,
    /// The value that header or place must have.
    pub equals: Option<serde_json::Value>,
    /// A text that must stand in the body.
    pub contains: Option<String>,
}

impl ExpiredWhen {
    /// Whether the body must be looked into.
    pub fn looks_inside(&self) -> bool {
        self.pointer.is_some() || self.contains.is_some()
    }
}

/// One thing that is wrong with a file or with given values, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The place: `auth.key.inject.headers.authorization`.
    pub path: String,
    /// What is wrong and what would be right. Never holds a secret.
    pub message: String,
}

impl Problem {
    /// A problem at a place.
    pub fn new(path: impl Into<String>, message: impl Into<String>) -> Self {
        Self { path: path.into(), message: message.into() }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.path.is_empty() {
            f.write_str(&self.message)
        } else {
            write!(f, "{}: {}", self.path, self.message)
        }
    }
}

impl Provider {
    /// Reads a provider file. All problems are reported at once.
    pub fn parse(code: &str, text: &str) -> Result<Self, Vec<Problem>> {
        let mut parsed = parse::provider_file(text);
        let Some(file) = parsed.file.take() else { return Err(parsed.problems) };
        let mut found = Vec::new();
        let provider = validate::provider(code, file, &mut found);
        let problems = parsed.problems_with(found);
        match provider {
            Some(provider) if problems.is_empty() => Ok(provider),
            _ => Err(problems),
        }
    }

    /// Fields and variables that nothing uses. No reason to refuse a start, but a mistake all the same.
    pub fn unused(&self) -> Vec<Problem> {
        unused::problems(self)
    }

    /// Whether an answer of the provider brings this variable to connections of this auth entry. One that is found out
    /// for others only is asked from the user.
    pub fn finds_out(&self, auth: &Auth, name: &str) -> bool {
        let discovered = |discover: &Discover| {
            discover.is_for(&auth.name) && discover.captures.iter().any(|capture| capture.name == name)
        };
        self.variables.0.get(name).is_some_and(|input| input.source.is_found_out())
            && (auth.grant.yields().contains(&name) || self.discover.iter().any(discovered))
    }

    /// The base URL of the given name, or the main one.
    pub fn base(&self, name: Option<&str>) -> Option<&BaseUrlTemplate> {
        match name {
            None => Some(&self.base_url),
            Some(name) => self.base_urls.get(name),
        }
    }
}

#[cfg(test)]
mod tests;
