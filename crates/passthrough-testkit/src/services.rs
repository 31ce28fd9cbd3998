//! Real software to make passthrough requests to: verdaccio (an npm registry: Bearer token after its own login),
//! InfluxDB 1.x (Basic, or credentials in the query) and oidc-provider (OAuth 2.0).
//!
//! `make test` starts one of each for the whole run and names them in the environment. A test that is run alone
//! starts its own. Either way a test that needs one fails where it is missing; it never skips.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};

use crate::http::send;

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
    /// Its secret.
    pub secret: String,
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
        let request = json!({
            "redirect_uris": [redirect_uri],
            "access_ttl": access_ttl,
            "token_endpoint_auth_method": "client_secret_basic",
        });
        let headers = [("content-type", "application/json")];
        let answer = send("POST", &format!("{}/reg", self.url), &headers, request.to_string()).await;
        assert_eq!(answer.status, 201, "{}", answer.text());
        let client: Value = serde_json::from_slice(&answer.body).unwrap_or_default();
        let text = |name: &str| client[name].as_str().unwrap_or_default().to_owned();
        OAuthClient { id: text("client_id"), secret: text("client_secret") }
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

fn shared_or_own(name: &str, variable: &str) -> (String, Option<RealServer>) {
    #[expect(clippy::disallowed_methods, reason = "the test run, not the program, names its servers")]
    match std::env::var(variable) {
        Ok(url) if !url.is_empty() => (url, None),
        _ => {
            let (url, server) = RealServer::start(name);
            (url, Some(server))
        }
    }
}

/// A running `scripts/real-server`. It stops its server when its standard input ends: when this value is dropped,
/// and also when this process dies without a chance to drop anything.
#[derive(Debug)]
struct RealServer(Child);

impl RealServer {
    fn start(name: &str) -> (String, Self) {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/real-server");
        let mut child = Command::new(&script)
            .arg(name)
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
