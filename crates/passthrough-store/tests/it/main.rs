//! The store against real databases: every test here runs on SQLite and on PostgreSQL.

#![allow(clippy::unwrap_used, reason = "in a test, a broken precondition is a failure")]

mod api_keys;
mod changes;
mod connections;
mod credentials;
mod crowd;
mod integrations;
mod isolation;
mod linked_users;
mod links;
mod lists;
mod migrations;
mod refresh;
mod requests;
mod rig;
mod sealed;
mod secrets;
mod story;
mod text;
mod unavailable;
mod webhooks;
