//! The request that each auth entry of each built-in provider would send, as text that a person can hold
//! against the API's documentation. One snapshot per provider.
//!
//! A snapshot that is missing or different fails; after reading it, `INSTA_UPDATE=always` accepts it.

use std::fs;
use std::panic::catch_unwind;
use std::path::Path;

use bytes::Bytes;
use http::Method;
use passthrough_core::fault::Door;
use passthrough_core::header::Fields;
use passthrough_core::path::CallerPath;
use passthrough_core::provider::{Auth, HostAllowList, Provider};
use passthrough_core::template::Moment;
use passthrough_core::upstream::{OpenConnection, PassthroughRequest, RequestBody, UpstreamRequest, build};

use crate::sample::{accepted, catalog};

/// Midnight of 2026-01-31 UTC, and a nonce that is none.
const MOMENT: Moment = Moment { unix_ms: 1_769_817_600_000, nonce: [0; 16] };

#[test]
fn every_auth_entry_sends_the_request_of_its_snapshot() {
    let mut settings = insta::Settings::clone_current();
    settings.set_snapshot_path("snapshots");
    settings.set_prepend_module_to_snapshot(false);
    settings.set_omit_expression(true);
    let mut failed = Vec::new();
    for (code, provider) in catalog() {
        let requests: Vec<String> =
            provider.auth.values().flat_map(|auth| requests_of(&provider, auth)).collect();
        let requests = requests.join("\n");
        // Every provider that differs is told, not only the first.
        let assertion = || settings.bind(|| insta::assert_snapshot!(code.as_str(), requests));
        if catch_unwind(std::panic::AssertUnwindSafe(assertion)).is_err() {
            failed.push(code);
        }
    }
    assert!(failed.is_empty(), "these differ from their snapshots: {}", failed.join(", "));
}

#[test]
fn every_snapshot_has_a_provider() {
    let catalog = catalog();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/snapshots");
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.extension().is_some_and(|extension| extension == "snap") {
            let code = path.file_stem().unwrap().to_str().unwrap();
            assert!(catalog.contains_key(code), "{code}.snap is of no provider");
        }
    }
}

const SOAP: &[u8] = br#"<s:Envelope xmlns:s="http://schemas.xmlsoap.org/soap/envelope/"><s:Body><example/></s:Body></s:Envelope>"#;

/// A GET from the envelope; where the credential goes into a body, a POST as well.
fn requests_of(provider: &Provider, auth: &Auth) -> Vec<String> {
    let (body, content_type) = match &auth.inject.soap {
        Some(_) => (SOAP, "text/xml"),
        None => (&br#"{"example": 1.0}"#[..], "application/json"),
    };
    let post = auth.inject.is_in_the_body().then(|| {
        let content_type = Some(http::HeaderValue::from_static(content_type));
        (Method::POST, RequestBody::Bytes { bytes: Bytes::from_static(body), content_type })
    });
    [(Method::GET, RequestBody::Absent)]
        .into_iter()
        .chain(post)
        .map(|(method, body)| {
            let request = PassthroughRequest {
                door: Door::Envelope,
                method,
                path: CallerPath::parse("/example?x=1").unwrap(),
                base: None,
                headers: Fields::default(),
                body,
                websocket_upgrade: false,
            };
            format!("# auth.{}\n{}", auth.name, sent(provider, auth, request))
        })
        .collect()
}

fn sent(provider: &Provider, auth: &Auth, request: PassthroughRequest) -> String {
    let hosts = HostAllowList(vec![".example.com".to_owned()]);
    let (credential, variables) = accepted(provider, auth, &hosts).unwrap();
    let connection =
        OpenConnection { provider, auth, credential: &credential, variables: &variables, prepared: None };
    printed(&build(connection, request, || MOMENT, &hosts).unwrap())
}

/// As it goes onto the wire, with the origin in the request line, and without `content-length`. `shown` is how
/// the same path stands in envelopes and records.
fn printed(request: &UpstreamRequest) -> String {
    let path = request.uri.path_and_query().unwrap();
    let mut text = format!("{} {}{path}\n", request.method, request.origin);
    for (name, value) in request.headers.iter() {
        let text_of = |bytes| std::str::from_utf8(bytes).unwrap();
        text.push_str(&format!("{}: {}\n", text_of(name), text_of(value)));
    }
    if let RequestBody::Bytes { bytes, .. } = &request.body {
        text.push_str(&format!("\n{}\n", std::str::from_utf8(bytes).unwrap()));
    }
    text.push_str(&format!("# shown: {}\n", request.shown_path));
    text
}
