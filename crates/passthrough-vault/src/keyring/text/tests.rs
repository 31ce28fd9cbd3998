use proptest::prelude::*;

use crate::{KeyInfo, Keyring};

fn three_keys() -> Keyring {
    let mut keyring = Keyring::generate(100);
    let second = keyring.add(200);
    keyring.add(300);
    keyring.promote(&second, 250).unwrap();
    keyring
}

/// Reads `text` and gives line, path and problem of its error.
fn error_of(text: &str) -> (usize, String, &'static str) {
    let error = Keyring::parse(text).unwrap_err();
    (error.line, error.path, error.problem)
}

/// A keyring text without comments: line 1 version, 2 primary, 3 promoted_at, 4 keys, 6 [[key]] 0,
/// 7 id, 8 created_at, 9 secret, 11 [[key]] 1 and so on.
fn bare() -> String {
    let text = three_keys().to_text();
    text.lines().filter(|line| !line.starts_with('#')).map(|line| format!("{line}\n")).collect()
}

fn with_line(number: usize, replacement: &str) -> String {
    let mut lines: Vec<String> = bare().lines().map(str::to_owned).collect();
    lines[number - 1] = replacement.to_owned();
    lines.join("\n")
}

#[test]
fn a_keyring_reads_back_whole() {
    let keyring = three_keys();
    let read = Keyring::parse(&keyring.to_text()).unwrap();
    assert_eq!(read.keys(), keyring.keys());
    assert_eq!(*read.to_text(), *keyring.to_text());
    assert_eq!(read.keys().iter().filter(|key| key.is_primary()).count(), 1);
}

#[test]
fn the_text_is_toml_and_says_what_it_is() {
    let text = three_keys().to_text();
    assert!(text.starts_with("# Passthrough keyring"));
    let table: toml::Table = text.parse().unwrap();
    assert_eq!(table["version"].as_integer(), Some(1));
    assert_eq!(table["key"].as_array().unwrap().len(), 3);
    assert_eq!(table["key"][1]["id"], table["primary"]);
}

#[test]
fn a_text_with_other_line_ends_and_spaces_reads_too() {
    let text = bare().replace('\n', "\r\n").replace(" = ", "=");
    assert_eq!(Keyring::parse(&text).unwrap().keys().len(), 3);
}

#[test]
fn an_error_names_line_and_path() {
    let short = "must be 64 lower-case hexadecimal digits";
    assert_eq!(error_of(&with_line(9, "secret = \"abcd\"")), (9, "key[0].secret".into(), short));
    let upper = format!("secret = \"{}\"", "AB".repeat(32));
    assert_eq!(error_of(&with_line(14, &upper)), (14, "key[1].secret".into(), short));
    assert_eq!(error_of(&with_line(9, "")), (6, "key[0].secret".into(), "is missing"));
    assert_eq!(error_of(&with_line(13, "created_at = \"x\"")).1, "key[1].created_at");
    assert_eq!(error_of(&with_line(13, "created_at = 1 # noon")).1, "key[1].created_at");
    assert_eq!(error_of(&with_line(2, "primary = k0")).1, "primary");
    assert_eq!(error_of(&with_line(3, "version = 1")), (3, "version".into(), "stands here twice"));
    assert_eq!(error_of(&with_line(1, "version = 2")).1, "version");
    assert_eq!(error_of(&with_line(4, "keys = 2")).1, "keys");
    assert_eq!(error_of("").1, "version");
    assert_eq!(error_of(&with_line(8, "colour = 1")), (8, "key[0]".into(), "a field that no keyring has"));
    assert_eq!(error_of(&with_line(3, "[key]")).0, 3);
    assert_eq!(
        Keyring::parse(&with_line(9, "secret = \"abcd\"")).unwrap_err().to_string(),
        "keyring, line 9, key[0].secret: must be 64 lower-case hexadecimal digits",
    );
}

#[test]
fn a_primary_that_is_not_there_and_a_key_that_is_there_twice_are_refused() {
    let (line, path, _) = error_of(&with_line(2, "primary = \"k0000000000000000\""));
    assert_eq!((line, path.as_str()), (2, "primary"));
    let text = bare();
    let first_key: String = text.lines().skip(5).take(4).map(|line| format!("{line}\n")).collect();
    let (line, path, _) = error_of(&format!("{text}{first_key}").replace("keys = 3", "keys = 4"));
    assert_eq!((line, path.as_str()), (21, "key[3].id"));
}

#[test]
fn a_changed_secret_does_not_pass_for_another_key() {
    let secret = format!("secret = \"{}\"", "ab".repeat(32));
    let (line, path, problem) = error_of(&with_line(9, &secret));
    assert_eq!((line, path.as_str()), (7, "key[0].id"));
    assert!(problem.contains("does not belong"));
}

#[test]
fn no_error_shows_what_stands_in_the_text() {
    let canary = "c0ffee".repeat(12);
    for number in 1..=19 {
        for line in [
            canary.clone(),
            format!("{canary} = 1"),
            format!("secret = {canary}"),
            format!("created_at = {canary}"),
            format!("id = \"{canary}\""),
            format!("secret = \"{canary}"),
            format!("[[{canary}]]"),
        ] {
            let error = Keyring::parse(&with_line(number, &line)).unwrap_err();
            assert!(!format!("{error} {error:?}").contains("c0ffee"), "line {number}: {line}");
        }
    }
}

proptest! {
    #[test]
    fn any_story_of_changes_reads_back(steps in prop::collection::vec((0..3u8, any::<prop::sample::Index>(), any::<i64>()), 0..12)) {
        let mut keyring = Keyring::generate(0);
        for (step, index, now) in steps {
            let KeyInfo { id, .. } = *index.get(&keyring.keys());
            match step {
                0 => { keyring.add(now); }
                1 => keyring.promote(&id, now).unwrap(),
                _ => { let _ = keyring.remove(&id); }
            }
        }
        let read = Keyring::parse(&keyring.to_text()).unwrap();
        prop_assert_eq!(read.keys(), keyring.keys());
        prop_assert_eq!(read.primary(), keyring.primary());
    }

    #[test]
    fn any_text_reads_or_fails_and_never_panics(text in "(version = 1\n|primary|promoted_at|\\[\\[key\\]\\]\n|id|secret| = |\"|\n|.){0,40}") {
        let _ = Keyring::parse(&text);
    }

    #[test]
    fn a_text_that_is_cut_off_never_reads_as_a_smaller_keyring(cut in any::<prop::sample::Index>()) {
        let keyring = three_keys();
        let text = keyring.to_text();
        let cut = &text[..cut.index(text.len())];
        if let Ok(read) = Keyring::parse(cut) {
            prop_assert_eq!(read.keys(), keyring.keys());
        }
    }
}
