//! Host names in one canonical spelling.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use idna::AsciiDenyList;
use thiserror::Error;

/// A host: a name still to be resolved, or an address literal. Whether the address may be dialled is not
/// decided here.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Host {
    /// Lower-case A-labels without a trailing dot; never something that a resolver reads as an address.
    Domain(String),
    /// An address literal.
    Ip(IpAddr),
}

/// Why a host was refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum HostError {
    /// Nothing there.
    #[error("is empty")]
    Empty,
    /// Not IDNA, or a character that no host name has.
    #[error("is not a host name; use letters, digits, '-', '_' and '.', or a valid international name")]
    Malformed,
    /// A label or the whole is too long, empty, or begins or ends with `-`.
    #[error("has a label that is empty, longer than 63 characters or edged by '-', or is longer than 253")]
    Label,
    /// `example.com.`
    #[error("ends with a dot; leave it out")]
    TrailingDot,
    /// `127.1`, `0x7f.1`, `2130706433` and the like.
    #[error("is read as an IPv4 address by some software; write it as four decimal numbers, or as a name")]
    NumberForm,
    /// Something in brackets.
    #[error("is not an IPv6 address in brackets (without a zone)")]
    Ipv6,
}

impl Host {
    /// Reads a host as it stands in a URL: a name (international ones are mapped to A-labels by UTS 46), an
    /// IPv4 address as four decimal numbers, or an IPv6 address in brackets.
    pub fn parse(text: &str) -> Result<Self, HostError> {
        if text.is_empty() {
            return Err(HostError::Empty);
        }
        if let Some(inner) = text.strip_prefix('[') {
            let literal = inner.strip_suffix(']').ok_or(HostError::Ipv6)?;
            return literal.parse::<Ipv6Addr>().map(|ip| Host::Ip(ip.into())).map_err(|_| HostError::Ipv6);
        }
        if let Ok(ip) = text.parse::<Ipv4Addr>() {
            return Ok(Host::Ip(ip.into()));
        }
        let name = to_a_labels(text)?;
        // Judged after mapping: "①②⑦.0.0.1" and "127。0。0。1" are "127.0.0.1" by now, and were not written so.
        if ends_in_a_number(&name) {
            return Err(HostError::NumberForm);
        }
        Ok(Host::Domain(name))
    }

    /// Whether this is the name `suffix` or one below it (`.example.com` and `example.com` mean the same).
    /// A whole label must match: `evilexample.com` is not below `example.com`. An address never is.
    pub fn is_within(&self, suffix: &str) -> bool {
        let suffix = suffix.strip_prefix('.').unwrap_or(suffix);
        match self {
            Host::Domain(name) => name
                .strip_suffix(&suffix.to_ascii_lowercase())
                .is_some_and(|front| !suffix.is_empty() && (front.is_empty() || front.ends_with('.'))),
            Host::Ip(_) => false,
        }
    }
}

/// The spelling of a URL's authority: IPv6 in brackets.
impl fmt::Display for Host {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Host::Domain(name) => f.write_str(name),
            Host::Ip(IpAddr::V4(ip)) => write!(f, "{ip}"),
            Host::Ip(IpAddr::V6(ip)) => write!(f, "[{ip}]"),
        }
    }
}

/// Whether a text is one DNS label of `[a-z0-9-]`, 1 to 63 long and not edged by `-`: the only thing that
/// may be substituted into a host by default, so that a value cannot end the host or begin another.
pub fn is_dns_label(text: &str) -> bool {
    is_label(text) && !text.contains('_')
}

fn to_a_labels(text: &str) -> Result<String, HostError> {
    let name =
        idna::domain_to_ascii_cow(text.as_bytes(), AsciiDenyList::URL).map_err(|_| HostError::Malformed)?;
    if !name.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.')) {
        return Err(HostError::Malformed);
    }
    if name.is_empty() {
        // Only ignorable characters, such as a soft hyphen.
        return Err(HostError::Empty);
    }
    if name.ends_with('.') {
        return Err(HostError::TrailingDot);
    }
    if name.len() > 253 || !name.split('.').all(is_label) {
        return Err(HostError::Label);
    }
    Ok(name.into_owned())
}

/// `_` is no host name by RFC 952 but stands in real ones, and certificates and resolvers take it.
fn is_label(label: &str) -> bool {
    (1..=63).contains(&label.len())
        && label.bytes().all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_'))
        && !label.starts_with('-')
        && !label.ends_with('-')
}

/// The test of the WHATWG URL standard ("ends in a number"), which covers what `inet_aton` takes as well:
/// no top-level domain is a number, but resolvers read octal, hexadecimal and shortened forms as addresses.
fn ends_in_a_number(name: &str) -> bool {
    let last = name.rsplit('.').next().unwrap_or_default();
    let hexadecimal =
        last.strip_prefix("0x").is_some_and(|digits| digits.bytes().all(|b| b.is_ascii_hexdigit()));
    hexadecimal || last.bytes().all(|b| b.is_ascii_digit())
}
