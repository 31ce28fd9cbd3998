//! The guarded connector: from an origin to a connection, past the address rules.
//!
//! The rule is judged here, on the literal and on every resolved address, and the address that was judged
//! is the one that is dialled: a check anywhere earlier could be walked around with a literal, or with a
//! name that resolves differently the second time (DNS rebinding). No proxy is read from the environment.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use futures_util::StreamExt;
use futures_util::stream::FuturesUnordered;
use passthrough_core::address::AddressPolicy;
use passthrough_core::base_url::{Host, Origin, Scheme};
use tokio::net::TcpStream;
use tokio::time::{sleep, timeout};

use super::error::{Reason, SendError, classify_dial};
use super::identity::ClientIdentity;
use super::resolve::Resolver;
use super::tls::{Offer, Stream, Tls};

/// How long the next address waits for the one before it (RFC 8305 §5).
const STAGGER: Duration = Duration::from_millis(250);
/// The most addresses of one name that are tried.
const MAX_ADDRESSES: usize = 16;

/// Makes connections to origins.
pub(super) struct Connector {
    pub(super) policy: AddressPolicy,
    pub(super) resolver: Resolver,
    pub(super) tls: Tls,
    pub(super) dns_timeout: Duration,
    /// TCP and TLS together.
    pub(super) connect_timeout: Duration,
}

impl Connector {
    pub(super) async fn connect(
        &self,
        origin: &Origin,
        identity: Option<&ClientIdentity>,
        offer: Offer,
    ) -> Result<Stream, SendError> {
        let addresses = match &origin.host {
            Host::Ip(ip) => vec![*ip],
            Host::Domain(name) => timeout(self.dns_timeout, self.resolver.resolve(name))
                .await
                .unwrap_or_else(|_| Err(SendError::unsent(Reason::Dns).with("no answer in time")))?,
        };
        let allowed = self.allowed(origin, addresses)?;
        let connect = async {
            let tcp = dial_any(interleave(allowed), origin.port).await;
            let tcp = tcp.map_err(|error| SendError::unsent(classify_dial(&error)).with(error.kind()))?;
            match origin.scheme {
                Scheme::Http => Ok(Stream::Plain(tcp)),
                Scheme::Https => self.tls.handshake(tcp, &origin.host, identity, offer).await,
            }
        };
        timeout(self.connect_timeout, connect)
            .await
            .unwrap_or_else(|_| Err(SendError::unsent(Reason::ConnectTimeout)))
    }

    /// The addresses that may be dialled. Some refused: the rest. All refused: none is touched.
    fn allowed(&self, origin: &Origin, addresses: Vec<IpAddr>) -> Result<Vec<IpAddr>, SendError> {
        if addresses.is_empty() {
            return Err(SendError::unsent(Reason::Dns).with("the name has no address"));
        }
        let mut allowed = Vec::with_capacity(addresses.len());
        let mut refusal = None;
        for ip in addresses {
            // Stops server-side request forgery: requests carry a customer's credential and leave from
            // inside the operator's network.
            let verdict = self.policy.check(ip).map_err(|refused| refused.to_string()).and_then(|()| {
                self.policy
                    .check_scheme(origin.scheme, &origin.host, ip)
                    .map_err(|refused| refused.to_string())
            });
            match verdict {
                Ok(()) => allowed.push(ip),
                Err(refused) => refusal = Some(refused),
            }
        }
        match refusal {
            Some(refused) if allowed.is_empty() => {
                Err(SendError::unsent(Reason::BlockedAddress).with(refused))
            }
            _ => Ok(allowed),
        }
    }
}

/// IPv6 and IPv4 in turn, each in the order given, beginning with the family of the first.
fn interleave(addresses: Vec<IpAddr>) -> Vec<IpAddr> {
    let leads_v6 = addresses.first().is_some_and(IpAddr::is_ipv6);
    let (first, second): (Vec<_>, Vec<_>) = addresses.into_iter().partition(|ip| ip.is_ipv6() == leads_v6);
    let (mut first, mut second) = (first.into_iter(), second.into_iter());
    let mut mixed = Vec::new();
    loop {
        let pair = (first.next(), second.next());
        if pair == (None, None) || mixed.len() >= MAX_ADDRESSES {
            return mixed;
        }
        mixed.extend(pair.0);
        mixed.extend(pair.1);
    }
}

/// The first address that accepts. The next one is dialled when the one before failed, or is slow.
async fn dial_any(addresses: Vec<IpAddr>, port: u16) -> io::Result<TcpStream> {
    let mut waiting = addresses.into_iter();
    let mut dialling = FuturesUnordered::new();
    let mut last_error = io::Error::from(io::ErrorKind::AddrNotAvailable);
    loop {
        match waiting.next() {
            Some(ip) => dialling.push(TcpStream::connect(SocketAddr::new(ip, port))),
            None if dialling.is_empty() => return Err(last_error),
            None => {}
        }
        tokio::select! {
            Some(result) = dialling.next() => match result {
                Ok(tcp) => {
                    tcp.set_nodelay(true)?;
                    return Ok(tcp);
                }
                Err(error) => last_error = error,
            },
            () = sleep(STAGGER), if waiting.len() > 0 => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn families_take_turns_and_keep_their_order() {
        let read = |text: &str| text.split(' ').map(|ip| ip.parse().unwrap()).collect::<Vec<IpAddr>>();
        assert_eq!(interleave(read("::1 ::2 ::3 1.1.1.1")), read("::1 1.1.1.1 ::2 ::3"));
        assert_eq!(interleave(read("1.1.1.1 1.1.1.2 ::1")), read("1.1.1.1 ::1 1.1.1.2"));
    }

    #[test]
    fn to_be_out_of_sockets_is_no_failure_of_the_provider() {
        for (number, reason) in [(23, Reason::Overloaded), (24, Reason::Overloaded), (111, Reason::Connect)] {
            assert_eq!(classify_dial(&io::Error::from_raw_os_error(number)), reason);
        }
    }
}
