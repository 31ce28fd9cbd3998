//! `/v1/requests`: one record per passthrough, whatever came of it, and nothing in it that is not to be kept.

use std::time::Duration;

use bytes::Bytes;
use http::Response as HttpResponse;
use http_body_util::Full;
use passthrough_testkit::echo::EchoProvider;
use passthrough_testkit::program::{Connected, Engine, Program, canary};
use passthrough_testkit::raw_server::{RawServer, Step};
use passthrough_wire::time;
use serde_json::{Value, json as value};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::support::{bearer_provider, failure, json, nobody, on_both_databases, paths, record, setup, shop};

on_both_databases! {
    every_door_leaves_one_record_of_each_passthrough
    what_is_refused_before_it_is_sent_is_recorded_too
    what_the_provider_breaks_off_is_recorded_as_that
    a_list_of_records_is_filtered_and_paged
    no_query_and_no_secret_is_in_a_record
    a_caller_who_goes_away_leaves_a_record
    calls_of_strangers_and_other_requests_leave_none
}

/// Answers `/status/404` with 404.
async fn statuses() -> EchoProvider {
    EchoProvider::answering(|seen| {
        let path = seen.target.split('?').next().unwrap_or_default();
        let code = path.rsplit("/status/").next().and_then(|code| code.parse().ok()).unwrap_or(200);
        let mut response = HttpResponse::new(Full::new(Bytes::from("body of it")));
        *response.status_mut() = http::StatusCode::from_u16(code).unwrap();
        response
    })
    .await
}

async fn connect(program: &mut Program, provider: &str) -> Connected {
    let request = value!({ "provider": provider, "credentials": { "api_key": canary("key") } });
    program.connect(&request.to_string()).await
}

/// The request id of an answer.
fn id_of(response: &passthrough_testkit::http::Response) -> String {
    response.header("passthrough-request-id").unwrap().to_owned()
}

async fn list(program: &Program, query: &str) -> (Vec<Value>, Option<String>) {
    let response = program.api("GET", &format!("/v1/requests{query}"), "").await;
    assert_eq!(response.status, 200, "{query}: {}", response.text());
    let page = json(&response);
    (page["results"].as_array().unwrap().clone(), page["next"].as_str().map(str::to_owned))
}

/// Waits until there are as many records as given.
async fn settled(program: &Program, count: usize) -> Vec<Value> {
    for _ in 0..100 {
        let records = list(program, "?limit=500").await.0;
        if records.len() >= count {
            // One batch later, there are still no more.
            tokio::time::sleep(Duration::from_millis(450)).await;
            let records = list(program, "?limit=500").await.0;
            assert_eq!(records.len(), count);
            return records;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("there are no {count} records: {:?}", list(program, "").await.0);
}

async fn every_door_leaves_one_record_of_each_passthrough(engine: Engine) {
    let provider = statuses().await;
    let mut program = setup(engine).provider("shop", &bearer_provider(&provider.url())).start().await;
    let connection = connect(&mut program, "shop").await;
    let doors = [
        ("POST", "/v1/passthrough", "envelope"),
        ("POST", "/v1/passthrough/raw", "raw"),
        ("PUT", "/v1/proxy/status/CODE?q=1", "proxy"),
        ("POST", "/tsp/v1/passthrough", "terminal"),
    ];
    let mut answers = Vec::new();
    for (method, path, door) in doors {
        for code in [200, 201, 404, 503] {
            let (path, body) = if door == "proxy" {
                (path.replace("CODE", &code.to_string()), "12345".to_owned())
            } else {
                let request =
                    value!({ "method": "PUT", "path": format!("/status/{code}?q=1"), "body": "12345" });
                (path.to_owned(), request.to_string())
            };
            let response = program.on(&connection, method, &path, &[], body).await;
            answers.push((id_of(&response), door, code));
        }
    }
    // Nothing is retried here, but a retried call, too, is one record that counts its attempts.
    let mut records = settled(&program, answers.len()).await;
    records.sort_by_key(|record| answers.iter().position(|(id, _, _)| record["id"] == *id));
    for (mut found, (id, door, code)) in records.into_iter().zip(&answers) {
        for name in ["startedAt", "durationMs", "upstreamDurationMs"] {
            assert!(!found.as_object_mut().unwrap().remove(name).unwrap().is_null(), "{name}");
        }
        let whole = value!({
            "id": id, "connectionId": connection.id, "provider": "shop",
            "apiKeyId": format!("key_{}", &program.key[3..29]), "door": door, "method": "PUT",
            "path": format!("/status/{code}"), "statusCode": code, "sent": "yes",
            "attempts": 1, "requestBytes": 5, "responseBytes": 10,
        });
        assert_eq!(found, whole);
    }
    program.finish().await;
}

async fn what_is_refused_before_it_is_sent_is_recorded_too(engine: Engine) {
    let mut shop = shop(engine).await;
    let archived = connect(&mut shop.program, "shop").await;
    let path = format!("/v1/connections/{}", archived.id);
    assert_eq!(shop.program.api("PATCH", &path, r#"{"status":"archived"}"#).await.status, 200);
    let nobody = Connected { id: String::new(), token: "con_tkn_nonsense".to_owned() };
    let program = &shop.program;
    let envelope = |path: &str| value!({ "method": "POST", "path": path, "body": "b" }).to_string();
    let doors = ["/v1/passthrough", "/v1/passthrough/raw", "/tsp/v1/passthrough"];
    // (connection, method and path at the door, body, code, path in the record, connection in the record)
    let mut cases: Vec<(&Connected, &str, &str, String, &str, &str, bool)> = Vec::new();
    for door in doors {
        cases.push((&shop.connection, "POST", door, envelope("//evil?q"), "bad_request", "//evil", true));
        cases.push((&shop.connection, "POST", door, envelope("/a/../b"), "bad_request", "/a/../b", true));
        cases.push((
            &shop.connection,
            "POST",
            door,
            envelope("/a\0 ü"),
            "bad_request",
            "/a%00%20%C3%BC",
            true,
        ));
        cases.push((&shop.connection, "POST", door, "{".to_owned(), "bad_request", "", true));
        cases.push((&shop.connection, "POST", door, "{}".to_owned(), "bad_request", "", true));
        cases.push((&archived, "POST", door, envelope("/x?q"), "unprocessable_entity", "/x", true));
        cases.push((&nobody, "POST", door, envelope("/x?q"), "not_found", "/x", false));
    }
    cases.push((&shop.connection, "PUT", "/v1/proxy//evil?q", String::new(), "bad_request", "//evil", true));
    cases.push((
        &shop.connection,
        "PUT",
        "/v1/proxy/%2e%2e/b",
        "x".to_owned(),
        "bad_request",
        "/%2e%2e/b",
        true,
    ));
    cases.push((&archived, "PUT", "/v1/proxy/x?q", String::new(), "unprocessable_entity", "/x", true));
    cases.push((&nobody, "PUT", "/v1/proxy/x?q", String::new(), "not_found", "/x", false));
    let mut ids = Vec::new();
    for (connection, method, door, body, ..) in &cases {
        let response = program.on(connection, method, door, &[], body.clone()).await;
        assert!(response.status.is_client_error(), "{}", response.text());
        ids.push(id_of(&response));
    }
    let records = settled(program, cases.len()).await;
    for ((_, _, door, body, code, path, known), id) in cases.iter().zip(ids) {
        let found = records.iter().find(|record| record["id"] == id).unwrap();
        assert_eq!(found["errorCode"], *code, "{door} {body}: {found}");
        assert_eq!(found["path"], *path);
        assert_eq!((&found["sent"], &found["attempts"]), (&value!("no"), &value!(0)));
        assert!(found.get("statusCode").is_none());
        assert_eq!(found.get("connectionId").is_some(), *known, "{found}");
        assert_eq!(found.get("provider").is_some(), *known);
        let origin = if *code == "unprocessable_entity" { "connection" } else { "caller" };
        assert_eq!(found["origin"], origin);
    }
    // A wrong option of the proxy, a body that is too large: refused, and recorded.
    let header = [("passthrough-timeout-ms", "soon")];
    let response = program.on(&shop.connection, "GET", "/v1/proxy/x", &header, "").await;
    failure(&response, 400, "bad_request");
    assert_eq!(record(program, &id_of(&response)).await["errorCode"], "bad_request");
    assert_eq!(shop.provider.seen().len(), 0);
    shop.program.finish().await;
}

async fn what_the_provider_breaks_off_is_recorded_as_that(engine: Engine) {
    let broken = vec![Step::ReadRequest, Step::write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf")];
    let reset = vec![Step::ReadRequest, Step::Reset];
    let script = [broken.clone(), reset, broken].to_vec();
    let provider = RawServer::start(script).await.unwrap();
    let mut program = setup(engine)
        .provider("raw", &bearer_provider(&format!("http://{}", provider.address())))
        .provider("away", &bearer_provider(&nobody()))
        .start()
        .await;
    let raw = connect(&mut program, "raw").await;
    let away = connect(&mut program, "away").await;
    let post = r#"{"method":"POST","path":"/x","body":"b"}"#;

    // In the middle of an envelope's body: our failure, and the provider has seen it.
    let response = program.on(&raw, "POST", "/v1/passthrough", &[], post).await;
    let body = failure(&response, 502, "bad_gateway");
    assert_eq!((&body["detail"]["reason"], &body["sent"]), (&value!("reset"), &value!("yes")));
    let found = record(&program, &id_of(&response)).await;
    assert_eq!((&found["errorCode"], &found["sent"]), (&value!("bad_gateway"), &value!("yes")));
    assert_eq!(found["errorReason"], "reset");
    assert_eq!((&found["origin"], &found["attempts"]), (&value!("provider"), &value!(1)));

    // Before its head: nobody knows what it did.
    let response = program.on(&raw, "POST", "/v1/passthrough", &[], post).await;
    let body = failure(&response, 502, "bad_gateway");
    assert_eq!((&body["detail"]["reason"], &body["sent"]), (&value!("reset"), &value!("unknown")));
    assert_eq!(body["retryable"], false);
    assert_eq!(record(&program, &id_of(&response)).await["sent"], "unknown");

    // Nobody there: nothing was sent, and the same may be tried again.
    let response = program.on(&away, "POST", "/v1/passthrough", &[], post).await;
    let body = failure(&response, 502, "bad_gateway");
    assert_eq!((&body["detail"]["reason"], &body["sent"]), (&value!("connect"), &value!("no")));
    assert_eq!(body["retryable"], true);
    let found = record(&program, &id_of(&response)).await;
    assert_eq!((&found["errorCode"], &found["sent"]), (&value!("bad_gateway"), &value!("no")));
    assert_eq!(found["errorReason"], "connect");

    // In the middle of a stream: the status was passed on, and the record says how it ended.
    let bytes = spoken(&program, &raw, "GET /v1/proxy/x", "", "").await;
    assert!(String::from_utf8_lossy(&bytes).ends_with("half"));
    let found = settled(&program, 4).await.remove(0);
    assert_eq!(found["statusCode"], 200);
    assert_eq!((&found["errorCode"], &found["origin"]), (&value!("reset"), &value!("provider")));
    assert_eq!(found["responseBytes"], 4);
    program.finish().await;
}

/// Says a request on a socket of its own and reads until `last` has come, or the end; then hangs up.
async fn spoken(program: &Program, connection: &Connected, line: &str, body: &str, last: &str) -> Vec<u8> {
    let mut stream = TcpStream::connect(program.url.strip_prefix("http://").unwrap()).await.unwrap();
    let head = format!(
        "{line} HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {}\r\nconnection-token: {}\r\n\
         content-length: {}\r\n\r\n{body}",
        program.key,
        connection.token,
        body.len()
    );
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    while last.is_empty() || !String::from_utf8_lossy(&bytes).contains(last) {
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(count) => bytes.extend_from_slice(&buffer[..count]),
        }
    }
    bytes
}

async fn a_caller_who_goes_away_leaves_a_record(engine: Engine) {
    let stream = vec![
        Step::ReadRequest,
        Step::write("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n"),
        Step::Hold,
    ];
    let silent = vec![Step::ReadRequest, Step::Hold];
    let half =
        vec![Step::ReadRequest, Step::write("HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nhalf"), Step::Hold];
    let provider = RawServer::start(vec![stream.clone(), stream, silent, half]).await.unwrap();
    let file = bearer_provider(&format!("http://{}", provider.address()));
    // Long enough to be told apart from the caller's going.
    let idle = ("PASSTHROUGH_UPSTREAM__STREAM_IDLE_TIMEOUT_MS", "20000");
    let mut program = setup(engine).variable(idle.0, idle.1).provider("slow", &file).start().await;
    let connection = connect(&mut program, "slow").await;

    // In the middle of a stream, through both doors that stream.
    let envelope = r#"{"method":"POST","path":"/x?q","body":"b"}"#;
    for (number, (line, body, door)) in
        [("GET /v1/proxy/x?q", "", "proxy"), ("POST /v1/passthrough/raw", envelope, "raw")].iter().enumerate()
    {
        let bytes = spoken(&program, &connection, line, body, "hello").await;
        assert!(String::from_utf8_lossy(&bytes).contains("hello"), "{}", String::from_utf8_lossy(&bytes));
        let found = settled(&program, number + 1).await.remove(0);
        assert_eq!(found["door"], *door);
        assert_eq!(found["statusCode"], 200, "the provider had answered: {found}");
        assert_eq!((&found["errorCode"], &found["origin"]), (&value!("caller_gone"), &value!("caller")));
        assert_eq!((&found["path"], &found["responseBytes"]), (&value!("/x"), &value!(5)));
        let closed = provider.saw(|seen| seen.get(number).is_some_and(|seen| seen.closed)).await;
        assert!(closed, "the provider's work goes on for nobody");
    }

    // Before an answer has come, and in the middle of a body that the envelope waits for.
    for (number, sent) in [(2, "unknown"), (3, "yes")] {
        let gone = spoken(&program, &connection, "POST /v1/passthrough", envelope, "");
        assert!(tokio::time::timeout(Duration::from_millis(700), gone).await.is_err());
        let found = settled(&program, number + 1).await.remove(0);
        assert_eq!((&found["errorCode"], &found["origin"]), (&value!("caller_gone"), &value!("caller")));
        assert_eq!((&found["sent"], &found["door"]), (&value!(sent), &value!("envelope")));
        let closed = provider.saw(|seen| seen.get(number).is_some_and(|seen| seen.closed)).await;
        assert!(closed, "the provider's work goes on for nobody");
    }
    program.finish().await;
}

async fn a_list_of_records_is_filtered_and_paged(engine: Engine) {
    let provider = statuses().await;
    let mut program = setup(engine)
        .provider("shop", &bearer_provider(&provider.url()))
        .provider("desk", &bearer_provider(&provider.url()))
        .start()
        .await;
    let (shop, desk) = (connect(&mut program, "shop").await, connect(&mut program, "desk").await);
    let mut ids = Vec::new();
    for (connection, path) in [
        (&shop, "/status/200"),
        (&shop, "/status/404"),
        (&desk, "/status/204"),
        (&shop, "//evil"),
        (&desk, "/status/500"),
        (&shop, "/status/429"),
    ] {
        let request = value!({ "method": "GET", "path": path }).to_string();
        let response = program.on(connection, "POST", "/v1/passthrough", &[], request).await;
        ids.insert(0, id_of(&response));
        tokio::time::sleep(Duration::from_millis(3)).await;
    }
    let records = settled(&program, ids.len()).await;
    let id = |record: &Value| record["id"].as_str().unwrap().to_owned();
    assert_eq!(records.iter().map(id).collect::<Vec<_>>(), ids, "newest first");
    let started = |at: usize| records[at]["startedAt"].as_str().unwrap().to_owned();
    let (third, east) = (started(2), time::parse(&started(2)).unwrap());
    let with_offset = time::format(east + 3_600_000).replace('Z', "%2B01:00");
    let pick = |at: &[usize]| at.iter().map(|at| ids[*at].clone()).collect::<Vec<_>>();
    let (shops, desks) = (format!("?connectionId={}", shop.id), format!("?connectionId={}", desk.id));
    for (query, expected) in [
        (shops.clone(), pick(&[0, 2, 4, 5])),
        (desks, pick(&[1, 3])),
        ("?connectionId=conn_01ARZ3NDEKTSV4RRFFQ69G5FAV".into(), vec![]),
        ("?provider=desk".into(), pick(&[1, 3])),
        ("?provider=nobody".into(), vec![]),
        ("?status=404".into(), pick(&[4])),
        ("?status=2xx".into(), pick(&[3, 5])),
        ("?status=4xx".into(), pick(&[0, 4])),
        ("?status=5xx".into(), pick(&[1])),
        ("?status=3xx".into(), vec![]),
        ("?errorCode=bad_request".into(), pick(&[2])),
        ("?errorCode=overloaded".into(), vec![]),
        (format!("{shops}&status=4xx"), pick(&[0, 4])),
        (format!("?from={third}"), pick(&[0, 1, 2])),
        (format!("?to={third}"), pick(&[3, 4, 5])),
        (format!("?from={with_offset}"), pick(&[0, 1, 2])),
        (format!("?from={}&to={}", started(4), started(1)), pick(&[2, 3, 4])),
        (format!("?from={third}&to={third}"), vec![]),
        ("?limit=6".into(), ids.clone()),
    ] {
        let (found, next) = list(&program, &query).await;
        assert_eq!((found.iter().map(id).collect::<Vec<_>>(), next), (expected, None), "{query}");
    }

    let (mut seen, mut cursor) = (Vec::new(), String::new());
    loop {
        let (found, next) = list(&program, &format!("?limit=2{cursor}")).await;
        seen.extend(found.iter().map(id));
        let Some(next) = next else { break };
        cursor = format!("&cursor={next}");
    }
    assert_eq!(seen, ids);

    let foreign = data_encoding::BASE64URL_NOPAD.encode(shop.id.as_bytes());
    for (query, path) in [
        ("status=ok", "query.status"),
        ("status=6xx", "query.status"),
        ("status=99", "query.status"),
        ("status=4XX", "query.status"),
        ("connectionId=nonsense", "query.connectionId"),
        ("from=yesterday", "query.from"),
        ("to=1700000000", "query.to"),
        ("limit=0", "query.limit"),
        ("limit=501", "query.limit"),
        (&format!("cursor={foreign}"), "query.cursor"),
        ("conectionId=1", "query.conectionId"),
    ] {
        let body =
            failure(&program.api("GET", &format!("/v1/requests?{query}"), "").await, 400, "bad_request");
        assert_eq!(paths(&body), [path], "{body}");
    }
    for id in ["req_01ARZ3NDEKTSV4RRFFQ69G5FAV", "nonsense", "%FF", "%00"] {
        failure(&program.api("GET", &format!("/v1/requests/{id}"), "").await, 404, "not_found");
    }
    program.finish().await;
}

async fn no_query_and_no_secret_is_in_a_record(engine: Engine) {
    let provider = statuses().await;
    let file = |inject: &str| {
        format!(
            "name = \"Bot\"\nbase_url = \"{}\"\n[auth.token]\ngrant = \"static\"\n\
             fields.token = {{ label = \"Token\", secret = true }}\n{inject}\n",
            provider.url()
        )
    };
    let mut program = setup(engine)
        .provider("bot", &file("inject.path = \"bot{token}\""))
        .provider("map", &file("inject.query.key = \"{token}\""))
        .start()
        .await;
    let secret = canary("token/with+odd");
    let mut connections = Vec::new();
    for provider in ["bot", "map"] {
        let request = value!({ "provider": provider, "credentials": { "token": secret } });
        connections.push(program.connect(&request.to_string()).await);
    }
    let (bot, map) = (&connections[0], &connections[1]);
    let query = canary("query");
    let encoded = secret.replace('/', "%2F").replace('+', "%2B");
    let send = async |connection: &Connected, path: &str| {
        let request = value!({ "method": "GET", "path": path }).to_string();
        program.on(connection, "POST", "/v1/passthrough", &[], request).await
    };

    let answer = send(bot, &format!("/send?q={query}")).await;
    assert_eq!(json(&answer)["path"], format!("/bot***/send?q={query}"));
    assert!(provider.last().target.contains(&encoded[..20]));
    assert_eq!(record(&program, &id_of(&answer)).await["path"], "/bot***/send");

    let answer = send(map, &format!("/tile?q={query}")).await;
    assert_eq!(json(&answer)["path"], format!("/tile?q={query}&key=***"));
    assert_eq!(record(&program, &id_of(&answer)).await["path"], "/tile");

    // A caller who knows the secret and writes it into a path of its own, whatever becomes of that.
    for path in [format!("/keys/{secret}"), format!("/keys/{encoded}?key={encoded}")] {
        let answer = send(map, &path).await;
        assert_eq!(answer.status, 200);
        assert!(!answer.text().contains(&secret) && !answer.text().contains(&encoded), "{}", answer.text());
        let found = record(&program, &id_of(&answer)).await;
        assert_eq!(found["path"], "/keys/***");
        let answer = send(map, &format!("/..{path}")).await;
        failure(&answer, 400, "bad_request");
        let found = record(&program, &id_of(&answer)).await;
        assert!(!found.to_string().contains(&secret) && !found.to_string().contains(&encoded), "{found}");
        let answer = program.on(map, "GET", &format!("/v1/proxy{path}"), &[], "").await;
        assert_eq!(answer.status, 200);
        assert_eq!(record(&program, &id_of(&answer)).await["path"], "/keys/***");
    }
    program.finish().await;
}

async fn calls_of_strangers_and_other_requests_leave_none(engine: Engine) {
    let shop = shop(engine).await;
    let program = &shop.program;
    let token = [("connection-token", shop.connection.token.as_str())];
    let envelope = r#"{"method":"GET","path":"/x"}"#;
    crate::support::ask(program, "POST", "/v1/passthrough", &token, envelope).await;
    crate::support::ask(program, "GET", "/v1/proxy/x", &token, "").await;
    program.api("POST", &format!("/v1/connections/{}/verify", shop.connection.id), "").await;
    program.api("GET", "/v1/connections", "").await;
    program.api("GET", "/v1/nowhere", "").await;
    let last = shop.envelope(envelope).await;
    let found = settled(program, 1).await;
    assert_eq!(found[0]["id"], last["requestId"]);
    // The use of the key is noted, to the hour.
    let mut used = Value::Null;
    for _ in 0..40 {
        used = json(&program.api("GET", "/v1/api-keys", "").await)["results"][0]["lastUsedAt"].take();
        if !used.is_null() {
            break;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(used.as_str().unwrap().ends_with(":00:00.000Z"), "{used}");
    shop.program.finish().await;
}
