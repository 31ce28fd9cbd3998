//! The rest of the API, one file per kind of thing.

mod api_keys;
pub(crate) mod connections;
mod health;
pub(crate) mod integrations;
mod link_sessions;
pub(crate) mod providers;
pub(crate) mod requests;
pub(crate) mod webhooks;
