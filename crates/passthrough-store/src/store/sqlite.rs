//! Opening a SQLite file.

use std::fs::OpenOptions;
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use sqlx::any::{AnyConnectOptions, AnyPoolOptions};
use sqlx::{AnyConnection, ConnectOptions, Connection};

use super::{Engine, Store, WAIT};
use crate::error::StoreError;

/// `synchronous = full` because an acknowledged write is often the only copy of a rotated credential.
const WRITER: &str = "pragma busy_timeout = 5000; pragma foreign_keys = on; pragma synchronous = full; \
                      pragma journal_size_limit = 67108864;";
const READER: &str = "pragma busy_timeout = 5000; pragma query_only = on;";
const READERS: u32 = 4;

/// The URL of a SQLite file, with every byte escaped that a URL gives a meaning to.
pub fn sqlite_url(path: &Path) -> String {
    let mut url = String::from("sqlite://");
    for byte in path.as_os_str().as_encoded_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'.' | b'-' | b'_' => {
                url.push(char::from(*byte))
            }
            _ => url.push_str(&format!("%{byte:02X}")),
        }
    }
    url
}

/// Opens the file that the part of the URL after `sqlite://` names.
pub(super) async fn open(location: &str) -> Result<Store, StoreError> {
    let path = path_of(location)?;
    create(&path)?;
    // `rw`, not `rwc`: a file that vanishes is an error, not a fresh and empty database.
    let options = AnyConnectOptions::from_str(&format!("{}?mode=rw", sqlite_url(&path)))?;
    switch_to_wal(&options).await?;
    Ok(Store {
        engine: Engine::Sqlite,
        writer: pool(1, WRITER).connect_lazy_with(options.clone()),
        readers: pool(READERS, READER).connect_lazy_with(options),
    })
}

fn pool(size: u32, pragmas: &'static str) -> AnyPoolOptions {
    AnyPoolOptions::new()
        .max_connections(size)
        .acquire_timeout(WAIT)
        .idle_timeout(None)
        .max_lifetime(None)
        .test_before_acquire(false)
        .after_connect(move |connection, _| {
            Box::pin(async move { sqlx::raw_sql(pragmas).execute(connection).await.map(drop) })
        })
}

/// Makes the file, readable by its owner alone, before SQLite would make it by the umask. The journal files
/// that SQLite adds take the mode of this one.
fn create(path: &Path) -> Result<(), StoreError> {
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(path) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(StoreError::Unavailable(format!(
            "cannot make the database file {}: {}",
            path.display(),
            error.kind()
        ))),
    }
}

/// The journal mode is a property of the file. SQLite does not wait for the lock that the first switch
/// needs, so that two processes starting at once would fail; hence the loop.
async fn switch_to_wal(options: &AnyConnectOptions) -> Result<(), StoreError> {
    let mut connection: AnyConnection = options.connect().await?;
    let mut attempts = 0;
    let result = loop {
        match sqlx::raw_sql("pragma busy_timeout = 5000; pragma journal_mode = wal;")
            .execute(&mut connection)
            .await
        {
            Err(error) if attempts < 100 && is_busy(&error) => attempts += 1,
            result => break result,
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    connection.close().await?;
    Ok(result.map(drop)?)
}

fn is_busy(error: &sqlx::Error) -> bool {
    let code =
        error.as_database_error().and_then(|error| error.code()).and_then(|code| code.parse::<i32>().ok());
    code.is_some_and(|code| code & 0xff == 5)
}

/// Reads the path of the URL, which may be relative to the working folder.
fn path_of(location: &str) -> Result<PathBuf, StoreError> {
    if location.is_empty() || location.contains(['?', '#']) || location.starts_with(':') {
        return Err(StoreError::InvalidUrl("a SQLite URL is sqlite:// and the path of a file, nothing else"));
    }
    let mut bytes = Vec::with_capacity(location.len());
    let mut rest = location.as_bytes();
    while let [first, tail @ ..] = rest {
        rest = tail;
        if *first != b'%' {
            bytes.push(*first);
            continue;
        }
        let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = hex.filter(|hex| !hex.starts_with('+')).and_then(|hex| u8::from_str_radix(hex, 16).ok());
        bytes.push(byte.ok_or(StoreError::InvalidUrl("a % must be followed by two hexadecimal digits"))?);
        rest = &tail[2..];
    }
    let path = String::from_utf8(bytes).map_err(|_| StoreError::InvalidUrl("the path must be UTF-8"))?;
    if path.contains('\0') {
        return Err(StoreError::InvalidUrl("the path must not hold NUL"));
    }
    std::path::absolute(path).map_err(|_| StoreError::InvalidUrl("the path has no absolute form"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_survives_the_url_whatever_it_holds() {
        for path in ["/a/b.db", "/with space/ü?#%20.db", "/100%/x.db"] {
            let url = sqlite_url(Path::new(path));
            assert_eq!(path_of(url.strip_prefix("sqlite://").unwrap()), Ok(PathBuf::from(path)));
        }
    }

    #[test]
    fn what_is_no_plain_path_is_refused() {
        for bad in ["", ":memory:", "/a?mode=memory", "/a%", "/a%zz", "/a%+1", "/a%00b", "/a%FF"] {
            assert!(matches!(path_of(bad), Err(StoreError::InvalidUrl(_))), "{bad:?}");
        }
    }
}
