//! `passthrough connection`: customers' accounts, on a running server.

use anyhow::Result;
use clap::{Args, Subcommand};
use passthrough_client::ConnectionFilter;
use passthrough_client::wire::connection::{
    Connection as WireConnection, PatchConnection, Revocation, VerificationResult,
};
use serde_json::json;

use crate::exit::Exit;
use crate::output::{Output, cell, clean};
use crate::paging::{Paging, tell_next};
use crate::server::ServerFlags;

mod create;
pub(super) mod credential;
mod import;
pub(super) mod prompt;

pub(super) use create::show_with_token;

/// What to do with connections.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  passthrough connection create                       asks for what it needs, secrets hidden
  passthrough connection list --provider stripe
  passthrough connection verify conn_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C")]
pub enum Connection {
    /// Store a customer's credential; prints the connection token, once
    Create(create::Create),
    /// Store many customers' credentials from a file, and go on where it broke off
    Import(import::Import),
    /// List connections, newest first
    List(List),
    /// Show a connection; its credential cannot be shown
    #[command(after_help = "\
Examples:
  passthrough connection show conn_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C")]
    Show(One),
    /// Ask the provider whether the credential is alive
    #[command(after_help = "\
Exits 0 when it is alive, 4 when the provider refuses it, 1 when the provider cannot be asked.

Examples:
  passthrough connection verify conn_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C")]
    Verify(One),
    /// Renew the credential now, whether it is due or not
    #[command(after_help = "\
Examples:
  passthrough connection refresh conn_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C")]
    Refresh(One),
    /// Give a connection a new token; the old one is refused from then on
    #[command(after_help = "\
The new token is printed once. With --quiet it is printed alone.

Examples:
  passthrough connection rotate-token conn_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C --quiet > token")]
    RotateToken(One),
    /// Put a connection away: it can no longer be used, and can be taken back
    #[command(after_help = "\
Examples:
  passthrough connection archive conn_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C
  passthrough connection archive conn_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C --restore")]
    Archive(Archive),
    /// Delete a connection and its credential, for good
    #[command(after_help = "\
Examples:
  passthrough connection delete conn_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C
  passthrough connection delete conn_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C --yes     in scripts")]
    Delete(Delete),
}

/// Which connections to list.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  passthrough connection list
  passthrough connection list --status disconnected --output json
  passthrough connection list --external-id customer-42")]
pub struct List {
    /// Only those to this provider
    #[arg(long, value_name = "CODE")]
    provider: Option<String>,
    /// Only those of this integration
    #[arg(long, value_name = "KEY")]
    integration: Option<String>,
    /// Only those of this status
    #[arg(long, value_parser = ["connected", "disconnected", "archived"])]
    status: Option<String>,
    /// Only those of this end user
    #[arg(long, value_name = "ID")]
    external_id: Option<String>,
    /// Only those with this tag
    #[arg(long)]
    tag: Option<String>,
    #[command(flatten)]
    paging: Paging,
    #[command(flatten)]
    server: ServerFlags,
}

/// A connection by its id.
#[derive(Debug, Args)]
pub struct One {
    /// `conn_…`
    id: String,
    #[command(flatten)]
    server: ServerFlags,
}

/// The connection to put away.
#[derive(Debug, Args)]
pub struct Archive {
    #[command(flatten)]
    one: One,
    /// Take it back instead
    #[arg(long)]
    restore: bool,
}

/// The connection to delete.
#[derive(Debug, Args)]
pub struct Delete {
    #[command(flatten)]
    one: One,
    /// Give the grant back to the provider first. At many providers this ends all that the account has allowed the
    /// OAuth client, other connections included
    #[arg(long)]
    revoke: bool,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

impl Connection {
    pub(super) async fn run(&self, output: &Output) -> Result<Exit> {
        match self {
            Connection::Create(create) => create.run(output).await,
            Connection::Import(import) => import.run(output).await,
            Connection::List(list) => list.run(output).await,
            Connection::Show(one) => {
                let connection = one.server.client(output)?.get_connection(&one.id).await?;
                show(output, &connection)?;
                Ok(Exit::Done)
            }
            Connection::Verify(one) => verify(one, output).await,
            Connection::Refresh(one) => refresh(one, output).await,
            Connection::RotateToken(one) => {
                let rotated = one.server.client(output)?.rotate_connection_token(&one.id).await?;
                create::show_with_token(output, &rotated)?;
                Ok(Exit::Done)
            }
            Connection::Archive(archive) => archive.run(output).await,
            Connection::Delete(delete) => delete.run(output).await,
        }
    }
}

impl List {
    async fn run(&self, output: &Output) -> Result<Exit> {
        let filter = ConnectionFilter {
            provider: self.provider.clone(),
            integration: self.integration.clone(),
            status: self.status.clone(),
            external_id: self.external_id.clone(),
            tag: self.tag.clone(),
            cursor: self.paging.cursor.clone(),
            limit: Some(self.paging.limit),
        };
        let page = self.server.client(output)?.list_connections(&filter).await?;
        if output.is_json() {
            output.json(&page)?;
            return Ok(Exit::Done);
        }
        let row = |connection: WireConnection| {
            let account = connection.account.and_then(|account| account.label.or(account.id));
            vec![
                connection.id,
                connection.status,
                connection.provider,
                connection.auth,
                cell(connection.external_id.as_deref()),
                cell(connection.name.or(account).as_deref()),
                connection.created_at,
            ]
        };
        let head = ["id", "status", "provider", "auth", "external id", "name", "created"];
        let rows = page.results.into_iter().map(row).collect();
        output.table(&head, rows, "no connections fit: `passthrough connection create`")?;
        tell_next(output, page.next);
        Ok(Exit::Done)
    }
}

async fn refresh(one: &One, output: &Output) -> Result<Exit> {
    let refreshed = one.server.client(output)?.refresh_connection(&one.id).await?;
    if output.is_json() {
        output.json(&refreshed)?;
    } else {
        let until =
            refreshed.expires_at.map(|at| format!("; the new credential ends at {at}")).unwrap_or_default();
        output.line(format!("refreshed{until}"))?;
    }
    Ok(Exit::Done)
}

async fn verify(one: &One, output: &Output) -> Result<Exit> {
    let verification = one.server.client(output)?.verify_connection(&one.id).await?;
    let exit = match verification.result {
        VerificationResult::Alive => Exit::Done,
        VerificationResult::Refused => Exit::Provider,
        VerificationResult::Unreachable => Exit::Failed,
    };
    if output.is_json() {
        output.json(&verification)?;
        return Ok(exit);
    }
    let word = match verification.result {
        VerificationResult::Alive => "alive",
        VerificationResult::Refused => "refused",
        VerificationResult::Unreachable => "unreachable",
    };
    let status = verification.status_code.map(|status| format!(" (status {status})")).unwrap_or_default();
    output.line(format!("{word}{status}: {}", clean(&verification.message)))?;
    if let Some(account) = verification.account {
        output.line(format!("account {}", clean(&cell(account.label.or(account.id).as_deref()))))?;
    }
    Ok(exit)
}

impl Archive {
    async fn run(&self, output: &Output) -> Result<Exit> {
        let status = if self.restore { "connected" } else { "archived" };
        let change = PatchConnection { status: Some(status.to_owned()), ..PatchConnection::default() };
        let connection = self.one.server.client(output)?.update_connection(&self.one.id, &change).await?;
        if output.is_json() {
            output.json(&connection)?;
        } else {
            output.note(format!("{} is {}", connection.id, connection.status));
        }
        Ok(Exit::Done)
    }
}

impl Delete {
    async fn run(&self, output: &Output) -> Result<Exit> {
        let client = self.one.server.client(output)?;
        let connection = client.get_connection(&self.one.id).await?;
        let what = format!("Delete {} ({}) and its credential for good?", connection.id, connection.provider);
        if !self.yes && !prompt::deletion(output, &what)? {
            return Ok(Exit::Failed);
        }
        if self.revoke {
            let deleted = client.revoke_and_delete_connection(&connection.id).await?;
            let what = match deleted.revoked {
                Revocation::Done => "the provider has taken the grant back",
                Revocation::NotOffered => "its provider has no way of taking it back",
                Revocation::Failed => {
                    "the provider has NOT taken the grant back: the end user can, in their account there"
                }
            };
            output.done(
                &json!({"id": connection.id, "deleted": true, "revoked": deleted.revoked}),
                format!("{} is deleted; {what}", connection.id),
            )?;
            return Ok(if deleted.revoked == Revocation::Failed { Exit::Failed } else { Exit::Done });
        }
        client.delete_connection(&connection.id).await?;
        output
            .done(&json!({"id": connection.id, "deleted": true}), format!("{} is deleted", connection.id))?;
        Ok(Exit::Done)
    }
}

/// A connection, line by line.
pub(super) fn show(output: &Output, connection: &WireConnection) -> Result<()> {
    if output.is_json() {
        return output.json(connection);
    }
    let account = connection.account.as_ref();
    let lines = [
        ("connection", Some(connection.id.clone())),
        ("status", Some(connection.status.clone())),
        ("provider", Some(connection.provider.clone())),
        (
            "integration",
            (connection.integration != connection.provider).then(|| connection.integration.clone()),
        ),
        ("auth", Some(connection.auth.clone())),
        ("name", connection.name.clone()),
        ("external id", connection.external_id.clone()),
        ("account id", account.and_then(|account| account.id.clone())),
        ("account", account.and_then(|account| account.label.clone())),
        ("tags", (!connection.tags.is_empty()).then(|| connection.tags.join(", "))),
        ("created", Some(connection.created_at.clone())),
        ("updated", Some(connection.updated_at.clone())),
        ("verified", connection.verified_at.clone()),
    ];
    let given = lines.into_iter().filter_map(|(name, value)| Some((name, value?)));
    given.into_iter().try_for_each(|(name, value)| output.line(format!("{name:<12} {}", clean(&value))))
}
