//! The program itself, as a process of its own: started, asked, stopped, killed, and searched for secrets.
//!
//! Every secret of a test is a canary (see [`canary`]). When a program ends, its whole output (at debug
//! level) and every byte of its database are searched for canaries and for the tokens that it issued, in
//! all spellings. So each test of the suite is a test that nothing leaks.

use std::fs;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::http::{Response, send};

mod leaks;
mod setup;

pub use self::setup::{Engine, Setup};

/// What every secret of a test begins with.
pub const CANARY: &str = "cnryQx7Zk9";

/// A secret that is searched for afterwards, different at each call and in each process: real servers are
/// shared by all tests, and two of them must not register the same name.
pub fn canary(name: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    format!("{CANARY}{name}{}n{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// A running (or stopped) program with its folder and database.
#[derive(Debug)]
pub struct Program {
    binary: PathBuf,
    variables: Vec<(String, String)>,
    ulimit: Option<String>,
    folder: TempDir,
    database_url: Option<String>,
    child: Option<Child>,
    /// `http://127.0.0.1:PORT`.
    pub url: String,
    /// An API key of the environment `default`.
    pub key: String,
    secrets: Vec<String>,
}

/// One more server on the database of a [`Program`], into the same log. Ends when dropped.
#[derive(Debug)]
pub struct SecondServer {
    child: Child,
    /// `http://127.0.0.1:PORT`.
    pub url: String,
}

impl Drop for SecondServer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connection that a test made.
#[derive(Debug, Clone)]
pub struct Connected {
    /// `conn_…`.
    pub id: String,
    /// `con_tkn_…`.
    pub token: String,
}

impl Program {
    /// The data folder.
    pub fn data_dir(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    /// The URL of its PostgreSQL database, where it has one.
    pub fn database_url(&self) -> Option<&str> {
        self.database_url.as_deref()
    }

    /// The folder of its provider files.
    pub fn providers_dir(&self) -> PathBuf {
        self.folder.path().join("providers")
    }

    fn log_path(&self) -> PathBuf {
        self.folder.path().join("program.log")
    }

    /// Everything that it has printed so far.
    pub fn log(&self) -> String {
        fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// The process id of the server.
    ///
    /// # Panics
    /// Where it does not run.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().expect("the program runs").id()
    }

    /// A command of the program on the same folder and database.
    pub fn command(&self, arguments: &[&str]) -> Command {
        self.command_as(Command::new(&self.binary), arguments)
    }

    fn command_as(&self, command: Command, arguments: &[&str]) -> Command {
        self.command_in(&self.data_dir(), command, arguments)
    }

    fn command_in(&self, data_dir: &Path, mut command: Command, arguments: &[&str]) -> Command {
        command.env_clear().envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.args(arguments);
        if !matches!(
            arguments.first(),
            Some(&"request" | &"requests" | &"connection" | &"integration" | &"link" | &"event" | &"webhook")
        ) {
            command.arg("--data-dir").arg(data_dir);
            if let Some(url) = &self.database_url {
                command.arg("--database-url").arg(url);
            }
        }
        command
    }

    /// Makes an API key with the command line.
    ///
    /// # Panics
    /// Where the command fails.
    pub fn create_key(&mut self, environment: &str) -> String {
        let output = self.command(&["key", "create", "test", "--environment", environment]).output();
        let output = output.expect("the program can be started");
        assert!(output.status.success(), "key create: {}", String::from_utf8_lossy(&output.stderr));
        let key = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        self.secrets.push(key.clone());
        key
    }

    /// Starts the server again on what it left behind.
    ///
    /// # Panics
    /// Where it does not come up within 20 seconds.
    pub fn resume(&mut self) {
        let (child, url) = self.serve(&self.data_dir());
        self.url = url;
        self.child = Some(child);
    }

    /// Starts one more server on the same database, as a second process of one installation.
    ///
    /// # Panics
    /// Where it does not come up within 20 seconds.
    pub fn second_server(&self) -> SecondServer {
        let (child, url) = self.serve(&self.data_dir());
        SecondServer { child, url }
    }

    /// The same as on another machine: with a data folder of its own, and a copy of the key file in it.
    ///
    /// # Panics
    /// Where it does not come up within 20 seconds.
    pub fn second_machine(&self) -> SecondServer {
        let other = self.folder.path().join("other");
        fs::create_dir(&other).expect("a data folder");
        fs::copy(self.data_dir().join("keyring.toml"), other.join("keyring.toml")).expect("a key file");
        let (child, url) = self.serve(&other);
        SecondServer { child, url }
    }

    fn serve(&self, data_dir: &Path) -> (Child, String) {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.log_path()).expect("a log file");
        let providers = self.providers_dir();
        let mut command = Command::new(&self.binary);
        if let Some(limit) = &self.ulimit {
            // A shell lowers the limit and becomes the program.
            command = Command::new("/bin/sh");
            command.arg("-c").arg(format!("ulimit {limit} && exec \"$0\" \"$@\"")).arg(&self.binary);
        }
        let mut command = self.command_in(data_dir, command, &["serve", "--listen", "127.0.0.1:0"]);
        command.arg("--providers").arg(providers);
        command.stdin(Stdio::null()).stdout(log.try_clone().expect("a second handle")).stderr(log);
        let before = self.log().len();
        let mut child = command.spawn().expect("the program can be started");
        let began = Instant::now();
        loop {
            let log = self.log();
            let line = log[before..].lines().find_map(|line| line.split("listening on ").nth(1));
            if let Some(url) = line.and_then(|rest| rest.split_whitespace().next()) {
                return (child, url.to_owned());
            }
            if let Ok(Some(status)) = child.try_wait() {
                panic!("the program ended at its start ({status}):\n{log}");
            }
            assert!(began.elapsed() < Duration::from_secs(20), "the program does not come up:\n{log}");
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Ends it without a warning, as a power cut would.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            let _ = child.kill();
            let _ = child.wait();
        }
    }

    /// Asks it to stop and waits for its end.
    ///
    /// # Panics
    /// Where it does not end within 40 seconds.
    pub fn stop(&mut self) -> ExitStatus {
        self.terminate();
        self.ended_within(Duration::from_secs(40)).expect("the program stops")
    }

    /// Asks it to stop.
    ///
    /// # Panics
    /// Where it does not run.
    pub fn terminate(&self) {
        self.signal("-TERM");
    }

    /// Lets it stand still.
    ///
    /// # Panics
    /// Where it does not run.
    pub fn suspend(&self) {
        self.signal("-STOP");
    }

    /// Lets it go on after [`Self::suspend`].
    ///
    /// # Panics
    /// Where it does not run.
    pub fn go_on(&self) {
        self.signal("-CONT");
    }

    fn signal(&self, signal: &str) {
        Command::new("kill").args([signal, &self.pid().to_string()]).status().expect("kill can be started");
    }

    /// Waits for its end; `None` where it does not come in time.
    ///
    /// # Panics
    /// Where it does not run.
    pub fn ended_within(&mut self, time: Duration) -> Option<ExitStatus> {
        let began = Instant::now();
        loop {
            let child = self.child.as_mut().expect("the program runs");
            if let Some(status) = child.try_wait().expect("a child can be waited for") {
                self.child = None;
                return Some(status);
            }
            if began.elapsed() > time {
                return None;
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// A request to its API with the key of `default`.
    pub async fn api(&self, method: &str, path: &str, body: &str) -> Response {
        let authorization = format!("Bearer {}", self.key);
        let headers = [("authorization", authorization.as_str()), ("content-type", "application/json")];
        send(method, &format!("{}{path}", self.url), &headers, body.to_owned()).await
    }

    /// A request on a connection with the key of `default` and headers of one's own.
    pub async fn on(
        &self,
        connection: &Connected,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<bytes::Bytes>,
    ) -> Response {
        let authorization = format!("Bearer {}", self.key);
        let mut all =
            vec![("authorization", authorization.as_str()), ("connection-token", connection.token.as_str())];
        all.extend_from_slice(headers);
        send(method, &format!("{}{path}", self.url), &all, body).await
    }

    /// Makes a connection from the JSON of its request.
    ///
    /// # Panics
    /// Where it is refused.
    pub async fn connect(&mut self, request: &str) -> Connected {
        let response = self.api("POST", "/v1/connections", request).await;
        let text = response.text();
        assert_eq!(response.status, 201, "{text}");
        let connection = Connected { id: member(&text, "id"), token: member(&text, "token") };
        self.secrets.push(connection.token.clone());
        connection
    }

    /// Takes a token into the search for leaks.
    pub fn watch(&mut self, secret: &str) {
        self.secrets.push(secret.to_owned());
    }

    /// Stops it, if it runs, and searches what it left behind.
    ///
    /// # Panics
    /// Where it does not end cleanly, or where a secret is found.
    pub async fn finish(mut self) {
        if self.child.is_some() {
            let status = self.stop();
            assert!(status.success(), "the program ended with {status}:\n{}", self.log());
        }
        self.assert_no_leak().await;
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            let tail: Vec<String> = tail(&self.log_path(), 40);
            eprintln_lines(&tail);
        }
    }
}

#[expect(clippy::print_stderr, reason = "what a failing test has to say")]
fn eprintln_lines(lines: &[String]) {
    for line in lines {
        eprintln!("program: {line}");
    }
}

fn tail(path: &Path, count: usize) -> Vec<String> {
    let Ok(file) = fs::File::open(path) else { return Vec::new() };
    let lines: Vec<String> = BufReader::new(file).lines().map_while(Result::ok).collect();
    lines[lines.len().saturating_sub(count)..].to_vec()
}

/// A string member of a flat JSON object, for those who do not want to parse it.
fn member(json: &str, name: &str) -> String {
    let marker = format!("\"{name}\":\"");
    let rest = json.split(&marker).nth(1).unwrap_or_else(|| panic!("no {name} in {json}"));
    rest.split('"').next().unwrap_or_default().to_owned()
}
