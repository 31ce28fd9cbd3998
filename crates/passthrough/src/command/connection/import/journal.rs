//! What an import has done, on disk before anything that follows from it.
//!
//! The journal is a file of JSON lines that only grows: its head, then `{"upto": N}` before lines up to N are sent, and
//! `{"line": N, "id": …, "hash": …}` or `{"line": N, "error": …}` after; `{"line": N}` begins one again that failed. A line that
//! was begun and has no end is in doubt.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use super::Outcome;
use super::lines::Lines;
use crate::exit::Hinted;

/// How many lines are begun with one write.
const BLOCK: u64 = 64;

/// A connection that was made.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct Made {
    pub(super) line: u64,
    pub(super) id: String,
    pub(super) token: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) external_id: Option<String>,
    /// Of the line, see [`Line::hash`](super::lines::Line::hash).
    #[serde(skip)]
    pub(super) hash: u32,
}

/// The first line of a journal.
#[derive(Serialize, Deserialize)]
struct Head {
    import: String,
}

/// Every other line.
#[derive(Default, Serialize, Deserialize)]
struct Entry {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    upto: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    line: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    id: Option<String>,
    /// Of a line that is a connection: what is done must stay what it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    hash: Option<u32>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    error: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    doubt: Option<bool>,
}

/// The journal and the file of tokens, open for writing.
pub(super) struct Journal {
    file: File,
    tokens: File,
    import: String,
    made: BTreeMap<u64, String>,
    /// Of the lines that are connections.
    hashes: HashMap<u64, u32>,
    failed: BTreeMap<u64, String>,
    /// Lines that were begun and of which no end is known.
    doubts: HashSet<u64>,
    /// Up to which line everything may have been begun, before and now.
    begun_before: u64,
    begun: u64,
    resumed: bool,
}

impl Journal {
    /// Opens the journal at `path`, or begins one. Nobody else can have it open.
    pub(super) fn open(path: &Path, tokens: &Path) -> Result<Self> {
        let mut file = private(path)?;
        file.try_lock().map_err(|_| {
            Hinted::new("another import of this file is running", "wait for its end; it holds the journal")
        })?;
        let text = whole_lines(&mut file, path)?;
        let mut lines = text.lines();
        let head = lines.next().map(serde_json::from_str::<Head>).transpose();
        let damaged = || {
            Hinted::new(
                format!("{} is no journal of an import", path.display()),
                "delete it to begin anew: what was made already would then be made again",
            )
        };
        let head = head.map_err(|_| damaged())?;
        let resumed = head.is_some();
        let head = match head {
            Some(head) => head,
            None => {
                // Before the journal has a head: with one, the next run would take them for its own.
                if std::fs::metadata(tokens).is_ok_and(|found| found.len() > 0) {
                    drop(std::fs::remove_file(path));
                    return Err(taken(tokens).into());
                }
                begin(&mut file)?
            }
        };
        let mut journal = Self {
            file,
            tokens: private(tokens)?,
            import: head.import,
            made: BTreeMap::new(),
            hashes: HashMap::new(),
            failed: BTreeMap::new(),
            doubts: HashSet::new(),
            begun_before: 0,
            begun: 0,
            resumed,
        };
        for line in lines {
            journal.read(serde_json::from_str(line).map_err(|_| damaged())?);
        }
        journal.read_tokens(tokens)?;
        journal.begun_before = journal.begun;
        Ok(journal)
    }

    fn read(&mut self, entry: Entry) {
        self.begun = self.begun.max(entry.upto.unwrap_or_default());
        let Some(line) = entry.line else { return };
        if let Some(id) = entry.id {
            self.failed.remove(&line);
            self.made.insert(line, id);
            self.hashes.extend(entry.hash.map(|hash| (line, hash)));
        } else if let Some(error) = entry.error {
            if entry.doubt == Some(true) {
                self.doubts.insert(line);
            }
            self.failed.insert(line, error);
        } else {
            self.failed.remove(&line);
        }
    }

    /// A token that was written is a connection that was made, whether or not the journal came to say so.
    fn read_tokens(&mut self, path: &Path) -> Result<()> {
        #[derive(Deserialize)]
        struct Token {
            line: u64,
            id: String,
        }
        let text = whole_lines(&mut self.tokens, path)?;
        for line in text.lines() {
            if let Ok(token) = serde_json::from_str::<Token>(line) {
                self.failed.remove(&token.line);
                self.made.insert(token.line, token.id);
            }
        }
        Ok(())
    }

    /// Looks at the file before anything is sent. A line that is a connection must be what it was, or what comes of
    /// the others is noted at the wrong numbers; every other line may have been mended, and one that was taken out
    /// needs no more.
    pub(super) fn check(&mut self, mut lines: Lines, input: &Path, path: &Path) -> Result<()> {
        let mut there = HashSet::new();
        while let Some(line) = lines.next() {
            if self.hashes.get(&line.number).is_some_and(|made| *made != line.hash(&self.import)) {
                let message = format!(
                    "line {} of {} is a connection, but not of this text",
                    line.number,
                    input.display()
                );
                let hint = format!(
                    "lines that are connections must stay as they are and where they are (empty a line instead of \
                     deleting it); for another file, move {} and the file of tokens away",
                    path.display()
                );
                return Err(Hinted::new(message, hint).into());
            }
            if self.failed.contains_key(&line.number) {
                there.insert(line.number);
            }
        }
        self.failed.retain(|line, _| there.contains(line) || self.doubts.contains(line));
        Ok(())
    }

    pub(super) fn import(&self) -> &str {
        &self.import
    }

    pub(super) fn is_resumed(&self) -> bool {
        self.resumed
    }

    /// How many lines are connections.
    pub(super) fn made(&self) -> usize {
        self.made.len()
    }

    pub(super) fn is_made(&self, line: u64) -> bool {
        self.made.contains_key(&line)
    }

    /// Whether a line may be a connection though nobody noted it.
    pub(super) fn has_doubts(&self) -> bool {
        let known = |line: u64| self.made.contains_key(&line) || self.failed.contains_key(&line);
        !self.doubts.is_empty() || (1..=self.begun_before).rev().take(1_000).any(|line| !known(line))
    }

    /// The tag by which the connection of a line is found again.
    pub(super) fn tag(&self, line: u64) -> String {
        format!("import:{}:{line}", self.import)
    }

    /// Notes that a line is about to be sent, and tells whether it may have been sent before.
    pub(super) fn begin(&mut self, line: u64) -> Result<bool> {
        let before = line <= self.begun_before && !self.failed.contains_key(&line);
        if line > self.begun {
            self.begun = line + BLOCK - 1;
            self.write(&[Entry { upto: Some(self.begun), ..Entry::default() }])?;
        } else if self.failed.remove(&line).is_some() {
            // It failed before, and is begun once more: from now on it is in doubt again.
            self.write(&[Entry { line: Some(line), ..Entry::default() }])?;
        }
        Ok(before || self.doubts.contains(&line))
    }

    /// Notes what came of lines: tokens first, for they are shown only once.
    pub(super) fn note(&mut self, outcomes: &[Outcome]) -> Result<()> {
        let (mut tokens, mut entries) = (Vec::new(), Vec::new());
        for outcome in outcomes {
            match outcome {
                Outcome::Made(made) => {
                    serde_json::to_writer(&mut tokens, made)?;
                    tokens.push(b'\n');
                    self.failed.remove(&made.line);
                    self.doubts.remove(&made.line);
                    self.made.insert(made.line, made.id.clone());
                    entries.push(Entry {
                        line: Some(made.line),
                        id: Some(made.id.clone()),
                        hash: Some(made.hash),
                        ..Entry::default()
                    });
                }
                Outcome::Failed { line, error, in_doubt, .. } => {
                    self.failed.insert(*line, error.clone());
                    let doubt = in_doubt.then_some(true);
                    if *in_doubt {
                        self.doubts.insert(*line);
                    }
                    let (line, error) = (Some(*line), Some(error.clone()));
                    entries.push(Entry { line, error, doubt, ..Entry::default() });
                }
            }
        }
        if !tokens.is_empty() {
            self.tokens.write_all(&tokens).context("cannot write the file of tokens")?;
            self.tokens.sync_data()?;
        }
        self.write(&entries)
    }

    fn write(&mut self, entries: &[Entry]) -> Result<()> {
        let mut text = Vec::new();
        for entry in entries {
            serde_json::to_writer(&mut text, entry)?;
            text.push(b'\n');
        }
        self.file.write_all(&text).context("cannot write the journal")?;
        Ok(self.file.sync_data()?)
    }

    /// Writes what came of each line, by line; gives how many are connections and how many are not.
    pub(super) fn report(&self, path: &Path) -> Result<(usize, usize)> {
        let file = private(path)?;
        file.set_len(0)?;
        let mut file = std::io::BufWriter::new(file);
        let mut all: BTreeMap<u64, serde_json::Value> = BTreeMap::new();
        for (line, id) in &self.made {
            all.insert(*line, serde_json::json!({"line": line, "id": id}));
        }
        for (line, error) in &self.failed {
            all.insert(*line, serde_json::json!({"line": line, "error": error}));
        }
        for entry in all.values() {
            serde_json::to_writer(&mut file, entry)?;
            file.write_all(b"\n")?;
        }
        file.flush()?;
        Ok((self.made.len(), self.failed.len()))
    }
}

/// The whole lines of a file. One that was cut off says nothing, and must not be continued by the next.
fn whole_lines(file: &mut File, path: &Path) -> Result<Zeroizing<String>> {
    let mut text = Zeroizing::new(String::new());
    file.read_to_string(&mut text).with_context(|| format!("cannot read {}", path.display()))?;
    let whole = text.rfind('\n').map_or(0, |end| end + 1);
    if whole < text.len() {
        file.set_len(whole as u64)?;
        text.truncate(whole);
    }
    Ok(text)
}

/// Opens a file to be added to, for its owner's eyes only.
fn private(path: &Path) -> Result<File> {
    let mut options = OpenOptions::new();
    let file = options.read(true).append(true).create(true).mode(0o600).open(path);
    let file = file.with_context(|| format!("cannot write {}", path.display()))?;
    // One that was there before may be open to others.
    file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    Ok(file)
}

/// Begins a journal.
fn begin(file: &mut File) -> Result<Head> {
    let mut random = [0; 16];
    File::open("/dev/urandom")
        .and_then(|mut source| source.read_exact(&mut random))
        .context("no randomness")?;
    let head = Head { import: format!("{:032x}", u128::from_be_bytes(random)) };
    let mut text = serde_json::to_vec(&head)?;
    text.push(b'\n');
    file.write_all(&text)?;
    file.sync_all()?;
    Ok(head)
}

fn taken(path: &Path) -> Hinted {
    Hinted::new(
        format!("{} is there already, from another import", path.display()),
        "move it away: it holds tokens that are shown nowhere else; or give --tokens another place",
    )
}
