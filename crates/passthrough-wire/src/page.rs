//! Lists: an opaque cursor and a limit.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// How many a page has where nobody says.
pub const DEFAULT_LIMIT: u32 = 50;
/// How many a page has at most.
pub const MAX_LIMIT: u32 = 500;

/// One page of a list.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct Page<T> {
    /// The entries, newest first.
    pub results: Vec<T>,
    /// The cursor of the next page, where there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}
