//! `passthrough openapi`.

use anyhow::Result;
use clap::Args;

use crate::exit::Exit;
use crate::output::Output;

/// Nothing to choose.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  passthrough openapi > openapi.json")]
pub struct Openapi {}

impl Openapi {
    pub(super) fn run(&self, output: &Output) -> Result<Exit> {
        output.line(serde_json::to_string_pretty(&passthrough_server::openapi())?)?;
        Ok(Exit::Done)
    }
}
