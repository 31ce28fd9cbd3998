//! The rows of the table, by family, and the run that makes them all.

use std::str::FromStr;
use std::time::{Duration, Instant};

use crate::arguments::Options;
use crate::error::Result;
use crate::machine::Machine;
use crate::measure::{Line, Spread};
use crate::process::{Precedence, find_program, need_program, stay_on};
use crate::stage::Stage;
use crate::stage::passthrough::Template;
use crate::{plot, report};

pub use throughput::PATH as PROFILED_PATH;

mod bundle;
mod growth;
mod latency;
mod memory;
mod overload;
mod start;
mod stream;
mod throughput;

/// Rows that are measured together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Family {
    /// Requests per second and processor time.
    Throughput,
    /// The same to an upstream behind TLS.
    Tls,
    /// Time added at a fixed rate.
    Latency,
    /// Bodies of 1 GiB.
    Stream,
    /// Resident memory.
    Memory,
    /// From start to the first answer.
    Start,
    /// Twice as many calls as can be served.
    Overload,
    /// How cost grows with connections and body size.
    Growth,
    /// What a page loads that uses the TypeScript SDK.
    Bundle,
}

impl Family {
    /// All, in the order in which they are measured.
    pub const ALL: [Self; 9] = [
        Self::Throughput,
        Self::Tls,
        Self::Latency,
        Self::Stream,
        Self::Memory,
        Self::Start,
        Self::Overload,
        Self::Growth,
        Self::Bundle,
    ];

    fn name(self) -> &'static str {
        match self {
            Self::Throughput => "throughput",
            Self::Tls => "tls",
            Self::Latency => "latency",
            Self::Stream => "stream",
            Self::Memory => "memory",
            Self::Start => "start",
            Self::Overload => "overload",
            Self::Growth => "growth",
            Self::Bundle => "bundle",
        }
    }
}

impl FromStr for Family {
    type Err = String;

    fn from_str(text: &str) -> std::result::Result<Self, String> {
        let known = Self::ALL.into_iter().find(|family| family.name() == text);
        known.ok_or_else(|| format!("there is no family `{text}`"))
    }
}

/// What every row needs.
#[derive(Debug)]
pub struct Run<'a> {
    /// Upstreams, folder, cores.
    pub stage: &'a Stage,
    /// Passthrough's data folder.
    pub template: &'a Template,
    /// Seconds of one run.
    pub seconds: u64,
    /// How often each rival runs.
    pub rounds: usize,
    began: Instant,
}

impl Run<'_> {
    /// Says what is going on.
    pub fn say(&self, what: &str) {
        let seconds = self.began.elapsed().as_secs();
        eprintln!("[{:2}:{:02}] {what}", seconds / 60, seconds % 60);
    }

    /// The length of one run.
    pub fn duration(&self) -> Duration {
        Duration::from_secs(self.seconds)
    }
}

/// Measures, prints the table and writes the files. A family that fails leaves a line that says so.
pub fn compare(options: &Options) -> Result<()> {
    for program in ["nginx", "wrk", "openssl", "taskset"] {
        need_program(program)?;
    }
    let machine = Machine::read(&options.binary.display().to_string());
    if find_program("haproxy").is_none() {
        eprintln!("HAProxy is not installed: its column stays empty");
    }
    let precedence = Precedence::take();
    stay_on(&machine.split().rest)?;
    let stage = Stage::set(&options.binary, machine.split())?;
    let template = Template::make(&stage)?;
    let (seconds, rounds, began) = (options.seconds, options.rounds, Instant::now());
    let run = Run { stage: &stage, template: &template, seconds, rounds, began };
    let (mut lines, mut failures) = (Vec::new(), Vec::new());
    for family in &options.families {
        let outcome = match family {
            Family::Throughput => throughput::plain(&run),
            Family::Tls => throughput::tls(&run),
            Family::Latency => latency::added(&run),
            Family::Stream => stream::both_ways(&run),
            Family::Memory => memory::resident(&run),
            Family::Start => start::cold(&run),
            Family::Overload => overload::twice(&run),
            Family::Growth => growth::connections_and_bodies(&run),
            Family::Bundle => bundle::one_function(&run),
        };
        match outcome {
            Ok(measured) => {
                measured.iter().for_each(|line| run.say(&said(line)));
                lines.extend(measured);
            }
            Err(error) => {
                run.say(&format!("{} could not be measured: {error}", family.name()));
                failures.push(format!("{}: {error}", family.name()));
            }
        }
    }
    run.say("done");
    let text = report::markdown(&machine, options, precedence.is_granted, &lines, &failures);
    println!("{text}");
    std::fs::write(options.out.join("RESULTS.md"), text)?;
    std::fs::write(options.out.join("results.svg"), plot::svg(&lines))?;
    Ok(())
}

fn said(line: &Line) -> String {
    let number = |values: &[f64]| {
        Spread::of(values).map_or_else(|| "–".to_owned(), |spread| report::number(spread.median))
    };
    let ratio = line.ratio().map_or_else(String::new, |ratio| format!(" = {:.2}", ratio.median));
    let (ours, nginx) = (number(&line.ours), number(&line.nginx));
    format!("  {}: {ours} {} (nginx {nginx}){ratio}", line.name, line.unit)
}
