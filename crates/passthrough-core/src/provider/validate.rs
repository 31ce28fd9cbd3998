//! From what was typed to what it means: every check of a provider file, all problems at once.

use std::collections::BTreeSet;

use http::{HeaderName, HeaderValue, Method, StatusCode};
use indexmap::IndexMap;
use regex::{Regex, RegexBuilder};

use super::base::HostAllowList;
use super::file::{
    self, AuthFile, ExpiredWhenFile, FieldFile, ProviderFile, RetryFile, VariableFormat, VerifyFile,
};
use super::grant::read::{GrantReader, yielded};
use super::inject::{Reader, header_name, literal, same_header};
use super::{
    Auth, BaseUrlTemplate, Discover, ExpiredWhen, GrantKind, Input, Inputs, Limits, Problem, Provider,
    Verify, facts,
};
use crate::base_url::Host;
use crate::id::is_slug;
use crate::path::CallerPath;
use crate::retry::Promises;

pub(super) type Problems = Vec<Problem>;

/// The provider, or `None` where something that everything else hangs on is missing. Usable only where
/// no problem was noted.
pub(super) fn provider(code: &str, file: ProviderFile, problems: &mut Problems) -> Option<Provider> {
    if !is_slug(code) {
        problems.push(Problem::new("", format!("the file name `{code}` must be of a-z, 0-9 and `-`")));
    }
    if file.name.as_deref().is_none_or(|name| name.trim().is_empty()) {
        problems.push(Problem::new("name", "missing: the product's name"));
    }
    if file.auth.is_empty() {
        problems.push(Problem::new("auth", "missing: a provider has at least one, such as [auth.key]"));
    }
    facts::check(&file, problems);
    let variables = variables(&file.variables, problems);
    let base_url = match &file.base_url {
        Some(text) => BaseUrlTemplate::parse(text, "base_url", &variables, problems),
        None => {
            problems.push(Problem::new("base_url", "missing: where the API is"));
            None
        }
    };
    let base_urls: IndexMap<String, BaseUrlTemplate> = file
        .base_urls
        .iter()
        .filter_map(|(name, text)| {
            let at = format!("base_urls.{name}");
            check_name(name, &at, problems);
            Some((name.clone(), BaseUrlTemplate::parse(text, &at, &variables, problems)?))
        })
        .collect();
    let headers = static_headers(&file.headers, problems);
    let verify = file.verify.as_ref().and_then(|v| verify(v, "verify", &file, problems));
    let auth: IndexMap<String, Auth> = file
        .auth
        .iter()
        .map(|(name, entry)| (name.clone(), auth(name, entry, &file, &variables, verify.clone(), problems)))
        .collect();
    for (name, template) in &base_urls {
        check_base_names(template, &format!("base_urls.{name}"), &variables, &auth, problems);
    }
    if let Some(template) = &base_url {
        check_base_names(template, "base_url", &variables, &auth, problems);
    }
    let expired_when = file.expired_when.iter().enumerate();
    let expired_when = expired_when
        .filter_map(|(i, e)| self::expired_when(e, &format!("expired_when[{i}]"), problems))
        .collect();
    let discover = file.discover.iter().enumerate();
    let discover = discover
        .filter_map(|(i, d)| discovery(d, &format!("discover[{i}]"), &file, &variables, problems))
        .collect();
    Some(Provider {
        code: code.to_owned(),
        name: file.name.unwrap_or_default(),
        categories: file.categories,
        website: file.website,
        docs: file.docs,
        status: file.status,
        deprecated_on: file.deprecated_on,
        base_url: base_url?,
        base_urls,
        variables,
        headers,
        auth,
        discover,
        expired_when,
        limits: Limits::checked(&file.limits, problems),
        promises: promises(&file.retry, problems),
        redirects: file.redirects,
        endpoint: file.endpoint,
        allow_cookies: file.allow_cookies,
        redact_reflections: file.redact_reflections,
        sources: file.sources,
    })
}

/// A base URL may use variables anywhere and fields outside the host; every name must exist, and have a
/// value in every connection.
fn check_base_names(
    base: &BaseUrlTemplate,
    at: &str,
    variables: &Inputs,
    auth: &IndexMap<String, Auth>,
    problems: &mut Problems,
) {
    let absent = |input: &Input| input.optional && input.default.is_none() && !input.source.is_found_out();
    for name in BTreeSet::from_iter(base.names()) {
        let inputs: Option<Vec<&Input>> = match variables.0.get(name) {
            Some(input) => Some(vec![input]),
            None => auth.values().map(|auth| auth.fields.0.get(name)).collect(),
        };
        match inputs {
            None => problems.push(Problem::new(at, format!("`{{{name}}}` is no variable of this file"))),
            Some(inputs) if inputs.iter().any(|input| absent(input)) => {
                let message = "must have a value: give it a `default` or take `optional` away";
                problems.push(Problem::new(at, format!("`{{{name}}}` {message}")));
            }
            Some(_) => {}
        }
    }
}

fn variables(files: &IndexMap<String, file::VariableFile>, problems: &mut Problems) -> Inputs {
    let input = |(name, v): (&String, &file::VariableFile)| {
        let at = format!("variables.{name}");
        check_name(name, &at, problems);
        let input = Input {
            label: v.label.clone().unwrap_or_else(|| humanised(name)),
            description: v.description.clone(),
            example: v.example.clone(),
            pattern: pattern(v.pattern.as_deref(), &at, problems),
            values: v.values.clone(),
            default: v.default.clone(),
            source: v.from,
            // Nobody has to give what an answer brings.
            optional: v.optional || v.from.is_found_out(),
            secret: v.secret,
            strip_prefix: v.strip_prefix.clone(),
            strip_suffix: v.strip_suffix.clone(),
            add_prefix: v.add_prefix.clone(),
            add_suffix: v.add_suffix.clone(),
            format: v.format,
            hosts: v.hosts.clone(),
        };
        check_input(name, &input, &at, problems);
        (name.clone(), input)
    };
    Inputs(files.iter().map(input).collect())
}

/// An entry that marks no field as secret has only secret ones: what was forgotten is hidden, not shown.
fn fields(files: &IndexMap<String, FieldFile>, at: &str, problems: &mut Problems) -> Inputs {
    let none_marked = files.values().all(|field| field.secret.is_none());
    let input = |(name, f): (&String, &FieldFile)| {
        let at = format!("{at}.fields.{name}");
        check_name(name, &at, problems);
        let input = Input {
            label: f.label.clone().unwrap_or_else(|| humanised(name)),
            description: f.description.clone(),
            example: f.example.clone(),
            pattern: pattern(f.pattern.as_deref(), &at, problems),
            values: f.values.clone(),
            default: f.default.clone(),
            optional: f.optional,
            secret: f.secret.unwrap_or(none_marked),
            ..Input::default()
        };
        check_input(name, &input, &at, problems);
        (name.clone(), input)
    };
    Inputs(files.iter().map(input).collect())
}

fn auth(
    name: &str,
    entry: &AuthFile,
    file: &ProviderFile,
    variables: &Inputs,
    provider_verify: Option<Verify>,
    problems: &mut Problems,
) -> Auth {
    let at = format!("auth.{name}");
    check_name(name, &at, problems);
    if entry.grant.is_none() {
        problems.push(Problem::new(format!("{at}.grant"), "missing: such as `grant = \"static\"`"));
    }
    for field in entry.fields.keys().filter(|field| file.variables.contains_key(*field)) {
        problems.push(Problem::new(format!("{at}.fields.{field}"), "a variable has the same name"));
    }
    let kind = entry.grant.unwrap_or(GrantKind::Static);
    let mut known: BTreeSet<&str> =
        entry.fields.keys().chain(file.variables.keys()).map(String::as_str).collect();
    known.extend(yielded(entry, kind));
    let mut reader = Reader { known: &known, problems };
    let grant = GrantReader { reader: &mut reader, variables }.grant(entry, kind, &at);
    let inject = reader.injection(&entry.inject, &format!("{at}.inject"));
    let verify = match &entry.verify {
        Some(own) => verify(own, &format!("{at}.verify"), file, problems),
        None => provider_verify,
    };
    Auth {
        name: name.to_owned(),
        label: entry.label.clone().unwrap_or_else(|| humanised(name)),
        description: entry.description.clone(),
        kind,
        grant,
        fields: fields(&entry.fields, &at, problems),
        inject,
        verify,
    }
}

fn discovery(
    file: &file::DiscoverFile,
    at: &str,
    provider: &ProviderFile,
    variables: &Inputs,
    problems: &mut Problems,
) -> Option<Discover> {
    let mut known: BTreeSet<&str> = variables.0.keys().map(String::as_str).collect();
    for (index, name) in file.auth.iter().enumerate() {
        match provider.auth.get(name) {
            None => {
                let message = format!("no `auth.{name}` in this file");
                problems.push(Problem::new(format!("{at}.auth[{index}]"), message));
            }
            // Only where the request is written out: elsewhere, the injection has them.
            Some(entry) if !file.headers.is_empty() => {
                known.extend(entry.fields.keys().map(String::as_str));
                known.extend(yielded(entry, entry.grant.unwrap_or(GrantKind::Static)));
            }
            Some(_) => {}
        }
    }
    let mut reader = Reader { known: &known, problems };
    GrantReader { reader: &mut reader, variables }.discover(file, at)
}

/// The methods that a verify call may have.
pub(super) const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"];

fn verify(v: &VerifyFile, at: &str, file: &ProviderFile, problems: &mut Problems) -> Option<Verify> {
    let known: BTreeSet<&str> = file.variables.keys().map(String::as_str).collect();
    let request = format!("{at}.request");
    let Some((method, path)) = v.request.split_once(' ').filter(|(_, path)| path.starts_with('/')) else {
        problems.push(Problem::new(request, "write method and path: `GET /v1/me`"));
        return None;
    };
    // Methods are case-sensitive (RFC 9110 §9.1): `get` would go out as a method that no server knows.
    if !METHODS.contains(&method) {
        let message = format!("begins with one of {}: `GET /v1/me`", METHODS.join(", "));
        problems.push(Problem::new(&request, message));
    }
    if let Some(base) = &v.base
        && !file.base_urls.contains_key(base)
    {
        problems.push(Problem::new(format!("{at}.base"), format!("no `base_urls.{base}` in this file")));
    }
    let mut reader = Reader { known: &known, problems };
    let path = reader.template(path, &request)?;
    if let Err(error) = CallerPath::parse(&path.masked()) {
        reader.problems.push(Problem::new(&request, error.to_string()));
    }
    let json = v.json.as_ref().map(|json| reader.json(json, &format!("{at}.json")));
    let account_id = reader.pointer(v.account_id.as_deref(), &format!("{at}.account_id"));
    let account_label = reader.pointer(v.account_label.as_deref(), &format!("{at}.account_label"));
    let method = Method::from_bytes(method.as_bytes()).unwrap_or_default();
    Some(Verify { method, path, base: v.base.clone(), json, account_id, account_label })
}

/// The shortest text that may stand for an end.
const MIN_CONTAINED: usize = 4;

pub(super) fn expired_when(e: &ExpiredWhenFile, at: &str, problems: &mut Problems) -> Option<ExpiredWhen> {
    if e.status.is_none() && e.header.is_none() && e.pointer.is_none() && e.contains.is_none() {
        problems.push(Problem::new(at, "needs a `status`, a `header`, a `pointer` or `contains`"));
        return None;
    }
    if e.equals.is_some() && e.header.is_none() && e.pointer.is_none() {
        problems.push(Problem::new(format!("{at}.equals"), "goes with a `header` or a `pointer`"));
    }
    let status = e.status.and_then(|status| {
        let parsed = StatusCode::from_u16(status).ok();
        if parsed.is_none() {
            problems.push(Problem::new(format!("{at}.status"), "is no HTTP status"));
        }
        parsed
    });
    let header = e.header.as_deref().and_then(|name| {
        let parsed = HeaderName::from_bytes(name.as_bytes()).ok();
        if parsed.is_none() {
            problems.push(Problem::new(format!("{at}.header"), "is no header name"));
        }
        parsed
    });
    let mut reader = Reader { known: &BTreeSet::new(), problems };
    let pointer = reader.pointer(e.pointer.as_deref(), &format!("{at}.pointer"));
    let equals = e.equals.as_ref().map(literal);
    if e.contains.as_deref().is_some_and(|text| text.len() < MIN_CONTAINED) {
        let message =
            format!("is {MIN_CONTAINED} bytes at least: less stands in answers that mean no such thing");
        problems.push(Problem::new(format!("{at}.contains"), message));
    }
    Some(ExpiredWhen { status, header, pointer, equals, contains: e.contains.clone() })
}

/// Methods that may be called idempotent: the safe ones are anyway, and any other would go unused.
const IDEMPOTENT: [&str; 4] = ["POST", "PUT", "PATCH", "DELETE"];

fn promises(retry: &RetryFile, problems: &mut Problems) -> Promises {
    for (index, method) in retry.idempotent_methods.iter().enumerate() {
        if !IDEMPOTENT.contains(&method.as_str()) {
            let at = format!("retry.idempotent_methods[{index}]");
            problems.push(Problem::new(at, format!("is one of {}", IDEMPOTENT.join(", "))));
        }
    }
    let idempotency_header = retry.idempotency_header.as_deref().and_then(|name| {
        let at = "retry.idempotency_header";
        header_name(name).map_err(|message| problems.push(Problem::new(at, message))).ok()
    });
    let methods = retry.idempotent_methods.iter();
    let idempotent_methods =
        methods.filter_map(|method| Method::from_bytes(method.as_bytes()).ok()).collect();
    Promises { idempotent_methods, idempotency_header }
}

fn static_headers(
    headers: &IndexMap<String, String>,
    problems: &mut Problems,
) -> Vec<(HeaderName, HeaderValue)> {
    let mut checked: Vec<(HeaderName, HeaderValue)> = Vec::new();
    for (name, value) in headers {
        let at = format!("headers.{name}");
        match (header_name(name), HeaderValue::from_str(value)) {
            (Err(message), _) => problems.push(Problem::new(at, message)),
            (_, Err(_)) => problems.push(Problem::new(at, "the value holds a character that headers cannot")),
            (Ok(name), _) if checked.iter().any(|(known, _)| same_header(known.as_str(), name.as_str())) => {
                problems.push(Problem::new(at, "stands there twice, in another spelling"));
            }
            (Ok(name), Ok(value)) => checked.push((name, value)),
        }
    }
    checked
}

pub(super) fn check_name(name: &str, at: &str, problems: &mut Problems) {
    let form = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_';
    if name.is_empty() || !name.chars().all(form) || name.starts_with(|c: char| c.is_ascii_digit()) {
        problems.push(Problem::new(at, "is named by a-z, 0-9 and `_`, beginning with a letter"));
    }
}

/// What a file says about an input must hold for what the file gives itself.
fn check_input(name: &str, input: &Input, at: &str, problems: &mut Problems) {
    if input.values.as_ref().is_some_and(Vec::is_empty) {
        problems.push(Problem::new(format!("{at}.enum"), "is empty: then no value would do"));
    }
    if !input.hosts.is_empty() && input.format == VariableFormat::Text {
        problems.push(Problem::new(format!("{at}.hosts"), "goes with `format = \"host\"` or `\"url\"`"));
    }
    // An answer must not send the secret to a stranger's host.
    if input.source.is_found_out() && input.format == VariableFormat::Url && input.hosts.is_empty() {
        problems.push(Problem::new(format!("{at}.hosts"), "missing: a URL that an answer brings needs them"));
    }
    for (index, rule) in input.hosts.iter().enumerate() {
        let name = rule.strip_prefix('.').unwrap_or(rule);
        let readable = Host::parse(name).is_ok_and(|host| host.to_string() == name);
        // `.com` would allow everybody.
        if !readable || (rule.starts_with('.') && !name.contains('.')) {
            let message = "is neither a host name nor a domain such as `.example.com`, in lower case";
            problems.push(Problem::new(format!("{at}.hosts[{index}]"), message));
        }
    }
    if let Some(default) = &input.default
        && let Err(message) = input.check(name, default, &HostAllowList::default())
    {
        problems.push(Problem::new(format!("{at}.default"), message));
    }
}

/// What a pattern may take of memory once compiled: `(\w{1,99}){1,99}` is short as a text only.
const MAX_PATTERN_BYTES: usize = 1 << 20;

/// Anchored, so that a pattern speaks of the whole value: `[a-z]+` must not accept `evil.com/a`. It is read
/// alone first, because `a)|(?:b` would break out of the anchors.
fn pattern(text: Option<&str>, at: &str, problems: &mut Problems) -> Option<Regex> {
    let text = text?;
    let build = |text: &str| RegexBuilder::new(text).size_limit(MAX_PATTERN_BYTES).build();
    match build(text).and_then(|_| build(&format!("^(?:{text})$"))) {
        Ok(pattern) => Some(pattern),
        Err(regex::Error::CompiledTooBig(_)) => {
            let message = "is too large once its repetitions are written out; make it shorter";
            problems.push(Problem::new(format!("{at}.pattern"), message));
            None
        }
        Err(error) => {
            // The last line of several says what is wrong; the others draw an arrow.
            let error = error.to_string();
            let message = error.lines().last().unwrap_or_default().trim_start_matches("error: ");
            problems
                .push(Problem::new(format!("{at}.pattern"), format!("is no regular expression: {message}")));
            None
        }
    }
}

fn humanised(name: &str) -> String {
    let text = name.replace(['_', '-'], " ");
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
