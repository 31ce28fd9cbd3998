//! Templates: text with placeholders, from which the injected parts of a request are made.
//!
//! ```text
//! Bearer {token}                          a field of the credential or a variable of the connection
//! Basic {base64({username}:{password})}   a function; its arguments are templates
//! {hmac_sha256_hex({secret}, {now_unix})} arguments are parted by a comma, a backslash escapes `,()\`
//! {{"literal": "braces"}}                 doubled braces are braces
//! ```
//!
//! A template comes from a provider file, never from a caller, and can do nothing but substitute: no
//! loops, no conditions, a closed list of functions.

use std::fmt;

use aws_lc_rs::{digest, hmac};
use data_encoding::{BASE64, BASE64URL_NOPAD, HEXLOWER};
use secrecy::ExposeSecret;
use thiserror::Error;
use zeroize::Zeroizing;

use crate::connection::{Credential, Variables};
use crate::path::encode_query_component;

mod parse;

/// What stands for a secret wherever a template is shown.
pub const MASK: &str = "***";

/// A text with placeholders. Parsing is the only way to make one.
#[derive(Clone, PartialEq, Eq)]
pub struct Template {
    source: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Literal(String),
    Field(String),
    Call(Function, Vec<Template>),
}

/// The closed list of functions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Function {
    /// Standard base64 with padding (RFC 4648 §4).
    Base64,
    /// URL-safe base64 without padding (RFC 4648 §5).
    Base64Url,
    /// Lower-case hex of SHA-256.
    Sha256Hex,
    /// `hmac_sha256_hex(key, message)`: lower-case hex.
    HmacSha256Hex,
    /// `hmac_sha256_base64(key, message)`: standard base64.
    HmacSha256Base64,
    /// Percent-encoding of everything that is not unreserved.
    UrlEncode,
    /// Seconds since 1970, whole.
    NowUnix,
    /// `2026-01-31T12:00:00Z`.
    NowIso,
    /// A random UUID, version 4; the same wherever it stands in one request.
    Uuid,
}

impl Function {
    const ALL: [(&'static str, Function, usize); 9] = [
        ("base64", Function::Base64, 1),
        ("base64url", Function::Base64Url, 1),
        ("sha256_hex", Function::Sha256Hex, 1),
        ("hmac_sha256_hex", Function::HmacSha256Hex, 2),
        ("hmac_sha256_base64", Function::HmacSha256Base64, 2),
        ("urlencode", Function::UrlEncode, 1),
        ("now_unix", Function::NowUnix, 0),
        ("now_iso", Function::NowIso, 0),
        ("uuid", Function::Uuid, 0),
    ];

    fn named(name: &str) -> Option<(Function, usize)> {
        Self::ALL.iter().find(|(known, ..)| *known == name).map(|(_, function, arity)| (*function, *arity))
    }
}

/// Why a text is no template. `position` counts bytes from 0.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("{message} (at byte {position})")]
pub struct TemplateError {
    /// Byte offset in the text.
    pub position: usize,
    /// What is wrong and what would be right.
    pub message: String,
}

/// The moment for which a template is rendered: time and randomness, given from outside.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// Unix milliseconds.
    pub unix_ms: i64,
    /// Fresh randomness of this request.
    pub nonce: [u8; 16],
}

/// What the placeholders of a template may name.
#[derive(Debug, Clone, Copy)]
pub struct Scope<'a> {
    /// The connection's credential.
    pub credential: &'a Credential,
    /// The connection's variables.
    pub variables: &'a Variables,
    /// Time and randomness.
    pub moment: Moment,
}

impl Scope<'_> {
    /// The value of a field or variable.
    pub(crate) fn value(&self, name: &str) -> Option<&str> {
        let value = self.credential.value(name).or_else(|| self.variables.get(name));
        value.map(ExposeSecret::expose_secret)
    }
}

impl Template {
    /// Parses a template; the error says where and what would be right.
    pub fn parse(text: &str) -> Result<Self, TemplateError> {
        parse::template(text)
    }

    /// The text that it was parsed from.
    pub fn source(&self) -> &str {
        &self.source
    }

    /// The text, where it holds no placeholder.
    pub fn as_literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Literal(text)] => Some(text),
            _ => None,
        }
    }

    /// Whether it says something else in each request: a time or a random number.
    pub fn is_momentary(&self) -> bool {
        self.parts.iter().any(|part| match part {
            Part::Literal(_) | Part::Field(_) => false,
            Part::Call(Function::NowUnix | Function::NowIso | Function::Uuid, _) => true,
            Part::Call(_, arguments) => arguments.iter().any(Template::is_momentary),
        })
    }

    /// Names of all fields and variables that it uses, in order, with repetitions.
    pub fn names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        self.collect_names(&mut names);
        names
    }

    fn collect_names<'a>(&'a self, names: &mut Vec<&'a str>) {
        for part in &self.parts {
            match part {
                Part::Literal(_) => {}
                Part::Field(name) => names.push(name),
                Part::Call(_, arguments) => arguments.iter().for_each(|t| t.collect_names(names)),
            }
        }
    }

    /// The text with every placeholder filled in, or `None` where an optional field is absent: the part
    /// of the request that the template stands for is then left out.
    pub fn render(&self, scope: &Scope<'_>) -> Option<Zeroizing<String>> {
        self.render_escaped(scope, |value, out| out.push_str(value))
    }

    /// Like `render`, with every filled-in value passed through `escape` on its way. The position that
    /// the text is for decides the escaping, so that no value can break out of it.
    pub fn render_escaped(
        &self,
        scope: &Scope<'_>,
        escape: fn(&str, &mut String),
    ) -> Option<Zeroizing<String>> {
        let mut out = Zeroizing::new(String::new());
        for part in &self.parts {
            match part {
                Part::Literal(text) => out.push_str(text),
                Part::Field(name) => escape(scope.value(name)?, &mut out),
                Part::Call(function, arguments) => {
                    let arguments: Option<Vec<_>> = arguments.iter().map(|a| a.render(scope)).collect();
                    escape(&function.apply(&arguments?, scope.moment), &mut out);
                }
            }
        }
        Some(out)
    }

    /// What functions make of fields, piece by piece and at every depth: values that are as secret as the
    /// fields themselves. `{urlencode({base64({user}:{password})})}` has two, since a provider may echo either.
    pub fn computed(&self, scope: &Scope<'_>) -> Vec<Zeroizing<String>> {
        let mut computed = Vec::new();
        self.collect_computed(scope, &mut computed);
        computed
    }

    fn collect_computed(&self, scope: &Scope<'_>, computed: &mut Vec<Zeroizing<String>>) {
        for part in &self.parts {
            let Part::Call(function, arguments) = part else { continue };
            if arguments.iter().all(|argument| argument.names().is_empty()) {
                continue;
            }
            arguments.iter().for_each(|argument| argument.collect_computed(scope, computed));
            let arguments: Option<Vec<_>> = arguments.iter().map(|argument| argument.render(scope)).collect();
            computed.extend(arguments.map(|arguments| function.apply(&arguments, scope.moment)));
        }
    }

    /// The text with `***` for every placeholder: what may be shown and logged.
    pub fn masked(&self) -> String {
        let part = |part: &Part| match part {
            Part::Literal(text) => text.clone(),
            Part::Field(_) | Part::Call(..) => MASK.to_owned(),
        };
        self.parts.iter().map(part).collect()
    }

    /// Literal text and placeholder names, in order: what a base URL needs to judge positions.
    pub(crate) fn pieces(&self) -> impl Iterator<Item = Piece<'_>> {
        self.parts.iter().map(|part| match part {
            Part::Literal(text) => Piece::Literal(text),
            Part::Field(name) => Piece::Field(name),
            Part::Call(..) => Piece::Call,
        })
    }
}

/// One piece of a template, as seen from outside.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Piece<'a> {
    Literal(&'a str),
    Field(&'a str),
    Call,
}

impl fmt::Debug for Template {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.source, f)
    }
}

impl Function {
    fn apply(self, arguments: &[Zeroizing<String>], moment: Moment) -> Zeroizing<String> {
        let bytes = |index: usize| arguments.get(index).map_or(&b""[..], |text| text.as_bytes());
        let mac = || hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, bytes(0)), bytes(1));
        Zeroizing::new(match self {
            Function::Base64 => BASE64.encode(bytes(0)),
            Function::Base64Url => BASE64URL_NOPAD.encode(bytes(0)),
            Function::Sha256Hex => HEXLOWER.encode(digest::digest(&digest::SHA256, bytes(0)).as_ref()),
            Function::HmacSha256Hex => HEXLOWER.encode(mac().as_ref()),
            Function::HmacSha256Base64 => BASE64.encode(mac().as_ref()),
            Function::UrlEncode => percent_encode(arguments.first().map_or("", |text| text)),
            Function::NowUnix => moment.unix_ms.div_euclid(1000).to_string(),
            Function::NowIso => iso_seconds(moment.unix_ms),
            Function::Uuid => uuid_v4(moment.nonce),
        })
    }
}

/// Percent-encodes everything that is not unreserved (RFC 3986 §2.3).
pub fn percent_encode(text: &str) -> String {
    encode_query_component(text)
}

/// RFC 3339 in UTC with whole seconds. Civil-from-days after the proleptic Gregorian calendar.
pub(crate) fn iso_seconds(unix_ms: i64) -> String {
    let seconds = unix_ms.div_euclid(1000);
    let (days, second_of_day) = (seconds.div_euclid(86_400), seconds.rem_euclid(86_400));
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let (hour, minute, second) = (second_of_day / 3600, second_of_day / 60 % 60, second_of_day % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// A version 4 UUID (RFC 9562 §5.4) from 128 bits of randomness.
pub(crate) fn uuid_v4(mut random: [u8; 16]) -> String {
    random[6] = (random[6] & 0x0f) | 0x40;
    random[8] = (random[8] & 0x3f) | 0x80;
    let hex = HEXLOWER.encode(&random);
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..])
}

#[cfg(test)]
mod tests;
