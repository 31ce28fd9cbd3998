//! Which addresses may be dialled: the rule that stops a provider's host name, or a connection's base URL,
//! from reaching into the network that Passthrough runs in (server-side request forgery).
//!
//! The rule is for the connector. It is asked for a literal and for every resolved address, and the address
//! that was asked about is the one that is dialled; nothing here resolves or remembers a name.

use std::net::{IpAddr, Ipv4Addr};

use ipnet::IpNet;
use thiserror::Error;

use crate::base_url::{Host, Scheme};

mod embedded;
mod ranges;

use embedded::{Form, form_of};

/// What the operator opened. The default opens nothing: public addresses and https only.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AddressPolicy {
    /// Networks that may be dialled although they are not public.
    pub allow: Vec<IpNet>,
    /// Networks in which plain http may be spoken. Does not open an address by itself.
    pub allow_http: Vec<IpNet>,
    /// Hosts with which plain http may be spoken, as names or address literals. Does not open an address.
    pub allow_http_hosts: Vec<String>,
}

/// An address that may not be dialled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
pub enum BlockedAddress {
    /// Not a public address. For the log; the message leaves the address out, because a stranger who asks
    /// for a name must not learn what it resolves to inside.
    #[error("the host's address is not public ({reason}); an operator may open it with upstream.allow")]
    NotPublic {
        /// The address that was to be dialled.
        ip: IpAddr,
        /// What the address is for.
        reason: &'static str,
    },
    /// Hands out credentials of the machine to whoever asks. No setting opens it.
    #[error("the host's address is that of a cloud metadata service, which is never opened")]
    Metadata {
        /// The address that was to be dialled.
        ip: IpAddr,
    },
}

/// Plain http where the operator did not open it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error(
    "plain http is not open for this host; use https, or let an operator open it with upstream.allow_http"
)]
pub struct BlockedScheme;

/// A port that is neither the scheme's own nor the base URL's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Error)]
#[error("port {port} is not open; use 443, or write the port into the base URL")]
pub struct BlockedPort {
    /// The port that was to be dialled.
    pub port: u16,
}

impl AddressPolicy {
    /// Whether `ip` may be dialled.
    ///
    /// An IPv6 address that stands for an IPv4 one (mapped, NAT64) is judged as that one; one that carries
    /// an IPv4 address to a relay (6to4, Teredo, ISATAP, …) must be allowed itself and so must what it
    /// carries, whatever the operator opened.
    pub fn check(&self, ip: IpAddr) -> Result<(), BlockedAddress> {
        if ranges::is_metadata(ip) {
            return Err(BlockedAddress::Metadata { ip });
        }
        match form_of(ip) {
            Form::Plain => self.judge(ip, ip),
            Form::StandsFor(v4) => self.judge_v4(ip, v4),
            Form::Carries(carried) => {
                carried.into_iter().flatten().try_for_each(|v4| self.judge_v4(ip, v4))?;
                self.judge(ip, ip)
            }
        }
    }

    /// Whether `scheme` may be spoken with `host` at `ip`: https always, http only where the address lies in
    /// an opened network or the host is named.
    pub fn check_scheme(&self, scheme: Scheme, host: &Host, ip: IpAddr) -> Result<(), BlockedScheme> {
        let dialled = match form_of(ip) {
            Form::StandsFor(v4) => IpAddr::V4(v4),
            Form::Plain | Form::Carries(_) => ip,
        };
        let open = scheme == Scheme::Https
            || self.allow_http.iter().any(|network| network.contains(&dialled))
            || self.allow_http_hosts.iter().any(|named| Host::parse(named).as_ref() == Ok(host));
        if open { Ok(()) } else { Err(BlockedScheme) }
    }

    /// Whether `port` may be dialled: 443 for https, 80 for http, and otherwise only `stated`, the port of
    /// the base URL that the request belongs to (`None` for a hop that no base URL speaks for, such as a
    /// redirect to another origin).
    pub fn check_port(&self, scheme: Scheme, port: u16, stated: Option<u16>) -> Result<(), BlockedPort> {
        if port == scheme.default_port() || Some(port) == stated { Ok(()) } else { Err(BlockedPort { port }) }
    }

    fn judge_v4(&self, ip: IpAddr, stands_for: Ipv4Addr) -> Result<(), BlockedAddress> {
        let stands_for = IpAddr::V4(stands_for);
        if ranges::is_metadata(stands_for) {
            return Err(BlockedAddress::Metadata { ip });
        }
        self.judge(ip, stands_for)
    }

    fn judge(&self, ip: IpAddr, judged: IpAddr) -> Result<(), BlockedAddress> {
        if self.allow.iter().any(|network| network.contains(&judged)) {
            return Ok(());
        }
        match ranges::why_not_public(judged) {
            Some(reason) => Err(BlockedAddress::NotPublic { ip, reason }),
            None => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests;
