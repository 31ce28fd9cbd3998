//! The command line, from the top. Each command's flags are beside its code.

use std::ffi::OsString;

use clap::{Args, CommandFactory, FromArgMatches, Parser, Subcommand};

use crate::command::{
    completions, connection, demo, doctor, event, integration, key, keyring, link, migrate, openapi,
    provider, request, requests, serve, top, webhook,
};
use crate::exit::{CODES, Exit};
use crate::output::{Failure, Format, Output, USAGE};

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

/// Reads the command line. Says what is wrong with it, or what it asks for where that is help, and how to end.
pub fn read(args: impl Iterator<Item = OsString>) -> Result<Cli, Exit> {
    let args: Vec<OsString> = args.collect();
    let mut command = flowing(Cli::command());
    let read =
        command.try_get_matches_from_mut(&args).and_then(|mut given| Cli::from_arg_matches_mut(&mut given));
    read.map_err(|error| {
        let error = error.format(&mut command);
        if !error.use_stderr() {
            drop(error.print());
            return Exit::Done;
        }
        match wants_json(&args) {
            true => Output { format: Format::Json, quiet: false }.failure(&mistake(&error.to_string())),
            false => drop(error.print()),
        }
        Exit::Usage
    })
}

/// Whether failures shall be JSON, as far as that can be told of a command line that is wrong.
fn wants_json(args: &[OsString]) -> bool {
    let follows = args.windows(2).any(|pair| pair[0] == "--output" && pair[1] == "json");
    follows || args.iter().any(|arg| arg == "--output=json")
}

/// What `clap` says, in parts: its first paragraph is the mistake, the others advise.
fn mistake(text: &str) -> Failure {
    let (message, advice) = text.split_once("\n\n").unwrap_or((text, ""));
    let message = message.trim().trim_start_matches("error: ").to_owned();
    let advice = advice.split_whitespace().collect::<Vec<_>>().join(" ");
    let hint = (!advice.is_empty()).then_some(advice);
    Failure { message, code: Some(USAGE.to_owned()), hint, ..Failure::default() }
}

/// With the paragraphs behind the flags in one line each, so that a terminal of any width breaks them once.
fn flowing(command: clap::Command) -> clap::Command {
    let text = command.get_after_help().map(|text| flow(&text.to_string()));
    let command = match text {
        Some(text) => command.after_help(text),
        None => command,
    };
    command.mut_subcommands(flowing)
}

/// Joins lines that are neither indented nor empty to those before them. What is indented stays as it stands.
fn flow(text: &str) -> String {
    let flows = |line: &str| !line.is_empty() && !line.starts_with(' ');
    let (mut flowed, mut before) = (String::new(), None::<&str>);
    for line in text.lines() {
        if let Some(before) = before {
            flowed.push(if flows(before) && flows(line) && !before.ends_with(':') { ' ' } else { '\n' });
        }
        flowed.push_str(line);
        before = Some(line);
    }
    flowed
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paragraphs_flow_and_what_is_indented_stays() {
        let text = "One line\nand its rest.\n\nExamples:\n  a\n  b\nEnd:\nx";
        assert_eq!(flow(text), "One line and its rest.\n\nExamples:\n  a\n  b\nEnd:\nx");
    }

    #[test]
    fn a_wrong_command_line_is_told_as_json_where_results_are() {
        let args = |line: &'static str| line.split(' ').map(OsString::from);
        assert!(wants_json(&args("p key list --output json").collect::<Vec<_>>()));
        assert!(wants_json(&args("p --output=json key").collect::<Vec<_>>()));
        assert!(!wants_json(&args("p key list --output text").collect::<Vec<_>>()));
        let said = mistake("error: unexpected argument '--x' found\n\n  tip: y\n\nUsage: p\n");
        assert_eq!(said.message, "unexpected argument '--x' found");
        assert_eq!(said.hint.as_deref(), Some("tip: y Usage: p"));
        assert_eq!(read(args("p nonsense")).err(), Some(Exit::Usage));
    }

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
