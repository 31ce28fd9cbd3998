use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{HeaderMap, HeaderValue};
use http_body::Frame;
use http_body_util::{Empty, Full};
use tokio::io::{AsyncReadExt, AsyncWriteExt, DuplexStream, ReadBuf, duplex};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};

use super::*;

const LIMITS: Limits = Limits { bytes: 64 * 1024, fields: 100 };
const OK: &str = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/// Frames that come when the test says so: `None` is a pause that the source is woken out of.
struct Source {
    frames: VecDeque<Option<Result<Frame<Bytes>, &'static str>>>,
    endless: bool,
}

fn source(frames: impl IntoIterator<Item = Option<Result<Frame<Bytes>, &'static str>>>) -> Source {
    Source { frames: frames.into_iter().collect(), endless: false }
}

fn data(text: &'static str) -> Option<Result<Frame<Bytes>, &'static str>> {
    Some(Ok(Frame::data(Bytes::from_static(text.as_bytes()))))
}

impl Body for Source {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match self.frames.pop_front() {
            None if self.endless => Poll::Pending,
            None => Poll::Ready(None),
            Some(None) => {
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            Some(Some(frame)) => Poll::Ready(Some(frame.map_err(BoxError::from))),
        }
    }
}

fn get() -> FirstLine<'static> {
    FirstLine { method: &Method::GET, target: b"/a%2Fb?x=1", upgrade: false }
}

fn post() -> FirstLine<'static> {
    FirstLine { method: &Method::POST, target: b"/", upgrade: false }
}

const NO_FIELDS: [(&[u8], &[u8]); 0] = [];

async fn head<S, B>(connection: &mut Connection<S, B>) -> Result<ResponseHead, Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    timeout(Duration::from_secs(5), poll_fn(|cx| connection.poll_head(cx))).await.expect("a head or an error")
}

async fn part<S, B>(connection: &mut Connection<S, B>) -> Option<Result<Part, Error>>
where
    S: AsyncRead + AsyncWrite + Unpin,
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    timeout(Duration::from_secs(5), poll_fn(|cx| connection.poll_body(cx))).await.expect("a part or an end")
}

async fn text<S, B>(connection: &mut Connection<S, B>) -> Result<(String, Vec<Field>), Error>
where
    S: AsyncRead + AsyncWrite + Unpin,
    B: Body<Data = Bytes> + Unpin,
    B::Error: Into<BoxError>,
{
    let (mut text, mut trailers) = (Vec::new(), Vec::new());
    while let Some(part) = part(connection).await {
        match part? {
            Part::Data(data) => text.extend_from_slice(&data),
            Part::Trailers(fields) => trailers = fields,
        }
    }
    Ok((String::from_utf8(text).unwrap(), trailers))
}

type Bare = Connection<DuplexStream, Empty<Bytes>>;

fn bare() -> (Bare, DuplexStream) {
    let (near, far) = duplex(1 << 20);
    (Connection::new(near, LIMITS), far)
}

fn ask(connection: &mut Bare) {
    connection.begin(get(), NO_FIELDS, BodyLength::None, Empty::new()).unwrap();
}

/// Asks once and gets `answer`, after which the server closes if `close`.
async fn answered(answer: &str, close: bool) -> (Bare, DuplexStream, Result<ResponseHead, Error>) {
    let (mut connection, mut far) = bare();
    ask(&mut connection);
    // The request has to leave before the answer comes.
    assert!(poll_fn(|cx| Poll::Ready(connection.poll_head(cx))).await.is_pending());
    far.write_all(answer.as_bytes()).await.unwrap();
    if close {
        far.shutdown().await.unwrap();
    }
    let head = head(&mut connection).await;
    (connection, far, head)
}

async fn received(far: &mut DuplexStream) -> String {
    let mut bytes = vec![0; 1 << 20];
    let count = far.read(&mut bytes).await.unwrap();
    String::from_utf8(bytes[..count].to_vec()).unwrap()
}

#[tokio::test]
async fn a_request_goes_out_as_it_was_given_with_framing_of_our_own() {
    let fields: [(&[u8], &[u8]); 4] =
        [(b"Host", b"a.example"), (b"X-B", b"1"), (b"content-LENGTH", b"99"), (b"x-b", b"2")];
    for (length, expected) in [
        (BodyLength::None, "\r\n"),
        (BodyLength::Exact(0), "content-length: 0\r\n\r\n"),
        (BodyLength::Exact(3), "content-length: 3\r\n\r\nabc"),
        (BodyLength::Chunked, "transfer-encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"),
    ] {
        let (near, mut far) = duplex(1 << 16);
        let mut connection = Connection::new(near, LIMITS);
        connection.begin(get(), fields, length, Full::new(Bytes::from("abc"))).unwrap();
        assert_eq!(connection.sent(), Sent::No);
        assert!(poll_fn(|cx| Poll::Ready(connection.poll_head(cx))).await.is_pending());
        assert_eq!(connection.sent(), Sent::Yes);
        let head = "GET /a%2Fb?x=1 HTTP/1.1\r\nHost: a.example\r\nX-B: 1\r\nx-b: 2\r\n";
        assert_eq!(received(&mut far).await, format!("{head}{expected}"));
    }
}

#[tokio::test]
async fn what_would_begin_a_line_of_its_own_is_refused_and_nothing_is_sent() {
    for (target, name, value) in [
        (&b"/a b"[..], &b"x"[..], &b"1"[..]),
        (b"/a\r\nx: 1", b"x", b"1"),
        (b"/", b"x\r\ny", b"1"),
        (b"/", b"x", b"1\r\nhost: evil.example"),
    ] {
        let (mut connection, far) = bare();
        let line = FirstLine { method: &Method::GET, target, upgrade: false };
        let error = connection.begin(line, [(name, value)], BodyLength::None, Empty::new()).unwrap_err();
        assert!(matches!(error, Error::Unwritable(_)), "{error}");
        assert!(!connection.is_reusable());
        assert!(head(&mut connection).await.is_err());
        drop(connection);
        let mut rest = Vec::new();
        { far }.read_to_end(&mut rest).await.unwrap();
        assert!(rest.is_empty());
    }
}

/// A stream that counts how often it is written to.
struct Counting {
    io: DuplexStream,
    writes: Arc<Mutex<Vec<usize>>>,
}

impl AsyncRead for Counting {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_read(cx, buf)
    }
}

impl AsyncWrite for Counting {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<std::io::Result<usize>> {
        self.poll_write_vectored(cx, &[std::io::IoSlice::new(buf)])
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let all: Vec<u8> = slices.iter().flat_map(|slice| slice.to_vec()).collect();
        let written = ready!(Pin::new(&mut self.io).poll_write(cx, &all));
        self.writes.lock().unwrap().push(*written.as_ref().unwrap());
        Poll::Ready(written)
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.io).poll_shutdown(cx)
    }
}

#[tokio::test]
async fn head_and_body_are_one_write_where_the_socket_takes_them() {
    for (length, size) in
        [(BodyLength::Exact(3), 3), (BodyLength::Chunked, 3), (BodyLength::Exact(40_000), 40_000)]
    {
        let (io, _far) = duplex(1 << 20);
        let writes = Arc::new(Mutex::new(Vec::new()));
        let mut connection = Connection::new(Counting { io, writes: writes.clone() }, LIMITS);
        connection.begin(post(), NO_FIELDS, length, Full::new(Bytes::from(vec![b'x'; size]))).unwrap();
        assert!(poll_fn(|cx| Poll::Ready(connection.poll_head(cx))).await.is_pending());
        let writes = writes.lock().unwrap().clone();
        assert!(writes.len() == 1 && writes[0] > size, "{length:?}: {writes:?}");
    }
}

#[tokio::test]
async fn many_small_frames_and_their_trailers_leave_together() {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", HeaderValue::from_static("7"));
    trailers.insert("authorization", HeaderValue::from_static("Bearer forged"));
    trailers.insert("content-length", HeaderValue::from_static("9"));
    let frames = [data("ab"), data(""), data("c"), Some(Ok(Frame::trailers(trailers)))];
    let (io, mut far) = duplex(1 << 20);
    let writes = Arc::new(Mutex::new(Vec::new()));
    let mut connection = Connection::new(Counting { io, writes: writes.clone() }, LIMITS);
    connection.begin(post(), NO_FIELDS, BodyLength::Chunked, source(frames)).unwrap();
    assert!(poll_fn(|cx| Poll::Ready(connection.poll_head(cx))).await.is_pending());
    assert_eq!(writes.lock().unwrap().len(), 1);
    let sent = received(&mut far).await;
    assert!(sent.ends_with("\r\n\r\n2\r\nab\r\n1\r\nc\r\n0\r\nx-sum: 7\r\n\r\n"), "{sent}");
}

#[tokio::test]
async fn trailers_of_a_body_with_a_length_are_dropped() {
    let mut trailers = HeaderMap::new();
    trailers.insert("x-sum", HeaderValue::from_static("7"));
    let (near, mut far) = duplex(1 << 16);
    let mut connection = Connection::new(near, LIMITS);
    let body = source([data("ab"), Some(Ok(Frame::trailers(trailers)))]);
    connection.begin(post(), NO_FIELDS, BodyLength::Exact(2), body).unwrap();
    assert!(poll_fn(|cx| Poll::Ready(connection.poll_head(cx))).await.is_pending());
    assert!(received(&mut far).await.ends_with("content-length: 2\r\n\r\nab"));
    far.write_all(OK.as_bytes()).await.unwrap();
    head(&mut connection).await.unwrap();
    assert_eq!(text(&mut connection).await.unwrap().0, "ok");
    assert!(connection.is_reusable());
}

#[tokio::test]
async fn a_body_longer_or_shorter_than_announced_is_an_error_and_never_more_than_announced_is_sent() {
    for frames in [vec![data("ab")], vec![data("abcd")], vec![data("abc"), data("d")], vec![]] {
        let (near, far) = duplex(1 << 16);
        let mut connection = Connection::new(near, LIMITS);
        connection.begin(post(), NO_FIELDS, BodyLength::Exact(3), source(frames)).unwrap();
        let error = head(&mut connection).await.unwrap_err();
        assert!(matches!(error, Error::Length), "{error}");
        assert!(!connection.is_reusable());
        drop(connection);
        let mut sent = String::new();
        { far }.read_to_string(&mut sent).await.unwrap();
        assert!(sent.split("\r\n\r\n").nth(1).unwrap_or_default().len() < 4, "{sent}");
    }
}

#[tokio::test]
async fn a_source_that_fails_never_looks_complete() {
    let (near, far) = duplex(1 << 16);
    let mut connection = Connection::new(near, LIMITS);
    let body = source([data("abc"), None, Some(Err("caller is gone"))]);
    connection.begin(post(), NO_FIELDS, BodyLength::Chunked, body).unwrap();
    let error = head(&mut connection).await.unwrap_err();
    assert!(matches!(error, Error::Source(_)), "{error}");
    assert_eq!(connection.sent(), Sent::Unknown);
    drop(connection);
    let mut sent = String::new();
    { far }.read_to_string(&mut sent).await.unwrap();
    assert!(sent.ends_with("3\r\nabc\r\n"), "{sent}");
}

#[tokio::test]
async fn an_answer_is_read_byte_by_byte_as_well_as_at_once() {
    let answer = "HTTP/1.1 200 Fine, thanks\r\nX-Zulu: 1\r\nx-ALPHA:  2 \r\nX-Zulu: 3\r\nX-Empty:\r\n\
                  Transfer-Encoding: chunked\r\n\r\n3\r\nhel\r\n2;ext=1\r\nlo\r\n0\r\nX-Sum: 7\r\n\r\n";
    for size in [1, 2, 7, answer.len()] {
        let (mut connection, mut far) = bare();
        ask(&mut connection);
        assert!(poll_fn(|cx| Poll::Ready(connection.poll_head(cx))).await.is_pending());
        let pieces: Vec<Vec<u8>> = answer.as_bytes().chunks(size).map(<[u8]>::to_vec).collect();
        let writing = tokio::spawn(async move {
            for piece in pieces {
                far.write_all(&piece).await.unwrap();
                tokio::task::yield_now().await;
            }
            far
        });
        let head = head(&mut connection).await.unwrap();
        assert_eq!((head.status.as_u16(), &*head.reason), (200, &b"Fine, thanks"[..]));
        let fields: Vec<_> = head.fields.iter().map(|(name, value)| (&name[..], &value[..])).collect();
        assert_eq!(
            fields,
            [
                (&b"X-Zulu"[..], &b"1"[..]),
                (b"x-ALPHA", b"2"),
                (b"X-Zulu", b"3"),
                (b"X-Empty", b""),
                (b"Transfer-Encoding", b"chunked")
            ]
        );
        let (body, trailers) = text(&mut connection).await.unwrap();
        assert_eq!(body, "hello");
        assert_eq!(trailers, [(Bytes::from("X-Sum"), Bytes::from("7"))]);
        assert!(connection.is_reusable(), "in pieces of {size}");
        drop(writing.await);
    }
}

#[tokio::test]
async fn a_complete_answer_leaves_the_socket_usable() {
    for (line, answer) in [
        (get(), OK),
        (get(), "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"),
        (get(), "HTTP/1.1 204 No Content\r\n\r\n"),
        (get(), "HTTP/1.1 304 Not Modified\r\n\r\n"),
        (get(), "HTTP/1.1 500\r\nContent-Length: 0\r\n\r\n"),
        (FirstLine { method: &Method::HEAD, ..get() }, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"),
    ] {
        let (mut connection, mut far) = bare();
        for _ in 0..3 {
            connection.begin(line, NO_FIELDS, BodyLength::None, Empty::new()).unwrap();
            assert!(!connection.is_reusable());
            assert!(poll_fn(|cx| Poll::Ready(connection.poll_head(cx))).await.is_pending());
            far.write_all(answer.as_bytes()).await.unwrap();
            head(&mut connection).await.unwrap();
            text(&mut connection).await.unwrap();
            assert!(connection.is_end() && connection.is_reusable(), "{answer:?}");
            connection.rest();
        }
    }
}

#[tokio::test]
async fn the_end_of_a_body_is_known_with_its_last_byte() {
    for answer in [OK, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"] {
        let (mut connection, _far, head) = answered(answer, false).await;
        head.unwrap();
        assert!(!connection.is_end());
        assert_eq!(part(&mut connection).await.unwrap().unwrap(), Part::Data(Bytes::from("ok")));
        assert!(connection.is_end() && connection.is_reusable(), "{answer:?}");
        assert_eq!(connection.remaining(), Some(0));
    }
}

#[tokio::test]
async fn oddities_cost_the_socket_but_not_the_answer() {
    for odd in [
        "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.0 200 OK\r\nConnection: keep-alive\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\nContent-Length: 2\n\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison",
        "HTTP/1.1 100 Continue\r\nContent-Length: 9\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
    ] {
        let (mut connection, _far, mut answer) = answered(odd, false).await;
        if answer.as_ref().unwrap().status == 100 {
            answer = head(&mut connection).await;
        }
        assert_eq!(answer.unwrap().status, 200, "{odd:?}");
        assert_eq!(text(&mut connection).await.unwrap().0, "ok", "{odd:?}");
        assert!(connection.is_end() && !connection.is_reusable(), "{odd:?}");
        let again = connection.begin(get(), NO_FIELDS, BodyLength::None, Empty::new());
        assert!(matches!(again, Err(Error::NotFree)));
    }
}

/// What may come late would be the answer to the next request.
#[tokio::test]
async fn a_body_that_is_announced_and_may_not_come_costs_the_socket() {
    let head_line = FirstLine { method: &Method::HEAD, ..get() };
    for (line, answer) in [
        (get(), "HTTP/1.1 304 Not Modified\r\nContent-Length: 10\r\n\r\n"),
        (head_line, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"),
        (head_line, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"),
    ] {
        let (mut connection, mut far) = bare();
        connection.begin(line, NO_FIELDS, BodyLength::None, Empty::new()).unwrap();
        assert!(poll_fn(|cx| Poll::Ready(connection.poll_head(cx))).await.is_pending());
        far.write_all(answer.as_bytes()).await.unwrap();
        head(&mut connection).await.unwrap();
        assert!(connection.is_end() && !connection.is_reusable(), "{answer:?}");
    }
}

/// Some servers do not look for it, and take it for the next request.
#[tokio::test]
async fn content_that_nobody_looks_for_costs_the_socket() {
    let methods = ["GET", "HEAD", "DELETE", "OPTIONS", "TRACE", "POST", "PUT", "PATCH", "QUERY", "REPORT"];
    for (at, method) in methods.into_iter().enumerate() {
        for (content, length) in
            [("ab", BodyLength::Exact(2)), ("ab", BodyLength::Chunked), ("", BodyLength::Exact(0))]
        {
            let (near, mut far) = duplex(1 << 20);
            let mut connection = Connection::new(near, LIMITS);
            let method = Method::from_bytes(method.as_bytes()).unwrap();
            let line = FirstLine { method: &method, ..get() };
            let frames = (!content.is_empty()).then(|| data(content));
            connection.begin(line, NO_FIELDS, length, source(frames)).unwrap();
            assert!(poll_fn(|cx| Poll::Ready(connection.poll_head(cx))).await.is_pending());
            far.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n").await.unwrap();
            head(&mut connection).await.unwrap();
            assert_eq!(connection.is_reusable(), at > 4 || content.is_empty(), "{method} {length:?}");
        }
    }
}

#[tokio::test]
async fn a_body_that_ends_with_the_connection_ends_well_and_costs_it() {
    let (mut connection, _far, head) = answered("HTTP/1.1 200 OK\r\n\r\nhello", true).await;
    head.unwrap();
    assert_eq!(connection.remaining(), None);
    assert_eq!(text(&mut connection).await.unwrap().0, "hello");
    assert!(connection.is_end() && !connection.is_reusable());
}

#[tokio::test]
async fn an_answer_cut_short_is_an_error_never_an_end() {
    for cut in [
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nhello",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\nX-Half",
    ] {
        let (mut connection, _far, head) = answered(cut, true).await;
        head.unwrap();
        let error = text(&mut connection).await.unwrap_err();
        assert!(matches!(error, Error::Closed), "{cut:?}: {error}");
        assert!(!connection.is_reusable());
    }
    for bad in ["5\r\nhelloXX\r\n", "ZZ\r\n", "-1\r\n", "5 \r\n", "0x5\r\nhello\r\n", "10000000000000000\r\n"]
    {
        let answer = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{bad}");
        let (mut connection, _far, head) = answered(&answer, true).await;
        head.unwrap();
        let error = text(&mut connection).await.unwrap_err();
        assert!(matches!(error, Error::Body(_)), "{bad:?}: {error}");
        assert!(!connection.is_reusable());
    }
}

#[tokio::test]
async fn what_came_before_the_break_is_handed_out_first() {
    for rest in ["4\r\nhalf\r\nzz\r\nmore", "4\r\nhalf\r\n0\r\nbad trailer\r\n\r\n", "4\r\nhalfXX"] {
        let answer = format!("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n{rest}");
        let (mut connection, _far, head) = answered(&answer, true).await;
        head.unwrap();
        assert_eq!(part(&mut connection).await.unwrap().unwrap(), Part::Data(Bytes::from("half")));
        assert!(!connection.is_end() && !connection.is_reusable(), "{rest:?}");
        assert!(matches!(part(&mut connection).await, Some(Err(Error::Body(_)))), "{rest:?}");
        assert!(part(&mut connection).await.is_none() && !connection.is_reusable());
    }
}

#[tokio::test]
async fn a_close_before_the_head_is_told_apart_by_what_was_seen() {
    let (connection, _far, head) = answered("", true).await;
    assert!(matches!(head, Err(Error::Closed)));
    assert_eq!(connection.sent(), Sent::Unknown);
    assert!(!connection.is_reusable());
    let (connection, _far, head) = answered("HTTP/1.1 200 OK\r\nX-Half", true).await;
    assert!(matches!(head, Err(Error::Closed)));
    assert_eq!(connection.sent(), Sent::Yes);
}

#[tokio::test]
async fn what_is_not_sound_http_is_refused() {
    let many = "X-A: 1\r\n".repeat(101);
    let long = "a".repeat(65 * 1024);
    for answer in [
        "nonsense\r\n\r\n",
        "HTTP/2.0 200 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nNo colon\r\n\r\n",
        "HTTP/1.1 200 OK\r\nSpace : 1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nA: 1\r\n folded\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nContent-Length: +2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        &format!("HTTP/1.1 200 OK\r\n{many}\r\n"),
        &format!("HTTP/1.1 200 OK\r\nX-Long: {long}\r\n\r\n"),
    ] {
        let (connection, _far, head) = answered(answer, false).await;
        let error = head.map(|head| head.status).unwrap_err();
        let shown = &answer[..answer.len().min(70)];
        assert!(matches!(error, Error::Head(_) | Error::Framing(_) | Error::Switched), "{shown:?}: {error}");
        assert_eq!(connection.sent(), Sent::Yes);
        assert!(!connection.is_reusable(), "{shown:?}");
    }
}

#[tokio::test]
async fn interim_heads_are_given_one_by_one_and_are_bounded() {
    let hint = "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n";
    let (mut connection, _far, first) = answered(&format!("{}{OK}", hint.repeat(32)), false).await;
    assert_eq!(&*first.unwrap().fields[0].1, b"</a>");
    for _ in 1..32 {
        assert_eq!(head(&mut connection).await.unwrap().status, 103);
    }
    assert_eq!(head(&mut connection).await.unwrap().status, 200);
    assert_eq!(text(&mut connection).await.unwrap().0, "ok");
    assert!(connection.is_reusable());

    let big = format!("HTTP/1.1 103 Early Hints\r\nLink: {}\r\n\r\n", "a".repeat(40_000));
    for (flood, heads) in [(hint.repeat(33), 32), (big.repeat(2), 1)] {
        let (mut connection, _far, first) = answered(&flood, false).await;
        first.unwrap();
        for _ in 1..heads {
            head(&mut connection).await.unwrap();
        }
        let error = head(&mut connection).await.unwrap_err();
        assert!(matches!(error, Error::Interim), "{error}");
        assert!(!connection.is_reusable());
    }
}

#[tokio::test]
async fn bytes_before_the_request_left_are_no_answer_to_it() {
    let (near, mut far) = duplex(64);
    let mut connection = Connection::new(near, LIMITS);
    far.write_all(b"HTTP/1.1 200 OK\r\n").await.unwrap();
    // The socket takes nothing: its buffer is full of something else.
    connection.io().write_all(&[b'x'; 64]).await.unwrap();
    connection.begin(get(), NO_FIELDS, BodyLength::None, Empty::<Bytes>::new()).unwrap();
    let error = head(&mut connection).await.unwrap_err();
    assert!(matches!(error, Error::Unasked), "{error}");
    assert_eq!(connection.sent(), Sent::No);
}

#[tokio::test]
async fn an_early_answer_is_delivered_and_its_socket_never_used_again() {
    let (near, mut far) = duplex(1 << 16);
    let mut connection = Connection::new(near, LIMITS);
    let body = Source { endless: true, ..source([data("drop")]) };
    connection.begin(post(), NO_FIELDS, BodyLength::Chunked, body).unwrap();
    assert!(poll_fn(|cx| Poll::Ready(connection.poll_head(cx))).await.is_pending());
    assert!(connection.waits_for_source());
    assert_eq!(connection.sent(), Sent::Unknown);
    far.write_all(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\n\r\nbig").await.unwrap();
    assert_eq!(head(&mut connection).await.unwrap().status, 413);
    assert_eq!(text(&mut connection).await.unwrap().0, "big");
    assert!(connection.is_end() && !connection.is_reusable());
}

#[tokio::test]
async fn an_early_answer_before_a_reset_is_delivered_though_the_body_cannot_be_written() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let server = std::thread::spawn({
        let listener = listener.into_std().unwrap();
        move || {
            use std::io::{Read, Write};
            listener.set_nonblocking(false).unwrap();
            let (mut tcp, _) = listener.accept().unwrap();
            let mut byte = [0; 1];
            tcp.read_exact(&mut byte).unwrap();
            tcp.write_all(b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\nno").unwrap();
            // Unread bytes in the receive buffer turn this close into a reset.
        }
    });
    let mut connection = Connection::new(TcpStream::connect(address).await.unwrap(), LIMITS);
    let piece = Bytes::from(vec![b'x'; 512 * 1024]);
    let frames = (0..64).flat_map(|_| [Some(Ok(Frame::data(piece.clone()))), None]);
    connection.begin(post(), NO_FIELDS, BodyLength::Chunked, source(frames)).unwrap();
    let first = timeout(Duration::from_millis(1), poll_fn(|cx| connection.poll_head(cx))).await;
    server.join().unwrap();
    let head = match first {
        Ok(head) => head,
        Err(_) => head(&mut connection).await,
    };
    match head {
        Ok(head) => {
            assert_eq!(head.status, 401);
            assert_eq!(text(&mut connection).await.unwrap().0, "no");
        }
        // The kernel may throw the answer away with the reset; then the outcome is unknown, not a success.
        Err(error) => assert!(matches!(error, Error::Io(_) | Error::Closed), "{error}"),
    }
    assert!(!connection.is_reusable());
}

#[tokio::test]
async fn an_upgrade_that_was_asked_for_gives_the_stream_with_what_was_read() {
    let (mut connection, mut far) = bare();
    let line = FirstLine { upgrade: true, ..get() };
    let fields: [(&[u8], &[u8]); 2] = [(b"connection", b"upgrade"), (b"upgrade", b"websocket")];
    connection.begin(line, fields, BodyLength::None, Empty::new()).unwrap();
    assert!(poll_fn(|cx| Poll::Ready(connection.poll_head(cx))).await.is_pending());
    far.write_all(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\nfirst").await.unwrap();
    assert_eq!(head(&mut connection).await.unwrap().status, 101);
    assert!(connection.is_end() && !connection.is_reusable());
    let (mut io, read) = connection.into_io();
    assert_eq!(&*read, b"first");
    far.write_all(b"second").await.unwrap();
    let mut second = [0; 6];
    io.read_exact(&mut second).await.unwrap();
    assert_eq!(&second, b"second");
}

#[tokio::test]
async fn both_directions_flow_at_once() {
    let (near, mut far) = duplex(256);
    let mut connection = Connection::new(near, LIMITS);
    let frames = (0..1000).flat_map(|_| [data("0123456789"), None]);
    connection.begin(post(), NO_FIELDS, BodyLength::Exact(10_000), source(frames)).unwrap();
    let server = tokio::spawn(async move {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(far.read_u8().await.unwrap());
        }
        far.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n").await.unwrap();
        let mut buffer = [0; 100];
        for _ in 0..100 {
            far.read_exact(&mut buffer).await.unwrap();
            far.write_all(&buffer).await.unwrap();
        }
        far
    });
    assert_eq!(head(&mut connection).await.unwrap().status, 200);
    assert_eq!(text(&mut connection).await.unwrap().0, "0123456789".repeat(1000));
    assert!(connection.is_reusable());
    drop(server.await);
}

#[tokio::test]
async fn a_reader_that_pauses_holds_the_server_back() {
    const SIZE: usize = 32 << 20;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let mut connection =
        Connection::new(TcpStream::connect(listener.local_addr().unwrap()).await.unwrap(), LIMITS);
    let (mut far, _) = listener.accept().await.unwrap();
    let written = Arc::new(Mutex::new(0));
    let count = written.clone();
    tokio::spawn(async move {
        // What is left unread turns the close at the end into a reset.
        assert!(far.read(&mut [0; 1024]).await.unwrap() > 0);
        let _ = far.write_all(format!("HTTP/1.1 200 OK\r\nContent-Length: {SIZE}\r\n\r\n").as_bytes()).await;
        for _ in 0..SIZE / 4096 {
            if far.write_all(&[b'x'; 4096]).await.is_err() {
                return;
            }
            *count.lock().unwrap() += 4096;
        }
    });
    connection.begin(get(), NO_FIELDS, BodyLength::None, Empty::<Bytes>::new()).unwrap();
    head(&mut connection).await.unwrap();
    let Some(Ok(Part::Data(first))) = part(&mut connection).await else { panic!("no data") };
    sleep(Duration::from_millis(200)).await;
    assert!(*written.lock().unwrap() < SIZE / 2, "what the kernel's buffers hold is not ours to bound");
    let mut total = first.len();
    while let Some(part) = part(&mut connection).await {
        let Part::Data(data) = part.unwrap() else { panic!("no data") };
        assert!(data.len() <= 128 << 10);
        total += data.len();
    }
    assert_eq!(total, SIZE);
    assert!(connection.is_reusable());
}

#[tokio::test]
async fn a_large_body_goes_through_a_narrow_socket_whole() {
    let (near, mut far) = duplex(1000);
    let mut connection = Connection::new(near, LIMITS);
    let frames = (0..50).map(|_| Some(Ok(Frame::data(Bytes::from(vec![b'x'; 5_000])))));
    connection.begin(post(), NO_FIELDS, BodyLength::Chunked, source(frames)).unwrap();
    let server = tokio::spawn(async move {
        let mut seen = Vec::new();
        while !seen.ends_with(b"\r\n0\r\n\r\n") {
            seen.push(far.read_u8().await.unwrap());
        }
        far.write_all(OK.as_bytes()).await.unwrap();
        (seen, far)
    });
    assert_eq!(head(&mut connection).await.unwrap().status, 200);
    assert_eq!(text(&mut connection).await.unwrap().0, "ok");
    let (seen, _far) = server.await.unwrap();
    assert_eq!(seen.iter().filter(|byte| **byte == b'x').count(), 250_000);
    assert_eq!(String::from_utf8(seen).unwrap().matches("\r\n1388\r\n").count(), 50);
    assert!(connection.is_reusable());
}
