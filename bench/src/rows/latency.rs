//! What a proxy adds to the time of a call at 2,000 calls per second, far below what it can take.

use super::Run;
use super::throughput::PATH;
use crate::error::{Result, error};
use crate::load::{http, open_loop};
use crate::measure::{Goal, Line, percentile};
use crate::stage::nginx::Nginx;
use crate::stage::{Call, Way};

const RATE: f64 = 2_000.0;

/// Percentiles of the time through each proxy, less those of the time straight to the upstream.
pub fn added(run: &Run<'_>) -> Result<Vec<Line>> {
    let nginx = Nginx::start(run.stage)?;
    let ours = run.template.start(run.stage, &[])?;
    let mut lines = vec![
        Line::new("p50 added at 2,000 requests/s", "µs", Goal::AtMostOver(20.0)),
        Line::new("p99 added at 2,000 requests/s", "µs", Goal::AtMostOver(60.0)),
        Line::new("envelope, p50 added at 2,000 requests/s", "µs", Goal::None),
        Line::new("envelope, p99 added at 2,000 requests/s", "µs", Goal::None),
    ];
    let mut straight = (Vec::new(), Vec::new());
    for round in 0..=run.rounds {
        run.say(&format!("latency, round {round} of {} (round 0 warms up)", run.rounds));
        let direct = times(run, &run.stage.direct(Way::Plain), false)?;
        let theirs = times(run, &nginx.call(Way::Plain), false)?;
        let mine = times(run, &ours.call(Way::Plain), false)?;
        let enveloped = times(run, &ours.call(Way::Plain), true)?;
        if round == 0 {
            continue;
        }
        straight.0.push(direct.0);
        straight.1.push(direct.1);
        for (line, (theirs, mine)) in lines.iter_mut().zip([
            (theirs.0 - direct.0, mine.0 - direct.0),
            (theirs.1 - direct.1, mine.1 - direct.1),
            (theirs.0 - direct.0, enveloped.0 - direct.0),
            (theirs.1 - direct.1, enveloped.1 - direct.1),
        ]) {
            line.nginx.push(theirs);
            line.ours.push(mine);
        }
    }
    for (line, straight) in lines.iter_mut().zip([&straight.0, &straight.1, &straight.0, &straight.1]) {
        line.note = format!("over {:.0} µs straight to the upstream", percentile(straight, 50.0));
    }
    Ok(lines)
}

/// p50 and p99 in microseconds.
fn times(run: &Run<'_>, call: &Call, enveloped: bool) -> Result<(f64, f64)> {
    let request = if enveloped { http::envelope(call, PATH) } else { http::head("GET", call, PATH, "") };
    let plan = open_loop::Plan {
        port: call.port,
        request: &request,
        rate: RATE,
        duration: run.duration(),
        sockets: 64,
    };
    let outcome = open_loop::run(&plan)?;
    if !outcome.refused.is_empty() || outcome.failed > 0 {
        return error(format!("{} refused and {} failed", outcome.refused.len(), outcome.failed));
    }
    Ok((percentile(&outcome.served, 50.0), percentile(&outcome.served, 99.0)))
}
