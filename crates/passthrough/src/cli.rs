//! The command line, from the top. Each command's flags are beside its code.

use clap::{Args, Parser, Subcommand};

use crate::command::{
    completions, connection, demo, doctor, event, integration, key, keyring, link, migrate, openapi,
    provider, request, requests, serve, top, webhook,
};
use crate::exit::CODES;
use crate::output::{Format, Output};

/// Authenticated HTTP requests to your customers' accounts at third-party APIs.
///
/// Passthrough holds your customers' credentials, puts them into requests in the way that each API wants, and
/// never lets them out. `passthrough demo` shows it in a minute; `passthrough serve` is the real thing.
#[derive(Debug, Parser)]
#[command(name = "passthrough", version, after_help = CODES, max_term_width = 110)]
pub struct Cli {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Flags of every command.
#[derive(Debug, Args)]
pub struct Global {
    /// The form of results on standard output
    #[arg(long, value_enum, default_value_t = Format::Text, global = true, help_heading = "Output")]
    output: Format,
    /// Print results and failures only
    #[arg(long, short, global = true, help_heading = "Output")]
    quiet: bool,
}

impl Global {
    /// Where and how to say things.
    pub fn output(&self) -> Output {
        Output { format: self.output, quiet: self.quiet }
    }
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the server
    Serve(serve::Serve),
    /// Run a server with a small provider of its own, and make a first call through it
    Demo(demo::Demo),
    /// API keys: what a calling application presents
    #[command(subcommand)]
    Key(key::Key),
    /// Providers: the third-party systems of the catalog
    #[command(subcommand)]
    Provider(provider::Provider),
    /// Integrations: providers as you have set them up, with your OAuth client
    #[command(subcommand)]
    Integration(integration::Integration),
    /// Connections: your customers' accounts at providers
    #[command(subcommand)]
    Connection(Box<connection::Connection>),
    /// Links: pages on which your end users authorise their accounts
    #[command(subcommand)]
    Link(Box<link::Link>),
    /// Events: what happened to connections and integrations
    #[command(subcommand)]
    Event(event::Event),
    /// Webhooks: where events are sent to
    #[command(subcommand)]
    Webhook(webhook::Webhook),
    /// Make a request through a connection, as with curl
    Request(Box<request::Request>),
    /// Records: one line about each request that was made
    #[command(subcommand)]
    Requests(requests::Requests),
    /// Watch a running server: calls, latencies, errors by provider
    Top(top::Top),
    /// The keys that seal credentials at rest, and their rotation
    #[command(subcommand)]
    Keyring(keyring::Keyring),
    /// Bring the database to this version's form
    Migrate(migrate::Migrate),
    /// Print the description of the HTTP API (OpenAPI)
    Openapi(openapi::Openapi),
    /// Look for what is wrong with an installation
    Doctor(doctor::Doctor),
    /// Print a script that completes commands in a shell
    Completions(completions::Completions),
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_does_not_contradict_itself() {
        Cli::command().debug_assert();
    }

    #[test]
    fn every_command_explains_itself_with_examples() {
        fn check(command: &clap::Command, path: &str) {
            for sub in command.get_subcommands().filter(|sub| sub.get_name() != "help") {
                let path = format!("{path} {}", sub.get_name());
                assert!(sub.get_about().is_some(), "{path} does not say what it does");
                let after = sub.get_after_help().map(ToString::to_string).unwrap_or_default();
                assert!(
                    sub.has_subcommands() || after.contains(path.trim()),
                    "{path} has no example of itself"
                );
                check(sub, &path);
            }
        }
        check(&Cli::command(), "passthrough");
    }
}
