//! What must hold for anything that a caller sends and anything that a connection holds.

use super::*;

/// A header name in some spelling that some server takes for the same.
fn spelling_of(name: &'static str) -> impl Strategy<Value = String> {
    proptest::collection::vec(any::<(bool, bool)>(), name.len()).prop_map(move |choices| {
        name.chars()
            .zip(choices)
            .map(|(c, (upper, underscore))| match c {
                '-' if underscore => '_',
                c if upper => c.to_ascii_uppercase(),
                c => c,
            })
            .collect()
    })
}

fn any_header_name() -> impl Strategy<Value = String> {
    prop_oneof![
        spelling_of("authorization"),
        spelling_of("x-api-key"),
        spelling_of("cookie"),
        spelling_of("content-length"),
        spelling_of("x-forwarded-host"),
        "[a-zA-Z_-]{1,12}",
    ]
}

/// Texts that try to end a host, to begin another, or to be read as one.
fn hostile() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        Just("evil.com".to_owned()),
        Just("example.com".to_owned()),
        Just(".".to_owned()),
        Just("..".to_owned()),
        Just("//".to_owned()),
        Just("@".to_owned()),
        Just("%2e%2F".to_owned()),
        Just("https://".to_owned()),
        Just("127.0.0.1".to_owned()),
        Just("。".to_owned()),
        "[a-zA-Z0-9.@:/\\\\?#%\\[\\]_*{} \\x00-\\x1f\\x7fé\u{ad}-]{0,4}",
    ];
    proptest::collection::vec(piece, 0..5).prop_map(|pieces| pieces.concat())
}

/// A provider over one variable `v`, with a connection that was stored before anybody looked at it.
fn stored(base_url: &str, variable: &str, value: &str) -> Rig {
    let file =
        format!("name = \"T\"\nbase_url = \"{base_url}\"\n[variables.v]\n{variable}\n{}", entry(&[], ""));
    let provider = Provider::parse("test", &file).unwrap();
    let variables = Variables::from([("v".to_owned(), value.into())]);
    Rig { provider, credential: Credential::default(), variables }
}

proptest! {
    #[test]
    fn injected_always_wins(
        caller in proptest::collection::vec((any_header_name(), "[ -~]{0,8}"), 0..12),
        parameters in proptest::collection::vec(("(api_key|API_KEY|api%5fkey|x)", "[a-z]{0,4}"), 0..4),
    ) {
        let inject = r#"
            inject.headers.authorization = "Bearer {key}"
            inject.headers.x-api-key = "{key}"
            inject.cookies.sid = "{key}"
            inject.query.api_key = "{key}""#;
        let rig = Rig::new(&format!("allow_cookies = true\n{}", entry(&["key"], inject)), &[("key", "injected")]);
        let headers: Vec<(&str, &str)> = caller.iter().map(|(n, v)| (n.as_str(), v.as_str())).collect();
        let query: Vec<String> = parameters.iter().map(|(name, value)| format!("{name}={value}")).collect();
        let asked = request(Method::GET, &format!("/me?{}", query.join("&")), &headers, RequestBody::Absent);
        let built = rig.build(asked).unwrap();
        let named = |wanted: &str| {
            let found = built.headers.iter().filter(|(name, _)| same_name(name, wanted.as_bytes()));
            found.map(|(_, value)| String::from_utf8(value.to_vec()).unwrap()).collect::<Vec<_>>()
        };
        prop_assert_eq!(named("authorization"), ["Bearer injected"]);
        prop_assert_eq!(named("x-api-key"), ["injected"]);
        prop_assert_eq!(named("cookie").len(), 1);
        prop_assert!(named("cookie")[0].ends_with("sid=injected"));
        prop_assert!(named("content-length").is_empty() && named("x-forwarded-host").is_empty());
        let query = built.uri.query().unwrap().to_ascii_lowercase().replace("%5f", "_");
        let keys: Vec<&str> = query.split('&').filter(|pair| pair.starts_with("api_key")).collect();
        prop_assert_eq!(keys, ["api_key=injected"]);
    }

    #[test]
    fn no_value_of_a_variable_changes_the_domain(value in hostile()) {
        for (base_url, variable) in [
            ("https://{v}.example.com/x", ""),
            ("https://{v}.example.com/x", "pattern = '(?s).*'"),
            ("https://api-{v}.example.com", ""),
            ("https://{v}/x", "format = \"host\"\nhosts = [\".example.com\"]"),
            ("https://{v}", "format = \"host\"\nhosts = [\".example.com\"]"),
            ("https://api.{v}:8443", "format = \"host\"\nhosts = [\".example.com\"]"),
            ("https://api.example.com/{v}/x", ""),
            ("https://api.example.com/a{v}", "pattern = '(?s).*'"),
        ] {
            let Ok(built) = stored(base_url, variable, &value).build(get("/me")) else { continue };
            prop_assert!(built.origin.host.is_within("example.com"), "{base_url}: {}", built.uri);
            prop_assert_eq!(built.uri.authority().unwrap().as_str(), built.origin.authority());
            prop_assert!(built.uri.path().ends_with("/me"));
        }
    }

    #[test]
    fn a_url_of_the_users_own_leads_to_its_own_host_and_nowhere_else(value in hostile()) {
        let value = format!("https://own.example{value}");
        let Ok(built) = stored("{v}/api", "format = \"url\"", &value).build(get("/me")) else { return Ok(()) };
        prop_assert_eq!(&built.origin, &BaseUrl::parse(&value).unwrap().origin);
        prop_assert!(built.uri.path().ends_with("/api/me"));
        prop_assert!(matches!(built.origin.host, Host::Domain(_)));
    }
}
