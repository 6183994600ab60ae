//! Neighbour discovery (RFC 4861 §4.3, §4.4): who says that an IPv6 address is at a hardware address,
//! as ARP does for IPv4.

use super::ip::{Ip, Transport};
use crate::base::address::Mac;
use std::net::{IpAddr, Ipv6Addr};

const SOLICITATION: u8 = 135;
const ADVERTISEMENT: u8 = 136;
/// Type, code, checksum, flags, target.
const HEADER_BYTES: usize = 24;
const SOURCE_LINK_ADDRESS: u8 = 1;
const TARGET_LINK_ADDRESS: u8 = 2;
/// No router has counted it down: the message is of this link (RFC 4861 §7.1).
const HOPS: u8 = 255;

/// What a message says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Claim {
    /// The address.
    pub address: Ipv6Addr,
    /// Where it is; the sender's own hardware address where none is named.
    pub mac: Option<Mac>,
}

/// What a packet says of who holds an address, if it does.
#[must_use]
pub fn claim(ip: &Ip<'_>) -> Option<Claim> {
    let Transport::Icmp { kind: kind @ (SOLICITATION | ADVERTISEMENT), message, .. } = ip.transport
    else {
        return None;
    };
    let IpAddr::V6(source) = ip.source else { return None };
    if ip.hops != HOPS || ip.bad_checksum.is_some() {
        return None;
    }
    let target: [u8; 16] = message.get(8..HEADER_BYTES)?.try_into().ok()?;
    let options = &message[HEADER_BYTES..];
    let (address, option) = match kind {
        // A sender without an address asks whether anybody has the one it wants (RFC 4862 §5.4).
        SOLICITATION if source.is_unspecified() => (Ipv6Addr::from(target), None),
        SOLICITATION => (source, Some(SOURCE_LINK_ADDRESS)),
        _ => (Ipv6Addr::from(target), Some(TARGET_LINK_ADDRESS)),
    };
    let mac = option.and_then(|option| link_address(options, option));
    (!address.is_multicast() && !address.is_unspecified()).then_some(Claim { address, mac })
}

fn link_address(mut options: &[u8], wanted: u8) -> Option<Mac> {
    while let &[kind, words, ..] = options {
        let length = usize::from(words) * 8;
        let option = options.get(..length).filter(|option| !option.is_empty())?;
        if kind == wanted {
            return option.get(2..8)?.try_into().ok().map(Mac);
        }
        options = &options[length..];
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::{Body, decode};
    use super::*;
    use crate::base::time::Timestamp;
    use crate::source::Frame;

    const OWN: &str = "2001:db8::7";
    const MAC: [u8; 6] = [2, 0, 0, 0, 0, 7];

    /// A message to ff02::1 with a right checksum, as raw IPv6.
    fn packet(source: &str, hops: u8, message: &[u8]) -> Vec<u8> {
        let ends = [source, "ff02::1"].map(|end| end.parse::<Ipv6Addr>().unwrap().octets());
        let length = (message.len() as u16).to_be_bytes();
        let mut packet = [&[0x60, 0, 0, 0][..], &length, &[58, hops], &ends.concat()].concat();
        packet.extend(message);
        let pseudo = [&ends.concat()[..], &[0, 0], &length, &[0, 0, 0, 58], message].concat();
        let words = pseudo
            .chunks(2)
            .map(|two| u64::from(two[0]) << 8 | u64::from(*two.get(1).unwrap_or(&0)));
        let sum = !words.fold(0, |sum, word| (sum + word) % 0xffff) as u16;
        if let Some(field) = packet.get_mut(42..44) {
            field.copy_from_slice(&sum.to_be_bytes());
        }
        packet
    }

    fn said(data: &[u8]) -> Option<Claim> {
        let frame = Frame {
            number: 1,
            time: Timestamp(0),
            wire_length: data.len() as u32,
            link: 101,
            data,
        };
        let Body::Ip(ip) = decode(&frame).body else { return None };
        claim(&ip)
    }

    fn message(kind: u8, target: &str, options: &[u8]) -> Vec<u8> {
        let target = target.parse::<Ipv6Addr>().unwrap().octets();
        [&[kind, 0, 0, 0, 0, 0, 0, 0][..], &target, options].concat()
    }

    #[test]
    fn the_holder_is_read_from_each_kind_of_message() {
        let own = OWN.parse().unwrap();
        let held = |mac| Some(Claim { address: own, mac });
        let option = |kind: u8| [&[14, 1, 0, 0, 0, 0, 0, 0, kind, 1][..], &MAC].concat();
        let asks = message(SOLICITATION, "fe80::1", &option(SOURCE_LINK_ADDRESS));
        assert_eq!(said(&packet(OWN, 255, &asks)), held(Some(Mac(MAC))));
        assert_eq!(said(&packet(OWN, 64, &asks)), None, "of another network");
        let wants = message(SOLICITATION, OWN, &[]);
        assert_eq!(said(&packet("::", 255, &wants)), held(None));
        let tells = message(ADVERTISEMENT, OWN, &option(TARGET_LINK_ADDRESS));
        assert_eq!(said(&packet("fe80::7", 255, &tells)), held(Some(Mac(MAC))));
        let mut bad = packet("fe80::7", 255, &tells);
        bad[43] ^= 1;
        assert_eq!(said(&bad), None, "a checksum that does not fit");
        for end in 0..tells.len() {
            let cut = said(&packet("fe80::7", 255, &tells[..end]));
            assert_eq!(cut, if end < HEADER_BYTES { None } else { held(None) }, "{end}");
        }
    }
}
