//! How a usable secret is obtained, as a provider file says it.

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Deserialize;

use super::ExpiredWhenFile;

/// How a usable secret is obtained.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum GrantKind {
    /// The user gives it, and it stays as it is.
    Static,
    /// The user consents at the provider (RFC 6749 §4.1). Says how in `oauth2`.
    Oauth2Code,
    /// A client of the account's own asks for tokens (RFC 6749 §4.4). Says how in `oauth2`.
    Oauth2ClientCredentials,
    /// User name and password are exchanged for tokens (RFC 6749 §4.3). Says how in `oauth2`.
    Oauth2Password,
    /// A signed assertion is exchanged for tokens (RFC 7523 §2.1), or is the token itself where `oauth2` has no
    /// `token_url`. Says how in `jwt` and `oauth2`.
    Oauth2JwtBearer,
    /// The user consents at the provider (RFC 5849), three-legged. Says how in `oauth1`.
    Oauth1,
    /// A signed JWT opens one request whose answer has the token. Says how in `jwt` and `login`.
    AppJwtExchange,
    /// One to three requests whose answers have the token. Says how in `login`.
    Login,
    /// Everything is asked of the server itself: where it authorizes (RFC 9728, RFC 8414), and a client of our own
    /// (RFC 7591).
    McpOauth,
}

/// OAuth 2.0 as one provider speaks it. All URLs and parameters are templates over variables and fields, and over
/// `client_id` and `client_secret`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OAuth2File {
    /// Where the user consents.
    pub authorize_url: Option<String>,
    /// Where codes, and everything else, are exchanged for tokens.
    pub token_url: Option<String>,
    /// Where tokens are refreshed, where that is not `token_url`.
    pub refresh_url: Option<String>,
    /// Where a token is given back (RFC 7009).
    pub revoke_url: Option<String>,
    /// What is asked for where the integration names nothing.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// What stands between two scopes; a space unless said.
    pub scope_separator: Option<String>,
    /// How our client shows who it is; `basic` unless said, and nothing at all with `oauth2_jwt_bearer`, where the
    /// assertion does.
    pub client_auth: Option<ClientAuth>,
    /// For `private_key_jwt`: what the assertion names as its audience, such as the issuer; the address that it is
    /// sent to unless said.
    pub assertion_audience: Option<String>,
    /// How token requests are written; `form` unless said.
    #[serde(default)]
    pub body: TokenBody,
    /// Whether the consent is bound by PKCE S256 (RFC 7636); it is unless said.
    pub pkce: Option<bool>,
    /// What happens to a refresh token when it is used.
    #[serde(default)]
    pub rotation: Rotation,
    /// Further parameters of the page where the user consents.
    #[serde(default)]
    pub authorize_params: IndexMap<String, String>,
    /// Parameters of that page with which it lets the user choose another account than the one that they are signed in
    /// with, such as `prompt = "select_account"` (OpenID Connect Core section 3.1.2.1). They are sent, and win, where a
    /// user came back with another account than the one that is linked again.
    #[serde(default)]
    pub other_account_params: IndexMap<String, String>,
    /// Further parameters of the first token request.
    #[serde(default)]
    pub token_params: IndexMap<String, String>,
    /// Further parameters of a refresh.
    #[serde(default)]
    pub refresh_params: IndexMap<String, String>,
    /// Further headers of every token request.
    #[serde(default)]
    pub token_headers: IndexMap<String, String>,
    /// JSON pointer to the access token; `/access_token` unless said.
    pub access_token: Option<String>,
    /// JSON pointer to the refresh token; `/refresh_token` unless said.
    pub refresh_token: Option<String>,
    /// JSON pointer to how long the access token lives; `/expires_in` unless said.
    pub expires_in: Option<String>,
    /// The unit of `expires_in`.
    #[serde(default)]
    pub expires_unit: ExpiresUnit,
    /// JSON pointer to when the access token ends: unix seconds or milliseconds, or RFC 3339.
    pub expires_at: Option<String>,
    /// How long an access token lives where the answer does not say: `2h`. Without it, it is used until it is refused.
    pub lifetime: Option<String>,
    /// How long a refresh token lives without being used: `90d`.
    pub refresh_lifetime: Option<String>,
    /// JSON pointer to how long the refresh token lives, in the unit of `expires_in`; `/refresh_token_expires_in`
    /// unless said. Wins over `refresh_lifetime`.
    pub refresh_expires_in: Option<String>,
    /// What this provider calls the parameters of the page where the user consents: `client_id = "client_key"`. A
    /// parameter whose name is empty is not sent.
    #[serde(default)]
    pub authorize_names: IndexMap<String, String>,
    /// The same for token requests, revocation among them.
    #[serde(default)]
    pub token_names: IndexMap<String, String>,
    /// The parameter with which the user comes back that has the code; `code` unless said.
    pub code: Option<String>,
    /// A request after the code's exchange whose answer has the tokens that last: it is read as the first one was, and
    /// knows what that brought.
    pub exchange: Option<StepFile>,
    /// The request that refreshes, where it is not the usual one: for tokens that renew themselves and have no refresh
    /// token beside them. It knows what there is, and its answer is read like any other.
    pub refresh: Option<StepFile>,
    /// What else is kept of the token answer, by the name that templates use.
    #[serde(default)]
    pub capture: IndexMap<String, CaptureFile>,
    /// What is kept of the query with which the provider sends the user back: name to parameter.
    #[serde(default)]
    pub callback: IndexMap<String, String>,
    /// Error codes besides `invalid_grant` that mean: the user must consent again.
    #[serde(default)]
    pub final_errors: Vec<String>,
    /// Where the error code of a refusal is; `/error` unless said.
    pub error: Option<String>,
}

/// How our client shows the token endpoint who it is (RFC 6749 §2.3, RFC 7523 §2.2).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuth {
    /// With HTTP Basic.
    #[default]
    Basic,
    /// With `client_id` and `client_secret` in the body.
    Body,
    /// With an assertion that the integration's private key signs.
    PrivateKeyJwt,
    /// With its `client_id` in the body, and no more.
    None,
    /// With its client certificate, and `client_id` in the body (RFC 8705).
    Mtls,
}

/// How token requests are written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum TokenBody {
    /// As a form (RFC 6749 §4.1.3).
    #[default]
    Form,
    /// As a JSON object.
    Json,
}

/// What happens to a refresh token when it is used.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Rotation {
    /// It stays.
    #[default]
    None,
    /// A new one comes; the old one goes on for a while.
    Grace,
    /// A new one comes; the old one is dead, or its use even ends the grant.
    Strict,
}

/// The unit of `expires_in`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExpiresUnit {
    /// Seconds (RFC 6749 §5.1).
    #[default]
    Seconds,
    /// Minutes.
    Minutes,
    /// Milliseconds.
    Milliseconds,
}

/// Something that is kept of an answer: the JSON pointer to it, or more exactly.
#[derive(Debug, Clone, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum CaptureFile {
    /// A JSON pointer.
    Pointer(String),
    /// More exactly.
    Exact(ExactCaptureFile),
}

/// Something that is kept of an answer. Says exactly one of `pointer`, `header`, `cookie` and `text`.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ExactCaptureFile {
    /// JSON pointer into the body.
    pub pointer: Option<String>,
    /// Name of a header.
    pub header: Option<String>,
    /// Name of a cookie that the answer sets.
    pub cookie: Option<String>,
    /// Set where the whole body is the value.
    #[serde(default)]
    pub text: bool,
    /// A value that means "as before", and is not kept: Geotab's `ThisServer`.
    pub unless: Option<String>,
    /// Whether it may be missing.
    #[serde(default)]
    pub optional: bool,
}

/// A login: one request, written here, or up to three in `steps`. A later step may use what earlier ones captured.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginFile {
    /// Method and URL: `POST https://login.example.com/auth`. A template over fields and variables.
    pub request: Option<String>,
    /// Headers of the request.
    #[serde(default)]
    pub headers: IndexMap<String, String>,
    /// Query parameters of the request.
    #[serde(default)]
    pub query: IndexMap<String, String>,
    /// The body as a form.
    #[serde(default)]
    pub form: IndexMap<String, String>,
    /// The body as JSON; every text in it is a template.
    #[schemars(with = "Option<serde_json::Value>")]
    pub json: Option<toml::Value>,
    /// The body as text.
    pub text: Option<String>,
    /// HTTP Basic: `{username}:{password}`.
    pub basic: Option<String>,
    /// What is kept of the answer.
    #[serde(default)]
    pub capture: IndexMap<String, CaptureFile>,
    /// The requests, where there are several.
    #[serde(default)]
    pub steps: Vec<StepFile>,
    /// How long what was captured lives: `1h`. Without it, it is used until it is refused.
    pub expires_in: Option<String>,
    /// JSON pointer in the last answer to how long it lives; wins over `expires_in`.
    pub expires_in_from: Option<String>,
    /// The unit of `expires_in_from`.
    #[serde(default)]
    pub expires_unit: ExpiresUnit,
    /// JSON pointer in the last answer to when it ends: unix seconds or milliseconds, or RFC 3339.
    pub expires_at_from: Option<String>,
    /// How long it lives unused: `5m`.
    pub idle: Option<String>,
    /// The request that makes it live longer, where that is not another login.
    pub refresh: Option<StepFile>,
    /// How an answer besides 400, 401 and 403 says that user name or password are wrong: any one of these.
    #[serde(default)]
    pub refused_when: Vec<ExpiredWhenFile>,
}

/// One request of a login.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct StepFile {
    /// Method and URL. A template over fields, variables and what earlier steps captured.
    pub request: String,
    /// Headers of the request.
    #[serde(default)]
    pub headers: IndexMap<String, String>,
    /// Query parameters of the request.
    #[serde(default)]
    pub query: IndexMap<String, String>,
    /// The body as a form.
    #[serde(default)]
    pub form: IndexMap<String, String>,
    /// The body as JSON; every text in it is a template.
    #[schemars(with = "Option<serde_json::Value>")]
    pub json: Option<toml::Value>,
    /// The body as text.
    pub text: Option<String>,
    /// HTTP Basic: `{username}:{password}`.
    pub basic: Option<String>,
    /// What is kept of the answer.
    #[serde(default)]
    pub capture: IndexMap<String, CaptureFile>,
}

/// A JWT (RFC 7519) that a key of the user's signs; templates call it `{jwt}`. `iat` and `exp` are added.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct JwtFile {
    /// How it is signed; `RS256` unless said.
    #[serde(default)]
    pub algorithm: JwtAlgorithm,
    /// The key: a private key as PEM, or the secret for `HS256`. A template over fields.
    pub key: String,
    /// Further members of its header, such as `kid`.
    #[serde(default)]
    pub header: IndexMap<String, String>,
    /// Its claims; every text is a template.
    #[serde(default)]
    #[schemars(with = "IndexMap<String, serde_json::Value>")]
    pub claims: IndexMap<String, toml::Value>,
    /// How long it lives; `5m` unless said.
    pub lifetime: Option<String>,
}

/// How a JWT is signed (RFC 7518 §3.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum JwtAlgorithm {
    /// RSA with SHA-256.
    #[default]
    RS256,
    /// ECDSA on P-256 with SHA-256.
    ES256,
    /// HMAC with SHA-256.
    HS256,
    /// Ed25519.
    EdDSA,
}

/// OAuth 1.0a (RFC 5849) as one provider speaks it. All URLs are templates over variables.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OAuth1File {
    /// Where a temporary token comes from.
    pub request_token_url: String,
    /// Where the user consents.
    pub authorize_url: String,
    /// Further parameters of that page.
    #[serde(default)]
    pub authorize_params: IndexMap<String, String>,
    /// Where the lasting token comes from.
    pub access_token_url: String,
    /// How a temporary token is asked for; `POST` unless said.
    #[serde(default)]
    pub request_token_method: TokenMethod,
    /// How the lasting token is asked for; `POST` unless said.
    #[serde(default)]
    pub access_token_method: TokenMethod,
    /// How the requests for tokens are signed.
    #[serde(default)]
    pub signature: OAuth1Signature,
    /// What is kept of the query with which the provider sends the user back: name to parameter.
    #[serde(default)]
    pub callback: IndexMap<String, String>,
}

/// The method of a request for a token. RFC 5849 §2.1 has `POST`; some providers know `GET` only.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "UPPERCASE")]
pub enum TokenMethod {
    /// `POST`.
    #[default]
    Post,
    /// `GET`.
    Get,
}

/// How an OAuth 1.0 request is signed (RFC 5849 §3.4).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize, JsonSchema)]
pub enum OAuth1Signature {
    /// HMAC with SHA-1, as the RFC has it.
    #[default]
    #[serde(rename = "HMAC-SHA1")]
    HmacSha1,
    /// HMAC with SHA-256.
    #[serde(rename = "HMAC-SHA256")]
    HmacSha256,
    /// Both secrets as they are; over TLS only.
    #[serde(rename = "PLAINTEXT")]
    Plaintext,
}

/// A call after connecting that finds out a variable, such as the id of the account's site.
#[derive(Debug, Clone, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DiscoverFile {
    /// Method and URL, or a path at the base URL: `GET https://api.example.com/accessible-resources`. The credential
    /// is injected as into every request.
    pub request: String,
    /// The auth entries that it is for; all of them unless said. A connection of another entry has these variables
    /// from the user.
    #[serde(default)]
    pub auth: Vec<String>,
    /// Headers of the request, which is then sent with them alone and without the injection, to a URL. Templates over
    /// what the named auth entries bring.
    #[serde(default)]
    pub headers: IndexMap<String, String>,
    /// What is kept of the answer, by the name of the variable.
    pub capture: IndexMap<String, CaptureFile>,
}
