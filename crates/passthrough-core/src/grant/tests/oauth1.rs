use super::*;

const ENTRY: &str = r#"
grant = "oauth1"
oauth1.request_token_url = "https://trello.example.com/1/request?v=1"
oauth1.authorize_url = "https://trello.example.com/1/authorize"
oauth1.authorize_params = { scope = "read,write", name = "Us" }
oauth1.access_token_url = "https://trello.example.com/1/access"
inject.oauth1 = { consumer_key = "{client_id}", consumer_secret = "{client_secret}", token = "{oauth_token}", token_secret = "{oauth_token_secret}" }
"#;

fn rig() -> Rig {
    Rig::new(ENTRY, &[]).client(&[("client_id", "ck"), ("client_secret", "c s")])
}

fn authorization(call: &TokenCall) -> Vec<(String, String)> {
    let value = String::from_utf8(call.headers.only("authorization").unwrap().to_vec()).unwrap();
    let params = value.strip_prefix("OAuth ").unwrap().split(", ");
    let pair = |param: &str| {
        let (name, value) = param.split_once('=').unwrap();
        parse_form(&format!("{name}={}", value.trim_matches('"'))).remove(0)
    };
    params.map(pair).collect()
}

fn param(call: &TokenCall, name: &str) -> String {
    authorization(call).into_iter().find(|(known, _)| known == name).unwrap().1
}

/// What the server computes from what it got (RFC 5849 §3.2).
fn signature(call: &TokenCall, url: &str, key: &str) -> String {
    let method = &call.method;
    let mut params = authorization(call);
    params.retain(|(name, _)| name != "oauth_signature");
    params.extend(parse_form(url.split_once('?').map_or("", |(_, query)| query)));
    let encode = crate::path::encode_query_component;
    let mut pairs: Vec<String> = params.iter().map(|(n, v)| format!("{}={}", encode(n), encode(v))).collect();
    pairs.sort();
    let text = format!("{method}&{}&{}", encode(url.split('?').next().unwrap()), encode(&pairs.join("&")));
    let key = aws_lc_rs::hmac::Key::new(aws_lc_rs::hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, key.as_bytes());
    data_encoding::BASE64.encode(aws_lc_rs::hmac::sign(&key, text.as_bytes()).as_ref())
}

#[test]
fn three_legs_lead_to_a_lasting_token() {
    let rig = rig();
    let first = request_token_call(&rig.asking(), "https://us.example/cb?s=1").unwrap();
    assert_eq!(*first.path_and_query(), "/1/request?v=1");
    assert_eq!(param(&first, "oauth_callback"), "https://us.example/cb?s=1");
    let wanted = signature(&first, "https://trello.example.com/1/request?v=1", "c%20s&");
    assert_eq!(param(&first, "oauth_signature"), wanted);

    let given = Given::new(200, "oauth_token=t%2F1&oauth_token_secret=ts&oauth_callback_confirmed=true");
    let token = read_request_token(&given.answer()).unwrap();
    let extra =
        [("expiration".to_owned(), "never".to_owned()), ("oauth_token".to_owned(), "evil".to_owned())];
    assert_eq!(
        oauth1_authorize_url(&rig.asking(), &token, &extra).unwrap(),
        "https://trello.example.com/1/authorize?scope=read%2Cwrite&name=Us&expiration=never&oauth_token=t%2F1"
    );

    let second = access_token_call(&rig.asking(), &token, "v3rifier").unwrap();
    assert_eq!(param(&second, "oauth_token"), "t/1");
    assert_eq!(param(&second, "oauth_verifier"), "v3rifier");
    let wanted = signature(&second, "https://trello.example.com/1/access", "c%20s&ts");
    assert_eq!(param(&second, "oauth_signature"), wanted);
    assert_eq!(second.sent().redact_text("v3rifier"), "***");
    assert!(second.body.is_empty());

    let given = Given::new(200, "{\"oauth_token\":\"lasting\",\"oauth_token_secret\":\"ls\",\"x\":1}");
    let obtained = read_access_token(&given.answer(), None).unwrap();
    assert_eq!(shown(&obtained), "oauth_token=lasting oauth_token_secret=ls | ? | ?");
}

#[test]
fn the_version_in_which_a_consent_could_be_stolen_is_refused() {
    for body in [
        "oauth_token=t&oauth_token_secret=s",
        "oauth_token=t&oauth_token_secret=s&oauth_callback_confirmed=false",
    ] {
        let refusal = read_request_token(&Given::new(200, body).answer()).unwrap_err();
        assert!(matches!(refusal, Refusal::Malformed { .. }), "{refusal:?}");
    }
}

#[test]
fn refusals_are_the_clients_first_and_the_users_then() {
    let problem = Given::new(401, "oauth_problem=token_rejected");
    assert_eq!(
        read_request_token(&problem.answer()).unwrap_err(),
        Refusal::ClientRejected { code: "token_rejected".to_owned() }
    );
    assert!(matches!(read_access_token(&problem.answer(), None).unwrap_err(), Refusal::Ended { .. }));
    for (status, body) in [(500, ""), (429, ""), (404, ""), (302, ""), (200, "<!doctype html>")] {
        let refusal = read_access_token(&Given::new(status, body).answer(), None).unwrap_err();
        assert!(matches!(refusal, Refusal::Passing { .. }), "{status}: {refusal:?}");
    }
}

#[test]
fn a_token_is_asked_for_with_the_method_that_the_file_names() {
    let rig = Rig::new(&format!("{ENTRY}\noauth1.request_token_method = \"GET\""), &[])
        .client(&[("client_id", "ck"), ("client_secret", "cs")]);
    let call = request_token_call(&rig.asking(), "https://us.example/cb").unwrap();
    assert_eq!(call.method, Method::GET);
    let wanted = signature(&call, "https://trello.example.com/1/request?v=1", "cs&");
    assert_eq!(param(&call, "oauth_signature"), wanted);
}
