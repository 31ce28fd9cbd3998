use data_encoding::BASE64;
use passthrough_testkit::http::{Response, send};
use passthrough_testkit::services::{InfluxDb, influxdb, verdaccio};

fn json_string(response: &Response, field: &str) -> String {
    let body: serde_json::Value = serde_json::from_slice(&response.body).unwrap();
    body[field].as_str().unwrap().to_owned()
}

#[tokio::test]
async fn verdaccio_makes_a_user_whose_token_it_then_accepts() {
    let verdaccio = verdaccio();
    assert_eq!(send("GET", &format!("{}/-/ping", verdaccio.url), &[], "").await.status, 200);

    // A name of its own: the server may be shared by the whole run.
    let name = format!("testkit-{}", std::process::id());
    let user = serde_json::json!({"name": name, "password": "a long enough password"}).to_string();
    let made = send(
        "PUT",
        &format!("{}/-/user/org.couchdb.user:{name}", verdaccio.url),
        &[("content-type", "application/json")],
        user,
    )
    .await;
    assert_eq!(made.status, 201, "{}", made.text());

    let bearer = format!("Bearer {}", json_string(&made, "token"));
    let whoami = send("GET", &format!("{}/-/whoami", verdaccio.url), &[("authorization", &bearer)], "").await;
    assert_eq!(whoami.status, 200, "{}", whoami.text());
    assert_eq!(json_string(&whoami, "username"), name);
}

#[tokio::test]
async fn verdaccio_refuses_who_has_no_token_or_a_wrong_one() {
    let verdaccio = verdaccio();
    let package = format!("{}/a-package", verdaccio.url);
    assert_eq!(send("GET", &package, &[], "").await.status, 401);
    assert_eq!(send("GET", &package, &[("authorization", "Bearer nonsense")], "").await.status, 401);
}

fn query(influxdb: &InfluxDb, credentials: &str) -> String {
    format!("{}/query?q=SHOW%20DATABASES{credentials}", influxdb.url)
}

#[tokio::test]
async fn influxdb_answers_a_ping_and_refuses_a_query_without_credentials() {
    let influxdb = influxdb();
    assert_eq!(send("GET", &format!("{}/ping", influxdb.url), &[], "").await.status, 204);
    assert_eq!(send("GET", &query(&influxdb, ""), &[], "").await.status, 401);
    assert_eq!(send("GET", &query(&influxdb, "&u=admin&p=wrong"), &[], "").await.status, 401);
}

#[tokio::test]
async fn influxdb_takes_its_administrator_as_basic_and_in_the_query() {
    let influxdb = influxdb();
    let basic = BASE64.encode(format!("{}:{}", influxdb.admin, influxdb.password).as_bytes());
    let with_basic =
        send("GET", &query(&influxdb, ""), &[("authorization", &format!("Basic {basic}"))], "").await;
    assert_eq!(with_basic.status, 200, "{}", with_basic.text());

    let in_the_query = format!("&u={}&p={}", influxdb.admin, influxdb.password);
    let with_query = send("GET", &query(&influxdb, &in_the_query), &[], "").await;
    assert_eq!(with_query.status, 200, "{}", with_query.text());
}
