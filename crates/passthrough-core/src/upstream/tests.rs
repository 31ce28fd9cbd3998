use indexmap::IndexMap;
use insta::assert_snapshot;
use proptest::prelude::*;
use secrecy::SecretString;

use super::*;
use crate::base_url::Host;
use crate::redact::Redactor;

mod property;

/// A connection to a provider whose file is this text; `https://api.example.com/v1` unless it says otherwise.
struct Rig {
    provider: Provider,
    credential: Credential,
    variables: Variables,
}

impl Rig {
    fn new(file: &str, credentials: &[(&str, &str)]) -> Self {
        Self::with_variables(file, credentials, &[])
    }

    fn with_variables(file: &str, credentials: &[(&str, &str)], variables: &[(&str, &str)]) -> Self {
        let base = if file.contains("base_url =") { "" } else { "base_url = \"https://api.example.com/v1\"" };
        let provider = Provider::parse("test", &format!("name = \"Test\"\n{base}\n{file}")).unwrap();
        let (credential, variables) = provider
            .accept(&provider.auth[0], given(credentials), given(variables), &HostAllowList::default(), 0)
            .unwrap();
        Self { provider, credential, variables }
    }

    /// A connection with one field `key`, injected in this way.
    fn key(inject: &str, key: &str) -> Self {
        Self::new(&entry(&["key"], inject), &[("key", key)])
    }

    fn open(&self) -> OpenConnection<'_> {
        OpenConnection {
            provider: &self.provider,
            auth: &self.provider.auth[0],
            credential: &self.credential,
            variables: &self.variables,
            prepared: None,
        }
    }

    fn build(&self, request: PassthroughRequest) -> Result<UpstreamRequest, Refusal> {
        let hosts = HostAllowList::default();
        let prepared = Prepared::new(self.open(), &hosts);
        let open = OpenConnection { prepared: Some(&prepared), ..self.open() };
        let built = build(open, request.clone(), || MOMENT, &hosts);
        let anew = build(self.open(), request, || MOMENT, &hosts);
        assert_eq!(
            built.as_ref().map(printed),
            anew.as_ref().map(printed),
            "prepared or not, it is the same"
        );
        built
    }

    fn sent(&self, request: PassthroughRequest) -> String {
        printed(&self.build(request).unwrap())
    }
}

const MOMENT: Moment = Moment { unix_ms: 1_700_000_000_000, nonce: [7; 16] };

fn given(pairs: &[(&str, &str)]) -> IndexMap<String, SecretString> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect()
}

fn entry(fields: &[&str], inject: &str) -> String {
    let fields: String = fields.iter().map(|name| format!("fields.{name}.label = \"{name}\"\n")).collect();
    format!("[auth.key]\ngrant = \"static\"\n{fields}{inject}\n")
}

fn request(method: Method, path: &str, headers: &[(&str, &str)], body: RequestBody) -> PassthroughRequest {
    let owned = |text: &str| Bytes::from(text.to_owned());
    PassthroughRequest {
        door: Door::Proxy,
        method,
        path: CallerPath::parse(path).unwrap(),
        base: None,
        headers: Fields(headers.iter().map(|(name, value)| (owned(name), owned(value))).collect()),
        body,
        websocket_upgrade: false,
    }
}

fn get(path: &str) -> PassthroughRequest {
    request(Method::GET, path, &[], RequestBody::Absent)
}

fn get_with(headers: &[(&str, &str)]) -> PassthroughRequest {
    request(Method::GET, "/me", headers, RequestBody::Absent)
}

fn post(body: &str) -> PassthroughRequest {
    request(Method::POST, "/me", &[], bytes(body, None))
}

fn bytes(body: &str, content_type: Option<&'static str>) -> RequestBody {
    let content_type = content_type.map(HeaderValue::from_static);
    RequestBody::Bytes { bytes: Bytes::from(body.to_owned()), content_type }
}

/// The request as it goes onto the wire, without the framing that is the upstream client's.
fn printed(request: &UpstreamRequest) -> String {
    let mut text = format!("{} {}\n", request.method, request.uri);
    for (name, value) in request.headers.iter() {
        let (name, value) = (String::from_utf8_lossy(name), String::from_utf8_lossy(value));
        text.push_str(&format!("{name}: {value}\n"));
    }
    if let RequestBody::Bytes { bytes, .. } = &request.body {
        text.push_str(&format!("\n{}", String::from_utf8_lossy(bytes)));
    }
    text
}

fn connection_fault(result: Result<UpstreamRequest, Refusal>) -> String {
    match result {
        Err(Refusal::Connection(message)) => message,
        other => panic!("not the connection's fault: {other:?}"),
    }
}

fn request_fault(result: Result<UpstreamRequest, Refusal>) -> String {
    match result {
        Err(Refusal::Request(problems)) => {
            problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
        }
        other => panic!("not the caller's fault: {other:?}"),
    }
}

#[test]
fn several_headers_are_injected_with_their_functions_and_are_not_shown() {
    let inject = r#"
        inject.headers.authorization = "Basic {base64({user}:{key})}"
        inject.headers.x-account = "{user}"
        inject.headers.x-signature = "t={now_unix},v1={hmac_sha256_hex({key},{now_unix})}""#;
    let rig = Rig::new(&entry(&["user", "key"], inject), &[("user", "Aladdin"), ("key", "open sesame")]);
    let built = rig.build(get("/me?x=1")).unwrap();
    assert_snapshot!(printed(&built), @r"
    GET https://api.example.com/v1/me?x=1
    authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==
    x-account: Aladdin
    x-signature: t=1700000000,v1=35308ccbf6064397963faa31c13836fc8bd3b8632c388d3ab0750444c3979735
    ");
    assert!(!format!("{:?}", built.headers).contains("Aladdin"));
}

#[test]
fn a_header_whose_optional_field_is_absent_is_left_out_and_the_callers_own_goes_through() {
    let inject = r#"
        fields.org.optional = true
        inject.headers.authorization = "Bearer {key}"
        inject.headers.x-org = "{org}""#;
    let rig = Rig::key(inject, "k3y");
    assert_snapshot!(rig.sent(get("/me")), @r"
    GET https://api.example.com/v1/me
    authorization: Bearer k3y
    ");
    let own = rig.sent(get_with(&[("X-Org", "mine")]));
    assert!(own.contains("X-Org: mine"), "{own}");
}

#[test]
fn a_query_parameter_replaces_the_callers_own_and_is_masked_where_it_is_shown() {
    let rig = Rig::key(r#"inject.query.api_key = "{key}""#, "a&b=c d");
    let built = rig.build(get("/me?API_KEY=evil&x=1&api%5Fkey=evil")).unwrap();
    assert_eq!(built.uri.to_string(), "https://api.example.com/v1/me?x=1&api_key=a%26b%3Dc%20d");
    assert_eq!(built.shown_path, "/me?x=1&api_key=***");
    assert_eq!(rig.build(get("/me")).unwrap().shown_path, "/me?api_key=***");
}

#[test]
fn a_path_segment_is_encoded_and_masked_where_it_is_shown() {
    let rig = Rig::key(r#"inject.path = "bot{key}""#, "12:a/b c");
    let built = rig.build(get("/getMe?x=1")).unwrap();
    assert_eq!(built.uri.to_string(), "https://api.example.com/v1/bot12:a%2Fb%20c/getMe?x=1");
    assert_eq!(built.shown_path, "/bot***/getMe?x=1");
    let debug = format!("{built:?}");
    assert!(!debug.contains("12:a"), "{debug}");
}

#[test]
fn a_path_segment_that_climbs_is_the_connections_fault() {
    for key in ["..", ".", "..;x", "../.."] {
        let message = connection_fault(Rig::key(r#"inject.path = "{key}""#, key).build(get("/me")));
        assert!(message.contains("not one percent-encoded segment"), "{message}");
    }
}

#[test]
fn an_injected_cookie_replaces_the_callers_own_under_every_reading() {
    let file = entry(&["key"], r#"inject.cookies.session_id = "{key}""#);
    let rig = Rig::new(&format!("allow_cookies = true\n{file}"), &[("key", "s3cret")]);
    let caller = [
        ("Cookie", "a=1; session_id=evil; SESSION_ID=evil; session_id =evil"),
        ("cookie", "b=2,session_id=evil; c=3 session_id=evil; session%5Fid=evil; session.id=evil; d=4"),
    ];
    let sent = rig.sent(get_with(&caller));
    assert!(sent.ends_with("\nCookie: a=1; d=4; session_id=s3cret\n"), "{sent}");
}

#[test]
fn a_callers_cookies_go_through_only_where_the_file_allows_it() {
    let cookie = [("Cookie", "a=1"), ("COOKIE", "b=2")];
    let inject = r#"inject.cookies.sid = "{key}""#;
    assert!(Rig::key(inject, "s3cret").sent(get_with(&cookie)).ends_with("\nCookie: sid=s3cret\n"));
    let file = entry(&["key"], r#"inject.headers.x-key = "{key}""#);
    assert!(!Rig::new(&file, &[("key", "k")]).sent(get_with(&cookie)).contains("cookie"));
    let allowed = Rig::new(&format!("allow_cookies = true\n{file}"), &[("key", "k")]);
    assert!(allowed.sent(get_with(&cookie)).contains("Cookie: a=1\nCOOKIE: b=2\n"));
}

#[test]
fn json_pointers_change_only_their_place_in_the_body() {
    let inject = r#"
        inject.body."/params/credentials" = { user = "{user}", key = "{key}", v = 1 }
        inject.body."/token" = "{key}""#;
    let rig = Rig::new(&entry(&["user", "key"], inject), &[("user", "jo"), ("key", "a\"b")]);
    let sent = rig.sent(post(r#"{ "method":"Get", "params":{"n": 1.10, "credentials": "evil"} }"#));
    assert_snapshot!(sent, @r#"
    POST https://api.example.com/v1/me
    Content-Type: application/json

    { "method":"Get", "params":{"n": 1.10, "credentials": {"user":"jo","key":"a\"b","v":1}},"token":"a\"b" }
    "#);
}

#[test]
fn only_methods_that_have_bodies_grow_one_for_the_credential() {
    let rig = Rig::key(r#"inject.body."/key" = "{key}""#, "k3y");
    for method in [Method::POST, Method::PUT, Method::PATCH] {
        for body in [RequestBody::Absent, bytes("", None)] {
            let sent = rig.sent(request(method.clone(), "/me", &[], body));
            assert!(sent.ends_with("Content-Type: application/json\n\n{\"key\":\"k3y\"}"), "{sent}");
        }
    }
    for method in [Method::GET, Method::HEAD, Method::OPTIONS, Method::DELETE] {
        for body in [RequestBody::Absent, bytes("", None)] {
            let built = rig.build(request(method.clone(), "/me", &[], body)).unwrap();
            assert!(matches!(built.body, RequestBody::Absent), "{built:?}");
            assert!(!built.headers.contains("content-type"));
        }
    }
}

#[test]
fn a_body_that_cannot_hold_the_credential_is_the_callers_fault() {
    let rig = Rig::key(r#"inject.body."/key" = "{key}""#, "k3y");
    let fault = |headers: &[(&str, &str)], body| {
        request_fault(rig.build(request(Method::POST, "/me", headers, body)))
    };
    assert!(fault(&[], bytes("a=1", None)).starts_with("body: the body is not JSON at line 1, column 1"));
    assert!(fault(&[], bytes("[]", None)).starts_with("body: the body's top level must be an object"));
    let send_json = "body: this provider's credential goes into the body, so send JSON";
    assert_eq!(fault(&[], bytes("{}", Some("application/x-www-form-urlencoded"))), send_json);
    assert_eq!(fault(&[("Content-Type", "text/plain; x=json")], bytes("{}", None)), send_json);
    assert!(fault(&[], RequestBody::Streamed).contains("held in memory"));
    let json = [("Content-Type", "application/vnd.api+JSON; charset=utf-8")];
    assert!(rig.build(request(Method::POST, "/me", &json, bytes("{}", None))).is_ok());
}

const SOAP: &str = "inject.soap = { username = \"{key}@x\", password = \"{key}\" }";
const ENVELOPE: &str =
    "<Envelope xmlns=\"http://www.w3.org/2003/05/soap-envelope\"><Body>{}</Body></Envelope>";

#[test]
fn a_soap_envelope_gets_a_security_header_and_a_type_and_nothing_else() {
    let rig = Rig::key(SOAP, "<k3y>");
    let sent = rig.sent(request(Method::POST, "/me", &[], bytes(ENVELOPE, None)));
    assert!(sent.contains("\nContent-Type: application/soap+xml; charset=utf-8\n"), "{sent}");
    assert!(
        sent.contains("<Envelope xmlns=\"http://www.w3.org/2003/05/soap-envelope\"><Header><wsse:Security ")
    );
    assert!(sent.contains("<wsse:Username>&lt;k3y&gt;@x</wsse:Username>"), "{sent}");
    assert!(sent.ends_with("</wsse:Security></Header><Body>{}</Body></Envelope>"), "{sent}");
    let own = [("Content-Type", "text/xml;charset=UTF-8"), ("SOAPAction", "\"\"")];
    let sent = rig.sent(request(Method::POST, "/me", &own, bytes(ENVELOPE, None)));
    assert!(sent.contains("\nContent-Type: text/xml;charset=UTF-8\nSOAPAction: \"\"\n"), "{sent}");
    let built = rig.build(request(Method::GET, "/me?wsdl", &[], RequestBody::Absent)).unwrap();
    assert!(matches!(built.body, RequestBody::Absent) && !built.headers.contains("content-type"));
}

#[test]
fn every_request_has_a_security_header_of_its_own() {
    let rig = Rig::key(SOAP, "k3y");
    let hosts = HostAllowList::default();
    let prepared = Prepared::new(rig.open(), &hosts);
    let open = OpenConnection { prepared: Some(&prepared), ..rig.open() };
    let nonce_of = |nonce| {
        let moment = || Moment { unix_ms: 0, nonce: [nonce; 16] };
        let built =
            build(open, request(Method::POST, "/me", &[], bytes(ENVELOPE, None)), moment, &hosts).unwrap();
        let RequestBody::Bytes { bytes, .. } = built.body else { panic!("no body") };
        let text = String::from_utf8(bytes.to_vec()).unwrap();
        text[text.find("Base64Binary\">").unwrap()..text.find("</wsse:Nonce>").unwrap()].to_owned()
    };
    assert_ne!(nonce_of(1), nonce_of(2));
}

#[test]
fn a_body_that_is_no_soap_envelope_in_utf_8_is_the_callers_fault() {
    let rig = Rig::key(SOAP, "k3y");
    let fault = |headers: &[(&str, &str)], body| {
        request_fault(rig.build(request(Method::POST, "/me", headers, body)))
    };
    for content_type in ["application/json", "text/plain", "text/xml; charset=utf-16", "multipart/related"] {
        let told = fault(&[("Content-Type", content_type)], bytes(ENVELOPE, None));
        assert!(told.contains("send a SOAP envelope as XML in UTF-8"), "{content_type}: {told}");
    }
    assert!(fault(&[], bytes("{}", None)).contains("must be a SOAP 1.1 or 1.2 envelope"));
    assert!(fault(&[], RequestBody::Absent).contains("must be a SOAP 1.1 or 1.2 envelope"));
    assert!(fault(&[], RequestBody::Streamed).contains("held in memory"));
    let own = ENVELOPE.replace("<Body>", "<Header><a:Security xmlns:a='x'/></Header><Body>");
    assert!(fault(&[], bytes(&own, None)).contains("leave it out"));
    let broken = Rig::key(SOAP, "a\u{1}");
    let refused = broken.build(request(Method::POST, "/me", &[], bytes(ENVELOPE, None))).unwrap_err();
    assert!(matches!(refused, Refusal::Connection(_)), "{refused:?}");
}

#[test]
fn a_streamed_body_passes_by_where_nothing_goes_into_it() {
    let rig = Rig::key(r#"inject.headers.x-key = "{key}""#, "k3y");
    let built = rig.build(request(Method::PUT, "/me", &[], RequestBody::Streamed)).unwrap();
    assert!(matches!(built.body, RequestBody::Streamed));
}

#[test]
fn a_callers_header_wins_over_a_static_one_and_an_injected_one_over_both() {
    let statics = "headers.x-version = \"1\"\nheaders.accept = \"text/csv\"\nheaders.x_key = \"static\"\n";
    let file = entry(&["key"], r#"inject.headers.x-key = "{key}""#);
    let rig = Rig::new(&format!("{statics}{file}"), &[("key", "k3y")]);
    assert_snapshot!(rig.sent(get_with(&[("X-Version", "2"), ("X-Key", "caller")])), @r"
    GET https://api.example.com/v1/me
    X-Version: 2
    accept: text/csv
    x-key: k3y
    ");
}

#[test]
fn a_files_content_type_stands_for_json_but_never_hides_the_boundary_of_a_form() {
    let file = format!("headers.content-type = \"application/vnd.api+json\"\n{}", entry(&[], ""));
    let rig = Rig::new(&file, &[]);
    let content_type = |body| {
        let built = rig.build(request(Method::POST, "/me", &[], body)).unwrap();
        String::from_utf8(built.headers.only("content-type").unwrap().to_vec()).unwrap()
    };
    assert_eq!(content_type(bytes("{}", Some("application/json"))), "application/vnd.api+json");
    assert_eq!(
        content_type(bytes("--b", Some("multipart/form-data; boundary=b"))),
        "multipart/form-data; boundary=b"
    );
}

#[test]
fn the_envelope_adds_what_an_http_client_adds_and_the_proxy_adds_nothing() {
    let rig = Rig::key(r#"inject.headers.x-key = "{key}""#, "k3y");
    assert_snapshot!(rig.sent(get("/me")), @r"
    GET https://api.example.com/v1/me
    x-key: k3y
    ");
    let envelope = |headers| PassthroughRequest { door: Door::Envelope, ..get_with(headers) };
    assert_snapshot!(rig.sent(envelope(&[])), @r"
    GET https://api.example.com/v1/me
    User-Agent: passthrough/0.1
    Accept-Encoding: identity
    x-key: k3y
    ");
    assert_snapshot!(rig.sent(envelope(&[("User-Agent", "mine"), ("Accept-Encoding", "gzip")])), @r"
    GET https://api.example.com/v1/me
    User-Agent: mine
    Accept-Encoding: gzip
    x-key: k3y
    ");
}

#[test]
fn a_base_is_chosen_by_its_name_and_an_unknown_one_is_the_callers_fault() {
    let file = entry(&["key"], r#"inject.headers.x-key = "{key}""#);
    let named =
        "base_urls.upload = \"https://up.example.com/u\"\nbase_urls.content = \"https://c.example.com\"";
    let rig = Rig::new(&format!("{named}\n{file}"), &[("key", "k3y")]);
    let at = |base: &str| rig.build(PassthroughRequest { base: Some(base.to_owned()), ..get("/me") });
    let built = at("upload").unwrap();
    assert_eq!(built.uri.to_string(), "https://up.example.com/u/me");
    assert_eq!(built.origin.to_string(), "https://up.example.com");
    assert_eq!(built.shown_path, "/me");
    assert_eq!(request_fault(at("evil")), "base: test has no such base URL; it has upload, content");
    // Written out it is the same, in whatever spelling; and nothing else is one, be it on the same host.
    for url in ["https://up.example.com/u", "https://UP.example.com:443/u/"] {
        assert_eq!(at(url).unwrap().uri.to_string(), "https://up.example.com/u/me");
    }
    assert_eq!(at("https://api.example.com/v1").unwrap().uri.to_string(), "https://api.example.com/v1/me");
    let none = "base: is none of the base URLs that test has for this connection";
    for url in [
        "https://evil.example",
        "http://up.example.com/u",
        "https://up.example.com",
        "https://up.example.com/u/v",
        "https://up.example.com:444/u",
    ] {
        assert_eq!(request_fault(at(url)), none, "{url}");
    }
    assert!(
        request_fault(at("https://up.example.com@evil.example/u")).starts_with("base: the URL must not hold")
    );
    let none = Rig::key(r#"inject.headers.x-key = "{key}""#, "k3y")
        .build(PassthroughRequest { base: Some("x".to_owned()), ..get("/me") });
    assert_eq!(request_fault(none), "base: test has no such base URL; it has none");
}

#[test]
fn a_header_name_from_a_field_can_neither_frame_nor_route_nor_disguise_a_message() {
    let inject = r#"inject.headers."{name}" = "{value}""#;
    let rig = |name: &str| Rig::new(&entry(&["name", "value"], inject), &[("name", name), ("value", "5")]);
    for name in [
        "Host",
        "content-length",
        "Content_Length",
        "transfer-encoding",
        "connection",
        "te",
        "upgrade",
        "proxy-authorization",
        "forwarded",
        "x-forwarded-host",
        "X_Forwarded_Host",
        "x-original-url",
        "x-http-method-override",
        "via",
        "expect",
        "http2-settings",
        "cookie",
    ] {
        let message = connection_fault(rig(name).build(get("/me")));
        assert!(message.ends_with("cannot carry a credential"), "{name}: {message}");
    }
    for name in ["x key", "x:key", "x\r\nhost", "é", "\"x\""] {
        assert_eq!(connection_fault(rig(name).build(get("/me"))), "the credential's header name is none");
    }
    assert!(rig("Authorization").build(get("/me")).is_ok());
}

#[test]
fn a_secret_that_would_break_out_of_its_place_is_refused_without_being_shown() {
    for secret in ["k3y\r\nhost: evil", "k3y\n", "k3y\u{1}"] {
        let message =
            connection_fault(Rig::key(r#"inject.headers.x-key = "{key}""#, secret).build(get("/me")));
        assert_eq!(message, "the credential holds a character that the header `x-key` cannot carry");
    }
    for secret in ["a; b=c", "a b", "a,b", "a\"", "é"] {
        let message = connection_fault(Rig::key(r#"inject.cookies.sid = "{key}""#, secret).build(get("/me")));
        assert_eq!(message, "the credential holds a character that the cookie `sid` cannot carry");
    }
    let rig = Rig::new(
        &entry(&["name", "value"], r#"inject.cookies."{name}" = "{value}""#),
        &[("name", "a=b; c"), ("value", "1")],
    );
    assert_eq!(connection_fault(rig.build(get("/me"))), "the credential's cookie name is none");
}

#[test]
fn a_callers_text_is_never_a_template() {
    let inject = "inject.headers.authorization = \"Bearer {key}\"\ninject.body.\"/key\" = \"{key}\"";
    let rig = Rig::key(inject, "k3y");
    let headers = [("X-Note", "{key} ${key} {{key}} {base64({key})}")];
    let asked = request(Method::POST, "/{key}/x?q={key}", &headers, bytes(r#"{"a":"{key}"}"#, None));
    assert_snapshot!(rig.sent(asked), @r#"
    POST https://api.example.com/v1/{key}/x?q={key}
    X-Note: {key} ${key} {{key}} {base64({key})}
    Content-Type: application/json
    authorization: Bearer k3y

    {"a":"{key}","key":"k3y"}
    "#);
}

#[test]
fn a_variable_that_is_a_whole_url_may_end_with_a_slash() {
    let file = format!(
        "base_url = \"{{base}}/api\"\nvariables.base.format = \"url\"\n{}",
        entry(&["key"], r#"inject.headers.x-key = "{key}""#)
    );
    let rig = Rig::with_variables(&file, &[("key", "k")], &[("base", "https://Own.example.com:8443/x/")]);
    assert_eq!(rig.build(get("/me")).unwrap().uri.to_string(), "https://own.example.com:8443/x/api/me");
}

#[test]
fn the_root_of_an_endpoint_is_the_endpoint_itself() {
    let file = format!(
        "base_url = \"{{base}}\"\nendpoint = true\nvariables.base.format = \"url\"\n{}",
        entry(&["key"], r#"inject.headers.x-key = "{key}""#)
    );
    let at = |base: &str, path: &str| {
        let rig = Rig::with_variables(&file, &[("key", "k")], &[("base", base)]);
        rig.build(get(path)).unwrap().uri.to_string()
    };
    assert_eq!(at("https://own.example.com/mcp", "/"), "https://own.example.com/mcp");
    assert_eq!(at("https://own.example.com/mcp", "/?a=1"), "https://own.example.com/mcp?a=1");
    assert_eq!(at("https://own.example.com/mcp", "/x"), "https://own.example.com/mcp/x");
    assert_eq!(at("https://own.example.com", "/?a=1"), "https://own.example.com/?a=1");
}

#[test]
fn what_functions_make_of_secrets_is_secret_at_every_depth() {
    let inject = r#"
        fields.key.secret = true
        inject.headers.authorization = "Basic {base64({user}:{key})}"
        inject.query.q = "{urlencode({base64({key}|{user})})}"
        inject.body."/a" = ["{sha256_hex({key})}"]"#;
    let rig = Rig::new(&entry(&["user", "key"], inject), &[("user", "Aladdin"), ("key", "abc")]);
    let found = secrets(rig.open());
    let found: Vec<&str> = found.iter().map(|secret| secret.as_str()).collect();
    assert_eq!(
        found,
        [
            "abc",
            "QWxhZGRpbjphYmM=",
            "YWJjfEFsYWRkaW4=",
            "YWJjfEFsYWRkaW4%3D",
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad",
        ]
    );
    // The password itself is too short to be looked for, but not what is made of it.
    let redactor = Redactor::new(found);
    assert_eq!(redactor.redact_text("got Basic QWxhZGRpbjphYmM= from Aladdin"), "got Basic *** from Aladdin");
}
