use insta::assert_snapshot;

use super::*;

const CODE: &str = r#"
grant = "oauth2_code"
oauth2.authorize_url = "https://auth.example.com/authorize?audience=api"
oauth2.token_url = "https://auth.example.com/token"
oauth2.revoke_url = "https://auth.example.com/revoke"
oauth2.scopes = ["read", "write:all"]
inject.headers.authorization = "Bearer {access_token}"
"#;

fn code(more: &str) -> Rig {
    Rig::new(&format!("{CODE}{more}"), &[])
        .client(&[("client_id", "s6BhdRkqt3"), ("client_secret", "gX1fBat3bV")])
}

fn consent<'a>(extra: &'a [(String, String)]) -> Consent<'a> {
    Consent {
        redirect_uri: "https://us.example/callback?x=1",
        state: "xyz",
        code_challenge: Some("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"),
        extra,
    }
}

#[test]
fn the_challenge_is_the_one_of_rfc_7636_appendix_b() {
    let challenge = pkce_challenge("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
    assert_eq!(challenge, "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
}

#[test]
fn the_user_is_sent_to_the_files_address_with_everything_that_binds_the_consent() {
    let rig = code("oauth2.authorize_params = { access_type = \"offline\", prompt = \"consent\" }");
    let extra = [("prompt".to_owned(), "login".to_owned()), ("state".to_owned(), "evil".to_owned())];
    let url = authorize_url(&rig.asking(), &consent(&extra)).unwrap();
    assert_snapshot!(url.replace('&', "\n&"), @"
    https://auth.example.com/authorize?audience=api
    &response_type=code
    &client_id=s6BhdRkqt3
    &redirect_uri=https%3A%2F%2Fus.example%2Fcallback%3Fx%3D1
    &scope=read%20write%3Aall
    &state=xyz
    &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM
    &code_challenge_method=S256
    &access_type=offline
    &prompt=login
    ");
}

#[test]
fn a_provider_may_have_names_of_its_own_for_the_parameters() {
    let rig = code(
        "oauth2.authorize_names = { client_id = \"client_key\", response_type = \"\" }\n\
         oauth2.token_names = { client_id = \"app\", grant_type = \"\" }\n\
         oauth2.client_auth = \"body\"\noauth2.code = \"auth_code\"",
    )
    .obtained(&[("refresh_token", "r1")]);
    // What binds the consent stays ours under its other name.
    let extra = [("client_key".to_owned(), "evil".to_owned())];
    let url = authorize_url(&rig.asking(), &consent(&extra)).unwrap();
    assert_snapshot!(url.replace('&', "\n&"), @"
    https://auth.example.com/authorize?audience=api
    &client_key=s6BhdRkqt3
    &redirect_uri=https%3A%2F%2Fus.example%2Fcallback%3Fx%3D1
    &scope=read%20write%3Aall
    &state=xyz
    &code_challenge=E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM
    &code_challenge_method=S256
    ");
    assert_eq!(rig.oauth2_file().code, "auth_code");
    let call = code_call(&rig.asking(), "c0de", "https://us.example/cb", None).unwrap();
    assert_snapshot!(printed(&call), @"
    POST https://auth.example.com/token
    Content-Type: application/x-www-form-urlencoded

    code=c0de
    &redirect_uri=https%3A%2F%2Fus.example%2Fcb
    &app=s6BhdRkqt3
    &client_secret=gX1fBat3bV
    ");
    assert_snapshot!(printed(&sent(refresh_call(&rig.asking()).unwrap())), @"
    POST https://auth.example.com/token
    Content-Type: application/x-www-form-urlencoded

    refresh_token=r1
    &app=s6BhdRkqt3
    &client_secret=gX1fBat3bV
    ");
    assert_snapshot!(printed(&revoke_call(&rig.asking()).unwrap().unwrap()), @"
    POST https://auth.example.com/revoke
    Content-Type: application/x-www-form-urlencoded

    token=r1
    &token_type_hint=refresh_token
    &app=s6BhdRkqt3
    &client_secret=gX1fBat3bV
    ");
}

#[test]
fn a_refresh_may_need_the_address_to_which_the_user_came_back() {
    let rig = code("oauth2.refresh_params.redirect_uri = \"{redirect_uri}\"");
    assert!(rig.oauth2_file().keeps_redirect_uri() && !code("").oauth2_file().keeps_redirect_uri());
    assert!(rig.provider.auth[0].grant.yields().contains(&"redirect_uri"), "it may be imported");
    let rig = rig.obtained(&[("refresh_token", "r1"), ("redirect_uri", "https://us.example/cb")]);
    let call = sent(refresh_call(&rig.asking()).unwrap());
    assert!(printed(&call).contains("&redirect_uri=https%3A%2F%2Fus.example%2Fcb"), "{}", printed(&call));
    assert!(!call.sent().finds(b"https://us.example/cb"), "it is no secret");
}

#[test]
fn a_second_request_brings_the_tokens_that_last_and_a_third_renews_them() {
    let steps = "
        oauth2.exchange.request = \"GET https://graph.example.com/access_token\"
        oauth2.exchange.query = { grant_type = \"exchange\", secret = \"{client_secret}\", token = \"{access_token}\" }
        oauth2.refresh.request = \"GET https://graph.example.com/refresh_access_token\"
        oauth2.refresh.query = { grant_type = \"refresh\", access_token = \"{access_token}\" }";
    let rig = code(steps);
    assert!(exchange_call(&code("").asking(), &Obtained::default()).unwrap().is_none());
    let first = Given::new(200, r#"{"access_token":"sh0rt","expires_in":3600}"#);
    let first = read_tokens(rig.oauth2_file(), &first.answer(), None).unwrap();
    let call = exchange_call(&rig.asking(), &first).unwrap().unwrap();
    assert_snapshot!(printed(&call), @"GET https://graph.example.com/access_token?grant_type=exchange&secret=gX1fBat3bV&token=sh0rt");
    assert!(call.sent().finds(b"sh0rt") && call.sent().finds(b"gX1fBat3bV"));
    let last = Given::new(200, r#"{"access_token":"l0ng","expires_in":5184000}"#);
    let last = read_tokens(rig.oauth2_file(), &last.answer(), Some(&first)).unwrap();
    assert_eq!(shown(&last), "access_token=l0ng | 5184000s | 5184000s");
    let rig = rig.obtained(&[("access_token", "l0ng")]);
    assert_snapshot!(printed(&sent(refresh_call(&rig.asking()).unwrap())), @"GET https://graph.example.com/refresh_access_token?grant_type=refresh&access_token=l0ng");
}

#[test]
fn the_integrations_scopes_stand_in_for_the_files_and_none_is_none() {
    let rig = code("oauth2.scope_separator = \",\"");
    let scopes = ["a".to_owned(), "b".to_owned()];
    let asked = |scopes| {
        let asking = Asking { scopes, ..rig.asking() };
        authorize_url(&asking, &consent(&[])).unwrap()
    };
    assert!(asked(Some(&scopes[..])).contains("&scope=a%2Cb&"));
    assert!(!asked(Some(&[])).contains("scope="));
}

#[test]
fn a_code_is_exchanged_as_in_rfc_6749_section_4_1_3() {
    let rig = code("");
    let call =
        code_call(&rig.asking(), "SplxlOBeZQQYbYS6WxSbIA", "https://client.example.com/cb", Some("v3rifier"));
    let call = call.unwrap();
    assert_snapshot!(printed(&call), @"
    POST https://auth.example.com/token
    Authorization: Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW
    Content-Type: application/x-www-form-urlencoded

    grant_type=authorization_code
    &code=SplxlOBeZQQYbYS6WxSbIA
    &redirect_uri=https%3A%2F%2Fclient.example.com%2Fcb
    &code_verifier=v3rifier
    ");
    assert_eq!(call.headers.get("accept").unwrap(), "application/json");
    for secret in ["SplxlOBeZQQYbYS6WxSbIA", "v3rifier", "gX1fBat3bV", "czZCaGRSa3F0MzpnWDFmQmF0M2JW"] {
        assert_eq!(call.sent().redact_text(&format!("got {secret}")), "got ***");
        assert!(!format!("{call:?}").contains(secret));
    }
}

#[test]
fn the_client_goes_into_the_body_or_into_json_where_the_file_says_so() {
    let rig = code(
        "oauth2.client_auth = \"body\"\noauth2.body = \"json\"\noauth2.token_params = { audience = \"x\" }",
    );
    let call = code_call(&rig.asking(), "c0de", "https://us.example/cb", None).unwrap();
    assert_snapshot!(printed(&call), @r#"
    POST https://auth.example.com/token
    Content-Type: application/json

    {"grant_type":"authorization_code","code":"c0de","redirect_uri":"https://us.example/cb","client_id":"s6BhdRkqt3","client_secret":"gX1fBat3bV","audience":"x"}
    "#);
}

#[test]
fn the_halves_of_basic_are_encoded_where_a_decoder_would_read_something_else() {
    let rig = code("").client(&[("client_id", " %&+£€"), ("client_secret", "a:b/c=~d8Q~")]);
    let call = code_call(&rig.asking(), "c", "https://us.example/cb", None).unwrap();
    let value = call.headers.get("authorization").unwrap().strip_prefix(b"Basic ").unwrap();
    let pair = String::from_utf8(data_encoding::BASE64.decode(value).unwrap()).unwrap();
    // The left half is the example of RFC 6749 appendix B.
    assert_eq!(pair, "+%25%26%2B%C2%A3%E2%82%AC:a%3Ab/c=~d8Q~");
}

#[test]
fn further_parameters_and_headers_are_templates_and_replace_ours() {
    let rig = code(concat!(
        "oauth2.client_auth = \"none\"\n",
        "oauth2.token_params = { client_key = \"{client_id}\", client_secret = \"{client_secret}\", grant_type = \"own\" }\n",
        "oauth2.token_headers.x-client = \"{base64({client_id}|{client_secret})}\"\n",
    ));
    let call = code_call(&rig.asking(), "c", "https://us.example/cb", None).unwrap();
    assert_snapshot!(printed(&call), @"
    POST https://auth.example.com/token
    x-client: czZCaGRSa3F0M3xnWDFmQmF0M2JW
    Content-Type: application/x-www-form-urlencoded

    grant_type=own
    &code=c
    &redirect_uri=https%3A%2F%2Fus.example%2Fcb
    &client_id=s6BhdRkqt3
    &client_key=s6BhdRkqt3
    &client_secret=gX1fBat3bV
    ");
    assert_eq!(call.sent().redact_text("czZCaGRSa3F0M3xnWDFmQmF0M2JW"), "***");
}

#[test]
fn a_refresh_uses_the_newest_refresh_token_and_an_address_of_its_own() {
    let rig = code(
        "oauth2.refresh_url = \"https://auth.example.com/refresh/\"\noauth2.refresh_params = { x = \"1\" }",
    );
    let rig = rig.obtained(&[("refresh_token", "r&1"), ("access_token", "a1")]);
    assert_snapshot!(printed(&sent(refresh_call(&rig.asking()).unwrap())), @"
    POST https://auth.example.com/refresh/
    Authorization: Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW
    Content-Type: application/x-www-form-urlencoded

    grant_type=refresh_token
    &refresh_token=r%261
    &x=1
    ");
    let without = code("").obtained(&[("access_token", "a1")]);
    assert_eq!(refresh_call(&without.asking()).unwrap_err(), GrantError::NeedsConsent);
    assert_eq!(first_call(&rig.asking()).unwrap_err(), GrantError::NeedsConsent);
}

#[test]
fn a_grant_is_given_back_by_its_refresh_token() {
    let rig = code("").obtained(&[("refresh_token", "r1"), ("access_token", "a1")]);
    assert_snapshot!(printed(&revoke_call(&rig.asking()).unwrap().unwrap()), @"
    POST https://auth.example.com/revoke
    Authorization: Basic czZCaGRSa3F0MzpnWDFmQmF0M2JW
    Content-Type: application/x-www-form-urlencoded

    token=r1
    &token_type_hint=refresh_token
    ");
    let access = code("").obtained(&[("access_token", "a1")]);
    assert!(
        printed(&revoke_call(&access.asking()).unwrap().unwrap())
            .contains("token=a1\n&token_type_hint=access")
    );
    assert!(revoke_call(&code("").asking()).unwrap().is_none());
}

#[test]
fn a_client_of_the_accounts_own_asks_again_instead_of_refreshing() {
    let entry = r#"
        grant = "oauth2_client_credentials"
        fields.client_id.label = "Id"
        fields.client_secret.label = "Secret"
        oauth2.token_url = "https://{tenant}.example.com/token"
        oauth2.scopes = ["api"]
        inject.headers.authorization = "Bearer {access_token}""#;
    let fields = [("client_id", "own"), ("client_secret", "s")];
    let rig =
        Rig::with_variables("variables.tenant.label = \"Tenant\"", entry, &fields, &[("tenant", "acme")])
            .client(&[("client_id", "integration"), ("client_secret", "other")])
            .obtained(&[("refresh_token", "unused")]);
    let first = printed(&sent(first_call(&rig.asking()).unwrap()));
    assert_eq!(printed(&sent(refresh_call(&rig.asking()).unwrap())), first);
    assert_snapshot!(first, @"
    POST https://acme.example.com/token
    Authorization: Basic b3duOnM=
    Content-Type: application/x-www-form-urlencoded

    grant_type=client_credentials
    &scope=api
    ");
    assert!(brings_its_own_client(&rig.credential) && starts_over(rig.oauth2_file()));
}

#[test]
fn a_password_is_exchanged_with_a_client_where_there_is_one() {
    let entry = r#"
        grant = "oauth2_password"
        fields.username.label = "User"
        fields.password.label = "Password"
        oauth2.token_url = "https://auth.example.com/token"
        oauth2.client_auth = "body"
        inject.headers.authorization = "Bearer {access_token}""#;
    let rig = Rig::new(entry, &[("username", "jo"), ("password", "pä ss")]);
    let body = |rig: &Rig| String::from_utf8(sent(first_call(&rig.asking()).unwrap()).body.to_vec()).unwrap();
    assert_eq!(body(&rig), "grant_type=password&username=jo&password=p%C3%A4%20ss");
    let rig = rig.client(&[("client_id", "c"), ("client_secret", "s")]);
    assert!(body(&rig).ends_with("&client_id=c&client_secret=s"));
}

#[test]
fn what_is_missing_and_what_no_header_carries_is_said_without_a_value() {
    let missing = code("").client(&[]);
    let error = authorize_url(&missing.asking(), &consent(&[])).unwrap_err();
    assert_eq!(error.to_string(), "`client_id` is missing; give it with the integration or the connection");
    let secretless = code("").client(&[("client_id", "c")]);
    let error = code_call(&secretless.asking(), "c", "https://us.example/cb", None).unwrap_err();
    assert_eq!(error, GrantError::Missing("client_secret".to_owned()));
    let broken = code("oauth2.token_headers.x-a = \"{client_id}\"")
        .client(&[("client_id", "a\r\nhost: evil"), ("client_secret", "s")]);
    let error = code_call(&broken.asking(), "c", "https://us.example/cb", None).unwrap_err();
    assert_eq!(error, GrantError::Header("x-a".to_owned()));
}

#[test]
fn a_public_client_and_one_with_a_certificate_send_their_id_only() {
    for auth in ["none", "mtls"] {
        let rig = code(&format!("oauth2.client_auth = \"{auth}\""));
        let call = code_call(&rig.asking(), "c", "https://us.example/cb", None).unwrap();
        assert!(!call.headers.contains("authorization"));
        assert!(call.body.ends_with(b"&client_id=s6BhdRkqt3"));
    }
}
