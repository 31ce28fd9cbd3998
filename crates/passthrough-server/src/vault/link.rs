//! What linking keeps and shows to a browser: sealed consents, and values that only this installation can make.

use aws_lc_rs::constant_time;
use passthrough_core::id::{ConnectionId, Environment, LinkSessionId};
use passthrough_core::token::Token;
use passthrough_vault::{Binding, Sealed};
use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Vault, VaultError, to_json};

fn with_link_binding<T>(
    environment: &Environment,
    id: LinkSessionId,
    generation: i64,
    f: impl FnOnce(&Binding<'_>) -> T,
) -> T {
    let row = id.to_string();
    let environment = environment.as_str();
    f(&Binding { table: "link_sessions", environment, row: &row, field: "consent", generation })
}

impl Vault {
    /// Seals what a consent needs when it comes back.
    pub fn seal_consent(
        &self,
        environment: &Environment,
        id: LinkSessionId,
        generation: i64,
        consent: &impl Serialize,
    ) -> Result<Sealed, VaultError> {
        let plain = to_json(consent)?;
        with_link_binding(environment, id, generation, |binding| self.seal(binding, &plain))
    }

    /// Opens it.
    pub fn open_consent<T: DeserializeOwned>(
        &self,
        environment: &Environment,
        id: LinkSessionId,
        generation: i64,
        sealed: &[u8],
    ) -> Result<T, VaultError> {
        let plain = with_link_binding(environment, id, generation, |binding| self.open(binding, sealed))?;
        serde_json::from_slice(&plain).map_err(|_| VaultError::Content)
    }

    /// The secret of a link that needs no row until it is opened: for one connection, and one session id that says
    /// since when it is good.
    pub fn link_again_secret(
        &self,
        environment: &Environment,
        connection: ConnectionId,
        session: LinkSessionId,
    ) -> [u8; 32] {
        let id = [&connection.ulid().to_bytes()[..], environment.as_str().as_bytes()].concat();
        self.0.pepper.hash("link_again", &id, &session.ulid().to_bytes())
    }

    /// Compares in constant time.
    pub fn is_link_again_secret(
        &self,
        environment: &Environment,
        connection: ConnectionId,
        token: &Token,
    ) -> bool {
        let secret = self.link_again_secret(environment, connection, token.ulid().into());
        constant_time::verify_slices_are_equal(&secret, token.expose_secret()).is_ok()
    }

    /// What the forms of a session carry: it can be made only from the cookie, which other sites cannot read, so that
    /// a form of theirs cannot be sent in the user's name (CSRF).
    pub fn form_token(&self, browser: &Token) -> [u8; 32] {
        self.0.pepper.hash("link_form", &browser.ulid().to_bytes(), browser.expose_secret())
    }

    /// Compares in constant time.
    pub fn is_form_token(&self, browser: &Token, given: &[u8]) -> bool {
        constant_time::verify_slices_are_equal(&self.form_token(browser), given).is_ok()
    }
}
