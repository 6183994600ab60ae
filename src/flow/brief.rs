//! What the flow stage needs of a packet: small and without borrowed parts, so that many packets
//! can wait side by side for the tables they belong to.

use super::key::FlowKey;
use super::{Side, Sight};
use crate::base::address::Mac;
use crate::base::table::BuildHasher;
use crate::base::time::Timestamp;
use crate::decode::fast::{self, Carried, Network, Version};
use crate::decode::fragments::Part;
use crate::decode::ip::TCP;
use crate::decode::{Ip, Transport, Tunnels, Vlans};
use crate::source::Frame;
use std::hash::BuildHasher as _;

/// What kind of packet it is, for the flow stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Kind {
    /// A TCP segment.
    Tcp,
    /// A UDP datagram.
    Udp,
    /// Another protocol, or a transport header that could not be read.
    #[default]
    Other,
    /// An ICMP message.
    Icmp,
    /// An IGMP message.
    Igmp,
    /// A frame with a fragment, counted later than its turn and without what it carries.
    Part,
    /// The same, of a packet that was never put together.
    LostPart,
}

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Brief {
    /// The flow it belongs to.
    pub key: FlowKey,
    /// Frame number.
    pub number: u64,
    /// Capture time.
    pub time: Timestamp,
    /// Highest capture time when it was read.
    pub seen: Timestamp,
    /// Seeded hash of the key.
    pub tag: u32,
    /// Frame length on the wire, bytes.
    pub wire_length: u32,
    /// IP packet on the wire, bytes.
    pub ip_length: u32,
    /// Transport payload on the wire, bytes.
    pub payload_length: u32,
    /// TCP sequence number.
    pub sequence: u32,
    /// TCP acknowledgment number.
    pub acknowledgment: u32,
    /// Hardware addresses of receiver and sender, as on the wire; zero where there is none.
    pub(super) macs: [Mac; 2],
    /// TCP flags.
    pub flags: u8,
    /// Hop limit.
    pub hops: u8,
    /// ICMP type and code.
    pub icmp: [u8; 2],
    /// The sender.
    pub side: Side,
    /// What kind of packet it is.
    pub kind: Kind,
    /// Whether the capture holds the packet a second time: [`Recent`](super::Recent) knows.
    pub again: bool,
}

impl Brief {
    /// The account of a packet.
    #[inline(always)]
    #[must_use]
    pub fn of(
        frame: &Frame<'_>,
        seen: Timestamp,
        ip: &Ip<'_>,
        [sender, receiver]: [Option<Mac>; 2],
        (vlans, tunnels): (&Vlans, &Tunnels),
        hasher: &BuildHasher,
    ) -> Brief {
        let (key, side) = FlowKey::of(ip, vlans, tunnels);
        let (mut sequence, mut acknowledgment, mut flags, mut icmp) = (0, 0, 0, [0; 2]);
        let (kind, payload_length) = match ip.transport {
            Transport::Tcp(tcp) => {
                (sequence, acknowledgment, flags) = (tcp.sequence, tcp.acknowledgment, tcp.flags);
                (Kind::Tcp, tcp.payload_length)
            }
            Transport::Udp { payload_length, .. } => (Kind::Udp, payload_length),
            Transport::Icmp { kind, code, payload_length, .. } => {
                icmp = [kind, code];
                (Kind::Icmp, payload_length)
            }
            Transport::Igmp { payload_length, .. } => (Kind::Igmp, payload_length),
            Transport::Ports { payload_length, .. }
            | Transport::Fragment { payload_length, .. }
            | Transport::None { payload_length } => (Kind::Other, payload_length),
        };
        Brief {
            tag: hasher.hash_one(key) as u32,
            key,
            number: frame.number,
            time: frame.time,
            seen,
            wire_length: frame.wire_length,
            ip_length: ip.length,
            payload_length,
            sequence,
            acknowledgment,
            macs: [receiver.unwrap_or_default(), sender.unwrap_or_default()],
            flags,
            hops: ip.hops,
            icmp,
            side,
            kind,
            again: false,
        }
    }

    /// Fills in the account of a frame that can go the short way through decoding; where it cannot,
    /// what stands in it means nothing. `rest` takes what does not belong in an account. Returns
    /// whether the transport's checksum fits.
    ///
    /// Each field is written as soon as it is known, and what follows the IP layer is put together
    /// for each version: all values at once are more than a processor has registers.
    #[inline(always)]
    pub fn fill_plain<'a>(
        &mut self,
        frame: &Frame<'a>,
        seen: Timestamp,
        hasher: &BuildHasher,
        rest: &mut impl FnMut(&Brief, &Carried<'a>, Sight),
    ) -> Option<bool> {
        self.number = frame.number;
        self.time = frame.time;
        self.seen = seen;
        self.wire_length = frame.wire_length;
        self.icmp = [0; 2];
        self.again = false;
        let (version, macs, bytes) = fast::link(frame)?;
        self.macs = macs;
        match version {
            Version::V4 => self.fill_network(&fast::v4(bytes)?, hasher, rest),
            Version::V6 => self.fill_network(&fast::v6(bytes)?, hasher, rest),
        }
    }

    #[inline(always)]
    fn fill_network<'a>(
        &mut self,
        network: &Network<'a>,
        hasher: &BuildHasher,
        rest: &mut impl FnMut(&Brief, &Carried<'a>, Sight),
    ) -> Option<bool> {
        self.ip_length = network.length;
        self.hops = network.hops;
        let carried = if network.protocol == TCP {
            self.kind = Kind::Tcp;
            network.tcp()?
        } else {
            self.kind = Kind::Udp;
            network.udp()?
        };
        self.payload_length = carried.payload.len() as u32;
        self.sequence = carried.sequence;
        self.acknowledgment = carried.acknowledgment;
        self.flags = carried.flags;
        (self.key, self.side) = FlowKey::of_plain(network, carried.ports);
        self.tag = hasher.hash_one(self.key) as u32;
        rest(self, &carried, Sight::of_plain(network.identification, &carried, self));
        Some(carried.good_checksum)
    }

    /// Hardware addresses of sender and receiver.
    #[must_use]
    pub fn macs(&self) -> [Option<Mac>; 2] {
        let [receiver, sender] = self.macs;
        [sender, receiver].map(|mac| (!mac.is_zero()).then_some(mac))
    }

    /// The account of a frame with a fragment of the packet that `whole` is the account of.
    #[must_use]
    pub fn of_part(part: &Part, whole: &Brief, lost: bool) -> Brief {
        Brief {
            number: part.number,
            time: part.time,
            seen: part.seen,
            wire_length: part.wire_length,
            ip_length: part.ip_length,
            payload_length: if lost { part.payload_length } else { 0 },
            kind: if lost { Kind::LostPart } else { Kind::Part },
            ..*whole
        }
    }

    /// Whether it counts a frame without what that carries.
    #[must_use]
    pub fn is_part(&self) -> bool {
        matches!(self.kind, Kind::Part | Kind::LostPart)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::decode::{Body, decode};

    fn packet(protocol: u8, v6: bool, ports: [u16; 2]) -> Vec<u8> {
        let mut bytes = vec![2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2];
        let length = 28u16;
        if v6 {
            bytes.extend([0x86, 0xdd, 0x60, 0, 0, 0, 0, length as u8, protocol, 64]);
            bytes.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1]);
            bytes.extend([0x20, 1, 0xd, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2]);
        } else {
            bytes.extend([8, 0, 0x45, 0, 0, 20 + length as u8, 0x12, 0x34, 0x40, 0]);
            // The checksum fits.
            let sum = [0x4500, 48, 0x1234, 0x4000, 0x4000 | u32::from(protocol), 0x0a00, 1];
            let sum: u32 = sum.into_iter().chain([0xc000, 0x0201]).sum();
            bytes.extend([64, protocol]);
            bytes.extend((!((sum & 0xffff) + (sum >> 16)) as u16).to_be_bytes());
            bytes.extend([10, 0, 0, 1, 192, 0, 2, 1]);
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
    fn the_short_way_says_what_the_long_way_says() {
        let hasher = BuildHasher::default();
        let (mut short, mut random, mut left) = (0, 1u64, Brief::default());
        for round in 0..200_000 {
            let protocol = [TCP, 17, 1, 132][round % 4];
            let mut bytes =
                packet(protocol, round % 3 == 0, [[40_000, 443], [4789, 9], [0, 0]][round / 4 % 3]);
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
            let (time, seen, wire_length) = (Timestamp(5), Timestamp(6), bytes.len() as u32);
            let frame = Frame { number: 7, time, wire_length, link: 1, data: &bytes };
            // The place of an account is written to again, with all that was left in it.
            let mut filled = Brief { again: true, icmp: [9; 2], ..left };
            let mut rest = None;
            let good = filled.fill_plain(&frame, seen, &hasher, &mut |_, carried, sight| {
                rest = Some((*carried, sight));
            });
            let (Some(good), Some((carried, sight))) = (good, rest) else { continue };
            short += 1;
            let packet = decode(&frame);
            let Body::Ip(ip) = packet.body else { panic!("{packet:?}") };
            let macs = [packet.source_mac, packet.destination_mac];
            let around = (&packet.vlans, &packet.tunnels);
            let long = Brief::of(&frame, seen, &ip, macs, around, &hasher);
            assert_eq!(filled, long);
            left = filled;
            assert_eq!(sight, Sight::of(&ip, &long));
            assert_eq!(good, ip.bad_checksum.is_none());
            assert_eq!((ip.stopped, ip.fragment), (None, false));
            let payload = match ip.transport {
                Transport::Tcp(tcp) => tcp.payload,
                Transport::Udp { payload, .. } => payload,
                other => panic!("{other:?}"),
            };
            assert_eq!(carried.payload, payload);
        }
        assert!(short > 40_000, "{short}");
    }
}
