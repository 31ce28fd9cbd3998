//! The program as its users meet it, and the rules of the house.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "in a test, these are how it fails"
)]

mod api_keys;
mod arrows;
mod aws;
mod breaker;
mod cache;
mod canary;
mod cli;
mod config_files;
mod connections;
mod crash;
mod database;
mod docs_page;
mod echoes;
mod embedding;
mod envelope;
mod environments;
mod errors;
mod fake_clock;
mod fidelity;
mod first_start;
mod generated;
mod grants;
mod guard;
mod import;
mod injection;
mod integrations;
mod keyring;
mod limits;
mod limits_own;
mod linking;
mod logins;
mod logs;
mod metrics;
mod misbehaving;
mod oauth1;
mod openapi;
mod panora;
mod passthrough;
mod proxy;
mod quickstart;
mod raw;
mod real_services;
mod records;
mod redaction;
mod redirects;
mod refresh;
mod refresh_faults;
mod retries;
mod rig;
mod rust_sdk;
mod sealing;
mod serving;
mod smuggling;
mod stress;
mod support;
mod terminal;
mod terminal_shapes;
mod throttle;
mod traces;
mod webhooks;
mod websocket;
