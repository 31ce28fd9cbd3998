//! The Rust SDK of Passthrough: authenticated HTTP requests to your customers' accounts at third-party APIs.
//!
//! A [`Client`] stands for one server and one API key; it is cheap to clone and keeps its sockets. A
//! [`Connection`] stands for one end user's account: it adds the connection token to every request.
//!
//! ```no_run
//! use passthrough_client::{Client, PassthroughRequest, SecretString};
//!
//! # async fn example(api_key: SecretString, token: SecretString) -> Result<(), passthrough_client::Error> {
//! let client = Client::builder("http://127.0.0.1:8080").api_key(api_key).build()?;
//! let account = client.connection(token);
//!
//! let answer = account.request(&PassthroughRequest::get("/v1/items").with_query("limit", "10")).await?;
//! println!("{}: {}", answer.status_code, answer.response);
//! # Ok(())
//! # }
//! ```
//!
//! Three ways to call, for three needs: [`Connection::request`] gives the envelope, whatever status the provider
//! answered; [`Connection::raw`] streams a download; [`Connection::proxy`] passes any method, any body and any
//! answer through, streamed both ways.
//!
//! Only what is safe is tried again ([`RetryConfig`]): a request that failed may have reached the provider, and
//! [`Error::sent`] says what is known. The crate knows the wire and nothing of the server behind it.

/// The README's programs compile.
#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

mod body;
mod client;
mod connection;
mod error;
mod exchange;
mod func;
mod pages;
mod resource;
mod response;
mod retries;
mod server_url;
mod webhook;

pub use body::Body;
pub use client::{Builder, Client};
pub use connection::{Connection, Raw};
pub use error::{ApiError, Error};
pub use func::{passthrough_raw, passthrough_request};
pub use pages::{All, PageFilter};
pub use passthrough_wire as wire;
pub use passthrough_wire::passthrough::{Method, Part, PassthroughRequest, PassthroughResponse, ResponseAs};
pub use resource::connections::ConnectionFilter;
pub use resource::integrations::IntegrationFilter;
pub use resource::providers::ProviderFilter;
pub use resource::requests::RequestFilter;
pub use resource::webhooks::{DeliveryFilter, EventFilter};
pub use response::{Response, ResponseBody};
pub use retries::{Backoff, InvalidRetryCode, RetryCode, RetryConfig};
pub use secrecy::SecretString;
pub use webhook::{WebhookError, verify_webhook, verify_webhook_at};
