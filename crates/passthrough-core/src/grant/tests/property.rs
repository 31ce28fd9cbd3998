use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::freshness::Schedule;

const ENTRY: &str = r#"
grant = "oauth2_code"
oauth2.authorize_url = "https://auth.example.com/authorize"
oauth2.token_url = "https://auth.example.com/token"
oauth2.expires_at = "/expires_at"
inject.headers.authorization = "Bearer {access_token}"
[auth.main.oauth2.capture]
id = { pointer = "/id/0", optional = true }
cookie = { cookie = "sid", optional = true }
"#;

const LOGIN: &str = r#"
grant = "login"
fields.user.label = "User"
login.request = "GET https://login.example.com/token"
login.basic = "{user}:"
login.capture.text = { text = true, optional = true }
login.capture.cookie = { cookie = "sid", optional = true }
login.capture.token = "/token"
login.expires_in_from = "/ttl"
inject.headers.authorization = "Bearer {token}"
"#;

fn json() -> impl Strategy<Value = serde_json::Value> {
    let leaf = prop_oneof![
        Just(serde_json::Value::Null),
        any::<bool>().prop_map(Into::into),
        any::<f64>().prop_map(Into::into),
        any::<i64>().prop_map(Into::into),
        ".{0,12}".prop_map(Into::into),
        "[0-9.eE+:TZ-]{0,20}".prop_map(Into::into),
        prop_oneof![Just("invalid_grant"), Just("invalid_client"), Just("s3cr3t-value")].prop_map(Into::into),
    ];
    let name = prop_oneof![
        Just("access_token"),
        Just("refresh_token"),
        Just("expires_in"),
        Just("expires_at"),
        Just("error"),
        Just("error_description"),
        Just("id"),
        Just("token"),
        Just("ttl"),
        Just("code"),
    ];
    leaf.prop_recursive(3, 16, 6, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..3).prop_map(Into::into),
            proptest::collection::vec((name.clone(), inner), 0..6).prop_map(|members| {
                serde_json::Value::Object(members.into_iter().map(|(n, v)| (n.to_owned(), v)).collect())
            }),
        ]
    })
}

fn bodies() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        2 => json().prop_map(|json| json.to_string().into_bytes()),
        1 => "[a-z_]{0,14}=[a-z0-9%+]{0,9}(&(access_token|error|expires_in)=[a-z0-9%+_.-]{0,9}){0,3}"
            .prop_map(String::into_bytes),
        1 => proptest::collection::vec(any::<u8>(), 0..64),
    ]
}

fn holds(obtained: &Obtained) {
    for (name, value) in &obtained.values {
        let value = value.expose_secret();
        assert!(!value.is_empty() && !value.chars().any(char::is_control), "{name}: {value:?}");
    }
    for at in [obtained.expires_at, obtained.refresh_expires_at].into_iter().flatten() {
        assert!((NOW + 1..=NOW + 365 * 86_400_000).contains(&at), "{at}");
    }
    // However short: a token that was good when it was given is not refreshed again and again.
    assert!(Schedule::of(obtained, None, 0).expires_at >= NOW + 30_000);
}

proptest! {
    #[test]
    fn whatever_a_token_endpoint_answers_is_kept_safely_or_refused_quietly(
        status in prop_oneof![Just(200u16), Just(400), 100u16..600],
        body in bodies(),
        cookie in "[ -~]{0,24}",
    ) {
        let rig = Rig::new(ENTRY, &[]);
        let given = Given { body, ..Given::new(status, "").header("set-cookie", &cookie) }.after(&["s3cr3t-value"]);
        let previous = Obtained { values: [owned(&("refresh_token", "r"))].into(), ..Obtained::default() };
        match read_tokens(rig.oauth2_file(), &given.answer(), Some(&previous)) {
            Ok(obtained) => {
                prop_assert!((200..300).contains(&status));
                prop_assert!(obtained.values.contains_key("access_token"));
                prop_assert!(obtained.values.contains_key("refresh_token"));
                holds(&obtained);
            }
            Err(refusal) => {
                let told = format!("{refusal:?}");
                prop_assert!(!told.contains("s3cr3t-value"), "{}", told);
                prop_assert!(told.len() < 2000);
                if matches!(refusal, Refusal::Ended { .. }) {
                    prop_assert!(status < 500 && status != 429, "{}", told);
                    prop_assert!(String::from_utf8_lossy(&given.body).contains("invalid_grant"), "{}", told);
                }
            }
        }
    }

    #[test]
    fn whatever_a_login_answers_is_kept_safely_or_refused_quietly(
        status in prop_oneof![Just(200u16), Just(302), 100u16..600],
        body in bodies(),
        cookie in proptest::collection::vec(any::<u8>(), 0..24),
    ) {
        let rig = Rig::new(LOGIN, &[("user", "jo")]);
        let mut given = Given { body, ..Given::new(status, "") }.after(&["s3cr3t-value"]);
        given.headers.push("set-cookie", [b"sid=", &cookie[..]].concat());
        let login = rig.login_file();
        let mut so_far = BTreeMap::new();
        match read_step(login, &login.steps[0], &given.answer(), &mut so_far) {
            Ok(()) => {
                prop_assert!((200..400).contains(&status) && so_far.contains_key("token"));
                holds(&finish(login, so_far, &given.answer(), None));
            }
            Err(refusal) => {
                let told = format!("{refusal:?}");
                prop_assert!(!told.contains("s3cr3t-value"), "{}", told);
            }
        }
    }

    #[test]
    fn a_form_reads_back_what_was_written(pairs in proptest::collection::btree_map(".{1,8}", ".{0,8}", 0..5)) {
        let mut params = params::Params::default();
        pairs.iter().for_each(|(name, value)| params.set(name, value.as_str()));
        let read: BTreeMap<String, String> = parse_form(&params.form()).into_iter().collect();
        prop_assert_eq!(read, pairs);
    }

    #[test]
    fn no_value_breaks_out_of_its_place_in_a_call(user in "\\PC{1,20}", value in "\\PC{1,20}") {
        let entry = r#"
            grant = "oauth2_client_credentials"
            fields.client_id.label = "Id"
            fields.client_secret.label = "Secret"
            oauth2.token_url = "https://auth.example.com/{client_id}/token"
            oauth2.token_params = { a = "{client_secret}" }
            inject.headers.authorization = "Bearer {access_token}""#;
        let rig = Rig::new(entry, &[("client_id", &user), ("client_secret", &value)]);
        let Ok(way) = first_call(&rig.asking()) else { return Ok(()) };
        let call = sent(way);
        prop_assert_eq!(call.origin().to_string(), "https://auth.example.com");
        let form = parse_form(std::str::from_utf8(&call.body).unwrap());
        prop_assert_eq!(form.len(), 2);
        prop_assert_eq!(&form[1], &("a".to_owned(), rig.credential.fields["client_secret"].expose_secret().to_owned()));
        let shown = format!("{call:?}");
        prop_assert!(value.len() < 6 || !shown.contains(&value));
    }
}
