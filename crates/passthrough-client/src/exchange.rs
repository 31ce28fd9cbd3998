//! One exchange with the server: the only place where anything is sent.

use std::future::Future;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use passthrough_wire::error::ErrorBody;
use passthrough_wire::{CONNECTION_TOKEN_HEADER, REQUEST_ID_HEADER, SOURCE_HEADER};
use serde::de::DeserializeOwned;
use tokio::time::Instant;

use crate::body::Body;
use crate::client::Client;
use crate::error::{ApiError, Error};

/// One call of the API: JSON or nothing there, JSON or nothing back.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) token: Option<HeaderValue>,
    pub(crate) options: HeaderMap,
    pub(crate) json: Option<Bytes>,
    pub(crate) timeout: Option<Duration>,
    /// Whether it changes nothing, whatever its method.
    pub(crate) safe: bool,
}

impl Call {
    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        let (safe, path, options) = (method.is_safe(), path.into(), HeaderMap::new());
        Self { method, path, token: None, options, json: None, timeout: None, safe }
    }

    pub(crate) fn get(path: impl Into<String>) -> Self {
        Self::new(Method::GET, path)
    }

    pub(crate) fn json(self, json: impl Into<Bytes>) -> Self {
        Self { json: Some(json.into()), ..self }
    }

    pub(crate) fn token(self, token: HeaderValue) -> Self {
        Self { token: Some(token), ..self }
    }
}

/// An answer's head and its body, which is still on its way.
pub(crate) type Answer = http::Response<Incoming>;

impl Client {
    /// Sends and waits for the answer's head: at most `patience` from the last moment at which the request moved.
    pub(crate) async fn exchange(
        &self,
        method: Method,
        path: &str,
        mut headers: HeaderMap,
        body: Body,
        patience: Duration,
    ) -> Result<Answer, Error> {
        let (body, progress) = body.watched();
        let mut request = http::Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = self.shared.server.join(path)?;
        for (name, value) in &self.shared.headers {
            headers.insert(name, value.clone());
        }
        *request.headers_mut() = headers;
        tokio::select! {
            answer = self.shared.http.request(request) => answer.map_err(|error| self.failure(error)),
            () = progress.stalled(patience) => Err(Error::Timeout(patience)),
        }
    }

    /// Sends a call and gives the head of its answer.
    pub(crate) async fn head(&self, call: Call) -> Result<Answer, Error> {
        let mut headers = call.options;
        headers.insert(header::ACCEPT, HeaderValue::from_static("application/json"));
        if let Some(token) = call.token {
            headers.insert(CONNECTION_TOKEN_HEADER, token);
        }
        let body = match call.json {
            Some(json) => {
                headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
                Body::from(json)
            }
            None => Body::empty(),
        };
        let patience = call.timeout.unwrap_or(self.timeout);
        self.exchange(call.method, &call.path, headers, body, patience).await
    }

    /// Makes a call, and makes it again where that is wanted. Its timeout is for all of it, pauses included.
    pub(crate) async fn persist<T, F>(&self, call: Call, attempt: impl Fn(Call) -> F) -> Result<T, Error>
    where
        F: Future<Output = Result<T, Error>>,
    {
        let (began, patience) = (Instant::now(), call.timeout.unwrap_or(self.timeout));
        let mut tries = 0;
        loop {
            let left = patience.saturating_sub(began.elapsed());
            let error = match attempt(Call { timeout: Some(left), ..call.clone() }).await {
                Err(Error::Timeout(_)) => return Err(Error::Timeout(patience)),
                Err(error) => error,
                done => return done,
            };
            tries += 1;
            match self.retries.pause(&error, call.safe, tries, began.elapsed()) {
                // What would come too late is not waited for.
                Some(pause) if began.elapsed() + pause < patience => tokio::time::sleep(pause).await,
                _ => return Err(error),
            }
        }
    }

    /// Sends a call and reads its whole answer, which has a 2xx status.
    pub(crate) async fn whole(&self, call: Call) -> Result<Bytes, Error> {
        self.persist(call, |call| self.once(call)).await
    }

    async fn once(&self, call: Call) -> Result<Bytes, Error> {
        let timeout = call.timeout.unwrap_or(self.timeout);
        let exchange = async {
            let answer = self.head(call).await?;
            if answer.status().is_success() {
                self.collect(answer, timeout).await
            } else {
                Err(self.refusal(answer, timeout).await)
            }
        };
        tokio::time::timeout(timeout, exchange).await.unwrap_or(Err(Error::Timeout(timeout)))
    }

    /// Sends a call whose answer is read into a type.
    pub(crate) async fn call<T: DeserializeOwned>(&self, call: Call) -> Result<T, Error> {
        let body = self.whole(call).await?;
        serde_json::from_slice(&body).map_err(|error| Error::decode("the answer", &error))
    }

    /// Sends a call whose answer's body does not matter.
    pub(crate) async fn call_for_nothing(&self, call: Call) -> Result<(), Error> {
        self.whole(call).await.map(drop)
    }

    /// The rest of an answer, within `patience`: a body that never ends must not be waited for.
    pub(crate) async fn collect(&self, answer: Answer, patience: Duration) -> Result<Bytes, Error> {
        let collected = tokio::time::timeout(patience, answer.into_body().collect()).await;
        let collected = collected.map_err(|_| Error::Timeout(patience))?;
        collected.map(http_body_util::Collected::to_bytes).map_err(|error| self.broken(error))
    }

    /// The error in an answer that is no success.
    pub(crate) async fn refusal(&self, answer: Answer, patience: Duration) -> Error {
        let (status, headers) = (answer.status(), answer.headers().clone());
        match self.collect(answer, patience).await {
            Ok(body) => refusal(status, &headers, &body),
            Err(error) => error,
        }
    }

    pub(crate) fn broken(&self, error: hyper::Error) -> Error {
        Error::Broken { server: self.origin(), source: Box::new(error) }
    }

    fn failure(&self, error: hyper_util::client::legacy::Error) -> Error {
        let (server, connect) = (self.origin(), error.is_connect());
        let source = Box::new(error);
        if connect { Error::Connect { server, source } } else { Error::Broken { server, source } }
    }
}

/// Whose words a body is, as the server says: `provider`, `envelope` or `passthrough`.
pub(crate) fn source(headers: &HeaderMap) -> Option<&str> {
    headers.get(SOURCE_HEADER).and_then(|value| value.to_str().ok())
}

fn refusal(status: StatusCode, headers: &HeaderMap, body: &[u8]) -> Error {
    let ours = headers.contains_key(REQUEST_ID_HEADER);
    match serde_json::from_slice::<ErrorBody>(body) {
        Ok(body) => Error::Api(Box::new(ApiError { status, body, retry_after: retry_after(headers) })),
        Err(error) if ours => Error::decode("the server's error", &error),
        // A proxy, or another program at this address.
        Err(_) => Error::Stranger { status, retry_after: retry_after(headers) },
    }
}

/// `Retry-After`: seconds, or a date (RFC 9110 section 10.2.3), which is held against the answer's own `Date`: whose clock
/// is right does not matter then.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let value = text(header::RETRY_AFTER)?;
    if let Ok(seconds) = value.parse::<f64>() {
        return Duration::try_from_secs_f64(seconds).ok();
    }
    let date = |text| httpdate::parse_http_date(text).ok();
    let (then, now) = (date(value)?, date(text(header::DATE)?)?);
    Some(then.duration_since(now).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;
    use passthrough_wire::error::ErrorCode;

    #[test]
    fn an_error_of_the_server_keeps_its_code_and_its_wait() {
        let body = br#"{"code":"overloaded","message":"m","requestId":"req_1","origin":"passthrough","sent":"no","retryable":true}"#;
        let mut headers = HeaderMap::new();
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
        let error = refusal(StatusCode::SERVICE_UNAVAILABLE, &headers, body);
        assert_eq!(error.code(), Some(ErrorCode::Overloaded));
        assert_eq!(error.api().unwrap().retry_after, Some(Duration::from_secs(2)));
    }

    #[test]
    fn when_to_come_again_is_read_in_both_forms() {
        let wait = |value, date| {
            let mut headers = HeaderMap::new();
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static(value));
            headers.insert(header::DATE, HeaderValue::from_static(date));
            retry_after(&headers)
        };
        let (date, later) = ("Sun, 22 Nov 2026 10:00:00 GMT", "Sun, 22 Nov 2026 10:00:07 GMT");
        assert_eq!(wait("2", date), Some(Duration::from_secs(2)));
        assert_eq!(wait("0.5", date), Some(Duration::from_millis(500)));
        assert_eq!(wait(later, date), Some(Duration::from_secs(7)));
        assert_eq!(wait(date, later), Some(Duration::ZERO));
        for (value, date) in [("soon", date), ("-1", date), ("NaN", date), ("1e300", date), (later, "")] {
            assert_eq!(wait(value, date), None, "{value}");
        }
    }

    #[test]
    fn the_page_of_another_program_is_not_taken_for_an_answer() {
        let error = refusal(StatusCode::NOT_FOUND, &HeaderMap::new(), b"<html>");
        assert!(matches!(error, Error::Stranger { status: StatusCode::NOT_FOUND, .. }));
    }
}
