//! Where the server's log goes: standard error, one line per event.

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use tracing_subscriber::EnvFilter;

/// The form of log lines.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// Flags of commands that log.
#[derive(Debug, Args)]
pub struct LogFlags {
    /// What to log: `error`, `warn`, `info`, `debug`, or a filter such as `info,passthrough_server=debug`
    #[arg(long, value_name = "FILTER", env = "PASSTHROUGH_LOG", help_heading = "Logging")]
    log: Option<String>,
    /// The form of log lines
    #[arg(
        long,
        value_enum,
        default_value_t = LogFormat::Text,
        env = "PASSTHROUGH_LOG_FORMAT",
        help_heading = "Logging"
    )]
    log_format: LogFormat,
    /// The filter as other Rust programs read it; `--log` wins.
    #[arg(long, env = "RUST_LOG", hide = true)]
    rust_log: Option<String>,
}

impl LogFlags {
    /// Begins to log. `usual` is the filter where none is given.
    pub fn start(&self, usual: &str) -> Result<()> {
        let filter = self.log.as_deref().or(self.rust_log.as_deref()).unwrap_or(usual);
        let filter = EnvFilter::try_new(filter).with_context(|| format!("`{filter}` is no log filter"))?;
        let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
        let started = match self.log_format {
            LogFormat::Text => {
                lines.with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr())).try_init()
            }
            LogFormat::Json => lines.json().flatten_event(true).try_init(),
        };
        started.map_err(|error| anyhow::anyhow!("cannot start logging: {error}"))
    }
}
