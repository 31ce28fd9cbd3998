use super::*;

const ENTRY: &str = r#"
grant = "oauth2_code"
oauth2.authorize_url = "https://auth.example.com/authorize"
oauth2.token_url = "https://auth.example.com/token"
inject.headers.authorization = "Bearer {access_token}"
"#;

fn rig(more: &str) -> Rig {
    Rig::new(&format!("{ENTRY}{more}"), &[])
}

fn read(more: &str, given: &Given) -> Result<Obtained, Refusal> {
    read_tokens(rig(more).oauth2_file(), &given.answer(), None)
}

fn ok(more: &str, body: &str) -> String {
    shown(&read(more, &Given::new(200, body)).unwrap())
}

fn malformed(more: &str, body: &str) -> String {
    match read(more, &Given::new(200, body)) {
        Err(Refusal::Malformed { what }) => what,
        other => panic!("{other:?}"),
    }
}

#[test]
fn the_answer_of_rfc_6749_section_5_1_is_read() {
    let body = r#"{"access_token":"2YotnFZFEjr1zCsicMWpAA","token_type":"example","expires_in":3600,
        "refresh_token":"tGzv3JOkF0XG5Qx2TlKWIA","example_parameter":"example_value"}"#;
    assert_eq!(
        ok("", body),
        "access_token=2YotnFZFEjr1zCsicMWpAA refresh_token=tGzv3JOkF0XG5Qx2TlKWIA | 3600s | ?"
    );
}

#[test]
fn forms_and_mislabelled_json_are_read_for_what_they_are() {
    assert_eq!(
        ok("", "access_token=gho%5F1+x&scope=a%2Cb&token_type=bearer"),
        "access_token=gho_1 x | ? | ?"
    );
    let labelled = |label: &str, body: &str| Given::new(200, body).header("Content-Type", label);
    assert_eq!(
        shown(&read("", &labelled("text/html", "{\"access_token\":\"a\"}")).unwrap()),
        "access_token=a | ? | ?"
    );
    assert_eq!(
        shown(&read("", &labelled("application/json", "access_token=a&expires_in=60")).unwrap()),
        "access_token=a | 60s | ?"
    );
}

#[test]
fn a_page_for_people_is_no_answer_about_the_credential() {
    for body in
        ["<html><body>access_token=1</body></html>", "<!doctype html>x", "Service Unavailable", "", "[]x"]
    {
        for status in [200, 302, 400, 401, 403] {
            let refusal = read("", &Given::new(status, body)).unwrap_err();
            assert!(matches!(refusal, Refusal::Passing { .. }), "{status} {body}: {refusal:?}");
        }
    }
}

#[test]
fn lifetimes_come_in_every_spelling_and_stay_within_bounds() {
    let year = 365 * 86_400;
    for (told, seconds) in [
        ("3600", "3600"),
        ("\"3600\"", "3600"),
        ("3599.7", "3599"),
        ("\"3599.7\"", "3599"),
        ("1", "1"),
        ("-5", "0"),
        ("1e300", &year.to_string()),
        ("99999999999", &year.to_string()),
        ("\"soon\"", "?"),
        ("\"inf\"", "?"),
        ("\"\"", "?"),
        ("null", "?"),
        ("true", "?"),
        ("[1]", "?"),
    ] {
        let shown = ok("", &format!("{{\"access_token\":\"a\",\"expires_in\":{told}}}"));
        let wanted = if seconds == "?" { "?".to_owned() } else { format!("{seconds}s") };
        assert_eq!(shown, format!("access_token=a | {wanted} | ?"), "{told}");
    }
}

#[test]
fn nothing_lives_for_no_time_unless_it_can_be_refreshed() {
    assert_eq!(ok("", r#"{"access_token":"a","expires_in":0}"#), "access_token=a | ? | ?");
    assert_eq!(
        ok("", r#"{"access_token":"a","expires_in":0,"refresh_token":"r"}"#),
        "access_token=a refresh_token=r | 0s | ?"
    );
}

#[test]
fn the_file_says_unit_place_and_default_of_lifetimes() {
    let body = r#"{"access_token":"a","data":{"ttl":2}}"#;
    assert_eq!(
        ok("oauth2.expires_in = \"/data/ttl\"\noauth2.expires_unit = \"minutes\"", body),
        "access_token=a | 120s | ?"
    );
    assert_eq!(ok("oauth2.lifetime = \"2h\"", body), "access_token=a | 7200s | ?");
    assert_eq!(
        ok("oauth2.lifetime = \"2h\"", r#"{"access_token":"a","expires_in":60}"#),
        "access_token=a | 60s | ?"
    );
    for told in [
        "1700000600",
        "\"1700000600\"",
        "1700000600000",
        "\"2023-11-14T22:23:20Z\"",
        "\"2023-11-14T23:23:20.123+01:00\"",
        "\"2023-11-14 22:23:20\"",
        "\"Tue, 14 Nov 2023 22:23:20 GMT\"",
    ] {
        let body = format!("{{\"access_token\":\"a\",\"expires_in\":5,\"at\":{told}}}");
        assert_eq!(ok("oauth2.expires_at = \"/at\"", &body), "access_token=a | 600s | ?", "{told}");
    }
}

#[test]
fn a_refresh_token_has_a_life_of_its_own_that_begins_anew_with_each_use() {
    let body = r#"{"access_token":"a","refresh_token":"r"}"#;
    assert_eq!(
        ok("oauth2.refresh_lifetime = \"90d\"", body),
        "access_token=a refresh_token=r | ? | 7776000s"
    );
    let told = r#"{"access_token":"a","refresh_token":"r","refresh_token_expires_in":86400}"#;
    assert_eq!(ok("oauth2.refresh_lifetime = \"90d\"", told), "access_token=a refresh_token=r | ? | 86400s");
    assert_eq!(ok("oauth2.refresh_lifetime = \"90d\"", r#"{"access_token":"a"}"#), "access_token=a | ? | ?");
    let rig = rig("");
    let previous = read_tokens(rig.oauth2_file(), &Given::new(200, told).answer(), None).unwrap();
    let kept = Given::new(200, r#"{"access_token":"b"}"#);
    let kept = read_tokens(rig.oauth2_file(), &kept.answer(), Some(&previous)).unwrap();
    assert_eq!(shown(&kept), "access_token=b refresh_token=r | ? | 86400s");
    let renewed = Given::new(200, r#"{"access_token":"b","refresh_token":"s"}"#);
    let renewed = read_tokens(rig.oauth2_file(), &renewed.answer(), Some(&previous)).unwrap();
    assert_eq!(shown(&renewed), "access_token=b refresh_token=s | ? | ?");
}

#[test]
fn what_an_answer_does_not_bring_anew_stays() {
    let rig = rig("oauth2.capture = { instance = \"/instance\" }");
    let first = Given::new(200, r#"{"access_token":"a","refresh_token":"r","instance":"na1"}"#);
    let first = read_tokens(rig.oauth2_file(), &first.answer(), None).unwrap();
    assert_eq!(shown(&first), "access_token=a instance=na1 refresh_token=r | ? | ?");
    for body in [r#"{"access_token":"b"}"#, r#"{"access_token":"b","refresh_token":null,"instance":""}"#] {
        let second = read_tokens(rig.oauth2_file(), &Given::new(200, body).answer(), Some(&first)).unwrap();
        assert_eq!(shown(&second), "access_token=b instance=na1 refresh_token=r | ? | ?");
    }
}

#[test]
fn tokens_may_be_nested_and_numbers() {
    let places = "oauth2.access_token = \"/authed_user/access_token\"\noauth2.refresh_token = \"/data/0/r\"";
    let body = r#"{"ok":true,"access_token":"bot","authed_user":{"access_token":"user"},"data":[{"r":12345678901234567890}]}"#;
    assert_eq!(ok(places, body), "access_token=user refresh_token=12345678901234567890 | ? | ?");
}

#[test]
fn captures_come_from_every_part_of_an_answer() {
    let captures = r#"
        [auth.main.oauth2.capture]
        id = "/user/id"
        shard = { header = "X-Shard" }
        session = { cookie = "sid" }
        region = { pointer = "/region", unless = "same", optional = true }
        absent = { pointer = "/absent", optional = true }"#;
    let given = Given::new(200, r#"{"access_token":"a","user":{"id":7},"region":"same"}"#)
        .header("x-shard", " s1 ")
        .header("Set-Cookie", "sid=old; Path=/")
        .header("Set-Cookie", "sid2=no")
        .header("set-cookie", "sid=\"v=1\"; HttpOnly");
    assert_eq!(shown(&read(captures, &given).unwrap()), "access_token=a id=7 session=v=1 shard=s1 | ? | ?");
    assert_eq!(malformed(captures, r#"{"access_token":"a"}"#), "no `id` in it, at /user/id");
}

#[test]
fn values_that_could_do_harm_are_not_kept() {
    assert_eq!(
        malformed("", r#"{"access_token":"a\u0000b"}"#),
        "its `access_token` holds a control character"
    );
    assert_eq!(
        malformed("", "access_token=a%0D%0Ahost:evil"),
        "its `access_token` holds a control character"
    );
    let long = format!("{{\"access_token\":\"a\",\"refresh_token\":\"{}\"}}", "x".repeat(32 * 1024 + 1));
    assert_eq!(malformed("", &long), "its `refresh_token` is longer than 32768 bytes");
    assert_eq!(malformed("", r#"{"access_token":{"a":1}}"#), "no access token in it, at /access_token");
    assert_eq!(malformed("", r#"{"access_token":""}"#), "no access token in it, at /access_token");
}

fn refused(more: &str, status: u16, body: &str) -> Refusal {
    read(more, &Given::new(status, body)).unwrap_err()
}

#[test]
fn only_an_invalid_grant_and_what_the_file_names_end_a_grant() {
    let ended = |code: &str, description: &str| Refusal::Ended {
        code: code.to_owned(),
        description: description.to_owned(),
    };
    let body = r#"{"error":"invalid_grant","error_description":"Token has been\nrevoked."}"#;
    assert_eq!(refused("", 400, body), ended("invalid_grant", "Token has been revoked."));
    assert_eq!(refused("", 401, body), ended("invalid_grant", "Token has been revoked."));
    assert_eq!(
        refused("", 400, "error=invalid_grant&error_description=gone"),
        ended("invalid_grant", "gone")
    );
    let own = "oauth2.error = \"/fault/name\"\noauth2.final_errors = [\"session_gone\", \"17\"]";
    assert_eq!(
        refused(own, 403, r#"{"fault":{"name":"session_gone","message":"bye"}}"#),
        ended("session_gone", ""),
    );
    assert_eq!(refused(own, 400, r#"{"fault":{"name":17}}"#), ended("17", ""));
    for code in ["invalid_request", "invalid_scope", "unsupported_grant_type", "temporarily_unavailable", "x"]
    {
        let refusal = refused(own, 400, &format!("{{\"error\":\"{code}\"}}"));
        assert!(matches!(&refusal, Refusal::Passing { what, .. } if what.contains(code)), "{refusal:?}");
    }
    for body in [r#"{"message":"no"}"#, "null", "[]", "{}", r#"{"error":null}"#] {
        let refusal = refused("", 401, body);
        assert!(matches!(refusal, Refusal::Passing { .. }), "{refusal:?}");
    }
}

#[test]
fn a_refusal_under_a_status_of_success_is_one_all_the_same() {
    let refusal = refused("", 200, r#"{"ok":false,"error":"invalid_grant"}"#);
    assert!(matches!(refusal, Refusal::Ended { .. }));
    let refusal = refused("", 200, "error=bad_verification_code&error_description=The+code+is+incorrect");
    assert_eq!(
        refusal.to_string(),
        "no answer about the credential: it answered bad_verification_code: The code is incorrect (status 200)"
    );
    assert!(read("", &Given::new(200, r#"{"access_token":"a","error":false}"#)).is_ok());
    assert!(read("", &Given::new(201, r#"{"access_token":"a","error":""}"#)).is_ok());
}

#[test]
fn a_refused_client_is_told_from_a_refused_grant() {
    for code in ["invalid_client", "unauthorized_client"] {
        let refusal = refused("", 401, &format!("{{\"error\":\"{code}\"}}"));
        assert_eq!(refusal, Refusal::ClientRejected { code: code.to_owned() });
    }
}

#[test]
fn a_server_in_trouble_says_nothing_about_a_grant() {
    for status in [408, 425, 429, 500, 502, 503, 504, 529] {
        let given = Given::new(status, r#"{"error":"invalid_grant"}"#).header("Retry-After", "1.5");
        match read("", &given).unwrap_err() {
            Refusal::Passing { retry_after_ms, .. } => assert_eq!(retry_after_ms, Some(1500)),
            other => panic!("{status}: {other:?}"),
        }
    }
}

#[test]
fn what_the_provider_says_is_cut_and_never_repeats_what_was_sent() {
    let long = format!("{}s3cret-refresh and s3cret%2Dverifier{}", "x".repeat(100), "y".repeat(500));
    let given = Given::new(
        400,
        &serde_json::json!({"error": "invalid_grant", "error_description": long}).to_string(),
    )
    .after(&["s3cret-refresh", "s3cret-verifier"]);
    let Err(Refusal::Ended { description, .. }) = read("", &given) else { panic!("it ended") };
    assert_eq!(description.chars().count(), 200);
    assert!(description.contains("x***") && !description.contains("s3cret-refresh"), "{description}");
    let echoed = Given::new(400, r#"{"error":"s3cret-refresh"}"#).after(&["s3cret-refresh"]);
    assert!(!format!("{:?}", read("", &echoed)).contains("s3cret-refresh"));
}

#[test]
fn what_the_user_comes_back_with_is_kept_by_its_name() {
    let callback = [("realm".to_owned(), "realmId".to_owned()), ("x".to_owned(), "y".to_owned())];
    let query = parse_form("code=c&realmId=12%2F3&realmId=4&y=a%00b");
    let kept = read_callback(&callback, &query);
    assert_eq!(kept.len(), 1);
    assert_eq!(kept["realm"].expose_secret(), "12/3");
}

#[test]
fn a_lifetime_that_nobody_can_read_is_none_and_the_tokens_are_kept() {
    for number in ["1e400", "-1e400", "1e99999", &format!("1{}", "0".repeat(400))] {
        let body = format!(
            r#"{{"access_token":"a\"1e400,","refresh_token":"r","expires_in":{number},"deep":[{number},{{"x":{number}}}]}}"#
        );
        assert_eq!(ok("", &body), "access_token=a\"1e400, refresh_token=r | ? | ?", "{number}");
    }
    for value in ["\"1e400\"", "null", "\"soon\"", "{}", "true"] {
        let body = format!(r#"{{"access_token":"a","refresh_token":"r","expires_in":{value}}}"#);
        assert_eq!(ok("", &body), "access_token=a refresh_token=r | ? | ?", "{value}");
    }
    // What is no JSON does not become any.
    assert!(read("", &Given::new(200, "{\"access_token\":\"a\",1e400}")).is_err());
}
