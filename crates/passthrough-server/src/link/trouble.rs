//! What may go wrong on the way, as an end user is told it. Nothing of it ends the session: they may try again.

use passthrough_wire::error::ErrorCode;

use crate::http::error::ApiError;
use crate::obtain::Refusal;

/// Why an account was not linked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Trouble {
    /// The provider does not accept what the user gave.
    Refused,
    /// What the user gave cannot be put into a request.
    NotUsable,
    /// The provider does not answer, or did not say.
    Unreachable,
    /// The address may not be called.
    Blocked,
    /// The integration lacks something, or the provider refuses its client.
    NotSetUp,
    /// The user did not allow it.
    AccessDenied,
    /// The provider asks to come back later.
    Busy,
    /// The provider said this instead.
    Provider(String),
    /// The provider gave no tokens for the code.
    NoTokens,
    /// The account is not the one that was linked before.
    AnotherAccount,
    /// The provider did not say which account it is, and it must be one that was linked before.
    AccountUnknown,
    /// The consent was begun again, or is too old.
    Interrupted,
    /// A fault of ours.
    OurSide,
}

/// All but what a provider said itself.
const PLAIN: [Trouble; 12] = [
    Trouble::Refused,
    Trouble::NotUsable,
    Trouble::Unreachable,
    Trouble::Blocked,
    Trouble::NotSetUp,
    Trouble::AccessDenied,
    Trouble::Busy,
    Trouble::NoTokens,
    Trouble::AnotherAccount,
    Trouble::AccountUnknown,
    Trouble::Interrupted,
    Trouble::OurSide,
];

impl Trouble {
    /// Whether a text is such a word.
    pub fn is_code(text: &str) -> bool {
        text == Trouble::Provider(String::new()).code() || PLAIN.iter().any(|trouble| trouble.code() == text)
    }

    /// As it is noted in its session.
    pub fn noted(&self) -> String {
        match self {
            Trouble::Provider(said) => format!("{}:{said}", self.code()),
            other => other.code().to_owned(),
        }
    }

    /// The word in a note.
    pub fn code_of(note: &str) -> String {
        note.split(':').next().unwrap_or_default().to_owned()
    }

    /// What was noted.
    pub fn read(note: &str) -> Option<Self> {
        if let Some((_, said)) = note.split_once(':') {
            return Some(Trouble::Provider(said.to_owned()));
        }
        PLAIN.into_iter().find(|trouble| trouble.code() == note)
    }

    /// In a word, for the caller.
    pub fn code(&self) -> &'static str {
        match self {
            Trouble::Refused => "invalid_credentials",
            Trouble::NotUsable => "invalid_fields",
            Trouble::Unreachable => "provider_unreachable",
            Trouble::Blocked => "blocked_address",
            Trouble::NotSetUp => "integration_not_usable",
            Trouble::AccessDenied => "access_denied",
            Trouble::Busy => "provider_busy",
            Trouble::Provider(_) => "provider_error",
            Trouble::NoTokens => "token_exchange_failed",
            Trouble::AnotherAccount => "another_account",
            Trouble::AccountUnknown => "account_unknown",
            Trouble::Interrupted => "interrupted",
            Trouble::OurSide => "internal_server_error",
        }
    }
}

impl From<ApiError> for Trouble {
    fn from(error: ApiError) -> Self {
        let reason = error.detail.as_ref().and_then(|detail| detail.get("reason")?.as_str());
        let trouble = match (error.code, reason) {
            (_, Some("blocked_address")) => Trouble::Blocked,
            (ErrorCode::InvalidCredentials, _) => Trouble::Refused,
            (ErrorCode::BadRequest, _) => Trouble::NotUsable,
            (ErrorCode::UnprocessableEntity | ErrorCode::NotFound, _) => Trouble::NotSetUp,
            (ErrorCode::BadGateway | ErrorCode::GatewayTimeout | ErrorCode::CircuitOpen, _) => {
                Trouble::Unreachable
            }
            (ErrorCode::TooManyRequests, _) => Trouble::Busy,
            _ => Trouble::OurSide,
        };
        // The page says it in a person's words; what exactly it was stands in the log.
        match trouble {
            Trouble::OurSide => tracing::error!(?error, "an account could not be linked"),
            _ => tracing::info!(code = trouble.code(), message = %error.message, "an account was not linked"),
        }
        trouble
    }
}

/// What a refused code means.
impl From<Refusal> for Trouble {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::ClientRejected { .. } => Trouble::NotSetUp,
            Refusal::Ended { .. } | Refusal::Unusable { .. } => Trouble::NoTokens,
            Refusal::Passing { .. } => Trouble::Unreachable,
        }
    }
}
