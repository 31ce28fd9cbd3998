//! `passthrough connection import`: nothing twice, nothing lost, and a report of what is wrong.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use passthrough_testkit::echo::EchoProvider;
use passthrough_testkit::program::{Connected, Engine, Program, canary};
use serde_json::{Value, json as value};

use crate::support::{bearer_provider, json, on_both_databases, setup};

on_both_databases! {
    lines_become_connections_and_the_report_says_what_is_wrong
    an_import_that_is_killed_again_and_again_makes_each_line_once
    lines_that_are_not_connections_may_be_mended_and_the_others_stay
    a_line_that_is_too_long_or_no_text_fails_alone_and_fifty_tags_are_taken
    an_interrupted_import_says_how_to_go_on
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_begin_leaves_nothing_behind_and_a_bad_key_is_refused() {
    let (mut program, _provider) = program(Engine::Sqlite).await;
    let folder = tempfile::tempdir().unwrap();
    let missing = folder.path().join("nope.jsonl");
    for (file, part) in [(missing.as_path(), "nope.jsonl"), (folder.path(), "no regular file")] {
        for flags in [&[][..], &["--dry-run"]] {
            let said = run(&program, file, flags);
            let text = String::from_utf8_lossy(&said.stderr).into_owned();
            assert!(!said.status.success() && text.contains(part), "{text}");
        }
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);

    // The tokens of another import are not taken for ours, not even the second time.
    let file = folder.path().join("customers.jsonl");
    std::fs::write(&file, line(1)).unwrap();
    std::fs::write(beside(&file, "tokens.jsonl"), "{\"line\":1,\"id\":\"conn_x\",\"token\":\"x\"}\n")
        .unwrap();
    for _ in 0..2 {
        let said = run(&program, &file, &[]);
        let text = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(said.status.code() == Some(1) && text.contains("from another import"), "{text}");
        assert!(!beside(&file, "journal").exists());
    }
    std::fs::remove_file(beside(&file, "tokens.jsonl")).unwrap();

    let mut bad = command(&program, &file, &[]);
    bad.env("PASSTHROUGH_API_KEY", format!("{}x", &program.key[..program.key.len() - 1]));
    let bad = tokio::task::block_in_place(|| bad.output().unwrap());
    let text = String::from_utf8_lossy(&bad.stderr).into_owned();
    assert!(bad.status.code() == Some(3) && text.contains("hint: "), "{text}");
    assert_eq!(run(&program, &file, &[]).status.code(), Some(0));
    watch(&mut program, &file);
    program.finish().await;
}

/// The tokens that an import wrote must be nowhere else, either.
fn watch(program: &mut Program, file: &Path) {
    for token in read(&beside(file, "tokens.jsonl")) {
        program.watch(token["token"].as_str().unwrap());
    }
}

async fn lines_that_are_not_connections_may_be_mended_and_the_others_stay(engine: Engine) {
    let (mut program, _provider) = program(engine).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("customers.jsonl");
    let write = |lines: &[&str]| std::fs::write(&file, lines.join("\n")).unwrap();
    let (one, two, three, four) = (line(1), line(2), line(3), line(4));
    let misspelt = two.replace("shop", "shpo");
    write(&[&one, &misspelt, "{}", &four]);
    assert_eq!(run(&program, &file, &[]).status.code(), Some(1));
    let tokens = std::fs::read(beside(&file, "tokens.jsonl")).unwrap();
    assert_eq!(connections(&program).await.len(), 2);

    // A finished line is not made again in another form, and nothing else is while it differs.
    let other = line(1);
    for wrong in [[&other, &two, &three, &four], [&two, &one, &three, &four]] {
        write(&wrong.map(String::as_str));
        let said = run(&program, &file, &[]);
        let text = String::from_utf8_lossy(&said.stderr).into_owned();
        assert!(
            said.status.code() == Some(1) && text.contains("a connection, but not of this text"),
            "{text}"
        );
        assert_eq!(connections(&program).await.len(), 2);
    }
    write(&[&one, &two, &four, &four]);
    assert_eq!(run(&program, &file, &[]).status.code(), Some(0));
    // That mended the misspelt line and the empty one, in one go; the finished ones are as they were.
    assert!(std::fs::read(beside(&file, "tokens.jsonl")).unwrap().starts_with(&tokens));
    let all = connections(&program).await;
    assert_eq!(all.keys().collect::<Vec<_>>(), ["customer-1", "customer-2", "customer-4"]);

    // What was refused and is not wanted any more is emptied.
    write(&[&one, &two, &four, &four, "{}", &three]);
    assert_eq!(run(&program, &file, &[]).status.code(), Some(1));
    write(&[&one, &two, &four, &four, "", &three]);
    assert_eq!(run(&program, &file, &[]).status.code(), Some(0));
    assert_eq!(read(&beside(&file, "tokens.jsonl")).len(), 5);
    watch(&mut program, &file);
    program.finish().await;
}

async fn a_line_that_is_too_long_or_no_text_fails_alone_and_fifty_tags_are_taken(engine: Engine) {
    let (mut program, _provider) = program(engine).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("customers.jsonl");
    let mut tagged: Value = serde_json::from_str(&line(1)).unwrap();
    tagged["tags"] = (0..50).map(|number| format!("tag-{number}")).collect();
    let long = "x".repeat(3 << 20);
    let mut bytes = format!("{tagged}\n{long}\n{}\n", line(2)).into_bytes();
    bytes.extend_from_slice(b"\xff\n");
    bytes.extend_from_slice(line(3).as_bytes());
    std::fs::write(&file, bytes).unwrap();
    for flags in [&["--dry-run"][..], &["--parallel", "1"]] {
        let said = run(&program, &file, flags);
        assert_eq!(said.status.code(), Some(1), "{}", String::from_utf8_lossy(&said.stderr));
    }
    let report = read(&beside(&file, "report.jsonl"));
    let failed: Vec<_> =
        report.iter().filter_map(|entry| Some((entry["line"].as_u64()?, entry["error"].as_str()?))).collect();
    assert_eq!(failed, [(2, "is longer than 1048576 bytes"), (4, "is no UTF-8")]);
    assert_eq!(connections(&program).await.len(), 3);
    watch(&mut program, &file);
    program.finish().await;
}

async fn an_interrupted_import_says_how_to_go_on(engine: Engine) {
    let (mut program, _provider) = program(engine).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("customers.jsonl");
    std::fs::write(&file, (1..=400).map(|customer| line(customer) + "\n").collect::<String>()).unwrap();
    let mut child = command(&program, &file, &["--parallel", "2"]).stderr(Stdio::piped()).spawn().unwrap();
    while connections(&program).await.is_empty() {
        assert!(child.try_wait().unwrap().is_none(), "it was over too soon");
    }
    Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    let said = tokio::task::block_in_place(|| child.wait_with_output().unwrap());
    let text = String::from_utf8_lossy(&said.stderr).into_owned();
    assert!(
        said.status.code() == Some(1) && text.contains("interrupted") && text.contains("hint: "),
        "{text}"
    );
    // Each connection that there is has its token already.
    let made = connections(&program).await.len();
    assert!(made < 400 && made == read(&beside(&file, "tokens.jsonl")).len(), "{made}");
    assert_eq!(run(&program, &file, &[]).status.code(), Some(0));
    let all = connections(&program).await;
    assert!(all.len() == 400 && all.values().all(|ids| ids.len() == 1));
    watch(&mut program, &file);
    program.finish().await;
}

async fn program(engine: Engine) -> (Program, EchoProvider) {
    let provider = EchoProvider::start().await;
    let file = bearer_provider(&format!("{}/base", provider.url()));
    (setup(engine).provider("shop", &file).start().await, provider)
}

fn command(program: &Program, file: &Path, flags: &[&str]) -> Command {
    let mut command = program.command(&["connection", "import", file.to_str().unwrap()]);
    command.args(flags).args(["--server", &program.url]).env("PASSTHROUGH_API_KEY", &program.key);
    command.stdin(Stdio::null());
    command
}

fn run(program: &Program, file: &Path, flags: &[&str]) -> Output {
    tokio::task::block_in_place(|| command(program, file, flags).output().unwrap())
}

fn beside(file: &Path, extension: &str) -> PathBuf {
    format!("{}.{extension}", file.display()).into()
}

fn read(path: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(path).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn line(customer: u32) -> String {
    let key = canary("key");
    value!({ "provider": "shop", "credentials": { "api_key": key }, "externalId": format!("customer-{customer}") })
        .to_string()
}

/// All connections that there are, by end user.
async fn connections(program: &Program) -> BTreeMap<String, Vec<String>> {
    let (mut found, mut cursor) = (BTreeMap::<String, Vec<String>>::new(), String::new());
    loop {
        let page = json(&program.api("GET", &format!("/v1/connections?limit=500{cursor}"), "").await);
        for connection in page["results"].as_array().unwrap() {
            let text = |name: &str| connection[name].as_str().unwrap().to_owned();
            found.entry(text("externalId")).or_default().push(text("id"));
        }
        match page["next"].as_str() {
            Some(next) => cursor = format!("&cursor={next}"),
            None => return found,
        }
    }
}

async fn lines_become_connections_and_the_report_says_what_is_wrong(engine: Engine) {
    let (mut program, provider) = program(engine).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("customers.jsonl");
    let mut text = String::new();
    for customer in 1..=20 {
        writeln!(text, "{}", line(customer)).unwrap();
    }
    let secret = canary("typed");
    writeln!(text, "\n{{\"provider\": \"shpo\", \"credentials\": {{\"api_key\": \"{secret}\"}}}}").unwrap();
    writeln!(text, "{{\"provider\": \"shop\", \"credentails\": {{\"api_key\": \"{secret}\"}}}}").unwrap();
    writeln!(text, "{{\"provider\": \"shop\", \"credentials\": {{}}, \"auth\": \"token\"}}").unwrap();
    write!(text, "{secret}").unwrap();
    std::fs::write(&file, &text).unwrap();

    let tried = run(&program, &file, &["--dry-run"]);
    let said = String::from_utf8_lossy(&tried.stdout).into_owned();
    assert_eq!(tried.status.code(), Some(1), "{said}");
    for part in
        ["line 22: provider: ", "line 23: credentails: unknown field", "line 25: the body is not JSON"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    assert!(!said.contains(&secret) && connections(&program).await.is_empty());

    let done = run(&program, &file, &["--output", "json"]);
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert_eq!(done.status.code(), Some(1), "{said}");
    let summary: Value = serde_json::from_slice(&done.stdout).unwrap();
    assert_eq!((&summary["made"], &summary["failed"]), (&value!(20), &value!(4)));
    let report = read(&beside(&file, "report.jsonl"));
    assert_eq!(report.len(), 24);
    let errors: Vec<(u64, &str)> = report
        .iter()
        .filter_map(|entry| Some((entry["line"].as_u64().unwrap(), entry["error"].as_str()?)))
        .collect();
    assert_eq!(errors.iter().map(|(line, _)| *line).collect::<Vec<_>>(), [22, 23, 24, 25]);
    assert!(errors[0].1.contains("did you mean `shop`?") && errors[2].1.contains("missing"), "{errors:?}");
    assert!(!format!("{report:?}{said}").contains(&secret));

    let tokens = beside(&file, "tokens.jsonl");
    for path in [&tokens, &beside(&file, "journal"), &beside(&file, "report.jsonl")] {
        assert_eq!(
            std::fs::metadata(path).unwrap().permissions().mode() & 0o777,
            0o600,
            "{}",
            path.display()
        );
    }
    let tokens = read(&tokens);
    assert_eq!(tokens.len(), 20);
    for token in &tokens {
        let text = |name: &str| token[name].as_str().unwrap().to_owned();
        assert_eq!(text("externalId"), format!("customer-{}", token["line"]));
        let connection = Connected { id: text("id"), token: text("token") };
        program.watch(&connection.token);
        let call = r#"{"method":"GET","path":"/x"}"#;
        assert_eq!(program.on(&connection, "POST", "/v1/passthrough", &[], call).await.status, 200);
    }
    assert_eq!(provider.seen().len(), 20);

    // Once more: what is made stays, what was wrong is tried again. Another file is not taken for this one.
    assert_eq!(run(&program, &file, &[]).status.code(), Some(1));
    assert_eq!(connections(&program).await.len(), 20);
    std::fs::write(&file, format!("{text}\n{}\n", line(21))).unwrap();
    assert_eq!(run(&program, &file, &[]).status.code(), Some(1));
    let all = connections(&program).await;
    assert!(all.len() == 21 && all.values().all(|ids| ids.len() == 1), "{all:?}");
    std::fs::write(&file, line(1)).unwrap();
    let other = run(&program, &file, &[]);
    let said = String::from_utf8_lossy(&other.stderr).into_owned();
    assert!(
        other.status.code() == Some(1) && said.contains("line 1 of ") && said.contains("not of this text"),
        "{said}"
    );
    for token in read(&beside(&file, "tokens.jsonl")) {
        program.watch(token["token"].as_str().unwrap());
    }
    program.finish().await;
}

async fn an_import_that_is_killed_again_and_again_makes_each_line_once(engine: Engine) {
    const LINES: u32 = 150;
    let (mut program, _provider) = program(engine).await;
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("customers.jsonl");
    let text: String = (1..=LINES).map(|customer| line(customer) + "\n").collect();
    std::fs::write(&file, text).unwrap();
    let mut killed = 0;
    for round in 0_u64.. {
        let mut child = command(&program, &file, &["--quiet"]).stderr(Stdio::piped()).spawn().unwrap();
        // Where something is in doubt, it waits for three seconds before it asks.
        let patience = Duration::from_millis(if round == 0 { 120 } else { 3_030 + 37 * (round % 6) });
        tokio::time::sleep(patience).await;
        if round < 4 && child.try_wait().unwrap().is_none() {
            child.kill().unwrap();
            child.wait().unwrap();
            killed += 1;
            continue;
        }
        let output = tokio::task::block_in_place(|| child.wait_with_output().unwrap());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        break;
    }
    assert!(killed > 1, "it was over too soon");
    let all = connections(&program).await;
    assert_eq!(all.len(), LINES as usize);
    assert!(all.values().all(|ids| ids.len() == 1), "something was made twice");
    // The last token of a line is the one that counts.
    let mut tokens = BTreeMap::new();
    for token in read(&beside(&file, "tokens.jsonl")) {
        program.watch(token["token"].as_str().unwrap());
        tokens.insert(token["line"].as_u64().unwrap(), token);
    }
    assert_eq!(tokens.len(), LINES as usize);
    for token in tokens.values() {
        let text = |name: &str| token[name].as_str().unwrap().to_owned();
        assert_eq!(all[&text("externalId")], [text("id")]);
        let connection = Connected { id: text("id"), token: text("token") };
        assert_eq!(program.on(&connection, "GET", "/v1/connections/current", &[], "").await.status, 200);
    }
    program.finish().await;
}
