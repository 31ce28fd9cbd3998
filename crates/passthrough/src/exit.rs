//! How a command ends: its exit code, and the words for a failure.

use std::io::ErrorKind;

use passthrough_client::wire::error::{ErrorBody, ErrorCode, Origin, Sent};
use passthrough_client::wire::fields::FieldError;
use passthrough_client::{ApiError, Error as ClientError};
use thiserror::Error;

use crate::output::{Failure, Output, USAGE};

/// For the end of `--help`.
pub const CODES: &str = "\
Exit codes:
  0  done; for `request`, the provider answered with a status below 400
  1  failed
  2  the command line is wrong
  3  refused: the API key or connection token is not accepted, or there is no such thing
  4  the provider said no: it answered `request` with 4xx or 5xx, or refused the credential in `connection verify`

With --output json a failure is a line of JSON on standard error:
  {\"error\": {\"message\", \"code\"?, \"requestId\"?, \"details\"?, \"hint\"?, \"linkUrl\"?}}";

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
    let (exit, failure) = judge(error);
    output.failure(&failure);
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

fn judge(error: &anyhow::Error) -> (Exit, Failure) {
    let message = message(error);
    for cause in error.chain() {
        if let Some(hinted) = cause.downcast_ref::<Hinted>() {
            let code = (hinted.exit == Exit::Usage).then(|| USAGE.to_owned());
            let hint = Some(hinted.hint.clone());
            return (hinted.exit, Failure { message, code, hint, ..Failure::default() });
        }
        if let Some(error) = cause.downcast_ref::<ClientError>() {
            let (exit, hint) = judge_client(error);
            let code = (exit == Exit::Usage).then(|| USAGE.to_owned());
            let failure = Failure { message, code, hint, ..Failure::default() };
            return match error.api() {
                Some(api) => (exit, told_by_server(api, failure)),
                None => (exit, failure),
            };
        }
    }
    (Exit::Failed, Failure { message, ..Failure::default() })
}

/// With what the server says of it, each in its place.
fn told_by_server(api: &ApiError, failure: Failure) -> Failure {
    let body = &api.body;
    let message = failure.message.replace(&api.to_string(), &body.message);
    let mut details = [details(body), sent(body)].concat();
    details.retain(|detail| !message.contains(detail.as_str()));
    Failure {
        message,
        code: Some(body.code.as_str().to_owned()),
        request_id: Some(body.request_id.clone()).filter(|id| !id.is_empty()),
        details,
        link_url: link_url(body).map(ToOwned::to_owned),
        ..failure
    }
}

/// Where the server says that the end user links the account again.
fn link_url(body: &ErrorBody) -> Option<&str> {
    body.detail.as_ref()?.get("linkUrl")?.as_str()
}

fn judge_client(error: &ClientError) -> (Exit, Option<String>) {
    let (exit, hint) = match error {
        ClientError::Connect { .. } => (
            Exit::Failed,
            Some("is the server running? `passthrough serve` starts one; --server says where it is"),
        ),
        ClientError::Broken { .. } | ClientError::Timeout(_) => (
            Exit::Failed,
            Some("it is not known whether the request was carried out: `passthrough requests list`"),
        ),
        ClientError::Stranger { .. } | ClientError::Decode { .. } => {
            (Exit::Failed, Some("does --server name a Passthrough server of this version?"))
        }
        ClientError::ServerUrl(_) | ClientError::Request(_) => (Exit::Usage, None),
        ClientError::Api(error) => return judge_api(error),
        // Of TLS, and what a later version of the SDK may tell apart.
        _ => (Exit::Failed, None),
    };
    (exit, hint.map(ToOwned::to_owned))
}

fn judge_api(error: &ApiError) -> (Exit, Option<String>) {
    let body = &error.body;
    let refused_client =
        || ["invalid_client", "unauthorized_client"].iter().any(|code| body.message.contains(code));
    let (exit, hint) = match body.code {
        // Its message is all that tells this refusal from others of the same code.
        _ if body.origin == Origin::Connection && body.message.contains("is archived") => {
            (Exit::Failed, Some("`passthrough connection archive ID --restore` takes it back"))
        }
        ErrorCode::Unauthorized => {
            (Exit::Refused, Some("make an API key on the server's machine: `passthrough key create NAME`"))
        }
        ErrorCode::Forbidden => (Exit::Refused, None),
        ErrorCode::NotFound => (Exit::Refused, Some("it may belong to another environment than the API key")),
        ErrorCode::ConnectionDisconnected => return (Exit::Failed, Some(link_again(body))),
        ErrorCode::InvalidCredentials => (
            Exit::Provider,
            Some("the provider refuses this credential: check that it is whole and still valid"),
        ),
        ErrorCode::BadGateway if refused_client() => (
            Exit::Failed,
            Some(
                "the provider refuses the integration's OAuth client: \
                 `passthrough integration update KEY --client-secret @FILE`",
            ),
        ),
        _ if body.retryable => (Exit::Failed, Some("the same may succeed in a moment")),
        _ => (Exit::Failed, None),
    };
    (exit, hint.map(ToOwned::to_owned))
}

/// How a connection that has ended is used again.
fn link_again(body: &ErrorBody) -> String {
    let ways = "`passthrough link create --connection ID` makes a link, and PATCH /v1/connections/ID takes a new credential";
    match link_url(body) {
        Some(url) => format!("its user links the account again at {url} (half an hour, one browser); {ways}"),
        None => format!("its user links the account again: {ways}"),
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
        let (exit, failure) = judge(&error);
        assert_eq!((exit, failure.hint.as_deref()), (Exit::Refused, Some("see `key list`")));
        assert_eq!(failure.message, "cannot revoke: no such key");
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
    fn what_the_server_says_has_each_its_place_and_a_lost_account_its_link() {
        let body = serde_json::json!({"code": "connection_disconnected", "message": "it has ended", "requestId": "req_1",
            "origin": "connection", "sent": "no", "retryable": false,
            "detail": {"linkUrl": "https://link.example.com/link/link_1.s"}});
        let body: ErrorBody = serde_json::from_value(body).unwrap();
        let error = ApiError { status: http::StatusCode::UNPROCESSABLE_ENTITY, body, retry_after: None };
        let (exit, failure) = judge(&anyhow::Error::new(ClientError::Api(Box::new(error))));
        assert_eq!(exit, Exit::Failed);
        assert!(
            failure.hint.as_ref().unwrap().contains("at https://link.example.com/link/link_1.s"),
            "{failure:?}"
        );
        let said = serde_json::to_value(&failure).unwrap();
        assert_eq!(said["message"], "it has ended");
        assert_eq!((&said["code"], &said["requestId"]), (&"connection_disconnected".into(), &"req_1".into()));
        assert_eq!(said["linkUrl"], "https://link.example.com/link/link_1.s");
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
