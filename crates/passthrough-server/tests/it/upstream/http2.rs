use std::future::poll_fn;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use futures_util::future::{BoxFuture, FutureExt, join_all};
use h2::server::{Builder, SendResponse};
use h2::{Reason as Code, RecvStream};
use http::{HeaderMap, HeaderValue, Response};
use http_body::Frame;
use http_body_util::StreamBody;
use passthrough_server::metrics;
use passthrough_server::upstream::{Reason, Sent};
use passthrough_testkit::http2 as frames;
use passthrough_testkit::raw_server::Authority;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use super::failure::dripping;
use super::*;

type Handler = fn(Request<RecvStream>, SendResponse<Bytes>) -> BoxFuture<'static, ()>;

/// A provider that speaks HTTP/2, on a thread of its own.
struct Provider {
    origin: Origin,
    authority: Authority,
    accepted: Arc<AtomicUsize>,
    ended: Arc<AtomicUsize>,
}

impl Provider {
    async fn start(handler: Handler) -> Self {
        Self::start_with(|_| {}, handler).await
    }

    async fn start_with(change: fn(&mut Builder), handler: Handler) -> Self {
        let (authority, tls) = authority(&[b"h2", b"http/1.1"]);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let origin = Origin { scheme: Scheme::Https, ..plain(listener.local_addr().unwrap()) };
        let (accepted, ended) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
        let (accepting, ending) = (accepted.clone(), ended.clone());
        tokio::spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                accepting.fetch_add(1, Ordering::SeqCst);
                let (tls, ending) = (TlsAcceptor::from(tls.clone()), ending.clone());
                tokio::spawn(async move {
                    tcp.set_nodelay(true).unwrap();
                    let stream = tls.accept(tcp).await.unwrap();
                    assert_eq!(stream.get_ref().1.alpn_protocol(), Some(&b"h2"[..]));
                    let mut builder = Builder::new();
                    change(&mut builder);
                    let mut connection = builder.handshake::<_, Bytes>(stream).await.unwrap();
                    while let Some(Ok((request, respond))) = connection.accept().await {
                        tokio::spawn(handler(request, respond));
                    }
                    ending.fetch_add(1, Ordering::SeqCst);
                });
            }
        });
        Self { origin, authority, accepted, ended }
    }

    fn upstream(&self) -> Upstream {
        trusting(&self.authority)
    }

    fn call(&self, request: Request<UpstreamBody>) -> Call {
        asked(self.origin.clone(), request)
    }

    fn get(&self, path: &str) -> Call {
        self.call(Request::get(path).body(UpstreamBody::Empty).unwrap())
    }

    fn connections(&self) -> usize {
        self.accepted.load(Ordering::SeqCst)
    }
}

fn authority(protocols: &[&[u8]]) -> (Authority, Arc<rustls::ServerConfig>) {
    let authority = Authority::new("test authority").unwrap();
    let mut tls = (*authority.server("127.0.0.1", None).unwrap()).clone();
    tls.alpn_protocols = protocols.iter().map(|protocol| protocol.to_vec()).collect();
    (authority, Arc::new(tls))
}

fn trusting(authority: &Authority) -> Upstream {
    upstream_with(|config| config.extra_roots_pem = Some(authority.pem().into_bytes()))
}

async fn read(mut body: RecvStream) -> (Vec<u8>, Option<HeaderMap>) {
    let mut bytes = Vec::new();
    while let Some(Ok(data)) = body.data().await {
        body.flow_control().release_capacity(data.len()).unwrap();
        bytes.extend_from_slice(&data);
    }
    (bytes, body.trailers().await.ok().flatten())
}

/// Sends what there is room for, as HTTP/2 wants it.
async fn send(stream: &mut h2::SendStream<Bytes>, mut data: Bytes, last: bool) -> Result<(), h2::Error> {
    while !data.is_empty() {
        stream.reserve_capacity(data.len());
        let room = match poll_fn(|cx| stream.poll_capacity(cx)).await {
            Some(room) => room?,
            None => return Ok(()),
        };
        let piece = data.split_to(room.min(data.len()));
        stream.send_data(piece, last && data.is_empty())?;
    }
    Ok(())
}

fn head(status: u16) -> Response<()> {
    Response::builder()
        .status(status)
        .header("x-b", "1")
        .header("x-a", "2")
        .header("x-b", "3")
        .body(())
        .unwrap()
}

/// Says what it was asked.
fn echo(request: Request<RecvStream>, mut respond: SendResponse<Bytes>) -> BoxFuture<'static, ()> {
    async move {
        let (parts, body) = request.into_parts();
        let (body, trailers) = read(body).await;
        let fields: Vec<String> = parts
            .headers
            .iter()
            .map(|(name, value)| format!("{name}: {}", value.to_str().unwrap()))
            .collect();
        let trailers = trailers.map(|trailers| trailers.len()).unwrap_or_default();
        let text = format!(
            "{} {} [{}] {} +{trailers}",
            parts.method,
            parts.uri,
            fields.join(", "),
            String::from_utf8_lossy(&body)
        );
        let mut stream = respond.send_response(head(200), false).unwrap();
        send(&mut stream, text.into(), false).await.unwrap();
        let mut trailers = HeaderMap::new();
        trailers.insert("x-sum", HeaderValue::from_static("7"));
        trailers.insert("content-length", HeaderValue::from_static("9"));
        stream.send_trailers(trailers).unwrap();
    }
    .boxed()
}

/// Answers `ok`.
fn ok(_: Request<RecvStream>, mut respond: SendResponse<Bytes>) -> BoxFuture<'static, ()> {
    async move {
        let mut stream = respond.send_response(Response::new(()), false).unwrap();
        stream.send_data("ok".into(), true).unwrap();
    }
    .boxed()
}

#[tokio::test]
async fn a_request_arrives_with_what_http2_can_carry_and_its_answer_comes_back() {
    let provider = Provider::start(echo).await;
    let upstream = provider.upstream();
    let authority = provider.origin.authority();
    let request = |method: &str, body| {
        let request = Request::builder().method(method).uri("/a%2Fb//c;d?x=1&x=2;y");
        let request = request.header("x-z", "1").header("host", "evil.example").header("x-a", "2");
        let request = request.header("content-length", "99").header("connection", "x-z, close");
        provider.call(request.header("transfer-encoding", "chunked").body(body).unwrap())
    };
    let streamed = {
        let mut trailers = HeaderMap::new();
        trailers.insert("x-sum", HeaderValue::from_static("7"));
        trailers.insert("authorization", HeaderValue::from_static("forged"));
        let frames = [Frame::data(Bytes::from("ab")), Frame::data("c".into()), Frame::trailers(trailers)];
        UpstreamBody::streamed(StreamBody::new(futures_util::stream::iter(frames.map(Ok))))
    };
    for (method, body, fields, said) in [
        ("GET", UpstreamBody::Empty, "", " +0"),
        ("POST", UpstreamBody::Empty, ", content-length: 0", " +0"),
        ("POST", UpstreamBody::Held("abc".into()), ", content-length: 3", "abc +0"),
        ("PURGE", UpstreamBody::Held("abc".into()), ", content-length: 3", "abc +0"),
        ("PUT", streamed, "", "abc +1"),
    ] {
        let answer = upstream.send(request(method, body)).await.unwrap();
        assert_eq!((answer.status.as_u16(), answer.reason), (200, None));
        let got: Vec<_> = answer.fields.get_all("x-b").map(|value| &value[..]).collect();
        assert_eq!(got, [b"1", b"3"]);
        let body = answer.body.collect().await.unwrap();
        let trailers = body.trailers().unwrap();
        assert_eq!((trailers.len(), &trailers["x-sum"]), (1, &HeaderValue::from_static("7")));
        let text = String::from_utf8(body.to_bytes().to_vec()).unwrap();
        assert_eq!(
            text,
            format!("{method} https://{authority}/a%2Fb//c;d?x=1&x=2;y [x-z: 1, x-a: 2{fields}] {said}"),
        );
    }
    assert_eq!(provider.connections(), 1);
}

#[tokio::test]
async fn requests_share_a_connection_and_environments_do_not() {
    let provider = Provider::start(ok).await;
    let upstream = provider.upstream();
    for environment in ["a", "b"] {
        let send = || async {
            let mut call = provider.get("/");
            call.environment = environment.parse().unwrap();
            let answer = upstream.send(call).await.unwrap();
            (answer.reused, text(answer).await.unwrap())
        };
        assert_eq!(send().await, (false, "ok".to_owned()));
        for (reused, text) in join_all((0..50).map(|_| send())).await {
            assert!(reused && text == "ok");
        }
    }
    assert_eq!(provider.connections(), 2);
}

#[tokio::test]
async fn a_full_connection_gets_a_sibling_and_those_who_wait_share_it() {
    let answer_late = |_: Request<RecvStream>, mut respond: SendResponse<Bytes>| {
        async move {
            tokio::time::sleep(millis(300)).await;
            let mut stream = respond.send_response(Response::new(()), false).unwrap();
            stream.send_data("late".into(), true).unwrap();
        }
        .boxed()
    };
    let provider = Provider::start_with(|builder| _ = builder.max_concurrent_streams(4), answer_late).await;
    let upstream = provider.upstream();
    // The provider's limit is known with its first answer.
    assert_eq!(text(upstream.send(provider.get("/")).await.unwrap()).await.unwrap(), "late");
    let answers = join_all(
        (0..8).map(|_| async { text(upstream.send(provider.get("/")).await.unwrap()).await.unwrap() }),
    );
    assert_eq!(answers.await, ["late"; 8]);
    assert!((2..=3).contains(&provider.connections()), "{}", provider.connections());
}

#[tokio::test]
async fn interim_heads_are_seen_and_bounded() {
    let provider = Provider::start(|request, mut respond| {
        async move {
            let count: usize = request.uri().path()[1..].parse().unwrap();
            let hint = || Response::builder().status(103).header("link", "</a>").body(()).unwrap();
            for _ in 0..count {
                if respond.send_informational(hint()).is_err() {
                    return;
                }
            }
            ok(request, respond).await;
        }
        .boxed()
    })
    .await;
    let upstream = provider.upstream();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let noted = seen.clone();
    let mut call = provider.get("/2");
    call.interim = Some(Box::new(move |status, _, fields| {
        noted.lock().unwrap().push((status.as_u16(), fields.get("link").cloned().unwrap()));
    }));
    assert_eq!(text(upstream.send(call).await.unwrap()).await.unwrap(), "ok");
    assert_eq!(*seen.lock().unwrap(), [(103, Bytes::from("</a>")), (103, Bytes::from("</a>"))]);

    let error = upstream.send(provider.get("/33")).await.unwrap_err();
    assert_eq!((error.reason, error.sent), (Reason::Protocol, Sent::Yes));
    assert_eq!(text(upstream.send(provider.get("/0")).await.unwrap()).await.unwrap(), "ok");
}

#[tokio::test]
async fn a_large_body_goes_both_ways() {
    let provider = Provider::start(|request, mut respond| {
        async move {
            let mut body = request.into_body();
            let mut stream = respond.send_response(Response::new(()), false).unwrap();
            while let Some(data) = body.data().await {
                let data = data.unwrap();
                body.flow_control().release_capacity(data.len()).unwrap();
                send(&mut stream, data, false).await.unwrap();
            }
            stream.send_data(Bytes::new(), true).unwrap();
        }
        .boxed()
    })
    .await;
    let upstream = provider.upstream();
    let body = UpstreamBody::Held(vec![b'x'; 8 << 20].into());
    let answer = upstream.send(provider.call(Request::post("/").body(body).unwrap())).await.unwrap();
    assert_eq!(answer.body.collect().await.unwrap().to_bytes().len(), 8 << 20);
}

#[tokio::test]
async fn a_reader_that_pauses_holds_the_provider_back_and_not_its_neighbours() {
    static SENT: AtomicUsize = AtomicUsize::new(0);
    let provider = Provider::start(|request, mut respond| {
        async move {
            if request.uri().path() == "/small" {
                return ok(request, respond).await;
            }
            let mut stream = respond.send_response(Response::new(()), false).unwrap();
            for _ in 0..1024 {
                if send(&mut stream, vec![b'x'; 8192].into(), false).await.is_err() {
                    return;
                }
                SENT.fetch_add(8192, Ordering::SeqCst);
            }
            stream.send_data(Bytes::new(), true).unwrap();
        }
        .boxed()
    })
    .await;
    let upstream = provider.upstream();
    let mut answer = upstream.send(provider.get("/large")).await.unwrap();
    answer.body.frame().await.unwrap().unwrap();
    tokio::time::sleep(millis(300)).await;
    assert!(SENT.load(Ordering::SeqCst) <= 256 << 10, "{}", SENT.load(Ordering::SeqCst));
    assert_eq!(text(upstream.send(provider.get("/small")).await.unwrap()).await.unwrap(), "ok");
    assert_eq!(provider.connections(), 1);
    assert!(answer.body.collect().await.unwrap().to_bytes().len() >= (8 << 20) - (64 << 10));
}

#[tokio::test]
async fn a_refused_stream_was_not_sent_and_any_other_reset_is_unknown() {
    let provider = Provider::start(|request, mut respond| {
        async move {
            read(request.into_body()).await;
            respond.send_reset(Code::REFUSED_STREAM);
        }
        .boxed()
    })
    .await;
    let upstream = provider.upstream();
    let body = || Request::post("/").body(dripping(2, millis(5), None)).unwrap();
    let error = upstream.send(provider.call(body())).await.unwrap_err();
    assert_eq!((error.reason, error.sent), (Reason::Reset, Sent::No));

    let provider = Provider::start(|request, mut respond| {
        async move {
            read(request.into_body()).await;
            respond.send_reset(Code::INTERNAL_ERROR);
        }
        .boxed()
    })
    .await;
    let upstream = provider.upstream();
    let error = upstream.send(provider.call(body())).await.unwrap_err();
    assert_eq!((error.reason, error.sent), (Reason::Reset, Sent::Unknown));
}

#[tokio::test]
async fn a_stream_that_answered_with_anything_was_sent_whatever_is_said_of_it_afterwards() {
    const REFUSED_STREAM: u32 = 7;
    let interim = frames::Frame::headers(0, 1, &[(":status", "103")]).bytes();
    let refused = frames::Frame::reset(1, REFUSED_STREAM).bytes();
    for (after, tries) in [(refused.clone(), 1), (goaway(0), 1)] {
        for apart in [true, false] {
            let script = match apart {
                true => vec![Step::Write(interim.clone()), Step::pause(50), Step::Write(after.clone())],
                false => vec![Step::Write([interim.clone(), after.clone()].concat())],
            };
            let (server, upstream) = raw(script).await;
            let error = upstream.send(secure(&server, UpstreamBody::Held("x".into()))).await.unwrap_err();
            assert_eq!((error.reason, error.sent), (Reason::Reset, Sent::Yes), "{after:?} {apart} {error:?}");
            assert_eq!(server.connections().len(), tries, "{after:?} {apart}");
        }
    }
    // Without the interim head, the same refusal is believed.
    let (server, upstream) = raw(vec![Step::Write(refused)]).await;
    let error = upstream.send(secure(&server, UpstreamBody::Held("x".into()))).await.unwrap_err();
    assert_eq!((error.reason, error.sent), (Reason::Reset, Sent::No), "{error:?}");
    assert_eq!(server.connections().len(), 3);
}

/// A frame (RFC 9113 section 4.1).
fn frame(kind: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u8::try_from(payload.len()).unwrap();
    [&[0, 0, length, kind, 0, 0, 0, 0, stream], payload].concat()
}

fn goaway(last: u8) -> Vec<u8> {
    frame(7, 0, &[0, 0, 0, last, 0, 0, 0, 0])
}

/// A provider that says hello in HTTP/2, and then plays the rest of a script.
async fn raw(rest: Vec<Step>) -> (RawServer, Upstream) {
    let (authority, tls) = authority(&[b"h2"]);
    let script = [vec![Step::Write(frame(4, 0, &[])), Step::pause(100)], rest].concat();
    (RawServer::start_tls(vec![script], tls).await.unwrap(), trusting(&authority))
}

fn secure(server: &RawServer, body: UpstreamBody) -> Call {
    let origin = Origin { scheme: Scheme::Https, ..plain(server.address()) };
    asked(origin, Request::post("/pay").body(body).unwrap())
}

#[tokio::test]
async fn what_a_leaving_provider_did_not_process_was_not_sent() {
    for (script, sent) in [
        (vec![Step::Write(goaway(0)), Step::pause(5_000)], Sent::No),
        (vec![Step::Write(goaway(0))], Sent::No),
        (vec![Step::Write(goaway(0)), Step::Reset], Sent::No),
        // It may have been processed, and the answer is lost.
        (vec![Step::Write(goaway(1))], Sent::Unknown),
        (vec![Step::Write(goaway(1)), Step::Reset], Sent::Unknown),
        (vec![], Sent::Unknown),
        (vec![Step::Reset], Sent::Unknown),
    ] {
        let (server, upstream) = raw(script.clone()).await;
        let error = upstream.send(secure(&server, UpstreamBody::Held("x".into()))).await.unwrap_err();
        assert_eq!((error.reason, error.sent), (Reason::Reset, sent), "{script:?} {error:?}");
        // What was not acted upon is given to other connections, three in all.
        let tries = if sent == Sent::No { 3 } else { 1 };
        assert_eq!(server.connections().len(), tries, "{script:?}");
    }
}

#[tokio::test]
async fn frames_that_are_none_are_protocol() {
    for bytes in [frame(0, 0, b"data on no stream"), b"HTTP/1.1 200 OK\r\n\r\n".to_vec(), vec![0xff; 64]] {
        let (server, upstream) = raw(vec![Step::Write(bytes), Step::pause(5_000)]).await;
        let error = upstream.send(secure(&server, UpstreamBody::Empty)).await.unwrap_err();
        assert_eq!(error.reason, Reason::Protocol, "{error:?}");
    }
}

#[tokio::test]
async fn after_a_goaway_others_get_a_new_connection_and_what_runs_is_finished() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let (authority, tls) = authority(&[b"h2"]);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let origin = Origin { scheme: Scheme::Https, ..plain(listener.local_addr().unwrap()) };
    tokio::spawn(async move {
        while let Ok((tcp, _)) = listener.accept().await {
            ASKED.fetch_add(1, Ordering::SeqCst);
            let tls = TlsAcceptor::from(tls.clone());
            tokio::spawn(async move {
                let mut connection = h2::server::handshake(tls.accept(tcp).await.unwrap()).await.unwrap();
                while let Some(Ok((_, mut respond))) = connection.accept().await {
                    // Every connection takes one request and leaves.
                    connection.graceful_shutdown();
                    tokio::spawn(async move {
                        tokio::time::sleep(millis(100)).await;
                        let mut stream = respond.send_response(Response::new(()), false).unwrap();
                        stream.send_data("bye".into(), true).unwrap();
                    });
                }
            });
        }
    });
    let upstream = trusting(&authority);
    for round in 1..=3 {
        let call = asked(origin.clone(), Request::post("/").body(UpstreamBody::Empty).unwrap());
        assert_eq!(text(upstream.send(call).await.unwrap()).await.unwrap(), "bye");
        assert_eq!(ASKED.load(Ordering::SeqCst), round);
    }
}

#[tokio::test]
async fn an_answer_cut_short_is_an_error_never_an_end() {
    let provider = Provider::start(|request, mut respond| {
        async move {
            let path = request.uri().path().to_owned();
            let length = if path == "/length" { Some("9") } else { None };
            let mut response = Response::builder();
            if let Some(length) = length {
                response = response.header("content-length", length);
            }
            let mut stream = respond.send_response(response.body(()).unwrap(), false).unwrap();
            stream.send_data("half".into(), path == "/length").unwrap();
            tokio::time::sleep(millis(50)).await;
            match path.as_str() {
                "/cancel" => stream.send_reset(Code::CANCEL),
                "/internal" => stream.send_reset(Code::INTERNAL_ERROR),
                _ => {}
            }
        }
        .boxed()
    })
    .await;
    let upstream = provider.upstream();
    for (path, reason) in
        [("/cancel", Reason::Reset), ("/internal", Reason::Reset), ("/length", Reason::Protocol)]
    {
        let answer = upstream.send(provider.get(path)).await;
        // What is wrong from the first frame on may be told with the head already.
        let told = match answer {
            Ok(answer) => text(answer).await.unwrap_err().reason,
            Err(error) => error.reason,
        };
        assert_eq!(told, reason, "{path}");
    }
}

#[tokio::test]
async fn an_early_answer_is_delivered_though_the_rest_of_the_request_is_not_wanted() {
    let provider = Provider::start(|_, mut respond| {
        async move {
            let response = Response::builder().status(413).body(()).unwrap();
            let mut stream = respond.send_response(response, false).unwrap();
            stream.send_data("big".into(), true).unwrap();
            // What is still in its queue would be dropped by the reset.
            tokio::time::sleep(millis(30)).await;
            respond.send_reset(Code::NO_ERROR);
        }
        .boxed()
    })
    .await;
    let upstream = provider.upstream();
    for _ in 0..3 {
        let body = dripping(50, millis(10), None);
        let answer = upstream.send(provider.call(Request::post("/").body(body).unwrap())).await.unwrap();
        assert_eq!(answer.status, 413);
        // By now the reset has come, too.
        tokio::time::sleep(millis(60)).await;
        assert_eq!(text(answer).await.unwrap(), "big");
    }
    assert_eq!(provider.connections(), 1);
}

#[tokio::test]
async fn a_storm_of_resets_hurts_nobody_else() {
    let provider = Provider::start(|request, mut respond| {
        async move {
            if request.uri().path() == "/calm" {
                return ok(request, respond).await;
            }
            respond.send_reset(Code::ENHANCE_YOUR_CALM);
        }
        .boxed()
    })
    .await;
    let upstream = upstream_with(|config| {
        config.extra_roots_pem = Some(provider.authority.pem().into_bytes());
        config.limits.per_origin = 1000;
    });
    let storm = join_all((0..300).map(|_| upstream.send(provider.get("/storm"))));
    let calm = join_all(
        (0..30).map(|_| async { text(upstream.send(provider.get("/calm")).await.unwrap()).await.unwrap() }),
    );
    let (storm, calm) = futures_util::join!(storm, calm);
    assert!(storm.iter().all(|result| result.as_ref().unwrap_err().reason == Reason::Reset));
    assert!(calm.iter().all(|text| text == "ok"));
}

#[tokio::test]
async fn a_flood_of_fields_is_refused() {
    let provider = Provider::start(|request, mut respond| {
        async move {
            let (count, size): (usize, usize) = match request.uri().path() {
                "/many" => (101, 1),
                "/large" => (10, 8_000),
                _ => (100, 1),
            };
            let mut response = Response::new(());
            for number in 0..count {
                let name = http::HeaderName::try_from(format!("x-{number}")).unwrap();
                response.headers_mut().insert(name, "a".repeat(size).parse().unwrap());
            }
            let _ = respond.send_response(response, true);
        }
        .boxed()
    })
    .await;
    let upstream = provider.upstream();
    // Of the size the codec tells no more than that it broke the stream off.
    for (path, reason) in [("/many", Reason::TooLarge), ("/large", Reason::Protocol)] {
        let error = upstream.send(provider.get(path)).await.unwrap_err();
        assert_eq!((error.reason, error.sent), (reason, Sent::Yes), "{path}");
    }
    assert_eq!(upstream.send(provider.get("/fits")).await.unwrap().fields.0.len(), 100);
}

static RESETS: AtomicUsize = AtomicUsize::new(0);

/// Never answers, and counts who gives up.
fn silent(_: Request<RecvStream>, mut respond: SendResponse<Bytes>) -> BoxFuture<'static, ()> {
    async move {
        let reset = poll_fn(|cx| respond.poll_reset(cx)).await;
        assert_eq!(reset.unwrap(), Code::CANCEL);
        RESETS.fetch_add(1, Ordering::SeqCst);
    }
    .boxed()
}

#[tokio::test]
async fn a_slow_provider_is_given_up_and_nobody_joins_it_again() {
    let provider = Provider::start(silent).await;
    let upstream = provider.upstream();
    let mut call = provider.get("/");
    call.first_byte = Some(millis(150));
    let error = upstream.send(call).await.unwrap_err();
    assert_eq!((error.reason, error.sent), (Reason::FirstByteTimeout, Sent::Unknown));

    let waiting = tokio::time::timeout(millis(100), upstream.send(provider.get("/"))).await;
    assert!(waiting.is_err(), "a caller who goes away");
    for _ in 0..100 {
        tokio::time::sleep(millis(10)).await;
        if RESETS.load(Ordering::SeqCst) == 2 {
            break;
        }
    }
    assert_eq!(RESETS.load(Ordering::SeqCst), 2);
    assert_eq!(provider.connections(), 2);
}

#[tokio::test]
async fn a_source_that_fails_or_lies_resets_the_stream() {
    let provider = Provider::start(|request, mut respond| {
        async move {
            let mut body = request.into_body();
            while let Some(data) = body.data().await {
                if data.is_err() {
                    return;
                }
            }
            let _ = respond.send_response(Response::new(()), true);
        }
        .boxed()
    })
    .await;
    let upstream = provider.upstream();
    let body = dripping(3, millis(5), Some("caller is gone"));
    let error = upstream.send(provider.call(Request::post("/").body(body).unwrap())).await.unwrap_err();
    assert_eq!((error.reason, error.sent), (Reason::RequestBody, Sent::Unknown));
    let mut call = provider.call(Request::post("/").body(dripping(2, millis(60_000), None)).unwrap());
    call.idle = Some(millis(150));
    let error = upstream.send(call).await.unwrap_err();
    assert_eq!(error.reason, Reason::RequestBody, "it is not the provider who stands still");
}

#[tokio::test]
async fn idle_sessions_expire_and_do_not_outlive_the_pool() {
    let provider = Provider::start(ok).await;
    for pool_idle in [millis(100), Duration::from_secs(30)] {
        let upstream = upstream_with(|config| {
            config.extra_roots_pem = Some(provider.authority.pem().into_bytes());
            config.timeouts.pool_idle = pool_idle;
        });
        let before = provider.ended.load(Ordering::SeqCst);
        text(upstream.send(provider.get("/")).await.unwrap()).await.unwrap();
        if pool_idle > millis(1_000) {
            tokio::time::sleep(millis(50)).await;
            assert_eq!(provider.ended.load(Ordering::SeqCst), before, "still there");
            drop(upstream);
        }
        for _ in 0..200 {
            tokio::time::sleep(millis(10)).await;
            if provider.ended.load(Ordering::SeqCst) > before {
                break;
            }
        }
        assert_eq!(provider.ended.load(Ordering::SeqCst), before + 1, "{pool_idle:?}");
    }
}

/// Waits until every socket that was opened is closed, all for this reason.
async fn closed_as(numbers: &metrics::Upstream, why: &str) {
    let mut closed: Vec<(&str, u64)> = Vec::new();
    for _ in 0..300 {
        closed = numbers.closed_by_reason().filter(|(_, count)| *count > 0).collect();
        if closed == [(why, numbers.opened.get())] {
            return;
        }
        tokio::time::sleep(millis(10)).await;
    }
    panic!("{} opened, closed {closed:?}, and not all as {why}", numbers.opened.get());
}

#[tokio::test]
async fn sessions_are_counted_from_their_opening_to_their_end() {
    let counted = |authority: &Authority| {
        let numbers = Arc::<metrics::Upstream>::default();
        let (pem, noted) = (authority.pem().into_bytes(), numbers.clone());
        let upstream = upstream_with(|config| {
            (config.extra_roots_pem, config.numbers) = (Some(pem), noted);
            config.timeouts.pool_idle = millis(100);
        });
        (upstream, numbers)
    };
    let provider = Provider::start(ok).await;
    let (upstream, numbers) = counted(&provider.authority);
    for _ in 0..3 {
        text(upstream.send(provider.get("/")).await.unwrap()).await.unwrap();
    }
    assert_eq!((numbers.opened.get(), numbers.reused.get()), (1, 2));
    closed_as(&numbers, "expired").await;

    let alone = Provider::start_with(|builder| _ = builder.max_concurrent_streams(1), silent).await;
    let (upstream, numbers) = counted(&alone.authority);
    let call = || {
        let mut call = alone.get("/");
        call.first_byte = Some(millis(300));
        upstream.send(call)
    };
    for error in join_all([call(), call()]).await {
        assert_eq!(error.unwrap_err().reason, Reason::FirstByteTimeout);
    }
    closed_as(&numbers, "abandoned").await;

    const NO_ERROR: u32 = 0;
    for (script, why) in [
        (vec![Step::Write(frames::Frame::goaway(1, NO_ERROR).bytes())], "not_reusable"),
        (vec![Step::Write(frame(0, 0, b"data on no stream")), Step::Hold], "abandoned"),
        (vec![], "abandoned"),
        (vec![Step::Write(HEAD_AND_END.to_vec()), Step::pause(20)], "dead"),
    ] {
        let (authority, tls) = authority(&[b"h2"]);
        let script = [vec![Step::Write(frame(4, 0, &[])), Step::pause(100)], script].concat();
        let server = RawServer::start_tls(vec![script.clone()], tls).await.unwrap();
        let (upstream, numbers) = counted(&authority);
        drop(upstream.send(secure(&server, UpstreamBody::Held("x".into()))).await);
        closed_as(&numbers, why).await;
    }
}

/// An answer of 200 without a body, on the first stream.
const HEAD_AND_END: &[u8] = &[0, 0, 1, 1, 5, 0, 0, 0, 1, 0x88];

#[tokio::test]
async fn http1_is_spoken_where_http2_is_switched_off_or_cannot_do_it() {
    let (authority, tls) = authority(&[b"h2", b"http/1.1"]);
    let script = vec![Step::ReadRequest, Step::write(OK), Step::Hold];
    let switch = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n";
    let upgrade = vec![Step::ReadRequest, Step::write(switch), Step::Hold];
    let server = RawServer::start_tls(vec![script, upgrade], tls).await.unwrap();
    let off = upstream_with(|config| {
        config.extra_roots_pem = Some(authority.pem().into_bytes());
        config.http2 = false;
    });
    let answer = off.send(secure(&server, UpstreamBody::Empty)).await.unwrap();
    assert_eq!(text(answer).await.unwrap(), "ok");

    let mut call = secure(&server, UpstreamBody::Empty);
    call.method = http::Method::GET;
    call.fields.push("Connection", "Upgrade");
    call.fields.push("Upgrade", "websocket");
    let answer = trusting(&authority).send(call).await.unwrap();
    assert!(answer.status == 101 && answer.upgrade.is_some());
}
