//! `passthrough completions`.

use anyhow::Result;
use clap::{Args, CommandFactory};
use clap_complete::Shell;

use crate::cli::Cli;
use crate::exit::Exit;
use crate::output::Output;

/// The shell.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  passthrough completions bash > ~/.local/share/bash-completion/completions/passthrough
  passthrough completions zsh > ~/.zfunc/_passthrough
  passthrough completions fish > ~/.config/fish/completions/passthrough.fish")]
pub struct Completions {
    /// The shell to write for
    shell: Shell,
}

impl Completions {
    pub(super) fn run(&self, output: &Output) -> Result<Exit> {
        let mut script = Vec::new();
        clap_complete::generate(self.shell, &mut Cli::command(), "passthrough", &mut script);
        output.line(String::from_utf8_lossy(&script).trim_end())?;
        Ok(Exit::Done)
    }
}
