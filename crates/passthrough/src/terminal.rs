//! The terminal, put back as it was when somebody breaks a question off.
//!
//! A hidden question switches the echo off; a process that just dies of Ctrl-C would leave the shell without it.

use std::sync::OnceLock;

use anyhow::Result;
use dialoguer::console::Term;
use rustix::termios::{OptionalActions, Termios, tcgetattr, tcsetattr};
use tokio::signal::unix::{SignalKind, signal};

/// As shells count a process that died of SIGINT: 128 + 2.
pub const INTERRUPTED: i32 = 130;
/// Of SIGTERM: 128 + 15.
const TERMINATED: i32 = 143;

/// How the terminal was before the first question.
static BEFORE: OnceLock<Option<Termios>> = OnceLock::new();

/// From now on, SIGINT and SIGTERM put the terminal back before they end the process.
pub fn restore_when_interrupted() -> Result<()> {
    if BEFORE.get().is_some() {
        return Ok(());
    }
    let (mut interrupt, mut terminate) = (signal(SignalKind::interrupt())?, signal(SignalKind::terminate())?);
    BEFORE.get_or_init(|| tcgetattr(std::io::stdin()).ok());
    // It outlives the question: once caught, these signals no longer end the process by themselves.
    tokio::spawn(async move {
        tokio::select! {
            _ = interrupt.recv() => leave(INTERRUPTED),
            _ = terminate.recv() => leave(TERMINATED),
        }
    });
    Ok(())
}

/// Puts the terminal back and ends the process. The question blocks its thread, so nothing else could.
pub fn leave(code: i32) -> ! {
    if let Some(Some(before)) = BEFORE.get() {
        let _ = tcsetattr(std::io::stdin(), OptionalActions::Now, before);
    }
    let terminal = Term::stderr();
    let _ = terminal.show_cursor();
    let _ = terminal.write_line("");
    std::process::exit(code)
}
