//! Whether `openapi.json` is sound in itself. That it is fresh is tested among what is generated; that it is true, by
//! `scripts/test-openapi`, which also holds the examples against their schemas and goes by it against the running program.

use std::collections::BTreeSet;
use std::path::Path;

use passthrough_testkit::program::Engine;
use serde_json::{Value, json};

use crate::support::{ask, setup};

fn document() -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../openapi.json");
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// Every operation, with a name for messages.
fn operations(document: &Value) -> Vec<(String, &Value)> {
    let of = |section: &str| document[section].as_object().unwrap().iter();
    let items = of("paths").chain(of("webhooks"));
    let all = items.flat_map(|(path, item)| {
        item.as_object()
            .unwrap()
            .iter()
            .map(move |(method, operation)| (format!("{method} {path}"), operation))
    });
    all.collect()
}

/// Calls `look` with every value below, and where it is.
fn walk<'a>(value: &'a Value, place: &str, look: &mut dyn FnMut(&str, &'a Value)) {
    look(place, value);
    match value {
        Value::Object(fields) => {
            fields
                .iter()
                .for_each(|(name, value)| walk(value, &format!("{place}/{}", name.replace('/', "~1")), look));
        }
        Value::Array(values) => {
            values
                .iter()
                .enumerate()
                .for_each(|(index, value)| walk(value, &format!("{place}/{index}"), look));
        }
        _ => {}
    }
}

fn is_described(value: &Value) -> bool {
    value["description"].as_str().is_some_and(|text| !text.trim().is_empty())
}

#[test]
fn every_operation_has_an_id_of_its_own_a_tag_that_is_described_and_a_summary() {
    let document = document();
    let tags: BTreeSet<&str> = document["tags"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|tag| is_described(tag))
        .map(|tag| tag["name"].as_str().unwrap())
        .collect();
    let mut ids = BTreeSet::new();
    for (name, operation) in operations(&document) {
        assert!(tags.contains(operation["tags"][0].as_str().unwrap()), "{name}");
        assert!(operation["summary"].as_str().is_some_and(|text| text.ends_with('.')), "{name}");
        if let Some(id) = operation["operationId"].as_str() {
            assert!(ids.insert(id), "{id} stands twice");
        }
    }
    let described =
        document["paths"].as_object().unwrap().values().map(|item| item.as_object().unwrap().len());
    assert_eq!(ids.len(), described.sum::<usize>());
}

#[test]
fn every_reference_leads_somewhere_and_everything_named_is_referred_to() {
    let document = document();
    let mut referred = BTreeSet::new();
    walk(&document, "", &mut |place, value| {
        if let Some(reference) = value["$ref"].as_str() {
            let there = document.pointer(reference.trim_start_matches('#'));
            assert!(there.is_some(), "{place}: {reference}");
            referred.insert(reference.to_owned());
        }
    });
    for kind in ["schemas", "responses", "headers"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            let reference = format!("#/components/{kind}/{name}");
            assert!(referred.contains(&reference), "nothing refers to {reference}");
        }
    }
}

#[test]
fn everything_is_described() {
    let document = document();
    let mut missing = Vec::new();
    walk(&document, "", &mut |place, value| {
        let fields = value["properties"].as_object().into_iter().flatten();
        missing.extend(
            fields.filter(|(_, field)| !is_described(field)).map(|(name, _)| format!("{place}: {name}")),
        );
        let parent = place.rsplit('/').nth(1).unwrap_or_default();
        let is_named = ["responses", "headers", "schemas", "securitySchemes"].contains(&parent)
            || (parent == "parameters" && !place.contains("/example"));
        if is_named
            && !place.contains("/properties/")
            && value.is_object()
            && value["$ref"].is_null()
            && !is_described(value)
        {
            missing.push(place.to_owned());
        }
    });
    assert!(missing.is_empty(), "{missing:#?}");
}

#[test]
fn no_operation_is_without_its_error_answers_and_the_headers_of_every_answer() {
    let document = document();
    for (path, item) in document["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            let responses = operation["responses"].as_object().unwrap();
            let keyed = operation["security"] != json!([{}]);
            let wanted: &[&str] = if keyed { &["400", "401", "500"] } else { &["400"] };
            for status in wanted {
                assert!(responses.contains_key(*status), "{method} {path} has no {status}");
            }
            if path.contains('{') || path.ends_with("/current") {
                let unknown = if path.starts_with("/tsp/") { "403" } else { "404" };
                assert!(responses.contains_key(unknown), "{method} {path} has no {unknown}");
            }
            for (status, response) in responses {
                let reference = response["$ref"].as_str().map(|name| name.trim_start_matches('#'));
                let response = reference.map_or(response, |name| document.pointer(name).unwrap());
                assert!(
                    response["headers"]["Passthrough-Request-Id"].is_object(),
                    "{method} {path} {status}"
                );
                let is_error = status.as_bytes()[0] >= b'4' && status != "default";
                assert!(
                    !is_error || response["content"]["application/json"].is_object(),
                    "{method} {path} {status}"
                );
            }
        }
    }
}

#[test]
fn bodies_are_as_strict_as_they_are_read() {
    let document = document();
    for (name, operation) in operations(&document) {
        let Some(reference) =
            operation["requestBody"]["content"]["application/json"]["schema"]["$ref"].as_str()
        else {
            continue;
        };
        let schema = document.pointer(reference.trim_start_matches('#')).unwrap();
        // Terminal's dialect lets unknown fields be.
        let expected = if name.contains("/tsp/") { Value::Null } else { json!(false) };
        assert_eq!(schema["additionalProperties"], expected, "{name}");
    }
}

/// Routes and descriptions are two lists. A method that no path has is answered with those that it has.
#[tokio::test]
async fn every_operation_is_routed_and_no_path_has_another_method() {
    let program = setup(Engine::Sqlite).start().await;
    for (path, item) in document()["paths"].as_object().unwrap() {
        if path == "/v1/proxy/{path}" {
            continue;
        }
        let mut described: BTreeSet<String> =
            item.as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
        if described.contains("GET") {
            described.insert("HEAD".to_owned());
        }
        let response = ask(&program, "LOCK", &path.replace(['{', '}'], ""), &[], "").await;
        // Terminal knows no 405.
        assert_eq!(response.status, if path.starts_with("/tsp/") { 400 } else { 405 }, "{path}");
        let routed: BTreeSet<String> =
            response.header("allow").unwrap().split(',').map(str::to_owned).collect();
        assert_eq!(routed, described, "{path}");
    }
    program.finish().await;
}
