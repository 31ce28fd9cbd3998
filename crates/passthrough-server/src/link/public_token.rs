//! Public tokens: what a browser carries to the caller's product, which exchanges it, once, for the connection.

use passthrough_core::connection::Connection;
use passthrough_core::id::{ConnectionId, Environment, PublicTokenId};
use passthrough_core::token::{Token, TokenKind};
use passthrough_store::{ChangeSubject, PublicToken};
use passthrough_vault::random;
use secrecy::{ExposeSecret, SecretString};

use super::PUBLIC_TOKEN_LIFETIME_MS;
use crate::app::App;
use crate::connections;
use crate::http::error::ApiError;

/// Makes one for a connection.
pub async fn make(app: &App, environment: &Environment, connection: ConnectionId) -> Result<Token, ApiError> {
    let token = app.installation.new_token(TokenKind::Public);
    let now = app.now_ms();
    let row = PublicToken {
        id: PublicTokenId::from(token.ulid()),
        environment: environment.clone(),
        secret_hash: app.installation.vault.hash(TokenKind::Public, &token, environment).to_vec(),
        connection_id: connection,
        created_at: now,
        expires_at: now + PUBLIC_TOKEN_LIFETIME_MS,
        used_at: None,
    };
    app.installation.store.insert_public_token(&row).await?;
    Ok(token)
}

/// Exchanges one. The connection token comes with it where the connection has none yet: it is made now, because until
/// now nobody was there to be shown it. One that is there already stays valid, and cannot be shown again.
pub async fn exchange(
    app: &App,
    environment: &Environment,
    presented: &SecretString,
) -> Result<(Connection, Option<Token>), ApiError> {
    // One answer for all that is wrong with it.
    let refused =
        || ApiError::not_found("there is no such public token; it can be used once, within 10 minutes");
    let token = Token::parse(TokenKind::Public, presented.expose_secret()).map_err(|_| refused())?;
    let (store, vault) = (&app.installation.store, &app.installation.vault);
    let row = store.find_public_token(PublicTokenId::from(token.ulid())).await?;
    let stored = row.as_ref().map(|row| (row.secret_hash.as_slice(), &row.environment));
    let genuine = vault.matches(TokenKind::Public, &token, stored);
    let row = row.filter(|row| genuine && row.environment == *environment).ok_or_else(refused)?;
    if !store.consume_public_token(environment, row.id, app.now_ms()).await? {
        return Err(refused());
    }
    let connection = connections::find(app, environment, row.connection_id).await?.connection;
    let token = Token::from_parts(TokenKind::Connection, connection.id.ulid(), random());
    let hash = vault.hash(TokenKind::Connection, &token, environment);
    let first = store.set_first_token_hash(environment, connection.id, &hash, app.now_ms()).await?;
    if first {
        app.resolver.changed(ChangeSubject::Connection(connection.id)).await;
    }
    Ok((connection, first.then_some(token)))
}
