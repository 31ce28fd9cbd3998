//! `passthrough link`: links for end users, who authorise their accounts on the pages of a running server.

use anyhow::Result;
use clap::{Args, Subcommand};
use passthrough_client::wire::link::CreateLinkSession;

use crate::exit::{Exit, Hinted};
use crate::output::{Output, clean};
use crate::server::ServerFlags;

/// What to do with links.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  passthrough link create --provider stripe --external-id customer-42
  passthrough link create --connection conn_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C
  passthrough link show link_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C")]
pub enum Link {
    /// Make a link and print its URL, once
    Create(Create),
    /// Show how far a link has come
    #[command(after_help = "\
Examples:
  passthrough link show link_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C")]
    Show(Show),
}

/// The link to make.
#[derive(Debug, Args)]
#[command(after_help = "\
The URL works for half an hour, for the browser that opens it first. It goes to standard output, alone. Without
--provider the end user may choose among all. Where they are sent afterwards must be allowed by the server's
setting link.redirect_urls.

Examples:
  passthrough link create                                 the end user chooses the provider
  passthrough link create --provider stripe --provider paypal --external-id customer-42
  passthrough link create --provider hubspot --redirect-url 'https://app.example.com/linked?state=7'
  passthrough link create --connection conn_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C --open")]
pub struct Create {
    /// A provider's code or an integration's key; may be given more than once
    #[arg(long, value_name = "CODE")]
    provider: Vec<String>,
    /// The connection to link again: it keeps its id and its token
    #[arg(long, value_name = "ID", conflicts_with_all = ["provider", "external_id", "name", "tag"])]
    connection: Option<String>,
    /// The end user's id in your product
    #[arg(long, value_name = "ID")]
    external_id: Option<String>,
    /// Your own name for the connection
    #[arg(long)]
    name: Option<String>,
    /// A free label for the connection; may be given more than once
    #[arg(long)]
    tag: Vec<String>,
    /// Where the end user is sent afterwards
    #[arg(long, value_name = "URL")]
    redirect_url: Option<String>,
    /// The language of the pages; the browser's where this is not given
    #[arg(long, value_name = "LANG")]
    locale: Option<String>,
    /// Open the link in the browser of this machine: then it is this browser's
    #[arg(long)]
    open: bool,
    #[command(flatten)]
    server: ServerFlags,
}

/// The link to show.
#[derive(Debug, Args)]
pub struct Show {
    /// `link_…`
    id: String,
    #[command(flatten)]
    server: ServerFlags,
}

impl Link {
    pub(super) async fn run(&self, output: &Output) -> Result<Exit> {
        match self {
            Link::Create(create) => create.run(output).await,
            Link::Show(show) => show.run(output).await,
        }
    }
}

impl Create {
    async fn run(&self, output: &Output) -> Result<Exit> {
        let request = CreateLinkSession {
            integration: None,
            providers: self.provider.clone(),
            connection_id: self.connection.clone(),
            external_id: self.external_id.clone(),
            name: self.name.clone(),
            tags: self.tag.clone(),
            redirect_url: self.redirect_url.clone(),
            origin: None,
            locale: self.locale.clone(),
        };
        let created = self.server.client(output)?.create_link_session(&request).await?;
        output.note(format!(
            "{} works until {}, for one browser",
            clean(&created.id),
            clean(&created.expires_at)
        ));
        if output.is_json() {
            output.json(&created)?;
        } else {
            output.line(clean(&created.url))?;
        }
        if self.open {
            open(&created.url)?;
        }
        Ok(Exit::Done)
    }
}

impl Show {
    async fn run(&self, output: &Output) -> Result<Exit> {
        let session = self.server.client(output)?.get_link_session(&self.id).await?;
        if output.is_json() {
            output.json(&session)?;
            return Ok(Exit::Done);
        }
        let status = serde_json::to_value(session.status)?;
        output.line(format!("{} {}", clean(&session.id), status.as_str().unwrap_or_default()))?;
        if let Some(error) = &session.error {
            output.line(format!("error {}", clean(error)))?;
        }
        if let Some(connection) = &session.connection_id {
            output.line(format!("connection {}", clean(connection)))?;
        }
        Ok(Exit::Done)
    }
}

/// Hands a URL to the program that opens them here.
fn open(url: &str) -> Result<()> {
    // An option, or a file's name, is not what a server may have opened on this machine.
    if !url.starts_with("https://") && !url.starts_with("http://") {
        return Err(Hinted::usage("the server gave no web address", "look at --server").into());
    }
    let opener = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let started = std::process::Command::new(opener)
        .arg(url)
        .stdin(std::process::Stdio::null())
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn();
    started.map(drop).map_err(|error| {
        Hinted::usage(format!("`{opener}` cannot be started: {error}"), "open the URL yourself").into()
    })
}
