//! The table of live flows of one partition.

use super::distribution::Distributions;
use super::key::FlowKey;
use super::stream::Half;
use super::timer::{self, Wheel};
use super::{End, Flow, FlowId, FlowSink, Segment, Sent, Side, tcp};
use crate::base::frame;
use crate::base::table::BuildHasher;
use crate::base::time::{SECOND, Timestamp};
use crate::decode::fragments::Part;
use crate::decode::ip::flag;
use crate::decode::{Ip, Packet, Tcp, Transport};
use crate::source::Frame;
use hashbrown::HashTable;
use std::hash::BuildHasher as _;

/// Idle time after which an established TCP connection is taken to have ended.
const ESTABLISHED_IDLE: i64 = 2 * 3600 * SECOND;
/// Idle time of half-open and of closed TCP connections, and of other protocols.
const OTHER_IDLE: i64 = 60 * SECOND;
/// Idle time of UDP flows.
const UDP_IDLE: i64 = 180 * SECOND;

/// What the bounds of a table cost.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Losses {
    /// Flows ended before their time because the table was full.
    pub flows_evicted: u64,
}

/// Live flows, found by key and ended by packet time.
pub struct FlowTable {
    flows: Slab,
    index: HashTable<u32>,
    hasher: BuildHasher,
    wheel: Wheel,
    /// Most live flows.
    flows_max: usize,
    /// Flows begun so far.
    pub created: u64,
    /// What the bound cost.
    pub losses: Losses,
    /// Sizes, gaps and round trips of all packets of the table.
    pub distributions: Distributions,
}

struct Slab {
    flows: Vec<Flow>,
    free: Vec<u32>,
}

impl timer::Links for Slab {
    fn link(&mut self, index: u32) -> &mut timer::Link {
        &mut self.flows[index as usize].timer
    }
}

impl FlowTable {
    /// An empty table that holds at most `flows_max` live flows.
    #[must_use]
    pub fn new(flows_max: usize) -> FlowTable {
        FlowTable {
            flows: Slab { flows: Vec::new(), free: Vec::new() },
            index: HashTable::new(),
            hasher: BuildHasher::default(),
            wheel: Wheel::new(),
            flows_max: flows_max.max(1),
            created: 0,
            losses: Losses::default(),
            distributions: Distributions::default(),
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
        self.index.is_empty()
    }

    /// Takes one packet. `now` is the highest capture time so far, in the whole capture.
    #[inline]
    pub fn packet(
        &mut self,
        frame: &Frame<'_>,
        packet: &Packet<'_>,
        ip: &Ip<'_>,
        now: Timestamp,
        sink: &mut impl FlowSink,
    ) {
        let (id, side) = self.locate(frame, packet, ip, now, now, sink);
        self.count(id, side, frame, ip.length, now);
        self.update(id, side, frame, ip, sink);
    }

    /// Counts a frame with a fragment of a packet whose flow is known by now, or of one that
    /// was given up: later than its turn, and without what it carries.
    pub fn part(
        &mut self,
        part: &Part,
        packet: &Packet<'_>,
        ip: &Ip<'_>,
        now: Timestamp,
        sink: &mut impl FlowSink,
    ) {
        let frame = part.frame();
        let (id, side) = self.locate(&frame, packet, ip, part.seen, now, sink);
        self.count(id, side, &frame, part.ip_length, part.seen);
        let flow = &mut self.flows.flows[id as usize];
        flow.fragments = true;
        let sent = &mut flow.sent[side.index()];
        if sent.packets == 1 {
            flow.hops[side.index()] = ip.hops;
        }
        if ip.fragment {
            sent.payload_bytes += u64::from(part.payload_length);
            sent.delivered_bytes += u64::from(part.payload_length);
        }
    }

    /// The flow of a packet, opened where there is none, and the side that sent it. `seen` is
    /// the highest capture time when the packet was read, `now` that of the frame in turn.
    #[inline]
    fn locate(
        &mut self,
        frame: &Frame<'_>,
        packet: &Packet<'_>,
        ip: &Ip<'_>,
        seen: Timestamp,
        now: Timestamp,
        sink: &mut impl FlowSink,
    ) -> (u32, Side) {
        if self.wheel.is_due(now) {
            self.expire(now, frame.number, sink);
        }
        let (key, side) = FlowKey::of(ip, packet);
        let hash = self.hasher.hash_one(key);
        let flows = &self.flows.flows;
        let found = self.index.find(hash, |&i| flows[i as usize].key == key).copied();
        let id = match found {
            Some(id) if self.continues(id, ip, seen) => id,
            Some(id) => {
                let flow = &self.flows.flows[id as usize];
                let idle = seen.since(flow.last) > idle_limit(flow);
                let end = match (flow.tcp.is_over(), idle) {
                    (true, _) => End::Closed,
                    (false, true) => End::TimeOut,
                    (false, false) => End::Reused,
                };
                self.close(id, end, frame.number, sink);
                self.open(key, side, hash, frame, packet, ip, [seen, now], sink)
            }
            None => self.open(key, side, hash, frame, packet, ip, [seen, now], sink),
        };
        (id, side)
    }

    /// Ends every live flow; `frame` is the number behind the last.
    pub fn finish(&mut self, frame: u64, sink: &mut impl FlowSink) {
        let mut live: Vec<u32> = self.index.iter().copied().collect();
        frame::sort(&mut live, |&id| {
            let flow = &self.flows.flows[id as usize];
            (flow.first_frame, flow.first)
        });
        for id in live {
            let over = self.flows.flows[id as usize].tcp.is_over();
            self.close(id, if over { End::Closed } else { End::CaptureEnd }, frame, sink);
        }
    }

    /// Whether a packet that fits the key belongs to the flow, or begins another.
    #[inline]
    fn continues(&self, id: u32, ip: &Ip<'_>, now: Timestamp) -> bool {
        let flow = &self.flows.flows[id as usize];
        if now.since(flow.last) > idle_limit(flow) {
            return false;
        }
        let Transport::Tcp(tcp) = ip.transport else {
            return true;
        };
        let opens = tcp.flags & (flag::SYN | flag::ACK) == flag::SYN;
        !(opens && flow.tcp.is_over())
    }

    #[expect(
        clippy::too_many_arguments,
        reason = "one caller, and a struct would only rename them"
    )]
    fn open(
        &mut self,
        key: FlowKey,
        side: Side,
        hash: u64,
        frame: &Frame<'_>,
        packet: &Packet<'_>,
        ip: &Ip<'_>,
        [seen, now]: [Timestamp; 2],
        sink: &mut impl FlowSink,
    ) -> u32 {
        if self.index.len() >= self.flows_max
            && let Some(first) = self.wheel.first()
        {
            self.losses.flows_evicted += 1;
            self.close(first, End::Evicted, frame.number, sink);
        }
        let mut macs = [packet.source_mac, packet.destination_mac];
        let mut hops = [ip.hops, 0];
        if side == Side::High {
            macs.swap(0, 1);
            hops.swap(0, 1);
        }
        let (initiator, initiator_known) = match ip.transport {
            Transport::Tcp(tcp) if tcp.flags & flag::SYN != 0 => {
                let answer = tcp.flags & flag::ACK != 0;
                (if answer { side.other() } else { side }, true)
            }
            Transport::Tcp(_) => (side, false),
            _ => (side, true),
        };
        let icmp = match ip.transport {
            Transport::Icmp { kind, code, .. } => Some((kind, code)),
            _ => None,
        };
        let flow = Flow {
            key,
            last: seen,
            sent: [Sent::default(); 2],
            initiator,
            initiator_known,
            wanted: true,
            timer: timer::Link::default(),
            last_frame: frame.number,
            tcp: tcp::Connection::default(),
            halves: [Half::default(), Half::default()],
            first: frame.time,
            first_frame: frame.number,
            first_length: frame.wire_length,
            macs,
            first_sender: side,
            vlans: packet.vlans,
            tunnels: (!packet.tunnels.is_empty()).then(|| Box::new(packet.tunnels)),
            icmp,
            fragments: ip.fragment,
            round_trip: [None; 2],
            hops,
        };
        let limit = idle_limit(&flow);
        let id = match self.flows.free.pop() {
            Some(id) => {
                self.flows.flows[id as usize] = flow;
                id
            }
            None => {
                self.flows.flows.push(flow);
                (self.flows.flows.len() - 1) as u32
            }
        };
        let (flows, hasher) = (&self.flows.flows, &self.hasher);
        self.index.insert_unique(hash, id, |&i| hasher.hash_one(flows[i as usize].key));
        self.wheel.arm(&mut self.flows, id, Timestamp(now.0.saturating_add(limit)));
        self.created += 1;
        sink.opened(FlowId(id), &self.flows.flows[id as usize]);
        id
    }

    #[inline]
    fn count(&mut self, id: u32, side: Side, frame: &Frame<'_>, ip_length: u32, seen: Timestamp) {
        let flow = &mut self.flows.flows[id as usize];
        self.distributions.frame(frame.wire_length);
        if flow.packets() > 0 && seen >= flow.last {
            self.distributions.gap(seen.since(flow.last));
        }
        flow.last = flow.last.max(seen);
        flow.last_frame = flow.last_frame.max(frame.number);
        let sent = &mut flow.sent[side.index()];
        sent.packets += 1;
        sent.wire_bytes += u64::from(frame.wire_length);
        sent.ip_bytes += u64::from(ip_length);
    }

    #[inline]
    fn update(
        &mut self,
        id: u32,
        side: Side,
        frame: &Frame<'_>,
        ip: &Ip<'_>,
        sink: &mut impl FlowSink,
    ) {
        let flow = &mut self.flows.flows[id as usize];
        let sent = &mut flow.sent[side.index()];
        if sent.packets == 1 {
            flow.hops[side.index()] = ip.hops;
        }
        match ip.transport {
            Transport::Tcp(tcp) => self.tcp(id, side, frame, &tcp, sink),
            Transport::Udp { payload, payload_length, .. } => {
                sent.payload_bytes += u64::from(payload_length);
                sent.delivered_bytes += u64::from(payload_length);
                if flow.wanted && !payload.is_empty() {
                    let segment = Segment {
                        side,
                        data: payload,
                        frame: frame.number,
                        time: frame.time,
                        wire_length: frame.wire_length,
                        gap: 0,
                        datagram: true,
                    };
                    flow.wanted = sink.segment(FlowId(id), flow, &segment);
                }
            }
            Transport::Icmp { payload_length, .. }
            | Transport::Ports { payload_length, .. }
            | Transport::Fragment { payload_length, .. }
            | Transport::None { payload_length } => {
                sent.payload_bytes += u64::from(payload_length);
                sent.delivered_bytes += u64::from(payload_length);
            }
        }
    }

    #[inline]
    fn tcp(
        &mut self,
        id: u32,
        side: Side,
        frame: &Frame<'_>,
        tcp: &Tcp<'_>,
        sink: &mut impl FlowSink,
    ) {
        let flow = &mut self.flows.flows[id as usize];
        let opens = tcp.flags & flag::SYN != 0;
        if opens || flow.packets() <= 3 {
            handshake(flow, side, frame.time, tcp, &mut self.distributions);
        }
        flow.tcp.note(side, tcp.flags, tcp.payload_length > 0);
        if tcp.flags & flag::ACK != 0 {
            let fin_sent = flow.tcp.saw_fin(side.other());
            flow.halves[side.other().index()].acknowledge(tcp.acknowledgment, fin_sent);
        }
        if tcp.payload_length == 0 || tcp.flags & flag::RST != 0 {
            // A reset may carry text that explains it (RFC 9293 §3.5.3): not payload.
            return;
        }
        // Data on a SYN (TCP Fast Open, RFC 7413) comes behind the SYN's own number.
        let sequence = tcp.sequence.wrapping_add(u32::from(opens));
        let half = &mut flow.halves[side.index()];
        let added = half.count(sequence, tcp.payload_length);
        let sent = &mut flow.sent[side.index()];
        sent.payload_bytes += u64::from(tcp.payload_length);
        sent.delivered_bytes += u64::from(added.new_bytes);
        if !flow.wanted {
            return;
        }
        let segment = Segment {
            side,
            data: tcp.payload,
            frame: frame.number,
            time: frame.time,
            wire_length: frame.wire_length,
            gap: 0,
            datagram: false,
        };
        let mut half = std::mem::take(&mut flow.halves[side.index()]);
        let flow = &self.flows.flows[id as usize];
        let wanted = half.hand_out(sequence, tcp.payload_length, segment, &mut |piece| {
            sink.segment(FlowId(id), flow, piece)
        });
        let flow = &mut self.flows.flows[id as usize];
        flow.halves[side.index()] = half;
        if !wanted {
            flow.wanted = false;
            flow.halves.iter_mut().for_each(Half::drop_held);
        }
    }

    fn expire(&mut self, now: Timestamp, frame: u64, sink: &mut impl FlowSink) {
        while let Some(id) = self.wheel.next_due(&mut self.flows, now) {
            let flow = &self.flows.flows[id as usize];
            let deadline = Timestamp(flow.last.0.saturating_add(idle_limit(flow)));
            let over = flow.tcp.is_over();
            // The wheel is re-armed in both cases, because `close` takes the flow out of it.
            self.wheel.arm(&mut self.flows, id, deadline.max(now));
            if deadline < now {
                self.close(id, if over { End::Closed } else { End::TimeOut }, frame, sink);
            }
        }
    }

    fn close(&mut self, id: u32, end: End, frame: u64, sink: &mut impl FlowSink) {
        self.hand_out_rest(id, sink);
        sink.closed(FlowId(id), &self.flows.flows[id as usize], end, frame);
        self.wheel.disarm(&mut self.flows, id);
        let hash = self.hasher.hash_one(self.flows.flows[id as usize].key);
        if let Ok(entry) = self.index.find_entry(hash, |&i| i == id) {
            entry.remove();
        }
        self.flows.flows[id as usize].halves = [Half::default(), Half::default()];
        self.flows.free.push(id);
    }

    /// Hands out what is still held behind gaps that no packet can fill any more.
    fn hand_out_rest(&mut self, id: u32, sink: &mut impl FlowSink) {
        for side in [Side::Low, Side::High] {
            let flow = &mut self.flows.flows[id as usize];
            let mut half = std::mem::take(&mut flow.halves[side.index()]);
            let flow = &self.flows.flows[id as usize];
            let like = Segment {
                side,
                data: &[],
                frame: flow.last_frame,
                time: flow.last,
                wire_length: 0,
                gap: 0,
                datagram: false,
            };
            let mut wanted = flow.wanted;
            while wanted && half.holds() {
                wanted = half.give_up_gap(like, &mut |piece| sink.segment(FlowId(id), flow, piece));
            }
            let flow = &mut self.flows.flows[id as usize];
            flow.halves[side.index()] = half;
            flow.wanted = wanted;
        }
    }
}

/// How long a flow may be silent before it has ended, nanoseconds.
fn idle_limit(flow: &Flow) -> i64 {
    match flow.key.protocol {
        6 if flow.tcp.is_over() => OTHER_IDLE,
        6 if flow.tcp.is_established() => ESTABLISHED_IDLE,
        17 => UDP_IDLE,
        _ => OTHER_IDLE,
    }
}

/// Learns initiator, initial sequence numbers and round trips from the first segments.
fn handshake(
    flow: &mut Flow,
    side: Side,
    time: Timestamp,
    tcp: &Tcp<'_>,
    distributions: &mut Distributions,
) {
    let other = side.other();
    let measured = if tcp.flags & flag::SYN != 0 {
        let answer = tcp.flags & flag::ACK != 0;
        let first_answer = answer && !flow.tcp.saw_syn(side);
        flow.initiator = if answer { other } else { side };
        flow.initiator_known = true;
        flow.halves[side.index()].synchronise(tcp.sequence);
        // A repeated SYN makes the measurement ambiguous (Karn's algorithm).
        if first_answer && flow.sent[other.index()].packets == 1 {
            positive(time.since(flow.first))
        } else {
            None
        }
    } else if flow.initiator_known && side == flow.initiator && flow.packets() == 3 {
        flow.round_trip[other.index()].and_then(|rest| positive(time.since(flow.first) - rest))
    } else {
        None
    };
    if let Some(measured) = measured {
        flow.round_trip[side.index()] = Some(measured);
        distributions.round_trip(measured);
    }
}

fn positive(nanoseconds: i64) -> Option<i64> {
    (nanoseconds > 0).then_some(nanoseconds)
}
