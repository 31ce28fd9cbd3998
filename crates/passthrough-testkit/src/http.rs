//! One plain HTTP/1.1 request, as a test wants it: the request target goes out byte for byte, nothing is followed,
//! retried, decoded or added beyond `Host` and the framing of the body.

use bytes::Bytes;
use http::{Request, StatusCode, Uri, header};
use http_body_util::{BodyExt, Full};
use hyper_util::rt::TokioIo;
use tokio::net::TcpStream;

/// What came back. Header names are in lower case, in the order of their first appearance; a header that came twice
/// is there twice.
#[derive(Debug)]
pub struct Response {
    /// Of the final answer; interim 1xx answers are passed over.
    pub status: StatusCode,
    /// Name and value; bytes that are not UTF-8 are replaced.
    pub headers: Vec<(String, String)>,
    /// As received, in whatever content coding.
    pub body: Bytes,
}

impl Response {
    /// The first header of this name (lower case), if there is one.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as text, whatever bytes are wrong in it replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

/// Sends one request on a connection of its own and reads the answer to its end.
///
/// `url` is `http://host:port/path?query`. A `Host` among `headers` replaces the one made from the URL; the same name
/// twice is sent twice.
///
/// # Panics
///
/// Where there is no answer: wrong URL, connection refused, broken answer. To a test that is a failure.
pub async fn send(method: &str, url: &str, headers: &[(&str, &str)], body: impl Into<Bytes>) -> Response {
    exchange(method, url, headers, body.into())
        .await
        .unwrap_or_else(|error| panic!("{method} {url}: no answer: {error}"))
}

/// The same for a server that may be gone at any moment: what went wrong instead of an answer.
///
/// # Errors
/// Connection refused, broken answer.
pub async fn try_send(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: impl Into<Bytes>,
) -> Result<Response, String> {
    exchange(method, url, headers, body.into()).await.map_err(|error| error.to_string())
}

async fn exchange(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: Bytes,
) -> Result<Response, Box<dyn std::error::Error>> {
    let url: Uri = url.parse()?;
    let authority = url.authority().ok_or("the URL has no host")?;
    let stream = TcpStream::connect((authority.host(), authority.port_u16().unwrap_or(80))).await?;
    let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream)).await?;
    let driver = tokio::spawn(connection);

    let mut request =
        Request::builder().method(method).uri(url.path_and_query().map_or("/", |path| path.as_str()));
    if !headers.iter().any(|(name, _)| name.eq_ignore_ascii_case(header::HOST.as_str())) {
        request = request.header(header::HOST, authority.as_str());
    }
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    let (head, body) = sender.send_request(request.body(Full::new(body))?).await?.into_parts();
    let body = body.collect().await?.to_bytes();
    driver.abort();

    let headers = head
        .headers
        .iter()
        .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
        .collect();
    Ok(Response { status: head.status, headers, body })
}
