//! Credentials that renew themselves, against a certified OAuth server whose refresh tokens can be used once.

#![expect(clippy::print_stdout, reason = "the figures of long runs")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use http::Response;
use http_body_util::Full;
use passthrough_testkit::echo::EchoProvider;
use passthrough_testkit::http::{send, try_send};
use passthrough_testkit::program::{Connected, Engine, Program, Setup};
use passthrough_testkit::services::{OAuthClient, OidcProvider, oidc_provider};
use tokio::time::sleep;

use crate::support::{json, on_both_databases, setup};

on_both_databases! {
    a_refresh_token_becomes_an_access_token_at_the_first_call_and_is_kept
    an_imported_grant_is_renewed_before_it_is_proven_and_what_it_gave_is_kept
    a_token_that_ended_before_its_time_is_renewed_and_the_call_repeated
    a_grant_that_ended_disconnects_and_a_new_one_reconnects
    a_provider_in_trouble_ends_nothing
    a_client_that_is_mended_is_tried_at_once
    what_is_given_is_read_kindly_and_its_end_is_told_as_it_is
    many_callers_at_an_expiry_make_one_token_call
    a_kill_during_a_refresh_loses_only_what_nobody_could_have_kept
}

/// A provider file for the OAuth server. `lines` go into its `oauth2` table.
fn file(oidc: &OidcProvider, lines: &str) -> String {
    let url = &oidc.url;
    format!(
        "name = \"Books\"\nbase_url = \"{url}/api\"\nverify = {{ request = \"GET /me\" }}\n[auth.oauth]\ngrant = \"oauth2_code\"\n\
         inject.headers.authorization = \"Bearer {{access_token}}\"\n\
         [auth.oauth.oauth2]\nauthorize_url = \"{url}/auth\"\ntoken_url = \"{url}/token\"\nrotation = \"strict\"\n\
         {lines}\n\
         [auth.machine]\ngrant = \"oauth2_client_credentials\"\noauth2.token_url = \"{url}/token\"\n\
         fields.client_id.label = \"Client id\"\nfields.client_secret = {{ label = \"Client secret\", secret = true }}\n\
         inject.headers.authorization = \"Bearer {{access_token}}\"\n"
    )
}

struct Rig {
    program: Program,
    oidc: OidcProvider,
}

impl Rig {
    async fn start(engine: Engine, lines: &str, settings: impl FnOnce(Setup) -> Setup) -> Self {
        let oidc = oidc_provider();
        let program = settings(setup(engine)).provider("books", &file(&oidc, lines)).start().await;
        Self { program, oidc }
    }

    /// A client with one connection that has nothing but a refresh token.
    async fn connect(&mut self, access_ttl: u32) -> (OAuthClient, Connected) {
        let client = self.oidc.register("https://app.example/callback", access_ttl).await;
        let token = self.oidc.mint(&client).await;
        self.program.watch(&token);
        self.program.watch(&client.secret);
        let connection = self.program.connect(&import(&client, &token)).await;
        (client, connection)
    }

    async fn call(&self, connection: &Connected) -> u16 {
        self.program.on(connection, "GET", "/v1/proxy/me", &[], "").await.status.as_u16()
    }

    async fn status(&self, connection: &Connected) -> String {
        let path = format!("/v1/connections/{}", connection.id);
        json(&self.program.api("GET", &path, "").await)["status"].as_str().unwrap().to_owned()
    }
}

fn import(client: &OAuthClient, token: &str) -> String {
    let OAuthClient { id, secret } = client;
    format!(
        r#"{{"provider":"books","auth":"oauth","credentials":{{"client_id":"{id}","client_secret":"{secret}","refresh_token":"{token}"}}}}"#
    )
}

async fn a_refresh_token_becomes_an_access_token_at_the_first_call_and_is_kept(engine: Engine) {
    let mut rig = Rig::start(engine, "", |setup| setup).await;
    let (client, connection) = rig.connect(3600).await;
    for _ in 0..3 {
        assert_eq!(rig.call(&connection).await, 200);
    }
    rig.program.stop();
    rig.program.resume();
    assert_eq!(rig.call(&connection).await, 200);
    assert_eq!(rig.oidc.counts(&client).await, [("refresh_token".to_owned(), 1)].into());
    // The other grant of the file: nobody has to consent, and the first token is had at once.
    let machine = format!(
        r#"{{"provider":"books","auth":"machine","credentials":{{"client_id":"{}","client_secret":"{}"}}}}"#,
        client.id, client.secret
    );
    let machine = rig.program.connect(&machine).await;
    assert_eq!(rig.oidc.counts(&client).await["client_credentials"], 1);
    assert_eq!(rig.call(&machine).await, 200);
    let wrong =
        r#"{"provider":"books","auth":"machine","credentials":{"client_id":"nobody","client_secret":"x"}}"#;
    let refused = rig.program.api("POST", "/v1/connections", wrong).await;
    assert_eq!(
        (refused.status.as_u16(), json(&refused)["code"].as_str()),
        (422, Some("unprocessable_entity"))
    );
    rig.program.finish().await;
}

async fn an_imported_grant_is_renewed_before_it_is_proven_and_what_it_gave_is_kept(engine: Engine) {
    let echo = EchoProvider::answering(|_| Response::builder().status(401).body(Full::default()).unwrap());
    let echo = echo.await;
    let oidc = oidc_provider();
    let books = file(&oidc, "");
    let strange = books.replace(&format!("{}/api", oidc.url), &echo.url());
    let mut program = setup(engine).provider("books", &books).provider("strange", &strange).start().await;
    let client = oidc.register("https://app.example/callback", 3600).await;
    program.watch(&client.secret);
    let given = async |program: &mut Program, provider: &str, more: &str, refresh_token: Option<&str>| {
        let minted = match refresh_token {
            Some(token) => token.to_owned(),
            None => oidc.mint(&client).await,
        };
        let OAuthClient { id, secret } = &client;
        program.watch(&minted);
        let body = format!(
            r#"{{"provider":"{provider}","auth":"oauth","verify":true,"credentials":{{"client_id":"{id}",
               "client_secret":"{secret}","refresh_token":"{minted}"{more}}}}}"#
        );
        program.api("POST", "/v1/connections", &body).await
    };
    let ended = r#","access_token":"old","expires_at":"2026-01-01T00:00:00Z""#;
    // One that ended, none at all, and one of which nobody knows that it is no good.
    for (at, more) in [ended, "", r#","access_token":"old""#].into_iter().enumerate() {
        let made = given(&mut program, "books", more, None).await;
        let connection = json(&made);
        assert_eq!((made.status.as_u16(), &connection["verification"]["result"]), (201, &"alive".into()));
        assert!(connection["verifiedAt"].is_string(), "{connection}");
        let id = connection["id"].as_str().unwrap().to_owned();
        let connected = Connected { id, token: connection["token"].as_str().unwrap().to_owned() };
        // The token call has used the refresh token up, so the next one needs the one that it gave.
        oidc.expire(&client).await;
        assert_eq!(program.on(&connected, "GET", "/v1/proxy/me", &[], "").await.status, 200);
        assert_eq!(oidc.counts(&client).await["refresh_token"], 2 * (at as u64 + 1));
    }
    // What its provider does not renew is not stored.
    let refused = given(&mut program, "books", ended, Some("of-no-grant")).await;
    let error = json(&refused);
    assert_eq!((refused.status.as_u16(), &error["code"]), (422, &"invalid_credentials".into()), "{error}");
    assert!(error["message"].as_str().unwrap().contains("invalid_grant"), "{error}");
    let count = async |program: &Program| {
        json(&program.api("GET", "/v1/connections", "").await)["results"].as_array().unwrap().len()
    };
    assert_eq!(count(&program).await, 3);
    // A token that was renewed and is of no use all the same is kept: there is no other.
    let kept = given(&mut program, "strange", ended, None).await;
    let connection = json(&kept);
    assert_eq!(
        (kept.status.as_u16(), &connection["verification"]["statusCode"], &connection["status"]),
        (201, &401.into(), &"disconnected".into())
    );
    assert_eq!(count(&program).await, 4);
    program.finish().await;
}

async fn a_token_that_ended_before_its_time_is_renewed_and_the_call_repeated(engine: Engine) {
    let mut rig = Rig::start(engine, "", |setup| setup).await;
    let (client, connection) = rig.connect(3600).await;
    assert_eq!(rig.call(&connection).await, 200);
    rig.oidc.expire(&client).await;
    assert_eq!(rig.call(&connection).await, 200);
    rig.oidc.expire(&client).await;
    // A body that is still held is sent again, too.
    let posted = rig.program.on(
        &connection,
        "POST",
        "/v1/passthrough",
        &[],
        r#"{"method":"POST","path":"/x","body":{"a":1}}"#,
    );
    let posted = json(&posted.await);
    assert_eq!((posted["statusCode"].as_u64(), posted["attempts"].as_u64()), (Some(200), Some(2)));
    assert_eq!(rig.oidc.counts(&client).await["refresh_token"], 3);
    rig.program.finish().await;
}

async fn a_grant_that_ended_disconnects_and_a_new_one_reconnects(engine: Engine) {
    let mut rig = Rig::start(engine, "", |setup| setup).await;
    let (client, connection) = rig.connect(3600).await;
    let replaced = rig.oidc.mint(&client).await;
    let path = format!("/v1/connections/{}", connection.id);
    let with = |token: &str| {
        format!(
            r#"{{"credentials":{{"client_id":"{}","client_secret":"{}","refresh_token":"{token}"}}}}"#,
            client.id, client.secret
        )
    };
    assert_eq!(rig.program.api("PATCH", &path, &with("of-no-grant")).await.status, 200);
    for _ in 0..2 {
        let refused = rig.program.on(&connection, "GET", "/v1/proxy/me", &[], "").await;
        assert_eq!(
            (refused.status.as_u16(), json(&refused)["code"].as_str()),
            (422, Some("connection_disconnected"))
        );
    }
    assert_eq!(rig.status(&connection).await, "disconnected");
    let shown = json(&rig.program.api("GET", &path, "").await);
    assert_eq!(shown["credential"]["error"], "invalid_grant", "{shown}");
    assert_eq!(rig.oidc.counts(&client).await["error:invalid_grant"], 1);
    assert_eq!(rig.program.api("PATCH", &path, &with(&replaced)).await.status, 200);
    assert_eq!(rig.status(&connection).await, "connected");
    assert_eq!(rig.call(&connection).await, 200);
    rig.program.finish().await;
}

async fn a_provider_in_trouble_ends_nothing(engine: Engine) {
    use passthrough_testkit::raw_server::{RawServer, Step};
    let answers = [
        "HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned(),
        "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\nContent-Length: 15\r\nConnection: close\r\n\r\n<h1>Hello</h1>\r\n".to_owned(),
        "HTTP/1.1 400 Bad Request\r\nContent-Length: 25\r\nConnection: close\r\n\r\n{\"error\":\"server_on_fire\"}".to_owned(),
        "HTTP/1.1 429 Too Many\r\nRetry-After: 90\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned(),
    ];
    for answer in answers {
        let server = RawServer::start(vec![vec![Step::ReadRequest, Step::write(&answer)]]).await.unwrap();
        let url = format!("http://{}", server.address());
        let text = format!(
            "name = \"T\"\nbase_url = \"{url}\"\n[auth.oauth]\ngrant = \"oauth2_code\"\n\
             oauth2 = {{ authorize_url = \"{url}/a\", token_url = \"{url}/t\" }}\n\
             inject.headers.authorization = \"Bearer {{access_token}}\"\n"
        );
        let mut program = setup(engine).provider("troubled", &text).start().await;
        let given = r#"{"provider":"troubled","credentials":{"client_id":"a","client_secret":"b","refresh_token":"c"}}"#;
        let connection = program.connect(given).await;
        for _ in 0..2 {
            let failed = program.on(&connection, "GET", "/v1/proxy/me", &[], "").await;
            let error = json(&failed);
            assert_eq!(
                (failed.status.as_u16(), error["detail"]["reason"].as_str()),
                (502, Some("refresh")),
                "{error}"
            );
            assert!(failed.header("retry-after").is_some() && error["retryable"] == true);
        }
        let path = format!("/v1/connections/{}", connection.id);
        assert_eq!(json(&program.api("GET", &path, "").await)["status"], "connected");
        program.finish().await;
    }
}

async fn a_client_that_is_mended_is_tried_at_once(engine: Engine) {
    let mut rig = Rig::start(engine, "", |setup| setup).await;
    let client = rig.oidc.register("https://app.example/callback", 3600).await;
    let token = rig.oidc.mint(&client).await;
    rig.program.watch(&token);
    rig.program.watch(&client.secret);
    let made = format!(r#"{{"provider":"books","clientId":"{}","clientSecret":"wrong"}}"#, client.id);
    assert_eq!(rig.program.api("POST", "/v1/integrations", &made).await.status, 201);
    let given =
        format!(r#"{{"integration":"books","auth":"oauth","credentials":{{"refresh_token":"{token}"}}}}"#);
    let connection = rig.program.connect(&given).await;
    for _ in 0..2 {
        let failed = rig.program.on(&connection, "GET", "/v1/proxy/me", &[], "").await;
        let error = json(&failed);
        assert_eq!((failed.status.as_u16(), &error["detail"]["reason"]), (502, &"client_rejected".into()));
        assert_eq!(
            (&error["detail"]["integration"], &error["origin"], &error["retryable"]),
            (&"books".into(), &"passthrough".into(), &false.into())
        );
        assert!(error["message"].as_str().unwrap().contains("`books`"), "{error}");
    }
    // The second was told from memory. Who asks for it has another try, but not without end.
    let refused = async || rig.oidc.counts(&client).await["error:invalid_client"];
    assert_eq!(refused().await, 1);
    let refresh = format!("/v1/connections/{}/refresh", connection.id);
    for _ in 0..3 {
        assert_eq!(rig.program.api("POST", &refresh, "").await.status, 502);
    }
    assert_eq!(refused().await, 2);
    let path = format!("/v1/connections/{}", connection.id);
    let shown = json(&rig.program.api("GET", &path, "").await);
    let credential = &shown["credential"];
    assert_eq!(
        (&credential["failures"], &credential["error"]),
        (&2.into(), &"invalid_client".into()),
        "{shown}"
    );
    assert!(credential["retryAt"].is_string(), "{shown}");
    // A client that was mended ends the pause.
    let mended = format!(r#"{{"clientSecret":"{}"}}"#, client.secret);
    assert_eq!(rig.program.api("PATCH", "/v1/integrations/books", &mended).await.status, 200);
    assert_eq!(rig.call(&connection).await, 200);
    let shown = json(&rig.program.api("GET", &path, "").await);
    let credential = &shown["credential"];
    assert!(credential["failures"].is_null() && credential["retryAt"].is_null(), "{shown}");
    assert!(credential["expiresAt"].is_string() && credential["since"].is_string(), "{shown}");
    rig.program.finish().await;
}

async fn what_is_given_is_read_kindly_and_its_end_is_told_as_it_is(engine: Engine) {
    let mut rig = Rig::start(engine, "", |setup| setup).await;
    let given = r#"{"provider":"books","auth":"oauth","credentials":{"refresh_tok":"r"}}"#;
    let slip = json(&rig.program.api("POST", "/v1/connections", given).await);
    assert_eq!(slip["detail"][0]["path"], "credentials.refresh_tok", "{slip}");
    assert!(slip["message"].as_str().unwrap().contains("did you mean `refresh_token`?"), "{slip}");
    let wrong = r#"{"provider":"books","auth":"oauth","credentials":{"access_token":"a","expires_in":[8]}}"#;
    let wrong = json(&rig.program.api("POST", "/v1/connections", wrong).await);
    assert!(wrong["message"].as_str().unwrap().contains("must be a string or a number"), "{wrong}");
    let seconds_left = |shown: &serde_json::Value| {
        let at = |text: &str| passthrough_wire::time::parse(text).unwrap();
        let credential = &shown["credential"];
        let (since, ends) =
            (credential["since"].as_str().unwrap(), credential["expiresAt"].as_str().unwrap());
        (at(ends) - at(since)) / 1_000
    };
    // As a token endpoint writes it.
    let given = r#"{"provider":"books","auth":"oauth","credentials":{"access_token":"a","expires_in":8}}"#;
    let made = rig.program.connect(given).await;
    let shown = json(&rig.program.api("GET", &format!("/v1/connections/{}", made.id), "").await);
    assert!((7..=8).contains(&seconds_left(&shown)), "{shown}");
    let (_, connection) = rig.connect(8).await;
    let path = format!("/v1/connections/{}", connection.id);
    let refreshed = json(&rig.program.api("POST", &format!("{path}/refresh"), "").await);
    let shown = json(&rig.program.api("GET", &path, "").await);
    assert!((5..=8).contains(&seconds_left(&shown)), "{shown}");
    assert_eq!(shown["credential"]["expiresAt"], refreshed["expiresAt"]);
    rig.program.finish().await;
}

/// Callers who go on calling until they are told to stop; every answer that is not 200 is counted.
struct Callers {
    stop: Arc<AtomicBool>,
    calls: Arc<AtomicU64>,
    other: Arc<std::sync::Mutex<Vec<String>>>,
    slowest_ms: Arc<AtomicU64>,
    tasks: Vec<tokio::task::JoinHandle<()>>,
}

impl Callers {
    fn start(urls: &[String], key: &str, token: &str, count: usize) -> Self {
        let mut callers = Self {
            stop: Arc::default(),
            calls: Arc::default(),
            other: Arc::default(),
            slowest_ms: Arc::default(),
            tasks: Vec::new(),
        };
        for number in 0..count {
            let url = format!("{}/v1/proxy/me", urls[number % urls.len()]);
            let (key, token) = (format!("Bearer {key}"), token.to_owned());
            let (stop, calls) = (Arc::clone(&callers.stop), Arc::clone(&callers.calls));
            let (other, slowest) = (Arc::clone(&callers.other), Arc::clone(&callers.slowest_ms));
            callers.tasks.push(tokio::spawn(async move {
                while !stop.load(Ordering::Relaxed) {
                    let begun = Instant::now();
                    let headers = [("authorization", key.as_str()), ("connection-token", token.as_str())];
                    let answer = try_send("GET", &url, &headers, "").await;
                    slowest.fetch_max(begun.elapsed().as_millis().try_into().unwrap(), Ordering::Relaxed);
                    calls.fetch_add(1, Ordering::Relaxed);
                    match answer {
                        Ok(answer) if answer.status == 200 => {}
                        Ok(answer) => other.lock().unwrap().push(answer.text()),
                        Err(error) => other.lock().unwrap().push(error),
                    }
                    sleep(Duration::from_millis(20)).await;
                }
            }));
        }
        callers
    }

    async fn finish(self) -> (u64, Vec<String>) {
        self.stop.store(true, Ordering::Relaxed);
        for task in self.tasks {
            task.await.unwrap();
        }
        println!("slowest call: {} ms", self.slowest_ms.load(Ordering::Relaxed));
        let other = self.other.lock().unwrap().clone();
        (self.calls.load(Ordering::Relaxed), other)
    }
}

/// How long a run may take that is longer where somebody wants to see more (`PASSTHROUGH_TEST_EXPIRIES`).
#[expect(clippy::disallowed_methods, reason = "whoever runs the tests says how much is to be seen")]
fn at_length(variable: &str, usual: u64) -> u64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

async fn many_callers_at_an_expiry_make_one_token_call(engine: Engine) {
    let expiries = at_length("PASSTHROUGH_TEST_EXPIRIES", 6);
    // The server's tokens die after 3 s; the file, not the answer, says so, because a word of the answer below 30 s
    // is not believed.
    let lines = "expires_in = \"/nowhere\"\nlifetime = \"3s\"";
    let mut rig = Rig::start(engine, lines, |setup| setup).await;
    let (client, connection) = rig.connect(3).await;
    let mut urls = vec![rig.program.url.clone()];
    let others: Vec<_> = match engine {
        Engine::Sqlite => Vec::new(),
        Engine::Postgres => vec![rig.program.second_server(), rig.program.second_server()],
    };
    urls.extend(others.iter().map(|server| server.url.clone()));
    let callers = Callers::start(&urls, &rig.program.key, &connection.token, 50);
    let begun = Instant::now();
    loop {
        sleep(Duration::from_millis(200)).await;
        let refreshes = rig.oidc.counts(&client).await.get("refresh_token").copied().unwrap_or_default();
        if refreshes >= expiries {
            break;
        }
        assert!(begun.elapsed() < Duration::from_secs(20 + expiries * 6), "{refreshes} refreshes only");
    }
    let (calls, other) = callers.finish().await;
    let counts = rig.oidc.counts(&client).await;
    println!("{calls} calls in {:?}, {counts:?}", begun.elapsed());
    assert_eq!(other, Vec::<String>::new(), "of {calls} calls");
    // One token call for each expiry: none was refused, and there are no more than there was time for.
    assert_eq!(counts.keys().collect::<Vec<_>>(), ["refresh_token"], "{counts:?}");
    let most = begun.elapsed().as_millis() / 1_100 + 2;
    assert!(u128::from(counts["refresh_token"]) <= most, "{counts:?} in {:?}", begun.elapsed());
    drop(others);
    rig.program.finish().await;
}

/// Connections whose first call refreshes, and a kill at some moment of it.
async fn a_kill_during_a_refresh_loses_only_what_nobody_could_have_kept(engine: Engine) {
    const AT_ONCE: usize = 10;
    let rounds = at_length("PASSTHROUGH_TEST_KILLS", 3);
    let settings = |setup: Setup| {
        setup
            .variable("PASSTHROUGH_REFRESH__TOKEN_TIMEOUT_MS", "1000")
            .variable("PASSTHROUGH_REFRESH__LEASE_MS", "2000")
    };
    let mut rig = Rig::start(engine, "", settings).await;
    let (mut kept, mut unavoidable) = (0_u64, 0_u64);
    for round in 0..rounds {
        let mut connections = Vec::new();
        for _ in 0..AT_ONCE {
            connections.push(rig.connect(3600).await);
        }
        let calls: Vec<_> = connections
            .iter()
            .map(|(_, connection)| {
                let url = format!("{}/v1/proxy/me", rig.program.url);
                let (key, token) = (format!("Bearer {}", rig.program.key), connection.token.clone());
                tokio::spawn(async move {
                    let headers = [("authorization", key.as_str()), ("connection-token", token.as_str())];
                    let _ = try_send("GET", &url, &headers, "").await;
                })
            })
            .collect();
        sleep(Duration::from_millis(round * 7 % 90)).await;
        rig.program.kill();
        for call in calls {
            call.await.unwrap();
        }
        let spooled = std::fs::read_dir(rig.program.data_dir().join("spool")).unwrap().count();
        // What was on the wire when the program died is answered nevertheless.
        sleep(Duration::from_millis(300)).await;
        let mut answered = Vec::new();
        for (client, _) in &connections {
            answered.push(rig.oidc.counts(client).await.get("refresh_token").copied().unwrap_or_default());
        }
        rig.program.resume();
        for ((client, connection), answered) in connections.iter().zip(answered) {
            let status = rig.call(connection).await;
            let counts = rig.oidc.counts(client).await;
            if status == 200 {
                kept += 1;
                continue;
            }
            // The provider had answered, and the answer died on its way to the disk.
            assert_eq!(
                (status, answered),
                (422, 1),
                "{counts:?}, {spooled} in the spool\n{}",
                rig.program.log()
            );
            unavoidable += 1;
        }
    }
    println!("{kept} kept, {unavoidable} lost between the provider's commit and our disk, none otherwise");
    assert!(kept > unavoidable, "{kept} kept, {unavoidable} lost");
    let left = std::fs::read_dir(rig.program.data_dir().join("spool")).unwrap();
    let sealed = left.filter(|file| file.as_ref().unwrap().path().extension().is_some_and(|e| e == "sealed"));
    assert_eq!(sealed.count(), 0, "what was spooled is committed at the next start");
    let _ = send("GET", &format!("{}/healthz", rig.program.url), &[], "").await;
    rig.program.finish().await;
}
