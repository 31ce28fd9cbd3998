//! `passthrough migrate`.

use anyhow::Result;
use clap::Args;
use passthrough_server::installation::{self, DATABASE_FILE, Migrations};
use serde::Serialize;

use crate::exit::{Exit, Hinted};
use crate::local::LocalFlags;
use crate::output::Output;

/// What to migrate.
#[derive(Debug, Args)]
#[command(after_help = "\
`passthrough serve` migrates when it starts; this is for those who want to do it before, or only look.

Examples:
  passthrough migrate --data-dir /var/lib/passthrough
  passthrough migrate --check     exits 1 while there is something to do, and changes nothing")]
pub struct Migrate {
    #[command(flatten)]
    local: LocalFlags,
    /// Only say what there is to do
    #[arg(long)]
    check: bool,
}

#[derive(Serialize)]
struct Report {
    database: String,
    applied: Vec<String>,
    pending: Vec<String>,
}

impl Migrate {
    pub(super) async fn run(&self, output: &Output) -> Result<Exit> {
        let config = self.local.config()?;
        let is_embedded = config.database_url.is_none();
        if self.check && is_embedded && !config.data_dir.join(DATABASE_FILE).exists() {
            let message = format!("{} is not there yet", config.database_label());
            return Err(Hinted::new(
                message,
                "`passthrough migrate` or the first `passthrough serve` makes it",
            )
            .into());
        }
        let migrations = if self.check {
            installation::migrations(&config).await?
        } else {
            installation::migrate(&config).await?
        };
        let Migrations { applied, pending } = migrations;
        let report = Report { database: config.database_label(), applied, pending };
        if output.is_json() {
            output.json(&report)?;
        } else {
            report.applied.iter().try_for_each(|migration| output.line(format!("applied {migration}")))?;
            report.pending.iter().try_for_each(|migration| output.line(format!("pending {migration}")))?;
            if report.pending.is_empty() {
                output.note(format!("{} is up to date", report.database));
            }
        }
        Ok(if report.pending.is_empty() { Exit::Done } else { Exit::Failed })
    }
}
