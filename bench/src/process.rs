//! Processes that are measured: started on given cores, watched through `/proc`, ended for certain.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

use crate::error::{Error, Result};

/// How long a process may take to end before it is killed.
const PATIENCE: Duration = Duration::from_secs(30);

/// A running process with its children (nginx's workers). Ends when dropped.
#[derive(Debug)]
pub struct Process {
    child: Child,
}

impl Process {
    /// Starts a program on some cores; what it prints goes into a file. It is told to end when this thread does,
    /// however that comes about: who kills a run must not find its servers still there.
    pub fn start(cores: &str, command: &Command, log: &Path) -> Result<Self> {
        let log = fs::OpenOptions::new().create(true).append(true).open(log)?;
        let mut pinned = Command::new("setpriv");
        pinned.args(["--pdeathsig", "TERM", "taskset", "-c", cores]);
        pinned.arg(command.get_program()).args(command.get_args());
        for (name, value) in command.get_envs() {
            match value {
                Some(value) => pinned.env(name, value),
                None => pinned.env_remove(name),
            };
        }
        pinned.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
        let child = pinned.spawn().map_err(|error| Error(format!("setpriv cannot be started: {error}")))?;
        Ok(Self { child })
    }

    /// The id of the process itself.
    pub fn id(&self) -> u32 {
        self.child.id()
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.child.try_wait(), Ok(None))
    }

    fn ids(&self) -> Vec<u32> {
        let id = self.id();
        let children = fs::read_to_string(format!("/proc/{id}/task/{id}/children")).unwrap_or_default();
        std::iter::once(id).chain(children.split_whitespace().filter_map(|id| id.parse().ok())).collect()
    }

    /// Processor seconds so far, of all threads and children.
    pub fn cpu_seconds(&self) -> f64 {
        self.ids().into_iter().map(cpu_seconds).sum()
    }

    /// Resident memory in MiB, children included; pages that they share are counted for each.
    pub fn rss_mib(&self) -> f64 {
        self.ids().into_iter().map(rss_mib).sum()
    }

    /// The most resident memory while something goes on.
    pub fn peak_rss_while<T>(&self, work: impl FnOnce() -> T) -> (T, f64) {
        let done = Arc::new(AtomicBool::new(false));
        let (ids, watching) = (self.ids(), Arc::clone(&done));
        let watcher = thread::spawn(move || {
            let mut peak = 0.0_f64;
            while !watching.load(Ordering::Relaxed) {
                peak = peak.max(ids.iter().copied().map(rss_mib).sum());
                thread::sleep(Duration::from_millis(4));
            }
            peak
        });
        let outcome = work();
        let after = self.rss_mib();
        done.store(true, Ordering::Relaxed);
        (outcome, watcher.join().unwrap_or(0.0).max(after))
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        if let Some(pid) = i32::try_from(self.id()).ok().and_then(Pid::from_raw) {
            let _ = kill_process(pid, Signal::TERM);
        }
        let began = Instant::now();
        while began.elapsed() < PATIENCE {
            if self.has_ended() {
                return;
            }
            thread::sleep(Duration::from_millis(5));
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn cpu_seconds(id: u32) -> f64 {
    let stat = fs::read_to_string(format!("/proc/{id}/stat")).unwrap_or_default();
    // The name in parentheses may hold spaces. After it, user and system time are the 12th and 13th word.
    let after = stat.rsplit_once(')').map_or("", |(_, rest)| rest);
    let ticks: u64 =
        after.split_whitespace().skip(11).take(2).filter_map(|word| word.parse::<u64>().ok()).sum();
    ticks as f64 / rustix::param::clock_ticks_per_second() as f64
}

fn rss_mib(id: u32) -> f64 {
    let status = fs::read_to_string(format!("/proc/{id}/status")).unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kib = line.and_then(|line| line.split_whitespace().next()).and_then(|kib| kib.parse::<f64>().ok());
    kib.unwrap_or(0.0) / 1024.0
}

#[expect(clippy::disallowed_methods, reason = "where programs are is a matter of the environment")]
fn search_path() -> String {
    std::env::var("PATH").unwrap_or_default()
}

/// Where a program is; Debian keeps servers outside a user's search path.
pub fn find_program(name: &str) -> Option<PathBuf> {
    if name.contains('/') {
        return Path::new(name).is_file().then(|| name.into());
    }
    let path = search_path();
    let folders = path.split(':').chain(["/usr/sbin", "/usr/local/sbin"]);
    folders.map(|folder| Path::new(folder).join(name)).find(|path| path.is_file())
}

/// Like [`find_program`], for what the run cannot do without.
pub fn need_program(name: &str) -> Result<PathBuf> {
    find_program(name)
        .ok_or_else(|| Error(format!("{name} was not found; `scripts/install-needs bench` installs it")))
}

/// How many files this process, and those that it starts, may hold open.
pub fn open_files() -> u64 {
    rustix::process::getrlimit(rustix::process::Resource::Nofile).current.unwrap_or(u64::MAX)
}

/// Puts this process on some cores; the processes that it starts choose their own.
pub fn stay_on(cores: &str) -> Result<()> {
    let own = std::process::id().to_string();
    let output = Command::new("taskset").args(["-a", "-c", "-p", cores, &own]).output()?;
    if output.status.success() { Ok(()) } else { Err(Error("taskset failed".to_owned())) }
}

/// Where the kernel weighs whole sessions against each other, the weight of this one.
const SESSION: &str = "/proc/self/autogroup";

/// While it lives, this process and those that it starts go before other work on the machine. Only root may.
#[derive(Debug)]
pub struct Precedence {
    /// Whether it worked.
    pub is_granted: bool,
    session_before: Option<String>,
}

impl Precedence {
    /// Asks for it.
    pub fn take() -> Self {
        let is_granted = rustix::process::nice(-15).is_ok();
        let session = fs::read_to_string(SESSION).ok();
        let before =
            session.and_then(|text| text.rsplit_once("nice ").map(|(_, nice)| nice.trim().to_owned()));
        let session_before = before.filter(|_| is_granted && fs::write(SESSION, "-15").is_ok());
        Self { is_granted, session_before }
    }
}

impl Drop for Precedence {
    fn drop(&mut self) {
        if let Some(before) = &self.session_before {
            let _ = fs::write(SESSION, before);
        }
    }
}
