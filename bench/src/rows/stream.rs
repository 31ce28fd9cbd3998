//! Bodies of 1 GiB: how much memory grows, and what they cost the processor.

use std::thread;
use std::time::Duration;

use super::Run;
use crate::error::Result;
use crate::load::{crowd, transfer};
use crate::measure::{Goal, Line};
use crate::process::Process;
use crate::stage::nginx::Nginx;
use crate::stage::{Call, Way};

type Transfer = fn(&Call) -> Result<()>;

/// Down and up, against nginx with its defaults (it buffers on disk) and nginx told to stream.
pub fn both_ways(run: &Run<'_>) -> Result<Vec<Line>> {
    let mut lines = Vec::new();
    let ways: [(&str, Transfer); 2] = [("1 GiB down", transfer::down), ("1 GiB up", transfer::up)];
    for (name, transfer) in ways {
        // New processes, so that what one body left behind in the allocator does not hide what the next one takes.
        let (nginx, ours) = (Nginx::start(run.stage)?, run.template.start(run.stage, &[])?);
        let before =
            (at_rest(&nginx.process, &nginx.call(Way::Own))?, at_rest(&ours.process, &ours.call(Way::Own))?);
        let mut growth = Line::new(format!("{name}, memory growth"), "MiB", Goal::AtMost(8.0));
        let mut cpu = Line::new(format!("{name}, processor time"), "s", Goal::RatioAtMost(1.0));
        let mut tuned = Line::new(format!("{name}, processor time, nginx unbuffered"), "s", Goal::None);
        for round in 0..=run.rounds.min(3) {
            run.say(&format!("{name}, round {round} of {} (round 0 warms up)", run.rounds.min(3)));
            let theirs = one(&nginx.process, &nginx.call(Way::Own), transfer)?;
            let streamed = one(&nginx.process, &nginx.call(Way::OwnUnbuffered), transfer)?;
            let mine = one(&ours.process, &ours.call(Way::Own), transfer)?;
            growth.nginx.push((theirs.0 - before.0).max(0.0));
            growth.ours.push((mine.0 - before.1).max(0.0));
            if round == 0 {
                continue;
            }
            cpu.nginx.push(theirs.1);
            cpu.ours.push(mine.1);
            tuned.nginx.push(streamed.1);
            tuned.ours.push(mine.1);
        }
        growth.note =
            "the most during any transfer, over what a new process holds after one small call".to_owned();
        cpu.note = "nginx as it comes: bodies are buffered, on disk where they are large".to_owned();
        tuned.note = "`proxy_buffering off; proxy_request_buffering off`".to_owned();
        lines.extend([growth, cpu, tuned]);
    }
    Ok(lines)
}

/// Resident MiB of a process that has answered one small call.
fn at_rest(process: &Process, call: &Call) -> Result<f64> {
    drop(crowd::idle(call, 1)?);
    thread::sleep(Duration::from_millis(500));
    Ok(process.rss_mib())
}

/// The most resident MiB, and processor seconds.
fn one(process: &Process, call: &Call, transfer: Transfer) -> Result<(f64, f64)> {
    let cpu = process.cpu_seconds();
    let (outcome, peak) = process.peak_rss_while(|| transfer(call));
    outcome?;
    Ok((peak, process.cpu_seconds() - cpu))
}
