//! Lists come in pages: which one is asked for, and how to get the next.

use clap::Args;

use crate::output::Output;

/// Which page of a list.
#[derive(Debug, Args)]
pub(crate) struct Paging {
    /// At most this many
    #[arg(long, default_value_t = 50, value_parser = clap::value_parser!(u32).range(1..=500))]
    pub limit: u32,
    /// Go on where a list ended: the cursor that it printed
    #[arg(long)]
    pub cursor: Option<String>,
}

/// Says how to see the rest, where there is one.
pub(crate) fn tell_next(output: &Output, next: Option<String>) {
    if let Some(next) = next {
        output.note(format!("there are more: --cursor {next}"));
    }
}
