//! `passthrough top`: what a running server does, live.
//!
//! Everything comes from the server's metrics, so it sees what Prometheus would see, and needs no API key.

mod board;
mod draw;
mod sample;
mod screen;

use std::io::IsTerminal;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Args;
use dialoguer::console;
use passthrough_client::{Client, RetryConfig};
use passthrough_server::Clock;
use serde_json::Value;
use tokio::time::MissedTickBehavior;

use board::{Board, Sort};
use draw::Frame;
use sample::Sample;
use screen::Screen;

use crate::exit::{Exit, Hinted};
use crate::output::Output;
use crate::server::check_scheme;
use crate::signal;

/// What to watch.
#[derive(Debug, Args)]
#[command(after_help = "\
Keys: q quits; c, f, 5, 9, e and p sort by calls, in flight, p50, p99, errors and provider; r reverses.
Where standard output is no terminal, the numbers since the server's start are printed once.

The server shows its metrics to its own machine, or at the address of its setting `metrics.listen`.

Examples:
  passthrough top
  passthrough top --server http://10.0.0.5:9464 --sort errors
  passthrough top --once
  passthrough top --output json | jq .callsPerSecond")]
pub struct Top {
    /// Where the server's metrics are
    #[arg(long, value_name = "URL", env = "PASSTHROUGH_SERVER_URL", default_value = "http://127.0.0.1:8080")]
    server: String,
    /// Seconds between two looks
    #[arg(long, value_name = "SECONDS", default_value_t = 1.0, value_parser = interval)]
    interval: f64,
    /// What to order providers by
    #[arg(long, value_enum, default_value_t = Sort::Calls)]
    sort: Sort,
    /// Print the numbers since the server's start, and stop
    #[arg(long)]
    once: bool,
}

fn interval(text: &str) -> Result<f64, String> {
    let seconds = text.parse::<f64>().ok().filter(|seconds| (0.1..=3600.0).contains(seconds));
    seconds.ok_or_else(|| "write it as seconds between 0.1 and 3600".to_owned())
}

/// What keys can change.
struct View {
    sort: Sort,
    reverse: bool,
}

impl Top {
    pub(super) async fn run(&self, output: &Output) -> Result<Exit> {
        check_scheme(&self.server)?;
        // No key goes along, so there is nothing that plain http could give away.
        let builder = Client::builder(&self.server).allow_plain_http(true).retries(RetryConfig::none());
        let client = builder.timeout(Duration::from_secs(5)).build()?;
        let mut watch = Watch { client, server: &self.server, last: None };
        let view = View { sort: self.sort, reverse: false };
        if output.is_json() {
            return self.lines(&mut watch, &view, output).await;
        }
        let terminal = std::io::stdout().is_terminal();
        if self.once || !terminal {
            let board = watch.look(&view).await?;
            // Whoever asks once wants all of it, and a terminal breaks lines that are too long.
            let frame = self.frame((usize::MAX, usize::MAX / 2), false, terminal, view.sort);
            output.line(draw::draw(&board, &frame).join("\n"))?;
            return Ok(Exit::Done);
        }
        self.live(&mut watch, view).await
    }

    fn frame(&self, (width, height): (usize, usize), live: bool, terminal: bool, sort: Sort) -> Frame<'_> {
        let colours = terminal && console::colors_enabled();
        Frame { server: &self.server, width, height, live, colours, sort }
    }

    /// One line of JSON at each look.
    async fn lines(&self, watch: &mut Watch<'_>, view: &View, output: &Output) -> Result<Exit> {
        let stop = signal::to_stop()?;
        tokio::pin!(stop);
        let mut ticks = self.ticks();
        loop {
            tokio::select! {
                () = &mut stop => return Ok(Exit::Done),
                _ = ticks.tick() => output.json_line(&rounded(serde_json::to_value(watch.look(view).await?)?))?,
            }
            if self.once {
                return Ok(Exit::Done);
            }
        }
    }

    async fn live(&self, watch: &mut Watch<'_>, mut view: View) -> Result<Exit> {
        let stop = signal::to_stop()?;
        tokio::pin!(stop);
        // Before the screen is taken over: a server that is not there should be told in the usual way.
        let mut board = watch.look(&view).await?;
        let mut trouble = None;
        let screen = Screen::enter()?;
        let mut keys = screen::keys();
        let mut ticks = self.ticks();
        ticks.reset();
        loop {
            let mut lines = draw::draw(&board, &self.frame(Screen::size(), true, true, view.sort));
            if let (Some(trouble), Some(first)) = (&trouble, lines.first_mut()) {
                *first = format!("{}: {trouble}", self.server);
            }
            screen.show(&lines)?;
            tokio::select! {
                () = &mut stop => return Ok(Exit::Done),
                Some(key) = keys.recv() => match key {
                    b'q' | b'Q' => return Ok(Exit::Done),
                    key => view.press(key),
                },
                _ = ticks.tick() => match watch.look(&view).await {
                    Ok(new) => (board, trouble) = (new, None),
                    // A server that is started anew comes back; the last numbers stay until then.
                    Err(error) => trouble = Some(error.to_string()),
                },
            }
            board.sort(view.sort, view.reverse);
        }
    }

    fn ticks(&self) -> tokio::time::Interval {
        let mut ticks = tokio::time::interval(Duration::from_secs_f64(self.interval));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        ticks
    }
}

/// With no more decimals than anybody reads.
fn rounded(value: Value) -> Value {
    match value {
        Value::Number(number) => match number.as_f64() {
            Some(float) if number.is_f64() => {
                let float = (float * 1e3).round() / 1e3;
                if float.fract() == 0.0 && float.abs() < 1e15 { (float as i64).into() } else { float.into() }
            }
            _ => Value::Number(number),
        },
        Value::Array(values) => values.into_iter().map(rounded).collect(),
        Value::Object(members) => members.into_iter().map(|(name, value)| (name, rounded(value))).collect(),
        other => other,
    }
}

impl View {
    fn press(&mut self, key: u8) {
        self.sort = match key {
            b'c' => Sort::Calls,
            b'f' => Sort::Flight,
            b'5' => Sort::P50,
            b'9' => Sort::P99,
            b'e' => Sort::Errors,
            b'p' => Sort::Provider,
            b'r' => {
                self.reverse = !self.reverse;
                return;
            }
            _ => return,
        };
    }
}

/// A server that is looked at again and again.
struct Watch<'a> {
    client: Client,
    server: &'a str,
    last: Option<(Sample, Instant)>,
}

impl Watch<'_> {
    async fn look(&mut self, view: &View) -> Result<Board> {
        let text = self.client.metrics().await.map_err(|error| self.explain(error))?;
        let (sample, at) = (Sample::read(&text), Instant::now());
        let sample =
            sample.with_context(|| format!("{} shows metrics, but not those of Passthrough", self.server))?;
        let before = self.last.as_ref().map(|(last, then)| (last, (at - *then).as_secs_f64()));
        let mut board = Board::new(before, &sample, Clock::System.now_ms() as f64 / 1e3);
        board.sort(view.sort, view.reverse);
        self.last = Some((sample, at));
        Ok(board)
    }

    fn explain(&self, error: passthrough_client::Error) -> anyhow::Error {
        match &error {
            passthrough_client::Error::Api(answer) if answer.status == 404 => Hinted::missing(
                format!("{} shows no metrics here", self.server),
                "run this on the server's machine, or use --server with the address of its setting metrics.listen",
            )
            .into(),
            _ => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_a_snapshot_are_rounded() {
        let board = serde_json::json!({"a": 0.123_456_789, "b": [5.0, 7], "c": {"d": 1.0005, "e": null}});
        let expected = serde_json::json!({"a": 0.123, "b": [5, 7], "c": {"d": 1.001, "e": null}});
        assert_eq!(rounded(board).to_string(), expected.to_string());
    }
}
