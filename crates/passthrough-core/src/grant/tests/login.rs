use std::collections::BTreeMap;

use insta::assert_snapshot;

use super::*;

const GEOTAB: &str = r#"
grant = "login"
fields.user.label = "User"
fields.password.label = "Password"
login.request = "POST https://{server}/apiv1"
login.json = { method = "Authenticate", params = { userName = "{user}", password = "{password}" } }
login.capture.session = "/result/credentials/sessionId"
login.capture.server = { pointer = "/result/path", unless = "ThisServer" }
login.expires_in = "14d"
inject.body."/params/credentials" = { sessionId = "{session}" }
[[auth.main.login.refused_when]]
pointer = "/error/name"
equals = "InvalidUserException"
"#;

const SERVER: &str = r#"
[variables.server]
format = "host"
hosts = [".geotab.example.com"]
default = "my.geotab.example.com"
from = "captured"
"#;

fn geotab() -> Rig {
    Rig::with_variables(SERVER, GEOTAB, &[("user", "jo"), ("password", "p\"w")], &[])
}

type Values = BTreeMap<String, SecretString>;

fn read(rig: &Rig, index: usize, given: &Given, so_far: &mut Values) -> Result<(), Refusal> {
    let login = rig.login_file();
    read_step(login, &login.steps[index], &given.answer(), so_far)
}

#[test]
fn a_login_asks_the_server_that_an_earlier_answer_moved_it_to() {
    let rig = geotab();
    let step = &rig.login_file().steps[0];
    let none = Values::new();
    assert_snapshot!(printed(&step_call(&rig.asking(), step, &none).unwrap()), @r#"
    POST https://my.geotab.example.com/apiv1
    Content-Type: application/json

    {"method":"Authenticate","params":{"userName":"jo","password":"p\"w"}}
    "#);
    let mut captured = Values::new();
    let moved =
        Given::new(200, r#"{"result":{"path":"my3.geotab.example.com","credentials":{"sessionId":"s1"}}}"#);
    read(&rig, 0, &moved, &mut captured).unwrap();
    let obtained = finish(rig.login_file(), captured, &moved.answer(), None);
    assert_eq!(shown(&obtained), "server=my3.geotab.example.com session=s1 | 1209600s | ?");

    // The next login goes there, and its answer leaves the server as it is.
    let mut rig = rig;
    rig.credential.obtained = Some(obtained.clone());
    let step = &rig.login_file().steps[0];
    assert!(printed(&step_call(&rig.asking(), step, &none).unwrap()).starts_with("POST https://my3."));
    let stays = Given::new(200, r#"{"result":{"path":"ThisServer","credentials":{"sessionId":"s2"}}}"#);
    let mut captured = Values::new();
    read(&rig, 0, &stays, &mut captured).unwrap();
    let obtained = finish(rig.login_file(), captured, &stays.answer(), Some(&obtained));
    assert_eq!(shown(&obtained), "server=my3.geotab.example.com session=s2 | 1209600s | ?");
}

#[test]
fn an_answer_cannot_move_the_password_to_a_strangers_host() {
    let rig = geotab();
    let so_far = Values::from([owned(&("server", "evil.example.com"))]);
    let error = step_call(&rig.asking(), &rig.login_file().steps[0], &so_far).unwrap_err();
    assert!(matches!(error, GrantError::Url(BaseRefusal::HostNotAllowed(_))), "{error:?}");
}

#[test]
fn a_wrong_password_ends_it_and_nothing_else_does() {
    let rig = geotab();
    let refusal = |given: Given| read(&rig, 0, &given, &mut Values::new()).unwrap_err();
    let wrong = r#"{"error":{"name":"InvalidUserException","message":"Incorrect login"}}"#;
    assert!(matches!(refusal(Given::new(200, wrong)), Refusal::Ended { .. }));
    assert!(matches!(refusal(Given::new(500, wrong)), Refusal::Ended { .. }), "the file knows better");
    for status in [400, 401, 403] {
        let refusal = refusal(Given::new(status, r#"{"message":"no p\"w here"}"#).after(&["p\"w here"]));
        let Refusal::Ended { code, description } = refusal else { panic!("{refusal:?}") };
        assert_eq!((code, description.as_str()), (format!("status_{status}"), "no ***"));
    }
    for status in [404, 409, 429, 500, 502] {
        assert!(matches!(refusal(Given::new(status, "{}")), Refusal::Passing { .. }), "{status}");
    }
    assert!(matches!(refusal(Given::new(200, "<html>")), Refusal::Malformed { .. }));
    assert!(matches!(refusal(Given::new(200, "<!doctype html>")), Refusal::Passing { .. }));
    let limited = r#"{"error":{"name":"OverLimitException"}}"#;
    assert!(matches!(refusal(Given::new(200, limited)), Refusal::Malformed { .. }));
}

#[test]
fn each_step_sees_what_the_ones_before_it_captured() {
    let rig = Rig::new(
        r#"
        grant = "login"
        fields.user.label = "User"
        fields.password.label = "Password"
        login.expires_at_from = "/expires"
        inject.headers.authorization = "Bearer {token}"
        [[auth.main.login.steps]]
        request = "GET https://login.example.com/csrf"
        basic = "{user}:{password}"
        capture.csrf = { cookie = "csrf" }
        [[auth.main.login.steps]]
        request = "POST https://login.example.com/session"
        headers.x-csrf = "{csrf}"
        query = { v = "2", user = "{user}" }
        form = { password = "{password}", hash = "{sha256_hex({password})}" }
        capture.token = "/token"
        [auth.main.login.refresh]
        request = "PUT https://login.example.com/session"
        text = "token {token}"
        headers.content-type = "text/x-token"
        "#,
        &[("user", "jo"), ("password", "p&w1")],
    );
    let login = rig.login_file();
    let mut so_far = Values::new();
    let call = step_call(&rig.asking(), &login.steps[0], &so_far).unwrap();
    assert_snapshot!(printed(&call), @"
    GET https://login.example.com/csrf
    Authorization: Basic am86cCZ3MQ==
    ");
    assert_eq!(call.sent().redact_text("am86cCZ3MQ=="), "***");
    // Logins of browsers end with a redirect.
    let moved = Given::new(302, "<html>moved</html>").header("set-cookie", "csrf=c1; Secure");
    read(&rig, 0, &moved, &mut so_far).unwrap();
    let call = step_call(&rig.asking(), &login.steps[1], &so_far).unwrap();
    assert_snapshot!(printed(&call), @"
    POST https://login.example.com/session?v=2&user=jo
    x-csrf: c1
    Content-Type: application/x-www-form-urlencoded

    password=p%26w1
    &hash=e1f9e03f31535510f5f53de574e6b67375907cb4364179c9085b58a73dc2d165
    ");
    let last = Given::new(200, r#"{"token":"t1","expires":"2023-11-14T22:18:20Z"}"#);
    read(&rig, 1, &last, &mut so_far).unwrap();
    let obtained = finish(login, so_far, &last.answer(), None);
    assert_eq!(shown(&obtained), "csrf=c1 token=t1 | 300s | ?");

    let rig = Rig { credential: Credential { obtained: Some(obtained), ..rig.credential.clone() }, ..rig };
    let step = refresh_step(rig.login_file()).unwrap();
    assert_snapshot!(printed(&step_call(&rig.asking(), step, &Values::new()).unwrap()), @"
    PUT https://login.example.com/session
    content-type: text/x-token

    token t1
    ");
}

#[test]
fn a_plain_text_is_a_token_and_a_page_is_none() {
    let rig = Rig::new(
        r#"
        grant = "login"
        fields.user.label = "User"
        login.request = "GET https://login.example.com/token?x=1"
        login.basic = "{user}:"
        login.capture.token = { text = true }
        inject.headers.authorization = "Bearer {token}""#,
        &[("user", "jo")],
    );
    for body in ["t0ken", " t0ken\r\n", "\"t0ken\"", "\u{feff}t0ken"] {
        let mut so_far = Values::new();
        let read = read(&rig, 0, &Given::new(200, body), &mut so_far);
        assert!(read.is_ok(), "{body:?}: {read:?}");
        assert_eq!(so_far["token"].expose_secret(), "t0ken");
    }
    for body in ["<!doctype html><p>down", "", "two\nlines", "  "] {
        assert!(read(&rig, 0, &Given::new(200, body), &mut Values::new()).is_err(), "{body:?}");
    }
    let page = Given::new(200, "<html>").header("content-type", "Text/HTML; charset=utf-8");
    assert!(read(&rig, 0, &page, &mut Values::new()).is_err());
}

#[test]
fn an_apps_signed_token_opens_the_request() {
    let rig = Rig::new(
        r#"
        grant = "app_jwt_exchange"
        fields.app_id.label = "App"
        fields.installation.label = "Installation"
        fields.key.label = "Key"
        jwt.algorithm = "HS256"
        jwt.key = "{key}"
        jwt.claims = { iss = "{app_id}" }
        login.request = "POST https://api.example.com/app/installations/{installation}/access_tokens"
        login.headers.authorization = "Bearer {jwt}"
        login.capture.token = "/token"
        login.expires_at_from = "/expires_at"
        inject.headers.authorization = "Bearer {token}""#,
        &[("app_id", "7"), ("installation", "1/2"), ("key", "k3yk3y")],
    );
    let call = step_call(&rig.asking(), &rig.login_file().steps[0], &Values::new()).unwrap();
    assert_eq!(*call.path_and_query(), "/app/installations/1%2F2/access_tokens");
    let value = String::from_utf8(call.headers.get("authorization").unwrap().to_vec()).unwrap();
    assert_eq!(value.split('.').count(), 3);
    assert_eq!(call.sent().redact_text(&value), "Bearer ***");
    assert!(call.body.is_empty());
}
