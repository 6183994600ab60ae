//! Who is who: devices, the gateway and remotes of the simple corpora, by number.

use crate::random::mix;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

pub type Mac = [u8; 6];

/// Locally administered, so nobody's.
pub const GATEWAY: Mac = [2, 0, 0, 0, 0xff, 1];

pub fn mac(device: u64) -> Mac {
    let [.., a, b] = (device as u16).to_be_bytes();
    [2, 0, 0, 1, a, b]
}

/// A private address for each of up to 62,500 devices.
pub fn local(device: u64) -> IpAddr {
    Ipv4Addr::new(192, 168, (device / 250) as u8, (device % 250 + 2) as u8).into()
}

/// An address of the internet that belongs to `index`: never private, loopback or multicast.
pub fn remote(index: u64) -> IpAddr {
    const FIRST: [u8; 16] = [3, 8, 13, 18, 34, 35, 44, 47, 52, 54, 91, 104, 120, 142, 185, 203];
    let [a, b, c, d, ..] = mix(index).to_le_bytes();
    Ipv4Addr::new(FIRST[usize::from(a % 16)], b, c, d).into()
}

/// A unique local address for each device; number 65,535 is the gateway's.
pub fn local_v6(device: u64) -> IpAddr {
    Ipv6Addr::new(0xfd70, 0x686f, 0x6e65, 1, 0, 0, 0x1, device as u16).into()
}

/// The same as `remote`, of IPv6.
pub fn remote_v6(index: u64) -> IpAddr {
    const FIRST: [u16; 4] = [0x2600, 0x2a00, 0x2404, 0x2a02];
    let bits = mix(index);
    let word = |shift: u64| (bits >> shift) as u16;
    let first = FIRST[(bits % 4) as usize] | (word(2) & 0x0f);
    Ipv6Addr::new(first, word(8), word(24), 0, 0, 0, word(40), word(48)).into()
}
