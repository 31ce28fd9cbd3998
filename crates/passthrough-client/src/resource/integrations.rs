//! Integrations: providers as they are set up in the environment.

use http::Method;
use passthrough_wire::integration::{CreateIntegration, Integration, PatchIntegration};
use passthrough_wire::page::Page;
use secrecy::ExposeSecret;

use crate::client::Client;
use crate::error::Error;
use crate::exchange::Call;
use crate::pages::{All, Query, query};
use crate::server_url::{encode, with_query};

const LIST: &str = "/v1/integrations";

/// Which integrations to list.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IntegrationFilter {
    /// The provider's code.
    pub provider: Option<String>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// At most this many: 50 where nothing is said, 500 at most.
    pub limit: Option<u32>,
}

impl IntegrationFilter {
    fn query(&self) -> Query {
        query([("provider", self.provider.clone())], &self.cursor, self.limit)
    }
}

impl Client {
    /// Sets up a provider: its OAuth client, scopes and the like.
    ///
    /// # Errors
    /// Every [`Error`]; `bad_request` names each field that is wrong, `conflict` a key that is taken.
    pub async fn create_integration(&self, request: &CreateIntegration) -> Result<Integration, Error> {
        let json = request.to_json().expose_secret().to_owned();
        self.call(Call::new(Method::POST, LIST).json(json)).await
    }

    /// One page of integrations, by key.
    ///
    /// # Errors
    /// Every [`Error`].
    pub async fn list_integrations(&self, filter: &IntegrationFilter) -> Result<Page<Integration>, Error> {
        self.call(Call::get(with_query(LIST, &filter.query()))).await
    }

    /// All integrations, by key, page after page.
    pub fn all_integrations(&self, filter: &IntegrationFilter) -> All<Integration> {
        All::new(self.clone(), LIST, filter.query())
    }

    /// One integration, without its secrets.
    ///
    /// # Errors
    /// Every [`Error`].
    pub async fn get_integration(&self, key: &str) -> Result<Integration, Error> {
        self.call(Call::get(path(key))).await
    }

    /// Changes an integration. What the change does not name stays.
    ///
    /// # Errors
    /// Every [`Error`]; `conflict` where connections hang on what is to be changed.
    pub async fn update_integration(
        &self,
        key: &str,
        change: &PatchIntegration,
    ) -> Result<Integration, Error> {
        let json = change.to_json().expose_secret().to_owned();
        self.call(Call::new(Method::PATCH, path(key)).json(json)).await
    }

    /// Deletes an integration that no connection uses.
    ///
    /// # Errors
    /// Every [`Error`]; `conflict` where connections use it.
    pub async fn delete_integration(&self, key: &str) -> Result<(), Error> {
        self.call_for_nothing(Call::new(Method::DELETE, path(key))).await
    }
}

fn path(key: &str) -> String {
    format!("/v1/integrations/{}", encode(key))
}
