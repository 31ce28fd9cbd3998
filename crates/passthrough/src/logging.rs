//! Where the server's log goes: standard error, one line per event.

mod lines;

use std::io;
use std::panic::PanicHookInfo;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Args, ValueEnum};
use tracing::{Level, Metadata};
use tracing_subscriber::EnvFilter;
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use lines::Lines;

/// How long the end of the program waits for the last lines to be read.
const LAST_LINES: Duration = Duration::from_secs(1);

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
    /// Whether log lines are JSON.
    pub fn is_json(&self) -> bool {
        self.log_format == LogFormat::Json
    }

    /// Begins to log. `usual` is the filter where none is given. The log lives as long as what is given back.
    pub fn start(&self, usual: &str) -> Result<Log> {
        let filter = self.log.as_deref().or(self.rust_log.as_deref()).unwrap_or(usual);
        let filter = EnvFilter::try_new(filter).with_context(|| format!("`{filter}` is no log filter"))?;
        let out =
            Lines::to(io::stderr(), self.log_format.notice()).context("cannot start the log's thread")?;
        let log = Log(out.clone());
        let lines = tracing_subscriber::fmt::layer().with_writer(move || out.clone());
        let registry = tracing_subscriber::registry().with(filter).with(filter_fn(may_be_logged));
        let started = match self.log_format {
            LogFormat::Text => {
                let colours = io::IsTerminal::is_terminal(&io::stderr());
                registry.with(lines.with_ansi(colours)).try_init()
            }
            LogFormat::Json => registry.with(lines.json().flatten_event(true)).try_init(),
        };
        started.map_err(|error| anyhow::anyhow!("cannot start logging: {error}"))?;
        std::panic::set_hook(Box::new(log_panic));
        Ok(log)
    }
}

impl LogFormat {
    /// How lost lines are told.
    fn notice(self) -> fn(u64) -> String {
        match self {
            LogFormat::Text => {
                |dropped| format!("WARN log lines were dropped: nobody read them in time dropped={dropped}")
            }
            LogFormat::Json => |dropped| {
                let message = "log lines were dropped: nobody read them in time";
                serde_json::json!({"level": "WARN", "message": message, "dropped": dropped}).to_string()
            },
        }
    }
}

/// The running log. Dropping it waits a moment for its last lines.
#[must_use]
pub struct Log(Lines);

impl Log {
    /// Waits a moment until what was logged so far is written: what is said next belongs after it.
    pub fn flush(&self) {
        self.0.flush(LAST_LINES);
    }
}

impl Drop for Log {
    fn drop(&mut self) {
        self.flush();
    }
}

/// HTTP and TLS libraries write whole headers at debug level, credentials included. Whatever filter an
/// operator sets at 3 a.m., only our own lines go below `info`.
fn may_be_logged(event: &Metadata<'_>) -> bool {
    *event.level() <= Level::INFO || event.target().starts_with("passthrough")
}

/// Where it happened, but not what it says: a slicing mistake quotes the text that it cut, and that may be
/// a customer's.
fn log_panic(panic: &PanicHookInfo<'_>) {
    let at = panic.location().map(ToString::to_string);
    tracing::error!(at, "a panic: this is a bug of ours");
}
