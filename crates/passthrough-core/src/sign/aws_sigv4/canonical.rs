//! The canonical request and what is made of it, as AWS's "Signature Version 4 signing process" has them. The tests hold
//! this against AWS's own implementation, request for request.

use aws_lc_rs::{digest, hmac};
use data_encoding::HEXLOWER;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, percent_encode};
use secrecy::{ExposeSecret, SecretString};
use zeroize::Zeroizing;

use super::place::Place;
use crate::grant::parse_form;
use crate::path::encode_query_component;

/// What is encoded of a path: everything but RFC 3986 `unreserved` and the slash.
const PATH: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~').remove(b'/');

/// What is signed of a request.
pub(super) struct Canonical<'a> {
    pub(super) method: &'a str,
    pub(super) path: &'a str,
    pub(super) query: &'a str,
    /// The headers that are signed, `host` among them, names in lower case, in any order.
    pub(super) headers: Vec<(String, &'a [u8])>,
    /// The body's hash, or what stands for it.
    pub(super) payload: &'a str,
}

/// Who signs, for what, when.
pub(super) struct Signing<'a> {
    pub(super) place: &'a Place,
    pub(super) access_key_id: &'a SecretString,
    pub(super) secret_access_key: &'a SecretString,
    /// `20150830T123600Z`.
    pub(super) date_time: &'a str,
}

impl Signing<'_> {
    /// The value of `Authorization`.
    pub(super) fn authorization(&self, mut request: Canonical<'_>) -> String {
        // Stable: values of one name stay in their order.
        request.headers.sort_by(|(one, _), (other, _)| one.cmp(other));
        let date = self.date_time.split('T').next().unwrap_or_default();
        let Place { region, service } = self.place;
        let scope = format!("{date}/{region}/{service}/aws4_request");
        let (canonical, signed) = canonical_request(&request, self.place.is_s3());
        let hash = HEXLOWER.encode(digest::digest(&digest::SHA256, &canonical).as_ref());
        let text = format!("AWS4-HMAC-SHA256\n{}\n{scope}\n{hash}", self.date_time);
        let first = Zeroizing::new(format!("AWS4{}", self.secret_access_key.expose_secret()));
        let mut key = mac(first.as_bytes(), date);
        for part in [region, service, "aws4_request"] {
            key = mac(key.as_ref(), part);
        }
        let signature = HEXLOWER.encode(mac(key.as_ref(), &text).as_ref());
        let id = self.access_key_id.expose_secret();
        format!("AWS4-HMAC-SHA256 Credential={id}/{scope}, SignedHeaders={signed}, Signature={signature}")
    }
}

fn mac(key: &[u8], text: &str) -> hmac::Tag {
    hmac::sign(&hmac::Key::new(hmac::HMAC_SHA256, key), text.as_bytes())
}

/// The canonical request, and the names of the headers in it.
fn canonical_request(request: &Canonical<'_>, s3: bool) -> (Zeroizing<Vec<u8>>, String) {
    let path = if s3 { s3_path(request.path) } else { encoded(normalised(request.path).as_bytes()) };
    let mut text = Zeroizing::new(Vec::new());
    for line in [request.method, &path, &query(request.query)] {
        text.extend_from_slice(line.as_bytes());
        text.push(b'\n');
    }
    let mut names: Vec<&str> = Vec::new();
    for (name, value) in &request.headers {
        if names.last() == Some(&name.as_str()) {
            text.pop();
            text.push(b',');
        } else {
            names.push(name);
            text.extend_from_slice(name.as_bytes());
            text.push(b':');
        }
        text.extend(squeezed(value));
        text.push(b'\n');
    }
    let names = names.join(";");
    text.extend_from_slice(format!("\n{names}\n{}", request.payload).as_bytes());
    (text, names)
}

/// The path as S3 reads it: decoded once, and encoded its own way.
fn s3_path(path: &str) -> String {
    encoded(&percent_decode_str(path).collect::<Vec<u8>>())
}

/// Every other service encodes what it received once more.
fn encoded(path: &[u8]) -> String {
    percent_encode(path, PATH).to_string()
}

/// Without empty segments and dots (RFC 3986 §5.2.4), as every service but S3 reads a path.
fn normalised(path: &str) -> String {
    let mut kept: Vec<&str> = Vec::new();
    for segment in path.split('/') {
        match segment {
            "" | "." => {}
            ".." => drop(kept.pop()),
            _ => kept.push(segment),
        }
    }
    let open = ["/", "/.", "/.."].iter().any(|end| path.ends_with(end)) && !kept.is_empty();
    format!("/{}{}", kept.join("/"), if open { "/" } else { "" })
}

/// The parameters decoded, encoded in one way, and sorted by what that makes of them.
fn query(query: &str) -> String {
    let pairs = parse_form(query).into_iter();
    let mut pairs: Vec<(String, String)> =
        pairs.map(|(name, value)| (encode_query_component(&name), encode_query_component(&value))).collect();
    pairs.sort();
    pairs.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("&")
}

/// Without spaces around it, and with one for several. Only spaces: a tab is a character like others to S3.
fn squeezed(value: &[u8]) -> Vec<u8> {
    let words = value.split(|byte| *byte == b' ').filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join(&b' ')
}
