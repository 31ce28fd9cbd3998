//! How the cost of a call grows with the number of connections and with the size of the answer.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use super::Run;
use super::start::start_on;
use super::throughput::PATH;
use crate::error::{Error, Result};
use crate::load::http;
use crate::load::wrk::{self, Ask};
use crate::measure::{Goal, Line};
use crate::stage::Way;
use crate::stage::nginx::{FILES, Nginx};
use crate::stage::passthrough::{Folder, Passthrough, add_providers};

/// What is in the database, and how much of it is called in turn.
struct Step {
    keys: usize,
    stored: usize,
    called: usize,
}

const STEPS: [Step; 5] = [
    Step { keys: 1, stored: 1, called: 1 },
    Step { keys: 1, stored: 1_000, called: 1_000 },
    Step { keys: 1_000, stored: 1_000, called: 1_000 },
    Step { keys: 1, stored: 100_000, called: 1_000 },
    Step { keys: 1, stored: 100_000, called: 100_000 },
];
/// Callers who make connections.
const MAKERS: usize = 4;
/// Provider files that nobody uses.
const SPARE_PROVIDERS: usize = 1_000;

/// All kinds of growth. Adding providers comes last: the folder of provider files is everybody's.
pub fn connections_and_bodies(run: &Run<'_>) -> Result<Vec<Line>> {
    let mut lines = bodies(run)?;
    lines.extend(connections(run)?);
    lines.extend(providers(run)?);
    Ok(lines)
}

fn connections(run: &Run<'_>) -> Result<Vec<Line>> {
    let ours = run.template.start(run.stage, &[])?;
    let (mut lines, mut tokens, mut keys) = (Vec::new(), Vec::new(), vec![ours.key.clone()]);
    for step in &STEPS {
        let name = format!(
            "{} connection{}, {} called in turn with {} API key{}",
            spaced(step.stored),
            if step.stored == 1 { "" } else { "s" },
            spaced(step.called),
            spaced(step.keys),
            if step.keys == 1 { "" } else { "s" }
        );
        run.say(&name);
        if tokens.len() < step.stored {
            tokens.extend(make(&ours, step.stored - tokens.len())?);
        }
        let mut socket = http::connect(ours.port)?;
        while keys.len() < step.keys {
            keys.push(ours.create_key(&mut socket)?);
        }
        let file = write_pairs(&run.stage.folder, &keys[..step.keys], &tokens[..step.called])?;
        let mut rate = Line::new(format!("{name}: proxy"), "requests/s", Goal::None);
        let mut cpu = Line::new(format!("{name}: processor time per request"), "µs", Goal::None);
        let ask = Ask::InTurn(PATH, &file);
        // The first turn fills the caches.
        wrk::run(run.stage, &ours.process, &ours.call(Way::Plain), &ask, 2)?;
        for _ in 0..run.rounds.min(3) {
            let measured = wrk::run(run.stage, &ours.process, &ours.call(Way::Plain), &ask, run.seconds)?;
            cpu.ours.push(measured.cpu_micros);
            rate.ours.push(measured.rate);
        }
        let mut memory = Line::new(format!("{name}: memory"), "MiB", Goal::None);
        memory.ours.push(ours.process.rss_mib());
        lines.extend([rate, cpu, memory]);
    }
    Ok(lines)
}

/// Makes connections through the API, from a few callers at a time.
fn make(ours: &Passthrough, count: usize) -> Result<Vec<String>> {
    let some = |count: usize| -> Result<Vec<String>> {
        let mut socket = http::connect(ours.port)?;
        (0..count).map(|_| ours.connect_on(&mut socket, "bench-plain")).collect()
    };
    let share = count.div_ceil(MAKERS);
    thread::scope(|scope| {
        let shares = (0..MAKERS).map(|maker| share.min(count.saturating_sub(maker * share)));
        let makers: Vec<_> = shares.map(|share| scope.spawn(move || some(share))).collect();
        let mut tokens = Vec::with_capacity(count);
        for maker in makers {
            tokens.extend(maker.join().map_err(|_| Error("a maker of connections panicked".to_owned()))??);
        }
        Ok(tokens)
    })
}

/// One line for each call: key and token.
fn write_pairs(folder: &Path, keys: &[String], tokens: &[String]) -> Result<PathBuf> {
    let path = folder.join("pairs");
    let pairs = tokens.iter().zip(keys.iter().cycle()).map(|(token, key)| format!("{key} {token}\n"));
    fs::write(&path, pairs.collect::<String>())?;
    Ok(path)
}

fn providers(run: &Run<'_>) -> Result<Vec<Line>> {
    let name = format!("{} more provider files", spaced(SPARE_PROVIDERS));
    run.say(&name);
    let mut start = Line::new(format!("{name}: start to first answered call"), "ms", Goal::None);
    let mut memory = Line::new(format!("{name}: memory after a first call"), "MiB", Goal::None);
    let mut rate = Line::new(format!("{name}: proxy"), "requests/s", Goal::None);
    add_providers(run.stage, SPARE_PROVIDERS)?;
    for _ in 0..run.rounds.min(3) {
        let data = Folder(run.template.copy(run.stage)?);
        let (process, call, took) = start_on(run, &data)?;
        start.ours.push(took);
        thread::sleep(Duration::from_secs(1));
        memory.ours.push(process.rss_mib());
        rate.ours.push(wrk::run(run.stage, &process, &call, &Ask::Get(PATH), run.seconds)?.rate);
    }
    Ok(vec![start, memory, rate])
}

fn bodies(run: &Run<'_>) -> Result<Vec<Line>> {
    let nginx = Nginx::start(run.stage)?;
    let ours = run.template.start(run.stage, &[])?;
    let mut lines = Vec::new();
    for (name, bytes) in FILES {
        let path = format!("/file/{name}");
        let ask = Ask::Get(&path);
        let size =
            if bytes < 1 << 20 { format!("{} KiB", bytes >> 10) } else { format!("{} MiB", bytes >> 20) };
        let mut rate = Line::new(format!("answers of {size}: proxy"), "requests/s", Goal::None);
        let mut cpu = Line::new(format!("answers of {size}: processor time per request"), "µs", Goal::None);
        for round in 1..=run.rounds.min(3) {
            run.say(&format!("answers of {size}, round {round}"));
            let theirs = wrk::run(run.stage, &nginx.process, &nginx.call(Way::Plain), &ask, run.seconds)?;
            let mine = wrk::run(run.stage, &ours.process, &ours.call(Way::Plain), &ask, run.seconds)?;
            rate.nginx.push(theirs.rate);
            rate.ours.push(mine.rate);
            cpu.nginx.push(theirs.cpu_micros);
            cpu.ours.push(mine.cpu_micros);
        }
        lines.extend([rate, cpu]);
    }
    Ok(lines)
}

fn spaced(number: usize) -> String {
    if number < 1_000 { number.to_string() } else { format!("{},{:03}", number / 1_000, number % 1_000) }
}
