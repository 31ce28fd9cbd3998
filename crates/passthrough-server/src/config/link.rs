//! The section `link`: where end users reach this server, whose brand they see, and where they may be sent.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;

use bytes::Bytes;
use data_encoding::BASE64;
use passthrough_core::base_url::{BaseUrl, Host, Origin, Scheme};
use serde::Deserialize;

use super::ConfigError;
use crate::link::colour::Colour;

/// A logo is a small picture; a larger one is a mistake.
const MAX_LOGO_BYTES: usize = 256 * 1024;

/// As it is written.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LinkSettings {
    public_url: String,
    name: String,
    colour: String,
    logo: String,
    redirect_urls: Vec<String>,
    message_origins: Vec<String>,
    frame_ancestors: Vec<String>,
}

/// How accounts are linked.
#[derive(Debug, Clone)]
pub struct Linking {
    /// Where end users and providers reach this server.
    pub public_url: Origin,
    /// Whose page it is.
    pub brand: Brand,
    /// Where an end user may be sent afterwards: at one of these, or below.
    pub redirect_urls: Vec<BaseUrl>,
    /// Whose pages may be told the result.
    pub message_origins: Vec<Origin>,
    /// Whose pages may hold ours in a frame.
    pub frame_ancestors: Vec<Origin>,
}

/// Whose page it is.
#[derive(Debug, Clone)]
pub struct Brand {
    /// The product's name; empty for none.
    pub name: String,
    /// Its colour.
    pub colour: Colour,
    /// Its logo.
    pub logo: Option<Logo>,
}

/// A picture.
#[derive(Debug, Clone)]
pub struct Logo {
    /// Its media type.
    pub content_type: &'static str,
    /// Its bytes.
    pub bytes: Bytes,
}

impl Linking {
    /// Port 0 takes a free one: then the address is known only once it is listened on.
    pub fn listen_at(&mut self, address: SocketAddr) {
        if self.public_url.port == 0 {
            self.public_url.port = address.port();
        }
    }

    /// Whether cookies can be told to travel by TLS only. Browsers refuse that over plain http.
    pub fn is_secure(&self) -> bool {
        self.public_url.scheme == Scheme::Https
    }
}

impl LinkSettings {
    pub(super) fn check(self, listen: SocketAddr) -> Result<Linking, ConfigError> {
        let brand = Brand {
            colour: self.colour.trim().parse().map_err(|error| invalid("colour", &self.colour, error))?,
            logo: read_logo(self.logo.trim())?,
            name: self.name.trim().to_owned(),
        };
        Ok(Linking {
            public_url: public_url(self.public_url.trim(), listen)?,
            brand,
            redirect_urls: list("redirect_urls", &self.redirect_urls, url)?,
            message_origins: list("message_origins", &self.message_origins, origin)?,
            frame_ancestors: list("frame_ancestors", &self.frame_ancestors, origin)?,
        })
    }
}

fn invalid(setting: &str, value: &str, problem: impl std::fmt::Display) -> ConfigError {
    ConfigError::Invalid(format!("link.{setting}: `{value}` {problem}"))
}

/// The address of this server; where nobody says, the one that it listens on, for browsers on this machine.
fn public_url(text: &str, listen: SocketAddr) -> Result<Origin, ConfigError> {
    if text.is_empty() {
        let ip = match listen.ip() {
            ip if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
            ip => ip,
        };
        return Ok(Origin { scheme: Scheme::Http, host: Host::Ip(ip), port: listen.port() });
    }
    origin(text).map_err(|problem| invalid("public_url", text, problem))
}

fn list<T>(
    setting: &str,
    given: &[String],
    read: impl Fn(&str) -> Result<T, String>,
) -> Result<Vec<T>, ConfigError> {
    let entries = given.iter().map(|entry| entry.trim()).filter(|entry| !entry.is_empty());
    entries.map(|entry| read(entry).map_err(|problem| invalid(setting, entry, problem))).collect()
}

fn url(text: &str) -> Result<BaseUrl, String> {
    let url = BaseUrl::parse(text).map_err(|error| format!("is no such address: {error}"))?;
    // A token that travels in the clear is everybody's.
    if url.origin.scheme == Scheme::Http && !is_loopback(&url.origin.host) {
        return Err("must be https; plain http is for this machine only".to_owned());
    }
    Ok(url)
}

fn origin(text: &str) -> Result<Origin, String> {
    let url = url(text)?;
    if !url.path().is_empty() {
        return Err("must be scheme, host and port only, without a path".to_owned());
    }
    Ok((*url.origin).clone())
}

/// Whether a host is this machine, as browsers see it.
fn is_loopback(host: &Host) -> bool {
    match host {
        Host::Ip(ip) => ip.is_loopback(),
        Host::Domain(name) => name == "localhost" || name.ends_with(".localhost"),
    }
}

/// A picture from a file or a `data:` URI.
fn read_logo(text: &str) -> Result<Option<Logo>, ConfigError> {
    if text.is_empty() {
        return Ok(None);
    }
    let bytes = match text.strip_prefix("data:") {
        Some(data) => {
            let encoded = data.split_once(";base64,").map(|(_, encoded)| encoded);
            let bytes = encoded.and_then(|encoded| BASE64.decode(encoded.as_bytes()).ok());
            bytes.ok_or_else(|| invalid("logo", "data:…", "must be `data:<type>;base64,<picture>`"))?
        }
        None => {
            let path = PathBuf::from(text);
            let read = std::fs::read(&path);
            read.map_err(|source| ConfigError::Unreadable {
                setting: "link.logo",
                path: path.display().to_string(),
                source,
            })?
        }
    };
    let shown = if text.starts_with("data:") { "data:…" } else { text };
    if bytes.len() > MAX_LOGO_BYTES {
        return Err(invalid("logo", shown, format!("is larger than {MAX_LOGO_BYTES} bytes")));
    }
    let content_type = picture_type(&bytes);
    let content_type =
        content_type.ok_or_else(|| invalid("logo", shown, "is no SVG, PNG, JPEG, WebP or GIF"))?;
    Ok(Some(Logo { content_type, bytes: bytes.into() }))
}

/// Judged by its bytes: what a name says is not what a browser is told.
fn picture_type(bytes: &[u8]) -> Option<&'static str> {
    let text = || {
        let text = std::str::from_utf8(bytes).ok()?.trim_start_matches('\u{feff}').trim_start();
        let svg = text.starts_with("<svg") || (text.starts_with("<?xml") && text.contains("<svg"));
        svg.then_some("image/svg+xml")
    };
    match bytes {
        [0x89, b'P', b'N', b'G', ..] => Some("image/png"),
        [0xff, 0xd8, 0xff, ..] => Some("image/jpeg"),
        [b'G', b'I', b'F', b'8', ..] => Some("image/gif"),
        [b'R', b'I', b'F', b'F', _, _, _, _, b'W', b'E', b'B', b'P', ..] => Some("image/webp"),
        _ => text(),
    }
}
