//! A chunk on its way through the stages: what was decoded of its frames, split by the workers
//! that own the partitions. All memory is used again for a later chunk.

use super::PARTITIONS;
use super::events::Events;
use crate::attribution::on_link::Holds;
use crate::base::address::Mac;
use crate::base::table::BuildHasher;
use crate::base::time::Timestamp;
use crate::decode::neighbour::{self, Claim};
use crate::decode::{Body, Ip, Packet, Transport, Tunnels, Vlans};
use crate::flow::{Around, Brief, FlowId, Kind, Recent, Sight, key};
use crate::protocol::{IdentityKind, link};
use crate::source::{Chunk, Frame};
use std::ops::{Deref, DerefMut};

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
    /// Values that asides describe devices with.
    values: Vec<u8>,
    /// Items so far, asides included.
    places: u32,
    /// Items before they are split among the workers.
    decoded: Items,
}

/// What a frame without a flow tells the ledger.
#[derive(Clone, Copy)]
pub(super) enum Aside {
    Holds(Holds),
    Sighted(Option<Mac>),
    Described(Described),
}

/// What a frame without a flow says of its sender.
#[derive(Clone, Copy)]
pub(super) struct Described {
    pub mac: Mac,
    pub kind: IdentityKind,
    pub fact: &'static str,
    pub frame: u64,
    /// Among the values of the job.
    start: u32,
    end: u32,
}

/// What one worker has to do.
#[derive(Default)]
pub(super) struct Part {
    /// In the order of frames.
    pub items: Items,
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
#[derive(Clone, Copy, Default)]
pub(super) struct Item {
    pub brief: Brief,
    sight: Sight,
    /// Position of its partition among those that the worker owns; before items are split, among
    /// all.
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
        let Common { around, together, asides, values, places, decoded, .. } = &mut self.common;
        decoded.clear();
        around.clear();
        values.clear();
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

    /// Adds the packet of a frame that can go the short way through decoding: returns nothing where
    /// it cannot, else the transport whose checksum does not fit.
    #[inline(always)]
    pub(super) fn plain(
        &mut self,
        chunk: &Chunk,
        index: usize,
        hasher: &BuildHasher,
    ) -> Option<Option<&'static str>> {
        let Common { decoded, places, .. } = &mut self.common;
        let item = decoded.another();
        item.place = *places;
        let good_checksum = item.fill_plain(chunk, index, hasher)?;
        let protocol = if item.brief.kind == Kind::Tcp { "tcp" } else { "udp" };
        decoded.used += 1;
        *places += 1;
        Some((!good_checksum).then_some(protocol))
    }

    /// The account of the last packet.
    pub(super) fn last(&self) -> Option<&Brief> {
        self.common.decoded.last().map(|item| &item.brief)
    }

    /// Adds a packet whose payload, if any, lies in `frame`.
    pub(super) fn packet(
        &mut self,
        index: u32,
        frame: &Frame<'_>,
        payload: &[u8],
        (brief, sight): (Brief, Sight),
        around: u32,
    ) {
        let start = offset(payload, frame.data);
        let captured = payload.len() as u32;
        self.add(Item { brief, sight, frame: index, start, captured, around, ..Item::default() });
    }

    /// Adds a packet that was put together, or a frame of one.
    pub(super) fn put_together(
        &mut self,
        index: u32,
        packet: &Packet<'_>,
        (brief, sight): (Brief, Sight),
        data: &[u8],
    ) {
        let around = self.surroundings(packet);
        let start = self.common.together.len() as u32;
        self.common.together.extend_from_slice(data);
        let captured = data.len() as u32;
        let item = Item { brief, sight, frame: index, start, captured, around, ..Item::default() };
        self.add(Item { together: true, ..item });
    }

    fn add(&mut self, item: Item) {
        let owned = key::partition(&item.brief.key, PARTITIONS) as u32;
        let place = self.common.places;
        self.common.places += 1;
        self.common.decoded.push(Item { owned, place, ..item });
    }

    /// Packets so far.
    pub(super) fn packets(&self) -> usize {
        self.common.decoded.used
    }

    /// Finds out which packets but the first `earlier` are seen for the second time: for many at once,
    /// so that the processor fetches their memory side by side.
    pub(super) fn look_back(&mut self, earlier: usize, recent: &mut Recent) {
        for item in &mut self.common.decoded[earlier..] {
            if recent.saw(item.sight, item.brief.time) {
                item.brief.again = true;
            }
        }
    }

    /// Splits the packets among the workers.
    pub(super) fn split(&mut self) {
        let Job { common: Common { decoded, .. }, parts } = self;
        if let [only] = &mut parts[..] {
            std::mem::swap(&mut only.items, decoded);
            return;
        }
        let workers = parts.len() as u32;
        for item in decoded.iter() {
            let owned = item.owned / workers;
            parts[(item.owned % workers) as usize].items.push(Item { owned, ..*item });
        }
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
    pub(super) fn aside(&mut self, body: &Body<'_>, packet: &Packet<'_>, frame: &Frame<'_>) {
        let time = frame.time;
        let aside = match body {
            Body::Arp(arp) => Aside::Holds(Holds {
                mac: arp.sender_mac,
                address: arp.sender.into(),
                time,
                own: packet.source_mac == Some(arp.sender_mac),
            }),
            Body::Other(_) => Aside::Sighted(packet.source_mac),
            Body::Told(name, said) => {
                if let Some(mac) = packet.source_mac.filter(|mac| !mac.is_group()) {
                    self.described(mac, name, said, frame.number);
                }
                Aside::Sighted(packet.source_mac)
            }
            Body::Ip(_) | Body::Refused(_) => return,
        };
        self.tell_aside(aside);
    }

    fn described(&mut self, mac: Mac, name: &str, said: &[u8], frame: u64) {
        link::read(name, said, &mut |kind, fact, value| {
            let start = self.common.values.len() as u32;
            self.common.values.extend_from_slice(value);
            let end = self.common.values.len() as u32;
            self.tell_aside(Aside::Described(Described { mac, kind, fact, frame, start, end }));
        });
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
}

/// Items whose places are written to again: an item is large, and most are filled in field by field.
#[derive(Default)]
pub(super) struct Items {
    places: Vec<Item>,
    used: usize,
}

impl Items {
    /// The place behind the last one, with what was left in it. It does not count yet.
    #[inline(always)]
    fn another(&mut self) -> &mut Item {
        if self.used >= self.places.len() {
            self.places.resize_with(self.used + 1, Item::default);
        }
        &mut self.places[self.used]
    }

    fn push(&mut self, item: Item) {
        *self.another() = item;
        self.used += 1;
    }

    fn clear(&mut self) {
        self.used = 0;
    }
}

impl Deref for Items {
    type Target = [Item];

    #[inline]
    fn deref(&self) -> &[Item] {
        &self.places[..self.used]
    }
}

impl DerefMut for Items {
    fn deref_mut(&mut self) -> &mut [Item] {
        &mut self.places[..self.used]
    }
}

impl Item {
    /// Fills in every field but its place, of a frame that can go the short way through decoding.
    /// Apart from where it is asked for: there, what that needs would take the registers.
    #[inline(never)]
    fn fill_plain(&mut self, chunk: &Chunk, index: usize, hasher: &BuildHasher) -> Option<bool> {
        let (frame, seen) = (chunk.frame(index), chunk.seen(index));
        self.frame = index as u32;
        self.around = NOTHING_AROUND;
        self.together = false;
        let Item { brief, sight, owned, start, captured, .. } = self;
        brief.fill_plain(&frame, seen, hasher, &mut |brief, carried, seen| {
            *sight = seen;
            *owned = key::partition(&brief.key, PARTITIONS) as u32;
            *start = offset(carried.payload, frame.data);
            *captured = carried.payload.len() as u32;
        })
    }
}

/// Where a part of a frame begins in it.
#[inline(always)]
fn offset(part: &[u8], frame: &[u8]) -> u32 {
    (part.as_ptr() as usize).wrapping_sub(frame.as_ptr() as usize) as u32
}

impl Common {
    /// Items so far.
    pub fn places(&self) -> u32 {
        self.places
    }

    /// The value that a device is described with.
    pub fn value(&self, described: &Described) -> &[u8] {
        let (start, end) = (described.start as usize, described.end as usize);
        self.values.get(start..end).unwrap_or_default()
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
        // A frame of a packet in fragments is counted later than its own turn.
        if !item.together || self.chunk.is_empty() {
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

#[cfg(test)]
mod tests {
    use crate::attribution::geo::Geo;
    use crate::attribution::ledger::DeviceKey;
    use crate::base::address::Mac;
    use crate::engine::{Engine, Settings};
    use crate::source::Sources;
    use std::io::Cursor;

    /// Destination, sender, and what follows.
    fn frame(sender: u8, behind: &[u8]) -> Vec<u8> {
        let ends = [1, 0x0c, 0xcd, 1, 0, 0, 2, 0, 0, 0, 0, sender];
        let mut frame = [&ends[..], behind].concat();
        frame.resize(frame.len().max(60), 0);
        frame
    }

    fn capture(frames: &[Vec<u8>]) -> Vec<u8> {
        let mut bytes = vec![0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0];
        bytes.extend([0, 0, 4, 0, 1, 0, 0, 0]);
        for (second, frame) in frames.iter().enumerate() {
            let length = frame.len() as u32;
            bytes.extend([second as u32, 0, length, length].map(u32::to_le_bytes).concat());
            bytes.extend(frame);
        }
        bytes
    }

    #[test]
    fn frames_without_ip_describe_their_sender_once_whatever_the_threads() {
        let trip = b"\x88\xb8\x30\x01\0\x27\0\0\0\0\x61\x1d\x80\x0dBAY1/LLN0$GO1\
            \x81\x01\x05\x82\x09BAY1/LLN0";
        let tagged = [b"\x81\0\x80\x01", &trip[..]].concat();
        let lldp = b"\x88\xcc\x02\x07\x04\x02\0\0\0\0\x02\x04\x02\x07\x31\x06\x02\0\x78\
            \x0a\x04plug\0\0";
        let frames = [frame(1, trip), frame(2, lldp), frame(1, trip), frame(3, &tagged)];
        let geo = Geo::embedded();
        for threads in [1, 2, 3] {
            let reader = Box::new(Cursor::new(capture(&frames)));
            let mut sources = Sources::of_reader("link", reader).unwrap();
            let settings = Settings { threads, ..Settings::default() };
            let outcome = Engine::new(settings, &geo, None).read(&mut sources, &mut |_| {});
            let told = |sender: u8| -> Vec<(&str, &[u8], u64)> {
                let key = DeviceKey::Mac(Mac([2, 0, 0, 0, 0, sender]));
                let known = outcome.ledger.identities.get(&key).map_or(&[][..], |known| known);
                known.iter().map(|one| (one.fact, &one.value[..], one.frame)).collect()
            };
            let goose = |frame| -> Vec<(&str, &[u8], u64)> {
                vec![
                    ("goose.app_id", b"3001", frame),
                    ("goose.device", b"BAY1", frame),
                    ("goose.control_block", b"BAY1/LLN0$GO1", frame),
                    ("goose.data_set", b"BAY1/LLN0", frame),
                ]
            };
            assert_eq!(told(1), goose(1), "{threads}");
            assert_eq!(told(3), goose(4), "{threads}");
            assert_eq!(told(2)[1], ("lldp.name", &b"plug"[..], 2), "{threads}");
            assert_eq!(outcome.frames.explained(), 4, "{threads}");
        }
    }
}
