//! From an envelope to the upstream request: whatever a caller sends, the injected credential wins, the host
//! stays, and it is one request on the wire. Input: the request's body.

#![no_main]

use std::sync::LazyLock;

use bytes::BytesMut;
use libfuzzer_sys::fuzz_target;
use passthrough_core::connection::{Credential, Variables};
use passthrough_core::fault::Door;
use passthrough_core::provider::{HostAllowList, Provider};
use passthrough_core::template::Moment;
use passthrough_core::upstream::{OpenConnection, Prepared, Refusal, RequestBody, UpstreamRequest, build};
use passthrough_fuzz::heads;
use passthrough_http1::head::{HeadReader, Limits, write_request};
use passthrough_wire::passthrough::PassthroughRequest;
use percent_encoding::percent_decode_str;

const FILE: &str = r#"
name = "Fuzz"
base_url = "https://api.example.com/v1"
base_urls.upload = "https://up.example.com"
headers.x-version = "1"
allow_cookies = true

[auth.everywhere]
grant = "static"
fields.key.secret = true
inject.headers.authorization = "Bearer {key}"
inject.headers.x-api-key = "{key}"
inject.query.api_key = "{key}"
inject.cookies.sid = "{key}"
inject.path = "bot{key}"

[auth.body]
grant = "static"
fields.key.secret = true
inject.body."/auth/key" = "{key}"

[auth.soap]
grant = "static"
fields.key.secret = true
inject.soap = { username = "u", password = "{key}", timestamp = "5m" }
"#;
const SECRET: &str = "inj3ct3d";
const WIRE: Limits = Limits { bytes: 256 * 1024, fields: 200 };
const MOMENT: Moment = Moment { unix_ms: 1_700_000_000_000, nonce: [7; 16] };

static PROVIDER: LazyLock<Provider> = LazyLock::new(|| Provider::parse("fuzz", FILE).expect("a provider"));
static CREDENTIAL: LazyLock<Credential> = LazyLock::new(|| Credential {
    fields: [("key".to_owned(), SECRET.into())].into(),
    ..Credential::default()
});

fuzz_target!(|json: &[u8]| {
    for (name, auth) in &PROVIDER.auth {
        let Ok(request) = PassthroughRequest::parse(json) else { return };
        let Ok(converted) = request.convert(Door::Envelope, || MOMENT.nonce) else { return };
        let asked = format!("{:?}", converted.request);
        let (variables, hosts) = (Variables::new(), HostAllowList::default());
        let open = OpenConnection {
            provider: &PROVIDER,
            auth,
            credential: &CREDENTIAL,
            variables: &variables,
            prepared: None,
        };
        let prepared = Prepared::new(open, &hosts);
        let prepared = OpenConnection { prepared: Some(&prepared), ..open };
        let built = build(open, converted.request.clone(), || MOMENT, &hosts);
        is_the_same(&built, &build(prepared, converted.request, || MOMENT, &hosts));
        match built {
            Ok(built) => {
                is_one_request(&built);
                match name.as_str() {
                    "body" => the_body_holds_the_secret(&built),
                    "soap" => the_envelope_holds_the_secret(&built),
                    _ => injected_won(&built, &asked),
                }
            }
            Err(Refusal::Request(problems)) => assert!(!problems.is_empty()),
            Err(Refusal::Connection(message)) => {
                panic!("a caller's request is blamed on the connection: {message}")
            }
        }
    }
});

/// What was worked out before changes nothing but the time that it takes.
fn is_the_same(one: &Result<UpstreamRequest, Refusal>, other: &Result<UpstreamRequest, Refusal>) {
    let (one, other) = match (one, other) {
        (Ok(one), Ok(other)) => (one, other),
        (one, other) => return assert_eq!(one.as_ref().err(), other.as_ref().err()),
    };
    assert!(one.uri == other.uri && one.headers == other.headers && one.shown_path == other.shown_path);
    let bytes = |built: &UpstreamRequest| match &built.body {
        RequestBody::Bytes { bytes, .. } => Some(bytes.clone()),
        RequestBody::Absent | RequestBody::Streamed => None,
    };
    assert_eq!(bytes(one), bytes(other));
}

/// No name, value or path ends the head early or begins another.
fn is_one_request(built: &UpstreamRequest) {
    let target = built.uri.path_and_query().expect("a path").as_str();
    let mut written = BytesMut::new();
    write_request(&mut written, &built.method, target.as_bytes(), &built.headers.0)
        .expect("what was judged can be written");
    let (read, error) = heads(HeadReader::read_request, &WIRE, &written, written.len());
    assert!(error.is_none() && read.len() == 1, "another request than one");
    assert!(read[0].target == target && read[0].fields == built.headers.0, "and as it was judged");
}

fn injected_won(built: &UpstreamRequest, asked: &str) {
    let authority = built.uri.authority().expect("an authority").as_str();
    assert!(["api.example.com", "up.example.com"].contains(&authority));
    assert_eq!(built.origin.authority(), authority);
    let base = if authority == "api.example.com" { "/v1" } else { "" };
    assert!(built.uri.path().starts_with(&format!("{base}/bot{SECRET}/")));

    let values = |wanted: &str| {
        // As a server compares them that makes one variable of `X-Api-Key` and `x_api_key`.
        let read = |name: &[u8]| String::from_utf8_lossy(name).to_ascii_lowercase().replace('_', "-");
        let named = built.headers.iter().filter(|(name, _)| read(name) == wanted);
        named.map(|(_, value)| value.to_vec()).collect::<Vec<_>>()
    };
    assert_eq!(values("authorization"), [format!("Bearer {SECRET}").into_bytes()]);
    assert_eq!(values("x-api-key"), [SECRET.as_bytes()]);
    for framing in
        ["host", "content-length", "transfer-encoding", "connection", "upgrade", "te", "trailer", "expect"]
    {
        assert!(values(framing).is_empty(), "{framing} went on");
    }
    let cookies = values("cookie");
    assert!(cookies.len() == 1 && cookies[0].ends_with(format!("sid={SECRET}").as_bytes()));
    let cookie = String::from_utf8_lossy(&cookies[0]).into_owned();
    let sids = cookie.split([';', ',']).filter(|pair| pair.trim().to_ascii_lowercase().starts_with("sid="));
    assert_eq!(sids.count(), 1, "another cookie of the injected name went on");

    let query = built.uri.query().expect("an injected parameter");
    let is_ours = |pair: &&str| {
        let name = pair.split('=').next().unwrap_or_default();
        percent_decode_str(name).decode_utf8_lossy().trim().eq_ignore_ascii_case("api_key")
    };
    let found: Vec<&str> = query.split(['&', ';']).filter(is_ours).collect();
    assert_eq!(found, [format!("api_key={SECRET}")], "another parameter of the injected name went on");
    assert!(built.shown_path.contains("***"));
    assert!(asked.contains(SECRET) || !format!("{built:?}").contains(SECRET), "the secret is shown");
}

fn the_envelope_holds_the_secret(built: &UpstreamRequest) {
    let RequestBody::Bytes { bytes, .. } = &built.body else { return };
    let text = std::str::from_utf8(bytes).expect("text");
    assert!(text.contains(&format!("#PasswordText\">{SECRET}</wsse:Password>")));
}

fn the_body_holds_the_secret(built: &UpstreamRequest) {
    let RequestBody::Bytes { bytes, .. } = &built.body else { return };
    // Too deep for this reader; the member's place is the business of another target.
    let Ok(read) = serde_json::from_slice::<serde_json::Value>(bytes) else { return };
    assert_eq!(read["auth"]["key"], SECRET);
}
