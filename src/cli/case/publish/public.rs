//! Addresses of the place of the test as the internet sees them: what servers and routers tell a
//! device of it.

use crate::base::address::{Scope, scope};
use crate::base::bytes::Reader;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

const COOKIE: u32 = 0x2112_a442;

/// An address and the field that says it.
pub type Found = (String, &'static str);

/// What a datagram says.
pub fn datagram(ports: [u16; 2], payload: &[u8], found: &mut Vec<Found>) {
    stun(ports, payload, found);
    let has = |port| ports.contains(&port);
    if has(53) {
        client_subnet(payload, found);
    }
    if ports[0] == 5351 {
        port_control(payload, found);
    }
    if ports[0] == 67 && payload.len() >= 240 {
        let given = Ipv4Addr::from([payload[16], payload[17], payload[18], payload[19]]);
        push(IpAddr::V4(given), "dhcp.your_address", found);
    }
}

fn push(address: IpAddr, said_as: &'static str, found: &mut Vec<Found>) {
    let address = address.to_canonical();
    if scope(address) == Scope::Internet {
        found.push((address.to_string(), said_as));
    }
}

/// STUN and TURN (RFC 8489 §14): the address a server sees, and that of a peer. The form without a
/// cookie (RFC 3489) on its port alone.
fn stun([source, _]: [u16; 2], bytes: &[u8], found: &mut Vec<Found>) {
    let Some((head, attributes)) = bytes.split_at_checked(20) else { return };
    let length = usize::from(u16::from_be_bytes([head[2], head[3]]));
    let cookie = u32::from_be_bytes([head[4], head[5], head[6], head[7]]) == COOKIE;
    let old = source == 3478 && head[..2] == [1, 1];
    if head[0] & 0xc0 != 0 || length != attributes.len() || !(cookie || old) {
        return;
    }
    let mut reader = Reader::new(attributes);
    while let (Some(kind), Some(length)) = (reader.u16(), reader.u16()) {
        let length = usize::from(length);
        let Some(value) = reader.take(length) else { return };
        let _ = reader.skip(length.next_multiple_of(4) - length);
        let said_as = match kind {
            0x0001 | 0x0020 | 0x8020 => "stun.mapped_address",
            0x0012 => "stun.peer_address",
            _ => continue,
        };
        let mask = if kind == 1 { &[0; 16][..] } else { &head[4..20] };
        let plain: Vec<u8> = value.iter().skip(4).zip(mask).map(|(a, b)| a ^ b).collect();
        let address = match value.get(1) {
            Some(1) => <[u8; 4]>::try_from(&plain[..]).map(IpAddr::from).ok(),
            Some(2) => <[u8; 16]>::try_from(&plain[..]).map(IpAddr::from).ok(),
            _ => None,
        };
        if let Some(address) = address {
            push(address, said_as, found);
        }
    }
}

/// A message of DNS that came over TCP.
pub fn message(bytes: &[u8], found: &mut Vec<Found>) {
    client_subnet(bytes, found);
}

/// The client's network, as a resolver tells it to others (RFC 7871 §6).
fn client_subnet(bytes: &[u8], found: &mut Vec<Found>) {
    let mut option = || -> Option<()> {
        let mut reader = Reader::new(bytes);
        reader.skip(4)?;
        let mut counts = [0; 4];
        for count in &mut counts {
            *count = reader.u16()?;
        }
        for _ in 0..counts[0] {
            skip_name(&mut reader)?;
            reader.skip(4)?;
        }
        let records = counts[1..].iter().map(|&count| u32::from(count)).sum();
        for _ in 0u32..records {
            skip_name(&mut reader)?;
            let kind = reader.u16()?;
            reader.skip(6)?;
            let mut data = reader.nested_u16()?;
            while kind == 41 && !data.is_empty() {
                let code = data.u16()?;
                let mut value = data.nested_u16()?;
                if code != 8 {
                    continue;
                }
                let (family, bits) = (value.u16()?, value.u8()?);
                value.skip(1)?;
                let given = value.rest();
                let mut octets = [0; 16];
                octets.get_mut(..given.len())?.copy_from_slice(given);
                let v4 = [octets[0], octets[1], octets[2], octets[3]];
                let address = match family {
                    1 => IpAddr::from(v4),
                    2 => IpAddr::from(octets),
                    _ => return None,
                };
                if bits > 0 && scope(address) == Scope::Internet {
                    found.push((format!("{address}/{bits}"), "dns.client_subnet"));
                }
            }
        }
        Some(())
    };
    // A message that is cut says what it says up to there.
    let _ = option();
}

fn skip_name(reader: &mut Reader<'_>) -> Option<()> {
    loop {
        match reader.u8()? {
            0 => return Some(()),
            length @ 1..=63 => reader.skip(length.into())?,
            0xc0.. => return reader.skip(1),
            _ => return None,
        }
    }
}

/// NAT-PMP (RFC 6886 §3.2) and PCP (RFC 6887 §11.1): the router's outer address.
fn port_control(bytes: &[u8], found: &mut Vec<Found>) {
    if let [0, 128, _, _, _, _, _, _, a, b, c, d] = *bytes {
        push(IpAddr::from([a, b, c, d]), "nat_pmp.external_address", found);
    }
    let outer = bytes.get(44..60).filter(|_| matches!(bytes, [2, 0x81 | 0x82, ..]));
    if let Some(outer) = outer.and_then(|outer| <[u8; 16]>::try_from(outer).ok()) {
        push(IpAddr::V6(Ipv6Addr::from(outer)), "pcp.external_address", found);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(ports: [u16; 2], payload: &[u8]) -> Vec<Found> {
        let mut found = Vec::new();
        datagram(ports, payload, &mut found);
        found
    }

    #[test]
    fn a_mapped_address_is_unmasked() {
        let mut answer =
            b"\x01\x01\0\x0c\x21\x12\xa4\x42abcdefghijkl\0\x20\0\x08\0\x01\0\0".to_vec();
        answer.extend([198 ^ 0x21, 51 ^ 0x12, 100 ^ 0xa4, 7 ^ 0x42]);
        let says = [("198.51.100.7".to_owned(), "stun.mapped_address")];
        assert_eq!(found([40_000, 50_000], &answer), says);
        let inside = b"\x01\x01\0\x0cabcdefghijklmnop\0\x01\0\x08\0\x01\0\0\x0a\0\0\x01";
        assert_eq!(found([3478, 50_000], inside), []);
        for cut in 0..answer.len() {
            assert_eq!(found([3478, 50_000], &answer[..cut]), [], "{cut}");
        }
    }

    #[test]
    fn a_client_subnet_is_read_behind_questions() {
        let mut ask = b"\0\x01\x01\0\0\x01\0\0\0\0\0\x01\x01a\x04test\0\0\x01\0\x01".to_vec();
        ask.extend(b"\0\0\x29\x10\0\0\0\0\0\0\x0b\0\x08\0\x07\0\x01\x18\0\xc6\x33\x64");
        let says = [("198.51.100.0/24".to_owned(), "dns.client_subnet")];
        assert_eq!(found([50_000, 53], &ask), says);
        for cut in 0..ask.len() {
            assert_eq!(found([50_000, 53], &ask[..cut]), [], "{cut}");
        }
    }

    #[test]
    fn a_router_tells_its_outer_address() {
        let answer = [0, 128, 0, 0, 0, 0, 0, 9, 203, 0, 113, 5];
        let says = [("203.0.113.5".to_owned(), "nat_pmp.external_address")];
        assert_eq!(found([5351, 50_000], &answer), says);
        let mut map = vec![0; 60];
        map[..2].copy_from_slice(&[2, 0x81]);
        map[54..60].copy_from_slice(&[0xff, 0xff, 203, 0, 113, 5]);
        let says = [("203.0.113.5".to_owned(), "pcp.external_address")];
        assert_eq!(found([5351, 50_000], &map), says);
    }
}
