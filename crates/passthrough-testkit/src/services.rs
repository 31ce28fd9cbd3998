//! Real software to make passthrough requests to: verdaccio (an npm registry: Bearer token after its own login),
//! InfluxDB 1.x (Basic, or credentials in the query), oidc-provider (OAuth 2.0), s3rver behind AWS's own signer
//! (Signature Version 4) and oauthlib (OAuth 1.0a).
//!
//! `make test` starts one of each for the whole run and names them in the environment. A test that is run alone
//! starts its own. Either way a test that needs one fails where it is missing; it never skips.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::http::{Response, send};
use crate::raw_server::{Authority, Issued};

/// A verdaccio without packages and users. Everybody may make a user; everything else wants one.
#[derive(Debug)]
pub struct Verdaccio {
    /// `http://127.0.0.1:<port>`
    pub url: String,
    _own: Option<RealServer>,
}

/// An InfluxDB 1.x that refuses requests without credentials.
#[derive(Debug)]
pub struct InfluxDb {
    /// `http://127.0.0.1:<port>`
    pub url: String,
    /// The user with all privileges.
    pub admin: String,
    /// Its password.
    pub password: String,
    _own: Option<RealServer>,
}

/// The verdaccio of this test run (`PASSTHROUGH_TEST_VERDACCIO_URL`), or a private one that ends with the value.
///
/// # Panics
///
/// Where it cannot be started, with what to do about it.
pub fn verdaccio() -> Verdaccio {
    let (url, own) = shared_or_own("verdaccio", "PASSTHROUGH_TEST_VERDACCIO_URL");
    Verdaccio { url, _own: own }
}

/// A verdaccio of one's own, whose tokens end so many seconds after a login.
///
/// # Panics
///
/// Where it cannot be started, with what to do about it.
pub fn verdaccio_with_short_tokens(seconds: u32) -> Verdaccio {
    let (url, own) = RealServer::start("verdaccio", &[&format!("{seconds}s")]);
    Verdaccio { url, _own: Some(own) }
}

/// The InfluxDB of this test run (`PASSTHROUGH_TEST_INFLUXDB_URL`, the administrator as user information), or a
/// private one that ends with the value.
///
/// # Panics
///
/// Where it cannot be started, with what to do about it.
pub fn influxdb() -> InfluxDb {
    let (url, own) = shared_or_own("influxdb", "PASSTHROUGH_TEST_INFLUXDB_URL");
    let (admin, password, host) = url
        .strip_prefix("http://")
        .and_then(|rest| rest.split_once('@'))
        .and_then(|(user, host)| user.split_once(':').map(|(admin, password)| (admin, password, host)))
        .unwrap_or_else(|| panic!("the URL of InfluxDB must be http://admin:password@host:port"));
    InfluxDb {
        url: format!("http://{host}"),
        admin: admin.to_owned(),
        password: password.to_owned(),
        _own: own,
    }
}

/// A certified OAuth 2.0 server (`oidc-provider`), whose refresh tokens rotate strictly, with an API of its own.
#[derive(Debug)]
pub struct OidcProvider {
    /// `http://127.0.0.1:<port>`
    pub url: String,
    _own: Option<RealServer>,
}

/// An OAuth client that registered itself.
#[derive(Debug, Clone)]
pub struct OAuthClient {
    /// Its id.
    pub id: String,
    /// Its secret; empty where it has none.
    pub secret: String,
}

/// A pair of keys.
#[derive(Debug, Clone)]
pub struct KeyPair {
    /// The private one, PKCS #8 in PEM.
    pub pem: String,
    /// The public one, a JWK.
    pub jwk: Value,
}

/// The oidc-provider of this test run (`PASSTHROUGH_TEST_OIDC_URL`), or a private one that ends with the value.
///
/// # Panics
///
/// Where it cannot be started, with what to do about it.
pub fn oidc_provider() -> OidcProvider {
    let (url, own) = shared_or_own("oidc-provider", "PASSTHROUGH_TEST_OIDC_URL");
    OidcProvider { url, _own: own }
}

impl OidcProvider {
    /// A new client, whose access tokens live for `access_ttl` seconds (RFC 7591).
    ///
    /// # Panics
    /// Where it is refused.
    pub async fn register(&self, redirect_uri: &str, access_ttl: u32) -> OAuthClient {
        let more = json!({ "token_endpoint_auth_method": "client_secret_basic", "access_ttl": access_ttl });
        self.register_with(redirect_uri, &more).await
    }

    /// A new client with metadata of one's own (RFC 7591 §2).
    ///
    /// # Panics
    /// Where it is refused.
    pub async fn register_with(&self, redirect_uri: &str, metadata: &Value) -> OAuthClient {
        let mut request = json!({ "redirect_uris": [redirect_uri] });
        if let (Some(request), Some(metadata)) = (request.as_object_mut(), metadata.as_object()) {
            request.extend(metadata.clone());
        }
        let headers = [("content-type", "application/json")];
        let answer = send("POST", &format!("{}/reg", self.url), &headers, request.to_string()).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        let client: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let text = |name: &str| client[name].as_str().unwrap_or_default().to_owned();
        OAuthClient { id: text("client_id"), secret: text("client_secret") }
    }

    /// A new pair of keys for `RS256`, `ES256` or `EdDSA`.
    ///
    /// # Panics
    /// Where there is none.
    pub async fn keys(&self, algorithm: &str) -> KeyPair {
        let answer = send("POST", &format!("{}/keypair?alg={algorithm}", self.url), &[], "").await;
        assert_eq!(answer.status, 200, "{}", answer.text());
        let pair: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        KeyPair { pem: pair["pem"].as_str().unwrap_or_default().to_owned(), jwk: pair["jwk"].clone() }
    }

    /// Opens a port with TLS, which asks for a client certificate of `clients`: all of it is there, too. Gives its URL.
    ///
    /// # Panics
    /// Where it cannot be opened.
    pub async fn over_mutual_tls(&self, server: &Issued, clients: &Authority) -> String {
        let pems = json!({ "key": server.key_pem(), "cert": server.pem(), "ca": clients.pem() });
        open_tls(&format!("{}/mtls", self.url), &pems).await
    }

    /// An end user logs in and consents; gives the address that they are sent back to.
    ///
    /// # Panics
    /// Where they get no further.
    pub async fn consent(&self, address: &str, user: &str) -> String {
        let (mut address, mut cookies) = (address.to_owned(), BTreeMap::new());
        // The log-in, the consent, and the redirects between them.
        for _ in 0..12 {
            if !address.starts_with(&self.url) {
                return address;
            }
            let header: Vec<String> = cookies.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let header = header.join("; ");
            let mut headers = vec![("cookie", header.as_str())];
            let mut answer = send("GET", &address, &headers, "").await;
            keep_cookies(&answer, &mut cookies);
            if answer.status == 200 {
                let form = match answer.text().contains("value=\"login\"") {
                    true => format!("prompt=login&login={}&password=x", user.replace('@', "%40")),
                    false => "prompt=consent".to_owned(),
                };
                headers.push(("content-type", "application/x-www-form-urlencoded"));
                answer = send("POST", &address, &headers, form).await;
                keep_cookies(&answer, &mut cookies);
            }
            let next = answer.header("location").unwrap_or_else(|| panic!("{}", answer.text()));
            address = if next.starts_with('/') { format!("{}{next}", self.url) } else { next.to_owned() };
        }
        panic!("the consent leads nowhere: {address}");
    }

    /// The refresh token of a consent that nobody had to click.
    ///
    /// # Panics
    /// Where there is none.
    pub async fn mint(&self, client: &OAuthClient) -> String {
        let answer = send("GET", &format!("{}/mint?client_id={}", self.url, client.id), &[], "").await;
        let minted: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        minted["refresh_token"].as_str().unwrap_or_else(|| panic!("{}", answer.text())).to_owned()
    }

    /// Ends every access token of a client at once, as an administrator might.
    pub async fn expire(&self, client: &OAuthClient) {
        send("GET", &format!("{}/expire?client_id={}", self.url, client.id), &[], "").await;
    }

    /// How often the token endpoint was asked for what by a client: `refresh_token`, `error:invalid_grant`, ….
    pub async fn counts(&self, client: &OAuthClient) -> BTreeMap<String, u64> {
        let answer = send("GET", &format!("{}/counts", self.url), &[], "").await;
        let all: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let own = all[&client.id].as_object().cloned().unwrap_or_default();
        own.into_iter().map(|(name, count)| (name, count.as_u64().unwrap_or_default())).collect()
    }
}

/// An object storage (s3rver) that lets nobody in without a right AWS signature. Requests that are signed for another
/// service than `s3` are answered with what was seen of them, as JSON.
#[derive(Debug)]
pub struct ObjectStorage {
    /// `http://127.0.0.1:<port>`
    pub url: String,
    _own: Option<RealServer>,
}

/// The storage of this test run (`PASSTHROUGH_TEST_S3_URL`), or a private one that ends with the value.
///
/// # Panics
///
/// Where it cannot be started, with what to do about it.
pub fn object_storage() -> ObjectStorage {
    let (url, own) = shared_or_own("s3rver", "PASSTHROUGH_TEST_S3_URL");
    ObjectStorage { url, _own: own }
}

impl ObjectStorage {
    /// Makes an access key known, which is only good with its session token, where it has one.
    ///
    /// # Panics
    /// Where that fails.
    pub async fn know(&self, id: &str, secret: &str, session_token: Option<&str>) {
        let key = json!({ "id": id, "secret": secret, "token": session_token });
        put(&format!("{}/-/keys", self.url), &key).await;
    }

    /// Opens a port with TLS: all of it is there, too. Gives its URL.
    ///
    /// # Panics
    /// Where it cannot be opened.
    pub async fn over_tls(&self, server: &Issued) -> String {
        let pems = json!({ "key": server.key_pem(), "cert": server.pem() });
        open_tls(&format!("{}/-/tls", self.url), &pems).await
    }
}

/// A server of OAuth 1.0a, all of whose signatures oauthlib verifies, with an API; and one that wants an HMAC as Bybit
/// does. The comment at the head of its script says what is where.
#[derive(Debug)]
pub struct OAuth1Server {
    /// `http://127.0.0.1:<port>`
    pub url: String,
    _own: Option<RealServer>,
}

/// The server of this test run (`PASSTHROUGH_TEST_OAUTH1_URL`), or a private one that ends with the value.
///
/// # Panics
///
/// Where it cannot be started, with what to do about it.
pub fn oauth1_server() -> OAuth1Server {
    let (url, own) = shared_or_own("oauthlib", "PASSTHROUGH_TEST_OAUTH1_URL");
    OAuth1Server { url, _own: own }
}

impl OAuth1Server {
    /// Makes a client known: `key`, `secret`, and where it has a token already `token`, `token_secret` and `realm`.
    ///
    /// # Panics
    /// Where that fails.
    pub async fn know(&self, client: &Value) {
        put(&format!("{}/clients", self.url), client).await;
    }

    /// Makes a key for HMACs known.
    ///
    /// # Panics
    /// Where that fails.
    pub async fn know_hmac(&self, key: &str, secret: &str) {
        put(&format!("{}/hmac", self.url), &json!({ "key": key, "secret": secret })).await;
    }
}

fn keep_cookies(answer: &Response, cookies: &mut BTreeMap<String, String>) {
    for (_, line) in answer.headers.iter().filter(|(name, _)| name == "set-cookie") {
        let pair = line.split(';').next().unwrap_or_default();
        if let Some((name, value)) = pair.split_once('=') {
            cookies.insert(name.to_owned(), value.to_owned());
        }
    }
}

async fn put(url: &str, body: &Value) {
    let answer = send("PUT", url, &[], body.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
}

async fn open_tls(url: &str, pems: &Value) -> String {
    let answer = send("POST", url, &[], pems.to_string()).await;
    let port: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    let port = port["port"].as_u64().unwrap_or_else(|| panic!("{}", answer.text()));
    format!("https://127.0.0.1:{port}")
}

fn shared_or_own(name: &str, variable: &str) -> (String, Option<RealServer>) {
    #[expect(clippy::disallowed_methods, reason = "the test run, not the program, names its servers")]
    match std::env::var(variable) {
        Ok(url) if !url.is_empty() => (url, None),
        _ => {
            let (url, server) = RealServer::start(name, &[]);
            (url, Some(server))
        }
    }
}

/// A running `scripts/real-server`. It stops its server when its standard input ends: when this value is dropped,
/// and also when this process dies without a chance to drop anything.
#[derive(Debug)]
struct RealServer(Child);

impl RealServer {
    fn start(name: &str, settings: &[&str]) -> (String, Self) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/real-server");
        let mut child = Command::new(&script)
            .arg(name)
            .args(settings)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("{}: {error}", script.display()));
        let mut url = String::new();
        if let Some(stdout) = child.stdout.take() {
            let _ = BufReader::new(stdout).read_line(&mut url);
        }
        let server = Self(child);
        assert!(
            !url.is_empty(),
            "{name} did not start (its reason is on standard error); hint: scripts/install-needs test"
        );
        (url.trim_end().to_owned(), server)
    }
}

impl Drop for RealServer {
    fn drop(&mut self) {
        drop(self.0.stdin.take());
        let _ = self.0.wait();
    }
}
