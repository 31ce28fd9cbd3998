use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use proptest::prelude::*;

use super::*;

fn ip(text: &str) -> IpAddr {
    text.parse().unwrap_or_else(|_| panic!("{text}"))
}

fn policy(allow: &[&str]) -> AddressPolicy {
    AddressPolicy {
        allow: allow.iter().map(|net| net.parse().unwrap()).collect(),
        ..AddressPolicy::default()
    }
}

fn closed() -> AddressPolicy {
    AddressPolicy::default()
}

/// First and last address of each closed network, and the neighbours just outside (`""`: none, or closed too).
const EDGES: &[(&str, &str, &str, &str)] = &[
    ("", "0.0.0.0", "0.255.255.255", "1.0.0.0"),
    ("9.255.255.255", "10.0.0.0", "10.255.255.255", "11.0.0.0"),
    ("100.63.255.255", "100.64.0.0", "100.127.255.255", "100.128.0.0"),
    ("126.255.255.255", "127.0.0.0", "127.255.255.255", "128.0.0.0"),
    ("169.253.255.255", "169.254.0.0", "169.254.255.255", "169.255.0.0"),
    ("172.15.255.255", "172.16.0.0", "172.31.255.255", "172.32.0.0"),
    ("191.255.255.255", "192.0.0.0", "192.0.0.255", "192.0.1.0"),
    ("192.0.1.255", "192.0.2.0", "192.0.2.255", "192.0.3.0"),
    ("192.88.98.255", "192.88.99.0", "192.88.99.255", "192.88.100.0"),
    ("192.167.255.255", "192.168.0.0", "192.168.255.255", "192.169.0.0"),
    ("198.17.255.255", "198.18.0.0", "198.19.255.255", "198.20.0.0"),
    ("198.51.99.255", "198.51.100.0", "198.51.100.255", "198.51.101.0"),
    ("203.0.112.255", "203.0.113.0", "203.0.113.255", "203.0.114.0"),
    ("223.255.255.255", "224.0.0.0", "239.255.255.255", ""),
    ("", "240.0.0.0", "255.255.255.255", ""),
    ("", "::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "2000::"),
    (
        "2000:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001::",
        "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:200::",
    ),
    (
        "2001:db7:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:db8::",
        "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
        "2001:db9::",
    ),
    (
        "2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "2002::",
        "2002:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "2003::",
    ),
    (
        "3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
        "3fff::",
        "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
        "3fff:1000::",
    ),
    ("3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "4000::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", ""),
];

#[test]
fn every_closed_network_is_closed_from_its_first_address_to_its_last() {
    for (before, first, last, after) in EDGES {
        for inside in [first, last] {
            assert!(closed().check(ip(inside)).is_err(), "{inside}");
        }
        for outside in [before, after].into_iter().filter(|text| !text.is_empty()) {
            assert_eq!(closed().check(ip(outside)), Ok(()), "{outside}");
        }
    }
}

#[test]
fn well_known_dangerous_addresses_are_closed_and_public_ones_open() {
    for text in [
        "127.0.0.1",
        "::1",
        "::",
        "0.0.0.0",
        "10.1.2.3",
        "172.20.0.1",
        "192.168.1.1",
        "100.100.0.1",
        "169.254.1.1",
        "fe80::1",
        "fc00::1",
        "fd12::1",
        "ff02::1",
        "fec0::1",
        "100::1",
        "5f00::1",
        "64:ff9b:1::1",
        "64:ff9b:1::808:808",
        "2001::1",
        "2001:2::1",
        "2001:10::1",
        "2002:808:808::1",
        "255.255.255.255",
    ] {
        assert!(closed().check(ip(text)).is_err(), "{text}");
    }
    for text in [
        "1.1.1.1",
        "8.8.8.8",
        "93.184.216.34",
        "2606:4700:4700::1111",
        "2a00:1450:4001::200e",
        "64:ff9b::8.8.8.8",
        "::ffff:8.8.8.8",
    ] {
        assert_eq!(closed().check(ip(text)), Ok(()), "{text}");
    }
}

/// Every published form with an IPv4 address in it.
fn forms(v4: Ipv4Addr) -> Vec<Ipv6Addr> {
    let [a, b, c, d] = v4.octets();
    let hi = u16::from_be_bytes([a, b]);
    let lo = u16::from_be_bytes([c, d]);
    vec![
        Ipv6Addr::new(0, 0, 0, 0, 0, 0xffff, hi, lo),
        Ipv6Addr::new(0, 0, 0, 0, 0, 0, hi, lo),
        Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, hi, lo),
        Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, hi, lo),
        Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, hi, lo),
        Ipv6Addr::new(0x64, 0xff9b, 1, hi, u16::from(c), u16::from(d) << 8, 0, 0),
        Ipv6Addr::new(0x2002, hi, lo, 0, 0, 0, 0, 1),
        Ipv6Addr::new(0x2001, 0, hi, lo, 0, 0, !0x0808, !0x0808),
        Ipv6Addr::new(0x2001, 0, 0x0808, 0x0808, 0, 0, !hi, !lo),
        Ipv6Addr::new(0x2606, 0x4700, 0, 0, 0, 0x5efe, hi, lo),
        Ipv6Addr::new(0x2606, 0x4700, 0, 1, 0x200, 0x5efe, hi, lo),
        Ipv6Addr::new(0xfe80, 0, 0, 0, 0, 0x5efe, hi, lo),
    ]
}

#[test]
fn an_embedded_private_address_is_closed_in_every_form() {
    for text in ["127.0.0.1", "10.0.0.1", "169.254.1.1", "192.168.0.1", "100.64.0.1", "255.255.255.255"] {
        for form in forms(text.parse().unwrap()) {
            assert!(closed().check(form.into()).is_err(), "{form}");
        }
    }
}

#[test]
fn opening_the_outer_network_does_not_open_what_is_inside() {
    let wide = policy(&["::/0"]);
    for form in forms(Ipv4Addr::LOCALHOST) {
        assert!(wide.check(form.into()).is_err(), "{form}");
    }
    for form in forms(Ipv4Addr::new(8, 8, 8, 8)) {
        assert_eq!(wide.check(form.into()), Ok(()), "{form}");
    }
    // Both places of a local NAT64 address are looked at, whichever prefix length the operator uses.
    for text in ["64:ff9b:1:7f00:0:100:808:808", "64:ff9b:1:808:8:800:7f00:1"] {
        assert!(wide.check(ip(text)).is_err(), "{text}");
    }
    // ... and opening what is inside does not open a relay, but does open what merely stands for it.
    let inner = policy(&["127.0.0.0/8"]);
    assert_eq!(inner.check(ip("::ffff:127.0.0.1")), Ok(()));
    assert_eq!(inner.check(ip("64:ff9b::7f00:1")), Ok(()));
    for text in ["2002:7f00:1::1", "::7f00:1", "64:ff9b:1::7f00:1", "fe80::5efe:7f00:1"] {
        assert!(inner.check(ip(text)).is_err(), "{text}");
    }
}

#[test]
fn an_operator_opens_exactly_the_networks_that_are_named() {
    let policy = policy(&["127.0.0.0/8", "::1/128", "10.1.0.0/16"]);
    for text in ["127.0.0.1", "127.255.255.255", "::1", "10.1.0.0", "10.1.255.255", "8.8.8.8"] {
        assert_eq!(policy.check(ip(text)), Ok(()), "{text}");
    }
    for text in ["10.0.255.255", "10.2.0.0", "::", "::2", "0.0.0.0", "192.168.0.1"] {
        assert!(policy.check(ip(text)).is_err(), "{text}");
    }
}

#[test]
fn metadata_addresses_are_never_opened() {
    let wide = policy(&["0.0.0.0/0", "::/0", "169.254.169.254/32", "fd00:ec2::254/128", "64:ff9b::/96"]);
    for text in [
        "169.254.169.254",
        "169.254.169.253",
        "169.254.169.123",
        "169.254.170.2",
        "169.254.170.23",
        "169.254.0.23",
        "169.254.42.42",
        "100.100.100.200",
        "168.63.129.16",
        "192.0.0.192",
        "fd00:ec2::254",
        "fd00:ec2::23",
        "fd20:ce::254",
        "fe80::a9fe:a9fe",
        "fd00:42::42",
        "fd00:a9fe:a9fe::1",
    ] {
        assert_eq!(wide.check(ip(text)), Err(BlockedAddress::Metadata { ip: ip(text) }), "{text}");
        assert!(closed().check(ip(text)).is_err(), "{text}");
        if let IpAddr::V4(v4) = ip(text) {
            for form in forms(v4) {
                assert_eq!(
                    wide.check(form.into()),
                    Err(BlockedAddress::Metadata { ip: form.into() }),
                    "{form}"
                );
            }
        }
    }
    for text in ["169.254.1.1", "169.254.168.255", "169.254.171.0", "100.100.100.201", "168.63.129.17"] {
        assert_eq!(wide.check(ip(text)), Ok(()), "{text}");
    }
}

#[test]
fn the_message_does_not_show_the_address() {
    let blocked = closed().check(ip("10.20.30.40")).unwrap_err();
    assert!(!blocked.to_string().contains("10.20"), "{blocked}");
}

#[test]
fn plain_http_is_spoken_only_where_it_was_opened() {
    let host = Host::parse("box.internal.example").unwrap();
    let other = Host::parse("other.example").unwrap();
    assert_eq!(closed().check_scheme(Scheme::Https, &host, ip("8.8.8.8")), Ok(()));
    assert_eq!(closed().check_scheme(Scheme::Http, &host, ip("8.8.8.8")), Err(BlockedScheme));
    let policy = AddressPolicy {
        allow_http: vec!["127.0.0.0/8".parse().unwrap()],
        allow_http_hosts: vec!["Box.Internal.Example".into(), "[::1]".into(), "not a host".into()],
        ..AddressPolicy::default()
    };
    for (host, at) in [
        (&other, "127.0.0.1"),
        (&other, "::ffff:127.9.9.9"),
        (&host, "8.8.8.8"),
        (&Host::Ip(ip("::1")), "::1"),
    ] {
        assert_eq!(policy.check_scheme(Scheme::Http, host, ip(at)), Ok(()), "{host} {at}");
    }
    for at in ["128.0.0.1", "::1", "2002:7f00:1::1", "126.255.255.255"] {
        assert_eq!(policy.check_scheme(Scheme::Http, &other, ip(at)), Err(BlockedScheme), "{at}");
    }
    // Plain http alone opens no address.
    assert!(policy.check(ip("127.0.0.1")).is_err());
}

#[test]
fn only_the_schemes_port_or_the_stated_one_is_dialled() {
    let check = |scheme, port, stated| closed().check_port(scheme, port, stated).is_ok();
    assert!(check(Scheme::Https, 443, None) && check(Scheme::Http, 80, None));
    assert!(check(Scheme::Https, 8443, Some(8443)) && check(Scheme::Https, 443, Some(8443)));
    for (scheme, port, stated) in [
        (Scheme::Https, 80, None),
        (Scheme::Http, 443, None),
        (Scheme::Https, 22, None),
        (Scheme::Https, 6379, Some(443)),
        (Scheme::Http, 25, Some(80)),
    ] {
        assert!(!check(scheme, port, stated), "{scheme}:{port}");
    }
}

proptest! {
    #[test]
    fn a_form_is_as_open_as_the_address_that_it_stands_for(bits in any::<u32>()) {
        let v4 = Ipv4Addr::from_bits(bits);
        let open = closed().check(v4.into()).is_ok();
        for form in forms(v4) {
            let form_open = closed().check(form.into()).is_ok();
            // No form is more open than the address in it; mapped and NAT64 are exactly as open.
            prop_assert!(open || !form_open, "{}", form);
            if matches!(form_of(form.into()), Form::StandsFor(_)) {
                prop_assert_eq!(open, form_open, "{}", form);
            }
        }
    }

    #[test]
    fn no_address_outside_of_global_unicast_is_open(bits in any::<u128>()) {
        let ip = Ipv6Addr::from_bits(bits);
        if closed().check(ip.into()).is_ok() {
            prop_assert!(bits >> 125 == 1 || matches!(form_of(ip.into()), Form::StandsFor(_)));
        }
    }
}
