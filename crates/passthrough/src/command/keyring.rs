//! `passthrough keyring`: rotation of the keys that seal credentials at rest.

use anyhow::Result;
use clap::{Args, Subcommand};
use indicatif::{ProgressBar, ProgressDrawTarget};
use serde::Serialize;

use crate::exit::Exit;
use crate::local::LocalFlags;
use crate::output::Output;
use crate::time::rfc3339;

/// What to do with the keyring.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Every stored credential is sealed under the primary key of the keyring, a file that lies beside the database.
Keep a backup of it, apart from the database's: without it nothing can be opened again.

To rotate while servers keep serving:
  passthrough keyring add                 a new key, which only opens
                                          (each server that shares the database needs the new file now)
  passthrough keyring promote KEY         now it seals
  passthrough keyring rewrap              what lies under other keys is sealed again under it
  passthrough keyring status              until nothing is left under the old key
  passthrough keyring remove OLD_KEY")]
pub enum Keyring {
    /// Show the keys and how much is sealed under each
    #[command(after_help = "Examples:\n  passthrough keyring status --data-dir ./data")]
    Status(LocalFlags),
    /// Add a key, which only opens until it is promoted; prints its id
    #[command(after_help = "Examples:\n  KEY=$(passthrough keyring add --data-dir ./data)")]
    Add(LocalFlags),
    /// Make a key the primary, under which everything new is sealed
    #[command(after_help = "Examples:\n  passthrough keyring promote k51ebc6177c2b4cd0 --data-dir ./data")]
    Promote(OneKey),
    /// Seal again, under the primary, what is sealed under other keys
    #[command(after_help = "\
It can be interrupted and run again; servers keep serving.

Examples:
  passthrough keyring rewrap --data-dir ./data")]
    Rewrap(LocalFlags),
    /// Forget a key under which nothing is sealed any more
    #[command(after_help = "Examples:\n  passthrough keyring remove k51ebc6177c2b4cd0 --data-dir ./data")]
    Remove(OneKey),
}

/// A key by its id.
#[derive(Debug, Args)]
pub struct OneKey {
    /// The key's id, as `passthrough keyring status` shows it
    key: String,
    #[command(flatten)]
    local: LocalFlags,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    id: String,
    primary: bool,
    created_at: String,
    primary_since: Option<String>,
    sealed: u64,
}

impl Keyring {
    pub(super) async fn run(&self, output: &Output) -> Result<Exit> {
        match self {
            Keyring::Status(local) => status(local, output).await?,
            Keyring::Add(local) => {
                let id = local.open_existing().await?.keyring_add()?;
                result(output, &id)?;
                output.note(format!("it only opens until `passthrough keyring promote {id}`"));
                output.note("servers with a copy of the key file need the new one before that");
            }
            Keyring::Promote(OneKey { key, local }) => {
                local.open_existing().await?.keyring_promote(key)?;
                output.note(format!(
                    "{key} seals from now on; `passthrough keyring rewrap` renews what is stored"
                ));
            }
            Keyring::Rewrap(local) => rewrap(local, output).await?,
            Keyring::Remove(OneKey { key, local }) => {
                local.open_existing().await?.keyring_remove(key).await?;
                output
                    .note(format!("{key} is forgotten; backups that were sealed under it need a copy of it"));
            }
        }
        Ok(Exit::Done)
    }
}

fn result(output: &Output, id: &str) -> Result<()> {
    if output.is_json() { output.json(&serde_json::json!({"id": id})) } else { output.line(id) }
}

async fn status(local: &LocalFlags, output: &Output) -> Result<()> {
    let status = local.open_existing().await?.keyring_status().await?;
    let keys = status.keys.into_iter().map(|key| Listed {
        id: key.id,
        primary: key.primary_since.is_some(),
        created_at: rfc3339(key.created_at),
        primary_since: key.primary_since.map(rfc3339),
        sealed: key.sealed,
    });
    let keys: Vec<Listed> = keys.collect();
    if output.is_json() {
        return output.json(&serde_json::json!({"path": status.path, "keys": keys}));
    }
    match &status.path {
        Some(path) => output.note(format!("key file {}", path.display())),
        None => output.note("keyring from the settings"),
    }
    let row = |key: Listed| {
        let role = key.primary_since.map_or_else(|| "opens".to_owned(), |at| format!("primary since {at}"));
        vec![key.id, role, key.sealed.to_string(), key.created_at]
    };
    output.table(&["key", "role", "sealed values", "created"], keys.into_iter().map(row).collect(), "no keys")
}

async fn rewrap(local: &LocalFlags, output: &Output) -> Result<()> {
    let installation = local.open_existing().await?;
    let target =
        if output.shows_progress() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(0), target);
    let done = installation.rewrap(|done, total| {
        bar.set_length(total);
        bar.set_position(done);
    });
    let done = done.await?;
    bar.finish_and_clear();
    if output.is_json() {
        output.json(&serde_json::json!({"rewrapped": done}))
    } else {
        output.note(format!("{done} values are sealed under the primary key again"));
        Ok(())
    }
}
