//! Logins, through the catalog's own files: only the hosts in them are replaced, by those of servers here that behave
//! as the providers' documents say. And verdaccio's, which is real.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

use bytes::Bytes;
use data_encoding::BASE64;
use http_body_util::Full;
use hyper::header::CONTENT_TYPE;
use passthrough_testkit::echo::{EchoProvider, Seen};
use passthrough_testkit::http::{Response, send};
use passthrough_testkit::program::{CANARY, Connected, Engine, Program, canary};
use passthrough_testkit::services::{Verdaccio, verdaccio, verdaccio_with_short_tokens};
use serde_json::{Value, json as object};

use crate::database::Database;
use crate::fake_clock::FakeClock;
use crate::support::{catalog, failure, json, on_both_databases, setup};

on_both_databases! {
    geotab_is_logged_in_to_again_when_its_session_is_gone_and_followed_to_another_server
    geotab_refuses_a_wrong_password_before_anything_is_stored_and_ends_a_connection_later
    geotab_is_not_followed_to_a_host_that_the_file_does_not_know
    verizon_reveal_gives_tokens_for_twenty_minutes_which_are_replaced_before_or_at_their_end
    wialon_sessions_are_made_anew_after_resting_and_after_their_end
    verdaccio_is_logged_in_to
}

fn answer(status: u16, kind: &str, body: impl Into<Bytes>) -> hyper::Response<Full<Bytes>> {
    let answer = hyper::Response::builder().status(status).header(CONTENT_TYPE, kind);
    answer.body(Full::new(body.into())).unwrap()
}

fn told(body: &Value) -> hyper::Response<Full<Bytes>> {
    answer(200, "application/json; charset=utf-8", body.to_string())
}

fn locked<T>(state: &Mutex<T>) -> MutexGuard<'_, T> {
    state.lock().unwrap()
}

async fn status(program: &Program, connection: &Connected) -> String {
    let path = format!("/v1/connections/{}", connection.id);
    json(&program.api("GET", &path, "").await)["status"].as_str().unwrap().to_owned()
}

async fn envelope(program: &Program, connection: &Connected, request: &Value) -> Value {
    let answer = program.on(connection, "POST", "/v1/passthrough", &[], request.to_string()).await;
    assert_eq!(answer.status, 200, "{}", answer.text());
    json(&answer)
}

/// MyGeotab: everything is a POST of JSON to `/apiv1`, and every answer a 200.
#[derive(Default)]
struct Geotab {
    password: String,
    /// Where a login sends to: `ThisServer`, or another.
    path: String,
    /// The living session, on the server that keeps the account.
    session: Option<String>,
    logins: u32,
    /// What the calls brought as their credentials.
    brought: Vec<Value>,
}

impl Geotab {
    fn answer(&mut self, seen: &Seen) -> Value {
        assert_eq!((seen.method.as_str(), seen.target.as_str()), ("POST", "/apiv1"));
        let call: Value = serde_json::from_slice(&seen.body).unwrap();
        let refused = object!({"jsonrpc": "2.0", "error": {"code": -32000, "message": "Incorrect login credentials",
            "data": {"id": "8c9e5e54", "type": "InvalidUserException", "requestIndex": 0}}});
        let params = &call["params"];
        if call["method"] == "Authenticate" {
            self.logins += 1;
            if params["password"] != self.password.as_str() || params["database"] != "acme" {
                return refused;
            }
            let session = canary("session");
            self.session = Some(session.clone());
            let credentials =
                object!({"database": "acme", "sessionId": session, "userName": params["userName"]});
            return object!({"jsonrpc": "2.0", "result": {"credentials": credentials, "path": self.path}});
        }
        self.brought.push(params["credentials"].clone());
        let session = self.session.as_deref().unwrap_or("none");
        let right = object!({"database": "acme", "userName": "jo@example.com", "sessionId": session});
        if params["credentials"] != right {
            return refused;
        }
        object!({"jsonrpc": "2.0", "result": [{"id": "b1", "name": format!("{} 1", params["typeName"].as_str().unwrap())}]})
    }

    async fn serve(state: &Arc<Mutex<Self>>) -> EchoProvider {
        let state = Arc::clone(state);
        EchoProvider::answering(move |seen| told(&locked(&state).answer(seen))).await
    }
}

/// A program and the two servers of MyGeotab: where everybody logs in, and where some accounts live.
struct Fleet {
    program: Program,
    state: Arc<Mutex<Geotab>>,
    first: EchoProvider,
    second: EchoProvider,
}

impl Fleet {
    async fn start(engine: Engine) -> Self {
        let path = "ThisServer".to_owned();
        let state = Arc::new(Mutex::new(Geotab { password: canary("password"), path, ..Geotab::default() }));
        let (first, second) = (Geotab::serve(&state).await, Geotab::serve(&state).await);
        let home = first.url().replace("http://", "");
        let file = catalog(
            "geotab",
            &[
                ("base_url = \"https://{server}\"", "base_url = \"http://{server}\""),
                ("https://my.geotab.com/apiv1\"", &format!("http://{home}/apiv1\"")),
                ("default = \"my.geotab.com\"", &format!("default = \"{home}\"")),
                ("hosts = [\".geotab.com\"]", "hosts = [\"localhost\"]"),
            ],
        );
        let program = setup(engine).provider("geotab", &file).start().await;
        Self { program, state, first, second }
    }

    fn state(&self) -> MutexGuard<'_, Geotab> {
        locked(&self.state)
    }

    fn request(password: &str) -> String {
        object!({"provider": "geotab", "verify": true,
            "credentials": {"database": "acme", "user_name": "jo@example.com", "password": password}})
        .to_string()
    }

    async fn connect(&mut self) -> Connected {
        let request = Self::request(&self.state().password.clone());
        self.program.connect(&request).await
    }

    async fn devices(&self, connection: &Connected) -> Value {
        // What a caller writes where the credential goes is not what arrives there.
        let body = object!({"method": "Get", "params": {"typeName": "Device", "credentials": {"sessionId": "mine"}}});
        let request = object!({"method": "POST", "path": "/apiv1", "body": body});
        envelope(&self.program, connection, &request).await
    }
}

async fn geotab_is_logged_in_to_again_when_its_session_is_gone_and_followed_to_another_server(
    engine: Engine,
) {
    let mut fleet = Fleet::start(engine).await;
    let connection = fleet.connect().await;
    for _ in 0..3 {
        let answer = fleet.devices(&connection).await;
        assert_eq!(answer["response"]["result"][0]["name"], "Device 1", "{answer}");
        assert_eq!(answer["attempts"], 1);
    }
    assert_eq!(fleet.state().logins, 1);
    // Sessions end by an administrator, or with a restart.
    fleet.state().session = None;
    let answer = fleet.devices(&connection).await;
    assert_eq!(answer["response"]["result"][0]["name"], "Device 1", "{answer}");
    assert_eq!((answer["attempts"].as_u64(), fleet.state().logins), (Some(2), 2));
    // The account is moved: the next login tells where to, and from then on that is where calls go.
    assert_eq!(fleet.second.seen().len(), 0);
    let there = fleet.second.url().replace("http://127.0.0.1", "localhost");
    fleet.state().path = there;
    fleet.state().session = None;
    let before = fleet.first.seen().len();
    for _ in 0..3 {
        let answer = fleet.devices(&connection).await;
        assert_eq!(answer["response"]["result"][0]["name"], "Device 1", "{answer}");
    }
    // The call with the old session and the login.
    assert_eq!((fleet.first.seen().len() - before, fleet.second.seen().len()), (2, 3));
    // That is known after a restart, too, and it is where the session is good.
    fleet.program.stop();
    fleet.program.resume();
    assert_eq!(fleet.devices(&connection).await["attempts"], 1);
    assert_eq!((fleet.state().logins, fleet.second.seen().len()), (3, 4));
    // And back again.
    fleet.state().path = "ThisServer".to_owned();
    fleet.state().session = None;
    let answer = fleet.devices(&connection).await;
    assert_eq!(answer["response"]["result"][0]["name"], "Device 1", "{answer}");
    assert_eq!(fleet.state().logins, 4);
    assert!(fleet.state().brought.iter().all(|credentials| credentials["sessionId"] != "mine"));
    fleet.program.finish().await;
}

async fn geotab_refuses_a_wrong_password_before_anything_is_stored_and_ends_a_connection_later(
    engine: Engine,
) {
    let mut fleet = Fleet::start(engine).await;
    let refused = fleet.program.api("POST", "/v1/connections", &Fleet::request(&canary("wrong"))).await;
    failure(&refused, 422, "invalid_credentials");
    let stored = json(&fleet.program.api("GET", "/v1/connections", "").await);
    assert!(!stored.to_string().contains("geotab"), "{stored}");
    let connection = fleet.connect().await;
    let logins = fleet.state().logins;
    // The user takes another password, and the session ends.
    let new = canary("new");
    fleet.state().password = new.clone();
    fleet.state().session = None;
    let answer = fleet.devices(&connection).await;
    // The provider's own words are what there is to say.
    assert_eq!(answer["response"]["error"]["data"]["type"], "InvalidUserException", "{answer}");
    assert_eq!(status(&fleet.program, &connection).await, "disconnected");
    let request = r#"{"method":"POST","path":"/apiv1","body":{"method":"Get","params":{}}}"#;
    for _ in 0..3 {
        let refused = fleet.program.on(&connection, "POST", "/v1/passthrough", &[], request).await;
        failure(&refused, 422, "connection_disconnected");
    }
    // One attempt: an account is not locked by us.
    assert_eq!(fleet.state().logins, logins + 1);
    let credentials =
        object!({"credentials": {"database": "acme", "user_name": "jo@example.com", "password": new}});
    let path = format!("/v1/connections/{}", connection.id);
    assert_eq!(fleet.program.api("PATCH", &path, &credentials.to_string()).await.status, 200);
    assert_eq!(fleet.devices(&connection).await["response"]["result"][0]["name"], "Device 1");
    assert_eq!(status(&fleet.program, &connection).await, "connected");
    fleet.program.finish().await;
}

async fn geotab_is_not_followed_to_a_host_that_the_file_does_not_know(engine: Engine) {
    let mut fleet = Fleet::start(engine).await;
    let evil = fleet.second.url().replace("http://127.0.0.1", "127.0.0.2");
    for path in [evil.as_str(), "evil.example", "localhost@evil.example", "localhost/evil", "localhost#.evil"]
    {
        fleet.state().path = path.to_owned();
        let request = Fleet::request(&fleet.state().password.clone());
        let refused = fleet.program.api("POST", "/v1/connections", &request).await;
        assert!((400..500).contains(&refused.status.as_u16()), "{path}: {}", refused.text());
        assert!(!refused.text().contains(CANARY), "{}", refused.text());
    }
    assert_eq!(fleet.second.seen().len(), 0);
    // A connection that has a server keeps it: whoever can answer for the login server cannot lead it away.
    fleet.state().path = "ThisServer".to_owned();
    let connection = fleet.connect().await;
    fleet.state().path = evil;
    fleet.state().session = None;
    let request =
        r#"{"method":"POST","path":"/apiv1","body":{"method":"Get","params":{"typeName":"Device"}}}"#;
    for _ in 0..2 {
        fleet.program.on(&connection, "POST", "/v1/passthrough", &[], request).await;
    }
    assert_eq!(fleet.second.seen().len(), 0);
    fleet.program.finish().await;
}

/// Logins, and calls without a session, as far as a server has counted them.
trait Counted {
    fn counted(&self) -> (u32, u32);
}

fn counts<T: Counted>(state: &Mutex<T>) -> (u32, u32) {
    locked(state).counted()
}

/// Verizon Connect Reveal: a token as plain text for Basic, and a scheme of its own in `Authorization`.
#[derive(Default)]
struct Reveal {
    password: String,
    tokens: BTreeSet<String>,
    logins: u32,
    refused: u32,
}

impl Counted for Reveal {
    fn counted(&self) -> (u32, u32) {
        (self.logins, self.refused)
    }
}

impl Reveal {
    fn answer(&mut self, seen: &Seen) -> hyper::Response<Full<Bytes>> {
        let authorization = seen.header("authorization");
        assert_eq!(authorization.len(), 1);
        if seen.target == "/token" {
            self.logins += 1;
            let right = format!("Basic {}", BASE64.encode(format!("jo:{}", self.password).as_bytes()));
            if seen.method != "GET" || authorization != [right.as_str()] {
                return answer(401, "text/plain", "Unauthorized");
            }
            assert_eq!(seen.header("accept"), ["text/plain"]);
            let token = canary("token");
            self.tokens.insert(token.clone());
            return answer(200, "text/plain; charset=utf-8", format!("{token}\r\n"));
        }
        let token = authorization[0].strip_prefix("Atmosphere atmosphere_app_id=fleet-app, Bearer ");
        if !token.is_some_and(|token| self.tokens.contains(token)) {
            self.refused += 1;
            return answer(401, "application/json", "{\"Message\":\"Authorization has been denied\"}");
        }
        answer(200, "application/json", format!("[{{\"Asked\":\"{}\"}}]", seen.target))
    }
}

async fn verizon_reveal_gives_tokens_for_twenty_minutes_which_are_replaced_before_or_at_their_end(
    engine: Engine,
) {
    let state = Arc::new(Mutex::new(Reveal { password: canary("password"), ..Reveal::default() }));
    let served = Arc::clone(&state);
    let provider = EchoProvider::answering(move |seen| locked(&served).answer(seen)).await;
    let host = provider.url().replace("http://", "");
    let enumerated = "enum = [\"fim.api.us.fleetmatics.com\", \"fim.api.eu.fleetmatics.com\"]";
    let file = catalog(
        "verizon-reveal",
        &[
            ("base_url = \"https://{host}\"", "base_url = \"http://{host}\""),
            ("GET https://{host}/token", "GET http://{host}/token"),
            (enumerated, &format!("enum = [\"{host}\"]")),
            ("default = \"fim.api.us.fleetmatics.com\"", &format!("default = \"{host}\"")),
        ],
    );
    let clock = FakeClock::new();
    let mut program = clock.of(setup(engine)).provider("verizon-reveal", &file).start().await;
    let request = |password: &str| {
        object!({"provider": "verizon-reveal", "verify": true,
            "credentials": {"app_id": "fleet-app", "username": "jo", "password": password}})
        .to_string()
    };
    let refused = program.api("POST", "/v1/connections", &request(&canary("wrong"))).await;
    failure(&refused, 422, "invalid_credentials");
    let password = locked(&state).password.clone();
    let connection = program.connect(&request(&password)).await;
    let vehicles = object!({"method": "GET", "path": "/cmd/v1/vehicles?page=2"});
    let call = async |attempts: u64| {
        let answer = envelope(&program, &connection, &vehicles).await;
        assert_eq!(answer["response"][0]["Asked"], "/cmd/v1/vehicles?page=2", "{answer}");
        assert_eq!(answer["attempts"], attempts, "{answer}");
    };
    for _ in 0..3 {
        call(1).await;
    }
    // The wrong one, and one for all calls.
    assert_eq!(counts(&state), (2, 0));
    let database = Database::of(&program).await;
    // A second less is allowed: the two are of two clocks, the one that is set and the one that only counts on.
    let twenty = "update credentials set expires_at = expires_at \
                  where expires_at - refreshed_at between 1199000 and 1230000";
    assert_eq!(database.change(twenty).await, 1, "the token is not known to end after 20 minutes");
    database.close().await;
    // Ended before its time: a new login, and the call again.
    locked(&state).tokens.clear();
    call(2).await;
    assert_eq!(counts(&state), (3, 1));
    // Nineteen minutes later it is replaced before anybody is refused.
    clock.set("+19m");
    program.stop();
    program.resume();
    let answer = envelope(&program, &connection, &vehicles).await;
    assert_eq!(answer["attempts"], 1, "{answer}");
    assert_eq!(counts(&state), (4, 1));
    program.finish().await;
}

/// Wialon: a session for a token, which ends when it rests; every answer is a 200.
struct Wialon {
    token: String,
    session: Option<(String, Instant)>,
    logins: u32,
    strangers: u32,
}

/// How long a session may rest: there, and as the file here says.
const REST_THERE: Duration = Duration::from_millis(2_500);
const REST_HERE: &str = "2s";

impl Counted for Wialon {
    fn counted(&self) -> (u32, u32) {
        (self.logins, self.strangers)
    }
}

impl Wialon {
    fn answer(&mut self, seen: &Seen) -> Value {
        let query = seen.target.split_once('?').map(|(_, query)| query).unwrap_or_default();
        let body = String::from_utf8_lossy(&seen.body).into_owned();
        let fields = |text: &str| -> BTreeMap<String, String> {
            let pairs = text.split('&').filter_map(|pair| pair.split_once('='));
            pairs.map(|(name, value)| (decoded(name), decoded(value))).collect()
        };
        let (query, form) = (fields(query), fields(&body));
        if form.get("svc").is_some_and(|svc| svc == "token/login") {
            self.logins += 1;
            let params: Value = serde_json::from_str(&form["params"]).unwrap();
            if params != object!({"token": self.token, "fl": 1}) {
                return object!({"error": 8});
            }
            let session = canary("session");
            self.session = Some((session.clone(), Instant::now()));
            return object!({"eid": session, "user": {"nm": "jo"}});
        }
        let presented = query.get("sid").map(String::as_str).unwrap_or_default();
        match &mut self.session {
            Some((session, used)) if session == presented && used.elapsed() < REST_THERE => {
                *used = Instant::now();
                object!({"asked": form.get("svc"), "tm": 1})
            }
            _ => {
                self.strangers += 1;
                object!({"error": 1})
            }
        }
    }
}

fn decoded(text: &str) -> String {
    let mut out = Vec::new();
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let hex = [bytes.next().unwrap(), bytes.next().unwrap()];
                u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap()
            }
            other => other,
        });
    }
    String::from_utf8(out).unwrap()
}

async fn wialon_sessions_are_made_anew_after_resting_and_after_their_end(engine: Engine) {
    let token = format!("{:0<72}", canary("token"));
    let state = Wialon { token: token.clone(), session: None, logins: 0, strangers: 0 };
    let state = Arc::new(Mutex::new(state));
    let served = Arc::clone(&state);
    let provider = EchoProvider::answering(move |seen| told(&locked(&served).answer(seen))).await;
    let host = provider.url().replace("http://", "");
    let file = catalog(
        "wialon",
        &[
            ("base_url = \"https://{host}\"", "base_url = \"http://{host}\""),
            ("POST https://{host}/wialon", "POST http://{host}/wialon"),
            ("default = \"hst-api.wialon.com\"", &format!("default = \"{host}\"")),
            ("idle = \"5m\"", &format!("idle = \"{REST_HERE}\"")),
        ],
    );
    let mut program = setup(engine).provider("wialon", &file).start().await;
    let request = |token: &str| {
        object!({"provider": "wialon", "verify": true, "credentials": {"token": token}}).to_string()
    };
    let wrong = format!("{:0<72}", canary("wrong"));
    failure(&program.api("POST", "/v1/connections", &request(&wrong)).await, 422, "invalid_credentials");
    let connection = program.connect(&request(&token)).await;
    let search = object!({"method": "POST", "path": "/wialon/ajax.html",
        "form": {"svc": "core/search_items", "params": "{\"spec\":{},\"force\":1}"}});
    let call = async || {
        let answer = envelope(&program, &connection, &search).await;
        assert_eq!(answer["response"]["asked"], "core/search_items", "{answer}");
        answer["attempts"].as_u64().unwrap()
    };
    // In use it lives on, longer than it may rest.
    for _ in 0..6 {
        assert_eq!(call().await, 1);
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
    assert_eq!(counts(&state), (2, 0));
    // After a rest nobody tries whether it still lives.
    tokio::time::sleep(Duration::from_millis(3_000)).await;
    assert_eq!(call().await, 1);
    assert_eq!(counts(&state), (3, 0));
    // Ended by somebody else: the provider says so, in a 200.
    locked(&state).session = None;
    assert_eq!(call().await, 2);
    assert_eq!(counts(&state), (4, 1));
    program.finish().await;
}

/// An npm registry's own login.
const REGISTRY: &str = r#"
    name = "Registry"
    base_url = "{url}"
    variables.url = { label = "Registry", format = "url" }
    verify.request = "GET /-/npm/v1/user"
    verify.account_label = "/name"
    [auth.login]
    grant = "login"
    fields.user_name.label = "User name"
    fields.password = { label = "Password", secret = true }
    login.request = "PUT {url}/-/user/org.couchdb.user:{user_name}"
    login.json = { name = "{user_name}", password = "{password}" }
    # Without this it is a registration, and the name is taken.
    login.basic = "{user_name}:{password}"
    login.capture.token = "/token"
    login.refused_when = [{ status = 409 }]
    inject.headers.authorization = "Bearer {token}"
"#;

/// Makes a user at a registry, as `npm adduser` does.
async fn registered(registry: &Verdaccio, user: &str, password: &str) {
    let account = object!({"name": user, "password": password}).to_string();
    let made = format!("{}/-/user/org.couchdb.user:{user}", registry.url);
    assert_eq!(send("PUT", &made, &[("content-type", "application/json")], account).await.status, 201);
}

fn registry_request(registry: &Verdaccio, user: &str, password: &str) -> String {
    object!({"provider": "registry", "verify": true, "variables": {"url": registry.url},
        "credentials": {"user_name": user, "password": password}})
    .to_string()
}

async fn verdaccio_is_logged_in_to(engine: Engine) {
    let registry = verdaccio();
    let (user, password) = (canary("user").to_lowercase(), canary("password"));
    let content = [("content-type", "application/json")];
    registered(&registry, &user, &password).await;
    let mut program = setup(engine).provider("registry", REGISTRY).start().await;
    let request = |password: &str| registry_request(&registry, &user, password);
    let refused = program.api("POST", "/v1/connections", &request(&canary("wrong"))).await;
    failure(&refused, 422, "invalid_credentials");
    let connection = program.connect(&request(&password)).await;
    let shown = json(&program.api("GET", &format!("/v1/connections/{}", connection.id), "").await);
    assert_eq!(shown["account"]["label"], user.as_str());
    let who = object!({"method": "GET", "path": "/-/whoami"});
    assert_eq!(envelope(&program, &connection, &who).await["response"]["username"], user.as_str());

    // A token of this registry is worth nothing once the user has another password; nor is then the old password.
    let new = canary("new");
    let change = object!({"password": {"old": password, "new": new}}).to_string();
    let on = async |method: &str, path: &str, body: String| -> Response {
        program.on(&connection, method, &format!("/v1/proxy{path}"), &content, body).await
    };
    let changed = on("POST", "/-/npm/v1/user", change).await;
    assert_eq!(changed.status, 200, "{}", changed.text());
    let refused = on("GET", "/-/npm/v1/user", String::new()).await;
    assert_eq!(refused.status, 401, "{}", refused.text());
    assert_eq!(status(&program, &connection).await, "disconnected");
    let patch = object!({"credentials": {"user_name": user, "password": new}}).to_string();
    let patched = program.api("PATCH", &format!("/v1/connections/{}", connection.id), &patch).await;
    assert_eq!(patched.status, 200, "{}", patched.text());
    assert_eq!(envelope(&program, &connection, &who).await["response"]["username"], user.as_str());
    program.finish().await;
}

/// Its file does not say how long a token lives, and nobody else does: its end is seen when it is refused.
#[tokio::test(flavor = "multi_thread")]
async fn verdaccio_is_logged_in_to_again_when_its_token_has_ended() {
    let registry = verdaccio_with_short_tokens(3);
    let (user, password) = (canary("user").to_lowercase(), canary("password"));
    registered(&registry, &user, &password).await;
    let mut program = setup(Engine::Sqlite).provider("registry", REGISTRY).start().await;
    let connection = program.connect(&registry_request(&registry, &user, &password)).await;
    let who = object!({"method": "GET", "path": "/-/npm/v1/user"});
    let answer = envelope(&program, &connection, &who).await;
    assert_eq!((&answer["statusCode"], &answer["attempts"]), (&object!(200), &object!(1)), "{answer}");
    tokio::time::sleep(Duration::from_millis(4_100)).await;
    let answer = envelope(&program, &connection, &who).await;
    assert_eq!((&answer["statusCode"], &answer["attempts"]), (&object!(200), &object!(2)), "{answer}");
    assert_eq!(answer["response"]["name"], user.as_str(), "{answer}");
    assert_eq!(status(&program, &connection).await, "connected");
    program.finish().await;
}
