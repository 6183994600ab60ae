//! Puts IP fragments together, within bounds. What the pieces say of one another is believed
//! only when it fits: pieces that overlap could show one reader another packet than the
//! receiver saw (RFC 5722), so their datagram is given up and counted.

use super::ip::{self, Ip, Transport};
use super::{Body, Packet, Tunnels, Vlans, checksum};
use crate::base::table::Map;
use crate::base::time::{SECOND, Timestamp};
use crate::source::Frame;
use std::collections::BTreeMap;
use std::net::IpAddr;

/// Most datagrams that wait for fragments at once.
pub const DATAGRAMS_MAX: usize = 1024;
/// Most bytes of a datagram with its header: more cannot be said in its length field.
const DATAGRAM_BYTES_MAX: usize = 65_535;
/// Most frames that make up one datagram; the smallest links need 1,400 for the largest.
const PARTS_MAX: usize = 1400;
/// Time for all fragments to arrive, by capture time (RFC 8200 §4.5).
const WAIT_MAX: i64 = 60 * SECOND;

/// What is remembered of a frame that carries a fragment.
#[derive(Debug, Clone, Copy)]
pub struct Part {
    /// Its number.
    pub number: u64,
    /// Its capture time.
    pub time: Timestamp,
    /// The highest capture time when it was read.
    pub seen: Timestamp,
    /// Its length on the wire, bytes.
    pub wire_length: u32,
    /// Bytes of the IP packet on the wire, header included.
    pub ip_length: u32,
    /// Bytes behind the IP headers on the wire.
    pub payload_length: u32,
}

impl Part {
    /// A frame with a fragment.
    #[must_use]
    pub fn of(frame: &Frame<'_>, ip: &Ip<'_>, seen: Timestamp) -> Part {
        Part {
            number: frame.number,
            time: frame.time,
            seen,
            wire_length: frame.wire_length,
            ip_length: ip.length,
            payload_length: payload_length(ip),
        }
    }

    /// The frame, without its bytes.
    #[must_use]
    pub fn frame(&self) -> Frame<'static> {
        Frame {
            number: self.number,
            time: self.time,
            wire_length: self.wire_length,
            link: 0,
            data: &[],
        }
    }
}

/// Bytes behind the IP headers of a fragment on the wire.
#[must_use]
pub fn payload_length(ip: &Ip<'_>) -> u32 {
    match ip.transport {
        Transport::Fragment { payload_length, .. } | Transport::None { payload_length } => {
            payload_length
        }
        _ => 0,
    }
}

/// What became of a fragment.
#[derive(Debug)]
pub enum Taken {
    /// It waits for others.
    Held,
    /// It can be part of nothing.
    Unusable,
    /// It was the last that was missing; the frames of the whole, in their order.
    Whole(Box<Whole>, Vec<Part>),
}

/// A datagram put together.
#[derive(Debug)]
pub struct Whole {
    around: Packet<'static>,
    bytes: Vec<u8>,
}

impl Whole {
    /// Decodes it, further tunnels in it included. Lengths of IP packets are those of its
    /// frames, unless it is a tunnel: then that of the inner packet, counted with the last.
    #[must_use]
    pub fn packet(&self, parts: &mut [Part]) -> Packet<'_> {
        let mut packet = self.around;
        packet.body = ip::decode(&self.bytes, &mut packet);
        if let Body::Ip(ip) = &mut packet.body
            && let Some((last, others)) = parts.split_last_mut()
        {
            if packet.tunnels == self.around.tunnels {
                ip.length = last.ip_length;
            } else {
                others.iter_mut().for_each(|part| part.ip_length = 0);
                last.ip_length = ip.length;
            }
        }
        packet
    }
}

/// Fragments that were given up.
#[derive(Debug)]
pub struct Released {
    /// Their headers.
    pub packet: Packet<'static>,
    /// Their frames, in their order.
    pub parts: Vec<Part>,
}

impl Released {
    /// One of them as a packet of its own.
    #[must_use]
    pub fn ip(&self, part: &Part) -> Option<Ip<'static>> {
        let Body::Ip(mut ip) = self.packet.body else {
            return None;
        };
        ip.length = part.ip_length;
        ip.transport = Transport::None { payload_length: part.payload_length };
        Some(ip)
    }
}

/// What the bounds cost, and what was not believed.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FragmentLosses {
    /// Datagrams given up because too many waited, or had too many pieces.
    pub evicted: u64,
    /// Datagrams given up because their fragments overlap or contradict each other.
    pub contradictory: u64,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    ends: [IpAddr; 2],
    identification: u32,
    /// Zero for IPv6, where only the first fragment's protocol counts (RFC 8200 §4.5).
    protocol: u8,
    vlans: Vlans,
    tunnels: Tunnels,
}

#[derive(Debug)]
struct Datagram {
    key: Key,
    since: Timestamp,
    around: Packet<'static>,
    parts: Vec<Part>,
    /// Headers of the first fragment as the whole datagram has them, once it is known.
    header: Option<Vec<u8>>,
    data: Vec<u8>,
    /// Beginning and end of each fragment, in order.
    ranges: Vec<[u32; 2]>,
    received: usize,
    end: Option<usize>,
    /// Given up; what else comes of it is not held.
    spoiled: bool,
}

/// Datagrams that wait for fragments, oldest first.
#[derive(Debug)]
pub struct Fragments {
    held: BTreeMap<u64, Datagram>,
    index: Map<Key, u64>,
    next: u64,
    /// When the oldest has waited too long.
    due: Timestamp,
    /// What was given up.
    pub losses: FragmentLosses,
}

impl Default for Fragments {
    fn default() -> Fragments {
        Fragments {
            held: BTreeMap::new(),
            index: Map::default(),
            next: 0,
            due: Timestamp(i64::MAX),
            losses: FragmentLosses::default(),
        }
    }
}

impl Fragments {
    /// Whether a datagram has waited too long.
    #[inline]
    #[must_use]
    pub fn is_due(&self, now: Timestamp) -> bool {
        now > self.due
    }

    /// Gives up the oldest datagram if it has waited too long.
    #[inline]
    pub fn expired(&mut self, now: Timestamp) -> Option<Released> {
        if !self.is_due(now) {
            return None;
        }
        self.oldest()
    }

    /// Gives up the oldest datagram.
    pub fn oldest(&mut self) -> Option<Released> {
        let (_, datagram) = self.held.pop_first()?;
        self.index.remove(&datagram.key);
        self.set_due();
        Some(Released { packet: datagram.around, parts: datagram.parts })
    }

    fn set_due(&mut self) {
        let first = self.held.first_key_value();
        self.due = first.map_or(Timestamp(i64::MAX), |(_, datagram)| {
            Timestamp(datagram.since.0.saturating_add(WAIT_MAX))
        });
    }

    /// Takes a fragment that came in `parts`: one frame, or several where it was itself put
    /// together out of a tunnel's fragments. `release` receives what is given up for it.
    pub fn take(
        &mut self,
        packet: &Packet<'_>,
        ip: &Ip<'_>,
        parts: &[Part],
        release: &mut dyn FnMut(Released),
    ) -> Taken {
        let Transport::Fragment { packet: bytes, .. } = ip.transport else {
            return Taken::Unusable;
        };
        let (Some(piece), Some(newest)) = (Piece::of(bytes), parts.last()) else {
            return Taken::Unusable;
        };
        let key = Key {
            ends: [ip.source, ip.destination],
            identification: piece.identification,
            protocol: if ip.source.is_ipv4() { ip.protocol } else { 0 },
            vlans: packet.vlans,
            tunnels: packet.tunnels,
        };
        let number = match self.index.get(&key) {
            Some(&number) => number,
            None => {
                if self.held.len() >= DATAGRAMS_MAX
                    && let Some(released) = self.oldest()
                {
                    self.losses.evicted += 1;
                    release(released);
                }
                self.next += 1;
                self.index.insert(key.clone(), self.next);
                let around = around(packet, ip);
                self.held.insert(self.next, Datagram::new(key, around, newest.seen));
                self.set_due();
                self.next
            }
        };
        let Some(datagram) = self.held.get_mut(&number) else {
            return Taken::Unusable;
        };
        if datagram.spoiled {
            return Taken::Unusable;
        }
        let crowded = datagram.parts.len() + parts.len() > PARTS_MAX;
        if crowded || !datagram.fits(&piece) {
            if crowded {
                self.losses.evicted += 1;
            } else {
                self.losses.contradictory += 1;
            }
            release(datagram.spoil());
            return Taken::Unusable;
        }
        datagram.add(&piece);
        datagram.parts.extend_from_slice(parts);
        if datagram.end != Some(datagram.received) || datagram.header.is_none() {
            return Taken::Held;
        }
        let Some(mut datagram) = self.held.remove(&number) else {
            return Taken::Unusable;
        };
        self.index.remove(&datagram.key);
        self.set_due();
        // A fragment of several frames may have overtaken others.
        datagram.parts.sort_by_key(|part| part.number);
        let (whole, parts) = datagram.whole();
        Taken::Whole(Box::new(whole), parts)
    }
}

/// The headers around a fragment, without its bytes.
fn around(packet: &Packet<'_>, ip: &Ip<'_>) -> Packet<'static> {
    Packet {
        source_mac: packet.source_mac,
        destination_mac: packet.destination_mac,
        vlans: packet.vlans,
        tunnels: packet.tunnels,
        body: Body::Ip(Ip {
            source: ip.source,
            destination: ip.destination,
            protocol: ip.protocol,
            hops: ip.hops,
            length: ip.length,
            identification: ip.identification,
            checksum: 0,
            fragment: true,
            transport: Transport::None { payload_length: 0 },
            bad_checksum: None,
            stopped: None,
        }),
    }
}

impl Datagram {
    fn new(key: Key, around: Packet<'static>, since: Timestamp) -> Datagram {
        Datagram {
            key,
            since,
            around,
            parts: Vec::new(),
            header: None,
            data: Vec::new(),
            ranges: Vec::new(),
            received: 0,
            end: None,
            spoiled: false,
        }
    }

    fn spoil(&mut self) -> Released {
        self.spoiled = true;
        self.data = Vec::new();
        self.ranges = Vec::new();
        self.header = None;
        Released { packet: self.around, parts: std::mem::take(&mut self.parts) }
    }

    /// Whether a piece agrees with what is held. The same piece once more does.
    fn fits(&self, piece: &Piece<'_>) -> bool {
        let [start, end] = piece.range();
        let header = match &self.header {
            Some(header) => header.len(),
            None => piece.header.len(),
        };
        let known_end = match (self.end, piece.last) {
            (Some(known), true) => known == end,
            (Some(known), false) => end <= known,
            (None, true) => self.data.len() <= end,
            (None, false) => true,
        };
        let after = self.ranges.partition_point(|&[begins, _]| (begins as usize) < start);
        let clear =
            after.checked_sub(1).is_none_or(|before| self.ranges[before][1] as usize <= start)
                && self.ranges.get(after).is_none_or(|&[begins, _]| begins as usize >= end);
        let known = clear || self.has(piece);
        known_end && known && header + end <= DATAGRAM_BYTES_MAX
    }

    fn has(&self, piece: &Piece<'_>) -> bool {
        let [start, end] = piece.range();
        self.ranges.binary_search(&[start as u32, end as u32]).is_ok()
            && self.data.get(start..end) == Some(piece.data)
    }

    fn add(&mut self, piece: &Piece<'_>) {
        let [start, end] = piece.range();
        if piece.last {
            self.end = Some(end);
        }
        if self.has(piece) {
            return;
        }
        if start == 0 {
            self.header = Some(piece.whole_header());
        }
        if self.data.len() < end {
            self.data.resize(end, 0);
        }
        self.data[start..end].copy_from_slice(piece.data);
        let range = [start as u32, end as u32];
        let at = self.ranges.partition_point(|other| *other < range);
        self.ranges.insert(at, range);
        self.received += end - start;
    }

    fn whole(self) -> (Whole, Vec<Part>) {
        let mut bytes = self.header.unwrap_or_default();
        let header = bytes.len();
        bytes.extend_from_slice(&self.data);
        ip_length(&mut bytes, header);
        let around = self.around;
        (Whole { around, bytes }, self.parts)
    }
}

/// Writes the length of the whole into its header, and the checksum that goes with it.
fn ip_length(bytes: &mut [u8], header: usize) {
    let total = bytes.len();
    if bytes.first().is_some_and(|first| first >> 4 == 6) {
        if let (Some(field), Some(payload)) = (bytes.get_mut(4..6), total.checked_sub(40)) {
            field.copy_from_slice(&(payload as u16).to_be_bytes());
        }
    } else if header >= 20 {
        bytes[2..4].copy_from_slice(&(total as u16).to_be_bytes());
        let field = checksum::field(&bytes[..header]);
        bytes[10..12].copy_from_slice(&field);
    }
}

/// One fragment.
struct Piece<'a> {
    identification: u32,
    /// Bytes into the datagram's payload.
    offset: usize,
    last: bool,
    /// Headers that every fragment has (RFC 8200 §4.5: the per-fragment headers).
    header: &'a [u8],
    /// IPv6: where in `header` the protocol of the payload belongs, and that protocol.
    next: Option<(usize, u8)>,
    data: &'a [u8],
}

impl<'a> Piece<'a> {
    /// `None` when it was not captured whole, or is no fragment at all.
    fn of(bytes: &'a [u8]) -> Option<Piece<'a>> {
        let piece = match bytes.first()? >> 4 {
            4 => Piece::v4(bytes)?,
            _ => Piece::v6(bytes)?,
        };
        // Offsets count in eights, so only the last piece may end between them.
        let aligned = piece.last || piece.data.len().is_multiple_of(8);
        (aligned && !piece.data.is_empty()).then_some(piece)
    }

    fn v4(bytes: &'a [u8]) -> Option<Piece<'a>> {
        const MORE: u16 = 0x2000;
        let header = bytes.get(..usize::from(bytes[0] & 0x0f) * 4)?;
        let field = |at: usize| Some(u16::from_be_bytes([*header.get(at)?, *header.get(at + 1)?]));
        let total = match usize::from(field(2)?) {
            0 => bytes.len(),
            total => total,
        };
        let place = field(6)?;
        Some(Piece {
            identification: field(4)?.into(),
            offset: usize::from(place & 0x1fff) * 8,
            last: place & MORE == 0,
            header,
            next: None,
            data: bytes.get(header.len()..total)?,
        })
    }

    fn v6(bytes: &'a [u8]) -> Option<Piece<'a>> {
        const HOP_BY_HOP: u8 = 0;
        const ROUTING: u8 = 43;
        const FRAGMENT: u8 = 44;
        const DESTINATION: u8 = 60;
        let total = match usize::from(u16::from_be_bytes([*bytes.get(4)?, *bytes.get(5)?])) {
            0 => bytes.len(),
            payload => 40 + payload,
        };
        let mut next_at = 6;
        let mut at = 40;
        loop {
            match *bytes.get(next_at)? {
                HOP_BY_HOP | ROUTING | DESTINATION => {
                    next_at = at;
                    at += (usize::from(*bytes.get(at + 1)?) + 1) * 8;
                }
                FRAGMENT => break,
                _ => return None,
            }
        }
        let fragment: [u8; 8] = bytes.get(at..at + 8)?.try_into().ok()?;
        let [next, _, place_high, place_low, identification @ ..] = fragment;
        let place = u16::from_be_bytes([place_high, place_low]);
        Some(Piece {
            identification: u32::from_be_bytes(identification),
            offset: usize::from(place & 0xfff8),
            last: place & 1 == 0,
            header: &bytes[..at],
            next: Some((next_at, next)),
            data: bytes.get(at + 8..total)?,
        })
    }

    fn range(&self) -> [usize; 2] {
        [self.offset, self.offset + self.data.len()]
    }

    fn whole_header(&self) -> Vec<u8> {
        let mut header = self.header.to_vec();
        match self.next {
            Some((at, next)) => header[at] = next,
            // No fragment any more: neither offset nor flags.
            None => header[6..8].copy_from_slice(&[0, 0]),
        }
        header
    }
}

#[cfg(test)]
mod tests;
