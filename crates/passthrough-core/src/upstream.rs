//! Building the upstream request: (provider, connection, credential, passthrough request) → what goes to
//! the provider, or a refusal. Pure: time and nonce come in with the scope.
//!
//! Invariants: the host comes from the provider file and the connection's variables alone; framing headers
//! are never a caller's; the credential goes in last and replaces whatever stood in its place.

use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use http::{HeaderValue, Method, Uri};
use zeroize::Zeroizing;

use crate::base_url::{BaseUrl, JoinError, Origin};
use crate::connection::{Credential, Variables};
use crate::fault::Door;
use crate::header::{Fields, HeaderPolicy, request_headers, same_name};
use crate::path::CallerPath;
use crate::provider::grant::REDIRECT_URI;
use crate::provider::{Auth, BaseRefusal, HostAllowList, Problem, Provider};
use crate::sign;
use crate::template::{Moment, Scope};

mod inject;

use inject::{Injected, is_json};

/// What a request carries where neither caller nor provider file names a user agent. Several APIs refuse
/// requests without one.
const DEFAULT_USER_AGENT: &str = "passthrough/0.1";

/// A connection with its credential open, together with the definition that says how to use it.
#[derive(Debug, Clone, Copy)]
pub struct OpenConnection<'a> {
    /// The provider.
    pub provider: &'a Provider,
    /// The auth entry that the credential was given for.
    pub auth: &'a Auth,
    /// The opened credential.
    pub credential: &'a Credential,
    /// The opened variables.
    pub variables: &'a Variables,
    /// What was worked out before, where something was.
    pub prepared: Option<&'a Prepared>,
}

/// What a caller asks to be sent, in the words of HTTP.
#[derive(Debug, Clone)]
pub struct PassthroughRequest {
    /// The door it came in by.
    pub door: Door,
    /// The method.
    pub method: Method,
    /// Path and query, already judged.
    pub path: CallerPath,
    /// Name of one of the provider's base URLs, or one of those URLs itself.
    pub base: Option<String>,
    /// The headers as the caller gave them.
    pub headers: Fields,
    /// The body.
    pub body: RequestBody,
    /// Whether it is a valid WebSocket upgrade.
    pub websocket_upgrade: bool,
}

/// The body of a passthrough request.
#[derive(Clone)]
pub enum RequestBody {
    /// None at all.
    Absent,
    /// In memory; the content type is used where the caller's headers name none.
    Bytes {
        /// The bytes to send.
        bytes: Bytes,
        /// What they are.
        content_type: Option<HeaderValue>,
    },
    /// On its way; it passes by without being looked at.
    Streamed,
}

impl fmt::Debug for RequestBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            RequestBody::Absent => f.write_str("Absent"),
            RequestBody::Bytes { bytes, .. } => write!(f, "Bytes({})", bytes.len()),
            RequestBody::Streamed => f.write_str("Streamed"),
        }
    }
}

/// What goes to the provider.
pub struct UpstreamRequest {
    /// Scheme, host and port.
    pub origin: Arc<Origin>,
    /// The method.
    pub method: Method,
    /// The whole URI; path and query may hold secrets.
    pub uri: Uri,
    /// Path and query without the base URL, with `***` for what injection put there.
    pub shown_path: String,
    /// The headers, without `Host` and framing.
    pub headers: Fields,
    /// The body.
    pub body: RequestBody,
    /// The names that were injected, where a body streams by: its trailers must not bring another value.
    pub injected: Vec<Bytes>,
}

impl fmt::Debug for UpstreamRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UpstreamRequest")
            .field("origin", &self.origin)
            .field("method", &self.method)
            .field("shown_path", &self.shown_path)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}

/// Why no upstream request was built. Nothing was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refusal {
    /// The caller's request is at fault.
    Request(Vec<Problem>),
    /// The connection's credential or variables do not fit the provider (any more).
    Connection(String),
}

impl Refusal {
    pub(crate) fn request(path: &str, message: impl fmt::Display) -> Self {
        Refusal::Request(vec![Problem::new(path, message.to_string())])
    }
}

/// Builds the upstream request. `moment` is asked only where the injection has a time or a random number in it, or
/// the request is signed.
pub fn build(
    connection: OpenConnection<'_>,
    request: PassthroughRequest,
    moment: impl FnOnce() -> Moment,
    hosts: &HostAllowList,
) -> Result<UpstreamRequest, Refusal> {
    let base = base_of(connection, request.base.as_deref(), hosts)?;
    let rendered;
    let (injected, moment) = match connection.prepared.and_then(|prepared| prepared.injected.as_ref()) {
        Some(injected) if connection.auth.inject.signer.is_none() => (injected, None),
        Some(injected) => (injected, Some(moment())),
        None => {
            let moment = moment();
            rendered = render(connection, moment)?;
            (&rendered, Some(moment))
        }
    };
    assemble(connection, &base, request, injected, moment)
}

/// The base URL of the given name, or the main one; worked out before, where it was.
pub(crate) fn base_of(
    connection: OpenConnection<'_>,
    name: Option<&str>,
    hosts: &HostAllowList,
) -> Result<Arc<BaseUrl>, Refusal> {
    match (name, connection.prepared) {
        (None, Some(prepared)) => prepared.base.clone(),
        (name, _) => resolve_base(connection, name, hosts),
    }
}

/// Builds the next hop of a redirect that stays on the origin where the call began. `request.path` is the
/// whole path that the provider named: base path and injected segment are in it already. Everything else
/// is injected as ever, and a signature is made anew. `shown_path` is that path and may show a secret segment as the provider wrote it.
pub fn build_hop(
    connection: OpenConnection<'_>,
    request: PassthroughRequest,
    origin: &Arc<Origin>,
    moment: impl FnOnce() -> Moment,
) -> Result<UpstreamRequest, Refusal> {
    let moment = moment();
    let injected = render(connection, moment)?.without_path();
    assemble(connection, &BaseUrl::root(Arc::clone(origin)), request, &injected, Some(moment))
}

/// What of a connection's requests is the same each time, worked out once.
///
/// Holds secrets: it has no `Debug` that shows them.
pub struct Prepared {
    base: Result<Arc<BaseUrl>, Refusal>,
    /// `None` where the injection is another one each time, or cannot be rendered: then each request says so.
    injected: Option<Injected>,
}

impl fmt::Debug for Prepared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Prepared").field("injected", &self.injected.is_some()).finish_non_exhaustive()
    }
}

impl Prepared {
    /// Works it out for a connection.
    pub fn new(connection: OpenConnection<'_>, hosts: &HostAllowList) -> Self {
        // A signature is another one each time anyway, and is no part of this.
        let momentary = connection.auth.inject.is_momentary();
        let never = Moment { unix_ms: 0, nonce: [0; 16] };
        let injected = if momentary { None } else { render(connection, never).ok() };
        Self { base: resolve_base(connection, None, hosts), injected }
    }
}

fn render(connection: OpenConnection<'_>, moment: Moment) -> Result<Injected, Refusal> {
    let scope = Scope { credential: connection.credential, variables: connection.variables, moment };
    Injected::render(&connection.auth.inject, &scope)
}

/// `moment` is there where the request is signed.
fn assemble(
    connection: OpenConnection<'_>,
    base: &BaseUrl,
    mut request: PassthroughRequest,
    injected: &Injected,
    moment: Option<Moment>,
) -> Result<UpstreamRequest, Refusal> {
    let signer = connection.auth.inject.signer.as_ref();
    if let Some(signer) = signer {
        request.path.remove_query_names(&signer.query_names());
    }
    let (uri, shown_path) = build_uri(base, connection.provider.endpoint, &mut request.path, injected)?;
    let given = std::mem::take(&mut request.headers);
    // What is injected and what a signature sets: a caller's own of these names goes.
    let mut names = Cow::Borrowed(&injected.names);
    if let Some(signer) = signer {
        names.to_mut().extend(signer.header_names());
    }
    let mut headers = build_headers(connection.provider, &request, given, &names)?;
    let body = injected.inject_body(&request.method, &headers, request.body)?;
    if let RequestBody::Bytes { content_type: Some(content_type), .. } = &body
        && !headers.contains("content-type")
    {
        headers.push("Content-Type", Bytes::copy_from_slice(content_type.as_bytes()));
    }
    injected.insert_cookies(&mut headers)?;
    // Injected always wins: it goes in last, and replaces whatever stood there.
    for (name, value) in injected.names.iter().zip(&injected.values) {
        headers.set(name.clone(), value.clone());
    }
    let streams = matches!(body, RequestBody::Streamed);
    let mut built = UpstreamRequest {
        injected: if streams { names.into_owned() } else { Vec::new() },
        origin: Arc::clone(&base.origin),
        method: request.method,
        uri,
        shown_path,
        headers,
        body,
    };
    if let (Some(signer), Some(moment)) = (signer, moment) {
        let scope = Scope { credential: connection.credential, variables: connection.variables, moment };
        sign::sign(signer, &scope, &mut built)?;
    }
    Ok(built)
}

fn resolve_base(
    connection: OpenConnection<'_>,
    name: Option<&str>,
    hosts: &HostAllowList,
) -> Result<Arc<BaseUrl>, Refusal> {
    let OpenConnection { provider, credential, variables, .. } = connection;
    if let Some(url) = name.filter(|name| name.contains("://")) {
        return known_base(connection, url, hosts);
    }
    let Some(base) = provider.base(name) else {
        let known: Vec<_> = provider.base_urls.keys().map(String::as_str).collect();
        let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
        return Err(Refusal::request(
            "base",
            format!("{} has no such base URL; it has {known}", provider.code),
        ));
    };
    base.resolve(variables, credential, &provider.variables, hosts)
        .map_err(|refusal: BaseRefusal| Refusal::Connection(refusal.to_string()))
}

/// A base URL that a caller wrote out: one of those that the provider has for this connection, or a refusal. An allow
/// list of hosts is not asked here: hosts that a variable may name are no places for credentials that were given for
/// another one, and whoever holds an API key could send them there.
fn known_base(
    connection: OpenConnection<'_>,
    url: &str,
    hosts: &HostAllowList,
) -> Result<Arc<BaseUrl>, Refusal> {
    let OpenConnection { provider, credential, variables, .. } = connection;
    let asked = BaseUrl::parse(url).map_err(|error| Refusal::request("base", error))?;
    let all = std::iter::once(&provider.base_url).chain(provider.base_urls.values());
    let resolved =
        all.filter_map(|base| base.resolve(variables, credential, &provider.variables, hosts).ok());
    resolved.into_iter().find(|base| **base == asked).ok_or_else(|| {
        Refusal::request(
            "base",
            format!("is none of the base URLs that {} has for this connection", provider.code),
        )
    })
}

fn build_uri(
    base: &BaseUrl,
    endpoint: bool,
    path: &mut CallerPath,
    injected: &Injected,
) -> Result<(Uri, String), Refusal> {
    let names: Vec<&str> = injected.query.iter().map(|(name, _)| name.as_str()).collect();
    path.remove_query_names(&names);
    let mut shown = injected.shown_path.clone();
    path.push_to(&mut shown);
    for name in names {
        shown.push(if shown.contains('?') { '&' } else { '?' });
        shown.push_str(&format!("{}={}", crate::path::encode_query_component(name), crate::template::MASK));
    }
    let prefix = injected.path.as_ref().map(|prefix| prefix.as_str());
    let joined = if endpoint && prefix.is_none() && path.path() == "/" {
        Ok(base.itself(path.query()))
    } else {
        base.join(prefix, path)
    };
    let mut joined = joined.map_err(|error| match error {
        JoinError::Prefix => Refusal::Connection(error.to_string()),
        JoinError::Outside | JoinError::TooLong | JoinError::NotAUri => Refusal::request("path", error),
    })?;
    joined.append_query(&injected.query);
    let uri = base.uri(&joined).map_err(|error| Refusal::request("path", error))?;
    Ok((uri, shown))
}

fn build_headers(
    provider: &Provider,
    request: &PassthroughRequest,
    given: Fields,
    injected: &[Bytes],
) -> Result<Fields, Refusal> {
    let policy = HeaderPolicy {
        injected,
        allow_cookie: provider.allow_cookies,
        websocket_upgrade: request.websocket_upgrade,
        x_api_key_is_ours: false,
    };
    let mut headers = request_headers(given, &policy).map_err(|error| Refusal::request("headers", error))?;
    for (name, value) in &provider.headers {
        // Beside an injected header, a spelling of it that some server takes for the same must not stand.
        let injected = injected.iter().any(|injected| same_name(injected, name.as_ref()));
        let explained = *name == http::header::CONTENT_TYPE && says_its_type(&request.body);
        if !injected && !explained && !headers.contains(name.as_str()) {
            headers.push(Bytes::copy_from_slice(name.as_ref()), Bytes::copy_from_slice(value.as_bytes()));
        }
    }
    if !request.door.is_transparent() {
        if !headers.contains("user-agent") {
            headers.push("User-Agent", DEFAULT_USER_AGENT);
        }
        // What comes back is shown inside JSON, so nothing is won by a compressed answer.
        if !headers.contains("accept-encoding") {
            headers.push("Accept-Encoding", "identity");
        }
    }
    Ok(headers)
}

/// Whether a body was encoded in a way that only its own content type explains, such as a form or the parts of
/// a multipart body with their boundary. JSON is what a file may name more exactly.
fn says_its_type(body: &RequestBody) -> bool {
    match body {
        RequestBody::Bytes { content_type: Some(content_type), .. } => !is_json(content_type.as_bytes()),
        RequestBody::Bytes { content_type: None, .. } | RequestBody::Absent | RequestBody::Streamed => false,
    }
}

/// Every secret text that a request of this connection can carry: what redaction must look for. Values of
/// secret fields and variables, and what functions make of them (`base64(user:password)`).
pub fn secrets(connection: OpenConnection<'_>) -> Vec<Zeroizing<String>> {
    let OpenConnection { provider, auth, credential, variables, .. } = connection;
    let mut secrets = Vec::new();
    let fields = auth.fields.0.iter().map(|(name, input)| (input.secret, credential.fields.get(name)));
    let extra = provider.variables.0.iter().map(|(name, input)| (input.secret, variables.get(name)));
    for (secret, value) in fields.chain(extra) {
        if let (true, Some(value)) = (secret, value) {
            secrets.push(Zeroizing::new(secrecy::ExposeSecret::expose_secret(value).to_owned()));
        }
    }
    // What a grant yielded is secret unless the file says that it is a variable like any other.
    // Nor is what a discovery found out: addresses, which answers are full of.
    let discovered = |name: &str| name.starts_with("mcp_") && name != "mcp_client_secret";
    let plain = |name: &str| provider.variables.0.get(name).is_some_and(|input| !input.secret);
    // Everybody who consents sees where they come back to.
    let harmless = |name: &str| plain(name) || discovered(name) || name == REDIRECT_URI;
    let obtained = credential.obtained.iter().flat_map(|obtained| &obtained.values);
    let client = credential.client.iter().filter(|(name, _)| *name != "client_id");
    for (_, value) in obtained.filter(|(name, _)| !harmless(name)).chain(client) {
        secrets.push(Zeroizing::new(secrecy::ExposeSecret::expose_secret(value).to_owned()));
    }
    let moment = Moment { unix_ms: 0, nonce: [0; 16] };
    let scope = Scope { credential, variables, moment };
    for template in auth.inject.templates() {
        secrets.extend(template.computed(&scope));
    }
    secrets
}

#[cfg(test)]
mod tests;
