//! Providers: what connections can be made to.

use passthrough_wire::page::Page;
use passthrough_wire::provider::{Provider, ProviderSummary};

use crate::client::Client;
use crate::error::Error;
use crate::exchange::Call;
use crate::server_url::{encode, with_query};

/// Which providers to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProviderFilter {
    /// A category that they have, such as `payments`.
    pub category: Option<String>,
}

impl Client {
    /// The providers of the catalog, by code. They come as one page.
    ///
    /// # Errors
    /// Every [`Error`].
    pub async fn list_providers(&self, filter: &ProviderFilter) -> Result<Page<ProviderSummary>, Error> {
        let query = [("category", filter.category.clone())];
        self.call(Call::get(with_query("/v1/providers", &query))).await
    }

    /// One provider with its auth entries, their fields and its variables.
    ///
    /// # Errors
    /// Every [`Error`]; `not_found` for a code that the catalog does not have.
    pub async fn get_provider(&self, code: &str) -> Result<Provider, Error> {
        self.call(Call::get(format!("/v1/providers/{}", encode(code)))).await
    }
}
