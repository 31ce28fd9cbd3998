//! The tables: what is not public, and what is never opened.
//!
//! Source: the IANA special-purpose address registries (RFC 6890 and its updates), read conservatively:
//! a range that is "globally reachable" but is no place for an API (6to4 relays, AS112) is not public here.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use ipnet::{Ipv4Net, Ipv6Net};

const fn v4(a: u8, b: u8, c: u8, d: u8, prefix: u8) -> Ipv4Net {
    Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, d), prefix)
}

const fn v6(a: u16, b: u16, c: u16, d: u16, prefix: u8) -> Ipv6Net {
    Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0), prefix)
}

/// IPv4 networks that are not public.
const CLOSED_V4: &[(Ipv4Net, &str)] = &[
    (v4(0, 0, 0, 0, 8), "this network, RFC 791"),
    (v4(10, 0, 0, 0, 8), "private, RFC 1918"),
    (v4(100, 64, 0, 0, 10), "carrier-grade NAT, RFC 6598"),
    (v4(127, 0, 0, 0, 8), "loopback"),
    (v4(169, 254, 0, 0, 16), "link-local, RFC 3927"),
    (v4(172, 16, 0, 0, 12), "private, RFC 1918"),
    (v4(192, 0, 0, 0, 24), "protocol assignments, RFC 6890"),
    (v4(192, 0, 2, 0, 24), "documentation, RFC 5737"),
    (v4(192, 88, 99, 0, 24), "6to4 relays, RFC 7526"),
    (v4(192, 168, 0, 0, 16), "private, RFC 1918"),
    (v4(198, 18, 0, 0, 15), "benchmarking, RFC 2544"),
    (v4(198, 51, 100, 0, 24), "documentation, RFC 5737"),
    (v4(203, 0, 113, 0, 24), "documentation, RFC 5737"),
    (v4(224, 0, 0, 0, 4), "multicast, RFC 5771"),
    (v4(240, 0, 0, 0, 4), "reserved or broadcast, RFC 1112"),
];

/// The only IPv6 network that is public: global unicast.
const PUBLIC_V6: Ipv6Net = v6(0x2000, 0, 0, 0, 3);

/// IPv6 networks inside of global unicast that are not public.
const CLOSED_V6: &[(Ipv6Net, &str)] = &[
    (v6(0x2001, 0, 0, 0, 23), "protocol assignments, RFC 2928"),
    (v6(0x2001, 0xdb8, 0, 0, 32), "documentation, RFC 3849"),
    (v6(0x2002, 0, 0, 0, 16), "6to4, RFC 3056"),
    (v6(0x3fff, 0, 0, 0, 20), "documentation, RFC 9637"),
];

/// IPv4 addresses at which clouds hand out a machine's own credentials, or configure it.
const METADATA_V4: &[Ipv4Net] = &[
    // Most clouds: .254 is the metadata service, its neighbours are name and time servers of the host.
    v4(169, 254, 169, 0, 24),
    // AWS containers: .2 for tasks, .23 for pods.
    v4(169, 254, 170, 0, 24),
    // Tencent and Scaleway.
    v4(169, 254, 0, 23, 32),
    v4(169, 254, 42, 42, 32),
    // Alibaba.
    v4(100, 100, 100, 200, 32),
    // Azure's wire server: a public address that never leaves the host.
    v4(168, 63, 129, 16, 32),
    // Oracle, first generation.
    v4(192, 0, 0, 192, 32),
];

/// The same for IPv6.
const METADATA_V6: &[Ipv6Net] = &[
    // AWS: metadata, name and time servers, pods.
    v6(0xfd00, 0xec2, 0, 0, 32),
    // Google.
    v6(0xfd20, 0xce, 0, 0, 32),
    // Scaleway.
    Ipv6Net::new_assert(Ipv6Addr::new(0xfd00, 0x42, 0, 0, 0, 0, 0, 0x42), 128),
    // Akamai (Linode).
    v6(0xfd00, 0xa9fe, 0xa9fe, 0, 48),
    // OpenStack: link-local, spelling 169.254.169.254.
    Ipv6Net::new_assert(Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0, 0xa9fe, 0xa9fe), 128),
];

/// Whether this very address is one of a metadata service. Embedded IPv4 addresses are asked separately.
pub(super) fn is_metadata(ip: IpAddr) -> bool {
    match ip {
        IpAddr::V4(ip) => METADATA_V4.iter().any(|network| network.contains(&ip)),
        IpAddr::V6(ip) => METADATA_V6.iter().any(|network| network.contains(&ip)),
    }
}

/// What an address is for, if it is not public.
pub(super) fn why_not_public(ip: IpAddr) -> Option<&'static str> {
    match ip {
        IpAddr::V4(ip) => CLOSED_V4.iter().find(|(network, _)| network.contains(&ip)).map(|(_, why)| *why),
        IpAddr::V6(ip) if !PUBLIC_V6.contains(&ip) => Some("outside of global unicast, RFC 4291"),
        IpAddr::V6(ip) => CLOSED_V6.iter().find(|(network, _)| network.contains(&ip)).map(|(_, why)| *why),
    }
}
