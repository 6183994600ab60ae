//! The short way for what most frames are: Ethernet, IPv4 without options or IPv6 without
//! extension headers, captured whole, TCP or UDP outside of tunnels. Says nothing about any other
//! frame, and about these the same as the long way through [`super::decode`], which the tests
//! hold it against.

use super::ip::{Ip, TCP, Transport, UDP, transport};
use super::{checksum, tunnel};
use crate::base::address::Mac;
use crate::source::Frame;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const ETHERNET: u16 = 1;
const LINK_HEADER: usize = 14;
const MORE_OR_LATER_FRAGMENT: u16 = 0x3fff;

/// Sender and receiver on the link, and the packet.
#[inline(always)]
#[must_use]
pub fn decode<'a>(frame: &Frame<'a>) -> Option<([Option<Mac>; 2], Ip<'a>)> {
    if frame.link != ETHERNET {
        return None;
    }
    let (link, bytes) = frame.data.split_first_chunk::<LINK_HEADER>()?;
    let (mut ip, payload, on_wire) = match [link[12], link[13]] {
        [0x08, 0x00] => v4(bytes)?,
        [0x86, 0xdd] => v6(bytes)?,
        _ => return None,
    };
    let least = if ip.protocol == TCP { 20 } else { 8 };
    if payload.len() < least {
        return None;
    }
    transport(&mut ip, payload, on_wire);
    if tunnel::may_be(&ip) {
        return None;
    }
    let mac = |at: usize| {
        let octets =
            [link[at], link[at + 1], link[at + 2], link[at + 3], link[at + 4], link[at + 5]];
        (octets != [0; 6]).then_some(Mac(octets))
    };
    Some(([mac(6), mac(0)], ip))
}

#[inline(always)]
fn v4(bytes: &[u8]) -> Option<(Ip<'_>, &[u8], u32)> {
    let header = bytes.first_chunk::<20>()?;
    let u16_at = |at: usize| u16::from_be_bytes([header[at], header[at + 1]]);
    let total = usize::from(u16_at(2));
    let protocol = header[9];
    if header[0] != 0x45
        || u16_at(6) & MORE_OR_LATER_FRAGMENT != 0
        || !matches!(protocol, TCP | UDP)
        || total < 20
    {
        return None;
    }
    let payload = bytes.get(20..total)?;
    let address = |at: usize| {
        IpAddr::V4(Ipv4Addr::new(header[at], header[at + 1], header[at + 2], header[at + 3]))
    };
    let good = checksum::is_valid(checksum::add(0, header));
    let ip = Ip {
        source: address(12),
        destination: address(16),
        protocol,
        hops: header[8],
        length: total as u32,
        identification: u16_at(4),
        checksum: 0,
        fragment: false,
        transport: Transport::None { payload_length: 0 },
        bad_checksum: (!good).then_some("ip"),
        stopped: None,
    };
    Some((ip, payload, (total - 20) as u32))
}

#[inline(always)]
fn v6(bytes: &[u8]) -> Option<(Ip<'_>, &[u8], u32)> {
    let header = bytes.first_chunk::<40>()?;
    let length = usize::from(u16::from_be_bytes([header[4], header[5]]));
    let protocol = header[6];
    if header[0] >> 4 != 6 || !matches!(protocol, TCP | UDP) || length == 0 {
        return None;
    }
    let payload = bytes.get(40..40 + length)?;
    let address = |at: usize| {
        let octets: [u8; 16] = header[at..at + 16].try_into().ok()?;
        Some(IpAddr::V6(Ipv6Addr::from(octets)))
    };
    let ip = Ip {
        source: address(8)?,
        destination: address(24)?,
        protocol,
        hops: header[7],
        length: (40 + length) as u32,
        identification: 0,
        checksum: 0,
        fragment: false,
        transport: Transport::None { payload_length: 0 },
        bad_checksum: None,
        stopped: None,
    };
    Some((ip, payload, length as u32))
}

#[cfg(test)]
mod tests {
    use super::super::{Body, decode as long_way};
    use super::*;
    use crate::base::time::Timestamp;

    fn frame(data: &[u8]) -> Frame<'_> {
        let (number, time, wire_length) = (1, Timestamp(0), data.len() as u32);
        Frame { number, time, wire_length, link: ETHERNET, data }
    }

    fn packet(protocol: u8, v6: bool, ports: [u16; 2]) -> Vec<u8> {
        let mut bytes = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
        let length = 28u16;
        if v6 {
            bytes.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, length as u8, protocol, 64]);
            bytes.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
            bytes.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
        } else {
            bytes.extend([8, 0, 0x45, 0, 0, 20 + length as u8, 0x12, 0x34, 0x40, 0]);
            bytes.extend([64, protocol, 0xaa, 0xaa, 10, 0, 0, 1, 192, 0, 2, 1]);
        }
        bytes.extend(ports.into_iter().flat_map(u16::to_be_bytes));
        bytes.extend(if protocol == TCP {
            [0, 0, 0, 1, 0, 0, 0, 2, 0x60, 0x18, 1, 0, 0xbe, 0xef, 0, 0]
        } else {
            [0, length as u8, 0xbe, 0xef, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]
        });
        bytes.extend([b'x'; 8]);
        bytes.extend([0; 4]);
        bytes
    }

    #[test]
    fn says_what_the_long_way_says() {
        let mut short = 0;
        let mut random = 1u64;
        for round in 0..200_000 {
            let protocol = [TCP, UDP, 1, 132][round % 4];
            let mut bytes =
                packet(protocol, round % 3 == 0, [[40_000, 443], [4789, 9], [0, 0]][round % 3]);
            // Damage in the headers, and cuts.
            for _ in 0..round % 4 {
                random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                let at = (random >> 33) as usize % bytes.len();
                bytes[at] ^= 1 << (random >> 61);
            }
            random = random.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            if random >> 62 == 0 {
                bytes.truncate((random >> 33) as usize % bytes.len());
            }
            let frame = frame(&bytes);
            let Some((macs, ip)) = decode(&frame) else { continue };
            short += 1;
            let packet = long_way(&frame);
            let Body::Ip(long) = packet.body else { panic!("{packet:?}") };
            assert_eq!(format!("{ip:?}"), format!("{long:?}"));
            assert_eq!(macs, [packet.source_mac, packet.destination_mac]);
            assert!(packet.vlans.ids().is_empty() && packet.tunnels.is_empty());
        }
        assert!(short > 40_000, "{short}");
    }
}
