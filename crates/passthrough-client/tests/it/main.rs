//! The SDK against servers that say exactly what a test wants them to say.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "in a test, these are how it fails"
)]

mod calls;
mod failures;
mod proxy;
mod retries;

use passthrough_client::Client;
use passthrough_testkit::raw_server::{RawServer, Step};

const KEY: &str = "sk_test";
const TOKEN: &str = "con_tkn_test";

/// A server that reads one request after another and gives this answer to each.
async fn answering(answer: &str) -> RawServer {
    RawServer::start(vec![vec![Step::ReadRequest, Step::write(answer), Step::Again]]).await.unwrap()
}

/// An answer with a body.
fn answer(head: &str, body: &str) -> String {
    format!(
        "HTTP/1.1 {head}\r\npassthrough-request-id: req_1\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

fn client(server: &RawServer) -> Client {
    Client::builder(format!("http://{}", server.address())).api_key(KEY.into()).build().unwrap()
}
