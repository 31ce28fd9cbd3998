//! One file per command.

use anyhow::Result;

use crate::cli::Command;
use crate::exit::Exit;
use crate::output::Output;

pub mod completions;
pub mod connection;
pub mod demo;
pub mod doctor;
pub mod event;
pub mod integration;
pub mod key;
pub mod keyring;
pub mod link;
pub mod migrate;
pub mod openapi;
pub mod provider;
pub mod request;
pub mod requests;
pub mod serve;
pub mod top;
pub mod webhook;

/// Does what the command line says.
pub async fn run(command: Command, output: &Output) -> Result<Exit> {
    match command {
        Command::Serve(serve) => serve.run(output).await,
        Command::Demo(demo) => demo.run(output).await,
        Command::Key(key) => key.run(output).await,
        Command::Provider(provider) => provider.run(output).await,
        Command::Integration(integration) => integration.run(output).await,
        Command::Event(event) => event.run(output).await,
        Command::Webhook(webhook) => webhook.run(output).await,
        Command::Connection(connection) => connection.run(output).await,
        Command::Request(request) => request.run(output).await,
        Command::Requests(requests) => requests.run(output).await,
        Command::Top(top) => top.run(output).await,
        Command::Link(link) => link.run(output).await,
        Command::Keyring(keyring) => keyring.run(output).await,
        Command::Migrate(migrate) => migrate.run(output).await,
        Command::Openapi(openapi) => openapi.run(output),
        Command::Doctor(doctor) => doctor.run(output).await,
        Command::Completions(completions) => completions.run(output),
    }
}
