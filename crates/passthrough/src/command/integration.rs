//! `passthrough integration`: providers as they are set up in this installation, on a running server.

use anyhow::Result;
use clap::{Args, Subcommand};
use passthrough_client::IntegrationFilter;
use passthrough_client::wire::integration::Integration as WireIntegration;

use serde_json::json;

use super::connection::prompt;
use crate::exit::Exit;
use crate::output::{Output, cell, clean};
use crate::paging::{Paging, tell_next};
use crate::server::ServerFlags;

mod setup;

/// What to do with integrations.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
An integration is a provider as it is set up here: the OAuth client that you registered in the provider's developer
console, what is asked for, and variables that are the same for all of its connections. A provider whose users bring
all that is needed, such as an API key, needs none.

Examples:
  passthrough integration create --provider hubspot --client-id 7f3c… --client-secret @hubspot.secret
  passthrough integration list
  passthrough integration update hubspot --client-secret @new.secret")]
pub enum Integration {
    /// Set up a provider; prints the redirect URI to register there
    Create(Box<setup::Create>),
    /// List integrations by key
    List(List),
    /// Show an integration; its secrets cannot be shown
    #[command(after_help = "\
Examples:
  passthrough integration show hubspot")]
    Show(One),
    /// Change an integration; what is not named stays
    Update(Box<setup::Update>),
    /// Delete an integration that no connection uses
    #[command(after_help = "\
Examples:
  passthrough integration delete hubspot
  passthrough integration delete hubspot --yes     in scripts")]
    Delete(Delete),
}

/// Which integrations to list.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  passthrough integration list
  passthrough integration list --provider hubspot --output json")]
pub struct List {
    /// Only those of this provider
    #[arg(long, value_name = "CODE")]
    provider: Option<String>,
    #[command(flatten)]
    paging: Paging,
    #[command(flatten)]
    server: ServerFlags,
}

/// An integration by its key.
#[derive(Debug, Args)]
pub struct One {
    /// Its key
    key: String,
    #[command(flatten)]
    server: ServerFlags,
}

/// The integration to delete.
#[derive(Debug, Args)]
pub struct Delete {
    #[command(flatten)]
    one: One,
    /// Do not ask
    #[arg(long, short)]
    yes: bool,
}

impl Integration {
    pub(super) async fn run(&self, output: &Output) -> Result<Exit> {
        match self {
            Integration::Create(create) => create.run(output).await,
            Integration::List(list) => list.run(output).await,
            Integration::Show(one) => {
                show(output, &one.server.client(output)?.get_integration(&one.key).await?)?;
                Ok(Exit::Done)
            }
            Integration::Update(update) => update.run(output).await,
            Integration::Delete(delete) => delete.run(output).await,
        }
    }
}

impl List {
    async fn run(&self, output: &Output) -> Result<Exit> {
        let filter = IntegrationFilter {
            provider: self.provider.clone(),
            cursor: self.paging.cursor.clone(),
            limit: Some(self.paging.limit),
        };
        let page = self.server.client(output)?.list_integrations(&filter).await?;
        if output.is_json() {
            output.json(&page)?;
            return Ok(Exit::Done);
        }
        let row = |integration: WireIntegration| {
            let state = if integration.client_rejected_at.is_some() { "client refused" } else { "-" };
            vec![
                integration.key,
                integration.provider,
                cell(integration.name.as_deref()),
                cell(integration.client_id.as_deref()),
                state.to_owned(),
                integration.created_at,
            ]
        };
        let head = ["key", "provider", "name", "client id", "state", "created"];
        let rows = page.results.into_iter().map(row).collect();
        output.table(&head, rows, "no integrations yet: `passthrough integration create`")?;
        tell_next(output, page.next);
        Ok(Exit::Done)
    }
}

impl Delete {
    async fn run(&self, output: &Output) -> Result<Exit> {
        let client = self.one.server.client(output)?;
        let integration = client.get_integration(&self.one.key).await?;
        let what = format!("Delete the integration {} ({}) for good?", integration.key, integration.provider);
        if !self.yes && !prompt::deletion(output, &what)? {
            return Ok(Exit::Failed);
        }
        client.delete_integration(&integration.key).await?;
        output.done(
            &json!({"key": integration.key, "deleted": true}),
            format!("{} is deleted", integration.key),
        )?;
        Ok(Exit::Done)
    }
}

/// All that there is to be shown of an integration.
fn show(output: &Output, integration: &WireIntegration) -> Result<()> {
    if output.is_json() {
        return output.json(integration);
    }
    let kept = |is_there: bool| is_there.then(|| "kept, and never shown".to_owned());
    let list = |texts: &[String]| (!texts.is_empty()).then(|| texts.join(", "));
    let pairs = |pairs: Vec<String>| list(&pairs);
    let variable = |(name, value): (&String, &Option<String>)| match value {
        Some(value) => format!("{name}={value}"),
        None => format!("{name} (secret)"),
    };
    let lines = [
        ("integration", Some(integration.key.clone())),
        ("provider", Some(integration.provider.clone())),
        ("name", integration.name.clone()),
        ("client id", integration.client_id.clone()),
        ("client secret", kept(integration.has_client_secret)),
        ("private key", kept(integration.has_private_key)),
        ("private key id", integration.private_key_id.clone()),
        ("scopes", integration.scopes.as_deref().and_then(list)),
        (
            "parameters",
            pairs(
                integration.authorize_params.iter().map(|(name, value)| format!("{name}={value}")).collect(),
            ),
        ),
        ("variables", pairs(integration.variables.iter().map(variable).collect())),
        ("allowed hosts", list(&integration.allow_hosts)),
        ("reflections", integration.redact_reflections.clone()),
        ("redirect URI", Some(integration.redirect_uri.clone())),
        ("refused", integration.client_rejected_at.clone()),
        ("created", Some(integration.created_at.clone())),
        ("updated", Some(integration.updated_at.clone())),
    ];
    let given = lines.into_iter().filter_map(|(name, value)| Some((name, value?)));
    given.into_iter().try_for_each(|(name, value)| output.line(format!("{name:<14} {}", clean(&value))))
}
