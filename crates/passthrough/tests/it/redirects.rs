//! A provider's redirects: its answer, unless its file asks for them to be followed.

use bytes::Bytes;
use http::Response;
use http_body_util::Full;
use passthrough_testkit::echo::{EchoProvider, Seen};
use passthrough_testkit::program::{Connected, Engine, Program, Setup, canary};

use crate::rig::{failure, json as read};
use crate::support::{bearer_provider, on_both_databases, record, setup};

on_both_databases! {
    a_redirect_is_the_providers_answer
}

fn redirect(location: &str) -> Response<Full<Bytes>> {
    let response = Response::builder().status(307).header("location", location);
    response.body(Full::from("moved")).unwrap()
}

fn here() -> Response<Full<Bytes>> {
    Response::new(Full::from("here"))
}

async fn connect(setup: Setup, file: &str) -> (Program, Connected, String) {
    let mut program = setup.provider("shop", file).start().await;
    let key = canary("key");
    let connection =
        program.connect(&format!(r#"{{"provider":"shop","credentials":{{"api_key":"{key}"}}}}"#)).await;
    (program, connection, key)
}

async fn envelope(program: &Program, connection: &Connected, request: &str) -> serde_json::Value {
    let response = program.on(connection, "POST", "/v1/passthrough", &[], request.to_owned()).await;
    assert_eq!(response.status, 200, "{}", response.text());
    read(&response)
}

/// The file of a provider whose redirects are followed.
fn following(base_url: &str) -> String {
    format!("redirects = \"same-origin\"\n{}", bearer_provider(base_url))
}

async fn a_redirect_is_the_providers_answer(engine: Engine) {
    let stranger = EchoProvider::start().await;
    let elsewhere = format!("{}/x", stranger.url());
    let provider = EchoProvider::answering(move |_| redirect(&elsewhere)).await;
    let (program, connection, _) = connect(setup(engine), &bearer_provider(&provider.url())).await;
    let answer = envelope(&program, &connection, r#"{"method":"GET","path":"/x"}"#).await;
    assert_eq!(answer["statusCode"], 307);
    assert_eq!(answer["headers"]["location"], format!("{}/x", stranger.url()));
    let response = program.on(&connection, "GET", "/v1/proxy/x", &[], "").await;
    assert_eq!((response.status.as_u16(), response.text()), (307, "moved".to_owned()));
    assert!(stranger.seen().is_empty());
    program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_origin_sees_the_credential_again_and_a_stranger_never() {
    let stranger = EchoProvider::answering(|_| here()).await;
    let away = format!("{}/away?x=1", stranger.url());
    let provider = EchoProvider::answering(move |seen: &Seen| match seen.target.as_str() {
        "/base/home" => redirect("/other%2Fplace?a=1"),
        "/base/away" => redirect(&away),
        _ => here(),
    });
    let provider = provider.await;
    let (program, connection, key) =
        connect(setup(Engine::Sqlite), &following(&format!("{}/base", provider.url()))).await;
    let headers = r#""headers":{"Accept":"a/b","Accept-Language":"de","Range":"bytes=0-","User-Agent":"mine","X-Own":"1","If-Match":"x"}"#;

    let answer =
        envelope(&program, &connection, &format!(r#"{{"method":"GET","path":"/home",{headers}}}"#)).await;
    assert_eq!(
        (&answer["response"], &answer["path"], &answer["attempts"]),
        (&"here".into(), &"/home".into(), &2.into())
    );
    let seen = provider.last();
    assert_eq!(seen.target, "/other%2Fplace?a=1");
    assert_eq!(seen.header("authorization"), [format!("Bearer {key}")]);
    assert_eq!((seen.header("x-own"), seen.header("user-agent")), (vec!["1"], vec!["mine"]));

    let answer =
        envelope(&program, &connection, &format!(r#"{{"method":"GET","path":"/away",{headers}}}"#)).await;
    assert_eq!(answer["response"], "here");
    let seen = stranger.last();
    assert_eq!(seen.target, "/away?x=1");
    let names: Vec<&str> = seen.headers.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(names, ["host", "accept", "accept-language", "range", "user-agent"]);

    let accept = [("accept", "a/b"), ("x-own", "1"), ("cookie", "a=b")];
    let response = program.on(&connection, "GET", "/v1/proxy/away", &accept, "").await;
    assert_eq!((response.status.as_u16(), response.text()), (200, "here".to_owned()));
    let names: Vec<String> = stranger.last().headers.into_iter().map(|(name, _)| name).collect();
    assert_eq!(names, ["host", "accept"]);
    program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn who_comes_home_from_a_stranger_brings_no_credential() {
    let home = std::sync::Arc::new(std::sync::OnceLock::<String>::new());
    let back = home.clone();
    let stranger = EchoProvider::answering(move |_| redirect(&format!("{}/back", back.get().unwrap()))).await;
    let away = stranger.url();
    let provider = EchoProvider::answering(
        move |seen: &Seen| if seen.target == "/x" { redirect(&away) } else { here() },
    )
    .await;
    home.set(provider.url()).unwrap();
    let (program, connection, _) = connect(setup(Engine::Sqlite), &following(&provider.url())).await;
    let answer =
        envelope(&program, &connection, r#"{"method":"GET","path":"/x","headers":{"X-Own":"1"}}"#).await;
    assert_eq!(answer["response"], "here");
    let seen = provider.last();
    assert_eq!(seen.target, "/back");
    assert!(seen.header("authorization").is_empty() && seen.header("x-own").is_empty());
    program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn loops_end_and_writes_are_never_repeated() {
    let provider = EchoProvider::answering(|_| redirect("/again")).await;
    let (program, connection, _) = connect(setup(Engine::Sqlite), &following(&provider.url())).await;
    let request = r#"{"method":"GET","path":"/x"}"#;
    let response = program.on(&connection, "POST", "/v1/passthrough", &[], request).await;
    assert_eq!(failure(&response), "502 bad_gateway protocol sent=yes");
    assert_eq!(provider.seen().len(), 6);
    for request in [
        r#"{"method":"POST","path":"/x"}"#,
        r#"{"method":"DELETE","path":"/x"}"#,
        r#"{"method":"GET","path":"/x","body":"a"}"#,
    ] {
        let before = provider.seen().len();
        assert_eq!(envelope(&program, &connection, request).await["statusCode"], 307, "{request}");
        assert_eq!(provider.seen().len(), before + 1);
    }
    program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_sound_location_is_an_answer() {
    let locations = [
        "/\\evil",
        "/a/../../b",
        "https://u:p@127.0.0.1/",
        "ftp://127.0.0.1/",
        "relative",
        "/%2e%2e/x",
        "http://127.0.0.1:0/",
    ];
    let provider = EchoProvider::answering(move |seen: &Seen| {
        redirect(locations[seen.target[1..].parse::<usize>().unwrap()])
    })
    .await;
    let (program, connection, _) = connect(setup(Engine::Sqlite), &following(&provider.url())).await;
    for (index, location) in locations.iter().enumerate() {
        let request = format!(r#"{{"method":"GET","path":"/{index}"}}"#);
        assert_eq!(envelope(&program, &connection, &request).await["statusCode"], 307, "{}", location);
    }
    assert_eq!(provider.seen().len(), locations.len());
    program.finish().await;
}

/// The address rules hold on every hop: a provider must not be able to point us at the operator's network.
#[tokio::test(flavor = "multi_thread")]
async fn a_hop_to_a_closed_address_is_blocked() {
    let provider = EchoProvider::answering(|_| redirect("http://169.254.169.254/latest/meta-data")).await;
    let (program, connection, _) = connect(setup(Engine::Sqlite), &following(&provider.url())).await;
    let response = program.on(&connection, "GET", "/v1/proxy/x", &[], "").await;
    assert_eq!(failure(&response), "502 bad_gateway blocked_address sent=no");
    program.finish().await;
}

/// An answer that redirects gives its place in flight back before the next hop asks for one.
#[tokio::test(flavor = "multi_thread")]
async fn a_hop_needs_no_second_place_in_flight() {
    let provider =
        EchoProvider::answering(|seen: &Seen| if seen.target == "/x" { redirect("/y") } else { here() })
            .await;
    let setup = setup(Engine::Sqlite).variable("PASSTHROUGH_UPSTREAM__MAX_IN_FLIGHT_PER_CONNECTION", "1");
    let (program, connection, _) = connect(setup, &following(&provider.url())).await;
    let answer = envelope(&program, &connection, r#"{"method":"GET","path":"/x"}"#).await;
    assert_eq!(answer["response"], "here");
    program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_credential_in_the_query_is_added_at_home_again() {
    let provider = EchoProvider::answering(|seen: &Seen| match seen.target.split('?').next().unwrap() {
        // The caller's and the echoed parameter of that name both give way.
        "/base/x" => redirect("/base/y?page=2&KEY=stale"),
        _ => here(),
    });
    let provider = provider.await;
    let file = following(&format!("{}/base", provider.url()))
        .replace("inject.headers.authorization = \"Bearer {api_key}\"", "inject.query.key = \"{api_key}\"");
    let (program, connection, key) = connect(setup(Engine::Sqlite), &file).await;
    let answer = envelope(&program, &connection, r#"{"method":"GET","path":"/x?a=1"}"#).await;
    assert_eq!((&answer["response"], &answer["path"]), (&"here".into(), &"/x?a=1&key=***".into()));
    let targets: Vec<String> = provider.seen().into_iter().map(|seen| seen.target).collect();
    assert_eq!(targets, [format!("/base/x?a=1&key={key}"), format!("/base/y?page=2&key={key}")]);
    program.finish().await;
}

/// The provider's own location carries the segment that injection put there; no record may.
#[tokio::test(flavor = "multi_thread")]
async fn a_secret_in_the_path_is_neither_doubled_nor_recorded_on_a_hop() {
    let provider = EchoProvider::answering(|seen: &Seen| {
        if seen.target.ends_with("/x") { redirect(&seen.target.replace("/x", "/y")) } else { here() }
    });
    let provider = provider.await;
    let file = following(&format!("{}/base", provider.url()))
        .replace("inject.headers.authorization = \"Bearer {api_key}\"", "inject.path = \"bot{api_key}\"");
    let (program, connection, key) = connect(setup(Engine::Sqlite), &file).await;
    let answer = envelope(&program, &connection, r#"{"method":"GET","path":"/x"}"#).await;
    assert_eq!((&answer["response"], &answer["path"]), (&"here".into(), &"/bot***/x".into()));
    assert_eq!(provider.last().target, format!("/base/bot{key}/y"));
    let record = record(&program, answer["requestId"].as_str().unwrap()).await;
    assert!(!record.to_string().contains(&key), "{record}");
    program.finish().await;
}

/// Home is where the call began: a further base URL is an origin of its own.
#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_began_at_a_further_base_url_stays_there() {
    let main = EchoProvider::answering(|_| here()).await;
    let to_main = format!("{}/y", main.url());
    let upload = EchoProvider::answering(move |seen: &Seen| match seen.target.as_str() {
        "/up/x" => redirect("/up/y"),
        "/up/away" => redirect(&to_main),
        _ => here(),
    });
    let upload = upload.await;
    let base = format!("base_urls.upload = \"{}/up\"\nverify", upload.url());
    let file = following(&main.url()).replace("verify", &base);
    let (program, connection, key) = connect(setup(Engine::Sqlite), &file).await;
    let answer = envelope(&program, &connection, r#"{"method":"GET","path":"/x","base":"upload"}"#).await;
    assert_eq!(answer["response"], "here");
    assert!(main.seen().is_empty());
    assert_eq!(upload.last().header("authorization"), [format!("Bearer {key}")]);
    envelope(&program, &connection, r#"{"method":"GET","path":"/away","base":"upload"}"#).await;
    assert!(main.last().header("authorization").is_empty());
    program.finish().await;
}
