//! How a command ends: its exit code, and the words for a failure.

use std::io::ErrorKind;

use passthrough_client::wire::error::{ErrorBody, ErrorCode, Origin, Sent};
use passthrough_client::wire::fields::FieldError;
use passthrough_client::{ApiError, Error as ClientError};
use thiserror::Error;

use crate::output::Output;

/// For the end of `--help`.
pub const CODES: &str = "\
Exit codes:
  0  done; for `request`, the provider answered with a status below 400
  1  failed
  2  the command line is wrong
  3  refused: the API key or connection token is not accepted, or there is no such thing
  4  the provider said no: it answered `request` with 4xx or 5xx, or refused the credential in `connection verify`";

/// The exit codes; [`CODES`] says what they mean.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub enum Exit {
    /// Done.
    Done = 0,
    /// Failed.
    Failed = 1,
    /// The command line is wrong.
    Usage = 2,
    /// Not accepted, or not there.
    Refused = 3,
    /// The provider's no.
    Provider = 4,
}

/// A failure with what to do about it.
#[derive(Debug, Error)]
#[error("{message}")]
pub struct Hinted {
    message: String,
    hint: String,
    exit: Exit,
}

impl Hinted {
    /// A failure, and a sentence that says how to go on.
    pub fn new(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { message: message.into(), hint: hint.into(), exit: Exit::Failed }
    }

    /// A command line that cannot be meant.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { exit: Exit::Usage, ..Self::new(message, hint) }
    }

    /// The same with the exit code of something else.
    pub fn ending(self, exit: Exit) -> Self {
        Self { exit, ..self }
    }

    /// Something that is not there.
    pub fn missing(message: impl Into<String>, hint: impl Into<String>) -> Self {
        Self { exit: Exit::Refused, ..Self::new(message, hint) }
    }
}

/// Prints a failure to standard error and says how to end.
pub fn report(output: &Output, error: &anyhow::Error) -> Exit {
    // The reader of a pipe has gone, as `head` does: that is its wish, and no failure.
    let gone = |cause: &(dyn std::error::Error + 'static)| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == ErrorKind::BrokenPipe)
    };
    if error.chain().any(gone) {
        return Exit::Done;
    }
    let (exit, hint, mut details) = judge(error);
    let message = message(error);
    details.retain(|detail| !message.contains(detail.as_str()));
    output.failure(&message, &details, hint.as_deref());
    exit
}

/// The error and its causes, each said once.
fn message(error: &anyhow::Error) -> String {
    if let Some(ClientError::Connect { .. } | ClientError::Broken { .. }) = error.downcast_ref() {
        // Between the two are the layers of the HTTP library, which nobody asked for.
        return format!("{error}: {}", error.root_cause());
    }
    let mut message = String::new();
    for cause in error.chain().map(ToString::to_string) {
        // Many libraries repeat their source in their own words.
        if message.is_empty() {
            message = cause;
        } else if !message.contains(&cause) {
            message = format!("{message}: {cause}");
        }
    }
    message
}

fn judge(error: &anyhow::Error) -> (Exit, Option<String>, Vec<String>) {
    for cause in error.chain() {
        if let Some(hinted) = cause.downcast_ref::<Hinted>() {
            return (hinted.exit, Some(hinted.hint.clone()), Vec::new());
        }
        if let Some(error) = cause.downcast_ref::<ClientError>() {
            let (exit, hint) = judge_client(error);
            return (
                exit,
                hint.map(ToOwned::to_owned),
                error.api().map(|api| [details(&api.body), sent(&api.body)].concat()).unwrap_or_default(),
            );
        }
    }
    (Exit::Failed, None, Vec::new())
}

fn judge_client(error: &ClientError) -> (Exit, Option<&'static str>) {
    match error {
        ClientError::Connect { .. } => (
            Exit::Failed,
            Some("is the server running? `passthrough serve` starts one; --server says where it is"),
        ),
        ClientError::Broken { .. } | ClientError::Timeout(_) => (
            Exit::Failed,
            Some("it is not known whether the request was carried out: `passthrough requests list`"),
        ),
        ClientError::Stranger(_) | ClientError::Decode { .. } => {
            (Exit::Failed, Some("does --server name a Passthrough server of this version?"))
        }
        ClientError::ServerUrl(_) | ClientError::Request(_) => (Exit::Usage, None),
        ClientError::Tls(_) => (Exit::Failed, None),
        ClientError::Api(error) => judge_api(error),
    }
}

fn judge_api(error: &ApiError) -> (Exit, Option<&'static str>) {
    // Its message is all that tells this refusal from others of the same code.
    if error.body.origin == Origin::Connection && error.body.message.contains("is archived") {
        return (Exit::Failed, Some("`passthrough connection archive ID --restore` takes it back"));
    }
    match error.body.code {
        ErrorCode::Unauthorized => {
            (Exit::Refused, Some("make an API key on the server's machine: `passthrough key create NAME`"))
        }
        ErrorCode::Forbidden => (Exit::Refused, None),
        ErrorCode::NotFound => (Exit::Refused, Some("it may belong to another environment than the API key")),
        ErrorCode::ConnectionDisconnected => (
            Exit::Failed,
            Some("give the connection a new credential, or let its user link the account again"),
        ),
        ErrorCode::InvalidCredentials => (
            Exit::Provider,
            Some("the provider refuses this credential: check that it is whole and still valid"),
        ),
        _ if error.body.retryable => (Exit::Failed, Some("the same may succeed in a moment")),
        _ => (Exit::Failed, None),
    }
}

/// One line for each mistake that the server found, and the reason where it names one.
fn details(body: &ErrorBody) -> Vec<String> {
    let Some(detail) = &body.detail else { return Vec::new() };
    if let Ok(fields) = serde_json::from_value::<Vec<FieldError>>(detail.clone()) {
        let line = |field: FieldError| match field.path.as_str() {
            "" => field.message,
            path => format!("{path}: {}", field.message),
        };
        return fields.into_iter().map(line).collect();
    }
    let reason = detail.get("reason").and_then(|reason| reason.as_str());
    reason.map(|reason| vec![format!("reason: {reason}")]).unwrap_or_default()
}

/// Whether the provider has seen anything, where that is in question: what the caller did wrong ends before it.
fn sent(body: &ErrorBody) -> Vec<String> {
    if body.origin == Origin::Caller && body.sent == Sent::No {
        return Vec::new();
    }
    vec![format!("sent: {}", body.sent.as_str())]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn causes_are_said_once() {
        let error = anyhow::anyhow!("connection refused").context("cannot connect").context("cannot connect");
        assert_eq!(message(&error), "cannot connect: connection refused");
    }

    #[test]
    fn a_hint_and_its_exit_code_survive_context() {
        let error =
            anyhow::Error::new(Hinted::missing("no such key", "see `key list`")).context("cannot revoke");
        assert_eq!(judge(&error), (Exit::Refused, Some("see `key list`".to_owned()), Vec::new()));
    }

    #[test]
    fn every_mistake_that_the_server_names_has_its_line() {
        let body = serde_json::json!({"code": "bad_request", "message": "m", "requestId": "r", "origin": "caller",
            "sent": "no", "retryable": false,
            "detail": [{"message": "missing", "path": "credentials.key"}, {"message": "is no JSON", "path": ""}]});
        let body: ErrorBody = serde_json::from_value(body).unwrap();
        assert_eq!(details(&body), ["credentials.key: missing", "is no JSON"]);
        assert!(sent(&body).is_empty());
    }

    #[test]
    fn what_the_provider_may_have_seen_is_said_and_an_archived_connection_has_its_way_back() {
        let body = serde_json::json!({"code": "gateway_timeout", "message": "m", "requestId": "r",
            "origin": "provider", "sent": "unknown", "retryable": true});
        assert_eq!(sent(&serde_json::from_value(body).unwrap()), ["sent: unknown"]);
        let body = serde_json::json!({"code": "unprocessable_entity", "message": "the connection is archived; …",
            "requestId": "r", "origin": "connection", "sent": "no", "retryable": false});
        let body: ErrorBody = serde_json::from_value(body).unwrap();
        let error = ApiError { status: http::StatusCode::UNPROCESSABLE_ENTITY, body, retry_after: None };
        assert!(judge_api(&error).1.unwrap().contains("--restore"));
    }
}
