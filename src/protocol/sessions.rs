//! The protocol state of every live flow: probing, followed by a session, measured because nobody
//! knew it, or quiet.

use super::beginnings::{Beginnings, SAID_BYTES_MAX};
use super::candidates::{all, candidates};
use super::unknown::{Class, Glimpse, Look, Looking};
use super::{
    Common, Content, DISSECTORS, Fact, ICMPV6, IGMP, IdentityKind, Label, Method, Next,
    PROBE_BYTES_MAX, Prefix, Probe, Session, Subject, TCP, UDP, What, port,
};
use crate::base::text::hex;
use crate::flow::{Cite, End, Flow, FlowId, Segment, Side};
use std::num::NonZeroU64;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

/// Two words, since every flow has one.
enum State {
    /// No payload yet.
    Fresh,
    Probing(Box<Probing>),
    Followed(Box<Followed>),
    /// Nobody knew it; what it looks like is still being found out.
    Glimpsed(Glimpse),
    /// The same, with more than fits here.
    Looking(Box<Looking>),
    /// Counted only, with what it looks like.
    Classed(Class),
    /// The same, measured.
    Looked(Box<Look>),
    /// Counted only.
    Quiet(Option<Decided>),
}

/// Which dissector recognised a flow, and in which frame: in one word, the dissector's position
/// above the frame's number. Frames count from 1, so that it is never zero.
#[derive(Clone, Copy)]
struct Decided(NonZeroU64);

const FRAME_BITS: u32 = 56;

impl Decided {
    fn new(dissector: usize, frame: u64) -> Decided {
        let frame = frame & ((1 << FRAME_BITS) - 1);
        let word = NonZeroU64::new((dissector as u64) << FRAME_BITS | frame);
        Decided(word.unwrap_or(NonZeroU64::MIN))
    }

    fn label(self) -> Label {
        let dissector = DISSECTORS[(self.0.get() >> FRAME_BITS) as usize];
        Label {
            protocol: dissector.name(),
            method: Method::Payload,
            frame: self.0.get() & ((1 << FRAME_BITS) - 1),
            content: dissector.content(),
        }
    }
}

const _: () = assert!(size_of::<State>() == 16);

/// A flow that a dissector reads.
struct Followed {
    session: Box<dyn Session>,
    decided: Decided,
    /// What the session was last known to keep, bytes.
    held_bytes: usize,
}

/// Payload kept until somebody recognises it.
struct Probing {
    bytes: [Vec<u8>; 2],
    pieces: Vec<Piece>,
    /// One bit a dissector that still wants to see more.
    candidates: u128,
}

#[derive(Clone, Copy)]
struct Piece {
    side: Side,
    datagram: bool,
    start: u16,
    length: u16,
    cite: Cite,
}

/// Most pieces kept while probing: a flow of tiny segments is given up by this, not by bytes. At 5
/// bytes a segment a request line of 600 bytes is still recognised.
const PIECES_MAX: usize = 128;
/// The same for connections whose beginning was not captured: what has not shown itself by then
/// rarely does, and there are many of them.
const MIDSTREAM_PIECES_MAX: usize = 16;

/// Payload and partly read messages kept for all flows of one partition, bytes: the 64 partitions
/// of a run keep 64 MiB at most.
const HELD_BYTES_MAX: usize = 1024 * 1024;

/// Sessions of one partition, by the position of their flow.
#[derive(Default)]
pub struct Sessions {
    states: Vec<State>,
    held_bytes: usize,
    /// Somebody takes records: flows that nobody knows are measured, not only classed, and notes,
    /// which only records hold, are passed on.
    measure: bool,
    common: Common,
    /// Beginnings to look for in flows that nobody knows.
    beginnings: Option<Arc<Beginnings>>,
    /// Flows whose dissection ended early because too much was kept for all flows together.
    pub given_up: u64,
    /// Panics of dissectors that were caught; their flows are counted on without them.
    pub faults: u64,
}

/// Receives each fact with the segment that said it.
type Say<'s> = dyn FnMut(&Segment<'_>, Fact<'_>) + 's;

impl Sessions {
    /// For a partition; with `measure`, flows that nobody knows are measured, not only classed, and
    /// notes are passed on.
    #[must_use]
    pub fn new(measure: bool) -> Sessions {
        let common = Common { notes: measure, ..Common::default() };
        Sessions { measure, common, ..Sessions::default() }
    }

    /// Looks for beginnings in flows that nobody knows.
    pub fn look_for(&mut self, beginnings: &Arc<Beginnings>) {
        self.beginnings = (!beginnings.is_empty()).then(|| beginnings.clone());
    }

    /// Reads the state of a flow, so that its memory is near when a packet needs it; the number
    /// means nothing.
    #[inline]
    #[must_use]
    pub fn glance(&self, id: FlowId) -> u64 {
        self.states.get(id.0 as usize).map_or(0, |state| u64::from(matches!(state, State::Fresh)))
    }

    /// A flow began.
    pub fn opened(&mut self, id: FlowId) {
        let index = id.0 as usize;
        if index >= self.states.len() {
            self.states.resize_with(index + 1, || State::Fresh);
        }
        self.states[index] = State::Fresh;
    }

    /// Feeds a piece of payload; returns whether more is wanted.
    pub fn segment(
        &mut self,
        id: FlowId,
        flow: &Flow,
        segment: &Segment<'_>,
        say: &mut Say<'_>,
    ) -> bool {
        let state = &mut self.states[id.0 as usize];
        match state {
            State::Followed(followed) => {
                let next = feed(followed.session.as_mut(), segment, self.measure, say);
                let next = next.unwrap_or_else(|| {
                    self.faults += 1;
                    Next::Done
                });
                let held =
                    std::mem::replace(&mut followed.held_bytes, followed.session.held_bytes());
                self.held_bytes = self.held_bytes + followed.held_bytes - held;
                let crowded = held < followed.held_bytes && self.held_bytes > HELD_BYTES_MAX;
                self.given_up += u64::from(crowded);
                if next == Next::Done || crowded {
                    self.held_bytes -= followed.held_bytes;
                    *state = State::Quiet(Some(followed.decided));
                    return false;
                }
                true
            }
            State::Quiet(_) | State::Classed(_) | State::Looked(_) => false,
            State::Glimpsed(_) | State::Looking(_) => {
                if state.is_silent(segment.side) {
                    self.compare(segment, say);
                }
                self.look_at(id, segment.side, segment.data)
            }
            State::Fresh => {
                let mut sides: [&[u8]; 2] = [&[], &[]];
                sides[segment.side.index()] = limited(segment.data);
                let newest = limited(segment.data);
                let prefix = Prefix { sides, first: segment.side, newest };
                let asked = candidates(flow, segment.data);
                debug_assert!(
                    matches!(ask(flow, &prefix, all(flow) & !asked), Asked::Undecided(0)),
                    "somebody who is not asked would not say no"
                );
                match ask(flow, &prefix, asked) {
                    Asked::Yes(index) | Asked::FromHere(index) => {
                        *state = begin(index, flow, &prefix, segment.frame, &self.common);
                        self.segment(id, flow, segment, say)
                    }
                    // What has no ports says itself what it is.
                    Asked::Undecided(0) if !matches!(flow.key.protocol, TCP | UDP) => {
                        *state = State::Quiet(None);
                        false
                    }
                    Asked::Undecided(0) => {
                        *state = State::Glimpsed(Glimpse::default());
                        self.compare(segment, say);
                        self.look_at(id, segment.side, segment.data)
                    }
                    Asked::Undecided(candidates) => {
                        let mut probing = Box::new(Probing {
                            bytes: Default::default(),
                            pieces: Vec::new(),
                            candidates,
                        });
                        let kept = probing.keep(segment);
                        self.held_bytes += probing.held_bytes();
                        *state = State::Probing(probing);
                        kept
                    }
                }
            }
            State::Probing(probing) => {
                let limit = if flow.initiator_known { PIECES_MAX } else { MIDSTREAM_PIECES_MAX };
                let held = probing.held_bytes();
                let kept =
                    segment.gap == 0 && probing.pieces.len() < limit && probing.keep(segment);
                self.held_bytes = self.held_bytes + probing.held_bytes() - held;
                let crowded = self.held_bytes > HELD_BYTES_MAX;
                self.given_up += u64::from(kept && crowded);
                if !kept || crowded {
                    let newest = (!kept).then_some(segment);
                    return self.give_up(id, newest, say);
                }
                let prefix = probing.prefix();
                match ask(flow, &prefix, probing.candidates) {
                    Asked::FromHere(index) => {
                        self.held_bytes -= probing.held_bytes();
                        *state = begin(index, flow, &prefix, segment.frame, &self.common);
                        self.segment(id, flow, segment, say)
                    }
                    Asked::Yes(index) => {
                        self.held_bytes -= probing.held_bytes();
                        let begun = begin(index, flow, &prefix, segment.frame, &self.common);
                        let State::Probing(probing) = std::mem::replace(state, begun) else {
                            return false;
                        };
                        self.replay(id, flow, &probing, say)
                    }
                    Asked::Undecided(0) => self.give_up(id, None, say),
                    Asked::Undecided(candidates) => {
                        probing.candidates = candidates;
                        true
                    }
                }
            }
        }
    }

    /// Nobody knew the flow: what was kept of it is looked at instead, with a piece that was not.
    fn give_up(&mut self, id: FlowId, newest: Option<&Segment<'_>>, say: &mut Say<'_>) -> bool {
        let state = &mut self.states[id.0 as usize];
        let given_up = std::mem::replace(state, State::Glimpsed(Glimpse::default()));
        let State::Probing(probing) = given_up else {
            return false;
        };
        self.held_bytes -= probing.held_bytes();
        self.compare_first(&probing, say);
        let kept = probing.pieces.iter().map(|piece| piece.segment(&probing.bytes));
        let more =
            |more, segment: Segment<'_>| more && self.look_at(id, segment.side, segment.data);
        kept.chain(newest.copied()).fold(true, more)
    }

    /// Says how a message begins, where that was asked for.
    fn compare(&self, segment: &Segment<'_>, say: &mut Say<'_>) {
        if !self.beginnings.as_ref().is_some_and(|all| all.fits(segment.data)) {
            return;
        }
        let kind = IdentityKind::Beginning;
        let what = What::Identity { subject: Subject::Sender, kind };
        let value = hex(&segment.data[..segment.data.len().min(SAID_BYTES_MAX)]);
        let frame = segment.frame;
        say(segment, Fact { what, name: "flow.begins", value: value.as_bytes(), frame });
    }

    /// The same for what each side said first while it was hoped that somebody knew it.
    fn compare_first(&self, probing: &Probing, say: &mut Say<'_>) {
        if self.beginnings.is_none() {
            return;
        }
        for side in [Side::Low, Side::High] {
            if let Some(piece) = probing.pieces.iter().find(|piece| piece.side == side) {
                self.compare(&piece.segment(&probing.bytes), say);
            }
        }
    }

    /// Looks at a piece of a flow that nobody knows; returns whether more of it is wanted.
    fn look_at(&mut self, id: FlowId, side: Side, data: &[u8]) -> bool {
        let state = &mut self.states[id.0 as usize];
        if let State::Glimpsed(glimpse) = state {
            if !self.measure && !glimpse.asks_for_evenness(data) {
                glimpse.take(side, data);
                if glimpse.is_enough() {
                    *state = glimpse
                        .class(None)
                        .map_or(State::Quiet(None), |(class, _)| State::Classed(class));
                    return false;
                }
                return true;
            }
            let looking = Box::new(Looking::closer(*glimpse, self.measure));
            self.held_bytes += looking.held_bytes();
            *state = State::Looking(looking);
        }
        let State::Looking(looking) = state else {
            return false;
        };
        let held = looking.held_bytes();
        looking.take(side, data);
        self.held_bytes = self.held_bytes + looking.held_bytes() - held;
        if !looking.is_enough() && self.held_bytes <= HELD_BYTES_MAX {
            return true;
        }
        self.held_bytes -= looking.held_bytes();
        *state = match looking.look() {
            Some(Look { class, measured: None }) => State::Classed(class),
            Some(look) => State::Looked(Box::new(look)),
            None => State::Quiet(None),
        };
        false
    }

    /// What a live flow that nobody knows looks like so far.
    #[must_use]
    pub fn look(&self, id: FlowId, flow: &Flow) -> Option<Look> {
        let look = self.states.get(id.0 as usize).and_then(|state| state.look(self.measure));
        look.map(|look| look.of(flow))
    }

    fn replay(&mut self, id: FlowId, flow: &Flow, probing: &Probing, say: &mut Say<'_>) -> bool {
        let mut pieces = probing.pieces.iter();
        pieces.all(|piece| self.segment(id, flow, &piece.segment(&probing.bytes), say))
    }

    /// The label of a live flow, as far as it is known.
    #[must_use]
    pub fn label(&self, id: FlowId, flow: &Flow) -> Label {
        let decided = match self.states.get(id.0 as usize) {
            Some(State::Followed(followed)) => Some(followed.decided),
            Some(State::Quiet(decided)) => *decided,
            _ => None,
        };
        decided.map_or_else(|| by_port(flow), Decided::label)
    }

    /// A flow ended. Returns its label, and what it looks like where nobody knew it.
    pub fn closed(
        &mut self,
        id: FlowId,
        flow: &Flow,
        end: End,
        say: &mut Say<'_>,
    ) -> (Label, Option<Look>) {
        let state = std::mem::replace(&mut self.states[id.0 as usize], State::Fresh);
        let look = state.look(self.measure).map(|look| look.of(flow));
        let decided = match state {
            State::Followed(mut followed) => {
                self.held_bytes -= followed.held_bytes;
                let last = Segment {
                    side: flow.initiator,
                    data: &[],
                    frame: flow.last_frame(),
                    time: flow.last,
                    wire_length: 0,
                    gap: 0,
                    datagram: false,
                };
                let mut say = heard(self.measure, &last, say);
                followed.session.end(end, &mut say);
                Some(followed.decided)
            }
            State::Quiet(decided) => decided,
            State::Probing(probing) => {
                self.held_bytes -= probing.held_bytes();
                self.compare_first(&probing, say);
                None
            }
            State::Looking(looking) => {
                self.held_bytes -= looking.held_bytes();
                None
            }
            State::Glimpsed(_) | State::Classed(_) | State::Looked(_) | State::Fresh => None,
        };
        (decided.map_or_else(|| by_port(flow), Decided::label), look)
    }
}

impl State {
    /// Whether a side of a flow that nobody knows has said nothing yet.
    fn is_silent(&self, side: Side) -> bool {
        match self {
            State::Glimpsed(glimpse) => glimpse.is_silent(side),
            State::Looking(looking) => looking.is_silent(side),
            _ => false,
        }
    }

    /// What a flow looks like that nobody knows.
    fn look(&self, measure: bool) -> Option<Look> {
        match self {
            State::Probing(probing) => probing.look(measure),
            State::Glimpsed(glimpse) => {
                glimpse.class(None).map(|(class, _)| Look { class, measured: None })
            }
            State::Looking(looking) => looking.look(),
            State::Classed(class) => Some(Look { class: *class, measured: None }),
            State::Looked(look) => Some((**look).clone()),
            State::Fresh | State::Followed(_) | State::Quiet(_) => None,
        }
    }
}

impl Piece {
    fn segment<'a>(&self, bytes: &'a [Vec<u8>; 2]) -> Segment<'a> {
        let start = usize::from(self.start);
        Segment {
            side: self.side,
            data: &bytes[self.side.index()][start..start + usize::from(self.length)],
            frame: self.cite.frame,
            time: self.cite.time,
            wire_length: self.cite.length,
            gap: 0,
            datagram: self.datagram,
        }
    }
}

impl Probing {
    /// What is kept, bookkeeping included.
    fn held_bytes(&self) -> usize {
        let bytes: usize = self.bytes.iter().map(Vec::capacity).sum();
        bytes + self.pieces.capacity() * size_of::<Piece>()
    }

    fn look(&self, measure: bool) -> Option<Look> {
        let mut looking = Looking::closer(Glimpse::default(), measure);
        for piece in &self.pieces {
            looking.take(piece.side, piece.segment(&self.bytes).data);
        }
        looking.look()
    }

    /// Copies a piece; false when there is no room for it.
    fn keep(&mut self, segment: &Segment<'_>) -> bool {
        let bytes = &mut self.bytes[segment.side.index()];
        // A datagram is looked at whole; a second one of the same side would only blur it.
        let room = PROBE_BYTES_MAX.saturating_sub(bytes.len());
        if room == 0 || segment.data.len() > room {
            return false;
        }
        let piece = Piece {
            side: segment.side,
            datagram: segment.datagram,
            start: bytes.len() as u16,
            length: segment.data.len() as u16,
            cite: segment.cite(),
        };
        self.pieces.push(piece);
        bytes.extend_from_slice(segment.data);
        true
    }

    fn prefix(&self) -> Prefix<'_> {
        let first = self.pieces.first().map_or(Side::Low, |piece| piece.side);
        let sides = [Side::Low, Side::High].map(|side| {
            let bytes = &self.bytes[side.index()][..];
            let one = self.pieces.iter().find(|piece| piece.side == side);
            match one {
                Some(piece) if piece.datagram => &bytes[..usize::from(piece.length)],
                _ => bytes,
            }
        });
        let newest = self.pieces.last().map_or(&[][..], |piece| piece.segment(&self.bytes).data);
        Prefix { sides, first, newest }
    }
}

fn limited(bytes: &[u8]) -> &[u8] {
    &bytes[..bytes.len().min(PROBE_BYTES_MAX)]
}

/// Feeds a session; `None` when it panicked, which costs the rest of that flow's facts and
/// nothing else.
fn feed(
    session: &mut dyn Session,
    segment: &Segment<'_>,
    notes: bool,
    say: &mut Say<'_>,
) -> Option<Next> {
    let mut say = heard(notes, segment, say);
    catch_unwind(AssertUnwindSafe(|| session.feed(segment, &mut say))).ok()
}

/// Passes on what a segment says, notes only where they are wanted.
fn heard(notes: bool, segment: &Segment<'_>, say: &mut Say<'_>) -> impl FnMut(Fact<'_>) {
    move |fact| {
        if notes || !matches!(fact.what, What::Note) {
            say(segment, fact);
        }
    }
}

enum Asked {
    Yes(usize),
    FromHere(usize),
    /// Those that want more.
    Undecided(u128),
}

fn ask(flow: &Flow, prefix: &Prefix<'_>, candidates: u128) -> Asked {
    let mut undecided = 0;
    let mut left = candidates;
    while left != 0 {
        let index = left.trailing_zeros() as usize;
        left &= left - 1;
        match DISSECTORS[index].probe(flow, prefix) {
            Probe::Yes => return Asked::Yes(index),
            Probe::FromHere => return Asked::FromHere(index),
            Probe::More => undecided |= 1 << index,
            Probe::No => {}
        }
    }
    Asked::Undecided(undecided)
}

fn begin(index: usize, flow: &Flow, seen: &Prefix<'_>, frame: u64, common: &Common) -> State {
    let mut session = DISSECTORS[index].start_after(flow, seen);
    session.join(common);
    State::Followed(Box::new(Followed {
        session,
        decided: Decided::new(index, frame),
        held_bytes: 0,
    }))
}

/// Without a session: what the IP header itself says for protocols without ports, else the port
/// number.
fn by_port(flow: &Flow) -> Label {
    let (name, method) = match (flow.key.protocol, flow.service_port()) {
        (TCP | UDP, Some(number)) => (port::name(flow.key.protocol, number), Method::Port),
        (TCP | UDP, None) => (None, Method::None),
        (other, _) => (port::transport(other), Method::Payload),
    };
    let content = match (method, flow.key.protocol) {
        (Method::Payload, ESP) => Content::Encrypted,
        (Method::Payload, ICMP | IGMP | ICMPV6) => Content::Service,
        _ => Content::Unknown,
    };
    Label {
        protocol: name.unwrap_or("unknown"),
        method: if name.is_some() { method } else { Method::None },
        frame: if name.is_some() && method == Method::Payload { flow.first_frame } else { 0 },
        content,
    }
}

const ICMP: u8 = 1;
const ESP: u8 = 50;

#[cfg(test)]
pub mod tests {
    use super::super::testing;
    use super::*;

    #[test]
    fn the_state_of_a_flow_is_two_words() {
        assert_eq!(size_of::<State>(), 16);
    }

    #[test]
    fn the_table_is_in_order() {
        assert!(DISSECTORS.len() < 128, "candidates are bits of a u128");
        let mut names: Vec<&str> = DISSECTORS.iter().map(|d| d.name()).collect();
        assert!(names.iter().all(|name| *name == name.to_lowercase()));
        assert!(DISSECTORS.iter().all(|d| (3..=64).contains(&d.rule().len())));
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), DISSECTORS.len());
    }

    /// Beginnings behind which dissectors read lengths.
    pub const BEGINNINGS: &[&[u8]] = &[
        b"\x20\0\0\0DHIP",
        b"\xff\0\0\0",
        b"\xf0\xde\xbc\x0a",
        b"\x3a\xcf\x87\x2a",
        b"\xd0\xf2",
        b"\0\0\x55\xaa",
        b"\0\0\x66\x99",
        b"\x21\x31",
        b"\xf1\x41",
        b"\x02\0\0\x01",
        b"\x05\x64",
        b"\x68\x0e",
        b"\x03\0\0",
        b"\x7e\xa0",
        b"\0\x01",
        b"\x81\x0b",
        b"HELF",
        b"\x06\x10\x02",
        b"\x63\0",
        b"\x60\x20",
        b"\x02\0\0\0",
        b"##\x01\xfe",
        b"\x7e\x02\0",
        b"REGISTER a SIP/2.0\r\n",
        b"\x42\x02",
        b"AMQP\0\0\x09\x01\x01",
        b"\x30\x26\x02\x01\x01",
        b"\x80\x60",
        b"\x81\xc9\0",
        b"\0\x01\0\x08\x21\x12\xa4\x42",
        b"220 a\r\nEHLO b\r\nAUTH ",
        b"<a><b>",
        b"{\"a\":",
        b"<34>1 ",
    ];

    #[test]
    fn sessions_survive_noise_in_bounded_memory() {
        let mut state = 1u64;
        let mut noise = |length: usize| -> Vec<u8> {
            let mut byte = || {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                // Few values, so that tags and lengths are met.
                let byte = (state >> 56) as u8;
                if byte & 1 == 0 { byte >> 5 } else { byte }
            };
            (0..length).map(|_| byte()).collect()
        };
        for protocol in [super::super::TCP, super::super::UDP] {
            let flow = testing::flow(protocol, 50_000, 443);
            for dissector in DISSECTORS {
                let mut session = dissector.start(&flow);
                for (round, beginning) in BEGINNINGS.iter().cycle().take(400).enumerate() {
                    let bytes = [*beginning, &noise(round % 97)].concat();
                    let side = if round % 3 == 0 { Side::High } else { Side::Low };
                    let piece = Segment {
                        datagram: protocol == super::super::UDP,
                        gap: (round % 11 == 10).into(),
                        ..testing::segment(side, &bytes, 1)
                    };
                    let sides = [&bytes[..], &bytes[..bytes.len() / 2]];
                    let prefix = Prefix { sides, first: side, newest: &bytes };
                    let _ = dissector.probe(&flow, &prefix);
                    session.feed(&piece, &mut |fact| assert!(fact.value.len() <= 64 * 1024));
                    let held = session.held_bytes();
                    assert!(held <= 256 * 1024, "{}: {held}", dissector.name());
                }
            }
        }
    }

    #[test]
    fn probes_survive_nothing_and_every_single_byte() {
        for protocol in [super::super::TCP, super::super::UDP] {
            let flow = testing::flow(protocol, 50_000, 443);
            for dissector in DISSECTORS {
                let _ = dissector
                    .probe(&flow, &Prefix { sides: [&[], &[]], first: Side::Low, newest: &[] });
                for byte in 0..=255u8 {
                    let one = [byte];
                    let prefix = Prefix { sides: [&one, &[]], first: Side::Low, newest: &one };
                    let _ = dissector.probe(&flow, &prefix);
                    let mut session = dissector.start(&flow);
                    let segment = testing::segment(Side::Low, &one, 1);
                    session.feed(&segment, &mut |_| {});
                }
            }
        }
    }
}
