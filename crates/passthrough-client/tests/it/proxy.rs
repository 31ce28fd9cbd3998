//! The proxy passes bytes through, both ways, as they come.

use std::time::Duration;

use bytes::Bytes;
use futures_util::stream;
use http::{HeaderMap, HeaderValue, Method};
use http_body::Frame;
use http_body_util::StreamBody;
use passthrough_client::{Body, Client, Error};
use passthrough_testkit::raw_server::{RawServer, Step};

use crate::{TOKEN, answer, answering, client};

#[tokio::test]
async fn path_query_method_and_body_are_sent_as_given_and_framing_is_ours() {
    let server =
        answering(&answer("404 Not Found\r\npassthrough-source: provider\r\nx-a: 1\r\nx-a: 2", "no")).await;
    let connection = client(&server).connection(TOKEN.into());
    let mut headers = HeaderMap::new();
    headers.append("x-b", HeaderValue::from_static("1"));
    headers.append("x-b", HeaderValue::from_static("2"));
    headers.insert("content-length", HeaderValue::from_static("99"));
    headers.insert("connection-token", HeaderValue::from_static("of somebody else"));
    let method = Method::from_bytes(b"PROPFIND").unwrap();
    let response = connection.proxy(method, "/a%2Fb;c?x=1&x=2", headers, Body::from("body")).await.unwrap();
    assert_eq!(response.status().as_u16(), 404);
    assert_eq!(response.headers().get_all("x-a").iter().count(), 2);
    assert_eq!(response.request_id(), Some("req_1"));
    assert_eq!(&response.bytes().await.unwrap()[..], b"no");

    let sent = server.connections()[0].text();
    assert!(sent.starts_with("PROPFIND /v1/proxy/a%2Fb;c?x=1&x=2 HTTP/1.1\r\n"), "{sent}");
    assert!(sent.contains("x-b: 1\r\nx-b: 2\r\n") && sent.contains("content-length: 4\r\n"), "{sent}");
    assert!(sent.contains(TOKEN) && !sent.contains("somebody else"), "{sent}");
}

#[tokio::test]
async fn the_body_arrives_piece_by_piece() {
    let head =
        "HTTP/1.1 200 OK\r\npassthrough-source: provider\r\ntransfer-encoding: chunked\r\n\r\n3\r\none\r\n";
    let script =
        vec![Step::ReadRequest, Step::write(head), Step::pause(100), Step::write("3\r\ntwo\r\n0\r\n\r\n")];
    let server = RawServer::start(vec![script]).await.unwrap();
    let connection = client(&server).connection(TOKEN.into());
    let mut response = connection.proxy(Method::GET, "/", HeaderMap::new(), Body::empty()).await.unwrap();
    assert_eq!(response.chunk().await.unwrap().unwrap(), "one");
    assert_eq!(response.chunk().await.unwrap().unwrap(), "two");
    assert!(response.chunk().await.unwrap().is_none());
}

#[tokio::test]
async fn a_body_that_breaks_off_is_an_error_and_no_end() {
    let head = "HTTP/1.1 200 OK\r\npassthrough-source: provider\r\ncontent-length: 10\r\n\r\none";
    let server = RawServer::start(vec![vec![Step::ReadRequest, Step::write(head)]]).await.unwrap();
    let connection = client(&server).connection(TOKEN.into());
    let response = connection.proxy(Method::GET, "/", HeaderMap::new(), Body::empty()).await.unwrap();
    assert!(matches!(response.bytes().await, Err(Error::Broken { .. })));
}

#[tokio::test]
async fn a_long_upload_is_not_cut_off_while_it_moves() {
    let reply = answer("200 OK\r\npassthrough-source: provider", "done");
    let server = RawServer::start(vec![vec![Step::ReadRequest, Step::write(&reply)]]).await.unwrap();
    let builder = Client::builder(format!("http://{}", server.address())).timeout(Duration::from_millis(400));
    let connection = builder.build().unwrap().connection(TOKEN.into());
    // Eight pieces, 100 ms apart: twice as long as the deadline for the answer.
    let pieces = stream::unfold(0, async |count| {
        tokio::time::sleep(Duration::from_millis(100)).await;
        (count < 8).then_some((Ok::<_, std::io::Error>(Frame::data(Bytes::from_static(b"x"))), count + 1))
    });
    let body = Body::stream(StreamBody::new(Box::pin(pieces)));
    let response = connection.proxy(Method::POST, "/", HeaderMap::new(), body).await.unwrap();
    assert_eq!(&response.bytes().await.unwrap()[..], b"done");
}

#[tokio::test]
async fn what_would_leave_the_proxys_place_is_not_sent() {
    let server = answering(&answer("200 OK", "")).await;
    let connection = client(&server).connection(TOKEN.into());
    for path in ["x", "", "https://evil.example/", "/a b", "/a#b"] {
        let sent = connection.proxy(Method::GET, path, HeaderMap::new(), Body::empty()).await;
        assert!(matches!(sent, Err(Error::Request(_))), "{path:?}");
    }
    assert!(server.connections().is_empty());
}
