//! What a stranger answers where a credential is asked for: token endpoints, logins, OAuth 1.0a, and the discovery of
//! MCP. Input: status, `Set-Cookie`, `Content-Type` and `WWW-Authenticate`, on lines of their own, then the body.

#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;
use passthrough_core::base_url::{BaseUrl, Scheme};
use passthrough_core::connection::Obtained;
use passthrough_core::grant::{self, Answer, Refusal, mcp};
use passthrough_core::header::Fields;
use passthrough_core::provider::Provider;
use passthrough_core::provider::grant::Grant;
use passthrough_core::redact::Redactor;
use passthrough_fuzz::MARKER;
use secrecy::ExposeSecret;

const NOW: i64 = 1_700_000_000_000;
const YEAR: i64 = 365 * 86_400_000;

const FILE: &str = r#"
name = "Test"
base_url = "https://api.example.com/mcp"
[auth.code]
grant = "oauth2_code"
oauth2.authorize_url = "https://auth.example.com/authorize"
oauth2.token_url = "https://auth.example.com/token"
oauth2.expires_at = "/expires_at"
oauth2.final_errors = ["token_revoked"]
oauth2.capture.id = { pointer = "/team/id", optional = true }
oauth2.capture.shard = { header = "www-authenticate", optional = true }
inject.headers.authorization = "Bearer {access_token}"
[auth.login]
grant = "login"
fields.user.label = "User"
login.request = "GET https://login.example.com/token"
login.basic = "{user}:"
login.capture.token = "/token"
login.capture.cookie = { cookie = "sid", optional = true }
login.expires_in_from = "/ttl"
login.expires_at_from = "/until"
login.refused_when = [{ pointer = "/error/name", equals = "InvalidUser" }]
inject.headers.authorization = "Bearer {token}"
[auth.text]
grant = "login"
fields.user.label = "User"
login.request = "GET https://login.example.com/token"
login.basic = "{user}:"
login.capture.token = { text = true }
inject.headers.authorization = "Bearer {token}"
"#;

static PROVIDER: LazyLock<Provider> = LazyLock::new(|| Provider::parse("test", FILE).expect("it is right"));
/// What was sent. Where it comes back, no message may show it.
static SENT: LazyLock<Redactor> = LazyLock::new(|| Redactor::new([MARKER]));

fuzz_target!(|data: &[u8]| {
    let mut lines = data.splitn(5, |byte| *byte == b'\n');
    let mut line = || lines.next().unwrap_or_default();
    let Some(status) = std::str::from_utf8(line()).ok().and_then(|text| text.parse().ok()) else { return };
    let mut headers = Fields::default();
    for name in ["Set-Cookie", "Content-Type", "WWW-Authenticate"] {
        headers.push(name, line().to_vec());
    }
    let answer = Answer { status, headers: &headers, body: line(), at: NOW, sent: &SENT };
    tokens(&answer);
    logins(&answer);
    let _ = grant::read_request_token(&answer).map_err(|refusal| is_quiet(&refusal));
    let _ = grant::read_access_token(&answer, None).map_err(|refusal| is_quiet(&refusal));
    discovery(&answer);
});

fn tokens(answer: &Answer<'_>) {
    let Grant::OAuth2(oauth2) = &PROVIDER.auth["code"].grant else { return };
    let previous =
        Obtained { values: [("refresh_token".to_owned(), "r".into())].into(), ..Obtained::default() };
    match grant::read_tokens(oauth2, answer, Some(&previous)) {
        Ok(obtained) => {
            assert!((200..300).contains(&answer.status), "a refusal became a token");
            assert!(obtained.values.contains_key("access_token"));
            assert!(obtained.values.contains_key("refresh_token"), "a connection is lost");
            is_usable(&obtained);
        }
        Err(refusal) => {
            is_quiet(&refusal);
            if matches!(refusal, Refusal::Ended { .. }) {
                assert!(answer.status < 500 && answer.status != 429, "a bad hour ended a grant");
            }
        }
    }
}

fn logins(answer: &Answer<'_>) {
    for name in ["login", "text"] {
        let Grant::Login(login) = &PROVIDER.auth[name].grant else { return };
        let mut captured = BTreeMap::new();
        match grant::read_step(login, &login.steps[0], answer, &mut captured) {
            Ok(()) => {
                assert!(captured.contains_key("token"));
                is_usable(&grant::finish(login, captured, answer, None));
            }
            Err(refusal) => is_quiet(&refusal),
        }
    }
}

fn discovery(answer: &Answer<'_>) {
    let resource = BaseUrl::parse("https://api.example.com/mcp").expect("it is right");
    mcp::read_challenge(answer.headers);
    match mcp::read_resource_metadata(answer, &resource) {
        Ok(read) => {
            for issuer in &read.authorization_servers {
                let urls = mcp::server_metadata_urls(issuer, &resource).unwrap_or_default();
                assert!(urls.iter().all(|url| url.base.origin.scheme == Scheme::Https));
            }
        }
        Err(refusal) => is_quiet(&refusal),
    }
    match mcp::read_server_metadata(answer, "https://auth.example.com", &resource) {
        Ok(read) => {
            assert_eq!(read.issuer.trim_end_matches('/'), "https://auth.example.com");
            assert!(read.authorize_url.len() > 8 && read.token_url[..8].eq_ignore_ascii_case("https://"));
        }
        Err(refusal) => is_quiet(&refusal),
    }
    let _ = mcp::read_registration(answer).map_err(|refusal| is_quiet(&refusal));
}

/// Whatever is kept can stand in a header, and ends between 30 seconds and a year from now.
fn is_usable(obtained: &Obtained) {
    for value in obtained.values.values() {
        let value = value.expose_secret();
        assert!(!value.is_empty() && value.len() <= 32 * 1024 && !value.chars().any(char::is_control));
    }
    for at in [obtained.expires_at, obtained.refresh_expires_at].into_iter().flatten() {
        assert!((NOW + 30_000..=NOW + YEAR).contains(&at), "a lifetime out of bounds");
    }
}

fn is_quiet(refusal: &Refusal) {
    let told = format!("{refusal} {refusal:?}");
    assert!(!told.contains(MARKER), "what was sent is echoed: {told}");
    assert!(told.len() < 4096, "too much is told");
}
