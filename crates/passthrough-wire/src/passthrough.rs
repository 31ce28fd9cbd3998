//! The envelope: `POST /v1/passthrough` and `POST /v1/passthrough/raw`.

use std::collections::BTreeMap;

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::fields::{FieldError, Fields, Unknown};
use crate::words;

mod body;
mod build;
mod convert;

pub use convert::Converted;

/// The methods of the envelope.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "UPPERCASE")]
#[allow(missing_docs, reason = "the names are the methods' own")]
pub enum Method {
    Get,
    Head,
    Options,
    Post,
    Put,
    Patch,
    Delete,
}

/// One query value: a string, a number (its text is kept) or a boolean.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scalar(pub String);

/// One value or several: several repeat the key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneOrMany(pub Vec<String>);

/// How `body` is to be read.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum BodyEncoding {
    /// A string goes out as it is; any other JSON value as JSON, its text unchanged.
    #[default]
    Text,
    /// A base64 string of the bytes to send.
    Base64,
}

/// How `response` is to be presented.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ResponseAs {
    /// JSON as JSON, text as a string, other bytes as base64.
    #[default]
    Auto,
    /// As JSON, or an error.
    Json,
    /// As a string, decoded by its charset.
    Text,
    /// As base64 of the bytes.
    Base64,
}

/// One part of a `multipart/form-data` body.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Part {
    /// The field's name.
    pub name: String,
    /// Its text. This or `base64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<String>,
    /// Its bytes. This or `value`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub base64: Option<String>,
    /// A file name to send: a name only, never read from a disk.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub filename: Option<String>,
    /// What the part is.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_type: Option<String>,
}

/// A passthrough request.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"method": "GET", "path": "/v1/items?limit=10"}))]
pub struct PassthroughRequest {
    /// The method.
    pub method: Method,
    /// Begins with `/`; may hold a query.
    #[schema(pattern = "^/")]
    pub path: String,
    /// Appended to the path's query; arrays repeat the key.
    #[serde(skip_serializing_if = "Pairs::is_empty")]
    #[schema(required = false, value_type = std::collections::HashMap<String, words::OneOrMany>)]
    pub query: Pairs,
    /// Headers for the provider. The connection's credential is added by us and always wins.
    #[serde(skip_serializing_if = "Pairs::is_empty")]
    #[schema(required = false, value_type = std::collections::HashMap<String, words::OneOrMany>)]
    pub headers: Pairs,
    /// A string goes out byte for byte; any other JSON value goes out as JSON, its text unchanged.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<serde_json::Value>)]
    pub body: Option<Box<RawValue>>,
    /// How `body` is to be read.
    #[serde(skip_serializing_if = "is_default")]
    #[schema(required = false)]
    pub body_encoding: BodyEncoding,
    /// Sent as `application/x-www-form-urlencoded`: an object, or an array of `[name, value]`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<words::FormBody>)]
    pub form: Option<Vec<(String, String)>>,
    /// Sent as `multipart/form-data`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub multipart: Option<Vec<Part>>,
    /// How `response` is to be presented.
    #[serde(skip_serializing_if = "is_default")]
    #[schema(required = false)]
    pub response_as: ResponseAs,
    /// Total deadline of this call in milliseconds, up to the configured maximum.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(minimum = 1, example = 10_000)]
    pub timeout_ms: Option<u64>,
    /// The name of one of the provider's further base URLs.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub base: Option<String>,
}

/// Names with one value or several, in order. An object on the wire.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Pairs(pub Vec<(String, OneOrMany)>);

impl Pairs {
    fn is_empty(pairs: &Pairs) -> bool {
        pairs.0.is_empty()
    }
}

fn is_default<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

impl PassthroughRequest {
    /// A request with nothing but method and path.
    pub fn new(method: Method, path: impl Into<String>) -> Self {
        Self {
            method,
            path: path.into(),
            query: Pairs::default(),
            headers: Pairs::default(),
            body: None,
            body_encoding: BodyEncoding::default(),
            form: None,
            multipart: None,
            response_as: ResponseAs::default(),
            timeout_ms: None,
            base: None,
        }
    }

    /// Reads the native form strictly.
    pub fn parse(json: &[u8]) -> Result<Self, Vec<FieldError>> {
        let mut fields = Fields::parse(json)?;
        let method: Option<Method> = fields.required("method");
        let path: Option<String> = fields.required("path");
        let query: Option<Pairs> = fields.optional("query");
        let headers: Option<Pairs> = fields.optional("headers");
        let request = Self {
            method: method.unwrap_or(Method::Get),
            path: path.unwrap_or_default(),
            query: query.unwrap_or_default(),
            headers: headers.unwrap_or_default(),
            body: fields.raw("body").map(ToOwned::to_owned),
            body_encoding: fields.optional("bodyEncoding").unwrap_or_default(),
            form: fields.optional::<body::Form>("form").map(|form| form.0),
            multipart: fields.optional("multipart"),
            response_as: fields.optional("responseAs").unwrap_or_default(),
            timeout_ms: fields.optional("timeoutMs"),
            base: fields.optional("base"),
        };
        let bodies = [request.body.is_some(), request.form.is_some(), request.multipart.is_some()];
        if bodies.iter().filter(|given| **given).count() > 1 {
            fields.error("body", "give at most one of `body`, `form` and `multipart`");
        }
        if request.timeout_ms == Some(0) {
            fields.error("timeoutMs", "must be at least 1");
        }
        fields.finish(Unknown::Refuse)?;
        Ok(request)
    }

    /// Reads Terminal's form: fewer methods, a string body, unknown fields ignored.
    pub fn parse_terminal(json: &[u8]) -> Result<Self, Vec<FieldError>> {
        let mut fields = Fields::parse(json)?;
        let method: Option<Method> = fields.required("method");
        if matches!(method, Some(Method::Head | Method::Options)) {
            fields.error("method", "must be one of GET, POST, PUT, PATCH, DELETE");
        }
        let path: Option<String> = fields.required("path");
        let headers: Option<Pairs> = fields.optional("headers");
        let body: Option<String> = fields.optional("body");
        fields.finish(Unknown::Ignore)?;
        let mut request = Self::new(method.unwrap_or(Method::Get), path.unwrap_or_default());
        request.headers = headers.unwrap_or_default();
        request.body = body.and_then(|body| serde_json::value::to_raw_value(&body).ok());
        Ok(request)
    }
}

/// A passthrough response: any answer of the provider, whatever its status.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "camelCase")]
#[schema(example = json!({"method": "GET", "path": "/orders?status=paid", "statusCode": 200, "headers": {"content-type": "application/json", "set-cookie": ["a=1", "b=2"]}, "response": {"orders": [{"id": 1001, "status": "paid"}]}, "responseEncoding": "json", "requestId": "req_01M805WPGS4KPQR5ZSR9999NDZ", "durationMs": 41, "upstreamDurationMs": 38, "attempts": 1}))]
pub struct PassthroughResponse {
    /// As sent.
    pub method: String,
    /// As sent, without the base URL; secrets that injection put there are `***`.
    pub path: String,
    /// The provider's status.
    pub status_code: u16,
    /// The provider's headers, names as received; one that came more than once is an array.
    pub headers: IndexMap<String, HeaderValues>,
    /// The body.
    #[schema(value_type = serde_json::Value)]
    pub response: Box<RawValue>,
    /// What `response` is: `json`, `text` or `base64`.
    #[schema(inline, value_type = words::ResponseEncoding)]
    pub response_encoding: String,
    /// `req_<ULID>`.
    #[schema(pattern = "^req_[0-7][0-9A-HJKMNP-TV-Z]{25}$", example = "req_01M805WQ32ZKWR68SDHP2J0YHP")]
    pub request_id: String,
    /// The whole, in milliseconds.
    pub duration_ms: u64,
    /// The provider's part of it.
    pub upstream_duration_ms: u64,
    /// How many times the provider was called.
    pub attempts: u32,
}

/// The value of a header, or its values where it came more than once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum HeaderValues {
    /// It came once.
    One(String),
    /// It came more than once.
    Many(Vec<String>),
}

impl HeaderValues {
    /// Adds one more value.
    pub fn push(&mut self, value: String) {
        match self {
            HeaderValues::One(first) => *self = HeaderValues::Many(vec![std::mem::take(first), value]),
            HeaderValues::Many(values) => values.push(value),
        }
    }

    /// All values.
    pub fn as_slice(&self) -> &[String] {
        match self {
            HeaderValues::One(value) => std::slice::from_ref(value),
            HeaderValues::Many(values) => values,
        }
    }
}

/// Groups headers by name (case folded), names in the spelling and order of their first appearance.
pub fn group_headers(headers: impl Iterator<Item = (String, String)>) -> IndexMap<String, HeaderValues> {
    let mut grouped: IndexMap<String, HeaderValues> = IndexMap::new();
    let mut spelling: BTreeMap<String, String> = BTreeMap::new();
    for (name, value) in headers {
        let first = spelling.entry(name.to_ascii_lowercase()).or_insert_with(|| name.clone());
        match grouped.get_mut(first.as_str()) {
            Some(values) => values.push(value),
            None => drop(grouped.insert(name, HeaderValues::One(value))),
        }
    }
    grouped
}

#[cfg(test)]
mod tests;
