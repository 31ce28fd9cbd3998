//! The first start makes what is needed, once; a start on what does not belong together is refused.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::{Duration, Instant};

use passthrough_testkit::echo::EchoProvider;
use passthrough_testkit::http::send;
use passthrough_testkit::postgres::Postgres;
use passthrough_testkit::program::{Engine, Program};
use tempfile::TempDir;

use crate::database::Database;
use crate::support::{BINARY, on_both_databases, setup, shop};

on_both_databases! {
    the_first_start_makes_everything_and_shows_its_key_once
    a_key_can_be_made_before_the_first_start
    two_first_starts_at_once_are_one_installation
    data_without_its_keyring_is_refused
    a_keyring_that_is_open_to_others_or_damaged_is_refused
    a_newer_database_is_refused
    an_address_in_use_is_told
}

/// Ends a process that runs longer than it may: a start that should be refused would wait for ever.
fn ended(mut command: Command) -> Output {
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    let began = Instant::now();
    while child.try_wait().unwrap().is_none() && began.elapsed() < Duration::from_secs(20) {
        std::thread::sleep(Duration::from_millis(10));
    }
    let _ = child.kill();
    child.wait_with_output().unwrap()
}

/// A start that must be refused; gives what it says.
pub fn refused(program: &Program) -> String {
    let output = ended(program.command(&["serve", "--listen", "127.0.0.1:0"]));
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "the start was not refused: {told}");
    assert!(output.stdout.is_empty());
    told
}

/// A folder without anything in it, and an empty database.
struct Empty {
    folder: TempDir,
    database_url: Option<String>,
}

impl Empty {
    async fn new(engine: Engine) -> Self {
        let database_url = match engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(Postgres::shared().await.fresh_database().await),
        };
        Self { folder: tempfile::tempdir().unwrap(), database_url }
    }

    fn data_dir(&self) -> std::path::PathBuf {
        self.folder.path().join("var/data")
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command.env_clear().args(arguments).arg("--data-dir").arg(self.data_dir());
        if let Some(url) = &self.database_url {
            command.env("PASSTHROUGH_DATABASE_URL", url);
        }
        command
    }

    /// Starts a server; its outputs go to files of this name.
    fn serve(&self, name: &str) -> Started {
        let file = |kind: &str| self.folder.path().join(format!("{name}.{kind}"));
        let (out, err) = (file("out"), file("err"));
        let mut command = self.command(&["serve", "--listen", "127.0.0.1:0"]);
        command.stdin(Stdio::null());
        command.stdout(fs::File::create(&out).unwrap()).stderr(fs::File::create(&err).unwrap());
        Started { child: command.spawn().unwrap(), out, err }
    }
}

struct Started {
    child: Child,
    out: std::path::PathBuf,
    err: std::path::PathBuf,
}

impl Started {
    fn told(&self) -> (String, String) {
        (fs::read_to_string(&self.out).unwrap(), fs::read_to_string(&self.err).unwrap())
    }

    /// Waits until it listens; gives its address.
    fn url(&mut self) -> String {
        let began = Instant::now();
        loop {
            let (_, told) = self.told();
            if let Some(url) = told.lines().find_map(|line| line.split("listening on ").nth(1)) {
                return url.to_owned();
            }
            assert!(self.child.try_wait().unwrap().is_none(), "it ended: {told}");
            assert!(began.elapsed() < Duration::from_secs(20), "it does not come up: {told}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    fn stop(mut self) -> (String, String) {
        let pid = self.child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().unwrap();
        assert!(self.child.wait().unwrap().success());
        self.told()
    }
}

impl Drop for Started {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn mode(path: &Path) -> u32 {
    fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

async fn the_first_start_makes_everything_and_shows_its_key_once(engine: Engine) {
    let empty = Empty::new(engine).await;
    let mut first = empty.serve("first");
    let url = first.url();
    let (key, told) = first.told();
    let key = key.trim().to_owned();
    assert!(key.starts_with("sk_") && !key.contains('\n'), "standard output holds the key alone: {key}");
    assert!(!told.contains(&key) && told.contains("only now"), "{told}");
    let data = empty.data_dir();
    assert!(told.contains(data.join("keyring.toml").to_str().unwrap()), "{told}");
    assert!(told.contains("back it up"), "{told}");
    assert_eq!(mode(&data), 0o700);
    for entry in fs::read_dir(&data).unwrap() {
        let path = entry.unwrap().path();
        let right = if path.is_dir() { 0o700 } else { 0o600 };
        assert_eq!(mode(&path), right, "{}", path.display());
    }
    assert_eq!(data.join("passthrough.db").exists(), engine == Engine::Sqlite);
    let authorization = format!("Bearer {key}");
    let headers = [("authorization", authorization.as_str())];
    assert_eq!(send("GET", &format!("{url}/v1/connections"), &headers, "").await.status, 200);
    assert_eq!(send("GET", &format!("{url}/readyz"), &[], "").await.status, 200);
    // Opened credentials lie in this process's memory: no core of it may be written to a disk.
    let limits = fs::read_to_string(format!("/proc/{}/limits", first.child.id())).unwrap();
    let core = limits.lines().find(|line| line.starts_with("Max core file size")).unwrap();
    assert_eq!(core.split_whitespace().collect::<Vec<_>>()[4..6], ["0", "0"], "{core}");
    first.stop();

    let mut second = empty.serve("second");
    let url = second.url();
    assert_eq!(send("GET", &format!("{url}/v1/connections"), &headers, "").await.status, 200);
    let (output, told) = second.stop();
    assert_eq!(output, "");
    assert!(!told.contains("sk_") && !told.contains("back it up"), "{told}");
}

async fn a_key_can_be_made_before_the_first_start(engine: Engine) {
    let empty = Empty::new(engine).await;
    let output = ended(empty.command(&["key", "create", "first", "--quiet"]));
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(output.stderr.is_empty(), "{}", String::from_utf8_lossy(&output.stderr));
    let key = String::from_utf8(output.stdout).unwrap();
    assert!(key.starts_with("sk_") && key.ends_with('\n') && key.lines().count() == 1);
    assert_eq!(mode(&empty.data_dir().join("keyring.toml")), 0o600);
    let mut server = empty.serve("server");
    let headers = [("authorization", format!("Bearer {}", key.trim()))];
    let headers = headers.each_ref().map(|(name, value)| (*name, value.as_str()));
    let url = server.url();
    assert_eq!(send("GET", &format!("{url}/v1/connections"), &headers, "").await.status, 200);
    assert_eq!(server.stop().0, "", "there is a key already");
}

async fn two_first_starts_at_once_are_one_installation(engine: Engine) {
    for _ in 0..3 {
        let empty = Empty::new(engine).await;
        let mut servers: Vec<Started> = ["a", "b", "c"].iter().map(|name| empty.serve(name)).collect();
        let urls: Vec<String> = servers.iter_mut().map(Started::url).collect();
        let printed: Vec<String> = servers.into_iter().map(|server| server.told().0).collect();
        let keys: Vec<&str> = printed.iter().map(|key| key.trim()).filter(|key| !key.is_empty()).collect();
        assert_eq!(keys.len(), 1, "one first key, not one per process");
        drop(urls);
        let mut again = empty.serve("again");
        let authorization = format!("Bearer {}", keys[0]);
        let url = format!("{}/v1/connections", again.url());
        assert_eq!(send("GET", &url, &[("authorization", &authorization)], "").await.status, 200);
    }
}

async fn data_without_its_keyring_is_refused(engine: Engine) {
    let (mut shop, other) = (shop(engine).await, setup(Engine::Sqlite).start().await);
    assert!(shop.program.stop().success());
    let keyring = shop.program.data_dir().join("keyring.toml");
    let kept = fs::read(&keyring).unwrap();

    fs::remove_file(&keyring).unwrap();
    let told = refused(&shop.program);
    assert!(told.contains("belongs to a key file that is missing: "), "{told}");
    assert!(!keyring.exists(), "a new key file would hide that the old one is gone");
    // Nor does any command make one.
    for command in [&["key", "create", "x"][..], &["keyring", "status"], &["keyring", "add"]] {
        assert_eq!(ended(shop.program.command(command)).status.code(), Some(1), "{command:?}");
        assert!(!keyring.exists(), "{command:?}");
    }

    fs::copy(other.data_dir().join("keyring.toml"), &keyring).unwrap();
    let told = refused(&shop.program);
    assert!(told.contains("does not belong to this database (it lacks the key k"), "{told}");

    fs::write(&keyring, &kept).unwrap();
    shop.program.resume();
    shop.envelope(r#"{"method":"GET","path":"/orders"}"#).await;
    other.finish().await;
    shop.program.finish().await;
}

async fn a_keyring_that_is_open_to_others_or_damaged_is_refused(engine: Engine) {
    let mut shop = shop(engine).await;
    assert!(shop.program.stop().success());
    let keyring = shop.program.data_dir().join("keyring.toml");
    let kept = fs::read_to_string(&keyring).unwrap();
    let secret = kept.lines().find_map(|line| line.strip_prefix("secret = ")).unwrap().trim_matches('"');
    shop.program.watch(secret);
    for open in [0o640, 0o604, 0o660, 0o644] {
        fs::set_permissions(&keyring, fs::Permissions::from_mode(open)).unwrap();
        let told = refused(&shop.program);
        assert!(told.contains("chmod 600"), "{told}");
        assert_eq!(mode(&keyring), open);
    }
    fs::set_permissions(&keyring, fs::Permissions::from_mode(0o600)).unwrap();
    let flipped = if secret.starts_with('0') { "1" } else { "0" };
    let damages = [
        String::new(),
        kept[..kept.len() / 2].to_owned(),
        kept[..kept.len() - 3].to_owned(),
        kept.replace(secret, &format!("{flipped}{}", &secret[1..])),
        kept.replace(secret, &secret.to_uppercase().replace(|c: char| c.is_ascii_digit(), "A")),
        kept.replace("secret = ", "secret: "),
        kept.replace("version = 1", "version = 2"),
        "\u{0}".repeat(100),
    ];
    for damage in damages {
        fs::write(&keyring, &damage).unwrap();
        let told = refused(&shop.program);
        assert!(told.contains("keyring.toml"), "{told}");
        assert!(!told.contains(secret) && !told.contains(&secret[8..24]), "{told}");
        assert_eq!(fs::read_to_string(&keyring).unwrap(), damage, "it is left for its owner to mend");
    }
    fs::write(&keyring, &kept).unwrap();
    shop.program.resume();
    shop.envelope(r#"{"method":"GET","path":"/orders"}"#).await;
    // The keyring itself lies in the data folder, where its secret belongs.
    fs::rename(&keyring, shop.program.providers_dir().join("kept")).unwrap();
    shop.program.finish().await;
}

async fn a_newer_database_is_refused(engine: Engine) {
    let mut shop = shop(engine).await;
    assert!(shop.program.stop().success());
    let database = Database::of(&shop.program).await;
    database
        .change(
            "insert into schema_migrations select 999, 'tomorrow', checksum from schema_migrations where version = 1",
        )
        .await;
    let told = refused(&shop.program);
    assert!(told.contains("999") && told.contains("use a newer program"), "{told}");
    database.change("delete from schema_migrations where version = 999").await;
    database.close().await;
    shop.program.resume();
    shop.envelope(r#"{"method":"GET","path":"/orders"}"#).await;
    shop.program.finish().await;
}

async fn an_address_in_use_is_told(engine: Engine) {
    let (empty, provider) = (Empty::new(engine).await, EchoProvider::start().await);
    let address = provider.url().replace("http://", "");
    let output = ended(empty.command(&["serve", "--listen", &address]));
    let told = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{told}");
    assert!(told.contains(&format!("cannot listen on {address}: it is in use")), "{told}");
    assert!(told.contains("--listen 127.0.0.1:0"), "{told}");
    // The key that nobody has seen must not have been made: the next start is the first.
    assert!(output.stdout.is_empty());
    let mut server = empty.serve("server");
    server.url();
    assert!(server.stop().0.starts_with("sk_"));
}

#[test]
fn a_data_folder_that_cannot_be_used_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("file");
    fs::write(&file, "").unwrap();
    // Not a folder whose mode forbids it: tests may run as root, whom no mode stops.
    for path in [file.clone(), file.join("below"), "/proc/passthrough".into(), "/sys/passthrough".into()] {
        let mut command = Command::new(BINARY);
        command.env_clear().args(["serve", "--listen", "127.0.0.1:0", "--data-dir"]).arg(&path);
        let output = ended(command);
        let told = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(1), "{told}");
        assert!(told.contains(path.to_str().unwrap()), "{told}");
    }
}
