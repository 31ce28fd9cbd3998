//! The server of Passthrough: settings, HTTP API, the passthrough path, the upstream client, records.
//!
//! A library, so that it can be embedded: [`Server::bind`], then [`Server::run`]. Only here do the store,
//! which never sees an opened secret, and the vault, which never sees a row, come together.

mod app;
mod breakers;
mod cache;
pub mod catalog;
mod clock;
pub mod config;
mod connections;
mod events;
mod held;
mod http;
pub mod installation;
pub mod integrations;
mod limits;
mod link;
pub mod metrics;
mod obtain;
mod passthrough;
mod records;
mod refresh;
mod resolve;
mod rewound;
mod server;
pub mod telemetry;
mod throttle;
pub mod upstream;
mod vault;
mod verify;
mod webhooks;

pub use clock::Clock;
pub use config::{Config, ConfigError, Overrides};
pub use http::openapi;
pub use passthrough_core::id::Environment;
pub use server::{Server, StartError};
