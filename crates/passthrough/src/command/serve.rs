//! `passthrough serve`.

use std::io::IsTerminal;
use std::net::SocketAddr;
use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use passthrough_server::{Config, Overrides, Server, StartError, config};

use crate::exit::{Exit, Hinted};
use crate::local::LocalFlags;
use crate::logging::LogFlags;
use crate::output::Output;
use crate::{open_files, signal, time};

/// What is logged where nobody says.
const USUAL_LOG: &str = "info,sqlx=warn";
/// The way out where the port is taken.
const BUSY: &str = "another program listens there; `--listen 127.0.0.1:0` takes a free port";

/// The server to run.
#[derive(Debug, Args)]
#[command(after_help = "\
The first start makes database, key file and a first API key, which is printed once, alone on standard output;
everything else goes to standard error. SIGTERM and SIGINT let requests in flight finish.

Settings come from the defaults, then --config FILE, then the environment (PASSTHROUGH_LISTEN,
PASSTHROUGH_UPSTREAM__ALLOW, …), then these flags.

Examples:
  passthrough serve
  passthrough serve --listen 127.0.0.1:9000 --data-dir /var/lib/passthrough --providers ./my-providers
  PASSTHROUGH_DATABASE_URL=postgres://… passthrough serve --log-format json
  passthrough serve --print-config > passthrough.toml")]
pub struct Serve {
    /// Address and port to listen on; port 0 takes a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS:PORT", value_parser = parse_listen)]
    listen: Option<SocketAddr>,
    /// A folder of provider files of your own, beside or instead of the built-in ones
    #[arg(long, value_name = "DIR")]
    providers: Option<PathBuf>,
    /// Print all settings with their defaults and explanations, and stop
    #[arg(long)]
    print_config: bool,
    #[command(flatten)]
    local: LocalFlags,
    #[command(flatten)]
    log: LogFlags,
}

impl Serve {
    pub(super) async fn run(&self, output: &Output) -> Result<Exit> {
        if self.print_config {
            output.line(config::DEFAULT.trim_end())?;
            return Ok(Exit::Done);
        }
        let log = self.log.start(USUAL_LOG)?;
        open_files::allow_most();
        let stop = signal::to_stop()?;
        let overrides = Overrides {
            listen: self.listen,
            providers_dir: self.providers.clone(),
            ..self.local.overrides()
        };
        let config = Config::load(&overrides)?;
        let server = bind(config.clone(), BUSY).await?;
        log.flush();
        introduce(&config, &server, output, self.log.is_json()).await?;
        server.run(stop).await;
        Ok(Exit::Done)
    }
}

/// Reads an address to listen on. For `clap`.
pub(super) fn parse_listen(text: &str) -> Result<SocketAddr, String> {
    text.parse().map_err(|_| "write it as ADDRESS:PORT, such as 127.0.0.1:8080".to_owned())
}

/// Binds, with a hint where the address is taken.
pub(super) async fn bind(config: Config, hint: &'static str) -> Result<Server> {
    Server::bind(config).await.map_err(|error: StartError| {
        let is_in_use = error.is_address_in_use();
        match error {
            StartError::Listen { address, .. } if is_in_use => {
                Hinted::new(format!("cannot listen on {address}: it is in use"), hint).into()
            }
            StartError::Expose { address, .. } if is_in_use => {
                let what = format!("cannot serve the metrics on {address}: it is in use");
                Hinted::new(what, "set `metrics.listen` to a port that nothing listens on").into()
            }
            error => anyhow::Error::new(error),
        }
    })
}

/// Says how the start went: in lines of the log's own form, so that whoever collects the log need read only one.
struct Teller<'a> {
    output: &'a Output,
    json: bool,
}

impl Teller<'_> {
    fn note(&self, text: impl AsRef<str>) {
        match self.json {
            true if text.as_ref().is_empty() => {}
            true => self.output.note(json_line("INFO", text.as_ref())),
            false => self.output.note(text),
        }
    }

    fn warning(&self, text: &str) {
        if self.json { self.output.important(json_line("WARN", text)) } else { self.output.warning(text) }
    }

    fn important(&self, text: String) {
        self.output.important(if self.json { json_line("INFO", &text) } else { text });
    }
}

fn json_line(level: &str, text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let timestamp = time::rfc3339(time::now_ms());
    let line = serde_json::json!({
        "timestamp": timestamp, "level": level, "message": words.join(" "), "target": "passthrough::serve"
    });
    line.to_string()
}

async fn introduce(config: &Config, server: &Server, output: &Output, json: bool) -> Result<()> {
    let tell = Teller { output, json };
    tell.note(format!("database   {}", config.database_label()));
    match &config.keyring {
        Some(_) => tell.note("keyring    from the settings"),
        None => tell.note(format!("key file   {}", config.keyring_path().display())),
    }
    if server.made_keyring() {
        tell.note("           made now; without it no credential can be opened again: back it up, apart from the database");
    }
    if let Some(key) = server.first_key() {
        let is_shown = std::io::stdout().is_terminal();
        tell.note(if is_shown {
            "\nfirst API key, of environment `default`; it is shown only now:\n"
        } else {
            "\nfirst API key, of environment `default`, goes to standard output; it is shown only now"
        });
        if output.is_json() {
            output.json_line(&serde_json::json!({"apiKey": key.expose()}))?;
        } else {
            output.line(key.expose())?;
        }
        tell.note("");
    } else if config.first_api_key {
        // Whoever waits for a key, as in `serve > api.key`, must learn why there is none.
        let (keys, folder) = (server.count_api_keys().await?, config.data_dir.display());
        tell.note(format!(
            "no API key is printed, because there is one already ({keys} in all); \
             `passthrough key create NAME --data-dir {folder}` makes another"
        ));
    }
    let address = server.address();
    if !address.ip().is_loopback() {
        tell.warning("callers send keys in clear to this address: put something that speaks TLS before it");
    }
    // The line that scripts wait for, so also where little is said.
    tell.important(format!("listening on http://{address}"));
    Ok(())
}
