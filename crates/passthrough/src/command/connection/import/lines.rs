//! The lines of the file, one at a time: it may be larger than memory.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context, Result, bail};
use zeroize::Zeroizing;

/// The server takes no larger body.
const MAX_LINE: u64 = 1024 * 1024;

/// One line that is not empty.
pub(super) struct Line {
    /// Its number, from 1.
    pub(super) number: u64,
    /// Its text: secrets, wiped when it is dropped.
    pub(super) text: Zeroizing<String>,
    /// Where it ends in the file, in bytes.
    pub(super) end: u64,
}

/// Reads lines.
pub(super) struct Lines {
    file: BufReader<File>,
    number: u64,
    end: u64,
}

impl Lines {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let file = File::open(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self { file: BufReader::new(file), number: 0, end: 0 })
    }

    /// The next line with something in it.
    pub(super) fn next(&mut self) -> Result<Option<Line>> {
        loop {
            let mut bytes = Zeroizing::new(Vec::new());
            let read = (&mut self.file).take(MAX_LINE + 1).read_until(b'\n', &mut bytes)?;
            if read == 0 {
                return Ok(None);
            }
            self.number += 1;
            self.end += read as u64;
            if read as u64 > MAX_LINE {
                bail!("line {} is longer than {MAX_LINE} bytes", self.number);
            }
            let Ok(text) = std::str::from_utf8(&bytes) else { bail!("line {} is no UTF-8", self.number) };
            let text = text.trim_start_matches('\u{feff}').trim();
            if !text.is_empty() {
                let text = Zeroizing::new(text.to_owned());
                return Ok(Some(Line { number: self.number, text, end: self.end }));
            }
        }
    }
}
