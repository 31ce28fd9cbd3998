//! The query of a list: filters, cursor, limit. Strict, like bodies.

use std::str::FromStr;

use data_encoding::BASE64URL_NOPAD;
use passthrough_core::suggest::nearest;
use passthrough_wire::fields::FieldError;
use passthrough_wire::page::{DEFAULT_LIMIT, MAX_LIMIT, Page};

use super::error::ApiError;

/// A query string that is taken apart name by name.
pub(super) struct ListQuery {
    pairs: Vec<(String, String)>,
    known: Vec<&'static str>,
    errors: Vec<FieldError>,
    is_lenient: bool,
}

impl ListQuery {
    pub(super) fn new(query: Option<&str>) -> Self {
        let decode = |text: &str| {
            let spaced = text.replace('+', " ");
            percent_encoding::percent_decode_str(&spaced).decode_utf8_lossy().into_owned()
        };
        let pairs = query.unwrap_or_default().split('&').filter(|pair| !pair.is_empty()).map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            (decode(name), decode(value))
        });
        Self { pairs: pairs.collect(), known: Vec::new(), errors: Vec::new(), is_lenient: false }
    }

    fn error(&mut self, name: &str, message: impl Into<String>) {
        self.errors.push(FieldError::new(format!("query.{name}"), message));
    }

    /// A text. One that is empty is refused: where a program has no value to fill in, a list of everybody's must not be
    /// the answer.
    pub(super) fn text(&mut self, name: &'static str) -> Option<String> {
        self.known.push(name);
        let mut values = Vec::new();
        self.pairs.retain(|(known, value)| {
            let same = known == name;
            if same {
                values.push(value.clone());
            }
            !same
        });
        if values.len() > 1 {
            self.error(name, "stands twice");
        }
        if values.iter().any(String::is_empty) && !self.is_lenient {
            self.error(name, "must not be empty; leave it out");
        }
        if values.iter().any(|value| value.contains('\0')) {
            self.error(name, "must not hold a NUL character");
        }
        values.pop().filter(|value| !value.is_empty() && !value.contains('\0'))
    }

    /// A text that must be there; nothing comes back where it is not.
    pub(super) fn required(&mut self, name: &'static str) -> String {
        let before = self.errors.len();
        let text = self.text(name);
        if text.is_none() && self.errors.len() == before {
            self.error(name, "missing");
        }
        text.unwrap_or_default()
    }

    /// A value of its own form.
    pub(super) fn value<T: FromStr>(&mut self, name: &'static str) -> Option<T>
    where
        T::Err: std::fmt::Display,
    {
        let text = self.text(name)?;
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.error(name, error.to_string());
                None
            }
        }
    }

    /// An RFC 3339 time as unix milliseconds.
    pub(super) fn time(&mut self, name: &'static str) -> Option<i64> {
        let text = self.text(name)?;
        let time = passthrough_wire::time::parse(&text);
        if time.is_none() {
            self.error(name, "must be a time such as 2026-01-31T12:00:00Z");
        }
        time
    }

    /// How many entries a page shall have.
    pub(super) fn limit(&mut self) -> u32 {
        self.limit_or(DEFAULT_LIMIT)
    }

    /// The same with another number where nobody says.
    pub(super) fn limit_or(&mut self, default: u32) -> u32 {
        let limit: Option<u32> = self.value("limit");
        if limit.is_some_and(|limit| !(1..=MAX_LIMIT).contains(&limit)) {
            self.error("limit", format!("must be 1 to {MAX_LIMIT}"));
        }
        limit.unwrap_or(default)
    }

    /// Where the page begins: behind the entry that the last page ended with.
    pub(super) fn cursor<T: FromStr>(&mut self) -> Option<T> {
        let text = self.text("cursor")?;
        let decoded =
            BASE64URL_NOPAD.decode(text.as_bytes()).ok().and_then(|bytes| String::from_utf8(bytes).ok());
        let cursor = decoded.and_then(|text| text.parse().ok());
        if cursor.is_none() {
            self.error("cursor", "is none of ours; use `next` of the page before");
        }
        cursor
    }

    /// Notes what was wrong with a value that the caller of this has read.
    pub(super) fn wrong(&mut self, name: &str, message: impl Into<String>) {
        self.error(name, message);
    }

    /// Lets parameters be that nobody asked for or that are empty, as Terminal does.
    pub(super) fn lenient(query: Option<&str>) -> Self {
        Self { is_lenient: true, ..Self::new(query) }
    }

    /// Ends the reading.
    pub(super) fn finish(mut self) -> Result<(), ApiError> {
        let unknown = std::mem::take(&mut self.pairs);
        for (name, _) in unknown.into_iter().filter(|_| !self.is_lenient) {
            let suggestion = nearest(&name, self.known.iter().copied()).map(str::to_owned);
            let message = match &suggestion {
                Some(near) => format!("unknown parameter; did you mean `{near}`?"),
                None => format!("unknown parameter; there are {}", self.known.join(", ")),
            };
            self.errors.push(FieldError { message, path: format!("query.{name}"), suggestion });
        }
        if self.errors.is_empty() { Ok(()) } else { Err(ApiError::bad_request(self.errors)) }
    }
}

/// A page on the wire.
pub(super) fn page<R, T>(
    rows: passthrough_store::Page<R>,
    id: impl Fn(&R) -> String,
    show: impl Fn(&R) -> T,
) -> Page<T> {
    let last = if rows.has_more { rows.rows.last() } else { None };
    let next = last.map(|row| cursor(id(row)));
    Page { results: rows.rows.iter().map(show).collect(), next }
}

/// The id behind which the next page begins, as the caller gets it.
pub(super) fn cursor(id: impl std::fmt::Display) -> String {
    BASE64URL_NOPAD.encode(id.to_string().as_bytes())
}
