//! OAuth as MCP servers speak it: everything is asked of the server itself. Which authorization server guards it
//! (RFC 9728), where that authorizes (RFC 8414, or OpenID Connect discovery), and a client of our own (RFC 7591).
//!
//! Nothing that a server names is believed without a check that ties it to what was asked: a metadata document must
//! name the resource or the issuer that it was fetched for, addresses are https, and consent is always bound by PKCE.
//! What is found out goes beside the tokens, under names that begin with `mcp_`.

use std::collections::BTreeMap;

use http::Method;
use secrecy::SecretString;
use serde_json::{Value, json};

use super::answer::{Answer, scalar};
use super::call::{Body, Draft};
use super::capture::checked;
use super::refusal::Refusal;
use super::{Asking, GrantError, TokenCall};
use crate::base_url::{BaseUrl, Scheme};
use crate::provider::grant::Url;

mod challenge;

pub use challenge::{Challenge, read_challenge};

/// What guards a resource (RFC 9728 §2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceMetadata {
    /// The resource as the server calls it: what is named to the authorization server (RFC 8707).
    pub resource: String,
    /// The issuers that may give tokens for it, the preferred one first; never empty.
    pub authorization_servers: Vec<String>,
    /// The scopes that it knows.
    pub scopes: Vec<String>,
}

/// Where an issuer authorizes (RFC 8414 §2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerMetadata {
    /// Its name.
    pub issuer: String,
    /// Where the user consents.
    pub authorize_url: String,
    /// Where tokens come from.
    pub token_url: String,
    /// Where clients register, if they can.
    pub registration_url: Option<String>,
    /// Where tokens are given back.
    pub revoke_url: Option<String>,
    /// How clients may show who they are; empty where it does not say.
    pub auth_methods: Vec<String>,
    /// Whether it says with each answer that it is the one who answers (RFC 9207): then an answer without `iss` is
    /// none of its.
    pub says_iss: bool,
}

/// The resource of a connection: its base URL.
pub fn resource(asking: &Asking<'_>) -> Result<BaseUrl, GrantError> {
    let open = asking.open;
    let base = open.provider.base_url.resolve(
        open.variables,
        open.credential,
        &open.provider.variables,
        asking.hosts,
    )?;
    Ok((*base).clone())
}

/// Where a resource says what guards it (RFC 9728 §3.1), to be asked in this order until one answers; after the address
/// in its challenge, where it sent one.
pub fn resource_metadata_urls(resource: &BaseUrl) -> Vec<Url> {
    well_known(
        resource,
        &["/.well-known/oauth-protected-resource{}", "/.well-known/oauth-protected-resource"],
    )
}

/// Where an issuer says where it authorizes (RFC 8414 §3.1; OpenID Connect Discovery §4), in this order.
pub fn server_metadata_urls(issuer: &str, resource: &BaseUrl) -> Result<Vec<Url>, Refusal> {
    let issuer = address(issuer, resource)?.base;
    Ok(well_known(
        &issuer,
        &[
            "/.well-known/oauth-authorization-server{}",
            "/.well-known/openid-configuration{}",
            "{}/.well-known/openid-configuration",
        ],
    ))
}

/// The issuer of a resource that has no metadata: its own origin, as MCP had it in the beginning.
pub fn own_issuer(resource: &BaseUrl) -> String {
    resource.origin.to_string()
}

fn well_known(base: &BaseUrl, forms: &[&str]) -> Vec<Url> {
    let mut urls: Vec<Url> = Vec::new();
    for form in forms {
        let text = format!("{}{}", base.origin, form.replace("{}", base.path()));
        urls.extend(Url::parse(&text).ok().filter(|url| !urls.contains(url)));
    }
    urls
}

/// Asks for a metadata document.
pub fn metadata_call(asking: &Asking<'_>, url: Url) -> TokenCall {
    Draft::new(Method::GET).to(url, asking)
}

/// Reads what guards a resource. A document about another resource is refused: with it, a server could have us ask for
/// tokens that are meant for somebody else (RFC 9728 §3.3).
pub fn read_resource_metadata(answer: &Answer<'_>, resource: &BaseUrl) -> Result<ResourceMetadata, Refusal> {
    let values = document(answer)?;
    let named = text(&values, "resource")?;
    let about = Url::parse(&named).map_err(|_| Refusal::malformed("`resource` is no address"))?.base;
    let within = resource.path() == about.path()
        || resource.path().strip_prefix(about.path()).is_some_and(|rest| rest.starts_with('/'));
    if about.origin != resource.origin || !within {
        return Err(Refusal::malformed("it is about another resource"));
    }
    let authorization_servers = texts(&values, "authorization_servers");
    if authorization_servers.is_empty() {
        return Err(Refusal::malformed("it names no authorization server"));
    }
    Ok(ResourceMetadata {
        resource: named,
        authorization_servers,
        scopes: texts(&values, "scopes_supported"),
    })
}

/// Reads where an issuer authorizes. A document of another issuer is refused (RFC 8414 §3.3): that would be the mix-up
/// attack; and so is a server without PKCE S256.
pub fn read_server_metadata(
    answer: &Answer<'_>,
    issuer: &str,
    resource: &BaseUrl,
) -> Result<ServerMetadata, Refusal> {
    let values = document(answer)?;
    let named = text(&values, "issuer")?;
    if named.trim_end_matches('/') != issuer.trim_end_matches('/') {
        return Err(Refusal::malformed("it is of another issuer"));
    }
    if !texts(&values, "code_challenge_methods_supported").iter().any(|method| method == "S256") {
        return Err(Refusal::malformed("it does not support PKCE with S256"));
    }
    let need = |name: &str| {
        let text = text(&values, name)?;
        address(&text, resource).map(|_| text)
    };
    let maybe = |name: &str| match values.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(_) => need(name).map(Some),
    };
    Ok(ServerMetadata {
        issuer: named,
        authorize_url: need("authorization_endpoint")?,
        token_url: need("token_endpoint")?,
        registration_url: maybe("registration_endpoint")?,
        revoke_url: maybe("revocation_endpoint")?,
        auth_methods: texts(&values, "token_endpoint_auth_methods_supported"),
        says_iss: values.get("authorization_response_iss_parameter_supported") == Some(&Value::Bool(true)),
    })
}

/// How our client will be known.
#[derive(Debug, Clone, Copy)]
pub struct Registration<'a> {
    /// What a consent page shows.
    pub client_name: &'a str,
    /// Where users are sent back to.
    pub redirect_uri: &'a str,
}

/// Registers a client (RFC 7591 §3.1); `None` where the server takes none: then the integration must bring one.
pub fn registration_call(
    asking: &Asking<'_>,
    server: &ServerMetadata,
    registration: &Registration<'_>,
) -> Result<Option<TokenCall>, GrantError> {
    let Some(address) = &server.registration_url else { return Ok(None) };
    let url =
        Url::parse(address).map_err(|_| GrantError::NotAnAddress("the registration endpoint".to_owned()))?;
    // A client without a secret has none that could leak, and PKCE binds it.
    let known = ["none", "client_secret_basic", "client_secret_post"];
    let method = known.into_iter().find(|method| server.auth_methods.iter().any(|known| known == method));
    let mut draft = Draft::post();
    let body = json!({
        "client_name": registration.client_name,
        "redirect_uris": [registration.redirect_uri],
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "token_endpoint_auth_method": method.unwrap_or("none"),
    });
    draft.body = Body::Json(body.to_string().into());
    Ok(Some(draft.to(url, asking)))
}

/// Reads the answer to a registration (RFC 7591 §3.2): the client, under the names that token requests look for.
pub fn read_registration(answer: &Answer<'_>) -> Result<BTreeMap<String, SecretString>, Refusal> {
    let values = document(answer)?;
    let mut kept = BTreeMap::new();
    let mut keep = |name: &str, value: String| {
        kept.insert(name.to_owned(), checked(name, value)?);
        Ok(())
    };
    keep("mcp_client_id", text(&values, "client_id")?)?;
    let secret = values.get("client_secret").and_then(scalar);
    let usual = if secret.is_some() { "client_secret_basic" } else { "none" };
    let method = values.get("token_endpoint_auth_method").and_then(scalar).unwrap_or(usual.to_owned());
    if !["none", "client_secret_basic", "client_secret_post"].contains(&method.as_str()) {
        return Err(Refusal::malformed("it wants a client authentication that was not asked for"));
    }
    keep("mcp_client_auth", method)?;
    if let Some(secret) = secret {
        keep("mcp_client_secret", secret)?;
    }
    // 0 means "never" (RFC 7591 §3.2.1).
    if let Some(at) = values.get("client_secret_expires_at").and_then(Value::as_i64).filter(|at| *at > 0) {
        keep("mcp_client_expires_at", at.to_string())?;
    }
    Ok(kept)
}

/// What is kept of the discovery beside the tokens, for consent, token requests and refreshes.
pub fn kept(resource: &str, server: &ServerMetadata, scopes: &[String]) -> BTreeMap<String, SecretString> {
    let scope = Some(scopes.join(" ")).filter(|scope| !scope.is_empty());
    let says_iss = server.says_iss.then(|| "true".to_owned());
    let values = [
        ("mcp_resource", Some(resource.to_owned())),
        ("mcp_issuer", Some(server.issuer.clone())),
        ("mcp_authorize_url", Some(server.authorize_url.clone())),
        ("mcp_token_url", Some(server.token_url.clone())),
        ("mcp_revoke_url", server.revoke_url.clone()),
        ("mcp_scope", scope),
        ("mcp_says_iss", says_iss),
    ];
    let values = values.into_iter().filter_map(|(name, value)| Some((name.to_owned(), value?.into())));
    values.collect()
}

/// A JSON object under a status of success. Everything else says nothing for good.
fn document(answer: &Answer<'_>) -> Result<Value, Refusal> {
    if let Some(passing) = answer.passing() {
        return Err(passing);
    }
    if !answer.is_success() {
        let what = format!("it answered with status {}", answer.status);
        return Err(Refusal::Passing { what, retry_after_ms: answer.retry_after_ms() });
    }
    match serde_json::from_slice(answer.text()) {
        Ok(value @ Value::Object(_)) => Ok(value),
        _ => Err(Refusal::malformed("it is no JSON object")),
    }
}

fn text(values: &Value, name: &str) -> Result<String, Refusal> {
    let found = values.get(name).and_then(Value::as_str).filter(|text| !text.is_empty());
    found.map(str::to_owned).ok_or_else(|| Refusal::malformed(format!("no `{name}` in it")))
}

fn texts(values: &Value, name: &str) -> Vec<String> {
    let items = values.get(name).and_then(Value::as_array).into_iter().flatten();
    let plain = |text: &&str| !text.is_empty() && text.len() <= 2048 && !text.chars().any(char::is_control);
    items.filter_map(Value::as_str).filter(plain).take(100).map(str::to_owned).collect()
}

/// An address that something may be sent to: https, unless the operator opened http for the resource itself.
fn address(text: &str, resource: &BaseUrl) -> Result<Url, Refusal> {
    let url = Url::parse(text).map_err(|_| Refusal::malformed("an address in it is none"))?;
    if url.base.origin.scheme != Scheme::Https && resource.origin.scheme == Scheme::Https {
        return Err(Refusal::malformed("an address in it is not https"));
    }
    Ok(url)
}
