//! AWS Signature Version 4, through the catalog's own files: an object storage behind AWS's own signer, which says no
//! wherever it would have signed otherwise.

use data_encoding::HEXLOWER;
use passthrough_testkit::http::Response;
use passthrough_testkit::program::{Connected, Engine, Program, canary};
use passthrough_testkit::raw_server::Authority;
use passthrough_testkit::services::{ObjectStorage, object_storage};
use serde_json::{Value, json as object};

use crate::support::{catalog, failure, json, on_both_databases, setup};

on_both_databases! {
    objects_are_stored_listed_fetched_and_deleted_under_awkward_keys
}

/// The catalog's S3 for a storage elsewhere, as an operator writes it: the host no longer says region and service.
fn s3(base_url: &str) -> String {
    let told = "inject.aws_sigv4.session_token = \"{session_token}\"\n";
    let more = format!("{told}inject.aws_sigv4.region = \"{{region}}\"\ninject.aws_sigv4.service = \"s3\"\n");
    catalog(
        "aws-s3",
        &[
            ("base_url = \"https://s3.{region}.amazonaws.com\"", &format!("base_url = \"{base_url}\"")),
            ("base_urls.sts = \"https://sts.{region}.amazonaws.com\"\n", ""),
            (
                "verify.request = \"GET /?Action=GetCallerIdentity&Version=2011-06-15\"",
                "verify.request = \"GET /\"",
            ),
            ("verify.base = \"sts\"\n", ""),
            (told, &more),
        ],
    )
}

/// A key that the storage knows, and the request for a connection with it.
struct Key {
    id: String,
    secret: String,
    session_token: Option<String>,
}

impl Key {
    async fn new(storage: &ObjectStorage, session_token: bool) -> Self {
        // Characters that a careless signer would encode.
        let (id, secret) = (canary("AKIA"), format!("{}+/=x", canary("secret")));
        let session_token = session_token.then(|| format!("{}//+==", canary("session")));
        storage.know(&id, &secret, session_token.as_deref()).await;
        Self { id, secret, session_token }
    }

    fn request(&self, provider: &str, variables: &Value) -> String {
        let mut credentials = object!({"access_key_id": self.id, "secret_access_key": self.secret});
        if let Some(token) = &self.session_token {
            credentials["session_token"] = token.as_str().into();
        }
        let verify = provider == "aws-s3";
        object!({"provider": provider, "verify": verify, "credentials": credentials, "variables": variables})
            .to_string()
    }
}

/// A program with a connection to the storage, and a bucket in it.
struct Rig {
    program: Program,
    connection: Connected,
    bucket: String,
}

impl Rig {
    async fn proxy(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<bytes::Bytes>,
    ) -> Response {
        self.program
            .on(&self.connection, method, &format!("/v1/proxy/{}{path}", self.bucket), headers, body)
            .await
    }
}

async fn rig(engine: Engine, storage: &ObjectStorage) -> Rig {
    let key = Key::new(storage, false).await;
    let mut program = setup(engine).provider("aws-s3", &s3(&storage.url)).start().await;
    let wrong = Key { id: key.id.clone(), secret: canary("wrong"), session_token: None };
    let refused = program.api("POST", "/v1/connections", &wrong.request("aws-s3", &object!({}))).await;
    failure(&refused, 422, "invalid_credentials");
    let connection = program.connect(&key.request("aws-s3", &object!({"region": "eu-west-1"}))).await;
    let bucket = canary("bucket").to_lowercase();
    let rig = Rig { program, connection, bucket };
    let made = rig.proxy("PUT", "", &[], "").await;
    assert_eq!(made.status, 200, "{}", made.text());
    rig
}

/// Keys as they are written in a path, and as they are.
const KEYS: [(&str, &str); 9] = [
    ("plain.txt", "plain.txt"),
    ("with%20space", "with space"),
    ("a%2Bb", "a+b"),
    ("a+c", "a+c"),
    ("%C3%BCn%C3%AF/%E6%97%A5%E6%9C%AC", "ünï/日本"),
    ("raw-ü", "raw-ü"),
    ("slash%2Finside", "slash/inside"),
    ("(x)!*'~$&=@:,;", "(x)!*'~$&=@:,;"),
    ("percent%2520twice", "percent%20twice"),
];

async fn objects_are_stored_listed_fetched_and_deleted_under_awkward_keys(engine: Engine) {
    let storage = object_storage();
    let rig = rig(engine, &storage).await;
    for (path, key) in KEYS {
        let headers = [("content-type", "text/x-odd; charset=utf-8"), ("x-amz-meta-of", "  two   words ")];
        let path = format!("/{path}");
        // The proxy door takes a request target, which is ASCII; the envelope takes any text.
        let stored = if path.is_ascii() {
            rig.proxy("PUT", &path, &headers, key).await.status.as_u16()
        } else {
            let request = object!({"method": "PUT", "path": format!("/{}{path}", rig.bucket), "body": key,
                "headers": {"content-type": "text/x-odd; charset=utf-8", "x-amz-meta-of": "  two   words "}});
            let answer =
                rig.program.on(&rig.connection, "POST", "/v1/passthrough", &[], request.to_string()).await;
            u16::try_from(json(&answer)["statusCode"].as_u64().unwrap()).unwrap()
        };
        assert_eq!(stored, 200, "{key}");
        let request = object!({"method": "GET", "path": format!("/{}{path}", rig.bucket)});
        let fetched =
            rig.program.on(&rig.connection, "POST", "/v1/passthrough", &[], request.to_string()).await;
        let fetched = json(&fetched);
        assert_eq!(
            (&fetched["statusCode"], &fetched["response"]),
            (&object!(200), &object!(key)),
            "{fetched}"
        );
        assert_eq!(fetched["headers"]["x-amz-meta-of"], "two   words", "{fetched}");
    }
    // Empty values, values that are encoded in several ways, and names without any.
    for (query, count) in [
        ("?list-type=2&prefix=&delimiter=", KEYS.len()),
        ("?list-type=2&prefix=with%20s", 1),
        ("?list-type=2&prefix=with+s", 1),
        ("?prefix=a%2b&list-type=2&unknown&unknown=2&unknown=1&UPPER=x~y%7e", 2),
        ("?list-type=2&prefix=%C3%BC&start-after=", 1),
    ] {
        let listed = rig.proxy("GET", query, &[], "").await;
        assert_eq!(listed.status, 200, "{query}: {}", listed.text());
        assert_eq!(listed.text().matches("<Key>").count(), count, "{query}: {}", listed.text());
    }
    // Two slashes are two to S3, and signed as such; this storage has no such keys, but it has let us in.
    let twice = rig.proxy("GET", "/a//b", &[], "").await;
    assert_eq!(twice.status, 404, "{}", twice.text());
    for (path, _) in KEYS.iter().filter(|(path, _)| path.is_ascii()) {
        assert_eq!(rig.proxy("DELETE", &format!("/{path}"), &[], "").await.status, 204, "{path}");
    }
    assert_eq!(rig.proxy("GET", "/plain.txt", &[], "").await.status, 404);
    let listed = rig.proxy("GET", "?list-type=2", &[], "").await.text();
    assert_eq!(listed.matches("<Key>").count(), 1, "{listed}");
    rig.program.finish().await;
}

fn bytes_of(length: usize) -> Vec<u8> {
    (0..length).map(|at| (at.wrapping_mul(2_654_435_761) >> 13) as u8).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_of_all_sizes_are_signed_hashed_or_by_the_word_of_tls() {
    let storage = object_storage();
    let rig = rig(Engine::Sqlite, &storage).await;
    for (name, length) in [("/empty", 0), ("/small", 1024), ("/large", 1024 * 1024)] {
        let body = bytes_of(length);
        let stored = rig.proxy("PUT", name, &[], body.clone()).await;
        assert_eq!(stored.status, 200, "{}", stored.text());
        assert!(rig.proxy("GET", name, &[], "").await.body == body, "{name}");
    }
    // Without TLS a body must be hashed: by whoever sends it, or here, where it must then fit into memory.
    let body = bytes_of(20 * 1024 * 1024);
    let refused = rig.proxy("PUT", "/huge", &[], body.clone()).await;
    failure(&refused, 413, "payload_too_large");
    let hash = HEXLOWER.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, &body).as_ref());
    let stored = rig.proxy("PUT", "/huge", &[("x-amz-content-sha256", &hash)], body.clone()).await;
    assert_eq!(stored.status, 200, "{}", stored.text());
    assert!(rig.proxy("GET", "/huge", &[], "").await.body == body);
    // A hash that is another's is signed, and found out there.
    let other = HEXLOWER.encode(aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, b"other").as_ref());
    let streamed = [("x-amz-content-sha256", other.as_str())];
    let found = rig.proxy("PUT", "/huge", &streamed, body).await;
    assert!(found.text().contains("XAmzContentSHA256Mismatch"), "{}", found.text());
    rig.program.finish().await;

    // With TLS it streams by.
    let authority = Authority::new("servers").unwrap();
    let url = storage.over_tls(&authority.issue("127.0.0.1").unwrap()).await;
    let folder = tempfile::tempdir().unwrap();
    let roots = folder.path().join("roots.pem");
    std::fs::write(&roots, authority.pem()).unwrap();
    let setup = setup(Engine::Sqlite).variable("PASSTHROUGH_UPSTREAM__CA_FILE", roots.to_str().unwrap());
    let mut program = setup.provider("aws-s3", &s3(&url)).start().await;
    let key = Key::new(&storage, false).await;
    let connection = program.connect(&key.request("aws-s3", &object!({}))).await;
    let rig = Rig { program, connection, bucket: rig.bucket };
    let body = bytes_of(20 * 1024 * 1024);
    let stored = rig.proxy("PUT", "/streamed", &[], body.clone()).await;
    assert_eq!(stored.status, 200, "{}", stored.text());
    assert!(rig.proxy("GET", "/streamed", &[], "").await.body == body);
    rig.program.finish().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn temporary_credentials_are_good_with_their_session_token_only() {
    let storage = object_storage();
    let key = Key::new(&storage, true).await;
    let mut program = setup(Engine::Sqlite).provider("aws-s3", &s3(&storage.url)).start().await;
    for session_token in [None, Some(canary("another"))] {
        let wrong = Key { id: key.id.clone(), secret: key.secret.clone(), session_token };
        let refused = program.api("POST", "/v1/connections", &wrong.request("aws-s3", &object!({}))).await;
        failure(&refused, 422, "invalid_credentials");
    }
    let connection = program.connect(&key.request("aws-s3", &object!({}))).await;
    let bucket = canary("bucket").to_lowercase();
    // What a caller says of the credential is not what arrives.
    let own =
        [("x-amz-security-token", "mine"), ("x-amz-date", "20200101T000000Z"), ("x-amz-acl", "private")];
    let made = program.on(&connection, "PUT", &format!("/v1/proxy/{bucket}"), &own, "").await;
    assert_eq!(made.status, 200, "{}", made.text());
    // Taken back: the provider's own no goes through.
    storage.know(&key.id, &canary("rotated"), key.session_token.as_deref()).await;
    let refused = program.on(&connection, "GET", "/v1/proxy/", &[], "").await;
    assert_eq!(refused.status, 403);
    assert!(refused.text().contains("SignatureDoesNotMatch"), "{}", refused.text());
    let path = format!("/v1/connections/{}", connection.id);
    let verified = json(&program.api("POST", &format!("{path}/verify"), "").await);
    assert_eq!(verified["result"], "refused", "{verified}");
    assert_eq!(json(&program.api("GET", &path, "").await)["status"], "disconnected");
    program.finish().await;
}

/// Every service but S3 reads paths in a way of its own.
#[tokio::test(flavor = "multi_thread")]
async fn other_services_are_called_by_the_general_file() {
    let storage = object_storage();
    let told = "inject.aws_sigv4.service = \"{signing_name}\"\n";
    let file = catalog(
        "aws",
        &[
            (
                "base_url = \"https://{service}.{region}.amazonaws.com\"",
                &format!("base_url = \"{}\"", storage.url),
            ),
            (told, &format!("{told}inject.aws_sigv4.region = \"{{region}}\"\n")),
        ],
    );
    let key = Key::new(&storage, true).await;
    let mut program = setup(Engine::Sqlite).provider("aws", &file).start().await;
    let variables =
        object!({"service": "bedrock-runtime", "signing_name": "bedrock", "region": "us-gov-west-1"});
    let connection = program.connect(&key.request("aws", &variables)).await;
    for path in [
        "/",
        "/model/anthropic.claude-v2%3A1/invoke",
        "/a%20b/c+d/%C3%BC/x%2Fy",
        "/a//b///c/",
        "/(x)!*'~$&=@,;",
        "/x?Action=List&Version=1&empty=&bare&dup=b&dup=a&dup=&A=1&a=2",
        "/x?q=a+b&r=a%2Bb&s=%7e~&t=%c3%bc&u=a=b",
        "/x?",
    ] {
        for (method, body) in [("GET", ""), ("POST", "{\"a\":\"ü\"}")] {
            let headers = [
                ("content-type", "application/x-amz-json-1.0"),
                ("x-amz-target", " DynamoDB_20120810.ListTables"),
            ];
            let headers = if body.is_empty() { &headers[1..] } else { &headers };
            let answer = program.on(&connection, method, &format!("/v1/proxy{path}"), headers, body).await;
            assert_eq!(answer.status, 200, "{method} {path}: {}", answer.text());
            let seen = json(&answer);
            assert_eq!((&seen["service"], &seen["region"]), (&object!("bedrock"), &object!("us-gov-west-1")));
            assert_eq!(seen["id"], key.id);
        }
    }
    program.finish().await;
}
