//! Where an end user may be sent afterwards, and who may be told: only what the operator allowed, and written anew from
//! its parts, so that a browser reads the same address that was judged.

use http::HeaderValue;
use passthrough_core::base_url::{BaseUrl, Origin};
use passthrough_core::grant::parse_form;
use passthrough_core::path::{CallerPath, encode_query_component};

/// The parameters of a result; one of these in the caller's own query could be taken for it.
const RESULT: [&str; 2] = ["token", "error"];

/// An address that a browser may be sent to with the result. Stops open redirects: whoever could choose where to would
/// be sent the token.
pub fn redirect_url(allowed: &[BaseUrl], text: &str) -> Result<String, String> {
    let (front, query) = text.split_once('?').map_or((text, None), |(front, query)| (front, Some(query)));
    let url = BaseUrl::parse(front).map_err(|error| format!("is no address to send anybody to: {error}"))?;
    let below = |allowed: &BaseUrl| {
        let rest = url.path().strip_prefix(allowed.path());
        url.origin == allowed.origin && rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if !allowed.iter().any(below) {
        return Err("is not allowed: an operator must add it, or an address above it, to the setting \
                    `link.redirect_urls`"
            .to_owned());
    }
    let root = front.splitn(4, '/').nth(3).is_none_or(str::is_empty);
    let slash = if root || front.ends_with('/') { "/" } else { "" };
    let mut address = format!("{url}{slash}");
    if let Some(query) = query {
        let judged = CallerPath::parse(&format!("/?{query}")).map_err(|error| error.to_string())?;
        let query = judged.query().unwrap_or_default();
        // Decoded, as whoever receives the result will read it.
        if parse_form(query).iter().any(|(name, _)| RESULT.contains(&name.as_str())) {
            return Err("must not have `token` or `error` in its query: these are added".to_owned());
        }
        address.push('?');
        address.push_str(query);
    }
    HeaderValue::from_str(&address).map_err(|_| "holds a character that no address has".to_owned())?;
    Ok(address)
}

/// The origin of a page that may be told the result.
pub fn message_origin(allowed: &[Origin], text: &str) -> Result<String, String> {
    let url = BaseUrl::parse(text).map_err(|error| format!("is no origin: {error}"))?;
    if !url.path().is_empty() || text.ends_with('/') {
        return Err("must be scheme, host and port only, such as https://app.example.com".to_owned());
    }
    if !allowed.contains(&url.origin) {
        return Err(
            "is not allowed: an operator must add it to the setting `link.message_origins`".to_owned()
        );
    }
    Ok(url.origin.to_string())
}

/// The address with the result behind whatever query it has.
pub fn with_result(address: &str, name: &str, value: &str) -> String {
    let separator = match address.split_once('?') {
        None => "?",
        Some((_, query)) if query.is_empty() || query.ends_with('&') => "",
        Some(_) => "&",
    };
    format!("{address}{separator}{name}={}", encode_query_component(value))
}

/// Scheme, host and port of an address that was judged before.
pub fn origin_of(address: &str) -> &str {
    let host = address.find("://").map_or(0, |at| at + 3);
    let end = address[host..].find(['/', '?']).map_or(address.len(), |at| host + at);
    &address[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(text: &str) -> Result<String, String> {
        let allowed: Vec<BaseUrl> =
            ["https://app.example", "https://other.example:8443/deep/place", "http://127.0.0.1:4000/cb"]
                .iter()
                .map(|text| BaseUrl::parse(text).unwrap())
                .collect();
        redirect_url(&allowed, text)
    }

    #[test]
    fn what_is_allowed_and_what_is_below_it_keeps_its_query() {
        for text in [
            "https://app.example/",
            "https://app.example/a/b?state=1&x=%20y",
            "https://other.example:8443/deep/place",
            "https://other.example:8443/deep/place/below/",
            "http://127.0.0.1:4000/cb?",
        ] {
            assert_eq!(judge(text).as_deref(), Ok(text));
        }
        assert_eq!(judge("HTTPS://APP.example:443").as_deref(), Ok("https://app.example/"));
    }

    #[test]
    fn nobody_is_sent_elsewhere() {
        for text in [
            "https://evil.example/",
            "https://app.example.evil.example/",
            "https://app.example@evil.example/",
            "https://evil.example/https://app.example/",
            "https://app.example:444/",
            "http://app.example/",
            "//app.example/",
            "https:app.example",
            "https:/\\evil.example",
            "https://app.example\\@evil.example/",
            "javascript:alert(1)",
            "data:text/html,x",
            "/relative",
            "",
            "https://other.example:8443/deep/placeevil",
            "https://other.example:8443/deep",
            "https://other.example:8443/deep/place/../../evil",
            "https://other.example:8443/deep/place/%2e%2e/evil",
            "https://other.example:8443/deep/place%2f..%2fevil",
            "https://app.example/#fragment",
            "https://app.example/?a=1#fragment",
            "https://app.example/a\r\nset-cookie: x=y",
            "https://app.example/?a=\u{0}",
            "https://app.example/?token=mine",
            "https://app.example/?a=1&error",
            "https://app.example/?%74oken=mine",
            "https://app.example/?a=1&%65rr%6fr=x",
        ] {
            assert!(judge(text).is_err(), "{text:?} leads to {:?}", judge(text));
        }
        assert!(redirect_url(&[], "https://app.example/").unwrap_err().contains("link.redirect_urls"));
    }

    #[test]
    fn the_result_stands_behind_the_callers_own_query() {
        assert_eq!(with_result("https://a.example/", "token", "x y"), "https://a.example/?token=x%20y");
        assert_eq!(with_result("https://a.example/?", "token", "x"), "https://a.example/?token=x");
        assert_eq!(with_result("https://a.example/?s=1", "error", "x"), "https://a.example/?s=1&error=x");
    }

    #[test]
    fn an_origin_is_named_exactly() {
        let allowed = [(*BaseUrl::parse("https://app.example").unwrap().origin).clone()];
        assert_eq!(message_origin(&allowed, "https://APP.example:443").as_deref(), Ok("https://app.example"));
        for text in [
            "https://app.example/",
            "https://app.example/a",
            "*",
            "null",
            "https://x.app.example",
            "http://app.example",
        ] {
            assert!(message_origin(&allowed, text).is_err(), "{text}");
        }
        assert_eq!(origin_of("https://a.example:1/b?c"), "https://a.example:1");
        assert_eq!(origin_of("https://a.example?c"), "https://a.example");
    }
}
