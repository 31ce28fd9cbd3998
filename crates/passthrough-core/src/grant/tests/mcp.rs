use insta::assert_snapshot;
use serde_json::{Value, json};

use super::*;
use crate::base_url::BaseUrl;
use crate::grant::mcp::*;
use crate::provider::grant::Url;

fn base(text: &str) -> BaseUrl {
    BaseUrl::parse(text).unwrap()
}

fn shown(urls: &[Url]) -> Vec<String> {
    urls.iter().map(|url| url.with_query("")).collect()
}

#[test]
fn the_well_known_addresses_have_the_path_behind_them() {
    assert_eq!(
        shown(&resource_metadata_urls(&base("https://mcp.example.com/public/mcp"))),
        [
            "https://mcp.example.com/.well-known/oauth-protected-resource/public/mcp",
            "https://mcp.example.com/.well-known/oauth-protected-resource",
        ]
    );
    assert_eq!(
        shown(&resource_metadata_urls(&base("https://mcp.example.com"))),
        ["https://mcp.example.com/.well-known/oauth-protected-resource"]
    );
    let resource = base("https://mcp.example.com");
    assert_eq!(
        shown(&server_metadata_urls("https://auth.example.com/tenant1", &resource).unwrap()),
        [
            "https://auth.example.com/.well-known/oauth-authorization-server/tenant1",
            "https://auth.example.com/.well-known/openid-configuration/tenant1",
            "https://auth.example.com/tenant1/.well-known/openid-configuration",
        ]
    );
    assert_eq!(
        shown(&server_metadata_urls("https://auth.example.com/", &resource).unwrap()),
        [
            "https://auth.example.com/.well-known/oauth-authorization-server",
            "https://auth.example.com/.well-known/openid-configuration",
        ]
    );
    assert!(server_metadata_urls("http://auth.example.com", &resource).is_err());
    assert!(server_metadata_urls("http://127.0.0.1:81", &base("http://127.0.0.1:80/mcp")).is_ok());
}

fn challenge(lines: &[&str]) -> Option<Challenge> {
    let mut headers = Fields::default();
    lines.iter().for_each(|line| headers.push("WWW-Authenticate", (*line).to_owned()));
    read_challenge(&headers)
}

#[test]
fn a_challenge_is_found_among_others() {
    let wanted = Challenge {
        resource_metadata: Some(Url::parse("https://mcp.example.com/.well-known/x?a=1,2").unwrap()),
        scopes: vec!["a".to_owned(), "b:c".to_owned()],
        error: Some("invalid_token".to_owned()),
    };
    let params = r#"resource_metadata="https://mcp.example.com/.well-known/x?a=1,2", error=invalid_token, scope="a b:c""#;
    for lines in [
        &[format!("Bearer {params}")][..],
        &[format!("bearer   realm=\"a, Bearer \\\" b\",{params}")],
        &[format!("Basic realm=\"x\", Negotiate, Bearer {params}, DPoP algs=\"ES256\", error=\"other\"")],
        &["Basic realm=x".to_owned(), format!("Negotiate abc==, Bearer {params}")],
    ] {
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        assert_eq!(challenge(&lines).as_ref(), Some(&wanted), "{lines:?}");
    }
    assert_eq!(challenge(&["Bearer"]), Some(Challenge::default()));
    assert_eq!(challenge(&["Basic realm=\"Bearer resource_metadata=x\""]), None);
    assert_eq!(challenge(&[]), None);
    assert_eq!(challenge(&["Bearer resource_metadata=\"/relative\""]), Some(Challenge::default()));
}

fn read_resource(body: Value, resource: &str) -> Result<ResourceMetadata, Refusal> {
    read_resource_metadata(&Given::new(200, &body.to_string()).answer(), &base(resource))
}

#[test]
fn a_document_about_another_resource_is_refused() {
    let body = |resource: &str| json!({"resource": resource, "authorization_servers": ["https://auth.example.com"], "scopes_supported": ["a", 1, "b"]});
    for (named, asked) in [
        ("https://mcp.example.com/mcp", "https://mcp.example.com/mcp"),
        ("https://mcp.example.com/mcp/", "https://mcp.example.com/mcp"),
        ("https://mcp.example.com", "https://mcp.example.com/mcp"),
        ("https://MCP.example.com:443/", "https://mcp.example.com/mcp"),
    ] {
        let read = read_resource(body(named), asked).unwrap();
        assert_eq!(read.resource, named);
        assert_eq!(read.scopes, ["a", "b"]);
    }
    for (named, asked) in [
        ("https://evil.example.com/mcp", "https://mcp.example.com/mcp"),
        ("http://mcp.example.com/mcp", "https://mcp.example.com/mcp"),
        ("https://mcp.example.com:8443/mcp", "https://mcp.example.com/mcp"),
        ("https://mcp.example.com/mc", "https://mcp.example.com/mcp"),
        ("https://mcp.example.com/mcp/other", "https://mcp.example.com/mcp"),
        ("urn:x", "https://mcp.example.com/mcp"),
    ] {
        assert!(matches!(read_resource(body(named), asked), Err(Refusal::Malformed { .. })), "{named}");
    }
    let none = json!({"resource": "https://mcp.example.com", "authorization_servers": []});
    assert!(read_resource(none, "https://mcp.example.com").is_err());
}

fn server() -> Value {
    json!({
        "issuer": "https://auth.example.com/t",
        "authorization_endpoint": "https://auth.example.com/t/authorize?tenant=1",
        "token_endpoint": "https://auth.example.com/t/token",
        "registration_endpoint": "https://auth.example.com/t/register",
        "code_challenge_methods_supported": ["plain", "S256"],
        "token_endpoint_auth_methods_supported": ["client_secret_post", "none"],
        "authorization_response_iss_parameter_supported": true,
    })
}

fn read_server(body: &Value) -> Result<ServerMetadata, Refusal> {
    let resource = base("https://mcp.example.com/mcp");
    read_server_metadata(
        &Given::new(200, &body.to_string()).answer(),
        "https://auth.example.com/t",
        &resource,
    )
}

#[test]
fn a_server_that_is_another_one_or_cannot_bind_a_consent_is_refused() {
    assert!(read_server(&server()).is_ok());
    for (name, value) in [
        ("issuer", json!("https://auth.example.com/other")),
        ("issuer", Value::Null),
        ("code_challenge_methods_supported", json!(["plain"])),
        ("code_challenge_methods_supported", Value::Null),
        ("token_endpoint", json!("http://auth.example.com/t/token")),
        ("token_endpoint", json!("javascript:alert(1)")),
        ("authorization_endpoint", json!("https://user@auth.example.com/")),
        ("registration_endpoint", json!("http://auth.example.com/t/register")),
        ("revocation_endpoint", json!("//auth.example.com")),
    ] {
        let mut body = server();
        body[name] = value;
        let refusal = read_server(&body).unwrap_err();
        assert!(matches!(refusal, Refusal::Malformed { .. }), "{name}: {refusal:?}");
    }
    for status in [404, 500, 302] {
        let given = Given::new(status, &server().to_string());
        let read = read_server_metadata(
            &given.answer(),
            "https://auth.example.com/t",
            &base("https://mcp.example.com"),
        );
        assert!(matches!(read, Err(Refusal::Passing { .. })), "{status}");
    }
}

const ENTRY: &str = r#"
grant = "mcp_oauth"
inject.headers.authorization = "Bearer {access_token}"
"#;

#[test]
fn what_was_found_out_leads_through_the_whole_flow() {
    let mut rig = Rig::new(ENTRY, &[]);
    let resource = resource(&rig.asking()).unwrap();
    assert_eq!(resource.to_string(), "https://api.example.com");
    assert_eq!(own_issuer(&resource), "https://api.example.com");
    let url = resource_metadata_urls(&resource).remove(0);
    let call = metadata_call(&rig.asking(), url);
    assert_eq!(
        (call.method.as_str(), call.path_and_query().as_str()),
        ("GET", "/.well-known/oauth-protected-resource")
    );

    let server = read_server(&server()).unwrap();
    let registration = Registration { client_name: "Us", redirect_uri: "https://us.example/cb" };
    assert_snapshot!(printed(&registration_call(&rig.asking(), &server, &registration).unwrap().unwrap()), @r#"
    POST https://auth.example.com/t/register
    Content-Type: application/json

    {"client_name":"Us","redirect_uris":["https://us.example/cb"],"grant_types":["authorization_code","refresh_token"],"response_types":["code"],"token_endpoint_auth_method":"none"}
    "#);
    let answer = Given::new(
        201,
        r#"{"client_id":"dyn1","client_secret":"dyns3cret","token_endpoint_auth_method":"client_secret_post","client_secret_expires_at":0}"#,
    );
    let client = read_registration(&answer.answer()).unwrap();
    assert_eq!(client.keys().collect::<Vec<_>>(), ["mcp_client_auth", "mcp_client_id", "mcp_client_secret"]);

    let mut values = kept("https://api.example.com/", &server, &["a".to_owned(), "b".to_owned()]);
    values.extend(client);
    rig.credential.obtained = Some(Obtained { values, ..Obtained::default() });
    let consent =
        Consent { redirect_uri: "https://us.example/cb", state: "s", code_challenge: Some("c"), extra: &[] };
    assert_snapshot!(authorize_url(&rig.asking(), &consent).unwrap().replace('&', "\n&"), @"
    https://auth.example.com/t/authorize?tenant=1
    &response_type=code
    &client_id=dyn1
    &redirect_uri=https%3A%2F%2Fus.example%2Fcb
    &scope=a%20b
    &state=s
    &code_challenge=c
    &code_challenge_method=S256
    &resource=https%3A%2F%2Fapi.example.com%2F
    ");
    let call = code_call(&rig.asking(), "c0de", "https://us.example/cb", Some("v")).unwrap();
    assert_snapshot!(printed(&call), @"
    POST https://auth.example.com/t/token
    Content-Type: application/x-www-form-urlencoded

    grant_type=authorization_code
    &code=c0de
    &redirect_uri=https%3A%2F%2Fus.example%2Fcb
    &code_verifier=v
    &client_id=dyn1
    &client_secret=dyns3cret
    &resource=https%3A%2F%2Fapi.example.com%2F
    ");
    let answer = Given::new(200, r#"{"access_token":"a","refresh_token":"r","expires_in":60}"#);
    let obtained =
        read_tokens(rig.oauth2_file(), &answer.answer(), rig.credential.obtained.as_ref()).unwrap();
    assert!(obtained.values.contains_key("mcp_token_url"), "the next refresh finds its way");
    rig.credential.obtained = Some(obtained);
    let refresh = printed(&sent(refresh_call(&rig.asking()).unwrap()));
    assert!(
        refresh.contains("refresh_token=r") && refresh.contains("&resource=https%3A%2F%2Fapi.example.com%2F")
    );
    assert!(revoke_call(&rig.asking()).unwrap().is_none());

    // Addresses are no secrets: masking them would spoil every answer that names its own server.
    let secrets = crate::upstream::secrets(rig.asking().open);
    let mut secrets: Vec<&str> = secrets.iter().map(|secret| secret.as_str()).collect();
    secrets.sort_unstable();
    assert_eq!(secrets, ["a", "dyns3cret", "r"]);
}

#[test]
fn a_client_of_the_integrations_own_stands_in_where_none_can_register() {
    let mut values = server();
    values["registration_endpoint"] = Value::Null;
    let server = read_server(&values).unwrap();
    let registration = Registration { client_name: "Us", redirect_uri: "https://us.example/cb" };
    let mut rig = Rig::new(ENTRY, &[]).client(&[("client_id", "own"), ("client_secret", "s")]);
    assert!(registration_call(&rig.asking(), &server, &registration).unwrap().is_none());
    let values = kept("https://api.example.com", &server, &[]);
    rig.credential.obtained = Some(Obtained { values, ..Obtained::default() });
    let call = code_call(&rig.asking(), "c", "https://us.example/cb", None).unwrap();
    assert_eq!(call.headers.get("authorization").unwrap(), "Basic b3duOnM=");
    rig.credential.client.remove("client_secret");
    let call = code_call(&rig.asking(), "c", "https://us.example/cb", None).unwrap();
    assert!(printed(&call).contains("&client_id=own"));
    rig.credential.client.clear();
    let error = code_call(&rig.asking(), "c", "https://us.example/cb", None).unwrap_err();
    assert_eq!(error, GrantError::Missing("client_id".to_owned()));
}

#[test]
fn a_registration_that_is_none_is_refused() {
    for body in [
        "{}",
        "[]",
        r#"{"client_id":""}"#,
        r#"{"client_id":"a","token_endpoint_auth_method":"private_key_jwt"}"#,
    ] {
        let refusal = read_registration(&Given::new(201, body).answer()).unwrap_err();
        assert!(matches!(refusal, Refusal::Malformed { .. }), "{body}");
    }
    assert!(matches!(read_registration(&Given::new(403, "{}").answer()), Err(Refusal::Passing { .. })));
}

proptest::proptest! {
    #[test]
    fn a_challenge_reads_back_what_was_quoted(
        before in "((Basic realm=\"[ -~&&[^\"\\\\]]{0,8}\"|Negotiate [A-Za-z0-9+/]{0,8}={0,2}), ?){0,2}",
        error in "[ -~]{0,20}",
        after in "(, ?(DPoP( algs=\"ES256\")?|[a-z]{1,4}=[a-z]{0,3}))?",
    ) {
        let quoted = error.replace('\\', "\\\\").replace('"', "\\\"");
        let line = format!("{before}Bearer scope=\"a b\", error=\"{quoted}\"{after}");
        let read = challenge(&[&line]).unwrap();
        proptest::prop_assert_eq!(read.error.as_deref(), Some(error.as_str()), "{}", line);
        proptest::prop_assert_eq!(read.scopes.len(), 2);
    }

    #[test]
    fn no_line_upsets_the_reader_of_challenges(line in "([a-zA-Z=,\" \\\\]|Bearer |\\PC){0,40}") {
        challenge(&[&line]);
    }
}
