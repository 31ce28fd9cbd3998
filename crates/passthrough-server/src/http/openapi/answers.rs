//! The answers that operations have in common: failures, and the headers of every answer.

use std::collections::BTreeSet;

use passthrough_wire::error::ErrorCode;
use serde_json::{Map, Value, json};

use super::{entry, operations};

/// Whose failures an operation answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Family {
    /// Ours, in our form.
    Native,
    /// Ours in our form, and the provider's own as they are.
    Proxied,
    /// Ours in Terminal's form.
    Terminal,
    /// Ours in Panora's form.
    Panora,
}

impl Family {
    fn of(path: &str, operation: &Value) -> Self {
        match path {
            _ if operation["tags"][0] == "Panora" => Self::Panora,
            path if path.starts_with("/v1/proxy") => Self::Proxied,
            path if path.starts_with("/tsp/") => Self::Terminal,
            _ => Self::Native,
        }
    }

    fn prefix(self) -> &'static str {
        match self {
            Self::Native => "",
            Self::Proxied => "ProxiedOr",
            Self::Terminal => "Terminal",
            Self::Panora => "Panora",
        }
    }
}

/// Adds them to every operation.
pub(super) fn add(document: &mut Value) {
    let mut used = BTreeSet::new();
    for (path, _, operation) in operations(document) {
        let family = Family::of(path, operation);
        for status in common(family, operation) {
            entry(entry(operation, "responses"), status);
        }
        let is_envelope = path.ends_with("/passthrough") || path.ends_with("/raw");
        let Some(responses) = operation["responses"].as_object_mut() else { continue };
        for (status, response) in responses.iter_mut() {
            match failure_name(status) {
                Some(name) => {
                    used.insert((family, status.clone()));
                    *response = json!({"$ref": format!("#/components/responses/{}{name}", family.prefix())});
                }
                None => describe(status, response, is_envelope),
            }
        }
        responses.sort_keys();
        accept_x_connection_token(operation);
    }
    let components = entry(document, "components");
    *entry(components, "headers") = headers();
    for (family, status) in used {
        let name = format!("{}{}", family.prefix(), failure_name(&status).unwrap_or_default());
        *entry(entry(components, "responses"), &name) = failure(family, &status);
    }
}

/// The failures that need not stand with each operation, because they follow from its kind.
fn common(family: Family, operation: &Value) -> Vec<&'static str> {
    let needs_key = operation["security"] != json!([{}]);
    let has_body = operation["requestBody"].is_object();
    let mut statuses = vec!["400"];
    if needs_key {
        // The database may be away, whatever is asked of it.
        statuses.extend(["401", "500", if family == Family::Terminal { "502" } else { "503" }]);
    }
    if has_body && family != Family::Terminal {
        statuses.push("413");
    }
    statuses
}

/// Both names of the header with the connection token are understood.
fn accept_x_connection_token(operation: &mut Value) {
    let Some(alternatives) = operation.get_mut("security").and_then(Value::as_array_mut) else { return };
    let same = alternatives.iter().find(|one| one.get("connectionToken").is_some()).cloned();
    if let Some(Value::Object(mut other)) = same {
        other.shift_remove("connectionToken");
        other.insert("xConnectionToken".to_owned(), json!([]));
        alternatives.push(Value::Object(other));
    }
}

fn describe(status: &str, response: &mut Value, is_envelope: bool) {
    let text = match status {
        "201" => "It was made",
        "202" => "It is on its way",
        "204" => "It is done, and there is nothing to say",
        _ => "What was asked for",
    };
    if response["description"].as_str().unwrap_or_default().is_empty() {
        response["description"] = text.into();
    }
    let headers = entry(response, "headers");
    for name in ["Passthrough-Request-Id", "Passthrough-Source"] {
        headers[name] = header(name);
    }
    if matches!(status, "2XX" | "default") {
        LIMITS_BESIDE.iter().for_each(|name| headers[*name] = header(name));
    } else if is_envelope {
        LIMITS.iter().for_each(|name| headers[*name] = header(name));
    }
    // The description comes first, wherever it was added.
    if let Some(response) = response.as_object_mut() {
        response.sort_keys();
    }
}

fn header(name: &str) -> Value {
    json!({"$ref": format!("#/components/headers/{name}")})
}

const LIMITS: [&str; 3] = ["RateLimit-Limit", "RateLimit-Remaining", "RateLimit-Reset"];

const LIMIT: &str = "Where the operator has set limits: how many calls may come at once.";
const REMAINING: &str = "Where the operator has set limits: how many calls are left.";
const RESET: &str = "Where the operator has set limits: seconds until all calls are there again.";

/// The same in answers that are the provider's own, which may have headers of the other names.
const LIMITS_BESIDE: [&str; 3] =
    ["Passthrough-RateLimit-Limit", "Passthrough-RateLimit-Remaining", "Passthrough-RateLimit-Reset"];

fn headers() -> Value {
    let number = json!({"type": "integer", "minimum": 0});
    json!({
        "Passthrough-Request-Id": {
            "description": "The id of this request, to be found in the records and in the log.",
            "required": true,
            "schema": {"type": "string", "pattern": "^req_[0-7][0-9A-HJKMNP-TV-Z]{25}$"},
            "example": "req_01M805WPGS4KPQR5ZSR9999NDZ"
        },
        "Passthrough-Source": {
            "description": "Whose words the body is: the provider's own bytes, our JSON about the provider's answer, or ours.",
            "required": true,
            "schema": {"type": "string", "enum": ["provider", "envelope", "passthrough"]}
        },
        "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer", "minimum": 1}, "example": 1},
        "WWW-Authenticate": {
            "description": "How to say who calls.", "required": true, "schema": {"type": "string", "const": "Bearer"}
        },
        "RateLimit-Limit": {"description": LIMIT, "schema": number},
        "RateLimit-Remaining": {"description": REMAINING, "schema": number},
        "RateLimit-Reset": {"description": RESET, "schema": number},
        "Passthrough-RateLimit-Limit": {"description": LIMIT, "schema": number},
        "Passthrough-RateLimit-Remaining": {"description": REMAINING, "schema": number},
        "Passthrough-RateLimit-Reset": {"description": RESET, "schema": number},
    })
}

fn failure_name(status: &str) -> Option<&'static str> {
    Some(match status {
        "400" => "BadRequest",
        "401" => "Unauthorized",
        "403" => "Forbidden",
        "404" => "NotFound",
        "409" => "Conflict",
        "413" => "PayloadTooLarge",
        "422" => "UnprocessableEntity",
        "429" => "TooManyRequests",
        "500" => "InternalServerError",
        "501" => "NotImplemented",
        "502" => "BadGateway",
        "503" => "Unavailable",
        "504" => "GatewayTimeout",
        _ => return None,
    })
}

fn failure_text(family: Family, status: &str) -> &'static str {
    match (status, family) {
        ("400", Family::Terminal) => {
            "The request is malformed, too large, or contradicts what is there; `detail` says where and how"
        }
        ("400", _) => "The request is malformed or refused; `detail` says where and how",
        ("401", _) => "The API key is missing, unknown, revoked or expired: one answer for all",
        // Terminal knows no 404 there.
        ("403" | "404", _) => {
            "There is no such thing in this environment; or the connection token leads to none"
        }
        ("409", _) => "It contradicts what is there, or was changed at the same moment",
        ("413", _) => "The body is larger than allowed",
        ("422", _) => {
            "The connection cannot do it: disconnected (`detail.linkUrl` leads to linking it again), archived, or refused"
        }
        ("429", _) => "A limit is used up; `detail.scope` says whose",
        ("500", _) => "A fault of ours; the log has more under the request id",
        ("501", _) => "Not there yet",
        ("502", Family::Terminal) => {
            "No usable answer came from the provider, or a part of ours is busy or away"
        }
        ("502", _) => "No usable answer came from the provider; `detail.reason` says why",
        ("503", _) => {
            "A part of ours is busy or away, or the provider is left alone for a moment; `Retry-After` says for how long"
        }
        _ => "No answer came in time; `detail.reason` says what took so long",
    }
}

/// One kind of failure.
fn failure(family: Family, status: &str) -> Value {
    let mut description = failure_text(family, status).to_owned();
    let mut headers = Map::new();
    let mut names = vec!["Passthrough-Request-Id", "Passthrough-Source"];
    match status {
        "401" if family != Family::Proxied => names.push("WWW-Authenticate"),
        "429" => names.extend(["Retry-After"].into_iter().chain(LIMITS)),
        "502" | "503" => names.push("Retry-After"),
        _ => {}
    }
    headers.extend(names.into_iter().map(|name| (name.to_owned(), header(name))));
    let schema = failure_schema(family, status);
    let content = match family {
        Family::Proxied => {
            description.push_str(
                ". Or the provider's own answer of this status, where `Passthrough-Source` is `provider`",
            );
            json!({
                "application/json": {"schema": {"anyOf": [schema, {"description": "The provider's own."}]}},
                "*/*": {"schema": {"description": "The provider's own bytes."}}
            })
        }
        _ => json!({"application/json": {"schema": schema}}),
    };
    json!({"description": description, "headers": headers, "content": content})
}

/// The error body, with what this status says about its code and its detail.
fn failure_schema(family: Family, status: &str) -> Value {
    if family == Family::Panora {
        return json!({"$ref": "#/components/schemas/PanoraError"});
    }
    let codes = ErrorCode::ALL.iter().filter(|code| {
        code.status().to_string() == status
            && !(family == Family::Native && matches!(code, ErrorCode::MethodNotAllowed))
    });
    let codes: Vec<&str> = codes.map(|code| code.as_str()).collect();
    let mut fields =
        json!({"code": {"enum": codes, "description": "What went wrong, as a name to branch on."}});
    let mut required = vec!["code"];
    let is_list = status == "400" || (family == Family::Terminal && status == "422");
    if is_list {
        required.push("detail");
        fields["detail"] = json!({
            "type": "array", "description": "What is wrong, place by place.",
            "items": {"$ref": "#/components/schemas/FieldError"}
        });
    }
    if family == Family::Terminal && status == "429" {
        required.push("retryAfter");
        fields["retryAfter"] = json!({"type": "integer", "minimum": 1, "description": "Seconds to wait."});
    }
    json!({
        "allOf": [
            {"$ref": "#/components/schemas/ErrorBody"},
            {"type": "object", "required": required, "properties": fields}
        ]
    })
}
