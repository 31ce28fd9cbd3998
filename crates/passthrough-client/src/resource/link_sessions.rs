//! Linking: how end users authorise their accounts.

use http::Method;
use passthrough_wire::link::{CreateLinkSession, CreatedLinkSession, LinkSession, LinkedConnection};
use secrecy::{ExposeSecret, SecretString};

use crate::client::Client;
use crate::connection::unwritable;
use crate::error::Error;
use crate::exchange::Call;
use crate::server_url::encode;

impl Client {
    /// Makes a link for an end user. It works for half an hour, for the browser that opens it first.
    ///
    /// # Errors
    /// Every [`Error`]; `bad_request` names each field that is wrong.
    pub async fn create_link_session(
        &self,
        request: &CreateLinkSession,
    ) -> Result<CreatedLinkSession, Error> {
        let json = serde_json::to_string(request).map_err(|_| unwritable())?;
        self.call(Call::new(Method::POST, "/v1/link-sessions").json(json)).await
    }

    /// How far a link session has come.
    ///
    /// # Errors
    /// Every [`Error`].
    pub async fn get_link_session(&self, id: &str) -> Result<LinkSession, Error> {
        self.call(Call::get(format!("/v1/link-sessions/{}", encode(id)))).await
    }

    /// Exchanges what a link ended with for the connection: once, within ten minutes. The connection token comes with
    /// it unless the connection was linked again; then the one that it has stays valid.
    ///
    /// # Errors
    /// Every [`Error`]; `not_found` where it is unknown, used or too old.
    pub async fn exchange_public_token(&self, token: &SecretString) -> Result<LinkedConnection, Error> {
        let json = serde_json::json!({ "publicToken": token.expose_secret() }).to_string();
        self.call(Call::new(Method::POST, "/v1/public-token/exchange").json(json)).await
    }
}
