//! WebSocket upgrades through the proxy.

use std::time::Duration;

use passthrough_testkit::http::send;
use passthrough_testkit::program::Setup;
use passthrough_testkit::raw_server::Step;

use crate::rig::{json, stage, stage_with};

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

/// RFC 6455 section 4.1: who answers the key has read the request as one for a WebSocket. A cache that gives a 101 of
/// another time, or a server that only knows the status, would make a tunnel for smuggled requests.
#[tokio::test(flavor = "multi_thread")]
async fn a_switch_that_does_not_answer_the_key_makes_no_tunnel() {
    let switch = |fields: &str| {
        let head = format!("HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n{fields}\r\n");
        vec![Step::ReadHead, Step::Write([head.as_bytes(), b"\x81\x05hello"].concat()), Step::Hold]
    };
    let upgrade = "Connection: Upgrade\r\n";
    let accept = "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n";
    let old = format!("HTTP/1.0 101 Switching Protocols\r\nUpgrade: websocket\r\n{upgrade}{accept}\r\n");
    let scripts = [
        vec![Step::ReadHead, Step::write(&old), Step::Hold],
        switch(&format!("Connection: Upgrade, close\r\n{accept}")),
        // It would be taken out as a field of this hop.
        switch(&format!("Connection: Upgrade, Sec-WebSocket-Accept\r\n{accept}")),
        switch(upgrade),
        switch(&format!("{upgrade}Sec-WebSocket-Accept: wIYBrBkLdF4yKnOdQ3ZbYVvH6qg=\r\n")),
        switch(&format!("{upgrade}Sec-WebSocket-Accept: dGhlIHNhbXBsZSBub25jZQ==\r\n")),
        switch(&format!("{upgrade}{accept}{accept}")),
        switch(accept),
    ];
    let stage = stage(scripts.to_vec()).await;
    for number in 0..scripts.len() {
        let mut caller = stage.caller("GET", "/v1/proxy/socket", ASK).await;
        caller.write(b"GET /v1/smuggled HTTP/1.1\r\n\r\n").await;
        let head = caller.until("\r\n\r\n").await;
        assert!(head.starts_with("HTTP/1.1 502 "), "{number}: {head}");
        let error = caller.until("}").await;
        assert!(error.contains(r#""reason":"protocol""#), "{number}: {error}");
        assert!(stage.server.saw(|seen| seen.len() == number + 1 && seen[number].closed).await);
        assert!(!stage.server.connections()[number].text().contains("smuggled"), "{number}");
    }
    stage.program.finish().await;
}

/// A text frame, from a provider.
const HELLO: &[u8] = b"\x81\x05hello";
/// A Close frame that says 1001, "going away" (RFC 6455 section 7.4.1), as a caller gets it.
const GOING_AWAY: &[u8] = b"\x88\x02\x03\xe9";

/// Whether bytes end in a masked Close frame that says the same.
fn ends_in_a_masked_goodbye(bytes: &[u8]) -> bool {
    let Some((_, [0x88, 0x82, mask @ .., high, low])) = bytes.split_last_chunk::<8>() else { return false };
    [high ^ mask[0], low ^ mask[1]] == [GOING_AWAY[2], GOING_AWAY[3]]
}

#[tokio::test(flavor = "multi_thread")]
async fn both_sides_are_told_when_the_server_stops_and_hold_its_end_up_no_longer_than_they_need() {
    let greet = Step::Write([SWITCH.as_bytes(), HELLO].concat());
    let mut stage = stage(vec![vec![Step::ReadHead, greet, Step::Hold]]).await;
    let mut caller = stage.caller("GET", "/v1/proxy/socket", ASK).await;
    caller.until("hello").await;
    assert!(caller.write(b"\x81\x85\0\0\0\0there").await);
    assert!(stage.server.saw(|seen| seen[0].received.ends_with(b"there")).await);
    stage.program.terminate();
    assert_eq!(caller.bytes(GOING_AWAY.len()).await, GOING_AWAY);
    assert!(stage.server.saw(|seen| ends_in_a_masked_goodbye(&seen[0].received)).await);
    assert!(caller.write(b"\x88\x82\0\0\0\0\x03\xe9").await);
    assert_eq!(caller.rest().await, "");
    assert!(stage.server.saw(|seen| seen[0].closed).await);
    let seen = stage.server.connections()[0].received.clone();
    assert_eq!(
        seen.windows(2).filter(|two| two == b"\x88\x82").count(),
        1,
        "the caller's echo is not a second one"
    );
    // The default grace is 22 seconds.
    let ended = stage.program.ended_within(Duration::from_secs(10));
    assert!(ended.is_some_and(|status| status.success()), "it waits for a socket that was told");
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frame_that_has_begun_is_ended_before_the_goodbye() {
    let half = Step::Write([SWITCH.as_bytes(), &HELLO[..4]].concat());
    let rest = Step::Write([&HELLO[4..], HELLO].concat());
    let script = vec![Step::ReadHead, half, Step::Read(b"\x82\x84\0\0\0\0word".len()), rest, Step::Hold];
    let stage = stage(vec![script]).await;
    let mut caller = stage.caller("GET", "/v1/proxy/socket", ASK).await;
    caller.until("he").await;
    // The caller, too, is in the middle of a frame.
    assert!(caller.write(b"\x82\x84\0\0\0\0wo").await);
    assert!(stage.server.saw(|seen| seen[0].received.ends_with(b"wo")).await);
    stage.program.terminate();
    tokio::time::sleep(Duration::from_millis(300)).await;
    assert!(stage.server.connections()[0].received.ends_with(b"wo"), "no goodbye inside a frame");
    assert!(caller.write(b"rd\x82\x84\0\0\0\0lost").await);
    assert!(
        stage
            .server
            .saw(|seen| seen[0].received.len() > 8 && ends_in_a_masked_goodbye(&seen[0].received))
            .await
    );
    let received = stage.server.connections()[0].received.clone();
    assert!(
        received[..received.len() - 8].ends_with(b"\x82\x84\0\0\0\0word"),
        "the frame, and none after it"
    );
    assert_eq!(caller.bytes(3 + GOING_AWAY.len()).await, [b"llo".as_slice(), GOING_AWAY].concat());
    drop(caller);
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_does_not_take_the_goodbye_is_cut_off() {
    // Half a frame that never ends, and a provider that does not care.
    let half = Step::Write([SWITCH.as_bytes(), &HELLO[..4]].concat());
    let grace = |setup: Setup| setup.variable("PASSTHROUGH_SHUTDOWN__GRACE_MS", "700");
    let mut stage = stage_with(vec![vec![Step::ReadHead, half, Step::Hold]], grace, |file| file).await;
    let mut caller = stage.caller("GET", "/v1/proxy/socket", ASK).await;
    caller.until("he").await;
    assert!(caller.write(b"\x82\x84\0\0\0\0wo").await);
    assert!(stage.server.saw(|seen| seen[0].received.ends_with(b"wo")).await);
    stage.program.terminate();
    assert_eq!(caller.rest().await, "");
    assert!(stage.server.saw(|seen| seen[0].closed).await);
    assert!(stage.program.ended_within(Duration::from_secs(10)).is_some_and(|status| status.success()));
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn floods_and_frames_that_never_end_do_not_hold_up_the_end_of_the_server() {
    let flood = Step::Write([SWITCH.as_bytes(), &HELLO.repeat(2_000_000)].concat());
    let half = Step::Write([SWITCH.as_bytes(), &HELLO[..4]].concat());
    let scripts = [flood, half].map(|first| vec![Step::ReadHead, first, Step::Hold]);
    let mut stage = stage(scripts.to_vec()).await;
    // One does not read what floods it, the other has begun a frame, as its provider has.
    let mut flooded = stage.caller("GET", "/v1/proxy/socket", ASK).await;
    flooded.until("\r\n\r\n").await;
    let mut halfway = stage.caller("GET", "/v1/proxy/socket", ASK).await;
    halfway.until("he").await;
    assert!(halfway.write(b"\x82\x84\0\0\0\0wo").await);
    stage.program.terminate();
    // The default grace is 22 seconds.
    let ended = stage.program.ended_within(Duration::from_secs(12));
    assert!(ended.is_some_and(|status| status.success()), "it waits for sockets that take no goodbye");
    stage.program.finish().await;
}

/// A Close frame that says 1008, "policy violation".
const NOT_ALLOWED: &[u8] = b"\x88\x02\x03\xf0";

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_ends_with_the_key_or_the_connection_that_opened_it() {
    let script = vec![Step::ReadHead, Step::write(SWITCH), Step::Hold];
    let mut stage = stage(vec![script; 7]).await;
    let admin = stage.program.key.clone();
    let own = format!("/v1/connections/{}", stage.connection.id);
    let (archive, restore) = (r#"{"status":"archived"}"#, r#"{"status":"connected"}"#);
    let credential = r#"{"credentials":{"api_key":"another"}}"#;
    let key = stage.program.create_key("default");
    let keys = json(&stage.program.api("GET", "/v1/api-keys", "").await);
    let id = |key: &str| {
        let all = keys["results"].as_array().unwrap();
        let found = all.iter().map(|key| key["id"].as_str().unwrap());
        found.clone().find(|id| key.contains(id.trim_start_matches("key_"))).unwrap().to_owned()
    };
    let revoke = format!("/v1/api-keys/{}", id(&key));
    let rename = r#"{"name":"another"}"#;
    for (method, path, body, ends) in [
        ("PATCH", own.as_str(), rename, false),
        ("DELETE", &revoke, "", true),
        ("PATCH", &own, archive, true),
        ("PATCH", &own, credential, true),
        ("DELETE", &own, "", true),
    ] {
        stage.program.key = if path == revoke { key.clone() } else { admin.clone() };
        let mut caller = stage.caller("GET", "/v1/proxy/socket", ASK).await;
        let head = caller.until("\r\n\r\n").await;
        assert!(head.starts_with("HTTP/1.1 101 "), "{method} {path}: {head}");
        stage.program.key = admin.clone();
        let changed = stage.program.api(method, path, body).await;
        assert!(changed.status.is_success(), "{method} {path}: {}", changed.text());
        if ends {
            assert_eq!(caller.bytes(NOT_ALLOWED.len()).await, NOT_ALLOWED, "{method} {path} {body}");
            let told = stage.server.saw(|seen| ends_in_a_masked_goodbye(&seen.last().unwrap().received));
            assert!(told.await, "{method} {path} {body}");
        } else {
            tokio::time::sleep(Duration::from_millis(300)).await;
            assert!(caller.write(b"\x81\x85\0\0\0\0there").await);
            assert!(stage.server.saw(|seen| seen.last().unwrap().received.ends_with(b"there")).await);
        }
        if body == archive {
            assert!(stage.program.api(method, path, restore).await.status.is_success());
        }
    }
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_websocket_is_in_flight_until_it_ends() {
    let stage = stage(vec![vec![Step::ReadHead, Step::write(SWITCH), Step::Hold]]).await;
    let mut caller = stage.caller("GET", "/v1/proxy/socket", ASK).await;
    caller.until("\r\n\r\n").await;
    let in_flight = async |wanted: &str| {
        let wanted = format!("passthrough_in_flight{{provider=\"shop\"}} {wanted}\n");
        for _ in 0..100 {
            let answer = send("GET", &format!("{}/metrics", stage.program.url), &[], "").await;
            if answer.text().contains(&wanted) {
                return true;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        false
    };
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(in_flight("1").await, "while it lasts");
    drop(caller);
    assert!(in_flight("0").await, "and no longer");
    stage.program.finish().await;
}
