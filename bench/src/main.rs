//! `passthrough-bench`: Passthrough beside nginx (and HAProxy) on the same work, in the same minutes.
//!
//! Nothing of Passthrough is linked here: it is started as the program that users start. Every number that is
//! printed was measured in this run.

use std::process::ExitCode;

mod arguments;
mod error;
mod load;
mod machine;
mod measure;
mod plot;
mod process;
mod profile;
mod report;
mod rows;
mod stage;
mod upstream;

use arguments::Command;

fn main() -> ExitCode {
    let outcome = match arguments::parse(std::env::args().skip(1)) {
        Ok(Command::Compare(options)) => rows::compare(&options),
        Ok(Command::Profile(options)) => profile::profile(&options),
        Ok(Command::Upstream(port)) => upstream::serve(port),
        Ok(Command::Help) => {
            println!("{}", arguments::HELP);
            Ok(())
        }
        Err(message) => {
            eprintln!("error: {message}\nhint: passthrough-bench --help");
            return ExitCode::from(2);
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}
