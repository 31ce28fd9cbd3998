//! What must hold for any text at all, as plain functions: property tests and fuzz targets call the same.

use super::{BaseUrl, Host};
use crate::path::CallerPath;

/// Either an error, or the URI has the stored scheme and authority and every reading of its path lies below
/// the base. `Err` says what broke.
pub fn joining_stays_inside(base: &str, path: &str) -> Result<(), &'static str> {
    let (Ok(base), Ok(path)) = (BaseUrl::parse(base), CallerPath::parse(path)) else { return Ok(()) };
    let joined = base.join(None, &path).map_err(|_| "two accepted parts were not joined")?;
    if joined.expose() != format!("{}{}", base.path(), path.path_and_query()) {
        return Err("bytes were changed in joining");
    }
    let uri = base.uri(&joined).map_err(|_| "an accepted path cannot be sent")?;
    if uri.scheme_str() != Some(base.origin.scheme.as_str()) {
        return Err("the scheme changed");
    }
    if uri.authority().map(|a| a.as_str().to_owned()) != Some(base.origin.authority()) {
        return Err("the authority changed");
    }
    for cut_parameters in [false, true] {
        let inside = resolve(uri.path(), cut_parameters).starts_with(&resolve(base.path(), cut_parameters));
        if !inside {
            return Err("the path left the base");
        }
    }
    Ok(())
}

/// Either an error, or the host is in its canonical spelling: it reads back as itself, and a domain is
/// nothing that the standard library reads as an address.
pub fn a_host_is_canonical(text: &str) -> Result<(), &'static str> {
    let Ok(host) = Host::parse(text) else { return Ok(()) };
    if Host::parse(&host.to_string()).as_ref() != Ok(&host) {
        return Err("the host does not read back as itself");
    }
    if http::uri::Authority::try_from(host.to_string()).is_err() {
        return Err("the host is no authority");
    }
    match host {
        Host::Domain(name) if name.parse::<std::net::IpAddr>().is_ok() => Err("a domain is an address"),
        _ => Ok(()),
    }
}

/// The stack of names that a server may end up with, resolving dots after decoding once.
fn resolve(path: &str, cut_parameters: bool) -> Vec<Vec<u8>> {
    let mut stack: Vec<Vec<u8>> = Vec::new();
    let text: String = if cut_parameters {
        path.split('/').map(|s| s.split(';').next().unwrap_or_default()).collect::<Vec<_>>().join("/")
    } else {
        path.to_owned()
    };
    let decoded: Vec<u8> = percent_encoding::percent_decode_str(&text).collect();
    for name in decoded.split(|b| *b == b'/' || *b == b'\\') {
        let name = if cut_parameters { name.split(|b| *b == b';').next().unwrap_or_default() } else { name };
        match name {
            b"" | b"." => {}
            b".." => {
                stack.pop();
            }
            _ => stack.push(name.to_vec()),
        }
    }
    stack
}
