//! `passthrough event`: what happened to connections and integrations, on a running server.

use anyhow::Result;
use clap::{Args, Subcommand};
use passthrough_client::EventFilter;
use passthrough_client::wire::event::Event as WireEvent;

use crate::exit::Exit;
use crate::output::{Output, cell};
use crate::paging::{Paging, tell_next};
use crate::server::ServerFlags;

/// What to do with events.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  passthrough event list --type connection.disconnected
  passthrough event replay evt_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C")]
pub enum Event {
    /// List events, newest first
    List(List),
    /// Show an event
    #[command(after_help = "\
Examples:
  passthrough event show evt_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C")]
    Show(One),
    /// Send an event again to every webhook endpoint that wants its type
    #[command(after_help = "\
The message keeps its webhook-id, so that a receiver knows it again.

Examples:
  passthrough event replay evt_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C")]
    Replay(One),
}

/// Which events to list.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  passthrough event list
  passthrough event list --connection conn_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C --output json")]
pub struct List {
    /// Only those of this type
    #[arg(long = "type", value_name = "TYPE")]
    kind: Option<String>,
    /// Only those of this connection
    #[arg(long, value_name = "ID")]
    connection: Option<String>,
    #[command(flatten)]
    paging: Paging,
    #[command(flatten)]
    server: ServerFlags,
}

/// An event by its id.
#[derive(Debug, Args)]
pub struct One {
    /// `evt_…`
    id: String,
    #[command(flatten)]
    server: ServerFlags,
}

impl Event {
    pub(super) async fn run(&self, output: &Output) -> Result<Exit> {
        match self {
            Event::List(list) => list.run(output).await,
            Event::Show(one) => {
                // An event is JSON by nature: what it says depends on its type.
                output.json(&one.server.client(output)?.get_event(&one.id).await?)?;
                Ok(Exit::Done)
            }
            Event::Replay(one) => {
                let replayed = one.server.client(output)?.replay_event(&one.id).await?;
                match output.is_json() {
                    true => output.json(&replayed)?,
                    false => output.note(format!("it is sent again to {} endpoints", replayed.deliveries)),
                }
                Ok(Exit::Done)
            }
        }
    }
}

impl List {
    async fn run(&self, output: &Output) -> Result<Exit> {
        let filter = EventFilter {
            kind: self.kind.clone(),
            connection: self.connection.clone(),
            cursor: self.paging.cursor.clone(),
            limit: Some(self.paging.limit),
        };
        let page = self.server.client(output)?.list_events(&filter).await?;
        if output.is_json() {
            output.json(&page)?;
            return Ok(Exit::Done);
        }
        let row = |event: WireEvent| {
            let text = |name: &str| event.data.get(name).and_then(|value| value.as_str());
            let about = cell(text("connectionId").or(text("integration")));
            let (external, reason) = (cell(text("externalId")), cell(text("reason")));
            vec![event.id, event.kind, about, external, reason, event.timestamp]
        };
        let head = ["id", "type", "about", "external id", "reason", "time"];
        output.table(&head, page.results.into_iter().map(row).collect(), "nothing has happened yet")?;
        tell_next(output, page.next);
        Ok(Exit::Done)
    }
}
