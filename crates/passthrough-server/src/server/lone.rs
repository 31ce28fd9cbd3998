//! One server on one SQLite file: the database is made for that, and a second server is told.
//!
//! Told and not refused: a new server may start while the old one still finishes, and what another process
//! changes is followed. It is the writing of several servers that one file does not bear for long.

use std::fs::{File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::OpenOptionsExt;

use secrecy::ExposeSecret;

use crate::config::Config;

/// The file in the data folder whose lock says that a server runs. What is in it does not matter.
const LOCK_FILE: &str = "server.lock";

/// Takes the lock for as long as the file is open; the operating system lets go of it when a process dies.
/// `None` where another server holds it, and on PostgreSQL, which any number of servers share.
pub(super) fn lock(config: &Config) -> Option<File> {
    let postgres = |url: &str| !url.starts_with("sqlite:");
    if config.database_url.as_ref().is_some_and(|url| postgres(url.expose_secret())) {
        return None;
    }
    let path = config.data_dir.join(LOCK_FILE);
    match try_lock(&path) {
        Ok(file) => return Some(file),
        Err(TryLockError::WouldBlock) => tracing::warn!(
            lock = %path.display(),
            "another server already runs on this data folder; SQLite is made for one server: stop the other \
             one, or use PostgreSQL (`database_url`) for several"
        ),
        Err(TryLockError::Error(error)) => {
            tracing::warn!(%error, lock = %path.display(), "cannot tell whether another server uses this data folder");
        }
    }
    None
}

fn try_lock(path: &std::path::Path) -> Result<File, TryLockError> {
    let opened: io::Result<File> =
        OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
    let file = opened.map_err(TryLockError::Error)?;
    file.try_lock()?;
    Ok(file)
}
