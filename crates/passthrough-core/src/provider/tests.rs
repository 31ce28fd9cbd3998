use insta::assert_snapshot;
use secrecy::{ExposeSecret, SecretString};

use super::*;
use crate::connection::{Credential, Variables};
use crate::provider::grant::Url;

/// All problems of a file, a line each.
fn problems(text: &str) -> String {
    let problems =
        Provider::parse("test", text).map_or_else(|problems| problems, |provider| provider.unused());
    assert!(!problems.is_empty());
    problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

/// The problems of a file that is right but for these lines, which come before its auth entry.
fn problems_with(lines: &str) -> String {
    problems(&format!("{}\n{lines}\n[auth.key]\ngrant = \"static\"", head(lines)))
}

/// The problems of a file that is right but for these lines of its auth entry.
fn problems_in_auth(lines: &str) -> String {
    problems(&format!("{}\n[auth.key]\ngrant = \"static\"\nfields.key.label = \"Key\"\n{lines}", head(lines)))
}

fn parsed(lines: &str) -> Provider {
    Provider::parse("test", &format!("{}\n{lines}", head(lines))).unwrap()
}

fn head(lines: &str) -> &'static str {
    let has_base = lines.lines().any(|line| line.trim_start().starts_with("base_url ="));
    if has_base { "name = \"T\"" } else { "name = \"T\"\nbase_url = \"https://api.example.com\"" }
}

fn given(pairs: &[(&str, &str)]) -> IndexMap<String, SecretString> {
    pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect()
}

/// The accepted values as `name=value`, or the problems.
fn accepted(
    provider: &Provider,
    credentials: &[(&str, &str)],
    variables: &[(&str, &str)],
) -> Result<String, String> {
    let hosts = HostAllowList(vec!["own.example.net".to_owned(), ".corp.example.org".to_owned()]);
    match provider.accept(&provider.auth[0], given(credentials), given(variables), &hosts, 0) {
        Ok((credential, variables)) => {
            let all = credential.fields.iter().chain(&variables);
            let shown: Vec<_> =
                all.map(|(name, value)| format!("{name}={}", value.expose_secret())).collect();
            Ok(shown.join(" "))
        }
        Err(problems) => Err(problems.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")),
    }
}

#[test]
fn every_problem_of_a_file_is_told_at_once_with_its_place() {
    let text = r#"
        naem = "Test"
        base_url = 5
        categories = ["crm", 7, "erp", 8]
        status = "retired"
        deprecated_on = "2027-01-01"
        redirects = "all"
        headers.host = "evil"
        headers."x y" = "1"

        [variables.Region]
        pattern = "[a-z"
        secrit = true

        [auth.key]
        grant = "magic"
        fields.api_key.secret = "yes"
        fields.api_key.labell = "Key"
        inject.headers.authorization = "Bearer {apikey}"
        inject.headers.transfer-encoding = "chunked"
        inject.path = "a/{api_key}"
        inject.body."key" = "{api_key"

        [auth.key.verify]
        request = "get /me"
        base = "upload"
        account_id = "id"

        [[expired_when]]
        status = 99

        [[expired_when]]
        equals = 1

        [[sources]]
        fact = "auth"
        url = 1

        [[sources]]
        url = "https://example.com"

        [[sources]]
        fact = "base_url"
    "#;
    assert_snapshot!(problems(text), @r#"
    naem: unknown field; did you mean `name`?
    base_url: invalid type: integer `5`, expected a string
    categories[1]: invalid type: integer `7`, expected a string
    categories[3]: invalid type: integer `8`, expected a string
    status: unknown variant `retired`, expected one of `live`, `beta`, `deprecated`
    redirects: unknown variant `all`, expected `none` or `same-origin`
    variables.Region.secrit: unknown field; did you mean `secret`?
    auth.key.grant: unknown variant `magic`, expected one of `static`, `oauth2_code`, `oauth2_client_credentials`, `oauth2_password`, `oauth2_jwt_bearer`, `oauth1`, `app_jwt_exchange`, `login`, `mcp_oauth`
    auth.key.fields.api_key.secret: invalid type: string "yes", expected a boolean
    auth.key.fields.api_key.labell: unknown field; did you mean `label`?
    sources[0].url: invalid type: integer `1`, expected a string
    sources[1].fact: missing
    name: missing: the product's name
    deprecated_on: goes with `status = "deprecated"`
    sources[2]: missing: the `url` where it was read, or `unverified = true`
    variables.Region: is named by a-z, 0-9 and `_`, beginning with a letter
    variables.Region.pattern: is no regular expression: unclosed character class
    headers.host: this header frames or routes the message: it is not a file's to set
    headers.x y: is no header name
    auth.key.inject.headers.authorization: `{apikey}` is neither field nor variable; there are Region, api_key
    auth.key.inject.headers.transfer-encoding: this header frames or routes the message: it is not a file's to set
    auth.key.inject.path: is one segment of a path, without `/` and `?`: `bot{token}`
    auth.key.inject.body.key: expected `}` or `(` after `api_key` (at byte 8)
    auth.key.inject.body.key: not a JSON pointer to a member; write it like /params/credentials, with ~1 for '/' and ~0 for '~', 64 names at most
    auth.key.verify.request: begins with one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS: `GET /v1/me`
    auth.key.verify.base: no `base_urls.upload` in this file
    auth.key.verify.account_id: not a JSON pointer to a member; write it like /params/credentials, with ~1 for '/' and ~0 for '~', 64 names at most
    expired_when[0].status: is no HTTP status
    expired_when[1]: needs a `status`, a `header`, a `pointer` or `contains`
    "#);
}

#[test]
fn a_file_that_is_no_toml_has_one_problem_with_its_line() {
    assert_snapshot!(problems("name = \"é\"\nbase_url = \n"), @r"line 2, column 12: string values must be quoted, expected literal string");
    assert_snapshot!(problems("name = \"a\"\nname = \"b\"\n"), @r"line 2, column 1: duplicate key");
}

#[test]
fn what_nothing_uses_is_told_once_all_else_is_right() {
    let lines = r#"
        base_url = "https://{a}.example.com/{id}"
        base_urls.up = "https://up.example.com/{b}"
        variables = { a = {}, b = {}, c = {}, d = {}, e = {}, stray = {} }
        [auth.key]
        grant = "static"
        fields = { id = {}, cert = {}, key = {}, hook = {}, forgotten = {}, spare = { optional = true } }
        inject.headers."{c}" = "{base64({key})}"
        inject.body."/a" = [{ b = "{hook}" }]
        inject.client_certificate = { certificate = "{cert}", private_key = "{cert}" }
        verify = { request = "POST /{d}", json = { e = "{e}" } }
    "#;
    assert_snapshot!(problems(&format!("name = \"T\"\n{lines}")), @r"
    auth.key.fields.forgotten: is used nowhere: put it into `inject` or a base URL, or take it away
    auth.key.fields.spare: is used nowhere: put it into `inject` or a base URL, or take it away
    variables.stray: is used nowhere: put it into `inject` or a base URL, or take it away
    ");
}

#[test]
fn dates_sources_and_methods_are_ones_that_there_are() {
    let lines = r#"
        deprecated_on = "soon"
        status = "deprecated"
        sources = [
            { fact = "auth", url = "the docs", read = "2026-13-40" },
            { fact = "auth", url = "https://example.com/a?b#c", read = "2026-01-31" },
            { fact = "auth", unverified = true, read = "31.1." },
        ]
        verify.request = "FETCH /me"
    "#;
    assert_snapshot!(problems_with(lines), @r"
    deprecated_on: is no date such as `2026-01-31`
    sources[0].url: is no http or https URL
    sources[0].read: is no date such as `2026-01-31`
    sources[2].read: is no date such as `2026-01-31`
    verify.request: begins with one of GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS: `GET /v1/me`
    ");
    for base in ["ftp://user@h/?a", "ftp://a b", "ws://{x}.example.com?a"] {
        let told = problems_with(&format!("base_url = \"{base}\"\nvariables.x = {{}}"));
        assert!(told.starts_with("base_url: the URL must begin with https://"), "{base}: {told}");
    }
}

/// One variable that a call finds out for tokens only, and that stands in the host.
const TWO_WAYS: &str = r#"
    name = "T"
    base_url = "https://{dc}.example.com"
    variables.dc = { label = "Data centre", from = "discovered", example = "us1" }
    [[discover]]
    auth = ["oauth"]
    request = "GET https://login.example.com/metadata"
    headers.authorization = "OAuth {access_token}"
    capture.dc = "/dc"
    [auth.key]
    grant = "static"
    fields.key = {}
    inject.headers.x-key = "{key}"
    [auth.oauth]
    grant = "oauth2_code"
    oauth2 = { authorize_url = "https://login.example.com/a", token_url = "https://login.example.com/t" }
    inject.headers.authorization = "Bearer {access_token}"
"#;

#[test]
fn what_is_found_out_for_one_entry_is_asked_from_the_users_of_another() {
    let provider = Provider::parse("test", TWO_WAYS).unwrap();
    let accepted = |auth: &str, credential: &str, variables: &[(&str, &str)]| {
        let own = |(name, value): &(&str, &str)| ((*name).to_owned(), SecretString::from(*value));
        let credentials = [own(&(credential, "v4lue"))].into();
        let variables = variables.iter().map(own).collect();
        provider.accept(&provider.auth[auth], credentials, variables, &HostAllowList::default(), 0)
    };
    let told = accepted("key", "key", &[]).unwrap_err();
    assert_eq!(told, [Problem::new("variables.dc", "missing: Data centre")]);
    assert!(accepted("key", "key", &[("dc", "us1")]).is_ok());
    assert!(accepted("oauth", "access_token", &[]).is_ok());
    assert!(accepted("oauth", "access_token", &[("dc", "us1")]).is_ok(), "it may be given all the same");
    assert!(!provider.finds_out(&provider.auth["key"], "dc"));
    assert!(provider.discover[0].is_for("oauth") && !provider.discover[0].is_for("key"));
    let hosts: Vec<&str> = provider.host_variables().into_iter().collect();
    assert_eq!(hosts, ["dc"]);
}

#[test]
fn a_discovering_call_names_entries_and_what_they_bring() {
    let file = TWO_WAYS.replace("[\"oauth\"]", "[\"key\", \"oath\"]");
    assert_snapshot!(problems(&file), @"
    discover[0].auth[1]: no `auth.oath` in this file
    discover[0].headers.authorization: `{access_token}` is neither field nor variable; there are dc, key
    ");
}

#[test]
fn an_end_may_be_a_text_in_the_body() {
    let provider = parsed(
        "expired_when = [{ status = 500, contains = \"wsse:FailedAuthentication\" }]\n\
         [auth.key]\ngrant = \"static\"",
    );
    let rule = &provider.expired_when[0];
    let fields = crate::header::Fields::default();
    let body = b"<faultcode xmlns:wsse='x'>wsse:FailedAuthentication</faultcode>";
    assert!(rule.looks_inside());
    assert!(rule.holds(500, &fields, None, body));
    assert!(!rule.holds(200, &fields, None, body) && !rule.holds(500, &fields, None, b"<faultcode/>"));
    let told = problems_with("expired_when = [{ contains = \"no\" }]");
    assert_eq!(
        told,
        "expired_when[0].contains: is 4 bytes at least: less stands in answers that mean no such thing"
    );
}

#[test]
fn a_body_is_json_or_soap_and_a_timestamp_a_length_of_time() {
    let lines = r#"
        [auth.other]
        grant = "static"
        fields = { key = {} }
        inject.body."/a" = "{key}"
        inject.soap = { username = "{user}", password = "{key}", timestamp = "5 minutes", nonce = true }
    "#;
    assert_snapshot!(problems_with(lines), @r"
    auth.other.inject.soap.nonce: unknown field; there are username, password, digest, timestamp
    auth.other.inject: a body is JSON or SOAP: `body` or `soap`, not both
    auth.other.inject.soap.username: `{user}` is neither field nor variable; there are key
    auth.other.inject.soap.timestamp: is a number and one of s, m, h and d: `90s`, `20m`, `12h`, `90d`
    ");
}

#[test]
fn limits_and_retries_name_headers_statuses_and_methods() {
    let lines = r#"
        limits = { limit = "x limit", reset = "", reset_format = "soon", statuses = [200, 403], wait = 1 }
        retry = { idempotent_methods = ["put", "GET", "DELETE"], idempotency_header = "host", twice = true }
    "#;
    assert_snapshot!(problems_with(lines), @r"
    limits.reset_format: unknown variant `soon`, expected one of `auto`, `seconds`, `milliseconds`, `epoch-seconds`, `epoch-milliseconds`, `duration`, `date`
    limits.wait: unknown field; there are limit, remaining, reset, reset_format, retry_after, statuses, documented
    retry.twice: unknown field; there are idempotent_methods, idempotency_header
    limits.limit: is no header name
    limits.reset: is no header name
    limits.statuses[0]: is no status of an error: 400 to 599
    retry.idempotent_methods[0]: is one of POST, PUT, PATCH, DELETE
    retry.idempotent_methods[1]: is one of POST, PUT, PATCH, DELETE
    retry.idempotency_header: this header frames or routes the message: it is not a file's to set
    ");
    let provider = parsed(
        "retry = { idempotent_methods = [\"PUT\"], idempotency_header = \"Idempotency-Key\" }\n\
         [auth.key]\ngrant = \"static\"",
    );
    assert_eq!(provider.promises.idempotent_methods, [Method::PUT]);
    assert_eq!(provider.promises.idempotency_header.unwrap(), "idempotency-key");
    assert_eq!(provider.limits, Limits::default());
}

#[test]
fn an_empty_file_says_what_a_file_needs() {
    assert_snapshot!(problems(""), @r#"
    name: missing: the product's name
    auth: missing: a provider has at least one, such as [auth.key]
    base_url: missing: where the API is
    "#);
}

#[test]
fn what_was_cut_out_for_its_type_is_not_called_missing_as_well() {
    assert_snapshot!(problems("name = 1\nbase_url = 2\n[auth]\nkey = 3\n"), @r"
    name: invalid type: integer `1`, expected a string
    base_url: invalid type: integer `2`, expected a string
    auth.key: invalid type: integer `3`, expected a table
    ");
}

#[test]
fn aliases_are_understood_but_not_beside_what_they_stand_for() {
    let provider = parsed(
        "follow_redirects = \"same-origin\"\n[auth.key]\ngrant = \"static\"\ninject.json.\"/a\" = \"b\"",
    );
    assert_eq!(provider.redirects, Redirects::SameOrigin);
    assert_eq!(provider.auth["key"].inject.body[0].0.to_string(), "/a");
    assert_snapshot!(problems_with("redirects = \"none\"\nfollow_redirects = \"same-origin\""), @r"redirects: is given twice, once by its other name");
}

#[test]
fn a_name_in_a_template_must_be_known_there() {
    assert_snapshot!(
        problems_in_auth(
            "inject.headers.a = \"{kye} {kye}\"\ninject.query.\"{b}\" = \"1\"\nverify.request = \"GET /{key}\""
        ),
        @r"
        auth.key.inject.headers.a: `{kye}` is neither field nor variable; there are key
        auth.key.inject.query.{b}: `{b}` is neither field nor variable; there are key
        auth.key.verify.request: `{key}` is neither field nor variable; there are none
        "
    );
    assert_snapshot!(
        problems_with("base_url = \"https://{a}.example.com\"\nbase_urls.up = \"https://up.example.com/{b}/{b}\""),
        @r"
        base_url: `{a}` stands in the host but is no variable
        base_urls.up: `{b}` is no variable of this file
        "
    );
}

#[test]
fn one_name_is_injected_once() {
    let lines = r#"
        inject.headers.Authorization = "{key}"
        inject.headers.authorization = "{key}"
        inject.headers.x-key = "{key}"
        inject.headers.X_Key = "{key}"
        inject.query.key = "{key}"
        inject.query.KEY = "{key}"
        inject.cookies.sid = "{key}"
        inject.cookies.Sid = "{key}"
        inject.body."/a/b" = "{key}"
        inject.body."/a" = "{key}"
        inject.body."/a/bc" = "{key}"
    "#;
    assert_snapshot!(problems_in_auth(lines), @r"
    auth.key.inject.headers.authorization: stands there twice, in another spelling
    auth.key.inject.headers.X_Key: stands there twice, in another spelling
    auth.key.inject.query.KEY: stands there twice, in another spelling
    auth.key.inject.cookies.Sid: stands there twice, in another spelling
    auth.key.inject.body./a: overlaps with `/a/b`
    auth.key.inject.body./a/bc: overlaps with `/a`
    ");
    assert_snapshot!(problems_with("headers.Accept = \"a\"\nheaders.accept = \"b\""), @r"headers.accept: stands there twice, in another spelling");
}

#[test]
fn names_that_frame_route_or_disguise_a_message_are_refused_everywhere() {
    for name in ["host", "Content_Length", "te", "proxy-authorization", "x-forwarded-for", "via", "x-method"]
    {
        let message = "this header frames or routes the message: it is not a file's to set";
        assert_eq!(problems_with(&format!("headers.{name} = \"1\"")), format!("headers.{name}: {message}"));
        assert_eq!(
            problems_in_auth(&format!("inject.headers.{name} = \"1\"")),
            format!("auth.key.inject.headers.{name}: {message}")
        );
    }
    assert_snapshot!(
        problems_in_auth("inject.headers.cookie = \"a=1\"\ninject.cookies.\"a;b\" = \"1\"\ninject.query.\"\" = \"1\""),
        @r"
        auth.key.inject.headers.cookie: cookies have a place of their own: `inject.cookies`
        auth.key.inject.query: a parameter needs a name
        auth.key.inject.cookies.a;b: is no name of a cookie
        "
    );
}

#[test]
fn an_injected_path_is_one_segment() {
    for path in ["a/{key}", "/{key}", "", "{key}?x", "..", "a b", "a%zz", "a\\\\b", "é{key}"] {
        assert_eq!(
            problems_in_auth(&format!("inject.path = \"{path}\"")),
            "auth.key.inject.path: is one segment of a path, without `/` and `?`: `bot{token}`"
        );
    }
}

#[test]
fn what_a_file_gives_itself_obeys_what_it_asks_for() {
    let lines = r#"
        variables.a = { pattern = "[a-z]+", default = "A" }
        variables.b = { enum = ["x", "y"], default = "z" }
        variables.c = { enum = [] }
        variables.d = { format = "url", default = "example.com" }
        variables.e = { format = "host", default = "a/b" }
        variables.f = { hosts = [".example.com"] }
        variables.g = { format = "host", hosts = [".com", "UP.example.com", "ok.example.com", "a b", ""] }
        variables.h = { pattern = "a)|(?:b" }
        variables.i = { pattern = "(\\w{1,99}){1,99}" }
        variables.j = { pattern = "(" }
    "#;
    assert_snapshot!(problems_with(lines), @r#"
    variables.a.default: does not match the pattern `[a-z]+`
    variables.b.default: must be one of x, y
    variables.c.enum: is empty: then no value would do
    variables.d.default: the URL must begin with https:// (or http://, where the operator opened it)
    variables.e.default: not a host name: leave out scheme and path
    variables.f.hosts: goes with `format = "host"` or `"url"`
    variables.g.hosts[0]: is neither a host name nor a domain such as `.example.com`, in lower case
    variables.g.hosts[1]: is neither a host name nor a domain such as `.example.com`, in lower case
    variables.g.hosts[3]: is neither a host name nor a domain such as `.example.com`, in lower case
    variables.g.hosts[4]: is neither a host name nor a domain such as `.example.com`, in lower case
    variables.h.pattern: is no regular expression: unopened group
    variables.i.pattern: is too large once its repetitions are written out; make it shorter
    variables.j.pattern: is no regular expression: unclosed group
    "#);
}

#[test]
fn a_variable_cannot_be_the_domain_that_the_secret_goes_to() {
    let fault = |base: &str, variable: &str| {
        problems_with(&format!("base_url = \"{base}\"\nvariables.v = {{ {variable} }}\nvariables.w = {{}}"))
    };
    let open =
        "base_url: `{v}` could name any domain; give it an `enum`, or `format = \"host\"` with `hosts`";
    for base in ["https://{v}.com", "https://api.{v}", "https://x-{v}.dev:8443/a", "https://{w}.{v}/a"] {
        assert_eq!(fault(base, ""), open, "{base}");
    }
    for base in ["https://{v}", "https://api.{v}/x", "https://{v}.com"] {
        assert_eq!(fault(base, "pattern = '[a-z.]+'"), open, "{base}");
    }
    assert_eq!(
        fault("{v}/api", ""),
        "base_url: a base URL begins with https:// or with a variable of format `url`"
    );
    assert_eq!(fault("https://a/{v}", "format = \"url\""), "base_url: `{v}` is a URL: it must come first");
    assert_eq!(fault("https://{base64({v})}.example.com", ""), "base_url: a base URL uses no functions");
    assert_eq!(
        fault("https://{v}.example.com", "optional = true"),
        "base_url: `{v}` must have a value: give it a `default` or take `optional` away"
    );
    for (base, variable) in [
        ("https://{v}.example.com", ""),
        ("https://{v}.co.uk", ""),
        ("http://{v}:8080", ""),
        ("http://{v}.localhost:8080", ""),
        ("http://{v}:8080/x", "pattern = '127\\.0\\.0\\.1|localhost'"),
        ("https://{v}", "enum = [\"a.example.com\", \"b.example.org\"]"),
        ("https://api.{v}", "format = \"host\""),
        ("https://api.example.com/{v}", ""),
    ] {
        let file = format!(
            "base_url = \"{base}\"\nvariables.v = {{ {variable} }}\n[auth.key]\ngrant = \"static\"\n"
        );
        parsed(&file);
    }
}

#[test]
fn a_field_may_stand_in_the_path_of_a_base_url_if_every_entry_has_it_and_never_in_a_host() {
    let file = |base: &str| {
        format!(
            "base_url = \"{base}\"\n[auth.a]\ngrant = \"static\"\nfields.id = {{}}\n\
             [auth.b]\ngrant = \"static\"\nfields.id = {{}}\nfields.key = {{}}\n\
             inject.headers.x-key = \"{{key}}\""
        )
    };
    parsed(&file("https://api.example.com/accounts/{id}"));
    let fault = |base: &str| problems(&format!("name = \"T\"\n{}", file(base)));
    assert_eq!(fault("https://{id}.example.com"), "base_url: `{id}` stands in the host but is no variable");
    assert_eq!(fault("https://api.example.com/{key}"), "base_url: `{key}` is no variable of this file");
}

#[test]
fn an_entry_that_marks_no_field_has_only_secret_ones() {
    let provider = parsed(
        "[auth.a]\ngrant = \"static\"\nfields.user = {}\nfields.key = {}\ninject.headers.a = \"{user}:{key}\"\n\
         [auth.b]\ngrant = \"static\"\nfields.user = {}\nfields.key.secret = true\n\
         inject.headers.a = \"{user}:{key}\"",
    );
    let secret = |auth: &str, field: &str| provider.auth[auth].fields.0[field].secret;
    assert!(secret("a", "user") && secret("a", "key") && secret("b", "key"));
    assert!(!secret("b", "user"));
    assert_eq!(provider.auth["a"].fields.0["user"].label, "User");
}

#[test]
fn dates_in_a_body_are_texts() {
    let provider =
        parsed("[auth.a]\ngrant = \"static\"\ninject.body.\"/v\" = { since = 2026-01-31, n = [1.5, true] }");
    let scope = Scope {
        credential: &Credential::default(),
        variables: &Variables::default(),
        moment: crate::template::Moment { unix_ms: 0, nonce: [0; 16] },
    };
    let value = provider.auth["a"].inject.body[0].1.render(&scope).unwrap();
    assert_eq!(value.to_string(), r#"{"since":"2026-01-31","n":[1.5,true]}"#);
}

#[test]
fn an_auth_entry_is_chosen_by_name_or_by_the_only_fit() {
    let provider = parsed(
        "[auth.token]\ngrant = \"static\"\nfields.token = {}\ninject.headers.a = \"{token}\"\n\
         [auth.basic]\ngrant = \"static\"\nfields.user = {}\nfields.password.optional = true\n\
         inject.headers.a = \"{user}:{password}\"\n\
         [auth.legacy]\ngrant = \"static\"\nfields.user = {}\nfields.pin = { default = \"0\" }\n\
         inject.headers.a = \"{user}:{pin}\"",
    );
    let chosen = |named: Option<&str>, given: &[&str]| {
        let chosen = provider.choose_auth(named, given.iter().copied());
        chosen.map(|auth| auth.name.clone()).map_err(|problem| problem.to_string())
    };
    assert_eq!(chosen(Some("basic"), &["token"]), Ok("basic".to_owned()));
    assert_eq!(chosen(None, &["token"]), Ok("token".to_owned()));
    assert_eq!(chosen(None, &["user", "password"]), Ok("basic".to_owned()));
    assert_eq!(chosen(None, &["pin", "user"]), Ok("legacy".to_owned()));
    let ask = "auth: say which auth entry of test it is: token, basic, legacy";
    assert_eq!(chosen(None, &["user"]), Err(ask.to_owned()));
    assert_eq!(chosen(None, &[]), Err(ask.to_owned()));
    assert_eq!(
        chosen(Some("oauth"), &["token"]),
        Err("auth: test has no auth entry of that name; it has token, basic, legacy".to_owned())
    );
    // With a single entry it is that one, so that what is missing can be told field by field.
    let single =
        parsed("[auth.token]\ngrant = \"static\"\nfields.token = {}\ninject.headers.a = \"{token}\"");
    assert_eq!(single.choose_auth(None, ["tokn"].into_iter()).unwrap().name, "token");
}

const ZENDESK_LIKE: &str = r#"
    base_url = "https://{subdomain}.example.com/{account}"
    variables.subdomain = { strip_prefix = "https://", strip_suffix = ".example.com" }
    variables.region = { enum = ["eu", "us"], default = "eu" }
    variables.account = { add_prefix = "AC", add_suffix = "-x", pattern = "AC[0-9]+-x", example = "AC1-x" }
    variables.note = { optional = true }
    [auth.key]
    grant = "static"
    fields.api_key = { label = "API key", pattern = "sk_[a-z]+" }
    fields.password = { default = "", secret = true }
    inject.headers.authorization = "{api_key}:{password}"
    inject.headers.x-place = "{region} {note}"
"#;

#[test]
fn what_a_user_gives_is_completed_and_defaults_are_filled_in() {
    let provider = parsed(ZENDESK_LIKE);
    let expected = "api_key=sk_abc password= account=AC12-x region=eu subdomain=acme";
    let full = accepted(
        &provider,
        &[("api_key", "sk_abc")],
        &[("subdomain", "https://acme.example.com"), ("account", "AC12-x")],
    );
    assert_eq!(full.unwrap(), expected);
    let short = accepted(
        &provider,
        &[("api_key", "sk_abc"), ("password", "")],
        &[("subdomain", "acme"), ("account", "12"), ("note", ""), ("region", "")],
    );
    assert_eq!(short.unwrap(), expected);
}

#[test]
fn all_that_is_wrong_with_given_values_is_told_at_once_and_no_value_with_it() {
    let provider = parsed(ZENDESK_LIKE);
    let wrong = accepted(
        &provider,
        &[("api_key", "canary-1"), ("pasword", "canary-2")],
        &[("subdomain", "https://"), ("account", "canary-3"), ("region", "canary-4"), ("zone", "canary-5")],
    );
    let wrong = wrong.unwrap_err();
    assert!(!wrong.contains("canary"), "{wrong}");
    assert_snapshot!(wrong, @r"
    credentials.api_key: does not match the pattern `sk_[a-z]+`
    credentials.pasword: unknown; did you mean `password`?
    variables.subdomain: must not be empty: Subdomain
    variables.account: does not look right; an example is `AC1-x`
    variables.region: must be one of eu, us
    variables.zone: unknown; there are subdomain, region, account, note
    ");
    assert_snapshot!(accepted(&provider, &[], &[]).unwrap_err(), @r"
    credentials.api_key: missing: API key
    variables.subdomain: missing: Subdomain
    variables.account: missing: Account
    ");
    let label =
        accepted(&provider, &[("api_key", "sk_a")], &[("subdomain", "canary.evil/"), ("account", "1")]);
    assert_snapshot!(label.unwrap_err(), @r"variables.subdomain: the variable `subdomain` stands in a host name: it must be one label of a-z, 0-9 and `-`");
    let long = "x".repeat(64 * 1024 + 1);
    let too_long = accepted(&provider, &[("api_key", &long)], &[("subdomain", "a\0"), ("account", "1")]);
    assert_snapshot!(too_long.unwrap_err(), @r"
    credentials.api_key: longer than 65536 bytes
    variables.subdomain: holds a NUL character
    ");
}

#[test]
fn a_whole_host_is_one_that_the_file_or_the_operator_knows() {
    let provider = parsed(
        "base_url = \"https://{host}/v2\"\n\
         variables.host = { format = \"host\", hosts = [\".example.com\", \"one.example.org\"], default = \"api.example.io\" }\n\
         [auth.none]\ngrant = \"static\"",
    );
    for host in [
        "api.example.io",
        "API.Example.IO",
        "eu.example.com",
        "a.b.example.com",
        "eu.example.com:8443",
        "one.example.org",
        "own.example.net",
        "x.corp.example.org",
    ] {
        assert_eq!(accepted(&provider, &[], &[("host", host)]), Ok(format!("host={host}")));
    }
    for host in [
        "evil.com",
        "evilexample.com",
        "example.com.evil.com",
        "x.one.example.org",
        "x.own.example.net",
        "127.0.0.1",
        "[::1]",
        "localhost",
    ] {
        assert_eq!(
            accepted(&provider, &[], &[("host", host)]).unwrap_err(),
            "variables.host: the host in `host` is not one of the provider's; an operator can allow it in \
             `upstream.allow_hosts`"
        );
    }
    for host in [
        "eu.example.com/x",
        "eu.example.com/",
        "a@eu.example.com",
        "https://eu.example.com",
        "eu.example.com?",
    ] {
        let refused = accepted(&provider, &[], &[("host", host)]).unwrap_err();
        assert!(refused.starts_with("variables.host: not a host name: "), "{host}: {refused}");
    }
}

#[test]
fn a_canonical_host_is_what_a_request_goes_to() {
    let provider = parsed(
        "base_url = \"http://{host}/v2\"\nvariables.host = { format = \"host\", hosts = [\".example.com\"] }\n\
         [auth.none]\ngrant = \"static\"",
    );
    let resolved = |host: &str| {
        let variables = Variables::from([("host".to_owned(), host.into())]);
        let hosts = HostAllowList::default();
        let base = provider.base_url.resolve(&variables, &Credential::default(), &provider.variables, &hosts);
        base.unwrap().to_string()
    };
    assert_eq!(resolved("EU.Example.com"), "http://eu.example.com/v2");
    assert_eq!(resolved("ⓔⓤ.example。com:8080"), "http://eu.example.com:8080/v2");
    // Not the default port of http, so it must not get lost.
    assert_eq!(resolved("eu.example.com:443"), "http://eu.example.com:443/v2");
}

#[test]
fn behind_a_variable_that_is_a_url_stands_a_path() {
    let lines = r#"
        base_url = "{base_uri}/restapi/v2.1/accounts/{account_id}"
        variables.base_uri = { from = "captured", format = "url", hosts = [".docusign.net"] }
        variables.account_id = { from = "captured" }
        [auth.key]
        grant = "static"
    "#;
    let provider = parsed(lines);
    // No answer brings them to a static entry.
    assert!(accepted(&provider, &[], &[]).unwrap_err().contains("missing"));
    let given = |url: &str| accepted(&provider, &[], &[("base_uri", url), ("account_id", "7")]);
    assert!(given("https://na3.docusign.net").is_ok());
    assert!(given("https://docusign.net.evil.example").unwrap_err().contains("not one of the provider's"));
}

#[test]
fn what_binds_a_consent_is_not_a_files_to_set() {
    let code = |lines: &str| {
        problems_with(&format!(
            "[auth.a]\ngrant = \"oauth2_code\"\ninject.headers.a = \"{{access_token}}\"\n[auth.a.oauth2]\n\
             authorize_url = \"https://a.example.com/authorize\"\ntoken_url = \"https://a.example.com/token\"\n{lines}"
        ))
    };
    for name in
        ["state", "redirect_uri", "code_challenge", "code_challenge_method", "response_type", "client_id"]
    {
        let told = code(&format!("authorize_params.{name} = \"x\""));
        let expected =
            format!("auth.a.oauth2.authorize_params.{name}: is set by Passthrough and cannot be changed");
        assert!(told.contains(&expected), "{told}");
    }
    let renamed = code("authorize_names.client_id = \"app\"\nauthorize_params.app = \"x\"");
    assert!(renamed.contains("authorize_params.app: is set by"), "{renamed}");
    for name in
        ["access_token", "refresh_token", "client_id", "client_secret", "redirect_uri", "mcp_token_url"]
    {
        let told = code(&format!("callback.{name} = \"x\""));
        assert!(
            told.contains(&format!("auth.a.oauth2.callback.{name}: is what the grant itself brings")),
            "{told}"
        );
    }
}

#[test]
fn a_server_that_is_discovered_is_not_mixed_with_one_that_is_written_down() {
    for setting in ["authorize_url", "token_url", "refresh_url", "revoke_url"] {
        let told = problems_with(&format!(
            "[auth.a]\ngrant = \"mcp_oauth\"\ninject.headers.a = \"{{access_token}}\"\n\
             oauth2.{setting} = \"https://evil.example.com/x\""
        ));
        let expected = format!("auth.a.oauth2.{setting}: does not go with `grant = \"mcp_oauth\"`");
        assert!(told.contains(&expected), "{told}");
    }
}

#[test]
fn what_becomes_a_link_is_an_address_of_the_web() {
    for url in ["javascript:alert(1)", "data:text/html,x", "//docs.example.com", "docs", ""] {
        for key in ["docs", "website"] {
            let told = problems_with(&format!("{key} = \"{url}\""));
            assert!(told.contains(&format!("{key}: is no http or https URL")), "{url}: {told}");
        }
    }
}

#[test]
fn the_query_of_an_address_is_sent_as_it_is_or_not_at_all() {
    let read = |text: &str| Url::parse(text).map(|url| url.with_query("x=1"));
    let plain = read("https://a.example.com/authorize?tenant=a%20b&y='{z}|");
    assert_eq!(plain.as_deref(), Ok("https://a.example.com/authorize?tenant=a%20b&y='{z}|&x=1"));
    for odd in ["#f", " ", "\r\nx: y", "\"", "<", ">", "\u{e9}", "\u{7f}", "\t"] {
        assert!(read(&format!("https://a.example.com/authorize?a={odd}")).is_err(), "{odd:?}");
    }
}
