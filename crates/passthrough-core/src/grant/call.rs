//! From the parts of a call to what is sent.

use bytes::Bytes;
use http::{HeaderName, Method};
use zeroize::Zeroizing;

use super::params::Params;
use super::{Asking, GrantError, TokenCall};
use crate::header::{Fields, is_value};
use crate::provider::grant::Url;
use crate::redact::Redactor;
use crate::template::{Scope, Template};
use crate::upstream;

/// Several providers refuse requests without one.
const USER_AGENT: &str = "passthrough/0.1";

/// A call in the making. Never printed: it has no Debug.
pub(super) struct Draft {
    pub(super) method: Method,
    pub(super) headers: Fields,
    pub(super) query: Params,
    pub(super) body: Body,
    secrets: Vec<Zeroizing<String>>,
}

/// The body of a call.
pub(super) enum Body {
    None,
    Form(Params),
    Json(Zeroizing<String>),
    Text(Zeroizing<String>),
}

impl Draft {
    pub(super) fn new(method: Method) -> Self {
        Self {
            method,
            headers: Fields::default(),
            query: Params::default(),
            body: Body::None,
            secrets: Vec::new(),
        }
    }

    /// A `POST` with nothing in it yet.
    pub(super) fn post() -> Self {
        Self::new(Method::POST)
    }

    /// Notes something that no message may repeat.
    pub(super) fn hide(&mut self, secret: &str) {
        self.secrets.push(Zeroizing::new(secret.to_owned()));
    }

    /// Notes what functions make of secrets, such as `{base64({user}:{password})}`.
    pub(super) fn hide_computed<'t>(
        &mut self,
        templates: impl Iterator<Item = &'t Template>,
        scope: &Scope<'_>,
    ) {
        templates.for_each(|template| self.secrets.extend(template.computed(scope)));
    }

    /// Sets a header. A line break in a secret would end it and begin another.
    pub(super) fn header(&mut self, name: &str, value: &str) -> Result<(), GrantError> {
        if !is_value(value.as_bytes()) {
            return Err(GrantError::Header(name.to_ascii_lowercase()));
        }
        self.headers.set(Bytes::copy_from_slice(name.as_bytes()), Bytes::copy_from_slice(value.as_bytes()));
        Ok(())
    }

    /// Sets the headers that the provider file names; one whose optional field is absent is left out.
    pub(super) fn headers(
        &mut self,
        templates: &[(HeaderName, Template)],
        scope: &Scope<'_>,
    ) -> Result<(), GrantError> {
        self.hide_computed(templates.iter().map(|(_, template)| template), scope);
        for (name, template) in templates {
            if let Some(value) = template.render(scope) {
                self.header(name.as_str(), &value)?;
            }
        }
        Ok(())
    }

    /// The finished call.
    pub(super) fn to(mut self, url: Url, asking: &Asking<'_>) -> TokenCall {
        let (body, content_type) = match &self.body {
            Body::None => (Bytes::new(), None),
            Body::Form(form) => (copied(&form.form()), Some("application/x-www-form-urlencoded")),
            Body::Json(json) => (copied(json), Some("application/json")),
            Body::Text(text) => (copied(text), Some("text/plain; charset=utf-8")),
        };
        let usual = [
            ("Accept", Some("application/json")),
            ("Accept-Encoding", Some("identity")),
            ("User-Agent", Some(USER_AGENT)),
            ("Content-Type", content_type),
        ];
        for (name, value) in usual {
            if let Some(value) = value.filter(|_| !self.headers.contains(name)) {
                self.headers.push(name, value);
            }
        }
        self.secrets.extend(upstream::secrets(asking.open));
        TokenCall {
            url,
            method: self.method,
            headers: self.headers,
            body,
            query: self.query.form(),
            sent: Redactor::new(self.secrets.iter().map(|secret| secret.as_str())),
        }
    }
}

fn copied(text: &str) -> Bytes {
    Bytes::copy_from_slice(text.as_bytes())
}
