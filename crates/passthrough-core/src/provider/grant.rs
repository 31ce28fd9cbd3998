//! How a usable secret is obtained, checked and ready to use. What is sent for it is built in `crate::grant`.

use http::{HeaderName, Method};

use super::file::{ClientAuth, ExpiresUnit, GrantKind, JwtAlgorithm, OAuth1Signature, Rotation, TokenBody};
use super::{ExpiredWhen, JsonTemplate};
use crate::json_body::Pointer;
use crate::template::Template;

mod discover;
pub(super) mod read;
mod url;

pub use discover::{Discover, DiscoverAt};
pub use url::{Url, UrlTemplate};

/// Names that an integration's OAuth client brings into templates.
pub const CLIENT_NAMES: [&str; 2] = ["client_id", "client_secret"];

/// The address to which a consent came back, for templates of `oauth2_code`.
pub const REDIRECT_URI: &str = "redirect_uri";

/// How a usable secret is obtained.
#[derive(Debug, Clone)]
pub enum Grant {
    /// The user gives it.
    Static,
    /// OAuth 2.0.
    OAuth2(Box<OAuth2>),
    /// OAuth 1.0a, three-legged.
    OAuth1(Box<OAuth1>),
    /// Requests whose answers have it.
    Login(Box<Login>),
}

/// Which way of OAuth 2.0 it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flow {
    /// The user consents (RFC 6749 §4.1).
    Code,
    /// A client of the account's own asks (RFC 6749 §4.4).
    ClientCredentials,
    /// User name and password (RFC 6749 §4.3).
    Password,
    /// A signed assertion (RFC 7523 §2.1), or a signed token that needs no exchange.
    JwtBearer,
    /// As `Code`, with everything asked of the server itself.
    Mcp,
}

/// OAuth 2.0 as one provider speaks it.
#[derive(Debug, Clone)]
pub struct OAuth2 {
    /// The way.
    pub flow: Flow,
    /// Where the user consents.
    pub authorize_url: Option<UrlTemplate>,
    /// Where tokens come from. `None` where the JWT is the token, and with `mcp_oauth`.
    pub token_url: Option<UrlTemplate>,
    /// Where tokens are refreshed; the same unless said.
    pub refresh_url: Option<UrlTemplate>,
    /// Where a token is given back.
    pub revoke_url: Option<UrlTemplate>,
    /// What is asked for unless the integration says.
    pub scopes: Vec<String>,
    /// What stands between two scopes.
    pub scope_separator: String,
    /// How our client shows who it is; `None` where it does not.
    pub client_auth: Option<ClientAuth>,
    /// What an assertion of our client names as its audience; where it is sent to unless said.
    pub assertion_audience: Option<Template>,
    /// How token requests are written.
    pub body: TokenBody,
    /// Whether the consent is bound by PKCE.
    pub pkce: bool,
    /// What happens to a refresh token when it is used.
    pub rotation: Rotation,
    /// Further parameters of the page where the user consents.
    pub authorize_params: Vec<(String, Template)>,
    /// Parameters with which that page lets the user choose another account.
    pub other_account_params: Vec<(String, String)>,
    /// Further parameters of the first token request.
    pub token_params: Vec<(String, Template)>,
    /// Further parameters of a refresh.
    pub refresh_params: Vec<(String, Template)>,
    /// Further headers of every token request.
    pub token_headers: Vec<(HeaderName, Template)>,
    /// Where the access token is.
    pub access_token: Pointer,
    /// Where the refresh token is.
    pub refresh_token: Pointer,
    /// When the access token ends.
    pub expires: Expires,
    /// How long a refresh token lives unused, in milliseconds.
    pub refresh_lifetime_ms: Option<i64>,
    /// Where the answer says how long the refresh token lives.
    pub refresh_expires_in: Pointer,
    /// What the parameters of the page where the user consents are called here; an empty name is not sent.
    pub authorize_names: Vec<(String, String)>,
    /// What those of token requests are.
    pub token_names: Vec<(String, String)>,
    /// The parameter with which the user comes back that has the code.
    pub code: String,
    /// The request after the code's exchange.
    pub exchange: Option<Step>,
    /// The request that refreshes, where it is not the usual one.
    pub refresh: Option<Step>,
    /// What else is kept of the answer.
    pub captures: Vec<Capture>,
    /// What is kept of the query with which the user comes back: name, parameter.
    pub callback: Vec<(String, String)>,
    /// Error codes besides `invalid_grant` that end the grant.
    pub final_errors: Vec<String>,
    /// Where the error code is.
    pub error: Pointer,
    /// The signed assertion.
    pub jwt: Option<Jwt>,
}

/// When something that an answer brought ends.
#[derive(Debug, Clone, Default)]
pub struct Expires {
    /// Where the answer says for how long it lives.
    pub in_from: Option<Pointer>,
    /// In which unit.
    pub unit: ExpiresUnit,
    /// Where the answer says when it ends.
    pub at_from: Option<Pointer>,
    /// How long it lives where the answer does not say, in milliseconds.
    pub lifetime_ms: Option<i64>,
}

/// Something that is kept of an answer.
#[derive(Debug, Clone)]
pub struct Capture {
    /// The name that templates use.
    pub name: String,
    /// Where it is.
    pub from: CaptureFrom,
    /// A value that means "as before".
    pub unless: Option<String>,
    /// Whether it may be missing.
    pub optional: bool,
}

/// Where something is in an answer.
#[derive(Debug, Clone)]
pub enum CaptureFrom {
    /// In the JSON body.
    Pointer(Pointer),
    /// In a header.
    Header(HeaderName),
    /// In a cookie that the answer sets.
    Cookie(String),
    /// It is the whole body, without white space around it.
    Text,
}

/// A login.
#[derive(Debug, Clone)]
pub struct Login {
    /// The requests, one to three.
    pub steps: Vec<Step>,
    /// The request that makes the session live longer.
    pub refresh: Option<Step>,
    /// When the session ends; judged by the last answer.
    pub expires: Expires,
    /// How long it lives unused, in milliseconds.
    pub idle_ms: Option<i64>,
    /// How an answer says that what the user gave is wrong.
    pub refused_when: Vec<ExpiredWhen>,
    /// The signed token that the steps use.
    pub jwt: Option<Jwt>,
}

/// One request of a login.
#[derive(Debug, Clone)]
pub struct Step {
    /// Its method.
    pub method: Method,
    /// Where it goes.
    pub url: UrlTemplate,
    /// Its headers.
    pub headers: Vec<(HeaderName, Template)>,
    /// Its query parameters.
    pub query: Vec<(String, Template)>,
    /// Its body.
    pub body: StepBody,
    /// User name and password for HTTP Basic.
    pub basic: Option<Template>,
    /// What is kept of its answer.
    pub captures: Vec<Capture>,
}

/// The body of a request that is made of templates.
#[derive(Debug, Clone)]
pub enum StepBody {
    /// None.
    None,
    /// A form.
    Form(Vec<(String, Template)>),
    /// JSON.
    Json(JsonTemplate),
    /// Text as it is.
    Text(Template),
}

/// A JWT that a key of the user's signs.
#[derive(Debug, Clone)]
pub struct Jwt {
    /// How it is signed.
    pub algorithm: JwtAlgorithm,
    /// The key: PEM, or a secret.
    pub key: Template,
    /// Further members of its header.
    pub header: Vec<(String, Template)>,
    /// Its claims but for `iat` and `exp`.
    pub claims: Vec<(String, JsonTemplate)>,
    /// How long it lives, in milliseconds.
    pub lifetime_ms: i64,
}

/// OAuth 1.0a as one provider speaks it.
#[derive(Debug, Clone)]
pub struct OAuth1 {
    /// Where a temporary token comes from.
    pub request_token_url: UrlTemplate,
    /// Where the user consents.
    pub authorize_url: UrlTemplate,
    /// Further parameters of that page.
    pub authorize_params: Vec<(String, Template)>,
    /// Where the lasting token comes from.
    pub access_token_url: UrlTemplate,
    /// How the temporary token is asked for.
    pub request_token_method: Method,
    /// How the lasting one is.
    pub access_token_method: Method,
    /// How the requests are signed.
    pub signature: OAuth1Signature,
    /// What is kept of the query with which the user comes back: name, parameter.
    pub callback: Vec<(String, String)>,
}

impl Grant {
    /// The names that it brings into the templates of the injection, besides fields and variables.
    pub fn yields(&self) -> Vec<&str> {
        match self {
            Grant::Static => Vec::new(),
            Grant::OAuth2(oauth2) => {
                let mut names = vec!["access_token", "refresh_token"];
                names.extend(CLIENT_NAMES);
                names.extend(oauth2.captures.iter().map(|capture| capture.name.as_str()));
                names.extend(oauth2.callback.iter().map(|(name, _)| name.as_str()));
                names.extend(oauth2.keeps_redirect_uri().then_some(REDIRECT_URI));
                names
            }
            Grant::OAuth1(oauth1) => {
                let mut names = vec!["oauth_token", "oauth_token_secret"];
                names.extend(CLIENT_NAMES);
                names.extend(oauth1.callback.iter().map(|(name, _)| name.as_str()));
                names
            }
            Grant::Login(login) => {
                let captures = login.steps.iter().chain(&login.refresh).flat_map(|step| &step.captures);
                let mut names: Vec<&str> = captures.map(|capture| capture.name.as_str()).collect();
                names.extend(CLIENT_NAMES);
                names
            }
        }
    }

    /// Whether an end user has to consent at the provider.
    pub fn needs_consent(&self) -> bool {
        match self {
            Grant::OAuth1(_) => true,
            Grant::OAuth2(oauth2) => matches!(oauth2.flow, Flow::Code | Flow::Mcp),
            Grant::Static | Grant::Login(_) => false,
        }
    }

    /// Whether the integration must bring an OAuth client before anybody can consent.
    pub fn needs_client(&self) -> bool {
        match self {
            Grant::OAuth1(_) => true,
            Grant::OAuth2(oauth2) => oauth2.flow == Flow::Code,
            Grant::Static | Grant::Login(_) => false,
        }
    }

    /// Whether a field of this name holds a private key in PEM: a form gives it room for many lines.
    pub fn signs_with(&self, name: &str) -> bool {
        let jwt = match self {
            Grant::OAuth2(oauth2) => oauth2.jwt.as_ref(),
            Grant::Login(login) => login.jwt.as_ref(),
            Grant::Static | Grant::OAuth1(_) => None,
        };
        let pem = jwt.filter(|jwt| jwt.algorithm != JwtAlgorithm::HS256);
        name == "client_private_key" || pem.is_some_and(|jwt| jwt.key.names().contains(&name))
    }

    /// Whether it uses a field of this name without a template that says so.
    pub(super) fn uses_field(&self, name: &str) -> bool {
        match self {
            Grant::OAuth2(oauth2) => {
                oauth2.client_names().contains(&name)
                    || name == "scope"
                    || (oauth2.flow == Flow::Password && ["username", "password"].contains(&name))
            }
            Grant::OAuth1(_) => CLIENT_NAMES.contains(&name),
            Grant::Static | Grant::Login(_) => false,
        }
    }

    /// Every address that something secret may be sent to.
    pub fn urls(&self) -> Vec<&UrlTemplate> {
        match self {
            Grant::Static => Vec::new(),
            Grant::OAuth2(oauth2) => {
                let urls =
                    [&oauth2.authorize_url, &oauth2.token_url, &oauth2.refresh_url, &oauth2.revoke_url];
                let steps = oauth2.exchange.iter().chain(&oauth2.refresh).map(|step| &step.url);
                urls.into_iter().flatten().chain(steps).collect()
            }
            Grant::OAuth1(oauth1) => {
                vec![&oauth1.request_token_url, &oauth1.authorize_url, &oauth1.access_token_url]
            }
            Grant::Login(login) => login.steps.iter().chain(&login.refresh).map(|step| &step.url).collect(),
        }
    }

    /// All templates in it.
    pub fn templates(&self) -> Vec<&Template> {
        let mut templates = Vec::new();
        match self {
            Grant::Static => {}
            Grant::OAuth2(oauth2) => oauth2.collect_templates(&mut templates),
            Grant::OAuth1(oauth1) => {
                let urls = [&oauth1.request_token_url, &oauth1.authorize_url, &oauth1.access_token_url];
                templates.extend(urls.map(UrlTemplate::template));
                templates.extend(oauth1.authorize_params.iter().map(|(_, value)| value));
            }
            Grant::Login(login) => {
                login
                    .steps
                    .iter()
                    .chain(&login.refresh)
                    .for_each(|step| step.collect_templates(&mut templates));
                login.jwt.iter().for_each(|jwt| jwt.collect_templates(&mut templates));
            }
        }
        templates
    }
}

impl OAuth2 {
    /// Whether a template names the address to which the user came back: then it is kept beside the tokens.
    pub fn keeps_redirect_uri(&self) -> bool {
        let mut templates = Vec::new();
        self.collect_templates(&mut templates);
        self.flow == Flow::Code && templates.iter().any(|template| template.names().contains(&REDIRECT_URI))
    }

    /// By which names the client's way of showing who it is reads what the client has.
    fn client_names(&self) -> &'static [&'static str] {
        match self.client_auth {
            Some(ClientAuth::PrivateKeyJwt) => &["client_id", "client_private_key", "client_key_id"],
            Some(ClientAuth::None | ClientAuth::Mtls) => &["client_id"],
            Some(ClientAuth::Basic | ClientAuth::Body) | None => &CLIENT_NAMES,
        }
    }

    fn collect_templates<'a>(&'a self, templates: &mut Vec<&'a Template>) {
        let urls = [&self.authorize_url, &self.token_url, &self.refresh_url, &self.revoke_url];
        templates.extend(urls.into_iter().flatten().map(UrlTemplate::template));
        let params = self.authorize_params.iter().chain(&self.token_params).chain(&self.refresh_params);
        templates.extend(params.map(|(_, value)| value));
        templates.extend(self.token_headers.iter().map(|(_, value)| value));
        templates.extend(&self.assertion_audience);
        self.exchange.iter().chain(&self.refresh).for_each(|step| step.collect_templates(templates));
        self.jwt.iter().for_each(|jwt| jwt.collect_templates(templates));
    }
}

impl Step {
    fn collect_templates<'a>(&'a self, templates: &mut Vec<&'a Template>) {
        templates.push(self.url.template());
        templates.extend(self.headers.iter().map(|(_, value)| value));
        templates.extend(self.query.iter().map(|(_, value)| value));
        templates.extend(&self.basic);
        match &self.body {
            StepBody::None => {}
            StepBody::Form(form) => templates.extend(form.iter().map(|(_, value)| value)),
            StepBody::Json(json) => json.collect_templates(templates),
            StepBody::Text(text) => templates.push(text),
        }
    }
}

impl Jwt {
    fn collect_templates<'a>(&'a self, templates: &mut Vec<&'a Template>) {
        templates.push(&self.key);
        templates.extend(self.header.iter().map(|(_, value)| value));
        self.claims.iter().for_each(|(_, value)| value.collect_templates(templates));
    }
}

impl GrantKind {
    /// The name in files and on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            GrantKind::Static => "static",
            GrantKind::Oauth2Code => "oauth2_code",
            GrantKind::Oauth2ClientCredentials => "oauth2_client_credentials",
            GrantKind::Oauth2Password => "oauth2_password",
            GrantKind::Oauth2JwtBearer => "oauth2_jwt_bearer",
            GrantKind::Oauth1 => "oauth1",
            GrantKind::AppJwtExchange => "app_jwt_exchange",
            GrantKind::Login => "login",
            GrantKind::McpOauth => "mcp_oauth",
        }
    }
}
