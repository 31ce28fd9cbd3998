//! The injection of one connection, rendered for one moment.

use bytes::Bytes;
use http::{HeaderValue, Method};
use zeroize::Zeroizing;

use super::{Refusal, RequestBody};
use crate::header::{Fields, is_reserved, is_value, parse_name};
use crate::json_body::{self, JsonBodyError, Pointer};
use crate::path::encode_segment;
use crate::provider::{Injection, SoapSecurity};
use crate::soap_body::{self, SoapBodyError, UsernameToken};
use crate::template::{Scope, Template};

/// Rendered values. Never printed: it has no Debug.
pub(super) struct Injected {
    /// Names of headers, and their values in the same order.
    pub(super) names: Vec<Bytes>,
    pub(super) values: Vec<Bytes>,
    pub(super) query: Vec<(String, String)>,
    cookies: Vec<(String, Zeroizing<String>)>,
    /// The percent-encoded segment, without slashes around it.
    pub(super) path: Option<Zeroizing<String>>,
    /// The same with its secrets masked, with its leading slash.
    pub(super) shown_path: String,
    body: Vec<(Pointer, String)>,
    soap: Option<UsernameToken>,
}

impl Injected {
    /// Renders all parts; one whose optional field is absent is left out.
    pub(super) fn render(injection: &Injection, scope: &Scope<'_>) -> Result<Self, Refusal> {
        let headers = rendered(&injection.headers, scope).map(|(name, value)| header(&name, &value));
        let (names, values) = headers.collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
        let query = rendered(&injection.query, scope).map(|(n, v)| (n.to_string(), v.to_string())).collect();
        let cookies = rendered(&injection.cookies, scope)
            .map(|(name, value)| cookie(&name, value))
            .collect::<Result<_, _>>()?;
        let path = injection
            .path
            .as_ref()
            .and_then(|path| path.render_escaped(scope, |value, out| out.push_str(&encode_segment(value))));
        let masked = || injection.path.as_ref().map(Template::masked).unwrap_or_default();
        let shown_path = if path.is_some() { format!("/{}", masked()) } else { String::new() };
        let body = injection
            .body
            .iter()
            .filter_map(|(pointer, value)| Some((pointer.clone(), value.render(scope)?.to_string())));
        let soap = injection.soap.as_ref().and_then(|soap| username_token(soap, scope));
        Ok(Self { names, values, query, cookies, path, shown_path, body: body.collect(), soap })
    }

    /// The same for a path that holds its injected segment already.
    pub(super) fn without_path(self) -> Self {
        Self { path: None, shown_path: String::new(), ..self }
    }

    /// The caller's body with the injected values in it.
    pub(super) fn inject_body(
        &self,
        method: &Method,
        headers: &Fields,
        body: RequestBody,
    ) -> Result<RequestBody, Refusal> {
        let puts = match &self.soap {
            Some(token) => Puts::Soap(token),
            None if !self.body.is_empty() => Puts::Json(&self.body),
            None => return Ok(body),
        };
        let (bytes, content_type) = match body {
            RequestBody::Streamed => {
                return Err(Refusal::request(
                    "body",
                    "this provider's credential goes into a body held in memory",
                ));
            }
            RequestBody::Absent => (Bytes::new(), None),
            RequestBody::Bytes { bytes, content_type } => (bytes, content_type),
        };
        // A POST without a body to an API that reads its credential from the body needs one; a GET does not,
        // and must not grow one.
        let takes_a_body = [Method::POST, Method::PUT, Method::PATCH].contains(method);
        if bytes.is_empty() && !takes_a_body {
            return Ok(RequestBody::Absent);
        }
        let declared = headers.get("content-type").map(|value| &value[..]);
        let declared = declared.or(content_type.as_ref().map(HeaderValue::as_bytes));
        let (bytes, usual) = puts.into(&bytes, declared)?;
        Ok(RequestBody::Bytes {
            bytes: bytes.into(),
            content_type: content_type.or(Some(HeaderValue::from_static(usual))),
        })
    }

    /// Puts the injected cookies behind the caller's own, of which those of the same name are dropped.
    pub(super) fn insert_cookies(&self, headers: &mut Fields) -> Result<(), Refusal> {
        if self.cookies.is_empty() {
            return Ok(());
        }
        let injected: Vec<String> = self.cookies.iter().map(|(name, _)| as_read(name.as_bytes())).collect();
        let mut pairs = Vec::new();
        for value in headers.get_all("cookie") {
            for pair in value.split(|byte| *byte == b';').map(<[u8]>::trim_ascii) {
                if !pair.is_empty() && !names_any(pair, &injected) {
                    pairs.push(Zeroizing::new(pair.to_vec()));
                }
            }
        }
        for (name, value) in &self.cookies {
            pairs.push(Zeroizing::new(format!("{name}={}", value.as_str()).into_bytes()));
        }
        let joined =
            Zeroizing::new(pairs.iter().map(|pair| pair.as_slice()).collect::<Vec<_>>().join(&b"; "[..]));
        if !is_value(&joined) {
            return Err(Refusal::Connection("the credential cannot be put into a cookie".to_owned()));
        }
        headers.set("Cookie", Bytes::copy_from_slice(&joined));
        Ok(())
    }
}

/// What is put into a body.
enum Puts<'a> {
    Json(&'a [(Pointer, String)]),
    Soap(&'a UsernameToken),
}

impl Puts<'_> {
    /// The body with it, and what that is where nobody says.
    fn into(self, body: &[u8], declared: Option<&[u8]>) -> Result<(Vec<u8>, &'static str), Refusal> {
        match self {
            Puts::Json(_) if !declared.is_none_or(is_json) => {
                Err(Refusal::request("body", "this provider's credential goes into the body, so send JSON"))
            }
            Puts::Json(values) => {
                let bytes = json_body::inject(body, values).map_err(|error| match error {
                    JsonBodyError::NotAJsonValue { .. } => Refusal::Connection(error.to_string()),
                    _ => Refusal::request("body", error),
                })?;
                Ok((bytes, "application/json"))
            }
            Puts::Soap(_) if !declared.is_none_or(soap_body::is_xml) => Err(Refusal::request(
                "body",
                "this provider's credential goes into the body, so send a SOAP envelope as XML in UTF-8: \
                 `content-type: text/xml`",
            )),
            Puts::Soap(token) => {
                let (bytes, version) = soap_body::inject(body, token).map_err(|error| match error {
                    SoapBodyError::Unwritable(_) => Refusal::Connection(error.to_string()),
                    _ => Refusal::request("body", error),
                })?;
                Ok((bytes, version.content_type()))
            }
        }
    }
}

/// `None` where user name or password use an absent optional field.
fn username_token(soap: &SoapSecurity, scope: &Scope<'_>) -> Option<UsernameToken> {
    Some(UsernameToken {
        username: soap.username.render(scope)?,
        password: soap.password.render(scope)?,
        digest: soap.digest,
        lifetime_ms: soap.lifetime_ms,
        nonce: scope.moment.nonce,
        created_ms: scope.moment.unix_ms,
    })
}

/// Whether a content type says JSON, in one of its many names.
pub(super) fn is_json(content_type: &[u8]) -> bool {
    let essence = content_type.split(|byte| *byte == b';').next().unwrap_or_default();
    essence.to_ascii_lowercase().windows(4).any(|part| part == b"json")
}

/// The name may come from a field (the `custom` provider asks for it), so it is judged like a file's own.
fn header(name: &str, value: &str) -> Result<(Bytes, Bytes), Refusal> {
    if parse_name(name.as_bytes()).is_none() {
        return Err(Refusal::Connection("the credential's header name is none".to_owned()));
    }
    if is_reserved(name) || name.eq_ignore_ascii_case("cookie") {
        let name = name.to_ascii_lowercase();
        return Err(Refusal::Connection(format!("the header `{name}` cannot carry a credential")));
    }
    // A line break in a secret would end the header and begin another.
    if !is_value(value.as_bytes()) {
        let name = name.to_ascii_lowercase();
        return Err(Refusal::Connection(format!(
            "the credential holds a character that the header `{name}` cannot carry"
        )));
    }
    Ok((Bytes::copy_from_slice(name.as_bytes()), Bytes::copy_from_slice(value.as_bytes())))
}

/// RFC 6265 §4.1.1: a `;` in a secret would begin another cookie, a `=` in a name would end it early.
fn cookie(name: &str, value: Zeroizing<String>) -> Result<(String, Zeroizing<String>), Refusal> {
    if parse_name(name.as_bytes()).is_none() {
        return Err(Refusal::Connection("the credential's cookie name is none".to_owned()));
    }
    let octet = |b: u8| (0x21..0x7f).contains(&b) && !matches!(b, b'"' | b',' | b';' | b'\\');
    if !value.bytes().all(octet) {
        let message = format!("the credential holds a character that the cookie `{name}` cannot carry");
        return Err(Refusal::Connection(message));
    }
    Ok((name.to_owned(), value))
}

/// Whether some server reads one of these cookies out of a pair: some part pairs at commas (RFC 2965) or at
/// white space as well, and one that takes the first of two would prefer the caller's.
fn names_any(pair: &[u8], injected: &[String]) -> bool {
    pair.split(|byte| *byte == b',' || byte.is_ascii_whitespace()).any(|piece| {
        let name = piece.split(|byte| *byte == b'=').next().unwrap_or_default();
        injected.contains(&as_read(name))
    })
}

/// A cookie's name as the most careless server compares it: decoded, without regard to case, and with `_`
/// for what cannot stand in the name of a variable.
fn as_read(name: &[u8]) -> String {
    let word =
        |byte: u8| if byte.is_ascii_alphanumeric() { char::from(byte.to_ascii_lowercase()) } else { '_' };
    percent_encoding::percent_decode(name).map(word).collect()
}

fn rendered<'a>(
    pairs: &'a [(Template, Template)],
    scope: &'a Scope<'a>,
) -> impl Iterator<Item = (Zeroizing<String>, Zeroizing<String>)> + 'a {
    pairs.iter().filter_map(|(name, value)| Some((name.render(scope)?, value.render(scope)?)))
}
