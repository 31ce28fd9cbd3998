//! The provider file as it is written: names and types, nothing checked yet but the spelling.
//!
//! The JSON schema of provider files is generated from these types, so their docs are the manual that an
//! editor shows.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

mod grant;
mod sign;

pub use grant::{
    CaptureFile, ClientAuth, DiscoverFile, ExactCaptureFile, ExpiresUnit, GrantKind, JwtAlgorithm, JwtFile,
    LoginFile, OAuth1File, OAuth1Signature, OAuth2File, Rotation, StepFile, TokenBody, TokenMethod,
};
pub use sign::{AwsSigV4File, HmacFile, HmacHash, KeyEncoding, SignOAuth1File, SignatureEncoding};

/// A third-party system: where its API is, how a secret for it is obtained and how it is put into a
/// request.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Passthrough provider file")]
pub struct ProviderFile {
    /// The product's name, as its maker writes it.
    pub name: Option<String>,
    /// What it is about: `crm`, `telematics`, …
    #[serde(default)]
    pub categories: Vec<String>,
    /// The product's home page.
    pub website: Option<String>,
    /// The API's documentation.
    pub docs: Option<String>,
    /// Whether this file can be relied on; `live` unless said.
    #[serde(default)]
    pub status: ProviderStatus,
    /// When the API was or will be switched off: `2026-12-31`. Goes with `status = "deprecated"`.
    pub deprecated_on: Option<String>,
    /// Where the API is; may hold variables: `https://{subdomain}.zendesk.com`.
    pub base_url: Option<String>,
    /// More places, by the name that a caller gives as `base`.
    #[serde(default)]
    pub base_urls: IndexMap<String, String>,
    /// What differs between accounts and is not the credential.
    #[serde(default)]
    pub variables: IndexMap<String, VariableFile>,
    /// Headers that go into every request, such as an API version. A caller's own wins.
    #[serde(default)]
    pub headers: IndexMap<String, String>,
    /// The ways to authenticate, by name, the usual one first.
    #[serde(default)]
    pub auth: IndexMap<String, AuthFile>,
    /// The cheapest call that proves a credential.
    pub verify: Option<VerifyFile>,
    /// Calls after connecting that find out variables.
    #[serde(default)]
    pub discover: Vec<DiscoverFile>,
    /// How the API says "this credential is no good" where that is not a 401: any one of these.
    #[serde(default)]
    pub expired_when: Vec<ExpiredWhenFile>,
    /// How the API announces its limits.
    #[serde(default)]
    pub limits: LimitsFile,
    /// Which requests may be sent twice.
    #[serde(default)]
    pub retry: RetryFile,
    /// What to do with the API's redirects.
    #[serde(default, alias = "follow_redirects")]
    pub redirects: Redirects,
    /// Whether the base URL is one address that takes every request, such as a GraphQL or MCP endpoint: the path `/`
    /// then means this address as it stands, without a slash behind it.
    #[serde(default)]
    pub endpoint: bool,
    /// Whether a caller's own `Cookie` header goes through.
    #[serde(default)]
    pub allow_cookies: bool,
    /// Where an echoed credential is masked in answers.
    #[serde(default)]
    pub redact_reflections: RedactReflections,
    /// Where each fact was read.
    #[serde(default)]
    pub sources: Vec<SourceFile>,
}

/// Whether a provider file can be relied on.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ProviderStatus {
    /// In use.
    #[default]
    Live,
    /// Facts are still unverified.
    Beta,
    /// The API is going away or gone.
    Deprecated,
}

/// What to do with a provider's redirects.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Redirects {
    /// They are the provider's answer and go to the caller.
    #[default]
    None,
    /// They are followed, at most five; only the same scheme, host and port sees the credential.
    SameOrigin,
}

/// Where an echoed credential is masked in answers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum RedactReflections {
    /// Nowhere.
    None,
    /// In headers.
    #[default]
    Headers,
    /// In headers, and in the bodies of envelopes.
    HeadersAndBodies,
}

/// What differs between accounts and is not the credential.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VariableFile {
    /// What a form shows; made from the name where absent.
    pub label: Option<String>,
    /// Where a person finds it.
    pub description: Option<String>,
    /// A value as it may look.
    pub example: Option<String>,
    /// What it must look like: a regular expression over the whole value.
    pub pattern: Option<String>,
    /// The only values that it may have.
    #[serde(rename = "enum")]
    pub values: Option<Vec<String>>,
    /// The value where none is given.
    pub default: Option<String>,
    /// Whether it may be left out.
    #[serde(default)]
    pub optional: bool,
    /// Whether it is shown to nobody.
    #[serde(default)]
    pub secret: bool,
    /// Cut off the front where a user typed it: `https://`.
    pub strip_prefix: Option<String>,
    /// Cut off the end where a user typed it: `.zendesk.com`.
    pub strip_suffix: Option<String>,
    /// Put in front where it is not there yet.
    pub add_prefix: Option<String>,
    /// Put behind where it is not there yet.
    pub add_suffix: Option<String>,
    /// Where it comes from.
    #[serde(default)]
    pub from: VariableSource,
    /// What it stands for in a base URL.
    #[serde(default)]
    pub format: VariableFormat,
    /// For `format = "host"`: the domains under which the host must be, such as `.myshopify.com`, or
    /// whole host names. Others need the operator's allow-list.
    #[serde(default)]
    pub hosts: Vec<String>,
}

/// Where a variable comes from.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VariableSource {
    /// The user gives it.
    #[default]
    User,
    /// A token answer, the answer to a login, or the query with which the provider sends the user back has it.
    Captured,
    /// A call after connecting finds it out; a user may give it all the same, and is not asked then.
    Discovered,
}

/// What a variable stands for in a base URL.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum VariableFormat {
    /// In a host: one DNS label of a-z, 0-9 and `-`, unless `pattern` says otherwise. Elsewhere: a text.
    #[default]
    Text,
    /// A whole host name, with a port or without.
    Host,
    /// A whole base URL.
    Url,
}

/// One way to authenticate: how the secret is obtained, and how it is put into a request.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct AuthFile {
    /// What a form shows; made from the name where absent.
    pub label: Option<String>,
    /// Where a person finds the secret.
    pub description: Option<String>,
    /// How the secret is obtained.
    pub grant: Option<GrantKind>,
    /// What the user gives.
    #[serde(default)]
    pub fields: IndexMap<String, FieldFile>,
    /// The setting of the four grants that begin with `oauth2_`, and of `mcp_oauth`.
    pub oauth2: Option<OAuth2File>,
    /// The setting of the grant `oauth1`.
    pub oauth1: Option<OAuth1File>,
    /// The setting of the grants `login` and `app_jwt_exchange`.
    pub login: Option<LoginFile>,
    /// The signed token of the grants `oauth2_jwt_bearer` and `app_jwt_exchange`.
    pub jwt: Option<JwtFile>,
    /// Where it goes.
    #[serde(default)]
    pub inject: InjectFile,
    /// The call that proves this kind of credential, where it is not the provider's.
    pub verify: Option<VerifyFile>,
}

/// One thing that the user gives.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FieldFile {
    /// What a form shows; made from the name where absent.
    pub label: Option<String>,
    /// Where a person finds it.
    pub description: Option<String>,
    /// A value as it may look.
    pub example: Option<String>,
    /// What it must look like: a regular expression over the whole value.
    pub pattern: Option<String>,
    /// The only values that it may have.
    #[serde(rename = "enum")]
    pub values: Option<Vec<String>>,
    /// The value where none is given.
    pub default: Option<String>,
    /// Whether it may be left out; the parts of the request that use it then are, too.
    #[serde(default)]
    pub optional: bool,
    /// Whether it is masked everywhere. Where an auth entry marks no field, all of them are secret.
    pub secret: Option<bool>,
}

/// Where the secret goes. All texts are templates over fields and variables.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct InjectFile {
    /// Header name to value.
    #[serde(default)]
    pub headers: IndexMap<String, String>,
    /// Query parameter to value.
    #[serde(default)]
    pub query: IndexMap<String, String>,
    /// Cookie name to value.
    #[serde(default)]
    pub cookies: IndexMap<String, String>,
    /// One segment between the base URL and the caller's path: `bot{token}`.
    pub path: Option<String>,
    /// JSON pointer into the caller's JSON body to a value; every text in the value is a template.
    #[serde(default, alias = "json")]
    #[schemars(with = "IndexMap<String, serde_json::Value>")]
    pub body: IndexMap<String, toml::Value>,
    /// A WS-Security header in the caller's SOAP envelope.
    pub soap: Option<SoapFile>,
    /// The client certificate for mutual TLS.
    pub client_certificate: Option<ClientCertificateFile>,
    /// The request is signed the way AWS wants it.
    pub aws_sigv4: Option<AwsSigV4File>,
    /// The request is signed by OAuth 1.0.
    pub oauth1: Option<SignOAuth1File>,
    /// The request is signed by an HMAC over parts of it.
    pub hmac: Option<HmacFile>,
}

/// A WS-Security header with a `UsernameToken`, a fresh nonce and the time of the request (OASIS WSS UsernameToken
/// Profile 1.1), as the first block of the SOAP header. Both texts are templates.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SoapFile {
    /// The user name.
    pub username: String,
    /// The password.
    pub password: String,
    /// Whether its digest is sent instead: Base64(SHA-1(nonce + created + password)).
    #[serde(default)]
    pub digest: bool,
    /// How long the message is good for: `5m`. A `Timestamp` says so; without this key there is none.
    pub timestamp: Option<String>,
}

/// The client certificate for mutual TLS, as PEM texts.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ClientCertificateFile {
    /// The certificate, then its issuers.
    pub certificate: String,
    /// Its private key.
    pub private_key: String,
}

/// The cheapest call that proves a credential.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct VerifyFile {
    /// Method and path: `GET /v1/me`.
    pub request: String,
    /// Name of the base URL, where it is not `base_url`.
    pub base: Option<String>,
    /// A JSON body to send.
    #[schemars(with = "Option<serde_json::Value>")]
    pub json: Option<toml::Value>,
    /// JSON pointer to the account's id in the answer.
    pub account_id: Option<String>,
    /// JSON pointer to the account's label in the answer.
    pub account_label: Option<String>,
}

/// How an answer says that the credential is no good. All conditions given must hold.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExpiredWhenFile {
    /// The answer's status.
    pub status: Option<u16>,
    /// Name of a header; it must be there and, with `equals`, have that value.
    pub header: Option<String>,
    /// JSON pointer into the body; it must lead somewhere and, with `equals`, to that value.
    pub pointer: Option<String>,
    /// The value that header or pointer must have.
    #[schemars(with = "Option<serde_json::Value>")]
    pub equals: Option<toml::Value>,
    /// A text that stands in the body, for answers that are not JSON: `wsse:FailedAuthentication`.
    pub contains: Option<String>,
}

/// How the API announces its limits. A header that is not named is looked for as `x-ratelimit-…`,
/// `ratelimit-…` and `x-rate-limit-…`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LimitsFile {
    /// Name of the header with the number of calls in a window.
    pub limit: Option<String>,
    /// Name of the header with the number of calls that are left.
    pub remaining: Option<String>,
    /// Name of the header that says when the window ends.
    pub reset: Option<String>,
    /// How `reset` is written; told from its look where absent.
    #[serde(default)]
    pub reset_format: ResetFormat,
    /// Name of the header that says how long to wait after a refusal; `retry-after` where absent.
    pub retry_after: Option<String>,
    /// Statuses besides 429 and 503 that may mean "too many", where one of the headers says so: `[403]`.
    #[serde(default)]
    pub statuses: Vec<u16>,
    /// What the API's documentation says, in a few words: `5,000 requests an hour for each user`.
    pub documented: Option<String>,
}

/// How the end of a window is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ResetFormat {
    /// Told from its look: small numbers are seconds from now, large ones unix seconds or milliseconds, and
    /// durations and dates are what they are.
    #[default]
    Auto,
    /// Seconds from now.
    Seconds,
    /// Milliseconds from now.
    Milliseconds,
    /// Unix seconds.
    EpochSeconds,
    /// Unix milliseconds.
    EpochMilliseconds,
    /// From now: `6m0s`, `12ms`.
    Duration,
    /// An HTTP date, or RFC 3339.
    Date,
}

/// Which requests may be sent twice, besides GET, HEAD and OPTIONS.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RetryFile {
    /// Methods that do the same when they come twice: `["PUT", "DELETE"]`.
    #[serde(default)]
    pub idempotent_methods: Vec<String>,
    /// Name of the header by which the API knows a request again: `Idempotency-Key`. A request that has it
    /// may be sent twice.
    pub idempotency_header: Option<String>,
}

/// Where a fact was read.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceFile {
    /// What the fact is about: `base_url`, `auth`, `verify`, …
    pub fact: String,
    /// The page.
    pub url: Option<String>,
    /// The day that it was read: `2026-01-31`.
    pub read: Option<String>,
    /// Set where nobody has checked it yet.
    #[serde(default)]
    pub unverified: bool,
}
