//! As many calls as 64 callers can make: requests per second, and what each costs the processor.

use super::Run;
use crate::error::Result;
use crate::load::http;
use crate::load::wrk::{self, Ask};
use crate::measure::{Goal, Line, median};
use crate::stage::haproxy::Haproxy;
use crate::stage::nginx::{ANSWER_BYTES, Nginx};
use crate::stage::{Call, Way};

/// The path of every call.
pub const PATH: &str = "/v1/customers/cus_9s6XKzkNRiz8i3/invoices?limit=100&status=open";

/// To an upstream over plain HTTP, through both doors.
pub fn plain(run: &Run<'_>) -> Result<Vec<Line>> {
    let mut lines = vec![
        Line::new("proxy", "requests/s", Goal::RatioAtLeast(1.0)),
        Line::new("proxy, processor time per request", "µs", Goal::RatioAtMost(1.2)),
        Line::new("envelope", "requests/s", Goal::RatioAtLeast(0.75)),
        Line::new("envelope, processor time per request", "µs", Goal::None),
    ];
    measure(run, Way::Plain, &mut lines)?;
    Ok(lines)
}

/// To an upstream behind TLS.
pub fn tls(run: &Run<'_>) -> Result<Vec<Line>> {
    let mut lines = vec![
        Line::new("proxy over TLS upstream", "requests/s", Goal::RatioAtLeast(1.05)),
        Line::new("proxy over TLS upstream, processor time per request", "µs", Goal::None),
    ];
    measure(run, Way::Tls, &mut lines)?;
    Ok(lines)
}

fn measure(run: &Run<'_>, way: Way, lines: &mut [Line]) -> Result<()> {
    let nginx = Nginx::start(run.stage)?;
    let ours = run.template.start(run.stage, &[])?;
    let haproxy = Haproxy::start(run.stage)?;
    check(&nginx.call(way))?;
    check(&ours.call(way))?;
    let get = Ask::Get(PATH);
    let wrk = |process, call: &Call, ask: &Ask<'_>, seconds| wrk::run(run.stage, process, call, ask, seconds);
    wrk(&nginx.process, &nginx.call(way), &get, 1)?;
    wrk(&ours.process, &ours.call(way), &get, 2)?;
    let mut busy = (Vec::new(), Vec::new());
    for round in 1..=run.rounds {
        run.say(&format!("{} {way:?}, round {round} of {}", lines[0].name, run.rounds));
        let theirs = wrk(&nginx.process, &nginx.call(way), &get, run.seconds)?;
        let mine = wrk(&ours.process, &ours.call(way), &get, run.seconds)?;
        busy.0.push(theirs.busy * 100.0);
        busy.1.push(mine.busy * 100.0);
        add(&mut lines[..2], theirs, mine);
        if lines.len() > 2 {
            let mine = wrk(&ours.process, &ours.call(way), &Ask::Envelope(PATH), run.seconds)?;
            add(&mut lines[2..], theirs, mine);
        }
        if let Some(haproxy) = &haproxy {
            let third = wrk(&haproxy.process, &haproxy.call(way), &get, run.seconds)?;
            lines[0].haproxy.push(third.rate);
            lines[1].haproxy.push(third.cpu_micros);
        }
    }
    lines[0].note = format!(
        "the proxy's core was busy to {:.0} % with nginx and to {:.0} % with Passthrough; far below 100 %, callers and \
         upstream were the bottleneck",
        median(&busy.0),
        median(&busy.1)
    );
    Ok(())
}

fn add(lines: &mut [Line], nginx: wrk::Run, ours: wrk::Run) {
    lines[0].nginx.push(nginx.rate);
    lines[0].ours.push(ours.rate);
    lines[1].nginx.push(nginx.cpu_micros);
    lines[1].ours.push(ours.cpu_micros);
}

/// That the right answer comes, before thousands of them are counted.
pub fn check(call: &Call) -> Result<()> {
    let answer = http::get(call, PATH)?;
    if answer.status == 200 && answer.body.len() == ANSWER_BYTES {
        return Ok(());
    }
    let body = String::from_utf8_lossy(&answer.body).chars().take(400).collect::<String>();
    crate::error::error(format!("port {} answers {} with {body}", call.port, answer.status))
}
