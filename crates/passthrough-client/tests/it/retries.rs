//! What is tried again, as a server sees it.

use std::time::Duration;

use http::{HeaderMap, Method};
use passthrough_client::{
    Backoff, Body, Client, Error, PassthroughRequest, ProviderFilter, Raw, RetryConfig, passthrough_raw,
    passthrough_request,
};
use passthrough_testkit::raw_server::{RawServer, Step};

use crate::{KEY, TOKEN, answer};

const ENVELOPE: &str = r#"{"method":"GET","path":"/a","statusCode":200,"headers":{},"response":"","responseEncoding":"text",
    "requestId":"req_1","durationMs":2,"upstreamDurationMs":1,"attempts":1}"#;

/// A failure of ours.
fn failed(sent: &str, retryable: bool) -> String {
    let body = format!(
        r#"{{"code":"overloaded","message":"m","requestId":"req_1","origin":"passthrough","sent":"{sent}",
        "retryable":{retryable}}}"#
    );
    answer("503 Service Unavailable\r\nretry-after: 0", &body)
}

/// A server that fails so twice, then answers.
async fn failing_twice(failure: &str, good: &str) -> RawServer {
    let step = |text: &str| [Step::ReadRequest, Step::write(text)];
    let script = [step(failure), step(failure), step(good)].concat();
    RawServer::start(vec![script]).await.unwrap()
}

fn client(server: &RawServer) -> Client {
    Client::builder(format!("http://{}", server.address())).api_key(KEY.into()).build().unwrap()
}

/// How many requests a server got.
fn requests(server: &RawServer) -> usize {
    server.connections().iter().map(|connection| connection.text().matches("connection-token").count()).sum()
}

#[tokio::test]
async fn a_write_of_which_nothing_was_sent_is_tried_until_it_succeeds() {
    let server = failing_twice(&failed("no", true), &answer("200 OK", ENVELOPE)).await;
    let request = PassthroughRequest::post("/a").with_text("x");
    let made = passthrough_request(&client(&server), &TOKEN.into(), &request).await.unwrap();
    assert_eq!((made.status_code, requests(&server)), (200, 3));
}

#[tokio::test]
async fn a_write_that_may_have_been_sent_is_not_repeated_unless_that_was_asked_for() {
    let (failure, good) = (failed("unknown", false), answer("200 OK", ENVELOPE));
    let request = PassthroughRequest::post("/a").with_text("x");
    let server = failing_twice(&failure, &good).await;
    let account = client(&server).connection(TOKEN.into());
    assert!(matches!(account.request(&request).await, Err(Error::Api(_))));
    assert_eq!(requests(&server), 1);

    let server = failing_twice(&failure, &good).await;
    let account = client(&server).connection(TOKEN.into());
    let told = account.with_retries(RetryConfig::default().repeat_writes(true));
    assert!(told.request(&request).await.is_ok());
    assert_eq!(requests(&server), 3);
}

#[tokio::test]
async fn a_read_in_an_envelope_is_safe_although_the_call_is_a_post() {
    let server = failing_twice(&failed("unknown", false), &answer("200 OK", ENVELOPE)).await;
    client(&server).connection(TOKEN.into()).request(&PassthroughRequest::get("/a")).await.unwrap();
    assert_eq!(requests(&server), 3);

    let bytes = answer("200 OK\r\npassthrough-source: provider", "bytes");
    let server = failing_twice(&failed("unknown", false), &bytes).await;
    let made =
        passthrough_raw(&client(&server), &TOKEN.into(), &PassthroughRequest::get("/a")).await.unwrap();
    let Raw::Provider(stream) = made else { panic!() };
    assert_eq!(&stream.bytes().await.unwrap()[..], b"bytes");
    assert_eq!(requests(&server), 3);
}

#[tokio::test]
async fn where_nothing_is_to_be_repeated_nothing_is() {
    let server = failing_twice(&failed("no", true), &answer("200 OK", ENVELOPE)).await;
    let account = client(&server).with_retries(RetryConfig::none()).connection(TOKEN.into());
    assert!(account.request(&PassthroughRequest::get("/a")).await.is_err());
    assert_eq!(requests(&server), 1);
    // The server repeats what goes through the proxy, not we: its body is gone.
    let account = client(&server).connection(TOKEN.into());
    let sent = account.proxy(Method::GET, "/a", HeaderMap::new(), Body::empty()).await;
    assert!(matches!(sent, Err(Error::Api(_))));
    assert_eq!(requests(&server), 2);
}

#[tokio::test]
async fn a_socket_that_breaks_is_tried_again_for_reads() {
    let good = answer("200 OK", r#"{"results":[]}"#);
    let scripts =
        vec![vec![Step::ReadRequest, Step::Reset], vec![Step::ReadRequest, Step::write(&good), Step::Hold]];
    let server = RawServer::start(scripts).await.unwrap();
    client(&server).list_providers(&ProviderFilter::default()).await.unwrap();
    assert_eq!(server.connections().len(), 2);
}

#[tokio::test]
async fn the_timeout_is_for_all_tries_and_a_wait_beyond_it_is_not_begun() {
    let later = "HTTP/1.1 503 Busy\r\nretry-after: 5\r\ncontent-length: 7\r\n\r\ngateway";
    let script = vec![Step::ReadRequest, Step::write(later), Step::Again];
    let server = RawServer::start(vec![script]).await.unwrap();
    let error = client(&server)
        .with_timeout(Duration::from_secs(2))
        .with_retries(RetryConfig::backoff(Backoff::default()))
        .list_providers(&ProviderFilter::default())
        .await
        .unwrap_err();
    assert_eq!(error.retry_after(), Some(Duration::from_secs(5)), "{error:?}");
    assert_eq!(server.connections().len(), 1);
}

#[tokio::test]
async fn a_list_is_gone_through_page_by_page() {
    let page = |ids: &str, next: &str| {
        let entries: Vec<String> = ids.split(' ').filter(|id| !id.is_empty()).map(key).collect();
        answer("200 OK", &format!(r#"{{"results":[{}]{next}}}"#, entries.join(",")))
    };
    // The second page is empty and yet not the last.
    let pages = [page("key_1 key_2", r#","next":"a""#), page("", r#","next":"b""#), page("key_3", "")];
    let script = pages.iter().flat_map(|page| [Step::ReadRequest, Step::write(page)]).collect();
    let server = RawServer::start(vec![script]).await.unwrap();
    let keys = client(&server).all_api_keys(&Default::default()).collect().await.unwrap();
    assert_eq!(keys.iter().map(|key| key.id.as_str()).collect::<Vec<_>>(), ["key_1", "key_2", "key_3"]);
    let sent = server.connections()[0].text();
    let targets: Vec<&str> = sent.lines().filter(|line| line.starts_with("GET ")).collect();
    let expected = ["/v1/api-keys", "/v1/api-keys?cursor=a", "/v1/api-keys?cursor=b"];
    assert_eq!(targets, expected.map(|target| format!("GET {target} HTTP/1.1")));
}

fn key(id: &str) -> String {
    format!(r#"{{"id":"{id}","name":"n","environment":"default","createdAt":"t"}}"#)
}
