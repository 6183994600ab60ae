//! Hardware and network addresses, and which side of the test network an address is on.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::str::FromStr;

/// An IEEE 802 hardware address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Mac(pub [u8; 6]);

impl Hash for Mac {
    /// As one number: tables are asked by hardware address for every flow.
    #[inline]
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [a, b, c, d, e, g] = self.0;
        state.write_u64(u64::from_be_bytes([0, 0, a, b, c, d, e, g]));
    }
}

impl Mac {
    /// The first six bytes of `bytes`.
    #[must_use]
    pub fn from_slice(bytes: &[u8]) -> Option<Mac> {
        Some(Mac(bytes.get(..6)?.try_into().ok()?))
    }

    /// Group addresses are sent to many; they are never a device (IEEE 802-2014 §8.2.2).
    #[must_use]
    pub fn is_group(self) -> bool {
        self.0[0] & 1 == 1
    }

    /// Locally administered addresses have no registrant (IEEE 802-2014 §8.2.2), phones make
    /// new ones for every network.
    #[must_use]
    pub fn is_local(self) -> bool {
        self.0[0] & 2 == 2
    }

    /// All zero: a capture's way to say that there is none (loopback devices).
    #[must_use]
    pub fn is_zero(self) -> bool {
        self.0 == [0; 6]
    }
}

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g] = self.0;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

impl FromStr for Mac {
    type Err = ();

    /// Accepts `:` or `-` between the bytes.
    fn from_str(text: &str) -> Result<Mac, ()> {
        let mut bytes = [0; 6];
        let mut parts = text.split([':', '-']);
        for byte in &mut bytes {
            let part = parts.next().filter(|p| p.len() == 2).ok_or(())?;
            *byte = u8::from_str_radix(part, 16).map_err(|_| ())?;
        }
        if parts.next().is_some() { Err(()) } else { Ok(Mac(bytes)) }
    }
}

/// An address as numbers, the upper half first; an IPv4 address is the upper half of the first.
#[inline]
#[must_use]
pub fn words(address: IpAddr) -> [u64; 2] {
    match address {
        IpAddr::V4(v4) => [u64::from(u32::from(v4)) << 32, 0],
        IpAddr::V6(v6) => {
            let whole = u128::from(v6);
            [(whole >> 64) as u64, whole as u64]
        }
    }
}

/// Hashes an address in whole words: tables are asked by address for every flow. An IPv4 address and
/// an IPv6 address of the same words differ where keys are compared.
#[inline]
pub fn hash_words<H: Hasher>(address: IpAddr, state: &mut H) {
    let [high, low] = words(address);
    state.write_u64(high);
    if low != 0 {
        state.write_u64(low);
    }
}

/// Which part of the world an address belongs to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// Routed on the internet, or reserved for documentation, which test networks use as such.
    Internet,
    /// Private, shared (RFC 6598), unique local, link-local or unspecified: the test network.
    Inside,
    /// This host itself.
    Loopback,
    /// Sent to many.
    Group,
}

/// The scope of `address` (RFC 6890 special-purpose registry, RFC 4193, RFC 4291).
#[inline]
#[must_use]
pub fn scope(address: IpAddr) -> Scope {
    match address {
        IpAddr::V4(v4) => scope_v4(v4),
        IpAddr::V6(v6) => match v6.to_ipv4_mapped() {
            Some(v4) => scope_v4(v4),
            None => scope_v6(v6),
        },
    }
}

#[inline]
fn scope_v4(address: Ipv4Addr) -> Scope {
    let [a, b, ..] = address.octets();
    if address.is_multicast() || address.is_broadcast() {
        Scope::Group
    } else if address.is_loopback() {
        Scope::Loopback
    } else if address.is_private()
        || address.is_link_local()
        || a == 0
        || (a == 100 && b & 0xc0 == 64)
    {
        Scope::Inside
    } else {
        Scope::Internet
    }
}

fn scope_v6(address: Ipv6Addr) -> Scope {
    let first = address.segments()[0];
    if address.is_multicast() {
        Scope::Group
    } else if address.is_loopback() {
        Scope::Loopback
    } else if first & 0xfe00 == 0xfc00 || first & 0xffc0 == 0xfe80 || address.is_unspecified() {
        Scope::Inside
    } else {
        Scope::Internet
    }
}

/// The fixed-size network that an address without a name is grouped by: /24 for IPv4, /48 for
/// IPv6. Fixed, so that it stays the same whatever database is loaded.
#[must_use]
pub fn network(address: IpAddr) -> String {
    match address {
        IpAddr::V4(v4) => {
            let [a, b, c, _] = v4.octets();
            format!("{}/24", Spelled(Ipv4Addr::new(a, b, c, 0).into()))
        }
        IpAddr::V6(v6) => {
            let [a, b, c, ..] = v6.segments();
            format!("{}/48", Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0))
        }
    }
}

/// An address as text, as the standard library spells it. That one goes through a general
/// formatter four times, which was a tenth of all instructions after the last packet.
pub struct Spelled(pub IpAddr);

impl fmt::Display for Spelled {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            IpAddr::V4(address) => spell_v4(address, |text| out.write_str(text)),
            IpAddr::V6(address) => address.fmt(out),
        }
    }
}

/// The same text for whoever only reads it.
pub fn spell<R>(address: IpAddr, read: impl FnOnce(&str) -> R) -> R {
    match address {
        IpAddr::V4(address) => spell_v4(address, read),
        IpAddr::V6(address) => read(&address.to_string()),
    }
}

fn spell_v4<R>(address: Ipv4Addr, read: impl FnOnce(&str) -> R) -> R {
    let mut text = [b'.'; 15];
    let mut length = 0;
    for (index, octet) in address.octets().into_iter().enumerate() {
        length += usize::from(index > 0);
        for unit in [100, 10, 1] {
            if octet >= unit || unit == 1 {
                text[length] = b'0' + octet / unit % 10;
                length += 1;
            }
        }
    }
    read(str::from_utf8(&text[..length]).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spelled_as_the_standard_library_does() {
        for octet in 0..=255 {
            let address = IpAddr::from([octet, 255 - octet, 0, octet]);
            assert_eq!(Spelled(address).to_string(), address.to_string());
            assert_eq!(spell(address, str::to_owned), address.to_string());
        }
        let address: IpAddr = "2001:db8::1".parse().unwrap();
        assert_eq!(Spelled(address).to_string(), "2001:db8::1");
    }

    #[test]
    fn scopes() {
        for (text, expected) in [
            ("192.168.1.1", Scope::Inside),
            ("100.64.0.1", Scope::Inside),
            ("100.128.0.1", Scope::Internet),
            ("198.51.100.7", Scope::Internet),
            ("224.0.0.251", Scope::Group),
            ("255.255.255.255", Scope::Group),
            ("fe80::1", Scope::Inside),
            ("fd00::1", Scope::Inside),
            ("ff02::fb", Scope::Group),
            ("2001:db8::1", Scope::Internet),
            ("::ffff:10.0.0.1", Scope::Inside),
        ] {
            assert_eq!(scope(text.parse().unwrap()), expected, "{text}");
        }
    }

    #[test]
    fn macs_read_and_print() {
        let mac: Mac = "00-00-5E-00-53-0a".parse().unwrap();
        assert_eq!(mac.to_string(), "00:00:5e:00:53:0a");
        assert!("00:00:5e:00:53".parse::<Mac>().is_err());
        assert!("00:00:5e:00:53:0a:0b".parse::<Mac>().is_err());
    }

    #[test]
    fn networks() {
        assert_eq!(network("203.0.113.9".parse().unwrap()), "203.0.113.0/24");
        assert_eq!(network("2001:db8:1:2::9".parse().unwrap()), "2001:db8:1::/48");
    }
}
