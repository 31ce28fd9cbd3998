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

use sqlx::Row;
use tempfile::TempDir;

use crate::http::{Response, send};
use crate::postgres::Postgres;

/// What every secret of a test begins with.
pub const CANARY: &str = "cnryQx7Zk9";

/// A secret that is searched for afterwards, different at each call and in each process: real servers are
/// shared by all tests, and two of them must not register the same name.
pub fn canary(name: &str) -> String {
    static COUNT: AtomicU64 = AtomicU64::new(1);
    format!("{CANARY}{name}{}n{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed))
}

/// Which database a program uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    /// The embedded one.
    Sqlite,
    /// A database of its own in a real PostgreSQL.
    Postgres,
}

/// How to start a program.
#[derive(Debug)]
pub struct Setup {
    binary: PathBuf,
    engine: Engine,
    variables: Vec<(String, String)>,
    providers: Vec<(String, String)>,
    open_files: Option<u32>,
}

impl Setup {
    /// A program with loopback opened, as a process of `binary`.
    pub fn new(binary: &str, engine: Engine) -> Self {
        let open = [
            ("PASSTHROUGH_UPSTREAM__ALLOW", "127.0.0.0/8,::1/128"),
            ("PASSTHROUGH_UPSTREAM__ALLOW_HTTP", "127.0.0.0/8,::1/128"),
            ("PASSTHROUGH_FIRST_API_KEY", "false"),
            ("PASSTHROUGH_LOG", "debug"),
            // Whatever can be written to the log is to be searched for secrets.
            ("PASSTHROUGH_LOG__CALLS", "all"),
        ];
        let variables = open.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Self { binary: binary.into(), engine, variables, providers: Vec::new(), open_files: None }
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Adds a provider file.
    #[must_use]
    pub fn provider(mut self, code: &str, toml: &str) -> Self {
        self.providers.push((code.to_owned(), toml.to_owned()));
        self
    }

    /// Lets the server have so many files and sockets open, and no more.
    #[must_use]
    pub fn open_files(mut self, most: u32) -> Self {
        self.open_files = Some(most);
        self
    }

    /// Starts it in a new folder with a new database, and makes an API key of the environment `default`.
    ///
    /// # Panics
    /// Where it does not come up.
    pub async fn start(self) -> Program {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let providers = folder.path().join("providers");
        fs::create_dir(&providers).expect("a folder for provider files");
        for (code, toml) in &self.providers {
            fs::write(providers.join(format!("{code}.toml")), toml).expect("a provider file");
        }
        let database_url = match self.engine {
            Engine::Sqlite => None,
            Engine::Postgres => Some(Postgres::shared().await.fresh_database().await),
        };
        let mut program = Program {
            binary: self.binary,
            variables: self.variables,
            open_files: self.open_files,
            folder,
            database_url,
            child: None,
            url: String::new(),
            key: String::new(),
            secrets: Vec::new(),
        };
        program.key = program.create_key("default");
        program.resume();
        program
    }
}

/// A running (or stopped) program with its folder and database.
#[derive(Debug)]
pub struct Program {
    binary: PathBuf,
    variables: Vec<(String, String)>,
    open_files: Option<u32>,
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

    fn command_as(&self, mut command: Command, arguments: &[&str]) -> Command {
        command.env_clear().envs(self.variables.iter().map(|(name, value)| (name, value)));
        command.args(arguments);
        if !matches!(arguments.first(), Some(&"request" | &"requests" | &"connection")) {
            command.arg("--data-dir").arg(self.data_dir());
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
        let (child, url) = self.serve();
        self.url = url;
        self.child = Some(child);
    }

    /// Starts one more server on the same database, as a second process of one installation.
    ///
    /// # Panics
    /// Where it does not come up within 20 seconds.
    pub fn second_server(&self) -> SecondServer {
        let (child, url) = self.serve();
        SecondServer { child, url }
    }

    fn serve(&self) -> (Child, String) {
        let log = fs::OpenOptions::new().create(true).append(true).open(self.log_path()).expect("a log file");
        let providers = self.providers_dir();
        let mut command = Command::new(&self.binary);
        if let Some(most) = self.open_files {
            // A shell lowers the limit and becomes the program.
            command = Command::new("/bin/sh");
            command.arg("-c").arg(format!("ulimit -n {most} && exec \"$0\" \"$@\"")).arg(&self.binary);
        }
        let mut command = self.command_as(command, &["serve", "--listen", "127.0.0.1:0"]);
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
        let mut child = self.child.take().expect("the program runs");
        let pid = child.id().to_string();
        Command::new("kill").args(["-TERM", &pid]).status().expect("kill can be started");
        let began = Instant::now();
        loop {
            if let Some(status) = child.try_wait().expect("a child can be waited for") {
                return status;
            }
            assert!(began.elapsed() < Duration::from_secs(40), "the program does not stop");
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

    /// Searches everything that the program has written for secrets.
    ///
    /// # Panics
    /// Where one is found.
    pub async fn assert_no_leak(&self) {
        let mut haystacks = vec![("the output".to_owned(), self.log().into_bytes())];
        for entry in fs::read_dir(self.data_dir()).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            haystacks.push((name, fs::read(entry.path()).unwrap_or_default()));
        }
        if let Some(url) = &self.database_url {
            haystacks.push(("the database".to_owned(), dump(url).await));
        }
        let needles: Vec<String> =
            std::iter::once(CANARY).map(str::to_owned).chain(self.token_secrets()).collect();
        for needle in needles.iter().flat_map(|needle| spellings(needle)) {
            for (name, bytes) in &haystacks {
                let found = bytes.windows(needle.len()).position(|window| window == needle.as_slice());
                if let Some(at) = found {
                    let from = at.saturating_sub(200);
                    let around =
                        String::from_utf8_lossy(&bytes[from..(at + 60).min(bytes.len())]).into_owned();
                    panic!("a secret leaked into {name}: …{around}…");
                }
            }
        }
    }

    /// The secret parts of the tokens: their ids may be logged.
    fn token_secrets(&self) -> impl Iterator<Item = String> + '_ {
        self.secrets.iter().map(|token| token[token.len().saturating_sub(40)..].to_owned())
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

/// Plain, hexadecimal (as PostgreSQL shows bytes), and base64 at its three alignments.
fn spellings(secret: &str) -> Vec<Vec<u8>> {
    let bytes = secret.as_bytes();
    let mut all = vec![bytes.to_vec()];
    all.push(bytes.iter().flat_map(|byte| format!("{byte:02x}").into_bytes()).collect());
    for skip in 0..3 {
        let shifted: Vec<u8> = std::iter::repeat_n(0, skip).chain(bytes.iter().copied()).collect();
        let encoded = data_encoding::BASE64_NOPAD.encode(&shifted);
        let (first, last) = ((skip * 8).div_ceil(6), shifted.len() * 8 / 6);
        all.push(encoded.as_bytes()[first..last].to_vec());
    }
    all
}

/// Every row of every table of a PostgreSQL database, as text.
async fn dump(url: &str) -> Vec<u8> {
    let pool = sqlx::PgPool::connect(url).await.expect("the database can be read");
    let tables = sqlx::query("select tablename::text as name from pg_tables where schemaname = 'public'");
    let tables = tables.fetch_all(&pool).await.expect("the tables can be listed");
    let mut out = Vec::new();
    for table in tables {
        let name: String = table.get("name");
        let sql = format!("select t::text as row from \"{name}\" t");
        let rows = sqlx::query(sqlx::AssertSqlSafe(sql)).fetch_all(&pool).await.expect("a table can be read");
        for row in rows {
            out.extend_from_slice(row.get::<String, _>("row").as_bytes());
            out.push(b'\n');
        }
    }
    pool.close().await;
    out
}

/// A string member of a flat JSON object, for those who do not want to parse it.
fn member(json: &str, name: &str) -> String {
    let marker = format!("\"{name}\":\"");
    let rest = json.split(&marker).nth(1).unwrap_or_else(|| panic!("no {name} in {json}"));
    rest.split('"').next().unwrap_or_default().to_owned()
}
