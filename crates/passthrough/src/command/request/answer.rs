//! A streamed answer on its way out: to standard output or to a file, byte for byte.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::Path;

use anyhow::{Context, Result};
use passthrough_client::Response;

use super::progress::Progress;
use crate::output::Output;

/// Writes the head to standard output where it is asked for, and the body to `out` or to standard output: byte for
/// byte, but that on a terminal a body without a line break at its end gets one.
pub(super) async fn print(
    mut answer: Response,
    include: bool,
    out: Option<&Path>,
    output: &Output,
) -> Result<()> {
    if include {
        head(&answer)?;
    }
    // On a terminal, a bar would be drawn into the body.
    let shows = output.shows_progress() && (out.is_some() || !io::stdout().is_terminal());
    let mut progress = Progress::new("receiving", answer.content_length(), shows);
    let mut sink: Box<dyn Write + Send> = match out {
        Some(path) => {
            Box::new(File::create(path).with_context(|| format!("cannot write {}", path.display()))?)
        }
        None => Box::new(io::stdout()),
    };
    let is_seen = out.is_none() && io::stdout().is_terminal();
    let mut last = b'\n';
    while let Some(bytes) = answer.chunk().await? {
        last = bytes.last().copied().unwrap_or(last);
        sink.write_all(&bytes)?;
        // What arrives piece by piece, such as events, is to be seen piece by piece.
        sink.flush()?;
        progress.advance(u64::try_from(bytes.len()).unwrap_or_default());
    }
    if is_seen && last != b'\n' {
        // On a terminal, what is said next, or the shell's prompt, would go on in the body's last line.
        sink.write_all(b"\n")?;
        sink.flush()?;
    }
    progress.finish();
    Ok(())
}

fn head(answer: &Response) -> Result<()> {
    let mut text = format!("HTTP {}\r\n", answer.status()).into_bytes();
    for (name, value) in answer.headers() {
        text.extend_from_slice(name.as_str().as_bytes());
        text.extend_from_slice(b": ");
        text.extend_from_slice(value.as_bytes());
        text.extend_from_slice(b"\r\n");
    }
    text.extend_from_slice(b"\r\n");
    let mut stdout = io::stdout().lock();
    stdout.write_all(&text)?;
    Ok(stdout.flush()?)
}
