//! From the envelope to the words of HTTP: what the core builds an upstream request from.

use bytes::Bytes;
use data_encoding::{BASE64, HEXLOWER};
use http::HeaderValue;

use passthrough_core::answer;
use passthrough_core::fault::Door;
use passthrough_core::header::Fields;
use passthrough_core::path::CallerPath;
use passthrough_core::template::percent_encode;
use passthrough_core::upstream::{self as core, RequestBody};

use super::{BodyEncoding, Method, Part, PassthroughRequest, ResponseAs};
use crate::fields::FieldError;

/// An envelope in the core's words.
#[derive(Debug)]
pub struct Converted {
    /// What is to be sent.
    pub request: core::PassthroughRequest,
    /// How the answer is to be presented.
    pub response_as: answer::ResponseAs,
    /// Total deadline in milliseconds, where the caller set one.
    pub timeout_ms: Option<u64>,
}

impl PassthroughRequest {
    /// Converts what came in by a door; all mistakes at once. `nonce` becomes the boundary of a multipart body: a boundary that
    /// a caller could foresee could be smuggled into a part.
    pub fn convert(self, door: Door, nonce: impl FnOnce() -> [u8; 16]) -> Result<Converted, Vec<FieldError>> {
        let mut errors = Vec::new();
        let path = CallerPath::parse(&self.path).map_err(|error| {
            errors.push(FieldError::new("path", error.to_string()));
        });
        let body = self.body(nonce).unwrap_or_else(|error| {
            errors.push(error);
            RequestBody::Absent
        });
        let Ok(mut path) = path else { return Err(errors) };
        if !errors.is_empty() {
            return Err(errors);
        }
        let query: Vec<(String, String)> = self
            .query
            .0
            .into_iter()
            .flat_map(|(name, values)| values.0.into_iter().map(move |value| (name.clone(), value)))
            .collect();
        path.append_query(&query);
        let headers = self.headers.0.into_iter().flat_map(|(name, values)| {
            let name = Bytes::from(name);
            values.0.into_iter().map(move |value| (name.clone(), Bytes::from(value)))
        });
        let request = core::PassthroughRequest {
            door,
            method: self.method.into(),
            path,
            base: self.base,
            headers: Fields(headers.collect()),
            body,
            websocket_upgrade: false,
        };
        Ok(Converted { request, response_as: self.response_as.into(), timeout_ms: self.timeout_ms })
    }

    fn body(&self, nonce: impl FnOnce() -> [u8; 16]) -> Result<RequestBody, FieldError> {
        if let Some(form) = &self.form {
            return Ok(bytes(encode_form(form), Some("application/x-www-form-urlencoded")));
        }
        if let Some(parts) = &self.multipart {
            let boundary = format!("passthrough-{}", HEXLOWER.encode(&nonce()));
            let encoded = encode_multipart(parts, &boundary)?;
            return Ok(bytes(encoded, Some(&format!("multipart/form-data; boundary={boundary}"))));
        }
        let Some(raw) = &self.body else { return Ok(RequestBody::Absent) };
        let is_string = raw.get().starts_with('"');
        let string =
            || serde_json::from_str::<String>(raw.get()).map_err(|_| FieldError::new("body", "is no text"));
        match self.body_encoding {
            BodyEncoding::Base64 if is_string => match BASE64.decode(string()?.as_bytes()) {
                Ok(decoded) => Ok(bytes(decoded, None)),
                Err(_) => Err(FieldError::new("body", "must be base64 (RFC 4648 §4, with padding)")),
            },
            BodyEncoding::Base64 => {
                Err(FieldError::new("body", "must be a string where `bodyEncoding` is base64"))
            }
            BodyEncoding::Text if is_string => Ok(bytes(string()?, None)),
            BodyEncoding::Text => Ok(bytes(raw.get().to_owned(), Some("application/json"))),
        }
    }
}

fn bytes(bytes: impl Into<Bytes>, content_type: Option<&str>) -> RequestBody {
    let content_type = content_type.and_then(|text| HeaderValue::from_str(text).ok());
    RequestBody::Bytes { bytes: bytes.into(), content_type }
}

/// `application/x-www-form-urlencoded` as the URL standard writes it, with `+` for a space.
fn encode_form(pairs: &[(String, String)]) -> String {
    let component = |text: &str| percent_encode(text).replace("%20", "+");
    pairs.iter().map(|(n, v)| format!("{}={}", component(n), component(v))).collect::<Vec<_>>().join("&")
}

/// RFC 7578. Names and file names cannot hold what would end their quotes or their line.
fn encode_multipart(parts: &[Part], boundary: &str) -> Result<Vec<u8>, FieldError> {
    let mut out = Vec::new();
    for (index, part) in parts.iter().enumerate() {
        let wrong =
            |field: &str, message: &str| Err(FieldError::new(format!("multipart[{index}].{field}"), message));
        let content = match (&part.value, &part.base64) {
            (Some(value), None) => value.clone().into_bytes(),
            (None, Some(encoded)) => match BASE64.decode(encoded.as_bytes()) {
                Ok(decoded) => decoded,
                Err(_) => return wrong("base64", "must be base64 (RFC 4648 §4, with padding)"),
            },
            _ => return wrong("value", "give either `value` or `base64`"),
        };
        let mut head =
            format!("--{boundary}\r\nContent-Disposition: form-data; name=\"{}\"", quoted(&part.name));
        if let Some(filename) = &part.filename {
            head.push_str(&format!("; filename=\"{}\"", quoted(filename)));
        }
        if let Some(content_type) = &part.content_type {
            if HeaderValue::from_str(content_type).is_err() {
                return wrong("contentType", "must be a media type such as image/png");
            }
            head.push_str(&format!("\r\nContent-Type: {content_type}"));
        }
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(b"\r\n\r\n");
        out.extend_from_slice(&content);
        out.extend_from_slice(b"\r\n");
    }
    out.extend_from_slice(format!("--{boundary}--\r\n").as_bytes());
    Ok(out)
}

/// As browsers escape them (HTML standard, multipart/form-data encoding algorithm).
fn quoted(text: &str) -> String {
    text.replace('\r', "%0D").replace('\n', "%0A").replace('"', "%22")
}

impl From<Method> for http::Method {
    fn from(method: Method) -> Self {
        match method {
            Method::Get => http::Method::GET,
            Method::Head => http::Method::HEAD,
            Method::Options => http::Method::OPTIONS,
            Method::Post => http::Method::POST,
            Method::Put => http::Method::PUT,
            Method::Patch => http::Method::PATCH,
            Method::Delete => http::Method::DELETE,
        }
    }
}

impl From<ResponseAs> for answer::ResponseAs {
    fn from(wanted: ResponseAs) -> Self {
        match wanted {
            ResponseAs::Auto => answer::ResponseAs::Auto,
            ResponseAs::Json => answer::ResponseAs::Json,
            ResponseAs::Text => answer::ResponseAs::Text,
            ResponseAs::Base64 => answer::ResponseAs::Base64,
        }
    }
}
