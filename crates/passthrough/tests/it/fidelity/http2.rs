//! The same for callers of HTTP/2 (with prior knowledge), as far as it has it. Names are in lower case there.

use std::convert::Infallible;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures_util::StreamExt;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version};
use http_body_util::combinators::BoxBody;
use http_body_util::{BodyExt, Empty, Full, StreamBody};
use hyper::body::{Frame, Incoming};
use hyper::client::conn::http2::{SendRequest, handshake};
use hyper_util::rt::{TokioExecutor, TokioIo};
use passthrough_testkit::http2::{
    END_HEADERS, END_STREAM, Frame as RawFrame, FrameCaller, Outcome, fields_block, kind,
};
use passthrough_testkit::raw_server::Step;
use tokio::net::TcpStream;
use tokio::sync::mpsc;

use super::{fields, stage};
use crate::rig::{Stage, answer, answers};

type Body = BoxBody<Bytes, Infallible>;

struct Caller<'a> {
    stage: &'a Stage,
    sender: SendRequest<Body>,
    driver: tokio::task::AbortHandle,
}

impl Drop for Caller<'_> {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl<'a> Caller<'a> {
    async fn connect(stage: &'a Stage) -> Self {
        let address = stage.program.url.strip_prefix("http://").unwrap();
        let stream = TcpStream::connect(address).await.unwrap();
        let (sender, connection) = handshake(TokioExecutor::new(), TokioIo::new(stream)).await.unwrap();
        let driver = tokio::spawn(async move { drop(connection.await) }).abort_handle();
        Self { stage, sender, driver }
    }

    fn request(&self, method: &str, path: &str, headers: &[(&str, &str)], body: Body) -> http::Request<Body> {
        let url = format!("{}/v1/proxy{path}", self.stage.program.url);
        let mut request = http::Request::builder()
            .method(Method::from_bytes(method.as_bytes()).unwrap())
            .uri(url)
            .version(Version::HTTP_2)
            .header("authorization", format!("Bearer {}", self.stage.program.key))
            .header("connection-token", &self.stage.connection.token);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        request.body(body).unwrap()
    }

    async fn ask(
        &mut self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: Body,
    ) -> http::Response<Incoming> {
        let request = self.request(method, path, headers, body);
        let answering = tokio::time::timeout(Duration::from_secs(10), self.sender.send_request(request));
        answering.await.expect("an answer in time").unwrap()
    }
}

fn empty() -> Body {
    Empty::new().boxed()
}

/// A body that says what it is told to say.
fn spoken() -> (mpsc::UnboundedSender<Frame<Bytes>>, Body) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let frames = futures_util::stream::unfold(receiver, |mut receiver| async move {
        receiver.recv().await.map(|frame| (Ok(frame), receiver))
    });
    (sender, BodyExt::boxed(StreamBody::new(frames)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_does_not_speak_in_our_name_over_http2() {
    let ours = "Passthrough-Source: passthrough\r\nPassthrough-Anything: 1\r\n";
    let stage = stage(vec![answers(&format!(
        "HTTP/1.1 200 OK\r\n{ours}Transfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n{ours}X-Sum: 1\r\n\r\n"
    ))])
    .await;
    let mut caller = Caller::connect(&stage).await;
    let response = caller.ask("GET", "/x", &[("te", "trailers")], empty()).await;
    let sources: Vec<&HeaderValue> = response.headers().get_all("passthrough-source").iter().collect();
    assert_eq!(sources, ["provider"]);
    assert!(response.headers().get("passthrough-anything").is_none());
    let trailers = response.into_body().collect().await.unwrap().trailers().cloned().unwrap_or_default();
    assert_eq!(trailers.keys().map(|name| name.as_str()).collect::<Vec<_>>(), ["x-sum"]);
    drop(caller);
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_and_answers_of_http2_go_through_as_they_are() {
    let stage = stage(vec![answers(
        "HTTP/1.1 299 Odd\r\nSet-Cookie: a=1\r\nX-B: 1\r\nset-cookie: b=2\r\nContent-Encoding: gzip\r\n\
         Connection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nContent-Length: 2\r\n\r\nhi",
    )])
    .await;
    let mut caller = Caller::connect(&stage).await;
    for method in ["GET", "PUT", "PROPFIND", "M-SEARCH"] {
        let headers = [("x-b", "1"), ("x-a", "2"), ("x-b", "3"), ("accept-encoding", "br")];
        let body = if method == "GET" { empty() } else { Full::from("abc").boxed() };
        let response = caller.ask(method, "/a%2Fb;c?x=1&x=2", &headers, body).await;
        assert_eq!(response.status(), 299);
        let cookies: Vec<&HeaderValue> = response.headers().get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["a=1", "b=2"]);
        assert_eq!(response.headers()["content-encoding"], "gzip");
        for gone in ["x-hop", "keep-alive", "connection", "transfer-encoding"] {
            assert!(response.headers().get(gone).is_none(), "{gone}");
        }
        assert_eq!(response.headers()["passthrough-source"], "provider");
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "hi");
        let arrived = stage.arrived(0).pop().unwrap();
        assert_eq!(arrived.head.line, format!("{method} /base/a%2Fb;c?x=1&x=2 HTTP/1.1"));
        assert_eq!(arrived.head.all("host"), [stage.server.address().to_string()]);
        assert_eq!((arrived.head.all("x-b"), arrived.head.all("x-a")), (vec!["1", "3"], vec!["2"]));
        assert_eq!(arrived.head.all("authorization"), [format!("Bearer {}", stage.api_key)]);
        assert_eq!(arrived.body, if method == "GET" { "" } else { "abc" }.as_bytes());
    }
    drop(caller);
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_streams_of_one_connection_get_their_own_answers() {
    let provider = passthrough_testkit::unruly::UnrulyProvider::start(Vec::new()).await;
    let file = crate::support::bearer_provider(&format!("http://{}/base", provider.address()));
    let mut stage =
        crate::rig::stage_with(vec![Vec::new()], |setup| setup.provider("other", &file), |file| file).await;
    let key = passthrough_testkit::program::canary("key");
    let request = format!(r#"{{"provider":"other","credentials":{{"api_key":"{key}"}}}}"#);
    stage.connection = stage.program.connect(&request).await;
    let caller = Caller::connect(&stage).await;
    let calls = (0..60).map(|number| {
        let mut sender = caller.sender.clone();
        let body = Full::from(format!("body-{number}")).boxed();
        let request = caller.request("PUT", &format!("/{number}"), &[("content-length", "7")], {
            if number < 10 { Full::from(format!("body-0{number}")).boxed() } else { body }
        });
        async move {
            let response = sender.send_request(request).await.unwrap();
            (number, response.into_body().collect().await.unwrap().to_bytes())
        }
    });
    let answers: Vec<_> = futures_util::stream::iter(calls).buffer_unordered(20).collect().await;
    for (number, text) in answers {
        assert_eq!(text, format!("PUT /base/{number} body-{number:02}"));
    }
    drop(caller);
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn trailers_of_http2_go_both_ways() {
    let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nhi\r\n0\r\nX-Sum: 42\r\n\r\n";
    let stage = stage(vec![answers(chunked)]).await;
    let mut caller = Caller::connect(&stage).await;
    let (body, request_body) = spoken();
    body.send(Frame::data(Bytes::from_static(b"abc"))).unwrap();
    let mut trailers = HeaderMap::new();
    trailers.insert("x-digest", HeaderValue::from_static("yes"));
    body.send(Frame::trailers(trailers)).unwrap();
    drop(body);
    let response = caller.ask("POST", "/x", &[("te", "trailers")], request_body).await;
    let collected = response.into_body().collect().await.unwrap();
    assert_eq!(collected.trailers().unwrap()["x-sum"], "42");
    assert_eq!(collected.to_bytes(), "hi");
    let arrived = stage.arrived(0).pop().unwrap();
    assert_eq!((arrived.body.as_slice(), arrived.trailers), (&b"abc"[..], fields(&["x-digest: yes"])));
    drop(caller);
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_without_a_body_stay_so_over_http2() {
    let announced = Step::write("HTTP/1.1 200 OK\r\nContent-Length: 1234\r\n\r\n");
    let others = vec![
        Step::ReadRequest,
        Step::write("HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n"),
        Step::Hold,
    ];
    let stage = stage(vec![
        vec![Step::ReadRequest, announced, Step::Hold],
        others,
        vec![
            Step::ReadRequest,
            Step::write("HTTP/1.1 304 Not Modified\r\nETag: \"v\"\r\n\r\n"),
            Step::ReadRequest,
            Step::write(
                "HTTP/1.1 206 Partial Content\r\nContent-Range: bytes 2-4/9\r\nContent-Length: 3\r\n\r\ncde",
            ),
            Step::Again,
        ],
    ])
    .await;
    let mut caller = Caller::connect(&stage).await;
    let response = caller.ask("HEAD", "/x", &[], empty()).await;
    assert_eq!(response.headers()["content-length"], "1234");
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "");
    for (status, body) in [(204, ""), (304, ""), (206, "cde")] {
        let response = caller.ask("GET", "/x", &[("range", "bytes=2-4")], empty()).await;
        assert_eq!(response.status(), status);
        assert!(status != 204 || !response.headers().contains_key("content-length"), "RFC 9110 §8.6");
        assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), body);
    }
    drop(caller);
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn events_pass_one_by_one_and_both_ways_over_http2() {
    let mut script =
        vec![Step::ReadHead, Step::write("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")];
    for number in 0..4 {
        script.push(Step::write(&format!("8\r\ndata: {number}\n\r\n")));
        script.push(Step::Read("4\r\nnext\r\n".len()));
    }
    script.push(Step::write("0\r\n\r\n"));
    script.push(Step::Hold);
    let stage = stage(vec![script]).await;
    let mut caller = Caller::connect(&stage).await;
    let (body, request_body) = spoken();
    let response = caller.ask("POST", "/events", &[], request_body).await;
    let mut events = response.into_body();
    for number in 0..4 {
        let event = tokio::time::timeout(Duration::from_secs(3), events.frame()).await;
        let event = event.unwrap_or_else(|_| panic!("event {number} is held back")).unwrap().unwrap();
        assert_eq!(event.into_data().unwrap(), format!("data: {number}\n"));
        body.send(Frame::data(Bytes::from_static(b"next"))).unwrap();
    }
    drop(body);
    let end = events.collect().await.expect("a proper end");
    assert_eq!(end.to_bytes(), "");
    drop(caller);
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_is_given_up_cancels_the_providers_work() {
    let part = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\npart";
    let stage = stage(vec![
        vec![Step::ReadRequest, Step::Hold],
        vec![Step::ReadRequest, Step::write(part), Step::Hold],
        answers(&answer("200 OK", "well")),
    ])
    .await;
    let mut caller = Caller::connect(&stage).await;
    let request = caller.request("GET", "/waiting", &[], empty());
    let waiting = tokio::spawn(caller.sender.send_request(request));
    assert!(stage.server.saw(|seen| seen.len() == 1 && seen[0].text().ends_with("\r\n\r\n")).await);
    waiting.abort();
    let gone = Instant::now();
    assert!(stage.server.saw(|seen| seen[0].closed).await, "while waiting for the head");
    let mut response = caller.ask("GET", "/reading", &[], empty()).await;
    assert_eq!(response.body_mut().frame().await.unwrap().unwrap().into_data().unwrap(), "part");
    drop(response);
    assert!(stage.server.saw(|seen| seen[1].closed).await, "in the middle of the answer");
    assert!(gone.elapsed() < Duration::from_secs(4), "only after {:?}", gone.elapsed());
    let response = caller.ask("GET", "/next", &[], empty()).await;
    assert_eq!(response.into_body().collect().await.unwrap().to_bytes(), "well", "other streams go on");
    drop(caller);
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_cut_short_resets_the_stream() {
    let cut = [
        "HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n",
    ];
    let script = |bytes: &str| vec![Step::ReadRequest, Step::write(bytes), Step::pause(60), Step::Reset];
    let stage = stage(cut.iter().map(|bytes| script(bytes)).collect()).await;
    let mut caller = Caller::connect(&stage).await;
    for bytes in cut {
        let response = caller.ask("GET", "/x", &[], empty()).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert!(response.into_body().collect().await.is_err(), "{bytes:?} looks whole");
    }
    drop(caller);
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deadline_of_the_call_ends_it_over_http2() {
    let stage = stage(vec![vec![Step::ReadRequest, Step::Hold]]).await;
    let mut caller = Caller::connect(&stage).await;
    let response = caller.ask("GET", "/x", &[("passthrough-timeout-ms", "250")], empty()).await;
    assert_eq!(response.status(), 504);
    let text = response.into_body().collect().await.unwrap().to_bytes();
    assert!(text.windows(15).any(|window| window == b"\"total_timeout\""), "{text:?}");
    drop(caller);
    stage.program.finish().await;
}

/// RFC 8441: a WebSocket over HTTP/2 is not taken, and whoever asks for one is told.
#[tokio::test(flavor = "multi_thread")]
async fn an_extended_connect_is_refused_clearly() {
    let stage = stage(vec![answers(&answer("200 OK", "well"))]).await;
    let mut caller = FrameCaller::connect(&stage.program.url).await;
    let authorization = format!("Bearer {}", stage.program.key);
    let ask = |method, protocol: &[(&str, &str)]| {
        let mut all =
            vec![(":method", method), (":scheme", "http"), (":authority", "a"), (":path", "/v1/proxy/x")];
        all.extend_from_slice(protocol);
        all.push(("authorization", &authorization));
        all.push(("connection-token", &stage.connection.token));
        fields_block(&all)
    };
    let flags = END_HEADERS | END_STREAM;
    caller
        .write(&RawFrame::new(kind::HEADERS, END_HEADERS, 1, ask("CONNECT", &[(":protocol", "websocket")])))
        .await;
    let outcome = caller.outcome(1).await;
    let refused = match &outcome {
        Outcome::Answered { status, .. } => (400..600).contains(status),
        Outcome::Reset(code) => *code != 0,
        Outcome::GoneAway(_) | Outcome::Closed => false,
    };
    assert!(refused, "{outcome:?}");
    caller.write(&RawFrame::new(kind::HEADERS, flags, 3, ask("GET", &[]))).await;
    assert_eq!(caller.outcome(3).await, Outcome::Answered { status: 200, body: b"well".to_vec() });
    drop(caller);
    assert_eq!(stage.arrived(0).len(), 1);
    stage.program.finish().await;
}
