//! `passthrough webhook`: endpoints that are told of events, on a running server.

use anyhow::Result;
use clap::{Args, Subcommand};
use passthrough_client::PageFilter;
use passthrough_client::wire::webhook::{
    CreateWebhookEndpoint, PatchWebhookEndpoint, WebhookEndpoint, WebhookEndpointWithSecret,
};

use serde_json::json;

use super::connection::prompt;
use crate::exit::{Exit, Hinted};
use crate::output::{Output, clean};
use crate::server::ServerFlags;

mod delivery;

/// What to do with webhooks.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Messages are signed as Standard Webhooks (standardwebhooks.com) has it: check them with one of its libraries and the
endpoint's secret, whsec_….

Examples:
  passthrough webhook create https://app.example.com/hooks --kind connection.disconnected
  passthrough webhook test whk_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C
  passthrough webhook deliveries --status failed")]
pub enum Webhook {
    /// Make an endpoint; prints its secret, once
    Create(Create),
    /// List endpoints, newest first
    #[command(after_help = "\
Examples:
  passthrough webhook list")]
    List(Server),
    /// Show an endpoint; its secret cannot be shown
    #[command(after_help = "\
Examples:
  passthrough webhook show whk_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C")]
    Show(One),
    /// Change where an endpoint is, what it is told, or switch it on and off
    Update(Update),
    /// Give an endpoint another secret; for a day the old one signs, too
    #[command(after_help = "\
The new secret is printed once. With --quiet it is printed alone.

Examples:
  passthrough webhook rotate-secret whk_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C --quiet > secret")]
    RotateSecret(One),
    /// Send a test event to an endpoint
    #[command(after_help = "\
Examples:
  passthrough webhook test whk_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C")]
    Test(One),
    /// Delete an endpoint and its deliveries
    #[command(after_help = "\
Examples:
  passthrough webhook delete whk_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C
  passthrough webhook delete whk_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C --yes     in scripts")]
    Delete(Delete),
    /// List deliveries: what was sent, and what came of it
    Deliveries(delivery::Deliveries),
    /// Send one delivery again, whatever came of it
    Replay(delivery::Replay),
}

/// The endpoint to make.
#[derive(Debug, Args)]
#[command(after_help = "\
The secret is printed once; with --quiet it is printed alone. Without --kind the endpoint is told everything, each
refresh of each connection included.

Examples:
  passthrough webhook create https://app.example.com/hooks
  passthrough webhook create https://app.example.com/hooks --kind connection.disconnected \\
      --kind connection.reconnected --quiet > secret")]
pub struct Create {
    /// Where events are sent to
    url: String,
    /// A type of event that it is told of; may be given more than once
    #[arg(long, value_name = "TYPE")]
    kind: Vec<String>,
    #[command(flatten)]
    server: ServerFlags,
}

/// Which server.
#[derive(Debug, Args)]
pub struct Server {
    #[command(flatten)]
    server: ServerFlags,
}

/// An endpoint by its id.
#[derive(Debug, Args)]
pub struct One {
    /// `whk_…`
    id: String,
    #[command(flatten)]
    server: ServerFlags,
}

/// The endpoint to change.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  passthrough webhook update whk_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C --url https://app.example.com/new
  passthrough webhook update whk_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C --disable
  passthrough webhook update whk_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C --all-kinds")]
pub struct Update {
    #[command(flatten)]
    one: One,
    /// Where events are sent to
    #[arg(long)]
    url: Option<String>,
    /// The types of events that it is told of, all of them
    #[arg(long, value_name = "TYPE", conflicts_with = "all_kinds")]
    kind: Vec<String>,
    /// Tell it of everything
    #[arg(long)]
    all_kinds: bool,
    /// Switch it on
    #[arg(long, conflicts_with = "disable")]
    enable: bool,
    /// Switch it off: what is queued waits until it is switched on
    #[arg(long)]
    disable: bool,
}

/// The endpoint to delete.
#[derive(Debug, Args)]
pub struct Delete {
    #[command(flatten)]
    one: One,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

impl Webhook {
    pub(super) async fn run(&self, output: &Output) -> Result<Exit> {
        match self {
            Webhook::Create(create) => {
                let request = CreateWebhookEndpoint { url: create.url.clone(), kinds: create.kind.clone() };
                let made = create.server.client(output)?.create_webhook_endpoint(&request).await?;
                show_with_secret(output, &made)?;
            }
            Webhook::List(list) => list.run(output).await?,
            Webhook::Show(one) => {
                let client = one.server.client(output)?;
                let endpoint = client.get_webhook_endpoint(&one.id).await?;
                show(output, &endpoint)?;
                if !endpoint.enabled && !output.is_json() {
                    delivery::why_off(&client, &endpoint.id, output).await?;
                }
            }
            Webhook::Update(update) => update.run(output).await?,
            Webhook::RotateSecret(one) => {
                let rotated = one.server.client(output)?.rotate_webhook_secret(&one.id).await?;
                show_with_secret(output, &rotated)?;
            }
            Webhook::Test(one) => {
                let sent = one.server.client(output)?.test_webhook_endpoint(&one.id).await?;
                match output.is_json() {
                    true => output.json(&sent)?,
                    false => output.note(format!(
                        "{} is on its way: `passthrough webhook deliveries --endpoint {}` tells what comes of it",
                        sent.id, sent.endpoint_id
                    )),
                }
            }
            Webhook::Delete(delete) => return delete.run(output).await,
            Webhook::Deliveries(deliveries) => deliveries.run(output).await?,
            Webhook::Replay(replay) => replay.run(output).await?,
        }
        Ok(Exit::Done)
    }
}

impl Server {
    async fn run(&self, output: &Output) -> Result<()> {
        let all = PageFilter { limit: Some(500), ..PageFilter::default() };
        let page = self.server.client(output)?.list_webhook_endpoints(&all).await?;
        if output.is_json() {
            return output.json(&page);
        }
        let row = |endpoint: WebhookEndpoint| {
            let state = if endpoint.enabled { "on" } else { "off" };
            vec![endpoint.id, endpoint.url, kinds(&endpoint.kinds), state.to_owned(), endpoint.created_at]
        };
        let head = ["id", "url", "kinds", "state", "created"];
        let rows = page.results.into_iter().map(row).collect();
        output.table(&head, rows, "no webhook endpoints yet: `passthrough webhook create URL`")
    }
}

impl Update {
    async fn run(&self, output: &Output) -> Result<()> {
        let change = PatchWebhookEndpoint {
            url: self.url.clone(),
            kinds: (self.all_kinds || !self.kind.is_empty()).then(|| self.kind.clone()),
            enabled: self.enable.then_some(true).or_else(|| self.disable.then_some(false)),
        };
        if change.url.is_none() && change.kinds.is_none() && change.enabled.is_none() {
            return Err(Hinted::usage(
                "nothing is to be changed",
                "say what: `passthrough webhook update --help`",
            )
            .into());
        }
        let client = self.one.server.client(output)?;
        show(output, &client.update_webhook_endpoint(&self.one.id, &change).await?)
    }
}

impl Delete {
    async fn run(&self, output: &Output) -> Result<Exit> {
        let client = self.one.server.client(output)?;
        let endpoint = client.get_webhook_endpoint(&self.one.id).await?;
        let what = format!("Delete {} ({}) for good?", endpoint.id, endpoint.url);
        if !self.yes && !prompt::deletion(output, &what)? {
            return Ok(Exit::Failed);
        }
        client.delete_webhook_endpoint(&endpoint.id).await?;
        output.done(&json!({"id": endpoint.id, "deleted": true}), format!("{} is deleted", endpoint.id))?;
        Ok(Exit::Done)
    }
}

fn kinds(kinds: &[String]) -> String {
    if kinds.is_empty() { "all".to_owned() } else { kinds.join(", ") }
}

fn show(output: &Output, endpoint: &WebhookEndpoint) -> Result<()> {
    if output.is_json() {
        return output.json(endpoint);
    }
    let lines = [
        ("endpoint", Some(endpoint.id.clone())),
        ("url", Some(endpoint.url.clone())),
        ("kinds", Some(kinds(&endpoint.kinds))),
        ("state", Some(if endpoint.enabled { "on" } else { "off" }.to_owned())),
        ("old secret", endpoint.old_secret_until.as_ref().map(|until| format!("signs, too, until {until}"))),
        ("created", Some(endpoint.created_at.clone())),
        ("updated", Some(endpoint.updated_at.clone())),
    ];
    let given = lines.into_iter().filter_map(|(name, value)| Some((name, value?)));
    given.into_iter().try_for_each(|(name, value)| output.line(format!("{name:<12} {}", clean(&value))))
}

/// An endpoint and its secret, which will never be shown again.
fn show_with_secret(output: &Output, made: &WebhookEndpointWithSecret) -> Result<()> {
    if output.is_json() {
        return output.json(made);
    }
    if output.quiet {
        return output.line(&made.secret);
    }
    show(output, &made.endpoint)?;
    output.line(format!("{:<12} {}", "secret", made.secret))?;
    output.note("the secret is shown only now: keep it where your application finds it");
    Ok(())
}
