//! Identifiers: a prefix that says what the thing is, then a ULID.
//!
//! Time and randomness are arguments, so that an id can be made in a test exactly as in production.

use std::fmt;
use std::str::FromStr;

use thiserror::Error;
use ulid::{ULID_LEN, Ulid};

/// A text that is not an identifier of the kind that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("not an identifier of the form {prefix}_<26 characters>")]
pub struct InvalidId {
    /// The prefix that was expected, without the underscore.
    pub prefix: &'static str,
}

/// Room for an id as text.
pub const MAX_TEXT: usize = 4 + 1 + ULID_LEN;

macro_rules! id {
    ($(#[$doc:meta])* $name:ident, $prefix:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name(Ulid);

        impl $name {
            /// The prefix, without the underscore.
            pub const PREFIX: &'static str = $prefix;

            /// Makes an id from unix milliseconds and 80 bits of randomness (the low bits of `random`).
            pub fn from_parts(unix_ms: u64, random: u128) -> Self {
                Self(Ulid::from_parts(unix_ms, random))
            }

            /// Writes the id as text, without an allocation, and gives that text.
            pub fn write<'a>(&self, buffer: &'a mut [u8; MAX_TEXT]) -> &'a str {
                let (prefix, rest) = buffer.split_at_mut($prefix.len() + 1);
                prefix.copy_from_slice(concat!($prefix, "_").as_bytes());
                if let Some(ulid) = rest.first_chunk_mut() {
                    self.0.array_to_str(ulid);
                }
                let text = &buffer[..$prefix.len() + 1 + ULID_LEN];
                // Prefix and characters are ASCII.
                std::str::from_utf8(text).unwrap_or_default()
            }

            /// The bare ULID, as it stands inside tokens.
            pub fn ulid(&self) -> Ulid {
                self.0
            }
        }

        impl From<Ulid> for $name {
            fn from(ulid: Ulid) -> Self {
                Self(ulid)
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.pad(self.write(&mut [0; MAX_TEXT]))
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                fmt::Display::fmt(self, f)
            }
        }

        impl FromStr for $name {
            type Err = InvalidId;

            fn from_str(text: &str) -> Result<Self, InvalidId> {
                text.strip_prefix(concat!($prefix, "_"))
                    .and_then(parse_ulid)
                    .map(Self)
                    .ok_or(InvalidId { prefix: $prefix })
            }
        }
    };
}

id!(
    /// A connection: one end user's authorised account at a provider.
    ConnectionId,
    "conn"
);
id!(
    /// An API key. The key itself carries the same ULID.
    ApiKeyId,
    "key"
);
id!(
    /// One passthrough, and one answer of ours.
    RequestId,
    "req"
);
id!(
    /// A link session: one end user on the way to an authorised account.
    LinkSessionId,
    "link"
);
id!(
    /// A public token, which is exchanged for a connection and its token.
    PublicTokenId,
    "pub"
);
id!(
    /// A linked user of Panora's dialect: an end user, by the id in the caller's product.
    LinkedUserId,
    "user"
);
id!(
    /// Something that happened to a connection or an integration.
    EventId,
    "evt"
);
id!(
    /// A webhook endpoint: where events are sent to.
    EndpointId,
    "whk"
);
id!(
    /// The delivery of one event to one endpoint.
    DeliveryId,
    "dlv"
);

impl DeliveryId {
    /// The id of the delivery of this event to this endpoint: always the same, so that an event is never queued
    /// twice for one endpoint; and another for every other endpoint, because their random parts differ.
    pub fn of(event: EventId, endpoint: EndpointId) -> Self {
        let random = event.ulid().random() ^ endpoint.ulid().random();
        Self(Ulid::from_parts(event.ulid().timestamp_ms(), random))
    }
}

/// Reads a ULID only in its canonical spelling, so that one thing has one name.
pub(crate) fn parse_ulid(text: &str) -> Option<Ulid> {
    let ulid = Ulid::from_string(text).ok()?;
    (ulid.to_string() == text).then_some(ulid)
}

/// The name of an environment: a closed room that keys, connections and records belong to.
///
/// Lower-case letters, digits and `-`, beginning with a letter or digit, at most 63 characters.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Environment(std::sync::Arc<str>);

/// A text that cannot name an environment.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("an environment is named by 1 to 63 of a-z, 0-9 and '-', and begins with a letter or digit")]
pub struct InvalidEnvironment;

impl Environment {
    /// The environment that a first start makes.
    pub const DEFAULT: &'static str = "default";

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for Environment {
    type Err = InvalidEnvironment;

    fn from_str(text: &str) -> Result<Self, InvalidEnvironment> {
        if is_slug(text) { Ok(Self(text.into())) } else { Err(InvalidEnvironment) }
    }
}

impl fmt::Display for Environment {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// The form of environment names, provider codes and integration keys.
pub fn is_slug(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && text.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        && !text.starts_with('-')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_reads_back_and_refuses_other_kinds_and_spellings() {
        let id = ConnectionId::from_parts(1_700_000_000_000, 42);
        assert_eq!(id.to_string().parse::<ConnectionId>(), Ok(id));
        assert!(id.to_string().parse::<ApiKeyId>().is_err());
        assert!(id.to_string().to_lowercase().parse::<ConnectionId>().is_err());
    }

    #[test]
    fn a_delivery_is_named_by_its_event_and_its_endpoint() {
        let event = |random| EventId::from_parts(1_700_000_000_000, random);
        let endpoint = |random| EndpointId::from_parts(1_600_000_000_000, random);
        let id = DeliveryId::of(event(5), endpoint(3));
        assert_eq!(id, DeliveryId::of(event(5), endpoint(3)));
        assert_ne!(id, DeliveryId::of(event(5), endpoint(4)));
        assert_ne!(id, DeliveryId::of(event(4), endpoint(3)));
        assert_eq!(id.ulid().timestamp_ms(), 1_700_000_000_000);
    }

    #[test]
    fn an_environment_is_a_slug() {
        assert!("production-2".parse::<Environment>().is_ok());
        for bad in ["", "-a", "A", "a_b", "a/b", &"a".repeat(64)] {
            assert!(bad.parse::<Environment>().is_err(), "{bad:?}");
        }
    }
}
