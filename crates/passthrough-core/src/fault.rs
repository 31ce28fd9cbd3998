//! What is said of every passthrough, in one place for answers, records and the upstream client: by which
//! door it came, who was at fault when it failed, and whether the provider may have seen it.

use std::str::FromStr;

use serde::{Deserialize, Serialize};
use thiserror::Error;

/// A text that is none of the names of a closed set.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be one of {0}")]
pub struct UnknownName(&'static str);

/// A closed set of names, the same in JSON, in the database and in the log.
macro_rules! names {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
        #[serde(rename_all = "lowercase")]
        pub enum $name { $($(#[$variant_doc])* $variant,)* }

        impl $name {
            /// All of them.
            pub const ALL: &'static [Self] = &[$($name::$variant,)*];

            /// The name.
            pub fn as_str(self) -> &'static str {
                match self { $($name::$variant => $text,)* }
            }
        }

        impl FromStr for $name {
            type Err = UnknownName;

            fn from_str(text: &str) -> Result<Self, UnknownName> {
                match text {
                    $($text => Ok($name::$variant),)*
                    _ => Err(UnknownName(concat!($($text, " ",)*))),
                }
            }
        }
    };
}

names! {
    /// The door by which a passthrough came in.
    Door {
        /// The JSON envelope.
        Envelope = "envelope",
        /// The envelope in, the provider's bytes out.
        Raw = "raw",
        /// The transparent proxy.
        Proxy = "proxy",
        /// Terminal's dialect.
        Terminal = "terminal",
        /// Panora's dialect.
        Panora = "panora",
    }
}

names! {
    /// Who is at fault.
    Origin {
        /// Whoever made the request.
        Caller = "caller",
        /// The connection: its end user or its credential.
        Connection = "connection",
        /// The provider or the way to it.
        Provider = "provider",
        /// We.
        Passthrough = "passthrough",
    }
}

names! {
    /// Whether anything reached the provider.
    Sent {
        /// Nothing was written: repeating is safe for every method.
        No = "no",
        /// Something may have been; whether the provider acted on it cannot be known.
        Unknown = "unknown",
        /// It was written in full, or the provider began to answer.
        Yes = "yes",
    }
}

impl Door {
    /// Whether the caller is the HTTP client. On the other doors we are, and what a client adds is ours to
    /// add.
    pub fn is_transparent(self) -> bool {
        self == Door::Proxy
    }
}
