//! Real software to make passthrough requests to: verdaccio (an npm registry: Bearer token after its own login) and
//! InfluxDB 1.x (Basic, or credentials in the query).
//!
//! `make test` starts one of each for the whole run and names them in the environment. A test that is run alone
//! starts its own. Either way a test that needs one fails where it is missing; it never skips.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

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
