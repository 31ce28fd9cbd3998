//! How a program is started.

use std::fs;
use std::path::PathBuf;

use super::Program;
use crate::postgres::Postgres;

/// Which database a program uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// The embedded one.
    Sqlite,
    /// A database of its own in a real PostgreSQL.
    Postgres,
}

/// How to start a program.
#[derive(Debug)]
pub struct Setup {
    binary: PathBuf,
    engine: Engine,
    variables: Vec<(String, String)>,
    providers: Vec<(String, String)>,
    ulimit: Option<String>,
}

impl Setup {
    /// A program with loopback opened, as a process of `binary`.
    pub fn new(binary: &str, engine: Engine) -> Self {
        let open = [
            ("PASSTHROUGH_UPSTREAM__ALLOW", "127.0.0.0/8,::1/128"),
            ("PASSTHROUGH_UPSTREAM__ALLOW_HTTP", "127.0.0.0/8,::1/128"),
            ("PASSTHROUGH_FIRST_API_KEY", "false"),
            ("PASSTHROUGH_LOG", "debug"),
            // Whatever can be written to the log is to be searched for secrets.
            ("PASSTHROUGH_LOG__CALLS", "all"),
        ];
        let variables = open.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { binary: binary.into(), engine, variables, providers: Vec::new(), ulimit: None }
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a provider file.
    #[must_use]
    pub fn provider(mut self, code: &str, toml: &str) -> Self {
        self.providers.push((code.to_owned(), toml.to_owned()));
        self
    }

    /// Lets the server have so many files and sockets open, and no more.
    #[must_use]
    pub fn open_files(mut self, most: u32) -> Self {
        self.ulimit = Some(format!("-n {most}"));
        self
    }

    /// Starts the server with so many at first, though it may have more.
    #[must_use]
    pub fn open_files_at_first(mut self, count: u32) -> Self {
        self.ulimit = Some(format!("-S -n {count}"));
        self
    }

    /// Starts it in a new folder with a new database, and makes an API key of the environment `default`.
    ///
    /// # Panics
    /// Where it does not come up.
    pub async fn start(self) -> Program {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let providers = folder.path().join("providers");
        fs::create_dir(&providers).expect("a folder for provider files");
        for (code, toml) in &self.providers {
            fs::write(providers.join(format!("{code}.toml")), toml).expect("a provider file");
        }
        let database_url = match self.engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(Postgres::shared().await.fresh_database().await),
        };
        let mut program = Program {
            binary: self.binary,
            variables: self.variables,
            ulimit: self.ulimit,
            folder,
            database_url,
            child: None,
            url: String::new(),
            key: String::new(),
            secrets: Vec::new(),
        };
        program.key = program.create_key("default");
        program.resume();
        program
    }
}
