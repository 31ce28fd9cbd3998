//! What a refusal means: the one place that decides whether a connection ends.

use serde_json::Value;
use thiserror::Error;

use super::answer::{Answer, scalar};
use crate::json_body::Pointer;

/// Why an answer brought nothing. Texts of the provider's in it are short and hold nothing that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The grant is over: the end user must link again, or give another user name and password.
    #[error("the provider ended the grant: {code}{}", told(.description))]
    Ended {
        /// The provider's code.
        code: String,
        /// What it says about it; may be empty.
        description: String,
    },
    /// The OAuth client is refused. Where the integration brings it, all its connections are.
    #[error("the provider refuses the OAuth client: {code}")]
    ClientRejected {
        /// The provider's code.
        code: String,
    },
    /// Nothing is known about the credential: try again later.
    #[error("no answer about the credential: {what}")]
    Passing {
        /// What happened instead.
        what: String,
        /// How long the provider asks to wait.
        retry_after_ms: Option<i64>,
    },
    /// The answer is a success by its status and has not what it should have.
    #[error("the answer is not what the provider's file says: {what}")]
    Malformed {
        /// What is missing or wrong.
        what: String,
    },
}

fn told(description: &str) -> String {
    if description.is_empty() { String::new() } else { format!(": {description}") }
}

impl Refusal {
    pub(super) fn malformed(what: impl Into<String>) -> Self {
        Refusal::Malformed { what: what.into() }
    }
}

/// A refused or failed grant for good (RFC 6749 §5.2).
const ENDED: &str = "invalid_grant";
/// The client is none, or may not do this.
const CLIENT: [&str; 2] = ["invalid_client", "unauthorized_client"];

/// Whether a code speaks of the OAuth client.
pub fn refuses_client(code: &str) -> bool {
    CLIENT.into_iter().any(|known| code.eq_ignore_ascii_case(known))
}

/// What a token endpoint's error means. `None` where the answer names no error.
///
/// Everything that is not known to be final is passing: whoever believes an unknown code loses a customer for a
/// provider's bad hour.
pub(super) fn of_code(
    answer: &Answer<'_>,
    values: Option<&Value>,
    place: &Pointer,
    final_errors: &[String],
) -> Option<Refusal> {
    let values = values?;
    let (code, description) = code(values, place)?;
    let is = |known: &str| code.eq_ignore_ascii_case(known);
    let told_code = answer.told(&code);
    let description = answer.told(&description.unwrap_or_default());
    Some(if is(ENDED) || final_errors.iter().any(|known| is(known)) {
        Refusal::Ended { code: told_code, description }
    } else if refuses_client(&code) {
        Refusal::ClientRejected { code: told_code }
    } else {
        let what = format!("it answered {told_code}{} (status {})", told(&description), answer.status);
        Refusal::Passing { what, retry_after_ms: answer.retry_after_ms() }
    })
}

/// The error code, and what is said about it.
fn code(values: &Value, place: &Pointer) -> Option<(String, Option<String>)> {
    let error = place.read(values).or_else(|| values.get("error")).or_else(|| values.get("errorCode"))?;
    let said = |value: &Value| {
        ["error_description", "message", "error_message", "errorMessage"]
            .iter()
            .find_map(|name| scalar(value.get(name)?))
    };
    let code = match error {
        Value::Object(members) => {
            ["code", "type", "status", "name"].iter().find_map(|name| scalar(members.get(*name)?))?
        }
        // `"error": false` beside a token says that there is none.
        Value::Bool(false) => return None,
        other => scalar(other)?,
    };
    Some((code, said(values).or_else(|| said(error))))
}
