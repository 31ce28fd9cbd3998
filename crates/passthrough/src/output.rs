//! What a command says: results on standard output, everything else on standard error.

use std::io::{self, IsTerminal, Write};

use anyhow::Result;
use comfy_table::Table;
use comfy_table::presets::NOTHING;
use serde::Serialize;

/// The form of results.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    Text,
    /// For programs.
    Json,
}

/// The code of a failure where the command line is wrong.
pub const USAGE: &str = "usage";

/// A failure as it is told.
#[derive(Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// What is wrong.
    pub message: String,
    /// The code of the server's error; `usage` where the command line is wrong.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub code: Option<String>,
    /// The server's, to be found in its log.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Each mistake.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub details: Vec<String>,
    /// What to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hint: Option<String>,
    /// Where the end user links the account again.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub link_url: Option<String>,
}

/// Where and how to say things.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    /// The form of results.
    pub format: Format,
    /// Whether to leave out everything but results and failures.
    pub quiet: bool,
}

impl Output {
    /// Whether results are JSON.
    pub fn is_json(&self) -> bool {
        self.format == Format::Json
    }

    /// A line of the result.
    pub fn line(&self, text: impl AsRef<str>) -> Result<()> {
        let mut out = io::stdout().lock();
        writeln!(out, "{}", text.as_ref())?;
        Ok(out.flush()?)
    }

    /// The result as JSON.
    pub fn json(&self, value: &impl Serialize) -> Result<()> {
        self.line(serde_json::to_string_pretty(value)?)
    }

    /// The result as one line of JSON: for results that go on.
    pub fn json_line(&self, value: &impl Serialize) -> Result<()> {
        self.line(serde_json::to_string(value)?)
    }

    /// The result as a table; just its head where there are no rows would be noise, so then a note is made.
    pub fn table(&self, head: &[&str], rows: Vec<Vec<String>>, nothing: &str) -> Result<()> {
        if rows.is_empty() {
            self.note(nothing);
            return Ok(());
        }
        self.line(table(head, rows))
    }

    /// Something that helps a person to understand the result.
    pub fn note(&self, text: impl AsRef<str>) {
        if !self.quiet {
            say(text.as_ref());
        }
    }

    /// Something that others wait for.
    pub fn important(&self, text: impl AsRef<str>) {
        say(text.as_ref());
    }

    /// Something that a person must know.
    pub fn warning(&self, text: impl AsRef<str>) {
        say(&format!("warning: {}", text.as_ref()));
    }

    /// Why the command failed, and what to do.
    pub fn failure(&self, failure: &Failure) {
        if self.is_json() {
            return say(&serde_json::json!({ "error": failure }).to_string());
        }
        let code = failure.code.as_ref().filter(|code| *code != USAGE);
        let about: Vec<&str> =
            [code, failure.request_id.as_ref()].into_iter().flatten().map(String::as_str).collect();
        let about = if about.is_empty() { String::new() } else { format!(" ({})", about.join(", ")) };
        say(&format!("error: {}{about}", failure.message));
        for detail in &failure.details {
            say(&format!("  {detail}"));
        }
        if let Some(hint) = &failure.hint {
            say(&format!("hint: {hint}"));
        }
    }

    /// That something is done, which has no result of its own: as JSON, or as a note.
    pub fn done(&self, value: &impl Serialize, note: impl AsRef<str>) -> Result<()> {
        if self.is_json() {
            return self.json(value);
        }
        self.note(note);
        Ok(())
    }

    /// Whether progress of long work can be shown to somebody.
    pub fn shows_progress(&self) -> bool {
        !self.quiet && io::stderr().is_terminal()
    }
}

/// To standard error; if that is gone, there is nobody to tell.
fn say(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", text.replace(turns, "\u{fffd}"));
}

/// A text for a terminal: what a stranger named must not move the cursor, colour the screen, answer for whoever looks
/// at it, or turn round what stands beside it.
pub fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() || turns(c) { '\u{fffd}' } else { c }).collect()
}

/// Whether a character changes the direction of those after it, or begins a line (UAX #9, section 2).
fn turns(c: char) -> bool {
    matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

fn table(head: &[&str], rows: Vec<Vec<String>>) -> String {
    let mut table = Table::new();
    table.load_style(NOTHING).set_header(head.iter().map(|name| name.to_uppercase()));
    table.add_rows(rows.into_iter().map(|row| row.iter().map(|cell| clean(cell)).collect::<Vec<_>>()));
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    table.trim_fmt()
}

/// A value that may be absent, as a cell.
pub fn cell(value: Option<&str>) -> String {
    value.unwrap_or("-").to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_strangers_text_turns_nothing_round() {
        assert_eq!(
            clean("a\u{202e}gpj.exe\u{2066}\u{200f}é\u{1b}"),
            "a\u{fffd}gpj.exe\u{fffd}\u{fffd}é\u{fffd}"
        );
    }

    #[test]
    fn a_table_is_plain_columns_and_cannot_be_broken_by_its_cells() {
        let rows =
            vec![vec!["a".to_owned(), "x\u{1b}[31m".to_owned()], vec!["longer".to_owned(), "-".to_owned()]];
        assert_eq!(table(&["id", "name"], rows), "ID      NAME\na       x\u{fffd}[31m\nlonger  -");
    }
}
