//! Commands on an installation of this machine: its settings and its data.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use passthrough_server::Clock;
use passthrough_server::config::{Config, Overrides};
use passthrough_server::installation::{DATABASE_FILE, Installation};

use crate::exit::Hinted;

/// Which installation.
#[derive(Debug, Clone, Args)]
pub struct LocalFlags {
    /// The folder of database and key file [default: ./data]
    #[arg(long, value_name = "DIR", help_heading = "Installation")]
    data_dir: Option<PathBuf>,
    /// A PostgreSQL database instead of the embedded one; better as PASSTHROUGH_DATABASE_URL, because it holds a
    /// password
    #[arg(long, value_name = "URL", help_heading = "Installation")]
    database_url: Option<String>,
    /// A file of settings; `passthrough serve --print-config` shows all of them
    #[arg(long, value_name = "FILE", help_heading = "Installation")]
    config: Option<PathBuf>,
}

impl LocalFlags {
    /// What the flags say over file and environment.
    pub fn overrides(&self) -> Overrides {
        Overrides {
            listen: None,
            data_dir: self.data_dir.clone(),
            database_url: self.database_url.clone(),
            config_file: self.config.clone(),
            providers_dir: None,
        }
    }

    /// The settings.
    pub fn config(&self) -> Result<Config> {
        Ok(Config::load(&self.overrides())?)
    }

    /// Opens an installation that is there. To look at nothing must not make something: a mistyped folder would
    /// become a second installation.
    pub async fn open_existing(&self) -> Result<Installation> {
        let config = self.config()?;
        if config.database_url.is_none() && !config.data_dir.join(DATABASE_FILE).exists() {
            let hint =
                "is --data-dir right? the first `passthrough serve` or `passthrough key create` makes it";
            return Err(Hinted::new(format!("{} is not there yet", config.database_label()), hint).into());
        }
        Ok(Installation::open(&config, Clock::System).await?)
    }

    /// Opens the installation; makes one where there is none.
    pub async fn open(&self) -> Result<Installation> {
        Ok(Installation::open(&self.config()?, Clock::System).await?)
    }
}
