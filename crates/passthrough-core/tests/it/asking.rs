//! How each auth entry of each built-in provider asks for its secret, as text that a person can hold against the API's
//! documentation: the page where a user consents, every token request, every step of a login. One snapshot per
//! provider. Signed assertions are shown as what they say.

use std::collections::BTreeMap;
use std::panic::catch_unwind;
use std::sync::LazyLock;

use aws_lc_rs::encoding::{AsDer, Pkcs8V1Der};
use aws_lc_rs::rsa::{KeyPair, KeySize};
use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair};
use data_encoding::{BASE64, BASE64URL_NOPAD};
use passthrough_core::connection::Credential;
use passthrough_core::grant::{self, Asking, Consent, TokenCall, Way};
use passthrough_core::provider::file::JwtAlgorithm;
use passthrough_core::provider::grant::{Flow, Grant, Jwt, Login, OAuth2};
use passthrough_core::provider::{Auth, HostAllowList, Provider};
use passthrough_core::template::Moment;
use passthrough_core::upstream::OpenConnection;

use crate::sample::{accepted, catalog};

/// Midnight of 2026-01-31 UTC, and a nonce that is none.
const MOMENT: Moment = Moment { unix_ms: 1_769_817_600_000, nonce: [0; 16] };
const REDIRECT_URI: &str = "https://passthrough.example/v1/link/callback";

/// Keys that sign nothing but these.
static RSA: LazyLock<String> = LazyLock::new(|| {
    let pair = KeyPair::generate(KeySize::Rsa2048).unwrap();
    pem(AsDer::<Pkcs8V1Der<'_>>::as_der(&pair).unwrap().as_ref())
});
static P256: LazyLock<String> = LazyLock::new(|| {
    let pair = EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).unwrap();
    pem(pair.to_pkcs8v1().unwrap().as_ref())
});
static ED25519: LazyLock<String> =
    LazyLock::new(|| pem(Ed25519KeyPair::generate().unwrap().to_pkcs8v1().unwrap().as_ref()));

fn pem(der: &[u8]) -> String {
    format!("-----BEGIN PRIVATE KEY-----\n{}\n-----END PRIVATE KEY-----", BASE64.encode(der))
}

#[test]
fn every_auth_entry_asks_as_in_its_snapshot() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots/asking");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let mut failed = Vec::new();
    for (code, provider) in catalog() {
        let asked: Vec<String> = provider.auth.values().filter_map(|auth| asked(&provider, auth)).collect();
        if asked.is_empty() {
            continue;
        }
        let assertion = || settings.bind(|| insta::assert_snapshot!(code.as_str(), asked.join("\n")));
        if catch_unwind(std::panic::AssertUnwindSafe(assertion)).is_err() {
            failed.push(code);
        }
    }
    assert!(failed.is_empty(), "these differ from their snapshots: {}", failed.join(", "));
}

/// Everything that an entry sends before it has a secret; `None` where the user gives it, or a server says how.
fn asked(provider: &Provider, auth: &Auth) -> Option<String> {
    let hosts = HostAllowList(vec![".example.com".to_owned()]);
    let (mut credential, variables) = accepted(provider, auth, &hosts).unwrap();
    give_keys(auth, &mut credential);
    let open =
        OpenConnection { provider, auth, credential: &credential, variables: &variables, prepared: None };
    let asking = Asking { open, moment: MOMENT, hosts: &hosts, scopes: None };
    let asked = match &auth.grant {
        Grant::Static => return None,
        Grant::OAuth2(oauth2) if oauth2.flow == Flow::Mcp => return None,
        Grant::OAuth2(oauth2) => oauth2_asks(&asking, oauth2),
        Grant::OAuth1(_) => oauth1_asks(&asking),
        Grant::Login(login) => login_asks(&asking, login),
    };
    Some(format!("# auth.{}\n{asked}", auth.name))
}

/// Where an entry signs, made-up text is no key.
fn give_keys(auth: &Auth, credential: &mut Credential) {
    let jwt: Option<&Jwt> = match &auth.grant {
        Grant::OAuth2(oauth2) => oauth2.jwt.as_ref(),
        Grant::Login(login) => login.jwt.as_ref(),
        Grant::Static | Grant::OAuth1(_) => None,
    };
    if let Some(jwt) = jwt {
        let key = match jwt.algorithm {
            JwtAlgorithm::RS256 => RSA.as_str(),
            JwtAlgorithm::ES256 => P256.as_str(),
            JwtAlgorithm::EdDSA => ED25519.as_str(),
            JwtAlgorithm::HS256 => "made-up-key",
        };
        let names = jwt.key.names().into_iter();
        credential.fields.extend(names.map(|name| (name.to_owned(), key.into())));
    }
    if let Some(own) = credential.fields.get_mut("client_private_key") {
        *own = RSA.as_str().into();
    }
    let client = [
        ("client_private_key", RSA.as_str()),
        ("client_id", "made-up-client_id"),
        ("client_secret", "made-up-client_secret"),
    ];
    credential.client = client.map(|(name, value)| (name.to_owned(), value.into())).into();
}

fn oauth2_asks(asking: &Asking<'_>, oauth2: &OAuth2) -> String {
    let mut text = String::new();
    if oauth2.flow == Flow::Code {
        let challenge = grant::pkce_challenge("made-up-verifier");
        let code_challenge = Some(challenge.as_str()).filter(|_| oauth2.pkce);
        let consent =
            Consent { redirect_uri: REDIRECT_URI, state: "made-up-state", code_challenge, extra: &[] };
        text.push_str(&grant::authorize_url(asking, &consent).unwrap().replace('&', "\n  &"));
        let verifier = Some("made-up-verifier").filter(|_| oauth2.pkce);
        let call = grant::code_call(asking, "made-up-code", REDIRECT_URI, verifier).unwrap();
        text.push_str(&format!("\n{}", printed(&call)));
        let first = asking.open.credential.obtained.clone().unwrap_or_default();
        text.extend(grant::exchange_call(asking, &first).unwrap().iter().map(printed));
    } else {
        text.push_str(&way(grant::first_call(asking).unwrap()));
    }
    if !matches!(oauth2.flow, Flow::ClientCredentials | Flow::JwtBearer) {
        text.push_str(&way(grant::refresh_call(asking).unwrap()));
    }
    text + &grant::revoke_call(asking).unwrap().map_or(String::new(), |call| printed(&call))
}

fn way(way: Way) -> String {
    match way {
        Way::Call(call) => printed(&call),
        Way::Made(obtained) => {
            use secrecy::ExposeSecret;
            format!("made: {}\n", shown(obtained.values["access_token"].expose_secret()))
        }
    }
}

fn oauth1_asks(asking: &Asking<'_>) -> String {
    let first = grant::request_token_call(asking, REDIRECT_URI).unwrap();
    let token = grant::RequestToken { token: "made-up-token".into(), secret: "made-up-secret".into() };
    let page = grant::oauth1_authorize_url(asking, &token, &[]).unwrap();
    let last = grant::access_token_call(asking, &token, "made-up-verifier").unwrap();
    format!("{}{}\n{}", printed(&first), page.replace('&', "\n  &"), printed(&last))
}

fn login_asks(asking: &Asking<'_>, login: &Login) -> String {
    let steps = login.steps.iter().chain(&login.refresh);
    steps.map(|step| printed(&grant::step_call(asking, step, &BTreeMap::new()).unwrap())).collect()
}

/// As it goes onto the wire, without what every call says.
fn printed(call: &TokenCall) -> String {
    let mut text = format!("{} {}{}\n", call.method, call.origin(), call.path_and_query().as_str());
    let usual = ["application/json", "identity", "passthrough/0.1"];
    for (name, value) in call.headers.iter() {
        let (name, value) = (String::from_utf8_lossy(name), String::from_utf8_lossy(value));
        if !usual.contains(&&*value) || name == "Content-Type" {
            text.push_str(&format!("  {name}: {}\n", shown(&value)));
        }
    }
    if !call.body.is_empty() {
        text.push_str(&format!(
            "  {}\n",
            shown(std::str::from_utf8(&call.body).unwrap()).replace('&', "\n  &")
        ));
    }
    text
}

/// A signed token as its claims: its signature is another one with each run's key.
fn shown(text: &str) -> String {
    let Some(at) = text.find("eyJ") else { return text.to_owned() };
    let inside = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
    let end = text[at..].find(|c| !inside(c)).map_or(text.len(), |end| at + end);
    let mut parts = text[at..end].split('.').map(|part| {
        String::from_utf8(BASE64URL_NOPAD.decode(part.as_bytes()).unwrap_or_default()).unwrap_or_default()
    });
    let (header, claims) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    format!("{}<{header}.{claims}>{}", &text[..at], shown(&text[end..]))
}
