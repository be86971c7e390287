//! Which addresses a request may go to: the IANA special-purpose registries as a table, and the
//! exceptions that an operator grants by range.

use std::fmt;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// A range of addresses, such as `10.0.0.0/8` or `::1/128`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cidr {
    address: IpAddr,
    bits: u8,
}

impl Cidr {
    /// Reads `ADDRESS/BITS`; a bare address is a range of one.
    #[must_use]
    pub fn parse(text: &str) -> Option<Cidr> {
        let (address, bits) = match text.split_once('/') {
            Some((address, bits)) => (address.parse::<IpAddr>().ok()?, Some(bits.parse::<u8>().ok()?)),
            None => (text.parse::<IpAddr>().ok()?, None),
        };
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.unwrap_or(all);
        (bits <= all).then_some(Cidr { address, bits })
    }

    /// Whether `address` lies in the range.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(range), IpAddr::V4(address)) => {
                let shift = 32_u32.saturating_sub(u32::from(self.bits));
                let cut = |of: Ipv4Addr| u32::from(of).checked_shr(shift).unwrap_or(0);
                cut(range) == cut(address)
            }
            (IpAddr::V6(range), IpAddr::V6(address)) => {
                let shift = 128_u32.saturating_sub(u32::from(self.bits));
                let cut = |of: Ipv6Addr| u128::from(of).checked_shr(shift).unwrap_or(0);
                cut(range) == cut(address)
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl fmt::Display for Cidr {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}/{}", self.address, self.bits)
    }
}

/// Ranges of IPv4 that are not the public internet (IANA registry, RFC 6890 and later).
const SPECIAL_V4: &[(Ipv4Addr, u8)] = &[
    (Ipv4Addr::new(0, 0, 0, 0), 8),
    (Ipv4Addr::new(10, 0, 0, 0), 8),
    (Ipv4Addr::new(100, 64, 0, 0), 10),
    (Ipv4Addr::new(127, 0, 0, 0), 8),
    (Ipv4Addr::new(169, 254, 0, 0), 16),
    (Ipv4Addr::new(172, 16, 0, 0), 12),
    (Ipv4Addr::new(192, 0, 0, 0), 24),
    (Ipv4Addr::new(192, 0, 2, 0), 24),
    (Ipv4Addr::new(192, 31, 196, 0), 24),
    (Ipv4Addr::new(192, 52, 193, 0), 24),
    (Ipv4Addr::new(192, 88, 99, 0), 24),
    (Ipv4Addr::new(192, 168, 0, 0), 16),
    (Ipv4Addr::new(192, 175, 48, 0), 24),
    (Ipv4Addr::new(198, 18, 0, 0), 15),
    (Ipv4Addr::new(198, 51, 100, 0), 24),
    (Ipv4Addr::new(203, 0, 113, 0), 24),
    // Multicast, reserved and broadcast.
    (Ipv4Addr::new(224, 0, 0, 0), 4),
    (Ipv4Addr::new(240, 0, 0, 0), 4),
];

/// Only global unicast is public in IPv6 (2000::/3), without these parts of it.
const SPECIAL_V6: &[(Ipv6Addr, u8)] = &[
    // IETF assignments, Teredo, ORCHID, benchmarking.
    (Ipv6Addr::new(0x2001, 0, 0, 0, 0, 0, 0, 0), 23),
    // Documentation.
    (Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 0), 32),
    (Ipv6Addr::new(0x3fff, 0, 0, 0, 0, 0, 0, 0), 20),
    // 6to4 hides an IPv4 address.
    (Ipv6Addr::new(0x2002, 0, 0, 0, 0, 0, 0, 0), 16),
    (Ipv6Addr::new(0x2620, 0x4f, 0x8000, 0, 0, 0, 0, 0), 48),
];

/// Whether the address is no place on the public internet.
#[must_use]
pub(crate) fn is_special(address: IpAddr) -> bool {
    let within = |(range, bits): (IpAddr, u8)| Cidr { address: range, bits }.contains(address);
    match address {
        IpAddr::V4(_) => SPECIAL_V4.iter().any(|(range, bits)| within((IpAddr::V4(*range), *bits))),
        IpAddr::V6(v6) => {
            let public = Cidr { address: IpAddr::V6(Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0)), bits: 3 };
            !public.contains(IpAddr::V6(v6))
                || SPECIAL_V6.iter().any(|(range, bits)| within((IpAddr::V6(*range), *bits)))
        }
    }
}

/// Addresses that only a metadata service of a cloud has: no range that an operator grants opens
/// them, except one that names the address itself.
const METADATA: &[IpAddr] = &[
    IpAddr::V4(Ipv4Addr::new(169, 254, 169, 254)),
    IpAddr::V4(Ipv4Addr::new(169, 254, 170, 2)),
    IpAddr::V4(Ipv4Addr::new(100, 100, 100, 200)),
    IpAddr::V4(Ipv4Addr::new(168, 63, 129, 16)),
    IpAddr::V6(Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254)),
];

/// An IPv4 address inside of an IPv6 one (`::ffff:0:0/96`, `::/96`) is that IPv4 address.
fn unwrapped(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V6(v6) => v6.to_ipv4_mapped().map_or(address, IpAddr::V4),
        IpAddr::V4(_) => address,
    }
}

/// Whether a connection with these granted ranges may go to `address`.
#[must_use]
pub(crate) fn is_permitted(address: IpAddr, granted: &[Cidr]) -> bool {
    let address = unwrapped(address);
    if METADATA.contains(&address) {
        return granted.iter().any(|range| range.address == address && range.contains(address));
    }
    !is_special(address) || is_granted(address, granted)
}

/// Whether the operator granted the range that `address` lies in.
#[must_use]
pub(crate) fn is_granted(address: IpAddr, granted: &[Cidr]) -> bool {
    let address = unwrapped(address);
    granted.iter().any(|range| range.contains(address))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("it is an address")
    }

    #[test]
    fn every_special_range_is_refused_at_both_ends() {
        for text in [
            "0.0.0.0",
            "0.255.255.255",
            "10.0.0.0",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "127.0.0.0",
            "127.0.0.1",
            "127.255.255.255",
            "169.254.0.0",
            "169.254.169.254",
            "169.254.255.255",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.0",
            "192.0.0.255",
            "192.0.2.1",
            "192.88.99.1",
            "192.168.0.0",
            "192.168.255.255",
            "198.18.0.0",
            "198.19.255.255",
            "198.51.100.7",
            "203.0.113.9",
            "224.0.0.1",
            "239.255.255.255",
            "240.0.0.1",
            "255.255.255.255",
            "168.63.129.16",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:7f00:1",
            "::ffff:10.0.0.1",
            "64:ff9b::7f00:1",
            "64:ff9b:1::1",
            "100::1",
            "2001::1",
            "2001:db8::1",
            "2002:7f00:1::",
            "3fff::1",
            "fc00::1",
            "fd00:ec2::254",
            "fdff:ffff::1",
            "fe80::1",
            "febf::1",
            "fec0::1",
            "ff02::1",
            "5f00::1",
        ] {
            assert!(!is_permitted(address(text), &[]), "{text}");
        }
    }

    #[test]
    fn the_public_internet_is_permitted() {
        for text in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "172.15.0.1",
            "172.32.0.0",
            "192.0.1.0",
            "198.17.0.1",
            "198.20.0.0",
            "223.255.255.255",
            "2606:4700::1111",
            "2a00:1450::1",
            "::ffff:1.1.1.1",
        ] {
            assert!(is_permitted(address(text), &[]), "{text}");
        }
    }

    #[test]
    fn a_granted_range_opens_itself_and_nothing_else() {
        let loopback = [Cidr::parse("127.0.0.0/8").expect("it is a range")];
        assert!(is_permitted(address("127.0.0.1"), &loopback));
        assert!(is_permitted(address("::ffff:127.0.0.1"), &loopback));
        for text in ["::1", "10.0.0.1", "169.254.169.254", "128.0.0.0.".trim_end_matches('.')] {
            assert_eq!(is_permitted(address(text), &loopback), text == "128.0.0.0", "{text}");
        }
        let link = [Cidr::parse("169.254.0.0/16").expect("it is a range")];
        assert!(!is_permitted(address("169.254.169.254"), &link), "metadata needs its own grant");
        let metadata = [Cidr::parse("169.254.169.254/32").expect("it is a range")];
        assert!(is_permitted(address("169.254.169.254"), &metadata));
        let everything = [Cidr::parse("0.0.0.0/0").expect("it is a range")];
        assert!(is_permitted(address("10.0.0.1"), &everything));
        assert!(!is_permitted(address("fc00::1"), &everything));
    }

    #[test]
    fn a_range_is_written_plainly() {
        for text in ["127.0.0.0/8", "::1/128", "10.0.0.1/32"] {
            assert_eq!(Cidr::parse(text).map(|range| range.to_string()).as_deref(), Some(text));
        }
        for text in
            ["", "127.0.0.0/33", "::/129", "127.1/8", "0x7f.0.0.1/8", "localhost", "10.0.0.0/8/8", "a/8"]
        {
            assert_eq!(Cidr::parse(text), None, "{text}");
        }
    }
}
