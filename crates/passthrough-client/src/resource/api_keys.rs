//! API keys of the environment that the client's own key opens.

use http::Method;
use passthrough_wire::api_key::{ApiKey, CreateApiKey, CreatedApiKey};
use passthrough_wire::page::Page;

use crate::client::Client;
use crate::connection::unwritable;
use crate::error::Error;
use crate::exchange::Call;
use crate::pages::{All, PageFilter};
use crate::server_url::{encode, with_query};

const LIST: &str = "/v1/api-keys";

impl Client {
    /// One page of API keys, newest first, without the keys themselves.
    ///
    /// # Errors
    /// Every [`Error`].
    pub async fn list_api_keys(&self, filter: &PageFilter) -> Result<Page<ApiKey>, Error> {
        self.call(Call::get(with_query(LIST, &filter.query()))).await
    }

    /// All API keys, newest first, page after page.
    pub fn all_api_keys(&self, filter: &PageFilter) -> All<ApiKey> {
        All::new(self.clone(), LIST, filter.query())
    }

    /// Makes an API key. The answer has the key, which is never shown again.
    ///
    /// # Errors
    /// Every [`Error`].
    pub async fn create_api_key(&self, request: &CreateApiKey) -> Result<CreatedApiKey, Error> {
        let json = serde_json::to_vec(request).map_err(|_| unwritable())?;
        self.call(Call::new(Method::POST, LIST).json(json)).await
    }

    /// Revokes an API key: it is refused from then on.
    ///
    /// # Errors
    /// Every [`Error`].
    pub async fn revoke_api_key(&self, id: &str) -> Result<(), Error> {
        self.call_for_nothing(Call::new(Method::DELETE, format!("/v1/api-keys/{}", encode(id)))).await
    }
}
