use http::{HeaderValue, Method};
use indexmap::IndexMap;

use super::*;
use crate::connection::{Credential, Variables};
use crate::fault::Door;
use crate::path::CallerPath;
use crate::provider::Provider;
use crate::template::Moment;
use crate::upstream::{self, Prepared};

mod aws_sigv4;
mod hmac;
mod oauth1;

/// A connection whose requests are signed, at one moment.
pub(super) struct Rig {
    provider: Provider,
    credential: Credential,
    variables: Variables,
    hosts: HostAllowList,
    moment: Moment,
}

impl Rig {
    pub(super) fn new(base_url: &str, inject: &str, unix_seconds: i64, fields: &[(&str, &str)]) -> Self {
        let names: String = fields.iter().map(|(name, _)| format!("fields.{name}.label = \"x\"\n")).collect();
        let text = format!(
            "name = \"Test\"\nbase_url = \"{base_url}\"\n[auth.main]\ngrant = \"static\"\n{names}{inject}\n"
        );
        let provider = Provider::parse("test", &text).unwrap();
        let given: IndexMap<String, SecretString> =
            fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).into())).collect();
        let hosts = HostAllowList::default();
        let (credential, variables) =
            provider.accept(&provider.auth[0], given, IndexMap::new(), &hosts, 0).unwrap();
        let moment = Moment { unix_ms: unix_seconds * 1000 + 7, nonce: [0xab; 16] };
        Self { provider, credential, variables, hosts, moment }
    }

    pub(super) fn open(&self) -> OpenConnection<'_> {
        OpenConnection {
            provider: &self.provider,
            auth: &self.provider.auth[0],
            credential: &self.credential,
            variables: &self.variables,
            prepared: None,
        }
    }

    /// Prepared or not, it is the same.
    pub(super) fn build(&self, request: PassthroughRequest) -> Result<UpstreamRequest, Refusal> {
        let prepared = Prepared::new(self.open(), &self.hosts);
        let ready = OpenConnection { prepared: Some(&prepared), ..self.open() };
        let built = upstream::build(ready, request.clone(), || self.moment, &self.hosts);
        let anew = upstream::build(self.open(), request, || self.moment, &self.hosts);
        match (&built, &anew) {
            (Ok(one), Ok(other)) => {
                assert_eq!((&one.uri, one.headers.0.clone()), (&other.uri, other.headers.0.clone()));
            }
            (one, other) => assert_eq!(one.as_ref().err(), other.as_ref().err()),
        }
        built
    }

    pub(super) fn holds(&self, request: &PassthroughRequest) -> bool {
        needs_body_held(self.open(), request, &self.hosts)
    }
}

pub(super) fn request(method: Method, path: &str, headers: &[(&str, &str)]) -> PassthroughRequest {
    let owned = |text: &str| Bytes::from(text.to_owned());
    PassthroughRequest {
        door: Door::Proxy,
        method,
        path: CallerPath::parse(path).unwrap(),
        base: None,
        headers: Fields(headers.iter().map(|(name, value)| (owned(name), owned(value))).collect()),
        body: RequestBody::Absent,
        websocket_upgrade: false,
    }
}

pub(super) fn get(path: &str) -> PassthroughRequest {
    request(Method::GET, path, &[])
}

pub(super) fn with_body(
    request: PassthroughRequest,
    body: &str,
    content_type: &'static str,
) -> PassthroughRequest {
    let bytes = Bytes::from(body.to_owned());
    let content_type = Some(HeaderValue::from_static(content_type));
    PassthroughRequest { body: RequestBody::Bytes { bytes, content_type }, ..request }
}

pub(super) fn streamed(request: PassthroughRequest) -> PassthroughRequest {
    PassthroughRequest { body: RequestBody::Streamed, ..request }
}

pub(super) fn header(built: &UpstreamRequest, name: &str) -> String {
    let value = built.headers.only(name).unwrap_or_else(|| panic!("{name} once: {:?}", built.headers));
    String::from_utf8(value.to_vec()).unwrap()
}
