//! Realistic input for the benchmarks: what a busy installation sees.

use bytes::Bytes;
use http::Method;
use indexmap::IndexMap;
use passthrough_core::connection::{Credential, Variables};
use passthrough_core::fault::Door;
use passthrough_core::header::Fields;
use passthrough_core::path::CallerPath;
use passthrough_core::provider::{HostAllowList, Provider};
use passthrough_core::template::Moment;
use passthrough_core::upstream::{OpenConnection, PassthroughRequest, RequestBody};

/// A fixed moment.
pub const MOMENT: Moment = Moment { unix_ms: 1_763_766_000_000, nonce: [7; 16] };

/// Forty characters, as an API key has them.
pub const KEY: &str = "example-key-4eC39HqLyjWDarjtT1zdp7dcABCD";

/// Path and query of an ordinary list call.
pub const PATH: &str = "/v1/customers/cus_9s6XKzkNRiz8i3/invoices?limit=100&starting_after=in_1MtHbELkdIwHu7ix&expand%5B%5D=data.charge&status=open";

/// A provider whose credential goes into a header, as two thirds of all do.
pub const BEARER: &str = r#"
name = "Bearer"
base_url = "https://api.example.com/v1"
headers.x-api-version = "2026-01-01"
[auth.key]
grant = "static"
fields.key.secret = true
inject.headers.authorization = "Bearer {key}"
"#;

/// One with two secrets in the query.
pub const QUERY: &str = r#"
name = "Query"
base_url = "https://api.example.com"
[auth.key]
grant = "static"
fields.key.secret = true
inject.query.key = "{key}"
inject.query.token = "{key}"
"#;

/// One whose session goes into the JSON body.
pub const BODY: &str = r#"
name = "Body"
base_url = "https://api.example.com"
[auth.key]
grant = "static"
fields.key.secret = true
inject.body."/params/credentials" = { sessionId = "{key}", userName = "someone@example.com", database = "example" }
"#;

/// A connection to a provider of which `file` is the definition.
pub struct Connection {
    provider: Provider,
    credential: Credential,
    variables: Variables,
}

impl Connection {
    /// A connection with [`KEY`].
    pub fn new(file: &str) -> Self {
        let provider = Provider::parse("bench", file).expect("a provider");
        let given = IndexMap::from([("key".to_owned(), KEY.into())]);
        let (credential, variables) = provider
            .accept(&provider.auth[0], given, IndexMap::new(), &HostAllowList::default())
            .expect("a connection");
        Self { provider, credential, variables }
    }

    /// The connection as a step of the path gets it.
    pub fn open(&self) -> OpenConnection<'_> {
        OpenConnection {
            provider: &self.provider,
            auth: &self.provider.auth[0],
            credential: &self.credential,
            variables: &self.variables,
            prepared: None,
        }
    }
}

/// The headers of a browser behind two proxies: 20, of which some are dropped.
pub fn headers() -> Vec<(Bytes, Bytes)> {
    [
        ("host", "passthrough.example.com"),
        ("authorization", "Bearer sk_01JD0000000000000000000000"),
        ("connection-token", "con_tkn_01JD0000000000000000000000"),
        ("accept", "application/json, text/plain, */*"),
        ("accept-encoding", "gzip, deflate, br, zstd"),
        ("accept-language", "en-GB,en;q=0.9,de;q=0.8"),
        ("cache-control", "no-cache"),
        ("content-type", "application/json"),
        ("content-length", "1024"),
        ("connection", "keep-alive"),
        ("user-agent", "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36"),
        ("idempotency-key", "0f8fad5b-d9cb-469f-a165-70867728950e"),
        ("traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"),
        ("tracestate", "vendor=t61rcWkgMzE"),
        ("x-request-id", "7b8e2c4a-90f1-4b0e-8d43-3f0c9b9f1d55"),
        ("x-forwarded-for", "203.0.113.7, 198.51.100.4"),
        ("x-forwarded-proto", "https"),
        ("x-real-ip", "203.0.113.7"),
        ("if-none-match", "\"33a64df551425fcc55e4d42a148795d9f25f89d4\""),
        ("x-client-version", "web/2026.11.3"),
    ]
    .map(|(name, value)| (Bytes::from_static(name.as_bytes()), Bytes::from_static(value.as_bytes())))
    .into()
}

/// The headers of a provider's answer: 20, none of which holds a secret.
pub fn answer_headers() -> Vec<&'static str> {
    vec![
        "application/json; charset=utf-8",
        "Sat, 21 Nov 2026 22:00:00 GMT",
        "W/\"a18b0c4f6f4b3e2d1c0b9a8f7e6d5c4b3a291807\"",
        "private, max-age=60, s-maxage=60",
        "Accept, Authorization, Cookie, X-Requested-With",
        "gzip",
        "5000",
        "4987",
        "1763766000",
        "13",
        "core",
        "github.v3; format=json",
        "ETag, Link, Location, Retry-After, X-RateLimit-Limit, X-RateLimit-Remaining, X-RateLimit-Used",
        "*",
        "max-age=31536000; includeSubdomains; preload",
        "deny",
        "nosniff",
        "origin-when-cross-origin, strict-origin-when-cross-origin",
        "<https://api.example.com/resource?page=2>; rel=\"next\", <https://api.example.com/resource?page=50>; rel=\"last\"",
        "E3D1:2A4F6B:1C3B5A7:1D8E9F0:6921B2C3",
    ]
}

/// A JSON object of at least `bytes`: a list of records, as APIs answer.
pub fn json(bytes: usize) -> String {
    let mut text = String::from("{\"object\":\"list\",\"data\":[");
    let mut number = 0;
    while text.len() < bytes.saturating_sub(20) {
        if number > 0 {
            text.push(',');
        }
        text.push_str(&format!(
            "{{\"id\":\"rec_{number:08}\",\"name\":\"Müller & Söhne {number}\",\"amount\":{number}.50,\"paid\":true,\"note\":null}}"
        ));
        number += 1;
    }
    text.push_str("],\"has_more\":false}");
    text
}

/// A passthrough request with [`headers`].
pub fn request(method: Method, body: RequestBody) -> PassthroughRequest {
    PassthroughRequest {
        door: Door::Proxy,
        method,
        path: CallerPath::parse(PATH).expect("a path"),
        base: None,
        headers: Fields(headers()),
        body,
        websocket_upgrade: false,
    }
}

/// An envelope with a query, headers and a JSON body of 1 KiB.
pub fn envelope() -> String {
    let body = json(1024);
    format!(
        r#"{{"method":"POST","path":"/v1/items?limit=10","query":{{"from":"2026-01-01","tag":["a","b"]}},"headers":{{"accept":"application/json","x-request-id":"7b8e2c4a"}},"body":{body},"timeoutMs":30000}}"#
    )
}
