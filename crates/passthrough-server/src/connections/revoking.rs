//! Giving a grant back to its provider (RFC 7009), as far as that can be done.

use std::time::Duration;

use passthrough_core::id::{ConnectionId, Environment};
use passthrough_store::ChangeSubject;
use passthrough_wire::connection::Revocation;

use crate::app::App;

/// Somebody waits for a deletion.
const TIMEOUT: Duration = Duration::from_secs(10);

/// Gives the grant of a connection back. A provider that is away keeps nobody from deleting.
pub(super) async fn revoke(app: &App, environment: &Environment, id: ConnectionId) -> Revocation {
    // What is given back is what is stored: a token that was replaced meanwhile ends nothing.
    app.resolver.changed(ChangeSubject::Connection(id)).await;
    let attempt = async {
        let ready = app.resolver.resolve_id(environment, id).await.map_err(|error| error.to_string())?;
        app.obtainer.revoke(&ready).await.map_err(|refusal| refusal.short())
    };
    let attempt = tokio::time::timeout(TIMEOUT, attempt).await;
    match attempt.unwrap_or_else(|_| Err("it did not answer in time".to_owned())) {
        Ok(true) => Revocation::Done,
        Ok(false) => Revocation::NotOffered,
        Err(error) => {
            tracing::warn!(connection = %id, %error, "a grant could not be given back to its provider");
            Revocation::Failed
        }
    }
}
