//! `passthrough connection import`: many connections from a file of lines, nothing twice and nothing lost.
//!
//! Each connection is made with a tag that is its own. Where this program or the exchange with the server broke off,
//! that tag tells whether the connection was made: what the file of tokens and the journal say is looked at first,
//! then the server is asked, and only then is anything sent again.

use std::path::{Path, PathBuf};
use std::pin::pin;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::Args;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use passthrough_client::wire::connection::CreateConnection;
use passthrough_client::wire::fields::FieldError;
use passthrough_client::{Client, ConnectionFilter, Error as ClientError};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout};

use crate::exit::{Exit, Hinted};
use crate::output::Output;
use crate::server::ServerFlags;
use crate::signal;

mod dry_run;
mod journal;
mod lines;

use journal::{Journal, Made};
use lines::{Line, Lines};

/// How often a line is tried that could not be carried out this time.
const TRIES: u32 = 6;
/// How long the server may still be at work on a request whose caller has gone.
const SETTLE: Duration = Duration::from_secs(3);

/// The file to import.
#[derive(Debug, Args)]
#[command(after_help = "\
Each line of the file is the JSON of `POST /v1/connections`; tokens of any grant that you have are taken in:

  {\"provider\": \"hubspot\", \"auth\": \"oauth\", \"externalId\": \"customer-42\", \"credentials\":
   {\"access_token\": \"…\", \"refresh_token\": \"…\", \"expires_at\": \"2027-01-31T12:00:00Z\"}}      (in one line)

Whatever ends it, even a power cut: the same command goes on where it was, makes nothing twice and loses nothing. It
keeps a journal for that beside the file (FILE.journal). Lines that were refused are tried again then. Mend them in
the file, empty those that are not wanted, add lines at its end: only lines that are connections must stay as they
are. Connections get the tag import:ID:LINE, by which they are found again.

  FILE.tokens.jsonl    {line, id, token, externalId?}: the connection tokens, readable by you alone
  FILE.report.jsonl    {line, id} or {line, error} for each line, once it has come to the end

Exits 0 where every line is a connection, 1 where some are not, 3 where the API key is not accepted.

Examples:
  passthrough connection import customers.jsonl --dry-run
  passthrough connection import customers.jsonl
  passthrough connection import customers.jsonl --tokens /run/secrets/tokens.jsonl --parallel 16")]
pub struct Import {
    /// The file, one connection in each line
    file: PathBuf,
    /// Only look whether the lines can be meant; make nothing
    #[arg(long)]
    dry_run: bool,
    /// Where the connection tokens go; FILE.tokens.jsonl where absent
    #[arg(long, value_name = "FILE")]
    tokens: Option<PathBuf>,
    /// Where the report goes; FILE.report.jsonl where absent
    #[arg(long, value_name = "FILE")]
    report: Option<PathBuf>,
    /// How many are made at a time
    #[arg(long, default_value_t = 8, value_parser = clap::value_parser!(u8).range(1..=64))]
    parallel: u8,
    #[command(flatten)]
    server: ServerFlags,
}

/// What came of a line.
enum Outcome {
    Made(Made),
    /// Not made, as far as is known.
    Failed {
        line: u64,
        error: String,
        /// Whether it may have been made all the same.
        in_doubt: bool,
        /// Where every other line would fare the same: how the import ends.
        hopeless: Option<Exit>,
    },
}

impl Import {
    pub(super) async fn run(&self, output: &Output) -> Result<Exit> {
        let client = self.server.client(output)?;
        // First of all: an import of nothing must leave no journal behind.
        let lines = Lines::open(&self.file)?;
        if self.dry_run {
            return dry_run::run(&client, lines, output).await;
        }
        let tokens = self.tokens.clone().unwrap_or_else(|| beside(&self.file, "tokens.jsonl"));
        let path = beside(&self.file, "journal");
        let mut journal = Journal::open(&path, &tokens)?;
        tokio::task::block_in_place(|| journal.check(lines, &self.file, &path))?;
        if journal.is_resumed() {
            output.note(format!("goes on: {} lines are connections already", journal.made()));
        }
        let bar = bar(&self.file, output)?;
        let done = self.make_all(&client, &mut journal, &bar).await;
        bar.finish_and_clear();
        done.context("the import broke off")?;
        let report = self.report.clone().unwrap_or_else(|| beside(&self.file, "report.jsonl"));
        let (made, failed) = journal.report(&report)?;
        if output.is_json() {
            output.json(
                &serde_json::json!({"made": made, "failed": failed, "tokens": tokens, "report": report}),
            )?;
        } else {
            output.note(format!("{made} connections are made; their tokens are in {}", tokens.display()));
            if failed > 0 {
                output.note(format!("{failed} lines are not; {} says why", report.display()));
            }
        }
        Ok(if failed == 0 { Exit::Done } else { Exit::Failed })
    }

    async fn make_all(&self, client: &Client, journal: &mut Journal, bar: &ProgressBar) -> Result<()> {
        let mut stop = pin!(signal::to_stop()?);
        let mut lines = Lines::open(&self.file)?;
        let mut under_way = JoinSet::new();
        if journal.has_doubts() {
            tokio::select! {
                () = sleep(SETTLE) => {}
                () = &mut stop => return Err(interrupted(journal).into()),
            }
        }
        let hopeless = loop {
            self.begin_more(client, journal, &mut lines, &mut under_way, bar)?;
            tokio::select! {
                first = under_way.join_next() => {
                    let Some(first) = first else { return Ok(()) };
                    if let Some(hopeless) = note(journal, first?, &mut under_way)? {
                        break Some(hopeless);
                    }
                }
                () = &mut stop => break None,
            }
        };
        // What is under way may be connections by now. What does not end in time is asked for by its tag next time.
        let rest = async {
            while let Some(next) = under_way.join_next().await {
                note(journal, next?, &mut under_way)?;
            }
            anyhow::Ok(())
        };
        timeout(SETTLE, rest).await.unwrap_or(Ok(()))?;
        Err(hopeless.unwrap_or_else(|| interrupted(journal)).into())
    }

    /// Begins lines until so many are under way as shall be.
    fn begin_more(
        &self,
        client: &Client,
        journal: &mut Journal,
        lines: &mut Lines,
        under_way: &mut JoinSet<Outcome>,
        bar: &ProgressBar,
    ) -> Result<()> {
        while under_way.len() < usize::from(self.parallel) {
            let Some(line) = tokio::task::block_in_place(|| lines.next()) else { return Ok(()) };
            bar.set_position(line.end);
            if journal.is_made(line.number) {
                continue;
            }
            // Before anything is sent: what is not in the journal was never begun.
            let in_doubt = tokio::task::block_in_place(|| journal.begin(line.number))?;
            let (client, tag, hash) = (client.clone(), journal.tag(line.number), line.hash(journal.import()));
            under_way.spawn(async move { make(&client, line, hash, tag, in_doubt).await });
        }
        Ok(())
    }
}

/// Notes what came of a line and of those that ended with it. Gives the failure that no other line will escape: a key
/// that is not accepted or a server that is not there will not get better line by line.
fn note(journal: &mut Journal, first: Outcome, under_way: &mut JoinSet<Outcome>) -> Result<Option<Hinted>> {
    let mut outcomes = vec![first];
    while let Some(next) = under_way.try_join_next() {
        outcomes.push(next?);
    }
    tokio::task::block_in_place(|| journal.note(&outcomes))?;
    let hopeless = outcomes.iter().find_map(|outcome| match outcome {
        Outcome::Failed { line, error, hopeless: Some(exit), .. } => {
            let hint = match exit {
                Exit::Refused => "with an API key that may make connections, the same command goes on",
                _ => "the same command goes on",
            };
            Some(Hinted::new(format!("line {line}: {error}"), hint).ending(*exit))
        }
        _ => None,
    });
    Ok(hopeless)
}

fn interrupted(journal: &Journal) -> Hinted {
    Hinted::new(
        format!("interrupted; {} lines are connections", journal.made()),
        "the same command goes on where it was: nothing is made twice and no token is lost",
    )
}

/// Makes one connection, unless it is there already.
async fn make(client: &Client, line: Line, hash: u32, tag: String, in_doubt: bool) -> Outcome {
    let number = line.number;
    let failed =
        |error: String, in_doubt, hopeless| Outcome::Failed { line: number, error, in_doubt, hopeless };
    let parsed = line.text.and_then(|text| CreateConnection::parse(text.as_bytes()).map_err(mistakes));
    let request = parsed.map(|mut request| {
        request.tags.push(tag.clone());
        request
    });
    let external_id = request.as_ref().ok().and_then(|request| request.external_id.clone());
    let made = |id: String, token: String| {
        Outcome::Made(Made { line: number, id, token, external_id: external_id.clone(), hash })
    };
    let (mut in_doubt, mut error, mut away) = (in_doubt, String::new(), None);
    for attempt in 0..TRIES {
        if attempt > 0 {
            sleep(Duration::from_millis(500 << attempt)).await;
        }
        if in_doubt {
            match find(client, &tag).await {
                Ok(Some((id, token))) => return made(id, token),
                Ok(None) => in_doubt = false,
                Err(found) => {
                    away = is_away(&found);
                    error = words(&found);
                    continue;
                }
            }
        }
        // Only now: it may have been another text when it was begun.
        let request = match &request {
            Ok(request) => request,
            Err(error) => return failed(error.clone(), false, None),
        };
        match client.create_connection(request).await {
            Ok(created) => return made(created.connection.id, created.token),
            Err(refused) => {
                error = words(&refused);
                away = is_away(&refused);
                match judge(&refused) {
                    Judged::Refused => return failed(error, false, None),
                    Judged::Hopeless(exit) => return failed(error, false, Some(exit)),
                    Judged::Later(wait) => sleep(wait).await,
                    // The server may be at work on it still.
                    Judged::InDoubt => {
                        in_doubt = true;
                        sleep(SETTLE).await;
                    }
                }
            }
        }
    }
    failed(error, in_doubt, away)
}

/// The connection with this tag, with another token: the first one is known to nobody.
async fn find(client: &Client, tag: &str) -> Result<Option<(String, String)>, ClientError> {
    let filter = ConnectionFilter { tag: Some(tag.to_owned()), ..ConnectionFilter::default() };
    let Some(found) = client.list_connections(&filter).await?.results.into_iter().next() else {
        return Ok(None);
    };
    let rotated = client.rotate_connection_token(&found.id).await?;
    Ok(Some((rotated.connection.id, rotated.token)))
}

/// How the import ends where there is no server.
fn is_away(error: &ClientError) -> Option<Exit> {
    matches!(error, ClientError::Connect { .. }).then_some(Exit::Failed)
}

/// What to do after an error.
enum Judged {
    /// The line is wrong, or its provider refuses it.
    Refused,
    /// So is every other, and the import ends like this.
    Hopeless(Exit),
    /// It may work later; nothing was stored.
    Later(Duration),
    /// It may have been stored.
    InDoubt,
}

fn judge(error: &ClientError) -> Judged {
    match error {
        ClientError::Connect { .. } => Judged::Later(Duration::from_secs(1)),
        ClientError::Broken { .. } | ClientError::Timeout(_) | ClientError::Decode { .. } => Judged::InDoubt,
        ClientError::Api(error) => match error.status.as_u16() {
            401 | 403 => Judged::Hopeless(Exit::Refused),
            429 | 500..=599 if error.body.retryable => Judged::Later(error.retry_after.unwrap_or_default()),
            // What went wrong there may have come after the connection was stored.
            500 => Judged::InDoubt,
            _ => Judged::Refused,
        },
        _ => Judged::Hopeless(Exit::Failed),
    }
}

/// An error with the mistakes that the server names, in one line.
fn words(error: &ClientError) -> String {
    let Some(api) = error.api() else { return error.to_string() };
    let fields =
        api.body.detail.clone().and_then(|detail| serde_json::from_value::<Vec<FieldError>>(detail).ok());
    fields.map_or_else(|| api.body.message.clone(), mistakes)
}

fn mistakes(errors: Vec<FieldError>) -> String {
    let one = |error: FieldError| match error.path.as_str() {
        "" => error.message,
        path => format!("{path}: {}", error.message),
    };
    errors.into_iter().map(one).collect::<Vec<_>>().join("; ")
}

/// `customers.jsonl` and `tokens.jsonl` make `customers.jsonl.tokens.jsonl`.
fn beside(file: &Path, extension: &str) -> PathBuf {
    let mut name = file.as_os_str().to_owned();
    name.push(".");
    name.push(extension);
    name.into()
}

fn bar(file: &Path, output: &Output) -> Result<ProgressBar> {
    let length = std::fs::metadata(file).with_context(|| format!("cannot read {}", file.display()))?.len();
    let target =
        if output.shows_progress() { ProgressDrawTarget::stderr() } else { ProgressDrawTarget::hidden() };
    let bar = ProgressBar::with_draw_target(Some(length), target);
    let style = ProgressStyle::with_template("{bar:30} {bytes} of {total_bytes}, {eta} left");
    Ok(style.map_or_else(|_| bar.clone(), |style| bar.clone().with_style(style)))
}
