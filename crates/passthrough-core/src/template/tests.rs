use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn render(text: &str) -> Option<String> {
    let secrets = |pairs: &[(&str, &str)]| -> BTreeMap<String, secrecy::SecretString> {
        pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect()
    };
    let credential = Credential {
        fields: secrets(&[("username", "Aladdin"), ("password", "open sesame"), ("brace", "{x}")]),
        ..Credential::default()
    };
    let variables = secrets(&[("region", "eu")]);
    let moment = Moment { unix_ms: 1_700_000_000_123, nonce: [0; 16] };
    let scope = Scope { credential: &credential, variables: &variables, moment };
    Template::parse(text).unwrap().render(&scope).map(|text| text.to_string())
}

fn error(text: &str) -> String {
    Template::parse(text).unwrap_err().to_string()
}

#[test]
fn fields_functions_and_braces_are_filled_in() {
    let some = |text: &str| render(text).unwrap();
    assert_eq!(some("Bearer {password}"), "Bearer open sesame");
    // The example of RFC 7617 §2.
    assert_eq!(some("Basic {base64({username}:{password})}"), "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
    assert_eq!(some("{{\"a\": \"{region}\"}}"), "{\"a\": \"eu\"}");
    assert_eq!(some("{urlencode({password})}"), "open%20sesame");
    assert_eq!(some("{now_unix}|{now_unix()}|{now_iso}"), "1700000000|1700000000|2023-11-14T22:13:20Z");
    assert_eq!(some("{uuid}"), "00000000-0000-4000-8000-000000000000");
    assert_eq!(some("{base64({base64(a)})}"), "WVE9PQ==");
    assert_eq!(some("{sha256_hex(abc)}"), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    // RFC 4231 §4.3.
    assert_eq!(
        some("{hmac_sha256_hex(Jefe, what do ya want for nothing?)}"),
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    );
    assert_eq!(some(r"{base64(a\,b\)\\)}"), BASE64.encode(br"a,b)\"));
}

#[test]
fn a_value_is_never_a_template() {
    assert_eq!(render("{brace}").unwrap(), "{x}");
}

#[test]
fn an_absent_field_leaves_the_whole_out() {
    assert_eq!(render("a {nothing} b"), None);
    assert_eq!(render("{base64({nothing})}"), None);
}

#[test]
fn errors_say_where_and_what() {
    assert_eq!(error("Bearer {token"), "expected `}` or `(` after `token` (at byte 13)");
    assert_eq!(error("a}b"), "a lone `}`: write `}}` for a brace (at byte 1)");
    assert_eq!(error("{base64}"), "`base64` needs arguments: `{base64(…)}` (at byte 1)");
    assert_eq!(error("{hmac_sha256_hex(a)}"), "`hmac_sha256_hex` takes 2 argument(s), 1 given (at byte 1)");
    assert!(error("{exec(ls)}").starts_with("no function `exec`; there are base64, base64url,"));
    assert!(error("{Token}").starts_with("a placeholder is a name of a-z"));
    assert!(error(&format!("{}x{}", "{base64(".repeat(9), ")}".repeat(9))).contains("more than 8 deep"));
}

#[test]
fn only_a_time_or_a_random_number_makes_a_template_momentary() {
    let is_momentary = |text: &str| Template::parse(text).unwrap().is_momentary();
    for text in ["{now_unix}", "a{now_iso}", "{uuid}", "{base64({sha256_hex({now_unix}:{key})})}"] {
        assert!(is_momentary(text), "{text}");
    }
    for text in ["", "a", "{key}", "Basic {base64({user}:{base64url({key})})}"] {
        assert!(!is_momentary(text), "{text}");
    }
}

#[test]
fn a_masked_template_shows_only_its_literals() {
    let template = Template::parse("bot{api_key}").unwrap();
    assert_eq!(template.masked(), "bot***");
    assert_eq!(format!("{template:?}"), "\"bot{api_key}\"", "the text of a provider file is no secret");
}

#[test]
fn iso_dates_are_right_at_the_edges() {
    assert_eq!(iso_seconds(0), "1970-01-01T00:00:00Z");
    assert_eq!(iso_seconds(951_827_696_000), "2000-02-29T12:34:56Z");
    assert_eq!(iso_seconds(-1), "1969-12-31T23:59:59Z");
    assert_eq!(iso_seconds(4_102_444_799_999), "2099-12-31T23:59:59Z");
    assert_eq!(iso_seconds(68_169_600_000), "1972-02-29T00:00:00Z");
    assert_eq!(iso_seconds(920_160_000_000), "1999-02-28T00:00:00Z");
    assert_eq!(iso_seconds(920_246_400_000), "1999-03-01T00:00:00Z");
    assert_eq!(iso_seconds(951_868_800_000), "2000-03-01T00:00:00Z");
    assert_eq!(iso_seconds(4_107_456_000_000), "2100-02-28T00:00:00Z");
    assert_eq!(iso_seconds(4_107_542_400_000), "2100-03-01T00:00:00Z");
}

proptest! {
    #[test]
    fn parsing_never_panics(text in "[{}(),\\\\a-z0-9_é ]{0,40}") {
        let _ = Template::parse(&text);
    }

    #[test]
    fn text_without_braces_is_itself(text in "[^{}]{0,40}") {
        let template = Template::parse(&text).unwrap();
        prop_assert_eq!(template.as_literal(), Some(text.as_str()));
    }
}
