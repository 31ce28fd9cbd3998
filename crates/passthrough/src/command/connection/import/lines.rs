//! The lines of the file, one at a time: it may be larger than memory.

use std::fs::File;
use std::io::{self, BufRead, BufReader, Read};
use std::path::Path;

use anyhow::{Context, Result};
use zeroize::Zeroizing;

use crate::exit::Hinted;

/// The server takes no larger body.
const MAX_LINE: u64 = 1024 * 1024;

/// One line that is not empty.
pub(super) struct Line {
    /// Its number, from 1.
    pub(super) number: u64,
    /// Its text: secrets, wiped when it is dropped. Or why it cannot be had, which is the trouble of this line alone.
    pub(super) text: Result<Zeroizing<String>, String>,
    /// Where it ends in the file, in bytes.
    pub(super) end: u64,
}

impl Line {
    /// A number by which a line is known again: FNV-1a, keyed by the import's random id. Of 64 bits only 32 are kept,
    /// so that nobody can prove a guess at the secrets in it. No defence against anybody, only against a mistake.
    pub(super) fn hash(&self, import: &str) -> u32 {
        let mix = |hash: u64, byte: &u8| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        let text = self.text.as_ref().map_or(&[][..], |text| text.as_bytes());
        let hash = import.as_bytes().iter().chain(text).fold(0xcbf2_9ce4_8422_2325, mix);
        u32::try_from((hash >> 32) ^ (hash & 0xffff_ffff)).unwrap_or_default()
    }
}

/// Reads lines.
pub(super) struct Lines {
    file: BufReader<File>,
    number: u64,
    end: u64,
    /// Whether the file could not be read on.
    broken: bool,
}

impl Lines {
    pub(super) fn open(path: &Path) -> Result<Self> {
        let cannot = || format!("cannot read {}", path.display());
        let file = File::open(path).with_context(cannot)?;
        if !file.metadata().with_context(cannot)?.is_file() {
            let hint = "an import goes on where it broke off, and for that needs a file that stays";
            return Err(Hinted::usage(format!("{} is no regular file", path.display()), hint).into());
        }
        Ok(Self { file: BufReader::new(file), number: 0, end: 0, broken: false })
    }

    /// The next line with something in it.
    pub(super) fn next(&mut self) -> Option<Line> {
        loop {
            if self.broken {
                return None;
            }
            self.number += 1;
            let text = match self.read() {
                Ok(None) => return None,
                Ok(Some(text)) => text,
                Err(error) => {
                    // What follows would be read from the same place again, for ever.
                    self.broken = true;
                    Err(format!("cannot be read, nor can what follows: {error}"))
                }
            };
            if text.as_ref().map_or(true, |text| !text.is_empty()) {
                return Some(Line { number: self.number, text, end: self.end });
            }
        }
    }

    fn read(&mut self) -> io::Result<Option<Result<Zeroizing<String>, String>>> {
        let mut bytes = Zeroizing::new(Vec::new());
        let read = (&mut self.file).take(MAX_LINE + 1).read_until(b'\n', &mut bytes)?;
        self.end += read as u64;
        if read == 0 {
            return Ok(None);
        }
        if read as u64 > MAX_LINE && bytes.last() != Some(&b'\n') {
            self.end += self.file.skip_until(b'\n')? as u64;
            return Ok(Some(Err(format!("is longer than {MAX_LINE} bytes"))));
        }
        let Ok(text) = std::str::from_utf8(&bytes) else { return Ok(Some(Err("is no UTF-8".to_owned()))) };
        Ok(Some(Ok(Zeroizing::new(text.trim_start_matches('\u{feff}').trim().to_owned()))))
    }
}
