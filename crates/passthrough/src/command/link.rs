//! `passthrough link`: links for end users, who authorise their accounts on the pages of a running server.

use anyhow::Result;
use clap::{Args, Subcommand};
use passthrough_client::wire::connection::ConnectionWithToken;
use passthrough_client::wire::link::{CreateLinkSession, LinkedConnection};

use super::connection::{show, show_with_token};
use crate::exit::{Exit, Hinted};
use crate::output::{Output, clean};
use crate::secret::{GivenToken, parse_token};
use crate::server::ServerFlags;

/// What to do with links.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  passthrough link create --provider stripe --external-id customer-42
  passthrough link create --connection conn_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C
  passthrough link show link_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C
  passthrough link exchange pub_tkn_…")]
pub enum Link {
    /// Make a link and print its URL, once
    Create(Create),
    /// Show how far a link has come
    #[command(after_help = "\
Examples:
  passthrough link show link_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C")]
    Show(Show),
    /// Exchange what a link ended with for the connection and its token
    #[command(after_help = "\
The public token comes to --redirect-url or --origin when the account is linked. It is good once, for ten minutes. Where
an account was linked again, the connection keeps the token that it has, and none is shown.

Examples:
  passthrough link exchange pub_tkn_…")]
    Exchange(Exchange),
}

/// The link to make.
#[derive(Debug, Args)]
#[command(after_help = "\
The URL works for half an hour, for the browser that opens it first. It goes to standard output, alone. Without
--provider the end user may choose among all. Where they are sent afterwards must be allowed by the server's
setting link.redirect_urls, the page that is told instead by link.message_origins. Without either nobody is given the
connection's token: `passthrough connection rotate-token` makes one then.

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
    /// The origin of the page that opens the link in a window of its own and is told the result by `postMessage`
    #[arg(long, value_name = "ORIGIN")]
    origin: Option<String>,
    /// The language of the pages; the browser's where this is not given
    #[arg(long, value_name = "LANG")]
    locale: Option<String>,
    /// Open the link in the browser of this machine: then it is this browser's
    #[arg(long)]
    open: bool,
    #[command(flatten)]
    server: ServerFlags,
}

/// The public token to exchange.
#[derive(Debug, Args)]
pub struct Exchange {
    /// `pub_tkn_…`, or @FILE to read it from a file
    #[arg(value_parser = parse_token)]
    public_token: GivenToken,
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
            Link::Exchange(exchange) => exchange.run(output).await,
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
            origin: self.origin.clone(),
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
        if self.connection.is_none() && self.redirect_url.is_none() && self.origin.is_none() {
            output.note(
                "nobody will be given the connection's token (there is neither --redirect-url nor --origin): \
                 `passthrough connection rotate-token ID` makes one",
            );
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

impl Exchange {
    async fn run(&self, output: &Output) -> Result<Exit> {
        let token = self.public_token.read("PUBLIC_TOKEN", "PUBLIC_TOKEN")?;
        let linked = self.server.client(output)?.exchange_public_token(&token).await?;
        if output.is_json() {
            output.json(&linked)?;
            return Ok(Exit::Done);
        }
        let LinkedConnection { connection, token } = linked;
        match token {
            Some(token) => {
                show_with_token(output, &ConnectionWithToken { connection, token, verification: None })?
            }
            None => {
                show(output, &connection)?;
                output.note(
                    "it was there before and keeps its token; if nobody has that, \
                     `passthrough connection rotate-token` makes another",
                );
            }
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
