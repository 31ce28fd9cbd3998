use http_body_util::BodyExt;
use passthrough_server::upstream::{Reason, Sent};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::*;

async fn once(answer: &str) -> (RawServer, Upstream) {
    (server(vec![Step::ReadRequest, Step::write(answer)]).await, upstream())
}

#[tokio::test]
async fn names_keep_the_providers_spelling_order_and_duplicates() {
    let (server, upstream) = once(
        "HTTP/1.1 200 OK\r\nX-Zulu: 1\r\nSet-Cookie: a=1\r\nx-ALPHA:  2 \r\nsEt-cookie: b=2\r\nX-Zulu: 3\r\n\
         X-Latin: \u{fc}\r\nX-Empty:\r\nContent-Length: 0\r\n\r\n",
    )
    .await;
    let answer = upstream.send(get(&server)).await.unwrap();
    let fields: Vec<(&str, &[u8])> =
        answer.fields.iter().map(|(name, value)| (std::str::from_utf8(name).unwrap(), &value[..])).collect();
    assert_eq!(
        fields,
        [
            ("X-Zulu", &b"1"[..]),
            ("Set-Cookie", b"a=1"),
            ("x-ALPHA", b"2"),
            ("sEt-cookie", b"b=2"),
            ("X-Zulu", b"3"),
            ("X-Latin", "\u{fc}".as_bytes()),
            ("X-Empty", b""),
            ("Content-Length", b"0"),
        ]
    );
    assert_eq!(answer.fields.get_all("set-cookie").count(), 2);
}

#[tokio::test]
async fn names_are_read_anew_for_each_answer_on_a_socket() {
    let answer =
        |name: &str| Step::write(&format!("HTTP/1.1 200 OK\r\n{name}: 1\r\nContent-Length: 0\r\n\r\n"));
    let script =
        vec![Step::ReadRequest, answer("X-First"), Step::ReadRequest, answer("x-SECOND"), Step::Hold];
    let (server, upstream) = (server(script).await, upstream());
    for expected in ["X-First", "x-SECOND"] {
        let answer = upstream.send(get(&server)).await.unwrap();
        assert_eq!(std::str::from_utf8(&answer.fields.0[0].0).unwrap(), expected);
        tokio::time::sleep(millis(20)).await;
    }
    assert_eq!(server.connections().len(), 1);
}

#[tokio::test]
async fn informational_answers_are_skipped() {
    let interim = "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: </a.css>\r\n\r\n";
    let script = vec![Step::ReadRequest, Step::write(interim), Step::pause(50), Step::write(OK), Step::Hold];
    let (server, upstream) = (server(script).await, upstream());
    let answer = upstream.send(get(&server)).await.unwrap();
    assert_eq!(answer.status, 200);
    assert_eq!(answer.fields.0.len(), 1);
    assert_eq!(std::str::from_utf8(&answer.fields.0[0].0).unwrap(), "Content-Length");
    assert_eq!(text(answer).await.unwrap(), "ok");
}

#[tokio::test]
async fn coded_bytes_are_left_as_they_are() {
    let bytes = [0x1f, 0x8b, 0x08, 0x00, 0xff, 0x00, 0x0d, 0x0a, 0x0d, 0x0a];
    let head = b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 10\r\n\r\n";
    let script = vec![Step::ReadRequest, Step::Write([&head[..], &bytes].concat())];
    let (server, upstream) = (server(script).await, upstream());
    let answer = upstream.send(get(&server)).await.unwrap();
    assert_eq!(answer.fields.only("content-encoding").unwrap(), "gzip");
    assert_eq!(answer.body.collect().await.unwrap().to_bytes(), &bytes[..]);
}

#[tokio::test]
async fn a_body_ends_by_length_by_chunk_or_by_close_and_trailers_arrive() {
    for answer in [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;ext=1\r\nlo\r\n0\r\nX-Sum: 7\r\n\r\n",
        "HTTP/1.1 200 OK\r\n\r\nhello",
        "HTTP/1.0 200 OK\r\n\r\nhello",
    ] {
        let (server, upstream) = once(answer).await;
        let body = upstream.send(get(&server)).await.unwrap().body.collect().await.unwrap();
        let sum = body.trailers().map(|trailers| trailers["x-sum"].clone());
        assert_eq!(sum.is_some(), answer.contains("X-Sum"));
        assert_eq!(body.to_bytes(), "hello", "{answer:?}");
    }
}

#[tokio::test]
async fn an_answer_cut_short_is_an_error_never_an_end() {
    for (answer, reason) in [
        ("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello", Reason::Reset),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n", Reason::Reset),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello", Reason::Reset),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhelloXX\r\n", Reason::Protocol),
        ("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n", Reason::Protocol),
    ] {
        let (server, upstream) = once(answer).await;
        let answer_ = upstream.send(get(&server)).await.unwrap();
        assert_eq!(text(answer_).await.unwrap_err().reason, reason, "{answer:?}");
    }
}

#[tokio::test]
async fn what_is_not_sound_http_is_protocol() {
    let many = |count| "X-A: 1\r\n".repeat(count);
    for answer in [
        "nonsense\r\n\r\n".to_owned(),
        "HTTP/1.1 abc OK\r\n\r\n".to_owned(),
        "HTTP/2.0 200 OK\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nNo colon\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nSpace : 1\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nA: 1\r\n folded\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nok".to_owned(),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nok".to_owned(),
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n".to_owned(),
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n".to_owned(),
    ] {
        let (server, upstream) = once(&answer).await;
        let shown = &answer[..answer.len().min(60)];
        let Err(error) = upstream.send(get(&server)).await else { panic!("accepted: {shown:?}") };
        assert_eq!((error.reason, error.sent), (Reason::Protocol, Sent::Yes), "{shown:?}");
    }
    for answer in [
        format!("HTTP/1.1 200 OK\r\n{}\r\n", many(101)),
        format!("HTTP/1.1 200 OK\r\nX-Long: {}\r\n\r\n", "a".repeat(65 * 1024)),
    ] {
        let (server, upstream) = once(&answer).await;
        let error = upstream.send(get(&server)).await.unwrap_err();
        assert_eq!((error.reason, error.sent), (Reason::TooLarge, Sent::Yes));
    }
    let fits = format!("HTTP/1.1 200 OK\r\n{}Content-Length: 0\r\n\r\n", many(99));
    let (server, upstream) = once(&fits).await;
    assert_eq!(upstream.send(get(&server)).await.unwrap().fields.0.len(), 100);
}

#[tokio::test]
async fn a_reader_that_pauses_holds_the_provider_back() {
    const SIZE: usize = 64 << 20;
    let head = format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n");
    let script = vec![Step::ReadRequest, Step::write(&head), Step::Write(vec![b'x'; SIZE]), Step::Hold];
    let (server, upstream) = (server(script).await, upstream());
    let mut answer = upstream.send(get(&server)).await.unwrap();
    let first = answer.body.frame().await.unwrap().unwrap().into_data().unwrap();
    assert!(first.len() <= 64 << 10);
    tokio::time::sleep(millis(300)).await;
    // What the kernel's buffers hold is not ours to bound.
    assert!(server.connections()[0].written < SIZE / 2);
    let rest = answer.body.collect().await.unwrap().to_bytes();
    assert_eq!(first.len() + rest.len(), SIZE);
}

#[tokio::test]
async fn an_upgrade_that_was_asked_for_is_a_pipe_of_raw_bytes() {
    let switch = "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\nfirst";
    let script = vec![Step::ReadRequest, Step::write(switch), Step::Echo];
    let server = server(script).await;
    let upstream = upstream_with(|config| config.limits.in_flight = 1);
    let request =
        Request::get("/socket").header("connection", "keep-alive, Upgrade").header("upgrade", "websocket");
    let answer = upstream.send(call(&server, request.body(UpstreamBody::Empty).unwrap())).await.unwrap();
    assert_eq!(
        (answer.status.as_u16(), std::str::from_utf8(&answer.fields.0[0].0).unwrap()),
        (101, "Upgrade")
    );
    let mut pipe = answer.upgrade.unwrap().connection();
    let mut bytes = [0; 9];
    pipe.io.read_exact(&mut bytes[..5]).await.unwrap();
    pipe.io.write_all(b"ping").await.unwrap();
    pipe.io.read_exact(&mut bytes[5..]).await.unwrap();
    assert_eq!(&bytes, b"firstping");

    let error = upstream.send(get(&server)).await.unwrap_err();
    assert_eq!(error.reason, Reason::Overloaded, "the pipe holds its place in flight");
    drop(pipe);
    assert!(server.saw(|seen| seen[0].closed).await);
    let head = server.connections()[0].text().to_lowercase();
    assert!(head.contains("connection: upgrade\r\n") && head.contains("upgrade: websocket\r\n"), "{head}");
}

#[tokio::test]
async fn a_refused_upgrade_is_an_ordinary_answer() {
    let (server, upstream) = (server(answering(OK)).await, upstream());
    let request = Request::get("/").header("connection", "upgrade").header("upgrade", "websocket");
    let answer = upstream.send(call(&server, request.body(UpstreamBody::Empty).unwrap())).await.unwrap();
    assert!(answer.upgrade.is_none());
    assert_eq!(text(answer).await.unwrap(), "ok");
}
