//! `passthrough`: the program. It reads the command line, and calls the server library or the SDK.
//!
//! No rule of the domain is decided here: what a command does to a running server it does through the same API as
//! everybody else, what it does to a data folder it does through the server library.

mod cli;
mod command;
mod core_dumps;
mod exit;
mod local;
mod logging;
mod open_files;
mod output;
mod paging;
mod pair;
mod secret;
mod server;
mod signal;
mod terminal;
mod time;

use std::process::ExitCode;

use crate::exit::Exit;

#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    let cli = match cli::read(std::env::args_os()) {
        Ok(cli) => cli,
        Err(exit) => return exit.into(),
    };
    let output = cli.global.output();
    core_dumps::forbid();
    let runtime = match tokio::runtime::Builder::new_multi_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => return exit::report(&output, &anyhow::Error::new(error)).into(),
    };
    let ended = runtime.block_on(async { Box::pin(command::run(cli.command, &output)).await });
    // Whatever still runs, such as a read from a terminal, must not hold the program up.
    runtime.shutdown_background();
    ended.unwrap_or_else(|error| exit::report(&output, &error)).into()
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        ExitCode::from(exit as u8)
    }
}
