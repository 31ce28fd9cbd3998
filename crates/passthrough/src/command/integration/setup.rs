//! `passthrough integration create` and `update`: what an integration is made of.

use anyhow::{Context, Result};
use clap::Args;
use indexmap::IndexMap;
use passthrough_client::wire::integration::{CreateIntegration, PatchIntegration};
use passthrough_client::wire::words::REDACTIONS;
use secrecy::{ExposeSecret, SecretString};

use super::{One, show};
use crate::command::connection::credential::{Given, Source, parse_given};
use crate::exit::{Exit, Hinted};
use crate::output::Output;
use crate::pair;
use crate::secret;
use crate::server::ServerFlags;

/// What can be said of an integration.
#[derive(Debug, Args)]
pub struct Parts {
    /// Your own name for it; users see it where several stand to choose from
    #[arg(long)]
    name: Option<String>,
    /// The OAuth client's id
    #[arg(long, value_name = "ID")]
    client_id: Option<String>,
    /// The OAuth client's secret: @FILE, or - for standard input
    #[arg(long, value_name = "@FILE")]
    client_secret: Option<String>,
    /// A private key in PEM, by which the client shows who it is: @FILE, or -
    #[arg(long, value_name = "@FILE")]
    private_key: Option<String>,
    /// The private key's id at the provider
    #[arg(long, value_name = "ID")]
    private_key_id: Option<String>,
    /// A scope to ask for in place of the provider's usual ones; may be given more than once
    #[arg(long, value_name = "SCOPE")]
    scope: Vec<String>,
    /// A further parameter of the page where users consent
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair::parse)]
    authorize_param: Vec<(String, String)>,
    /// A host that variables of its connections may name, or a domain that begins with a dot
    #[arg(long, value_name = "HOST")]
    allow_host: Vec<String>,
    /// Where an echoed credential is masked
    #[arg(long, value_parser = REDACTIONS)]
    redact_reflections: Option<String>,
    /// A variable that is the same for all of its connections: users are not asked and cannot change it
    #[arg(long, value_name = "NAME=VALUE", value_parser = parse_given)]
    variable: Vec<Given>,
}

/// The integration to make.
#[derive(Debug, Args)]
#[command(after_help = "\
A command line can be read by everybody on the machine, so give secrets as a file (@FILE) or on standard input (-).
The redirect URI that is printed goes into the provider's developer console.

Examples:
  passthrough integration create --provider hubspot --client-id 7f3c… --client-secret @hubspot.secret
  passthrough integration create --provider github --key github-internal --name 'GitHub (internal)' \\
      --client-id Iv1.… --client-secret @github.secret --scope repo --scope read:org
  passthrough integration create --provider gitlab --client-id … --client-secret @gitlab.secret \\
      --variable host=gitlab.example.com")]
pub struct Create {
    /// The provider's code
    #[arg(long, value_name = "CODE")]
    provider: String,
    /// Its key; the provider's code where absent
    #[arg(long)]
    key: Option<String>,
    #[command(flatten)]
    parts: Parts,
    #[command(flatten)]
    server: ServerFlags,
}

/// The integration to change.
#[derive(Debug, Args)]
#[command(after_help = "\
What is named replaces what was there, scopes, parameters, hosts and variables as a whole. A change that decides where
the client secret can be sent needs the secret, too.

Examples:
  passthrough integration update hubspot --client-secret @new.secret
  passthrough integration update hubspot --scope crm.objects.contacts.read --scope oauth
  passthrough integration update hubspot --clear scopes --clear name")]
pub struct Update {
    #[command(flatten)]
    one: One,
    #[command(flatten)]
    parts: Parts,
    /// Take something away; may be given more than once
    #[arg(long, value_parser = CLEARABLE)]
    clear: Vec<String>,
}

const CLEARABLE: [&str; 10] = [
    "name",
    "client-id",
    "client-secret",
    "private-key",
    "private-key-id",
    "scopes",
    "authorize-params",
    "allow-hosts",
    "redact-reflections",
    "variables",
];

impl Create {
    pub(super) async fn run(&self, output: &Output) -> Result<Exit> {
        let parts = &self.parts;
        parts.check(output)?;
        let request = CreateIntegration {
            key: self.key.clone(),
            provider: self.provider.clone(),
            name: parts.name.clone(),
            client_id: parts.client_id.clone(),
            client_secret: parts.client_secret.as_deref().map(read).transpose()?,
            private_key: parts.private_key.as_deref().map(read).transpose()?,
            private_key_id: parts.private_key_id.clone(),
            scopes: (!parts.scope.is_empty()).then(|| parts.scope.clone()),
            authorize_params: parts.authorize_param.iter().cloned().collect(),
            allow_hosts: parts.allow_host.clone(),
            redact_reflections: parts.redact_reflections.clone(),
            variables: parts.variables()?,
        };
        let made = self.server.client(output)?.create_integration(&request).await?;
        show(output, &made)?;
        if made.client_id.is_some() {
            output.note("register the redirect URI in the provider's developer console");
        }
        Ok(Exit::Done)
    }
}

impl Update {
    pub(super) async fn run(&self, output: &Output) -> Result<Exit> {
        let parts = &self.parts;
        parts.check(output)?;
        let change = PatchIntegration {
            name: self.patch("name", parts.name.clone()),
            client_id: self.patch("client-id", parts.client_id.clone()),
            client_secret: self.patch("client-secret", parts.client_secret.as_deref().map(read).transpose()?),
            private_key: self.patch("private-key", parts.private_key.as_deref().map(read).transpose()?),
            private_key_id: self.patch("private-key-id", parts.private_key_id.clone()),
            scopes: self.patch("scopes", (!parts.scope.is_empty()).then(|| parts.scope.clone())),
            authorize_params: self
                .replace("authorize-params", parts.authorize_param.iter().cloned().collect()),
            allow_hosts: self
                .clears("allow-hosts")
                .then(Vec::new)
                .or_else(|| (!parts.allow_host.is_empty()).then(|| parts.allow_host.clone())),
            redact_reflections: self.patch("redact-reflections", parts.redact_reflections.clone()),
            variables: self.replace("variables", parts.variables()?),
        };
        if change.to_json().expose_secret() == "{}" {
            let hint = "say what: `passthrough integration update --help`";
            return Err(Hinted::usage("nothing is to be changed", hint).into());
        }
        let changed = self.one.server.client(output)?.update_integration(&self.one.key, &change).await?;
        show(output, &changed)?;
        Ok(Exit::Done)
    }

    fn clears(&self, name: &str) -> bool {
        self.clear.iter().any(|cleared| cleared == name)
    }

    /// What is given is set, what is to be cleared is cleared, and the rest stays.
    fn patch<T>(&self, name: &str, given: Option<T>) -> Option<Option<T>> {
        given.map(Some).or_else(|| self.clears(name).then_some(None))
    }

    fn replace<V>(&self, name: &str, given: IndexMap<String, V>) -> Option<IndexMap<String, V>> {
        (!given.is_empty() || self.clears(name)).then_some(given)
    }
}

impl Parts {
    /// Standard input has one value; secrets on a command line are warned of.
    fn check(&self, output: &Output) -> Result<(), Hinted> {
        let secrets = [("--client-secret", &self.client_secret), ("--private-key", &self.private_key)];
        let piped = secrets.iter().filter(|(_, given)| given.as_deref() == Some("-")).count();
        let variables = self.variable.iter().filter(|given| matches!(given.source, Source::StandardInput));
        if piped + variables.count() > 1 {
            return Err(Hinted::usage("standard input can hold one value only", "give the others as @FILE"));
        }
        for (flag, given) in secrets {
            if given.as_deref().is_some_and(|given| given != "-" && !given.starts_with('@')) {
                output.warning(format!(
                    "{flag} is on the command line, where others can read it; @FILE is safe"
                ));
            }
        }
        Ok(())
    }

    fn variables(&self) -> Result<IndexMap<String, SecretString>> {
        let read = |given: &Given| {
            let value = given.read().map_err(anyhow::Error::msg);
            Ok((given.name.clone(), value.with_context(|| format!("value of {}", given.name))?))
        };
        self.variable.iter().map(read).collect()
    }
}

/// The text of @FILE, of standard input, or the text itself.
fn read(given: &str) -> Result<SecretString> {
    let text = match given.strip_prefix('@') {
        Some(path) => secret::from_file(std::path::Path::new(path)),
        None if given == "-" => secret::from_standard_input(),
        None => Ok(given.into()),
    };
    text.map_err(anyhow::Error::msg)
}
