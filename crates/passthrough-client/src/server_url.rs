//! The server's URL: what a path of ours is appended to.

use std::net::IpAddr;

use http::Uri;
use http::uri::{Authority, PathAndQuery, Scheme};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

use crate::error::Error;

/// Scheme, authority and the prefix of all paths.
#[derive(Debug, Clone)]
pub(crate) struct ServerUrl {
    scheme: Scheme,
    authority: Authority,
    prefix: String,
}

impl ServerUrl {
    pub(crate) fn parse(text: &str) -> Result<Self, Error> {
        let uri: Uri =
            text.parse().map_err(|_| Error::ServerUrl("is no URL such as http://127.0.0.1:8080"))?;
        let parts = uri.into_parts();
        let scheme = match parts.scheme {
            Some(scheme) if scheme == Scheme::HTTP || scheme == Scheme::HTTPS => scheme,
            _ => return Err(Error::ServerUrl("must begin with https:// or http://")),
        };
        let authority = parts.authority.ok_or(Error::ServerUrl("names no host"))?;
        if authority.as_str().contains('@') {
            return Err(Error::ServerUrl("must not hold a user name or password"));
        }
        let path = parts.path_and_query.unwrap_or(PathAndQuery::from_static("/"));
        if path.query().is_some() {
            return Err(Error::ServerUrl("must not hold a query"));
        }
        Ok(Self { scheme, authority, prefix: path.path().trim_end_matches('/').to_owned() })
    }

    /// Whether what is sent there can be read on the way: plain HTTP to another machine.
    pub(crate) fn travels_in_clear(&self) -> bool {
        let host = self.authority.host();
        let address: Option<IpAddr> = host.trim_start_matches('[').trim_end_matches(']').parse().ok();
        let loopback = host.eq_ignore_ascii_case("localhost") || address.is_some_and(|ip| ip.is_loopback());
        self.scheme == Scheme::HTTP && !loopback
    }

    /// Scheme, host and port, for messages.
    pub(crate) fn origin(&self) -> String {
        format!("{}://{}", self.scheme, self.authority)
    }

    /// What a path of ours becomes, as a text.
    pub(crate) fn below(&self, path: &str) -> String {
        format!("{}{}{path}", self.origin(), self.prefix)
    }

    /// The URL of a path (and query), which goes out byte for byte.
    pub(crate) fn join(&self, path: &str) -> Result<Uri, Error> {
        let wrong = |problem: &str| Error::Request(format!("the path cannot be sent: {problem}"));
        // The parser of URIs would silently cut it off, and the rest of the path with it.
        if path.contains('#') {
            return Err(wrong("it holds `#`; write %23"));
        }
        let target = PathAndQuery::try_from(format!("{}{path}", self.prefix))
            .map_err(|_| wrong("it holds a byte that must be percent-encoded, such as a space"))?;
        Uri::builder()
            .scheme(self.scheme.clone())
            .authority(self.authority.clone())
            .path_and_query(target)
            .build()
            .map_err(|_| wrong("it makes no URL"))
    }
}

/// Everything but the unreserved characters of RFC 3986.
const RESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A value in a query or a path segment of ours.
pub(crate) fn encode(text: &str) -> String {
    utf8_percent_encode(text, RESERVED).to_string()
}

/// `path?name=value&…` of the values that are given.
pub(crate) fn with_query(path: &str, query: &[(&str, Option<String>)]) -> String {
    let given =
        query.iter().filter_map(|(name, value)| Some(format!("{name}={}", encode(value.as_deref()?))));
    let given: Vec<String> = given.collect();
    if given.is_empty() { path.to_owned() } else { format!("{path}?{}", given.join("&")) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn joined(server: &str, path: &str) -> String {
        ServerUrl::parse(server).unwrap().join(path).unwrap().to_string()
    }

    #[test]
    fn a_path_goes_out_byte_for_byte() {
        assert_eq!(
            joined("http://127.0.0.1:1", "/v1/proxy/a%2Fb//c?x=1&x=2;y"),
            "http://127.0.0.1:1/v1/proxy/a%2Fb//c?x=1&x=2;y"
        );
        assert_eq!(joined("https://h.example/api/", "/v1/proxy/../x"), "https://h.example/api/v1/proxy/../x");
    }

    #[test]
    fn what_would_be_lost_or_refused_on_the_way_is_an_error() {
        let server = ServerUrl::parse("http://127.0.0.1:1").unwrap();
        for path in ["/a#b", "/a b", "/a\r\nX: y"] {
            assert!(matches!(server.join(path), Err(Error::Request(_))), "{path:?}");
        }
    }

    #[test]
    fn a_server_url_is_a_web_url_without_secrets() {
        for wrong in ["", "127.0.0.1:8080", "ftp://h", "https://u:p@h/", "https://h/?a=1", "/only/path"] {
            assert!(ServerUrl::parse(wrong).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn only_plain_http_to_another_machine_travels_in_clear() {
        let clear = |url: &str| ServerUrl::parse(url).unwrap().travels_in_clear();
        for url in ["https://h.example", "http://localhost:1", "http://127.9.9.9", "http://[::1]:8080"] {
            assert!(!clear(url), "{url}");
        }
        for url in ["http://h.example", "http://10.0.0.1", "http://127.0.0.1.example"] {
            assert!(clear(url), "{url}");
        }
    }

    #[test]
    fn query_values_cannot_become_parameters() {
        assert_eq!(with_query("/a", &[("x", Some("1&y=ü".into())), ("z", None)]), "/a?x=1%26y%3D%C3%BC");
        assert_eq!(with_query("/a", &[("z", None)]), "/a");
    }
}
