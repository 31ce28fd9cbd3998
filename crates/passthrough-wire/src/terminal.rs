//! Terminal's shapes, where they differ from ours.

use indexmap::IndexMap;
use serde::Serialize;
use serde_json::value::RawValue;
use utoipa::ToSchema;

use passthrough_core::connection::Connection as CoreConnection;

use crate::passthrough::{HeaderValues, PassthroughResponse};
use crate::time;
use crate::words;

/// Terminal's passthrough request, as the description of the API has it. Fields besides these are ignored.
#[derive(Debug, ToSchema)]
#[schema(example = json!({"method": "GET", "path": "/v1/items?limit=10"}))]
pub struct TerminalRequest {
    /// The method: no `HEAD` and no `OPTIONS`.
    #[schema(inline, value_type = words::TerminalMethod)]
    pub method: String,
    /// Begins with `/`; may hold a query.
    #[schema(pattern = "^/")]
    pub path: String,
    /// Headers for the provider. The connection's credential is added by us and always wins.
    #[schema(value_type = Option<std::collections::HashMap<String, words::OneOrMany>>)]
    pub headers: Option<()>,
    /// Goes out byte for byte.
    pub body: Option<String>,
}

/// Terminal's passthrough answer.
#[derive(Debug, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TerminalResponse {
    /// The method that was used.
    pub method: String,
    /// The path that was called.
    pub path: String,
    /// The provider's status.
    pub status_code: u16,
    /// The provider's headers.
    pub headers: IndexMap<String, HeaderValues>,
    /// Object, array, string, number or boolean; never null.
    #[schema(value_type = serde_json::Value)]
    pub response: Box<RawValue>,
}

impl From<PassthroughResponse> for TerminalResponse {
    fn from(answer: PassthroughResponse) -> Self {
        let null = answer.response.get() == "null";
        Self {
            method: answer.method,
            path: answer.path,
            status_code: answer.status_code,
            headers: answer.headers,
            response: if null { empty_string() } else { answer.response },
        }
    }
}

fn empty_string() -> Box<RawValue> {
    serde_json::value::to_raw_value("").unwrap_or_default()
}

/// Terminal's connection. What we do not have is empty.
#[derive(Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TerminalConnection {
    /// `conn_<ULID>`.
    #[schema(pattern = "^conn_[0-7][0-9A-HJKMNP-TV-Z]{25}$", example = "conn_01M805WQ32ZKWR68SDHP2J0YHP")]
    pub id: String,
    /// The company whose account it is.
    pub company: TerminalCompany,
    /// The account at the provider.
    pub account: TerminalAccount,
    /// `connected`, `disconnected` or `archived`.
    #[schema(inline, value_type = words::ConnectionStatus)]
    pub status: String,
    /// The provider.
    pub provider: TerminalProvider,
    /// `manual`: nothing is synchronised.
    pub sync_mode: String,
    /// The connection token, only where the caller presented it or it was just made.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
    /// RFC 3339.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    pub created_at: String,
    /// RFC 3339.
    #[schema(format = DateTime, example = "2026-01-31T12:00:00.000Z")]
    pub updated_at: String,
    /// The provider's options.
    #[schema(value_type = std::collections::HashMap<String, serde_json::Value>)]
    pub options: serde_json::Map<String, serde_json::Value>,
    /// Where the end user links the account again: good for half an hour, and for one browser.
    #[schema(format = "uri")]
    pub link_url: String,
    /// The end user's id in the caller's product.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    /// Free labels.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// The account's id at the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source_id: Option<String>,
}

/// A company, as Terminal has it.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[serde(rename_all = "camelCase")]
pub struct TerminalCompany {
    /// Its name.
    pub name: String,
    /// Its numbers at the US Department of Transportation; we know none.
    pub dot_numbers: Vec<String>,
}

/// An account, as Terminal has it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TerminalAccount {
    /// Its id at the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// Its name at the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A provider, as Terminal has it.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct TerminalProvider {
    /// Its code.
    pub code: String,
    /// The product's name.
    pub name: String,
}

impl std::fmt::Debug for TerminalConnection {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TerminalConnection").field("id", &self.id).finish_non_exhaustive()
    }
}

impl TerminalConnection {
    /// The connection in Terminal's shape.
    pub fn new(
        connection: &CoreConnection,
        provider_name: &str,
        token: Option<String>,
        link_url: String,
    ) -> Self {
        Self {
            id: connection.id.to_string(),
            company: TerminalCompany {
                name: connection.name.clone().unwrap_or_default(),
                dot_numbers: Vec::new(),
            },
            account: TerminalAccount {
                id: connection.account_id.clone(),
                name: connection.account_label.clone(),
            },
            status: connection.status.as_str().to_owned(),
            provider: TerminalProvider { code: connection.provider.clone(), name: provider_name.to_owned() },
            sync_mode: "manual".to_owned(),
            token,
            created_at: time::format(connection.created_at),
            updated_at: time::format(connection.updated_at),
            options: serde_json::Map::new(),
            link_url,
            external_id: connection.external_id.clone(),
            tags: connection.tags.clone(),
            source_id: connection.account_id.clone(),
        }
    }
}
