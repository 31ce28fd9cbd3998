//! What a request brings along: who calls, on which connection, and how.

use std::sync::LazyLock;
use std::time::Duration;

use axum::extract::{FromRequestParts, Path};
use bytes::Bytes;
use http::HeaderMap;
use http::request::Parts;
use memchr::memmem;
use passthrough_core::header::Fields;
use passthrough_core::retry::MAX_RETRIES;
use passthrough_core::token::{Token, TokenKind};
use passthrough_wire::{
    BASE_HEADER, CONNECTION_TOKEN_HEADER, RETRIES_HEADER, THROTTLE_HEADER, TIMEOUT_HEADER,
};

use super::error::ApiError;
use crate::app::App;
use crate::passthrough::Persistence;
use crate::resolve::{Caller, ResolveError};

const X_CONNECTION_TOKEN: &str = "x-connection-token";

/// What is shorter holds no token that could be used: a token names its row and has a secret behind it.
const SHORTEST_TOKEN: usize = 40;

static CONNECTION_TOKEN: LazyLock<memmem::Finder<'static>> =
    LazyLock::new(|| memmem::Finder::new(TokenKind::Connection.prefix()));

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
    connection_token: Given<'a>,
    x_connection_token: Given<'a>,
    base: Given<'a>,
    timeout: Given<'a>,
    retries: Given<'a>,
    throttle: Given<'a>,
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
            if let Some(place) = presented.place(name) {
                place.add(value);
            }
        }
        presented
    }

    fn place(&mut self, name: &[u8]) -> Option<&mut Given<'a>> {
        let is = |wanted: &str| name.eq_ignore_ascii_case(wanted.as_bytes());
        if is("authorization") {
            Some(&mut self.authorization)
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

    /// The API key. One that is not well-formed is the same as none.
    pub(super) fn api_key(&self) -> Result<Option<Token>, ApiError> {
        let Some(value) = self.authorization.value("authorization")? else { return Ok(None) };
        let Ok(value) = std::str::from_utf8(value) else { return Ok(None) };
        let (scheme, token) = value.split_once(' ').unwrap_or_default();
        if !scheme.eq_ignore_ascii_case("bearer") {
            return Ok(None);
        }
        Ok(Token::parse(TokenKind::ApiKey, token.trim()).ok())
    }

    /// The connection token. Doubled or conflicting headers are refused: a proxy in between might have read
    /// the other one.
    fn token(&self) -> Result<Option<Token>, ApiError> {
        let first = self.connection_token.value(CONNECTION_TOKEN_HEADER)?;
        let second = self.x_connection_token.value(X_CONNECTION_TOKEN)?;
        let value = match (first, second) {
            (Some(first), Some(second)) if first != second => {
                let message = "Connection-Token and X-Connection-Token differ; send one of them";
                return Err(ApiError::bad_field("headers.connection-token", message));
            }
            (Some(value), _) | (None, Some(value)) => value,
            (None, None) => return Ok(None),
        };
        let text = std::str::from_utf8(value).ok();
        let token = text.and_then(|text| Token::parse(TokenKind::Connection, text.trim()).ok());
        // One that is not well-formed gets the same answer as one that is and is unknown.
        token.map(Some).ok_or_else(|| ResolveError::UnknownConnection.into())
    }

    /// The connection token of a request that must have one.
    pub(super) fn connection_token(&self) -> Result<Token, ApiError> {
        self.token()?.ok_or_else(|| {
            ApiError::bad_field("headers.connection-token", "missing: the connection token, con_tkn_…")
        })
    }

    /// Name of one of the provider's base URLs.
    pub(super) fn base(&self) -> Result<Option<&'a str>, ApiError> {
        self.base.text(BASE_HEADER)
    }

    /// The deadline that the caller asks for.
    pub(super) fn timeout(&self) -> Result<Option<Duration>, ApiError> {
        let Some(text) = self.timeout.text(TIMEOUT_HEADER)? else { return Ok(None) };
        match text.trim().parse::<u64>() {
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

    /// Takes those headers out that hold one of our own tokens: an SDK of a third party sends the key that it
    /// was given wherever its own API wants it, and there it would leak to the provider.
    pub(super) fn own_tokens(&self) -> OwnTokens {
        let key = match self.authorization {
            Given::Once(value) => value.splitn(2, |byte| *byte == b' ').nth(1).unwrap_or_default(),
            Given::Absent | Given::Twice => &[],
        };
        OwnTokens { key: Bytes::copy_from_slice(key) }
    }
}

/// What must not be in a header for the provider.
pub(super) struct OwnTokens {
    key: Bytes,
}

impl OwnTokens {
    /// Takes out what holds one.
    pub(super) fn strip(&self, fields: &mut Fields) {
        fields.0.retain(|(_, value)| !self.stand_in(value));
    }

    fn stand_in(&self, value: &[u8]) -> bool {
        // Most values are shorter than any token, and then nothing has to be searched.
        (value.len() >= SHORTEST_TOKEN && CONNECTION_TOKEN.find(value).is_some())
            || (!self.key.is_empty()
                && value.len() >= self.key.len()
                && memmem::find(value, &self.key).is_some())
    }
}

/// The connection token of a request that must have one.
pub(super) fn required_connection_token(headers: &HeaderMap) -> Result<Token, ApiError> {
    Presented::in_map(headers).connection_token()
}

/// Authenticates a request that acts on the installation.
pub(super) async fn authenticate(app: &App, headers: &HeaderMap) -> Result<Caller, ApiError> {
    let api_key = Presented::in_map(headers).api_key()?;
    Ok(app.resolver.authenticate(api_key.as_ref()).await?)
}
