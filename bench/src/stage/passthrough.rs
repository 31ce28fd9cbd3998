//! Passthrough, as users start it: the program, a data folder, a provider file for each upstream, an API key.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use super::{Call, Stage, UPSTREAM_KEY, Way, free_ports};
use crate::error::{Error, Result, error};
use crate::load::http;
use crate::process::Process;

/// What is set apart from the defaults, in all rows. The limits on calls in flight are for many customers'
/// connections; here all calls are on one. A line of log for each call stays off, as nginx's access log does.
pub const SETTINGS: [(&str, &str); 6] = [
    ("PASSTHROUGH_LOG", "warn"),
    ("PASSTHROUGH_UPSTREAM__ALLOW", "127.0.0.0/8"),
    ("PASSTHROUGH_UPSTREAM__ALLOW_HTTP", "127.0.0.0/8"),
    ("PASSTHROUGH_UPSTREAM__MAX_IN_FLIGHT", "20000"),
    ("PASSTHROUGH_UPSTREAM__MAX_IN_FLIGHT_PER_ORIGIN", "20000"),
    ("PASSTHROUGH_UPSTREAM__MAX_IN_FLIGHT_PER_CONNECTION", "20000"),
];

const WORKERS: &str = "PASSTHROUGH_SERVER__WORKERS";
const TEMPLATE: &str = "template";
/// The folder of the provider files.
const PROVIDERS: &str = "providers";

/// A data folder with an API key and a connection to each upstream. Rows work on copies of it.
#[derive(Debug)]
pub struct Template {
    folder: PathBuf,
    /// The API key.
    pub key: String,
    tokens: [String; 3],
}

/// A running server.
#[derive(Debug)]
pub struct Passthrough {
    /// The process.
    pub process: Process,
    /// Its port.
    pub port: u16,
    /// The API key.
    pub key: String,
    tokens: [String; 3],
    // After the process, because fields are dropped in this order.
    _data: Folder,
}

/// A data folder that goes with its server: it may hold millions of records.
#[derive(Debug)]
pub struct Folder(pub PathBuf);

impl Drop for Folder {
    fn drop(&mut self) {
        if self.0.file_name().is_some_and(|name| name != TEMPLATE) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }
}

impl Template {
    /// Makes it with the command line and the API.
    pub fn make(stage: &Stage) -> Result<Self> {
        let providers = stage.folder.join(PROVIDERS);
        fs::create_dir(&providers)?;
        let upstreams = [
            ("bench-plain", format!("http://127.0.0.1:{}", stage.plain_port)),
            ("bench-tls", format!("https://127.0.0.1:{}", stage.tls_port)),
            ("bench-own", format!("http://127.0.0.1:{}", stage.own_port)),
        ];
        for (code, url) in &upstreams {
            fs::write(providers.join(format!("{code}.toml")), provider_file(url))?;
        }
        let folder = stage.folder.join(TEMPLATE);
        let mut command = Command::new(&stage.binary);
        command.args(["key", "create", "bench", "--environment", "default", "--data-dir"]).arg(&folder);
        let output = command.env_clear().output()?;
        if !output.status.success() {
            return error(format!("key create: {}", String::from_utf8_lossy(&output.stderr)));
        }
        let key = String::from_utf8_lossy(&output.stdout).trim().to_owned();
        let mut template = Self { folder, key, tokens: Default::default() };
        let running = template.serve(stage, template.folder.clone(), &[])?;
        for (token, (code, _)) in template.tokens.iter_mut().zip(&upstreams) {
            *token = running.connect(code)?;
        }
        drop(running);
        Ok(template)
    }

    /// Starts a server on a copy of it, with more settings.
    pub fn start(&self, stage: &Stage, settings: &[(&str, &str)]) -> Result<Passthrough> {
        let data = self.copy(stage)?;
        self.serve(stage, data, settings)
    }

    /// A copy of the data folder.
    pub fn copy(&self, stage: &Stage) -> Result<PathBuf> {
        let [number] = free_ports::<1>()?;
        let data = stage.folder.join(format!("data-{number}"));
        fs::create_dir(&data)?;
        for entry in fs::read_dir(&self.folder)?.flatten() {
            // The spool is a folder, and empty: nothing is renewed here.
            if entry.file_type()?.is_file() {
                fs::copy(entry.path(), data.join(entry.file_name()))?;
            }
        }
        Ok(data)
    }

    /// The command that serves a data folder.
    pub fn command(&self, stage: &Stage, data: &Path, port: u16, settings: &[(&str, &str)]) -> Command {
        let mut command = Command::new(&stage.binary);
        command.args(["serve", "--listen", &format!("127.0.0.1:{port}"), "--data-dir"]).arg(data);
        command.arg("--providers").arg(stage.folder.join(PROVIDERS));
        command.env_clear().envs(SETTINGS).env("PASSTHROUGH_FIRST_API_KEY", "false");
        command.env("PASSTHROUGH_UPSTREAM__CA_FILE", stage.folder.join(super::tls::CERTIFICATE));
        if has_workers(&stage.binary) {
            command.env(WORKERS, "1");
        } else {
            command.env("TOKIO_WORKER_THREADS", "1");
        }
        command.envs(settings.iter().copied());
        command
    }

    fn serve(&self, stage: &Stage, data: PathBuf, settings: &[(&str, &str)]) -> Result<Passthrough> {
        let [port] = free_ports()?;
        let command = self.command(stage, &data, port, settings);
        let process = Process::start(&stage.cores.proxy, &command, &stage.log("passthrough"))?;
        let (key, tokens) = (self.key.clone(), self.tokens.clone());
        let running = Passthrough { process, port, key, tokens, _data: Folder(data) };
        stage.wait_for(port)?;
        Ok(running)
    }

    /// How a caller reaches an upstream through a server on some port.
    pub fn call(&self, port: u16, way: Way) -> Call {
        call(port, way, &self.key, &self.tokens)
    }
}

impl Passthrough {
    /// How a caller reaches an upstream through it.
    pub fn call(&self, way: Way) -> Call {
        call(self.port, way, &self.key, &self.tokens)
    }

    /// Makes a connection and returns its token.
    pub fn connect(&self, provider: &str) -> Result<String> {
        self.connect_on(&mut http::connect(self.port)?, provider)
    }

    /// The same on a socket that is used again.
    pub fn connect_on(&self, socket: &mut http::Socket, provider: &str) -> Result<String> {
        let body = format!("{{\"provider\":\"{provider}\",\"credentials\":{{\"key\":\"{UPSTREAM_KEY}\"}}}}");
        self.made(socket, "/v1/connections", &body, "token")
    }

    /// Makes one more API key.
    pub fn create_key(&self, socket: &mut http::Socket) -> Result<String> {
        self.made(socket, "/v1/api-keys", "{\"name\":\"bench\"}", "key")
    }

    /// Posts JSON and takes one string out of the answer.
    fn made(&self, socket: &mut http::Socket, path: &str, body: &str, member: &str) -> Result<String> {
        let head = format!(
            "POST {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\n\r\n",
            self.key,
            body.len()
        );
        let answer = socket.exchange(&(head + body))?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let value = text.split(&format!("\"{member}\":\"")).nth(1).and_then(|rest| rest.split('"').next());
        value.map(str::to_owned).ok_or_else(|| Error(format!("{path} made nothing: {text}")))
    }
}

fn call(port: u16, way: Way, key: &str, tokens: &[String; 3]) -> Call {
    let token = match way {
        Way::Plain => &tokens[0],
        Way::Tls => &tokens[1],
        Way::Own | Way::OwnUnbuffered => &tokens[2],
    };
    let headers = vec![
        ("Authorization".to_owned(), format!("Bearer {key}")),
        ("Connection-Token".to_owned(), token.clone()),
    ];
    Call { port, prefix: "/v1/proxy".to_owned(), headers }
}

/// Adds provider files that nobody uses.
pub fn add_providers(stage: &Stage, count: usize) -> Result<()> {
    for number in 0..count {
        let path = stage.folder.join(PROVIDERS).join(format!("spare-{number}.toml"));
        fs::write(path, provider_file(&format!("https://spare-{number}.example.com")))?;
    }
    Ok(())
}

fn provider_file(url: &str) -> String {
    format!(
        "name = \"Bench\"\nbase_url = \"{url}\"\n[auth.key]\ngrant = \"static\"\nfields.key.secret = true\n\
         inject.headers.authorization = \"Bearer {{key}}\"\n"
    )
}

/// Whether the program has a setting for the number of its workers.
fn has_workers(binary: &Path) -> bool {
    let output = Command::new(binary).args(["serve", "--print-config"]).env_clear().output();
    output.is_ok_and(|output| {
        String::from_utf8_lossy(&output.stdout).lines().any(|line| line.starts_with("workers"))
    })
}
