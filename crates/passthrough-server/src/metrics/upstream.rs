//! What the way to providers counts: places, sockets, breakers. It knows no providers, so nothing here is
//! counted by provider, and never by host: hosts come from connections, and there are as many as customers.

use super::number::{Counter, Gauge, Histogram};

/// Why a socket to a provider was closed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed {
    /// It rested for too long.
    Expired,
    /// There were enough resting ones, or, of HTTP/2, enough in all.
    Full,
    /// The provider closed it while it rested, or sent what nobody had asked for.
    Dead,
    /// The provider asked for it, or the framing of its answer was in doubt: another caller must not read what
    /// is left on it.
    NotReusable,
    /// A call ended before its answer did: a deadline, a caller who left, or a connection that broke.
    Abandoned,
    /// It became a WebSocket and ended as one.
    Upgraded,
}

impl Closed {
    pub(super) const ALL: [(Closed, &str); 6] = [
        (Closed::Expired, "expired"),
        (Closed::Full, "full"),
        (Closed::Dead, "dead"),
        (Closed::NotReusable, "not_reusable"),
        (Closed::Abandoned, "abandoned"),
        (Closed::Upgraded, "upgraded"),
    ];
}

/// The numbers of the way to providers.
#[derive(Debug, Default)]
pub struct Upstream {
    /// How long calls waited for their places in flight.
    pub queue: Histogram,
    /// How long connecting took: name, TCP and TLS.
    pub connect: Histogram,
    /// Sockets opened.
    pub opened: Counter,
    /// Calls that went out on a socket that had served before.
    pub reused: Counter,
    closed: [Counter; Closed::ALL.len()],
    /// Repetitions of a call.
    pub retries: Counter,
    /// The breakers.
    pub breakers: Breakers,
}

/// The numbers of the breakers.
#[derive(Debug, Default)]
pub struct Breakers {
    /// Origins that are left alone at the moment.
    pub open: Gauge,
    /// Origins that are being tried with one call.
    pub probing: Gauge,
    /// How often one opened.
    pub opened: Counter,
}

impl Upstream {
    /// Counts a socket that is closed.
    pub fn closed(&self, why: Closed) {
        if let Some(counter) = self.closed.get(why as usize) {
            counter.increment();
        }
    }

    /// How many were closed, by reason.
    pub fn closed_by_reason(&self) -> impl Iterator<Item = (&'static str, u64)> {
        Closed::ALL.iter().zip(&self.closed).map(|((_, name), counter)| (*name, counter.get()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_has_its_own_place() {
        for (index, (reason, name)) in Closed::ALL.into_iter().enumerate() {
            let upstream = Upstream::default();
            upstream.closed(reason);
            let counts: Vec<_> = upstream.closed_by_reason().collect();
            assert_eq!(counts[index], (name, 1));
            assert_eq!(counts.iter().map(|(_, count)| count).sum::<u64>(), 1);
        }
    }
}
