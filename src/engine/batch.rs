//! A chunk on its way through the stages: what was decoded of its frames, sorted into partitions.

use super::PARTITIONS;
use super::events::Events;
use super::fragmented::FragmentStage;
use crate::base::address::Mac;
use crate::base::table::BuildHasher;
use crate::base::time::Timestamp;
use crate::decode::{Arp, Body, FrameLedger, Ip, Packet, Transport, Tunnels, Vlans, decode, fast};
use crate::flow::{Around, Brief, key};
use crate::source::{Chunk, Frame};
use std::ops::Range;

/// Stands for packets that belong to no flow.
pub(super) const ASIDE: u8 = PARTITIONS as u8;
const NOTHING_AROUND: u32 = u32::MAX;

/// One packet, or one frame of a packet in fragments.
pub(super) struct Item {
    pub brief: Brief,
    /// Its frame, or the frame that completed it, in the chunk.
    pub frame: u32,
    /// Where its payload begins: in the frame, or among what was put together.
    start: u32,
    captured: u32,
    together: bool,
    /// Position of its tags and tunnels.
    around: u32,
    pub partition: u8,
    /// What was said about it.
    pub events: Range<u32>,
}

/// What a frame without a flow tells the ledger.
#[derive(Clone, Copy)]
pub(super) enum Aside {
    Arp(Arp),
    Sighted(Option<Mac>),
}

/// See the module. Its memory is used again for the next chunk.
#[derive(Default)]
pub(super) struct Batch {
    pub items: Vec<Item>,
    /// Positions of items, sorted by partition.
    order: Vec<u32>,
    starts: Vec<u32>,
    around: Vec<(Vlans, Tunnels)>,
    asides: Vec<(Aside, Timestamp)>,
    /// Payload of what was put together out of fragments.
    together: Vec<u8>,
    /// Fragments that wait for their stage: where they stand among the items, and their frame.
    fragments: Vec<(usize, u32)>,
    pub events: Events,
}

impl Batch {
    /// Decodes every frame. Fragments are put aside.
    pub fn decode(&mut self, chunk: &Chunk, hasher: &BuildHasher, frames: &mut FrameLedger) {
        self.items.clear();
        self.around.clear();
        self.asides.clear();
        self.together.clear();
        self.fragments.clear();
        self.events.clear();
        for index in 0..chunk.len() {
            let frame = chunk.frame(index);
            if let Some((macs, ip)) = fast::decode(&frame) {
                frames.count_flow(&frame, &ip);
                let around = (&Vlans::NONE, &Tunnels::NONE);
                let brief = Brief::of(&frame, chunk.seen(index), &ip, macs, around, hasher);
                self.packet(index as u32, &frame, &ip, brief, NOTHING_AROUND);
                continue;
            }
            let packet = decode(&frame);
            frames.count(&frame, &packet);
            match &packet.body {
                Body::Ip(ip) if ip.fragment => {
                    self.fragments.push((self.items.len(), index as u32));
                }
                Body::Ip(ip) => {
                    let brief = brief(&frame, chunk.seen(index), &packet, ip, hasher);
                    let around = self.surroundings(&packet);
                    self.packet(index as u32, &frame, ip, brief, around);
                }
                body => self.aside(index as u32, body, &packet, frame.time),
            }
        }
    }

    #[inline(always)]
    fn packet(&mut self, index: u32, frame: &Frame<'_>, ip: &Ip<'_>, brief: Brief, around: u32) {
        let payload = payload(ip);
        let start = (payload.as_ptr() as usize).wrapping_sub(frame.data.as_ptr() as usize);
        self.items.push(Item {
            partition: key::partition(&brief.key, PARTITIONS) as u8,
            brief,
            frame: index,
            start: start as u32,
            captured: payload.len() as u32,
            together: false,
            around,
            events: 0..0,
        });
    }

    /// Adds a packet that was put together, or a frame of one.
    pub fn put_together(&mut self, index: u32, packet: &Packet<'_>, brief: Brief, data: &[u8]) {
        let around = self.surroundings(packet);
        let start = self.together.len() as u32;
        self.together.extend_from_slice(data);
        self.items.push(Item {
            partition: key::partition(&brief.key, PARTITIONS) as u8,
            brief,
            frame: index,
            start,
            captured: data.len() as u32,
            together: true,
            around,
            events: 0..0,
        });
    }

    fn surroundings(&mut self, packet: &Packet<'_>) -> u32 {
        if packet.vlans.ids().is_empty() && packet.tunnels.is_empty() {
            return NOTHING_AROUND;
        }
        let last = self.around.last();
        if last != Some(&(packet.vlans, packet.tunnels)) {
            self.around.push((packet.vlans, packet.tunnels));
        }
        self.around.len() as u32 - 1
    }

    /// Adds what a frame without a flow tells the ledger.
    pub fn aside(&mut self, index: u32, body: &Body<'_>, packet: &Packet<'_>, time: Timestamp) {
        let aside = match body {
            Body::Arp(arp) => Aside::Arp(*arp),
            Body::Other(_) => Aside::Sighted(packet.source_mac),
            Body::Ip(_) | Body::Refused(_) => return,
        };
        self.items.push(Item {
            brief: Brief::none(),
            frame: index,
            start: self.asides.len() as u32,
            captured: 0,
            together: false,
            around: NOTHING_AROUND,
            partition: ASIDE,
            events: 0..0,
        });
        self.asides.push((aside, time));
    }

    pub fn aside_of(&self, item: &Item) -> (Aside, Timestamp) {
        self.asides[item.start as usize]
    }

    /// Takes fragments through their stage and puts what comes of them in its place.
    pub fn put_fragments_together(
        &mut self,
        chunk: &Chunk,
        stage: &mut FragmentStage,
        hasher: &BuildHasher,
    ) {
        if self.fragments.is_empty() {
            return;
        }
        let decoded = std::mem::take(&mut self.items);
        let fragments = std::mem::take(&mut self.fragments);
        let mut decoded = decoded.into_iter();
        let mut taken = 0;
        for &(before, index) in &fragments {
            self.items.extend(decoded.by_ref().take(before - taken));
            taken = before;
            stage.frame(
                index,
                &chunk.frame(index as usize),
                chunk.seen(index as usize),
                hasher,
                self,
            );
        }
        self.items.extend(decoded);
        self.fragments = fragments;
    }

    /// Sorts the items into partitions, keeping their order within each.
    pub fn sort(&mut self) {
        self.starts.clear();
        self.starts.resize(PARTITIONS + 2, 0);
        for item in &self.items {
            self.starts[usize::from(item.partition) + 1] += 1;
        }
        for partition in 1..self.starts.len() {
            self.starts[partition] += self.starts[partition - 1];
        }
        self.order.clear();
        self.order.resize(self.items.len(), 0);
        let mut next = [0u32; PARTITIONS + 1];
        next.copy_from_slice(&self.starts[..=PARTITIONS]);
        for (index, item) in self.items.iter().enumerate() {
            let place = &mut next[usize::from(item.partition)];
            self.order[*place as usize] = index as u32;
            *place += 1;
        }
    }

    /// Positions of the items of one partition.
    pub fn of_partition(&self, partition: usize) -> Range<usize> {
        self.starts[partition] as usize..self.starts[partition + 1] as usize
    }

    /// The item at one of these positions.
    #[inline]
    pub fn item_at(&self, position: usize) -> &Item {
        &self.items[self.order[position] as usize]
    }

    pub fn set_events(&mut self, position: usize, events: Range<u32>) {
        self.items[self.order[position] as usize].events = events;
    }

    /// What is needed to take one item through its partition.
    #[inline]
    pub fn parts<'b>(
        &'b mut self,
        position: usize,
        chunk: &'b Chunk,
    ) -> (&'b Item, Option<Around<'b>>, impl FnOnce() -> &'b [u8], &'b mut Events) {
        let item = &self.items[self.order[position] as usize];
        let around = self.around.get(item.around as usize);
        let around = around.map(|(vlans, tunnels)| Around { vlans, tunnels });
        let together = &self.together;
        let payload = move || {
            let bytes =
                if item.together { &together[..] } else { chunk.frame(item.frame as usize).data };
            let start = item.start as usize;
            bytes.get(start..start + item.captured as usize).unwrap_or(&[])
        };
        (item, around, payload, &mut self.events)
    }
}

/// The account of a packet.
#[inline]
pub(super) fn brief(
    frame: &Frame<'_>,
    seen: Timestamp,
    packet: &Packet<'_>,
    ip: &Ip<'_>,
    hasher: &BuildHasher,
) -> Brief {
    let macs = [packet.source_mac, packet.destination_mac];
    Brief::of(frame, seen, ip, macs, (&packet.vlans, &packet.tunnels), hasher)
}

/// The transport payload that dissectors read.
pub(super) fn payload<'a>(ip: &Ip<'a>) -> &'a [u8] {
    match ip.transport {
        Transport::Tcp(tcp) => tcp.payload,
        Transport::Udp { payload, .. } => payload,
        _ => &[],
    }
}
