//! A real PostgreSQL for tests: the cluster that the environment names, or a private one from Debian's
//! binaries, which dies with the test process however that dies.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::{MetadataExt, PermissionsExt, chown};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, PgConnection};
use tokio::sync::OnceCell;

/// Names the administrator's URL of a running throw-away cluster.
pub const URL_VARIABLE: &str = "PASSTHROUGH_TEST_POSTGRES_URL";

/// Runs the server and waits for the end of its standard input, which comes when the test process closes
/// the pipe or dies, even by SIGKILL. Then stops the server and removes its folder.
const WATCH: &str = r#"
trap : HUP INT TERM
"$1/initdb" -D "$2/data" -U postgres -A trust -E UTF8 --no-locale --no-sync || exit 1
"$1/postgres" -D "$2/data" -k "$2" -h '' -F -c full_page_writes=off -c synchronous_commit=off \
    -c max_connections=200 -c shared_buffers=32MB </dev/null &
server=$!
read -r line
kill -QUIT "$server"
wait "$server"
cd /
rm -rf "$2"
"#;

/// The user id that a server runs under when the tests run as root, which PostgreSQL refuses: the one of the
/// package where there is one, else nobody's.
const NOBODY: (u32, u32) = (65534, 65534);

static SHARED: OnceCell<Postgres> = OnceCell::const_new();
static DATABASES: AtomicU64 = AtomicU64::new(0);

/// A cluster.
#[derive(Debug)]
pub struct Postgres {
    admin_url: String,
    /// The watching shell of a private cluster.
    watch: Option<Child>,
}

impl Postgres {
    /// The cluster of this test process: the one that [`URL_VARIABLE`] names, else a private one that is
    /// started now. Panics, and says what to install, where there is none: a test is never skipped.
    pub async fn shared() -> &'static Postgres {
        SHARED.get_or_init(open_shared).await
    }

    /// Starts a private cluster for a test that wants to stop it. Panics where PostgreSQL is not installed.
    pub async fn start() -> Postgres {
        let (binaries, folder) = match prepare() {
            Ok(prepared) => prepared,
            Err(error) => fail(&format!("cannot prepare a folder for PostgreSQL: {error}")),
        };
        let log = folder.join("log");
        let mut watch = match watch(&binaries, &folder, &log) {
            Ok(watch) => watch,
            Err(error) => fail(&format!("cannot start PostgreSQL: {error}")),
        };
        let admin_url = format!("postgres://postgres@localhost/postgres?host={}", folder.display());
        for _ in 0..600 {
            if let Ok(connection) = PgConnection::connect(&admin_url).await {
                drop(connection.close().await);
                return Postgres { admin_url, watch: Some(watch) };
            }
            if matches!(watch.try_wait(), Ok(Some(_))) {
                break;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        drop(watch.stdin.take());
        fail(&format!("PostgreSQL did not start: {}", fs::read_to_string(log).unwrap_or_default()))
    }

    /// The URL of the administrator's database.
    pub fn admin_url(&self) -> &str {
        &self.admin_url
    }

    /// Makes an empty database and returns its URL.
    pub async fn fresh_database(&self) -> String {
        loop {
            let number = DATABASES.fetch_add(1, Ordering::Relaxed);
            let name = format!("passthrough_test_{}_{number}", std::process::id());
            match create_database(&self.admin_url, &name).await {
                Ok(()) => return url_of(&self.admin_url, &name),
                // Left over from an earlier process of the same number, on a cluster that outlives us.
                Err(sqlx::Error::Database(error)) if error.code().as_deref() == Some("42P04") => {}
                Err(error) => fail(&format!("cannot make a test database: {error}")),
            }
        }
    }

    /// Throws everybody out of a database and lets nobody in, as if the server were gone, until
    /// [`Postgres::open`].
    pub async fn shut(&self, database_url: &str) {
        self.admit(database_url, false).await;
    }

    /// Lets everybody into a database again.
    pub async fn open(&self, database_url: &str) {
        self.admit(database_url, true).await;
    }

    async fn admit(&self, database_url: &str, admit: bool) {
        let path = database_url.split('?').next().unwrap_or_default();
        let name = path.rsplit('/').next().unwrap_or_default();
        let sql = format!(
            "alter database {name} with allow_connections {admit}; \
             select pg_terminate_backend(pid) from pg_stat_activity where not {admit} and datname = '{name}'"
        );
        let run = async {
            let mut connection = PgConnection::connect(&self.admin_url).await?;
            sqlx::raw_sql(AssertSqlSafe(sql)).execute(&mut connection).await?;
            connection.close().await
        };
        if let Err(error) = run.await {
            fail(&format!("cannot shut or open a database: {error}"));
        }
    }

    /// Stops a private cluster at once, as a crash would, and waits until it is gone. Does nothing to the one
    /// that the environment names.
    pub fn stop(&mut self) {
        if let Some(mut watch) = self.watch.take() {
            drop(watch.stdin.take());
            drop(watch.wait());
        }
    }
}

impl Drop for Postgres {
    fn drop(&mut self) {
        self.stop();
    }
}

async fn open_shared() -> Postgres {
    #[expect(
        clippy::disallowed_methods,
        reason = "how a test finds its database is not the program's config"
    )]
    let named = std::env::var(URL_VARIABLE);
    match named {
        Ok(admin_url) => Postgres { admin_url, watch: None },
        Err(_) => Postgres::start().await,
    }
}

async fn create_database(admin_url: &str, name: &str) -> Result<(), sqlx::Error> {
    let mut connection = PgConnection::connect(admin_url).await?;
    let sql = AssertSqlSafe(format!("create database {name}"));
    let created = sqlx::raw_sql(sql).execute(&mut connection).await;
    connection.close().await?;
    created.map(drop)
}

/// Puts another database name into a URL.
fn url_of(admin_url: &str, name: &str) -> String {
    let (before, query) = match admin_url.split_once('?') {
        Some((before, query)) => (before, format!("?{query}")),
        None => (admin_url, String::new()),
    };
    let authority = before.find("://").map_or(0, |at| at + 3);
    let server = before[authority..].find('/').map_or(before, |at| &before[..authority + at]);
    format!("{server}/{name}{query}")
}

/// Finds the binaries and makes a folder that the server's user owns.
fn prepare() -> io::Result<(PathBuf, PathBuf)> {
    let Some(binaries) = binaries() else {
        fail(&format!(
            "PostgreSQL is not installed. Install it (Debian: apt-get install postgresql), or name the \
             administrator's URL of a running cluster in {URL_VARIABLE}"
        ));
    };
    let folder = tempfile::Builder::new().prefix("passthrough-postgres-").tempdir()?.keep();
    fs::set_permissions(&folder, fs::Permissions::from_mode(0o700))?;
    if let Some((user, group)) = other_user(&folder)? {
        chown(&folder, Some(user), Some(group))?;
    }
    Ok((binaries, folder))
}

fn watch(binaries: &Path, folder: &Path, log: &Path) -> io::Result<Child> {
    let user = fs::metadata(folder)?;
    // Neither of the outputs may be ours: a test harness waits until the last holder of its pipe is gone.
    let output = File::create(log)?;
    let mut command = Command::new("/bin/sh");
    command.args(["-c", WATCH, "watch"]).arg(binaries).arg(folder);
    command.env_clear().env("PATH", "/usr/bin:/bin").current_dir("/");
    command.stdin(Stdio::piped()).stdout(output.try_clone()?).stderr(output);
    // A group of its own: Ctrl-C must not stop the server before the tests are done with it.
    command.process_group(0);
    if user.uid() != fs::metadata("/proc/self")?.uid() {
        command.uid(user.uid()).gid(user.gid());
    }
    command.spawn()
}

/// Who must run the server: `None` for ourselves, who own a folder that we made.
fn other_user(folder: &Path) -> io::Result<Option<(u32, u32)>> {
    if fs::metadata(folder)?.uid() != 0 {
        return Ok(None);
    }
    let users = fs::read_to_string("/etc/passwd").unwrap_or_default();
    let postgres = users.lines().find_map(|line| line.strip_prefix("postgres:"));
    let ids = postgres.and_then(|line| {
        let mut fields = line.split(':').skip(1);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    });
    Ok(Some(ids.unwrap_or(NOBODY)))
}

/// The binaries of the newest version that Debian's packages have installed.
fn binaries() -> Option<PathBuf> {
    let versions = fs::read_dir("/usr/lib/postgresql").ok()?.flatten();
    let version =
        |folder: &fs::DirEntry| folder.file_name().to_str().and_then(|name| name.parse::<u32>().ok());
    versions
        .filter(|folder| folder.path().join("bin/initdb").exists())
        .max_by_key(version)
        .map(|folder| folder.path().join("bin"))
}

/// A test kit tells of its failure by failing the test.
#[track_caller]
fn fail(message: &str) -> ! {
    panic!("{message}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_database_of_a_url_is_replaced_and_the_rest_stays() {
        let socket = "postgres://postgres@localhost/postgres?host=/tmp/x";
        assert_eq!(url_of(socket, "t"), "postgres://postgres@localhost/t?host=/tmp/x");
        assert_eq!(url_of("postgres://u:p@h:1", "t"), "postgres://u:p@h:1/t");
        assert_eq!(url_of("postgres://u:p@h/admin", "t"), "postgres://u:p@h/t");
    }
}
