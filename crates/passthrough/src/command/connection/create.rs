//! `passthrough connection create`: from flags, from questions on a terminal, or from a JSON file.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Args;
use passthrough_client::Client;
use passthrough_client::wire::connection::{ConnectionWithToken, CreateConnection};
use passthrough_client::wire::error::ErrorCode;
use passthrough_client::wire::provider::Provider as WireProvider;
use secrecy::ExposeSecret;

use super::credential::{Given, Source, parse_given};
use super::{prompt, show};
use crate::exit::{self, Exit, Hinted};
use crate::output::Output;
use crate::secret;
use crate::server::ServerFlags;

/// The connection to make.
#[derive(Debug, Args)]
#[command(after_help = "\
A command line can be read by everybody on the machine, so give secrets as a file (NAME=@FILE), on standard
input (NAME=-), or leave them out and be asked. On a terminal it asks for the provider, for the fields of its
credential and for its variables, as far as they are not given; never for --external-id, --name and --tag. The
connection token is printed once; with --quiet it is printed
alone. A file for --from holds the JSON of `POST /v1/connections`.

Examples:
  passthrough connection create                    asks for provider, credential and variables
  passthrough connection create --provider stripe --credential api_key=@stripe.key --verify
  pass show acme | passthrough connection create --provider custom --auth bearer --credential token=- \\
      --variable base_url=https://api.acme.example --external-id customer-42
  passthrough connection create --from connection.json --quiet > token")]
pub struct Create {
    /// The provider's code
    #[arg(long, value_name = "CODE")]
    provider: Option<String>,
    /// The integration's key, instead of a provider
    #[arg(long, value_name = "KEY", conflicts_with = "provider")]
    integration: Option<String>,
    /// The auth entry, where the provider has several and the credential does not tell
    #[arg(long, value_name = "NAME")]
    auth: Option<String>,
    /// A field of the credential: NAME=@FILE, NAME=- for standard input, or NAME=VALUE
    #[arg(long, value_name = "NAME=@FILE", value_parser = parse_given)]
    credential: Vec<Given>,
    /// A variable of the provider
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_given)]
    variable: Vec<Given>,
    /// The end user's id in your product
    #[arg(long, value_name = "ID")]
    external_id: Option<String>,
    /// Your own name for it
    #[arg(long)]
    name: Option<String>,
    /// A free label; may be given more than once
    #[arg(long)]
    tag: Vec<String>,
    /// Ask the provider first, and store nothing that it refuses
    #[arg(long)]
    verify: bool,
    /// Read all of it from a JSON file, or from standard input (-)
    #[arg(
        long,
        value_name = "FILE",
        conflicts_with_all = ["provider", "integration", "auth", "credential", "variable", "external_id", "name", "tag"]
    )]
    from: Option<PathBuf>,
    /// Never ask anything
    #[arg(long)]
    no_input: bool,
    #[command(flatten)]
    server: ServerFlags,
}

impl Create {
    pub(super) async fn run(&self, output: &Output) -> Result<Exit> {
        let client = self.server.client(output)?;
        let request = match &self.from {
            Some(path) => self.read_file(path)?,
            None => {
                let (request, asked) = self.read_flags(&client, output).await?;
                let created = self.send(&client, request, asked, output).await?;
                show_with_token(output, &created)?;
                return Ok(Exit::Done);
            }
        };
        let created = client.create_connection(&request).await?;
        show_with_token(output, &created)?;
        Ok(Exit::Done)
    }

    fn read_file(&self, path: &Path) -> Result<CreateConnection> {
        let is_standard_input = path.as_os_str() == "-";
        let text = if is_standard_input { secret::from_standard_input() } else { secret::from_file(path) };
        let text = text.map_err(anyhow::Error::msg)?;
        let name = if is_standard_input { "standard input".into() } else { path.to_string_lossy() };
        let parsed = CreateConnection::parse(text.expose_secret().as_bytes());
        let mut request = parsed.map_err(|errors| {
            let lines = errors.into_iter().map(|error| match error.path.as_str() {
                "" => error.message,
                path => format!("{path}: {}", error.message),
            });
            let lines: Vec<String> = lines.collect();
            Hinted::new(
                format!("{name} is no connection: {}", lines.join("; ")),
                "it holds the JSON of POST /v1/connections, such as \
                 {\"provider\": \"stripe\", \"credentials\": {\"api_key\": \"…\"}}",
            )
        })?;
        request.verify |= self.verify;
        Ok(request)
    }

    /// Makes the connection. What was typed and is refused is asked again, and nothing else.
    async fn send(
        &self,
        client: &Client,
        mut request: CreateConnection,
        asked: Option<WireProvider>,
        output: &Output,
    ) -> Result<ConnectionWithToken> {
        let is_given =
            |name: &str| self.credential.iter().chain(&self.variable).any(|given| given.name == name);
        loop {
            let error = match client.create_connection(&request).await {
                Ok(created) => return Ok(created),
                Err(error) => error,
            };
            let Some(provider) = &asked else { return Err(error.into()) };
            let refused = prompt::refused(&error, provider, &request, is_given);
            if refused.is_empty() {
                return Err(error.into());
            }
            exit::report(output, &error.into());
            for name in &refused {
                request.credentials.shift_remove(name);
                request.variables.shift_remove(name);
            }
            tokio::task::block_in_place(|| prompt::complete(provider, &mut request, Some(&refused)))?;
        }
    }

    /// The request, and its provider where anything was asked.
    async fn read_flags(
        &self,
        client: &Client,
        output: &Output,
    ) -> Result<(CreateConnection, Option<WireProvider>)> {
        let mut request = self.given()?;
        if request.integration.is_some() {
            self.warn(None, output);
            return Ok((request, None));
        }
        let asks = prompt::is_possible() && !self.no_input;
        if request.provider.is_none() {
            if !asks {
                return Err(Hinted::usage(
                    "say which provider it is: --provider CODE",
                    "`passthrough provider list` shows all; `custom` reaches any API",
                )
                .into());
            }
            let provider = self.ask_provider(client, output).await?;
            request.provider = Some(provider.code.clone());
            return self.complete(provider, request, output);
        }
        if let (true, Some(code)) = (asks, &request.provider) {
            return self.complete(client.get_provider(code).await?, request, output);
        }
        // Only for the warning; what is wrong with it is said when the connection is made.
        let here = self.credential.iter().any(|given| matches!(given.source, Source::Here(_)));
        let provider = match &request.provider {
            Some(code) if here => client.get_provider(code).await.ok(),
            _ => None,
        };
        self.warn(provider.as_ref(), output);
        Ok((request, None))
    }

    /// Asks until the server knows the provider; its refusal names the nearest one.
    async fn ask_provider(&self, client: &Client, output: &Output) -> Result<WireProvider> {
        output.note("`passthrough provider list` shows all providers; `custom` reaches any API");
        loop {
            // The terminal blocks; nothing else runs here that would mind.
            let code = tokio::task::block_in_place(prompt::provider)?;
            match client.get_provider(code.trim()).await {
                Err(error) if error.code() == Some(ErrorCode::NotFound) => {
                    output.warning(
                        error.api().map_or_else(|| error.to_string(), |api| api.body.message.clone()),
                    );
                }
                found => return Ok(found?),
            }
        }
    }

    fn complete(
        &self,
        provider: WireProvider,
        mut request: CreateConnection,
        output: &Output,
    ) -> Result<(CreateConnection, Option<WireProvider>)> {
        self.warn(Some(&provider), output);
        if !prompt::is_incomplete(&provider, &request) {
            return Ok((request, None));
        }
        tokio::task::block_in_place(|| prompt::complete(&provider, &mut request, None))?;
        Ok((request, Some(provider)))
    }

    /// Warns of secrets on the command line. Where the provider is not known, every field may be one.
    fn warn(&self, provider: Option<&WireProvider>, output: &Output) {
        let is_open = |name: &str| {
            let mut fields =
                provider.into_iter().flat_map(|p| p.auth.values()).filter_map(|a| a.fields.get(name));
            let first = fields.next();
            first.is_some_and(|field| !field.secret) && fields.all(|field| !field.secret)
        };
        for given in self.credential.iter().filter(|given| matches!(given.source, Source::Here(_))) {
            let name = &given.name;
            if !is_open(name) {
                output.warning(format!(
                    "{name} is on the command line, where others can read it; {name}=@FILE is safe"
                ));
            }
        }
    }

    /// What the flags say.
    fn given(&self) -> Result<CreateConnection> {
        let given = || self.credential.iter().chain(&self.variable);
        if given().filter(|given| matches!(given.source, Source::StandardInput)).count() > 1 {
            return Err(Hinted::usage(
                "standard input can hold one value only",
                "give the others as NAME=@FILE",
            )
            .into());
        }
        let mut request = CreateConnection {
            provider: self.provider.clone(),
            integration: self.integration.clone(),
            auth: self.auth.clone(),
            external_id: self.external_id.clone(),
            name: self.name.clone(),
            tags: self.tag.clone(),
            verify: self.verify,
            ..CreateConnection::default()
        };
        for (given, into) in
            [(&self.credential, &mut request.credentials), (&self.variable, &mut request.variables)]
        {
            for one in given {
                let value = one
                    .read()
                    .map_err(anyhow::Error::msg)
                    .with_context(|| format!("value of {}", one.name))?;
                into.insert(one.name.clone(), value);
            }
        }
        Ok(request)
    }
}

/// A connection and its token, which will never be shown again.
pub(in crate::command) fn show_with_token(output: &Output, created: &ConnectionWithToken) -> Result<()> {
    if output.is_json() {
        return output.json(created);
    }
    if output.quiet {
        return output.line(&created.token);
    }
    show(output, &created.connection)?;
    output.line(format!("{:<12} {}", "token", created.token))?;
    output.note("the token is shown only now: keep it where your application finds it");
    Ok(())
}
