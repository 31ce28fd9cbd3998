//! What is generated from the code and committed must be what the code generates.

use std::path::Path;
use std::process::Command;

use crate::support::BINARY;

fn generated(arguments: &[&str]) -> String {
    let output = Command::new(BINARY).args(arguments).output().unwrap();
    assert!(output.status.success());
    String::from_utf8(output.stdout).unwrap()
}

fn committed(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..").join(path);
    std::fs::read_to_string(path).unwrap_or_default()
}

#[test]
fn the_committed_openapi_description_is_fresh() {
    assert!(
        committed("openapi.json") == generated(&["openapi"]),
        "run `make generate` and commit openapi.json"
    );
}

#[test]
fn the_committed_provider_schema_is_fresh() {
    let fresh = generated(&["provider", "schema"]);
    assert!(
        committed("providers/schema.json") == fresh,
        "run `make generate` and commit providers/schema.json"
    );
}

#[test]
fn the_generated_parts_of_the_documentation_are_fresh() {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../scripts/generate-docs");
    let output = Command::new(script).args(["--check", BINARY]).output().unwrap();
    assert!(output.status.success(), "run `make generate` and commit docs/: {output:?}");
}
