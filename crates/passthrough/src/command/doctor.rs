//! `passthrough doctor`: looks at an installation and changes nothing.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use anyhow::Result;
use clap::Args;
use passthrough_client::wire::error::ErrorCode;
use passthrough_client::{Client, ProviderFilter, RetryConfig};
use passthrough_server::catalog::Catalog;
use passthrough_server::installation::{self, DATABASE_FILE, Installation};
use passthrough_server::{Clock, Config, Overrides};
use secrecy::SecretString;
use serde::Serialize;

use crate::exit::{Exit, Hinted};
use crate::local::LocalFlags;
use crate::output::Output;
use crate::secret::{GivenToken, parse_token};
use crate::server::{API_KEY_FLAG, API_KEY_VARIABLE, check_scheme};
use crate::{core_dumps, time};

/// 2025-01-01: this program is younger.
const EARLIEST_MS: i64 = 1_735_689_600_000;
/// Clocks of file servers may differ by this much.
const SKEW_MS: i64 = 300_000;

/// What to look at.
#[derive(Debug, Args)]
#[command(after_help = "\
Every line is ok, warn or fail, with a hint; exits 1 when anything fails. Nothing is changed or made.

Examples:
  passthrough doctor --data-dir /var/lib/passthrough
  passthrough doctor --server https://passthrough.example --output json")]
pub struct Doctor {
    #[command(flatten)]
    local: LocalFlags,
    /// A folder of provider files of your own, as for `passthrough serve`
    #[arg(long, value_name = "DIR", help_heading = "Installation")]
    providers: Option<PathBuf>,
    /// Ask this server, too
    #[arg(long, value_name = "URL", env = "PASSTHROUGH_SERVER_URL", help_heading = "Server")]
    server: Option<String>,
    /// An API key to try there, or @FILE
    #[arg(
        long,
        value_name = "KEY",
        env = "PASSTHROUGH_API_KEY",
        hide_env_values = true,
        value_parser = parse_token,
        help_heading = "Server"
    )]
    api_key: Option<GivenToken>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Ok,
    Warn,
    Fail,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Finding {
    what: &'static str,
    state: State,
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    hint: Option<&'static str>,
}

impl Finding {
    fn ok(what: &'static str, message: impl Into<String>) -> Self {
        Self { what, state: State::Ok, message: message.into(), hint: None }
    }

    fn warn(what: &'static str, message: impl Into<String>, hint: &'static str) -> Self {
        Self { what, state: State::Warn, message: message.into(), hint: Some(hint) }
    }

    fn fail(what: &'static str, message: impl Into<String>, hint: &'static str) -> Self {
        Self { what, state: State::Fail, message: message.into(), hint: Some(hint) }
    }
}

impl Doctor {
    pub(super) async fn run(&self, output: &Output) -> Result<Exit> {
        let mut findings = Vec::new();
        let overrides = Overrides { providers_dir: self.providers.clone(), ..self.local.overrides() };
        match Config::load(&overrides) {
            Ok(config) => {
                findings.push(Finding::ok("settings", "can be read"));
                self.look_at_installation(&config, &mut findings).await;
            }
            Err(error) => findings.push(Finding::fail(
                "settings",
                format!("{:#}", anyhow::Error::new(error)),
                "`passthrough serve --print-config` shows every setting",
            )),
        }
        findings.push(clock());
        findings.push(core_dump());
        if let Some(server) = &self.server {
            findings.push(match self.read_key(server) {
                Ok(key) => look_at_server(server, key).await,
                Err(error) => Finding::fail(
                    "server",
                    error.to_string(),
                    "mend --server or --api-key (or their variables)",
                ),
            });
        }
        print(output, &findings)?;
        let failed = findings.iter().any(|finding| finding.state == State::Fail);
        Ok(if failed { Exit::Failed } else { Exit::Done })
    }

    /// The key to try, once it is clear that somebody can be asked with it.
    fn read_key(&self, server: &str) -> Result<Option<SecretString>, Hinted> {
        check_scheme(server)?;
        self.api_key.as_ref().map(|key| key.read(API_KEY_FLAG, API_KEY_VARIABLE)).transpose()
    }

    async fn look_at_installation(&self, config: &Config, findings: &mut Vec<Finding>) {
        findings.push(data_dir(&config.data_dir));
        let is_new = config.database_url.is_none() && !config.data_dir.join(DATABASE_FILE).exists();
        let key = key_file(config, is_new);
        let database = database(config, is_new).await;
        let both = key.state == State::Ok && database.state == State::Ok;
        findings.extend([key, database]);
        if both {
            findings.push(belonging(config).await);
        }
        findings.push(catalog(config));
    }
}

fn data_dir(path: &Path) -> Finding {
    let (what, shown) = ("data folder", path.display());
    let Ok(metadata) = fs::metadata(path) else {
        return Finding::warn(what, format!("{shown} is not there"), "`passthrough serve` makes it");
    };
    if !metadata.is_dir() {
        return Finding::fail(what, format!("{shown} is no folder"), "name a folder with --data-dir");
    }
    let mode = metadata.mode() & 0o777;
    if mode & 0o077 != 0 {
        let message = format!("{shown} is open to others than its owner (mode {mode:04o})");
        return Finding::warn(what, message, "close it with `chmod 700`");
    }
    Finding::ok(what, format!("{shown}, for its owner alone"))
}

fn key_file(config: &Config, is_new: bool) -> Finding {
    let what = "key file";
    let path = config.keyring_path();
    if config.keyring.is_none() && !path.exists() {
        let message = format!("{} is not there", path.display());
        if is_new {
            return Finding::warn(what, message, "the first start makes it");
        }
        return Finding::fail(what, message, "put it back from its backup: nothing opens without it");
    }
    match installation::check_keyring(config) {
        Ok(keys) => Finding::ok(what, format!("{} with {keys} key(s)", path.display())),
        Err(error) => Finding::fail(what, error.to_string(), "the message says what to mend"),
    }
}

async fn database(config: &Config, is_new: bool) -> Finding {
    let (what, place) = ("database", config.database_label());
    if is_new {
        return Finding::warn(what, format!("{place} is not there"), "the first start makes it");
    }
    match installation::migrations(config).await {
        Ok(migrations) if migrations.pending.is_empty() => Finding::ok(what, format!("{place}, up to date")),
        Ok(migrations) => {
            let message = format!("{place} lacks {} migration(s)", migrations.pending.len());
            Finding::warn(
                what,
                message,
                "`passthrough migrate`, or the next start of the server, applies them",
            )
        }
        Err(error) => Finding::fail(
            what,
            format!("{place}: {error}"),
            "is it running, and do address and password fit?",
        ),
    }
}

/// Whether key file and database belong together. Both are there, so opening makes nothing.
async fn belonging(config: &Config) -> Finding {
    match Installation::open(config, Clock::System).await {
        Ok(_) => Finding::ok("sealed values", "the key file belongs to this database"),
        Err(error) => {
            Finding::fail("sealed values", error.to_string(), "bring key file and database of one backup")
        }
    }
}

fn catalog(config: &Config) -> Finding {
    match Catalog::load(config.providers_dir.as_deref()) {
        Ok(catalog) => Finding::ok("catalog", format!("{} providers", catalog.iter().count())),
        Err(error) => {
            Finding::fail("catalog", error.to_string(), "`passthrough provider check FILE` checks one file")
        }
    }
}

fn clock() -> Finding {
    let now = time::now_ms();
    let message = time::rfc3339(now);
    if now < EARLIEST_MS {
        let hint = "set it: certificates, expiries and signatures of requests all depend on it";
        return Finding::fail("clock", format!("{message} cannot be"), hint);
    }
    // A file made just now by this machine's own reckoning shows a clock that went back.
    let newest = fs::metadata(std::env::temp_dir()).map(|metadata| metadata.mtime().saturating_mul(1000));
    match newest {
        Ok(newest) if newest > now + SKEW_MS => Finding::warn(
            "clock",
            format!("{message}, but files are from {}", time::rfc3339(newest)),
            "the clock seems to have gone back: is it synchronised?",
        ),
        _ => Finding::ok("clock", message),
    }
}

fn core_dump() -> Finding {
    if core_dumps::are_forbidden() {
        return Finding::ok("core dumps", "are off for this program");
    }
    Finding::warn(
        "core dumps",
        "could not be switched off",
        "they would hold opened credentials: `ulimit -c 0`",
    )
}

async fn look_at_server(url: &str, api_key: Option<SecretString>) -> Finding {
    let what = "server";
    let builder = Client::builder(url).allow_plain_http(true).retries(RetryConfig::none());
    let has_key = api_key.is_some();
    let client = match api_key {
        Some(key) => builder.api_key(key).build(),
        None => builder.build(),
    };
    let asked = async {
        let client = client?;
        client.health().await?;
        let ready = client.ready().await?;
        if has_key {
            client.list_providers(&ProviderFilter::default()).await?;
        }
        Ok::<bool, passthrough_client::Error>(ready)
    };
    match asked.await {
        Ok(true) if has_key => Finding::ok(what, format!("{url} is ready and accepts the API key")),
        Ok(true) => Finding::ok(what, format!("{url} is ready")),
        Ok(false) => {
            Finding::fail(what, format!("{url} lives, but is not ready"), "is its database reachable?")
        }
        Err(error) => {
            let hint = match error.code() {
                Some(ErrorCode::Unauthorized) => {
                    "it runs, but the API key is not one of its own: `passthrough key create NAME` makes one"
                }
                Some(_) => "it runs; the message says what is wrong",
                None => "is it running? `passthrough serve` starts one",
            };
            Finding::fail(what, format!("{url}: {error}"), hint)
        }
    }
}

fn print(output: &Output, findings: &[Finding]) -> Result<()> {
    if output.is_json() {
        return output.json(&findings);
    }
    for finding in findings {
        let word = match finding.state {
            State::Ok => "ok  ",
            State::Warn => "warn",
            State::Fail => "fail",
        };
        if output.quiet && finding.state == State::Ok {
            continue;
        }
        output.line(format!("{word}  {:<14} {}", finding.what, finding.message))?;
        if let Some(hint) = finding.hint {
            output.line(format!("      {:<14} hint: {hint}", ""))?;
        }
    }
    Ok(())
}
