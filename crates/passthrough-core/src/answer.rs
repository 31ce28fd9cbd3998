//! Shaping a provider's answer for the envelope: what `response` is and how it is presented.
//!
//! JSON is never parsed and printed again: its text goes into the envelope as it came, so that no number
//! changes on the way.

use std::io::Read;
use std::str::FromStr;

use bytes::Bytes;
use data_encoding::BASE64;
use encoding_rs::Encoding;
use flate2::read::{MultiGzDecoder, ZlibDecoder};
use serde_json::value::RawValue;
use thiserror::Error;

/// How much larger than its compressed form an answer may be, beyond a small start. A stock client turned
/// 397 KiB into 400 MiB.
const MAX_RATIO: usize = 100;
const RATIO_FREE_BYTES: usize = 64 * 1024;

/// How a caller wants `response` to be presented.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ResponseAs {
    /// By the answer's content type.
    #[default]
    Auto,
    /// As JSON, or an error.
    Json,
    /// As a text, decoded by its charset.
    Text,
    /// As base64 of the bytes.
    Base64,
}

/// How `response` is presented.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ResponseEncoding {
    /// The JSON itself.
    Json,
    /// A string.
    Text,
    /// A base64 string of the bytes.
    Base64,
}

impl ResponseEncoding {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            ResponseEncoding::Json => "json",
            ResponseEncoding::Text => "text",
            ResponseEncoding::Base64 => "base64",
        }
    }
}

/// A text that names no presentation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("must be one of auto, json, text, base64")]
pub struct UnknownResponseAs;

impl FromStr for ResponseAs {
    type Err = UnknownResponseAs;

    fn from_str(text: &str) -> Result<Self, UnknownResponseAs> {
        match text {
            "auto" => Ok(ResponseAs::Auto),
            "json" => Ok(ResponseAs::Json),
            "text" => Ok(ResponseAs::Text),
            "base64" => Ok(ResponseAs::Base64),
            _ => Err(UnknownResponseAs),
        }
    }
}

/// The `response` of an envelope.
#[derive(Debug)]
pub struct ShapedBody {
    /// JSON text of the value.
    pub json: Box<RawValue>,
    /// What the value is.
    pub encoding: ResponseEncoding,
}

/// Why a body cannot be shaped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum ShapeError {
    /// The content coding is damaged.
    #[error("the provider's answer cannot be decompressed")]
    Decode,
    /// The caller asked for JSON and it is none.
    #[error("the provider's answer is not JSON; ask with `responseAs: \"auto\"` to see it")]
    NotJson,
    /// Larger than allowed once decompressed.
    #[error("the provider's answer is too large once decompressed; fetch it through /v1/proxy")]
    TooLarge,
}

/// Shapes a body. `max_bytes` bounds what a compressed answer may become.
pub fn shape(
    content_type: Option<&str>,
    content_encoding: Option<&str>,
    body: Bytes,
    wanted: ResponseAs,
    max_bytes: usize,
) -> Result<ShapedBody, ShapeError> {
    let Some(body) = decode(content_encoding, &body, max_bytes)? else {
        // A coding that we do not know: the bytes as they are, which no other form could hold.
        return if wanted == ResponseAs::Json { Err(ShapeError::Decode) } else { Ok(base64(&body)) };
    };
    let media = MediaType::parse(content_type.unwrap_or_default());
    match wanted {
        ResponseAs::Base64 => Ok(base64(&body)),
        ResponseAs::Text => Ok(text(&media.decode_lossily(&body))),
        ResponseAs::Json => json(&body).ok_or(ShapeError::NotJson),
        ResponseAs::Auto => Ok(shape_by_type(&media, &body)),
    }
}

fn shape_by_type(media: &MediaType, body: &[u8]) -> ShapedBody {
    if body.is_empty() {
        return text("");
    }
    if media.is_json()
        && let Some(json) = json(body)
    {
        return json;
    }
    match media.decode(body) {
        Some(decoded) => text(&decoded),
        None => base64(body),
    }
}

/// A byte order mark, which some servers write in front, is not part of the JSON (RFC 8259 §8.1).
fn json(body: &[u8]) -> Option<ShapedBody> {
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let json = serde_json::from_slice::<Box<RawValue>>(body).ok()?;
    Some(ShapedBody { json, encoding: ResponseEncoding::Json })
}

fn text(text: &str) -> ShapedBody {
    ShapedBody { json: json_string(text), encoding: ResponseEncoding::Text }
}

fn base64(body: &[u8]) -> ShapedBody {
    ShapedBody { json: json_string(&BASE64.encode(body)), encoding: ResponseEncoding::Base64 }
}

fn json_string(text: &str) -> Box<RawValue> {
    serde_json::value::to_raw_value(text).unwrap_or_default()
}

/// The body without its content coding; `None` for a coding that is unknown here. `max_bytes` bounds what it
/// may become.
pub fn decode(coding: Option<&str>, body: &Bytes, max_bytes: usize) -> Result<Option<Bytes>, ShapeError> {
    let coding = coding.unwrap_or("identity").trim().to_ascii_lowercase();
    if body.is_empty() || coding.is_empty() || coding == "identity" {
        return Ok(Some(body.clone()));
    }
    let Some(decoder) = decoder(&coding, body) else { return Ok(None) };
    let limit = max_bytes.min(body.len().saturating_mul(MAX_RATIO).max(RATIO_FREE_BYTES));
    let decoded = read_at_most(decoder, limit.min(DECODED_AT_ONCE))?;
    if decoded.len() <= limit.min(DECODED_AT_ONCE) {
        return Ok(Some(decoded.into()));
    }
    drop(decoded);
    // Counted before it is held: a bomb of a few kilobytes must not fill memory before it is found out, nor
    // a buffer that grows hold everything twice.
    let Some(counted) = self::decoder(&coding, body) else { return Ok(None) };
    let length = std::io::copy(&mut counted.take(limit as u64 + 1), &mut std::io::sink());
    let length = length.map_err(|_| ShapeError::Decode)?;
    let length =
        usize::try_from(length).ok().filter(|length| *length <= limit).ok_or(ShapeError::TooLarge)?;
    let Some(decoder) = self::decoder(&coding, body) else { return Ok(None) };
    let mut out = Vec::with_capacity(length);
    decoder.take(length as u64).read_to_end(&mut out).map_err(|_| ShapeError::Decode)?;
    Ok(Some(out.into()))
}

/// What is decoded without being counted first.
const DECODED_AT_ONCE: usize = 1024 * 1024;

/// Up to one byte more than `most`.
fn read_at_most(decoder: impl Read, most: usize) -> Result<Vec<u8>, ShapeError> {
    let mut out = Vec::new();
    decoder.take(most as u64 + 1).read_to_end(&mut out).map_err(|_| ShapeError::Decode)?;
    Ok(out)
}

fn decoder<'a>(coding: &str, body: &'a [u8]) -> Option<Box<dyn Read + 'a>> {
    match coding {
        "gzip" | "x-gzip" => Some(Box::new(MultiGzDecoder::new(body))),
        "deflate" => Some(Box::new(ZlibDecoder::new(body))),
        _ => None,
    }
}

/// What matters of a `Content-Type`.
struct MediaType {
    essence: String,
    charset: Option<String>,
}

impl MediaType {
    fn parse(value: &str) -> Self {
        let mut parts = value.split(';').map(str::trim);
        let essence = parts.next().unwrap_or_default().to_ascii_lowercase();
        let charset = parts.filter_map(|part| part.split_once('=')).find_map(|(name, value)| {
            name.trim().eq_ignore_ascii_case("charset").then(|| value.trim().trim_matches('"').to_owned())
        });
        Self { essence, charset }
    }

    fn is_json(&self) -> bool {
        let (_, subtype) = self.essence.split_once('/').unwrap_or_default();
        subtype == "json" || subtype.ends_with("+json")
    }

    fn is_text(&self) -> bool {
        let (kind, subtype) = self.essence.split_once('/').unwrap_or_default();
        let named = [
            "xml",
            "javascript",
            "ecmascript",
            "x-www-form-urlencoded",
            "x-ndjson",
            "ndjson",
            "jsonl",
            "yaml",
            "x-yaml",
            "toml",
            "graphql",
            "sql",
            "soap",
        ];
        kind == "text" || self.is_json() || named.contains(&subtype) || subtype.ends_with("+xml")
    }

    /// The text, where it is one: by the declared charset, else UTF-8. Bytes that are no text of that
    /// charset are bytes, so that nothing is lost to replacement characters.
    fn decode<'a>(&self, body: &'a [u8]) -> Option<std::borrow::Cow<'a, str>> {
        if self.charset.is_none() && !self.is_text() && !(self.essence.is_empty() && looks_like_text(body)) {
            return None;
        }
        match &self.charset {
            Some(label) if !label.eq_ignore_ascii_case("utf-8") && !label.eq_ignore_ascii_case("utf8") => {
                Encoding::for_label(label.as_bytes())?
                    .decode_without_bom_handling_and_without_replacement(body)
            }
            _ => std::str::from_utf8(body).ok().map(Into::into),
        }
    }

    fn decode_lossily<'a>(&self, body: &'a [u8]) -> std::borrow::Cow<'a, str> {
        let label = self.charset.as_deref().unwrap_or("utf-8");
        let encoding = Encoding::for_label(label.as_bytes()).unwrap_or(encoding_rs::UTF_8);
        encoding.decode_without_bom_handling(body).0
    }
}

fn looks_like_text(body: &[u8]) -> bool {
    !body.iter().any(|byte| *byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r'))
}

#[cfg(test)]
mod tests;
