use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_util::StreamExt;
use http_body_util::{BodyExt, StreamBody};
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::TokioIo;
use passthrough_server::upstream::{Reason, Sent};
use passthrough_testkit::raw_server::{Authority, Recorded};

use super::failure::dripping;
use super::*;

#[tokio::test]
async fn a_socket_serves_again_after_a_complete_answer() {
    for answer in [
        OK,
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 204 No Content\r\n\r\n",
        "HTTP/1.1 304 Not Modified\r\n\r\n",
        "HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
    ] {
        let (server, upstream) = (server(answering(answer)).await, upstream());
        for round in 0..3 {
            let answer = upstream.send(post(&server, "hello")).await.unwrap();
            assert_eq!(answer.reused, round > 0);
            text(answer).await.unwrap();
        }
        assert_eq!(server.connections().len(), 1, "{answer:?}");
    }
}

#[tokio::test]
async fn an_answer_to_head_has_no_body_and_leaves_the_socket_usable_unless_it_announces_one() {
    for (length, connections) in [("0", 1), ("1000", 2)] {
        let script = answering(&format!("HTTP/1.1 200 OK\r\nContent-Length: {length}\r\n\r\n"));
        let server = RawServer::start(vec![script; 2]).await.unwrap();
        let upstream = upstream();
        for _ in 0..2 {
            let head = call(&server, Request::head("/").body(UpstreamBody::Empty).unwrap());
            let answer = upstream.send(head).await.unwrap();
            assert_eq!(answer.fields.only("content-length").unwrap(), length);
            assert_eq!(text(answer).await.unwrap(), "");
            tokio::time::sleep(millis(20)).await;
        }
        assert_eq!(server.connections().len(), connections);
    }
}

#[tokio::test]
async fn environments_never_share_a_socket() {
    let (server, upstream) = (server(answering(OK)).await, upstream());
    for environment in ["a", "b", "a", "b"] {
        let mut call = get(&server);
        call.environment = environment.parse().unwrap();
        text(upstream.send(call).await.unwrap()).await.unwrap();
        tokio::time::sleep(millis(20)).await;
    }
    assert_eq!(server.connections().len(), 2);
}

#[tokio::test]
async fn each_worker_keeps_its_own_sockets() {
    let (server, upstream) = (server(answering(OK)).await, upstream());
    for (worker, connections) in [(1, 1), (2, 2), (1, 2), (2, 2)] {
        passthrough_server::upstream::worker::set(worker);
        assert_eq!(get_text(&upstream, &server).await.unwrap(), "ok");
        assert_eq!(server.connections().len(), connections);
    }
}

#[tokio::test]
async fn a_socket_is_not_shared_while_its_answer_is_being_read() {
    let (server, upstream) = (server(answering(OK)).await, upstream());
    let first = upstream.send(get(&server)).await.unwrap();
    let second = upstream.send(get(&server)).await.unwrap();
    assert_eq!(text(first).await.unwrap() + &text(second).await.unwrap(), "okok");
    assert_eq!(server.connections().len(), 2);
}

#[tokio::test]
async fn bytes_after_the_answer_are_never_the_next_answer() {
    const POISON: &str = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";
    let at_once = vec![Step::ReadRequest, Step::write(&format!("{OK}{POISON}")), Step::Hold];
    let later = vec![Step::ReadRequest, Step::write(OK), Step::pause(50), Step::write(POISON), Step::Hold];
    for script in [at_once, later] {
        let server = servers(vec![script, answering(OK)]).await;
        let upstream = upstream();
        for _ in 0..2 {
            assert_eq!(get_text(&upstream, &server).await.unwrap(), "ok");
            assert!(server.saw(|seen| seen[0].closed).await);
        }
        assert_eq!(server.connections().len(), 2);
    }
}

/// A server on a thread of its own, so that its bytes arrive while nothing here can look at them.
struct Elsewhere {
    address: SocketAddr,
    stop: tokio::sync::oneshot::Sender<()>,
    thread: std::thread::JoinHandle<Vec<Recorded>>,
}

impl Elsewhere {
    fn start(scripts: Vec<Vec<Step>>, tls: Option<Arc<rustls::ServerConfig>>) -> Self {
        let (tell, told) = std::sync::mpsc::channel();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let server = match tls {
                    None => servers(scripts).await,
                    Some(tls) => RawServer::start_tls(scripts, tls).await.unwrap(),
                };
                tell.send(server.address()).unwrap();
                let _ = stopped.await;
                server.connections()
            })
        });
        Self { address: told.recv().unwrap(), stop, thread }
    }

    fn stop(self) -> Vec<Recorded> {
        drop(self.stop);
        self.thread.join().unwrap()
    }
}

/// The first socket gets an unasked answer while it rests; the second answers as it should.
async fn poisoned_at_rest(tls: Option<Arc<rustls::ServerConfig>>, upstream: Upstream) {
    let poison = Step::write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison");
    let ready = vec![Step::ReadRequest, Step::write(OK), Step::pause(100), poison, Step::Hold];
    let scheme = if tls.is_some() { Scheme::Https } else { Scheme::Http };
    let elsewhere = Elsewhere::start(vec![ready, answering(OK)], tls);
    let origin = Origin { scheme, ..plain(elsewhere.address) };
    for _ in 0..2 {
        let request = Request::get("/").body(UpstreamBody::Empty).unwrap();
        let call = asked(origin.clone(), request);
        assert_eq!(text(upstream.send(call).await.unwrap()).await.unwrap(), "ok");
        tokio::time::sleep(millis(20)).await;
        std::thread::sleep(millis(200));
    }
    let seen = elsewhere.stop();
    assert_eq!(seen.len(), 2);
    assert_eq!(seen[0].text().matches("GET").count(), 1, "nothing more was asked on the first socket");
}

#[tokio::test]
async fn an_answer_that_lies_ready_before_the_question_is_not_taken_for_its_answer() {
    poisoned_at_rest(None, upstream()).await;
    let authority = Authority::new("test authority").unwrap();
    let trusting = upstream_with(|config| config.extra_roots_pem = Some(authority.pem().into_bytes()));
    poisoned_at_rest(Some(authority.server("127.0.0.1", None).unwrap()), trusting).await;
}

#[tokio::test]
async fn oddities_of_framing_cost_the_socket() {
    for odd in [
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ] {
        let server = server(answering(odd)).await;
        let upstream = upstream();
        for _ in 0..2 {
            assert_eq!(get_text(&upstream, &server).await.unwrap(), "ok", "{odd:?}");
            tokio::time::sleep(millis(20)).await;
        }
        assert_eq!(server.connections().len(), 2, "{odd:?}");
    }
}

#[tokio::test]
async fn a_resting_socket_that_died_is_replaced_unnoticed_for_any_method() {
    let server = server(vec![Step::ReadRequest, Step::write(OK)]).await;
    let upstream = upstream();
    for _ in 0..3 {
        let answer = upstream.send(post(&server, "pay")).await.unwrap();
        assert_eq!(text(answer).await.unwrap(), "ok");
        assert!(server.saw(|seen| seen.iter().all(|connection| connection.closed)).await);
        tokio::time::sleep(millis(20)).await;
    }
    let seen = server.connections();
    assert_eq!(seen.len(), 3);
    assert!(seen.iter().all(|connection| connection.text().matches("pay").count() == 1));
}

#[tokio::test]
async fn a_reused_socket_that_dies_after_the_request_was_written_is_reported_not_repeated() {
    let server = server(vec![Step::ReadRequest, Step::write(OK), Step::ReadRequest]).await;
    let upstream = upstream();
    get_text(&upstream, &server).await.unwrap();
    tokio::time::sleep(millis(20)).await;
    let error = upstream.send(post(&server, "pay")).await.unwrap_err();
    assert_eq!((error.reason, error.sent), (Reason::Reset, Sent::Unknown));
    assert_eq!(server.connections().len(), 1);
}

#[tokio::test]
async fn resting_sockets_expire_and_do_not_outlive_the_pool() {
    let (short, long) = (server(answering(OK)).await, server(answering(OK)).await);
    let upstream = upstream_with(|config| config.timeouts.pool_idle = millis(100));
    get_text(&upstream, &short).await.unwrap();
    assert!(short.saw(|seen| seen[0].closed).await, "expired");
    let upstream = super::upstream();
    get_text(&upstream, &long).await.unwrap();
    tokio::time::sleep(millis(50)).await;
    assert!(!long.connections()[0].closed);
    drop(upstream);
    assert!(long.saw(|seen| seen[0].closed).await, "dropped");
}

#[tokio::test]
async fn a_caller_who_goes_away_cancels_the_upstream_request() {
    let half = "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nhalf";
    let server = servers(vec![
        vec![Step::ReadRequest, Step::write(half), Step::Hold],
        vec![Step::ReadRequest, Step::Hold],
    ])
    .await;
    let upstream = upstream();
    let mut answer = upstream.send(get(&server)).await.unwrap();
    answer.body.frame().await.unwrap().unwrap();
    drop(answer);
    assert!(server.saw(|seen| seen[0].closed).await, "while the answer is read");

    let waiting = tokio::time::timeout(millis(100), upstream.send(get(&server))).await;
    assert!(waiting.is_err());
    assert!(server.saw(|seen| seen[1].closed).await, "while the answer is awaited");
}

#[tokio::test]
async fn an_early_answer_is_delivered_and_its_socket_never_used_again() {
    let early = "HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig";
    let script = vec![Step::ReadHead, Step::write(early), Step::Hold];
    let server = servers(vec![script, answering(OK)]).await;
    let upstream = upstream_with(|config| config.timeouts.first_byte = Duration::from_secs(2));
    let body = dripping(10, millis(30), None);
    let answer = upstream.send(call(&server, Request::post("/").body(body).unwrap())).await.unwrap();
    assert_eq!(answer.status, 413);
    assert_eq!(text(answer).await.unwrap(), "big");
    // By now the rest of the body could have been written, and the socket could look fine.
    tokio::time::sleep(millis(500)).await;
    assert_eq!(get_text(&upstream, &server).await.unwrap(), "ok");
    assert_eq!(server.connections().len(), 2);
    assert!(server.connections()[0].closed);
}

#[tokio::test]
async fn an_early_answer_before_a_reset_is_delivered_though_the_body_cannot_be_written() {
    let early = "HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno";
    let script = vec![Step::ReadHead, Step::pause(100), Step::write(early), Step::pause(20), Step::Reset];
    let elsewhere = Elsewhere::start(vec![script], None);
    // The answer and the reset arrive while this thread is held up in the middle of the body: what happens
    // next is a write to a socket that is gone.
    let pieces = futures_util::stream::iter(0..3).then(|piece| async move {
        tokio::time::sleep(millis(5)).await;
        if piece == 1 {
            std::thread::sleep(millis(300));
        }
        Ok(http_body::Frame::data(bytes::Bytes::from_static(&[b'x'; 1024])))
    });
    let request = Request::post("/").body(UpstreamBody::streamed(StreamBody::new(pieces))).unwrap();
    let call = asked(plain(elsewhere.address), request);
    let answer = upstream().send(call).await.unwrap();
    assert_eq!(answer.status, 401);
    assert_eq!(text(answer).await.unwrap(), "no");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_crowd_of_callers_each_gets_the_answer_to_its_own_request() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = plain(listener.local_addr().unwrap());
    let accepted = Arc::new(AtomicUsize::new(0));
    let counter = accepted.clone();
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::Relaxed);
            let echo_path = service_fn(|request: Request<Incoming>| async move {
                Ok::<_, Infallible>(http::Response::new(request.uri().path().to_owned()))
            });
            tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(tcp), echo_path));
        }
    });
    let upstream = upstream();
    let callers = (0..16).map(|caller| {
        let (upstream, origin) = (upstream.clone(), origin.clone());
        tokio::spawn(async move {
            for round in 0..100 {
                let path = format!("/{caller}/{round}");
                let request = Request::get(&*path).body(UpstreamBody::Empty).unwrap();
                let call = asked(origin.clone(), request);
                assert_eq!(text(upstream.send(call).await.unwrap()).await.unwrap(), path);
            }
        })
    });
    for caller in callers.collect::<Vec<_>>() {
        caller.await.unwrap();
    }
    let accepted = accepted.load(Ordering::Relaxed);
    assert!(accepted <= 200, "sockets are reused: {accepted} for 1600 requests");
}
