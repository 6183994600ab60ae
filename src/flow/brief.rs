//! What the flow stage needs of a packet: small and without borrowed parts, so that many packets
//! can wait side by side for the tables they belong to.

use super::Side;
use super::key::FlowKey;
use crate::base::address::Mac;
use crate::base::table::BuildHasher;
use crate::base::time::Timestamp;
use crate::decode::fragments::Part;
use crate::decode::{Ip, Transport, Tunnels, Vlans};
use crate::source::Frame;
use std::hash::BuildHasher as _;

/// What kind of packet it is, for the flow stage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A TCP segment.
    Tcp,
    /// A UDP datagram.
    Udp,
    /// Another protocol, or a transport header that could not be read.
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
#[derive(Debug, Clone, Copy)]
pub struct Brief {
    /// The flow it belongs to.
    pub key: FlowKey,
    /// Frame number.
    pub number: u64,
    /// Capture time.
    pub time: Timestamp,
    /// Highest capture time when it was read.
    pub seen: Timestamp,
    /// The same for both sights of one packet, rarely for others; unkeyed.
    pub print: u64,
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
    /// Hardware addresses of sender and receiver.
    pub macs: [Option<Mac>; 2],
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
    /// What the print rests on.
    pub trace: Trace,
}

/// What tells a packet from others of its flow.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Trace {
    /// Nothing: neither a number nor a checksum that is right.
    None,
    /// A checksum over its payload.
    Checksum,
    /// The number that its sender gave it.
    Number,
}

impl Brief {
    /// The account of a packet.
    #[inline(always)]
    #[must_use]
    pub fn of(
        frame: &Frame<'_>,
        seen: Timestamp,
        ip: &Ip<'_>,
        macs: [Option<Mac>; 2],
        (vlans, tunnels): (&Vlans, &Tunnels),
        hasher: &BuildHasher,
    ) -> Brief {
        let (key, side) = FlowKey::of(ip, vlans, tunnels);
        let (mut sequence, mut acknowledgment, mut flags, mut icmp) = (0, 0, 0, [0; 2]);
        let mut payload: &[u8] = &[];
        let (kind, payload_length) = match ip.transport {
            Transport::Tcp(tcp) => {
                payload = tcp.payload;
                (sequence, acknowledgment, flags) = (tcp.sequence, tcp.acknowledgment, tcp.flags);
                (Kind::Tcp, tcp.payload_length)
            }
            Transport::Udp { payload: data, payload_length, .. } => {
                payload = data;
                (Kind::Udp, payload_length)
            }
            Transport::Icmp { kind, code, payload_length, .. } => {
                icmp = [kind, code];
                (Kind::Icmp, payload_length)
            }
            Transport::Igmp { payload_length, .. } => (Kind::Igmp, payload_length),
            Transport::Ports { payload_length, .. }
            | Transport::Fragment { payload_length, .. }
            | Transport::None { payload_length } => (Kind::Other, payload_length),
        };
        let said = u64::from(ip.identification) << 48
            | u64::from(ip.checksum) << 32
            | u64::from(ip.length ^ u32::from(flags) << 24);
        let numbers = u64::from(sequence) << 32 | u64::from(acknowledgment);
        // A checksum left to the network card covers no payload, and one that does has 16 bits.
        let checked = ip.checksum != 0
            && ip.bad_checksum.is_none()
            && payload.len() == payload_length as usize;
        Brief {
            tag: hasher.hash_one(key) as u32,
            print: key.print(side, said, numbers, opening(payload)),
            key,
            number: frame.number,
            time: frame.time,
            seen,
            wire_length: frame.wire_length,
            ip_length: ip.length,
            payload_length,
            sequence,
            acknowledgment,
            macs,
            flags,
            hops: ip.hops,
            icmp,
            side,
            kind,
            trace: match (ip.identification, checked) {
                (0, false) => Trace::None,
                (0, true) => Trace::Checksum,
                _ => Trace::Number,
            },
        }
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

    /// Stands where there is no packet.
    #[must_use]
    pub fn none() -> Brief {
        Brief {
            key: FlowKey::NONE,
            number: 0,
            time: Timestamp(0),
            seen: Timestamp(0),
            print: 0,
            tag: 0,
            wire_length: 0,
            ip_length: 0,
            payload_length: 0,
            sequence: 0,
            acknowledgment: 0,
            macs: [None; 2],
            flags: 0,
            hops: 0,
            icmp: [0; 2],
            side: Side::Low,
            kind: Kind::Other,
            trace: Trace::None,
        }
    }

    /// Whether it counts a frame without what that carries.
    #[must_use]
    pub fn is_part(&self) -> bool {
        matches!(self.kind, Kind::Part | Kind::LostPart)
    }
}

/// The first 16 bytes of a payload in one number.
#[inline]
fn opening(payload: &[u8]) -> u64 {
    let whole = payload.first_chunk::<16>().copied().unwrap_or_else(|| {
        let mut padded = [0; 16];
        padded[..payload.len()].copy_from_slice(payload);
        padded
    });
    let number = u128::from_le_bytes(whole);
    number as u64 ^ ((number >> 64) as u64).rotate_left(29)
}
