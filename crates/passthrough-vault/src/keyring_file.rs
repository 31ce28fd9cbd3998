//! The keyring's file: whole or not at all, for its owner only, and safe to change while others read.
//!
//! A change is written to a temporary file beside the keyring, forced to the disk, and renamed over it;
//! readers therefore need no lock, and a crash at any moment leaves the old file or the new one. Writers
//! hold an exclusive lock on a second file beside it, `<name>.lock`, from reading to renaming, so that
//! no change of another process is lost. That file is never removed: a lock on a removed file keeps
//! nobody out.
//!
//! Unix only, because it stands on owner, mode and rename.

use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind, Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use thiserror::Error;
use zeroize::Zeroizing;

use crate::keyring::{KeyChangeError, Keyring, ParseError};

/// No keyring is this long; whatever is, is another file.
const MAX_LENGTH: u64 = 64 * 1024;
const OWNER_ONLY: u32 = 0o600;

/// Why a keyring file was not read or not changed.
#[derive(Debug, Error)]
pub enum FileError {
    /// There is no file.
    #[error("there is no keyring file {}: restore it from its backup", .0.display())]
    Missing(PathBuf),
    /// There is one already; it was not touched.
    #[error("the keyring file {} exists already and was left as it is", .0.display())]
    Exists(PathBuf),
    /// Others than the owner may read or change it.
    #[error("the keyring file {0} is open to others than its owner (mode {mode:04o}): run `chmod 600 {0}` \
             and rotate its keys if somebody may have read them", path.display())]
    OpenToOthers {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// A folder, a pipe, a device, a link where none may be, or much too long.
    #[error("{} is not a keyring file: {problem}", path.display())]
    NotAKeyring {
        /// The file.
        path: PathBuf,
        /// What it is instead.
        problem: &'static str,
    },
    /// The text is broken.
    #[error("{}: {source}", path.display())]
    Parse {
        /// The file.
        path: PathBuf,
        /// Where and what.
        source: ParseError,
    },
    /// The change was refused; the file was not touched.
    #[error(transparent)]
    Change(#[from] KeyChangeError),
    /// The system refused.
    #[error("cannot {action} {}: {source}", path.display())]
    Io {
        /// What was tried.
        action: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's reason.
        source: io::Error,
    },
}

/// Tells one state of the file from another, for the price of one system call. Equal means unchanged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fingerprint {
    device: u64,
    inode: u64,
    length: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Fingerprint {
    fn of(metadata: &fs::Metadata) -> Self {
        Self {
            device: metadata.dev(),
            inode: metadata.ino(),
            length: metadata.len(),
            modified: (metadata.mtime(), metadata.mtime_nsec()),
            changed: (metadata.ctime(), metadata.ctime_nsec()),
        }
    }
}

/// The file's state now. Compare with the one that [`load`] gave, and load again when they differ.
pub fn fingerprint(path: &Path) -> Result<Fingerprint, FileError> {
    fs::metadata(path).map(|metadata| Fingerprint::of(&metadata)).map_err(|error| reading(path, error))
}

/// Reads the keyring. The fingerprint is that of the very file that was read, so a change in between
/// cannot be missed.
///
/// The path may be a symbolic link, as secret mounts of containers are; what is judged is the file that
/// was opened, not a name that could be pointed elsewhere after the check.
pub fn load(path: &Path) -> Result<(Keyring, Fingerprint), FileError> {
    // Opening a pipe would wait for its other end for ever, so look before.
    let before = fs::metadata(path).map_err(|error| reading(path, error))?;
    must_be_a_file(path, &before)?;
    let mut file = File::open(path).map_err(|error| reading(path, error))?;
    let metadata = file.metadata().map_err(|error| reading(path, error))?;
    must_be_a_file(path, &metadata)?;
    let mode = metadata.mode() & 0o7777;
    if mode & 0o077 != 0 {
        return Err(FileError::OpenToOthers { path: path.to_owned(), mode });
    }
    let text = read_text(path, &mut file, metadata.len())?;
    let keyring =
        Keyring::parse(&text).map_err(|source| FileError::Parse { path: path.to_owned(), source })?;
    Ok((keyring, Fingerprint::of(&metadata)))
}

/// Writes a new file, mode 0600. Fails with [`FileError::Exists`] when there is one already, also when
/// another process makes it at the same moment: then load that one.
pub fn create(path: &Path, keyring: &Keyring) -> Result<(), FileError> {
    let _lock = lock(path, None)?;
    let temporary = write_temporary(path, keyring, None)?;
    // A rename would silently replace a file that somebody else made meanwhile, and with it the only
    // copy of its keys. A hard link fails instead, and is as atomic.
    let linked = fs::hard_link(&temporary, path);
    let _ = fs::remove_file(&temporary);
    linked.map_err(|error| match error.kind() {
        ErrorKind::AlreadyExists => FileError::Exists(path.to_owned()),
        _ => io_error("create", path)(error),
    })?;
    sync_folder(path)
}

/// Changes the keyring under the lock and gives what `change` gave. When `change` fails, the file stays
/// as it is. Waits for other writers; readers are never held up.
///
/// A symbolic link is refused: the rename would put a file in the place of the link, and the one that it
/// pointed to, which others may be reading, would never see the change.
pub fn update<T>(
    path: &Path,
    change: impl FnOnce(&mut Keyring) -> Result<T, KeyChangeError>,
) -> Result<T, FileError> {
    let owner = fs::symlink_metadata(path).map_err(|error| reading(path, error))?;
    if owner.is_symlink() {
        return Err(not_a_keyring(path, "it is a symbolic link: name the file itself to change it"));
    }
    let _lock = lock(path, Some(&owner))?;
    let (mut keyring, _) = load(path)?;
    let result = change(&mut keyring)?;
    let temporary = write_temporary(path, &keyring, Some(&owner))?;
    fs::rename(&temporary, path).map_err(|error| {
        let _ = fs::remove_file(&temporary);
        io_error("replace", path)(error)
    })?;
    sync_folder(path)?;
    Ok(result)
}

/// Takes the writers' lock; it goes when the file is closed, even by a crash.
fn lock(path: &Path, owner: Option<&fs::Metadata>) -> Result<File, FileError> {
    let path = beside(path, ".lock")?;
    let open = OpenOptions::new().write(true).create(true).truncate(false).mode(OWNER_ONLY).open(&path);
    let file = open.map_err(io_error("open", &path))?;
    give_to(owner, &file, &path)?;
    file.lock().map_err(io_error("lock", &path))?;
    Ok(file)
}

/// Writes the keyring beside `path` and forces it to the disk. Call it under the lock only.
fn write_temporary(
    path: &Path,
    keyring: &Keyring,
    owner: Option<&fs::Metadata>,
) -> Result<PathBuf, FileError> {
    let temporary = beside(path, ".tmp")?;
    // What lies here was left by a crash, because the lock is ours. Opened anew, never reused: it could
    // be a link to elsewhere, or have another mode.
    match fs::remove_file(&temporary) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(io_error("remove the left-over", &temporary)(error));
        }
        _ => {}
    }
    let open = OpenOptions::new().write(true).create_new(true).mode(OWNER_ONLY).open(&temporary);
    let mut file = open.map_err(io_error("create", &temporary))?;
    let written = give_to(owner, &file, &temporary).and_then(|()| {
        file.write_all(keyring.to_text().as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(io_error("write", &temporary))
    });
    if written.is_err() {
        let _ = fs::remove_file(&temporary);
    }
    written.map(|()| temporary)
}

/// Gives `file` to the owner of the keyring file. When root changes a keyring, the server's own user
/// would otherwise find a file that it cannot read any more.
fn give_to(owner: Option<&fs::Metadata>, file: &File, path: &Path) -> Result<(), FileError> {
    let Some(owner) = owner else { return Ok(()) };
    let ours = file.metadata().map_err(io_error("look at", path))?;
    if ours.uid() == owner.uid() {
        return Ok(());
    }
    fchown(file, Some(owner.uid()), Some(owner.gid()))
        .map_err(io_error("give the keyring's owner the file", path))
}

fn read_text(path: &Path, file: &mut File, length: u64) -> Result<Zeroizing<String>, FileError> {
    let length = usize::try_from(length).unwrap_or(usize::MAX);
    // Exactly as long as the file, because a growing buffer would leave keys behind in freed memory.
    let mut bytes = Zeroizing::new(vec![0; length]);
    file.read_exact(&mut bytes).map_err(|error| reading(path, error))?;
    match String::from_utf8(std::mem::take(&mut *bytes)) {
        Ok(text) => Ok(Zeroizing::new(text)),
        Err(error) => {
            drop(Zeroizing::new(error.into_bytes()));
            Err(not_a_keyring(path, "it is no text"))
        }
    }
}

fn must_be_a_file(path: &Path, metadata: &fs::Metadata) -> Result<(), FileError> {
    match metadata {
        _ if !metadata.is_file() => Err(not_a_keyring(path, "it is no regular file")),
        _ if metadata.len() > MAX_LENGTH => Err(not_a_keyring(path, "it is longer than 64 KiB")),
        _ => Ok(()),
    }
}

/// Forces a new name in the folder to the disk: without it, a power cut can undo the rename.
fn sync_folder(path: &Path) -> Result<(), FileError> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder).and_then(|folder| folder.sync_all()).map_err(io_error("force to the disk", folder))
}

/// `path` with `suffix` after its name.
fn beside(path: &Path, suffix: &str) -> Result<PathBuf, FileError> {
    let mut name = path.file_name().ok_or_else(|| not_a_keyring(path, "it has no file name"))?.to_owned();
    name.push(suffix);
    Ok(path.with_file_name(name))
}

fn reading(path: &Path, error: io::Error) -> FileError {
    match error.kind() {
        ErrorKind::NotFound => FileError::Missing(path.to_owned()),
        _ => io_error("read", path)(error),
    }
}

fn not_a_keyring(path: &Path, problem: &'static str) -> FileError {
    FileError::NotAKeyring { path: path.to_owned(), problem }
}

fn io_error(action: &'static str, path: &Path) -> impl FnOnce(io::Error) -> FileError {
    let path = path.to_owned();
    move |source| FileError::Io { action, path, source }
}
