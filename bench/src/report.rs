//! The table, as Markdown.

use crate::arguments::Options;
use crate::machine::Machine;
use crate::measure::{Goal, Line, Spread};
use crate::stage::passthrough::SETTINGS;

/// The whole of `RESULTS.md`.
pub fn markdown(
    machine: &Machine,
    options: &Options,
    goes_first: bool,
    lines: &[Line],
    failures: &[String],
) -> String {
    let mut text = String::from(
        "# Results of `make bench`\n\nWritten by `make bench`; every number was measured in one run. What is measured and how: \
         [README.md](README.md).\n\nMedians; in brackets the smallest and the largest of all rounds. A ratio is taken within each round.\n",
    );
    let (judged, shown): (Vec<&Line>, Vec<&Line>) =
        lines.iter().partition(|line| !matches!(line.goal, Goal::None));
    let mut notes = Vec::new();
    for (title, lines) in [("Against the goals", judged), ("Beyond the goals", shown)] {
        if !lines.is_empty() {
            text.push_str(&format!("\n## {title}\n\n{}", table(&lines, &mut notes)));
        }
    }
    text.push_str(&format!("\n{}\n", notes.join("\n")));
    for failure in failures {
        text.push_str(&format!("\nNot measured: {failure}\n"));
    }
    text + &circumstances(machine, options, goes_first)
}

fn table(lines: &[&Line], notes: &mut Vec<String>) -> String {
    let has_haproxy = lines.iter().any(|line| !line.haproxy.is_empty());
    let (head, rule) = if has_haproxy { (" HAProxy |", "---:|") } else { ("", "") };
    let mut text =
        format!("| | nginx | Passthrough | ratio |{head} goal | met |\n|---|---:|---:|---:|{rule}---|---|\n");
    for line in lines {
        let mark = if line.note.is_empty() {
            String::new()
        } else {
            notes.push(format!("{}. {}: {}.", notes.len() + 1, line.name, line.note));
            format!(" ({})", notes.len())
        };
        let haproxy = if has_haproxy { format!(" {} |", haproxy(line)) } else { String::new() };
        text.push_str(&format!(
            "| {}, {}{mark} | {} | {} | {} |{haproxy} {} | {} |\n",
            line.name,
            line.unit,
            spread(&line.nginx),
            spread(&line.ours),
            ratio(line),
            goal(line.goal),
            line.is_met().map_or("", |is_met| if is_met { "yes" } else { "**no**" }),
        ));
    }
    text
}

fn circumstances(machine: &Machine, options: &Options, goes_first: bool) -> String {
    let cores = machine.split();
    let settings: Vec<String> = SETTINGS.iter().map(|(name, value)| format!("`{name}={value}`")).collect();
    format!(
        "\n## Circumstances\n\n- {} cores of {}, {:.0} GiB, Linux {}, load average before {}\n- {}; commit {}\n\
         - proxy under test on core {}, callers and upstream on core {}; one worker each{}\n\
         - {} rounds of {} s, the rivals in turn; 64 callers, keep-alive, answers of 1 KiB of JSON\n\
         - nginx: one worker, a pool of 1,024 kept connections, buffering as it comes, no access log\n\
         - Passthrough: everything on (API key, connection, guard, records in SQLite, metrics); set apart from the \
         defaults: {}, one worker\n",
        machine.cores,
        machine.processor,
        machine.memory_gib,
        machine.kernel,
        machine.load,
        machine.versions.join(", "),
        machine.commit,
        cores.proxy,
        cores.rest,
        if goes_first { "; all with raised priority (nice -15)" } else { "" },
        options.rounds,
        options.seconds,
        settings.join(", "),
    )
}

/// A number with three or four significant digits.
pub fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 1_000.0 => {
            let whole = value.round() as i64;
            let (thousands, rest) = (whole / 1_000, whole.abs() % 1_000);
            format!("{thousands},{rest:03}")
        }
        size if size >= 100.0 => format!("{value:.0}"),
        size if size >= 10.0 => format!("{value:.1}"),
        _ => format!("{value:.2}"),
    }
}

fn spread(values: &[f64]) -> String {
    match Spread::of(values) {
        None => String::new(),
        Some(spread) if values.len() == 1 => number(spread.median),
        Some(spread) => {
            format!("{} ({}–{})", number(spread.median), number(spread.min), number(spread.max))
        }
    }
}

/// Nothing where the goal is a number of its own: the ratio of two tiny growths of memory says nothing.
fn ratio(line: &Line) -> String {
    match (line.goal, line.ratio()) {
        (Goal::RatioAtLeast(_) | Goal::RatioAtMost(_) | Goal::None, Some(ratio)) => {
            format!("**{:.2}** ({:.2}–{:.2})", ratio.median, ratio.min, ratio.max)
        }
        _ => String::new(),
    }
}

fn haproxy(line: &Line) -> String {
    let (Some(values), Some(ratio)) = (Spread::of(&line.haproxy), line.haproxy_ratio()) else {
        return String::new();
    };
    format!("{} = {:.2}", number(values.median), ratio.median)
}

fn goal(goal: Goal) -> String {
    match goal {
        Goal::RatioAtLeast(least) => format!("≥ {least:.2} of nginx"),
        Goal::RatioAtMost(most) => format!("≤ {most:.2} of nginx"),
        Goal::AtMostOver(more) => format!("≤ nginx + {more}"),
        Goal::AtMost(most) => format!("≤ {most}"),
        Goal::AtLeast(least) => format!("≥ {least}"),
        Goal::None => String::new(),
    }
}
