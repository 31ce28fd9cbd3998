//! What of a credential or of our own tokens could come or go by the less used parts of a message: interim heads,
//! reason phrases, names, trailers, methods that echo.

use std::time::Duration;

use passthrough_testkit::program::{Engine, Setup, canary};
use passthrough_testkit::raw_caller::{End, Head, RawCaller, requests};
use passthrough_testkit::raw_server::{RawServer, Step};

use crate::rig::{Stage, answer, answers, head};
use crate::support::{bearer_provider, setup};

/// A program and a provider whose scripts know the credential.
async fn stage(scripts: impl FnOnce(&str) -> Vec<Vec<Step>>, settings: impl FnOnce(Setup) -> Setup) -> Stage {
    let api_key = canary("key");
    let server = RawServer::start(scripts(&api_key)).await.unwrap();
    let file = bearer_provider(&format!("http://{}/base", server.address()));
    let one_worker = setup(Engine::Sqlite).variable("PASSTHROUGH_SERVER__WORKERS", "1");
    let mut program = settings(one_worker).provider("shop", &file).start().await;
    let request = format!(r#"{{"provider":"shop","credentials":{{"api_key":"{api_key}"}}}}"#);
    let connection = program.connect(&request).await;
    Stage { program, server, connection, api_key }
}

async fn written(stage: &Stage, method: &str, headers: &str, body: &str) -> RawCaller {
    let mut caller = RawCaller::connect(&stage.program.url).await;
    let head = head(&stage.program, &stage.connection, method, "/v1/proxy/x", headers);
    caller.write(format!("{head}{body}")).await;
    caller
}

#[tokio::test(flavor = "multi_thread")]
async fn a_provider_that_echoes_the_credential_in_any_part_of_a_head_is_masked() {
    let scripts = |key: &str| {
        let interim = format!(
            "HTTP/1.1 103 Early {key}\r\nLink: </{key}>\r\n{key}: 1\r\nX-Hop: 1\r\nConnection: X-Hop\r\n\
             Transfer-Encoding: chunked\r\nContent-Length: 9\r\nPassthrough-Source: evil\r\nX-Fine: 1\r\n\r\n"
        );
        let last = answer(&format!("200 Fine {key}\r\n{key}-Name: 1\r\nX-Value: {key}\r\nX-Fine: 1"), "ok");
        vec![vec![Step::ReadRequest, Step::write(&interim), Step::write(&last), Step::Again]]
    };
    let stage = stage(scripts, |setup| setup).await;
    let answer = written(&stage, "GET", "", "").await.answer("GET").await;
    let text = format!("{:?} {:?}", answer.interim, answer.head);
    assert!(!text.contains(&stage.api_key), "{text}");
    let names = |head: &Head| head.fields.iter().map(|(name, _)| name.to_lowercase()).collect::<Vec<_>>();
    assert_eq!(names(&answer.interim[0]), ["link", "x-fine"]);
    assert_eq!(answer.interim[0].all("link"), ["</***>"]);
    assert_eq!((answer.head.all("x-value"), answer.head.all("x-fine")), (vec!["***"], vec!["1"]));
    assert_eq!((answer.text().as_str(), answer.end), ("ok", End::Complete));
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_callers_trailers_are_judged_like_headers() {
    let stage = stage(|_| vec![answers(&answer("200 OK", "ok"))], |setup| setup).await;
    let token = &stage.connection.token;
    let trailers = format!(
        "Connection-Token: {token}\r\nX-Copy: {token}\r\nAUTHORIZATION: mine\r\nPassthrough-Retries: 1\r\n\
         content_length: 4\r\nX_Forwarded_For: 1\r\nVia: me\r\nCookie: a=b\r\nX-Digest: yes\r\n"
    );
    let body = format!("2\r\nab\r\n0\r\n{trailers}\r\n");
    let answer = written(&stage, "POST", "Transfer-Encoding: chunked\r\n", &body).await.answer("POST").await;
    assert_eq!(answer.text(), "ok");
    let arrived = requests(&stage.server.connections()[0].received).unwrap().pop().unwrap();
    let names: Vec<_> = arrived.trailers.iter().map(|(name, _)| name.to_lowercase()).collect();
    assert_eq!((arrived.body.as_slice(), names), (&b"ab"[..], vec!["x-digest".to_owned()]));
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn methods_that_echo_the_request_are_refused() {
    let stage = stage(|_| vec![answers(&answer("200 OK", "ok"))], |setup| setup).await;
    for method in ["TRACE", "Trace", "TRACK"] {
        let answer = written(&stage, method, "", "").await.answer(method).await;
        assert_eq!(answer.head.status(), 400, "{method}");
    }
    assert!(stage.server.connections().is_empty());
    stage.program.finish().await;
}

const HANDSHAKE: &str = "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_whose_caller_has_gone_gives_its_place_back() {
    let switch = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
                  Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n\r\n";
    // A provider that does not care whether anybody listens.
    let script = vec![Step::ReadHead, Step::write(switch), Step::Hold];
    let one_place = |setup: Setup| setup.variable("PASSTHROUGH_UPSTREAM__MAX_IN_FLIGHT", "1");
    let stage = stage(|_| vec![script, answers(&answer("200 OK", "ok"))], one_place).await;
    let mut caller = written(&stage, "GET", HANDSHAKE, "").await;
    assert_eq!(caller.head().await.unwrap().status(), 101);
    drop(caller);
    let mut served = false;
    for _ in 0..60 {
        served = stage.proxy("GET", "/x").await.status == 200;
        if served {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    assert!(served);
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_to_another_protocol_is_refused() {
    let switch = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n";
    let stage = stage(|_| vec![vec![Step::ReadHead, Step::write(switch), Step::Hold]], |setup| setup).await;
    let answer = written(&stage, "GET", HANDSHAKE, "").await.answer("GET").await;
    assert_eq!(answer.head.status(), 502);
    stage.program.finish().await;
}
