//! Redaction by value: finds every live secret of a request in whatever spelling, and masks it.
//!
//! Redaction by position (known header and parameter names) cannot see a provider that echoes a credential
//! back in an unexpected place; this can.

use std::fmt;

use data_encoding::{BASE64, BASE64_NOPAD, BASE64URL, BASE64URL_NOPAD};
use memchr::memmem;
use zeroize::Zeroizing;

use crate::template::MASK;

/// Shorter values are left alone: masking every `a` would destroy texts and protect nothing.
const MIN_LENGTH: usize = 4;

/// What percent-encoders leave alone besides letters and digits. The first two write what we send, the others what a
/// provider may write when it echoes it: many secrets hold a `~` or a `!`, on which encoders differ.
const KEPT_BY_PERCENT_ENCODERS: [&str; 6] = [
    "-._~",             // a component of a query (RFC 3986 unreserved)
    "-._~!$&'()*+,=:@", // a path segment
    "-._~!'()*",        // encodeURIComponent
    "-._*",             // forms as the URL standard and Java write them
    "-._",              // forms as PHP writes them
    "-._~/",            // Python's quote
];

/// The secrets of one connection, in all the spellings to look for. Longest first, so that a spelling
/// which contains another is masked whole.
#[derive(Default)]
pub struct Redactor {
    needles: Vec<Zeroizing<Vec<u8>>>,
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} needles)", self.needles.len())
    }
}

impl Redactor {
    /// Prepares to find each of `secrets` plain, in base64 and base64url (at any alignment inside a longer
    /// encoded text), percent-encoded, and escaped as JSON and XML do it.
    pub fn new<'a>(secrets: impl IntoIterator<Item = &'a str>) -> Self {
        let mut needles: Vec<Zeroizing<Vec<u8>>> = Vec::new();
        for secret in secrets.into_iter().filter(|secret| secret.len() >= MIN_LENGTH) {
            needles.extend(spellings(secret).into_iter().filter(|needle| needle.len() >= MIN_LENGTH));
        }
        needles.sort_by(|a, b| b.len().cmp(&a.len()).then_with(|| a.cmp(b)));
        needles.dedup();
        Self { needles }
    }

    /// Whether any secret occurs in `bytes`.
    pub fn finds(&self, bytes: &[u8]) -> bool {
        self.may_hold(bytes) && self.needles.iter().any(|needle| holds(bytes, needle))
    }

    /// Most names and values of headers are shorter than the shortest spelling, which is the last one.
    fn may_hold(&self, bytes: &[u8]) -> bool {
        self.needles.last().is_some_and(|shortest| bytes.len() >= shortest.len())
    }

    /// `bytes` with every occurrence of every secret masked, or `None` where there is none.
    pub fn redact(&self, bytes: &[u8]) -> Option<Vec<u8>> {
        if !self.may_hold(bytes) {
            return None;
        }
        let mut masked: Option<Vec<u8>> = None;
        for needle in &self.needles {
            let current = masked.as_deref().unwrap_or(bytes);
            if holds(current, needle) {
                masked = Some(replace_all(current, needle));
            }
        }
        masked
    }

    /// `text` with every secret masked.
    pub fn redact_text(&self, text: &str) -> String {
        match self.redact(text.as_bytes()) {
            Some(masked) => String::from_utf8_lossy(&masked).into_owned(),
            None => text.to_owned(),
        }
    }
}

/// Most values of headers are shorter than most needles, which the search itself finds out late.
fn holds(haystack: &[u8], needle: &[u8]) -> bool {
    haystack.len() >= needle.len() && memmem::find(haystack, needle).is_some()
}

fn replace_all(haystack: &[u8], needle: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(haystack.len());
    let mut rest = haystack;
    while let Some(at) = memmem::find(rest, needle) {
        out.extend_from_slice(&rest[..at]);
        out.extend_from_slice(MASK.as_bytes());
        rest = &rest[at + needle.len()..];
    }
    out.extend_from_slice(rest);
    out
}

fn spellings(secret: &str) -> Vec<Zeroizing<Vec<u8>>> {
    let mut all = vec![secret.as_bytes().to_vec()];
    let bytes = secret.as_bytes();
    for encoding in [&BASE64, &BASE64_NOPAD, &BASE64URL, &BASE64URL_NOPAD] {
        all.push(encoding.encode(bytes).into_bytes());
    }
    // Inside a longer base64 text the secret begins at any of three alignments; the characters that are
    // wholly its own are the same whatever stands around it.
    for skip in [1, 2] {
        let mut shifted = Zeroizing::new(vec![0; skip]);
        shifted.extend_from_slice(bytes);
        for encoding in [&BASE64_NOPAD, &BASE64URL_NOPAD] {
            all.push(own_characters(&encoding.encode(&shifted), skip, shifted.len()));
        }
    }
    for encoding in [&BASE64_NOPAD, &BASE64URL_NOPAD] {
        all.push(own_characters(&encoding.encode(bytes), 0, bytes.len()));
    }
    for kept in KEPT_BY_PERCENT_ENCODERS {
        let percent = percent_encode_all_but(kept, secret);
        for percent in [lower_hex(&percent), percent] {
            all.push(percent.replace("%20", "+").into_bytes());
            all.push(percent.into_bytes());
        }
    }
    all.extend(json_spellings(secret).into_iter().map(String::into_bytes));
    all.extend(xml_spellings(secret).into_iter().map(String::into_bytes));
    all.into_iter().map(Zeroizing::new).collect()
}

/// The base64 characters that depend on no byte but those after the first `skip`.
fn own_characters(encoded: &str, skip: usize, length: usize) -> Vec<u8> {
    let first = (skip * 8).div_ceil(6);
    let last = length * 8 / 6;
    encoded.as_bytes().get(first..last).unwrap_or_default().to_vec()
}

/// The inside of a JSON string as different writers escape it: as little as needed, `/` too, everything
/// beyond ASCII, both (PHP), what HTML would read (as some do by default), and as .NET does by default.
fn json_spellings(secret: &str) -> Vec<String> {
    let quoted = serde_json::Value::from(secret).to_string();
    let least = quoted.get(1..quoted.len() - 1).unwrap_or_default();
    let escaped = |wanted: fn(char) -> bool, upper: bool| {
        let mut out = String::with_capacity(least.len());
        let escape = |unit: &u16| if upper { format!("\\u{unit:04X}") } else { format!("\\u{unit:04x}") };
        for c in least.chars() {
            if wanted(c) {
                out.extend(c.encode_utf16(&mut [0; 2]).iter().map(escape));
            } else {
                out.push(c);
            }
        }
        out
    };
    let beyond_ascii = escaped(|c| !c.is_ascii(), false);
    let html = escaped(|c| matches!(c, '<' | '>' | '&'), false);
    let careful = |c: char| !c.is_ascii() || matches!(c, '<' | '>' | '&' | '\'' | '+' | '`');
    let dotnet = escaped(careful, true).replace("\\\"", "\\u0022");
    vec![
        least.replace('/', "\\/"),
        beyond_ascii.replace('/', "\\/"),
        beyond_ascii,
        html,
        dotnet,
        least.to_owned(),
    ]
}

/// The text in XML as different writers escape it: as little as needed, `>` and quotes too, and what is beyond ASCII
/// as character references, decimal or hexadecimal.
fn xml_spellings(secret: &str) -> Vec<String> {
    let least = secret.replace('&', "&amp;").replace('<', "&lt;");
    let usual = least.replace('>', "&gt;");
    let quoted = usual.replace('"', "&quot;");
    // .NET's default.
    let dotnet = quoted.replace('\'', "&#x27;").replace('+', "&#x2B;").replace('`', "&#x60;");
    let mut all = vec![quoted.replace('\'', "&apos;"), quoted.replace('\'', "&#39;"), quoted, least, dotnet];
    if !secret.is_ascii() {
        let referred = |reference: fn(u32) -> String| {
            let one = |c: char| if c.is_ascii() { c.to_string() } else { reference(c.into()) };
            usual.chars().map(one).collect::<String>()
        };
        all.extend([
            referred(|c| format!("&#{c};")),
            referred(|c| format!("&#x{c:x};")),
            referred(|c| format!("&#x{c:X};")),
        ]);
    }
    all.push(usual);
    all
}

fn percent_encode_all_but(kept: &str, secret: &str) -> String {
    let mut out = String::with_capacity(secret.len());
    for byte in secret.bytes() {
        if byte.is_ascii_alphanumeric() || kept.as_bytes().contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn lower_hex(percent: &str) -> String {
    let mut out = String::with_capacity(percent.len());
    let mut hex_left = 0;
    for c in percent.chars() {
        out.push(if hex_left > 0 { c.to_ascii_lowercase() } else { c });
        hex_left = if c == '%' { 2 } else { hex_left.max(1) - 1 };
    }
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::path::encode_segment;
    use crate::template::percent_encode;

    #[test]
    fn every_spelling_is_masked() {
        let secret = "s3cr/t \"é+value";
        let redactor = Redactor::new([secret]);
        let spellings = [
            secret.to_owned(),
            BASE64.encode(secret.as_bytes()),
            BASE64URL_NOPAD.encode(secret.as_bytes()),
            BASE64.encode(format!("user:{secret}:x").as_bytes()),
            BASE64.encode(format!("user1:{secret}").as_bytes()),
            BASE64URL.encode(format!("user12:{secret}").as_bytes()),
            percent_encode(secret),
            lower_hex(&percent_encode(secret)),
            encode_segment(secret),
            serde_json::to_string(secret).unwrap(),
            r#"s3cr\/t \"é+value"#.to_owned(),
            r#"s3cr/t \"\u00e9+value"#.to_owned(),
            "s3cr/t &quot;é+value".to_owned(),
            "s3cr/t \"&#233;+value".to_owned(),
            "s3cr/t \"&#xE9;+value".to_owned(),
            // Python's quote.
            "s3cr/t%20%22%C3%A9%2Bvalue".to_owned(),
            // PHP's json_encode, .NET's JSON and its HTML.
            r#"s3cr\/t \"\u00e9+value"#.to_owned(),
            r"s3cr/t \u0022\u00E9\u002Bvalue".to_owned(),
            "s3cr/t &quot;é&#x2B;value".to_owned(),
        ];
        for spelling in spellings {
            assert!(redactor.finds(spelling.as_bytes()), "{spelling}");
            let masked = redactor.redact_text(&format!("<{spelling}> and <{spelling}>"));
            assert_eq!(masked.matches(MASK).count(), 2, "{spelling} became {masked}");
            assert!(!redactor.finds(masked.as_bytes()));
        }
    }

    #[test]
    fn inside_a_longer_base64_text_every_character_of_the_secret_alone_is_masked() {
        let secret = "correct horse battery staple";
        let redactor = Redactor::new([secret]);
        for before in ["", "a", "ab", "abc", "abcd"] {
            let encoded = BASE64.encode(format!("{before}{secret}~").as_bytes());
            // Six bits are a character; one that shares bits with a neighbour of the secret stays.
            let first = (before.len() * 8).div_ceil(6);
            let last = (before.len() + secret.len()) * 8 / 6;
            let expected = format!("{}{MASK}{}", &encoded[..first], &encoded[last..]);
            assert_eq!(redactor.redact_text(&encoded), expected, "{before:?}");
        }
    }

    #[test]
    fn what_other_percent_encoders_write_is_found() {
        let redactor = Redactor::new(["x8Q~a(b)*c d!e$f'g"]);
        for spelling in [
            "x8Q~a(b)*c%20d!e%24f'g",           // encodeURIComponent
            "x8Q%7Ea%28b%29*c+d%21e%24f%27g",   // URLSearchParams, java.net.URLEncoder
            "x8Q%7ea%28b%29*c+d%21e%24f%27g",   // the same in lower-case hex
            "x8Q%7Ea%28b%29%2Ac+d%21e%24f%27g", // PHP's urlencode
        ] {
            assert_eq!(redactor.redact_text(spelling), MASK, "{spelling}");
        }
    }

    #[test]
    fn what_html_would_read_is_found_in_the_json_of_careful_writers() {
        assert_eq!(Redactor::new(["a&b<c>d"]).redact_text(r"\u0026 a\u0026b\u003cc\u003ed"), r"\u0026 ***");
    }

    #[test]
    fn a_redactor_shows_nothing_of_what_it_looks_for() {
        assert_eq!(format!("{:?}", Redactor::new(["abc"])), "Redactor(0 needles)");
        let shown = format!("{:?}", Redactor::new(["hunter22"]));
        assert!(!shown.contains("hunter22") && shown.ends_with(" needles)"), "{shown}");
    }

    #[test]
    fn what_is_no_secret_stays_as_it_is() {
        let redactor = Redactor::new(["hunter22", "abc"]);
        assert_eq!(redactor.redact(b"nothing of abc here"), None);
    }

    proptest! {
        #[test]
        fn a_masked_text_holds_no_secret(
            secret in "[ -~é]{6,20}", before in "[ -~]{0,9}", after in "[ -~]{0,9}"
        ) {
            let redactor = Redactor::new([secret.as_str()]);
            for text in [
                format!("{before}{secret}{after}"),
                BASE64.encode(format!("{before}{secret}{after}").as_bytes()),
            ] {
                let masked = redactor.redact_text(&text);
                prop_assert!(masked.contains(MASK));
                let rest = masked.replace(MASK, "\0");
                prop_assert!(!redactor.finds(rest.as_bytes()));
            }
        }
    }
}
