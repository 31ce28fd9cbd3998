//! What the numbers were measured on.

use std::fs;
use std::process::Command;

use crate::process::find_program;

/// The machine, read before anything is started.
#[derive(Debug)]
pub struct Machine {
    /// Name of the processor.
    pub processor: String,
    /// Cores that this process may use.
    pub cores: usize,
    /// Kernel release.
    pub kernel: String,
    /// Memory in GiB.
    pub memory_gib: f64,
    /// Load average over one minute before the run.
    pub load: String,
    /// The commit that was measured, with `-dirty` where the tree differs from it.
    pub commit: String,
    /// First lines of `--version` and the like.
    pub versions: Vec<String>,
}

impl Machine {
    /// Looks at the machine.
    pub fn read(binary: &str) -> Self {
        let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
        let meminfo = fs::read_to_string("/proc/meminfo").unwrap_or_default();
        let kib: f64 =
            field(&meminfo, "MemTotal").split(' ').next().and_then(|n| n.parse().ok()).unwrap_or(0.0);
        let load = fs::read_to_string("/proc/loadavg").unwrap_or_default();
        let versions = [(binary, "--version"), ("nginx", "-v"), ("haproxy", "-v"), ("wrk", "-v")];
        Self {
            processor: field(&cpuinfo, "model name"),
            cores: std::thread::available_parallelism().map_or(1, Into::into),
            kernel: fs::read_to_string("/proc/sys/kernel/osrelease").unwrap_or_default().trim().to_owned(),
            memory_gib: kib / 1_048_576.0,
            load: load.split(' ').next().unwrap_or("?").to_owned(),
            commit: commit().unwrap_or_else(|| "of no git checkout".to_owned()),
            versions: versions.iter().filter_map(|(program, flag)| version(program, flag)).collect(),
        }
    }

    /// The core of the proxy under test, and those of everything else, as `taskset` takes them.
    pub fn split(&self) -> Cores {
        match self.cores {
            0 | 1 => Cores { proxy: "0".to_owned(), rest: "0".to_owned() },
            2 => Cores { proxy: "0".to_owned(), rest: "1".to_owned() },
            more => Cores { proxy: "0".to_owned(), rest: format!("1-{}", more - 1) },
        }
    }
}

/// Who runs where.
#[derive(Debug, Clone)]
pub struct Cores {
    /// The proxy under test.
    pub proxy: String,
    /// Callers and upstream.
    pub rest: String,
}

fn commit() -> Option<String> {
    let described =
        Command::new("git").args(["describe", "--always", "--dirty", "--exclude", "*"]).output().ok()?;
    let text = String::from_utf8_lossy(&described.stdout).trim().to_owned();
    (described.status.success() && !text.is_empty()).then_some(text)
}

fn field(text: &str, name: &str) -> String {
    let line = text.lines().find(|line| line.starts_with(name));
    line.and_then(|line| line.split_once(':'))
        .map_or_else(|| "?".to_owned(), |(_, value)| value.trim().to_owned())
}

fn version(program: &str, flag: &str) -> Option<String> {
    let path = find_program(program)?;
    let output = Command::new(path).arg(flag).output().ok()?;
    let text = [output.stdout, output.stderr].concat();
    let line = String::from_utf8_lossy(&text).lines().next()?.trim().to_owned();
    Some(line.split(" Copyright").next().unwrap_or_default().to_owned())
}
