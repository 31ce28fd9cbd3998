//! Addresses that grants send to and consents lead to.

use std::sync::Arc;

use crate::base_url::{BaseUrl, BaseUrlError, Origin};
use crate::connection::{Credential, Variables};
use crate::provider::{BaseRefusal, BaseUrlTemplate, HostAllowList, Inputs};
use crate::template::Template;

/// An address made of variables, by the rules of base URLs: no value can move it to a host that the file does not
/// know. A slash at its end and a fixed query stay.
#[derive(Debug, Clone)]
pub struct UrlTemplate {
    pub(super) base: BaseUrlTemplate,
    pub(super) slash: bool,
    pub(super) query: Option<String>,
}

/// An address to send something to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Url {
    /// Scheme, host, port and path.
    pub base: BaseUrl,
    slash: bool,
    query: Option<String>,
}

impl UrlTemplate {
    /// The address for one connection.
    pub fn resolve(
        &self,
        variables: &Variables,
        credential: &Credential,
        inputs: &Inputs,
        hosts: &HostAllowList,
    ) -> Result<Url, BaseRefusal> {
        let base = self.base.resolve(variables, credential, inputs, hosts)?;
        Ok(Url { base: (*base).clone(), slash: self.slash, query: self.query.clone() })
    }

    /// Where it is for one connection; `None` where that cannot be said yet.
    pub fn origin(
        &self,
        variables: &Variables,
        credential: &Credential,
        inputs: &Inputs,
        hosts: &HostAllowList,
    ) -> Option<Arc<Origin>> {
        self.resolve(variables, credential, inputs, hosts).ok().map(|url| url.base.origin)
    }

    /// The text in the file, without its query.
    pub fn source(&self) -> &str {
        self.base.source()
    }

    pub(in crate::provider) fn template(&self) -> &Template {
        self.base.template()
    }
}

impl Url {
    /// An address that a discovery document names.
    pub fn parse(text: &str) -> Result<Self, BaseUrlError> {
        let (text, query) = match text.split_once('?') {
            Some((text, query)) => (text, Some(query.to_owned())),
            None => (text, None),
        };
        // A fragment would hide what is put behind it, a quote or line would end the header or attribute it goes into.
        let odd = |c: &char| !c.is_ascii_graphic() || matches!(c, '"' | '#' | '<' | '>');
        if let Some(odd) = query.as_deref().and_then(|query| query.chars().find(odd)) {
            return Err(BaseUrlError::QueryCharacter(odd));
        }
        let slash = text.splitn(4, '/').nth(3).is_some_and(|path| path.is_empty() || path.ends_with('/'));
        Ok(Self { base: BaseUrl::parse(text)?, slash, query })
    }

    /// Path and query as they are sent, with more parameters behind the fixed ones; those are encoded already.
    pub fn path_and_query(&self, more: &str) -> String {
        let mut text = self.base.path().to_owned();
        if self.slash || text.is_empty() {
            text.push('/');
        }
        let mut separator = '?';
        for query in self.query.as_deref().into_iter().chain(Some(more)).filter(|query| !query.is_empty()) {
            text.push(separator);
            text.push_str(query);
            separator = '&';
        }
        text
    }

    /// The whole, with more parameters; those are encoded already.
    pub fn with_query(&self, more: &str) -> String {
        format!("{}{}", self.base.origin, self.path_and_query(more))
    }
}
