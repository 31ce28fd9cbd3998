//! Calls to real software, through the catalog's own files: an npm registry and a time series database.

use data_encoding::BASE64;
use passthrough_testkit::http::send;
use passthrough_testkit::program::{Engine, canary};
use passthrough_testkit::services::{influxdb, verdaccio};
use serde_json::{Value, json as object};

use crate::support::{failure, json, on_both_databases, setup};

on_both_databases! {
    a_package_is_published_to_verdaccio_and_fetched
    points_are_written_to_influxdb_and_queried
}

/// A gzip file of bytes that are no text in any encoding, as far as a registry looks at it.
fn tarball() -> Vec<u8> {
    use std::io::Write;
    let content: Vec<u8> = (0..60_000_u32).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect();
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(&content).unwrap();
    gzip.finish().unwrap()
}

/// What `npm publish` sends.
fn publication(name: &str, tarball: &[u8], registry: &str) -> String {
    let file = format!("{name}-1.0.0.tgz");
    object!({
        "_id": name, "name": name, "dist-tags": {"latest": "1.0.0"},
        "versions": {"1.0.0": {
            "_id": format!("{name}@1.0.0"), "name": name, "version": "1.0.0",
            "dist": {"tarball": format!("{registry}/{name}/-/{file}")}
        }},
        "_attachments": {file: {
            "content_type": "application/octet-stream", "data": BASE64.encode(tarball), "length": tarball.len()
        }}
    })
    .to_string()
}

async fn a_package_is_published_to_verdaccio_and_fetched(engine: Engine) {
    let registry = verdaccio();
    let (user, password) = (canary("user").to_lowercase(), canary("password"));
    // The login of the registry itself, as `npm login` makes it: not through the program, which gets the token.
    let login = object!({"name": user, "password": password, "_id": format!("org.couchdb.user:{user}")});
    let path = format!("{}/-/user/org.couchdb.user:{user}", registry.url);
    let login = send("PUT", &path, &[("content-type", "application/json")], login.to_string()).await;
    let token = json(&login)["token"].as_str().unwrap().to_owned();

    let mut program = setup(engine).start().await;
    program.watch(&token);
    let variables = object!({"base_url": registry.url});
    let request = |token: &str| {
        object!({"provider": "npm", "verify": true, "credentials": {"token": token}, "variables": variables})
            .to_string()
    };
    let refused = program.api("POST", "/v1/connections", &request(&canary("wrong"))).await;
    failure(&refused, 422, "invalid_credentials");
    let connection = program.connect(&request(&token)).await;
    let path = format!("/v1/connections/{}", connection.id);
    let shown = json(&program.api("GET", &path, "").await);
    assert_eq!(shown["account"]["label"], user.as_str());
    let verified = json(&program.api("POST", &format!("{path}/verify"), "").await);
    assert_eq!(verified["result"], "alive", "{verified}");

    let envelope = |response: &passthrough_testkit::http::Response| -> Value {
        assert_eq!(response.status, 200, "{}", response.text());
        json(response)
    };
    let who = program
        .on(&connection, "POST", "/v1/passthrough", &[], r#"{"method":"GET","path":"/-/whoami"}"#)
        .await;
    assert_eq!(envelope(&who)["response"]["username"], user.as_str());

    let name = canary("package").to_lowercase();
    let tarball = tarball();
    let package = publication(&name, &tarball, &registry.url);
    let headers = [("content-type", "application/json")];
    let proxy = format!("/v1/proxy/{name}");
    let published = program.on(&connection, "PUT", &proxy, &headers, package.clone()).await;
    assert_eq!(published.status, 201, "{}", published.text());
    let again = program.on(&connection, "PUT", &proxy, &headers, package).await;
    assert_eq!(again.status, 409, "the registry's own no goes through: {}", again.text());

    let file = format!("{name}/-/{name}-1.0.0.tgz");
    let fetched = program.on(&connection, "GET", &format!("/v1/proxy/{file}"), &[], "").await;
    assert_eq!(fetched.status, 200);
    assert!(fetched.body == tarball, "the proxy changed the bytes");
    let request = format!(r#"{{"method":"GET","path":"/{file}"}}"#);
    let raw = program.on(&connection, "POST", "/v1/passthrough/raw", &[], request.clone()).await;
    assert!(raw.body == tarball, "the raw door changed the bytes");
    let enveloped = envelope(&program.on(&connection, "POST", "/v1/passthrough", &[], request.clone()).await);
    assert_eq!(enveloped["responseEncoding"], "base64");
    assert!(BASE64.decode(enveloped["response"].as_str().unwrap().as_bytes()).unwrap() == tarball);
    let terminal = envelope(&program.on(&connection, "POST", "/tsp/v1/passthrough", &[], request).await);
    assert_eq!(terminal["statusCode"], 200);
    // Without the credential, the registry says no: it is the program that brings it.
    let stranger = send("GET", &format!("{}/{file}", registry.url), &[], "").await;
    assert!([401, 403].contains(&stranger.status.as_u16()), "{}", stranger.status);

    let revoked = format!(r#"{{"credentials":{{"token":"{}"}}}}"#, canary("wrong"));
    assert_eq!(program.api("PATCH", &path, &revoked).await.status, 200);
    let verified = json(&program.api("POST", &format!("{path}/verify"), "").await);
    assert_eq!(verified["result"], "refused", "{verified}");
    assert_eq!(json(&program.api("GET", &path, "").await)["status"], "disconnected");
    program.finish().await;
}

async fn points_are_written_to_influxdb_and_queried(engine: Engine) {
    let influx = influxdb();
    let mut program = setup(engine).start().await;
    program.watch(&influx.password);
    for auth in ["basic", "query"] {
        let request = |password: &str| {
            object!({
                "provider": "influxdb", "auth": auth, "verify": true, "variables": {"base_url": influx.url},
                "credentials": {"username": influx.admin, "password": password}
            })
            .to_string()
        };
        let refused = program.api("POST", "/v1/connections", &request(&canary("wrong"))).await;
        failure(&refused, 422, "invalid_credentials");
        let connection = program.connect(&request(&influx.password)).await;
        let database = canary(auth);
        let create = object!({"method": "POST", "path": "/query", "form": {"q": format!("CREATE DATABASE {database}")}});
        let created = program.on(&connection, "POST", "/v1/passthrough", &[], create.to_string()).await;
        assert_eq!(json(&created)["statusCode"], 200, "{}", created.text());
        assert!(!created.text().contains(&influx.password), "{}", created.text());

        let write = format!("/v1/proxy/write?db={database}&precision=s");
        let points = "cpu,host=a%20b load=0.64 1500000000\ncpu,host=c load=12345678901234567 1500000060\n";
        let written = program.on(&connection, "POST", &write, &[], points).await;
        assert_eq!(written.status, 204, "{}", written.text());
        assert!(written.body.is_empty());
        let text = object!({
            "method": "POST", "path": "/write", "query": {"db": database, "precision": "s"},
            "body": "cpu,host=d load=3 1500000120"
        });
        let written = program.on(&connection, "POST", "/v1/passthrough", &[], text.to_string()).await;
        assert_eq!(json(&written)["statusCode"], 204, "{}", written.text());
        assert_eq!(json(&written)["response"], "");

        let select = object!({
            "method": "GET", "path": "/query?epoch=s",
            "query": {"db": database, "q": "SELECT load, host FROM cpu ORDER BY time"}
        });
        let queried =
            json(&program.on(&connection, "POST", "/v1/passthrough", &[], select.to_string()).await);
        let values = &queried["response"]["results"][0]["series"][0]["values"];
        assert_eq!(values[0], object!([1_500_000_000, 0.64, "a%20b"]), "{queried}");
        assert_eq!(values.as_array().unwrap().len(), 3, "{queried}");
        let shown = queried["path"].as_str().unwrap();
        assert!(!shown.contains(&influx.password), "{shown}");
        if auth == "query" {
            assert!(shown.contains("p=***"), "{shown}");
        }
        let verified = program.api("POST", &format!("/v1/connections/{}/verify", connection.id), "").await;
        assert_eq!(json(&verified)["result"], "alive");
    }
    program.finish().await;
}
