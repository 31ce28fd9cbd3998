//! `passthrough webhook deliveries` and `replay`.

use anyhow::Result;
use clap::Args;
use passthrough_client::wire::webhook::WebhookDelivery;
use passthrough_client::{Client, DeliveryFilter};

use crate::exit::Hinted;
use crate::output::{Output, cell, clean};
use crate::paging::{Paging, tell_next};
use crate::server::ServerFlags;

/// Which deliveries to list.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  passthrough webhook deliveries --status failed
  passthrough webhook deliveries --endpoint whk_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C --output json")]
pub struct Deliveries {
    /// Only those to this endpoint
    #[arg(long, value_name = "ID")]
    endpoint: Option<String>,
    /// Only those of this event
    #[arg(long, value_name = "ID")]
    event: Option<String>,
    /// Only those of this status
    #[arg(long, value_parser = ["pending", "delivered", "failed"])]
    status: Option<String>,
    #[command(flatten)]
    paging: Paging,
    #[command(flatten)]
    server: ServerFlags,
}

/// The delivery to send again.
#[derive(Debug, Args)]
#[command(after_help = "\
The message keeps its webhook-id, so that a receiver knows it again.

Examples:
  passthrough webhook replay dlv_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C")]
pub struct Replay {
    /// `dlv_…`
    id: String,
    #[command(flatten)]
    server: ServerFlags,
}

/// Says so where an endpoint is off because it answered that it is gone.
pub(super) async fn why_off(client: &Client, endpoint: &str, output: &Output) -> Result<()> {
    let filter = DeliveryFilter {
        endpoint: Some(endpoint.to_owned()),
        status: Some("failed".to_owned()),
        limit: Some(1),
        ..DeliveryFilter::default()
    };
    let last = client.list_webhook_deliveries(&filter).await?.results.into_iter().next();
    match last.filter(|delivery| delivery.last_error.as_deref() == Some("gone")) {
        Some(gone) => output.line(format!("{:<12} it answered 410 to {}", "reason", clean(&gone.id))),
        None => Ok(()),
    }
}

impl Deliveries {
    pub(super) async fn run(&self, output: &Output) -> Result<()> {
        let filter = DeliveryFilter {
            endpoint: self.endpoint.clone(),
            event: self.event.clone(),
            status: self.status.clone(),
            cursor: self.paging.cursor.clone(),
            limit: Some(self.paging.limit),
        };
        let page = self.server.client(output)?.list_webhook_deliveries(&filter).await?;
        if output.is_json() {
            return output.json(&page);
        }
        let row = |delivery: WebhookDelivery| {
            let answer = delivery.last_status_code.map(|status| status.to_string()).or(delivery.last_error);
            vec![
                delivery.id,
                delivery.status,
                delivery.event_id,
                delivery.endpoint_id,
                delivery.attempts.to_string(),
                cell(answer.as_deref()),
                cell(delivery.delivered_at.or(delivery.next_attempt_at).as_deref()),
            ]
        };
        let head = ["id", "status", "event", "endpoint", "tries", "answer", "taken or next"];
        output.table(&head, page.results.into_iter().map(row).collect(), "nothing was sent yet")?;
        tell_next(output, page.next);
        Ok(())
    }
}

impl Replay {
    pub(super) async fn run(&self, output: &Output) -> Result<()> {
        if self.id.starts_with("evt_") {
            let hint =
                format!("`passthrough event replay {}` sends it to every endpoint again", clean(&self.id));
            return Err(Hinted::usage("that is the id of an event, and not of a delivery", hint).into());
        }
        let queued = self.server.client(output)?.replay_webhook_delivery(&self.id).await?;
        if output.is_json() {
            return output.json(&queued);
        }
        output.note(format!("{} is on its way again", queued.id));
        Ok(())
    }
}
