//! What a new connection is asked about itself, because its user does not know it: which host, which account.

use http::Method;

use super::{Capture, Step, UrlTemplate};
use crate::template::Template;

/// A call after connecting that finds out variables.
#[derive(Debug, Clone)]
pub struct Discover {
    /// Its method.
    pub method: Method,
    /// Where it goes.
    pub at: DiscoverAt,
    /// The auth entries that it is for; empty for all.
    pub auth: Vec<String>,
    /// What is kept of the answer.
    pub captures: Vec<Capture>,
}

/// Where a discovering call goes.
#[derive(Debug, Clone)]
pub enum DiscoverAt {
    /// To a URL of its own, which the file fixes.
    Url(UrlTemplate),
    /// To a path at the base URL.
    Path(Template),
    /// To a URL, as the file writes the request: nothing is injected.
    Call(Box<Step>),
}

impl Discover {
    /// Whether connections of this auth entry make the call.
    pub fn is_for(&self, auth: &str) -> bool {
        self.auth.is_empty() || self.auth.iter().any(|name| name == auth)
    }

    /// The names that its request uses.
    pub(in crate::provider) fn names(&self) -> Vec<&str> {
        match &self.at {
            DiscoverAt::Url(url) => url.template().names(),
            DiscoverAt::Path(path) => path.names(),
            DiscoverAt::Call(step) => {
                let mut templates = Vec::new();
                step.collect_templates(&mut templates);
                templates.into_iter().flat_map(|template| template.names()).collect()
            }
        }
    }
}
