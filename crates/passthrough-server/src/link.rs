//! Linking: how an end user authorises an account, from the link that a caller asks for to the connection.
//!
//! A link session is opened once, by one browser, and completed by that browser: whoever sends a stranger a link that
//! they have begun themselves, or takes one that was meant for somebody else, gets nothing (session fixation, which
//! PKCE does not stop). What the pages look like is not known here.

pub mod again;
pub mod attempts;
pub mod colour;
pub mod connect;
pub mod consent;
pub mod destination;
pub mod offer;
pub mod public_token;
pub mod session;
pub mod trouble;

/// How long a link works.
pub const LIFETIME_MS: i64 = 30 * 60_000;
/// How long what it ended with can be exchanged.
pub const PUBLIC_TOKEN_LIFETIME_MS: i64 = 10 * 60_000;
