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
