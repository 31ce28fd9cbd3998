//! `passthrough key`: API keys, made and revoked on the data themselves.
//!
//! Whoever can read the data folder needs no API key: that is how the first one is made.

use anyhow::Result;
use clap::{Args, Subcommand};
use passthrough_server::Environment;
use serde::Serialize;

use crate::exit::{Exit, Hinted};
use crate::local::LocalFlags;
use crate::output::{Output, cell};
use crate::time::{self, now_ms, rfc3339};

/// What to do with keys.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  passthrough key create my-app
  passthrough key list
  passthrough key revoke key_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C")]
pub enum Key {
    /// Make an API key and print it, once
    Create(Create),
    /// List API keys; the keys themselves cannot be shown again
    List(List),
    /// Revoke an API key
    Revoke(Revoke),
}

/// A key to make.
#[derive(Debug, Args)]
#[command(after_help = "\
The key goes to standard output, alone; everything else goes to standard error.

Examples:
  passthrough key create my-app --data-dir ./data
  PASSTHROUGH_API_KEY=$(passthrough key create ci --environment staging --quiet)
  passthrough key create partner --expires 30d
  passthrough key create partner --expires 2027-01-31T12:00:00Z")]
pub struct Create {
    /// A name to know it by
    name: String,
    /// The environment that it opens: a closed room of connections and records
    #[arg(long, value_name = "ENV", default_value = "default")]
    environment: Environment,
    /// When it expires: a time (RFC 3339) or a span from now on (`24h`, `30d`); never, where this is not given
    #[arg(long, value_name = "TIME", value_parser = time::parse_coming)]
    expires: Option<i64>,
    #[command(flatten)]
    local: LocalFlags,
}

/// Which keys to list.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  passthrough key list
  passthrough key list --environment staging --output json")]
pub struct List {
    /// Only those of this environment
    #[arg(long, value_name = "ENV")]
    environment: Option<Environment>,
    #[command(flatten)]
    local: LocalFlags,
}

/// The key to revoke.
#[derive(Debug, Args)]
#[command(after_help = "\
A running server refuses the key within two seconds.

Examples:
  passthrough key revoke key_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C")]
pub struct Revoke {
    /// `key_…`, as `passthrough key list` shows it
    id: String,
    #[command(flatten)]
    local: LocalFlags,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Listed {
    id: String,
    name: String,
    environment: String,
    created_at: String,
    expires_at: Option<String>,
    revoked_at: Option<String>,
    last_used_at: Option<String>,
    #[serde(skip)]
    is_expired: bool,
}

impl Key {
    pub(super) async fn run(&self, output: &Output) -> Result<Exit> {
        match self {
            Key::Create(create) => create.run(output).await,
            Key::List(list) => list.run(output).await,
            Key::Revoke(revoke) => revoke.run(output).await,
        }
    }
}

impl Create {
    async fn run(&self, output: &Output) -> Result<Exit> {
        let name = self.name.trim();
        if name.is_empty() || name.len() > 200 {
            return Err(
                Hinted::usage("a key's name has 1 to 200 characters", "name it after who uses it").into()
            );
        }
        let installation = self.local.open().await?;
        let (key, token) = installation.create_api_key(&self.environment, name, self.expires).await?;
        if installation.made_keyring {
            let path = self.local.config()?.keyring_path();
            output.note(format!(
                "the key file {} was made; back it up, apart from the database",
                path.display()
            ));
        }
        output.note(format!(
            "API key {} ({name}) of environment {} in {}: it is shown only now",
            key.id,
            self.environment,
            self.local.config()?.database_label()
        ));
        if output.is_json() {
            let value = serde_json::json!({"id": key.id.to_string(), "name": name,
                "environment": self.environment.to_string(), "key": token.expose()});
            output.json(&value)?;
        } else {
            output.line(token.expose())?;
        }
        Ok(Exit::Done)
    }
}

impl List {
    async fn run(&self, output: &Output) -> Result<Exit> {
        let installation = self.local.open_existing().await?;
        let now = now_ms();
        let keys =
            installation.list_api_keys(self.environment.as_ref()).await?.into_iter().map(|key| Listed {
                id: key.id.to_string(),
                name: key.name,
                environment: key.environment.to_string(),
                created_at: rfc3339(key.created_at),
                expires_at: key.expires_at.map(rfc3339),
                revoked_at: key.revoked_at.map(rfc3339),
                last_used_at: key.last_used_at.map(rfc3339),
                is_expired: key.expires_at.is_some_and(|at| at <= now),
            });
        let keys: Vec<Listed> = keys.collect();
        if output.is_json() {
            output.json(&keys)?;
            return Ok(Exit::Done);
        }
        let row = |key: Listed| {
            let state = state(&key);
            vec![key.id, key.name, key.environment, state, key.created_at, cell(key.last_used_at.as_deref())]
        };
        let head = ["id", "name", "environment", "state", "created", "last used"];
        output.table(
            &head,
            keys.into_iter().map(row).collect(),
            "no API keys yet: `passthrough key create NAME`",
        )?;
        Ok(Exit::Done)
    }
}

impl Revoke {
    async fn run(&self, output: &Output) -> Result<Exit> {
        let missing = || {
            Hinted::missing(
                format!("there is no API key {}", self.id),
                "`passthrough key list` shows the ids of keys",
            )
        };
        let id = self.id.parse().map_err(|_| missing())?;
        if !self.local.open_existing().await?.revoke_api_key(id).await? {
            return Err(missing().into());
        }
        output
            .done(&serde_json::json!({"id": self.id, "revoked": true}), format!("{} is revoked", self.id))?;
        Ok(Exit::Done)
    }
}

/// Whether a key opens anything, and since or until when.
fn state(key: &Listed) -> String {
    match (&key.revoked_at, &key.expires_at) {
        (Some(at), _) => format!("revoked {at}"),
        (None, Some(at)) if key.is_expired => format!("expired {at}"),
        (None, Some(at)) => format!("until {at}"),
        (None, None) => "valid".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_opens_nothing_any_more_is_not_listed_as_valid() {
        let key = |expires: Option<&str>, is_expired, revoked: Option<&str>| Listed {
            id: String::new(),
            name: String::new(),
            environment: String::new(),
            created_at: String::new(),
            expires_at: expires.map(ToOwned::to_owned),
            revoked_at: revoked.map(ToOwned::to_owned),
            last_used_at: None,
            is_expired,
        };
        assert_eq!(state(&key(None, false, None)), "valid");
        assert_eq!(state(&key(Some("t"), false, None)), "until t");
        assert_eq!(state(&key(Some("t"), true, None)), "expired t");
        assert_eq!(state(&key(Some("t"), true, Some("r"))), "revoked r");
    }
}
