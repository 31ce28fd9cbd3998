//! Templates, pointers and injections of a provider file, checked against the names that are known there.

use std::collections::BTreeSet;

use http::HeaderName;
use http::header::COOKIE;
use indexmap::IndexMap;

use super::file::{HmacFile, InjectFile, SoapFile};
use super::validate::Problems;
use super::{
    AwsSigV4, ClientCertificate, Injection, JsonTemplate, Problem, SignHmac, SignOAuth1, Signer, SoapSecurity,
};
use crate::header::{is_reserved, parse_name, same_name};
use crate::json_body::Pointer;
use crate::path::CallerPath;
use crate::template::Template;

/// What the templates of a signature by HMAC know of the request.
pub(crate) const REQUEST_NAMES: [&str; 9] =
    ["method", "path", "query", "host", "body", "body_sha256_hex", "timestamp", "timestamp_ms", "nonce"];

/// Reads templates and pointers against the names that are known in one place of the file.
pub(super) struct Reader<'a> {
    pub(super) known: &'a BTreeSet<&'a str>,
    pub(super) problems: &'a mut Problems,
}

impl Reader<'_> {
    pub(super) fn template(&mut self, text: &str, at: &str) -> Option<Template> {
        let template = match Template::parse(text) {
            Ok(template) => template,
            Err(error) => {
                self.problems.push(Problem::new(at, error.to_string()));
                return None;
            }
        };
        for name in BTreeSet::from_iter(template.names()) {
            if !self.known.contains(name) {
                let known: Vec<_> = self.known.iter().copied().collect();
                let known = if known.is_empty() { "none".to_owned() } else { known.join(", ") };
                let message = format!("`{{{name}}}` is neither field nor variable; there are {known}");
                self.problems.push(Problem::new(at, message));
            }
        }
        Some(template)
    }

    pub(super) fn pointer(&mut self, text: Option<&str>, at: &str) -> Option<Pointer> {
        match text?.parse::<Pointer>() {
            Ok(pointer) => Some(pointer),
            Err(error) => {
                self.problems.push(Problem::new(at, error.to_string()));
                None
            }
        }
    }

    pub(super) fn json(&mut self, value: &toml::Value, at: &str) -> JsonTemplate {
        match value {
            toml::Value::String(text) => match self.template(text, at) {
                Some(template) => JsonTemplate::Text(template),
                None => JsonTemplate::Literal(serde_json::Value::Null),
            },
            toml::Value::Array(items) => {
                let item = |(i, item)| self.json(item, &format!("{at}[{i}]"));
                JsonTemplate::Array(items.iter().enumerate().map(item).collect())
            }
            toml::Value::Table(table) => {
                let entry = |(name, v): (&String, _)| (name.clone(), self.json(v, &format!("{at}.{name}")));
                JsonTemplate::Object(table.iter().map(entry).collect())
            }
            other => JsonTemplate::Literal(literal(other)),
        }
    }

    pub(super) fn injection(&mut self, file: &InjectFile, at: &str) -> Injection {
        Injection {
            headers: self.headers(&file.headers, &format!("{at}.headers")),
            query: self.query(&file.query, &format!("{at}.query")),
            cookies: self.cookies(&file.cookies, &format!("{at}.cookies")),
            path: file.path.as_ref().and_then(|path| self.segment(path, &format!("{at}.path"))),
            body: self.body(&file.body, &format!("{at}.body")),
            soap: file.soap.as_ref().and_then(|soap| {
                if !file.body.is_empty() {
                    self.problems
                        .push(Problem::new(at, "a body is JSON or SOAP: `body` or `soap`, not both"));
                }
                self.soap(soap, &format!("{at}.soap"))
            }),
            client_certificate: file.client_certificate.as_ref().and_then(|certificate| {
                let at = format!("{at}.client_certificate");
                Some(ClientCertificate {
                    certificate: self.template(&certificate.certificate, &format!("{at}.certificate"))?,
                    private_key: self.template(&certificate.private_key, &format!("{at}.private_key"))?,
                })
            }),
            signer: self.signer(file, at),
        }
    }

    fn soap(&mut self, file: &SoapFile, at: &str) -> Option<SoapSecurity> {
        let username = self.template(&file.username, &format!("{at}.username"));
        let password = self.template(&file.password, &format!("{at}.password"));
        let lifetime_ms = self.duration(file.timestamp.as_deref(), &format!("{at}.timestamp"));
        Some(SoapSecurity { username: username?, password: password?, digest: file.digest, lifetime_ms })
    }

    /// A length of time in milliseconds.
    pub(super) fn duration(&mut self, text: Option<&str>, at: &str) -> Option<i64> {
        let text = text?;
        let milliseconds = duration_ms(text);
        if milliseconds.is_none() {
            let message = "is a number and one of s, m, h and d: `90s`, `20m`, `12h`, `90d`";
            self.problems.push(Problem::new(at, message));
        }
        milliseconds
    }

    fn signer(&mut self, file: &InjectFile, at: &str) -> Option<Signer> {
        let given = [file.aws_sigv4.is_some(), file.oauth1.is_some(), file.hmac.is_some()];
        if given.iter().filter(|given| **given).count() > 1 {
            self.problems.push(Problem::new(at, "signs in one way at most"));
        }
        if let Some(aws) = &file.aws_sigv4 {
            let at = format!("{at}.aws_sigv4");
            return Some(Signer::AwsSigV4(AwsSigV4 {
                access_key_id: self.template(&aws.access_key_id, &at)?,
                secret_access_key: self.template(&aws.secret_access_key, &at)?,
                session_token: self.optional(aws.session_token.as_deref(), &at),
                region: self.optional(aws.region.as_deref(), &at),
                service: self.optional(aws.service.as_deref(), &at),
            }));
        }
        if let Some(oauth1) = &file.oauth1 {
            let at = format!("{at}.oauth1");
            return Some(Signer::OAuth1(SignOAuth1 {
                consumer_key: self.template(&oauth1.consumer_key, &at)?,
                consumer_secret: self.template(&oauth1.consumer_secret, &at)?,
                token: self.optional(oauth1.token.as_deref(), &at),
                token_secret: self.optional(oauth1.token_secret.as_deref(), &at),
                realm: self.optional(oauth1.realm.as_deref(), &at),
                signature: oauth1.signature,
            }));
        }
        file.hmac.as_ref().and_then(|hmac| self.hmac(hmac, &format!("{at}.hmac")))
    }

    /// Its templates know parts of the request, too.
    fn hmac(&mut self, file: &HmacFile, at: &str) -> Option<Signer> {
        let mut known = self.known.clone();
        known.extend(REQUEST_NAMES);
        let mut reader = Reader { known: &known, problems: self.problems };
        let key = reader.template(&file.key, &format!("{at}.key"))?;
        let text = reader.template(&file.text, &format!("{at}.text"))?;
        known.insert("signature");
        let mut reader = Reader { known: &known, problems: self.problems };
        let mut headers = Vec::new();
        for (name, value) in &file.headers {
            let at = format!("{at}.headers.{name}");
            match header_name(name) {
                Ok(name) => headers.extend(reader.template(value, &at).map(|value| (name, value))),
                Err(message) => reader.problems.push(Problem::new(at, message)),
            }
        }
        let query = file.query.iter().filter_map(|(name, value)| {
            Some((name.clone(), reader.template(value, &format!("{at}.query.{name}"))?))
        });
        let query: Vec<_> = query.collect();
        if headers.is_empty() && query.is_empty() {
            self.problems.push(Problem::new(at, "puts its signature nowhere: give `headers` or `query`"));
        }
        Some(Signer::Hmac(Box::new(SignHmac {
            key,
            key_encoding: file.key_encoding,
            hash: file.hash,
            encoding: file.encoding,
            text,
            headers,
            query,
        })))
    }

    fn optional(&mut self, text: Option<&str>, at: &str) -> Option<Template> {
        text.and_then(|text| self.template(text, at))
    }

    fn headers(&mut self, entries: &IndexMap<String, String>, at: &str) -> Vec<(Template, Template)> {
        let pairs = self.pairs(entries, at, same_header);
        for name in pairs.iter().filter_map(|(name, _)| name.as_literal()) {
            let message = match header_name(name) {
                Err(message) => message,
                Ok(name) if name == COOKIE => "cookies have a place of their own: `inject.cookies`",
                Ok(_) => continue,
            };
            self.problems.push(Problem::new(format!("{at}.{name}"), message));
        }
        pairs
    }

    fn query(&mut self, entries: &IndexMap<String, String>, at: &str) -> Vec<(Template, Template)> {
        let pairs = self.pairs(entries, at, str::eq_ignore_ascii_case);
        if entries.contains_key("") {
            self.problems.push(Problem::new(at, "a parameter needs a name"));
        }
        pairs
    }

    fn cookies(&mut self, entries: &IndexMap<String, String>, at: &str) -> Vec<(Template, Template)> {
        let pairs = self.pairs(entries, at, str::eq_ignore_ascii_case);
        for name in pairs.iter().filter_map(|(name, _)| name.as_literal()) {
            if parse_name(name.as_bytes()).is_none() {
                self.problems.push(Problem::new(format!("{at}.{name}"), "is no name of a cookie"));
            }
        }
        pairs
    }

    /// Names and values. Two spellings of one name would leave it to chance which one a server reads.
    fn pairs(
        &mut self,
        entries: &IndexMap<String, String>,
        at: &str,
        same: fn(&str, &str) -> bool,
    ) -> Vec<(Template, Template)> {
        let mut pairs: Vec<(Template, Template)> = Vec::new();
        for (name, value) in entries {
            let at = format!("{at}.{name}");
            if pairs.iter().any(|(known, _)| same(known.source(), name)) {
                self.problems.push(Problem::new(&at, "stands there twice, in another spelling"));
            }
            if let (Some(name), Some(value)) = (self.template(name, &at), self.template(value, &at)) {
                pairs.push((name, value));
            }
        }
        pairs
    }

    /// One segment of a path. What fields put there is encoded; what the file itself says must be sendable.
    fn segment(&mut self, text: &str, at: &str) -> Option<Template> {
        let template = self.template(text, at)?;
        let masked = template.masked();
        let sendable = CallerPath::parse(&format!("/{masked}"))
            .is_ok_and(|path| path.query().is_none() && path.path()[1..] == masked);
        if masked.is_empty() || masked.contains('/') || !sendable {
            let message = "is one segment of a path, without `/` and `?`: `bot{token}`";
            self.problems.push(Problem::new(at, message));
        }
        Some(template)
    }

    fn body(&mut self, entries: &IndexMap<String, toml::Value>, at: &str) -> Vec<(Pointer, JsonTemplate)> {
        let mut values: Vec<(Pointer, JsonTemplate)> = Vec::new();
        for (pointer, value) in entries {
            let at = format!("{at}.{pointer}");
            let value = self.json(value, &at);
            let Some(pointer) = self.pointer(Some(pointer), &at) else { continue };
            // One would overwrite the other, or be put into it.
            let inside = |a: &Pointer, b: &Pointer| a.tokens().starts_with(b.tokens());
            if let Some((other, _)) =
                values.iter().find(|(known, _)| inside(known, &pointer) || inside(&pointer, known))
            {
                self.problems.push(Problem::new(&at, format!("overlaps with `{other}`")));
            }
            values.push((pointer, value));
        }
        values
    }
}

/// A header that a provider file may set.
pub(super) fn header_name(text: &str) -> Result<HeaderName, &'static str> {
    let name = parse_name(text.as_bytes()).ok_or("is no header name")?;
    if is_reserved(name.as_str()) {
        return Err("this header frames or routes the message: it is not a file's to set");
    }
    Ok(name)
}

/// Whether two header names are one to some server.
pub(super) fn same_header(a: &str, b: &str) -> bool {
    same_name(a.as_bytes(), b.as_bytes())
}

/// `90s`, `20m`, `12h`, `90d` in milliseconds.
fn duration_ms(text: &str) -> Option<i64> {
    let unit = match text.chars().last()? {
        's' => 1_000,
        'm' => 60_000,
        'h' => 3_600_000,
        'd' => 86_400_000,
        _ => return None,
    };
    let number = &text[..text.len() - 1];
    let digits = !number.is_empty() && number.bytes().all(|byte| byte.is_ascii_digit());
    let number: i64 = if digits { number.parse().ok()? } else { return None };
    number.checked_mul(unit).filter(|ms| *ms > 0)
}

/// A value of the file as JSON; a date, which JSON does not have, as the text that it is written as.
pub(super) fn literal(value: &toml::Value) -> serde_json::Value {
    match value {
        toml::Value::Datetime(date) => date.to_string().into(),
        toml::Value::Array(items) => items.iter().map(literal).collect(),
        toml::Value::Table(table) => table.iter().map(|(name, v)| (name.clone(), literal(v))).collect(),
        other => serde_json::to_value(other).unwrap_or_default(),
    }
}
