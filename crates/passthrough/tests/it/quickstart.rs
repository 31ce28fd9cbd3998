//! `docs/QUICKSTART.md`: what is for a shell runs as it stands there, and its Rust programs are the examples, which other
//! tests run. The programs in TypeScript and Python are run by the tests of their SDKs.

use std::path::{Path, PathBuf};
use std::process::Command;

use passthrough_testkit::echo::EchoProvider;
use passthrough_testkit::program::{Engine, Program, canary};

use crate::support::{BINARY, catalog, setup};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn page() -> String {
    std::fs::read_to_string(root().join("docs/QUICKSTART.md")).unwrap()
}

/// An example as a page shows it: without the line for our lints.
pub fn shown(example: &str) -> String {
    let source = std::fs::read_to_string(root().join("crates").join(example)).unwrap();
    let (lints, shown) = source.split_once("\n\n").unwrap();
    assert!(lints.starts_with("#![allow("), "{example}");
    shown.to_owned()
}

/// GitHub, as far as the programs look, and a program whose catalog says that it is there.
pub async fn github() -> (EchoProvider, Program) {
    let provider = EchoProvider::answering(|_| {
        let user = http_body_util::Full::from(r#"{"login": "us", "id": 1}"#);
        http::Response::builder().header("content-type", "application/json").body(user).unwrap()
    })
    .await;
    let base = format!("base_url = \"{}\"", provider.url());
    let file = catalog("github", &[("base_url = \"https://api.github.com\"", &base)]);
    let program = setup(Engine::Sqlite).provider("github", &file).start().await;
    (provider, program)
}

#[test]
fn its_rust_programs_are_the_examples() {
    let page = page();
    for example in ["passthrough-client/examples/quickstart.rs", "passthrough-server/examples/embed.rs"] {
        assert!(
            page.contains(&format!("```rust\n{}```\n", shown(example))),
            "QUICKSTART.md shows another {example}"
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn its_shell_programs_run_as_they_stand_there() {
    let (github, program) = github().await;
    let page = page();
    let scripts: Vec<&str> =
        page.split("```sh\n").skip(1).map(|rest| rest.split_once("```").unwrap().0).collect();
    let [curl, commands, proxy] = scripts[..] else { panic!("{} scripts", scripts.len()) };
    let folder = tempfile::tempdir().unwrap();
    let programs = Path::new(BINARY).parent().unwrap();
    let run = |script: &str| {
        let output = Command::new("bash")
            .args(["-euc", &format!("PATH=\"$PROGRAMS:$PATH\"\n{script}")])
            .current_dir(&folder)
            .env("PROGRAMS", programs)
            .env("PASSTHROUGH_SERVER_URL", &program.url)
            .env("PASSTHROUGH_API_KEY", &program.key)
            .env("GITHUB_TOKEN", canary("token"))
            .output()
            .unwrap();
        assert!(output.status.success(), "{script}\n{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).unwrap()
    };
    // The third goes on where the first ended.
    for (script, answer) in [
        (curl.to_owned(), r#""response":{"login": "us", "id": 1}"#),
        (commands.to_owned(), r#"{"login": "us", "id": 1}"#),
        (format!("{curl}\necho; echo\n{proxy}"), "\n{\"login\": \"us\", \"id\": 1}"),
    ] {
        let said = run(&script);
        assert!(said.contains(answer), "{script}\n{said}");
    }
    assert_eq!(github.seen().len(), 4);
    assert!(github.last().header("authorization")[0].starts_with("Bearer "));
    program.finish().await;
}
