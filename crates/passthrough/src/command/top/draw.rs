//! The board as lines of text, at most as wide as the terminal.

use std::fmt::Write;

use super::board::{Board, Row, Sort};
use crate::output::clean;

/// What the lines of a screen are drawn for.
#[derive(Debug, Clone, Copy)]
pub struct Frame<'a> {
    pub server: &'a str,
    pub width: usize,
    pub height: usize,
    /// Whether there is somebody who can press keys.
    pub live: bool,
    pub colours: bool,
    pub sort: Sort,
}

const BOLD: &str = "\u{1b}[1m";
const RED: &str = "\u{1b}[31m";
const DIM: &str = "\u{1b}[2m";
const PLAIN: &str = "\u{1b}[0m";

/// Columns of a line behind the provider's name, each right-aligned: head, width.
const COLUMNS: [(&str, usize); 7] =
    [("CALLS/S", 9), ("FLIGHT", 7), ("P50", 9), ("P99", 9), ("4XX/S", 8), ("5XX/S", 8), ("FAIL/S", 8)];
const NAME: usize = 20;

/// Draws the board.
pub fn draw(board: &Board, frame: &Frame<'_>) -> Vec<String> {
    let mut lines = head(board, frame);
    lines.push(String::new());
    lines.push(paint(frame, BOLD, &cut(&table_head(), frame.width)));
    let keys = usize::from(frame.live) * 2;
    let errors = errors(board);
    let room = frame.height.saturating_sub(lines.len() + keys).max(1);
    let shown = board.providers.len().min(room);
    lines.extend(board.providers.iter().take(shown).map(|row| provider_line(row, frame)));
    let hidden = board.providers.len() - shown;
    if hidden > 0 {
        let last = lines.len() - 1;
        lines[last] = paint(frame, DIM, &cut(&format!("… and {} more", hidden + 1), frame.width));
    }
    let left = frame.height.saturating_sub(lines.len() + keys + 2);
    if !errors.is_empty() && left > 0 {
        lines.push(String::new());
        lines.push(paint(frame, BOLD, &cut(&format!("{:NAME$} ERRORS", "PROVIDER"), frame.width)));
        lines.extend(errors.into_iter().take(left).map(|line| cut(&line, frame.width)));
    }
    if frame.live {
        lines.truncate(frame.height.saturating_sub(keys));
        lines.push(String::new());
        lines.push(paint(frame, DIM, &cut(&keys_line(frame.sort), frame.width)));
    }
    lines.truncate(frame.height);
    lines
}

fn head(board: &Board, frame: &Frame<'_>) -> Vec<String> {
    let span = if frame.live || board.span_seconds < board.uptime_seconds - 0.5 {
        format!("of the last {}", seconds(board.span_seconds))
    } else {
        "since the start".to_owned()
    };
    let title = format!(
        "{}  version {}  up {}  {span}",
        clean(frame.server),
        clean(&board.version),
        seconds(board.uptime_seconds)
    );
    let calls = format!(
        "calls    {}/s   in flight {}   failed {}   p50 {}   p99 {}",
        rate(board.calls_per_second),
        count(board.in_flight),
        percent(board.failed_share),
        duration(board.p50_ms),
        duration(board.p99_ms)
    );
    let sockets = format!(
        "sockets  idle {}   opened {}/s   reused {}   callers {}   breakers open {}",
        count(board.sockets_idle),
        rate(board.sockets_opened_per_second),
        board.reused_share.map_or_else(|| "-".to_owned(), percent),
        count(board.caller_sockets),
        count(board.breakers_open)
    );
    let process = format!(
        "process  {}   cpu {}   fds {} of {}   records {}   dropped {}",
        bytes(board.resident_bytes),
        percent(board.cpu_share),
        count(board.open_fds),
        count(board.max_fds),
        bytes(board.records_waiting_bytes),
        count(board.records_dropped)
    );
    let cut = |line: String| cut(&line, frame.width);
    let lost = board.records_dropped > 0.0;
    vec![
        paint(frame, BOLD, &cut(title)),
        paint(frame, if board.failed_share > 0.05 { RED } else { "" }, &cut(calls)),
        paint(frame, if board.breakers_open > 0.0 { RED } else { "" }, &cut(sockets)),
        paint(frame, if lost { RED } else { "" }, &cut(process)),
    ]
}

fn table_head() -> String {
    let mut line = format!("{:NAME$}", "PROVIDER");
    for (head, width) in COLUMNS {
        let _ = write!(line, "{head:>width$}");
    }
    line
}

fn provider_line(row: &Row, frame: &Frame<'_>) -> String {
    let cells = [
        rate(row.calls_per_second),
        count(row.in_flight),
        duration(row.p50_ms),
        duration(row.p99_ms),
        rate(row.answered_4xx_per_second),
        rate(row.answered_5xx_per_second),
        rate(row.failed_per_second),
    ];
    let mut line = format!("{:NAME$}", cut(&name(row), NAME - 1));
    for ((_, width), cell) in COLUMNS.iter().zip(cells) {
        let _ = write!(line, "{cell:>width$}");
    }
    let wrong = row.failed_per_second + row.answered_5xx_per_second > 0.0;
    paint(frame, if wrong { RED } else { "" }, &cut(&line, frame.width))
}

fn errors(board: &Board) -> Vec<String> {
    let with_errors = board.providers.iter().filter(|row| !row.errors.is_empty());
    with_errors
        .map(|row| {
            let told: Vec<String> = row
                .errors
                .iter()
                .map(|(error, each)| format!("{} {}/s", clean(error), rate(*each)))
                .collect();
            format!("{:NAME$} {}", cut(&name(row), NAME - 1), told.join("   "))
        })
        .collect()
}

fn keys_line(sort: Sort) -> String {
    let keys = [
        (Sort::Calls, "c calls"),
        (Sort::Flight, "f flight"),
        (Sort::P50, "5 p50"),
        (Sort::P99, "9 p99"),
        (Sort::Errors, "e errors"),
        (Sort::Provider, "p name"),
    ];
    let marked = |(by, key): &(Sort, &str)| if *by == sort { format!("[{key}]") } else { (*key).to_owned() };
    let keys: Vec<String> = keys.iter().map(marked).collect();
    format!("q quit  r reverse  sort by {}", keys.join(" "))
}

fn name(row: &Row) -> String {
    if row.provider.is_empty() { "(no connection)".to_owned() } else { clean(&row.provider) }
}

fn paint(frame: &Frame<'_>, colour: &str, line: &str) -> String {
    if frame.colours && !colour.is_empty() { format!("{colour}{line}{PLAIN}") } else { line.to_owned() }
}

fn cut(line: &str, width: usize) -> String {
    if line.chars().count() <= width {
        return line.to_owned();
    }
    line.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

fn rate(value: f64) -> String {
    match value {
        0.0 => "0".to_owned(),
        value if value < 0.05 => "<0.1".to_owned(),
        value if value < 100.0 => format!("{value:.1}"),
        value if value < 1e6 => format!("{value:.0}"),
        value => format!("{:.1}M", value / 1e6),
    }
}

fn count(value: f64) -> String {
    if value < 1e7 { format!("{value:.0}") } else { format!("{:.0}M", value / 1e6) }
}

fn percent(share: f64) -> String {
    match share * 100.0 {
        0.0 => "0%".to_owned(),
        percent if percent < 0.1 => "<0.1%".to_owned(),
        // Nearly all is not all.
        percent if percent < 10.0 || (99.0..100.0).contains(&percent) => {
            format!("{:.1}%", (percent * 10.0).floor() / 10.0)
        }
        percent => format!("{percent:.0}%"),
    }
}

fn duration(ms: Option<f64>) -> String {
    match ms {
        None => "-".to_owned(),
        Some(ms) if ms < 10.0 => format!("{ms:.1} ms"),
        Some(ms) if ms < 1e3 => format!("{ms:.0} ms"),
        Some(ms) => format!("{:.1} s", ms / 1e3),
    }
}

fn bytes(value: f64) -> String {
    match value {
        value if value < 1024.0 * 1024.0 => format!("{:.0} KiB", value / 1024.0),
        value if value < 1024.0 * 1024.0 * 1024.0 => format!("{:.1} MiB", value / (1024.0 * 1024.0)),
        value => format!("{:.1} GiB", value / (1024.0 * 1024.0 * 1024.0)),
    }
}

fn seconds(value: f64) -> String {
    let whole = value.max(0.0).round() as u64;
    match (whole / 86_400, whole / 3600 % 24, whole / 60 % 60, whole % 60) {
        (0, 0, 0, seconds) => format!("{seconds} s"),
        (0, 0, minutes, seconds) => format!("{minutes} min {seconds} s"),
        (0, hours, minutes, _) => format!("{hours} h {minutes} min"),
        (days, hours, ..) => format!("{days} d {hours} h"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::sample::Sample;
    use super::*;

    const BEFORE: &str = r#"
passthrough_requests_total{door="proxy",provider="github",status="2xx",error=""} 1000
passthrough_request_duration_seconds_bucket{le="0.01",door="proxy",provider="github"} 900
passthrough_request_duration_seconds_bucket{le="0.05",door="proxy",provider="github"} 1000
passthrough_request_duration_seconds_bucket{le="+Inf",door="proxy",provider="github"} 1000
passthrough_upstream_sockets_opened_total 10
passthrough_upstream_sockets_reused_total 990
process_cpu_seconds_total 5
process_start_time_seconds 1000
passthrough_build_info{version="0.1.0"} 1
"#;
    const AFTER: &str = r#"
passthrough_requests_total{door="envelope",provider="",status="",error="unauthorized"} 3
passthrough_request_duration_seconds_bucket{le="0.01",door="envelope",provider=""} 3
passthrough_request_duration_seconds_bucket{le="0.05",door="envelope",provider=""} 3
passthrough_request_duration_seconds_bucket{le="+Inf",door="envelope",provider=""} 3
passthrough_requests_total{door="proxy",provider="github",status="2xx",error=""} 3400
passthrough_requests_total{door="proxy",provider="github",status="4xx",error=""} 12
passthrough_request_duration_seconds_bucket{le="0.01",door="proxy",provider="github"} 3200
passthrough_request_duration_seconds_bucket{le="0.05",door="proxy",provider="github"} 3412
passthrough_request_duration_seconds_bucket{le="+Inf",door="proxy",provider="github"} 3412
passthrough_in_flight{provider="github"} 7
passthrough_requests_total{door="proxy",provider="a-provider-with-a-long-name",status="5xx",error=""} 40
passthrough_requests_total{door="proxy",provider="a-provider-with-a-long-name",status="",error="gateway_timeout"} 2
passthrough_requests_total{door="proxy",provider="a-provider-with-a-long-name",status="2xx",error="caller_gone"} 4
passthrough_request_duration_seconds_bucket{le="0.01",door="proxy",provider="a-provider-with-a-long-name"} 0
passthrough_request_duration_seconds_bucket{le="30.0",door="proxy",provider="a-provider-with-a-long-name"} 46
passthrough_request_duration_seconds_bucket{le="+Inf",door="proxy",provider="a-provider-with-a-long-name"} 46
passthrough_in_flight{provider="a-provider-with-a-long-name"} 32
passthrough_upstream_sockets_idle 14
passthrough_upstream_sockets_opened_total 12
passthrough_upstream_sockets_reused_total 3400
passthrough_upstream_breakers{state="open"} 1
passthrough_caller_sockets 64
passthrough_records_waiting_bytes 215040
passthrough_records_dropped_total 0
process_cpu_seconds_total 5.82
process_resident_memory_bytes 19083264
process_open_fds 96
process_max_fds 1024
process_start_time_seconds 1000
passthrough_build_info{version="0.1.0"} 1
"#;

    fn board() -> Board {
        let (before, after) = (Sample::read(BEFORE).unwrap(), Sample::read(AFTER).unwrap());
        let mut board = Board::new(Some((&before, 2.0)), &after, 12_520.0);
        board.sort(Sort::Calls, false);
        board
    }

    fn frame(height: usize) -> Frame<'static> {
        let server = "http://127.0.0.1:8080";
        Frame { server, width: 80, height, live: true, colours: false, sort: Sort::Calls }
    }

    #[test]
    fn the_screen_looks_like_this() {
        insta::assert_snapshot!(draw(&board(), &frame(24)).join("\n"), @r"
        http://127.0.0.1:8080  version 0.1.0  up 3 h 12 min  of the last 2 s
        calls    1230/s   in flight 39   failed 1.9%   p50 5.3 ms   p99 50 ms
        sockets  idle 14   opened 1.0/s   reused 99.9%   callers 64   breakers open 1
        process  18.2 MiB   cpu 41%   fds 96 of 1024   records 210 KiB   dropped 0

        PROVIDER              CALLS/S FLIGHT      P50      P99   4XX/S   5XX/S  FAIL/S
        github                   1206      7   5.2 ms    41 ms     6.0       0       0
        a-provider-with-a-…      23.0     32   15.0 s   29.7 s       0    20.0     3.0
        (no connection)           1.5      0   5.0 ms   9.9 ms       0       0     1.5

        PROVIDER             ERRORS
        a-provider-with-a-…  caller_gone 2.0/s   gateway_timeout 1.0/s
        (no connection)      unauthorized 1.5/s

        q quit  r reverse  sort by [c calls] f flight 5 p50 9 p99 e errors p name
        ");
    }

    #[test]
    fn it_fits_into_any_terminal() {
        for (width, height) in [(80, 24), (80, 8), (40, 12), (20, 3), (1, 1)] {
            let lines = draw(&board(), &Frame { width, height, ..frame(height) });
            let widest = lines.iter().map(|line| line.chars().count()).max().unwrap();
            assert!(widest <= width, "{width}: {lines:#?}");
            assert!(lines.len() <= height, "{height}: {lines:#?}");
        }
    }

    #[test]
    fn colours_are_there_only_where_asked_for() {
        let plain = draw(&board(), &frame(24)).join("\n");
        assert!(!plain.contains('\u{1b}'));
        let coloured = draw(&board(), &Frame { colours: true, ..frame(24) }).join("\n");
        assert!(coloured.contains(RED));
    }

    #[test]
    fn what_a_server_names_cannot_move_the_cursor() {
        let mut board = board();
        board.version = "\u{1b}[2J".to_owned();
        board.providers[0].provider = "\u{1b}[31mx".to_owned();
        board.providers[0].errors = vec![("\u{7}bell".to_owned(), 1.0)];
        assert!(!draw(&board, &frame(24)).join("").contains(['\u{1b}', '\u{7}']));
    }
}
