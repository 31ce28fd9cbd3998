//! Links to a connection that is to be linked again, handed out with every answer that says so. They have no row until
//! somebody opens them: one for each failing call would flood the table. What proves them is a MAC over the connection
//! and the id that the session will have, which also says since when the link is good.

use data_encoding::BASE32_NOPAD;
use passthrough_core::connection::ConnectionStatus;
use passthrough_core::id::{ConnectionId, Environment, LinkSessionId};
use passthrough_core::token::{Token, TokenKind};
use passthrough_store::StoreError;
use passthrough_wire::error::ErrorCode;
use serde_json::json;

use super::LIFETIME_MS;
use super::session::{Denied, blank};
use crate::app::App;
use crate::http::error::ApiError;

/// Clocks of several servers differ.
const SKEW_MS: i64 = 60_000;

/// A link to a connection.
#[derive(Debug)]
pub struct Again {
    connection: ConnectionId,
    token: Token,
}

/// A URL at which the account of a connection is linked again. Good for half an hour, and for one browser.
pub fn url(app: &App, environment: &Environment, connection: ConnectionId) -> String {
    let session = LinkSessionId::from(app.installation.new_ulid());
    let secret = app.installation.vault.link_again_secret(environment, connection, session);
    let (id, secret) = (session.ulid(), BASE32_NOPAD.encode(&secret));
    format!("{}/link/{connection}.{id}.{secret}", app.config.link.public_url)
}

/// Adds the URL to a failure that linking again mends.
pub fn offered(
    app: &App,
    (environment, connection): &(Environment, ConnectionId),
    error: ApiError,
) -> ApiError {
    if error.code != ErrorCode::ConnectionDisconnected {
        return error;
    }
    let detail = json!({ "linkUrl": url(app, environment, *connection) });
    ApiError { detail: Some(Box::new(detail)), ..error }
}

impl Again {
    /// The id of the session that it makes.
    pub fn id(&self) -> LinkSessionId {
        self.token.ulid().into()
    }

    /// Reads the last segment of such a URL.
    pub fn parse(segment: &str) -> Option<Self> {
        let mut parts = segment.split('.');
        let (connection, id, secret) = (parts.next()?, parts.next()?, parts.next()?);
        let connection = connection.parse().ok()?;
        let id: LinkSessionId = format!("{}_{id}", LinkSessionId::PREFIX).parse().ok()?;
        let secret: [u8; 32] = BASE32_NOPAD.decode(secret.as_bytes()).ok()?.try_into().ok()?;
        let token = Token::from_parts(TokenKind::Link, id.ulid(), secret);
        parts.next().is_none().then_some(Self { connection, token })
    }

    /// Makes the session, unless it is there; gives its token, by which it is opened like any other.
    pub async fn session(self, app: &App) -> Result<Result<Token, Denied>, ApiError> {
        let store = &app.installation.store;
        let stored = store.find_connection_to_authenticate(self.connection).await?;
        let Some(connection) = stored.map(|stored| stored.connection) else {
            return Ok(Err(Denied::Unknown));
        };
        let (environment, id) = (&connection.environment, LinkSessionId::from(self.token.ulid()));
        if !app.installation.vault.is_link_again_secret(environment, connection.id, &self.token) {
            return Ok(Err(Denied::Unknown));
        }
        let now = app.now_ms();
        let made = i64::try_from(id.ulid().timestamp_ms()).unwrap_or_default();
        if made + LIFETIME_MS <= now
            || made > now + SKEW_MS
            || connection.status == ConnectionStatus::Archived
        {
            return Ok(Err(Denied::Expired));
        }
        let mut session = blank(app, environment, &self.token);
        session.choices = serde_json::to_string(&[&connection.integration]).map_err(ApiError::internal)?;
        session.connection_id = Some(connection.id);
        (session.created_at, session.expires_at) = (made, made + LIFETIME_MS);
        match store.insert_link_session(&session).await {
            // It was opened before; whose it is, is seen where it is opened.
            Ok(()) | Err(StoreError::Conflict) => Ok(Ok(self.token)),
            Err(error) => Err(error.into()),
        }
    }
}
