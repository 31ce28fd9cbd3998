//! `passthrough provider`: the catalog.

use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::{Args, Subcommand};
use passthrough_client::ProviderFilter;
use passthrough_server::catalog::{self, Catalog};
use passthrough_server::config::{Config, Overrides};
use passthrough_wire::provider::{Auth, Field, Provider as WireProvider, ProviderSummary};

use crate::exit::{Exit, Hinted};
use crate::output::Output;
use crate::server::ServerFlags;

/// What to do with providers.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
Examples:
  passthrough provider list
  passthrough provider show stripe
  passthrough provider check my-providers/acme.toml")]
pub enum Provider {
    /// List the providers of the catalog
    List(List),
    /// Show a provider: its auth entries, what they ask for, its variables
    Show(Show),
    /// Check provider files; says everything that is wrong at once
    Check(Check),
    /// Print the JSON schema of provider files
    #[command(after_help = "Examples:\n  passthrough provider schema > provider.schema.json")]
    Schema,
}

/// Where the catalog is.
#[derive(Debug, Args)]
pub struct CatalogFlags {
    /// A folder of provider files, beside or instead of the built-in ones
    #[arg(long, value_name = "DIR")]
    providers: Option<PathBuf>,
    /// A file of settings that names such a folder
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Ask a running server instead of this machine's files (with PASSTHROUGH_SERVER_URL and PASSTHROUGH_API_KEY)
    #[arg(long, conflicts_with_all = ["providers", "config"])]
    from_server: bool,
    #[command(flatten)]
    server: ServerFlags,
}

/// Which providers to list.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  passthrough provider list
  passthrough provider list telematics
  passthrough provider list --providers ./my-providers --output json")]
pub struct List {
    /// Only those whose code, name or categories hold this text
    text: Option<String>,
    #[command(flatten)]
    catalog: CatalogFlags,
}

/// The provider to show.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  passthrough provider show zendesk
  passthrough provider show acme --providers ./my-providers")]
pub struct Show {
    /// The provider's code
    code: String,
    #[command(flatten)]
    catalog: CatalogFlags,
}

/// The files to check.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  passthrough provider check acme.toml
  passthrough provider check my-providers/*.toml")]
pub struct Check {
    /// Provider files
    #[arg(required = true)]
    files: Vec<PathBuf>,
}

impl Provider {
    pub(super) async fn run(&self, output: &Output) -> Result<Exit> {
        match self {
            Provider::List(list) => list.run(output).await,
            Provider::Show(show) => show.run(output).await,
            Provider::Check(check) => check.run(output),
            Provider::Schema => output.json(&catalog::file_schema()).map(|()| Exit::Done),
        }
    }
}

impl CatalogFlags {
    fn load(&self) -> Result<Catalog> {
        let overrides = Overrides {
            config_file: self.config.clone(),
            providers_dir: self.providers.clone(),
            ..Overrides::default()
        };
        Ok(Catalog::load(Config::load(&overrides)?.providers_dir.as_deref())?)
    }
}

impl List {
    async fn run(&self, output: &Output) -> Result<Exit> {
        let mut providers: Vec<ProviderSummary> = if self.catalog.from_server {
            self.catalog.server.client(output)?.list_providers(&ProviderFilter::default()).await?.results
        } else {
            self.catalog.load()?.iter().map(|provider| ProviderSummary::from(provider.as_ref())).collect()
        };
        if let Some(text) = &self.text {
            providers.retain(|provider| holds(provider, &text.to_lowercase()));
        }
        if output.is_json() {
            output.json(&providers)?;
            return Ok(Exit::Done);
        }
        let row = |provider: ProviderSummary| {
            vec![
                provider.code,
                provider.name,
                provider.auth.join(", "),
                provider.categories.join(", "),
                provider.status,
            ]
        };
        let head = ["code", "name", "auth", "categories", "status"];
        output.table(&head, providers.into_iter().map(row).collect(), "no provider fits")?;
        Ok(Exit::Done)
    }
}

fn holds(provider: &ProviderSummary, text: &str) -> bool {
    let texts = [&provider.code, &provider.name];
    texts.into_iter().chain(&provider.categories).any(|known| known.to_lowercase().contains(text))
}

impl Show {
    async fn run(&self, output: &Output) -> Result<Exit> {
        let provider = if self.catalog.from_server {
            self.catalog.server.client(output)?.get_provider(&self.code).await?
        } else {
            let catalog = self.catalog.load()?;
            let missing = || {
                let near = catalog.nearest(&self.code);
                let near = near.map_or_else(String::new, |near| format!("; did you mean `{near}`?"));
                Hinted::missing(
                    format!("the catalog has no provider `{}`{near}", self.code),
                    "`passthrough provider list` shows all of them; `custom` reaches any API",
                )
            };
            WireProvider::from(catalog.get(&self.code).ok_or_else(missing)?.as_ref())
        };
        if output.is_json() {
            output.json(&provider)?
        } else {
            output.line(describe(&provider))?
        }
        Ok(Exit::Done)
    }
}

impl Check {
    fn run(&self, output: &Output) -> Result<Exit> {
        let mut exit = Exit::Done;
        let mut reports = Vec::new();
        for file in &self.files {
            let problems = match catalog::check_file(file) {
                Ok(_) => Vec::new(),
                Err(problems) => problems.iter().map(ToString::to_string).collect(),
            };
            if !problems.is_empty() {
                exit = Exit::Failed;
            }
            report(output, file, &problems)?;
            reports.push(serde_json::json!({"file": file, "problems": problems}));
        }
        if output.is_json() {
            output.json(&reports)?;
        }
        Ok(exit)
    }
}

fn report(output: &Output, file: &Path, problems: &[String]) -> Result<()> {
    if output.is_json() {
        return Ok(());
    }
    if problems.is_empty() {
        return output.line(format!("{}: ok", file.display()));
    }
    problems.iter().try_for_each(|problem| output.line(format!("{}: {problem}", file.display())))
}

/// A provider as a person wants to read it before making a connection.
fn describe(provider: &WireProvider) -> String {
    let mut lines = vec![format!("{} ({}), {}", provider.name, provider.code, provider.status)];
    lines.push(format!("  base URL  {}", provider.base_url));
    lines.extend(provider.base_urls.iter().map(|(name, url)| format!("  base `{name}`  {url}")));
    lines.extend(provider.docs.iter().map(|docs| format!("  docs      {docs}")));
    if !provider.variables.is_empty() {
        lines.push("\nvariables (--variable NAME=VALUE)".to_owned());
        lines.extend(provider.variables.iter().map(|(name, field)| describe_field(name, field)));
    }
    for (name, auth) in &provider.auth {
        lines.push(describe_auth(name, auth));
    }
    lines.push(format!("\nexample\n  {}", example(provider)));
    lines.join("\n")
}

fn describe_auth(name: &str, auth: &Auth) -> String {
    let mut text = format!("\nauth `{name}`: {}", auth.label);
    if let Some(description) = &auth.description {
        text.push_str(&format!("\n  {description}"));
    }
    for (name, field) in &auth.fields {
        text.push_str(&format!("\n{}", describe_field(name, field)));
    }
    text
}

fn describe_field(name: &str, field: &Field) -> String {
    let mut text = format!("  {name}  {}", field.label);
    let need = if field.required { "" } else { " (optional)" };
    let secret = if field.secret { " (secret)" } else { "" };
    text.push_str(&format!("{need}{secret}"));
    for (word, value) in [("such as", &field.example), ("else", &field.default), ("pattern", &field.pattern)]
    {
        if let Some(value) = value.as_deref().filter(|value| !value.is_empty()) {
            text.push_str(&format!(", {word} {value}"));
        }
    }
    if let Some(values) = &field.values {
        text.push_str(&format!(", one of {}", values.join(", ")));
    }
    if let Some(description) = &field.description {
        text.push_str(&format!("\n      {description}"));
    }
    text
}

/// The command that makes a connection, with secrets from files.
fn example(provider: &WireProvider) -> String {
    let mut command = format!("passthrough connection create --provider {}", provider.code);
    let Some((name, auth)) = provider.auth.first() else { return command };
    if provider.auth.len() > 1 {
        command.push_str(&format!(" --auth {name}"));
    }
    for (name, field) in auth.fields.iter().filter(|(_, field)| field.required) {
        let value = if field.secret { format!("@{name}.txt") } else { name.to_uppercase() };
        command.push_str(&format!(" --credential {name}={value}"));
    }
    for (name, field) in provider.variables.iter().filter(|(_, field)| field.required) {
        command.push_str(&format!(" --variable {name}={}", field.example.as_deref().unwrap_or("VALUE")));
    }
    command
}
