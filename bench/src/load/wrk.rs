//! wrk: as many requests as the proxy takes, on a fixed number of sockets.

use std::fs;
use std::path::Path;
use std::process::Command;

use crate::error::{Error, Result, error};
use crate::process::{Process, need_program};
use crate::stage::{Call, Stage};

/// Callers at a time.
pub const CALLERS: usize = 64;

/// What one run gave.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    /// Requests per second.
    pub rate: f64,
    /// Processor microseconds of the proxy per request.
    pub cpu_micros: f64,
    /// Which part of one core the proxy used.
    pub busy: f64,
}

/// What is asked, over and over.
#[derive(Debug)]
pub enum Ask<'a> {
    /// A path through the proxy.
    Get(&'a str),
    /// A path in an envelope.
    Envelope(&'a str),
    /// A path, with the lines of a file in turn: API key and connection token.
    InTurn(&'a str, &'a Path),
}

/// Runs wrk against a proxy. An answer outside 2xx and 3xx, or a broken socket, fails the run.
pub fn run(stage: &Stage, proxy: &Process, call: &Call, ask: &Ask<'_>, seconds: u64) -> Result<Run> {
    run_with(CALLERS, stage, proxy, call, ask, seconds)
}

/// The same with another number of callers.
pub fn run_with(
    callers: usize,
    stage: &Stage,
    proxy: &Process,
    call: &Call,
    ask: &Ask<'_>,
    seconds: u64,
) -> Result<Run> {
    let script = stage.folder.join("wrk.lua");
    fs::write(&script, lua(call, ask))?;
    let mut command = Command::new("taskset");
    command.args(["-c", &stage.cores.rest]).arg(need_program("wrk")?);
    command.args(["-t1", &format!("-c{callers}"), &format!("-d{seconds}s"), "--timeout", "10s", "-s"]);
    command.arg(&script).arg(format!("http://127.0.0.1:{}/", call.port));
    let before = proxy.cpu_seconds();
    let output = command.output()?;
    let cpu = proxy.cpu_seconds() - before;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if text.contains("Non-2xx") || text.contains("Socket errors") || !output.status.success() {
        return error(format!("wrk saw failures:\n{text}{}", String::from_utf8_lossy(&output.stderr)));
    }
    let failed = || Error(format!("wrk said something new:\n{text}"));
    let rate: f64 = after(&text, "Requests/sec:").ok_or_else(failed)?;
    let line = text.lines().find(|line| line.contains(" requests in ")).ok_or_else(failed)?;
    let requests: f64 = line.split_whitespace().next().and_then(|n| n.parse().ok()).ok_or_else(failed)?;
    let elapsed = requests / rate;
    Ok(Run { rate, cpu_micros: cpu / requests * 1e6, busy: cpu / elapsed })
}

fn after(text: &str, label: &str) -> Option<f64> {
    text.split(label).nth(1)?.split_whitespace().next()?.parse().ok()
}

fn lua(call: &Call, ask: &Ask<'_>) -> String {
    let mut script = String::new();
    for (name, value) in &call.headers {
        script.push_str(&format!("wrk.headers[\"{name}\"] = \"{value}\"\n"));
    }
    match ask {
        Ask::Get(path) => script.push_str(&format!("wrk.path = \"{}{path}\"\n", call.prefix)),
        Ask::Envelope(path) => script.push_str(&format!(
            "wrk.method = \"POST\"\nwrk.path = \"/v1/passthrough\"\n\
             wrk.headers[\"Content-Type\"] = \"application/json\"\n\
             wrk.body = '{{\"method\":\"GET\",\"path\":\"{path}\"}}'\n"
        )),
        Ask::InTurn(path, tokens) => script.push_str(&format!(
            "local requests, n = {{}}, 0\n\
             init = function()\n  for line in io.lines(\"{}\") do\n\
             \x20   local key, token = line:match(\"(%S+) (%S+)\")\n\
             \x20   wrk.headers[\"Authorization\"] = \"Bearer \" .. key\n\
             \x20   wrk.headers[\"Connection-Token\"] = token\n\
             \x20   requests[#requests + 1] = wrk.format(\"GET\", \"{}{path}\")\n  end\nend\n\
             request = function() n = n % #requests + 1; return requests[n] end\n",
            tokens.display(),
            call.prefix
        )),
    }
    script
}
