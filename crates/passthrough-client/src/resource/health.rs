//! Whether the server lives, and whether it can work.

use http::StatusCode;

use crate::client::Client;
use crate::error::Error;
use crate::exchange::Call;

impl Client {
    /// Whether the server lives. Needs no API key.
    ///
    /// # Errors
    /// Every [`Error`]; a server that answers is healthy.
    pub async fn health(&self) -> Result<(), Error> {
        self.call_for_nothing(Call::get("/healthz")).await
    }

    /// Whether the server can work: `false` while it starts or stops, or while its database is away.
    ///
    /// # Errors
    /// Every [`Error`] but the one that says "not ready".
    pub async fn ready(&self) -> Result<bool, Error> {
        let answer = self.head(Call::get("/readyz")).await?;
        match answer.status() {
            StatusCode::SERVICE_UNAVAILABLE => Ok(false),
            status if status.is_success() => Ok(true),
            _ => Err(self.refusal(answer, self.timeout).await),
        }
    }

    /// The server's metrics as OpenMetrics text.
    ///
    /// # Errors
    /// Every [`Error`]; [`Error::Api`] with 404 where the server does not show them to this machine.
    pub async fn metrics(&self) -> Result<String, Error> {
        let text = self.whole(Call::get("/metrics")).await?;
        Ok(String::from_utf8_lossy(&text).into_owned())
    }
}
