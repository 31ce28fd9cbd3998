//! Twice as many calls as can be served: how many are served all the same, and how fast the others are refused.
//!
//! The bottleneck is an upstream that takes 100 ms while at most 256 calls may be in flight, so it is the limits that
//! are tested, and the callers have the processor time to keep their rate.

use super::Run;
use super::throughput::PATH as CALL;
use crate::error::{Result, error};
use crate::load::wrk::{self, Ask};
use crate::load::{http, open_loop};
use crate::measure::{Goal, Line, percentile};
use crate::stage::nginx::Nginx;
use crate::stage::{Call, Way};

const IN_FLIGHT: &str = "256";
const PATH: &str = "/after/100";
/// What 256 calls of 100 ms come to.
const CAPACITY: f64 = 2_560.0;
const SOCKETS: usize = 6_000;
/// Callers without a pause.
const CROWD: usize = 2_000;

/// Peak at the rate of the capacity, then twice that.
pub fn twice(run: &Run<'_>) -> Result<Vec<Line>> {
    let limits = [
        ("PASSTHROUGH_UPSTREAM__MAX_IN_FLIGHT", IN_FLIGHT),
        ("PASSTHROUGH_UPSTREAM__MAX_IN_FLIGHT_PER_ORIGIN", IN_FLIGHT),
        ("PASSTHROUGH_UPSTREAM__MAX_IN_FLIGHT_PER_CONNECTION", IN_FLIGHT),
    ];
    let mut goodput = Line::new("2× overload, served of what is served at peak", "%", Goal::AtLeast(90.0));
    let mut refusal = Line::new("2× overload, p99 of refusals", "ms", Goal::AtMost(50.0));
    let mut served = Line::new("2× overload, p50 of what is served", "ms", Goal::None);
    let seconds = run.seconds.max(5);
    let mut notes = Vec::new();
    for round in 1..=run.rounds.min(3) {
        run.say(&format!("overload, round {round} of {}", run.rounds.min(3)));
        let ours = run.template.start(run.stage, &limits)?;
        let request = http::head("GET", &ours.call(Way::Own), PATH, "");
        let load = |rate: f64| {
            let duration = std::time::Duration::from_secs(seconds);
            open_loop::run(&open_loop::Plan {
                port: ours.port,
                request: &request,
                rate,
                duration,
                sockets: SOCKETS,
            })
        };
        let peak = load(CAPACITY)?;
        let over = load(CAPACITY * 2.0)?;
        if over.refused.is_empty() {
            return error(format!(
                "nothing was refused; {} served, {} failed",
                over.served.len(),
                over.failed
            ));
        }
        goodput.ours.push(100.0 * over.served_in_time as f64 / peak.served_in_time as f64);
        refusal.ours.push(percentile(&over.refused, 99.0) / 1000.0);
        served.ours.push(percentile(&over.served, 50.0) / 1000.0);
        notes.push(format!(
            "peak {}/s, then {}/s served, {}/s refused, {} broken",
            peak.served_in_time / seconds,
            over.served_in_time / seconds,
            over.refused.len() as u64 / seconds,
            over.failed
        ));
    }
    goodput.note = notes.join("; ");
    Ok(vec![goodput, refusal, served, crowded(run)?])
}

/// Callers who wait for their answers and come again at once, far more of them than are needed: no limit is hit here,
/// the processor is the bottleneck.
fn crowded(run: &Run<'_>) -> Result<Line> {
    let name = format!("{CROWD} callers without a limit, served of what is served with {}", wrk::CALLERS);
    let mut line = Line::new(name, "%", Goal::None);
    let (nginx, ours) = (Nginx::start(run.stage)?, run.template.start(run.stage, &[])?);
    for round in 1..=run.rounds.min(3) {
        run.say(&format!("{CROWD} callers, round {round} of {}", run.rounds.min(3)));
        let part = |process, call: &Call| -> Result<f64> {
            let rate =
                |callers| wrk::run_with(callers, run.stage, process, call, &Ask::Get(CALL), run.seconds);
            let few = rate(wrk::CALLERS)?.rate;
            Ok(100.0 * rate(CROWD)?.rate / few)
        };
        line.nginx.push(part(&nginx.process, &nginx.call(Way::Plain))?);
        line.ours.push(part(&ours.process, &ours.call(Way::Plain))?);
    }
    Ok(line)
}
