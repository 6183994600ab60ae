//! What makes two packets belong to the same flow.

use super::Side;
use crate::base::address::words;
use crate::decode::fast::Network;
use crate::decode::{Ip, Transport, Tunnels, Vlans};
use std::hash::{Hash, Hasher};
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

/// The multiplier of splitmix64's first round.
const MULTIPLIER: u64 = 0xbf58_476d_1ce4_e5b9;

/// Addresses, ports, protocol, VLAN and tunnels of a flow, the same for both directions.
#[derive(Debug, Clone, Copy, Eq, Default)]
pub struct FlowKey {
    /// As numbers, the larger half first; an IPv4 address is the upper half of the first.
    addresses: [[u64; 2]; 2],
    ports: [u16; 2],
    vlan: u32,
    tunnels: u32,
    /// IANA protocol number.
    pub protocol: u8,
    kind: Kind,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
enum Kind {
    #[default]
    V4,
    V6,
    V4Portless,
    V6Portless,
    V4Icmp,
    V6Icmp,
}

impl FlowKey {
    /// The key of a packet, and which side sent it.
    #[inline(always)]
    #[must_use]
    pub fn of(ip: &Ip<'_>, vlans: &Vlans, tunnels: &Tunnels) -> (FlowKey, Side) {
        let (ports, portless) = match ip.transport {
            Transport::Tcp(tcp) => ([tcp.source_port, tcp.destination_port], false),
            Transport::Udp { source_port, destination_port, .. }
            | Transport::Ports { source_port, destination_port, .. } => {
                ([source_port, destination_port], false)
            }
            Transport::Icmp { kind, code, identifier, .. } => match identifier {
                // Request and answer have the same identifier and so share a flow.
                Some(identifier) => ([identifier; 2], true),
                None => ([u16::from(kind) << 8 | u16::from(code); 2], true),
            },
            Transport::Igmp { .. } | Transport::None { .. } | Transport::Fragment { .. } => {
                ([0, 0], true)
            }
        };
        let icmp = matches!(ip.transport, Transport::Icmp { .. });
        let kind = match (ip.source, portless, icmp) {
            (IpAddr::V4(_), false, _) => Kind::V4,
            (IpAddr::V6(_), false, _) => Kind::V6,
            (IpAddr::V4(_), true, false) => Kind::V4Portless,
            (IpAddr::V6(_), true, false) => Kind::V6Portless,
            (IpAddr::V4(_), true, true) => Kind::V4Icmp,
            (IpAddr::V6(_), true, true) => Kind::V6Icmp,
        };
        let addresses = [words(ip.source), words(ip.destination)];
        let (key, side) = FlowKey::between(addresses, ports, ip.protocol, kind);
        (FlowKey { vlan: vlan_number(vlans), tunnels: tunnel_number(tunnels), ..key }, side)
    }

    /// The same of a packet that came the short way through decoding.
    #[inline(always)]
    #[must_use]
    pub(super) fn of_plain(network: &Network<'_>, ports: [u16; 2]) -> (FlowKey, Side) {
        let kind = if network.is_v4 { Kind::V4 } else { Kind::V6 };
        FlowKey::between(network.addresses, ports, network.protocol, kind)
    }

    /// Of what the sender and the receiver are.
    #[inline(always)]
    fn between(
        addresses: [[u64; 2]; 2],
        ports: [u16; 2],
        protocol: u8,
        kind: Kind,
    ) -> (FlowKey, Side) {
        let [source, destination] = addresses;
        let high_sends = (source, ports[0]) > (destination, ports[1]);
        // Which side sends changes all the time, so that the processor would guess a branch wrongly
        // every other time.
        let mask = 0u64.wrapping_sub(u64::from(high_sends));
        let in_order = |a: u64, b: u64| {
            let swap = (a ^ b) & mask;
            [a ^ swap, b ^ swap]
        };
        let [low_a, high_a] = in_order(source[0], destination[0]);
        let [low_b, high_b] = in_order(source[1], destination[1]);
        let [low_port, high_port] = in_order(ports[0].into(), ports[1].into());
        let key = FlowKey {
            addresses: [[low_a, low_b], [high_a, high_b]],
            ports: [low_port as u16, high_port as u16],
            vlan: 0,
            tunnels: 0,
            protocol,
            kind,
        };
        (key, if high_sends { Side::High } else { Side::Low })
    }

    /// Address of one side.
    #[must_use]
    pub fn address(&self, side: Side) -> IpAddr {
        let [high, low] = self.addresses[side.index()];
        match self.kind {
            Kind::V4 | Kind::V4Portless | Kind::V4Icmp => {
                IpAddr::V4(Ipv4Addr::from((high >> 32) as u32))
            }
            Kind::V6 | Kind::V6Portless | Kind::V6Icmp => {
                IpAddr::V6(Ipv6Addr::from(u128::from(high) << 64 | u128::from(low)))
            }
        }
    }

    /// Whether these are ICMP messages.
    #[must_use]
    pub fn is_icmp(&self) -> bool {
        matches!(self.kind, Kind::V4Icmp | Kind::V6Icmp)
    }

    /// Port of one side, for protocols that have ports.
    #[must_use]
    pub fn port(&self, side: Side) -> Option<u16> {
        matches!(self.kind, Kind::V4 | Kind::V6).then_some(self.ports[side.index()])
    }

    /// Both addresses, each as one number.
    #[inline(always)]
    fn mixed(&self) -> [u64; 2] {
        let [low, high] = self.addresses;
        [mix(low), mix(high)]
    }

    /// A number for a packet of this flow that both sights of it share, whatever VLAN or tunnel
    /// they are in; `said` and `numbers` are what its headers say.
    #[inline(always)]
    pub(super) fn print(&self, sender: Side, said: u64, numbers: u64, opening: u64) -> u64 {
        let [low, high] = self.mixed();
        let ports = u64::from(self.ports[0]) << 16 | u64::from(self.ports[1]);
        let about = ports << 16 | u64::from(self.protocol) << 8 | sender as u64;
        let (one, other) = (low.rotate_left(17) ^ high ^ said, numbers ^ about.rotate_left(23));
        // Once a packet: one multiplication of what tells packets of a flow apart has to do.
        let product = u128::from(one ^ opening.rotate_left(41)) * u128::from(other ^ MULTIPLIER);
        product as u64 ^ (product >> 64) as u64
    }
}

impl PartialEq for FlowKey {
    /// Without a branch for each field: this is done once a packet, and nearly always all are alike.
    #[inline(always)]
    fn eq(&self, other: &FlowKey) -> bool {
        let about = |key: &FlowKey| {
            let ports = u64::from(key.ports[0]) | u64::from(key.ports[1]) << 16;
            let kind = u64::from(key.protocol) << 32 | (key.kind as u64) << 40;
            [ports | u64::from(key.vlan) << 32, u64::from(key.tunnels) | kind]
        };
        let [[a, b], [c, d]] = self.addresses;
        let [[e, f], [g, h]] = other.addresses;
        let ([i, j], [k, l]) = (about(self), about(other));
        (a ^ e) | (b ^ f) | (c ^ g) | (d ^ h) | (i ^ k) | (j ^ l) == 0
    }
}

impl Hash for FlowKey {
    /// In few large pieces: this is done once a packet.
    #[inline(always)]
    fn hash<H: Hasher>(&self, state: &mut H) {
        let [[a, b], [c, d]] = self.addresses;
        state.write_u64(a);
        state.write_u64(c);
        if b | d != 0 {
            state.write_u64(b);
            state.write_u64(d);
        }
        let ports = u64::from(self.ports[0]) << 16 | u64::from(self.ports[1]);
        let kind = u64::from(self.protocol) << 40 | (self.kind as u64) << 32;
        state.write_u64(ports | kind);
        if self.vlan | self.tunnels != 0 {
            state.write_u64(u64::from(self.vlan) << 32 | u64::from(self.tunnels));
        }
    }
}

/// The two outer tags and their number in one word: deeper tags do not tell flows apart.
fn vlan_number(vlans: &Vlans) -> u32 {
    match *vlans.ids() {
        [] => 0,
        [one] => 1 << 24 | u32::from(one),
        [outer, inner, ..] => 2 << 24 | u32::from(outer) << 12 | u32::from(inner),
    }
}

/// The same for both directions; zero without tunnels.
#[inline]
fn tunnel_number(tunnels: &Tunnels) -> u32 {
    if tunnels.is_empty() {
        return 0;
    }
    let mixed = tunnels.iter().fold(0, |sum: u64, tunnel| {
        let [source, destination] = tunnel.outer.map(|address| mix(words(address)));
        let network = tunnel.network.map_or(0, |network| u64::from(network) + 1);
        let kind = (tunnel.kind as u64) << 32 | network;
        mix_number(sum.rotate_left(7) ^ mix_number(kind) ^ source.wrapping_add(destination))
    });
    (mixed >> 32) as u32 | 1
}

/// The partition, of `count`, that handles packets between this pair of addresses. Unkeyed and
/// symmetric, so that it is the same in every run and for both directions.
#[inline]
#[must_use]
pub fn partition(key: &FlowKey, count: usize) -> usize {
    let [low, high] = key.mixed();
    ((low ^ high) >> 32) as usize % count
}

#[inline]
fn mix([high, low]: [u64; 2]) -> u64 {
    mix_number(high ^ low.rotate_left(31))
}

#[inline]
fn mix_number(value: u64) -> u64 {
    let product = value.wrapping_mul(MULTIPLIER);
    product ^ (product >> 29)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::base::time::Timestamp;
    use crate::decode::{Body, decode};
    use crate::source::Frame;

    /// A packet without payload in an IPv4 packet.
    fn tunnelled(outer: [u8; 2], inner: [u8; 2]) -> Vec<u8> {
        let header = |protocol, length, [source, destination]: [u8; 2]| {
            let mut header = vec![0x45, 0, 0, length, 0, 0, 0, 0, 64, protocol, 0, 0];
            header.extend([10, 0, 0, source, 10, 0, 0, destination]);
            header
        };
        [header(4, 40, outer), header(59, 20, inner)].concat()
    }

    fn key(data: &[u8]) -> (FlowKey, Side) {
        let packet = decode(&Frame {
            number: 1,
            time: Timestamp(0),
            wire_length: data.len() as u32,
            link: 101,
            data,
        });
        let Body::Ip(ip) = packet.body else { panic!() };
        FlowKey::of(&ip, &packet.vlans, &packet.tunnels)
    }

    #[test]
    fn both_directions_of_a_tunnel_and_no_other() {
        let (there, side) = key(&tunnelled([1, 2], [8, 9]));
        assert_eq!(there.address(side).to_string(), "10.0.0.8");
        let (back, other) = key(&tunnelled([2, 1], [9, 8]));
        assert_eq!((there, side), (back, other.other()));
        for another in [tunnelled([1, 3], [8, 9]), tunnelled([1, 2], [8, 9])[20..].to_vec()] {
            assert_ne!(key(&another).0, there);
        }
    }
}
