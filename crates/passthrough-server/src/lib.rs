//! The server of Passthrough: settings, HTTP API, the passthrough path, the upstream client, records.
//!
//! A library with two ways in: [`Server`] is the whole program with its own sockets and HTTP engine
//! ([`Server::bind`], then [`Server::run`]); [`Embedded`] is an axum router for a program of one's own. Both take a
//! [`Config`]. That is what is meant for others; the modules that are hidden here are for the program of this
//! workspace, and change without notice.
//!
//! Only here do the store, which never sees an opened secret, and the vault, which never sees a row, come together.

mod app;
mod breakers;
mod cache;
#[doc(hidden)]
pub mod catalog;
mod clock;
pub mod config;
mod connections;
mod events;
mod held;
mod http;
#[doc(hidden)]
pub mod installation;
#[doc(hidden)]
pub mod integrations;
mod limits;
mod link;
#[doc(hidden)]
pub mod metrics;
mod obtain;
mod passthrough;
mod records;
mod refresh;
mod resolve;
mod rewound;
mod server;
#[doc(hidden)]
pub mod telemetry;
mod throttle;
#[doc(hidden)]
pub mod upstream;
mod vault;
mod verify;
mod webhooks;

pub use clock::Clock;
pub use config::{Config, ConfigError, Overrides};
#[doc(hidden)]
pub use http::openapi;
pub use passthrough_core::id::Environment;
pub use passthrough_core::token::Token;
pub use server::{Embedded, Server, StartError};
