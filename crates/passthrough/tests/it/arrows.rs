//! The arrows between the crates are what keeps secrets and IO where they belong: the store cannot see an opened
//! credential because it cannot name the vault. A convenient dependency must not undo that unnoticed.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::Command;

use cargo_metadata::{DependencyKind, Metadata, MetadataCommand};

/// Every crate of the workspace and the crates of the workspace that it may depend on outside tests.
const ALLOWED: &[(&str, &[&str])] = &[
    ("passthrough", &["passthrough-client", "passthrough-server", "passthrough-wire"]),
    (
        "passthrough-server",
        &[
            "passthrough-core",
            "passthrough-http1",
            "passthrough-store",
            "passthrough-vault",
            "passthrough-wire",
        ],
    ),
    ("passthrough-client", &["passthrough-wire"]),
    ("passthrough-wire", &["passthrough-core"]),
    ("passthrough-store", &["passthrough-core"]),
    ("passthrough-http1", &[]),
    ("passthrough-vault", &[]),
    ("passthrough-core", &[]),
    ("passthrough-testkit", &[]),
];

/// What would give the core a runtime, a network or a database.
const NOT_IN_CORE: &[&str] = &[
    "async-std",
    "axum",
    "h2",
    "hickory-resolver",
    "hyper",
    "hyper-rustls",
    "hyper-util",
    "mio",
    "redis",
    "reqwest",
    "rusqlite",
    "smol",
    "socket2",
    "sqlx",
    "sqlx-core",
    "tokio",
    "tokio-rustls",
    "tokio-util",
    "tower",
    "ureq",
];

fn metadata() -> Metadata {
    let manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml");
    MetadataCommand::new()
        .manifest_path(manifest)
        .no_deps()
        .other_options(["--offline".to_owned()])
        .exec()
        .unwrap()
}

/// Crate → crates of the workspace that it depends on. `kind` is the way of depending.
fn arrows(metadata: &Metadata, kind: impl Fn(DependencyKind) -> bool) -> BTreeMap<String, BTreeSet<String>> {
    let members: BTreeSet<String> =
        metadata.workspace_packages().iter().map(|member| member.name.to_string()).collect();
    let arrows_of = |member: &&cargo_metadata::Package| {
        let names =
            member.dependencies.iter().filter(|found| kind(found.kind)).map(|found| found.name.clone());
        (member.name.to_string(), names.filter(|name| members.contains(name)).collect())
    };
    metadata.workspace_packages().iter().map(arrows_of).collect()
}

#[test]
fn crates_depend_on_each_other_only_as_allowed() {
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.iter().copied().collect();
    let mut found = 0;
    for (from, to) in arrows(&metadata(), |kind| kind != DependencyKind::Development) {
        let may = allowed
            .get(from.as_str())
            .unwrap_or_else(|| panic!("{from} is new: say in ALLOWED what it may use"));
        for to in to {
            assert!(may.contains(&to.as_str()), "{from} must not depend on {to}; it may depend on {may:?}");
            found += 1;
        }
    }
    assert!(found > 0, "no arrow was found at all, so this test has looked at nothing");
}

/// In tests, too, an arrow may only point where it could point anyway, or at the testkit: a crate that needs another
/// one to be tested is not apart from it.
#[test]
fn tests_add_no_arrow_but_to_the_testkit() {
    let allowed: BTreeMap<&str, &[&str]> = ALLOWED.iter().copied().collect();
    for (from, to) in arrows(&metadata(), |kind| kind == DependencyKind::Development) {
        for to in to {
            let fine = to == "passthrough-testkit" || allowed[from.as_str()].contains(&to.as_str());
            assert!(fine, "the tests of {from} must not depend on {to}");
        }
    }
}

/// Not only the direct dependencies: everything that a build of the core brings along.
#[test]
fn core_brings_along_no_runtime_no_http_client_and_no_sql() {
    let tree = Command::new(env!("CARGO"))
        .args(["tree", "--offline", "--package", "passthrough-core", "--edges", "normal", "--prefix", "none"])
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .output()
        .unwrap();
    assert!(tree.status.success(), "{}", String::from_utf8_lossy(&tree.stderr));
    let tree = String::from_utf8(tree.stdout).unwrap();
    let names: BTreeSet<&str> = tree.lines().filter_map(|line| line.split(' ').next()).collect();
    assert!(names.contains("serde"), "the core's dependencies were not found: {tree}");
    let forbidden: Vec<&&str> = NOT_IN_CORE.iter().filter(|name| names.contains(**name)).collect();
    assert!(forbidden.is_empty(), "passthrough-core must stay without IO, but it brings along {forbidden:?}");
}
