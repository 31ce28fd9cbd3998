//! Resident memory: at rest, with many idle callers, with many calls in flight.

use std::thread;
use std::time::{Duration, Instant};

use super::Run;
use crate::error::{Error, Result, error};
use crate::load::{crowd, http};
use crate::measure::{Goal, Line};
use crate::process::{Process, open_files};
use crate::stage::nginx::Nginx;
use crate::stage::{Call, Way};

const IDLE: usize = 10_000;
const IN_FLIGHT: usize = 9_000;

/// One process each; each state is reached once.
pub fn resident(run: &Run<'_>) -> Result<Vec<Line>> {
    let needed = 2 * IN_FLIGHT as u64 + 500;
    if open_files() < needed {
        return error(format!("{needed} open files are needed, {} are allowed (ulimit -n)", open_files()));
    }
    let mut lines = vec![
        Line::new("memory after a first call", "MiB", Goal::AtMost(20.0)),
        Line::new("memory with 10,000 idle callers", "MiB", Goal::AtMost(120.0)),
        Line::new("memory with 9,000 calls in flight", "MiB", Goal::AtMost(320.0)),
    ];
    run.say("memory of nginx");
    let nginx = Nginx::start(run.stage)?;
    let theirs = states(run, &nginx.process, &nginx.call(Way::Own))?;
    drop(nginx);
    run.say("memory of Passthrough");
    let ours = run.template.start(run.stage, &[])?;
    let mine = states(run, &ours.process, &ours.call(Way::Own))?;
    for ((line, theirs), mine) in lines.iter_mut().zip(theirs).zip(mine) {
        line.nginx.push(theirs);
        line.ours.push(mine);
    }
    Ok(lines)
}

fn states(run: &Run<'_>, process: &Process, call: &Call) -> Result<[f64; 3]> {
    drop(crowd::idle(call, 1)?);
    thread::sleep(Duration::from_secs(1));
    let rest = process.rss_mib();
    let callers = crowd::idle(call, IDLE)?;
    thread::sleep(Duration::from_secs(1));
    let idle = process.rss_mib();
    drop(callers);
    thread::sleep(Duration::from_secs(1));
    let callers = crowd::waiting(call, IN_FLIGHT)?;
    wait_for_held(run)?;
    let in_flight = process.rss_mib();
    http::get(&run.stage.direct(Way::Own), "/release")?;
    crowd::served(callers)?;
    Ok([rest, idle, in_flight])
}

/// Waits until all calls have reached the upstream.
fn wait_for_held(run: &Run<'_>) -> Result<()> {
    let began = Instant::now();
    loop {
        let answer = http::get(&run.stage.direct(Way::Own), "/held")?;
        let text = String::from_utf8_lossy(&answer.body).into_owned();
        let held: usize = text.parse().map_err(|_| Error(format!("no number: {text}")))?;
        if held >= IN_FLIGHT {
            return Ok(());
        }
        if began.elapsed() > Duration::from_secs(20) {
            return error(format!("only {held} of {IN_FLIGHT} calls reached the upstream"));
        }
        thread::sleep(Duration::from_millis(50));
    }
}
