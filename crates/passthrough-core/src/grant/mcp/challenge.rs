//! The challenge of a protected resource: `WWW-Authenticate: Bearer resource_metadata="…"` (RFC 9728 §5.1).

use crate::header::Fields;
use crate::provider::grant::Url;

/// What a challenge says about how to get in.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Challenge {
    /// Where the resource says what guards it.
    pub resource_metadata: Option<Url>,
    /// The scopes that are needed (RFC 6750 §3).
    pub scopes: Vec<String>,
    /// `invalid_token`, `insufficient_scope`.
    pub error: Option<String>,
}

/// Reads the first `Bearer` challenge of an answer; `None` where there is none.
pub fn read_challenge(headers: &Fields) -> Option<Challenge> {
    let lines = headers.get_all("www-authenticate").filter_map(|line| std::str::from_utf8(line).ok());
    let params = lines.filter_map(bearer).next()?;
    let value = |name: &str| {
        let found = params.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    };
    Some(Challenge {
        resource_metadata: value("resource_metadata").and_then(|text| Url::parse(text).ok()),
        scopes: value("scope").unwrap_or_default().split_ascii_whitespace().map(str::to_owned).collect(),
        error: value("error").map(str::to_owned),
    })
}

/// The parameters of the first `Bearer` challenge in a list of challenges (RFC 9110 §11.6.1), in which commas part
/// both parameters and challenges.
fn bearer(line: &str) -> Option<Vec<(String, String)>> {
    let mut found: Option<Vec<(String, String)>> = None;
    for element in elements(line) {
        let (before, value) = match element.split_once('=') {
            Some((before, value)) => (before.trim(), Some(value.trim())),
            None => (element, None),
        };
        let name = match before.split_once([' ', '\t']) {
            None if value.is_some() => before,
            // A scheme begins the next challenge.
            scheme => {
                if found.is_some() {
                    break;
                }
                let (scheme, name) = scheme.unwrap_or((before, ""));
                if scheme.eq_ignore_ascii_case("bearer") {
                    found = Some(Vec::new());
                }
                name.trim()
            }
        };
        if let (Some(params), Some(value)) = (&mut found, value) {
            params.push((name.to_owned(), unquoted(value)));
        }
    }
    found
}

/// The elements of a list, without white space around them; a comma in quotes parts nothing.
fn elements(line: &str) -> Vec<&str> {
    let (mut elements, mut start, mut quoted, mut escaped) = (Vec::new(), 0, false, false);
    for (at, byte) in line.bytes().enumerate() {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b',' if !quoted => {
                elements.push(&line[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    elements.push(&line[start..]);
    elements.into_iter().map(str::trim).filter(|element| !element.is_empty()).collect()
}

fn unquoted(value: &str) -> String {
    let Some(inside) = value.strip_prefix('"').map(|rest| rest.strip_suffix('"').unwrap_or(rest)) else {
        return value.to_owned();
    };
    let (mut text, mut escaped) = (String::new(), false);
    for c in inside.chars() {
        if c == '\\' && !escaped {
            escaped = true;
        } else {
            text.push(c);
            escaped = false;
        }
    }
    text
}
