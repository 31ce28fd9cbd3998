//! From an envelope to the upstream request: whatever a caller sends, the injected credential wins and the host
//! stays. Input: the request's body.

#![no_main]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use passthrough_core::connection::{Credential, Variables};
use passthrough_core::fault::Door;
use passthrough_core::provider::{HostAllowList, Provider};
use passthrough_core::template::Moment;
use passthrough_core::upstream::{OpenConnection, Refusal, RequestBody, UpstreamRequest, build};
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
"#;
const SECRET: &str = "inj3ct3d";
const MOMENT: Moment = Moment { unix_ms: 1_700_000_000_000, nonce: [7; 16] };

static PROVIDER: LazyLock<Provider> = LazyLock::new(|| Provider::parse("fuzz", FILE).expect("a provider"));
static CREDENTIAL: LazyLock<Credential> =
    LazyLock::new(|| Credential { fields: [("key".to_owned(), SECRET.into())].into() });

fuzz_target!(|json: &[u8]| {
    for (name, auth) in &PROVIDER.auth {
        let Ok(request) = PassthroughRequest::parse(json) else { return };
        let Ok(converted) = request.convert(Door::Envelope, MOMENT.nonce) else { return };
        let asked = format!("{:?}", converted.request);
        let variables = Variables::new();
        let open =
            OpenConnection { provider: &PROVIDER, auth, credential: &CREDENTIAL, variables: &variables, prepared: None };
        match build(open, converted.request, || MOMENT, &HostAllowList::default()) {
            Ok(built) if name == "body" => the_body_holds_the_secret(&built),
            Ok(built) => injected_won(&built, &asked),
            Err(Refusal::Request(problems)) => assert!(!problems.is_empty()),
            Err(Refusal::Connection(message)) => {
                panic!("a caller's request is blamed on the connection: {message}")
            }
        }
    }
});

fn injected_won(built: &UpstreamRequest, asked: &str) {
    let authority = built.uri.authority().expect("an authority").as_str();
    assert!(["api.example.com", "up.example.com"].contains(&authority));
    assert_eq!(built.origin.authority(), authority);
    let base = if authority == "api.example.com" { "/v1" } else { "" };
    assert!(built.uri.path().starts_with(&format!("{base}/bot{SECRET}/")));

    let values = |wanted: &str| {
        let named = built.headers.iter().filter(|(name, _)| name.as_str().replace('_', "-") == wanted);
        named.map(|(_, value)| value.as_bytes().to_vec()).collect::<Vec<_>>()
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

fn the_body_holds_the_secret(built: &UpstreamRequest) {
    let RequestBody::Bytes { bytes, .. } = &built.body else { return };
    // Too deep for this reader; the member's place is the business of another target.
    let Ok(read) = serde_json::from_slice::<serde_json::Value>(bytes) else { return };
    assert_eq!(read["auth"]["key"], SECRET);
}
