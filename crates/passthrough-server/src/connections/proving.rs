//! Proving what somebody gave, before it is stored, or, where proving it uses it up, after.

use std::sync::Arc;

use http::StatusCode;
use passthrough_core::connection::Connection;
use passthrough_core::fault::{Origin as Fault, Sent};
use passthrough_core::token::Token;
use passthrough_wire::connection::{Verification, VerificationResult};

use super::{Created, delete, find, note};
use crate::app::App;
use crate::http::error::ApiError;
use crate::refresh::{Outcome, Why};
use crate::resolve::ReadyConnection;
use crate::verify::{self, Verified};

/// Proves a credential, or says why that cannot be done.
pub(super) async fn prove(app: &App, ready: &Arc<ReadyConnection>) -> Result<Verified, ApiError> {
    alive(verify::verify(app, ready).await?)
}

/// What was found alive, or why it may not be stored.
fn alive(verified: Verified) -> Result<Verified, ApiError> {
    // An error has no place of its own for the provider's status.
    let status = verified.status.map(|status| format!(" (status {})", status.as_u16())).unwrap_or_default();
    match verified.result {
        VerificationResult::Alive => Ok(verified),
        VerificationResult::Refused => {
            Err(ApiError { sent: Sent::Yes, ..ApiError::invalid_credentials(verified.message + &status) })
        }
        VerificationResult::Unreachable => Err(verified.failure.unwrap_or_else(|| {
            let message = format!("{}{status}; nothing was stored", verified.message);
            ApiError {
                origin: Fault::Provider,
                sent: Sent::Yes,
                retryable: true,
                ..ApiError::unprocessable(message)
            }
        })),
    }
}

/// Stores what was proven.
pub(super) async fn insert(
    app: &App,
    mut connection: Connection,
    ready: &ReadyConnection,
    token: Token,
    verified: Verified,
) -> Result<Created, ApiError> {
    connection.account_id.clone_from(&verified.account_id);
    connection.account_label.clone_from(&verified.account_label);
    connection.verified_at = Some(app.now_ms());
    super::insert(app, &connection, ready, Some(&token)).await?;
    Ok(Created { connection, token, verification: Some(verified.into()) })
}

/// Makes a connection of tokens that were obtained elsewhere. Where the access token is no good (any more), only the
/// refresh token can be proven, and it may be good for one use: so the connection is stored first and its credential
/// renewed like any other's, by lease and spool, and what the provider gives is kept even if it is of no use to it a
/// moment later. A provider that gives nothing has used nothing up, and then nothing stays.
pub(super) async fn imported(
    app: &App,
    connection: Connection,
    ready: Arc<ReadyConnection>,
    token: Token,
) -> Result<Created, ApiError> {
    verify::knows_how(&ready)?;
    if ready.is_alive(app.installation.clock.steady_ms()) {
        let verified = verify::verify(app, &ready).await?;
        if verified.result != VerificationResult::Refused {
            return insert(app, connection, &ready, token, alive(verified)?).await;
        }
    }
    super::insert(app, &connection, &ready, Some(&token)).await?;
    let renewed = renewed(app, &connection).await?;
    let verification = match verify::verify(app, &renewed).await {
        Ok(verified) => {
            // With tokens that are a second old a 403 means that its user consented to less than the call needs.
            if verified.status != Some(StatusCode::FORBIDDEN) {
                note(app, &renewed, &verified).await?;
            }
            verified.into()
        }
        Err(error) => Verification {
            result: VerificationResult::Unreachable,
            status_code: None,
            message: error.message,
            account: None,
        },
    };
    let connection = find(app, &connection.environment, connection.id).await?.connection;
    Ok(Created { connection, token, verification: Some(verification) })
}

/// The stored connection with a credential that its provider just gave; without one, the connection is deleted.
async fn renewed(app: &App, connection: &Connection) -> Result<Arc<ReadyConnection>, ApiError> {
    let (environment, id) = (&connection.environment, connection.id);
    let stored = app.resolver.resolve_id(environment, id).await?;
    let generation = stored.generation;
    let outcome = app.refresher.refreshed(&stored, Why::Refused, None).await;
    let state = app.installation.store.find_refresh_state(environment, id).await?;
    let said = state.as_ref().and_then(|state| state.error.clone()).unwrap_or_default();
    let error = match outcome {
        Ok(Outcome::Fresh(fresh)) => return Ok(fresh),
        Ok(Outcome::Ended) => {
            let message =
                format!("the provider refuses to renew the credentials ({said}); nothing was stored");
            ApiError { sent: Sent::Yes, ..ApiError::invalid_credentials(message) }
        }
        Ok(Outcome::Failed(error)) | Err(error) => error,
    };
    // Another process may have been given what we were not: that is not thrown away.
    if state.is_some_and(|state| state.credential.generation == generation && state.lease.is_none()) {
        delete(app, environment, id, false).await?;
    }
    Err(error)
}
