//! `passthrough requests`: the records of what was done.

use std::collections::HashSet;
use std::time::Duration;

use anyhow::Result;
use clap::{Args, Subcommand};
use passthrough_client::{Client, Error, RequestFilter};
use passthrough_wire::error::ErrorCode;
use passthrough_wire::record::{ENDINGS, Record};

use crate::exit::Exit;
use crate::output::{Output, cell, clean};
use crate::paging::{Paging, tell_next};
use crate::server::ServerFlags;
use crate::time;

/// How often `follow` asks.
const PAUSE: Duration = Duration::from_secs(1);
/// How many records one question brings.
const PAGE: u32 = 100;

/// What to do with records.
#[derive(Debug, Subcommand)]
#[command(after_help = "\
A record holds no body, no query string and no header.

Examples:
  passthrough requests list --status 5xx --since 1h
  passthrough requests show req_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C
  passthrough requests follow")]
pub enum Requests {
    /// List records, newest first
    List(List),
    /// Show one record
    Show(Show),
    /// Print records as they are made, until interrupted
    Follow(Follow),
}

/// Which records.
#[derive(Debug, Clone, Args)]
pub struct FilterFlags {
    /// Only those of this connection (`conn_…`)
    #[arg(long, value_name = "ID")]
    connection: Option<String>,
    /// Only those to this provider
    #[arg(long, value_name = "CODE")]
    provider: Option<String>,
    /// Only those that the provider answered with this status, or this class of them (`404`, `5xx`)
    #[arg(long, value_name = "STATUS", value_parser = parse_status)]
    status: Option<String>,
    /// Only those that failed on our side with this code (`gateway_timeout`)
    #[arg(long, value_name = "CODE", value_parser = error_codes())]
    error: Option<String>,
}

/// Which records to list.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  passthrough requests list
  passthrough requests list --provider stripe --status 4xx --since 24h
  passthrough requests list --error gateway_timeout --limit 200 --output json")]
pub struct List {
    #[command(flatten)]
    filter: FilterFlags,
    /// Only those since then: a time (RFC 3339) or a span before now (`15m`, `24h`, `7d`)
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    since: Option<i64>,
    /// Only those before then
    #[arg(long, value_name = "TIME", value_parser = time::parse)]
    until: Option<i64>,
    #[command(flatten)]
    paging: Paging,
    #[command(flatten)]
    server: ServerFlags,
}

/// The record to show.
#[derive(Debug, Args)]
#[command(after_help = "\
The id is in the header `Passthrough-Request-Id` of every answer and in every error.

Examples:
  passthrough requests show req_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C")]
pub struct Show {
    /// `req_…`
    id: String,
    #[command(flatten)]
    server: ServerFlags,
}

/// Which records to follow.
#[derive(Debug, Args)]
#[command(after_help = "\
Examples:
  passthrough requests follow
  passthrough requests follow --connection conn_01K9ZP3Q5T8V0W2X4Y6Z8A0B2C --output json | jq .path")]
pub struct Follow {
    #[command(flatten)]
    filter: FilterFlags,
    /// Begin with this many of the last ones
    #[arg(long, default_value_t = 10, value_parser = clap::value_parser!(u32).range(0..=100))]
    last: u32,
    #[command(flatten)]
    server: ServerFlags,
}

impl Requests {
    pub(super) async fn run(&self, output: &Output) -> Result<Exit> {
        match self {
            Requests::List(list) => list.run(output).await?,
            Requests::Show(show) => show.run(output).await?,
            Requests::Follow(follow) => follow.run(output).await?,
        }
        Ok(Exit::Done)
    }
}

impl FilterFlags {
    fn filter(&self) -> RequestFilter {
        RequestFilter {
            connection_id: self.connection.clone(),
            provider: self.provider.clone(),
            status: self.status.clone(),
            error_code: self.error.clone(),
            ..RequestFilter::default()
        }
    }
}

/// A status or a class of them. For `clap`.
fn parse_status(text: &str) -> Result<String, String> {
    let is_class = matches!(text.as_bytes(), [b'1'..=b'5', b'x', b'x']);
    let is_code = text.parse().is_ok_and(|code: u16| (100..=999).contains(&code));
    let wrong = || "write a status such as 404, or a class: 1xx, 2xx, 3xx, 4xx or 5xx".to_owned();
    if is_class || is_code { Ok(text.to_owned()) } else { Err(wrong()) }
}

fn error_codes() -> Vec<&'static str> {
    ErrorCode::ALL.into_iter().map(ErrorCode::as_str).chain(ENDINGS).collect()
}

impl List {
    async fn run(&self, output: &Output) -> Result<()> {
        let filter = RequestFilter {
            from: self.since.map(time::rfc3339),
            to: self.until.map(time::rfc3339),
            cursor: self.paging.cursor.clone(),
            limit: Some(self.paging.limit),
            ..self.filter.filter()
        };
        let page = self.server.client(output)?.list_requests(&filter).await?;
        if output.is_json() {
            return output.json(&page);
        }
        let row = |record: &Record| {
            vec![
                record.started_at.clone(),
                outcome(record),
                record.method.clone(),
                cell(record.provider.as_deref()),
                record.path.clone(),
                format!("{} ms", record.duration_ms),
                record.id.clone(),
            ]
        };
        let head = ["started", "status", "method", "provider", "path", "took", "id"];
        output.table(&head, page.results.iter().map(row).collect(), "no records fit")?;
        tell_next(output, page.next);
        Ok(())
    }
}

impl Show {
    async fn run(&self, output: &Output) -> Result<()> {
        let record = self.server.client(output)?.get_request(&self.id).await?;
        if output.is_json() {
            return output.json(&record);
        }
        // Every field has its line, also those that a later version adds.
        let serde_json::Value::Object(fields) = serde_json::to_value(&record)? else { return Ok(()) };
        for (name, value) in fields {
            let value = value.as_str().map_or_else(|| value.to_string(), ToOwned::to_owned);
            output.line(format!("{name:<18} {}", clean(&value)))?;
        }
        Ok(())
    }
}

impl Follow {
    async fn run(&self, output: &Output) -> Result<()> {
        let client = self.server.client(output)?;
        let mut seen = HashSet::new();
        let first = RequestFilter { limit: Some(PAGE), ..self.filter.filter() };
        let page = client.list_requests(&first).await?;
        seen.extend(page.results.iter().map(|record| record.id.clone()));
        let last = usize::try_from(self.last).unwrap_or_default();
        for record in page.results.iter().take(last).rev() {
            print(output, record)?;
        }
        output.note("waiting for more; end with Ctrl-C");
        loop {
            tokio::select! {
                interrupted = tokio::signal::ctrl_c() => return Ok(interrupted?),
                () = tokio::time::sleep(PAUSE) => {}
            }
            for record in news(&client, &first, &mut seen).await? {
                print(output, &record)?;
            }
        }
    }
}

/// What was not seen yet, oldest first. Records are written in batches by several workers, so that one may appear
/// after another that is newer: what counts is whether it was seen, not its place.
async fn news(
    client: &Client,
    filter: &RequestFilter,
    seen: &mut HashSet<String>,
) -> Result<Vec<Record>, Error> {
    let mut fresh = Vec::new();
    let mut last_page = HashSet::new();
    let mut filter = filter.clone();
    loop {
        let page = client.list_requests(&filter).await?;
        let count = page.results.len();
        last_page.extend(page.results.iter().map(|record| record.id.clone()));
        let before = fresh.len();
        fresh.extend(page.results.into_iter().filter(|record| !seen.contains(&record.id)));
        // A page with something known in it reaches back to what was printed.
        if page.next.is_none() || fresh.len() - before < count {
            break;
        }
        filter.cursor = page.next;
    }
    // Only the newest are needed to know what is new: memory does not grow with the hours.
    *seen = last_page;
    fresh.reverse();
    Ok(fresh)
}

fn print(output: &Output, record: &Record) -> Result<()> {
    if output.is_json() {
        return output.json_line(record);
    }
    output.line(format!(
        "{} {:>3} {:<6} {} {} ({} ms, {}, {})",
        record.started_at,
        outcome(record),
        record.method,
        cell(record.provider.as_deref()),
        record.path,
        record.duration_ms,
        record.door,
        record.id,
    ))
}

/// The provider's status, and our error with its reason: an answer may break off after its head.
fn outcome(record: &Record) -> String {
    let status = record.status_code.map(|status| status.to_string());
    let reason = record.error_reason.as_ref().map(|reason| format!("({reason})"));
    let told: Vec<_> = [status, record.error_code.clone(), reason].into_iter().flatten().collect();
    if told.is_empty() { "-".to_owned() } else { told.join(" ") }
}
