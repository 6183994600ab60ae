//! What was said in packets that stay, with pseudonyms in it. Segments that follow each other are
//! joined first, since a name may begin in one and end in the next.

use super::pattern::{Patterns, Why};
use crate::decode::{Body, Transport, decode};
use crate::redaction::packed;
use crate::redaction::walk::Piece;
use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

/// Most bytes joined; what is behind them is withheld.
const BYTES_MAX: usize = 64 * 1024 * 1024;
/// Most directions known to be packed; with more, all of them count as that.
const PACKED_MAX: usize = 65_536;
/// The cookie of STUN.
const COOKIE: [u8; 4] = [0x21, 0x12, 0xa4, 0x42];

/// One direction of a connection.
type Direction = (IpAddr, u16, IpAddr, u16);
/// Position of a capture, number of a frame.
type Place = (u32, u64);

struct Segment {
    place: Place,
    sequence: u32,
    /// What follows the headers, with what fills the frame up.
    rest: Vec<u8>,
    payload: usize,
}

/// See the module.
#[derive(Default)]
pub(in crate::redaction) struct Streams {
    open: BTreeMap<Direction, Vec<Segment>>,
    bytes: usize,
    /// Where something packed was begun or announced: what goes on with it shows no sign of it.
    packed: BTreeSet<Direction>,
    /// What stays of a frame behind its headers; why not where it is withheld.
    done: BTreeMap<Place, Result<Vec<u8>, Why>>,
}

/// What becomes of content that stays.
pub(in crate::redaction) struct Rules<'r> {
    /// Names and their stand-ins.
    pub replace: Option<&'r Patterns>,
    /// What must not be told at all: what holds it, or half of it, is withheld.
    pub forbid: &'r Patterns,
}

impl Rules<'_> {
    fn apply(&self, bytes: &[u8]) -> Result<Vec<u8>, Why> {
        let forbid = Some(self.forbid).filter(|forbid| !forbid.is_empty());
        if forbid.is_some_and(|forbid| forbid.remains(bytes) || forbid.is_cut_off(bytes)) {
            return Err(Why::Told);
        }
        if let Some(why) = forbid.into_iter().chain(self.replace).find_map(|all| all.hides(bytes)) {
            return Err(why);
        }
        let mut bytes = bytes.to_vec();
        let Some(patterns) = self.replace else { return Ok(bytes) };
        patterns.replace(&mut bytes);
        if patterns.remains(&bytes) { Err(Why::Told) } else { Ok(bytes) }
    }
}

impl Streams {
    /// Takes note of a packet, whether its content is to stay or not.
    pub fn notice(&mut self, piece: &Piece<'_>) {
        if let Body::Ip(ip) = decode(&piece.frame).body
            && let Transport::Tcp(tcp) = ip.transport
            && self.packed.len() < PACKED_MAX
            && packed::begins(tcp.payload).is_some()
        {
            let direction = (ip.source, tcp.source_port, ip.destination, tcp.destination_port);
            self.packed.insert(direction);
        }
    }

    /// Takes a packet whose content is to stay.
    pub fn add(&mut self, piece: &Piece<'_>, rules: &Rules<'_>) {
        let place = (piece.capture, piece.frame.number);
        let rest = &piece.frame.data[piece.headers..];
        let packet = decode(&piece.frame);
        self.bytes += rest.len();
        if self.bytes > BYTES_MAX {
            return;
        }
        let ip = match packet.body {
            Body::Ip(ip) if packet.tunnels.is_empty() => ip,
            _ => return self.whole(place, rest, rules),
        };
        let clean = |payload: &[u8]| {
            rest.get(payload.len()..).is_some_and(|fill| fill.iter().all(|&b| b == 0))
        };
        match ip.transport {
            Transport::Tcp(tcp) if clean(tcp.payload) => {
                let direction = (ip.source, tcp.source_port, ip.destination, tcp.destination_port);
                self.open.entry(direction).or_default().push(Segment {
                    place,
                    sequence: tcp.sequence,
                    rest: rest.to_vec(),
                    payload: tcp.payload.len(),
                });
            }
            Transport::Udp { payload, .. } if clean(payload) && !masks_addresses(payload) => {
                self.done.insert(place, rules.apply(rest));
            }
            _ => self.whole(place, rest, rules),
        }
    }

    /// Something whose parts are not known: nobody can tell where in it addresses stand.
    fn whole(&mut self, place: Place, rest: &[u8], rules: &Rules<'_>) {
        let stays = match rules.replace {
            None => rules.apply(rest),
            Some(_) => Err(Why::Closed("content whose parts are not known")),
        };
        self.done.insert(place, stays);
    }

    /// Joins what belongs together, and puts the pseudonyms in.
    pub fn finish(&mut self, rules: &Rules<'_>) {
        let full = self.packed.len() >= PACKED_MAX;
        for (direction, mut segments) in std::mem::take(&mut self.open) {
            let packed = full || self.packed.contains(&direction);
            let first = segments[0].sequence;
            segments.sort_by_key(|segment| segment.sequence.wrapping_sub(first) as i32);
            let mut run = Run::default();
            for segment in segments {
                if !run.fits(&segment) {
                    std::mem::take(&mut run).end(rules, packed, &mut self.done);
                }
                if run.fits(&segment) {
                    run.add(segment);
                }
            }
            run.end(rules, packed, &mut self.done);
        }
    }

    /// What stays of a frame behind its headers.
    pub fn rest(&self, place: Place) -> Option<&[u8]> {
        self.done.get(&place)?.as_deref().ok()
    }

    /// Frames of which nothing can be told, and why.
    pub fn refused(&self) -> impl Iterator<Item = (Place, Why)> {
        self.done.iter().filter_map(|(place, rest)| Some((*place, rest.as_ref().err().copied()?)))
    }

    /// Whether there was more than could be joined.
    pub fn is_full(&self) -> bool {
        self.bytes > BYTES_MAX
    }
}

/// STUN masks IPv6 addresses with a number of the message (RFC 8489 §14.2).
fn masks_addresses(payload: &[u8]) -> bool {
    payload.get(4..8) == Some(&COOKIE) && payload.windows(4).any(|part| part == [0, 20, 0, 2])
}

/// Segments without a hole between them.
#[derive(Default)]
struct Run {
    start: u32,
    bytes: Vec<u8>,
    segments: Vec<(Segment, usize)>,
}

impl Run {
    /// Whether a segment begins in or right behind it, and says the same where both say something.
    fn fits(&self, segment: &Segment) -> bool {
        if self.segments.is_empty() {
            return true;
        }
        let at = segment.sequence.wrapping_sub(self.start) as usize;
        let Some(known) = self.bytes.get(at..) else { return false };
        let both = known.len().min(segment.payload);
        known[..both] == segment.rest[..both]
    }

    fn add(&mut self, segment: Segment) {
        if self.segments.is_empty() {
            self.start = segment.sequence;
        }
        let at = segment.sequence.wrapping_sub(self.start) as usize;
        let known = self.bytes.len() - at;
        let payload = &segment.rest[..segment.payload];
        self.bytes.extend_from_slice(payload.get(known..).unwrap_or_default());
        self.segments.push((segment, at));
    }

    fn end(
        self,
        rules: &Rules<'_>,
        packed: bool,
        done: &mut BTreeMap<Place, Result<Vec<u8>, Why>>,
    ) {
        let start = packed::begins(&self.bytes).unwrap_or(self.bytes.len());
        // The rest of something whose beginning was not kept.
        let bytes = match !packed || packed::is_text(&self.bytes[..start]) {
            true => rules.apply(&self.bytes),
            false => Err(Why::Closed("the rest of something compressed")),
        };
        for (segment, at) in self.segments {
            let payload = bytes.as_ref().map(|bytes| &bytes[at..at + segment.payload]);
            let rest = payload.map(|payload| [payload, &segment.rest[segment.payload..]].concat());
            let rest = rest.map_err(|why| *why);
            done.insert(segment.place, rest);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redaction::pseudonyms::{Identifiers, Pseudonyms};

    fn segment(frame: u64, sequence: u32, payload: &[u8]) -> Segment {
        Segment { place: (0, frame), sequence, rest: payload.to_vec(), payload: payload.len() }
    }

    #[test]
    fn a_name_over_two_segments_is_replaced_in_both() {
        let identifiers =
            Identifiers { words: [b"serial7788".to_vec()].into(), ..Identifiers::default() };
        let names = Pseudonyms::new(&[1; 32], "root", &identifiers);
        let direction = ([10, 0, 0, 1].into(), 1, [10, 0, 0, 2].into(), 2);
        let mut streams = Streams::default();
        let segments = vec![
            segment(2, 7, b"al7788;"),
            segment(1, 0, b"id=seri"),
            segment(3, 0, b"id=ser"),
            segment(4, 3, b"SERIAL"),
            segment(5, 100, b"7788 half"),
        ];
        streams.open.insert(direction, segments);
        let forbid = Patterns::default();
        streams.finish(&Rules { replace: Some(names.patterns()), forbid: &forbid });
        let stand_in = names.word(b"serial7788");
        let joined = [streams.rest((0, 1)).unwrap(), streams.rest((0, 2)).unwrap()].concat();
        assert_eq!(joined, [b"id=", &stand_in[..], b";"].concat());
        assert_eq!(streams.rest((0, 3)).unwrap(), [b"id=", &stand_in[..3]].concat());
        // Contradicts the rest, and stands for itself; what is left of a name at an edge goes too.
        assert_ne!(streams.rest((0, 4)), Some(&b"SERIAL"[..]));
        assert_ne!(streams.rest((0, 5)), Some(&b"7788 half"[..]));
    }
}
