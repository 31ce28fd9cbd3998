//! The terminal while a board is on it: a screen of its own, keys without Enter; put back at the end.

use std::io::{self, IsTerminal, Write};

use anyhow::Result;
use rustix::termios::{LocalModes, OptionalActions, Termios, tcgetattr, tcgetwinsize, tcsetattr};
use tokio::io::AsyncReadExt;
use tokio::sync::mpsc;

/// The second screen of a terminal, with the cursor hidden; and the way back.
const ENTER: &str = "\u{1b}[?1049h\u{1b}[?25l";
const LEAVE: &str = "\u{1b}[?25h\u{1b}[?1049l";

/// A terminal that is drawn on. Dropping it puts it back as it was.
pub struct Screen {
    before: Option<Termios>,
}

impl Screen {
    /// Takes the terminal over.
    pub fn enter() -> Result<Self> {
        let before = io::stdin().is_terminal().then(|| tcgetattr(io::stdin())).transpose()?;
        if let Some(before) = &before {
            let mut keys = before.clone();
            // Ctrl-C stays a signal.
            keys.local_modes -= LocalModes::ICANON | LocalModes::ECHO;
            tcsetattr(io::stdin(), OptionalActions::Now, &keys)?;
        }
        let screen = Self { before };
        write(ENTER)?;
        Ok(screen)
    }

    /// Columns and lines.
    pub fn size() -> (usize, usize) {
        match tcgetwinsize(io::stdout()) {
            Ok(size) if size.ws_col > 0 && size.ws_row > 0 => (size.ws_col.into(), size.ws_row.into()),
            _ => (80, 24),
        }
    }

    /// Shows these lines, from the top. In one write, so that nothing flickers.
    pub fn show(&self, lines: &[String]) -> Result<()> {
        let mut text = String::from("\u{1b}[H");
        for (index, line) in lines.iter().enumerate() {
            if index > 0 {
                text.push_str("\r\n");
            }
            text.push_str(line);
            // What an earlier, longer line left behind.
            text.push_str("\u{1b}[K");
        }
        text.push_str("\u{1b}[J");
        Ok(write(&text)?)
    }
}

impl Drop for Screen {
    fn drop(&mut self) {
        let _ = write(LEAVE);
        if let Some(before) = &self.before {
            let _ = tcsetattr(io::stdin(), OptionalActions::Now, before);
        }
    }
}

fn write(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// The keys that are pressed; none ever where standard input is no terminal.
pub fn keys() -> mpsc::Receiver<u8> {
    let (send, keys) = mpsc::channel(16);
    if io::stdin().is_terminal() {
        tokio::spawn(async move {
            let mut input = tokio::io::stdin();
            while let Ok(key) = input.read_u8().await {
                if send.send(key).await.is_err() {
                    break;
                }
            }
        });
    }
    keys
}
