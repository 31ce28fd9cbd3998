use bytes::Bytes;
use futures_util::StreamExt;
use http_body::Frame;
use http_body_util::StreamBody;
use passthrough_server::upstream::{BoxError, Reason, Sent, UpstreamBody};
use tokio::time::Instant;

use super::*;

/// A body of unknown size: each piece after a pause, then a failure where one is asked for.
pub(super) fn dripping(pieces: usize, pause: Duration, failure: Option<&'static str>) -> UpstreamBody {
    let pieces = (0..pieces).map(|_| Ok(Frame::data(Bytes::from_static(b"drop"))));
    let failure = failure.map(|text| Err(BoxError::from(text)));
    let stream = futures_util::stream::iter(pieces.chain(failure)).then(move |piece| async move {
        tokio::time::sleep(pause).await;
        piece
    });
    UpstreamBody::streamed(StreamBody::new(stream))
}

#[tokio::test]
async fn a_closed_port_is_connect() {
    let gone = server(vec![]).await;
    let call = get(&gone);
    drop(gone);
    tokio::time::sleep(millis(20)).await;
    let error = upstream().send(call).await.unwrap_err();
    assert_eq!((error.reason, error.sent), (Reason::Connect, Sent::No));
    assert_eq!(error.detail.as_deref(), Some("connection refused"));
}

#[tokio::test]
async fn a_close_before_the_head_is_reset_and_its_outcome_unknown() {
    for script in
        [vec![Step::ReadRequest], vec![Step::ReadRequest, Step::Reset], vec![Step::ReadHead, Step::Reset]]
    {
        let (server, upstream) = (server(script.clone()).await, upstream());
        let error = upstream.send(post(&server, "x")).await.unwrap_err();
        assert_eq!((error.reason, error.sent), (Reason::Reset, Sent::Unknown), "{script:?}");
    }
    let script = vec![Step::ReadRequest, Step::write("HTTP/1.1 200 OK\r\nX-Half")];
    let error = upstream().send(get(&server(script).await)).await.unwrap_err();
    assert_eq!((error.reason, error.sent), (Reason::Reset, Sent::Yes), "half a head");
}

#[tokio::test]
async fn a_slow_head_is_first_byte_timeout_and_the_socket_is_closed() {
    let server =
        server(vec![Step::ReadRequest, Step::write("HTTP/1.1 100 Continue\r\n\r\n"), Step::Hold]).await;
    let upstream = upstream();
    let mut call = get(&server);
    call.first_byte = Some(millis(150));
    let error = upstream.send(call).await.unwrap_err();
    assert_eq!((error.reason, error.sent), (Reason::FirstByteTimeout, Sent::Yes));
    assert!(server.saw(|seen| seen[0].closed).await);
}

#[tokio::test]
async fn a_provider_that_stops_reading_is_first_byte_timeout() {
    let server = server(vec![Step::ReadHead, Step::pause(60_000)]).await;
    let body = UpstreamBody::Held(vec![b'x'; 32 << 20].into());
    let mut call = call(&server, Request::post("/").body(body).unwrap());
    call.first_byte = Some(millis(200));
    let error = upstream().send(call).await.unwrap_err();
    assert_eq!((error.reason, error.sent), (Reason::FirstByteTimeout, Sent::Unknown));
}

#[tokio::test]
async fn a_slow_source_of_the_request_is_not_the_providers_delay() {
    let (server, upstream) = (server(answering(OK)).await, upstream());
    let mut call = call(&server, Request::post("/").body(dripping(2, millis(350), None)).unwrap());
    call.first_byte = Some(millis(200));
    assert_eq!(text(upstream.send(call).await.unwrap()).await.unwrap(), "ok");
}

#[tokio::test]
async fn a_stall_in_a_body_is_blamed_on_its_source() {
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf";
    let download = server(vec![Step::ReadRequest, Step::write(half), Step::Hold]).await;
    let upload = server(answering(OK)).await;
    let upstream = upstream_with(|config| config.timeouts.idle = millis(150));
    let answer = upstream.send(get(&download)).await.unwrap();
    assert_eq!(text(answer).await.unwrap_err().reason, Reason::IdleTimeout);
    assert!(download.saw(|seen| seen[0].closed).await);

    let body = dripping(2, Duration::from_secs(60), None);
    let error = upstream.send(call(&upload, Request::post("/").body(body).unwrap())).await.unwrap_err();
    assert_eq!(error.reason, Reason::RequestBody);
    assert!(upload.saw(|seen| seen[0].closed).await);
}

#[tokio::test]
async fn a_body_that_keeps_flowing_outlives_the_idle_timeout() {
    let mut script = vec![Step::ReadRequest, Step::write("HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\n")];
    (0..8).for_each(|_| script.extend([Step::pause(60), Step::write("x")]));
    let server = server(script).await;
    let upstream = upstream_with(|config| config.timeouts.idle = millis(200));
    assert_eq!(get_text(&upstream, &server).await.unwrap(), "xxxxxxxx");
}

#[tokio::test]
async fn the_total_deadline_ends_waiting_and_reading() {
    let slow = server(vec![Step::ReadRequest, Step::Hold]).await;
    let mut script = vec![Step::ReadRequest, Step::write("HTTP/1.1 200 OK\r\n\r\n")];
    (0..100).for_each(|_| script.extend([Step::pause(20), Step::write("x")]));
    let endless = server(script).await;
    let upstream = upstream();
    let mut call = get(&slow);
    call.deadline = Some(Instant::now() + millis(150));
    let error = upstream.send(call).await.unwrap_err();
    assert_eq!((error.reason, error.sent), (Reason::TotalTimeout, Sent::Yes));

    let mut call = get(&endless);
    call.deadline = Some(Instant::now() + millis(200));
    let answer = upstream.send(call).await.unwrap();
    assert_eq!(text(answer).await.unwrap_err().reason, Reason::TotalTimeout);
    assert!(endless.saw(|seen| seen[0].closed).await);

    let mut call = get(&slow);
    call.deadline = Some(Instant::now());
    let error = upstream.send(call).await.unwrap_err();
    assert_eq!((error.reason, error.sent), (Reason::TotalTimeout, Sent::No));
}

#[tokio::test]
async fn a_handshake_that_never_ends_is_connect_timeout() {
    let server = server(vec![Step::Hold]).await;
    let upstream = upstream_with(|config| config.timeouts.connect = millis(150));
    let mut call = get(&server);
    Arc::make_mut(&mut call.origin).scheme = Scheme::Https;
    let error = upstream.send(call).await.unwrap_err();
    assert_eq!((error.reason, error.sent), (Reason::ConnectTimeout, Sent::No));
    assert!(server.saw(|seen| seen[0].closed).await);
}

#[tokio::test]
async fn a_request_body_that_fails_is_the_callers_and_never_looks_complete() {
    let server = server(vec![Step::ReadRequest, Step::write(OK)]).await;
    let body = dripping(3, millis(5), Some("caller is gone"));
    let error = upstream().send(call(&server, Request::post("/").body(body).unwrap())).await.unwrap_err();
    assert_eq!((error.reason, error.sent), (Reason::RequestBody, Sent::Unknown));
    assert!(server.saw(|seen| seen[0].closed).await);
    let received = server.connections()[0].text();
    assert!(received.contains("drop") && !received.ends_with("0\r\n\r\n"), "{received:?}");
}

#[tokio::test]
async fn a_full_house_is_overloaded_after_the_wait_and_places_come_free() {
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf";
    let server = server(vec![Step::ReadRequest, Step::write(half), Step::pause(60_000)]).await;
    let narrow: [fn(&mut UpstreamConfig); 3] = [
        |config| config.limits.in_flight = 1,
        |config| config.limits.per_origin = 1,
        |config| config.limits.per_connection = 1,
    ];
    for (number, narrow) in narrow.into_iter().enumerate() {
        let upstream = upstream_with(|config| {
            config.limits.wait = millis(100);
            narrow(config);
        });
        let busy = |connection: u64| {
            let mut call = get(&server);
            call.connection = Some(passthrough_core::id::ConnectionId::from_parts(connection, 0));
            upstream.send(call)
        };
        let held = busy(1).await.unwrap();
        let error = busy(1).await.unwrap_err();
        assert_eq!((error.reason, error.sent), (Reason::Overloaded, Sent::No), "limit {number}");
        assert_eq!(busy(2).await.is_ok(), number == 2, "another connection has places of its own");
        drop(held);
        busy(1).await.unwrap();
    }
}

#[tokio::test]
async fn errors_and_debug_forms_hold_nothing_of_the_request() {
    let server =
        server(vec![Step::ReadRequest, Step::write("HTTP/1.1 200 hunter2\r\nhunter2\r\n\r\n")]).await;
    let request = Request::post("/hunter2?key=hunter2").header("authorization", "hunter2");
    let call = call(&server, request.body(UpstreamBody::Held("hunter2".into())).unwrap());
    let shown = format!("{call:?}");
    let error = upstream().send(call).await.unwrap_err();
    let shown = format!("{shown} {error:?} {error}");
    assert!(!shown.contains("hunter2"), "{shown}");
}
