//! `passthrough request`: a request through a connection, with the flags that curl has made habits of.

use std::path::PathBuf;

use anyhow::Result;
use clap::Args;
use http::{HeaderMap, HeaderName, HeaderValue, header};
use passthrough_client::wire::{BASE_HEADER, RETRIES_HEADER, THROTTLE_HEADER, TIMEOUT_HEADER};
use passthrough_client::{Connection, Raw};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::exit::{Exit, Hinted};
use crate::output::Output;
use crate::secret::{GivenToken, parse_token};
use crate::server::ServerFlags;
use crate::{exit, pair};

mod answer;
mod envelope;
mod payload;
mod progress;
mod upload;

/// Everything but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
const USER_AGENT: &str = concat!("passthrough/", env!("CARGO_PKG_VERSION"));

/// The request to make.
#[derive(Debug, Args)]
#[command(after_help = "\
The credential is added by the server; the answer is the provider's own, streamed to standard output byte for
byte. With --envelope (or --output json) the answer is the JSON of `POST /v1/passthrough` instead, with status and
headers in it.

Exits 0 when the provider answered with a status below 400, 4 when with 4xx or 5xx, 3 when API key or connection
token are not accepted, 1 when there was no answer.

Examples:
  export PASSTHROUGH_API_KEY=sk_… PASSTHROUGH_CONNECTION_TOKEN=con_tkn_…
  passthrough request GET /v1/customers --query limit=10
  passthrough request POST /v1/customers --json '{\"name\": \"Ada\"}' -i
  passthrough request POST /v1/charges --form amount=100 --form currency=eur
  passthrough request PUT /files/report.pdf -d @report.pdf -H 'Content-Type: application/pdf'
  passthrough request POST /upload -F 'file=@photo.jpg;type=image/jpeg' -F title=Photo
  passthrough request GET /export.csv -o export.csv
  passthrough request GET /v1/customers --output json | jq .response")]
pub struct Request {
    /// GET, POST, …: any method
    method: http::Method,
    /// Begins with `/`, below the provider's base URL; may hold a query
    path: String,
    /// A header for the provider
    #[arg(short = 'H', long = "header", value_name = "NAME: VALUE", value_parser = parse_header)]
    headers: Vec<(HeaderName, HeaderValue)>,
    /// A query parameter, which is encoded and added to the path
    #[arg(long, value_name = "NAME=VALUE", value_parser = pair::parse)]
    query: Vec<(String, String)>,
    #[command(flatten)]
    payload: payload::PayloadFlags,
    /// Print status and headers, too
    #[arg(short, long)]
    include: bool,
    /// Write the body to a file
    #[arg(short, long, value_name = "FILE")]
    out: Option<PathBuf>,
    /// Go through `/v1/passthrough/raw`: the bytes of a 2xx answer, the envelope of any other
    #[arg(long)]
    raw: bool,
    /// Go through `/v1/passthrough` and print the envelope
    #[arg(long, conflicts_with = "raw")]
    envelope: bool,
    /// The name of one of the provider's further base URLs
    #[arg(long, value_name = "NAME")]
    base: Option<String>,
    /// Total deadline in seconds
    #[arg(long, value_name = "SECONDS", value_parser = parse_seconds)]
    timeout: Option<u64>,
    /// How often it may be sent again where that is harmless: 0, 1 or 2
    #[arg(long, value_name = "COUNT", value_parser = clap::value_parser!(u8).range(0..=2))]
    retries: Option<u8>,
    /// Where the provider has said "not before": wait for it, or refuse at once
    #[arg(long, value_name = "wait|refuse", value_parser = ["wait", "refuse"])]
    throttle: Option<String>,
    /// The connection token, or @FILE to read it from a file
    #[arg(
        long,
        value_name = "TOKEN",
        env = "PASSTHROUGH_CONNECTION_TOKEN",
        hide_env_values = true,
        value_parser = parse_token,
        help_heading = "Server"
    )]
    connection_token: Option<GivenToken>,
    #[command(flatten)]
    server: ServerFlags,
}

impl Request {
    pub(super) async fn run(&self, output: &Output) -> Result<Exit> {
        let client = self.server.client(output)?;
        let token = self.connection_token.as_ref().ok_or_else(|| {
            Hinted::usage(
                "no connection token was given",
                "set PASSTHROUGH_CONNECTION_TOKEN or use --connection-token; `passthrough connection create` makes one",
            )
        })?;
        let token = token.read("--connection-token", "PASSTHROUGH_CONNECTION_TOKEN")?;
        let connection = client.connection(token).with_options(self.options()?);
        if self.raw {
            self.run_raw(&connection, output).await
        } else if self.envelope || output.is_json() {
            let answer = connection.request(&self.to_envelope().await?).await?;
            envelope::print(output, &answer, self.out.as_deref())?;
            Ok(ending(output, answer.status_code))
        } else {
            self.run_proxy(&connection, output).await
        }
    }

    async fn run_proxy(&self, connection: &Connection, output: &Output) -> Result<Exit> {
        let payload = self.payload.read()?;
        let mut headers = self.headers(payload.content_type().as_deref())?;
        if payload.is_json() && !headers.contains_key(header::ACCEPT) {
            headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        }
        let body = upload::body(payload, output).await?;
        let path = with_query(&self.path, &self.query);
        let answer = connection.proxy(self.method.clone(), &path, headers, body).await?;
        self.print(answer, output).await
    }

    async fn run_raw(&self, connection: &Connection, output: &Output) -> Result<Exit> {
        match connection.raw(&self.to_envelope().await?).await? {
            Raw::Provider(answer) => self.print(answer, output).await,
            Raw::Envelope(answer) => {
                envelope::print(output, &answer, self.out.as_deref())?;
                Ok(ending(output, answer.status_code))
            }
        }
    }

    async fn print(&self, answer: passthrough_client::Response, output: &Output) -> Result<Exit> {
        let status = answer.status().as_u16();
        answer::print(answer, self.include, self.out.as_deref(), output).await?;
        Ok(ending(output, status))
    }

    /// Our options, by flags or as headers. They say the same at every door.
    fn options(&self) -> Result<HeaderMap> {
        let mut options = HeaderMap::new();
        for (name, value) in self.headers.iter().filter(|(name, _)| is_option(name)) {
            options.append(name, value.clone());
        }
        if let Some(base) = &self.base {
            options.insert(BASE_HEADER, HeaderValue::try_from(base)?);
        }
        if let Some(milliseconds) = self.timeout {
            options.insert(TIMEOUT_HEADER, HeaderValue::from(milliseconds));
        }
        if let Some(retries) = self.retries {
            options.insert(RETRIES_HEADER, HeaderValue::from(u16::from(retries)));
        }
        if let Some(throttle) = &self.throttle {
            options.insert(THROTTLE_HEADER, HeaderValue::try_from(throttle)?);
        }
        Ok(options)
    }

    /// The headers for the provider.
    fn headers(&self, content_type: Option<&str>) -> Result<HeaderMap> {
        let mut headers = HeaderMap::new();
        for (name, value) in self.headers.iter().filter(|(name, _)| !is_option(name)) {
            headers.append(name, value.clone());
        }
        // Several APIs refuse requests without one.
        headers.entry(header::USER_AGENT).or_insert(HeaderValue::from_static(USER_AGENT));
        if let Some(content_type) = content_type {
            headers.entry(header::CONTENT_TYPE).or_insert(HeaderValue::try_from(content_type)?);
        }
        Ok(headers)
    }

    async fn to_envelope(&self) -> Result<passthrough_client::PassthroughRequest> {
        let payload = self.payload.read()?;
        let mut request = envelope::request(&self.method, &self.path, payload).await?;
        for (name, value) in &self.query {
            request.query.push(name.clone(), value.clone());
        }
        for (name, value) in self.headers.iter().filter(|(name, _)| !is_option(name)) {
            let value = value.to_str().map_err(|_| {
                Hinted::usage(
                    format!("the header {name} is not ASCII"),
                    "leave --raw, --envelope and --output json out",
                )
            })?;
            request.headers.push(name.to_string(), value.to_owned());
        }
        Ok(request)
    }
}

/// Whether a header is for the server, not for the provider.
fn is_option(name: &HeaderName) -> bool {
    name.as_str().starts_with("passthrough-")
}

/// How the command ends, and a word about it where that may surprise.
fn ending(output: &Output, status: u16) -> Exit {
    if status < 400 {
        return exit::Exit::Done;
    }
    let reason = http::StatusCode::from_u16(status).ok().and_then(|status| status.canonical_reason());
    output.note(format!("the provider answered {status} {}", reason.unwrap_or_default()).trim_end());
    Exit::Provider
}

/// The path with more query parameters.
fn with_query(path: &str, query: &[(String, String)]) -> String {
    let mut path = path.to_owned();
    for (name, value) in query {
        path.push(if path.contains('?') { '&' } else { '?' });
        let encode = |text| utf8_percent_encode(text, RESERVED);
        path.push_str(&format!("{}={}", encode(name), encode(value)));
    }
    path
}

fn parse_header(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) = text.split_once(':').ok_or("write it as 'NAME: VALUE'")?;
    let name = HeaderName::try_from(name.trim()).map_err(|_| "that is no name of a header")?;
    let value = HeaderValue::from_bytes(value.trim().as_bytes());
    Ok((name, value.map_err(|_| "its value holds a control character")?))
}

/// Seconds, with a fraction if need be, as milliseconds.
fn parse_seconds(text: &str) -> Result<u64, String> {
    let seconds =
        text.parse::<f64>().ok().and_then(|seconds| std::time::Duration::try_from_secs_f64(seconds).ok());
    let milliseconds = seconds.and_then(|seconds| u64::try_from(seconds.as_millis()).ok());
    milliseconds.filter(|ms| *ms > 0).ok_or_else(|| "must be a number of seconds above 0".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn query_parameters_are_encoded_and_added() {
        let query = [("a".to_owned(), "1&2".to_owned()), ("b c".to_owned(), "ü".to_owned())];
        assert_eq!(with_query("/x", &query), "/x?a=1%262&b%20c=%C3%BC");
        assert_eq!(with_query("/x?y", &query[..1]), "/x?y&a=1%262");
    }

    #[test]
    fn a_header_is_a_name_and_a_value() {
        assert_eq!(
            parse_header("X-A:  b: c ").unwrap(),
            (HeaderName::from_static("x-a"), "b: c".parse().unwrap())
        );
        for wrong in ["X-A", "X A: b", ": b", "X-A: a\r\nX-B: c"] {
            assert!(parse_header(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn a_deadline_may_have_a_fraction() {
        assert_eq!(parse_seconds("1.5"), Ok(1500));
        for wrong in ["0", "-1", "soon", "nan", "1e30"] {
            assert!(parse_seconds(wrong).is_err(), "{wrong}");
        }
    }
}
