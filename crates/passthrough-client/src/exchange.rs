//! One exchange with the server: the only place where anything is sent.

use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use passthrough_wire::error::ErrorBody;
use passthrough_wire::{CONNECTION_TOKEN_HEADER, REQUEST_ID_HEADER, SOURCE_HEADER};
use serde::de::DeserializeOwned;

use crate::body::Body;
use crate::client::Client;
use crate::error::{ApiError, Error};

/// One call of the API: JSON or nothing there, JSON or nothing back.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) token: Option<HeaderValue>,
    pub(crate) options: HeaderMap,
    pub(crate) json: Option<Bytes>,
    pub(crate) timeout: Option<Duration>,
}

impl Call {
    pub(crate) fn new(method: Method, path: impl Into<String>) -> Self {
        Self { method, path: path.into(), token: None, options: HeaderMap::new(), json: None, timeout: None }
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
        let patience = call.timeout.unwrap_or(self.shared.timeout);
        self.exchange(call.method, &call.path, headers, body, patience).await
    }

    /// Sends a call and reads its whole answer, which has a 2xx status.
    pub(crate) async fn whole(&self, call: Call) -> Result<Bytes, Error> {
        let timeout = call.timeout.unwrap_or(self.shared.timeout);
        let exchange = async {
            let answer = self.head(call).await?;
            if answer.status().is_success() {
                self.collect(answer).await
            } else {
                Err(self.refusal(answer).await)
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

    /// The rest of an answer.
    pub(crate) async fn collect(&self, answer: Answer) -> Result<Bytes, Error> {
        let collected = answer.into_body().collect().await;
        collected.map(http_body_util::Collected::to_bytes).map_err(|error| self.broken(error))
    }

    /// The error in an answer that is no success.
    pub(crate) async fn refusal(&self, answer: Answer) -> Error {
        let (status, headers) = (answer.status(), answer.headers().clone());
        match self.collect(answer).await {
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
        Ok(body) => {
            let wait =
                headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
            Error::Api(Box::new(ApiError { status, body, retry_after: wait.map(Duration::from_secs) }))
        }
        Err(error) if ours => Error::decode("the server's error", &error),
        // A proxy, or another program at this address.
        Err(_) => Error::Stranger(status),
    }
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
    fn the_page_of_another_program_is_not_taken_for_an_answer() {
        let error = refusal(StatusCode::NOT_FOUND, &HeaderMap::new(), b"<html>");
        assert!(matches!(error, Error::Stranger(StatusCode::NOT_FOUND)));
    }
}
