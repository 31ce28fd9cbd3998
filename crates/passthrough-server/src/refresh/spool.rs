//! The spool: what a provider has just given us, on disk before it is anywhere else.
//!
//! Between a provider's answer and the commit in our database lies the only moment in which a rotated refresh token
//! exists nowhere else. A file is written and synced in it, sealed as the row will be; it goes away with the commit.
//! What is found at a start was answered and not committed, and is committed then.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::Duration;

use passthrough_core::id::{ConnectionId, Environment};
use serde::{Deserialize, Serialize};

/// What is reserved before a provider is asked: its answer must have room on a disk that fills up meanwhile.
const RESERVED: usize = 128 * 1024;

/// Room that was reserved so long ago is nobody's any more.
const ABANDONED: Duration = Duration::from_secs(600);

/// The folder in the data folder.
const FOLDER: &str = "spool";

/// A folder of sealed answers.
#[derive(Debug, Clone)]
pub struct Spool {
    folder: PathBuf,
}

/// A refreshed credential that has to get into the database.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The connection's environment.
    pub environment: String,
    /// The connection.
    pub connection: String,
    /// The generation that it replaces the one before of.
    pub generation: i64,
    /// The vault's blob, in base64.
    pub sealed: String,
    /// The key that it is sealed under.
    pub key_id: String,
    /// Unix milliseconds, as in the row.
    pub expires_at: Option<i64>,
    /// Unix milliseconds, as in the row.
    pub refresh_expires_at: Option<i64>,
    /// Unix milliseconds, as in the row.
    pub due_at: Option<i64>,
}

impl Entry {
    /// The place in the database that it is for, where it names one.
    pub fn place(&self) -> Option<(Environment, ConnectionId)> {
        Some((self.environment.parse().ok()?, self.connection.parse().ok()?))
    }
}

/// Room that is reserved for one answer. Dropped unused, it is given back.
#[derive(Debug)]
pub struct Reserved {
    file: File,
    path: PathBuf,
    kept: bool,
}

impl Spool {
    /// The spool in a data folder; the folder is made, readable by its owner alone.
    pub fn open(data_dir: &Path) -> io::Result<Self> {
        let folder = data_dir.join(FOLDER);
        match fs::DirBuilder::new().mode(0o700).create(&folder) {
            Err(error) if error.kind() != io::ErrorKind::AlreadyExists => return Err(error),
            Ok(()) | Err(_) => {}
        }
        Ok(Self { folder })
    }

    /// Makes room for an answer, and is sure of it. Blocking.
    pub fn reserve(&self, connection: ConnectionId, generation: i64) -> io::Result<Reserved> {
        let path = self.path(connection, generation);
        let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        let mut reserved = Reserved { file, path, kept: false };
        // Written, not only asked for: a file with a hole in it has no room yet.
        reserved.file.write_all(&[0; RESERVED])?;
        reserved.file.sync_data()?;
        Ok(reserved)
    }

    /// What was answered and has not been committed, with the files that hold it. A process that is killed while it
    /// waits for the disk has written its answer nevertheless. What was left half-written is taken away after a
    /// while: nothing was answered then, or nothing of it can be read. Blocking.
    pub fn list(&self) -> io::Result<Vec<(PathBuf, Entry)>> {
        let mut entries = Vec::new();
        for file in fs::read_dir(&self.folder)? {
            let path = file?.path();
            match path.extension().and_then(|extension| extension.to_str()) {
                Some("sealed") => {
                    let entry = read(&path, &fs::read(&path)?);
                    entries.extend(entry.map(|entry| (path, entry)));
                }
                Some("open") => match written(&path)? {
                    Some(entry) => entries.push((path, entry)),
                    // Younger ones may be another process's.
                    None if is_older_than(&path, ABANDONED) => fs::remove_file(&path)?,
                    None => {}
                },
                _ => {}
            }
        }
        Ok(entries)
    }

    /// The answer to the refresh of this generation, where somebody who is gone has left it behind. Blocking.
    pub fn find(&self, connection: ConnectionId, generation: i64) -> io::Result<Option<(PathBuf, Entry)>> {
        let open = self.path(connection, generation);
        let path = open.with_extension("sealed");
        match fs::read(&path) {
            Ok(bytes) => Ok(read(&path, &bytes).map(|entry| (path, entry))),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                Ok(written(&open)?.map(|entry| (open, entry)))
            }
            Err(error) => Err(error),
        }
    }

    /// Forgets an entry that is in the database, or that came too late. Blocking.
    pub fn remove(&self, path: &Path) {
        match fs::remove_file(path) {
            // Another process on this folder was faster.
            Err(error) if error.kind() == io::ErrorKind::NotFound => {}
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "a file in the spool cannot be deleted");
            }
            Ok(()) => {}
        }
    }

    fn path(&self, connection: ConnectionId, generation: i64) -> PathBuf {
        self.folder.join(format!("{connection}.{generation}.open"))
    }
}

impl Reserved {
    /// Puts an answer into the room, for good: when this returns, it survives whatever becomes of this process and
    /// of the machine's power. Gives the file. Blocking.
    pub fn keep(mut self, entry: &Entry) -> io::Result<PathBuf> {
        let bytes = serde_json::to_vec(entry)?;
        io::Seek::rewind(&mut self.file)?;
        self.file.write_all(&bytes)?;
        self.file.set_len(bytes.len() as u64)?;
        self.file.sync_all()?;
        let path = self.path.with_extension("sealed");
        // A name that says that it is whole, also after a power cut, so that half a file is never taken for an answer.
        fs::rename(&self.path, &path)?;
        if let Some(folder) = path.parent() {
            File::open(folder)?.sync_all()?;
        }
        self.kept = true;
        Ok(path)
    }
}

impl Drop for Reserved {
    fn drop(&mut self) {
        if !self.kept {
            let _ = fs::remove_file(&self.path);
        }
    }
}

fn read(path: &Path, bytes: &[u8]) -> Option<Entry> {
    serde_json::from_slice(bytes)
        .inspect_err(
            |error| tracing::error!(path = %path.display(), %error, "a file in the spool is damaged"),
        )
        .ok()
}

/// The answer in a room that its owner had no time to close: whole, or none. Half of one is no JSON.
fn written(path: &Path) -> io::Result<Option<Entry>> {
    // What is no file may be without end: a device that somebody put there would fill all of memory.
    let is_file = |metadata: fs::Metadata| metadata.is_file();
    match fs::metadata(path).map(is_file).and_then(|is_file| is_file.then(|| fs::read(path)).transpose()) {
        Ok(None) => Ok(None),
        Ok(Some(bytes)) => {
            let text = bytes.split(|byte| *byte == 0).next().unwrap_or_default();
            Ok(serde_json::from_slice(text).ok())
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn is_older_than(path: &Path, age: Duration) -> bool {
    let modified = fs::metadata(path).and_then(|metadata| metadata.modified());
    modified.ok().and_then(|modified| modified.elapsed().ok()).is_some_and(|elapsed| elapsed > age)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry() -> Entry {
        Entry {
            environment: "production".to_owned(),
            connection: connection().to_string(),
            generation: 8,
            sealed: "c2VhbGVk".to_owned(),
            key_id: "key".to_owned(),
            expires_at: Some(1),
            refresh_expires_at: None,
            due_at: Some(2),
        }
    }

    fn connection() -> ConnectionId {
        "conn_01ARZ3NDEKTSV4RRFFQ69G5FAV".parse().unwrap()
    }

    #[test]
    fn what_was_kept_is_found_again_and_what_was_only_begun_is_not() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        let path = spool.reserve(connection(), 7).unwrap().keep(&entry()).unwrap();
        let half = spool.reserve(connection(), 9).unwrap();
        std::mem::forget(half);
        drop(spool.reserve(connection(), 10).unwrap());
        let spool = Spool::open(folder.path()).unwrap();
        assert_eq!(spool.list().unwrap(), vec![(path.clone(), entry())]);
        assert_eq!(spool.find(connection(), 7).unwrap(), Some((path.clone(), entry())));
        assert_eq!(spool.find(connection(), 9).unwrap(), None);
        let half = folder.path().join(FOLDER).join(format!("{}.9.open", connection()));
        let long_ago = std::time::SystemTime::UNIX_EPOCH;
        File::options().write(true).open(&half).unwrap().set_modified(long_ago).unwrap();
        assert_eq!(spool.list().unwrap().len(), 1);
        assert!(!half.exists());
        spool.remove(&path);
        assert_eq!(spool.list().unwrap(), vec![]);
    }

    #[test]
    fn an_answer_that_was_written_and_not_yet_synced_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let spool = Spool::open(folder.path()).unwrap();
        let text = serde_json::to_vec(&entry()).unwrap();
        for (generation, written) in [(7, &text[..]), (8, &text[..text.len() - 1])] {
            let mut room = spool.reserve(connection(), generation).unwrap();
            io::Seek::rewind(&mut room.file).unwrap();
            room.file.write_all(written).unwrap();
            std::mem::forget(room);
        }
        let path = spool.path(connection(), 7);
        assert_eq!(spool.list().unwrap(), vec![(path.clone(), entry())]);
        assert_eq!(spool.find(connection(), 7).unwrap(), Some((path, entry())));
        assert_eq!(spool.find(connection(), 8).unwrap(), None);
        // It never ends.
        std::os::unix::fs::symlink("/dev/full", spool.path(connection(), 9)).unwrap();
        assert_eq!(spool.find(connection(), 9).unwrap(), None);
        assert_eq!(spool.list().unwrap().len(), 1);
    }
}
