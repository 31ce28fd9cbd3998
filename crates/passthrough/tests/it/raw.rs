//! `POST /v1/passthrough/raw`: a provider's bytes where it says 2xx, else the envelope.

use passthrough_testkit::http::Response;
use passthrough_testkit::program::Engine;
use passthrough_testkit::raw_server::Step;

use crate::rig::{Stage, answer, failure, json as read, stage};
use crate::support::{on_both_databases, shop};

on_both_databases! {
    a_caller_sees_which_of_three_a_body_is
}

impl Stage {
    async fn raw(&self, request: &str) -> Response {
        self.program.on(&self.connection, "POST", "/v1/passthrough/raw", &[], request.to_owned()).await
    }
}

async fn a_caller_sees_which_of_three_a_body_is(engine: Engine) {
    let shop = shop(engine).await;
    let raw = async |request: &str| {
        shop.program.on(&shop.connection, "POST", "/v1/passthrough/raw", &[], request.to_owned()).await
    };
    let bytes = raw(r#"{"method":"GET","path":"/x"}"#).await;
    assert_eq!((bytes.status.as_u16(), bytes.header("passthrough-source")), (200, Some("provider")));
    assert_eq!(bytes.header("content-type"), Some("application/json"));
    assert_eq!(read(&bytes)["target"], "/base/x");
    let refused = raw(r#"{"method":"GET","path":"//x"}"#).await;
    assert_eq!(failure(&refused), "400 bad_request sent=no");
    assert_eq!(refused.header("passthrough-source"), Some("passthrough"));
    assert!(refused.header("passthrough-request-id").unwrap().starts_with("req_"));
    shop.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn success_comes_as_bytes_with_what_belongs_to_them() {
    let head = "206 Partial Content\r\nContent-Range: bytes 0-5/9\r\nContent-Type: image/png\r\nContent-Disposition: attachment; filename=\"a.png\"\r\n\
                ETag: \"v1\"\r\nLast-Modified: Tue, 15 Nov 1994 12:45:26 GMT\r\nSet-Cookie: session=1\r\nX-Other: 1";
    let chunked = "HTTP/1.1 201 Created\r\nTransfer-Encoding: chunked\r\nContent-Type: text/plain\r\n\r\n5\r\nhello\r\n0\r\n\r\n";
    let stage = stage(vec![vec![
        Step::ReadRequest,
        Step::write(&answer(head, "\u{0}png\r\n")),
        Step::ReadRequest,
        Step::write(chunked),
        Step::ReadRequest,
        Step::write("HTTP/1.1 204 No Content\r\nETag: \"v2\"\r\n\r\n"),
        Step::ReadRequest,
        Step::write("HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n"),
        Step::Hold,
    ]])
    .await;
    let request = r#"{"method":"GET","path":"/x"}"#;
    let response = stage.raw(request).await;
    assert_eq!((response.status.as_u16(), &response.body[..]), (206, &b"\0png\r\n"[..]));
    for (name, value) in [
        ("content-type", Some("image/png")),
        ("content-disposition", Some("attachment; filename=\"a.png\"")),
        ("content-length", Some("6")),
        ("content-range", Some("bytes 0-5/9")),
        ("etag", Some("\"v1\"")),
        ("last-modified", Some("Tue, 15 Nov 1994 12:45:26 GMT")),
        ("set-cookie", None),
        ("x-other", None),
        ("passthrough-source", Some("provider")),
    ] {
        assert_eq!(response.header(name), value, "{name}");
    }
    let response = stage.raw(request).await;
    assert_eq!((response.status.as_u16(), response.text()), (201, "hello".to_owned()));
    let response = stage.raw(request).await;
    assert_eq!(
        (response.status.as_u16(), response.text(), response.header("etag")),
        (204, String::new(), Some("\"v2\""))
    );
    // The answer to HEAD has no body, whatever length it tells.
    let response = stage.raw(r#"{"method":"HEAD","path":"/x"}"#).await;
    assert_eq!((response.status.as_u16(), response.text()), (200, String::new()));
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn anything_but_success_comes_as_an_envelope() {
    let statuses = ["302 Found", "304 Not Modified", "404 Not Found", "500 Oh"];
    let scripts = statuses.map(|status| {
        let body = if status.starts_with("304") { "" } else { "{\"a\": 1.0}" };
        let close = "Content-Type: application/json\r\nConnection: close\r\nLocation: /elsewhere";
        vec![Step::ReadRequest, Step::write(&answer(&format!("{status}\r\n{close}"), body))]
    });
    let stage = stage(scripts.into()).await;
    for status in statuses {
        let response = stage.raw(r#"{"method":"GET","path":"/x"}"#).await;
        assert_eq!(
            (response.status.as_u16(), response.header("passthrough-source")),
            (200, Some("envelope"))
        );
        let envelope = read(&response);
        assert_eq!(envelope["statusCode"], status[..3].parse::<u16>().unwrap());
        assert_eq!(envelope["headers"]["Location"], "/elsewhere");
        if !status.starts_with("304") {
            assert!(response.text().contains("\"response\":{\"a\": 1.0}"), "{}", response.text());
        }
    }
    stage.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn bytes_that_break_off_end_without_a_clean_end() {
    let short = "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf";
    let stage = stage(vec![vec![Step::ReadRequest, Step::write(short)]]).await;
    let body = r#"{"method":"GET","path":"/x"}"#;
    let length = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    let mut caller = stage.caller("POST", "/v1/passthrough/raw", &length).await;
    caller.write(body.as_bytes()).await;
    let answer = caller.rest().await;
    assert!(answer.contains("Content-Length: 10\r\n") && answer.ends_with("\r\n\r\nhalf"), "{answer}");
    stage.program.finish().await;
}
