//! What of a credential or of our own tokens could come or go by the less used parts of a message: interim heads,
//! reason phrases, names, trailers, methods that echo.

use std::time::Duration;

use passthrough_testkit::program::{Engine, Setup, canary};
use passthrough_testkit::raw_caller::{End, Head, RawCaller, requests};
use passthrough_testkit::raw_server::{RawServer, Step};

use crate::rig::{Stage, answer, answers, head, json as read};
use crate::support::{bearer_provider, record, setup};

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

/// An SDK or a person puts a key where it does not belong; whose it is makes no difference.
#[tokio::test(flavor = "multi_thread")]
async fn no_key_and_no_connection_token_goes_on_in_a_header_whoever_presented_it() {
    let mut stage = stage(|_| vec![answers(&answer("200 OK", "ok"))], |setup| setup).await;
    let key = stage.program.create_key("default");
    let request = r#"{"provider":"shop","credentials":{"api_key":"another"}}"#;
    let token = stage.program.connect(request).await.token;
    let (own_key, own_token) = (&stage.program.key, &stage.connection.token);
    let headers = format!(
        "X-A: {key}\r\nX-B: Token {token};\r\nX-C: {own_key}\r\nCookie: t={own_token}\r\nX-Stripe: sk_live_{}\r\n",
        "a".repeat(99)
    );
    let through = written(&stage, "GET", &headers, "").await.answer("GET").await;
    assert_eq!(through.text(), "ok");
    let envelope = serde_json::json!({
        "method": "GET", "path": "/x", "headers": {"x-a": [key, token], "x-stripe": format!("sk_live_{}", "a".repeat(99))}
    });
    assert_eq!(stage.ask(&envelope.to_string()).await.status, 200);
    let arrived = requests(&stage.server.connections()[0].received).unwrap();
    assert_eq!(arrived.len(), 2);
    for request in arrived {
        let names: Vec<_> = request.head.fields.iter().map(|(name, _)| name.to_lowercase()).collect();
        assert!(names.contains(&"x-stripe".to_owned()), "{names:?}");
        for gone in ["x-a", "x-b", "x-c", "cookie"] {
            assert!(!names.contains(&gone.to_owned()), "{gone} in {names:?}");
        }
    }
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_encoded_in_a_path_stays_out_of_its_record() {
    let stage = stage(|_| vec![answers(&answer("200 OK", "ok"))], |setup| setup).await;
    let (key, token) = (&stage.program.key, &stage.connection.token);
    let encoded = data_encoding::BASE64URL_NOPAD.encode(format!("{key}:").as_bytes());
    let percent: String = token.bytes().map(|byte| format!("%{byte:02X}")).collect();
    for (segment, kept) in [(encoded.as_str(), true), (&percent, true), ("c%2Fd", false)] {
        let answer = stage.proxy("GET", &format!("/a/{segment}/b")).await;
        assert_eq!(answer.text(), "ok");
        let record = record(&stage.program, answer.header("passthrough-request-id").unwrap()).await;
        let shown = if kept { "***" } else { segment };
        assert_eq!(record["path"], format!("/a/{shown}/b"));
    }
    stage.program.finish().await;
}

/// `Passthrough-Source: passthrough` on a provider's answer would make an SDK take it for ours.
#[tokio::test(flavor = "multi_thread")]
async fn a_provider_does_not_speak_in_our_name() {
    let spoofed =
        "Passthrough-Source: passthrough\r\nPASSTHROUGH-Anything: 1\r\npassthrough_request_id: 2\r\n";
    let last = format!(
        "HTTP/1.1 200 OK\r\n{spoofed}X-Fine: 1\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n{spoofed}X-Sum: 1\r\n\r\n"
    );
    let stage = stage(|_| vec![answers(&last)], |setup| setup).await;
    let answer = written(&stage, "GET", "TE: trailers\r\n", "").await.answer("GET").await;
    let ours: Vec<_> =
        answer.head.fields.iter().filter(|(name, _)| name.to_lowercase().contains("passthrough")).collect();
    assert_eq!(ours.len(), 2, "source and id: {ours:?}");
    assert_eq!(answer.head.all("passthrough-source"), ["provider"]);
    let trailers: Vec<_> = answer.trailers.iter().map(|(name, _)| name.to_lowercase()).collect();
    assert_eq!((answer.text().as_str(), trailers), ("ok", vec!["x-sum".to_owned()]));
    let envelope = read(&stage.ask(r#"{"method":"GET","path":"/x"}"#).await);
    assert!(!envelope["headers"].to_string().to_lowercase().contains("passthrough"), "{envelope}");
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
