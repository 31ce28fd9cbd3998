//! A small authorization server (RFC 6749, RFC 7636, RFC 9207) with an API behind it: strict where a real one is.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use aws_lc_rs::digest;
use data_encoding::{BASE64, BASE64URL_NOPAD};
use passthrough_testkit::echo::{EchoProvider, Seen};
use passthrough_testkit::http::send;
use passthrough_testkit::program::{Program, canary};
use percent_encoding::percent_decode_str;
use serde_json::json as value;

use super::{answer, product};
use passthrough_testkit::program::Engine;

/// What a code was given for.
struct Grant {
    redirect_uri: String,
    challenge: String,
    account: String,
}

#[derive(Default)]
struct Memory {
    codes: HashMap<String, Grant>,
    tokens: HashMap<String, String>,
    count: usize,
}

/// The server.
pub struct OAuthServer {
    pub provider: EchoProvider,
    pub secret: String,
}

/// The pairs of a query or form.
pub fn pairs(text: &str) -> HashMap<String, String> {
    let decode = |text: &str| percent_decode_str(&text.replace('+', " ")).decode_utf8().unwrap().into_owned();
    text.split('&').filter_map(|pair| pair.split_once('=')).map(|(n, v)| (decode(n), decode(v))).collect()
}

impl OAuthServer {
    pub async fn start() -> Self {
        let secret = canary("client-secret");
        let (memory, client) = (Arc::new(Mutex::new(Memory::default())), secret.clone());
        let provider = EchoProvider::answering(move |seen: &Seen| {
            let mut memory = memory.lock().unwrap();
            let (path, query) = seen.target.split_once('?').unwrap_or((&seen.target, ""));
            match path {
                "/authorize" => authorize(&mut memory, query),
                "/token" => token(&mut memory, seen, &client),
                _ => api(&memory, seen),
            }
        })
        .await;
        Self { provider, secret }
    }

    /// The provider file.
    pub fn file(&self) -> String {
        let url = self.provider.url();
        format!(
            "name = \"Crm\"\nbase_url = \"{url}/api\"\n\
             verify = {{ request = \"GET /me\", account_id = \"/id\", account_label = \"/name\" }}\n\
             [auth.oauth]\ngrant = \"oauth2_code\"\n\
             inject.headers.authorization = \"Bearer {{access_token}}\"\n\
             [auth.oauth.oauth2]\nauthorize_url = \"{url}/authorize\"\ntoken_url = \"{url}/token\"\n\
             scopes = [\"read\", \"write\"]\nother_account_params.prompt = \"select_account\"\n"
        )
    }

    /// A program with the integrations `crm` and `crm-2` of this server.
    pub async fn program(&self, engine: Engine) -> Program {
        let program = product(engine).provider("crm", &self.file()).start().await;
        for key in ["crm", "crm-2"] {
            let made = value!({
                "key": key, "provider": "crm", "clientId": "client-1", "clientSecret": self.secret,
            });
            let made = program.api("POST", "/v1/integrations", &made.to_string()).await;
            assert_eq!(made.status, 201, "{}", made.text());
        }
        program
    }

    /// The user consents with an account; gives the address that the provider sends them back to.
    pub async fn consent(&self, address: &str, account: &str) -> String {
        let response = send("GET", &format!("{address}&as={account}"), &[], "").await;
        assert_eq!(response.status, 302, "{}", response.text());
        response.header("location").unwrap().to_owned()
    }

    /// How often tokens were asked for.
    pub fn token_calls(&self) -> usize {
        self.provider.seen().iter().filter(|seen| seen.target == "/token").count()
    }
}

fn authorize(memory: &mut Memory, query: &str) -> http::Response<http_body_util::Full<bytes::Bytes>> {
    let asked = pairs(query);
    let sound = asked["response_type"] == "code"
        && asked["client_id"] == "client-1"
        && asked["code_challenge_method"] == "S256"
        && asked["scope"] == "read write";
    if !sound {
        return answer(400, format!("{asked:?}"));
    }
    memory.count += 1;
    let code = format!("code-{}", memory.count);
    let grant = Grant {
        redirect_uri: asked["redirect_uri"].clone(),
        challenge: asked["code_challenge"].clone(),
        account: asked["as"].clone(),
    };
    let back = format!("{}?code={code}&state={}", grant.redirect_uri, asked["state"]);
    memory.codes.insert(code, grant);
    http::Response::builder().status(302).header("location", back).body(Default::default()).unwrap()
}

fn token(
    memory: &mut Memory,
    seen: &Seen,
    secret: &str,
) -> http::Response<http_body_util::Full<bytes::Bytes>> {
    let form = pairs(&String::from_utf8_lossy(&seen.body));
    let basic = format!("Basic {}", BASE64.encode(format!("client-1:{secret}").as_bytes()));
    if seen.header("authorization") != [basic.as_str()] {
        return answer(401, r#"{"error":"invalid_client"}"#);
    }
    // A code is good once.
    let Some(grant) = memory.codes.remove(form.get("code").map_or("", String::as_str)) else {
        return answer(400, r#"{"error":"invalid_grant"}"#);
    };
    let verifier = form.get("code_verifier").map_or("", String::as_str);
    let hashed = digest::digest(&digest::SHA256, verifier.as_bytes());
    let proven = BASE64URL_NOPAD.encode(hashed.as_ref()) == grant.challenge;
    if !proven || form.get("redirect_uri") != Some(&grant.redirect_uri) {
        return answer(400, r#"{"error":"invalid_grant"}"#);
    }
    memory.count += 1;
    let token = format!("{}-{}", canary("access"), memory.count);
    let body = value!({
        "access_token": token, "refresh_token": canary("refresh"), "token_type": "bearer", "expires_in": 3600,
    });
    memory.tokens.insert(token, grant.account);
    answer(200, body.to_string())
}

fn api(memory: &Memory, seen: &Seen) -> http::Response<http_body_util::Full<bytes::Bytes>> {
    let presented = seen.header("authorization").first().and_then(|value| value.strip_prefix("Bearer "));
    match presented.and_then(|token| memory.tokens.get(token)) {
        Some(account) if account == "nobody" => answer(200, "{}"),
        Some(account) if account.starts_with("status-") => {
            answer(account["status-".len()..].parse().unwrap(), "{}")
        }
        Some(account) => answer(200, value!({ "id": account, "name": account }).to_string()),
        None => answer(401, "{}"),
    }
}
