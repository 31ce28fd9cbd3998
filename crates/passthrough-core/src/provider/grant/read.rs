//! From what a file says about a grant to what it means.

use http::Method;
use indexmap::IndexMap;

use super::{
    Discover, DiscoverAt, Expires, Flow, Grant, Jwt, Login, OAuth1, OAuth2, Step, StepBody, UrlTemplate,
};
use crate::json_body::Pointer;
use crate::provider::file::{
    AuthFile, ClientAuth, DiscoverFile, ExpiresUnit, GrantKind, JwtFile, LoginFile, OAuth1File, OAuth2File,
    StepFile, TokenMethod,
};
use crate::provider::inject::{Reader, header_name};
use crate::provider::validate::{METHODS, expired_when};
use crate::provider::{BaseUrlTemplate, Inputs, Problem};
use crate::template::Template;

mod capture;
mod consent;

pub(in crate::provider) use capture::yielded;

/// A login of more requests is a program, not a card.
const MAX_STEPS: usize = 3;

/// A JWT lives this long where the file does not say: long enough for clocks that are apart.
const JWT_LIFETIME_MS: i64 = 5 * 60 * 1000;

/// Reads the parts of a grant; what they may name is in `reader`.
pub(in crate::provider) struct GrantReader<'r, 'k> {
    pub(in crate::provider) reader: &'r mut Reader<'k>,
    pub(in crate::provider) variables: &'r Inputs,
}

impl GrantReader<'_, '_> {
    /// The grant of an auth entry. What is missing for it, and what does not belong to it, is told.
    pub(in crate::provider) fn grant(&mut self, entry: &AuthFile, kind: GrantKind, at: &str) -> Grant {
        self.check_settings(entry, kind, at);
        let jwt = entry.jwt.as_ref().and_then(|jwt| self.jwt(jwt, &format!("{at}.jwt")));
        let flow = match kind {
            GrantKind::Static => return Grant::Static,
            GrantKind::Oauth1 => {
                let read = entry.oauth1.as_ref().and_then(|file| self.oauth1(file, &format!("{at}.oauth1")));
                return read.map_or(Grant::Static, |oauth1| Grant::OAuth1(Box::new(oauth1)));
            }
            GrantKind::Login | GrantKind::AppJwtExchange => {
                let read = entry.login.as_ref().map(|file| self.login(file, jwt, &format!("{at}.login")));
                return read.map_or(Grant::Static, |login| Grant::Login(Box::new(login)));
            }
            GrantKind::Oauth2Code => Flow::Code,
            GrantKind::Oauth2ClientCredentials => Flow::ClientCredentials,
            GrantKind::Oauth2Password => Flow::Password,
            GrantKind::Oauth2JwtBearer => Flow::JwtBearer,
            GrantKind::McpOauth => Flow::Mcp,
        };
        let file = entry.oauth2.clone().unwrap_or_default();
        Grant::OAuth2(Box::new(self.oauth2(&file, flow, jwt, &format!("{at}.oauth2"))))
    }

    fn check_settings(&mut self, entry: &AuthFile, kind: GrantKind, at: &str) {
        use GrantKind::{AppJwtExchange, Login, McpOauth, Oauth1, Oauth2Code, Oauth2JwtBearer, Static};
        let oauth2 = !matches!(kind, Static | Oauth1 | Login | AppJwtExchange);
        let settings = [
            ("oauth2", entry.oauth2.is_some(), oauth2, oauth2 && !matches!(kind, McpOauth | Oauth2JwtBearer)),
            ("oauth1", entry.oauth1.is_some(), kind == Oauth1, kind == Oauth1),
            (
                "login",
                entry.login.is_some(),
                matches!(kind, Login | AppJwtExchange),
                matches!(kind, Login | AppJwtExchange),
            ),
            (
                "jwt",
                entry.jwt.is_some(),
                matches!(kind, Oauth2JwtBearer | AppJwtExchange),
                matches!(kind, Oauth2JwtBearer | AppJwtExchange),
            ),
        ];
        let name = kind.as_str();
        for (setting, given, may, must) in settings {
            let at = format!("{at}.{setting}");
            if given && !may {
                self.problem(at, format!("does not go with `grant = \"{name}\"`"));
            } else if must && !given {
                self.problem(at, format!("missing: `grant = \"{name}\"` needs it"));
            }
        }
        if kind == Oauth2Code && entry.oauth2.as_ref().is_some_and(|oauth2| oauth2.authorize_url.is_none()) {
            self.problem(format!("{at}.oauth2.authorize_url"), "missing: where the user consents");
        }
        if let (McpOauth, Some(oauth2)) = (kind, &entry.oauth2) {
            self.check_discovered(oauth2, at);
        }
        let needs_token_url = oauth2 && !matches!(kind, McpOauth | Oauth2JwtBearer);
        if needs_token_url && entry.oauth2.as_ref().is_some_and(|oauth2| oauth2.token_url.is_none()) {
            self.problem(format!("{at}.oauth2.token_url"), "missing: where tokens come from");
        }
    }

    fn oauth2(&mut self, file: &OAuth2File, flow: Flow, jwt: Option<Jwt>, at: &str) -> OAuth2 {
        let url = |this: &mut Self, text: &Option<String>, name: &str| {
            text.as_deref().and_then(|text| this.url(text, &format!("{at}.{name}")))
        };
        OAuth2 {
            flow,
            authorize_url: url(self, &file.authorize_url, "authorize_url"),
            token_url: url(self, &file.token_url, "token_url"),
            refresh_url: url(self, &file.refresh_url, "refresh_url"),
            revoke_url: url(self, &file.revoke_url, "revoke_url"),
            scopes: file.scopes.clone(),
            scope_separator: file.scope_separator.clone().unwrap_or_else(|| " ".to_owned()),
            client_auth: file
                .client_auth
                .or_else(|| (flow != Flow::JwtBearer).then_some(ClientAuth::default())),
            assertion_audience: file
                .assertion_audience
                .as_ref()
                .and_then(|text| self.reader.template(text, &format!("{at}.assertion_audience"))),
            body: file.body,
            pkce: file.pkce.unwrap_or(true),
            rotation: file.rotation,
            authorize_params: self.authorize_params(file, &format!("{at}.authorize_params")),
            other_account_params: file.other_account_params.clone().into_iter().collect(),
            token_params: self.parameters(&file.token_params, &format!("{at}.token_params")),
            refresh_params: self.parameters(&file.refresh_params, &format!("{at}.refresh_params")),
            token_headers: self.headers(&file.token_headers, &format!("{at}.token_headers")),
            access_token: self.place(&file.access_token, "access_token", &format!("{at}.access_token")),
            refresh_token: self.place(&file.refresh_token, "refresh_token", &format!("{at}.refresh_token")),
            expires: Expires {
                in_from: Some(self.place(&file.expires_in, "expires_in", &format!("{at}.expires_in"))),
                unit: file.expires_unit,
                at_from: self.reader.pointer(file.expires_at.as_deref(), &format!("{at}.expires_at")),
                lifetime_ms: self.duration(file.lifetime.as_deref(), &format!("{at}.lifetime")),
            },
            refresh_lifetime_ms: self
                .duration(file.refresh_lifetime.as_deref(), &format!("{at}.refresh_lifetime")),
            refresh_expires_in: self.place(
                &file.refresh_expires_in,
                "refresh_token_expires_in",
                &format!("{at}.refresh_expires_in"),
            ),
            authorize_names: self.names(&file.authorize_names, &format!("{at}.authorize_names")),
            token_names: self.names(&file.token_names, &format!("{at}.token_names")),
            code: file.code.clone().unwrap_or_else(|| "code".to_owned()),
            exchange: file
                .exchange
                .as_ref()
                .and_then(|step| self.token_step(step, &format!("{at}.exchange"))),
            refresh: file.refresh.as_ref().and_then(|step| self.token_step(step, &format!("{at}.refresh"))),
            captures: self.captures(&file.capture, &format!("{at}.capture")),
            callback: self.callback(&file.callback, &format!("{at}.callback")),
            final_errors: file.final_errors.clone(),
            error: self.place(&file.error, "error", &format!("{at}.error")),
            jwt,
        }
    }

    /// A request whose answer is a token answer: what is kept of it is said in one place.
    fn token_step(&mut self, file: &StepFile, at: &str) -> Option<Step> {
        if !file.capture.is_empty() {
            self.problem(
                format!("{at}.capture"),
                "belongs to `oauth2.capture`, which reads every token answer",
            );
        }
        self.step(file, at)
    }

    fn oauth1(&mut self, file: &OAuth1File, at: &str) -> Option<OAuth1> {
        Some(OAuth1 {
            request_token_url: self.url(&file.request_token_url, &format!("{at}.request_token_url"))?,
            authorize_url: self.url(&file.authorize_url, &format!("{at}.authorize_url"))?,
            authorize_params: self.oauth1_params(file, &format!("{at}.authorize_params")),
            access_token_url: self.url(&file.access_token_url, &format!("{at}.access_token_url"))?,
            request_token_method: token_method(file.request_token_method),
            access_token_method: token_method(file.access_token_method),
            signature: file.signature,
            callback: self.callback(&file.callback, &format!("{at}.callback")),
        })
    }

    fn login(&mut self, file: &LoginFile, jwt: Option<Jwt>, at: &str) -> Login {
        let mut files = file.steps.clone();
        if let Some(request) = &file.request {
            if !files.is_empty() {
                self.problem(format!("{at}.steps"), "either the one request or `steps`, not both");
            }
            files.push(StepFile {
                request: request.clone(),
                headers: file.headers.clone(),
                query: file.query.clone(),
                form: file.form.clone(),
                json: file.json.clone(),
                text: file.text.clone(),
                basic: file.basic.clone(),
                capture: file.capture.clone(),
            });
        }
        if files.is_empty() || files.len() > MAX_STEPS {
            self.problem(at, format!("needs a `request`, or one to {MAX_STEPS} `steps`"));
        }
        let place = |index: usize| {
            if file.request.is_some() { at.to_owned() } else { format!("{at}.steps[{index}]") }
        };
        let steps =
            files.iter().enumerate().filter_map(|(index, step)| self.step(step, &place(index))).collect();
        let refresh = file.refresh.as_ref().and_then(|step| self.step(step, &format!("{at}.refresh")));
        let refused = file.refused_when.iter().enumerate();
        let refused_when = refused
            .filter_map(|(i, e)| expired_when(e, &format!("{at}.refused_when[{i}]"), self.reader.problems))
            .collect();
        Login {
            steps,
            refresh,
            expires: Expires {
                in_from: self
                    .reader
                    .pointer(file.expires_in_from.as_deref(), &format!("{at}.expires_in_from")),
                unit: file.expires_unit,
                at_from: self
                    .reader
                    .pointer(file.expires_at_from.as_deref(), &format!("{at}.expires_at_from")),
                lifetime_ms: self.duration(file.expires_in.as_deref(), &format!("{at}.expires_in")),
            },
            idle_ms: self.duration(file.idle.as_deref(), &format!("{at}.idle")),
            refused_when,
            jwt,
        }
    }

    fn step(&mut self, file: &StepFile, at: &str) -> Option<Step> {
        let (method, url) = self.method(&file.request, &format!("{at}.request"))?;
        let url = self.url(url, &format!("{at}.request"))?;
        let bodies = usize::from(!file.form.is_empty())
            + usize::from(file.json.is_some())
            + usize::from(file.text.is_some());
        if bodies > 1 {
            self.problem(at, "has one body at most: `form`, `json` or `text`");
        }
        let body = if let Some(json) = &file.json {
            StepBody::Json(self.reader.json(json, &format!("{at}.json")))
        } else if let Some(text) = &file.text {
            StepBody::Text(self.reader.template(text, &format!("{at}.text"))?)
        } else if file.form.is_empty() {
            StepBody::None
        } else {
            StepBody::Form(self.parameters(&file.form, &format!("{at}.form")))
        };
        Some(Step {
            method,
            url,
            headers: self.headers(&file.headers, &format!("{at}.headers")),
            query: self.parameters(&file.query, &format!("{at}.query")),
            body,
            basic: file.basic.as_ref().and_then(|text| self.reader.template(text, &format!("{at}.basic"))),
            captures: self.captures(&file.capture, &format!("{at}.capture")),
        })
    }

    fn jwt(&mut self, file: &JwtFile, at: &str) -> Option<Jwt> {
        let claims = file
            .claims
            .iter()
            .map(|(name, value)| (name.clone(), self.reader.json(value, &format!("{at}.claims.{name}"))));
        let claims = claims.collect();
        Some(Jwt {
            algorithm: file.algorithm,
            key: self.reader.template(&file.key, &format!("{at}.key"))?,
            header: self.parameters(&file.header, &format!("{at}.header")),
            claims,
            lifetime_ms: self
                .duration(file.lifetime.as_deref(), &format!("{at}.lifetime"))
                .unwrap_or(JWT_LIFETIME_MS),
        })
    }

    /// A call that finds out variables.
    pub(in crate::provider) fn discover(&mut self, file: &DiscoverFile, at: &str) -> Option<Discover> {
        let (method, place) = self.method(&file.request, &format!("{at}.request"))?;
        let place = if !file.headers.is_empty() {
            DiscoverAt::Call(Box::new(Step {
                method: method.clone(),
                url: self.url(place, &format!("{at}.request"))?,
                headers: self.headers(&file.headers, &format!("{at}.headers")),
                query: Vec::new(),
                body: StepBody::None,
                basic: None,
                captures: Vec::new(),
            }))
        } else if place.starts_with('/') {
            DiscoverAt::Path(self.reader.template(place, &format!("{at}.request"))?)
        } else {
            DiscoverAt::Url(self.url(place, &format!("{at}.request"))?)
        };
        for name in file.capture.keys() {
            let discovered = self.variables.0.get(name).is_some_and(|input| input.source.is_found_out());
            if !discovered {
                let message = "is no variable with `from = \"discovered\"` of this file";
                self.problem(format!("{at}.capture.{name}"), message);
            }
        }
        let captures = self.captures(&file.capture, &format!("{at}.capture"));
        Some(Discover { method, at: place, auth: file.auth.clone(), captures })
    }

    fn method<'t>(&mut self, request: &'t str, at: &str) -> Option<(Method, &'t str)> {
        let Some((method, place)) = request.split_once(' ') else {
            self.problem(at, "write method and URL: `POST https://login.example.com/auth`");
            return None;
        };
        if !METHODS.contains(&method) {
            self.problem(at, format!("begins with one of {}", METHODS.join(", ")));
        }
        Some((Method::from_bytes(method.as_bytes()).unwrap_or_default(), place))
    }

    fn url(&mut self, text: &str, at: &str) -> Option<UrlTemplate> {
        let (address, query) = match text.split_once('?') {
            Some((address, query)) => (address, Some(query.to_owned())),
            None => (text, None),
        };
        if query
            .as_deref()
            .is_some_and(|query| query.contains(|c: char| !c.is_ascii_graphic() || "{#\"<>".contains(c)))
        {
            self.problem(at, "its query is fixed: put what varies into the parameters");
        }
        // The parser of templates says what it thinks of each name.
        self.reader.template(address, at)?;
        let base = BaseUrlTemplate::parse(address, at, self.variables, self.reader.problems)?;
        let path = address.splitn(4, '/').nth(3);
        Some(UrlTemplate { base, slash: path.is_some_and(|path| path.ends_with('/')), query })
    }

    fn parameters(&mut self, entries: &IndexMap<String, String>, at: &str) -> Vec<(String, Template)> {
        let template = |(name, text): (&String, &String)| {
            Some((name.clone(), self.reader.template(text, &format!("{at}.{name}"))?))
        };
        entries.iter().filter_map(template).collect()
    }

    fn headers(&mut self, entries: &IndexMap<String, String>, at: &str) -> Vec<(http::HeaderName, Template)> {
        let mut headers = Vec::new();
        for (name, text) in entries {
            let at = format!("{at}.{name}");
            match header_name(name) {
                Ok(name) => headers.extend(self.reader.template(text, &at).map(|value| (name, value))),
                Err(message) => self.problem(at, message),
            }
        }
        headers
    }

    fn place(&mut self, text: &Option<String>, usual: &str, at: &str) -> Pointer {
        self.reader.pointer(text.as_deref(), at).unwrap_or_else(|| Pointer::member(usual))
    }

    fn duration(&mut self, text: Option<&str>, at: &str) -> Option<i64> {
        self.reader.duration(text, at)
    }

    fn problem(&mut self, at: impl Into<String>, message: impl Into<String>) {
        self.reader.problems.push(Problem::new(at, message));
    }
}

fn token_method(method: TokenMethod) -> Method {
    match method {
        TokenMethod::Post => Method::POST,
        TokenMethod::Get => Method::GET,
    }
}

impl ExpiresUnit {
    /// Milliseconds in one.
    pub fn milliseconds(self) -> f64 {
        match self {
            ExpiresUnit::Seconds => 1_000.0,
            ExpiresUnit::Minutes => 60_000.0,
            ExpiresUnit::Milliseconds => 1.0,
        }
    }
}
