//! From the start of the process to the first answer through it, on a database that is there.

use std::thread;
use std::time::{Duration, Instant};

use super::Run;
use super::throughput::PATH;
use crate::error::{Result, error};
use crate::load::http;
use crate::measure::{Goal, Line};
use crate::process::Process;
use crate::stage::nginx::Nginx;
use crate::stage::passthrough::Folder;
use crate::stage::{Call, Way, free_ports};

const ROUNDS: usize = 10;

/// The file cache is warm: the program has run before.
pub fn cold(run: &Run<'_>) -> Result<Vec<Line>> {
    run.say("start to first answer");
    let mut line = Line::new("start to first answered call", "ms", Goal::AtMost(60.0));
    let data = Folder(run.template.copy(run.stage)?);
    for _ in 0..ROUNDS {
        let began = Instant::now();
        let nginx = Nginx::start(run.stage)?;
        first_answer(&nginx.call(Way::Plain))?;
        line.nginx.push(milliseconds(began));
        drop(nginx);
        line.ours.push(start_on(run, &data)?.2);
    }
    Ok(vec![line])
}

/// Starts Passthrough on a data folder; also how to call it, and the milliseconds to its first answer.
pub fn start_on(run: &Run<'_>, data: &Folder) -> Result<(Process, Call, f64)> {
    let [port] = free_ports()?;
    let (command, call) =
        (run.template.command(run.stage, &data.0, port, &[]), run.template.call(port, Way::Plain));
    let began = Instant::now();
    let process = Process::start(&run.stage.cores.proxy, &command, &run.stage.log("start"))?;
    first_answer(&call)?;
    Ok((process, call, milliseconds(began)))
}

fn milliseconds(began: Instant) -> f64 {
    began.elapsed().as_secs_f64() * 1000.0
}

fn first_answer(call: &Call) -> Result<()> {
    let began = Instant::now();
    loop {
        match http::get(call, PATH) {
            Ok(answer) if answer.status == 200 => return Ok(()),
            _ if began.elapsed() > Duration::from_secs(20) => return error("no answer within 20 s"),
            _ => thread::sleep(Duration::from_micros(200)),
        }
    }
}
