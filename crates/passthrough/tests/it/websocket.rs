//! WebSocket upgrades through the proxy.

use passthrough_testkit::raw_server::Step;

use crate::rig::stage;

const ASK: &str = "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: chat\r\n";
const SWITCH: &str = "HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: websocket\r\n\
                      Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n";

#[tokio::test(flavor = "multi_thread")]
async fn an_upgrade_joins_both_sides_until_one_goes() {
    let stage =
        stage(vec![vec![Step::ReadHead, Step::write(SWITCH), Step::write("\u{81}"), Step::Echo]]).await;
    let mut caller = stage.caller("GET", "/v1/proxy/socket?x=1", ASK).await;
    let head = caller.until("\r\n\r\n").await.to_ascii_lowercase();
    assert!(head.starts_with("http/1.1 101 "), "{head}");
    for line in [
        "connection: upgrade\r\n",
        "upgrade: websocket\r\n",
        "sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=\r\n",
        "sec-websocket-protocol: chat\r\n",
        "passthrough-source: provider\r\n",
    ] {
        assert!(head.contains(line), "{line} in {head}");
    }
    assert_eq!(caller.until("\u{81}").await, "\u{81}", "bytes that come along with the 101 are not lost");
    for frame in ["ping", "a longer frame ".repeat(5000).as_str()] {
        caller.write(frame.as_bytes()).await;
        assert_eq!(caller.until(frame).await, frame);
    }
    let asked = stage.server.connections()[0].text().to_ascii_lowercase();
    assert!(asked.starts_with("get /base/socket?x=1 http/1.1\r\n"), "{asked}");
    for line in [
        "connection: upgrade\r\n",
        "upgrade: websocket\r\n",
        "sec-websocket-version: 13\r\n",
        "sec-websocket-key: dghlihnhbxbszsbub25jzq==\r\n",
        &format!("authorization: bearer {}\r\n", stage.api_key.to_ascii_lowercase()),
    ] {
        assert!(asked.contains(line), "{line} in {asked}");
    }
    assert!(!asked.contains("con_tkn_") && !asked.contains("keep-alive"), "{asked}");
    drop(caller);
    assert!(stage.server.saw(|seen| seen[0].closed).await, "the provider hears of the end");
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_upgrade_is_an_ordinary_answer() {
    let refusal = "HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno";
    let stage = stage(vec![vec![Step::ReadHead, Step::write(refusal), Step::Again]]).await;
    let mut caller = stage.caller("GET", "/v1/proxy/socket", ASK).await;
    let head = caller.until("\r\n\r\nno").await;
    assert!(head.starts_with("HTTP/1.1 403 "), "{head}");
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_that_nobody_asked_for_is_a_broken_answer() {
    let stage = stage(vec![vec![Step::ReadHead, Step::write(SWITCH), Step::Hold]]).await;
    for (method, headers) in [
        ("GET", ""),
        ("GET", "Connection: upgrade\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"),
        (
            "GET",
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        ),
        ("GET", "Connection: upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"),
        ("DELETE", ASK),
    ] {
        let mut caller = stage.caller(method, "/v1/proxy/socket", headers).await;
        let head = caller.until("\r\n\r\n").await;
        assert!(head.starts_with("HTTP/1.1 502 "), "{method} {headers}: {head}");
        assert!(caller.until("}").await.contains("\"reason\":\"protocol\""));
    }
    for asked in stage.server.connections() {
        let asked = asked.text().to_ascii_lowercase();
        assert!(!asked.contains("upgrade") && !asked.contains("http2-settings"), "{asked}");
    }
    stage.program.finish().await;
}
