//! Networks of IP addresses, as `allow`, `geo` and `set_real_ip_from` name them.

use std::net::IpAddr;

/// A network. IPv4 addresses are those of `::ffff:0:0/96`, so a client of either kind is found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Network {
    /// What its addresses have in common; the rest is zero.
    pub(crate) base: u128,
    /// How many bits that is, of 128.
    pub(crate) len: u32,
}

impl Network {
    /// Reads `ADDRESS` or `ADDRESS/LENGTH`. Bits behind the prefix mean nothing, as in nginx.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let (address, len) = match text.split_once('/') {
            Some((address, len)) => (address, Some(len.parse::<u32>().ok()?)),
            None => (text, None),
        };
        let address: IpAddr = address.parse().ok()?;
        let (width, offset) = if address.is_ipv4() {
            (32, 96)
        } else {
            (128, 0)
        };
        let len = len.unwrap_or(width);
        let len = (len <= width).then_some(len + offset)?;
        let base = bits(address) & mask(len);
        Some(Self { base, len })
    }

    /// Whether the address belongs to it.
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        bits(address) & mask(self.len) == self.base
    }
}

/// An address as a number of 128 bits.
pub(crate) fn bits(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(ip) => ip.to_ipv6_mapped().to_bits(),
        IpAddr::V6(ip) => ip.to_bits(),
    }
}

/// So many ones, then zeros.
pub(crate) fn mask(len: u32) -> u128 {
    u128::MAX.checked_shl(128 - len.min(128)).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::Network;

    #[test]
    fn networks_contain_their_addresses() {
        let check = |network: &str, address: &str, inside: bool| {
            let network = Network::read(network).unwrap();
            assert_eq!(network.contains(address.parse().unwrap()), inside);
        };
        check("10.0.0.0/8", "10.255.0.1", true);
        check("10.1.2.3/8", "10.255.0.1", true);
        check("10.0.0.0/8", "11.0.0.1", false);
        check("10.0.0.0/8", "::ffff:10.0.0.1", true);
        check("0.0.0.0/0", "::1", false);
        check("::/0", "1.2.3.4", true);
        check("2001:db8::/32", "2001:db8:1::", true);
        check("1.2.3.4", "1.2.3.4", true);
        for text in ["", "10.0.0.0/33", "::/129", "10.0.0/8", "x", "1.2.3.4/"] {
            assert_eq!(Network::read(text), None, "{text}");
        }
    }
}
