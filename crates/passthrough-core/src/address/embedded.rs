//! IPv4 addresses inside of IPv6 ones: without this, `::ffff:127.0.0.1` and `64:ff9b::169.254.169.254` pass
//! every list of IPv4 networks.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// What an address means for the packet that is sent to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// Itself.
    Plain,
    /// This IPv4 address and nothing else: the system or a translator rewrites it.
    StandsFor(Ipv4Addr),
    /// A relay or host of its own, which may pass the packet on to these IPv4 addresses.
    Carries([Option<Ipv4Addr>; 2]),
}

/// Recognises every published way to write an IPv4 address into an IPv6 one.
pub(super) fn form_of(ip: IpAddr) -> Form {
    let IpAddr::V6(ip) = ip else { return Form::Plain };
    let octets = ip.octets();
    let at = |i: usize| Ipv4Addr::new(octets[i], octets[i + 1], octets[i + 2], octets[i + 3]);
    let last = at(12);
    match ip.segments() {
        // `::` and `::1` are the unspecified and the loopback address, not IPv4 ones.
        [0, 0, 0, 0, 0, 0, 0, 0 | 1] => Form::Plain,
        // IPv4-mapped, RFC 4291 section 2.5.5.2.
        [0, 0, 0, 0, 0, 0xffff, _, _] => Form::StandsFor(last),
        // NAT64, RFC 6052 section 2.1.
        [0x64, 0xff9b, 0, 0, 0, 0, _, _] => Form::StandsFor(last),
        // NAT64 for local use, RFC 8215.
        [0x64, 0xff9b, 1, ..] => Form::Carries(local_nat64(ip)),
        // IPv4-compatible, RFC 4291 section 2.5.5.1; IPv4-translated, RFC 2765 section 2.1.
        [0, 0, 0, 0, 0, 0, _, _] | [0, 0, 0, 0, 0xffff, 0, _, _] => Form::Carries([Some(last), None]),
        // 6to4, RFC 3056 section 2.
        [0x2002, ..] => Form::Carries([Some(at(2)), None]),
        // Teredo, RFC 4380 section 4: the server, and the peer's address with every bit flipped.
        [0x2001, 0, ..] => Form::Carries([Some(at(4)), Some(Ipv4Addr::from_bits(!last.to_bits()))]),
        // ISATAP, RFC 5214 section 6.1, in any network.
        [_, _, _, _, 0 | 0x200, 0x5efe, _, _] => Form::Carries([Some(last), None]),
        _ => Form::Plain,
    }
}

/// RFC 8215 leaves the prefix length to the operator: the address may stand at the end (/96) or around the
/// zero octet (/48, RFC 6052 section 2.2). A place that holds zeros only is not the one in use.
fn local_nat64(ip: Ipv6Addr) -> [Option<Ipv4Addr>; 2] {
    let o = ip.octets();
    let at_end = Ipv4Addr::new(o[12], o[13], o[14], o[15]);
    let around = Ipv4Addr::new(o[6], o[7], o[9], o[10]);
    match (at_end.is_unspecified(), around.is_unspecified()) {
        (true, false) => [Some(around), None],
        (false, false) => [Some(at_end), Some(around)],
        (_, true) => [Some(at_end), None],
    }
}
