//! Panora's shapes, where they differ from ours.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use utoipa::ToSchema;

use crate::connection::MAX_TEXT;
use crate::error::ErrorBody;
use crate::fields::{FieldError, Fields, UNKNOWN_FIELD, Unknown};
use crate::passthrough::{HeaderValues, Method, Pairs, Part, PassthroughRequest, PassthroughResponse};

/// How many linked users a batch may have.
pub const MAX_BATCH: usize = 500;

/// The literal that stands for a secret.
pub const REDACTED: &str = "redacted";

/// Panora's passthrough request.
#[derive(Debug, Clone, ToSchema)]
#[schema(example = json!({"method": "GET", "path": "/v1/items?limit=10"}))]
pub struct PanoraRequest {
    /// The method.
    pub method: Method,
    /// Begins with `/`; may hold a query.
    pub path: String,
    /// Headers for the provider. The connection's credential is added by us and always wins.
    #[schema(value_type = Option<std::collections::HashMap<String, String>>)]
    pub headers: Pairs,
    /// The body: JSON, or an array of parts with the format `MULTIPART`. `{}` is no body with GET, HEAD and DELETE.
    #[schema(value_type = Option<serde_json::Value>)]
    pub data: Option<PanoraData>,
    /// `JSON` or `MULTIPART`; absent, `{}` and `[]`, which generated SDKs send, mean `JSON`.
    #[schema(value_type = Option<serde_json::Value>)]
    pub request_format: PanoraFormat,
    /// One of the provider's base URLs, written out; absent and `{}` mean the usual one.
    #[schema(rename = "overrideBaseUrl", value_type = Option<serde_json::Value>)]
    pub override_base_url: Option<String>,
}

/// What `data` is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum PanoraFormat {
    /// A JSON body.
    #[default]
    Json,
    /// The parts of a `multipart/form-data` body.
    Multipart,
}

/// A body.
#[derive(Debug, Clone)]
pub enum PanoraData {
    /// As the envelope has it.
    Json(Box<RawValue>),
    /// Parts.
    Multipart(Vec<PanoraPart>),
}

/// One part of a `multipart/form-data` body.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PanoraPart {
    name: String,
    data: String,
    encoding: Option<PanoraEncoding>,
    /// A name to send: never that of a file of ours to read.
    file_name: Option<String>,
}

#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum PanoraEncoding {
    Base64,
}

impl PanoraRequest {
    /// Reads Panora's form.
    pub fn parse(json: &[u8]) -> Result<PassthroughRequest, Vec<FieldError>> {
        let mut fields = Fields::parse(json)?;
        let method: Option<Method> = fields.required("method");
        let path: Option<String> = fields.required("path");
        let request_format = format(&mut fields);
        let headers: Option<Pairs> = fields.optional("headers");
        let override_base_url = base_url(&mut fields);
        let method = method.unwrap_or(Method::Get);
        let data = data(&mut fields, method, request_format);
        fields.finish(Unknown::Refuse)?;
        let (path, headers) = (path.unwrap_or_default(), headers.unwrap_or_default());
        Ok(Self { method, path, headers, data, request_format, override_base_url }.into())
    }
}

fn format(fields: &mut Fields<'_>) -> PanoraFormat {
    match fields.raw("request_format").map(RawValue::get) {
        None | Some("\"JSON\"") => PanoraFormat::Json,
        // What generated SDKs make of a field whose type is not said.
        Some(raw) if raw.starts_with(['{', '[']) => PanoraFormat::Json,
        Some("\"MULTIPART\"") => PanoraFormat::Multipart,
        Some(_) => {
            fields.error("request_format", "must be JSON or MULTIPART, or be left out");
            PanoraFormat::Json
        }
    }
}

fn base_url(fields: &mut Fields<'_>) -> Option<String> {
    let raw = fields.raw("overrideBaseUrl")?.get();
    match serde_json::from_str::<serde_json::Value>(raw) {
        // The name of a base URL is no URL; the envelope has `base` for it.
        Ok(serde_json::Value::String(url)) if url.contains("://") => return Some(url),
        Ok(serde_json::Value::Object(object)) if object.is_empty() => {}
        _ => fields.error("overrideBaseUrl", "must be a URL, or be left out"),
    }
    None
}

fn data(fields: &mut Fields<'_>, method: Method, format: PanoraFormat) -> Option<PanoraData> {
    if format == PanoraFormat::Multipart {
        return fields.required("data").map(PanoraData::Multipart);
    }
    let raw = fields.raw("data")?;
    // SDKs send an empty object with every request.
    let without = matches!(method, Method::Get | Method::Head | Method::Delete);
    let is_empty = || raw.get().strip_prefix('{').is_some_and(|rest| rest.trim_start().starts_with('}'));
    if without && is_empty() { None } else { Some(PanoraData::Json(raw.to_owned())) }
}

impl From<PanoraRequest> for PassthroughRequest {
    fn from(asked: PanoraRequest) -> Self {
        let mut request = Self::new(asked.method, asked.path);
        request.headers = asked.headers;
        request.base = asked.override_base_url;
        match asked.data {
            Some(PanoraData::Json(json)) => request.body = Some(json),
            Some(PanoraData::Multipart(parts)) => {
                request.multipart = Some(parts.into_iter().map(Part::from).collect());
            }
            None => {}
        }
        request
    }
}

impl From<PanoraPart> for Part {
    fn from(part: PanoraPart) -> Self {
        let (value, base64) = match part.encoding {
            None => (Some(part.data), None),
            Some(PanoraEncoding::Base64) => (None, Some(part.data)),
        };
        Self { name: part.name, value, base64, filename: part.file_name, content_type: None }
    }
}

/// Panora's passthrough answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct PanoraResponse {
    /// The provider's status.
    pub status: u16,
    /// The usual words for that status; empty where there are none.
    #[serde(rename = "statusText")]
    pub status_text: &'static str,
    /// The provider's headers, names in small letters; one that came more than once is an array.
    pub headers: IndexMap<String, HeaderValues>,
    /// The provider's JSON, or a string: text, base64 of other bytes, `""` for an empty body.
    #[schema(value_type = serde_json::Value)]
    pub data: Box<RawValue>,
}

impl From<PassthroughResponse> for PanoraResponse {
    fn from(answer: PassthroughResponse) -> Self {
        let status = http::StatusCode::from_u16(answer.status_code).ok();
        let headers = answer.headers.into_iter().map(|(name, values)| (name.to_ascii_lowercase(), values));
        Self {
            status: answer.status_code,
            status_text: status.and_then(|status| status.canonical_reason()).unwrap_or_default(),
            headers: headers.collect(),
            data: answer.response,
        }
    }
}

/// Panora's error: ours, with what Panora says of a failure.
#[derive(Debug, Serialize, ToSchema)]
pub struct PanoraError {
    /// The status of the answer.
    #[serde(rename = "statusCode")]
    pub status_code: u16,
    /// RFC 3339.
    pub timestamp: String,
    /// The path that was asked for.
    pub path: String,
    /// Ours.
    #[serde(flatten)]
    pub error: ErrorBody,
}

/// What is wrong with a request, with the place by the name that it has in Panora's. A field that does not exist there
/// is one of the caller's own words.
pub fn in_panoras_words(error: FieldError) -> FieldError {
    if error.message.starts_with(UNKNOWN_FIELD) {
        error
    } else {
        FieldError { path: panora_path(&error.path), ..error }
    }
}

fn panora_path(path: &str) -> String {
    match path {
        "base" => "overrideBaseUrl".to_owned(),
        path => match (path.strip_prefix("body"), path.strip_prefix("multipart")) {
            (Some(below), _) => format!("data{below}"),
            (_, Some(part)) => format!("data{}", part.replace(".base64", ".data").replace(".value", ".data")),
            (None, None) => path.to_owned(),
        },
    }
}

/// Panora's connection. None of it is ever null.
#[derive(Debug, Serialize, ToSchema)]
pub struct PanoraConnection {
    /// `conn_<ULID>`.
    pub id_connection: String,
    /// `valid`, `disconnected` or `archived`.
    pub status: &'static str,
    /// The provider's code.
    pub provider_slug: String,
    /// Empty: there are no verticals.
    pub vertical: &'static str,
    /// Empty: what leads to the account is not told.
    pub account_url: &'static str,
    /// `oauth2`, `basic` or `apikey`.
    pub token_type: &'static str,
    /// `redacted`.
    pub access_token: &'static str,
    /// `redacted`.
    pub refresh_token: &'static str,
    /// RFC 3339; the end of the year 9999 where the credential does not end.
    pub expiration_timestamp: String,
    /// RFC 3339.
    pub created_at: String,
    /// `redacted`.
    pub connection_token: &'static str,
    /// The environment.
    pub id_project: String,
    /// The linked user of the connection's external id, or empty.
    pub id_linked_user: String,
}

/// An end user.
#[derive(Debug, Serialize, ToSchema)]
pub struct PanoraLinkedUser {
    /// `user_<ULID>`.
    pub id_linked_user: String,
    /// The id in the caller's product: the `externalId` of connections.
    pub linked_user_origin_id: String,
    /// What the caller calls it.
    pub alias: Option<String>,
    /// The environment.
    pub id_project: String,
}

/// An end user to be made.
#[derive(Debug, ToSchema)]
pub struct CreateLinkedUser {
    /// The id in the caller's product.
    pub linked_user_origin_id: String,
    /// What the caller calls it.
    pub alias: Option<String>,
}

impl CreateLinkedUser {
    /// Reads one.
    pub fn parse(json: &[u8]) -> Result<Self, Vec<FieldError>> {
        let mut fields = Fields::parse(json)?;
        let origin_id: Option<String> = fields.required("linked_user_origin_id");
        if origin_id.as_deref().is_some_and(wrong) {
            fields.error("linked_user_origin_id", format!("must be 1 to {MAX_TEXT} bytes, without NUL"));
        }
        let alias = alias(&mut fields);
        fields.finish(Unknown::Refuse)?;
        Ok(Self { linked_user_origin_id: origin_id.unwrap_or_default(), alias })
    }
}

/// End users to be made, all or none.
#[derive(Debug, ToSchema)]
pub struct CreateLinkedUsers {
    /// The ids in the caller's product, at most 500.
    pub linked_user_origin_ids: Vec<String>,
    /// What the caller calls them.
    pub alias: Option<String>,
}

impl CreateLinkedUsers {
    /// Reads a batch.
    pub fn parse(json: &[u8]) -> Result<Self, Vec<FieldError>> {
        let mut fields = Fields::parse(json)?;
        let ids: Vec<String> = fields.required("linked_user_origin_ids").unwrap_or_default();
        if ids.len() > MAX_BATCH || ids.iter().any(|id| wrong(id)) {
            let message = format!("must be at most {MAX_BATCH} texts of 1 to {MAX_TEXT} bytes, without NUL");
            fields.error("linked_user_origin_ids", message);
        }
        let alias = alias(&mut fields);
        fields.finish(Unknown::Refuse)?;
        Ok(Self { linked_user_origin_ids: ids, alias })
    }
}

/// The same rule as for the external id of a connection.
fn wrong(id: &str) -> bool {
    id.is_empty() || id.len() > MAX_TEXT || id.contains('\0')
}

/// An empty alias is none.
fn alias(fields: &mut Fields<'_>) -> Option<String> {
    let alias: String = fields.optional("alias")?;
    if alias.len() > MAX_TEXT || alias.contains('\0') {
        fields.error("alias", format!("must be at most {MAX_TEXT} bytes, without NUL"));
    }
    Some(alias).filter(|alias| !alias.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn body(json: &str) -> Option<String> {
        PanoraRequest::parse(json.as_bytes()).unwrap().body.map(|body| body.get().to_owned())
    }

    fn errors(json: &str) -> Vec<String> {
        let errors = PanoraRequest::parse(json.as_bytes()).err().unwrap_or_default();
        errors.into_iter().map(|error| format!("{}: {}", error.path, error.message)).collect()
    }

    #[test]
    fn an_empty_object_is_no_body_where_methods_have_none() {
        for method in ["GET", "HEAD", "DELETE"] {
            for empty in ["{}", "{ }", "{\n}"] {
                assert_eq!(body(&format!(r#"{{"method":"{method}","path":"/","data":{empty}}}"#)), None);
            }
            let some = body(&format!(r#"{{"method":"{method}","path":"/","data":{{"a":1.10}}}}"#));
            assert_eq!(some.as_deref(), Some(r#"{"a":1.10}"#));
        }
        for data in ["{}", "[]", "[1]", "\"text\""] {
            let json = format!(r#"{{"method":"POST","path":"/","data":{data}}}"#);
            assert_eq!(body(&json).as_deref(), Some(data));
        }
    }

    #[test]
    fn what_generated_sdks_leave_open_means_nothing() {
        for open in ["null", "{}", "[]", "[{}]", r#"{"a":1}"#, "\"JSON\""] {
            let json = format!(r#"{{"method":"POST","path":"/","data":{{}},"request_format":{open}}}"#);
            assert_eq!(body(&json).as_deref(), Some("{}"), "{open}");
        }
        for open in ["null", "{}"] {
            let json = format!(r#"{{"method":"POST","path":"/","overrideBaseUrl":{open}}}"#);
            assert_eq!(PanoraRequest::parse(json.as_bytes()).unwrap().base, None, "{open}");
        }
    }

    #[test]
    fn mistakes_are_named_in_panora_s_words() {
        let json =
            r#"{"method":"get","path":null,"request_format":"XML","overrideBaseUrl":{"a":1},"body":"x"}"#;
        assert_eq!(
            errors(json),
            [
                "method: must be one of `GET`, `HEAD`, `OPTIONS`, `POST`, `PUT`, `PATCH`, `DELETE`",
                "path: missing",
                "request_format: must be JSON or MULTIPART, or be left out",
                "overrideBaseUrl: must be a URL, or be left out",
                "body: unknown field; there are method, path, request_format, headers, overrideBaseUrl, data"
            ]
        );
        let multipart = |data: &str| {
            errors(&format!(r#"{{"method":"POST","path":"/","request_format":"MULTIPART","data":{data}}}"#))
        };
        assert_eq!(multipart("null"), ["data: missing"]);
        assert_eq!(multipart("{}"), ["data: must be an array"]);
        assert_eq!(multipart(r#"[{"name":"a"}]"#), ["data.[0]: missing field `data`"]);
        assert_eq!(multipart(r#"[{"name":"a","data":"","encoding":"HEX"}]"#).len(), 1);
        for (ours, theirs) in [
            ("base", "overrideBaseUrl"),
            ("body", "data"),
            ("multipart[0].base64", "data[0].data"),
            ("path", "path"),
            ("headers.accept", "headers.accept"),
        ] {
            assert_eq!(panora_path(ours), theirs);
        }
    }
}
