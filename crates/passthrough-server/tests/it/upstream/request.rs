use bytes::Bytes;
use futures_util::stream;
use http_body::Frame;
use http_body_util::StreamBody;
use passthrough_server::upstream::{Sent, UpstreamBody};

use super::*;

/// What the provider received.
async fn received(request: Request<UpstreamBody>) -> String {
    let (server, upstream) = (server(answering(OK)).await, upstream());
    text(upstream.send(call(&server, request)).await.unwrap()).await.unwrap();
    let authority = server.address().to_string();
    server.connections()[0].text().replace(&authority, "HOST")
}

fn unknown_size(text: &'static str) -> UpstreamBody {
    UpstreamBody::streamed(StreamBody::new(stream::iter([Ok(Frame::data(Bytes::from_static(
        text.as_bytes(),
    )))])))
}

#[tokio::test]
async fn path_and_query_go_out_byte_for_byte_and_host_comes_first() {
    let path = "/a%2Fb//c;d=1/%c3%A9/:x?x=1&x=2;y&z=%20+[]{}|'";
    let request = Request::get(path).header("x-a", "1").header("host", "evil.example");
    let received = received(request.body(UpstreamBody::Empty).unwrap()).await;
    assert_eq!(received, format!("GET {path} HTTP/1.1\r\nhost: HOST\r\nx-a: 1\r\n\r\n"));
}

#[tokio::test]
async fn framing_follows_the_body_and_nothing_else() {
    let head = |method: &str| Request::builder().method(method).uri("/").header("content-length", "99");
    for (method, body, expected) in [
        ("GET", UpstreamBody::Empty, "\r\n"),
        ("DELETE", UpstreamBody::Empty, "\r\n"),
        ("POST", UpstreamBody::Empty, "content-length: 0\r\n\r\n"),
        ("PUT", UpstreamBody::Held("".into()), "content-length: 0\r\n\r\n"),
        ("POST", UpstreamBody::Held("abc".into()), "content-length: 3\r\n\r\nabc"),
        ("GET", UpstreamBody::Held("abc".into()), "content-length: 3\r\n\r\nabc"),
        ("PURGE", UpstreamBody::Held("abc".into()), "content-length: 3\r\n\r\nabc"),
        ("POST", unknown_size("abc"), "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
        ("GET", unknown_size("abc"), "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
    ] {
        let received = received(head(method).body(body).unwrap()).await;
        assert_eq!(received, format!("{method} / HTTP/1.1\r\nhost: HOST\r\n{expected}"));
    }
}

#[tokio::test]
async fn a_large_body_arrives_whole_and_leaves_the_socket_usable() {
    let (server, upstream) = (server(answering(OK)).await, upstream());
    for _ in 0..2 {
        let body = UpstreamBody::Held(vec![b'x'; 1 << 20].into());
        let answer = upstream.send(call(&server, Request::post("/").body(body).unwrap())).await.unwrap();
        assert_eq!(text(answer).await.unwrap(), "ok");
        tokio::time::sleep(millis(20)).await;
    }
    let seen = server.connections();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].received.iter().filter(|byte| **byte == b'x').count(), 2 << 20);
}

#[tokio::test]
async fn a_body_that_nobody_was_there_to_read_is_still_whole() {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let nobody = plain(listener.local_addr().unwrap());
    drop(listener);
    let (server, upstream) = (server(answering(OK)).await, upstream());
    let mut call = asked(nobody, Request::post("/").body(unknown_size("abc")).unwrap());
    assert_eq!(upstream.0.send(&mut call).await.unwrap_err().sent, Sent::No);
    call.origin = Arc::new(plain(server.address()));
    assert_eq!(text(*upstream.0.send(&mut call).await.unwrap()).await.unwrap(), "ok");
    assert!(server.connections()[0].text().ends_with("\r\n\r\n3\r\nabc\r\n0\r\n\r\n"));
}
