//! Connections: end users' accounts, as the owner of the API key sees them.

use http::Method;
use passthrough_wire::connection::{
    Connection, ConnectionWithToken, CreateConnection, Deleted, PatchConnection, Refreshed, Verification,
};
use passthrough_wire::page::Page;
use secrecy::ExposeSecret;

use crate::client::Client;
use crate::connection::unwritable;
use crate::error::Error;
use crate::exchange::Call;
use crate::pages::{All, Query, query};
use crate::server_url::{encode, with_query};

const LIST: &str = "/v1/connections";

/// Which connections to list; every field that is given must match.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ConnectionFilter {
    /// The provider's code.
    pub provider: Option<String>,
    /// The integration's key.
    pub integration: Option<String>,
    /// `connected`, `disconnected` or `archived`.
    pub status: Option<String>,
    /// The end user's id in your product.
    pub external_id: Option<String>,
    /// A tag that it has.
    pub tag: Option<String>,
    /// `next` of the page before.
    pub cursor: Option<String>,
    /// At most this many: 50 where nothing is said, 500 at most.
    pub limit: Option<u32>,
}

impl ConnectionFilter {
    fn query(&self) -> Query {
        let filters = [
            ("provider", self.provider.clone()),
            ("integration", self.integration.clone()),
            ("status", self.status.clone()),
            ("externalId", self.external_id.clone()),
            ("tag", self.tag.clone()),
        ];
        query(filters, &self.cursor, self.limit)
    }
}

impl Client {
    /// Stores a customer's credential. The answer has the connection token, which is never shown again.
    ///
    /// # Errors
    /// Every [`Error`]; `bad_request` names each field that is wrong, `invalid_credentials` comes where `verify`
    /// was asked for and the provider refused.
    pub async fn create_connection(&self, request: &CreateConnection) -> Result<ConnectionWithToken, Error> {
        let json = request.to_json().map_err(|_| unwritable())?;
        self.call(Call::new(Method::POST, LIST).json(json.expose_secret().to_owned())).await
    }

    /// One page of connections, newest first.
    ///
    /// # Errors
    /// Every [`Error`].
    pub async fn list_connections(&self, filter: &ConnectionFilter) -> Result<Page<Connection>, Error> {
        self.call(Call::get(with_query(LIST, &filter.query()))).await
    }

    /// All connections, newest first, page after page.
    pub fn all_connections(&self, filter: &ConnectionFilter) -> All<Connection> {
        All::new(self.clone(), LIST, filter.query())
    }

    /// One connection.
    ///
    /// # Errors
    /// Every [`Error`].
    pub async fn get_connection(&self, id: &str) -> Result<Connection, Error> {
        self.call(Call::get(path(id, ""))).await
    }

    /// Changes a connection: its names, its status, or its credential.
    ///
    /// # Errors
    /// Every [`Error`].
    pub async fn update_connection(&self, id: &str, change: &PatchConnection) -> Result<Connection, Error> {
        let json = change.to_json().map_err(|_| unwritable())?;
        self.call(Call::new(Method::PATCH, path(id, "")).json(json.expose_secret().to_owned())).await
    }

    /// Deletes a connection and its credential, for good.
    ///
    /// # Errors
    /// Every [`Error`].
    pub async fn delete_connection(&self, id: &str) -> Result<(), Error> {
        self.call_for_nothing(Call::new(Method::DELETE, path(id, ""))).await
    }

    /// Gives the grant of a connection back to its provider, and deletes the connection whatever comes of that. At many
    /// providers this ends all that the account has allowed the OAuth client, other connections included.
    ///
    /// # Errors
    /// Every [`Error`].
    pub async fn revoke_and_delete_connection(&self, id: &str) -> Result<Deleted, Error> {
        self.call(Call::new(Method::DELETE, path(id, "?revoke=true"))).await
    }

    /// Asks the provider whether the credential is alive.
    ///
    /// # Errors
    /// Every [`Error`]; a refused credential is an `Ok` that says so.
    pub async fn verify_connection(&self, id: &str) -> Result<Verification, Error> {
        self.call(Call::new(Method::POST, path(id, "/verify"))).await
    }

    /// Renews the credential of a connection now.
    ///
    /// # Errors
    /// Every [`Error`]; 422 where the credential does not renew itself.
    pub async fn refresh_connection(&self, id: &str) -> Result<Refreshed, Error> {
        self.call(Call::new(Method::POST, path(id, "/refresh"))).await
    }

    /// Gives a connection a new token; the old one is refused from then on.
    ///
    /// # Errors
    /// Every [`Error`].
    pub async fn rotate_connection_token(&self, id: &str) -> Result<ConnectionWithToken, Error> {
        self.call(Call::new(Method::POST, path(id, "/rotate-token"))).await
    }
}

fn path(id: &str, rest: &str) -> String {
    format!("/v1/connections/{}{rest}", encode(id))
}
