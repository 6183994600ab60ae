//! What one packet changes in the record of its flow.

use super::brief::{Brief, Kind};
use super::distribution::Distributions;
use super::message::PAUSE_MIN;
use super::share::Share;
use super::{Cite, Flow, Marks, RoundTrip, Segment};
use crate::base::time::SECOND;
use crate::decode::ip::flag;

/// Idle time after which an established TCP connection is taken to have ended.
const ESTABLISHED_IDLE: i64 = 2 * 3600 * SECOND;
/// Idle time of half-open and of closed TCP connections, and of other protocols.
const OTHER_IDLE: i64 = 60 * SECOND;
/// Idle time of UDP flows.
const UDP_IDLE: i64 = 180 * SECOND;

/// What a segment says of its connection; returns the number of its payload's first byte, where it
/// has any.
#[inline(always)]
fn segment_of_tcp(
    flow: &mut Flow,
    brief: &Brief,
    distributions: &mut Distributions,
) -> Option<u32> {
    let Brief { side, flags, payload_length, .. } = *brief;
    let opens = flags & flag::SYN != 0;
    if opens || flow.packets() <= 3 {
        handshake(flow, brief, distributions);
    }
    let fresh = flow.tcp.note(side, flags, payload_length > 0);
    if fresh != 0 {
        flow.history.add(side, fresh);
    }
    if flags & flag::ACK != 0 {
        let fin_sent = flow.tcp.saw_fin(side.other());
        let other = &mut flow.ways[side.other().index()].half;
        other.acknowledge(brief.acknowledgment, fin_sent);
    }
    if payload_length == 0 {
        return None;
    }
    if flags & flag::RST != 0 {
        // A reset may carry text that explains it (RFC 9293 §3.5.3): not payload.
        flow.ways[side.index()].payload_bytes -= u64::from(payload_length);
        return None;
    }
    // Data on a SYN (TCP Fast Open, RFC 7413) comes behind the SYN's own number.
    let sequence = brief.sequence.wrapping_add(u32::from(opens));
    let added = flow.ways[side.index()].half.count(sequence, payload_length);
    if added.new_bytes != payload_length {
        let again = payload_length.saturating_sub(added.new_bytes);
        flow.rare().repeated[side.index()] += u64::from(again);
    }
    Some(sequence)
}

/// Counts what a packet of a flow carries; returns the number of its first byte, where it is payload
/// that somebody wants. `duplicates` are the packets and bytes of all flows that came again.
#[inline(always)]
pub(super) fn take_up(
    flow: &mut Flow,
    brief: &Brief,
    duplicates: &mut [u64; 2],
    distributions: &mut Distributions,
) -> Option<u32> {
    if brief.is_part() {
        flow.marks.set(Marks::FRAGMENTS, true);
        return None;
    }
    if brief.again {
        duplicates[0] += 1;
        duplicates[1] += u64::from(brief.wire_length);
        duplicate(flow, brief);
        return None;
    }
    let sequence = match brief.kind {
        Kind::Tcp => segment_of_tcp(flow, brief, distributions),
        _ => (brief.payload_length > 0).then_some(0),
    };
    sequence.filter(|_| flow.marks.has(Marks::WANTED))
}

pub(super) fn segment<'a>(brief: &Brief, data: &'a [u8]) -> Segment<'a> {
    Segment {
        side: brief.side,
        data,
        frame: brief.number,
        time: brief.time,
        wire_length: brief.wire_length,
        gap: 0,
        datagram: brief.kind != Kind::Tcp,
    }
}

/// The second sight of a packet counts, but nothing in it was delivered again.
#[cold]
fn duplicate(flow: &mut Flow, brief: &Brief) {
    let way = brief.side.index();
    let rare = flow.rare();
    rare.repeated[way] += u64::from(brief.payload_length);
    let [packets, bytes] = &mut rare.duplicates[way];
    *packets += 1;
    *bytes += u64::from(brief.wire_length);
}

/// Before the first packet of another input than the first is counted.
#[cold]
pub(super) fn begin_shares(flow: &mut Flow) {
    if !flow.marks.has(Marks::SHARED) {
        let first = Share::whole(flow);
        flow.marks.set(Marks::SHARED, true);
        flow.rare().shares.begin(first);
    }
}

/// Counts the packet for the input it came from.
pub(super) fn share(flow: &mut Flow, brief: &Brief, delivered_bytes: u64) {
    let cite = Cite { frame: brief.number, time: brief.time, length: brief.wire_length };
    flow.rare().shares.add(brief.side, cite, brief.seen, delivered_bytes);
}

/// Whether a packet that fits the key belongs to the flow, or begins another.
#[inline(always)]
pub(super) fn continues(flow: &Flow, brief: &Brief, gap: i64) -> bool {
    // No limit is shorter, and nearly every gap is.
    if gap > OTHER_IDLE && gap > idle_limit(flow) {
        return false;
    }
    let opens = brief.kind == Kind::Tcp && brief.flags & (flag::SYN | flag::ACK) == flag::SYN;
    !(opens && flow.tcp.is_over())
}

/// Counts a packet of a flow; returns whether it brings payload after a pause.
#[inline(always)]
pub(super) fn count(
    flow: &mut Flow,
    gap: Option<i64>,
    brief: &Brief,
    distributions: &mut Distributions,
) -> bool {
    distributions.frame(brief.wire_length);
    let mut after_pause = false;
    if let Some(gap) = gap.filter(|gap| *gap >= 0) {
        distributions.gap(gap);
        after_pause = gap >= PAUSE_MIN && brief.payload_length > 0;
    }
    flow.last = flow.last.max(brief.seen);
    let way = &mut flow.ways[brief.side.index()];
    if way.packets == 0 {
        flow.hops[brief.side.index()] = brief.hops;
    }
    way.last_frame = way.last_frame.max(brief.number);
    way.packets += 1;
    way.wire_bytes += u64::from(brief.wire_length);
    way.ip_bytes += u64::from(brief.ip_length);
    way.payload_bytes += u64::from(brief.payload_length);
    after_pause
}

/// How long a flow may be silent before it has ended, nanoseconds.
pub(super) fn idle_limit(flow: &Flow) -> i64 {
    match flow.key.protocol {
        6 if flow.tcp.is_over() => OTHER_IDLE,
        6 if flow.tcp.is_established() => ESTABLISHED_IDLE,
        17 => UDP_IDLE,
        _ => OTHER_IDLE,
    }
}

/// Learns initiator, initial sequence numbers and round trips from the first segments.
fn handshake(flow: &mut Flow, brief: &Brief, distributions: &mut Distributions) {
    let Brief { side, flags, time, .. } = *brief;
    let other = side.other();
    let measured = if flags & flag::SYN != 0 {
        let answer = flags & flag::ACK != 0;
        let first_answer = answer && !flow.tcp.saw_syn(side);
        flow.initiator = if answer { other } else { side };
        flow.initiator_known = true;
        flow.ways[side.index()].half.synchronise(brief.sequence);
        // A repeated SYN makes the measurement ambiguous (Karn's algorithm).
        if first_answer && flow.ways[other.index()].packets == 1 {
            positive(time.since(flow.first))
        } else {
            None
        }
    } else if flow.initiator_known && side == flow.initiator && flow.packets() == 3 {
        let rest = flow.round_trip(other);
        rest.and_then(|rest| positive(time.since(flow.first) - rest))
    } else {
        None
    };
    if let Some(measured) = measured {
        flow.round_trip[side.index()] = measured;
        distributions.round_trip(i64::from(measured.0));
    }
}

fn positive(nanoseconds: i64) -> Option<RoundTrip> {
    (nanoseconds > 0).then(|| RoundTrip(u32::try_from(nanoseconds).unwrap_or(u32::MAX)))
}
