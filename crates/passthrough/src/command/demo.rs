//! `passthrough demo`: the whole thing in a minute, on this machine alone.
//!
//! The server is the real one, with its real guard; only loopback is opened, for the provider that runs here.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Args;
use passthrough_client::wire::connection::{ConnectionWithToken, CreateConnection};
use passthrough_client::{Client, PassthroughRequest, PassthroughResponse};
use passthrough_server::installation::Installation;
use passthrough_server::{Clock, Config, Environment, Overrides};
use tokio::sync::oneshot;

use super::serve::{bind, parse_listen};
use crate::exit::Exit;
use crate::logging::LogFlags;
use crate::output::Output;
use crate::signal;

mod provider;
mod tell;

/// The path of the demo's call.
const PATH: &str = "/orders?status=paid";

/// The way out where the port is taken, for both ways in which the demo is started.
const BUSY: &str = "another program listens there; `--listen 127.0.0.1:0` takes a free port \
                    (`make start ARGS=\"--listen 127.0.0.1:0\"`)";

/// The demo.
#[derive(Debug, Args)]
#[command(after_help = "\
Everything stays on this machine. Each run makes a new API key and a new connection; those of earlier runs on the
same data folder go on working. `passthrough serve` has another folder, so this one can be deleted at any time.

Examples:
  passthrough demo
  passthrough demo --listen 127.0.0.1:0 --data-dir /tmp/demo --no-serve")]
pub struct Demo {
    /// Address and port to listen on; port 0 takes a free one
    #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080", value_parser = parse_listen)]
    listen: SocketAddr,
    /// The folder of database and key file
    #[arg(long, value_name = "DIR", default_value = "./demo-data")]
    data_dir: PathBuf,
    /// Stop after the call
    #[arg(long)]
    no_serve: bool,
    #[command(flatten)]
    log: LogFlags,
}

/// What the demo made and saw.
pub(super) struct Story {
    server: String,
    database: String,
    key_file: String,
    provider_file: String,
    folder: String,
    is_first: bool,
    api_key: String,
    connection: ConnectionWithToken,
    answer: PassthroughResponse,
}

impl Demo {
    pub(super) async fn run(&self, output: &Output) -> Result<Exit> {
        let _log = self.log.start("warn")?;
        let stop = signal::to_stop()?;
        let shop = provider::start().await.context("cannot start the demo provider")?;
        let folder = self.data_dir.join("demo-providers");
        let provider_file =
            provider::write_file(&folder, shop).context("cannot write the demo's provider file")?;
        let config = self.config(folder)?;
        let server = bind(config.clone(), BUSY).await?;
        let (url, is_first) = (url_of(server.address()), server.made_keyring());
        let (end, ended) = oneshot::channel::<()>();
        let serving = tokio::spawn(server.run(async {
            let _ = ended.await;
        }));
        let api_key = api_key(&config).await?;
        let (connection, answer) = first_call(&url, &api_key).await?;
        let story = Story {
            server: url,
            database: config.database_label(),
            key_file: config.keyring_path().display().to_string(),
            provider_file: provider_file.display().to_string(),
            folder: self.data_dir.display().to_string(),
            is_first,
            api_key,
            connection,
            answer,
        };
        tell::tell(&story, !self.no_serve, output)?;
        if !self.no_serve {
            stop.await;
        }
        drop(end);
        serving.await?;
        Ok(Exit::Done)
    }

    fn config(&self, providers_dir: PathBuf) -> Result<Config> {
        let overrides = Overrides {
            listen: Some(self.listen),
            data_dir: Some(self.data_dir.clone()),
            providers_dir: Some(providers_dir),
            ..Overrides::default()
        };
        let mut config = Config::load(&overrides)?;
        // The demo is the embedded default, whatever else this machine is set up for.
        config.database_url = None;
        config.keyring = None;
        config.first_api_key = false;
        let shop = "127.0.0.1/32";
        config.upstream.address_policy.allow.push(shop.parse()?);
        config.upstream.address_policy.allow_http.push(shop.parse()?);
        Ok(config)
    }
}

/// Where this machine reaches an address that the server listens on.
fn url_of(address: SocketAddr) -> String {
    let ip = if address.ip().is_unspecified() { IpAddr::V4(Ipv4Addr::LOCALHOST) } else { address.ip() };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

async fn api_key(config: &Config) -> Result<String> {
    let installation = Installation::open(config, Clock::System).await?;
    let environment: Environment = Environment::DEFAULT.parse()?;
    let (_, token) = installation.create_api_key(&environment, "demo", None).await?;
    Ok(token.expose())
}

/// What an application does: store its customer's credential once, then call with the token.
async fn first_call(url: &str, api_key: &str) -> Result<(ConnectionWithToken, PassthroughResponse)> {
    let client = Client::builder(url).api_key(api_key.into()).allow_plain_http(true).build()?;
    let mut request = CreateConnection {
        provider: Some(provider::CODE.to_owned()),
        external_id: Some("customer-1".to_owned()),
        verify: true,
        ..CreateConnection::default()
    };
    request.credentials.insert("api_key".to_owned(), provider::KEY.into());
    let connection = client.create_connection(&request).await?;
    let account = client.connection(connection.token.as_str().into());
    let answer = account.request(&PassthroughRequest::get(PATH)).await?;
    anyhow::ensure!(answer.is_success(), "the demo provider answered {}", answer.status_code);
    Ok((connection, answer))
}
