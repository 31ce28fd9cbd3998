//! The command line.

use std::path::PathBuf;

use crate::rows::Family;

/// What `--help` prints.
pub const HELP: &str = "\
Measures passthrough beside nginx, and HAProxy where it is installed.

  passthrough-bench compare [--binary FILE] [--seconds N] [--rounds N] [--out DIR] [FAMILY…]
  passthrough-bench profile [--binary FILE] [--seconds N] [--out DIR] [--no-records] [proxy|envelope|tls]

Families: throughput tls latency stream memory start overload growth bundle (default: all)
  --binary FILE   the program to measure                       [default: target/dist/passthrough]
  --seconds N     how long one run of a throughput row lasts    [default: 4]
  --rounds N      how often each rival runs, in turn            [default: 5]
  --out DIR       where RESULTS.md and results.svg go           [default: bench]
  --no-records    profile without records of passthroughs";

/// What to do.
#[derive(Debug)]
pub enum Command {
    /// All rows, or some.
    Compare(Options),
    /// Where the time goes.
    Profile(Options),
    /// The own upstream on a port, as a process of its own; not for people.
    Upstream(u16),
    /// The help text.
    Help,
}

/// How to do it.
#[derive(Debug)]
pub struct Options {
    /// The program to measure.
    pub binary: PathBuf,
    /// Length of one run.
    pub seconds: u64,
    /// How often each rival runs.
    pub rounds: usize,
    /// Where results go.
    pub out: PathBuf,
    /// What to measure.
    pub families: Vec<Family>,
    /// Which door a profile looks at.
    pub door: Option<String>,
    /// Whether records are kept while profiling.
    pub records: bool,
}

/// Reads the command line.
pub fn parse(words: impl Iterator<Item = String>) -> Result<Command, String> {
    let words: Vec<String> = words.collect();
    if words.iter().any(|word| word == "--help" || word == "-h") {
        return Ok(Command::Help);
    }
    let mut words = words.into_iter();
    match words.next().as_deref() {
        Some("compare") => Ok(Command::Compare(options(words, false)?)),
        Some("profile") => Ok(Command::Profile(options(words, true)?)),
        Some("upstream") => {
            let port = words.next().and_then(|port| port.parse().ok());
            port.map(Command::Upstream).ok_or_else(|| "upstream needs a port".to_owned())
        }
        Some("help") => Ok(Command::Help),
        Some(other) => Err(format!("there is no command `{other}`")),
        None => Err("a command is missing".to_owned()),
    }
}

fn options(mut words: impl Iterator<Item = String>, is_profile: bool) -> Result<Options, String> {
    let mut options = Options {
        binary: "target/dist/passthrough".into(),
        seconds: 4,
        rounds: 5,
        out: "bench".into(),
        families: Vec::new(),
        door: None,
        records: true,
    };
    while let Some(word) = words.next() {
        let mut value = || words.next().ok_or_else(|| format!("{word} needs a value"));
        match word.as_str() {
            "--binary" => options.binary = value()?.into(),
            "--out" => options.out = value()?.into(),
            "--seconds" => options.seconds = number(&value()?)?,
            "--rounds" => options.rounds = number(&value()?)? as usize,
            "--no-records" => options.records = false,
            "proxy" | "envelope" | "tls" if is_profile => options.door = Some(word),
            family if !is_profile => options.families.push(family.parse()?),
            other => return Err(format!("there is no `{other}`")),
        }
    }
    if options.families.is_empty() {
        options.families = Family::ALL.to_vec();
    }
    Ok(options)
}

fn number(text: &str) -> Result<u64, String> {
    text.parse().ok().filter(|number| *number > 0).ok_or_else(|| format!("`{text}` is no positive number"))
}
