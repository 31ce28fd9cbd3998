//! Each failure is told apart, and says whether anything may have been sent.

use std::time::Duration;

use http::{HeaderMap, Method};
use passthrough_client::wire::error::{ErrorCode, Sent};
use passthrough_client::{Body, Client, Error, PassthroughRequest, ProviderFilter, RetryConfig};
use passthrough_testkit::raw_server::{RawServer, Step};

use crate::{TOKEN, answer, answering, client};

#[tokio::test]
async fn an_error_of_the_server_has_its_code() {
    let body = r#"{"code":"not_found","message":"there is no such connection","requestId":"req_1","origin":"caller",
        "sent":"no","retryable":false}"#;
    let server = answering(&answer("404 Not Found\r\npassthrough-source: passthrough", body)).await;
    let connection = client(&server).connection(TOKEN.into());
    let error = connection.request(&PassthroughRequest::get("/a")).await.unwrap_err();
    assert_eq!((error.code(), error.sent()), (Some(ErrorCode::NotFound), Sent::No));
    assert_eq!(error.to_string(), "there is no such connection (not_found, req_1)");
    assert_eq!(
        connection.raw(&PassthroughRequest::get("/a")).await.unwrap_err().code(),
        Some(ErrorCode::NotFound)
    );
}

#[tokio::test]
async fn nobody_listening_is_a_connect_error_and_nothing_was_sent() {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let client = Client::builder(format!("http://{port}")).retries(RetryConfig::none()).build().unwrap();
    let error = client.health().await.unwrap_err();
    assert!(matches!(error, Error::Connect { .. }), "{error:?}");
    assert_eq!(error.sent(), Sent::No);
}

#[tokio::test]
async fn a_server_that_goes_away_leaves_it_open_whether_anything_was_sent() {
    let server = RawServer::start(vec![vec![Step::ReadRequest, Step::Reset]]).await.unwrap();
    let connection = client(&server).connection(TOKEN.into());
    let error = connection.request(&PassthroughRequest::post("/a").with_text("x")).await.unwrap_err();
    assert!(matches!(error, Error::Broken { .. }), "{error:?}");
    assert_eq!(error.sent(), Sent::Unknown);
    assert_eq!(server.connections().len(), 1, "a write is never repeated");
}

#[tokio::test]
async fn an_answer_that_does_not_come_is_a_timeout() {
    let server = RawServer::start(vec![vec![Step::Hold]]).await.unwrap();
    let builder = Client::builder(format!("http://{}", server.address())).timeout(Duration::from_millis(100));
    let error = builder.build().unwrap().list_providers(&ProviderFilter::default()).await.unwrap_err();
    assert!(matches!(error, Error::Timeout(_)), "{error:?}");
}

#[tokio::test]
async fn an_error_or_envelope_that_does_not_end_is_a_timeout_at_every_door() {
    for head in ["502 Bad Gateway", "200 OK\r\npassthrough-source: envelope"] {
        let answer =
            format!("HTTP/1.1 {head}\r\npassthrough-request-id: req_1\r\ncontent-length: 9\r\n\r\n{{");
        let script = vec![Step::ReadRequest, Step::write(&answer), Step::Hold];
        let server = RawServer::start(vec![script]).await.unwrap();
        let builder =
            Client::builder(format!("http://{}", server.address())).timeout(Duration::from_millis(100));
        let connection = builder.api_key("sk_test".into()).build().unwrap().connection(TOKEN.into());
        let request = PassthroughRequest::get("/a");
        let raw = connection.raw(&request).await.unwrap_err();
        assert!(matches!(raw, Error::Timeout(_)), "{raw:?}");
        let enveloped = connection.request(&request).await.unwrap_err();
        assert!(matches!(enveloped, Error::Timeout(_)), "{enveloped:?}");
        let proxied = connection.proxy(Method::GET, "/", HeaderMap::new(), Body::empty()).await.unwrap_err();
        assert!(matches!(proxied, Error::Timeout(_)), "{proxied:?}");
    }
}

#[tokio::test]
async fn another_program_at_the_address_is_no_answer() {
    let server = answering("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\n<html>").await;
    let connection = client(&server).connection(TOKEN.into());
    let error = connection.request(&PassthroughRequest::get("/a")).await.unwrap_err();
    assert!(matches!(error, Error::Decode { .. }), "{error:?}");
    let error = connection.raw(&PassthroughRequest::get("/a")).await.unwrap_err();
    assert!(matches!(error, Error::Stranger { .. }), "{error:?}");
}

#[tokio::test]
async fn not_ready_is_no_error() {
    let server = answering(&answer("503 Service Unavailable", "{}")).await;
    assert!(!client(&server).ready().await.unwrap());
    let server = answering(&answer("200 OK", "{}")).await;
    assert!(client(&server).ready().await.unwrap());
}
