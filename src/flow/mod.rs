//! Joins packets into two-way flows, follows TCP, and puts payload in order for whoever reads
//! it. Memory is bounded by named constants; what a bound costs is counted in [`Losses`].

mod brief;
mod counting;
pub mod community_id;
pub mod distribution;
mod duplicate;
mod index;
pub mod key;
mod message;
mod share;
mod slab;
mod stream;
pub mod table;
pub mod tcp;
mod timer;

pub use brief::{Brief, Kind};
pub use duplicate::{Recent, Sight};
pub use key::FlowKey;
pub use message::{MESSAGES_MAX, Message};
pub use share::Share;
pub use stream::Half;
pub use table::{Around, FLOW_BYTES, FlowTable, Losses};

use crate::base::address::Mac;
use crate::base::time::Timestamp;
use crate::decode::{Tunnels, Vlans};
use share::FlowShares;
use std::net::IpAddr;
use std::ops::Deref;

/// One side of a flow. Sides are fixed by the order of the addresses, not by who began, because
/// who began may become known later.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub enum Side {
    /// The end with the lower address and port.
    #[default]
    Low,
    /// The other end.
    High,
}

impl Side {
    /// The opposite end.
    #[must_use]
    pub fn other(self) -> Side {
        match self {
            Side::Low => Side::High,
            Side::High => Side::Low,
        }
    }

    /// Position in arrays that hold one entry a side.
    #[must_use]
    pub fn index(self) -> usize {
        self as usize
    }
}

/// Counters of what one side sent.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Sent {
    /// Frames.
    pub packets: u64,
    /// Whole frames, bytes on the wire (original length, link header included).
    pub wire_bytes: u64,
    /// IP packets, bytes on the wire (IP header included).
    pub ip_bytes: u64,
    /// Transport payload, bytes on the wire, retransmissions included.
    pub payload_bytes: u64,
    /// Transport payload, each byte once.
    pub delivered_bytes: u64,
}

/// A two-way flow. What every packet touches comes first, in lines of memory of their own
/// (`repr(C)`): the cache misses of a record cost more than the parsing of its packets.
#[derive(Debug, Clone)]
#[repr(C, align(64))]
pub struct Flow {
    /// Addresses, ports and protocol.
    pub key: FlowKey,
    /// Time of the latest packet.
    pub last: Timestamp,
    /// The side that began, or that was seen first.
    pub initiator: Side,
    /// Whether the beginning was seen: a SYN or SYN-ACK for TCP, the first datagram otherwise.
    pub initiator_known: bool,
    marks: Marks,
    /// TCP connection state.
    pub tcp: tcp::Connection,
    /// The input of the first packet.
    input: u16,
    ways: [Way; 2],
    /// Time of the first packet.
    pub first: Timestamp,
    /// Number of the first frame; no other flow has it, so it names the flow.
    pub first_frame: u64,
    rare: Option<Box<Rare>>,
    /// Order of what was seen of a TCP connection.
    pub history: tcp::History,
    round_trip: [RoundTrip; 2],
    /// Length of the first frame on the wire, bytes.
    pub first_length: u32,
    /// Seeded hash of the key.
    tag: u32,
    /// Zero where there is none.
    macs: [Mac; 2],
    /// Hop limit of each side's first packet.
    pub hops: [u8; 2],
    icmp: [u8; 2],
}

/// Yes or no about a flow, in one byte.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Marks(u8);

impl Marks {
    /// Payload is still asked for.
    const WANTED: Marks = Marks(1);
    /// Packets of several inputs.
    const SHARED: Marks = Marks(2);
    /// Fragments of packets that were not put together.
    const FRAGMENTS: Marks = Marks(4);
    /// The high side sent the first packet.
    const HIGH_FIRST: Marks = Marks(8);
    /// Messages are kept.
    const MESSAGES: Marks = Marks(16);
    /// There was no room for a message.
    const UNHEARD: Marks = Marks(32);
    /// It was taken out: what is left in its place means nothing.
    const GONE: Marks = Marks(64);

    fn has(self, mark: Marks) -> bool {
        self.0 & mark.0 != 0
    }

    fn set(&mut self, mark: Marks, on: bool) {
        self.0 = if on { self.0 | mark.0 } else { self.0 & !mark.0 };
    }
}

/// Nanoseconds up to 4.29 s, zero for none; longer ones count as that.
#[derive(Debug, Clone, Copy, Default)]
struct RoundTrip(u32);

/// What is known of a flow when it begins, and of what it says.
#[derive(Debug, Clone, Copy)]
pub struct Head {
    /// Addresses, ports and protocol.
    pub key: FlowKey,
    /// Hardware addresses of both sides.
    pub macs: [Option<Mac>; 2],
    /// The side that began, as far as is known.
    pub initiator: Side,
    /// The side that sent the first packet.
    pub first_sender: Side,
    /// Time of the first packet.
    pub first: Timestamp,
    /// Number of the first frame.
    pub first_frame: u64,
}

/// One direction of a flow.
#[derive(Debug, Clone, Default)]
#[repr(C)]
struct Way {
    packets: u64,
    wire_bytes: u64,
    ip_bytes: u64,
    payload_bytes: u64,
    last_frame: u64,
    half: Half,
}

// Three lines of memory that packets touch, and one more: a new field belongs into `Rare`.
const _: () = assert!(size_of::<Flow>() == 256);

/// What few flows have.
#[derive(Debug, Clone, Default)]
struct Rare {
    vlans: Vlans,
    tunnels: Option<Tunnels>,
    /// Payload bytes that came again, by [`Side::index`].
    repeated: [u64; 2],
    /// Packets and whole frames' bytes seen a second time, by [`Side::index`].
    duplicates: [[u64; 2]; 2],
    shares: share::Shares,
    messages: message::Messages,
}

impl Flow {
    /// What names it and says whose it is.
    #[must_use]
    pub fn head(&self) -> Head {
        let Flow { key, initiator, first, first_frame, .. } = *self;
        let first_sender = self.first_sender();
        Head { key, macs: self.macs(), initiator, first_sender, first, first_frame }
    }

    /// Address and port of one side.
    #[must_use]
    pub fn end(&self, side: Side) -> (IpAddr, Option<u16>) {
        (self.key.address(side), self.key.port(side))
    }

    /// What one side sent.
    #[must_use]
    pub fn sent(&self, side: Side) -> Sent {
        let way = &self.ways[side.index()];
        Sent {
            packets: way.packets,
            wire_bytes: way.wire_bytes,
            ip_bytes: way.ip_bytes,
            payload_bytes: way.payload_bytes,
            delivered_bytes: way.payload_bytes - self.repeated(side),
        }
    }

    /// Whether what it says is still read, so that its names may change.
    #[must_use]
    pub fn is_read(&self) -> bool {
        self.marks.has(Marks::WANTED)
    }

    /// Whether a side sent anything.
    #[must_use]
    pub fn has_sent(&self, side: Side) -> bool {
        self.ways[side.index()].packets > 0
    }

    /// Payload bytes of this side that came again.
    fn repeated(&self, side: Side) -> u64 {
        self.rare.as_ref().map_or(0, |rare| rare.repeated[side.index()])
    }

    /// The side that sent the first packet.
    #[must_use]
    pub fn first_sender(&self) -> Side {
        if self.marks.has(Marks::HIGH_FIRST) { Side::High } else { Side::Low }
    }

    /// Hardware addresses of both sides, by the first packet: its source and its destination.
    #[must_use]
    pub fn macs(&self) -> [Option<Mac>; 2] {
        self.macs.map(|mac| (!mac.is_zero()).then_some(mac))
    }

    /// ICMP type and code of the first message.
    #[must_use]
    pub fn icmp(&self) -> Option<(u8, u8)> {
        self.key.is_icmp().then_some((self.icmp[0], self.icmp[1]))
    }

    /// Whether it has fragments of packets that were not put together.
    #[must_use]
    pub fn has_fragments(&self) -> bool {
        self.marks.has(Marks::FRAGMENTS)
    }

    /// VLAN tags of the first packet.
    #[must_use]
    pub fn vlans(&self) -> &Vlans {
        self.rare.as_ref().map_or(&Vlans::NONE, |rare| &rare.vlans)
    }

    /// Smallest time from a packet of the other side to this side's answer in the TCP handshake,
    /// nanoseconds: the round trip between the tap and this side.
    #[must_use]
    pub fn round_trip(&self, side: Side) -> Option<i64> {
        let RoundTrip(nanoseconds) = self.round_trip[side.index()];
        (nanoseconds > 0).then_some(i64::from(nanoseconds))
    }

    /// Payload bytes of this side that must have existed, by the sequence numbers around them,
    /// but were not captured.
    #[must_use]
    pub fn missed_bytes(&self, side: Side) -> u64 {
        self.ways[side.index()].half.missed()
    }

    /// Whether the other side acknowledged data of `side` that the capture does not hold: the
    /// tap sees only part of the traffic.
    #[must_use]
    pub fn acknowledged_unseen(&self, side: Side) -> bool {
        self.ways[side.index()].half.acknowledged_unseen
    }

    /// Segments of this side whose bytes differ from those that an earlier one had at the same
    /// place, as far as payload was read.
    #[must_use]
    pub fn conflicts(&self, side: Side) -> u32 {
        self.ways[side.index()].half.conflicts
    }

    /// Frames of this side that the capture holds a second time: packets, and bytes on the wire.
    #[must_use]
    pub fn duplicates(&self, side: Side) -> [u64; 2] {
        self.rare.as_ref().map_or([0; 2], |rare| rare.duplicates[side.index()])
    }

    /// Tunnels around the first packet.
    #[must_use]
    pub fn tunnels(&self) -> Option<&Tunnels> {
        self.rare.as_ref()?.tunnels.as_ref()
    }

    /// The latest messages that began after a pause, in their order, of a flow that has lived long.
    pub fn messages(&self) -> impl Iterator<Item = &Message> {
        self.rare.iter().flat_map(|rare| rare.messages.iter())
    }

    /// Whether a side knocked with the other's IPv4 address for a sequence number, and sent nothing:
    /// so do the bots of the Mirai family, which tell answers by it.
    #[must_use]
    pub fn knocks_by_address(&self, side: Side) -> bool {
        let IpAddr::V4(to) = self.key.address(side.other()) else { return false };
        let way = &self.ways[side.index()];
        self.initiator_known
            && self.initiator == side
            && way.payload_bytes == 0
            && self.tcp.saw_syn(side)
            && way.half.begins_at(u32::from(to))
    }

    /// What of the flow is in which input, in the order of the inputs' first packets.
    #[must_use]
    pub fn shares(&self) -> impl Deref<Target = [Share]> {
        match &self.rare {
            Some(rare) if self.marks.has(Marks::SHARED) => FlowShares::Several(rare.shares.all()),
            _ => FlowShares::Whole(Share::whole(self)),
        }
    }

    /// The port by which the service is known: the responder's where the beginning was seen,
    /// else the lower one.
    #[must_use]
    pub fn service_port(&self) -> Option<u16> {
        let responder = self.key.port(self.initiator.other())?;
        let initiator = self.key.port(self.initiator)?;
        Some(if self.initiator_known { responder } else { responder.min(initiator) })
    }

    /// The first frame.
    #[must_use]
    pub fn cite(&self) -> Cite {
        Cite { frame: self.first_frame, time: self.first, length: self.first_length }
    }

    /// Number of the latest frame.
    #[must_use]
    pub fn last_frame(&self) -> u64 {
        let latest = self.rare.as_ref().and_then(|rare| rare.shares.latest());
        // Numbers follow the order of the inputs, not that of time.
        latest.map_or(self.ways[0].last_frame.max(self.ways[1].last_frame), |l| l.last_frame)
    }

    /// Packets both ways.
    #[must_use]
    pub fn packets(&self) -> u64 {
        self.ways[0].packets + self.ways[1].packets
    }

    fn rare(&mut self) -> &mut Rare {
        self.rare.get_or_insert_default()
    }

    /// The flow as it is; what it owns is no longer here.
    fn take(&mut self) -> Flow {
        let ways = self.ways.each_mut().map(std::mem::take);
        let taken = Flow { ways, rare: self.rare.take(), ..*self };
        self.marks.set(Marks::GONE, true);
        taken
    }
}

/// A piece of payload of one side, in order.
#[derive(Debug, Clone, Copy)]
pub struct Segment<'a> {
    /// The sender.
    pub side: Side,
    /// The payload.
    pub data: &'a [u8],
    /// Frame it came in.
    pub frame: u64,
    /// Capture time of that frame.
    pub time: Timestamp,
    /// Length of that frame on the wire, bytes.
    pub wire_length: u32,
    /// Payload bytes missing just before this piece.
    pub gap: u64,
    /// A datagram of its own, not part of a stream.
    pub datagram: bool,
}

/// A frame that is cited as evidence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Cite {
    /// Its number.
    pub frame: u64,
    /// Its capture time.
    pub time: Timestamp,
    /// Its length on the wire, bytes.
    pub length: u32,
}

impl Segment<'_> {
    /// The frame it came in.
    #[must_use]
    pub fn cite(&self) -> Cite {
        Cite { frame: self.frame, time: self.time, length: self.wire_length }
    }
}

/// Why a flow ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Both sides closed, or one reset.
    Closed,
    /// No packet for longer than its protocol's time-out.
    TimeOut,
    /// A new connection between the same ports began.
    Reused,
    /// The table was full.
    Evicted,
    /// The capture ended.
    CaptureEnd,
}

impl End {
    /// The word for it in flow records.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            End::Closed => "closed",
            End::TimeOut => "timeout",
            End::Reused => "reused",
            End::Evicted => "evicted",
            End::CaptureEnd => "capture_end",
        }
    }
}

/// Position of a flow in its table; reused after the flow has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct FlowId(pub u32);

/// Receives what the table finds, in the order of frames.
pub trait FlowSink {
    /// A flow began.
    fn opened(&mut self, id: FlowId, flow: &Flow);
    /// Payload in order; returns whether more is wanted.
    fn segment(&mut self, id: FlowId, flow: &Flow, segment: &Segment<'_>) -> bool;
    /// A flow ended; `frame` is the one that showed it.
    fn closed(&mut self, id: FlowId, flow: Flow, end: End, frame: u64);
}
