//! Where the time goes: perf samples Passthrough under load; the samples are folded and counted.
//!
//! `stacks.folded` is what flame graph programs read: one line per stack, callers first, then how often it was seen.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;

use crate::arguments::Options;
use crate::error::{Error, Result, error};
use crate::load::wrk::{self, Ask};
use crate::machine::Machine;
use crate::process::{Precedence, need_program, stay_on};
use crate::rows::PROFILED_PATH as PATH;
use crate::stage::passthrough::Template;
use crate::stage::{Stage, Way};

const SHOWN: usize = 40;

/// Stacks, callers first, with how often each was seen.
type Stacks = BTreeMap<String, u64>;

/// Starts Passthrough, puts load on it, samples it, prints the summary, and writes the folded stacks.
pub fn profile(options: &Options) -> Result<()> {
    let perf = need_program("perf")?;
    let cores = Machine::read(&options.binary.display().to_string()).split();
    let _precedence = Precedence::take();
    stay_on(&cores.rest)?;
    let stage = Stage::set(&options.binary, cores)?;
    let template = Template::make(&stage)?;
    let days = if options.records { "30" } else { "0" };
    let ours = template.start(&stage, &[("PASSTHROUGH_RECORDS__RETENTION_DAYS", days)])?;
    let (way, ask) = match options.door.as_deref() {
        Some("envelope") => (Way::Plain, Ask::Envelope(PATH)),
        Some("tls") => (Way::Tls, Ask::Get(PATH)),
        _ => (Way::Plain, Ask::Get(PATH)),
    };
    let call = ours.call(way);
    wrk::run(&stage, &ours.process, &call, &ask, 2)?;
    let data = stage.folder.join("perf.data");
    let mut record = Command::new(&perf);
    // A clock instead of cycles: virtual machines often have no counters. The stacks are copied and unwound later,
    // because optimised code keeps no frame pointers.
    record
        .args(["record", "-q", "-e", "cpu-clock", "-F", "499", "--call-graph", "dwarf,16384", "-o"])
        .arg(&data);
    record.args(["-p", &ours.process.id().to_string(), "--", "sleep", &options.seconds.to_string()]);
    let run = thread::scope(|scope| {
        let load = scope.spawn(|| wrk::run(&stage, &ours.process, &call, &ask, options.seconds + 2));
        let status = record.stdout(Stdio::null()).stderr(Stdio::null()).status();
        let load = load.join().map_err(|_| Error("the load panicked".to_owned()))?;
        if status.is_ok_and(|status| status.success()) { load } else { error("perf record failed") }
    })?;
    let folded = fold(&script(&perf, &data)?);
    let path = options.out.join("stacks.folded");
    fs::write(&path, folded.iter().map(|(stack, count)| format!("{stack} {count}\n")).collect::<String>())?;
    println!("while sampled: {:.0} requests/s, {:.1} µs of processor time each\n", run.rate, run.cpu_micros);
    summarise(&folded);
    println!(
        "\nfolded stacks: {}; `inferno-flamegraph` or `flamegraph.pl` makes a picture of them",
        path.display()
    );
    Ok(())
}

fn script(perf: &Path, data: &Path) -> Result<String> {
    let mut command = Command::new(perf);
    command.args(["script", "-F", "comm,ip,sym", "--no-inline", "-i"]).arg(data);
    let output = command.stderr(Stdio::null()).output()?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if text.is_empty() { error("perf script had nothing to say") } else { Ok(text) }
}

/// Samples are parted by empty lines: the thread's name, then one line per frame, innermost first.
fn fold(script: &str) -> Stacks {
    let mut stacks = Stacks::new();
    for sample in script.split("\n\n") {
        let mut lines = sample.lines().filter(|line| !line.trim().is_empty());
        let Some(thread) = lines.next() else { continue };
        let mut frames: Vec<String> =
            lines.filter_map(|line| line.trim().split_once(' ')).map(|(_, symbol)| short(symbol)).collect();
        frames.push(thread.trim().to_owned());
        frames.reverse();
        *stacks.entry(frames.join(";")).or_default() += 1;
    }
    stacks
}

/// A symbol without its hash, and without what would break the folded form.
fn short(symbol: &str) -> String {
    let symbol = symbol.trim().replace(';', ",");
    let hash = symbol.rfind("::h").filter(|at| symbol.len() - at == 19);
    symbol[..hash.unwrap_or(symbol.len())].to_owned()
}

fn summarise(stacks: &Stacks) {
    let (mut own, mut inclusive) = (BTreeMap::<&str, u64>::new(), BTreeMap::<&str, u64>::new());
    for (stack, count) in stacks {
        if let Some(last) = stack.rsplit(';').next() {
            *own.entry(last).or_default() += count;
        }
        for frame in stack.split(';').collect::<BTreeSet<_>>() {
            *inclusive.entry(frame).or_default() += count;
        }
    }
    let total: u64 = stacks.values().sum();
    for (title, counts) in [("itself", own), ("with what it calls", inclusive)] {
        println!("{SHOWN} symbols by time spent in {title} ({total} samples)");
        let mut sorted: Vec<(&str, u64)> = counts.into_iter().collect();
        sorted.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
        for (symbol, count) in sorted.into_iter().take(SHOWN) {
            let symbol: String = symbol.chars().take(130).collect();
            println!("{:6.2} %  {symbol}", 100.0 * count as f64 / total as f64);
        }
        println!();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_are_folded_callers_first() {
        let script = "worker \n\t  7f01 inner::h0123456789abcdef\n\t  55aa outer\n\nworker \n\t 7f02 inner\n\t 55aa outer\n";
        let folded = fold(script);
        assert_eq!(folded.into_iter().collect::<Vec<_>>(), [("worker;outer;inner".to_owned(), 2)]);
    }
}
