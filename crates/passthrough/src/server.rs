//! Commands on a running server: where it is, and the API key for it.

use crate::exit::Hinted;
use crate::output::Output;
use crate::secret::{GivenToken, parse_token};
use anyhow::Result;
use clap::Args;
use passthrough_client::{Client, Error, RetryConfig};

/// Where an API key is given.
pub const API_KEY_FLAG: &str = "--api-key";
/// Where else.
pub const API_KEY_VARIABLE: &str = "PASSTHROUGH_API_KEY";

/// Refuses a URL without a scheme, with the one that was meant.
pub fn check_scheme(server: &str) -> Result<(), Hinted> {
    if server.contains("://") {
        return Ok(());
    }
    Err(Hinted::usage(
        format!("the server's URL {server} has no scheme"),
        format!("write it as http://{server}"),
    ))
}

/// Which server.
#[derive(Debug, Clone, Args)]
pub struct ServerFlags {
    /// Where the server is
    #[arg(
        long,
        value_name = "URL",
        env = "PASSTHROUGH_SERVER_URL",
        default_value = "http://127.0.0.1:8080",
        help_heading = "Server"
    )]
    pub server: String,
    /// The API key, or @FILE to read it from a file
    #[arg(
        long,
        value_name = "KEY",
        env = "PASSTHROUGH_API_KEY",
        hide_env_values = true,
        value_parser = parse_token,
        help_heading = "Server"
    )]
    pub api_key: Option<GivenToken>,
}

impl ServerFlags {
    /// A client with the API key.
    pub fn client(&self, output: &Output) -> Result<Client> {
        let api_key = self.api_key.as_ref().ok_or_else(|| {
            Hinted::usage(
                "no API key was given",
                "set PASSTHROUGH_API_KEY or use --api-key; `passthrough key create NAME` makes one",
            )
        })?;
        let api_key = api_key.read(API_KEY_FLAG, API_KEY_VARIABLE)?;
        check_scheme(&self.server)?;
        // Whoever types a command, or looks at its exit status, is told at once what failed.
        let builder = |allow| {
            let builder = Client::builder(&self.server).api_key(api_key.clone()).allow_plain_http(allow);
            builder.retries(RetryConfig::none()).build()
        };
        // Networks of containers use plain http between machines; whoever types it there may, but knows it.
        match builder(false) {
            Err(Error::ServerUrl(_)) => {
                let client = builder(true)?;
                output.warning(format!(
                    "{} is plain http: API key and bodies travel in clear",
                    client.origin()
                ));
                Ok(client)
            }
            built => Ok(built?),
        }
    }
}
