//! Names to addresses. Judges nothing: the connector does, on whatever comes out of here.

use std::net::IpAddr;
use std::time::Duration;

use hickory_resolver::TokioResolver;
use hickory_resolver::config::LookupIpStrategy;

use super::Dns;
use super::error::{Reason, SendError};

/// Looks names up.
pub(super) enum Resolver {
    /// Own resolver with a cache that keeps to the records' TTL.
    Hickory(Box<TokioResolver>),
    /// The operating system's with its own rules (hosts file, search list), on a blocking thread, without
    /// a cache.
    System,
}

impl Resolver {
    /// Falls back to the system's resolver where its configuration cannot be read, so that a machine
    /// without name servers can still reach addresses and the names of its hosts file.
    pub(super) fn new(dns: Dns, deadline: Duration) -> Self {
        match dns {
            Dns::System => Resolver::System,
            Dns::Hickory => build(deadline).unwrap_or_else(|| {
                tracing::warn!("the system's DNS configuration cannot be read; using the system's resolver");
                Resolver::System
            }),
        }
    }

    pub(super) async fn resolve(&self, name: &str) -> Result<Vec<IpAddr>, SendError> {
        match self {
            Resolver::Hickory(resolver) => {
                let found = resolver.lookup_ip(absolute(name)).await;
                Ok(found.map_err(|error| SendError::unsent(Reason::Dns).with(error))?.iter().collect())
            }
            Resolver::System => {
                let found = tokio::net::lookup_host((name, 0)).await;
                let found = found.map_err(|error| SendError::unsent(Reason::Dns).with(error))?;
                Ok(found.map(|address| address.ip()).collect())
            }
        }
    }
}

/// A name with a dot is absolute: the search list of the machine must not be tried on it, or whoever owns
/// a wildcard in a search domain could receive a provider's requests. A bare label keeps the search list.
fn absolute(name: &str) -> String {
    if name.contains('.') && !name.ends_with('.') { format!("{name}.") } else { name.to_owned() }
}

fn build(deadline: Duration) -> Option<Resolver> {
    let mut builder = TokioResolver::builder_tokio().ok()?;
    let options = builder.options_mut();
    options.ip_strategy = LookupIpStrategy::Ipv6AndIpv4;
    // A lost datagram is asked for again before the deadline, not after it.
    options.timeout = deadline / 3;
    options.attempts = 2;
    Some(Resolver::Hickory(Box::new(builder.build().ok()?)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_with_a_dot_is_asked_as_it_is() {
        assert_eq!(absolute("api.example.com"), "api.example.com.");
        assert_eq!(absolute("api.example.com."), "api.example.com.");
        assert_eq!(absolute("localhost"), "localhost");
    }
}
