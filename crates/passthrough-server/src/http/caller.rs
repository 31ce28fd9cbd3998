//! What a request brings along: who calls, on which connection, and how.

use std::time::Duration;

use axum::extract::{FromRequestParts, Path};
use http::HeaderMap;
use http::request::Parts;
use passthrough_core::fault::Door;
use passthrough_core::header::{Fields, is_ours};
use passthrough_core::retry::MAX_RETRIES;
use passthrough_core::suggest::nearest;
use passthrough_core::token::holds_token;
use passthrough_wire::fields::FieldError;
use passthrough_wire::{
    BASE_HEADER, CONNECTION_TOKEN_HEADER, REQUEST_ID_HEADER, RETRIES_HEADER, SOURCE_HEADER, THROTTLE_HEADER,
    TIMEOUT_HEADER,
};
use secrecy::{ExposeSecret, SecretString};

use super::error::ApiError;
use crate::app::App;
use crate::passthrough::Persistence;
use crate::resolve::{Caller, ResolveError};

const X_CONNECTION_TOKEN: &str = "x-connection-token";
const X_API_KEY: &str = "x-api-key";

/// The one variable segment of a path, decoded.
pub(super) struct Segment(pub(super) String);

impl<S: Send + Sync> FromRequestParts<S> for Segment {
    type Rejection = ApiError;

    /// One that is not UTF-8 names nothing that we have: the same answer as for any other unknown name.
    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        let segment = Path::<String>::from_request_parts(parts, state).await;
        segment.map(|Path(segment)| Self(segment)).map_err(|_| ApiError::not_found("there is nothing here"))
    }
}

/// The headers by which callers speak to us, read in one pass.
#[derive(Debug, Default)]
pub(super) struct Presented<'a> {
    authorization: Given<'a>,
    x_api_key: Given<'a>,
    connection_token: Given<'a>,
    x_connection_token: Given<'a>,
    base: Given<'a>,
    timeout: Given<'a>,
    retries: Given<'a>,
    throttle: Given<'a>,
    /// A name that begins as ours do, and is none of them.
    stranger: Option<&'a [u8]>,
}

/// A header that is to stand there once.
#[derive(Default, Clone, Copy)]
enum Given<'a> {
    #[default]
    Absent,
    Once(&'a [u8]),
    Twice,
}

impl std::fmt::Debug for Given<'_> {
    /// Without the value, which is a token.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Given::Absent => "Absent",
            Given::Once(_) => "Once",
            Given::Twice => "Twice",
        })
    }
}

impl<'a> Given<'a> {
    fn add(&mut self, value: &'a [u8]) {
        *self = if matches!(self, Given::Absent) { Given::Once(value) } else { Given::Twice };
    }

    fn value(self, name: &str) -> Result<Option<&'a [u8]>, ApiError> {
        match self {
            Given::Absent => Ok(None),
            Given::Once(value) => Ok(Some(value)),
            Given::Twice => {
                Err(ApiError::bad_field(&format!("headers.{name}"), "stands twice; send it once"))
            }
        }
    }

    fn text(self, name: &str) -> Result<Option<&'a str>, ApiError> {
        let wrong = |_| ApiError::bad_field(&format!("headers.{name}"), "is no text");
        self.value(name)?.map(|value| std::str::from_utf8(value).map_err(wrong)).transpose()
    }
}

impl<'a> Presented<'a> {
    /// Reads fields as they stood on the wire.
    pub(super) fn in_fields(fields: &'a Fields) -> Self {
        Self::read(fields.0.iter().map(|(name, value)| (&name[..], &value[..])))
    }

    /// Reads a header map.
    pub(super) fn in_map(headers: &'a HeaderMap) -> Self {
        Self::read(headers.iter().map(|(name, value)| (name.as_ref(), value.as_bytes())))
    }

    fn read(fields: impl Iterator<Item = (&'a [u8], &'a [u8])>) -> Self {
        let mut presented = Self::default();
        for (name, value) in fields {
            match presented.place(name) {
                Some(place) => place.add(value),
                None if looks_like_ours(name) => presented.stranger = Some(name),
                None => {}
            }
        }
        presented
    }

    fn place(&mut self, name: &[u8]) -> Option<&mut Given<'a>> {
        let is = |wanted: &str| name.eq_ignore_ascii_case(wanted.as_bytes());
        if is("authorization") {
            Some(&mut self.authorization)
        } else if is(X_API_KEY) {
            Some(&mut self.x_api_key)
        } else if is(CONNECTION_TOKEN_HEADER) {
            Some(&mut self.connection_token)
        } else if is(X_CONNECTION_TOKEN) {
            Some(&mut self.x_connection_token)
        } else if is(BASE_HEADER) {
            Some(&mut self.base)
        } else if is(TIMEOUT_HEADER) {
            Some(&mut self.timeout)
        } else if is(RETRIES_HEADER) {
            Some(&mut self.retries)
        } else if is(THROTTLE_HEADER) {
            Some(&mut self.throttle)
        } else {
            None
        }
    }

    /// The API key, as it is written behind `Bearer`. Whatever is no text is no key.
    pub(super) fn api_key(&self) -> Result<Option<SecretString>, ApiError> {
        let Some(value) = self.authorization.value("authorization")? else { return Ok(None) };
        let Ok(value) = std::str::from_utf8(value) else { return Ok(None) };
        let (scheme, key) = value.split_once(' ').unwrap_or_default();
        Ok(scheme.eq_ignore_ascii_case("bearer").then(|| key.trim().into()))
    }

    /// The API key of Panora's dialect. Its SDKs send an `Authorization: Basic` with nothing in it, which is let be. A
    /// bearer token is a credential: where it is another one than the key, which of them counts is not ours to guess.
    pub(super) fn x_api_key(&self) -> Result<Option<SecretString>, ApiError> {
        let bearer = self.api_key()?;
        let Some(value) = self.x_api_key.value(X_API_KEY)? else { return Ok(None) };
        let Ok(key) = std::str::from_utf8(value).map(str::trim) else { return Ok(None) };
        if bearer.is_some_and(|bearer| bearer.expose_secret() != key) {
            let message = "is another credential than `x-api-key`; send one of them";
            return Err(ApiError::bad_field("headers.authorization", message));
        }
        Ok(Some(key.into()))
    }

    /// The API key that a request at this door must have.
    pub(super) fn api_key_at(&self, door: Door) -> Result<Option<SecretString>, ApiError> {
        match door {
            Door::Panora => self.x_api_key(),
            Door::Envelope | Door::Raw | Door::Proxy | Door::Terminal => self.api_key(),
        }
    }

    /// The connection token of a request that must have one. Doubled or conflicting headers are refused: a proxy
    /// in between might have read the other one.
    pub(super) fn connection_token(&self) -> Result<SecretString, ApiError> {
        let first = self.connection_token.value(CONNECTION_TOKEN_HEADER)?;
        let second = self.x_connection_token.value(X_CONNECTION_TOKEN)?;
        let value = match (first, second) {
            (Some(first), Some(second)) if first != second => {
                let message = "Connection-Token and X-Connection-Token differ; send one of them";
                return Err(ApiError::bad_field("headers.connection-token", message));
            }
            (Some(value), _) | (None, Some(value)) => value,
            (None, None) => {
                let message = "missing: the connection token, con_tkn_…";
                return Err(ApiError::bad_field("headers.connection-token", message));
            }
        };
        // What is no text gets the same answer as a token that is unknown.
        let text = std::str::from_utf8(value).map_err(|_| ResolveError::UnknownConnection)?;
        Ok(text.trim().into())
    }

    /// Refuses an option that does not exist: a misspelt one must not silently do nothing.
    pub(super) fn check_options(&self) -> Result<(), ApiError> {
        let Some(name) = self.stranger else { return Ok(()) };
        let name = String::from_utf8_lossy(name).to_ascii_lowercase();
        let known = [TIMEOUT_HEADER, RETRIES_HEADER, THROTTLE_HEADER, BASE_HEADER];
        let suggestion = nearest(&name, known.into_iter()).map(str::to_owned);
        let message = match &suggestion {
            Some(known) => format!("is not known; did you mean `{known}`?"),
            None => format!("is not known; there are {}", known.map(|known| format!("`{known}`")).join(", ")),
        };
        let path = format!("headers.{name}");
        Err(ApiError::bad_request(vec![FieldError { message, path, suggestion }]))
    }

    /// Name of one of the provider's base URLs.
    pub(super) fn base(&self) -> Result<Option<&'a str>, ApiError> {
        self.base.text(BASE_HEADER)
    }

    /// The deadline that the caller asks for.
    pub(super) fn timeout(&self) -> Result<Option<Duration>, ApiError> {
        let Some(text) = self.timeout.text(TIMEOUT_HEADER)? else { return Ok(None) };
        // Nothing but digits: the parser takes a sign, too.
        let digits = Some(text.trim()).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()));
        match digits.unwrap_or_default().parse::<u64>() {
            Ok(milliseconds) if milliseconds > 0 => Ok(Some(Duration::from_millis(milliseconds))),
            _ => Err(ApiError::bad_field(
                &format!("headers.{TIMEOUT_HEADER}"),
                "must be milliseconds, at least 1",
            )),
        }
    }

    /// How far the call is to go to get an answer.
    pub(super) fn persistence(&self) -> Result<Persistence, ApiError> {
        let wrong = |name: &str, message: &str| ApiError::bad_field(&format!("headers.{name}"), message);
        let retries = match self.retries.text(RETRIES_HEADER)?.map(str::trim) {
            None => None,
            Some("0") => Some(0),
            Some("1") => Some(1),
            Some("2") => Some(MAX_RETRIES),
            Some(_) => return Err(wrong(RETRIES_HEADER, "must be 0, 1 or 2")),
        };
        let throttle = self.throttle.text(THROTTLE_HEADER)?.map(|text| text.trim().parse()).transpose();
        let throttle = throttle.map_err(|()| wrong(THROTTLE_HEADER, "must be `wait` or `refuse`"))?;
        Ok(Persistence { retries, throttle })
    }
}

/// Whether a name is of the family of our options, however it is written. Who sends the headers of an answer of ours
/// along with the next request means nothing by that.
fn looks_like_ours(name: &[u8]) -> bool {
    const OURS: &[u8] = b"passthrough";
    let of_answers = |name: &[u8]| {
        [REQUEST_ID_HEADER, SOURCE_HEADER].iter().any(|known| name.eq_ignore_ascii_case(known.as_bytes()))
            || name.get(..RATE_LIMITS.len()).is_some_and(|start| start.eq_ignore_ascii_case(RATE_LIMITS))
    };
    name.len() > OURS.len()
        && name[..OURS.len()].eq_ignore_ascii_case(OURS)
        && matches!(name[OURS.len()], b'-' | b'_')
        && !of_answers(name)
}

/// Where a caller stands, beside what the provider says of that.
const RATE_LIMITS: &[u8] = b"passthrough-ratelimit-";

/// Takes those headers out that hold a key or a connection token of ours, be it of this caller or of another: an
/// SDK of a third party sends the key that it was given wherever its own API wants it, and there it would leak to
/// the provider. Where tokens are to stand is not searched for them: those headers never go to a provider.
pub(super) fn strip_own_tokens(fields: &mut Fields) {
    fields.0.retain(|(name, value)| is_ours(name) || !holds_token(value));
}

/// The connection token of a request that must have one.
pub(super) fn required_connection_token(headers: &HeaderMap) -> Result<SecretString, ApiError> {
    Presented::in_map(headers).connection_token()
}

/// Authenticates a request that acts on the installation.
pub(super) async fn authenticate(app: &App, headers: &HeaderMap) -> Result<Caller, ApiError> {
    authenticate_at(app, Door::Envelope, headers).await
}

/// The same with the API key where a door has it.
pub(super) async fn authenticate_at(app: &App, door: Door, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let api_key = Presented::in_map(headers).api_key_at(door)?;
    Ok(app.resolver.authenticate(api_key.as_ref(), app.now_ms()).await?)
}
