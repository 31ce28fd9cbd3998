//! Who plays: the upstreams, nginx, HAProxy and Passthrough, each as a process of its own on its own cores.

use std::fs;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use crate::error::{Error, Result, error};
use crate::load::http;
use crate::machine::Cores;
use crate::process::Process;

pub mod haproxy;
pub mod nginx;
pub mod passthrough;
mod tls;

/// What every proxy puts into the requests as `Authorization: Bearer …`.
pub const UPSTREAM_KEY: &str = "example-key-4eC39HqLyjWDarjtT1zdp7dcABCD";

/// Which upstream a call ends at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// nginx answering out of its configuration, or a file.
    Plain,
    /// The same behind TLS.
    Tls,
    /// The upstream of ours: large bodies, answers that are held back.
    Own,
    /// The same; nginx then streams instead of buffering. The others always do.
    OwnUnbuffered,
}

/// How a caller reaches an upstream through a proxy.
#[derive(Debug, Clone)]
pub struct Call {
    /// The port on 127.0.0.1.
    pub port: u16,
    /// What stands before the upstream's path.
    pub prefix: String,
    /// What the proxy wants to see.
    pub headers: Vec<(String, String)>,
}

/// A folder, ports and upstreams that live as long as the run.
#[derive(Debug)]
pub struct Stage {
    /// Where everything is written.
    pub folder: PathBuf,
    /// Who runs where.
    pub cores: Cores,
    /// The program to measure.
    pub binary: PathBuf,
    /// nginx as upstream.
    pub plain_port: u16,
    /// The same with TLS.
    pub tls_port: u16,
    /// The own upstream.
    pub own_port: u16,
    upstreams: Vec<Process>,
}

impl Stage {
    /// Makes the folder and starts the upstreams.
    pub fn set(binary: &Path, cores: Cores) -> Result<Self> {
        let binary =
            binary.canonicalize().map_err(|_| Error(format!("{} is not there", binary.display())))?;
        let folder = std::env::temp_dir().join(format!("passthrough-bench-{}", std::process::id()));
        fs::create_dir(&folder)?;
        let [plain_port, tls_port, own_port] = free_ports()?;
        let mut stage = Self { folder, cores, binary, plain_port, tls_port, own_port, upstreams: Vec::new() };
        tls::make_certificate(&stage.folder)?;
        let plain = nginx::start_upstream(&stage)?;
        stage.upstreams.push(plain);
        let mut own = Command::new(std::env::current_exe()?);
        own.args(["upstream", &own_port.to_string()]);
        let own = Process::start(&stage.cores.rest, &own, &stage.log("own-upstream"))?;
        stage.upstreams.push(own);
        for port in [plain_port, tls_port, own_port] {
            stage.wait_for(port)?;
        }
        Ok(stage)
    }

    /// A log file.
    pub fn log(&self, name: &str) -> PathBuf {
        self.folder.join(format!("{name}.log"))
    }

    /// Waits until somebody listens.
    pub fn wait_for(&self, port: u16) -> Result<()> {
        let began = Instant::now();
        while http::connect(port).is_err() {
            if began.elapsed() > Duration::from_secs(20) {
                return error(format!("nobody listens on port {port}:\n{}", self.logs()));
            }
            thread::sleep(Duration::from_millis(5));
        }
        Ok(())
    }

    /// The ends of all logs, for when something does not come up.
    fn logs(&self) -> String {
        let mut all = String::new();
        for entry in fs::read_dir(&self.folder).into_iter().flatten().flatten() {
            if entry.path().extension().is_some_and(|extension| extension == "log") {
                let text = fs::read_to_string(entry.path()).unwrap_or_default();
                let lines: Vec<&str> = text.lines().rev().take(5).collect();
                for line in lines.iter().rev() {
                    all.push_str(&format!("{}: {line}\n", entry.file_name().to_string_lossy()));
                }
            }
        }
        all
    }

    /// The call that goes straight to an upstream.
    pub fn direct(&self, way: Way) -> Call {
        let port = match way {
            Way::Plain => self.plain_port,
            Way::Tls => self.tls_port,
            Way::Own | Way::OwnUnbuffered => self.own_port,
        };
        Call { port, prefix: String::new(), headers: Vec::new() }
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        self.upstreams.clear();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Ports that are free now. All are held until all are known, so that none comes twice.
pub fn free_ports<const N: usize>() -> Result<[u16; N]> {
    let mut listeners = Vec::new();
    let mut ports = [0; N];
    for port in &mut ports {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        *port = listener.local_addr()?.port();
        listeners.push(listener);
    }
    Ok(ports)
}
