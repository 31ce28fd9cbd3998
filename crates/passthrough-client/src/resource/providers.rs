//! Providers: what connections can be made to.

use passthrough_wire::page::Page;
use passthrough_wire::provider::{Provider, ProviderSummary};

use crate::client::Client;
use crate::error::Error;
use crate::exchange::Call;
use crate::server_url::encode;

impl Client {
    /// All providers of the catalog.
    ///
    /// # Errors
    /// Every [`Error`].
    pub async fn list_providers(&self) -> Result<Page<ProviderSummary>, Error> {
        self.call(Call::get("/v1/providers")).await
    }

    /// One provider with its auth entries, their fields and its variables.
    ///
    /// # Errors
    /// Every [`Error`]; `not_found` for a code that the catalog does not have.
    pub async fn get_provider(&self, code: &str) -> Result<Provider, Error> {
        self.call(Call::get(format!("/v1/providers/{}", encode(code)))).await
    }
}
