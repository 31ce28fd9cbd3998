//! The envelope for those who send it: requests made step by step, answers read as what they hold.

use data_encoding::BASE64;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::to_raw_value;

use super::{
    BodyEncoding, HeaderValues, Method, OneOrMany, Pairs, Part, PassthroughRequest, PassthroughResponse,
};

impl PassthroughRequest {
    /// `GET` of a path.
    pub fn get(path: impl Into<String>) -> Self {
        Self::new(Method::Get, path)
    }

    /// `POST` to a path.
    pub fn post(path: impl Into<String>) -> Self {
        Self::new(Method::Post, path)
    }

    /// Adds a query parameter; the same name again repeats the key.
    #[must_use]
    pub fn with_query(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.query.push(name.into(), value.into());
        self
    }

    /// Adds a header; the same name again sends it once more.
    #[must_use]
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push(name.into(), value.into());
        self
    }

    /// A JSON body. A string, too, goes out as JSON: with its quotes.
    ///
    /// # Errors
    /// Where the value cannot be JSON, such as a map whose keys are no texts.
    pub fn with_json(self, value: &impl Serialize) -> Result<Self, serde_json::Error> {
        let json = to_raw_value(value)?;
        if !json.get().starts_with('"') {
            return Ok(Self { body: Some(json), body_encoding: BodyEncoding::Text, ..self });
        }
        // On the wire a JSON string is the bytes themselves, so its JSON form goes as the bytes to send.
        let typed = self.headers.0.iter().any(|(name, _)| name.eq_ignore_ascii_case("content-type"));
        let request = self.with_text(json.get());
        Ok(if typed { request } else { request.with_header("content-type", "application/json") })
    }

    /// A body that goes out byte for byte.
    #[must_use]
    pub fn with_text(self, text: &str) -> Self {
        // A text is always JSON.
        Self { body: to_raw_value(text).ok(), body_encoding: BodyEncoding::Text, ..self }
    }

    /// A body of any bytes.
    #[must_use]
    pub fn with_bytes(self, bytes: &[u8]) -> Self {
        let body = to_raw_value(&BASE64.encode(bytes)).ok();
        Self { body, body_encoding: BodyEncoding::Base64, ..self }
    }

    /// An `application/x-www-form-urlencoded` body, in this order.
    #[must_use]
    pub fn with_form(self, form: Vec<(String, String)>) -> Self {
        Self { form: Some(form), ..self }
    }

    /// A `multipart/form-data` body.
    #[must_use]
    pub fn with_multipart(self, parts: Vec<Part>) -> Self {
        Self { multipart: Some(parts), ..self }
    }
}

impl Pairs {
    /// Adds a value under a name, beside those that are there.
    pub fn push(&mut self, name: String, value: String) {
        match self.0.iter_mut().find(|(known, _)| *known == name) {
            Some((_, OneOrMany(values))) => values.push(value),
            None => self.0.push((name, OneOrMany(vec![value]))),
        }
    }
}

impl Part {
    /// A part that is a text.
    pub fn text(name: impl Into<String>, value: impl Into<String>) -> Self {
        Self {
            name: name.into(),
            value: Some(value.into()),
            base64: None,
            filename: None,
            content_type: None,
        }
    }

    /// A part that is a file: its bytes and the name to send with them.
    pub fn file(name: impl Into<String>, filename: impl Into<String>, bytes: &[u8]) -> Self {
        let base64 = Some(BASE64.encode(bytes));
        Self { name: name.into(), value: None, base64, filename: Some(filename.into()), content_type: None }
    }
}

impl PassthroughResponse {
    /// Whether the provider's status is 2xx.
    pub fn is_success(&self) -> bool {
        (200..300).contains(&self.status_code)
    }

    /// The first value of a header, by its name in any case.
    pub fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.and_then(|(_, values)| values.as_slice().first()).map(String::as_str)
    }

    /// The body, read as JSON into a type. Text and base64 read as a `String`.
    ///
    /// # Errors
    /// Where the body does not have the type's shape.
    pub fn response_json<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_str(self.response.get())
    }

    /// The body's bytes: base64 decoded, a text in UTF-8, JSON as its text.
    pub fn response_bytes(&self) -> Vec<u8> {
        let text = || serde_json::from_str::<String>(self.response.get()).ok();
        let decoded = match self.response_encoding.as_str() {
            "base64" => text().and_then(|text| BASE64.decode(text.as_bytes()).ok()),
            "text" => text().map(String::into_bytes),
            _ => None,
        };
        decoded.unwrap_or_else(|| self.response.get().as_bytes().to_vec())
    }
}

impl HeaderValues {
    /// The values, each as one header line has it.
    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.as_slice().iter().map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(request: &PassthroughRequest) -> String {
        serde_json::to_string(request).unwrap()
    }

    #[test]
    fn a_request_is_written_as_the_wire_has_it() {
        let request = PassthroughRequest::get("/items").with_query("tag", "a").with_query("tag", "b");
        assert_eq!(sent(&request), r#"{"method":"GET","path":"/items","query":{"tag":["a","b"]}}"#);
        let request = PassthroughRequest::post("/items").with_json(&serde_json::json!({"n": 1})).unwrap();
        assert_eq!(sent(&request), r#"{"method":"POST","path":"/items","body":{"n":1}}"#);
    }

    #[test]
    fn every_built_body_reads_back_and_converts() {
        let bodies = [
            PassthroughRequest::post("/a").with_text("x"),
            PassthroughRequest::post("/a").with_bytes(b"\xff"),
            PassthroughRequest::post("/a")
                .with_form(vec![("a".into(), "1".into()), ("a".into(), "2".into())]),
            PassthroughRequest::post("/a")
                .with_multipart(vec![Part::text("a", "1"), Part::file("f", "f.txt", b"x")]),
        ];
        for request in bodies {
            let read = PassthroughRequest::parse(sent(&request).as_bytes()).unwrap();
            read.convert(passthrough_core::fault::Door::Envelope, || [0; 16]).unwrap();
        }
    }

    #[test]
    fn a_json_string_is_sent_with_its_quotes() {
        let request = PassthroughRequest::post("/a").with_json(&"x").unwrap();
        let body = r#""body":"\"x\"""#;
        assert!(sent(&request).contains(body), "{}", sent(&request));
        assert!(sent(&request).contains("application/json"));
    }

    #[test]
    fn an_answer_gives_its_bytes_in_every_encoding() {
        let answer = |response: &str, encoding: &str| -> PassthroughResponse {
            let json = format!(
                r#"{{"method":"GET","path":"/","statusCode":200,"headers":{{"Content-Type":"x"}},
                "response":{response},"responseEncoding":"{encoding}","requestId":"req_1","durationMs":1,
                "upstreamDurationMs":1,"attempts":1}}"#
            );
            serde_json::from_str(&json).unwrap()
        };
        assert_eq!(answer(r#"{"n": 1.10}"#, "json").response_bytes(), br#"{"n": 1.10}"#);
        assert_eq!(answer(r#""a\n""#, "text").response_bytes(), b"a\n");
        assert_eq!(answer(r#""/w==""#, "base64").response_bytes(), b"\xff");
        assert_eq!(answer("[1,2]", "json").response_json::<Vec<u8>>().unwrap(), [1, 2]);
        assert_eq!(answer("1", "json").header("content-type"), Some("x"));
    }
}
