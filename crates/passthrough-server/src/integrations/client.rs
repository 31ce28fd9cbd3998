//! Whether a provider takes an integration's OAuth client: an alarm for whoever runs the installation, raised once, and
//! ended by the first tokens that it gives.

use passthrough_core::grant::brings_its_own_client;
use passthrough_store::{NewEvent, StoreError};
use serde_json::json;

use crate::installation::Installation;
use crate::obtain::Refusal;
use crate::resolve::ReadyConnection;

/// Raises the alarm where a refusal is of the integration's client. A client that a connection brings along is that
/// connection's affair.
pub async fn note_refusal(
    installation: &Installation,
    ready: &ReadyConnection,
    refusal: &Refusal,
) -> Result<(), StoreError> {
    let Refusal::ClientRejected { code } = refusal else { return Ok(()) };
    if brings_its_own_client(&ready.credential) {
        return Ok(());
    }
    let (environment, integration) = (&ready.connection.environment, &ready.integration);
    let event = NewEvent { id: installation.new_ulid().into(), data: json!({ "reason": code }).to_string() };
    let (key, generation) = (&integration.key, integration.generation);
    let now = installation.clock.steady_ms();
    if installation.store.note_client_rejected(environment, key, generation, &event, now).await? {
        tracing::error!(integration = %key, reason = %code, "the provider refuses the OAuth client of an integration");
    }
    Ok(())
}

/// Ends the alarm where the provider takes the client again. What fails here fails nobody: the next time does it.
pub async fn note_accepted(installation: &Installation, ready: &ReadyConnection) {
    let (environment, integration) = (&ready.connection.environment, &ready.integration);
    if !integration.is_rejected || brings_its_own_client(&ready.credential) {
        return;
    }
    let now = installation.clock.steady_ms();
    if let Err(error) = installation.store.note_client_accepted(environment, &integration.key, now).await {
        tracing::warn!(integration = %integration.key, %error, "that a client is accepted again could not be noted");
    }
}
