//! `passthrough request` and `passthrough requests`.

use super::*;

#[test]
fn the_body_goes_to_standard_output_byte_for_byte_and_the_exit_code_says_what_the_provider_said() {
    let demo = Demo::start();
    let found = demo.run(&["request", "GET", "/orders/1001"]);
    assert_eq!(found.status.code(), Some(0), "{}", text(&found.stderr));
    let body = r#"{"id":1001,"status":"paid","title":"The Left Hand of Darkness","total":{"amount":1890,"currency":"EUR"}}"#;
    assert_eq!(text(&found.stdout), body);
    assert_eq!(text(&found.stderr), "");

    let missing = demo.run(&["request", "GET", "/orders/7"]);
    assert_eq!(missing.status.code(), Some(4));
    assert_eq!(text(&missing.stdout), r#"{"error":"there is no such order"}"#);
    assert!(text(&missing.stderr).contains("the provider answered 404 Not Found"));

    let included = text(&demo.run(&["request", "GET", "/orders/7", "-i"]).stdout);
    assert!(
        included.starts_with("HTTP 404 Not Found\r\n") && included.contains("\r\n\r\n{\"error\""),
        "{included}"
    );
    assert_eq!(demo.stop(), Some(0));
}

#[test]
fn flags_and_environment_name_server_key_and_token() {
    let demo = Demo::start();
    let key = demo.folder().join("key");
    std::fs::write(&key, format!("{}\n", demo.api_key())).unwrap();
    let key = format!("@{}", key.display());
    let args = ["--server", demo.server(), "--api-key", &key, "--connection-token", demo.token()];
    let ok = run(&[&["request", "GET", "/account"], &args[..]].concat());
    assert_eq!(text(&ok.stdout), r#"{"id":"shop-7","name":"Corner Bookshop"}"#, "{}", text(&ok.stderr));

    let code = |args: &[&str]| demo.run(args).status.code();
    assert_eq!(code(&["request", "GET", "/account", "--api-key", "sk_wrong"]), Some(3));
    assert_eq!(code(&["request", "GET", "/account", "--connection-token", "con_tkn_wrong"]), Some(3));
    assert_eq!(code(&["request", "GET", "account"]), Some(2));
    let away = demo.run(&["request", "GET", "/account", "--server", "http://127.0.0.1:1"]);
    assert_eq!(away.status.code(), Some(1));
    assert!(
        text(&away.stderr).contains("hint: is the server running? `passthrough serve`"),
        "{}",
        text(&away.stderr)
    );
    let keyless = run(&["request", "GET", "/account", "--server", demo.server()]);
    assert_eq!(keyless.status.code(), Some(2));
}

#[test]
fn bodies_of_every_kind_arrive_as_they_were_meant() {
    let demo = Demo::start();
    let echo = |args: &[&str], input: &[u8]| -> Value {
        let output =
            run_with_input(&mut demo.command(&[&["request", "POST", "/echo"], args].concat()), input);
        assert_eq!(output.status.code(), Some(0), "{args:?}: {}", text(&output.stderr));
        let json: Value = serde_json::from_slice(&output.stdout).unwrap();
        // In the envelope, the answer is one field.
        json.get("response").cloned().unwrap_or(json)
    };
    let file = demo.folder().join("body.txt");
    std::fs::write(&file, "from a file\n").unwrap();
    let at_file = format!("@{}", file.display());
    for door in [None, Some("--envelope"), Some("--raw")] {
        let sent =
            |args: &[&str], input: &[u8]| echo(&args.iter().copied().chain(door).collect::<Vec<_>>(), input);
        assert_eq!(sent(&["-d", "{ \"n\": 1.10 }"], b"")["body"], "{ \"n\": 1.10 }", "{door:?}");
        assert_eq!(sent(&["-d", &at_file], b"")["body"], "from a file\n", "{door:?}");
        assert_eq!(sent(&["-d", "@-"], b"from standard input")["body"], "from standard input", "{door:?}");
        let json = sent(&["--json", "{ \"n\": 1.10 }", "--query", "a=1&2", "-H", "X-A: b"], b"");
        assert_eq!(json["body"], "{ \"n\": 1.10 }", "{door:?}");
        assert_eq!(
            (&json["headers"]["content-type"], &json["headers"]["x-a"]),
            (&"application/json".into(), &"b".into())
        );
        assert_eq!(json["query"], "a=1%262", "{door:?}");
        let form = sent(&["--form", "a=1 2", "--form", "a=ü"], b"");
        assert_eq!(form["body"], "a=1+2&a=%C3%BC", "{door:?}");
        let parts = sent(&["-F", &format!("f={at_file};type=text/plain"), "-F", "t=1"], b"");
        let body = parts["body"].as_str().unwrap();
        assert!(body.contains(
            "name=\"f\"; filename=\"body.txt\"\r\nContent-Type: text/plain\r\n\r\nfrom a file\n\r\n"
        ));
        assert!(body.contains("name=\"t\"\r\n\r\n1\r\n"), "{door:?}: {body}");
    }
}

#[test]
fn the_envelope_is_json_and_the_raw_door_gives_bytes_or_an_envelope() {
    let demo = Demo::start();
    for flag in [&["--envelope"][..], &["--output", "json"]] {
        let output = demo.run(&[&["request", "GET", "/orders/7"], flag].concat());
        assert_eq!(output.status.code(), Some(4));
        let envelope: Value = serde_json::from_slice(&output.stdout).unwrap();
        assert_eq!((&envelope["statusCode"], &envelope["path"]), (&404.into(), &"/orders/7".into()));
    }
    let file = demo.folder().join("account.json");
    let raw = demo.run(&["request", "GET", "/account", "--raw", "-o", file.to_str().unwrap()]);
    assert_eq!((raw.status.code(), raw.stdout.len()), (Some(0), 0), "{}", text(&raw.stderr));
    assert_eq!(std::fs::read_to_string(file).unwrap(), r#"{"id":"shop-7","name":"Corner Bookshop"}"#);
    let refused = demo.run(&["request", "GET", "/orders/7", "--raw"]);
    let envelope: Value = serde_json::from_slice(&refused.stdout).unwrap();
    assert_eq!((refused.status.code(), &envelope["statusCode"]), (Some(4), &404.into()));
    assert_eq!(demo.run(&["request", "PROPFIND", "/account", "--envelope"]).status.code(), Some(2));
}

#[test]
fn what_was_done_is_on_record_without_its_query() {
    let demo = Demo::start();
    demo.run(&["request", "GET", "/orders/7?secret=s3cret"]);
    let args = ["requests", "list", "--status", "4xx", "--since", "1h", "--output", "json"];
    // Records are written in batches, a moment later.
    let page = (0..50).find_map(|_| {
        std::thread::sleep(std::time::Duration::from_millis(100));
        let page: Value = serde_json::from_slice(&demo.run(&args).stdout).unwrap();
        (!page["results"].as_array().unwrap().is_empty()).then_some(page)
    });
    let page = page.expect("the record");
    let record = &page["results"][0];
    assert_eq!((&record["path"], &record["statusCode"]), (&"/orders/7".into(), &404.into()));
    assert!(!page.to_string().contains("s3cret"));
    let shown = text(&demo.run(&["requests", "show", record["id"].as_str().unwrap()]).stdout);
    assert!(shown.contains("path") && shown.contains("/orders/7"), "{shown}");
    assert_eq!(demo.run(&["requests", "show", "req_none"]).status.code(), Some(3));
    let table = text(&demo.run(&["requests", "list", "--connection", demo.connection_id()]).stdout);
    assert!(table.starts_with("STARTED"), "{table}");
}

#[test]
fn records_are_followed_until_interrupted() {
    use std::io::{BufRead, BufReader};
    let demo = Demo::start();
    let mut child = demo
        .command(&["requests", "follow", "--last", "0", "--output", "json"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    // Whatever is recorded after its first look is news; one of these calls is.
    let seen = std::sync::atomic::AtomicBool::new(false);
    let done = std::sync::atomic::Ordering::Relaxed;
    let followed = std::thread::scope(|scope| {
        scope.spawn(|| {
            while !seen.load(done) {
                std::thread::sleep(std::time::Duration::from_millis(200));
                demo.run(&["request", "GET", "/orders/1002"]);
            }
        });
        let followed = lines.any(|line| line.is_ok_and(|line| line.contains(r#""path":"/orders/1002""#)));
        seen.store(true, done);
        followed
    });
    assert!(followed, "it ended without the record");
    kill_process(Pid::from_child(&child), Signal::INT).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
}

#[test]
fn options_work_by_flag_and_by_header_at_every_door() {
    let demo = Demo::start();
    for door in [None, Some("--envelope"), Some("--raw")] {
        let code = |args: &[&str]| {
            let all: Vec<_> =
                ["request", "GET", "/account"].into_iter().chain(args.iter().copied()).chain(door).collect();
            let output = demo.run(&all);
            (output.status.code(), text(&output.stderr))
        };
        let flags = ["--retries", "1", "--throttle", "refuse", "--timeout", "5"];
        assert_eq!(code(&flags).0, Some(0), "{door:?}: {}", code(&flags).1);
        assert_eq!(code(&["-H", "Passthrough-Retries: 0"]).0, Some(0), "{door:?}");
        let (status, said) = code(&["-H", "Passthrough-Retries: 7"]);
        assert!(status == Some(1) || status == Some(2), "{door:?}: {status:?} {said}");
        assert!(said.contains("must be 0, 1 or 2"), "{door:?}: {said}");
        assert!(code(&["-H", "Passthrough-Retry: 1"]).1.contains("passthrough-retries"), "{door:?}");
        assert_eq!(code(&["--retries", "3"]).0, Some(2));
        assert_eq!(code(&["--throttle", "perhaps"]).0, Some(2));
    }
}

#[test]
fn filters_that_fit_no_record_are_refused_with_those_that_might() {
    let demo = Demo::start();
    for (filter, wrong, right) in
        [("--error", "nonsense", "gateway_timeout"), ("--status", "9xx", "4xx"), ("--status", "abc", "4xx")]
    {
        for command in ["list", "follow"] {
            let output = demo.run(&["requests", command, filter, wrong]);
            assert_eq!(output.status.code(), Some(2), "{command} {filter} {wrong}");
            assert!(text(&output.stderr).contains(right), "{}", text(&output.stderr));
        }
        assert_eq!(demo.run(&["requests", "list", filter, right]).status.code(), Some(0), "{filter} {right}");
    }
    assert_eq!(
        demo.run(&["requests", "list", "--error", "caller_gone", "--status", "503"]).status.code(),
        Some(0)
    );
}
