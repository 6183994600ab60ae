//! The table of live flows of one partition.

use super::brief::{Brief, Kind};
use super::counting::{begin_shares, continues, count, idle_limit, segment, share, take_up};
use super::distribution::Distributions;
use super::index::Index;
use super::message::{self, LIVED_MIN, TABLE_FLOWS_MAX};
use super::slab::Slab;
use super::timer::Wheel;
use super::{End, Flow, FlowId, FlowSink, Marks, Rare, RoundTrip, Segment, Side, Way, tcp};
use crate::base::frame;
use crate::base::time::Timestamp;
use crate::decode::ip::flag;
use crate::decode::{Tunnels, Vlans};
use std::hint::black_box;

/// Payload held back in one table until what precedes it arrives, bytes: the 64 tables of a run
/// hold 64 MiB at most.
const TABLE_HELD_BYTES_MAX: usize = 1024 * 1024;
/// Resident memory of one live flow, bytes: its record, its slots in the index (at most 22 bytes),
/// its link in the timer wheel (12, up to twice that) and the state of its protocol (16, likewise).
/// What dissectors keep is bounded apart.
pub const FLOW_BYTES: usize = size_of::<Flow>() + 22 + 24 + 32;

/// Flows whose records are fetched at once.
const AHEAD: usize = 32;
/// Stands for no flow.
pub(super) const NONE: u32 = u32::MAX;

/// What the bounds of a table cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Losses {
    /// Flows ended before their time because the table was full.
    pub flows_evicted: u64,
    /// Gaps in streams that were given up before their time because too much was held behind
    /// gaps in all flows together.
    pub gaps_given_up: u64,
    /// Long flows whose messages there was no room to keep.
    pub flows_unheard: u64,
}

impl Losses {
    /// Adds those of another table.
    pub fn add(&mut self, other: &Losses) {
        self.flows_evicted += other.flows_evicted;
        self.gaps_given_up += other.gaps_given_up;
        self.flows_unheard += other.flows_unheard;
    }
}

/// Live flows, found by key and ended by packet time.
pub struct FlowTable {
    flows: Slab,
    index: Index,
    wheel: Wheel,
    held_bytes: usize,
    /// Flows whose messages are kept.
    heard: usize,
    /// Time of the earliest packet.
    begun: Timestamp,
    /// Most live flows.
    flows_max: usize,
    /// Flows begun so far.
    pub created: u64,
    /// Packets, and bytes on the wire, seen a second time.
    pub duplicates: [u64; 2],
    /// Segments that say something else than an earlier copy.
    pub conflicts: u64,
    /// What the bounds cost.
    pub losses: Losses,
}

/// What stands around a packet and tells a new flow more than its own headers do.
#[derive(Debug, Clone, Copy)]
pub struct Around<'a> {
    /// VLAN tags.
    pub vlans: &'a Vlans,
    /// Tunnels.
    pub tunnels: &'a Tunnels,
}

impl FlowTable {
    /// An empty table that holds at most `flows_max` live flows.
    #[must_use]
    pub fn new(flows_max: usize) -> FlowTable {
        let flows_max = flows_max.max(1);
        FlowTable {
            flows: Slab::new(flows_max),
            index: Index::default(),
            wheel: Wheel::new(),
            held_bytes: 0,
            heard: 0,
            begun: Timestamp(i64::MAX),
            flows_max,
            created: 0,
            duplicates: [0; 2],
            conflicts: 0,
            losses: Losses::default(),
        }
    }

    /// Live flows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.index.len()
    }

    /// Whether no flow is live.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.index.len() == 0
    }

    /// The flow that a packet probably belongs to. Asked for many packets before any is worked
    /// on, so that the memory of all is fetched at once.
    #[inline]
    #[must_use]
    pub fn guess(&self, brief: &Brief) -> Option<FlowId> {
        self.index.guess(brief.tag).map(FlowId)
    }

    /// Reads a little of each line of memory that a packet of this flow will touch; the sum
    /// means nothing.
    #[inline]
    #[must_use]
    pub fn glance(&self, id: FlowId, brief: &Brief) -> u64 {
        let flow = &self.flows[id.0];
        let sum = flow.last.0 as u64 ^ flow.ways[brief.side.index()].packets;
        if brief.kind == Kind::Tcp {
            // What one side acknowledges is held against what the other sent.
            return sum ^ flow.ways[brief.side.other().index()].packets;
        }
        sum
    }

    /// Takes one packet. `guess` is what was guessed for it; `now` is the highest capture time so
    /// far, in the whole capture; what stands around it, and its payload, are asked for only where
    /// somebody wants them.
    #[inline]
    pub fn packet<'p, 'a>(
        &mut self,
        (brief, guess): (&Brief, Option<FlowId>),
        now: Timestamp,
        around: impl FnOnce() -> Option<Around<'a>>,
        payload: impl FnOnce() -> &'p [u8],
        distributions: &mut Distributions,
        sink: &mut impl FlowSink,
    ) {
        if self.wheel.is_due(now) {
            self.expire(now, brief.number, sink);
        }
        let found = self.find(brief, guess);
        if let Some(id) = found {
            let flow = &self.flows[id];
            let gap = brief.seen.since(flow.last);
            if continues(flow, brief, gap) {
                return self.count_in(id, Some(gap), brief, payload, distributions, sink);
            }
        }
        self.first(found, brief, around(), now, payload, distributions, sink);
    }

    /// Takes the first packet of a flow; `old` is the one with the same key that it does not belong to.
    #[inline(never)]
    #[expect(clippy::too_many_arguments, reason = "what a packet needs, once apart")]
    fn first<'p>(
        &mut self,
        old: Option<u32>,
        brief: &Brief,
        around: Option<Around<'_>>,
        now: Timestamp,
        payload: impl FnOnce() -> &'p [u8],
        distributions: &mut Distributions,
        sink: &mut impl FlowSink,
    ) {
        let id = self.begin(old, brief, around, now, sink);
        self.count_in(id, None, brief, payload, distributions, sink);
    }

    /// Counts a packet in its flow, `gap` nanoseconds behind the one before where there is one.
    #[inline(always)]
    fn count_in<'p>(
        &mut self,
        id: u32,
        gap: Option<i64>,
        brief: &Brief,
        payload: impl FnOnce() -> &'p [u8],
        distributions: &mut Distributions,
        sink: &mut impl FlowSink,
    ) {
        let flow = &mut self.flows[id];
        if usize::from(flow.input) != frame::input(brief.number) {
            begin_shares(flow);
        }
        let after_pause = count(flow, gap, brief, distributions);
        // No flow is older than the table, whose age is near.
        if after_pause && flow.last.since(self.begun) >= LIVED_MIN {
            hear(flow, &mut self.heard, brief);
        }
        if flow.marks.has(Marks::SHARED) {
            self.of_several_inputs(id, brief, payload, distributions, sink);
        } else if let Some(sequence) = take_up(flow, brief, &mut self.duplicates, distributions) {
            self.give(id, sequence, brief, payload(), sink);
        }
    }

    /// The live flow that a packet may belong to.
    #[inline(always)]
    fn find(&self, brief: &Brief, guess: Option<FlowId>) -> Option<u32> {
        let is = |id: u32| self.flows[id].key == brief.key;
        match guess {
            // What is guessed may have ended since.
            Some(FlowId(id)) if is(id) && !self.flows[id].marks.has(Marks::GONE) => Some(id),
            _ => self.index.find(brief.tag, is),
        }
    }

    /// Hands out payload that is wanted.
    #[inline(always)]
    fn give(
        &mut self,
        id: u32,
        sequence: u32,
        brief: &Brief,
        payload: &[u8],
        sink: &mut impl FlowSink,
    ) {
        let segment = segment(brief, payload);
        match brief.kind {
            Kind::Tcp => self.hand_out(id, sequence, brief.payload_length, segment, sink),
            Kind::Udp | Kind::Icmp | Kind::Igmp => {
                let flow = &mut self.flows[id];
                let more = segment.data.is_empty() || sink.segment(FlowId(id), flow, &segment);
                flow.marks.set(Marks::WANTED, more);
            }
            Kind::Other | Kind::Part | Kind::LostPart => {}
        }
    }

    #[cold]
    fn of_several_inputs<'p>(
        &mut self,
        id: u32,
        brief: &Brief,
        payload: impl FnOnce() -> &'p [u8],
        distributions: &mut Distributions,
        sink: &mut impl FlowSink,
    ) {
        let delivered = |flow: &Flow| flow.sent(brief.side).delivered_bytes;
        // The payload is counted already; whether it is new shows only now.
        let before = delivered(&self.flows[id]) - u64::from(brief.payload_length);
        let flow = &mut self.flows[id];
        if let Some(sequence) = take_up(flow, brief, &mut self.duplicates, distributions) {
            self.give(id, sequence, brief, payload(), sink);
        }
        let flow = &mut self.flows[id];
        share(flow, brief, delivered(flow) - before);
    }

    /// Begins a flow, and ends the one with the same key that the packet does not belong to.
    #[inline(never)]
    fn begin(
        &mut self,
        old: Option<u32>,
        brief: &Brief,
        around: Option<Around<'_>>,
        now: Timestamp,
        sink: &mut impl FlowSink,
    ) -> u32 {
        if let Some(id) = old {
            let flow = &self.flows[id];
            let idle = brief.seen.since(flow.last) > idle_limit(flow);
            let end = match (flow.tcp.is_over(), idle) {
                (true, _) => End::Closed,
                (false, true) => End::TimeOut,
                (false, false) => End::Reused,
            };
            self.close(id, end, brief.number, sink);
        }
        self.open(brief, around, now, sink)
    }

    /// Ends every live flow; `frame` is the number behind the last. `pause` is called after every
    /// few of them, so that what was said of their end can be heard while it is near. The table is
    /// of no use after.
    pub fn finish<S: FlowSink>(&mut self, frame: u64, sink: &mut S, mut pause: impl FnMut(&mut S)) {
        let live = self.live();
        self.index = Index::default();
        for ahead in live.chunks(AHEAD) {
            self.fetch(ahead.iter().copied());
            for &id in ahead {
                self.hand_out_rest(id, sink);
                let flow = self.flows.take(id);
                self.forget_messages(&flow);
                let end = end_with_capture(&flow);
                sink.closed(FlowId(id), flow, end, frame);
            }
            pause(sink);
        }
    }

    /// Shows every live flow as it is now, with how it would end if the capture ended here, in the
    /// order in which [`FlowTable::finish`] would end them.
    pub fn peek(&self, mut show: impl FnMut(FlowId, &Flow, End)) {
        for id in self.live() {
            let flow = &self.flows[id];
            show(FlowId(id), flow, end_with_capture(flow));
        }
    }

    /// The places of flows, with the live flow of each where there is one. A place is used again.
    pub fn places(&self) -> impl Iterator<Item = Option<&Flow>> {
        self.flows.places()
    }

    /// All live flows in the order of their first frames.
    fn live(&self) -> Vec<u32> {
        let at = |id: u32| (self.flows[id].first_frame, self.flows[id].first);
        let mut live: Vec<_> = self.index.ids().map(|id| (at(id), id)).collect();
        frame::sort(&mut live, |&(at, _)| at);
        live.into_iter().map(|(_, id)| id).collect()
    }

    fn open(
        &mut self,
        brief: &Brief,
        around: Option<Around<'_>>,
        now: Timestamp,
        sink: &mut impl FlowSink,
    ) -> u32 {
        if self.index.len() >= self.flows_max
            && let Some(first) = self.wheel.first()
        {
            self.losses.flows_evicted += 1;
            self.close(first, End::Evicted, brief.number, sink);
        }
        let side = brief.side;
        let [receiver, sender] = brief.macs;
        let mut macs = [sender, receiver];
        let mut hops = [brief.hops, 0];
        if side == Side::High {
            macs.swap(0, 1);
            hops.swap(0, 1);
        }
        let (initiator, initiator_known) = match brief.kind {
            Kind::Tcp if brief.flags & flag::SYN != 0 => {
                let answer = brief.flags & flag::ACK != 0;
                (if answer { side.other() } else { side }, true)
            }
            Kind::Tcp => (side, false),
            _ => (side, true),
        };
        let rare = around.map(|Around { vlans, tunnels }| {
            let tunnels = (!tunnels.is_empty()).then_some(*tunnels);
            Box::new(Rare { vlans: *vlans, tunnels, ..Rare::default() })
        });
        let mut marks = Marks::WANTED;
        marks.set(Marks::HIGH_FIRST, side == Side::High);
        let flow = Flow {
            key: brief.key,
            last: brief.seen,
            initiator,
            initiator_known,
            marks,
            tcp: tcp::Connection::default(),
            input: frame::input(brief.number) as u16,
            ways: [Way::default(), Way::default()],
            first: brief.time,
            first_frame: brief.number,
            rare,
            history: tcp::History::default(),
            round_trip: [RoundTrip::default(); 2],
            first_length: brief.wire_length,
            tag: brief.tag,
            macs,
            hops,
            icmp: brief.icmp,
        };
        let limit = idle_limit(&flow);
        let id = self.flows.add(flow);
        self.index.insert(brief.tag, id);
        self.wheel.arm(id, Timestamp(now.0.saturating_add(limit)), now);
        self.begun = self.begun.min(brief.time);
        self.created += 1;
        sink.opened(FlowId(id), &self.flows[id]);
        id
    }

    fn hand_out(
        &mut self,
        id: u32,
        sequence: u32,
        length: u32,
        segment: Segment<'_>,
        sink: &mut impl FlowSink,
    ) {
        let way = segment.side.index();
        let mut half = std::mem::take(&mut self.flows[id].ways[way].half);
        let (before, conflicts) = (half.held_bytes(), half.conflicts);
        let flow = &self.flows[id];
        let mut give = |piece: &Segment<'_>| sink.segment(FlowId(id), flow, piece);
        let mut wanted = half.hand_out(sequence, length, segment, &mut give);
        let others = self.held_bytes - before;
        if others + half.held_bytes() > TABLE_HELD_BYTES_MAX {
            half.forget_tail();
        }
        while wanted && others + half.held_bytes() > TABLE_HELD_BYTES_MAX && half.holds() {
            self.losses.gaps_given_up += 1;
            wanted = half.give_up_gap(segment, &mut give);
        }
        self.held_bytes = others + half.held_bytes();
        self.conflicts += u64::from(half.conflicts - conflicts);
        let flow = &mut self.flows[id];
        flow.ways[way].half = half;
        if !wanted {
            flow.marks.set(Marks::WANTED, false);
            for way in &mut flow.ways {
                self.held_bytes -= way.half.held_bytes();
                way.half.drop_held();
            }
        }
    }

    fn expire(&mut self, now: Timestamp, frame: u64, sink: &mut impl FlowSink) {
        let mut due = [NONE; AHEAD];
        loop {
            let mut count = 0;
            while count < AHEAD
                && let Some(id) = self.wheel.next_due(now)
            {
                due[count] = id;
                count += 1;
            }
            if count == 0 {
                return;
            }
            self.fetch(due[..count].iter().copied());
            for &id in &due[..count] {
                let flow = &self.flows[id];
                let deadline = Timestamp(flow.last.0.saturating_add(idle_limit(flow)));
                if deadline < now {
                    let end = if flow.tcp.is_over() { End::Closed } else { End::TimeOut };
                    self.end(id, end, frame, sink);
                } else {
                    self.wheel.arm(id, deadline, now);
                }
            }
        }
    }

    /// Brings the records of flows near that will be ended, and their slots in the index: they were
    /// idle for long, so that their memory is far, and the processor fetches it side by side.
    fn fetch(&self, flows: impl Iterator<Item = u32> + Clone) {
        black_box(flows.clone().fold(0, |sum, id| {
            let Flow { last, ways, first, .. } = &self.flows[id];
            sum ^ last.0 ^ first.0 ^ (ways[0].packets ^ ways[1].packets) as i64
        }));
        let slots = flows.filter_map(|id| self.index.guess(self.flows[id].tag));
        black_box(slots.fold(0, |sum, id| sum ^ id));
    }

    fn close(&mut self, id: u32, end: End, frame: u64, sink: &mut impl FlowSink) {
        self.wheel.disarm(id);
        self.end(id, end, frame, sink);
    }

    /// Ends a flow that has left the wheel.
    fn end(&mut self, id: u32, end: End, frame: u64, sink: &mut impl FlowSink) {
        self.hand_out_rest(id, sink);
        let flow = self.flows.remove(id);
        self.forget_messages(&flow);
        self.index.remove(flow.tag, id);
        sink.closed(FlowId(id), flow, end, frame);
    }

    /// Makes room for the messages of another flow than this, which ends.
    fn forget_messages(&mut self, flow: &Flow) {
        let heard = flow.marks.has(Marks::MESSAGES);
        self.heard -= usize::from(heard);
        let unheard = !heard && flow.marks.has(Marks::UNHEARD) && message::has_lived(flow);
        self.losses.flows_unheard += u64::from(unheard);
    }

    /// Hands out what is still held behind gaps that no packet can fill any more.
    fn hand_out_rest(&mut self, id: u32, sink: &mut impl FlowSink) {
        for side in [Side::Low, Side::High] {
            let half = &mut self.flows[id].ways[side.index()].half;
            self.held_bytes -= half.held_bytes();
            if !half.holds() {
                half.drop_held();
                continue;
            }
            let mut half = std::mem::take(half);
            let flow = &self.flows[id];
            let like = Segment {
                side,
                data: &[],
                frame: flow.last_frame(),
                time: flow.last,
                wire_length: 0,
                gap: 0,
                datagram: false,
            };
            let mut wanted = flow.marks.has(Marks::WANTED);
            while wanted && half.holds() {
                wanted = half.give_up_gap(like, &mut |piece| sink.segment(FlowId(id), flow, piece));
            }
            half.drop_held();
            let flow = &mut self.flows[id];
            flow.ways[side.index()].half = half;
            flow.marks.set(Marks::WANTED, wanted);
        }
    }
}

/// A message began in a flow that may have lived for long, beside so many that are heard.
fn hear(flow: &mut Flow, flows_heard: &mut usize, brief: &Brief) {
    let heard = flow.marks.has(Marks::MESSAGES);
    if heard || *flows_heard < TABLE_FLOWS_MAX {
        message::begins(flow, brief);
        *flows_heard += usize::from(flow.marks.has(Marks::MESSAGES) && !heard);
    } else {
        // Nothing else is touched: most flows are turned away here once there are many.
        flow.marks.set(Marks::UNHEARD, true);
    }
}

/// How a flow that is live ends when the capture does.
fn end_with_capture(flow: &Flow) -> End {
    if flow.tcp.is_over() { End::Closed } else { End::CaptureEnd }
}
