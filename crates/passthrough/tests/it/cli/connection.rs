//! `passthrough connection`.

use super::*;

const KEY: &str = "bookshop-key-5c0ffee";

#[test]
fn a_secret_comes_from_standard_input_or_a_file_and_is_never_printed() {
    let demo = Demo::start();
    let args =
        ["connection", "create", "--provider", "demo", "--verify", "--external-id", "c-9", "--credential"];
    let create = |value: &str, input: &str| {
        run_with_input(&mut demo.command(&[&args[..], &[value]].concat()), input.as_bytes())
    };
    let file = demo.folder().join("key");
    std::fs::write(&file, format!("{KEY}\n")).unwrap();
    for output in
        [create("api_key=-", &format!("{KEY}\n")), create(&format!("api_key=@{}", file.display()), "")]
    {
        let shown = format!("{}{}", text(&output.stdout), text(&output.stderr));
        assert_eq!(output.status.code(), Some(0), "{shown}");
        assert!(shown.contains("con_tkn_") && shown.contains("Corner Bookshop"), "{shown}");
        assert!(!shown.contains(KEY) && !shown.contains("warning"), "{shown}");
    }
    let open = create(&format!("api_key={KEY}"), "");
    assert_eq!(open.status.code(), Some(0));
    assert!(text(&open.stderr).contains("warning: api_key is on the command line"), "{}", text(&open.stderr));
    assert!(!text(&open.stderr).contains(KEY));
}

#[test]
fn the_token_alone_is_what_quiet_prints_and_it_works() {
    let demo = Demo::start();
    let json =
        format!(r#"{{"provider": "demo", "credentials": {{"api_key": "{KEY}"}}, "name": "from a file"}}"#);
    let create = ["connection", "create", "--from", "-", "--quiet"];
    let created = run_with_input(&mut demo.command(&create), json.as_bytes());
    let token = text(&created.stdout).trim_end().to_owned();
    assert!(token.starts_with("con_tkn_") && !token.contains('\n'), "{}", text(&created.stderr));
    assert_eq!(text(&created.stderr), "");
    assert_eq!(
        demo.run(&["request", "GET", "/account", "--connection-token", &token]).status.code(),
        Some(0)
    );

    let wrong = run_with_input(
        &mut demo.command(&create),
        br#"{"provider":"demo","credental":{"api_key":"s3cret"}}"#,
    );
    assert_eq!(wrong.status.code(), Some(1));
    let said = text(&wrong.stderr);
    assert!(said.contains("did you mean `credentials`?") && !said.contains("s3cret"), "{said}");
}

#[test]
fn what_is_missing_or_refused_is_said_and_nothing_is_asked_without_a_terminal() {
    let demo = Demo::start();
    let create = |args: &[&str]| demo.run(&[&["connection", "create"], args].concat());
    let missing = create(&["--provider", "demo"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(text(&missing.stderr).contains("credentials.api_key"), "{}", text(&missing.stderr));
    assert!(text(&create(&["--provider", "dem"]).stderr).contains("did you mean `demo`?"));
    assert_eq!(create(&[]).status.code(), Some(2));
    let bare = create(&["--provider", "demo", "--credential", "api_key"]);
    assert!(text(&bare.stderr).contains("NAME=@FILE"), "{}", text(&bare.stderr));
    let open = create(&["--provider", "custom", "--auth", "header", "--credential", "name=X-Api-Key"]);
    assert!(!text(&open.stderr).contains("warning"), "{}", text(&open.stderr));
    let refused = create(&["--provider", "demo", "--credential", "api_key=nope", "--verify"]);
    assert_eq!(refused.status.code(), Some(4), "{}", text(&refused.stderr));
    assert_eq!(
        create(&["--provider", "demo", "--credential", "a=-", "--credential", "b=-"]).status.code(),
        Some(2)
    );
}

#[test]
fn a_connection_is_verified_archived_restored_rotated_and_deleted() {
    let demo = Demo::start();
    let id = demo.connection_id();
    let code = |args: &[&str]| demo.run(args).status.code();
    assert_eq!(code(&["connection", "verify", id]), Some(0));
    let listed = demo.run(&["connection", "list", "--external-id", "customer-1", "--output", "json"]);
    let listed: Value = serde_json::from_slice(&listed.stdout).unwrap();
    assert_eq!(listed["results"][0]["id"], id);

    assert_eq!(code(&["connection", "archive", id]), Some(0));
    let archived = demo.run(&["request", "GET", "/account"]);
    assert_eq!(archived.status.code(), Some(1));
    let said = text(&archived.stderr);
    assert!(said.contains("connection archive ID --restore") && said.contains("sent: no"), "{said}");
    assert_eq!(code(&["connection", "archive", id, "--restore"]), Some(0));
    assert_eq!(code(&["request", "GET", "/account"]), Some(0));

    let rotated =
        text(&demo.run(&["connection", "rotate-token", id, "--quiet"]).stdout).trim_end().to_owned();
    assert_eq!(code(&["request", "GET", "/account"]), Some(3), "the old token is refused");
    assert_eq!(code(&["request", "GET", "/account", "--connection-token", &rotated]), Some(0));

    assert_eq!(code(&["connection", "delete", id]), Some(2), "nobody confirmed");
    assert_eq!(code(&["connection", "show", id]), Some(0));
    assert_eq!(code(&["connection", "delete", id, "--yes"]), Some(0));
    assert_eq!(code(&["connection", "show", id]), Some(3));
}
