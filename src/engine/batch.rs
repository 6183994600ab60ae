//! A chunk on its way through the stages: what was decoded of its frames, split by the workers
//! that own the partitions. All memory is used again for a later chunk.

use super::PARTITIONS;
use super::events::Events;
use crate::attribution::on_link::Holds;
use crate::base::address::Mac;
use crate::base::time::Timestamp;
use crate::decode::neighbour::{self, Claim};
use crate::decode::{Body, Ip, Packet, Transport, Tunnels, Vlans};
use crate::flow::{Around, Brief, FlowId, key};
use crate::source::{Chunk, Frame};

const NOTHING_AROUND: u32 = u32::MAX;

/// A chunk with all that belongs to it.
#[derive(Default)]
pub struct Job {
    pub(super) common: Common,
    pub(super) parts: Vec<Part>,
}

/// What all workers read of a job.
#[derive(Default)]
pub(super) struct Common {
    pub chunk: Chunk,
    around: Vec<(Vlans, Tunnels)>,
    /// Payload of what was put together out of fragments.
    together: Vec<u8>,
    /// What frames without a flow tell, and their places among the items of all parts.
    pub asides: Vec<(u32, Aside)>,
    /// Items so far, asides included.
    places: u32,
}

/// What a frame without a flow tells the ledger.
#[derive(Clone, Copy)]
pub(super) enum Aside {
    Holds(Holds),
    Sighted(Option<Mac>),
}

/// What one worker has to do.
#[derive(Default)]
pub(super) struct Part {
    /// In the order of frames.
    pub items: Vec<Item>,
    pub guesses: Vec<Option<FlowId>>,
    /// What was said, and about which items.
    pub events: Events,
    pub told: Vec<Told>,
}

/// Events that one item gave rise to.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Told {
    /// Place of the item among those of all parts.
    pub place: u32,
    pub start: u32,
    pub end: u32,
}

/// One packet, or one frame of a packet in fragments.
pub(super) struct Item {
    pub brief: Brief,
    /// Position of its partition among those that the worker owns.
    pub owned: u32,
    /// Its place among the items of all parts.
    pub place: u32,
    /// Its frame in the chunk, or the frame that completed it.
    frame: u32,
    /// Where its payload begins: in the frame, or among what was put together.
    start: u32,
    captured: u32,
    /// Position of its tags and tunnels.
    around: u32,
    together: bool,
}

impl Job {
    /// Gives it other frames to work on.
    pub fn replace(&mut self, chunk: Chunk) {
        self.common.chunk = chunk;
    }

    /// Frames of its chunk.
    pub(super) fn frames(&self) -> usize {
        self.common.chunk.len()
    }

    /// Forgets what an earlier chunk left, and makes room for the parts of so many workers.
    pub(super) fn begin(&mut self, workers: usize) {
        let Common { around, together, asides, places, .. } = &mut self.common;
        around.clear();
        together.clear();
        asides.clear();
        *places = 0;
        self.parts.resize_with(workers, Part::default);
        for part in &mut self.parts {
            part.items.clear();
            part.events.clear();
            part.told.clear();
        }
    }

    /// Adds a packet whose payload, if any, lies in `frame`.
    #[inline(always)]
    pub(super) fn packet(
        &mut self,
        index: u32,
        frame: &Frame<'_>,
        ip: &Ip<'_>,
        brief: Brief,
        around: u32,
    ) {
        let payload = payload(ip);
        let start = (payload.as_ptr() as usize).wrapping_sub(frame.data.as_ptr() as usize);
        self.item(Item {
            brief,
            owned: 0,
            place: 0,
            frame: index,
            start: start as u32,
            captured: payload.len() as u32,
            together: false,
            around,
        });
    }

    /// Adds a packet that was put together, or a frame of one.
    pub(super) fn put_together(
        &mut self,
        index: u32,
        packet: &Packet<'_>,
        brief: Brief,
        data: &[u8],
    ) {
        let around = self.surroundings(packet);
        let start = self.common.together.len() as u32;
        self.common.together.extend_from_slice(data);
        self.item(Item {
            brief,
            owned: 0,
            place: 0,
            frame: index,
            start,
            captured: data.len() as u32,
            together: true,
            around,
        });
    }

    #[inline(always)]
    fn item(&mut self, item: Item) {
        let partition = key::partition(&item.brief.key, PARTITIONS);
        let workers = self.parts.len();
        let place = self.common.places;
        self.common.places += 1;
        let (worker, owned) =
            if workers == 1 { (0, partition) } else { (partition % workers, partition / workers) };
        self.parts[worker].items.push(Item { owned: owned as u32, place, ..item });
    }

    /// Remembers tags and tunnels of a packet; returns where.
    #[inline]
    pub(super) fn surroundings(&mut self, packet: &Packet<'_>) -> u32 {
        if packet.vlans.ids().is_empty() && packet.tunnels.is_empty() {
            return NOTHING_AROUND;
        }
        let around = &mut self.common.around;
        if around.last() != Some(&(packet.vlans, packet.tunnels)) {
            around.push((packet.vlans, packet.tunnels));
        }
        around.len() as u32 - 1
    }

    /// Adds what a frame without a flow tells the ledger.
    pub(super) fn aside(&mut self, body: &Body<'_>, packet: &Packet<'_>, time: Timestamp) {
        let aside = match body {
            Body::Arp(arp) => Aside::Holds(Holds {
                mac: arp.sender_mac,
                address: arp.sender.into(),
                time,
                own: packet.source_mac == Some(arp.sender_mac),
            }),
            Body::Other(_) => Aside::Sighted(packet.source_mac),
            Body::Ip(_) | Body::Refused(_) => return,
        };
        self.tell_aside(aside);
    }

    /// Adds what a packet says of who holds an address, beside what its flow is told.
    pub(super) fn neighbour(&mut self, ip: &Ip<'_>, packet: &Packet<'_>, time: Timestamp) {
        if let Some(Claim { address, mac }) = neighbour::claim(ip)
            && let Some(mac) = mac.or(packet.source_mac)
        {
            let own = packet.source_mac == Some(mac);
            self.tell_aside(Aside::Holds(Holds { mac, address: address.into(), time, own }));
        }
    }

    fn tell_aside(&mut self, aside: Aside) {
        let place = self.common.places;
        self.common.places += 1;
        self.common.asides.push((place, aside));
    }

    pub(super) const NOTHING_AROUND: u32 = NOTHING_AROUND;
}

impl Common {
    /// Items so far.
    pub fn places(&self) -> u32 {
        self.places
    }

    /// Tags and tunnels of a packet, where it has any.
    #[inline]
    pub fn around(&self, item: &Item) -> Option<Around<'_>> {
        let (vlans, tunnels) = self.around.get(item.around as usize)?;
        Some(Around { vlans, tunnels })
    }

    /// Payload of a packet.
    #[inline]
    pub fn payload(&self, item: &Item) -> &[u8] {
        let bytes = if item.together {
            &self.together[..]
        } else {
            self.chunk.frame(item.frame as usize).data
        };
        let start = item.start as usize;
        bytes.get(start..start + item.captured as usize).unwrap_or(&[])
    }

    /// Highest capture time up to the frame in turn.
    #[inline]
    pub fn now(&self, item: &Item) -> Timestamp {
        if self.chunk.is_empty() {
            return item.brief.seen;
        }
        self.chunk.seen(item.frame as usize)
    }
}

/// What dissectors read: the transport payload, or the whole of a message without ports.
#[inline(always)]
pub(super) fn payload<'a>(ip: &Ip<'a>) -> &'a [u8] {
    match ip.transport {
        Transport::Tcp(tcp) => tcp.payload,
        Transport::Udp { payload, .. } => payload,
        Transport::Icmp { message, .. } | Transport::Igmp { message, .. } => message,
        _ => &[],
    }
}
